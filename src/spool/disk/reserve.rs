//! Room that is kept free on the file system of the spool, so that what was accepted can be printed and others can work.
//!
//! States: enough → below the reserve (a submission found it so; a mark in `run/` says that) → enough again, with a quarter
//! of the reserve more: a spool at the edge does not take and refuse by turns. Nobody has to do anything: the next
//! submission looks. The mark may be lost with `run/`; then the reserve alone decides.

use std::path::Path;

use crate::model::space::Reserve;
use crate::model::{Failure, FailureKind};
use crate::store::Fallible;
use crate::sys::files;

use super::paths::Base;

/// Octets of the file system of the spool, and of them those that are free for it; none where it does not say.
pub fn disk(base: &Base) -> Option<(u64, u64)> {
    files::room(base.root()).ok().map(|(used, total)| (total, total.saturating_sub(used)))
}

/// Whether submissions were refused and no room came back yet.
pub fn refuses(base: &Base) -> bool {
    base.refusing().exists()
}

/// Refuses a submission of `octets` octets that would leave less free than `reserve`.
///
/// # Errors
/// `Full`, with the numbers and the way out.
pub fn demand(base: &Base, reserve: Option<Reserve>, octets: u64) -> Fallible<()> {
    let refused = refuses(base);
    let (Some(reserve), Some((total, free))) = (reserve, disk(base)) else {
        if refused && reserve.is_none() {
            // Somebody took the reserve away.
            let _ = std::fs::remove_file(base.refusing());
        }
        return Ok(());
    };
    let low = reserve.octets(total);
    let wanted = if refused { low.saturating_add(low / 4) } else { low };
    if free.saturating_sub(octets) >= wanted {
        if refused {
            // If it stays, the next submission wants a quarter more than the reserve once again.
            let _ = std::fs::remove_file(base.refusing());
        }
        return Ok(());
    }
    // On a disk without room for a name the reserve alone decides.
    let _ = std::fs::File::create(base.refusing());
    Err(full(base.root(), free, octets, reserve))
}

/// The least that a document which is just arriving may leave free.
pub fn least(base: &Base, reserve: Option<Reserve>) -> Option<u64> {
    let (total, _) = disk(base)?;
    reserve.map(|reserve| reserve.octets(total))
}

fn full(root: &Path, free: u64, octets: u64, reserve: Reserve) -> Failure {
    let place = root.display();
    let why = format!(
        "the file system of the spool has {free} octets free, and {reserve} are kept (RESERVE): no job of {octets} octets is \
         accepted"
    );
    Failure::new(FailureKind::Full, why)
        .hint(format!("free some space on the file system of {place}; new jobs are accepted again by themselves"))
        .hint("jobs that are waiting print; an operator changes the reserve: SPOOLER, RESERVE 500M, or NONE")
}
