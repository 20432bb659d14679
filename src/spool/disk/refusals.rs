//! Failures of whoever cannot use a base: nothing is reached, and nothing was changed.

use std::io;
use std::path::Path;

use crate::model::{Failure, FailureKind};

/// Makes the failure of a base that must not be used, or is not one.
pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Unreachable, message)
}

/// Makes the failure of a path that cannot be read or written.
pub(crate) fn io_failure(path: &Path, error: &io::Error) -> Failure {
    let kind = if error.kind() == io::ErrorKind::StorageFull { FailureKind::Full } else { FailureKind::Unreachable };
    let failure = Failure::new(kind, format!("{}: {error}", path.display()));
    crate::sys::limits::cure(error).into_iter().fold(failure, Failure::hint)
}
