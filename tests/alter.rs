//! Altering jobs, on a spool in the caller's process and on one behind the wire: every cell of both languages' tables,
//! other users' jobs, what moves a job and what does not, and what a print process finds.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Cursor, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use spoolsuite::commands::pd::{self, effects};
use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::commands::spoolcom::grammar::Key;
use spoolsuite::commands::spoolcom::{self, states::job_allows};
use spoolsuite::model::alter::{JobChange, NewOwner};
use spoolsuite::model::device::DeviceChange;
use spoolsuite::model::job::{DocumentOffer, JobStatus, RawPath, Submission, Transfer};
use spoolsuite::model::order::Priority;
use spoolsuite::model::process::ProcessChange;
use spoolsuite::model::query::{Condition, Order, Query};
use spoolsuite::model::state::{Delivery, HoldReason, JobState};
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, DeviceId, DeviceName, Failure, FailureKind, JobNumber, JobRef};
use spoolsuite::spool::base::{Access, open};
use spoolsuite::spool::engine::{AttemptEnd, AttemptWish, Claim, Engine, Lease, Paper, Settlement};
use spoolsuite::spool::operations::Operations;
use spoolsuite::spool::records::{EventSubject, Removal};
use spoolsuite::spool::{Attendant, Base, Local, Spool, WakeTarget};
use spoolsuite::sys::users;

fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "test".into() }
}

/// A print process that does what it is told when it is woken, and nothing else.
#[derive(Default)]
struct Process {
    running: Mutex<Option<(Lease, Claim)>>,
    woken: Mutex<Vec<String>>,
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

struct World {
    dir: tempfile::TempDir,
    spool: Spool,
    process: Arc<Process>,
    lease: Lease,
    wire: bool,
}

fn number(n: u32) -> JobRef {
    JobRef::Number(JobNumber::new(n).unwrap())
}

fn other() -> Caller {
    Caller { uid: 4242, user: "4242".into(), host: "here".into(), groups: Vec::new() }
}

impl World {
    /// `LP1` at `OFFICE.FRONT`, `LP2` at `OFFICE.BACK` with the form INVOICE, `LP3` of another process at `LAB.ONE`.
    fn new(wire: bool) -> Self {
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
        let lease = spool.begins(&"SPLA".parse().unwrap(), 1, &clock()).unwrap();
        process.woken.lock().unwrap().clear();
        Self { dir, spool, process, lease, wire }
    }

    fn as_caller(&self, caller: Caller) -> Box<dyn Operations> {
        let local = Local::new(self.spool.clone(), caller, clock, self.process.clone());
        if !self.wire {
            return Box::new(local);
        }
        let (remote, _) = spoolsuite::server::pair(move |_| Ok(Box::new(local))).unwrap();
        Box::new(remote)
    }

    fn ops(&self) -> Box<dyn Operations> {
        self.as_caller(users::caller())
    }

    /// A job of one document for each of `copies`; its number.
    fn submit_as(&self, caller: Caller, destination: &str, copies: &[u32]) -> u32 {
        let offer = |copies: &u32| DocumentOffer {
            file_name: RawPath("letter".into()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: *copies,
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
            documents: copies.iter().map(offer).collect(),
            given: Vec::new(),
        };
        self.as_caller(caller).submit(submission, files).unwrap().number.get()
    }

    fn submit(&self, copies: &[u32]) -> u32 {
        self.submit_as(users::caller(), "office.front", copies)
    }

    fn job(&self, n: u32) -> JobStatus {
        self.ops().job(number(n)).unwrap()
    }

    fn device(&self, name: &str) -> DeviceId {
        self.ops().device(name.parse().unwrap()).unwrap().id
    }

    fn claim(&self, device: &str) -> Option<Claim> {
        self.spool.claim(&self.lease, self.device(device), &clock()).unwrap()
    }

    fn deliver(&self, claim: &Claim, delivery: Delivery) {
        let end = AttemptEnd::Delivered { delivery, octets: 9, paper: Paper::Top, remark: None };
        self.spool.attempt_ends(&self.lease, claim, end, false, &clock()).unwrap();
    }

    fn alter(&self, n: u32, changes: Vec<JobChange>) -> Result<(), Failure> {
        self.ops().alter_job(number(n), changes)
    }

    /// Brings a new job into `state`; a printing one obeys when `obedient`.
    fn job_in(&self, state: JobState, obedient: bool) -> u32 {
        let n = self.submit(&[1, 1]);
        match state {
            JobState::Ready => {}
            JobState::Held => self.ops().hold_job(number(n)).unwrap(),
            JobState::Paused => self.ops().pause_job(number(n), None).unwrap(),
            JobState::Printing | JobState::Terminating => {
                let claim = self.claim("LP1").unwrap();
                if state == JobState::Terminating {
                    assert_eq!(self.ops().delete_job(number(n)).unwrap(), Removal::Terminating);
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
    fn order(&self) -> Vec<u32> {
        let query = Query { condition: Condition::State(JobState::Ready), order: Order::Schedule };
        self.ops().jobs(query, None, 100).unwrap().rows.iter().map(|job| job.number.get()).collect()
    }

    fn events(&self, n: u32, what: &str) -> Vec<String> {
        let events = self.ops().events(EventSubject::Job(JobRef::Number(JobNumber::new(n).unwrap())), 0).unwrap();
        events.into_iter().filter(|event| event.what == what).map(|event| event.why).collect()
    }

    fn run_as(&self, caller: Caller, words: &[&str]) -> (Exit, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = Cursor::new(Vec::new());
        let mut open = |_: Option<&str>, _: Intent| Ok(self.as_caller(caller.clone()));
        let mut shell = Shell {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            out_is_terminal: false,
            err_is_terminal: false,
            input_is_terminal: false,
            env: &|name| (name == "PD_CONFIRM_DELETE").then(|| OsString::from("no")),
            cwd: self.dir.path().to_path_buf(),
            now_ms: clock().wall_ms,
            open: &mut open,
        };
        let rest: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
        let exit = match words[0] {
            "spoolcom" => spoolcom::run(&rest, &mut shell),
            "pdmod" => pd::pdmod::run(&rest, &mut shell),
            "pdset" => pd::pdset::run(&rest, &mut shell),
            "pdrm" => pd::pdrm::run(&rest, &mut shell),
            "pdpause" => pd::pdpause::run(&rest, &mut shell),
            "pdresume" => pd::pdresume::run(&rest, &mut shell),
            "pdpromote" => pd::pdpromote::run(&rest, &mut shell),
            other => panic!("no command {other}"),
        };
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn run(&self, words: &[&str]) -> (Exit, String, String) {
        self.run_as(users::caller(), words)
    }
}

/// Different each time: tokens are.
fn rand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The states that occur in this version.
const STATES: [JobState; 5] =
    [JobState::Held, JobState::Paused, JobState::Printing, JobState::Terminating, JobState::Ready];

#[test]
fn every_cell_of_the_spoolcom_table_holds_on_a_real_spool() {
    for wire in [false, true] {
        for (key, text) in [
            (Key::Start, "START"),
            (Key::Delete, "DELETE"),
            (Key::Hold, "HOLD"),
            (Key::HoldAfter, "HOLDAFTER"),
            (Key::Copies, "COPIES 3"),
            (Key::Form, "FORM INVOICE"),
            (Key::Loc, "LOC #NEW.PLACE"),
            (Key::Owner, "OWNER 4242,4242"),
            (Key::Report, "REPORT two words"),
            (Key::SelPri, "SELPRI 2"),
            (Key::Status, "STATUS DETAIL"),
        ] {
            let world = World::new(wire);
            for state in STATES {
                let n = world.job_in(state, key == Key::Hold);
                let before = world.job(n);
                let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, {text}")]);
                let allowed = job_allows(key, state);
                assert_eq!(exit == Exit::Done, allowed, "{text} {state:?}\n{err}");
                if !allowed {
                    assert_eq!(world.job(n), before, "{text} {state:?}");
                    assert!(err.starts_with(&format!("JOB {n} INVALID OPERATION IN CURRENT STATE\n")), "{err}");
                }
                // Out of the way of the next one.
                if let Ok(job) = world.ops().job(number(n))
                    && matches!(job.state, JobState::Printing | JobState::Terminating)
                {
                    let claim = world.claim("LP1").unwrap();
                    world.deliver(&claim, Delivery::Sent);
                }
                let _ = world.ops().delete_job(number(n));
            }
        }
    }
}

#[test]
fn every_cell_of_the_effect_matrix_holds_on_a_real_spool() {
    use effects::{Action, Effect};
    for wire in [false, true] {
        for (action, words, hold) in [
            (Action::Modify, &["pdmod", "-x", "copy-count=3 job-name=x"][..], false),
            (Action::Modify, &["pdset", "-c", "job", "-x", "job-priority=20"], false),
            (Action::Modify, &["pdmod", "-x", "job-hold=true job-priority=20"], false),
            (Action::Modify, &["pdmod", "-x", "job-hold=true", "-m", "why"], true),
            (Action::Remove, &["pdrm"], false),
            (Action::Promote, &["pdpromote"], false),
            (Action::Pause, &["pdpause", "-c", "job"], false),
            (Action::Resume, &["pdresume", "-c", "job"], false),
        ] {
            let world = World::new(wire);
            for state in STATES {
                let n = world.job_in(state, state != JobState::Terminating);
                let before = world.job(n);
                let id = before.global.to_string();
                let (exit, out, err) = world.run(&[words, &[&id]].concat());
                let allowed = match effects::effect(action, state) {
                    Effect::Done => true,
                    Effect::HoldOnly => hold,
                    Effect::Refused => false,
                };
                assert_eq!(exit, if allowed { Exit::Done } else { Exit::Failed }, "{words:?} {state:?}\n{err}");
                assert_eq!(out, "");
                if allowed {
                    assert_eq!(err, "", "{words:?} {state:?}");
                } else {
                    assert_eq!(world.job(n), before, "{words:?} {state:?}");
                    assert!(err.contains(state.infoprint()), "{err}");
                }
                *world.process.running.lock().unwrap() = None;
                if let Ok(job) = world.ops().job(number(n))
                    && matches!(job.state, JobState::Printing | JobState::Terminating)
                {
                    let claim = world.claim("LP1").unwrap();
                    world.deliver(&claim, Delivery::Sent);
                }
                let _ = world.ops().delete_job(number(n));
            }
        }
    }
}

#[test]
fn hold_change_and_start_work_in_one_command_while_the_job_prints() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Printing, true);
        let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, HOLD, COPIES 2, SELPRI 1, START")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""));
        let job = world.job(n);
        assert_eq!((job.state, job.priority.selpri(), job.documents[1].copies), (JobState::Ready, 1, 2));
        assert!(world.claim("LP1").unwrap().possible_duplicate, "pages may be on paper");
    }
}

#[test]
fn another_users_job_is_left_alone_in_every_verb() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1]);
        let before = world.job(n);
        let id = before.global.to_string();
        for text in
            ["COPIES 2", "FORM A", "HOLD", "HOLDAFTER", "LOC #X.Y", "OWNER NONE", "REPORT X", "SELPRI 1", "DELETE"]
        {
            // What the table refuses first is asked of a held job.
            if !job_allows(Key::from_word(text.split(' ').next().unwrap()).unwrap(), JobState::Ready) {
                world.ops().hold_job(number(n)).unwrap();
            }
            let before = world.job(n);
            let (exit, _, err) = world.run_as(other(), &["spoolcom", &format!("JOB {n}, {text}")]);
            assert_eq!(exit, Exit::Failed);
            assert!(err.starts_with(&format!("JOB {n} SECURITY VIOLATION\n")), "{text}: {err}");
            assert_eq!(world.job(n), before, "{text}");
            if before.state == JobState::Held {
                world.ops().start_job(number(n)).unwrap();
            }
        }
        for words in [
            &["pdmod", "-n", "2"][..],
            &["pdmod", "-m", "mine"],
            &["pdset", "-c", "job", "-x", "job-hold=true"],
            &["pdpause", "-c", "job"],
            &["pdpromote"],
            &["pdrm"],
        ] {
            let before = world.job(n);
            let (exit, _, err) = world.run_as(other(), &[words, &[&id]].concat());
            assert_eq!(exit, Exit::Failed, "{words:?}");
            assert!(err.contains("another user") || err.contains("only the creator"), "{err}");
            assert_eq!(world.job(n), before, "{words:?}");
        }
        assert!(world.ops().locations(None, None).unwrap().iter().all(|location| location.name.group.key() != "x"));
    }
}

#[test]
fn an_owner_sets_a_priority_of_50_at_most_and_the_creator_more() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit_as(other(), "office.front", &[1]);
        let set = |caller: Caller, p: u8| {
            world.as_caller(caller).alter_job(number(n), vec![JobChange::Priority(Priority::new(p))])
        };
        assert_eq!(set(other(), 49), Ok(()));
        assert_eq!(set(other(), 50), Ok(()));
        assert_eq!(set(other(), 51).unwrap_err().kind, FailureKind::Security);
        assert_eq!(set(users::caller(), 90), Ok(()));
        assert_eq!(set(other(), 90), Ok(()), "as it is");
        assert_eq!(set(other(), 80).unwrap_err().kind, FailureKind::Security);
        assert_eq!(set(other(), 10), Ok(()));
        assert_eq!(world.as_caller(other()).promote_job(number(n), None).unwrap_err().kind, FailureKind::Security);
    }
}

#[test]
fn what_decides_the_place_makes_it_the_newest_arrival_and_the_rest_does_not() {
    let world = World::new(false);
    let jobs: Vec<u32> = (0..4).map(|_| world.submit(&[1])).collect();
    assert_eq!(world.order(), jobs);
    for harmless in [
        JobChange::Name(Some("x".into())),
        JobChange::HoldAfter(Some(true)),
        JobChange::Owner(NewOwner::Uid(4242)),
        JobChange::Priority(None),
        JobChange::Form(None),
        JobChange::Copies { document: Some(1), copies: Some(1) },
        JobChange::Destination { to: "office.front".parse().unwrap(), declare: false },
        JobChange::Message("why".into()),
    ] {
        world.alter(jobs[0], vec![harmless]).unwrap();
    }
    assert_eq!(world.order(), jobs);
    world.alter(jobs[0], vec![JobChange::Copies { document: None, copies: Some(2) }]).unwrap();
    assert_eq!(world.order(), [jobs[1], jobs[2], jobs[3], jobs[0]]);
    world.alter(jobs[3], vec![JobChange::Priority(Priority::new(60))]).unwrap();
    assert_eq!(world.order(), [jobs[3], jobs[1], jobs[2], jobs[0]]);
    for n in [jobs[0], jobs[2]] {
        world.ops().promote_job(number(n), None).unwrap();
    }
    assert_eq!(world.order(), [jobs[2], jobs[0], jobs[3], jobs[1]], "a later promotion goes before an earlier one");
    let claimed: Vec<u32> =
        std::iter::from_fn(|| world.claim("LP1").inspect(|claim| world.deliver(claim, Delivery::Sent)))
            .map(|claim| claim.number.get())
            .take(2)
            .collect();
    assert_eq!(claimed, [jobs[2], jobs[0]]);
}

#[test]
fn a_pause_keeps_the_place_and_a_hold_loses_it() {
    for wire in [false, true] {
        let world = World::new(wire);
        let jobs: Vec<u32> = (0..3).map(|_| world.submit(&[1])).collect();
        let mut ops = world.ops();
        ops.pause_job(number(jobs[0]), Some("lunch".into())).unwrap();
        assert_eq!(world.order(), jobs[1..]);
        assert_eq!(world.events(jobs[0], "paused"), ["lunch"]);
        ops.resume_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.order(), jobs);
        ops.hold_job(number(jobs[0])).unwrap();
        ops.pause_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Paused);
        world.alter(jobs[0], vec![JobChange::Hold(Some(false))]).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Paused, "still paused when its hold ends");
        ops.hold_job(number(jobs[0])).unwrap();
        ops.resume_job(number(jobs[0]), None).unwrap();
        assert_eq!(world.job(jobs[0]).state, JobState::Held, "held still");
        ops.start_job(number(jobs[0])).unwrap();
        assert_eq!(world.order(), [jobs[1], jobs[2], jobs[0]]);
    }
}

#[test]
fn a_changed_form_or_location_decides_who_prints_it_and_whom_it_wakes() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1]);
        world.alter(n, vec![JobChange::Form(Some("invoice".into()))]).unwrap();
        assert!(world.claim("LP1").is_none() && world.claim("LP2").is_none());
        let to = |text: &str| JobChange::Destination { to: text.parse().unwrap(), declare: false };
        world.alter(n, vec![to("back")]).unwrap();
        assert_eq!(world.job(n).destination.to_string(), "#OFFICE.BACK");
        assert_eq!(
            world.events(n, "altered"),
            ["form nothing to 'invoice'", "destination '#OFFICE.FRONT' to '#OFFICE.BACK'"]
        );
        world.process.woken.lock().unwrap().clear();
        world.alter(n, vec![to("#lab.one"), JobChange::Form(None)]).unwrap();
        assert_eq!(*world.process.woken.lock().unwrap(), ["SPLB"]);
        world.alter(n, vec![to("#office.back"), JobChange::Form(Some("INVOICE".into()))]).unwrap();
        assert_eq!(world.claim("LP2").unwrap().number.get(), n);
    }
}

#[test]
fn a_job_sent_to_a_broadcasting_group_prints_on_each_of_its_devices() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    world.ops().set_broadcast("office".parse().unwrap(), true).unwrap();
    world.alter(n, vec![JobChange::Destination { to: "#office".parse().unwrap(), declare: false }]).unwrap();
    let id = world.job(n).id;
    assert_eq!(world.ops().occurrences(id).unwrap().len(), 2);
    let first = world.claim("LP1").unwrap();
    world.deliver(&first, Delivery::Sent);
    assert!(world.claim("LP1").is_none());
    // Held half-way and started again, only what is missing is printed.
    let mut ops = world.ops();
    ops.hold_job(number(n)).unwrap();
    world.alter(n, vec![JobChange::Form(Some("INVOICE".into()))]).unwrap();
    ops.start_job(number(n)).unwrap();
    assert!(world.claim("LP1").is_none());
    let second = world.claim("LP2").unwrap();
    world.deliver(&second, Delivery::Sent);
    assert_eq!(ops.job(number(n)).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn an_unknown_location_comes_into_being_only_where_the_language_says_so() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Held, false);
        let to = |text: &str, declare| JobChange::Destination { to: text.parse().unwrap(), declare };
        assert_eq!(world.alter(n, vec![to("#park.here", false)]).unwrap_err().kind, FailureKind::NotFound);
        assert_eq!(world.alter(n, vec![to("nowhere", true)]).unwrap_err().kind, FailureKind::NotFound);
        for (text, found) in [
            ("#PARK.HERE", "#PARK.HERE"),
            ("#STORE", "#STORE.DEFAULT"),
            ("#STORE", "#STORE"),
            ("here", "#PARK.HERE"),
            ("NONE", "#DEFAULT.DEFAULT"),
        ] {
            assert_eq!(world.run(&["spoolcom", "JOB", &format!("{n},"), "LOC", text]).0, Exit::Done, "{text}");
            assert_eq!(world.job(n).destination.to_string(), found);
        }
        assert_eq!(world.run(&["spoolcom", &format!("JOB {n}, LOC #A.B; JOB {n}, LOC")]).0, Exit::Done);
        assert_eq!(world.job(n).destination.to_string(), "#DEFAULT.DEFAULT");
    }
}

#[test]
fn all_of_the_changes_hold_or_none() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1, 2]);
        let before = world.job(n);
        for bad in [
            JobChange::Copies { document: Some(3), copies: Some(2) },
            JobChange::Copies { document: None, copies: Some(0) },
            JobChange::Owner(NewOwner::Name("no such user".into())),
            JobChange::Destination { to: "no.where".parse().unwrap(), declare: false },
            JobChange::Form(Some("a_b".into())),
            JobChange::Name(Some("x".repeat(256))),
            JobChange::Message("x".repeat(5000)),
        ] {
            let changes = vec![
                JobChange::Copies { document: Some(1), copies: Some(9) },
                JobChange::Hold(Some(true)),
                JobChange::Destination { to: "#brand.new".parse().unwrap(), declare: true },
                JobChange::Priority(Priority::new(3)),
                bad.clone(),
            ];
            assert!(world.alter(n, changes).is_err(), "{bad:?}");
            assert_eq!(world.job(n), before, "{bad:?}");
            assert!(world.events(n, "altered").is_empty());
        }
        assert!(world.alter(n, Vec::new()).is_err());
    }
}

#[test]
fn copies_belong_to_documents_and_defaults_return() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1, 2, 3]);
        let id = world.job(n).global.to_string();
        let copies = || world.job(n).documents.iter().map(|one| one.copies).collect::<Vec<_>>();
        let pdmod = |words: &[&str]| {
            let ended = world.run(&[&["pdmod"], words].concat());
            assert_eq!(ended.0, Exit::Done, "{words:?}: {}", ended.2);
            ended.1
        };
        pdmod(&["-n", "4", &format!("{id}.2")]);
        assert_eq!(copies(), [1, 4, 3]);
        pdmod(&["-x", "copy-count-=4", &id]);
        assert_eq!(copies(), [1, 1, 3]);
        pdmod(&["-x", "copy-count-=7", &id]);
        assert_eq!(copies(), [1, 1, 3]);
        pdmod(&["-x", "copy-count=2", "-n", "5", &id]);
        assert_eq!(copies(), [5, 5, 5]);
        pdmod(&["-x", "copy-count== job-priority=20 form='A 1' hold-after=true job-hold=true", "-t", "two words", &id]);
        let job = world.job(n);
        assert_eq!(copies(), [1, 1, 1]);
        assert_eq!((job.name.as_str(), job.form.as_str(), job.priority.get()), ("two words", "A 1", 20));
        assert!(job.hold_after && job.state == JobState::Held);
        pdmod(&["-x", "job-name== form== job-priority== hold-after== job-hold==", &id]);
        let job = world.job(n);
        assert_eq!((job.name.as_str(), job.form.as_str(), job.priority.get()), ("letter", "", 50));
        assert!(!job.hold_after && job.state == JobState::Ready);
        let shown = pdmod(&["-n", "2", "-r", "job-client-id copy-count", "-g", "-s", "column", &id]);
        assert!(shown.contains('2'), "{shown}");
    }
}

#[test]
fn a_command_line_with_a_fault_alters_nothing() {
    let world = World::new(false);
    let n = world.submit(&[1, 1]);
    let before = world.job(n);
    let id = before.global.to_string();
    let document = format!("{id}.1");
    for words in [
        &["pdmod", id.as_str()][..],
        &["pdmod", "-x", "job-name+=x", &id],
        &["pdmod", "-x", "job-owner=x", &id],
        &["pdmod", "-x", "destination-name-requested=x", &id],
        &["pdmod", "-x", "current-job-state=held", &id],
        &["pdmod", "-x", "job-priority=0", &id],
        &["pdmod", "-x", "job-priority=101", &id],
        &["pdmod", "-x", "job-priority=1 2", &id],
        &["pdmod", "-x", "job-hold=perhaps", &id],
        &["pdmod", "-x", "form=a_b", &id],
        &["pdmod", "-x", "job-priority", &id],
        &["pdmod", "-x", "job-priority= job-hold=true", &id],
        &["pdmod", "-n", "0", &id],
        &["pdmod", "-t", "", &id],
        &["pdmod", "-t", "x", &document],
        &["pdmod", "-t", "x", &id, "acme1:"],
        &["pdmod", "-t", "x", &id, ""],
        &["pdmod", "-t", "x"],
        &["pdset", "-x", "job-priority=1", &id],
        &["pdset", "-c", "destination", "-x", "enabled=true", "LP1"],
        &["pdset", "-c", "nonsense", "-x", "job-priority=1", &id],
        &["pdpause", &id],
        &["pdpause", "-c", "queue", "OFFICE"],
        &["pdpause", "-c", "job", "-w", "after-current-copy", &id],
        &["pdpause", "-c", "job", "-x", "job-priority=1", &id],
        &["pdpause", "-c", "job", &document],
        &["pdresume", &id],
        &["pdpromote", &id, &id],
    ] {
        let (exit, out, err) = world.run(words);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{words:?}\n{err}");
        assert!(err.starts_with(words[0]) && !err.is_empty(), "{words:?}: {err}");
        assert_eq!(world.job(n), before, "{words:?}");
    }
    // What only the spool can tell is a failure of that job, and the others follow.
    let (exit, _, err) = world.run(&["pdmod", "-n", "2", &format!("{id}.3"), "999999", &id]);
    assert_eq!(exit, Exit::Failed);
    assert!(err.contains("none is number 3") && err.contains("cannot find job 999999"), "{err}");
    assert_eq!(world.job(n).copies, 2);
}

#[test]
fn a_job_given_away_has_a_number_of_its_new_owner() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.job_in(JobState::Held, false);
        world.submit_as(other(), "office.front", &[1]);
        let (exit, _, err) = world.run(&["spoolcom", &format!("JOB {n}, OWNER 1,4242, REPORT A B")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, "WARNING: USERID NOT DEFINED\n"));
        let job = world.job(n);
        assert_eq!((job.owner_uid, job.local.0, job.name.as_str()), (4242, 2, "A B"));
        assert!(world.as_caller(other()).start_job(number(n)).is_ok(), "its new owner may");
        world.ops().hold_job(number(n)).unwrap();
        assert_eq!(world.run(&["spoolcom", &format!("JOB {n}, OWNER NONE, REPORT NONE")]).0, Exit::Done);
        assert_eq!((world.job(n).owner_uid, world.job(n).name.as_str()), (users::caller().uid, "letter"));
    }
}

#[test]
fn a_transferred_job_cannot_be_stopped_and_says_so() {
    for wire in [false, true] {
        let world = World::new(wire);
        let (held, deleted) = (world.submit(&[1]), world.submit(&[1]));
        for _ in [held, deleted] {
            let claim = world.claim("LP1").unwrap();
            world.deliver(&claim, Delivery::Transferred);
        }
        let mut ops = world.ops();
        ops.hold_job(number(held)).unwrap();
        assert_eq!(ops.delete_job(number(deleted)).unwrap(), Removal::Transferred);
        assert_eq!(ops.job(number(held)).unwrap().state, JobState::Printing);
        assert_eq!(ops.job(number(deleted)).unwrap().state, JobState::Terminating);
        let device = world.device("LP1");
        world.spool.settle_transferred(&world.lease, device, Settlement::Closed, &clock()).unwrap();
        let job = ops.job(number(held)).unwrap();
        assert!(job.state == JobState::Held && job.reasons.has(HoldReason::Operator));
        assert_eq!(job.reason_text.as_deref(), Some("it had been printed completely on $LP1 (sent)"));
        assert_eq!(ops.job(number(deleted)).unwrap_err().kind, FailureKind::NotFound);
        // Started, it is printed once more; a reset instead of the clean close keeps it on hold as well.
        ops.start_job(number(held)).unwrap();
        let claim = world.claim("LP1").unwrap();
        world.deliver(&claim, Delivery::Transferred);
        ops.hold_job(number(held)).unwrap();
        let reset = Settlement::Reset { why: "reset".into() };
        world.spool.settle_transferred(&world.lease, device, reset, &clock()).unwrap();
        assert_eq!(ops.job(number(held)).unwrap().state, JobState::Held);
        assert!(world.claim("LP1").is_none());
    }
}

#[test]
fn a_job_held_as_its_last_octet_goes_out_stays() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    let claim = world.claim("LP1").unwrap();
    world.ops().hold_job(number(n)).unwrap();
    world.deliver(&claim, Delivery::Sent);
    let job = world.job(n);
    assert_eq!(job.state, JobState::Held);
    assert!(job.reason_text.unwrap().contains("printed completely"));
    // Paused instead, there is nothing left to resume: it is done.
    let m = world.submit(&[1]);
    let claim = world.claim("LP1").unwrap();
    world.ops().pause_job(number(m), None).unwrap();
    world.deliver(&claim, Delivery::Sent);
    assert_eq!(world.ops().job(number(m)).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn jobs_are_selected_by_when_they_were_created() {
    let world = World::new(false);
    let n = world.submit(&[1]);
    let at = jiff::Timestamp::from_millisecond(clock().wall_ms).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let day = at.strftime("%d %b %Y, %H:%M").to_string();
    for (dates, hit) in [
        (format!("FROM {day}"), true),
        (format!("FROM {day} THRU {day}"), true),
        ("THRU 1 JAN 2020, 10:00".into(), false),
        ("FROM 1 JAN 2020 THRU 1 JAN 2021".into(), false),
        ("FROM 00:00 THRU 23:59".into(), true),
    ] {
        let (exit, out, err) = world.run(&["spoolcom", &format!("JOB (DATE {dates}, OWNER), STATUS")]);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{dates}");
        assert_eq!(out.lines().any(|line| line.trim_start().starts_with(&format!("{n} "))), hit, "{dates}\n{out}");
    }
}

#[test]
fn no_attribute_words_panic_and_what_is_refused_has_no_effect() {
    let world = World::new(false);
    let n = world.submit(&[1, 2]);
    let id = world.job(n).global.to_string();
    let word = "(job-(name|priority|hold|owner)|copy-count|form|hold-after|j-n|c|x)?(=|==|\\+=|-=)?\
                ('[a-z ]{0,4}'|[0-9]{0,3}|true|false|\\{|'|\\PC{0,4})";
    let strategy = (prop::collection::vec(word, 0..5), any::<bool>(), "(\\.[0-3])?");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(300) });
    runner
        .run(&strategy, |(words, set, document)| {
            let before = world.job(n);
            let (text, target) = (words.join(" "), format!("{id}{document}"));
            let (exit, _, err) = match set {
                true => world.run(&["pdset", "-c", "job", "-x", &text, &target]),
                false => world.run(&["pdmod", "-x", &text, &target]),
            };
            if exit != Exit::Done {
                prop_assert!(!err.is_empty());
                prop_assert_eq!(world.job(n), before);
            }
            Ok(())
        })
        .unwrap();
}
