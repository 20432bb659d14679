//! Rows of groups, locations and routes.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::{
    DestName, DeviceId, DeviceName, GroupId, GroupName, LocationId, LocationName, LocationPattern, RouteId,
};

use super::{Fallible, name, page, unsigned};

/// A group as stored.
#[derive(Clone, Debug)]
pub struct GroupRow {
    /// Identity.
    pub id: GroupId,
    /// Name.
    pub name: GroupName,
    /// Whether its jobs print on every device of it.
    pub broadcast: bool,
    /// Where the entries of jobs for the whole group wait.
    pub route: RouteId,
}

/// A location as stored.
#[derive(Clone, Debug)]
pub struct LocationRow {
    /// Identity.
    pub id: LocationId,
    /// Its group.
    pub group: GroupRow,
    /// `#GROUP.DEST`.
    pub name: LocationName,
    /// The device it routes to.
    pub device: Option<DeviceId>,
    /// That device's name.
    pub device_name: Option<DeviceName>,
    /// Where its entries wait.
    pub route: RouteId,
}

const COLUMNS: &str = "l.id, g.id, g.name, g.broadcast, g.route_id, l.dest, l.device_id, l.route_id, d.name";
const FROM: &str = "location l JOIN location_group g ON l.group_id = g.id LEFT JOIN device d ON l.device_id = d.id";

fn read(row: &Row<'_>) -> rusqlite::Result<LocationRow> {
    let group: GroupName = name(&row.get::<_, String>(2)?)?;
    let dest: DestName = name(&row.get::<_, String>(5)?)?;
    let device_name: Option<String> = row.get(8)?;
    Ok(LocationRow {
        id: LocationId(row.get(0)?),
        group: GroupRow {
            id: GroupId(row.get(1)?),
            name: group.clone(),
            broadcast: row.get(3)?,
            route: RouteId(row.get(4)?),
        },
        name: LocationName { group, dest },
        device: row.get::<_, Option<i64>>(6)?.map(DeviceId),
        device_name: device_name.map(|text| name(&text)).transpose()?,
        route: RouteId(row.get(7)?),
    })
}

/// The group of that name.
///
/// # Errors
/// When it cannot be read.
pub fn group(db: &Connection, group: &GroupName) -> Fallible<Option<GroupRow>> {
    let mut statement =
        db.prepare_cached("SELECT id, name, broadcast, route_id FROM location_group WHERE name_key = ?")?;
    let found = statement.query_row([group.key()], |row| {
        Ok(GroupRow {
            id: GroupId(row.get(0)?),
            name: name(&row.get::<_, String>(1)?)?,
            broadcast: row.get(2)?,
            route: RouteId(row.get(3)?),
        })
    });
    Ok(found.optional()?)
}

/// The location of that name.
///
/// # Errors
/// When it cannot be read.
pub fn by_name(db: &Connection, name: &LocationName) -> Fallible<Option<LocationRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM {FROM} WHERE g.name_key = ? AND l.dest_key = ?"))?;
    Ok(statement.query_row([name.group.key(), name.dest.key()], read).optional()?)
}

/// Locations that match, by name after `after`, one page.
///
/// # Errors
/// When they cannot be read.
pub fn list(
    db: &Connection,
    pattern: Option<&LocationPattern>,
    after: Option<&LocationName>,
) -> Fallible<Vec<LocationRow>> {
    let (group, dest) = match pattern {
        None => (None, None),
        Some(LocationPattern::One(name)) => (Some(name.group.key()), Some(name.dest.key())),
        Some(LocationPattern::Group(group)) => (Some(group.key()), None),
        Some(LocationPattern::EveryGroup(dest)) => (None, Some(dest.key())),
    };
    let (after_group, after_dest) = after.map_or_else(Default::default, |name| (name.group.key(), name.dest.key()));
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {FROM}
         WHERE (?1 IS NULL OR g.name_key = ?1) AND (?2 IS NULL OR l.dest_key = ?2)
           AND (g.name_key, l.dest_key) > (?3, ?4)
         ORDER BY g.name_key, l.dest_key LIMIT ?5"
    ))?;
    let rows = statement.query_map(params![group, dest, after_group, after_dest, page(u32::MAX)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Locations that route to a device.
///
/// # Errors
/// When they cannot be read.
pub fn of_device(db: &Connection, device: DeviceId) -> Fallible<Vec<LocationRow>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE l.device_id = ? ORDER BY g.name_key, l.dest_key"
    ))?;
    let rows = statement.query_map([device.0], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every `GROUP.DEST` and group, for "did you mean": at most 10,000.
///
/// # Errors
/// When they cannot be read.
pub fn names(db: &Connection) -> Fallible<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT '#' || g.name || '.' || l.dest FROM location l JOIN location_group g ON l.group_id = g.id LIMIT 10000",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn insert_route(db: &Connection, kind: &str) -> Fallible<RouteId> {
    db.execute("INSERT INTO route (kind) VALUES (?)", [kind])?;
    Ok(RouteId(db.last_insert_rowid()))
}

/// Declares a group.
///
/// # Errors
/// When the name is taken.
pub fn insert_group(db: &Connection, name: &GroupName) -> Fallible<GroupId> {
    let route = insert_route(db, "group")?;
    db.execute(
        "INSERT INTO location_group (name, name_key, broadcast, route_id) VALUES (?, ?, 0, ?)",
        params![name.as_str(), name.key(), route.0],
    )?;
    Ok(GroupId(db.last_insert_rowid()))
}

/// Declares a location without a device.
///
/// # Errors
/// When the name is taken.
pub fn insert(db: &Connection, group: GroupId, dest: &DestName) -> Fallible<LocationId> {
    let route = insert_route(db, "location")?;
    db.execute(
        "INSERT INTO location (group_id, dest, dest_key, device_id, route_id) VALUES (?, ?, ?, NULL, ?)",
        params![group.0, dest.as_str(), dest.key(), route.0],
    )?;
    Ok(LocationId(db.last_insert_rowid()))
}

/// Connects a location to a device or to nothing.
///
/// # Errors
/// When it cannot be written.
pub fn set_device(db: &Connection, id: LocationId, device: Option<DeviceId>) -> Fallible<()> {
    db.execute("UPDATE location SET device_id = ? WHERE id = ?", params![device.map(|d| d.0), id.0])?;
    Ok(())
}

/// Sets BROADCAST of a group.
///
/// # Errors
/// When it cannot be written.
pub fn set_broadcast(db: &Connection, id: GroupId, on: bool) -> Fallible<()> {
    db.execute("UPDATE location_group SET broadcast = ? WHERE id = ?", params![on, id.0])?;
    Ok(())
}

/// How many jobs were sent to a location.
///
/// # Errors
/// When it cannot be read.
pub fn job_count(db: &Connection, id: LocationId) -> Fallible<u64> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM job WHERE location_id = ?")?;
    Ok(unsigned(statement.query_row([id.0], |row| row.get(0))?))
}

/// How many jobs were sent to a group, to one of its locations or to the whole.
///
/// # Errors
/// When it cannot be read.
pub fn group_job_count(db: &Connection, id: GroupId) -> Fallible<u64> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM job WHERE group_id = ?")?;
    Ok(unsigned(statement.query_row([id.0], |row| row.get(0))?))
}

/// Removes a location and its route; no job refers to it.
///
/// # Errors
/// When something refers to it.
pub fn delete(db: &Connection, location: &LocationRow) -> Fallible<()> {
    db.execute("DELETE FROM location WHERE id = ?", [location.id.0])?;
    db.execute("DELETE FROM route WHERE id = ?", [location.route.0])?;
    Ok(())
}

/// Removes a group and its route if no location and no job is left in it.
///
/// # Errors
/// When it cannot be written.
pub fn delete_group_if_empty(db: &Connection, group: &GroupRow) -> Fallible<()> {
    let left: i64 = db.query_row("SELECT count(*) FROM location WHERE group_id = ?", [group.id.0], |row| row.get(0))?;
    if left == 0 && group_job_count(db, group.id)? == 0 {
        db.execute("DELETE FROM location_group WHERE id = ?", [group.id.0])?;
        db.execute("DELETE FROM route WHERE id = ?", [group.route.0])?;
    }
    Ok(())
}

/// The names of a group and, if given, of one of its locations.
///
/// # Errors
/// When they cannot be read.
pub fn names_of(db: &Connection, group: GroupId, location: Option<LocationId>) -> Fallible<(String, Option<String>)> {
    let mut find = db.prepare_cached("SELECT name FROM location_group WHERE id = ?")?;
    let group = find.query_row([group.0], |row| row.get(0))?;
    let mut find = db.prepare_cached("SELECT dest FROM location WHERE id = ?")?;
    let dest = location.map(|id| find.query_row([id.0], |row| row.get(0))).transpose()?;
    Ok((group, dest))
}
