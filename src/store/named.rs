//! Names that begin with a text, by the index that keeps them sorted: for completion.
//!
//! Each statement walks one stretch of an index and has a limit, so that it costs the same in a small spool and in a large one.

use crate::model::location::LocationKind;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::{CollectorName, DestName, DeviceName, FontName, GroupName, JobId, ProcessName};

use super::value::{Read, columns, values};
use super::{Fallible, Tx, page};

/// Behind every text that begins with a beginning.
const LAST: char = char::MAX;

/// Returns the values of `column` whose key begins with `beginning`, in lower case.
fn beginning_with<T: Read>(tx: &Tx<'_>, table: &str, beginning: &str, limit: u32) -> Fallible<Vec<T>> {
    let sql = format!("SELECT name FROM {table} WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?");
    tx.rows(&sql, values![beginning, format!("{beginning}{LAST}"), page(limit)], |row| row.only())
}

/// Returns the devices whose key begins so.
pub(crate) fn devices(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<DeviceName>> {
    beginning_with(tx, "device", beginning, limit)
}

/// Returns the groups whose key begins so.
pub(crate) fn groups(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<GroupName>> {
    beginning_with(tx, "location_group", beginning, limit)
}

/// Returns the print processes whose key begins so.
pub(crate) fn processes(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<ProcessName>> {
    beginning_with(tx, "process", beginning, limit)
}

/// Returns the collectors whose key begins so.
pub(crate) fn collectors(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<CollectorName>> {
    beginning_with(tx, "collector", beginning, limit)
}

/// Returns the fonts whose key begins so.
pub(crate) fn fonts(tx: &Tx<'_>, beginning: &str, limit: u32) -> Fallible<Vec<FontName>> {
    beginning_with(tx, "font", beginning, limit)
}

/// Returns the objects of a class whose key begins so.
pub(crate) fn objects(tx: &Tx<'_>, class: ObjectClass, beginning: &str, limit: u32) -> Fallible<Vec<ObjectName>> {
    let sql = "SELECT name FROM object WHERE class = ? AND name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?";
    tx.rows(sql, values![class, beginning, format!("{beginning}{LAST}"), page(limit)], |row| row.only())
}

columns!(at { group_name = "g.name", dest = "l.dest", kind = "l.kind" });

/// Returns the locations of each group whose key begins so, by name.
pub(crate) fn locations_of_groups(
    tx: &Tx<'_>,
    beginning: &str,
    limit: u32,
) -> Fallible<Vec<(GroupName, DestName, LocationKind)>> {
    let sql = made_once!(
        "SELECT {} FROM location_group g CROSS JOIN location l ON l.group_id = g.id
         WHERE g.name_key >= ? AND g.name_key < ? ORDER BY g.name_key, l.dest_key LIMIT ?",
        at::LIST
    );
    tx.rows(sql, values![beginning, format!("{beginning}{LAST}"), page(limit)], read)
}

/// Returns the locations of one group whose second half begins so.
pub(crate) fn locations_of_group(
    tx: &Tx<'_>,
    group: &str,
    beginning: &str,
    limit: u32,
) -> Fallible<Vec<(GroupName, DestName, LocationKind)>> {
    let sql = made_once!(
        "SELECT {} FROM location_group g CROSS JOIN location l ON l.group_id = g.id
         WHERE g.name_key = ? AND l.dest_key >= ? AND l.dest_key < ? ORDER BY l.dest_key LIMIT ?",
        at::LIST
    );
    tx.rows(sql, values![group, beginning, format!("{beginning}{LAST}"), page(limit)], read)
}

/// Returns the locations whose second half begins so, whatever their group.
pub(crate) fn locations_by_dest(
    tx: &Tx<'_>,
    beginning: &str,
    limit: u32,
) -> Fallible<Vec<(GroupName, DestName, LocationKind)>> {
    let sql = made_once!(
        "SELECT {} FROM location l CROSS JOIN location_group g ON g.id = l.group_id
         WHERE l.dest_key >= ? AND l.dest_key < ? ORDER BY l.dest_key LIMIT ?",
        at::LIST
    );
    tx.rows(sql, values![beginning, format!("{beginning}{LAST}"), page(limit)], read)
}

fn read(row: &super::Row<'_>) -> Fallible<(GroupName, DestName, LocationKind)> {
    Ok((row.get(at::group_name)?, row.get(at::dest)?, row.get(at::kind)?))
}

/// Which numbers of jobs are looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// The local numbers of this user.
    Local(u32),
    /// SPOOLCOM's numbers of all jobs.
    All,
    /// SPOOLCOM's numbers of the jobs of this user.
    Of(u32),
    /// The ten digits.
    Serials,
}

/// Returns jobs with a number from `low` to `high`, the last one first.
pub(crate) fn jobs(tx: &Tx<'_>, numbers: Numbers, (low, high): (u64, u64), limit: u32) -> Fallible<Vec<JobId>> {
    let limit = page(limit);
    let find = |clause: &str, column: &str, values: &[&dyn super::value::Bind]| {
        let sql =
            format!("SELECT id FROM job WHERE {clause}{column} >= ? AND {column} <= ? ORDER BY {column} DESC LIMIT ?");
        tx.rows(&sql, values, |row| row.only())
    };
    match numbers {
        Numbers::Local(uid) => find("owner_uid = ? AND ", "local_id", values![uid, low, high, limit]),
        Numbers::Of(uid) => find("owner_uid = ? AND ", "number", values![uid, low, high, limit]),
        Numbers::All => find("", "number", values![low, high, limit]),
        Numbers::Serials => find("", "serial", values![low, high, limit]),
    }
}
