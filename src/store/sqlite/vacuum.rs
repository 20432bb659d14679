//! Pages that hold nothing any more go back to the file system, a bounded number at a time.

use super::{Fallible, Session};

/// Free pages that are kept: the next jobs need them.
const KEPT: i64 = 64;
/// Pages that are given back at once. Each costs one or two pages of the log.
const AT_ONCE: i64 = 256;

/// Gives back some of the free pages, in a transaction of its own. Called behind the gate, before the log is written back.
/// When that fails, the pages stay free.
pub(super) fn some(session: &Session) -> Fallible<()> {
    let db = &session.db;
    let free: i64 = db.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    let give = (free - KEPT).min(AT_ONCE);
    if give > 0 {
        let mut steps = db.prepare(&format!("PRAGMA incremental_vacuum({give})"))?;
        let mut rows = steps.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Store, Tx};
    use crate::model::Call;

    #[test]
    fn room_comes_back_while_the_spool_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("spool.db"), &dir.path().join("run/write.lock"));
        let call = Call::timeless();
        store.create(&call, |tx| tx.script("CREATE TABLE pile (id INTEGER PRIMARY KEY, text TEXT)")).unwrap();
        let count = |tx: &Tx<'_>| tx.one("PRAGMA freelist_count", &[], |row| row.only::<i64>());
        let free = || store.read(&call, count).unwrap().unwrap();
        let fill = |n: i64| {
            let work = move |tx: &Tx<'_>| {
                (0..n).try_for_each(|_| tx.run("INSERT INTO pile (text) VALUES (hex(zeroblob(2000)))", &[]).map(drop))
            };
            store.write(&call, work).unwrap();
        };
        fill(2000);
        let empty = || store.write(&call, |tx| tx.run("DELETE FROM pile", &[]).map(drop)).unwrap();
        empty();
        let full = std::fs::metadata(dir.path().join("spool.db")).unwrap().len();
        // Each round writes a long log, which is written back, and some pages go back with it.
        for _ in 0..8 {
            fill(200);
            empty();
        }
        assert!(free() < 600, "{}", free());
        assert!(std::fs::metadata(dir.path().join("spool.db")).unwrap().len() < full / 2);
    }
}
