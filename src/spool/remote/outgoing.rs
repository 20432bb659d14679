//! Jobs of ours on their way to another server, and back.
//!
//! The caller has a connection to that server; nothing here waits for it. Each function is one transaction, and each may be
//! repeated: what is on record already is not done again. See [`super`] for the order of the steps.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::model::event::{EventDetail, EventWord};
use crate::model::job::{AFTER_PRINTING, Identity, PRINTED_COMPLETELY, RawPath, Transfer, WrappedKey};
use crate::model::lifetime::Ending;
use crate::model::order::{USUAL_SPEED, estimate_ms};
use crate::model::remote::{Offer, OfferAnswer, OfferedDocument, PeerFate, of_token, token};
use crate::model::state::{Delivery, EntryState, HoldReason, JobState, Wish};
use crate::model::time::Moment;
use crate::model::{Call, DocumentId, Failure, FailureKind, GlobalJobId, JobId, JobRef, ServerName};
use crate::store::document::DocumentRow;
use crate::store::event::{Object, record, record_with};
use crate::store::job::JobRow;
use crate::store::remote::{AwayRow, Stage};
use crate::store::{self, Fallible, Lock, Tx};

use crate::documents::{PrintFile, ReadAt};
use crate::spool::disk::document_key::{open_file, size_on_disk};
use crate::spool::disk::files;
use crate::spool::interface::records::SpoolerState;
use crate::spool::secure::record::printed_and_held;
use crate::spool::{Room, Spool};
use crate::sys::files::{identity, open_regular};

/// How many jobs are asked for at once.
pub const AT_ONCE: u32 = 200;
/// Octets of the largest file that is read while somebody waits.
const LONGEST_READ: u64 = 1 << 30;
/// Octets that are read at a time.
const PIECE: usize = 256 << 10;

/// A job that a server was offered or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// The job.
    pub job: JobId,
    /// Its token.
    pub token: String,
    /// Whether the other server is known to have it.
    pub is_there: bool,
    /// Whether it is wanted back: it is held, paused or cancelled here.
    pub wanted_back: bool,
}

/// A copy of which nobody knows the digest.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The document.
    pub document: DocumentId,
    path: PathBuf,
    identity: Identity,
}

impl Unread {
    /// Opens it, where it is the file that was accepted, as it was.
    fn open(&self) -> io::Result<File> {
        let file = crate::sys::files::open_regular(&self.path)?;
        let (now, known) = (crate::sys::files::identity(&file)?, &self.identity);
        let same = now.same_file(known) && (now.size, now.mtime_ns) == (known.size, known.mtime_ns);
        if same { Ok(file) } else { Err(io::Error::other("it is another file now")) }
    }

    fn read(&self, goes_on: &dyn Fn() -> bool) -> io::Result<Option<[u8; 32]>> {
        let mut file = self.open()?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; PIECE]);
        while goes_on() {
            match file.read(&mut buffer)? {
                0 => return Ok(Some(*hasher.finalize().as_bytes())),
                n => hasher.update(&buffer[..n]),
            };
        }
        Ok(None)
    }
}

/// The file of a document that another server fetches.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Copy or link.
    pub transfer: Transfer,
    /// What it was when it was accepted. Its size is that of the document.
    pub identity: Identity,
    /// Its wrapped key, where it is encrypted.
    pub sealed: Option<WrappedKey>,
}

/// A file that another server fetches, open. Its octets are those of the document, also where it is encrypted.
#[derive(Debug)]
pub struct OpenSource {
    file: PrintFile,
    octets: u64,
}

impl OpenSource {
    /// How many octets it has.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Reads as many octets at `offset` as there are and fit.
    ///
    /// # Errors
    /// When it cannot be read, or is encrypted and was altered.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }
}

impl Source {
    /// Opens it. A link leads to the very file that was accepted, or to nothing.
    ///
    /// # Errors
    /// Why it is not that file, or cannot be read, in words.
    pub fn open(&self) -> Result<OpenSource, String> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = open_regular(&self.path).map_err(|error| format!("{name} cannot be opened: {error}"))?;
        let now = identity(&file).map_err(|error| format!("{name} cannot be read: {error}"))?;
        if self.transfer == Transfer::Link {
            return match now.same_file(&self.identity) {
                true => Ok(OpenSource { file: file.into(), octets: now.size }),
                false => Err(format!("{name} leads to another file now")),
            };
        }
        let expected = size_on_disk(self.identity.size, self.sealed.as_ref());
        if now.size != expected {
            return Err(format!("{name} has {} octets instead of {expected}: it is damaged", now.size));
        }
        let octets = self.identity.size;
        let file =
            open_file(file, &self.path, self.sealed.as_ref(), octets).map_err(|error| format!("{name} {error}"))?;
        Ok(OpenSource { file, octets })
    }
}

impl Spool {
    /// Takes the next job that waits for a device of `server` out of its queue, to be offered there. None when none waits.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn send_next(&self, call: &Call, server: &ServerName) -> Fallible<Option<Offer>> {
        let (spool, server) = (self.clone(), server.clone());
        let waits = self.look(call, |tx| Ok(store::remote::next_for(tx, &server)?.is_some()))?;
        if !waits {
            return Ok(None);
        }
        self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Spool)?;
            if store::spool::state(tx)? != SpoolerState::Active {
                return Ok(None);
            }
            let Some((id, device)) = store::remote::next_for(tx, &server)? else { return Ok(None) };
            let Some(job) = store::job::lock(tx, id)? else { return Ok(None) };
            if store::remote::send_away(tx, id)? == 0 {
                return Ok(None);
            }
            let round = store::remote::away(tx, id)?.map_or(1, |row| row.round + 1);
            let row = AwayRow {
                job: id,
                server: server.clone(),
                device,
                round,
                stage: Stage::Offered,
                shown: None,
                words: None,
            };
            store::remote::set_away(tx, &row)?;
            spool.as_offer(tx, &job, &row).map(Some)
        })
    }

    /// Returns the offer of a job that was offered before, and of which no answer is on record.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn offer_again(&self, call: &Call, job: JobId) -> Fallible<Option<Offer>> {
        self.look(call, |tx| {
            let Some(row) = store::remote::away(tx, job)?.filter(|row| row.stage == Stage::Offered) else {
                return Ok(None);
            };
            let Some(job) = store::job::by_id(tx, job)? else { return Ok(None) };
            self.as_offer(tx, &job, &row).map(Some)
        })
    }

    pub(super) fn as_offer(&self, tx: &Tx<'_>, job: &JobRow, row: &AwayRow) -> Fallible<Offer> {
        let global = GlobalJobId { server: self.server().clone(), serial: job.serial };
        let dir = self.base().server(self.server());
        let given = store::given::of_jobs(tx, job.id, job.id)?.remove(&job.id).unwrap_or_default();
        let documents = store::document::of_job(tx, job.id)?.into_iter().map(|d: DocumentRow| OfferedDocument {
            path: RawPath(dir.join(&d.store_name)),
            file_name: d.file_name,
            store_name: d.store_name,
            transfer: d.transfer,
            format: d.format,
            format_origin: d.format_origin,
            recognised: d.recognised,
            pages: d.pages,
            lines: d.lines,
            copies: d.copies,
            identity: d.identity,
            digest: d.digest.filter(|_| d.transfer == Transfer::Copy),
            sealed: d.sealed.is_some(),
        });
        Ok(Offer {
            token: token(&global, row.round),
            global,
            spool: self.inner.spool_id.clone(),
            // A destination is named by its server alone.
            device: if row.device.destination().is_some() { row.device.clone() } else { row.device.without_node() },
            name: job.name.clone(),
            form: job.form.clone(),
            priority: job.priority,
            owner: job.owner.clone(),
            user: job.user_name.clone(),
            waited_ms: waited_ms(tx, job)?,
            work: job.work,
            given,
            documents: documents.collect(),
            duplicate: store::entry::of_job(tx, job.id)?.iter().any(|entry| entry.duplicate),
            released: store::secure::of_job(tx, job.id)?.is_some(),
        })
    }

    /// Returns the copies of the next job for `server` of which nobody knows the digest, and whose files are the accepted ones:
    /// whoever reads such a file in place checks it. One whose file is another one is found out when it is fetched.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn without_digest(&self, call: &Call, server: &ServerName) -> Fallible<Vec<Unread>> {
        let dir = self.base().server(self.server());
        let documents = self.look(call, |tx| match store::remote::next_for(tx, server)? {
            Some((job, _)) => store::document::of_job(tx, job),
            None => Ok(Vec::new()),
        })?;
        let unread = documents.into_iter().filter(is_unread);
        Ok(unread
            .map(|one| Unread { document: one.id, path: dir.join(one.store_name), identity: one.identity })
            .filter(|one| one.open().is_ok())
            .collect())
    }

    /// Returns the same of a job that is claimed. A file of more than a gibioctet is not read while somebody waits for the answer: it is
    /// fetched, which proves it as well.
    pub(crate) fn unread_of(&self, serial: crate::model::Serial, now: &Moment) -> Fallible<Vec<Unread>> {
        let dir = self.base().server(self.server());
        let documents = self.look(&Call::of_spooler(now), |tx| {
            match store::job::by_ref(tx, &JobRef::Serial(serial), 0, self.server().as_str())? {
                Some(job) => store::document::of_job(tx, job.id),
                None => Ok(Vec::new()),
            }
        })?;
        let unread = documents.into_iter().filter(|one| is_unread(one) && one.identity.size <= LONGEST_READ);
        Ok(unread
            .map(|one| Unread { document: one.id, path: dir.join(one.store_name), identity: one.identity })
            .filter(|one| one.open().is_ok())
            .collect())
    }

    /// Reads a copy and keeps its digest, while `goes_on` says so. Returns whether it is known now.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn add_digest(&self, call: &Call, unread: &Unread, goes_on: &dyn Fn() -> bool) -> Fallible<bool> {
        let Ok(Some(digest)) = unread.read(goes_on) else { return Ok(false) };
        let document = unread.document;
        self.change(Room::Gives, call, move |tx| store::document::set_digest(tx, document, &digest))?;
        Ok(true)
    }

    /// Records what a server answered to an offer. What it says of a job that was offered to another one is not believed.
    ///
    /// # Errors
    /// When the spool cannot be changed. The job is offered again then.
    pub fn offer_answered(&self, call: &Call, from: &ServerName, token: &str, answer: OfferAnswer) -> Fallible<()> {
        let Some((serial, round)) = self.own_token(token) else { return Ok(()) };
        let (server, from) = (self.server().clone(), from.clone());
        let erase = self.change(Room::Gives, call, move |tx| {
            let Some((job, row)) = standing(tx, &serial, &server, (&from, round))? else { return Ok(Vec::new()) };
            if row.stage != Stage::Offered {
                return Ok(Vec::new());
            }
            let shown = row.device.guardian();
            match &answer {
                OfferAnswer::Taken => {
                    let row = AwayRow { stage: Stage::There, words: None, shown: Some(JobState::Ready), ..row };
                    store::remote::set_away(tx, &row)?;
                    record(&tx.spooler(), Object::Job(job.id), EventWord::HandedOver, &format!("to {shown}"))?;
                    Ok(Vec::new())
                }
                OfferAnswer::Later(why) => {
                    if row.words.as_ref() != Some(why) {
                        store::remote::set_away(tx, &AwayRow { words: Some(why.clone()), ..row })?;
                    }
                    Ok(Vec::new())
                }
                OfferAnswer::Refused(why) => {
                    let text = format!("{} does not take it: {why}", row.server);
                    store::remote::set_away(tx, &AwayRow { stage: Stage::Here, words: None, ..row })?;
                    store::remote::take_back(tx, job.id, EntryState::Withdrawn, false)?;
                    hold(tx, &job, HoldReason::Failed, &text)?;
                    end_if_cancelled(tx, &job)
                }
                OfferAnswer::Spent => spent(tx, &job, row),
            }
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok(())
    }

    /// Returns the jobs that a server was offered or has, a page at a time, those after `after`.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn outstanding(&self, call: &Call, server: &ServerName, after: JobId) -> Fallible<Vec<Outstanding>> {
        self.look(call, |tx| {
            let mut found = Vec::new();
            for row in store::remote::away_at(tx, server, after, AT_ONCE)? {
                let Some(job) = store::job::by_id(tx, row.job)? else { continue };
                let global = GlobalJobId { server: self.server().clone(), serial: job.serial };
                found.push(Outstanding {
                    job: row.job,
                    token: token(&global, row.round),
                    is_there: row.stage == Stage::There,
                    wanted_back: !runs(&job),
                });
            }
            Ok(found)
        })
    }

    /// Records how a job stands at another server, or what became of it there. Returns whether the other server may forget it.
    /// A server is believed about jobs that it was offered; what it says of others changes nothing.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is asked for again then.
    pub fn fate_told(&self, call: &Call, from: &ServerName, token: &str, fate: PeerFate) -> Fallible<bool> {
        let Some((serial, round)) = self.own_token(token) else { return Ok(false) };
        let is_over = matches!(fate, PeerFate::Over { .. });
        if let PeerFate::There { state, words } = &fate {
            let known = self.look(call, |tx| Ok(find(tx, &serial, self.server())?.map(|(_, row)| row)))?;
            // Most answers say what is known.
            let same = |row: &AwayRow| row.stage == Stage::There && row.shown == Some(*state) && row.words == *words;
            if known.is_some_and(|row| row.server == *from && row.round == round && same(&row)) {
                return Ok(false);
            }
        }
        let (server, from) = (self.server().clone(), from.clone());
        let erase = self.change(Room::Gives, call, move |tx| {
            let Some((job, row)) = standing(tx, &serial, &server, (&from, round))? else { return Ok(Vec::new()) };
            match &fate {
                PeerFate::There { state, words } => {
                    let (shown, words) = (Some(*state), words.clone());
                    store::remote::set_away(tx, &AwayRow { stage: Stage::There, shown, words, ..row })?;
                    Ok(Vec::new())
                }
                PeerFate::Unknown if row.stage == Stage::There => {
                    let text =
                        format!("{} had taken it, and does not know it any more: it was restored, perhaps", row.server);
                    lost(tx, &job, row, &text)
                }
                // It never had it, and refuses that token from now on.
                PeerFate::Unknown => spent(tx, &job, row),
                PeerFate::Over { outcome, device, begun } => {
                    store::remote::set_away(
                        tx,
                        &AwayRow { stage: Stage::Here, shown: None, words: None, ..row.clone() },
                    )?;
                    over(tx, &job, &row, (outcome, device.as_deref(), *begun))
                }
            }
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok(is_over)
    }

    /// Takes every job back that a server was offered or has: it is no member of the group any more, and nobody asks it again.
    /// One that was offered may have been taken, its answer lost.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is done the next time.
    pub fn server_left(&self, call: &Call, server: &ServerName) -> Fallible<()> {
        loop {
            let page = self.look(call, |tx| store::remote::away_at(tx, server, JobId(0), AT_ONCE))?;
            for row in &page {
                let (id, round) = (row.job, row.round);
                let erase = self.change(Room::Gives, call, move |tx| {
                    let Some(job) = store::job::lock(tx, id)? else { return Ok(Vec::new()) };
                    let row = store::remote::away(tx, id)?;
                    let Some(row) = row.filter(|row| row.round == round && row.stage != Stage::Here) else {
                        return Ok(Vec::new());
                    };
                    let text = format!("{} had it, and is no member of this group any more", row.server);
                    lost(tx, &job, row, &text)
                })?;
                files::erase(&self.base().server(self.server()), &erase);
            }
            if page.len() < AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    /// Returns the file of a document for the server that has its job.
    ///
    /// # Errors
    /// When that server has no such job of ours.
    pub fn source_for(&self, from: &ServerName, token: &str, document: u32, now: &Moment) -> Fallible<Source> {
        let refused = || Failure::new(FailureKind::Security, format!("{from} has no such job of {}", self.server()));
        let (serial, round) = self.own_token(token).ok_or_else(refused)?;
        self.look(&Call::of_spooler(now), |tx| {
            let (job, row) = find(tx, &serial, self.server())?.ok_or_else(refused)?;
            if row.server != *from || row.round != round || row.stage == Stage::Here {
                return Err(refused());
            }
            // A claim whose time is over gives nothing, and one that has begun gives it as long as it stands.
            if row.stage == Stage::Leased {
                let lease = store::lease::by_token(tx, token)?.ok_or_else(refused)?;
                let time = store::spool::seen_time(tx)?.0;
                if lease.until.is_some_and(|until| until <= time) {
                    return Err(refused());
                }
            }
            let documents = store::document::of_job(tx, job.id)?;
            let found = documents.into_iter().find(|one| one.sequence == document).ok_or_else(refused)?;
            let path = self.base().server(self.server()).join(&found.store_name);
            Ok(Source { path, transfer: found.transfer, identity: found.identity, sealed: found.sealed })
        })
    }

    /// Reads a token of ours.
    fn own_token(&self, token: &str) -> Option<(JobRef, u32)> {
        let (global, round) = of_token(token)?;
        (global.server == *self.server()).then_some((JobRef::Serial(global.serial), round))
    }
}

/// Whether nobody knows the digest of a copy. One that is encrypted has none: it is never read in place.
fn is_unread(document: &DocumentRow) -> bool {
    document.transfer == Transfer::Copy && document.digest.is_none() && document.sealed.is_none()
}

/// How long a job has waited for its turn, in spool time: clocks that were set do not count, nor does what it was held before
/// somebody started it.
fn waited_ms(tx: &Tx<'_>, job: &JobRow) -> Fallible<i64> {
    // No device of ours has a speed for it.
    let arrival = job.sort.key.saturating_sub(estimate_ms(job.work, USUAL_SPEED));
    Ok(store::spool::time(tx)?.0.saturating_sub(arrival).max(0))
}

fn runs(job: &JobRow) -> bool {
    job.wish == Wish::Run && job.reasons.is_empty() && job.lifetime.ending.is_none()
}

fn find(tx: &Tx<'_>, job: &JobRef, server: &ServerName) -> Fallible<Option<(JobRow, AwayRow)>> {
    let Some(job) = store::job::by_ref(tx, job, 0, server.as_str())? else { return Ok(None) };
    Ok(store::remote::away(tx, job.id)?.map(|row| (job, row)))
}

/// Finds a job that is away at that server in this round, and locks it.
fn standing(
    tx: &Tx<'_>,
    job: &JobRef,
    server: &ServerName,
    (at, round): (&ServerName, u32),
) -> Fallible<Option<(JobRow, AwayRow)>> {
    let Some(job) = store::job::to_change(tx, job, 0, server.as_str())? else { return Ok(None) };
    let row = store::remote::away(tx, job.id)?;
    Ok(row.filter(|row| row.server == *at && row.round == round && row.stage != Stage::Here).map(|row| (job, row)))
}

pub(super) fn hold(tx: &Tx<'_>, job: &JobRow, reason: HoldReason, text: &str) -> Fallible<()> {
    store::job::set_reasons(tx, job.id, job.reasons.with(reason), Some(text))?;
    let why = format!("{}: {text}", reason.words());
    record_with(&tx.spooler(), Object::Job(job.id), EventWord::Held, EventDetail::Hold(reason), &why)
}

/// Takes a job back of which nobody will tell any more whether it printed: it is held. Returns the files to erase after the commit.
fn lost(tx: &Tx<'_>, job: &JobRow, row: AwayRow, text: &str) -> Fallible<Vec<String>> {
    store::remote::set_away(tx, &AwayRow { stage: Stage::Here, shown: None, words: None, ..row })?;
    store::remote::take_back(tx, job.id, EntryState::Withdrawn, true)?;
    if job.wish != Wish::Cancel {
        hold(tx, job, HoldReason::MayHavePrinted, text)?;
    }
    end_if_cancelled(tx, job)
}

/// Takes a job back whose token is of no use any more. Returns the files to erase after the commit.
fn spent(tx: &Tx<'_>, job: &JobRow, row: AwayRow) -> Fallible<Vec<String>> {
    store::remote::set_away(tx, &AwayRow { stage: Stage::Here, shown: None, words: None, ..row })?;
    let state = if runs(job) { EntryState::Queued } else { EntryState::Withdrawn };
    store::remote::take_back(tx, job.id, state, false)?;
    end_if_cancelled(tx, job)
}

/// Ends a job that was cancelled while another server had it.
pub(super) fn end_if_cancelled(tx: &Tx<'_>, job: &JobRow) -> Fallible<Vec<String>> {
    if job.wish != Wish::Cancel {
        return Ok(Vec::new());
    }
    let ending = job.lifetime.ending.unwrap_or(Ending::CancelledByUser);
    Spool::end(tx, job, None, "cancelled", ending)
}

/// Records what became of a job at another server. Returns the files to erase after the commit.
fn over(
    tx: &Tx<'_>,
    job: &JobRow,
    row: &AwayRow,
    (outcome, device, begun): (&str, Option<&str>, bool),
) -> Fallible<Vec<String>> {
    let shown = row.device.guardian();
    let note = |what: EventWord, why: &str| record(&tx.spooler(), Object::Job(job.id), what, why);
    let delivery =
        [Delivery::Transferred, Delivery::Sent, Delivery::Confirmed].into_iter().find(|d| d.word() == outcome);
    let Some(delivery) = delivery else {
        if begun && job.wish != Wish::Cancel {
            note(
                EventWord::PossibleDuplicate,
                &format!("pages of it may be on paper at {shown}: possible duplicate pages starting at 1"),
            )?;
        }
        // It was stopped there because it was asked back: that its end is a cancellation does not mean that somebody deleted it.
        let returned = begun || outcome == PeerFate::GIVEN_BACK;
        let requeued = returned && runs(job);
        let state = if requeued { EntryState::Queued } else { EntryState::Withdrawn };
        store::remote::take_back(tx, job.id, state, begun)?;
        note(EventWord::Returned, &format!("{}: {outcome}", row.server))?;
        if job.wish == Wish::Cancel || returned || !runs(job) {
            return end_if_cancelled(tx, job);
        }
        match outcome {
            PeerFate::ABORTED => note(
                EventWord::Deleted,
                &format!("it failed on {shown}, whose queue keeps no job that failed: {} has the reason", row.server),
            )?,
            PeerFate::DISCARDED => note(EventWord::Deleted, &format!("its discard time has come on {}", row.server))?,
            _ => {}
        }
        let ending = match outcome {
            PeerFate::ABORTED => Ending::Aborted,
            // Somebody deleted it there.
            _ => Ending::CancelledByOperator,
        };
        return Spool::end(tx, job, None, "cancelled", ending);
    };
    store::remote::take_back(tx, job.id, EntryState::Done, false)?;
    let at = device.map_or_else(String::new, |device| format!(" ({device})"));
    note(delivery.word().into(), &format!("by {}{at}", row.server))?;
    store::tally::printed(tx)?;
    if job.wish != Wish::Cancel && (job.hold_after || !job.reasons.is_empty()) {
        let text = match job.hold_after {
            true => AFTER_PRINTING.to_owned(),
            false => format!("{PRINTED_COMPLETELY} on {shown} ({outcome})"),
        };
        let reasons = if job.hold_after { job.reasons.with(HoldReason::Operator) } else { job.reasons };
        let reasons = printed_and_held(tx, job, reasons, (outcome, Some(&shown)))?;
        store::job::set_reasons(tx, job.id, reasons, Some(&text))?;
        record_with(&tx.spooler(), Object::Job(job.id), EventWord::Held, EventDetail::HoldAfter, &text)?;
        return store::outbox::stays(tx, job.id, None).map(|()| Vec::new());
    }
    // It was cancelled while its last octets were on their way, but it did print.
    if job.lifetime.ending.is_some() {
        store::lifetime::set_ending(tx, job.id, None)?;
    }
    let mut job = job.clone();
    job.lifetime.ending = None;
    Spool::end(tx, &job, Some(&shown), outcome, Ending::of_delivery(outcome))
}
