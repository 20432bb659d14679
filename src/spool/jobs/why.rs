//! Why a job is not printing.
//!
//! Everything here is read in one look: rows, events, the lock and the heartbeat of the print processes, their progress.
//! Nothing is guessed: a cause is what a row, an event or a lock says. What keeps a job back itself comes first (holds,
//! a pause), then the spooler, then its devices: first those that will print it, then those that mend themselves, then
//! those that wait for somebody. Of several devices each has its most decisive cause, a single one has all.

use rusqlite::Connection;

use crate::model::device::RunningJob;
use crate::model::guardian::ProcessError;
use crate::model::location::Destination;
use crate::model::state::{DeviceWish, EntryState, ErrorNote, HoldReason, HoldReasons, JobState, ProcessState, Wish};
use crate::model::time::Moment;
use crate::model::wait::{Awaited, Wait};
use crate::model::why::{Attribution, Cause, DeviceCause, Printing, Why};
use crate::model::{Caller, GlobalJobId, JobRef};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, last, latest};
use crate::store::job::JobRow;
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible};

use super::view::POSITION_LIMIT;
use crate::spool::Spool;
use crate::spool::interface::records::{Event, SpoolerState};
use crate::spool::printing::progress::Progress;
use crate::spool::printing::{claims, progress};

/// A printer that has taken nothing for this long is slow.
const QUIET_MS: i64 = 30_000;

/// One look at the spool.
struct Look<'a> {
    spool: &'a Spool,
    db: &'a Connection,
    now: &'a Moment,
    state: SpoolerState,
}

fn act(event: Event) -> Attribution {
    Attribution { who: event.who, at_ms: event.at_ms }
}

impl Spool {
    /// Why a job is not printing: at least one cause, the most decisive first.
    pub(crate) fn why(&self, caller: &Caller, job: &JobRef, now: &Moment) -> Fallible<Why> {
        self.look(|db| {
            let found = store::job::by_ref(db, job, caller.uid, self.server().as_str())?;
            let row = found.ok_or_else(|| super::actions::not_found(job))?;
            let look = Look { spool: self, db, now, state: store::spool::row(db)?.state };
            let mut causes = look.of_job(&row)?;
            if causes.is_empty() {
                causes.push(Cause::NothingKnown);
            }
            let global = GlobalJobId { server: self.server().clone(), serial: row.serial };
            Ok(Why { job: global, number: row.number, causes })
        })
    }
}

impl Look<'_> {
    fn of_job(&self, job: &JobRow) -> Fallible<Vec<Cause>> {
        let (state, entries) = Spool::job_state(self.db, job)?;
        match state {
            JobState::Open => Ok(vec![Cause::Arriving]),
            JobState::Retained => Ok(vec![Cause::Retained]),
            JobState::Terminating => {
                let mut devices = Vec::new();
                for id in entries.iter().filter(|e| on_device(e)).filter_map(|e| e.device) {
                    devices.extend(store::device::by_id(self.db, id)?.map(|row| row.name));
                }
                let by = last(self.db, Object::Job(job.id), &["deleted"])?.map(act);
                Ok(vec![Cause::Terminating { devices, by }])
            }
            JobState::Paused => {
                let mut causes = vec![self.paused(job)?];
                causes.extend(self.holds(job)?);
                Ok(causes)
            }
            JobState::Held => self.holds(job),
            JobState::Printing => {
                let mut causes = self.on_devices(job, &entries)?;
                // HOLD or a pause of a printing job: it stops, and these keep it back then.
                if job.wish == Wish::Pause {
                    causes.push(self.paused(job)?);
                }
                causes.extend(self.holds(job)?);
                causes.extend(self.queued(job, &entries)?);
                Ok(causes)
            }
            JobState::Ready => self.queued(job, &entries),
        }
    }

    fn paused(&self, job: &JobRow) -> Fallible<Cause> {
        Ok(Cause::Paused(last(self.db, Object::Job(job.id), &["paused"])?.map(act)))
    }

    /// One cause for each reason of a hold.
    fn holds(&self, job: &JobRow) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        let object = Object::Job(job.id);
        let events = latest(self.db, object, "held")?;
        for reason in job.reasons.iter() {
            // The event of a reason begins with its words; one that does not is somebody's HOLD.
            let begins = |event: &Event, r: HoldReason| event.why.starts_with(r.words());
            let about = |event: &&Event| match reason {
                HoldReason::Operator => !HoldReasons(u32::MAX).iter().any(|r| r != reason && begins(event, r)),
                other => begins(event, other),
            };
            let event = events.iter().find(about).cloned();
            causes.push(match (reason, event) {
                (HoldReason::Operator, Some(event)) if event.why == "HOLDAFTER" => Cause::HeldAfterPrinting(act(event)),
                (HoldReason::Operator, None) => match last(self.db, object, &["accepted"])? {
                    Some(event) => Cause::HeldFromStart(act(event)),
                    None => Cause::Held { reason, text: None, by: None },
                },
                (HoldReason::Operator, event) => Cause::Held { reason, text: None, by: event.map(act) },
                (_, event) => Cause::Held { reason, text: job.reason_text.clone(), by: event.map(act) },
            });
        }
        Ok(causes)
    }

    /// The devices that have the job now.
    fn on_devices(&self, job: &JobRow, entries: &[EntryRow]) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        for entry in entries.iter().filter(|e| on_device(e)) {
            let Some(device) = entry.device.map(|id| store::device::by_id(self.db, id)).transpose()?.flatten() else {
                continue;
            };
            // A job that its process cannot go on with does not print, whatever was recorded last.
            let mut trouble = self.process(&device)?;
            if device.wish == DeviceWish::Suspended {
                trouble.insert(0, DeviceCause::Suspended(self.last_wish(&device, "suspended")?));
            }
            if let Some(error) = device.in_error().cloned() {
                let tried = trouble.is_empty();
                trouble.push(error_cause(error, tried));
            }
            let cause = match trouble.into_iter().next() {
                Some(cause) => cause,
                None if entry.state == EntryState::Transferred => DeviceCause::Transferred {
                    octets: entry.octets_sent.unwrap_or(0),
                    since_ms: last(self.db, Object::Job(job.id), &["transferred"])?.map(|event| event.at_ms),
                },
                None => match self.printing(&device, entry)? {
                    Some(printing) => had(printing),
                    None => continue,
                },
            };
            causes.push(Cause::Device { device: device.name, cause });
        }
        Ok(causes)
    }

    /// How far a device is with a claimed entry.
    fn printing(&self, device: &DeviceRow, entry: &EntryRow) -> Fallible<Option<Printing>> {
        let Some(job) = store::job::by_id(self.db, entry.job)? else { return Ok(None) };
        let documents = store::document::of_job(self.db, job.id)?;
        let total = documents.iter().map(|d| d.identity.size.saturating_mul(u64::from(d.copies))).sum();
        let progress = self.progress(device);
        let slot = progress.of_attempt(entry.id, entry.attempt);
        // The slot tells the time by the clock of this boot, as its process does; without one nothing went yet.
        let began = store::spool::row(self.db)?.time.at(self.now).0 - entry.claimed_spool.unwrap_or(0);
        let quiet = slot.map_or(began, |s| self.now.boot_ms - s.at_boot_ms);
        let document = slot.map_or(0, |s| s.document);
        Ok(Some(Printing {
            running: RunningJob {
                job: job.number,
                name: job.name,
                document,
                documents: u32::try_from(documents.len()).unwrap_or(u32::MAX),
                copies: documents.iter().find(|d| d.sequence == document.max(1)).map_or(1, |d| d.copies),
                copy: slot.map_or(1, |s| s.copy.max(1)),
                octets: slot.map_or(0, |s| s.octets),
                total_octets: total,
                since_ms: entry.claimed_ms.unwrap_or(self.now.wall_ms),
                stalled: slot.and_then(|s| s.stalled_at(self.now)),
            },
            documents: u32::try_from(documents.len()).unwrap_or(u32::MAX),
            quiet_since_ms: (quiet > QUIET_MS).then(|| self.now.wall_ms - quiet),
            awaits: slot.and_then(|slot| self.awaits(device, slot)),
        }))
    }

    /// What the print process of a device shows, if it can be read.
    fn progress(&self, device: &DeviceRow) -> progress::Snapshot {
        let process = device.settings.process.as_ref();
        process.and_then(|process| progress::read(&self.spool.base().progress(process)).ok()).unwrap_or_default()
    }

    fn awaits(&self, device: &DeviceRow, slot: &Progress) -> Option<Awaited> {
        let (wait, since_ms) = slot.awaits_at(self.now)?;
        Some(Awaited::at(&device.name, &device.settings, wait, since_ms))
    }

    /// What the queued entries of a job wait for.
    fn queued(&self, job: &JobRow, entries: &[EntryRow]) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        let queued: Vec<&EntryRow> = entries.iter().filter(|e| e.state == EntryState::Queued).collect();
        if queued.is_empty() {
            return Ok(causes);
        }
        let by = || Ok::<_, crate::model::Failure>(last(self.db, Object::Spool, &["drained"])?.map(act));
        causes.extend(match self.state {
            SpoolerState::Active => None,
            SpoolerState::Cold => Some(Cause::SpoolerCold),
            SpoolerState::Drain => Some(Cause::SpoolerDraining(by()?)),
            SpoolerState::Warm => Some(Cause::SpoolerDrained(by()?)),
        });
        let routed = store::device::of_route(self.db, job.route)?;
        let mut found: Vec<(DeviceRow, Vec<DeviceCause>)> = Vec::new();
        for entry in queued {
            let Some(only) = entry.only else {
                if routed.is_empty() {
                    causes.push(self.nowhere(job)?);
                }
                for device in &routed {
                    found.push((device.clone(), self.device(job, entry, device)?));
                }
                continue;
            };
            match (routed.iter().find(|d| d.id == only), store::device::by_id(self.db, only)?) {
                (Some(device), _) => found.push((device.clone(), self.device(job, entry, device)?)),
                (None, Some(device)) => found.push((device, vec![DeviceCause::NotRouted])),
                (None, None) => {}
            }
        }
        found.sort_by_key(|(_, list)| list.first().map_or(2, DeviceCause::rank));
        let alone = found.len() == 1;
        for (device, list) in found {
            let shown = if alone { list.len() } else { 1 };
            let name = device.name;
            causes.extend(list.into_iter().take(shown).map(|cause| Cause::Device { device: name.clone(), cause }));
        }
        Ok(causes)
    }

    /// A job whose route leads to no device.
    fn nowhere(&self, job: &JobRow) -> Fallible<Cause> {
        Ok(match Spool::job_destination(self.db, job)? {
            Destination::Group(group) => Cause::GroupWithoutDevices(group),
            Destination::Location(location) => {
                let routed = match job.location {
                    Some(id) => last(self.db, Object::Location(id), &["routed"])?,
                    None => None,
                };
                let by = routed.filter(|event| event.why == "to no device").map(act);
                Cause::NoDevice { location, by }
            }
        })
    }

    /// What keeps a queued job off a device, the most decisive first.
    fn device(&self, job: &JobRow, entry: &EntryRow, device: &DeviceRow) -> Fallible<Vec<DeviceCause>> {
        let active = self.state == SpoolerState::Active;
        let mut found = Vec::new();
        match device.wish {
            DeviceWish::Stopped => match self.stopped(device)? {
                Some(DeviceCause::Restarts(error)) => {
                    found.extend(self.process(device)?);
                    let next_try_ms = error.next_try_ms.filter(|_| found.is_empty());
                    found.push(DeviceCause::Restarts(ErrorNote { next_try_ms, ..error }));
                }
                other => found.extend(other),
            },
            DeviceWish::Draining => found.push(DeviceCause::Draining(self.last_wish(device, "drained")?)),
            DeviceWish::Suspended => found.push(DeviceCause::Suspended(self.last_wish(device, "suspended")?)),
            DeviceWish::Started => {
                found.extend(self.process(device)?);
                let tried = found.is_empty();
                found.extend(device.in_error().cloned().map(|error| error_cause(error, tried)));
            }
        }
        if !active {
            // SPOOLER, START brings these about by itself.
            found.retain(|cause| cause.rank() == 2 && !matches!(cause, DeviceCause::Draining(_)));
            found.retain(|cause| !matches!(cause, DeviceCause::NeverStarted { lacks } if lacks.is_empty()));
        }
        let form = |form: &str| store::device::form_key(form);
        if form(&job.form) != form(&device.settings.form) {
            found.push(DeviceCause::Form {
                wanted: job.form.trim().to_owned(),
                loaded: device.settings.form.trim().to_owned(),
            });
        }
        if found.is_empty() && active {
            found.push(self.place(entry, device)?);
        }
        if active && device.wish == DeviceWish::Started && self.process(device)?.is_empty() {
            let progress = self.progress(device);
            let awaits = progress.without_job(device.id).and_then(|slot| self.awaits(device, slot));
            let opening = awaits.filter(|awaits| awaits.wait.is_before_open());
            found.extend(opening.map(|awaits| DeviceCause::Opening { awaits, next: false }));
        }
        Ok(found)
    }

    /// A device that takes no jobs.
    fn stopped(&self, device: &DeviceRow) -> Fallible<Option<DeviceCause>> {
        if device.stopped_by_error
            && let Some(error) = device.error.clone()
        {
            return Ok(Some(match crate::spool::printing::device_errors::restart_at(self.db, device)? {
                Some(_) => DeviceCause::Restarts(error),
                None => DeviceCause::ErrorForGood(ErrorNote { next_try_ms: None, ..error }),
            }));
        }
        let event = last(self.db, Object::Device(device.id), &["started", "drained"])?;
        Ok(Some(match event {
            None => {
                let mut lacks = Vec::new();
                lacks.extend(device.settings.process.is_none().then(|| "PROCESS".to_owned()));
                let addressed = device.settings.uri.is_some() || self.spool.base().has_fastcnfg();
                lacks.extend((!addressed).then(|| "URI".to_owned()));
                DeviceCause::NeverStarted { lacks }
            }
            Some(event) => DeviceCause::Stopped(Some(event).filter(|event| event.what == "drained").map(act)),
        }))
    }

    /// Who asked a device for what it is told to do, if that was the last thing it was told.
    fn last_wish(&self, device: &DeviceRow, what: &str) -> Fallible<Option<Attribution>> {
        let event = last(self.db, Object::Device(device.id), &["started", what])?;
        Ok(event.filter(|event| event.what == what).map(act))
    }

    /// What is wrong with the print process of a device: one cause, or none.
    fn process(&self, device: &DeviceRow) -> Fallible<Vec<DeviceCause>> {
        let Some(name) = &device.settings.process else { return Ok(Vec::new()) };
        let Some(row) = store::process::by_name(self.db, name)? else {
            return Ok(vec![DeviceCause::ProcessGone(name.clone())]);
        };
        let state = self.spool.process_state(&row, self.now);
        let process = row.name.clone();
        Ok(match (state, row.error) {
            (ProcessState::Active, _) => Vec::new(),
            (_, Some(error)) => {
                let tried_again = ProcessError::is_creation(error.number);
                vec![DeviceCause::ProcessError { process, error, tried_again }]
            }
            (ProcessState::Error, None) => {
                let beat = progress::read(&self.spool.base().progress(name)).map_or(0, |s| s.heartbeat_boot_ms);
                vec![DeviceCause::ProcessHung { process, since_ms: self.now.wall_ms - (self.now.boot_ms - beat) }]
            }
            _ if row.file.is_none() => vec![DeviceCause::ProcessIndependent(process)],
            (ProcessState::Dead, None) => vec![DeviceCause::ProcessDead(process)],
            (ProcessState::Dormant, None) => vec![DeviceCause::ProcessNotRunning(process)],
        })
    }

    /// The place of a queued entry on a device that nothing is wrong with.
    fn place(&self, entry: &EntryRow, device: &DeviceRow) -> Fallible<DeviceCause> {
        let claimed = store::entry::of_device(self.db, device.id, EntryState::Claimed)?.into_iter().next();
        let printing = match &claimed {
            Some(claimed) => self.printing(device, claimed)?,
            None => None,
        };
        let form = store::device::form_key(&device.settings.form);
        let begun = store::entry::begun_on(self.db, device.id, &form)?;
        let mut ahead = 0;
        if begun.as_ref().is_none_or(|begun| begun.id != entry.id) {
            let fifo = device.settings.fifo;
            for (route, _) in store::device::routes(self.db, device.id)? {
                let queue = (route, entry.class, device.id);
                ahead += store::entry::ahead(self.db, queue, &entry.sort, fifo, POSITION_LIMIT)?;
            }
            // One that was begun on the device's file is resumed first, wherever it stands.
            ahead += u32::from(begun.is_some_and(|begun| entry.sort.place(fifo) < begun.sort.place(fifo)));
        }
        if ahead > 0 {
            let jobs = (ahead + u32::from(printing.is_some())).min(POSITION_LIMIT);
            return Ok(DeviceCause::Behind { jobs, printing });
        }
        if claimed.is_none() {
            let time = store::spool::row(self.db)?.time.at(self.now);
            let ours = device.settings.process.clone();
            let alive =
                |process: &ProcessRow| ours.as_ref() == Some(&process.name) || self.spool.is_alive(process, self.now);
            if claims::choose(self.db, device, time, &alive)?.entry.is_none_or(|chosen| chosen.id != entry.id) {
                return Ok(DeviceCause::LeftToAnother);
            }
        }
        Ok(DeviceCause::Next { printing })
    }
}

fn on_device(entry: &EntryRow) -> bool {
    matches!(entry.state, EntryState::Claimed | EntryState::Transferred)
}

/// What a device has to do with a job that it has, and nothing else is wrong.
fn had(printing: Printing) -> DeviceCause {
    match &printing.awaits {
        Some(awaits) if awaits.wait.is_before_open() => DeviceCause::Opening { awaits: awaits.clone(), next: true },
        // Not on record yet, but true: whether it is sent is known when the connection has closed.
        Some(Awaited { wait: Wait::Close, since_ms, .. }) => {
            DeviceCause::Transferred { octets: printing.running.octets, since_ms: Some(*since_ms) }
        }
        _ => DeviceCause::Prints(printing),
    }
}

/// `tried`: whether a process runs that tries again when the time has come. The causes before it say why none does.
fn error_cause(error: ErrorNote, tried: bool) -> DeviceCause {
    match error.next_try_ms {
        Some(_) => DeviceCause::Error(ErrorNote { next_try_ms: error.next_try_ms.filter(|_| tried), ..error }),
        None => DeviceCause::ErrorForGood(error),
    }
}
