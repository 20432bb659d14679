//! Rows of jobs and the explicit values their submitters gave.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::model::job::GivenValue;
use crate::model::order::Priority;
use crate::model::query::{Condition, Cursor, Order};
use crate::model::state::{HoldReasons, Wish};
use crate::model::{
    ClassId, GroupId, JobId, JobNumber, JobRef, LocalJobId, LocationId, LocationPattern, RouteId, Serial,
};

use super::{Fallible, page, signed, unsigned};

/// What stands in for a number that a damaged row does not have.
pub(crate) const FIRST_NUMBER: JobNumber = match JobNumber::new_const(1) {
    Some(number) => number,
    None => unreachable!(),
};

/// The position of a job among all, as the queues consider them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey {
    /// 0, or less for a promoted job: the later promoted, the smaller.
    pub promoted: i64,
    /// Higher priority, smaller rank.
    pub rank: i64,
    /// Arrival plus estimate.
    pub key: i64,
    /// Order of arrival.
    pub sequence: i64,
}

impl SortKey {
    /// What a device compares: with FIFO ON the estimate does not count.
    pub fn place(&self, fifo: bool) -> (i64, i64, i64, i64) {
        (self.promoted, self.rank, if fifo { 0 } else { self.key }, self.sequence)
    }
}

/// A job as stored.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Identity.
    pub id: JobId,
    /// SPOOLCOM's number.
    pub number: JobNumber,
    /// Ten digits.
    pub serial: Serial,
    /// Token of its submission.
    pub token: String,
    /// Its owner's number for it.
    pub local: LocalJobId,
    /// Owner's user id.
    pub owner_uid: u32,
    /// Owner's primary group id.
    pub owner_gid: u32,
    /// Owner's login name.
    pub owner: String,
    /// `user@host`.
    pub user_name: String,
    /// Name.
    pub name: String,
    /// Form.
    pub form: String,
    /// Priority.
    pub priority: Priority,
    /// What is wanted.
    pub wish: Wish,
    /// What holds it.
    pub reasons: HoldReasons,
    /// Words that go with it.
    pub reason_text: Option<String>,
    /// Kept after printing.
    pub hold_after: bool,
    /// Still arriving.
    pub arriving: bool,
    /// Kept after printing or cancelling.
    pub retained: bool,
    /// Group it was sent to.
    pub group: GroupId,
    /// Location it was sent to; none = the whole group.
    pub location: Option<LocationId>,
    /// Where its entries wait.
    pub route: RouteId,
    /// What it needs of a device.
    pub class: ClassId,
    /// When it was created.
    pub created_ms: i64,
    /// How much it is, in lines.
    pub work: u64,
    /// Octets of its documents.
    pub octets: u64,
    /// Pages, when all are known.
    pub pages: Option<u64>,
    /// Its position.
    pub sort: SortKey,
}

const COLUMNS: &str =
    "id, number, serial, token, local_id, owner_uid, owner_gid, owner, user_name, name, form, priority,
                       wish, reasons, reason_text, hold_after, arriving, retained, group_id, location_id, route_id,
                       class_id, created_ms, work, octets, pages, sort_promoted, sort_rank, sort_key, sort_sequence";

fn wish_number(wish: Wish) -> i64 {
    match wish {
        Wish::Run => 0,
        Wish::Pause => 1,
        Wish::Cancel => 2,
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: JobId(row.get(0)?),
        number: JobNumber::new(row.get(1)?).unwrap_or(FIRST_NUMBER),
        serial: Serial(unsigned(row.get(2)?)),
        token: row.get(3)?,
        local: LocalJobId(row.get(4)?),
        owner_uid: row.get(5)?,
        owner_gid: row.get(6)?,
        owner: row.get(7)?,
        user_name: row.get(8)?,
        name: row.get(9)?,
        form: row.get(10)?,
        priority: Priority::new(row.get(11)?).unwrap_or_default(),
        wish: match row.get::<_, i64>(12)? {
            1 => Wish::Pause,
            2 => Wish::Cancel,
            _ => Wish::Run,
        },
        reasons: HoldReasons(row.get(13)?),
        reason_text: row.get(14)?,
        hold_after: row.get(15)?,
        arriving: row.get(16)?,
        retained: row.get(17)?,
        group: GroupId(row.get(18)?),
        location: row.get::<_, Option<i64>>(19)?.map(LocationId),
        route: RouteId(row.get(20)?),
        class: ClassId(row.get(21)?),
        created_ms: row.get(22)?,
        work: unsigned(row.get(23)?),
        octets: unsigned(row.get(24)?),
        pages: row.get::<_, Option<i64>>(25)?.map(unsigned),
        sort: SortKey { promoted: row.get(26)?, rank: row.get(27)?, key: row.get(28)?, sequence: row.get(29)? },
    })
}

pub(super) const INSERT: &str = "INSERT INTO job (number, serial, token, local_id, owner_uid, owner_gid, owner, user_name, name, form, priority, wish,
             reasons, reason_text, hold_after, arriving, retained, group_id, location_id, route_id, class_id, created_ms,
             work, octets, pages, sort_promoted, sort_rank, sort_key, sort_sequence)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Inserts a job; its `id` is ignored.
///
/// # Errors
/// When a number or token is taken.
pub fn insert(db: &Connection, j: &JobRow) -> Fallible<JobId> {
    db.prepare_cached(INSERT)?.execute(params![
        j.number.get(),
        signed(j.serial.0),
        j.token,
        j.local.0,
        j.owner_uid,
        j.owner_gid,
        j.owner,
        j.user_name,
        j.name,
        j.form,
        j.priority.get(),
        wish_number(j.wish),
        j.reasons.0,
        j.reason_text,
        j.hold_after,
        j.arriving,
        j.retained,
        j.group.0,
        j.location.map(|l| l.0),
        j.route.0,
        j.class.0,
        j.created_ms,
        signed(j.work),
        signed(j.octets),
        j.pages.map(signed),
        j.sort.promoted,
        j.sort.rank,
        j.sort.key,
        j.sort.sequence
    ])?;
    Ok(JobId(db.last_insert_rowid()))
}

/// Keeps what the submitter gave explicitly.
///
/// # Errors
/// When it cannot be written.
pub fn insert_values(db: &Connection, job: JobId, given: &[GivenValue]) -> Fallible<()> {
    if given.is_empty() {
        return Ok(());
    }
    let mut statement = db.prepare_cached(
        "INSERT INTO job_value (job_id, document, field, position, value, origin) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for (position, value) in given.iter().enumerate() {
        let json = serde_json::to_string(&value.value)
            .map_err(|error| crate::model::Failure::internal(format!("attribute value: {error}")))?;
        statement.execute(params![
            job.0,
            value.document,
            value.field.stored(),
            signed(position as u64),
            json,
            value.origin.word()
        ])?;
    }
    Ok(())
}

fn one(db: &Connection, clause: &str, key: &[&dyn rusqlite::ToSql]) -> Fallible<Option<JobRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE {clause}"))?;
    Ok(statement.query_row(key, read).optional()?)
}

/// The job with that identity.
///
/// # Errors
/// When it cannot be read.
pub fn by_id(db: &Connection, id: JobId) -> Fallible<Option<JobRow>> {
    one(db, "id = ?", &[&id.0])
}

/// The job that `job` points at, for the caller with user id `uid`; a global id of another server points at none.
///
/// # Errors
/// When it cannot be read.
pub fn by_ref(db: &Connection, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<JobRow>> {
    match job {
        JobRef::Number(number) => one(db, "number = ?", &[&number.get()]),
        JobRef::Local(local) => one(db, "owner_uid = ? AND local_id = ?", &[&uid, &local.0]),
        JobRef::Serial(serial) => one(db, "serial = ?", &[&signed(serial.0)]),
        JobRef::Global(global) if global.server.as_str().eq_ignore_ascii_case(server) => {
            one(db, "serial = ?", &[&signed(global.serial.0)])
        }
        JobRef::Global(_) => Ok(None),
    }
}

/// What of a condition an index can decide: a necessary condition as SQL, with its parameters.
fn necessary(condition: &Condition, uid: u32, server: &str, sql: &mut String, values: &mut Vec<Sql>) {
    match condition {
        Condition::All(parts) => {
            for part in parts {
                necessary(part, uid, server, sql, values);
            }
        }
        Condition::UserName(user) => {
            sql.push_str(" AND user_name = ?");
            values.push(Sql::Text(user.clone()));
        }
        Condition::Owner(owner) => {
            sql.push_str(" AND owner = ?");
            values.push(Sql::Text(owner.clone()));
        }
        Condition::Location(LocationPattern::Group(group)) => {
            // The plus keeps the rows in their order instead of sorting those of the group for every page.
            sql.push_str(" AND +group_id = (SELECT id FROM location_group WHERE name_key = ?)");
            values.push(Sql::Text(group.key()));
        }
        Condition::Job(JobRef::Number(number)) => {
            sql.push_str(" AND number = ?");
            values.push(Sql::Integer(i64::from(number.get())));
        }
        Condition::Job(JobRef::Local(local)) => {
            sql.push_str(" AND owner_uid = ? AND local_id = ?");
            values.push(Sql::Integer(i64::from(uid)));
            values.push(Sql::Integer(i64::from(local.0)));
        }
        Condition::Job(JobRef::Serial(serial)) => {
            sql.push_str(" AND serial = ?");
            values.push(Sql::Integer(signed(serial.0)));
        }
        Condition::Job(JobRef::Global(global)) => {
            let here = global.server.as_str().eq_ignore_ascii_case(server);
            sql.push_str(" AND serial = ?");
            values.push(Sql::Integer(if here { signed(global.serial.0) } else { -1 }));
        }
        _ => {}
    }
}

/// Where a job stands in an order: the key of a cursor.
pub fn cursor_key(order: Order, number: JobNumber, sort: &SortKey) -> Vec<i64> {
    match order {
        Order::Number => vec![i64::from(number.get())],
        Order::Schedule => vec![sort.promoted, sort.rank, sort.key, sort.sequence],
    }
}

/// Rows that may satisfy `condition`, in `order`, after `after`: the caller checks the rest of the condition.
///
/// # Errors
/// When they cannot be read.
pub fn candidates(
    db: &Connection,
    condition: &Condition,
    order: Order,
    uid: u32,
    server: &str,
    after: Option<&Cursor>,
    limit: u32,
) -> Fallible<Vec<JobRow>> {
    let mut sql = format!("SELECT {COLUMNS} FROM job WHERE 1 = 1");
    let mut values = Vec::new();
    necessary(condition, uid, server, &mut sql, &mut values);
    let (columns, width) = match order {
        Order::Number => ("number", 1),
        Order::Schedule => ("sort_promoted, sort_rank, sort_key, sort_sequence", 4),
    };
    if let Some(cursor) = after.filter(|cursor| cursor.key.len() == width) {
        let marks = vec!["?"; width].join(", ");
        sql.push_str(&format!(" AND ({columns}) > ({marks})"));
        values.extend(cursor.key.iter().map(|k| Sql::Integer(*k)));
    }
    sql.push_str(&format!(" ORDER BY {columns} LIMIT ?"));
    values.push(Sql::Integer(page(limit)));
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::with_capacity(limit as usize);
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Sets the wish.
///
/// # Errors
/// When it cannot be written.
pub fn set_wish(db: &Connection, id: JobId, wish: Wish) -> Fallible<()> {
    db.prepare_cached("UPDATE job SET wish = ? WHERE id = ?")?.execute(params![wish_number(wish), id.0])?;
    Ok(())
}

/// Sets the hold reasons and their words.
///
/// # Errors
/// When it cannot be written.
pub fn set_reasons(db: &Connection, id: JobId, reasons: HoldReasons, text: Option<&str>) -> Fallible<()> {
    db.execute("UPDATE job SET reasons = ?, reason_text = ? WHERE id = ?", params![reasons.0, text, id.0])?;
    Ok(())
}

/// Moves a job to another position.
///
/// # Errors
/// When it cannot be written.
pub fn set_sort(db: &Connection, id: JobId, sort: &SortKey) -> Fallible<()> {
    db.execute(
        "UPDATE job SET sort_promoted = ?, sort_rank = ?, sort_key = ?, sort_sequence = ? WHERE id = ?",
        params![sort.promoted, sort.rank, sort.key, sort.sequence, id.0],
    )?;
    Ok(())
}

/// Removes a job with everything that belongs to it, except its events and history. The names of its print files.
///
/// # Errors
/// When it cannot be written.
pub fn delete(db: &Connection, id: JobId) -> Fallible<Vec<String>> {
    db.prepare_cached("DELETE FROM entry WHERE job_id = ?")?.execute([id.0])?;
    let files = db
        .prepare_cached("DELETE FROM document WHERE job_id = ? RETURNING store_name")?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    db.prepare_cached("DELETE FROM job_value WHERE job_id = ?")?.execute([id.0])?;
    db.prepare_cached("DELETE FROM job WHERE id = ?")?.execute([id.0])?;
    Ok(files)
}

pub(super) const CLASS: &str = "SELECT id FROM requirement_class WHERE form_key = ?";

/// The requirement class for a form, interned.
///
/// # Errors
/// When it cannot be written.
pub fn class(db: &Connection, form: &str) -> Fallible<ClassId> {
    let key = super::device::form_key(form);
    let mut find = db.prepare_cached(CLASS)?;
    if let Some(id) = find.query_row([&key], |row| row.get(0)).optional()? {
        return Ok(ClassId(id));
    }
    db.execute("INSERT INTO requirement_class (form_key) VALUES (?)", [&key])?;
    Ok(ClassId(db.last_insert_rowid()))
}

/// The classes that a device with this form satisfies.
///
/// # Errors
/// When they cannot be read.
pub fn classes_for(db: &Connection, form: &str) -> Fallible<Vec<ClassId>> {
    let mut find = db.prepare_cached(CLASS)?;
    let rows = find.query_map([super::device::form_key(form)], |row| Ok(ClassId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
