//! Spools with very many jobs: the rows of one job that was really handed in, many times over.
//!
//! Handing in a million jobs takes a quarter of an hour on a fast disk, most of it syncs. Their rows are copied from a
//! job that `submit` made, in one transaction, with what must differ (numbers, token, names of files, places in the
//! queue) counted on or drawn at random as the operations do it; the ordinary commands then work on them.

use std::path::Path;

use rusqlite::Connection;

use super::site::Site;

/// For each column of a table that differs from copy to copy: its value, with `s.n` the number of the copy and `t` the row
/// that is copied.
type Differs<'a> = &'a [(&'a str, &'a str)];

const JOB: Differs<'static> = &[
    ("id", "t.id + s.n"),
    ("number", "t.number + s.n"),
    ("serial", "t.serial + s.n"),
    ("token", "lower(hex(randomblob(16)))"),
    ("local_id", "t.local_id + s.n"),
    ("sort_key", "t.sort_key + s.n"),
    ("sort_sequence", "t.sort_sequence + s.n"),
    ("sort_place", "CASE t.sort_place WHEN 0 THEN 0 ELSE t.sort_place + s.n END"),
];
const DOCUMENT: Differs<'static> = &[
    ("id", "t.id + s.n"),
    ("job_id", "t.job_id + s.n"),
    ("store_name", "'pdpr' || substr(printf('%06d', s.n), -6) || CASE WHEN s.n < 1000000 THEN '' ELSE 'x' END"),
];
const ENTRY: Differs<'static> = &[
    ("id", "t.id + s.n"),
    ("job_id", "t.job_id + s.n"),
    ("sort_key", "t.sort_key + s.n"),
    ("sequence", "t.sequence + s.n"),
];
const EVENT: Differs<'static> = &[("id", "(SELECT max(id) FROM event) + s.n"), ("object_id", "t.object_id + s.n")];
const FINISHED: Differs<'static> = &[
    ("job_id", "t.job_id + s.n"),
    ("number", "t.number + s.n"),
    ("serial", "t.serial + s.n"),
    ("token", "lower(hex(randomblob(16)))"),
    ("local_id", "t.local_id + s.n"),
];

fn writer(database: &Path) -> Connection {
    let db = Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE",
    )
    .unwrap();
    db
}

fn copies(db: &Connection, n: usize, table: &str, differs: Differs<'_>, which: &str) {
    let mut statement = db.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let columns: Vec<String> = statement.query_map([], |row| row.get(1)).unwrap().collect::<Result<_, _>>().unwrap();
    let value = |column: &String| match differs.iter().find(|one| one.0 == column) {
        Some((_, value)) => (*value).to_owned(),
        None => format!("t.{column}"),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?1)
         INSERT INTO {table} ({}) SELECT {} FROM s, {table} t WHERE {which}",
        columns.join(", "),
        values.join(", ")
    );
    db.execute(&sql, [n as i64]).unwrap();
}

fn count_on(db: &Connection, n: usize) {
    db.execute(
        "UPDATE spool SET last_number = last_number + ?1, last_serial = last_serial + ?1, last_sequence = last_sequence + ?1",
        [n as i64],
    )
    .unwrap();
    db.execute("UPDATE local_counter SET last = last + ?1", [n as i64]).unwrap();
}

fn close(db: Connection) {
    db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

/// Copies the last waiting job `n` times: job, documents, entries, event.
pub fn waiting(site: &Site, n: usize) {
    let db = writer(&site.base.database());
    let last = "(SELECT max(id) FROM job)";
    // The job itself last: the others find it by being the newest.
    copies(&db, n, "document", DOCUMENT, &format!("t.job_id = {last}"));
    copies(&db, n, "entry", ENTRY, &format!("t.job_id = {last}"));
    copies(&db, n, "event", EVENT, &format!("t.object = 'job' AND t.object_id = {last} AND t.what = 'accepted'"));
    copies(&db, n, "job", JOB, &format!("t.id = {last}"));
    count_on(&db, n);
    close(db);
}

/// Copies the last job that waits for its owner `n` times: the copies belong to so many people in turn, the first of whom is its owner;
/// or all of them to this person, with his number.
pub fn held(database: &Path, n: usize, people: Option<usize>, person: Option<(&str, u32)>) {
    let db = writer(database);
    let last = "(SELECT max(id) FROM job)";
    let (of_them, uid, name) = match (people, person) {
        (Some(people), _) => {
            (format!("s.n % {people} = 0"), format!("10000 + s.n % {people}"), format!("printf('p%d', s.n % {people})"))
        }
        (None, Some((name, uid))) => ("0".to_owned(), uid.to_string(), format!("'{name}'")),
        (None, None) => ("1".to_owned(), "0".to_owned(), "''".to_owned()),
    };
    let other = |column: &str, value: &str| format!("CASE WHEN {of_them} THEN t.{column} ELSE {value} END");
    let (uid, owner) = (other("owner_uid", &uid), other("owner", &name));
    let user = other("user_name", &format!("{name} || substr(t.user_name, instr(t.user_name, '@'))"));
    let mut job = JOB.to_vec();
    job.extend([("owner_uid", uid.as_str()), ("owner", &owner), ("user_name", &user)]);
    let key = other("owner", &format!("replace(t.owner, (SELECT owner FROM job WHERE id = {last}), {name})"));
    let mut document = DOCUMENT.to_vec();
    document.retain(|one| one.0 != "store_name");
    document.push(("store_name", "'pdpr' || substr(printf('%06d', t.id + s.n), -6)"));
    copies(&db, n, "document", &document, &format!("t.job_id = {last}"));
    copies(&db, n, "entry", ENTRY, &format!("t.job_id = {last}"));
    copies(&db, n, "event", EVENT, &format!("t.object = 'job' AND t.object_id = {last} AND t.what = 'accepted'"));
    let secure = [("job_id", "t.job_id + s.n"), ("owner", key.as_str())];
    copies(&db, n, "secure_job", &secure, &format!("t.job_id = {last}"));
    copies(&db, n, "job", &job, &format!("t.id = {last}"));
    count_on(&db, n);
    close(db);
}

/// Copies the last finished job `n` times, with one event each.
pub fn kept(site: &Site, n: usize) {
    let db = writer(&site.base.database());
    let last = "(SELECT max(job_id) FROM finished)";
    copies(&db, n, "event", EVENT, &format!("t.object = 'job' AND t.object_id = {last} AND t.what = 'accepted'"));
    copies(&db, n, "finished", FINISHED, &format!("t.job_id = {last}"));
    count_on(&db, n);
    // Identities are never used twice: the next job comes after those that are finished.
    db.execute("UPDATE sqlite_sequence SET seq = (SELECT max(job_id) FROM finished) WHERE name = 'job'", []).unwrap();
    close(db);
}

/// Gives every waiting job that `waiting` made its print file: a second name of `file`, as many as the file system allows
/// for each.
pub fn print_files(site: &Site, file: &Path) {
    const NAMES: usize = 60_000;
    let dir = site.base.server(site.spool().server());
    let db = site.database();
    let mut statement = db.prepare("SELECT store_name FROM document").unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut from = dir.join("of-the-figures");
    let mut names = NAMES;
    while let Some(row) = rows.next().unwrap() {
        let path = dir.join(row.get::<_, String>(0).unwrap());
        if path.exists() {
            continue;
        }
        if names == NAMES {
            std::fs::copy(file, &path).unwrap();
            (from, names) = (path, 1);
            continue;
        }
        std::fs::hard_link(&from, &path).unwrap();
        names += 1;
    }
}
