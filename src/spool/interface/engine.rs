//! What the print process asks of the spool: leases, claims, and the ends of attempts.
//!
//! A print process holds the lock of its name while it runs, and with it a [`Lease`]: the process and its epoch. Every
//! claim carries both. A claim of an earlier epoch belongs to a process that died, and only the next holder of the lock
//! releases it. Each function is one transaction. Reports about a device may be deferred; [`Engine::record`] records
//! all of them in order, in one transaction.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::device::{ConnectionInUse, DeviceSettings};
pub use crate::model::device::{FilePosition, Paper, Remembered};
use crate::model::event::EventWord;
use crate::model::guardian::ProcessError;
use crate::model::job::{Format, FormatOrigin, Identity, RawPath, Transfer, WrappedKey};
use crate::model::remote::DocumentOrigin;
use crate::model::request::{Answer, OpenRequest};
use crate::model::selection::Selection;
use crate::model::separation::Separation;
use crate::model::state::{Delivery, DeviceWish, ErrorNote, HoldReason};
use crate::model::time::Moment;
use crate::model::{
    BatchNumber, DeviceId, DeviceName, DocumentId, EntryId, Failure, JobId, JobNumber, ProcessId, ProcessName,
    RequestId, ServerName,
};

/// The right to drive the devices of one print process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub process: ProcessId,
    /// Its name.
    pub name: ProcessName,
    /// How often it was started, this time included.
    pub epoch: u64,
}

/// What the spool wants of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOrder {
    /// Identity.
    pub id: DeviceId,
    /// Name.
    pub name: DeviceName,
    /// Settings.
    pub settings: DeviceSettings,
    /// What the operator wants.
    pub wish: DeviceWish,
    /// The error it is in, as last recorded.
    pub error: Option<ErrorNote>,
    /// Whether an entry waits that it could claim.
    pub eligible: bool,
    /// Whether an entry is claimed for it in this epoch. If no attempt runs, an attempt that broke off left the claim,
    /// and it must be given back.
    pub claimed: bool,
    /// Jobs whose octets the peer has, waiting for a clean close.
    pub transferred: u32,
    /// Where its paper stands.
    pub paper: Paper,
    /// What an operator asks of the device itself, and nobody has answered.
    pub asked: Option<OpenRequest>,
    /// When a device that an error stopped must start again (wall clock), if its RESTART says so.
    pub restart_at_ms: Option<i64>,
    /// What it was last opened with, as recorded. Recovery after a crash relies on it.
    pub connection: Option<ConnectionInUse>,
}

/// A document to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDocument {
    /// Identity of its row.
    pub id: DocumentId,
    /// From 1.
    pub sequence: u32,
    /// The print file in the server's directory.
    pub path: RawPath,
    /// Copy or link.
    pub transfer: Transfer,
    /// What the file was when it was accepted.
    pub identity: Identity,
    /// Its BLAKE3 digest, if the octets were read at submission.
    pub digest: Option<[u8; 32]>,
    /// Its wrapped key, where its file is encrypted.
    pub sealed: Option<WrappedKey>,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub format_origin: FormatOrigin,
    /// Size in octets at submission.
    pub octets: u64,
    /// Copies.
    pub copies: u32,
    /// What was asked for of the printer: attributes and their values.
    pub features: Vec<(String, String)>,
    /// The pages that are printed; none = all of them.
    pub selected: Option<Selection>,
    /// Where it comes from, when its job is one of another server; `path` is then where its file lies once it was fetched.
    pub origin: Option<DocumentOrigin>,
}

/// Which part of a batch a job is, as it comes out of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPart {
    /// The batch.
    pub number: BatchNumber,
    /// The device prints the first one of it with this.
    pub first: bool,
    /// No other of it waits for the device.
    pub last: bool,
}

/// A job that belongs to one device's attempt, and to no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub entry: EntryId,
    /// Its job.
    pub job: JobId,
    /// The job's number.
    pub number: JobNumber,
    /// The device.
    pub device: DeviceId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The documents, in order.
    pub documents: Vec<ClaimedDocument>,
    /// The documents of the font of its location: they are sent once, ahead of the first one.
    pub font: Vec<ClaimedDocument>,
    /// Where an earlier attempt began writing to a file, if one did and did not end.
    pub begun: Option<FilePosition>,
    /// How that attempt separated the job from its neighbours.
    pub begun_separation: Option<Separation>,
    /// Which part of a batch it is, if it is one.
    pub batch: Option<BatchPart>,
    /// Name of the job, for its header page.
    pub name: String,
    /// `#GROUP.DEST`, or `#GROUP` of a job sent to a whole group.
    pub location: String,
    /// Its form; empty = blank.
    pub form: String,
    /// Its owner's login name.
    pub owner: String,
    /// Whether octets of an earlier attempt may already be on paper. A socket then gives the job a connection of its
    /// own, to find out whether it is the job at which the device fails.
    pub possible_duplicate: bool,
    /// Where the paper of the device stood when the last finished job had ended.
    pub paper: Paper,
    /// Whether another entry waited for the device when this one was claimed, or may have.
    pub more: bool,
    /// Where to ask before the first octet leaves for the device: the job is held at another server, which has to know. None for all
    /// others.
    pub asks: Option<RawPath>,
}

impl Claim {
    /// Octets of the whole job, all copies.
    pub fn total_octets(&self) -> u64 {
        self.documents.iter().map(|d| d.octets.saturating_mul(u64::from(d.copies))).sum()
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Every octet was sent, as far as is known.
    Delivered {
        /// How far that is known: transferred, sent or confirmed.
        delivery: Delivery,
        /// Octets sent, header pages and added form feeds included.
        octets: u64,
        /// Where the paper stands now.
        paper: Paper,
        /// Something worth recording, once for each job: "edited in place since it was submitted".
        remark: Option<String>,
    },
    /// The device failed: the entry is free again in the same place, and the device is in this error. An error without
    /// a next try stops the device.
    DeviceFailed {
        /// The error.
        error: ErrorNote,
        /// Whether some octet of the job may be on paper.
        touched: bool,
        /// Whether the job was alone on its connection and the peer had acknowledged octets of it. If so, it may be the
        /// job at which the device fails.
        alone: bool,
    },
    /// The document cannot be printed: the job is held, and other jobs go on.
    DataFailed {
        /// Failed, Changed or Corrupt.
        reason: HoldReason,
        /// What is wrong, in words.
        text: String,
        /// For a damaged copy: the document and where it was put (`corrupt/…`).
        moved: Option<(DocumentId, RawPath)>,
        /// Whether some octet of the job may be on paper.
        touched: bool,
    },
    /// The job was held or cancelled while it printed: the attempt stopped as asked.
    Stopped {
        /// Whether some octet of the job may be on paper.
        touched: bool,
    },
    /// The process ends in good order (a newer schema, a signal): the entry is free again.
    Abandoned {
        /// Whether some octet of the job may be on paper.
        touched: bool,
    },
}

impl AttemptEnd {
    /// Whether part of the unfinished job may be at the device.
    pub fn touched(&self) -> bool {
        match self {
            Self::Delivered { .. } => false,
            Self::DeviceFailed { touched, .. }
            | Self::DataFailed { touched, .. }
            | Self::Stopped { touched }
            | Self::Abandoned { touched } => *touched,
        }
    }
}

/// What became of jobs that were transferred over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which of the transferred jobs of the device; none = all of them.
    pub entries: Option<Vec<EntryId>>,
    /// What became of them.
    pub outcome: Outcome,
}

/// What became of a transferred job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its connection closed cleanly, so it is sent.
    Closed,
    /// Its connection stayed well long enough, or the peer took every octet and never closed. The job is done, and
    /// recorded as transferred.
    Released {
        /// Why it is let go.
        why: String,
    },
    /// The peer reset the connection, or is gone. DELIVERY of the device decides what becomes of the job.
    Reset {
        /// What the connection reported.
        why: String,
    },
    /// We cut the connection for another job, and the peer did not say in time that it has everything. The job is held,
    /// because it may have printed. Is it printed again? No: what we do ourselves never prints a job twice.
    Cut {
        /// Why the connection was cut.
        why: String,
    },
}

impl Settlement {
    /// Makes the settlement of all transferred jobs of a device.
    pub fn of_all(outcome: Outcome) -> Self {
        Self { entries: None, outcome }
    }
}

/// Something a print process saw at a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It was opened.
    Opened {
        /// Why: "job 7 is queued", "EXCLUSIVE ON", "the peer hung up".
        why: String,
        /// With what.
        connection: ConnectionInUse,
    },
    /// The process looked it up in FASTCNFG before opening it, and something differs from the record.
    Consulted {
        /// What to remember.
        found: Remembered,
        /// What to say about it in the log.
        remark: Option<String>,
    },
    /// It was closed.
    Closed {
        /// Why.
        why: String,
    },
    /// It is in an error while no job prints. An error without a next try stops the device.
    Failed(ErrorNote),
    /// An error is over.
    Recovered,
    /// Its RESTART is due, so it starts again. Nothing happens if somebody stopped or started it meanwhile.
    Restarting,
    /// A draining device has finished its job and is closed, so it is stopped now.
    Drained,
    /// Something worth recording in its log.
    Remark {
        /// What happened.
        what: EventWord,
        /// In words.
        why: String,
    },
}

/// What happened at a device and must be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceReport {
    /// Something was observed.
    Observed(Observation),
    /// An attempt is about to write to a file. This must be recorded before the first octet.
    AttemptBegins {
        /// What it prints.
        claim: Arc<Claim>,
        /// Where it begins.
        at: FilePosition,
        /// How it separates the job from its neighbours.
        separation: Separation,
    },
    /// An attempt has ended.
    AttemptEnds {
        /// What it printed.
        claim: Arc<Claim>,
        /// How.
        end: AttemptEnd,
    },
    /// Transferred jobs are settled.
    Settled(Settlement),
    /// What an operator asked is answered. Nothing happens if it is answered already.
    Answered {
        /// What was asked.
        request: RequestId,
        /// What is done, or why not.
        answer: Answer,
        /// Where the paper stands after a page of ours; none = where it stood.
        paper: Option<Paper>,
    },
}

/// A report, and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedReport {
    /// What.
    pub report: DeviceReport,
    /// When.
    pub at: Moment,
}

/// What a device does next, as far as the transaction that recorded its reports knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It prints this job, which was claimed.
    Job(Box<Claim>),
    /// Nothing: no entry waits that it could claim.
    Nothing,
    /// Unknown: nobody asked for a job, the device must not have one now, or one is left to another device.
    Unknown,
}

impl Next {
    /// The job.
    pub fn job(self) -> Option<Claim> {
        match self {
            Self::Job(claim) => Some(*claim),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// What a running attempt should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptWish {
    /// Go on.
    Continue,
    /// Stop now: the job is held, paused or cancelled.
    Stop,
    /// Stand still with the device open, until it may go on: the device is suspended.
    Suspend,
    /// Let go of the job, which returns to its place: the device was suspended, and drained then.
    LetGo,
    /// The claim is no longer ours; end without touching the spool.
    Lost,
}

/// The spool as a print process sees it. [`crate::spool::Spool`] implements it; a test may bring its own.
///
/// # Errors
/// Every method fails with a [`Failure`]; `Unknown` and `Io` failures leave the claim where it was, and the print
/// process must not claim again before the spool answers again.
pub trait Engine: Send + Sync {
    /// The name of the server.
    fn server(&self) -> ServerName;

    /// Begins an epoch of a print process whose lock the caller holds. Its row says running from now on, and the claims
    /// of its earlier epochs are released in place. Transferred jobs of an earlier epoch are Ready again and reported
    /// as possible duplicates.
    fn begins(&self, name: &ProcessName, pid: u32, now: &Moment) -> Result<Lease, Failure>;

    /// Removes print files that no job refers to: what a process that died was about to erase.
    fn sweep(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Reads what is wanted of each device of the process.
    fn orders(&self, lease: &Lease, now: &Moment) -> Result<Vec<DeviceOrder>, Failure>;

    /// Reads what is wanted of one device; none when the process no longer drives it.
    fn order(&self, lease: &Lease, device: DeviceId, now: &Moment) -> Result<Option<DeviceOrder>, Failure>;

    /// Returns what a device remembers of FASTCNFG.
    fn remembered(&self, lease: &Lease, device: DeviceId) -> Result<Remembered, Failure>;

    /// Returns the primary FASTCNFG file.
    fn fastcnfg(&self) -> Result<PathBuf, Failure>;

    /// Claims the next eligible job for a started device, or nothing.
    fn claim(&self, lease: &Lease, device: DeviceId, now: &Moment) -> Result<Option<Claim>, Failure>;

    /// Records durably what happened at a device: all of it in this order, or nothing. With `claim_next` it claims the
    /// next job in the same transaction. May reports be sent again after a lost reply? Yes: an attempt ends once, and
    /// everything reported together with its end is on record with it.
    fn record(
        &self,
        lease: &Lease,
        device: DeviceId,
        reports: Arc<Vec<TimedReport>>,
        claim_next: bool,
        now: &Moment,
    ) -> Result<Next, Failure>;

    /// Records one report.
    fn record_one(
        &self,
        lease: &Lease,
        device: DeviceId,
        report: DeviceReport,
        next: bool,
        now: &Moment,
    ) -> Result<Next, Failure> {
        self.record(lease, device, Arc::new(vec![TimedReport { report, at: now.clone() }]), next, now)
    }

    /// Records durably, before the first octet, where an attempt begins writing to a file and how it separates the job.
    fn attempt_begins(
        &self,
        lease: &Lease,
        claim: &Claim,
        at: &FilePosition,
        separation: &Separation,
        now: &Moment,
    ) -> Result<(), Failure> {
        let report = DeviceReport::AttemptBegins {
            claim: Arc::new(claim.clone()),
            at: at.clone(),
            separation: separation.clone(),
        };
        self.record_one(lease, claim.device, report, false, now).map(drop)
    }

    /// Ends an attempt and, with `claim_next`, claims the next job in the same transaction.
    fn attempt_ends(
        &self,
        lease: &Lease,
        claim: &Claim,
        end: AttemptEnd,
        claim_next: bool,
        now: &Moment,
    ) -> Result<Option<Claim>, Failure> {
        let report = DeviceReport::AttemptEnds { claim: Arc::new(claim.clone()), end };
        self.record_one(lease, claim.device, report, claim_next, now).map(Next::job)
    }

    /// Settles the transferred jobs of a device.
    fn settle_transferred(
        &self,
        lease: &Lease,
        device: DeviceId,
        outcome: Outcome,
        now: &Moment,
    ) -> Result<(), Failure> {
        let settlement = Settlement::of_all(outcome);
        self.record_one(lease, device, DeviceReport::Settled(settlement), false, now).map(drop)
    }

    /// Records an observation.
    fn observe(&self, lease: &Lease, device: DeviceId, seen: Observation, now: &Moment) -> Result<(), Failure> {
        self.record_one(lease, device, DeviceReport::Observed(seen), false, now).map(drop)
    }

    /// Tells what a running attempt should do. This is cheap; processes ask after a wake-up and between documents.
    fn attempt_wish(&self, lease: &Lease, claim: &Claim) -> Result<AttemptWish, Failure>;

    /// Reads what operators ask of a running attempt and nobody has answered.
    fn requests(&self, _lease: &Lease, _claim: &Claim) -> Result<Vec<OpenRequest>, Failure> {
        Ok(Vec::new())
    }

    /// Goes dormant if there is nothing to do, in one transaction: no device of the process has a claim (a suspended
    /// job is one), a transferred job or a RESTART ahead, and no started one has an eligible entry, an error to retry
    /// or EXCLUSIVE ON. Returns true when the row was cleared; only then may the process exit.
    fn goes_dormant(&self, lease: &Lease, now: &Moment) -> Result<bool, Failure>;

    /// Ends the epoch in good order, whatever is left to do: a signal asked for it, or the spool cannot be used. The
    /// process has given its claims back before, as far as that was possible.
    fn ends(&self, lease: &Lease, why: &str, now: &Moment) -> Result<(), Failure>;

    /// Does the same for a process that something has ended before its time: its row says what, and why.
    fn ends_in_error(&self, lease: &Lease, error: ProcessError, why: &str, now: &Moment) -> Result<(), Failure> {
        self.ends(lease, &format!("{}: {why}", error.words()), now)
    }

    /// Tells whether the lease still stands: the row has this epoch, and the schema is ours.
    fn lease_stands(&self, lease: &Lease) -> Result<bool, Failure>;
}
