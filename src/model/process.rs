//! Print processes.

use serde::{Deserialize, Serialize};

use super::ids::ProcessId;
use super::names::ProcessName;
use super::state::{ErrorNote, ProcessState};

/// One attribute of a `PRINT` command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessChange {
    /// FILE: a program beside ours; only `fastp` in this version.
    File(String),
    /// PARM
    Parm(u16),
}

impl std::fmt::Display for ProcessChange {
    /// As SPOOLCOM writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "FILE {file}"),
            Self::Parm(parm) => write!(f, "PARM {parm}"),
        }
    }
}

/// A print process as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Identity.
    pub id: ProcessId,
    /// Name as declared, without its `$`.
    pub name: ProcessName,
    /// Its program; none = independent, started by its user.
    pub file: Option<String>,
    /// PARM.
    pub parm: u16,
    /// What follows from its row and its lock.
    pub state: ProcessState,
    /// The error it is in.
    pub error: Option<ErrorNote>,
    /// How often it was started; claims carry it.
    pub epoch: u64,
    /// Its process id while it runs.
    pub pid: Option<u32>,
}
