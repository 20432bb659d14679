//! Looking at a whole base: the database, the print files, the links, the locks, and what belongs to nobody, in both
//! directions; and mending what can be mended.
//!
//! Looking changes nothing and works beside running print processes: what seems to be missing is looked for once more, for a
//! job may have ended meanwhile. Mending never deletes what it cannot explain: a file that no job knows is put aside
//! unless the database is surely as new as it is, and a database that is damaged is kept beside what was saved of it. Each
//! loss is named.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::documents::{CHUNK, ReadAt, SealedFile};
use crate::model::event::{EventDetail, EventWord};
use crate::model::job::{Transfer, WrappedKey};
use crate::model::state::HoldReason;
use crate::model::{Call, Failure, FailureKind, ServerName};
use crate::store::backup::{Contents, Kept, contents};
use crate::store::check::examine;
use crate::store::event::{Object, record_with};
use crate::store::generation::Mark;
use crate::store::salvage::{Beside, salvage};
use crate::store::{self, Fallible};
use crate::sys::files::{open_regular, random_name, sync_dir};
use crate::sys::own_file::{self, Odd};

use super::aside::put_aside;
use super::backup::{alone, exchange};
use super::base::{Access, open};
use super::document_key::{Unreadable, open_key, size_on_disk};
use super::paths::{Base, KindInRun};
use super::refusals::io_failure;
use super::sweep::{is_free, print_file};
use super::{dirs, locks};
use crate::spool::{Room, Spool};

/// What is to be done beside looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Mend what can be mended.
    pub repair: bool,
    /// Take a restored spool for what it is.
    pub accept: bool,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// One of a fixed set of words.
    pub code: &'static str,
    /// What it is about: "job 7", "spool.db", a file.
    pub object: String,
    /// What is wrong with it.
    pub text: String,
    /// What can be done about it.
    pub cure: Option<String>,
    /// What was done about it.
    pub mended: Option<String>,
    /// Whether something is lost that nothing here can bring back.
    pub loss: bool,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Jobs that the database knows.
    pub jobs: u64,
    /// Print files and links in the server's directory.
    pub print_files: u64,
    /// Files in `corrupt/`, their reasons not counted.
    pub aside: u64,
    /// Since when the spool counts as restored, wall clock. Displays show it as a time.
    #[serde(skip)]
    pub restored_ms: Option<i64>,
    /// Whether that was accepted now.
    pub accepted: bool,
}

impl Report {
    /// Tells whether something is left that is not as it should be.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.mended.is_some())
    }

    fn add(&mut self, code: &'static str, object: impl Into<String>, text: impl Into<String>) -> &mut Finding {
        self.findings.push(Finding {
            code,
            object: object.into(),
            text: text.into(),
            cure: None,
            mended: None,
            loss: false,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

impl Finding {
    fn cure(&mut self, cure: impl Into<String>) -> &mut Self {
        self.cure = Some(cure.into());
        self
    }

    fn loss(&mut self) -> &mut Self {
        self.loss = true;
        self
    }

    /// It was mended, or the attempt failed.
    fn try_mend(&mut self, what: &str, done: Result<(), impl std::fmt::Display>) -> &mut Self {
        match done {
            Ok(()) => self.mended = Some(what.to_owned()),
            Err(error) => self.text.push_str(&format!("; it cannot be mended: {error}")),
        }
        self
    }
}

/// The code of a counter that differs from what it counts.
const COUNTER: &str = "counter";
/// The code of what lies in the place of a file or directory of the spool.
const WRONG_KIND: &str = "wrong-kind";
/// The code of a print file that nobody can read without a key that is not here.
const NO_KEY: &str = "print-file-no-key";
const REPAIR: &str = "pdfsck --repair";
const ACCEPT: &str = "look at the held jobs and at corrupt/, then pdfsck --accept";

/// Looks at the base for `call`, and mends what is `wanted`.
///
/// # Errors
/// When there is nothing to look at, or it must not be used.
pub fn check(base: &Base, wanted: Wanted, call: &Call) -> Fallible<Report> {
    let root = base.root();
    let meta = std::fs::metadata(root).map_err(|error| io_failure(root, &error))?;
    if !meta.is_dir() || meta.uid() != nix::unistd::geteuid().as_raw() {
        let why = format!("{} is no directory of yours", root.display());
        return Err(Failure::new(FailureKind::Unreachable, why));
    }
    let mut report = Report::default();
    directories(base, wanted, &mut report);
    wrong_kinds(base, wanted, &mut report);
    if report.findings.iter().any(|finding| finding.code == WRONG_KIND && finding.mended.is_none()) {
        // Nothing of the spool is opened beside that.
        return Ok(report);
    }
    let servers = servers(base);
    if !database_is_there(base, &servers)? {
        return Ok(no_database(base, &servers, report));
    }
    let damage = examine(&base.database())?;
    if !damage.pages.is_empty() {
        let shown = damage.pages.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        let more = damage.pages.len().saturating_sub(3);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let finding = report.add("database-damaged", "spool.db", format!("is damaged: {shown}{more}"));
        finding.cure("pdfsck --repair saves what can still be read, pdbackup --restore DIR puts a backup in its place");
        if !wanted.repair {
            return Ok(report);
        }
        rescue(base, &servers, &mut report, call)?;
    } else {
        for fault in damage.rows {
            report.add("rows", fault.object, fault.text).cure("keep a copy of the base and report this");
        }
        for fault in damage.counters {
            report.add(COUNTER, fault.object, fault.text).cure(REPAIR);
        }
    }
    let known = contents(&base.database())?;
    let server: ServerName = known.server.parse()?;
    report.jobs = known.jobs;
    if !server_directory(base, &server, &known, wanted, &mut report) {
        return Ok(report);
    }
    let spool = open(base, Access::Existing { now: call.now.clone() })?;
    // As it is now: opening may have brought it up to date, or found out that it was restored.
    let known = contents(&base.database())?;
    report.restored_ms = spool.restored_since()?;
    if wanted.repair {
        counters(&spool, call, &mut report);
    }
    print_files(&spool, &known, wanted, call, &mut report)?;
    strangers(&spool, &known, wanted, &mut report)?;
    processes(&spool, call, &mut report)?;
    if wanted.accept {
        report.accepted = spool.accept_restored(call)?;
        if report.accepted {
            report.restored_ms = None;
        }
    }
    if report.restored_ms.is_some() {
        report
            .add(
                "restored",
                "spool.db",
                "was restored or is older than its print files: its jobs are held, nothing is erased",
            )
            .cure(ACCEPT);
    }
    Ok(report)
}

/// The directories that can be made again.
fn directories(base: &Base, wanted: Wanted, report: &mut Report) {
    for path in [base.root().to_path_buf(), base.run()] {
        let object = path.display().to_string();
        let finding = match std::fs::metadata(&path) {
            _ if own_file::odd_directory(&path).is_some() => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                report.add("directory-missing", object, "is missing").cure("the next command makes it again")
            }
            Err(error) => report.add("directory", object, error.to_string()),
            Ok(meta) if meta.mode() & 0o700 != 0o700 => report
                .add("directory-rights", object, format!("has the rights {:04o}", meta.mode() & 0o7777))
                .cure(REPAIR),
            Ok(meta) if meta.mode() & 0o022 != 0 => report
                .add("directory-open", object, format!("can be written to by others ({:04o})", meta.mode() & 0o7777))
                .cure("chmod go-w"),
            Ok(_) => continue,
        };
        if wanted.repair && finding.code.starts_with("directory-") && finding.code != "directory-open" {
            finding.try_mend("it was made usable", dirs::make(&path));
        }
    }
}

/// What lies in the place of a file, socket or directory of the spool, with its path.
fn odd_things(base: &Base) -> Vec<(PathBuf, Odd)> {
    let inside = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let run = base.run();
    let mut odd: Vec<(PathBuf, Odd)> = inside(&run)
        .into_iter()
        .filter_map(|path| {
            let found = match Base::kind_in_run(path.file_name()?.to_str()?)? {
                KindInRun::File => own_file::odd_file(&path),
                KindInRun::Socket => own_file::odd_socket(&path),
                KindInRun::Log if path.is_file() => None,
                KindInRun::Log => own_file::odd_file(&path),
            };
            Some((path, found?))
        })
        .collect();
    odd.extend(own_file::odd_directory(&run).map(|found| (run, found)));
    for dir in inside(base.root()) {
        for name in [".spool-id", ".generation"].iter().chain(KEYS) {
            let path = dir.join(name);
            odd.extend(own_file::odd_file(&path).map(|found| (path, found)));
        }
    }
    odd.sort_by(|a, b| a.0.cmp(&b.0));
    odd
}

/// Files of keys in the directory of a server.
const KEYS: &[&str] = &[".card-key", ".document-key"];

/// Locks, sockets and marks that are something else. Nobody uses those, so that they can be put aside beside living processes.
fn wrong_kinds(base: &Base, wanted: Wanted, report: &mut Report) {
    for (path, odd) in odd_things(base) {
        let finding = report.add(WRONG_KIND, path.display().to_string(), odd.to_string());
        // Jobs may need what is in it: another one that the spool makes opens none of them.
        if KEYS.iter().any(|name| path.ends_with(name)) {
            finding.cure("make it a file of the spool's account that nobody else may read or write (chown, chmod 600), or restore it: cards and encrypted jobs need it");
            continue;
        }
        finding.cure("pdfsck --repair moves it into corrupt/ beside it, and the spool makes its own again");
        if wanted.repair {
            let aside = put_aside(&path, &format!("it lay in the place of a part of the spool: it {odd}"));
            finding.try_mend("it was moved into corrupt/ beside it", aside.map(drop));
        }
    }
}

/// Returns server directories of a base, by the proof in them.
fn servers(base: &Base) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(base.root()) else { return Vec::new() };
    let mut servers: Vec<(String, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let id = own_file::read_text(&entry.path().join(".spool-id")).ok()?;
            Some((entry.file_name().into_string().ok()?, id.trim().to_owned()))
        })
        .collect();
    servers.sort();
    servers
}

/// Tells whether there is a database, damaged or not. A base without anything has no spool.
fn database_is_there(base: &Base, servers: &[(String, String)]) -> Fallible<bool> {
    match std::fs::metadata(base.database()) {
        Ok(meta) if meta.len() > 0 => Ok(true),
        Ok(_) if !servers.is_empty() => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !servers.is_empty() => Ok(false),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_failure(&base.database(), &error)),
        _ => Err(Failure::new(FailureKind::Unreachable, format!("there is no spool at {}", base.root().display()))),
    }
}

fn no_database(base: &Base, servers: &[(String, String)], mut report: Report) -> Report {
    report
        .add("database-missing", "spool.db", "is missing, or holds no spool")
        .cure("pdbackup --restore DIR puts a backup in its place; if spool.db-wal was moved away, put it back")
        .loss();
    for (server, _) in servers {
        let dir = base.root().join(server);
        for name in names(&dir) {
            report.print_files += 1;
            report
                .add("print-file-unknown", dir.join(name).display().to_string(), "belongs to a job that is lost")
                .loss();
        }
    }
    report
}

/// Returns the names of print files in a server's directory.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| print_file(entry.file_name())).collect();
    names.sort();
    names
}

/// Saves what a damaged database still holds, and puts that in its place.
fn rescue(base: &Base, servers: &[(String, String)], report: &mut Report, call: &Call) -> Fallible<()> {
    let [(server, spool_id)] = servers else {
        report
            .add(
                "server-directory",
                base.root().display().to_string(),
                "holds not exactly one directory of print files",
            )
            .cure("move the others away: the one that belongs to spool.db is needed to save it");
        return Ok(());
    };
    let server: ServerName = server.parse()?;
    let _alone = alone(base, Some(&server))?;
    let beside = Beside {
        spool_id: spool_id.clone(),
        server: server.to_string(),
        uid: nix::unistd::geteuid().as_raw(),
        mark: Mark::read(&base.generation(&server)),
    };
    let random = random_name(6).map_err(|error| io_failure(base.root(), &error))?;
    let fresh = base.root().join(format!(".spool.db.{random}"));
    let saved = salvage(&base.database(), &fresh, &beside, call).inspect_err(|_| {
        let _ = std::fs::remove_file(&fresh);
    })?;
    exchange(base, &fresh, &call.now).map_err(|error| io_failure(base.root(), &error))?;
    let jobs = saved.jobs;
    if let Some(finding) = report.findings.last_mut() {
        finding.mended = Some(format!(
            "{jobs} jobs were saved, and are held; the damaged one is kept in replaced-{}",
            call.now.wall_ms
        ));
    }
    for loss in saved.losses {
        let finding = report.add("lost", "spool.db", loss).loss();
        finding.mended = Some("nothing more can be read of it".to_owned());
    }
    Ok(())
}

/// Checks the proof of which spool the server's directory belongs to. False when nothing more can be looked at.
fn server_directory(base: &Base, server: &ServerName, known: &Contents, wanted: Wanted, report: &mut Report) -> bool {
    let proof = base.spool_id(server);
    let object = proof.display().to_string();
    match own_file::read_text(&proof) {
        Ok(text) if text.trim() == known.spool_id => return true,
        Ok(_) => {
            report
                .add("other-spool", object, "names another spool than spool.db: one of the two was replaced")
                .cure("put the right spool.db back, or pdbackup --restore DIR");
            return false;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            report
                .add("spool-id", object, format!("cannot be read: {error}"))
                .cure("put the right one back, or move it away: then pdfsck --repair writes it again");
            return false;
        }
    }
    // Do the files prove what the lost file did? Names are random: one that the database knows is enough.
    let dir = base.server(server);
    let there = names(&dir);
    let ours = known.documents.iter().any(|document| there.contains(&document.store_name));
    let finding = report.add("spool-id-missing", object, "is missing");
    if !ours && !there.is_empty() {
        finding.cure("no print file beside it is known to spool.db: is it the right directory?");
        return false;
    }
    finding.cure(REPAIR);
    if !wanted.repair {
        return false;
    }
    let write = || -> io::Result<()> {
        dirs::make(&dir)?;
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&proof)?;
        io::Write::write_all(&mut file, known.spool_id.as_bytes())?;
        file.sync_all()?;
        sync_dir(&dir)
    };
    finding.try_mend("it was written again", write()).mended.is_some()
}

/// Returns what is wrong with the file of a document.
fn fault_of(dir: &Path, document: &Kept) -> Option<(&'static str, String)> {
    let path = dir.join(&document.store_name);
    let meta = match std::fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(("print-file-missing", format!("{} is missing", document.store_name)));
        }
        Err(error) => return Some(("print-file", format!("{}: {error}", document.store_name))),
    };
    if document.transfer == Transfer::Link {
        return fault_of_link(&path, &meta, document);
    }
    if !meta.is_file() {
        return Some(("print-file-damaged", format!("{} is no regular file", document.store_name)));
    }
    let expected = size_on_disk(document.identity.size, document.sealed.as_ref());
    if meta.size() != expected {
        let text = format!("{} has {} octets instead of {expected}", document.store_name, meta.size());
        return Some(("print-file-damaged", text));
    }
    if let Some(sealed) = &document.sealed {
        return fault_of_sealed(&path, document, sealed);
    }
    let expected = document.digest?;
    let found = open_regular(&path).and_then(|mut file| {
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut file, &mut hasher)?;
        Ok(*hasher.finalize().as_bytes())
    });
    match found {
        Ok(found) if found == expected => None,
        Ok(_) => Some(("print-file-damaged", format!("{} does not hold what was accepted", document.store_name))),
        Err(error) => Some(("print-file-damaged", format!("{} cannot be read: {error}", document.store_name))),
    }
}

/// The same of one that is encrypted: every chunk of it is opened.
fn fault_of_sealed(path: &Path, document: &Kept, sealed: &WrappedKey) -> Option<(&'static str, String)> {
    let name = &document.store_name;
    let key = match open_key(path, sealed) {
        Ok(key) => key,
        Err(why @ Unreadable::KeyDamaged) => return Some(("print-file-damaged", format!("{name} {why}"))),
        Err(why) => return Some((NO_KEY, format!("{name} {why}"))),
    };
    let read = open_regular(path).and_then(|file| {
        let file = SealedFile::open(file, &key, document.identity.size)?;
        let (mut buffer, mut at) = (vec![0; CHUNK], 0);
        while at < document.identity.size {
            match file.read_at(&mut buffer, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => at += n as u64,
            }
        }
        Ok(())
    });
    read.err().map(|error| ("print-file-damaged", format!("{name} {error}")))
}

fn fault_of_link(path: &Path, meta: &std::fs::Metadata, document: &Kept) -> Option<(&'static str, String)> {
    let name = &document.store_name;
    if !meta.is_symlink() {
        return Some(("link-damaged", format!("{name} is no link any more")));
    }
    let held = std::fs::read_link(path).unwrap_or_default();
    if let Some(target) = &document.link_target
        && held != target.0
    {
        return Some(("link-damaged", format!("{name} leads to {} instead of {target}", held.display())));
    }
    let found = open_regular(path).and_then(|file| crate::sys::files::identity(&file));
    match found {
        Ok(found) if found.same_file(&document.identity) => None,
        Ok(_) => Some(("link-changed", format!("{} is another file than the one that was submitted", held.display()))),
        Err(error) => Some(("link-target", format!("{} cannot be opened: {error}", held.display()))),
    }
}

/// Each document of the database, and its file.
fn print_files(spool: &Spool, known: &Contents, wanted: Wanted, call: &Call, report: &mut Report) -> Fallible<()> {
    let dir = spool.base().server(spool.server());
    for document in &known.documents {
        let Some((code, text)) = fault_of(&dir, document) else { continue };
        let name = document.store_name.clone();
        // Its job may have ended since the database was read.
        if !spool.look(call, |tx| store::document::refers_to(tx, &name))? {
            continue;
        }
        let is_mended_by_start = code.starts_with("link-changed") || code.starts_with("link-target");
        let finding = report.add(code, format!("job {}", document.job), text);
        if is_mended_by_start {
            finding
                .cure("it is held when it is tried; submit the file anew, or START the job to print what is there now");
            continue;
        }
        if code == NO_KEY {
            finding.cure(Unreadable::CURE);
            continue;
        }
        finding.loss().cure(REPAIR);
        if wanted.repair {
            let text = finding.text.clone();
            finding.try_mend(
                "the job is held, what is left of its file is in corrupt/",
                spool.set_aside(document, &text, call),
            );
        }
    }
    Ok(())
}

impl Spool {
    /// Holds the job of a damaged document, and puts what is left of its file aside.
    fn set_aside(&self, document: &Kept, text: &str, call: &Call) -> Fallible<()> {
        let dir = self.base().server(self.server());
        let path = dir.join(&document.store_name);
        let moved = if document.store_name.starts_with("corrupt/") {
            None
        } else {
            put_aside(&path, text).map_err(|error| io_failure(&path, &error))?
        };
        let moved = moved.and_then(|path| Some(format!("corrupt/{}", path.file_name()?.to_str()?)));
        let (name, text) = (document.store_name.clone(), text.to_owned());
        self.change(Room::Gives, call, move |tx| {
            let Some((job, id)) = store::document::owner_of(tx, &name)? else { return Ok(()) };
            let Some(row) = store::job::lock(tx, job)? else { return Ok(()) };
            let reasons = row.reasons.with(HoldReason::Corrupt);
            store::job::set_reasons(tx, job, reasons, Some(&text))?;
            store::entry::withdraw(tx, job)?;
            if let Some(moved) = &moved {
                store::document::set_store_name(tx, id, moved)?;
            }
            let detail = EventDetail::Hold(HoldReason::Corrupt);
            record_with(tx, Object::Job(job), EventWord::Held, detail, &text)
        })
    }
}

/// Counts again what displays show.
fn counters(spool: &Spool, call: &Call, report: &mut Report) {
    if !report.findings.iter().any(|finding| finding.code == COUNTER) {
        return;
    }
    let done = spool.change(Room::Gives, call, store::tally::recount);
    for finding in report.findings.iter_mut().filter(|finding| finding.code == COUNTER) {
        finding.try_mend("it was counted again", done.as_ref().copied());
    }
}

/// Files that no job knows, and what was put aside.
fn strangers(spool: &Spool, known: &Contents, wanted: Wanted, report: &mut Report) -> Fallible<()> {
    let dir = spool.base().server(spool.server());
    let jobs: HashSet<&str> = known.documents.iter().map(|document| document.store_name.as_str()).collect();
    let spool_id = spool.base().spool_id(spool.server());
    let mut unknown = Vec::new();
    for name in names(&dir) {
        report.print_files += 1;
        let known = jobs.contains(name.as_str())
            || spool.look(&Call::timeless(), |tx| store::document::refers_to(tx, &name))?;
        if !known && is_free(&dir, &spool_id, &name) {
            unknown.push(name);
        }
    }
    let backup = locks::print_files_are_kept(&spool_id);
    let first = report.findings.len();
    let text = match report.restored_ms {
        Some(_) => "belongs to no job of the restored database",
        None => "belongs to no job: a crash left it",
    };
    for name in &unknown {
        report.add("print-file-unknown", name.clone(), text).cure(if backup {
            "a backup is running: it is swept after that"
        } else {
            "the next start of a print process, or pdfsck --repair, sweeps it"
        });
    }
    if wanted.repair && !unknown.is_empty() && !backup {
        let swept = spool.sweep();
        for finding in &mut report.findings[first..] {
            let gone = std::fs::symlink_metadata(dir.join(&finding.object)).is_err();
            let done = match &swept {
                Ok(_) if gone => Ok(()),
                Ok(_) => Err("it is in use".to_owned()),
                Err(failure) => Err(failure.to_string()),
            };
            let how = if report.restored_ms.is_some() { "it was put into corrupt/" } else { "it was removed" };
            finding.try_mend(how, done);
        }
    }
    if let Ok(entries) = std::fs::read_dir(spool.base().corrupt(spool.server())) {
        report.aside =
            entries.flatten().filter(|entry| entry.path().extension().is_none_or(|end| end != "reason")).count() as u64;
    }
    Ok(())
}

/// Locks and rows of print processes.
fn processes(spool: &Spool, call: &Call, report: &mut Report) -> Fallible<()> {
    use crate::model::state::ProcessState;
    let mut after = None;
    loop {
        let page = spool.processes(call, after.clone())?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        for process in page {
            let object = format!("print process ${}", process.name);
            match process.state {
                ProcessState::Dead => {
                    report.add("process-dead", object, "died").cure("the next command that writes starts it again");
                }
                ProcessState::Error => {
                    let text = process.error.map_or_else(|| "is in error".to_owned(), |error| error.text);
                    report.add("process-error", object, text).cure(format!("PRINT ${}, START", process.name));
                }
                ProcessState::Active
                    if locks::process_lost_its_file(spool.base(), spool.server(), &process.name).unwrap_or(false) =>
                {
                    report
                        .add("process-uprooted", object, "runs, but its files in run/ were removed")
                        .cure("it ends by itself when its job is done, and another one takes over");
                }
                _ => {}
            }
        }
    }
}
