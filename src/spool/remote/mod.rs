//! Jobs that other servers print for us, and jobs that we print for them.
//!
//! A location may lead to a device of another server (`LOC #Q.A, DEV \ACME2.$LP1`), or to a destination of it (`ways`). Its jobs stay here, with their files,
//! until they leave the system; the other server gets an order to print each of them ([`outgoing`], [`incoming`]). The order
//! names the files; they are read where they are, or fetched while they print ([`fetched`]).
//!
//! | step | who commits | a crash after it |
//! |---|---|---|
//! | the job is submitted | A: job, entry `Queued` | it waits for B |
//! | it is offered | A: entry `Away`, stage 1, the token of this round | A offers again under the same token |
//! | it is taken over | B: job, entry, token, origin | A offers again, B finds the token and says yes |
//! | B's yes is on record | A: stage 2 | A asks B how it stands |
//! | it has printed | B: job gone, its end beside the token | B keeps the end until A has confirmed it |
//! | A's record | A: the job ends as if it had printed here | A asks again and finds nothing to do |
//! | A's confirmation | B: token forgotten | – |
//!
//! Is a job printed twice, or never? Each step is decided by one row of one database, and the next one begins only when it is
//! on disk there. Until A has B's yes on record it offers under one token, and one token makes one job. From then on only B
//! decides, and A believes only what B has on record. A user who takes the job back asks B ([`incoming`]): B gives back what
//! it has not begun, or stops it and says that pages may be on paper. Where B never heard of the token it says so, and refuses it for
//! good, so that an offer which is still on its way finds it spent; A, which has no yes of B on record, has its job back. A B that does
//! not know a job it had taken was restored from a backup: the job is held, because it may have printed, also when it was asked back.
//! A job of which pages may be on paper says so in its offer, so B announces it.
//!
//! A job that is held here may also be claimed by another server, for whom its owner has it released: [`leases`] is the side that owns the
//! job, [`claimed`] the side that prints it, [`asking`] how a command and a print process of that side reach its server.

pub mod asking;
pub mod claimed;
pub mod fetched;
pub mod incoming;
pub mod leases;
pub mod outgoing;
mod ways;

use crate::model::alter::JobChange;
use crate::model::job::RawPath;
use crate::model::names::MAX_NAME;
use crate::model::remote::Away;
use crate::model::state::{EntryState, JobState};
use crate::model::{Call, DeviceName, Failure, FailureKind, GlobalJobId, LocationId, ServerName};
use crate::store::document::ShownRow;
use crate::store::entry::EntryRow;
use crate::store::job::JobRow;
use crate::store::remote::Stage;
use crate::store::{self, Fallible, Tx};

use super::{Room, Spool};

/// The user id of jobs that came from another server: no process ever has it, so nobody of this machine owns them.
pub(crate) const NOBODY_HERE: u32 = u32::MAX;

/// Makes one half of the name of a location of the name of a server or a device. Names that differ stay different.
fn plain(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.chars().all(|c| fits(&c)) {
        return text.to_owned();
    }
    // What is lost of the name is in the digest of it.
    let digest = blake3::hash(text.to_ascii_lowercase().as_bytes()).to_hex();
    let kept = text.chars().map(|c| if fits(&c) { c } else { '-' }).take(MAX_NAME - 9);
    format!("{}-{}", kept.collect::<String>(), &digest[..8])
}

/// Refuses to change a job that another server has: what it prints would not be what is shown.
pub(crate) fn demand_not_away(job: &JobRow, entries: &[EntryRow]) -> Fallible<()> {
    if !entries.iter().any(|entry| entry.state == EntryState::Away) {
        return Ok(());
    }
    let number = job.number;
    Err(Failure::new(FailureKind::State, format!("job {number}: another server has it"))
        .hint(format!("JOB {number}, HOLD   asks for it back; then it can be altered")))
}

/// The same for changes that reach further than to hold it.
pub(crate) fn demand_here(job: &JobRow, entries: &[EntryRow], changes: &[JobChange]) -> Fallible<()> {
    match changes.iter().all(|change| matches!(change, JobChange::Hold(_) | JobChange::Message(_))) {
        true => Ok(()),
        false => demand_not_away(job, entries),
    }
}

impl Spool {
    /// Returns how a job stands at another server, if one has it or is to get it.
    pub(crate) fn away_of(
        tx: &Tx<'_>,
        job: &JobRow,
        states: impl Iterator<Item = EntryState>,
    ) -> Fallible<Option<Away>> {
        Self::away_towards(tx, job, states, |location| store::location::remote_of(tx, location))
    }

    /// The same for a listing, which asks once for each location where its device is.
    pub(crate) fn away_towards(
        tx: &Tx<'_>,
        job: &JobRow,
        mut states: impl Iterator<Item = EntryState>,
        remote_of: impl FnOnce(LocationId) -> Fallible<Option<DeviceName>>,
    ) -> Fallible<Option<Away>> {
        // Most jobs have a device here, and cost no look.
        let is_away = states.any(|state| state == EntryState::Away);
        let device = match (is_away, job.location) {
            (true, _) => store::remote::away(tx, job.id)?.map(|row| row.device),
            (false, Some(location)) => remote_of(location)?,
            (false, None) => return Ok(None),
        };
        let Some(device) = device else { return Ok(None) };
        let row = if is_away { store::remote::away(tx, job.id)? } else { None };
        let silence = match device.node() {
            Some(server) => store::remote::silence(tx, server)?,
            None => None,
        };
        let there = row.as_ref().filter(|row| matches!(row.stage, Stage::There | Stage::Begun));
        let claimed = row.as_ref().is_some_and(|row| matches!(row.stage, Stage::Leased | Stage::Begun));
        let state = there.map(|row| row.shown.unwrap_or(JobState::Ready));
        let words = row.as_ref().and_then(|row| row.words.clone());
        let (silent, since) = silence.unzip();
        Ok(Some(Away { device, state, words: silent.or(words), silent_since_ms: since, claimed }))
    }

    /// Returns the name of a job everywhere: that of the server at which it was submitted.
    pub(crate) fn global_of(&self, job: &JobRow) -> GlobalJobId {
        let own = || GlobalJobId { server: self.server().clone(), serial: job.serial };
        job.origin.clone().unwrap_or_else(own)
    }

    /// Returns where the file of a document lies, and at which server: a fetched copy while there is one.
    pub(crate) fn file_of(&self, document: &mut ShownRow) -> (RawPath, String) {
        let here = self.base().server(self.server()).join(&document.store_name);
        match document.origin.take() {
            Some((server, path)) if !here.exists() => (path, server),
            _ => (RawPath(here), self.server().to_string()),
        }
    }

    /// Notes that a server is one of those that this one works with.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn works_with(&self, call: &Call, server: &ServerName) -> Fallible<()> {
        let server = server.clone();
        self.change(Room::Gives, call, move |tx| store::remote::make_known(tx, &server))
    }

    /// Returns the servers that this one works with.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn known_servers(&self) -> Fallible<Vec<ServerName>> {
        self.look(&Call::timeless(), store::remote::known)
    }

    /// Returns the servers with which there is something to do.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn servers_with_work(&self) -> Fallible<Vec<ServerName>> {
        self.look(&Call::timeless(), store::remote::with_work)
    }

    /// Notes that a server answers, or why it does not. It is written only when that changes; returns whether it did.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn note_silence(&self, call: &Call, server: &ServerName, error: Option<&str>) -> Fallible<bool> {
        let known = self.look(call, |tx| store::remote::silence(tx, server))?;
        if known.as_ref().map(|(words, _)| words.as_str()) == error {
            return Ok(false);
        }
        let (server, error) = (server.clone(), error.map(str::to_owned));
        self.change(Room::Gives, call, move |tx| store::remote::set_silence(tx, &server, error.as_deref()))?;
        Ok(true)
    }

    /// Makes the directory of fetched files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_pulled(&self) -> Fallible<()> {
        let dir = self.base().pulled(self.server());
        let failure = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", dir.display()));
        super::disk::dirs::make(&dir).map_err(failure)
    }

    /// Refuses to fetch a file that would leave less room than is kept free.
    ///
    /// # Errors
    /// `Full`, with the numbers.
    pub fn demand_room(&self, octets: u64) -> Fallible<()> {
        let reserve = self.look(&Call::timeless(), |tx| Ok(store::spool::row(tx)?.reserve))?;
        super::disk::reserve::demand(self.base(), reserve, octets)
    }

    /// Returns the id that proves which spool this is.
    pub fn spool_id(&self) -> &str {
        &self.inner.spool_id
    }
}
