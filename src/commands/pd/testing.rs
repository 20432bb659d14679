//! A spool that exists in memory only, and a shell around it: for tests of the language.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Cursor as Bytes, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::Object;
use crate::commands::shell::{Exit, Intent, Shell};
use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::collector::CollectorState;
use crate::model::device::{DeviceSettings, DeviceStatus, RunningJob};
use crate::model::finished::FinishedStatus;
use crate::model::job::{Accepted, DocumentStatus, Format, FormatOrigin, JobStatus, RawPath, Submission};
use crate::model::location::{Destination, GroupStatus, LocationStatus};
use crate::model::query::{Condition, Cursor, Page};
use crate::model::queue::QueueItem;
use crate::model::state::{DeviceState, DeviceWish, HoldReason, HoldReasons, JobState, ProcessState};
use crate::model::{
    DeviceId, DocumentId, Failure, FailureKind, GlobalJobId, JobId, JobNumber, JobRef, LocalJobId, LocationId,
    LocationPattern, RouteId, Serial,
};
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request};
use crate::spool::interface::records::{Removal, SpoolStatus, SpoolerState};

/// What the fake spool holds and has been told.
#[derive(Default)]
pub struct State {
    pub jobs: Vec<JobStatus>,
    pub submissions: Vec<(Submission, Vec<Vec<u8>>)>,
    pub deleted: Vec<JobRef>,
    /// What the next submission fails with, and whether the job is there all the same.
    pub submit_fails: Option<(Failure, bool)>,
    /// What settling fails with.
    pub settle_fails: Option<Failure>,
    /// A job is gone as soon as it is accepted.
    pub prints_at_once: bool,
    /// What the history has.
    pub finished: Vec<FinishedStatus>,
}

/// The spool.
#[derive(Clone, Default)]
pub struct Fake(pub Rc<RefCell<State>>);

/// A job number `n` with one document, of this user.
pub fn job(n: u32) -> JobStatus {
    JobStatus {
        batch: None,
        id: JobId(n.into()),
        number: JobNumber::new(n).unwrap(),
        local: LocalJobId(n),
        global: GlobalJobId { server: "acme1".parse().unwrap(), serial: Serial(1_021_904_400 + u64::from(n)) },
        name: format!("letter{n}.ps"),
        owner: "ann".into(),
        owner_uid: 1000,
        owner_gid: 1000,
        user_name: crate::sys::users::caller().identity(),
        destination: Destination::Location("office.front".parse().map(one).unwrap()),
        route: RouteId(1),
        state: JobState::Ready,
        printed: false,
        reasons: HoldReasons::NONE,
        reason_text: None,
        priority: crate::model::order::Priority::default(),
        form: String::new(),
        hold_after: false,
        lifetime: crate::model::lifetime::Lifetime::default(),
        ended: None,
        copies: 1,
        total_octets: 1234,
        pages: None,
        created_ms: 1_795_251_600_000,
        closed_ms: None,
        process: None,
        started_ms: None,
        devices: Vec::new(),
        assigned: None,
        intervening: Some(n - 1),
        given: Vec::new(),
        documents: vec![document(1)],
        collector: None,
        data_file: None,
        away: None,
    }
}

/// Document `n` of a job.
pub fn document(n: u32) -> DocumentStatus {
    DocumentStatus {
        id: DocumentId(n.into()),
        sequence: n,
        file_name: RawPath(format!("letter.{n}").into()),
        path: RawPath("/var/pd/acme1/pdpr7kQ2aX".into()),
        server: "acme1".into(),
        transfer: crate::model::job::Transfer::Copy,
        format: Format::PostScript,
        format_origin: FormatOrigin::Recognised,
        octets: 1234,
        pages: None,
        lines: None,
        copies: 1,
        given: Vec::new(),
    }
}

/// `job`, as the history has it.
pub fn over(job: &JobStatus) -> FinishedStatus {
    let job = job.clone();
    FinishedStatus {
        id: job.id,
        number: job.number,
        local: job.local,
        global: job.global,
        name: job.name,
        owner: job.owner,
        owner_uid: job.owner_uid,
        user_name: job.user_name,
        destination: job.destination,
        device: None,
        outcome: "sent".into(),
        octets: job.total_octets,
        pages: job.pages,
        documents: u32::try_from(job.documents.len()).unwrap(),
        created_ms: job.created_ms,
        finished_ms: job.created_ms + 1000,
        carried: Vec::new(),
    }
}

/// A held job.
pub fn held(n: u32) -> JobStatus {
    let reasons = HoldReasons::NONE.with(HoldReason::Operator).with(HoldReason::PrintAfter);
    JobStatus { state: JobState::Held, reasons, intervening: None, ..job(n) }
}

fn one(pattern: LocationPattern) -> crate::model::LocationName {
    match pattern {
        LocationPattern::One(name) => name,
        other => panic!("{other:?}"),
    }
}

fn location(text: &str, device: Option<&str>) -> LocationStatus {
    LocationStatus {
        group_given: Vec::new(),
        group_paused: false,
        font: None,
        id: LocationId(1),
        name: text.parse().map(one).unwrap(),
        broadcast: false,
        device: device.map(|name| name.parse().unwrap()),
        content: None,
        route: RouteId(1),
        jobs: 0,
        access: Access::default(),
        group_access: Access::default(),
        kind: crate::model::location::LocationKind::Location,
        whole_group: false,
        takes_jobs: true,
        given: Vec::new(),
    }
}

fn device() -> DeviceStatus {
    DeviceStatus {
        id: DeviceId(1),
        name: "LP1".parse().unwrap(),
        settings: DeviceSettings::default(),
        wish: DeviceWish::Started,
        state: DeviceState::Waiting,
        pause_next: false,
        open: false,
        opens: 0,
        connection: None,
        error: None,
        stopped_by_error: false,
        trouble: None,
        process_trouble: None,
        rate: None,
        running: None,
        awaits: None,
        process_state: ProcessState::Dormant,
        waiting: 0,
        awaits_process: false,
        access: Access::default(),
        given: Vec::new(),
    }
}

impl State {
    fn find(&self, job: &JobRef) -> Result<JobStatus, Failure> {
        let hit = |one: &&JobStatus| match job {
            JobRef::Number(n) => one.number == *n,
            JobRef::Local(n) => one.local == *n,
            JobRef::Serial(n) => one.global.serial == *n,
            JobRef::Global(n) => one.global == *n,
        };
        self.jobs.iter().find(hit).cloned().ok_or_else(|| Failure::not_found(format!("job {job}")))
    }

    fn holds(&self, condition: &Condition, job: &JobStatus) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, job)),
            Condition::Job(reference) => self.find(reference).is_ok_and(|found| found.id == job.id),
            Condition::Destination(wanted) => job.destination == *wanted,
            other => Filter::new(other, Class::Job).takes(&Object::Job(job), job.owner_uid),
        }
    }

    fn accept(&mut self, submission: Submission, files: Vec<OwnedFd>) -> Accepted {
        let number = u32::try_from(self.jobs.len() + 1).unwrap();
        let mut job = JobStatus { name: submission.name.clone(), ..job(number) };
        job.documents = Vec::new();
        let mut contents = Vec::new();
        for (n, (file, offer)) in files.into_iter().zip(&submission.documents).enumerate() {
            let mut octets = Vec::new();
            File::from(file).read_to_end(&mut octets).unwrap();
            let sequence = u32::try_from(n + 1).unwrap();
            job.documents.push(DocumentStatus {
                file_name: offer.file_name.clone(),
                copies: offer.copies,
                format: offer.format.unwrap_or(Format::PostScript),
                format_origin: if offer.format.is_some() { FormatOrigin::User } else { FormatOrigin::Recognised },
                octets: octets.len() as u64,
                transfer: offer.transfer,
                ..document(sequence)
            });
            contents.push(octets);
        }
        let accepted = Accepted { id: job.id, number: job.number, local: job.local, global: job.global.clone() };
        self.submissions.push((submission, contents));
        if self.prints_at_once {
            self.finished.push(over(&job));
        } else {
            self.jobs.push(job);
        }
        accepted
    }
}

impl Carrier for Fake {
    fn carry(&mut self, request: Request, files: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let mut state = self.0.borrow_mut();
        Ok(match request {
            Request::About {} => Reply::About(SpoolStatus {
                spool_id: "id".into(),
                server: "acme1".parse().unwrap(),
                base: RawPath("/var/pd".into()),
                state: SpoolerState::Active,
                creator_uid: 0,
                manager_access: false,
                fastcnfg: RawPath("/var/pd/FASTCNFG".into()),
                error_log: None,
                collectors: vec![("S".parse().unwrap(), CollectorState::Active)],
                jobs: 0,
                open_jobs: 0,
                printing_jobs: 0,
                transferred_jobs: 0,
                prints: true,
                devices: 1,
                locations: 2,
                processes: 1,
                last_error: None,
                space: Default::default(),
                deliveries: Default::default(),
                limits: UserLimits::default(),
                access: Access::default(),
                given: Vec::new(),
            }),
            Request::ResolveDestination { name } => match name.to_ascii_lowercase().as_str() {
                "office.front" | "front" => {
                    Reply::ResolveDestination(Destination::Location("office.front".parse().map(one).unwrap()))
                }
                _ => {
                    let failure = Failure::not_found(format!("destination {name}"));
                    return Err(failure.hint("did you mean OFFICE.FRONT?"));
                }
            },
            Request::Locations { pattern, .. } => {
                let all = [location("OFFICE.BACK", None), location("OFFICE.FRONT", Some("LP1"))];
                let hit = |one: &LocationStatus| match &pattern {
                    None => true,
                    Some(LocationPattern::One(name)) => one.name == *name,
                    Some(LocationPattern::Group(group)) => one.name.group == *group,
                    Some(LocationPattern::EveryGroup(dest)) => one.name.dest == *dest,
                };
                Reply::Locations(all.into_iter().filter(hit).collect())
            }
            Request::Groups { after } => Reply::Groups(match after {
                None => vec![GroupStatus {
                    name: "OFFICE".parse().unwrap(),
                    broadcast: false,
                    declared: false,
                    given: Vec::new(),
                    access: Access::default(),
                    paused: false,
                    backlog: None,
                }],
                Some(_) => Vec::new(),
            }),
            Request::Devices { .. } => Reply::Devices(vec![device()]),
            Request::Device { name } if name.key() == "lp1" => {
                let prints = |job: &&JobStatus| job.state == JobState::Printing;
                let running = state.jobs.iter().find(prints).map(|job| RunningJob {
                    job: job.number,
                    name: job.name.clone(),
                    document: 1,
                    documents: 1,
                    copy: 1,
                    copies: 1,
                    octets: 0,
                    total_octets: job.total_octets,
                    since_ms: job.created_ms,
                    stalled: None,
                });
                Reply::Device(DeviceStatus { running, ..device() })
            }
            Request::Device { name } => return Err(Failure::not_found(format!("device {name}"))),
            Request::DeviceQueue { .. } => {
                let waits = |job: &&JobStatus| job.state == JobState::Ready;
                let item = |(n, job): (usize, &JobStatus)| QueueItem {
                    sequence: u32::try_from(n + 1).ok(),
                    job: job.clone(),
                    estimate_ms: Some(1000),
                    begun: false,
                    broadcast: false,
                };
                let rows = state.jobs.iter().filter(waits).enumerate().map(item).collect();
                Reply::DeviceQueue(Page { rows, next: None })
            }
            Request::Job { job } => Reply::Job(state.find(&job)?),
            Request::Jobs { query, after, limit } => {
                let start = after.map_or(0, |cursor| cursor.job.0);
                let mut rows: Vec<JobStatus> = state
                    .jobs
                    .iter()
                    .filter(|job| job.id.0 > start && state.holds(&query.condition, job))
                    .take(limit as usize + 1)
                    .cloned()
                    .collect();
                if !query.parts.documents {
                    rows.iter_mut().for_each(|job| job.documents.clear());
                }
                let next = (rows.len() > limit as usize).then(|| {
                    rows.truncate(limit as usize);
                    Cursor { key: vec![], job: rows[rows.len() - 1].id }
                });
                Reply::Jobs(Page { rows, next })
            }
            Request::Finished { query, .. } => {
                let filter = Filter::new(&query.condition, Class::Job);
                let hit = |job: &&FinishedStatus| filter.takes(&Object::Finished(job), job.owner_uid);
                Reply::Finished(Page { rows: state.finished.iter().filter(hit).cloned().collect(), next: None })
            }
            Request::DeleteJob { job, .. } => {
                let found = state.find(&job)?;
                state.jobs.retain(|one| one.id != found.id);
                state.deleted.push(job);
                Reply::DeleteJob(Removal::Gone)
            }
            Request::Settle { token } => {
                if let Some(failure) = state.settle_fails.clone() {
                    return Err(failure);
                }
                let there = state.submissions.iter().any(|one| one.0.token == token);
                Reply::Settle(there.then(|| {
                    let job = state.jobs[0].clone();
                    Accepted { id: job.id, number: job.number, local: job.local, global: job.global }
                }))
            }
            Request::Submit { submission } => match state.submit_fails.take() {
                Some((failure, there)) => {
                    if there {
                        state.accept(submission, files);
                    }
                    return Err(failure);
                }
                None => Reply::Submit(state.accept(submission, files)),
            },
            other => return Err(Failure::new(FailureKind::Unsupported, format!("{other:?}"))),
        })
    }
}

/// A verb.
pub type Verb = fn(&[OsString], &mut Shell<'_>) -> Exit;

/// The circumstances of a command.
pub struct World {
    pub cwd: PathBuf,
    pub env: Vec<(&'static str, &'static str)>,
    pub input: &'static str,
    /// Whether a person types the input.
    pub at_terminal: bool,
}

impl Default for World {
    fn default() -> Self {
        Self { cwd: PathBuf::from("/nonexistent"), env: vec![], input: "", at_terminal: false }
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.out)?;
        for line in self.err.lines() {
            writeln!(f, "! {line}")?;
        }
        write!(f, "= {}", self.exit as u8)
    }
}

impl World {
    /// Runs `verb` with the words of `line`, separated by `¦` where it contains one and by blanks otherwise.
    pub fn run(&self, spool: Box<dyn Operations>, verb: Verb, line: &str) -> Answer {
        let split = if line.contains('¦') { '¦' } else { ' ' };
        let words: Vec<OsString> =
            line.split(split).filter(|word| split == '¦' || !word.is_empty()).map(OsString::from).collect();
        self.words(spool, verb, &words)
    }

    /// Runs `verb` with `words`.
    pub fn words(&self, spool: Box<dyn Operations>, verb: Verb, words: &[OsString]) -> Answer {
        let mut spool = Some(spool);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let env = |name: &str| {
            let found = self.env.iter().find(|one| one.0 == name).map(|one| OsString::from(one.1));
            found.or_else(|| (name == "TZ").then(|| OsString::from("UTC")))
        };
        let mut open = |_: Option<&str>, _: Intent| {
            spool.take().ok_or_else(|| Failure::new(FailureKind::Unreachable, "the spool was opened twice"))
        };
        let exit = verb(
            words,
            &mut Shell {
                out: &mut out,
                err: &mut err,
                input: &mut Bytes::new(self.input.as_bytes()),
                out_is_terminal: false,
                err_is_terminal: false,
                input_is_terminal: self.at_terminal,
                terminal: None,
                env: &env,
                cwd: self.cwd.clone(),
                now_ms: 1_795_251_600_000,
                open: &mut open,
            },
        );
        Answer { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }
}

/// Runs `verb` on `fake` in the usual world.
pub fn run(fake: &Fake, verb: Verb, line: &str) -> Answer {
    World::default().run(Box::new(fake.clone()), verb, line)
}

/// A spool with `jobs`.
pub fn with(jobs: Vec<JobStatus>) -> Fake {
    let fake = Fake::default();
    fake.0.borrow_mut().jobs = jobs;
    fake
}
