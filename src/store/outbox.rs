//! What somebody is still to be told: one row for each notification.
//!
//! An event looks, in its own transaction, for profiles that ask for it: those of the job, of its queue, of its device, of
//! the server. What they ask for becomes a row here, so it is on disk with what it tells, or not at all. Whoever delivers
//! removes the row when that is done. A crash between the two leaves the row: a notification is delivered once at least.
//!
//! The table is bounded. What finds no room is lost, and counted; the first one that is lost is an event of the spool.

use std::cell::Cell;

use crate::model::event::{EventDetail, EventWord};
use crate::model::field::{Field, Value};
use crate::model::location::LocationKind;
use crate::model::notification::{
    self, Deliveries, Delivery, EventRow, MAX_WAITING, MAX_WAITING_OF_ADDRESS, MAX_WAITING_OF_USER, Method, On,
    Profile, event_named,
};
use crate::model::printable::escaped;
use crate::model::state::{EntryState, HoldReason};
use crate::model::{DeviceId, DeviceName, Failure, GroupId, JobId, LocationId, ProcessName};

use super::event::Object;
use super::job::JobRow;
use super::managed::{self, Holder};
use super::value::{Bind, columns, values};
use super::{Fallible, Row, Tx, spool};

/// The longest message, in characters.
const MAX_TEXT: usize = 2_000;
/// The longest circumstances in one, in characters.
const MAX_WHY: usize = 400;

/// The event of a job that is printed.
const COMPLETED: &str = "job-completed";

/// What the log of a device says that was paused and goes on.
pub(crate) const RESUMED: &str = "DEV START, it was suspended";

/// What the log of a job says that is a font.
pub(crate) const IS_FONT: &str = "it is the font ";

/// Attributes that ask for something to be told.
pub(super) const PROFILE: &str = "notification-profile";
const OPERATOR: &str = "notify-operator";
const TO_OPERATOR: &str = "job-message-to-operator";
const AT_START: &str = "job-start-message";
const AT_END: &str = "job-end-message";

thread_local! {
    // A change is carried out by one thread from its beginning to its end.
    static ADDED: Cell<bool> = const { Cell::new(false) };
}

/// Forgets that anything was added: a change begins.
pub(crate) fn begin() {
    ADDED.set(false);
}

/// Tells whether the change has added anything.
pub(crate) fn has_added() -> bool {
    ADDED.get()
}

/// What a notification needs of a job.
struct JobFacts {
    id: JobId,
    number: String,
    serial: String,
    name: String,
    uid: u32,
    user: String,
    /// The users of another server have numbers of their own.
    is_foreign: bool,
    group: GroupId,
}

columns!(job_at { id, local_id, serial, name, owner_uid, user_name, origin, group_id });

fn job_facts(tx: &Tx<'_>, id: JobId) -> Fallible<Option<JobFacts>> {
    let sql = made_once!("SELECT {} FROM job WHERE id = ?", job_at::LIST);
    tx.one(sql, values![id], |row| {
        Ok(JobFacts {
            id: row.get(job_at::id)?,
            number: row.get::<i64>(job_at::local_id)?.to_string(),
            serial: format!("{:010}", row.get::<i64>(job_at::serial)?),
            name: row.get(job_at::name)?,
            uid: row.get(job_at::owner_uid)?,
            user: row.get(job_at::user_name)?,
            is_foreign: row.get::<Option<String>>(job_at::origin)?.is_some(),
            group: row.get(job_at::group_id)?,
        })
    })
}

/// What a job asks to be told, and what its operators are to be told. Most jobs ask for nothing.
#[derive(Default)]
struct Asked {
    values: Vec<(Field, Value)>,
    /// Who set the profile, where that was not the user of the job.
    set_by: Option<u32>,
}

impl Asked {
    fn profiles(&self, job: &JobFacts) -> Vec<(Profile, u32)> {
        read_profiles(texts(&self.values, PROFILE), self.set_by.unwrap_or(job.uid))
    }

    fn has_profile(&self) -> bool {
        self.values.iter().any(|(field, _)| field.stored() == PROFILE)
    }
}

/// Reads profiles that one user has set. One that this version cannot read tells nobody anything.
fn read_profiles(texts: Vec<String>, set_by: u32) -> Vec<(Profile, u32)> {
    texts.iter().filter_map(|text| Some((Profile::parse(text).ok()?, set_by))).collect()
}

columns!(asked_at { field, value, set_by });

fn asked_by_job(tx: &Tx<'_>, id: JobId) -> Fallible<Asked> {
    let sql = made_once!(
        "SELECT {} FROM job_value WHERE job_id = ? AND document = 0 AND field IN (?, ?, ?, ?) ORDER BY field, position",
        asked_at::LIST
    );
    let mut asked = Asked::default();
    tx.each(sql, values![id, PROFILE, TO_OPERATOR, AT_START, AT_END], |row| {
        let text: String = row.get(asked_at::value)?;
        let field: Field = row.get(asked_at::field)?;
        if field.stored() == PROFILE {
            asked.set_by = row.get(asked_at::set_by)?;
        }
        asked.values.push((field, super::given::parse(&text, id)?));
        Ok(())
    })?;
    Ok(asked)
}

/// What was set of a device, a location, a group or the spool under that name, and is text.
fn texts(found: &[(Field, Value)], name: &str) -> Vec<String> {
    let named = found.iter().filter(|(field, _)| field.stored() == name);
    named.flat_map(|(_, value)| each_text(value)).collect()
}

fn each_text(value: &Value) -> impl Iterator<Item = String> + '_ {
    value.each().iter().filter_map(|value| if let Value::Text(text) = value { Some(text.clone()) } else { None })
}

/// What happens, and to what.
#[derive(Default)]
struct Happening<'a> {
    /// The events that it is, the one that says most first.
    events: &'a [&'static str],
    /// The circumstances.
    why: &'a str,
    job: Option<&'a JobFacts>,
    /// What the job itself asks for.
    asked: Option<&'a Asked>,
    device: Option<DeviceId>,
    location: Option<LocationId>,
    /// The queue, where it is not that of the job.
    queue: Option<GroupId>,
    /// The name of what it happens to, where that is no job.
    object: &'a str,
    /// What it passes with: see [`passed`].
    passing: Option<String>,
}

/// A recipient on an object of one kind.
struct Recipient {
    on: On,
    uid: u32,
    /// Whom a profile without an address means.
    usual: String,
    /// Each with who set it.
    profiles: Vec<(Profile, u32)>,
}

/// Whom a notification reaches: two with one method are one.
#[derive(PartialEq, Eq)]
enum Person {
    User(u32),
    Address(String),
}

/// A notification as it is put into the outbox.
struct Note<'a> {
    method: Method,
    address: String,
    event: &'a str,
    number: &'a str,
    text: &'a str,
    /// Who set the profile.
    set_by: u32,
    /// What the trouble passes with, and how many minutes it is to have lasted.
    waits: Option<(&'a str, u32)>,
}

impl Happening<'_> {
    fn tell(&self, tx: &Tx<'_>) -> Fallible<()> {
        self.tell_those(tx, self.recipients(tx)?)
    }

    /// Tells the submitter alone.
    fn tell_submitter(&self, tx: &Tx<'_>) -> Fallible<()> {
        self.tell_those(tx, self.submitter().into_iter().collect())
    }

    fn tell_those(&self, tx: &Tx<'_>, recipients: Vec<Recipient>) -> Fallible<()> {
        let rows: Vec<&EventRow> = self.events.iter().filter_map(|name| event_named(name)).collect();
        let mut wanted = Vec::new();
        for recipient in &recipients {
            for (profile, set_by) in &recipient.profiles {
                let event = rows.iter().find(|row| row.on.contains(&recipient.on) && profile.wants(recipient.on, row));
                let Some(event) = event else { continue };
                let waits = self.passing.as_deref().zip(profile.delay).filter(|_| event.may_pass());
                wanted.push((recipient, profile, *set_by, event, waits));
            }
        }
        // One who is told as the submitter and as an operator is told once, and as soon as he wants to be told as either.
        wanted.sort_by_key(|(.., waits)| waits.map_or(0, |(_, minutes)| minutes));
        let mut told: Vec<(Method, Person)> = Vec::new();
        for (recipient, profile, set_by, event, waits) in wanted {
            let person = (profile.method, self.person(recipient, profile.address.as_deref()));
            if told.contains(&person) {
                continue;
            }
            told.push(person);
            let note = Note {
                method: profile.method,
                address: profile.address.clone().unwrap_or_else(|| recipient.usual.clone()),
                event: event.name,
                number: event.number,
                text: &self.text(event, waits.map(|(_, minutes)| minutes), profile.comment.as_deref()),
                set_by,
                waits,
            };
            self.put(tx, recipient, note)?;
        }
        Ok(())
    }

    /// Whom an address means. The creator of the spool has no name here, so users are compared by their numbers.
    fn person(&self, recipient: &Recipient, address: Option<&str>) -> Person {
        let submitter = self.job.filter(|job| !job.is_foreign);
        let is_his = |address: &str, job: &JobFacts| {
            address == job.user || (!address.contains('@') && job.user.split('@').next() == Some(address))
        };
        match (address, submitter) {
            (None, _) if recipient.on != On::Job || submitter.is_some() => Person::User(recipient.uid),
            (Some(address), Some(job)) if is_his(address, job) => Person::User(job.uid),
            (address, _) => Person::Address(address.unwrap_or(&recipient.usual).to_owned()),
        }
    }

    fn submitter(&self) -> Option<Recipient> {
        let (job, asked) = (self.job?, self.asked?);
        Some(Recipient { on: On::Job, uid: job.uid, usual: job.user.clone(), profiles: asked.profiles(job) })
    }

    fn recipients(&self, tx: &Tx<'_>) -> Fallible<Vec<Recipient>> {
        let mut found: Vec<Recipient> = self.submitter().into_iter().collect();
        let mut holders = Vec::new();
        holders.extend(self.location.map(|id| (On::Logical, Holder::Location(id))));
        holders.extend(self.device.map(|id| (On::Actual, Holder::Device(id))));
        let queue = self.job.map(|job| job.group).or(self.queue);
        holders.extend(queue.map(|id| (On::Queue, Holder::Group(id))));
        holders.push((On::Server, Holder::Spool));
        for (on, holder) in holders {
            let Some((value, set_by)) = managed::set_by(tx, holder, PROFILE)? else { continue };
            let (uid, usual) = creator(tx)?;
            found.push(Recipient { on, uid, usual, profiles: read_profiles(each_text(&value).collect(), set_by) });
        }
        found.retain(|one| !one.profiles.is_empty());
        Ok(found)
    }

    fn text(&self, event: &EventRow, lasts: Option<u32>, comment: Option<&str>) -> String {
        let mut text = format!("{} {}: {}", event.number, event.text, self.about_in_words());
        let why = cut(self.why, MAX_WHY);
        if !why.is_empty() {
            text.push_str(&format!(" {why}."));
        }
        if let Some(minutes) = lasts {
            let s = if minutes == 1 { "" } else { "s" };
            text.push_str(&format!(" This has lasted for {minutes} minute{s}."));
        }
        if let Some(comment) = comment {
            text.push(' ');
            text.push_str(comment);
        }
        cut(&escaped(&text), MAX_TEXT)
    }

    fn about_in_words(&self) -> String {
        match self.job {
            Some(job) => format!("{}, Job {} ({}).", cut(&job.name, 255), job.number, job.serial),
            None => format!("{}.", self.object),
        }
    }

    fn put(&self, tx: &Tx<'_>, recipient: &Recipient, note: Note<'_>) -> Fallible<()> {
        match note.method {
            Method::None => return Ok(()),
            Method::JobLog => {
                // Its log is here, and nothing has to be tried.
                let Some(job) = self.job.filter(|_| recipient.on == On::Job) else { return Ok(()) };
                let sql = super::event::INSERT;
                tx.run(
                    sql,
                    values![
                        tx.now().wall_ms,
                        "job",
                        job.id,
                        tx.who(),
                        EventWord::Notified,
                        None::<EventDetail>,
                        note.text,
                        None::<bool>,
                        None::<String>
                    ],
                )?;
                return Ok(());
            }
            _ => {}
        }
        let (now, wait_ms) = (spool::time(tx)?.0, note.waits.map_or(0, |(_, minutes)| i64::from(minutes) * 60_000));
        let passing = note.waits.map(|(passing, _)| passing);
        // What waits already whether it lasts is told once.
        let waits_already =
            "SELECT 1 FROM outbox WHERE passing = ? AND method = ? AND address = ? AND event = ? AND due_spool > ?";
        if passing.is_some()
            && tx.finds(waits_already, values![passing, note.method.word(), note.address, note.event, now])?
        {
            return Ok(());
        }
        if is_full(tx, recipient.uid, note.method, &note.address)? {
            return lose(tx, 1);
        }
        let (kind, id) = match (self.job, self.device, self.location) {
            (Some(job), ..) => ("job", job.id.0),
            (None, Some(device), _) => ("device", device.0),
            (None, None, Some(location)) => ("location", location.0),
            _ => ("spool", 1),
        };
        let about = match self.job {
            Some(job) => format!("{}:{}", spool::server(tx)?, job.serial),
            None => self.object.to_owned(),
        };
        // One that waits is as old as its first try.
        let due = now.saturating_add(wait_ms);
        tx.run(
            "INSERT INTO outbox (object, object_id, of_server, uid, method, address, event, number, text, about, at_ms,
                 made_spool, due_spool, tries, set_by, passing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            values![
                kind,
                id,
                recipient.on == On::Server,
                recipient.uid,
                note.method.word(),
                note.address,
                note.event,
                note.number,
                note.text,
                about,
                tx.now().wall_ms,
                due,
                due,
                note.set_by,
                passing
            ],
        )?;
        // What a damaged spool has lost is not counted for ever.
        tx.run(
            "UPDATE spool SET deliveries_waiting =
                 CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 2)) > 1 THEN deliveries_waiting + 1 ELSE 1 END
             WHERE id = 1",
            &[],
        )?;
        ADDED.set(true);
        Ok(())
    }
}

/// The beginning of `text`.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The creator of the spool: whom a profile of an object means that has no address, and whose rights count. His name is
/// looked up when he is told: a transaction waits for no name service.
fn creator(tx: &Tx<'_>) -> Fallible<(u32, String)> {
    Ok((spool::row(tx)?.trust.creator_uid, String::new()))
}

/// What a trouble of a device, a queue, or the disk passes with.
fn of_device(id: DeviceId) -> Option<String> {
    Some(format!("device {}", id.0))
}

fn of_queue(id: GroupId) -> Option<String> {
    Some(format!("queue {}", id.0))
}

const OF_SPACE: &str = "space";

/// A trouble has passed: those are told nothing of it who wanted to be told only if it lasts.
fn passed(tx: &Tx<'_>, passing: Option<String>) -> Fallible<()> {
    // As a rule nothing waits at all.
    if !any(tx)? {
        return Ok(());
    }
    let now = spool::time(tx)?.0;
    let gone = tx.run("DELETE FROM outbox WHERE passing = ? AND tries = 0 AND due_spool > ?", values![passing, now])?;
    if gone > 0 {
        let gone = i64::try_from(gone).unwrap_or(i64::MAX);
        tx.run("UPDATE spool SET deliveries_waiting = max(deliveries_waiting - ?, 0) WHERE id = 1", values![gone])?;
    }
    Ok(())
}

/// Whether no more can be kept: in all, for a user, or for an address.
fn is_full(tx: &Tx<'_>, uid: u32, method: Method, address: &str) -> Fallible<bool> {
    let of_user = "SELECT 1 FROM outbox WHERE uid = ? LIMIT 1 OFFSET ?";
    // Why one address too? What is told of objects has the creator's name on it: an address that nobody answers at would
    // otherwise take the room of all the others.
    let of_address = "SELECT 1 FROM outbox WHERE method = ? AND address = ? LIMIT 1 OFFSET ?";
    Ok(tx.finds(of_address, values![method.word(), address, MAX_WAITING_OF_ADDRESS - 1])?
        || tx.finds(of_user, values![uid, MAX_WAITING_OF_USER - 1])?
        || (waiting(tx)? >= MAX_WAITING && any(tx)?))
}

/// How many wait: a counter, because a job waits for whoever asks.
fn waiting(tx: &Tx<'_>) -> Fallible<u32> {
    let waiting = tx.one("SELECT deliveries_waiting FROM spool WHERE id = 1", &[], |row| row.only::<u32>())?;
    Ok(waiting.unwrap_or(0))
}

/// Counts notifications that nobody will get.
fn lose(tx: &Tx<'_>, many: i64) -> Fallible<()> {
    tx.run("UPDATE spool SET deliveries_lost = deliveries_lost + ? WHERE id = 1", values![many])?;
    let last = super::event::last(tx, Object::Spool, &[EventWord::Undelivered])?;
    // Once an hour is often enough: the counter tells the rest.
    if last.is_some_and(|last| tx.now().wall_ms - last.at_ms < 3_600_000) {
        return Ok(());
    }
    let why = "too many notifications wait: more are lost until some of them are delivered";
    super::event::record(&tx.spooler(), Object::Spool, EventWord::Undelivered, why)
}

/// Looks for those who want to be told of an event.
pub(super) fn see(
    tx: &Tx<'_>,
    object: Object,
    what: &EventWord,
    detail: Option<EventDetail>,
    why: &str,
) -> Fallible<()> {
    match object {
        Object::Job(id) => see_job(tx, id, what, detail, why),
        Object::Device(id) => see_device(tx, id, what, why),
        Object::Location(id) => see_location(tx, id, what, why),
        Object::Process(id) => {
            let events: &[&'static str] = match what {
                EventWord::Error => &["internal-server-error", "other-error"],
                EventWord::Died => &["other-error"],
                _ => return Ok(()),
            };
            see_server(tx, events, why, || {
                let name =
                    tx.one("SELECT name FROM process WHERE id = ?", values![id], |row| row.only::<ProcessName>())?;
                Ok(name.map_or_else(|| "print process".to_owned(), |name| format!("print process ${name}")))
            })
        }
        Object::Spool | Object::Collector(_) | Object::Kept(..) => {
            let events: &[&'static str] = match (object, what) {
                (_, EventWord::Declared) => &["object-created"],
                (_, EventWord::Altered) => &["object-modified"],
                (_, EventWord::Deleted) => &["object-deleted"],
                (_, EventWord::Cleaned) => &["object-cleaned"],
                (Object::Spool, EventWord::Backlogged) => &["queue-backlogged"],
                (Object::Spool, EventWord::Relieved) => &["queue-no-longer-backlogged"],
                (Object::Spool, EventWord::SpaceLow) => &["disk-space-low"],
                (Object::Spool, EventWord::SpaceOut) => &["out-of-disk-space"],
                (Object::Spool, EventWord::SpaceBack) => return passed(tx, Some(OF_SPACE.to_owned())),
                (Object::Spool, EventWord::Expires) => &["other-warning"],
                (Object::Spool, EventWord::Started) => &["server-startup-complete", "server-state-changed"],
                (Object::Spool, EventWord::Drained) => &["server-shutdown-started", "server-state-changed"],
                (Object::Spool, EventWord::Stopped) => &["server-shutdown-complete", "server-state-changed"],
                (Object::Spool, EventWord::Restored | EventWord::Lost) => &["internal-server-error", "other-error"],
                _ => return Ok(()),
            };
            // The log of the spool is that of its queues, too.
            match why.strip_prefix("queue ").and_then(|rest| rest.split(':').next()) {
                Some(queue) if object == Object::Spool => see_queue(tx, queue, events, why),
                _ => see_server(tx, events, why, || Ok(format!("server {}", spool::server(tx)?))),
            }
        }
    }
}

fn see_queue(tx: &Tx<'_>, name: &str, events: &[&'static str], why: &str) -> Fallible<()> {
    if !has_profiles(tx)? {
        return Ok(());
    }
    let queue = tx.one("SELECT id FROM location_group WHERE name = ?", values![name], |row| row.only::<GroupId>())?;
    let object = format!("queue {name}");
    let passing = queue.and_then(of_queue);
    if events.contains(&"queue-no-longer-backlogged") {
        passed(tx, passing.clone())?;
    }
    let happening = Happening { events, why, queue, object: &object, passing, ..Happening::default() };
    happening.tell(tx)
}

fn see_server(
    tx: &Tx<'_>,
    events: &[&'static str],
    why: &str,
    name: impl FnOnce() -> Fallible<String>,
) -> Fallible<()> {
    if managed::named(tx, Holder::Spool, PROFILE)?.is_empty() {
        return Ok(());
    }
    let object = name()?;
    let passing = events.iter().any(|name| name.contains("disk-space")).then(|| OF_SPACE.to_owned());
    let happening = Happening { events, why, object: &object, passing, ..Happening::default() };
    happening.tell(tx)
}

/// The events that something with a job is.
fn job_events(
    tx: &Tx<'_>,
    id: JobId,
    what: &EventWord,
    detail: Option<EventDetail>,
    why: &str,
) -> Fallible<&'static [&'static str]> {
    Ok(match (what, detail) {
        (EventWord::Accepted, _) => &["job-assigned-to-queue", "job-state-changed"],
        (EventWord::Claimed, _) => &["processing-started", "job-state-changed"],
        (EventWord::Altered, _) => &["job-modified"],
        (EventWord::Paused, _) => &["job-paused", "job-state-changed"],
        (EventWord::Resumed, _) => &["job-resumed", "job-state-changed"],
        (EventWord::Expires, _) => &["close-to-discard-time"],
        (EventWord::Promoted, _) => &["job-promoted"],
        (EventWord::Rerouted, _) => &["job-resubmitted"],
        (EventWord::Returned, _) => &["job-requeued", "job-state-changed"],
        (EventWord::Transferred, _) => &["file-transferred"],
        (EventWord::Started | EventWord::Released, _) => &["job-state-changed"],
        (EventWord::PossibleDuplicate, _) => &["possible-duplicate"],
        (EventWord::Remark, _) => &["detailed-messages"],
        (EventWord::Stalled, _) => &["destination-needs-attention", "detailed-messages"],
        // Nothing of it is on paper.
        (EventWord::Held, Some(EventDetail::HoldAfter)) if why.starts_with(IS_FONT) => &["job-state-changed"],
        (EventWord::Held, Some(EventDetail::HoldAfter)) => &[COMPLETED, "job-state-changed"],
        (EventWord::Held, Some(EventDetail::Hold(reason))) => match reason {
            HoldReason::Resources | HoldReason::Unsupported => {
                &["destinations-not-ready-for-job", "job-cannot-be-scheduled", "job-state-changed"]
            }
            HoldReason::Failed | HoldReason::Changed | HoldReason::Corrupt => {
                &["document-aborted-by-server", "job-aborted-by-server", "job-state-changed"]
            }
            _ if cleared(why).is_some() => &["document-cancelled-at-destination", "job-state-changed"],
            _ => &["job-state-changed"],
        },
        (EventWord::Held, None) if why.starts_with(HoldReason::SetAside.words()) => {
            &["document-aborted-by-destination", "job-aborted-by-server", "job-state-changed"]
        }
        (EventWord::Held, None) if why.starts_with(HoldReason::MayHavePrinted.words()) => {
            &["job-aborted-by-server", "job-state-changed"]
        }
        // It was held while its last octets were on their way.
        (EventWord::Held, None) => &[COMPLETED, "job-state-changed"],
        (EventWord::Deleted, _) if cleared(why).is_some() => {
            &["document-cancelled-at-destination", "job-cancelled-by-operator", "job-state-changed"]
        }
        (EventWord::Deleted, _) => match tx.caller() {
            // Of one that had ended before there is nothing more to tell than that its time is over.
            _ if has_ended(tx, id)? => {
                if is_spooler(tx) {
                    &["job-discarded", "job-state-changed"]
                } else {
                    &["job-state-changed"]
                }
            }
            Ok(caller) if owns(tx, id, caller.uid)? => &["job-cancelled-by-user", "job-state-changed"],
            Ok(_) => &["job-cancelled-by-operator", "job-state-changed"],
            Err(_) => &["past-discard-time", "job-discarded", "job-state-changed"],
        },
        _ => &[],
    })
}

/// The device from which an operator has taken a job: `DEV $LP1, CLEAR`.
fn cleared(why: &str) -> Option<DeviceName> {
    let (name, what) = why.strip_prefix("DEV ")?.split_once(", ")?;
    name.parse().ok().filter(|_| what.starts_with("CLEAR"))
}

fn is_spooler(tx: &Tx<'_>) -> bool {
    tx.caller().is_err()
}

fn has_ended(tx: &Tx<'_>, id: JobId) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM ended WHERE job_id = ?", values![id])
}

fn owns(tx: &Tx<'_>, id: JobId, uid: u32) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM job WHERE id = ? AND owner_uid = ?", values![id, uid])
}

fn see_job(tx: &Tx<'_>, id: JobId, what: &EventWord, detail: Option<EventDetail>, why: &str) -> Fallible<()> {
    let events = job_events(tx, id, what, detail, why)?;
    if events.is_empty() {
        return Ok(());
    }
    let asked = asked_by_job(tx, id)?;
    if asked.values.is_empty() && !has_profiles(tx)? {
        return Ok(());
    }
    let device = match (device_of(tx, id)?, cleared(why)) {
        // One in error has no job, and yet it is cleared.
        (None, Some(name)) => {
            tx.one("SELECT id FROM device WHERE name = ?", values![name.to_string()], |row| row.only())?
        }
        (found, _) => found,
    };
    tell_of_job(tx, (id, &asked), device, events, why)?;
    match what {
        EventWord::Accepted => tell_operator(tx, (id, &asked), TO_OPERATOR, None),
        EventWord::Claimed => tell_operator(tx, (id, &asked), AT_START, device),
        _ => Ok(()),
    }
}

/// Tells that a job has been printed, before its rows go.
pub(crate) fn printed(tx: &Tx<'_>, job: &JobRow, outcome: &str, device: Option<&str>) -> Fallible<()> {
    if !matches!(outcome, "sent" | "transferred" | "confirmed") {
        return Ok(());
    }
    let asked = asked_by_job(tx, job.id)?;
    if asked.values.is_empty() && !has_profiles(tx)? && !any(tx)? {
        return Ok(());
    }
    let found = match device {
        Some(name) => {
            tx.one(made_once!("SELECT {} FROM device WHERE name = ?", device_at::LIST), values![name], |row| {
                Ok((row.get::<DeviceId>(device_at::id)?, row.get::<DeviceName>(device_at::name)?))
            })?
        }
        None => None,
    };
    let why = match &found {
        Some((_, name)) => format!("{outcome} by {}", name.guardian()),
        None => outcome.to_owned(),
    };
    let device = found.map(|(id, _)| id);
    if let Some(device) = device {
        passed(tx, of_device(device))?;
    }
    tell_of_job(tx, (job.id, &asked), device, &[COMPLETED, "job-state-changed"], &why)?;
    tell_operator(tx, (job.id, &asked), AT_END, device)
}

columns!(device_at { id, name });

/// Tells the operators of a device what a job has to say that is printed there, and stays; those of its queue where it is not
/// known which device it was.
pub(crate) fn stays(tx: &Tx<'_>, job: JobId, device: Option<&str>) -> Fallible<()> {
    let device = match device {
        Some(name) => tx.one("SELECT id FROM device WHERE name = ?", values![name], |row| row.only())?,
        None => None,
    };
    tell_operator(tx, (job, &asked_by_job(tx, job)?), AT_END, device)
}

fn device_of(tx: &Tx<'_>, id: JobId) -> Fallible<Option<DeviceId>> {
    let sql = "SELECT device_id FROM entry WHERE job_id = ? AND device_id IS NOT NULL LIMIT 1";
    tx.one(sql, values![id], |row| row.only())
}

fn tell_of_job(
    tx: &Tx<'_>,
    (id, asked): (JobId, &Asked),
    device: Option<DeviceId>,
    events: &[&'static str],
    why: &str,
) -> Fallible<()> {
    if !asked.has_profile() && !anybody_asks(tx, id, device)? {
        return Ok(());
    }
    let Some(job) = job_facts(tx, id)? else { return Ok(()) };
    let happening = Happening {
        events,
        why,
        job: Some(&job),
        asked: Some(asked),
        device,
        passing: device.and_then(of_device),
        ..Happening::default()
    };
    happening.tell(tx)
}

/// Whether any object has a profile. As a rule none has: then this is one look at an empty index.
fn has_profiles(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM managed_value WHERE field = 'notification-profile' LIMIT 1", &[])
}

/// Whether the queue or the device of a job, or the server, has a profile.
fn anybody_asks(tx: &Tx<'_>, id: JobId, device: Option<DeviceId>) -> Fallible<bool> {
    if !has_profiles(tx)? {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM managed_value WHERE field = 'notification-profile' AND (
                   (object = 'spool' AND object_id = 1) OR (object = 'device' AND object_id = ?)
                   OR (object = 'group' AND object_id = (SELECT group_id FROM job WHERE id = ?)))";
    tx.finds(sql, values![device, id])
}

/// Tells the operators of a queue or a device what a job has to say to them.
fn tell_operator(tx: &Tx<'_>, (id, asked): (JobId, &Asked), name: &str, device: Option<DeviceId>) -> Fallible<()> {
    let said = texts(&asked.values, name);
    let Some(said) = said.first().filter(|text| !text.is_empty()) else { return Ok(()) };
    let Some(job) = job_facts(tx, id)? else { return Ok(()) };
    let holder = match device {
        Some(device) if name != TO_OPERATOR => Holder::Device(device),
        _ => Holder::Group(job.group),
    };
    let found = managed::set_by(tx, holder, OPERATOR)?;
    let set_by = found.as_ref().map_or(managed::NOBODY, |(_, set_by)| *set_by);
    let mut operators: Vec<String> = found.iter().flat_map(|(value, _)| each_text(value)).collect();
    if operators.is_empty() {
        operators.push("message:".to_owned());
    }
    let (uid, usual) = creator(tx)?;
    let on = if matches!(holder, Holder::Device(_)) { On::Actual } else { On::Queue };
    let recipient = Recipient { on, uid, usual, profiles: Vec::new() };
    let happening = Happening { job: Some(&job), asked: Some(asked), device, ..Happening::default() };
    let number = notification::TO_OPERATOR;
    let text = format!("{number} For the operator: {} {said}", happening.about_in_words());
    let text = cut(&escaped(&text), MAX_TEXT);
    for operator in operators {
        let Ok((method, address)) = notification::operator(&operator) else { continue };
        let address = address.unwrap_or_else(|| recipient.usual.clone());
        let note = Note { method, address, event: name, number, text: &text, set_by, waits: None };
        happening.put(tx, &recipient, note)?;
    }
    Ok(())
}

/// Whether the trouble of a device has passed, or somebody has it in hand. That it starts again by itself (RESTART) proves nothing:
/// what prints does ([`printed`]).
fn ends_trouble(what: &EventWord) -> bool {
    matches!(
        what,
        EventWord::Recovered
            | EventWord::Moving
            | EventWord::Started
            | EventWord::Drained
            | EventWord::Suspended
            | EventWord::Deleted
    )
}

fn see_device(tx: &Tx<'_>, id: DeviceId, what: &EventWord, why: &str) -> Fallible<()> {
    if ends_trouble(what) {
        passed(tx, of_device(id))?;
    }
    let events: &[&'static str] = match what {
        EventWord::Declared => &["object-created"],
        EventWord::Altered => &["object-modified"],
        EventWord::Deleted => &["object-deleted"],
        EventWord::Started if why == RESUMED => &["object-resumed", "destination-enabled", "destination-state-changed"],
        EventWord::Started | EventWord::Restarted => &["destination-enabled", "destination-state-changed"],
        EventWord::Cleaned => &["object-cleaned"],
        EventWord::Drained => &["destination-disabled", "destination-shutdown", "destination-state-changed"],
        EventWord::Suspended => &["object-paused", "destination-disabled", "destination-state-changed"],
        EventWord::Error | EventWord::Stalled => &["destination-needs-attention", "destination-state-changed"],
        EventWord::CannotConnect => {
            &["destination-timed-out", "destination-needs-attention", "destination-state-changed"]
        }
        EventWord::Stopped if !tx.who().is_empty() && why != "drained" => {
            &["destination-needs-operator", "destination-state-changed"]
        }
        EventWord::Recovered | EventWord::Moving => &["destination-recovered", "destination-state-changed"],
        EventWord::Opened => &["destination-registered"],
        EventWord::Closed => &["destination-unregistered"],
        EventWord::PossibleDuplicate => &["possible-duplicate"],
        _ => return Ok(()),
    };
    let concerns_jobs = matches!(what, EventWord::Error | EventWord::CannotConnect | EventWord::Stopped);
    let asks = !managed::named(tx, Holder::Device(id), PROFILE)?.is_empty()
        || !managed::named(tx, Holder::Spool, PROFILE)?.is_empty();
    if !asks && !concerns_jobs {
        return Ok(());
    }
    let name = tx.one("SELECT name FROM device WHERE id = ?", values![id], |row| row.only::<DeviceName>())?;
    let object = name.map_or_else(|| format!("device {why}"), |name| format!("device {}", name.guardian()));
    if asks {
        let happening = Happening {
            events,
            why,
            device: Some(id),
            object: &object,
            passing: of_device(id),
            ..Happening::default()
        };
        happening.tell(tx)?;
    }
    if concerns_jobs {
        let sql = "SELECT DISTINCT job_id FROM entry WHERE device_id = ? AND state = ? LIMIT 10";
        for job in tx.rows(sql, values![id, EntryState::Claimed], |row| row.only::<JobId>())? {
            let asked = asked_by_job(tx, job)?;
            if asked.has_profile()
                && let Some(facts) = job_facts(tx, job)?
            {
                // Its operators are told of the device itself.
                let (why, asked) = (format!("{object}: {why}"), Some(&asked));
                let job = Some(&facts);
                let passing = of_device(id);
                Happening { events, why: &why, job, asked, passing, ..Happening::default() }.tell_submitter(tx)?;
            }
        }
    }
    Ok(())
}

columns!(location_at { kind = "l.kind", name = "'#' || g.name || '.' || l.dest" });

fn see_location(tx: &Tx<'_>, id: LocationId, what: &EventWord, why: &str) -> Fallible<()> {
    let events: &[&'static str] = match what {
        EventWord::Declared => &["object-created"],
        EventWord::Altered | EventWord::Routed => &["object-modified"],
        EventWord::Deleted => &["object-deleted"],
        EventWord::Cleaned => &["object-cleaned"],
        EventWord::Started => &["destination-enabled"],
        EventWord::Stopped => &["destination-disabled"],
        _ => return Ok(()),
    };
    let asks = !managed::named(tx, Holder::Location(id), PROFILE)?.is_empty()
        || !managed::named(tx, Holder::Spool, PROFILE)?.is_empty();
    if !asks {
        return Ok(());
    }
    let sql = made_once!(
        "SELECT {} FROM location l JOIN location_group g ON l.group_id = g.id WHERE l.id = ?",
        location_at::LIST
    );
    let found = tx.one(sql, values![id], |row| {
        Ok((row.get::<LocationKind>(location_at::kind)?, row.get::<String>(location_at::name)?))
    })?;
    let object = match found {
        // The way from a queue to its device is no object of its own there.
        Some((LocationKind::Outlet, _)) => return Ok(()),
        Some((_, name)) => format!("destination {name}"),
        None => format!("destination {why}"),
    };
    let happening = Happening { events, why, location: Some(id), object: &object, ..Happening::default() };
    happening.tell(tx)
}

columns!(at { id, uid, set_by, method, address, event, number, text, about, at_ms, made_spool, tries });

fn read(row: &Row<'_>, now: i64) -> Fallible<Delivery> {
    let method: String = row.get(at::method)?;
    let method = Method::parse(&method).map_err(|_| {
        Failure::internal(format!("spool.db: the method '{}' of a notification is unknown", escaped(&method)))
    })?;
    Ok(Delivery {
        id: row.get(at::id)?,
        uid: row.get(at::uid)?,
        set_by: row.get(at::set_by)?,
        method,
        address: row.get(at::address)?,
        event: row.get(at::event)?,
        number: row.get(at::number)?,
        text: row.get(at::text)?,
        about: row.get(at::about)?,
        at_ms: row.get(at::at_ms)?,
        age_ms: now - row.get::<i64>(at::made_spool)?,
        tries: row.get(at::tries)?,
    })
}

/// Returns notifications that are to be tried now, at most `limit`, those that are due longest first. One whose method and
/// address are in `busy` waits: one address is told one thing at a time, in order.
pub(crate) fn due(tx: &Tx<'_>, busy: &[(Method, String)], limit: u32) -> Fallible<Vec<Delivery>> {
    let now = spool::seen_time(tx)?.0;
    let busy: Vec<String> = busy.iter().map(|(method, address)| format!("{method} {address}")).collect();
    let marks = vec!["?"; busy.len()].join(", ");
    // The first of each address by time, and of several of one moment the one that was put first. One that is told only if a
    // trouble lasts is in nobody's way until then.
    let sql = format!(
        "SELECT {} FROM outbox AS o WHERE due_spool <= ? AND method || ' ' || address NOT IN ({marks})
             AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.address = o.address AND b.method = o.method
                             AND (b.at_ms, b.id) < (o.at_ms, o.id)
                             AND (b.tries > 0 OR b.due_spool <= ?))
         ORDER BY due_spool LIMIT ?",
        at::LIST
    );
    let mut values: Vec<&dyn Bind> = vec![&now];
    values.extend(busy.iter().map(|one| one as &dyn Bind));
    values.push(&now);
    values.push(&limit);
    tx.rows(&sql, &values, |row| read(row, now))
}

/// Returns how long until another one is to be tried, in milliseconds; none when none waits. What is due already, and does not
/// begin, waits for one that is under way.
pub(crate) fn next(tx: &Tx<'_>) -> Fallible<Option<i64>> {
    if !any(tx)? {
        return Ok(None);
    }
    let now = spool::seen_time(tx)?.0;
    let sql = "SELECT min(due_spool) FROM outbox WHERE due_spool > ?";
    let first = tx.one(sql, values![now], |row| row.only::<Option<i64>>())?.flatten();
    Ok(Some(first.map_or(i64::MAX, |first| first - now)))
}

/// Tells whether any waits.
pub(crate) fn any(tx: &Tx<'_>) -> Fallible<bool> {
    tx.finds("SELECT 1 FROM outbox LIMIT 1", &[])
}

/// Returns how many wait and were lost.
pub(crate) fn counts(tx: &Tx<'_>) -> Fallible<Deliveries> {
    let waiting = if any(tx)? { waiting(tx)? } else { 0 };
    let lost = tx.one("SELECT deliveries_lost FROM spool WHERE id = 1", &[], |row| row.only())?;
    Ok(Deliveries { waiting: waiting.into(), lost: lost.unwrap_or(0) })
}

columns!(whose { object, object_id, of_server });

/// Removes a notification that was delivered, and says so in the log of its job.
pub(crate) fn delivered(tx: &Tx<'_>, one: &Delivery) -> Fallible<()> {
    let Some((object, _)) = remove(tx, one.id)? else { return Ok(()) };
    if let Some(job) = object {
        let why = format!("{} by {} to {}", one.event, one.method, one.address);
        super::event::record(tx, Object::Job(job), EventWord::Notified, &why)?;
    }
    Ok(())
}

/// Puts off a notification that could not be delivered.
pub(crate) fn put_off(tx: &Tx<'_>, one: &Delivery, wait_ms: i64) -> Fallible<()> {
    let due = spool::time(tx)?.0.saturating_add(wait_ms);
    // One that somebody else has settled meanwhile is gone.
    tx.run(
        "UPDATE outbox SET due_spool = ?, tries = tries + 1 WHERE id = ? AND tries = ?",
        values![due, one.id, one.tries],
    )
    .map(drop)
}

/// Gives up a notification: the log of its job and that of the spool say why, and whoever is told of the server learns of
/// it, unless it was he who could not be told.
pub(crate) fn give_up(tx: &Tx<'_>, one: &Delivery, why: &str) -> Fallible<()> {
    let Some((object, of_server)) = remove(tx, one.id)? else { return Ok(()) };
    tx.run("UPDATE spool SET deliveries_lost = deliveries_lost + 1 WHERE id = 1", &[])?;
    let said = cut(&escaped(&format!("{} by {} to {}: {why}", one.event, one.method, one.address)), MAX_TEXT);
    if let Some(job) = object {
        super::event::record(tx, Object::Job(job), EventWord::Undelivered, &said)?;
    }
    super::event::record(tx, Object::Spool, EventWord::Undelivered, &format!("{}: {said}", one.about))?;
    match of_server {
        true => Ok(()),
        false => see_server(tx, &["other-warning"], &said, || Ok(format!("notification of {}", one.about))),
    }
}

/// Removes a row. Of whose log, where that is a job, and whether a profile of the server had asked for it.
fn remove(tx: &Tx<'_>, id: i64) -> Fallible<Option<(Option<JobId>, bool)>> {
    let sql = made_once!("DELETE FROM outbox WHERE id = ? RETURNING {}", whose::LIST);
    let removed = tx.one(sql, values![id], |row| {
        let kind: String = row.get(whose::object)?;
        let id: i64 = row.get(whose::object_id)?;
        Ok(((kind == "job").then_some(JobId(id)), row.get(whose::of_server)?))
    })?;
    if removed.is_some() {
        tx.run("UPDATE spool SET deliveries_waiting = max(deliveries_waiting - 1, 0) WHERE id = 1", &[])?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_that_is_raised_on_something_is_raised_somewhere() {
        let source = include_str!("outbox.rs").split("mod tests").next().unwrap();
        for row in notification::EVENTS {
            assert_eq!(source.contains(&format!("\"{}\"", row.name)), !row.on.is_empty(), "{}", row.name);
        }
    }
}
