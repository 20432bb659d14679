//! Committing together what several threads want to change.
//!
//! A thread that hands in a change while nobody commits leads: it takes what waits, in the order in which it was handed in,
//! carries it out in one transaction, and tells each of the others what became of theirs. Those sleep until they are told;
//! when more waits by then, the first of them leads. States of a change: handed in → in a batch → told. A leader that
//! panics tells the threads of its batch so, and gives the lead on; its connection is dropped, which rolls back.
//!
//! Who hands something in while others are carried out comes along with them. A thread whose document is on its way to the
//! disk announces itself ([`Store::announces`]). Where commits take long, because the disk is slow, a leader waits a little
//! for one that must be there soon: it would wait for the whole of this commit else, and for its own after that.
//!
//! # Commits that are synced later
//!
//! A command file declares thousands of objects, and a sync for each would take most of its time. So the changes of a batch
//! in which each says that it may be late are committed without a sync of the log ([`Late`]). What a power loss leaves is
//! what was committed up to some moment: SQLite reads the log up to the first page that is not whole. The log is synced by
//! the next commit that is not late, whoever makes it, by the first one a second after, and by [`Store::sync`].
//!
//! A sync that fails may leave what was committed late before it nowhere but in memory, and the next one would succeed: a hole,
//! and nothing behind it would outlive a power loss. So after a commit of which nobody knows whether it was synced the log is
//! written over itself before anything else is.
//!
//! Is anything lost that somebody has done something with? No: a job is never late, and its commit syncs what stands before
//! it in the log. Can the mark beside the print files get ahead of the database? No: only a synced commit writes it.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use super::sqlite::Session;
use super::{Fallible, Store, Tx, generation, guard, met_damage, schema};
use crate::model::{Call, Failure, FailureKind};

/// What waits is committed together up to this many changes.
const BATCH: usize = 64;

/// A commit that comes so long after the first late one is synced.
const LONGEST_LATE: Duration = Duration::from_secs(1);

/// Where a commit takes so long, it waits for the disk and not for processors.
const SLOW: Duration = Duration::from_millis(2);

/// Longer ones count as this: a disk that was stuck once says nothing of the next commits, and others wait at the gate meanwhile.
const LONGEST: Duration = Duration::from_millis(100);

type Work = Box<dyn FnMut(&Session) -> Fallible<()> + Send>;

/// What threads have handed in.
#[derive(Default)]
pub(super) struct Queue {
    pending: VecDeque<Pending>,
    /// Threads that will hand something in when a document of theirs is on disk, and since when they wait for that.
    coming: Vec<(ThreadId, Instant)>,
    /// Whether a thread leads, or has been told to.
    led: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

struct Pending {
    work: Work,
    /// Whether its commit may be synced later.
    late: bool,
    ticket: Arc<Ticket>,
}

/// Where a thread waits for news.
struct Ticket {
    owner: Thread,
    news: Mutex<Option<News>>,
}

enum News {
    /// What became of its change.
    Verdict(Fallible<()>),
    /// It is to lead. Its change still waits.
    Lead,
}

impl Ticket {
    fn tell(&self, news: News) {
        *guard(&self.news) = Some(news);
        self.owner.unpark();
    }

    fn wait(&self) -> News {
        loop {
            if let Some(news) = guard(&self.news).take() {
                return news;
            }
            thread::park();
        }
    }
}

/// The lead. It is given on when it is dropped, also by a panic.
struct Lead<'a> {
    queue: &'a Mutex<Queue>,
    batch: Vec<Pending>,
}

impl Lead<'_> {
    /// Takes what waits, as long as the batch may be synced later only what may.
    fn take(&mut self, late: bool) {
        let mut queue = guard(self.queue);
        while self.batch.len() < BATCH
            && let Some(next) = queue.pending.pop_front_if(|next| !late || next.late)
        {
            self.batch.push(next);
        }
    }

    /// Gives the lead to whoever waits first, before this thread tells the others: their changes are carried out meanwhile.
    fn give_on(self) -> Vec<Pending> {
        let mut lead = self;
        mem::take(&mut lead.batch)
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        for pending in self.batch.drain(..) {
            let broken = Failure::internal("the transaction of another thread broke off: nothing was changed");
            pending.ticket.tell(News::Verdict(Err(broken)));
        }
        let mut queue = guard(self.queue);
        match queue.pending.front() {
            Some(next) => next.ticket.tell(News::Lead),
            None => queue.led = false,
        }
    }
}

impl Store {
    /// Carries out `work` in one durable transaction, alone or with what others have handed in.
    /// With `late` its commit may be synced later.
    pub(super) fn transact(
        &self,
        late: bool,
        work: impl FnMut(&Session) -> Fallible<()> + Send + 'static,
    ) -> Fallible<()> {
        let ticket = Arc::new(Ticket { owner: thread::current(), news: Mutex::new(None) });
        let leads = {
            let mut queue = guard(&self.waiting);
            queue.pending.push_back(Pending { work: Box::new(work), late, ticket: Arc::clone(&ticket) });
            queue.coming.retain(|(thread, _)| *thread != ticket.owner.id());
            self.arrived.notify_one();
            !mem::replace(&mut queue.led, true)
        };
        if !leads && let News::Verdict(verdict) = ticket.wait() {
            return verdict;
        }
        // Whoever leads is the first of those that wait: its own change is in the batch.
        let mut lead = Lead { queue: &self.waiting, batch: Vec::new() };
        lead.take(false);
        let verdicts = self.commit(&mut lead);
        for (pending, verdict) in lead.give_on().into_iter().zip(verdicts) {
            pending.ticket.tell(News::Verdict(verdict));
        }
        match ticket.wait() {
            News::Verdict(verdict) => verdict,
            News::Lead => Err(Failure::internal("a transaction left no verdict")),
        }
    }

    /// Returns what became of each of the batch.
    fn commit(&self, lead: &mut Lead<'_>) -> Vec<Fallible<()>> {
        let mut writer = guard(&self.writer);
        match self.commit_batch(&mut writer, lead) {
            Ok(verdicts) => verdicts,
            Err(failure) => {
                // Its caches may disagree with the file now: the next writer opens it anew.
                *writer = None;
                self.late.doubt(failure.kind == FailureKind::Unknown);
                lead.batch.iter().map(|_| Err(failure.clone())).collect()
            }
        }
    }

    fn commit_batch(&self, writer: &mut Option<Session>, lead: &mut Lead<'_>) -> Fallible<Vec<Fallible<()>>> {
        let _gate = self.pass_gate()?;
        // Taken out while it is inside a transaction: after a panic nobody finds it there, and dropping it rolls back.
        let session = match writer.take() {
            Some(session) => session,
            None => self.writing_session()?,
        };
        if self.late.in_doubt() {
            self.rewrite_log()?;
            self.late.trust();
        }
        let late = lead.batch.iter().all(|pending| pending.late) && self.late.may_grow();
        let verdicts = self.commit_on(&session, lead, late)?;
        // Between commit and answer: what went into files that have no name any more is not acknowledged.
        self.demand_ground()?;
        // In a crowd the log is left to the last of it, within bounds: written back after each batch, the same pages would
        // be written again and again. Whoever waits for an answer does not wait for that, where somebody else does it.
        let left = self.leaves_log() || late || !guard(&self.waiting).is_empty();
        if !left || self.log_is_huge() {
            self.shorten_log(&session);
        }
        // What was damaged is read anew by whoever writes next: it may have been mended meanwhile.
        if !verdicts.iter().any(met_damage) {
            *writer = Some(session);
        }
        Ok(verdicts)
    }

    /// Carries out each with its own verdict; a failure is that of the whole transaction.
    /// Whoever comes while the others are carried out comes along.
    fn commit_on(&self, session: &Session, lead: &mut Lead<'_>, late: bool) -> Fallible<Vec<Fallible<()>>> {
        session.sync_commits(!late)?;
        self.begin(session)?;
        let before = session.changes();
        if let Err(failure) = session.version().and_then(schema::check) {
            session.undo()?;
            return Ok(lead.batch.iter().map(|_| Err(failure.clone())).collect());
        }
        let (mut failed, mut waited) = (None, Duration::ZERO);
        for next in 0.. {
            if next == lead.batch.len() {
                lead.take(late);
                while next == lead.batch.len() && !late && self.awaits(next, &mut waited) {
                    lead.take(late);
                }
            }
            let Some(pending) = lead.batch.get_mut(next) else { break };
            failed = (pending.work)(session).err();
            if failed.is_some() {
                break;
            }
        }
        let batch = &mut lead.batch;
        let verdicts = match failed {
            None => batch.iter().map(|_| Ok(())).collect(),
            // A full disk or a failed read may have ended the whole transaction: then nobody's part is left of it.
            Some(failure) if session.is_over() => return Err(failure),
            Some(failure) if batch.len() == 1 => {
                session.undo()?;
                return Ok(vec![Err(failure)]);
            }
            // A part that fails is rare, and a savepoint before each costs a copy of every page that it changes. So all is
            // done again, with savepoints, when one has failed.
            Some(_) => {
                session.undo()?;
                self.begin(session)?;
                let verdicts = batch.iter_mut().map(|pending| run_part(session, &mut pending.work));
                let verdicts: Vec<Fallible<()>> = verdicts.collect::<Fallible<_>>()?;
                if verdicts.iter().all(Result::is_err) {
                    session.undo()?;
                    return Ok(verdicts);
                }
                verdicts
            }
        };
        let call = Call::timeless();
        let changed = session.changes() != before;
        let mark = if changed { generation::count(&Tx::new(session, &call))? } else { None };
        let begun = Instant::now();
        session.commit()?;
        if changed && !late {
            self.pace.took(begun.elapsed());
        }
        self.see_log(session);
        match (changed, late) {
            // Nothing was written, so nothing was synced.
            (false, _) => return Ok(verdicts),
            (true, true) => {
                self.late.begin();
                return Ok(verdicts);
            }
            (true, false) => self.late.end(),
        }
        // A mark of a database that has lost its name must not stand beside the one that has it now: that would count as
        // restored.
        if let (Some(mark), Some(path), Ok(())) = (mark, self.mark.get(), self.demand_ground()) {
            // A mark that cannot be written stays behind, which does no harm.
            let _ = mark.write(path);
        }
        Ok(verdicts)
    }

    /// Says that this thread will hand in a change as soon as a document is on disk: whoever commits then may wait for it.
    pub(crate) fn announces(&self) -> Announced<'_> {
        guard(&self.waiting).coming.push((thread::current().id(), Instant::now()));
        Announced { store: self }
    }

    /// Waits for one more that is about to come, where that is worth while, and tells whether one may have come.
    ///
    /// When is it? All of the batch wait for it, and it would wait for a whole commit if this one began without it. So the
    /// batch waits as long as its waits together are shorter than two commits, half a commit at most.
    fn awaits(&self, batch: usize, waited: &mut Duration) -> bool {
        let Some(commit) = self.pace.slow() else { return false };
        if batch >= BATCH {
            return false;
        }
        let queue = guard(&self.waiting);
        if !queue.pending.is_empty() {
            return true;
        }
        let now = Instant::now();
        let all = 2 * commit / u32::try_from(batch.max(1)).unwrap_or(u32::MAX);
        let patience = all.min(commit / 2).saturating_sub(*waited);
        let is_due = |(_, since): &(ThreadId, Instant)| {
            let lasts = now.saturating_duration_since(*since);
            lasts + patience >= commit && lasts < 2 * commit
        };
        if patience.is_zero() || !queue.coming.iter().any(is_due) {
            return false;
        }
        drop(self.arrived.wait_timeout(queue, patience));
        *waited += now.elapsed();
        true
    }

    fn begin(&self, session: &Session) -> Fallible<()> {
        self.begin_writing(session)?;
        self.name_log()
    }
}

/// Has said that a change of its thread will come, until it has come or does not come any more.
pub(crate) struct Announced<'a> {
    store: &'a Store,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        let me = thread::current().id();
        let mut queue = guard(&self.store.waiting);
        let before = queue.coming.len();
        queue.coming.retain(|(thread, _)| *thread != me);
        if queue.coming.len() < before {
            // It will not come: whoever waits for it looks for whom else to wait.
            self.store.arrived.notify_one();
        }
    }
}

/// How long commits take.
#[derive(Default)]
pub(super) struct Pace {
    /// An average in microseconds, in which the last ones weigh most.
    micros: AtomicU64,
}

impl Pace {
    fn took(&self, time: Duration) {
        let took = u64::try_from(time.min(LONGEST).as_micros()).unwrap_or(u64::MAX);
        let before = self.micros.load(Ordering::Relaxed);
        self.micros.store((before.saturating_mul(3).saturating_add(took)) / 4, Ordering::Relaxed);
    }

    /// How long one takes, where that is long.
    fn slow(&self) -> Option<Duration> {
        Some(Duration::from_micros(self.micros.load(Ordering::Relaxed))).filter(|time| *time >= SLOW)
    }
}

/// Commits that wait for the sync of the log.
#[derive(Default)]
pub(super) struct Late {
    /// Since when.
    since: Mutex<Option<Instant>>,
    /// Whether a sync has failed.
    doubted: AtomicBool,
}

impl Late {
    /// Tells whether some wait.
    pub(super) fn is_begun(&self) -> bool {
        guard(&self.since).is_some()
    }

    /// Tells whether one more may wait.
    fn may_grow(&self) -> bool {
        guard(&self.since).is_none_or(|since| since.elapsed() < LONGEST_LATE)
    }

    fn begin(&self) {
        guard(&self.since).get_or_insert_with(Instant::now);
    }

    fn end(&self) {
        *guard(&self.since) = None;
    }

    /// A commit has failed; `of_sync` if perhaps its sync did.
    fn doubt(&self, of_sync: bool) {
        self.doubted.fetch_or(of_sync, Ordering::SeqCst);
    }

    /// Whether a sync has failed since the log was last trusted.
    fn in_doubt(&self) -> bool {
        self.doubted.load(Ordering::SeqCst)
    }

    fn trust(&self) {
        self.doubted.store(false, Ordering::SeqCst);
    }
}

/// Runs one request of a batch so that its failure undoes its own part only. The outer error has ended the transaction.
fn run_part(session: &Session, work: &mut Work) -> Fallible<Fallible<()>> {
    session.begin_part()?;
    match work(session) {
        Ok(()) => session.end_part().map(Ok),
        Err(failure) if session.is_over() => Err(failure),
        Err(failure) => {
            session.undo_part()?;
            Ok(Err(failure))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::values;
    use super::*;
    use crate::model::FailureKind;
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
}
