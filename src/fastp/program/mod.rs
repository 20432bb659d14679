//! Print processes that are not ours: FILE of a print process names a program of others, which drives its devices in its
//! own way (docs/print-process.md).
//!
//! Who keeps what. The process that everybody sees is `fastp`: it holds the lock, claims, records, answers operators and
//! is watched, whoever sends the octets. The program is its child. It hears what is to be done over a socket that only it
//! has, gets the documents as open files, and says how far it is. So what holds for every print process holds for it: a
//! claim is on record before it hears of the job, an end is on record before it hears of the next one, and what an attempt
//! that broke off may have left on paper is announced.
//!
//! What a crash leaves. The program and its `fastp` end together: `fastp` ends without a word to the spool when the program
//! is gone, so that it counts as a print process that died, and the kernel kills the program when `fastp` is gone. A
//! program that did not die at once is killed by the next `fastp` of that name before it claims anything.

mod child;
mod conversation;
pub mod messages;
mod printer;

pub use child::Program;
pub use printer::ProgramPrinter;
pub(crate) use printer::open;
