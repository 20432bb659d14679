//! Jobs that wait for their owners here and are released on a printer of another server: this server owns them and decides.
//!
//! The other server tells who stands there, at which station, and what its printers are. Whose the job is, how it stands, its time, its
//! queue and what it asks of a printer are this server's own rows, looked at in the transaction that lends the job. Whatever comes
//! after that (BEGIN, the end, the end of the lease) is that of any claim: [`crate::spool::remote::leases`].

use crate::model::event::EventWord;
use crate::model::identity::Directory;
use crate::model::lease::{ClaimAnswer, ClaimRefusal};
use crate::model::secure::{HeldRows, PoolQueue, ReleaseState, StationPrinter, Verdict};
use crate::model::state::{HoldReason, HoldReasons, JobState, Wish};
use crate::model::time::Moment;
use crate::model::{Call, Caller, DeviceName, Failure, FailureKind, GlobalJobId, JobId, JobRef, ServerName};
use crate::store::event::{Object, record};
use crate::store::job::JobRow;
use crate::store::lease::Standing;
use crate::store::secure::SecureRow;
use crate::store::{self, Fallible, Lock, Tx};

use super::arrive::secure_queue;
use super::held::{has_printed, standing};
use super::people::Reach;
use super::record::Act;
use super::release::unready;
use super::stations::verdict;
use crate::spool::disk::files;
use crate::spool::interface::records::SpoolerState;
use crate::spool::objects::alive::Alive;
use crate::spool::remote::leases::end_lease;
use crate::spool::{Room, Spool, WakeTarget};

/// Jobs of one answer.
const LISTED: u32 = 250;

/// The printers of a station of `from`. A server speaks of its own queues only, whatever it writes.
fn of_server(from: &ServerName, printers: &[StationPrinter]) -> Vec<(DeviceName, Option<StationPrinter>)> {
    let own = |queue: &PoolQueue| PoolQueue { server: from.to_string(), ..queue.clone() };
    let each = printers.iter().map(|printer| {
        let queues = printer.queues.iter().map(own).collect();
        (printer.name.clone(), Some(StationPrinter { queues, ..printer.clone() }))
    });
    each.collect()
}

impl Spool {
    /// Returns jobs that somebody may release who stands at a station of `from`, with what its printers make of each.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn held_for(
        &self,
        (from, caller): (&ServerName, &Caller),
        printers: &[StationPrinter],
        only: Option<&GlobalJobId>,
        after: Option<JobId>,
        now: &Moment,
    ) -> Fallible<HeldRows> {
        let printers = of_server(from, printers);
        self.look(&Call::of(caller, now), |tx| {
            let reach = Reach::asserted(&self.directory(tx)?, caller);
            let mut alive = Alive::new(self);
            let Some(only) = only else {
                return self.held_rows(tx, &reach, (after, LISTED), (&printers, &mut alive));
            };
            let Some((_, secure)) = self.find_owned(tx, only, &reach)? else { return Ok((Vec::new(), None)) };
            let queue = self.pool_queue(tx, secure.group)?;
            let delegated = reach.delegated.contains(&secure.owner);
            let time = store::spool::seen_time(tx)?;
            let found = self.held_job(tx, &secure, (delegated, queue), time, (&printers, &mut alive))?;
            Ok((found.into_iter().collect(), None))
        })
    }

    /// Finds a job of this server that somebody may release.
    fn find_owned(&self, tx: &Tx<'_>, job: &GlobalJobId, reach: &Reach) -> Fallible<Option<(JobRow, SecureRow)>> {
        if job.server != *self.server() {
            return Ok(None);
        }
        let Some(row) = store::job::by_ref(tx, &JobRef::Serial(job.serial), 0, self.server().as_str())? else {
            return Ok(None);
        };
        let secure = store::secure::of_job(tx, row.id)?.filter(|secure| reach.has(&secure.owner));
        Ok(secure.map(|secure| (row, secure)))
    }

    /// Lends a job that waits for the caller to `from`, to be printed on `printer`, if everything here allows it.
    ///
    /// # Errors
    /// When the spool cannot be changed. Nothing is claimed then.
    pub fn release_to(
        &self,
        from: &ServerName,
        (job, printer): (&GlobalJobId, &StationPrinter),
        (caller, station): (&Caller, Option<&str>),
        (lease_ms, now): (i64, &Moment),
    ) -> Fallible<ClaimAnswer> {
        if job.server != *self.server() {
            return Ok(ClaimAnswer::Refused(ClaimRefusal::Gone));
        }
        for one in &self.unread_of(job.serial, now)? {
            // What cannot be read is fetched, and whoever fetches it learns why.
            let _ = self.add_digest(&Call::of_spooler(now), one, &|| true)?;
        }
        let printer = of_server(from, std::slice::from_ref(printer)).pop().and_then(|one| one.1);
        let printer = printer.ok_or_else(|| Failure::internal("no printer is named"))?;
        let (spool, from, serial) = (self.clone(), from.clone(), job.serial);
        let (caller, station) = (caller.clone(), station.map(str::to_owned));
        let (answer, erase) = self.change(Room::Gives, &Call::of(&caller.clone(), now), move |tx| {
            tx.lock(Lock::Spool)?;
            let mut erase = Vec::new();
            let refused = |why| Ok((ClaimAnswer::Refused(why), Vec::new()));
            let found = store::job::to_change(tx, &JobRef::Serial(serial), 0, spool.server().as_str())?;
            let Some(mut job) = found else { return refused(ClaimRefusal::Gone) };
            let Some(secure) = store::secure::of_job(tx, job.id)? else { return refused(ClaimRefusal::Gone) };
            let name = printer.name.with_node(&from).guardian();
            let act = |result| Act { what: "release", station: station.as_deref(), printer: Some(&name), result };
            if !Reach::asserted(&spool.directory(tx)?, &caller).has(&secure.owner) {
                let why = ClaimRefusal::NotOwner;
                spool.write_release(tx, &job, &secure, act(why.keyword()))?;
                return refused(why);
            }
            // A claim of the same server for the same person that has not begun is one that it has lost.
            if let Some(own) = store::lease::on(tx, job.id)?
                .filter(|row| row.server == from && row.standing == Standing::Leased && row.user == caller.user)
            {
                erase = end_lease(tx, &job, own, &format!("{from} claims it anew"))?;
                // Its time came, or somebody cancelled it, while it was away: it has ended with that.
                let Some(left) = store::job::by_id(tx, job.id)? else {
                    spool.write_release(tx, &job, &secure, act(ClaimRefusal::Expired.keyword()))?;
                    return Ok((ClaimAnswer::Refused(ClaimRefusal::Expired), erase));
                };
                job = left;
            }
            if let Some(why) = spool.refusal_of_release(tx, &job, &secure, &printer)? {
                record(tx, Object::Job(job.id), EventWord::Refused, &format!("to {from}: {}", why.words()))?;
                spool.write_release(tx, &job, &secure, act(why.keyword()))?;
                return refused(why);
            }
            let (state, entries) = Self::job_state(tx, &job)?;
            let (job, due) = match state == JobState::Retained || has_printed(&entries) {
                true => (spool.wait_again(tx, &job)?, Self::new_due(tx, &secure)?),
                false => (job, secure.due),
            };
            let answer = spool.lend_to(tx, &job, (&from, &printer.name), &caller.user, lease_ms)?;
            if let ClaimAnswer::Refused(why) = &answer {
                spool.write_release(tx, &job, &secure, act(why.keyword()))?;
                return Ok((answer, erase));
            }
            let row = SecureRow {
                due,
                releases: secure.releases.saturating_add(1),
                station: station.clone(),
                device: Some(name.clone()),
                ..secure
            };
            store::secure::released(tx, &row)?;
            let place = station.as_ref().map_or_else(String::new, |station| format!(" at station {station} of {from}"));
            let why = format!("by {}{place}, on {name}", tx.who());
            record(tx, Object::Job(job.id), EventWord::Released, &why)?;
            spool.write_release(tx, &job, &row, act("ok"))?;
            Ok((answer, erase))
        })?;
        files::erase(&self.base().server(self.server()), &erase);
        crate::sys::fault::point("claim-granted");
        Ok(answer)
    }

    fn new_due(tx: &Tx<'_>, secure: &SecureRow) -> Fallible<Option<crate::model::time::SpoolTime>> {
        match secure.due {
            Some(due) => Ok(Some(due)),
            None => secure_queue(tx, secure.group)?.map(|queue| queue.due(tx)).transpose(),
        }
    }

    /// Lets a job that has printed and is kept wait for its owner again.
    fn wait_again(&self, tx: &Tx<'_>, job: &JobRow) -> Fallible<JobRow> {
        let mut job = Self::revive_released(tx, job)?;
        job.reasons = HoldReasons::NONE.with(HoldReason::SecureRelease);
        store::job::set_reasons(tx, job.id, job.reasons, None)?;
        let place = self.place_at(tx, Self::job_destination(tx, &job)?)?;
        let job = self.carry_anew(tx, job, &place)?;
        store::entry::withdraw(tx, job.id)?;
        Ok(job)
    }

    /// Why a job of the caller is not lent; none when it is.
    fn refusal_of_release(
        &self,
        tx: &Tx<'_>,
        job: &JobRow,
        secure: &SecureRow,
        printer: &StationPrinter,
    ) -> Fallible<Option<ClaimRefusal>> {
        let not = |why: String| Ok(Some(ClaimRefusal::NotReleasable(why)));
        if store::spool::state(tx)? != SpoolerState::Active {
            return not("the spooler of its server is drained".to_owned());
        }
        if let Some(lease) = store::lease::on(tx, job.id)? {
            return Ok(Some(ClaimRefusal::HeldElsewhere(lease.server.to_string())));
        }
        let (state, entries) = Self::job_state(tx, job)?;
        let how = standing(job, secure, state, store::spool::time(tx)?);
        if how == ReleaseState::Expired {
            return Ok(Some(ClaimRefusal::Expired));
        }
        if let Some(why) = unready(job, how, secure) {
            return not(format!("it {why}"));
        }
        if job.batch.is_some() || entries.len() > 1 {
            return not("it prints on several printers, or with other jobs, of its own server only".to_owned());
        }
        if entries.iter().any(|entry| entry.state.is_busy()) {
            return not("it is still on its way to another device".to_owned());
        }
        let wanted = self.asks_of_printer(tx, job, secure)?;
        Ok(match verdict(&wanted, Some(printer)) {
            Verdict::Here => None,
            Verdict::Attributes(missing) => Some(ClaimRefusal::Attributes(missing)),
            Verdict::Trouble(why) => Some(ClaimRefusal::NotReleasable(format!("the printer {why}"))),
            other => Some(ClaimRefusal::Incompatible(other.to_string())),
        })
    }

    /// Removes a job that waits for the caller, who stands at a station of another server. Delegates release; they remove nothing.
    ///
    /// # Errors
    /// `NotFound` where no job of his is so called.
    pub fn remove_for(&self, caller: &Caller, job: &GlobalJobId, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        self.remove_of(caller, Reach::asserted, job, now).map_err(|failure| match failure.kind {
            FailureKind::NotFound => Failure::new(FailureKind::NotFound, format!("job {job} does not exist")),
            _ => failure,
        })
    }

    /// Removes a job that waits for the caller, who stands at a station of this server.
    ///
    /// # Errors
    /// `NotFound` where no job of his is so called.
    pub fn remove_own(&self, caller: &Caller, job: &GlobalJobId, now: &Moment) -> Fallible<Vec<WakeTarget>> {
        self.remove_of(caller, Reach::of, job, now)
    }

    fn remove_of(
        &self,
        caller: &Caller,
        reach: fn(&Directory, &Caller) -> Reach,
        job: &GlobalJobId,
        now: &Moment,
    ) -> Fallible<Vec<WakeTarget>> {
        let found = self.look(&Call::of(caller, now), |tx| {
            let reach = reach(&self.directory(tx)?, caller);
            self.find_owned(tx, job, &reach)?
                .filter(|(_, secure)| reach.own.contains(&secure.owner))
                .map(|(row, _)| row)
                .ok_or_else(|| Failure::not_found(format!("job {job}")))
        })?;
        // He is its owner, whatever account he has here. Whose job it is never changes.
        let owner = Caller { uid: found.owner_uid, operator: false, ..caller.clone() };
        self.delete_job(&Call::of(&owner, now), &JobRef::Number(found.number), None, None).map(|done| done.1)
    }

    /// Returns what a job asks of a printer that waits for its owner; none of any other job.
    pub(crate) fn wanted_of(&self, call: &Call, job: &JobRef) -> Fallible<Option<crate::model::secure::Wanted>> {
        self.look(call, |tx| {
            let row = crate::spool::jobs::actions::find(tx, self, job)?;
            let Some(secure) = store::secure::of_job(tx, row.id)? else { return Ok(None) };
            let waits = row.reasons.has(HoldReason::SecureRelease) || row.lifetime.ending.is_some();
            match waits && row.wish != Wish::Cancel {
                true => self.asks_of_printer(tx, &row, &secure).map(Some),
                false => Ok(None),
            }
        })
    }
}
