//! What a syntax tree means: a [`Plan`] for each command, made before any of them is executed.
//!
//! Everything that can be refused without a spool is refused here, with its place in the line: words that are not
//! available, changes without an object, malformed names and values.

use crate::commands::shell::Intent;

use super::grammar::{ObjectKind, Stage, Verb};
use super::lexer::Mistake;
use super::messages::Message;
use super::session::{Display, Session, Step, Trouble};
use super::tree::{Command, Object, Subcommand, Value};
use super::{comment, dev, help, job, loc, open, print, spooler};

/// Whether to go on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next one.
    GoOn,
    /// EXIT.
    Stop,
}

/// A command that is ready to be executed.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// COMMENT
    Comment,
    /// DEV
    Dev(dev::Plan),
    /// EXIT
    Exit,
    /// FC
    Fc(open::Fc),
    /// HELP
    Help(help::Topic),
    /// JOB
    Job(job::Plan),
    /// LOC
    Loc(loc::Plan),
    /// OPEN
    Open,
    /// PRINT
    Print(print::Plan),
    /// SPOOLER
    Spooler(spooler::Plan),
}

/// The line that plans are made from.
pub struct Source<'a> {
    /// Its text.
    pub line: &'a str,
    /// Its number in a command file.
    pub number: Option<usize>,
}

impl Source<'_> {
    /// How messages name a command, or one of its subcommands.
    pub fn place(&self, command: &Command, subcommand: Option<&Subcommand>) -> String {
        let piece = |span: super::lexer::Span| self.line.get(span.start..span.end).unwrap_or_default().trim();
        let number = self.number.map(|n| format!("line {n}: ")).unwrap_or_default();
        match subcommand {
            Some(subcommand) => format!("{number}{}, {}", piece(command.head), piece(subcommand.span)),
            None => format!("{number}{}", piece(command.head)),
        }
    }

    /// `action` with the words it was typed in.
    pub fn step<A>(&self, command: &Command, subcommand: Option<&Subcommand>, action: A) -> Step<A> {
        Step { action, place: self.place(command, subcommand) }
    }
}

impl Plan {
    /// What `command` means.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn of(command: &Command, source: &Source<'_>) -> Result<Self, Mistake> {
        check_available(command)?;
        check_object(command)?;
        Ok(match command.grammar.verb {
            Verb::Comment => Self::Comment,
            Verb::Dev => Self::Dev(dev::Plan::of(command, source)?),
            Verb::Exit => Self::Exit,
            Verb::Help => Self::Help(help::topic(command)?),
            Verb::Job => Self::Job(job::Plan::of(command, source)?),
            Verb::Loc => Self::Loc(loc::Plan::of(command, source)?),
            Verb::Print => Self::Print(print::Plan::of(command, source)?),
            Verb::Spooler => Self::Spooler(spooler::Plan::of(command, source)),
            Verb::Fc => Self::Fc(open::Fc::of(command)),
            Verb::Open => {
                open::check(command)?;
                Self::Open
            }
            verb @ (Verb::Batch | Verb::Collect | Verb::Font) => {
                return Err(not_available(command, verb.word()));
            }
        })
    }

    /// What it needs the spool for; none when it needs no spool.
    pub fn intent(&self) -> Option<Intent> {
        match self {
            Self::Comment | Self::Exit | Self::Fc(_) | Self::Help(_) => None,
            Self::Open => Some(Intent::Read),
            Self::Dev(plan) => Some(plan.intent()),
            Self::Job(plan) => Some(plan.intent()),
            Self::Loc(plan) => Some(plan.intent()),
            Self::Print(plan) => Some(plan.intent()),
            Self::Spooler(plan) => Some(plan.intent()),
        }
    }

    /// Executes it, each subcommand after the other, up to the first that fails.
    ///
    /// # Errors
    /// The trouble and the place where it happened.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Flow, (String, Trouble)> {
        match self {
            Self::Comment => comment::run(),
            Self::Exit => return Ok(Flow::Stop),
            // The spool was opened again before the line was executed; FC never comes here.
            Self::Open | Self::Fc(_) => {}
            Self::Help(topic) => help::run(*topic, session).map_err(|trouble| ("HELP".to_owned(), trouble))?,
            Self::Dev(plan) => plan.run(session)?,
            Self::Job(plan) => plan.run(session)?,
            Self::Loc(plan) => plan.run(session)?,
            Self::Print(plan) => plan.run(session)?,
            Self::Spooler(plan) => plan.run(session)?,
        }
        Ok(Flow::GoOn)
    }
}

/// The stronger of two intents.
pub fn stronger(a: Option<Intent>, b: Option<Intent>) -> Option<Intent> {
    let rank = |intent: Option<Intent>| match intent {
        None => 0,
        Some(Intent::Read) => 1,
        Some(Intent::Write | Intent::Submit) => 2,
        Some(Intent::Declare) => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn not_available(command: &Command, what: &str) -> Mistake {
    Mistake::new(Message::NotAvailable, command.head, format!("{what} is not available in this version"))
}

fn check_available(command: &Command) -> Result<(), Mistake> {
    if command.grammar.stage != Stage::Now {
        return Err(not_available(command, command.grammar.verb.word()));
    }
    for subcommand in &command.subcommands {
        let what =
            format!("{}, {} is not available in this version", command.grammar.verb.word(), subcommand.key().word());
        match subcommand.row.stage {
            Stage::Now => {}
            Stage::Later => return Err(subcommand.not_available(what)),
            Stage::Meaningless(why) => return Err(subcommand.not_available(format!("{what}: {why}"))),
        }
    }
    Ok(())
}

/// A change needs to be told what it changes: an empty variable must not become "all".
fn check_object(command: &Command) -> Result<(), Mistake> {
    if command.object != Object::None || command.grammar.object == ObjectKind::Nothing {
        return Ok(());
    }
    let Some(change) = command.subcommands.iter().find(|subcommand| !subcommand.row.displays()) else {
        return Ok(());
    };
    let (verb, key) = (command.grammar.verb.word(), change.key().word());
    let object = command.grammar.object_syntax.strip_prefix(" [").and_then(|object| object.strip_suffix(']'));
    let object = object.unwrap_or_default();
    let mistake = Mistake::new(Message::NameMissing, change.span, format!("expected {verb} {object}, {key}"));
    Err(mistake.hint("name each object; was a variable not set, or a $ not quoted?"))
}

/// What a STATUS subcommand asks for.
pub fn display(subcommand: &Subcommand) -> Display {
    match &subcommand.value {
        Value::Display { detail, out } => Display { detail: *detail, out: out.clone() },
        _ => Display::default(),
    }
}

/// Reads the name of `command`'s object, if one was given.
///
/// # Errors
/// Why it is not a name, at its place.
pub fn object_name<N: std::str::FromStr>(command: &Command) -> Result<Option<N>, Mistake>
where
    N::Err: std::fmt::Display,
{
    let Some(name) = command.name() else {
        return Ok(None);
    };
    name.value.parse().map(Some).map_err(|error| Mistake::new(Message::NameInvalid, name.span, format!("{error}")))
}

/// Reads the name in the operand of `subcommand`, none when it clears.
///
/// # Errors
/// Why it is not a name, at its place.
pub fn operand_name<N: std::str::FromStr>(subcommand: &Subcommand) -> Result<Option<N>, Mistake>
where
    N::Err: std::fmt::Display,
{
    match &subcommand.value {
        Value::Text(Some(text)) => text.parse().map(Some).map_err(|error| subcommand.bad_value(format!("{error}"))),
        _ => Ok(None),
    }
}

/// A name of a print process, which may be written with its `$`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dollar(pub crate::model::ProcessName);

impl std::str::FromStr for Dollar {
    type Err = crate::model::BadName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('$').unwrap_or(text).parse().map(Self)
    }
}
