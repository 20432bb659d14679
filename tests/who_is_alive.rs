//! What displays say follows from who is alive: nothing prints, and nobody says that it does, when the print process is
//! gone; a delivered job is shown as delivered; a spooler that takes no jobs says so everywhere.

use crate::support::inside::{Inside, now, pass};
use serde_json::Value;
use spoolsuite::commands::pd::verbs::{pdls, pdpr};
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;
use spoolsuite::model::job::Submission;
use spoolsuite::model::state::{Delivery, ErrorNote};
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, Lease, Observation, Outcome, Paper};
use spoolsuite::spool::interface::operations::Operations;

fn spool() -> Inside {
    let inside = Inside::new();
    let commands = "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI socket://127.0.0.1:9; \
                    LOC #G.A, DEV $LP1; DEV $LP1, START";
    inside.run(spoolcom::run, &[commands], Exit::Done);
    inside
}

fn said(inside: &Inside, command: &str) -> String {
    inside.run(spoolcom::run, &[command], Exit::Done)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn json(inside: &Inside, command: &str) -> Value {
    parsed(&inside.run(spoolcom::run, &["--json", command], Exit::Done))
}

fn listed(inside: &Inside, words: &[&str]) -> Value {
    parsed(&inside.run(pdls::run, &[&["-U", "--json"], words].concat(), Exit::Done))
}

fn claims(inside: &mut Inside, lease: &Lease) -> spoolsuite::spool::interface::engine::Claim {
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    inside.spool.claim(lease, device, &now()).unwrap().unwrap()
}

#[test]
fn no_display_says_that_a_job_prints_whose_print_process_died() {
    let mut inside = spool();
    for _ in 0..3 {
        inside.submit("g.a", b"text\n", |_| {});
    }
    let lease = inside.begins("SPLA");
    claims(&mut inside, &lease);
    assert_eq!(json(&inside, "SPOOLER")[0]["printing-jobs"], 1);
    assert!(said(&inside, "DEV").contains("JOB 1") && said(&inside, "JOB").contains("PR"));
    assert_eq!(listed(&inside, &["-c", "server"])[0]["server-state"], "ready");
    inside.all_die();

    let spooler = &json(&inside, "SPOOLER")[0];
    assert_eq!((&spooler["printing-jobs"], &spooler["prints"]), (&Value::from(0), &Value::Bool(false)));
    assert!(said(&inside, "SPOOLER").contains("print process $SPLA is not running; jobs wait for it"));
    let devices = said(&inside, "DEV");
    assert!(
        devices.contains("PROC ERROR") && devices.contains("PROCESS DIED") && !devices.contains("JOB 1"),
        "{devices}"
    );
    assert!(said(&inside, "DEV $LP1").contains("PRINT PROCESS $SPLA IS NOT RUNNING"));
    let device = &json(&inside, "DEV")[0];
    assert_eq!((&device["running"], &device["trouble"]), (&Value::Null, &Value::from("process died")));
    let jobs = said(&inside, "JOB");
    assert!(jobs.contains("RD") && !jobs.contains("PR "), "{jobs}");
    let processes = said(&inside, "PRINT");
    assert!(processes.contains("ERROR %1311") && !processes.contains("DEAD"), "{processes}");
    assert_eq!(json(&inside, "PRINT")[0]["state"], "dead");
    for (n, job) in listed(&inside, &[]).as_array().unwrap().iter().enumerate() {
        assert_eq!((&job["current-job-state"], &job["intervening-jobs"]), (&"pending".into(), &n.into()));
    }
    let server = &listed(&inside, &["-c", "server"])[0];
    assert_eq!(server["server-state"], "paused");
    assert!(server["problem-message"].as_str().unwrap().contains("$SPLA is not running"));
    let destination = &listed(&inside, &["-c", "destination", "lp1"])[0];
    assert_eq!(destination["destination-state"], "needs-key-operator");
    assert_eq!(destination["problem-message"], "process died");
    let why = said(&inside, "JOB 1, WHY");
    assert!(why.contains("print process $SPLA of $LP1 died"), "{why}");
}

#[test]
fn after_three_deaths_no_job_prints_beside_a_device_in_proc_error() {
    let mut inside = spool();
    inside.submit("g.a", b"text\n", |_| {});
    let mut lease = inside.begins("SPLA");
    for death in 1..=3 {
        claims(&mut inside, &lease);
        inside.all_die();
        let again = inside.spool.process_died(lease.process, lease.epoch, &now()).unwrap();
        assert_eq!(again, death < 3);
        if again {
            lease = inside.begins("SPLA");
        }
    }
    assert!(said(&inside, "DEV").contains("PROC ERROR") && said(&inside, "JOB").contains("RD"));
    assert!(said(&inside, "SPOOLER").contains("died three times within a minute"));
    assert!(said(&inside, "JOB 1, WHY").contains("PRINT $SPLA, START is needed"));
}

#[test]
fn nobody_is_told_to_start_a_print_process_for_jobs_that_need_another_form() {
    let mut inside = spool();
    inside.submit("g.a", b"text\n", |submission: &mut Submission| submission.form = "CHEQUES".into());
    let why = said(&inside, "JOB 1, WHY");
    assert!(why.contains("CHEQUES") && !why.contains("is not running"), "{why}");
    assert!(!said(&inside, "DEV").contains("NOT RUNNING") && !said(&inside, "DEV $LP1").contains("NOT RUNNING"));
    assert_eq!(json(&inside, "SPOOLER")[0]["prints"], true);
    inside.submit("g.a", b"text\n", |_| {});
    assert!(
        said(&inside, "DEV").contains("PROCESS NOT RUNNING") && said(&inside, "JOB 2, WHY").contains("is not running")
    );
}

#[test]
fn trouble_has_a_word_and_began_at_its_first_try() {
    let mut inside = spool();
    let lease = inside.begins("SPLA");
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    let began = now().wall_ms;
    for (text, number, word) in [
        ("cannot connect to h: the connection was refused", 4127, "REFUSED"),
        ("cannot open /f: no program reads it", 14, "NO READER"),
        ("h: its host has no address that is known", 14, "NAME UNKNOWN"),
        ("FASTCNFG, line 3: FASTCNFG has a mistake", 66, "FASTCNFG"),
        ("it is out of paper or ribbon, or full, or its bail is open", 102, "OUT OF PAPER"),
    ] {
        pass(60_000);
        let next_try_ms = Some(now().wall_ms + 5_000);
        let error = ErrorNote { number, text: text.into(), since_ms: now().wall_ms, next_try_ms, tries: 3 };
        inside.spool.observe(&lease, device, Observation::Failed(error), &now()).unwrap();
        let shown = said(&inside, "DEV");
        assert!(shown.contains(&format!("{word} SINCE ")), "{word}: {shown}");
        let status = inside.local.device("LP1".parse().unwrap()).unwrap();
        assert_eq!(status.trouble.unwrap().since_ms, Some(began + 60_000), "{word}");
    }
    let shown = listed(&inside, &["-c", "destination", "lp1"]);
    let problem = shown[0]["problem-message"].as_str().unwrap();
    assert!(problem.starts_with("out of paper since 2026-11-21T"), "{problem}");
    // The columns before it stay what they were.
    let shown = said(&inside, "DEV");
    assert!(shown.starts_with("DEVICE  STATE       FLAGS  PROC   FORM  TROUBLE"), "{shown}");
}

#[test]
fn a_delivered_job_is_neither_printing_nor_ready() {
    let mut inside = spool();
    let lease = inside.begins("SPLA");
    for _ in 0..3 {
        inside.submit("g.a", b"text\n", |_| {});
    }
    for _ in 0..2 {
        let claim = claims(&mut inside, &lease);
        let end = AttemptEnd::Delivered { delivery: Delivery::Transferred, octets: 5, paper: Paper::Top, remark: None };
        inside.spool.attempt_ends(&lease, &claim, end, false, &now()).unwrap();
    }
    let states = |inside: &Inside, qualifier: &str| -> Vec<u64> {
        let jobs = json(inside, &format!("JOB {qualifier}"));
        jobs.as_array().unwrap().iter().map(|job| job["job"].as_u64().unwrap()).collect()
    };
    assert!(said(&inside, "JOB").contains("TR"));
    assert_eq!(states(&inside, "(STATE TRANSFER)"), [1, 2]);
    assert_eq!((states(&inside, "(STATE PRINT)"), states(&inside, "(STATE READY)")), (vec![], vec![3]));
    let spooler = &json(&inside, "SPOOLER")[0];
    assert_eq!((&spooler["printing-jobs"], &spooler["transferred-jobs"]), (&0.into(), &2.into()));
    assert_eq!(json(&inside, "DEV")[0]["state"], "waiting");
    let first = &listed(&inside, &["-F"])[0];
    assert_eq!(first["current-job-state"], "terminating");
    assert_eq!(first["job-state-reasons"], serde_json::json!(["job-transferred"]));
    let ending = listed(&inside, &["-f", "current-job-state==terminating"]);
    assert_eq!(ending.as_array().unwrap().len(), 2);
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    inside.spool.settle_transferred(&lease, device, Outcome::Closed, &now()).unwrap();
    assert_eq!(states(&inside, ""), [3]);
}

#[test]
fn a_spooler_that_is_not_active_takes_no_jobs_and_says_so_everywhere() {
    let mut inside = Inside::new();
    let commands = "PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:; LOC #G.A, DEV $LP1; DEV $LP1, START";
    inside.run(spoolcom::run, &[commands], Exit::Done);
    let file = inside.dir.path().join("x");
    std::fs::write(&file, "x\n").unwrap();
    let enabled = |inside: &Inside| {
        let all = listed(inside, &["-c", "destination"]);
        all.as_array().unwrap().iter().map(|one| one["enabled"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    let refused = |inside: &mut Inside, word: &str| {
        let (submission, file) = inside.offer("g.a", b"x\n");
        let failure = inside.local.submit(submission, vec![file]).unwrap_err();
        assert!(failure.message.contains(word), "{failure}");
        assert!(failure.hints[0].contains("SPOOLER, START"), "{failure:?}");
        assert_eq!(enabled(inside), [false, false], "{word}");
        inside.run(pdpr::run, &["-d", "g.a", file_name(inside).as_str()], Exit::Failed);
    };
    refused(&mut inside, "COLD");
    let shown = said(&inside, "DEV $LP1");
    assert!(shown.contains("SPOOLER COLD") && shown.contains("SPOOLER, START STARTS IT"), "{shown}");
    assert!(!shown.contains("NEXT COMMAND"), "{shown}");
    assert_eq!(listed(&inside, &["-c", "server"])[0]["server-state"], "initializing");
    said(&inside, "SPOOLER, START");
    assert_eq!(enabled(&inside), [true, true]);
    inside.submit("g.a", b"x\n", |_| {});
    let lease = inside.begins("SPLA");
    claims(&mut inside, &lease);
    // What is paused is the output of a suspended device, not its input.
    said(&inside, "DEV $LP1, SUSPEND");
    let shown = listed(&inside, &["-c", "destination", "lp1"]);
    assert_eq!((&shown[0]["destination-state"], &shown[0]["enabled"]), (&"paused".into(), &true.into()));
    said(&inside, "SPOOLER, DRAIN");
    refused(&mut inside, "DRAIN");
    said(&inside, "JOB 1, DELETE");
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    let claim = inside.spool.claim(&lease, device, &now()).unwrap().unwrap();
    let stopped = AttemptEnd::Stopped { touched: false };
    inside.spool.attempt_ends(&lease, &claim, stopped, false, &now()).unwrap();
    refused(&mut inside, "WARM");
}

fn file_name(inside: &Inside) -> String {
    inside.dir.path().join("x").display().to_string()
}

#[test]
fn a_job_that_was_held_after_printing_and_a_finished_one_say_what_they_are() {
    let mut inside = spool();
    let lease = inside.begins("SPLA");
    inside.submit("g.a", b"text\n", |submission: &mut Submission| submission.hold_after = true);
    inside.submit("g.a", b"text\n", |_| {});
    for _ in 0..2 {
        let claim = claims(&mut inside, &lease);
        let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
        inside.spool.attempt_ends(&lease, &claim, end, false, &now()).unwrap();
    }
    let shown = said(&inside, "JOB 1, STATUS DETAIL");
    assert!(shown.contains("HOLD REASON: printed, and held after that (HOLDAFTER)"), "{shown}");
    assert!(!shown.contains("held by its owner"), "{shown}");
    let failure =
        inside.local.why("2".parse::<u32>().map(|n| spoolsuite::model::JobRef::Number(n.try_into().unwrap())).unwrap());
    let failure = failure.unwrap_err();
    assert!(failure.hints.iter().any(|hint| hint.contains("JOB 2, LOG")), "{failure:?}");
    assert!(failure.hints.iter().any(|hint| hint.contains("pdls --history -r log")), "{failure:?}");
    assert!(said(&inside, "JOB 2, LOG").contains("sent"));
}

#[test]
fn devices_are_listed_as_a_person_looks_for_their_names() {
    let mut inside = Inside::new();
    let names = ["$FAST2.#T1", "\\WEST.$M", "$AA", "$FAST2", "$FAST2.#T0", "$FAST3", "$Z", "$V"];
    inside.run(spoolcom::run, &["PRINT $SPLA, FILE fastp"], Exit::Done);
    for name in names {
        inside.run(spoolcom::run, &[&format!("DEV {name}, PROCESS $SPLA")], Exit::Done);
    }
    let shown: Vec<String> = inside.local.devices(None).unwrap().iter().map(|device| device.name.guardian()).collect();
    assert_eq!(shown, ["$AA", "$FAST2", "$FAST2.#T0", "$FAST2.#T1", "$FAST3", "$V", "\\WEST.$M", "$Z"]);
    let paged = inside.local.devices(Some("$FAST2.#T1".parse().unwrap())).unwrap();
    assert_eq!(paged[0].name.guardian(), "$FAST3");
    assert_eq!(inside.local.device("\\west.$m".parse().unwrap()).unwrap().name.guardian(), "\\WEST.$M");
    let failure = inside.local.resolve_destination("\\NORTH.$LP1".into()).unwrap_err();
    assert!(failure.message.contains("\\NORTH.$LP1") && !failure.message.contains("\\\\"), "{failure}");
}
