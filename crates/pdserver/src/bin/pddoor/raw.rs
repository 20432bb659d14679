//! The raw port: the octets of a connection are a job.
//!
//! A job ends where the sender closes his side, where an end mark of the door stands, or after a silence. Our own end is the
//! acknowledgement, and comes after the job is on disk; the only no that senders see is a reset, with octets of theirs unread.
//! A reset by the sender discards what has come: he repeats it.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use spoolsuite::model::door::{DoorDocument, DoorJob, DoorTrouble};
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::sys::fault;
use spoolsuite::wire::pjl::{self, Head};

use super::connection::{Connection, Got};
use super::gate::Context;
use super::lpd::token;
use super::paper::Paper;

/// Octets that are read at once.
const CHUNK: usize = 64 * 1024;
/// The silence behind a universal exit that ends a job.
const AFTER_EXIT: Duration = Duration::from_secs(10);

/// Jobs of one connection of which the latest are remembered.
const MOST_REMEMBERED: usize = 64;

/// The jobs that an end mark, or silence, has ended: their senders learn of them when the connection ends well. After another end
/// they may be sent again, over another connection, and then that is announced. Whoever keeps the connection sends the same
/// label again because he wants it again: so the one before is known to have come.
#[derive(Default)]
struct Untold {
    jobs: VecDeque<(String, String)>,
}

impl Untold {
    /// Before a job with this key is handed in.
    fn follows(&mut self, context: &Context, key: &str) {
        while let Some(at) = self.jobs.iter().position(|(known, _)| known == key) {
            if let Some((_, token)) = self.jobs.remove(at) {
                context.link.was_delivered(&token);
            }
        }
    }

    fn add(&mut self, context: &Context, key: String, token: String) {
        self.jobs.push_back((key, token));
        if self.jobs.len() > MOST_REMEMBERED
            && let Some((_, token)) = self.jobs.pop_front()
        {
            context.link.was_delivered(&token);
        }
    }

    /// The connection has ended well.
    fn told(self, context: &Context) {
        self.jobs.iter().for_each(|(_, token)| context.link.was_delivered(token));
    }
}

/// A job that is arriving.
struct Arriving {
    file: Paper,
    octets: u64,
    hasher: blake3::Hasher,
    head: Vec<u8>,
    /// The last octets: an end mark may begin in them.
    tail: Vec<u8>,
    answered: usize,
}

/// What ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The sender has closed his side.
    End,
    /// An end mark.
    Mark,
    /// Silence.
    Silence,
}

/// Finds the first end mark in `octets`; where it ends.
fn end_of_mark(octets: &[u8], marks: &[Vec<u8>]) -> Option<usize> {
    let ends = marks.iter().filter_map(|mark| {
        octets.windows(mark.len()).position(|window| window == mark.as_slice()).map(|at| at + mark.len())
    });
    ends.min()
}

impl Arriving {
    fn new(context: &Context) -> Result<Self, Failure> {
        let file = context.link.new_file(None)?;
        Ok(Self { file, octets: 0, hasher: blake3::Hasher::new(), head: Vec::new(), tail: Vec::new(), answered: 0 })
    }

    /// Where the first end mark ends in octets that have just come. It may have begun in what came before.
    fn end_of_mark_in(&self, octets: &[u8], (marks, longest): (&[Vec<u8>], usize)) -> Option<usize> {
        if marks.is_empty() {
            return None;
        }
        let before = self.tail.len();
        let from = before.saturating_sub(longest.saturating_sub(1));
        let seen = [self.tail.get(from..).unwrap_or_default(), octets].concat();
        let end = end_of_mark(&seen, marks)? + from;
        (end > before).then(|| end - before)
    }

    fn push(&mut self, octets: &[u8], longest: usize) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            let kind =
                if error.kind() == std::io::ErrorKind::StorageFull { FailureKind::Full } else { FailureKind::Io };
            Failure::new(kind, format!("no room for its octets: {error}"))
        };
        self.file.write_all(octets).map_err(failed)?;
        self.hasher.update(octets);
        self.octets += octets.len() as u64;
        let room = pjl::HEAD.saturating_sub(self.head.len()).min(octets.len());
        self.head.extend_from_slice(octets.get(..room).unwrap_or_default());
        self.tail.extend_from_slice(octets.get(octets.len().saturating_sub(longest)..).unwrap_or_default());
        let keep = self.tail.len().saturating_sub(longest);
        self.tail.drain(..keep);
        Ok(())
    }
}

/// Octets for which a connection waits that has said nothing yet.
const FIRST: usize = 64;

/// Serves one connection.
pub fn serve(context: &Context, mut connection: Connection, server: &str) {
    // A connection that says nothing costs little: what a session needs lies deep in the stack, and is touched when octets come.
    let mut first = [0; FIRST];
    match connection.read(&mut first, None, true) {
        Got::Octets(n) => {
            connection.unread(first.get(..n).unwrap_or_default());
            session(context, connection, server);
        }
        // A probe, or the door ends.
        Got::End | Got::Silence => {
            let _ = connection.leave();
        }
        Got::Broken(_) => {}
    }
}

#[inline(never)]
fn session(context: &Context, mut connection: Connection, server: &str) {
    let marks = &context.settings.end_marks;
    let longest = marks.iter().map(Vec::len).max().unwrap_or(0).max(pjl::UNIVERSAL_EXIT.len());
    let mut job: Option<Arriving> = None;
    let mut ended_by_mark = false;
    let mut untold = Untold::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        let idle = match (&job, context.settings.idle) {
            // A host that keeps its connection all shift says nothing for hours.
            (None, _) | (_, None) => None,
            (Some(job), Some(seconds)) => {
                let after_exit = job.tail.trim_ascii_end().ends_with(pjl::UNIVERSAL_EXIT);
                let silence = Duration::from_secs(seconds);
                Some(if after_exit { silence.min(AFTER_EXIT) } else { silence })
            }
        };
        match connection.read(&mut buffer, idle, job.is_none()) {
            Got::Octets(n) => {
                let got = buffer.get(..n).unwrap_or_default();
                if let Err(failure) =
                    take(context, &mut connection, (&mut job, &mut ended_by_mark, &mut untold), (got, longest), server)
                {
                    return refuse(context, &connection, &failure);
                }
            }
            Got::Silence => match job.take() {
                Some(job) => {
                    if let Err(failure) = submit(context, &connection, job, (By::Silence, &mut untold)) {
                        return refuse(context, &connection, &failure);
                    }
                }
                // The door ends.
                None => {
                    if connection.leave() {
                        untold.told(context);
                    }
                    return;
                }
            },
            Got::End => {
                if let Some(job) = job.take()
                    && let Err(failure) = submit(context, &connection, job, (By::End, &mut untold))
                {
                    return refuse(context, &connection, &failure);
                }
                let address = connection.peer;
                if connection.leave() {
                    untold.told(context);
                } else if !untold.jobs.is_empty() {
                    let why = format!("{address} may not know that its job is here");
                    context.link.trouble(DoorTrouble::Unacknowledged, why);
                }
                return;
            }
            Got::Broken(error) => {
                if let Some(job) = job {
                    let why =
                        format!("a job of {} did not arrive: {error} after {} octets", connection.peer, job.octets);
                    context.link.trouble(DoorTrouble::Unfinished, why);
                }
                return;
            }
        }
    }
}

/// Takes octets: they belong to the job that is arriving, up to an end mark, and then to the next.
fn take(
    context: &Context,
    connection: &mut Connection,
    (job, ended_by_mark, untold): (&mut Option<Arriving>, &mut bool, &mut Untold),
    (mut octets, longest): (&[u8], usize),
    server: &str,
) -> Result<(), Failure> {
    let marks = &context.settings.end_marks;
    while !octets.is_empty() {
        if job.is_none() && *ended_by_mark {
            // Line ends behind a mark belong to no job.
            octets = octets.trim_ascii_start();
            if octets.is_empty() {
                return Ok(());
            }
        }
        let arriving = match job {
            Some(job) => job,
            None => job.insert(Arriving::new(context)?),
        };
        let end = arriving.end_of_mark_in(octets, (marks, longest));
        let taken = end.unwrap_or(octets.len());
        let (now, later) = octets.split_at(taken);
        arriving.push(now, longest)?;
        if context.settings.most_octets.is_some_and(|most| arriving.octets > most) {
            return Err(Failure::new(FailureKind::BadValue, "it is larger than the door takes"));
        }
        if context.settings.back_channel && arriving.octets <= pjl::HEAD as u64 {
            answer(connection, arriving, server);
        }
        octets = later;
        if end.is_some()
            && let Some(done) = job.take()
        {
            *ended_by_mark = true;
            submit(context, connection, done, (By::Mark, untold))?;
        }
    }
    Ok(())
}

/// Answers the questions in the lines that are complete now.
fn answer(connection: &mut Connection, arriving: &mut Arriving, server: &str) {
    let new = arriving.head.get(arriving.answered..).unwrap_or_default();
    let Some(end) = new.iter().rposition(|octet| *octet == b'\n').map(|at| at + 1) else { return };
    let said = pjl::answers(new.get(..end).unwrap_or_default(), server);
    arriving.answered += end;
    if !said.is_empty() {
        // Whoever does not read the answer needs none.
        let _ = connection.write(&said);
    }
}

fn submit(
    context: &Context,
    connection: &Connection,
    job: Arriving,
    (by, untold): (By, &mut Untold),
) -> Result<(), Failure> {
    let head = Head::of(&job.head);
    let address = connection.peer;
    let mut hasher = blake3::Hasher::new();
    hasher.update(address.to_string().as_bytes());
    hasher.update(job.hasher.finalize().as_bytes());
    let key: String = hasher.finalize().to_hex().chars().take(32).collect();
    let token = token(&key)?;
    let title = head.title.unwrap_or_else(|| format!("from {address}"));
    let job_of = DoorJob {
        token: token.clone(),
        key: format!("{key}."),
        queue: String::new(),
        title: title.clone(),
        user: head.user,
        host: None,
        peer: address.address(),
        uid: None,
        login: None,
        documents: vec![DoorDocument { name: title, copies: 1, format: None }],
        banner: false,
        held: None,
        remarks: match by {
            By::Silence => vec!["ended by silence: the sender did not close the connection".to_owned()],
            By::End | By::Mark => Vec::new(),
        },
        attributes: Vec::new(),
        link: None,
    };
    untold.follows(context, &key);
    fault::point("door-received");
    context.link.submit(job_of, vec![job.file.into()])?;
    fault::point("door-submitted");
    untold.add(context, key, token);
    Ok(())
}

fn refuse(context: &Context, connection: &Connection, failure: &Failure) {
    let why = format!("a job of {} was refused: {}", connection.peer, failure.message);
    context.link.trouble(DoorTrouble::Refused, why);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_mark_ends_a_job() {
        let marks = vec![b"^XZ".to_vec(), b"\x04".to_vec()];
        assert_eq!(end_of_mark(b"^XA^FDx^FS^XZ^XA", &marks), Some(13));
        assert_eq!(end_of_mark(b"ps\x04^XZ", &marks), Some(3));
        assert_eq!(end_of_mark(b"^X", &marks), None);
    }
}
