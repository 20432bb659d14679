//! The spool: its operations and its rules of authority, and the print files on disk.
//!
//! A [`Spool`] is a handle that threads share. [`Local`] is a spool in the caller's process, as
//! [`interface::operations::Operations`]; [`interface::engine::Engine`] is the spool as a print process sees it.

pub(crate) mod afterwards;
pub mod changes;
pub mod disk;
pub mod interface;
pub mod jobs;
mod lately;
pub mod notify;
pub mod objects;
pub mod printing;
pub mod remote;
pub mod secure;
#[cfg(test)]
#[allow(missing_docs)]
pub mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::authority::Right;
use crate::model::guardian::ProcessError;
use crate::model::time::Moment;
use crate::model::{Call, Failure, FailureKind, JobId, ServerName};
use crate::store::{self, Fallible, Store, Tx};
use crate::sys::lock::FileLock;
use crate::sys::range_lock::RangeLock;

pub use disk::paths::Base;
pub use interface::local::Local;
pub use printing::wakes::{Attendant, Nobody, WakeTarget};

/// A spool: its database, its directory, and the rules.
#[derive(Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

struct Inner {
    base: Base,
    store: Store,
    server: ServerName,
    spool_id: String,
    creator_uid: u32,
    /// Embedded spools share this lock; a server holds it alone.
    _lock: Option<FileLock>,
    /// The same on what cannot vanish unnoticed.
    _place: Option<RangeLock>,
    /// How many submissions of each user are under way in this process.
    opens: Arc<Mutex<std::collections::HashMap<u32, u32>>>,
    /// The syncs of the directory of the print files.
    names: disk::names::Names,
    /// Whether print files lie ready where submissions come one after another.
    keeps_ready: AtomicBool,
    /// When it was last found that what prints can be recorded.
    recordable: lately::Lately,
    /// Who has notifications delivered, and what may be named in them.
    deliveries: std::sync::OnceLock<notify::Keeper>,
}

/// Print files lie ready.
pub struct FilesReady(Spool);

impl Drop for FilesReady {
    fn drop(&mut self) {
        self.0.inner.keeps_ready.store(false, Ordering::Relaxed);
        self.0.inner.names.end();
    }
}

/// What a change does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It takes room, and is refused while the ballast is not in place.
    Takes,
    /// It gives room back in the end, and may use up the ballast.
    Gives,
}

impl Spool {
    /// Its directory.
    pub fn base(&self) -> &Base {
        &self.inner.base
    }

    /// Its server name.
    pub fn server(&self) -> &ServerName {
        &self.inner.server
    }

    /// The caller has waited so long already, elsewhere: it counts against the one deadline that a command has.
    pub fn has_waited(&self, waited: Duration) {
        self.inner.store.has_waited(waited);
    }

    /// Tells whether somebody should shorten the log of the database, and nobody of this process does.
    pub fn needs_shorter_log(&self) -> bool {
        self.inner.store.is_for_command() && self.inner.store.log_is_long()
    }

    /// Shortens the log of the database if it is long.
    ///
    /// # Errors
    /// When the database cannot be written. Nothing is lost then.
    pub fn shorten_log(&self) -> Fallible<()> {
        self.inner.store.shorten_long_log()
    }

    /// Has on disk what calls that may be late have committed.
    ///
    /// # Errors
    /// When the log cannot be synced: what they have committed may be lost then when the power fails.
    pub fn sync(&self) -> Fallible<()> {
        self.inner.store.sync()
    }

    /// Has on disk what anybody has committed, also other processes.
    ///
    /// # Errors
    /// When the log cannot be synced.
    pub(crate) fn sync_log(&self) -> Fallible<()> {
        self.inner.store.sync_log()
    }

    /// From now on a thread of this process shortens the log when it is long, until the spool is dropped: nobody who
    /// waits for an answer waits for that.
    ///
    /// # Errors
    /// When no thread can be started; whoever commits shortens the log then, as before.
    pub fn keep_log_short(&self) -> std::io::Result<()> {
        let (spool, bell) = (Arc::downgrade(&self.inner), self.inner.store.log_bell());
        std::thread::Builder::new().name("log".into()).spawn(move || {
            while bell.wait() {
                let Some(inner) = spool.upgrade() else { return };
                // The next commit rings again; within bounds whoever commits does it.
                let _ = inner.store.shorten_long_log();
            }
        })?;
        self.inner.store.leave_log();
        Ok(())
    }

    /// From now on print files lie ready where submissions come one after another: this process stays. Until what is returned is
    /// dropped: then they are gone.
    pub fn keep_files_ready(&self) -> FilesReady {
        self.inner.keeps_ready.store(true, Ordering::Relaxed);
        FilesReady(self.clone())
    }

    /// Tells whether the user with this id made it. His groups matter for no right then.
    pub fn was_made_by(&self, uid: u32) -> bool {
        self.inner.creator_uid == uid
    }

    /// Reads one consistent state, in a read transaction.
    fn look<T>(&self, call: &Call, look: impl FnOnce(&Tx<'_>) -> Fallible<T>) -> Fallible<T> {
        self.inner.store.read(call, look)
    }

    /// Does `work`, whose looks see one state. It is short, and waits for nothing.
    pub(crate) fn together<T>(&self, work: impl FnOnce() -> T) -> T {
        self.inner.store.together(work)
    }

    /// Changes the spool in one transaction. On a full disk a change that gives room releases the ballast and is
    /// tried once more.
    ///
    /// A change that cannot be made before copies of a job are encrypted has these encrypted, and is made again.
    fn change<T, W>(&self, room: Room, call: &Call, work: W) -> Fallible<T>
    where
        T: Send + 'static,
        W: FnMut(&Tx<'_>) -> Fallible<T> + Send + 'static,
    {
        let work = Arc::new(Mutex::new(work));
        let mut encrypted = BTreeSet::new();
        loop {
            let needed = Arc::default();
            let failure = match self.change_once(room, call, Arc::clone(&work), Arc::clone(&needed)) {
                Err(failure) => failure,
                done => return done,
            };
            let needed: BTreeSet<JobId> = std::mem::take(&mut *needed.lock().unwrap_or_else(PoisonError::into_inner));
            if needed.is_subset(&encrypted) {
                return Err(failure);
            }
            for job in needed {
                if encrypted.insert(job) {
                    self.encrypt_copies(call, job)?;
                }
            }
        }
    }

    fn change_once<T, W>(
        &self,
        room: Room,
        call: &Call,
        work: Arc<Mutex<W>>,
        needed: Arc<Mutex<BTreeSet<JobId>>>,
    ) -> Fallible<T>
    where
        T: Send + 'static,
        W: FnMut(&Tx<'_>) -> Fallible<T> + Send + 'static,
    {
        let noting = move |tx: &Tx<'_>| {
            store::notices::begin();
            store::outbox::begin();
            secure::encrypt::begin();
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(tx).inspect_err(|_| {
                needed.lock().unwrap_or_else(PoisonError::into_inner).extend(secure::encrypt::needed());
            })?;
            Ok((done, store::notices::take(tx)?, store::outbox::has_added()))
        };
        let (done, notices, notifies) = self.commit(room, call, noting)?;
        if notifies {
            // Nobody is told what the next power loss may take back.
            if !call.later || self.sync().is_ok() {
                self.ring_for_deliveries();
            }
        }
        if let Some(notices) = notices {
            disk::error_log::write(&self.inner.base, &self.inner.server, &notices);
        }
        Ok(done)
    }

    fn commit<T, W>(&self, room: Room, call: &Call, work: W) -> Fallible<T>
    where
        T: Send + 'static,
        W: FnMut(&Tx<'_>) -> Fallible<T> + Send + 'static,
    {
        if room == Room::Takes {
            disk::ballast::ensure(&self.inner.base)?;
            return self.inner.store.write(call, work);
        }
        let work = Arc::new(Mutex::new(work));
        let again = Arc::clone(&work);
        let run = |work: Arc<Mutex<W>>| {
            self.inner.store.write(call, move |tx| {
                let mut work = work.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                work(tx)
            })
        };
        match run(work) {
            Err(failure) if failure.kind == FailureKind::Full && disk::ballast::release(&self.inner.base) => run(again),
            other => other,
        }
    }

    /// Grants or refuses a right, by the spool's own rules.
    fn demand(tx: &Tx<'_>, right: Right<'_>) -> Fallible<()> {
        store::spool::row(tx)?.trust.allows(tx.caller()?, right)
    }
}

/// How long a print process looks for damaged pages before it begins.
const LOOK_FOR_DAMAGE: Duration = Duration::from_millis(250);

impl Spool {
    /// Looks for damaged pages before a print process begins, which stood as `before`, for a quarter of a second at most. Where it finds one
    /// nothing prints: what was printed could not be recorded, and would be printed again and again. The state of the
    /// process says so.
    ///
    /// # Errors
    /// When a page is damaged, with the way out.
    pub fn demand_sound(&self, before: &[WakeTarget], now: &Moment) -> Fallible<()> {
        let Err(failure) = self.look_for_damage() else { return Ok(()) };
        self.could_not_begin(before, &failure, now);
        Err(failure)
    }

    /// Puts on record why a print process could not begin, which stood as `before` when it tried. When even that cannot be written, its log and the note beside
    /// the database say it.
    pub fn could_not_begin(&self, before: &[WakeTarget], failure: &Failure, now: &Moment) {
        let what = match failure.kind {
            FailureKind::Damaged => ProcessError::SpoolDamaged,
            _ => ProcessError::CannotStart,
        };
        let mut why = failure.message.clone();
        failure.hints.iter().for_each(|hint| why.push_str(&format!("; {hint}")));
        for target in before {
            let _ = self.process_cannot_start(target.id, target.epoch, what, &why, now);
        }
    }

    /// Looks for damaged pages, for a quarter of a second at most. Whatever else fails is no damage.
    fn look_for_damage(&self) -> Fallible<()> {
        match self.inner.store.look_for_damage(LOOK_FOR_DAMAGE) {
            Err(failure) if failure.kind == FailureKind::Damaged => Err(failure),
            _ => Ok(()),
        }
    }
}

/// Whether this thread carries out a change of the spool now: nobody touches files or wakes processes then. Only builds with
/// debug assertions tell.
pub(crate) fn is_in_change() -> bool {
    store::in_change()
}

/// Opens a spool for a print process.
///
/// # Errors
/// When it cannot be opened.
pub fn open_for_process(base: &Base, now: Moment) -> Result<Spool, Failure> {
    disk::base::open_for_process(base, disk::base::Access::Existing { now })
}
