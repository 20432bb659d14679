//! Rows of collectors.
//!
//! A collector is changed under the lock of the spool, which every submission takes too.

use crate::model::collector::{CollectorChange, CollectorWish};
use crate::model::kept::KeptWords;
use crate::model::{CollectorId, CollectorName, Failure};

use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, page};

/// A collector as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorRow {
    /// Identity.
    pub id: CollectorId,
    /// Name.
    pub name: CollectorName,
    /// FILE as typed.
    pub file: Option<String>,
    /// Words that mean nothing here, as typed.
    pub kept: KeptWords,
    /// What is wanted of it.
    pub wish: CollectorWish,
    /// Whether it was ever started.
    pub was_started: bool,
}

columns!(at { id, name, file, kept, wish, was_started });

fn read(row: &Row<'_>) -> Fallible<CollectorRow> {
    Ok(CollectorRow {
        id: row.get(at::id)?,
        name: row.get(at::name)?,
        file: row.get(at::file)?,
        kept: row.get::<Option<String>>(at::kept)?.map(|text| KeptWords::from_stored(&text)).unwrap_or_default(),
        wish: row.get(at::wish)?,
        was_started: row.get(at::was_started)?,
    })
}

/// Returns the collector of that name.
pub(crate) fn by_name(tx: &Tx<'_>, name: &CollectorName) -> Fallible<Option<CollectorRow>> {
    tx.one(made_once!("SELECT {} FROM collector WHERE name_key = ?", at::LIST), values![name.key()], read)
}

/// Returns the collector with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: CollectorId) -> Fallible<Option<CollectorRow>> {
    tx.one(made_once!("SELECT {} FROM collector WHERE id = ?", at::LIST), values![id], read)
}

/// Returns collectors by name after `after`, one page.
pub(crate) fn list(tx: &Tx<'_>, after: Option<&CollectorName>) -> Fallible<Vec<CollectorRow>> {
    let after = after.map_or_else(String::new, CollectorName::key);
    tx.rows(
        made_once!("SELECT {} FROM collector WHERE name_key > ? ORDER BY name_key LIMIT ?", at::LIST),
        values![after, page(u32::MAX)],
        read,
    )
}

/// Returns the first collector by name that takes jobs.
pub(crate) fn first_started(tx: &Tx<'_>) -> Fallible<Option<CollectorName>> {
    tx.one(
        "SELECT name FROM collector WHERE wish = ? ORDER BY name_key LIMIT 1",
        values![CollectorWish::Started],
        |row| row.only(),
    )
}

/// Tells whether a collector was ever declared. Until then a spool has one, without a row.
pub(crate) fn any_declared(tx: &Tx<'_>) -> Fallible<bool> {
    let found = tx.one("SELECT has_collectors FROM spool WHERE id = 1", &[], |row| row.only::<bool>())?;
    found.ok_or_else(|| Failure::internal("the spool has no row"))
}

/// Declares a collector, which takes no jobs yet.
pub(crate) fn insert(tx: &Tx<'_>, name: &CollectorName) -> Fallible<CollectorRow> {
    tx.demand_lock(Lock::Spool)?;
    let id = tx.insert(
        "INSERT INTO collector (name, name_key, wish, was_started) VALUES (?, ?, ?, ?)",
        values![name.as_str(), name.key(), CollectorWish::Stopped, false],
    )?;
    tx.change("the spool", "UPDATE spool SET has_collectors = ? WHERE id = 1", values![true])?;
    by_name(tx, name)?
        .filter(|row| row.id == CollectorId(id))
        .ok_or_else(|| Failure::internal("a new collector cannot be found"))
}

impl CollectorRow {
    /// Applies one change.
    pub(crate) fn apply(&mut self, change: &CollectorChange) {
        match change.clone() {
            CollectorChange::File(file) => self.file = Some(file),
            CollectorChange::Kept(word) => self.kept.keep(word),
        }
    }
}

/// Stores the attributes of a collector.
pub(crate) fn set_attributes(tx: &Tx<'_>, row: &CollectorRow) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.change(
        "the collector",
        "UPDATE collector SET file = ?, kept = ? WHERE id = ?",
        values![row.file, row.kept.stored(), row.id],
    )
}

/// Sets what is wanted of a collector.
pub(crate) fn set_wish(tx: &Tx<'_>, id: CollectorId, wish: CollectorWish) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    let sql = "UPDATE collector SET wish = ?, was_started = was_started OR ? WHERE id = ?";
    tx.change("the collector", sql, values![wish, wish == CollectorWish::Started, id])
}

/// Removes a collector.
pub(crate) fn delete(tx: &Tx<'_>, id: CollectorId) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.change("the collector", "DELETE FROM collector WHERE id = ?", values![id])
}

/// Those that came before one was declared belong to the usual one, too.
const OF_USUAL: &str = "SELECT 1 FROM job WHERE collector IS NULL LIMIT 1";

pub(super) const OF_JOBS: &str = "SELECT 1 FROM job WHERE collector = ? LIMIT 1";

/// Tells whether a job belongs to a collector.
pub(crate) fn has_jobs(tx: &Tx<'_>, name: &CollectorName) -> Fallible<bool> {
    Ok(tx.finds(OF_JOBS, values![name.as_str()])? || (*name == CollectorName::usual() && tx.finds(OF_USUAL, &[])?))
}

pub(super) const ARRIVING: &str =
    "SELECT count(*) FROM (SELECT 1 FROM job WHERE arriving AND coalesce(collector, ?) = ? LIMIT 1000)";

/// Returns how many jobs are arriving by a collector, counted to 1,000.
pub(crate) fn arriving(tx: &Tx<'_>, name: &CollectorName) -> Fallible<u64> {
    let usual = CollectorName::usual();
    Ok(tx.one(ARRIVING, values![usual.as_str(), name.as_str()], |row| row.only())?.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn jobs_of_a_collector_are_found_by_an_index() {
        for (sql, index) in [(OF_JOBS, "job_collector"), (ARRIVING, "job_arriving")] {
            let plan = Memory::new().plan(sql);
            assert!(plan.contains(index), "{sql}: {plan}");
        }
    }
}
