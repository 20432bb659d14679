//! The schema and its migrator.
//!
//! `PRAGMA user_version` holds the schema's number. A newer one is refused by an older program; an older one is brought
//! up step by step, each step in one transaction. The SQL is portable where standard SQL can say it.
//! Identities are never used twice (`AUTOINCREMENT`, the standard's `GENERATED ALWAYS AS IDENTITY`): events and history
//! outlive the rows they tell of, and a claim must never be taken for another one.

use crate::model::{Failure, FailureKind};

use super::job::KEPT_BACK;
use super::managed::LIMITED;
use super::{Fallible, Tx};

/// The schema this program writes.
pub const VERSION: i64 = 7;

/// The schema from which on a database carries the mark of its last commit.
pub(crate) const MARKED: i64 = 6;

/// The schema from which on documents may be encrypted.
pub(crate) const SEALED_SINCE: i64 = 7;

/// The schema from which on the configuration of each object is remembered.
const CONFIGURED: i64 = 7;

/// Schema 1.
const V1: &str = "
CREATE TABLE spool (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    spool_id        TEXT    NOT NULL,
    server          TEXT    NOT NULL,
    creator_uid     INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    manager_access  INTEGER NOT NULL,
    last_number     INTEGER NOT NULL,
    last_serial     INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    time_spool_ms   INTEGER NOT NULL,
    time_wall_ms    INTEGER NOT NULL,
    time_boot_ms    INTEGER NOT NULL,
    time_boot_id    TEXT    NOT NULL
);
CREATE TABLE process (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL UNIQUE,
    file            TEXT,
    parm            INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    running         INTEGER NOT NULL,
    running_boot    TEXT,
    pid             INTEGER,
    error_number    INTEGER,
    error_text      TEXT,
    error_since_ms  INTEGER,
    death_1         INTEGER,
    death_2         INTEGER
);
CREATE TABLE device (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL UNIQUE,
    process         TEXT,
    process_key     TEXT,
    uri             TEXT,
    form            TEXT    NOT NULL,
    form_key        TEXT    NOT NULL,
    speed           INTEGER NOT NULL,
    exclusive       TEXT    NOT NULL,
    fifo            INTEGER NOT NULL,
    retry           INTEGER NOT NULL,
    timeout         INTEGER NOT NULL,
    header          TEXT    NOT NULL,
    startff         TEXT    NOT NULL,
    endff           INTEGER NOT NULL,
    width           INTEGER NOT NULL,
    parm            INTEGER NOT NULL,
    wish            INTEGER NOT NULL,
    untouched       INTEGER NOT NULL,
    stopped_by_error INTEGER NOT NULL,
    error_number    INTEGER,
    error_text      TEXT,
    error_since_ms  INTEGER,
    error_next_ms   INTEGER,
    error_tries     INTEGER,
    is_open         INTEGER NOT NULL,
    opens           INTEGER NOT NULL,
    paper           INTEGER NOT NULL
);
CREATE INDEX device_process ON device (process_key);
CREATE TABLE route (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL
);
CREATE TABLE location_group (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL UNIQUE,
    broadcast       INTEGER NOT NULL,
    route_id        INTEGER NOT NULL UNIQUE REFERENCES route (id)
);
CREATE TABLE location (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id        INTEGER NOT NULL REFERENCES location_group (id),
    dest            TEXT    NOT NULL,
    dest_key        TEXT    NOT NULL,
    device_id       INTEGER REFERENCES device (id),
    route_id        INTEGER NOT NULL UNIQUE REFERENCES route (id),
    UNIQUE (group_id, dest_key)
);
CREATE INDEX location_device ON location (device_id);
CREATE INDEX location_dest ON location (dest_key);
CREATE TABLE requirement_class (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    form_key        TEXT    NOT NULL UNIQUE
);
CREATE TABLE job (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    number          INTEGER NOT NULL UNIQUE,
    serial          INTEGER NOT NULL UNIQUE,
    token           TEXT    NOT NULL UNIQUE,
    local_id        INTEGER NOT NULL,
    owner_uid       INTEGER NOT NULL,
    owner_gid       INTEGER NOT NULL,
    owner           TEXT    NOT NULL,
    user_name       TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    form            TEXT    NOT NULL,
    priority        INTEGER NOT NULL,
    wish            INTEGER NOT NULL,
    reasons         INTEGER NOT NULL,
    reason_text     TEXT,
    hold_after      INTEGER NOT NULL,
    arriving        INTEGER NOT NULL,
    retained        INTEGER NOT NULL,
    group_id        INTEGER NOT NULL REFERENCES location_group (id),
    location_id     INTEGER REFERENCES location (id),
    route_id        INTEGER NOT NULL REFERENCES route (id),
    class_id        INTEGER NOT NULL REFERENCES requirement_class (id),
    created_ms      INTEGER NOT NULL,
    work            INTEGER NOT NULL,
    octets          INTEGER NOT NULL,
    pages           INTEGER,
    sort_promoted   INTEGER NOT NULL,
    sort_rank       INTEGER NOT NULL,
    sort_key        INTEGER NOT NULL,
    sort_sequence   INTEGER NOT NULL,
    UNIQUE (owner_uid, local_id)
);
CREATE INDEX job_user ON job (user_name, sort_promoted, sort_rank, sort_key, sort_sequence);
CREATE INDEX job_owner ON job (owner, number);
CREATE INDEX job_route ON job (route_id, sort_promoted, sort_rank, sort_key, sort_sequence);
CREATE INDEX job_location ON job (location_id);
CREATE INDEX job_group ON job (group_id);
CREATE INDEX job_schedule ON job (sort_promoted, sort_rank, sort_key, sort_sequence);
CREATE TABLE local_counter (
    owner_uid       INTEGER PRIMARY KEY,
    last            INTEGER NOT NULL
);
CREATE TABLE job_value (
    job_id          INTEGER NOT NULL REFERENCES job (id),
    document        INTEGER NOT NULL,
    field           TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    value           TEXT    NOT NULL,
    origin          TEXT    NOT NULL,
    PRIMARY KEY (job_id, document, field, position)
);
CREATE TABLE document (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id          INTEGER NOT NULL REFERENCES job (id),
    sequence        INTEGER NOT NULL,
    file_name       BLOB    NOT NULL,
    store_name      TEXT    NOT NULL UNIQUE,
    transfer        TEXT    NOT NULL,
    link_target     BLOB,
    format          TEXT    NOT NULL,
    octets          INTEGER NOT NULL,
    pages           INTEGER,
    lines           INTEGER,
    copies          INTEGER NOT NULL,
    dev             INTEGER NOT NULL,
    ino             INTEGER NOT NULL,
    birth_ns        INTEGER,
    mtime_ns        INTEGER NOT NULL,
    ctime_ns        INTEGER NOT NULL,
    digest          BLOB,
    UNIQUE (job_id, sequence)
);
CREATE TABLE entry (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id          INTEGER NOT NULL REFERENCES job (id),
    route_id        INTEGER NOT NULL REFERENCES route (id),
    only_device     INTEGER NOT NULL,
    class_id        INTEGER NOT NULL REFERENCES requirement_class (id),
    promoted        INTEGER NOT NULL,
    rank            INTEGER NOT NULL,
    sort_key        INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    work            INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    device_id       INTEGER,
    process_id      INTEGER,
    epoch           INTEGER,
    claimed_ms      INTEGER,
    claimed_spool   INTEGER,
    begun_device    INTEGER,
    begun_dev       INTEGER,
    begun_ino       INTEGER,
    begun_offset    INTEGER,
    begun_separation TEXT,
    duplicate       INTEGER NOT NULL,
    octets_sent     INTEGER
);
CREATE INDEX entry_order ON entry (state, route_id, only_device, class_id, promoted, rank, sort_key, sequence);
CREATE INDEX entry_fifo ON entry (state, route_id, only_device, class_id, promoted, rank, sequence);
CREATE INDEX entry_job ON entry (job_id);
CREATE INDEX entry_device ON entry (device_id, state);
CREATE INDEX entry_begun ON entry (begun_device, state);
CREATE TABLE request (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id       INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    action          TEXT    NOT NULL,
    arguments       TEXT    NOT NULL,
    who             TEXT    NOT NULL,
    asked_ms        INTEGER NOT NULL,
    answered_ms     INTEGER,
    answer          TEXT
);
CREATE TABLE refused_token (
    token           TEXT    PRIMARY KEY,
    at_ms           INTEGER NOT NULL
);
CREATE TABLE finished (
    job_id          INTEGER PRIMARY KEY,
    number          INTEGER NOT NULL,
    serial          INTEGER NOT NULL UNIQUE,
    token           TEXT    NOT NULL UNIQUE,
    local_id        INTEGER NOT NULL,
    owner_uid       INTEGER NOT NULL,
    owner           TEXT    NOT NULL,
    user_name       TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    destination     TEXT    NOT NULL,
    device          TEXT,
    outcome         TEXT    NOT NULL,
    octets          INTEGER NOT NULL,
    pages           INTEGER,
    documents       INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL,
    finished_ms     INTEGER NOT NULL
);
CREATE INDEX finished_number ON finished (number);
CREATE INDEX finished_time ON finished (finished_ms);
CREATE TABLE event (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms           INTEGER NOT NULL,
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    who             TEXT    NOT NULL,
    what            TEXT    NOT NULL,
    why             TEXT    NOT NULL
);
CREATE INDEX event_object ON event (object, object_id, id);
";

/// From schema 1 to 2: RESTART, what a device was last opened with, and indexes without the entries that no device has. A device whose tries had come to an end is
/// offline by its error now; it was online, and stood still.
const V2: &str = "
ALTER TABLE device ADD COLUMN restart INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN last_address TEXT;
ALTER TABLE device ADD COLUMN last_entry TEXT;
ALTER TABLE device ADD COLUMN last_found TEXT;
ALTER TABLE device ADD COLUMN complaint TEXT;
DROP INDEX entry_device;
DROP INDEX entry_begun;
CREATE INDEX entry_device ON entry (device_id, state) WHERE device_id IS NOT NULL;
CREATE INDEX entry_begun ON entry (begun_device, state) WHERE begun_device IS NOT NULL;
UPDATE device SET wish = 0, stopped_by_error = 1
 WHERE wish = 1 AND error_number IS NOT NULL AND error_next_ms IS NULL;
";

/// From schema 2 to 3: one table decides what became of a submission; an event has its place among those of its object,
/// and what programs need of it beside the prose. What older versions said in words alone is taken from those words once.
const V3: &str = "
CREATE TABLE submission (
    token           TEXT    PRIMARY KEY,
    job_id          INTEGER,
    number          INTEGER,
    local_id        INTEGER,
    serial          INTEGER,
    at_ms           INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX submission_refused ON submission (at_ms) WHERE job_id IS NULL;
INSERT INTO submission SELECT token, id, number, local_id, serial, created_ms FROM job;
INSERT INTO submission SELECT token, job_id, number, local_id, serial, created_ms FROM finished;
INSERT OR IGNORE INTO submission SELECT token, NULL, NULL, NULL, NULL, at_ms FROM refused_token;
DROP TABLE refused_token;
ALTER TABLE event ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN detail TEXT;
UPDATE event SET position = id;
UPDATE event SET detail = CASE
        WHEN why = 'HOLDAFTER' THEN 'hold-after'
        WHEN why LIKE 'its document could not be printed%' THEN 'document-failed'
        WHEN why LIKE 'its linked document is another file now%' THEN 'document-changed'
        WHEN why LIKE 'its document is damaged%' THEN 'document-corrupt'
        ELSE 'job-hold-set' END
 WHERE object = 'job' AND what = 'held';
UPDATE event SET detail = 'no-device' WHERE object = 'location' AND what = 'routed' AND why = 'to no device';
DROP INDEX event_object;
CREATE UNIQUE INDEX event_object ON event (object, object_id, position);
CREATE INDEX event_time ON event (at_ms) WHERE object <> 'job';
";

/// From schema 3 to 4: objects of all the classes that are only kept, and their values as text.
const V4: &str = "
CREATE TABLE object (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    class           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL,
    UNIQUE (class, name_key)
);
CREATE TABLE object_value (
    object_id       INTEGER NOT NULL REFERENCES object (id),
    attribute       TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    value           TEXT    NOT NULL,
    PRIMARY KEY (object_id, attribute, position)
);
";

/// From schema 4 to 5: what becomes of jobs whose connection was reset, and the attempts at one job.
const V5: &str = "
ALTER TABLE device ADD COLUMN delivery TEXT NOT NULL DEFAULT 'AGAIN';
ALTER TABLE device ADD COLUMN attempts INTEGER NOT NULL DEFAULT 5;
ALTER TABLE device ADD COLUMN set_aside INTEGER;
ALTER TABLE entry ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
";

/// From the schema before to [`MARKED`]: the mark of the last commit, whether the database was restored, and ages in spool
/// time. What finished before has the age that the wall clock says.
const MARKS: &str = "
ALTER TABLE spool ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN restored_ms INTEGER;
ALTER TABLE finished ADD COLUMN finished_spool INTEGER NOT NULL DEFAULT 0;
ALTER TABLE submission ADD COLUMN at_spool INTEGER;
UPDATE finished SET finished_spool =
    (SELECT time_spool_ms + min(0, finished.finished_ms - time_wall_ms) FROM spool);
UPDATE submission SET at_spool = (SELECT time_spool_ms + min(0, submission.at_ms - time_wall_ms) FROM spool)
 WHERE job_id IS NULL;
CREATE INDEX finished_age ON finished (finished_spool);
DROP INDEX submission_refused;
CREATE INDEX submission_refused ON submission (at_spool) WHERE job_id IS NULL;
DROP INDEX event_time;
CREATE INDEX event_other ON event (id) WHERE object <> 'job';
CREATE TABLE age_mark (
    spool_ms        INTEGER PRIMARY KEY,
    event_id        INTEGER NOT NULL
);
";

/// From schema 6 to 7.
fn to_7(tx: &Tx<'_>) -> Fallible<()> {
    hosts(tx)?;
    tx.script(TALLIES)?;
    tx.script(CARRIED)?;
    tx.script(KEPT)?;
    tx.script(CONTENT)?;
    tx.script(FASTCNFG)?;
    tx.script(COLLECTORS)?;
    tx.script(ORDER)?;
    tx.script(REQUESTS)?;
    tx.script(FONTS)?;
    tx.script(MANAGED)?;
    tx.script(LIFETIME)?;
    tx.script(BATCHES)?;
    tx.script(ACCOUNT)?;
    tx.script(REORDERED)?;
    tx.script(OUTBOX)?;
    tx.script(TOLD)?;
    tx.script(USERS)?;
    tx.script(SERVERS)?;
    tx.script(ARRIVALS)?;
    tx.script(STANDINGS)?;
    tx.script(SCHEDULERS)?;
    tx.script(PRINTERS)?;
    tx.script(LEASES)?;
    tx.script(SECURE)?;
    tx.script(RELEASES)?;
    tx.script(ATTENTION)?;
    tx.script(BACKLOGS)?;
    tx.script(PINS)?;
    tx.script(PAUSES)?;
    tx.script(WALKS)?;
    tx.script(TRANSFORMS)?;
    tx.script(HISTORY)?;
    tx.script(LASTING)?;
    tx.script(WARNINGS)?;
    tx.script(BANKS)?;
    tx.script(GLANCES)?;
    tx.script(CHANGES)?;
    tx.script(PASSWORDS)?;
    tx.script(SEALED)?;
    tx.script(&format!("CREATE INDEX managed_limit ON managed_value (object) WHERE {LIMITED};"))?;
    tx.script(&format!(
        "CREATE INDEX job_kept_back ON job (sort_promoted, sort_rank, sort_place, sort_sequence) WHERE {KEPT_BACK};
         CREATE INDEX job_kept_back_owner ON job (owner, sort_promoted, sort_rank, sort_place, sort_sequence) WHERE {KEPT_BACK};
         CREATE INDEX job_kept_back_user ON job (user_name, sort_promoted, sort_rank, sort_place, sort_sequence) WHERE {KEPT_BACK};
         DROP INDEX job_location;
         CREATE INDEX job_location ON job (location_id, sort_promoted, sort_rank, sort_place, sort_sequence);"
    ))
}

/// Names that were tried with a password, whether they are anybody's or not.
const PASSWORDS: &str = "
CREATE TABLE tried_name (
    name            TEXT    PRIMARY KEY,
    failures        INTEGER NOT NULL,
    locked_until    INTEGER,
    failures_afar   INTEGER NOT NULL,
    locked_afar     INTEGER,
    tried_spool     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tried_name_old ON tried_name (tried_spool);
";

/// What is told only if a trouble lasts, and what was said of the disk and the certificate. Before, nothing was.
const LASTING: &str = "
ALTER TABLE outbox ADD COLUMN passing TEXT;
CREATE INDEX outbox_passing ON outbox (passing) WHERE passing IS NOT NULL;
ALTER TABLE spool ADD COLUMN said_of_space INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN said_of_certificate INTEGER NOT NULL DEFAULT 0;
";

/// Which devices a look at the health of the spool has to look at closely.
const GLANCES: &str = "
CREATE INDEX device_wish ON device (wish, process_key);
CREATE INDEX device_complaint ON device (id) WHERE complaint IS NOT NULL;
";

/// The wrapped keys of documents that are encrypted on disk. Before, none was.
const SEALED: &str = "
ALTER TABLE document ADD COLUMN sealed BLOB;
";

/// PINs of users, as hashes, with the wrong ones since the last right one, beside the station and from afar. The row without a user counts for names that nobody has.
const PINS: &str = "
CREATE TABLE pin (
    object_id       INTEGER PRIMARY KEY,
    hash            TEXT    NOT NULL,
    failures        INTEGER NOT NULL,
    locked_until    INTEGER,
    failures_afar   INTEGER NOT NULL,
    locked_afar     INTEGER
);
INSERT INTO pin (object_id, hash, failures, failures_afar) VALUES (0, '', 0, 0);
";

/// Queues whose jobs wait until somebody resumes them, and devices that are paused when their job is done. Before, there were none.
const PAUSES: &str = "
ALTER TABLE location_group ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN pause_next INTEGER NOT NULL DEFAULT 0;
";

/// How far the jobs were looked at that wait for a device that has failed. Before, nobody looked.
const WALKS: &str = "
ALTER TABLE device ADD COLUMN backup_walk TEXT;
";

/// The programs through which documents go before a device prints them. Before, no device had any.
const TRANSFORMS: &str = "
ALTER TABLE device ADD COLUMN transforms TEXT NOT NULL DEFAULT '';
";

/// How slow and how fast a device was; what an operator looks for among the events of all objects; and the configuration of each object as it was after its last
/// change, with what each change has made of it. What older versions recorded is marked once.
const HISTORY: &str = "
ALTER TABLE device ADD COLUMN rate_slow INTEGER;
ALTER TABLE device ADD COLUMN rate_fast INTEGER;
ALTER TABLE event ADD COLUMN notable INTEGER;
ALTER TABLE event ADD COLUMN device TEXT;
UPDATE event SET notable = 1
 WHERE (object <> 'job' AND what NOT IN ('opened', 'closed', 'claimed', 'began', 'dormant', 'ended', 'fastcnfg',
        'notified', 'answered', 'remark', 'stalled', 'moving')) OR (object = 'job' AND what = 'possible-duplicate');
UPDATE event SET detail = 'crash', notable = 1
 WHERE object = 'process' AND (what = 'died' OR (what = 'ended' AND why = 'the machine was restarted'));
CREATE INDEX event_notable ON event (id) WHERE notable IS NOT NULL;
CREATE INDEX event_notable_at ON event (at_ms, id) WHERE notable IS NOT NULL;
CREATE INDEX event_doubtful ON event (at_ms, id) WHERE what = 'possible-duplicate' AND object <> 'device';
CREATE INDEX event_crash ON event (id) WHERE detail = 'crash';
CREATE TABLE config (
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    words           TEXT,
    PRIMARY KEY (object, object_id)
) WITHOUT ROWID;
CREATE TABLE config_change (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        INTEGER NOT NULL,
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    word            TEXT    NOT NULL,
    old             TEXT,
    new             TEXT
);
CREATE INDEX config_change_event ON config_change (event_id, id);
";

/// Queues with a bound for the work that waits in them, and that work. Before, no queue had
/// bounds that meant anything.
const BACKLOGS: &str = "
CREATE TABLE backlog (
    group_id        INTEGER PRIMARY KEY,
    upper_minutes   INTEGER NOT NULL,
    lower_minutes   INTEGER,
    work            INTEGER NOT NULL,
    backlogged      INTEGER NOT NULL
);
";

/// Jobs that wait for a person, so that a look at the health of the spool finds them among a million. Rows of other jobs are not
/// in it.
const ATTENTION: &str = "
CREATE INDEX job_attention ON job (id) WHERE reasons & 8180 <> 0;
";

/// How many devices there are of each print process and wish, and an index of those in error.
const STANDINGS: &str = "
CREATE TABLE device_count (
    process_key     TEXT    NOT NULL,
    wish            INTEGER NOT NULL,
    devices         INTEGER NOT NULL,
    PRIMARY KEY (process_key, wish)
) WITHOUT ROWID;
INSERT INTO device_count SELECT coalesce(process_key, ''), wish, count(*) FROM device GROUP BY coalesce(process_key, ''), wish;
CREATE INDEX device_error ON device (id) WHERE error_number IS NOT NULL;
";

/// When a job was complete, where that was later than its beginning, and which process hands it in while it arrives.
const ARRIVALS: &str = "
ALTER TABLE job ADD COLUMN closed_ms INTEGER;
ALTER TABLE job ADD COLUMN submitter_pid INTEGER;
";

/// Whether a printer speaks PJL.
const PRINTERS: &str = "
ALTER TABLE device ADD COLUMN pjl INTEGER NOT NULL DEFAULT 0;
";

/// What the orders of devices compare besides priority and arrival: a deadline, and the pages of a job, which follow from its
/// work unless an operator has put it beside another job. Those of a device have words; an order that no device has costs
/// nothing, because its index is made with the first device that has it (`store::scheduler`).
const SCHEDULERS: &str = "
ALTER TABLE device ADD COLUMN sort_by TEXT NOT NULL DEFAULT 'job-priority';
ALTER TABLE device ADD COLUMN then_by TEXT;
ALTER TABLE job ADD COLUMN deadline_ms INTEGER;
ALTER TABLE job ADD COLUMN sort_deadline INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE job ADD COLUMN sort_pages INTEGER;
ALTER TABLE entry ADD COLUMN deadline INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE entry ADD COLUMN sort_pages INTEGER;
ALTER TABLE entry ADD COLUMN pages INTEGER GENERATED ALWAYS AS (coalesce(sort_pages, (work + 59) / 60)) VIRTUAL;
ALTER TABLE entry ADD COLUMN pages_down INTEGER GENERATED ALWAYS AS (-coalesce(sort_pages, (work + 59) / 60)) VIRTUAL;
";

/// Jobs that wait for their owners, with the queue to which they were sent, whose they are, and until when in spool time; and
/// the record of releases, each line with a digest of itself and the one before.
const SECURE: &str = "
CREATE TABLE secure_job (
    job_id          INTEGER PRIMARY KEY REFERENCES job (id),
    group_id        INTEGER NOT NULL,
    owner           TEXT    NOT NULL,
    due_spool       INTEGER,
    releases        INTEGER NOT NULL,
    station         TEXT,
    device          TEXT
);
CREATE INDEX secure_owner ON secure_job (owner, job_id);
CREATE INDEX secure_due ON secure_job (due_spool) WHERE due_spool IS NOT NULL;
CREATE TABLE release_record (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms           INTEGER NOT NULL,
    correlation     TEXT    NOT NULL,
    what            TEXT    NOT NULL,
    who             TEXT    NOT NULL,
    owner           TEXT    NOT NULL,
    number          INTEGER NOT NULL,
    station         TEXT,
    device          TEXT,
    result          TEXT    NOT NULL,
    digest          TEXT    NOT NULL
);
CREATE INDEX release_owner ON release_record (owner, id);
";

/// Other servers: locations that lead to their devices, jobs that are there, jobs of theirs that are here, and whether they
/// answer. The documents of a job of another server name their file there; a copy lies here only while it prints.
const SERVERS: &str = "
ALTER TABLE location ADD COLUMN remote_server TEXT;
ALTER TABLE location ADD COLUMN remote_device TEXT;
CREATE INDEX location_remote ON location (remote_server) WHERE remote_server IS NOT NULL;
ALTER TABLE document ADD COLUMN origin_path BLOB;
ALTER TABLE document ADD COLUMN origin_spool TEXT;
ALTER TABLE job ADD COLUMN origin TEXT COLLATE NOCASE;
CREATE INDEX job_origin ON job (origin) WHERE origin IS NOT NULL;
CREATE TABLE away (
    job_id          INTEGER PRIMARY KEY REFERENCES job (id),
    server          TEXT    NOT NULL COLLATE NOCASE,
    device          TEXT    NOT NULL,
    round           INTEGER NOT NULL,
    stage           INTEGER NOT NULL,
    shown           TEXT,
    words           TEXT
);
CREATE INDEX away_server ON away (server, stage);
CREATE TABLE incoming (
    token           TEXT    PRIMARY KEY,
    server          TEXT    NOT NULL COLLATE NOCASE,
    job_id          INTEGER NOT NULL,
    outcome         TEXT,
    device          TEXT,
    begun           INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX incoming_job ON incoming (job_id);
CREATE TABLE peer_link (
    server          TEXT    PRIMARY KEY COLLATE NOCASE,
    error           TEXT,
    since_ms        INTEGER
) WITHOUT ROWID;
";

/// Claims of other servers on jobs that are held here, and of this one on jobs that others hold. A claim that has ended stays as long as
/// the history of its job: whoever reports to an old number is told so.
const LEASES: &str = "
CREATE TABLE lease (
    token           TEXT    PRIMARY KEY,
    job_id          INTEGER NOT NULL,
    server          TEXT    NOT NULL COLLATE NOCASE,
    user_name       TEXT    NOT NULL,
    stage           INTEGER NOT NULL,
    until_spool     INTEGER,
    why             TEXT
) WITHOUT ROWID;
CREATE INDEX lease_job ON lease (job_id);
CREATE INDEX lease_until ON lease (until_spool) WHERE until_spool IS NOT NULL;
ALTER TABLE incoming ADD COLUMN stays INTEGER NOT NULL DEFAULT 0;
ALTER TABLE finished ADD COLUMN origin TEXT;
ALTER TABLE incoming ADD COLUMN lease INTEGER;
ALTER TABLE incoming ADD COLUMN lease_until INTEGER;
CREATE INDEX incoming_lease ON incoming (server, lease) WHERE lease IS NOT NULL;
";

/// Access rules; what is kept free on the disk, and what the print files take of it; limits for users, with what each has. A user's counters stand beside the last of his own numbers,
/// which every submission of his writes anyway.
const USERS: &str = "
CREATE TABLE access (
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    operation       TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    who             TEXT    NOT NULL,
    PRIMARY KEY (object, object_id, operation, position)
) WITHOUT ROWID;
ALTER TABLE spool ADD COLUMN has_rules INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN user_jobs INTEGER;
ALTER TABLE spool ADD COLUMN user_octets INTEGER;
ALTER TABLE spool ADD COLUMN user_opens INTEGER;
ALTER TABLE spool ADD COLUMN reserve_octets INTEGER;
ALTER TABLE spool ADD COLUMN reserve_percent INTEGER;
ALTER TABLE spool ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN copy_octets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN links INTEGER NOT NULL DEFAULT 0;
UPDATE spool SET
    copies = (SELECT count(*) FROM document WHERE transfer <> 'link'),
    copy_octets = (SELECT coalesce(sum(octets), 0) FROM document WHERE transfer <> 'link'),
    links = (SELECT count(*) FROM document WHERE transfer = 'link');
ALTER TABLE local_counter ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE local_counter ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
UPDATE local_counter SET
    jobs = (SELECT count(*) FROM job WHERE owner_uid = local_counter.owner_uid),
    octets = (SELECT coalesce(sum(octets), 0) FROM job WHERE owner_uid = local_counter.owner_uid);
";

/// Collectors, and the one by which each job came; none = the one of a spool in which none was ever declared. ERRLOG as typed,
/// and counters since the cold start.
const COLLECTORS: &str = "
CREATE TABLE collector (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL UNIQUE,
    file            TEXT,
    kept            TEXT,
    wish            INTEGER NOT NULL,
    was_started     INTEGER NOT NULL
);
ALTER TABLE job ADD COLUMN collector TEXT;
CREATE INDEX job_collector ON job (collector) WHERE collector IS NOT NULL;
CREATE INDEX job_arriving ON job (id) WHERE arriving;
ALTER TABLE spool ADD COLUMN has_collectors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN error_log TEXT;
ALTER TABLE spool ADD COLUMN jobs_collected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN jobs_printed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN held_jobs INTEGER NOT NULL DEFAULT 0;
UPDATE spool SET held_jobs = (SELECT count(*) FROM job WHERE reasons OR wish OR retained);
";

/// Listings of jobs follow the order of the devices that print them, devices remember whether somebody chose that order, and
/// how fast they are. Who declared a device before keeps the order that it had.
const ORDER: &str = "
ALTER TABLE device ADD COLUMN fifo_told INTEGER NOT NULL DEFAULT 1;
ALTER TABLE device ADD COLUMN rate INTEGER;
ALTER TABLE job ADD COLUMN sort_place INTEGER NOT NULL DEFAULT 0;
UPDATE job SET sort_place = max(1, sort_key) WHERE EXISTS (
    SELECT 1 FROM device WHERE id IN (
        SELECT device_id FROM location WHERE route_id = job.route_id
        UNION ALL SELECT l.device_id FROM location l JOIN location_group g ON l.group_id = g.id
              WHERE g.route_id = job.route_id));
UPDATE job SET sort_place = 0 WHERE EXISTS (
    SELECT 1 FROM device WHERE fifo <> 0 AND id IN (
        SELECT device_id FROM location WHERE route_id = job.route_id
        UNION ALL SELECT l.device_id FROM location l JOIN location_group g ON l.group_id = g.id
              WHERE g.route_id = job.route_id));
UPDATE device SET name_key = replace(replace(replace(lower(name), '\\', ''), '$', ''), '#', '') || char(1) || lower(name)
 WHERE name LIKE '%$%';
DROP INDEX job_user;
DROP INDEX job_route;
DROP INDEX job_schedule;
CREATE INDEX job_user ON job (user_name, sort_promoted, sort_rank, sort_place, sort_sequence);
CREATE INDEX job_route ON job (route_id, sort_promoted, sort_rank, sort_place, sort_sequence);
CREATE INDEX job_schedule ON job (sort_promoted, sort_rank, sort_place, sort_sequence);
";

/// Words of another system that a device or a print process was given, and that mean nothing here.
const KEPT: &str = "
ALTER TABLE device ADD COLUMN kept TEXT;
ALTER TABLE process ADD COLUMN kept TEXT;
";

/// What documents are: what devices and locations say of them, and by whom it was said what each is. Before, all
/// were what they were recognised as.
const CONTENT: &str = "
ALTER TABLE device ADD COLUMN trunc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN eol_crlf INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN page_length INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN content_raw INTEGER NOT NULL DEFAULT 0;
ALTER TABLE location ADD COLUMN content TEXT;
ALTER TABLE document ADD COLUMN format_origin TEXT NOT NULL DEFAULT 'recognised';
ALTER TABLE document ADD COLUMN recognised TEXT NOT NULL DEFAULT 'passthru';
UPDATE document SET recognised = format;
";

/// Fonts, and the one that each location sends ahead of its jobs: by name, for there may be none of that name.
const FONTS: &str = "
CREATE TABLE font (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL UNIQUE,
    job_id          INTEGER NOT NULL REFERENCES job (id)
);
CREATE INDEX font_job ON font (job_id);
ALTER TABLE location ADD COLUMN font TEXT;
";

/// The batch of a job and its place in it; the batch that a device is in the middle of, the last place of the listing that it
/// began, and the entry at which it failed.
const BATCHES: &str = "
ALTER TABLE job ADD COLUMN batch INTEGER;
ALTER TABLE job ADD COLUMN batch_place INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_batch ON job (batch, batch_place) WHERE batch IS NOT NULL;
ALTER TABLE device ADD COLUMN batch INTEGER;
ALTER TABLE device ADD COLUMN batch_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN failed_entry INTEGER;
";

/// What operators ask of devices at work. The table of schema 1 was never written to; it did not name the entry whose attempt is
/// meant.
const REQUESTS: &str = "
DROP TABLE request;
CREATE TABLE request (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id       INTEGER NOT NULL,
    entry_id        INTEGER,
    attempt         INTEGER NOT NULL,
    process_id      INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    action          TEXT    NOT NULL,
    who             TEXT    NOT NULL,
    asked_ms        INTEGER NOT NULL,
    answered_ms     INTEGER,
    outcome         INTEGER,
    answer          TEXT
);
CREATE INDEX request_open ON request (device_id) WHERE answered_ms IS NULL;
";

/// When somebody is told that a job which waits for its owner is removed soon. Before, nobody was.
const WARNINGS: &str = "
ALTER TABLE secure_job ADD COLUMN warn_spool INTEGER;
CREATE INDEX secure_warn ON secure_job (warn_spool) WHERE warn_spool IS NOT NULL;
";

/// Cards of users, as keyed hashes, and what was debited for releases and is not settled yet.
const BANKS: &str = "
CREATE TABLE card (
    hash            TEXT    PRIMARY KEY,
    object_id       INTEGER NOT NULL,
    until_spool     INTEGER
) WITHOUT ROWID;
CREATE INDEX card_user ON card (object_id);
CREATE TABLE bank_charge (
    id              TEXT    PRIMARY KEY,
    correlation     TEXT    NOT NULL,
    program         TEXT    NOT NULL,
    station         TEXT    NOT NULL,
    who             TEXT    NOT NULL,
    state           INTEGER NOT NULL,
    due_ms          INTEGER
) WITHOUT ROWID;
CREATE INDEX bank_charge_job ON bank_charge (correlation);
CREATE INDEX bank_charge_due ON bank_charge (due_ms) WHERE due_ms IS NOT NULL;
";

/// Change control: whether edits are staged, what is staged, the generations that were issued, and the servers that have not taken the
/// last one yet. The kind of object and the attribute of an edit are words, its value is JSON;
/// an edit without an attribute is about the object itself.
const CHANGES: &str = "
CREATE TABLE change_control (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    mode            INTEGER NOT NULL,
    generation      INTEGER NOT NULL
);
CREATE TABLE staged_edit (
    class           TEXT    NOT NULL,
    name_key        TEXT    NOT NULL,
    field           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    value           TEXT,
    at_ms           INTEGER NOT NULL,
    who             TEXT    NOT NULL,
    PRIMARY KEY (class, name_key, field)
) WITHOUT ROWID;
CREATE TABLE issued (
    number          INTEGER PRIMARY KEY,
    standing        INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    who             TEXT    NOT NULL,
    by_server       TEXT    NOT NULL COLLATE NOCASE,
    back_to         INTEGER,
    revokes         INTEGER NOT NULL,
    edits           TEXT    NOT NULL
);
CREATE TABLE change_straggler (
    server          TEXT    PRIMARY KEY COLLATE NOCASE
) WITHOUT ROWID;
";

/// What is on record of one release, on each of the servers that took part.
const RELEASES: &str = "
CREATE INDEX release_correlation ON release_record (correlation, id);
";

/// The primary FASTCNFG file is kept in the spool; before, each print process had it from its starter.
const FASTCNFG: &str = "
ALTER TABLE spool ADD COLUMN fastcnfg BLOB;
";

/// Records that are still to be written into the accounting logs, how much of each log is on record as written, and whether
/// somebody whom the spool trusts says who owns a job.
const ACCOUNT: &str = "
CREATE TABLE account (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    device          TEXT    NOT NULL,
    record          TEXT    NOT NULL
);
CREATE INDEX account_device ON account (device, id);
CREATE TABLE account_log (
    device          TEXT    PRIMARY KEY,
    size            INTEGER,
    failed          INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE job ADD COLUMN owner_vouched INTEGER NOT NULL DEFAULT 0;
";

/// Jobs that an operator put between two arrivals: these are counted in steps, and few jobs stand between them. Those that
/// arrived before were counted one by one.
const REORDERED: &str = "
CREATE INDEX job_reordered ON job (sort_sequence) WHERE sort_sequence % 268435456 <> 0;
";

/// Notifications that are still to be delivered, and how many were given up since the cold start.
const OUTBOX: &str = "
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    of_server       INTEGER NOT NULL,
    uid             INTEGER NOT NULL,
    method          TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    event           TEXT    NOT NULL,
    number          TEXT    NOT NULL,
    text            TEXT    NOT NULL,
    about           TEXT    NOT NULL,
    at_ms           INTEGER NOT NULL,
    made_spool      INTEGER NOT NULL,
    due_spool       INTEGER NOT NULL,
    tries           INTEGER NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_spool);
CREATE INDEX outbox_user ON outbox (uid);
CREATE INDEX outbox_address ON outbox (method, address, at_ms, id);
CREATE INDEX managed_profile ON managed_value (object, object_id) WHERE field = 'notification-profile';
ALTER TABLE spool ADD COLUMN deliveries_lost INTEGER NOT NULL DEFAULT 0;
";

/// How many notifications wait, and who has set what they go by: the right to name a file or a program is his. 4294967295 is
/// nobody in particular. A value of a job that has nobody here is of the user of the job.
const TOLD: &str = "
ALTER TABLE spool ADD COLUMN deliveries_waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN set_by INTEGER NOT NULL DEFAULT 4294967295;
ALTER TABLE managed_value ADD COLUMN set_by INTEGER NOT NULL DEFAULT 4294967295;
ALTER TABLE job_value ADD COLUMN set_by INTEGER;
";

/// What InfoPrint commands say of destinations, queues and the server: what a location is, whether it takes jobs, whether a
/// group was made by itself and stays without locations, which papers a device has besides its form, and what was set and has
/// no column.
const MANAGED: &str = "
ALTER TABLE location ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE location ADD COLUMN whole_group INTEGER NOT NULL DEFAULT 0;
ALTER TABLE location ADD COLUMN takes_jobs INTEGER NOT NULL DEFAULT 1;
ALTER TABLE location_group ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN media TEXT NOT NULL DEFAULT '';
CREATE TABLE managed_value (
    object          TEXT    NOT NULL,
    object_id       INTEGER NOT NULL,
    field           TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    PRIMARY KEY (object, object_id, field)
) WITHOUT ROWID;
";

/// How long jobs live, and what is known of those that have ended and are kept. Few jobs have any of it: an index of those
/// costs the others nothing. Before, no job was kept when it had ended. A job may have another owner by name than the user
/// who may change it, so that user's jobs have an index of their own.
const LIFETIME: &str = "
ALTER TABLE job ADD COLUMN retention TEXT;
ALTER TABLE job ADD COLUMN discard_ms INTEGER;
ALTER TABLE job ADD COLUMN print_after_ms INTEGER;
ALTER TABLE job ADD COLUMN previous_state TEXT;
CREATE INDEX job_discard ON job (discard_ms) WHERE discard_ms IS NOT NULL;
CREATE INDEX job_print_after ON job (print_after_ms) WHERE print_after_ms IS NOT NULL;
CREATE INDEX job_owner_id ON job (owner_uid, number);
CREATE TABLE ended (
    job_id          INTEGER PRIMARY KEY REFERENCES job (id),
    at_ms           INTEGER NOT NULL,
    at_spool        INTEGER NOT NULL,
    started_ms      INTEGER,
    outcome         TEXT    NOT NULL,
    device          TEXT,
    until_spool     INTEGER,
    until_ms        INTEGER
);
CREATE INDEX ended_spool ON ended (until_spool) WHERE until_spool IS NOT NULL;
CREATE INDEX ended_wall ON ended (until_ms) WHERE until_ms IS NOT NULL;
";

/// Facts of one host stand beside the server they belong to: device and inode of a print file and of a file that is printed
/// to, process id, user id. What is there already belongs to the spool's own server, which is the default of the new columns
/// for that reason: no row is written anew, however many there are. A new spool has no row that would need it.
fn hosts(tx: &Tx<'_>) -> Fallible<()> {
    let own: Option<String> = tx.one("SELECT server FROM spool", &[], |row| row.only())?;
    let own = own.unwrap_or_default().replace('\'', "''");
    for table in ["job ADD COLUMN owner_server", "finished ADD COLUMN owner_server", "document ADD COLUMN server"] {
        tx.script(&format!("ALTER TABLE {table} TEXT NOT NULL DEFAULT '{own}'"))?;
    }
    tx.script(HOSTS)
}

/// The rest of them, which are few.
const HOSTS: &str = "
ALTER TABLE entry ADD COLUMN begun_server TEXT;
UPDATE entry SET begun_server = (SELECT server FROM spool) WHERE begun_ino IS NOT NULL;
ALTER TABLE process ADD COLUMN running_server TEXT;
UPDATE process SET running_server = (SELECT server FROM spool) WHERE pid IS NOT NULL;
ALTER TABLE local_counter RENAME TO local_counter_6;
CREATE TABLE local_counter (
    server          TEXT    NOT NULL,
    owner_uid       INTEGER NOT NULL,
    last            INTEGER NOT NULL,
    PRIMARY KEY (server, owner_uid)
) WITHOUT ROWID;
INSERT INTO local_counter SELECT spool.server, owner_uid, last FROM local_counter_6, spool;
DROP TABLE local_counter_6;
";

/// What was given for finished jobs and is only carried, as text.
const CARRIED: &str = "
ALTER TABLE finished ADD COLUMN carried TEXT;
";

/// Counters for displays.
const TALLIES: &str = "
ALTER TABLE spool ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN open_jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN devices INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN locations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN processes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE location ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0;
UPDATE spool SET
    jobs = (SELECT count(*) FROM job),
    open_jobs = (SELECT count(*) FROM job WHERE arriving <> 0),
    devices = (SELECT count(*) FROM device),
    locations = (SELECT count(*) FROM location),
    processes = (SELECT count(*) FROM process);
UPDATE location SET jobs = (SELECT count(*) FROM job WHERE location_id = location.id);
";

/// What leads from one schema to the next. The numbers of states in it are those of its time, and stay as they are.
enum Step {
    /// Statements.
    Script(&'static str),
    /// Statements that depend on what the database holds.
    Code(fn(&Tx<'_>) -> Fallible<()>),
}

/// Every step, with the number of the schema that it leads to.
const STEPS: &[(i64, Step)] = &[
    (1, Step::Script(V1)),
    (2, Step::Script(V2)),
    (3, Step::Script(V3)),
    (4, Step::Script(V4)),
    (5, Step::Script(V5)),
    (MARKED, Step::Script(MARKS)),
    (7, Step::Code(to_7)),
];

/// Tells whether this program may use a database with that schema: [`FailureKind::Unreachable`] for a newer one.
pub(crate) fn check(version: i64) -> Fallible<()> {
    if version > VERSION {
        return Err(Failure::new(
            FailureKind::Unreachable,
            format!("the spool has schema {version}, this program knows only {VERSION}"),
        )
        .hint("a newer spoolsuite has used this spool: use that one"));
    }
    Ok(())
}

/// Returns the number of the schema.
pub(crate) fn version(tx: &Tx<'_>) -> Fallible<i64> {
    tx.version()
}

/// Brings a database, inside a write transaction, to [`VERSION`]. When a step fails, the transaction is rolled back as a
/// whole.
pub(crate) fn migrate(tx: &Tx<'_>) -> Fallible<()> {
    migrate_to(tx, VERSION)
}

/// The same up to the schema `wanted`, which this program knows.
pub(super) fn migrate_to(tx: &Tx<'_>, wanted: i64) -> Fallible<()> {
    let found = tx.version()?;
    check(found)?;
    for (_, step) in STEPS.iter().filter(|(number, _)| (found + 1..=wanted).contains(number)) {
        match step {
            Step::Script(script) => tx.script(script)?,
            Step::Code(code) => code(tx)?,
        }
    }
    tx.set_version(wanted)?;
    // From there on, each change is compared with what was there before.
    if found < CONFIGURED && wanted >= CONFIGURED { super::config::begin(tx) } else { Ok(()) }
}
