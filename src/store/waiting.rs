//! Queued entries in the order of a device, from any place on: what waits, read by index a few rows at a time.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{ClassId, DeviceId, RouteId};

use super::entry::{COLUMNS, EntryRow, read};
use super::job::SortKey;
use super::{Fallible, page};

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

/// The first `limit` queued entries of a run that stand after `after`, in the order of a device.
///
/// # Errors
/// When they cannot be read.
pub fn after(db: &Connection, run: &Run, fifo: bool, after: &SortKey, limit: u32) -> Fallible<Vec<EntryRow>> {
    let mut statement = db.prepare_cached(&sql(fifo))?;
    let rows = statement.query_map(
        params![
            run.route.0,
            run.only.map_or(0, |device| device.0),
            run.class.0,
            after.promoted,
            after.rank,
            after.key,
            after.sequence,
            page(limit)
        ],
        read,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The places of the first `limit` queued entries of a run that stand at `from` or after it, in the order of a device
/// without FIFO. Decided by an index alone.
///
/// # Errors
/// When they cannot be read.
pub fn places(db: &Connection, run: &Run, from: &SortKey, limit: u32) -> Fallible<Vec<SortKey>> {
    let mut statement = db.prepare_cached(PLACES)?;
    let mut rows = statement.query(params![
        run.route.0,
        run.only.map_or(0, |device| device.0),
        run.class.0,
        from.promoted,
        from.rank,
        from.key,
        from.sequence,
        limit
    ])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        places.push(SortKey { promoted: row.get(0)?, rank: row.get(1)?, key: row.get(2)?, sequence: row.get(3)? });
    }
    Ok(places)
}

const PLACES: &str = "SELECT promoted, rank, sort_key, sequence FROM entry
     WHERE state = 0 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
         AND (promoted, rank, sort_key, sequence) >= (?4, ?5, ?6, ?7)
     ORDER BY promoted, rank, sort_key, sequence LIMIT ?8";

/// Each order has its index, and each comparison follows the columns of one.
fn sql(fifo: bool) -> String {
    let (order, marks) = match fifo {
        true => ("promoted, rank, sequence", "?4, ?5, ?7"),
        false => ("promoted, rank, sort_key, sequence", "?4, ?5, ?6, ?7"),
    };
    format!(
        "SELECT {COLUMNS} FROM entry WHERE state = 0 AND route_id = ?1 AND only_device = ?2 AND class_id = ?3
             AND ({order}) > ({marks}) ORDER BY {order} LIMIT ?8"
    )
}

/// The next requirement class after `after` of which entries are queued in a route. One step in an index, however many
/// entries each class has.
///
/// # Errors
/// When it cannot be read.
pub fn next_class(
    db: &Connection,
    route: RouteId,
    only: Option<DeviceId>,
    after: Option<ClassId>,
) -> Fallible<Option<ClassId>> {
    let mut statement = db.prepare_cached(
        "SELECT class_id FROM entry WHERE state = 0 AND route_id = ? AND only_device = ? AND class_id > ?
         ORDER BY class_id LIMIT 1",
    )?;
    let key = params![route.0, only.map_or(0, |device| device.0), after.map_or(i64::MIN, |class| class.0)];
    Ok(statement.query_row(key, |row| row.get(0).map(ClassId)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the database would run what a function asks.
    fn plan(sql: &str) -> String {
        let db = Connection::open_in_memory().unwrap();
        crate::store::schema::migrate(&db).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map([1; 8], |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_run_is_read_by_the_index_of_its_order_and_never_sorted() {
        for (fifo, index) in [(false, "entry_order"), (true, "entry_fifo")] {
            let plan = plan(&sql(fifo));
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
        let plan = plan(PLACES);
        assert!(plan.contains("USING COVERING INDEX entry_order (state=? AND route_id=? AND only_device=?"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
