//! What goes to paper: documents, header pages and form feeds.

pub mod banner;
pub mod feeds;
pub mod header;
pub mod identity;
pub mod pieces;
