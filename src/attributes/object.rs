//! The objects that getters read: records of the model, with the few facts that a display knows beside them.

use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::device::DeviceStatus;
use crate::model::finished::FinishedStatus;
use crate::model::job::{DocumentStatus, JobStatus};
use crate::model::location::LocationStatus;
use crate::model::space::SpoolSpace;
use crate::model::state::SpoolerState;

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
    Server(ServerFacts<'a>),
}

/// A location.
#[derive(Clone, Copy, Debug)]
pub struct Logical<'a> {
    /// The location.
    pub location: &'a LocationStatus,
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
    /// Its name.
    pub name: &'a str,
    /// Its access rules.
    pub access: &'a Access,
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
    /// The state of its spooler.
    pub state: SpoolerState,
    /// What is wrong with it.
    pub problem: Option<&'a str>,
}
