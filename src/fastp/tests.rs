//! What the print process promises, against a spool in memory, real files and real sockets.

mod faults;
mod fifo;
mod files;
mod headers;
mod leftovers;
mod means;
mod restart;
mod sockets;
mod whole;
