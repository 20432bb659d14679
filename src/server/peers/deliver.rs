//! Working with one other server: offering it jobs, asking how they stand, and telling it that their ends are on record.
//!
//! One thread does this, until nothing is left to do. A server that does not answer is tried again after a growing wait; why it
//! does not answer is on record, where WHY and `pdls` find it.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use crate::client::peer::PeerStream;
use crate::model::remote::PeerFate;
use crate::model::{Call, Failure, JobId, ServerName};
use crate::spool::remote::outgoing::{AT_ONCE, Outstanding};
use crate::sys::{clock, fault};
use crate::wire::peer::{PeerReply, PeerRequest};

use super::{Peers, STEP, frames};

/// The first and the longest wait before a server is tried again.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How often a server is asked how jobs stand that it has, while nothing else happens.
const ASK: Duration = Duration::from_millis(500);

/// The shortest time between two rounds.
pub const PACE: Duration = Duration::from_millis(50);

/// Why a round did not come to its end.
enum Trouble {
    /// The other server, or the way to it.
    There(String),
    /// This spool.
    Here(Failure),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::There(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the connection broke off".to_owned(),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it did not answer in time".to_owned(),
            _ => error.to_string(),
        })
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

/// A stream, and what proved its other end when it was made.
struct Line {
    stream: Box<dyn PeerStream>,
    proof: String,
}

/// Works with `server` until nothing is left to do, or this server ends.
pub fn work(peers: &Peers, server: &ServerName) {
    let mut wait = WAITS.0;
    let mut stream: Option<Line> = None;
    let watch = peers.watch();
    while !peers.is_over() {
        match round(peers, server, &mut stream) {
            Ok(left) => {
                wait = WAITS.0;
                silence(peers, server, None);
                if !left {
                    return;
                }
                // However much happens here, the other server is not asked all the time.
                peers.pause(PACE);
                match &watch {
                    Some(watch) => drop(watch.wait(ASK)),
                    None => peers.pause(ASK),
                }
            }
            Err(trouble) => {
                stream = None;
                match trouble {
                    Trouble::There(why) => silence(peers, server, Some(&why)),
                    Trouble::Here(failure) => peers.log(&format!("server {server}: {}", failure.message)),
                }
                let left = peers.inner.spool.servers_with_work();
                if left.is_ok_and(|left| !left.contains(server)) {
                    return;
                }
                peers.pause(wait);
                wait = (wait * 2).min(WAITS.1);
            }
        }
    }
}

fn call() -> Call {
    Call::of_spooler(&clock::now())
}

/// Notes whether the server answers, and says it in the log when that changes.
fn silence(peers: &Peers, server: &ServerName, why: Option<&str>) {
    match peers.inner.spool.note_silence(&call(), server, why) {
        Ok(true) => match why {
            Some(why) => peers.log(&format!("server {server} does not answer: {why}")),
            None => peers.log(&format!("server {server} answers again")),
        },
        Ok(false) => {}
        Err(failure) => peers.log(&format!("server {server}: {}", failure.message)),
    }
}

/// Does what is to be done with a server now. Returns whether something is left that takes time.
fn round(peers: &Peers, server: &ServerName, line: &mut Option<Line>) -> Result<bool, Trouble> {
    let spool = &peers.inner.spool;
    // Whoever revokes a membership ends the streams that the other one made; this one looks after its own.
    let proof = match peers.inner.dial.proof(server)? {
        Some(proof) => proof,
        None => {
            *line = None;
            spool.server_left(&call(), server)?;
            return Err(Trouble::There("it is no member of this group any more".to_owned()));
        }
    };
    let line = match line.take().filter(|line| line.proof == proof) {
        Some(known) => line.insert(known),
        None => {
            let stream = peers.inner.dial.dial(server, STEP).map_err(|failure| Trouble::There(failure.message))?;
            line.insert(Line { stream, proof })
        }
    };
    let stream = line.stream.as_mut();
    stream.set_patience(STEP)?;
    match frames::ask(stream, &PeerRequest::Hello)? {
        PeerReply::Hello { spool: there } if there != spool.spool_id() => {}
        PeerReply::Hello { .. } => return Err(Trouble::There("it is this very server".to_owned())),
        _ => return Err(odd()),
    }
    let back = spool.server_is_back(server, &clock::now())?;
    if !back.is_empty() {
        peers.inner.attendant.attend(spool, &back, &clock::now());
    }
    // Files that it did not give keep jobs waiting.
    let mut later = spool.waits_for(server)?;
    let mut after = JobId(0);
    loop {
        let page = spool.outstanding(&call(), server, after)?;
        let Some(last) = page.last() else { break };
        after = last.job;
        let full = page.len() == AT_ONCE as usize;
        later |= settle(peers, stream, server, page)?;
        if !full {
            break;
        }
    }
    while let Some(offer) = spool.send_next(&call(), server)? {
        fault::point("offered");
        let token = offer.token.clone();
        later = true;
        if !offered(peers, stream, (server, token), PeerRequest::Offer(Box::new(offer)))? {
            break;
        }
    }
    Ok(later)
}

fn odd() -> Trouble {
    Trouble::There("its answer is none to the question".to_owned())
}

/// Sends an offer, and records the answer. Returns whether the server takes more.
fn offered(
    peers: &Peers,
    stream: &mut dyn PeerStream,
    (server, token): (&ServerName, String),
    offer: PeerRequest,
) -> Result<bool, Trouble> {
    let PeerReply::Offer(answer) = frames::ask(stream, &offer)? else { return Err(odd()) };
    fault::point("offer-answered");
    let more = !matches!(answer, crate::model::remote::OfferAnswer::Later(_));
    peers.inner.spool.offer_answered(&call(), server, &token, answer)?;
    Ok(more)
}

/// Offers again what has no answer, asks for what is wanted back, and records how the others stand. Returns whether something
/// is left. An answer about a job that was not asked for is not listened to.
fn settle(
    peers: &Peers,
    stream: &mut dyn PeerStream,
    server: &ServerName,
    jobs: Vec<Outstanding>,
) -> Result<bool, Trouble> {
    let spool = &peers.inner.spool;
    let mut left = false;
    let (mut ask, mut told) = (Vec::new(), Vec::new());
    for job in jobs {
        if job.wanted_back {
            let question = PeerRequest::GiveBack(job.token.clone());
            let PeerReply::Fates(fates) = frames::ask(stream, &question)? else { return Err(odd()) };
            told.extend(fates.into_iter().filter(|(token, _)| *token == job.token).take(1));
        } else if job.is_there {
            ask.push(job.token);
        } else if let Some(offer) = spool.offer_again(&call(), job.job)? {
            offered(peers, stream, (server, job.token), PeerRequest::Offer(Box::new(offer)))?;
            left = true;
        }
    }
    if !ask.is_empty() {
        let mut asked: HashSet<String> = ask.iter().cloned().collect();
        let PeerReply::Fates(fates) = frames::ask(stream, &PeerRequest::Ask(ask))? else { return Err(odd()) };
        told.extend(fates.into_iter().filter(|(token, _)| asked.remove(token)));
    }
    let mut confirm = Vec::new();
    for (token, fate) in told {
        left |= matches!(fate, PeerFate::There { .. });
        if spool.fate_told(&call(), server, &token, fate)? {
            confirm.push(token);
        }
    }
    fault::point("end-on-record");
    if !confirm.is_empty() {
        frames::ask(stream, &PeerRequest::Confirm(confirm))?;
    }
    Ok(left)
}
