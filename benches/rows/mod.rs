//! The rows of the table, by what they measure.

pub mod devices;
pub mod latency;
pub mod listing;
pub mod million;
pub mod programs;
pub mod start;
pub mod stream;
pub mod submit;

use super::support::Size;
use super::support::table::Table;

/// Measures a group of rows and adds them to the table.
pub type Measure = fn(Size, &mut Table);

/// Every group of rows, by the name that the command line knows.
pub const GROUPS: &[(&str, Measure)] = &[
    ("submit", submit::measure),
    ("listing", listing::measure),
    ("latency", latency::measure),
    ("stream", stream::measure),
    ("devices", devices::measure),
    ("million", million::measure),
    ("start", start::measure),
    ("programs", programs::measure),
];
