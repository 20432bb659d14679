//! A pseudo terminal with somebody in front of it who types, and reads until what is expected has appeared.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};

use super::{DEADLINE, Site, program};

/// The terminal and the program in it.
pub struct Screen {
    master: File,
    child: Child,
    /// What was shown and not yet looked at.
    seen: String,
}

impl Screen {
    /// A program of ours whose streams and controlling terminal are the screen.
    pub fn new(site: &Site, name: &str, args: &[&str]) -> Self {
        let mut command = Command::new("setsid");
        site.dress(&mut command);
        command.arg("--ctty").arg(program(name)).args(args).env("TERM", "xterm");
        let (master, slave) = terminal();
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap());
        Self::start(command, master, slave)
    }

    /// A command whose messages alone go to the screen.
    pub fn of_messages(command: Command) -> Self {
        let (master, slave) = terminal();
        Self::start(command, master, slave)
    }

    fn start(mut command: Command, master: File, slave: OwnedFd) -> Self {
        let child = command.stderr(slave).spawn().unwrap();
        Self { master, child, seen: String::new() }
    }

    /// The standard input of a command that has one of its own.
    pub fn input(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `part` is shown, and returns what was shown up to its end.
    #[track_caller]
    pub fn shows(&mut self, part: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.seen.find(part) {
                let rest = self.seen.split_off(at + part.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            assert!(self.more(end), "the program ended without showing {part:?}; it showed {:?}", self.seen);
        }
    }

    /// Waits until the program ends; what it showed last, and its exit status.
    #[track_caller]
    pub fn ends(mut self) -> (String, Option<i32>) {
        let end = Instant::now() + DEADLINE;
        while self.more(end) {}
        (self.seen.clone(), self.child.wait().unwrap().code())
    }

    /// Reads more; false when the program has let go of the terminal. What never stops showing something is late, too.
    #[track_caller]
    fn more(&mut self, end: Instant) -> bool {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing more within {DEADLINE:?}; seen: {:?}", self.seen);
            let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(1000u16)).unwrap_or(0) == 0 {
                continue;
            }
            let mut buffer = [0; 4096];
            match self.master.read(&mut buffer) {
                // The last one that had the terminal open is gone.
                Ok(0) => return false,
                Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error}"),
                Ok(n) => {
                    self.seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
                    return true;
                }
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that ended already is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminal() -> (File, OwnedFd) {
    let size = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    // The program must not hold the terminal's other end: it would never see it closed.
    fcntl(&pty.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    fcntl(&pty.slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    (File::from(pty.master), pty.slave)
}

/// A command with a pipe as its standard input.
pub fn piped(mut command: Command) -> Command {
    command.stdin(Stdio::piped());
    command
}
