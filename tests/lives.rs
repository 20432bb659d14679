//! Print processes that die: whoever writes next starts them again, and a drain that waits for one of them ends.

use std::process::Stdio;

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Site, finish};
use crate::unrecorded::shows;
use spoolsuite::sys::process::ProcessNote;

/// A site whose print process dies as soon as it has claimed the job `tag`.
fn died(site: &Site, tag: &str) {
    let file = site.document(tag, &text(tag, 300));
    let mut command = site.submission("office.front", tag, &file);
    finish(command.env("PD_FAULT", "claimed").spawn().unwrap(), DEADLINE).expect(0);
    let claimed = "SELECT count(*) FROM entry WHERE state = 1";
    let db = site.database();
    site.wait_for("the job was claimed", || db.query_row(claimed, [], |row| row.get::<_, i64>(0)).unwrap() > 0);
    assert!(site.fastp_ends(DEADLINE));
    assert!(site.jobs().iter().all(|job| job["current-job-state"] == "pending"), "nobody prints it now");
    assert!(site.counts_as_running(), "it died and did not go dormant");
}

fn started() -> Site {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    site
}

#[test]
fn a_job_for_another_print_process_starts_the_one_that_died_too() {
    let site = started();
    site.spoolcom("PRINT $SPLB, FILE fastp; DEV $NUL, PROCESS $SPLB, URI null:, START; LOC #X.Y, DEV $NUL");
    died(&site, "first");
    let file = site.document("other", &text("other", 10));
    site.submit("x.y", "other", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["first"]);
}

#[test]
fn a_drain_of_a_device_whose_print_process_died_ends_and_keeps_the_job() {
    let site = started();
    died(&site, "kept");
    let drain = site.run("spoolcom", &["DEV $LP1, DRAIN"]);
    drain.expect(0);
    assert!(site.run("spoolcom", &["DEV $LP1"]).expect(0).out.contains("OFFLINE"));
    assert_eq!(site.jobs().len(), 1, "given back, and not printed by a device that drains");
    site.spoolcom("DEV $LP1, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["kept"]);
}

#[test]
fn a_drain_ends_although_the_print_process_dies_while_it_waits() {
    let site = started();
    let file = site.document("mid", &text("mid", 300_000));
    let mut command = site.submission("office.front", "mid", &file);
    // It dies with the job written and its end not yet recorded; the drain may be asked for before or after that.
    finish(command.env("PD_FAULT", "before-completion").spawn().unwrap(), DEADLINE).expect(0);
    let drain = site.command("spoolcom").arg("DEV $LP1, DRAIN").stdout(Stdio::piped()).spawn().unwrap();
    finish(drain, DEADLINE).expect(0);
    site.spoolcom("DEV $LP1, START");
    // Where the drain came first, it dies only now; else its successor goes dormant.
    assert!(site.fastp_ends(DEADLINE));
    site.spoolcom("SPOOLER, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["mid"], "once, and whole");
}

#[test]
fn a_site_that_is_dropped_leaves_no_print_process() {
    let site = started();
    site.spoolcom("PRINT $SPLB, FILE fastp; DEV $LP2, PROCESS $SPLB, URI null:, EXCLUSIVE ON, START");
    site.spoolcom("DEV $LP1, DRAIN; DEV $LP1, EXCLUSIVE ON, START");
    let pid = |name: &str| {
        let shown = site.run("spoolcom", &[&format!("PRINT ${name}"), "--json"]).expect(0);
        serde_json::from_str::<serde_json::Value>(&shown.out).unwrap()[0]["pid"].as_u64()
    };
    let mut notes = Vec::new();
    for name in ["SPLA", "SPLB"] {
        site.wait_for("an EXCLUSIVE ON device keeps its print process", || pid(name).is_some());
        notes.push(ProcessNote::of(u32::try_from(pid(name).unwrap()).unwrap()).unwrap());
    }
    // One of them does not heed a signal that it could heed.
    nix::sys::signal::kill(crate::support::pid(notes[1].pid), nix::sys::signal::Signal::SIGSTOP).unwrap();
    drop(site);
    assert!(notes.iter().all(|note| !note.is_there() || is_zombie(note)), "{notes:?}");
}

#[test]
fn a_print_process_ends_when_its_spool_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    let site = Site::at(&base);
    site.declare();
    // It would stand by for ever.
    site.spoolcom("DEV $LP1, EXCLUSIVE ON, START");
    // And makes no file any more, which would keep its directory from being removed.
    shows(&site, "an EXCLUSIVE ON device keeps its print process", || {
        let open = || site.run("spoolcom", &["DEV $LP1", "--json"]).out.contains("\"open\":true");
        site.fastp().is_some() && site.paths().submission_socket().exists() && open()
    });
    let process = site.fastp().unwrap();
    std::fs::remove_dir_all(&base).unwrap();
    assert!(crate::support::dies(process, DEADLINE), "it lives on");
}

/// Ended, and not collected yet: it was adopted by whoever collects the orphans of this machine.
fn is_zombie(note: &ProcessNote) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", note.pid))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, after)| after.trim_start().starts_with('Z')))
}
