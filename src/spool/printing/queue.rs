//! The queue of one device: what it would claim now, in order, and after that what it passes over. The rest of a listing that
//! it prints stands first, as it prints it.
//!
//! Entries wait in runs (route × requirement class × any device or this one), each in the order of an index. Runs are
//! merged only as far as a page reaches, so that the first page costs the same however many entries wait. Does the list
//! foresee what the other devices of a group take? No: it still has an entry that a faster device would finish sooner.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::model::Call;
use crate::model::job::JobStatus;
use crate::model::order::QueueOrder;
use crate::model::query::{Cursor, PAGE, Page, Parts};
use crate::model::queue::QueueItem;
use crate::model::state::EntryState;
use crate::model::{DeviceName, Failure, FailureKind};
use crate::store::batch::Listing;
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::waiting::{self, Run};
use crate::store::{self, Fallible, Tx};

use super::claims;
use super::line::START;
use crate::spool::Spool;
use crate::spool::jobs::view::Known;
use crate::spool::jobs::visible::Visible;
use crate::spool::objects::alive::Alive;

/// The most rows of a run that are read at once.
const CHUNK: u32 = 64;

/// The parts of a queue, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The rest of the listing in print.
    Listing = 0,
    /// Jobs that the device can print; one that was begun here comes first.
    Fits = 1,
    /// Jobs that need another form, and those of paused queues.
    PassedOver = 2,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    part: Part,
    /// How many jobs stand before it.
    before: u32,
    /// The last place seen in the part; [`START`] for none. In a listing its last number is the place in the batch.
    after: store::job::Place,
}

impl Place {
    fn of(cursor: Option<&Cursor>) -> Fallible<Self> {
        let Some(cursor) = cursor else { return Ok(Self { part: Part::Listing, before: 0, after: START }) };
        let bad = || Failure::new(FailureKind::BadValue, "the place in the queue is malformed");
        let [part, before, promoted, first, then, sequence] = cursor.key.as_slice() else { return Err(bad()) };
        Ok(Self {
            part: match part {
                0 => Part::Listing,
                1 => Part::Fits,
                2 => Part::PassedOver,
                _ => return Err(bad()),
            },
            before: u32::try_from(*before).map_err(|_| bad())?,
            after: (*promoted, *first, *then, *sequence),
        })
    }

    fn cursor(&self, last: &EntryRow) -> Cursor {
        let (promoted, first, then, sequence) = self.after;
        Cursor { key: vec![self.part as i64, i64::from(self.before), promoted, first, then, sequence], job: last.job }
    }
}

/// Reads a run a few rows at a time.
struct Reader {
    run: Run,
    rows: VecDeque<EntryRow>,
    after: store::job::Place,
    chunk: u32,
}

impl Reader {
    /// Returns the next row. The first row is read alone, because most runs need no more.
    fn next(&mut self, tx: &Tx<'_>, order: QueueOrder) -> Fallible<Option<EntryRow>> {
        if self.rows.is_empty() && self.chunk > 0 {
            let rows = waiting::after(tx, &self.run, order, self.after, self.chunk)?;
            self.chunk = if (rows.len() as u32) < self.chunk { 0 } else { (self.chunk * 4).min(CHUNK) };
            self.rows = rows.into();
        }
        let row = self.rows.pop_front();
        if let Some(row) = &row {
            self.after = row.sort.place(order);
        }
        Ok(row)
    }
}

/// Merges `runs` and returns up to `limit` rows after `after`.
fn merged(
    tx: &Tx<'_>,
    runs: Vec<Run>,
    order: QueueOrder,
    after: store::job::Place,
    limit: usize,
) -> Fallible<Vec<EntryRow>> {
    let mut readers: Vec<Reader> =
        runs.into_iter().map(|run| Reader { run, rows: VecDeque::new(), after, chunk: 1 }).collect();
    let mut rows = Vec::new();
    let mut heads = BinaryHeap::new();
    let mut waiting: Vec<Option<EntryRow>> = Vec::with_capacity(readers.len());
    for (n, reader) in readers.iter_mut().enumerate() {
        let head = reader.next(tx, order)?;
        heads.extend(head.as_ref().map(|row| Reverse((row.sort.place(order), n))));
        waiting.push(head);
    }
    while rows.len() < limit {
        let Some(Reverse((_, n))) = heads.pop() else { break };
        let next = readers[n].next(tx, order)?;
        heads.extend(next.as_ref().map(|row| Reverse((row.sort.place(order), n))));
        rows.extend(std::mem::replace(&mut waiting[n], next));
    }
    Ok(rows)
}

/// Returns the runs of a part of a device's queue.
fn runs(tx: &Tx<'_>, device: &DeviceRow, part: Part) -> Fallible<Vec<Run>> {
    let fitting = store::job::classes_for(tx, &store::device::carries(&device.settings))?;
    let open = store::device::open_routes(tx, device.id)?;
    let mut found = Vec::new();
    for (route, of_group) in store::device::routes(tx, device.id)? {
        let is_open = open.contains(&(route, of_group));
        if part == Part::Fits && !is_open {
            continue;
        }
        for only in [None, Some(device.id)] {
            let run = |class| Run { route, only, class };
            if part == Part::Fits {
                found.extend(fitting.iter().copied().map(run));
                continue;
            }
            let mut class = None;
            while let Some(next) = waiting::next_class(tx, route, only, class)? {
                class = Some(next);
                if !is_open || !fitting.contains(&next) {
                    found.push(run(next));
                }
            }
        }
    }
    Ok(found)
}

/// Tells whether an entry belongs to the listing in print.
fn is_of(tx: &Tx<'_>, listing: Option<&Listing>, entry: &EntryRow) -> Fallible<bool> {
    let Some(listing) = listing else { return Ok(false) };
    Ok(store::job::by_id(tx, entry.job)?.is_some_and(|job| listing.has(&job)))
}

/// Returns how many octets a job sends. Of a job whose documents are veiled that is not known.
pub(super) fn octets_of(job: &JobStatus) -> u64 {
    job.documents.iter().map(|one| one.octets.saturating_mul(u64::from(one.copies))).fold(0, u64::saturating_add)
}

/// Returns how long a device takes for a job, in milliseconds, at the octets in a second that it was measured to take.
fn estimate(job: &JobStatus, rate: u64) -> i64 {
    let octets = octets_of(job);
    let ms = u128::from(octets) * 1000 / u128::from(rate.max(1));
    i64::try_from(ms).unwrap_or(i64::MAX)
}

impl Spool {
    /// Returns what waits for a device: see [`crate::spool::interface::operations::Operations::device_queue`].
    pub(crate) fn device_queue(
        &self,
        call: &Call,
        name: &DeviceName,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Fallible<Page<QueueItem>> {
        self.look(call, |tx| {
            let page = self.whole_queue(tx, name, after, limit)?;
            let mut visible = Visible::of(tx)?;
            let mut veil = |item: QueueItem| Ok(QueueItem { job: visible.veiled(tx, item.job)?, ..item });
            Ok(Page { rows: page.rows.into_iter().map(&mut veil).collect::<Fallible<_>>()?, next: page.next })
        })
    }

    /// The same with all that is known of each job: for sums over jobs. It is shown to nobody as it is.
    pub(super) fn whole_queue(
        &self,
        tx: &Tx<'_>,
        name: &DeviceName,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Fallible<Page<QueueItem>> {
        let limit = limit.clamp(1, PAGE) as usize;
        let first = after.is_none();
        let mut place = Place::of(after)?;
        let device =
            store::device::by_name(tx, name)?.ok_or_else(|| crate::spool::objects::devices::not_found(tx, name))?;
        let begun = store::entry::begun_on(tx, device.id, &store::device::carries(&device.settings))?;
        let mut alive = Alive::new(self);
        let (mut printing, mut claimed, mut returned) = (0, None, Vec::new());
        for entry in store::entry::of_device(tx, device.id, EntryState::Claimed)? {
            match alive.claimant(tx, entry.claimed_by)? {
                Some(_) => {
                    printing += 1;
                    claimed = claimed.or(Some(entry));
                }
                // Its process died: it waits again, though its row does not say so yet.
                None => returned.push(entry),
            }
        }
        // The position is that in the queue of this device.
        let mut known = Known::of(Parts { position: false, ..Parts::ALL });
        let mut items = Vec::new();
        let mut last = None;
        if let (true, Some(entry)) = (first, &begun) {
            place.before = 1;
            items
                .push(QueueItem { begun: true, ..self.queue_item(tx, &device, entry, Some(1), printing, &mut known)? });
            last = Some(entry.clone());
        }
        let listing = claims::listing(tx, &device, claimed.as_ref())?;
        let is_begun = |entry: &EntryRow| begun.as_ref().is_some_and(|begun| begun.id == entry.id);
        if place.part == Part::Listing {
            let fitting = runs(tx, &device, Part::Fits)?;
            let found = match &listing {
                Some(listing) => {
                    let wanted = u32::try_from(limit + 2).unwrap_or(u32::MAX);
                    store::batch::waiting(tx, listing, device.id, place.after.3, wanted)?
                }
                None => Vec::new(),
            };
            let fits =
                |entry: &EntryRow| fitting.contains(&Run { route: entry.route, only: entry.only, class: entry.class });
            for entry in found.into_iter().filter(|entry| fits(entry) && !is_begun(entry)) {
                if let (true, Some(last)) = (items.len() >= limit, &last) {
                    return Ok(Page { rows: items, next: Some(place.cursor(last)) });
                }
                place.before = place.before.saturating_add(1);
                let item = self.queue_item(tx, &device, &entry, Some(place.before), printing, &mut known)?;
                place.after.3 = item.job.batch.map_or(i64::MAX, |member| member.place);
                items.push(item);
                last = Some(entry);
            }
            place = Place { part: Part::Fits, after: START, ..place };
        }
        loop {
            // Read one more than the page holds: it tells whether another page follows.
            let wanted = limit + 2 - items.len();
            let order = device.settings.order();
            let mut rows = merged(tx, runs(tx, &device, place.part)?, order, place.after, wanted)?;
            if place.part == Part::Fits {
                let after = place.after;
                rows.extend(returned.iter().filter(|entry| entry.sort.place(order) > after).cloned());
                rows.sort_by_key(|entry| entry.sort.place(order));
                rows.truncate(wanted);
            }
            let is_all = rows.len() < wanted;
            for entry in rows {
                if is_begun(&entry) || (place.part == Part::Fits && is_of(tx, listing.as_ref(), &entry)?) {
                    place.after = entry.sort.place(order);
                    continue;
                }
                if let (true, Some(last)) = (items.len() >= limit, &last) {
                    return Ok(Page { rows: items, next: Some(place.cursor(last)) });
                }
                place.after = entry.sort.place(order);
                place.before = place.before.saturating_add(1);
                let sequence = (place.part == Part::Fits).then_some(place.before);
                items.push(self.queue_item(tx, &device, &entry, sequence, printing, &mut known)?);
                last = Some(entry);
            }
            if !is_all {
                continue;
            }
            if place.part == Part::PassedOver {
                return Ok(Page { rows: items, next: None });
            }
            if let (true, Some(last)) = (items.len() >= limit, &last) {
                let next = Place { part: Part::PassedOver, after: START, ..place };
                let more = merged(tx, runs(tx, &device, next.part)?, device.settings.order(), START, 1)?;
                return Ok(Page { rows: items, next: (!more.is_empty()).then(|| next.cursor(last)) });
            }
            place = Place { part: Part::PassedOver, after: START, ..place };
        }
    }

    fn queue_item(
        &self,
        tx: &Tx<'_>,
        device: &DeviceRow,
        entry: &EntryRow,
        sequence: Option<u32>,
        printing: u32,
        known: &mut Known,
    ) -> Fallible<QueueItem> {
        let job = store::job::by_id(tx, entry.job)?.ok_or_else(|| Failure::internal("an entry without a job"))?;
        // A job is also kept to one device when that goes on with its batch, or when an operator wants it there.
        let broadcast = entry.only.is_some() && Self::broadcasts(tx, &job)?;
        let mut job = self.job_status(tx, job, known)?;
        job.intervening = sequence.map(|n| (n - 1).saturating_add(printing));
        Ok(QueueItem {
            sequence,
            estimate_ms: device.rate.map(|rate| estimate(&job, rate)),
            begun: false,
            broadcast,
            job,
        })
    }
}
