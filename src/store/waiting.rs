//! Queued entries in the order of a device, from any place on: what waits, read by index a few rows at a time.

use std::collections::BTreeSet;

use crate::model::order::QueueOrder;
use crate::model::state::{DeviceWish, EntryState};
use crate::model::{ClassId, DeviceId, JobId, ProcessId, ProcessName, RouteId};

use super::entry::{ANY, COLUMNS, EntryRow, read};
use super::job::Place;
use super::scheduler::{compared, marks, order_by};
use super::value::{columns, values};
use super::{Fallible, Tx, page};

/// One ordered run of queued entries: those of a route that need the same of a device, for any device or for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where they wait.
    pub route: RouteId,
    /// The one device that may claim them; none = any of the route.
    pub only: Option<DeviceId>,
    /// What they need of a device.
    pub class: ClassId,
}

/// Returns the first `limit` queued entries of a run that stand after `after`, in the order of a device.
pub(crate) fn after(tx: &Tx<'_>, run: &Run, order: QueueOrder, after: Place, limit: u32) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        &sql(order),
        values![
            run.route,
            run.only.unwrap_or(ANY),
            run.class,
            after.0,
            after.1,
            after.2,
            after.3,
            page(limit),
            EntryState::Queued
        ],
        read,
    )
}

// What stands for the columns that an order compares.
columns!(at { promoted, one = "@one", two = "@two", sequence });

/// Returns the places of the first `limit` queued entries of a run that stand after `after`, in the order of a device.
/// Decided by an index, and where no pages are compared by that alone.
pub(crate) fn places(tx: &Tx<'_>, run: &Run, order: QueueOrder, after: Place, limit: u32) -> Fallible<Vec<Place>> {
    let values = values![
        run.route,
        run.only.unwrap_or(ANY),
        run.class,
        after.0,
        after.1,
        after.2,
        after.3,
        limit,
        EntryState::Queued
    ];
    tx.rows(&places_sql(order), values, |row| {
        Ok((row.get(at::promoted)?, row.get(at::one)?, row.get(at::two)?, row.get(at::sequence)?))
    })
}

fn places_sql(order: QueueOrder) -> String {
    let [one, two] = compared(order).map(|column| column.unwrap_or("0"));
    let place = at::LIST.replace("@one", one).replace("@two", two);
    let (columns, marks) = (order_by(order), marks(order));
    format!(
        "SELECT {place} FROM entry WHERE state = ?9 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
             AND ({columns}) > ({marks}) ORDER BY {columns} LIMIT ?8"
    )
}

fn sql(order: QueueOrder) -> String {
    let (columns, marks) = (order_by(order), marks(order));
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = ?9 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
             AND ({columns}) > ({marks}) ORDER BY {columns} LIMIT ?8"
    )
}

/// Tells whether entries wait in a route that only one of its devices may claim.
pub(crate) fn any_for_one(tx: &Tx<'_>, route: RouteId) -> Fallible<bool> {
    tx.finds(
        "SELECT 1 FROM entry WHERE state = ? AND route_id = ? AND only_device > ? LIMIT 1",
        values![EntryState::Queued, route, ANY],
    )
}

/// When a device carries what a class asks for: as its form, or as a paper that it has besides.
const CARRIES: [&str; 2] = [
    "c.form_key = d.form_key",
    "d.media <> '' AND instr(char(10) || upper(d.media) || char(10), char(10) || c.form_key || char(10)) > 0",
];

/// Tells whether a started device of a print process has an entry that waits for it, not in a paused queue, and that it can print, or an entry of
/// an earlier epoch that only its next one gives back.
pub(crate) fn any_for_process(tx: &Tx<'_>, process: &ProcessName, id: ProcessId) -> Fallible<bool> {
    if super::entry::busy(tx, id)? {
        return Ok(true);
    }
    // Most often nothing waits anywhere: then no device is asked.
    if !tx.finds("SELECT 1 FROM entry WHERE state = ? LIMIT 1", values![EntryState::Queued])? {
        return Ok(false);
    }
    let ways = [("l.route_id", "?3"), ("g.route_id", "?3"), ("g.route_id", "d.id")];
    for ((route, only), carries) in CARRIES.iter().flat_map(|carries| ways.map(|way| (way, carries))) {
        let sql = format!(
            "SELECT 1 FROM device d JOIN location l ON l.device_id = d.id JOIN location_group g ON g.id = l.group_id
                 JOIN requirement_class c ON {carries}
             WHERE d.process_key = ?1 AND d.wish = ?2 AND NOT g.paused AND EXISTS (
                 SELECT 1 FROM entry e WHERE e.state = ?4 AND e.route_id = {route} AND e.only_device = {only}
                     AND e.class_id = c.id) LIMIT 1"
        );
        if tx.finds(&sql, values![process.key(), DeviceWish::Started, ANY, EntryState::Queued])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns how many jobs wait for the started devices of a print process that can print them, counted to `limit`.
pub(crate) fn count_for_process(tx: &Tx<'_>, process: &ProcessName, limit: u32) -> Fallible<u32> {
    let values = values![process.key(), DeviceWish::Started, ANY, EntryState::Queued, limit];
    Ok(tx.one(&of_process_sql(), values, |row| row.only())?.unwrap_or(0))
}

/// Each way to a device is looked at to the limit, and none is put in order: how many jobs wait decides nothing.
fn of_process_sql() -> String {
    let ways = [("l.route_id", "?3"), ("g.route_id", "?3"), ("g.route_id", "d.id")];
    let parts: Vec<String> = CARRIES
        .iter()
        .flat_map(|carries| ways.map(|way| (way, carries)))
        .map(|((route, only), carries)| {
            format!(
                "SELECT job_id FROM (SELECT DISTINCT e.job_id FROM device d CROSS JOIN location l CROSS JOIN location_group g
                     CROSS JOIN requirement_class c CROSS JOIN entry e
                 WHERE d.process_key = ?1 AND d.wish = ?2 AND l.device_id = d.id AND g.id = l.group_id AND NOT g.paused AND ({carries})
                     AND e.state = ?4 AND e.route_id = {route} AND e.only_device = {only} AND e.class_id = c.id LIMIT ?5)"
            )
        })
        .collect();
    format!("SELECT min(count(*), ?5) FROM ({})", parts.join(" UNION "))
}

/// Returns the devices that have begun a queued entry on their file.
pub(crate) fn devices_with_begun(tx: &Tx<'_>) -> Fallible<BTreeSet<DeviceId>> {
    let found = tx.rows(BEGUN, values![i64::MIN, EntryState::Queued], |row| row.only())?;
    Ok(found.into_iter().collect())
}

/// A comparison with any device makes it the index of the entries that have one. The sign keeps the state from choosing an
/// index: nearly all entries have that state.
const BEGUN: &str = "SELECT DISTINCT begun_device FROM entry WHERE begun_device > ? AND +state = ?";

/// Returns the queued entry of a route and class that arrived first among those of one promotion and rank, for a device.
pub(crate) fn eldest(tx: &Tx<'_>, run: &Run, (promoted, rank): (i64, i64)) -> Fallible<Option<(i64, JobId)>> {
    tx.one(
        made_once!(
            "SELECT {} FROM entry WHERE state = ? AND route_id = ? AND only_device = ? AND class_id = ?
                 AND promoted = ? AND rank = ? ORDER BY sequence LIMIT 1",
            first::LIST
        ),
        values![EntryState::Queued, run.route, run.only.unwrap_or(ANY), run.class, promoted, rank],
        |row| Ok((row.get(first::sequence)?, row.get(first::job_id)?)),
    )
}

columns!(first { sequence, job_id });

/// Returns the next requirement class after `after` of which entries are queued in a route. One step in an index,
/// however many entries each class has.
pub(crate) fn next_class(
    tx: &Tx<'_>,
    route: RouteId,
    only: Option<DeviceId>,
    after: Option<ClassId>,
) -> Fallible<Option<ClassId>> {
    tx.one(
        "SELECT class_id FROM entry WHERE state = ? AND route_id = ? AND only_device = ? AND class_id > ?
         ORDER BY class_id LIMIT 1",
        values![EntryState::Queued, route, only.unwrap_or(ANY), after.map_or(i64::MIN, |class| class.0)],
        |row| row.only(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::order::SortBy;
    use crate::store::Memory;

    /// A database in which a device has each order, and the index of each.
    fn all_orders() -> (Memory, Vec<(QueueOrder, String)>) {
        let mut orders =
            vec![(QueueOrder::ShortFirst, "entry_order".to_owned()), (QueueOrder::Arrival, "entry_fifo".to_owned())];
        for (first, then) in SortBy::ALL.into_iter().flat_map(|first| SortBy::ALL.map(|then| (first, then))) {
            if let order @ QueueOrder::By(first, then) = QueueOrder::of(first, then) {
                orders.push((order, format!("entry_by_{}_{}", first.word(), then.word()).replace('-', "_")));
            }
        }
        let memory = Memory::new();
        orders.iter().try_for_each(|(order, _)| crate::store::scheduler::make(&memory.tx(), *order)).unwrap();
        (memory, orders)
    }

    #[test]
    fn a_run_is_read_by_the_index_of_its_order_and_never_sorted() {
        let (memory, orders) = all_orders();
        for (order, index) in orders {
            let plan = memory.plan(&sql(order));
            assert!(
                plan.contains(&format!(
                    "USING INDEX {index} (state=? AND route_id=? AND only_device=? AND class_id=? AND"
                )),
                "{order:?}: {plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{order:?}: {plan}");
        }
    }

    #[test]
    fn what_waits_for_a_process_is_counted_by_index() {
        let plan = Memory::new().plan(&of_process_sql());
        assert!(!plan.contains("SCAN e"), "{plan}");
        assert_eq!(plan.matches("(state=? AND route_id=? AND only_device=? AND class_id=?)").count(), 6, "{plan}");
    }

    #[test]
    fn devices_with_a_begun_entry_are_found_without_those_that_wait() {
        let plan = Memory::new().plan(BEGUN);
        assert!(plan.contains("USING COVERING INDEX entry_begun (begun_device>?)"), "{plan}");
    }

    #[test]
    fn places_are_read_from_the_index_alone() {
        let (memory, orders) = all_orders();
        for (order, index) in orders {
            let plan = memory.plan(&places_sql(order));
            // Pages follow from the work, which the row has.
            let by_pages = order_by(order).contains("pages");
            let covering = if by_pages { "" } else { "COVERING " };
            let wanted = format!("USING {covering}INDEX {index} (state=? AND route_id=? AND only_device=?");
            assert!(plan.contains(&wanted), "{order:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{order:?}: {plan}");
        }
    }
}
