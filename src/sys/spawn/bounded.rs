//! Runs a program of somebody else to its end, or to a deadline.
//!
//! It gets nothing of ours but its arguments, its input and a few variables: no descriptor, no directory, no other part of our
//! environment. It runs in a session of its own; at the deadline all of that session's first group is killed. If we die
//! meanwhile it is told to end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::sys::files;
use crate::sys::process::Deaths;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It had to be ended: its time was over, or nobody could wait for it.
    Late,
}

/// How long we look at most before we ask again, where the kernel does not tell of a death.
const LOOK: Duration = Duration::from_secs(1);

/// Runs `program` in `/` with `input` as its standard input, and with these variables alone.
///
/// # Errors
/// When it cannot be started: it has not run.
pub fn run_bounded<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    env: &[(&str, &str)],
    input: &[u8],
    within: Duration,
) -> io::Result<Ended> {
    let until = Instant::now() + within;
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::from(in_memory(input)?) };
    let mut command = Command::new(program);
    command.args(args).current_dir("/").env_clear().envs(env.iter().copied());
    command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null());
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid, sigprocmask, prctl, getppid, umask and
    // close_range.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setsid()?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            if nix::unistd::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            libc::umask(0o022);
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    // Before it runs: whatever fails from then on, it has run.
    let bell = files::event_fd()?;
    let mut child = command.spawn()?;
    match ended(&mut child, &bell, until) {
        Ok(Some(ended)) => Ok(ended),
        // Nobody can wait for it: it is ended like one that is late.
        Ok(None) | Err(_) => {
            // It may have ended a moment ago; then its id is still ours, because nobody has waited for it.
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
            let _ = child.kill();
            let _ = child.wait();
            Ok(Ended::Late)
        }
    }
}

/// Waits until it ends; none when its time is over.
pub(super) fn ended(child: &mut Child, bell: &File, until: Instant) -> io::Result<Option<Ended>> {
    let pid = child.id();
    let mut deaths = Deaths::default();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Status(code),
                (None, signal) => Ended::Signal(signal.unwrap_or(0)),
            }));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        #[cfg(test)]
        if tests::FAILS.get() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        deaths.wait(&[pid], bell.as_fd(), left.min(LOOK))?;
    }
}

fn in_memory(octets: &[u8]) -> io::Result<File> {
    let mut file = files::file_in_memory()?;
    file.write_all(octets)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        /// Whether waiting fails.
        pub(super) static FAILS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    const SHELL: &str = "/bin/sh";
    const LONG: Duration = Duration::from_secs(60);

    fn run(script: &str, input: &[u8], within: Duration) -> Ended {
        run_bounded(Path::new(SHELL), &["-c", script], &[("PATH", "/usr/bin:/bin")], input, within).unwrap()
    }

    #[test]
    fn a_program_has_its_input_and_nothing_else_of_ours() {
        assert_eq!(
            run("test \"$(cat)\" = hello && test -z \"$HOME\" && test \"$PWD\" = /", b"hello", LONG),
            Ended::Status(0)
        );
        assert_eq!(run("exit 75", b"", LONG), Ended::Status(75));
        assert_eq!(run("kill -9 $$", b"", LONG), Ended::Signal(9));
        assert!(run_bounded(Path::new("/nonexistent/x"), &["a"], &[], b"", LONG).is_err());
    }

    #[test]
    fn one_that_nobody_can_wait_for_has_run_and_is_ended() {
        FAILS.set(true);
        let ended = run("sleep 1000", b"", LONG);
        FAILS.set(false);
        assert_eq!(ended, Ended::Late);
    }

    #[test]
    fn one_that_hangs_is_ended_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        assert_eq!(run(&script, b"", Duration::from_millis(500)), Ended::Late);
        if let Ok(text) = std::fs::read_to_string(&pid) {
            let child: i32 = text.trim().parse().unwrap();
            let gone = || {
                let stat = std::fs::read_to_string(format!("/proc/{child}/stat"));
                stat.map_or(true, |stat| stat.contains(") Z ") || !stat.contains("sleep"))
            };
            let until = Instant::now() + LONG;
            while !gone() {
                assert!(Instant::now() < until, "its child lives");
                std::thread::yield_now();
            }
        }
    }
}
