//! Executes the commands of one invocation: those of the command line at once, those of a file line by line.
//!
//! A runner opens the spool when a line needs it, for the strongest intent so far, and keeps it open. If it cannot
//! reach the spool, the line fails, and the next line tries again. After an OPEN of a spooler that there is not, none is
//! open, and every command that needs one says so until an OPEN works.
//!
//! The declarations of a command file go to the disk together ([`Operations::gather`]): before a display, before the runner
//! has to wait for its next line, when a second has passed, before anything else is changed, and at the end of the file. A power
//! loss before that leaves what the commands up to some line have declared.
//!
//! A command file ends with status 2 only when nothing of it was carried out.

use std::io::{BufRead, Read};
use std::path::PathBuf;

use crate::commands::shell::{Exit, Intent, Opener};
use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::disk::base::{is_missing, server_name};
use crate::spool::interface::operations::Operations;

use super::dump_config::{self, Unwritten};
use super::language::continuation::Whole;
use super::language::keywords::Verb;
use super::language::lexer::is_comment;
use super::language::messages::{Message, Subject};
use super::language::out_name::OutName;
use super::language::report::{print_failure, refuse, usage};
use super::output::{self, CannotOpen, Output};
use super::session::{Current, Session};
use super::spoolers::Find;
use super::statement::{Flow, Line, Statement, read_line, stronger, without_fc};
use super::verbs::open::Supervisor;
use crate::sys::users;

/// The longest line of a command file, in octets. A comment may be longer.
const MAX_LINE: u64 = 1 << 20;

/// Executes the commands of one invocation.
pub struct Runner<'a, 'o> {
    /// What the commands share.
    pub session: Session<'a>,
    open: &'a mut Opener<'o>,
    /// The spooler that is open, or will be; none is the usual one.
    spooler: Option<String>,
    /// The spooler that `$SPLS` is.
    usual: Option<String>,
    /// Finds other ones.
    find: &'a Find<'a>,
    /// The intent for which the spool was opened.
    intent: Option<Intent>,
    /// The node that its server must have.
    node: Option<String>,
    /// Whether an OPEN has failed, so that no spooler is open.
    shut: bool,
    /// Whether a command was carried out, or begun.
    ran: bool,
    /// What became of declarations that could not be brought to the disk.
    unsynced: Exit,
}

impl<'a, 'o> Runner<'a, 'o> {
    /// Makes a runner that has opened nothing yet.
    pub fn new(session: Session<'a>, open: &'a mut Opener<'o>, spooler: Option<String>, find: &'a Find<'a>) -> Self {
        let usual = spooler.clone();
        Self {
            session,
            open,
            spooler,
            usual,
            find,
            intent: None,
            node: None,
            shut: false,
            ran: false,
            unsynced: Exit::Done,
        }
    }

    /// Begins with the spooler at `place`, of the node that was typed.
    pub fn begin_at(&mut self, place: Option<String>, node: Option<String>) {
        self.spooler = place;
        self.node = node;
    }

    /// Makes `supervisor` the spooler of what follows, without opening it.
    ///
    /// # Errors
    /// Fails when there is no such spooler.
    pub fn choose(&mut self, supervisor: &Supervisor) -> Result<(), Failure> {
        self.close();
        self.node = supervisor.node.clone();
        self.session.current = Current::default();
        self.spooler = supervisor.place(self.usual.as_deref(), self.find)?.ok_or_else(|| supervisor.unknown())?;
        self.session.supervisor = supervisor.shown();
        Ok(())
    }

    /// Writes the rest of the output.
    pub fn finish(&mut self, exit: Exit) -> Exit {
        match self.session.out.flush() {
            Ok(()) => exit,
            Err(error) => exit.max(self.session.report("", error.into())),
        }
    }

    /// Executes the statements of a command line.
    pub fn once(&mut self, statements: Vec<Statement>) -> Exit {
        self.session.from_shell = statements.len() == 1 && !self.session.json;
        let line: Line = statements.into_iter().map(Ok).collect();
        self.execute(&line, "", None).0
    }

    /// Executes a command file line by line. `has_more` tells whether the next line can be read without waiting for it.
    pub fn file(&mut self, input: Box<dyn BufRead + '_>, has_more: &dyn Fn() -> bool) -> Exit {
        self.session.gathers = true;
        let exit = self.lines(input, has_more);
        // It is done when it is on disk.
        let ended = self.session.put_on_disk();
        self.report_unsynced(ended);
        self.session.gathers = false;
        match exit.max(self.unsynced) {
            // Status 2 says that nothing was carried out.
            Exit::Usage if self.ran => Exit::Failed,
            exit => exit,
        }
    }

    /// Reports that what was declared could not be brought to the disk.
    fn report_unsynced(&mut self, ended: Result<(), Failure>) {
        if let Err(failure) = ended {
            let exit = self.session.report("", failure.into());
            self.unsynced = self.unsynced.max(exit);
        }
    }

    fn lines(&mut self, mut input: Box<dyn BufRead + '_>, has_more: &dyn Fn() -> bool) -> Exit {
        let (mut worst, mut whole, mut first) = (Exit::Done, Whole::default(), 1);
        for number in 1.. {
            if !has_more() {
                let ended = self.session.put_on_disk();
                self.report_unsynced(ended);
            }
            let read = match read_physical(&mut *input, number) {
                Ok(read) => read,
                Err((message, why)) => return worst.max(usage(self.session.err, message, &why, &[])),
            };
            if !whole.is_begun() {
                first = number;
            }
            if whole.len() > MAX_LINE as usize {
                let why =
                    format!("line {first} goes on for more than {MAX_LINE} octets; the rest of the file was not read");
                return worst.max(usage(self.session.err, Message::Syntax, &why, &[]));
            }
            let ends = read.is_none();
            let text = match read {
                Some(line) => whole.add(&line),
                None => whole.end(),
            };
            if let Some(text) = text {
                let read = read_line(&text, Some(first), &mut self.session.current.known()).into_iter();
                let line: Line = read.map(|read| read.and_then(without_fc)).collect();
                let (exit, flow) = self.execute_line(&line, &text, Some(first));
                worst = worst.max(exit);
                if flow == Flow::Stop {
                    break;
                }
            }
            if ends {
                break;
            }
        }
        worst
    }

    /// Executes a line. A spool that failed is opened again for the next line.
    pub fn execute_line(&mut self, line: &Line, text: &str, number: Option<usize>) -> (Exit, Flow) {
        let (exit, flow) = self.execute(line, text, number);
        if exit == Exit::Unreachable || self.session.broken {
            self.close();
        }
        (exit, flow)
    }

    /// Returns where the output of the whole session goes.
    ///
    /// # Errors
    /// Fails when the file cannot be written, or when there is no such destination.
    pub fn output(&mut self, name: &OutName) -> Result<Output, CannotOpen> {
        let cwd = self.session.cwd.clone();
        if let OutName::File(name) = name {
            return Ok(Output::File(output::open_out(&cwd.join(name))?));
        }
        let intent = if matches!(name, OutName::Job { .. }) { Intent::Write } else { Intent::Read };
        self.open_for(intent)?;
        let Some(spool) = &mut self.session.spool else {
            return Err(Failure::internal("the spool is not open").into());
        };
        Output::open(name, spool.as_mut(), &cwd, self.session.err)
    }

    /// Returns the path of an IN file.
    ///
    /// # Errors
    /// Fails when the name is none of a file.
    pub fn input(&mut self, name: &str) -> Result<PathBuf, Failure> {
        let bad = |why: String| Failure::new(FailureKind::BadValue, why);
        match OutName::read(name).map_err(bad)? {
            OutName::File(name) => Ok(self.session.cwd.join(name)),
            OutName::Guardian(name) => {
                self.open_for(Intent::Read)?;
                let Some(spool) = &mut self.session.spool else {
                    return Err(Failure::internal("the spool is not open"));
                };
                output::guardian(&name, spool.as_mut(), false)
            }
            OutName::Console | OutName::Job { .. } => Err(bad(format!(
                "{} is no file that commands can be read from",
                crate::model::printable::escaped(name)
            ))),
        }
    }

    /// Ends the output of the whole session.
    pub fn end_output(&mut self, output: Output) -> Exit {
        if !matches!(output, Output::Job(..)) {
            return Exit::Done;
        }
        let ended = self.open_for(Intent::Write).and_then(|()| match &mut self.session.spool {
            Some(spool) => output.end(spool.as_mut()),
            None => Err(Failure::internal("the spool is not open")),
        });
        match ended {
            Ok(()) => Exit::Done,
            Err(failure) => self.session.report("OUT", failure.into()),
        }
    }

    /// Closes the spool.
    fn close(&mut self) {
        // A spool that failed does so again: what was declared there is brought to the disk when it is dropped.
        if !self.session.broken {
            let ended = self.session.put_on_disk();
            self.report_unsynced(ended);
        }
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
    fn reach<'s>(&mut self, statements: impl Iterator<Item = &'s Statement>) -> Result<(), Exit> {
        let intent = statements.fold(None, |strongest, statement| stronger(strongest, statement.intent()));
        let Some(intent) = intent else { return Ok(()) };
        self.open_for(intent).map_err(|failure| {
            let failure = Failure { kind: FailureKind::Unreachable, ..failure };
            print_failure(self.session.err, "", &failure, &Subject::Spooler);
            Exit::Unreachable
        })
    }

    /// Writes the configuration of the spool to the output.
    pub fn dump_config(&mut self) -> Exit {
        let opened =
            self.open_for(Intent::Read).map_err(|failure| Failure { kind: FailureKind::Unreachable, ..failure });
        let spool =
            opened.and_then(|()| self.session.spool.as_mut().ok_or_else(|| Failure::internal("no spool is open")));
        let failure = match spool.map(|spool| dump_config::write(spool.as_mut(), self.session.out)) {
            Ok(Ok(())) => return Exit::Done,
            Ok(Err(Unwritten::Output(error))) if error.kind() == std::io::ErrorKind::BrokenPipe => return Exit::Failed,
            Ok(Err(Unwritten::Output(error))) => {
                Failure::new(FailureKind::Io, format!("the output cannot be written: {error}"))
            }
            Ok(Err(Unwritten::Failed(failure))) | Err(failure) => failure,
        };
        print_failure(self.session.err, "", &failure, &Subject::Spooler);
        Exit::of(&failure)
    }

    /// Opens the spool for `intent`, unless it is already open for that or more.
    fn open_for(&mut self, intent: Intent) -> Result<(), Failure> {
        let wanted = stronger(self.intent, Some(intent));
        let Some(wanted) = wanted.filter(|_| wanted != self.intent) else {
            return Ok(());
        };
        // Close the weaker one first: a process may open a spool only once.
        self.close();
        // Before anything may be changed: the spool of another node is none of ours. A spool that is not there yet has the name
        // of this node when it is made.
        if self.node.is_some() && wanted != Intent::Read {
            match (self.open)(self.spooler.as_deref(), Intent::Read) {
                Ok(mut spool) => self.demand_our_node(&spool.about()?.server)?,
                Err(failure) if is_missing(&failure) => self.demand_our_node(&server_name(&users::host()))?,
                Err(failure) => return Err(failure),
            }
        }
        let mut spool = (self.open)(self.spooler.as_deref(), wanted)?;
        if self.node.is_some() {
            self.demand_our_node(&spool.about()?.server)?;
        }
        if self.session.gathers && wanted != Intent::Read {
            spool.gather(true)?;
        }
        self.session.spool = Some(spool);
        self.intent = Some(wanted);
        Ok(())
    }

    /// Refuses a spool of another node than the one that was named.
    fn demand_our_node(&self, server: &ServerName) -> Result<(), Failure> {
        let Some(node) = &self.node else { return Ok(()) };
        if server.as_str().eq_ignore_ascii_case(node) {
            return Ok(());
        }
        let what = format!("there is no spooler on \\{}; this is \\{server}", crate::model::printable::escaped(node));
        Err(Failure::new(FailureKind::Unreachable, what))
    }

    /// Carries out OPEN. The spooler that was open before is closed, whatever comes of it.
    fn open_supervisor(&mut self, supervisor: &Supervisor, place: &str) -> Exit {
        let chosen = self.choose(supervisor);
        let is_chosen = chosen.is_ok();
        let opened = chosen.and_then(|()| match self.open_for(Intent::Read) {
            // Ours comes into being with the first declaration: a cold-start file may well begin so.
            Err(failure) if supervisor.is_ours() && is_missing(&failure) => {
                self.demand_our_node(&server_name(&users::host()))
            }
            opened => opened,
        });
        let Err(failure) = opened else {
            self.shut = false;
            return Exit::Done;
        };
        // A spool of ours that is not there yet comes into being with the first declaration: it is not shut.
        self.shut = !supervisor.is_ours() || self.node.is_some();
        self.node = None;
        let failure = Failure { kind: FailureKind::Unreachable, ..failure };
        let subject = if is_chosen { Subject::Spooler } else { self.what_is(supervisor) };
        print_failure(self.session.err, place, &failure, &subject);
        Exit::Unreachable
    }

    /// Says what OPEN named instead of a supervisor: a process of another kind, what is none, or a supervisor that there is
    /// not.
    fn what_is(&mut self, supervisor: &Supervisor) -> Subject {
        if !supervisor.typed.starts_with(['$', '\\']) {
            return Subject::NoProcess;
        }
        let is_other = match self.peek() {
            Some(spool) => {
                let collector = supervisor.name().parse().is_ok_and(|name| spool.collector(name).is_ok());
                collector || supervisor.name().parse().is_ok_and(|name| spool.process(name).is_ok())
            }
            None => false,
        };
        self.close();
        if is_other { Subject::NoSupervisor } else { Subject::Spooler }
    }

    fn execute(&mut self, line: &Line, text: &str, number: Option<usize>) -> (Exit, Flow) {
        let mut worst = Exit::Done;
        let place = number.map(|n| format!("line {n}")).unwrap_or_default();
        // The spool is opened once for what stands before the next OPEN, for the strongest of it.
        let mut begins = true;
        for (at, read) in line.iter().enumerate() {
            if std::mem::take(&mut begins) && !self.shut {
                let until_open = line[at..].iter().take_while(|read| !matches!(read, Ok(Statement::Open(_))));
                if let Err(exit) = self.reach(until_open.filter_map(|read| read.as_ref().ok())) {
                    return (worst.max(exit), Flow::GoOn);
                }
            }
            let statement = match read {
                Ok(statement) => statement,
                Err(mistake) => {
                    worst = worst.max(refuse(self.session.err, number, text, mistake));
                    continue;
                }
            };
            if let Statement::Open(supervisor) = statement {
                let exit = self.open_supervisor(supervisor, &place);
                self.ran |= exit == Exit::Done;
                worst = worst.max(exit);
                begins = true;
                continue;
            }
            if self.shut && statement.intent().is_some() {
                let failure = Failure::new(FailureKind::Unreachable, "no spooler is open");
                print_failure(self.session.err, &place, &failure, &Subject::Closed);
                worst = worst.max(Exit::Unreachable);
                continue;
            }
            self.ran |= *statement != Statement::Comment;
            self.session.declared |= statement.intent().is_some_and(|intent| intent != Intent::Read);
            match statement.run(&mut self.session) {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Stop) => return (worst, Flow::Stop),
                Err((place, trouble)) => {
                    worst = worst.max(self.session.report(&place, trouble));
                }
            }
            // What closed the spool has to have it opened again for what follows.
            if self.session.spool.is_none() && self.intent.is_some() {
                self.intent = None;
                begins = true;
            }
            // An interrupt ends the whole list, not only the command that was running.
            if (self.session.interrupted)() {
                return (worst.max(Exit::Failed), Flow::GoOn);
            }
        }
        (worst, Flow::GoOn)
    }
}

/// Reads one line of a command file; none at its end.
///
/// # Errors
/// Fails when the file cannot be read, or when the line is too long: with what to say then.
pub fn read_physical(input: &mut dyn BufRead, number: usize) -> Result<Option<String>, (Message, String)> {
    let mut octets = Vec::new();
    let mut read = input.take(MAX_LINE).read_until(b'\n', &mut octets);
    let mut whole = octets.pop_if(|octet| *octet == b'\n').is_some();
    if octets.len() as u64 == MAX_LINE && !whole && is_long_comment(&octets) {
        read = skip_line(input);
        whole = true;
    }
    match read {
        Ok(0) if !whole => return Ok(None),
        Ok(_) => {}
        Err(error) => {
            return Err((Message::FileError, format!("line {number}: the IN file cannot be read: {error}")));
        }
    }
    if !whole && octets.len() as u64 == MAX_LINE {
        let why = format!("line {number} is longer than {MAX_LINE} octets; the rest of the file was not read");
        return Err((Message::Syntax, why));
    }
    octets.pop_if(|octet| *octet == b'\r');
    if number == 1 && octets.starts_with("\u{feff}".as_bytes()) {
        octets.drain(.."\u{feff}".len());
    }
    // A title or a comment may hold octets that are no UTF-8: no name of an object does.
    Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
}

/// Tells whether the first octets of a long line are those of a comment.
fn is_long_comment(octets: &[u8]) -> bool {
    let begins = String::from_utf8_lossy(&octets[..octets.len().min(80)]).into_owned();
    let word = begins.trim_start().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    is_comment(&begins) || word.eq_ignore_ascii_case(Verb::Comment.word())
}

/// Reads the rest of a line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<usize> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(1);
        }
        let (n, ends) = match buffer.iter().position(|octet| *octet == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        input.consume(n);
        if ends {
            return Ok(1);
        }
    }
}
