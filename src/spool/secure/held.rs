//! What somebody may release, with what each printer of a station makes of it.

use std::collections::BTreeMap;

use crate::model::Call;
use crate::model::object::ObjectName;
use crate::model::secure::{HeldJob, HeldPage, HeldRows, PoolQueue, PrinterVerdict, ReleaseState, StationPrinter};
use crate::model::state::{EntryState, HoldReason, HoldReasons, JobState};
use crate::model::time::SpoolTime;
use crate::model::why::Cause;
use crate::model::{DeviceName, GroupId, JobId};
use crate::store::entry::EntryRow;
use crate::store::job::JobRow;
use crate::store::lease::Standing;
use crate::store::managed::Holder;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Tx};

use super::people::Reach;
use super::stations::{Station, verdict};
use super::{given, texts};
use crate::spool::Spool;
use crate::spool::objects::alive::Alive;

/// For how long somebody is told that jobs of his were removed.
const DAY_MS: i64 = 24 * 3_600_000;

/// Holds that a release ends with its own: what an earlier attempt left behind. Whoever stands at the printer sees what comes.
pub(super) fn ended_by_release() -> HoldReasons {
    [
        HoldReason::SecureRelease,
        HoldReason::MayHavePrinted,
        HoldReason::Restored,
        HoldReason::Failed,
        HoldReason::SetAside,
        HoldReason::Unreachable,
    ]
    .into_iter()
    .fold(HoldReasons::NONE, HoldReasons::with)
}

/// Whether all of a job has printed. One that stays after that prints again as a whole.
pub(super) fn has_printed(entries: &[EntryRow]) -> bool {
    !entries.is_empty() && entries.iter().all(|entry| entry.state == EntryState::Done)
}

/// Returns how a job stands for its release.
pub(super) fn standing(job: &JobRow, row: &SecureRow, state: JobState, now: SpoolTime) -> ReleaseState {
    let uncertain = job.reasons.has(HoldReason::MayHavePrinted) || job.reasons.has(HoldReason::Restored);
    match state {
        JobState::Printing | JobState::Transferred | JobState::Terminating => ReleaseState::Printing,
        JobState::Retained => ReleaseState::Kept,
        JobState::Ready => ReleaseState::Released,
        _ if row.due.is_some_and(|due| due <= now) => ReleaseState::Expired,
        JobState::Open | JobState::Paused => ReleaseState::Blocked,
        JobState::Held if !job.reasons.without(ended_by_release()).is_empty() => ReleaseState::Blocked,
        JobState::Held if uncertain => ReleaseState::MayHavePrinted,
        JobState::Held => ReleaseState::Waiting,
    }
}

/// The same, where another server may have claimed it.
pub(super) fn standing_everywhere(
    tx: &Tx<'_>,
    job: &JobRow,
    row: &SecureRow,
    (state, entries): (JobState, &[EntryRow]),
    now: SpoolTime,
) -> Fallible<ReleaseState> {
    let is_away = entries.iter().any(|entry| entry.state == EntryState::Away);
    Ok(match if is_away { store::lease::on(tx, job.id)? } else { None } {
        Some(lease) if lease.standing == Standing::Begun => ReleaseState::Begun,
        Some(_) => ReleaseState::Released,
        None => standing(job, row, state, now),
    })
}

/// The printers of a station, each as it is now.
pub(super) type Printers = Vec<(DeviceName, Option<StationPrinter>)>;

impl Spool {
    /// Returns one page of the jobs that the caller may release, in the order of submission, after `after`.
    pub(crate) fn held_jobs(
        &self,
        call: &Call,
        station: Option<ObjectName>,
        after: Option<JobId>,
        limit: u32,
    ) -> Fallible<HeldPage> {
        let limit = limit.clamp(1, crate::model::query::PAGE);
        self.look(call, |tx| {
            let reach = Reach::of(&self.directory(tx)?, tx.caller()?);
            let mut alive = Alive::new(self);
            let station = self.station(tx, station.as_ref())?;
            let printers = match &station {
                Some(station) => self.printers_of(tx, station, &mut alive)?,
                None => Vec::new(),
            };
            let (rows, next) = self.held_rows(tx, &reach, (after, limit), (&printers, &mut alive))?;
            // They come once, with the first page.
            let (others, more_others) = match &station {
                Some(station) if station.shows_all && after.is_none() => {
                    self.held_by_others(tx, &reach, (&printers, &mut alive))?
                }
                _ => (Vec::new(), false),
            };
            let purged = match after {
                None => store::secure::purged_since(tx, &reach.own, tx.now().wall_ms.saturating_sub(DAY_MS), limit)?,
                Some(_) => 0,
            };
            let printers = printers.into_iter().filter_map(|one| one.1).collect();
            let station = station.map(|station| station.name);
            Ok(HeldPage { station, printers, rows, next, others, more_others, purged })
        })
    }

    /// Returns the jobs that somebody may release, in the order of submission, at most `limit` after `after`, with what these
    /// printers make of each; and after which one to go on.
    pub(super) fn held_rows(
        &self,
        tx: &Tx<'_>,
        reach: &Reach,
        (after, limit): (Option<JobId>, u32),
        (printers, alive): (&Printers, &mut Alive),
    ) -> Fallible<HeldRows> {
        let mut rows: Vec<SecureRow> = Vec::new();
        for key in reach.keys() {
            rows.extend(store::secure::of_owner(tx, key, after.unwrap_or(JobId(0)), limit)?);
        }
        rows.sort_by_key(|row| row.job);
        let more = rows.len() >= limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().map(|row| row.job).filter(|_| more);
        let now = store::spool::seen_time(tx)?;
        let mut found = Vec::with_capacity(rows.len());
        // Many jobs, few queues.
        let mut queues: BTreeMap<GroupId, PoolQueue> = BTreeMap::new();
        for row in rows {
            let delegated = reach.delegated.contains(&row.owner);
            let queue = match queues.get(&row.group) {
                Some(queue) => queue.clone(),
                None => self.pool_queue(tx, row.group)?,
            };
            queues.entry(row.group).or_insert_with(|| queue.clone());
            found.extend(self.held_job(tx, &row, (delegated, queue), now, (printers, &mut *alive))?);
        }
        Ok((found, next))
    }

    /// Returns a job as whoever may release it sees it.
    pub(super) fn held_job(
        &self,
        tx: &Tx<'_>,
        row: &SecureRow,
        (delegated, queue): (bool, PoolQueue),
        now: SpoolTime,
        (printers, alive): (&Printers, &mut Alive),
    ) -> Fallible<Option<HeldJob>> {
        let Some(job) = store::job::by_id(tx, row.job)? else { return Ok(None) };
        let (state, entries) = self.true_state(tx, &job, alive)?;
        let how = standing_everywhere(tx, &job, row, (state, &entries), now)?;
        let wanted = Self::asks(tx, &job, queue)?;
        let documents = store::document::of_job(tx, job.id)?;
        let mut formats = Vec::new();
        for document in &documents {
            if !formats.contains(&document.format) {
                formats.push(document.format);
            }
        }
        let verdicts = printers
            .iter()
            .map(|(name, printer)| PrinterVerdict {
                printer: name.clone(),
                verdict: verdict(&wanted, printer.as_ref()),
            })
            .collect();
        let login = job.user_name.split_once('@').map_or(job.user_name.as_str(), |(login, _)| login);
        Ok(Some(HeldJob {
            id: job.id,
            global: self.global_of(&job),
            number: job.number,
            local: job.local,
            name: job.name.clone(),
            owner: login.to_owned(),
            delegated,
            queue: wanted.queue.name.parse().unwrap_or_else(|_| crate::model::GroupName::default_group()),
            compatible: wanted.queue.compatible,
            formats,
            pages: job.pages,
            octets: job.octets,
            submitted_ms: job.created_ms,
            expires_ms: row.due.map(|due| tx.now().wall_ms.saturating_add(due.0.saturating_sub(now.0))),
            attributes: wanted.attributes,
            state: how,
            reasons: job.reasons,
            printer: row.device.clone(),
            correlation: self.correlation(&job),
            verdicts,
        }))
    }

    /// Returns the printers of `stations` that have another driver than the queue of a job, each once.
    fn other_drivers(tx: &Tx<'_>, row: &SecureRow, stations: &[Station]) -> Fallible<Vec<Cause>> {
        let driver =
            |holder| -> Fallible<Option<String>> { Ok(texts(given(&store::managed::of(tx, holder)?, "driver")).pop()) };
        let Some(wanted) = driver(Holder::Group(row.group))? else { return Ok(Vec::new()) };
        let mut printers: Vec<DeviceName> = Vec::new();
        for name in stations.iter().flat_map(|station| &station.related) {
            let name: DeviceName = name.parse()?;
            if !printers.contains(&name) {
                printers.push(name);
            }
        }
        let mut causes = Vec::new();
        for printer in printers {
            let Some(device) = store::device::by_name(tx, &printer)? else { continue };
            match driver(Holder::Device(device.id))? {
                Some(installed) if !installed.eq_ignore_ascii_case(&wanted) => {
                    causes.push(Cause::OtherDriver { printer: device.name, wanted: wanted.clone(), installed });
                }
                _ => {}
            }
        }
        Ok(causes)
    }

    /// Returns what each station makes of a job that waits for its owner, and when its time is over.
    pub(crate) fn why_not_released(&self, tx: &Tx<'_>, job: &JobRow, alive: &mut Alive) -> Fallible<Vec<Cause>> {
        let Some(row) = store::secure::of_job(tx, job.id)? else { return Ok(Vec::new()) };
        let now = store::spool::seen_time(tx)?;
        let mut causes = Vec::new();
        if let Some(due) = row.due {
            let at_ms = tx.now().wall_ms.saturating_add(due.0.saturating_sub(now.0));
            causes.push(Cause::Expires { at_ms, over: due <= now });
        }
        let owner = job.user_name.split_once('@').map_or(job.user_name.as_str(), |(login, _)| login);
        let delegates = self.directory(tx)?.delegates_of(&row.owner);
        causes.push(Cause::ListedFor { owner: owner.to_owned(), delegates });
        let wanted = self.asks_of_printer(tx, job, &row)?;
        let stations = Self::stations(tx)?;
        causes.extend(Self::other_drivers(tx, &row, &stations)?);
        for station in stations {
            let printers = self.printers_of(tx, &station, alive)?;
            let verdicts = printers
                .into_iter()
                .map(|(name, printer)| PrinterVerdict { verdict: verdict(&wanted, printer.as_ref()), printer: name });
            causes.push(Cause::Station { station: station.name, verdicts: verdicts.collect() });
        }
        Ok(causes)
    }
}
