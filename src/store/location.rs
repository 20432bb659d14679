//! Rows of groups, locations and routes.

use std::cmp::Ordering;

use crate::model::device::DeviceSettings;
use crate::model::event::EventWord;
use crate::model::job::Format;
use crate::model::location::LocationKind;
use crate::model::separation::Layout;
use crate::model::{
    DestName, DeviceId, DeviceName, FontName, GroupId, GroupName, LocationId, LocationName, LocationPattern, RouteId,
};

use super::managed::{self, Holder};
use super::tally::{self, Counts};
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, access, event, page};

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
    /// Whether it was made by itself, as a queue: it stays when its last location goes.
    pub declared: bool,
    /// Whether its jobs wait until somebody resumes it.
    pub paused: bool,
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
    /// That device's name; that of a device of another server has its node, and `device` is none.
    pub device_name: Option<DeviceName>,
    /// What the documents of its jobs are, where nobody else says.
    pub content: Option<Format>,
    /// The font that is sent ahead of its jobs.
    pub font: Option<FontName>,
    /// What its device asks of text.
    pub layout: Layout,
    /// Where its entries wait.
    pub route: RouteId,
    /// How many jobs were sent to it.
    pub jobs: u64,
    /// What it is.
    pub kind: LocationKind,
    /// Whether jobs for it print on any device of its group.
    pub whole_group: bool,
    /// Whether it takes jobs.
    pub takes_jobs: bool,
}

columns!(at {
    id = "l.id", group_id = "g.id", group_name = "g.name", broadcast = "g.broadcast", group_route = "g.route_id",
    dest = "l.dest", device_id = "l.device_id", route_id = "l.route_id", device_name = "coalesce(d.name, l.remote_device)", jobs = "l.jobs",
    content = "l.content", font = "l.font", device_width = "d.width", device_trunc = "d.trunc", device_eol = "d.eol_crlf",
    device_page_length = "d.page_length", device_raw = "d.content_raw", declared = "g.declared", paused = "g.paused", kind = "l.kind",
    whole_group = "l.whole_group", takes_jobs = "l.takes_jobs",
});
const FROM: &str = "location l JOIN location_group g ON l.group_id = g.id LEFT JOIN device d ON l.device_id = d.id";

fn read(row: &Row<'_>) -> Fallible<LocationRow> {
    let settings = DeviceSettings {
        width: row.get::<Option<i32>>(at::device_width)?.unwrap_or(-1),
        trunc: row.get::<Option<bool>>(at::device_trunc)?.unwrap_or(false),
        eol_crlf: row.get::<Option<bool>>(at::device_eol)?.unwrap_or(false),
        page_length: row.get::<Option<u32>>(at::device_page_length)?.unwrap_or(0),
        content_raw: row.get::<Option<bool>>(at::device_raw)?.unwrap_or(false),
        ..DeviceSettings::default()
    };
    let group: GroupName = row.get(at::group_name)?;
    Ok(LocationRow {
        id: row.get(at::id)?,
        group: GroupRow {
            id: row.get(at::group_id)?,
            name: group.clone(),
            broadcast: row.get(at::broadcast)?,
            route: row.get(at::group_route)?,
            declared: row.get(at::declared)?,
            paused: row.get(at::paused)?,
        },
        name: LocationName { group, dest: row.get(at::dest)? },
        device: row.get(at::device_id)?,
        device_name: row.get(at::device_name)?,
        content: row.get(at::content)?,
        font: row.get(at::font)?,
        layout: settings.layout(),
        route: row.get(at::route_id)?,
        // One that is wrong is found by pdfsck, and keeps nobody from looking.
        jobs: u64::try_from(row.get::<i64>(at::jobs)?).unwrap_or(0),
        kind: row.get(at::kind)?,
        whole_group: row.get(at::whole_group)?,
        takes_jobs: row.get(at::takes_jobs)?,
    })
}

impl LocationRow {
    /// Returns the route on which its jobs wait: its own, or that of its group.
    pub fn job_route(&self) -> RouteId {
        if self.whole_group { self.group.route } else { self.route }
    }
}

columns!(of_group { id, name, broadcast, route_id, declared, paused });

fn read_group(row: &Row<'_>) -> Fallible<GroupRow> {
    Ok(GroupRow {
        id: row.get(of_group::id)?,
        name: row.get(of_group::name)?,
        broadcast: row.get(of_group::broadcast)?,
        route: row.get(of_group::route_id)?,
        declared: row.get(of_group::declared)?,
        paused: row.get(of_group::paused)?,
    })
}

/// Returns the group of that name.
pub(crate) fn group(tx: &Tx<'_>, group: &GroupName) -> Fallible<Option<GroupRow>> {
    let sql = made_once!("SELECT {} FROM location_group WHERE name_key = ?", of_group::LIST);
    tx.one(sql, values![group.key()], read_group)
}

/// Returns the same with its route locked: to decide from where it leads.
pub(crate) fn group_to_change(tx: &Tx<'_>, name: &GroupName) -> Fallible<Option<GroupRow>> {
    match group(tx, name)? {
        Some(row) => tx.lock(Lock::Route(row.route)).and_then(|()| group(tx, name)),
        None => Ok(None),
    }
}

/// Returns the name of a group.
pub(crate) fn group_name(tx: &Tx<'_>, id: GroupId) -> Fallible<Option<GroupName>> {
    tx.one("SELECT name FROM location_group WHERE id = ?", values![id], |row| row.only())
}

/// Returns groups by name after `after`, one page.
pub(crate) fn groups(tx: &Tx<'_>, after: Option<&GroupName>) -> Fallible<Vec<GroupRow>> {
    let sql = made_once!("SELECT {} FROM location_group WHERE name_key > ? ORDER BY name_key LIMIT ?", of_group::LIST);
    tx.rows(sql, values![after.map_or_else(String::new, GroupName::key), page(u32::MAX)], read_group)
}

/// Returns the location with that plain name: a logical destination.
pub(crate) fn logical(tx: &Tx<'_>, name: &str) -> Fallible<Option<LocationRow>> {
    let key = name.to_ascii_lowercase();
    tx.seen("logical", || key.clone(), || tx.one(logical_sql(), values![key.as_str(), LocationKind::Logical], read))
}

fn logical_sql() -> &'static str {
    made_once!("SELECT {} FROM {FROM} WHERE l.dest_key = ? AND l.kind = ? LIMIT 1", at::LIST)
}

/// Returns the location that was made with a device, and leads from its queue to it.
pub(crate) fn outlet(tx: &Tx<'_>, device: DeviceId) -> Fallible<Option<LocationRow>> {
    let sql = made_once!("SELECT {} FROM {FROM} WHERE l.device_id = ? AND l.kind = ? LIMIT 1", at::LIST);
    tx.one(sql, values![device, LocationKind::Outlet], read)
}

/// Returns the location of that name.
pub(crate) fn by_name(tx: &Tx<'_>, name: &LocationName) -> Fallible<Option<LocationRow>> {
    let sql = made_once!("SELECT {} FROM {FROM} WHERE g.name_key = ? AND l.dest_key = ?", at::LIST);
    let key = || format!("{}.{}", name.group.key(), name.dest.key());
    tx.seen("location", key, || tx.one(sql, values![name.group.key(), name.dest.key()], read))
}

/// Returns the location with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: LocationId) -> Fallible<Option<LocationRow>> {
    tx.one(made_once!("SELECT {} FROM {FROM} WHERE l.id = ?", at::LIST), values![id], read)
}

/// Returns locations that match, by name after `after`, one page.
pub(crate) fn list(
    tx: &Tx<'_>,
    pattern: Option<&LocationPattern>,
    after: Option<&LocationName>,
) -> Fallible<Vec<LocationRow>> {
    let limit = page(u32::MAX);
    let (after_group, after_dest) = after.map_or_else(Default::default, |name| (name.group.key(), name.dest.key()));
    match pattern {
        Some(LocationPattern::One(name)) => {
            let found = by_name(tx, name)?;
            Ok(found
                .filter(|row| (row.name.group.key(), row.name.dest.key()) > (after_group, after_dest))
                .into_iter()
                .collect())
        }
        Some(LocationPattern::Group(group)) => {
            let behind = match group.key().cmp(&after_group) {
                Ordering::Less => return Ok(Vec::new()),
                Ordering::Equal => after_dest,
                Ordering::Greater => String::new(),
            };
            tx.rows(&of_group_sql(), values![group.key(), behind, limit], read)
        }
        Some(LocationPattern::EveryGroup(dest)) => {
            // The group of `after` has at most one of that name.
            let behind = if dest.key() <= after_dest { ">" } else { ">=" };
            tx.rows(&of_dest_sql(behind), values![dest.key(), after_group, limit], read)
        }
        None => {
            // First the rest of the group that the last page ended in, then the groups behind it.
            let mut rows = tx.rows(&of_group_sql(), values![after_group, after_dest, limit], read)?;
            let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            if left > 0 {
                rows.extend(tx.rows(&behind_group_sql(), values![after_group, left], read)?);
            }
            Ok(rows)
        }
    }
}

fn of_group_sql() -> String {
    format!("SELECT {} FROM {FROM} WHERE g.name_key = ? AND l.dest_key > ? ORDER BY l.dest_key LIMIT ?", at::LIST)
}

fn of_dest_sql(behind: &str) -> String {
    format!(
        "SELECT {} FROM {FROM} WHERE l.dest_key = ? AND g.name_key {behind} ? ORDER BY g.name_key LIMIT ?",
        at::LIST
    )
}

fn behind_group_sql() -> String {
    // The CROSS JOIN has the groups read in their order, so that nothing is sorted.
    format!(
        "SELECT {} FROM location_group g CROSS JOIN location l ON l.group_id = g.id LEFT JOIN device d ON l.device_id = d.id
         WHERE g.name_key > ? ORDER BY g.name_key, l.dest_key LIMIT ?",
        at::LIST
    )
}

/// Returns locations that route to a device.
pub(crate) fn of_device(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<LocationRow>> {
    let sql = made_once!("SELECT {} FROM {FROM} WHERE l.device_id = ? ORDER BY g.name_key, l.dest_key", at::LIST);
    tx.rows(sql, values![device], read)
}

/// Tells whether a location of a group leads to a device.
pub(crate) fn leads_to(tx: &Tx<'_>, group: GroupId, device: DeviceId) -> Fallible<bool> {
    tx.finds(LEADS_TO, values![device, group])
}

// The `+` keeps the index of the group out: a device has few locations, a group many.
const LEADS_TO: &str = "SELECT 1 FROM location WHERE device_id = ? AND +group_id = ? LIMIT 1";

/// Returns every `GROUP.DEST` and group, for "did you mean": at most 10,000.
pub(crate) fn names(tx: &Tx<'_>) -> Fallible<Vec<String>> {
    tx.rows(
        "SELECT CASE WHEN l.kind = ? THEN '#' || g.name || '.' || l.dest ELSE l.dest END
           FROM location l JOIN location_group g ON l.group_id = g.id LIMIT 10000",
        values![LocationKind::Location],
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

/// Stores what a location is, and whether its jobs print on any device of its group.
pub(crate) fn set_kind(tx: &Tx<'_>, id: LocationId, kind: LocationKind, whole_group: bool) -> Fallible<()> {
    let sql = "UPDATE location SET kind = ?, whole_group = ? WHERE id = ?";
    tx.change("the location", sql, values![kind, whole_group, id])
}

/// Returns the name of a group if its jobs wait until somebody resumes it.
pub(crate) fn paused_group(tx: &Tx<'_>, id: GroupId) -> Fallible<Option<GroupName>> {
    tx.one("SELECT name FROM location_group WHERE id = ? AND paused", values![id], |row| row.only())
}

/// Stores whether the jobs of a group wait until somebody resumes it.
pub(crate) fn set_paused(tx: &Tx<'_>, id: GroupId, on: bool) -> Fallible<()> {
    tx.change("the group", "UPDATE location_group SET paused = ? WHERE id = ?", values![on, id])
}

/// Stores whether a location takes jobs.
pub(crate) fn set_takes_jobs(tx: &Tx<'_>, id: LocationId, on: bool) -> Fallible<()> {
    tx.change("the location", "UPDATE location SET takes_jobs = ? WHERE id = ?", values![on, id])
}

/// Moves a location without jobs to another group.
pub(crate) fn set_group(tx: &Tx<'_>, id: LocationId, group: GroupId) -> Fallible<()> {
    tx.change("the location", "UPDATE location SET group_id = ? WHERE id = ?", values![group, id])
}

/// Stores whether a group stays when its last location goes.
pub(crate) fn set_declared(tx: &Tx<'_>, id: GroupId, on: bool) -> Fallible<()> {
    tx.change("the group", "UPDATE location_group SET declared = ? WHERE id = ?", values![on, id])
}

/// Connects a location to a device or to nothing.
pub(crate) fn set_device(tx: &Tx<'_>, id: LocationId, device: Option<DeviceId>) -> Fallible<()> {
    let none: Option<String> = None;
    let sql = "UPDATE location SET device_id = ?, remote_server = ?, remote_device = ? WHERE id = ?";
    tx.change("the location", sql, values![device, none, none, id])
}

/// Connects a location to a device of another server, whose name has its node.
pub(crate) fn set_remote(tx: &Tx<'_>, id: LocationId, device: &DeviceName) -> Fallible<()> {
    let none: Option<DeviceId> = None;
    let sql = "UPDATE location SET device_id = ?, remote_server = ?, remote_device = ? WHERE id = ?";
    let server = device.node().map(crate::model::ServerName::key);
    tx.change("the location", sql, values![none, server, device.stored(), id])
}

/// Returns the location that leads to a device or a destination of another server.
pub(crate) fn of_remote(tx: &Tx<'_>, device: &DeviceName) -> Fallible<Option<LocationRow>> {
    let server = device.node().map(crate::model::ServerName::key);
    let sql = made_once!(
        "SELECT {} FROM {FROM} WHERE l.remote_server = ? AND lower(l.remote_device) = ? ORDER BY l.id LIMIT 1",
        at::LIST
    );
    tx.one(sql, values![server, device.stored().to_ascii_lowercase()], read)
}

/// Returns the device of another server that a location leads to.
pub(crate) fn remote_of(tx: &Tx<'_>, id: LocationId) -> Fallible<Option<DeviceName>> {
    tx.one("SELECT remote_device FROM location WHERE id = ?", values![id], |row| row.only()).map(Option::flatten)
}

/// Sets what the documents of its jobs are.
pub(crate) fn set_content(tx: &Tx<'_>, id: LocationId, content: Option<Format>) -> Fallible<()> {
    tx.change("the location", "UPDATE location SET content = ? WHERE id = ?", values![content, id])
}

/// Sets the font that is sent ahead of its jobs.
pub(crate) fn set_font(tx: &Tx<'_>, id: LocationId, font: Option<&FontName>) -> Fallible<()> {
    tx.change("the location", "UPDATE location SET font = ? WHERE id = ?", values![font.map(FontName::as_str), id])
}

/// Returns the font of the location by which a job reaches a device: its own, or that of its group which leads there.
pub(crate) fn font_towards(
    tx: &Tx<'_>,
    group: GroupId,
    location: Option<LocationId>,
    device: DeviceId,
) -> Fallible<Option<FontName>> {
    let found = match location {
        Some(id) => tx.one("SELECT font FROM location WHERE id = ?", values![id], |row| row.only())?,
        None => tx.one(
            "SELECT font FROM location WHERE group_id = ? AND device_id = ? ORDER BY font IS NULL, dest_key LIMIT 1",
            values![group, device],
            |row| row.only(),
        )?,
    };
    Ok(found.flatten())
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
    managed::forget(tx, Holder::Location(location.id))?;
    tx.change("the location", "DELETE FROM location WHERE id = ?", values![location.id])?;
    access::forget(tx, access::Owner::Location(location.id))?;
    tally::add(tx, Counts { locations: -1, ..Counts::default() })?;
    tx.change("the route", "DELETE FROM route WHERE id = ?", values![location.route])
}

const USED: &str = "SELECT 1 FROM location WHERE group_id = ?";

/// Removes a group and its route if no location and no job is left in it, and puts that on record.
pub(crate) fn delete_group_if_empty(tx: &Tx<'_>, group: &GroupRow) -> Fallible<()> {
    let used = group.declared
        || tx.finds(USED, values![group.id])?
        || tx.finds("SELECT 1 FROM job WHERE group_id = ?", values![group.id])?;
    if !used {
        // While it is there: its words are told, and those who want to know stand in what was set of it.
        event::record_of_group(tx, group.id, EventWord::Deleted, &format!("queue {}", group.name))?;
        managed::forget(tx, Holder::Group(group.id))?;
        super::backlog::forget(tx, group.id)?;
        tx.change("the group", "DELETE FROM location_group WHERE id = ?", values![group.id])?;
        access::forget(tx, access::Owner::Group(group.id))?;
        tx.change("the route", "DELETE FROM route WHERE id = ?", values![group.route])?;
    }
    Ok(())
}

columns!(named { dest, kind });

/// Returns the names of a group and, if given, of one of its locations.
pub(crate) fn names_of(
    tx: &Tx<'_>,
    group: GroupId,
    location: Option<LocationId>,
) -> Fallible<(GroupName, Option<(DestName, LocationKind)>)> {
    let gone = || crate::model::Failure::internal("the destination of a job is gone");
    let name = tx.one("SELECT name FROM location_group WHERE id = ?", values![group], |row| row.only())?;
    let dest = match location {
        Some(id) => {
            let sql = made_once!("SELECT {} FROM location WHERE id = ?", named::LIST);
            let dest = tx.one(sql, values![id], |row| Ok((row.get(named::dest)?, row.get(named::kind)?)))?;
            Some(dest.ok_or_else(gone)?)
        }
        None => None,
    };
    Ok((name.ok_or_else(gone)?, dest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    /// What a change of one location reads, and a page of a listing, costs the same in a group of ten thousand: every table
    /// is searched by an index that names the row, none is scanned, and nothing is sorted but the groups of one destination.
    #[test]
    fn one_location_is_found_without_a_look_at_the_others_of_its_group() {
        let memory = Memory::new();
        let by_name = format!("SELECT {} FROM {FROM} WHERE g.name_key = ? AND l.dest_key = ?", at::LIST);
        for sql in [by_name, of_group_sql(), behind_group_sql(), LEADS_TO.to_owned(), USED.to_owned()] {
            let plan = memory.plan(&sql);
            assert!(plan.contains("SEARCH") && !plan.contains("SCAN") && !plan.contains("TEMP"), "{sql}: {plan}");
        }
        let plan = memory.plan(&of_dest_sql(">"));
        assert!(plan.contains("location_dest") && !plan.contains("SCAN"), "{plan}");
        let plan = memory.plan(logical_sql());
        assert!(plan.contains("location_dest") && !plan.contains("SCAN"), "{plan}");
        let plan = memory.plan(LEADS_TO);
        assert!(plan.contains("location_device"), "by the device, which has few locations: {plan}");
    }
}
