//! What a door says of printers, and of the jobs there: the questions of IPP, and what somebody may do about a job.
//!
//! A printer is a destination of the door under the name that it has there. Anybody who may connect sees printers, and of jobs their
//! numbers, sizes and states. Owner, title and reasons are for whoever sends from the same address under the same name, and for the
//! user of this machine whom the door believes. Only where the door believes names may somebody do something about a job.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::authority::NOBODY;
use crate::model::device::DeviceStatus;
use crate::model::door::{
    DoorAct, DoorAsker, DoorJobRow, DoorJobState, DoorJobs, DoorPrinter, DoorReply, DoorSettings, OwnJob, PrinterDoes,
};
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::finished::FinishedStatus;
use crate::model::job::{Format, JobStatus};
use crate::model::location::{Destination, LocationStatus};
use crate::model::query::{Condition, Order, PAGE, Parts, Query};
use crate::model::state::{DeviceState, DeviceWish, HoldReason, HoldReasons, JobState};
use crate::model::why::Cause;
use crate::model::{
    Call, Caller, DeviceName, Failure, FailureKind, GroupName, JobNumber, JobRef, LocationPattern, names::LocationName,
};
use crate::spool::Local;
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::sys::{clock, users};

use super::{MOST_NAME, Shared, is_by, is_from, line, nobody, received_from, user_of};

/// Finished jobs that are looked through for one answer.
const MOST_FINISHED: usize = 10_000;
/// Printers of one answer of which it is looked for since when they do what they do.
const MOST_SINCE: usize = 50;
/// Jobs of one answer whose causes are looked for.
const MOST_WHY: usize = 100;
/// The destination of jobs for which nobody names one.
const USUAL: &str = "#DEFAULT";

/// A printer of a door, before it is looked at.
#[derive(Clone, Debug)]
struct Place {
    name: String,
    destination: Destination,
}

/// The name of a destination where nobody has given it another one.
fn name_of(destination: &Destination) -> String {
    match destination {
        Destination::Location(name) => format!("{}.{}", name.group, name.dest),
        Destination::Plain(name) => name.dest.to_string(),
        Destination::Group(group) => group.to_string(),
    }
}

/// Who asks, as far as this door believes it.
struct Known {
    /// The user of this machine.
    caller: Option<Caller>,
    /// Whether names from there are believed.
    trusted: bool,
    user: Option<String>,
    /// The name under which his jobs are kept who has logged on.
    login: Option<String>,
    /// Whether people log on at this door.
    proved: bool,
    asker: DoorAsker,
}

impl Known {
    fn owns(&self, shared: &Shared, (submitter, uid, from): (&str, u32, Option<&str>)) -> bool {
        if self.caller.as_ref().is_some_and(|caller| caller.uid == uid) {
            return true;
        }
        // Of somebody without an account the name stands there, in a realm that is no address.
        if let Some(login) = &self.login {
            return uid == NOBODY && login == submitter && is_by(from, &shared.name);
        }
        // Where people log on, who only says a name is not taken for one of them.
        if self.proved {
            return false;
        }
        let (Some(peer), Some(user)) = (self.asker.peer, &self.user) else { return false };
        is_from((from, submitter), &shared.name, peer, user)
    }
}

impl Shared {
    fn known(&self, settings: &DoorSettings, asker: DoorAsker) -> Result<Known, Failure> {
        let said = asker.user.as_deref().map(|user| line(user, MOST_NAME)).filter(|user| !user.is_empty());
        let user = asker.uid.map(users::name).or(said);
        let sender = self.sender_of(settings, &asker, None)?;
        let login = asker.login.is_some().then(|| sender.caller.identity());
        let trusted = asker.uid.is_some() || login.is_some() || asker.peer.is_some_and(|peer| settings.trusts(peer));
        // A name is needed: nobody is everybody who gives none.
        let caller = (sender.caller.uid != NOBODY && user.is_some()).then_some(sender.caller);
        Ok(Known { caller, trusted, user, login, proved: settings.log_on.is_possible(), asker })
    }

    pub(super) fn own_call(&self) -> Call {
        Call::of(self.own.get_or_init(users::caller), &clock::now())
    }

    fn locations(&self) -> Result<Vec<LocationStatus>, Failure> {
        let (mut found, mut after) = (Vec::new(), None::<LocationName>);
        loop {
            let page = self.spool.locations(&self.call(), None, after)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.name.clone());
            found.extend(page);
        }
    }

    /// The printers of this door, by name.
    fn places(&self, settings: &DoorSettings) -> Result<Vec<Place>, Failure> {
        let mut places: Vec<Place> = if settings.to.is_empty() {
            let of = |row: LocationStatus| Destination::of(row.name, row.kind);
            let own = self.locations()?.into_iter().map(of);
            own.map(|destination| Place { name: name_of(&destination), destination }).collect()
        } else {
            let call = self.call();
            let of = |target: &crate::model::door::DoorTarget| {
                let alias = target.alias.clone().filter(|alias| alias != "*");
                let destination = self.spool.resolve(&call, &target.destination).ok()?;
                Some(Place { name: alias.unwrap_or_else(|| name_of(&destination)), destination })
            };
            settings.to.iter().filter_map(of).collect()
        };
        places.sort_by_key(|place| place.name.to_ascii_lowercase());
        places.dedup_by(|a, b| a.name.eq_ignore_ascii_case(&b.name));
        Ok(places)
    }

    /// The printer that a sender means.
    fn place(&self, settings: &DoorSettings, queue: &str) -> Result<Place, Failure> {
        if queue.is_empty() {
            return self.usual(settings)?.ok_or_else(|| Failure::not_found("a usual printer of this door"));
        }
        let target = self.target(settings, queue);
        // A group is known by its bare name here.
        let target = target.or_else(|failure| self.target(settings, &format!("#{queue}")).map_err(|_| failure))?;
        let destination = self.spool.resolve(&self.call(), &target)?;
        let alias = settings.to.iter().find_map(|target| {
            target.alias.as_ref().filter(|alias| *alias != "*" && alias.eq_ignore_ascii_case(queue)).cloned()
        });
        Ok(Place { name: alias.unwrap_or_else(|| name_of(&destination)), destination })
    }

    /// The printer of whoever names none: the only one of the door, or what the spool's `#DEFAULT` is.
    fn usual(&self, settings: &DoorSettings) -> Result<Option<Place>, Failure> {
        let named = settings.to.iter().filter(|target| target.alias.as_deref() != Some("*")).count();
        if named == 1 {
            return Ok(self.places(settings)?.into_iter().next());
        }
        let Ok(usual) = self.spool.resolve(&self.call(), USUAL) else { return Ok(None) };
        Ok(self.name_here(settings, &usual).map(|name| Place { name, destination: usual }))
    }

    /// The name that a destination has at this door; none = it has none here.
    fn name_here(&self, settings: &DoorSettings, destination: &Destination) -> Option<String> {
        if settings.to.is_empty() {
            return Some(name_of(destination));
        }
        let call = self.call();
        let is_it = |target: &&crate::model::door::DoorTarget| {
            self.spool.resolve(&call, &target.destination).is_ok_and(|target| target == *destination)
        };
        let target = settings.to.iter().find(is_it)?;
        Some(target.alias.clone().filter(|alias| alias != "*").unwrap_or_else(|| name_of(destination)))
    }

    pub(super) fn printers(&self, queue: Option<&str>, (after, brief): (u64, bool)) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let usual = if brief { None } else { self.usual(&settings).ok().flatten().map(|place| place.destination) };
        let (places, next) = match queue {
            Some(queue) => (vec![self.place(&settings, queue)?], None),
            None => {
                let all = self.places(&settings)?;
                let begin = usize::try_from(after).unwrap_or(usize::MAX).min(all.len());
                let end = all.len().min(begin.saturating_add(PAGE as usize));
                let next = (end < all.len()).then_some(end as u64);
                (all.get(begin..end).unwrap_or_default().to_vec(), next)
            }
        };
        let mut devices = HashMap::new();
        let few = !brief && places.len() <= MOST_SINCE;
        let accepts = self.spool.accepts_unsupported(&self.call())?;
        let printers = places
            .into_iter()
            .map(|place| {
                let is_default = usual.as_ref() == Some(&place.destination);
                self.printer(&settings, place, (is_default, accepts, few), &mut devices)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(DoorReply::Printers(printers, next))
    }

    /// The first printers of the door, and whether there are more.
    pub(super) fn first_printers(&self, most: usize) -> Result<(Vec<DoorPrinter>, bool), Failure> {
        let settings = self.settings()?;
        let mut places = self.places(&settings)?;
        let has_more = places.len() > most;
        places.truncate(most);
        let mut devices = HashMap::new();
        let accepts = self.spool.accepts_unsupported(&self.call())?;
        let each =
            places.into_iter().map(|place| self.printer(&settings, place, (false, accepts, false), &mut devices));
        Ok((each.collect::<Result<_, _>>()?, has_more))
    }

    fn printer(
        &self,
        settings: &DoorSettings,
        place: Place,
        (is_default, accepts, few): (bool, bool, bool),
        known: &mut HashMap<DeviceName, Option<DeviceStatus>>,
    ) -> Result<DoorPrinter, Failure> {
        let call = self.call();
        let (own, group): (Vec<LocationStatus>, Option<GroupName>) = match &place.destination {
            Destination::Location(name) | Destination::Plain(name) => {
                let own = self.spool.locations(&call, Some(LocationPattern::One(name.clone())), None)?;
                let whole = own.iter().any(|row| row.whole_group).then(|| name.group.clone());
                (own, whole)
            }
            Destination::Group(group) => (Vec::new(), Some(group.clone())),
        };
        let members = match &group {
            Some(group) => {
                self.spool.locations(&call, Some(LocationPattern::Group(group.clone())), None).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let rows = if members.is_empty() { &own } else { &members };
        let mut devices: Vec<&DeviceName> = rows.iter().filter_map(|row| row.device.as_ref()).collect();
        devices.sort();
        devices.dedup();
        for name in &devices {
            if !known.contains_key(*name) {
                known.insert((*name).clone(), self.spool.device(&call, name).ok());
            }
        }
        let devices: Vec<&DeviceStatus> =
            devices.into_iter().filter_map(|name| known.get(name).and_then(Option::as_ref)).collect();
        let (does, reasons, message) = standing(&devices);
        let content = own.first().and_then(|row| row.content);
        // What no device takes is refused, whatever the location says of its jobs.
        let taken = |format: &Format| devices.is_empty() || devices.iter().any(|device| takes(device, *format));
        let content_known = content.filter(|format| *format != Format::Passthru && taken(format));
        let mut formats: Vec<Format> = content_known.into_iter().collect();
        for format in devices.iter().flat_map(|device| declared(device)) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        let allowed = own.first().and_then(|row| supported(&row.given));
        let is_allowed = |format: &Format| allowed.as_ref().is_none_or(|allowed| allowed.contains(format));
        formats.retain(is_allowed);
        // What no device prints is held where the server accepts it. What the location itself does not allow is refused there too.
        let mut held_formats = Vec::new();
        if !devices.is_empty() && devices.iter().all(|device| supported(&device.given).is_some()) && accepts {
            held_formats.extend(Format::with_mime().filter(is_allowed));
            held_formats.retain(|format| !formats.contains(format));
        }
        let takes_all = allowed.is_none()
            && (content == Some(Format::Passthru)
                || (!devices.is_empty() && devices.iter().all(|device| device.settings.content_raw)));
        let since_ms = devices.first().filter(|_| few).and_then(|device| self.since(device));
        let media = devices.iter().flat_map(|device| texts(&device.given, "media-supported")).collect();
        let name = place.destination.to_string();
        let refuses = match settings.drained {
            true => Some(format!("door {} is drained", self.name)),
            false => {
                let call = Call::of(&nobody(), &clock::now());
                self.spool.demand_taking(&call, &name).err().map(|failure| failure.message)
            }
        };
        let jobs = rows.iter().map(|row| row.jobs).sum::<u64>();
        let printing = devices.iter().filter(|device| device.running.is_some()).count();
        let about: Vec<String> = own.iter().flat_map(|row| &row.given).filter_map(descriptor).collect();
        Ok(DoorPrinter {
            is_group: group.is_some(),
            is_default,
            does,
            since_ms,
            reasons,
            message,
            refuses,
            jobs: u32::try_from(jobs).unwrap_or(u32::MAX).max(u32::try_from(printing).unwrap_or(0)),
            formats,
            held_formats,
            media,
            takes_all,
            about: about.into_iter().next().unwrap_or_default(),
            known_as: name,
            name: place.name,
        })
    }

    /// Since when a device does what it does: a moment that is known, or its last change on record.
    fn since(&self, device: &DeviceStatus) -> Option<i64> {
        use EventWord::{Declared, Drained, Started, Stopped, Suspended};
        let known = match &device.running {
            Some(running) => Some(running.since_ms),
            None => device.trouble.as_ref().and_then(|trouble| trouble.since_ms),
        };
        known.or_else(|| {
            let events = self.spool.events(&self.own_call(), &EventSubject::Device(device.name.clone()), 0).ok()?;
            let changes = [Declared, Started, Drained, Stopped, Suspended];
            events.iter().rev().find(|event| changes.contains(&event.what)).map(|event| event.at_ms)
        })
    }

    pub(super) fn jobs(&self, which: &DoorJobs, asker: DoorAsker) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let known = self.known(&settings, asker)?;
        match which {
            DoorJobs::One { number, why } => {
                let (row, _) = self.one(&settings, &known, (*number, *why))?;
                Ok(DoorReply::Jobs(vec![row]))
            }
            DoorJobs::Of { queue, ended, own, skip, limit } => {
                let place = queue.as_deref().map(|queue| self.place(&settings, queue)).transpose()?;
                let limit = (*limit).clamp(1, PAGE) as usize;
                let rows = match ended {
                    false => self.living(&settings, &known, (place.as_ref(), *own), (*skip as usize, limit))?,
                    true => self.ended(&settings, &known, (place.as_ref(), *own), (*skip as usize, limit))?,
                };
                Ok(DoorReply::Jobs(rows))
            }
        }
    }

    /// One job of a printer of this door, and whether it is the asker's.
    fn one(
        &self,
        settings: &DoorSettings,
        known: &Known,
        (number, why): (u32, bool),
    ) -> Result<(DoorJobRow, bool), Failure> {
        let unknown = || Failure::not_found(format!("job {number}"));
        let job = JobRef::Number(JobNumber::new(number).ok_or_else(unknown)?);
        match self.spool.job(&self.own_call(), &job) {
            Ok(status) => {
                let queue = self.name_here(settings, &status.destination).ok_or_else(unknown)?;
                let row = self.row(known, status, queue, why);
                let own = row.own.is_some();
                Ok((row, own))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => {
                let found = self.spool.finished(&self.own_call(), &Condition::Job(job), None, 1)?;
                let status = found.rows.into_iter().next().ok_or_else(unknown)?;
                let queue = self.name_here(settings, &status.destination).ok_or_else(unknown)?;
                let row = self.finished_row(known, status, queue);
                let own = row.own.is_some();
                Ok((row, own))
            }
            Err(failure) => Err(failure),
        }
    }

    /// How a job stands that was just made. That is told while its sender waits, so what keeps it from printing is not looked
    /// for: who wants to know asks for the job.
    pub(super) fn shown(&self, settings: &DoorSettings, asker: &DoorAsker, number: u32) -> Option<Box<DoorJobRow>> {
        let known = self.known(settings, asker.clone()).ok()?;
        let found = self.spool.together(|| self.one(settings, &known, (number, false)));
        found.ok().map(|(row, _)| Box::new(row))
    }

    fn living(
        &self,
        settings: &DoorSettings,
        known: &Known,
        (place, own): (Option<&Place>, bool),
        (skip, limit): (usize, usize),
    ) -> Result<Vec<DoorJobRow>, Failure> {
        let condition = place.map_or(Condition::Any, |place| Condition::Destination(place.destination.clone()));
        let parts = Parts { given: true, documents: true, position: false };
        let query = Query { condition, order: Order::Schedule, parts };
        let (mut found, mut after, mut passed) = (Vec::new(), None, 0);
        let mut names: HashMap<String, Option<String>> = HashMap::new();
        loop {
            let page = self.spool.jobs(&self.own_call(), &query, after, PAGE)?;
            for status in page.rows {
                if status.state == JobState::Retained {
                    continue;
                }
                let name = names
                    .entry(status.destination.stored())
                    .or_insert_with(|| self.name_here(settings, &status.destination));
                let Some(queue) = place.map(|place| place.name.clone()).or_else(|| name.clone()) else { continue };
                if own && !self.is_of(known, &status) {
                    continue;
                }
                passed += 1;
                if passed > skip {
                    // To look for causes takes time: only of what is told, and not of a long list.
                    found.push(self.row(known, status, queue, found.len() < MOST_WHY && limit <= MOST_WHY));
                }
                if found.len() >= limit {
                    return Ok(found);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    fn ended(
        &self,
        settings: &DoorSettings,
        known: &Known,
        (place, own): (Option<&Place>, bool),
        (skip, limit): (usize, usize),
    ) -> Result<Vec<DoorJobRow>, Failure> {
        let is_there = |destination: &Destination| match place {
            Some(place) => (place.destination == *destination).then(|| place.name.clone()),
            None => self.name_here(settings, destination),
        };
        let mut rows = Vec::new();
        let condition = Condition::State(JobState::Retained);
        let parts = Parts { given: true, documents: true, position: false };
        let query = Query { condition, order: Order::Number, parts };
        for status in self.spool.jobs(&self.own_call(), &query, None, PAGE)?.rows {
            if let Some(queue) = is_there(&status.destination) {
                rows.push(self.row(known, status, queue, false));
            }
        }
        let (mut after, mut looked) = (None, 0);
        while looked < MOST_FINISHED && rows.len() < skip.saturating_add(limit) {
            let page = self.spool.finished(&self.own_call(), &Condition::Any, after, PAGE)?;
            looked += page.rows.len();
            for status in page.rows {
                if let Some(queue) = is_there(&status.destination) {
                    rows.push(self.finished_row(known, status, queue));
                }
            }
            rows.retain(|row| !own || row.own.is_some());
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        rows.retain(|row| !own || row.own.is_some());
        rows.sort_by_key(|row| std::cmp::Reverse(row.ended_ms));
        Ok(rows.into_iter().skip(skip).take(limit).collect())
    }

    /// Whether a job is the asker's.
    fn is_of(&self, known: &Known, job: &JobStatus) -> bool {
        known.owns(self, (&job.user_name, job.owner_uid, received_from(job).as_deref()))
    }

    fn row(&self, known: &Known, job: JobStatus, queue: String, why: bool) -> DoorJobRow {
        let is_own = self.is_of(known, &job);
        let own = is_own.then(|| OwnJob {
            user: user_of(&job.user_name).to_owned(),
            title: job.name.clone(),
            host: job.user_name.rsplit('@').next().unwrap_or_default().to_owned(),
            names: job.documents.iter().map(|document| document.file_name.to_string()).collect(),
        });
        let ended = job.ended.as_ref();
        let state = match job.state {
            JobState::Retained => end_of(ended.map_or("", |ended| ended.outcome.as_str()), job.reasons),
            state => DoorJobState::Lives(state),
        };
        let mut causes = Vec::new();
        if why && matches!(state, DoorJobState::Lives(_)) {
            let found = self.spool.why(&self.own_call(), &JobRef::Number(job.number));
            causes = found.map(|why| why.causes).unwrap_or_default();
            if !is_own {
                // What a job was told is its owner's to know.
                causes.retain(|cause| {
                    !matches!(
                        cause,
                        Cause::Held { .. }
                            | Cause::Server { .. }
                            | Cause::Station { .. }
                            | Cause::ListedFor { .. }
                            | Cause::OtherDriver { .. }
                    )
                });
            }
        }
        DoorJobRow {
            number: job.number.get(),
            global: job.global.to_string(),
            queue,
            state,
            reasons: job.reasons,
            why: causes,
            own,
            octets: job.total_octets,
            copies: job.copies,
            documents: u32::try_from(job.documents.len()).unwrap_or(u32::MAX),
            priority: job.priority.get(),
            created_ms: job.created_ms,
            started_ms: job.started_ms.or_else(|| job.ended.as_ref().and_then(|ended| ended.started_ms)),
            ended_ms: job.ended.as_ref().map(|ended| ended.at_ms),
            before: job.intervening,
        }
    }

    fn finished_row(&self, known: &Known, job: FinishedStatus, queue: String) -> DoorJobRow {
        let from = Field::from_stored("received-from");
        let from = job.carried.iter().find(|(field, _)| Some(*field) == from).and_then(|(_, value)| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let own = known.owns(self, (&job.user_name, job.owner_uid, from)).then(|| OwnJob {
            user: user_of(&job.user_name).to_owned(),
            title: job.name.clone(),
            host: job.user_name.rsplit('@').next().unwrap_or_default().to_owned(),
            names: Vec::new(),
        });
        DoorJobRow {
            number: job.number.get(),
            global: job.global.to_string(),
            queue,
            state: end_of(&job.outcome, HoldReasons::NONE),
            reasons: HoldReasons::NONE,
            why: Vec::new(),
            own,
            octets: job.octets,
            copies: 1,
            documents: job.documents,
            priority: 50,
            created_ms: job.created_ms,
            started_ms: None,
            ended_ms: Some(job.finished_ms),
            before: None,
        }
    }

    pub(super) fn act(&self, number: u32, asker: DoorAsker, act: DoorAct) -> Result<DoorReply, Failure> {
        let settings = self.settings()?;
        let known = self.known(&settings, asker)?;
        let (row, own) = self.one(&settings, &known, (number, false))?;
        let denied = |why: &str| {
            Failure::new(FailureKind::Security, format!("job {number}: {why}"))
                .hint(format!("pdserver door set {} --trust-users NETWORK   believes names from there", self.name))
        };
        if !known.trusted {
            return Err(denied("this door believes no name of a user from there, so nobody there may change a job"));
        }
        if !matches!(row.state, DoorJobState::Lives(_)) {
            return Err(Failure::new(FailureKind::State, format!("job {number} has ended")));
        }
        // A user of this machine has the rights that he has anywhere. Of others the door knows only where a job came from.
        let caller = match known.caller {
            Some(caller) => caller,
            None if own => users::caller(),
            None => return Err(denied("it is somebody else's")),
        };
        let user = known.user.unwrap_or_default();
        let mut local = Local::new(self.spool.clone(), caller, clock::now, Arc::clone(&self.attendant));
        let job = JobRef::Number(JobNumber::new(number).ok_or_else(|| Failure::not_found(format!("job {number}")))?);
        // It was there a moment ago: a job that is gone now was printed meanwhile.
        let gone = |failure: Failure| match failure.kind {
            FailureKind::NotFound => Failure::new(FailureKind::State, format!("job {number} has ended")),
            _ => failure,
        };
        match act {
            DoorAct::Cancel => {
                let message = format!("removed by {user} by door {}", self.name);
                local.delete_job(job, Some(message), None).map_err(gone)?;
                self.forget_open(number);
            }
            DoorAct::Hold => local.hold_job(job).map_err(gone)?,
            DoorAct::Release => {
                let remain = local.start_job(job).map_err(gone)?;
                if !remain.is_empty() {
                    let words: Vec<&str> = remain.iter().map(HoldReason::words).collect();
                    return Err(Failure::new(
                        FailureKind::State,
                        format!("job {number} stays held: {}", words.join(", ")),
                    ));
                }
            }
        }
        Ok(DoorReply::Done)
    }
}

/// What a device is declared to print, or has made into what it prints.
fn declared(device: &DeviceStatus) -> Vec<Format> {
    let mut formats = supported(&device.given).unwrap_or_default();
    formats.extend(device.settings.transforms.iter().map(|transform| transform.format));
    formats
}

/// Whether a device takes a document of that format: what says nothing takes all.
fn takes(device: &DeviceStatus, format: Format) -> bool {
    device.settings.content_raw || supported(&device.given).is_none() || declared(device).contains(&format)
}

/// The formats that a destination says it supports; none where it says nothing. A word that is no format here is one that no
/// document has.
fn supported(given: &[(Field, Value)]) -> Option<Vec<Format>> {
    let field = Field::from_stored("document-formats-supported");
    let said = given.iter().filter(|(given, _)| Some(*given) == field);
    let values: Vec<&Value> = said.flat_map(|(_, value)| value.each()).collect();
    let format = |value: &Value| match value {
        Value::Text(text) => Format::from_typed(text),
        _ => None,
    };
    (!values.is_empty()).then(|| values.into_iter().filter_map(format).collect())
}

/// The values of an attribute of texts.
fn texts(given: &[(Field, Value)], name: &str) -> Vec<String> {
    let field = Field::from_stored(name);
    let said = given.iter().filter(|(given, _)| Some(*given) == field).flat_map(|(_, value)| value.each());
    said.filter_map(|value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    })
    .collect()
}

fn descriptor((field, value): &(Field, Value)) -> Option<String> {
    match (Field::from_stored("descriptor"), value) {
        (Some(known), Value::Text(text)) if known == *field => Some(text.clone()),
        _ => None,
    }
}

/// How a job ended, by the word of the history.
fn end_of(outcome: &str, reasons: HoldReasons) -> DoorJobState {
    match outcome {
        "cancelled" => DoorJobState::Cancelled,
        "aborted" => DoorJobState::Aborted,
        _ if reasons.has(HoldReason::WriterDied) || reasons.has(HoldReason::Failed) => DoorJobState::Aborted,
        word => DoorJobState::Printed(word.to_owned()),
    }
}

/// What the devices of a printer are doing: it prints where one does, and is stopped where all are.
fn standing(devices: &[&DeviceStatus]) -> (PrinterDoes, Vec<String>, String) {
    let each: Vec<(PrinterDoes, Option<&str>, String)> = devices.iter().map(|device| of_device(device)).collect();
    let does = if each.iter().any(|one| one.0 == PrinterDoes::Prints) {
        PrinterDoes::Prints
    } else if each.iter().any(|one| one.0 == PrinterDoes::Waits) {
        PrinterDoes::Waits
    } else {
        PrinterDoes::Stopped
    };
    let mut reasons: Vec<String> = Vec::new();
    for reason in each.iter().filter_map(|one| one.1) {
        if !reasons.iter().any(|known| known == reason) {
            reasons.push(reason.to_owned());
        }
    }
    let said: Vec<&str> = each.iter().map(|one| one.2.as_str()).filter(|said| !said.is_empty()).collect();
    if devices.is_empty() {
        return (PrinterDoes::Stopped, vec!["other".to_owned()], "it leads to no device".to_owned());
    }
    (does, reasons, said.join("; "))
}

/// What one device is doing, the reason in the word of RFC 8011, and in a sentence.
fn of_device(device: &DeviceStatus) -> (PrinterDoes, Option<&'static str>, String) {
    let name = device.name.guardian();
    let error = device.error.as_ref().map(|error| error.text.as_str());
    let trouble = device.trouble.as_ref().map(|trouble| trouble.word.as_str());
    let said = error.or(trouble).map(|words| format!("{name}: {words}")).unwrap_or_default();
    match device.state {
        DeviceState::Printing(_) | DeviceState::Aligning => {
            let since = device.running.as_ref().is_some_and(|running| running.stalled.is_some());
            (PrinterDoes::Prints, since.then_some("timed-out"), said)
        }
        DeviceState::Waiting => (PrinterDoes::Waits, None, said),
        DeviceState::Suspended => (PrinterDoes::Stopped, Some("paused"), format!("{name} is suspended")),
        DeviceState::Offline if device.stopped_by_error => (PrinterDoes::Stopped, Some("other"), said),
        DeviceState::Offline => (PrinterDoes::Stopped, Some("paused"), format!("{name} is stopped")),
        DeviceState::DevError(number) => (PrinterDoes::Stopped, Some(of_error(number)), said),
        DeviceState::ProcError => match device.wish {
            DeviceWish::Stopped => (PrinterDoes::Stopped, Some("paused"), said),
            _ => (PrinterDoes::Stopped, Some("other"), format!("{name}: its print process is in error")),
        },
    }
}

/// The word of RFC 8011 for an error of a device.
fn of_error(number: u32) -> &'static str {
    match number {
        // 102: out of paper; 100: not ready.
        102 => "media-empty",
        100 => "other",
        _ => "connecting-to-device",
    }
}
