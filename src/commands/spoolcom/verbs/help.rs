//! HELP: the commands, or the subcommands of one of them, from the grammar.

use std::fmt::Write as _;

use crate::model::near;

use crate::commands::spoolcom::language::abbreviations::{Meaning, ambiguous, meaning};
use crate::commands::spoolcom::language::grammar::{GRAMMAR, Grammar, ObjectKind, Row, Stage};
use crate::commands::spoolcom::language::keywords::{Qualifier, Verb};
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::Mistake;
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::session::{EarlyEnd, Session};

/// What HELP was asked about.
#[derive(Clone, Copy, Debug)]
pub enum Topic {
    /// Everything.
    All,
    /// A command.
    Command(Verb),
    /// One of its subcommands.
    Subcommand(Verb, &'static Row),
    /// What selects jobs.
    Qualifier(Qualifier),
}

/// What each qualifier of a list of jobs takes, and selects.
const QUALIFIERS: &[(Qualifier, &str, &str)] = &[
    (Qualifier::Collect, "name", "jobs that came by this collector"),
    (Qualifier::DataFile, "file", "jobs of the collector that has this data file, by its whole name or its last part"),
    (
        Qualifier::Date,
        "[FROM time] [THRU time]",
        "jobs of that time: MMM dd yyyy, dd MMM yyyy or yyyy-mm-dd, with , hh:mm or without; hh:mm is today",
    ),
    (Qualifier::Form, "text", "jobs with this form name"),
    (Qualifier::Loc, "[#group.]dest|#group", "jobs for this location or group"),
    (Qualifier::Owner, "[user]", "jobs of this user: a login name, group.user or gid,uid; without it, your own"),
    (Qualifier::Report, "text", "jobs with this report name"),
    (Qualifier::State, "state", "jobs in this state: OPEN, READY, PRINT, TRANSFER, HOLD"),
];

impl PartialEq for Topic {
    fn eq(&self, other: &Self) -> bool {
        let key = |topic: &Self| match topic {
            Self::All => None,
            Self::Command(verb) => Some((*verb, None)),
            Self::Subcommand(verb, row) => Some((*verb, Some(row.key.word()))),
            Self::Qualifier(qualifier) => Some((Verb::Job, Some(qualifier.word()))),
        };
        key(self) == key(other)
    }
}

/// Reads which command or subcommand HELP was asked about.
pub fn topic(command: &Command) -> Result<Topic, Mistake> {
    let Some(name) = command.name() else {
        return Ok(Topic::All);
    };
    let mut words = name.value.split_whitespace();
    let unknown = |message, word: &str, why: String, known: Vec<&str>| {
        let mistake = Mistake::new(message, name.span, why);
        let near = near(word, known);
        near.first().map_or(mistake.clone(), |near| mistake.hint(format!("did you mean {near}?")))
    };
    let Some(word) = words.next() else {
        return Ok(Topic::All);
    };
    // A topic may be abbreviated anywhere: nothing is changed.
    let one_of = |word: &str, known: &[&'static str]| match meaning(word, known, true) {
        Meaning::One(at) => Ok(Some(at)),
        Meaning::None => Ok(None),
        Meaning::Several(words) => Err(ambiguous(word, &words, name.span)),
    };
    let known: Vec<&str> = Verb::ALL.iter().map(|verb| verb.word()).collect();
    let Some(verb) = one_of(word, &known)?.map(|at| Verb::ALL[at]) else {
        return Err(unknown(Message::UnknownCommand, word, "HELP knows the commands of SPOOLCOM".into(), known));
    };
    let Some(word) = words.next() else {
        return Ok(Topic::Command(verb));
    };
    let rows = verb.grammar().rows;
    let known: Vec<&str> = rows.iter().map(|row| row.key.word()).collect();
    // FORM, LOC, OWNER and REPORT are both: of those HELP says what the subcommand does, and HELP JOB has the list.
    if verb == Verb::Job && !known.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        let all: Vec<&str> = Qualifier::ALL.iter().map(|qualifier| qualifier.word()).collect();
        if let Some(at) = all.iter().position(|qualifier| qualifier.eq_ignore_ascii_case(word)) {
            return Ok(Topic::Qualifier(Qualifier::ALL[at]));
        }
    }
    match (one_of(word, &known)?.and_then(|at| rows.get(at)), words.next()) {
        (Some(row), None) => Ok(Topic::Subcommand(verb, row)),
        (Some(_), Some(_)) => Err(Mistake::expected(name.span, "HELP command subcommand")),
        (None, _) => {
            let why = format!("HELP {} lists its subcommands", verb.word());
            Err(unknown(Message::UnknownSubcommand, word, why, known))
        }
    }
}

/// Prints help.
pub fn run(topic: Topic, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let text = match topic {
        Topic::All => overview(),
        Topic::Command(verb) => one(verb.grammar()),
        Topic::Subcommand(verb, row) => subcommand(verb.grammar(), row),
        Topic::Qualifier(one) => {
            let row = QUALIFIERS.iter().find(|row| row.0 == one);
            row.map(|(key, takes, help)| format!("JOB ({} {takes})\n  {help}\n", key.word())).unwrap_or_default()
        }
    };
    session.out.write_all(text.as_bytes())?;
    Ok(())
}

/// Lists the commands, one on each line.
pub fn overview() -> String {
    let mut text = String::from("COMMAND [object] [, SUBCOMMAND [value]] ... [; COMMAND ...]\n\n");
    for grammar in GRAMMAR {
        let head = format!("{}{}", grammar.verb.word(), grammar.object_syntax);
        let _ = writeln!(text, "  {head:<33} {}", grammar.help);
    }
    text.push_str(
        "\nHELP command shows its subcommands, HELP command subcommand one of them. A command without a\n\
         subcommand shows its object, or all of them. A word may be shortened to a beginning that no other word has, but not\n\
         among the words of a shell; a line that ends with & goes on with the next one.\n\
         In a shell write everything between single quotes, or leave $ # and ( ) out:\n\n\
         \x20 spoolcom 'DEV $LP1, DRAIN, EXCLUSIVE OFF!, START'\n\
         \x20 spoolcom DEV lp1\n\
         \x20 spoolcom JOB --state print --owner ann, HOLD\n",
    );
    text
}

fn one(grammar: &Grammar) -> String {
    let mut text = format!("{}{}", grammar.verb.word(), grammar.object_syntax);
    if !grammar.rows.is_empty() {
        text.push_str(" [, SUBCOMMAND [value]] ...");
    }
    let _ = writeln!(text, "\n  {}", grammar.help);
    for row in grammar.rows.iter().filter(|row| row.stage == Stage::Now) {
        let head = format!("{}{}", row.key.word(), row.operand.syntax());
        let _ = writeln!(text, "  {head:<33} {}", row.help);
    }
    let kept = grammar.rows.iter().filter(|row| row.stage != Stage::Now);
    let mut kept: Vec<&str> = kept.map(|row| row.key.word()).collect();
    kept.sort_unstable();
    if !kept.is_empty() {
        let _ = writeln!(text, "  kept and shown, without effect here: {}", kept.join(" "));
    }
    if grammar.object == ObjectKind::Jobs {
        text.push_str("\nQualifiers, each at most once, between commas; a job must meet all of them:\n");
        for (key, takes, help) in QUALIFIERS {
            let head = format!("{} {takes}", key.word());
            let _ = writeln!(text, "  {head:<33} {help}");
        }
    }
    text
}

fn subcommand(grammar: &Grammar, row: &Row) -> String {
    let note = match row.stage {
        Stage::Meaningless(why) => format!(": {why}"),
        Stage::Now => String::new(),
    };
    format!(
        "{}{}, {}{}\n  {}{note}\n",
        grammar.verb.word(),
        grammar.object_syntax,
        row.key.word(),
        row.operand.syntax(),
        row.help
    )
}
