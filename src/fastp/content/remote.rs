//! Documents of jobs that another server handed over: read in place, or fetched.
//!
//! The order is: a file that was fetched before, not erased yet, and proved by its digest; the file of the other server, where this
//! process can really read it and its digest is right; the server here fetches it. Where none of these helps the job waits, with the
//! reason, until the other server answers; other jobs go on.
//!
//! Is a fetched file that lies there whole? Not after a power loss: it has its name, and its octets were never synced. So an earlier
//! one is a cache. It is taken when it has the size and the digest that the document had when it was accepted. A link has no digest:
//! its file is always fetched anew.
//!
//! One that is encrypted at its own server is never used there in place, and lies here encrypted too, with a key of ours. It has no digest that
//! is kept: it is fetched anew after a crash, and what arrives is compared with the digest that the other server tells at its end.
//!
//! A large stream is sent while it arrives ([`Arrival`]), to a device that can wait for the rest. Its last octets stay here until all of it is
//! there and its digest is right, so nothing is recorded as printed, and no printer has a whole document, before that. Where it does not come
//! to that the connection is cut, what was sent is announced as a possible duplicate, and the next attempt begins when the whole file is there:
//! a file that is wrong spoils paper once. A text is fetched first: how it ends decides what stands before it.

use std::cell::RefCell;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use super::identity::{hash, without_key};
use super::pieces::Source;
use crate::client::fetch;
use crate::documents::{PrintFile, SealedFile};
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::device::helpers::HelperKind;
use crate::model::job::{Identity, Transfer};
use crate::model::remote::DocumentOrigin;
use crate::model::state::HoldReason;
use crate::model::wait::Wait;
use crate::spool::disk::document_key;
use crate::spool::interface::engine::{Claim, ClaimedDocument};
use crate::spool::remote::asking::{self, Answer, Question};
use crate::spool::remote::fetched;
use crate::sys::{fault, files};

/// How long looking for the file of another server may take: its file system may not answer.
const LOOKING: Duration = Duration::from_secs(30);
/// How long the answer to BEGIN may take; the server here gives up earlier.
const BEGINNING: Duration = Duration::from_secs(60);
/// How long a file may take to arrive. The server here gives up much earlier when nothing arrives.
const FETCHING: Duration = Duration::from_secs(24 * 3600);

/// What fits into this arrives before it is sent: it takes no longer.
const SMALL: u64 = 1 << 20;
/// Octets at the end that are kept back until the digest is right.
const END: u64 = 64 << 10;
/// How long it is waited for more before that is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// A document of another server that is open.
pub struct Opened {
    /// Its file.
    pub file: PrintFile,
    /// The octets of the document, where all of it is there.
    pub octets: u64,
    /// How it arrives, where not all of it is there.
    pub arrival: Option<Arrival>,
}

/// A file that is sent while it arrives.
#[derive(Debug)]
pub struct Arrival {
    octets: u64,
    /// What the server here says of it; none when all of it is there.
    news: RefCell<Option<fetch::Arriving>>,
    /// How to say which document it is, and where it comes from.
    what: String,
}

impl Arrival {
    /// Returns how many octets it will have.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Returns how many octets of the file can be sent.
    fn there(&self, file: &PrintFile) -> Result<u64, PrintError> {
        let mut news = self.news.borrow_mut();
        let Some(arriving) = news.as_mut() else { return Ok(self.octets) };
        if arriving.is_whole().map_err(|why| unreachable_file(&self.what, &why))? {
            *news = None;
            return Ok(self.octets);
        }
        let length = file.there().map_err(|error| unreachable_file(&self.what, &error.to_string()))?;
        Ok(length.min(self.octets.saturating_sub(END)))
    }

    /// Waits until more than `at` octets of the file can be sent, and returns how many.
    fn await_more(&self, file: &PrintFile, at: u64, control: &mut AttemptControl<'_>) -> Result<u64, PrintError> {
        loop {
            let there = self.there(file)?;
            if there > at || there == self.octets {
                control.set_waiting_for(None);
                return Ok(there);
            }
            let news = self.news.borrow();
            if let Some(arriving) = news.as_ref()
                && !control.wait_for_source(arriving.as_fd(), SHOWN_AFTER)?
            {
                control.set_waiting_for(Some(Wait::PrintFile));
            }
        }
    }
}

impl Source {
    /// Waits until octets behind `at` are there, and returns up to where it can be sent.
    ///
    /// # Errors
    /// When it does not arrive, or the attempt is to end.
    pub fn ready_from(&self, at: u64, control: &mut AttemptControl<'_>) -> Result<u64, PrintError> {
        match &self.arrival {
            Some(arrival) => arrival.await_more(&self.file, at, control),
            None => Ok(self.size),
        }
    }

    /// Waits until its first `octets` octets are there, or all of it where it has fewer.
    ///
    /// # Errors
    /// As [`Source::ready_from`].
    pub fn demand(&self, octets: u64, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match octets.min(self.size) {
            0 => Ok(()),
            octets => self.ready_from(octets - 1, control).map(drop),
        }
    }

    /// Waits until all of it is there.
    ///
    /// # Errors
    /// As [`Source::ready_from`].
    pub fn demand_whole(&self, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        self.demand(self.size, control)
    }
}

fn unreachable_file(what: &str, why: &str) -> PrintError {
    PrintError::Document { reason: HoldReason::Unreachable, text: format!("{what}: {why}"), moved: None }
}

/// Tells whether a document may be sent while it arrives.
fn is_stream(document: &ClaimedDocument) -> bool {
    document.octets > SMALL && !document.format.is_text()
}

/// Opens a document of another server; it may still arrive where that is allowed.
pub fn open(
    document: &ClaimedDocument,
    origin: &DocumentOrigin,
    may_arrive: bool,
    control: &mut AttemptControl<'_>,
) -> Result<Opened, PrintError> {
    let path = document.path.0.clone();
    let what = format!("document {} lies at server {}", document.sequence, origin.server);
    let open_at = |path: &Path| {
        let file = files::open_regular(path).ok()?;
        let now = files::identity(&file).ok()?;
        Some((file, now))
    };
    let key = match &document.sealed {
        None => None,
        Some(sealed) => Some(document_key::open_key(&path, sealed).map_err(|why| without_key(document, &why))?),
    };
    let whole = |(file, now): (File, Identity)| Opened { file: file.into(), octets: now.size, arrival: None };
    let fetched_whole = |(file, now): (File, Identity)| {
        let octets = if key.is_some() { document.octets } else { now.size };
        let file = PrintFile::open(file, key.as_ref(), octets);
        let file = file.map_err(|error| unreachable_file(&what, &format!("it was fetched, and {error}")))?;
        Ok(Opened { file, octets, arrival: None })
    };
    if let Some((file, now)) = open_at(&path) {
        match proved(document, &file, &now, control)? {
            true => return Ok(whole((file, now))),
            false => fetched::erase(&path),
        }
    }
    if let Some(found) = in_place(document, origin, control)? {
        return Ok(whole(found));
    }
    let (place, id, streams) = (origin.fetcher.0.clone(), document.id, may_arrive && is_stream(document));
    let asked = control.in_helper(HelperKind::Document, FETCHING, move || match streams {
        true => fetch::stream(&place, id),
        false => fetch::fetch(&place, id).map(|()| fetch::Fetched::Whole),
    })?;
    let why = match asked {
        Some(Ok(fetch::Fetched::Whole)) => match open_at(&path) {
            Some(found) => return fetched_whole(found),
            None => "it was fetched, and is gone again".to_owned(),
        },
        Some(Ok(fetch::Fetched::Arriving(arriving))) => {
            // It may have its name by now.
            let found = open_at(&path.with_file_name(&arriving.name)).or_else(|| open_at(&path));
            match found {
                Some((file, _)) => {
                    let (octets, news) = (arriving.octets, RefCell::new(Some(arriving)));
                    let file = match &key {
                        None => Ok(file.into()),
                        Some(key) => SealedFile::open_arriving(file, key, octets).map(Box::new).map(PrintFile::Sealed),
                    };
                    let file = file.map_err(|error| unreachable_file(&what, &format!("it arrives, and {error}")))?;
                    return Ok(Opened { file, octets, arrival: Some(Arrival { octets, news, what }) });
                }
                None => "it arrived, and is gone again".to_owned(),
            }
        }
        Some(Err(why)) => why,
        None => "it did not arrive in time".to_owned(),
    };
    Err(unreachable_file(&what, &why))
}

/// Asks whether the first octet of a job may leave that another server holds. When this returns, that server has it on its disk
/// that the job begins. A server that does not answer keeps the job waiting; a claim that is over gives the job back.
pub fn demand_begin(claim: &Claim, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
    let Some(place) = claim.asks.clone() else { return Ok(()) };
    let job = claim.job;
    fault::point("before-begin");
    let asked =
        control.in_helper(HelperKind::Document, BEGINNING, move || asking::ask(&place.0, &Question::Begin(job)))?;
    let why = match asked {
        Some(Ok(Answer::Begins)) => {
            fault::point("may-begin");
            return Ok(());
        }
        Some(Ok(Answer::Over(_))) => return Err(PrintError::Stop),
        Some(Ok(Answer::Later(why)) | Err(why)) => why,
        Some(Ok(Answer::Failed(failure))) => failure.message,
        Some(Ok(_)) => "the server here answers something else than it was asked".to_owned(),
        None => "nobody said in time that it may begin".to_owned(),
    };
    Err(PrintError::Document {
        reason: HoldReason::Unreachable,
        text: format!("its owner has to know that it begins: {why}"),
        moved: None,
    })
}

/// Tells whether a file that was fetched earlier is the document, every octet of it.
fn proved(
    document: &ClaimedDocument,
    file: &File,
    now: &Identity,
    control: &mut AttemptControl<'_>,
) -> Result<bool, PrintError> {
    match document.digest {
        Some(digest) if document.transfer == Transfer::Copy && now.size == document.identity.size => {
            Ok(hash(file, control)?.is_ok_and(|found| found == digest))
        }
        _ => Ok(false),
    }
}

/// Opens the file at its own server, where that can be done and its digest is right.
fn in_place(
    document: &ClaimedDocument,
    origin: &DocumentOrigin,
    control: &mut AttemptControl<'_>,
) -> Result<Option<(File, Identity)>, PrintError> {
    let Some(digest) = document.digest else { return Ok(None) };
    let (place, known) = (origin.clone(), document.identity.clone());
    let looked = control.in_helper(HelperKind::Document, LOOKING, move || fetched::open_in_place(&place, &known))?;
    let found = match looked {
        Some(Ok(found)) => found,
        Some(Err(error)) if super::identity::ours(&error) => {
            return Err(PrintError::Device(Fault::of("cannot open the print file", &error)));
        }
        _ => None,
    };
    let Some((file, now)) = found else { return Ok(None) };
    match hash(&file, control)? {
        Ok(found) if found == digest => Ok(Some((file, now))),
        _ => Ok(None),
    }
}

/// Erases what was fetched for a job that leaves its device.
pub fn erase(claim: &Claim) {
    for document in claim.documents.iter().chain(&claim.font).filter(|document| document.origin.is_some()) {
        fetched::erase(&document.path.0);
    }
}
