//! Asks a program of ours one question, and reads its answer.
//!
//! The question goes through a pipe, so that it stands in no command line, no variable and no file. The program has nothing else of
//! ours, may do what its user may, and is killed with its children when its time is over.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::bounded::{Ended, ended};
use crate::sys::files;

/// Octets of a question: what a pipe takes before anybody reads.
const MOST_QUESTION: usize = 4096;
/// Octets that are read of what it wrote.
const MOST_ANSWER: u64 = 4096;

/// What came of a question.
#[derive(Debug)]
pub struct Asked {
    /// How the program ended.
    pub ended: Ended,
    /// What it wrote on its standard output.
    pub out: Vec<u8>,
    /// What it wrote on its standard error.
    pub err: Vec<u8>,
}

fn written(mut file: File) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MOST_ANSWER).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Runs `program` in `/` with these variables alone, and with `question` on its standard input.
///
/// # Errors
/// When it cannot be started, or the question is too long.
pub fn ask_program<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    env: &[(&str, &OsStr)],
    question: &[u8],
    within: Duration,
) -> io::Result<Asked> {
    let until = Instant::now() + within;
    if question.len() > MOST_QUESTION {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the question is too long"));
    }
    let (from, to) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // It fits into the pipe; what is not read goes with it.
    File::from(to).write_all(question)?;
    let (out, err) = (files::file_in_memory()?, files::file_in_memory()?);
    let mut command = Command::new(program);
    command.args(args).current_dir("/").env_clear().envs(env.iter().copied());
    command.stdin(from).stdout(out.try_clone()?).stderr(err.try_clone()?);
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid, sigprocmask, prctl, getppid, umask and
    // close_range.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setsid()?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if nix::unistd::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            libc::umask(0o077);
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    let bell = files::event_fd()?;
    let mut child = command.spawn()?;
    // The command holds our copies of its streams.
    drop(command);
    let ended = match ended(&mut child, &bell, until) {
        Ok(Some(ended)) => ended,
        Ok(None) | Err(_) => {
            // It may have ended a moment ago; then its id is still ours, because nobody has waited for it.
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
            let _ = child.kill();
            let _ = child.wait();
            Ended::Late
        }
    };
    Ok(Asked { ended, out: written(out)?, err: written(err)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn ask(script: &str, question: &[u8], within: Duration) -> Asked {
        ask_program(Path::new("/bin/sh"), &["-c", script], &[("WORD", OsStr::new("w"))], question, within).unwrap()
    }

    #[test]
    fn a_question_comes_by_a_pipe_and_its_answer_is_read() {
        let asked = ask("cat; echo no >&2; test -z \"$HOME\" && test \"$WORD\" = w && exit 7", b"a\0b", LONG);
        assert_eq!(
            (asked.ended, asked.out.as_slice(), asked.err.as_slice()),
            (Ended::Status(7), &b"a\0b"[..], &b"no\n"[..])
        );
        // One that reads nothing, and one that writes much.
        assert_eq!(ask("exit 0", b"never read", LONG).ended, Ended::Status(0));
        assert_eq!(ask("head -c 100000 /dev/zero", b"", LONG).out.len(), 4096);
        assert!(ask_program::<&str>(Path::new("/bin/sh"), &[], &[], &[0; 5000], LONG).is_err());
    }

    #[test]
    fn one_that_answers_too_late_is_ended() {
        assert_eq!(ask("sleep 1000 & wait", b"x", Duration::from_millis(300)).ended, Ended::Late);
    }
}
