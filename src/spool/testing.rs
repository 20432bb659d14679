//! A spool in a directory of its own, with a clock that stands still until it is set: for tests.

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::disk::base::{Access, open};
use super::interface::engine::{AttemptEnd, Claim, Engine, Lease, Paper};
use super::interface::operations::Operations;
use super::printing::progress::{Progress, Writer};
use super::{Base, Local, Nobody, Room, Spool};
use crate::model::device::DeviceChange;
use crate::model::event::EventWord;
use crate::model::job::{Accepted, DocumentOffer, RawPath, Submission, Transfer};
use crate::model::order::Priority;
use crate::model::process::ProcessChange;
use crate::model::state::{Delivery, DeviceWish, ErrorNote, SpoolerState, Wish};
use crate::model::time::Moment;
use crate::model::{Call, Caller, DeviceId, Failure, JobRef, ProcessName};
use crate::store;
use crate::sys::lock::FileLock;

/// 21 November 2026, 09:00:00 UTC.
pub const START: i64 = 1_795_251_600_000;

/// A program that another test begins in this moment holds, for a moment, the lock of a process that died.
const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    static LATER: Cell<i64> = const { Cell::new(0) };
    static JUMPED: Cell<i64> = const { Cell::new(0) };
}

/// What time it is for this thread.
pub fn clock() -> Moment {
    let later = LATER.get();
    Moment { wall_ms: START + later + JUMPED.get(), boot_ms: 1_000_000 + later, boot_id: "boot".into() }
}

/// Lets time pass for this thread.
pub fn pass(seconds: i64) {
    LATER.set(LATER.get() + seconds * 1000);
}

/// Somebody sets the clock of the machine: no time passes for this thread.
pub fn jump(seconds: i64) {
    JUMPED.set(JUMPED.get() + seconds * 1000);
}

pub struct Site {
    _dir: tempfile::TempDir,
    pub spool: Spool,
    pub local: Local,
    tokens: u32,
}

/// A print process that is alive: its lock and its lease.
pub struct Alive {
    pub lock: FileLock,
    pub lease: Lease,
    pub progress: Writer,
}

pub fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

impl Site {
    /// A spool with nothing in it.
    pub fn empty() -> Self {
        LATER.set(0);
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path().join("base"));
        let spool = open(&base, Access::Create { server: name("acme1"), now: clock() }).unwrap();
        let local = local(&spool, user("ann", nix::unistd::geteuid().as_raw()));
        Self { _dir: dir, spool, local, tokens: 0 }
    }

    /// A spool that prints: `$SPLA`, `$LP1`, `#OFFICE.FRONT`.
    pub fn printing() -> Self {
        let mut site = Self::empty();
        site.process("SPLA");
        site.device("LP1", "SPLA", &[]);
        site.route("#OFFICE.FRONT", Some("LP1"));
        site.local.start_spooler().unwrap();
        site
    }

    pub fn process(&mut self, process: &str) {
        self.local.change_process(name(process), vec![ProcessChange::File("fastp".into())]).unwrap();
    }

    pub fn device(&mut self, device: &str, process: &str, more: &[DeviceChange]) {
        let mut changes = vec![DeviceChange::Process(name(process)), DeviceChange::Uri(name("socket://h:9100"))];
        changes.extend_from_slice(more);
        self.local.change_device(name(device), changes).unwrap();
    }

    pub fn route(&mut self, location: &str, device: Option<&str>) {
        self.local.route_location(name(location), device.map(name)).unwrap();
    }

    /// Submits a job of 1,000 octets for each of `documents`.
    pub fn submit(&mut self, destination: &str, alter: impl FnOnce(&mut Submission)) -> Accepted {
        let caller = user("ann", nix::unistd::geteuid().as_raw());
        self.submit_as(caller, destination, alter)
    }

    /// The same, which may be refused.
    pub fn try_submit(&mut self, destination: &str, alter: impl FnOnce(&mut Submission)) -> Result<Accepted, Failure> {
        let caller = user("ann", nix::unistd::geteuid().as_raw());
        self.try_submit_as(caller, destination, alter)
    }

    pub fn submit_as(&mut self, caller: Caller, destination: &str, alter: impl FnOnce(&mut Submission)) -> Accepted {
        self.try_submit_as(caller, destination, alter).unwrap()
    }

    /// The same, which may be refused.
    pub fn try_submit_as(
        &mut self,
        caller: Caller,
        destination: &str,
        alter: impl FnOnce(&mut Submission),
    ) -> Result<Accepted, Failure> {
        self.tokens += 1;
        let offer = DocumentOffer {
            file_name: RawPath("sales.txt".into()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
            format: None,
        };
        let mut submission = Submission {
            token: format!("token{:08}", self.tokens),
            destination: destination.into(),
            name: "sales.txt".into(),
            form: String::new(),
            priority: Priority::default(),
            hold: false,
            hold_after: false,
            lifetime: crate::model::lifetime::Lifetime::default(),
            owner: None,
            keep: false,
            batch: None,
            documents: vec![offer],
            given: Vec::new(),
            collector: None,
        };
        alter(&mut submission);
        let files = submission.documents.iter().map(|_| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&[b'x'; 1000]).unwrap();
            std::fs::File::open(file.path()).unwrap().into()
        });
        let files = files.collect();
        local(&self.spool, caller).submit(submission, files)
    }

    pub fn job(&mut self) -> JobRef {
        JobRef::Number(self.submit("office.front", |_| {}).number)
    }

    /// Starts a print process, as far as the spool can tell.
    pub fn alive(&self, process: &str) -> Alive {
        let process: ProcessName = name(process);
        let lock = FileLock::exclusive(&self.spool.base().process_lock(&process), PATIENCE).unwrap().unwrap();
        let lease = self.spool.begins(&process, 77, &clock()).unwrap();
        let progress = Writer::create(&self.spool.base().progress(&process)).unwrap();
        progress.heartbeat(77, clock().boot_ms).unwrap();
        Alive { lock, lease, progress }
    }

    pub fn device_id(&mut self, device: &str) -> DeviceId {
        self.local.device(name(device)).unwrap().id
    }

    /// What a device prints next.
    pub fn claim(&mut self, alive: &Alive, device: &str) -> Claim {
        let id = self.device_id(device);
        self.spool.claim(&alive.lease, id, &clock()).unwrap().expect("nothing to claim")
    }

    pub fn end(&self, alive: &Alive, claim: &Claim, end: AttemptEnd) {
        self.spool.attempt_ends(&alive.lease, claim, end, false, &clock()).unwrap();
    }

    pub fn set_device_wish(&mut self, device: &str, wish: DeviceWish) {
        let id = self.device_id(device);
        self.spool
            .change(Room::Gives, &Call::timeless(), move |tx| {
                tx.lock(store::Lock::Device(id))?;
                store::device::set_wish(tx, id, wish)
            })
            .unwrap();
    }

    pub fn set_spooler_state(&mut self, state: SpoolerState) {
        let set = move |tx: &store::Tx<'_>| {
            tx.lock(store::Lock::Spool)?;
            store::spool::set_state(tx, state)
        };
        self.spool.change(Room::Gives, &Call::timeless(), set).unwrap();
    }

    pub fn pause(&mut self, job: &JobRef) {
        let id = self.local.job(job.clone()).unwrap().id;
        self.spool
            .change(Room::Gives, &Call::of(&user("bob", 1), &clock()), move |tx| {
                tx.lock(store::Lock::Job(id))?;
                store::entry::withdraw(tx, id)?;
                store::job::set_wish(tx, id, Wish::Pause)?;
                store::event::record(tx, store::event::Object::Job(id), EventWord::Paused, "")
            })
            .unwrap();
    }
}

/// The spool for `caller`.
pub fn local(spool: &Spool, caller: Caller) -> Local {
    Local::new(spool.clone(), caller, clock, Arc::new(Nobody))
}

pub fn delivered(delivery: Delivery) -> AttemptEnd {
    AttemptEnd::Delivered { delivery, octets: 1000, paper: Paper::Top, remark: None }
}

pub fn error(next_try_ms: Option<i64>) -> ErrorNote {
    ErrorNote { number: 100, text: "not ready".into(), since_ms: clock().wall_ms, next_try_ms, tries: 2 }
}

pub fn at(claim: &Claim, octets: u64) -> Progress {
    Progress {
        device: claim.device,
        entry: Some(claim.entry),
        attempt: claim.attempt,
        document: 1,
        copy: 1,
        octets,
        total: 0,
        at_boot_ms: clock().boot_ms,
        stalled: None,
        awaits: None,
        open: false,
    }
}

/// A user.
pub fn user(name: &str, uid: u32) -> Caller {
    Caller { uid, user: name.into(), host: "here".into(), groups: Vec::new(), operator: false }
}
