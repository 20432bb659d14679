//! One file for each `pd` command.

pub mod pdbackup;
pub mod pdfsck;
pub mod pdls;
pub mod pdmod;
pub mod pdpause;
pub mod pdpr;
pub mod pdpromote;
pub mod pdq;
pub mod pdresume;
pub mod pdrm;
pub mod pdset;
