//! The night desk: waiting for the end of a job, and the lists of trouble.

use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Site, finish};

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
    site.run("spoolcom", &["CHECK NOTHING"]).expect(2).says("expected one of DEV, JOB, QUEUE, SPACE");
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
    assert!(out.contains("state held: 2 octets in 1 jobs\n") && out.contains("state waiting: "), "{out}");
    assert!(out.contains("destination #ALL.LP1: ") && !out.contains('\u{1b}'), "{out}");
    let space = json("CHECK SPACE", 0);
    assert_eq!(space["by-owner"][0]["jobs"], 3, "{space}");
    assert!(space["free-octets"].as_u64().is_some());
}
