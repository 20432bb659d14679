//! What the print process promises, against a spool in memory, real files and real sockets.

mod connection_settings;
mod faults;
mod fifo;
mod files;
mod headers;
mod leftovers;
mod requests;
mod restart;
mod sockets;
mod whole;
