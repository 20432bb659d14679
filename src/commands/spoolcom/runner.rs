//! Executes the commands of one invocation: those of the command line at once, those of a file line by line.
//!
//! A runner opens the spool when a line needs it, for the strongest intent so far, and keeps it open. If it cannot
//! reach the spool, the line fails, and the next line tries again.

use std::io::{BufRead, Read};

use crate::commands::shell::{Exit, Intent, Opener};
use crate::model::{Failure, FailureKind};
use crate::spool::interface::operations::Operations;

use super::language::messages::{Message, Subject};
use super::language::report::{print_failure, refuse, usage};
use super::session::Session;
use super::statement::{Flow, Statement, read_line, stronger, without_fc};

/// The longest line of a command file, in octets.
const MAX_LINE: u64 = 1 << 20;

/// Executes the commands of one invocation.
pub struct Runner<'a, 'o> {
    /// What the commands share.
    pub session: Session<'a>,
    open: &'a mut Opener<'o>,
    spooler: Option<String>,
    /// The intent for which the spool was opened.
    intent: Option<Intent>,
}

impl<'a, 'o> Runner<'a, 'o> {
    /// Makes a runner that has opened nothing yet.
    pub fn new(session: Session<'a>, open: &'a mut Opener<'o>, spooler: Option<String>) -> Self {
        Self { session, open, spooler, intent: None }
    }

    /// Writes the rest of the output.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        match self.session.out.flush() {
            Ok(()) => exit,
            Err(error) => exit.max(self.session.report("", error.into())),
        }
    }

    /// Executes the statements of a command line. Opens the spool once, for the strongest of them.
    pub fn once(&mut self, statements: &[Statement]) -> Exit {
        self.session.from_shell = statements.len() == 1 && !self.session.json;
        if let Err(exit) = self.reach(statements) {
            return exit;
        }
        self.execute(statements).0
    }

    /// Executes a command file line by line.
    pub fn file(&mut self, mut input: Box<dyn BufRead + '_>) -> Exit {
        let mut worst = Exit::Done;
        for number in 1.. {
            let mut octets = Vec::new();
            match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut octets) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    return worst.max(usage(
                        self.session.err,
                        Message::FileError,
                        &format!("line {number}: the IN file cannot be read: {error}"),
                        &[],
                    ));
                }
            }
            let whole = octets.pop_if(|octet| *octet == b'\n').is_some();
            if !whole && octets.len() as u64 == MAX_LINE {
                let why = format!("line {number} is longer than {MAX_LINE} octets; the rest of the file was not read");
                return worst.max(usage(self.session.err, Message::Syntax, &why, &[]));
            }
            octets.pop_if(|octet| *octet == b'\r');
            if number == 1 && octets.starts_with("\u{feff}".as_bytes()) {
                octets.drain(.."\u{feff}".len());
            }
            // A title or a comment may hold octets that are no UTF-8: no name of an object does.
            let line = String::from_utf8_lossy(&octets);
            let (exit, flow) = self.line(&line, number);
            worst = worst.max(exit);
            if flow == Flow::Stop {
                break;
            }
        }
        worst
    }

    /// Executes one line of a command file.
    fn line(&mut self, line: &str, number: usize) -> (Exit, Flow) {
        match read_line(line, Some(number)).and_then(without_fc) {
            Err(mistake) => (refuse(self.session.err, Some(number), line, &mistake), Flow::GoOn),
            Ok(statements) => self.execute_line(&statements),
        }
    }

    /// Executes the statements of one line. A spool that failed is opened again for the next line.
    pub fn execute_line(&mut self, statements: &[Statement]) -> (Exit, Flow) {
        if statements.contains(&Statement::Open) {
            self.close();
        }
        if let Err(exit) = self.reach(statements) {
            return (exit, Flow::GoOn);
        }
        let (exit, flow) = self.execute(statements);
        if exit == Exit::Unreachable || self.session.broken {
            self.close();
        }
        (exit, flow)
    }

    /// Closes the spool.
    fn close(&mut self) {
        self.session.spool = None;
        self.session.broken = false;
        self.intent = None;
    }

    /// Returns the spool for looking, if it opens without a message: completion must not disturb the line that is
    /// typed.
    pub fn peek(&mut self) -> Option<&mut dyn Operations> {
        if self.session.spool.is_none() {
            self.session.spool = Some((self.open)(self.spooler.as_deref(), Intent::Read).ok()?);
            self.intent = Some(Intent::Read);
        }
        self.session.spool.as_mut().map(|spool| spool.as_mut() as &mut dyn Operations)
    }

    /// Opens the spool for what `statements` intend, unless it is already open for that.
    fn reach(&mut self, statements: &[Statement]) -> Result<(), Exit> {
        let intent = statements.iter().fold(None, |strongest, statement| stronger(strongest, statement.intent()));
        let wanted = stronger(self.intent, intent);
        let Some(wanted) = wanted.filter(|_| wanted != self.intent) else {
            return Ok(());
        };
        // Close the weaker one first: a process may open a spool only once.
        self.close();
        match (self.open)(self.spooler.as_deref(), wanted) {
            Ok(spool) => {
                self.session.spool = Some(spool);
                self.intent = Some(wanted);
                Ok(())
            }
            Err(failure) => {
                let failure = Failure { kind: FailureKind::Unreachable, ..failure };
                print_failure(self.session.err, "", &failure, &Subject::Spooler);
                Err(Exit::Unreachable)
            }
        }
    }

    fn execute(&mut self, statements: &[Statement]) -> (Exit, Flow) {
        let mut worst = Exit::Done;
        for statement in statements {
            match statement.run(&mut self.session) {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Stop) => return (worst, Flow::Stop),
                Err((place, trouble)) => {
                    worst = worst.max(self.session.report(&place, trouble));
                }
            }
            // An interrupt ends the whole list, not only the command that was running.
            if (self.session.interrupted)() {
                return (worst.max(Exit::Failed), Flow::GoOn);
            }
        }
        (worst, Flow::GoOn)
    }
}
