//! What one FASTCNFG file says, as the parser found it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::entry::Entry;
use super::lexer::{Mistake, Position};
use super::names::QualifiedName;

/// Whom an entry concerns: none = everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of this spooler alone.
    pub spooler: Option<Arc<QualifiedName>>,
    /// Of this print process alone.
    pub process: Option<Arc<QualifiedName>>,
}

/// A DEVICE entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The device.
    pub name: QualifiedName,
    /// Where the entry begins.
    pub at: Position,
    /// Whom it concerns.
    pub scope: Scope,
    /// What it says, or what is wrong with it.
    pub entry: Result<Entry, Vec<Mistake>>,
    /// What has no effect.
    pub notes: Vec<Mistake>,
    /// The HOSTS file that applies to it.
    pub hosts: Option<Arc<FileName>>,
}

/// A file that is named in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// As it is written.
    pub text: String,
    /// Where.
    pub at: Position,
}

/// `SPOOLER s FASTCNFG = f` or `PROCESS p FASTCNFG = f`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// Who goes to the other file: `process` is none for a whole spooler.
    pub scope: Scope,
    /// Where it begins.
    pub at: Position,
    /// The other file.
    pub file: FileName,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedFile {
    /// Its entries, in order.
    pub entries: Vec<DeviceEntry>,
    /// Its redirections, in order.
    pub redirections: Vec<Redirection>,
    /// Mistakes that concern everybody who reads it.
    pub mistakes: Vec<Mistake>,
    /// Mistakes that concern nobody: the entry of a device that cannot exist.
    pub stray: Vec<Mistake>,
    /// What has no effect.
    pub notes: Vec<Mistake>,
    /// Positions of the entries of a name, whatever its node and qualifier.
    pub(super) index: HashMap<String, Vec<usize>>,
}

impl ParsedFile {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: DeviceEntry) {
        self.index.entry(entry.name.name().to_owned()).or_default().push(self.entries.len());
        self.entries.push(entry);
    }

    /// The entries of devices called `name`, in order.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &DeviceEntry> {
        self.index.get(name).into_iter().flatten().filter_map(|place| self.entries.get(*place))
    }
}

impl Scope {
    /// How narrow it is.
    pub(super) fn depth(&self) -> usize {
        if self.process.is_some() { 2 } else { usize::from(self.spooler.is_some()) }
    }
}

/// Returns each mistake of a file, those of its entries included; each position once.
pub fn all_mistakes(parsed: &ParsedFile) -> Vec<&Mistake> {
    let of_entries = parsed.entries.iter().filter_map(|entry| entry.entry.as_ref().err()).flatten();
    let mut seen = HashSet::new();
    let mut all: Vec<&Mistake> = parsed.mistakes.iter().chain(&parsed.stray).chain(of_entries).collect();
    all.retain(|mistake| seen.insert((mistake.at, mistake.what.as_str())));
    all.sort_by_key(|mistake| mistake.at);
    all
}
