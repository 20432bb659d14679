//! The rules of the spool, on a spool in a temporary directory with a clock that the test sets.

mod at_work;
mod attempt_limit;
mod attempts;
mod batch;
mod bounds;
mod changes;
mod cost;
mod counters;
mod cycles;
mod fonts;
mod forecast;
mod groups;
mod half_made;
mod headers;
mod health;
mod hours;
mod initial_values;
mod interleavings;
mod leases;
mod lifecycle;
mod lifetime;
mod moving;
mod order;
mod pages;
mod peers;
mod pins;
mod queues;
mod record;
mod reorder;
mod restart;
mod restored;
mod rights;
mod secure;
mod submission;
mod supported;
mod sweep;
mod told;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::fd::OwnedFd;

use crate::model::device::{DeviceChange, DeviceUri, Exclusive};
use crate::model::job::{Accepted, DocumentOffer, JobStatus, RawPath, Submission, Transfer};
use crate::model::order::Priority;
use crate::model::process::ProcessChange;
use crate::model::state::{Delivery, ErrorNote};
use crate::model::time::Moment;
use crate::model::{Call, Caller, DeviceId, DeviceName, Failure, JobRef, LocationPattern, ProcessName};

use super::disk::base::{Access, open};
use super::interface::engine::{AttemptEnd, Claim, Engine, Lease, Paper};
use super::interface::records::EventSubject;
use super::{Base, Spool, WakeTarget};
use crate::sys::lock::FileLock;

pub(super) struct Site {
    pub(super) dir: tempfile::TempDir,
    pub(super) spool: Spool,
    pub(super) caller: Caller,
    ms: Cell<i64>,
    /// Its print process lives while this is held.
    pub(super) lock: RefCell<Option<FileLock>>,
    tokens: Cell<u32>,
}

pub(super) fn moment(ms: i64) -> Moment {
    Moment { wall_ms: 1_790_000_000_000 + ms, boot_ms: 1_000 + ms, boot_id: "boot".into() }
}

impl Site {
    /// An ACTIVE spool with the process SPLA and nothing else.
    pub(super) fn new() -> Self {
        Self::of_server("acme1")
    }

    /// The same, of a server of this name.
    pub(super) fn of_server(server: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path().join("base"));
        let spool = open(&base, Access::Create { server: server.parse().unwrap(), now: moment(0) }).unwrap();
        let caller = crate::sys::users::caller();
        let site = Self { dir, spool, caller, ms: Cell::new(0), lock: RefCell::default(), tokens: Cell::new(0) };
        let fastp = vec![ProcessChange::File("fastp".into())];
        site.spool.change_process(&site.call(), site.process(), fastp).unwrap();
        site.spool.start_spooler(&site.call()).unwrap();
        site
    }

    pub(super) fn process(&self) -> ProcessName {
        "SPLA".parse().unwrap()
    }

    pub(super) fn now(&self) -> Moment {
        moment(self.ms.get())
    }

    /// What its caller asks now.
    pub(super) fn call(&self) -> Call {
        Call::of(&self.caller, &self.now())
    }

    pub(super) fn pass(&self, ms: i64) {
        self.ms.set(self.ms.get() + ms);
    }

    /// A started device behind `location`.
    pub(super) fn device(&self, name: &str, location: &str, changes: Vec<DeviceChange>) -> DeviceId {
        let device: DeviceName = name.parse().unwrap();
        let mut all = vec![DeviceChange::Process(self.process()), DeviceChange::Uri(DeviceUri::Null)];
        all.extend(changes);
        self.spool.change_device(&self.call(), device.clone(), all).unwrap();
        let pattern: LocationPattern = location.parse().unwrap();
        self.spool.route_location(&self.call(), pattern, Some(device.clone())).unwrap();
        self.spool.start_device(&self.call(), device.clone()).unwrap();
        self.spool.device(&self.call(), &device).unwrap().id
    }

    pub(super) fn socket() -> DeviceChange {
        DeviceChange::Uri("socket://127.0.0.1:9".parse().unwrap())
    }

    pub(super) fn file(&self) -> DeviceChange {
        DeviceChange::Uri(DeviceUri::File(self.dir.path().join("out").into()))
    }

    pub(super) fn exclusive_on() -> DeviceChange {
        DeviceChange::Exclusive(Exclusive::On)
    }

    pub(super) fn document(&self, bytes: &[u8]) -> OwnedFd {
        let mut file = tempfile::tempfile_in(self.dir.path()).unwrap();
        file.write_all(bytes).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file.into()
    }

    pub(super) fn submission(&self, destination: &str) -> Submission {
        self.tokens.set(self.tokens.get() + 1);
        Submission {
            token: format!("token-{}", self.tokens.get()),
            destination: destination.into(),
            name: "report".into(),
            form: String::new(),
            priority: Priority::default(),
            hold: false,
            hold_after: false,
            lifetime: crate::model::lifetime::Lifetime::default(),
            owner: None,
            keep: false,
            batch: None,
            documents: vec![DocumentOffer {
                file_name: RawPath("report.txt".into()),
                transfer: Transfer::Copy,
                link_target: None,
                copies: 1,
                format: None,
            }],
            given: Vec::new(),
            collector: None,
        }
    }

    pub(super) fn hand_in(&self, submission: Submission, bytes: &[u8]) -> Result<(Accepted, Vec<WakeTarget>), Failure> {
        let files = submission.documents.iter().map(|_| self.document(bytes)).collect();
        let taken = self.spool.submit(&self.call(), submission, files)?;
        Ok((taken.accepted, taken.targets))
    }

    /// A job of so many lines; its number.
    pub(super) fn job(&self, destination: &str, lines: usize) -> u32 {
        self.job_with(destination, lines, |_| {})
    }

    pub(super) fn job_with(&self, destination: &str, lines: usize, alter: impl FnOnce(&mut Submission)) -> u32 {
        let mut submission = self.submission(destination);
        alter(&mut submission);
        self.hand_in(submission, "line\n".repeat(lines).as_bytes()).unwrap().0.number.get()
    }

    pub(super) fn status(&self, number: u32) -> Result<JobStatus, Failure> {
        self.spool.job(&self.call(), &reference(number))
    }

    /// Its print process begins, and lives from then on.
    pub(super) fn begins(&self) -> Lease {
        self.lock.borrow_mut().get_or_insert_with(|| {
            FileLock::try_exclusive(&self.spool.base().process_lock(&self.process())).unwrap().unwrap()
        });
        self.spool.begins(&self.process(), 4711, &self.now()).unwrap()
    }

    pub(super) fn claim(&self, lease: &Lease, device: DeviceId) -> Option<Claim> {
        self.spool.claim(lease, device, &self.now()).unwrap()
    }

    pub(super) fn ends(&self, lease: &Lease, claim: &Claim, end: AttemptEnd) -> Option<Claim> {
        self.spool.attempt_ends(lease, claim, end, true, &self.now()).unwrap()
    }

    /// Claims and prints until nothing is left; the numbers in order.
    pub(super) fn print_all(&self, lease: &Lease, device: DeviceId) -> Vec<u32> {
        let mut printed = Vec::new();
        let mut next = self.claim(lease, device);
        while let Some(claim) = next {
            printed.push(claim.number.get());
            next = self.ends(lease, &claim, sent());
        }
        printed
    }

    /// What happened to a job, in single words.
    pub(super) fn log(&self, number: u32) -> Vec<String> {
        let subject = EventSubject::Job(reference(number));
        self.spool.events(&self.call(), &subject, 0).unwrap().into_iter().map(|event| event.what.into()).collect()
    }

    pub(super) fn print_files(&self) -> Vec<String> {
        let dir = self.spool.base().server(self.spool.server());
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("pdpr")).collect();
        names.sort();
        names
    }
}

pub(super) fn reference(number: u32) -> JobRef {
    JobRef::Number(number.try_into().unwrap())
}

pub(super) fn sent() -> AttemptEnd {
    AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Text, remark: None }
}

pub(super) fn transferred() -> AttemptEnd {
    AttemptEnd::Delivered { delivery: Delivery::Transferred, octets: 5, paper: Paper::Text, remark: None }
}

pub(super) fn device_failed(touched: bool) -> AttemptEnd {
    let error = ErrorNote { number: 100, text: "not ready".into(), since_ms: 5, next_try_ms: Some(9), tries: 1 };
    AttemptEnd::DeviceFailed { error, touched, alone: false }
}
