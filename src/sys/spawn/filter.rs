//! A program that makes one document into another: it reads the first from its standard input, and writes the second to its standard
//! output.
//!
//! It has nothing of ours but these: no descriptor, no part of our environment, no rights ([`confine`]), and it may write below its
//! own directory alone. Where we are root it is nobody. Its time, its memory, how many processes it may start, and what it may write
//! to a file are limited. It is ended with all that it started when its handle is dropped. When the thread that started it dies, the
//! kernel ends it, but not what it had started itself: a note says who it was, by which a later process ends that
//! ([`process::end_group`]).

use std::fs::File;
use std::io::{self, PipeReader, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Pid, Uid};

use super::Ended;
use crate::sys::confine::Rules;
use crate::sys::process;

/// Whom it is where we are root: the user and the group of nobody.
const NOBODY: u32 = 65534;

/// How many of its last words are kept, in octets.
const LAST_WORDS: usize = 512;

/// How much is read at a time, and how often before its caller looks at something else.
const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 16;

/// What it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// Seconds of processor time.
    pub seconds: u64,
    /// Octets of a file that it writes.
    pub file_octets: u64,
    /// Octets of its memory.
    pub memory: u64,
    /// Processes and threads that its user may have besides those that he has when it starts.
    pub processes: u64,
}

/// Whom a filter is that we start.
pub fn filter_user() -> u32 {
    if nix::unistd::geteuid().is_root() { NOBODY } else { nix::unistd::getuid().as_raw() }
}

/// A filter that runs.
#[derive(Debug)]
pub struct Filter {
    child: Child,
    died: OwnedFd,
    output: Option<PipeReader>,
    errors: Option<PipeReader>,
    news: Epoll,
    words: Vec<u8>,
    is_collected: bool,
    /// What this kernel could not take from it.
    pub unconfined: Option<String>,
}

impl Filter {
    /// Starts `program` with `input` as its standard input, from its first octet, in the directory `own`, which it may fill. It
    /// writes into `note` who it is, as the kernel says it.
    ///
    /// # Errors
    /// When it cannot be started: it has not run.
    pub fn start(
        program: &Path,
        input: &File,
        (own, note): (&Path, File),
        env: &[(&str, &str)],
        limits: FilterLimits,
    ) -> io::Result<Self> {
        let mut input = input.try_clone()?;
        input.seek(SeekFrom::Start(0))?;
        let programs = program.parent().unwrap_or(Path::new("/"));
        let rules = Rules::new(programs, own);
        let unconfined = rules.missing.clone();
        let (output, to_output) = io::pipe()?;
        let (errors, to_errors) = io::pipe()?;
        let is_root = nix::unistd::geteuid().is_root();
        if is_root {
            std::os::unix::fs::chown(own, Some(NOBODY), Some(NOBODY))?;
        }
        let processes = process::threads_of(filter_user()).saturating_add(limits.processes);
        let mut command = Command::new(program);
        command.current_dir(own).stdin(input).stdout(to_output).stderr(to_errors);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("TMPDIR", ".").env("HOME", ".").envs(env.iter().copied());
        let parent = nix::unistd::getpid();
        // SAFETY: between fork and exec only async-signal-safe calls are made, and nothing is allocated: setpgid, sigprocmask,
        // open, read, write, close, getrlimit, setrlimit, umask, setgroups, setresgid, setresuid, prctl, getppid, close_range and the calls of `Rules::apply`.
        unsafe {
            command.pre_exec(move || {
                nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
                nix::sys::signal::SigSet::empty().thread_set_mask()?;
                // Before it can start anything. Without the note the kernel alone ends it with us.
                let _ = sign(&note);
                for (resource, most) in [
                    (Resource::RLIMIT_CPU, limits.seconds),
                    (Resource::RLIMIT_FSIZE, limits.file_octets),
                    (Resource::RLIMIT_AS, limits.memory),
                    (Resource::RLIMIT_NPROC, processes),
                    (Resource::RLIMIT_CORE, 0),
                ] {
                    // A narrower limit of ours stays: only a privileged process could widen it.
                    let most = most.min(getrlimit(resource)?.1);
                    setrlimit(resource, most, most)?;
                }
                libc::umask(0o077);
                if is_root {
                    nix::unistd::setgroups(&[])?;
                    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                    nix::unistd::setresgid(group, group, group)?;
                    nix::unistd::setresuid(user, user, user)?;
                }
                // Behind the change of user, which takes it back.
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                if nix::unistd::getppid() != parent {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
                rules.apply()
            });
        }
        for pipe in [output.as_fd(), errors.as_fd()] {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let news = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for pipe in [output.as_fd(), errors.as_fd()] {
            news.add(pipe, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        }
        let mut child = command.spawn()?;
        // Our copies of the writing ends go with the command: the ends of the pipes are to be seen.
        drop(command);
        let watched = process::descriptor_of(child.id()).and_then(|died| {
            news.add(&died, EpollEvent::new(EpollFlags::EPOLLIN, 0)).map(|()| died).map_err(Into::into)
        });
        let died = match watched {
            Ok(died) => died,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        let (output, errors) = (Some(output), Some(errors));
        Ok(Self { child, died, output, errors, news, words: Vec::new(), is_collected: false, unconfined })
    }

    /// A descriptor that can be read when [`Filter::pump`] has something to do.
    pub fn news(&self) -> BorrowedFd<'_> {
        self.news.0.as_fd()
    }

    /// Takes what it has written so far, a megabyte at most. Returns how it ended, when it has and everything is taken.
    ///
    /// # Errors
    /// When a pipe cannot be read, and what `take` returns.
    pub fn pump(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<Option<Ended>> {
        // Before what it has written is looked at: behind its end nothing comes.
        let is_over = self.is_over()?;
        if is_over {
            // What it started, and does not wait for, ends with it. Its id is its own until it is collected.
            let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        }
        let mut buffer = vec![0; CHUNK];
        self.keep_words(&mut buffer)?;
        for _ in 0..CHUNKS {
            let Some(output) = &mut self.output else { break };
            match read_now(output, &mut buffer)? {
                Some(0) => {
                    let _ = self.news.delete(&*output);
                    self.output = None;
                }
                Some(n) => take(&buffer[..n])?,
                None if is_over => self.output = None,
                None => break,
            }
        }
        if !is_over || self.output.is_some() {
            return Ok(None);
        }
        self.keep_words(&mut buffer)?;
        let status = self.child.wait()?;
        self.is_collected = true;
        Ok(Some(match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Status(code),
            (None, signal) => Ended::Signal(signal.unwrap_or(0)),
        }))
    }

    /// The last of what it wrote to its standard error.
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.words).into_owned()
    }

    fn is_over(&self) -> io::Result<bool> {
        match poll(&mut [PollFd::new(self.died.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) {
            Ok(n) => Ok(n > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_words(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..CHUNKS {
            let Some(errors) = &mut self.errors else { break };
            match read_now(errors, buffer)? {
                Some(0) => {
                    let _ = self.news.delete(&*errors);
                    self.errors = None;
                }
                Some(n) => {
                    self.words.extend_from_slice(&buffer[n.saturating_sub(LAST_WORDS)..n]);
                    let over = self.words.len().saturating_sub(LAST_WORDS);
                    self.words.drain(..over);
                }
                None => break,
            }
        }
        Ok(())
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        if !self.is_collected {
            end(&mut self.child);
        }
    }
}

/// Writes who we are. It may be called between fork and exec.
fn sign(mut note: &File) -> io::Result<()> {
    let mut stat = [0; 1024];
    let n = nix::unistd::read(nix::fcntl::open(c"/proc/self/stat", OFlag::O_CLOEXEC, Mode::empty())?, &mut stat)?;
    note.write_all(&stat[..n])
}

fn end(child: &mut Child) {
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads what is there; none when nothing is.
fn read_now(pipe: &mut PipeReader, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match pipe.read(buffer) {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use super::*;

    const LIMITS: FilterLimits = FilterLimits { seconds: 60, file_octets: 1 << 20, memory: 4 << 30, processes: 1000 };

    /// Runs a script; what it made, how it ended, and its last words.
    fn run(script: &str, input: &[u8]) -> (Vec<u8>, Ended, String, Option<String>) {
        run_within(script, input, LIMITS)
    }

    fn run_within(script: &str, input: &[u8], limits: FilterLimits) -> (Vec<u8>, Ended, String, Option<String>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let program = dir.path().join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let own = dir.path().join("own");
        std::fs::create_dir(&own).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input).unwrap();
        let note = tempfile::tempfile().unwrap();
        let at = (own.as_path(), note.try_clone().unwrap());
        let mut filter = Filter::start(&program, &file, at, &[("DOCUMENT_FORMAT", "pdf")], limits).unwrap();
        let mut signed = [0; 1024];
        let n = crate::sys::files::read_full_at(&note, &mut signed, 0).unwrap();
        let signed = process::ProcessNote::of_stat(std::str::from_utf8(&signed[..n]).unwrap()).unwrap();
        assert!(signed.pid == filter.child.id() && signed.start > 0);
        let mut made = Vec::new();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let ended = filter
                .pump(&mut |octets| {
                    made.extend_from_slice(octets);
                    Ok(())
                })
                .unwrap();
            if let Some(ended) = ended {
                return (made, ended, filter.last_words(), filter.unconfined.clone());
            }
            assert!(Instant::now() < until, "it does not end");
            let _ = poll(&mut [PollFd::new(filter.news(), PollFlags::POLLIN)], PollTimeout::from(1000u16));
        }
    }

    #[test]
    fn it_makes_one_document_of_another_and_has_nothing_else_of_ours() {
        let (made, ended, words, _) = run(
            "tr a-z A-Z; test -z \"$CARGO\" && test \"$DOCUMENT_FORMAT\" = pdf && echo x > file && cat file >&2",
            b"dear ann",
        );
        assert_eq!((made.as_slice(), ended, words.as_str()), (&b"DEAR ANN"[..], Ended::Status(0), "x\n"));
        let (made, ended, words, _) =
            run("head -c 300000 /dev/zero; head -c 100000 /dev/zero >&2; echo no >&2; exit 3", b"");
        assert_eq!((made.len(), ended), (300_000, Ended::Status(3)));
        assert!(words.ends_with("no\n") && words.len() <= LAST_WORDS, "{words:?}");
        // By an error, or by the signal of that limit, as whoever starts it has it.
        let ended = run("head -c 2000000 /dev/zero > file", b"").1;
        assert!(matches!(ended, Ended::Status(1 | 153)), "a file of its own has a limit: {ended:?}");
        // What it leaves behind does not hold us up.
        assert_eq!(run("sleep 1000 & echo made", b"").0, b"made\n");
    }

    #[test]
    fn it_reaches_neither_files_nor_processes_of_ours() {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "secret").unwrap();
        std::fs::set_permissions(secret.path(), PermissionsExt::from_mode(0o666)).unwrap();
        let path = secret.path().display();
        let (made, _, words, missing) = run(&format!("cat {path}; echo changed > {path}"), b"");
        let missing = missing.unwrap_or_default();
        if missing.contains("files") {
            eprintln!("SKIPPED: {missing}");
        } else {
            assert_eq!((made.as_slice(), words.is_empty()), (&b""[..], false));
            assert_eq!(std::fs::read_to_string(secret.path()).unwrap(), "secret");
        }
        if !missing.contains("calls") {
            let mut sleeper = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
            let (_, _, words, _) = run(&format!("kill -9 {}", sleeper.id()), b"");
            assert!(!words.is_empty() && sleeper.try_wait().unwrap().is_none(), "{words}");
            sleeper.kill().unwrap();
            sleeper.wait().unwrap();
        }
    }

    /// A file and a process of whoever the program is. Here it may be that we are root.
    fn of_its_user() -> (tempfile::NamedTempFile, Child) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "kept").unwrap();
        let mut sleeper = Command::new("sleep");
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(file.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            sleeper.uid(NOBODY).gid(NOBODY);
        }
        (file, sleeper.arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    #[test]
    fn what_belongs_to_its_user_is_not_in_its_reach_either() {
        let (file, mut sleeper) = of_its_user();
        let (path, pid) = (file.path().display(), sleeper.id());
        let mut calls = vec![
            ("truncate", libc::SYS_truncate, "$path, 0".to_owned()),
            ("fchmodat", libc::SYS_fchmodat, "-100, $path, 0777, 0".into()),
            ("fchmodat2", 452, "-100, $path, 0777, 0".into()),
            ("fchmod its input", libc::SYS_fchmod, "0, 0777".into()),
            ("fchownat", libc::SYS_fchownat, "-100, $path, $>, -1, 0".into()),
            ("setxattr", libc::SYS_setxattr, "$path, $name, $name, 1, 0".into()),
            ("removexattr", libc::SYS_removexattr, "$path, $name".into()),
            ("utimensat", libc::SYS_utimensat, "-100, $path, 0, 0".into()),
            ("prlimit64", libc::SYS_prlimit64, format!("{pid}, 7, $limits, 0")),
            ("setpriority", libc::SYS_setpriority, format!("0, {pid}, 19")),
            ("setpriority of all", libc::SYS_setpriority, "2, 0, 19".into()),
            ("sched_setaffinity", libc::SYS_sched_setaffinity, format!("{pid}, 8, $limits")),
            ("F_SETOWN", libc::SYS_fcntl, format!("0, 8, {pid}")),
            ("F_SETSIG", libc::SYS_fcntl, "0, 10, 9".into()),
            ("F_SETLEASE", libc::SYS_fcntl, "0, 1024, 0".into()),
            ("FIOSETOWN", libc::SYS_ioctl, "0, 0x8901, $limits".into()),
            ("FS_IOC_SETFLAGS", libc::SYS_ioctl, "0, 0x40086602, $limits".into()),
            ("FS_IOC_FSSETXATTR", libc::SYS_ioctl, "0, 0x401c5820, $info".into()),
            ("FS_IOC_ENABLE_VERITY", libc::SYS_ioctl, "0, 0x40806685, $info".into()),
            ("shmget", libc::SYS_shmget, "0, 4096, 0600".into()),
            ("shmat", libc::SYS_shmat, "0, 0, 0".into()),
            ("shmctl", libc::SYS_shmctl, "0, 0, 0".into()),
            ("semget", libc::SYS_semget, "0, 1, 0600".into()),
            ("semctl", libc::SYS_semctl, "0, 0, 0, 0".into()),
            ("msgget", libc::SYS_msgget, "0, 0600".into()),
            ("msgsnd", libc::SYS_msgsnd, "0, $info, 1, 0".into()),
            ("mq_open", libc::SYS_mq_open, "$name, 0102, 0600, 0".into()),
            ("mq_unlink", libc::SYS_mq_unlink, "$name".into()),
            ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo, format!("{pid}, 9, $info")),
        ];
        #[cfg(target_arch = "x86_64")]
        calls.extend([
            ("chmod", libc::SYS_chmod, "$path, 0777".to_owned()),
            ("chown", libc::SYS_chown, "$path, $>, -1".into()),
            ("utime", libc::SYS_utime, "$path, 0".into()),
            ("a call of x32", 0x4000_0000 + libc::SYS_chmod, "$path, 0777".into()),
        ]);
        let mut script = format!(
            "exec perl - <<'END'\nmy $path = '{path}'; my $name = 'user.x'; my $limits = pack('QQ', 64, 64); \
             my $info = pack('iii', 9, 0, -1) . (\"\\0\" x 116);\n"
        );
        for (name, number, arguments) in &calls {
            let call = format!("syscall({number}, {arguments})");
            script += &format!("$! = 0; my $done = {call}; print '{name}: ', $done < 0 ? $! + 0 : 'done', \"\\n\";\n");
        }
        // Its standard input is the script.
        let (made, ended, words, missing) = run(&format!("{script}END"), b"");
        let missing = missing.unwrap_or_default();
        if missing.contains("calls") {
            eprintln!("SKIPPED: {missing}");
        } else {
            let refused: String = calls.iter().map(|(name, ..)| format!("{name}: {}\n", libc::EPERM)).collect();
            assert_eq!((String::from_utf8_lossy(&made), ended), (refused.into(), Ended::Status(0)), "{words}");
            let mode = file.as_file().metadata().unwrap().permissions().mode();
            assert_eq!((std::fs::read_to_string(file.path()).unwrap().as_str(), mode & 0o777), ("kept", 0o600));
            assert!(sleeper.try_wait().unwrap().is_none(), "it was ended");
        }
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    /// In a process of its own: a limit is narrowed for good.
    #[test]
    fn a_narrower_limit_of_ours_stays_and_it_runs() {
        if std::env::var_os("FILTER_IS_NARROW").is_none() {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["sys::spawn::filter::tests::a_narrower_limit_of_ours_stays_and_it_runs", "--exact"]);
            let output = child.env("FILTER_IS_NARROW", "1").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        setrlimit(Resource::RLIMIT_CPU, LIMITS.seconds / 2, LIMITS.seconds / 2).unwrap();
        let (made, ended, words, _) = run("ulimit -t", b"");
        assert_eq!((String::from_utf8_lossy(&made).trim(), ended), ("30", Ended::Status(0)), "{words}");
    }

    #[test]
    fn it_starts_so_many_processes_and_no_more() {
        // Those of other tests may be of the same user.
        let bomb = "i=0; while [ $i -lt 900 ]; do sleep 600 & i=$((i+1)); echo $i; done; echo all";
        let (made, ended, words, _) = run_within(bomb, b"", FilterLimits { processes: 50, ..LIMITS });
        let made = String::from_utf8(made).unwrap();
        let most = made.lines().filter_map(|line| line.parse().ok()).max().unwrap_or(0);
        assert!(ended != Ended::Status(0) && !made.contains("all"), "{ended:?} {made}");
        assert!((1..=200).contains(&most) && words.to_lowercase().contains("fork"), "{most}: {words}");
    }
}
