//! Spools of every released schema open for ever. `tests/data/spool-v1.db` is one of schema 1, with a job that waits.
//!
//! A schema that is released has its fixture made once, with `UPDATE_SPOOL=1`, and never again.

use std::path::Path;
use std::sync::Arc;

use spoolsuite::model::device::{DeviceChange, DeviceStatus};
use spoolsuite::model::state::DeviceWish;
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, FailureKind, JobRef};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody};
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::users;

const FIXTURE: &str = "tests/data/spool-v1.db";
/// The identity of the spool in the fixture, and the print file of its job: what lies beside the database.
const BESIDE: &str = "tests/data/spool-v1.txt";

fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "fixture".into() }
}

fn local(base: &Path, access: Access) -> Local {
    Local::new(open(&Base::new(base), access).unwrap(), users::caller(), clock, Arc::new(Nobody))
}

fn make() {
    use spoolsuite::model::device::DeviceUri;
    use spoolsuite::model::job::{DocumentOffer, RawPath, Submission, Transfer};
    use spoolsuite::model::process::ProcessChange;
    let dir = tempfile::tempdir().unwrap();
    let mut spool = local(dir.path(), Access::Create { server: "acme1".parse().unwrap(), now: clock() });
    spool.change_process("SPLA".parse().unwrap(), vec![ProcessChange::File("fastp".into())]).unwrap();
    let changes = vec![DeviceChange::Process("SPLA".parse().unwrap()), DeviceChange::Uri(DeviceUri::Null)];
    spool.change_device("LP1".parse().unwrap(), changes).unwrap();
    spool.route_location("#OFFICE.FRONT".parse().unwrap(), Some("LP1".parse().unwrap())).unwrap();
    let text = dir.path().join("text");
    std::fs::write(&text, "kept\n").unwrap();
    let submission = Submission {
        token: "fixture".into(),
        destination: "office.front".into(),
        name: "kept".into(),
        form: String::new(),
        priority: Default::default(),
        hold: false,
        hold_after: false,
        lifetime: spoolsuite::model::lifetime::Lifetime::default(),
        owner: None,
        keep: false,
        batch: None,
        documents: vec![DocumentOffer {
            file_name: RawPath("text".into()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
            format: None,
        }],
        given: Vec::new(),
        collector: None,
    };
    spool.submit(submission, vec![std::fs::File::open(&text).unwrap().into()]).unwrap();
    let about = spool.about().unwrap();
    let job = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap();
    let file = job.documents[0].path.0.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(BESIDE, format!("{}\n{file}\n", about.spool_id)).unwrap();
    let _ = std::fs::remove_file(FIXTURE);
    let db = rusqlite::Connection::open(Base::new(dir.path()).database()).unwrap();
    db.execute("VACUUM INTO ?", [FIXTURE]).unwrap();
}

/// A base with the fixture and what lay beside it.
pub fn unpacked(base: &Path) -> String {
    let beside = std::fs::read_to_string(BESIDE).unwrap();
    let (id, file) = beside.trim().split_once('\n').unwrap();
    let server = base.join("acme1");
    for dir in [base.join("run"), server.join("corrupt"), server.join("pdb")] {
        std::fs::create_dir_all(dir).unwrap();
    }
    std::fs::copy(FIXTURE, base.join("spool.db")).unwrap();
    let db = rusqlite::Connection::open(base.join("spool.db")).unwrap();
    // Whoever made the fixture is not who unpacks it; and a vacuumed copy has lost its journal mode.
    db.execute("UPDATE spool SET creator_uid = ?", [users::caller().uid]).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    std::fs::write(server.join(".spool-id"), id).unwrap();
    std::fs::write(server.join(file), "kept\n").unwrap();
    file.to_owned()
}

#[test]
fn a_spool_of_schema_1_opens_and_its_job_can_be_read_and_deleted() {
    if std::env::var_os("UPDATE_SPOOL").is_some() {
        make();
    }
    let dir = tempfile::tempdir().unwrap();
    let file = unpacked(dir.path());
    let mut spool = local(dir.path(), Access::Existing { now: clock() });
    let job = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap();
    assert_eq!((job.name.as_str(), job.destination.to_string().as_str()), ("kept", "#OFFICE.FRONT"));
    assert!(job.documents[0].path.0.ends_with(&file));
    assert_eq!(spool.devices(None).unwrap()[0].name.to_string(), "LP1");
    spool.delete_job(JobRef::Number(1.try_into().unwrap()), None, None).unwrap();
    let gone = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap_err();
    assert_eq!(gone.kind, FailureKind::NotFound);
    assert!(!dir.path().join("acme1").join(file).exists());
}

#[test]
fn a_spool_of_schema_1_prints_what_waited_in_it() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let site = crate::support::Site::at(dir.path());
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
}

/// Devices of schema 1 beside `$LP1`, by name: wish (0 stopped, 1 started, 2 draining), error and its next try.
fn devices_of_schema_1(base: &Path, devices: &[(&str, i64, Option<u32>, Option<i64>)]) {
    let db = rusqlite::Connection::open(Base::new(base).database()).unwrap();
    for (name, wish, error, next) in devices {
        db.execute_batch("CREATE TEMP TABLE one AS SELECT * FROM device WHERE name = 'LP1'; UPDATE one SET id = NULL")
            .unwrap();
        let text = error.map(|_| "not ready");
        let changed = db.execute(
            "UPDATE one SET name = ?1, name_key = lower(?1), wish = ?2, untouched = 0, error_number = ?3,
                 error_text = ?4, error_since_ms = 7, error_next_ms = ?5, error_tries = 3",
            rusqlite::params![name, wish, error, text, next],
        );
        assert_eq!(changed.unwrap(), 1);
        db.execute_batch("INSERT INTO device SELECT * FROM one; DROP TABLE one").unwrap();
    }
}

#[test]
fn a_device_of_schema_1_that_stood_still_in_its_error_is_offline_by_it_and_the_others_are_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let later = clock().wall_ms + 5000;
    devices_of_schema_1(
        dir.path(),
        &[
            ("GAVEUP", 1, Some(100), None),
            ("RETRIES", 1, Some(100), Some(later)),
            ("WELL", 1, None, None),
            ("DRAINED", 0, Some(100), None),
            ("DRAINS", 2, Some(100), None),
        ],
    );
    let mut spool = local(dir.path(), Access::Existing { now: clock() });
    let shown = |spool: &mut Local, name: &str| spool.device(name.parse().unwrap()).unwrap();
    let state = |spool: &mut Local, name: &str| (shown(spool, name).state.word(), shown(spool, name).stopped_by_error);
    assert_eq!(state(&mut spool, "GAVEUP"), ("OFFLINE", true), "it stood still online");
    assert_eq!(state(&mut spool, "RETRIES"), ("DEVERROR", false));
    assert_eq!(state(&mut spool, "WELL"), ("WAITING", false));
    assert_eq!(state(&mut spool, "DRAINED"), ("OFFLINE", false), "its operator's to start");
    assert_eq!(shown(&mut spool, "DRAINS").wish, DeviceWish::Draining);
    for name in ["GAVEUP", "RETRIES", "DRAINED"] {
        let device = shown(&mut spool, name);
        let error = device.error.unwrap();
        assert_eq!(
            (error.number, error.text.as_str(), error.since_ms, error.tries),
            (100, "not ready", 7, 3),
            "{name}"
        );
        assert_eq!((error.next_try_ms, device.settings.restart), ((name == "RETRIES").then_some(later), 0), "{name}");
    }
    // Anybody may start it now, and its RESTART can be set; neither holds for what was drained.
    let stranger = Caller { uid: users::caller().uid + 1, user: "bob".into(), ..users::caller() };
    let mut bob = Local::new(spool.spool().clone(), stranger, clock, Arc::new(Nobody));
    assert_eq!(bob.start_device("DRAINED".parse().unwrap()).unwrap_err().kind, FailureKind::Security);
    for name in ["GAVEUP", "DRAINED"] {
        spool.change_device(name.parse().unwrap(), vec![DeviceChange::Restart(600)]).unwrap();
    }
    let next = |device: DeviceStatus| device.error.unwrap().next_try_ms;
    assert_eq!(next(shown(&mut spool, "GAVEUP")), Some(clock().wall_ms + 600_000));
    assert_eq!(next(shown(&mut spool, "DRAINED")), None);
    bob.start_device("GAVEUP".parse().unwrap()).unwrap();
    let started = shown(&mut spool, "GAVEUP");
    assert_eq!((started.state.word(), started.error, started.stopped_by_error), ("WAITING", None, false));
}

#[test]
fn a_device_of_schema_1_that_stood_still_in_its_error_prints_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    devices_of_schema_1(dir.path(), &[("GAVEUP", 1, Some(100), None)]);
    let site = crate::support::Site::at(dir.path());
    site.spoolcom("SPOOLER, START; LOC #OFFICE.OLD, DEV $GAVEUP");
    let file = site.document("waits", b"waits\n");
    site.submit("office.old", "waits", &file).expect(0);
    let shown = site.spoolcom("DEV $GAVEUP, STATUS DETAIL").out;
    assert!(shown.contains("OFFLINE") && shown.contains("LAST ERROR: %144 "), "{shown}");
    site.wait_for("the other device has printed", || site.tags() == ["waits".to_owned()].into());
    site.spoolcom("DEV $GAVEUP, START");
    site.wait_until_empty();
}

/// The server of every row that has facts of its host, and what the counters say.
fn hosts_and_counters(base: &Path) -> (Vec<(String, Option<String>)>, Vec<i64>) {
    let db = rusqlite::Connection::open(Base::new(base).database()).unwrap();
    let mut hosts = Vec::new();
    for (table, column, whose) in [
        ("job", "owner_server", "owner_uid IS NOT NULL"),
        ("finished", "owner_server", "owner_uid IS NOT NULL"),
        ("document", "server", "ino IS NOT NULL"),
        ("local_counter", "server", "owner_uid IS NOT NULL"),
        ("entry", "begun_server", "begun_ino IS NOT NULL"),
        ("process", "running_server", "pid IS NOT NULL"),
    ] {
        let mut find = db.prepare(&format!("SELECT {column} FROM {table} WHERE {whose}")).unwrap();
        let found = find.query_map([], |row| row.get(0)).unwrap();
        hosts.extend(found.map(|server| (table.to_owned(), server.unwrap())));
    }
    let counted = ["jobs", "open_jobs", "devices", "locations", "processes"]
        .map(|counter| db.query_row(&format!("SELECT {counter} FROM spool"), [], |row| row.get(0)).unwrap());
    let at = db.query_row("SELECT jobs FROM location WHERE dest = 'FRONT'", [], |row| row.get(0)).unwrap();
    (hosts, [&counted[..], &[at]].concat())
}

#[test]
fn facts_of_a_host_in_an_older_spool_belong_to_its_own_server_and_its_counters_are_right() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let db = rusqlite::Connection::open(Base::new(dir.path()).database()).unwrap();
    // A print process that died while it wrote to a file, and a job that ended.
    db.execute_batch(
        "UPDATE process SET running = 1, pid = 7, running_boot = 'x', epoch = 1;
         UPDATE entry SET begun_dev = 1, begun_ino = 2, begun_offset = 3, state = 1, attempt = 1, epoch = 1,
             process_id = (SELECT id FROM process), device_id = (SELECT id FROM device);
         INSERT INTO finished (job_id, number, serial, token, local_id, owner_uid, owner, user_name, name, destination,
                 outcome, octets, documents, created_ms, finished_ms)
             VALUES (99, 99, 99, 'gone', 99, 1, 'a', 'a@b', 'n', '#OFFICE.FRONT', 'sent', 1, 1, 1, 1);",
    )
    .unwrap();
    drop(db);
    let mut spool = local(dir.path(), Access::Existing { now: clock() });
    let (hosts, counters) = hosts_and_counters(dir.path());
    let tables: Vec<&str> = hosts.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(tables, ["job", "finished", "document", "local_counter", "entry", "process"]);
    assert!(hosts.iter().all(|(_, server)| server.as_deref() == Some("acme1")), "{hosts:?}");
    assert_eq!(counters, [1, 0, 1, 1, 1, 1], "jobs, open, devices, locations, processes, at the location");
    let about = spool.about().unwrap();
    assert_eq!((about.jobs, about.devices, about.locations), (1, 1, 1));
    assert_eq!(about.printing_jobs, 0, "its print process is dead: what it had waits");
    // Local ids go on where they were.
    let known = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap().local;
    let text = dir.path().join("text");
    std::fs::write(&text, "new\n").unwrap();
    spool.start_spooler().unwrap();
    let site = crate::support::Site::at(dir.path());
    site.submit("office.front", "new", &text).expect(0);
    assert_eq!(spool.job(JobRef::Number(2.try_into().unwrap())).unwrap().local.0, known.0 + 1);
}

#[test]
fn a_spool_of_an_older_schema_that_is_in_use_is_not_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let base = Base::new(dir.path());
    let version = || {
        let db = rusqlite::Connection::open(base.database()).unwrap();
        db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let user = spoolsuite::sys::lock::FileLock::try_shared(&base.spool_lock()).unwrap().unwrap();
    let refused = open(&base, Access::Existing { now: clock() }).err().unwrap();
    assert_eq!((refused.kind, version()), (FailureKind::Unreachable, 1), "{refused}");
    drop(user);
    open(&base, Access::Existing { now: clock() }).unwrap();
    assert_eq!(version(), spoolsuite::store::schema::VERSION);
}

#[test]
fn many_who_come_at_once_wait_while_one_of_them_brings_the_spool_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let base = Base::new(dir.path());
    std::thread::scope(|scope| {
        let openers: Vec<_> =
            (0..16).map(|_| scope.spawn(|| open(&base, Access::Existing { now: clock() }).map(drop))).collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_command_waits_for_whoever_has_the_spool_alone() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let base = Base::new(dir.path());
    drop(open(&base, Access::Existing { now: clock() }).unwrap());
    // A program that another test begins in this moment holds what this process held a moment ago, for a moment.
    let alone = FileLock::exclusive(&base.spool_lock(), crate::support::DEADLINE).unwrap().unwrap();
    let site = crate::support::Site::at(dir.path());
    let mut command = site.command("pdls").spawn().unwrap();
    // It stands in the queue of that lock, or has not come so far.
    assert!(command.try_wait().unwrap().is_none());
    drop(alone);
    crate::support::finish(command, crate::support::DEADLINE).expect(0);
}
