//! HELP: the commands, or the subcommands of one of them, from the grammar.

use std::fmt::Write as _;

use crate::model::near;

use super::grammar::{GRAMMAR, Grammar, Stage, Verb};
use super::lexer::Mistake;
use super::messages::Message;
use super::session::{Session, Trouble};
use super::tree::Command;

/// The command that HELP was asked about.
///
/// # Errors
/// When there is no such command.
pub fn topic(command: &Command) -> Result<Option<Verb>, Mistake> {
    let Some(name) = command.name() else {
        return Ok(None);
    };
    match Verb::from_word(&name.value) {
        Some(verb) => Ok(Some(verb)),
        None => {
            let mistake = Mistake::new(Message::UnknownCommand, name.span, "HELP knows the commands of SPOOLCOM");
            let near = near(&name.value, Verb::ALL.iter().map(|verb| verb.word()));
            Err(near.first().map_or(mistake.clone(), |near| mistake.hint(format!("did you mean {near}?"))))
        }
    }
}

/// Prints help.
///
/// # Errors
/// When the output cannot be written.
pub fn run(topic: Option<Verb>, session: &mut Session<'_>) -> Result<(), Trouble> {
    let text = topic.map_or_else(overview, |verb| one(verb.grammar()));
    session.out.write_all(text.as_bytes())?;
    Ok(())
}

/// The commands, one a line.
pub fn overview() -> String {
    let mut text = String::from("COMMAND [object] [, SUBCOMMAND [value]] ... [; COMMAND ...]\n\n");
    for grammar in GRAMMAR {
        let head = format!("{}{}", grammar.verb.word(), grammar.object_syntax);
        let _ = writeln!(text, "  {head:<33} {}{}", grammar.help, later(grammar.stage));
    }
    text.push_str(
        "\nHELP command shows its subcommands. A command without one shows its object, or all of them.\n\
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
    let _ = writeln!(text, "\n  {}{}", grammar.help, later(grammar.stage));
    for row in grammar.rows.iter().filter(|row| row.stage == Stage::Now) {
        let head = format!("{}{}", row.key.word(), row.operand.syntax());
        let _ = writeln!(text, "  {head:<33} {}", row.help);
    }
    let words: Vec<&str> =
        grammar.rows.iter().filter(|row| row.stage != Stage::Now).map(|row| row.key.word()).collect();
    if !words.is_empty() {
        let _ = writeln!(text, "  not available in this version: {}", words.join(" "));
    }
    text
}

fn later(stage: Stage) -> &'static str {
    if stage == Stage::Now { "" } else { " (not available in this version)" }
}
