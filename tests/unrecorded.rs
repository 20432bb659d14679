//! An end that cannot be recorded: the job is printed once, its device sends nothing more and says why, and goes on when the
//! spool answers.

use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{Signal, kill};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::documents::{stream, take_apart};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site};

/// More than the buffers of both sides of a connection hold.
const LONG: usize = 4 << 20;

/// How the spool is broken while a job prints.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The root page of a table or index is overwritten with this octet.
    Page(&'static str, u8),
    /// One bit of it is another one: of the octet that says what kind of page it is.
    Bit(&'static str),
    /// The file is no database any more.
    NoDatabase,
    /// The file ends in its middle.
    CutOff,
    /// A rule of the database refuses the change.
    Constraint,
}

/// A broken spool, and what heals it.
enum Broken {
    Octets { at: u64, before: Vec<u8> },
    Trigger,
}

fn write(site: &Site, at: u64, octets: &[u8]) {
    let file = std::fs::File::options().write(true).open(site.paths().database()).unwrap();
    file.write_all_at(octets, at).unwrap();
}

/// Breaks it so that nobody can go on with what he has in memory.
fn break_it(site: &Site, fault: Fault) -> Broken {
    let db = Connection::open(site.paths().database()).unwrap();
    db.busy_timeout(DEADLINE).unwrap();
    if let Fault::Constraint = fault {
        db.execute_batch("CREATE TRIGGER no_end BEFORE INSERT ON finished BEGIN SELECT RAISE(ABORT, 'no end'); END")
            .unwrap();
        return Broken::Trigger;
    }
    // A commit of somebody else makes every other connection forget what it has read.
    db.execute("UPDATE spool SET last_sequence = last_sequence + 1", []).unwrap();
    let end = Instant::now() + DEADLINE;
    while db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap() != 0 {
        assert!(Instant::now() < end, "the log cannot be written back");
    }
    let size: u64 = db.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap();
    let root = |table: &str| -> u64 {
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
        db.query_row(root, [table], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
    };
    let file = std::fs::read(site.paths().database()).unwrap();
    let at = match fault {
        Fault::Page(table, _) | Fault::Bit(table) => (root(table) - 1) * size,
        Fault::NoDatabase | Fault::Constraint => 0,
        Fault::CutOff => (root("document") - 1) * size,
    };
    let from = usize::try_from(at).unwrap();
    let before = file[from..].to_vec();
    let page = usize::try_from(size).unwrap();
    drop(db);
    match fault {
        Fault::Page(_, octet) => write(site, at, &vec![octet; page]),
        Fault::Bit(_) => write(site, at, &[before[0] ^ 0x40]),
        Fault::NoDatabase => write(site, at, b"this is no spool at all"),
        Fault::CutOff => {
            std::fs::File::options().write(true).open(site.paths().database()).unwrap().set_len(at).unwrap();
        }
        Fault::Constraint => {}
    }
    Broken::Octets { at, before }
}

fn heal(site: &Site, broken: &Broken) {
    match broken {
        Broken::Octets { at, before } => write(site, *at, before),
        Broken::Trigger => {
            let db = Connection::open(site.paths().database()).unwrap();
            db.busy_timeout(DEADLINE).unwrap();
            db.execute_batch("DROP TRIGGER no_end").unwrap();
        }
    }
}

/// Waits until what the print process writes down in `run/` is as wanted.
#[track_caller]
pub fn shows(site: &Site, what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).unwrap();
    let seen = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_CLOSE_WRITE;
    changes.add_watch(&site.paths().run(), seen).unwrap();
    while !condition() {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "not within {DEADLINE:?}: {what}; {}", site.log());
        let mut fds = [PollFd::new(changes.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(left.min(Duration::from_secs(2))).unwrap()).unwrap();
        while changes.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

/// `$LP2` on a socket behind `OFFICE.NET`, started, with a long job in the midst of being sent, and one behind it.
fn printing(printer: &Sink, exclusive: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", &printer.uri(), exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    for tag in ["long", "next"] {
        let file = site.document(tag, &stream(tag, if tag == "long" { LONG } else { 3000 }));
        site.submit("office.net", tag, &file).expect(0);
        printer.wait_for("the beginning of the long job", |all| all.iter().any(|one| !one.octets.is_empty()));
    }
    site
}

fn complete(printer: &Sink) -> Vec<String> {
    printer.connections().iter().flat_map(|one| take_apart(&one.octets).complete).collect()
}

fn tries(site: &Site) -> u64 {
    let run = site.paths().run();
    let notes = spoolsuite::spool::printing::trouble::all(&run).unwrap();
    notes.iter().flat_map(|note| &note.troubles).map(|trouble| u64::from(trouble.tries)).max().unwrap_or(0)
}

/// Whatever the displays can still read says what is wrong, and how it is mended.
fn is_said(site: &Site, fault: Fault, words: &str) {
    let shown = site.run("spoolcom", &["PRINT $SPLA"]);
    if shown.status != 0 {
        assert!(shown.status == 3 && !shown.err.is_empty(), "{fault:?}: {shown:#?}");
        return;
    }
    assert!(shown.out.contains("ERROR %1073"), "{fault:?}: {shown:#?}");
    assert!(shown.out.contains(words), "{fault:?}: {shown:#?}");
    let detail = site.run("spoolcom", &["PRINT $SPLA, STATUS DETAIL"]).expect(0).out;
    assert!(detail.contains("ERROR %1073") && !detail.contains("PROCESS ID: NONE"), "{detail}");
    for command in ["DEV $LP2", "DEV $LP2, STATUS DETAIL"] {
        let shown = site.run("spoolcom", &[command]);
        let said = shown.status != 0 || shown.out.contains("CANNOT GO ON") && shown.out.contains("PROC");
        assert!(said, "{fault:?}: {shown:#?}");
    }
    let listed = site.run("spoolcom", &["DEV"]);
    assert!(listed.status != 0 || listed.out.contains("PROC ERROR"), "{fault:?}: {listed:#?}");
    let why = site.run("spoolcom", &["JOB 1, WHY", "--json"]);
    if why.status == 0 {
        let causes: Value = serde_json::from_str(&why.out).unwrap();
        assert_eq!(causes[0]["cause"], "process-trouble", "{fault:?}: {causes:#}");
        assert!(causes[0]["text"].as_str().unwrap().contains("tries again"), "{causes:#}");
    }
}

/// The job is printed once however long the spool is broken, and ends when it is not any more.
fn once(fault: Fault, words: &str, exclusive: &str) {
    let printer = Sink::new(Mode::Stalls(50_000));
    let site = printing(&printer, exclusive);
    let process = site.fastp().unwrap();
    let broken = break_it(&site, fault);
    printer.set_mode(Mode::Normal);
    shows(&site, "it has tried again and again", || tries(&site) >= 5);
    is_said(&site, fault, words);
    assert!(site.log().contains("; trying again"), "{}", site.log());
    assert_eq!(site.fastp(), Some(process), "{fault:?}: it lives");
    // What could not be claimed is not accepted.
    let file = site.document("late", &stream("late", 3000));
    let refused = site.submit("office.net", "late", &file);
    assert!([1, 3].contains(&refused.status) && !refused.err.is_empty(), "{fault:?}: {refused:#?}");
    let before = tries(&site);
    shows(&site, "and once more", || tries(&site) > before);
    assert_eq!(complete(&printer), ["long"], "{fault:?}");
    heal(&site, &broken);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["long", "next"], "{fault:?}: each once");
    assert!(site.possible_duplicates().is_empty());
    site.submit("office.net", "late", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["long", "next", "late"], "{fault:?}");
}

#[test]
fn a_job_whose_end_meets_a_damaged_page_of_the_history_is_printed_once() {
    once(Fault::Page("finished", 0xa5), "pdfsck", "OFF!");
}

#[test]
fn a_job_whose_end_meets_a_damaged_page_of_events_is_printed_once() {
    once(Fault::Page("event", 0), "pdfsck", "OFF!");
}

#[test]
fn a_job_whose_end_meets_a_damaged_page_of_documents_is_printed_once() {
    once(Fault::Page("document", 0xff), "pdfsck", "OFF");
}

#[test]
fn a_job_whose_end_meets_a_damaged_page_of_entries_is_printed_once() {
    once(Fault::Page("entry", 0xa5), "pdfsck", "OFF");
}

#[test]
fn a_job_whose_end_meets_a_flipped_bit_is_printed_once() {
    once(Fault::Bit("job"), "pdfsck", "OFF");
}

#[test]
fn a_job_whose_end_meets_no_database_is_printed_once() {
    once(Fault::NoDatabase, "pdfsck", "OFF!");
}

#[test]
fn a_job_whose_end_meets_a_database_that_is_cut_off_is_printed_once() {
    once(Fault::CutOff, "spool.db", "OFF!");
}

#[test]
fn a_job_whose_end_a_rule_of_the_database_refuses_is_printed_once() {
    once(Fault::Constraint, "no end", "OFF!");
}

#[test]
fn what_was_written_into_a_file_is_there_once() {
    let site = Site::new();
    site.declare();
    let file = site.document("one", &stream("one", 3000));
    site.submit("office.front", "one", &file).expect(0);
    let broken = break_it(&site, Fault::Page("finished", 0xa5));
    site.spoolcom("DEV $LP1, START");
    // Damage that is found at the start: nothing is printed at all, and that is said, too.
    shows(&site, "it does not begin", || tries(&site) > 0);
    let shown = site.spoolcom("PRINT $SPLA").out;
    assert!(shown.contains("ERROR %100073") && shown.contains("pdfsck"), "{shown}");
    assert_eq!(std::fs::read(site.sink()).unwrap_or_default(), b"");
    let refused = site.submit("office.front", "late", &file);
    refused.expect(3).says("no job is accepted");
    heal(&site, &broken);
    site.submit("office.front", "late", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["one", "one"]);
}

#[test]
fn an_operator_who_ends_the_process_and_repairs_the_spool_prints_again_only_what_he_starts() {
    let printer = Sink::new(Mode::Stalls(50_000));
    let site = printing(&printer, "OFF!");
    let process = site.fastp().unwrap();
    break_it(&site, Fault::Page("finished", 0xa5));
    printer.set_mode(Mode::Normal);
    shows(&site, "it cannot record the end", || tries(&site) >= 3);
    // The process has the spool, and the repair says how it ends.
    site.run("pdfsck", &["--repair"]).expect(1);
    kill(process, Signal::SIGTERM).unwrap();
    assert!(site.fastp_ends(DEADLINE));
    let repaired = site.run("pdfsck", &["--repair"]).expect(1);
    assert!(repaired.out.contains("2 jobs were saved, and are held"), "{repaired:#?}");
    // The claim of the process that ended is given back by the next one.
    site.spoolcom("PRINT $SPLA, START");
    site.wait_for("all are held", || site.jobs().iter().all(|job| job["current-job-state"] == "held"));
    assert_eq!(complete(&printer), ["long"]);
    site.spoolcom("JOB (REPORT long), START");
    site.wait_for("it is printed again", || !site.tags().contains("long"));
    assert_eq!(complete(&printer), ["long", "long"]);
    assert!(site.possible_duplicates().contains("long"), "announced");
}
