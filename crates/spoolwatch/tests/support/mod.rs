//! A spool of one's own, and a terminal with somebody in front of it: what was sent to it is a screen, as a real one shows it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(120);
const LINES: NonZero<u16> = NonZero::new(24).unwrap();

/// A program of ours. Cargo puts tests into `deps` and programs one above it.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(program.exists(), "{} is not built: cargo test --workspace", program.display());
    program
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// A spool of one's own.
pub struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Gives a command the environment of this site.
    pub fn dress(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("PDBASE", self.path("base"))
            .env("HOME", self.dir.path())
            .env("PD_FASTP_IDLE", "0.2")
            .env("PD_HINTS", "always");
        command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8").env("TZ", "UTC").stdin(Stdio::null());
    }

    pub fn run(&self, name: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(program(name));
        self.dress(&mut command);
        let output = command.args(arguments).output().unwrap();
        Outcome {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs SPOOLCOM, which must succeed, and returns what it shows.
    #[track_caller]
    pub fn spoolcom(&self, commands: &str) -> String {
        let outcome = self.run("spoolcom", &[commands]);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        outcome.out
    }

    /// A device that is not started, and a location before it.
    #[track_caller]
    pub fn declare(&self) {
        let uri = format!("file://{}", self.path("paper").display());
        self.spoolcom(&format!(
            "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI {uri}, HEADER OFF; LOC #OFFICE.FRONT, DEV $LP1"
        ));
    }

    /// A job of this name.
    #[track_caller]
    pub fn submit(&self, title: &str) {
        self.submit_to("office.front", title, b"a line\n");
    }

    /// The same of other octets, sent elsewhere.
    #[track_caller]
    pub fn submit_to(&self, destination: &str, title: &str, octets: &[u8]) {
        let file = self.path("document");
        std::fs::write(&file, octets).unwrap();
        let outcome = self.run("pdpr", &["-d", destination, "-t", title, file.to_str().unwrap()]);
        assert_eq!(outcome.status, 0, "{outcome:?}");
    }
}

/// A terminal and the program in it.
pub struct Terminal {
    master: Option<File>,
    slave: OwnedFd,
    before: Termios,
    child: Child,
    screen: vt100::Parser,
    sent: Vec<u8>,
}

impl Terminal {
    /// Starts a command in a terminal of so many columns.
    pub fn start(mut command: Command, columns: u16) -> Self {
        let size = Winsize { ws_row: LINES.get(), ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let before = tcgetattr(&pty.slave).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self {
            master: Some(File::from(pty.master)),
            slave: pty.slave,
            before,
            child,
            screen: vt100::Parser::new(LINES, NonZero::new(columns).unwrap(), 0),
            sent: Vec::new(),
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// What stands on the screen, without blanks at the ends of lines.
    pub fn text(&self) -> String {
        self.screen.screen().contents().lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Waits until this stands on the screen.
    #[track_caller]
    pub fn shows(&mut self, part: &str) {
        self.until(&format!("{part:?}"), |text| text.contains(part));
    }

    /// Waits until the screen is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds(&self.text()) {
            assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}; the screen:\n{}", self.text());
            let ended = self.child.try_wait().unwrap();
            self.read();
            assert!(ended.is_none() || holds(&self.text()), "it ended without {what}; the screen:\n{}", self.text());
        }
    }

    /// Waits until this was sent since it last forgot.
    #[track_caller]
    pub fn until_sent(&mut self, part: &str) {
        let end = Instant::now() + DEADLINE;
        while !self.sent().contains(part) {
            assert!(Instant::now() < end, "not within {DEADLINE:?}: {part:?}; sent:\n{:?}", self.sent());
            self.read();
        }
    }

    /// Reads what is there, or waits for it a little.
    fn read(&mut self) {
        let Some(master) = &mut self.master else { return };
        let mut fds = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(200u16)).unwrap_or(0) == 0 {
            return;
        }
        let mut buffer = [0; 4096];
        match master.read(&mut buffer) {
            Ok(n) => {
                self.screen.process(&buffer[..n]);
                self.sent.extend(&buffer[..n]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted || error.raw_os_error() == Some(5) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Forgets what was sent so far.
    pub fn forget(&mut self) {
        self.sent.clear();
    }

    /// Everything that was sent.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent).into_owned()
    }

    /// Makes the window narrower or wider.
    pub fn resize(&mut self, columns: u16) {
        self.screen.screen_mut().set_size(LINES, NonZero::new(columns).unwrap());
        let done = Command::new("stty")
            .args(["cols", &columns.to_string()])
            .stdin(Stdio::from(self.slave.try_clone().unwrap()))
            .status();
        assert!(done.unwrap().success());
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Whether the terminal is in another mode than before.
    pub fn is_changed(&self) -> bool {
        tcgetattr(&self.slave).unwrap() != self.before
    }

    /// Types `keys`, waits for the end, and returns the status. The terminal must be as it was.
    #[track_caller]
    pub fn quit(&mut self, keys: &str) -> i32 {
        self.types(keys);
        let status = self.wait();
        assert!(!self.is_changed(), "the mode of the terminal is not as it was");
        assert!(!self.screen.screen().alternate_screen(), "the screen is not as it was");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden");
        status
    }

    /// Takes the terminal away, and returns the status.
    #[track_caller]
    pub fn hang_up(&mut self) -> i32 {
        self.master = None;
        self.wait()
    }

    #[track_caller]
    fn wait(&mut self) -> i32 {
        let end = Instant::now() + DEADLINE;
        loop {
            let ended = self.child.try_wait().unwrap();
            self.read();
            if let Some(status) = ended {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < end, "it has not ended; the screen:\n{}", self.text());
            std::thread::yield_now();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that ended already is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
