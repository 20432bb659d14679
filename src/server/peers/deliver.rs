//! Working with one other server: offering it jobs, asking how they stand, and telling it that their ends are on record.
//!
//! One thread does this, until nothing is left to do. A server that does not answer is tried again after a growing wait; why it
//! does not answer is on record, where WHY and `pdls` find it.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use crate::client::peer::PeerStream;
use crate::model::remote::{OfferAnswer, PeerFate};
use crate::model::{Call, DocumentId, Failure, JobId, ServerName};
use crate::spool::remote::outgoing::{AT_ONCE, Outstanding, Unread};
use crate::sys::{clock, fault};
use crate::wire::peer::{PeerReply, PeerRequest};

use super::lines::Reached;
use super::{Peers, STEP, claims, frames};

/// The first and the longest wait before a server is tried again.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How often a server is asked how jobs stand that it has, while nothing else happens.
const ASK: Duration = Duration::from_millis(500);

/// The shortest time between two rounds.
pub const PACE: Duration = Duration::from_millis(50);

/// Why a round did not come to its end.
pub enum Trouble {
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

/// Works with `server` until nothing is left to do, or this server ends.
pub fn work(peers: &Peers, server: &ServerName) {
    let mut wait = WAITS.0;
    let mut reached: Option<Reached<'_>> = None;
    let mut unreadable = HashSet::new();
    let watch = peers.watch();
    while !peers.is_over() {
        match round(peers, server, (&mut reached, &mut unreadable)) {
            Ok(left) => {
                wait = WAITS.0;
                silence(peers, server, None);
                if !left {
                    reached.into_iter().for_each(Reached::keep);
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
                reached = None;
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
fn round<'a>(
    peers: &'a Peers,
    server: &ServerName,
    (line, unreadable): (&mut Option<Reached<'a>>, &mut HashSet<DocumentId>),
) -> Result<bool, Trouble> {
    let spool = &peers.inner.spool;
    // Whoever revokes a membership ends the streams that the other one made; this one looks after its own.
    let proof = match peers.inner.dial.proof(server)? {
        Some(proof) => proof,
        None => {
            *line = None;
            spool.server_left(&call(), server)?;
            spool.claimant_left(&call(), server)?;
            return Err(Trouble::There("it is no member of this group any more".to_owned()));
        }
    };
    // A large file is read before anybody waits for it, and once.
    let begin = Instant::now();
    read_next(peers, server, unreadable)?;
    if begin.elapsed() > STEP / 2 {
        *line = None;
    }
    let there = |failure: Failure| Trouble::There(failure.message);
    let line = match line.take().filter(|line| line.proof() == Some(&proof)) {
        Some(known) => line.insert(known),
        None => line.insert(peers.reach(server, STEP).map_err(there)?),
    };
    match line.begin(|stream| frames::ask(stream, &PeerRequest::Hello)).map_err(there)?? {
        PeerReply::Hello { spool: there } if there != spool.spool_id() => {}
        PeerReply::Hello { .. } => return Err(Trouble::There("it is this very server".to_owned())),
        _ => return Err(odd()),
    }
    let stream = line.stream();
    let back = spool.server_is_back(server, &clock::now())?;
    if !back.is_empty() {
        peers.inner.attendant.attend(spool, &back, &clock::now());
    }
    // Files that it did not give keep jobs waiting.
    let mut later = spool.waits_for(server)?;
    later |= claims::see_to(peers, stream, server)?;
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
    loop {
        if next_unread(peers, server, unreadable)?.is_some() {
            later = true;
            break;
        }
        let Some(offer) = spool.send_next(&call(), server)? else { break };
        fault::point("offered");
        let token = offer.token.clone();
        later = true;
        if !offered(peers, stream, (server, token), PeerRequest::Offer(Box::new(offer)))? {
            break;
        }
    }
    Ok(later)
}

/// Returns a document of the next job whose digest is to be found out.
fn next_unread(
    peers: &Peers,
    server: &ServerName,
    unreadable: &HashSet<DocumentId>,
) -> Result<Option<Unread>, Failure> {
    let unread = peers.inner.spool.without_digest(&call(), server)?;
    Ok(unread.into_iter().find(|one| !unreadable.contains(&one.document)))
}

/// Finds out the digests of the next job. What cannot be read is offered without: whoever fetches it learns why.
fn read_next(peers: &Peers, server: &ServerName, unreadable: &mut HashSet<DocumentId>) -> Result<(), Failure> {
    while let Some(unread) = next_unread(peers, server, unreadable)? {
        if !peers.inner.spool.add_digest(&call(), &unread, &|| !peers.is_over())? {
            unreadable.insert(unread.document);
        }
    }
    Ok(())
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
    // What is wrong with one job is said of that job; the others go on.
    let answer = match frames::ask_of_one(stream, &offer)? {
        Ok(PeerReply::Offer(answer)) => answer,
        Ok(PeerReply::Refused(why)) => OfferAnswer::Refused(why),
        Ok(PeerReply::Unsupported) => OfferAnswer::Refused(frames::OLDER.to_owned()),
        Ok(PeerReply::Failed(why)) => OfferAnswer::Later(why),
        Ok(_) => return Err(odd()),
        Err(error) => OfferAnswer::Refused(format!("its order cannot be sent: {error}")),
    };
    fault::point("offer-answered");
    let more = !matches!(answer, OfferAnswer::Later(_));
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
            match frames::ask_of_one(stream, &question)? {
                Ok(PeerReply::Fates(fates)) => {
                    told.extend(fates.into_iter().filter(|(token, _)| *token == job.token).take(1));
                }
                Ok(PeerReply::Refused(why) | PeerReply::Failed(why)) => {
                    peers.log(&format!("server {server} does not give back {}: {why}", job.token));
                    left = true;
                }
                _ => return Err(odd()),
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::peer::{Dial, PeerStream};
    use crate::model::JobRef;
    use crate::model::state::{HoldReason, JobState};
    use crate::server::Log;
    use crate::server::peers::script::Script;
    use crate::spool::Nobody;
    use crate::spool::interface::operations::Operations;
    use crate::spool::testing::{Site, name};
    use crate::wire::peer::{Kind, encode};

    impl Dial for Vec<PeerReply> {
        fn dial(&self, _: &ServerName, _: Duration) -> Result<Box<dyn PeerStream>, Failure> {
            let hello = PeerReply::Hello { spool: "another".into() };
            let replies = std::iter::once(&hello).chain(self).flat_map(|reply| encode(Kind::Reply, reply).unwrap());
            Ok(Box::new(Script::of(replies.collect())))
        }
        fn servers(&self) -> Vec<ServerName> {
            vec![name("acme2")]
        }
    }

    /// A spool with jobs for `acme2`, after a round with a server that answers so.
    fn after(jobs: usize, replies: Vec<PeerReply>) -> (Site, Vec<JobRef>) {
        let mut site = Site::printing();
        site.spool.works_with(&Call::timeless(), &name("acme2")).unwrap();
        site.route("#OFFICE.FAR", Some("\\acme2.$LP1"));
        let jobs = (0..jobs).map(|_| JobRef::Number(site.submit("office.far", |_| {}).number)).collect();
        let log: Log = Arc::new(|_: &str| {});
        let peers = Peers::new(
            site.spool.clone(),
            Arc::new(Nobody),
            Arc::new(replies),
            log,
            crate::server::peers::Terms::default(),
        );
        assert!(matches!(round(&peers, &name("acme2"), (&mut None, &mut HashSet::new())), Ok(true)));
        (site, jobs)
    }

    #[test]
    fn what_is_wrong_with_one_offer_is_said_of_that_job_and_the_others_go_on() {
        let taken = || PeerReply::Offer(OfferAnswer::Taken);
        let (mut site, jobs) =
            after(3, vec![PeerReply::Refused("its token is odd".into()), PeerReply::Unsupported, taken()]);
        for (job, why) in jobs.iter().zip(["its token is odd", frames::OLDER]) {
            let found = site.local.job(job.clone()).unwrap();
            assert!(found.state == JobState::Held && found.reasons.has(HoldReason::Failed));
            assert!(found.reason_text.unwrap_or_default().contains(why));
        }
        let away = site.local.job(jobs[2].clone()).unwrap().away.unwrap();
        assert!(away.is_there());
    }

    #[test]
    fn what_fails_there_is_the_reason_for_which_the_job_waits() {
        let (mut site, jobs) = after(1, vec![PeerReply::Failed("its disk is on fire".into())]);
        let away = site.local.job(jobs[0].clone()).unwrap().away.unwrap();
        assert_eq!((away.is_there(), away.words.as_deref()), (false, Some("its disk is on fire")));
    }
}
