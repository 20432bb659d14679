//! A spool in memory, for the tests of the print process: it keeps the rules of the seam and a record of every call.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Timing;
use super::run::run_with;
use crate::model::device::{DeviceSettings, Exclusive};
use crate::model::job::{Format, RawPath, Transfer};
use crate::model::separation::{HeaderPages, Separation};
use crate::model::state::{Delivery, DeviceWish, ErrorNote};
use crate::model::time::Moment;
use crate::model::{
    DeviceId, DeviceName, DocumentId, EntryId, Failure, FailureKind, JobId, JobNumber, ProcessId, ProcessName,
};
use crate::spool::engine::{
    AttemptEnd, AttemptWish, Claim, ClaimedDocument, DeviceOrder, Engine, FilePosition, Lease, Observation, Paper,
    Settlement,
};
use crate::spool::paths::Base;
use crate::sys::{files, wake};

/// How long a test waits for what must happen.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Printer {
    pub name: DeviceName,
    pub settings: DeviceSettings,
    pub wish: DeviceWish,
    pub error: Option<ErrorNote>,
    pub paper: Paper,
    pub queue: VecDeque<Claim>,
    pub claimed: Option<Claim>,
    pub transferred: Vec<Claim>,
    pub done: Vec<(u32, Delivery)>,
}

impl Printer {
    /// Puts a job back to its place.
    fn give_back(&mut self, claim: Claim) {
        self.queue.push_back(claim);
        self.queue.make_contiguous().sort_by_key(|claim| claim.number);
    }
}

#[derive(Default)]
pub struct State {
    pub printers: Vec<Printer>,
    /// Every call that changed something, in order.
    pub record: Vec<String>,
    pub epoch: u64,
    pub running: bool,
    pub newer_schema: bool,
    /// So many ends of attempts fail before one succeeds.
    pub failing: u32,
    pub stop: Vec<u32>,
    jobs: u32,
}

impl State {
    pub fn count(&self, what: &str) -> usize {
        self.record.iter().filter(|line| line.contains(what)).count()
    }
    pub fn place(&self, what: &str) -> usize {
        self.record.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {:?}", self.record))
    }
}

pub struct Fake {
    state: Mutex<State>,
    changed: Condvar,
    pub dir: tempfile::TempDir,
    pub base: Base,
    pub process: ProcessName,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path().join("base"));
        std::fs::create_dir_all(base.run()).unwrap();
        std::fs::create_dir_all(base.root().join("acme")).unwrap();
        let process = "SPLA".parse().unwrap();
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), dir, base, process })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn device(&self, uri: &str, exclusive: Exclusive) -> usize {
        let mut state = self.state();
        let settings = DeviceSettings {
            uri: Some(uri.parse().unwrap()),
            exclusive,
            retry: 0,
            header: HeaderPages::Off,
            ..Default::default()
        };
        let name = format!("LP{}", state.printers.len());
        state.printers.push(Printer {
            name: name.parse().unwrap(),
            settings,
            wish: DeviceWish::Started,
            error: None,
            paper: Paper::Top,
            queue: VecDeque::new(),
            claimed: None,
            transferred: Vec::new(),
            done: Vec::new(),
        });
        state.printers.len() - 1
    }

    /// A document with these bytes in the server's directory.
    pub fn document(&self, bytes: &[u8], format: Format) -> ClaimedDocument {
        let path = self.base.root().join("acme").join(files::random_name(8).unwrap());
        std::fs::write(&path, bytes).unwrap();
        self.existing(&path, format, Transfer::Copy)
    }

    /// A link to a file outside.
    pub fn link(&self, target: &Path, format: Format) -> ClaimedDocument {
        let path = self.base.root().join("acme").join(files::random_name(8).unwrap());
        std::os::unix::fs::symlink(target, &path).unwrap();
        self.existing(&path, format, Transfer::Link)
    }

    fn existing(&self, path: &Path, format: Format, transfer: Transfer) -> ClaimedDocument {
        let file = files::open_regular(path).unwrap();
        let identity = files::identity(&file).unwrap();
        ClaimedDocument {
            id: DocumentId(1),
            sequence: 1,
            path: RawPath(path.into()),
            transfer,
            octets: identity.size,
            digest: (identity.size < 1 << 20).then(|| *blake3::hash(&std::fs::read(path).unwrap()).as_bytes()),
            identity,
            format,
            copies: 1,
        }
    }

    pub fn submit(&self, device: usize, mut documents: Vec<ClaimedDocument>) -> u32 {
        for (i, document) in documents.iter_mut().enumerate() {
            document.sequence = i as u32 + 1;
        }
        let mut state = self.state();
        state.jobs += 1;
        let number = state.jobs;
        let claim = Claim {
            entry: EntryId(i64::from(number)),
            job: JobId(i64::from(number)),
            number: JobNumber::new(number).unwrap(),
            device: DeviceId(device as i64),
            attempt: 0,
            documents,
            begun: None,
            begun_separation: None,
            name: format!("job {number}"),
            location: "#OFFICE.FRONT".into(),
            form: String::new(),
            owner: "ann".into(),
            possible_duplicate: false,
            paper: Paper::Top,
        };
        state.printers[device].queue.push_back(claim);
        number
    }

    pub fn text(&self, device: usize, text: &str) -> u32 {
        let document = self.document(text.as_bytes(), Format::Text);
        self.submit(device, vec![document])
    }

    pub fn wake(&self) {
        wake::wake(&self.base.process_socket(&self.process)).unwrap();
    }

    /// Waits until `done` holds.
    pub fn until(&self, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let deadline = Instant::now() + DEADLINE;
        let mut state = self.state();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it did not happen; the record is {:#?}", state.record);
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
        state
    }

    pub fn timing() -> Timing {
        Timing { connect: Duration::from_secs(5), settle: Duration::from_secs(10), ..Timing::default() }
    }

    /// Starts the print process.
    pub fn start(self: &Arc<Self>) -> JoinHandle<Result<(), Failure>> {
        self.start_with(Self::timing())
    }

    pub fn start_with(self: &Arc<Self>, timing: Timing) -> JoinHandle<Result<(), Failure>> {
        let fake = Arc::clone(self);
        std::thread::spawn(move || run_with(fake.clone(), &fake.base, &fake.process, Duration::ZERO, timing))
    }

    /// Runs the print process until it goes dormant.
    pub fn run(self: &Arc<Self>) {
        self.start().join().unwrap().unwrap();
    }

    pub fn output(&self) -> (String, PathBuf) {
        let path = self.dir.path().join("lp.out");
        (format!("file://{}", path.display()), path)
    }

    fn order_of(state: &State, n: usize) -> Option<DeviceOrder> {
        let printer = state.printers.get(n)?;
        Some(DeviceOrder {
            id: DeviceId(n as i64),
            name: printer.name.clone(),
            settings: printer.settings.clone(),
            wish: printer.wish,
            error: printer.error.clone(),
            eligible: !printer.queue.is_empty(),
            claimed: printer.claimed.is_some(),
            transferred: printer.transferred.len() as u32,
            paper: printer.paper,
        })
    }

    fn take(state: &mut State, n: usize) -> Option<Claim> {
        let printer = &mut state.printers[n];
        if let Some(claim) = &printer.claimed {
            return Some(claim.clone());
        }
        if printer.wish != DeviceWish::Started {
            return None;
        }
        let mut claim = printer.queue.pop_front()?;
        claim.attempt += 1;
        claim.paper = printer.paper;
        printer.claimed = Some(claim.clone());
        state.record.push(format!("claim {}", claim.number));
        Some(claim)
    }

    fn note(&self, state: &mut State, line: String) {
        state.record.push(line);
        self.changed.notify_all();
    }
}

fn at(device: DeviceId) -> usize {
    usize::try_from(device.0).unwrap()
}

impl Engine for Fake {
    fn begins(&self, name: &ProcessName, _: u32, _: &Moment) -> Result<Lease, Failure> {
        let mut state = self.state();
        state.epoch += 1;
        state.running = true;
        for printer in &mut state.printers {
            if let Some(claim) = printer.claimed.take() {
                printer.queue.push_front(claim);
            }
        }
        Ok(Lease { process: ProcessId(1), name: name.clone(), epoch: state.epoch })
    }

    fn orders(&self, _: &Lease, _: &Moment) -> Result<Vec<DeviceOrder>, Failure> {
        let state = self.state();
        Ok((0..state.printers.len()).filter_map(|n| Self::order_of(&state, n)).collect())
    }

    fn order(&self, _: &Lease, device: DeviceId, _: &Moment) -> Result<Option<DeviceOrder>, Failure> {
        Ok(Self::order_of(&self.state(), at(device)))
    }

    fn claim(&self, _: &Lease, device: DeviceId, _: &Moment) -> Result<Option<Claim>, Failure> {
        Ok(Self::take(&mut self.state(), at(device)))
    }

    fn attempt_begins(
        &self,
        _: &Lease,
        claim: &Claim,
        at_: &FilePosition,
        separation: &Separation,
        _: &Moment,
    ) -> Result<(), Failure> {
        let mut state = self.state();
        if let Some(claimed) = &mut state.printers[at(claim.device)].claimed {
            claimed.begun = Some(at_.clone());
            claimed.begun_separation = Some(separation.clone());
        }
        self.note(&mut state, format!("begin {} at {}", claim.number, at_.offset));
        Ok(())
    }

    fn attempt_ends(
        &self,
        _: &Lease,
        claim: &Claim,
        end: AttemptEnd,
        claim_next: bool,
        _: &Moment,
    ) -> Result<Option<Claim>, Failure> {
        let mut state = self.state();
        if state.failing > 0 {
            state.failing -= 1;
            return Err(Failure::new(FailureKind::Full, "the disk is full"));
        }
        let n = at(claim.device);
        let printer = &mut state.printers[n];
        let mut mine = printer.claimed.take().expect("an attempt that ended is ended once");
        let number = claim.number.get();
        let line = match end {
            AttemptEnd::Delivered { delivery, octets, paper, remark } => {
                printer.paper = paper;
                if delivery == Delivery::Transferred {
                    printer.transferred.push(mine);
                } else {
                    printer.done.push((number, delivery));
                }
                format!("{} {number} {octets} {}", delivery.word(), remark.unwrap_or_default())
            }
            AttemptEnd::DeviceFailed { error, touched } => {
                let line = format!("failed {number} touched {touched} error {}: {}", error.number, error.text);
                mine.possible_duplicate |= touched;
                if !touched {
                    mine.begun = None;
                }
                printer.error = Some(error);
                printer.give_back(mine);
                line
            }
            AttemptEnd::DataFailed { reason, text, moved, touched } => {
                format!("held {number} {reason:?} touched {touched} moved {}: {text}", moved.is_some())
            }
            AttemptEnd::Stopped { touched } => format!("stopped {number} touched {touched}"),
            AttemptEnd::Abandoned { touched } => {
                printer.give_back(mine);
                format!("abandoned {number} touched {touched}")
            }
        };
        self.note(&mut state, line);
        Ok(if claim_next { Self::take(&mut state, n) } else { None })
    }

    fn attempt_wish(&self, _: &Lease, claim: &Claim) -> Result<AttemptWish, Failure> {
        let stop = self.state().stop.contains(&claim.number.get());
        Ok(if stop { AttemptWish::Stop } else { AttemptWish::Continue })
    }

    fn settle_transferred(&self, _: &Lease, device: DeviceId, how: Settlement, _: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        let printer = &mut state.printers[at(device)];
        let jobs = std::mem::take(&mut printer.transferred);
        let line = match how {
            Settlement::Closed => {
                printer.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Sent)));
                "settled: closed".into()
            }
            Settlement::Released { why } => {
                printer.done.extend(jobs.iter().map(|job| (job.number.get(), Delivery::Transferred)));
                format!("settled: released, {why}")
            }
            Settlement::Reset { why } => {
                jobs.into_iter().for_each(|job| printer.give_back(job));
                format!("settled: reset, {why}")
            }
        };
        self.note(&mut state, line);
        Ok(())
    }

    fn observe(&self, _: &Lease, device: DeviceId, seen: Observation, _: &Moment) -> Result<(), Failure> {
        let mut state = self.state();
        let printer = &mut state.printers[at(device)];
        let line = match seen {
            Observation::Opened { why } => format!("opened: {why}"),
            Observation::Closed { why } => format!("closed: {why}"),
            Observation::Failed(error) => {
                let line = format!("error {} try {}: {}", error.number, error.tries, error.text);
                printer.error = Some(error);
                line
            }
            Observation::Recovered => {
                printer.error = None;
                "recovered".into()
            }
            Observation::Drained => {
                printer.wish = DeviceWish::Stopped;
                "drained".into()
            }
            Observation::Remark { what, why } => format!("remark {what}: {why}"),
        };
        self.note(&mut state, line);
        Ok(())
    }

    fn ends(&self, _: &Lease, _: &str, _: &Moment) -> Result<(), Failure> {
        self.state().running = false;
        Ok(())
    }

    fn goes_dormant(&self, _: &Lease, _: &Moment) -> Result<bool, Failure> {
        let mut state = self.state();
        let busy = state.printers.iter().any(|printer| {
            let due = printer.error.as_ref().is_some_and(|error| error.next_try_ms.is_some());
            let dead = printer.error.as_ref().is_some_and(|error| error.next_try_ms.is_none());
            let work = !printer.queue.is_empty() && !dead;
            printer.wish == DeviceWish::Draining
                || printer.claimed.is_some()
                || !printer.transferred.is_empty()
                || (printer.wish == DeviceWish::Started && (due || work || printer.settings.exclusive == Exclusive::On))
        });
        state.running = busy;
        Ok(!busy)
    }

    fn lease_stands(&self, lease: &Lease) -> Result<bool, Failure> {
        let state = self.state();
        Ok(state.epoch == lease.epoch && !state.newer_schema)
    }
}
