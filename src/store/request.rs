//! Rows of what operators ask of devices at work.
//!
//! States: open → answered, once: a row that is answered is never written again. An open one belongs to an attempt, or to
//! an epoch of the print process; it is refused when that has ended. Answered ones are kept for a while, for whoever waits
//! for the answer, and removed when somebody asks the device again.

use crate::model::request::{Answer, DeviceRequest, OpenRequest};
use crate::model::{DeviceId, EntryId, ProcessId, RequestId};

use super::value::{columns, values};
use super::{Fallible, Lock, Tx};

/// How long an answer is kept.
const KEPT_MS: i64 = 600_000;

/// Of what a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The device.
    pub device: DeviceId,
    /// The attempt that is meant; none = the device itself.
    pub attempt: Option<(EntryId, u32)>,
    /// The print process, and the epoch that answers.
    pub process: (ProcessId, u64),
}

/// Inserts a request. Answers that nobody waits for any more go.
pub(crate) fn insert(tx: &Tx<'_>, asked: &Asked, what: DeviceRequest) -> Fallible<RequestId> {
    tx.demand_lock(Lock::Device(asked.device))?;
    let now = tx.now().wall_ms;
    tx.run(
        "DELETE FROM request WHERE device_id = ? AND answered_ms IS NOT NULL AND answered_ms < ?",
        values![asked.device, now - KEPT_MS],
    )?;
    let (process, epoch) = asked.process;
    let id = tx.insert(
        "INSERT INTO request (device_id, entry_id, attempt, process_id, epoch, action, who, asked_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            asked.device,
            asked.attempt.map(|(entry, _)| entry),
            asked.attempt.map_or(0, |(_, attempt)| attempt),
            process,
            epoch,
            what.to_string(),
            tx.who(),
            now
        ],
    )?;
    Ok(RequestId(id))
}

columns!(open { id, action });

/// Returns the requests of a device that are not answered: those about one attempt, or those about the device itself.
pub(crate) fn open(tx: &Tx<'_>, device: DeviceId, attempt: Option<(EntryId, u32)>) -> Fallible<Vec<OpenRequest>> {
    let sql = made_once!(
        "SELECT {} FROM request WHERE device_id = ? AND answered_ms IS NULL AND entry_id IS ? AND attempt = ? ORDER BY id",
        open::LIST
    );
    let entry = attempt.map(|(entry, _)| entry);
    let found = tx.rows(sql, values![device, entry, attempt.map_or(0, |(_, attempt)| attempt)], |row| {
        // One that only a later version knows stays open until its attempt ends.
        let what = row.get::<String>(open::action)?.parse().ok();
        let id = row.get(open::id)?;
        Ok(what.map(|what| OpenRequest { id, what }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Tells whether a request about the device itself is not answered.
pub(crate) fn any_for_device(tx: &Tx<'_>, device: DeviceId) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM request WHERE device_id = ? AND answered_ms IS NULL AND entry_id IS NULL", values![device])
}

columns!(at { action, outcome, answer });

/// Returns what became of a request; none when it is not known any more.
pub(crate) fn answer_of(tx: &Tx<'_>, id: RequestId) -> Fallible<Option<Answer>> {
    tx.one(made_once!("SELECT {} FROM request WHERE id = ?", at::LIST), values![id], |row| {
        let text = row.get::<Option<String>>(at::answer)?.unwrap_or_default();
        let outcome: Option<i64> = row.get(at::outcome)?;
        Ok(outcome.and_then(|outcome| Answer::from_stored(outcome, text)).unwrap_or(Answer::Requested))
    })
}

/// Answers a request, once. Returns what was asked; none when it is answered already.
pub(crate) fn answer(tx: &Tx<'_>, id: RequestId, answer: &Answer) -> Fallible<Option<String>> {
    let Some((outcome, text)) = answer.stored() else { return Ok(None) };
    let action = tx.one(
        made_once!("SELECT {} FROM request WHERE id = ? AND answered_ms IS NULL", at::LIST),
        values![id],
        |row| row.get::<String>(at::action),
    )?;
    if action.is_some() {
        tx.change(
            "the request",
            "UPDATE request SET answered_ms = ?, outcome = ?, answer = ? WHERE id = ? AND answered_ms IS NULL",
            values![tx.now().wall_ms, outcome, text, id],
        )?;
    }
    Ok(action)
}

/// The stored number of a refusal.
fn refused() -> i64 {
    Answer::Refused(String::new()).stored().map_or(1, |(number, _)| number)
}

/// Refuses what is open about an attempt that has ended.
pub(crate) fn refuse_of_attempt(tx: &Tx<'_>, device: DeviceId, attempt: (EntryId, u32), why: &str) -> Fallible<()> {
    tx.run(
        "UPDATE request SET answered_ms = ?, outcome = ?, answer = ?
         WHERE device_id = ? AND answered_ms IS NULL AND entry_id = ? AND attempt = ?",
        values![tx.now().wall_ms, refused(), why, device, attempt.0, attempt.1],
    )?;
    Ok(())
}

/// Refuses what is open about a device itself.
pub(crate) fn refuse_of_device(tx: &Tx<'_>, device: DeviceId, why: &str) -> Fallible<()> {
    tx.run(
        "UPDATE request SET answered_ms = ?, outcome = ?, answer = ?
         WHERE device_id = ? AND answered_ms IS NULL AND entry_id IS NULL",
        values![tx.now().wall_ms, refused(), why, device],
    )?;
    Ok(())
}

/// Refuses what is open and was to be answered by an epoch of a process that has ended.
pub(crate) fn refuse_of_epochs(tx: &Tx<'_>, process: ProcessId, before: u64, why: &str) -> Fallible<()> {
    tx.run(
        "UPDATE request SET answered_ms = ?, outcome = ?, answer = ?
         WHERE answered_ms IS NULL AND process_id = ? AND epoch < ?",
        values![tx.now().wall_ms, refused(), why, process, before],
    )?;
    Ok(())
}
