//! What the verbs share when a typed command becomes a statement: names, the typed words, and the steps.

use std::fmt::Display;
use std::str::FromStr;

use crate::commands::spoolcom::language::grammar::Stage;
use crate::commands::spoolcom::language::messages::{Message, Subject};
use crate::commands::spoolcom::language::mistake::{Mistake, Span};
use crate::commands::spoolcom::language::tree::{Command, Subcommand};
use crate::commands::spoolcom::language::values::{Switch, Value};
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::spoolcom::statement::Currents;
use crate::model::access::AccessChange;
use crate::model::kept::KeptWord;
use crate::model::space::octets;
use crate::model::{BadName, Failure, FailureKind, ProcessName};

/// Makes the mistake of a value that the model does not take.
pub fn wrong(subcommand: &Subcommand, failure: Failure) -> Mistake {
    let mistake = subcommand.bad_value(failure.message);
    failure.hints.into_iter().fold(mistake, Mistake::hint)
}

/// Reads what follows ACCESS; nothing and NONE take all rules away.
pub fn access_change(subcommand: &Subcommand, rule: Option<&str>) -> Result<AccessChange, Mistake> {
    AccessChange::parse(rule.unwrap_or("NONE")).map_err(|failure| wrong(subcommand, failure))
}

/// Reads a count, or octets as `500M`; nothing and NONE are without limit.
pub fn most(subcommand: &Subcommand, text: Option<&str>, in_octets: bool) -> Result<Option<u64>, Mistake> {
    let Some(text) = text else { return Ok(None) };
    let number = if in_octets { octets(text) } else { text.parse().ok().filter(|number| *number > 0) };
    match number {
        Some(number) => Ok(Some(number)),
        None if in_octets => Err(subcommand.bad_value("expected octets, as 100000000, 500M or 2G, or NONE")),
        None => Err(subcommand.bad_value("expected a number from 1, or NONE")),
    }
}

/// The line that statements are made from.
pub struct Source<'a> {
    /// Its text.
    pub line: &'a str,
    /// Its number in a command file.
    pub number: Option<usize>,
    /// What may be current when it is carried out.
    pub current: Currents,
}

impl Source<'_> {
    /// Returns how messages name a command, or one of its subcommands.
    pub fn place(&self, command: &Command, subcommand: Option<&Subcommand>) -> String {
        let piece = |span: Span| self.line.get(span.start..span.end).unwrap_or_default().trim();
        let number = self.number.map(|n| format!("line {n}: ")).unwrap_or_default();
        match subcommand {
            Some(subcommand) => format!("{number}{}, {}", piece(command.head), piece(subcommand.span)),
            None => format!("{number}{}", piece(command.head)),
        }
    }

    /// Returns the word and value of a subcommand that means nothing here, as typed; none for any other. Adds a warning,
    /// one for each word of a command.
    pub fn kept(&self, command: &Command, subcommand: &Subcommand, warnings: &mut Vec<String>) -> Option<KeptWord> {
        let Stage::Meaningless(why) = subcommand.row.stage else { return None };
        let word = subcommand.key().word();
        let value = self.line.get(subcommand.operand.start..subcommand.operand.end).unwrap_or_default().trim();
        // A bare switch is ON, and shown so.
        let value = if value.is_empty() && subcommand.value == Value::Switch(Switch::On) { "ON" } else { value };
        let typed = KeptWord { word: word.to_owned(), value: value.to_owned() };
        if !subcommand.row.asks_for_nothing(&subcommand.value) {
            let warning = format!("WARNING: {typed} HAS NO EFFECT HERE: {why} ({})", self.place(command, None));
            let begins = format!("WARNING: {word} ");
            match warnings.iter_mut().find(|other| other.starts_with(&begins)) {
                Some(other) => *other = warning,
                None => warnings.push(warning),
            }
        }
        Some(typed)
    }

    /// Makes a step of `action`, with the words in which it was typed.
    pub fn step<A>(&self, command: &Command, subcommand: Option<&Subcommand>, action: A) -> Step<A> {
        Step { action, place: self.place(command, subcommand), parts: Vec::new() }
    }

    /// Reads the subcommands of `command`, each by `read`; `usual` is done where there is none. `join` takes an action into the
    /// one before it, or gives it back: attributes that follow each other are one change. Where that is refused, they are carried
    /// out one by one, so that those before the first that fails hold, and that one is named.
    ///
    /// # Errors
    /// The first mistake of `read`.
    pub fn steps<A: Clone>(
        &self,
        command: &Command,
        mut read: impl FnMut(&Subcommand) -> Result<A, Mistake>,
        join: impl Fn(&mut A, A) -> Option<A>,
        usual: A,
    ) -> Result<Vec<Step<A>>, Mistake> {
        let mut steps: Vec<Step<A>> = Vec::new();
        for subcommand in &command.subcommands {
            let step = self.step(command, Some(subcommand), read(subcommand)?);
            let left = match steps.last_mut() {
                Some(last) => last.join(step, &join),
                None => Some(step),
            };
            steps.extend(left);
        }
        if steps.is_empty() {
            steps.push(self.step(command, None, usual));
        }
        Ok(steps)
    }
}

/// An action, and for messages the words in which it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<A> {
    /// What to do.
    pub action: A,
    /// The command and subcommand as typed.
    pub place: String,
    /// The actions that became this one, each with its place; empty where it is one.
    parts: Vec<(A, String)>,
}

impl<A: Clone> Step<A> {
    /// Takes a step into this one where `join` does so with their actions; else gives it back.
    pub fn join(&mut self, next: Self, join: impl Fn(&mut A, A) -> Option<A>) -> Option<Self> {
        let before = self.action.clone();
        let (action, place) = (next.action.clone(), next.place.clone());
        if let Some(action) = join(&mut self.action, next.action) {
            return Some(Self { action, ..next });
        }
        if self.parts.is_empty() {
            self.parts.push((before, self.place.clone()));
        }
        self.parts.push((action, place));
        None
    }

    /// Returns what it was made of, one by one.
    pub fn each(&self) -> Vec<(&A, &str)> {
        match self.parts.is_empty() {
            true => vec![(&self.action, &self.place)],
            false => self.parts.iter().map(|(action, place)| (action, place.as_str())).collect(),
        }
    }
}

/// Whether a change was refused, and nothing of it was done.
fn is_refused(trouble: &EarlyEnd) -> bool {
    use FailureKind::{Ambiguous, BadValue, InUse, NotFound, Security, SpoolerState, State, Unsupported};
    matches!(
        trouble,
        EarlyEnd::Failed(failure, _)
            if matches!(failure.kind, NotFound | Ambiguous | InUse | Security | State | SpoolerState | BadValue | Unsupported)
    )
}

/// Prints the warnings of a command.
pub fn warn(warnings: &[String], session: &mut Session<'_>) {
    for warning in warnings {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(session.err, "{warning}");
    }
}

/// Executes `steps` one after the other, up to the first that fails.
pub fn run_steps<A: Clone>(
    steps: &[Step<A>],
    session: &mut Session<'_>,
    mut run: impl FnMut(&A, &mut Session<'_>) -> Result<(), EarlyEnd>,
) -> Result<(), (String, EarlyEnd)> {
    for step in steps {
        match run(&step.action, session) {
            Err(trouble) if is_refused(&trouble) && !step.parts.is_empty() => {
                for (action, place) in step.each() {
                    run(action, session).map_err(|trouble| (place.to_owned(), trouble))?;
                }
            }
            done => done.map_err(|trouble| (step.place.clone(), trouble))?,
        }
    }
    Ok(())
}

/// Makes the failure for a change without its object, which the statement has refused before.
pub fn unnamed() -> EarlyEnd {
    Failure::internal("a change without its object").into()
}

/// Makes the failure for a command that means the current job or batch, where there is none.
pub fn no_current(what: &str) -> EarlyEnd {
    let verb = what.to_uppercase();
    let failure = Failure::new(FailureKind::BadValue, format!("there is no current {what}"));
    EarlyEnd::Failed(failure.hint(format!("{verb} number, CURRENT   makes one")), Subject::NoCurrent)
}

/// Reads the name of the object of `command`, if one was given.
pub fn object_name<N: FromStr<Err: Display>>(command: &Command) -> Result<Option<N>, Mistake> {
    let Some(name) = command.name() else {
        return Ok(None);
    };
    name.value.parse().map(Some).map_err(|error| Mistake::new(Message::NameInvalid, name.span, format!("{error}")))
}

/// Reads `text`, the operand of `subcommand`, as a name.
pub fn operand_name<N: FromStr<Err: Display>>(subcommand: &Subcommand, text: &str) -> Result<N, Mistake> {
    text.parse().map_err(|error| subcommand.bad_value(format!("{error}")))
}

/// Refuses a name before a subcommand that is about all objects.
pub fn no_name_before(subcommand: &Subcommand, command: &Command) -> Result<(), Mistake> {
    let Some(name) = command.name() else { return Ok(()) };
    let (verb, word) = (command.grammar.verb.word(), subcommand.key().word());
    Err(Mistake::new(Message::Syntax, name.span, format!("expected {verb}, {word}: it counts all of them")))
}

/// A name with or without its `$`. A node before it is left out: [`crate::commands::spoolcom::statement`] sees that it is ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Dollar<N>(pub N);

/// The name of a print process, with or without its `$`.
pub type DollarName = Dollar<ProcessName>;

impl<N: FromStr<Err = BadName>> FromStr for Dollar<N> {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = split_node(text).map_or(text, |(_, name)| name);
        name.strip_prefix('$').unwrap_or(name).parse().map(Self)
    }
}

/// Splits a name into its node and itself: `\\NODE.$NAME`.
pub fn split_node(text: &str) -> Option<(&str, &str)> {
    let (node, name) = text.strip_prefix('\\')?.split_once(".$")?;
    Some((node, &text[text.len() - name.len() - 1..]))
}
