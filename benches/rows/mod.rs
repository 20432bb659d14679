//! The rows of the table, by what they measure.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "inside of what is timed an error has nowhere to go; a figure without it is none"
)]

pub mod devices;
pub mod doors;
pub mod group;
pub mod latency;
pub mod listing;
pub mod million;
pub mod night;
pub mod nonstop;
pub mod programs;
pub mod sealed;
pub mod start;
pub mod stream;
pub mod submit;

use super::support::Size;
use super::support::table::Table;

/// Measures a group of rows and adds them to the table. Fails when something cannot be measured, with what was missing.
pub type Measure = fn(Size, &mut Table) -> anyhow::Result<()>;

/// Every group of rows, by the name that the command line knows.
pub const GROUPS: &[(&str, Measure)] = &[
    ("submit", submit::measure),
    ("listing", listing::measure),
    ("latency", latency::measure),
    ("stream", stream::measure),
    ("sealed", sealed::measure),
    ("devices", devices::measure),
    ("group", group::measure),
    ("doors", doors::measure),
    ("million", million::measure),
    ("nonstop", nonstop::measure),
    ("night", night::measure),
    ("start", start::measure),
    ("programs", programs::measure),
];
