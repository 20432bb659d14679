//! What a command gets from its caller: its streams, its environment, and the way to a spool.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::completing;
use super::pd::messages;
use crate::client::{EmbeddedSpool, ServedSpool, Submitter, submission_socket};
use crate::model::job::RawPath;
use crate::model::names::FixedName;
use crate::model::printable::escaped;
use crate::model::{Failure, FailureKind};
use crate::spool::disk::locks;
use crate::spool::disk::paths::Base;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request};
use crate::supervise::{self, Place, Purpose};
use crate::sys::{holder, notice};

/// Exit statuses: 0 all done, 1 at least one object failed, 2 usage error, 3 spool not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// At least one object failed or was not found.
    Failed = 1,
    /// Usage error; nothing was changed.
    Usage = 2,
    /// The spool or server cannot be reached.
    Unreachable = 3,
    /// `pdpr --wait`: the job is held until a person acts.
    Held = 4,
    /// `pdpr --wait`: the job was removed before it printed.
    Removed = 5,
    /// `pdpr --wait`: the job was accepted, and how it ended cannot be asked.
    Unanswered = 6,
}

impl Exit {
    /// Returns the exit status for a failure.
    pub fn of(failure: &Failure) -> Self {
        match failure.kind {
            FailureKind::Unreachable | FailureKind::Damaged => Self::Unreachable,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command is going to do with the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Look for what a person may type next: nothing is created, started or waited for, and no network is asked.
    Glance,
    /// Only look: nothing is created or started.
    Read,
    /// Change something in a spool that exists.
    Write,
    /// Submit a job to a spool that exists, through the submission socket if somebody listens there.
    Submit,
    /// Declare something: a private spool is made if there is none.
    Declare,
    /// The same, and a spool that is made has a server of this name.
    DeclareAs(FixedName),
}

/// Opens a spool for an intent: the one that `-H` or `--spooler` names, or the usual one.
pub type Opener<'a> = dyn FnMut(Option<&str>, Intent) -> Result<Box<dyn Operations>, Failure> + 'a;

/// What one command gets from its caller.
pub struct Shell<'a> {
    /// Standard output, which scripts parse. A thread of its own writes a long listing.
    pub out: &'a mut (dyn Write + Send),
    /// Standard error: messages and hints.
    pub err: &'a mut dyn Write,
    /// Standard input.
    pub input: &'a mut dyn BufRead,
    /// Whether standard output is a terminal.
    pub out_is_terminal: bool,
    /// Whether standard error is a terminal. Only then hints that nobody asked for go there.
    pub err_is_terminal: bool,
    /// Whether standard input is a terminal.
    pub input_is_terminal: bool,
    /// The controlling terminal, where a question is asked when standard input is something else.
    pub terminal: Option<&'a Path>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The current directory.
    pub cwd: PathBuf,
    /// Milliseconds since 1970, for displays.
    pub now_ms: i64,
    /// Opens the spool: takes `-H` or `--spooler` if given, and the intent.
    pub open: &'a mut Opener<'a>,
}

/// Standard output, standard error and standard input of a command.
pub type Streams<'a> = (&'a mut (dyn Write + Send), &'a mut dyn Write, &'a mut dyn BufRead);

impl<'a> Shell<'a> {
    /// What a script gives a command: no terminal anywhere. `at` is the current directory, and the time in milliseconds since 1970.
    pub fn of_script(
        (out, err, input): Streams<'a>,
        env: &'a dyn Fn(&str) -> Option<OsString>,
        (cwd, now_ms): (PathBuf, i64),
        open: &'a mut Opener<'a>,
    ) -> Self {
        Self {
            out,
            err,
            input,
            out_is_terminal: false,
            err_is_terminal: false,
            input_is_terminal: false,
            terminal: None,
            env,
            cwd,
            now_ms,
            open,
        }
    }
}

impl Shell<'_> {
    /// Prints a failure with its number and hints: `pdpr: 9100-103 sales.front: …`.
    pub fn report(&mut self, program: &str, failure: &Failure) -> Exit {
        self.say(program, failure, false)
    }

    /// The same for a wrong command line.
    pub fn report_usage(&mut self, program: &str, failure: &Failure) -> Exit {
        self.say(program, failure, true);
        Exit::Usage
    }

    /// Returns the number that stands before a message, with a blank behind it; nothing where the caller wants none.
    pub fn number_of(&self, failure: &Failure, usage: bool) -> String {
        let wanted = (self.env)(messages::SWITCH).is_none_or(|word| !word.eq_ignore_ascii_case("no"));
        if wanted { format!("{} ", messages::number_of(failure, usage)) } else { String::new() }
    }

    fn say(&mut self, program: &str, failure: &Failure, usage: bool) -> Exit {
        let number = self.number_of(failure, usage);
        // A closed standard error must not turn into a second failure.
        let _ = writeln!(self.err, "{program}: {number}{}", escaped(&failure.message));
        for hint in &failure.hints {
            let _ = writeln!(self.err, "  hint: {}", escaped(hint));
        }
        Exit::of(failure)
    }
}

/// Runs a command with the streams and the environment of this process, on the spool that the command chooses.
pub fn with_process(command: impl FnOnce(&[OsString], &mut Shell<'_>) -> Exit) -> std::process::ExitCode {
    use std::io::{BufReader, BufWriter, IsTerminal};

    crate::sys::umask::keep_private();
    crate::sys::spawn::default_sigpipe();
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    crate::sys::limits::prepare_command(&program);
    let words: Vec<OsString> = arguments.collect();
    if completing::is_asked(&words) {
        completing::end_soon();
    }
    let name = Path::new(&program).file_name().unwrap_or(&program).to_string_lossy().into_owned();
    notice::listen(move |text| {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(std::io::stderr(), "{name}: {text}");
    });
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let env = |name: &str| std::env::var_os(name);
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut open = opener(cwd.clone());
    let (out_is_terminal, input_is_terminal) = (stdout.is_terminal(), stdin.is_terminal());
    // Why are the streams not locked? A document may be read from the descriptor of standard input itself.
    let mut out = Output { buffer: BufWriter::with_capacity(64 * 1024, stdout), failed: false };
    let mut err = std::io::stderr();
    let err_is_terminal = err.is_terminal();
    let mut input = BufReader::with_capacity(1024, LazyStdin(stdin));
    let exit = command(
        &words,
        &mut Shell {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            out_is_terminal,
            err_is_terminal,
            input_is_terminal,
            terminal: Some(Path::new("/dev/tty")),
            env: &env,
            cwd,
            now_ms: crate::sys::clock::wall_ms(),
            open: &mut open,
        },
    );
    // The command itself has reported what it could not write.
    let told = out.failed;
    if let Err(error) = out.flush()
        && !told
    {
        let _ = writeln!(std::io::stderr(), "cannot write to standard output: {error}");
        return exit.max(Exit::Failed).into();
    }
    exit.into()
}

/// Makes the way to the spool that a command of this process chooses which runs in the directory `place`.
pub fn opener(place: PathBuf) -> impl FnMut(Option<&str>, Intent) -> Result<Box<dyn Operations>, Failure> {
    move |host: Option<&str>, intent: Intent| {
        if !matches!(intent, Intent::Read | Intent::Glance) {
            supervise::check_environment(&|name| std::env::var_os(name))?;
        }
        let purpose = match intent {
            Intent::Glance => Purpose::Glance,
            Intent::Read => Purpose::Look,
            Intent::Write => Purpose::Change,
            Intent::Submit => {
                return match supervise::usual_place(host, &|name| std::env::var_os(name), &place)? {
                    Place::Base(base) => Ok(submitter(base)),
                    Place::Server(path) => served(&path),
                    Place::Network(address) => on_network(&address),
                };
            }
            Intent::Declare | Intent::DeclareAs(_) => Purpose::Declare,
        };
        match supervise::usual_place(host, &|name| std::env::var_os(name), &place)? {
            Place::Base(base) => {
                let server = if let Intent::DeclareAs(server) = intent { Some(server) } else { None };
                let mut spool = embedded(base, purpose, server, None)?;
                // Kept in the spool, because a print process has nothing of the environment of whoever starts it. A server
                // has its own.
                let declares = !matches!(purpose, Purpose::Look | Purpose::Glance);
                if let Some(path) = std::env::var_os("FASTCNFG").filter(|path| declares && !path.is_empty())
                    && !spool.is_served()
                {
                    spool.set_fastcnfg(Some(RawPath(path.into())))?;
                }
                Ok(Box::new(spool))
            }
            Place::Server(path) => served(&path),
            Place::Network(address) if intent == Intent::Glance => {
                let what = format!("{address} is not asked while somebody types");
                Err(Failure::new(FailureKind::Unreachable, what))
            }
            Place::Network(address) => on_network(&address),
        }
    }
}

/// The spool of the server that listens at `path`.
fn served(path: &std::path::Path) -> Result<Box<dyn Operations>, Failure> {
    Ok(Box::new(ServedSpool::connect(path)?))
}

/// The spool of the server at `address` on the network.
fn on_network(address: &str) -> Result<Box<dyn Operations>, Failure> {
    Ok(Box::new(ServedSpool::on_network(address)?))
}

/// The spool in a directory of our own, for a command that began to look for it at `began`. One that is made has a server of
/// the name that is given.
fn embedded(
    base: Base,
    purpose: Purpose,
    server: Option<FixedName>,
    began: Option<Instant>,
) -> Result<EmbeddedSpool, Failure> {
    let waited = move || began.map_or(Duration::ZERO, |began| began.elapsed());
    let place = base.clone();
    let open = move || supervise::open_waited(&place, purpose, server.as_ref().map(FixedName::as_str), waited());
    EmbeddedSpool::open(base, Box::new(open))
}

/// Makes the way of a submission: to the submission socket, or into the spool. `PD_SUBMISSION_SOCKET_MS` says how long
/// the first answer may take; 0 means that the socket is not used.
fn submitter(base: Base) -> Box<dyn Operations> {
    let patience = std::env::var("PD_SUBMISSION_SOCKET_MS").ok().and_then(|text| text.parse().ok());
    let patience = patience.map_or(submission_socket::FIRST_ANSWER, Duration::from_millis).min(Duration::from_secs(60));
    // A print process takes no submissions for a server.
    let patience = if locks::is_served(&base) { Duration::ZERO } else { patience };
    let (path, gate, began) = (base.submission_socket(), base.write_lock(), Instant::now());
    let spool = Box::new(move || {
        let spool = embedded(base.clone(), Purpose::Change, None, Some(began))?;
        Ok(Box::new(spool) as Box<dyn Operations>)
    });
    // The print process waits at the gate for us.
    let tell = Box::new(move || {
        if holder::of(&gate).is_some() {
            notice::say(&holder::waited_for(&gate));
        }
    });
    Box::new(Kept(ManuallyDrop::new(Submitter::new(&path, patience, spool).telling(tell))))
}

/// Deliberately never dropped: the process exits next, and the kernel closes descriptors faster than we do.
struct Kept(ManuallyDrop<Submitter>);

impl Carrier for Kept {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        self.0.carry(request, files)
    }
}

/// Standard output, and whether the command has been told that it cannot be written.
struct Output {
    buffer: std::io::BufWriter<std::io::Stdout>,
    failed: bool,
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.buffer.write(octets).inspect_err(|_| self.failed = true)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.buffer.flush().inspect_err(|_| self.failed = true)
    }
}

/// Standard input without a buffer of its own.
struct LazyStdin(std::io::Stdin);

impl std::io::Read for LazyStdin {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::os::fd::AsFd;
        nix::unistd::read(self.0.as_fd(), buffer).map_err(Into::into)
    }
}
