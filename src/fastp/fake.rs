//! A spool in memory, for the tests of the print process: it keeps the rules of the seam and a record of every call.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

mod engine;

use super::Timing;
use super::device::connection_settings::ConnectionSettings;
use super::process::run::run_with;
use crate::model::device::{ConnectionInUse, DeviceSettings, DeviceUri, Exclusive};
use crate::model::job::{Format, RawPath, Transfer};
use crate::model::request::{DeviceRequest, OpenRequest};
use crate::model::separation::HeaderPages;
use crate::model::state::{Delivery, DeviceWish, ErrorNote};
use crate::model::{
    DeviceId, DeviceName, DocumentId, EntryId, Failure, FailureKind, JobId, JobNumber, ProcessName, RequestId,
};
use crate::spool::disk::paths::Base;
use crate::spool::interface::engine::{Claim, ClaimedDocument, DeviceOrder, Paper, Remembered};
use crate::sys::{files, wake};

/// What a test wants of the connection settings of its devices, by address: every test has its own addresses.
static ALTERED: Mutex<Vec<(DeviceUri, Alteration)>> = Mutex::new(Vec::new());

type Alteration = Box<dyn Fn(&mut ConnectionSettings) + Send>;

/// The connection settings of a device, as its test wants them.
pub fn altered(mut settings: ConnectionSettings) -> ConnectionSettings {
    if let Some((_, alter)) = ALTERED.lock().unwrap().iter().find(|(uri, _)| *uri == settings.uri) {
        alter(&mut settings);
    }
    settings
}

/// How long a test waits for what must happen.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Printer {
    pub name: DeviceName,
    pub settings: DeviceSettings,
    pub wish: DeviceWish,
    pub error: Option<ErrorNote>,
    pub stopped_by_error: bool,
    pub paper: Paper,
    pub remembered: Remembered,
    pub connection: Option<ConnectionInUse>,
    pub queue: VecDeque<Claim>,
    pub claimed: Option<Claim>,
    pub transferred: Vec<Claim>,
    pub done: Vec<(u32, Delivery)>,
    /// What is asked of it, or of its running attempt.
    pub asked: Vec<OpenRequest>,
}

impl Printer {
    /// When RESTART starts it again.
    pub fn restart_at_ms(&self) -> Option<i64> {
        let waits = self.stopped_by_error && self.settings.restart > 0;
        self.error.as_ref().filter(|_| waits).and_then(|error| error.next_try_ms)
    }

    /// An error without a next try stops it.
    fn fail(&mut self, mut error: ErrorNote, now_ms: i64) {
        if self.wish == DeviceWish::Started && error.next_try_ms.is_none() {
            self.wish = DeviceWish::Stopped;
            self.stopped_by_error = true;
            let interval = i64::from(self.settings.restart) * 1000;
            error.next_try_ms = (interval > 0).then(|| now_ms + interval);
        }
        self.error = Some(error);
    }

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
    /// How many reports each transaction recorded.
    pub transactions: Vec<usize>,
    /// How often it was asked what is wanted of one device.
    pub looks: u32,
    pub epoch: u64,
    pub running: bool,
    pub newer_schema: bool,
    /// So many ends of attempts fail before one succeeds.
    pub failing: u32,
    /// Calls that fail once each, with this kind of failure; none = they panic.
    pub faults: Vec<(&'static str, Option<FailureKind>)>,
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
            stopped_by_error: false,
            paper: Paper::Top,
            remembered: Remembered::default(),
            connection: None,
            queue: VecDeque::new(),
            claimed: None,
            transferred: Vec::new(),
            done: Vec::new(),
            asked: Vec::new(),
        });
        state.printers.len() - 1
    }

    /// Opens `device` with other settings than its URI alone.
    pub fn connection_settings(&self, device: usize, alter: impl Fn(&mut ConnectionSettings) + Send + 'static) {
        let uri = self.state().printers[device].settings.uri.clone().unwrap();
        let mut altered = ALTERED.lock().unwrap();
        altered.retain(|(known, _)| *known != uri);
        altered.push((uri, Box::new(alter)));
    }

    /// A document with these octets in the server's directory.
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
            sealed: None,
            format,
            format_origin: Default::default(),
            copies: 1,
            features: Vec::new(),
            selected: None,
            origin: None,
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
            font: Vec::new(),
            batch: None,
            begun: None,
            begun_separation: None,
            name: format!("job {number}"),
            location: "#OFFICE.FRONT".into(),
            form: String::new(),
            owner: "ann".into(),
            asks: None,
            possible_duplicate: false,
            paper: Paper::Top,
            more: true,
        };
        state.printers[device].queue.push_back(claim);
        number
    }

    pub fn text(&self, device: usize, text: &str) -> u32 {
        let document = self.document(text.as_bytes(), Format::Text);
        self.submit(device, vec![document])
    }

    /// Asks something of a device.
    pub fn ask(&self, device: usize, what: DeviceRequest) {
        self.put(device, what);
        self.wake();
    }

    /// Asks something of a device, and wakes nobody.
    pub fn put(&self, device: usize, what: DeviceRequest) {
        let mut state = self.state();
        let id = RequestId(state.record.len() as i64);
        state.printers[device].asked.push(OpenRequest { id, what });
    }

    /// Starts the print process for what is asked of a device.
    pub fn start_asked(self: &Arc<Self>, device: usize, what: DeviceRequest) -> JoinHandle<Result<(), Failure>> {
        self.put(device, what);
        self.start()
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
        std::thread::spawn(move || run_with(fake.clone(), &fake.base, &fake.process, Duration::ZERO, timing, |_| None))
    }

    /// Runs the print process until it goes dormant.
    pub fn run(self: &Arc<Self>) {
        self.start().join().unwrap().unwrap();
    }

    pub fn output(&self) -> (String, PathBuf) {
        let path = self.dir.path().join("lp.out");
        (format!("file://{}", path.display()), path)
    }

    pub fn order_of(state: &State, n: usize) -> Option<DeviceOrder> {
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
            asked: printer.asked.iter().find(|asked| asked.what == DeviceRequest::Align).copied(),
            restart_at_ms: printer.restart_at_ms(),
            connection: printer.connection.clone(),
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
        claim.more = !printer.queue.is_empty();
        printer.claimed = Some(claim.clone());
        state.record.push(format!("claim {}", claim.number));
        Some(claim)
    }

    /// Fails if this call is to fail now.
    fn fault(&self, call: &str) -> Result<(), Failure> {
        let mut state = self.state();
        let Some(place) = state.faults.iter().position(|(name, _)| *name == call) else { return Ok(()) };
        let (_, kind) = state.faults.remove(place);
        self.note(&mut state, format!("fault in {call}"));
        drop(state);
        Err(Failure::new(kind.unwrap_or_else(|| panic!("a panic in {call}, as the test wants")), "as the test wants"))
    }

    fn note(&self, state: &mut State, line: String) {
        state.record.push(line);
        self.changed.notify_all();
    }
}
