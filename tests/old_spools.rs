//! Spools of every released schema open for ever. `tests/data/spool-v1.db` is one of schema 1, with a job that waits.
//!
//! A schema that is released has its fixture made once, with `UPDATE_SPOOL=1`, and never again.

use std::path::Path;
use std::sync::Arc;

use spoolsuite::model::time::Moment;
use spoolsuite::model::{FailureKind, JobRef};
use spoolsuite::spool::base::{Access, open};
use spoolsuite::spool::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody};
use spoolsuite::sys::users;

mod support;

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
    use spoolsuite::model::device::{DeviceChange, DeviceUri};
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
        documents: vec![DocumentOffer {
            file_name: RawPath("text".into()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
        }],
        given: Vec::new(),
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
fn unpacked(base: &Path) -> String {
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
    let mut spool = local(dir.path(), Access::Existing);
    let job = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap();
    assert_eq!((job.name.as_str(), job.destination.to_string().as_str()), ("kept", "#OFFICE.FRONT"));
    assert!(job.documents[0].path.0.ends_with(&file));
    assert_eq!(spool.devices(None).unwrap()[0].name.to_string(), "LP1");
    spool.delete_job(JobRef::Number(1.try_into().unwrap())).unwrap();
    let gone = spool.job(JobRef::Number(1.try_into().unwrap())).unwrap_err();
    assert_eq!(gone.kind, FailureKind::NotFound);
    assert!(!dir.path().join("acme1").join(file).exists());
}

#[test]
fn a_spool_of_schema_1_prints_what_waited_in_it() {
    let dir = tempfile::tempdir().unwrap();
    unpacked(dir.path());
    let site = support::Site::at(dir.path());
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
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
    let refused = open(&base, Access::Existing).err().unwrap();
    assert_eq!((refused.kind, version()), (FailureKind::Unreachable, 1), "{refused}");
    drop(user);
    open(&base, Access::Existing).unwrap();
    assert_eq!(version(), 2);
}
