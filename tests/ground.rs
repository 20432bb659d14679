//! What is taken away from under living processes: the database, `run/`, their neighbours; and bases that are half made.

use std::os::unix::fs::PermissionsExt;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::documents::{take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, pid};
use nix::sys::signal::{Signal, kill};
use spoolsuite::spool::disk::locks;
use spoolsuite::sys::watch::Watch;

fn submit(site: &Site, tag: &str) {
    let file = site.document(tag, &text(tag, 400));
    site.submit("office.front", tag, &file).expect(0);
}

/// Waits until the device has printed these, each once.
fn wait_for_printed(site: &Site, tags: &[&str]) {
    let printed = || {
        let mut complete = take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete;
        complete.sort();
        complete
    };
    let end = Instant::now() + DEADLINE;
    let watch = Watch::new(site.files.path()).unwrap();
    while printed() != tags {
        assert!(Instant::now() < end, "{:?} instead of {tags:?}: {}", printed(), site.log());
        watch.wait(Duration::from_secs(1)).unwrap();
    }
}

fn started() -> (Site, Child) {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    site.fastp_ends(DEADLINE);
    let process = site.start_with_submission_socket("60", &[]);
    (site, process)
}

#[test]
fn a_database_that_is_exchanged_under_a_running_print_process_takes_what_is_acknowledged() {
    let (site, mut process) = started();
    submit(&site, "before");
    wait_for_printed(&site, &["before"]);
    site.wait_until_empty();
    let path = site.paths().database();
    let copy = site.files.path().join("copy.db");
    rusqlite::Connection::open(&path).unwrap().execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
    for end in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{end}", path.display())).unwrap();
    }
    std::fs::copy(&copy, path.with_extension("new")).unwrap();
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    // Whoever takes it, it is in the database that has the name.
    submit(&site, "after");
    let count = "SELECT count(*) FROM (SELECT name FROM job UNION SELECT name FROM finished) WHERE name = 'after'";
    let known: i64 = site.database().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(known, 1);
    process.wait().unwrap();
    wait_for_printed(&site, &["after", "before"]);
    assert!(site.log().contains("exchanged") && site.log().contains("takes over"), "{}", site.log());
}

#[test]
fn a_log_that_is_removed_under_a_running_print_process_is_noticed() {
    let (site, mut process) = started();
    submit(&site, "before");
    wait_for_printed(&site, &["before"]);
    site.wait_until_empty();
    // What was declared stays, so that only the job is at stake.
    let checkpoint = "PRAGMA wal_checkpoint(FULL)";
    rusqlite::Connection::open(site.paths().database()).unwrap().query_row(checkpoint, [], |_| Ok(())).unwrap();
    for end in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{end}", site.paths().database().display())).unwrap();
    }
    // Nothing may be acknowledged that is gone afterwards.
    let file = site.document("after", &text("after", 400));
    let outcome = site.submit("office.front", "after", &file);
    process.wait().unwrap();
    if outcome.status == 0 {
        let known = "SELECT count(*) FROM (SELECT name FROM job UNION SELECT name FROM finished) WHERE name = 'after'";
        assert_eq!(site.database().query_row(known, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    } else {
        assert_eq!(outcome.status, 3, "{outcome:#?}");
    }
}

#[test]
fn run_may_be_removed_while_a_job_prints_and_no_second_process_prints_beside_the_first() {
    let site = Site::new();
    site.declare();
    let sink = Sink::new(Mode::Slow);
    site.device("LP2", &sink.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP1, START; DEV $LP2, START");
    let long = site.document("long", &text("long", 300_000));
    site.submit("office.slow", "long", &long).expect(0);
    site.wait_for("it prints", || site.jobs().iter().any(|job| job["current-job-state"] == "processing"));
    let first = site.fastp().unwrap();
    std::fs::remove_dir_all(site.paths().run()).unwrap();
    // Every command makes the directory again, and goes on.
    submit(&site, "second");
    site.run("pdls", &[]).expect(0);
    let name = "SPLA".parse().unwrap();
    let server = site.server_dir().file_name().unwrap().to_str().unwrap().parse().unwrap();
    assert!(site.paths().run().is_dir());
    // Either it prints still, or it has ended: nobody else drives its devices while it lives.
    if locks::process_lost_its_file(site.paths(), &server, &name).unwrap() {
        let refused = locks::take_process(site.paths(), &server, &name, Duration::from_millis(50)).unwrap();
        assert!(refused.is_none());
        let found = site.run("pdfsck", &[]);
        assert!(found.out.contains("were removed") || found.status == 0, "{found:#?}");
    }
    wait_for_printed(&site, &["second"]);
    site.wait_until_empty();
    let _ = kill(first, Signal::SIGCONT);
    assert!(site.possible_duplicates().is_empty(), "the running job was finished first");
    assert_eq!(
        sink.connections().iter().flat_map(|one| take_apart(&one.octets).complete).collect::<Vec<_>>(),
        ["long"]
    );
    assert!(site.paths().process_lock(&name).exists() && site.paths().write_lock().exists());
}

#[test]
fn what_a_print_process_leaves_that_is_killed_at_the_end_of_a_job_its_neighbour_sweeps() {
    let site = Site::new();
    site.declare();
    site.spoolcom("PRINT $SPLB, FILE fastp; DEV $NUL, PROCESS $SPLB, URI null:, START; DEV $LP1, START");
    let mut neighbour = site.command("fastp");
    neighbour.arg("--base").arg(site.base()).args(["--process", "SPLB", "--idle", "600"]);
    let mut neighbour = neighbour.spawn().unwrap();
    site.wait_for("the neighbour runs", || {
        let query = "SELECT running FROM process WHERE name = 'SPLB'";
        site.database().query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() == 1
    });
    let file = site.document("left", &text("left", 400));
    let mut command = site.submission("office.front", "left", &file);
    command.env("PD_SUBMISSION_SOCKET_MS", "0").env("PD_FAULT", "before-erase");
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    assert!(site.fastp_ends(DEADLINE));
    site.wait_for_no_print_files();
    kill(pid(neighbour.id()), Signal::SIGTERM).unwrap();
    neighbour.wait().unwrap();
}

#[test]
fn a_base_that_is_made_with_a_umask_that_takes_our_own_rights_away_can_be_used() {
    let site = Site::new();
    let mut command = std::process::Command::new("sh");
    site.dress(&mut command);
    let spoolcom = crate::support::program("spoolcom");
    command.args(["-c", "umask 0177; exec \"$0\" \"$1\""]).arg(&spoolcom);
    command.arg("PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:; LOC #A.B, DEV $LP1");
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in [site.base().to_path_buf(), site.paths().run(), site.server_dir()] {
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
    }
    // One that an older version left so is mended by the next command.
    std::fs::set_permissions(site.paths().run(), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::set_permissions(site.base(), PermissionsExt::from_mode(0o600)).unwrap();
    let file = site.document("x", b"x\n");
    site.submit("a.b", "x", &file).expect(0);
    assert_eq!((mode(site.base()), mode(&site.paths().run())), (0o700, 0o700));
}
