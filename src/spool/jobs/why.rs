//! Why a job is not printing.
//!
//! One read transaction sees everything: rows, events, the locks and heartbeats of the print processes, their progress.
//! Nothing is guessed: a cause is what a row, an event or a lock says. Anybody may ask, and nothing is changed.
//!
//! What holds the job itself comes first (holds, a pause), then the spooler, then the devices: first devices that will
//! print the job, then devices that recover by themselves, then devices that wait for somebody. Each of several devices
//! shows its most decisive cause; a single device shows all.

use std::cell::RefCell;
use std::rc::Rc;

use crate::model::Call;
use crate::model::JobRef;
use crate::model::event::{EventDetail, EventWord};
use crate::model::guardian::ProcessError;
use crate::model::location::Destination;
use crate::model::order::QueueOrder;
use crate::model::state::{DeviceWish, EntryState, ErrorNote, HoldReason, JobState, ProcessState, Wish};
use crate::model::wait::{Awaited, Wait};
use crate::model::why::{Attribution, Cause, DeviceCause, Printing, Why};
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, last, latest};
use crate::store::job::JobRow;
use crate::store::process::ProcessRow;
use crate::store::{self, Fallible, Tx};

use crate::spool::Spool;
use crate::spool::interface::records::{Event, SpoolerState};
use crate::spool::objects::alive::{Alive, Known};
use crate::spool::objects::devices::running_job;
use crate::spool::printing::claims;
use crate::spool::printing::line::{Lines, POSITION_LIMIT};
use crate::spool::printing::progress::Progress;

/// A printer that has taken nothing for this long is slow.
const QUIET_MS: i64 = 30_000;

/// One look at the spool.
struct Look<'a> {
    spool: &'a Spool,
    tx: &'a Tx<'a>,
    state: SpoolerState,
    alive: RefCell<Alive>,
    lines: RefCell<Lines>,
}

fn act(event: Event) -> Attribution {
    Attribution { who: event.who, at_ms: event.at_ms }
}

impl Spool {
    /// Returns why a job is not printing: at least one cause, the most decisive first.
    pub(crate) fn why(&self, call: &Call, job: &JobRef) -> Fallible<Why> {
        self.look(call, |tx| {
            let row = super::actions::find(tx, self, job)?;
            let alive = RefCell::new(Alive::new(self));
            let state = store::spool::row(tx)?.state;
            let look = Look { spool: self, tx, state, alive, lines: RefCell::default() };
            let mut causes = look.of_job(&row)?;
            if causes.is_empty() {
                causes.push(Cause::NothingKnown);
            }
            let global = self.global_of(&row);
            Ok(Why { job: global, number: row.number, causes })
        })
    }
}

impl Look<'_> {
    fn of_job(&self, job: &JobRow) -> Fallible<Vec<Cause>> {
        let (state, entries) = self.spool.true_state(self.tx, job, &mut self.alive.borrow_mut())?;
        let is_away = entries.iter().any(|entry| entry.state == EntryState::Away);
        let mut causes = match state {
            JobState::Terminating if is_away => Vec::new(),
            _ => self.by_state(job, state, &entries)?,
        };
        if job.reasons.has(HoldReason::SecureRelease) || state == JobState::Retained {
            causes.extend(self.spool.why_not_released(self.tx, job, &mut self.alive.borrow_mut())?);
        }
        if is_away && let Some(away) = Spool::away_of(self.tx, job, entries.iter().map(|entry| entry.state))? {
            causes.insert(0, Cause::Server { away });
        }
        Ok(causes)
    }

    fn by_state(&self, job: &JobRow, state: JobState, entries: &[EntryRow]) -> Fallible<Vec<Cause>> {
        match state {
            JobState::Open => Ok(vec![Cause::Arriving]),
            JobState::Retained => Ok(vec![Cause::Retained]),
            JobState::Terminating => {
                let mut devices = Vec::new();
                for id in entries.iter().filter(|e| on_device(e)).filter_map(|e| e.device) {
                    devices.extend(store::device::by_id(self.tx, id)?.map(|row| row.name));
                }
                let by = last(self.tx, Object::Job(job.id), &[EventWord::Deleted])?.map(act);
                Ok(vec![Cause::Terminating { devices, by }])
            }
            JobState::Paused => {
                let mut causes = vec![self.paused(job)?];
                causes.extend(self.holds(job)?);
                Ok(causes)
            }
            JobState::Held => self.holds(job),
            JobState::Printing | JobState::Transferred => {
                let mut causes = self.on_devices(job, entries)?;
                // HOLD or a pause stops a printing job and then keeps it back.
                if job.wish == Wish::Pause {
                    causes.push(self.paused(job)?);
                }
                causes.extend(self.holds(job)?);
                causes.extend(self.queued(job, entries)?);
                Ok(causes)
            }
            JobState::Ready => self.queued(job, entries),
        }
    }

    fn paused(&self, job: &JobRow) -> Fallible<Cause> {
        Ok(Cause::Paused(last(self.tx, Object::Job(job.id), &[EventWord::Paused])?.map(act)))
    }

    /// Returns one cause for each reason of a hold.
    fn holds(&self, job: &JobRow) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        let object = Object::Job(job.id);
        let events = latest(self.tx, object, &EventWord::Held)?;
        for reason in job.reasons.iter() {
            // An event of another reason names it. An event that names none is somebody's HOLD.
            let about = |event: &&Event| match event.detail {
                Some(EventDetail::Hold(held)) => held == reason,
                _ => reason == HoldReason::Operator,
            };
            let event = events.iter().find(about).cloned();
            causes.push(match (reason, event) {
                // Who held it is the queue, and nobody in particular.
                (HoldReason::SecureRelease, _) => Cause::Held { reason, text: None, by: None },
                (HoldReason::Operator, Some(event)) if event.detail == Some(EventDetail::HoldAfter) => {
                    Cause::HeldAfterPrinting(act(event))
                }
                (HoldReason::Operator, None) => match last(self.tx, object, &[EventWord::Accepted])? {
                    Some(event) => Cause::HeldFromStart(act(event)),
                    None => Cause::Held { reason, text: None, by: None },
                },
                (HoldReason::Operator, event) => Cause::Held { reason, text: None, by: event.map(act) },
                (_, event) => Cause::Held { reason, text: job.reason_text.clone(), by: event.map(act) },
            });
        }
        Ok(causes)
    }

    /// Returns a cause for each device that has the job now.
    fn on_devices(&self, job: &JobRow, entries: &[EntryRow]) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        for entry in entries.iter().filter(|e| on_device(e)) {
            let Some(device) = entry.device.map(|id| store::device::by_id(self.tx, id)).transpose()?.flatten() else {
                continue;
            };
            // A job does not print when its print process cannot go on, whatever was recorded last.
            let mut trouble = self.process(&device)?;
            if device.wish == DeviceWish::Suspended {
                trouble.insert(0, DeviceCause::Suspended(self.last_wish(&device, EventWord::Suspended)?));
            }
            if let Some(error) = device.in_error().cloned() {
                let tried = trouble.is_empty();
                trouble.push(error_cause(error, tried));
            }
            let cause = match trouble.into_iter().next() {
                Some(cause) => cause,
                None if entry.state == EntryState::Transferred => DeviceCause::Transferred {
                    octets: entry.octets_sent.unwrap_or(0),
                    since_ms: last(self.tx, Object::Job(job.id), &[EventWord::Transferred])?.map(|event| event.at_ms),
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

    /// Returns how far a device is with a claimed entry.
    fn printing(&self, device: &DeviceRow, entry: &EntryRow) -> Fallible<Option<Printing>> {
        let Some(job) = store::job::by_id(self.tx, entry.job)? else { return Ok(None) };
        let Some(process) = self.alive.borrow_mut().claimant(self.tx, entry.claimed_by)? else { return Ok(None) };
        let slot = process.progress(self.spool).of_attempt(entry.id, entry.attempt);
        // The slot has times of the boot clock, as its process does. Without a slot nothing was sent yet.
        let began = store::spool::row(self.tx)?.time.at(self.tx.now()).0 - entry.claimed_spool.unwrap_or(0);
        let quiet = slot.map_or(began, |s| self.tx.now().boot_ms - s.at_boot_ms);
        let running = running_job(self.tx, entry, job, slot, self.alive.borrow_mut().visible(self.tx)?)?;
        Ok(Some(Printing {
            documents: running.documents,
            running,
            // A process that shows no sign of life does not look at its printer: nobody knows whether that is slow.
            quiet_since_ms: (quiet > QUIET_MS && process.pulse.silent_since_ms.is_none())
                .then(|| self.tx.now().wall_ms - quiet),
            awaits: slot.and_then(|slot| self.awaits(device, slot)),
        }))
    }

    /// Returns the print process of a device; none when it has none, or one that is not declared.
    fn process_of(&self, device: &DeviceRow) -> Fallible<Option<Rc<Known>>> {
        match &device.settings.process {
            Some(process) => self.alive.borrow_mut().named(self.tx, process),
            None => Ok(None),
        }
    }

    fn awaits(&self, device: &DeviceRow, slot: &Progress) -> Option<Awaited> {
        let (wait, since_ms) = slot.awaits_at(self.tx.now())?;
        Some(Awaited::at(&device.name, &device.settings, wait, since_ms))
    }

    /// Returns what the queued entries of a job wait for.
    fn queued(&self, job: &JobRow, entries: &[EntryRow]) -> Fallible<Vec<Cause>> {
        let mut causes = Vec::new();
        let queued: Vec<&EntryRow> = entries.iter().filter(|e| e.state == EntryState::Queued).collect();
        if queued.is_empty() {
            return Ok(causes);
        }
        let by = || Ok::<_, crate::model::Failure>(last(self.tx, Object::Spool, &[EventWord::Drained])?.map(act));
        causes.extend(match self.state {
            SpoolerState::Active => None,
            SpoolerState::Cold => Some(Cause::SpoolerCold),
            SpoolerState::Drain => Some(Cause::SpoolerDraining(by()?)),
            SpoolerState::Warm => Some(Cause::SpoolerDrained(by()?)),
        });
        let paused = store::location::paused_group(self.tx, job.group)?;
        let waits = paused.is_some();
        causes.extend(paused.map(Cause::QueuePaused));
        let routed = store::device::of_route(self.tx, job.route)?;
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
            match (routed.iter().find(|d| d.id == only), store::device::by_id(self.tx, only)?) {
                (Some(device), _) => found.push((device.clone(), self.device(job, entry, device)?)),
                (None, Some(device)) => found.push((device, vec![DeviceCause::NotRouted])),
                (None, None) => {}
            }
        }
        if waits {
            // Its place in a queue that gives nothing away means nothing; what else is in its way does.
            found.iter_mut().for_each(|(_, list)| list.retain(|cause| cause.rank() == 2));
            found.retain(|(_, list)| !list.is_empty());
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

    /// Returns the cause for a job whose route leads to no device.
    fn nowhere(&self, job: &JobRow) -> Fallible<Cause> {
        if let Some(away) = Spool::away_of(self.tx, job, std::iter::empty())? {
            return Ok(Cause::Server { away });
        }
        Ok(match Spool::job_destination(self.tx, job)? {
            Destination::Group(group) => Cause::GroupWithoutDevices(group),
            Destination::Location(location) | Destination::Plain(location) => {
                let leads = store::location::by_name(self.tx, &location)?;
                if leads.is_some_and(|row| row.whole_group) {
                    return Ok(Cause::GroupWithoutDevices(location.group));
                }
                let routed = match job.location {
                    Some(id) => last(self.tx, Object::Location(id), &[EventWord::Routed])?,
                    None => None,
                };
                let by = routed.filter(|event| event.detail == Some(EventDetail::NoDevice)).map(act);
                Cause::NoDevice { location, by }
            }
        })
    }

    /// Returns what keeps a queued job off a device, the most decisive cause first.
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
            DeviceWish::Draining => found.push(DeviceCause::Draining(self.last_wish(device, EventWord::Drained)?)),
            DeviceWish::Suspended => found.push(DeviceCause::Suspended(self.last_wish(device, EventWord::Suspended)?)),
            DeviceWish::Started => {
                found.extend(self.process(device)?);
                let tried = found.is_empty();
                found.extend(device.in_error().cloned().map(|error| error_cause(error, tried)));
            }
        }
        if !active {
            // SPOOLER, START takes care of these by itself.
            found.retain(|cause| cause.rank() == 2 && !matches!(cause, DeviceCause::Draining(_)));
            found.retain(|cause| !matches!(cause, DeviceCause::NeverStarted { lacks } if lacks.is_empty()));
        }
        let form = |form: &str| store::device::form_key(form);
        if !store::device::carries(&device.settings).split('\n').any(|one| one == form(&job.form)) {
            // A process that is started for nothing but this job has nothing to do: starting one is no advice.
            found.retain(|cause| {
                use DeviceCause::{ProcessDead, ProcessIndependent, ProcessNotRunning};
                !matches!(cause, ProcessDead { .. } | ProcessNotRunning(_) | ProcessIndependent(_))
            });
            found.push(DeviceCause::Form {
                wanted: job.form.trim().to_owned(),
                loaded: device.settings.papers().collect::<Vec<_>>().join(", "),
            });
        }
        if found.is_empty() && active {
            found.push(self.place(entry, device)?);
        }
        if active && device.wish == DeviceWish::Started && self.process(device)?.is_empty() {
            let process = self.process_of(device)?;
            let slot = process.as_ref().and_then(|known| known.progress(self.spool).without_job(device.id));
            let awaits = slot.and_then(|slot| self.awaits(device, slot));
            let opening = awaits.filter(|awaits| awaits.wait.is_before_open());
            found.extend(opening.map(|awaits| DeviceCause::Opening { awaits, next: false }));
        }
        Ok(found)
    }

    /// Returns the cause for a device that takes no jobs.
    fn stopped(&self, device: &DeviceRow) -> Fallible<Option<DeviceCause>> {
        if device.stopped_by_error
            && let Some(error) = device.error.clone()
        {
            return Ok(Some(match crate::spool::printing::device_errors::restart_at(self.tx, device)? {
                Some(_) => DeviceCause::Restarts(error),
                None => DeviceCause::ErrorForGood(ErrorNote { next_try_ms: None, ..error }),
            }));
        }
        let event = last(self.tx, Object::Device(device.id), &[EventWord::Started, EventWord::Drained])?;
        Ok(Some(match event {
            None => {
                let mut lacks = Vec::new();
                lacks.extend(device.settings.process.is_none().then(|| "PROCESS".to_owned()));
                let addressed = device.settings.uri.is_some()
                    || crate::spool::objects::spooler::is_something(&self.spool.fastcnfg_in(self.tx)?);
                lacks.extend((!addressed).then(|| "URI".to_owned()));
                let awaiting = crate::spool::objects::devices::awaiting(&device.settings);
                lacks.extend(awaiting.map(|uri| format!("transport for {}", uri.scheme())));
                DeviceCause::NeverStarted { lacks }
            }
            Some(event) => DeviceCause::Stopped(Some(event).filter(|event| event.what == EventWord::Drained).map(act)),
        }))
    }

    /// Returns who told a device to do `what`, if that was the last thing it was told.
    fn last_wish(&self, device: &DeviceRow, what: EventWord) -> Fallible<Option<Attribution>> {
        let event = last(self.tx, Object::Device(device.id), &[EventWord::Started, what.clone()])?;
        Ok(event.filter(|event| event.what == what).map(act))
    }

    /// Returns what is wrong with the print process of a device: one cause, or none.
    fn process(&self, device: &DeviceRow) -> Fallible<Vec<DeviceCause>> {
        let Some(name) = &device.settings.process else { return Ok(Vec::new()) };
        let Some(known) = self.alive.borrow_mut().named(self.tx, name)? else {
            return Ok(vec![DeviceCause::ProcessGone(name.clone())]);
        };
        let (row, pulse) = (&known.row, known.pulse);
        let process = row.name.clone();
        if row.error.is_none()
            && let Some(error) = Spool::device_trouble(known.troubles(self.spool, self.tx.now()), device, self.tx.now())
        {
            let tried_again = ProcessError::is_creation(error.number);
            return Ok(vec![match tried_again {
                true => DeviceCause::ProcessError { process, error, tried_again },
                false => DeviceCause::ProcessTrouble { process, error },
            }]);
        }
        let now_ms = self.tx.now().wall_ms;
        Ok(match (pulse.state, row.error.clone()) {
            (ProcessState::Active, _) => match pulse.silent_since_ms {
                // It is not given up yet, but its printers are not to blame.
                Some(since_ms) => vec![DeviceCause::ProcessSilent { process, since_ms }],
                None => Vec::new(),
            },
            (_, Some(error)) => {
                let tried_again = ProcessError::is_creation(error.number);
                vec![DeviceCause::ProcessError { process, error, tried_again }]
            }
            (ProcessState::Error, None) => {
                vec![DeviceCause::ProcessHung { process, since_ms: pulse.silent_since_ms.unwrap_or(now_ms) }]
            }
            _ if row.file.is_none() => vec![DeviceCause::ProcessIndependent(process)],
            (ProcessState::Dead, None) => {
                vec![DeviceCause::ProcessDead { process, last_words: self.spool.last_words() }]
            }
            (ProcessState::Dormant, None) => vec![DeviceCause::ProcessNotRunning(process)],
        })
    }

    /// Returns the place of a queued entry on a device that nothing is wrong with.
    fn place(&self, entry: &EntryRow, device: &DeviceRow) -> Fallible<DeviceCause> {
        let mut claimed = None;
        for one in store::entry::of_device(self.tx, device.id, EntryState::Claimed)? {
            if claimed.is_none() && self.alive.borrow_mut().claimant(self.tx, one.claimed_by)?.is_some() {
                claimed = Some(one);
            }
        }
        let printing = match &claimed {
            Some(claimed) => self.printing(device, claimed)?,
            None => None,
        };
        let asked = (entry.job, entry.class, &entry.sort);
        let mut alive = self.alive.borrow_mut();
        let standing = self.lines.borrow_mut().standing(self.tx, device, asked, &mut alive)?;
        drop(alive);
        let ahead = standing.map_or(0, |standing| standing.ahead);
        if ahead > 0 {
            let jobs = (ahead + u32::from(printing.is_some())).min(POSITION_LIMIT);
            let short_first = device.settings.order() == QueueOrder::ShortFirst;
            return Ok(DeviceCause::Behind { jobs, printing, short_first });
        }
        if claimed.is_none() {
            let time = store::spool::row(self.tx)?.time.at(self.tx.now());
            let ours = device.settings.process.clone();
            let alive = |process: &ProcessRow| {
                ours.as_ref() == Some(&process.name) || self.spool.is_alive(process, self.tx.now())
            };
            if claims::choose(self.tx, device, time, &alive)?.entry.is_none_or(|chosen| chosen.id != entry.id) {
                return Ok(DeviceCause::LeftToAnother);
            }
        }
        Ok(DeviceCause::Next { printing })
    }
}

fn on_device(entry: &EntryRow) -> bool {
    matches!(entry.state, EntryState::Claimed | EntryState::Transferred)
}

/// Returns the cause for a device that has the job, when nothing else is wrong.
fn had(printing: Printing) -> DeviceCause {
    match &printing.awaits {
        Some(awaits) if awaits.wait.is_before_open() => DeviceCause::Opening { awaits: awaits.clone(), next: true },
        // This is not on record yet, but true: only the close of the connection tells whether the job is sent.
        Some(Awaited { wait: Wait::Close, since_ms, .. }) => {
            DeviceCause::Transferred { octets: printing.running.octets, since_ms: Some(*since_ms) }
        }
        _ => DeviceCause::Prints(printing),
    }
}

/// Returns the cause for a device in error. `tried` tells whether a process runs that tries again when the time has
/// come; if not, the causes before this one say why.
fn error_cause(error: ErrorNote, tried: bool) -> DeviceCause {
    match error.next_try_ms {
        Some(_) => DeviceCause::Error(ErrorNote { next_try_ms: error.next_try_ms.filter(|_| tried), ..error }),
        None => DeviceCause::ErrorForGood(error),
    }
}
