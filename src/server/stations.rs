//! What the process of the page of a station may ask, and nothing else: let somebody in, what waits for him, release, remove, let
//! him out.
//!
//! The process parses what browsers send, so nothing that it says is believed. It gets its sockets from an operator who opens the
//! page of one station, and reaches that station alone. Who stands there, this side finds out by the PIN; a session then stands for
//! him, with a name that nobody guesses. What he may release follows from who he is, by the calls that `pdrelease` makes, and is
//! looked at anew each time. The session ends when he logs off, when he touches nothing for as long as the station says, when his PIN
//! is changed, and with the page.
//!
//! The process has one socket, over which it makes channels. An answer takes a limited time and has a limited size, so that no question
//! costs more than its channel.
//!
//! A crash ends all sessions, and nothing else: what was released is on disk.

mod sessions;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::channel::{self, ChannelError};
use crate::client::channels;
use crate::model::bank::CardNumber;
use crate::model::object::ObjectName;
use crate::model::query::PAGE;
use crate::model::secure::{HeldElsewhere, HeldJob, HeldPage, ReleaseState};
use crate::model::station::{
    BrowserPlace, NotDone, SessionKey, StationAbout, StationAct, StationJobs, StationOutcome, StationReply,
    StationRequest, Trouble, Typed,
};
use crate::model::{Call, Failure, FailureKind, GlobalJobId, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::secure::pin::{KnownPerson, LoggedOn};
use crate::spool::{Attendant, Local, Spool};
use crate::sys::clock;
use crate::sys::socket::Deadline;
use crate::wire::frame::{self, Kind};

use super::Log;
use sessions::Sessions;

/// How long a request may take to arrive once it has begun, and how long its reply may take to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long jobs of one request are begun. The page waits for 30 s, and the last one needs some of them.
const ACT_TIME: Duration = Duration::from_secs(20);
/// Channels of one page at a time. It asks 8 questions at a time; others may be those for whose answers it no longer waits.
const MOST_CHANNELS: usize = 16;
/// Wrong names and PINs of one page within a minute; then none is looked at. The page stops each address long before.
const MOST_WRONG: usize = 30;
/// Those that other machines may make of them: nobody shuts out from afar who stands at the machine of the page.
const MOST_WRONG_AFAR: usize = 20;
/// For how long a wrong one counts.
const WRONG_COUNTS: Duration = Duration::from_secs(60);
/// How long somebody reads what became of his jobs at a station that has closed.
const PARTING: Duration = Duration::from_secs(10);
/// Octets of a name that somebody types.
const MOST_NAME: usize = 200;

/// A name and a PIN that were tried.
struct Tried {
    at: Instant,
    afar: bool,
}

struct Shared {
    spool: Spool,
    attendant: Arc<dyn Attendant>,
    log: Log,
    station: ObjectName,
    sessions: Mutex<Sessions>,
    wrong: Mutex<VecDeque<Tried>>,
}

/// The side of a page that has the spool: it serves the sockets of its process.
#[derive(Clone)]
pub struct StationService {
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn call(&self) -> Call {
        Call::of_spooler(&clock::now())
    }

    fn about(&self) -> Result<StationAbout, Failure> {
        self.spool.about_station(&self.call(), &self.station)
    }

    fn log_on(&self, typed: &Typed, from: BrowserPlace) -> Result<StationReply, Failure> {
        let Some(began) = begin_try(&mut lock(&self.wrong), from, Instant::now()) else {
            return Ok(StationReply::Busy);
        };
        let mut typed = typed.clone();
        if typed.user.len() > MOST_NAME || typed.card.text().len() > MOST_NAME {
            (typed.user, typed.card) = (String::new(), CardNumber::default());
        }
        let tried = self.spool.log_on(&self.station, &typed, from, &clock::now());
        // One that could not be looked at was not wrong.
        if !matches!(tried, Ok(LoggedOn::Refused(_))) {
            end_try(&mut lock(&self.wrong), began);
        }
        let person = match tried? {
            LoggedOn::Known(person) => *person,
            LoggedOn::Refused(why) => {
                let what = match (&why, typed.card.is_empty()) {
                    (Some(_), _) => "name or password",
                    (None, true) => "name or PIN",
                    (None, false) => "card or PIN",
                };
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                (self.log)(&format!("station {}: a wrong {what} from {from}{why}", self.station));
                return Ok(StationReply::Refused);
            }
            LoggedOn::BankSilent(why) => {
                (self.log)(&format!("station {}: {why}", self.station));
                return Ok(StationReply::BankSilent);
            }
            LoggedOn::Closed(_) => return Ok(StationReply::Closed),
        };
        let (key, idle) = (SessionKey(super::new_word()?), self.idle()?);
        (self.log)(&format!("station {}: {} has logged on from {from}", self.station, person.caller.user));
        let balance = self.balance(&person);
        let mut sessions = lock(&self.sessions);
        sessions.add(key.clone(), person, idle);
        if let Some(session) = sessions.get(&key, idle) {
            session.balance = balance;
        }
        Ok(StationReply::LoggedOn(key))
    }

    /// What somebody has left, where the station charges for releases. A bank that does not say it is not worth refusing him.
    fn balance(&self, person: &KnownPerson) -> Option<String> {
        self.spool.balance(&Call::of(&person.caller, &clock::now()), &self.station).unwrap_or_else(|failure| {
            (self.log)(&format!("station {}: {}", self.station, failure.message));
            None
        })
    }

    fn idle(&self) -> Result<Duration, Failure> {
        Ok(Duration::from_secs(self.about()?.idle_seconds))
    }

    /// Finds who that is, if he is still logged on. `touched`: he did something. The closing time ends his session, once he was told
    /// what became of the jobs with which he has done something.
    fn who(&self, key: &SessionKey, touched: bool) -> Result<Option<KnownPerson>, Failure> {
        let about = self.about()?;
        let idle = Duration::from_secs(about.idle_seconds);
        let found = {
            let mut sessions = lock(&self.sessions);
            if about.closed.is_some() && sessions.get(key, idle).is_some_and(|session| !session.owes_outcomes()) {
                sessions.remove(key);
                return Ok(None);
            }
            sessions.get(key, idle).map(|session| {
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

    /// What waits for somebody, here and elsewhere, and whether that is not all.
    fn held(&self, person: &KnownPerson) -> Result<(HeldPage, HeldElsewhere, bool), Failure> {
        let mut local = self.local(person);
        let page = local.held_jobs(Some(self.station.clone()), None, PAGE)?;
        let mut elsewhere = local.held_elsewhere(Some(self.station.clone()))?;
        let cut = cut(&mut elsewhere.rows, |job| job.submitted_ms);
        let more = cut || page.next.is_some() || page.more_others;
        Ok((page, elsewhere, more))
    }

    fn jobs(&self, key: &SessionKey, touched: bool) -> Result<StationReply, Failure> {
        let Some(person) = self.who(key, touched)? else { return Ok(StationReply::NoSession) };
        let (page, elsewhere, more) = self.held(&person)?;
        let about = self.about()?;
        let idle = Duration::from_secs(about.idle_seconds);
        // Of one that has closed he is only told what became of his jobs.
        let closes = about.closed.map(|_| PARTING).or(about.closes_seconds.map(Duration::from_secs));
        let titles = page
            .rows
            .iter()
            .chain(&page.others)
            .chain(&elsewhere.rows)
            .map(|job| (job.global.clone(), job.name.clone()));
        let ((outcomes, told), left, balance) = match lock(&self.sessions).get(key, idle) {
            Some(session) => {
                session.titles = titles.collect();
                let left = idle.saturating_sub(session.touched.elapsed());
                (session.outcomes(), closes.map_or(left, |closes| closes.min(left)), session.balance.clone())
            }
            None => return Ok(StationReply::NoSession),
        };
        let now_ms = clock::now().wall_ms;
        let user = person.caller.user;
        let jobs =
            StationJobs { user, page, elsewhere, more, outcomes, told, now_ms, idle_seconds: left.as_secs(), balance };
        Ok(StationReply::Jobs(Box::new(jobs)))
    }

    fn act(&self, key: &SessionKey, act: StationAct, jobs: Vec<GlobalJobId>) -> Result<StationReply, Failure> {
        let began = Instant::now();
        let Some(person) = self.who(key, true)? else { return Ok(StationReply::NoSession) };
        self.act_as(key, &person, act, jobs, began)
    }

    /// Does something with jobs of a request that `began` then.
    fn act_as(
        &self,
        key: &SessionKey,
        person: &KnownPerson,
        act: StationAct,
        jobs: Vec<GlobalJobId>,
        began: Instant,
    ) -> Result<StationReply, Failure> {
        // Before anything is done: what was done is to be said.
        let idle = self.idle()?;
        match lock(&self.sessions).get(key, idle) {
            Some(session) => session.begin(),
            None => return Ok(StationReply::NoSession),
        }
        let is_over = || began.elapsed() >= ACT_TIME;
        let mut refused = false;
        let mut outcomes = one_by_one(jobs, is_over, |job| {
            let done = match act {
                StationAct::Release => self.release(person, job).map(Some),
                StationAct::Delete => self.remove(person, job).map(|()| None),
            };
            refused |= done.as_ref().is_err_and(|failure| failure.kind == FailureKind::State);
            done.map_err(|failure| {
                let why = self.not_done(job, &failure);
                // The page has words for it in each language; these are for whoever looks for the cause.
                if matches!(why, NotDone::Other(_)) {
                    (self.log)(&format!("station {}: job {job}: {}", self.station, failure.message));
                }
                (why, failure.kind)
            })
        });
        // Why a job is not released, the list says in values: the page has words for them in each language.
        if refused
            && !is_over()
            && let Ok((page, elsewhere, _)) = self.held(person)
        {
            say_by_list(&mut outcomes, page.rows.into_iter().chain(page.others).chain(elsewhere.rows));
        }
        let balance = match act {
            StationAct::Release => self.balance(person),
            StationAct::Delete => None,
        };
        if let Some(session) = lock(&self.sessions).get(key, idle) {
            session.balance = balance.or_else(|| session.balance.take());
            let outcomes: Vec<StationOutcome> = outcomes
                .into_iter()
                .map(|(job, result)| StationOutcome { act, title: session.titles.get(&job).cloned(), job, result })
                .collect();
            session.done(outcomes);
        }
        Ok(StationReply::Done)
    }

    /// Why a job was left, in values: a page has words for them.
    fn not_done(&self, job: &GlobalJobId, failure: &Failure) -> NotDone {
        let is_here = job.server == *self.spool.server();
        match failure.kind {
            FailureKind::NotFound => NotDone::Gone,
            FailureKind::State | FailureKind::SpoolerState
                if let Some(why) = self.spool.why_it_stays(&self.call(), job).ok().flatten() =>
            {
                why
            }
            FailureKind::State | FailureKind::SpoolerState if is_here => NotDone::Other(Trouble::Closed),
            // What is claimed is refused here when its server does not answer.
            FailureKind::State | FailureKind::Unreachable | FailureKind::Timeout if !is_here => {
                NotDone::Silent(job.server.to_string())
            }
            kind => NotDone::Other(Trouble::of(kind)),
        }
    }

    fn shown(&self, key: &SessionKey, told: u64) -> Result<StationReply, Failure> {
        let idle = self.idle()?;
        match lock(&self.sessions).get(key, idle) {
            Some(session) => {
                session.was_shown(told);
                Ok(StationReply::Done)
            }
            None => Ok(StationReply::NoSession),
        }
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
        let began = Instant::now();
        let Some(person) = self.who(key, true)? else { return Ok(StationReply::NoSession) };
        let (page, elsewhere, _) = self.held(&person)?;
        let mut jobs: Vec<&HeldJob> = page.rows.iter().chain(&elsewhere.rows).collect();
        jobs.sort_by_key(|job| job.submitted_ms);
        let waiting = jobs.into_iter().filter(|job| job.state == ReleaseState::Waiting && job.is_releasable_here());
        let waiting = waiting.map(|job| job.global.clone()).collect();
        self.act_as(key, &person, StationAct::Release, waiting, began)
    }

    fn answer(&self, request: StationRequest) -> StationReply {
        let reply = match request {
            StationRequest::About => self.about().map(StationReply::About),
            StationRequest::LogOn { typed, from } => self.log_on(&typed, from),
            StationRequest::Shown { session, told } => self.shown(&session, told),
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
        reply.unwrap_or_else(|failure| {
            // A page says of it what its visitor can do; what is wrong stands in the log.
            (self.log)(&format!("station {}: {}", self.station, failure.message));
            StationReply::Failed(failure)
        })
    }
}

/// Counts a try before it is looked at, so that those that come at once count too; none when there were too many.
fn begin_try(tried: &mut VecDeque<Tried>, from: BrowserPlace, now: Instant) -> Option<Instant> {
    tried.retain(|one| now.saturating_duration_since(one.at) < WRONG_COUNTS);
    let afar = !from.here;
    let full = tried.len() >= MOST_WRONG || (afar && tried.iter().filter(|one| one.afar).count() >= MOST_WRONG_AFAR);
    (!full).then(|| {
        tried.push_back(Tried { at: now, afar });
        now
    })
}

/// The try that began then was right.
fn end_try(tried: &mut VecDeque<Tried>, began: Instant) {
    if let Some(place) = tried.iter().position(|one| one.at == began) {
        tried.remove(place);
    }
}

/// Cuts what others hold to what a page takes, first submitted first; whether something was cut.
fn cut<T>(rows: &mut Vec<T>, submitted: impl Fn(&T) -> i64) -> bool {
    rows.sort_by_key(submitted);
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    more
}

/// What became of each job.
type Done = Vec<(GlobalJobId, Result<Option<String>, NotDone>)>;

/// Puts how a job stands in the place of the words of its failure. One that stands well has had another reason, and keeps it.
fn say_by_list(outcomes: &mut Done, rows: impl Iterator<Item = HeldJob>) {
    let stuck = rows.filter(|job| job.state != ReleaseState::Waiting || !job.is_releasable_here());
    let mut stuck: HashMap<GlobalJobId, HeldJob> = stuck.map(|job| (job.global.clone(), job)).collect();
    for (job, result) in outcomes {
        if matches!(result, Err(NotDone::Other(_) | NotDone::Silent(_)))
            && let Some(row) = stuck.remove(job)
        {
            *result = Err(NotDone::Stands(Box::new(row)));
        }
    }
}

/// Does something with one job after the other. When the time is over, and when the spool is lost, the rest is not tried, and that
/// is said of each.
fn one_by_one(
    jobs: Vec<GlobalJobId>,
    is_over: impl Fn() -> bool,
    mut act: impl FnMut(&GlobalJobId) -> Result<Option<String>, (NotDone, FailureKind)>,
) -> Done {
    let mut lost = false;
    let mut done = Done::new();
    for (place, job) in jobs.into_iter().enumerate().take(2 * PAGE as usize) {
        if lost || place >= PAGE as usize || is_over() {
            done.push((job, Err(NotDone::NotTried)));
            continue;
        }
        let result = act(&job);
        lost = result.as_ref().is_err_and(|(_, kind)| *kind == FailureKind::Damaged);
        done.push((job, result.map_err(|(why, _)| why)));
    }
    done
}

/// The frame of a reply. One that is too long is replaced by that word: the channel goes on.
fn encoded(reply: &StationReply) -> io::Result<Vec<u8>> {
    let frame = frame::encode(Kind::Reply, reply, 0).or_else(|error| {
        let failure = Failure::new(FailureKind::Full, format!("the answer does not fit into one message: {error}"));
        frame::encode(Kind::Reply, &StationReply::Failed(failure), 0)
    });
    frame.map_err(io::Error::other)
}

impl StationService {
    /// That of a station, which is looked up at each request.
    pub(super) fn new(spool: Spool, attendant: Arc<dyn Attendant>, log: Log, station: ObjectName) -> Self {
        let (sessions, wrong) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { spool, attendant, log, station, sessions, wrong }) }
    }

    /// Serves the channels that the process of a page makes over this socket, until the process closes it.
    ///
    /// # Errors
    /// When it is not one socket, or a thread cannot be started.
    pub(super) fn start(&self, mut sockets: Vec<UnixStream>) -> Result<(), Failure> {
        let (Some(control), true) = (sockets.pop(), sockets.is_empty()) else {
            return Err(Failure::new(FailureKind::BadValue, "a page has one socket"));
        };
        let service = self.clone();
        let serve = move || {
            let log = (Arc::clone(&service.shared.log), service.shared.station.clone());
            let each = move |channel: UnixStream| {
                // A process that says what it must not is cut off.
                if let Err(error) = service.serve(&channel) {
                    (service.shared.log)(&format!("station {}: {error}", service.shared.station));
                }
            };
            if let Err(error) = channels::take(&control, "station", MOST_CHANNELS, each) {
                (log.0)(&format!("station {}: {error}", log.1));
            }
        };
        let started = std::thread::Builder::new().name("station".into()).spawn(serve);
        started.map(drop).map_err(|error| Failure::new(FailureKind::Io, format!("no thread: {error}")))
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
            let frame = encoded(&self.shared.answer(request))?;
            channel::send(channel, &frame, &[], Deadline::after(PATIENCE))?;
        }
    }
}

#[cfg(test)]
#[path = "stations_tests.rs"]
mod tests;
