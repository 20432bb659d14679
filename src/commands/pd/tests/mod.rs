//! The verbs, run in this process on a spool in memory.

mod pdls;
mod pdpr;
mod pdq;
mod pdrm;
