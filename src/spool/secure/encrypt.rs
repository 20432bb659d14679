//! Encrypting the copies of a job that is sent on to a secure queue.
//!
//! The transaction that sends it on meets copies in clear, notes the job and fails; nothing has changed. Outside of it the copies are
//! encrypted ([`sealing`]), and the transaction runs again ([`Spool::change`]). Refused for another reason then, the job stays where it
//! was, and its copies stay encrypted.
//!
//! A job that leaves a secure queue, or whose queue does not encrypt any more, keeps its copies as they are: they are opened while they
//! print. Copies that lay in clear when their queue became a secure one stay in clear until they print or are sent on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::model::{Call, Failure, FailureKind, JobId};
use crate::spool::disk::refusals::io_failure;
use crate::spool::disk::{document_key, files, reserve, sealing};
use crate::spool::{Room, Spool};
use crate::store::document::DocumentRow;
use crate::store::job::JobRow;
use crate::store::{self, Fallible, Tx};
use crate::sys::fault;
use crate::sys::files::{identity, open_regular};

thread_local! {
    /// The jobs that a transaction of this thread cannot go on without, because copies of theirs are in clear.
    static NEEDED: RefCell<BTreeSet<JobId>> = const { RefCell::new(BTreeSet::new()) };
}

/// Begins a transaction that has met none.
pub(crate) fn begin() {
    NEEDED.with_borrow_mut(BTreeSet::clear);
}

/// Returns the jobs that it has met.
pub(crate) fn needed() -> BTreeSet<JobId> {
    NEEDED.take()
}

/// Refuses a job with copies in clear. Whoever runs the transaction encrypts them and runs it again.
pub(super) fn demand_encrypted(tx: &Tx<'_>, job: &JobRow, documents: &[DocumentRow]) -> Fallible<()> {
    if !documents.iter().any(DocumentRow::lies_in_clear) {
        return Ok(());
    }
    // Those of its batch go where it goes, so one more run is enough for all of them.
    let others = match job.batch {
        Some(batch) => store::batch::members(tx, batch.number)?,
        None => Vec::new(),
    };
    NEEDED.with_borrow_mut(|needed| {
        needed.insert(job.id);
        needed.extend(others);
    });
    Err(Failure::new(FailureKind::State, "its copies are not encrypted yet").hint("repeat the command"))
}

impl Spool {
    /// Encrypts the copies of a job that lie in clear.
    ///
    /// # Errors
    /// When one cannot be read or written, or a device has the job. Those before it are encrypted then.
    pub(crate) fn encrypt_copies(&self, call: &Call, job: JobId) -> Fallible<()> {
        let dir = self.base().server(self.server());
        let (documents, reserve) =
            self.look(call, |tx| Ok((store::document::of_job(tx, job)?, store::spool::row(tx)?.reserve)))?;
        for document in documents.into_iter().filter(DocumentRow::lies_in_clear) {
            let path = dir.join(&document.store_name);
            let failed = |error: std::io::Error| io_failure(&path, &error);
            let (name, was) = (document.store_name.clone(), document.store_name.clone());
            if document.origin.is_some() {
                // It lies at its own server, and is fetched when it prints.
                let (_, key) = document_key::new_key(&dir).map_err(failed)?;
                let (id, identity) = (document.id, document.identity.clone());
                self.change(Room::Gives, call, move |tx| {
                    let identity = identity.clone();
                    demand_free(tx, job)?;
                    store::document::set_sealed(tx, (id, &was), &name, &identity, &key).map(drop)
                })?;
                continue;
            }
            // Until it is done, both lie on the disk.
            reserve::demand(self.base(), reserve, document.identity.size)?;
            let file = open_regular(&path).map_err(failed)?;
            let now = identity(&file).map_err(failed)?;
            if document.digest.is_none() && now.mtime_ns != document.identity.mtime_ns {
                // Nothing else says that these are the octets that were accepted.
                let why = "it was written to after it was accepted, and has no digest";
                return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidData, why)));
            }
            let sealed = sealing::seal(&dir, &file, document.identity.size, document.digest).map_err(failed)?;
            fault::point("encrypted-copy");
            let (id, to) = (document.id, sealed.store_name.clone());
            let (identity, key) = (sealed.identity.clone(), sealed.key.clone());
            let changed = self.change(Room::Gives, call, move |tx| {
                demand_free(tx, job)?;
                store::document::set_sealed(tx, (id, &was), &to, &identity, &key)
            });
            fault::point("encrypted-commit");
            match changed {
                Ok(true) => files::erase(&dir, std::slice::from_ref(&name)),
                Ok(false) => files::erase(&dir, std::slice::from_ref(&sealed.store_name)),
                // What became of the commit is not known: the sweep will know.
                Err(failure) if failure.kind == FailureKind::Unknown => return Err(failure),
                Err(failure) => {
                    files::erase(&dir, std::slice::from_ref(&sealed.store_name));
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}

/// Refuses a job that a device or another server has: it reads the files that it knows.
fn demand_free(tx: &Tx<'_>, job: JobId) -> Fallible<()> {
    let gone = || Failure::not_found("the job");
    store::job::lock(tx, job)?.ok_or_else(gone)?;
    let entries = store::entry::of_job(tx, job)?;
    if entries.iter().any(|entry| entry.state.is_busy() || entry.state == crate::model::state::EntryState::Away) {
        return Err(Failure::new(FailureKind::State, "a device has it: its copies are not encrypted now"));
    }
    Ok(())
}
