//! Saving what a damaged database still holds.
//!
//! Each table is read row by row in the order of its row numbers. Where the engine stops at a damaged page, the next row
//! that can be read is looked for behind it, in growing steps; what lies between is lost, and said. The rows go into a new
//! database, which is made to hold together again: what refers to something that is lost gets a place to be, or is lost
//! itself, and said. Every job is held afterwards, for its end may be among what was lost.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::{Fallible, Session, Tx, backup, schema};
use crate::model::event::EventWord;
use crate::model::{Call, Failure, JobId};
use crate::store::event::{Object, record};
use crate::store::generation::Mark;
use crate::store::value::{columns, values};
use crate::store::{entry, generation, process, restored, spool, tally};

/// What is known of a spool without its database.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Its identity, from `.spool-id`.
    pub spool_id: String,
    /// The name of its server's directory.
    pub server: String,
    /// Whose directory it is.
    pub uid: u32,
    /// The mark beside the print files.
    pub mark: Option<Mark>,
}

/// What was saved and what was lost, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Jobs that were saved.
    pub jobs: u64,
    /// Each loss.
    pub losses: Vec<String>,
}

/// The largest step over rows that cannot be read.
const LARGEST_STEP: i64 = 1 << 40;

/// Saves what the database at `from` still holds into the new file at `to`, for `call`.
///
/// # Errors
/// When the new one cannot be written. What cannot be read of the old one is a loss and no error.
pub fn salvage(from: &Path, to: &Path, beside: &Beside, call: &Call) -> Fallible<Salvage> {
    let mut saved = Salvage::default();
    let session = Session::of(Connection::open(to)?);
    let new = &session.db;
    new.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    new.pragma_update(None, "foreign_keys", "OFF")?;
    session.begin()?;
    let tx = Tx::new(&session, call);
    match backup::open(from) {
        Ok(old) => {
            // The rows are saved as they are, and brought up to date afterwards as those of every older spool.
            let version = old.version().ok().filter(|version| (1..=schema::VERSION).contains(version));
            schema::migrate_to(&tx, version.unwrap_or(schema::VERSION))?;
            for table in tables(new)? {
                copy_table(&old.db, new, &table, &mut saved)?;
            }
        }
        Err(failure) => saved.losses.push(format!("nothing of spool.db can be read: {failure}")),
    }
    if tx.version()? == 0 {
        schema::migrate(&tx)?;
    }
    identify(&tx, beside, &mut saved)?;
    schema::migrate(&tx)?;
    complete(&tx, &mut saved)?;
    let why = "spool.db was damaged; what could be read of it was saved";
    saved.jobs = restored::begin(&tx, beside.mark.as_ref(), why)?;
    for loss in &saved.losses {
        record(&tx, Object::Spool, EventWord::Lost, loss)?;
    }
    generation::count(&tx)?;
    session.commit()?;
    new.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    session.db.close().map_err(|(_, error)| Failure::from(error))?;
    Ok(saved)
}

/// What the steps from schema to schema need: the row of the spool, and one fate for each submission.
fn identify(tx: &Tx<'_>, beside: &Beside, saved: &mut Salvage) -> Fallible<()> {
    if !tx.finds("SELECT 1 FROM spool", &[])? {
        spool::insert(tx, &beside.spool_id, &beside.server, beside.uid)?;
        saved.losses.push("the row of the spool: its state is COLD, MGRACCESS is OFF".to_owned());
    }
    let twice = tx.run("DELETE FROM finished WHERE token IN (SELECT token FROM job)", &[])?;
    if twice > 0 {
        saved.losses.push(format!("the end of {twice} jobs, which are in the queues again"));
    }
    Ok(())
}

/// Returns the tables of our schema.
fn tables(db: &Connection) -> Fallible<Vec<String>> {
    let mut find =
        db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")?;
    let names = find.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn columns_of(db: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut find = db.prepare(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"))?;
    find.query_map([], |row| row.get(0))?.collect()
}

/// Copies the rows of one table that can be read.
fn copy_table(old: &Connection, new: &Connection, table: &str, saved: &mut Salvage) -> Fallible<()> {
    let ours = columns_of(new, table)?;
    // An older schema has fewer columns; the others keep what they have by default.
    let theirs = match columns_of(old, table) {
        Ok(theirs) if !theirs.is_empty() => theirs,
        Ok(_) => return Ok(()),
        Err(error) => {
            saved.losses.push(format!("every {table}: {error}"));
            return Ok(());
        }
    };
    let shared: Vec<&str> = ours.iter().filter(|column| theirs.contains(column)).map(String::as_str).collect();
    let list = shared.join(", ");
    let marks = vec!["?"; shared.len()].join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {table} ({list}) VALUES ({marks})"))?;
    if let Some(key) = key_of(new, table)? {
        return copy_by_key(old, table, &list, &key, &mut insert, shared.len(), saved);
    }
    let read = format!("SELECT rowid, {list} FROM {table} WHERE rowid >= ? ORDER BY rowid");
    let mut next = i64::MIN;
    loop {
        let outcome = copy_rows(old, &read, &mut insert, shared.len(), &mut next);
        let Err(error) = outcome else { return Ok(()) };
        let from = next.max(1);
        match readable_after(old, table, next.max(0)) {
            Some(found) => {
                let last = if is_end(old, table, found) { "on".to_owned() } else { format!("to {}", found - 1) };
                saved.losses.push(format!("{table}: rows from {from} {last} ({error})"));
                next = found;
            }
            None => {
                saved.losses.push(format!("{table}: rows from {from} on ({error})"));
                return Ok(());
            }
        }
    }
}

/// Returns the first column of the key of a table that has no row numbers.
fn key_of(db: &Connection, table: &str) -> Fallible<Option<String>> {
    let mut find = db.prepare(
        "SELECT c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
          WHERE t.schema = 'main' AND t.name = ? AND t.wr = 1 AND c.pk = 1",
    )?;
    Ok(find.query_row([table], |row| row.get(0)).optional()?)
}

/// Copies the rows of a table without row numbers: from its start to a damaged page, and from its end back to one.
fn copy_by_key(
    old: &Connection,
    table: &str,
    list: &str,
    key: &str,
    insert: &mut rusqlite::Statement<'_>,
    columns: usize,
    saved: &mut Salvage,
) -> Fallible<()> {
    let mut copy = |order: &str| -> rusqlite::Result<()> {
        let mut rows = old.prepare(&format!("SELECT {list} FROM {table} ORDER BY {key} {order}"))?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|i| row.get::<_, Value>(i)).collect::<rusqlite::Result<Vec<_>>>()?;
            insert.execute(params_from_iter(values))?;
        }
        Ok(())
    };
    if copy("ASC").is_err()
        && let Err(error) = copy("DESC")
    {
        saved.losses.push(format!("{table}: rows in its middle ({error})"));
    }
    Ok(())
}

/// Copies rows from the row number `next` on, which stands behind the last one that was copied when this returns.
fn copy_rows(
    old: &Connection,
    read: &str,
    insert: &mut rusqlite::Statement<'_>,
    columns: usize,
    next: &mut i64,
) -> rusqlite::Result<()> {
    let mut rows = old.prepare(read)?;
    let mut rows = rows.query([*next])?;
    while let Some(row) = rows.next()? {
        // Only what was read whole counts as read.
        let values = (1..=columns).map(|i| row.get::<_, Value>(i)).collect::<rusqlite::Result<Vec<_>>>()?;
        insert.execute(params_from_iter(values))?;
        *next = row.get::<_, i64>(0)?.saturating_add(1);
    }
    Ok(())
}

/// Returns the first row at or behind a row number; none at the end.
fn row_at(old: &Connection, table: &str, from: i64) -> rusqlite::Result<Option<i64>> {
    let mut find = old.prepare(&format!("SELECT rowid FROM {table} WHERE rowid >= ? ORDER BY rowid LIMIT 1"))?;
    find.query_row([from], |row| row.get(0)).optional()
}

fn is_end(old: &Connection, table: &str, from: i64) -> bool {
    matches!(row_at(old, table, from), Ok(None))
}

/// Returns the first row number behind `bad` at which the table can be read again, or its end. Found in growing steps,
/// and then by halving the last of them: what lies before a damaged page says nothing about where it ends.
fn readable_after(old: &Connection, table: &str, bad: i64) -> Option<i64> {
    let (mut low, mut step) = (bad, 1);
    let mut high = loop {
        let probe = bad.saturating_add(step);
        if row_at(old, table, probe).is_ok() {
            break probe;
        }
        if step > LARGEST_STEP {
            return None;
        }
        (low, step) = (probe, step * 2);
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if row_at(old, table, middle).is_ok() { high = middle } else { low = middle }
    }
    Some(high)
}

columns!(lost_at { id, number, name });

/// Makes the saved rows hold together again.
fn complete(tx: &Tx<'_>, saved: &mut Salvage) -> Fallible<()> {
    // Numbers go on above everything that is known.
    tx.run(
        "UPDATE spool SET last_serial = max(last_serial, (SELECT coalesce(max(serial), 0) FROM job),
                 (SELECT coalesce(max(serial), 0) FROM finished)),
             last_sequence = max(last_sequence, (SELECT coalesce(max(sort_sequence), 0) FROM job)),
             last_number = max(last_number, (SELECT coalesce(max(number), 0) FROM job))",
        &[],
    )?;
    let sql = format!(
        "SELECT {} FROM job WHERE NOT EXISTS (SELECT 1 FROM document WHERE job_id = job.id) ORDER BY number",
        lost_at::LIST
    );
    let lost_jobs: Vec<(JobId, u32, String)> =
        tx.rows(&sql, &[], |row| Ok((row.get(lost_at::id)?, row.get(lost_at::number)?, row.get(lost_at::name)?)))?;
    for (id, number, name) in lost_jobs {
        saved.losses.push(format!("job {number} ({name}): what it is to print"));
        for table in ["entry", "job_value"] {
            tx.run(&format!("DELETE FROM {table} WHERE job_id = ?"), values![id])?;
        }
        tx.run("DELETE FROM job WHERE id = ?", values![id])?;
    }
    for (table, what) in [("document", "a document"), ("entry", "a place in a queue"), ("job_value", "an attribute")] {
        let lost = tx.run(&format!("DELETE FROM {table} WHERE job_id NOT IN (SELECT id FROM job)"), &[])?;
        if lost > 0 {
            saved.losses.push(format!("{lost} times {what} of jobs that are lost"));
        }
    }
    // What a job needs to be seen and moved: a group, a route and a class.
    let sql = "UPDATE job SET location_id = NULL WHERE location_id NOT IN (SELECT id FROM location)";
    let lost = tx.run(sql, &[])?;
    if lost > 0 {
        saved.losses.push(format!("the locations of {lost} jobs; they stand in their groups"));
    }
    tx.script(
        "INSERT INTO route (id, kind) SELECT DISTINCT route_id, 'group' FROM (
             SELECT route_id FROM job UNION SELECT route_id FROM entry UNION SELECT route_id FROM location
             UNION SELECT route_id FROM location_group) WHERE route_id NOT IN (SELECT id FROM route);
         INSERT OR IGNORE INTO requirement_class (id, form_key)
             SELECT class_id, lower(trim(form)) FROM job WHERE class_id NOT IN (SELECT id FROM requirement_class)
             GROUP BY class_id;",
    )?;
    let groups: Vec<i64> = tx.rows(
        "SELECT DISTINCT group_id FROM (SELECT group_id FROM job UNION SELECT group_id FROM location)
          WHERE group_id NOT IN (SELECT id FROM location_group)",
        &[],
        |row| row.only(),
    )?;
    for id in groups {
        let name = format!("RECOVERED{id}");
        let route = tx.insert("INSERT INTO route (kind) VALUES ('group')", &[])?;
        tx.run(
            "INSERT INTO location_group (id, name, name_key, broadcast, route_id) VALUES (?, ?, ?, ?, ?)",
            values![id, name, name.to_lowercase(), false, route],
        )?;
        saved.losses.push(format!("the name of a group, which is #{name} now"));
    }
    tx.script(
        "UPDATE location SET device_id = NULL WHERE device_id NOT IN (SELECT id FROM device);
         UPDATE location SET kind = 0 WHERE kind = 2 AND device_id IS NULL;
         UPDATE job SET class_id = (SELECT min(id) FROM requirement_class)
             WHERE class_id NOT IN (SELECT id FROM requirement_class);
         UPDATE entry SET class_id = (SELECT class_id FROM job WHERE id = job_id)
             WHERE class_id NOT IN (SELECT id FROM requirement_class);
         INSERT OR IGNORE INTO submission (token, job_id, number, local_id, serial, at_ms)
             SELECT token, id, number, local_id, serial, created_ms FROM job
             UNION ALL SELECT token, job_id, number, local_id, serial, created_ms FROM finished;",
    )?;
    entry::complete(tx)?;
    crate::store::scheduler::make_all(tx)?;
    process::end_all(tx)?;
    tally::recount(tx)
}
