//! The directory of a spool: opening and making it, print files, the ballast, and the sweep of what a crash left.

pub mod ballast;
pub mod base;
pub mod files;
pub mod paths;
pub(crate) mod sweep;
