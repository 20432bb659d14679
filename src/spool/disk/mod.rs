//! The directory of a spool: opening and making it, print files, the ballast, and the sweep of what a crash left.

mod accept;
pub mod aside;
pub mod backup;
pub mod ballast;
pub mod base;
pub mod certificate;
pub mod dirs;
pub mod document_key;
pub mod error_log;
pub mod files;
pub mod fsck;
pub mod key_file;
pub mod locks;
pub(crate) mod names;
pub mod own_files;
pub mod paths;
pub(crate) mod refusals;
pub mod reserve;
mod rights;
pub mod scratch;
pub mod sealing;
pub(crate) mod spares;
pub(crate) mod sweep;
