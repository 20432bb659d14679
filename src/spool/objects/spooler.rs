//! The spooler as a whole: its state and its counts.

use rusqlite::Connection;

use crate::model::Caller;
use crate::model::authority::Right;
use crate::model::job::RawPath;
use crate::model::state::DeviceWish;
use crate::model::time::Moment;
use crate::store::event::{Object, record};
use crate::store::{self, Fallible};

use crate::spool::interface::records::{SpoolStatus, SpoolerState};
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

impl Spool {
    pub(crate) fn about(&self) -> Fallible<SpoolStatus> {
        self.look(|db| {
            let row = store::spool::row(db)?;
            let counts = store::spool::counts(db)?;
            let restored = store::restored::since(db)?.is_some();
            Ok(SpoolStatus {
                spool_id: row.spool_id,
                server: self.server().clone(),
                base: RawPath(self.base().root().to_path_buf()),
                state: row.state,
                creator_uid: row.trust.creator_uid,
                manager_access: row.trust.manager_access,
                jobs: counts.jobs,
                open_jobs: counts.open_jobs,
                printing_jobs: counts.printing_jobs,
                devices: counts.devices,
                locations: counts.locations,
                processes: counts.processes,
                last_error: match (restored, self.base().ballast().exists()) {
                    (true, _) => Some(
                        "spool.db was restored: what it knows is held, nothing is erased until pdfsck --accept"
                            .to_owned(),
                    ),
                    (false, false) => Some("the disk was full: room is being kept for completing jobs".to_owned()),
                    (false, true) => None,
                },
            })
        })
    }

    /// ACTIVE: devices that nobody has touched yet are started, and whatever has work.
    pub(crate) fn start_spooler(&self, caller: &Caller, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        let (user, moment) = (caller.clone(), now.clone());
        let may_have_entry = self.base().has_fastcnfg();
        let targets = self.change(Room::Gives, move |db| {
            Self::demand(db, &user, Right::Configure)?;
            let state = store::spool::row(db)?.state;
            if state != SpoolerState::Active {
                store::spool::set_state(db, SpoolerState::Active)?;
                record(db, &moment, Object::Spool, &user.user, "started", &format!("was {}", state.word()))?;
            }
            for device in store::device::untouched(db, may_have_entry)? {
                store::device::set_wish(db, device.id, DeviceWish::Started)?;
                record(db, &moment, Object::Device(device.id), &user.user, "started", "SPOOLER START")?;
            }
            with_work(db)
        })?;
        self.sweep()?;
        Ok(targets)
    }

    pub(crate) fn drain_spooler(&self, caller: &Caller, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        let (caller, now) = (caller.clone(), now.clone());
        self.change(Room::Gives, move |db| {
            Self::demand(db, &caller, Right::Configure)?;
            if store::spool::row(db)?.state == SpoolerState::Warm {
                return Ok(Vec::new());
            }
            store::spool::set_state(db, SpoolerState::Drain)?;
            record(db, &now, Object::Spool, &caller.user, "drained", "")?;
            settle_drain(db, &now)?;
            running(db)
        })
    }

    pub(crate) fn set_manager_access(&self, caller: &Caller, on: bool, now: &Moment) -> Fallible<()> {
        let (caller, now) = (caller.clone(), now.clone());
        self.change(Room::Takes, move |db| {
            Self::demand(db, &caller, Right::Configure)?;
            store::spool::set_manager_access(db, on)?;
            record(db, &now, Object::Spool, &caller.user, "altered", if on { "MGRACCESS ON" } else { "MGRACCESS OFF" })
        })
    }
}

/// A draining spooler is WARM when no attempt runs any more.
pub(crate) fn settle_drain(db: &Connection, now: &Moment) -> Fallible<()> {
    if store::spool::state(db)? == SpoolerState::Drain && store::spool::counts(db)?.printing_jobs == 0 {
        store::spool::set_state(db, SpoolerState::Warm)?;
        record(db, now, Object::Spool, "spooler", "stopped", "every attempt has ended")?;
    }
    Ok(())
}

/// Every process that has a started device with work, or one that is held open.
fn with_work(db: &Connection) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(db, None)? {
        if crate::spool::printing::claims::process_has_work(db, &process)? {
            wakes::add(&mut targets, wakes::target(db, &process.name)?);
        }
    }
    Ok(targets)
}

/// Every process that runs.
fn running(db: &Connection) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(db, None)? {
        if process.running {
            wakes::add(&mut targets, wakes::target(db, &process.name)?);
        }
    }
    Ok(targets)
}
