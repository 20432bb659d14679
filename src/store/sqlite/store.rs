//! The database, shared by the threads of a process: [`Store`].

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::OpenFlags;

use super::gate::{COMMAND_WAITS, PROCESS_WAITS, Patience, TELLS_AFTER, busy};
#[cfg(test)]
use super::rules;
use super::{Session, Tx, vacuum};
use crate::model::{Call, Failure, FailureKind};
use crate::store::{Fallible, commit, generation, ground, guard, met_damage, schema};
use crate::sys::files::{read_full_at, sync_dir};
use crate::sys::lock::FileLock;
use crate::sys::{holder, limits, notice};

/// How much the log may hold, in octets, before that is written to the database and the log begun anew. Every command that
/// finds nobody else at the database reads all that it holds: that must stay little. Its file keeps its length, up to four
/// MiB (`SQLITE_DEFAULT_JOURNAL_SIZE_LIMIT` in `.cargo/config.toml`): to write over what a file has is faster than to make
/// it longer, because the file system then has nothing of its own to write.
const LOG_LIMIT: u64 = 512 << 10;

/// How much it may hold while threads of this process wait to write, or where somebody else is to shorten it.
const LOG_LIMIT_IN_A_CROWD: u64 = 4 << 20;

/// How many pages it may hold while a thread that shortens it sees commits come one after the other. It looks every [`QUIET`]: what
/// is written meanwhile should fit below [`LOG_LIMIT_IN_A_CROWD`], where whoever commits shortens it himself.
const PAGES_UNDER_LOAD: u64 = 600;

/// A page in the log: its octets, and what SQLite writes before them.
const PAGE_OF_LOG: u64 = 4096 + 24;

/// After this time without a commit the log is begun anew as soon as it is long.
const QUIET: Duration = Duration::from_millis(20);

/// The database, shared by the threads of a process.
pub struct Store {
    pub(super) path: PathBuf,
    log: PathBuf,
    gate: PathBuf,
    pub(in crate::store) writer: Mutex<Option<Session>>,
    pub(in crate::store) waiting: Mutex<commit::Queue>,
    /// Since when commits wait for a sync of the log.
    pub(in crate::store) late: commit::Late,
    /// Told when something was handed in.
    pub(in crate::store) arrived: Condvar,
    /// How long commits take.
    pub(in crate::store) pace: commit::Pace,
    readers: Mutex<Readers>,
    /// Rung when a reader comes back.
    reader_free: Condvar,
    /// Whether the name of the log is known to be on disk.
    log_named: AtomicBool,
    /// How many pages the log holds, as far as this store has seen; 0 before it has.
    log_pages: AtomicU64,
    /// Whether a long log is left to somebody else, so that nobody who waits for an answer waits for the disk once more.
    log_left: AtomicBool,
    bell: Arc<LogBell>,
    /// The connection with which the log is shortened, when somebody has done so.
    shortener: Mutex<Option<Session>>,
    /// Whether looks use the writer's connection while nobody writes.
    alone: bool,
    /// How long the gate is waited for.
    patience: Patience,
    /// For whom it was last said that we wait there: process and since when, if they are known.
    told: Mutex<Option<Option<(u32, i64)>>>,
    /// Where the mark of the last commit is kept, once the server's directory is known.
    pub(in crate::store) mark: OnceLock<PathBuf>,
    /// Which files the connection that writes has open, and whether others were found in their place.
    ground: ground::Ground,
}

/// Tells the thread that shortens the log that it is long, and that nobody needs it any more.
#[derive(Default)]
pub(crate) struct LogBell {
    state: Mutex<(bool, bool)>,
    rung: Condvar,
}

impl LogBell {
    /// Waits until the log is long. False when the store is gone.
    pub(crate) fn wait(&self) -> bool {
        let waits = |state: &mut (bool, bool)| !state.0 && !state.1;
        let state = self.rung.wait_while(guard(&self.state), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.0 = false;
        !state.1
    }

    /// Tells whether somebody has rung since the log was last found long.
    fn has_rung(&self) -> bool {
        guard(&self.state).0
    }

    /// Waits, and tells whether nobody has rung meanwhile.
    fn is_quiet_for(&self, long: Duration) -> bool {
        let waited = self.rung.wait_timeout_while(guard(&self.state), long, |state| !state.1);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.0
    }

    fn ring(&self, is_over: bool) {
        let mut state = guard(&self.state);
        state.0 = true;
        state.1 |= is_over;
        self.rung.notify_all();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.bell.ring(true);
    }
}

/// Connections for looking: those at hand, and how many there are in all.
#[derive(Default)]
struct Readers {
    idle: Vec<Session>,
    all: usize,
}

/// Connections for looking at most: each costs two descriptors and a cache, and a look is short.
const MOST_READERS: usize = 8;

/// Returns where SQLite keeps the log of a database.
pub(in crate::store) fn log_of(database: &Path) -> PathBuf {
    beside(database, "-wal")
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}

impl Store {
    /// Returns the store in the file `path` with the gate `gate`. Nothing is opened yet.
    pub fn new(path: &Path, gate: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            log: log_of(path),
            gate: gate.to_path_buf(),
            writer: Mutex::new(None),
            waiting: Mutex::default(),
            late: commit::Late::default(),
            arrived: Condvar::default(),
            pace: commit::Pace::default(),
            readers: Mutex::new(Readers::default()),
            reader_free: Condvar::new(),
            log_named: AtomicBool::new(false),
            log_pages: AtomicU64::new(0),
            log_left: AtomicBool::new(false),
            bell: Arc::default(),
            shortener: Mutex::default(),
            alone: false,
            patience: Patience::of_command(),
            told: Mutex::new(None),
            mark: OnceLock::new(),
            ground: ground::Ground::default(),
        }
    }

    /// Keeps the mark of every commit from now on in the file at `path`.
    pub(crate) fn keep_mark(&self, path: &Path) {
        let _ = self.mark.set(path.to_path_buf());
    }

    /// Returns the same for a command that changes something and ends: it looks through the connection that writes.
    /// Opening a second one, which reads the schema again, would cost it more than all its looks.
    pub fn for_command(path: &Path, gate: &Path) -> Self {
        let mut store = Self::new(path, gate);
        store.alone = true;
        store
    }

    /// Returns the same for a print process, which asks again when the spool was busy.
    pub fn for_print_process(path: &Path, gate: &Path) -> Self {
        let mut store = Self::new(path, gate);
        store.patience = Patience::of_process(PROCESS_WAITS);
        store
    }

    /// Notes that the caller has waited so long already before it came here: for a print process that did not answer, say.
    pub fn has_waited(&self, waited: Duration) {
        self.patience.spend(waited);
    }

    /// Begins a transaction that changes, behind the gate. Who writes outside of it is waited for as long as the gate would
    /// have been.
    pub(in crate::store) fn begin_writing(&self, session: &Session) -> Fallible<()> {
        // When SQLite cannot open a file for writing, for want of a descriptor say, it opens it for reading. Such a connection is not
        // kept: the next change opens another one.
        if session.db.is_readonly(rusqlite::MAIN_DB)? {
            let why = format!("{} could not be opened for writing: nothing was changed", self.path.display());
            return Err(
                Failure::new(FailureKind::Io, why).hint("repeat the command; if it fails again: ls -l spool.db says who may write, ulimit -n how many files may be open")
            );
        }
        session.db.busy_timeout(self.patience.left())?;
        let begun = session.begin().map_err(|failure| match failure.kind {
            FailureKind::Timeout => {
                self.patience.ends();
                busy(self.patience.whole).hint(format!("{failure}: somebody writes to it outside of the gate"))
            }
            _ => failure,
        });
        session.db.busy_timeout(COMMAND_WAITS)?;
        begun?;
        self.patience.renew();
        Ok(())
    }

    /// Creates the schema in a new database, and what `first` writes.
    pub(crate) fn create(&self, call: &Call, first: impl Fn(&Tx<'_>) -> Fallible<()> + Send + 'static) -> Fallible<()> {
        {
            let _gate = self.pass_gate()?;
            self.patience.renew();
            Session::create(&self.path)?;
        }
        self.write(call, move |tx| {
            schema::migrate(tx)?;
            first(tx)?;
            crate::store::config::begin(tx)
        })
    }

    /// Undoes what a creation that was cut off has begun. A database of ours has a log: a rollback journal lies beside it
    /// only while its first pages are made. Who opens it for looking only cannot take them back, and would fail for ever.
    pub(crate) fn undo_creation(&self) -> Fallible<()> {
        if beside(&self.path, "-journal").symlink_metadata().is_err() {
            return Ok(());
        }
        Session::take_back(&self.path)
    }

    /// Tells whether all files of the database are there, and nobody was cut off while he made it: then whoever looks makes none.
    pub(crate) fn has_its_files(&self) -> bool {
        let holds = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
        holds(&self.path)
            && self.log.exists()
            && beside(&self.path, "-shm").exists()
            && beside(&self.path, "-journal").symlink_metadata().is_err()
    }

    /// Brings an older schema up to ours. Nobody else may use the spool meanwhile. When it fails, the older schema stands.
    pub(crate) fn migrate(&self) -> Fallible<()> {
        self.write(&Call::timeless(), schema::migrate)
    }

    /// Waits until no other process writes.
    pub(in crate::store) fn pass_gate(&self) -> Fallible<FileLock> {
        let take = || {
            let mut tell = || {
                let known = holder::of(&self.gate).map(|holder| (holder.process.pid, holder.since_boot_ms));
                // A print process that asks again and again says it once.
                let told = guard(&self.told).replace(known);
                if self.patience.of_command || told != Some(known) {
                    notice::say(&holder::waited_for(&self.gate));
                }
            };
            FileLock::exclusive_telling(&self.gate, self.patience.left(), TELLS_AFTER, &mut tell)
        };
        let gate = take().or_else(|error| {
            // Somebody has removed `run/`: it is made again. Writers that still hold a gate in the old one are kept apart
            // from us by the database itself.
            if error.kind() != std::io::ErrorKind::NotFound {
                return Err(error);
            }
            ground::make_run(&self.gate)?;
            take()
        });
        match gate {
            Ok(Some(gate)) => {
                holder::sign(&gate);
                Ok(gate)
            }
            Ok(None) => {
                let holder = holder::of(&self.gate);
                self.patience.ends();
                let busy = busy(self.patience.whole);
                Err(match holder {
                    Some(holder) => busy.hint(format!("it waited for {}", holder.words())),
                    None => busy.hint("look for a process that hangs while it holds run/write.lock"),
                })
            }
            Err(error) => {
                let failure = Failure::new(FailureKind::Io, format!("{}: {error}", self.gate.display()));
                Err(match error.kind() {
                    std::io::ErrorKind::ReadOnlyFilesystem => {
                        failure.hint("displays work on a read-only file system, changes do not")
                    }
                    _ => limits::cure(&error).into_iter().fold(failure, Failure::hint),
                })
            }
        }
    }

    /// Opens the connection that writes, and remembers which files it has open.
    pub(in crate::store) fn writing_session(&self) -> Fallible<Session> {
        self.demand_ground()?;
        let before = ground::Files::at(&self.path);
        let session = Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // The log is opened by the first look. Whoever exchanges the files at this very moment is found out here, or by the
        // first commit.
        session.version()?;
        self.ground.remember(before, &self.path)?;
        Ok(session)
    }

    /// Makes sure that the files which the connection that writes has open still have their names.
    pub(in crate::store) fn demand_ground(&self) -> Fallible<()> {
        self.ground.stands(&self.path)
    }

    /// Looks at one consistent state. Keep it short: no output is written meanwhile.
    pub(crate) fn read<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<T> {
        // Never inside a transaction of our own: there the writer is taken, and a look sees what is committed.
        if self.alone
            && let Ok(mut writer) = self.writer.try_lock()
        {
            let session = match writer.take() {
                Some(session) => session,
                None => self.writing_session()?,
            };
            let result = session.look(call, look)?;
            if !met_damage(&result) {
                *writer = Some(session);
            }
            return result;
        }
        if let Some(session) = together::take(self) {
            let result = session.look_on(call, look);
            if !met_damage(&result) {
                together::put(self, session);
            }
            return result;
        }
        let place = self.reader()?;
        let session = place.session.as_ref().ok_or_else(|| Failure::internal("a reader without a connection"))?;
        let result = session.look(call, look)?;
        // A connection keeps what it has read. What was damaged is read anew by another one.
        if !met_damage(&result) {
            place.give_back();
        }
        result
    }

    /// Does `work`, whose looks by this thread see one state and share what was read of it. To begin a look and to read the same
    /// pages again costs more than most looks. Keep it short, and let nothing in it wait: the log is not emptied meanwhile. What
    /// this thread changes in it, it does not see before the end.
    pub(crate) fn together<T>(&self, work: impl FnOnce() -> T) -> T {
        let _looks = (!self.alone).then(|| Together::begin(self)).flatten();
        work()
    }

    /// Tells whether this is the store of a command, which ends when it has changed something.
    pub(crate) fn is_for_command(&self) -> bool {
        self.alone
    }

    /// Lets `plan` plan statements on the connection that will write, before the gate is passed: while others write, and
    /// while the print files of a submission go to the disk. Whoever stays has them planned.
    pub(crate) fn plan(&self, plan: impl FnOnce(&Tx<'_>) -> Fallible<()>) -> Fallible<()> {
        if self.alone
            && let Ok(writer) = self.writer.try_lock()
            && let Some(session) = writer.as_ref()
        {
            plan(&Tx::new(session, &Call::timeless()))?;
        }
        Ok(())
    }

    /// A connection for looking; waits for one when all are in use.
    fn reader(&self) -> Fallible<ReaderPlace<'_>> {
        let idle = {
            let mut readers = guard(&self.readers);
            while readers.idle.is_empty() && readers.all >= MOST_READERS {
                readers = self.reader_free.wait(readers).unwrap_or_else(PoisonError::into_inner);
            }
            let idle = readers.idle.pop();
            if idle.is_none() {
                readers.all += 1;
            }
            idle
        };
        let mut place = ReaderPlace { store: self, session: idle };
        if place.session.is_none() {
            place.session = Some(Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?);
        }
        Ok(place)
    }

    /// Changes the spool in one durable transaction, committed together with whatever other threads wait to change.
    /// `work` may run more than once; only its last run counts. It changes rows and nothing else, and returns what has to
    /// be done to files and processes after the commit. Fails as `work` does (nothing was changed then), with `Full` or
    /// `Timeout` (nothing was changed), or with `Unknown` when the commit failed.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        call: &Call,
        mut work: impl FnMut(&Tx<'_>) -> Fallible<T> + Send + 'static,
    ) -> Fallible<T> {
        let result: Arc<Mutex<Option<T>>> = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let call = call.clone();
        self.transact(call.later, move |session| {
            #[cfg(test)]
            if rules::twice::runs_twice() {
                session.begin_part()?;
                let _change = session.rules.begin();
                let _ = work(&Tx::new(session, &call));
                session.undo_part()?;
            }
            let _change = session.rules.begin();
            let value = work(&Tx::new(session, &call))?;
            *guard(&slot) = Some(value);
            Ok(())
        })?;
        let value = guard(&result).take();
        value.ok_or_else(|| Failure::internal("a transaction left no result"))
    }

    /// Has everything on disk that this store has committed late.
    ///
    /// # Errors
    /// As [`Store::write`]. What was committed since the last sync may be lost then when the power fails.
    pub(crate) fn sync(&self) -> Fallible<()> {
        if !self.late.is_begun() {
            return Ok(());
        }
        self.transact(false, |session| {
            session.rules.end();
            generation::count(&Tx::new(session, &Call::timeless())).map(drop)
        })
    }

    /// Has on disk what the log holds now, whoever has committed it.
    ///
    /// # Errors
    /// When it cannot be synced.
    pub(crate) fn sync_log(&self) -> Fallible<()> {
        let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", self.log.display()));
        match File::open(&self.log) {
            Ok(log) => log.sync_data().map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the log over itself and syncs it. A sync that failed has told the kernel to forget which of its pages are not on
    /// disk; written once more they are. Called behind the gate, so nobody else writes to it; who reads finds the same octets.
    pub(in crate::store) fn rewrite_log(&self) -> Fallible<()> {
        let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", self.log.display()));
        let log = match File::options().read(true).write(true).open(&self.log) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        let (mut block, mut at) = (vec![0; 1 << 20], 0);
        loop {
            let n = read_full_at(&log, &mut block, at).map_err(failed)?;
            if n == 0 {
                return log.sync_data().map_err(failed);
            }
            log.write_all_at(&block[..n], at).map_err(failed)?;
            at += n as u64;
        }
    }

    /// Makes sure that the directory on disk knows the log, before anything is committed to it. SQLite would sync the
    /// directory in every process (it is built without that). Once is enough: a log that holds something was named on
    /// disk before that was written. Inside a transaction nobody else can take the log away.
    pub(in crate::store) fn name_log(&self) -> Fallible<()> {
        if self.log_named.load(Ordering::SeqCst) {
            return Ok(());
        }
        if !std::fs::metadata(&self.log).is_ok_and(|log| log.len() > 0) {
            let dir = self.path.parent().unwrap_or(Path::new("/"));
            let failed = |error| Failure::new(FailureKind::Io, format!("{}: {error}", dir.display()));
            sync_dir(dir).map_err(failed)?;
        }
        self.log_named.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Leaves a long log to somebody else, from now on: to a thread or process that calls [`Store::shorten_long_log`].
    pub(crate) fn leave_log(&self) {
        self.log_left.store(true, Ordering::Relaxed);
    }

    /// What is rung when the log is long.
    pub(crate) fn log_bell(&self) -> Arc<LogBell> {
        Arc::clone(&self.bell)
    }

    /// Whether the log is left to somebody else, who is told when it is long.
    pub(in crate::store) fn leaves_log(&self) -> bool {
        let left = self.log_left.load(Ordering::Relaxed);
        if left && self.log_is_long() {
            self.bell.ring(false);
        }
        left
    }

    /// Tells whether somebody should shorten the log.
    pub(crate) fn log_is_long(&self) -> bool {
        self.log_holds(LOG_LIMIT)
    }

    /// Notes how many pages the log holds after a commit on `session`.
    pub(in crate::store) fn see_log(&self, session: &Session) {
        // A connection that has changed nothing yet has seen nothing.
        if session.log_pages() > 0 {
            self.log_pages.store(session.log_pages(), Ordering::Relaxed);
        }
    }

    /// Tells whether the log holds so many octets, as far as this store has seen. Its file says nothing: it keeps its length.
    fn log_holds(&self, octets: u64) -> bool {
        self.log_pages.load(Ordering::Relaxed) * PAGE_OF_LOG >= octets
    }

    /// Shortens the log if it is long, while nobody waits for an answer.
    ///
    /// # Errors
    /// When the database cannot be written. Nothing is lost then; the log stays long.
    pub(crate) fn shorten_long_log(&self) -> Fallible<()> {
        let has_seen = self.log_pages.load(Ordering::Relaxed) > 0;
        let may_be_long = |file: std::fs::Metadata| file.len() >= LOG_LIMIT;
        if !self.log_is_long() && (has_seen || !std::fs::metadata(&self.log).is_ok_and(may_be_long)) {
            return Ok(());
        }
        // While commits come one after the other the same pages are written again and again: to write them back now would be for
        // nothing, unless they are many.
        let is_quiet = self.bell.is_quiet_for(QUIET);
        if has_seen && !is_quiet && !self.log_holds(PAGES_UNDER_LOAD * PAGE_OF_LOG) {
            return Ok(());
        }
        // On a connection of its own and beside those who write: most of the log is written back before they are kept waiting.
        let mut kept = guard(&self.shortener);
        let session = match kept.take() {
            Some(session) => session,
            None => Session::open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        };
        let written_back = || session.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
        let pages = u64::try_from(written_back()?).unwrap_or_default();
        let is_quiet = is_quiet && !self.bell.has_rung();
        if !has_seen {
            self.log_pages.store(pages, Ordering::Relaxed);
        }
        // To begin it anew takes several syncs, for which writers are kept waiting. While they come one after the other that is not done:
        // they wait for one sync now and then, after which all is written back as far as readers allow, and the next one begins the
        // log anew in its file.
        if is_quiet || pages >= PAGES_UNDER_LOAD {
            let _gate = self.pass_gate()?;
            self.patience.renew();
            self.demand_ground()?;
            match is_quiet {
                true => self.shorten_log(&session),
                false => drop(written_back()?),
            }
        }
        *kept = Some(session);
        Ok(())
    }

    /// Begins the log anew: the next commit finds its name and its header on the disk, and waits for one sync. Called behind
    /// the gate, outside of a transaction. When that fails the next commit does it.
    fn begin_log(&self, session: &Session) -> Fallible<()> {
        self.begin_writing(session)?;
        let begun = || -> Fallible<()> {
            // It may be the name of another log by now.
            self.log_named.store(false, Ordering::SeqCst);
            self.name_log()?;
            session.rules.end();
            // A row that is written as it is leaves no page to commit; a number that goes up does. The mark beside the print
            // files stays behind until the next commit, which does no harm.
            generation::count(&Tx::new(session, &Call::timeless()))?;
            session.commit()?;
            self.see_log(session);
            Ok(())
        };
        begun().inspect_err(|_| {
            if !session.is_over() {
                let _ = session.undo();
            }
        })
    }

    /// Tells whether the log is too long even for a crowd of writers.
    pub(in crate::store) fn log_is_huge(&self) -> bool {
        self.log_holds(LOG_LIMIT_IN_A_CROWD)
    }

    /// Writes a long log back and begins it anew. Called behind the gate. What was committed is durable already: when this
    /// fails, or a reader still needs the log, a later writer does it.
    pub(in crate::store) fn shorten_log(&self, session: &Session) {
        if !self.log_is_long() {
            return;
        }
        // Pages that hold nothing any more are given back to the file system, a bounded number at a time.
        let _ = vacuum::some(session);
        // Readers are not waited for: nobody behind the gate waits for a listing.
        let _ = session.db.busy_timeout(Duration::ZERO);
        let kept_out = session.db.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get::<_, bool>(0));
        let _ = session.db.busy_timeout(COMMAND_WAITS);
        if kept_out == Ok(false) {
            // What it holds does not count any more.
            self.log_pages.store(1, Ordering::Relaxed);
            let _ = self.begin_log(session);
        }
    }
}

/// The connection of this thread's [`Store::together`].
mod together {
    use std::cell::RefCell;

    use super::super::Session;
    use super::Store;

    thread_local! {
        static SESSION: RefCell<Option<(usize, Session)>> = const { RefCell::new(None) };
    }

    fn of(store: &Store) -> usize {
        std::ptr::from_ref(store).addr()
    }

    /// Takes it, if there is one for this store.
    pub(super) fn take(store: &Store) -> Option<Session> {
        let found = SESSION.with_borrow_mut(|session| session.take_if(|(known, _)| *known == of(store)));
        found.map(|(_, session)| session)
    }

    /// Gives it back.
    pub(super) fn put(store: &Store, session: Session) {
        SESSION.set(Some((of(store), session)));
    }

    /// Whether there is one, of whatever store.
    pub(super) fn is_there() -> bool {
        SESSION.with_borrow(Option::is_some)
    }
}

/// Looks of this thread that see one state, until this is dropped.
struct Together<'a> {
    store: &'a Store,
    place: Option<ReaderPlace<'a>>,
}

impl<'a> Together<'a> {
    /// None where that is so already, or cannot be: then each look begins for itself.
    fn begin(store: &'a Store) -> Option<Self> {
        if together::is_there() {
            return None;
        }
        let mut place = store.reader().ok()?;
        let session = place.session.take_if(|session| session.begin_looks().is_ok())?;
        together::put(store, session);
        Some(Self { store, place: Some(place) })
    }
}

impl Drop for Together<'_> {
    fn drop(&mut self) {
        // What met damage is not there any more, and a connection with an open transaction is of no use.
        if let (Some(session), Some(mut place)) = (together::take(self.store), self.place.take())
            && session.undo().is_ok()
        {
            place.session = Some(session);
            place.give_back();
        }
    }
}

/// One of the places of readers. Dropped with an error it takes its connection along, so that no transaction is left open.
struct ReaderPlace<'a> {
    store: &'a Store,
    session: Option<Session>,
}

impl ReaderPlace<'_> {
    fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            let mut readers = guard(&self.store.readers);
            readers.idle.push(session);
            // The drop below takes it for lost.
            readers.all += 1;
        }
    }
}

impl Drop for ReaderPlace<'_> {
    fn drop(&mut self) {
        self.session = None;
        let mut readers = guard(&self.store.readers);
        readers.all = readers.all.saturating_sub(1);
        drop(readers);
        self.store.reader_free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::value::values;
    use super::*;
    use crate::model::Call;

    fn add(store: &Store, name: String) {
        let add = move |session: &Session| {
            let call = Call::timeless();
            Tx::new(session, &call).run("INSERT INTO mark VALUES (?)", values![name.as_str()]).map(drop)
        };
        store.transact(false, add).unwrap();
    }

    /// Commits until the log has so many octets.
    fn fill(store: &Store, octets: u64) {
        for n in 0.. {
            if std::fs::metadata(&store.log).is_ok_and(|meta| meta.len() >= octets) {
                return;
            }
            add(store, format!("{octets} {n} {}", "x".repeat(60_000)));
        }
    }

    #[test]
    fn a_connection_that_could_only_be_opened_for_reading_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("s.db"), &dir.path().join("lock"));
        store.create(&Call::timeless(), |tx| tx.script("CREATE TABLE mark (name TEXT PRIMARY KEY)")).unwrap();
        *guard(&store.writer) = Some(Session::open(&store.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap());
        let mark = |session: &Session| {
            let call = Call::timeless();
            Tx::new(session, &call).run("INSERT INTO mark VALUES (?)", values!["x"]).map(drop)
        };
        let failure = store.transact(false, mark).unwrap_err();
        assert!(failure.kind == FailureKind::Io && failure.message.contains("opened for writing"), "{failure}");
        store.transact(false, mark).unwrap();
    }

    #[test]
    fn a_long_log_is_begun_anew_in_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("s.db"), &dir.path().join("lock"));
        store.create(&Call::timeless(), |tx| tx.script("CREATE TABLE mark (name TEXT PRIMARY KEY)")).unwrap();
        store.leave_log();
        fill(&store, 600 << 10);
        assert!(store.log_bell().wait(), "it has rung");
        store.shorten_long_log().unwrap();
        assert!(!store.log_is_long());
        // Who commits has rung, and nobody has heard it yet: more may come.
        fill(&store, (PAGES_UNDER_LOAD + 20) * PAGE_OF_LOG);
        store.shorten_long_log().unwrap();
        assert!(store.log_is_long());
        add(&store, "the next".to_owned());
        let db = Session::open(&store.path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap().db;
        let pages: i64 = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap();
        assert!(pages < 20, "{pages}");
    }
}
