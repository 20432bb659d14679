//! Work that goes from one place to another: pdresubmit.

use crate::support::Site;

/// A site with the name of its server.
fn site() -> (Site, String) {
    let site = Site::new();
    site.run("pdcreate", &["-c", "queue", "acme1:empty-q"]).expect(0);
    site.run("pdcreate", &["-c", "queue", "acme1:mail-q"]).expect(0);
    site.run(
        "pdcreate",
        &["-c", "destination", "-x", "destination-realization=logical associated-queue=mail-q", "acme1:mail-ld"],
    )
    .expect(0);
    site.run("pdenable", &["mail-ld"]).expect(0);
    (site, "acme1".to_owned())
}

#[test]
fn a_queue_without_destinations_has_no_jobs_and_one_that_is_not_there_is_not_found() {
    let (site, server) = site();
    site.run("pdresubmit", &["-c", "queue", "mail-ld", "empty-q"]).expect(0);
    site.run("pdresubmit", &["-c", "queue", "mail-ld", &format!("{server}:empty-q")]).expect(0);
    let missing = site.run("pdresubmit", &["-c", "queue", "mail-ld", "other-q"]).expect(1);
    assert!(missing.err.contains("queue other-q"), "{}", missing.err);
}

/// A queue of two actual destinations, which are not enabled; and the ids of jobs in it.
fn queued(n: usize) -> (Site, Vec<String>) {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    for device in ["one-ad", "two-ad"] {
        let sink = site.files.path().join(device);
        site.spoolcom(&format!("DEV {device}, PROCESS $SPLA, URI file://{}, HEADER OFF", sink.display()));
        site.spoolcom(&format!("LOC #q.{device}, DEV {device}"));
    }
    let submit = |n: usize| {
        let file = site.document(&format!("d{n}"), b"x\n");
        let words = ["-d", "#q", "-r", "job-identifier", "-s", "line", file.to_str().unwrap()];
        let out = site.run("pdpr", &words).expect(0).out;
        out.trim().rsplit(" = ").next().unwrap().to_owned()
    };
    let ids = (0..n).map(submit).collect();
    (site, ids)
}

fn order(site: &Site) -> Vec<String> {
    let out = site.run("pdls", &["-c", "job", "-g", "-s", "column", "-r", "job-identifier"]).expect(0).out;
    out.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn pdreorder_puts_a_job_where_both_languages_show_it() {
    let (site, ids) = queued(4);
    let server = ids[0].split_once(':').unwrap().0.to_owned();
    // Silent, by each form of an id.
    let said = site.run("pdreorder", &["-b", &ids[0], "-m", "first of all", &ids[3]]).expect(0);
    assert_eq!((said.out, said.err), (String::new(), String::new()));
    site.run("pdreorder", &["-a", ids[2].split_once(':').unwrap().1, &ids[0]]).expect(0);
    let wanted = [&ids[3], &ids[1], &ids[2], &ids[0]].map(String::clone);
    assert_eq!(order(&site), wanted);
    // The queue of the device, in each language.
    let queue = site.run("pdq", &["-d", "one-ad", "-g", "-s", "column", "-r", "job-identifier"]).expect(0).out;
    assert_eq!(queue.lines().map(str::trim).collect::<Vec<_>>(), wanted, "{queue}");
    let shown = site.run("spoolcom", &["DEV one-ad", "--json"]).expect(0).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let numbers = |value: &serde_json::Value| {
        value["queue"].as_array().unwrap().iter().map(|job| job["job"].clone()).collect::<Vec<_>>()
    };
    let first = if shown.is_array() { &shown[0] } else { &shown };
    assert_eq!(numbers(first), [4, 2, 3, 1], "{shown}");
    let log = site.run("pdls", &["-r", "log", "-s", "line", &ids[3]]).expect(0).out;
    assert!(log.contains("reordered") && log.contains("before job 1: first of all"), "{log}");
    // On one device, and no longer.
    let assigned = || {
        let out = site.run("pdls", &["-g", "-s", "line", "-r", "destinations-assigned", &ids[1]]).expect(0).out;
        out.trim().to_owned()
    };
    site.run("pdreorder", &["-p", &format!("{server}:two-ad"), &ids[1]]).expect(0);
    assert!(assigned().ends_with("destinations-assigned = two-ad"), "{}", assigned());
    assert_eq!(order(&site), wanted);
    site.run("pdreorder", &["-u", &server, &ids[1]]).expect(0);
    assert!(!assigned().contains("two-ad"), "{}", assigned());
    assert_eq!(order(&site), wanted);
    site.run("pdreorder", &["-s", &server, &ids[3]]).expect(0);
    assert_eq!(order(&site).last(), Some(&ids[3]));
}

#[test]
fn pdreorder_refuses_what_means_nothing() {
    let (site, ids) = queued(2);
    let before = order(&site);
    for (words, exit, says) in [
        (&[&ids[0][..]][..], 2, "-a <JOB>"),
        (&["-a", &ids[1]], 2, "JOB"),
        (&["-a", &ids[1], "-b", &ids[1], &ids[0]], 2, "cannot be used with"),
        (&["-a", "", &ids[0]], 2, "empty"),
        (&["-a", &ids[1], &ids[0], &ids[0]], 2, "one job"),
        (&["-a", &format!("{}.1", ids[1]), &ids[0]], 2, "names a document"),
        (&["-x", "job-priority=3", "-a", &ids[1], &ids[0]], 2, "pdmod alters jobs"),
        (&["-a", "9999", &ids[0]], 1, "9999"),
        (&["-p", "three-ad", &ids[0]], 1, "three-ad"),
        (&["-p", "nowhere:two-ad", &ids[0]], 1, "nowhere"),
        (&["-s", "nowhere", &ids[0]], 1, "nowhere"),
        (&["-u", "nowhere", &ids[0]], 1, "nowhere"),
    ] {
        site.run("pdreorder", words).expect(exit).says(says);
    }
    assert_eq!(order(&site), before);
}
