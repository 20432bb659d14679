//! Jobs of others at a station that shows the jobs of everybody (`jobs-shown=all`).
//!
//! Whoever is at such a station sees what waits for one of its printers, whoever submitted it, and releases it in his own name: the
//! record says who did it, and whose the job is. He is shown no login: the owner has a public name, which the site has given him, or
//! one that is made up and stays the same. He removes nothing that is not his. It is an operator who has made the station so.
//!
//! Only jobs that wait are shown to others, and only where a printer of the station could print them. What has printed already, or
//! may have, is a matter of its owner. Jobs of other servers are not shown there at all (docs/reference/secure-release.md 6).

use std::collections::BTreeMap;

use crate::model::GroupId;
use crate::model::JobId;
use crate::model::identity::Directory;
use crate::model::query::PAGE;
use crate::model::secure::{HeldJob, PoolQueue, ReleaseState, StationPrinter};
use crate::store::job::JobRow;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Tx};

use super::held::{Printers, standing_everywhere};
use super::key::{Purpose, SiteKey};
use super::people::Reach;
use super::stations::Station;
use crate::spool::Spool;
use crate::spool::objects::alive::Alive;

/// Rows that are looked at for one list: it is shown to a person, who waits.
const MOST_LOOKED_AT: usize = 5_000;
/// Digits of a name that is made up.
const DIGITS: usize = 6;

/// What owners are called.
struct PublicNames {
    given: BTreeMap<String, String>,
    key: SiteKey,
}

impl PublicNames {
    fn new(directory: &Directory, key: SiteKey) -> Self {
        let mut given = BTreeMap::new();
        for person in &directory.people {
            if let Some(name) = &person.public_name {
                given.extend(directory.keys_of(&person.name).into_iter().map(|key| (key, name.clone())));
            }
        }
        Self { given, key }
    }

    fn of(&self, owner: &str) -> String {
        self.given.get(owner).cloned().unwrap_or_else(|| {
            let hash = self.key.hash(Purpose::PublicName, owner);
            format!("user-{}", hash.get(..DIGITS).unwrap_or_default())
        })
    }
}

/// Whether a printer of these prints the jobs of a queue.
fn is_served(queue: &PoolQueue, printers: &[StationPrinter]) -> bool {
    let all = printers.iter().flat_map(|printer| &printer.queues);
    all.into_iter().any(|there| queue.compatibility(there).is_effective())
}

impl Spool {
    /// Returns the jobs of others that wait for a printer of a station, in the order of submission, and whether there may be more.
    pub(super) fn held_by_others(
        &self,
        tx: &Tx<'_>,
        reach: &Reach,
        (printers, alive): (&Printers, &mut Alive),
    ) -> Fallible<(Vec<HeldJob>, bool)> {
        let present: Vec<StationPrinter> = printers.iter().filter_map(|one| one.1.clone()).collect();
        let names = PublicNames::new(&self.directory(tx)?, self.site_key()?);
        let now = store::spool::seen_time(tx)?;
        let mut queues: BTreeMap<GroupId, Option<PoolQueue>> = BTreeMap::new();
        let (mut found, mut after, mut looked_at) = (Vec::new(), JobId(0), 0);
        loop {
            let rows = store::secure::of_everybody(tx, after, PAGE)?;
            let Some(last) = rows.last() else { return Ok((found, false)) };
            after = last.job;
            for row in rows {
                looked_at += 1;
                if reach.has(&row.owner) {
                    continue;
                }
                let queue = match queues.get(&row.group) {
                    Some(queue) => queue.clone(),
                    None => {
                        let queue = Some(self.pool_queue(tx, row.group)?).filter(|queue| is_served(queue, &present));
                        queues.insert(row.group, queue.clone());
                        queue
                    }
                };
                let Some(queue) = queue else { continue };
                let job = self.held_job(tx, &row, (false, queue), now, (printers, &mut *alive))?;
                if let Some(job) = job.filter(|job| job.state == ReleaseState::Waiting) {
                    found.push(HeldJob { owner: names.of(&row.owner), ..job });
                }
                if found.len() >= PAGE as usize || looked_at >= MOST_LOOKED_AT {
                    return Ok((found, true));
                }
            }
        }
    }

    /// Whether a station shows a job to whoever is there, as far as the job tells.
    pub(super) fn is_open_to_all(tx: &Tx<'_>, station: &Station, job: &JobRow, row: &SecureRow) -> Fallible<bool> {
        if !station.shows_all {
            return Ok(false);
        }
        let (state, entries) = Self::job_state(tx, job)?;
        let how = standing_everywhere(tx, job, row, (state, &entries), store::spool::seen_time(tx)?)?;
        Ok(how == ReleaseState::Waiting)
    }

    /// Whether a printer of the station could print it, too. To be asked before the transaction that locks one of them.
    pub(super) fn is_shown_to_all(
        &self,
        tx: &Tx<'_>,
        station: &Station,
        job: &JobRow,
        row: &SecureRow,
    ) -> Fallible<bool> {
        if !Self::is_open_to_all(tx, station, job, row)? {
            return Ok(false);
        }
        let queue = self.pool_queue(tx, row.group)?;
        for word in &station.related {
            if let Some(device) = store::device::by_name(tx, &word.parse()?)?
                && is_served(&queue, &[self.station_printer(tx, &device)?])
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
