//! What of an InfoPrint site runs here: scripts, attributes files and dumps are read, and nothing is run.
//!
//! A command of a script is judged by the command itself: its own parser reads the words, and the command is carried out up to
//! the moment when it would open a spool, which it does not get. So what is said of it cannot differ from what it does. Where
//! only a run tells a value, values are tried: the command is said to run when there is one with which it does.

pub mod dump;
pub mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::command_line::attribute_files;
use super::command_line::options::{Item, Meaning, Setting, attribute_names, meaning};
use super::command_line::strings::{self, Op, Pair};
use super::runner::Verb;
use super::{Shell, Stop};
use crate::attributes::text::{Clock, read_given};
use crate::attributes::{Attribute, Class, Settable, names};
use crate::commands::pd::command_line::options::Names;
use crate::commands::shell::{Exit, Intent};
use crate::model::{Failure, FailureKind};
use script::{Part, Simple, Word};

/// What is said of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It runs as it stands.
    Runs,
    /// It runs, and something is otherwise than at an InfoPrint site.
    Differs,
    /// It does not run.
    Lacks,
}

impl Verdict {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Differs => "differs",
            Self::Lacks => "lacks",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// What is said.
    pub verdict: Verdict,
    /// Of what, and why.
    pub text: String,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shell script.
    Script,
    /// An attributes file.
    Attributes,
    /// What `pdls -r all` or `-r archive` wrote of objects.
    Dump,
}

/// Programs of InfoPrint that are not here, and what is done instead.
const OTHERS: &[(&str, &str)] = &[
    ("pdmigpp", "make an actual destination with pdcreate: this machine's queues are not read"),
    ("pdinitports", "servers here need no ports of their own"),
    ("pdwsinitports", "servers here need no ports of their own"),
    ("startippgw", "pdserver takes jobs by IPP where it is told to"),
    ("start_server", "startsrv -F -c NAME does the same"),
    ("pdcrmed", "pdcrdflt makes the papers"),
    ("lscsuite", "it is of another product"),
];

/// States of jobs that no job here is in, with what scripts look for instead.
const NO_STATES: &[(&str, &str)] = &[
    ("printing", "processing"),
    ("pre-flight", "pending"),
    ("ripping", "processing"),
    ("imposing", "processing"),
    ("timed-out", "held"),
    ("unknown", "held"),
];

/// Commands that do something without a spool: they are read and not carried out.
const WITHOUT_SPOOL: &[&str] = &["pdaccount", "pdbackup", "pdfsck", "pdlint", "pdmsg", "startsrv", "pdcrdflt"];

/// Commands that run a text as a command.
const RUN_TEXTS: &[&str] = &[
    "eval", "trap", "sh", "ksh", "ksh93", "bash", "dash", "su", "sudo", "ssh", "rsh", "remsh", "on", "nohup", "xargs",
];

/// Commands that look for words in what others wrote.
const LOOK_FOR: &[&str] = &["awk", "nawk", "gawk", "grep", "egrep", "fgrep", "sed", "[", "[[", "test", "case", "expr"];

/// Attributes that say something to people, and decide nothing at an InfoPrint site either.
const WORDS_FOR_PEOPLE: &[&str] = &[
    "job-comment",
    "document-comment",
    "document-name",
    "descriptor",
    "message",
    "device-contact",
    "device-location",
    "job-message-from-administrator",
];

/// Words before a command that leave it a command.
const BEFORE: &[&str] = &["exec", "command", "nohup", "sudo", "env", "nice", "xargs", "eval", "trap"];

/// What a server on the network asks for.
const JOINS: &str = "a server on the network is reached from a machine that has joined it (pdserver join)";

/// What is tried where only a run tells a value.
const VALUES: &[&str] = &["1", "x", "true", "job-priority==1", "acme1:1021904417", "job-name", "associated-server"];
/// The most combinations of values that are tried for one command.
const MOST: usize = 1500;

/// Finds out what a text is.
pub fn kind_of(text: &str) -> Kind {
    if text.starts_with("#!") {
        return Kind::Script;
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines().any(|line| dump::labelled(line).is_some()) {
        return Kind::Dump;
    }
    let is_pair = |line: &str| strings::parse(line).is_ok_and(|pairs| pairs.iter().all(|pair| pair.name.contains('-')));
    let pairs = lines().filter(|line| is_pair(line) || line.starts_with("attributes")).count();
    if pairs > 0 && pairs * 2 >= lines().count() { Kind::Attributes } else { Kind::Script }
}

/// Judges a script by the commands `verbs`; `dir` = where it lies.
pub fn script(text: &str, dir: &Path, verbs: &'static [Verb], shell: &Shell<'_>) -> Vec<Finding> {
    let script = script::parse(text);
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in &script.commands {
        for (name, value) in &command.assignments {
            known.entry(name.clone()).or_default().extend(value.literal().filter(|text| !text.is_empty()));
            if let [Part::Text(before), Part::Variable { otherwise: Some(text), .. }] = value.0.as_slice()
                && before.is_empty()
            {
                known.entry(name.clone()).or_default().insert(text.clone());
            }
        }
    }
    let judge = Judge { verbs, dir: dir.to_owned(), known, zone: super::clock(shell) };
    let mut found = Vec::new();
    for command in &script.commands {
        judge.assignments(command, &mut found);
        judge.command(command, &mut found);
        judge.texts(command, &mut found);
        judge.looks(command, &script.commands, &mut found);
    }
    for here in &script.heres {
        if kind_of(&here.text) == Kind::Attributes {
            let inner = attributes(&here.text, &judge.zone);
            found.extend(inner.into_iter().map(|one| Finding { line: one.line + here.line - 1, ..one }));
        }
    }
    found.sort_by_key(|one| one.line);
    found
}

/// Judges an attributes file.
pub fn attributes(text: &str, clock: &Clock) -> Vec<Finding> {
    let mut found = Vec::new();
    let lines: Vec<(usize, Vec<Pair>)> = pairs_of(text, &mut found);
    let all: Vec<&Pair> = lines.iter().flat_map(|line| &line.1).collect();
    let class = class_of(&all);
    for (line, pairs) in &lines {
        for pair in pairs {
            found.push(match judge_pair(pair, class, clock) {
                Some((verdict, text)) => Finding { line: *line, verdict, text },
                None => Finding { line: *line, verdict: Verdict::Runs, text: pair.name.clone() },
            });
        }
    }
    found.sort_by_key(|one| one.line);
    found
}

/// Takes the pairs out of a text, each with its line.
fn pairs_of(text: &str, found: &mut Vec<Finding>) -> Vec<(usize, Vec<Pair>)> {
    let mut lines = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = attribute_files::without_comments(line);
        if line.trim().is_empty() {
            continue;
        }
        match strings::parse(line.trim_end()) {
            Ok(pairs) => {
                // `name =` is an error of the whole file.
                for pair in pairs.iter().filter(|pair| pair.values.is_empty() && pair.op != Op::Default) {
                    let text = format!("{} has no value after '{}'", pair.name, pair.op.sign());
                    found.push(Finding { line: n + 1, verdict: Verdict::Lacks, text });
                }
                lines.push((n + 1, pairs.into_iter().filter(|pair| !pair.values.is_empty()).collect()));
            }
            Err(stop) => found.push(Finding { line: n + 1, verdict: Verdict::Lacks, text: words_of(stop) }),
        }
    }
    lines
}

/// The classes of attributes files.
const CLASSES: [Class; 4] = [Class::Job, Class::Destination, Class::Queue, Class::Server];

/// Finds the class whose attributes these are.
fn class_of(pairs: &[&Pair]) -> Class {
    let known = |class: Class| {
        let names = attribute_names(class);
        pairs.iter().filter(|pair| names::resolve(&pair.name, &names).is_ok()).count()
    };
    let mut best = (Class::Job, known(Class::Job));
    for class in CLASSES {
        let count = known(class);
        if count > best.1 {
            best = (class, count);
        }
    }
    best.0
}

/// Judges a pair of an attributes file; none where nothing is to be said.
fn judge_pair(pair: &Pair, class: Class, clock: &Clock) -> Option<(Verdict, String)> {
    if names::resolve(&pair.name, &[("attributes", ())]).is_ok() {
        return Some((Verdict::Runs, format!("attributes = {}: check that file too", pair.values.join(" "))));
    }
    let sets = Names { class, sets: Settable::Initially };
    let settings = [Setting::Requested, Setting::Style, Setting::Headings, Setting::Message, Setting::Notification];
    match meaning(&pair.name, sets, &settings, "the command") {
        Err(stop) => Some((Verdict::Lacks, words_of(stop))),
        Ok(Meaning::Setting(_)) => None,
        Ok(Meaning::Attribute(row)) => match (row.settable, pair.op) {
            (Settable::Never, _) => Some((Verdict::Lacks, format!("{} cannot be set", row.name()))),
            (_, Op::Default) => None,
            (_, Op::Add | Op::Remove) if !row.many => {
                let text = format!("{} has one value: '{}' cannot be said of it", row.name(), pair.op.sign());
                Some((Verdict::Lacks, text))
            }
            _ => match read_given(row, &pair.values, clock) {
                Err(failure) => Some((Verdict::Lacks, failure.message)),
                Ok(_) => decides(row).map(|text| (Verdict::Differs, text)),
            },
        },
    }
}

/// Says that an attribute decides nothing here, if that is so and was otherwise.
fn decides(row: &Attribute) -> Option<String> {
    let differs = row.decides_nothing() && !WORDS_FOR_PEOPLE.contains(&row.name());
    differs.then(|| format!("{} is kept and shown, and decides nothing here", row.name()))
}

/// The words of a refusal with what helps.
fn words_of(stop: Stop) -> String {
    match stop {
        Stop::Usage(failure) | Stop::Failed(failure) => match failure.hints.first() {
            Some(hint) => format!("{}; {hint}", failure.message),
            None => failure.message,
        },
        Stop::Said(_) => String::new(),
    }
}

/// Who judges the commands of one script.
struct Judge {
    /// The commands that there are.
    verbs: &'static [Verb],
    dir: PathBuf,
    /// The texts that the script gives to its variables.
    known: BTreeMap<String, BTreeSet<String>>,
    zone: Clock,
}

/// What became of a command that was tried.
enum Tried {
    /// It would have done something; what it was told.
    Good(Vec<Item>),
    /// It was refused.
    Bad(String),
}

impl Judge {
    /// Judges variables that the commands read.
    fn assignments(&self, command: &Simple, found: &mut Vec<Finding>) {
        for (name, value) in &command.assignments {
            let text = value.literal();
            let set = text.as_ref().is_none_or(|text| !text.is_empty());
            let said = match name.as_str() {
                "PDHOST" if set => Some((
                    Verdict::Differs,
                    format!("PDHOST: {JOINS}; without it commands reach the spool of this machine"),
                )),
                "PD_SOCKET" if text.as_ref().is_some_and(|text| !text.is_empty() && !text.contains('/')) => Some((
                    Verdict::Differs,
                    format!("PD_SOCKET: {JOINS}; PD_SOCKET=/PATH names the socket of a server of this machine"),
                )),
                "PDIDTABLE" => {
                    Some((Verdict::Differs, "PDIDTABLE decides nothing: local ids are not reused".to_owned()))
                }
                _ => None,
            };
            found.extend(said.map(|(verdict, text)| Finding { line: command.line, verdict, text }));
        }
    }

    /// Returns whether a word names a program of ours, or one that a site may have instead.
    fn is_ours(&self, word: &str) -> bool {
        let name = base_name(word);
        self.verbs.iter().any(|verb| verb.name == name) || OTHERS.iter().any(|row| row.0 == name)
    }

    fn command(&self, command: &Simple, found: &mut Vec<Finding>) {
        // `sudo -u root pdrm …`, `xargs pdrm`: the command is the first word that names one of ours.
        let first = command.words.first().and_then(Word::literal).unwrap_or_default();
        let begins = match BEFORE.contains(&base_name(&first)) {
            true => command.words.iter().position(|word| word.literal().is_some_and(|word| self.is_ours(&word))),
            false => Some(0),
        };
        let Some(words) = begins.and_then(|at| command.words.get(at..)) else { return };
        let name = words.first().and_then(Word::literal).unwrap_or_default();
        let name = base_name(&name).to_owned();
        let shown = words.iter().map(Word::shown).collect::<Vec<_>>().join(" ");
        let mut say = |verdict, text| found.push(Finding { line: command.line, verdict, text });
        if let Some((_, instead)) = OTHERS.iter().find(|row| row.0 == name) {
            say(Verdict::Lacks, format!("{name} is not here: {instead}"));
            return;
        }
        let Some(verb) = self.verbs.iter().find(|verb| verb.name == name) else { return };
        let args = words.get(1..).unwrap_or_default();
        // `xargs` gives more arguments than stand there.
        let more = begins.is_some_and(|at| at > 0) && base_name(&first) == "xargs";
        match self.try_all(verb, args, more) {
            Err(why) => say(Verdict::Lacks, format!("{shown}: {why}")),
            Ok(items) => {
                let mut differences = differences(verb, &items);
                let network = |word: &Word| {
                    let shown = word.shown();
                    let named = shown.strip_prefix("-H").map(str::to_owned);
                    named.is_some_and(|rest| rest.is_empty() || (!rest.starts_with('/') && !rest.starts_with('.')))
                };
                if args.iter().any(network) {
                    differences.push(format!("-H: {JOINS}; -H DIR names a spool of this machine"));
                }
                if differences.is_empty() {
                    say(Verdict::Runs, shown);
                }
                for difference in differences {
                    say(Verdict::Differs, format!("{name}: {difference}"));
                }
            }
        }
    }

    /// Judges what a command runs from a text, and names the files that it reads as scripts.
    fn texts(&self, command: &Simple, found: &mut Vec<Finding>) {
        let first = command.words.first().and_then(Word::literal).unwrap_or_default();
        if let ("." | "source", Some(file)) = (first.as_str(), command.words.get(1)) {
            let text = format!("{first} {}: check that file too", file.shown());
            found.push(Finding { line: command.line, verdict: Verdict::Runs, text });
        }
        if !RUN_TEXTS.contains(&base_name(&first)) {
            return;
        }
        for word in command.words.iter().skip(1) {
            let text = word.as_script();
            if !text.trim().contains([' ', ';', '\n']) {
                continue;
            }
            for inner in script::parse(&text).commands {
                self.command(&Simple { line: command.line, ..inner }, found);
            }
        }
    }

    /// Says where a script looks for words that are otherwise here: states of jobs, and numbers of messages.
    fn looks(&self, command: &Simple, all: &[Simple], found: &mut Vec<Finding>) {
        let first = command.words.first().and_then(Word::literal).unwrap_or_default();
        if !LOOK_FOR.contains(&base_name(&first)) {
            return;
        }
        let lists_jobs = |one: &Simple| {
            let name = one.words.first().and_then(Word::literal).unwrap_or_default();
            let of_class = one.words.iter().any(|word| word.shown().starts_with("-c"));
            matches!(base_name(&name), "pdls" | "pdq") && !of_class
        };
        let asks = all.iter().any(lists_jobs);
        let text: String = command.words.iter().skip(1).map(|word| word.shown() + " ").collect();
        let words = |keep: fn(char) -> bool| text.split(move |c: char| !(c.is_ascii_alphanumeric() || keep(c)));
        let mut say = |text: String| found.push(Finding { line: command.line, verdict: Verdict::Differs, text });
        for (state, instead) in NO_STATES.iter().filter(|row| asks && !["unknown", "timed-out"].contains(&row.0)) {
            if words(|c| c == '-').any(|word| word == *state) {
                say(format!("{first}: no job here is {state}: it is {instead}"));
            }
        }
        let is_number = |word: &&str| {
            word.len() == 8
                && (word.starts_with("5010-") || word.starts_with("0420-"))
                && word[5..].bytes().all(|c| c.is_ascii_digit())
        };
        for number in words(|c| c == '-').filter(is_number) {
            if super::messages::find(number).is_none() {
                say(format!(
                    "{first}: no message here has the number {number}: pdmsg explains those there are, and the exit status says whether it failed"
                ));
            }
        }
    }

    /// Tries the command with values for what only a run tells, until it runs; otherwise says why it did not at first.
    fn try_all(&self, verb: &Verb, args: &[Word], more: bool) -> Result<Vec<Item>, String> {
        let slots = self.slots(args);
        let mut first = None;
        for choice in choices(&slots) {
            let mut words = self.filled(args, &choice);
            if more {
                words.push("1".to_owned());
            }
            match self.attempt(verb, &words) {
                Tried::Good(items) => return Ok(items),
                Tried::Bad(why) => {
                    first.get_or_insert(why);
                }
            }
        }
        Err(first.unwrap_or_else(|| "nothing that it could mean runs".to_owned()))
    }

    /// What only a run tells, each with what is tried for it; none = it is no word at all.
    fn slots(&self, args: &[Word]) -> Vec<(String, Vec<Option<String>>)> {
        let mut slots: Vec<(String, Vec<Option<String>>)> = Vec::new();
        for word in args {
            for (n, part) in word.0.iter().enumerate() {
                let (key, otherwise, bare) = match part {
                    Part::Text(_) => continue,
                    Part::Variable { name, otherwise, bare } => (name.clone(), otherwise.clone(), *bare),
                    Part::Unknown { bare } => (format!("\0{n}{}", word.shown()), None, *bare),
                };
                if slots.iter().any(|slot| slot.0 == key) {
                    continue;
                }
                let known = self.known.get(&key).into_iter().flatten().cloned();
                let mut values: Vec<Option<String>> = otherwise.into_iter().chain(known).map(Some).collect();
                values.extend(VALUES.iter().map(|value| Some((*value).to_owned())));
                if bare && word.0.len() == 1 {
                    values.push(None);
                }
                slots.push((key, values));
            }
        }
        slots
    }

    /// The words with these values.
    fn filled(&self, args: &[Word], choice: &BTreeMap<&str, Option<&str>>) -> Vec<String> {
        let mut words = Vec::with_capacity(args.len());
        for word in args {
            let (mut text, mut gone) = (String::new(), false);
            for (n, part) in word.0.iter().enumerate() {
                let key = match part {
                    Part::Text(more) => {
                        text.push_str(more);
                        continue;
                    }
                    Part::Variable { name, .. } => name.clone(),
                    Part::Unknown { .. } => format!("\0{n}{}", word.shown()),
                };
                match choice.get(key.as_str()) {
                    Some(Some(value)) => text.push_str(value),
                    _ => gone = true,
                }
            }
            if !gone || !text.is_empty() {
                words.push(text);
            }
        }
        words
    }

    /// Has the command read `words`, and be carried out up to the spool.
    fn attempt(&self, verb: &Verb, words: &[String]) -> Tried {
        let words: Vec<OsString> = self.without_absent_files(words).into_iter().map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut open = |_: Option<&str>, _: Intent| Err(Failure::new(FailureKind::Unreachable, "no spool is opened"));
        let env = |name: &str| match name {
            // The site sets it where a script relies on it.
            "PDPRINTER" => Some(OsString::from("x")),
            "PD_CONFIRM_DELETE" | super::messages::SWITCH => Some(OsString::from("no")),
            _ => None,
        };
        let mut items = Vec::new();
        let result = {
            let mut input = std::io::empty();
            let mut shell = Shell::of_script(
                (&mut out, &mut err, &mut input),
                &env,
                (self.dir.clone(), self.zone.now_ms),
                &mut open,
            );
            verb.read(&words, &mut shell).and_then(|mut line| {
                items.clone_from(&line.items);
                if WITHOUT_SPOOL.contains(&verb.name) {
                    return Ok(Exit::Done);
                }
                if verb.name == "pdpr" {
                    // No file of the site is opened.
                    for item in &mut line.items {
                        if let Item::Argument(name) = item
                            && !name.is_empty()
                            && name != "-"
                        {
                            *name = OsString::from("/nonexistent/document");
                        }
                    }
                    if line.items.iter().any(|item| matches!(item, Item::Argument(name) if name == "-")) {
                        return Ok(Exit::Done);
                    }
                }
                (verb.act)(line, &mut shell)
            })
        };
        match result {
            Err(Stop::Usage(failure)) => Tried::Bad(words_of(Stop::Usage(failure))),
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::Unsupported => {
                Tried::Bad(words_of(Stop::Failed(failure)))
            }
            Err(Stop::Said(Exit::Usage)) => {
                let said = String::from_utf8_lossy(&err);
                let line = said.lines().next().unwrap_or_default();
                Tried::Bad(line.strip_prefix(&format!("{}: ", verb.name)).unwrap_or(line).to_owned())
            }
            _ => Tried::Good(items),
        }
    }

    /// Leaves out attributes files that do not lie beside the script: whoever has them has them judged themselves.
    fn without_absent_files(&self, words: &[String]) -> Vec<String> {
        let (mut kept, mut rest) = (Vec::with_capacity(words.len()), words.iter());
        while let Some(word) = rest.next() {
            let file = match word.as_str() {
                "-X" | "-Z" => rest.next().cloned(),
                word => word.strip_prefix("-X").or_else(|| word.strip_prefix("-Z")).map(str::to_owned),
            };
            match file {
                None => kept.push(word.clone()),
                // Of what it says nothing is known; a document stands for it.
                Some(file) if word.starts_with("-Z") && !self.dir.join(&file).is_file() => kept.push("-".to_owned()),
                Some(file) => {
                    let path = self.dir.join(&file);
                    if path.is_file() {
                        kept.push(format!("{}{file}", &word[..2]));
                    }
                }
            }
        }
        kept
    }
}

/// The combinations that are tried: first the same place of each list, then every combination up to a bound.
fn choices<'a>(slots: &'a [(String, Vec<Option<String>>)]) -> Vec<BTreeMap<&'a str, Option<&'a str>>> {
    let at = |places: &[usize]| -> BTreeMap<&'a str, Option<&'a str>> {
        let value = |(slot, place): (&'a (String, Vec<Option<String>>), &usize)| {
            let last = slot.1.len().saturating_sub(1);
            (slot.0.as_str(), slot.1.get((*place).min(last)).and_then(Option::as_deref))
        };
        slots.iter().zip(places).map(value).collect()
    };
    if slots.is_empty() {
        return vec![BTreeMap::new()];
    }
    let longest = slots.iter().map(|slot| slot.1.len()).max().unwrap_or(0);
    let mut found: Vec<_> = (0..longest).map(|n| at(&vec![n; slots.len()])).collect();
    let mut places = vec![0; slots.len()];
    while found.len() < MOST {
        found.push(at(&places));
        // The next combination, as a counter counts.
        let mut n = 0;
        loop {
            let (Some(place), Some(slot)) = (places.get_mut(n), slots.get(n)) else { return found };
            *place += 1;
            if *place < slot.1.len() {
                break;
            }
            *place = 0;
            n += 1;
        }
    }
    found
}

/// What a command does otherwise than at an InfoPrint site.
fn differences(verb: &Verb, items: &[Item]) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    for item in items {
        match item {
            Item::Set(Meaning::Attribute(row), _) => decides(row).into_iter().for_each(&mut add),
            Item::Set(Meaning::Setting(Setting::Filter), pair) => {
                let filter = pair.values.join(" ");
                for (state, instead) in NO_STATES {
                    let words = filter.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                    if filter.contains("state") && words.into_iter().any(|word| word == *state) {
                        add(format!("no job here is {state}: it is {instead}"));
                    }
                }
            }
            Item::Set(Meaning::Setting(Setting::OperationClass), pair)
                if verb.name == "pddelete" && pair.values.iter().any(|word| word.starts_with("se")) =>
            {
                add("the server is not deleted: it is the spool itself".to_owned());
            }
            _ => {}
        }
    }
    if verb.name == "pddeviceop" {
        add("online, offline and reset act on the way to the printer, not on its panel".to_owned());
    }
    found
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}
