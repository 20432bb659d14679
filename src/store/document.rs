//! Rows of documents.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::job::{Format, Identity, RawPath, Transfer};
use crate::model::{DocumentId, JobId};

use super::{Fallible, signed, unsigned};

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
    /// What it is.
    pub format: Format,
    /// Pages.
    pub pages: Option<u64>,
    /// Lines.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
    /// What the file was.
    pub identity: Identity,
    /// Digest, where it was taken.
    pub digest: Option<[u8; 32]>,
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
    /// What it is.
    pub format: Format,
    /// Octets.
    pub octets: u64,
    /// Pages.
    pub pages: Option<u64>,
    /// Lines.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
}

const COLUMNS: &str =
    "id, sequence, file_name, store_name, transfer, link_target, format, octets, pages, lines, copies,
                       dev, ino, birth_ns, mtime_ns, ctime_ns, digest";

fn transfer_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Transfer> {
    Ok(if row.get_ref(column)?.as_str()? == "link" { Transfer::Link } else { Transfer::Copy })
}

fn format_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Format> {
    Ok(Format::from_keyword(row.get_ref(column)?.as_str()?).unwrap_or(Format::Passthru))
}

fn read(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    let octets = unsigned(row.get(7)?);
    Ok(DocumentRow {
        id: DocumentId(row.get(0)?),
        sequence: row.get(1)?,
        file_name: RawPath::from(row.get::<_, Vec<u8>>(2)?),
        store_name: row.get(3)?,
        transfer: transfer_of(row, 4)?,
        link_target: row.get::<_, Option<Vec<u8>>>(5)?.map(RawPath::from),
        format: format_of(row, 6)?,
        pages: row.get::<_, Option<i64>>(8)?.map(unsigned),
        lines: row.get::<_, Option<i64>>(9)?.map(unsigned),
        copies: row.get(10)?,
        identity: Identity {
            // Device and inode numbers use all 64 bits: they are stored bit for bit.
            dev: row.get::<_, i64>(11)?.cast_unsigned(),
            ino: row.get::<_, i64>(12)?.cast_unsigned(),
            birth_ns: row.get(13)?,
            size: octets,
            mtime_ns: row.get(14)?,
            ctime_ns: row.get(15)?,
        },
        digest: row.get::<_, Option<Vec<u8>>>(16)?.and_then(|bytes| bytes.try_into().ok()),
    })
}

/// The documents of a job, in order.
///
/// # Errors
/// When they cannot be read.
pub fn of_job(db: &Connection, job: JobId) -> Fallible<Vec<DocumentRow>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM document WHERE job_id = ? ORDER BY sequence"))?;
    let rows = statement.query_map([job.0], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What displays show of the documents of the jobs from `first` to `last`, of each job in order.
///
/// # Errors
/// When they cannot be read.
pub fn shown(db: &Connection, first: JobId, last: JobId) -> Fallible<BTreeMap<JobId, Vec<ShownRow>>> {
    let mut statement = db.prepare_cached(
        "SELECT job_id, id, sequence, file_name, store_name, transfer, format, octets, pages, lines, copies
         FROM document WHERE job_id BETWEEN ? AND ? ORDER BY job_id, sequence",
    )?;
    let mut rows = statement.query([first.0, last.0])?;
    let mut found: BTreeMap<JobId, Vec<ShownRow>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        // Most jobs have one document.
        found.entry(JobId(row.get(0)?)).or_insert_with(|| Vec::with_capacity(1)).push(ShownRow {
            id: DocumentId(row.get(1)?),
            sequence: row.get(2)?,
            file_name: RawPath::from(row.get::<_, Vec<u8>>(3)?),
            store_name: row.get(4)?,
            transfer: transfer_of(row, 5)?,
            format: format_of(row, 6)?,
            octets: unsigned(row.get(7)?),
            pages: row.get::<_, Option<i64>>(8)?.map(unsigned),
            lines: row.get::<_, Option<i64>>(9)?.map(unsigned),
            copies: row.get(10)?,
        });
    }
    Ok(found)
}

pub(super) const INSERT: &str = "INSERT INTO document (job_id, sequence, file_name, store_name, transfer, link_target, format, octets, pages, lines,
             copies, dev, ino, birth_ns, mtime_ns, ctime_ns, digest)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Inserts a document; its `id` is ignored.
///
/// # Errors
/// When it cannot be written.
pub fn insert(db: &Connection, job: JobId, d: &DocumentRow) -> Fallible<()> {
    db.prepare_cached(INSERT)?.execute(params![
        job.0,
        d.sequence,
        d.file_name.bytes(),
        d.store_name,
        if d.transfer == Transfer::Link { "link" } else { "copy" },
        d.link_target.as_ref().map(RawPath::bytes),
        d.format.keyword(),
        signed(d.identity.size),
        d.pages.map(signed),
        d.lines.map(signed),
        d.copies,
        d.identity.dev.cast_signed(),
        d.identity.ino.cast_signed(),
        d.identity.birth_ns,
        d.identity.mtime_ns,
        d.identity.ctime_ns,
        d.digest.as_ref().map(|digest| digest.as_slice())
    ])?;
    Ok(())
}

/// Follows a damaged document to where it was put.
///
/// # Errors
/// When it cannot be written.
pub fn set_store_name(db: &Connection, id: DocumentId, store_name: &str) -> Fallible<()> {
    db.execute("UPDATE document SET store_name = ? WHERE id = ?", params![store_name, id.0])?;
    Ok(())
}

/// Whether a file in the server's directory belongs to a document.
///
/// # Errors
/// When it cannot be read.
pub fn refers_to(db: &Connection, store_name: &str) -> Fallible<bool> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM document WHERE store_name = ?")?;
    Ok(statement.query_row([store_name], |row| row.get(0))?)
}

/// The job and the document that a file in the server's directory belongs to.
///
/// # Errors
/// When it cannot be read.
pub fn owner_of(db: &Connection, store_name: &str) -> Fallible<Option<(JobId, DocumentId)>> {
    let mut statement = db.prepare_cached("SELECT job_id, id FROM document WHERE store_name = ?")?;
    let owner = statement.query_row([store_name], |row| Ok((JobId(row.get(0)?), DocumentId(row.get(1)?))));
    Ok(owner.optional()?)
}

/// Takes another file as what the document is.
///
/// # Errors
/// When it cannot be written.
pub fn set_identity(db: &Connection, id: DocumentId, identity: &Identity) -> Fallible<()> {
    db.execute(
        "UPDATE document SET octets = ?, dev = ?, ino = ?, birth_ns = ?, mtime_ns = ?, ctime_ns = ?, digest = NULL WHERE id = ?",
        params![
            signed(identity.size),
            identity.dev.cast_signed(),
            identity.ino.cast_signed(),
            identity.birth_ns,
            identity.mtime_ns,
            identity.ctime_ns,
            id.0
        ],
    )?;
    Ok(())
}
