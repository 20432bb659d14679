//! Secure release through the real programs: docs/secure-release.md as it is typed, and what scripts and other users see.

use serde_json::Value;
use spoolsuite::sys::users;

use crate::first_hour::typed;
use crate::support::Site;

/// A secure queue, what people print to, two printers, and a station.
fn site() -> Site {
    let site = Site::new();
    let out = |name: &str| format!("file://{}", site.files.path().join(name).display());
    site.run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme1:office"]).expect(0);
    let logical = "destination-realization=logical associated-queue=office";
    site.run("pdcreate", &["-x", logical, "acme1:follow-me"]).expect(0);
    for name in ["one", "two"] {
        let actual = format!("destination-realization=actual associated-queue=office device-uri={}", out(name));
        site.run("pdcreate", &["-x", &actual, &format!("acme1:{name}")]).expect(0);
    }
    site.run("pdcreate", &["-c", "station", "-x", "related-printers=one two", "acme1:hall"]).expect(0);
    site.run("pdenable", &["follow-me", "one", "two"]).expect(0);
    site
}

fn submit(site: &Site, name: &str, words: &[&str]) {
    let file = site.document(name, format!("{name}\n").as_bytes());
    site.run("pdpr", &[&["-d", "follow-me"], words, &[file.to_str().unwrap()]].concat()).expect(0);
}

#[track_caller]
fn json(site: &Site, words: &[&str]) -> Value {
    serde_json::from_str(&site.run("pdrelease", words).expect(0).out).unwrap()
}

#[test]
fn the_page_goes_as_it_is_written() {
    typed("docs/secure-release.md", "/tmp/secure-release", 25);
}

#[test]
fn all_jobs_are_released_in_the_order_of_submission() {
    let site = site();
    for name in ["a", "b", "c"] {
        submit(&site, name, &[]);
    }
    let listed = json(&site, &["--json"]);
    assert_eq!(listed["station"], "hall");
    let names: Vec<&str> =
        listed["jobs"].as_array().unwrap().iter().map(|job| job["job-name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(listed["jobs"][0]["releasable"], true);
    assert_eq!(listed["jobs"][0]["printers"][1]["verdict"], "releasable");
    let released = json(&site, &["--all", "--json", "-p", "two"]);
    assert_eq!(released.as_array().unwrap().len(), 3);
    site.wait_until_empty();
    assert_eq!(std::fs::read_to_string(site.files.path().join("two")).unwrap(), "a\n\u{c}b\n\u{c}c\n");
    assert!(!site.files.path().join("one").exists());
    // Nothing to print, refused and unknown are told apart.
    let nothing = site.run("pdrelease", &["--all"]).expect(0);
    assert_eq!(nothing.out, "No job of yours waits for its release.\n");
    site.run("pdrelease", &["77"]).expect(1).says("cannot find job 77");
    site.run("pdrelease", &["--station", "nowhere"]).expect(1).says("cannot find station nowhere");
    site.run("pdrelease", &["--all", "1"]).expect(2);
    site.run("pdrelease", &["--delete"]).expect(2);
    // The record has a line for each step, and ends with what was printed.
    let record = json(&site, &["--history", "--json"]);
    let steps: Vec<&str> = record.as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert_eq!(steps.iter().filter(|what| **what == "print").count(), 3, "{steps:?}");
    assert_eq!(record[0]["correlation"], listed["jobs"][0]["correlation"]);
}

#[test]
fn links_are_refused_and_both_languages_say_why_a_job_waits() {
    let site = site();
    let file = site.document("doc", b"x\n");
    site.run("pdpr", &["-l", "-d", "follow-me", file.to_str().unwrap()]).expect(1).says("takes no links");
    submit(&site, "doc", &["-x", "form=A5"]);
    site.run("pddisable", &["one"]).expect(0);
    site.run("pdset", &["-c", "destination", "-x", "valid-attributes=A4 driver=pcl5", "one"]).expect(0);
    site.run("pdset", &["-c", "queue", "-x", "driver=pcl6", "office"]).expect(0);
    let me = users::caller().user;
    site.run("pdcreate", &["-c", "user", "-x", "delegates=bob", &format!("acme1:{me}")]).expect(0);
    let listed_for = format!("only {me} sees it, and whom {me} has named: bob");
    let why = site.run("pdls", &["-r", "why", "-s", "line"]).expect(0).out;
    for part in [
        "waits for release at a station",
        "unless it is released by",
        "on one not here",
        "does not accept A5",
        "on two releasable here",
        listed_for.as_str(),
        "its queue makes jobs for driver 'pcl6', $one has driver 'pcl5'",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let said = site.spoolcom_json("JOB 1, WHY");
    let causes: Value = serde_json::from_str(&said).unwrap();
    let station = causes.as_array().unwrap().last().unwrap().clone();
    assert_eq!((&station["cause"], &station["station"]), (&Value::from("station"), &Value::from("hall")), "{said}");
    assert_eq!(station["printers"][0]["attributes"][0], "media=iso_a5_148x210mm");
}

#[test]
fn spoolcom_shows_what_decides_about_the_release_of_a_job() {
    let site = site();
    site.run("pdset", &["-c", "queue", "-x", "purge-time=30 compatible-queues=annex other:office", "office"]).expect(0);
    let shown = site.spoolcom("LOC #office.follow-me, STATUS DETAIL").out;
    for line in ["RELEASE TYPE", "secure", "PURGE TIME", "30", "COMPATIBLE QUEUES", "annex other:office"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    site.run("pddisable", &["one"]).expect(0);
    site.run("pdset", &["-c", "destination", "-x", "valid-attributes=A4 duplex", "one"]).expect(0);
    let shown = site.spoolcom("DEV $one, STATUS DETAIL").out;
    assert!(shown.contains("VALID ATTRIBUTES") && shown.contains("A4 duplex"), "{shown}");
    // Nothing of it is shown of a queue that says nothing of it.
    site.run("pdcreate", &["-c", "queue", "acme1:plain"]).expect(0);
    let logical = "destination-realization=logical associated-queue=plain";
    site.run("pdcreate", &["-x", logical, "acme1:ordinary"]).expect(0);
    assert!(!site.spoolcom("LOC #plain.ordinary, STATUS DETAIL").out.contains("RELEASE"));
}

#[test]
fn stations_users_and_queues_are_made_again_from_their_archive() {
    let site = site();
    site.run("pdcreate", &["-c", "user", "-x", "aliases='CORP\\ann' ann@corp.local delegates=bob", "acme1:ann"])
        .expect(0);
    site.run(
        "pdset",
        &["-c", "queue", "-x", "compatible-queues=annex other:office purge-time=30 driver=pcl6", "office"],
    )
    .expect(0);
    let shown =
        |class: &str, name: &str| site.run("pdls", &["-c", class, "-r", "all", "-s", "line", name]).expect(0).out;
    for (class, name) in [("station", "hall"), ("user", "ann"), ("queue", "office")] {
        let archive = site.run("pdls", &["-c", class, "-r", "archive", name]).expect(0).out;
        let before = shown(class, name);
        let file = site.document("archive", archive.as_bytes());
        site.run("pdset", &["-c", class, "-X", file.to_str().unwrap(), name]).expect(0);
        assert_eq!(shown(class, name), before, "{archive}");
        assert!(before.contains("hall") || before.contains("CORP\\ann") || before.contains("other:office"), "{before}");
    }
    for (class, name, bad) in [
        ("queue", "office", "compatible-queues='a b'"),
        ("queue", "office", "release-type=sometimes"),
        ("queue", "office", "purge-time=0"),
        ("user", "ann", "aliases='@'"),
        ("server", "acme1", "identity-rules='(a)(b)'"),
        ("server", "acme1", "identity-realms=corp"),
    ] {
        site.run("pdset", &["-c", class, "-x", bad, name]).expect(2);
    }
}

#[test]
fn what_comes_slowly_over_a_pipe_waits_for_its_owner_too() {
    use std::io::Write;
    let site = site();
    let mut command = site.command("pdpr");
    command.args(["-d", "follow-me", "-"]).stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"the first line\n").unwrap();
    site.wait_for("a job that arrives", || !site.jobs().is_empty());
    pipe.write_all(b"the last line\n").unwrap();
    drop(pipe);
    crate::support::finish(child, crate::support::DEADLINE).expect(0);
    assert_eq!(json(&site, &["--json"])["jobs"][0]["state"], "waiting");
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_until_empty();
    assert_eq!(std::fs::read_to_string(site.files.path().join("one")).unwrap(), "the first line\nthe last line\n");
}

#[test]
fn a_job_that_waits_for_its_release_is_no_trouble() {
    let site = site();
    submit(&site, "secret", &[]);
    assert!(site.spoolcom("CHECK").out.starts_with("well: 1 jobs"));
}
