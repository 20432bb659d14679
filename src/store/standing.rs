//! How the devices stand, without a look at each of them: for SUMMARY.
//!
//! What stands on record of a device decides most of its state: what its operator wants, and its print process. Devices are
//! counted by both, in the transaction that changes one of them (`counting`). The rest are exceptions, each found by an index
//! of its own: devices in error, devices with a job, devices that are to print a page of ours.

use crate::model::state::{DeviceWish, EntryState};
use crate::model::{DeviceId, ProcessId, ProcessName};

use super::entry::Claimant;
use super::value::{columns, values};
use super::{Fallible, Tx};

/// What a device is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its print process.
    pub process: Option<ProcessName>,
    /// What its operator wants.
    pub wish: DeviceWish,
}

columns!(at { process = "coalesce(process_key, '')", wish });

/// What a device is counted by, as it is stored.
fn stored(tx: &Tx<'_>, id: DeviceId) -> Fallible<Option<(String, DeviceWish)>> {
    tx.one(made_once!("SELECT {} FROM device WHERE id = ?", at::LIST), values![id], |row| {
        Ok((row.get(at::process)?, row.get(at::wish)?))
    })
}

fn add(tx: &Tx<'_>, (process, wish): &(String, DeviceWish), more: i64) -> Fallible<()> {
    tx.run(
        "INSERT INTO device_count (process_key, wish, devices) VALUES (?, ?, ?)
         ON CONFLICT (process_key, wish) DO UPDATE SET devices = devices + excluded.devices",
        values![process, *wish, more],
    )?;
    Ok(())
}

/// Makes, changes or removes a device, and counts it.
pub(super) fn counting<T>(
    tx: &Tx<'_>,
    id: Option<DeviceId>,
    change: impl FnOnce() -> Fallible<(T, DeviceId)>,
) -> Fallible<T> {
    let before = id.map_or(Ok(None), |id| stored(tx, id))?;
    let (done, id) = change()?;
    let after = stored(tx, id)?;
    if before != after {
        before.map_or(Ok(()), |before| add(tx, &before, -1))?;
        after.map_or(Ok(()), |after| add(tx, &after, 1))?;
    }
    Ok(done)
}

columns!(counted { process_key, wish, devices });

/// Returns how many devices there are of each kind.
pub(crate) fn counts(tx: &Tx<'_>) -> Fallible<Vec<(Kind, u64)>> {
    let found = tx.rows(made_once!("SELECT {} FROM device_count", counted::LIST), &[], |row| {
        let process: String = row.get(counted::process_key)?;
        let kind = Kind { process: process.parse().ok(), wish: row.get(counted::wish)? };
        // A counter that is wrong is found by pdfsck, and keeps nobody from looking.
        Ok((kind, u64::try_from(row.get::<i64>(counted::devices)?).unwrap_or(0)))
    });
    Ok(found?.into_iter().filter(|(_, devices)| *devices > 0).collect())
}

/// A device whose state does not follow from its kind alone.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The device.
    pub id: DeviceId,
    /// What it is counted by.
    pub kind: Kind,
    /// Whether it is in error.
    pub in_error: bool,
    /// Who has claimed a job for it.
    pub claimed: Option<Claimant>,
    /// Whether it is to print a page of ours.
    pub aligns: bool,
}

columns!(of_error { id = "d.id", process = "d.process", wish = "d.wish" });
columns!(of_claim { id = "d.id", process = "d.process", wish = "d.wish", process_id = "e.process_id", epoch = "e.epoch" });

fn errors_sql() -> String {
    format!("SELECT {} FROM device d WHERE error_number IS NOT NULL AND is_open = ?", of_error::LIST)
}

fn claims_sql() -> String {
    format!("SELECT {} FROM entry e CROSS JOIN device d ON d.id = e.device_id WHERE e.state = ?", of_claim::LIST)
}

fn requests_sql() -> String {
    format!(
        "SELECT DISTINCT {} FROM request r CROSS JOIN device d ON d.id = r.device_id
         WHERE r.answered_ms IS NULL AND r.entry_id IS NULL",
        of_error::LIST
    )
}

/// Returns the exceptions. A device may be there more than once.
pub(crate) fn exceptions(tx: &Tx<'_>) -> Fallible<Vec<Exception>> {
    let mut found = tx.rows(&errors_sql(), values![false], |row| {
        let kind = Kind { process: row.get(of_error::process)?, wish: row.get(of_error::wish)? };
        Ok(Exception { id: row.get(of_error::id)?, kind, in_error: true, claimed: None, aligns: false })
    })?;
    found.extend(tx.rows(&claims_sql(), values![EntryState::Claimed], |row| {
        let kind = Kind { process: row.get(of_claim::process)?, wish: row.get(of_claim::wish)? };
        let claimed = row.get::<Option<ProcessId>>(of_claim::process_id)?.zip(row.get(of_claim::epoch)?);
        Ok(Exception { id: row.get(of_claim::id)?, kind, in_error: false, claimed, aligns: false })
    })?);
    found.extend(tx.rows(&requests_sql(), &[], |row| {
        let kind = Kind { process: row.get(of_error::process)?, wish: row.get(of_error::wish)? };
        Ok(Exception { id: row.get(of_error::id)?, kind, in_error: false, claimed: None, aligns: true })
    })?);
    Ok(found)
}

const COUNTED: &str = "SELECT coalesce(process_key, '') AS process_key, wish, count(*) AS devices FROM device
     GROUP BY coalesce(process_key, ''), wish";

/// Tells whether the counters differ from the rows.
pub(super) fn are_wrong(tx: &Tx<'_>) -> Fallible<bool> {
    let kept = "SELECT process_key, wish, devices FROM device_count WHERE devices <> ?1";
    let sql = format!(
        "SELECT 1 FROM (SELECT * FROM ({COUNTED}) EXCEPT {kept}) UNION ALL SELECT 1 FROM ({kept} EXCEPT SELECT * FROM ({COUNTED}))"
    );
    tx.finds(&sql, values![0])
}

/// Counts all devices again.
pub(super) fn recount(tx: &Tx<'_>) -> Fallible<()> {
    tx.run("DELETE FROM device_count", &[])?;
    tx.run(made_once!("INSERT INTO device_count (process_key, wish, devices) {COUNTED}"), &[])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn exceptions_are_found_without_a_look_at_the_other_devices() {
        for (sql, index) in [(errors_sql(), "device_error"), (claims_sql(), "entry_"), (requests_sql(), "request_")] {
            let plan = Memory::new().plan(&sql);
            assert!(
                plan.contains(index) && !plan.lines().any(|line| line.trim_end().ends_with("SCAN d")),
                "{sql}: {plan}"
            );
        }
    }
}
