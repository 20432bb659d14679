//! The spool: its operations and its rules of authority, and the print files on disk.

pub mod engine;
pub mod operations;
pub mod paths;
pub mod progress;
pub mod records;
