//! Rows of devices.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::device::{ConnectionInUse, DeviceSettings, DeviceUri, Exclusive};
use crate::model::separation::{HeaderPages, StartFf};
use crate::model::state::{DeviceWish, ErrorNote};
use crate::model::{DeviceId, DeviceName, ProcessName, RouteId};
use crate::spool::interface::engine::{Paper, Remembered};

use super::{Fallible, name, page, unsigned};

/// A device as stored.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Identity.
    pub id: DeviceId,
    /// Name.
    pub name: DeviceName,
    /// Settings.
    pub settings: DeviceSettings,
    /// What the operator wants.
    pub wish: DeviceWish,
    /// Whether it is stopped because of an error, so that anybody may start it.
    pub stopped_by_error: bool,
    /// The error it is or was in.
    pub error: Option<ErrorNote>,
    /// Whether it was open when last recorded.
    pub open: bool,
    /// How often it was opened.
    pub opens: u64,
    /// Where its paper stands.
    pub paper: Paper,
    /// What it was last opened with.
    pub connection: Option<ConnectionInUse>,
}

impl DeviceRow {
    /// The error it is in. One on record of a device that is open is behind it, though it has not printed yet and the
    /// record stays until it has.
    pub fn in_error(&self) -> Option<&ErrorNote> {
        self.error.as_ref().filter(|_| !self.open)
    }
    /// The address of its last attempts: a claim left over by a dead process, and a place in a file, belong to it.
    pub fn address(&self) -> Option<&DeviceUri> {
        self.connection.as_ref().map(|connection| &connection.address).or(self.settings.uri.as_ref())
    }
}

const COLUMNS: &str = "id, name, process, uri, form, speed, exclusive, fifo, retry, timeout, header, parm, wish,
                       stopped_by_error, error_number, error_text, error_since_ms, error_next_ms, error_tries, is_open,
                       opens, paper, startff, endff, width, restart, last_address, last_entry, complaint";

/// The identities of the devices that the route `?1` leads to; one may be there twice. Not a UNION, which would be a merge
/// through every location.
const OF_ROUTE: &str = "SELECT device_id FROM location WHERE route_id = ?1 AND device_id IS NOT NULL
     UNION ALL SELECT l.device_id FROM location l JOIN location_group g ON l.group_id = g.id
           WHERE g.route_id = ?1 AND l.device_id IS NOT NULL";

fn read(row: &Row<'_>) -> rusqlite::Result<DeviceRow> {
    let process: Option<String> = row.get(2)?;
    let uri: Option<String> = row.get(3)?;
    let error_number: Option<u32> = row.get(14)?;
    let address: Option<String> = row.get(26)?;
    Ok(DeviceRow {
        id: DeviceId(row.get(0)?),
        name: name(&row.get::<_, String>(1)?)?,
        settings: DeviceSettings {
            process: process.map(|text| name(&text)).transpose()?,
            uri: uri.map(|text| name(&text)).transpose()?,
            form: row.get(4)?,
            speed: row.get(5)?,
            exclusive: Exclusive::from_word(&row.get::<_, String>(6)?).unwrap_or_default(),
            fifo: row.get(7)?,
            retry: row.get(8)?,
            timeout: row.get(9)?,
            header: HeaderPages::from_word(&row.get::<_, String>(10)?).unwrap_or_default(),
            startff: StartFf::from_word(&row.get::<_, String>(22)?).unwrap_or_default(),
            endff: row.get(23)?,
            width: row.get(24)?,
            parm: row.get(11)?,
            restart: row.get(25)?,
        },
        wish: DeviceWish::from_stored(row.get(12)?).unwrap_or(DeviceWish::Stopped),
        stopped_by_error: row.get(13)?,
        error: match error_number {
            Some(number) => Some(ErrorNote {
                number,
                text: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
                since_ms: row.get::<_, Option<i64>>(16)?.unwrap_or(0),
                next_try_ms: row.get(17)?,
                tries: row.get::<_, Option<u32>>(18)?.unwrap_or(0),
            }),
            None => None,
        },
        open: row.get(19)?,
        opens: unsigned(row.get(20)?),
        paper: match row.get::<_, i64>(21)? {
            1 => Paper::Text,
            2 => Paper::Stream,
            3 => Paper::Fed,
            _ => Paper::Top,
        },
        connection: match address {
            Some(text) => Some(ConnectionInUse { address: name(&text)?, entry: row.get(27)?, complaint: row.get(28)? }),
            None => None,
        },
    })
}

/// The device of that name.
///
/// # Errors
/// When it cannot be read.
pub fn by_name(db: &Connection, name: &DeviceName) -> Fallible<Option<DeviceRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE name_key = ?"))?;
    Ok(statement.query_row([name.key()], read).optional()?)
}

/// The device with that identity.
///
/// # Errors
/// When it cannot be read.
pub fn by_id(db: &Connection, id: DeviceId) -> Fallible<Option<DeviceRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE id = ?"))?;
    Ok(statement.query_row([id.0], read).optional()?)
}

/// Devices by name after `after`, one page.
///
/// # Errors
/// When they cannot be read.
pub fn list(db: &Connection, after: Option<&DeviceName>) -> Fallible<Vec<DeviceRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE name_key > ? ORDER BY name_key LIMIT ?"))?;
    let after = after.map_or_else(String::new, DeviceName::key);
    let rows = statement.query_map(params![after, page(u32::MAX)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The devices of a print process.
///
/// # Errors
/// When they cannot be read.
pub fn of_process(db: &Connection, process: &ProcessName) -> Fallible<Vec<DeviceRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE process_key = ? ORDER BY name_key"))?;
    let rows = statement.query_map([process.key()], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The devices that a route leads to: a location's own, or every one of a group.
///
/// # Errors
/// When they cannot be read.
pub fn of_route(db: &Connection, route: RouteId) -> Fallible<Vec<DeviceRow>> {
    let mut statement = db.prepare_cached(&of_route_sql())?;
    let rows = statement.query_map([route.0], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn of_route_sql() -> String {
    format!("SELECT {COLUMNS} FROM device WHERE id IN ({OF_ROUTE}) ORDER BY name_key")
}

/// The highest SPEED among the devices that a route leads to, if there are any.
///
/// # Errors
/// When it cannot be read.
pub fn speed_of_route(db: &Connection, route: RouteId) -> Fallible<Option<u32>> {
    let mut statement = db.prepare_cached(&format!("SELECT max(speed) FROM device WHERE id IN ({OF_ROUTE})"))?;
    Ok(statement.query_row([route.0], |row| row.get(0))?)
}

const ROUTES: &str = "SELECT l.route_id, g.route_id FROM location l JOIN location_group g ON g.id = l.group_id
     WHERE l.device_id = ?";

/// The routes that lead to a device: its locations and their groups.
///
/// # Errors
/// When they cannot be read.
pub fn routes(db: &Connection, device: DeviceId) -> Fallible<Vec<(RouteId, bool)>> {
    let mut statement = db.prepare_cached(ROUTES)?;
    let rows = statement.query_map([device.0], |row| Ok([(row.get(0)?, false), (row.get(1)?, true)]))?;
    let mut routes: Vec<(i64, bool)> = rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    routes.sort_unstable();
    routes.dedup();
    Ok(routes.into_iter().map(|(id, is_group)| (RouteId(id), is_group)).collect())
}

/// Declares a device with default settings, offline.
///
/// # Errors
/// When the name is taken.
pub fn insert(db: &Connection, name: &DeviceName) -> Fallible<DeviceId> {
    let d = DeviceSettings::default();
    db.execute(
        "INSERT INTO device (name, name_key, form, form_key, speed, exclusive, fifo, retry, timeout, header, parm, wish,
             untouched, stopped_by_error, is_open, opens, paper, startff, endff, width, restart)
         VALUES (?, ?, '', '', ?, ?, ?, ?, ?, ?, ?, 0, 1, 0, 0, 0, 0, ?, ?, ?, ?)",
        params![
            name.to_string(),
            name.key(),
            d.speed,
            d.exclusive.word(),
            d.fifo,
            d.retry,
            d.timeout,
            d.header.word(),
            d.parm,
            d.startff.word(),
            d.endff,
            d.width,
            d.restart
        ],
    )?;
    Ok(DeviceId(db.last_insert_rowid()))
}

/// Stores settings.
///
/// # Errors
/// When they cannot be written.
pub fn set_settings(db: &Connection, id: DeviceId, s: &DeviceSettings) -> Fallible<()> {
    db.execute(
        "UPDATE device SET process = ?, process_key = ?, uri = ?, form = ?, form_key = ?, speed = ?, exclusive = ?, fifo = ?,
             retry = ?, timeout = ?, header = ?, parm = ?, startff = ?, endff = ?, width = ?,
             restart = ? WHERE id = ?",
        params![
            s.process.as_ref().map(ProcessName::as_str),
            s.process.as_ref().map(ProcessName::key),
            s.uri.as_ref().map(ToString::to_string),
            s.form,
            form_key(&s.form),
            s.speed,
            s.exclusive.word(),
            s.fifo,
            s.retry,
            s.timeout,
            s.header.word(),
            s.parm,
            s.startff.word(),
            s.endff,
            s.width,
            s.restart,
            id.0
        ],
    )?;
    Ok(())
}

/// The form in which form names are compared.
pub fn form_key(form: &str) -> String {
    form.trim().to_ascii_uppercase()
}

/// Stores what the operator wants.
///
/// # Errors
/// When it cannot be written.
pub fn set_wish(db: &Connection, id: DeviceId, wish: DeviceWish) -> Fallible<()> {
    db.execute(
        "UPDATE device SET wish = ?, untouched = 0, stopped_by_error = 0 WHERE id = ?",
        params![wish as i64, id.0],
    )?;
    Ok(())
}

/// Stops a device because of its error.
///
/// # Errors
/// When it cannot be written.
pub fn stop_by_error(db: &Connection, id: DeviceId) -> Fallible<()> {
    set_wish(db, id, DeviceWish::Stopped)?;
    db.execute("UPDATE device SET stopped_by_error = 1 WHERE id = ?", [id.0])?;
    Ok(())
}

/// The devices that nobody has started or drained yet, and that have all they need to be started: an address is needed
/// unless they `may_have_entry` in FASTCNFG.
///
/// # Errors
/// When they cannot be read.
pub fn untouched(db: &Connection, may_have_entry: bool) -> Fallible<Vec<DeviceRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM device WHERE untouched <> 0 AND process_key IS NOT NULL AND (uri IS NOT NULL OR ?)
         ORDER BY name_key"
    ))?;
    let rows = statement.query_map([may_have_entry], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Stores or clears the error.
///
/// # Errors
/// When it cannot be written.
pub fn set_error(db: &Connection, id: DeviceId, error: Option<&ErrorNote>) -> Fallible<()> {
    db.execute(
        "UPDATE device SET error_number = ?, error_text = ?, error_since_ms = ?, error_next_ms = ?, error_tries = ?
         WHERE id = ?",
        params![
            error.map(|e| e.number),
            error.map(|e| e.text.as_str()),
            error.map(|e| e.since_ms),
            error.and_then(|e| e.next_try_ms),
            error.map(|e| e.tries),
            id.0
        ],
    )?;
    Ok(())
}

/// Stores that it was opened, and with what. With `forgets` what it remembers of FASTCNFG is forgotten.
///
/// # Errors
/// When it cannot be written.
pub fn set_opened(db: &Connection, id: DeviceId, used: &ConnectionInUse, forgets: bool) -> Fallible<()> {
    db.prepare_cached(
        "UPDATE device SET is_open = 1, opens = opens + 1, last_address = ?, last_entry = ?, complaint = ?,
             last_found = CASE WHEN ? THEN NULL ELSE last_found END WHERE id = ?",
    )?
    .execute(params![used.address.to_string(), used.entry, used.complaint, forgets, id.0])?;
    Ok(())
}

/// What it remembers of FASTCNFG.
///
/// # Errors
/// When it cannot be read.
pub fn remembered(db: &Connection, id: DeviceId) -> Fallible<Remembered> {
    let mut statement = db.prepare_cached("SELECT last_found, complaint FROM device WHERE id = ?")?;
    let row = |row: &Row<'_>| Ok(Remembered { entry: row.get(0)?, complaint: row.get(1)? });
    Ok(statement.query_row([id.0], row).optional()?.unwrap_or_default())
}

/// Stores what it remembers of FASTCNFG.
///
/// # Errors
/// When it cannot be written.
pub fn set_remembered(db: &Connection, id: DeviceId, found: &Remembered) -> Fallible<()> {
    db.execute(
        "UPDATE device SET last_found = ?, complaint = ? WHERE id = ?",
        params![found.entry, found.complaint, id.0],
    )?;
    Ok(())
}

/// Stores that it is closed.
///
/// # Errors
/// When it cannot be written.
pub fn set_closed(db: &Connection, id: DeviceId) -> Fallible<()> {
    db.prepare_cached("UPDATE device SET is_open = 0 WHERE id = ?")?.execute([id.0])?;
    Ok(())
}

/// Stores where the paper stands.
///
/// # Errors
/// When it cannot be written.
pub fn set_paper(db: &Connection, id: DeviceId, paper: Paper) -> Fallible<()> {
    db.prepare_cached("UPDATE device SET paper = ? WHERE id = ?")?.execute(params![paper as i64, id.0])?;
    Ok(())
}

/// Closes, on paper, the devices of a process that is not running any more.
///
/// # Errors
/// When it cannot be written.
pub fn close_all(db: &Connection, process: &ProcessName) -> Fallible<()> {
    db.execute("UPDATE device SET is_open = 0 WHERE process_key = ? AND is_open <> 0", [process.key()])?;
    Ok(())
}

/// Removes a device.
///
/// # Errors
/// When something refers to it.
pub fn delete(db: &Connection, id: DeviceId) -> Fallible<()> {
    db.execute("DELETE FROM device WHERE id = ?", [id.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_route_leads_and_what_leads_to_a_device_is_found_without_a_look_at_all_locations() {
        let db = Connection::open_in_memory().unwrap();
        crate::store::schema::migrate(&db).unwrap();
        for sql in [format!("SELECT max(speed) FROM device WHERE id IN ({OF_ROUTE})"), ROUTES.to_owned()] {
            let plan = crate::store::plan(&db, &sql);
            assert!(plan.contains("SEARCH") && !plan.contains("SCAN"), "{sql}: {plan}");
        }
    }
}
