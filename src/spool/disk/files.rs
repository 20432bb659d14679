//! Accepting a print file into the server's directory.
//!
//! States: nothing → unnamed temporary → named `pdprXXXXXX` → on disk, name and data → referenced by a committed job. A link has its name
//! at once, and so has a copy for which a file lay ready (`super::spares`). A crash before the name appears leaves nothing; after it, an orphan that the sweep removes because no job refers
//! to it and nobody locks it.
//!
//! Every name is locked before it appears, and until the commit of its job is over: a copy by a lock on the file itself, a
//! link by a lock on its name ([`super::locks::hold_link`]). Nothing here happens inside a transaction.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::documents::{Counter, DETECT_OCTETS, Found, ReadAt, SealedFile, Sealer, Sheet, pages, recognise};
use crate::model::authority::UserLimits;
use crate::model::job::{DocumentOffer, Format, FormatOrigin, Identity, RawPath, Transfer, WrappedKey};
use crate::model::{Failure, FailureKind};
use crate::store::Fallible;
use crate::sys::fault;
use crate::sys::files::{Unnamed, copy_all, identity, read_full_at, read_some, room, sync_dir};
use crate::sys::limits;
use crate::sys::lock::FileLock;
use crate::sys::map;
use crate::sys::range_lock::RangeLock;
use crate::sys::stop::{Stop, Stoppable};

use super::document_key;
use super::names::Names;
use super::own_files::OwnDirectories;
use super::spares::{Spare, store_name};

/// Octets read at once.
const CHUNK: usize = 256 * 1024;
/// Finished streams larger than this are copied inside the kernel (shared blocks where the file system can) and carry no
/// digest; a digest is kept only where the octets were read anyway.
const KERNEL_COPY: u64 = 16 << 20;

/// Regular files larger than this are copied inside the kernel too, by a command, which then looks into its copy; for
/// smaller ones a mapping costs more than it spares.
const MAPPED: u64 = 256 * 1024;

/// After so many octets of a document it is seen whether there is room for more.
const LOOK_FOR_ROOM: usize = 1 << 20;

/// Documents of one submission that are synced at the same time; more than so many share threads.
const MOST_SYNCS: usize = 64;

/// How the octets of a copy are seen, to count and digest them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Through a buffer: for a process that goes on.
    Read,
    /// Through a mapping where that spares something: for a command that ends soon. One that dies of it has accepted nothing.
    Mapped,
}

/// How documents are received.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// How the octets of copies are seen.
    pub look: Look,
    /// What the documents are, as their location says, where the user does not.
    pub content: Option<Format>,
    /// What text is printed on.
    pub sheet: Sheet,
    /// What is to be left free on the disk while a document arrives whose size nobody knows.
    pub least_free: Option<u64>,
    /// The limits of the submitter, and the jobs and octets that he has already; none = he has no limits.
    pub limits: Option<(UserLimits, (u64, u64))>,
    /// Whether an unnamed file of ours that somebody else has filled becomes the copy itself.
    pub adopts: bool,
    /// Whether copies are encrypted. Their octets are never on disk in clear, and every one of them is read.
    pub encrypts: bool,
    /// What ends the reading of documents that are not complete.
    pub stop: Option<&'a Stop>,
    /// Where files lie ready.
    pub(crate) spares: Option<&'a Names>,
}

/// What a document is, and by whom that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub origin: FormatOrigin,
    /// What it was recognised as.
    pub recognised: Format,
}

impl Kind {
    /// The user decides, then the location, then the first octets.
    pub fn decide(user: Option<Format>, location: Option<Format>, recognised: Format) -> Self {
        let (format, origin) = match (user, location) {
            (Some(format), _) => (format, FormatOrigin::User),
            (None, Some(format)) => (format, FormatOrigin::Location),
            (None, None) => (recognised, FormatOrigin::Recognised),
        };
        Self { format, origin, recognised }
    }
}

/// A document that lies in the server's directory, or is linked there.
#[derive(Debug)]
pub struct Received {
    /// Its name there.
    pub store_name: String,
    /// What it is.
    pub kind: Kind,
    /// Lines, for text.
    pub lines: Option<u64>,
    /// Pages, where they can be counted.
    pub pages: Option<u64>,
    /// What the file is: our copy, or the user's own. Its size is that of the document.
    pub identity: Identity,
    /// Digest, where the octets were read. Of a copy that is encrypted none is kept: whoever has the database could prove by it that he
    /// guessed the document right, and each chunk has a proof of its own.
    pub digest: Option<[u8; 32]>,
    /// The wrapped key of a copy that is encrypted.
    pub sealed: Option<WrappedKey>,
    /// Whether its name was on disk before it was written.
    is_named: bool,
    /// Our copy. Its lock keeps the sweep away until the commit is over.
    file: Option<File>,
    /// The same for a link.
    _link: Option<RangeLock>,
}

/// Everything that was received for one submission. Unless it is [`kept`](Intake::keep), dropping it removes the files.
#[derive(Debug)]
pub struct Intake {
    dir: PathBuf,
    /// The documents, in order.
    pub documents: Vec<Received>,
    keep: bool,
    /// How many syncs of names had failed before the first of these was made.
    failures: Option<u64>,
}

fn failure(name: &RawPath, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::Full,
        _ => FailureKind::Io,
    };
    let failure = Failure::new(kind, format!("{name}: {error}"));
    match kind {
        FailureKind::Full => Failure::new(kind, format!("{name}: no room in the spool ({error})"))
            .hint("free some space on the file system of the spool and submit again"),
        _ => limits::cure(error).into_iter().fold(failure, Failure::hint),
    }
}

impl Intake {
    /// Receives the files of a submission into `dir`. Copies and links have names when this returns, and are not on disk
    /// before `Intake::sync` or [`Intake::to_disk`].
    ///
    /// # Errors
    /// When one cannot be read, is empty, or does not fit. Nothing is left then.
    pub fn receive(dir: &Path, offers: &[DocumentOffer], files: Vec<OwnedFd>, how: Reading<'_>) -> Fallible<Self> {
        debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
        if offers.is_empty() || offers.len() != files.len() {
            return Err(Failure::new(FailureKind::BadValue, "a job needs at least one document"));
        }
        let failures = how.spares.map(Names::failures);
        let spares = how.spares.filter(|_| offers.len() == 1 && !how.encrypts);
        let how = Reading { spares, ..how };
        let mut intake = Self { dir: dir.to_path_buf(), documents: Vec::new(), keep: false, failures };
        for (offer, file) in offers.iter().zip(files) {
            let received = match offer.transfer {
                Transfer::Copy => copy(dir, File::from(file), offer, how),
                Transfer::Link => examine(dir, File::from(file), offer, how),
            };
            intake.documents.push(received?);
        }
        Ok(intake)
    }

    /// Brings the copies, and the names of copies and links, to the disk, and does `meanwhile` in the meantime.
    ///
    /// # Errors
    /// When they may not be on disk; those of `meanwhile`.
    pub fn to_disk(&self, offers: &[DocumentOffer], meanwhile: impl FnOnce() -> Fallible<()>) -> Fallible<()> {
        let Some(first) = offers.first() else { return meanwhile() };
        std::thread::scope(|scope| {
            let names = spawn(scope, || self.sync_names(first));
            let done = self.sync_copies(offers, meanwhile);
            let named = names.map_or_else(|()| self.sync_names(first), joined);
            done.and(named)
        })
    }

    /// Brings the copies to the disk, and the names of copies and links together with those of other submissions.
    ///
    /// # Errors
    /// When they may not be on disk.
    pub(crate) fn sync(&self, offers: &[DocumentOffer], names: &Names) -> Fallible<()> {
        let Some(first) = offers.first() else { return Ok(()) };
        let is_named = self.documents.iter().all(|document| document.is_named);
        let ask =
            || self.failures.map_or_else(|| names.ask(&self.dir), |failures| names.ask_since(&self.dir, failures));
        let asked = (!is_named).then(ask);
        let named = || asked.map_or(Ok(()), |asked| asked.wait().map_err(|error| failure(&first.file_name, &error)));
        // The usual job needs no thread: its one document goes to the disk while the names do.
        if let ([document], [offer]) = (self.documents.as_slice(), offers) {
            let done = sync_copy(document, offer);
            return named().and(done);
        }
        self.sync_copies(offers, named)
    }

    /// Brings the copies to the disk, all of them and `beside` at the same time: a submission waits for the disk once, however
    /// many documents it has, and a second time for the commit.
    ///
    /// Is it safe that they are named before they are on disk, and that the directory may be there before they are? Yes: no
    /// job refers to them before the transaction, and that begins when all of it is on disk; a crash in between leaves
    /// orphans for the sweep. A failed sync is never tried again: the kernel may have dropped the pages, and a second one
    /// would lie.
    fn sync_copies(&self, offers: &[DocumentOffer], beside: impl FnOnce() -> Fallible<()>) -> Fallible<()> {
        let copies: Vec<_> = self.documents.iter().zip(offers).collect();
        let each = copies.len().div_ceil(MOST_SYNCS).max(1);
        let sync = |copies: &[(&Received, &DocumentOffer)]| {
            copies.iter().try_for_each(|(document, offer)| sync_copy(document, offer))
        };
        std::thread::scope(|scope| {
            let parts: Vec<_> = copies.chunks(each).map(|part| (part, spawn(scope, move || sync(part)))).collect();
            let mut done = beside();
            for (part, thread) in parts {
                // Where no thread can be started it is done here.
                done = done.and(thread.map_or_else(|()| sync(part), joined));
            }
            done
        })
    }

    fn sync_names(&self, first: &DocumentOffer) -> Fallible<()> {
        sync_dir(&self.dir).map_err(|error| failure(&first.file_name, &error))
    }

    /// The job is committed, or may be: its files stay.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

fn sync_copy(document: &Received, offer: &DocumentOffer) -> Fallible<()> {
    if let Some(file) = &document.file {
        file.sync_all().map_err(|error| failure(&offer.file_name, &error))?;
        fault::point("after-data-fsync");
    }
    Ok(())
}

type Syncing<'scope> = std::thread::ScopedJoinHandle<'scope, Fallible<()>>;

/// Starts a thread that syncs, if one can be started.
fn spawn<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    sync: impl FnOnce() -> Fallible<()> + Send + 'scope,
) -> Result<Syncing<'scope>, ()> {
    let thread = std::thread::Builder::new().name("sync".into()).stack_size(64 * 1024);
    thread.spawn_scoped(scope, sync).map_err(drop)
}

fn joined(thread: Syncing<'_>) -> Fallible<()> {
    thread.join().map_err(|_| Failure::internal("a thread that syncs print files panicked"))?
}

impl Drop for Intake {
    fn drop(&mut self) {
        debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
        if !self.keep {
            // The names are still locked: nobody else has removed them and taken them anew.
            for document in &self.documents {
                let _ = std::fs::remove_file(self.dir.join(&document.store_name));
            }
        }
    }
}

fn empty(name: &RawPath) -> Failure {
    Failure::new(FailureKind::BadValue, format!("{name}: is empty")).hint("an empty document prints nothing")
}

fn copy(dir: &Path, source: File, offer: &DocumentOffer, how: Reading<'_>) -> Fallible<Received> {
    let name = &offer.file_name;
    let io = |error: io::Error| failure(name, &error);
    // Where the file system knows no unnamed files, a sweep may find the temporary before it is locked, and lock it to
    // remove it. Then another one is made.
    // Locked before it has a name: no sweep finds it in between. What has a name, or cannot be written, is copied.
    let nameless = how.adopts && !how.encrypts && source.metadata().map_err(io)?.nlink() == 0;
    let mut adopted = match nameless && FileLock::mark(&source).unwrap_or(false) {
        true => Unnamed::adopt(dir, &source).map_err(io)?,
        false => None,
    };
    let is_there = adopted.is_some();
    let sealed = how.encrypts.then(|| document_key::new_key(dir)).transpose().map_err(io)?;
    let is_small = |meta: std::fs::Metadata| meta.is_file() && meta.len() <= LOOK_FOR_ROOM as u64;
    let takes_one = !is_there && is_small(source.metadata().map_err(io)?);
    let ready = how.spares.filter(|_| takes_one).and_then(|names| names.take_spare(dir));
    let blank = match ready {
        Some(spare) => Blank::Ready(spare),
        None => loop {
            let unnamed = adopted.take().map_or_else(|| Unnamed::create(dir), Ok).map_err(io)?;
            if FileLock::mark(&unnamed.file).map_err(io)? {
                break Blank::Unnamed(unnamed);
            }
        },
    };
    let copy = blank.file();
    let mut octets = Stoppable { source: &source, until: how.stop };
    let mut head = Vec::with_capacity(DETECT_OCTETS);
    (&mut octets).take(DETECT_OCTETS as u64).read_to_end(&mut head).map_err(io)?;
    if head.is_empty() {
        return Err(empty(name));
    }
    let found = recognise(&head);
    let kind = Kind::decide(offer.format, how.content, found.format);
    let format = kind.format;
    let sealer = sealed.as_ref().map(|(key, _)| Sealer::begin(copy, key)).transpose().map_err(io)?;
    let mut out = Out { file: copy, sealer };
    if !is_there {
        out.write_all(&head).map_err(io)?;
    }
    let meta = source.metadata().map_err(io)?;
    let mut counter = Counter::on(how.sheet, &head).of_format(format);
    let through_us = sealed.is_some();
    let mut taken = head.len() as u64;
    let digest = if meta.is_file() && meta.size() > KERNEL_COPY && !format.is_text() && !through_us {
        if !is_there {
            copy_all(&source, copy).map_err(io)?;
        }
        None
    } else if let Blank::Unnamed(unnamed) = &blank
        && how.look == Look::Mapped
        && !is_there
        && meta.is_file()
        && meta.size() > MAPPED
        && !through_us
    {
        let octets = head.len() as u64 + copy_all(&source, copy).map_err(io)?;
        Some(look_through(unnamed, octets, format.is_text().then_some(&mut counter)).map_err(io)?)
    } else {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        if format.is_text() {
            counter.push(&head);
        }
        // A short head is all there is.
        let mut buffer = vec![0u8; if head.len() < DETECT_OCTETS { 0 } else { chunk(&meta, head.len()) }];
        let mut until_a_look = LOOK_FOR_ROOM;
        while !buffer.is_empty() {
            let n = read_some(&mut octets, &mut buffer).map_err(io)?;
            if n == 0 {
                break;
            }
            if !is_there {
                out.write_all(&buffer[..n]).map_err(io)?;
            }
            until_a_look = until_a_look.saturating_sub(n);
            taken += n as u64;
            if until_a_look == 0 {
                until_a_look = LOOK_FOR_ROOM;
                let is_low = |least| room(dir).is_ok_and(|(used, total)| total.saturating_sub(used) < least);
                if how.least_free.is_some_and(is_low) {
                    return Err(io(io::ErrorKind::StorageFull.into()));
                }
                // What has no size at first must not fill the disk before it is refused at its end.
                if let Some((limits, has)) = how.limits {
                    limits.allow(has, taken)?;
                }
            }
            hasher.update(&buffer[..n]);
            if format.is_text() {
                counter.push(&buffer[..n]);
            }
        }
        Some(*hasher.finalize().as_bytes())
    };
    out.finish().map_err(io)?;
    let (lines, pages) = match &sealed {
        None => extent(format, found, &counter, copy),
        Some((key, _)) => {
            let clear = copy.try_clone().and_then(|file| SealedFile::open(file, key, taken)).map_err(io)?;
            extent(format, found, &counter, &clear)
        }
    };
    let is_named = matches!(blank, Blank::Ready(_));
    let (store_name, file) = blank.named(dir).map_err(io)?;
    let mut identity = identity(&file).map_err(|error| {
        let _ = std::fs::remove_file(dir.join(&store_name));
        failure(name, &error)
    })?;
    let digest = digest.filter(|_| sealed.is_none());
    let sealed = sealed.map(|(_, wrapped)| wrapped);
    if sealed.is_some() {
        identity.size = taken;
    }
    Ok(Received { store_name, kind, lines, pages, identity, digest, sealed, is_named, file: Some(file), _link: None })
}

/// How many octets are read at once of a document of which `taken` have been read: to clear memory that nobody needs takes longer
/// than to read a small one. One more than it has, so that the end is seen.
fn chunk(meta: &std::fs::Metadata, taken: usize) -> usize {
    let left = usize::try_from(meta.size()).unwrap_or(CHUNK).saturating_sub(taken) + 1;
    if meta.is_file() { left.clamp(4096, CHUNK) } else { CHUNK }
}

/// The file that becomes a copy.
enum Blank {
    Unnamed(Unnamed),
    /// It lay ready, and has its name.
    Ready(Spare),
}

impl Blank {
    fn file(&self) -> &File {
        match self {
            Self::Unnamed(unnamed) => &unnamed.file,
            Self::Ready(spare) => spare.file(),
        }
    }

    /// Its name in `dir` and its file; it gets a name if it has none.
    fn named(self, dir: &Path) -> io::Result<(String, File)> {
        let mut unnamed = match self {
            Self::Ready(spare) => return spare.used(),
            Self::Unnamed(unnamed) => unnamed,
        };
        let file = unnamed.file.try_clone()?;
        loop {
            let candidate = store_name()?;
            match unnamed.name(dir, &candidate) {
                Ok(()) => return Ok((candidate, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Where a copy is written, sealed or not.
struct Out<'a> {
    file: &'a File,
    sealer: Option<Sealer<&'a File>>,
}

impl Out<'_> {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.sealer {
            Some(sealer) => sealer.write_all(octets),
            None => self.file.write_all(octets),
        }
    }

    fn finish(self) -> io::Result<()> {
        self.sealer.map_or(Ok(()), |sealer| sealer.finish().map(drop))
    }
}

/// Returns the digest of a copy of `octets` octets that nobody has read yet; its lines and pages go to `counter`.
fn look_through(copy: &Unnamed, octets: u64, counter: Option<&mut Counter>) -> io::Result<[u8; 32]> {
    let mut seen = (blake3::Hasher::new(), counter);
    let see = |(hasher, counter): &mut (blake3::Hasher, Option<&mut Counter>), bytes: &[u8]| {
        // Piece by piece: each is counted while it is at hand from being digested.
        for piece in bytes.chunks(CHUNK) {
            hasher.update(piece);
            if let Some(counter) = counter {
                counter.push(piece);
            }
        }
    };
    let mut looked = false;
    let mapped = map::look_into(copy, octets, |bytes| {
        looked = true;
        see(&mut seen, bytes);
    });
    match mapped {
        Ok(()) => {}
        // Not every file system maps, and memory may be short: the same octets are read.
        Err(error) if !looked && error.kind() != io::ErrorKind::UnexpectedEof => {
            let mut buffer = vec![0; CHUNK];
            let mut at = 0;
            while at < octets {
                let n = read_full_at(&copy.file, &mut buffer, at)?;
                if n == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                see(&mut seen, &buffer[..n]);
                at += n as u64;
            }
        }
        Err(error) => return Err(error),
    }
    Ok(*seen.0.finalize().as_bytes())
}

/// Looks at the user's own file, and makes the link. Its octets are read for text only, to count it.
fn examine(dir: &Path, source: File, offer: &DocumentOffer, how: Reading<'_>) -> Fallible<Received> {
    let name = &offer.file_name;
    let io = |error: io::Error| failure(name, &error);
    let target = offer.link_target.as_ref().filter(|target| target.0.is_absolute());
    let Some(target) = target else {
        return Err(Failure::new(FailureKind::BadValue, format!("{name}: a link needs an absolute path")));
    };
    if !source.metadata().map_err(io)?.is_file() {
        return Err(Failure::new(FailureKind::BadValue, format!("{name}: only a regular file can be linked")));
    }
    let identity = identity(&source).map_err(io)?;
    // The path must lead us to the very file that the submitter opened with his own rights, and not into the spool.
    let reached = crate::sys::files::open_regular(&target.0).and_then(|file| crate::sys::files::identity(&file));
    if !reached.map_err(io)?.same_file(&identity) {
        return Err(Failure::new(FailureKind::BadValue, format!("{name}: {target} leads to another file")));
    }
    let real = std::fs::canonicalize(&target.0).map_err(io)?;
    if dir.parent().and_then(|base| std::fs::canonicalize(base).ok()).is_some_and(|base| real.starts_with(base)) {
        return Err(Failure::new(FailureKind::BadValue, format!("{name}: lies inside the spool itself")));
    }
    let names = source.metadata().map_err(io)?.nlink();
    if let Some(root) = dir.parent()
        && OwnDirectories::of(root).map_err(io)?.hold((identity.dev, identity.ino), names)
    {
        let what = format!("{name}: is a file of the spool under another name");
        return Err(Failure::new(FailureKind::BadValue, what));
    }
    let mut head = Vec::with_capacity(DETECT_OCTETS);
    (&source).take(DETECT_OCTETS as u64).read_to_end(&mut head).map_err(io)?;
    if head.is_empty() {
        return Err(empty(name));
    }
    let found = recognise(&head);
    let kind = Kind::decide(offer.format, how.content, found.format);
    let mut counter = Counter::on(how.sheet, &head).of_format(kind.format);
    if kind.format.is_text() {
        counter.push(&head);
        let mut buffer = vec![0u8; CHUNK];
        loop {
            match read_some(&mut &source, &mut buffer).map_err(io)? {
                0 => break,
                n => counter.push(&buffer[..n]),
            }
        }
    }
    let (lines, pages) = extent(kind.format, found, &counter, &source);
    let (store_name, _link) = link(dir, target).map_err(io)?;
    Ok(Received {
        store_name,
        kind,
        lines,
        pages,
        identity,
        digest: None,
        sealed: None,
        is_named: false,
        file: None,
        _link,
    })
}

/// Makes a symbolic link to `target` under a new name, which is locked first.
fn link(dir: &Path, target: &RawPath) -> io::Result<(String, Option<RangeLock>)> {
    loop {
        let name = store_name()?;
        let Some(lock) = super::locks::hold_link(&dir.join(".spool-id"), &name)? else { continue };
        match std::os::unix::fs::symlink(target, dir.join(&name)) {
            Ok(()) => return Ok((name, lock)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Lines and pages, where they are known: of what counts as text as it was counted, of a finished stream by its structure
/// in `file`, whatever it counts as.
fn extent(format: Format, found: Found, counter: &Counter, file: &dyn ReadAt) -> (Option<u64>, Option<u64>) {
    if format.is_text() {
        let count = counter.finish();
        (Some(count.lines), Some(count.pages))
    } else {
        (None, pages(file, found))
    }
}

/// Erases the print files of a job that is gone. What cannot be erased is an orphan for the sweep, and so is everything
/// while a backup runs, whose database may know the job still.
pub fn erase(dir: &Path, store_names: &[String]) {
    debug_assert!(!crate::store::in_change(), "print files are touched inside a transaction");
    if store_names.is_empty() || super::locks::print_files_are_kept(&dir.join(".spool-id")) {
        return;
    }
    for name in store_names {
        // A damaged document was put aside with its reason: it is never deleted.
        if !name.starts_with("corrupt/") {
            let _ = std::fs::remove_file(dir.join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::Submission;

    #[test]
    fn a_copy_is_found_to_be_the_same_whether_it_is_read_or_mapped() {
        let dir = tempfile::tempdir().unwrap();
        let text = b"a line of text\n".repeat(40_000);
        let mut pdf = b"%PDF-1.7\n".to_vec();
        pdf.extend((0..600_000u32).map(|n| n.to_le_bytes()[0]));
        for bytes in [text[..MAPPED as usize].to_vec(), text, pdf] {
            let path = dir.path().join("document");
            std::fs::write(&path, &bytes).unwrap();
            let [read, mapped] = [Look::Read, Look::Mapped].map(|look| {
                let how = Reading {
                    look,
                    content: None,
                    sheet: Sheet::default(),
                    least_free: None,
                    limits: None,
                    adopts: false,
                    encrypts: false,
                    stop: None,
                    spares: None,
                };
                copy(dir.path(), File::open(&path).unwrap(), &Submission::sample("t", "d", 1).documents[0], how)
                    .unwrap()
            });
            assert_eq!(std::fs::read(dir.path().join(&mapped.store_name)).unwrap(), bytes);
            let found = |one: &Received| (one.kind, one.lines, one.pages, one.digest);
            assert_eq!(found(&read), found(&mapped));
            assert_eq!(mapped.digest, Some(*blake3::hash(&bytes).as_bytes()));
        }
    }
}
