//! Checks, before the first octet, that the print file is still the document that was accepted
//! (docs/reference/spooler.md 5).
//!
//! A copy must be what it was: by inode, size and time, or else by its digest. A copy without a digest (large and not
//! text) passes if size and time are the same, because a spool that was moved or restored has other inodes; the record
//! says so. A damaged copy goes to `corrupt/` with the reason beside it, and is never deleted. A link must name the
//! same file as before; a file that was edited in place is printed as it is now. A crash between the move and the end
//! of the attempt leaves the copy in `corrupt/`, where the next attempt finds it.
//!
//! A copy that is encrypted must have its length, and each chunk of it proves itself when it is read. Where the key of the server is not here its
//! job is held and says so; the file stays where it is.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;

use super::pieces::{HEAD, Source};
use crate::documents::{PrintFile, Sheet};
use crate::fastp::content::boundary::Speech;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::device::helpers::HelperKind;
use crate::model::DocumentId;
use crate::model::device::DeviceSettings;
use crate::model::job::{Identity, RawPath, Transfer};
use crate::model::state::HoldReason;
use crate::spool::disk::aside::put_aside;
use crate::spool::disk::document_key::{self, Unreadable};
use crate::spool::interface::engine::{Claim, ClaimedDocument};
use crate::sys::files;

/// The directory of files of other servers.
const FETCHED: &str = "pdb";

/// How long opening the target of a link may take: its file system may not answer.
const OPENING: Duration = Duration::from_secs(30);

/// Remark for a link whose file was written to.
pub const EDITED: &str = "edited in place since it was submitted";

/// Remark for a copy that is another file than the accepted one, with no digest to identify it.
pub const MOVED: &str = "its file was moved or restored; it carries no digest";

/// Opens every document of a claim and checks it. Returns the sources, and a remark for the record.
///
/// # Errors
/// Returns [`PrintError::Document`] for a document that must not be printed, and other errors as they come.
pub fn examine(
    claim: &Claim,
    device: &DeviceSettings,
    control: &mut AttemptControl<'_>,
) -> Result<(Vec<Source>, Option<String>), PrintError> {
    // Of what may be on paper already, nothing is sent before its digest is known to be right.
    let (mut sources, mut remark) = examine_all(&claim.documents, !claim.possible_duplicate, control)?;
    for (source, document) in sources.iter_mut().zip(&claim.documents) {
        let Some(selected) = &document.selected else { continue };
        let sheet = Sheet::of(device.layout());
        super::select::cut(source, selected, sheet, device.content_raw, control)?;
        source.look().map_err(|error| damaged(source, &format!("cannot be read: {error}")))?;
        remark.get_or_insert_with(|| format!("document {}: pages {selected} alone", source.sequence));
    }
    Ok((sources, remark))
}

/// Does the same for the font that is sent ahead of the job. A font that must not be printed holds the job: it would look
/// other than it is meant to.
///
/// # Errors
/// As [`examine`].
pub fn examine_font(claim: &Claim, control: &mut AttemptControl<'_>) -> Result<Vec<Source>, PrintError> {
    match examine_all(&claim.font, false, control) {
        Ok((sources, _)) => Ok(sources),
        Err(PrintError::Document { text, moved, .. }) => {
            let text = format!("the font of its location cannot be sent: {text}");
            Err(PrintError::Document { reason: HoldReason::Failed, text, moved })
        }
        Err(other) => Err(other),
    }
}

fn examine_all(
    documents: &[ClaimedDocument],
    may_arrive: bool,
    control: &mut AttemptControl<'_>,
) -> Result<(Vec<Source>, Option<String>), PrintError> {
    let mut sources = Vec::with_capacity(documents.len());
    let mut remark = None;
    for document in documents {
        control.check()?;
        let mut arrival = None;
        let ((file, octets), word) = match document.transfer {
            _ if let Some(origin) = &document.origin => {
                let opened = super::remote::open(document, origin, may_arrive, control)?;
                arrival = opened.arrival;
                ((opened.file, opened.octets), None)
            }
            Transfer::Copy => copy(document, control)?,
            Transfer::Link => {
                let found = link(document, control)?;
                let word = edited(&document.identity, &found.1).then(|| format!("was {EDITED}"));
                ((found.0.into(), found.1.size), word)
            }
        };
        if let Some(word) = word {
            remark.get_or_insert_with(|| format!("document {} {word}", document.sequence));
        }
        let mut source = Source {
            document: document.id,
            sequence: document.sequence,
            path: document.path.clone(),
            transfer: document.transfer,
            file,
            size: arrival.as_ref().map_or(octets, super::remote::Arrival::octets),
            arrival,
            made: None,
            copies: document.copies,
            format: document.format,
            origin: document.format_origin,
            lead: 0,
            ends_at_top: false,
            unfinished: false,
            bare_line_feeds: false,
            speech: Speech::Other,
        };
        let look = |source: &mut Source| {
            let looked = source.look();
            looked.map_err(|error| damaged(source, &format!("cannot be read: {error}")))
        };
        source.demand(HEAD as u64, control)?;
        look(&mut source)?;
        if source.speech == Speech::Text && source.arrival.is_some() {
            // How a text ends decides what stands before it.
            source.demand_whole(control)?;
            look(&mut source)?;
        }
        sources.push(source);
    }
    Ok((sources, remark))
}

/// Decides what to do about a source that ended or failed while it was sent.
pub fn damaged(source: &Source, what: &str) -> PrintError {
    let text = format!("document {} {what}", source.sequence);
    if let Some(made) = &source.made {
        // The print file is as it was.
        let text = format!("{text}, as {} made it", made.program);
        return PrintError::Document { reason: HoldReason::Failed, text, moved: None };
    }
    if source.path.0.parent().is_some_and(|dir| dir.ends_with(FETCHED)) {
        // Its server has another copy of it.
        return PrintError::Document { reason: HoldReason::Unreachable, text, moved: None };
    }
    match source.transfer {
        Transfer::Copy => corrupt(source.document, source.path.as_ref(), text),
        Transfer::Link => PrintError::Document { reason: HoldReason::Changed, text, moved: None },
    }
}

fn edited(before: &Identity, now: &Identity) -> bool {
    (before.size, before.mtime_ns) != (now.size, now.mtime_ns)
}

/// Whether an error is about us and not about the file.
pub(crate) fn ours(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EINTR | libc::EAGAIN))
}

/// Opens a copy and checks it; may return a remark in words that follow "document n".
fn copy(
    document: &ClaimedDocument,
    control: &mut AttemptControl<'_>,
) -> Result<((PrintFile, u64), Option<String>), PrintError> {
    let path: &Path = document.path.as_ref();
    let bad = |what: &str| corrupt(document.id, path, format!("document {} {what}", document.sequence));
    let cannot = |error: io::Error| {
        if ours(&error) {
            return PrintError::Device(Fault::of("cannot open the print file", &error));
        }
        match error.kind() {
            io::ErrorKind::NotFound => bad("is missing from the server's directory"),
            io::ErrorKind::PermissionDenied => PrintError::Document {
                reason: HoldReason::Failed,
                text: format!("document {} cannot be opened: permission denied", document.sequence),
                moved: None,
            },
            _ => bad(&format!("cannot be read: {error}")),
        }
    };
    let meta = std::fs::symlink_metadata(path).map_err(cannot)?;
    if !meta.is_file() {
        return Err(bad("is no regular file any more"));
    }
    let file = files::open_regular(path).map_err(cannot)?;
    let now = files::identity(&file).map_err(cannot)?;
    let known = &document.identity;
    if let Some(sealed) = &document.sealed {
        let key = document_key::open_key(path, sealed).map_err(|why| without_key(document, &why))?;
        return match PrintFile::open(file, Some(&key), known.size) {
            Ok(file) => Ok(((file, known.size), None)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(bad(&error.to_string())),
            Err(error) => Err(cannot(error)),
        };
    }
    // Device numbers may differ after a reboot or on another host, times after a restore: then the octets decide.
    if (known.ino, known.size, known.mtime_ns) == (now.ino, now.size, now.mtime_ns) {
        return Ok(((file.into(), now.size), None));
    }
    if now.size != known.size {
        return Err(bad(&format!("has {} octets instead of {}", now.size, known.size)));
    }
    let Some(digest) = document.digest else {
        // Are size and time proof enough? What moves or restores a spool keeps both, and what damages a file in place
        // keeps its inode: that is as strict as the check of a copy that never moved.
        if known.mtime_ns == now.mtime_ns {
            return Ok(((file.into(), now.size), Some(format!("was printed: {MOVED}"))));
        }
        return Err(bad("is another file than the one that was accepted, and has no digest to prove it by"));
    };
    if hash(&file, control)?.map_err(cannot)? == digest {
        Ok(((file.into(), now.size), None))
    } else {
        Err(bad("does not hold what was accepted: its digest differs"))
    }
}

/// Says that a document cannot be read without a key. It stays where it is, and START tries it again. What is short for a moment is tried
/// again without that.
pub(super) fn without_key(document: &ClaimedDocument, why: &Unreadable) -> PrintError {
    if let Unreadable::Io(path, error) = why
        && ours(error)
    {
        return PrintError::Device(Fault::of(format!("cannot read {}", path.display()), error));
    }
    let text = format!("document {} {why}: {}", document.sequence, Unreadable::CURE);
    PrintError::Document { reason: HoldReason::Failed, text, moved: None }
}

pub(super) fn hash(file: &File, control: &mut AttemptControl<'_>) -> Result<io::Result<[u8; 32]>, PrintError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0u8; 256 * 1024];
    let mut at = 0;
    loop {
        control.check()?;
        match files::read_full_at(file, &mut buffer, at) {
            Ok(0) => return Ok(Ok(*hasher.finalize().as_bytes())),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                at += n as u64;
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn link(document: &ClaimedDocument, control: &mut AttemptControl<'_>) -> Result<(File, Identity), PrintError> {
    let hold = |reason, what: &str| PrintError::Document {
        reason,
        text: format!("document {}: {what}", document.sequence),
        moved: None,
    };
    let path: PathBuf = document.path.0.clone();
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_symlink() => {}
        Ok(_) => return Err(hold(HoldReason::Changed, "its link is no link any more")),
        Err(error) => return Err(hold(HoldReason::Failed, &format!("its link cannot be read: {error}"))),
    }
    let target = std::fs::read_link(&path).unwrap_or_default();
    let target = RawPath(target);
    let look = |file: File| files::identity(&file).map(|now| (file, now));
    let opened = match files::open_at_hand(&path) {
        Some(file) => Some(look(file)),
        None => control.in_helper(HelperKind::Document, OPENING, move || files::open_regular(&path).and_then(look))?,
    };
    let (file, now) = match opened {
        None => return Err(hold(HoldReason::Failed, &format!("{target} could not be opened within 30 seconds"))),
        Some(Err(error)) if ours(&error) => {
            return Err(PrintError::Device(Fault::of("cannot open the linked document", &error)));
        }
        Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(hold(HoldReason::Changed, &format!("{target} is no regular file any more")));
        }
        Some(Err(error)) => return Err(hold(HoldReason::Failed, &format!("{target} cannot be opened: {error}"))),
        Some(Ok(found)) => found,
    };
    if !now.same_file(&document.identity) {
        return Err(hold(
            HoldReason::Changed,
            &format!("{target} is another file now; START prints the one that is there then"),
        ));
    }
    Ok((file, now))
}

/// Moves a damaged copy aside and returns the error that says so.
fn corrupt(id: DocumentId, path: &Path, text: String) -> PrintError {
    let (moved, text) = match put_aside(path, &text) {
        Ok(moved) => (moved.map(|to| (id, RawPath(to))), text),
        Err(error) => (None, format!("{text}; it could not be moved to corrupt: {error}")),
    };
    PrintError::Document { reason: HoldReason::Corrupt, text, moved }
}
