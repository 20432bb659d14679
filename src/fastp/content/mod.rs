//! What goes out: the pieces of a job, header pages and form feeds, and whether a print file is still what was accepted.

pub mod banner;
pub mod boundary;
pub mod feeds;
pub mod header;
pub mod identity;
pub mod pieces;
