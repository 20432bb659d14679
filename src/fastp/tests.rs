//! What the print process promises, against a spool in memory, real files and real sockets.

mod faults;
mod files;
mod headers;
mod leftovers;
mod means;
mod sockets;
mod whole;
