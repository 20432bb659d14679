//! Putting one waiting job at a certain place: before or behind another one, or on a certain device.
//!
//! States: a job that waits stands where its position says. Before or behind another job it gets that job's priority, key,
//! deadline, pages and promotion in the queue, and a number of the order of arrival between that job and its neighbour; its own priority stays
//! what it is. Arrivals are counted in wide steps, so that there is room; where that was used up, the few jobs between two
//! arrivals get new numbers in their order. A job that was assigned to a device is printed by no other device of its queue. A
//! job that goes to another queue by that is sent on as [`super::resubmit`] does it. It is put on no device that does not support
//! what it asks for.
//!
//! Until when? Holding and starting a job, and altering what decides its place, gives it the place of an arrival, as everywhere.
//! The assignment lasts until another order, or until the job or the device leaves the queue.
//!
//! Who may: operators, and whoever operates both places. A crash: each order is one transaction.

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::order::{ARRIVAL_STEP, Reorder};
use crate::model::state::JobState;
use crate::model::{Call, DeviceId, DeviceName, Failure, FailureKind, JobId, JobRef};
use crate::store::event::{Object, record};
use crate::store::job::{JobRow, SortKey};
use crate::store::{self, Fallible, Lock, Tx};

use super::actions::{check_message, find_to_change, keep_message, wrong_state};
use super::alter::Place;
use super::submit::{demand_open, may_send_job};
use super::supported;
use crate::spool::objects::devices;
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// Between two arrivals no more jobs are put.
const MOST_BETWEEN: u32 = 1000;

impl Spool {
    /// Puts a waiting job where `to` says. Returns the print processes that have work now.
    pub(crate) fn reorder_job(
        &self,
        call: &Call,
        job: &JobRef,
        to: &Reorder,
        message: Option<String>,
    ) -> Fallible<Vec<WakeTarget>> {
        check_message(message.as_ref())?;
        let (spool, job, to) = (self.clone(), job.clone(), to.clone());
        self.change(Room::Takes, call, move |tx| {
            let row = find_to_change(tx, &spool, &job)?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_job(tx, &row)? })?;
            let (state, _) = Self::job_state(tx, &row)?;
            if !matches!(state, JobState::Ready | JobState::Held) {
                return Err(wrong_state(&row, state, "reordered: only a pending or a held job can be"));
            }
            demand_no_batch(&row)?;
            let (row, why) = match &to {
                Reorder::Before(target) => spool.beside(tx, (row, state), target, true)?,
                Reorder::Behind(target) => spool.beside(tx, (row, state), target, false)?,
                Reorder::On(device) => spool.on(tx, row, state, device)?,
                Reorder::Anew => {
                    let device = super::assign::device(tx, &row)?;
                    let mut row = if Self::broadcasts(tx, &row)? { row } else { assign(tx, row, device)? };
                    (row.sort, row.place) =
                        spool.new_position(tx, row.route, row.priority, (row.work, row.pages), row.deadline_ms)?;
                    stand(tx, &row)?;
                    (row, "as one that arrives now".to_owned())
                }
                Reorder::Anywhere => match super::assign::of_able(tx, &row)? {
                    None => (assign(tx, row, None)?, "on any device of its queue".to_owned()),
                    // Not each of them supports what it asks for.
                    some => (assign(tx, row, some)?, "on any device of its queue that supports it".to_owned()),
                },
            };
            if let Some(text) = &message {
                keep_message(tx, row.id, text)?;
            }
            let why = message.as_ref().map_or(why.clone(), |text| format!("{why}: {text}"));
            record(tx, Object::Job(row.id), EventWord::Reordered, &why)?;
            wakes::of_route(tx, row.route)
        })
    }

    /// Puts a job directly before or behind another one.
    fn beside(
        &self,
        tx: &Tx<'_>,
        (row, state): (JobRow, JobState),
        target: &JobRef,
        before: bool,
    ) -> Fallible<(JobRow, String)> {
        let other = find_to_change(tx, self, target)?;
        let place = Self::place_of_job(tx, &other)?;
        Self::demand(tx, Right::Operate { place: &place })?;
        if other.id == row.id {
            let why = format!("job {} cannot stand beside itself", row.number);
            return Err(Failure::new(FailureKind::BadValue, why));
        }
        let number = row.number;
        if state == JobState::Held {
            return Err(wrong_state(&row, state, "put beside another job")
                .hint(format!("it gets its place when it is released: pdmod -x job-hold=false {number}   first")));
        }
        let (its_state, entries) = Self::job_state(tx, &other)?;
        if its_state != JobState::Ready {
            return Err(wrong_state(&other, its_state, "a neighbour: only a pending job can be"));
        }
        demand_no_batch(&other)?;
        let mut row = match (row.group, row.location) == (other.group, other.location) {
            true => row,
            false => self.send_to(tx, row, Self::place_of_row(tx, &other)?)?,
        };
        let sequence = room(tx, row.id, other.sort.sequence, before)?;
        (row.sort, row.place) = (SortKey { sequence, ..other.sort }, other.place);
        stand(tx, &row)?;
        // On the device of the other one, where that has one.
        let only = entries.iter().filter_map(|entry| entry.only).next().filter(|_| entries.len() == 1);
        let row = match only {
            Some(id) => {
                let device = store::device::by_id(tx, id)?.ok_or_else(|| Failure::not_found("its device"))?;
                supported::demand_on(tx, &row, &device)?;
                assign(tx, row, only)?
            }
            None => row,
        };
        let word = if before { "before" } else { "behind" };
        Ok((row, format!("{word} job {}", other.number)))
    }

    /// Assigns a job to a device: of its queue, or of another one, to which it is sent on.
    fn on(&self, tx: &Tx<'_>, row: JobRow, state: JobState, device: &DeviceName) -> Fallible<(JobRow, String)> {
        let device = store::device::by_name(tx, device)?.ok_or_else(|| devices::not_found(tx, device))?;
        Self::demand(tx, Right::Operate { place: &Self::place_of_device(tx, &device)? })?;
        let leads = |tx: &Tx<'_>, row: &JobRow| -> Fallible<(bool, bool)> {
            let devices = store::device::of_route(tx, row.route)?;
            Ok((devices.iter().any(|one| one.id == device.id), devices.len() > 1))
        };
        let row = match leads(tx, &row)?.0 {
            true => row,
            false => {
                let destination = self.destination(tx, &device.name.to_string())?;
                let mut row = self.send_to(tx, row, self.place_at(tx, destination)?)?;
                (row.sort, row.place) =
                    self.new_position(tx, row.route, row.priority, (row.work, row.pages), row.deadline_ms)?;
                stand(tx, &row)?;
                store::job::set_previous(tx, row.id, state)?;
                row
            }
        };
        let only = leads(tx, &row)?.1.then_some(device.id);
        supported::demand_on(tx, &row, &device)?;
        Ok((assign(tx, row, only)?, format!("on {}", device.name.guardian())))
    }

    /// Sends a job on to another place, and judges it there.
    fn send_to(&self, tx: &Tx<'_>, mut row: JobRow, place: Place) -> Fallible<JobRow> {
        may_send_job(tx, &place.destination, &row)?;
        demand_open(tx, &place.destination)?;
        let from = Self::job_destination(tx, &row)?;
        let why = format!("from {from} to {}", place.destination);
        let unsupported = self.stands_there(tx, &mut row, &place)?;
        let row = self.carry(tx, row, &place)?;
        record(tx, Object::Job(row.id), EventWord::Rerouted, &why)?;
        if let Some(held) = unsupported {
            held.record(tx)?;
        }
        Ok(row)
    }

    /// The place where a job is.
    fn place_of_row(tx: &Tx<'_>, row: &JobRow) -> Fallible<Place> {
        Ok(Place {
            destination: Self::job_destination(tx, row)?,
            group: row.group,
            location: row.location,
            route: row.route,
            broadcast: Self::broadcasts(tx, row)?,
        })
    }
}

/// Refuses to put a job of a batch anywhere: its batch has one place.
fn demand_no_batch(job: &JobRow) -> Fallible<()> {
    let Some(batch) = job.batch.map(|batch| batch.number) else { return Ok(()) };
    Err(Failure::new(FailureKind::State, format!("job {} is part of batch {batch}, which has one place", job.number))
        .hint(format!("BATCH {batch}, UNLINK {}   takes the job out of it", job.number)))
}

/// Writes the position of a job.
fn stand(tx: &Tx<'_>, row: &JobRow) -> Fallible<()> {
    tx.lock(Lock::Route(row.route))?;
    store::job::set_sort(tx, row.id, &row.sort, row.place)?;
    store::alter::rekey_entries(tx, row)
}

/// Lets one device alone print a job, or any device of its queue.
fn assign(tx: &Tx<'_>, row: JobRow, only: Option<DeviceId>) -> Fallible<JobRow> {
    if Spool::broadcasts(tx, &row)? {
        return match only {
            None => Ok(row),
            Some(_) => {
                let why = format!("job {} is printed by each device of its group", row.number);
                Err(Failure::new(FailureKind::State, why))
            }
        };
    }
    store::entry::set_only(tx, row.id, only)?;
    Ok(row)
}

/// Returns a number of the order of arrival directly before or behind `beside`, for the job `id`.
fn room(tx: &Tx<'_>, id: JobId, beside: i64, before: bool) -> Fallible<i64> {
    // The arrivals between which it stands.
    let low = (if before { beside - 1 } else { beside }).div_euclid(ARRIVAL_STEP) * ARRIVAL_STEP;
    let high = low + ARRIVAL_STEP;
    let mut between = store::job::between(tx, (low, high), MOST_BETWEEN + 1)?;
    between.retain(|one| one.0 != id);
    if between.len() >= MOST_BETWEEN as usize {
        let why =
            format!("there are {} jobs between two arrivals already: there is no room for another", between.len());
        return Err(Failure::new(FailureKind::Full, why).hint("pdpromote   puts a job before all others"));
    }
    let at = between.partition_point(|one| if before { one.1 < beside } else { one.1 <= beside });
    let lower = if at == 0 { low } else { between[at - 1].1 };
    let upper = between.get(at).map_or(high, |one| one.1);
    if upper - lower > 1 {
        return Ok(lower + (upper - lower) / 2);
    }
    // No room is left there: all of them get new numbers, in their order and wide apart.
    let step = ARRIVAL_STEP / (between.len() as i64 + 2);
    for (n, (other, _)) in between.iter().enumerate() {
        let Some(mut row) = store::job::lock(tx, *other)? else { continue };
        row.sort.sequence = low + step * (n as i64 + 1 + i64::from(n >= at));
        stand(tx, &row)?;
    }
    Ok(low + step * (at as i64 + 1))
}
