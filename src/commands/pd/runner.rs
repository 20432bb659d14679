//! Runs a `pd` command: it reads its words, acts, and ends with a status.
//!
//! The file of a command has its flags, the attributes that it sets, those of the command itself, and what it does with a
//! command line that was read. Everything else is here.

use std::ffi::OsString;

use clap::ArgMatches;

use super::command_line::completion::{self, Takes};
use super::command_line::options::{self, Item, Names, Setting};
use super::command_line::words;
use super::{Exit, Shell, Stop};
use crate::commands::completing;
use crate::commands::shell::Intent;
use crate::spool::interface::operations::Operations;

/// A `pd` command.
pub struct Verb {
    /// Its name, as it is typed and as its messages begin.
    pub name: &'static str,
    /// The definition of its command line.
    pub definition: fn() -> clap::Command,
    /// What follows the flags in its long help.
    pub help: fn() -> String,
    /// The attributes of objects that it may name, and those of them that it may set.
    pub names: Names,
    /// The command attributes that it takes.
    pub settings: &'static [Setting],
    /// What it does.
    pub act: fn(CommandLine, &mut Shell<'_>) -> Result<Exit, Stop>,
}

/// A command line that was read, before anything is done.
pub struct CommandLine {
    /// The name of the command.
    pub program: &'static str,
    /// What clap made of it.
    pub matches: ArgMatches,
    /// Flags, attributes and arguments in the order in which they were written.
    pub items: Vec<Item>,
}

impl CommandLine {
    /// Opens the spool, or the server that `-H` names.
    pub fn open(&self, shell: &mut Shell<'_>, intent: Intent) -> Result<Box<dyn Operations>, Stop> {
        Ok((shell.open)(self.matches.get_one::<String>("host").map(String::as_str), intent)?)
    }
}

impl Verb {
    /// Returns the definition of its command line with its whole help. Manual page and completions are made from it.
    pub fn documented(&self) -> clap::Command {
        (self.definition)().after_long_help((self.help)())
    }

    /// Runs the command with `words`, the program's name not among them.
    pub fn run(&self, words: &[OsString], shell: &mut Shell<'_>) -> Exit {
        if completing::is_asked(words) {
            return self.complete(words, shell);
        }
        let result = self.read(words, shell).and_then(|line| (self.act)(line, shell));
        // What could not be flushed was not shown.
        let result = result.and_then(|exit| shell.out.flush().map(|()| exit).map_err(Stop::from));
        match result {
            Ok(exit) => exit,
            Err(stop) => stop.report(shell, self.name),
        }
    }

    /// Answers a shell that asks what may stand in a command line.
    fn complete(&self, words: &[OsString], shell: &mut Shell<'_>) -> Exit {
        let mut command = (self.definition)();
        // This gives each argument its place and its action.
        command.build();
        let takes = Takes { command: &command, names: self.names, settings: self.settings };
        completing::answer(words, shell, &mut |cursor, shell| completion::find(&takes, cursor, shell))
    }

    /// Reads `words` and does nothing.
    ///
    /// # Errors
    /// [`Stop::Usage`] for words that it does not take.
    pub fn read(&self, words: &[OsString], shell: &mut Shell<'_>) -> Result<CommandLine, Stop> {
        let mut command = (self.definition)();
        let matches = words::parse(&mut command, || self.documented(), words, shell)?;
        let items = options::ordered(&matches, &command, self.names, self.settings, shell)?;
        Ok(CommandLine { program: self.name, matches, items })
    }
}
