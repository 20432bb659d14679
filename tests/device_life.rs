//! The states of a device, through the real programs: each is reached and left as docs/devices.md says.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish};
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

/// More than the buffers of both sides of a connection hold.
const LONG: usize = 8 << 20;
/// A printer that takes the beginning of a job and then nothing more.
const STALLS: Mode = Mode::Stalls(50_000);

/// `$LP2` at `uri` behind `OFFICE.NET`, started.
fn site(uri: &str, exclusive: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", uri, exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    site
}

fn print(site: &Site, to: &str, tag: &str, size: usize) {
    let file = site.document(tag, &stream(tag, size));
    site.submit(to, tag, &file).expect(0);
}

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

/// What the spool says of why `tag` is not printing: the first cause.
fn cause(site: &Site, tag: &str) -> Value {
    let number = site.jobs().into_iter().find(|job| job["job-name"] == tag).unwrap()["job-number"].clone();
    let shown = site.run("spoolcom", &[&format!("JOB {number}, WHY"), "--json"]).expect(0);
    serde_json::from_str::<Value>(&shown.out).unwrap()[0].clone()
}

fn job_state(site: &Site, tag: &str) -> Option<Value> {
    Some(site.jobs().into_iter().find(|job| job["job-name"] == tag)?["current-job-state"].clone())
}

fn events(site: &Site, what: &str) -> Vec<String> {
    let db = site.database();
    let mut statement = db.prepare("SELECT why FROM event WHERE what = ? ORDER BY id").unwrap();
    let found = statement.query_map([what], |row| row.get(0)).unwrap();
    found.collect::<Result<_, _>>().unwrap()
}

/// Waits until the sender stands still, and says after how many octets.
#[track_caller]
fn stands_still(site: &Site) -> usize {
    site.wait_for("the sender stands still", || !events(site, "stands-still").is_empty());
    let why = events(site, "stands-still").pop().unwrap();
    why.split(' ').rev().nth(1).unwrap().parse().unwrap_or_else(|_| panic!("{why}"))
}

fn complete(printer: &Sink) -> Vec<String> {
    printer.connections().iter().flat_map(|one| take_apart(&one.octets).complete).collect()
}

fn received(printer: &Sink) -> usize {
    printer.connections().iter().map(|one| one.octets.len()).sum()
}

/// A site whose long job has begun to print on a printer that stopped reading, and was suspended there; a short job waits
/// behind it.
fn suspended(printer: &Sink, exclusive: &str) -> Site {
    let site = site(&printer.uri(), exclusive);
    print(&site, "office.net", "long", LONG);
    printer.wait_for("the beginning of the long job", |all| all.iter().any(|one| !one.octets.is_empty()));
    print(&site, "office.net", "short", 4000);
    let said = site.spoolcom("DEV $LP2, SUSPEND");
    // The answer comes when no further octet leaves. A busy machine may need longer than the command waits, which it says.
    assert!(events(&site, "stands-still").len() == 1 || said.err.contains("IS REQUESTED"), "{said:#?}");
    site
}

#[test]
fn a_suspended_job_stands_still_and_goes_on_at_the_very_octet() {
    for exclusive in ["OFF", "OFF!", "ON"] {
        let printer = Sink::new(STALLS);
        let site = suspended(&printer, exclusive);
        let octets = stands_still(&site);
        assert!((1..LONG).contains(&octets), "{octets}");
        is(&site, "LP2", "suspended");
        let shown = device(&site, "LP2");
        // What this system keeps for the printer is not with it yet.
        let taken = shown["running"]["octets"].as_u64().unwrap();
        assert!(shown["open"] == Value::Bool(true) && taken <= octets as u64, "{shown}: {octets}");
        assert!(site.spoolcom("DEV $LP2").out.contains("SUSPENDED"));
        assert_eq!(cause(&site, "long")["cause"], "device-suspended");
        assert!(cause(&site, "short")["text"].as_str().unwrap().contains("$LP2 is suspended (by "));
        // What the kernel has goes out; not an octet more.
        printer.set_mode(Mode::Normal);
        printer.wait_for("what was sent", |all| all.iter().map(|one| one.octets.len()).sum::<usize>() >= octets);
        site.spoolcom("DEV $LP2, SUSPEND");
        assert_eq!(received(&printer), octets, "{exclusive}");
        assert_eq!(events(&site, "suspended").len(), 1, "to suspend a suspended device changes nothing");
        site.spoolcom("DEV $LP2, START");
        printer.wait_for("both jobs", |all| all.iter().any(|one| one.octets.ends_with(b"<<END short>>\n")));
        assert_eq!(complete(&printer), ["long", "short"], "{exclusive}: each once, whole");
        assert!(site.possible_duplicates().is_empty());
        assert_eq!(events(&site, "claimed").len(), 2, "the same attempt went on");
        site.spoolcom("DEV $LP2, DRAIN");
    }
}

/// A job of many copies that waits in the midst of being sent, until the returned connection is dropped.
fn held_at_a_gate(site: &Site, to: &str, copies: &str) -> std::os::unix::net::UnixStream {
    let gate = site.files.path().join("gate");
    let listener = UnixListener::bind(&gate).unwrap();
    let file = site.document("copies", &text("copies", 2000));
    let mut submission = site.command("pdpr");
    submission
        .args(["-d", to, "-t", "copies", "-n", copies])
        .arg(&file)
        .env("PD_FAULT", "mid-send@5")
        .env("PD_GATE", &gate);
    finish(submission.spawn().unwrap(), DEADLINE).expect(0);
    listener.accept().unwrap().0
}

#[test]
fn a_file_and_nothing_at_all_can_be_suspended_too() {
    let site = site("null:", "OFF");
    site.spoolcom("DEV $LP1, START");
    for (name, to) in [("LP1", "office.front"), ("LP2", "office.net")] {
        let gate = held_at_a_gate(&site, to, "4000");
        std::fs::remove_file(site.files.path().join("gate")).unwrap();
        site.spoolcom(&format!("DEV ${name}, SUSPEND"));
        drop(gate);
        let octets = stands_still(&site);
        is(&site, name, "suspended");
        if name == "LP1" {
            assert_eq!(std::fs::metadata(site.sink()).unwrap().len(), octets as u64);
        }
        site.spoolcom(&format!("DEV ${name}, START"));
        site.wait_until_empty();
        // The gate is of this print process; the next one comes with its own.
        assert!(site.fastp_ends(DEADLINE));
    }
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete.len(), 4000);
    assert_eq!(events(&site, "stands-still").len(), 2);
    assert!(site.possible_duplicates().is_empty());
}

#[test]
fn a_suspended_job_can_be_held_and_deleted_and_its_device_stays_suspended_without_a_job() {
    for (verb, left) in [("HOLD", Some("held")), ("DELETE!", None)] {
        let printer = Sink::new(STALLS);
        let site = suspended(&printer, "OFF");
        stands_still(&site);
        site.spoolcom(&format!("JOB (REPORT long), {verb}"));
        site.wait_for("the job left its device", || {
            job_state(&site, "long").as_ref() == left.map(Value::from).as_ref()
        });
        site.wait_for("the device has no job", || device(&site, "LP2")["running"].is_null());
        assert_eq!(device(&site, "LP2")["state"], "suspended");
        // No new job is begun; with nothing to keep the print process goes dormant, and START brings it back.
        assert!(site.fastp_ends(DEADLINE));
        assert_eq!(job_state(&site, "short").unwrap(), "pending");
        printer.set_mode(Mode::Normal);
        site.spoolcom("DEV $LP2, START");
        site.wait_for("the short job", || job_state(&site, "short").is_none());
        assert_eq!(complete(&printer), ["short"]);
    }
}

#[test]
fn a_drain_of_a_suspended_device_gives_its_job_back_and_takes_the_device_offline() {
    let printer = Sink::new(STALLS);
    let site = suspended(&printer, "OFF");
    stands_still(&site);
    site.spoolcom("DEV $LP2, DRAIN");
    assert_eq!(device(&site, "LP2")["state"], "offline");
    printer.set_mode(Mode::Normal);
    assert_eq!(site.tags().len(), 2, "both wait");
    assert_eq!(site.possible_duplicates(), std::collections::HashSet::from(["long".to_owned()]));
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer).len(), 2);
}

#[test]
fn a_drain_that_waits_is_told_when_somebody_suspends_its_device() {
    let printer = Sink::new(STALLS);
    let site = site(&printer.uri(), "OFF");
    print(&site, "office.net", "long", LONG);
    printer.wait_for("the beginning", |all| all.iter().any(|one| !one.octets.is_empty()));
    let mut drain = site.command("spoolcom");
    let drain = drain.arg("DEV $LP2, DRAIN").stderr(Stdio::piped()).spawn().unwrap();
    site.wait_for("the drain", || device(&site, "LP2")["draining"] == true);
    site.spoolcom("DEV $LP2, SUSPEND");
    finish(drain, DEADLINE).expect(1).says("$LP2 was suspended by somebody else before it was offline");
}

#[test]
fn a_print_process_that_dies_frees_the_job_and_the_device_stays_suspended() {
    let printer = Sink::new(STALLS);
    let site = suspended(&printer, "OFF");
    stands_still(&site);
    assert!(site.kill_fastp());
    printer.set_mode(Mode::Normal);
    // Whoever writes next starts it again: it takes nothing, and goes dormant.
    site.spoolcom("SPOOLER, START");
    site.wait_for("the job is free", || job_state(&site, "long").unwrap() == "pending");
    assert!(site.fastp_ends(DEADLINE));
    assert!(!site.counts_as_running());
    assert_eq!(device(&site, "LP2")["state"], "suspended");
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer).len(), 2);
    let announced = site.possible_duplicates();
    assert!(announced.contains("long") && !announced.contains("short"), "{announced:?}");
}

#[test]
fn a_print_process_that_is_told_to_end_gives_the_suspended_job_to_another_device() {
    let (printer, other) = (Sink::new(STALLS), Sink::new(Mode::Normal));
    let site = suspended(&printer, "ON");
    stands_still(&site);
    kill(site.fastp().unwrap(), Signal::SIGTERM).unwrap();
    assert!(site.fastp_ends(DEADLINE));
    assert_eq!(device(&site, "LP2")["state"], "suspended");
    assert_eq!(job_state(&site, "long").unwrap(), "pending");
    site.device("LP3", &other.uri(), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP3; DEV $LP3, START");
    site.wait_until_empty();
    assert_eq!(complete(&other).len(), 2);
    assert!(site.possible_duplicates().contains("long"));
    assert_eq!(device(&site, "LP2")["state"], "suspended");
}

#[test]
fn a_connection_that_is_reset_while_its_job_is_suspended_is_noticed_and_the_job_comes_back_by_start() {
    let printer = Sink::new(STALLS);
    let site = suspended(&printer, "OFF");
    stands_still(&site);
    printer.set_mode(Mode::ResetAfter(100_000));
    site.wait_for("the job goes back", || job_state(&site, "long").unwrap() == "pending");
    let shown = device(&site, "LP2");
    assert_eq!((&shown["state"], &shown["error"]["next-try"]), (&Value::from("suspended"), &Value::Null), "{shown}");
    assert!(shown["error"]["text"].as_str().unwrap().contains("while its job was suspended"), "{shown}");
    printer.set_mode(Mode::Normal);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer).len(), 2);
    assert!(site.possible_duplicates().contains("long"));
}

/// A port that nobody listens on, and that was just free.
fn silent() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_device_that_is_suspended_in_an_error_is_not_tried_until_start() {
    let port = silent();
    let site = site(&format!("socket://127.0.0.1:{port}"), "OFF");
    print(&site, "office.net", "late", 3000);
    is(&site, "LP2", "deverror");
    site.spoolcom("DEV $LP2, SUSPEND");
    assert!(site.fastp_ends(DEADLINE), "no try is due: nothing keeps the print process");
    let shown = device(&site, "LP2");
    assert_eq!((&shown["state"], &shown["error"]["next-try"]), (&Value::from("suspended"), &Value::Null));
    assert_eq!(shown["error"]["number"], 4127);
    let printer = Sink::at(TcpListener::bind(("127.0.0.1", port)).unwrap(), Mode::Normal);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["late"]);
    assert!(site.possible_duplicates().is_empty());
}

#[test]
fn a_draining_spooler_waits_for_its_suspended_job() {
    let printer = Sink::new(STALLS);
    let site = suspended(&printer, "OFF");
    stands_still(&site);
    site.spoolcom("SPOOLER, DRAIN");
    printer.set_mode(Mode::Normal);
    assert!(site.spoolcom("SPOOLER").out.contains("DRAIN"), "a job that is on a device is not done");
    assert_eq!(device(&site, "LP2")["state"], "suspended");
    site.spoolcom("DEV $LP2, START");
    site.wait_for("the spooler is drained", || site.spoolcom("SPOOLER").out.contains("WARM"));
    assert_eq!(complete(&printer), ["long"]);
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["long", "short"]);
}

#[test]
fn an_error_that_trying_does_not_mend_takes_the_device_offline_and_restart_brings_it_back() {
    let site = Site::new();
    site.declare();
    std::fs::create_dir(site.sink()).unwrap();
    site.spoolcom("DEV $LP1, RESTART 10, START");
    let file = site.document("once", &text("once", 3000));
    site.submit("office.front", "once", &file).expect(0);
    is(&site, "LP1", "offline");
    let shown = device(&site, "LP1");
    assert_eq!(
        (&shown["offline-by-error"], &shown["error"]["number"]),
        (&Value::Bool(true), &Value::from(2)),
        "{shown}"
    );
    assert!(shown["error"]["next-try"].is_string(), "{shown}");
    assert_eq!(job_state(&site, "once").unwrap(), "pending");
    assert_eq!(cause(&site, "once")["cause"], "device-restarts");
    let shown = site.spoolcom("DEV $LP1").out;
    assert!(shown.contains("OFFLINE") && shown.contains("ERROR %2: ") && shown.contains("; RESTART "), "{shown}");
    let detail = site.spoolcom("DEV $LP1, STATUS DETAIL").out;
    assert!(detail.contains("RESTART: 10") && detail.contains("LAST ERROR: %2 "), "{detail}");
    // It waits for the RESTART, and is started again when it dies meanwhile.
    assert!(site.kill_fastp());
    std::fs::remove_dir(site.sink()).unwrap();
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["once"]);
    assert!(events(&site, "restarted").len() == 1 && events(&site, "error").len() == 1);
    assert_eq!(device(&site, "LP1")["error"], Value::Null);
    assert!(site.fastp_ends(DEADLINE), "nothing is due any more");
}

#[test]
fn tries_that_are_used_up_take_the_device_offline_and_an_operators_drain_makes_it_stay_so() {
    let port = silent();
    let site = Site::new();
    site.declare();
    site.device("LP2", &format!("socket://127.0.0.1:{port}"), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, RETRY 1, TIMEOUT 1, RESTART, START");
    print(&site, "office.net", "late", 3000);
    is(&site, "LP2", "offline");
    let shown = device(&site, "LP2");
    assert_eq!((&shown["error"]["tries"], &shown["restart"]), (&Value::from(2), &Value::from(120)), "{shown}");
    assert!(shown["error"]["next-try"].is_string());
    let stopped = events(&site, "stopped");
    assert!(stopped[0].contains("after 2 tries; RESTART starts it again every 120 s"), "{stopped:?}");
    site.spoolcom("DEV $LP2, DRAIN");
    let shown = device(&site, "LP2");
    assert_eq!((&shown["offline-by-error"], &shown["error"]["next-try"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(shown["error"]["number"], 4127, "the last error is still known");
    assert_eq!(cause(&site, "late")["cause"], "device-stopped");
    site.spoolcom("DEV $LP2, DRAIN");
    let printer = Sink::at(TcpListener::bind(("127.0.0.1", port)).unwrap(), Mode::Normal);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["late"]);
}

#[test]
fn a_file_whose_directory_appears_is_printed_to_by_itself() {
    let site = Site::new();
    site.declare();
    let dir = site.files.path().join("mounted later");
    site.device("LP2", &format!("file://{}", dir.join("lp2.out").display()), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    print(&site, "office.net", "late", 3000);
    is(&site, "LP2", "deverror");
    let shown = device(&site, "LP2")["error"].clone();
    assert_eq!((&shown["number"], shown["next-try"].is_string()), (&Value::from(11), true), "{shown}");
    assert!(site.spoolcom("DEV $LP2").out.contains("ERROR %13"));
    std::fs::create_dir(&dir).unwrap();
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(dir.join("lp2.out")).unwrap()).complete, ["late"]);
    is(&site, "LP2", "waiting");
    assert_eq!(events(&site, "error").len(), 1, "an error that goes on is one event");
}

/// Every subcommand that is there, in every state: what the table allows is not refused for the state, what it does not
/// is, with the state and what helps.
#[test]
fn every_state_allows_what_the_table_says_and_refuses_the_rest_with_a_hint() {
    let printer = Sink::new(STALLS);
    let site = site_in_every_state(&printer);
    site.spoolcom("PRINT $SPLC, FILE fastp");
    // Offline, Printing, Waiting, Suspended, Deverror, Procerror. Where a subcommand is allowed and would change the state
    // it comes last, or is tested above.
    let attributes = [
        "FORM A",
        "SPEED 5",
        "EXCLUSIVE ON",
        "FIFO ON",
        "RETRY 9",
        "TIMEOUT 3",
        "RESTART",
        "HEADER ON",
        "STARTFF ON",
        "ENDFF ON",
        "WIDTH 80",
        "PARM 1",
        "PROCESS $SPLC",
        "URI file:///tmp/elsewhere",
        // What may follow a word that was changed above.
        "EXCLUSIVE OFF!",
    ];
    let rows = [
        ("SUSPEND", "-.-x.-", "takes no jobs already|DRAIN   takes it offline|PRINT $SPLB, START"),
        ("START", "..x..x", ""),
        ("DRAIN", "x.....", ""),
        ("DELETE", ".-----", "DRAIN   takes it offline first"),
        ("STATUS", "xxxxxx", ""),
        ("LOG", "xxxxxx", ""),
    ];
    let rows = rows.into_iter().chain(attributes.map(|one| (one, "x-----", "DRAIN   takes it offline first")));
    let devices = [
        ("OFF", "OFFLINE"),
        ("BUSY", "printing JOB"),
        ("IDLE", "WAITING"),
        ("SUSP", "SUSPENDED"),
        ("ERR", "ERROR %"),
        ("PROC", "PROC ERROR"),
    ];
    for (subcommand, cells, hints) in rows {
        for ((name, state), cell) in devices.iter().zip(cells.chars()) {
            let run = || site.run("spoolcom", &[&format!("DEV ${name}, {subcommand}")]);
            match cell {
                'x' => drop(run().expect(0)),
                '-' => refused(run(), subcommand, name, state, hints),
                _ => {}
            }
        }
    }
    // What changes the state, from each state in which it is allowed.
    let shown = |name: &str| device(&site, name)["state"].clone();
    site.spoolcom("DEV $ERR, START; DEV $OFF, START; DEV $PROC, START");
    assert_eq!((shown("OFF"), shown("PROC")), ("waiting".into(), "procerror".into()));
    is(&site, "ERR", "deverror");
    site.spoolcom("DEV $ERR, DRAIN; DEV $IDLE, DRAIN; DEV $PROC, DRAIN");
    for name in ["ERR", "IDLE", "PROC"] {
        assert_eq!(shown(name), "offline", "{name}");
    }
    site.spoolcom("DEV $BUSY, SUSPEND; DEV $BUSY, START");
    site.spoolcom("DEV $IDLE, START; DEV $OFF, DRAIN; LOC #ALL.OFF, DEV NONE; DEV $OFF, DELETE");
    site.run("spoolcom", &["DEV $OFF"]).expect(1);
    printer.set_mode(Mode::Normal);
    site.spoolcom("DEV $BUSY, DRAIN; DEV $SUSP, DRAIN");
    assert_eq!((shown("BUSY"), shown("SUSP")), ("offline".into(), "offline".into()));
}

#[track_caller]
fn refused(ran: Outcome, subcommand: &str, name: &str, state: &str, hints: &str) {
    let word = subcommand.split(' ').next().unwrap();
    let ran = ran.expect(1).says("INVALID OPERATION IN CURRENT STATE");
    let ran = ran.says(&format!("{word} is not allowed while ${name} is {state}"));
    assert!(hints.split('|').any(|hint| ran.err.contains(hint)), "no hint in {ran:#?}");
}

/// One device in each state.
fn site_in_every_state(printer: &Sink) -> Site {
    let site = Site::new();
    site.declare();
    let silent = format!("socket://127.0.0.1:{}", silent());
    for (name, uri) in [
        ("OFF", "null:"),
        ("BUSY", &printer.uri()),
        ("IDLE", "null:"),
        ("SUSP", &printer.uri()),
        ("ERR", &silent),
        ("PROC", "null:"),
    ] {
        site.device(name, uri, "OFF");
        site.spoolcom(&format!("LOC #ALL.{name}, DEV ${name}"));
    }
    site.spoolcom(
        "DEV $OFF, START; DEV $OFF, DRAIN; DEV $ERR, RETRY 3000; PRINT $SPLB, FILE fastp; DEV $PROC, PROCESS $SPLB",
    );
    site.spoolcom("DEV $BUSY, START; DEV $IDLE, START; DEV $SUSP, START; DEV $ERR, START; DEV $PROC, START");
    for name in ["BUSY", "SUSP", "ERR"] {
        print(&site, &format!("all.{name}"), name, if name == "ERR" { 10 } else { LONG });
    }
    printer.wait_for("the beginning of both jobs", |all| all.iter().filter(|one| !one.octets.is_empty()).count() == 2);
    site.spoolcom("DEV $SUSP, SUSPEND");
    // Its print process dies three times: whoever writes next finds it dead.
    let file = site.document("proc", &text("proc", 10));
    let mut fault = site.submission("all.proc", "proc", &file);
    finish(fault.env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
    site.wait_for("the print process is in error", || {
        let mut again = site.command("spoolcom");
        finish(again.arg("SPOOLER, START").env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
        site.spoolcom("PRINT $SPLB, STATUS DETAIL").out.contains("three times")
    });
    is(&site, "SUSP", "suspended");
    is(&site, "ERR", "deverror");
    site
}
