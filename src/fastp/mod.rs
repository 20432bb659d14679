//! The print process: it takes the jobs of its devices from the spool and sends them (docs/reference/fastp.md 1.1).
//!
//! Main waits for wake-ups and starts one thread for each device that has something to do ([`mod@run`]); a device thread
//! opens, prints, closes and ends ([`device`], [`job`], [`exclusive`]). One device can only ever block itself. The
//! spool is asked through [`crate::spool::interface::engine::Engine`] and nothing else; what a crash leaves is a claim of a dead
//! epoch, which the next holder of the process's lock finds.

pub mod content;
pub mod device;
#[cfg(test)]
mod fake;
pub mod fastcnfg;
pub mod process;
#[cfg(test)]
mod tests;
pub mod transports;

use std::time::Duration;

pub use process::command::{definition, run_main};
pub use process::run::run;

/// Deadlines of the print process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Connecting to a device, name resolution apart.
    pub connect: Duration,
    /// How long a closing connection is waited for, how long a kept one with transferred jobs stays open (EXCLUSIVE
    /// OFF), and how long it must stay quiet to release them (ON).
    pub settle: Duration,
    /// A device that takes no octet of a running job for so long stands still, and that is said.
    pub stall: Duration,
    /// Time between two signs of life.
    pub heartbeat: Duration,
    /// A connection that the peer closes sooner, with no job on it, is an error and not a reason to open it at once.
    pub short_lived: Duration,
    /// How long what happened may be kept before it is put on record, where nothing depends on it.
    pub report_delay: Duration,
    /// The longest wait between two looks at the spool: a net below lost wake-ups.
    pub scan_interval: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            settle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            short_lived: Duration::from_secs(1),
            report_delay: Duration::from_secs(1),
            scan_interval: Duration::from_secs(30),
        }
    }
}

impl Timing {
    /// The usual deadlines, but for `PD_CONNECT_MS`, `PD_SETTLE_MS`, `PD_STALL_MS` and `PD_KEEP_MS`, which tests alter.
    pub fn from_environment() -> Self {
        let ms = |name| std::env::var(name).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
        let usual = Self::default();
        Self {
            connect: ms("PD_CONNECT_MS").unwrap_or(usual.connect),
            settle: ms("PD_SETTLE_MS").unwrap_or(usual.settle),
            stall: ms("PD_STALL_MS").unwrap_or(usual.stall),
            report_delay: ms("PD_KEEP_MS").unwrap_or(usual.report_delay),
            ..usual
        }
    }
}
