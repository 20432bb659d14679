//! A spool in this process, its print processes played by the test, and commands on it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Cursor, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::commands::{pd, spoolcom};
use spoolsuite::model::alter::JobChange;
use spoolsuite::model::device::DeviceChange;
use spoolsuite::model::job::{DocumentOffer, JobStatus, RawPath, Submission, Transfer};
use spoolsuite::model::lifetime::Retention;
use spoolsuite::model::order::Priority;
use spoolsuite::model::process::ProcessChange;
use spoolsuite::model::query::{Condition, Order, Parts, Query};
use spoolsuite::model::state::{Delivery, JobState};
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, DeviceId, DeviceName, Failure, JobNumber, JobRef};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::engine::{AttemptEnd, AttemptWish, Claim, Engine, Lease, Paper};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::interface::records::{EventSubject, Removal};
use spoolsuite::spool::{Attendant, Base, Local, Spool, WakeTarget};
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::users;

pub fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "test".into() }
}

/// A print process that does what it is told when it is woken, and nothing else.
#[derive(Default)]
pub struct Process {
    pub running: Mutex<Option<(Lease, Claim)>>,
    pub woken: Mutex<Vec<String>>,
}

impl Attendant for Process {
    fn attend(&self, spool: &Spool, targets: &[WakeTarget], now: &Moment) {
        self.woken.lock().unwrap().extend(targets.iter().map(|target| target.name.to_string()));
        let mut running = self.running.lock().unwrap();
        if let Some((lease, claim)) = running.take() {
            if spool.attempt_wish(&lease, &claim).unwrap() == AttemptWish::Stop {
                spool.attempt_ends(&lease, &claim, AttemptEnd::Stopped { touched: true }, false, now).unwrap();
            } else {
                *running = Some((lease, claim));
            }
        }
    }
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub spool: Spool,
    pub process: Arc<Process>,
    /// Its print process lives.
    _lock: FileLock,
    pub lease: Lease,
    pub wire: bool,
}

pub fn number(n: u32) -> JobRef {
    JobRef::Number(JobNumber::new(n).unwrap())
}

pub fn other() -> Caller {
    Caller { uid: 4242, user: "4242".into(), host: "here".into(), groups: Vec::new(), operator: false }
}

impl World {
    /// `LP1` at `OFFICE.FRONT`, `LP2` at `OFFICE.BACK` with the form INVOICE, `LP3` of another process at `LAB.ONE`.
    pub fn new(wire: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let access = Access::Create { server: "acme1".parse().unwrap(), now: clock() };
        let spool = open(&Base::new(dir.path().join("base")), access).unwrap();
        let process = Arc::new(Process::default());
        let mut local = Local::new(spool.clone(), users::caller(), clock, process.clone());
        for name in ["SPLA", "SPLB"] {
            local.change_process(name.parse().unwrap(), vec![ProcessChange::File("fastp".into())]).unwrap();
        }
        local.start_spooler().unwrap();
        for (device, process, location, form) in [
            ("LP1", "SPLA", "#OFFICE.FRONT", ""),
            ("LP2", "SPLA", "#OFFICE.BACK", "INVOICE"),
            ("LP3", "SPLB", "#LAB.ONE", ""),
        ] {
            let name: DeviceName = device.parse().unwrap();
            let changes = vec![
                DeviceChange::Process(process.parse().unwrap()),
                DeviceChange::Uri("socket://127.0.0.1:9".parse().unwrap()),
                DeviceChange::Form(form.into()),
            ];
            local.change_device(name.clone(), changes).unwrap();
            local.route_location(location.parse().unwrap(), Some(name.clone())).unwrap();
            local.start_device(name).unwrap();
        }
        let name = "SPLA".parse().unwrap();
        let lock = FileLock::try_exclusive(&spool.base().process_lock(&name)).unwrap().unwrap();
        let lease = spool.begins(&name, 1, &clock()).unwrap();
        process.woken.lock().unwrap().clear();
        Self { dir, spool, process, lease, wire, _lock: lock }
    }

    pub fn as_caller(&self, caller: Caller) -> Box<dyn Operations> {
        let local = Local::new(self.spool.clone(), caller, clock, self.process.clone());
        if !self.wire {
            return Box::new(local);
        }
        let (remote, _) = spoolsuite::server::pair(move |_| Ok(Box::new(local))).unwrap();
        Box::new(remote)
    }

    pub fn ops(&self) -> Box<dyn Operations> {
        self.as_caller(users::caller())
    }

    /// A job of one document for each of `copies`; its number.
    pub fn submit_as(&self, caller: Caller, destination: &str, copies: &[u32]) -> u32 {
        let offer = |copies: &u32| DocumentOffer {
            file_name: RawPath("letter".into()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: *copies,
            format: None,
        };
        let files: Vec<OwnedFd> = copies
            .iter()
            .map(|_| {
                let path = self.dir.path().join("letter");
                File::create(&path).unwrap().write_all(b"one line\n").unwrap();
                File::open(path).unwrap().into()
            })
            .collect();
        let submission = Submission {
            token: format!("t{}", self.ops().about().unwrap().jobs + 1000 * u64::from(std::process::id()) + rand()),
            destination: destination.into(),
            name: "letter".into(),
            form: String::new(),
            priority: Priority::default(),
            hold: false,
            hold_after: false,
            lifetime: spoolsuite::model::lifetime::Lifetime::default(),
            owner: None,
            keep: false,
            batch: None,
            documents: copies.iter().map(offer).collect(),
            given: Vec::new(),
            collector: None,
        };
        self.as_caller(caller).submit(submission, files).unwrap().number.get()
    }

    pub fn submit(&self, copies: &[u32]) -> u32 {
        self.submit_as(users::caller(), "office.front", copies)
    }

    pub fn job(&self, n: u32) -> JobStatus {
        self.ops().job(number(n)).unwrap()
    }

    pub fn device(&self, name: &str) -> DeviceId {
        self.ops().device(name.parse().unwrap()).unwrap().id
    }

    pub fn claim(&self, device: &str) -> Option<Claim> {
        self.spool.claim(&self.lease, self.device(device), &clock()).unwrap()
    }

    pub fn deliver(&self, claim: &Claim, delivery: Delivery) {
        let end = AttemptEnd::Delivered { delivery, octets: 9, paper: Paper::Top, remark: None };
        self.spool.attempt_ends(&self.lease, claim, end, false, &clock()).unwrap();
    }

    pub fn alter(&self, n: u32, changes: Vec<JobChange>) -> Result<(), Failure> {
        self.ops().alter_job(number(n), changes)
    }

    /// Brings a new job into `state`; a printing one obeys when `obedient`.
    pub fn job_in(&self, state: JobState, obedient: bool) -> u32 {
        let n = self.submit(&[1, 1]);
        match state {
            JobState::Ready => {}
            JobState::Held => self.ops().hold_job(number(n)).unwrap(),
            JobState::Paused => self.ops().pause_job(number(n), None).unwrap(),
            JobState::Retained => {
                let kept = self.ops().delete_job(number(n), None, Some(Retention::Forever)).unwrap();
                assert_eq!(kept, Removal::Retained);
            }
            JobState::Printing | JobState::Terminating => {
                let claim = self.claim("LP1").unwrap();
                if state == JobState::Terminating {
                    assert_eq!(self.ops().delete_job(number(n), None, None).unwrap(), Removal::Terminating);
                }
                if obedient {
                    *self.process.running.lock().unwrap() = Some((self.lease.clone(), claim));
                }
            }
            other => panic!("{other:?} does not occur"),
        }
        assert_eq!(self.job(n).state, state);
        n
    }

    /// Job numbers in the order of the queues.
    pub fn order(&self) -> Vec<u32> {
        let query = Query { condition: Condition::State(JobState::Ready), order: Order::Schedule, parts: Parts::ALL };
        self.ops().jobs(query, None, 100).unwrap().rows.iter().map(|job| job.number.get()).collect()
    }

    pub fn events(&self, n: u32, what: &str) -> Vec<String> {
        let events = self.ops().events(EventSubject::Job(number(n)), 0).unwrap();
        events.into_iter().filter(|event| event.what.word() == what).map(|event| event.why).collect()
    }

    pub fn run_as(&self, caller: Caller, words: &[&str]) -> (Exit, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = Cursor::new(Vec::new());
        let mut open = |_: Option<&str>, _: Intent| Ok(self.as_caller(caller.clone()));
        let mut shell = Shell::of_script(
            (&mut out, &mut err, &mut input),
            &|name| (name == "PD_CONFIRM_DELETE").then(|| OsString::from("no")),
            (self.dir.path().to_path_buf(), clock().wall_ms),
            &mut open,
        );
        let rest: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
        let exit = match words[0] {
            "spoolcom" => spoolcom::run(&rest, &mut shell),
            "pdmod" => pd::verbs::pdmod::run(&rest, &mut shell),
            "pdset" => pd::verbs::pdset::run(&rest, &mut shell),
            "pdrm" => pd::verbs::pdrm::run(&rest, &mut shell),
            "pdpause" => pd::verbs::pdpause::run(&rest, &mut shell),
            "pdresume" => pd::verbs::pdresume::run(&rest, &mut shell),
            "pdresubmit" => pd::verbs::pdresubmit::run(&rest, &mut shell),
            "pdreorder" => pd::verbs::pdreorder::run(&rest, &mut shell),
            "pdpromote" => pd::verbs::pdpromote::run(&rest, &mut shell),
            other => panic!("no command {other}"),
        };
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    pub fn run(&self, words: &[&str]) -> (Exit, String, String) {
        self.run_as(users::caller(), words)
    }
}

/// Different each time: tokens are.
pub fn rand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
