//! How much work waits in the queues that have a bound for it.
//!
//! A queue has a row here as long as it has an upper bound and its estimates are not switched off. The row holds the bounds and
//! the work of everything in the queue that waits or is being printed. Whoever makes, moves or ends such work counts it in the
//! same transaction (`counting`), which also says whether the queue is backlogged from now on. So a crash leaves rows and
//! counters that fit, and an event is on record exactly when the state has changed. Queues without a bound cost nothing but
//! one look at this table. `pdfsck` compares the counters with the entries.
//!
//! States: free → backlogged when the estimate exceeds the upper bound → free when it is below the lower bound, or nothing is
//! left. Between the bounds a queue stays what it is.
//!
//! Why is the estimate not made by a timer? The work is known after each change, so the state is never older than it would be
//! with the shortest interval, and no process has to be awake for it.

use crate::model::event::EventWord;
use crate::model::field::Value;
use crate::model::location::Backlog;
use crate::model::order::USUAL_SPEED;
use crate::model::state::EntryState;
use crate::model::{GroupId, JobId};

use super::event::{Object, record};
use super::managed::{self, Holder};
use super::value::{columns, values};
use super::{Fallible, Tx};

/// The attributes of a queue that decide here.
pub(crate) const UPPER: &str = "backlog-upper-bound";
pub(crate) const LOWER: &str = "backlog-lower-bound";
pub(crate) const INTERVAL: &str = "backlog-update-interval";

columns!(at { group_id, upper_minutes, lower_minutes, work, backlogged });

/// The row of a queue.
struct BacklogRow {
    group: GroupId,
    upper_minutes: u64,
    /// None = the upper one.
    lower_minutes: Option<u64>,
    work: i64,
    backlogged: bool,
}

fn row(tx: &Tx<'_>, group: GroupId) -> Fallible<Option<BacklogRow>> {
    tx.one(made_once!("SELECT {} FROM backlog WHERE group_id = ?", at::LIST), values![group], |row| {
        Ok(BacklogRow {
            group: row.get(at::group_id)?,
            upper_minutes: row.get(at::upper_minutes)?,
            lower_minutes: row.get(at::lower_minutes)?,
            work: row.get(at::work)?,
            backlogged: row.get(at::backlogged)?,
        })
    })
}

/// Tells whether any queue has a bound.
fn any(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM backlog LIMIT 1", &[])
}

columns!(of_job { group_id = "j.group_id", work = "coalesce(sum(e.work), 0)" });

/// The work of a job that waits or is being printed, and its queue.
fn work_of(tx: &Tx<'_>, job: JobId) -> Fallible<Option<(GroupId, i64)>> {
    let sql = made_once!(
        "SELECT {} FROM job j LEFT JOIN entry e ON e.job_id = j.id AND e.state IN (?, ?, ?) WHERE j.id = ? GROUP BY j.id",
        of_job::LIST
    );
    tx.one(sql, values![EntryState::Queued, EntryState::Claimed, EntryState::Transferred, job], |row| {
        Ok((row.get(of_job::group_id)?, row.get(of_job::work)?))
    })
}

/// Changes the queue of a job, or entries of it, and counts what that adds to a queue or takes from it.
pub(super) fn counting<T>(tx: &Tx<'_>, job: JobId, change: impl FnOnce() -> Fallible<T>) -> Fallible<T> {
    if !any(tx)? {
        return change();
    }
    let before = work_of(tx, job)?;
    let done = change()?;
    let after = work_of(tx, job)?;
    if before != after {
        before.map_or(Ok(()), |(group, work)| add(tx, group, -work))?;
        after.map_or(Ok(()), |(group, work)| add(tx, group, work))?;
        for (group, _) in before.into_iter().chain(after.filter(|after| before.is_none_or(|one| one.0 != after.0))) {
            judge(tx, group)?;
        }
    }
    Ok(done)
}

fn add(tx: &Tx<'_>, group: GroupId, more: i64) -> Fallible<()> {
    if more != 0 {
        tx.run("UPDATE backlog SET work = work + ? WHERE group_id = ?", values![more, group])?;
    }
    Ok(())
}

/// Returns how fast the devices of a queue print together, in lines per minute.
fn speed(tx: &Tx<'_>, group: GroupId) -> Fallible<u64> {
    let sql = "SELECT coalesce(sum(speed), 0) FROM device
                WHERE id IN (SELECT device_id FROM location WHERE group_id = ? AND device_id IS NOT NULL)";
    let speed: u64 = tx.one(sql, values![group], |row| row.only())?.unwrap_or(0);
    Ok(if speed == 0 { u64::from(USUAL_SPEED) } else { speed })
}

/// Says whether a queue is backlogged from now on, if that has changed.
fn judge(tx: &Tx<'_>, group: GroupId) -> Fallible<()> {
    let Some(row) = row(tx, group)? else { return Ok(()) };
    let (work, speed) = (u64::try_from(row.work).unwrap_or(0), speed(tx, group)?);
    let bound = |minutes: u64| minutes.saturating_mul(speed);
    let backlogged = match row.lower_minutes {
        _ if work > bound(row.upper_minutes) => true,
        _ if work == 0 => false,
        Some(lower) if work >= bound(lower) => row.backlogged,
        _ => false,
    };
    if backlogged == row.backlogged {
        return Ok(());
    }
    tx.change("the queue", "UPDATE backlog SET backlogged = ? WHERE group_id = ?", values![backlogged, row.group])?;
    let name = super::location::group_name(tx, group)?.map_or_else(String::new, |name| name.to_string());
    let (word, than, bound) = match backlogged {
        true => (EventWord::Backlogged, "more than", row.upper_minutes),
        false => (EventWord::Relieved, "the bound is", row.lower_minutes.unwrap_or(row.upper_minutes)),
    };
    let time = |minutes: u64| format!("{}:{:02}", minutes / 60, minutes % 60);
    let why = format!("queue {name}: its jobs take {}, {than} {}", time(work.div_ceil(speed)), time(bound));
    record(&tx.spooler(), Object::Spool, word, &why)
}

/// Returns the backlog of a queue; none where no estimate is made.
pub(crate) fn of(tx: &Tx<'_>, group: GroupId) -> Fallible<Option<Backlog>> {
    let Some(row) = row(tx, group)? else { return Ok(None) };
    let minutes = u64::try_from(row.work).unwrap_or(0).div_ceil(speed(tx, group)?);
    Ok(Some(Backlog { minutes, backlogged: row.backlogged }))
}

fn minutes(tx: &Tx<'_>, group: GroupId, name: &str) -> Fallible<Option<u64>> {
    let found = managed::named(tx, Holder::Group(group), name)?;
    Ok(found.into_iter().find_map(|(_, value)| match value {
        Value::Integer(minutes) => u64::try_from(minutes).ok(),
        _ => None,
    }))
}

/// Takes the bounds of a queue from what was set of it, and counts its work.
pub(crate) fn bind(tx: &Tx<'_>, group: GroupId) -> Fallible<()> {
    let was = row(tx, group)?;
    let upper = minutes(tx, group, UPPER)?;
    let is_off = minutes(tx, group, INTERVAL)? == Some(0);
    let (Some(upper), false) = (upper, is_off) else { return forget(tx, group) };
    let lower = minutes(tx, group, LOWER)?;
    if was.is_some() {
        tx.run(
            "UPDATE backlog SET upper_minutes = ?, lower_minutes = ? WHERE group_id = ?",
            values![upper, lower, group],
        )?;
    } else {
        let sql = format!(
            "INSERT INTO backlog (group_id, upper_minutes, lower_minutes, work, backlogged) VALUES (?, ?, ?, ({}), ?)",
            counted("?")
        );
        tx.run(
            &sql,
            values![
                group,
                upper,
                lower,
                EntryState::Queued,
                EntryState::Claimed,
                EntryState::Transferred,
                group,
                false
            ],
        )?;
    }
    judge(tx, group)
}

/// Forgets a queue.
pub(super) fn forget(tx: &Tx<'_>, group: GroupId) -> Fallible<()> {
    tx.run("DELETE FROM backlog WHERE group_id = ?", values![group])?;
    Ok(())
}

fn counted(group: &str) -> String {
    format!(
        "SELECT coalesce(sum(e.work), 0) FROM job j JOIN entry e ON e.job_id = j.id
          WHERE e.state IN (?, ?, ?) AND j.group_id = {group}"
    )
}

columns!(wrong_at { group_id });

/// Returns the queues whose work is counted wrongly.
pub(super) fn wrong(tx: &Tx<'_>) -> Fallible<Vec<String>> {
    let sql = format!("SELECT {} FROM backlog b WHERE b.work <> ({})", wrong_at::LIST, counted("b.group_id"));
    let groups: Vec<GroupId> =
        tx.rows(&sql, values![EntryState::Queued, EntryState::Claimed, EntryState::Transferred], |row| {
            row.get(wrong_at::group_id)
        })?;
    groups
        .into_iter()
        .map(|id| Ok(super::location::group_name(tx, id)?.map_or_else(|| id.0.to_string(), |name| name.to_string())))
        .collect()
}

/// Counts the work of all queues with a bound again, and says which of them are backlogged.
pub(super) fn recount(tx: &Tx<'_>) -> Fallible<()> {
    let sql = made_once!("SELECT DISTINCT {} FROM managed_value WHERE object = 'group' AND field = ?", holder_at::LIST);
    let bound: Vec<GroupId> = tx.rows(sql, values![UPPER], |row| row.get(holder_at::object_id))?;
    tx.run("DELETE FROM backlog WHERE group_id NOT IN (SELECT id FROM location_group)", &[])?;
    tx.run(
        &format!("UPDATE backlog SET work = ({})", counted("backlog.group_id")),
        values![EntryState::Queued, EntryState::Claimed, EntryState::Transferred],
    )?;
    bound.into_iter().try_for_each(|group| bind(tx, group))
}

columns!(holder_at { object_id });
