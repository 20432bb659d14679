//! Jobs of other servers that are released on a printer of this one.
//!
//! Each server of the pool is asked what it holds for whoever stands here; one that does not answer is named. A release looks at the
//! printer first, so that a jammed one refuses before anything is claimed; then it asks the owner of the job what its rules say of
//! each printer, and claims the job for one of them. The job is fetched and printed as any claimed job ([`crate::spool::remote::claimed`]).

use crate::model::authority::NOBODY;
use crate::model::lease::Answered;
use crate::model::location::Destination;
use crate::model::object::ObjectName;
use crate::model::secure::{
    AtStation, HeldElsewhere, HeldJob, PrinterVerdict, ReleaseState, Released, StationPrinter, Verdict, Wanted,
};
use crate::model::why::Cause;
use crate::model::{Call, DeviceName, Failure, FailureKind, GlobalJobId, JobNumber, JobRef, ServerName};
use crate::store::secure::Line;
use crate::store::{self, Fallible, Tx};

use super::bank::{FEW_REFUNDS, Goods};
use super::held::Printers;
use super::people::{Reach, name_of};
use super::release::{no_station, refusal, without_printers};
use super::stations::{Station, not_related, verdict};
use crate::spool::jobs::actions::not_found;
use crate::spool::jobs::submit::{may_send, takes_work};
use crate::spool::objects::alive::Alive;
use crate::spool::remote::asking::{Answer, LOGIN, OnBehalf, Question};
use crate::spool::{Room, Spool, WakeTarget};

/// Servers of the pool that the queues of these printers name.
fn pool_of(printers: &[StationPrinter], own: &ServerName) -> Vec<ServerName> {
    let mut found: Vec<ServerName> = Vec::new();
    let queues = printers.iter().flat_map(|printer| &printer.queues);
    for entry in queues.flat_map(|queue| &queue.compatible) {
        let Some((server, _)) = entry.split_once(':') else { continue };
        if let Ok(server) = server.parse::<ServerName>()
            && server != *own
            && !found.contains(&server)
        {
            found.push(server);
        }
    }
    found
}

/// Inserts what is to be said of printers that are not there, in the order of the station.
fn complete(rows: &mut [HeldJob], printers: &Printers) {
    for row in rows {
        let mut told = std::mem::take(&mut row.verdicts).into_iter();
        row.verdicts = printers
            .iter()
            .filter_map(|(name, printer)| match printer {
                Some(_) => told.next(),
                None => Some(PrinterVerdict { printer: name.clone(), verdict: Verdict::NoPrinter }),
            })
            .collect();
    }
}

/// The failure for one job whose server does not answer. The spool here does, so that the next job may be asked for.
fn silent(job: &GlobalJobId, failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Unreachable => {
            Failure::new(FailureKind::State, format!("job {job} waits where it is: {}", failure.message))
        }
        _ => failure,
    }
}

impl Spool {
    fn station_now(&self, call: &Call, station: Option<&ObjectName>) -> Fallible<Option<(Station, Printers)>> {
        self.look(call, |tx| {
            let mut alive = Alive::new(self);
            let station = self.station(tx, station)?;
            station
                .map(|station| {
                    let printers = self.printers_of(tx, &station, &mut alive)?;
                    Ok((station, printers))
                })
                .transpose()
        })
    }

    /// Who stands here, as other servers are told: a login of this server. Somebody without an account is one whom the site has
    /// described, in the realm that the accounts of this server have. Of any other realm this server does not speak: that would be
    /// believed as little as a name that somebody typed.
    fn stands_here(&self, call: &Call, station: Option<&ObjectName>) -> Fallible<OnBehalf> {
        let caller = call.caller()?.clone();
        if caller.uid >= NOBODY
            && !self.look(call, |tx| Ok(self.directory(tx)?.is_as_at(&caller.identity(), self.server().as_str())))?
        {
            let why = "other servers are not asked for somebody who has no account here";
            return Err(Failure::new(FailureKind::Security, why));
        }
        Ok(OnBehalf { caller, method: LOGIN.to_owned(), station: station.map(ToString::to_string) })
    }

    /// Returns the jobs that other servers hold for the caller, with what each printer of the station makes of them, and which
    /// servers did not say. With a station only the servers of its pool are asked.
    pub(crate) fn held_elsewhere(&self, call: &Call, station: Option<&ObjectName>) -> Fallible<HeldElsewhere> {
        if self.known_servers()?.is_empty() {
            return Ok(HeldElsewhere::default());
        }
        let found = self.station_now(call, station)?;
        if found.as_ref().is_some_and(|(station, _)| station.shows_all) {
            return Ok(HeldElsewhere { only_here: true, ..HeldElsewhere::default() });
        }
        let (name, printers) = match found {
            Some((station, printers)) => (Some(station.name), printers),
            None => (None, Printers::new()),
        };
        let present: Vec<StationPrinter> = printers.iter().filter_map(|one| one.1.clone()).collect();
        let pool = pool_of(&present, self.server());
        if name.is_some() && pool.is_empty() {
            return Ok(HeldElsewhere::default());
        }
        let who = match self.stands_here(call, name.as_ref()) {
            Ok(who) => who,
            Err(failure) => return Ok(none_of(&pool, &failure)),
        };
        let servers = name.is_some().then_some(pool.clone());
        match self.ask_other(&Question::Held { who, printers: present, servers }) {
            Ok(Answer::Held(mut found)) => {
                complete(&mut found.rows, &printers);
                Ok(found)
            }
            Ok(_) => Err(Failure::internal("the server here answers something else than it was asked")),
            // Without a server here nobody was asked.
            Err(failure) if failure.kind == FailureKind::Unreachable => {
                let all = if name.is_some() { pool } else { self.known_servers()? };
                Ok(none_of(&all, &failure))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks the owner of a job about it.
    fn held_there(&self, who: &OnBehalf, job: &GlobalJobId, printers: &[StationPrinter]) -> Fallible<HeldJob> {
        let question = Question::HeldJob { who: who.clone(), printers: printers.to_vec(), job: job.clone() };
        match self.ask_other(&question).map_err(|failure| silent(job, failure))? {
            Answer::Held(mut found) => found.rows.pop().ok_or_else(|| not_found(&JobRef::Global(job.clone()))),
            _ => Err(Failure::internal("the server here answers something else than it was asked")),
        }
    }

    /// Releases a job that another server holds.
    pub(super) fn release_elsewhere(
        &self,
        call: &Call,
        job: &GlobalJobId,
        station: Option<ObjectName>,
        printer: Option<DeviceName>,
    ) -> Fallible<(Released, Vec<WakeTarget>)> {
        let (station, mut printers) = self.station_now(call, station.as_ref())?.ok_or_else(no_station)?;
        if printers.is_empty() {
            return Err(without_printers(&station));
        }
        if let Some(wanted) = &printer {
            printers.retain(|one| one.0.key() == wanted.key());
            if printers.is_empty() {
                return Err(not_related(&station, wanted));
            }
        }
        let who = self.stands_here(call, Some(&station.name))?;
        let present: Vec<StationPrinter> = printers.iter().filter_map(|one| one.1.clone()).collect();
        // Nothing is asked of anybody while no printer here takes a job.
        if !present.iter().any(|one| one.trouble.is_none()) {
            let (name, judged) = match present.first().and_then(|one| Some((one.name.clone(), one.trouble.clone()?))) {
                Some((name, trouble)) => (name, Verdict::of_trouble(trouble)),
                None => (printers.remove(0).0, Verdict::NoPrinter),
            };
            self.note_refused(call, (job, None), (&station, &name), judged.keyword())?;
            return Err(refusal(job, &name, &judged));
        }
        let row = self.held_there(&who, job, &present)?;
        if !row.state.is_releasable() {
            return Err(Failure::new(FailureKind::State, format!("job {job} is {}", stands(row.state))));
        }
        let Some(chosen) = row.first_printer() else {
            let Some(first) = row.verdicts.first() else { return Err(without_printers(&station)) };
            self.note_refused(call, (job, Some(row.number)), (&station, &first.printer), first.verdict.keyword())?;
            return Err(refusal(job, &first.printer, &first.verdict));
        };
        let Some(printer) = present.into_iter().find(|one| one.name == *chosen) else {
            return Err(Failure::internal("another server names a printer that is not one of this station"));
        };
        let to = self.look(call, |tx| self.way_of(tx, &row, &printer))?;
        let (correlation, on) = (job.to_string(), printer.name.to_string());
        let goods = Goods {
            correlation: &correlation,
            queue: row.queue.as_str(),
            printer: &on,
            pages: row.pages,
            octets: row.octets,
            attributes: &row.attributes,
        };
        let paid = match self.pay(call, &station.name, &goods) {
            Ok(paid) => paid,
            Err((failure, result)) => {
                self.note_refused(call, (job, Some(row.number)), (&station, &printer.name), result)?;
                return Err(failure);
            }
        };
        if let Some(paid) = &paid {
            self.pay_before_claim(call, paid)?;
        }
        let question = Question::Release { who, job: job.clone(), printer: printer.clone(), to: to.to_string() };
        let claimed = self.ask_other(&question).map_err(|failure| silent(job, failure));
        if let (Err(_), Some(paid)) = (&claimed, &paid) {
            self.owe_back(call, paid);
            self.refund_owed(FEW_REFUNDS, &call.now);
        }
        let Answer::Claimed(number) = claimed? else {
            return Err(Failure::internal("the server here answers something else than it was asked"));
        };
        Ok((Released { number, printer: printer.name, correlation: job.to_string() }, Vec::new()))
    }

    /// Where a job of another server goes to be printed on a printer here. The queues have to be compatible as this server sees it, too.
    fn way_of(&self, tx: &Tx<'_>, job: &HeldJob, printer: &StationPrinter) -> Fallible<Destination> {
        takes_work(tx)?;
        let refused = || {
            let judged = Verdict::Incompatible { queue: job.queue.to_string(), printer: Vec::new(), one_way: false };
            refusal(&job.global, &printer.name, &judged)
        };
        let row = store::device::by_name(tx, &printer.name)?.ok_or_else(refused)?;
        let way = self.way_to(tx, &row, &job.pool_queue())?.ok_or_else(refused)?;
        let to = Destination::of(way.name, way.kind);
        may_send(tx, &to, crate::model::order::Priority::default())?;
        Ok(to)
    }

    /// Writes into the record that a job of another server was refused here.
    fn note_refused(
        &self,
        call: &Call,
        (job, number): (&GlobalJobId, Option<JobNumber>),
        (station, printer): (&Station, &DeviceName),
        result: &'static str,
    ) -> Fallible<()> {
        let (spool, correlation) = (self.clone(), job.to_string());
        let (station, printer) = (station.name.to_string(), printer.to_string());
        self.change(Room::Gives, call, move |tx| {
            let act = ("release", result);
            spool.write_elsewhere(tx, (&correlation, number), act, (Some(&station), Some(&printer)))
        })
    }

    /// Writes a line about a job of another server. Whose it is, is told by who stands here.
    pub(crate) fn write_elsewhere(
        &self,
        tx: &Tx<'_>,
        (correlation, number): (&str, Option<JobNumber>),
        (what, result): (&str, &str),
        (station, printer): (Option<&str>, Option<&str>),
    ) -> Fallible<()> {
        let caller = tx.caller()?;
        let own = Reach::of(&self.directory(tx)?, caller).own;
        let owner = own.into_iter().next().unwrap_or_else(|| name_of(caller.uid, &caller.identity()));
        store::secure::add(tx, Line { correlation, what, owner: &owner, number, station, printer, result })
    }

    /// Removes a job of the caller that another server holds.
    pub(crate) fn remove_elsewhere(&self, call: &Call, job: &GlobalJobId) -> Fallible<()> {
        let who = self.stands_here(call, None)?;
        match self.ask_other(&Question::Remove { who, job: job.clone() }).map_err(|failure| silent(job, failure))? {
            Answer::Done => Ok(()),
            _ => Err(Failure::internal("the server here answers something else than it was asked")),
        }
    }

    /// Returns what the stations of this server make of a job, wherever it lies.
    pub(crate) fn at_stations(&self, call: &Call, wanted: &Wanted) -> Fallible<Vec<AtStation>> {
        self.look(call, |tx| {
            let mut alive = Alive::new(self);
            let mut found = Vec::new();
            for station in Self::stations(tx)? {
                let printers = self.printers_of(tx, &station, &mut alive)?;
                let verdicts = printers
                    .into_iter()
                    .map(|(name, one)| PrinterVerdict { verdict: verdict(wanted, one.as_ref()), printer: name });
                found.push(AtStation { station: station.name, verdicts: verdicts.collect() });
            }
            Ok(found)
        })
    }

    /// Returns what the stations of the other servers of its pool make of a job that waits for its owner here. Those that do not
    /// answer are named.
    pub(crate) fn why_elsewhere(&self, call: &Call, job: &JobRef) -> Fallible<Vec<Cause>> {
        if self.known_servers()?.is_empty() {
            return Ok(Vec::new());
        }
        let Some(wanted) = self.wanted_of(call, job)? else { return Ok(Vec::new()) };
        let mut servers: Vec<ServerName> = Vec::new();
        for entry in &wanted.queue.compatible {
            if let Some(Ok(server)) = entry.split_once(':').map(|parts| parts.0.parse::<ServerName>())
                && server != *self.server()
                && !servers.contains(&server)
            {
                servers.push(server);
            }
        }
        if servers.is_empty() {
            return Ok(Vec::new());
        }
        let who = OnBehalf { caller: call.caller()?.clone(), method: LOGIN.to_owned(), station: None };
        let told = match self.ask_other(&Question::Stations { who, wanted: Box::new(wanted), servers: servers.clone() })
        {
            Ok(Answer::Stations(told)) => told,
            Ok(_) => return Err(Failure::internal("the server here answers something else than it was asked")),
            Err(failure) => servers.into_iter().map(|one| (one, Err(failure.message.clone()))).collect(),
        };
        let mut causes = Vec::new();
        for (server, told) in told {
            match told {
                Ok(stations) => causes.extend(stations.into_iter().map(|one| Cause::StationThere {
                    server: server.clone(),
                    station: one.station,
                    verdicts: one.verdicts,
                })),
                Err(why) => causes.push(Cause::ServerSilent { server, why }),
            }
        }
        Ok(causes)
    }
}

/// How a job stands that cannot be released, as the end of the sentence "job n is …".
fn stands(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Expired => "expired: its purge time is over",
        ReleaseState::Released => "released already",
        ReleaseState::Printing => "being printed",
        ReleaseState::Begun => "begun at a printer of another server, and may have printed",
        _ => "kept back by something else than its release",
    }
}

/// An answer in which no server said anything.
fn none_of(servers: &[ServerName], failure: &Failure) -> HeldElsewhere {
    let each = servers.iter().map(|one| (one.clone(), Answered::No(failure.message.clone())));
    HeldElsewhere { servers: each.collect(), ..HeldElsewhere::default() }
}
