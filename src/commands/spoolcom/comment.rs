//! COMMENT: the rest of the line is for people.

/// Does what a comment does.
pub fn run() {}
