//! The night desk: waiting for the end of a job, and the lists of trouble.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::{Outcome, Site, finish, pid};

const DEADLINE: Duration = Duration::from_secs(120);

fn site() -> Site {
    let mut site = Site::new();
    site.env.push(("TZ", "UTC"));
    site.spoolcom(&format!("ADD LP1, URI file://{}, HEADER OFF", site.files.path().join("lp1").display()));
    site
}

/// `pdpr --wait` with these words, once its job is in the spool.
fn waiting(site: &Site, words: &[&str]) -> Child {
    let child = site.command("pdpr").args(["--wait", "-d", "lp1"]).args(words).spawn().unwrap();
    site.wait_for("the job is there", || !site.jobs().is_empty());
    child
}

#[test]
fn a_wait_ends_with_how_the_job_ended() {
    let site = site();
    let file = site.document("doc", b"x\n");
    let path = file.to_str().unwrap();
    let ran = site.run("pdpr", &["--wait", "-d", "lp1", path]).expect(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert_eq!(std::fs::read(site.files.path().join("lp1")).unwrap(), b"x\n");
    site.spoolcom("DEV LP1, DRAIN");
    // Removed.
    let child = waiting(&site, &[path]);
    site.spoolcom("JOB (LOC #ALL.LP1), DELETE");
    finish(child, DEADLINE).expect(5).says("was removed");
    // A hold that somebody means is waited for.
    let child = waiting(&site, &[path]);
    site.spoolcom("JOB (LOC #ALL.LP1), HOLD; JOB (LOC #ALL.LP1), START; DEV LP1, START");
    finish(child, DEADLINE).expect(0);
    // Its document is another one now: a person has to say what is meant.
    site.spoolcom("DEV LP1, DRAIN");
    let child = waiting(&site, &["-l", path]);
    std::fs::rename(&file, site.files.path().join("old")).unwrap();
    site.document("doc", b"another\n");
    site.spoolcom("DEV LP1, START");
    finish(child, DEADLINE).expect(4).says("another file");
}

#[test]
fn a_wait_ends_when_the_job_has_printed_though_it_is_held_after_that() {
    let site = site();
    let file = site.document("doc", b"x\n");
    let path = file.to_str().unwrap();
    let ran = site.run("pdpr", &["--wait", "-x", "hold-after=true", "-d", "lp1", path]).expect(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert_eq!(std::fs::read(site.files.path().join("lp1")).unwrap(), b"x\n");
    site.spoolcom("JOB (LOC #ALL.LP1), DELETE; DEV LP1, DRAIN");
    // Somebody says so meanwhile. It is deleted as soon as it has printed.
    let child = waiting(&site, &[path]);
    site.spoolcom(
        "JOB (LOC #ALL.LP1), HOLD; JOB (LOC #ALL.LP1), HOLDAFTER ON; JOB (LOC #ALL.LP1), START; DEV LP1, START",
    );
    site.wait_for("it is held after printing", || {
        site.spoolcom("JOB (LOC #ALL.LP1), STATUS DETAIL").out.contains("HOLDAFTER)")
    });
    site.spoolcom("JOB (LOC #ALL.LP1), DELETE");
    finish(child, DEADLINE).expect(0);
}

#[test]
fn the_job_of_a_submission_is_told_without_sed() {
    let site = site();
    let file = site.document("doc", b"x\n");
    site.spoolcom("DEV LP1, DRAIN");
    let ran = site.run("pdpr", &["--json", "-d", "lp1", "-t", "a \"b\" \u{1b}[31m", file.to_str().unwrap()]).expect(0);
    let all: Value = serde_json::from_str(&ran.out).unwrap();
    let identifier = all[0]["job-identifier"].as_str().unwrap_or_else(|| panic!("{all}")).to_owned();
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let plain = site.run("pdls", &["-r", "job-identifier", "-s", "column", "-g"]).expect(0).out;
    assert_eq!(plain.trim(), identifier);
    let plain =
        site.run("pdpr", &["--json", "-r", "job-identifier", "-d", "lp1", file.to_str().unwrap()]).expect(0).out;
    let all: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(all[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["job-identifier"]);
    site.run("pdpr", &["--json", "-s", "line", "-d", "lp1", file.to_str().unwrap()]).expect(2);
}

#[test]
fn each_list_of_trouble_names_what_is_in_trouble_and_nothing_else() {
    let site = site();
    let json = |list: &str, status| -> Value {
        serde_json::from_str(&site.run("spoolcom", &["--json", list]).expect(status).out).unwrap()
    };
    // All is well.
    assert_eq!(site.spoolcom("CHECK DEV").out, "well: no print process, device or location is in trouble\n");
    assert_eq!(site.spoolcom("CHECK JOB").out, "well: no job waits for a person\n");
    assert_eq!(json("CHECK DEV", 0), serde_json::json!([]));
    assert_eq!(json("CHECK QUEUE", 0), serde_json::json!([]));
    site.run("spoolcom", &["CHECK NOTHING"]).expect(2).says("expected one of DEV, DUPLICATES, JOB, QUEUE, SPACE");
    site.run("spoolcom", &["--nagios", "CHECK DEV"]).expect(2);
    // A job for a person, one that waits, one that is held.
    let file = site.document("doc", b"x\n");
    let path = file.to_str().unwrap();
    site.spoolcom("DEV LP1, DRAIN; LOC #A.B, DEV NONE");
    site.run("pdpr", &["-l", "-d", "lp1", "-t", "changed", path]).expect(0);
    std::fs::rename(&file, site.files.path().join("old")).unwrap();
    site.document("doc", b"another\n");
    site.spoolcom("DEV LP1, START");
    site.wait_for("the job is held", || site.run("spoolcom", &["CHECK JOB"]).status == 1);
    site.spoolcom("DEV LP1, DRAIN");
    site.run("pdpr", &["-d", "lp1", "-t", "waits \u{1b}[31m", path]).expect(0);
    site.run("pdpr", &["-d", "a.b", "-t", "parked", path]).expect(0);
    let out = site.run("spoolcom", &["CHECK JOB"]).expect(1).out;
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.starts_with("JOB 1 of ") && out.contains("another file") && out.contains("#ALL.LP1"), "{out}");
    let jobs = json("CHECK JOB", 1);
    assert_eq!((jobs["jobs"][0]["job-number"].as_u64(), jobs["more"].as_u64()), (Some(1), Some(0)));
    let out = site.run("spoolcom", &["CHECK DEV"]).expect(1).out;
    assert!(out.lines().count() == 2 && out.contains("device $LP1: ") && out.contains("location #A.B: "), "{out}");
    let out = site.spoolcom("CHECK QUEUE").out;
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..3], ["DESTINATION", "JOBS", "5"], "{out}");
    let names: std::collections::BTreeSet<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(names, ["#A.B", "#ALL.LP1"].into(), "{out}");
    assert!(rows[1..].iter().all(|row| row.len() == 12 && row[1] == "1" && row[2] == "1"), "{out}");
    assert!(out.lines().all(|line| line.len() == out.lines().next().unwrap().len()), "{out}");
    assert_eq!(json("CHECK QUEUE", 0)[0]["minutes"]["under-5"], 1);
    let out = site.spoolcom("CHECK SPACE").out;
    assert!(out.contains("octets are free"), "{out}");
    assert!(
        out.contains("state held: 0 octets in 1 jobs\n")
            && out.contains("linked: 2 octets in 1 jobs")
            && out.contains("state waiting: "),
        "{out}"
    );
    assert!(out.contains("destination #ALL.LP1: ") && !out.contains('\u{1b}'), "{out}");
    let space = json("CHECK SPACE", 0);
    assert_eq!(space["by-owner"][0]["jobs"], 3, "{space}");
    assert!(space["free-octets"].as_u64().is_some());
}

fn owner() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name
}

/// Sets everything that is on record back by an hour.
fn an_hour_passes(site: &Site) {
    let db = rusqlite::Connection::open(site.base().join("spool.db")).unwrap();
    db.busy_timeout(DEADLINE).unwrap();
    db.execute("UPDATE event SET at_ms = at_ms - 3600000", []).unwrap();
}

fn half_an_hour_ago() -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(30);
    then.strftime("%Y-%m-%d %H:%M").to_string()
}

#[test]
fn what_was_changed_is_told_with_old_and_new_values_and_can_be_undone() {
    let site = site();
    site.spoolcom("PRINT $OLD, FILE fastp; LOC #B.OLD, DEV $LP1; DEV LP1, DRAIN");
    site.spoolcom("DEV LP9, PROCESS $OLD, SPEED 700, FORM A4; SPOOLER, USERJOBS 5");
    let before = site.spoolcom_with(&["--dump-config"]).out;
    an_hour_passes(&site);
    let nothing = site.spoolcom(&format!("LOG SINCE {}", half_an_hour_ago()));
    assert_eq!(nothing.out, "");
    site.spoolcom("DEV LP1, SPEED 1234, FORM LETTER; LOC #B.OLD, DEV NONE; DEV LP9, DELETE; PRINT $OLD, DELETE");
    site.spoolcom("DEV LP2, PROCESS $SPLA, SPEED 12; LOC #B.NEW, DEV $LP2; SPOOLER, MGRACCESS ON; SPOOLER, USERJOBS 7");
    // One that is started at once.
    site.spoolcom(&format!("ADD LP3, URI file://{}", site.files.path().join("lp3").display()));
    let out = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago()]).out;
    let who = owner();
    for part in [
        "DEV $LP1 altered: FORM NONE -> LETTER; SPEED 100 -> 1234",
        "LOC #B.OLD routed: DEV $LP1 -> NONE",
        "DEV $LP9 deleted: ",
        "SPEED 700 -> nothing",
        "PRINT $OLD deleted: FILE fastp -> nothing",
        "DEV $LP2 declared",
        "LOC #B.NEW routed: DEV NONE -> $LP2",
        "SPOOLER altered: MGRACCESS OFF -> ON",
        "SPOOLER altered: USERJOBS 5 -> 7",
    ] {
        let line = out.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no '{part}' in {out}"));
        assert!(line.contains(&format!(" {who} ")), "{line}");
    }
    let all: Value =
        serde_json::from_str(&site.spoolcom_with(&["--json", "LOG", "--since", &half_an_hour_ago()]).out).unwrap();
    let speed = all
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["changes"].as_array().unwrap())
        .find(|one| one["old"] == "100");
    assert_eq!(speed.unwrap()["new"], "1234");
    // Undone.
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    assert_eq!(site.spoolcom(&format!("LOG SINCE {} UNDO", half_an_hour_ago())).out, undo);
    let file = site.document("undo", undo.as_bytes());
    site.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    assert_eq!(site.spoolcom_with(&["--dump-config"]).out, before, "{undo}");
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    assert!(undo.contains("nothing was changed that is not as it was"), "{undo}");
    // Hostile words.
    for bad in ["LOG SINCE", "LOG SINCE yesterday", "LOG x", "LOG SINCE 25:00"] {
        site.run("spoolcom", &[bad]).expect(2);
    }
    site.run("spoolcom", &["DEV", "--since", "10:00"]).expect(2).says("go with LOG");
    site.run("spoolcom", &["LOG", "--follow", "--undo"]).expect(2);
}

#[test]
fn a_group_that_went_with_its_last_location_has_its_rules_again() {
    let site = site();
    site.spoolcom("LOC #G.D, DEV $LP1; LOC #G, ACCESS TITLES bob; LOC #H.D, DEV $LP1; LOC #H, ACCESS TITLES bob");
    let before = site.spoolcom_with(&["--dump-config"]).out;
    an_hour_passes(&site);
    // One is gone, one is there again without its rules, and one came and went meanwhile.
    site.spoolcom("LOC #G.D, DELETE; LOC #H.D, DELETE; LOC #H.D, DEV $LP1");
    site.spoolcom("LOC #I.D, DEV $LP1; LOC #I, ACCESS TITLES bob; LOC #I.D, DELETE");
    assert_ne!(site.spoolcom_with(&["--dump-config"]).out, before);
    let since = half_an_hour_ago();
    let log = site.spoolcom_with(&["LOG", "--since", &since]).out;
    assert!(log.lines().any(|line| line.contains(" LOC #G deleted: ACCESS ")), "{log}");
    let undo = site.spoolcom_with(&["LOG", "--since", &since, "--undo"]).out;
    assert!(!undo.contains("#I"), "{undo}");
    let file = site.document("undo", undo.as_bytes());
    site.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    assert_eq!(site.spoolcom_with(&["--dump-config"]).out, before, "{undo}");
}

#[test]
fn what_the_pd_commands_made_does_not_come_back_as_something_ordinary() {
    let mut site = site();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    let named = ["-c", "server", "-g", "-s", "column", "-r", "server-name"];
    let server = site.run("pdls", &named).expect(0).out.trim().to_owned();
    let here = |name: &str| format!("{server}:{name}");
    site.run("pdcreate", &["-c", "queue", &here("q")]).expect(0);
    let lp9 = "destination-realization=actual associated-queue=q device-uri=null:";
    site.run("pdcreate", &["-x", lp9, &here("lp9")]).expect(0);
    site.spoolcom("LOC #q.own, DEV $LP1; LOC #own.only, DEV $LP1");
    let log = site.spoolcom("LOG").out;
    for part in [
        "LOC #q declared: DECLARED YES",
        "LOC #q.lp9 declared: DEV $lp9; KIND OUTLET",
        "LOC #own declared: queue own",
        "LOC #own.only declared: #own.only",
    ] {
        assert!(log.to_lowercase().contains(&part.to_lowercase()), "no '{part}' in {log}");
    }
    let before = site.spoolcom_with(&["--dump-config"]).out;
    an_hour_passes(&site);
    site.run("pddelete", &["lp9"]).expect(0);
    site.spoolcom("LOC #q.own, DELETE");
    site.run("pddelete", &["-c", "queue", "q"]).expect(0);
    // What came with a location and is there goes with it.
    site.spoolcom("LOC #new.one, DEV $LP1");
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    let queue = format!("COMMENT LOC #q was deleted: pdcreate -c queue {server}:q   makes it, before its locations\n");
    let outlet = "pdset -x associated-queue=q lp9   makes it\n";
    let at =
        |part: &str| undo.to_lowercase().find(&part.to_lowercase()).unwrap_or_else(|| panic!("no '{part}' in {undo}"));
    assert!(at(&queue) < at("LOC #q.own, DEV $LP1"), "{undo}");
    assert!(at("DEV $lp9, ") < at(outlet), "{undo}");
    assert!(!undo.to_lowercase().contains("loc #q.lp9, dev") && !undo.contains("LOC #new,"), "{undo}");
    assert!(!undo.contains("pddelete -c queue new"), "{undo}");
    // What the comments say brings all of it back as it was.
    site.run("pdcreate", &["-c", "queue", &here("q")]).expect(0);
    let file = site.document("undo", undo.as_bytes());
    site.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    site.run("pdset", &["-x", "associated-queue=q", "lp9"]).expect(0);
    assert_eq!(site.spoolcom_with(&["--dump-config"]).out, before, "{undo}");
    let shown = site.run("pdls", &["-c", "destination", "-g", "-s", "column", "-r", "associated-queue", "lp9"]);
    assert_eq!(shown.expect(0).out.trim(), "q");
    site.spoolcom("LOC #q.own, DELETE");
    site.run("pddelete", &["lp9"]).expect(0);
    site.run("pddelete", &["-c", "queue", "q"]).expect(0);
    // One that was made anew by hand, and is another one.
    site.spoolcom("LOC #q.lp9, DEV $LP1");
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    for part in [
        "LOC #q was a queue that stays when its last location goes",
        "LOC #q.lp9 was the way from a queue to an actual",
    ] {
        assert!(undo.to_lowercase().contains(&part.to_lowercase()), "no '{part}' in {undo}");
    }
}

#[test]
fn a_record_with_a_clock_that_was_ahead_says_that_it_begins_earlier() {
    let site = site();
    site.spoolcom("DEV LP1, DRAIN; DEV LP1, SPEED 111");
    let ahead = |hours: i64| {
        let db = rusqlite::Connection::open(site.base().join("spool.db")).unwrap();
        db.busy_timeout(DEADLINE).unwrap();
        let sql = "UPDATE event SET at_ms = at_ms + ? WHERE id = (SELECT max(id) FROM event WHERE what = 'altered')";
        assert_eq!(db.execute(sql, [hours * 3_600_000]).unwrap(), 1);
    };
    an_hour_passes(&site);
    // The clock was two hours ahead at that, and was set right before what follows.
    ahead(2);
    site.spoolcom("DEV LP1, SPEED 222");
    ahead(-1);
    let since = half_an_hour_ago();
    let words = "the clock was set meanwhile, so times are not in order and the record begins earlier";
    let log = site.run("spoolcom", &["LOG", "--since", &since]).expect(0);
    assert!(log.out.contains("100 -> 111") && log.out.contains("111 -> 222"), "{}", log.out);
    assert_eq!(log.err, format!("LOG: {words}\n"));
    let undo = site.spoolcom(&format!("LOG SINCE {since} UNDO")).out;
    assert_eq!(undo.lines().nth(1), Some(format!("COMMENT {words}: what follows undoes more than that").as_str()));
    // In order, nothing is said.
    let log = site.run("spoolcom", &["LOG"]).expect(0);
    assert_eq!(log.err, "");
}

#[test]
fn an_undo_writes_only_commands_that_can_be_carried_out() {
    let mut site = site();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    let (listener, uri) = printer();
    let named = ["-c", "server", "-g", "-s", "column", "-r", "server-name"];
    let server = site.run("pdls", &named).expect(0).out.trim().to_owned();
    let here = |name: &str| format!("{server}:{name}");
    site.spoolcom(&format!("ADD NET, URI {uri}; DEV NET, DRAIN"));
    site.spoolcom("COLLECT $S2, FILE CSPOOL; COLLECT $S3, FILE CSPOOL");
    site.run("pdcreate", &["-c", "queue", &here("q")]).expect(0);
    site.run("pdcreate", &["-c", "queue", &here("r")]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", &here("mail")]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", &here("gone")]).expect(0);
    an_hour_passes(&site);
    site.spoolcom("COLLECT $S2, DELETE; COLLECT $S3, DELETE");
    // Nothing is known of this one any more, as of what was deleted before an upgrade.
    {
        let db = rusqlite::Connection::open(site.base().join("spool.db")).unwrap();
        db.busy_timeout(DEADLINE).unwrap();
        db.execute_batch(
            "DELETE FROM config_change WHERE object = 'collector'
                AND object_id IN (SELECT object_id FROM config WHERE object = 'collector' AND name = '$S3');
             DELETE FROM config WHERE object = 'collector' AND name = '$S3';",
        )
        .unwrap();
    }
    site.run("pdset", &["-x", "associated-queue=r", "mail"]).expect(0);
    site.run("pddelete", &["gone"]).expect(0);
    site.run("pddelete", &["-c", "queue", "q"]).expect(0);
    site.run("pdcreate", &["-c", "queue", &here("new")]).expect(0);
    site.spoolcom("DEV LP1, DRAIN; DEV LP1, SPEED 5; DEV LP1, START; PRINT $NEW, FILE fastp");
    // One that somebody has suspended in mid-job since its change.
    site.spoolcom("DEV NET, SPEED 5; DEV NET, START");
    let file = site.document("big", &vec![b'x'; 8 << 20]);
    site.run("pdpr", &["-d", "net", file.to_str().unwrap()]).expect(0);
    let stream = take(&listener, 1000);
    site.spoolcom("DEV NET, SUSPEND");
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    for part in [
        &format!("COMMENT LOC #q was deleted: pdcreate -c queue {server}:q   makes it"),
        "COMMENT LOC #q.gone was deleted, a logical destination",
        "COMMENT LOC #new was made since: pddelete -c queue new",
        "of the kind 'collector' before the upgrade is on record without name",
        "COLLECT $S2, FILE CSPOOL",
        "DEV $LP1, DRAIN\nDEV $LP1, SPEED 100\nDEV $LP1, START",
        "COMMENT DEV $NET is suspended; once it is offline:  DEV $NET, SPEED 100",
        "COMMENT PRINT $NEW must be dormant here",
    ] {
        assert!(undo.to_lowercase().contains(&part.to_lowercase()), "no '{part}' in {undo}");
    }
    assert!(!undo.contains("PARM 0") && !undo.contains(", DEV #"), "{undo}");
    let file = site.document("undo", undo.as_bytes());
    site.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    let undo = site.spoolcom_with(&["LOG", "--since", &half_an_hour_ago(), "--undo"]).out;
    assert!(undo.lines().all(|line| line.starts_with("COMMENT")), "{undo}");
    drop(stream);
}

/// A printer that takes a job as far as it is told to.
fn printer() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("socket://{}", listener.local_addr().unwrap());
    (listener, uri)
}

/// Reads so much of the next connection, and leaves it open.
fn take(listener: &TcpListener, octets: usize) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.read_exact(&mut vec![0; octets]).unwrap();
    stream
}

#[test]
fn what_may_have_come_out_twice_and_what_happened_since_the_crash_are_lists() {
    let site = site();
    assert_eq!(site.spoolcom("CHECK DUPLICATES").out, "nothing is known to have come out twice\n");
    assert!(site.spoolcom("LOG SINCE CRASH").out.contains("no print process went down"));
    let (listener, uri) = printer();
    site.spoolcom(&format!("ADD NET, URI {uri}, HEADER OFF"));
    let file = site.document("big", &vec![b'x'; 8 << 20]);
    site.run("pdpr", &["-d", "net", file.to_str().unwrap()]).expect(0);
    let stream = take(&listener, 100_000);
    site.wait_for("its process is killed", || site.kill_fastp());
    drop(stream);
    site.spoolcom("PRINT $SPLA, START");
    let second = take(&listener, 1);
    site.wait_for("it is on record", || site.spoolcom("CHECK DUPLICATES").out.contains("JOB 1 "));
    let out = site.spoolcom("CHECK DUPLICATES").out;
    let line = out.lines().next().unwrap();
    for part in ["on $NET", &format!("of {} ", owner()), "to #ALL.NET", "possible duplicate pages starting at 1"] {
        assert!(line.contains(part), "no '{part}' in {line}");
    }
    let rows: Value = serde_json::from_str(&site.spoolcom_json("CHECK DUPLICATES")).unwrap();
    assert_eq!((rows[0]["job-number"].as_u64(), rows[0]["device"].as_str()), (Some(1), Some("$NET")));
    let since = site.spoolcom_with(&["LOG", "--since", "crash"]).out;
    for part in ["PRINT $SPLA died", "JOB 1 possible-duplicate"] {
        assert!(since.contains(part), "no '{part}' in {since}");
    }
    assert!(!since.contains("declared"), "{since}");
    drop(second);
}

#[test]
fn when_a_job_prints_is_told_by_measured_speed_or_called_unknown() {
    let site = site();
    let (listener, uri) = printer();
    site.spoolcom(&format!("ADD NET, URI {uri}, HEADER OFF, EXCLUSIVE OFF!"));
    let size = 8 << 20;
    let file = site.document("big", &vec![b'x'; size]);
    let submit = || site.run("pdpr", &["-d", "net", file.to_str().unwrap()]).expect(0);
    submit();
    let first = take(&listener, 1000);
    submit();
    let out = site.spoolcom("JOB 2, WHY").out;
    assert!(out.lines().last().unwrap().starts_with("how long it takes is unknown: "), "{out}");
    assert!(out.contains("was never measured"), "{out}");
    // The first one is printed: now there is a speed.
    std::io::copy(&mut (&first).take((size - 1000) as u64), &mut std::io::sink()).unwrap();
    drop(first);
    let second = take(&listener, 1000);
    submit();
    site.wait_for("its speed is known", || site.spoolcom("JOB 3, WHY").out.contains("was measured"));
    let out = site.spoolcom("JOB 3, WHY").out;
    let line = out.lines().last().unwrap();
    assert!(
        line.starts_with("it begins ") && line.contains("$NET") && line.contains("1 job with 1 page is before it"),
        "{out}"
    );
    let why: Value = serde_json::from_str(&site.spoolcom_json("JOB 3, WHY")).unwrap();
    let ahead = why.as_array().unwrap().last().unwrap();
    assert_eq!((ahead["cause"].as_str(), ahead["jobs"].as_u64()), (Some("begins"), Some(1)));
    assert_eq!(ahead["pages"], 1, "{ahead}");
    assert!(ahead["from-seconds"].as_i64() <= ahead["to-seconds"].as_i64(), "{ahead}");
    let out = site.run("pdls", &["-U", "-r", "why", "-s", "line"]).expect(0).out;
    assert!(out.contains("it begins "), "{out}");
    // What a stop would touch. Nothing is done.
    site.spoolcom("LOC #ALL.OTHER, DEV $LP1");
    let out = site.spoolcom("DEV NET, WHATIF").out;
    for part in ["$NET prints JOB 2: ", "1 job waits for $NET", "longest JOB 3", "LOC #ALL.NET, DEV $LP1", "on $LP1"] {
        assert!(out.contains(part), "no '{part}' in {out}");
    }
    let stop: Value = serde_json::from_str(&site.spoolcom_json("DEV NET, WHATIF")).unwrap();
    assert_eq!((stop["job-number"].as_u64(), stop["waiting"].as_u64()), (Some(2), Some(1)));
    assert_eq!(stop["others"][0], serde_json::json!({ "name": "$LP1", "prints": true }));
    assert!(site.spoolcom("DEV NET").out.contains("JOB 2"));
    drop(second);
}

/// The lines of a command that goes on.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

/// Waits for a line with `part`.
#[track_caller]
fn line_with(lines: &Receiver<String>, part: &str) -> String {
    loop {
        let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no line with '{part}'"));
        if line.contains(part) {
            return line;
        }
    }
}

fn interrupt(child: Child) -> Outcome {
    kill(pid(child.id()), Signal::SIGINT).unwrap();
    finish(child, DEADLINE)
}

#[test]
fn a_log_and_a_listing_are_followed_until_they_are_interrupted() {
    let site = site();
    let follow = |program: &str, words: &[&str]| {
        let mut child = site.command(program).args(words).arg("--follow").spawn().unwrap();
        let lines = lines_of(&mut child);
        (child, lines)
    };
    let (device, of_device) = follow("spoolcom", &["DEV LP1, LOG"]);
    let (all, of_all) = follow("spoolcom", &["LOG", "--json"]);
    let (jobs, of_jobs) = follow("pdls", &["-U", "-r", "job-name,current-job-state", "-s", "column"]);
    line_with(&of_device, "declared");
    line_with(&of_all, "\"declared\"");
    site.spoolcom("DEV LP1, DRAIN");
    line_with(&of_device, "drained");
    let object: Value = serde_json::from_str(&line_with(&of_all, "\"drained\"")).unwrap();
    assert_eq!((object["object"].as_str(), object["name"].as_str()), (Some("device"), Some("$LP1")));
    let file = site.document("doc", b"x\n");
    site.run("pdpr", &["-d", "lp1", "-t", "hostile \u{1b}[31m", file.to_str().unwrap()]).expect(0);
    assert!(!line_with(&of_jobs, "hostile").contains('\u{1b}'));
    site.spoolcom("JOB (LOC #ALL.LP1), HOLD");
    line_with(&of_jobs, "held");
    for child in [device, all, jobs] {
        interrupt(child).expect(130);
    }
    // What was named is gone: there is nothing to follow.
    let (named, _of_named) = follow("pdls", &["1"]);
    site.spoolcom("JOB 1, DELETE");
    finish(named, DEADLINE).expect(1);
    site.run("spoolcom", &["DEV", "--follow"]).expect(2).says("--follow goes with one LOG");
}
