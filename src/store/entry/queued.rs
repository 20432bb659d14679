//! What waits: the first entries of a queue for a device, and how many stand before another.

use crate::model::order::QueueOrder;
use crate::model::state::EntryState;
use crate::model::{ClassId, DeviceId, RouteId};
use crate::store::scheduler::order_by;
use crate::store::value::{Bind, values};
use crate::store::{Fallible, Tx};

use super::{ANY, COLUMNS, EntryRow, read};

/// Tells whether an entry of a route and class is queued that a device may claim.
pub(crate) fn any(tx: &Tx<'_>, route: RouteId, class: ClassId, device: DeviceId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device IN (?, ?) AND class_id = ? LIMIT 1",
        values![EntryState::Queued, route, ANY, device, class],
    )
}

fn heads_sql(order: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = ? AND route_id = ? AND only_device = ? AND class_id = ?
         ORDER BY {order} LIMIT ?"
    )
}

/// Returns the first `limit` queued entries of a route and class that a device may claim, in its order. Decided by an
/// index.
pub(crate) fn heads(
    tx: &Tx<'_>,
    route: RouteId,
    class: ClassId,
    device: DeviceId,
    order: QueueOrder,
    limit: u32,
) -> Fallible<Vec<EntryRow>> {
    let sql = heads_sql(&order_by(order));
    let mut found = tx.rows(&sql, values![EntryState::Queued, route, ANY, class, limit], read)?;
    found.extend(tx.rows(&sql, values![EntryState::Queued, route, device, class, limit], read)?);
    // Entries for this device alone stand among the others, not behind them.
    found.sort_by_key(|entry| entry.sort.place(order));
    Ok(found)
}

/// Returns the queued entry that a device began to write to its file and did not end, if its route still leads here and
/// it still fits: it has to be resumed before anything else is appended behind what was written.
pub(crate) fn begun_on(tx: &Tx<'_>, device: DeviceId, carries: &str) -> Fallible<Option<EntryRow>> {
    // Hardly ever is there one, and every claim asks: the index alone tells.
    if !tx.finds("SELECT 1 FROM entry WHERE begun_device = ? AND state = ?", values![device, EntryState::Queued])? {
        return Ok(None);
    }
    let columns: Vec<String> = COLUMNS.split(',').map(|column| format!("e.{}", column.trim())).collect();
    let sql = format!(
        "SELECT {} FROM entry e JOIN requirement_class c ON e.class_id = c.id
         WHERE e.begun_device = ?1 AND e.state = ?3 AND e.only_device IN (?4, ?1)
           AND instr(char(10) || ?2 || char(10), char(10) || c.form_key || char(10)) > 0
           AND (e.route_id IN (SELECT route_id FROM location WHERE device_id = ?1)
                OR e.route_id IN (SELECT g.route_id FROM location_group g JOIN location l ON l.group_id = g.id
                                  WHERE l.device_id = ?1))
         ORDER BY e.id LIMIT 1",
        columns.join(", ")
    );
    tx.one(&sql, values![device, carries, EntryState::Queued, ANY], read)
}

/// Returns the number that a statement counts.
fn counted(tx: &Tx<'_>, sql: &str, values: &[&dyn Bind]) -> Fallible<u32> {
    Ok(tx.one(sql, values, |row| row.only())?.unwrap_or(0))
}

/// Returns how many entries wait in a route for a device, whatever they need, counted to `limit`.
pub(crate) fn waiting(tx: &Tx<'_>, route: RouteId, device: DeviceId, limit: u32) -> Fallible<u32> {
    counted(
        tx,
        "SELECT count(*) FROM (SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device IN (?, ?) LIMIT ?)",
        values![EntryState::Queued, route, ANY, device, limit],
    )
}

/// Returns how much waits in a route for one device alone, and how much of the route it prints, in lines.
pub(crate) fn assigned_work(tx: &Tx<'_>, route: RouteId, device: DeviceId) -> Fallible<u64> {
    let sum = |sql: &str, values: &[&dyn Bind]| {
        Ok::<u64, crate::model::Failure>(tx.one(sql, values, |row| row.only())?.unwrap_or(0))
    };
    let waits = sum(
        "SELECT coalesce(sum(work), 0) FROM entry WHERE state = ? AND route_id = ? AND only_device = ?",
        values![EntryState::Queued, route, device],
    )?;
    let prints = sum(
        "SELECT coalesce(sum(work), 0) FROM entry WHERE device_id = ? AND state = ?",
        values![device, EntryState::Claimed],
    )?;
    Ok(waits.saturating_add(prints))
}

/// Returns how the database finds [`heads`], for both orders.
#[cfg(test)]
pub(crate) fn plan_of_heads(memory: &crate::store::Memory) -> Vec<(QueueOrder, String)> {
    let orders = [QueueOrder::Arrival, QueueOrder::ShortFirst];
    orders.into_iter().map(|order| (order, memory.plan(&heads_sql(&order_by(order))))).collect()
}
