//! What a command line of `pdcreate`, `pdset`, `pddelete`, `pdenable` and `pddisable` asks for.
//!
//! The whole command line is understood before the first object is touched. One object takes all changes, or none. An object
//! that fails is reported, and the others follow.

use std::ffi::OsString;

use clap::Args;

use crate::attributes::text::{Clock, escaped, read_given};
use crate::attributes::{Attribute, Class, Settable};
use crate::commands::pd::command_line::operation_class::take_one_of;
use crate::commands::pd::command_line::options::{self, Item, Meaning, Setting};
use crate::commands::pd::command_line::selection::{self, Requested};
use crate::commands::pd::command_line::strings::{Op, Pair};
use crate::commands::pd::displays::listing::{check_server, terminal_width, truth};
use crate::commands::pd::displays::objects;
use crate::commands::pd::displays::record::{Layout, Style};
use crate::commands::pd::jobs::changes::message;
use crate::commands::pd::runner::CommandLine;
use crate::commands::pd::{Exit, Shell, Stop, about, clock};
use crate::commands::shell::Intent;
use crate::model::change::Staged;
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::query::Condition;
use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::interface::operations::Operations;

/// `-g`, `-r` and `-s`: what is shown of the objects afterwards.
#[derive(Args, Debug)]
pub struct ShowFlags {
    /// No headings, no labels in what -r shows
    #[arg(short = 'g')]
    bare: bool,
    /// Show these attributes of the objects: none, brief, verbose, all, or names
    #[arg(short = 'r', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(selection::words(Class::Destination)), hide_possible_values = true)]
    requested: Vec<OsString>,
    /// Style of that display: column or line
    #[arg(short = 's', value_name = "STYLE", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest(["column", "line"]), hide_possible_values = true)]
    style: Vec<OsString>,
}

/// What is done to one object.
type Act<'a> = dyn FnMut(&mut dyn Operations, &mut Shell<'_>, &ManagedObject) -> Result<(), Failure> + 'a;

/// An object as it was named.
#[derive(Clone, Debug)]
pub struct Named {
    /// The word of the command line.
    pub word: String,
    /// Its server, where that was named.
    pub server: Option<ServerName>,
    /// What it names.
    pub object: ManagedObject,
}

/// What a command line asks for.
pub struct ManagedRequest {
    /// The objects.
    pub objects: Vec<Named>,
    /// What becomes of their attributes.
    pub changes: Vec<ManagedChange>,
    /// What the operator says.
    pub message: Option<String>,
    class: Class,
    requested: Vec<Pair>,
    style: Option<Style>,
    bare: bool,
    clock: Clock,
}

impl ManagedRequest {
    /// Turns the items, their class taken out, into a request; `creates` = it makes objects.
    ///
    /// # Errors
    /// [`Stop::Usage`] for what cannot be asked for.
    pub fn of(items: Vec<Item>, class: Class, creates: bool, bare: bool, clock: Clock) -> Result<Self, Stop> {
        let managed = match class {
            Class::Queue => ManagedClass::Queue,
            Class::Server => ManagedClass::Server,
            Class::Medium => ManagedClass::Medium,
            Class::InitialValueJob => ManagedClass::InitialValueJob,
            Class::InitialValueDocument => ManagedClass::InitialValueDocument,
            Class::Station => ManagedClass::Station,
            Class::User => ManagedClass::User,
            _ => ManagedClass::Destination,
        };
        let mut request = Self {
            objects: Vec::new(),
            changes: Vec::new(),
            message: None,
            class,
            requested: Vec::new(),
            style: None,
            bare,
            clock,
        };
        for item in items {
            match item {
                Item::Argument(word) => request.objects.push(named(&word.to_string_lossy(), managed)?),
                Item::Set(Meaning::Attribute(row), pair) => request.changes.push(request.change(row, &pair, creates)?),
                Item::Set(Meaning::Setting(setting), pair) => match setting {
                    Setting::Requested => request.requested.push(pair),
                    Setting::Style => request.style = Some(Style::parse(options::single(&pair, "style")?)?),
                    Setting::Headings => request.bare = !truth(&pair, "headings")?,
                    Setting::Message => request.message = Some(message(&pair)?),
                    // The runner refuses those of other commands.
                    _ => {}
                },
            }
        }
        // Such an object has no documents: what is left is a table.
        if request.style == Some(Style::DocCol) {
            request.style = Some(Style::Column);
        }
        Ok(request)
    }

    /// The same for a command that sets no attribute of its objects.
    ///
    /// # Errors
    /// [`Stop::Usage`] for what cannot be asked for.
    pub fn without_changes(program: &str, items: Vec<Item>, class: Class, clock: Clock) -> Result<Self, Stop> {
        let request = Self::of(items, class, false, false, clock)?;
        match request.changes.first() {
            Some(change) => {
                Err(Stop::usage(format!("{program} sets no attribute, and {} is one", change.field.stored())))
            }
            None => Ok(request),
        }
    }

    fn change(&self, row: &'static Attribute, pair: &Pair, creates: bool) -> Result<ManagedChange, Stop> {
        let (name, word) = (row.name(), row.class.keyword());
        match row.settable {
            Settable::Always => {}
            Settable::Initially if creates => {}
            // What a default job gives is given once more with each job.
            Settable::Initially if row.class != self.class => {}
            Settable::Initially => {
                return Err(Stop::usage(format!("{name} is given when a {word} is made and cannot be altered")));
            }
            Settable::Never => {
                return Err(Stop::usage(format!("{name} cannot be set: the spool determines it"))
                    .hint("--help   lists what can be set"));
            }
        }
        if pair.op == Op::Add && !row.many {
            return Err(Stop::usage(format!("{name} has one value: '+=' adds to attributes that may have several"))
                .hint(format!("{name}=value   replaces it")));
        }
        let value = || read_given(row, &pair.values, &self.clock).map_err(Stop::Usage);
        let edit = match pair.op {
            Op::Set => ManagedEdit::Set(value()?),
            Op::Add => ManagedEdit::Add(value()?),
            Op::Remove => ManagedEdit::Remove(value()?),
            Op::Default => ManagedEdit::Reset,
        };
        Ok(ManagedChange { field: row.field, edit })
    }

    /// Does `act` to each object, then shows what was asked for of those that did not fail.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn each(
        &self,
        spool: &mut dyn Operations,
        shell: &mut Shell<'_>,
        program: &str,
        act: &mut Act<'_>,
    ) -> Result<Exit, Stop> {
        let layout = self.layout(terminal_width(shell))?;
        let mut exit = Exit::Done;
        let mut done = Vec::new();
        for one in &self.objects {
            let result = match check_server(spool, one.server.as_ref()) {
                Ok(()) => act(spool, shell, &one.object),
                Err(Stop::Failed(failure) | Stop::Usage(failure)) => Err(failure),
                Err(said) => return Err(said),
            };
            match result {
                Ok(()) => done.push(one.object.name.clone()),
                Err(failure) => {
                    exit = exit.max(shell.report(program, &about(&one.word, failure)));
                    if exit == Exit::Unreachable {
                        return Ok(exit);
                    }
                }
            }
        }
        let Some(layout) = layout.filter(|_| !done.is_empty()) else { return Ok(exit) };
        Ok(exit.max(objects::list(spool, shell, program, &layout, &done, &Condition::Any)?))
    }

    /// Returns what is shown afterwards; none where nothing was asked for.
    fn layout(&self, width: Option<usize>) -> Result<Option<Layout>, Stop> {
        let mut requested = Requested::default();
        self.requested.iter().try_for_each(|pair| requested.take(pair, self.class))?;
        let selection = requested.select(self.class, None);
        if selection.object.is_empty() {
            return Ok(None);
        }
        let usual = match requested.is_table() {
            true => Style::Column,
            false if requested.is_archive() => Style::Archive,
            false => Style::Line,
        };
        let style = self.style.unwrap_or(usual);
        Ok(Some(Layout {
            class: self.class,
            document_table: false,
            documents: Condition::Any,
            selection: selection.laid_out(style.is_table() || style == Style::Archive),
            style,
            headings: !self.bare,
            zone: self.clock.zone.clone(),
            now_ms: self.clock.now_ms,
            width,
        }))
    }
}

/// Says that edits of an object wait to be issued, where they do.
///
/// # Errors
/// Standard error cannot be written.
pub fn say_staged(shell: &mut Shell<'_>, program: &str, object: &ManagedObject, staged: Staged) -> Result<(), Failure> {
    if staged.edits == 0 {
        return Ok(());
    }
    let what = format!("{program}: {object}: staged; issue it with pdchange issue");
    writeln!(shell.err, "{what}").map_err(|error| Failure::new(FailureKind::Io, format!("standard error: {error}")))
}

/// Enables or disables what `line` names.
///
/// # Errors
/// [`Stop::Usage`] for what cannot be asked for.
pub fn enable(mut line: CommandLine, shell: &mut Shell<'_>, on: bool) -> Result<Exit, Stop> {
    let program = line.program;
    let class = take_one_of(&mut line.items, &[Class::Destination, Class::Queue, Class::Server], program)?;
    let items = std::mem::take(&mut line.items);
    let request = ManagedRequest::without_changes(program, items, class, clock(shell))?;
    let mut spool = line.open(shell, Intent::Write)?;
    request.each(spool.as_mut(), shell, program, &mut |spool, _, object| {
        spool.enable_managed(object.clone(), on, request.message.clone())
    })
}

/// Reads an argument, `[server:]name`. Of the class server a name alone is the server.
fn named(word: &str, class: ManagedClass) -> Result<Named, Stop> {
    let bad = || {
        Stop::usage(format!("'{}' names no {}", escaped(word), class.word()))
            .hint(format!("a {} is named NAME or SERVER:NAME", class.word()))
    };
    let (server, name) = match word.split_once(':') {
        Some((server, name)) => (Some(server.parse::<ServerName>().map_err(|_| bad())?), name),
        None => (None, word),
    };
    let name = match (class, name, &server) {
        (ManagedClass::Server, "", Some(server)) => server.to_string(),
        (_, "", _) => return Err(bad()),
        (_, name, _) => name.to_owned(),
    };
    Ok(Named { word: word.to_owned(), server, object: ManagedObject { class, name } })
}
