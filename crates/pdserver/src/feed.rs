//! A member server follows the list of the first one, and dials its peers.
//!
//! One question waits at the first server until the list is newer than ours, so a revocation there counts here a moment later.
//! While the first server is down the list that we have goes on to count. A list never goes back: one of an earlier generation is
//! that of an older backup, and is said and not taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use spoolsuite::client::peer::{Cutter, Dial, PeerStream};
use spoolsuite::model::{Failure, FailureKind, ServerName};
use spoolsuite::server::served::Log;

use crate::Purpose;
use crate::clock::Clock;
use crate::join::{self, ANSWER, Conversation};
use crate::listener::FOLLOW;
use crate::members::{Member, RENEWED, Role};
use crate::messages::{Answer, Question};
use crate::place::Place;
use crate::tls::{Client, Trouble};

/// Pauses between attempts to reach the first server; the last one repeats.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// Follows the list while it lives.
pub struct Follower {
    stop: Arc<Stop>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_over: AtomicBool,
    cut: Mutex<Option<Cutter>>,
    changed: Condvar,
}

impl Stop {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn wait(&self, long: Duration) {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(cut, long, |_| !self.is_over()));
    }
}

impl Follower {
    /// Begins to follow, for a server that listens at `listens`.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(
        place: Place,
        name: ServerName,
        listens: Option<String>,
        clock: Clock,
        log: Log,
    ) -> Result<Self, Failure> {
        let stop = Arc::new(Stop::default());
        let until = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("follow".into());
        let work = move || follow(&place, &name, listens.as_ref(), &clock, &log, &until);
        let thread =
            thread.spawn(work).map_err(|error| Failure::new(FailureKind::Io, format!("no thread: {error}")))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.is_over.store(true, Ordering::SeqCst);
        if let Some(cut) = self.stop.cut.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            cut();
        }
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn follow(place: &Place, name: &ServerName, listens: Option<&String>, clock: &Clock, log: &Log, stop: &Stop) {
    let mut said = None;
    let mut pauses = PAUSES.iter().copied();
    while !stop.is_over() && place.is_member() {
        match renew_in_time(place, name, clock, log).and_then(|()| follow_once(place, listens, clock, log, stop)) {
            Ok(()) => {
                if said.take().is_some() {
                    log("the first server of the group answers again");
                }
                pauses = PAUSES.iter().copied();
            }
            Err(_) if stop.is_over() => return,
            Err(failure) => {
                // Once for each trouble.
                if said.as_ref() != Some(&failure.message) {
                    log(&format!("the list of members is not followed: {}", failure.message));
                    said = Some(failure.message);
                }
                stop.wait(pauses.next().unwrap_or(PAUSES[PAUSES.len() - 1]));
            }
        }
    }
}

fn renew_in_time(place: &Place, name: &ServerName, clock: &Clock, log: &Log) -> Result<(), Failure> {
    let ends = place.group()?.member(name).map_or(u64::MAX, |member| member.ends);
    if ends > clock.now().saturating_add(RENEWED) {
        return Ok(());
    }
    join::renew(place, clock)?;
    log("this server has a new certificate");
    Ok(())
}

fn follow_once(place: &Place, listens: Option<&String>, clock: &Clock, log: &Log, stop: &Stop) -> Result<(), Failure> {
    if place.has_authority() {
        // The list is ours; only the certificate is looked after.
        stop.wait(FOLLOW);
        return Ok(());
    }
    let mut server = Conversation::of_member(place, &join::first_server(place)?, clock)?;
    *stop.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.cutter());
    while !stop.is_over() {
        let known = place.group()?.generation;
        let question = Question::Follow { known, listens: listens.cloned() };
        match server.ask(&question, FOLLOW + ANSWER)? {
            Answer::Same => {}
            Answer::Group(group) if group.generation > known => {
                let _lock = place.lock()?;
                place.set_group(&group)?;
            }
            Answer::Group(group) => {
                let what =
                    format!("the first server has generation {} of the list, and we have {known}", group.generation);
                log(&format!("{what}: it is not taken; revoke there again what was revoked"));
                stop.wait(FOLLOW);
            }
            _ => return Err(Failure::new(FailureKind::Unreachable, "the first server answers something else")),
        }
    }
    Ok(())
}

/// Dials other servers of the group, as the server at this place.
pub struct Dialer {
    place: Place,
    name: ServerName,
    clock: Clock,
}

impl Dialer {
    /// That of server `name`.
    pub fn new(place: Place, name: ServerName, clock: Clock) -> Self {
        Self { place, name, clock }
    }
}

impl Dial for Dialer {
    fn dial(&self, server: &ServerName, patience: Duration) -> Result<Box<dyn PeerStream>, Failure> {
        let group = self.place.group()?;
        let unknown = |why: &str| Failure::new(FailureKind::Unreachable, format!("{server}: {why}"));
        let member: &Member = group
            .member(server)
            .filter(|member| member.role == Role::Server)
            .ok_or_else(|| unknown("no server of this group has that name"))?;
        if member.revoked.is_some() {
            return Err(unknown("its membership was revoked"));
        }
        let address = member.address.as_ref().ok_or_else(|| unknown("it has not said yet where it listens"))?;
        let client = Client::member(self.place.credentials()?, Purpose::Peer, &self.clock)?;
        let stream = client.connect(address, patience)?;
        // Any member's certificate is of the authority: the list says whose it is.
        let shown = stream.certificate().unwrap_or_default();
        match group.bearer(&shown, self.clock.now()) {
            Ok(found) if found.name == *server => Ok(Box::new(stream)),
            Ok(found) => Err(Trouble::Certificate.failure(address, &format!("that is {}, not {server}", found.name))),
            Err(why) => Err(Trouble::Certificate.failure(address, &why)),
        }
    }

    fn proof(&self, server: &ServerName) -> Result<Option<String>, Failure> {
        let group = self.place.group()?;
        let known = group.member(server).filter(|member| member.role == Role::Server && member.revoked.is_none());
        Ok(known.map(|member| member.certificate.clone()))
    }

    fn servers(&self) -> Vec<ServerName> {
        let Ok(group) = self.place.group() else { return Vec::new() };
        group.servers().filter(|server| server.name != self.name).map(|server| server.name.clone()).collect()
    }
}
