//! What goes to paper: the pieces of a job, header pages and form feeds; and the check of print files before they print.

pub mod banner;
pub mod boundary;
pub mod feeds;
pub mod header;
pub mod identity;
pub mod pieces;
pub mod pjl;
pub mod remote;
pub mod ruler;
pub mod select;
pub mod transform;
pub mod turn;
