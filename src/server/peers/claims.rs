//! Claims between servers: what others ask about jobs that are held here, and what is asked of others for commands and print processes
//! of this server. The rules are in `spool::remote::leases` and `spool::remote::claimed`.

use std::io;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::client::peer::PeerStream;
use crate::model::lease::{
    Answered, Assertion, ClaimAnswer, ClaimEnd, ClaimRefusal, EndAnswer, LeaseAnswer, ReleasableJobs,
};
use crate::model::remote::PeerFate;
use crate::model::secure::{AtServers, HeldElsewhere, HeldRows, StationPrinter, Wanted};
use crate::model::{Call, Caller, Failure, FailureKind, GlobalJobId, JobId, JobNumber, ServerName};
use crate::spool::Local;
use crate::spool::interface::operations::{self, Effect, Request};
use crate::spool::remote::asking::{Answer, OnBehalf, Question};
use crate::spool::remote::claimed::{AT_ONCE, Permit};
use crate::sys::{clock, fault, users};
use crate::wire::peer::{PeerError, PeerReply, PeerRequest};

use super::deliver::Trouble;
use super::lines::Reached;
use super::{Peers, STEP, frames};

/// How long one server may take to say what it holds, and all of them together.
pub(super) const LISTING: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(3));
/// A user of another server whom nobody here knows.
const NOBODY: u32 = u32::MAX;

/// Answers what another server asks about jobs that are held here.
pub fn answer(peers: &Peers, from: &ServerName, request: PeerRequest) -> Result<PeerReply, Failure> {
    let (spool, now) = (&peers.inner.spool, clock::now());
    let terms = (peers.inner.terms.lease_ms, &now);
    Ok(match request {
        PeerRequest::Releasable(assertion) => {
            let caller = peers.believed(from, &assertion)?;
            PeerReply::Releasable(spool.releasable(&caller, &now)?)
        }
        PeerRequest::Look { assertion, request } => {
            let caller = peers.believed(from, &assertion)?;
            PeerReply::Looked(look(peers, caller, &request)?)
        }
        PeerRequest::Claim { job, printer, assertion } => {
            let caller = peers.believed(from, &assertion)?;
            let answer = spool.grant(from, (&job, &printer), &caller, terms)?;
            let shown = match &answer {
                ClaimAnswer::Granted(granted) => format!("granted as {}", granted.offer.token),
                ClaimAnswer::Refused(why) => format!("refused: {}", why.keyword()),
            };
            peers.log(&format!("claim of {job} by server {from}: {shown}"));
            PeerReply::Claim(answer)
        }
        PeerRequest::Held { assertion, printers, only, after, generation } => {
            let caller = peers.believed(from, &assertion)?;
            if let Some(why) = peers.compare_generations(from, generation)? {
                return Err(Failure::new(FailureKind::State, why));
            }
            PeerReply::Held(spool.held_for((from, &caller), &printers, only.as_ref(), after, &now)?)
        }
        PeerRequest::Release { job, printer, assertion, generation } => {
            let caller = peers.believed(from, &assertion)?;
            let who = (&caller, assertion.station.as_deref());
            // The stricter of two servers that do not know the same decides.
            let revoked = spool.generation()?.1;
            let answer = match peers.compare_generations(from, generation)? {
                Some(why) => ClaimAnswer::Refused(ClaimRefusal::OwnerBehind(why)),
                None if generation < revoked => {
                    ClaimAnswer::Refused(ClaimRefusal::Behind { theirs: generation, revoked })
                }
                None => spool.release_to(from, (&job, &printer), who, terms)?,
            };
            let shown = match &answer {
                ClaimAnswer::Granted(granted) => format!("granted as {}", granted.offer.token),
                ClaimAnswer::Refused(why) => format!("refused: {}", why.keyword()),
            };
            peers.log(&format!("release of {job} on {} of server {from}: {shown}", printer.name.guardian()));
            PeerReply::Claim(answer)
        }
        PeerRequest::Remove { job, assertion } => {
            let caller = peers.believed(from, &assertion)?;
            let targets = spool.remove_for(&caller, &job, &now)?;
            if !targets.is_empty() {
                peers.inner.attendant.attend(spool, &targets, &now);
            }
            PeerReply::Done
        }
        PeerRequest::Renew(token) => PeerReply::Lease(spool.renew_lease(from, &token, terms)?),
        PeerRequest::Begin(token) => PeerReply::Lease(spool.begin_lease(from, &token, &now)?),
        PeerRequest::ClaimOver { token, end } => {
            let answer = spool.lease_over(from, &token, end, &now)?;
            if let EndAnswer::Late(why) = &answer {
                peers.log(&format!("server {from} reports the end of {token} late: {why}"));
            }
            PeerReply::ClaimOver(answer)
        }
        _ => PeerReply::Unsupported,
    })
}

/// Carries out an operation that only looks. It goes no further: whoever asks knows the other servers himself.
fn look(peers: &Peers, caller: Caller, request: &str) -> Result<String, Failure> {
    let bad = |why: String| Failure::new(FailureKind::BadValue, why);
    let request: Request = serde_json::from_str(request).map_err(|error| bad(format!("no such operation: {error}")))?;
    let is_none_of_his = matches!(
        request,
        Request::AskServer { .. }
            | Request::Releasable { .. }
            | Request::Servers { .. }
            | Request::HeldElsewhere { .. }
            | Request::WhyElsewhere { .. }
            | Request::ChangeViews { .. }
            // For these he is a user of his own server (`held_for`), whatever account of his name is here.
            | Request::HeldJobs { .. }
            | Request::ReleaseRecord { .. }
    );
    if request.effect() != Effect::Looks || is_none_of_his {
        return Err(Failure::new(FailureKind::Security, format!("{} is not done for another server", request.name())));
    }
    let spool = peers.inner.spool.clone();
    let mut local = Local::new(spool, caller, clock::now, std::sync::Arc::clone(&peers.inner.attendant));
    let reply = operations::answer(&mut local, request, Vec::new());
    serde_json::to_string(&reply).map_err(|error| Failure::internal(error.to_string()))
}

/// How many jobs of a user another server may list.
const MOST_HELD: usize = 100_000;

impl Peers {
    /// Has an operation carried out at another server that only looks.
    fn look_at(&self, who: &OnBehalf, server: &ServerName, request: String) -> Result<String, Failure> {
        if !self.inner.dial.servers().contains(server) {
            return Err(Failure::not_found(format!("server {server}")).hint("pdserver members   lists the servers"));
        }
        let request = PeerRequest::Look { assertion: assert(who), request };
        match self.ask_one(server, &request, LISTING.1)? {
            PeerReply::Looked(reply) => Ok(reply),
            _ => Err(Failure::internal(format!("server {server} answers something else than it was asked"))),
        }
    }

    /// Who somebody is here for whom another server speaks. He has the rights of the user of this machine with his name, and
    /// nobody is root.
    fn believed(&self, from: &ServerName, assertion: &Assertion) -> Result<Caller, Failure> {
        let refused = |why: &str| Failure::new(FailureKind::Security, format!("{from} speaks for nobody: {why}"));
        let now = clock::now();
        if let Some(fault) = assertion.fault(now.wall_ms) {
            return Err(refused(fault));
        }
        let mut known = self.inner.spokesmen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !known.entry(from.clone()).or_default().speaks_for(&assertion.user, now.boot_ms) {
            self.log(&format!("ALERT: server {from} speaks for more users than a station has"));
            return Err(refused("it has spoken for too many users within a minute"));
        }
        drop(known);
        let caller = match users::uid_of(&assertion.user).filter(|uid| *uid != 0) {
            Some(uid) => users::of_uid(uid),
            None => {
                Caller { uid: NOBODY, user: String::new(), host: String::new(), groups: Vec::new(), operator: false }
            }
        };
        let operators = self.inner.terms.operators.as_ref();
        let operator = operators.is_some_and(|group| caller.groups.contains(group));
        Ok(Caller { user: assertion.user.clone(), host: from.to_string(), operator, ..caller })
    }

    fn claiming(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<GlobalJobId>> {
        self.inner.claiming.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Answers a question of this machine.
    pub(super) fn answer_here(&self, question: Question) -> Answer {
        let answered = match question {
            Question::Begin(job) => return self.begin(job),
            Question::Releasable(who, server) => self.releasable(&who, server).map(Answer::Releasable),
            Question::Claim(who, job, destination) => self.claim(&who, &job, (&destination, None)).map(Answer::Claimed),
            Question::Held { who, printers, servers } => self.held(&who, printers, servers).map(Answer::Held),
            Question::HeldJob { who, printers, job } => self.held_job(&who, printers, job).map(Answer::Held),
            Question::Release { who, job, printer, to } => {
                self.claim(&who, &job, (&to, Some(printer))).map(Answer::Claimed)
            }
            Question::Remove { who, job } => self.remove(&who, job).map(|()| Answer::Done),
            Question::Stations { who, wanted, servers } => self.stations(&who, *wanted, servers).map(Answer::Stations),
            Question::Look(who, server, request) => self.look_at(&who, &server, request).map(Answer::Looked),
            Question::Issue(who, issue) => self.issue(&who, issue).map(Answer::Issued),
            Question::Changes(look) => self.change_views(look).map(Answer::Changes),
            Question::Servers => Ok(Answer::Servers(self.inner.dial.servers())),
        };
        answered.unwrap_or_else(Answer::Failed)
    }

    pub(super) fn ask_one(
        &self,
        server: &ServerName,
        request: &PeerRequest,
        patience: Duration,
    ) -> Result<PeerReply, Failure> {
        let mut reached = self.reach(server, patience)?;
        let reply = ask_on(&mut reached, server, request)?;
        reached.keep();
        Ok(reply)
    }

    /// Asks the other servers, or one of them, all at once, which jobs of a user they hold.
    fn releasable(&self, who: &OnBehalf, server: Option<ServerName>) -> Result<ReleasableJobs, Failure> {
        let members = self.inner.dial.servers();
        let asked = match server {
            Some(one) if !members.contains(&one) => {
                return Err(Failure::not_found(format!("server {one}")).hint("pdserver members   lists the servers"));
            }
            Some(one) => vec![one],
            None => members,
        };
        let mut found = ReleasableJobs::default();
        let request = PeerRequest::Releasable(assert(who));
        let answers =
            self.ask_each(asked, LISTING.1, move |peers, server| match peers.ask_one(server, &request, LISTING.0)? {
                PeerReply::Releasable(jobs) => Ok(jobs),
                _ => Err(odd(server)),
            });
        for (server, answer) in answers {
            let answered = match answer {
                Ok(jobs) => {
                    // A server speaks of its own jobs only.
                    found.jobs.extend(jobs.into_iter().filter(|one| one.job.server == server));
                    Answered::Yes
                }
                Err(why) => Answered::No(why),
            };
            found.servers.push((server, answered));
        }
        Ok(found)
    }

    /// Asks servers all at once, and waits `patience` for their answers at most. Returns them by name, each with what
    /// it said or why it did not.
    pub(super) fn ask_each<T: Send + 'static>(
        &self,
        asked: Vec<ServerName>,
        patience: Duration,
        ask: impl Fn(&Self, &ServerName) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Vec<(ServerName, Result<T, String>)> {
        let end = Instant::now() + patience;
        let ask = std::sync::Arc::new(ask);
        let (tell, told) = mpsc::channel();
        for server in asked.clone() {
            let (peers, tell, ask) = (self.clone(), tell.clone(), std::sync::Arc::clone(&ask));
            // Without a thread it has not answered.
            let _ = std::thread::Builder::new().name("ask".into()).spawn(move || {
                let answer = ask(&peers, &server).map_err(|failure| failure.message);
                let _ = tell.send((server, answer));
            });
        }
        drop(tell);
        let mut found: Vec<(ServerName, Result<T, String>)> = Vec::new();
        let mut silent = asked;
        while let Ok((server, answer)) = told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            silent.retain(|one| *one != server);
            found.push((server, answer));
        }
        found.extend(silent.into_iter().map(|one| (one, Err("it did not answer in time".to_owned()))));
        found.sort_by_key(|(server, _)| server.key());
        found
    }

    /// Tells the members of this group from other names; without names all members are meant.
    fn members_among(&self, servers: Option<Vec<ServerName>>) -> (Vec<ServerName>, Vec<ServerName>) {
        let members = self.inner.dial.servers();
        match servers {
            None => (members, Vec::new()),
            Some(asked) => asked.into_iter().partition(|one| members.contains(one)),
        }
    }

    /// Asks servers which jobs of a user wait there for their release, and what his printers mean for each.
    fn held(
        &self,
        who: &OnBehalf,
        printers: Vec<StationPrinter>,
        servers: Option<Vec<ServerName>>,
    ) -> Result<HeldElsewhere, Failure> {
        let (asked, strangers) = self.members_among(servers);
        let assertion = assert(who);
        let generation = self.inner.spool.generation()?.0;
        let end = Instant::now() + LISTING.1;
        let answers = self.ask_each(asked, LISTING.1, move |peers, server| {
            let mut reached = peers.reach(server, LISTING.0)?;
            let (mut rows, mut after) = (Vec::new(), None);
            loop {
                let (assertion, printers) = (assertion.clone(), printers.clone());
                let request = PeerRequest::Held { assertion, printers, only: None, after, generation };
                let (mut more, next) = held_rows(server, ask_on(&mut reached, server, &request)?)?;
                rows.append(&mut more);
                if next.is_none() || next <= after {
                    reached.keep();
                    return Ok(rows);
                }
                // Whoever asked has gone on without it.
                if Instant::now() >= end || rows.len() > MOST_HELD {
                    return Err(Failure::new(FailureKind::Timeout, "its list does not end in time"));
                }
                after = next;
            }
        });
        let mut found = HeldElsewhere::default();
        for (server, answer) in answers {
            let answered = match answer {
                Ok(rows) => {
                    found.rows.extend(rows);
                    Answered::Yes
                }
                Err(why) => Answered::No(why),
            };
            found.servers.push((server, answered));
        }
        let no = |server| (server, Answered::No("it is no member of this group".to_owned()));
        found.servers.extend(strangers.into_iter().map(no));
        Ok(found)
    }

    /// Asks the owner of a job about it.
    fn held_job(
        &self,
        who: &OnBehalf,
        printers: Vec<StationPrinter>,
        job: GlobalJobId,
    ) -> Result<HeldElsewhere, Failure> {
        let server = job.server.clone();
        self.demand_member(&server)?;
        let generation = self.inner.spool.generation()?.0;
        let only = Some(job.clone());
        let request = PeerRequest::Held { assertion: assert(who), printers, only, after: None, generation };
        let reply = self.ask_one(&server, &request, LISTING.1)?;
        let mut rows = held_rows(&server, reply)?.0;
        rows.retain(|row| row.global == job);
        Ok(HeldElsewhere { rows, servers: Vec::new(), only_here: false })
    }

    /// Has a job removed by its owner.
    fn remove(&self, who: &OnBehalf, job: GlobalJobId) -> Result<(), Failure> {
        self.demand_member(&job.server)?;
        let server = job.server.clone();
        let mut reached = self.reach_anew(&server, STEP)?;
        let request = PeerRequest::Remove { job: job.clone(), assertion: assert(who) };
        let reply = too_long(reached.ask(&request)?)?;
        reached.keep();
        match reply {
            PeerReply::Done => Ok(()),
            // Whether it exists and is another's, or does not exist: whoever asks is told the same.
            PeerReply::Refused(why) if why.ends_with("does not exist") => Err(Failure::not_found(format!("job {job}"))),
            reply => Err(refused(&server, reply)),
        }
    }

    /// Asks servers what their stations make of a job.
    fn stations(&self, who: &OnBehalf, wanted: Wanted, servers: Vec<ServerName>) -> Result<AtServers, Failure> {
        let (asked, strangers) = self.members_among(Some(servers));
        let request = serde_json::to_string(&Request::AtStations { wanted })
            .map_err(|error| Failure::internal(error.to_string()))?;
        let request = PeerRequest::Look { assertion: assert(who), request };
        let mut found =
            self.ask_each(asked, LISTING.1, move |peers, server| match peers.ask_one(server, &request, LISTING.0)? {
                PeerReply::Looked(reply) => match serde_json::from_str(&reply) {
                    Ok(operations::Reply::AtStations(stations)) => Ok(stations),
                    Ok(operations::Reply::Failed(failure)) => Err(failure),
                    _ => Err(odd(server)),
                },
                _ => Err(odd(server)),
            });
        found.extend(strangers.into_iter().map(|one| (one, Err("it is no member of this group".to_owned()))));
        Ok(found)
    }

    fn demand_member(&self, server: &ServerName) -> Result<(), Failure> {
        match self.inner.dial.servers().contains(server) {
            true => Ok(()),
            false => Err(Failure::not_found(format!("server {server}")).hint("pdserver members   lists the servers")),
        }
    }

    /// Claims a job of another server, and makes it here. With a printer of a station it is one that waits for its release.
    fn claim(
        &self,
        who: &OnBehalf,
        job: &GlobalJobId,
        (destination, released): (&str, Option<StationPrinter>),
    ) -> Result<JobNumber, Failure> {
        let spool = &self.inner.spool;
        // Its owner takes a second claim of ours for a sign that the first one was lost.
        let _claiming = Claiming::begin(self, job)?;
        let (to, printer) = spool.may_claim(&Call::of(&who.caller, &clock::now()), job, destination)?;
        let server = &job.server;
        self.demand_member(server)?;
        let mut reached = self.reach(server, STEP)?;
        let at_station = released.as_ref().map(|printer| (who.station.clone(), printer.name.clone()));
        let request = match released {
            Some(printer) => {
                let generation = spool.generation()?.0;
                PeerRequest::Release { job: job.clone(), printer, assertion: assert(who), generation }
            }
            None => PeerRequest::Claim { job: job.clone(), printer, assertion: assert(who) },
        };
        let sent = clock::now();
        let reply = too_long(reached.ask(&request)?)?;
        fault::point("claim-answered");
        let granted = match reply {
            PeerReply::Claim(ClaimAnswer::Granted(granted)) => *granted,
            PeerReply::Claim(ClaimAnswer::Refused(why)) => {
                let kind = match &why {
                    // At a station nobody is told of jobs of others.
                    ClaimRefusal::NotOwner | ClaimRefusal::Gone if at_station.is_some() => {
                        return Err(Failure::not_found(format!("job {job}")));
                    }
                    ClaimRefusal::NotOwner => FailureKind::Security,
                    ClaimRefusal::Gone => FailureKind::NotFound,
                    _ => FailureKind::State,
                };
                return Err(Failure::new(kind, format!("server {server} does not release {job}: {}", why.words())));
            }
            reply => return Err(refused(server, reply)),
        };
        let token = granted.offer.token.clone();
        let call = Call::of(&who.caller, &clock::now());
        match spool.take_claimed(&call, (server, job), granted, (&to, at_station), &sent) {
            Ok((number, targets)) => {
                fault::point("claim-taken");
                reached.keep();
                if !targets.is_empty() {
                    self.inner.attendant.attend(spool, &targets, &clock::now());
                }
                Ok(number)
            }
            Err(failure) => {
                // Whether it hears that or not: the claim ends by its time.
                let end = ClaimEnd { outcome: PeerFate::GIVEN_BACK.to_owned(), device: None, begun: false };
                let _ = reached.ask(&PeerRequest::ClaimOver { token, end });
                Err(failure)
            }
        }
    }

    /// Has BEGIN put on record at the owner of a job, for a print process that is about to send its first octet.
    fn begin(&self, job: JobId) -> Answer {
        let spool = &self.inner.spool;
        let over = |why: String| match spool.withdraw_claimed_job(job, &why, &clock::now()) {
            Ok(targets) => {
                if !targets.is_empty() {
                    self.inner.attendant.attend(spool, &targets, &clock::now());
                }
                Answer::Over(why)
            }
            Err(failure) => Answer::Later(failure.message),
        };
        let (server, token) = match spool.permit(job, &clock::now()) {
            Ok(Permit::Given) => return Answer::Begins,
            Ok(Permit::Over(why)) => return over(why),
            Ok(Permit::Ask { server, token }) => (server, token),
            Err(failure) => return Answer::Later(failure.message),
        };
        let answer = match self.ask_one(&server, &PeerRequest::Begin(token.clone()), STEP) {
            Ok(PeerReply::Lease(answer)) => answer,
            Ok(_) => return Answer::Later(format!("server {server}: its answer is none to the question")),
            Err(failure) if failure.kind == FailureKind::Security => return over(failure.message),
            Err(failure) => return Answer::Later(failure.message),
        };
        fault::point("begin-answered");
        match answer {
            LeaseAnswer::Begun => match spool.lease_begun(&token, &clock::now()) {
                Ok(()) => {
                    fault::point("begun");
                    Answer::Begins
                }
                Err(failure) => Answer::Later(failure.message),
            },
            LeaseAnswer::Over(why) => over(why),
            LeaseAnswer::Stands(_) => Answer::Later(format!("server {server} does not let it begin")),
        }
    }
}

/// A job of another server that is being claimed; dropped, it may be claimed again.
struct Claiming<'a> {
    peers: &'a Peers,
    job: &'a GlobalJobId,
}

impl<'a> Claiming<'a> {
    fn begin(peers: &'a Peers, job: &'a GlobalJobId) -> Result<Self, Failure> {
        match peers.claiming().insert(job.clone()) {
            true => Ok(Self { peers, job }),
            false => Err(Failure::new(FailureKind::State, format!("job {job} is being released already"))),
        }
    }
}

impl Drop for Claiming<'_> {
    fn drop(&mut self) {
        self.peers.claiming().remove(self.job);
    }
}

/// Asks a server over a connection. A reply that says no is a failure.
pub(super) fn ask_on(
    reached: &mut Reached<'_>,
    server: &ServerName,
    request: &PeerRequest,
) -> Result<PeerReply, Failure> {
    match too_long(reached.ask(request)?)? {
        no @ (PeerReply::Refused(_) | PeerReply::Failed(_) | PeerReply::Unsupported) => Err(refused(server, no)),
        reply => Ok(reply),
    }
}

/// A request that is too long is a wrong value in it.
fn too_long(asked: Result<PeerReply, PeerError>) -> Result<PeerReply, Failure> {
    asked.map_err(|error| Failure::new(FailureKind::BadValue, error.to_string()))
}

/// The failure that a reply tells, or that it is none to the question.
fn refused(server: &ServerName, reply: PeerReply) -> Failure {
    match reply {
        PeerReply::Refused(why) => Failure::new(FailureKind::Security, format!("server {server}: {why}")),
        PeerReply::Failed(why) => Failure::new(FailureKind::Unreachable, format!("server {server}: {why}")),
        PeerReply::Unsupported => Failure::new(FailureKind::Unsupported, format!("server {server}: {}", frames::OLDER)),
        _ => odd(server),
    }
}

pub(super) fn odd(server: &ServerName) -> Failure {
    Failure::internal(format!("server {server} answers something else than it was asked"))
}

/// The jobs in a reply. A server speaks of its own jobs only.
fn held_rows(server: &ServerName, reply: PeerReply) -> Result<HeldRows, Failure> {
    match reply {
        PeerReply::Held((mut rows, next)) => {
            rows.retain(|row| row.global.server == *server);
            Ok((rows, next))
        }
        _ => Err(odd(server)),
    }
}

/// What the owner of jobs is told of whoever asks.
fn assert(who: &OnBehalf) -> Assertion {
    Assertion {
        user: who.caller.user.clone(),
        method: who.method.clone(),
        station: who.station.clone(),
        at_ms: clock::now().wall_ms,
    }
}

pub(super) fn unanswered(server: &ServerName, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it did not answer in time".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(FailureKind::Unreachable, format!("server {server}: {why}"))
}

/// Reports the ends of jobs that were claimed of a server, and renews the claims that have not begun. Returns whether something
/// is left that takes time.
pub fn see_to(peers: &Peers, stream: &mut dyn PeerStream, server: &ServerName) -> Result<bool, Trouble> {
    let spool = &peers.inner.spool;
    let mut left = false;
    let mut after = String::new();
    loop {
        let now = clock::now();
        let page = spool.own_claims(server, &after, (peers.inner.terms.lease_ms, &now))?;
        let Some(last) = page.last() else { return Ok(left) };
        after.clone_from(&last.token);
        let full = page.len() == AT_ONCE as usize;
        for claim in page {
            if let Some(end) = claim.end {
                fault::point("claim-ended");
                let request = PeerRequest::ClaimOver { token: claim.token.clone(), end };
                match frames::ask_of_one(stream, &request)? {
                    Ok(PeerReply::ClaimOver(answer)) => {
                        if let EndAnswer::Late(why) = answer {
                            peers.log(&format!("server {server} was told the end of {} late: {why}", claim.token));
                        }
                        spool.end_is_told(&claim.token, &clock::now())?;
                    }
                    // It does not know of it, and never will.
                    Ok(PeerReply::Refused(why)) => {
                        peers.log(&format!("server {server} does not hear the end of {}: {why}", claim.token));
                        spool.end_is_told(&claim.token, &clock::now())?;
                    }
                    Ok(_) | Err(_) => left = true,
                }
                continue;
            }
            left = true;
            if claim.renews {
                let sent = clock::now();
                if let Ok(PeerReply::Lease(answer)) =
                    frames::ask_of_one(stream, &PeerRequest::Renew(claim.token.clone()))?
                {
                    let targets = spool.lease_renewed(&claim.token, answer, (&sent, &clock::now()))?;
                    if !targets.is_empty() {
                        peers.inner.attendant.attend(spool, &targets, &clock::now());
                    }
                }
            }
        }
        if !full {
            return Ok(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::peer::Dial;
    use crate::model::{DeviceName, lease};
    use crate::server::Log;
    use crate::server::peers::Terms;
    use crate::spool::Nobody;
    use crate::spool::interface::operations::Operations;
    use crate::spool::testing::{Site, name};

    /// No other server can be reached.
    struct Alone;

    impl Dial for Alone {
        fn dial(&self, _: &ServerName, _: Duration) -> Result<Box<dyn PeerStream>, Failure> {
            Err(Failure::new(FailureKind::Unreachable, "nobody is there"))
        }
        fn servers(&self) -> Vec<ServerName> {
            vec![name("acme2")]
        }
    }

    fn peers() -> (Site, Peers) {
        let site = Site::printing();
        let log: Log = Arc::new(|_: &str| {});
        let peers = Peers::new(site.spool.clone(), Arc::new(Nobody), Arc::new(Alone), log, Terms::default());
        (site, peers)
    }

    /// The first connection is made when the test lets it, and fails; every other one fails at once.
    struct Slow {
        dialled: mpsc::Sender<()>,
        go_on: std::sync::Mutex<Option<mpsc::Receiver<()>>>,
    }

    impl Dial for Slow {
        fn dial(&self, server: &ServerName, patience: Duration) -> Result<Box<dyn PeerStream>, Failure> {
            let first = self.go_on.lock().unwrap().take();
            if let Some(go_on) = first {
                self.dialled.send(()).unwrap();
                let _ = go_on.recv();
            }
            Alone.dial(server, patience)
        }
        fn servers(&self) -> Vec<ServerName> {
            Alone.servers()
        }
    }

    #[test]
    fn vector_14_a_job_that_is_being_released_is_not_released_a_second_time_meanwhile() {
        let mut site = Site::printing();
        site.local.start_device(name("LP1")).unwrap();
        let ((dialled, is_dialled), (goes_on, go_on)) = (mpsc::channel(), mpsc::channel());
        let slow = Slow { dialled, go_on: std::sync::Mutex::new(Some(go_on)) };
        let log: Log = Arc::new(|_: &str| {});
        let peers = Peers::new(site.spool.clone(), Arc::new(Nobody), Arc::new(slow), log, Terms::default());
        let job = GlobalJobId { server: name("acme2"), serial: crate::model::Serial(1_000_000_007) };
        let claim = || {
            let caller = crate::spool::testing::user("ann", nix::unistd::geteuid().as_raw());
            let who = OnBehalf { caller, method: "login".into(), station: None };
            peers.claim(&who, &job, ("office.front", None)).unwrap_err()
        };
        std::thread::scope(|scope| {
            let first = scope.spawn(claim);
            is_dialled.recv().unwrap();
            let second = claim();
            assert_eq!(second.kind, FailureKind::State, "{second}");
            assert!(second.message.contains("is being released already"), "{second}");
            goes_on.send(()).unwrap();
            assert_eq!(first.join().unwrap().kind, FailureKind::Unreachable);
        });
        // And then it may be tried again.
        assert_eq!(claim().kind, FailureKind::Unreachable);
    }

    fn assertion(user: &str) -> Assertion {
        Assertion { user: user.into(), method: "login".into(), station: None, at_ms: clock::now().wall_ms }
    }

    fn asked(peers: &Peers, request: &Request) -> Result<PeerReply, Failure> {
        let request = serde_json::to_string(request).unwrap();
        answer(peers, &name("acme2"), PeerRequest::Look { assertion: assertion("ann"), request })
    }

    #[test]
    fn another_server_looks_and_changes_nothing() {
        let (_site, peers) = peers();
        let device: DeviceName = name("LP1");
        let looked = asked(&peers, &Request::Device { name: device.clone() }).unwrap();
        assert!(matches!(looked, PeerReply::Looked(reply) if reply.contains("LP1")));
        let servers = Request::Servers {};
        let on =
            Request::AskServer { server: name("acme3"), request: Box::new(Request::Device { name: device.clone() }) };
        let waits = Request::AwaitOffline { name: device.clone(), timeout_ms: 60_000 };
        // What an account of this machine may release is none of the business of a user of another one.
        let (held, lines) = (
            Request::HeldJobs { station: None, after: None, limit: 10 },
            Request::ReleaseRecord { after: 0, limit: 10 },
        );
        let delete = Request::DeleteDevice { name: device };
        for refused in [delete, servers, on, waits, Request::Releasable { server: None }, held, lines] {
            let failure = asked(&peers, &refused).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Security, "{refused:?}");
        }
        let odd = PeerRequest::Look { assertion: assertion("ann"), request: "{".into() };
        assert_eq!(answer(&peers, &name("acme2"), odd).unwrap_err().kind, FailureKind::BadValue);
    }

    #[test]
    fn vector_22_a_server_that_speaks_for_too_many_users_is_refused() {
        let (_site, peers) = peers();
        let speaks = |user: &str, at_ms: i64| {
            let assertion = Assertion { at_ms, ..assertion(user) };
            answer(&peers, &name("acme2"), PeerRequest::Releasable(assertion))
        };
        let now = clock::now().wall_ms;
        for n in 0..lease::USERS_A_MINUTE {
            assert!(speaks(&format!("user{n}"), now).is_ok());
        }
        assert_eq!(speaks("another", now).unwrap_err().kind, FailureKind::Security);
        assert!(speaks("user1", now).is_ok());
        assert!(speaks("user1", now - 2 * lease::ASSERTED_MS).is_err(), "it is old");
        // Nobody is root, and nobody is an operator by his word.
        let root = peers.believed(&name("acme3"), &assertion("root")).unwrap();
        assert!(root.uid != 0 && !root.operator);
    }
}
