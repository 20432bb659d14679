//! Codecs: octets to values and back. No I/O, no clock; octets from a peer are never trusted.

pub mod chunked;
pub mod frame;
pub mod hello;
pub mod ipp;
pub mod lpd;
pub mod packed;
pub mod peer;
pub mod pieces;
pub mod pjl;
