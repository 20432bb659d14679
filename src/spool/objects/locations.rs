//! Locations: routing them, and finding out what a name means.
//!
//! States: a location is declared by its first route, or by a job that is sent to it. It leads to one device, or to
//! none: its jobs wait then, which is the documented way to park them. Whether a group broadcasts is decided for a job
//! when its entries are made; a later BROADCAST changes no entry. A location that still has jobs cannot be deleted, and
//! a group goes with its last location.
//!
//! Who may: only the creator of the spool declares, routes and deletes by a LOC command. Anybody looks and resolves
//! names.
//!
//! A crash: each change is one transaction, so all matching locations were changed or none.

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::collector::by_way_of;
use crate::model::event::{EventDetail, EventWord};
use crate::model::job::Format;
use crate::model::location::{Destination, LocationKind, LocationStatus, content_word};
use crate::model::{
    DestName, DeviceId, DeviceName, Failure, FailureKind, GroupName, LocationName, LocationPattern, near,
};
use crate::store::access::Owner;
use crate::store::event::{Object, record, record_of_group, record_with};
use crate::store::location::{GroupRow, LocationRow};
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Lock, Tx};

use crate::spool::disk::files;
use crate::spool::jobs::actions::Aftermath;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Leads the matching locations to `device`, or to none. A single location that is unknown is declared. Returns how
    /// many were routed, and the print processes that have work now.
    pub(crate) fn route_location(
        &self,
        call: &Call,
        pattern: LocationPattern,
        device: Option<DeviceName>,
    ) -> Fallible<(u32, Vec<WakeTarget>)> {
        let server = self.server().clone();
        let (routed, aftermath) = self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let remote = device.as_ref().filter(|name| name.node().is_some_and(|node| *node != server));
            let remote = match remote.and_then(DeviceName::node) {
                Some(node) if store::remote::is_known(tx, node)? => device.clone(),
                _ => None,
            };
            let device_row = match &device {
                Some(_) if remote.is_some() => None,
                Some(name) => {
                    Some(store::device::by_name(tx, name)?.ok_or_else(|| super::devices::not_found(tx, name))?)
                }
                None => None,
            };
            let mut rows = matching(tx, &pattern)?;
            if rows.is_empty() {
                match &pattern {
                    LocationPattern::One(name) => rows.push(declare(tx, name)?),
                    LocationPattern::Group(group) => {
                        return Err(Failure::new(
                            FailureKind::BadValue,
                            format!("#{group} names a group, not a location"),
                        )
                        .hint(format!("LOC #{group}.DEST, DEV $x connects one destination of it")));
                    }
                    LocationPattern::EveryGroup(dest) => return Err(unknown_dest(tx, dest)?),
                }
            }
            if let LocationPattern::Group(group) = &pattern {
                return Err(Failure::new(
                    FailureKind::BadValue,
                    format!("#{group} names a group: each of its locations has its own device"),
                )
                .hint(format!("LOC #{group}.DEST, DEV $x connects one destination of it")));
            }
            for row in rows.iter().filter(|row| row.kind != LocationKind::Location) {
                demand_routable(tx, row)?;
            }
            let mut aftermath = Aftermath::default();
            let id = device_row.as_ref().map(|device| device.id);
            for row in rows.iter().filter(|row| row.device != id || id.is_none()) {
                tx.lock(Lock::Route(row.route))?;
                tx.lock(Lock::Route(row.group.route))?;
                let row = &store::location::by_name(tx, &row.name)?.ok_or_else(|| Failure::not_found(&row.name))?;
                match &remote {
                    Some(remote) => store::location::set_remote(tx, row.id, remote)?,
                    None => store::location::set_device(tx, row.id, id)?,
                }
                if row.whole_group {
                    store::location::set_kind(tx, row.id, row.kind, false)?;
                }
                if let Some(former) = row.device {
                    leaves_group(tx, row, former, &mut aftermath)?;
                }
                Self::reorder(tx, row.route)?;
                Self::reorder(tx, row.group.route)?;
                let object = Object::Location(row.id);
                match &device {
                    Some(device) => record(tx, object, EventWord::Routed, &format!("to {}", device.guardian()))?,
                    None => record_with(tx, object, EventWord::Routed, EventDetail::NoDevice, "to no device")?,
                }
            }
            // Which devices have more to do now? The new one, with what waits at the location and for its group. The former
            // one and the others of the group have less, except for what `leaves_group` gives them.
            for target in wakes::of_devices(tx, device_row.as_slice())? {
                wakes::add(&mut aftermath.targets, Some(target));
            }
            Ok((u32::try_from(rows.len()).unwrap_or(u32::MAX), aftermath))
        })?;
        if !aftermath.erase.is_empty() {
            self.sync()?;
        }
        files::erase(&self.base().server(self.server()), &aftermath.erase);
        Ok((routed, aftermath.targets))
    }

    /// Sets what the documents of jobs are that are sent to the matching locations. A single location that is unknown is
    /// declared. Returns how many.
    pub(crate) fn set_content(&self, call: &Call, pattern: LocationPattern, content: Option<Format>) -> Fallible<u32> {
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let mut rows = matching(tx, &pattern)?;
            match &pattern {
                LocationPattern::One(name) if rows.is_empty() => rows.push(declare(tx, name)?),
                LocationPattern::EveryGroup(dest) if rows.is_empty() => return Err(unknown_dest(tx, dest)?),
                LocationPattern::Group(group) => {
                    return Err(Failure::new(
                        FailureKind::BadValue,
                        format!("#{group} names a group: each of its locations says what its documents are"),
                    )
                    .hint(format!("LOC #{group}.DEST, CONTENT RAW")));
                }
                _ => {}
            }
            for row in &rows {
                tx.lock(Lock::Route(row.route))?;
                store::location::set_content(tx, row.id, content)?;
                let why = format!("CONTENT {}", content_word(content));
                record(tx, Object::Location(row.id), EventWord::Altered, &why)?;
            }
            Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
        })
    }

    /// Sets whether jobs for a whole group print on each of its devices.
    pub(crate) fn set_broadcast(&self, call: &Call, group: GroupName, on: bool) -> Fallible<()> {
        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row =
                store::location::group(tx, &group)?.ok_or_else(|| Failure::not_found(format!("group #{group}")))?;
            tx.lock(Lock::Route(row.route))?;
            if row.broadcast == on {
                return Ok(());
            }
            store::location::set_broadcast(tx, row.id, on)?;
            let why = format!("#{}: {}", row.name, if on { "ON" } else { "OFF" });
            record_of_group(tx, row.id, EventWord::Broadcast, &why)
        })
    }

    /// Deletes the matching locations: all of them, or none. Returns how many.
    pub(crate) fn delete_location(&self, call: &Call, pattern: LocationPattern) -> Fallible<u32> {
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            if let LocationPattern::EveryGroup(dest) = &pattern {
                return Err(Failure::new(FailureKind::BadValue, format!("{dest}: DELETE needs its group"))
                    .hint(format!("LOC #GROUP.{dest}, DELETE, or LOC #GROUP, DELETE for a whole group")));
            }
            let rows = matching(tx, &pattern)?;
            let Some(first) = rows.first() else { return Err(Failure::not_found(format!("location {pattern}"))) };
            let whole_group = matches!(pattern, LocationPattern::Group(_));
            tx.lock(Lock::Route(first.group.route))?;
            for row in &rows {
                tx.lock(Lock::Route(row.route))?;
                let jobs = store::location::job_count(tx, row.id, COUNT_LIMIT)?;
                if jobs > 0 {
                    return Err(in_use(&row.name.to_string(), jobs));
                }
            }
            let jobs = match whole_group {
                true => store::location::group_job_count(tx, first.group.id, COUNT_LIMIT)?,
                false => 0,
            };
            if jobs > 0 {
                return Err(in_use(&format!("#{}", first.group.name), jobs));
            }
            for row in &rows {
                store::location::delete(tx, row)?;
                if !whole_group {
                    Self::reorder(tx, row.group.route)?;
                }
                record(tx, Object::Location(row.id), EventWord::Deleted, &row.name.to_string())?;
            }
            // A queue goes with its last location when all of it is deleted.
            let group = GroupRow { declared: first.group.declared && !whole_group, ..first.group.clone() };
            store::location::delete_group_if_empty(tx, &group)?;
            Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
        })
    }

    /// Returns one page of the locations that match `pattern`, after `after`.
    pub(crate) fn locations(
        &self,
        call: &Call,
        pattern: Option<LocationPattern>,
        after: Option<LocationName>,
    ) -> Fallible<Vec<LocationStatus>> {
        self.look(call, |tx| {
            let rows = store::location::list(tx, pattern.as_ref(), after.as_ref())?;
            let holders: Vec<Holder> = rows.iter().map(|row| Holder::Location(row.id)).collect();
            let mut given = store::managed::of_each(tx, &holders)?;
            let groups: Vec<Holder> = rows.iter().map(|row| Holder::Group(row.group.id)).collect();
            let of_groups = store::managed::of_each(tx, &groups)?;
            if rows.is_empty()
                && after.is_none()
                && let Some(pattern) = &pattern
            {
                return Err(match pattern {
                    LocationPattern::EveryGroup(dest) => unknown_dest(tx, dest)?,
                    other => unknown(tx, &other.to_string(), "location")?,
                });
            }
            let has_rules = store::spool::row(tx)?.trust.has_rules;
            rows.into_iter()
                .map(|row| {
                    Ok(LocationStatus {
                        access: Self::access_of(tx, has_rules, Owner::Location(row.id))?,
                        group_access: Self::access_of(tx, has_rules, Owner::Group(row.group.id))?,
                        jobs: row.jobs,
                        given: given.remove(&row.id.0).unwrap_or_default(),
                        group_given: of_groups.get(&row.group.id.0).cloned().unwrap_or_default(),
                        group_paused: row.group.paused,
                        id: row.id,
                        name: row.name,
                        broadcast: row.group.broadcast,
                        device: row.device_name,
                        content: row.content,
                        font: row.font,
                        route: row.route,
                        kind: row.kind,
                        whole_group: row.whole_group,
                        takes_jobs: row.takes_jobs,
                    })
                })
                .collect()
        })
    }

    /// Does what [`Spool::destination`] does, in a transaction of its own.
    pub(crate) fn resolve(&self, call: &Call, name: &str) -> Fallible<Destination> {
        self.look(call, |tx| self.destination(tx, name))
    }

    /// Finds what a destination name means. The exact name is tried first (`#group.dest`, `group.dest`, `#group`), then
    /// a `dest` that is unique, then the name of a device to which a single location leads.
    pub(crate) fn destination(&self, tx: &Tx<'_>, name: &str) -> Fallible<Destination> {
        let plain = name.strip_prefix(&format!("{}:", self.server())).unwrap_or(name);
        // The collector by which it is reached decides nothing of where it leads.
        let plain = by_way_of(plain).map_or(plain, |(_, rest)| rest);
        // The whole name of a logical destination comes first, whatever else has that name.
        if let Some(row) = store::location::logical(tx, plain)? {
            return Ok(Destination::Plain(row.name));
        }
        let pattern: LocationPattern = match plain.trim_start_matches('$').parse() {
            Ok(pattern) => pattern,
            Err(_) => return Err(unknown(tx, name, "destination")?),
        };
        match &pattern {
            LocationPattern::One(location) => {
                if let Some(row) = store::location::by_name(tx, location)? {
                    return Ok(Destination::of(row.name, row.kind));
                }
            }
            LocationPattern::Group(group) => {
                if let Some(row) = store::location::group(tx, group)? {
                    return Ok(Destination::Group(row.name));
                }
            }
            LocationPattern::EveryGroup(dest) => {
                let rows = matching(tx, &pattern)?;
                if let Some(found) = only(name, rows)? {
                    return Ok(found);
                }
                if let Ok(device) = dest.as_str().parse::<DeviceName>()
                    && let Some(device) = store::device::by_name(tx, &device)?
                {
                    if let Some(found) = only(name, store::location::of_device(tx, device.id)?)? {
                        return Ok(found);
                    }
                    return Err(Failure::new(FailureKind::State, format!("{name}: no location leads to this device"))
                        .hint(format!("spoolcom 'LOC #GROUP.DEST, DEV {}' makes one", device.name.guardian())));
                }
            }
        }
        Err(unknown(tx, name, "destination")?)
    }
}

fn only(name: &str, rows: Vec<LocationRow>) -> Fallible<Option<Destination>> {
    if rows.len() > 1 {
        let names: Vec<String> = rows.iter().take(10).map(|row| row.name.to_string()).collect();
        return Err(Failure::new(FailureKind::Ambiguous, format!("{name} is the name of {} destinations", rows.len()))
            .hint(format!("say which: {}", names.join(", "))));
    }
    Ok(rows.into_iter().next().map(|row| Destination::of(row.name, row.kind)))
}

pub(crate) fn matching(tx: &Tx<'_>, pattern: &LocationPattern) -> Fallible<Vec<LocationRow>> {
    if let LocationPattern::One(name) = pattern {
        return Ok(store::location::by_name(tx, name)?.into_iter().collect());
    }
    let mut rows: Vec<LocationRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.name.clone());
        let page = store::location::list(tx, Some(pattern), after.as_ref())?;
        let full = page.len() as u32 == crate::model::query::PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

/// Takes the device `former` out of the broadcasts of a group, if no location of the group leads to it any more. Its
/// part of each broadcast is dropped, and a job of which all the rest is printed is printed. If nothing else of a job is
/// there, any device of the group may print it, and those processes are to look. Nothing here costs more in a larger
/// group, unless such a job waits.
pub(super) fn leaves_group(
    tx: &Tx<'_>,
    row: &LocationRow,
    former: DeviceId,
    aftermath: &mut Aftermath,
) -> Fallible<()> {
    if store::location::leads_to(tx, row.group.id, former)? {
        return Ok(());
    }
    let mut freed = false;
    for entry in store::entry::only_for(tx, row.group.route, former)? {
        let mut others = store::entry::of_job(tx, entry.job)?;
        others.retain(|other| other.id != entry.id);
        if others.is_empty() {
            store::entry::let_anyone(tx, &entry)?;
            freed = true;
            let why = "a device left its group; any other device of it prints its part";
            record(tx, Object::Job(entry.job), EventWord::Rerouted, why)?;
            continue;
        }
        let why = "a device left its group before it printed its part";
        record(tx, Object::Job(entry.job), EventWord::Rerouted, why)?;
        aftermath.erase.extend(Spool::drop_part(tx, &entry, &others)?);
    }
    if freed {
        for target in wakes::of_route(tx, row.group.route)? {
            wakes::add(&mut aftermath.targets, Some(target));
        }
    }
    Ok(())
}

/// Refuses to lead a location elsewhere that was made as a destination, where that would leave something behind.
fn demand_routable(tx: &Tx<'_>, row: &LocationRow) -> Fallible<()> {
    if row.kind == LocationKind::Outlet {
        return Err(Failure::new(
            FailureKind::State,
            format!("{} was made with the actual destination {}", row.name, row.name.dest),
        )
        .hint(format!(
            "pdset -c destination -x associated-queue=QUEUE {}   has it print another queue",
            row.name.dest
        )));
    }
    // Its jobs wait with those of the whole group, and would stay there.
    match if row.whole_group { store::location::job_count(tx, row.id, COUNT_LIMIT)? } else { 0 } {
        0 => Ok(()),
        jobs => Err(in_use(&row.name.to_string(), jobs)),
    }
}

/// Declares a location that leads to no device, and its group if the group is new.
pub(crate) fn declare(tx: &Tx<'_>, name: &LocationName) -> Fallible<LocationRow> {
    super::additions::demand_additions(tx)?;
    let group = match store::location::group(tx, &name.group)? {
        Some(group) => group.id,
        None => {
            let id = store::location::insert_group(tx, &name.group)?;
            record_of_group(tx, id, EventWord::Declared, &format!("queue {}", name.group))?;
            id
        }
    };
    let id = store::location::insert(tx, group, &name.dest)?;
    record(tx, Object::Location(id), EventWord::Declared, &name.to_string())?;
    store::location::by_name(tx, name)?.ok_or_else(|| Failure::internal("a new location cannot be found"))
}

/// Jobs that keep a location are counted up to this number.
const COUNT_LIMIT: u32 = 1001;

pub(super) fn in_use(what: &str, jobs: u32) -> Failure {
    let jobs = match jobs {
        1 => "1 job".to_owned(),
        COUNT_LIMIT.. => format!("more than {} jobs", COUNT_LIMIT - 1),
        _ => format!("{jobs} jobs"),
    };
    Failure::new(FailureKind::InUse, format!("{what} still has {jobs}")).hint("delete them or let them print first")
}

pub(super) fn unknown(tx: &Tx<'_>, name: &str, what: &str) -> Fallible<Failure> {
    let shown = crate::model::printable::escaped(&name.chars().take(80).collect::<String>());
    let failure = Failure::not_found(format!("{what} {shown}"));
    let names = store::location::names(tx)?;
    let near = near(name, names.iter().map(String::as_str));
    Ok(if !near.is_empty() {
        failure.hint(format!("did you mean {}?", near.join(", ")))
    } else if names.is_empty() {
        failure.hint("none is declared yet: spoolcom 'LOC #OFFICE.FRONT, DEV $LP1' makes one")
    } else {
        failure.hint("spoolcom LOC lists those there are")
    })
}

pub(crate) fn unknown_dest(tx: &Tx<'_>, dest: &DestName) -> Fallible<Failure> {
    let failure = unknown(tx, dest.as_str(), "location")?;
    Ok(failure.hint(format!("a bare word is a destination in every group; a group is written #{dest}")))
}
