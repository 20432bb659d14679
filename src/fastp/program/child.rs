//! The program as a child of ours: how it is started, greeted, watched and ended.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::conversation::{Broken, Conversation};
use super::messages::{FromDevice, FromProgram, ToDevice, ToProgram, VERSION};
use crate::fastp::process::log::Log;
use crate::model::ProcessName;
use crate::spool::Base;
use crate::sys::process::{self, ProcessNote};
use crate::sys::{own_file, spawn};

/// How long a program may take to end when it is told to. A print process gives its devices as long.
const PARTING: Duration = Duration::from_secs(10);
/// How long one that was killed may take to be gone.
const KILLED: Duration = Duration::from_secs(10);
/// How long what it has written to its standard error may take to be in the log when it is gone. A program that it has started
/// and that has left its group may keep that open for ever.
const SAID: Duration = Duration::from_secs(2);
/// The longest line of its standard error that the log takes.
const LONGEST: usize = 1000;

/// The conversation about an open device.
pub type DeviceTalk = Conversation<ToDevice, FromDevice>;

/// A program that drives devices.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    pid: Pid,
    child: Mutex<Child>,
    control: Conversation<ToProgram, FromProgram>,
    /// Closed when all that it has written to its standard error is in the log.
    errors: Mutex<Receiver<()>>,
    /// How long it may take to answer.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    greeted: bool,
    /// The last ping, and whether it is answered.
    ping: u64,
    answered: bool,
    /// Since when an answer is due.
    since: Instant,
    /// Why it has to end, if it has.
    condemned: Option<String>,
}

impl Program {
    /// Starts the program at `path` for the print process `name`.
    ///
    /// # Errors
    /// When it cannot be started, or an earlier one cannot be ended.
    pub fn start(
        base: &Base,
        name: &ProcessName,
        path: &Path,
        parm: u16,
        patience: Duration,
        log: &Log,
    ) -> io::Result<Self> {
        end_earlier(&base.program(name))?;
        let (ours, theirs) = UnixStream::pair()?;
        let (errors, writer) = io::pipe()?;
        let arguments = [OsStr::new(name.as_str())];
        let child = spawn::print_program(path, &arguments, OwnedFd::from(theirs), OwnedFd::from(writer))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        // Without the note only the kernel ends it with us, which is what happens anyway.
        if let Ok(note) = ProcessNote::of(child.id()) {
            let _ = sign(&base.program(name), &note);
        }
        let errors = Mutex::new(keep_errors(errors, log.clone()));
        let program = Self {
            path: path.to_owned(),
            pid,
            child: Mutex::new(child),
            control: Conversation::over(ours, patience)?,
            errors,
            patience,
            state: Mutex::new(State {
                greeted: false,
                ping: 0,
                answered: true,
                since: Instant::now(),
                condemned: None,
            }),
        };
        let hello = ToProgram::Hello { version: VERSION, process: format!("${name}"), parm };
        if let Err(broken) = program.control.say(&hello, &[]) {
            program.condemn(&broken);
        }
        log.line(format_args!("its program {} runs, process {pid}", path.display()));
        Ok(program)
    }

    /// How long it may take to answer.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What main waits for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.control.fd()
    }

    /// Begins a conversation about a device.
    ///
    /// # Errors
    /// When the program does not hear us any more, or no socket can be made.
    pub fn connect(&self, open: &ToProgram) -> io::Result<Result<DeviceTalk, Broken>> {
        let (ours, theirs) = UnixStream::pair()?;
        let talk = Conversation::over(ours, self.patience)?;
        Ok(self.control.say(open, &[theirs.as_fd()]).map(|()| talk))
    }

    /// It has to end, because a conversation with it is over that should not be. Main ends it.
    pub fn condemn(&self, broken: &Broken) {
        let why = match broken {
            Broken::Closed => return self.kill(),
            Broken::Contract(what) => format!("it breaks the contract: {what}"),
        };
        self.state.lock().unwrap_or_else(PoisonError::into_inner).condemned.get_or_insert(why);
        self.kill();
    }

    fn kill(&self) {
        // Its own group: whatever it has started ends with it.
        let _ = killpg(self.pid, Signal::SIGKILL);
    }

    /// Hears what it says, and asks whether it is well. Main calls this whenever it looks.
    ///
    /// # Errors
    /// Says how it ended. It is gone then.
    pub fn attend(&self, ask: bool) -> Result<(), String> {
        let mut broken = None;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                match self.control.next() {
                    Ok(None) => break,
                    Ok(Some(FromProgram::Hello { version })) if version == VERSION && !state.greeted => {
                        state.greeted = true;
                    }
                    Ok(Some(FromProgram::Pong { number })) if state.greeted && number == state.ping => {
                        state.answered = true;
                    }
                    Ok(Some(word)) => broken = Some(Broken::Contract(format!("{word:?} comes at the wrong time"))),
                    Err(error) => broken = Some(error),
                }
                if broken.is_some() {
                    break;
                }
            }
            let late = (!state.greeted || !state.answered) && state.since.elapsed() > self.patience;
            if late && broken.is_none() {
                broken = Some(Broken::Contract(format!("it says nothing for {} s", self.patience.as_secs())));
            }
            if ask && broken.is_none() && state.greeted && state.answered {
                state.ping += 1;
                (state.answered, state.since) = (false, Instant::now());
                broken = self.control.say(&ToProgram::Ping { number: state.ping }, &[]).err();
            }
        }
        match broken {
            None => Ok(()),
            Some(broken) => {
                self.condemn(&broken);
                Err(self.how_it_ended())
            }
        }
    }

    /// Waits for its end, which is near.
    fn how_it_ended(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // One that closed its side may still run: it is no use any more.
        self.kill();
        let ended = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        // What it said last stands before why it ended: that is looked for at the end of the log.
        let _ = self.errors.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(SAID);
        let why = self.state.lock().unwrap_or_else(PoisonError::into_inner).condemned.clone();
        let shown = self.path.display();
        match why {
            Some(why) => format!("{shown}: {why}"),
            None => format!("{shown} ended by itself: {ended}"),
        }
    }

    /// Tells it to end, and waits until it has.
    pub fn end(&self, log: &Log) {
        let _ = self.control.say(&ToProgram::End, &[]);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let note = ProcessNote::of(child.id());
        if let Ok(note) = note
            && !process::is_gone_within(&note, PARTING)
        {
            log.line(format_args!("its program {} does not end: killed", self.path.display()));
        }
        self.kill();
        let _ = child.wait();
    }
}

/// Kills a program that an earlier print process of this name has left.
fn end_earlier(note: &Path) -> io::Result<()> {
    let earlier: Option<ProcessNote> = own_file::read_text(note).ok().and_then(|text| text.parse().ok());
    let Some(earlier) = earlier.filter(ProcessNote::is_there) else { return Ok(()) };
    let _ = killpg(Pid::from_raw(earlier.pid.cast_signed()), Signal::SIGKILL);
    match process::is_gone_within(&earlier, KILLED) {
        true => Ok(()),
        false => Err(io::Error::other(format!("process {} of an earlier start does not end", earlier.pid))),
    }
}

fn sign(path: &Path, note: &ProcessNote) -> io::Result<()> {
    let file = own_file::open(path, OpenOptions::new().write(true).create(true).mode(0o600))?;
    file.write_all_at(note.to_string().as_bytes(), 0)
}

/// Has a thread write to the log what the program writes to its standard error. What it returns is closed when that has ended.
fn keep_errors(errors: impl Read + Send + 'static, log: Log) -> Receiver<()> {
    let (open, closed) = mpsc::channel();
    let thread = std::thread::Builder::new().name("program".into()).stack_size(128 << 10);
    // Without a thread the program finds its standard error closed.
    let _ = thread.spawn(move || {
        let _open: mpsc::Sender<()> = open;
        let mut errors = BufReader::new(errors);
        loop {
            let mut line = Vec::new();
            match errors.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => log.line(format_args!("its program says: {}", String::from_utf8_lossy(&line).trim_end())),
            }
        }
    });
    closed
}
