//! The one row of the spool: its identity, state and counters.

use std::collections::BTreeMap;

use crate::model::authority::{Trust, UserLimits};
use crate::model::job::RawPath;
use crate::model::space::Reserve;
use crate::model::state::SpoolerState;
use crate::model::time::{SpoolTime, TimeBase};
use crate::model::{Failure, LocalJobId};

use super::value::{columns, values};
use super::{Fallible, Lock, Numbers, Row, Tx};

/// The identity of a spool and what decides about rights.
#[derive(Clone, Debug)]
pub struct SpoolRow {
    /// Random identity.
    pub spool_id: String,
    /// Server name.
    pub server: String,
    /// Whom it trusts.
    pub trust: Trust,
    /// What one user may have.
    pub limits: UserLimits,
    /// What is kept free on the disk.
    pub reserve: Option<Reserve>,
    /// Its state.
    pub state: SpoolerState,
    /// Its clock.
    pub time: TimeBase,
}

/// Writes the row of a new spool.
pub(crate) fn insert(tx: &Tx<'_>, spool_id: &str, server: &str, creator_uid: u32) -> Fallible<()> {
    let now = tx.now();
    tx.run(
        "INSERT INTO spool (id, spool_id, server, creator_uid, created_ms, state, manager_access, last_number, last_serial,
             last_sequence, time_spool_ms, time_wall_ms, time_boot_ms, time_boot_id)
         VALUES (1, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?)",
        values![
            spool_id,
            server,
            creator_uid,
            now.wall_ms,
            SpoolerState::Cold,
            false,
            now.wall_ms,
            now.boot_ms,
            now.boot_id
        ],
    )?;
    Ok(())
}

fn missing() -> Failure {
    Failure::internal("the spool has no row")
}

columns!(at {
    spool_id,
    server,
    creator_uid,
    manager_access,
    has_rules,
    user_jobs,
    user_octets,
    user_opens,
    reserve_octets,
    reserve_percent,
    state,
    time_spool_ms,
    time_wall_ms,
    time_boot_ms,
    time_boot_id,
});

/// Returns the row.
pub(crate) fn row(tx: &Tx<'_>) -> Fallible<SpoolRow> {
    tx.seen("spool", String::new, || read_row(tx))
}

fn read_row(tx: &Tx<'_>) -> Fallible<SpoolRow> {
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", at::LIST), &[], |row| {
        Ok(SpoolRow {
            spool_id: row.get(at::spool_id)?,
            server: row.get(at::server)?,
            trust: Trust {
                creator_uid: row.get(at::creator_uid)?,
                manager_access: row.get(at::manager_access)?,
                has_rules: row.get(at::has_rules)?,
            },
            limits: UserLimits {
                jobs: row.get(at::user_jobs)?,
                octets: row.get(at::user_octets)?,
                opens: row.get(at::user_opens)?,
            },
            reserve: match (row.get::<Option<u64>>(at::reserve_octets)?, row.get(at::reserve_percent)?) {
                (_, Some(percent)) => Some(Reserve::Percent(percent)),
                (octets, None) => octets.map(Reserve::Octets),
            },
            state: row.get(at::state)?,
            time: TimeBase {
                spool_ms: row.get(at::time_spool_ms)?,
                wall_ms: row.get(at::time_wall_ms)?,
                boot_ms: row.get(at::time_boot_ms)?,
                boot_id: row.get(at::time_boot_id)?,
            },
        })
    });
    found?.ok_or_else(missing)
}

/// Returns the name of its server.
pub(crate) fn server(tx: &Tx<'_>) -> Fallible<String> {
    tx.one("SELECT server FROM spool WHERE id = 1", &[], |row| row.only())?.ok_or_else(missing)
}

/// Writes the row as it is, so that the transaction has something to commit.
pub(crate) fn confirm(tx: &Tx<'_>) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.change("the spool", "UPDATE spool SET state = state WHERE id = 1", &[])
}

/// Returns its state.
pub(crate) fn state(tx: &Tx<'_>) -> Fallible<SpoolerState> {
    tx.has_read(Lock::Spool);
    tx.one("SELECT state FROM spool WHERE id = 1", &[], |row| row.only())?.ok_or_else(missing)
}

/// How far the stored base of spool time may lie behind.
const RENEW_MS: i64 = 60_000;

columns!(clock_at { state, time_spool_ms, time_wall_ms, time_boot_ms, time_boot_id });

fn read_clock(row: &Row<'_>) -> Fallible<(SpoolerState, TimeBase)> {
    let base = TimeBase {
        spool_ms: row.get(clock_at::time_spool_ms)?,
        wall_ms: row.get(clock_at::time_wall_ms)?,
        boot_ms: row.get(clock_at::time_boot_ms)?,
        boot_id: row.get(clock_at::time_boot_id)?,
    };
    Ok((row.get(clock_at::state)?, base))
}

/// Returns its state, and the spool time of the transaction.
pub(crate) fn state_and_time(tx: &Tx<'_>) -> Fallible<(SpoolerState, SpoolTime)> {
    tx.has_read(Lock::Spool);
    clock(tx)
}

/// Returns the same for whoever decides nothing from the state. In a new boot the base of spool time is renewed, so
/// that it never goes back.
fn clock(tx: &Tx<'_>) -> Fallible<(SpoolerState, SpoolTime)> {
    let now = tx.now();
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", clock_at::LIST), &[], read_clock)?;
    let (state, base) = found.ok_or_else(missing)?;
    // Also within a boot, now and then: a machine that starts again without a clock goes on from here.
    if base.boot_id != now.boot_id || now.boot_ms - base.boot_ms > RENEW_MS {
        let base = base.renewed(now);
        tx.run(
            "UPDATE spool SET time_spool_ms = ?, time_wall_ms = ?, time_boot_ms = ?, time_boot_id = ? WHERE id = 1",
            values![base.spool_ms, base.wall_ms, base.boot_ms, base.boot_id],
        )?;
        return Ok((state, SpoolTime(base.spool_ms)));
    }
    Ok((state, base.at(now)))
}

/// Returns the spool time of the transaction.
pub(crate) fn time(tx: &Tx<'_>) -> Fallible<SpoolTime> {
    Ok(clock(tx)?.1)
}

/// Returns the spool time as whoever only looks finds it: the stored base stays as it is.
pub(crate) fn seen_time(tx: &Tx<'_>) -> Fallible<SpoolTime> {
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", clock_at::LIST), &[], read_clock)?;
    Ok(found.ok_or_else(missing)?.1.at(tx.now()))
}

/// Sets the state.
pub(crate) fn set_state(tx: &Tx<'_>, state: SpoolerState) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.run("UPDATE spool SET state = ? WHERE id = 1", values![state])?;
    Ok(())
}

/// Sets MGRACCESS.
pub(crate) fn set_manager_access(tx: &Tx<'_>, on: bool) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.run("UPDATE spool SET manager_access = ? WHERE id = 1", values![on])?;
    Ok(())
}

/// Sets what is kept free on the disk.
pub(crate) fn set_reserve(tx: &Tx<'_>, reserve: Option<Reserve>) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    let (octets, percent) = match reserve {
        Some(Reserve::Octets(octets)) => (Some(octets), None),
        Some(Reserve::Percent(percent)) => (None, Some(percent)),
        None => (None, None),
    };
    tx.run("UPDATE spool SET reserve_octets = ?, reserve_percent = ? WHERE id = 1", values![octets, percent])?;
    Ok(())
}

columns!(warned_at { said_of_space, said_of_certificate });

/// What was said of the room on the disk, and of the certificate, as numbers whose meaning is the caller's.
pub(crate) fn warned(tx: &Tx<'_>) -> Fallible<(u8, u8)> {
    let found = tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", warned_at::LIST), &[], |row| {
        Ok((row.get(warned_at::said_of_space)?, row.get(warned_at::said_of_certificate)?))
    })?;
    found.ok_or_else(missing)
}

/// Keeps what was said of them.
pub(crate) fn set_warned(tx: &Tx<'_>, (space, certificate): (u8, u8)) -> Fallible<()> {
    let sql = "UPDATE spool SET said_of_space = ?, said_of_certificate = ? WHERE id = 1";
    tx.run(sql, values![space, certificate]).map(drop)
}

/// Sets what one user may have.
pub(crate) fn set_limits(tx: &Tx<'_>, limits: &UserLimits) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.run(
        "UPDATE spool SET user_jobs = ?, user_octets = ?, user_opens = ? WHERE id = 1",
        values![limits.jobs, limits.octets, limits.opens],
    )?;
    Ok(())
}

/// The primary FASTCNFG file, an absolute path; none = the one in the base directory.
pub(crate) fn fastcnfg(tx: &Tx<'_>) -> Fallible<Option<RawPath>> {
    Ok(tx.one("SELECT fastcnfg FROM spool WHERE id = 1", &[], |row| row.only())?.flatten())
}

/// Sets it.
pub(crate) fn set_fastcnfg(tx: &Tx<'_>, path: Option<&RawPath>) -> Fallible<()> {
    tx.run("UPDATE spool SET fastcnfg = ? WHERE id = 1", values![path.cloned()])?;
    Ok(())
}

/// ERRLOG as typed; none where nobody named a file.
pub(crate) fn error_log(tx: &Tx<'_>) -> Fallible<Option<String>> {
    Ok(tx.one("SELECT error_log FROM spool WHERE id = 1", &[], |row| row.only())?.flatten())
}

/// Sets it.
pub(crate) fn set_error_log(tx: &Tx<'_>, name: Option<&str>) -> Fallible<()> {
    tx.demand_lock(Lock::Spool)?;
    tx.change("the spool", "UPDATE spool SET error_log = ? WHERE id = 1", values![name])
}

columns!(said {
    manager_access,
    user_jobs,
    user_octets,
    user_opens,
    reserve_octets,
    reserve_percent,
    fastcnfg,
    error_log,
});

/// Returns what the spooler was told, as the words of its command with their values; none in a database without a row.
pub(crate) fn words(tx: &Tx<'_>) -> Fallible<Option<BTreeMap<String, String>>> {
    tx.one(made_once!("SELECT {} FROM spool WHERE id = 1", said::LIST), &[], |row| {
        let number = |n: Option<u64>| n.map_or_else(|| "NONE".to_owned(), |n| n.to_string());
        let reserve = match row.get::<Option<u8>>(said::reserve_percent)? {
            Some(percent) => format!("{percent}%"),
            None => number(row.get(said::reserve_octets)?),
        };
        let on: bool = row.get(said::manager_access)?;
        let fastcnfg = row.get::<Option<RawPath>>(said::fastcnfg)?;
        let words = [
            ("MGRACCESS", if on { "ON" } else { "OFF" }.to_owned()),
            ("USERJOBS", number(row.get(said::user_jobs)?)),
            ("USEROCTETS", number(row.get(said::user_octets)?)),
            ("USEROPENS", number(row.get(said::user_opens)?)),
            ("RESERVE", reserve),
            ("FASTCNFG", fastcnfg.map_or_else(|| "NONE".to_owned(), |path| path.to_string())),
            ("ERRLOG", row.get::<Option<String>>(said::error_log)?.unwrap_or_else(|| "NONE".to_owned())),
        ];
        Ok(words.into_iter().map(|(word, value)| (word.to_owned(), value)).collect())
    })
}

/// Returns the next number of the arrival sequence.
pub(crate) fn next_sequence(tx: &Tx<'_>) -> Fallible<i64> {
    tx.next_arrival()
}

/// Takes the numbers of a new job. None when all job numbers are in use; nothing is taken then.
pub(crate) fn take_numbers(tx: &Tx<'_>) -> Fallible<Option<Numbers>> {
    tx.numbers()
}

/// Returns the next free local id of a user.
pub(crate) fn next_local(tx: &Tx<'_>, owner_uid: u32) -> Fallible<LocalJobId> {
    tx.next_local(owner_uid)
}

/// Goes on after this local id, for every user.
#[cfg(test)]
pub(crate) fn set_last_local(tx: &Tx<'_>, last: u32) -> Fallible<()> {
    tx.run("UPDATE local_counter SET last = ?", values![last])?;
    Ok(())
}

/// Goes on after this job number.
#[cfg(test)]
pub(crate) fn set_last_number(tx: &Tx<'_>, last: u32) -> Fallible<()> {
    tx.run("UPDATE spool SET last_number = ?", values![last])?;
    Ok(())
}
