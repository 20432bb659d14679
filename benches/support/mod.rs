//! What the figures share: a spool of their own, a peer measured in the same run, and the table.
//!
//! Nothing here passes or fails on a time: a row says what was measured and whether the goal is met.

#![allow(dead_code, reason = "the long form, the short form and each row use their own part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a thread of a printer or a peer has nobody to return an error to; a figure without it is none"
)]

pub mod cups;
pub mod doors;
pub mod filled;
pub mod memory;
pub mod printer;
pub mod site;
pub mod table;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything may take before a run is given up.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Enough to see that it works.
    Short,
    /// Enough to quote.
    Long,
}

impl Size {
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// Where everything is measured: on the disk of the build, or in the directory that `FIGURES_DIR` names.
pub fn place() -> PathBuf {
    std::env::var_os("FIGURES_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from)
}

/// A directory there, removed when it is dropped.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(place()).unwrap()
}

/// The median, which one slow round does not move.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures ours and the peer in turn, so that what else the machine does meets both; the medians.
pub fn in_turn(rounds: u32, mut ours: impl FnMut() -> f64, mut peer: impl FnMut() -> f64) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        a.push(ours());
        b.push(peer());
    }
    (median(a), median(b))
}

/// Seconds that `work` takes.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

/// The median time of an append of 4 KiB with its fsync, in seconds, on the disk of `dir`.
pub fn fsync_p50(dir: &Path) -> f64 {
    // What filling a spool left to be written would be measured otherwise.
    nix::unistd::sync();
    let path = dir.join("fsync-probe");
    let mut file = File::create(&path).unwrap();
    let times = (0..65).map(|_| {
        seconds(|| {
            file.write_all(&[7; 4096]).unwrap();
            file.sync_all().unwrap();
        })
    });
    let p50 = median(times.collect());
    std::fs::remove_file(path).unwrap();
    p50
}

/// A document of `octets` that is taken for a finished stream: nothing is added to it, and it is not read to count it.
pub fn document(dir: &Path, name: &str, octets: usize) -> PathBuf {
    let path = dir.join(name);
    let mut file = File::create(&path).unwrap();
    file.write_all(b"\x1bE").unwrap();
    let block: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let mut left = octets - 2;
    while left > 0 {
        let n = left.min(block.len());
        file.write_all(&block[..n]).unwrap();
        left -= n;
    }
    file.sync_all().unwrap();
    path
}
