//! Collectors: declaring, starting and draining the doors by which jobs come in.
//!
//! States: Dormant until START, Active from then on, Drain from DRAIN on while jobs are still arriving, then Dormant again.
//! SPOOLER START starts every collector, SPOOLER DRAIN drains every one. Attributes change only while a collector is dormant.
//!
//! A spool in which no collector was ever declared has one, `$S`, without a row: it follows the state of the spooler. The
//! first COLLECT command gives it a row, unless the spooler was never started: nobody has come in by it then.
//!
//! Who may: only the creator of the spool declares, alters, starts, drains and deletes. Anybody looks.
//!
//! A crash: each change is one transaction. Whether a drained collector still waits for jobs follows from the jobs.

use crate::model::authority::Right;
use crate::model::collector::{CollectorChange, CollectorState, CollectorStatus, CollectorWish, is_collector_program};
use crate::model::event::EventWord;
use crate::model::kept::KeptWords;
use crate::model::state::SpoolerState;
use crate::model::{Call, CollectorId, CollectorName, Failure, FailureKind};
use crate::store::collector::CollectorRow;
use crate::store::event::{Object, record};
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::files;

use crate::spool::{Room, Spool};

/// What a full file system is called in numbers.
const DISK_FULL: u32 = 43;

impl Spool {
    /// Changes the attributes of a dormant collector, or declares it.
    pub(crate) fn change_collector(
        &self,
        call: &Call,
        name: CollectorName,
        changes: Vec<CollectorChange>,
    ) -> Fallible<()> {
        for change in &changes {
            if let CollectorChange::File(file) = change
                && !is_collector_program(file)
            {
                let what = format!("FILE {file}: there is no such collector program");
                return Err(Failure::new(FailureKind::BadValue, what)
                    .hint("a program whose last part is CSPOOL; no program runs, whatever its name"));
            }
        }
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let mut row = match existing(tx, &name, Declares::Yes)? {
                Some(row) => {
                    let mut altered = row.clone();
                    changes.iter().for_each(|change| altered.apply(change));
                    if altered == row {
                        return Ok(());
                    }
                    demand_dormant(tx, &row)?;
                    demand_same_unit(&row, &altered)?;
                    row
                }
                None => {
                    super::additions::demand_additions(tx)?;
                    super::doors::demand_no_door(tx, &name)?;
                    declare(tx, &name)?
                }
            };
            changes.iter().for_each(|change| row.apply(change));
            store::collector::set_attributes(tx, &row)?;
            let altered = |change: &CollectorChange| {
                record(tx, Object::Collector(row.id), EventWord::Altered, &change.to_string())
            };
            changes.iter().try_for_each(altered)
        })
    }

    /// Has a collector take jobs.
    pub(crate) fn start_collector(&self, call: &Call, name: CollectorName) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let row = existing(tx, &name, Declares::No)?.ok_or_else(|| not_found(&name))?;
            if store::spool::state(tx)? == SpoolerState::Drain {
                return Err(Failure::new(FailureKind::SpoolerState, "the spooler drains: no collector is started")
                    .hint("SPOOLER, START takes the drain back, and starts the collectors"));
            }
            start(tx, &row, "")
        })
    }

    /// Has a collector take no new jobs. Returns its state.
    pub(crate) fn drain_collector(&self, call: &Call, name: CollectorName) -> Fallible<CollectorState> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let row = existing(tx, &name, Declares::No)?.ok_or_else(|| not_found(&name))?;
            drain(tx, &row, "")?;
            let arriving = store::collector::arriving(tx, &row.name)? > 0;
            Ok(CollectorState::of(CollectorWish::Draining, arriving, None))
        })
    }

    /// Deletes a dormant collector to which no job belongs.
    pub(crate) fn delete_collector(&self, call: &Call, name: CollectorName) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let row = existing(tx, &name, Declares::No)?.ok_or_else(|| not_found(&name))?;
            demand_dormant(tx, &row)?;
            if store::collector::has_jobs(tx, &row.name)? {
                return Err(Failure::new(
                    FailureKind::InUse,
                    format!("jobs that came by ${} are still here", row.name),
                )
                .hint(format!("JOB (COLLECT ${}) lists them", row.name)));
            }
            store::collector::delete(tx, row.id)?;
            record(tx, Object::Collector(row.id), EventWord::Deleted, &format!("${}", row.name))
        })
    }

    /// Returns one page of the collectors, after `after`.
    pub(crate) fn collectors(&self, call: &Call, after: Option<CollectorName>) -> Fallible<Vec<CollectorStatus>> {
        self.look(call, |tx| self.collectors_in(tx, after.as_ref()))
    }

    /// The same in a transaction.
    pub(crate) fn collectors_in(&self, tx: &Tx<'_>, after: Option<&CollectorName>) -> Fallible<Vec<CollectorStatus>> {
        let room = self.disk_room();
        let mut rows = store::collector::list(tx, after)?;
        if rows.is_empty() && after.is_none() {
            rows.extend(implied(tx)?);
        }
        rows.into_iter().map(|row| self.collector_status(tx, row, room)).collect()
    }

    /// Returns one collector.
    pub(crate) fn collector(&self, call: &Call, name: &CollectorName) -> Fallible<CollectorStatus> {
        let room = self.disk_room();
        self.look(call, |tx| {
            let row = match store::collector::by_name(tx, name)? {
                Some(row) => Some(row),
                None => implied(tx)?.filter(|row| row.name == *name),
            };
            self.collector_status(tx, row.ok_or_else(|| not_found(name))?, room)
        })
    }

    /// Returns how many octets of the file system of the spool are in use, and how many there are. When that cannot be told,
    /// there are none.
    fn disk_room(&self) -> (u64, u64) {
        files::room(self.base().root()).unwrap_or((0, 0))
    }

    fn collector_status(&self, tx: &Tx<'_>, row: CollectorRow, (used, total): (u64, u64)) -> Fallible<CollectorStatus> {
        let open_jobs = store::collector::arriving(tx, &row.name)?;
        // What is kept for completing jobs is given back when the disk is full, and no job is accepted until there is room.
        let error = (!self.base().ballast().exists()).then_some(DISK_FULL);
        Ok(CollectorStatus {
            state: CollectorState::of(row.wish, open_jobs > 0, error),
            name: row.name,
            file: row.file,
            kept: row.kept,
            open_jobs,
            used,
            total,
        })
    }
}

/// Whether a command declares what it names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declares {
    Yes,
    No,
}

/// The collector of a spool in which none was ever declared, as if it had a row.
fn implied(tx: &Tx<'_>) -> Fallible<Option<CollectorRow>> {
    if store::collector::any_declared(tx)? {
        return Ok(None);
    }
    let wish = match store::spool::state(tx)? {
        SpoolerState::Active => CollectorWish::Started,
        SpoolerState::Drain => CollectorWish::Draining,
        SpoolerState::Cold | SpoolerState::Warm => CollectorWish::Stopped,
    };
    Ok(Some(CollectorRow {
        id: CollectorId(0),
        name: CollectorName::usual(),
        file: None,
        kept: KeptWords::default(),
        wish,
        was_started: false,
    }))
}

/// Returns the collector of that name. The one that has no row yet gets one, because from now on rows decide. With a spooler
/// that was never started nobody has come in by it, so a declaration of another one leaves it out.
fn existing(tx: &Tx<'_>, name: &CollectorName, declares: Declares) -> Fallible<Option<CollectorRow>> {
    if let Some(row) = implied(tx)? {
        let is_named = row.name == *name;
        let was_used = store::spool::state(tx)? != SpoolerState::Cold;
        if (is_named && declares == Declares::No) || (was_used && (is_named || declares == Declares::Yes)) {
            let made = declare(tx, &row.name)?;
            if row.wish != made.wish {
                store::collector::set_wish(tx, made.id, row.wish)?;
            }
            // It takes jobs while it gets its first attributes: nobody has stopped what he did not know of.
            if is_named && declares == Declares::Yes {
                return Ok(Some(CollectorRow { wish: CollectorWish::Stopped, was_started: false, ..made }));
            }
        }
    }
    store::collector::by_name(tx, name)
}

fn declare(tx: &Tx<'_>, name: &CollectorName) -> Fallible<CollectorRow> {
    let row = store::collector::insert(tx, name)?;
    record(tx, Object::Collector(row.id), EventWord::Declared, "")?;
    Ok(row)
}

fn demand_dormant(tx: &Tx<'_>, row: &CollectorRow) -> Fallible<()> {
    let arriving = store::collector::arriving(tx, &row.name)? > 0;
    let state = CollectorState::of(row.wish, arriving, None);
    if state == CollectorState::Dormant {
        return Ok(());
    }
    Err(Failure::new(FailureKind::State, format!("collector ${} is {state}", row.name))
        .hint(format!("COLLECT ${}, DRAIN   makes it DORMANT first", row.name)))
}

/// Refuses another UNIT for a collector that was started before.
fn demand_same_unit(row: &CollectorRow, altered: &CollectorRow) -> Fallible<()> {
    if !row.was_started || row.kept.value("UNIT") == altered.kept.value("UNIT") {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::State,
        format!("collector ${} was started before: its UNIT stays as it is", row.name),
    )
    .hint(format!("COLLECT ${}, DELETE, and declare it again", row.name)))
}

fn start(tx: &Tx<'_>, row: &CollectorRow, why: &str) -> Fallible<()> {
    if row.wish != CollectorWish::Started {
        store::collector::set_wish(tx, row.id, CollectorWish::Started)?;
        record(tx, Object::Collector(row.id), EventWord::Started, why)?;
    }
    Ok(())
}

fn drain(tx: &Tx<'_>, row: &CollectorRow, why: &str) -> Fallible<()> {
    if row.wish == CollectorWish::Started {
        store::collector::set_wish(tx, row.id, CollectorWish::Draining)?;
        record(tx, Object::Collector(row.id), EventWord::Drained, why)?;
    }
    Ok(())
}

/// Starts every collector that was declared.
pub(crate) fn start_all(tx: &Tx<'_>) -> Fallible<()> {
    each(tx, |row| start(tx, row, "SPOOLER START"))
}

/// Drains every collector that was declared.
pub(crate) fn drain_all(tx: &Tx<'_>) -> Fallible<()> {
    each(tx, |row| drain(tx, row, "SPOOLER DRAIN"))
}

fn each(tx: &Tx<'_>, mut act: impl FnMut(&CollectorRow) -> Fallible<()>) -> Fallible<()> {
    let mut after = None;
    loop {
        let page = store::collector::list(tx, after.as_ref())?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        page.iter().try_for_each(&mut act)?;
    }
}

/// Returns the collector by which a job comes in: the one that was named, or else the first that is ACTIVE. None is the usual
/// one of a spool in which none was ever declared.
///
/// # Errors
/// Fails when there is no such collector, or when it takes no jobs: with the error that a program gets there.
pub(crate) fn taking(tx: &Tx<'_>, named: Option<&CollectorName>) -> Fallible<Option<CollectorName>> {
    if let Some(name) = named {
        let Some(row) = store::collector::by_name(tx, name)? else {
            let usual = *name == CollectorName::usual() && !store::collector::any_declared(tx)?;
            return if usual { Ok(None) } else { Err(not_found(name)) };
        };
        let arriving = store::collector::arriving(tx, &row.name)? > 0;
        let state = CollectorState::of(row.wish, arriving, None);
        return match state.refusal() {
            None => Ok(Some(row.name)),
            Some(error) => Err(refused(&format!("collector ${} is {state}", row.name), error)
                .hint(format!("an operator starts it: spoolcom 'COLLECT ${}, START'", row.name))),
        };
    }
    if let Some(first) = store::collector::first_started(tx)? {
        return Ok(Some(first));
    }
    if !store::collector::any_declared(tx)? {
        return Ok(None);
    }
    let mut error = crate::model::collector::FILE_NOT_RUNNING;
    each(tx, |row| {
        let arriving = store::collector::arriving(tx, &row.name)? > 0;
        if CollectorState::of(row.wish, arriving, None) == CollectorState::Drain {
            error = crate::model::collector::FILE_DRAINING;
        }
        Ok(())
    })?;
    Err(refused("no collector is ACTIVE", error)
        .hint("spoolcom COLLECT lists them; an operator starts one: spoolcom 'COLLECT $S, START'"))
}

/// Makes the failure for a job that is refused at the door.
pub(crate) fn refused(why: &str, error: u32) -> Failure {
    Failure::new(FailureKind::State, format!("{why}: no job is accepted (file error {error})"))
}

/// Makes the failure for a collector that does not exist.
pub(crate) fn not_found(name: &CollectorName) -> Failure {
    Failure::not_found(format!("collector ${name}")).hint("COLLECT lists those that are declared")
}
