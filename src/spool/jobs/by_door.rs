//! Jobs that come by a door: what is noted of how they came, and whether one may repeat another.
//!
//! A sender who gets no acknowledgement sends the job again. Where his protocol has nothing that tells the two apart, the token of
//! the submission begins with what they have in common, its key. A job whose key came before, a short time ago and without proof
//! that its sender was told, is a possible duplicate: that is said of both in the transaction that makes the second one, so no crash
//! leaves it unsaid.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::attributes::{Class, Settable, find, text};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{Accepted, Submission};
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::submission::Known;
use crate::store::{self, Fallible, Lock, Tx};

use crate::spool::Spool;

/// Tokens of jobs whose senders have their acknowledgement, with the moment at which that was so.
#[derive(Debug, Default)]
pub(crate) struct Proven(Mutex<HashMap<String, Instant>>);

impl Proven {
    /// The sender of this job knows that we have it. That is forgotten after `within` at the earliest.
    pub fn add(&self, token: String, within: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Old ones mean nothing, and are looked for when there is no room for one more.
        if all.len() == all.capacity() {
            all.retain(|_, at| at.elapsed() < within);
        }
        all.insert(token, Instant::now());
    }

    fn has(&self, token: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(token)
    }
}

/// What a door knows of a job beyond what a submitter says.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByDoor {
    /// Attributes that only the spool notes.
    pub noted: Vec<(Field, Value)>,
    /// What is worth knowing of how it came.
    pub remarks: Vec<String>,
    /// What the tokens of its repetitions begin with; empty = nothing repeats it.
    pub prefix: String,
    /// How long ago, in milliseconds, a job came at most that it repeats.
    pub within_ms: i64,
    /// Tokens whose senders have their acknowledgement.
    pub proven: Arc<Proven>,
    /// Whether a possible duplicate is held.
    pub holds_repeats: bool,
}

impl ByDoor {
    /// Returns the job that this one may repeat.
    pub(super) fn repeats(&self, tx: &Tx<'_>) -> Fallible<Option<Known>> {
        if self.prefix.is_empty() {
            return Ok(None);
        }
        let before = store::submission::like(tx, &self.prefix, tx.now().wall_ms.saturating_sub(self.within_ms))?;
        Ok(before.into_iter().find(|(token, _)| !self.proven.has(token)).map(|(_, known)| known))
    }

    /// Writes what is worth knowing of a job that was just made.
    pub(super) fn tell(&self, tx: &Tx<'_>, job: &Accepted, repeats: Option<&Known>) -> Fallible<()> {
        for remark in &self.remarks {
            record(tx, Object::Job(job.id), EventWord::Remark, remark)?;
        }
        let Some(first) = repeats else { return Ok(()) };
        tx.lock(Lock::Job(first.id))?;
        let why = format!("it may be job {} once more: the sender may not know that we have that one", first.number);
        record(tx, Object::Job(job.id), EventWord::PossibleDuplicate, &why)?;
        let why = format!("job {} may be this one once more: the sender may not know that we have it", job.number);
        record(tx, Object::Job(first.id), EventWord::PossibleDuplicate, &why)
    }
}

impl Spool {
    /// Returns how many octets must stay free while documents arrive.
    pub(crate) fn least_free(&self, call: &Call) -> Fallible<Option<u64>> {
        let reserve = self.look(call, |tx| Ok(store::spool::row(tx)?.reserve))?;
        Ok(crate::spool::disk::reserve::least(self.base(), reserve))
    }

    /// Returns an empty unnamed file on the file system of the print files, for a document of so many octets.
    pub(crate) fn new_file(&self, call: &Call, octets: u64) -> Fallible<std::fs::File> {
        let reserve = self.look(call, |tx| Ok(store::spool::row(tx)?.reserve))?;
        crate::spool::disk::reserve::demand(self.base(), reserve, octets)?;
        let dir = self.base().server(self.server());
        let full = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => FailureKind::Full,
                _ => FailureKind::Io,
            };
            Failure::new(kind, format!("no room for a document: {error}"))
        };
        if let Ok((used, total)) = crate::sys::files::room(&dir)
            && total.saturating_sub(used) < octets
        {
            let left = total.saturating_sub(used);
            return Err(Failure::new(
                FailureKind::Full,
                format!("no room for a document of {octets} octets: {left} are free"),
            ));
        }
        crate::sys::files::Unnamed::create(&dir).and_then(crate::sys::files::Unnamed::into_file).map_err(full)
    }
}

/// Gives a submission what a side file says of its job: attributes by name, as `pdpr -x` takes them.
///
/// # Errors
/// `BadValue` with the attribute and what is wrong with it.
pub(crate) fn take_attributes(submission: &mut Submission, given: &[(String, String)], now_ms: i64) -> Fallible<()> {
    let clock = text::Clock { now_ms, zone: jiff::tz::TimeZone::UTC };
    for (name, value) in given {
        let unknown = || {
            Failure::new(
                FailureKind::BadValue,
                format!("{name}: no attribute of a job or a document that can be given"),
            )
        };
        let field = Field::from_stored(name).ok_or_else(unknown)?;
        let settable = |class| find(class, field).filter(|row| row.settable != Settable::Never);
        let (row, document) = match (settable(Class::Job), settable(Class::Document)) {
            (Some(row), _) => (row, None),
            (None, Some(row)) => (row, Some(1)),
            (None, None) => return Err(unknown()),
        };
        let value: Value = text::read(row, value, &clock)?;
        row.submit(submission, &value, document)
            .map_err(|why| Failure::new(FailureKind::BadValue, format!("{name}: {why}")))?;
    }
    Ok(())
}
