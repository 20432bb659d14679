//! Pages that hold nothing any more go back to the file system, a bounded number at a time.

use rusqlite::Connection;

use super::Fallible;

/// Free pages that are kept: the next jobs need them.
const KEPT: i64 = 64;
/// Pages that are given back at once. Each costs one or two pages of the log.
const AT_ONCE: i64 = 256;

/// Gives back some of the free pages, in a transaction of its own. Called behind the gate, before the log is written back.
///
/// # Errors
/// When that fails; the pages then stay free.
pub(super) fn some(db: &Connection) -> Fallible<()> {
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
    use super::super::Store;

    #[test]
    fn room_comes_back_while_the_spool_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("spool.db"), &dir.path().join("run/write.lock"));
        store.create(|db| Ok(db.execute_batch("CREATE TABLE pile (id INTEGER PRIMARY KEY, text TEXT)")?)).unwrap();
        let free =
            || store.read(|db| Ok(db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0))?)).unwrap();
        let fill = |n: i64| {
            store
                .write(move |db| {
                    for _ in 0..n {
                        db.execute("INSERT INTO pile (text) VALUES (hex(zeroblob(2000)))", [])?;
                    }
                    Ok(())
                })
                .unwrap();
        };
        fill(2000);
        let empty = || store.write(|db| Ok(db.execute("DELETE FROM pile", []).map(drop)?)).unwrap();
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
