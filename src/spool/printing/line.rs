//! Places in the queues of devices: the one count behind `intervening-jobs`, SEQ, WHY and the queue of a device.
//!
//! Devices differ in their order (FIFO), in the form that they carry and in the routes that lead to them. So a place is
//! always a place on a device: how many entries that device would claim first if nothing changed. A job that several
//! devices may print stands where the first of them gets to it.
//!
//! A device merges the runs (route × requirement class × any device or this one) of its queue, each in the order of an index.
//! They are read only as far as a place is asked for, once for all jobs of a page, and never beyond [`POSITION_LIMIT`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::rc::Rc;

use crate::model::order::QueueOrder;
use crate::model::state::{DeviceWish, EntryState};
use crate::model::{ClassId, DeviceId, JobId, RouteId};
use crate::store::device::DeviceRow;
use crate::store::job::{JobRow, Place, SortKey};
use crate::store::waiting::{self, Run};
use crate::store::{self, Fallible, Tx};

use super::claims;
use crate::spool::objects::alive::Alive;

/// Places are exact below this number. It stands for every higher one.
pub(crate) const POSITION_LIMIT: u32 = 1001;

/// Of a route to more devices than this, so many are looked at.
const DEVICES: u32 = 32;

/// The most places of a run that are read at once.
const CHUNK: u32 = 64;

/// The place before every other place.
pub(crate) const START: Place = (i64::MIN, i64::MIN, i64::MIN, i64::MIN);

/// Where an entry stands on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many entries the device claims first.
    pub(crate) ahead: u32,
    /// How many it prints now.
    pub(crate) printing: u32,
}

impl Standing {
    /// Returns the jobs before it: those that print, and those that are claimed first.
    pub(crate) fn before(self) -> u32 {
        self.ahead.saturating_add(self.printing).min(POSITION_LIMIT)
    }
}

/// Reads the places of a run a few at a time.
struct Reader {
    run: Run,
    places: VecDeque<Place>,
    after: Place,
    chunk: u32,
}

impl Reader {
    fn of(run: Run) -> Self {
        Self { run, places: VecDeque::new(), after: START, chunk: 1 }
    }

    /// Returns the next place. The first is read alone, because most runs need no more.
    fn next(&mut self, tx: &Tx<'_>, order: QueueOrder) -> Fallible<Option<Place>> {
        if self.places.is_empty() && self.chunk > 0 {
            let places = waiting::places(tx, &self.run, order, self.after, self.chunk)?;
            self.chunk = if (places.len() as u32) < self.chunk { 0 } else { (self.chunk * 4).min(CHUNK) };
            self.places = places.into();
        }
        let place = self.places.pop_front();
        if let Some(place) = place {
            self.after = place;
        }
        Ok(place)
    }
}

/// The beginning of a queue, as far as it was read.
struct Line {
    order: QueueOrder,
    /// What the device can print.
    classes: Vec<ClassId>,
    readers: Vec<Reader>,
    heads: BinaryHeap<Reverse<(Place, usize)>>,
    places: Vec<Place>,
    /// What it prints before all others, in order: the entry that it has begun on its file, and then the listing in print.
    first: Vec<(JobId, Place)>,
    /// The places of entries that a dead process had: they wait again, though their rows do not say so yet.
    returned: Vec<Place>,
    printing: u32,
    /// The routes whose jobs it prints: not those of a queue that is paused.
    open: Vec<RouteId>,
}

impl Line {
    fn new(tx: &Tx<'_>, order: QueueOrder, classes: Vec<ClassId>, runs: impl Iterator<Item = Run>) -> Fallible<Self> {
        let mut readers: Vec<Reader> = runs.map(Reader::of).collect();
        let mut heads = BinaryHeap::with_capacity(readers.len());
        for (n, reader) in readers.iter_mut().enumerate() {
            heads.extend(reader.next(tx, order)?.map(|place| Reverse((place, n))));
        }
        Ok(Self {
            order,
            classes,
            readers,
            heads,
            places: Vec::new(),
            first: Vec::new(),
            returned: Vec::new(),
            printing: 0,
            open: Vec::new(),
        })
    }

    /// Counts the places before `to`.
    fn before(&mut self, tx: &Tx<'_>, to: &SortKey) -> Fallible<u32> {
        let to = to.place(self.order);
        while self.places.last().is_none_or(|last| *last < to) && self.places.len() < POSITION_LIMIT as usize {
            let Some(Reverse((place, n))) = self.heads.pop() else { break };
            self.heads.extend(self.readers[n].next(tx, self.order)?.map(|place| Reverse((place, n))));
            self.places.push(place);
        }
        Ok(u32::try_from(self.places.partition_point(|place| *place < to)).unwrap_or(POSITION_LIMIT))
    }

    fn standing(&mut self, tx: &Tx<'_>, job: JobId, class: ClassId, sort: &SortKey) -> Fallible<Option<Standing>> {
        if !self.classes.contains(&class) {
            return Ok(None);
        }
        let printing = self.printing;
        let counted = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if let Some(ahead) = self.first.iter().position(|(first, _)| *first == job) {
            return Ok(Some(Standing { ahead: counted(ahead), printing }));
        }
        let place = sort.place(self.order);
        let returned = self.returned.iter().filter(|other| **other < place).count();
        let before = self.before(tx, sort)?.saturating_add(counted(returned));
        // These are printed first, wherever they stand.
        let jump = self.first.iter().filter(|(_, first)| place < *first).count();
        Ok(Some(Standing { ahead: before.saturating_add(counted(jump)).min(POSITION_LIMIT), printing }))
    }
}

/// The lines that one look at the spool has asked about.
#[derive(Default)]
pub(crate) struct Lines {
    devices: BTreeMap<RouteId, Rc<Vec<DeviceRow>>>,
    lines: BTreeMap<DeviceId, Line>,
    parked: BTreeMap<(RouteId, ClassId, Option<DeviceId>), Line>,
    classes: BTreeMap<String, Vec<ClassId>>,
    begun: Option<BTreeSet<DeviceId>>,
    broadcast: BTreeMap<RouteId, bool>,
}

impl Lines {
    /// Returns the devices that a route leads to, or the first of very many.
    fn devices(&mut self, tx: &Tx<'_>, route: RouteId) -> Fallible<Rc<Vec<DeviceRow>>> {
        if let Some(known) = self.devices.get(&route) {
            return Ok(Rc::clone(known));
        }
        let found = Rc::new(store::device::some_of_route(tx, route, DEVICES)?);
        self.devices.insert(route, Rc::clone(&found));
        Ok(found)
    }

    fn line(&mut self, tx: &Tx<'_>, device: &DeviceRow, alive: &mut Alive) -> Fallible<&mut Line> {
        let line = match self.lines.remove(&device.id) {
            Some(line) => line,
            None => self.begin(tx, device, alive)?,
        };
        Ok(self.lines.entry(device.id).or_insert(line))
    }

    fn begin(&mut self, tx: &Tx<'_>, device: &DeviceRow, alive: &mut Alive) -> Fallible<Line> {
        let form = store::device::carries(&device.settings);
        let classes = match self.classes.get(&form) {
            Some(classes) => classes.clone(),
            None => {
                let classes = store::job::classes_for(tx, &form)?;
                self.classes.insert(form.clone(), classes.clone());
                classes
            }
        };
        let mut runs = Vec::new();
        let routes = store::device::open_routes(tx, device.id)?;
        for (route, is_group) in routes.iter().copied() {
            let own = is_group && self.broadcasts(tx, route)?;
            for only in std::iter::once(None).chain(own.then_some(Some(device.id))) {
                runs.extend(classes.iter().map(|class| Run { route, only, class: *class }));
            }
        }
        let mut line = Line::new(tx, device.settings.order(), classes, runs.into_iter())?;
        let order = line.order;
        line.open = routes.iter().map(|(route, _)| *route).collect();
        if self.begun(tx)?.contains(&device.id) {
            line.first.extend(
                store::entry::begun_on(tx, device.id, &form)?.map(|begun| (begun.job, begun.sort.place(order))),
            );
        }
        let mut claimed = None;
        for entry in store::entry::of_device(tx, device.id, EntryState::Claimed)? {
            match alive.claimant(tx, entry.claimed_by)? {
                Some(_) => {
                    line.printing += 1;
                    claimed = claimed.or(Some(entry));
                }
                None => line.returned.push(entry.sort.place(order)),
            }
        }
        if let Some(listing) = claims::listing(tx, device, claimed.as_ref())? {
            for entry in store::batch::waiting(tx, &listing, device.id, i64::MIN, POSITION_LIMIT)? {
                let fits = line.classes.contains(&entry.class) && routes.iter().any(|(route, _)| *route == entry.route);
                // The begun one may be one of them.
                if fits && line.first.first().is_none_or(|(job, _)| *job != entry.job) {
                    line.first.push((entry.job, entry.sort.place(order)));
                }
            }
        }
        Ok(line)
    }

    /// Tells whether entries wait in a group that only one of its devices may claim. Those of a location never do.
    fn broadcasts(&mut self, tx: &Tx<'_>, route: RouteId) -> Fallible<bool> {
        match self.broadcast.get(&route) {
            Some(known) => Ok(*known),
            None => {
                let found = waiting::any_for_one(tx, route)?;
                self.broadcast.insert(route, found);
                Ok(found)
            }
        }
    }

    /// Returns the devices that have begun an entry on their file.
    fn begun(&mut self, tx: &Tx<'_>) -> Fallible<&BTreeSet<DeviceId>> {
        match self.begun {
            Some(ref known) => Ok(known),
            None => Ok(self.begun.insert(waiting::devices_with_begun(tx)?)),
        }
    }

    /// Returns where an entry of a job stands on a device; none when the device passes it over.
    pub(crate) fn standing(
        &mut self,
        tx: &Tx<'_>,
        device: &DeviceRow,
        (job, class, sort): (JobId, ClassId, &SortKey),
        alive: &mut Alive,
    ) -> Fallible<Option<Standing>> {
        self.line(tx, device, alive)?.standing(tx, job, class, sort)
    }

    /// Counts the jobs before a queued one where the first of its devices gets to it: of those that are started, if any is.
    /// None when no device of its route carries its form. One that was assigned to a device counts there.
    /// Without any device, and in a queue that is paused, its place among its like is counted.
    pub(crate) fn position(
        &mut self,
        tx: &Tx<'_>,
        (job, only): (&JobRow, Option<DeviceId>),
        alive: &mut Alive,
    ) -> Fallible<Option<u32>> {
        let devices = self.devices(tx, job.route)?;
        if devices.is_empty() {
            return self.parked(tx, job, None).map(Some);
        }
        let mut best: [Option<u32>; 2] = [None, None];
        for device in devices.iter().filter(|device| only.is_none_or(|only| only == device.id)) {
            if !self.line(tx, device, alive)?.open.contains(&job.route) {
                return self.parked(tx, job, only).map(Some);
            }
            if let Some(standing) = self.standing(tx, device, (job.id, job.class, &job.sort), alive)? {
                let best = &mut best[usize::from(device.wish == DeviceWish::Stopped)];
                *best = Some(best.map_or(standing.before(), |best| best.min(standing.before())));
            }
        }
        Ok(best[0].or(best[1]))
    }

    fn parked(&mut self, tx: &Tx<'_>, job: &JobRow, only: Option<DeviceId>) -> Fallible<u32> {
        let key = (job.route, job.class, only);
        let line = match self.parked.remove(&key) {
            Some(line) => line,
            None => {
                let run = Run { route: job.route, only, class: job.class };
                let order = match store::job::is_in_order_of_arrival(job) {
                    true => QueueOrder::Arrival,
                    false => QueueOrder::ShortFirst,
                };
                Line::new(tx, order, vec![job.class], std::iter::once(run))?
            }
        };
        self.parked.entry(key).or_insert(line).before(tx, &job.sort)
    }
}
