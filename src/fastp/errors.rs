//! What can go wrong while printing, and whose fault it is: the device's (it is tried again), the document's (its job
//! is held, the others flow), or nobody's (the job is not wanted any more, or the process ends).
//!
//! One table maps the errors of the system to what an operator sees: whether trying again may help, the Guardian
//! number, and words.

use std::io;

use nix::libc;

use crate::model::job::RawPath;
use crate::model::state::HoldReason;
use crate::model::{DocumentId, Failure};

/// A device error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The Guardian number, decimal.
    pub number: u32,
    /// Whether trying again may help without an operator.
    pub retryable: bool,
    /// What happened, in words.
    pub text: String,
    /// Whether every wait for the next try is RETRY itself: the try costs next to nothing, and somebody waits for it.
    pub steady: bool,
}

/// errno, retryable, Guardian number, words. Numbers of network errors are those of the Guardian sockets library.
#[rustfmt::skip]
const TABLE: &[(i32, bool, u32, &str)] = &[
    (libc::ECONNREFUSED,  true,  4127, "the connection was refused"),
    (libc::ECONNRESET,    true,  4120, "the connection was reset"),
    (libc::ECONNABORTED,  true,  4119, "the connection was aborted"),
    (libc::EPIPE,         true,  140,  "the peer closed the connection"),
    (libc::ENOTCONN,      true,  4123, "the connection is gone"),
    (libc::ETIMEDOUT,     true,  4126, "the peer does not answer"),
    (libc::EHOSTUNREACH,  true,  4131, "no route to the host"),
    (libc::EHOSTDOWN,     true,  4130, "the host is down"),
    (libc::ENETUNREACH,   true,  4117, "the network cannot be reached"),
    (libc::ENETDOWN,      true,  4116, "the network is down"),
    (libc::EADDRNOTAVAIL, true,  4115, "no local address is available"),
    (libc::ENOBUFS,       true,  4121, "no buffer space"),
    (libc::ENOENT,        true,  11,   "the directory does not exist"),
    (libc::EACCES,        true,  48,   "permission denied"),
    (libc::EPERM,         true,  48,   "not permitted"),
    (libc::EROFS,         true,  48,   "the file system is read-only"),
    (libc::ENOSPC,        true,  43,   "the disk is full"),
    (libc::EDQUOT,        true,  43,   "the disk quota is used up"),
    (libc::EFBIG,         true,  45,   "the file is as large as it may be"),
    (libc::EIO,           true,  66,   "the device or disk failed"),
    (libc::ESTALE,        true,  66,   "the file system went away"),
    (libc::ENXIO,         true,  14,   "there is no such device"),
    (libc::ENODEV,        true,  14,   "there is no such device"),
    (libc::EBUSY,         true,  12,   "it is in use"),
    (libc::ETXTBSY,       true,  12,   "it is in use"),
    (libc::EMFILE,        true,  31,   "this process has too many open files"),
    (libc::ENFILE,        true,  31,   "the system has too many open files"),
    (libc::ENOMEM,        true,  31,   "out of memory"),
    (libc::EAGAIN,        true,  31,   "out of resources"),
    (libc::ENOTDIR,       false, 13,   "its path leads through something that is no directory"),
    (libc::EISDIR,        false, 2,    "it is a directory"),
    (libc::ELOOP,         false, 13,   "its path has too many symbolic links"),
    (libc::ENAMETOOLONG,  false, 13,   "its name is too long"),
];

/// What a device reports itself, in the numbers that operators know (fastp.md 20): retryable, Guardian number, words. No
/// error of the system stands for them.
#[rustfmt::skip]
const REPORTED: &[(bool, u32, &str)] = &[
    (true,  100, "the device is not ready"),
    (true,  102, "it is out of paper or ribbon, or its bail is open"),
    // It was spoken to and says nothing: a wrong address or a dead device, which no retry mends.
    (false, 104, "the device does not respond"),
    (true,  105, "its vertical format unit failed"),
    (true,  120, "a parity error in its data"),
    (true,  121, "it was sent data faster than it takes them"),
    (true,  191, "it was switched on while it was open"),
];

/// What the same errors mean of a character device: errno, whether it is a terminal, Guardian number, words. They are all
/// retried. What has no row here has one above.
#[rustfmt::skip]
const OF_DEVICES: &[(i32, bool, u32, &str)] = &[
    (libc::ENOENT, false, 14,  "there is no such device, or it is not plugged in"),
    (libc::ENOENT, true,  14,  "there is no such device, or it is not plugged in"),
    (libc::ENOSPC, false, 102, "it is out of paper, or full"),
    (libc::EIO,    false, 100, "it is not ready"),
    (libc::EIO,    true,  140, "it was hung up"),
];

/// Every error that has a number of its own: the number, what it means, and whether it is retried.
pub fn known() -> impl Iterator<Item = (u32, &'static str, bool)> {
    let reported = REPORTED.iter().map(|(retryable, number, words)| (*number, *words, *retryable));
    let of_devices = OF_DEVICES.iter().map(|(_, _, number, words)| (*number, *words, true));
    TABLE.iter().map(|(_, retryable, number, words)| (*number, *words, *retryable)).chain(of_devices).chain(reported)
}

impl Fault {
    /// A fault that has no errno.
    pub fn new(number: u32, retryable: bool, text: impl Into<String>) -> Self {
        Self { number, retryable, text: text.into(), steady: false }
    }

    /// The same, tried again after RETRY seconds each time instead of in growing waits.
    pub fn steady(self) -> Self {
        Self { steady: true, ..self }
    }

    /// What a device said of itself, by its number ("$LP1 reports"). A number that is not in the table is retried: trying
    /// costs nothing.
    pub fn reported(doing: impl std::fmt::Display, number: u32) -> Self {
        match REPORTED.iter().find(|row| row.1 == number) {
            Some((retryable, _, words)) => Self::new(number, *retryable, format!("{doing}: {words}")),
            None => Self::new(number, true, format!("{doing}: error {number}")),
        }
    }

    /// What `error` means for a character device, met while `doing` something.
    pub fn of_device(terminal: bool, doing: impl std::fmt::Display, error: &io::Error) -> Self {
        let errno = error.raw_os_error();
        match OF_DEVICES.iter().find(|row| Some(row.0) == errno && row.1 == terminal) {
            Some((_, _, number, words)) => Self::new(*number, true, format!("{doing}: {words}")),
            None => Self::of(doing, error),
        }
    }

    /// What `error` means for a device, met while `doing` something ("cannot connect to 10.0.0.9").
    pub fn of(doing: impl std::fmt::Display, error: &io::Error) -> Self {
        let row = error.raw_os_error().and_then(|errno| TABLE.iter().find(|row| row.0 == errno));
        match row {
            Some((_, retryable, number, words)) => Self::new(*number, *retryable, format!("{doing}: {words}")),
            // Is an error that we do not know retryable? Yes: trying costs nothing, and a printer that heals alone is
            // worth more than one that stands still until somebody looks.
            None if error.kind() == io::ErrorKind::TimedOut => {
                Self::new(40, true, format!("{doing}: it took too long"))
            }
            None => Self::new(66, true, format!("{doing}: {error}")),
        }
    }
}

/// Why an engine call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpoolTrouble {
    /// The spool refuses: the lease is gone, or the spool must not be used.
    Refused(Failure),
    /// The process ends before the spool answered.
    Ending,
}

/// Why an attempt does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The device failed.
    Device(Fault),
    /// The document cannot be printed.
    Document {
        /// Failed, Changed or Corrupt.
        reason: HoldReason,
        /// In words.
        text: String,
        /// Where a damaged copy was put.
        moved: Option<(DocumentId, RawPath)>,
    },
    /// A source ended or failed while its octets were being sent: which (index of the source), and in words.
    Source(usize, String),
    /// The job is held, paused or cancelled.
    Stop,
    /// The device is not wanted any more, and nothing was sent.
    Unwanted,
    /// The claim is not ours any more.
    Lost,
    /// The process ends.
    Ending,
    /// The spool refuses.
    Refused(Failure),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Device(fault)
    }
}

impl From<SpoolTrouble> for Trouble {
    fn from(trouble: SpoolTrouble) -> Self {
        match trouble {
            SpoolTrouble::Refused(failure) => Self::Refused(failure),
            SpoolTrouble::Ending => Self::Ending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_becomes_a_number_and_words() {
        let fault = Fault::of("cannot connect to lp1", &io::Error::from_raw_os_error(libc::ECONNREFUSED));
        assert_eq!(fault, Fault::new(4127, true, "cannot connect to lp1: the connection was refused"));
        assert_eq!(Fault::of("x", &io::Error::from_raw_os_error(libc::ENOSPC)).number, 43);
        assert!(!Fault::of("x", &io::Error::from_raw_os_error(libc::EISDIR)).retryable);
        assert!(Fault::of("x", &io::Error::other("?")).retryable);
    }

    #[test]
    fn a_circuit_that_was_cut_is_retried_and_a_device_that_does_not_respond_is_not() {
        let of = |number: u32| known().filter(|row| row.0 == number).map(|row| row.2).collect::<Vec<_>>();
        assert!(of(140).iter().all(|retryable| *retryable) && of(104) == [false]);
        assert_eq!(Fault::reported("$LP1", 102).text, "$LP1: it is out of paper or ribbon, or its bail is open");
        assert!(!Fault::reported("$LP1", 104).retryable && Fault::reported("$LP1", 7).retryable);
    }

    #[test]
    fn a_reported_number_has_one_row_and_no_errno() {
        for (i, row) in REPORTED.iter().enumerate() {
            assert!(REPORTED[i + 1..].iter().all(|other| other.1 != row.1), "{}", row.2);
            assert!(TABLE.iter().all(|other| other.2 != row.1), "{}", row.2);
        }
    }

    #[test]
    fn a_character_device_is_no_disk() {
        let of = |terminal, errno| Fault::of_device(terminal, "x", &io::Error::from_raw_os_error(errno));
        assert_eq!(of(false, libc::ENOSPC), Fault::new(102, true, "x: it is out of paper, or full"));
        assert_eq!((of(false, libc::EIO).number, of(true, libc::EIO).number), (100, 140));
        assert_eq!((of(true, libc::EBUSY).number, of(true, libc::ENODEV).number), (12, 14));
    }

    #[test]
    fn an_errno_has_one_row() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|other| other.0 != row.0), "{}", row.3);
        }
    }
}
