//! Titles of any octets: shown as file names of that kind are, and never the reason why a job does not print.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{DEADLINE, Outcome, Site, finish};

/// Not UTF-8, with a control character and a line end.
const ODD: &[u8] = b"Gr\xfc\xdfe\x07\nzwei";
/// How it is shown.
const SHOWN: &str = "Gr\u{fffd}\u{fffd}e\\u{7}\\nzwei";

#[track_caller]
fn run(site: &Site, name: &str, args: &[&[u8]]) -> Outcome {
    let args = args.iter().map(|arg| OsStr::from_bytes(arg));
    finish(site.command(name).args(args).spawn().unwrap(), DEADLINE).expect(0)
}

fn names(site: &Site) -> Vec<String> {
    let mut jobs = site.jobs();
    jobs.sort_by_key(|job| job["job-number"].as_u64());
    jobs.iter().map(|job| job["job-name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_title_of_any_octets_is_shown_escaped_wherever_it_comes_from() {
    let site = Site::new();
    site.declare();
    let file = site.document("file", b"text\n");
    let odd_file = site.files.path().join(OsStr::from_bytes(ODD));
    std::fs::write(&odd_file, b"text\n").unwrap();
    let attributes = site.files.path().join("attributes");
    std::fs::write(&attributes, [b"job-name='", ODD, b"'\n"].concat()).unwrap();
    let (file, odd_file) = (file.as_os_str().as_bytes(), odd_file.as_os_str().as_bytes());
    run(&site, "pdpr", &[b"-d", b"office.front", b"-t", ODD, file]);
    run(&site, "pdpr", &[b"-d", b"office.front", b"-x", &[b"job-name='", ODD, b"'"].concat(), file]);
    run(&site, "pdpr", &[b"-d", b"office.front", b"-X", attributes.as_os_str().as_bytes(), file]);
    run(&site, "pdpr", &[b"-d", b"office.front", odd_file]);
    run(&site, "pdpr", &[b"-d", b"office.front", b"-t", b"plain", b"-x", b"job-hold=true", file]);
    assert_eq!(names(&site), [SHOWN, SHOWN, SHOWN, SHOWN, "plain"]);
    // The name of the file is shown in the same way.
    let table = site.run("pdls", &["-U", "-r", "job-name document-file-name"]).expect(0).out;
    assert_eq!(table.matches(SHOWN).count(), 5, "{table}");
    let list = site.spoolcom("JOB").out;
    assert!(list.lines().all(|line| !line.contains('\u{7}')), "{list:?}");

    let id = site.jobs().iter().find(|job| job["job-name"] == "plain").unwrap()["job-identifier"].clone();
    let id = id.as_str().unwrap().as_bytes();
    run(&site, "pdmod", &[b"-t", ODD, b"-m", ODD, id]);
    assert_eq!(names(&site)[4], SHOWN);
    run(&site, "pdmod", &[b"-t", b"plain", id]);
    // In one word a line end separates commands; among several it stands in the quotation.
    run(&site, "spoolcom", &[b"JOB", b"5,", b"REPORT", &[b"'", ODD, b"'"].concat()]);
    assert_eq!(names(&site)[4], SHOWN);
    run(&site, "spoolcom", &[b"JOB", b"5,", b"REPORT", b"\xff\x07"]);
    assert_eq!(names(&site)[4], "\u{fffd}\\u{7}");
    let commands = site.files.path().join("commands");
    std::fs::write(&commands, b"/* \xff\nJOB 5, REPORT caf\xe9 \"open\n").unwrap();
    run(&site, "spoolcom", &[b"--in", commands.as_os_str().as_bytes()]);
    assert_eq!(names(&site)[4], "caf\u{fffd} \"open");

    let mut command = site.command("pdrm");
    command.env("PD_CONFIRM_DELETE", "no").arg("-m").arg(OsStr::from_bytes(ODD)).arg(OsStr::from_bytes(id));
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    site.spoolcom("DEV $LP1, HEADER ON, START");
    site.wait_until_empty();
    assert_eq!(std::fs::read_to_string(site.sink()).unwrap().matches("text\n").count(), 4, "all of them print");
}

#[test]
fn a_title_that_has_to_be_escaped_is_cut_and_no_other_name_takes_such_octets() {
    let site = Site::new();
    site.declare();
    let file = site.document("file", b"text\n");
    run(&site, "pdpr", &[b"-d", b"office.front", b"-t", &[0x07; 200], file.as_os_str().as_bytes()]);
    assert_eq!(names(&site)[0].chars().count(), 255);
    for command in [&b"DEV $LP\xff, SPEED 5"[..], b"DEV $LP1, URI file:///tmp/\xff", b"JOB 1, STATUS /OUT \xff/"] {
        let outcome = finish(site.command("spoolcom").arg(OsStr::from_bytes(command)).spawn().unwrap(), DEADLINE);
        outcome.expect(2);
    }
    assert!(!site.files.path().join("\u{fffd}").exists());
}
