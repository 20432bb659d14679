//! Print processes.

use serde::{Deserialize, Serialize};

use super::guardian::ProcessError;
use super::ids::ProcessId;
use super::kept::{KeptWord, KeptWords};
use super::names::ProcessName;
use super::state::{ErrorNote, ProcessState};

/// One attribute of a `PRINT` command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessChange {
    /// FILE: its program, as typed: `fastp`, or one of others ([`program`])
    File(String),
    /// PARM
    Parm(u16),
    /// A word that means nothing here
    Kept(KeptWord),
}

impl std::fmt::Display for ProcessChange {
    /// Writes it as SPOOLCOM does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "FILE {file}"),
            Self::Parm(parm) => write!(f, "PARM {parm}"),
            Self::Kept(kept) => kept.fmt(f),
        }
    }
}

/// What keeps a living print process, or one of its devices, from going on. It tries again by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessTrouble {
    /// Whether it does not pass by itself: the spool is damaged, say.
    pub lasting: bool,
    /// Whether the process lacks something that the system limits: descriptors, threads, memory.
    pub starved: bool,
    /// What, and the cure.
    pub text: String,
}

impl ProcessTrouble {
    /// Which error of a process it is.
    pub fn error(&self) -> ProcessError {
        if self.starved { ProcessError::Starved } else { ProcessError::SpoolFails }
    }
}

/// A print process as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Identity.
    pub id: ProcessId,
    /// Name as declared, without its `$`.
    pub name: ProcessName,
    /// Its program; none = independent, only its user starts it.
    pub file: Option<String>,
    /// PARM.
    pub parm: u16,
    /// Words that mean nothing here, as they were typed.
    #[serde(default)]
    pub kept: KeptWords,
    /// Its state, which follows from its row and its lock.
    pub state: ProcessState,
    /// The error that it is in.
    pub error: Option<ErrorNote>,
    /// How often it was started. Claims carry this number.
    pub epoch: u64,
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// What it has from whoever started it and cannot take back, each in words: nice, hard limits.
    #[serde(default)]
    pub circumstances: Vec<String>,
}

/// Tells whether FILE names our program, or one of the print processes of a NonStop system whose work it does. A name of such a
/// system (`$SYSTEM.SYSTEM.FASTP`) is judged by its last part; a path of this system is none of ours.
pub fn is_fastp(file: &str) -> bool {
    let last = file.rsplit('.').next().unwrap_or_default();
    let known = ["fastp", "fastptcp", "pspool", "pspoolb"];
    !file.contains('/') && known.iter().any(|known| last.eq_ignore_ascii_case(known))
}

/// Tells whether FILE names the print process that a NonStop system has without FASTP: what of a device that one alone does is
/// not done here.
pub fn is_pspool(file: &str) -> bool {
    is_fastp(file) && file.rsplit('.').next().is_some_and(|last| last.to_ascii_lowercase().starts_with("pspool"))
}

/// How the last words of a print process begin whose program has ended.
pub const PROGRAM_ENDED: &str = "the program of the print process ended:";

/// Returns the name of the program of others that FILE names; none if it is ours, or cannot be a name. A name of a NonStop
/// system is judged by its last part, which no system distinguishes by case.
pub fn program(file: &str) -> Option<String> {
    let name = match file.starts_with(['$', '\\']) {
        true => file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase(),
        false => file.to_owned(),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(fits);
    (is_name && !is_fastp(file)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_a_program_of_one_directory_and_no_path() {
        for (file, name) in [
            ("zebra", Some("zebra")),
            ("Zebra.py", Some("Zebra.py")),
            ("$SYSTEM.PRINT.ZEBRA", Some("zebra")),
            ("\\NODE.$SYSTEM.PRINT.ZEBRA", Some("zebra")),
            ("fastp", None),
            ("$SYSTEM.SYSTEM.FASTP", None),
            ("/bin/sh", None),
            ("../sh", None),
            ("..", None),
            (".hidden", None),
            ("-x", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(program(file).as_deref(), name, "{file}");
        }
    }
}
