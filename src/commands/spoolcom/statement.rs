//! What typed commands mean: each becomes a [`Statement`] before any of them is executed.
//!
//! What can be refused without a spool is refused here, with its place in the line: words that are not available,
//! changes without an object, malformed names and values.

use crate::commands::shell::Intent;

use super::language::grammar::ObjectKind;
use super::language::keywords::{Key, Qualifier, Verb};
use super::language::messages::Message;
use super::language::mistake::{Mistake, Span};
use super::language::syntax::Parser;
use super::language::tree::Command;
use super::language::values::{Object, Value};
use super::output::demand_node;
use super::session::{EarlyEnd, Session};
use super::verbs::add::AddStatement;
use super::verbs::batch::BatchStatement;
use super::verbs::collect::CollectStatement;
use super::verbs::dev::DeviceStatement;
use super::verbs::font::FontStatement;
use super::verbs::job::JobStatement;
use super::verbs::loc::LocationStatement;
use super::verbs::operands::{Source, split_node};
use super::verbs::print::PrintStatement;
use super::verbs::spooler::SpoolerStatement;
use super::verbs::{health, help, open, record, trouble, watch};

/// What to do after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on with the next one.
    GoOn,
    /// Stop, after EXIT.
    Stop,
}

/// A command that is ready to be executed.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// ADD
    Add(AddStatement),
    /// BATCH
    Batch(BatchStatement),
    /// CHECK, or one of its lists
    Check(Option<trouble::List>),
    /// COLLECT
    Collect(CollectStatement),
    /// COMMENT
    Comment,
    /// DEV
    Dev(DeviceStatement),
    /// EXIT
    Exit,
    /// FC
    Fc(open::Fc),
    /// FONT
    Font(FontStatement),
    /// HELP
    Help(help::Topic),
    /// JOB
    Job(JobStatement),
    /// LOC
    Loc(LocationStatement),
    /// LOG
    Log(record::LogStatement),
    /// OPEN
    Open(open::Supervisor),
    /// PRINT
    Print(PrintStatement),
    /// SPOOLER
    Spooler(SpoolerStatement),
    /// WATCH
    Watch,
    /// One in which nodes stand before names that have none here: each has to be the own one.
    AtNode(Vec<String>, Box<Statement>),
}

/// Returns the nodes of names of collectors and print processes. Devices of other servers have one here too.
fn nodes(command: &Command) -> Vec<String> {
    let node = |text: &str| split_node(text).map(|(node, _)| node.to_owned());
    let mut found = Vec::new();
    match (command.grammar.verb, &command.object) {
        (Verb::Collect | Verb::Print, Object::Name(name)) => found.extend(node(&name.value)),
        (_, Object::Filters(filters)) => {
            let collectors = filters.iter().filter(|filter| filter.key == Qualifier::Collect);
            found.extend(collectors.filter_map(|filter| filter.value.as_deref().and_then(node)));
        }
        _ => {}
    }
    for subcommand in command.subcommands.iter().filter(|one| one.key() == Key::Process) {
        if let Value::Text(Some(name)) = &subcommand.value {
            found.extend(node(name));
        }
    }
    found
}

impl Statement {
    /// Whether it is a SPOOLER, START.
    pub fn starts_spooler(&self) -> bool {
        matches!(self, Self::Spooler(statement) if statement.starts())
    }

    /// Whether it shows what happened, and nothing else.
    pub fn shows_log(&self) -> bool {
        match self {
            Self::Log(_) => true,
            Self::AtNode(_, statement) => statement.shows_log(),
            Self::Dev(statement) => statement.shows_log(),
            Self::Job(statement) => statement.shows_log(),
            _ => false,
        }
    }

    /// Makes the statement for `command`.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        check_object(command, source)?;
        let meant = Self::without_nodes(command, source)?;
        let nodes = nodes(command);
        Ok(if nodes.is_empty() { meant } else { Self::AtNode(nodes, Box::new(meant)) })
    }

    fn without_nodes(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        Ok(match command.grammar.verb {
            Verb::Add => Self::Add(AddStatement::of(command, source)?),
            Verb::Collect => Self::Collect(CollectStatement::of(command, source)?),
            Verb::Check => Self::Check(trouble::list(command)?),
            Verb::Comment => Self::Comment,
            Verb::Dev => Self::Dev(DeviceStatement::of(command, source)?),
            Verb::Exit => Self::Exit,
            Verb::Help => Self::Help(help::topic(command)?),
            Verb::Job => Self::Job(JobStatement::of(command, source)?),
            Verb::Loc => Self::Loc(LocationStatement::of(command, source)?),
            Verb::Log => Self::Log(record::LogStatement::of(command)?),
            Verb::Print => Self::Print(PrintStatement::of(command, source)?),
            Verb::Spooler => Self::Spooler(SpoolerStatement::of(command, source)?),
            Verb::Fc => Self::Fc(open::Fc::of(command)),
            Verb::Open => Self::Open(open::Supervisor::of(command)?),
            Verb::Font => Self::Font(FontStatement::of(command, source)?),
            Verb::Batch => Self::Batch(BatchStatement::of(command, source)?),
            Verb::Watch => Self::Watch,
        })
    }

    /// Returns what it needs the spool for; none when it needs no spool.
    pub fn intent(&self) -> Option<Intent> {
        match self {
            Self::Comment | Self::Exit | Self::Fc(_) | Self::Help(_) | Self::Watch => None,
            Self::Check(_) | Self::Log(_) | Self::Open(_) => Some(Intent::Read),
            Self::AtNode(_, statement) => statement.intent(),
            Self::Add(statement) => Some(statement.intent()),
            Self::Collect(statement) => Some(statement.intent()),
            Self::Dev(statement) => Some(statement.intent()),
            Self::Batch(statement) => Some(statement.intent()),
            Self::Font(statement) => Some(statement.intent()),
            Self::Job(statement) => Some(statement.intent()),
            Self::Loc(statement) => Some(statement.intent()),
            Self::Print(statement) => Some(statement.intent()),
            Self::Spooler(statement) => Some(statement.intent()),
        }
    }

    /// Executes it: one subcommand after the other, up to the first that fails.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Flow, (String, EarlyEnd)> {
        match self {
            Self::Exit => return Ok(Flow::Stop),
            // The runner carries out OPEN. FC never comes here.
            Self::Comment | Self::Open(_) | Self::Fc(_) => {}
            Self::Help(topic) => help::run(*topic, session).map_err(|trouble| ("HELP".to_owned(), trouble))?,
            Self::Check(None) => health::run(session).map_err(|trouble| ("CHECK".to_owned(), trouble))?,
            Self::Check(Some(list)) => trouble::run(*list, session).map_err(|trouble| ("CHECK".to_owned(), trouble))?,
            Self::Log(statement) => statement.run(session).map_err(|trouble| ("LOG".to_owned(), trouble))?,
            Self::AtNode(nodes, statement) => {
                for node in nodes {
                    let ours = session.spool().and_then(|spool| demand_node(node, spool));
                    ours.map_err(|failure| (format!("\\\\{node}"), EarlyEnd::from(failure)))?;
                }
                return statement.run(session);
            }
            Self::Watch => return Err(("WATCH".to_owned(), watch::not_alone().into())),
            Self::Add(statement) => statement.run(session)?,
            Self::Collect(statement) => statement.run(session)?,
            Self::Dev(statement) => statement.run(session)?,
            Self::Batch(statement) => statement.run(session)?,
            Self::Font(statement) => statement.run(session)?,
            Self::Job(statement) => statement.run(session)?,
            Self::Loc(statement) => statement.run(session)?,
            Self::Print(statement) => statement.run(session)?,
            Self::Spooler(statement) => statement.run(session)?,
        }
        Ok(Flow::GoOn)
    }
}

/// A line that was read: each of its commands is a statement, or a mistake.
pub type Line = Vec<Result<Statement, Mistake>>;

/// Whether there may be a current job and a current batch when a command is carried out: one that was read before made it.
/// A command without an object means these only then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Currents {
    /// A job.
    pub job: bool,
    /// A batch.
    pub batch: bool,
}

impl Currents {
    /// Tells whether the object of `verb` may be left out.
    pub fn names(self, verb: Verb) -> bool {
        (verb == Verb::Job && self.job) || (verb == Verb::Batch && self.batch)
    }

    /// Adds what `command` makes current. OPEN leaves nothing.
    pub fn add(&mut self, command: &Command) {
        let makes = command.subcommands.iter().any(|one| matches!(one.key(), Key::Current | Key::Next));
        match command.grammar.verb {
            Verb::Job => self.job |= makes,
            Verb::Batch => self.batch |= makes,
            Verb::Open => *self = Self::default(),
            _ => {}
        }
    }
}

/// Reads a line of a command file or of the prompt. Each of its commands is one of its own: a mistake in one leaves the
/// others as they are.
pub fn read_line(line: &str, number: Option<usize>, current: &mut Currents) -> Line {
    read_commands(line, number, current, |_, _, meant| meant)
}

/// The same, giving each command with its place to `take`: the command, if it could be read, and the octets of the line that
/// are of it or of its mistake.
pub fn read_commands<T>(
    line: &str,
    number: Option<usize>,
    current: &mut Currents,
    mut take: impl FnMut(Option<&Command>, Span, Result<Statement, Mistake>) -> T,
) -> Vec<T> {
    let mut parser = Parser::of_file(line);
    let mut read = Vec::new();
    loop {
        let before = parser.at();
        match parser.next_command() {
            Ok(None) => return read,
            Ok(Some(command)) => {
                let source = Source { line, number, current: *current };
                let meant = Statement::of(&command, &source);
                if meant.is_ok() {
                    current.add(&command);
                }
                read.push(take(Some(&command), Span { start: before, end: parser.at() }, meant));
            }
            Err(mistake) => {
                parser.skip(&mistake);
                read.push(take(None, Span { start: before, end: parser.at() }, Err(mistake)));
            }
        }
    }
}

/// Refuses FC. FC makes sense only at the prompt, alone on its line, which handles it there.
pub fn without_fc(statement: Statement) -> Result<Statement, Mistake> {
    match statement {
        Statement::Fc(fc) => {
            let why = "FC edits a command at the prompt, where it stands alone on its line";
            Err(Mistake::new(Message::Syntax, fc.span, why))
        }
        other => Ok(other),
    }
}

/// Returns the stronger of two intents.
pub fn stronger(a: Option<Intent>, b: Option<Intent>) -> Option<Intent> {
    let rank = |intent: Option<Intent>| match intent {
        None => 0,
        Some(Intent::Glance | Intent::Read) => 1,
        Some(Intent::Write | Intent::Submit) => 2,
        Some(Intent::Declare | Intent::DeclareAs(_)) => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Refuses a change that names no object: an empty variable must not become "all". A current job or batch is named.
fn check_object(command: &Command, source: &Source<'_>) -> Result<(), Mistake> {
    if command.object != Object::None || command.grammar.object == ObjectKind::Nothing {
        return Ok(());
    }
    let mut named = source.current.names(command.grammar.verb);
    let change = command.subcommands.iter().find(|subcommand| {
        let makes_current = matches!(subcommand.key(), Key::Current | Key::Next);
        named |= makes_current;
        !named && !subcommand.row.displays()
    });
    let Some(change) = change else { return Ok(()) };
    let (verb, key) = (command.grammar.verb.word(), change.key().word());
    let object = command.grammar.object_syntax.strip_prefix(" [").and_then(|object| object.strip_suffix(']'));
    let object = object.unwrap_or_default();
    let mistake = Mistake::new(Message::NameMissing, change.span, format!("expected {verb} {object}, {key}"));
    Err(mistake.hint("name each object; was a variable not set, or a $ not quoted?"))
}
