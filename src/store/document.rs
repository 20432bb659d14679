//! Rows of documents.

use std::collections::BTreeMap;

use crate::model::job::{Format, FormatOrigin, Identity, RawPath, Transfer, WrappedKey};
use crate::model::{DocumentId, JobId};

use super::tally::{self, Counts};
use super::value::{Bits, columns, values};
use super::{Fallible, Row, Tx};

/// A document as stored.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// Identity.
    pub id: DocumentId,
    /// From 1.
    pub sequence: u32,
    /// The name the user gave.
    pub file_name: RawPath,
    /// Its file in the server's directory; after damage `corrupt/…`.
    pub store_name: String,
    /// Copy or link.
    pub transfer: Transfer,
    /// What the link holds.
    pub link_target: Option<RawPath>,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub format_origin: FormatOrigin,
    /// What it was recognised as.
    pub recognised: Format,
    /// Pages.
    pub pages: Option<u64>,
    /// Lines.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
    /// The server in whose directory its file lies: the identity is of that host.
    pub server: String,
    /// What the file was.
    pub identity: Identity,
    /// Digest, where it was taken; of one that is encrypted none is kept.
    pub digest: Option<[u8; 32]>,
    /// Its wrapped key, where its file is encrypted.
    pub sealed: Option<WrappedKey>,
    /// Its file at the server that it came from, and the spool there; none for one of ours.
    pub origin: Option<(RawPath, String)>,
}

impl DocumentRow {
    /// Whether its file is a copy that is not encrypted.
    pub fn lies_in_clear(&self) -> bool {
        self.transfer == Transfer::Copy && self.sealed.is_none()
    }
}

/// What displays of jobs show of a document.
#[derive(Clone, Debug)]
pub struct ShownRow {
    /// Identity.
    pub id: DocumentId,
    /// From 1.
    pub sequence: u32,
    /// The name the user gave.
    pub file_name: RawPath,
    /// Its file in the server's directory; after damage `corrupt/…`.
    pub store_name: String,
    /// Copy or link.
    pub transfer: Transfer,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub format_origin: FormatOrigin,
    /// Octets.
    pub octets: u64,
    /// Pages.
    pub pages: Option<u64>,
    /// Lines.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
    /// The server that it came from, and its file there; none for one of ours.
    pub origin: Option<(String, RawPath)>,
}

columns!(at {
    id,
    sequence,
    file_name,
    store_name,
    transfer,
    link_target,
    format,
    octets,
    pages,
    lines,
    copies,
    server,
    dev,
    ino,
    birth_ns,
    mtime_ns,
    ctime_ns,
    digest,
    format_origin,
    recognised,
    origin_path,
    origin_spool,
    sealed,
});

fn read(row: &Row<'_>) -> Fallible<DocumentRow> {
    Ok(DocumentRow {
        id: row.get(at::id)?,
        sequence: row.get(at::sequence)?,
        file_name: row.get(at::file_name)?,
        store_name: row.get(at::store_name)?,
        transfer: row.get(at::transfer)?,
        link_target: row.get(at::link_target)?,
        format: row.get(at::format)?,
        format_origin: row.get(at::format_origin)?,
        recognised: row.get(at::recognised)?,
        pages: row.get(at::pages)?,
        lines: row.get(at::lines)?,
        copies: row.get(at::copies)?,
        server: row.get(at::server)?,
        identity: Identity {
            dev: row.get::<Bits>(at::dev)?.0,
            ino: row.get::<Bits>(at::ino)?.0,
            birth_ns: row.get(at::birth_ns)?,
            size: row.get(at::octets)?,
            mtime_ns: row.get(at::mtime_ns)?,
            ctime_ns: row.get(at::ctime_ns)?,
        },
        digest: row.get(at::digest)?,
        sealed: row.get(at::sealed)?,
        origin: match row.get::<Option<RawPath>>(at::origin_path)? {
            Some(path) => Some((path, row.get::<Option<String>>(at::origin_spool)?.unwrap_or_default())),
            None => None,
        },
    })
}

/// Returns the documents of a job, in order.
pub(crate) fn of_job(tx: &Tx<'_>, job: JobId) -> Fallible<Vec<DocumentRow>> {
    let sql = made_once!("SELECT {} FROM document WHERE job_id = ? ORDER BY sequence", at::LIST);
    tx.rows(sql, values![job], read)
}

columns!(look {
    job_id,
    id,
    sequence,
    file_name,
    store_name,
    transfer,
    format,
    format_origin,
    octets,
    pages,
    lines,
    copies,
    server,
    origin_path
});

/// Returns what displays show of the documents of the jobs from `first` to `last`, of each job in order.
pub(crate) fn shown(tx: &Tx<'_>, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<ShownRow>>> {
    let mut found: BTreeMap<JobId, Vec<ShownRow>> = BTreeMap::new();
    tx.each(
        made_once!("SELECT {} FROM document WHERE job_id BETWEEN ? AND ? ORDER BY job_id, sequence", look::LIST),
        values![first, last],
        |row| {
            // Most jobs have one document.
            found.entry(row.get(look::job_id)?).or_insert_with(|| Vec::with_capacity(1)).push(ShownRow {
                id: row.get(look::id)?,
                sequence: row.get(look::sequence)?,
                file_name: row.get(look::file_name)?,
                store_name: row.get(look::store_name)?,
                transfer: row.get(look::transfer)?,
                format: row.get(look::format)?,
                format_origin: row.get(look::format_origin)?,
                octets: row.get(look::octets)?,
                pages: row.get(look::pages)?,
                lines: row.get(look::lines)?,
                copies: row.get(look::copies)?,
                origin: match row.get::<Option<RawPath>>(look::origin_path)? {
                    Some(path) => Some((row.get(look::server)?, path)),
                    None => None,
                },
            });
            Ok(())
        },
    )?;
    Ok(found)
}

pub(super) const INSERT: &str = "INSERT INTO document (job_id, sequence, file_name, store_name, transfer, link_target, format, octets, pages, lines,
             copies, server, dev, ino, birth_ns, mtime_ns, ctime_ns, digest, format_origin, recognised, origin_path,
             origin_spool, sealed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Inserts documents; their `id`s are ignored.
pub(crate) fn insert_all(tx: &Tx<'_>, job: JobId, documents: &[DocumentRow]) -> Fallible<()> {
    tally::add(tx, insert(tx, job, documents)?)
}

/// Inserts them, and returns what is to be counted.
pub(super) fn insert(tx: &Tx<'_>, job: JobId, documents: &[DocumentRow]) -> Fallible<Counts> {
    let mut counts = Counts::default();
    for document in documents {
        insert_one(tx, job, document)?;
        let octets = super::job::octets(document.identity.size);
        counts = counts.and(Counts::of_document(document.transfer, &document.store_name, octets));
    }
    Ok(counts)
}

fn insert_one(tx: &Tx<'_>, job: JobId, d: &DocumentRow) -> Fallible<()> {
    tx.run(
        INSERT,
        values![
            job,
            d.sequence,
            d.file_name,
            d.store_name,
            d.transfer,
            d.link_target,
            d.format,
            d.identity.size,
            d.pages,
            d.lines,
            d.copies,
            d.server,
            Bits(d.identity.dev),
            Bits(d.identity.ino),
            d.identity.birth_ns,
            d.identity.mtime_ns,
            d.identity.ctime_ns,
            d.digest,
            d.format_origin,
            d.recognised,
            d.origin.as_ref().map(|origin| &origin.0),
            d.origin.as_ref().map(|origin| origin.1.as_str()),
            d.sealed
        ],
    )?;
    Ok(())
}

/// Stores what a document is taken for, by whom that was said, and the lines and pages that follow.
pub(crate) fn set_format(tx: &Tx<'_>, d: &DocumentRow) -> Fallible<()> {
    tx.change(
        "the document",
        "UPDATE document SET format = ?, format_origin = ?, lines = ?, pages = ? WHERE id = ?",
        values![d.format, d.format_origin, d.lines, d.pages, d.id],
    )
}

/// Follows a damaged document to where it was put.
pub(crate) fn set_store_name(tx: &Tx<'_>, id: DocumentId, store_name: &str) -> Fallible<()> {
    tx.change("the document", "UPDATE document SET store_name = ? WHERE id = ?", values![store_name, id])
}

/// Tells whether a file in the server's directory belongs to a document.
pub(crate) fn refers_to(tx: &Tx<'_>, store_name: &str) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM document WHERE store_name = ?", values![store_name])
}

columns!(owner { job_id, id });

/// Returns the job and the document that a file in the server's directory belongs to.
pub(crate) fn owner_of(tx: &Tx<'_>, store_name: &str) -> Fallible<Option<(JobId, DocumentId)>> {
    let sql = made_once!("SELECT {} FROM document WHERE store_name = ?", owner::LIST);
    tx.one(sql, values![store_name], |row| Ok((row.get(owner::job_id)?, row.get(owner::id)?)))
}

/// Takes another file of the same name as the one that was put back: the octets are those that were accepted.
pub(crate) fn set_place(tx: &Tx<'_>, store_name: &str, identity: &Identity) -> Fallible<()> {
    tx.run(
        "UPDATE document SET dev = ?, ino = ?, birth_ns = ?, mtime_ns = ?, ctime_ns = ? WHERE store_name = ?",
        values![
            Bits(identity.dev),
            Bits(identity.ino),
            identity.birth_ns,
            identity.mtime_ns,
            identity.ctime_ns,
            store_name
        ],
    )?;
    Ok(())
}

/// Notes that the file of a document is encrypted now, and lies under another name. What was known of the octets in clear is forgotten.
/// Returns whether the document still had the file `was`.
pub(crate) fn set_sealed(
    tx: &Tx<'_>,
    (id, was): (DocumentId, &str),
    store_name: &str,
    identity: &Identity,
    key: &WrappedKey,
) -> Fallible<bool> {
    let changed = tx.run(
        "UPDATE document SET store_name = ?, dev = ?, ino = ?, birth_ns = ?, mtime_ns = ?, ctime_ns = ?, digest = NULL, sealed = ?
         WHERE id = ? AND store_name = ?",
        values![
            store_name,
            Bits(identity.dev),
            Bits(identity.ino),
            identity.birth_ns,
            identity.mtime_ns,
            identity.ctime_ns,
            key,
            id,
            was
        ],
    )?;
    Ok(changed > 0)
}

/// Destroys the keys of the documents of a job. Its rows go next; what is overwritten first is not found in what is left of them.
pub(super) fn destroy_keys(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    let nothing = WrappedKey(vec![0; WrappedKey::OCTETS]);
    tx.run("UPDATE document SET sealed = ? WHERE job_id = ? AND sealed IS NOT NULL", values![nothing, job])?;
    Ok(())
}

/// Notes the digest of a document whose file nobody had read yet.
pub(crate) fn set_digest(tx: &Tx<'_>, id: DocumentId, digest: &[u8; 32]) -> Fallible<()> {
    tx.run(
        "UPDATE document SET digest = ? WHERE id = ? AND digest IS NULL AND sealed IS NULL",
        values![digest.as_slice(), id],
    )?;
    Ok(())
}

/// Takes another file as what the document is.
pub(crate) fn set_identity(tx: &Tx<'_>, id: DocumentId, identity: &Identity) -> Fallible<()> {
    tx.change(
        "the document",
        "UPDATE document SET octets = ?, dev = ?, ino = ?, birth_ns = ?, mtime_ns = ?, ctime_ns = ?, digest = NULL WHERE id = ?",
        values![
            identity.size,
            Bits(identity.dev),
            Bits(identity.ino),
            identity.birth_ns,
            identity.mtime_ns,
            identity.ctime_ns,
            id
        ],
    )
}
