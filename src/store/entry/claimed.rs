//! What devices have: claiming an entry, and what becomes of the claim.
//!
//! Every write hands in the row that was decided from, and names its state, epoch and attempt: it fails when another has the
//! entry by then.

use crate::model::device::FilePosition;
use crate::model::separation::Separation;
use crate::model::state::EntryState;
use crate::model::time::SpoolTime;
use crate::model::{DeviceId, Failure, JobId, JobNumber, ProcessId};
use crate::store::value::{Bits, columns, values};
use crate::store::{Fallible, Tx, backlog};

use super::{COLUMNS, EntryRow, read};

/// The process that claimed an entry, and its epoch.
pub type Claimant = (ProcessId, u64);

/// Returns the entries that a device has, in a state, in the order of their positions.
pub(crate) fn of_device(tx: &Tx<'_>, device: DeviceId, state: EntryState) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        made_once!("SELECT {COLUMNS} FROM entry WHERE device_id = ? AND state = ? ORDER BY claimed_spool, id"),
        values![device, state],
        read,
    )
}

columns!(has { state, process_id, epoch });

/// Returns what a device has: the state of each entry that is claimed for it or transferred, and by which epoch.
pub(crate) fn on_device(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<(EntryState, Option<Claimant>)>> {
    tx.rows(
        made_once!("SELECT {} FROM entry WHERE device_id = ? AND state IN (?, ?)", has::LIST),
        values![device, EntryState::Claimed, EntryState::Transferred],
        |row| {
            let by = row.get::<Option<ProcessId>>(has::process_id)?.zip(row.get(has::epoch)?);
            Ok((row.get(has::state)?, by))
        },
    )
}

/// Returns the jobs that a device has, whatever became of its process: job, state, and who claimed it, at most `limit`.
pub(crate) fn jobs_on_devices(tx: &Tx<'_>, limit: u32) -> Fallible<Vec<(JobId, EntryState, Option<Claimant>)>> {
    tx.rows(
        made_once!("SELECT {} FROM entry WHERE state IN (?, ?) LIMIT ?", on::LIST),
        values![EntryState::Claimed, EntryState::Transferred, limit],
        |row| {
            let by = row.get::<Option<ProcessId>>(on::process_id)?.zip(row.get(on::epoch)?);
            Ok((row.get(on::job_id)?, row.get(on::state)?, by))
        },
    )
}

columns!(on { job_id, state, process_id, epoch });

/// Returns the claims and transfers of earlier epochs of a process: those of a dead one.
pub(crate) fn of_dead_epochs(tx: &Tx<'_>, process: ProcessId, epoch: u64) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        made_once!(
            "SELECT {COLUMNS} FROM entry WHERE state IN (?, ?) AND process_id = ? AND epoch < ?
             ORDER BY claimed_spool, id"
        ),
        values![EntryState::Claimed, EntryState::Transferred, process, epoch],
        read,
    )
}

/// Returns the first numbers of the jobs that a process has in print, at most `limit`, in the order in which it began them.
pub(crate) fn in_print(tx: &Tx<'_>, process: ProcessId, limit: u32) -> Fallible<Vec<JobNumber>> {
    tx.rows(
        "SELECT j.number FROM entry e JOIN job j ON j.id = e.job_id
         WHERE e.state = ? AND e.process_id = ? ORDER BY e.claimed_spool, e.id LIMIT ?",
        values![EntryState::Claimed, process, limit],
        |row| row.only(),
    )
}

/// Tells whether a process still has claims or transfers.
pub(crate) fn busy(tx: &Tx<'_>, process: ProcessId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state IN (?, ?) AND process_id = ?",
        values![EntryState::Claimed, EntryState::Transferred, process],
    )
}

/// Tells whether any device has an entry, or its peer has one that is not released yet.
pub(crate) fn any_on_a_device(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM entry WHERE state IN (?, ?)", values![EntryState::Claimed, EntryState::Transferred])
}

/// Gives a queued entry to a device's attempt; what it is then. None when it is not queued any more.
pub(crate) fn claim(
    tx: &Tx<'_>,
    entry: EntryRow,
    device: DeviceId,
    (process, epoch): Claimant,
    spool_time: SpoolTime,
) -> Fallible<Option<EntryRow>> {
    let claimed_ms = tx.now().wall_ms;
    let changed = tx.run(
        "UPDATE entry SET state = ?, attempt = ?, device_id = ?, process_id = ?, epoch = ?, claimed_ms = ?,
             claimed_spool = ? WHERE id = ? AND state = ? AND attempt = ?",
        values![
            EntryState::Claimed,
            entry.attempt + 1,
            device,
            process,
            epoch,
            claimed_ms,
            spool_time.0,
            entry.id,
            EntryState::Queued,
            entry.attempt
        ],
    )?;
    Ok((changed == 1).then_some(EntryRow {
        state: EntryState::Claimed,
        attempt: entry.attempt + 1,
        device: Some(device),
        claimed_by: Some((process, epoch)),
        claimed_ms: Some(claimed_ms),
        claimed_spool: Some(spool_time.0),
        ..entry
    }))
}

/// What a claimed or transferred entry is called in a failure.
const CLAIM: &str = "the claim";

/// Stores how many attempts a claimed or transferred entry has spent.
pub(crate) fn set_spent(tx: &Tx<'_>, entry: &EntryRow, spent: u32) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET spent = ? WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![spent, entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Records where an attempt on the host of `server` begins writing, and how it sets the job apart.
pub(crate) fn set_begun(
    tx: &Tx<'_>,
    entry: &EntryRow,
    (device, server): (DeviceId, &str),
    at: &FilePosition,
    separation: &Separation,
) -> Fallible<()> {
    let separation = serde_json::to_string(separation)
        .map_err(|error| Failure::internal(format_args!("recording a separation: {error}")))?;
    tx.change(
        CLAIM,
        "UPDATE entry SET begun_device = ?, begun_server = ?, begun_dev = ?, begun_ino = ?, begun_offset = ?,
             begun_separation = ? WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![
            device,
            server,
            Bits(at.dev),
            Bits(at.ino),
            at.offset,
            separation,
            entry.id,
            entry.state,
            entry.epoch(),
            entry.attempt
        ],
    )
}

/// Forgets where an attempt began writing: nothing of it is left there.
pub(crate) fn clear_begun(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET begun_device = NULL, begun_server = NULL, begun_dev = NULL, begun_ino = NULL,
             begun_offset = NULL, begun_separation = NULL WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Takes an entry from its attempt: queued again in place, withdrawn, or done. `duplicate` adds to what was known.
pub(crate) fn release(tx: &Tx<'_>, entry: &EntryRow, state: EntryState, duplicate: bool) -> Fallible<()> {
    backlog::counting(tx, entry.job, || {
        tx.change(
            CLAIM,
            "UPDATE entry SET state = ?, device_id = NULL, process_id = NULL, epoch = NULL, claimed_ms = NULL,
                 claimed_spool = NULL, octets_sent = NULL, duplicate = CASE WHEN ? THEN ? ELSE duplicate END
             WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
            values![state, duplicate, true, entry.id, entry.state, entry.epoch(), entry.attempt],
        )
    })
}

/// The attempt has handed over every octet; its row stays until the connection has closed.
pub(crate) fn set_transferred(tx: &Tx<'_>, entry: &EntryRow, octets: u64) -> Fallible<()> {
    tx.change(
        CLAIM,
        "UPDATE entry SET state = ?, octets_sent = ? WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
        values![EntryState::Transferred, octets, entry.id, entry.state, entry.epoch(), entry.attempt],
    )
}

/// Removes an entry with its attempt: it is printed, and its job goes.
pub(crate) fn delete_claimed(tx: &Tx<'_>, entry: &EntryRow) -> Fallible<()> {
    backlog::counting(tx, entry.job, || {
        tx.change(
            CLAIM,
            "DELETE FROM entry WHERE id = ? AND state = ? AND epoch = ? AND attempt = ?",
            values![entry.id, entry.state, entry.epoch(), entry.attempt],
        )
    })
}
