//! What is asked again is no error, and what waits says for what: START, DRAIN and declarations that are repeated, a
//! DRAIN whose printer stands still, and a DRAIN of a suspended device.

use std::io::Write;
use std::process::Stdio;

use crate::support::documents::stream;
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish};

/// A site like those of NonStop configuration files, typed as they are.
const CONFIGURATION: &str = "\
COMMENT printers
PRINT $SPLA, FILE $SYSTEM.SYSTEM.FASTP, CPU 0, BACKUP 1, PRI 145, PARM 2
PRINT $SPLA, DEBUG OFF
DEV $LP1, PROCESS $SPLA, URI null:, FORM CHEQUE A4, SPEED 600
DEV $LP1, EXCLUSIVE OFF !, FIFO, HEADER OFF, RETRY 10, TIMEOUT -1, RESTART ON
DEV $LP2, PROCESS $SPLA, URI null:, DEVTYPE LU1, LUEOLVALUE NL, CHARMAP NONE
LOC #OFFICE.FRONT, DEV $LP1
LOC #OFFICE.BACK, DEV $LP2
LOC #OFFICE, BROADCAST ON
LOC #HOLD.DEFAULT, DEV
SPOOLER, START, MGRACCESS ON
DEV $LP1, START
";

fn file(site: &Site, text: &[u8]) -> Outcome {
    let mut child = site.command("spoolcom").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    finish(child, DEADLINE)
}

/// Everything that happened to the objects of [`CONFIGURATION`].
fn logs(site: &Site) -> Vec<String> {
    let of = |line: &str| site.spoolcom(line).out;
    let location = |name: &str| site.run("pdls", &["-c", "destination", "-r", "all", name]).expect(0).out;
    vec![
        of("PRINT $SPLA, LOG"),
        of("DEV $LP1, LOG"),
        of("DEV $LP2, LOG"),
        of("SPOOLER, STATUS DETAIL"),
        of("PRINT $SPLA, STATUS DETAIL"),
        of("DEV, STATUS DETAIL"),
        location("office.front"),
        location("hold.default"),
    ]
}

#[test]
fn the_same_command_file_runs_twice_and_the_second_time_changes_nothing() {
    let site = Site::new();
    let first = file(&site, CONFIGURATION.as_bytes()).expect(0);
    let warnings = first.err.lines().filter(|line| line.starts_with("WARNING: ")).count();
    assert_eq!((warnings, first.err.lines().count(), first.out.as_str()), (5, 5, ""), "{first:#?}");
    for word in ["CPU 0", "BACKUP 1", "PRI 145", "DEVTYPE LU1", "LUEOLVALUE NL"] {
        assert!(first.err.contains(&format!("WARNING: {word} HAS NO EFFECT HERE")), "{word}: {first:#?}");
    }
    let before = logs(&site);
    assert!(before[1].contains("started"), "{before:#?}");
    let second = file(&site, CONFIGURATION.as_bytes()).expect(0);
    assert_eq!(second.err, first.err);
    assert_eq!(logs(&site), before);
}

#[test]
fn the_same_values_are_no_change_and_other_values_are_refused_while_a_device_is_online() {
    let site = Site::new();
    file(&site, CONFIGURATION.as_bytes()).expect(0);
    for same in ["DEV $LP1, PROCESS $spla, FORM CHEQUE A4, RESTART 120", "DEV $lp1, FIFO ON", "DEV $LP2, DEVTYPE LU1"] {
        site.spoolcom(same);
    }
    for other in ["DEV $LP1, FORM CHEQUE A4, SPEED 601", "DEV $LP1, FIFO OFF", "DEV $LP2, DEVTYPE LU3"] {
        site.run("spoolcom", &[other]).expect(1).says("INVALID OPERATION IN CURRENT STATE");
    }
}

#[test]
fn words_without_a_meaning_here_are_shown_as_they_were_typed() {
    let site = Site::new();
    file(&site, CONFIGURATION.as_bytes()).expect(0);
    let shown = site.spoolcom("PRINT").out;
    assert!(
        shown.lines().any(|line| line.starts_with("$SPLA") && line.contains("0 , 1") && line.ends_with("145")),
        "{shown}"
    );
    let detail = site.spoolcom("PRINT $SPLA, STATUS DETAIL").out;
    for line in [" CPU: 0", " BACKUP: 1", " PRI: 145", " DEBUG: OFF", " FILE: $SYSTEM.SYSTEM.FASTP"] {
        assert!(detail.lines().any(|shown| shown == line), "{line}: {detail}");
    }
    let detail = site.spoolcom("DEV $LP2, STATUS DETAIL").out;
    for line in [" DEVTYPE: LU1", " LUEOLVALUE: NL", " CHARMAP: NONE"] {
        assert!(detail.lines().any(|shown| shown == line), "{line}: {detail}");
    }
    let json: serde_json::Value = serde_json::from_str(&site.spoolcom_json("DEV $LP2")).unwrap();
    assert_eq!(json[0]["without-effect"], serde_json::json!({"charmap": "NONE", "devtype": "LU1", "lueolvalue": "NL"}));
    // One WARNING a word and command; a value out of range is refused as everywhere.
    let told = site.spoolcom("PRINT $SPLB, FILE fastp, CPU 0, CPU 1; PRINT $SPLC, FILE fastp, CPU %2").err;
    assert_eq!((told.matches("WARNING: CPU ").count(), told.lines().count()), (2, 2), "{told}");
    assert!(site.spoolcom("PRINT $SPLC, STATUS DETAIL").out.contains(" CPU: %2\n"));
    site.run("spoolcom", &["PRINT $SPLC, CPU 99"]).expect(2);
    site.spoolcom("PRINT $SPLC, DEBUG");
    assert!(site.spoolcom("PRINT $SPLC").out.contains("D"));
}

#[test]
fn start_and_drain_may_be_said_again() {
    let site = Site::new();
    site.declare();
    for _ in 0..2 {
        site.spoolcom("DEV $LP1, START");
    }
    for _ in 0..2 {
        site.spoolcom("DEV $LP1, DRAIN");
    }
    let log = site.spoolcom("DEV $LP1, LOG").out;
    assert_eq!((log.matches(" started").count(), log.matches(" drained").count()), (1, 1), "{log}");
    for _ in 0..2 {
        site.spoolcom("SPOOLER, DRAIN; SPOOLER, MGRACCESS ON");
    }
}

/// A device on a printer that reads nothing more, in the middle of a job.
fn standing_still(site: &Site) -> Sink {
    let printer = Sink::new(Mode::Slow);
    site.declare();
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START");
    printer.pause(true);
    let file = site.document("long", &stream("long", 8_000_000));
    site.submit("office.slow", "long", &file).expect(0);
    printer.wait_for("a connection", |connections| !connections.is_empty());
    site.wait_for("the job is in print", || site.spoolcom("DEV $LP2").out.contains("JOB "));
    printer
}

#[test]
fn a_drain_whose_printer_stands_still_says_so_stands_and_a_command_file_goes_on() {
    let site = Site::new();
    let printer = standing_still(&site);
    let mut child = site.command("spoolcom").args(["--in", "-", "--wait", "0"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"DEV $LP2, DRAIN, SPEED 7, START\nLOC #OFFICE.SLOW\n").unwrap();
    let ran = finish(child, DEADLINE).expect(1);
    assert!(
        ran.err.starts_with(
            "DEVICE STAYS DRAINING\n  line 1: DEV $LP2, DRAIN: nothing moved for 0 s; it waits for $LP2: JOB "
        ),
        "{ran:#?}"
    );
    assert!(ran.err.contains("START   takes the drain back") && ran.out.contains("#OFFICE.SLOW"), "{ran:#?}");
    let detail = site.spoolcom("DEV $LP2, STATUS DETAIL").out;
    assert!(
        detail.contains(" DRAINING: ON") && detail.contains(" SPEED: 100"),
        "the wish stands, the rest was not done: {detail}"
    );
    site.spoolcom_with(&["--no-wait", "DEV $LP2, DRAIN; DEV $LP2, START"]);
    site.spoolcom_with(&["--no-wait", "DEV $LP2, DRAIN"]);
    site.run("spoolcom", &["--wait", "soon", "DEV"]).expect(2);
    site.run("spoolcom", &["--wait", "5", "--no-wait", "DEV"]).expect(2);
    // While octets move it waits, however long the job takes.
    printer.pause(false);
    printer.set_mode(Mode::Normal);
    site.spoolcom_with(&["--wait", "60", "DEV $LP2, DRAIN"]);
    assert!(site.spoolcom("DEV $LP2").out.contains("OFFLINE"));
}

#[test]
fn a_drain_of_a_suspended_device_does_not_let_its_job_print_on() {
    let site = Site::new();
    let printer = standing_still(&site);
    site.spoolcom("DEV $LP2, SUSPEND");
    site.wait_for("it stands still", || site.spoolcom("DEV $LP2, LOG").out.contains("stands-still"));
    site.spoolcom("DEV $LP2, DRAIN, SPEED 7");
    assert!(site.spoolcom("DEV $LP2").out.contains("OFFLINE"));
    let jobs = site.jobs();
    assert_eq!(jobs[0]["current-job-state"], "pending", "it is back in its place: {jobs:#?}");
    printer.pause(false);
    printer.set_mode(Mode::Normal);
    assert_eq!(site.jobs().len(), 1, "nobody prints it");
    let log = site.run("pdls", &["-U", "-F", "-r", "log"]).expect(0).out;
    assert!(log.contains("possible duplicate pages"), "{log}");
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
}
