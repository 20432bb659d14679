//! What can go wrong while printing, and who is at fault: the device (it is retried), the document (its job is held,
//! the others flow), or nobody (the job is no longer wanted, or the process ends).
//!
//! One table maps the errors of the operating system to those of devices ([`DeviceError`]), which have the Guardian number
//! that an operator sees, whether trying again may help, and words.

use std::io;

use nix::libc;

use crate::model::guardian::DeviceError;
use crate::model::job::RawPath;
use crate::model::printable::escaped;
use crate::model::state::HoldReason;
use crate::model::{DocumentId, Failure};
use crate::sys::limits;

/// A device error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub error: DeviceError,
    /// Whether trying again may help without an operator.
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

/// What each error of the system means. Errors of devices without a row are what the transports find out themselves, and
/// what devices report.
#[rustfmt::skip]
const TABLE: &[(On, i32, DeviceError)] = &[
    (On::Any,      libc::EISDIR,          DeviceError::IsDirectory),
    (On::Any,      libc::ENOENT,          DeviceError::NoDirectory),
    (On::Any,      libc::EBUSY,           DeviceError::InUse),
    (On::Any,      libc::ETXTBSY,         DeviceError::InUse),
    (On::Any,      libc::ENOTDIR,         DeviceError::NotADirectory),
    (On::Any,      libc::ELOOP,           DeviceError::TooManyLinks),
    (On::Any,      libc::ENAMETOOLONG,    DeviceError::NameTooLong),
    (On::Any,      libc::ENXIO,           DeviceError::NoDevice),
    (On::Any,      libc::ENODEV,          DeviceError::NoDevice),
    (On::Device,   libc::ENOENT,          DeviceError::NoDevice),
    (On::Any,      libc::EMFILE,          DeviceError::TooManyOpenFiles),
    (On::Any,      libc::ENFILE,          DeviceError::SystemTooManyOpenFiles),
    (On::Any,      libc::ENOMEM,          DeviceError::OutOfMemory),
    (On::Any,      libc::EAGAIN,          DeviceError::OutOfResources),
    (On::Any,      libc::ENOSPC,          DeviceError::DiskFull),
    (On::Any,      libc::EDQUOT,          DeviceError::QuotaExceeded),
    (On::Any,      libc::EFBIG,           DeviceError::FileTooLarge),
    (On::Any,      libc::EACCES,          DeviceError::PermissionDenied),
    (On::Any,      libc::EPERM,           DeviceError::NotPermitted),
    (On::Any,      libc::EROFS,           DeviceError::ReadOnly),
    (On::Any,      libc::EIO,             DeviceError::InputOutput),
    (On::Any,      libc::ESTALE,          DeviceError::FileSystemGone),
    (On::Other,    libc::EIO,             DeviceError::NotReady),
    (On::Other,    libc::ENOSPC,          DeviceError::OutOfPaper),
    (On::Terminal, libc::EIO,             DeviceError::HungUp),
    (On::Any,      libc::EPIPE,           DeviceError::HungUp),
    (On::Any,      libc::EADDRNOTAVAIL,   DeviceError::NoLocalAddress),
    (On::Any,      libc::ENETDOWN,        DeviceError::NetworkDown),
    (On::Any,      libc::ENETUNREACH,     DeviceError::NetworkUnreachable),
    (On::Any,      libc::ECONNABORTED,    DeviceError::ConnectionAborted),
    (On::Any,      libc::ECONNRESET,      DeviceError::ConnectionReset),
    (On::Any,      libc::ENOBUFS,         DeviceError::NoBufferSpace),
    (On::Any,      libc::ENOTCONN,        DeviceError::ConnectionGone),
    (On::Any,      libc::ETIMEDOUT,       DeviceError::NoAnswer),
    (On::Any,      libc::ECONNREFUSED,    DeviceError::ConnectionRefused),
    (On::Any,      libc::EHOSTDOWN,       DeviceError::HostDown),
    (On::Any,      libc::EHOSTUNREACH,    DeviceError::NoRoute),
];

/// What an error of the system means, met on something that `holds` says.
fn meaning(error: &io::Error, holds: impl Fn(On) -> bool) -> Option<DeviceError> {
    let errno = error.raw_os_error()?;
    TABLE.iter().find(|(on, from, _)| *from == errno && holds(*on)).map(|row| row.2)
}

impl Fault {
    /// `error`, and what happened.
    pub fn new(error: DeviceError, text: impl Into<String>) -> Self {
        Self { error, retryable: error.is_retried(), text: text.into(), steady: false }
    }

    /// The same, tried again after RETRY seconds each time instead of in growing waits.
    pub fn steady(self) -> Self {
        Self { steady: true, ..self }
    }

    fn in_its_words(doing: impl std::fmt::Display, error: DeviceError) -> Self {
        Self::new(error, format!("{doing}: {}", error.words()))
    }

    /// Whoever is denied something is named: nobody sees from outside as which user a print process runs.
    fn with_user(self) -> Self {
        if !matches!(self.error, DeviceError::PermissionDenied | DeviceError::NotPermitted) {
            return self;
        }
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        Self { text: format!("{} to user {}", self.text, escaped(&user)), ..self }
    }

    /// What a device said of itself, by its number ("$LP1 reports"). A number that is not in the table is retried: trying
    /// costs nothing.
    pub fn reported(doing: impl std::fmt::Display, number: u32) -> Self {
        match DeviceError::reported(number) {
            error @ DeviceError::Unlisted(_) => Self::new(error, format!("{doing}: error {number}")),
            error => Self::in_its_words(doing, error),
        }
    }

    /// What `error` means for a character device, met while `doing` something.
    pub fn of_device(terminal: bool, doing: impl std::fmt::Display, error: &io::Error) -> Self {
        match meaning(error, |on| on.is_of(terminal)) {
            Some(error) => Self::in_its_words(doing, error).with_user(),
            None => Self::of(doing, error),
        }
    }

    /// What `error` means for a device, met while `doing` something ("cannot connect to 10.0.0.9").
    pub fn of(doing: impl std::fmt::Display, error: &io::Error) -> Self {
        match meaning(error, |on| on == On::Any) {
            Some(known) => {
                let fault = Self::in_its_words(doing, known).with_user();
                match limits::cure(error) {
                    Some(cure) => Self { text: format!("{}; {cure}", fault.text), ..fault },
                    None => fault,
                }
            }
            // Is an error that we do not know retryable? Yes: trying costs nothing, and a printer that heals alone is
            // worth more than one that stands still until somebody looks.
            None if error.kind() == io::ErrorKind::TimedOut => Self::in_its_words(doing, DeviceError::TookTooLong),
            None => Self::new(DeviceError::Other, format!("{doing}: {error}")),
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
    /// The job goes on at another page: what is being sent ends here.
    Turn,
    /// The device is suspended, and its program has to stand still first.
    Stand,
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
        let refused = "cannot connect to lp1: the connection was refused";
        assert_eq!(fault, Fault::new(DeviceError::ConnectionRefused, refused));
        assert_eq!(fault.error.number(), 4127);
        assert_eq!(Fault::of("x", &io::Error::from_raw_os_error(libc::ENOSPC)).error.number(), 43);
        assert!(!Fault::of("x", &io::Error::from_raw_os_error(libc::EISDIR)).retryable);
        assert!(Fault::of("x", &io::Error::other("?")).retryable);
    }

    #[test]
    fn a_circuit_that_was_cut_is_retried_and_a_device_that_does_not_respond_is_not() {
        let retried = [140, 104].map(|number| Fault::reported("$LP1", number).retryable);
        assert_eq!(retried, [true, false]);
        let paper = "it is out of paper or ribbon, or full, or its bail is open";
        assert_eq!(Fault::reported("$LP1", 102), Fault::new(DeviceError::OutOfPaper, format!("$LP1: {paper}")));
        assert_eq!(Fault::reported("$LP1", 107).text, "$LP1: error 107");
        assert!(Fault::reported("$LP1", 107).retryable);
    }

    #[test]
    fn an_errno_means_one_error() {
        for (i, one) in TABLE.iter().enumerate() {
            assert!(!TABLE[i + 1..].iter().any(|other| (other.0, other.1) == (one.0, one.1)), "{one:?}");
        }
    }

    #[test]
    fn a_character_device_is_no_disk() {
        let of = |terminal, errno| Fault::of_device(terminal, "x", &io::Error::from_raw_os_error(errno)).error.number();
        assert_eq!(of(false, libc::ENOSPC), 102);
        assert_eq!((of(false, libc::EIO), of(true, libc::EIO)), (100, 140));
        assert_eq!((of(false, libc::ENOENT), of(true, libc::ENOENT)), (14, 14));
        assert_eq!((of(true, libc::EBUSY), of(true, libc::ENODEV)), (12, 14));
        assert_eq!((of(true, libc::ENOSPC), of(false, libc::EPIPE)), (43, 140));
    }
}
