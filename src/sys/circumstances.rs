//! The circumstances of a process: what it has from whoever started it, and what it makes of that.
//!
//! A print process serves everybody's jobs, so it must not work under the priority and limits of whoever happened to type
//! the first `pdpr`. It takes back what the kernel lets it take back; nice above 0 and hard limits are not among that
//! unless it is root's. What remains can be compared with the circumstances of somebody else.

use std::io;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// A limit that a print process may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    resource: Resource,
    /// How displays name it.
    name: &'static str,
    unit: &'static str,
    /// From which number on nobody needs to know it.
    ample: u64,
}

const UNLIMITED: u64 = libc::RLIM_INFINITY;

/// The limits in the order of displays. Is the stack among them? No: each thread has one of its own, of a size that it
/// asks for.
const LIMITS: [Limit; 6] = [
    Limit { resource: Resource::RLIMIT_FSIZE, name: "file size", unit: " octets", ample: UNLIMITED },
    Limit { resource: Resource::RLIMIT_AS, name: "memory", unit: " octets", ample: UNLIMITED },
    Limit { resource: Resource::RLIMIT_DATA, name: "data", unit: " octets", ample: UNLIMITED },
    Limit { resource: Resource::RLIMIT_CPU, name: "processor time", unit: " seconds", ample: UNLIMITED },
    Limit { resource: Resource::RLIMIT_NOFILE, name: "open files", unit: "", ample: 4096 },
    Limit { resource: Resource::RLIMIT_NPROC, name: "threads of the user", unit: "", ample: 1024 },
];

/// What cannot be taken back: nice, and the hard limits in the order of `LIMITS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Nice as it remains.
    pub nice: i32,
    /// Hard limits; `u64::MAX` is none.
    limits: Vec<u64>,
}

fn nice_of(pid: i32) -> io::Result<i32> {
    nix::errno::Errno::clear();
    // SAFETY: `getpriority` takes no pointers.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, pid.unsigned_abs()) };
    // -1 is a nice value, too.
    match nix::errno::Errno::last_raw() {
        0 => Ok(nice),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn hard_limit_of(pid: i32, limit: &Limit) -> io::Result<u64> {
    let mut found = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: nothing is set, and `found` is valid for the one `rlimit` that is written.
    let result = unsafe { libc::prlimit(pid, limit.resource as _, std::ptr::null(), &raw mut found) };
    if result == 0 { Ok(found.rlim_max) } else { Err(io::Error::last_os_error()) }
}

impl Circumstances {
    /// Those of a process of the same user.
    ///
    /// # Errors
    /// When it does not exist or the kernel does not tell.
    pub fn of(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let limits = LIMITS.iter().map(|limit| hard_limit_of(pid, limit)).collect::<io::Result<_>>()?;
        Ok(Self { nice: nice_of(pid)?, limits })
    }

    /// Those that a process has which this one starts: what is better than usual is not handed on.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn for_a_child() -> io::Result<Self> {
        let ours = Self::of(std::process::id())?;
        // Root lowers nice and raises limits again.
        if nix::unistd::geteuid().is_root() {
            return Ok(Self { nice: ours.nice.min(0), ..ours });
        }
        Ok(Self { nice: ours.nice.max(0), ..ours })
    }

    /// Whether these are better than `others` in something, and worse in nothing.
    pub fn are_better_than(&self, others: &Self) -> bool {
        let same_length = self.limits.len() == others.limits.len();
        let pairs = || self.limits.iter().zip(&others.limits);
        let worse = self.nice.max(0) > others.nice.max(0) || pairs().any(|(own, other)| own < other);
        let better = self.nice.max(0) < others.nice.max(0) || pairs().any(|(own, other)| own > other);
        same_length && better && !worse
    }

    /// What of them keeps a print process from working as it should, each in words.
    pub fn troubles(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.nice > 0 {
            words.push(format!("nice {}", self.nice));
        }
        for (limit, hard) in LIMITS.iter().zip(&self.limits).filter(|(limit, hard)| **hard < limit.ample) {
            words.push(format!("{} at most {hard}{}", limit.name, limit.unit));
        }
        words
    }
}

/// Takes back what the starter of this process left it: nice and the scheduling of a background job become usual again,
/// and soft limits rise to the hard ones. What the kernel refuses stays, and [`Circumstances::of`] shows it.
pub fn restore() {
    // SAFETY: none of these calls takes a pointer that outlives it; `param` is valid for the one that is read.
    unsafe {
        let param = libc::sched_param { sched_priority: 0 };
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const param);
        if nice_of(0).is_ok_and(|nice| nice != 0) {
            libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        }
        // The class "none" follows nice: IOPRIO_WHO_PROCESS is 1.
        libc::syscall(libc::SYS_ioprio_set, 1, 0, 0);
    }
    for limit in &LIMITS {
        if let Ok((soft, hard)) = getrlimit(limit.resource)
            && soft < hard
        {
            let _ = setrlimit(limit.resource, hard, hard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(nice: i32, file_size: u64) -> Circumstances {
        let mut limits = vec![UNLIMITED; LIMITS.len()];
        limits[0] = file_size;
        Circumstances { nice, limits }
    }

    #[test]
    fn better_is_what_is_better_in_something_and_worse_in_nothing() {
        let usual = with(0, UNLIMITED);
        assert!(usual.are_better_than(&with(10, UNLIMITED)) && usual.are_better_than(&with(0, 1000)));
        assert!(!usual.are_better_than(&usual) && !with(10, 1000).are_better_than(&usual));
        assert!(!with(0, 500).are_better_than(&with(10, 1000)) && !with(5, 1000).are_better_than(&with(0, 500)));
        assert!(!with(-5, UNLIMITED).are_better_than(&usual), "nobody hands that on");
    }

    #[test]
    fn what_is_not_as_usual_is_named() {
        assert!(with(0, UNLIMITED).troubles().is_empty());
        assert_eq!(with(10, 4096).troubles(), ["nice 10", "file size at most 4096 octets"]);
    }

    #[test]
    fn the_circumstances_of_a_process_are_read() {
        let ours = Circumstances::of(std::process::id()).unwrap();
        assert_eq!(ours.limits.len(), LIMITS.len());
        assert!(Circumstances::of(u32::MAX).is_err());
        assert!(!Circumstances::for_a_child().unwrap().are_better_than(&ours) || ours.nice > 0);
    }
}
