//! Queued entries in the order of a device, from any place on: what waits, read by index a few rows at a time.

use crate::model::state::EntryState;
use crate::model::{ClassId, DeviceId, RouteId};

use super::entry::{ANY, COLUMNS, EntryRow, read};
use super::job::SortKey;
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
pub(crate) fn after(tx: &Tx<'_>, run: &Run, fifo: bool, after: &SortKey, limit: u32) -> Fallible<Vec<EntryRow>> {
    tx.rows(
        &sql(fifo),
        values![
            run.route,
            run.only.unwrap_or(ANY),
            run.class,
            after.promoted,
            after.rank,
            after.key,
            after.sequence,
            page(limit),
            EntryState::Queued
        ],
        read,
    )
}

columns!(at { promoted, rank, sort_key, sequence });

/// Returns the places of the first `limit` queued entries of a run that stand at `from` or after it, in the order of a
/// device without FIFO. Decided by an index alone.
pub(crate) fn places(tx: &Tx<'_>, run: &Run, from: &SortKey, limit: u32) -> Fallible<Vec<SortKey>> {
    let values = values![
        run.route,
        run.only.unwrap_or(ANY),
        run.class,
        from.promoted,
        from.rank,
        from.key,
        from.sequence,
        limit,
        EntryState::Queued
    ];
    tx.rows(&places_sql(), values, |row| {
        Ok(SortKey {
            promoted: row.get(at::promoted)?,
            rank: row.get(at::rank)?,
            key: row.get(at::sort_key)?,
            sequence: row.get(at::sequence)?,
        })
    })
}

fn places_sql() -> String {
    let order = at::LIST;
    format!(
        "SELECT {order} FROM entry WHERE state = ?9 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
             AND ({order}) >= (?4, ?5, ?6, ?7) ORDER BY {order} LIMIT ?8"
    )
}

/// Returns each order has its index, and each comparison follows the columns of one.
fn sql(fifo: bool) -> String {
    let (order, marks) = match fifo {
        true => ("promoted, rank, sequence", "?4, ?5, ?7"),
        false => ("promoted, rank, sort_key, sequence", "?4, ?5, ?6, ?7"),
    };
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = ?9 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
             AND ({order}) > ({marks}) ORDER BY {order} LIMIT ?8"
    )
}

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
    use crate::store::Memory;

    #[test]
    fn a_run_is_read_by_the_index_of_its_order_and_never_sorted() {
        for (fifo, index) in [(false, "entry_order"), (true, "entry_fifo")] {
            let plan = Memory::new().plan(&sql(fifo));
            assert!(
                plan.contains(&format!(
                    "USING INDEX {index} (state=? AND route_id=? AND only_device=? AND class_id=? AND"
                )),
                "{plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn places_are_read_from_the_index_alone() {
        let plan = Memory::new().plan(&places_sql());
        assert!(plan.contains("USING COVERING INDEX entry_order (state=? AND route_id=? AND only_device=?"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
