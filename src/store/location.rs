//! Rows of groups, locations and routes.

use crate::model::{
    DestName, DeviceId, DeviceName, GroupId, GroupName, LocationId, LocationName, LocationPattern, RouteId,
};

use super::tally::{self, Counts};
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, page};

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
    /// How many jobs were sent to it.
    pub jobs: u64,
}

columns!(at {
    id = "l.id", group_id = "g.id", group_name = "g.name", broadcast = "g.broadcast", group_route = "g.route_id",
    dest = "l.dest", device_id = "l.device_id", route_id = "l.route_id", device_name = "d.name", jobs = "l.jobs",
});
const FROM: &str = "location l JOIN location_group g ON l.group_id = g.id LEFT JOIN device d ON l.device_id = d.id";

fn read(row: &Row<'_>) -> Fallible<LocationRow> {
    let group: GroupName = row.get(at::group_name)?;
    Ok(LocationRow {
        id: row.get(at::id)?,
        group: GroupRow {
            id: row.get(at::group_id)?,
            name: group.clone(),
            broadcast: row.get(at::broadcast)?,
            route: row.get(at::group_route)?,
        },
        name: LocationName { group, dest: row.get(at::dest)? },
        device: row.get(at::device_id)?,
        device_name: row.get(at::device_name)?,
        route: row.get(at::route_id)?,
        // One that is wrong is found by pdfsck, and keeps nobody from looking.
        jobs: u64::try_from(row.get::<i64>(at::jobs)?).unwrap_or(0),
    })
}

columns!(of_group { id, name, broadcast, route_id });

/// Returns the group of that name.
pub(crate) fn group(tx: &Tx<'_>, group: &GroupName) -> Fallible<Option<GroupRow>> {
    let sql = format!("SELECT {} FROM location_group WHERE name_key = ?", of_group::LIST);
    tx.one(&sql, values![group.key()], |row| {
        Ok(GroupRow {
            id: row.get(of_group::id)?,
            name: row.get(of_group::name)?,
            broadcast: row.get(of_group::broadcast)?,
            route: row.get(of_group::route_id)?,
        })
    })
}

/// Returns the same with its route locked: to decide from where it leads.
pub(crate) fn group_to_change(tx: &Tx<'_>, name: &GroupName) -> Fallible<Option<GroupRow>> {
    match group(tx, name)? {
        Some(row) => tx.lock(Lock::Route(row.route)).and_then(|()| group(tx, name)),
        None => Ok(None),
    }
}

/// Returns the location of that name.
pub(crate) fn by_name(tx: &Tx<'_>, name: &LocationName) -> Fallible<Option<LocationRow>> {
    let sql = format!("SELECT {} FROM {FROM} WHERE g.name_key = ? AND l.dest_key = ?", at::LIST);
    tx.one(&sql, values![name.group.key(), name.dest.key()], read)
}

/// Returns locations that match, by name after `after`, one page.
pub(crate) fn list(
    tx: &Tx<'_>,
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
    tx.rows(
        &format!(
            "SELECT {} FROM {FROM}
             WHERE (?1 IS NULL OR g.name_key = ?1) AND (?2 IS NULL OR l.dest_key = ?2)
               AND (g.name_key, l.dest_key) > (?3, ?4)
             ORDER BY g.name_key, l.dest_key LIMIT ?5",
            at::LIST
        ),
        values![group, dest, after_group, after_dest, page(u32::MAX)],
        read,
    )
}

/// Returns locations that route to a device.
pub(crate) fn of_device(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<LocationRow>> {
    let sql = format!("SELECT {} FROM {FROM} WHERE l.device_id = ? ORDER BY g.name_key, l.dest_key", at::LIST);
    tx.rows(&sql, values![device], read)
}

/// Returns every `GROUP.DEST` and group, for "did you mean": at most 10,000.
pub(crate) fn names(tx: &Tx<'_>) -> Fallible<Vec<String>> {
    tx.rows(
        "SELECT '#' || g.name || '.' || l.dest FROM location l JOIN location_group g ON l.group_id = g.id LIMIT 10000",
        &[],
        |row| row.only(),
    )
}

fn insert_route(tx: &Tx<'_>, kind: &str) -> Fallible<RouteId> {
    tx.insert("INSERT INTO route (kind) VALUES (?)", values![kind]).map(RouteId)
}

/// Declares a group.
pub(crate) fn insert_group(tx: &Tx<'_>, name: &GroupName) -> Fallible<GroupId> {
    let route = insert_route(tx, "group")?;
    let id = tx.insert(
        "INSERT INTO location_group (name, name_key, broadcast, route_id) VALUES (?, ?, ?, ?)",
        values![name.as_str(), name.key(), false, route],
    )?;
    Ok(GroupId(id))
}

/// Declares a location without a device.
pub(crate) fn insert(tx: &Tx<'_>, group: GroupId, dest: &DestName) -> Fallible<LocationId> {
    let route = insert_route(tx, "location")?;
    let id = tx.insert(
        "INSERT INTO location (group_id, dest, dest_key, device_id, route_id) VALUES (?, ?, ?, NULL, ?)",
        values![group, dest.as_str(), dest.key(), route],
    )?;
    tally::add(tx, Counts { locations: 1, ..Counts::default() })?;
    Ok(LocationId(id))
}

/// Connects a location to a device or to nothing.
pub(crate) fn set_device(tx: &Tx<'_>, id: LocationId, device: Option<DeviceId>) -> Fallible<()> {
    tx.change("the location", "UPDATE location SET device_id = ? WHERE id = ?", values![device, id])
}

/// Sets BROADCAST of a group.
pub(crate) fn set_broadcast(tx: &Tx<'_>, id: GroupId, on: bool) -> Fallible<()> {
    tx.change("the group", "UPDATE location_group SET broadcast = ? WHERE id = ?", values![on, id])
}

/// Returns how many jobs were sent to a location, counted to `limit`: for whoever decides from it.
pub(crate) fn job_count(tx: &Tx<'_>, id: LocationId, limit: u32) -> Fallible<u32> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM job WHERE location_id = ? LIMIT ?)";
    Ok(tx.one(sql, values![id, limit], |row| row.only())?.unwrap_or(0))
}

/// Returns how many jobs were sent to a group, to one of its locations or to the whole, counted to `limit`.
pub(crate) fn group_job_count(tx: &Tx<'_>, id: GroupId, limit: u32) -> Fallible<u32> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM job WHERE group_id = ? LIMIT ?)";
    Ok(tx.one(sql, values![id, limit], |row| row.only())?.unwrap_or(0))
}

/// Removes a location and its route; no job refers to it.
pub(crate) fn delete(tx: &Tx<'_>, location: &LocationRow) -> Fallible<()> {
    tx.change("the location", "DELETE FROM location WHERE id = ?", values![location.id])?;
    tally::add(tx, Counts { locations: -1, ..Counts::default() })?;
    tx.change("the route", "DELETE FROM route WHERE id = ?", values![location.route])
}

/// Removes a group and its route if no location and no job is left in it.
pub(crate) fn delete_group_if_empty(tx: &Tx<'_>, group: &GroupRow) -> Fallible<()> {
    let used = tx.finds("SELECT 1 FROM location WHERE group_id = ?", values![group.id])?
        || tx.finds("SELECT 1 FROM job WHERE group_id = ?", values![group.id])?;
    if !used {
        tx.change("the group", "DELETE FROM location_group WHERE id = ?", values![group.id])?;
        tx.change("the route", "DELETE FROM route WHERE id = ?", values![group.route])?;
    }
    Ok(())
}

/// Returns the names of a group and, if given, of one of its locations.
pub(crate) fn names_of(
    tx: &Tx<'_>,
    group: GroupId,
    location: Option<LocationId>,
) -> Fallible<(GroupName, Option<DestName>)> {
    let gone = || crate::model::Failure::internal("the destination of a job is gone");
    let name = tx.one("SELECT name FROM location_group WHERE id = ?", values![group], |row| row.only())?;
    let dest = match location {
        Some(id) => {
            let dest = tx.one("SELECT dest FROM location WHERE id = ?", values![id], |row| row.only())?;
            Some(dest.ok_or_else(gone)?)
        }
        None => None,
    };
    Ok((name.ok_or_else(gone)?, dest))
}
