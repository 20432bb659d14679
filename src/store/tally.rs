//! How many there are: counters for displays, so that none of them counts rows.
//!
//! The counters of the spool stand in its own row, which every submission and every commit writes anyway; those of jobs at a
//! location stand in the row of the location. Whoever inserts or removes a row counts in the same transaction: the functions
//! of this room for jobs, devices, locations and print processes do, and nobody else writes these tables. So a crash leaves
//! rows and counters that fit. `pdfsck` compares them with the rows, and counts again what differs. Jobs on devices are not
//! counted here: which of them print in truth depends on who is alive.

use crate::model::LocationId;
use crate::model::job::Transfer;

use super::value::{columns, values};
use super::{Fallible, Tx};

/// How many there are of what the display of the spool shows; or how many more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs.
    pub jobs: i64,
    /// Jobs still arriving.
    pub open_jobs: i64,
    /// Devices.
    pub devices: i64,
    /// Locations.
    pub locations: i64,
    /// Print processes.
    pub processes: i64,
    /// Copies of documents.
    pub copies: i64,
    /// Their octets.
    pub copy_octets: i64,
    /// Links to documents.
    pub links: i64,
    /// Jobs that are held, paused or kept, those among them that are still on a device.
    pub held: i64,
    /// Jobs that were taken in since the cold start. No rows say how many.
    pub collected: i64,
    /// Jobs that were printed since the cold start. No rows say how many.
    pub printed: i64,
}

columns!(at {
    jobs,
    open_jobs,
    devices,
    locations,
    processes,
    copies,
    copy_octets,
    links,
    held_jobs,
    jobs_collected,
    jobs_printed,
});

/// How the names of files begin that are fetched from other servers.
pub(crate) const PULLED: &str = "pdb/";

impl Counts {
    /// A document that is copied or linked. One of another server takes no room here.
    pub(super) fn of_document(transfer: Transfer, store_name: &str, octets: i64) -> Self {
        match transfer {
            _ if store_name.starts_with(PULLED) => Self::default(),
            Transfer::Copy => Self { copies: 1, copy_octets: octets, ..Self::default() },
            Transfer::Link => Self { links: 1, ..Self::default() },
        }
    }

    /// These and those.
    pub(super) fn and(self, more: Self) -> Self {
        Self {
            jobs: self.jobs + more.jobs,
            open_jobs: self.open_jobs + more.open_jobs,
            devices: self.devices + more.devices,
            locations: self.locations + more.locations,
            processes: self.processes + more.processes,
            copies: self.copies + more.copies,
            copy_octets: self.copy_octets + more.copy_octets,
            links: self.links + more.links,
            held: self.held + more.held,
            collected: self.collected + more.collected,
            printed: self.printed + more.printed,
        }
    }

    /// So many less.
    pub(super) fn less(self) -> Self {
        let Self {
            jobs,
            open_jobs,
            devices,
            locations,
            processes,
            copies,
            copy_octets,
            links,
            held,
            collected,
            printed,
        } = self;
        Self {
            jobs: -jobs,
            open_jobs: -open_jobs,
            devices: -devices,
            locations: -locations,
            processes: -processes,
            copies: -copies,
            copy_octets: -copy_octets,
            links: -links,
            held: -held,
            collected: -collected,
            printed: -printed,
        }
    }
}

/// Returns the counters.
pub(crate) fn counts(tx: &Tx<'_>) -> Fallible<Counts> {
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", at::LIST), &[], |row| {
        Ok(Counts {
            jobs: row.get(at::jobs)?,
            open_jobs: row.get(at::open_jobs)?,
            devices: row.get(at::devices)?,
            locations: row.get(at::locations)?,
            processes: row.get(at::processes)?,
            copies: row.get(at::copies)?,
            copy_octets: row.get(at::copy_octets)?,
            links: row.get(at::links)?,
            held: row.get(at::held_jobs)?,
            collected: row.get(at::jobs_collected)?,
            printed: row.get(at::jobs_printed)?,
        })
    });
    Ok(found?.unwrap_or_default())
}

pub(super) const ADD: &str = "UPDATE spool SET jobs = jobs + ?, open_jobs = open_jobs + ?,
     devices = devices + ?, locations = locations + ?, processes = processes + ?,
     copies = copies + ?, copy_octets = copy_octets + ?, links = links + ?,
     held_jobs = held_jobs + ?, jobs_collected = jobs_collected + ?, jobs_printed = jobs_printed + ? WHERE id = 1";

/// Counts that there are so many more, or less.
pub(super) fn add(tx: &Tx<'_>, more: Counts) -> Fallible<()> {
    let Counts { jobs, open_jobs, devices, locations, processes, copies, copy_octets, links, held, collected, printed } =
        more;
    let counts =
        values![jobs, open_jobs, devices, locations, processes, copies, copy_octets, links, held, collected, printed];
    tx.run(ADD, counts)?;
    Ok(())
}

pub(super) const ADD_AT: &str = "UPDATE location SET jobs = jobs + ? WHERE id = ?";

/// Counts that so many more jobs, or less, were sent to a location. One that was sent to a whole group has none.
pub(super) fn add_at(tx: &Tx<'_>, location: Option<LocationId>, more: i64) -> Fallible<()> {
    if let Some(location) = location {
        tx.run(ADD_AT, values![more, location])?;
    }
    Ok(())
}

pub(super) const ADD_OF: &str =
    "UPDATE local_counter SET jobs = jobs + ?, octets = octets + ? WHERE server = ? AND owner_uid = ?";

/// Counts that a user of a server has so many more jobs and octets, or less. His row is there since he got the number of his
/// first job.
pub(super) fn add_of(tx: &Tx<'_>, (server, uid): (&str, u32), jobs: i64, octets: i64) -> Fallible<()> {
    tx.run(ADD_OF, values![jobs, octets, server, uid])?;
    Ok(())
}

columns!(of_at { jobs, octets });

/// Returns how many jobs and octets a user of a server has.
pub(crate) fn of_user(tx: &Tx<'_>, server: &str, uid: u32) -> Fallible<(u64, u64)> {
    let sql = made_once!("SELECT {} FROM local_counter WHERE server = ? AND owner_uid = ?", of_at::LIST);
    let found =
        tx.one(sql, values![server, uid], |row| Ok((row.get::<i64>(of_at::jobs)?, row.get::<i64>(of_at::octets)?)))?;
    // One that is wrong is found by pdfsck.
    let shown = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(found.map_or((0, 0), |(jobs, octets)| (shown(jobs), shown(octets))))
}

/// Counts that every job is held.
pub(crate) fn all_held(tx: &Tx<'_>) -> Fallible<()> {
    tx.run("UPDATE spool SET held_jobs = jobs WHERE id = 1", &[])?;
    Ok(())
}

/// Counts that one more job was printed.
pub(crate) fn printed(tx: &Tx<'_>) -> Fallible<()> {
    add(tx, Counts { printed: 1, ..Counts::default() })
}

/// Counts the rows.
pub(crate) fn scan(tx: &Tx<'_>) -> Fallible<Counts> {
    let count = |sql: &str| -> Fallible<i64> { Ok(tx.one(sql, &[], |row| row.only())?.unwrap_or(0)) };
    let open = "SELECT count(*) FROM job WHERE arriving <> ?";
    Ok(Counts {
        jobs: count("SELECT count(*) FROM job")?,
        open_jobs: tx.one(open, values![false], |row| row.only())?.unwrap_or(0),
        devices: count("SELECT count(*) FROM device")?,
        locations: count("SELECT count(*) FROM location")?,
        processes: count("SELECT count(*) FROM process")?,
        copies: count("SELECT count(*) FROM document WHERE transfer <> 'link' AND origin_path IS NULL")?,
        copy_octets: count(
            "SELECT coalesce(sum(octets), 0) FROM document WHERE transfer <> 'link' AND origin_path IS NULL",
        )?,
        links: count("SELECT count(*) FROM document WHERE transfer = 'link' AND origin_path IS NULL")?,
        held: count("SELECT count(*) FROM job WHERE reasons OR wish OR retained")?,
        ..Counts::default()
    })
}

const AT: &str = "(SELECT count(*) FROM job WHERE location_id = location.id)";

const OF: &str = "job WHERE owner_server = local_counter.server AND owner_uid = local_counter.owner_uid";

columns!(wrong_at { dest, jobs });
columns!(wrong_of { owner_uid, jobs, octets });

/// Returns the counters that differ from the rows: what they count, and in which way they are wrong.
pub(crate) fn wrong(tx: &Tx<'_>) -> Fallible<Vec<(String, String)>> {
    let (known, found) = (counts(tx)?, scan(tx)?);
    let each = [
        ("jobs", known.jobs, found.jobs),
        ("open jobs", known.open_jobs, found.open_jobs),
        ("devices", known.devices, found.devices),
        ("locations", known.locations, found.locations),
        ("print processes", known.processes, found.processes),
        ("copies of documents", known.copies, found.copies),
        ("octets of copies", known.copy_octets, found.copy_octets),
        ("links to documents", known.links, found.links),
        ("held jobs", known.held, found.held),
    ];
    let differ = each.into_iter().filter(|(_, known, found)| known != found);
    let mut wrong: Vec<(String, String)> = differ
        .map(|(what, known, found)| (what.to_owned(), format!("are counted as {known}, there are {found}")))
        .collect();
    if super::standing::are_wrong(tx)? {
        wrong.push(("devices by state".to_owned(), "are counted wrongly".to_owned()));
    }
    wrong.extend(
        super::backlog::wrong(tx)?
            .into_iter()
            .map(|name| (format!("queue {name}"), "has other work than is counted for its bounds".to_owned())),
    );
    let sql = made_once!("SELECT {} FROM location WHERE jobs <> {AT} LIMIT 100", wrong_at::LIST);
    tx.each(sql, &[], |row| {
        let (dest, jobs): (String, i64) = (row.get(wrong_at::dest)?, row.get(wrong_at::jobs)?);
        wrong.push((format!("location {dest}"), format!("is said to have {jobs} jobs, and has not")));
        Ok(())
    })?;
    let sql = format!(
        "SELECT {} FROM local_counter WHERE jobs <> (SELECT count(*) FROM {OF})
             OR octets <> (SELECT coalesce(sum(octets), 0) FROM {OF}) LIMIT 100",
        wrong_of::LIST
    );
    tx.each(&sql, &[], |row| {
        let (jobs, octets): (i64, i64) = (row.get(wrong_of::jobs)?, row.get(wrong_of::octets)?);
        let said = format!("is said to have {jobs} jobs with {octets} octets, and has not");
        wrong.push((format!("user {}", row.get::<u32>(wrong_of::owner_uid)?), said));
        Ok(())
    })?;
    Ok(wrong)
}

/// Counts everything again.
pub(crate) fn recount(tx: &Tx<'_>) -> Fallible<()> {
    let (known, found) = (counts(tx)?, scan(tx)?);
    add(
        tx,
        Counts {
            jobs: found.jobs - known.jobs,
            open_jobs: found.open_jobs - known.open_jobs,
            devices: found.devices - known.devices,
            locations: found.locations - known.locations,
            processes: found.processes - known.processes,
            copies: found.copies - known.copies,
            copy_octets: found.copy_octets - known.copy_octets,
            links: found.links - known.links,
            held: found.held - known.held,
            ..Counts::default()
        },
    )?;
    super::standing::recount(tx)?;
    super::backlog::recount(tx)?;
    tx.run(made_once!("UPDATE location SET jobs = {AT} WHERE jobs <> {AT}"), &[])?;
    tx.run(
        "INSERT INTO local_counter (server, owner_uid, last)
         SELECT owner_server, owner_uid, max(local_id) FROM job WHERE true GROUP BY owner_server, owner_uid
         ON CONFLICT (server, owner_uid) DO NOTHING",
        &[],
    )?;
    tx.run(
        made_once!(
            "UPDATE local_counter SET jobs = (SELECT count(*) FROM {OF}),
                 octets = (SELECT coalesce(sum(octets), 0) FROM {OF})"
        ),
        &[],
    )?;
    Ok(())
}

/// Makes some of the counters wrong.
#[cfg(test)]
pub(crate) fn spoil(tx: &Tx<'_>) -> Fallible<()> {
    add(tx, Counts { jobs: -7, ..Counts::default() })?;
    tx.run("UPDATE device_count SET devices = devices + ?", values![1])?;
    tx.run("UPDATE local_counter SET octets = octets - ?", values![1])?;
    tx.run("UPDATE backlog SET work = work + ?", values![5])?;
    tx.run("UPDATE location SET jobs = jobs + ?", values![3]).map(drop)
}
