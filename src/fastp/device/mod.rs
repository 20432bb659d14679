//! One device: its thread, opening and closing, and one attempt at one job.

pub(crate) mod align;
pub(crate) mod attempt;
pub mod connection_settings;
pub mod context;
pub mod control;
pub mod delivered;
pub(crate) mod departing;
pub mod errors;
pub mod exclusive;
pub mod helpers;
pub mod stall;
pub mod thread;
