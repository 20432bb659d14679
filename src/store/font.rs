//! Rows of fonts: jobs that are sent ahead of others.

use crate::model::location::FontStatus;
use crate::model::{FontName, JobId};

use super::value::{columns, values};
use super::{Fallible, Lock, Tx, page};

/// Defines a font, or gives it another job.
pub(crate) fn set(tx: &Tx<'_>, name: &FontName, job: JobId) -> Fallible<()> {
    tx.demand_lock(Lock::Job(job))?;
    let changed =
        tx.run("UPDATE font SET name = ?, job_id = ? WHERE name_key = ?", values![name.as_str(), job, name.key()])?;
    if changed == 0 {
        tx.insert(
            "INSERT INTO font (name, name_key, job_id) VALUES (?, ?, ?)",
            values![name.as_str(), name.key(), job],
        )?;
    }
    Ok(())
}

/// Returns the job that a font is.
pub(crate) fn job_of(tx: &Tx<'_>, name: &FontName) -> Fallible<Option<JobId>> {
    tx.one("SELECT job_id FROM font WHERE name_key = ?", values![name.key()], |row| row.only())
}

/// Returns the font that a job is, if it is one.
pub(crate) fn of_job(tx: &Tx<'_>, job: JobId) -> Fallible<Option<FontName>> {
    tx.one("SELECT name FROM font WHERE job_id = ? ORDER BY name_key LIMIT 1", values![job], |row| row.only())
}

/// Forgets a font. Returns whether there was one.
pub(crate) fn delete(tx: &Tx<'_>, name: &FontName) -> Fallible<bool> {
    Ok(tx.run("DELETE FROM font WHERE name_key = ?", values![name.key()])? > 0)
}

columns!(at { name = "f.name", number = "j.number" });

/// Returns fonts by name after `after`, one page.
pub(crate) fn list(tx: &Tx<'_>, after: Option<&FontName>) -> Fallible<Vec<FontStatus>> {
    let sql = made_once!(
        "SELECT {} FROM font f JOIN job j ON j.id = f.job_id WHERE f.name_key > ? ORDER BY f.name_key LIMIT ?",
        at::LIST
    );
    let after = after.map_or_else(String::new, FontName::key);
    tx.rows(sql, values![after, page(u32::MAX)], |row| {
        Ok(FontStatus { name: row.get(at::name)?, job: row.get(at::number)? })
    })
}
