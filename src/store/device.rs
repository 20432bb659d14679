//! Rows of devices.

use std::collections::BTreeSet;

use crate::model::device::{ConnectionInUse, DeviceSettings, DeviceUri, Paper, Remembered};
use crate::model::kept::KeptWords;
use crate::model::order::SortBy;
use crate::model::state::{DeviceWish, EntryState, ErrorNote};
use crate::model::transform::Transform;
use crate::model::{BatchNumber, DeviceId, DeviceName, EntryId, JobId, ProcessName, RouteId};

use super::standing;
use super::tally::{self, Counts};
use super::value::{columns, values};
use super::{Fallible, Lock, Row, Tx, page};

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
    /// Whether it is to be paused when its job is done.
    pub pause_next: bool,
    /// Whether it is stopped because of an error, so that anybody may start it.
    pub stopped_by_error: bool,
    /// The job that was set aside because the device failed at it, until another job tells whose fault it was; 0 = it is
    /// known to be the device's.
    pub set_aside: Option<JobId>,
    /// The error it is or was in.
    pub error: Option<ErrorNote>,
    /// Whether it was open when last recorded.
    pub open: bool,
    /// The batch that it is in the middle of: its next job goes first.
    pub batch: Option<BatchNumber>,
    /// The last place in that batch that belongs to the listing: it was fixed when the listing began.
    pub batch_end: i64,
    /// The entry at which it failed last, while it has an error on record.
    pub failed: Option<EntryId>,
    /// How often it was opened.
    pub opens: u64,
    /// Where its paper stands.
    pub paper: Paper,
    /// Octets that it takes in a second, measured at jobs that it printed; none before there was one.
    pub rate: Option<u64>,
    /// The least and the most of it among the last of them.
    pub rates: (Option<u64>, Option<u64>),
    /// What it was last opened with.
    pub connection: Option<ConnectionInUse>,
}

impl DeviceRow {
    /// Returns the error it is in. One on record of a device that is open is behind it, though it has not printed yet
    /// and the record stays until it has.
    pub fn in_error(&self) -> Option<&ErrorNote> {
        self.error.as_ref().filter(|_| !self.open)
    }
    /// Returns the address of its last attempts: a claim left over by a dead process, and a place in a file, belong to
    /// it.
    pub fn address(&self) -> Option<&DeviceUri> {
        self.connection.as_ref().map(|connection| &connection.address).or(self.settings.uri.as_ref())
    }
}

columns!(at {
    id,
    name,
    process,
    uri,
    form,
    speed,
    exclusive,
    fifo,
    retry,
    timeout,
    header,
    parm,
    wish,
    stopped_by_error,
    error_number,
    error_text,
    error_since_ms,
    error_next_ms,
    error_tries,
    is_open,
    opens,
    paper,
    startff,
    endff,
    width,
    trunc,
    eol_crlf,
    page_length,
    content_raw,
    pjl,
    restart,
    delivery,
    attempts,
    set_aside,
    last_address,
    last_entry,
    complaint,
    kept,
    fifo_told,
    sort_by,
    then_by,
    rate,
    rate_slow,
    rate_fast,
    batch,
    batch_end,
    failed_entry,
    media,
    pause_next,
    transforms,
});

/// The identities of the devices that the route `?1` leads to; one may be there twice. Not a UNION, which would be a merge
/// through every location.
const OF_ROUTE: &str = "SELECT device_id FROM location WHERE route_id = ?1 AND device_id IS NOT NULL
     UNION ALL SELECT l.device_id FROM location l JOIN location_group g ON l.group_id = g.id
           WHERE g.route_id = ?1 AND l.device_id IS NOT NULL";

fn read(row: &Row<'_>) -> Fallible<DeviceRow> {
    let error_number: Option<u32> = row.get(at::error_number)?;
    let address: Option<DeviceUri> = row.get(at::last_address)?;
    Ok(DeviceRow {
        id: row.get(at::id)?,
        name: row.get(at::name)?,
        settings: DeviceSettings {
            process: row.get(at::process)?,
            uri: row.get(at::uri)?,
            form: row.get(at::form)?,
            speed: row.get(at::speed)?,
            exclusive: row.get(at::exclusive)?,
            fifo: row.get(at::fifo)?,
            fifo_told: row.get(at::fifo_told)?,
            // A word of a newer version is the usual order.
            sort_by: SortBy::from_word(&row.get::<String>(at::sort_by)?).unwrap_or(SortBy::JobPriority),
            then_by: row.get::<Option<String>>(at::then_by)?.as_deref().and_then(SortBy::from_word),
            retry: row.get(at::retry)?,
            timeout: row.get(at::timeout)?,
            header: row.get(at::header)?,
            startff: row.get(at::startff)?,
            endff: row.get(at::endff)?,
            width: row.get(at::width)?,
            trunc: row.get(at::trunc)?,
            eol_crlf: row.get(at::eol_crlf)?,
            page_length: row.get(at::page_length)?,
            content_raw: row.get(at::content_raw)?,
            pjl: row.get(at::pjl)?,
            parm: row.get(at::parm)?,
            restart: row.get(at::restart)?,
            delivery: row.get(at::delivery)?,
            attempts: row.get(at::attempts)?,
            media: row.get::<String>(at::media)?.lines().map(str::to_owned).collect(),
            // What a newer version means by a word of its own is not done here.
            transforms: row.get::<String>(at::transforms)?.lines().filter_map(|line| line.parse().ok()).collect(),
            kept: row.get::<Option<String>>(at::kept)?.map(|text| KeptWords::from_stored(&text)).unwrap_or_default(),
        },
        set_aside: row.get(at::set_aside)?,
        wish: row.get(at::wish)?,
        pause_next: row.get(at::pause_next)?,
        stopped_by_error: row.get(at::stopped_by_error)?,
        error: match error_number {
            Some(number) => Some(ErrorNote {
                number,
                text: row.get::<Option<String>>(at::error_text)?.unwrap_or_default(),
                since_ms: row.get::<Option<i64>>(at::error_since_ms)?.unwrap_or(0),
                next_try_ms: row.get(at::error_next_ms)?,
                tries: row.get::<Option<u32>>(at::error_tries)?.unwrap_or(0),
            }),
            None => None,
        },
        open: row.get(at::is_open)?,
        batch: row.get(at::batch)?,
        batch_end: row.get(at::batch_end)?,
        failed: row.get(at::failed_entry)?,
        opens: row.get(at::opens)?,
        paper: row.get(at::paper)?,
        rate: row.get(at::rate)?,
        rates: (row.get(at::rate_slow)?, row.get(at::rate_fast)?),
        connection: match address {
            Some(address) => {
                Some(ConnectionInUse { address, entry: row.get(at::last_entry)?, complaint: row.get(at::complaint)? })
            }
            None => None,
        },
    })
}

/// Returns the device of that name. One at the node of this spool's own server is the device without a node.
pub(crate) fn by_name(tx: &Tx<'_>, name: &DeviceName) -> Fallible<Option<DeviceRow>> {
    match id_of(tx, name)? {
        Some(id) => by_id(tx, id),
        None => Ok(None),
    }
}

fn id_of(tx: &Tx<'_>, name: &DeviceName) -> Fallible<Option<DeviceId>> {
    let exact = |name: &DeviceName| {
        tx.one("SELECT id FROM device WHERE name_key = ?", values![name.key()], |row| row.only::<DeviceId>())
    };
    match exact(&local_name(tx, name)?)? {
        // A spool of an earlier version may hold a device whose name has its own node.
        None => exact(name),
        found => Ok(found),
    }
}

/// Returns the name by which this spool knows a device: without the node of its own server.
pub(crate) fn local_name(tx: &Tx<'_>, name: &DeviceName) -> Fallible<DeviceName> {
    let Some(node) = name.node() else { return Ok(name.clone()) };
    let own = super::spool::server(tx)?.eq_ignore_ascii_case(node.as_str());
    Ok(if own { name.without_node() } else { name.clone() })
}

/// Returns the device with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: DeviceId) -> Fallible<Option<DeviceRow>> {
    noted(tx, tx.one(made_once!("SELECT {} FROM device WHERE id = ?", at::LIST), values![id], read)?)
}

fn noted(tx: &Tx<'_>, found: Option<DeviceRow>) -> Fallible<Option<DeviceRow>> {
    if let Some(row) = &found {
        tx.has_read(Lock::Device(row.id));
    }
    Ok(found)
}

/// Returns the device of that name, locked: to decide from it.
pub(crate) fn to_change(tx: &Tx<'_>, name: &DeviceName) -> Fallible<Option<DeviceRow>> {
    let Some(id) = id_of(tx, name)? else { return Ok(None) };
    tx.lock(Lock::Device(id))?;
    by_id(tx, id)
}

/// Returns devices by name after `after`, one page.
pub(crate) fn list(tx: &Tx<'_>, after: Option<&DeviceName>) -> Fallible<Vec<DeviceRow>> {
    let after = after.map_or_else(String::new, DeviceName::key);
    tx.rows(
        made_once!("SELECT {} FROM device WHERE name_key > ? ORDER BY name_key LIMIT ?", at::LIST),
        values![after, page(u32::MAX)],
        read,
    )
}

/// Returns the devices with an error on record, or with something that their entries in FASTCNFG say wrongly.
pub(crate) fn with_notes(tx: &Tx<'_>) -> Fallible<Vec<DeviceId>> {
    let sql =
        "SELECT id FROM device WHERE error_number IS NOT NULL UNION SELECT id FROM device WHERE complaint IS NOT NULL";
    tx.rows(sql, values![], |row| row.only())
}

/// Returns the devices of which this is wanted.
pub(crate) fn wished(tx: &Tx<'_>, wish: DeviceWish) -> Fallible<Vec<DeviceId>> {
    tx.rows("SELECT id FROM device WHERE wish = ?", values![wish], |row| row.only())
}

/// Returns the print processes of the devices of which this is wanted.
pub(crate) fn processes_wished(tx: &Tx<'_>, wish: DeviceWish) -> Fallible<Vec<ProcessName>> {
    // The next name is a search in the index, not a walk through the devices of this one.
    let next = "SELECT min(process_key) FROM device WHERE wish = ?1 AND process_key >";
    let sql = format!(
        "WITH RECURSIVE named(key) AS (
             {next} '' UNION ALL SELECT ({next} key) FROM named WHERE key IS NOT NULL
         ) SELECT key FROM named WHERE key IS NOT NULL"
    );
    tx.rows(&sql, values![wish], |row| row.only())
}

/// Returns the devices of a print process of which this is wanted.
pub(crate) fn wished_of(tx: &Tx<'_>, wish: DeviceWish, process: &ProcessName) -> Fallible<Vec<DeviceId>> {
    tx.rows("SELECT id FROM device WHERE wish = ? AND process_key = ?", values![wish, process.key()], |row| row.only())
}

/// Returns the form of a device's name by which devices are sorted.
pub(crate) fn key_of(tx: &Tx<'_>, id: DeviceId) -> Fallible<Option<String>> {
    tx.one("SELECT name_key FROM device WHERE id = ?", values![id], |row| row.only())
}

/// Returns the devices that routes lead to for which something waits, however much; none when these are more than `most` routes.
pub(crate) fn waited_for(tx: &Tx<'_>, most: u32) -> Fallible<Option<BTreeSet<DeviceId>>> {
    // The next route is a search in the index, not a walk through what waits in this one.
    let next = "SELECT min(route_id) FROM entry WHERE state = ?1 AND route_id >";
    let routes: Vec<RouteId> = tx.rows(
        &format!(
            "WITH RECURSIVE waits(route) AS (
                 {next} 0 UNION ALL SELECT ({next} route) FROM waits WHERE route IS NOT NULL LIMIT ?2
             ) SELECT route FROM waits WHERE route IS NOT NULL"
        ),
        values![EntryState::Queued, most.saturating_add(2)],
        |row| row.only(),
    )?;
    if routes.len() > most as usize {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for route in routes {
        found.extend(tx.rows::<DeviceId>(OF_ROUTE, values![route], |row| row.only())?);
    }
    Ok(Some(found))
}

/// How many names on either side are looked at for "did you mean".
const NEIGHBOURS: u32 = 100;

/// Returns the names on either side of one, for "did you mean": a command file declares thousands of devices, each unknown
/// before, and must not read all of them each time.
pub(crate) fn neighbours(tx: &Tx<'_>, name: &DeviceName) -> Fallible<Vec<DeviceName>> {
    let before = "SELECT name FROM device WHERE name_key < ? ORDER BY name_key DESC LIMIT ?";
    let behind = "SELECT name FROM device WHERE name_key > ? ORDER BY name_key LIMIT ?";
    let mut names: Vec<DeviceName> = tx.rows(before, values![name.key(), NEIGHBOURS], |row| row.only())?;
    names.extend(tx.rows(behind, values![name.key(), NEIGHBOURS], |row| row.only::<DeviceName>())?);
    Ok(names)
}

/// Returns the devices of a print process.
pub(crate) fn of_process(tx: &Tx<'_>, process: &ProcessName) -> Fallible<Vec<DeviceRow>> {
    tx.rows(
        made_once!("SELECT {} FROM device WHERE process_key = ? ORDER BY name_key", at::LIST),
        values![process.key()],
        read,
    )
}

/// Returns how many devices of a print process are started, counted to `limit`.
pub(crate) fn started_of_process(tx: &Tx<'_>, process: &ProcessName, limit: u32) -> Fallible<u32> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM device WHERE process_key = ? AND wish = ? LIMIT ?)";
    Ok(tx.one(sql, values![process.key(), DeviceWish::Started, limit], |row| row.only())?.unwrap_or(0))
}

fn failing_with_sql() -> &'static str {
    made_once!(
        "SELECT {} FROM device WHERE id IN (
             SELECT id FROM device WHERE error_number IS NOT NULL
             UNION SELECT d.id FROM process p CROSS JOIN device d ON d.process_key = p.name_key WHERE p.error_number IS NOT NULL)
         AND EXISTS (SELECT 1 FROM managed_value WHERE object = 'device' AND object_id = device.id AND field = ?)
         ORDER BY name_key",
        at::LIST
    )
}

/// Returns the devices with an error on record, or a print process with one, that have a value of `attribute`.
pub(crate) fn failing_with(tx: &Tx<'_>, attribute: &str) -> Fallible<Vec<DeviceRow>> {
    tx.rows(failing_with_sql(), values![attribute], read)
}

/// Returns how far the jobs were looked at that wait for a device that has failed; none = to their end.
pub(crate) fn backup_walk(tx: &Tx<'_>, id: DeviceId) -> Fallible<Option<String>> {
    Ok(tx
        .one("SELECT backup_walk FROM device WHERE id = ?", values![id], |row| row.only::<Option<String>>())?
        .flatten())
}

/// Stores how far they were looked at.
pub(crate) fn set_backup_walk(tx: &Tx<'_>, id: DeviceId, walk: Option<&str>) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET backup_walk = ? WHERE id = ?", values![walk, id])
}

/// Returns the devices that a route leads to: a location's own, or every one of a group.
pub(crate) fn of_route(tx: &Tx<'_>, route: RouteId) -> Fallible<Vec<DeviceRow>> {
    tx.rows(of_route_sql(), values![route], read)
}

pub(super) fn of_route_sql() -> &'static str {
    made_once!("SELECT {} FROM device WHERE id IN ({OF_ROUTE}) ORDER BY name_key", at::LIST)
}

/// Returns up to `limit` of the devices that a route leads to.
pub(crate) fn some_of_route(tx: &Tx<'_>, route: RouteId, limit: u32) -> Fallible<Vec<DeviceRow>> {
    tx.rows(
        made_once!("SELECT {} FROM device WHERE id IN ({OF_ROUTE}) LIMIT ?2", at::LIST),
        values![route, limit],
        read,
    )
}

columns!(of_all { speed = "max(speed)", fifo = "max(fifo)" });

/// Returns the highest SPEED among the devices that a route leads to, and whether any of them prints in the order of
/// arrival; none when it leads to no device.
pub(crate) fn speed_and_order_of_route(tx: &Tx<'_>, route: RouteId) -> Fallible<Option<(u32, bool)>> {
    let sql = made_once!("SELECT {} FROM device WHERE id IN ({OF_ROUTE})", of_all::LIST);
    let found = tx.one(sql, values![route], |row| {
        Ok(row.get::<Option<u32>>(of_all::speed)?.zip(row.get::<Option<bool>>(of_all::fifo)?))
    });
    Ok(found?.flatten())
}

/// Whether every device that a route leads to takes all octets as they come; not where it leads to none.
pub(crate) fn takes_all_raw(tx: &Tx<'_>, route: RouteId) -> Fallible<bool> {
    let sql = made_once!("SELECT min(content_raw) FROM device WHERE id IN ({OF_ROUTE})");
    Ok(tx.one(sql, values![route], |row| row.only::<Option<bool>>())?.flatten().unwrap_or(false))
}

/// Tells whether a route leads to a device, and to one that prints in the order of arrival. Each look ends with the first
/// that is found.
pub(crate) fn order_of_route(tx: &Tx<'_>, route: RouteId) -> Fallible<Option<bool>> {
    let of = |whose: &str, fifo: &str| {
        format!("SELECT 1 FROM {whose} JOIN device d ON d.id = l.device_id WHERE {fifo} LIMIT 1")
    };
    let (one, group) = ("location l", "location_group g JOIN location l ON l.group_id = g.id");
    for (whose, key) in [(one, "l.route_id = ?1"), (group, "g.route_id = ?1")] {
        if tx.finds(&of(whose, &format!("{key} AND d.fifo <> ?2")), values![route, false])? {
            return Ok(Some(true));
        }
        if tx.finds(&of(whose, key), values![route])? {
            return Ok(Some(false));
        }
    }
    Ok(None)
}

columns!(leads { location_route = "l.route_id", group_route = "g.route_id", paused = "g.paused" });

fn routes_sql() -> String {
    format!("SELECT {} FROM location l JOIN location_group g ON g.id = l.group_id WHERE l.device_id = ?", leads::LIST)
}

/// Returns the routes that lead to a device: its locations and their groups.
pub(crate) fn routes(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<(RouteId, bool)>> {
    routes_where(tx, device, |_| true)
}

/// Returns those of them whose jobs print: not the routes of a queue that is paused.
pub(crate) fn open_routes(tx: &Tx<'_>, device: DeviceId) -> Fallible<Vec<(RouteId, bool)>> {
    routes_where(tx, device, |paused| !paused)
}

fn routes_where(tx: &Tx<'_>, device: DeviceId, wanted: impl Fn(bool) -> bool) -> Fallible<Vec<(RouteId, bool)>> {
    let rows = tx.rows(&routes_sql(), values![device], |row| {
        let leads = [(row.get(leads::location_route)?, false), (row.get(leads::group_route)?, true)];
        Ok(wanted(row.get(leads::paused)?).then_some(leads))
    })?;
    let mut routes: Vec<(RouteId, bool)> = rows.into_iter().flatten().flatten().collect();
    routes.sort_unstable();
    routes.dedup();
    Ok(routes)
}

/// Stores whether a device is paused when its job is done.
pub(crate) fn set_pause_next(tx: &Tx<'_>, id: DeviceId, on: bool) -> Fallible<()> {
    tx.change("the device", "UPDATE device SET pause_next = ? WHERE id = ?", values![on, id])
}

/// Declares a device with default settings, offline.
pub(crate) fn insert(tx: &Tx<'_>, name: &DeviceName) -> Fallible<DeviceId> {
    let d = DeviceSettings::default();
    let insert = || {
        tx.insert(
        "INSERT INTO device (name, name_key, form, form_key, speed, exclusive, fifo, retry, timeout, header, parm, wish,
             untouched, stopped_by_error, is_open, opens, paper, startff, endff, width, restart,
             delivery, attempts, trunc, eol_crlf, page_length, content_raw, fifo_told)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values![
            name.to_string(),
            name.key(),
            d.form,
            form_key(&d.form),
            d.speed,
            d.exclusive,
            d.fifo,
            d.retry,
            d.timeout,
            d.header,
            d.parm,
            DeviceWish::Stopped,
            true,
            false,
            false,
            0_u32,
            Paper::Top,
            d.startff,
            d.endff,
            d.width,
            d.restart,
            d.delivery,
            d.attempts,
            d.trunc,
            d.eol_crlf,
            d.page_length,
            d.content_raw,
            d.fifo_told
        ],
    )
    };
    let id = standing::counting(tx, None, || insert().map(|id| (id, DeviceId(id))))?;
    tally::add(tx, Counts { devices: 1, ..Counts::default() })?;
    tx.has_made(Lock::Device(DeviceId(id)));
    Ok(DeviceId(id))
}

/// Stores settings.
pub(crate) fn set_settings(tx: &Tx<'_>, id: DeviceId, s: &DeviceSettings) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    let change = || {
        tx.change(
        "the device",
        "UPDATE device SET process = ?, process_key = ?, uri = ?, form = ?, form_key = ?, speed = ?, exclusive = ?, fifo = ?,
             retry = ?, timeout = ?, header = ?, parm = ?, startff = ?, endff = ?, width = ?,
             restart = ?, delivery = ?, attempts = ?, trunc = ?, eol_crlf = ?, page_length = ?,
             content_raw = ?, fifo_told = ?, sort_by = ?, then_by = ?, pjl = ?, media = ?,
             transforms = ? WHERE id = ?",
        values![
            s.process.as_ref().map(ProcessName::as_str),
            s.process.as_ref().map(ProcessName::key),
            s.uri.as_ref().map(ToString::to_string),
            s.form,
            form_key(&s.form),
            s.speed,
            s.exclusive,
            s.fifo,
            s.retry,
            s.timeout,
            s.header,
            s.parm,
            s.startff,
            s.endff,
            s.width,
            s.restart,
            s.delivery,
            s.attempts,
            s.trunc,
            s.eol_crlf,
            s.page_length,
            s.content_raw,
            s.fifo_told,
            s.sort_by.word(),
            s.then_by.map(SortBy::word),
            s.pjl,
            s.media.join("\n"),
            s.transforms.iter().map(Transform::stored).collect::<Vec<_>>().join("\n"),
            id
        ],
    )
    };
    standing::counting(tx, Some(id), || change().map(|()| ((), id)))?;
    super::scheduler::make(tx, s.order())
}

/// Stores the words that mean nothing here.
pub(crate) fn set_kept(tx: &Tx<'_>, id: DeviceId, kept: &KeptWords) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET kept = ? WHERE id = ?", values![kept.stored(), id])
}

/// Stores which job was set aside because the device failed at it.
pub(crate) fn set_aside(tx: &Tx<'_>, id: DeviceId, job: Option<JobId>) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET set_aside = ? WHERE id = ?", values![job, id])
}

/// Returns what a device carries, as names are compared, one a line: its form first, then the papers it has besides.
pub(crate) fn carries(settings: &DeviceSettings) -> String {
    let mut found = form_key(&settings.form);
    for paper in &settings.media {
        found.push('\n');
        found.push_str(&form_key(paper));
    }
    found
}

/// Returns the form in which form names are compared.
pub(crate) fn form_key(form: &str) -> String {
    form.trim().to_ascii_uppercase()
}

/// Stores what the operator wants.
pub(crate) fn set_wish(tx: &Tx<'_>, id: DeviceId, wish: DeviceWish) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    let change = || {
        tx.change(
            "the device",
            "UPDATE device SET wish = ?, untouched = ?, stopped_by_error = ?, pause_next = ? WHERE id = ?",
            values![wish, false, false, false, id],
        )
    };
    standing::counting(tx, Some(id), || change().map(|()| ((), id)))
}

/// Starts a device that nobody has started or drained yet. False when somebody has.
pub(crate) fn start_untouched(tx: &Tx<'_>, id: DeviceId) -> Fallible<bool> {
    tx.demand_lock(Lock::Device(id))?;
    let sql = "UPDATE device SET wish = ?, untouched = ?, stopped_by_error = ? WHERE id = ? AND untouched <> ?";
    let start = || tx.run(sql, values![DeviceWish::Started, false, false, id, false]);
    let started = standing::counting(tx, Some(id), || start().map(|started| (started, id)))?;
    Ok(started == 1)
}

/// Stops a device because of its error.
pub(crate) fn stop_by_error(tx: &Tx<'_>, id: DeviceId) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    let change = || {
        tx.change(
            "the device",
            "UPDATE device SET wish = ?, untouched = ?, stopped_by_error = ? WHERE id = ?",
            values![DeviceWish::Stopped, false, true, id],
        )
    };
    standing::counting(tx, Some(id), || change().map(|()| ((), id)))
}

/// Stores that an operator wants a stopped device to stay so. Returns whether nobody had said anything of it before.
pub(crate) fn stays_stopped(tx: &Tx<'_>, id: DeviceId) -> Fallible<bool> {
    tx.demand_lock(Lock::Device(id))?;
    let changed = tx.run(
        "UPDATE device SET untouched = ? WHERE id = ? AND wish = ? AND untouched <> ?",
        values![false, id, DeviceWish::Stopped, false],
    )?;
    Ok(changed == 1)
}

/// Returns the devices that nobody has started or drained yet.
pub(crate) fn untouched(tx: &Tx<'_>) -> Fallible<Vec<DeviceRow>> {
    tx.rows(made_once!("SELECT {} FROM device WHERE untouched <> ? ORDER BY name_key", at::LIST), values![false], read)
}

/// Stores or clears the error.
pub(crate) fn set_error(tx: &Tx<'_>, id: DeviceId, error: Option<&ErrorNote>) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change(
        "the device",
        "UPDATE device SET error_number = ?, error_text = ?, error_since_ms = ?, error_next_ms = ?, error_tries = ?,
             failed_entry = CASE WHEN ? THEN failed_entry END
         WHERE id = ?",
        values![
            error.map(|e| e.number),
            error.map(|e| e.text.as_str()),
            error.map(|e| e.since_ms),
            error.and_then(|e| e.next_try_ms),
            error.map(|e| e.tries),
            error.is_some(),
            id
        ],
    )
}

/// Stores at which entry it failed.
pub(crate) fn set_failed(tx: &Tx<'_>, id: DeviceId, entry: EntryId) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET failed_entry = ? WHERE id = ?", values![entry, id])
}

/// Stores that it was opened, and with what. With `forgets` what it remembers of FASTCNFG is forgotten.
pub(crate) fn set_opened(tx: &Tx<'_>, id: DeviceId, used: &ConnectionInUse, forgets: bool) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change(
        "the device",
        "UPDATE device SET is_open = ?, opens = opens + 1, last_address = ?, last_entry = ?, complaint = ?,
             last_found = CASE WHEN ? THEN NULL ELSE last_found END WHERE id = ?",
        values![true, used.address.to_string(), used.entry, used.complaint, forgets, id],
    )
}

columns!(memory { last_found, complaint });

/// Returns what it remembers of FASTCNFG.
pub(crate) fn remembered(tx: &Tx<'_>, id: DeviceId) -> Fallible<Remembered> {
    let found = tx.one(made_once!("SELECT {} FROM device WHERE id = ?", memory::LIST), values![id], |row| {
        Ok(Remembered { entry: row.get(memory::last_found)?, complaint: row.get(memory::complaint)? })
    });
    Ok(found?.unwrap_or_default())
}

/// Stores what it remembers of FASTCNFG.
pub(crate) fn set_remembered(tx: &Tx<'_>, id: DeviceId, found: &Remembered) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change(
        "the device",
        "UPDATE device SET last_found = ?, complaint = ? WHERE id = ?",
        values![found.entry, found.complaint, id],
    )
}

/// Returns the name of a device. It never changes, so nothing has to be locked for it.
pub(crate) fn name_of(tx: &Tx<'_>, id: DeviceId) -> Fallible<Option<DeviceName>> {
    tx.one("SELECT name FROM device WHERE id = ?", values![id], |row| row.only())
}

/// How fast a device takes octets, in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speeds {
    /// As a rule.
    pub usual: u64,
    /// At the slowest of the last jobs.
    pub slow: u64,
    /// At the fastest.
    pub fast: u64,
}

impl DeviceRow {
    /// Returns how fast it is; none before it was measured.
    pub(crate) fn speeds(&self) -> Option<Speeds> {
        let usual = self.rate?;
        let (slow, fast) = (self.rates.0.unwrap_or(usual), self.rates.1.unwrap_or(usual));
        Some(Speeds { usual, slow: slow.min(usual).max(1), fast: fast.max(usual) })
    }
}

/// Stores how many octets it takes in a second.
pub(crate) fn set_speeds(tx: &Tx<'_>, id: DeviceId, speeds: &Speeds) -> Fallible<()> {
    tx.change(
        "the device",
        "UPDATE device SET rate = ?, rate_slow = ?, rate_fast = ? WHERE id = ?",
        values![speeds.usual, speeds.slow, speeds.fast, id],
    )
}

/// Stores that it is closed.
pub(crate) fn set_closed(tx: &Tx<'_>, id: DeviceId) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET is_open = ? WHERE id = ?", values![false, id])
}

/// Stores where the paper stands.
pub(crate) fn set_paper(tx: &Tx<'_>, id: DeviceId, paper: Paper) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    tx.change("the device", "UPDATE device SET paper = ? WHERE id = ?", values![paper, id])
}

/// Closes, on paper, the devices of a process that is not running any more.
pub(crate) fn close_all(tx: &Tx<'_>, process: &ProcessName) -> Fallible<()> {
    tx.run(
        "UPDATE device SET is_open = ? WHERE process_key = ? AND is_open <> ?",
        values![false, process.key(), false],
    )?;
    Ok(())
}

/// Removes a device; nothing refers to it.
pub(crate) fn delete(tx: &Tx<'_>, id: DeviceId) -> Fallible<()> {
    tx.demand_lock(Lock::Device(id))?;
    super::managed::forget(tx, super::managed::Holder::Device(id))?;
    let delete = || tx.change("the device", "DELETE FROM device WHERE id = ?", values![id]);
    standing::counting(tx, Some(id), || delete().map(|()| ((), id)))?;
    super::access::forget(tx, super::access::Owner::Device(id))?;
    tally::add(tx, Counts { devices: -1, ..Counts::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn where_a_route_leads_and_what_leads_to_a_device_is_found_without_a_look_at_all_locations() {
        let memory = Memory::new();
        for sql in [format!("SELECT {} FROM device WHERE id IN ({OF_ROUTE})", of_all::LIST), routes_sql()] {
            let plan = memory.plan(&sql);
            assert!(plan.contains("SEARCH") && !plan.contains("SCAN"), "{sql}: {plan}");
        }
    }

    #[test]
    fn devices_that_fail_are_found_without_a_look_at_the_others() {
        let plan = Memory::new().plan(failing_with_sql());
        assert!(plan.contains("SCAN device USING INDEX device_error") && plan.contains("device_process"), "{plan}");
    }
}
