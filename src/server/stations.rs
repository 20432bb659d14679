//! What the process of the page of a station may ask, and nothing else: let somebody in, what waits for him, release, remove, let
//! him out.
//!
//! The process parses what browsers send, so nothing that it says is believed. It gets its sockets from an operator who opens the
//! page of one station, and reaches that station alone. Who stands there, this side finds out by the PIN; a session then stands for
//! him, with a name that nobody guesses. What he may release follows from who he is, by the calls that `pdrelease` makes, and is
//! looked at anew each time. The session ends when he logs off, when he touches nothing for as long as the station says, when his PIN
//! is changed, and with the page.
//!
//! A crash ends all sessions, and nothing else: what was released is on disk.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::channel::{self, ChannelError};
use crate::model::object::ObjectName;
use crate::model::query::PAGE;
use crate::model::secure::{HeldElsewhere, HeldJob, HeldPage, ReleaseState};
use crate::model::station::{
    Pin, SessionKey, StationAbout, StationAct, StationJobs, StationOutcome, StationReply, StationRequest,
};
use crate::model::{Call, Failure, FailureKind, GlobalJobId, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::secure::pin::KnownPerson;
use crate::spool::{Attendant, Local, Spool};
use crate::sys::clock;
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, Kind};

use super::Log;

/// How long a request may take to arrive once it has begun, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sockets of one page.
pub const MOST_CHANNELS: usize = 16;
/// People who are logged on at one page at a time; whoever touched nothing for the longest time goes first.
const MOST_SESSIONS: usize = 100;
/// How long somebody is logged on at most.
const LONGEST: Duration = Duration::from_secs(3600);
/// Wrong names and PINs of one page within a minute; then none is looked at.
const MOST_WRONG_A_MINUTE: usize = 30;
/// Octets of a name that somebody types.
const MOST_NAME: usize = 200;

/// Somebody who is logged on.
struct Session {
    person: KnownPerson,
    since: Instant,
    touched: Instant,
    /// Titles of the jobs that he was shown last.
    titles: HashMap<GlobalJobId, String>,
    outcomes: Vec<StationOutcome>,
}

struct Shared {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    log: Log,
    station: ObjectName,
    sessions: Mutex<HashMap<SessionKey, Session>>,
    wrong: Mutex<VecDeque<Instant>>,
}

/// The side of a page that has the spool: it serves the sockets of its process.
#[derive(Clone)]
pub struct StationService {
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_key() -> Result<SessionKey, Failure> {
    let mut octets = [0u8; 32];
    getrandom::fill(&mut octets).map_err(|error| Failure::internal(format!("no random octets: {error}")))?;
    Ok(SessionKey(octets.iter().fold(String::with_capacity(64), |mut out, octet| {
        // A string takes everything.
        let _ = write!(out, "{octet:02x}");
        out
    })))
}

impl Shared {
    fn call(&self) -> Call {
        Call::of_spooler(&clock::now())
    }

    fn about(&self) -> Result<StationAbout, Failure> {
        self.spool.about_station(&self.call(), &self.station)
    }

    fn is_busy(&self) -> bool {
        let mut wrong = lock(&self.wrong);
        wrong.retain(|at| at.elapsed() < Duration::from_secs(60));
        wrong.len() >= MOST_WRONG_A_MINUTE
    }

    fn log_on(&self, user: &str, pin: &Pin) -> Result<StationReply, Failure> {
        if self.is_busy() {
            return Ok(StationReply::Busy);
        }
        // Counted before it is looked at: those that come at once count too.
        let began = Instant::now();
        lock(&self.wrong).push_back(began);
        let user = if user.len() > MOST_NAME { "" } else { user };
        let Some(person) = self.spool.log_on(&self.station, user, pin, &clock::now())? else {
            (self.log)(&format!("station {}: a wrong name or PIN", self.station));
            return Ok(StationReply::Refused);
        };
        lock(&self.wrong).retain(|at| *at != began);
        let (key, idle) = (new_key()?, self.idle()?);
        (self.log)(&format!("station {}: {} has logged on", self.station, person.caller.user));
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, session| session.is_alive(idle));
        if sessions.len() >= MOST_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.touched).map(|(key, _)| key.clone())
        {
            sessions.remove(&oldest);
        }
        let now = Instant::now();
        let session = Session { person, since: now, touched: now, titles: HashMap::new(), outcomes: Vec::new() };
        sessions.insert(key.clone(), session);
        Ok(StationReply::LoggedOn(key))
    }

    fn idle(&self) -> Result<Duration, Failure> {
        Ok(Duration::from_secs(self.about()?.idle_seconds))
    }

    /// Finds who that is, if he is still logged on. `touched`: he did something.
    fn who(&self, key: &SessionKey, touched: bool) -> Result<Option<KnownPerson>, Failure> {
        let idle = self.idle()?;
        let found = {
            let mut sessions = lock(&self.sessions);
            sessions.retain(|_, session| session.is_alive(idle));
            sessions.get_mut(key).map(|session| {
                if touched {
                    session.touched = Instant::now();
                }
                session.person.clone()
            })
        };
        let Some(person) = found else { return Ok(None) };
        if self.spool.still_known(&self.call(), &self.station, &person)? {
            return Ok(Some(person));
        }
        lock(&self.sessions).remove(key);
        Ok(None)
    }

    fn local(&self, person: &KnownPerson) -> Local {
        Local::new(self.spool.clone(), person.caller.clone(), clock::now, Arc::clone(&self.attendant))
    }

    /// What waits for somebody, here and elsewhere.
    fn held(&self, person: &KnownPerson) -> Result<(HeldPage, HeldElsewhere), Failure> {
        let mut local = self.local(person);
        let page = local.held_jobs(Some(self.station.clone()), None, PAGE)?;
        let elsewhere = local.held_elsewhere(Some(self.station.clone()))?;
        Ok((page, elsewhere))
    }

    fn jobs(&self, key: &SessionKey, touched: bool) -> Result<StationReply, Failure> {
        let Some(person) = self.who(key, touched)? else { return Ok(StationReply::NoSession) };
        let (page, elsewhere) = self.held(&person)?;
        let idle = self.idle()?;
        let titles = page.rows.iter().chain(&elsewhere.rows).map(|job| (job.global.clone(), job.name.clone()));
        let (outcomes, left) = match lock(&self.sessions).get_mut(key) {
            Some(session) => {
                session.titles = titles.collect();
                (std::mem::take(&mut session.outcomes), idle.saturating_sub(session.touched.elapsed()))
            }
            None => return Ok(StationReply::NoSession),
        };
        let now_ms = clock::now().wall_ms;
        let user = person.caller.user;
        let jobs = StationJobs { user, page, elsewhere, outcomes, now_ms, idle_seconds: left.as_secs() };
        Ok(StationReply::Jobs(Box::new(jobs)))
    }

    fn act(&self, key: &SessionKey, act: StationAct, jobs: Vec<GlobalJobId>) -> Result<StationReply, Failure> {
        let Some(person) = self.who(key, true)? else { return Ok(StationReply::NoSession) };
        let mut outcomes = Vec::new();
        for job in jobs.into_iter().take(PAGE as usize) {
            let done = match act {
                StationAct::Release => self.release(&person, &job).map(Some),
                StationAct::Delete => self.remove(&person, &job).map(|()| None),
            };
            let lost = done.as_ref().is_err_and(|failure| failure.kind == FailureKind::Damaged);
            outcomes.push((job, done.map_err(|failure| failure.message)));
            if lost {
                break;
            }
        }
        if let Some(session) = lock(&self.sessions).get_mut(key) {
            let titles = &session.titles;
            session.outcomes = outcomes
                .into_iter()
                .map(|(job, result)| StationOutcome { act, title: titles.get(&job).cloned(), job, result })
                .collect();
        }
        Ok(StationReply::Done)
    }

    fn release(&self, person: &KnownPerson, job: &GlobalJobId) -> Result<String, Failure> {
        let station = Some(self.station.clone());
        let released = self.local(person).release_job(JobRef::Global(job.clone()), station, None)?;
        Ok(released.printer.to_string())
    }

    fn remove(&self, person: &KnownPerson, job: &GlobalJobId) -> Result<(), Failure> {
        if job.server != *self.spool.server() {
            return self.local(person).remove_elsewhere(job.clone());
        }
        // Whose it is counts, not which account he has here, if any.
        let now = clock::now();
        let targets = self.spool.remove_own(&person.caller, job, &now)?;
        if !targets.is_empty() {
            self.attendant.attend(&self.spool, &targets, &now);
        }
        Ok(())
    }

    /// The jobs that wait and can be released here, in the order of submission. One that may have printed is not among them.
    fn release_all(&self, key: &SessionKey) -> Result<StationReply, Failure> {
        let Some(person) = self.who(key, true)? else { return Ok(StationReply::NoSession) };
        let (page, elsewhere) = self.held(&person)?;
        let mut jobs: Vec<&HeldJob> = page.rows.iter().chain(&elsewhere.rows).collect();
        jobs.sort_by_key(|job| job.submitted_ms);
        let waiting = jobs.into_iter().filter(|job| job.state == ReleaseState::Waiting && job.is_releasable_here());
        let waiting = waiting.map(|job| job.global.clone()).collect();
        self.act(key, StationAct::Release, waiting)
    }

    fn answer(&self, request: StationRequest) -> StationReply {
        let reply = match request {
            StationRequest::About => self.about().map(StationReply::About),
            StationRequest::LogOn { user, pin } => self.log_on(&user, &pin),
            StationRequest::Jobs { session, touched } => self.jobs(&session, touched),
            StationRequest::Act { session, act, jobs } => self.act(&session, act, jobs),
            StationRequest::ReleaseAll { session } => self.release_all(&session),
            StationRequest::LogOff { session } => {
                if let Some(session) = lock(&self.sessions).remove(&session) {
                    (self.log)(&format!("station {}: {} has logged off", self.station, session.person.caller.user));
                }
                Ok(StationReply::Done)
            }
        };
        reply.unwrap_or_else(StationReply::Failed)
    }
}

impl Session {
    fn is_alive(&self, idle: Duration) -> bool {
        self.touched.elapsed() < idle && self.since.elapsed() < LONGEST
    }
}

impl StationService {
    /// That of a station, which is looked up at each request.
    pub(super) fn new(spool: Spool, attendant: Arc<dyn Attendant>, log: Log, station: ObjectName) -> Self {
        let (sessions, wrong) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { spool, attendant, log, station, sessions, wrong }) }
    }

    /// Serves the sockets of a page, each in a thread of its own, until its process closes them.
    ///
    /// # Errors
    /// When there are too many, or a thread cannot be started.
    pub(super) fn start(&self, channels: Vec<UnixStream>) -> Result<(), Failure> {
        if channels.is_empty() || channels.len() > MOST_CHANNELS {
            let why = format!("a page has 1 to {MOST_CHANNELS} sockets, and here are {}", channels.len());
            return Err(Failure::new(FailureKind::BadValue, why));
        }
        for channel in channels {
            let service = self.clone();
            let thread = std::thread::Builder::new().name("station".into());
            let served = thread.spawn(move || {
                // A process that says what it must not is cut off.
                if let Err(error) = service.serve(&channel) {
                    (service.shared.log)(&format!("station {}: {error}", service.shared.station));
                }
            });
            served.map_err(|error| Failure::new(FailureKind::Io, format!("no thread: {error}")))?;
        }
        Ok(())
    }

    fn serve(&self, channel: &UnixStream) -> io::Result<()> {
        loop {
            let received = channel::receive::<StationRequest>(channel, Kind::Request, Deadline::NEVER, || {
                Deadline::after(PATIENCE)
            });
            let request = match received {
                Ok(Some((request, _))) => request,
                Ok(None) => return Ok(()),
                Err(ChannelError::Io(error)) => return Err(error),
                Err(ChannelError::Frame(error)) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            };
            let frame = frame::encode(Kind::Reply, &self.shared.answer(request), 0).map_err(io::Error::other)?;
            channel::send(channel, &frame, &[], Deadline::after(PATIENCE))?;
        }
    }
}
