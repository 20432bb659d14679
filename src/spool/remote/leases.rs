//! Claims of other servers on jobs that are held here: this server owns the job and decides.
//!
//! States of a claim are in [`crate::model::lease`]. Each function is one transaction, which checks everything that it decides from:
//! whoever asks has filtered for himself, and is not believed. A claim that stands makes the entries of its job [`EntryState::Away`], so
//! nothing here prints it and nobody else claims it.
//!
//! | a crash after | leaves |
//! |---|---|
//! | the claim is on record | a lease that ends by its time: the job is held as before |
//! | BEGIN is on record | a job that may have printed; the other server asks again and is told so |
//! | the end is on record | an end that is reported again, and changes nothing |

use crate::model::authority::{OfJob, Right};
use crate::model::event::EventWord;
use crate::model::job::AFTER_PRINTING;
use crate::model::lease::{self, ClaimAnswer, ClaimEnd, ClaimRefusal, EndAnswer, Granted, LeaseAnswer, Releasable};
use crate::model::lifetime::Ending;
use crate::model::remote::of_token;
use crate::model::state::{Delivery, EntryState, HoldReason, HoldReasons, JobState, Wish};
use crate::model::time::Moment;
use crate::model::{Call, Caller, DeviceName, Failure, FailureKind, GlobalJobId, JobId, JobRef, ServerName};
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::lease::{LeaseRow, Standing};
use crate::store::remote::{AwayRow, Stage};
use crate::store::{self, Fallible, Lock, Tx};

use super::outgoing::{end_if_cancelled, hold};
use crate::spool::disk::files;
use crate::spool::interface::records::SpoolerState;
use crate::spool::jobs::actions;
use crate::spool::jobs::lifetime::is_discarded;
use crate::spool::secure::record::{came_back, printed_and_held};
use crate::spool::{Room, Spool};

/// How many jobs of one user one answer names.
const LISTED: u32 = 1000;
/// How many claims are ended at once.
const AT_ONCE: u32 = 200;

/// Whose job it is: that of its submitter, by his login name, or of somebody who may start it by the rules that hold here.
fn may_release(tx: &Tx<'_>, job: &JobRow) -> Fallible<bool> {
    let caller = tx.caller()?;
    let login = job.user_name.split_once('@').map_or(job.user_name.as_str(), |(login, _)| login);
    // A job that a third server handed over is not given further.
    if job.origin.is_some() {
        return Ok(false);
    }
    if login == caller.user {
        return Ok(true);
    }
    let place = Spool::place_of_job(tx, job)?;
    let of = OfJob { owner_uid: job.owner_uid, owner_groups: &[], place: &place };
    match Spool::demand(tx, Right::HoldJob(of)) {
        Ok(()) => Ok(true),
        Err(failure) if failure.kind == FailureKind::Security => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Why a job is not released to the caller; none when it is.
fn refusal(tx: &Tx<'_>, job: &JobRow) -> Fallible<Option<ClaimRefusal>> {
    if !may_release(tx, job)? {
        return Ok(Some(ClaimRefusal::NotOwner));
    }
    // Whoever claims such a job stands at a station, and says on which printer.
    if store::secure::of_job(tx, job.id)?.is_some() {
        let why = "it waits for its owner at a station: pdrelease".to_owned();
        return Ok(Some(ClaimRefusal::NotReleasable(why)));
    }
    if let Some(lease) = store::lease::on(tx, job.id)? {
        return Ok(Some(ClaimRefusal::HeldElsewhere(lease.server.to_string())));
    }
    if is_discarded(tx, job) {
        return Ok(Some(ClaimRefusal::Expired));
    }
    if let Some(queue) = store::location::paused_group(tx, job.group)? {
        let why = format!("its queue {queue} is paused");
        return Ok(Some(ClaimRefusal::NotReleasable(why)));
    }
    let (state, entries) = Spool::job_state(tx, job)?;
    if entries.iter().any(|entry| entry.state.is_busy()) && state == JobState::Held {
        let why = "it is still on its way to another device".to_owned();
        return Ok(Some(ClaimRefusal::NotReleasable(why)));
    }
    // What printed on some devices of its group already is this server's own affair.
    if entries.iter().any(|entry| entry.state == EntryState::Done) {
        let why = "a part of it has printed".to_owned();
        return Ok(Some(ClaimRefusal::NotReleasable(why)));
    }
    Ok(lease::releasable(state, job.reasons))
}

impl Spool {
    /// Returns the jobs that the caller may have printed by another server, at most 1,000.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn releasable(&self, caller: &Caller, now: &Moment) -> Fallible<Vec<Releasable>> {
        self.look(&Call::of(caller, now), |tx| {
            let mut found = Vec::new();
            for id in store::lease::held_of(tx, &caller.user, LISTED)? {
                let Some(job) = store::job::by_id(tx, id)? else { continue };
                if refusal(tx, &job)?.is_none() {
                    found.push(self.as_releasable(tx, &job)?);
                }
            }
            found.sort_by_key(|one| (one.submitted_ms, one.job.serial.0));
            Ok(found)
        })
    }

    fn as_releasable(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<Releasable> {
        let documents = store::document::of_job(tx, job.id)?;
        Ok(Releasable {
            job: self.global_of(job),
            name: job.name.clone(),
            owner: job.owner.clone(),
            queue: Self::job_destination(tx, job)?.to_string(),
            form: job.form.clone(),
            reasons: job.reasons,
            pages: documents.iter().map(|one| one.pages).sum(),
            octets: documents.iter().map(|one| one.identity.size).fold(0, u64::saturating_add),
            formats: documents.iter().map(|one| one.format).collect(),
            submitted_ms: job.created_ms,
            expires_ms: job.lifetime.discard_ms,
            attributes: store::given::of_jobs(tx, job.id, job.id)?.remove(&job.id).unwrap_or_default(),
        })
    }

    /// Lets `from` print a job on `printer`, for the caller, if everything here allows it. One job has one claim at a time; another
    /// claim of the same server takes the place of its first one, which it has lost, unless that has begun.
    ///
    /// # Errors
    /// When the spool cannot be changed. Nothing is claimed then.
    pub fn grant(
        &self,
        from: &ServerName,
        (job, printer): (&GlobalJobId, &DeviceName),
        caller: &Caller,
        (lease_ms, now): (i64, &Moment),
    ) -> Fallible<ClaimAnswer> {
        let refused = |why| Ok(ClaimAnswer::Refused(why));
        if job.server != *self.server() {
            return refused(ClaimRefusal::Gone);
        }
        let unread = self.unread_of(job.serial, now)?;
        for one in &unread {
            // What cannot be read is fetched, and whoever fetches it learns why.
            let _ = self.add_digest(&Call::of_spooler(now), one, &|| true)?;
        }
        let (spool, from, serial) = (self.clone(), from.clone(), job.serial);
        let (printer, user) = (printer.clone(), caller.user.clone());
        let (granted, erase) = self.change(Room::Gives, &Call::of(caller, now), move |tx| {
            tx.lock(Lock::Spool)?;
            let mut erase = Vec::new();
            let refused = |why| Ok((ClaimAnswer::Refused(why), Vec::new()));
            let found = store::job::to_change(tx, &JobRef::Serial(serial), 0, spool.server().as_str())?;
            let Some(mut job) = found else { return refused(ClaimRefusal::Gone) };
            if store::spool::state(tx)? != SpoolerState::Active {
                let why = "the spooler of its server is drained".to_owned();
                return refused(ClaimRefusal::NotReleasable(why));
            }
            if let Some(own) = store::lease::on(tx, job.id)?
                .filter(|row| row.server == from && row.standing == Standing::Leased && row.user == user)
            {
                erase = end_lease(tx, &job, own, &format!("{from} claims it anew"))?;
                // Its time came, or somebody cancelled it, while it was away: it has ended with that.
                let Some(left) = store::job::by_id(tx, job.id)? else {
                    return Ok((ClaimAnswer::Refused(ClaimRefusal::Expired), erase));
                };
                job = left;
            }
            if let Some(why) = refusal(tx, &job)? {
                record(tx, Object::Job(job.id), EventWord::Refused, &format!("to {from}: {}", why.words()))?;
                return refused(why);
            }
            // What was paid here, before it came back unprinted, was paid for this server's printers.
            crate::spool::secure::record::settle(tx, &job, &spool.global_of(&job).to_string(), false)?;
            Ok((spool.lend_to(tx, &job, (&from, &printer), &user, lease_ms)?, erase))
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        crate::sys::fault::point("claim-granted");
        Ok(granted)
    }

    /// Lends a job that is held and locked, for a printer of another server.
    pub(crate) fn lend_to(
        &self,
        tx: &Tx<'_>,
        job: &JobRow,
        (from, printer): (&ServerName, &DeviceName),
        user: &str,
        lease_ms: i64,
    ) -> Fallible<ClaimAnswer> {
        if store::remote::lend(tx, job.id)? == 0 {
            let why = "nothing of it is held".to_owned();
            return Ok(ClaimAnswer::Refused(ClaimRefusal::NotReleasable(why)));
        }
        let last = store::remote::away(tx, job.id)?.map_or(0, |row| row.round);
        let row = AwayRow {
            job: job.id,
            server: from.clone(),
            device: printer.with_node(from),
            round: lease::next_number(last, tx.now().wall_ms),
            stage: Stage::Leased,
            shown: None,
            words: None,
        };
        store::remote::set_away(tx, &row)?;
        let offer = self.as_offer(tx, job, &row)?;
        let lease = LeaseRow {
            token: offer.token.clone(),
            job: job.id,
            server: from.clone(),
            user: user.to_owned(),
            standing: Standing::Leased,
            until: Some(lease::owner_until(store::spool::time(tx)?.0, lease_ms)),
            why: None,
        };
        store::lease::set(tx, &lease)?;
        let why = format!("by {from} for {user}, number {}, for {}", row.round, row.device.guardian());
        record(tx, Object::Job(job.id), EventWord::Claimed, &why)?;
        Ok(ClaimAnswer::Granted(Box::new(Granted { lease_ms, offer })))
    }

    /// Lets a claim last longer.
    ///
    /// # Errors
    /// When the spool cannot be changed.
    pub fn renew_lease(
        &self,
        from: &ServerName,
        token: &str,
        (lease_ms, now): (i64, &Moment),
    ) -> Fallible<LeaseAnswer> {
        self.on_lease(from, token, now, move |tx, _, mut row| {
            if row.standing == Standing::Begun {
                return Ok(LeaseAnswer::Begun);
            }
            row.until = Some(lease::owner_until(store::spool::time(tx)?.0, lease_ms));
            store::lease::set(tx, &row)?;
            Ok(LeaseAnswer::Stands(lease_ms))
        })
    }

    /// Puts on record that a server begins to print a job which it has claimed. Only a claim that stands is begun; one that has
    /// begun stays so, however often it is said.
    ///
    /// # Errors
    /// When the spool cannot be changed. The server must not print then, and asks again.
    pub fn begin_lease(&self, from: &ServerName, token: &str, now: &Moment) -> Fallible<LeaseAnswer> {
        let answer = self.on_lease(from, token, now, |tx, job, row| {
            if row.standing == Standing::Begun {
                return Ok(LeaseAnswer::Begun);
            }
            if let Some(away) = store::remote::away(tx, job.id)? {
                let why = format!("{} begins to print it on {}", row.server, away.device.guardian());
                store::remote::set_away(
                    tx,
                    &AwayRow { stage: Stage::Begun, shown: Some(JobState::Printing), words: None, ..away },
                )?;
                record(&tx.spooler(), Object::Job(job.id), EventWord::Began, &why)?;
            }
            store::lease::set(tx, &LeaseRow { standing: Standing::Begun, until: None, ..row })?;
            Ok(LeaseAnswer::Begun)
        })?;
        crate::sys::fault::point("begin-on-record");
        Ok(answer)
    }

    /// Does something with a claim that stands, and whose time is not over.
    fn on_lease(
        &self,
        from: &ServerName,
        token: &str,
        now: &Moment,
        work: impl Fn(&Tx<'_>, &JobRow, LeaseRow) -> Fallible<LeaseAnswer> + Send + 'static,
    ) -> Fallible<LeaseAnswer> {
        let (from, token) = (from.clone(), self.demand_own(from, token)?);
        let (answer, erase) = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            let none = Vec::new();
            let over = |why: &str| LeaseAnswer::Over(why.to_owned());
            let Some(row) = store::lease::by_token(tx, &token)?.filter(|row| row.server == from) else {
                return Ok((over("no such claim is known"), none));
            };
            let Some(job) = store::job::lock(tx, row.job)? else {
                return Ok((over(row.why.as_deref().unwrap_or("the job has ended")), none));
            };
            // As it is now that nobody else changes it.
            let Some(row) = store::lease::by_token(tx, &token)? else { return Ok((over("it is gone"), none)) };
            let time = store::spool::time(tx)?.0;
            match row.standing {
                Standing::Leased if row.until.is_some_and(|until| until <= time) => {
                    let why = "its time was over before it began";
                    let erase = end_lease(tx, &job, row, why)?;
                    Ok((over(why), erase))
                }
                Standing::Leased | Standing::Begun => Ok((work(tx, &job, row)?, none)),
                _ => Ok((over(row.why.as_deref().unwrap_or("it has ended")), none)),
            }
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok(answer)
    }

    /// A token of ours, or an error.
    fn demand_own(&self, from: &ServerName, token: &str) -> Fallible<String> {
        match of_token(token) {
            Some((global, _)) if global.server == *self.server() => Ok(token.to_owned()),
            _ => {
                Err(Failure::new(FailureKind::Security, format!("{from} has claimed no such job of {}", self.server())))
            }
        }
    }

    /// Records what became of a claimed job. The same end may be told again. One that comes after the claim had ended is refused,
    /// and on record as late: nobody prints the job again without being told.
    ///
    /// # Errors
    /// When the spool cannot be changed, or that server has claimed no such job.
    pub fn lease_over(&self, from: &ServerName, token: &str, end: ClaimEnd, now: &Moment) -> Fallible<EndAnswer> {
        let (from, token) = (from.clone(), self.demand_own(from, token)?);
        let (answer, erase) = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
            let unknown = || Failure::new(FailureKind::Security, format!("{from} has claimed no such job"));
            let row = store::lease::by_token(tx, &token)?.filter(|row| row.server == from).ok_or_else(unknown)?;
            let job = store::job::lock(tx, row.job)?;
            let row = store::lease::by_token(tx, &token)?.ok_or_else(unknown)?;
            match (row.standing, job) {
                (Standing::Leased | Standing::Begun, Some(job)) => {
                    let why = format!("{}: {}", from, end.outcome);
                    // It says BEGIN before it prints; that it has printed all the same is believed.
                    let row = LeaseRow { standing: Standing::Reported, until: None, why: Some(why), ..row };
                    store::lease::set(tx, &row)?;
                    Ok((EndAnswer::Done, reported(tx, &job, &end)?))
                }
                (Standing::Reported, _) => Ok((EndAnswer::Done, Vec::new())),
                (_, job) => {
                    let why = row.why.clone().unwrap_or_else(|| "the job has ended".to_owned());
                    if row.standing != Standing::Late {
                        late(tx, (&row, &why), job, &end)?;
                    }
                    Ok((EndAnswer::Late(why), Vec::new()))
                }
            }
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        crate::sys::fault::point("claim-end-on-record");
        Ok(answer)
    }

    /// Ends the claims whose time is over: their jobs are held as before. Returns whether there were any.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is done the next time.
    pub fn end_leases(&self, now: &Moment) -> Fallible<bool> {
        let mut any = false;
        loop {
            let over = self
                .look(&Call::of_spooler(now), |tx| store::lease::over(tx, store::spool::seen_time(tx)?.0, AT_ONCE))?;
            let full = over.len() == AT_ONCE as usize;
            for id in over {
                any = true;
                let erase = self.change(Room::Gives, &Call::of_spooler(now), move |tx| {
                    let Some(job) = store::job::lock(tx, id)? else { return Ok(Vec::new()) };
                    let time = store::spool::time(tx)?.0;
                    match store::lease::on(tx, id)?.filter(|row| row.until.is_some_and(|until| until <= time)) {
                        Some(row) => end_lease(tx, &job, row, "its time was over before it began"),
                        None => Ok(Vec::new()),
                    }
                })?;
                files::erase(&self.base().server(self.server()), &erase);
            }
            if !full {
                return Ok(any);
            }
        }
    }

    /// Returns the servers that have claimed jobs of this one.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn claimants(&self) -> Fallible<Vec<ServerName>> {
        self.look(&Call::timeless(), store::lease::claimants)
    }

    /// Ends the claims of a server that is no member of the group any more. What it has begun may have printed.
    ///
    /// # Errors
    /// When the spool cannot be changed. It is done the next time.
    pub fn claimant_left(&self, call: &Call, server: &ServerName) -> Fallible<()> {
        loop {
            let page = self.look(call, |tx| store::lease::of_server(tx, server, JobId(0), AT_ONCE))?;
            for id in &page {
                let id = *id;
                let erase = self.change(Room::Gives, call, move |tx| {
                    let Some(job) = store::job::lock(tx, id)? else { return Ok(Vec::new()) };
                    lost(tx, &job, "is no member of this group any more")
                })?;
                files::erase(&self.base().server(self.server()), &erase);
            }
            if page.len() < AT_ONCE as usize {
                return Ok(());
            }
        }
    }

    /// An operator says that the server which has claimed a job is lost. What it has begun may have printed; a report that comes
    /// all the same comes late.
    ///
    /// # Errors
    /// `State` when no server has claimed it, `Security` without the right.
    pub(crate) fn claimant_is_lost(&self, call: &Call, job: &JobRef) -> Fallible<()> {
        let (spool, job) = (self.clone(), job.clone());
        let erase = self.change(Room::Gives, call, move |tx| {
            let row = actions::find_to_change(tx, &spool, &job)?;
            Self::demand(tx, Right::Operate { place: &Self::place_of_job(tx, &row)? })?;
            if store::lease::on(tx, row.id)?.is_none() {
                let why = format!("job {}: no other server has claimed it", row.number);
                return Err(Failure::new(FailureKind::State, why));
            }
            let who = tx.who().to_owned();
            lost(tx, &row, &format!("is lost, as {who} says"))
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        Ok(())
    }

    /// Ends the claim on a job that has not begun, because somebody changes the job here. One that has begun stands.
    pub(crate) fn take_from_claimant(tx: &Tx<'_>, job: &JobRow) -> Fallible<()> {
        // Most jobs were never away, and cost no look.
        if !store::entry::of_job(tx, job.id)?.iter().any(|entry| entry.state == EntryState::Away) {
            return Ok(());
        }
        match store::lease::on(tx, job.id)?.filter(|row| row.standing == Standing::Leased) {
            Some(row) => {
                let why = format!("{} changed it at its own server", tx.who());
                give_back(tx, job, row, &why)
            }
            None => Ok(()),
        }
    }
}

/// Takes the entries of a job back.
fn take_back(tx: &Tx<'_>, job: &JobRow, duplicate: bool) -> Fallible<()> {
    if let Some(row) = store::remote::away(tx, job.id)? {
        store::remote::set_away(tx, &AwayRow { stage: Stage::Here, shown: None, words: None, ..row })?;
    }
    store::remote::take_back(tx, job.id, EntryState::Withdrawn, duplicate)
}

fn give_back(tx: &Tx<'_>, job: &JobRow, row: LeaseRow, why: &str) -> Fallible<()> {
    let text = format!("the claim of {} has ended: {why}", row.server);
    record(&tx.spooler(), Object::Job(job.id), EventWord::Returned, &text)?;
    store::lease::set(tx, &LeaseRow { standing: Standing::Ended, until: None, why: Some(why.to_owned()), ..row })?;
    came_back(tx, job, "unprinted")?;
    take_back(tx, job, false)
}

/// Ends a claim that has not begun. Returns the files to erase after the commit: a job whose time came meanwhile is gone at once.
pub(crate) fn end_lease(tx: &Tx<'_>, job: &JobRow, row: LeaseRow, why: &str) -> Fallible<Vec<String>> {
    give_back(tx, job, row, why)?;
    ended_unprinted(tx, job)
}

/// What becomes of a job that came back unprinted.
fn ended_unprinted(tx: &Tx<'_>, job: &JobRow) -> Fallible<Vec<String>> {
    if is_discarded(tx, job) && job.wish != Wish::Cancel {
        return Ok(Spool::discarded_with_attempt(tx, job)?.unwrap_or_default());
    }
    end_if_cancelled(tx, job)
}

/// Ends a claim of which nobody will hear any more.
fn lost(tx: &Tx<'_>, job: &JobRow, what: &str) -> Fallible<Vec<String>> {
    let Some(row) = store::lease::on(tx, job.id)? else { return Ok(Vec::new()) };
    let why = format!("{} {what}", row.server);
    if row.standing == Standing::Leased {
        return end_lease(tx, job, row, &why);
    }
    store::lease::set(tx, &LeaseRow { standing: Standing::Ended, until: None, why: Some(why.clone()), ..row })?;
    came_back(tx, job, "may-have-printed")?;
    take_back(tx, job, true)?;
    if job.wish != Wish::Cancel {
        hold(tx, job, HoldReason::MayHavePrinted, &format!("{why}; it had begun to print it"))?;
    }
    end_if_cancelled(tx, job)
}

/// Records an end that was told in time. Returns the files to erase after the commit.
fn reported(tx: &Tx<'_>, job: &JobRow, end: &ClaimEnd) -> Fallible<Vec<String>> {
    let spooler = &tx.spooler();
    let note = |what: EventWord, why: &str| record(spooler, Object::Job(job.id), what, why);
    let away = store::remote::away(tx, job.id)?;
    let shown = away.as_ref().map_or_else(String::new, |row| row.device.guardian());
    let server = away.as_ref().map_or_else(String::new, |row| row.server.to_string());
    let words = [Delivery::Transferred, Delivery::Sent, Delivery::Confirmed];
    let Some(delivery) = words.into_iter().find(|delivery| delivery.word() == end.outcome) else {
        note(EventWord::Returned, &format!("{server}: {}", end.outcome))?;
        came_back(tx, job, if end.begun { "may-have-printed" } else { "unprinted" })?;
        take_back(tx, job, end.begun)?;
        if end.begun && job.wish != Wish::Cancel {
            hold(tx, job, HoldReason::MayHavePrinted, &format!("{shown}: {}", end.outcome))?;
        }
        return ended_unprinted(tx, job);
    };
    if let Some(row) = away {
        store::remote::set_away(tx, &AwayRow { stage: Stage::Here, shown: None, words: None, ..row })?;
    }
    store::remote::take_back(tx, job.id, EntryState::Done, false)?;
    let at = end.device.as_ref().map_or_else(String::new, |device| format!(" ({device})"));
    note(delivery.word().into(), &format!("by {server}{at}"))?;
    store::tally::printed(tx)?;
    if job.hold_after && job.wish != Wish::Cancel {
        let reasons = HoldReasons::NONE.with(HoldReason::Operator);
        let reasons = printed_and_held(tx, job, reasons, (&end.outcome, Some(&shown)))?;
        store::job::set_reasons(tx, job.id, reasons, Some(AFTER_PRINTING))?;
        note(EventWord::Held, "HOLDAFTER")?;
        return Ok(Vec::new());
    }
    // Whoever claimed it has overcome what held it.
    let mut job = job.clone();
    store::job::set_reasons(tx, job.id, HoldReasons::NONE, None)?;
    job.reasons = HoldReasons::NONE;
    // It was cancelled while its last octets were on their way, but it did print.
    if job.lifetime.ending.take().is_some() {
        store::lifetime::set_ending(tx, job.id, None)?;
    }
    if job.wish == Wish::Cancel {
        store::job::set_wish(tx, job.id, Wish::Run)?;
        job.wish = Wish::Run;
    }
    Spool::end(tx, &job, Some(&shown), &end.outcome, Ending::of_delivery(&end.outcome))
}

/// Notes an end that came late, once. A job of which octets may be on paper is not printed again without somebody's word.
fn late(tx: &Tx<'_>, (row, why): (&LeaseRow, &str), job: Option<JobRow>, end: &ClaimEnd) -> Fallible<()> {
    let spooler = &tx.spooler();
    let number = of_token(&row.token).map_or(0, |(_, number)| number);
    let at = end.device.as_ref().map_or_else(String::new, |device| format!(" on {device}"));
    let text = format!("{} reports late, under number {number}: {}{at}; {why}", row.server, end.outcome);
    let printed = Delivery::ALL.into_iter().any(|delivery| delivery.word() == end.outcome);
    let harmless = !printed && !end.begun;
    store::lease::set(tx, &LeaseRow { standing: Standing::Late, ..row.clone() })?;
    if harmless {
        // The job came back before, and this says no more than that.
        return Ok(());
    }
    record(spooler, Object::Job(row.job), EventWord::Late, &text)?;
    record(spooler, Object::Spool, EventWord::Late, &text)?;
    let Some(job) = job.filter(|job| job.lifetime.ending.is_none() && job.wish != Wish::Cancel) else {
        return Ok(());
    };
    let (_, entries) = Spool::job_state(tx, &job)?;
    if entries.iter().any(|entry| entry.state.is_busy()) {
        return Ok(());
    }
    store::entry::withdraw(tx, job.id)?;
    store::alter::mark_duplicate(tx, job.id)?;
    hold(tx, &job, HoldReason::MayHavePrinted, &text)?;
    Ok(())
}
