//! One device: its thread, opening and closing, and one attempt at one job.

pub(crate) mod attempt;
pub mod connection_settings;
pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod errors;
pub(crate) mod exclusive;
pub(crate) mod helpers;
pub(crate) mod stall;
pub(crate) mod thread;
