//! A spool for tests: it has fixed objects and records what it is asked.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::commands::shell::{Exit, Intent, Shell};
use crate::model::access::Access;
use crate::model::authority::UserLimits;
use crate::model::candidate::{KnownName, NameKind};
use crate::model::collector::{CollectorState, CollectorStatus};
use crate::model::device::{DeviceSettings, DeviceStatus, RunningJob};
use crate::model::job::{BatchResult, DocumentStatus, Format, JobStatus, Occurrence, RawPath, Transfer};
use crate::model::location::{Destination, FontStatus, LocationStatus};
use crate::model::order::Priority;
use crate::model::process::ProcessStatus;
use crate::model::query::{Cursor, Page};
use crate::model::queue::QueueItem;
use crate::model::request::{Answer, Cleared};
use crate::model::state::{DeviceState, DeviceWish, EntryState, ErrorNote, HoldReasons, JobState, ProcessState};
use crate::model::why::{Cause, Why};
use crate::model::*;
use crate::spool::interface::operations::{Carrier, Operations, Reply, Request};
use crate::spool::interface::records::{
    DeviceCounts, Event, JobSummary, Removal, SpoolStatus, SpoolerState, Statistics,
};

use crate::commands::spoolcom::runner::Runner;
use crate::commands::spoolcom::session::Session;

/// 21 November 2026, 09:06:16 UTC.
pub const NOW: i64 = 1_795_251_976_000;

/// The objects of the spool, and what happened to them.
#[derive(Default)]
pub struct World {
    pub devices: Vec<DeviceStatus>,
    pub processes: Vec<ProcessStatus>,
    pub locations: Vec<LocationStatus>,
    pub collectors: Vec<CollectorStatus>,
    pub doors: Vec<crate::model::object::ObjectStatus>,
    pub jobs: Vec<JobStatus>,
    /// What waits for any device.
    pub queue: Vec<QueueItem>,
    /// Every request that changes something, in order.
    pub changes: Vec<Request>,
    /// How the spool was opened.
    pub opened: Vec<(Option<String>, Intent)>,
    /// The states that the next waits for OFFLINE find.
    pub waits: Vec<DeviceStatus>,
    /// What every change fails with.
    pub failure: Option<Failure>,
    /// What opening fails with.
    pub closed: Option<Failure>,
    /// What devices lack to be started.
    pub unready: Vec<Failure>,
    /// The holds that START leaves.
    pub remaining: HoldReasons,
}

struct Fake(Rc<RefCell<World>>);

fn looks(request: &Request) -> bool {
    use Request as R;
    matches!(
        request,
        R::About {}
            | R::Collectors { .. }
            | R::Collector { .. }
            | R::ResolveDestination { .. }
            | R::Statistics {}
            | R::JobSummary {}
            | R::DeviceSummary {}
            | R::DemandRight { .. }
            | R::UnreadyDevices {}
            | R::Processes { .. }
            | R::Process { .. }
            | R::Devices { .. }
            | R::Device { .. }
            | R::KnownDevice { .. }
            | R::Gather { .. }
            | R::DeviceQueue { .. }
            | R::AwaitOffline { .. }
            | R::AwaitStanding { .. }
            | R::Locations { .. }
            | R::Names { .. }
            | R::Jobs { .. }
            | R::Job { .. }
            | R::Occurrences { .. }
            | R::AwaitStopped { .. }
            | R::AwaitAnswer { .. }
            | R::Fonts { .. }
            | R::Objects { .. }
            | R::Events { .. }
            | R::Groups { .. }
            | R::Why { .. }
            | R::Forecast { .. }
            | R::StopOf { .. }
            | R::Record { .. }
            | R::Duplicates { .. }
            | R::AwaitChange { .. }
    )
}

impl Carrier for Fake {
    fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
        let mut world = self.0.borrow_mut();
        if !looks(&request) {
            world.changes.push(request.clone());
            if let Some(failure) = &world.failure {
                return Err(failure.clone());
            }
        }
        let lost = |what: String| Failure::not_found(what);
        Ok(match request {
            Request::About {} => Reply::About(about()),
            Request::Collectors { after } => {
                Reply::Collectors(page(&world.collectors, |one| after.as_ref().is_none_or(|after| one.name > *after)))
            }
            Request::Objects { class: crate::model::object::ObjectClass::Door, name, .. } => {
                let is_it =
                    |one: &&crate::model::object::ObjectStatus| name.as_ref().is_none_or(|name| one.name == *name);
                let rows: Vec<_> = world.doors.iter().filter(is_it).cloned().collect();
                if let Some(name) = name.filter(|_| rows.is_empty()) {
                    return Err(lost(format!("door {name}")));
                }
                Reply::Objects(crate::model::object::ObjectPage { rows, next: None })
            }
            Request::Objects { .. } => {
                Reply::Objects(crate::model::object::ObjectPage { rows: Vec::new(), next: None })
            }
            Request::Collector { name } => {
                let found = world.collectors.iter().find(|one| one.name == name);
                Reply::Collector(found.cloned().ok_or_else(|| lost(format!("collector ${name}")))?)
            }
            Request::ChangeCollector { .. } => Reply::ChangeCollector(()),
            Request::StartCollector { .. } => Reply::StartCollector(()),
            Request::DrainCollector { .. } => Reply::DrainCollector(CollectorState::Dormant),
            Request::DeleteCollector { .. } => Reply::DeleteCollector(()),
            Request::Statistics {} => {
                Reply::Statistics(Statistics { jobs: 3, jobs_collected: 912, ..Default::default() })
            }
            Request::JobSummary {} => {
                Reply::JobSummary(JobSummary { printing: 1, ready: 1, hold: 1, ..Default::default() })
            }
            Request::DeviceSummary {} => {
                let mut counts = DeviceCounts::default();
                world.devices.iter().for_each(|one| *counts.of(&one.state) += 1);
                Reply::DeviceSummary(counts)
            }
            Request::DemandRight { .. } => Reply::DemandRight(()),
            Request::SetErrorLog { .. } => Reply::SetErrorLog(()),
            Request::Dump { .. } => Reply::Dump(()),
            Request::StartSpooler {} => Reply::StartSpooler(()),
            Request::UnreadyDevices {} => Reply::UnreadyDevices(world.unready.clone()),
            Request::DrainSpooler {} => Reply::DrainSpooler(()),
            Request::SetManagerAccess { .. } => Reply::SetManagerAccess(()),
            Request::SetFastcnfg { .. } => Reply::SetFastcnfg(()),
            Request::SetAccess { .. } => Reply::SetAccess(()),
            Request::SetUserLimit { .. } => Reply::SetUserLimit(()),
            Request::SetReserve { .. } => Reply::SetReserve(()),
            Request::ChangeProcess { .. } => Reply::ChangeProcess(()),
            Request::StartProcess { .. } => Reply::StartProcess(()),
            Request::DeleteProcess { .. } => Reply::DeleteProcess(()),
            Request::Processes { after } => {
                Reply::Processes(page(&world.processes, |one| after.as_ref().is_none_or(|after| one.name > *after)))
            }
            Request::Process { name } => {
                let found = world.processes.iter().find(|one| one.name == name);
                Reply::Process(found.cloned().ok_or_else(|| lost(format!("print process ${name}")))?)
            }
            Request::ChangeDevice { .. } => Reply::ChangeDevice(()),
            Request::StartDevice { .. } => Reply::StartDevice(()),
            Request::SuspendDevice { .. } => Reply::SuspendDevice(()),
            Request::DrainDevice { name } => Reply::DrainDevice(
                world.devices.iter().find(|one| one.name == name).map_or(DeviceState::Offline, |one| one.state.clone()),
            ),
            Request::AwaitOffline { .. } => Reply::AwaitOffline(world.waits.remove(0)),
            Request::AwaitStanding { .. } => Reply::AwaitStanding(true),
            Request::DeleteDevice { .. } => Reply::DeleteDevice(()),
            Request::ClearDevice { .. } => {
                Reply::ClearDevice(Cleared { job: Some(number(7)), gone: Some(4711), running: true })
            }
            Request::NextJob { .. } => Reply::NextJob(()),
            Request::AskDevice { .. } => Reply::AskDevice(RequestId(1)),
            Request::AwaitAnswer { .. } => Reply::AwaitAnswer(Answer::Requested),
            Request::Devices { after } => {
                Reply::Devices(page(&world.devices, |one| after.as_ref().is_none_or(|after| one.name > *after)))
            }
            Request::Gather { .. } => Reply::Gather(()),
            Request::KnownDevice { name } => {
                Reply::KnownDevice(world.devices.iter().find(|one| one.name.key() == name.key()).cloned())
            }
            Request::Device { name } => {
                let found = world.devices.iter().find(|one| one.name.key() == name.key());
                Reply::Device(found.cloned().ok_or_else(|| lost(format!("device {}", name.guardian())))?)
            }
            Request::DeviceQueue { limit, .. } => {
                let rows: Vec<QueueItem> = world.queue.iter().take(limit as usize).cloned().collect();
                let next = (rows.len() < world.queue.len()).then(|| Cursor { key: Vec::new(), job: JobId(0) });
                Reply::DeviceQueue(Page { rows, next })
            }
            Request::RouteLocation { pattern, .. } => {
                Reply::RouteLocation(u32::from(!matches!(pattern, LocationPattern::EveryGroup(_))))
            }
            Request::SetContent { pattern, .. } => {
                Reply::SetContent(u32::from(!matches!(pattern, LocationPattern::EveryGroup(_))))
            }
            Request::ResolveDestination { name } => {
                let found = world.locations.iter().find(|one| one.name.to_string() == name);
                let found = found.ok_or_else(|| lost(format!("destination {name}")))?;
                Reply::ResolveDestination(Destination::Location(found.name.clone()))
            }
            Request::LinkJob { .. } => Reply::LinkJob(()),
            Request::UnlinkJob { .. } => Reply::UnlinkJob(()),
            Request::ChangeBatch { .. } => Reply::ChangeBatch(BatchResult::default()),
            Request::SetFont { pattern, .. } => {
                Reply::SetFont(u32::from(!matches!(pattern, LocationPattern::EveryGroup(_))))
            }
            Request::DefineFont { .. } => Reply::DefineFont(()),
            Request::DeleteFont { .. } => Reply::DeleteFont(()),
            Request::Fonts { after } => Reply::Fonts(match after {
                None => vec![FontStatus { name: "LOGO".parse().unwrap(), job: number(8) }],
                Some(_) => Vec::new(),
            }),
            Request::SetBroadcast { .. } => Reply::SetBroadcast(()),
            Request::DeleteLocation { .. } => Reply::DeleteLocation(1),
            Request::Groups { .. } => Reply::Groups(Vec::new()),
            Request::Names { kind, .. } => Reply::Names(names(&world, kind)),
            Request::Locations { pattern, after } => Reply::Locations(page(&world.locations, |one| {
                after.as_ref().is_none_or(|after| one.name > *after)
                    && match &pattern {
                        None => true,
                        Some(LocationPattern::One(name)) => one.name == *name,
                        Some(LocationPattern::Group(group)) => one.name.group == *group,
                        Some(LocationPattern::EveryGroup(dest)) => one.name.dest == *dest,
                    }
            })),
            Request::Jobs { after, limit, .. } => {
                let behind =
                    |number: i64| world.jobs.iter().filter(|job| i64::from(job.number.get()) <= number).count();
                let first = after.map_or(0, |cursor: Cursor| {
                    cursor.key.first().map_or(cursor.job.0 as usize, |number| behind(*number))
                });
                let rows: Vec<JobStatus> = world.jobs.iter().skip(first).take(limit as usize).cloned().collect();
                let end = first + rows.len();
                let next = (end < world.jobs.len()).then(|| Cursor { key: Vec::new(), job: JobId(end as i64) });
                Reply::Jobs(Page { rows, next })
            }
            Request::Job { job } => {
                let found = world.jobs.iter().find(|one| JobRef::Number(one.number) == job);
                Reply::Job(found.cloned().ok_or_else(|| lost(format!("job {job}")))?)
            }
            Request::Occurrences { .. } => Reply::Occurrences(vec![Occurrence {
                destination: destination("#OFFICE.FRONT"),
                device: Some("LP1".parse().unwrap()),
                sequence: Some(1),
                state: EntryState::Claimed,
                copy: 1,
                attempt: 1,
                gone: None,
            }]),
            Request::Events { after: 0, .. } => Reply::Events(vec![Event {
                id: 1,
                at_ms: NOW,
                who: "ann".into(),
                what: "declared".into(),
                detail: None,
                why: String::new(),
            }]),
            Request::Events { .. } => Reply::Events(Vec::new()),
            Request::Why { job } => {
                let found = world.jobs.iter().find(|one| JobRef::Number(one.number) == job);
                let found = found.ok_or_else(|| lost(format!("job {job}")))?;
                let causes = vec![Cause::NothingKnown];
                Reply::Why(Why { job: found.global.clone(), number: found.number, causes })
            }
            Request::StopOf { name } => {
                let found = world.devices.iter().find(|one| one.name == name).cloned();
                Reply::StopOf(crate::model::forecast::Stop {
                    device: found.ok_or_else(|| lost(format!("device {}", name.guardian())))?,
                    first: None,
                    owners: Vec::new(),
                    pages: None,
                    locations: Vec::new(),
                    backups: Vec::new(),
                    others: Vec::new(),
                })
            }
            Request::AlterJob { .. } => Reply::AlterJob(()),
            Request::AwaitStopped { job, .. } => {
                let found = world.jobs.iter().find(|one| JobRef::Number(one.number) == job);
                let found = found.cloned().ok_or_else(|| lost(format!("job {job}")))?;
                Reply::AwaitStopped(JobStatus { state: JobState::Held, ..found })
            }
            Request::HoldJob { .. } => Reply::HoldJob(()),
            Request::StartJob { .. } => Reply::StartJob(world.remaining),
            Request::DeleteJob { job, .. } => {
                world.jobs.retain(|one| JobRef::Number(one.number) != job);
                Reply::DeleteJob(Removal::Gone)
            }
            other => return Err(Failure::internal(format!("not part of the fake: {other:?}"))),
        })
    }
}

fn page<T: Clone>(all: &[T], wanted: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| wanted(one)).take(1000).cloned().collect()
}

/// What a run printed, and how it ended.
pub struct Ran {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit: {:?}\n--- out\n{}--- err\n{}", self.exit, self.out, self.err)
    }
}

/// Runs `spoolcom` with `words` on `world`; standard input is `input`.
pub fn run_with(world: &Rc<RefCell<World>>, words: &[&str], terminal: bool, input: &str) -> Ran {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut open = |spooler: Option<&str>, intent: Intent| -> Result<Box<dyn Operations>, Failure> {
        let mut inside = world.borrow_mut();
        inside.opened.push((spooler.map(str::to_owned), intent));
        match &inside.closed {
            Some(failure) => Err(failure.clone()),
            None => Ok(Box::new(Fake(Rc::clone(world)))),
        }
    };
    let exit = super::run(
        &words,
        &mut Shell {
            out: &mut out,
            err: &mut err,
            input: &mut input.as_bytes(),
            out_is_terminal: terminal,
            err_is_terminal: terminal,
            input_is_terminal: false,
            terminal: None,
            env: &|name| (name == "TZ").then(|| "UTC".into()),
            cwd: std::env::temp_dir(),
            now_ms: NOW,
            open: &mut open,
        },
    );
    Ran { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// Makes a spool on `world`.
pub fn spool(world: &Rc<RefCell<World>>) -> Box<dyn Operations> {
    Box::new(Fake(Rc::clone(world)))
}

/// Runs `sit` with a runner on `world`, as the prompt does.
pub fn at_prompt(world: &Rc<RefCell<World>>, sit: impl FnOnce(&RefCell<Runner<'_, '_>>) -> Exit) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut open = |spooler: Option<&str>, intent: Intent| -> Result<Box<dyn Operations>, Failure> {
        let mut inside = world.borrow_mut();
        inside.opened.push((spooler.map(str::to_owned), intent));
        inside.closed.clone().map_or_else(|| Ok(spool(world)), Err)
    };
    let session = Session {
        form: crate::commands::health::Form::Lines,
        test_page: false,
        since: None,
        undo: false,
        follow: false,
        spool: None,
        out: &mut out,
        err: &mut err,
        err_is_terminal: true,
        cwd: std::env::temp_dir(),
        now_ms: NOW,
        zone: jiff::tz::TimeZone::UTC,
        json: false,
        patience: std::time::Duration::from_secs(60),
        wait: true,
        from_shell: false,
        interrupted: || false,
        broken: false,
        gathers: false,
        declared: false,
        output_failed: false,
        current: Default::default(),
        supervisor: crate::commands::spoolcom::displays::SUPERVISOR.to_owned(),
    };
    let exit = sit(&RefCell::new(Runner::new(session, &mut open, None, &|_| Ok(None))));
    Ran { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

pub fn about() -> SpoolStatus {
    SpoolStatus {
        spool_id: "5f3a".into(),
        server: "acme1".parse().unwrap(),
        base: RawPath("/var/spool/pd".into()),
        state: SpoolerState::Active,
        creator_uid: 1000,
        manager_access: false,
        fastcnfg: RawPath("/var/spool/pd/FASTCNFG".into()),
        error_log: None,
        collectors: vec![("S".parse().unwrap(), CollectorState::Active)],
        jobs: 3,
        open_jobs: 0,
        printing_jobs: 1,
        transferred_jobs: 0,
        prints: true,
        devices: 2,
        locations: 2,
        processes: 1,
        last_error: None,
        space: Default::default(),
        deliveries: Default::default(),
        limits: UserLimits::default(),
        access: Access::default(),
        given: Vec::new(),
    }
}

pub fn collector(name: &str, state: CollectorState) -> CollectorStatus {
    let mut status = CollectorStatus {
        name: name.parse().unwrap(),
        state,
        file: Some("$SYSTEM.SYSTEM.CSPOOL".into()),
        kept: Default::default(),
        open_jobs: 0,
        used: 37 << 20,
        total: 100 << 20,
    };
    for (word, value) in [("CPU", "3"), ("BACKUP", "10"), ("DATA", "$DATA1.SPOOL.SDATA"), ("DEBUG", "")] {
        status.kept.keep(crate::model::kept::KeptWord { word: word.into(), value: value.into() });
    }
    status
}

pub fn number(n: u32) -> JobNumber {
    JobNumber::new(n).unwrap()
}

pub fn device(name: &str, state: DeviceState) -> DeviceStatus {
    let running = match &state {
        DeviceState::Printing(job) => Some(RunningJob {
            job: *job,
            name: "SALES REPORT".into(),
            document: 1,
            documents: 2,
            copies: 3,
            copy: 1,
            octets: 4096,
            total_octets: 12_000,
            since_ms: NOW - 60_000,
            stalled: None,
        }),
        _ => None,
    };
    let error = match &state {
        DeviceState::DevError(number) => Some(ErrorNote {
            number: *number,
            text: "not ready".into(),
            since_ms: NOW - 5000,
            next_try_ms: Some(NOW + 5000),
            tries: 2,
        }),
        _ => None,
    };
    DeviceStatus {
        id: DeviceId(1),
        name: name.parse().unwrap(),
        settings: DeviceSettings {
            process: Some("SPLA".parse().unwrap()),
            uri: Some("file:///tmp/lp1.out".parse().unwrap()),
            ..DeviceSettings::default()
        },
        wish: if state == DeviceState::Offline { DeviceWish::Stopped } else { DeviceWish::Started },
        state,
        pause_next: false,
        open: false,
        opens: 3,
        connection: None,
        stopped_by_error: false,
        trouble: None,
        error,
        process_trouble: None,
        rate: None,
        running,
        awaits: None,
        process_state: ProcessState::Active,
        waiting: 2,
        awaits_process: false,
        access: Access::default(),
        given: Vec::new(),
    }
}

pub fn process(name: &str, state: ProcessState) -> ProcessStatus {
    ProcessStatus {
        kept: Default::default(),
        id: ProcessId(1),
        name: name.parse().unwrap(),
        file: Some("fastp".into()),
        parm: 0,
        state,
        error: None,
        epoch: 4,
        pid: (state == ProcessState::Active).then_some(4711),
        circumstances: Vec::new(),
    }
}

fn location_name(name: &str) -> LocationName {
    match name.parse().unwrap() {
        LocationPattern::One(name) => name,
        _ => panic!("{name}"),
    }
}

pub fn location(name: &str, device: Option<&str>) -> LocationStatus {
    LocationStatus {
        group_given: Vec::new(),
        group_paused: false,
        font: None,
        id: LocationId(1),
        name: location_name(name),
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

fn destination(name: &str) -> Destination {
    Destination::Location(location_name(name))
}

pub fn job(n: u32, state: JobState) -> JobStatus {
    JobStatus {
        batch: None,
        id: JobId(i64::from(n)),
        number: number(n),
        local: LocalJobId(n),
        global: GlobalJobId { server: "acme1".parse().unwrap(), serial: Serial(1_021_904_400 + u64::from(n)) },
        name: "SALES REPORT".into(),
        owner: "ann".into(),
        owner_uid: 1000,
        owner_gid: 100,
        user_name: "ann@acme1".into(),
        destination: destination("#OFFICE.FRONT"),
        route: RouteId(1),
        state,
        printed: false,
        reasons: if state == JobState::Held { HoldReasons(1) } else { HoldReasons::NONE },
        reason_text: None,
        priority: Priority::default(),
        form: String::new(),
        hold_after: false,
        lifetime: crate::model::lifetime::Lifetime::default(),
        ended: None,
        copies: 1,
        total_octets: 12_000,
        pages: (n % 2 == 1).then_some(12),
        created_ms: NOW - 3_600_000 * i64::from(n),
        closed_ms: None,
        process: None,
        started_ms: None,
        devices: Vec::new(),
        assigned: None,
        intervening: Some(0),
        documents: vec![DocumentStatus {
            id: DocumentId(1),
            sequence: 1,
            file_name: RawPath("sales.txt".into()),
            path: RawPath("/var/spool/pd/acme1/pdpr7kQ2aX".into()),
            server: "acme1".into(),
            transfer: Transfer::Copy,
            format: Format::Text,
            format_origin: Default::default(),
            octets: 12_000,
            pages: None,
            lines: Some(200),
            copies: 1,
            given: Vec::new(),
        }],
        given: Vec::new(),
        collector: None,
        data_file: None,
        away: None,
    }
}

/// Makes a job that waits for a device, in this place or passed over.
pub fn waits(n: u32, sequence: Option<u32>) -> QueueItem {
    let mut job = job(n, JobState::Ready);
    if sequence.is_none() {
        job.form = "CHEQUES".into();
    }
    QueueItem { sequence, job, estimate_ms: Some(119_001), begun: sequence == Some(1), broadcast: sequence == Some(2) }
}

/// Names of the world, whatever they begin with.
fn names(world: &World, kind: NameKind) -> Vec<KnownName> {
    let location = |one: &LocationStatus| KnownName::plain(one.name.to_string().trim_start_matches('#'));
    match kind {
        NameKind::Device => world.devices.iter().map(|one| KnownName::plain(&one.name)).collect(),
        NameKind::Process => world.processes.iter().map(|one| KnownName::plain(&one.name)).collect(),
        NameKind::Collector => world.collectors.iter().map(|one| KnownName::plain(&one.name)).collect(),
        NameKind::Location => world.locations.iter().map(location).collect(),
        NameKind::JobNumber => {
            let job = |one: &JobStatus| KnownName { name: one.number.to_string(), note: one.name.clone() };
            world.jobs.iter().map(job).collect()
        }
        _ => Vec::new(),
    }
}

/// Makes a world of two devices, a process, two locations and three jobs.
pub fn world() -> Rc<RefCell<World>> {
    let mut fast = device("FAST.#TRAY2", DeviceState::DevError(100));
    fast.settings.form = "INVOICE A4".into();
    fast.settings.fifo = true;
    Rc::new(RefCell::new(World {
        devices: vec![fast, device("LP1", DeviceState::Printing(number(7))), device("OLD", DeviceState::Offline)],
        processes: vec![process("SPLA", ProcessState::Active), process("SPLB", ProcessState::Dormant)],
        locations: vec![location("#HOLD.DEFAULT", None), location("#OFFICE.FRONT", Some("LP1"))],
        collectors: vec![collector("S", CollectorState::Active), collector("S1", CollectorState::Error(43))],
        doors: Vec::new(),
        queue: vec![waits(2, Some(1)), waits(9, None)],
        jobs: vec![job(2, JobState::Ready), job(7, JobState::Printing), job(31, JobState::Held)],
        ..World::default()
    }))
}
