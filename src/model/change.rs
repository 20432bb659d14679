//! Change control: edits that are staged and issued together, on all servers of a group, under one number.
//!
//! Each server keeps the edits of its own objects. What all of them have in common is a number, the *generation*: it is prepared on each
//! server, and counts on each when one server has decided it. No configuration travels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ServerName;
use super::field::{Field, Value};
use super::managed::ManagedClass;

pub mod lint;

/// Edits that may be staged on one server.
pub const MOST_STAGED: u32 = 10_000;
/// Generations that are kept, to go back to them.
pub const KEPT: u64 = 100;

/// When edits are staged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Once another server has joined.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Mode {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// What kind of object is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditedClass {
    /// A queue.
    Queue,
    /// A printer: an actual destination.
    Destination,
    /// A station.
    Station,
}

impl EditedClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Destination, Self::Station];

    /// Its word, as commands have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Destination => "destination",
            Self::Station => "station",
        }
    }

    /// Finds it by its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The class of a managed object, of those that are staged.
    pub fn of(class: ManagedClass) -> Option<Self> {
        match class {
            ManagedClass::Queue => Some(Self::Queue),
            ManagedClass::Destination => Some(Self::Destination),
            ManagedClass::Station => Some(Self::Station),
            _ => None,
        }
    }

    /// Tells whether an edit of this attribute is staged. Of a station all are, but what is only said of it.
    pub fn stages(self, field: Field) -> bool {
        let name = field.stored();
        match self {
            Self::Queue => ["release-type", "purge-time", "compatible-queues", "driver"].contains(&name),
            Self::Destination => ["valid-attributes", "driver"].contains(&name),
            Self::Station => !["descriptor", "message"].contains(&name),
        }
    }
}

/// What becomes of one attribute of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The kind of the object.
    pub class: EditedClass,
    /// Its name, as its class has it: without `#` and `$`.
    pub name: String,
    /// The attribute; none = the object itself, which is there (`true`) or not.
    pub field: Option<Field>,
    /// What it was.
    pub before: Option<Value>,
    /// What it is to be.
    pub after: Option<Value>,
}

impl Edit {
    /// By what names are compared.
    pub fn key_of(name: &str) -> String {
        name.trim_start_matches(['#', '$']).to_ascii_lowercase()
    }

    /// Tells whether two values are one: several of which there is one are that one, and none of them no value.
    pub fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
        one.map_or(&[][..], Value::each) == other.map_or(&[][..], Value::each)
    }

    /// What the edit is about.
    pub fn place(&self) -> (EditedClass, String, Option<Field>) {
        (self.class, Self::key_of(&self.name), self.field)
    }

    /// Tells whether it takes a compatible queue away: a server that has not heard of it must not go by the old list.
    pub fn revokes(&self) -> bool {
        let has = |value: &Option<Value>| value.as_ref().map(|value| value.each().to_vec()).unwrap_or_default();
        self.class == EditedClass::Queue
            && self.field.is_some_and(|field| field.stored() == "compatible-queues")
            && has(&self.before).iter().any(|one| !has(&self.after).contains(one))
    }
}

/// What has to be set to undo these generations: the edits of each, oldest first.
pub fn undone(generations: impl IntoIterator<Item = Vec<Edit>>) -> Vec<Edit> {
    let mut first: BTreeMap<(EditedClass, String, Option<Field>), Edit> = BTreeMap::new();
    for edit in generations.into_iter().flatten() {
        let place = edit.place();
        match first.get_mut(&place) {
            // What the next one made of it is what is there now.
            Some(known) => known.before = edit.after,
            None => {
                first.insert(place, Edit { before: edit.after, after: edit.before, ..edit });
            }
        }
    }
    first.into_values().filter(|edit| !Edit::same(edit.before.as_ref(), edit.after.as_ref())).collect()
}

/// An edit that waits to be issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedEdit {
    /// What it is.
    pub edit: Edit,
    /// When it was staged, wall clock.
    pub at_ms: i64,
    /// Who has staged it.
    pub who: String,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number; ascends.
    pub number: u64,
    /// When it was issued, wall clock.
    pub at_ms: i64,
    /// Who has issued it.
    pub who: String,
    /// On which server.
    pub by: ServerName,
    /// The generation that it goes back to; none = it has issued what was staged.
    pub back_to: Option<u64>,
    /// Whether it took a compatible queue away on this server.
    pub revokes: bool,
}

impl Generation {
    /// Whether it does not say who has issued it.
    pub fn is_odd(&self) -> bool {
        self.who.is_empty() || self.who.len() > 255 || self.who.chars().any(char::is_control)
    }
}

/// What of the missed generations is to be done by a server that has not heard of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatchUp {
    /// Goes back to this generation first.
    pub back_to: Option<u64>,
    /// Then these issue what is staged.
    pub issues: Vec<u64>,
}

/// Works out what a server of generation `own` has to do for these, which it has missed. A generation that was taken back again is
/// passed over: what is staged stays so.
pub fn catch_up(own: u64, missed: &[Generation]) -> CatchUp {
    let mut found = CatchUp::default();
    for one in missed.iter().filter(|one| one.number > own) {
        match one.back_to {
            None => found.issues.push(one.number),
            Some(to) => {
                found.issues.retain(|number| *number <= to);
                if to < own {
                    found.back_to = Some(found.back_to.map_or(to, |before| before.min(to)));
                }
            }
        }
    }
    found
}

/// What was staged by a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Edits that wait to be issued.
    pub edits: u32,
}

/// A queue as the check sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueFacts {
    /// Its name.
    pub name: String,
    /// Whether it holds what arrives.
    pub secure: bool,
    /// The queues that it names.
    pub compatible: Vec<String>,
    /// Its driver.
    pub driver: Option<String>,
}

/// A printer as the check sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrinterFacts {
    /// Its name.
    pub name: String,
    /// The queues that lead to it.
    pub queues: Vec<String>,
    /// What it accepts.
    pub valid: Vec<String>,
    /// Its driver.
    pub driver: Option<String>,
}

/// A station as the check sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationFacts {
    /// Its name.
    pub name: String,
    /// The printers where it releases.
    pub printers: Vec<String>,
    /// Whether it shows the jobs of everybody.
    pub shows_all: bool,
}

/// One server as change control sees it; its objects as they will be when what is staged is issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Which.
    pub server: ServerName,
    /// When its edits are staged.
    pub mode: Mode,
    /// Whether they are now.
    pub stages: bool,
    /// The generation that counts there.
    pub generation: u64,
    /// The one that is prepared there.
    pub prepared: Option<Generation>,
    /// The one that this server is issuing at this moment.
    pub issuing: Option<u64>,
    /// The generations that are kept there, oldest first.
    pub history: Vec<Generation>,
    /// The servers that it still has to tell.
    pub stragglers: Vec<ServerName>,
    /// What is staged there.
    pub staged: Vec<StagedEdit>,
    /// Its queues, where they were asked for.
    pub queues: Vec<QueueFacts>,
    /// Its printers.
    pub printers: Vec<PrinterFacts>,
    /// Its stations.
    pub stations: Vec<StationFacts>,
    /// The servers that it cannot reach, and why, where that was asked for.
    pub unreached: Vec<(ServerName, String)>,
}

/// How much of a [`ChangeView`] is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// How it stands: no edits, no objects.
    State,
    /// What is staged too.
    Edits,
    /// Its objects too, and which servers it cannot reach.
    Objects,
}

/// All servers of a group as change control sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeViews {
    /// This one first, then the others by name.
    pub servers: Vec<ChangeView>,
    /// Those that did not answer, and why.
    pub silent: Vec<(ServerName, String)>,
}

/// What is to be issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Goes back to that generation; none = issues what is staged. [`Issue::LAST`] is the one before the last.
    pub back_to: Option<u64>,
    /// Issues it although a server does not answer.
    pub allow_partial: bool,
}

impl Issue {
    /// The generation before the one that counts now.
    pub const LAST: u64 = u64::MAX;
}

/// What was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The number.
    pub number: u64,
    /// The servers that have it, each with how many edits it had of its own.
    pub servers: Vec<(ServerName, u32)>,
    /// Those that do not have it yet, and why. They are caught up.
    pub stragglers: Vec<(ServerName, String)>,
}

#[cfg(test)]
mod tests;
