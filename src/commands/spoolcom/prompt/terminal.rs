//! Reads lines from a person at a terminal; `rustyline` does the editing, the history and the completion.

use std::cell::RefCell;

use rustyline::completion::{Completer, Pair};
use rustyline::config::{Behavior, BellStyle, CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};

use crate::model::printable::escaped;
use crate::model::{Failure, FailureKind};
use crate::sys::interrupt;

use super::complete::{Candidate, complete, names_of};
use super::history::{History, LINES};
use super::keyboard::{BENEATH, Keyboard, PROMPT, Typed};
use crate::commands::spoolcom::runner::Runner;

/// A terminal with line editing.
pub struct Terminal<'r, 'a, 'o> {
    editor: Editor<Words<'r, 'a, 'o>, MemHistory>,
}

impl<'r, 'a, 'o> Terminal<'r, 'a, 'o> {
    /// Uses the terminal of standard input. `runner` knows the spool whose names are completed. When standard output is
    /// no terminal, the prompt and the line are shown on the controlling terminal.
    pub fn new(runner: &'r RefCell<Runner<'a, 'o>>, out_is_terminal: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .auto_add_history(false)
            .max_history_size(LINES)
            .map_err(lost)?
            .completion_type(CompletionType::List)
            .bell_style(BellStyle::None)
            .behavior(if out_is_terminal { Behavior::Stdio } else { Behavior::PreferTerm })
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(lost)?;
        editor.set_helper(Some(Words { runner }));
        Ok(Self { editor })
    }

    /// Puts the lines of earlier sessions behind the arrow keys.
    pub fn recall(&mut self, history: &History) {
        history.lines().for_each(|line| self.remember(line));
    }
}

impl Keyboard for Terminal<'_, '_, '_> {
    fn read(&mut self, initial: &str) -> Result<Typed, Failure> {
        typed(self.editor.readline_with_initial(PROMPT, (initial, "")))
    }

    fn read_beneath(&mut self, command: &str) -> Result<Typed, Failure> {
        typed(self.editor.readline(&format!("{PROMPT}{}\n{BENEATH}", escaped(command))))
    }

    fn remember(&mut self, line: &str) {
        // The editor refuses only repetitions.
        let _ = self.editor.add_history_entry(line);
    }
}

/// What came from the keyboard.
fn typed(line: rustyline::Result<String>) -> Result<Typed, Failure> {
    interrupt::clear();
    match line {
        Ok(line) => Ok(Typed::Line(line)),
        // A signal is a Ctrl-C that did not come from the keyboard.
        Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Typed::Interrupted),
        Err(ReadlineError::Eof) => Ok(Typed::End),
        Err(error) => Err(lost(error)),
    }
}

fn lost(error: ReadlineError) -> Failure {
    Failure::new(FailureKind::Io, format!("the terminal cannot be read: {error}"))
}

/// Completes words.
struct Words<'r, 'a, 'o> {
    runner: &'r RefCell<Runner<'a, 'o>>,
}

impl Completer for Words<'_, '_, '_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        // Can the runner be borrowed already? No: nothing is executed while a line is typed. The spool is opened only
        // for looking, and only when a name is wanted.
        let mut names = |named, beginning: &str| match self.runner.try_borrow_mut() {
            Ok(mut runner) => runner.peek().map(|spool| names_of(spool, named, beginning)).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let (start, candidates) = complete(line.get(..at).unwrap_or_default(), &mut names);
        let pair = |one: Candidate| Pair { display: one.shown, replacement: one.text };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for Words<'_, '_, '_> {
    type Hint = String;
}
impl Highlighter for Words<'_, '_, '_> {}
impl Validator for Words<'_, '_, '_> {}
impl Helper for Words<'_, '_, '_> {}
