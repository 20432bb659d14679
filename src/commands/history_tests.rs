//! WHY, LOG and the history as commands: each on the spool itself and behind the wire, with the same answer.

use std::ffi::OsString;

use super::pd::testing::{Answer, Verb, World};
use super::pd::verbs::pdls::run as pdls;
use super::spoolcom::run as spoolcom;
use crate::model::JobRef;
use crate::model::device::{ConnectionInUse, DeviceUri};
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::Delivery;
use crate::server::pair;
use crate::spool::interface::engine::{AttemptEnd, Engine, Observation, Outcome};
use crate::spool::interface::operations::Operations;
use crate::spool::testing::{Alive, Site, clock, delivered, error, local, name, pass, user};
use crate::sys::users;

/// Runs a command on `site`, both ways.
fn run(site: &Site, verb: Verb, words: &[&str]) -> Answer {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let here = World::default().words(Box::new(local(&site.spool, users::caller())), verb, &words);
    let spool = site.spool.clone();
    let made = move |caller| Ok(Box::new(local(&spool, caller)) as Box<dyn Operations>);
    let (remote, server) = pair(made).unwrap();
    let there = World::default().words(Box::new(remote), verb, &words);
    server.join().unwrap().unwrap();
    assert_eq!(here.to_string(), there.to_string());
    here
}

/// A spool with a print process that is alive.
fn site() -> (Site, Alive) {
    let site = Site::printing();
    let alive = site.alive("SPLA");
    (site, alive)
}

/// Prints the next job to its end.
fn print(site: &mut Site, alive: &Alive, delivery: Delivery) {
    let claim = site.claim(alive, "LP1");
    pass(1);
    site.end(alive, &claim, delivered(delivery));
}

#[test]
fn why_is_an_attribute_with_a_line_for_each_cause() {
    let (mut site, alive) = site();
    site.submit("office.front", |_| {});
    let bad = site.submit("office.front", |_| {});
    let claim = site.claim(&alive, "LP1");
    let end = AttemptEnd::DataFailed {
        reason: crate::model::state::HoldReason::Failed,
        text: "cannot\nread".into(),
        moved: None,
        touched: false,
    };
    site.end(&alive, &claim, end);
    site.local.hold_job(JobRef::Number(claim.number)).unwrap();
    assert_ne!(claim.number, bad.number);
    insta::assert_snapshot!(run(&site, pdls, &["-U", "-r", "why"]));
    insta::assert_snapshot!(run(&site, pdls, &["-U", "--json", "-r", "job-number,why"]));
    let why = "why = it is next on $LP1\n      it begins on $LP1 at once\n";
    assert_eq!(run(&site, pdls, &["-Ug", "-r", "why", "2"]).out, why);
    assert_eq!(run(&site, pdls, &["-U", "-r", "why", "9"]).to_string(), "! pdls: 9100-101 cannot find job 9\n= 1");
    for groups in ["all", "verbose", "brief"] {
        assert!(!run(&site, pdls, &["-U", "-s", "line", "-r", groups]).out.contains("why ="), "{groups}");
    }
}

#[test]
fn a_finished_job_has_no_reason_not_to_print() {
    let (mut site, alive) = site();
    let job = site.submit("office.front", |_| {});
    print(&mut site, &alive, Delivery::Sent);
    let why = site.local.why(JobRef::Global(job.global)).unwrap_err();
    assert_eq!(why.kind, crate::model::FailureKind::NotFound);
}

#[test]
fn spoolcom_says_why_of_one_job() {
    let (mut site, _alive) = site();
    site.submit("office.front", |_| {});
    site.local.drain_device(name("LP1")).unwrap();
    let line = "$LP1 is draining (by ann, 09:00:00) and takes no other job";
    assert_eq!(run(&site, spoolcom, &["JOB 1, WHY"]).to_string(), format!("{line}\n= 0"));
    assert_eq!(run(&site, spoolcom, &["JOB", "1795251600,", "WHY"]).out, format!("{line}\n"));
    insta::assert_snapshot!(run(&site, spoolcom, &["--json", "JOB 1, WHY"]));
    insta::assert_snapshot!(run(&site, spoolcom, &["JOB 9, WHY"]));
}

#[test]
fn why_and_log_need_one_job() {
    let (site, _alive) = site();
    for line in ["JOB, WHY", "JOB (STATE READY), WHY", "JOB, LOG", "DEV, LOG", "PRINT, LOG", "JOB 1, WHY NOT"] {
        let answer = run(&site, spoolcom, &[line]);
        assert_eq!((answer.exit as u8, answer.out.as_str()), (2, ""), "{line}: {answer}");
    }
    insta::assert_snapshot!(run(&site, spoolcom, &["JOB (STATE READY), WHY"]));
}

#[test]
fn the_log_of_a_living_job_and_of_a_finished_one() {
    let (mut site, alive) = site();
    let first = site.submit("office.front", |_| {});
    site.local.hold_job(JobRef::Number(first.number)).unwrap();
    insta::assert_snapshot!(run(&site, pdls, &["-U", "-r", "log", "1"]));
    insta::assert_snapshot!(run(&site, pdls, &["-U", "-r", "log", "--json", "1"]));
    site.local.start_job(JobRef::Number(first.number)).unwrap();
    print(&mut site, &alive, Delivery::Sent);
    let log = run(&site, pdls, &["-U", "--history", "-r", "log", "1"]).to_string();
    insta::assert_snapshot!(log);
    for reference in ["1795251600", "acme1:1795251600"] {
        assert_eq!(run(&site, pdls, &["-U", "--history", "-r", "log", reference]).to_string(), log);
        let gone = format!(
            "! pdls: 9100-101 cannot find job {reference}\n!   hint: it has ended (sent): JOB 1, LOG shows what happened to it\n\
             !   hint: pdls --history -r log 1795251600   shows the same\n= 1"
        );
        assert_eq!(run(&site, pdls, &["-U", reference]).to_string(), gone);
        assert_eq!(run(&site, pdls, &["-U", "-r", "log", reference]).to_string(), gone);
    }
    assert_eq!(run(&site, pdls, &["-U", "--history", "7"]).to_string(), "! pdls: 9100-101 cannot find job 7\n= 1");
}

#[test]
fn the_history_lists_finished_jobs_the_last_one_first() {
    let (mut site, alive) = site();
    site.submit("office.front", |job| job.name = "first".into());
    let second = site.submit("#office", |job| job.name = "second".into());
    site.submit("office.front", |job| job.name = "living".into());
    site.local.delete_job(JobRef::Number(second.number), None, None).unwrap();
    pass(60);
    print(&mut site, &alive, Delivery::Transferred);
    let id = site.device_id("LP1");
    let released = Outcome::Released { why: "quiet".into() };
    site.spool.settle_transferred(&alive.lease, id, released, &clock()).unwrap();
    insta::assert_snapshot!(run(&site, pdls, &["-U", "--history"]));
    insta::assert_snapshot!(run(&site, pdls, &["-U", "--history", "-r", "verbose", "-s", "line"]));
    insta::assert_snapshot!(run(&site, pdls, &["-U", "--history", "--json"]));
    assert_eq!(
        run(&site, pdls, &["-Ug", "--history", "-r", "job-name", "-f", "outcome==cancelled"]).out,
        "job-name = second\n"
    );
    let named = run(&site, pdls, &["-Ug", "--history", "-r", "job-name", "1", "3"]);
    assert_eq!(named.out, "job-name = first\njob-name = living\n", "{named}");
}

#[test]
fn own_finished_jobs_unless_everybodys_are_asked_for() {
    let (mut site, alive) = site();
    site.submit_as(users::caller(), "office.front", |job| job.name = "mine".into());
    let other = site.submit_as(user("bob", 4711), "office.front", |job| job.name = "bobs".into());
    print(&mut site, &alive, Delivery::Sent);
    print(&mut site, &alive, Delivery::Sent);
    let names = |words: &[&str]| run(&site, pdls, words).out;
    assert_eq!(names(&["-g", "--history", "-r", "job-name"]), "job-name = mine\n");
    assert_eq!(names(&["-gU", "--history", "-r", "job-name"]), "job-name = bobs\njob-name = mine\n");
    let refused = run(&site, pdls, &["--history", &other.global.serial.to_string()]);
    assert_eq!(refused.exit as u8, 1);
    insta::assert_snapshot!(refused);
    assert_eq!(names(&["-gU", "--history", "-r", "job-name", &other.global.to_string()]), "job-name = bobs\n");
}

#[test]
fn the_history_comes_in_pages() {
    let (mut site, alive) = site();
    for _ in 0..5 {
        site.submit("office.front", |_| {});
        let claim = site.claim(&alive, "LP1");
        site.end(&alive, &claim, delivered(Delivery::Sent));
    }
    let query = Query { condition: Condition::Owner("ann".into()), order: Order::Number, parts: Parts::ALL };
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = site.local.finished(query.clone(), after, 2).unwrap();
        found.extend(page.rows.iter().map(|job| job.number.get()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [5, 4, 3, 2, 1]);
}

#[test]
fn a_device_and_a_process_say_what_happened_to_them() {
    let (mut site, alive) = site();
    let id = site.device_id("LP1");
    let see = |seen| site.spool.observe(&alive.lease, id, seen, &clock()).unwrap();
    let connection = ConnectionInUse { address: DeviceUri::Null, entry: None, complaint: None };
    see(Observation::Opened { why: "job 1 is queued".into(), connection });
    see(Observation::Failed(error(None)));
    see(Observation::Recovered);
    see(Observation::Closed { why: "nothing is left".into() });
    site.local.drain_device(name("LP1")).unwrap();
    insta::assert_snapshot!(run(&site, spoolcom, &["DEV $LP1, LOG"]));
    insta::assert_snapshot!(run(&site, spoolcom, &["PRINT spla, LOG"]));
    insta::assert_snapshot!(run(&site, spoolcom, &["--json", "DEV lp1, LOG"]).out.lines().nth(1).unwrap());
    insta::assert_snapshot!(
        run(&site, spoolcom, &["DEV lp1, LOG DETAIL"]).out.lines().take(4).collect::<Vec<_>>().join("\n")
    );
    insta::assert_snapshot!(run(&site, spoolcom, &["DEV lp9, LOG; PRINT splz, LOG"]));
}

#[test]
fn the_log_of_a_job_reaches_finished_ones_too() {
    let (mut site, alive) = site();
    site.submit("office.front", |_| {});
    print(&mut site, &alive, Delivery::Sent);
    insta::assert_snapshot!(run(&site, spoolcom, &["JOB 1, LOG"]));
    assert_eq!(run(&site, spoolcom, &["JOB 1795251600, LOG"]).out, run(&site, spoolcom, &["JOB 1, LOG"]).out);
    insta::assert_snapshot!(run(&site, spoolcom, &["JOB 9, LOG"]));
}

#[test]
fn what_the_history_cannot_answer_is_refused() {
    let (site, _alive) = site();
    let lines: [&[&str]; 5] = [
        &["--history", "-c", "destination"],
        &["--history", "-r", "copy-count"],
        &["--history", "-r", "why"],
        &["-f", "why=*it"],
        &["-f", "log==x"],
    ];
    let shown: Vec<String> =
        lines.iter().map(|words| format!("> {}\n{}", words.join(" "), run(&site, pdls, words))).collect();
    insta::assert_snapshot!(shown.join("\n"));
}
