//! What happens while jobs print: claims and their ends, what devices report, progress, and who is to be woken.

pub(crate) mod accounting;
pub(crate) mod attempt_limit;
pub(crate) mod attempts;
pub(crate) mod claims;
pub(crate) mod device_errors;
pub(crate) mod forecast;
pub(crate) mod leases;
pub(crate) mod line;
pub mod progress;
pub(crate) mod queue;
pub mod trouble;
pub(crate) mod wakes;
