//! What brings a device back: PRINT START out of PROCERROR, RESTART out of OFFLINE by error, START out of SUSPENDED
//! however long that took. Through the real programs.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, program};
use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use spoolsuite::spool::printing::progress::Writer;
use spoolsuite::sys::clock;

/// More than the buffers of both sides of a connection hold.
const LONG: usize = 8 << 20;

/// A device as `DEV --json` shows it.
#[track_caller]
fn device(site: &Site, name: &str) -> Value {
    let shown = site.run("spoolcom", &[&format!("DEV ${name}"), "--json"]).expect(0);
    serde_json::from_str::<Value>(&shown.out).unwrap()[0].clone()
}

#[track_caller]
fn is(site: &Site, name: &str, state: &str) {
    site.wait_for(&format!("${name} is {state}"), || device(site, name)["state"] == state);
}

fn events(site: &Site, what: &str) -> usize {
    let query = "SELECT count(*) FROM event WHERE what = ?";
    site.database().query_row(query, [what], |row| row.get::<_, i64>(0)).unwrap() as usize
}

fn print(site: &Site, to: &str, tag: &str, octets: &[u8]) {
    let file = site.document(tag, octets);
    site.submit(to, tag, &file).expect(0);
}

/// Milliseconds from now until a device is tried or started again.
#[track_caller]
fn next_try_in(site: &Site, name: &str) -> i64 {
    let shown = device(site, name)["error"]["next-try"].as_str().expect("no next try").to_owned();
    let at: jiff::Timestamp = shown.parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    at.as_millisecond() - i64::try_from(now.as_millis()).unwrap()
}

#[test]
fn print_start_brings_back_the_devices_of_a_process_that_kept_dying() {
    let site = Site::new();
    site.declare();
    for name in ["DRAINED", "EMPTY"] {
        site.device(name, "null:", "OFF");
        site.spoolcom(&format!("DEV ${name}, START"));
    }
    site.spoolcom("DEV $LP1, START; DEV $DRAINED, DRAIN");
    // It dies whenever it has claimed the job: three times within a minute.
    let file = site.document("claimed", &text("claimed", 3000));
    let mut fault = site.submission("office.front", "claimed", &file);
    finish(fault.env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
    site.wait_for("the print process is in error", || {
        let mut again = site.command("spoolcom");
        finish(again.arg("SPOOLER, START").env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
        site.spoolcom("PRINT $SPLA, STATUS DETAIL").out.contains("three times")
    });
    assert_eq!(device(&site, "EMPTY")["state"], "procerror");
    assert_eq!(device(&site, "DRAINED")["state"], "offline");
    let shown = site.spoolcom("PRINT $SPLA, STATUS DETAIL").out;
    assert!(shown.contains("died three times"), "{shown}");
    // Neither its devices' START nor work for it starts it; and more work waits.
    site.spoolcom("DEV $LP1, START");
    print(&site, "office.front", "later", &text("later", 3000));
    assert_eq!(device(&site, "LP1")["state"], "procerror");
    assert_eq!((site.fastp(), site.tags().len()), (None, 2));

    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    let mut complete = take_apart(&std::fs::read(site.sink()).unwrap()).complete;
    complete.sort();
    assert_eq!(complete, ["claimed", "later"], "each once");
    is(&site, "LP1", "waiting");
    assert_eq!(device(&site, "EMPTY")["state"], "waiting");
    assert_eq!(device(&site, "DRAINED")["state"], "offline", "an operator's drain is not undone by it");
    assert!(site.fastp_ends(DEADLINE) && !site.counts_as_running());
    // Its deaths are forgotten: it takes three more, not one, to be in error again.
    let mut fault = site.submission("office.front", "once more", &file);
    finish(fault.env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
    let claimed = "SELECT count(*) FROM entry WHERE state = 1";
    let db = site.database();
    site.wait_for("it was claimed", || db.query_row(claimed, [], |row| row.get::<_, i64>(0)).unwrap() > 0);
    assert!(site.fastp_ends(DEADLINE));
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
}

#[test]
fn print_start_ends_a_process_that_hangs_and_its_successor_prints() {
    let printer = Sink::new(Mode::Stalls(50_000));
    let site = Site::new();
    site.declare();
    site.device("LP2", &printer.uri(), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    print(&site, "office.net", "long", &stream("long", LONG));
    printer.wait_for("its beginning", |all| all.iter().any(|one| !one.octets.is_empty()));
    let hung = site.fastp().unwrap();
    kill(hung, Signal::SIGSTOP).unwrap();
    // It says nothing any more; that it has done so for long is written for it.
    let progress = Writer::create(&site.paths().progress(&"SPLA".parse().unwrap())).unwrap();
    progress.heartbeat(u32::try_from(hung.as_raw()).unwrap(), clock::boot_ms() - 61_000).unwrap();
    assert_eq!(device(&site, "LP2")["state"], "procerror");
    let why = site.spoolcom("JOB 1, WHY").out;
    assert!(why.contains("PRINT $SPLA, START"), "{why}");
    let shown = site.spoolcom("PRINT $SPLA, STATUS DETAIL").out;
    assert!(shown.contains("ERROR %1050") && shown.contains(&format!("PROCESS ID: {hung}")), "{shown}");
    assert!(site.spoolcom("DEV").out.contains("PROCESS HANGS SINCE "));
    printer.set_mode(Mode::Normal);
    site.spoolcom("PRINT $SPLA, START");
    let log = site.spoolcom("PRINT $SPLA, LOG").out;
    assert!(log.contains(&format!("a sign of life for a minute: process {hung}")), "{log}");
    assert!(log.contains(&format!("PRINT START ended process {hung}, which hung")), "{log}");
    site.wait_until_empty();
    let complete: Vec<String> = printer.connections().iter().flat_map(|one| take_apart(&one.octets).complete).collect();
    assert_eq!(complete, ["long"]);
    assert!(site.possible_duplicates().contains("long"));
    assert_ne!(site.fastp(), Some(hung));
    is(&site, "LP2", "waiting");
}

#[test]
fn a_process_that_could_not_be_started_is_shown_so_and_started_by_print_start() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    // A spoolcom with no fastp beside it.
    let alone = site.files.path().join("spoolcom");
    crate::support::place_program(&program("spoolcom"), &alone);
    site.spoolcom("DEV $LP1, DRAIN");
    print(&site, "office.front", "waits", &text("waits", 3000));
    let mut start = Command::new(&alone);
    site.dress(&mut start);
    finish(start.arg("DEV $LP1, START").spawn().unwrap(), DEADLINE).expect(0);
    assert_eq!(device(&site, "LP1")["state"], "procerror");
    let shown = site.spoolcom("PRINT $SPLA, STATUS DETAIL").out;
    assert!(shown.contains("cannot be started"), "{shown}");
    assert_eq!(site.tags().len(), 1);
    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    is(&site, "LP1", "waiting");
}

#[test]
fn a_print_process_stays_with_a_suspended_job_however_long_that_takes() {
    let printer = Sink::new(Mode::Stalls(50_000));
    let site = Site::new();
    site.declare();
    site.device("LP2", &printer.uri(), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START; DEV $LP1, START");
    print(&site, "office.net", "long", &stream("long", LONG));
    printer.wait_for("its beginning", |all| all.iter().any(|one| !one.octets.is_empty()));
    site.spoolcom("DEV $LP2, SUSPEND");
    site.wait_for("the sender stands still", || events(&site, "stands-still") == 1);
    let same = site.fastp().unwrap();
    // Idle for 0.2 s it would go. What it is given beside the suspended job changes nothing.
    for n in 0..3 {
        assert!(!site.fastp_ends(Duration::from_millis(700)), "{}", site.log());
        print(&site, "office.front", &format!("beside {n}"), &text(&format!("beside {n}"), 300));
        site.wait_for("what is printed beside it", || site.tags().len() == 1);
    }
    assert_eq!(site.fastp(), Some(same));
    printer.set_mode(Mode::Normal);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(printer.connections().len(), 1, "the same connection");
    assert_eq!(take_apart(&printer.connections()[0].octets).complete, ["long"]);
    assert!(site.possible_duplicates().is_empty());
    assert!(site.fastp_ends(DEADLINE), "with nothing left it goes");
}

/// A site whose `$LP1` an error has taken offline while a job waits, with its print process gone.
fn offline_by_error(restart: &str) -> Site {
    let site = Site::new();
    site.declare();
    std::fs::create_dir(site.sink()).unwrap();
    site.spoolcom(&format!("DEV $LP1, RESTART {restart}, START"));
    print(&site, "office.front", "once", &text("once", 3000));
    is(&site, "LP1", "offline");
    site
}

#[test]
fn a_restart_that_is_altered_while_the_device_is_offline_by_error_counts_from_then() {
    let site = offline_by_error("OFF");
    assert_eq!(device(&site, "LP1")["error"]["next-try"], Value::Null);
    assert!(site.fastp_ends(DEADLINE), "nothing is due");
    site.spoolcom("DEV $LP1, RESTART 32767");
    assert!((32_000_000..=32_767_000).contains(&next_try_in(&site, "LP1")), "{}", next_try_in(&site, "LP1"));
    site.wait_for("somebody waits for it", || site.fastp().is_some());
    // A shorter one is not kept waiting by the longer one, and OFF ends it.
    site.spoolcom("DEV $LP1, RESTART 600");
    assert!(next_try_in(&site, "LP1") <= 600_000);
    let before = next_try_in(&site, "LP1");
    site.spoolcom("DEV $LP1, SPEED 600");
    assert!(next_try_in(&site, "LP1") <= before, "another attribute leaves it alone");
    site.spoolcom("DEV $LP1, RESTART OFF");
    assert_eq!(device(&site, "LP1")["error"]["next-try"], Value::Null);
    assert!(site.fastp_ends(DEADLINE), "nothing is due any more");
    assert_eq!((device(&site, "LP1")["offline-by-error"].clone(), events(&site, "restarted")), (true.into(), 0));
    // And it does start the device, by a print process that it is given to meanwhile.
    std::fs::remove_dir(site.sink()).unwrap();
    site.spoolcom("DEV $LP1, RESTART 10");
    site.wait_for("somebody waits for it", || site.fastp().is_some());
    site.spoolcom("PRINT $SPLB, FILE fastp; DEV $LP1, PROCESS $SPLB");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["once"]);
    assert_eq!(events(&site, "restarted"), 1);
}

#[test]
fn spooler_start_brings_devices_that_nobody_touched_to_waiting_and_leaves_those_that_were_drained() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp");
    for name in ["NEW", "DRAINED", "STARTED"] {
        site.device(name, "null:", "OFF");
        assert_eq!(device(&site, name)["state"], "offline", "the state after its declaration");
    }
    site.spoolcom("DEV $NOWHERE, PROCESS $SPLA; DEV $DRAINED, START; DEV $DRAINED, DRAIN; DEV $STARTED, START");
    assert!(site.spoolcom("SPOOLER").out.contains("COLD"));
    assert_eq!(device(&site, "STARTED")["state"], "waiting", "DEV START is heeded before SPOOLER START");
    site.spoolcom("SPOOLER, START");
    let state = |name: &str| device(&site, name)["state"].clone();
    let states = ["NEW", "DRAINED", "STARTED", "NOWHERE"].map(state);
    assert_eq!(states, ["waiting", "offline", "waiting", "offline"].map(Value::from));
    // Warm: the devices are as their operator left them, and so they are when it is started again.
    site.spoolcom("DEV $NEW, DRAIN; SPOOLER, DRAIN");
    site.wait_for("the spooler is drained", || site.spoolcom("SPOOLER").out.contains("WARM"));
    site.device("LATER", "null:", "OFF");
    assert_eq!(state("LATER"), "offline");
    site.spoolcom("SPOOLER, START");
    let states = ["NEW", "DRAINED", "STARTED", "LATER"].map(state);
    assert_eq!(states, ["offline", "offline", "waiting", "waiting"].map(Value::from));
}

#[test]
fn an_error_that_its_device_is_cured_of_by_print_start_is_tried_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let site = Site::new();
    site.declare();
    site.device("LP2", &format!("socket://127.0.0.1:{port}"), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, RETRY 3000; DEV $LP2, START");
    print(&site, "office.net", "late", &stream("late", 3000));
    is(&site, "LP2", "deverror");
    let printer = Sink::at(TcpListener::bind(("127.0.0.1", port)).unwrap(), Mode::Normal);
    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&printer.connections()[0].octets).complete, ["late"]);
}
