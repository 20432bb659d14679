use super::super::value::values;
use super::*;
use crate::model::FailureKind;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;

fn store() -> (tempfile::TempDir, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(&dir.path().join("s.db"), &dir.path().join("lock"));
    store.create(&Call::timeless(), |tx| tx.script("CREATE TABLE mark (name TEXT PRIMARY KEY)")).unwrap();
    (dir, Arc::new(store))
}

fn mark(session: &Session, name: &str) -> Fallible<()> {
    let call = Call::timeless();
    Tx::new(session, &call).run("INSERT INTO mark VALUES (?)", values![name]).map(drop)
}

fn marks(store: &Store) -> Vec<String> {
    let all = |tx: &Tx<'_>| tx.rows("SELECT name FROM mark ORDER BY name", &[], |row| row.only());
    store.read(&Call::timeless(), all).unwrap()
}

#[test]
fn after_a_sync_that_failed_the_log_is_written_over_itself_before_anything_else() {
    let (dir, store) = store();
    store.transact(true, |session| mark(session, "late")).unwrap();
    store.late.doubt(true);
    let log = dir.path().join("s.db-wal");
    let before = std::fs::metadata(&log).unwrap().modified().unwrap();
    let octets = std::fs::read(&log).unwrap();
    store.rewrite_log().unwrap();
    assert_eq!(std::fs::read(&log).unwrap(), octets);
    assert!(std::fs::metadata(&log).unwrap().modified().unwrap() > before, "all of it is to be written anew");
    store.transact(false, |session| mark(session, "next")).unwrap();
    assert!(!store.late.in_doubt());
    assert_eq!(marks(&store), ["late", "next"]);
}

type Writing = JoinHandle<Fallible<()>>;

fn write(store: &Arc<Store>, work: impl FnMut(&Session) -> Fallible<()> + Send + 'static) -> Writing {
    let store = Arc::clone(store);
    thread::spawn(move || store.transact(false, work))
}

/// Hands in one after the other, and lets the first one begin when all are there, so that they are one batch.
fn together(store: &Arc<Store>, works: Vec<Work>) -> Vec<thread::Result<Fallible<()>>> {
    let writer = guard(&store.writer);
    let mut writing: Vec<Writing> = Vec::new();
    for work in works {
        writing.push(write(store, work));
        // The first one leads, and waits for the connection.
        let until = Instant::now() + Duration::from_secs(20);
        while !(guard(&store.waiting).led && guard(&store.waiting).pending.len() + 1 == writing.len()) {
            assert!(Instant::now() < until, "it was not handed in");
            thread::yield_now();
        }
    }
    drop(writer);
    writing.into_iter().map(JoinHandle::join).collect()
}

/// Waits until so many have handed something in and were not taken yet.
fn waiting(store: &Store, many: usize) {
    let until = Instant::now() + Duration::from_secs(20);
    while guard(&store.waiting).pending.len() < many {
        assert!(Instant::now() < until, "it was not handed in");
        thread::yield_now();
    }
}

#[test]
fn who_comes_while_others_are_carried_out_comes_along() {
    let (_dir, store) = store();
    let (inside, watched) = (Arc::clone(&store), Arc::clone(&store));
    let (begun, begins) = mpsc::channel();
    let first = write(&store, move |session| {
        let _ = begun.send(());
        waiting(&inside, 1);
        mark(session, "first")
    });
    begins.recv().unwrap();
    let second = write(&store, move |session| {
        assert!(marks(&watched).is_empty(), "the first one is not committed yet");
        mark(session, "second")
    });
    first.join().unwrap().unwrap();
    second.join().unwrap().unwrap();
    assert_eq!(marks(&store), ["first", "second"]);
}

#[test]
fn what_may_be_synced_later_does_not_take_along_what_may_not() {
    let (_dir, store) = store();
    let (inside, watched) = (Arc::clone(&store), Arc::clone(&store));
    let (begun, begins) = mpsc::channel();
    let late = thread::spawn({
        let store = Arc::clone(&store);
        move || {
            store.transact(true, move |session| {
                let _ = begun.send(());
                waiting(&inside, 1);
                mark(session, "late")
            })
        }
    });
    begins.recv().unwrap();
    let at_once = write(&store, move |session| {
        assert_eq!(marks(&watched), ["late"], "that was a commit of its own");
        mark(session, "next")
    });
    late.join().unwrap().unwrap();
    at_once.join().unwrap().unwrap();
    assert!(!store.late.is_begun());
}

/// A thread that has announced itself so long ago and hands something in when the leader waits for it.
fn is_on_its_way(store: &Arc<Store>, since: Duration) -> Writing {
    let (announced, is_there) = mpsc::channel();
    let writing = Arc::clone(store);
    let thread = thread::spawn(move || {
        let _coming = writing.announces();
        let me = thread::current().id();
        let mut queue = guard(&writing.waiting);
        for (_, at) in queue.coming.iter_mut().filter(|(thread, _)| *thread == me) {
            *at = at.checked_sub(since).unwrap();
        }
        drop(queue);
        announced.send(()).unwrap();
        // The leader has taken what there was.
        let until = Instant::now() + Duration::from_secs(20);
        while !guard(&writing.waiting).led {
            assert!(Instant::now() < until, "nobody leads");
            thread::yield_now();
        }
        let watched = Arc::clone(&writing);
        writing.transact(false, move |session| {
            assert!(marks(&watched).is_empty(), "the first one is not committed yet");
            mark(session, "second")
        })
    });
    is_there.recv().unwrap();
    thread
}

#[test]
fn on_a_slow_disk_a_commit_waits_for_whom_it_expects() {
    let (_dir, store) = store();
    store.pace.micros.store(20_000_000, Ordering::Relaxed);
    let second = is_on_its_way(&store, Duration::from_secs(19));
    let begun = Instant::now();
    store.transact(false, |session| mark(session, "first")).unwrap();
    second.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "it goes on when the other one is there");
    assert_eq!(marks(&store), ["first", "second"]);
    assert!(guard(&store.waiting).coming.is_empty());
}

#[test]
fn a_commit_waits_for_nobody_whom_it_does_not_expect_soon() {
    let (_dir, store) = store();
    let waits = |batch: usize, waited: u64| store.awaits(batch, &mut Duration::from_secs(waited));
    let coming = |ago: u64| {
        let since = Instant::now().checked_sub(Duration::from_secs(ago)).unwrap();
        guard(&store.waiting).coming = vec![(thread::current().id(), since)];
    };
    coming(19);
    store.pace.micros.store(1_999, Ordering::Relaxed);
    assert!(!waits(1, 0), "the disk is not slow");
    store.pace.micros.store(20_000_000, Ordering::Relaxed);
    assert!(!waits(1, 10), "it has waited long enough");
    assert!(!waits(BATCH, 0), "the batch is full");
    coming(5);
    assert!(!waits(1, 0), "it comes too late for this one");
    coming(40);
    assert!(!waits(1, 0), "it should have come long ago");
    guard(&store.waiting).coming.clear();
    assert!(!waits(1, 0), "nobody comes");
}

fn marking(name: &'static str) -> Work {
    Box::new(move |session| mark(session, name))
}

#[test]
fn what_fails_is_undone_alone_and_the_others_are_committed() {
    let (_dir, store) = store();
    let fails: Work = Box::new(|session| {
        mark(session, "b")?;
        Err(Failure::new(FailureKind::BadValue, "no"))
    });
    let verdicts = together(&store, vec![marking("a"), fails, marking("c"), marking("a")]);
    let kinds: Vec<Option<FailureKind>> =
        verdicts.into_iter().map(|verdict| verdict.unwrap().err().map(|failure| failure.kind)).collect();
    assert_eq!(kinds, [None, Some(FailureKind::BadValue), None, Some(FailureKind::Internal)]);
    assert_eq!(marks(&store), ["a", "c"]);
}

#[test]
fn when_all_of_them_fail_nothing_is_changed_and_the_next_one_is_committed() {
    let (_dir, store) = store();
    let fails = || -> Work { Box::new(|session| mark(session, "x").and(Err(Failure::internal("no")))) };
    let verdicts = together(&store, vec![fails(), fails()]);
    assert!(verdicts.into_iter().all(|verdict| verdict.unwrap().is_err()));
    store.transact(false, |session| mark(session, "y")).unwrap();
    assert_eq!(marks(&store), ["y"]);
}

#[test]
fn a_panic_of_the_leader_is_told_to_its_batch_and_the_next_one_leads() {
    let (_dir, store) = store();
    let panics: Work = Box::new(|_| panic!("as the test wants"));
    let verdicts = together(&store, vec![marking("a"), panics, marking("c")]);
    assert!(verdicts[0].is_err(), "it led");
    assert!(verdicts[1..].iter().all(|verdict| matches!(verdict, Ok(Err(_)))));
    assert!(marks(&store).is_empty());
    store.transact(false, |session| mark(session, "d")).unwrap();
    assert_eq!(marks(&store), ["d"]);
}

#[test]
fn more_than_a_batch_is_committed_by_several_leaders() {
    let (_dir, store) = store();
    let names: Vec<String> = (0..3 * BATCH).map(|n| format!("{n:03}")).collect();
    let work = |name: &String| -> Work {
        let name = name.clone();
        Box::new(move |session| mark(session, &name))
    };
    let verdicts = together(&store, names.iter().map(work).collect());
    assert!(verdicts.into_iter().all(|verdict| verdict.unwrap().is_ok()));
    assert_eq!(marks(&store), names);
}
