//! Codecs: bytes to values and back. No I/O, no clock; bytes from a peer are never trusted.

pub mod frame;
pub mod hello;
