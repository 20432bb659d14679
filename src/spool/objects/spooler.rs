//! The spooler as a whole: its state and its counts.
//!
//! States: COLD until the first START, ACTIVE after it, DRAIN from SPOOLER DRAIN on, WARM when the last attempt has
//! ended. START makes the spooler ACTIVE again from each of them; from WARM it forgets MGRACCESS. Only an ACTIVE spooler
//! takes jobs and begins to print; while it drains nothing is added.
//!
//! Who may: only the creator of the spool starts and drains it, and sets MGRACCESS. Anybody looks.
//!
//! A crash: the state is a row, so a drain is still a drain after a crash. The end of an attempt makes the spooler
//! WARM. The attempts of a process that died end when the next process of its name begins.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::authority::Right;
use crate::model::collector::CollectorState;
use crate::model::event::EventWord;
use crate::model::job::RawPath;
use crate::model::space::SpoolSpace;
use crate::model::state::{EntryState, ProcessState};
use crate::model::time::Moment;
use crate::model::{Call, Failure, FailureKind};
use crate::store::event::{Object, record};
use crate::store::managed::Holder;
use crate::store::{self, Fallible, Lock, Tx};

use super::alive::Alive;
use super::collectors;
use super::devices::lacks;
use crate::spool::disk::reserve;
use crate::spool::disk::{certificate, error_log};
use crate::spool::interface::records::{JobSummary, SpoolStatus, SpoolerState, Statistics};
use crate::spool::printing::wakes;
use crate::spool::{Room, Spool, WakeTarget};

/// More devices than a spool has: each has one job in print.
const DEVICES: u32 = 100_000;

/// So many devices that lack something are named one by one.
const UNREADY: usize = 20;

impl Spool {
    /// Returns the state of the spooler and its counts.
    pub(crate) fn about(&self, call: &Call) -> Fallible<SpoolStatus> {
        self.look(call, |tx| {
            let row = store::spool::row(tx)?;
            let counts = store::tally::counts(tx)?;
            // A counter that is wrong is found by pdfsck, and keeps nobody from looking.
            let shown = |n: i64| u64::try_from(n).unwrap_or(0);
            let restored = store::restored::since(tx)?.is_some();
            let mut alive = Alive::new(self);
            let on_devices = on_devices(tx, &mut alive)?;
            let nobody = if row.state == SpoolerState::Active { self.nobody_prints(tx, &mut alive)? } else { None };
            let fetched = self.fetched();
            let transformed = self.transformed();
            Ok(SpoolStatus {
                spool_id: row.spool_id,
                server: self.server().clone(),
                base: RawPath(self.base().root().to_path_buf()),
                state: row.state,
                creator_uid: row.trust.creator_uid,
                manager_access: row.trust.manager_access,
                limits: row.limits,
                space: SpoolSpace {
                    copies: shown(counts.copies),
                    copy_octets: shown(counts.copy_octets),
                    links: shown(counts.links),
                    fetched: fetched.0,
                    fetched_octets: fetched.1,
                    transformed: transformed.0,
                    transformed_octets: transformed.1,
                    reserve: row.reserve,
                    disk: reserve::disk(self.base()),
                    refuses: row.reserve.is_some() && reserve::refuses(self.base()),
                },
                deliveries: store::outbox::counts(tx)?,
                access: Self::access_of(tx, row.trust.has_rules, store::access::Owner::Spool)?,
                fastcnfg: RawPath(self.fastcnfg_in(tx)?),
                error_log: store::spool::error_log(tx)?,
                collectors: self.collectors_in(tx, None)?.into_iter().map(|one| (one.name, one.state)).collect(),
                jobs: shown(counts.jobs),
                open_jobs: shown(counts.open_jobs),
                printing_jobs: on_devices.printing,
                transferred_jobs: on_devices.transferred,
                devices: shown(counts.devices),
                locations: shown(counts.locations),
                processes: shown(counts.processes),
                prints: row.state == SpoolerState::Active && nobody.is_none(),
                last_error: match (restored, self.base().ballast().exists()) {
                    (true, _) => Some(
                        "spool.db was restored: what it knows is held, nothing is erased until pdfsck --accept"
                            .to_owned(),
                    ),
                    (false, false) => Some("the disk was full: room is being kept for completing jobs".to_owned()),
                    (false, true) => nobody.or_else(|| self.certificate_announcement(&call.now)),
                },
                given: store::managed::of(tx, Holder::Spool)?,
            })
        })
    }

    /// Whether jobs that no device supports are taken, and held.
    pub(crate) fn accepts_unsupported(&self, call: &Call) -> Fallible<bool> {
        self.look(call, |tx| Ok(store::managed::switch(tx, Holder::Spool, "accept-unsupported-jobs")? == Some(true)))
    }

    /// What keeps jobs from printing, in words: a print process that is dead, hung or in error, or the disk.
    pub(crate) fn trouble(&self, now: &Moment) -> Fallible<Option<String>> {
        let said = self.about(&Call::of_spooler(now))?.last_error;
        Ok(said.filter(|said| self.certificate_announcement(now).as_ref() != Some(said)))
    }

    pub(super) fn certificate_announcement(&self, now: &Moment) -> Option<String> {
        certificate::end(self.base(), self.server(), now).ok().flatten().map(|end| end.to_string())
    }

    /// Returns what is counted of the spool.
    pub(crate) fn statistics(&self, call: &Call) -> Fallible<Statistics> {
        self.look(call, |tx| {
            let counts = store::tally::counts(tx)?;
            // A counter that is wrong is found by pdfsck, and keeps nobody from looking.
            let shown = |n: i64| u64::try_from(n).unwrap_or(0);
            let collectors = self.collectors_in(tx, None)?;
            let open = collectors.iter().filter(|one| one.state == CollectorState::Active).count();
            let running = store::process::running(tx)?.len();
            let on_devices = on_devices(tx, &mut Alive::new(self))?;
            Ok(Statistics {
                jobs: shown(counts.jobs),
                open_jobs: shown(counts.open_jobs),
                openers: u64::try_from(open + running).unwrap_or(u64::MAX),
                printing_jobs: on_devices.printing,
                jobs_collected: shown(counts.collected),
                jobs_printed: shown(counts.printed),
                batches: store::batch::count(tx)?,
                locations: shown(counts.locations),
                devices: shown(counts.devices),
                collectors: u64::try_from(collectors.len()).unwrap_or(u64::MAX),
                processes: shown(counts.processes),
                fonts: u64::try_from(store::font::list(tx, None)?.len()).unwrap_or(u64::MAX),
            })
        })
    }

    /// Returns how many jobs are in each state.
    pub(crate) fn job_summary(&self, call: &Call) -> Fallible<JobSummary> {
        self.look(call, |tx| {
            let counts = store::tally::counts(tx)?;
            let hold = counts.held - store::job::held_on_devices(tx, DEVICES)?;
            // A counter that is wrong is found by pdfsck, and keeps nobody from looking.
            let shown = |n: i64| u64::try_from(n).unwrap_or(0);
            let OnDevices { printing, transferred } = on_devices(tx, &mut Alive::new(self))?;
            let (open, hold) = (shown(counts.open_jobs), shown(hold));
            let ready = shown(counts.jobs).saturating_sub(printing + transferred + open + hold);
            Ok(JobSummary { printing, transferred, ready, open, hold })
        })
    }

    /// Writes a snapshot of the database to a new file. The spooler goes on meanwhile.
    pub(crate) fn dump(&self, call: &Call, to: &RawPath) -> Fallible<()> {
        self.look(call, |tx| Self::demand(tx, Right::Configure))?;
        if is_something(&to.0) {
            return Err(Failure::new(FailureKind::Io, format!("{to} is there already")).hint("DUMP makes a new file"));
        }
        if let Some(dir) = to.0.parent().filter(|dir| dir.starts_with(self.base().root().join("guardian"))) {
            std::fs::create_dir_all(dir)
                .map_err(|error| Failure::new(FailureKind::Io, format!("cannot make {}: {error}", dir.display())))?;
        }
        // Nobody else reads the titles of jobs in it.
        let made = File::options().write(true).create_new(true).mode(0o600).open(&to.0);
        made.map_err(|error| Failure::new(FailureKind::Io, format!("cannot make {to}: {error}")))?;
        store::backup::copy(&self.base().database(), &to.0)
    }

    /// Names the log file of the spooler; none = its own log alone.
    pub(crate) fn set_error_log(&self, call: &Call, name: Option<String>) -> Fallible<()> {
        self.look(call, |tx| Self::demand(tx, Right::Configure))?;
        if let Some(name) = &name
            && let Some(path) = error_log::path(name, self.base(), self.server())?
        {
            error_log::try_out(&path)?;
        }
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            if store::spool::error_log(tx)? == name {
                return Ok(());
            }
            store::spool::set_error_log(tx, name.as_deref())?;
            let shown = name.as_deref().unwrap_or("NONE");
            record(tx, Object::Spool, EventWord::Altered, &format!("ERRLOG {shown}"))
        })
    }

    /// Says why work waits and nobody prints it; none when somebody does, or nothing waits. A process that is dormant and has
    /// work is one whose starter died or has not come to it yet: the next command that changes something starts it.
    fn nobody_prints(&self, tx: &Tx<'_>, alive: &mut Alive) -> Fallible<Option<String>> {
        let (mut first, mut more) = (None, 0);
        for row in store::process::list(tx, None)? {
            let Some(known) = alive.named(tx, &row.name)? else { continue };
            if known.pulse.state == ProcessState::Active || !store::waiting::any_for_process(tx, &row.name, row.id)? {
                continue;
            }
            more += 1;
            let name = &row.name;
            first.get_or_insert_with(|| match (known.pulse.state, &row.error, &row.file) {
                (_, Some(error), _) => format!("print process ${name} is in error: {}", error.text),
                (ProcessState::Error, None, _) => format!("print process ${name} hangs"),
                (_, None, None) => format!("print process ${name} is not running: its user starts it"),
                _ => format!("print process ${name} is not running"),
            });
        }
        Ok(first.map(|first| match more {
            1 => format!("{first}; jobs wait for it"),
            n => format!("{first}; jobs wait for it and {} more", n - 1),
        }))
    }

    /// Makes the spooler ACTIVE, and starts the devices that nobody has started or drained yet. Returns the print
    /// processes that have work now.
    pub(crate) fn start_spooler(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        let fastcnfg = self.fastcnfg()?;
        let may_have_entry = is_something(&fastcnfg);
        let targets = self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let state = store::spool::row(tx)?.state;
            if state != SpoolerState::Active {
                collectors::start_all(tx)?;
                store::spool::set_state(tx, SpoolerState::Active)?;
                record(tx, Object::Spool, EventWord::Started, &format!("was {}", state.word()))?;
            }
            if state == SpoolerState::Warm && store::spool::row(tx)?.trust.manager_access {
                store::spool::set_manager_access(tx, false)?;
                record(tx, Object::Spool, EventWord::Altered, "MGRACCESS OFF: a warm start forgets it")?;
            }
            for device in store::device::untouched(tx)? {
                tx.lock(Lock::Device(device.id))?;
                // What DEV START would refuse stays as it is; [`Spool::unready_devices`] says why.
                let lacks = lacks(tx, &device, may_have_entry, &fastcnfg)?;
                if lacks.is_none() && store::device::start_untouched(tx, device.id)? {
                    record(tx, Object::Device(device.id), EventWord::Started, "SPOOLER START")?;
                }
            }
            with_work(tx)
        })?;
        self.sweep()?;
        Ok(targets)
    }

    /// Returns what the devices lack that nobody has started yet, the first twenty of them: SPOOLER START has left them.
    pub(crate) fn unready_devices(&self, call: &Call) -> Fallible<Vec<Failure>> {
        let fastcnfg = self.fastcnfg()?;
        let may_have_entry = is_something(&fastcnfg);
        self.look(call, |tx| {
            let mut found = Vec::new();
            for device in store::device::untouched(tx)? {
                found.extend(lacks(tx, &device, may_have_entry, &fastcnfg)?);
            }
            let more = found.len().saturating_sub(UNREADY);
            found.truncate(UNREADY);
            if more > 0 {
                found.push(Failure::new(FailureKind::State, format!("{more} more devices lack something")));
            }
            Ok(found)
        })
    }

    /// Drains the spooler: what prints goes on to its end, and nothing else begins. Returns the running print
    /// processes.
    pub(crate) fn drain_spooler(&self, call: &Call) -> Fallible<Vec<WakeTarget>> {
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            let state = store::spool::row(tx)?.state;
            if state == SpoolerState::Warm {
                return Ok(Vec::new());
            }
            if state != SpoolerState::Drain {
                collectors::drain_all(tx)?;
                store::spool::set_state(tx, SpoolerState::Drain)?;
                record(tx, Object::Spool, EventWord::Drained, "")?;
            }
            settle_drain(tx)?;
            running(tx)
        })
    }

    /// Returns the primary FASTCNFG file.
    pub(crate) fn fastcnfg(&self) -> Fallible<PathBuf> {
        self.look(&Call::timeless(), |tx| self.fastcnfg_in(tx))
    }

    /// The same in a transaction.
    pub(crate) fn fastcnfg_in(&self, tx: &Tx<'_>) -> Fallible<PathBuf> {
        Ok(store::spool::fastcnfg(tx)?.map_or_else(|| self.base().usual_fastcnfg(), |path| path.0))
    }

    /// Sets the primary FASTCNFG file; none = the one in the base directory. Each device reads it when it is opened next.
    pub(crate) fn set_fastcnfg(&self, call: &Call, path: Option<RawPath>) -> Fallible<()> {
        let path = path.map(|path| RawPath(self.base().root().join(path.0)));
        let as_before = self.look(call, |tx| {
            Self::demand(tx, Right::Configure)?;
            Ok(store::spool::fastcnfg(tx)? == path)
        })?;
        if as_before {
            return Ok(());
        }
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            store::spool::set_fastcnfg(tx, path.as_ref())?;
            let shown = path.as_ref().map_or_else(|| "NONE".to_owned(), ToString::to_string);
            record(tx, Object::Spool, EventWord::Altered, &format!("FASTCNFG {shown}"))
        })
    }

    /// Returns the print processes that somebody has to wake or start: those that have work, and those that died.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn processes_with_work(&self) -> Fallible<Vec<WakeTarget>> {
        let mut targets = self.look(&Call::timeless(), with_work)?;
        for dead in self.dead_processes()? {
            wakes::add(&mut targets, Some(dead));
        }
        Ok(targets)
    }

    /// Returns the processes that have work and do not live, though nothing is wrong with them: whoever was to start them
    /// died, or they died before they began.
    pub(crate) fn asleep_with_work(&self) -> Fallible<Vec<WakeTarget>> {
        let mut targets = self.look(&Call::timeless(), with_work)?;
        targets
            .retain(|target| !target.running && !target.in_error && !self.process_lives(&target.name).unwrap_or(true));
        Ok(targets)
    }

    /// Sets whether group managers may handle the jobs of the members of their groups.
    pub(crate) fn set_manager_access(&self, call: &Call, on: bool) -> Fallible<()> {
        self.change(Room::Takes, call, move |tx| {
            tx.lock(Lock::Spool)?;
            Self::demand(tx, Right::Configure)?;
            if store::spool::row(tx)?.trust.manager_access == on {
                return Ok(());
            }
            store::spool::set_manager_access(tx, on)?;
            record(tx, Object::Spool, EventWord::Altered, if on { "MGRACCESS ON" } else { "MGRACCESS OFF" })
        })
    }
}

/// Whether anything lies at a path: a link that leads nowhere is something too. Whoever reads it says what is wrong with it.
pub(crate) fn is_something(path: &Path) -> bool {
    !std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// The jobs that devices have in truth.
struct OnDevices {
    printing: u64,
    transferred: u64,
}

/// Counts the jobs that devices have: those of epochs that live.
fn on_devices(tx: &Tx<'_>, alive: &mut Alive) -> Fallible<OnDevices> {
    let (mut printing, mut transferred) = (BTreeSet::new(), BTreeSet::new());
    for (job, state, by) in store::entry::jobs_on_devices(tx, u32::MAX)? {
        match alive.truly(tx, state, by)? {
            EntryState::Claimed => printing.insert(job),
            EntryState::Transferred => transferred.insert(job),
            _ => false,
        };
    }
    // A job that is printed by one device and delivered to another one still prints.
    let transferred = transferred.difference(&printing).count() as u64;
    Ok(OnDevices { printing: printing.len() as u64, transferred })
}

/// Makes a draining spooler WARM when no attempt runs any more and no job is arriving.
pub(crate) fn settle_drain(tx: &Tx<'_>) -> Fallible<()> {
    tx.lock(Lock::Spool)?;
    if store::spool::state(tx)? == SpoolerState::Drain
        && !store::entry::any_on_a_device(tx)?
        && store::tally::counts(tx)?.open_jobs <= 0
    {
        store::spool::set_state(tx, SpoolerState::Warm)?;
        record(&tx.spooler(), Object::Spool, EventWord::Stopped, "every attempt has ended")?;
    }
    Ok(())
}

/// Returns the print processes that have a started device with work, or one that is held open.
fn with_work(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(tx, None)? {
        let target = wakes::target_with_id(tx, process.id)?;
        if crate::spool::printing::claims::process_has_work(tx, &process)? {
            wakes::add(&mut targets, target);
        }
    }
    Ok(targets)
}

/// Returns the print processes that run.
fn running(tx: &Tx<'_>) -> Fallible<Vec<WakeTarget>> {
    let mut targets = Vec::new();
    for process in store::process::list(tx, None)? {
        wakes::add(&mut targets, wakes::target_with_id(tx, process.id)?.filter(|target| target.running));
    }
    Ok(targets)
}
