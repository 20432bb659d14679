//! What can go wrong while printing, and who is at fault: the device (it is retried), the document (its job is held,
//! the others flow), or nobody (the job is no longer wanted, or the process ends).
//!
//! One table maps the errors of the system, and what devices report, to what an operator sees: the Guardian number,
//! whether a retry may help, and words.

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
    /// Whether a retry may help without an operator.
    pub retryable: bool,
    /// What happened, in words.
    pub text: String,
    /// Whether every retry comes after RETRY itself instead of a growing wait: the retry costs next to nothing, and
    /// somebody waits for it.
    pub steady: bool,
}

/// What an error of the system is met on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    /// Anything that has no row of its own.
    Any,
    /// A character device.
    Device,
    /// A terminal.
    Terminal,
    /// A character device that is no terminal.
    Other,
}

impl On {
    /// Whether a row of `self` holds for a character device that is a terminal or not.
    fn is_of(self, terminal: bool) -> bool {
        self == Self::Device || self == if terminal { Self::Terminal } else { Self::Other }
    }
}

/// A row: Guardian number, retryable, words, and the errors of the system that mean it.
type Row = (u32, bool, &'static str, &'static [(On, i32)]);

/// The one table of device errors. Numbers of network errors are those of the Guardian sockets library. 100 to 299 are what
/// a device reports itself, in the numbers that operators know (fastp.md 20), whether an error of the system stands for them
/// or not. Rows without one are what the transports find out themselves, and what devices report.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    (2,    false, "it is a directory",                                       &[(On::Any, libc::EISDIR)]),
    (2,    false, "it is of another kind than its URI says",                 &[]),
    (11,   true,  "the directory does not exist",                            &[(On::Any, libc::ENOENT)]),
    (11,   true,  "there is no such FIFO",                                   &[]),
    (12,   true,  "it is in use",                                            &[(On::Any, libc::EBUSY), (On::Any, libc::ETXTBSY)]),
    (12,   true,  "another program changed it while a job was written",      &[]),
    (13,   false, "its path leads through something that is no directory",   &[(On::Any, libc::ENOTDIR)]),
    (13,   false, "its path has too many symbolic links",                    &[(On::Any, libc::ELOOP)]),
    (13,   false, "its name is too long",                                    &[(On::Any, libc::ENAMETOOLONG)]),
    (14,   true,  "there is no such device, or it is not plugged in",        &[(On::Any, libc::ENXIO), (On::Any, libc::ENODEV), (On::Device, libc::ENOENT)]),
    (14,   true,  "no program reads the FIFO",                               &[]),
    (14,   true,  "its host has no address that is known",                   &[]),
    (14,   true,  "it has no URI, or its FASTCNFG entry does not say where it is", &[]),
    (31,   true,  "this process has too many open files",                    &[(On::Any, libc::EMFILE)]),
    (31,   true,  "the system has too many open files",                      &[(On::Any, libc::ENFILE)]),
    (31,   true,  "out of memory",                                           &[(On::Any, libc::ENOMEM)]),
    (31,   true,  "out of resources",                                        &[(On::Any, libc::EAGAIN)]),
    (TOO_LONG, true, "it took too long",                                     &[]),
    (TOO_LONG, true, "nothing was accepted for its TIMEOUT",                 &[]),
    (TOO_LONG, true, "it did not close within its SHUTDOWNTO",               &[]),
    (TOO_LONG, false, "it did not close within its SHUTDOWNTO three times in a row", &[]),
    (43,   true,  "the disk is full",                                        &[(On::Any, libc::ENOSPC)]),
    (43,   true,  "the disk quota is used up",                               &[(On::Any, libc::EDQUOT)]),
    (45,   true,  "the file is as large as it may be",                       &[(On::Any, libc::EFBIG)]),
    (48,   true,  "permission denied",                                       &[(On::Any, libc::EACCES)]),
    (48,   true,  "not permitted",                                           &[(On::Any, libc::EPERM)]),
    (48,   true,  "the file system is read-only",                            &[(On::Any, libc::EROFS)]),
    (48,   false, "it lies inside the spool's own directory",                &[]),
    (66,   true,  "the device or disk failed",                               &[(On::Any, libc::EIO)]),
    (66,   true,  "the file system went away",                               &[(On::Any, libc::ESTALE)]),
    (66,   true,  "FASTCNFG has a mistake",                                  &[]),
    (66,   true,  "any other error, in the words of the system",             &[]),
    (100,  true,  "it is not ready",                                         &[(On::Other, libc::EIO)]),
    (102,  true,  "it is out of paper or ribbon, or full, or its bail is open", &[(On::Other, libc::ENOSPC)]),
    // It was spoken to and says nothing: a wrong address or a dead device, which no retry mends.
    (104,  false, "the device does not respond",                             &[]),
    (105,  true,  "its vertical format unit failed",                         &[]),
    (120,  true,  "a parity error in its data",                              &[]),
    (121,  true,  "it was sent data faster than it takes them",              &[]),
    (140,  true,  "it was hung up, or closed by its other side",             &[(On::Terminal, libc::EIO), (On::Any, libc::EPIPE)]),
    (191,  true,  "it was switched on while it was open",                    &[]),
    (4115, true,  "no local address is available",                           &[(On::Any, libc::EADDRNOTAVAIL)]),
    (4116, true,  "the network is down",                                     &[(On::Any, libc::ENETDOWN)]),
    (4117, true,  "the network cannot be reached",                           &[(On::Any, libc::ENETUNREACH)]),
    (4119, true,  "the connection was aborted",                              &[(On::Any, libc::ECONNABORTED)]),
    (4120, true,  "the connection was reset",                                &[(On::Any, libc::ECONNRESET)]),
    (4121, true,  "no buffer space",                                         &[(On::Any, libc::ENOBUFS)]),
    (4123, true,  "the connection is gone",                                  &[(On::Any, libc::ENOTCONN)]),
    (4126, true,  "the peer does not answer",                                &[(On::Any, libc::ETIMEDOUT)]),
    (4127, true,  "the connection was refused",                              &[(On::Any, libc::ECONNREFUSED)]),
    (4130, true,  "the host is down",                                        &[(On::Any, libc::EHOSTDOWN)]),
    (4131, true,  "no route to the host",                                    &[(On::Any, libc::EHOSTUNREACH)]),
];

/// Something did not end in time.
const TOO_LONG: u32 = 40;
/// What a device reports itself.
const REPORTED: std::ops::Range<u32> = 100..300;

/// Every number: what it means, in one or several words, and whether it is retried. In ascending order; a number that is
/// retried or not, as it is meant, comes twice.
pub fn known() -> impl Iterator<Item = (u32, String, bool)> {
    TABLE.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).map(|rows| {
        let words: Vec<&str> = rows.iter().map(|row| row.2).collect();
        (rows[0].0, words.join("; "), rows[0].1)
    })
}

/// The row of an error of the system, met on something that `holds` says.
fn row_of(error: &io::Error, holds: impl Fn(On) -> bool) -> Option<&'static Row> {
    let errno = error.raw_os_error()?;
    TABLE.iter().find(|row| row.3.iter().any(|(on, from)| *from == errno && holds(*on)))
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

    fn of_row(row: &Row, doing: impl std::fmt::Display) -> Self {
        Self::new(row.0, row.1, format!("{doing}: {}", row.2))
    }

    /// What a device said of itself, by its number ("$LP1 reports"). A number that is not in the table is retried: trying
    /// costs nothing.
    pub fn reported(doing: impl std::fmt::Display, number: u32) -> Self {
        match TABLE.iter().find(|row| row.0 == number && REPORTED.contains(&number)) {
            Some(row) => Self::of_row(row, doing),
            None => Self::new(number, true, format!("{doing}: error {number}")),
        }
    }

    /// What `error` means for a character device, met while `doing` something.
    pub fn of_device(terminal: bool, doing: impl std::fmt::Display, error: &io::Error) -> Self {
        match row_of(error, |on| on.is_of(terminal)) {
            Some(row) => Self::of_row(row, doing),
            None => Self::of(doing, error),
        }
    }

    /// What `error` means for a device, met while `doing` something ("cannot connect to 10.0.0.9").
    pub fn of(doing: impl std::fmt::Display, error: &io::Error) -> Self {
        match row_of(error, |on| on == On::Any) {
            Some(row) => Self::of_row(row, doing),
            // Do we retry an error that we do not know? Yes: a retry costs nothing, and a printer that recovers alone
            // is worth more than one that stands still until somebody looks.
            None if error.kind() == io::ErrorKind::TimedOut => {
                Self::new(TOO_LONG, true, format!("{doing}: it took too long"))
            }
            None => Self::new(66, true, format!("{doing}: {error}")),
        }
    }
}

/// Why a call to the spool did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpoolError {
    /// The spool refuses: the lease is gone, or the spool must not be used.
    Refused(Failure),
    /// The process ends before the spool answered.
    Ending,
}

/// Why an attempt cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrintError {
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
    /// A source ended or failed while it was being sent: its index, and what happened.
    Source(usize, String),
    /// The job is held, paused or cancelled.
    Stop,
    /// The device is no longer wanted, and nothing was sent.
    Unwanted,
    /// The claim is no longer ours.
    Lost,
    /// The process ends.
    Ending,
    /// The spool refuses.
    Refused(Failure),
}

impl From<Fault> for PrintError {
    fn from(fault: Fault) -> Self {
        Self::Device(fault)
    }
}

impl From<SpoolError> for PrintError {
    fn from(trouble: SpoolError) -> Self {
        match trouble {
            SpoolError::Refused(failure) => Self::Refused(failure),
            SpoolError::Ending => Self::Ending,
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
        assert_eq!((of(140), of(104)), (vec![true], vec![false]));
        let paper = "it is out of paper or ribbon, or full, or its bail is open";
        assert_eq!(Fault::reported("$LP1", 102), Fault::new(102, true, format!("$LP1: {paper}")));
        assert!(!Fault::reported("$LP1", 104).retryable && Fault::reported("$LP1", 107).retryable);
        assert_eq!(Fault::reported("$LP1", 2), Fault::new(2, true, "$LP1: error 2"), "that is no word of a device");
    }

    #[test]
    fn the_table_ascends_and_an_errno_means_one_of_its_rows() {
        for pair in TABLE.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            assert!(a.0 < b.0 || (a.0 == b.0 && a.1 >= b.1 && !REPORTED.contains(&a.0)), "{} {}", a.2, b.2);
        }
        let meanings: Vec<&(On, i32)> = TABLE.iter().flat_map(|row| row.3).collect();
        for (i, one) in meanings.iter().enumerate() {
            assert!(!meanings[i + 1..].contains(one), "{one:?}");
        }
        let distinct: std::collections::HashSet<_> = known().map(|row| (row.0, row.2)).collect();
        assert_eq!(known().count(), distinct.len());
    }

    /// The numbers in `Fault::new(12, true, …)` of a source, its tests apart.
    fn used(source: &str) -> Vec<(u32, bool)> {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let calls = source.split("Fault::new(").skip(1);
        let read = |call: &str| {
            let (number, rest) = call.trim_start().split_once(", ")?;
            Some((number.parse().ok()?, rest.starts_with("true")))
        };
        calls.filter_map(read).collect()
    }

    #[test]
    fn every_number_that_a_transport_gives_is_listed() {
        let mut found = std::collections::BTreeSet::new();
        let mut dirs = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fastp")];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && name != "tests" {
                    dirs.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests.rs") {
                    found.extend(used(&std::fs::read_to_string(path).unwrap()));
                }
            }
        }
        assert!(found.contains(&(48, false)) && found.contains(&(140, true)), "{found:?}");
        for (number, retried) in found {
            assert!(known().any(|row| (row.0, row.2) == (number, retried)), "{number}, retried: {retried}");
        }
    }

    #[test]
    fn a_character_device_is_no_disk() {
        let of = |terminal, errno| Fault::of_device(terminal, "x", &io::Error::from_raw_os_error(errno));
        assert_eq!(of(false, libc::ENOSPC).number, 102);
        assert_eq!((of(false, libc::EIO).number, of(true, libc::EIO).number), (100, 140));
        assert_eq!((of(false, libc::ENOENT).number, of(true, libc::ENOENT).number), (14, 14));
        assert_eq!((of(true, libc::EBUSY).number, of(true, libc::ENODEV).number), (12, 14));
        assert_eq!((of(true, libc::ENOSPC).number, of(false, libc::EPIPE).number), (43, 140));
    }
}
