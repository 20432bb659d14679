//! Where something cannot go on, the way out is named, once, and works.

use std::process::Command;

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Site, finish, program};

fn declared() -> Site {
    let site = Site::new();
    site.declare();
    site
}

#[test]
fn a_spool_is_named_by_its_directory() {
    let site = declared();
    let elsewhere = |words: &[&str]| {
        let mut command = site.command("spoolcom");
        command.env("PDBASE", "/nonexistent/spool").args(words);
        finish(command.spawn().unwrap(), DEADLINE)
    };
    elsewhere(&["DEV"]).expect(3);
    let base = site.base().display().to_string();
    let shown = elsewhere(&["--spooler", &base, "SPOOLER, STATUS DETAIL"]).expect(0).out;
    assert!(shown.contains(&format!("BASE: {base}")), "{shown}");
    elsewhere(&["--spooler", "acme9", "DEV"]).expect(3).says("--spooler DIR");
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_a_failure_and_is_said_once() {
    let site = declared();
    site.run("spoolcom", &["--in", "/nonexist"]).expect(1).says("cannot read IN file '/nonexist'");
    site.run("spoolcom", &["--out", "/nonexist/out", "DEV"]).expect(1).says("cannot write OUT file");
    for words in ["'DEV; LOC; PRINT; JOB'", "--json 'DEV; LOC'"] {
        let mut shell = Command::new("sh");
        site.dress(&mut shell);
        shell.args(["-c", &format!("exec {} {words} > /dev/full", program("spoolcom").display())]);
        let ran = finish(shell.spawn().unwrap(), DEADLINE).expect(1);
        assert_eq!(
            ran.err.matches("cannot be written").count() + ran.err.matches("cannot write").count(),
            1,
            "{ran:?}"
        );
    }
}

#[test]
fn a_link_to_a_file_that_was_replaced_says_the_way_out_and_both_ways_print_the_new_file() {
    for release in ["spoolcom", "pdmod"] {
        let site = declared();
        let file = site.document("old", &text("old", 300));
        site.spoolcom("DEV $LP1, START; DEV $LP1, DRAIN");
        site.run("pdpr", &["-l", "-d", "office.front", file.to_str().unwrap()]).expect(0);
        let replace = |tag: &str| std::fs::rename(site.document(tag, &text(tag, 300)), &file).unwrap();
        replace("new");
        site.spoolcom("DEV $LP1, START");
        let held = || site.jobs().iter().any(|job| job["job-state-reasons"][0] == "document-changed");
        site.wait_for("the job is held", held);
        let why = site.spoolcom("JOB 1, WHY").out;
        assert!(why.contains("START prints the one that is there then"), "{why}");
        replace("newest");
        match release {
            "spoolcom" => drop(site.spoolcom("JOB 1, START")),
            _ => drop(site.run("pdmod", &["-x", "job-hold=false", "1"]).expect(0)),
        }
        site.wait_until_empty();
        assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["newest"], "{release}");
    }
}

#[test]
fn what_is_written_goes_neither_into_the_file_of_commands_nor_into_a_spool() {
    let site = Site::new();
    site.declare();
    let file = site.document("commands", b"DEV\nLOC\n");
    let name = file.to_str().unwrap();
    site.run("spoolcom", &["--in", name, "--out", name]).expect(2).says("the IN file and the OUT file are the same");
    assert_eq!(std::fs::read(&file).unwrap(), b"DEV\nLOC\n");
    let before = std::fs::read(site.paths().database()).unwrap();
    let link = site.files.path().join("link");
    std::os::unix::fs::symlink(site.paths().database(), &link).unwrap();
    let link = link.to_str().unwrap();
    site.run("spoolcom", &["--out", link, "DEV"]).says("is a file of a spool");
    site.run("spoolcom", &[&format!("DEV, STATUS/OUT {link}/")]).says("is a file of a spool");
    site.run("spoolcom", &[&format!("SPOOLER, ERRLOG {link}")]).says("it is a file of a spool");
    assert!(std::fs::read(site.paths().database()).unwrap().starts_with(&before[..16]));
    site.run("pdfsck", &[]).expect(0);
}
