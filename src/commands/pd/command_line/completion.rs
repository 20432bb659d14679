//! What may stand at the cursor in the command line of a `pd` command.
//!
//! The definition that parses the line says what an option or an argument takes: by the name of its value in the help
//! (DESTINATION, JOB, OBJECT …). Attributes and their values come from the table of attributes, names of objects from the spool,
//! which is opened only where one may stand.

use clap::{Arg, Command};

use super::class_words::class_of;
use super::options::{Names, SETTINGS, Setting};
use super::selection;
use crate::attributes::text::escaped;
use crate::attributes::{Attribute, Class, Kind, nameable};
use crate::commands::completing::{Candidate, Cursor, named, words};
use crate::commands::pd::Shell;
use crate::commands::shell::Intent;
use crate::model::candidate::{KnownName, MOST, NameKind, OWN_SERVER};
use crate::model::object::ObjectClass;
use crate::spool::interface::operations::Operations;

/// What a command takes.
pub struct Takes<'a> {
    /// The definition of its command line.
    pub command: &'a Command,
    /// The attributes of objects that it may name.
    pub names: Names,
    /// The command attributes that it takes.
    pub settings: &'a [Setting],
}

/// Returns what may stand at `cursor`. Options themselves, files and free text are none of it.
pub fn find(takes: &Takes<'_>, cursor: Cursor<'_>, shell: &mut Shell<'_>) -> Vec<Candidate> {
    let mut line = Line { takes, class: takes.names.class, host: None, operands: 0, spool: None, shell };
    let Some((kept, arg)) = line.place(cursor) else { return Vec::new() };
    // Behind an option without a blank: `-dof`.
    let (kept, typed) = cursor.word.split_at(kept);
    let mut found = line.values(arg, typed);
    found.iter_mut().for_each(|one| one.word.insert_str(0, kept));
    found
}

/// A line that was read up to the cursor.
struct Line<'a, 's, 'o> {
    takes: &'a Takes<'a>,
    /// The class that `-c` names.
    class: Class,
    /// The server that `-H` names.
    host: Option<String>,
    /// How many arguments stand before the cursor.
    operands: usize,
    /// The spool, once somebody has asked for a name; none within when it cannot be asked.
    spool: Option<Option<Box<dyn Operations>>>,
    shell: &'s mut Shell<'o>,
}

impl<'a> Line<'a, '_, '_> {
    /// Finds what the word at the cursor is a value of, and where in the word that begins.
    fn place(&mut self, cursor: Cursor<'_>) -> Option<(usize, &'a Arg)> {
        let command = self.takes.command;
        let (mut pending, mut ended) = (None::<&Arg>, false);
        for word in cursor.before {
            if let Some(arg) = pending.take() {
                self.note(arg, word);
            } else if ended || !word.starts_with('-') || word == "-" {
                self.operands += 1;
            } else if word == "--" {
                ended = true;
            } else {
                match option(command, word) {
                    Some((arg, at)) if at == word.len() => pending = Some(arg),
                    Some((arg, at)) => self.note(arg, &word[at..]),
                    None => {}
                }
            }
        }
        if let Some(arg) = pending {
            return Some((0, arg));
        }
        if !ended && cursor.word.starts_with('-') {
            return option(command, cursor.word).filter(|(_, at)| *at < cursor.word.len()).map(|(arg, at)| (at, arg));
        }
        command.get_positionals().last().map(|arg| (0, arg))
    }

    fn note(&mut self, arg: &Arg, value: &str) {
        match arg.get_id().as_str() {
            "class" => self.class = class_of(value).unwrap_or(self.class),
            "host" => self.host = Some(value.to_owned()),
            _ => {}
        }
    }

    /// Returns the values of `arg` that begin with `typed`.
    fn values(&mut self, arg: &Arg, typed: &str) -> Vec<Candidate> {
        let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        match (arg.get_id().as_str(), name) {
            ("strings", _) => self.pairs(typed),
            ("requested", _) => in_list(typed, &[' ', ','], |typed| words(typed, selection::words(self.class))),
            ("filter", _) => self.filter(typed),
            ("station", _) => self.ask(NameKind::Object(ObjectClass::Station), typed),
            (_, "DESTINATION OBJECT") if self.operands == 0 => self.objects(NameKind::Destination, typed),
            (_, "DESTINATION") => self.objects(NameKind::Destination, typed),
            (_, "PRINTER") => self.ask(NameKind::Device, typed),
            (_, "JOB") => self.objects(NameKind::Job, typed),
            (_, "SERVER") => self.ask(NameKind::Server, typed),
            (_, "OBJECT" | "DESTINATION OBJECT") => match kind_of(self.class) {
                Some(kind) => self.objects(kind, typed),
                None => Vec::new(),
            },
            _ => {
                let known = arg.get_possible_values();
                words(typed, known.iter().map(clap::builder::PossibleValue::get_name))
            }
        }
    }

    /// Names of objects, each perhaps with its server: `acme1:lp1`. Every server knows only its own.
    fn objects(&mut self, kind: NameKind, typed: &str) -> Vec<Candidate> {
        let Some((server, rest)) = typed.split_once(':') else {
            let mut found = self.ask(kind, typed);
            if !typed.is_empty() && kind != NameKind::Server {
                let servers = self.ask(NameKind::Server, typed);
                found.extend(servers.into_iter().map(|one| Candidate::open(format!("{}:", one.word))));
            }
            return found;
        };
        let is_ours = |one: &Candidate| one.note == OWN_SERVER && one.word.eq_ignore_ascii_case(server);
        if !self.ask(NameKind::Server, server).iter().any(is_ours) {
            return Vec::new();
        }
        let mut found = self.ask(kind, rest);
        found.iter_mut().for_each(|one| one.word.insert_str(0, &format!("{server}:")));
        found
    }

    /// Names that the spool has, if there is one and it answers.
    fn ask(&mut self, kind: NameKind, typed: &str) -> Vec<Candidate> {
        let host = self.host.as_deref();
        let spool = self.spool.get_or_insert_with(|| (self.shell.open)(host, Intent::Glance).ok());
        spool.as_mut().map(|spool| names(spool.as_mut(), kind, typed)).unwrap_or_default()
    }

    /// The pairs of an attribute string: the last one is being typed.
    fn pairs(&mut self, typed: &str) -> Vec<Candidate> {
        let is_open = |mark: char| typed.matches(mark).count() % 2 == 1;
        if is_open('\'') || is_open('"') {
            return Vec::new();
        }
        in_list(typed, &[' ', '\t', '\n'], |typed| match typed.split_once('=') {
            Some((name, value)) => {
                // `+=`, `-=` and `==`.
                let sign = name.len() + 1 + usize::from(value.starts_with('='));
                let (before, value) = typed.split_at(sign);
                let mut found = self.values_of(name.trim_end_matches(['+', '-']), value);
                found.iter_mut().for_each(|one| one.word.insert_str(0, before));
                found
            }
            None => {
                let settings = SETTINGS.iter().filter(|row| self.takes.settings.contains(&row.1)).map(|row| row.0);
                let attributes = nameable(self.class).filter(|row| self.takes.names.sets(row)).map(Attribute::name);
                open(words(typed, settings.chain(attributes)), "=")
            }
        })
    }

    /// The values of an attribute, as far as the table or the spool knows them.
    fn values_of(&mut self, name: &str, typed: &str) -> Vec<Candidate> {
        let setting = SETTINGS.iter().find(|row| row.0.eq_ignore_ascii_case(name));
        if let Some((_, setting)) = setting.filter(|row| self.takes.settings.contains(&row.1)) {
            let id = match setting {
                Setting::OperationClass => "class",
                Setting::DeviceOperation => "operation",
                Setting::Notification => "notify",
                Setting::Requested => "requested",
                Setting::Style => "style",
                Setting::When => "when",
                Setting::Headings => return words(typed, ["true", "false"]),
                Setting::Associated => return words(typed, ["true", "false"]),
                Setting::Filter | Setting::Message => return Vec::new(),
            };
            let arg = self.takes.command.get_arguments().find(|arg| arg.get_id() == id);
            return arg.map(|arg| self.values(arg, typed)).unwrap_or_default();
        }
        let known = |row: &&Attribute| {
            row.name().eq_ignore_ascii_case(name) || row.synonyms.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        let Some(row) = nameable(self.class).find(known) else { return Vec::new() };
        match (row.kind, named_by(row.name())) {
            (_, Some(kind)) => self.ask(kind, typed),
            (Kind::Keyword(known), _) => words(typed, known.iter().copied()),
            (Kind::Boolean, _) => words(typed, ["true", "false"]),
            (_, None) => words(typed, row.default),
        }
    }

    /// A filter: the last comparison is being typed.
    fn filter(&mut self, typed: &str) -> Vec<Candidate> {
        in_list(typed, &[' ', '(', ')', '&', '|'], |typed| match typed.split_once("==") {
            Some((name, value)) => {
                let (before, value) = typed.split_at(typed.len() - value.len());
                let mut found = self.values_of(name.trim_end_matches('!'), value);
                found.iter_mut().for_each(|one| one.word.insert_str(0, before));
                found
            }
            None => open(words(typed, nameable(self.class).map(Attribute::name)), "=="),
        })
    }
}

/// The option that begins `word`, if it takes a value, and where its value begins in the word.
fn option<'a>(command: &'a Command, word: &str) -> Option<(&'a Arg, usize)> {
    let takes = |arg: &&Arg| arg.get_action().takes_values() && !arg.is_positional();
    if let Some(long) = word.strip_prefix("--") {
        let (name, at) = match long.split_once('=') {
            Some((name, _)) => (name, name.len() + 3),
            None => (long, word.len()),
        };
        return command.get_arguments().find(|arg| arg.get_long() == Some(name)).filter(takes).map(|arg| (arg, at));
    }
    for (at, letter) in word.char_indices().skip(1) {
        let short = |arg: &&Arg| {
            arg.get_short() == Some(letter) || arg.get_all_short_aliases().is_some_and(|all| all.contains(&letter))
        };
        let arg = command.get_arguments().find(short)?;
        if takes(&arg) {
            return Some((arg, at + letter.len_utf8()));
        }
    }
    None
}

/// Which names objects of a class have.
fn kind_of(class: Class) -> Option<NameKind> {
    let kind = match class {
        Class::Job | Class::Document => NameKind::Job,
        Class::Destination => NameKind::Destination,
        Class::Queue => NameKind::Group,
        Class::Server => NameKind::Server,
        Class::Medium => NameKind::Object(ObjectClass::Medium),
        Class::InitialValueJob => NameKind::Object(ObjectClass::InitialValueJob),
        Class::InitialValueDocument => NameKind::Object(ObjectClass::InitialValueDocument),
        Class::Station => NameKind::Object(ObjectClass::Station),
        Class::User => NameKind::Object(ObjectClass::User),
        Class::Door => NameKind::Object(ObjectClass::Door),
        Class::Log => return None,
    };
    Some(kind)
}

/// What the values of an attribute name, where they name objects of the spool.
fn named_by(attribute: &str) -> Option<NameKind> {
    Some(match attribute {
        "destination-name-requested" | "destination-name" => NameKind::Destination,
        "actual-destinations-requested" | "destinations-assigned" => NameKind::Device,
        "associated-queue" | "queue-name" | "queue-assigned" => NameKind::Group,
        "collector" => NameKind::Collector,
        "default-medium" | "media-ready" => NameKind::Object(ObjectClass::Medium),
        "initial-value-job" | "destination-initial-value-job" => NameKind::Object(ObjectClass::InitialValueJob),
        "initial-value-document" | "destination-initial-value-document" => {
            NameKind::Object(ObjectClass::InitialValueDocument)
        }
        _ => return None,
    })
}

/// Completes the last one of several words in one.
fn in_list(typed: &str, separators: &[char], mut find: impl FnMut(&str) -> Vec<Candidate>) -> Vec<Candidate> {
    let (before, last) = typed.split_at(typed.rfind(separators).map_or(0, |at| at + 1));
    let mut found = find(last);
    found.iter_mut().for_each(|one| one.word.insert_str(0, before));
    found
}

fn open(found: Vec<Candidate>, sign: &str) -> Vec<Candidate> {
    found.into_iter().map(|one| Candidate::open(one.word + sign)).collect()
}

/// Names of a kind that `spool` has and that begin with `typed`.
fn names(spool: &mut dyn Operations, kind: NameKind, typed: &str) -> Vec<Candidate> {
    let found = spool.names(kind, typed.to_owned(), MOST).unwrap_or_default();
    let candidate = |KnownName { name, note }: KnownName| {
        let word = named(&name, typed)?;
        // No name has such a character.
        (escaped(&word) == word).then(|| Candidate::whole(word).with(note))
    };
    found.into_iter().filter_map(candidate).collect()
}
