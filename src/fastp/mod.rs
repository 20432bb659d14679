//! The print process: takes the jobs of its devices from the spool and sends them (docs/reference/fastp.md 1.1).
//!
//! Main waits for wake-ups and starts one thread for each device that has work (`process::run`). A device thread
//! opens the device, prints, closes it and ends (`device`). A device can only ever block itself. The print process
//! reaches the spool through [`crate::spool::interface::engine::Engine`] and nothing else. A crash leaves a claim of a
//! dead epoch; the next holder of the process's lock finds and frees it.

pub(crate) mod content;
pub mod device;
#[cfg(test)]
mod fake;
pub mod fastcnfg;
pub(crate) mod process;
pub(crate) mod program;
#[cfg(test)]
mod tests;
pub mod transports;

use std::time::Duration;

pub use content::boundary;
pub use process::command::{definition, run_main};
pub use process::run::run;

/// Deadlines of the print process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Limit for connecting to a device, without name resolution.
    pub connect: Duration,
    /// How long we wait for a connection to close, how long a kept connection with transferred jobs stays open
    /// (EXCLUSIVE OFF), and how long it must stay quiet before those jobs are released (ON).
    pub settle: Duration,
    /// A device that accepts no octet of a running job for this long has stalled, which is reported.
    pub stall: Duration,
    /// Interval between two heartbeats.
    pub heartbeat: Duration,
    /// If the peer closes a connection sooner than this and no job used it, that is an error and no reason to reopen at
    /// once.
    pub short_lived: Duration,
    /// How long a report may wait before it is recorded, where nothing depends on it.
    pub report_delay: Duration,
    /// How long a program of others may take to answer.
    pub program: Duration,
    /// The longest wait between two scans of the spool, in case a wake-up is lost.
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
            program: Duration::from_secs(30),
            scan_interval: Duration::from_secs(30),
        }
    }
}

impl Timing {
    /// The default deadlines; tests override them with `PD_CONNECT_MS`, `PD_SETTLE_MS`, `PD_STALL_MS`, `PD_KEEP_MS`
    /// and `PD_PROGRAM_MS`.
    pub fn from_environment() -> Self {
        let ms = |name| std::env::var(name).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
        let usual = Self::default();
        Self {
            connect: ms("PD_CONNECT_MS").unwrap_or(usual.connect),
            settle: ms("PD_SETTLE_MS").unwrap_or(usual.settle),
            stall: ms("PD_STALL_MS").unwrap_or(usual.stall),
            report_delay: ms("PD_KEEP_MS").unwrap_or(usual.report_delay),
            program: ms("PD_PROGRAM_MS").unwrap_or(usual.program),
            // A program that is to answer sooner is asked sooner.
            heartbeat: ms("PD_PROGRAM_MS").map_or(usual.heartbeat, |patience| patience.min(usual.heartbeat)),
            ..usual
        }
    }
}
