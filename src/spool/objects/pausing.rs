//! Pausing and resuming what prints: an actual destination, a queue, or all of the server.
//!
//! States: a device that is started becomes suspended, whatever it does; its job stands still where it is. With
//! [`PauseWhen::AfterJob`] one that prints goes on to the end of its job: the claim of the next one suspends it instead; until
//! then its displays say so. One that is disabled, or that will be when its job is done, is not paused: that would undo it. A
//! paused queue takes jobs, and none of its routes gives one to a device; a job that is being printed goes on. Pausing keeps
//! back what goes out; enabling decides what comes in.
//!
//! Who may: of a device whoever may operate it, of a queue and the server whoever may configure the spool.
//!
//! A crash: each device and each queue is changed in one transaction of its own.

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::managed::{ManagedClass, ManagedObject, PauseWhen};
use crate::model::query::PAGE;
use crate::model::state::{DeviceWish, EntryState};
use crate::model::{Call, DeviceName, Failure, FailureKind, GroupName};
use crate::store::event::{Object, record};
use crate::store::managed::Holder;
use crate::store::{self, Fallible};

use super::devices::not_found;
use super::managed::{Found, bad, find, group_of, leave_message};
use crate::spool::printing::{device_errors, wakes};
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    /// Pauses or resumes what `object` stands for. Returns the print processes that have to act.
    pub(crate) fn pause_managed(
        &self,
        call: &Call,
        object: ManagedObject,
        pause: Option<PauseWhen>,
        message: Option<String>,
    ) -> Fallible<Vec<WakeTarget>> {
        let message = message.as_deref();
        match object.class {
            ManagedClass::Destination => {
                let name = self.look(call, |tx| match find(tx, &object.name)? {
                    Found::Device(row) => Ok(row.name),
                    Found::Location(row) => Err(Failure::new(
                        FailureKind::State,
                        format!("destination {} is logical: it holds no jobs that could wait", object.name),
                    )
                    .hint(format!("pdpause -c queue {}   keeps back the jobs of its queue", row.name.group))
                    .hint(format!("pddisable {}   has it take no jobs", object.name))),
                })?;
                self.pause_device(call, &name, pause, message)
            }
            ManagedClass::Queue => {
                let name: GroupName = object.name.trim_start_matches('#').parse()?;
                self.pause_queue(call, &name, pause.is_some(), message)
            }
            ManagedClass::Server => self.pause_server(call, &object, pause, message),
            other => Err(bad(format!("a {} is neither paused nor resumed", other.word()))),
        }
    }

    fn pause_server(
        &self,
        call: &Call,
        object: &ManagedObject,
        pause: Option<PauseWhen>,
        message: Option<&str>,
    ) -> Fallible<Vec<WakeTarget>> {
        self.look(call, |tx| {
            self.demand_server(object)?;
            Self::demand(tx, Right::Configure)
        })?;
        let mut targets = Vec::new();
        let mut after = None;
        loop {
            let page: Vec<GroupName> = self.groups(call, after)?.into_iter().map(|group| group.name).collect();
            for name in &page {
                for target in self.pause_queue(call, name, pause.is_some(), message)? {
                    wakes::add(&mut targets, Some(target));
                }
            }
            if (page.len() as u32) < PAGE {
                break;
            }
            after = page.into_iter().last();
        }
        let mut last: Option<DeviceName> = None;
        loop {
            let page = self.look(call, |tx| store::device::list(tx, last.as_ref()))?;
            for row in &page {
                // One that is disabled prints nothing anyhow, and stays disabled.
                if !matches!(row.wish, DeviceWish::Started | DeviceWish::Suspended) {
                    continue;
                }
                for target in self.pause_device(call, &row.name, pause, message)? {
                    wakes::add(&mut targets, Some(target));
                }
            }
            if (page.len() as u32) < PAGE {
                break;
            }
            last = page.into_iter().last().map(|row| row.name);
        }
        Ok(targets)
    }

    fn pause_queue(
        &self,
        call: &Call,
        name: &GroupName,
        pause: bool,
        message: Option<&str>,
    ) -> Fallible<Vec<WakeTarget>> {
        let (name, message) = (name.clone(), message.map(str::to_owned));
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = group_of(tx, name.as_str())?;
            leave_message(tx, Holder::Group(row.id), Object::Spool, message.as_deref())?;
            if row.paused == pause {
                return Ok(Vec::new());
            }
            store::location::set_paused(tx, row.id, pause)?;
            let what = if pause { EventWord::Paused } else { EventWord::Resumed };
            record(tx, Object::Spool, what, &format!("queue {}", row.name))?;
            if pause { Ok(Vec::new()) } else { wakes::of_route(tx, row.route) }
        })
    }

    fn pause_device(
        &self,
        call: &Call,
        name: &DeviceName,
        pause: Option<PauseWhen>,
        message: Option<&str>,
    ) -> Fallible<Vec<WakeTarget>> {
        let wish = self.look(call, |tx| match store::device::by_name(tx, name)? {
            Some(row) => {
                Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &row)? }).map(|()| row.wish)
            }
            None => Err(not_found(tx, name)),
        })?;
        demand_enabled(name, wish)?;
        let targets = match pause {
            None => self.start_device(call, name.clone())?,
            Some(when) => self.suspend_whatever_it_does(call, name, when)?,
        };
        if let Some(message) = message.map(str::to_owned) {
            let name = name.clone();
            self.change(Room::Gives, call, move |tx| {
                let Some(row) = store::device::to_change(tx, &name)? else { return Ok(()) };
                leave_message(tx, Holder::Device(row.id), Object::Device(row.id), Some(&message))
            })?;
        }
        Ok(targets)
    }

    /// Suspends a device that is started, at once or when its job is done.
    fn suspend_whatever_it_does(&self, call: &Call, name: &DeviceName, when: PauseWhen) -> Fallible<Vec<WakeTarget>> {
        let name = name.clone();
        self.change(Room::Gives, call, move |tx| {
            let row = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &row)? })?;
            demand_enabled(&name, row.wish)?;
            if row.wish == DeviceWish::Suspended {
                return Ok(Vec::new());
            }
            let claimed = !store::entry::of_device(tx, row.id, EntryState::Claimed)?.is_empty();
            if claimed && when == PauseWhen::AfterJob {
                if !row.pause_next {
                    store::device::set_pause_next(tx, row.id, true)?;
                    record(tx, Object::Device(row.id), EventWord::Paused, "when its job is done")?;
                }
                return Ok(Vec::new());
            }
            store::device::set_wish(tx, row.id, DeviceWish::Suspended)?;
            device_errors::no_more_tries(tx, &row)?;
            record(tx, Object::Device(row.id), EventWord::Suspended, "")?;
            let target = match &row.settings.process {
                Some(process) => wakes::target(tx, process)?,
                None => None,
            };
            Ok(target.into_iter().filter(|target| target.running).collect())
        })
    }
}

/// Refuses to pause or resume a device that is disabled, or that will be when its job is done.
fn demand_enabled(name: &DeviceName, wish: DeviceWish) -> Fallible<()> {
    let why = match wish {
        DeviceWish::Started | DeviceWish::Suspended => return Ok(()),
        DeviceWish::Stopped => "is disabled: it prints nothing",
        DeviceWish::Draining => "is being disabled: it ends when its job is done",
    };
    let failure = Failure::new(FailureKind::State, format!("destination {name} {why}"));
    Err(failure.hint(format!("pdenable {name}   has it take and print jobs")))
}
