//! Rows of jobs and the explicit values their submitters gave.

use crate::model::field::{Field, Value};
use crate::model::job::BatchMember;
use crate::model::job::GivenValue;
use crate::model::lifetime::{Ending, Lifetime, Retention};
use crate::model::location::Destination;
use crate::model::order::{Priority, QueueOrder, SortBy, pages_of_work};
use crate::model::query::{Condition, Order};
use crate::model::state::{EntryState, HoldReasons, JobState, Wish};
use crate::model::{
    ClassId, CollectorName, Failure, GlobalJobId, GroupId, JobId, JobNumber, JobRef, LocalJobId, LocationId,
    LocationPattern, RouteId, Serial,
};

use super::document::DocumentRow;
use super::tally::{self, Counts};
use super::value::{Bind, columns, values};
use super::{Fallible, Lock, Row, Tx, page, sqlite};

/// The position of a job among all, as the queues consider them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey {
    /// 0, or less for a promoted job: the later promoted, the smaller.
    pub promoted: i64,
    /// Higher priority, smaller rank.
    pub rank: i64,
    /// Arrival plus estimate.
    pub key: i64,
    /// Order of arrival.
    pub sequence: i64,
    /// When it should be ready, wall clock; [`crate::model::order::NO_DEADLINE`] for no time.
    pub deadline: i64,
    /// Its pages.
    pub pages: i64,
}

/// A place in the order of one device: what it compares, one after the other.
pub type Place = (i64, i64, i64, i64);

impl SortKey {
    /// Returns what a device with this order compares.
    pub fn place(&self, order: QueueOrder) -> Place {
        let of = |by| match by {
            SortBy::Deadline => self.deadline,
            SortBy::Fifo => 0,
            SortBy::JobPriority => self.rank,
            SortBy::LongestFirst => self.pages.saturating_neg(),
            SortBy::ShortestFirst => self.pages,
        };
        let (first, then) = match order {
            QueueOrder::Arrival => (self.rank, 0),
            QueueOrder::ShortFirst => (self.rank, self.key),
            QueueOrder::By(first, then) => (of(first), of(then)),
        };
        (self.promoted, first, then, self.sequence)
    }
}

/// A job as stored.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Identity.
    pub id: JobId,
    /// SPOOLCOM's number.
    pub number: JobNumber,
    /// Ten digits.
    pub serial: Serial,
    /// Its owner's number for it.
    pub local: LocalJobId,
    /// The server whose users the ids are of.
    pub owner_server: String,
    /// Owner's user id.
    pub owner_uid: u32,
    /// Owner's primary group id.
    pub owner_gid: u32,
    /// Owner's login name.
    pub owner: String,
    /// Whether somebody whom the spool trusts says who owns it.
    pub owner_vouched: bool,
    /// `user@host`.
    pub user_name: String,
    /// Name.
    pub name: String,
    /// Form.
    pub form: String,
    /// Priority.
    pub priority: Priority,
    /// What is wanted.
    pub wish: Wish,
    /// What holds it.
    pub reasons: HoldReasons,
    /// Words that go with it.
    pub reason_text: Option<String>,
    /// Kept after printing.
    pub hold_after: bool,
    /// Still arriving.
    pub arriving: bool,
    /// How long it lives, and how it ended.
    pub lifetime: Lifetime,
    /// Group it was sent to.
    pub group: GroupId,
    /// Location it was sent to; none = the whole group.
    pub location: Option<LocationId>,
    /// Its batch.
    pub batch: Option<BatchMember>,
    /// Where its entries wait.
    pub route: RouteId,
    /// What it needs of a device.
    pub class: ClassId,
    /// When it was created.
    pub created_ms: i64,
    /// When it was complete, if that was later.
    pub closed_ms: Option<i64>,
    /// The process that hands it in, while it arrives.
    pub process: Option<u32>,
    /// How much it is, in lines.
    pub work: u64,
    /// Octets of its documents.
    pub octets: u64,
    /// Pages, when all are known.
    pub pages: Option<u64>,
    /// When its submitter wants it to be ready.
    pub deadline_ms: Option<i64>,
    /// Its position.
    pub sort: SortKey,
    /// The collector by which it came; none = the usual one.
    pub collector: Option<CollectorName>,
    /// What listings of jobs compare in place of the key of its position: see `place()`.
    pub place: i64,
    /// Its name at the server that it came from; none for one of ours.
    pub origin: Option<GlobalJobId>,
}

/// Returns what listings of jobs compare in place of the key. Jobs of a route whose devices print in the order of arrival
/// all have 0, so that only their sequence counts; the others have their key, which is never 0.
pub(crate) fn place(sort: &SortKey, fifo: bool) -> i64 {
    if fifo { 0 } else { sort.key.max(1) }
}

/// Tells whether a job is listed in the order of arrival.
pub(crate) fn is_in_order_of_arrival(job: &JobRow) -> bool {
    job.place == 0
}

columns!(at {
    id,
    number,
    serial,
    local_id,
    owner_server,
    owner_uid,
    owner_gid,
    owner,
    owner_vouched,
    user_name,
    name,
    form,
    priority,
    wish,
    reasons,
    reason_text,
    hold_after,
    arriving,
    retained,
    group_id,
    location_id,
    route_id,
    class_id,
    created_ms,
    closed_ms,
    submitter_pid,
    work,
    octets,
    pages,
    sort_promoted,
    sort_rank,
    sort_key,
    sort_sequence,
    sort_place,
    deadline_ms,
    sort_deadline,
    sort_pages,
    batch,
    batch_place,
    collector,
    retention,
    discard_ms,
    print_after_ms,
    previous_state,
    origin,
});

fn read(row: &Row<'_>) -> Fallible<JobRow> {
    let work = row.get(at::work)?;
    Ok(JobRow {
        id: row.get(at::id)?,
        number: row.get(at::number)?,
        serial: row.get(at::serial)?,
        local: row.get(at::local_id)?,
        owner_server: row.get(at::owner_server)?,
        owner_uid: row.get(at::owner_uid)?,
        owner_gid: row.get(at::owner_gid)?,
        owner: row.get(at::owner)?,
        owner_vouched: row.get(at::owner_vouched)?,
        user_name: row.get(at::user_name)?,
        name: row.get(at::name)?,
        form: row.get(at::form)?,
        priority: row.get(at::priority)?,
        wish: row.get(at::wish)?,
        reasons: row.get(at::reasons)?,
        reason_text: row.get(at::reason_text)?,
        hold_after: row.get(at::hold_after)?,
        arriving: row.get(at::arriving)?,
        lifetime: Lifetime {
            retention: row.get(at::retention)?,
            discard_ms: row.get(at::discard_ms)?,
            print_after_ms: row.get(at::print_after_ms)?,
            ending: row.get::<Ended>(at::retained)?.0,
            previous: row.get(at::previous_state)?,
        },
        group: row.get(at::group_id)?,
        location: row.get(at::location_id)?,
        batch: match row.get(at::batch)? {
            Some(number) => Some(BatchMember { number, place: row.get(at::batch_place)? }),
            None => None,
        },
        route: row.get(at::route_id)?,
        class: row.get(at::class_id)?,
        created_ms: row.get(at::created_ms)?,
        closed_ms: row.get(at::closed_ms)?,
        process: row.get(at::submitter_pid)?,
        work,
        octets: row.get(at::octets)?,
        pages: row.get(at::pages)?,
        sort: SortKey {
            promoted: row.get(at::sort_promoted)?,
            rank: row.get(at::sort_rank)?,
            key: row.get(at::sort_key)?,
            sequence: row.get(at::sort_sequence)?,
            deadline: row.get(at::sort_deadline)?,
            pages: row.get::<Option<i64>>(at::sort_pages)?.unwrap_or(pages_of_work(work)),
        },
        deadline_ms: row.get(at::deadline_ms)?,
        place: row.get(at::sort_place)?,
        collector: row.get(at::collector)?,
        origin: row.get::<Option<String>>(at::origin)?.and_then(|text| super::remote::global(&text)),
    })
}

pub(super) const INSERT: &str = "INSERT INTO job (number, serial, token, local_id, owner_server, owner_uid, owner_gid, owner, user_name, name, form, priority, wish,
             owner_vouched, reasons, reason_text, hold_after, arriving, retained, group_id, location_id, route_id, class_id, created_ms,
             work, octets, pages, sort_promoted, sort_rank, sort_key, sort_sequence, collector, sort_place, retention,
             discard_ms, print_after_ms, submitter_pid, deadline_ms, sort_deadline, sort_pages)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// How a job ended, in its column.
pub(super) struct Ended(pub(super) Option<Ending>);

/// Inserts a job, its documents as far as they are there, and the token of its submission; its `id` is ignored. Why does no row
/// that is read have the token? Only the end of a job needs it, and a listing would read it for each job.
pub(crate) fn insert(tx: &Tx<'_>, j: &JobRow, token: &str, documents: &[DocumentRow]) -> Fallible<JobId> {
    let id = tx.insert(
        INSERT,
        values![
            j.number,
            j.serial,
            token,
            j.local,
            j.owner_server,
            j.owner_uid,
            j.owner_gid,
            j.owner,
            j.user_name,
            j.name,
            j.form,
            j.priority,
            j.wish,
            j.owner_vouched,
            j.reasons,
            j.reason_text,
            j.hold_after,
            j.arriving,
            Ended(j.lifetime.ending),
            j.group,
            j.location,
            j.route,
            j.class,
            j.created_ms,
            j.work,
            j.octets,
            j.pages,
            j.sort.promoted,
            j.sort.rank,
            j.sort.key,
            j.sort.sequence,
            j.collector.as_ref().map(CollectorName::as_str),
            j.place,
            j.lifetime.retention.map(Retention::stored),
            j.lifetime.discard_ms,
            j.lifetime.print_after_ms,
            j.process,
            j.deadline_ms,
            j.sort.deadline,
            j.sort.pages
        ],
    )?;
    let held = i64::from(j.wish != Wish::Run || !j.reasons.is_empty() || j.lifetime.ending.is_some());
    let (open_jobs, collected) = (i64::from(j.arriving), i64::from(!j.arriving));
    let of_documents = super::document::insert(tx, JobId(id), documents)?;
    tally::add(tx, of_documents.and(Counts { jobs: 1, open_jobs, held, collected, ..Counts::default() }))?;
    tally::add_at(tx, j.location, 1)?;
    tally::add_of(tx, (&j.owner_server, j.owner_uid), 1, octets(j.octets))?;
    tx.has_made(Lock::Job(JobId(id)));
    Ok(JobId(id))
}

/// Completes a job that has arrived: what its documents say of it, its place, and the token of its submission. Its documents
/// are inserted by the same transaction.
pub(crate) fn close(tx: &Tx<'_>, j: &JobRow, token: &str) -> Fallible<()> {
    tx.demand_lock(Lock::Job(j.id))?;
    tx.change(
        "the job",
        "UPDATE job SET arriving = ?, submitter_pid = ?, closed_ms = ?, token = ?, work = ?, octets = ?, pages = ?,
             sort_promoted = ?, sort_rank = ?, sort_key = ?, sort_sequence = ?, sort_deadline = ?, sort_pages = ?,
             sort_place = ? WHERE id = ?",
        values![
            j.arriving,
            j.process,
            j.closed_ms,
            token,
            j.work,
            j.octets,
            j.pages,
            j.sort.promoted,
            j.sort.rank,
            j.sort.key,
            j.sort.sequence,
            j.sort.deadline,
            j.sort.pages,
            j.place,
            j.id
        ],
    )?;
    tally::add(tx, Counts { open_jobs: -1, collected: 1, ..Counts::default() })?;
    tally::add_of(tx, (&j.owner_server, j.owner_uid), 0, octets(j.octets))
}

columns!(arriving_at { id, token });

/// How many jobs that are arriving are looked at together.
const ARRIVING_AT_ONCE: u32 = 1000;

fn arriving_sql() -> String {
    format!("SELECT {} FROM job WHERE arriving LIMIT {ARRIVING_AT_ONCE}", arriving_at::LIST)
}

/// Returns jobs that are arriving, each with the token of its arrival.
pub(crate) fn arriving(tx: &Tx<'_>) -> Fallible<Vec<(JobId, String)>> {
    tx.rows(&arriving_sql(), &[], |row| Ok((row.get(arriving_at::id)?, row.get(arriving_at::token)?)))
}

/// Returns the token of the arrival of a job; none when it is not arriving, or not there.
pub(crate) fn arrival(tx: &Tx<'_>, id: JobId) -> Fallible<Option<String>> {
    tx.one("SELECT token FROM job WHERE id = ? AND arriving", values![id], |row| row.only())
}

/// Keeps what the submitter gave explicitly. `profile_by` set the profile of the job, where a default job gives it.
pub(crate) fn insert_values(tx: &Tx<'_>, job: JobId, given: &[GivenValue], profile_by: Option<u32>) -> Fallible<()> {
    let json = |value: &GivenValue| {
        serde_json::to_string(&value.value).map_err(|error| Failure::internal(format!("attribute value: {error}")))
    };
    let texts: Vec<String> = given.iter().map(json).collect::<Fallible<_>>()?;
    let sql =
        "INSERT INTO job_value (job_id, document, field, position, value, origin, set_by) VALUES (?, ?, ?, ?, ?, ?, ?)";
    tx.batch(sql, given.iter().zip(&texts).enumerate(), |(position, (value, text)), insert| {
        let set_by = profile_by.filter(|_| value.field.stored() == super::outbox::PROFILE);
        insert(values![job, value.document, value.field.stored(), position, text, value.origin, set_by])
    })
}

const HELD_ON_DEVICES: &str =
    "SELECT count(*) FROM (SELECT DISTINCT job_id FROM entry CROSS JOIN job ON job.id = job_id
     WHERE entry.state IN (?, ?) AND (reasons OR wish OR retained) LIMIT ?)";

/// Returns how many jobs are still on a device, and held, paused or kept already; counted up to `limit`.
pub(crate) fn held_on_devices(tx: &Tx<'_>, limit: u32) -> Fallible<i64> {
    let found =
        tx.one(HELD_ON_DEVICES, values![EntryState::Claimed, EntryState::Transferred, limit], |row| row.only::<i64>());
    Ok(found?.unwrap_or(0))
}

/// Changes what is wanted of a job, or what holds it, and counts it.
pub(super) fn counting_held(tx: &Tx<'_>, id: JobId, change: impl FnOnce() -> Fallible<()>) -> Fallible<()> {
    let held = || {
        let found =
            tx.one("SELECT reasons OR wish OR retained FROM job WHERE id = ?", values![id], |row| row.only::<bool>());
        Ok::<_, Failure>(i64::from(found?.unwrap_or(false)))
    };
    let before = held()?;
    change()?;
    match held()? - before {
        0 => Ok(()),
        held => tally::add(tx, Counts { held, ..Counts::default() }),
    }
}

/// Returns the job with that identity.
pub(crate) fn by_id(tx: &Tx<'_>, id: JobId) -> Fallible<Option<JobRow>> {
    let found = tx.one(made_once!("SELECT {} FROM job WHERE id = ?", at::LIST), values![id], read)?;
    if found.is_some() {
        tx.has_read(Lock::Job(id));
    }
    Ok(found)
}

/// Returns the identity of the job that `job` points at, for the caller with user id `uid`; a global id of another
/// server points at none.
fn id_of(tx: &Tx<'_>, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<JobId>> {
    let find = |clause: &str, key: &[&dyn Bind]| {
        tx.one(&format!("SELECT id FROM job WHERE {clause}"), key, |row| row.only::<JobId>())
    };
    match job {
        JobRef::Number(number) => find("number = ?", values![number]),
        JobRef::Local(local) => {
            find("owner_server = ? AND owner_uid = ? AND local_id = ?", values![server, uid, local])
        }
        JobRef::Serial(serial) => find("serial = ?", values![serial]),
        JobRef::Global(global) if global.server.as_str().eq_ignore_ascii_case(server) => {
            find("serial = ?", values![global.serial])
        }
        JobRef::Global(global) => find("origin = ?", values![global.to_string()]),
    }
}

/// Returns the job that `job` points at, for the caller with user id `uid`.
pub(crate) fn by_ref(tx: &Tx<'_>, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<JobRow>> {
    id_of(tx, job, uid, server)?.map_or(Ok(None), |id| by_id(tx, id))
}

/// Returns the same, locked: to decide from it.
pub(crate) fn to_change(tx: &Tx<'_>, job: &JobRef, uid: u32, server: &str) -> Fallible<Option<JobRow>> {
    let Some(id) = id_of(tx, job, uid, server)? else { return Ok(None) };
    lock(tx, id)
}

/// Returns the job with that identity, locked: to decide from it.
pub(crate) fn lock(tx: &Tx<'_>, id: JobId) -> Fallible<Option<JobRow>> {
    tx.lock(Lock::Job(id))?;
    by_id(tx, id)
}

/// What of a condition an index can decide: a necessary condition as SQL, with its parameters.
fn necessary(condition: &Condition, uid: u32, server: &str, sql: &mut String, values: &mut Vec<Box<dyn Bind>>) {
    match condition {
        Condition::All(parts) => {
            for part in parts {
                necessary(part, uid, server, sql, values);
            }
        }
        Condition::Submitter(login) => {
            // What follows the login name is `@`, and `A` comes next.
            sql.push_str(" AND user_name >= ? AND user_name < ?");
            values.push(Box::new(format!("{login}@")));
            values.push(Box::new(format!("{login}A")));
        }
        Condition::UserName(user) => {
            sql.push_str(" AND user_name = ?");
            values.push(Box::new(user.clone()));
        }
        Condition::Batch(None) => sql.push_str(" AND batch IS NOT NULL"),
        Condition::Batch(Some(batch)) => {
            sql.push_str(" AND batch = ?");
            values.push(Box::new(*batch));
        }
        Condition::Owner(owner) => {
            sql.push_str(" AND owner = ?");
            values.push(Box::new(owner.clone()));
        }
        Condition::OwnerId(owner) => {
            sql.push_str(" AND owner_uid = ?");
            values.push(Box::new(*owner));
        }
        Condition::Location(LocationPattern::Group(group)) => {
            // The plus keeps the rows in their order instead of sorting those of the group for every page.
            sql.push_str(" AND +group_id = (SELECT id FROM location_group WHERE name_key = ?)");
            values.push(Box::new(group.key()));
        }
        Condition::Job(JobRef::Number(number)) => {
            sql.push_str(" AND number = ?");
            values.push(Box::new(*number));
        }
        Condition::Job(JobRef::Local(local)) => {
            sql.push_str(" AND owner_server = ? AND owner_uid = ? AND local_id = ?");
            values.push(Box::new(server.to_owned()));
            values.push(Box::new(uid));
            values.push(Box::new(*local));
        }
        Condition::Job(JobRef::Serial(serial)) => {
            sql.push_str(" AND serial = ?");
            values.push(Box::new(*serial));
        }
        Condition::Job(JobRef::Global(global)) => {
            match global.server.as_str().eq_ignore_ascii_case(server) {
                true => {
                    sql.push_str(" AND serial = ?");
                    values.push(Box::new(global.serial));
                }
                // A job of another server may be here to be printed.
                false => {
                    sql.push_str(" AND origin = ?");
                    values.push(Box::new(global.to_string()));
                }
            }
        }
        _ => {}
    }
}

/// What is true of every job that no device may take: those in all states but ready, printing and transferred. It is the
/// condition of an index, which a query repeats as it stands.
pub(crate) const KEPT_BACK: &str = "reasons OR wish OR retained OR arriving";

/// Adds what an index can decide only after a look at the spool: of a state, where no other server has jobs of ours, whose
/// states would be those there; of a destination, where it is one location.
fn necessary_here(
    tx: &Tx<'_>,
    condition: &Condition,
    sql: &mut String,
    values: &mut Vec<Box<dyn Bind>>,
) -> Fallible<()> {
    fn keeps_back(condition: &Condition) -> bool {
        match condition {
            Condition::State(state) => !matches!(state, JobState::Ready | JobState::Printing | JobState::Transferred),
            Condition::Either(parts) => !parts.is_empty() && parts.iter().all(keeps_back),
            _ => false,
        }
    }
    let location = match condition {
        Condition::All(parts) => return parts.iter().try_for_each(|part| necessary_here(tx, part, sql, values)),
        condition if keeps_back(condition) => {
            if !tx.finds("SELECT 1 FROM away LIMIT 1", &[])? {
                sql.push_str(&format!(" AND ({KEPT_BACK})"));
            }
            return Ok(());
        }
        Condition::Destination(Destination::Location(name) | Destination::Plain(name)) => {
            let clause = "g.name_key = ? AND l.dest_key = ?";
            location_of(tx, clause, values![name.group.key(), name.dest.key()])?
        }
        Condition::Location(LocationPattern::EveryGroup(dest)) => {
            location_of(tx, "l.dest_key = ?", values![dest.key()])?
        }
        _ => None,
    };
    if let Some(id) = location {
        sql.push_str(" AND location_id = ?");
        values.push(Box::new(id));
    }
    Ok(())
}

/// Returns the one location of which this is true; none where it is true of several or of none.
fn location_of(tx: &Tx<'_>, clause: &str, key: &[&dyn Bind]) -> Fallible<Option<LocationId>> {
    let sql = format!("SELECT l.id FROM location l JOIN location_group g ON g.id = l.group_id WHERE {clause} LIMIT 2");
    let found = tx.rows(&sql, key, |row| row.only::<LocationId>())?;
    Ok(if let [one] = found.as_slice() { Some(*one) } else { None })
}

/// Returns where a job stands in an order: the key of a cursor.
pub(crate) fn cursor_key(order: Order, job: &JobRow) -> Vec<i64> {
    match order {
        Order::Number => vec![i64::from(job.number.get())],
        Order::Schedule => vec![job.sort.promoted, job.sort.rank, job.place, job.sort.sequence],
    }
}

/// Rows that may satisfy `condition`, in `order`, after the place `after`: of all jobs, or of those `on_devices` only. The
/// caller checks the rest of the condition.
pub(crate) fn candidates(
    tx: &Tx<'_>,
    condition: &Condition,
    order: Order,
    (uid, server): (u32, &str),
    (on_devices, after): (bool, Option<&[i64]>),
    limit: u32,
) -> Fallible<Vec<JobRow>> {
    let mut values: Vec<Box<dyn Bind>> = Vec::new();
    let mut sql = if on_devices {
        values.push(Box::new(EntryState::Claimed));
        values.push(Box::new(EntryState::Transferred));
        // Few jobs are on devices as a rule: begin with those, however many wait.
        format!(
            "SELECT {} FROM (SELECT DISTINCT job_id FROM entry WHERE state IN (?, ?)) CROSS JOIN job WHERE id = job_id",
            at::LIST
        )
    } else {
        format!("SELECT {} FROM job WHERE 1 = 1", at::LIST)
    };
    necessary(condition, uid, server, &mut sql, &mut values);
    if !on_devices {
        necessary_here(tx, condition, &mut sql, &mut values)?;
    }
    let (columns, width) = match order {
        Order::Number => ("number", 1),
        Order::Schedule => ("sort_promoted, sort_rank, sort_place, sort_sequence", 4),
    };
    if let Some(key) = after.filter(|key| key.len() == width) {
        let marks = vec!["?"; width].join(", ");
        sql.push_str(&format!(" AND ({columns}) > ({marks})"));
        values.extend(key.iter().map(|k| Box::new(*k) as Box<dyn Bind>));
    }
    sql.push_str(&format!(" ORDER BY {columns} LIMIT ?"));
    values.push(Box::new(page(limit)));
    let values: Vec<&dyn Bind> = values.iter().map(Box::as_ref).collect();
    tx.rows(&sql, &values, read)
}

/// Sets the wish.
pub(crate) fn set_wish(tx: &Tx<'_>, id: JobId, wish: Wish) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    let sql = "UPDATE job SET wish = ? WHERE id = ?";
    counting_held(tx, id, || tx.change("the job", sql, values![wish, id]))
}

/// Sets the hold reasons and their words.
pub(crate) fn set_reasons(tx: &Tx<'_>, id: JobId, reasons: HoldReasons, text: Option<&str>) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    let sql = "UPDATE job SET reasons = ?, reason_text = ? WHERE id = ?";
    counting_held(tx, id, || tx.change("the job", sql, values![reasons, text, id]))
}

/// Notes the state that a job leaves.
pub(crate) fn set_previous(tx: &Tx<'_>, id: JobId, state: JobState) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    tx.change("the job", "UPDATE job SET previous_state = ? WHERE id = ?", values![state, id])
}

/// Moves a job to another position.
pub(crate) fn set_sort(tx: &Tx<'_>, id: JobId, sort: &SortKey, place: i64) -> Fallible<()> {
    tx.demand_lock(Lock::Job(id))?;
    tx.change(
        "the job",
        "UPDATE job SET sort_promoted = ?, sort_rank = ?, sort_key = ?, sort_sequence = ?, sort_place = ?,
             sort_deadline = ?, sort_pages = ? WHERE id = ?",
        values![sort.promoted, sort.rank, sort.key, sort.sequence, place, sort.deadline, sort.pages, id],
    )
}

/// Tells whether the jobs of a route are listed in the order of arrival; none when it has no jobs. All of them are, or none.
pub(crate) fn route_order(tx: &Tx<'_>, route: RouteId) -> Fallible<Option<bool>> {
    let found =
        tx.one("SELECT sort_place FROM job WHERE route_id = ? LIMIT 1", values![route], |row| row.only::<i64>());
    Ok(found?.map(|place| place == 0))
}

/// Lists the jobs of a route in the order of arrival, or in that of their keys.
pub(crate) fn set_route_order(tx: &Tx<'_>, route: RouteId, fifo: bool) -> Fallible<()> {
    tx.run(
        "UPDATE job SET sort_place = CASE WHEN ? THEN 0 WHEN sort_key < 1 THEN 1 ELSE sort_key END WHERE route_id = ?",
        values![fifo, route],
    )?;
    Ok(())
}

columns!(between_at { id, sort_sequence });

/// The steps of arrivals are written out as in the index, which serves no other form.
fn between_sql() -> String {
    format!(
        "SELECT {} FROM job WHERE sort_sequence % 268435456 <> 0 AND sort_sequence > ? AND sort_sequence < ?
         ORDER BY sort_sequence LIMIT ?",
        between_at::LIST
    )
}

/// Returns the jobs that stand between two arrivals, with their numbers, in order, at most `limit`.
pub(crate) fn between(tx: &Tx<'_>, (low, high): (i64, i64), limit: u32) -> Fallible<Vec<(JobId, i64)>> {
    tx.rows(&between_sql(), values![low, high, limit], |row| {
        Ok((row.get(between_at::id)?, row.get(between_at::sort_sequence)?))
    })
}

/// What is left to do for a job that was removed.
#[derive(Debug)]
pub(crate) struct Removed {
    /// The token of its submission.
    pub(crate) token: String,
    /// The names of its print files.
    pub(crate) files: Vec<String>,
    /// What was given for the job and is only carried: nothing else has it.
    pub(crate) carried: Vec<(Field, Value)>,
}

columns!(removed { document, field, value });
columns!(document_at { store_name, transfer, octets });

/// Removes a job with everything that belongs to it, except its events and history. An entry that a device has stays, and
/// the job with it: the transaction fails.
pub(crate) fn delete(tx: &Tx<'_>, id: JobId) -> Fallible<Removed> {
    tx.demand_lock(Lock::Job(id))?;
    super::backlog::counting(tx, id, || {
        tx.run(
            "DELETE FROM entry WHERE job_id = ? AND state NOT IN (?, ?)",
            values![id, EntryState::Claimed, EntryState::Transferred],
        )
    })?;
    super::document::destroy_keys(tx, id)?;
    let sql = made_once!("DELETE FROM document WHERE job_id = ? RETURNING {}", document_at::LIST);
    let documents: Vec<(String, Counts)> = tx.rows(sql, values![id], |row| {
        let name: String = row.get(document_at::store_name)?;
        let octets = octets(row.get(document_at::octets)?);
        let counts = Counts::of_document(row.get(document_at::transfer)?, &name, octets);
        Ok((name, counts))
    })?;
    let counts = documents.iter().fold(Counts::default(), |sum, (_, counts)| sum.and(*counts));
    let files = documents.into_iter().map(|(name, _)| name).collect();
    let sql = format!("DELETE FROM job_value WHERE job_id = ? RETURNING {}", removed::LIST);
    let given = tx.rows(&sql, values![id], |row| {
        let field: Field = row.get(removed::field)?;
        let of_job = row.get::<u32>(removed::document)? == 0;
        if !of_job || !matches!(field, Field::Carried(_)) {
            return Ok(None);
        }
        Ok(Some((field, super::given::parse(&row.get::<String>(removed::value)?, id)?)))
    })?;
    tx.run("DELETE FROM away WHERE job_id = ?", values![id])?;
    tx.run("DELETE FROM secure_job WHERE job_id = ?", values![id])?;
    let sql = format!("DELETE FROM job WHERE id = ? RETURNING {}", was_at::LIST);
    // Why all rows and not the first? References to the job are checked when the statement has come to its end.
    let gone = tx.rows(&sql, values![id], |row| {
        Ok(Gone {
            token: row.get(was_at::token)?,
            location: row.get(was_at::location_id)?,
            counts: Counts {
                jobs: 1,
                open_jobs: i64::from(row.get::<bool>(was_at::arriving)?),
                held: i64::from(row.get::<bool>(was_at::held)?),
                ..Counts::default()
            },
            server: row.get(was_at::owner_server)?,
            uid: row.get(was_at::owner_uid)?,
            octets: row.get(was_at::octets)?,
        })
    })?;
    let Gone { token, location, counts: own, server, uid, octets: size } =
        gone.into_iter().next().ok_or_else(|| sqlite::changed("the job"))?;
    tally::add(tx, own.and(counts).less())?;
    tally::add_at(tx, location, -1)?;
    tally::add_of(tx, (&server, uid), -1, -octets(size))?;
    let mut carried: Vec<(Field, Value)> = given.into_iter().flatten().collect();
    // Which row a DELETE returns first is nobody's promise.
    carried.sort_by(|one, other| one.0.stored().cmp(other.0.stored()));
    Ok(Removed { token, files, carried })
}

/// What is needed of a row that was removed.
struct Gone {
    token: String,
    location: Option<LocationId>,
    counts: Counts,
    server: String,
    uid: u32,
    octets: u64,
}

columns!(was_at {
    token, location_id, arriving, held = "(reasons OR wish OR retained)", owner_server, owner_uid, octets,
});

/// Octets as counters count them.
pub(super) fn octets(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) const CLASS: &str = "SELECT id FROM requirement_class WHERE form_key = ?";

/// Returns the requirement class for a form, interned. Who interns the same form at the same moment does no harm: one
/// row is made, and both find it.
pub(crate) fn class(tx: &Tx<'_>, form: &str) -> Fallible<ClassId> {
    let key = super::device::form_key(form);
    if let Some(id) = tx.one(CLASS, values![key], |row| row.only())? {
        return Ok(id);
    }
    tx.run(INTERN, values![key])?;
    let found = tx.one(CLASS, values![key], |row| row.only())?;
    found.ok_or_else(|| Failure::internal("a requirement class that was interned cannot be found"))
}

const INTERN: &str = "INSERT INTO requirement_class (form_key) VALUES (?) ON CONFLICT (form_key) DO NOTHING";

/// Returns the classes that a device satisfies which carries these forms, as [`super::device::carries`] says it.
pub(crate) fn classes_for(tx: &Tx<'_>, carries: &str) -> Fallible<Vec<ClassId>> {
    let mut found: Vec<ClassId> = Vec::new();
    // The form that no job names is a line without anything on it.
    for form in carries.split('\n') {
        let class = tx.one(CLASS, values![super::device::form_key(form)], |row| row.only())?;
        found.extend(class.filter(|class| !found.contains(class)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn jobs_between_two_arrivals_are_found_by_the_index_of_those_alone() {
        let plan = Memory::new().plan(&between_sql());
        assert!(plan.contains("job_reordered") && !plan.contains("TEMP B-TREE"), "{plan}");
        assert!(between_sql().contains(&format!("% {}", crate::model::order::ARRIVAL_STEP)));
    }

    #[test]
    fn jobs_that_arrive_are_found_by_the_index_of_those_alone() {
        let plan = Memory::new().plan(&arriving_sql());
        assert!(plan.contains("job_arriving"), "{plan}");
    }

    #[test]
    fn interning_a_form_that_another_has_interned_meanwhile_is_no_error() {
        let memory = Memory::new();
        let tx = memory.tx();
        // Both have looked and found no class; the other was first.
        let theirs = class(&tx, "invoice").unwrap();
        assert_eq!(tx.run(INTERN, values![super::super::device::form_key("Invoice ")]).unwrap(), 0);
        assert_eq!(class(&tx, "Invoice ").unwrap(), theirs);
    }
}
