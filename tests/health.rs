//! CHECK: each trouble is prepared really, found by one command in one line with what it is about, since when, and its cure.
//! What is well beside it is not named.

use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};
use nix::unistd::mkfifo;

use crate::support::{Outcome, Site, pid};
use spoolsuite::sys::lock::FileLock;

/// A spool with a healthy device `GOOD` that has printed.
fn healthy() -> Site {
    let mut site = Site::new();
    site.env.push(("TZ", "UTC"));
    site.spoolcom("PRINT $SPLA, FILE fastp; PRINT $SPLB, FILE fastp; SPOOLER, START");
    let good = site.files.path().join("good.out");
    site.spoolcom(&format!(
        "DEV $GOOD, PROCESS $SPLB, URI file://{}, HEADER OFF; LOC #A.GOOD, DEV $GOOD; DEV $GOOD, START",
        good.display()
    ));
    let file = site.document("doc", b"a document\n");
    site.submit("a.good", "doc", &file).expect(0);
    site.wait_until_empty();
    site
}

fn check(site: &Site) -> Outcome {
    site.run("spoolcom", &["CHECK"])
}

/// The one line of what was found about `object`.
#[track_caller]
fn finding(ran: &Outcome, object: &str) -> String {
    assert_eq!(ran.status, 1, "{ran:#?}");
    let mut lines = ran.out.lines().filter(|line| line.starts_with(&format!("{object}: ")));
    let line = lines.next().unwrap_or_else(|| panic!("nothing of {object} in {ran:#?}"));
    assert_eq!(lines.next(), None, "one line each: {ran:#?}");
    assert!(line.contains("; cure: ") && !ran.out.contains("GOOD"), "{ran:#?}");
    line.to_owned()
}

#[track_caller]
fn has(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "no '{part}' in {line}");
    }
}

/// Types the cure of a line into a shell, as it stands.
#[track_caller]
fn cure(site: &Site, line: &str) {
    let (_, cure) = line.split_once("; cure: ").unwrap();
    typed(site, cure);
}

/// Has a shell carry out `command`.
#[track_caller]
fn typed(site: &Site, command: &str) {
    let spoolcom = site.command("spoolcom");
    let programs = std::path::Path::new(spoolcom.get_program()).parent().unwrap().to_owned();
    let mut shell = std::process::Command::new("/bin/sh");
    let set = spoolcom.get_envs().filter_map(|(name, value)| value.map(|value| (name, value)));
    let ran = shell.args(["-c", command]).envs(set).env("PATH", programs).output().unwrap();
    assert!(ran.status.success(), "{command}: {ran:?}");
}

#[test]
fn a_spool_that_is_well_says_so_in_one_line() {
    let site = healthy();
    let ran = check(&site).expect(0);
    assert_eq!(ran.out.lines().count(), 1);
    has(&ran.out, &["well: 0 jobs", "1 devices", "2 print processes"]);
    let object: serde_json::Value = serde_json::from_str(&site.spoolcom_json("CHECK")).unwrap();
    assert_eq!((object["well"].as_bool(), object["jobs"].as_u64()), (Some(true), Some(0)));
    let ran = site.run("spoolcom", &["--nagios", "CHECK"]).expect(0);
    has(&ran.out, &["SPOOL OK - well | jobs=0 "]);
    let ran = site.run("spoolcom", &["--metrics", "CHECK"]).expect(0);
    has(
        &ran.out,
        &[
            "spool_up 1\n",
            "spool_jobs_printed_total 1\n",
            "spool_jobs{state=\"waiting\"} 0\n",
            "spool_findings{kind=\"device\"} 0\n",
        ],
    );
    // Each line is a comment, or a name with a number.
    let is_number = |line: &str| line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<u64>().is_ok());
    assert!(ran.out.lines().all(|line| line.starts_with('#') || is_number(line)), "{}", ran.out);
    site.run("spoolcom", &["--nagios", "DEV"]).expect(2);
    // No spool: nothing can be said of it.
    let nowhere = Site::new();
    check(&nowhere).expect(3);
    let ran = nowhere.run("spoolcom", &["--nagios", "CHECK"]).expect(3);
    assert_eq!(ran.out, "SPOOL UNKNOWN - the spool cannot be reached\n");
    assert!(nowhere.run("spoolcom", &["--metrics", "CHECK"]).expect(3).out.ends_with("spool_up 0\n"));
}

#[test]
fn a_printer_that_refuses_is_one_finding_however_many_jobs_wait() {
    let site = healthy();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    site.device("LP1", &format!("socket://127.0.0.1:{port}"), "OFF");
    site.spoolcom("LOC #A.LP1, DEV $LP1; DEV $LP1, START");
    let file = site.document("doc", b"a document\n");
    for n in 0..3 {
        site.submit("a.lp1", &format!("{n}"), &file).expect(0);
    }
    site.wait_for("the device is in error", || check(&site).out.contains("device $LP1: "));
    let line = finding(&check(&site), "device $LP1");
    has(&line, &["refused", &format!("127.0.0.1:{port}"), "since", "3 jobs wait", "heals by itself"]);
    let ran = site.run("spoolcom", &["--nagios", "CHECK"]).expect(1);
    has(&ran.out, &["SPOOL WARNING - device $LP1: ", " | jobs=3 "]);
    let all: serde_json::Value =
        serde_json::from_str(&site.run("spoolcom", &["--json", "CHECK"]).expect(1).out).unwrap();
    let found = all["findings"].as_array().unwrap();
    assert_eq!((found.len(), found[0]["kind"].as_str(), found[0]["jobs"].as_u64()), (1, Some("device"), Some(3)));
    assert_eq!(all["oldest-waiting"]["destination"], "#A.LP1");
    let ran = site.run("spoolcom", &["--metrics", "CHECK"]).expect(0);
    has(&ran.out, &["spool_findings{kind=\"device\"} 1\n", "spool_jobs{state=\"waiting\"} 3\n"]);
}

#[test]
fn a_fifo_that_nobody_reads_names_its_path() {
    let site = healthy();
    let path = site.files.path().join("pipe");
    mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    site.device("PIPE", &format!("fifo://{}", path.display()), "OFF");
    site.spoolcom("LOC #A.PIPE, DEV $PIPE; DEV $PIPE, START");
    let file = site.document("doc", b"a document\n");
    site.submit("a.pipe", "doc", &file).expect(0);
    site.wait_for("it waits for a reader", || check(&site).out.contains("device $PIPE: "));
    has(&finding(&check(&site), "device $PIPE"), &["a program that reads", path.to_str().unwrap(), "since"]);
}

#[test]
fn a_device_that_somebody_stopped_is_trouble_when_jobs_wait_for_it() {
    let site = healthy();
    site.device("LP1", &format!("file://{}", site.sink().display()), "OFF");
    site.spoolcom("LOC #A.LP1, DEV $LP1; DEV $LP1, START; DEV $LP1, DRAIN");
    check(&site).expect(0);
    let file = site.document("doc", b"a document\n");
    site.submit("a.lp1", "doc", &file).expect(0);
    let line = finding(&check(&site), "device $LP1");
    has(&line, &["1 job waits", "DEV $LP1, START"]);
    cure(&site, &line);
    site.wait_until_empty();
    check(&site).expect(0);
}

#[test]
fn a_location_that_leads_nowhere_is_named_with_its_jobs() {
    let site = healthy();
    site.spoolcom("LOC #A.PARKED, DEV NONE");
    check(&site).expect(0);
    let file = site.document("doc", b"a document\n");
    for _ in 0..2 {
        site.submit("a.parked", "doc", &file).expect(0);
    }
    has(&finding(&check(&site), "location #A.PARKED"), &["leads to no device", "2 jobs", "LOC #A.PARKED, DEV"]);
}

#[test]
fn a_print_process_that_was_killed_is_named_and_its_devices_are_not() {
    let site = healthy();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    for name in ["LP1", "LP2"] {
        site.device(name, &format!("socket://127.0.0.1:{port}"), "OFF");
        site.spoolcom(&format!("LOC #A.{name}, DEV ${name}; DEV ${name}, START"));
        let file = site.document("doc", b"a document\n");
        site.submit(&format!("a.{name}"), "doc", &file).expect(0);
    }
    site.wait_for("both are in error", || check(&site).out.lines().count() == 2);
    let process = || -> serde_json::Value {
        let all: serde_json::Value = serde_json::from_str(&site.spoolcom_json("PRINT $SPLA, STATUS DETAIL")).unwrap();
        all.as_array().map_or(all.clone(), |rows| rows[0].clone())
    };
    let raw = u32::try_from(process()["pid"].as_u64().unwrap()).unwrap();
    kill(pid(raw), Signal::SIGKILL).unwrap();
    site.wait_for("it is dead", || check(&site).out.contains("print process $SPLA"));
    let ran = check(&site);
    let line = finding(&ran, "print process $SPLA");
    has(&line, &["died", "2 started devices", "PRINT $SPLA, START"]);
    assert_eq!(ran.out.lines().count(), 1, "{ran:#?}");
    has(&site.run("spoolcom", &["--nagios", "CHECK"]).expect(2).out, &["SPOOL CRITICAL - print process $SPLA: died"]);
    cure(&site, &line);
    site.wait_for("it runs", || !check(&site).out.contains("print process $SPLA"));
}

#[test]
fn a_spooler_that_somebody_drained_says_who_and_what_starts_it() {
    let site = healthy();
    site.spoolcom("SPOOLER, DRAIN");
    let line = finding(&check(&site), "spooler");
    has(&line, &["by", "no new job is taken"]);
    cure(&site, &line);
    check(&site).expect(0);
}

#[test]
fn jobs_that_wait_for_a_person_are_one_finding() {
    let site = healthy();
    site.device("LP1", &format!("file://{}", site.sink().display()), "OFF");
    site.spoolcom("LOC #A.LP1, DEV $LP1");
    for n in 0..2 {
        let file = site.document(&format!("linked{n}"), b"first\n");
        site.run("pdpr", &["-l", "-d", "a.lp1", file.to_str().unwrap()]).expect(0);
        // Another file of that name.
        std::fs::rename(site.document("other", b"second\n"), &file).unwrap();
    }
    site.start("LP1");
    site.wait_for("both are held", || check(&site).out.contains("2 held until a person acts"));
    let line = finding(&check(&site), "jobs");
    has(&line, &["linked document is another file", "WHY", "DELETE"]);
    // It says why, and is no cure by itself.
    cure(&site, &line);
    // An operator's own hold is no trouble.
    for number in site.jobs().iter().map(|job| job["job-number"].clone()) {
        site.run("spoolcom", &[&format!("JOB {number}, DELETE")]).expect(0);
    }
    let file = site.document("doc", b"a document\n");
    site.spoolcom("DEV $LP1, DRAIN");
    site.run("pdpr", &["-d", "a.lp1", "-x", "job-hold=yes", file.to_str().unwrap()]).expect(0);
    check(&site).expect(0);
}

#[test]
fn each_cure_is_a_command_that_works_or_a_sentence() {
    let site = healthy();
    site.spoolcom("LOC #A.PARKED, DEV NONE; DEV $LP1, PROCESS $SPLA, URI null:; LOC #A.LP1, DEV $LP1");
    site.spoolcom("DEV $LP2, PROCESS $SPLA, URI null:; LOC #A.LP2, DEV $LP2; DEV $LP2, START");
    let file = site.document("doc", b"a document\n");
    for destination in ["a.parked", "a.lp1", "a.lp2"] {
        site.submit(destination, "doc", &file).expect(0);
    }
    site.spoolcom("SPOOLER, DRAIN");
    let ran = site.run("spoolcom", &["--json", "CHECK"]).expect(1);
    let all: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = all["findings"].as_array().unwrap();
    let kinds: Vec<&str> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    for kind in ["spooler", "device", "location"] {
        assert!(kinds.contains(&kind), "no {kind} in {kinds:?}");
    }
    for one in found {
        let cure = one["cure"].as_str().unwrap();
        assert!(!cure.contains("   "), "{cure}");
        match cure.split(' ').next().unwrap() {
            program if program == "spoolcom" || program.starts_with("pd") => typed(&site, cure),
            word => assert!(word.chars().all(|c| c.is_ascii_lowercase()), "{cure}"),
        }
    }
    site.wait_for("only what a person has to do is left", || {
        let out = check(&site).out;
        out.lines().count() == 1 && out.contains("location #A.PARKED: ")
    });
}

#[test]
fn an_output_file_that_cannot_be_opened_has_no_cable() {
    let site = healthy();
    site.device("LP1", "file:///nowhere/at/all", "OFF");
    site.spoolcom("LOC #A.LP1, DEV $LP1; DEV $LP1, START");
    let file = site.document("doc", b"a document\n");
    site.submit("a.lp1", "doc", &file).expect(0);
    site.wait_for("the device is in error", || check(&site).out.contains("device $LP1: "));
    let line = finding(&check(&site), "device $LP1");
    assert!(line.contains("it heals by itself") && line.contains("directory") && !line.contains("cable"), "{line}");
}

/// A line without what differs from night to night: times, tries, and the address.
fn timeless(line: &str) -> String {
    let is_time = |word: &str| word.contains(':') && word.chars().all(|c| c.is_ascii_digit() || ":;,".contains(c));
    let words: Vec<&str> = line.split(' ').collect();
    let each = |(n, word): (usize, &&str)| match words.get(n + 1) {
        Some(&"tries") => "N".to_owned(),
        _ if is_time(word) => "AT".to_owned(),
        _ => (*word).to_owned(),
    };
    let plain: Vec<String> = words.iter().enumerate().map(each).collect();
    plain.join(" ").replace("127.0.0.1:1:", "10.0.0.9:9100:")
}

#[test]
fn the_sample_of_the_page_is_what_is_shown() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/night-desk.md")).unwrap();
    let sample = page.lines().find(|line| line.starts_with("device $LP1: ")).unwrap();
    let site = healthy();
    site.device("LP1", "socket://127.0.0.1:1", "OFF");
    site.spoolcom("LOC #A.LP1, DEV $LP1; DEV $LP1, START");
    let file = site.document("doc", b"a document\n");
    for n in 0..3 {
        site.submit("a.lp1", &format!("{n}"), &file).expect(0);
    }
    let mut shown = String::new();
    site.wait_for("three jobs wait", || {
        shown = check(&site).out;
        ["3 jobs wait", " tries since", "next try"].iter().all(|part| shown.contains(part))
    });
    assert_eq!(timeless(shown.trim_end()), timeless(sample));
}

#[test]
fn asking_waits_for_no_writer() {
    let site = healthy();
    let mut lock = None;
    // A print process may be writing its last words.
    site.wait_for("the gate is ours", || {
        lock = FileLock::try_exclusive(&site.paths().write_lock()).unwrap();
        lock.is_some()
    });
    check(&site).expect(0);
    drop(lock);
}
