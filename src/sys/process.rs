//! Identifies a process. An id alone names another process after a while; together with the start time it names one for
//! as long as the machine runs.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::str::FromStr;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A process, as it is noted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessNote {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did; 0 = not known, and then no process is taken for it.
    pub start: u64,
}

impl ProcessNote {
    /// Returns the process that has this id now.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::of_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
    }

    /// Returns the process that a line of the kernel is about, as `/proc/PID/stat` has it.
    ///
    /// # Errors
    /// When the line is not whole.
    pub fn of_stat(stat: &str) -> io::Result<Self> {
        let pid = stat.split_whitespace().next().and_then(|word| word.parse().ok());
        let start = field(stat, 22).and_then(|word| word.parse().ok());
        let both = pid.zip(start).map(|(pid, start)| Self { pid, start });
        both.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no start time"))
    }

    /// This process.
    pub fn ours() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, start: 0 })
    }

    /// Whether that same process still exists, and not another that got its id.
    pub fn is_there(&self) -> bool {
        self.start != 0 && Self::of(self.pid).is_ok_and(|now| now == *self)
    }

    /// Whether it is certain that it has died; one that nobody has collected yet has, too.
    pub fn has_died(&self) -> bool {
        match descriptor_of(self.pid) {
            Ok(fd) => poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|n| n > 0),
            Err(error) => error.raw_os_error() == Some(libc::ESRCH),
        }
    }
}

/// Always of the same length, so that a new note covers an old one without the file being emptied first.
impl fmt::Display for ProcessNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10} {:<20}", self.pid, self.start)
    }
}

impl FromStr for ProcessNote {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or("");
        Ok(Self { pid: next().parse()?, start: next().parse()? })
    }
}

/// A field of a line of `/proc/PID/stat`, from 3. The second one, the name in parentheses, may hold anything, parentheses too.
fn field(stat: &str, number: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(number - 3)
}

/// All processes that can be seen.
fn all() -> impl Iterator<Item = u32> {
    let found = std::fs::read_dir("/proc").into_iter().flatten();
    found.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// A value of `/proc/PID/status`: the first word behind its name.
fn status_of(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Returns how many threads a user has.
pub fn threads_of(user: u32) -> u64 {
    all()
        .filter(|pid| status_of(*pid, "Uid") == Some(u64::from(user)))
        .filter_map(|pid| status_of(pid, "Threads"))
        .sum()
}

/// Kills the group of processes that `leader` has led, if all in it are of that `user` and are confined for good (no new privileges,
/// and a filter of system calls), and waits at most `limit` for their end. Whoever calls this knows that the note was made since the
/// machine started.
///
/// Can it be the group of somebody else? While a process of the group lives, the kernel gives its number to no other process. So
/// a process that has the number now, and is not the leader, says that the group has ended. Without one, who is in it has to be as
/// young as the leader at least, and to have given up what few give up.
pub fn end_group(leader: &ProcessNote, user: u32, limit: Duration) {
    let now = ProcessNote::of(leader.pid);
    if leader.start == 0 || leader.pid == 0 || now.as_ref().is_ok_and(|now| now != leader) {
        return;
    }
    let members: Vec<ProcessNote> = all()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let is_member = field(&stat, 5)?.parse() == Ok(leader.pid) && field(&stat, 3)? != "Z";
            is_member.then(|| ProcessNote::of_stat(&stat).ok())?
        })
        .collect();
    let ours = |one: &ProcessNote| {
        one.start >= leader.start && status_of(one.pid, "Uid") == Some(u64::from(user)) && is_confined(one.pid)
    };
    if members.is_empty() || !members.iter().all(ours) {
        return;
    }
    let _ = killpg(Pid::from_raw(leader.pid.cast_signed()), Signal::SIGKILL);
    let until = Instant::now() + limit;
    for member in members {
        is_gone_within(&member, until.saturating_duration_since(Instant::now()));
    }
}

/// Whether a process has given up new privileges, and has a filter of system calls. A kernel that does not say it has neither.
fn is_confined(pid: u32) -> bool {
    status_of(pid, "NoNewPrivs").is_none_or(|word| word != 0) && status_of(pid, "Seccomp").is_none_or(|mode| mode == 2)
}

/// Has the kernel write no core file of this process, and let no other one of the same user read its memory.
///
/// # Errors
/// As the kernel refuses.
pub fn forbid_dumps() -> io::Result<()> {
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

/// Waits at most `limit` for the end of that process; whether it has ended. A child of ours has, even if nobody has collected
/// it yet.
pub fn is_gone_within(note: &ProcessNote, limit: Duration) -> bool {
    let Ok(fd) = descriptor_of(note.pid) else { return true };
    // The descriptor is of whoever has the id now: is that still the one?
    if !note.is_there() {
        return true;
    }
    let until = Instant::now() + limit;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) if left.is_zero() => return false,
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

/// Waits for the deaths of processes, whoever's children they are.
#[derive(Debug, Default)]
pub struct Deaths {
    /// By id; none for one that has died, or cannot be watched.
    watched: BTreeMap<u32, Option<OwnedFd>>,
}

impl Deaths {
    /// Waits until one of `pids` dies, `bell` is rung, or `timeout` has passed. A death wakes once. Is the wrong process watched
    /// when an id was given anew? Then its end wakes for nothing, which does no harm.
    ///
    /// # Errors
    /// When the kernel cannot wait; the next call tries again.
    pub fn wait(&mut self, pids: &[u32], bell: BorrowedFd<'_>, timeout: Duration) -> io::Result<()> {
        self.watched.retain(|pid, _| pids.contains(pid));
        for pid in pids {
            self.watched.entry(*pid).or_insert_with(|| descriptor_of(*pid).ok());
        }
        let of: Vec<(u32, &OwnedFd)> = self.watched.iter().filter_map(|(pid, fd)| Some((*pid, fd.as_ref()?))).collect();
        let mut polled: Vec<PollFd<'_>> = of.iter().map(|(_, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        polled.push(PollFd::new(bell, PollFlags::POLLIN));
        match poll(&mut polled, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let died = of.iter().zip(&polled).filter(|(_, fd)| fd.any().unwrap_or(false));
        let died: Vec<u32> = died.map(|((pid, _), _)| *pid).collect();
        for pid in died {
            self.watched.insert(pid, None);
        }
        Ok(())
    }
}

/// A descriptor that can be read when the process has died.
pub(super) fn descriptor_of(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and returns a new descriptor, or a negative number.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made it for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_that_got_its_id() {
        let ours = ProcessNote::ours();
        assert!(ours.is_there());
        assert!(!ProcessNote { start: ours.start + 1, ..ours }.is_there());
        assert!(!ProcessNote { start: 0, ..ours }.is_there());
        assert!(!ProcessNote { pid: u32::MAX, ..ours }.is_there());
    }

    #[test]
    fn an_end_is_waited_for_and_a_child_that_nobody_collected_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let note = ProcessNote::of(child.id()).unwrap();
        assert!(!is_gone_within(&note, Duration::from_millis(10)) && !note.has_died());
        child.kill().unwrap();
        assert!(is_gone_within(&note, Duration::from_secs(60)) && note.has_died());
        child.wait().unwrap();
        assert!(is_gone_within(&note, Duration::ZERO) && note.has_died());
        assert!(is_gone_within(&ProcessNote { start: note.start + 1, ..ProcessNote::ours() }, Duration::ZERO));
    }

    /// What a process of the test has given up.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Given {
        Nothing,
        Privileges,
        All,
    }

    #[test]
    fn a_group_is_ended_when_its_leader_is_gone_and_no_other_group_is() {
        use std::io::{BufRead, BufReader};
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};
        let (me, own) = (nix::unistd::getuid().as_raw(), tempfile::tempdir().unwrap());
        let cases = [
            (Given::All, 0, me),
            (Given::Privileges, 0, me),
            (Given::Nothing, 0, me),
            (Given::All, 1_000_000, me),
            (Given::All, 0, me + 1),
        ];
        for (given, later, user) in cases {
            // Where the tests have given it up themselves, everybody has.
            let by_us = |name: &str, value: u64| status_of(std::process::id(), name) == Some(value);
            if (given != Given::All && by_us("Seccomp", 2)) || (given == Given::Nothing && by_us("NoNewPrivs", 1)) {
                continue;
            }
            let mut command = Command::new("sh");
            command.args(["-c", "sleep 600 & echo $!; read wait"]).process_group(0);
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let rules = crate::sys::confine::Rules::new(std::path::Path::new("/usr"), own.path());
            // SAFETY: both calls may be made between fork and exec.
            unsafe {
                command.pre_exec(move || match given {
                    Given::Nothing => Ok(()),
                    Given::Privileges => nix::sys::prctl::set_no_new_privs().map_err(io::Error::from),
                    Given::All => rules.apply(),
                })
            };
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let member = ProcessNote::of(line.trim().parse().unwrap()).unwrap();
            let leader = ProcessNote::of(child.id()).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(!leader.is_there() && member.is_there());
            // A leader that started later than the members is the leader of another group.
            end_group(&ProcessNote { start: leader.start + later, ..leader }, user, Duration::from_secs(60));
            let is_ended = given == Given::All && later == 0 && user == me;
            assert_eq!(is_gone_within(&member, Duration::ZERO), is_ended, "{given:?} {later} {user}");
            let _ = killpg(Pid::from_raw(leader.pid.cast_signed()), Signal::SIGKILL);
        }
    }

    #[test]
    fn a_death_wakes_once_and_a_bell_each_time() {
        let bell = crate::sys::files::event_fd().unwrap();
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let (pids, mut deaths) = ([child.id(), u32::MAX], Deaths::default());
        let ended = |deaths: &Deaths| deaths.watched[&pids[0]].is_none();
        deaths.wait(&pids, bell.as_fd(), Duration::ZERO).unwrap();
        assert!(!ended(&deaths));
        child.kill().unwrap();
        deaths.wait(&pids, bell.as_fd(), Duration::from_secs(60)).unwrap();
        assert!(ended(&deaths), "the death did not wake");
        child.wait().unwrap();
        io::Write::write_all(&mut &bell, &1u64.to_ne_bytes()).unwrap();
        deaths.wait(&pids, bell.as_fd(), Duration::from_secs(60)).unwrap();
        deaths.wait(&[], bell.as_fd(), Duration::from_secs(60)).unwrap();
        assert!(deaths.watched.is_empty());
    }

    #[test]
    fn a_note_has_one_length_and_is_read_back() {
        for note in [ProcessNote { pid: 1, start: 0 }, ProcessNote { pid: u32::MAX, start: u64::MAX }] {
            let text = note.to_string();
            assert_eq!(text.len(), 32);
            assert_eq!(text.parse(), Ok(note));
        }
        assert!("".parse::<ProcessNote>().is_err() && "12".parse::<ProcessNote>().is_err());
    }
}
