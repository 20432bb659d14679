//! Documents of jobs that another server handed over: read in place, or fetched.
//!
//! The order is: a file that was fetched before, not erased yet, and proved by its digest; the file of the other server, where this
//! process can really read it and its digest is right; the server here fetches it. Where none of these helps the job waits, with the
//! reason, until the other server answers; other jobs go on.
//!
//! Is a fetched file that lies there whole? Not after a power loss: it has its name, and its octets were never synced. So an earlier
//! one is a cache. It is taken when it has the size and the digest that the document had when it was accepted. A link has no digest:
//! its file is always fetched anew.

use std::fs::File;
use std::time::Duration;

use super::identity::hash;
use crate::client::fetch;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::device::helpers::HelperKind;
use crate::model::job::{Identity, Transfer};
use crate::model::remote::DocumentOrigin;
use crate::model::state::HoldReason;
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

/// Opens a document of another server.
pub fn open(
    document: &ClaimedDocument,
    origin: &DocumentOrigin,
    control: &mut AttemptControl<'_>,
) -> Result<(File, Identity), PrintError> {
    let path = document.path.0.clone();
    let whole = || {
        let file = files::open_regular(&path).ok()?;
        let now = files::identity(&file).ok()?;
        Some((file, now))
    };
    if let Some((file, now)) = whole() {
        match proved(document, &file, &now, control)? {
            true => return Ok((file, now)),
            false => fetched::erase(&path),
        }
    }
    if let Some(found) = in_place(document, origin, control)? {
        return Ok(found);
    }
    let (place, id) = (origin.fetcher.0.clone(), document.id);
    let asked = control.in_helper(HelperKind::Document, FETCHING, move || fetch::fetch(&place, id))?;
    let why = match asked {
        Some(Ok(())) => match whole() {
            Some(found) => return Ok(found),
            None => "it was fetched, and is gone again".to_owned(),
        },
        Some(Err(why)) => why,
        None => "it did not arrive in time".to_owned(),
    };
    Err(PrintError::Document {
        reason: HoldReason::Unreachable,
        text: format!("document {} lies at server {}: {why}", document.sequence, origin.server),
        moved: None,
    })
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
