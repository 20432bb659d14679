//! Ctrl-C as a flag to query, for a program that goes on after it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static PENDING: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_: c_int) {
    PENDING.store(true, Ordering::Relaxed);
}

/// From now on SIGINT does not end this process but sets [`pending`]. A program that it starts has the default again.
pub fn catch() -> io::Result<()> {
    // Is it safe that calls go on after the signal? Yes, that is the point: no write or sync of the spool may fail
    // because somebody pressed a key. Only `poll` is never restarted, and that is what waits.
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler stores to an atomic and does nothing else, which is allowed in a signal context.
    unsafe { sigaction(Signal::SIGINT, &action) }?;
    Ok(())
}

/// Whether SIGINT came since the last [`clear`].
pub fn pending() -> bool {
    PENDING.load(Ordering::Relaxed)
}

/// Clears what arrived so far.
pub fn clear() {
    PENDING.store(false, Ordering::Relaxed);
}
