//! A print spooler for finished data streams, in the languages its operators already speak.
//!
//! One model, one set of rules, several languages: SPOOLCOM, InfoPrint and secure release are views of one spool.
//! The rooms and the direction of their dependencies are described in `docs/architecture.md`; in short, each module
//! below may use only those that stand after it:
//!
//! `commands` → `server`, `client`, `supervise`, `notify` → `spool` → `store`, `documents`, `attributes` → `wire`, `model`, `sys`;
//! `fastp` stands beside `commands` and uses `spool` and everything below it.

#![warn(missing_docs)]
#![deny(unsafe_code)]

pub mod attributes;
pub mod client;
pub mod commands;
pub mod documents;
pub mod fastp;
pub mod model;
pub mod notify;
pub mod server;
pub mod spool;
pub mod store;
pub mod supervise;
#[allow(unsafe_code)]
pub mod sys;
pub mod wire;
