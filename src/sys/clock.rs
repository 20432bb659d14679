//! The machine's clocks. Called by `commands`, `server` and `fastp` only; everything below takes a [`Moment`].

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use nix::time::{ClockId, clock_gettime};

use crate::model::time::Moment;

/// Reads the clocks.
pub fn now() -> Moment {
    Moment { wall_ms: wall_ms(), boot_ms: boot_ms(), boot_id: boot_id().to_owned() }
}

/// Milliseconds since 1970.
pub fn wall_ms() -> i64 {
    let read = read_wall();
    #[cfg(debug_assertions)]
    let read = read.saturating_add(set_by());
    read
}

/// How far a test has set the wall clock: the milliseconds in the file that `PD_CLOCK` names. Only in builds with debug
/// assertions.
#[cfg(debug_assertions)]
fn set_by() -> i64 {
    static FILE: OnceLock<Option<OsString>> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("PD_CLOCK")).as_ref();
    file.and_then(|file| std::fs::read_to_string(file).ok()).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn read_wall() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(passed) => i64::try_from(passed.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

/// Milliseconds since this boot, suspended time included.
pub fn boot_ms() -> i64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |t| t.tv_sec() * 1000 + t.tv_nsec() / 1_000_000)
}

/// The time zone that `TZ` names, else the machine's.
pub fn zone(variable: Option<OsString>) -> TimeZone {
    let name = variable.and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty());
    if let Some(name) = name {
        let name = name.trim_start_matches(':');
        if name == "UTC" {
            return TimeZone::UTC;
        }
        if let Ok(zone) = TimeZone::get(name).or_else(|_| TimeZone::posix(name)) {
            return zone;
        }
    }
    // Displays need only the zone's rules. Asked for the system's zone, the library also looks for its name and reads
    // every directory of the zone database: half of what a short command costs.
    let rules = std::fs::read("/etc/localtime").ok().and_then(|rules| TimeZone::tzif("", &rules).ok());
    rules.unwrap_or_else(TimeZone::system)
}

/// Which boot this is.
pub fn boot_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|text| text.trim().to_owned())
            .unwrap_or_else(|_| "unknown".to_owned())
    })
}
