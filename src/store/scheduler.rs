//! The orders of devices as columns, and their indexes.
//!
//! States: the orders of FIFO ON and OFF have indexes always. Any other one has its index from the transaction on in which the
//! first device gets it, and keeps it: few spools use more than one, and an index that nobody uses would cost each submission
//! something. Without its index (a database that was saved) an order is right and slow; `pdfsck` makes it again.

use crate::model::order::{QueueOrder, SortBy};

use super::value::{columns, values};
use super::{Fallible, Tx};

/// What an order compares between promotion and arrival, as columns of `entry`. None stands for nothing.
pub(super) fn compared(order: QueueOrder) -> [Option<&'static str>; 2] {
    let of = |by| match by {
        SortBy::Deadline => Some("deadline"),
        SortBy::Fifo => None,
        SortBy::JobPriority => Some("rank"),
        SortBy::LongestFirst => Some("pages_down"),
        SortBy::ShortestFirst => Some("pages"),
    };
    match order {
        QueueOrder::Arrival => [Some("rank"), None],
        QueueOrder::ShortFirst => [Some("rank"), Some("sort_key")],
        QueueOrder::By(first, then) => [of(first), of(then)],
    }
}

/// The columns by which an order sorts. Each order has its index, and each comparison follows the columns of one.
pub(super) fn order_by(order: QueueOrder) -> String {
    columns_and(order, "promoted", ["", ""], "sequence")
}

/// The marks of a place in an order: `?4` to `?7` are the parts of a `Place`.
pub(super) fn marks(order: QueueOrder) -> String {
    columns_and(order, "?4", ["?5", "?6"], "?7")
}

fn columns_and(order: QueueOrder, promoted: &str, named: [&str; 2], sequence: &str) -> String {
    let mut parts = vec![promoted];
    for (column, name) in compared(order).into_iter().zip(named) {
        parts.extend(column.map(|column| if name.is_empty() { column } else { name }));
    }
    parts.push(sequence);
    parts.join(", ")
}

/// Makes the index of an order, unless it is there.
pub(super) fn make(tx: &Tx<'_>, order: QueueOrder) -> Fallible<()> {
    let QueueOrder::By(first, then) = order else { return Ok(()) };
    let name = format!("entry_by_{}_{}", first.word(), then.word()).replace('-', "_");
    if tx.finds("SELECT 1 FROM pragma_index_info(?)", values![name])? {
        return Ok(());
    }
    tx.script(&format!(
        "CREATE INDEX IF NOT EXISTS {name} ON entry (state, route_id, only_device, class_id, {})",
        order_by(order)
    ))
}

columns!(at { sort_by, then_by });

/// Makes the indexes of all orders that devices have.
pub(crate) fn make_all(tx: &Tx<'_>) -> Fallible<()> {
    let sql =
        made_once!("SELECT DISTINCT {} FROM device WHERE sort_by <> 'job-priority' OR then_by IS NOT NULL", at::LIST);
    let found = tx.rows(sql, &[], |row| {
        let first = SortBy::from_word(&row.get::<String>(at::sort_by)?).unwrap_or(SortBy::JobPriority);
        Ok((first, row.get::<Option<String>>(at::then_by)?.as_deref().and_then(SortBy::from_word)))
    })?;
    for (first, then) in found {
        match then {
            Some(then) => make(tx, QueueOrder::of(first, then))?,
            // FIFO says which of the two.
            None => [SortBy::Fifo, SortBy::ShortestFirst]
                .into_iter()
                .try_for_each(|then| make(tx, QueueOrder::of(first, then)))?,
        }
    }
    Ok(())
}
