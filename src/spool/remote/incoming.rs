//! Jobs that other servers hand over to be printed here.
//!
//! The caller knows which server asks: its certificate says so. A server speaks of its own jobs only. Its jobs belong to
//! nobody of this machine; operators see and hold them like any other.

use std::io;

use crate::model::authority::Right;
use crate::model::event::EventWord;
use crate::model::job::{GivenValue, Origin, Submission, Transfer, WrappedKey};
use crate::model::lifetime::Ending;
use crate::model::location::Destination;
use crate::model::order::Priority;
use crate::model::remote::{Offer, OfferAnswer, OfferedDocument, PeerFate, of_token};
use crate::model::state::{EntryState, JobState, Wish};
use crate::model::time::Moment;
use crate::model::{
    Call, Caller, DestName, DeviceName, DocumentId, Failure, FailureKind, GroupName, JobId, LocationName, ServerName,
};
use crate::store::document::DocumentRow;
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::submission::Fate;
use crate::store::{self, Fallible, Lock, Tx};

use super::{NOBODY_HERE, plain};
use crate::spool::disk::refusals::io_failure;
use crate::spool::disk::{document_key, files, sweep};
use crate::spool::jobs::lifetime::is_discarded;
use crate::spool::jobs::new_job::NewJob;
use crate::spool::jobs::submit::{check_given, may_send, takes_work};
use crate::spool::objects::kept::ByDefault;
use crate::spool::objects::locations;
use crate::spool::printing::wakes;
use crate::spool::secure::arrive as secure;
use crate::spool::{Room, Spool, WakeTarget};
use crate::sys::files::sync_dir;

/// How many jobs that wait for files are looked at at once.
const HELD_AT_ONCE: u32 = 100;
/// The shortest and the longest wait before a file is asked for again that its server does not give.
const FIRST_WAIT_MS: i64 = 500;
const LONGEST_WAIT_MS: i64 = 60_000;

/// The most documents of one job.
const MAX_DOCUMENTS: usize = 1000;

/// The longest time that a job is said to have waited at its server: a month. It goes before what arrived here later, and a server
/// may not place its jobs before all others for good.
const LONGEST_WAITED_MS: i64 = 30 * 24 * 3600 * 1000;

/// Who asks for the jobs of a server: the submitter whom that server knows. Whom the job is said to belong to gives no right.
fn caller(from: &ServerName, user: &str) -> Caller {
    let login = user.split_once('@').map_or(user, |(login, _)| login);
    Caller { uid: NOBODY_HERE, user: login.to_owned(), host: from.to_string(), groups: Vec::new(), operator: false }
}

/// What is wrong with an offer, whatever this spool holds.
fn fault_of(offer: &Offer, from: &ServerName, own: &str) -> Option<&'static str> {
    let named = of_token(&offer.token).map(|(global, _)| global);
    let text = |text: &str| text.chars().count() <= 255 && !text.chars().any(char::is_control);
    let name =
        |name: &str| sweep::print_file(name.into()).is_some_and(|name| name.starts_with("pdpr") && name.is_ascii());
    if named.as_ref() != Some(&offer.global) || offer.global.server != *from {
        return Some("a server hands over jobs of its own only");
    }
    if offer.spool == own || offer.spool.is_empty() {
        return Some("it says that it comes from this very spool");
    }
    if offer.documents.is_empty() || offer.documents.len() > MAX_DOCUMENTS {
        return Some("a job has 1 to 1000 documents");
    }
    if ![&offer.name, &offer.owner, &offer.user].into_iter().all(|one| text(one))
        || offer.owner.trim().is_empty()
        || offer.user.trim().is_empty()
        || offer.user.starts_with('@')
    {
        return Some("a name in it is empty, too long, or holds control characters");
    }
    if crate::model::device::check_form(&offer.form).is_err() {
        return Some("its form is no form");
    }
    let odd = offer
        .documents
        .iter()
        .any(|d| !name(&d.store_name) || d.store_name.contains('/') || !d.path.0.is_absolute() || d.copies == 0);
    if odd {
        return Some("a document in it has no usable file name");
    }
    None
}

impl Spool {
    /// Takes a job over from another server. The same token finds the same job.
    ///
    /// # Errors
    /// When the spool cannot be changed; the other server asks again.
    pub fn take_over(&self, from: &ServerName, offer: Offer, now: &Moment) -> Fallible<(OfferAnswer, Vec<WakeTarget>)> {
        if let Some(fault) = fault_of(&offer, from, &self.inner.spool_id) {
            return Ok((OfferAnswer::Refused(fault.to_owned()), Vec::new()));
        }
        let call = Call::of(&caller(from, &offer.user), now);
        if let Err(bad) = given_by_people(&offer).try_for_each(|given| check_given(given, offer.documents.len())) {
            return Ok((OfferAnswer::Refused(bad.message), Vec::new()));
        }
        // Its files come later, if at all; but a spool below its reserve takes nothing more, whoever brings it.
        let full = self.demand_room(0).err();
        let keys = self.keys_for(&offer)?;
        let (spool, from) = (self.clone(), from.clone());
        let taken = self.change(Room::Takes, &call, move |tx| {
            tx.lock(Lock::Spool)?;
            // What became of a token is forgotten with the history of its job; an end that was not confirmed never is.
            if let Some(row) = store::remote::incoming(tx, &offer.token)? {
                let job = store::job::by_id(tx, row.job)?;
                let targets = job.map_or(Ok(Vec::new()), |job| wakes::of_route(tx, job.route))?;
                return Ok((OfferAnswer::Taken, targets));
            }
            match store::submission::fate(tx, &offer.token)? {
                Some(Fate::Refused) => return Ok((OfferAnswer::Spent, Vec::new())),
                Some(Fate::Accepted(known)) => {
                    let job = store::job::by_id(tx, known.id)?;
                    let targets = job.map_or(Ok(Vec::new()), |job| wakes::of_route(tx, job.route))?;
                    return Ok((OfferAnswer::Taken, targets));
                }
                None => {}
            }
            if let Some(full) = full.clone() {
                return Err(full);
            }
            takes_work(tx)?;
            let destination = match offer.device.destination() {
                Some(there) => spool.named_by_another(tx, &there)?,
                None => spool.place_for(tx, &from, &offer.device)?,
            };
            let row = store::spool::row(tx)?;
            let place = Self::place_of(tx, &row.trust, &destination)?;
            Self::demand(tx, Right::Submit { place: &place })?;
            let new = new_job(&spool, &from, (&offer, &keys), tx.caller()?);
            let (accepted, devices) = new.insert(tx, &spool, &destination, None)?;
            store::remote::set_origin(tx, accepted.id, &offer.global)?;
            store::remote::insert_incoming(tx, &offer.token, &from, accepted.id, offer.released)?;
            if offer.duplicate {
                store::alter::mark_duplicate(tx, accepted.id)?;
            }
            crate::sys::fault::point("take-over-commit");
            Ok((OfferAnswer::Taken, wakes::of_devices(tx, &devices)?))
        });
        match taken {
            Ok(taken) => Ok(taken),
            Err(failure) => match failure.kind {
                // What an operator or time changes by itself.
                FailureKind::SpoolerState | FailureKind::State | FailureKind::Full | FailureKind::Timeout => {
                    Ok((OfferAnswer::Later(failure.message), Vec::new()))
                }
                FailureKind::NotFound | FailureKind::Ambiguous | FailureKind::Security | FailureKind::BadValue => {
                    Ok((OfferAnswer::Refused(failure.message), Vec::new()))
                }
                _ => Err(failure),
            },
        }
    }

    /// Returns the destination of ours that another server names. Nobody stands at its printers for what a queue keeps for its owners,
    /// and what leads on to a third server is not ours to give.
    fn named_by_another(&self, tx: &Tx<'_>, there: &str) -> Fallible<Destination> {
        let destination = self.destination(tx, &format!("#{there}"))?;
        may_send(tx, &destination, Priority::default())?;
        let place = self.place_at(tx, destination.clone())?;
        if secure::secure_queue(tx, place.group)?.is_some() {
            let why = format!("{destination} keeps its jobs for their owners");
            return Err(Failure::new(FailureKind::BadValue, format!("{why}: they are submitted at this server")));
        }
        let on = place.location.map(|id| store::location::remote_of(tx, id)).transpose()?.flatten();
        match on {
            Some(on) => {
                Err(Failure::new(FailureKind::BadValue, format!("{destination} leads on to {}", on.guardian())))
            }
            None => Ok(destination),
        }
    }

    /// Returns the location by which jobs of a server reach a device of ours: the only one that leads there, or one that is
    /// made for that server. Where an operator has that location lead elsewhere, it stays as it is, and the jobs wait.
    fn place_for(&self, tx: &Tx<'_>, from: &ServerName, device: &DeviceName) -> Fallible<Destination> {
        let row = store::device::by_name(tx, device)?
            .ok_or_else(|| Failure::not_found(format!("device {}", device.guardian())))?;
        let rows = store::location::of_device(tx, row.id)?;
        if let [one] = rows.as_slice() {
            return Ok(Destination::of(one.name.clone(), one.kind));
        }
        let group: GroupName = plain(from.as_str()).parse()?;
        let dest: DestName = plain(device.guardian().trim_start_matches('$')).parse()?;
        let name = LocationName { group, dest };
        match store::location::by_name(tx, &name)? {
            Some(location) if location.device == Some(row.id) => {}
            Some(_) => {
                let shown = row.name.guardian();
                let why = format!("its location for jobs of {from}, {name}, does not lead to {shown}");
                let hint = format!("LOC {name}, DEV {shown} lets them print there");
                return Err(Failure::new(FailureKind::State, format!("{why}: {hint}")));
            }
            None => {
                let location = locations::declare(tx, &name)?;
                tx.lock(Lock::Route(location.route))?;
                store::location::set_device(tx, location.id, Some(row.id))?;
                Self::reorder(tx, location.route)?;
                record(tx, Object::Location(location.id), EventWord::Routed, &format!("to {}", row.name.guardian()))?;
            }
        }
        Ok(Destination::Location(name))
    }

    /// Returns how jobs of a server stand here.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn fates(&self, from: &ServerName, tokens: &[String], now: &Moment) -> Fallible<Vec<(String, PeerFate)>> {
        self.look(&Call::of_spooler(now), |tx| {
            tokens.iter().map(|token| Ok((token.clone(), self.fate(tx, from, token)?))).collect()
        })
    }

    fn fate(&self, tx: &Tx<'_>, from: &ServerName, token: &str) -> Fallible<PeerFate> {
        let Some(row) = store::remote::incoming(tx, token)?.filter(|row| row.server == *from) else {
            return Ok(PeerFate::Unknown);
        };
        if let Some(outcome) = row.outcome {
            return Ok(PeerFate::Over { outcome, device: row.device, begun: row.begun });
        }
        let Some(job) = store::job::by_id(tx, row.job)? else { return Ok(PeerFate::Unknown) };
        let (state, _) = Self::job_state(tx, &job)?;
        let words = match state {
            JobState::Held => {
                let reasons: Vec<&str> = job.reasons.iter().map(|reason| reason.words()).collect();
                let text = job.reason_text.iter().map(String::as_str);
                Some(reasons.into_iter().chain(text).collect::<Vec<_>>().join(": "))
            }
            _ => None,
        };
        Ok(PeerFate::There { state, words })
    }

    /// Gives a job back to its server, or stops it first if it prints. A token that nobody knows is refused for good, so that an
    /// offer which is still on its way finds that, and the answer is that nobody knows it. Returns the print processes that have to stop.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn give_back_to(&self, from: &ServerName, token: &str, now: &Moment) -> Fallible<(PeerFate, Vec<WakeTarget>)> {
        if of_token(token).is_none_or(|(global, _)| global.server != *from) {
            return Err(Failure::new(FailureKind::Security, "a server asks for jobs of its own only"));
        }
        let (spool, from, token) = (self.clone(), from.clone(), token.to_owned());
        let (fate, targets, erase) = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            tx.lock(Lock::Spool)?;
            let given_back = || PeerFate::Over { outcome: PeerFate::GIVEN_BACK.to_owned(), device: None, begun: false };
            let Some(row) = store::remote::incoming(tx, &token)? else {
                let fate = match store::submission::fate(tx, &token)? {
                    // It was here, and its end was confirmed: the spool that asks was restored, perhaps.
                    Some(Fate::Accepted(_)) => {
                        PeerFate::Over { outcome: PeerFate::GIVEN_BACK.to_owned(), device: None, begun: true }
                    }
                    Some(Fate::Refused) => PeerFate::Unknown,
                    // Never heard of; or it was here, printed perhaps, and this spool was restored. The one that asks knows
                    // whether it had been taken.
                    None => {
                        store::submission::refuse(tx, &token)?;
                        PeerFate::Unknown
                    }
                };
                return Ok((fate, Vec::new(), Vec::new()));
            };
            let Some(job) = store::job::lock(tx, row.job)?.filter(|_| row.outcome.is_none()) else {
                return Ok((spool.fate(tx, &from, &token)?, Vec::new(), Vec::new()));
            };
            let entries = store::entry::of_job(tx, job.id)?;
            if entries.iter().any(|entry| entry.state.is_busy()) {
                // What was sent already is not called back.
                if entries.iter().any(|entry| entry.state == EntryState::Claimed) && job.wish != Wish::Cancel {
                    store::remote::set_begun(tx, &token)?;
                    store::job::set_wish(tx, job.id, Wish::Cancel)?;
                    store::entry::withdraw(tx, job.id)?;
                    record(tx, Object::Job(job.id), EventWord::Deleted, &format!("{from} asks for it back"))?;
                    let targets = crate::spool::jobs::actions::claimants(tx, &entries)?;
                    return Ok((spool.fate(tx, &from, &token)?, targets, Vec::new()));
                }
                return Ok((spool.fate(tx, &from, &token)?, Vec::new(), Vec::new()));
            }
            record(tx, Object::Job(job.id), EventWord::Returned, &format!("{from} asked for it back"))?;
            let erase = Self::finish(tx, &job, None, PeerFate::GIVEN_BACK)?;
            Ok((given_back(), Vec::new(), erase))
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok((fate, targets))
    }

    /// Forgets ends that their server has on record.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn confirmed(&self, from: &ServerName, tokens: &[String], now: &Moment) -> Fallible<()> {
        let (from, tokens) = (from.clone(), tokens.to_vec());
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            for token in &tokens {
                if store::remote::incoming(tx, token)?.is_some_and(|row| row.server == from) {
                    store::remote::confirm(tx, token)?;
                }
            }
            Ok(())
        })
    }

    /// Returns the jobs that wait for the files of a server and have waited long enough: the more often one was tried in vain, the
    /// longer it waits.
    fn waiting_for(&self, server: &ServerName, now: &Moment) -> Fallible<Vec<JobId>> {
        self.look(&Call::of_spooler(now), |tx| self.waiting_for_in(tx, server))
    }

    /// Tells whether a job waits for a file of a server.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn waits_for(&self, server: &ServerName) -> Fallible<bool> {
        self.look(&Call::timeless(), |tx| Ok(!store::remote::held_for(tx, server, 1)?.is_empty()))
    }

    fn waiting_for_in(&self, tx: &Tx<'_>, server: &ServerName) -> Fallible<Vec<JobId>> {
        let mut found = Vec::new();
        for id in store::remote::held_for(tx, server, HELD_AT_ONCE)? {
            let tries = store::remote::attempts(tx, id)?;
            let wait_ms = (FIRST_WAIT_MS << tries.min(8)).min(LONGEST_WAIT_MS);
            let held = store::event::last(tx, Object::Job(id), &[EventWord::Held])?;
            // A clock that jumped back keeps nothing waiting.
            if held.is_none_or(|event| !(0..wait_ms).contains(&(tx.now().wall_ms - event.at_ms))) {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// Lets the jobs go whose print files a server did not give: it answers again. Returns the print processes that have work.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn server_is_back(&self, server: &ServerName, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        use crate::model::state::{HoldReason, HoldReasons};
        if self.waiting_for(server, now)?.is_empty() {
            return Ok(Vec::new());
        }
        let (spool, server) = (self.clone(), server.clone());
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            let mut targets = Vec::new();
            for id in spool.waiting_for_in(tx, &server)? {
                let Some(job) = store::job::lock(tx, id)? else { continue };
                let left = job.reasons.without(HoldReasons::NONE.with(HoldReason::Unreachable));
                store::job::set_reasons(tx, id, left, if left.is_empty() { None } else { job.reason_text.as_deref() })?;
                record(tx, Object::Job(id), EventWord::Released, &format!("{server} answers again"))?;
                if left.is_empty() && job.wish == Wish::Run {
                    // In its place: it was not its own fault.
                    for entry in store::entry::of_job(tx, id)? {
                        store::entry::requeue(tx, entry.job, entry.id, &job.sort)?;
                    }
                    for target in wakes::of_route(tx, job.route)? {
                        wakes::add(&mut targets, Some(target));
                    }
                }
            }
            Ok(targets)
        })
    }

    /// Makes a key for each document of an offer that is encrypted at its own server: what is fetched of it lies here encrypted, too.
    pub(super) fn keys_for(&self, offer: &Offer) -> Fallible<Vec<Option<WrappedKey>>> {
        let dir = self.base().server(self.server());
        if offer.documents.iter().any(|d| d.sealed) {
            // Whoever made the file of the key may have died before its name was on disk.
            document_key::of_server(&dir).and_then(|_| sync_dir(&dir)).map_err(|error| io_failure(&dir, &error))?;
        }
        let of =
            |d: &OfferedDocument| d.sealed.then(|| document_key::new_key(&dir).map(|(_, wrapped)| wrapped)).transpose();
        let keys: io::Result<Vec<_>> = offer.documents.iter().map(of).collect();
        keys.map_err(|error| io_failure(&dir, &error))
    }

    /// Notes that a file was fetched, in the history of its job.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn note_fetched(&self, document: DocumentId, what: String, now: &Moment) -> Fallible<()> {
        self.change(Room::Gives, &Call::of_spooler(now), move |tx| match store::remote::job_of(tx, document)? {
            Some(job) => record(tx, Object::Job(job), EventWord::Fetched, &what),
            None => Ok(()),
        })
    }

    /// Returns what has to be fetched for a document that a device of ours is to print.
    ///
    /// # Errors
    /// When no device has its job, or it is one of ours.
    pub fn wanted(&self, document: DocumentId) -> Fallible<crate::model::remote::Wanted> {
        self.look(&Call::timeless(), |tx| {
            let gone = || Failure::not_found("the document");
            let job = store::remote::job_of(tx, document)?.ok_or_else(gone)?;
            let row = store::document::of_job(tx, job)?.into_iter().find(|row| row.id == document).ok_or_else(gone)?;
            let (token, server) = store::remote::token_of(tx, job)?.ok_or_else(gone)?;
            if !store::remote::is_in_print(tx, &row.store_name)? {
                return Err(Failure::new(FailureKind::State, "no device has the job any more"));
            }
            let name = row.store_name.strip_prefix(store::tally::PULLED).ok_or_else(gone)?.to_owned();
            Ok(crate::model::remote::Wanted {
                server,
                token,
                document: row.sequence,
                name,
                digest: row.digest.filter(|_| row.transfer == Transfer::Copy),
                octets: row.identity.size,
                sealed: row.sealed,
            })
        })
    }
}

/// Returns how the end of a job is told to its server: a deletion is one of a person there, and nothing else is.
pub(crate) fn word_of_end<'a>(tx: &Tx<'_>, job: &JobRow, outcome: &'a str) -> &'a str {
    match job.lifetime.ending {
        _ if outcome != "cancelled" => outcome,
        Some(Ending::Aborted) => PeerFate::ABORTED,
        None if job.wish != Wish::Cancel && is_discarded(tx, job) => PeerFate::DISCARDED,
        _ => outcome,
    }
}

/// What people gave, and not what the other spool has noted: this one notes for itself. Nor whom to tell: its own server tells its
/// submitter, by the rights that he has there.
fn given_by_people(offer: &Offer) -> impl Iterator<Item = &GivenValue> {
    let taken = |one: &&GivenValue| one.origin != Origin::Spool && one.field.stored() != "notification-profile";
    offer.given.iter().filter(taken)
}

/// Checks an offer, whatever this spool holds.
pub(super) fn demand_usable(offer: &Offer, from: &ServerName, own: &str) -> Fallible<()> {
    if let Some(fault) = fault_of(offer, from, own) {
        return Err(Failure::new(FailureKind::BadValue, fault));
    }
    given_by_people(offer).try_for_each(|given| check_given(given, offer.documents.len()))
}

pub(super) fn new_job(
    spool: &Spool,
    from: &ServerName,
    (offer, keys): (&Offer, &[Option<WrappedKey>]),
    caller: &Caller,
) -> NewJob {
    let documents: Vec<DocumentRow> = offer
        .documents
        .iter()
        .zip(keys)
        .zip(1u32..)
        .map(|((d, key), sequence)| DocumentRow {
            id: DocumentId(0),
            sequence,
            file_name: d.file_name.clone(),
            store_name: format!("{}{}.{}", store::tally::PULLED, from.key(), d.store_name),
            transfer: d.transfer,
            link_target: None,
            format: d.format,
            format_origin: d.format_origin,
            recognised: d.recognised,
            pages: d.pages,
            lines: d.lines,
            copies: d.copies,
            server: from.to_string(),
            identity: d.identity.clone(),
            digest: d.digest.filter(|_| key.is_none()),
            sealed: key.clone(),
            origin: Some((d.path.clone(), offer.spool.clone())),
        })
        .collect();
    let submission = Submission {
        token: offer.token.clone(),
        destination: offer.device.to_string(),
        name: offer.name.clone(),
        form: offer.form.clone(),
        priority: offer.priority,
        owner: Some(offer.owner.clone()),
        given: given_by_people(offer).cloned().collect(),
        ..Submission::default()
    };
    NewJob {
        octets: documents.iter().map(|d| d.identity.size).fold(0, u64::saturating_add),
        pages: crate::spool::jobs::selection::pages(&documents, &submission.given),
        submission,
        documents,
        caller: Caller { host: from.to_string(), ..caller.clone() },
        owner_gid: NOBODY_HERE,
        server: spool.server().clone(),
        work: offer.work,
        waited_ms: offer.waited_ms.clamp(0, LONGEST_WAITED_MS),
        by_default: ByDefault::default(),
    }
}
