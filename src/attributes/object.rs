//! The objects that getters read: records of the model, with the few facts that a display knows beside them.

use super::{Attribute, Class, NONE};
use crate::model::CollectorName;
use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::collector::CollectorState;
use crate::model::device::DeviceStatus;
use crate::model::field::{Field, Value};
use crate::model::finished::FinishedStatus;
use crate::model::job::{DocumentStatus, JobStatus};
use crate::model::location::{GroupStatus, LocationStatus};
use crate::model::notification::Deliveries;
use crate::model::object::ObjectAttribute;
use crate::model::space::SpoolSpace;
use crate::model::state::{DeviceState, DeviceWish, SpoolerState};

/// An object whose attributes are read.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    /// A job in the spool.
    Job(&'a JobStatus),
    /// A finished job.
    Finished(&'a FinishedStatus),
    /// A document of a job.
    Document(&'a DocumentStatus),
    /// A logical destination.
    Logical(Logical<'a>),
    /// An actual destination.
    Actual(Actual<'a>),
    /// A queue.
    Queue(QueueFacts<'a>),
    /// The server.
    Server(&'a ServerFacts<'a>),
    /// A medium, a default job, a default document or a log.
    Kept(KeptFacts<'a>),
}

/// An object that has a name and values and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct KeptFacts<'a> {
    /// Its class.
    pub class: Class,
    /// Its name.
    pub name: &'a str,
    /// Its server.
    pub server: &'a str,
    /// Its values by the names of their attributes.
    pub attributes: &'a [ObjectAttribute],
}

impl KeptFacts<'_> {
    /// Returns its value of an attribute.
    pub fn value(&self, row: &Attribute) -> Value {
        match row.name() {
            "associated-server" => return Value::Text(self.server.to_owned()),
            "medium-name"
            | "initial-value-job-identifier"
            | "initial-value-document-identifier"
            | "log-name"
            | "station-name"
            | "door-name"
            | "user-id" => {
                return Value::Text(self.name.to_owned());
            }
            _ => {}
        }
        let found = self.attributes.iter().find(|one| one.name == row.name());
        match found.map(|one| one.values.as_slice()) {
            Some([one]) if !row.many => one.clone(),
            Some(values) => Value::Many(values.to_vec()),
            None => NONE,
        }
    }
}

/// A location.
#[derive(Clone, Copy, Debug)]
pub struct Logical<'a> {
    /// The location.
    pub location: &'a LocationStatus,
    /// The devices that print its jobs and take some now.
    pub ready: &'a [String],
    /// Its server.
    pub server: &'a ServerFacts<'a>,
}

/// A device.
#[derive(Clone, Copy, Debug)]
pub struct Actual<'a> {
    /// The device.
    pub device: &'a DeviceStatus,
    /// The queues whose locations route to it.
    pub queues: &'a [String],
    /// Its server.
    pub server: &'a ServerFacts<'a>,
}

/// A group of locations.
#[derive(Clone, Copy, Debug)]
pub struct QueueFacts<'a> {
    /// The group.
    pub group: &'a GroupStatus,
    /// The logical destinations that feed it.
    pub logical: &'a [String],
    /// The actual destinations that it feeds.
    pub actual: &'a [String],
    /// Those of them that pause when their job is done.
    pub pausing: &'a [String],
    /// Its server.
    pub server: &'a ServerFacts<'a>,
}

/// The server.
#[derive(Clone, Copy, Debug)]
pub struct ServerFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it takes jobs.
    pub accepts: bool,
    /// Whether jobs leave its queues for printing.
    pub prints: bool,
    /// Its access rules.
    pub access: &'a Access,
    /// What one user may have.
    pub limits: UserLimits,
    /// What it holds.
    pub space: SpoolSpace,
    /// What somebody is still to be told.
    pub deliveries: Deliveries,
    /// Its collectors, each with its state.
    pub collectors: &'a [(CollectorName, CollectorState)],
    /// The state of its spooler.
    pub state: SpoolerState,
    /// What is wrong with it.
    pub problem: Option<&'a str>,
    /// Milliseconds since 1970, when somebody looks.
    pub now_ms: i64,
    /// What was set of it and is only kept.
    pub given: &'a [(Field, Value)],
    /// Its objects, where they are looked at.
    pub members: Option<&'a Members>,
    /// What is wrong, a line each, where somebody asks for that.
    pub health: Option<&'a [String]>,
}

/// The objects of a server by name.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Its logical destinations.
    pub logical: Vec<String>,
    /// Its actual destinations.
    pub actual: Vec<String>,
    /// Its queues.
    pub queues: Vec<String>,
    /// Its actual destinations that pause when their job is done.
    pub pausing: Vec<String>,
}

/// Tells whether a device takes jobs now: it is enabled, and nothing keeps it from printing.
pub fn device_is_ready(device: &DeviceStatus) -> bool {
    device.wish == DeviceWish::Started
        && device.trouble.is_none()
        && matches!(device.state, DeviceState::Waiting | DeviceState::Printing(_))
}
