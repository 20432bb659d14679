//! What the process of a door may ask, and nothing else: does a queue take jobs, an empty file, here is a job, what waits, what
//! are printers and jobs like, remove, hold, release.
//!
//! The process parses octets of strangers, so nothing that it says is believed beyond what the door itself is allowed: whose job it
//! is follows from the networks that the door trusts, the rights are those of that user or of nobody, and its settings are read
//! from the spool for each job. Documents are descriptors. The process cannot open a file here, and names none.
//!
//! A channel is a socket; each has a thread. A job is acknowledged on it after it is on disk; a process that is gone by then has
//! told nobody, and when its client tries again, the two are announced ([`crate::spool::jobs`]).

mod logins;
mod opened;
mod printers;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Whence, lseek};

use crate::client::channel::{self, ChannelError};
use crate::model::authority::NOBODY;
use crate::model::door::{
    ClientFault, ClientProof, DoorAsker, DoorDocument, DoorJob, DoorKind, DoorPrinter, DoorQuestion, DoorQueue,
    DoorQueueRow, DoorReply, DoorRequest, DoorSettings, DoorTrouble,
};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{DocumentOffer, JobStatus, RawPath, Submission, Transfer};
use crate::model::location::Destination;
use crate::model::object::{MAX_TEXT, ObjectClass, ObjectName};
use crate::model::order::Priority;
use crate::model::printable::escaped;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::JobState;
use crate::model::{Call, Caller, Failure, FailureKind, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::jobs::by_door::{Proven, take_attributes};
use crate::spool::{Attendant, Local, Spool};
use crate::sys::socket::{self, Deadline};
use crate::sys::{clock, users};
use crate::wire::frame::{self, Kind};

use super::Log;

/// How long a request may take to arrive once it has begun, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long ago a job came at most that another one repeats.
const REPEATED_WITHIN: Duration = Duration::from_secs(600);
/// Characters of a title, and of the name of a user or host.
const MOST_TITLE: usize = 255;
const MOST_NAME: usize = 100;
/// Jobs of one answer about a queue.
const MOST_ROWS: u32 = 1_000;
/// Events that are written of one door in a minute; the counters count all.
const MOST_EVENTS: usize = 20;

/// What was counted of a door since its server has it.
#[derive(Debug, Default)]
pub struct DoorCounters {
    accepted: AtomicU64,
    refused: AtomicU64,
    unfinished: AtomicU64,
    turned_away: AtomicU64,
    repeats: AtomicU64,
    last_refusal: Mutex<Option<String>>,
}

/// What was counted before this server had it.
#[derive(Clone, Copy, Debug, Default)]
struct Before([u64; 5]);

/// What signs with the key of the certificate of a door: a scheme of TLS, and what is signed.
pub type Signer = dyn Fn(u16, &[u8]) -> Option<Vec<u8>> + Send + Sync;

/// What finds out of the certificate of a client, and of the proof, which user it names.
pub type ClientCheck = dyn Fn(&ClientProof) -> Result<String, ClientFault> + Send + Sync;

/// With what the proof of a client begins.
const CLIENT_PROOF: &[u8] = b"TLS 1.3, client CertificateVerify\0";

/// With what the proof of a server begins that TLS 1.3 signs (RFC 8446 §4.4.3), behind 64 blanks.
const PROOF: &[u8] = b"TLS 1.3, server CertificateVerify\0";

/// Whether that is the proof of a handshake, and nothing that a signature could be misused for.
fn is_proof(message: &[u8]) -> bool {
    is_proof_of(PROOF, message)
}

/// The same of one side.
fn is_proof_of(side: &[u8], message: &[u8]) -> bool {
    let digest = message.strip_prefix(&[b' '; 64]).and_then(|rest| rest.strip_prefix(side));
    digest.is_some_and(|digest| matches!(digest.len(), 32 | 48))
}

/// The names of what is counted.
const COUNTED: [&str; 5] = [
    "door-jobs-accepted",
    "door-jobs-refused",
    "door-jobs-unfinished",
    "door-connections-refused",
    "door-duplicates-announced",
];

/// The side of a door that has the spool: it serves the channels of its process.
#[derive(Clone)]
pub struct DoorService {
    shared: Arc<Shared>,
}

struct Shared {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    log: Log,
    name: ObjectName,
    counters: DoorCounters,
    before: Before,
    /// Tokens of jobs whose senders have their acknowledgement.
    proven: Arc<Proven>,
    events: Mutex<VecDeque<Instant>>,
    /// Jobs that arrive in several requests, by number.
    open: Mutex<HashMap<u32, opened::OpenJob>>,
    reported: Mutex<Vec<(&'static str, Value)>>,
    signer: Mutex<Option<Arc<Signer>>>,
    /// When it was seen last what is due in the spool.
    looked: Mutex<Option<Instant>>,
    /// The account of the server. Its groups are looked up once: to do that reads files.
    own: OnceLock<Caller>,
    client_check: Mutex<Option<Arc<ClientCheck>>>,
    logins: Mutex<logins::Logins>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A door with what it is, or why it is none.
pub type KnownDoor = (ObjectName, Result<DoorSettings, Failure>);

/// The doors of a spool, as their keeper finds them.
pub struct Doors {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    log: Log,
}

impl Doors {
    pub(super) fn new(spool: Spool, attendant: Arc<dyn Attendant>, log: Log) -> Self {
        Self { spool, attendant, log }
    }

    /// The name of the server.
    pub fn server(&self) -> String {
        self.spool.server().to_string()
    }

    /// All doors with what they are, or why one is none.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn all(&self) -> Result<Vec<KnownDoor>, Failure> {
        let call = Call::of_spooler(&clock::now());
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.spool.objects(&call, ObjectClass::Door, None, after, MOST_ROWS)?;
            found.extend(page.rows.into_iter().map(|row| {
                let settings = DoorSettings::of(&row.name, &row.attributes);
                (row.name, settings)
            }));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// What serves the process of this door.
    pub fn service(&self, name: &ObjectName) -> DoorService {
        let call = Call::of_spooler(&clock::now());
        let mut before = Before::default();
        if let Ok(page) = self.spool.objects(&call, ObjectClass::Door, Some(name.clone()), None, 1) {
            for attribute in page.rows.iter().flat_map(|row| &row.attributes) {
                if let (Some(place), Some(Value::Integer(n))) =
                    (COUNTED.iter().position(|name| *name == attribute.name), attribute.values.first())
                {
                    before.0[place] = u64::try_from(*n).unwrap_or(0);
                }
            }
        }
        let shared = Shared {
            spool: self.spool.clone(),
            attendant: Arc::clone(&self.attendant),
            log: Arc::clone(&self.log),
            name: name.clone(),
            counters: DoorCounters::default(),
            before,
            proven: Arc::default(),
            events: Mutex::default(),
            open: Mutex::default(),
            reported: Mutex::default(),
            signer: Mutex::default(),
            looked: Mutex::default(),
            own: OnceLock::new(),
            client_check: Mutex::default(),
            logins: Mutex::default(),
        };
        DoorService { shared: Arc::new(shared) }
    }
}

/// A text of the network as one line of at most so many characters.
fn line(text: &str, most: usize) -> String {
    let text: String = escaped(text.trim()).chars().take(most).collect();
    text.trim().to_owned()
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(FailureKind::BadValue, what)
}

/// Who a sender is to the spool, and what he is called.
struct Sender {
    caller: Caller,
    owner: String,
    host: String,
}

impl Shared {
    fn call(&self) -> Call {
        Call::of_spooler(&clock::now())
    }

    fn settings(&self) -> Result<DoorSettings, Failure> {
        let page = self.spool.objects(&self.call(), ObjectClass::Door, Some(self.name.clone()), None, 1)?;
        let row = page.rows.into_iter().next().ok_or_else(|| Failure::not_found(format!("door {}", self.name)))?;
        DoorSettings::of(&row.name, &row.attributes)
    }

    /// Who sends: a user of this machine where the door believes it, and nobody elsewhere.
    fn sender(&self, settings: &DoorSettings, peer: Option<IpAddr>, user: Option<&str>, host: Option<&str>) -> Sender {
        let said = |text: Option<&str>| text.map(|text| line(text, MOST_NAME)).filter(|text| !text.is_empty());
        let address = peer.map(|peer| peer.to_canonical().to_string());
        let host = said(host).or(address).unwrap_or_else(users::host);
        let user = said(user).unwrap_or_else(|| "unknown".to_owned());
        if peer.is_some_and(|peer| settings.trusts(peer))
            && let Some(uid) = users::uid_of(&user)
            && is_somebody(uid)
        {
            let caller = Caller { operator: false, host: host.clone(), ..users::of_uid(uid) };
            return Sender { caller, owner: user, host };
        }
        let caller =
            Caller { uid: NOBODY, user: user.clone(), host: host.clone(), groups: Vec::new(), operator: false };
        Sender { caller, owner: format!("{user}@{host}"), host }
    }

    /// Who sends: the user whom the kernel names, or who has logged on, else what is said.
    ///
    /// # Errors
    /// `Security` where people have to log on and he has not.
    fn sender_of(&self, settings: &DoorSettings, asker: &DoorAsker, host: Option<&str>) -> Result<Sender, Failure> {
        match (asker.uid, &asker.login) {
            // Root has jobs of his own there, as the kernel has named him.
            (Some(uid), _) => Ok(of_machine(uid, !is_our_own(uid))),
            (None, Some(login)) => self.logged_on(&login.0),
            (None, None) if settings.log_on.is_required() => {
                Err(Failure::new(FailureKind::Security, format!("door {}: log on first", self.name)))
            }
            (None, None) => Ok(self.sender(settings, asker.peer, asker.user.as_deref(), host)),
        }
    }

    /// Who has put a file there: the kernel knows.
    fn owner_of(&self, settings: &DoorSettings, file: &OwnedFd, user: Option<&str>) -> Result<Sender, Failure> {
        let uid = fstat(file).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?.st_uid;
        if let Some(user) = user.map(|user| line(user, MOST_NAME)).filter(|user| !user.is_empty()) {
            let sender = self.sender(settings, None, Some(&user), None);
            return Ok(Sender { owner: user, ..sender });
        }
        Ok(of_machine(uid, is_somebody(uid)))
    }

    /// The destination that a sender means.
    fn target(&self, settings: &DoorSettings, queue: &str) -> Result<String, Failure> {
        let same = |alias: &str| alias.eq_ignore_ascii_case(queue);
        if let Some(found) = settings.to.iter().find(|target| target.alias.as_deref().is_some_and(same)) {
            return Ok(found.destination.clone());
        }
        let plain: Vec<&str> = settings
            .to
            .iter()
            .filter(|target| target.alias.is_none())
            .map(|target| target.destination.as_str())
            .collect();
        if let (DoorKind::Raw | DoorKind::Directory, [only]) = (settings.kind, plain.as_slice())
            && queue.is_empty()
        {
            return Ok((*only).to_owned());
        }
        let call = self.call();
        let found = self.spool.resolve(&call, queue);
        if settings.to.is_empty() {
            return found.map(|_| queue.to_owned());
        }
        if let Ok(found) = &found
            && plain.iter().any(|target| self.spool.resolve(&call, target).is_ok_and(|target| target == *found))
        {
            return Ok(queue.to_owned());
        }
        if let Some(any) = settings.to.iter().find(|target| target.alias.as_deref() == Some("*")) {
            return Ok(any.destination.clone());
        }
        let failure = Failure::not_found(format!("destination {} by door {}", line(queue, MOST_NAME), self.name));
        Err(match found {
            Err(unknown) => Failure { hints: unknown.hints, ..failure },
            Ok(_) => failure.hint(format!("pdserver door show {}   says which it has", self.name)),
        })
    }

    fn demand_taking(&self, settings: &DoorSettings, sender: &Sender, queue: &str) -> Result<String, Failure> {
        if settings.drained {
            return Err(Failure::new(FailureKind::State, format!("door {} is drained: it takes no jobs", self.name)));
        }
        let destination = self.target(settings, queue)?;
        self.spool.demand_taking(&Call::of(&sender.caller, &clock::now()), &destination)?;
        Ok(destination)
    }

    fn resolve(&self, queue: &str, peer: Option<IpAddr>) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let sender = self.sender(&settings, peer, None, None);
        self.demand_taking(&settings, &sender, queue)?;
        Ok(DoorReply::Done)
    }

    /// Refuses what is asked in the name of an address alone, where people log on.
    fn demand_unnamed(&self) -> Result<(), Failure> {
        match self.settings()?.log_on.is_possible() {
            true => Err(Failure::new(FailureKind::Security, "people log on at this door: an address is nobody")),
            false => Ok(()),
        }
    }

    fn new_file(&self, octets: Option<u64>) -> Result<(DoorReply, Vec<OwnedFd>), Failure> {
        let settings = self.settings()?;
        let octets = octets.unwrap_or(0);
        if let Some(most) = settings.most_octets.filter(|most| *most < octets) {
            return Err(Failure::new(
                FailureKind::BadValue,
                format!("a document of {octets} octets: door {} takes {most}", self.name),
            ));
        }
        let file = self.spool.new_file(&self.call(), octets)?;
        Ok((DoorReply::File { least_free: self.spool.least_free(&self.call())? }, vec![file.into()]))
    }

    fn submit(&self, (job, shown): (DoorJob, bool), files: Vec<OwnedFd>) -> Result<DoorReply, Failure> {
        if files.is_empty() || files.len() != job.documents.len() {
            return Err(bad("a job needs its documents"));
        }
        let octets = self.demand_files(&files)?;
        let settings = self.settings()?;
        if let Some(most) = settings.most_octets.filter(|most| *most < octets) {
            return Err(bad(format!("a job of {octets} octets: door {} takes {most}", self.name)));
        }
        // Who that is may be asked of a directory service, which no look at the spool waits for.
        let sender = match (settings.kind, files.first()) {
            (DoorKind::Directory, Some(file)) => self.owner_of(&settings, file, job.user.as_deref())?,
            _ => self.sender_of(&settings, &asker_of(&job), job.host.as_deref())?,
        };
        let destination = self.spool.together(|| self.demand_taking(&settings, &sender, &job.queue))?;
        let number = self.take(&settings, &job, (sender, destination), files, None)?;
        let row = shown.then(|| self.shown(&settings, &asker_of(&job), number)).flatten();
        Ok(DoorReply::Accepted { number, row })
    }

    /// Makes sure that documents are files, and returns their octets.
    fn demand_files(&self, files: &[OwnedFd]) -> Result<u64, Failure> {
        let mut octets = 0u64;
        for file in files {
            let meta = fstat(file).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
            if SFlag::from_bits_truncate(meta.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
                return Err(bad("a document that comes by a door is a file"));
            }
            octets = octets.saturating_add(u64::try_from(meta.st_size).unwrap_or(0));
            // The process has written it, so it stands at its end.
            lseek(file, 0, Whence::SeekSet).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
        }
        Ok(octets)
    }

    fn count_accepted(&self, number: u32, repeats: bool) {
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        if repeats {
            self.counters.repeats.fetch_add(1, Ordering::Relaxed);
            (self.log)(&format!("door {}: job {number} is a possible duplicate", self.name));
        }
    }

    /// By which door a job came, and from whom.
    fn from(&self, job: &DoorJob, sender: &Sender) -> String {
        let address = job.peer.map(|peer| peer.to_canonical().to_string());
        match address {
            Some(address) if address != sender.host => format!("{} {address} ({})", self.name, sender.host),
            Some(address) => format!("{} {address}", self.name),
            None if job.uid.is_some() => format!("{} a socket of this machine", self.name),
            None => self.name.to_string(),
        }
    }

    fn submission(
        &self,
        settings: &DoorSettings,
        job: &DoorJob,
        sender: &Sender,
        (destination, token): (String, String),
    ) -> Result<(Submission, Vec<String>), Failure> {
        let (title, link) = (line(&job.title, MOST_TITLE), settings.link.then_some(job.link.as_ref()).flatten());
        let document = |document: &DoorDocument| DocumentOffer {
            file_name: RawPath::from(line(&document.name, MOST_TITLE).into_bytes()),
            transfer: if link.is_some() { Transfer::Link } else { Transfer::Copy },
            link_target: link.cloned(),
            copies: document.copies.clamp(1, 9_999),
            format: document.format,
        };
        let mut submission = Submission {
            token,
            destination,
            name: if title.is_empty() { self.name.to_string() } else { title },
            form: String::new(),
            priority: Priority::default(),
            hold: job.held.is_some(),
            hold_after: false,
            lifetime: crate::model::lifetime::Lifetime::default(),
            owner: Some(sender.owner.clone()),
            keep: false,
            batch: None,
            documents: job.documents.iter().map(document).collect(),
            given: Vec::new(),
            collector: None,
        };
        take_attributes(&mut submission, &job.attributes, clock::now().wall_ms)?;
        if submission.priority > Priority::default() {
            submission.priority = Priority::default();
        }
        let mut remarks: Vec<String> =
            job.remarks.iter().chain(&job.held).map(|remark| line(remark, MOST_TEXT_OF_EVENT)).collect();
        if let (Some(login), Some(said)) = (&job.login, &job.user)
            && login.0 != *said
        {
            remarks.push(line(
                &format!("its sender has logged on as {}, and calls himself {said}", login.0),
                MOST_TEXT_OF_EVENT,
            ));
        }
        if job.banner && !settings.banner {
            remarks.push(format!("the sender wants a banner; door {} gives none", self.name));
        }
        Ok((submission, remarks))
    }

    fn jobs_of(&self, destination: &Destination) -> Result<Vec<JobStatus>, Failure> {
        let condition = Condition::Destination(destination.clone());
        let query =
            Query { condition, order: Order::Schedule, parts: Parts { given: true, documents: true, position: false } };
        Ok(self.spool.jobs(&self.own_call(), &query, None, MOST_ROWS)?.rows)
    }

    fn queue(&self, queue: &str, peer: Option<IpAddr>) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let name = self.target(&settings, queue)?;
        let destination = self.spool.resolve(&self.call(), &name)?;
        let ready = !settings.drained && self.spool.demand_taking(&Call::of(&nobody(), &clock::now()), &name).is_ok();
        let rows = self.jobs_of(&destination)?.into_iter().filter(|job| job.state != JobState::Retained).map(|job| {
            let from = received_from(&job);
            let is_his = peer.is_some_and(|peer| came_from(from.as_deref(), &self.name, peer));
            DoorQueueRow {
                active: job.state == JobState::Printing,
                owner: is_his.then(|| job.owner.split('@').next().unwrap_or_default().to_owned()),
                number: job.number.get(),
                title: is_his.then(|| job.name.clone()),
                octets: job.total_octets,
                copies: job.copies,
                host: if is_his { host_of(&job) } else { "-".to_owned() },
            }
        });
        let mut rows: Vec<DoorQueueRow> = rows.collect();
        rows.sort_by_key(|row| !row.active);
        Ok(DoorReply::Queue(DoorQueue { name: line(queue, MOST_NAME), ready, rows, more: 0 }))
    }

    fn remove(&self, queue: &str, peer: Option<IpAddr>, agent: &str, which: &[String]) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let denied = || Failure::new(FailureKind::Security, "Permission denied");
        let Some(address) = peer.filter(|peer| settings.trusts(*peer)) else { return Err(denied()) };
        let name = self.target(&settings, queue)?;
        let destination = self.spool.resolve(&self.call(), &name)?;
        let agent = line(agent, MOST_NAME);
        let sender = self.sender(&settings, peer, Some(&agent), None);
        let own = |job: &&JobStatus| is_sent_by(job, &self.name, address, &agent);
        let jobs: Vec<JobStatus> =
            self.jobs_of(&destination)?.into_iter().filter(|job| job.state != JobState::Retained).collect();
        let numbers: Vec<u32> = which.iter().filter_map(|word| word.parse().ok()).collect();
        let names_agent = which.contains(&agent);
        let mut chosen: Vec<&JobStatus> = Vec::new();
        for job in &jobs {
            let named = numbers.contains(&job.number.get());
            if named && !own(&job) {
                return Err(denied());
            }
            if own(&job) && (named || names_agent) {
                chosen.push(job);
            }
        }
        if which.is_empty() {
            let printing = jobs.iter().filter(own).find(|job| job.state == JobState::Printing);
            chosen.extend(printing.or_else(|| jobs.iter().find(own)));
        }
        if which.iter().any(|word| word.parse::<u32>().is_err() && *word != agent) {
            return Err(denied());
        }
        let mut removed = 0;
        for job in chosen {
            // A job of a user of this machine goes with his rights, and one of a stranger with the rights of strangers. Ours are
            // never used: whatever the choice above overlooks, the transaction refuses.
            let caller = if job.owner == sender.owner { sender.caller.clone() } else { nobody() };
            let mut local = Local::new(self.spool.clone(), caller, clock::now, Arc::clone(&self.attendant));
            let message = format!("removed by {agent} by door {}", self.name);
            if local.delete_job(JobRef::Number(job.number), Some(message), None).is_ok() {
                removed += 1;
            }
        }
        Ok(DoorReply::Removed(removed))
    }

    fn trouble(&self, what: DoorTrouble, why: &str) {
        let why = line(why, MOST_TEXT_OF_EVENT);
        let count = match what {
            DoorTrouble::Refused => Some(&self.counters.refused),
            DoorTrouble::Unfinished => Some(&self.counters.unfinished),
            DoorTrouble::TurnedAway => Some(&self.counters.turned_away),
            DoorTrouble::Unacknowledged | DoorTrouble::Remark => None,
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
            *lock(&self.counters.last_refusal) = Some(why.chars().take(MAX_TEXT).collect());
        }
        let now = Instant::now();
        {
            let mut events = lock(&self.events);
            events.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
            if events.len() >= MOST_EVENTS {
                return;
            }
            events.push_back(now);
        }
        let word = if count.is_some() { EventWord::Refused } else { EventWord::Remark };
        (self.log)(&format!("door {}: {why}", self.name));
        // What cannot be written is counted all the same.
        let _ = self.spool.tell_of_door(&self.call(), self.name.clone(), word, why);
    }

    fn sign(&self, scheme: u16, message: &[u8]) -> Result<DoorReply, Failure> {
        if !is_proof(message) {
            return Err(Failure::new(FailureKind::Security, "a door signs the proof of a handshake, and nothing else"));
        }
        let signer = lock(&self.signer).clone();
        let signed = signer.and_then(|signer| signer(scheme, message));
        signed.map(DoorReply::Signed).ok_or_else(|| Failure::new(FailureKind::State, "the door has no such key"))
    }

    fn answer(&self, question: DoorQuestion, mut files: Vec<OwnedFd>) -> (DoorReply, Vec<OwnedFd>) {
        let DoorQuestion { delivered, mut request } = question;
        for token in delivered {
            self.proven.add(token_of(&self.name, &token), REPEATED_WITHIN);
        }
        let alone = |reply: Result<DoorReply, Failure>| (reply.unwrap_or_else(DoorReply::Failed), Vec::new());
        if let Err(failure) = identify(&mut request, &mut files).and_then(|()| self.name_login(&mut request)) {
            return alone(Err(failure));
        }
        match request {
            DoorRequest::Resolve { queue, peer } => alone(self.resolve(&queue, peer)),
            DoorRequest::NewFile { octets } => {
                self.new_file(octets).unwrap_or_else(|failure| (DoorReply::Failed(failure), Vec::new()))
            }
            DoorRequest::Submit { job, shown } => alone(self.submit((*job, shown), files)),
            DoorRequest::Nothing => (DoorReply::Done, Vec::new()),
            DoorRequest::Trouble { what, why } => {
                self.trouble(what, &why);
                (DoorReply::Done, Vec::new())
            }
            DoorRequest::Queue { queue, peer } => alone(self.demand_unnamed().and_then(|()| self.queue(&queue, peer))),
            DoorRequest::Remove { queue, peer, agent, which } => {
                alone(self.demand_unnamed().and_then(|()| self.remove(&queue, peer, &agent, &which)))
            }
            DoorRequest::Printers { queue: Some(queue), brief, .. } => {
                alone(self.spool.together(|| self.printers(Some(&queue), (0, brief))))
            }
            DoorRequest::Printers { queue: None, after, .. } => alone(self.printers(None, (after, false))),
            DoorRequest::Jobs { which, asker } => alone(self.jobs(&which, asker)),
            DoorRequest::Open(job) => alone(self.open(*job)),
            DoorRequest::Arrives { number, asker } => alone(self.arrives(number, &asker)),
            DoorRequest::Append { number, asker, document, digest, last } => {
                alone(self.append(number, &asker, (document, digest, last), files))
            }
            DoorRequest::Sign { scheme, message } => alone(self.sign(scheme, &message)),
            DoorRequest::LogOn { user, password, peer } => alone(self.log_on(&user, &password, peer)),
            DoorRequest::Client { proof, peer } => alone(self.client(&proof, peer)),
            DoorRequest::LogOff { login } => {
                lock(&self.logins).remove(&login);
                (DoorReply::Done, Vec::new())
            }
            DoorRequest::Act { number, asker, act } => alone(self.act(number, asker, act)),
        }
    }
}

/// Characters of an event.
const MOST_TEXT_OF_EVENT: usize = 500;

/// Whether a user has rights of his own behind a door: root has none, and the account of the server has none.
fn is_somebody(uid: u32) -> bool {
    uid != 0 && !is_our_own(uid)
}

/// Whether that is the account of the server.
fn is_our_own(uid: u32) -> bool {
    uid == nix::unistd::geteuid().as_raw()
}

/// A user of this machine, of whom the kernel has told. Nobody is an operator by a door, and who is not `known` has no rights.
fn of_machine(uid: u32, known: bool) -> Sender {
    let (owner, host) = (users::name(uid), users::host());
    let caller = match known {
        true => users::of_uid(uid),
        false => Caller { uid: NOBODY, user: owner.clone(), host: host.clone(), groups: Vec::new(), operator: false },
    };
    Sender { caller: Caller { operator: false, ..caller }, owner, host }
}

/// Whoever sends a job, as one who asks.
fn asker_of(job: &DoorJob) -> DoorAsker {
    let named = job.login.as_ref().map(|login| login.0.clone());
    DoorAsker { peer: job.peer, user: named.or(job.user.clone()), uid: job.uid, login: job.login.clone() }
}

/// Finds out who calls at a socket of this machine. His connection came last beside the question, and the kernel knows whose it is.
fn identify(request: &mut DoorRequest, files: &mut Vec<OwnedFd>) -> Result<(), Failure> {
    let Some(uid) = request.uid_mut() else { return Ok(()) };
    if uid.is_none() {
        return Ok(());
    }
    let connection = files.pop().ok_or_else(|| bad("nobody calls"))?;
    let peer = socket::peer(&UnixStream::from(connection));
    // A connection of the network is nobody's, for the kernel.
    let nobody = |peer: &socket::Peer| peer.uid == u32::MAX;
    if peer.as_ref().is_ok_and(nobody) {
        return Err(Failure::new(FailureKind::Security, "nobody calls at a socket of this machine"));
    }
    *uid = Some(
        peer.map_err(|error| Failure::new(FailureKind::Security, format!("nobody knows who calls: {error}")))?.uid,
    );
    Ok(())
}

fn nobody() -> Caller {
    Caller { uid: NOBODY, user: "unknown".to_owned(), host: users::host(), groups: Vec::new(), operator: false }
}

/// A token of a door, whatever its process calls it.
fn token_of(door: &ObjectName, token: &str) -> String {
    let kept: String = token.chars().filter(char::is_ascii_graphic).take(90).collect();
    // The name alone could be as long as a token may be.
    let short: String = door.key().chars().take(24).collect();
    format!("door:{short}:{kept}")
}

/// The token of a job, and what those of its repetitions begin with.
fn tokens(door: &ObjectName, job: &DoorJob) -> (String, String) {
    let token = token_of(door, &job.token);
    let prefix = match job.key.is_empty() || !job.token.starts_with(&job.key) {
        true => String::new(),
        false => token_of(door, &job.key),
    };
    (token, prefix)
}

fn received_from(job: &JobStatus) -> Option<String> {
    let field = Field::from_stored("received-from")?;
    match job.given.iter().find(|one| one.document == 0 && one.field == field).map(|one| &one.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Whether a job came by this door.
fn is_by(from: Option<&str>, door: &ObjectName) -> bool {
    from.and_then(|from| from.split_whitespace().next()).is_some_and(|word| word.eq_ignore_ascii_case(door.as_str()))
}

/// Whether a job came by this door from this address.
fn came_from(from: Option<&str>, door: &ObjectName, peer: IpAddr) -> bool {
    let Some(mut words) = from.map(str::split_whitespace) else { return false };
    let door_is = words.next().is_some_and(|word| word.eq_ignore_ascii_case(door.as_str()));
    door_is && words.next().and_then(|word| word.parse::<IpAddr>().ok()) == Some(peer.to_canonical())
}

/// Whether a job came by this door, from this address, from this user. What its owner is called does not count: an operator may
/// change that, and a stranger may choose it.
fn is_sent_by(job: &JobStatus, door: &ObjectName, peer: IpAddr, agent: &str) -> bool {
    is_from((received_from(job).as_deref(), &job.user_name), door, peer, agent)
}

/// The same of `received-from` of a job, and of its submitter.
fn is_from((from, submitter): (Option<&str>, &str), door: &ObjectName, peer: IpAddr, agent: &str) -> bool {
    let Some(known) = from else { return false };
    let host = match known.split_once(" (") {
        Some((_, host)) => host.strip_suffix(')').unwrap_or(host).to_owned(),
        None => peer.to_canonical().to_string(),
    };
    came_from(from, door, peer) && submitter == format!("{agent}@{host}")
}

/// The user of a submitter `user@host`; a user may have an `@` in his name.
fn user_of(submitter: &str) -> &str {
    submitter.rsplit_once('@').map_or(submitter, |(user, _)| user)
}

fn host_of(job: &JobStatus) -> String {
    job.user_name.rsplit('@').next().unwrap_or_default().to_owned()
}

impl DoorService {
    /// Answers what comes over a channel until it is closed.
    ///
    /// # Errors
    /// When it had to be closed because of what arrived.
    pub fn serve(&self, channel: &UnixStream) -> io::Result<()> {
        loop {
            let received =
                channel::receive::<DoorQuestion>(channel, Kind::Request, Deadline::NEVER, || Deadline::after(PATIENCE));
            let (question, files) = match received {
                Ok(Some(question)) => question,
                Ok(None) => return Ok(()),
                Err(ChannelError::Io(error)) => return Err(error),
                Err(ChannelError::Frame(error)) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            };
            let (reply, files) = self.shared.answer(question, files);
            let frame = frame::encode(Kind::Reply, &reply, files.len()).map_err(io::Error::other)?;
            channel::send(channel, &frame, &files, Deadline::after(PATIENCE))?;
        }
    }

    /// The printers of the door, at most `most`, as far as jobs for them are concerned; and whether there are more.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn printers(&self, most: usize) -> Result<(Vec<DoorPrinter>, bool), Failure> {
        self.shared.spool.together(|| self.shared.first_printers(most))
    }

    /// Reports the state of the door, what is said of its announcements, and what was counted. What is the same already is not written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn report(&self, state: &str, announced: Option<&str>) -> Result<(), Failure> {
        let shared = &self.shared;
        shared.end_overdue();
        let counters = &shared.counters;
        let counts =
            [&counters.accepted, &counters.refused, &counters.unfinished, &counters.turned_away, &counters.repeats];
        let mut reported = vec![("door-state", Value::Text(line(state, MAX_TEXT)))];
        for ((name, count), before) in COUNTED.into_iter().zip(counts).zip(shared.before.0) {
            let count = before.saturating_add(count.load(Ordering::Relaxed));
            reported.push((name, Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))));
        }
        if let Some(last) = lock(&counters.last_refusal).clone().filter(|last| !last.is_empty()) {
            reported.push(("door-last-refusal", Value::Text(last)));
        }
        if let Some(announced) = announced {
            reported.push(("door-announced", Value::Text(line(announced, MAX_TEXT))));
        }
        let mut last = lock(&shared.reported);
        if *last == reported {
            return Ok(());
        }
        shared.spool.report_door(&shared.call(), shared.name.clone(), reported.clone())?;
        *last = reported;
        Ok(())
    }

    /// What signs from now on with the key of its certificate.
    pub fn signs_with(&self, signer: Option<Arc<Signer>>) {
        *lock(&self.shared.signer) = signer;
    }

    /// What finds out from now on whom certificates of clients name.
    pub fn checks_clients_with(&self, check: Option<Arc<ClientCheck>>) {
        *lock(&self.shared.client_check) = check;
    }

    /// Gives up the jobs that have not arrived: the server ends.
    pub fn end(&self) {
        self.shared.end_all();
    }

    /// Writes something about the door into the log of the server.
    pub fn log(&self, what: &str) {
        (self.shared.log)(&format!("door {}: {what}", self.shared.name));
    }

    /// Writes what happened at the door.
    pub fn tell(&self, what: EventWord, why: &str) {
        let shared = &self.shared;
        (shared.log)(&format!("door {}: {why}", shared.name));
        let _ = shared.spool.tell_of_door(&shared.call(), shared.name.clone(), what, line(why, MOST_TEXT_OF_EVENT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proof_of_a_handshake_is_signed() {
        let proof = |digest: usize| [&[b' '; 64][..], PROOF, &vec![7; digest]].concat();
        assert!(is_proof(&proof(32)) && is_proof(&proof(48)));
        for wrong in [proof(0), proof(31), proof(64), proof(32)[1..].to_vec(), Vec::new(), b"a certificate".to_vec()] {
            assert!(!is_proof(&wrong), "{wrong:?}");
        }
        let client = [&[b' '; 64][..], b"TLS 1.3, client CertificateVerify\0", &[7; 32]].concat();
        assert!(!is_proof(&client) && is_proof_of(CLIENT_PROOF, &client));
    }
}
