//! Destinations, queues and the server as InfoPrint commands manage them: making, setting, deleting, enabling, disabling.
//!
//! A queue is a group that stays without locations. A logical destination is a location with a plain name; its jobs wait with
//! those of the whole group. An actual destination is a device; its *outlet*, a location of the queue with the name of the
//! device, leads to it.
//!
//! States: absent → made, disabled → enabled ⇄ disabled → deleted. A disabled logical destination takes no jobs. A disabled
//! actual one is an offline device, as after DRAIN: it goes on to the end of its job. Attributes of an actual destination
//! are set while it is disabled.
//!
//! Who may: whoever may configure the spool. Anybody looks.
//!
//! A crash: each object is made, set or deleted in one transaction. Enabling or disabling several objects takes one for each.

use std::collections::{BTreeMap, BTreeSet};

use crate::attributes::draft::Draft;
use crate::model::access::Access;
use crate::model::authority::Right;
use crate::model::change::{EditedClass, Staged};
use crate::model::device::{DeviceChange, DeviceSettings};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::location::{Backlog, GroupStatus, LocationKind};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject, Realization};
use crate::model::process::ProcessChange;
use crate::model::separation::HeaderPages;
use crate::model::state::{DeviceWish, SpoolerState};
use crate::model::{
    Call, DestName, DeviceName, Failure, FailureKind, GroupName, LocationName, LocationPattern, ProcessName,
};
use crate::store::access::Owner;
use crate::store::device::DeviceRow;
use crate::store::event::{Object, record, record_of_group};
use crate::store::location::{GroupRow, LocationRow};
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Lock, Tx};

use super::kept::keep_message;
use super::locations::{in_use, matching};
use super::{additions, devices};
use crate::spool::changes;
use crate::spool::disk::files;
use crate::spool::jobs::actions::Aftermath;
use crate::spool::printing::claims::let_go;
use crate::spool::printing::{device_errors, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// Attributes of the device itself, which are set whether the destination is enabled or not.
const ALWAYS: [&str; 2] = ["device-contact", "device-location"];
/// The print process that is declared when there is none.
const USUAL_PROCESS: &str = "SPLA";
/// Its program.
const PROGRAM: &str = "fastp";
/// Jobs that keep an object are counted up to this number.
const COUNT_LIMIT: u32 = 1001;

/// A destination that was found.
pub(super) enum Found {
    /// A logical one.
    Location(Box<LocationRow>),
    /// An actual one.
    Device(Box<DeviceRow>),
}

impl Spool {
    /// Returns one page of the groups, after `after`.
    pub(crate) fn groups(&self, call: &Call, after: Option<GroupName>) -> Fallible<Vec<GroupStatus>> {
        self.look(call, |tx| {
            let rows = store::location::groups(tx, after.as_ref())?;
            let holders: Vec<Holder> = rows.iter().map(|row| Holder::Group(row.id)).collect();
            let mut given = store::managed::of_each(tx, &holders)?;
            let has_rules = store::spool::row(tx)?.trust.has_rules;
            let mut more = Vec::new();
            for row in &rows {
                let access = Self::access_of(tx, has_rules, store::access::Owner::Group(row.id))?;
                more.push((access, store::backlog::of(tx, row.id)?));
            }
            let status = |(row, (access, backlog)): (GroupRow, (Access, Option<Backlog>))| GroupStatus {
                access,
                backlog,
                given: given.remove(&row.id.0).unwrap_or_default(),
                name: row.name,
                broadcast: row.broadcast,
                declared: row.declared,
                paused: row.paused,
            };
            Ok(rows.into_iter().zip(more).map(status).collect())
        })
    }

    /// Makes a destination or a queue.
    pub(crate) fn create_managed(
        &self,
        call: &Call,
        object: ManagedObject,
        changes: Vec<ManagedChange>,
        message: Option<String>,
    ) -> Fallible<Staged> {
        if let Some(class) = object.class.kept() {
            return self.create_kept(call, class, &object, &changes, message.as_deref());
        }
        let realization = match object.class {
            ManagedClass::Destination => Some(realization_of(&changes)?),
            ManagedClass::Queue => None,
            _ => {
                return Err(bad("a server is made by starting it, or by the first command that declares something"));
            }
        };
        let spool = self.clone();
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            additions::demand_additions(tx)?;
            let mut draft = Draft::new(object.class, realization);
            if realization == Some(Realization::Actual) {
                draft.settings = settings_of_new();
            }
            changes.iter().try_for_each(|change| spool.demand_told(tx, change))?;
            changes.iter().try_for_each(|change| draft.take(change, true))?;
            draft.finish()?;
            keep_message(&mut draft.kept, message.as_deref());
            become_active(tx)?;
            match realization {
                None => make_queue(tx, &object, &mut draft),
                Some(Realization::Logical) => make_logical(tx, &object, &draft).map(|()| Staged::default()),
                Some(Realization::Actual) => spool.make_actual(tx, &object, &mut draft).map(|()| Staged::default()),
            }
        })
    }

    /// Changes attributes of a destination, a queue or the server.
    pub(crate) fn set_managed(
        &self,
        call: &Call,
        object: ManagedObject,
        changes: Vec<ManagedChange>,
        message: Option<String>,
    ) -> Fallible<(Staged, Vec<WakeTarget>)> {
        if let Some(class) = object.class.kept() {
            return self
                .set_kept(call, class, &object, &changes, message.as_deref())
                .map(|staged| (staged, Vec::new()));
        }
        let spool = self.clone();
        let (staged, aftermath) = self.change(Room::Takes, call, move |tx| {
            // Whether edits are staged is the spool's to say.
            if changes.iter().any(|change| change.field == Field::Access || may_be_staged(object.class, change)) {
                tx.lock(Lock::Spool)?;
            }
            Self::demand(tx, Right::Configure)?;
            changes.iter().try_for_each(|change| spool.demand_told(tx, change))?;
            let message = message.as_deref();
            let (staged, changes) = stage_some(tx, &object, changes.clone())?;
            if changes.is_empty() && message.is_none() {
                return Ok((staged, Aftermath::default()));
            }
            let aftermath = match object.class {
                ManagedClass::Server => {
                    spool.demand_server(&object)?;
                    tx.lock(Lock::Spool)?;
                    set_server(tx, &changes, message).map(|()| Aftermath::default())
                }
                ManagedClass::Queue => set_queue(tx, &object, &changes, message).map(|()| Aftermath::default()),
                _ => match find(tx, &object.name)? {
                    Found::Location(row) => set_logical(tx, &row, &changes, message).map(|()| Aftermath::default()),
                    Found::Device(row) => spool.set_actual(tx, &row, &changes, message),
                },
            }?;
            Ok((staged, aftermath))
        })?;
        files::erase(&self.base().server(self.server()), &aftermath.erase);
        Ok((staged, aftermath.targets))
    }

    /// Deletes a destination or a queue.
    pub(crate) fn delete_managed(&self, call: &Call, object: ManagedObject) -> Fallible<Staged> {
        if let Some(class) = object.class.kept() {
            return self.delete_kept(call, class, &object);
        }
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            // What is staged of it goes with it.
            if let Some(class) = EditedClass::of(object.class) {
                changes::forget(tx, class, &object.name)?;
            }
            match object.class {
                ManagedClass::Server => Err(bad("the server is not deleted: it is the spool itself")
                    .hint("end pdserver, if it runs, and remove the directory of the spool")),
                ManagedClass::Queue => delete_queue(tx, &object),
                _ => match find(tx, &object.name)? {
                    Found::Location(row) => delete_logical(tx, &row),
                    Found::Device(row) => delete_actual(tx, &row),
                },
            }?;
            Ok(Staged::default())
        })
    }

    /// Notes that the jobs of a destination, a queue or the server were removed.
    pub(crate) fn note_cleaned(&self, call: &Call, object: ManagedObject, removed: u64) -> Fallible<()> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let why = if removed == 1 { "1 job".to_owned() } else { format!("{removed} jobs") };
            match object.class {
                ManagedClass::Server => {
                    spool.demand_server(&object)?;
                    record(tx, Object::Spool, EventWord::Cleaned, &why)
                }
                ManagedClass::Queue => {
                    let row = group_of(tx, &object.name)?;
                    record(tx, Object::Spool, EventWord::Cleaned, &format!("queue {}: {why}", row.name))
                }
                ManagedClass::Destination => match find(tx, &object.name)? {
                    Found::Location(row) => record(tx, Object::Location(row.id), EventWord::Cleaned, &why),
                    Found::Device(row) => record(tx, Object::Device(row.id), EventWord::Cleaned, &why),
                },
                _ => Err(bad(format!("a {} has no jobs", object.class.word()))),
            }
        })
    }

    /// Enables or disables what `object` stands for. Returns the print processes that have to act.
    pub(crate) fn enable_managed(
        &self,
        call: &Call,
        object: ManagedObject,
        on: bool,
        message: Option<String>,
    ) -> Fallible<Vec<WakeTarget>> {
        let (locations, actual) = self.look(call, |tx| {
            Self::demand(tx, Right::Configure)?;
            self.stands_for(tx, &object)
        })?;
        let mut targets = Vec::new();
        for name in locations {
            let message = message.clone();
            self.change(Room::Gives, call, move |tx| {
                Self::demand(tx, Right::Configure)?;
                // It may be gone since we looked.
                match store::location::by_name(tx, &name)? {
                    Some(row) => enable_logical(tx, &row, on, message.as_deref()),
                    None => Ok(()),
                }
            })?;
        }
        for name in actual {
            let wish = self.look(call, |tx| Ok(store::device::by_name(tx, &name)?.map(|row| row.wish)))?;
            let more = match (on, wish) {
                // One that is paused is enabled: what is paused is its output.
                (_, None) | (true, Some(DeviceWish::Started | DeviceWish::Suspended)) => Vec::new(),
                (true, Some(_)) => self.start_device(call, name.clone())?,
                (false, Some(_)) => self.drain_device(call, name.clone())?.1,
            };
            more.into_iter().for_each(|target| wakes::add(&mut targets, Some(target)));
            if let Some(message) = message.clone() {
                self.change(Room::Gives, call, move |tx| {
                    let Some(row) = store::device::to_change(tx, &name)? else { return Ok(()) };
                    leave_message(tx, Holder::Device(row.id), Object::Device(row.id), Some(&message))
                })?;
            }
        }
        Ok(targets)
    }

    /// Returns the destinations that `object` stands for: itself, the logical ones that feed a queue, or all of the server.
    fn stands_for(&self, tx: &Tx<'_>, object: &ManagedObject) -> Fallible<(Vec<LocationName>, Vec<DeviceName>)> {
        let of = |pattern: Option<LocationPattern>| -> Fallible<Vec<LocationName>> {
            let rows = match pattern {
                Some(pattern) => matching(tx, &pattern)?,
                None => every_location(tx)?,
            };
            Ok(rows.into_iter().filter(|row| row.kind != LocationKind::Outlet).map(|row| row.name).collect())
        };
        Ok(match object.class {
            ManagedClass::Medium
            | ManagedClass::InitialValueJob
            | ManagedClass::InitialValueDocument
            | ManagedClass::Station
            | ManagedClass::User => {
                return Err(bad(format!("a {} is neither enabled nor disabled", object.class.word())));
            }
            ManagedClass::Destination => match find(tx, &object.name)? {
                Found::Location(row) => (vec![row.name], Vec::new()),
                Found::Device(row) => (Vec::new(), vec![row.name]),
            },
            ManagedClass::Queue => {
                let group = group_of(tx, &object.name)?;
                (of(Some(LocationPattern::Group(group.name)))?, Vec::new())
            }
            ManagedClass::Server => {
                self.demand_server(object)?;
                let mut names = Vec::new();
                loop {
                    let page = store::device::list(tx, names.last())?;
                    let full = page.len() as u32 == crate::model::query::PAGE;
                    names.extend(page.into_iter().map(|row| row.name));
                    if !full {
                        break;
                    }
                }
                (of(None)?, names)
            }
        })
    }

    pub(super) fn demand_server(&self, object: &ManagedObject) -> Fallible<()> {
        if object.name.eq_ignore_ascii_case(self.server().as_str()) {
            return Ok(());
        }
        Err(Failure::not_found(format!("server {}", object.name)).hint(format!("the server here is {}", self.server())))
    }

    fn make_actual(&self, tx: &Tx<'_>, object: &ManagedObject, draft: &mut Draft) -> Fallible<()> {
        let name: DeviceName = object.name.trim_start_matches('$').parse()?;
        demand_new(tx, &object.name)?;
        for change in &draft.changes {
            self.check_change(change)?;
        }
        match draft.settings.process.clone() {
            Some(process) => {
                if store::process::to_change(tx, &process)?.is_none() {
                    return Err(devices::unknown_process(tx, &process)?);
                }
            }
            None => draft.settings.process = Some(process_for_new(tx)?),
        }
        let id = store::device::insert(tx, &store::device::local_name(tx, &name)?)?;
        store::device::set_settings(tx, id, &draft.settings)?;
        // It is disabled until somebody enables it: SPOOLER, START leaves it alone.
        store::device::set_wish(tx, id, DeviceWish::Stopped)?;
        store::managed::set(tx, Holder::Device(id), &draft.kept)?;
        set_rules(tx, Owner::Device(id), &Access::default(), &draft.access)?;
        // Behind all that it is: the record remembers it so.
        record(tx, Object::Device(id), EventWord::Declared, "as an actual destination")?;
        let row = store::device::by_id(tx, id)?.ok_or_else(|| Failure::internal("a new device cannot be found"))?;
        match &draft.queue {
            Some(queue) => make_outlet(tx, queue, &row),
            None => Ok(()),
        }
    }

    fn set_actual(
        &self,
        tx: &Tx<'_>,
        row: &DeviceRow,
        changes: &[ManagedChange],
        message: Option<&str>,
    ) -> Fallible<Aftermath> {
        let before = given(tx, Holder::Device(row.id))?;
        let outlet = store::location::outlet(tx, row.id)?;
        let mut draft = Draft::new(ManagedClass::Destination, Some(Realization::Actual));
        draft.settings = row.settings.clone();
        draft.kept.clone_from(&before);
        draft.queue = outlet.as_ref().map(|outlet| outlet.name.group.clone());
        let owner = Owner::Device(row.id);
        draft.access = store::access::of(tx, owner)?;
        let access = draft.access.clone();
        changes.iter().try_for_each(|change| draft.take(change, false))?;
        draft.finish()?;
        let queue_before = outlet.as_ref().map(|outlet| &outlet.name.group);
        let moved = draft.queue.as_ref() != queue_before;
        let changed: Vec<String> = changed(&before, &draft.kept).into_iter().map(str::to_owned).collect();
        let altered =
            moved || draft.settings != row.settings || changed.iter().any(|name| !ALWAYS.contains(&name.as_str()));
        if altered && row.wish != DeviceWish::Stopped {
            let name = &row.name;
            let failure = match row.wish {
                DeviceWish::Draining => Failure::new(
                    FailureKind::State,
                    format!("destination {name} is being disabled: it still has a job"),
                ),
                _ => Failure::new(FailureKind::State, format!("destination {name} is enabled")),
            };
            return Err(failure.hint(format!(
                "attributes of an actual destination are set while it is disabled: pddisable {name}, pdset, pdenable {name}"
            )));
        }
        for change in &draft.changes {
            self.check_change(change)?;
            if let DeviceChange::Process(process) = change
                && store::process::to_change(tx, process)?.is_none()
            {
                return Err(devices::unknown_process(tx, process)?);
            }
        }
        let settings = &draft.settings;
        let readdressed = settings.uri != row.settings.uri || settings.process != row.settings.process;
        if (readdressed || moved) && devices::is_busy(tx, row)? {
            let why = format!("destination {} still has a job of a print process that ended in mid-job", row.name);
            return Err(Failure::new(FailureKind::InUse, why).hint("PRINT $process, START gives it back"));
        }
        if *settings != row.settings {
            store::device::set_settings(tx, row.id, settings)?;
        }
        if settings.fifo != row.settings.fifo {
            for (route, _) in store::device::routes(tx, row.id)? {
                Self::reorder(tx, route)?;
            }
        }
        keep_message(&mut draft.kept, message);
        if draft.kept != before {
            store::managed::set(tx, Holder::Device(row.id), &draft.kept)?;
        }
        let mut said: Vec<String> = draft.changes.iter().map(ToString::to_string).collect();
        said.extend(changed);
        said.extend(set_rules(tx, owner, &access, &draft.access)?);
        let mut aftermath = Aftermath::default();
        if moved {
            said.push("associated-queue".to_owned());
            if let Some(outlet) = &outlet {
                remove(tx, outlet, &mut aftermath)?;
            }
            if let Some(queue) = &draft.queue {
                make_outlet(tx, queue, row)?;
            }
        }
        if !said.is_empty() {
            record(tx, Object::Device(row.id), EventWord::Altered, &said.join(", "))?;
        }
        if let Some(message) = message.filter(|text| !text.is_empty()) {
            record(tx, Object::Device(row.id), EventWord::Message, message)?;
        }
        if row.stopped_by_error {
            if settings.restart != row.settings.restart {
                device_errors::set_restart(tx, &devices::by_id(tx, row)?)?;
            }
            if let Some(process) = &settings.process
                && device_errors::restart_at(tx, &devices::by_id(tx, row)?)?.is_some()
            {
                wakes::add(&mut aftermath.targets, wakes::target(tx, process)?);
            }
        }
        Ok(aftermath)
    }
}

pub(super) fn bad(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::BadValue, message)
}

/// Returns what a new destination is to be.
fn realization_of(changes: &[ManagedChange]) -> Fallible<Realization> {
    let last = changes.iter().rev().find(|change| change.field == Field::DestinationRealization);
    match last.map(|change| &change.edit) {
        Some(ManagedEdit::Set(Value::Text(word))) if word == "logical" => Ok(Realization::Logical),
        Some(ManagedEdit::Set(Value::Text(word))) if word == "actual" => Ok(Realization::Actual),
        _ => Err(bad("destination-realization is missing: a destination is logical or actual")
            .hint("-x \"destination-realization=logical associated-queue=QUEUE\"   makes what jobs are sent to")
            .hint("-x \"destination-realization=actual associated-queue=QUEUE destination-tcpip-internet-address=HOST\"   makes a printer")),
    }
}

/// Settings of a device that is made as a destination: text without header pages, jobs in the order in which they arrive.
fn settings_of_new() -> DeviceSettings {
    let mut settings = DeviceSettings::default();
    settings.apply(&DeviceChange::Header(HeaderPages::Off));
    settings.apply(&DeviceChange::Fifo(true));
    settings
}

/// Makes a spool ACTIVE in which nothing was declared yet: one that is born here takes jobs and prints them.
fn become_active(tx: &Tx<'_>) -> Fallible<()> {
    let counts = store::tally::counts(tx)?;
    let bare = counts.devices == 0 && counts.locations == 0 && counts.processes == 0;
    if bare && store::spool::state(tx)? == SpoolerState::Cold {
        store::spool::set_state(tx, SpoolerState::Active)?;
        record(tx, Object::Spool, EventWord::Started, "its first object was made")?;
    }
    Ok(())
}

/// Finds a print process for a new device, or declares one.
fn process_for_new(tx: &Tx<'_>) -> Fallible<ProcessName> {
    let usual: ProcessName = USUAL_PROCESS.parse()?;
    let there = store::process::list(tx, None)?;
    // One without a program is started by its user alone.
    let started = there.iter().filter(|process| process.file.is_some());
    if let Some(found) = started.clone().find(|process| process.name == usual).or_else(|| started.clone().next()) {
        return Ok(found.name.clone());
    }
    let mut name = usual;
    for n in b'B'..=b'Z' {
        if there.iter().all(|process| process.name != name) {
            break;
        }
        name = format!("SPL{}", char::from(n)).parse()?;
    }
    let id = store::process::insert(tx, &name)?;
    let mut row = store::process::by_id(tx, id)?.ok_or_else(|| Failure::internal("a new process cannot be found"))?;
    row.apply(&ProcessChange::File(PROGRAM.to_owned()));
    store::process::set_attributes(tx, &row)?;
    record(tx, Object::Process(id), EventWord::Declared, "for an actual destination")?;
    Ok(name)
}

/// Refuses the name of a destination that is there already.
fn demand_new(tx: &Tx<'_>, name: &str) -> Fallible<()> {
    let plain = name.trim_start_matches('$');
    if plain.contains('.') {
        return Err(bad(format!("'{plain}' contains '.'; here the name of a destination has none"))
            .hint("a location of spoolcom is written GROUP.DEST"));
    }
    let device = plain.parse::<DeviceName>().ok().map(|name| store::device::by_name(tx, &name)).transpose()?.flatten();
    let there = device.map(|row| row.name.to_string());
    let there = match there {
        Some(name) => Some(name),
        None => store::location::logical(tx, plain)?.map(|row| row.name.dest.to_string()),
    };
    match there {
        Some(name) => Err(exists(ManagedClass::Destination, &name)),
        None => Ok(()),
    }
}

fn exists(class: ManagedClass, name: &str) -> Failure {
    Failure::new(FailureKind::State, format!("{} {name} exists already", class.word()))
}

/// Finds a queue, locked.
pub(super) fn group_of(tx: &Tx<'_>, name: &str) -> Fallible<GroupRow> {
    let name: GroupName = name.trim_start_matches('#').parse()?;
    store::location::group_to_change(tx, &name)?.ok_or_else(|| {
        Failure::not_found(format!("queue {name}")).hint(format!("pdcreate -c queue SERVER:{name}   makes it"))
    })
}

/// Finds a destination: a logical one by its name, a location by `group.dest` or by a `dest` that is unique, a device.
pub(super) fn find(tx: &Tx<'_>, name: &str) -> Fallible<Found> {
    let device = |name: &str| -> Fallible<Option<Found>> {
        let Ok(name) = name.parse::<DeviceName>() else { return Ok(None) };
        Ok(store::device::to_change(tx, &name)?.map(|row| Found::Device(Box::new(row))))
    };
    let locked = |row: LocationRow| -> Fallible<Found> {
        tx.lock(Lock::Route(row.route))?;
        tx.lock(Lock::Route(row.group.route))?;
        let row = store::location::by_name(tx, &row.name)?.ok_or_else(|| Failure::not_found(&row.name))?;
        Ok(Found::Location(Box::new(row)))
    };
    if let Some(plain) = name.strip_prefix('$') {
        return device(plain)?.ok_or_else(|| super::locations::unknown(tx, name, "destination").unwrap_or_else(|e| e));
    }
    if let Some(row) = store::location::logical(tx, name)? {
        return locked(row);
    }
    let found = match name.parse::<LocationPattern>() {
        Ok(LocationPattern::Group(_)) | Err(_) => Vec::new(),
        Ok(pattern) => matching(tx, &pattern)?,
    };
    let mut found: Vec<LocationRow> = found.into_iter().filter(|row| row.kind != LocationKind::Outlet).collect();
    if found.len() > 1 {
        let names: Vec<String> = found.iter().take(10).map(|row| row.name.to_string()).collect();
        return Err(Failure::new(
            FailureKind::Ambiguous,
            format!("{name} is the name of {} destinations", found.len()),
        )
        .hint(format!("say which: {}", names.join(", "))));
    }
    match found.pop() {
        Some(row) => locked(row),
        None => match device(name)? {
            Some(found) => Ok(found),
            None => Err(super::locations::unknown(tx, name, "destination")?),
        },
    }
}

fn every_location(tx: &Tx<'_>) -> Fallible<Vec<LocationRow>> {
    let mut rows: Vec<LocationRow> = Vec::new();
    loop {
        let page = store::location::list(tx, None, rows.last().map(|row| &row.name))?;
        let full = page.len() as u32 == crate::model::query::PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

fn given(tx: &Tx<'_>, holder: Holder) -> Fallible<BTreeMap<Field, Value>> {
    Ok(store::managed::of(tx, holder)?.into_iter().collect())
}

/// Returns the names of what differs.
fn changed<'a>(before: &'a BTreeMap<Field, Value>, after: &'a BTreeMap<Field, Value>) -> Vec<&'a str> {
    let fields: BTreeSet<&Field> = before.keys().chain(after.keys()).collect();
    fields.into_iter().filter(|field| before.get(field) != after.get(field)).map(Field::stored).collect()
}

/// Stores the rules of an object, if they differ. Returns how that is said.
fn set_rules(tx: &Tx<'_>, owner: Owner, before: &Access, after: &Access) -> Fallible<Option<String>> {
    if before == after {
        return Ok(None);
    }
    store::access::set(tx, owner, after)?;
    Ok(Some(format!("ACCESS {after}")))
}

/// Stores what an operator says of an object, and puts it into its history.
pub(super) fn leave_message(tx: &Tx<'_>, holder: Holder, object: Object, message: Option<&str>) -> Fallible<()> {
    let Some(text) = message else { return Ok(()) };
    let mut kept = given(tx, holder)?;
    keep_message(&mut kept, message);
    store::managed::set(tx, holder, &kept)?;
    record(tx, object, EventWord::Message, text)
}

/// Tells whether a change waits to be issued, where edits are staged.
fn may_be_staged(class: ManagedClass, change: &ManagedChange) -> bool {
    EditedClass::of(class).is_some_and(|class| class.stages(change.field))
}

/// Stages what is staged of changes. Returns how much that is, and the changes that are left.
fn stage_some(
    tx: &Tx<'_>,
    object: &ManagedObject,
    changes: Vec<ManagedChange>,
) -> Fallible<(Staged, Vec<ManagedChange>)> {
    if !changes.iter().any(|change| may_be_staged(object.class, change)) {
        return Ok((Staged::default(), changes));
    }
    let Some(class) = changes::staged_class(tx, object.class)? else { return Ok((Staged::default(), changes)) };
    let name = match class {
        EditedClass::Queue => group_of(tx, &object.name)?.name.to_string(),
        _ => match find(tx, &object.name)? {
            Found::Device(row) => row.name.to_string(),
            Found::Location(_) => return Ok((Staged::default(), changes)),
        },
    };
    changes::sets(tx, (class, &name), &changes)
}

/// A new queue is as it was made from its first job on. Only the queues that it names wait until they are issued, where edits are staged:
/// they reach other servers.
fn make_queue(tx: &Tx<'_>, object: &ManagedObject, draft: &mut Draft) -> Fallible<Staged> {
    let name: GroupName = object.name.trim_start_matches('#').parse()?;
    if let Some(row) = store::location::group(tx, &name)? {
        return Err(exists(ManagedClass::Queue, row.name.as_str()));
    }
    let mut named = Vec::new();
    if changes::is_on(tx)?
        && let Some(field) = Field::from_stored("compatible-queues")
        && let Some(value) = draft.kept.remove(&field)
    {
        named.push(ManagedChange { field, edit: ManagedEdit::Set(value) });
    }
    let id = store::location::insert_group(tx, &name)?;
    store::location::set_declared(tx, id, true)?;
    if draft.broadcast {
        store::location::set_broadcast(tx, id, true)?;
    }
    store::managed::set(tx, Holder::Group(id), &draft.kept)?;
    set_rules(tx, Owner::Group(id), &Access::default(), &draft.access)?;
    store::backlog::bind(tx, id)?;
    record_of_group(tx, id, EventWord::Declared, &format!("queue {name}"))?;
    if named.is_empty() {
        return Ok(Staged::default());
    }
    changes::sets(tx, (EditedClass::Queue, name.as_str()), &named).map(|(staged, _)| staged)
}

fn set_queue(tx: &Tx<'_>, object: &ManagedObject, changes: &[ManagedChange], message: Option<&str>) -> Fallible<()> {
    let row = group_of(tx, &object.name)?;
    let before = given(tx, Holder::Group(row.id))?;
    let mut draft = Draft::new(ManagedClass::Queue, None);
    draft.broadcast = row.broadcast;
    draft.kept.clone_from(&before);
    let owner = Owner::Group(row.id);
    draft.access = store::access::of(tx, owner)?;
    let access = draft.access.clone();
    changes.iter().try_for_each(|change| draft.take(change, false))?;
    draft.finish()?;
    let mut said: Vec<String> = changed(&before, &draft.kept).into_iter().map(str::to_owned).collect();
    if draft.broadcast != row.broadcast {
        store::location::set_broadcast(tx, row.id, draft.broadcast)?;
        said.push(if draft.broadcast { "BROADCAST ON" } else { "BROADCAST OFF" }.to_owned());
    }
    said.extend(set_rules(tx, owner, &access, &draft.access)?);
    let said = said.join(", ");
    keep_message(&mut draft.kept, message);
    if draft.kept != before {
        store::managed::set(tx, Holder::Group(row.id), &draft.kept)?;
    }
    if !said.is_empty() {
        record_of_group(tx, row.id, EventWord::Altered, &format!("queue {}: {said}", row.name))?;
    }
    store::backlog::bind(tx, row.id)?;
    match message {
        Some(message) => record(tx, Object::Spool, EventWord::Message, &format!("queue {}: {message}", row.name)),
        None => Ok(()),
    }
}

fn delete_queue(tx: &Tx<'_>, object: &ManagedObject) -> Fallible<()> {
    let row = group_of(tx, &object.name)?;
    let locations = matching(tx, &LocationPattern::Group(row.name.clone()))?;
    if let Some(first) = locations.first() {
        let has =
            if locations.len() == 1 { "1 destination".to_owned() } else { format!("{} destinations", locations.len()) };
        return Err(Failure::new(FailureKind::InUse, format!("queue {} still has {has}", row.name))
            .hint(format!("pddelete -c destination {}   deletes one", first.name.dest)));
    }
    let jobs = store::location::group_job_count(tx, row.id, COUNT_LIMIT)?;
    if jobs > 0 {
        return Err(in_use(&format!("queue {}", row.name), jobs));
    }
    store::location::set_declared(tx, row.id, false)?;
    store::location::delete_group_if_empty(tx, &GroupRow { declared: false, ..row.clone() })
}

fn set_server(tx: &Tx<'_>, changes: &[ManagedChange], message: Option<&str>) -> Fallible<()> {
    let before = given(tx, Holder::Spool)?;
    let mut draft = Draft::new(ManagedClass::Server, None);
    draft.kept.clone_from(&before);
    draft.access = store::access::of(tx, Owner::Spool)?;
    let access = draft.access.clone();
    changes.iter().try_for_each(|change| draft.take(change, false))?;
    draft.finish()?;
    let mut said: Vec<String> = changed(&before, &draft.kept).into_iter().map(str::to_owned).collect();
    said.extend(set_rules(tx, Owner::Spool, &access, &draft.access)?);
    let said = said.join(", ");
    keep_message(&mut draft.kept, message);
    if draft.kept != before {
        store::managed::set(tx, Holder::Spool, &draft.kept)?;
    }
    if !said.is_empty() {
        record(tx, Object::Spool, EventWord::Altered, &said)?;
    }
    match message {
        Some(message) => record(tx, Object::Spool, EventWord::Message, message),
        None => Ok(()),
    }
}

fn make_logical(tx: &Tx<'_>, object: &ManagedObject, draft: &Draft) -> Fallible<()> {
    demand_new(tx, &object.name)?;
    let dest: DestName = object.name.parse()?;
    let Some(queue) = &draft.queue else {
        return Err(bad("associated-queue is missing: a logical destination feeds a queue")
            .hint("-x \"associated-queue=QUEUE\"   names it"));
    };
    let group = group_of(tx, queue.as_str())?;
    let name = LocationName { group: group.name.clone(), dest };
    if let Some(row) = store::location::by_name(tx, &name)? {
        return Err(Failure::new(FailureKind::State, format!("there is a location {} already", row.name)));
    }
    let id = store::location::insert(tx, group.id, &name.dest)?;
    store::location::set_kind(tx, id, LocationKind::Logical, true)?;
    // It is disabled until somebody enables it.
    store::location::set_takes_jobs(tx, id, false)?;
    store::location::set_content(tx, id, draft.content)?;
    store::managed::set(tx, Holder::Location(id), &draft.kept)?;
    set_rules(tx, Owner::Location(id), &Access::default(), &draft.access)?;
    record(tx, Object::Location(id), EventWord::Declared, &format!("{name}, as a logical destination"))
}

fn set_logical(tx: &Tx<'_>, row: &LocationRow, changes: &[ManagedChange], message: Option<&str>) -> Fallible<()> {
    let before = given(tx, Holder::Location(row.id))?;
    let mut draft = Draft::new(ManagedClass::Destination, Some(Realization::Logical));
    draft.queue = Some(row.group.name.clone());
    draft.content = row.content;
    draft.kept.clone_from(&before);
    let owner = Owner::Location(row.id);
    draft.access = store::access::of(tx, owner)?;
    let access = draft.access.clone();
    changes.iter().try_for_each(|change| draft.take(change, false))?;
    draft.finish()?;
    let mut said: Vec<String> = changed(&before, &draft.kept).into_iter().map(str::to_owned).collect();
    let names_queue = changes.iter().any(|change| change.field == Field::AssociatedQueue);
    if names_queue {
        set_queue_of(tx, row, draft.queue.as_ref(), &mut said)?;
    }
    if draft.content != row.content {
        store::location::set_content(tx, row.id, draft.content)?;
        said.push(format!("CONTENT {}", crate::model::location::content_word(draft.content)));
    }
    said.extend(set_rules(tx, owner, &access, &draft.access)?);
    keep_message(&mut draft.kept, message);
    if draft.kept != before {
        store::managed::set(tx, Holder::Location(row.id), &draft.kept)?;
    }
    if !said.is_empty() {
        record(tx, Object::Location(row.id), EventWord::Altered, &said.join(", "))?;
    }
    match message {
        Some(message) => record(tx, Object::Location(row.id), EventWord::Message, message),
        None => Ok(()),
    }
}

/// Has a logical destination feed `queue`, whole.
fn set_queue_of(tx: &Tx<'_>, row: &LocationRow, queue: Option<&GroupName>, said: &mut Vec<String>) -> Fallible<()> {
    let Some(queue) = queue else {
        return Err(bad("associated-queue: a logical destination feeds a queue, and can be moved to another one"));
    };
    if *queue == row.group.name && row.whole_group {
        return Ok(());
    }
    if row.kind == LocationKind::Location && *queue != row.group.name {
        return Err(bad(format!(
            "associated-queue: {} was declared with spoolcom, and its group is part of its name",
            row.name
        )));
    }
    let jobs = store::location::job_count(tx, row.id, COUNT_LIMIT)?;
    if jobs > 0 {
        return Err(in_use(&format!("destination {}", row.name.dest), jobs));
    }
    if *queue != row.group.name {
        let group = group_of(tx, queue.as_str())?;
        let name = LocationName { group: group.name.clone(), dest: row.name.dest.clone() };
        if store::location::by_name(tx, &name)?.is_some() {
            return Err(Failure::new(FailureKind::State, format!("there is a location {name} already")));
        }
        store::location::set_group(tx, row.id, group.id)?;
        store::location::delete_group_if_empty(tx, &row.group)?;
    }
    store::location::set_device(tx, row.id, None)?;
    store::location::set_kind(tx, row.id, row.kind, true)?;
    said.push(format!("to #{queue}"));
    Ok(())
}

fn delete_logical(tx: &Tx<'_>, row: &LocationRow) -> Fallible<()> {
    let jobs = store::location::job_count(tx, row.id, COUNT_LIMIT)?;
    if jobs > 0 {
        return Err(in_use(&format!("destination {}", row.name.dest), jobs));
    }
    store::location::delete(tx, row)?;
    record(tx, Object::Location(row.id), EventWord::Deleted, &row.name.to_string())?;
    store::location::delete_group_if_empty(tx, &row.group)
}

fn enable_logical(tx: &Tx<'_>, row: &LocationRow, on: bool, message: Option<&str>) -> Fallible<()> {
    tx.lock(Lock::Route(row.route))?;
    if on {
        super::kept::demand_defaults(tx, &given(tx, Holder::Location(row.id))?)?;
    }
    if row.takes_jobs != on {
        store::location::set_takes_jobs(tx, row.id, on)?;
        let (word, why) = if on { (EventWord::Started, "enabled") } else { (EventWord::Stopped, "disabled") };
        record(tx, Object::Location(row.id), word, why)?;
    }
    leave_message(tx, Holder::Location(row.id), Object::Location(row.id), message)
}

/// Makes the location that leads from `queue` to a device.
fn make_outlet(tx: &Tx<'_>, queue: &GroupName, device: &DeviceRow) -> Fallible<()> {
    let group = group_of(tx, queue.as_str())?;
    let dest: DestName = device.name.to_string().parse().map_err(|_| {
        bad(format!("associated-queue: {} cannot have a queue: its name is no name of a location", device.name))
    })?;
    let name = LocationName { group: group.name.clone(), dest };
    if let Some(row) = store::location::by_name(tx, &name)? {
        return Err(Failure::new(FailureKind::State, format!("there is a location {} already", row.name)));
    }
    let id = store::location::insert(tx, group.id, &name.dest)?;
    store::location::set_kind(tx, id, LocationKind::Outlet, false)?;
    store::location::set_device(tx, id, Some(device.id))?;
    Spool::reorder(tx, group.route)?;
    record(tx, Object::Location(id), EventWord::Declared, &format!("{name}, for {}", device.name.guardian()))
}

/// Removes a location without jobs that leads to a device.
fn remove(tx: &Tx<'_>, row: &LocationRow, aftermath: &mut Aftermath) -> Fallible<()> {
    tx.lock(Lock::Route(row.route))?;
    tx.lock(Lock::Route(row.group.route))?;
    let jobs = store::location::job_count(tx, row.id, COUNT_LIMIT)?;
    if jobs > 0 {
        return Err(in_use(&format!("destination {}", row.name.dest), jobs));
    }
    store::location::set_device(tx, row.id, None)?;
    if let Some(device) = row.device {
        super::locations::leaves_group(tx, row, device, aftermath)?;
    }
    store::location::delete(tx, row)?;
    Spool::reorder(tx, row.group.route)?;
    record(tx, Object::Location(row.id), EventWord::Deleted, &row.name.to_string())?;
    store::location::delete_group_if_empty(tx, &row.group)
}

fn delete_actual(tx: &Tx<'_>, row: &DeviceRow) -> Fallible<()> {
    let name = &row.name;
    if row.wish != DeviceWish::Stopped {
        return Err(Failure::new(FailureKind::State, format!("destination {name} is enabled"))
            .hint(format!("pddisable {name}   disables it")));
    }
    let outlet = store::location::outlet(tx, row.id)?;
    let others = store::location::of_device(tx, row.id)?;
    let_go(tx, row.id)?;
    if let Some(other) = others.iter().find(|other| other.kind != LocationKind::Outlet) {
        return Err(Failure::new(FailureKind::InUse, format!("location {} leads to destination {name}", other.name))
            .hint(format!("spoolcom 'LOC {}, DEV NONE'   disconnects it", other.name)));
    }
    if devices::is_busy(tx, row)? || store::entry::any_only_for(tx, row.id)? {
        return Err(Failure::new(FailureKind::InUse, format!("destination {name} still has jobs of its own")));
    }
    if let Some(outlet) = outlet {
        // No part of a job waits for it alone: nothing is erased, and nobody has more to do.
        remove(tx, &outlet, &mut Aftermath::default())?;
    }
    store::device::delete(tx, row.id)?;
    record(tx, Object::Device(row.id), EventWord::Deleted, &name.guardian())
}
