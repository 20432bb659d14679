//! Bases whose creation was cut off by a power loss.

use super::*;
use crate::model::FailureKind;

/// What a power loss leaves that comes while the first pages of a database are written: the pages, and the journal that
/// takes them back.
fn half_made(base: &Base) {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("spool.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA cache_size = 1; CREATE TABLE some (text TEXT); BEGIN IMMEDIATE").unwrap();
    for _ in 0..200 {
        db.execute("INSERT INTO some VALUES (hex(randomblob(400)))", []).unwrap();
    }
    std::fs::create_dir_all(base.run()).unwrap();
    let journal = std::fs::read(elsewhere.path().join("spool.db-journal")).unwrap();
    assert!(journal.starts_with(b"\xd9\xd5\x05\xf9"), "it is on disk, so pages may be written");
    std::fs::write(base.root().join("spool.db-journal"), journal).unwrap();
    std::fs::copy(&path, base.database()).unwrap();
}

#[test]
fn a_creation_that_was_cut_off_is_no_spool_and_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    let base = Base::new(dir.path());
    half_made(&base);
    let now = moment(0);
    let refused = open(&base, Access::Existing { now: now.clone() }).err().unwrap();
    assert_eq!(refused.kind, FailureKind::Unreachable);
    assert!(refused.to_string().contains("there is no spool"), "{refused}");
    let spool = open(&base, Access::Create { server: "acme1".parse().unwrap(), now }).unwrap();
    assert_eq!(spool.server().as_str(), "acme1");
}
