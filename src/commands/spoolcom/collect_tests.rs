//! Collectors, cross references, counts, and what a NonStop site types: abbreviations, lines that go on, octal numbers.

use super::fake::{device, run_with, world};
use crate::commands::shell::{Exit, Intent};
use crate::model::collector::CollectorChange;
use crate::model::device::DeviceChange;
use crate::model::field::Value;
use crate::model::kept::KeptWord;
use crate::model::object::{ObjectAttribute, ObjectClass, ObjectStatus};
use crate::model::state::DeviceState;
use crate::model::{Failure, FailureKind, LocationPattern};
use crate::spool::interface::operations::Request;

/// Runs one quoted string, and returns what it changed with what it said.
fn typed(line: &str) -> (Vec<Request>, super::fake::Ran) {
    let world = world();
    let ran = run_with(&world, &[line], false, "");
    let changes = world.borrow().changes.clone();
    (changes, ran)
}

#[test]
fn displays() {
    let mut shown = String::new();
    for words in [
        &["COLLECT"][..],
        &["COLLECT $S, STATUS DETAIL"],
        &["COLLECT, SUMMARY"],
        &["COLLECT $S, LISTOPENS"],
        &["PRINT, XREF"],
        &["PRINT $SPLA, XREF"],
        &["PRINT, SUMMARY"],
        &["DEV, XREF"],
        &["DEV lp1, XREF"],
        &["DEV, SUMMARY"],
        &["LOC, XREF"],
        &["LOC #OFFICE, XREF"],
        &["JOB, SUMMARY"],
        &["SPOOLER, STATISTICS"],
        &["--json", "COLLECT"],
        &["--json", "COLLECT, SUMMARY"],
        &["--json", "COLLECT $S, LISTOPENS"],
        &["--json", "DEV, XREF"],
        &["--json", "DEV, SUMMARY"],
        &["--json", "JOB, SUMMARY"],
        &["--json", "SPOOLER, STATISTICS"],
        &["HELP COLLECT CPU"],
    ] {
        shown.push_str(&format!("$ {words:?}\n{}\n", run_with(&world(), words, false, "")));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn doors_stand_apart_from_collectors() {
    let world = world();
    let text = |name: &str, value: &str| ObjectAttribute::of(name, Value::Text(value.to_owned()));
    world.borrow_mut().doors.push(ObjectStatus {
        class: ObjectClass::Door,
        name: "lpd1".parse().unwrap(),
        attributes: vec![
            text("door-kind", "lpd"),
            text("door-state", "ready at 127.0.0.1:515"),
            text("door-listen", "127.0.0.1:515"),
            ObjectAttribute::of("door-jobs-accepted", Value::Integer(7)),
        ],
    });
    let listed = run_with(&world, &["COLLECT"], false, "").out;
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let gap = rows.iter().position(Vec::is_empty).unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(rows[gap + 1], ["DOOR", "STATE", "KIND", "TAKEN", "REFUSED", "LISTENS", "TO"]);
    assert_eq!(rows[gap + 2], ["$lpd1", "READY", "lpd", "7", "0", "127.0.0.1:515", "*"]);
    let shown = run_with(&world, &["COLLECT $LPD1, STATUS DETAIL"], false, "");
    assert!(shown.out.contains("ready at 127.0.0.1:515"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&run_with(&world, &["--json", "COLLECT"], false, "").out).unwrap();
    assert_eq!(json.as_array().unwrap().last().unwrap()["door"], "$lpd1");
}

#[test]
fn refused_with_its_place() {
    let mut shown = String::new();
    for line in [
        "COLLECT $S, CPU 99",
        "COLLECT $S, UNIT 1",
        "COLLECT $S, DEBUG PERHAPS",
        "COLLECT, START",
        "COLLECT $S, SUMMARY",
        "DEV $LP1, SUMMARY",
        "PRINT $SPLA, SUMMARY",
        "JOB 7, SUMMARY",
        "COLLECT $NIX",
        "PRINT $NIX, XREF",
        "SPOOLER, STAT",
        "C",
        "JOB (STAT X)",
        "JOB (ST H, D FROM)",
        "DEV $LP1, HEADER O",
        "DEV $LP1, DEVTYPE 55",
        "SPOOLER, ERRLOG $A.B",
        "SPOOLER, DUMP $0",
    ] {
        let (changes, ran) = typed(line);
        assert!(changes.is_empty() && ran.exit != Exit::Done, "{line}: {ran}");
        shown.push_str(&format!("$ {line}\n{ran}\n"));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn the_words_of_a_collector_are_one_change_with_one_warning_each() {
    let (changes, ran) =
        typed("COLLECT $S, FILE $SYSTEM.SYSTEM.CSPOOL, DATA $DATA1.SPOOL.SDATA, CPU %1, CPU 0, DEBUG OFF");
    let kept = |word: &str, value: &str| CollectorChange::Kept(KeptWord { word: word.into(), value: value.into() });
    assert_eq!(
        changes,
        [Request::ChangeCollector {
            name: "S".parse().unwrap(),
            changes: vec![
                CollectorChange::File("$SYSTEM.SYSTEM.CSPOOL".into()),
                kept("DATA", "$DATA1.SPOOL.SDATA"),
                kept("CPU", "%1"),
                kept("CPU", "0"),
                kept("DEBUG", "OFF"),
            ],
        }]
    );
    assert_eq!((ran.exit, ran.err.lines().count()), (Exit::Done, 2), "{ran}");
    assert!(ran.err.lines().all(|line| line.starts_with("WARNING: ")), "{ran}");
}

#[test]
fn only_an_attribute_declares_a_collector() {
    let world = world();
    for (line, intent) in [
        ("COLLECT", Intent::Read),
        ("COLLECT, SUMMARY", Intent::Read),
        ("COLLECT $S, LISTOPENS", Intent::Read),
        ("COLLECT $S, START", Intent::Write),
        ("COLLECT $S, DRAIN, CPU 0", Intent::Declare),
    ] {
        world.borrow_mut().opened.clear();
        assert_eq!(run_with(&world, &[line], false, "").exit, Exit::Done, "{line}");
        assert_eq!(world.borrow().opened, [(None, intent)], "{line}");
    }
}

#[test]
fn a_word_may_be_abbreviated_but_not_among_the_words_of_a_shell() {
    for (short, long) in [
        ("DEV $OLD, EXC OF !, FOR A 4, HEA B", "DEV $OLD, EXCLUSIVE OFF!, FORM A 4, HEADER BATCH"),
        ("L P02, DEV", "LOC P02, DEV"),
        ("SP, STAR", "SPOOLER, START"),
        ("COL $S, DR", "COLLECT $S, DRAIN"),
        ("JOB 31, DEL !", "JOB 31, DELETE!"),
    ] {
        let (short_changes, ran) = typed(short);
        assert_eq!(short_changes, typed(long).0, "{short}: {ran}");
        assert!(!short_changes.is_empty(), "{short}: {ran}");
    }
    let (_, whole) = typed("JOB, STATUS DETAIL");
    assert_eq!(typed("J, STAT D").1.out, whole.out);
    let world = world();
    let ran = run_with(&world, &["SP,", "STAR"], false, "");
    assert!(ran.exit == Exit::Usage && world.borrow().changes.is_empty(), "{ran}");
}

#[test]
fn a_line_goes_on_behind_an_ampersand_and_a_message_has_the_number_of_its_first() {
    let world = world();
    let file = "COMMENT never &\nDEV $OLD, &\n  SPEED %1130, \\\n&\n FORM A\nDEV $OLD, &\n SPED 5\nDEV $OLD, FIFO &";
    let file = file.replace("\\\n", "");
    let ran = run_with(&world, &[], false, &file);
    let changes: Vec<Vec<DeviceChange>> = world
        .borrow()
        .changes
        .iter()
        .map(|request| match request {
            Request::ChangeDevice { changes, .. } => changes.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let first = vec![DeviceChange::Speed(600), DeviceChange::Form("A".into())];
    assert_eq!(changes, [first, vec![DeviceChange::Fifo(true)]], "{ran}");
    assert!(ran.err.contains("  line 5: DEV $OLD,   SPED 5\n"), "{ran}");
    let (changes, ran) = typed("DEV $OLD, &\nSPEED 600");
    assert_eq!((changes.len(), ran.exit), (1, Exit::Done), "{ran}");
}

#[test]
fn a_group_alone_is_its_destination_default_where_one_is_needed() {
    let pattern = |text: &str| text.parse::<LocationPattern>().unwrap();
    for (line, meant) in
        [("LOC #NEW, DEV $LP1", "#NEW.DEFAULT"), ("LOC #NEW, DEV", "#NEW.DEFAULT"), ("LOC NEW, DEV", "NEW")]
    {
        match &typed(line).0[..] {
            [Request::RouteLocation { pattern: found, .. }] => assert_eq!(*found, pattern(meant), "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    let (changes, _) = typed("LOC #OFFICE, BROADCAST ON");
    assert_eq!(changes, [Request::SetBroadcast { group: "OFFICE".parse().unwrap(), on: true }]);
}

#[test]
fn a_job_number_may_be_octal() {
    let world = world();
    assert_eq!(run_with(&world, &["JOB %37"], false, "").out, run_with(&world, &["JOB 31"], false, "").out);
    assert_eq!(run_with(&world, &["JOB -7"], false, "").exit, Exit::Usage);
}

#[test]
fn output_that_no_collector_takes_is_refused_with_the_error_of_the_file_system() {
    let world = world();
    let ran = run_with(&world, &["DEV, STATUS / OUT $S1.#OFFICE.FRONT /"], false, "");
    assert!(ran.err.starts_with("CAN'T SPOOLSTART 'OUT' FILE: 43\n") && ran.out.is_empty(), "{ran}");
    assert_eq!(ran.exit, Exit::Failed);
}

#[test]
fn messages_come_into_the_output_file_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let world = world();
    world.borrow_mut().devices = vec![device("LP1", DeviceState::Offline)];
    world.borrow_mut().failure = Some(Failure::new(FailureKind::State, "not now"));
    let words = [&format!("--out={}", path.display()), "DEV; COLLECT $S, CPU 0; SPOOLER, DRAIN; DEV, SUMMARY"];
    let ran = run_with(&world, &words, false, "");
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(ran.out.is_empty(), "{ran}");
    let order: Vec<usize> = ["OFFLINE", "WARNING: CPU 0", "not now", "COMMAND CANNOT BE", "WAITING  BUSY"]
        .iter()
        .map(|text| log.find(text).unwrap_or_else(|| panic!("{text}: {log}")))
        .collect();
    assert!(order.is_sorted(), "in the order in which it happened: {log}");
    assert!(ran.err.contains("WARNING: CPU 0") && ran.err.contains("COMMAND CANNOT BE"), "{ran}");
}
