//! Devices: declaring, altering, deleting, and how they are shown. START, SUSPEND and DRAIN are in
//! [`super::device_wishes`].
//!
//! States: a device is declared by its first attribute, and is OFFLINE. Its attributes can be altered while it is
//! OFFLINE; its address and its print process only while no attempt at it is open. The same attributes again are no
//! change, whatever the device does. It can be deleted when no location
//! leads to it and no job waits for it alone. The shown state follows from the operator's wish, the error on record,
//! the claim and the print process ([`DeviceState::of`]); nothing stores it.
//!
//! Who may: only the creator of the spool declares, alters and deletes. Anybody looks.
//!
//! A crash: a set of attributes is one transaction, so all of them hold or none.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::Call;
use crate::model::authority::Right;
use crate::model::device::{AwaitingUri, DeviceChange, DeviceSettings, DeviceStatus, DeviceUri, RunningJob, Trouble};
use crate::model::event::EventWord;
use crate::model::guardian::{DeviceError, ProcessError};
use crate::model::state::{DeviceFacts, DeviceState, DeviceWish, EntryState, ErrorNote, ProcessState, SpoolerState};
use crate::model::wait::Awaited;
use crate::model::{DeviceId, DeviceName, Failure, FailureKind, JobNumber, ProcessName, near};
use crate::store::access::Owner;
use crate::store::device::DeviceRow;
use crate::store::entry::EntryRow;
use crate::store::event::{Object, last, record};
use crate::store::job::JobRow;
use crate::store::managed::Holder;
use crate::store::standing::Kind;
use crate::store::{self, Fallible, Tx};

use super::alive::{Alive, Known};
use crate::spool::interface::records::DeviceCounts;
use crate::spool::jobs::visible::Visible;
use crate::spool::printing::progress::Progress;
use crate::spool::printing::{claims, device_errors, wakes};
use crate::spool::{Room, Spool, WakeTarget};

/// Waiting entries are counted up to this number.
const COUNT_LIMIT: u32 = 1001;

impl Spool {
    /// Changes attributes of a device, or declares it. Returns the print processes that a RESTART concerns.
    pub(crate) fn change_device(
        &self,
        call: &Call,
        name: DeviceName,
        changes: Vec<DeviceChange>,
    ) -> Fallible<Vec<WakeTarget>> {
        for change in &changes {
            self.check_change(change)?;
        }

        self.change(Room::Takes, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = match store::device::to_change(tx, &name)? {
                Some(row) => row,
                None => {
                    super::additions::demand_additions(tx)?;
                    let id = store::device::insert(tx, &store::device::local_name(tx, &name)?)?;
                    record(tx, Object::Device(id), EventWord::Declared, "")?;
                    store::device::by_id(tx, id)?.ok_or_else(|| Failure::internal("a new device cannot be found"))?
                }
            };
            let mut settings = row.settings.clone();
            for change in &changes {
                match change {
                    // The process is named as it was declared, however it was typed.
                    DeviceChange::Process(process) => match store::process::to_change(tx, process)? {
                        Some(found) => settings.apply(&DeviceChange::Process(found.name)),
                        None => return Err(unknown_process(tx, process)?),
                    },
                    other => settings.apply(other),
                }
            }
            if settings == row.settings {
                return Ok(Vec::new());
            }
            if row.wish != DeviceWish::Stopped {
                return Err(Failure::new(FailureKind::State, format!("device {} is online", row.name.guardian()))
                    .hint(format!(
                        "its attributes can be altered when it is OFFLINE: DEV {}, DRAIN",
                        row.name.guardian()
                    )));
            }
            let moves = |change: &DeviceChange| matches!(change, DeviceChange::Uri(_) | DeviceChange::Process(_));
            if changes.iter().any(moves) && is_busy(tx, &row)? {
                return Err(Failure::new(
                    FailureKind::InUse,
                    format!("device {} still has a job of a print process that ended in mid-job", row.name.guardian()),
                )
                .hint("PRINT $process, START gives it back"));
            }
            store::device::set_settings(tx, row.id, &settings)?;
            if settings.kept != row.settings.kept {
                store::device::set_kept(tx, row.id, &settings.kept)?;
            }
            if settings.fifo != row.settings.fifo {
                for (route, _) in store::device::routes(tx, row.id)? {
                    Self::reorder(tx, route)?;
                }
            }
            let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
            record(tx, Object::Device(row.id), EventWord::Altered, &words.join(", "))?;
            if !row.stopped_by_error {
                return Ok(Vec::new());
            }
            // A RESTART that is given to a device after an error has stopped it counts from now.
            if changes.iter().any(|change| matches!(change, DeviceChange::Restart(_))) {
                device_errors::set_restart(tx, &by_id(tx, &row)?)?;
            }
            // The device may have a RESTART now, or none any more, and another print process may have to wait for it.
            // The process that had the device learns this; the one that has it now is woken, to be there when it is
            // due.
            let mut targets = Vec::new();
            if let Some(before) = &row.settings.process {
                wakes::add(&mut targets, wakes::target(tx, before)?.filter(|target| target.running));
            }
            if let Some(process) = &settings.process
                && device_errors::restart_at(tx, &by_id(tx, &row)?)?.is_some()
            {
                wakes::add(&mut targets, wakes::target(tx, process)?);
            }
            Ok(targets)
        })
    }

    /// Checks a change on its own.
    pub(super) fn check_change(&self, change: &DeviceChange) -> Fallible<()> {
        let bad = |message: String| Err(Failure::new(FailureKind::BadValue, message));
        match change {
            DeviceChange::Uri(uri @ (DeviceUri::File(path) | DeviceUri::Char(path) | DeviceUri::Fifo(path))) => {
                // A device must never write into the spool itself, neither directly nor through a link.
                let path = &path.path;
                let base =
                    std::fs::canonicalize(self.base().root()).unwrap_or_else(|_| self.base().root().to_path_buf());
                let real =
                    path.parent().and_then(|dir| std::fs::canonicalize(dir).ok()).unwrap_or_else(|| path.clone());
                if path.starts_with(&base) || real.starts_with(&base) {
                    return bad(format!("URI {uri}: lies inside the spool itself"));
                }
                Ok(())
            }
            DeviceChange::Width(n) if *n == 0 || *n < -1 || *n > 32767 => {
                bad(format!("WIDTH {n}: from 1 to 32767 columns, or -1 for 132"))
            }
            DeviceChange::PageLength(n) if *n > 32767 => {
                bad(format!("PAGELENGTH {n}: from 1 to 32767 lines, or 0 for pages as they come"))
            }
            DeviceChange::Speed(0) => bad("SPEED 0: from 1 to 32767 lines per minute".to_owned()),
            DeviceChange::Timeout(n) if *n == 0 || *n < -1 => {
                bad(format!("TIMEOUT {n}: from 1 to 32767 retries, or -1 for ever"))
            }
            DeviceChange::Restart(n) if *n != 0 && !(10..=32767).contains(n) => {
                bad(format!("RESTART {n}: from 10 to 32767 seconds, or OFF"))
            }
            DeviceChange::Form(form) => match crate::model::device::check_form(form) {
                Ok(_) => Ok(()),
                Err(why) => bad(why),
            },
            _ => Ok(()),
        }
    }

    /// Deletes a device that is OFFLINE, has no locations and no jobs.
    pub(crate) fn delete_device(&self, call: &Call, name: DeviceName) -> Fallible<()> {
        self.change(Room::Gives, call, move |tx| {
            Self::demand(tx, Right::Configure)?;
            let row = store::device::to_change(tx, &name)?.ok_or_else(|| not_found(tx, &name))?;
            let shown = row.name.guardian();
            if row.wish != DeviceWish::Stopped {
                return Err(Failure::new(FailureKind::State, format!("device {shown} is online"))
                    .hint(format!("DEV {shown}, DRAIN takes it offline")));
            }
            let locations = store::location::of_device(tx, row.id)?;
            if let Some(first) = locations.first() {
                let routes = match locations.len() {
                    1 => "1 location leads".to_owned(),
                    n => format!("{n} locations lead"),
                };
                return Err(Failure::new(FailureKind::InUse, format!("{routes} to {shown}"))
                    .hint(format!("LOC {}, DEV NONE disconnects one", first.name)));
            }
            if is_busy(tx, &row)? || store::entry::any_only_for(tx, row.id)? {
                return Err(Failure::new(FailureKind::InUse, format!("device {shown} still has jobs of its own")));
            }
            store::device::delete(tx, row.id)?;
            record(tx, Object::Device(row.id), EventWord::Deleted, &shown)
        })
    }

    /// Returns one page of the devices, after `after`.
    pub(crate) fn devices(&self, call: &Call, after: Option<DeviceName>) -> Fallible<Vec<DeviceStatus>> {
        self.look(call, |tx| {
            let mut alive = Alive::new(self);
            let rows = store::device::list(tx, after.as_ref())?;
            let holders: Vec<Holder> = rows.iter().map(|row| Holder::Device(row.id)).collect();
            let mut given = store::managed::of_each(tx, &holders)?;
            let mut status = |row: DeviceRow| {
                let given = given.remove(&row.id.0).unwrap_or_default();
                Ok(DeviceStatus { given, ..self.device_status(tx, row, &mut alive)? })
            };
            rows.into_iter().map(&mut status).collect()
        })
    }

    /// Returns one device.
    pub(crate) fn device(&self, call: &Call, name: &DeviceName) -> Fallible<DeviceStatus> {
        self.look(call, |tx| {
            let row = store::device::by_name(tx, name)?.ok_or_else(|| not_found(tx, name))?;
            let given = store::managed::of(tx, Holder::Device(row.id))?;
            Ok(DeviceStatus { given, ..self.device_status(tx, row, &mut Alive::new(self))? })
        })
    }

    /// Returns a device, if there is one of that name.
    pub(crate) fn known_device(&self, call: &Call, name: &DeviceName) -> Fallible<Option<DeviceStatus>> {
        self.look(call, |tx| {
            let Some(row) = store::device::by_name(tx, name)? else { return Ok(None) };
            let given = store::managed::of(tx, Holder::Device(row.id))?;
            Ok(Some(DeviceStatus { given, ..self.device_status(tx, row, &mut Alive::new(self))? }))
        })
    }

    /// Returns how many devices are in each state: of those whose state does not follow from what is counted, each is looked at.
    pub(crate) fn device_summary(&self, call: &Call) -> Fallible<DeviceCounts> {
        self.look(call, |tx| {
            let mut alive = Alive::new(self);
            let mut state_of = |kind: &Kind, (in_error, claimed, aligns): (bool, bool, bool)| {
                let process = kind.process.as_ref().map_or(Ok(None), |process| alive.named(tx, process))?;
                let process = process.map_or(ProcessState::Dormant, |known| known.pulse.state);
                let note = ErrorNote { number: 0, text: String::new(), since_ms: 0, next_try_ms: None, tries: 0 };
                Fallible::Ok(DeviceState::of(&DeviceFacts {
                    wish: kind.wish,
                    error: in_error.then_some(&note),
                    job: claimed.then(|| JobNumber::new(1)).flatten(),
                    aligning: aligns && process == ProcessState::Active,
                    process,
                }))
            };
            let mut counts = DeviceCounts::default();
            for (kind, devices) in store::standing::counts(tx)? {
                *counts.of(&state_of(&kind, (false, false, false))?) += devices;
            }
            let mut exceptions: BTreeMap<DeviceId, (Kind, (bool, bool, bool))> = BTreeMap::new();
            let mut claimants = Alive::new(self);
            for one in store::standing::exceptions(tx)? {
                let claimed = one.claimed.is_some() && claimants.claimant(tx, one.claimed)?.is_some();
                let (_, facts) = exceptions.entry(one.id).or_insert((one.kind, (false, false, false)));
                *facts = (facts.0 || one.in_error, facts.1 || claimed, facts.2 || one.aligns);
            }
            for (kind, facts) in exceptions.into_values() {
                let counted = counts.of(&state_of(&kind, (false, false, false))?);
                *counted = counted.saturating_sub(1);
                *counts.of(&state_of(&kind, facts)?) += 1;
            }
            Ok(counts)
        })
    }

    /// Returns a device as displays show it.
    pub(crate) fn device_status(&self, tx: &Tx<'_>, row: DeviceRow, alive: &mut Alive) -> Fallible<DeviceStatus> {
        self.device_status_counting(tx, row, alive, COUNT_LIMIT)
    }

    /// The same, where what waits is counted up to `most`.
    pub(crate) fn device_status_counting(
        &self,
        tx: &Tx<'_>,
        row: DeviceRow,
        alive: &mut Alive,
        most: u32,
    ) -> Fallible<DeviceStatus> {
        let process = match &row.settings.process {
            Some(process) => alive.named(tx, process)?,
            None => None,
        };
        let process_state = process.as_ref().map_or(ProcessState::Dormant, |known| known.pulse.state);
        // The attempt of a dead process is over, although nobody has recorded it yet.
        let (mut claimed, mut left_over) = (None, false);
        for entry in store::entry::of_device(tx, row.id, EntryState::Claimed)? {
            match alive.claimant(tx, entry.claimed_by)? {
                Some(_) => claimed = claimed.or(Some(entry)),
                None => left_over = true,
            }
        }
        let progress = process.as_ref().map(|known| known.progress(self));
        let slot = match &claimed {
            Some(entry) => progress.and_then(|progress| progress.of_attempt(entry.id, entry.attempt)),
            None => progress.and_then(|progress| progress.without_job(row.id)),
        };
        let mut running = None;
        if let Some(entry) = &claimed
            && let Some(job) = store::job::by_id(tx, entry.job)?
        {
            running = Some(running_job(tx, entry, job, slot, alive.visible(tx)?)?);
        }
        // The database learns that the device was opened for a job only when the job ends or takes long. The slot
        // knows.
        let in_use = slot.is_some_and(|slot| slot.open);
        let awaits = slot.and_then(|slot| slot.awaits_at(tx.now()));
        let awaits = awaits.map(|(wait, since_ms)| Awaited::at(&row.name, &row.settings, wait, since_ms));
        let mut waiting = 0;
        for (route, _) in store::device::routes(tx, row.id)? {
            waiting = (waiting + store::entry::waiting(tx, route, row.id, most)?).min(most);
        }
        let state = DeviceState::of(&DeviceFacts {
            wish: row.wish,
            error: row.in_error(),
            job: running.as_ref().map(|r| r.job),
            aligning: process_state == ProcessState::Active && store::request::any_for_device(tx, row.id)?,
            process: process_state,
        });
        let error = row.in_error().cloned();
        let unserved = process_state != ProcessState::Active && row.wish == DeviceWish::Started;
        let awaits_process = unserved && (left_over || (waiting > 0 && claims::has_eligible(tx, &row)?));
        let spooler = alive.spooler(tx)?;
        let process_trouble =
            process.as_ref().and_then(|known| Self::device_trouble(known.troubles(self, tx.now()), &row, tx.now()));
        let facts = Facts {
            process: process.as_deref(),
            process_trouble: process_trouble.as_ref(),
            spooler,
            running: running.as_ref(),
            awaits: awaits.as_ref(),
            awaits_process,
        };
        let trouble = trouble(tx, &row, &facts)?;
        let access = Self::access_of(tx, store::spool::row(tx)?.trust.has_rules, Owner::Device(row.id))?;
        Ok(DeviceStatus {
            access,
            id: row.id,
            name: row.name,
            settings: row.settings,
            wish: row.wish,
            state,
            pause_next: row.pause_next,
            open: (row.open || in_use) && process_state == ProcessState::Active,
            opens: row.opens,
            connection: row.connection,
            error,
            stopped_by_error: row.stopped_by_error,
            trouble,
            process_trouble,
            rate: row.rate,
            running,
            awaits,
            process_state,
            waiting,
            awaits_process,
            given: Vec::new(),
        })
    }
}

/// Tells what a device lacks to be started, with what helps; none when it has all it needs. An address is needed unless
/// it `may_have_entry` in `fastcnfg`.
pub(crate) fn lacks(tx: &Tx<'_>, row: &DeviceRow, may_have_entry: bool, fastcnfg: &Path) -> Fallible<Option<Failure>> {
    let shown = row.name.guardian();
    let missing = |what: &str, hint: String| {
        Some(Failure::new(FailureKind::State, format!("device {shown} has no {what}")).hint(hint))
    };
    let Some(process) = &row.settings.process else {
        return Ok(missing("print process", format!("DEV {shown}, PROCESS $SPLA gives it one")));
    };
    if row.settings.uri.is_none() && !may_have_entry {
        let uri = format!("DEV {shown}, URI socket://host:9100 or URI file:///path gives it one");
        return Ok(missing("address", format!("{uri}, or an entry for it in {}", fastcnfg.display())));
    }
    if let Some(uri) = awaiting(&row.settings) {
        let failure = Failure::new(FailureKind::State, format!("device {shown} waits: {}", uri.awaits()));
        let raw = format!("most network printers also take raw data: DEV {shown}, URI socket://host:9100");
        return Ok(Some(failure.hint(raw)));
    }
    if store::process::to_change(tx, process)?.is_none() {
        return Ok(Some(unknown_process(tx, process)?));
    }
    Ok(None)
}

/// Returns the address for which a device has to wait: one whose protocol has no transport. An entry in FASTCNFG may say
/// another.
pub(crate) fn awaiting(settings: &DeviceSettings) -> Option<&AwaitingUri> {
    settings.uri.as_ref().filter(|_| !settings.consults_fastcnfg()).and_then(DeviceUri::awaiting)
}

/// What decides beside its row why a device does not print.
struct Facts<'a> {
    /// Its print process.
    process: Option<&'a Known>,
    /// What that process says of itself.
    process_trouble: Option<&'a ErrorNote>,
    spooler: SpoolerState,
    running: Option<&'a RunningJob>,
    awaits: Option<&'a Awaited>,
    /// Whether work waits for it that nobody does.
    awaits_process: bool,
}

/// Returns why a device does not print although it is wanted to: one word and since when, the most decisive reason first.
fn trouble(tx: &Tx<'_>, row: &DeviceRow, facts: &Facts<'_>) -> Fallible<Option<Trouble>> {
    let is = |word: &str, since_ms: Option<i64>| Ok(Some(Trouble { word: word.to_owned(), since_ms }));
    if row.wish == DeviceWish::Stopped {
        let error = row.error.as_ref().filter(|_| row.stopped_by_error);
        return Ok(error.map(of_error));
    }
    if let Some(found) = of_process(row, facts) {
        return Ok(Some(found));
    }
    if let Some(error) = row.in_error() {
        return Ok(Some(of_error(error)));
    }
    if let Some(stalled) = facts.running.and_then(|running| running.stalled) {
        return is("stalled", Some(stalled.since_ms));
    }
    if let Some(awaits) = facts.awaits
        && let Some((word, at_once)) = awaits.wait.trouble()
        && (at_once || tx.now().wall_ms - awaits.since_ms > LONG_MS)
    {
        return is(word, Some(awaits.since_ms));
    }
    if row.connection.as_ref().is_some_and(|used| used.complaint.is_some()) {
        let said = last(tx, Object::Device(row.id), &[EventWord::Fastcnfg])?;
        return is("fastcnfg", said.map(|event| event.at_ms));
    }
    if row.wish == DeviceWish::Started && facts.spooler != SpoolerState::Active {
        return is(&format!("spooler {}", facts.spooler.word()), None);
    }
    Ok(None)
}

/// Returns what is wrong with the print process of a device, as far as that keeps the device from printing.
fn of_process(row: &DeviceRow, facts: &Facts<'_>) -> Option<Trouble> {
    let is = |word: &str, since_ms: Option<i64>| Some(Trouble { word: word.to_owned(), since_ms });
    row.settings.process.as_ref()?;
    let Some(known) = facts.process else { return is("process not declared", None) };
    let noted = |note: &ErrorNote| is(ProcessError::brief(note.number), Some(note.since_ms));
    match known.pulse.state {
        ProcessState::Error => match known.row.error.as_ref().or(facts.process_trouble) {
            Some(note) => noted(note),
            None => is("process hangs", known.pulse.silent_since_ms),
        },
        ProcessState::Dead => is("process died", None),
        ProcessState::Dormant if facts.awaits_process && facts.spooler == SpoolerState::Active => {
            is("process not running", None)
        }
        ProcessState::Active if known.pulse.silent_since_ms.is_some() => {
            is("process silent", known.pulse.silent_since_ms)
        }
        _ => facts.process_trouble.and_then(noted),
    }
}

/// A wait that lasts longer than this is trouble, whatever is waited for.
const LONG_MS: i64 = 30_000;

fn of_error(error: &ErrorNote) -> Trouble {
    let word = DeviceError::recorded(error.number, &error.text).brief();
    Trouble { word: word.to_owned(), since_ms: Some(error.since_ms) }
}

/// Returns how far a device is with a claimed entry. Without a slot nothing was sent yet.
/// Of a job that the caller does not see, the name is left out.
pub(crate) fn running_job(
    tx: &Tx<'_>,
    entry: &EntryRow,
    job: JobRow,
    slot: Option<&Progress>,
    visible: &mut Visible,
) -> Fallible<RunningJob> {
    let name = if visible.sees_job(tx, &job)? { job.name } else { String::new() };
    let documents = store::document::of_job(tx, job.id)?;
    let accepted = documents.iter().map(|d| d.identity.size.saturating_mul(u64::from(d.copies))).sum();
    let document = slot.map_or(0, |s| s.document);
    let octets = slot.map_or(0, |s| s.octets);
    // What is sent beside the documents counts on both sides, and so does what was added to a linked document since.
    let total = slot.map(|s| s.total).filter(|total| *total > 0).unwrap_or(accepted).max(octets);
    Ok(RunningJob {
        job: job.number,
        name,
        document,
        documents: u32::try_from(documents.len()).unwrap_or(u32::MAX),
        copies: documents.iter().find(|d| d.sequence == document.max(1)).map_or(1, |d| d.copies),
        copy: slot.map_or(1, |s| s.copy.max(1)),
        octets,
        total_octets: total,
        since_ms: entry.claimed_ms.unwrap_or(tx.now().wall_ms),
        stalled: slot.and_then(|s| s.stalled_at(tx.now())),
    })
}

/// Tells whether an attempt at a device has not ended, or its connection has not closed.
pub(crate) fn is_busy(tx: &Tx<'_>, row: &DeviceRow) -> Fallible<bool> {
    Ok(!store::entry::of_device(tx, row.id, EntryState::Claimed)?.is_empty()
        || !store::entry::of_device(tx, row.id, EntryState::Transferred)?.is_empty())
}

/// Reads the row of a device again, as it is now in the transaction.
pub(crate) fn by_id(tx: &Tx<'_>, row: &DeviceRow) -> Fallible<DeviceRow> {
    store::device::by_id(tx, row.id)?.ok_or_else(|| not_found(tx, &row.name))
}

/// Makes the failure for a device that does not exist, with names that resemble it.
pub(crate) fn not_found(tx: &Tx<'_>, name: &DeviceName) -> Failure {
    let failure = Failure::not_found(format!("device {}", name.guardian()));
    let names = match store::device::neighbours(tx, name) {
        Ok(names) => names,
        Err(failure) => return failure,
    };
    let names: Vec<String> = names.iter().map(DeviceName::guardian).collect();
    let near = near(&name.to_string(), names.iter().map(String::as_str));
    if near.is_empty() {
        failure.hint(format!("DEV {}, PROCESS $SPLA, URI … declares it", name.guardian()))
    } else {
        failure.hint(format!("did you mean {}?", near.join(", ")))
    }
}

/// Makes the failure for a print process that does not exist, with names that resemble it.
pub(crate) fn unknown_process(tx: &Tx<'_>, name: &ProcessName) -> Fallible<Failure> {
    let names: Vec<String> = store::process::list(tx, None)?.iter().map(|row| row.name.to_string()).collect();
    let near = near(name.as_str(), names.iter().map(String::as_str));
    let failure = super::processes::not_found(name);
    Ok(if near.is_empty() { failure } else { failure.hint(format!("did you mean ${}?", near.join(", $"))) })
}
