use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::fake::{World, device, job, number, run_with, waits, world};
use crate::commands::shell::{Exit, Intent};
use crate::commands::spoolcom::language::grammar::{GRAMMAR, ObjectKind, Operand, Row, Stage};
use crate::commands::spoolcom::language::keywords::{Key, Verb};
use crate::commands::spoolcom::verbs::states::{device_allows, job_allows};
use crate::model::device::{DeviceChange, Exclusive};
use crate::model::lifetime::Retention;
use crate::model::process::ProcessChange;
use crate::model::state::{DeviceState, DeviceWish, HoldReasons, JobState, ProcessState};
use crate::model::{Failure, FailureKind, JobRef, LocationPattern};
use crate::spool::interface::operations::Request;

fn run(world: &Rc<RefCell<World>>, words: &[&str]) -> super::fake::Ran {
    run_with(world, words, false, "")
}

fn changes(world: &Rc<RefCell<World>>) -> Vec<Request> {
    world.borrow().changes.clone()
}

#[test]
fn the_first_steps_of_the_readme_declare_everything_in_order_and_open_the_spool_once() {
    let world = Rc::new(RefCell::new(World::default()));
    let line = "PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI file:///tmp/lp1.out; \
                LOC #OFFICE.FRONT, DEV $LP1; SPOOLER, START";
    let ran = run(&world, &[line]);
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (Exit::Done, "", ""));
    assert_eq!(world.borrow().opened, [(None, Intent::Declare)]);
    assert_eq!(
        changes(&world),
        [
            Request::ChangeProcess {
                name: "SPLA".parse().unwrap(),
                changes: vec![ProcessChange::File("fastp".into())]
            },
            Request::ChangeDevice {
                name: "LP1".parse().unwrap(),
                changes: vec![
                    DeviceChange::Process("SPLA".parse().unwrap()),
                    DeviceChange::Uri("file:///tmp/lp1.out".parse().unwrap())
                ],
            },
            Request::RouteLocation { pattern: "#OFFICE.FRONT".parse().unwrap(), device: Some("LP1".parse().unwrap()) },
            Request::StartSpooler {},
        ]
    );
}

#[test]
fn attributes_before_and_after_an_action_are_changes_of_their_own() {
    let world = world();
    let offline = device("LP1", DeviceState::Offline);
    world.borrow_mut().waits = vec![device("LP1", DeviceState::Printing(number(7))), offline];
    world.borrow_mut().waits[0].wish = DeviceWish::Draining;
    // The fake keeps its state; what follows the drain is refused by the table, so look at the requests so far.
    let ran = run_with(&world, &["DEV lp1, DRAIN"], true, "");
    assert_eq!(ran.exit, Exit::Done);
    let line = "\r$LP1: JOB 7, document 1, copy 1, 4096 of 12000 octets (34%); Ctrl-C ends the";
    assert!(ran.err.starts_with(line) && ran.err.ends_with(" \r") && !ran.err.contains('\n'), "{:?}", ran.err);
    assert_eq!(changes(&world).len(), 1);
    world.borrow_mut().changes.clear();
    run(&world, &["DEV old, EXCLUSIVE OFF!, FIFO, START, FORM x"]);
    let name: crate::model::DeviceName = "old".parse().unwrap();
    assert_eq!(
        changes(&world),
        [
            Request::ChangeDevice {
                name: name.clone(),
                changes: vec![DeviceChange::Exclusive(Exclusive::OffEach), DeviceChange::Fifo(true)]
            },
            Request::StartDevice { name: name.clone() },
            Request::ChangeDevice { name, changes: vec![DeviceChange::Form("x".into())] },
        ]
    );
}

#[test]
fn a_drain_that_is_not_to_wait_does_not_and_one_that_was_undone_says_so() {
    let world = world();
    assert_eq!(run(&world, &["--no-wait", "DEV", "lp1,", "DRAIN"]).exit, Exit::Done);
    world.borrow_mut().waits = vec![device("LP1", DeviceState::Printing(number(8)))];
    let ran = run(&world, &["DEV lp1, DRAIN"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(
        ran.err.starts_with("INVALID OPERATION IN CURRENT STATE\n  DEV lp1, DRAIN: $LP1 was started again"),
        "{}",
        ran.err
    );
}

#[test]
fn a_drain_can_be_taken_back_while_the_job_still_prints() {
    let world = world();
    world.borrow_mut().devices[1].wish = DeviceWish::Draining;
    assert_eq!(run(&world, &["DEV lp1, START"]).exit, Exit::Done);
}

const REFUSED: &[&[&str]] = &[
    &[""],
    &["JOB", "", "DELETE"],
    &["JOB", ",", "DELETE"],
    &["DEV", ",", "START"],
    &["LOC , DELETE"],
    &["PRINT , FILE fastp"],
    &["LOC", "x,", "DEV"],
    &["DEV", "x,", "FORM"],
    &["DEV -x, START"],
    &["DEV _x, START"],
    &["DEV .x, START"],
    &["DEV lp1, SPEED 0"],
    &["DEV lp1, SPEED 32768"],
    &["DEV lp1, SPEED x"],
    &["DEV lp1, TIMEOUT 0"],
    &["DEV lp1, PARM 65536"],
    &["DEV lp1, URI lp"],
    &["DEV lp1, URI"],
    &["DEV lp1, FORM a-b"],
    &["DEV lp1, FORM ABCDEFGHIJKLMNOPQ"],
    &["DEV lp1, HEADER TWICE"],
    &["DEV lp1, STARTFF BATCH"],
    &["DEV lp1, ENDFF OFF!"],
    &["DEV lp1, WIDTH 0"],
    &["DEV lp1, WIDTH"],
    &["DEV lp1, EXCLUSIVE MAYBE"],
    &["DEV lp1, FIFO OFF!"],
    &["DEV lp1, CLEAR NOW"],
    &["DEV lp1, SUSPEND x"],
    &["DEV lp1, RESTART 9"],
    &["DEV lp1, RESTART -1"],
    &["DEV , SUSPEND"],
    &["DEV lp1, STRAT"],
    &["DEV lp1 START"],
    &["DEV lp1,"],
    &["DEV lp1, START, START (x)"],
    &["DEV lp1, START; LOC", "(x)"],
    &["DEV lp1, START; JOB (STATE X)"],
    &["LOC #G.D, BROADCAST"],
    &["LOC d, DELETE"],
    &["LOC #G.D, FONT no-name"],
    &["LOC a.b.c, DEV lp1"],
    &["JOB x, DELETE"],
    &["JOB 0, DELETE"],
    &["JOB 10000000, DELETE"],
    &["JOB 5, COPIES 0"],
    &["JOB 5, SELPRI 8"],
    &["JOB 5, FORM a-b"],
    &["JOB", "5,", "LOC"],
    &["JOB", "5,", "FORM"],
    &["JOB", "5,", "REPORT"],
    &["JOB", "5,", "OWNER"],
    &["JOB 5, OWNER 1,x"],
    &["JOB 5, LOC a.b.c"],
    &["JOB , COPIES 2"],
    &["JOB (), DELETE"],
    &["JOB (OWNER", "), DELETE"],
    &["JOB (DATE 10:00), DELETE"],
    &["JOB (DATE FROM 21 NOV 2026, 10:00 THRU x), DELETE"],
    &["JOB (DATE THRU 1 2 3, FORM A), DELETE"],
    &["JOB --state print HOLD"],
    &["DEV --json"],
    &["JOB 5, DELETE\nDEV (x"],
    &["JOB 5, DELETE", "\nDEV"],
    &["JOB 5, DELETE \u{1b}[1m"],
    &["BATCH x, DELETE"],
    &["FONT a-b, JOB 5"],
    &["FC"],
    &["HELP NIX"],
    &["HELP DEV STRAT"],
    &["HELP DEV START NOW"],
    &["OPEN"],
    &["DEV lp1, START; FC"],
    &["EXIT NOW"],
    &["DEV 'lp1, START"],
    &["FROB"],
    &["--frob", "JOB"],
    &["--in"],
    &["--in", "", "JOB"],
    &["--in", "/nonexistent/file"],
    &["--in", "-", "JOB"],
    &["--out", "/nonexistent/file", "JOB"],
];

#[test]
fn what_is_refused_changes_nothing_and_opens_nothing() {
    let mut shown = String::new();
    for words in REFUSED {
        let world = world();
        let ran = run(&world, words);
        // A file that is not there is no mistake of the command line.
        let wanted = if words.contains(&"/nonexistent/file") { Exit::Failed } else { Exit::Usage };
        assert_eq!(ran.exit, wanted, "{words:?}\n{ran}");
        assert!(world.borrow().opened.is_empty() && changes(&world).is_empty(), "{words:?}");
        assert_eq!(ran.out, "", "{words:?}");
        shown.push_str(&format!("$ {words:?}\n{}\n", ran.err));
    }
    insta::assert_snapshot!("refused", shown);
}

#[test]
fn what_shells_leave_over_is_understood() {
    let accepted: &[(&[&str], usize)] = &[
        (&["DEV", r"\$OLD,", "EXCLUSIVE", r"OFF\!"], 1),
        (&["dev", "old,", "parm", "0o2000,", "start"], 2),
        (&["JOB", "--state", "hold", "--owner", "ann,", "DELETE", "!"], 3),
        (&["LOC", "office.front,", "dev", "none"], 1),
        (&["$SPLS", ";", "SPOOLER,", "START"], 1),
        (&[r"\$SPLS; SPOOLER, START; EXIT; SPOOLER, DRAIN"], 1),
        (&[";SPOOLER, START"], 1),
        (&["SPOOLER, START\nCOMMENT don't; (\n/* 'x\nSPOOLER, DRAIN"], 2),
        (&["LOC office.front, DEV"], 1),
        (&["LOC lab.one, DEV; SPOOLER, START"], 2),
    ];
    for (words, count) in accepted {
        let world = world();
        // A held job may be deleted and started; all three are.
        world.borrow_mut().jobs = vec![job(1, JobState::Held), job(2, JobState::Held), job(3, JobState::Held)];
        let ran = run(&world, words);
        assert_eq!((ran.exit, changes(&world).len()), (Exit::Done, *count), "{words:?}\n{ran}");
    }
}

#[test]
fn another_supervisor_is_not_reached() {
    for name in ["$X", r"\EAST.$SPLS", r"\EAST", r"\acme1.$X"] {
        let world = world();
        let ran = run(&world, &[&format!("{name}; SPOOLER, DRAIN")]);
        assert_eq!(ran.exit, Exit::Unreachable);
        assert!(ran.err.starts_with("SPOOLER OPEN ERROR 14\n"), "{}", ran.err);
        assert!(changes(&world).is_empty());
    }
    for name in [r"\acme1.$SPLS", r"\ACME1"] {
        let world = world();
        assert_eq!(run(&world, &[&format!("{name}; SPOOLER, DRAIN")]).exit, Exit::Done);
        assert_eq!(changes(&world), [Request::DrainSpooler {}]);
    }
}

#[test]
fn the_spool_is_opened_for_what_is_intended() {
    for (line, intent) in [
        ("DEV", Some(Intent::Read)),
        ("JOB; LOC; PRINT; SPOOLER", Some(Intent::Read)),
        ("DEV old, START; DEV", Some(Intent::Write)),
        ("JOB 31, START", Some(Intent::Write)),
        ("LOC front, DEV lp1", Some(Intent::Write)),
        ("LOC a.b, DEV lp1", Some(Intent::Declare)),
        ("PRINT x, PARM 1; JOB", Some(Intent::Declare)),
        ("HELP; COMMENT x; EXIT", None),
    ] {
        let world = world();
        run(&world, &["--spooler", "/base", line]);
        let opened: Vec<_> = intent.map(|intent| (Some("/base".to_owned()), intent)).into_iter().collect();
        assert_eq!(world.borrow().opened, opened, "{line}");
    }
}

#[test]
fn a_spool_that_cannot_be_opened_ends_with_3_and_changes_nothing() {
    let world = world();
    world.borrow_mut().closed = Some(Failure::new(FailureKind::Security, "the base belongs to another user"));
    let ran = run(&world, &["SPOOLER, START; JOB 31, DELETE"]);
    insta::assert_snapshot!("closed", ran);
}

#[test]
fn a_command_ends_at_the_subcommand_that_fails_and_the_next_one_is_executed() {
    let world = world();
    let ran = run(&world, &["DEV nix, START, FORM x; SPOOLER, START; DEV lp1, SPEED 5; JOB 99"]);
    assert_eq!(changes(&world), [Request::StartSpooler {}]);
    insta::assert_snapshot!("go_on", ran);
}

#[test]
fn failures_of_the_spool_have_the_texts_of_the_manual() {
    use FailureKind as K;
    let mut shown = String::new();
    let kinds = [
        K::NotFound,
        K::Ambiguous,
        K::InUse,
        K::Security,
        K::State,
        K::BadValue,
        K::Unsupported,
        K::Full,
        K::Unreachable,
        K::Unknown,
        K::Timeout,
        K::Io,
        K::Internal,
    ];
    for kind in kinds {
        for line in ["DEV old, DELETE", "JOB 31, DELETE", "SPOOLER, START"] {
            let world = world();
            world.borrow_mut().failure = Some(Failure::new(kind, "the cause").hint("what helps"));
            let ran = run(&world, &[line]);
            assert_eq!(ran.exit, if kind == K::Unreachable { Exit::Unreachable } else { Exit::Failed });
            shown.push_str(&format!("{kind:?}: {}", ran.err));
        }
    }
    insta::assert_snapshot!("failures", shown);
}

/// Each implemented subcommand of DEV in each state: executed where the table has an x, refused elsewhere.
#[test]
fn every_cell_of_the_device_table_holds() {
    let states = [
        DeviceState::Offline,
        DeviceState::Printing(number(7)),
        DeviceState::Waiting,
        DeviceState::Suspended,
        DeviceState::DevError(100),
        DeviceState::ProcError,
    ];
    let subcommands = [
        (Key::Start, "START", "xxxxxx"),
        (Key::Drain, "DRAIN", "xxxxxx"),
        (Key::Suspend, "SUSPEND", "-x-xx-"),
        (Key::Delete, "DELETE", "x-----"),
        (Key::Status, "STATUS", "xxxxxx"),
        (Key::Process, "PROCESS $SPLB", "x-----"),
        (Key::Uri, "URI null:", "x-----"),
        (Key::Form, "FORM A", "x-----"),
        (Key::Speed, "SPEED 5", "x-----"),
        (Key::Exclusive, "EXCLUSIVE", "x-----"),
        (Key::Fifo, "FIFO", "x-----"),
        (Key::Retry, "RETRY 9", "x-----"),
        (Key::Restart, "RESTART", "x-----"),
        (Key::Restart, "RESTART 600", "x-----"),
        (Key::Timeout, "TIMEOUT 7", "x-----"),
        (Key::Header, "HEADER OFF", "x-----"),
        (Key::Header, "HEADER", "xxxxxx"),
        (Key::Header, "HEADER BATCH", "x-----"),
        (Key::StartFf, "STARTFF OFF !", "x-----"),
        (Key::EndFf, "ENDFF ON", "x-----"),
        (Key::Delivery, "DELIVERY ASK", "x-----"),
        (Key::Attempts, "ATTEMPTS 3", "x-----"),
        (Key::Width, "WIDTH 80", "x-----"),
        (Key::Parm, "PARM %2000", "x-----"),
    ];
    for (key, text, row) in subcommands {
        for (state, cell) in states.iter().zip(row.chars()) {
            let world = world();
            world.borrow_mut().devices = vec![device("LP1", state.clone())];
            let ran = run(&world, &["--no-wait", &format!("DEV $LP1, {text}")]);
            let allowed = cell == 'x';
            // The same value again is no change, so no state refuses it.
            assert!(text == "HEADER" || device_allows(key, state) == allowed, "{text} {state}");
            assert_eq!(ran.exit == Exit::Done, allowed, "{text} {state}\n{ran}");
            assert_eq!(changes(&world).len(), usize::from(allowed && key != Key::Status), "{text} {state}");
            assert!(allowed || ran.err.starts_with("INVALID OPERATION IN CURRENT STATE\n"), "{}", ran.err);
        }
    }
}

/// Each implemented subcommand of JOB in each state.
#[test]
fn every_cell_of_the_job_table_holds() {
    use JobState as S;
    let states = [S::Held, S::Paused, S::Retained, S::Printing, S::Terminating, S::Ready, S::Open];
    for (key, text, row) in [
        (Key::Start, "START", "xxx----"),
        (Key::Delete, "DELETE", "xxxxxx-"),
        (Key::Hold, "HOLD", "xxxx-x-"),
        (Key::Status, "STATUS", "xxxxxxx"),
        (Key::Copies, "COPIES 2", "xxx----"),
        (Key::Form, "FORM A", "xxx----"),
        (Key::HoldAfter, "HOLDAFTER", "xxxxxxx"),
        (Key::Loc, "LOC #A.B", "xxx----"),
        (Key::Owner, "OWNER 0,0", "xxx----"),
        (Key::Report, "REPORT X Y", "xxx----"),
        (Key::SelPri, "SELPRI 3", "xxx----"),
    ] {
        for (state, cell) in states.into_iter().zip(row.chars()) {
            for object in ["5", "(STATE HOLD)"] {
                let world = world();
                world.borrow_mut().jobs = vec![job(5, state)];
                let ran = run(&world, &[&format!("JOB {object}, {text}")]);
                let allowed = cell == 'x';
                assert_eq!(job_allows(key, state), allowed, "{key:?} {state:?}");
                assert_eq!(ran.exit == Exit::Done, allowed, "{key:?} {state:?}\n{ran}");
                assert_eq!(changes(&world).len(), usize::from(allowed && key != Key::Status));
                assert!(allowed || ran.err.starts_with("JOB 5 INVALID OPERATION IN CURRENT STATE\n"), "{}", ran.err);
            }
        }
    }
}

/// A value that may follow a subcommand.
fn some_operand(row: &Row) -> String {
    match (row.key, row.operand) {
        (Key::Uri, _) => "null:".into(),
        (Key::Unlink, _) => "5".into(),
        (Key::Access, _) => "SUBMIT ann".into(),
        (Key::UserJobs | Key::UserOctets | Key::UserOpens | Key::Reserve, _) => "5".into(),
        (_, Operand::None | Operand::Bang | Operand::Display) => String::new(),
        (_, Operand::Switch | Operand::SwitchBang | Operand::SwitchOrNumber(..)) => "ON".into(),
        (_, Operand::Number(_, high)) => high.to_string(),
        (_, Operand::Name | Operand::Text | Operand::OptionalText) => "A".into(),
        (_, Operand::OptionalName) => "NONE".into(),
        (_, Operand::Pair) => "pdf A".into(),
        (_, Operand::OneOf(words)) => words[0].into(),
        (_, Operand::Owner) => "0,0".into(),
        (_, Operand::Jobs) => "5".into(),
    }
}

/// Spools whose objects are in all their states.
fn worlds() -> Vec<Rc<RefCell<World>>> {
    use JobState as S;
    let states = [DeviceState::Offline, DeviceState::Printing(number(7)), DeviceState::Waiting];
    let of_devices = states.map(|state| {
        let world = world();
        world.borrow_mut().devices = vec![device("LP1", state)];
        world
    });
    let of_jobs = [S::Held, S::Printing, S::Ready].map(|state| {
        let world = world();
        world.borrow_mut().jobs = vec![job(5, state)];
        world
    });
    of_devices.into_iter().chain(of_jobs).collect()
}

/// Whether `line` is carried out on one of the spools, and changes it or shows something.
fn does_something(line: &str) -> bool {
    worlds().iter().any(|world| {
        let ran = run(world, &["--no-wait", line]);
        ran.exit == Exit::Done && (!ran.out.is_empty() || !changes(world).is_empty())
    })
}

#[test]
fn every_subcommand_that_the_grammar_calls_available_does_something() {
    let mut count = 0;
    // What ADD makes takes a spool: tests/add.rs.
    for grammar in GRAMMAR.iter().filter(|grammar| grammar.verb != Verb::Add) {
        let objects: &[&str] = match grammar.object {
            ObjectKind::Jobs => &["5", ""],
            ObjectKind::Name if grammar.verb == Verb::Loc => &["#OFFICE.FRONT", "#OFFICE"],
            ObjectKind::Name if grammar.verb == Verb::Print => &["$SPLA", ""],
            ObjectKind::Name if grammar.verb == Verb::Collect => &["$S", ""],
            ObjectKind::Name if grammar.verb == Verb::Font => &["LOGO"],
            ObjectKind::Name if grammar.verb == Verb::Batch => &["301"],
            ObjectKind::Name => &["$LP1", ""],
            ObjectKind::Nothing | ObjectKind::Comment | ObjectKind::Words => &[""],
        };
        // REBUILD needs a spool on disk: tests/collectors.rs.
        // CURRENT and NEXT say what a later command means: tests/spoolers.rs.
        let elsewhere = |key: Key| matches!(key, Key::Rebuild | Key::Current | Key::Next);
        for row in grammar.rows.iter().filter(|row| row.stage == Stage::Now && !elsewhere(row.key)) {
            let (verb, key, operand) = (grammar.verb.word(), row.key.word(), some_operand(row));
            let line = |object: &&str| does_something(&format!("{verb} {object}, {key} {operand}"));
            assert!(objects.iter().any(line), "{verb}, {key} {operand} does nothing");
            count += 1;
        }
    }
    assert!(count >= 45, "{count}");
}

#[test]
fn every_command_that_the_grammar_calls_available_does_something() {
    for grammar in GRAMMAR {
        let word = grammar.verb.word();
        match grammar.verb {
            // It is for people.
            Verb::Comment => {}
            Verb::Exit => assert!(!does_something("EXIT; DEV"), "what follows is not executed"),
            // It needs a name, and what it makes takes a spool: tests/add.rs.
            Verb::Add => assert_eq!(run(&world(), &[word]).exit, Exit::Usage),
            // What it finds takes a spool that has trouble: tests/health.rs.
            Verb::Check => {}
            // What it finds takes a spool in which something happened: tests/night_desk.rs.
            Verb::Log => {}
            // It is a program of its own, for a terminal: crates/spoolwatch.
            Verb::Watch => assert_eq!(run(&world(), &[word]).exit, Exit::Usage),
            // Only the prompt knows an earlier command; its own tests show what it does.
            Verb::Fc => assert_eq!(run(&world(), &[word]).exit, Exit::Usage),
            Verb::Open => {
                let world = world();
                run(&world, &["OPEN $SPLS"]);
                assert_eq!(world.borrow().opened, [(None, Intent::Read)]);
            }
            Verb::Batch
            | Verb::Collect
            | Verb::Dev
            | Verb::Font
            | Verb::Help
            | Verb::Job
            | Verb::Loc
            | Verb::Print
            | Verb::Spooler => assert!(does_something(word), "{word}"),
        }
    }
}

#[test]
fn a_list_of_jobs_is_found_once_and_each_failure_is_named() {
    let world = world();
    let ran = run(&world, &["JOB (OWNER ann), START, HOLD"]);
    assert_eq!(changes(&world), [Request::StartJob { job: JobRef::Number(number(31)) }]);
    insta::assert_snapshot!("list_of_jobs", ran);
    let ran = run(&world, &["JOB 31, DELETE, STATUS"]);
    assert!(ran.err.starts_with("JOB 31 NOT FOUND\n"), "{}", ran.err);
}

#[test]
fn what_still_holds_a_started_job_is_said() {
    let world = world();
    world.borrow_mut().remaining = HoldReasons(8);
    let ran = run(&world, &["JOB 31, START"]);
    assert_eq!(ran.exit, Exit::Done);
    assert_eq!(ran.err, "WARNING: JOB 31 REMAINS ON HOLD\n  waits for release at a station\n");
}

#[test]
fn displays() {
    let mut shown = String::new();
    for words in [
        &["DEV"][..],
        &["DEV lp1"],
        &["DEV fast.#tray2"],
        &["DEV $LP1, STATUS DETAIL"],
        &["DEV fast.#tray2, STATUS DETAIL"],
        &["PRINT"],
        &["PRINT $SPLA, STATUS DETAIL"],
        &["LOC"],
        &["LOC front"],
        &["LOC office.frnt"],
        &["LOC #office, STATUS DETAIL"],
        &["JOB"],
        &["JOB 7"],
        &["JOB 2"],
        &["JOB 31"],
        &["JOB 31, STATUS DETAIL"],
        &["SPOOLER"],
        &["SPOOLER, STATUS DETAIL"],
        &["DEV", "--json"],
        &["DEV lp1", "--json"],
        &["PRINT spla", "--json"],
        &["--json", "LOC"],
        &["--json", "JOB", "7"],
        &["JOB 31; SPOOLER", "--json"],
        &["HELP"],
        &["HELP dev"],
        &["HELP dev exclusive"],
        &["HELP print cpu"],
        &["HELP collect"],
    ] {
        let world = world();
        world.borrow_mut().devices[1].process_state = ProcessState::Dead;
        shown.push_str(&format!("$ {words:?}\n{}\n", run_with(&world, words, true, "")));
        assert!(changes(&world).is_empty());
    }
    insta::assert_snapshot!("displays", shown);
}

#[test]
fn a_device_shows_what_comes_next_and_no_empty_tables() {
    let world = world();
    world.borrow_mut().queue = (1..=25).map(|n| waits(n, Some(n))).collect();
    for waiting in [25, 1001] {
        world.borrow_mut().devices[1].waiting = waiting;
        let out = run(&world, &["DEV lp1"]).out;
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2 + 3 + 2 + 10 + 1, "{out}");
        assert!(lines[7].starts_with("  1") && lines[7].ends_with("BEGUN HERE"), "{out}");
        assert!(lines[8].ends_with("BROADCAST") && lines[9].ends_with("#OFFICE.FRONT"), "{out}");
        let more = if waiting == 25 { "… AND 15 MORE" } else { "… AND MORE; MORE THAN 1000 WAIT" };
        assert_eq!(lines[17], more);
    }
    world.borrow_mut().queue.clear();
    world.borrow_mut().devices[2].waiting = 0;
    assert_eq!(run(&world, &["DEV old"]).out.lines().count(), 2);
}

#[test]
fn hints_that_nobody_asked_for_are_for_terminals() {
    let world = world();
    assert_eq!(run(&world, &["DEV"]).err, "");
    assert!(run_with(&world, &["DEV"], true, "").err.contains("hint: all devices"));
    assert!(!run_with(&world, &["--in", "-"], true, "DEV\n").err.contains("hint"));
}

#[test]
fn listings_of_any_length_come_in_pages() {
    let world = world();
    world.borrow_mut().devices = (0..2500).map(|n| device(&format!("D{n:04}"), DeviceState::Offline)).collect();
    world.borrow_mut().jobs = (1..=2500).map(|n| job(n, JobState::Ready)).collect();
    assert_eq!(run(&world, &["DEV"]).out.lines().count(), 2501);
    assert_eq!(run(&world, &["JOB"]).out.lines().count(), 2501);
    let list: Vec<serde_json::Value> = serde_json::from_str(&run(&world, &["JOB", "--json"]).out).unwrap();
    assert_eq!(list.len(), 2500);
    world.borrow_mut().jobs.clear();
    assert_eq!(run(&world, &["JOB", "--json"]).out, "[]\n");
    assert_eq!(run(&world, &["JOB"]).out.lines().count(), 1);
    assert_eq!(run(&world, &["JOB (STATE PRINT), HOLD"]).exit, Exit::Done);
}

#[test]
fn a_command_file_goes_on_after_a_mistake_and_ends_at_exit() {
    let world = world();
    let file = "/* set up\r\nDEV lp1, STRAT; SPOOLER, START\nDEV\nLOC x.y, DEV\nDEV nix, START\nEXIT\nSPOOLER, DRAIN\n";
    let ran = run_with(&world, &["--in", "-"], false, file);
    assert_eq!(
        changes(&world),
        [
            Request::StartSpooler {},
            Request::RouteLocation { pattern: "x.y".parse::<LocationPattern>().unwrap(), device: None }
        ]
    );
    let intents: Vec<Intent> = world.borrow().opened.iter().map(|opened| opened.1).collect();
    assert_eq!(intents, [Intent::Write, Intent::Declare]);
    insta::assert_snapshot!("command_file", ran);
}

#[test]
fn without_a_command_standard_input_is_a_command_file_unless_it_is_a_terminal() {
    for words in [&[][..], &["$SPLS"], &["--json"]] {
        let world = world();
        let ran = run_with(&world, words, true, "LOC front\nDEV x!\nEXIT\nDEV");
        assert_eq!(ran.exit, Exit::Failed, "some of it was carried out");
        assert!(ran.out.contains("#OFFICE.FRONT") && !ran.out.contains("$OLD") && !ran.out.contains(')'), "{ran}");
        assert!(ran.err.starts_with("SYNTAX ERROR\n  line 2: DEV x!\n               ^\n  expected"), "{ran}");
        assert_eq!(run_with(&world, words, true, "").exit, Exit::Done);
    }
}

#[test]
fn each_subcommand_is_its_operation() {
    let process = || "SPLA".parse().unwrap();
    let job = || JobRef::Number(number(31));
    for (line, request) in [
        ("PRINT spla, START", Request::StartProcess { name: process() }),
        ("PRINT $SPLA, DELETE", Request::DeleteProcess { name: process() }),
        ("PRINT spla, PARM -1", Request::ChangeProcess { name: process(), changes: vec![ProcessChange::Parm(0xffff)] }),
        ("DEV old, DELETE", Request::DeleteDevice { name: "old".parse().unwrap() }),
        (
            "DEV old, TIMEOUT -1",
            Request::ChangeDevice { name: "old".parse().unwrap(), changes: vec![DeviceChange::Timeout(-1)] },
        ),
        ("LOC #office, BROADCAST", Request::SetBroadcast { group: "office".parse().unwrap(), on: true }),
        ("LOC #office, BROADCAST OFF", Request::SetBroadcast { group: "office".parse().unwrap(), on: false }),
        ("LOC #office, DELETE", Request::DeleteLocation { pattern: "#office".parse().unwrap() }),
        ("LOC a.b, DEV NONE", Request::RouteLocation { pattern: "a.b".parse().unwrap(), device: None }),
        ("JOB 31, HOLD", Request::HoldJob { job: job() }),
        ("JOB 31, DELETE!", Request::DeleteJob { job: job(), message: None, retention: Some(Retention::Period(0)) }),
        ("SPOOLER, DRAIN", Request::DrainSpooler {}),
        ("SPOOLER, MGRACCESS", Request::SetManagerAccess { on: true }),
        ("SPOOLER, MGRACCESS OFF", Request::SetManagerAccess { on: false }),
    ] {
        let world = world();
        let ran = run(&world, &[line]);
        assert_eq!((ran.exit, changes(&world)), (Exit::Done, vec![request]), "{line}\n{ran}");
    }
    let world = world();
    assert_eq!(run(&world, &["LOC nowhere, DEV lp1"]).exit, Exit::Failed);
}

#[test]
fn the_spool_of_another_node_is_looked_at_and_never_opened_for_more() {
    for (line, opened) in
        [("\\ DEV lp1, DRAIN", 0), ("\\é DEV lp1, DRAIN", 0), ("\\elsewhere LOC #NEW.DEST, DEV lp1", 1)]
    {
        let world = world();
        let ran = run(&world, &[line]);
        assert_eq!(ran.exit, Exit::Unreachable, "{line}: {ran}");
        let world = world.borrow();
        assert!(world.opened.len() == opened && world.opened.iter().all(|one| one.1 == Intent::Read), "{line}");
        assert!(world.changes.is_empty(), "{line}");
    }
}

#[test]
fn a_line_without_end_is_refused() {
    let world = world();
    let ran =
        run_with(&world, &["--in", "-"], false, &format!("SPOOLER, START\n{}\nJOB 31, DELETE\n", "x".repeat(1 << 21)));
    assert_eq!(ran.exit, Exit::Failed, "the first line was carried out");
    assert!(ran.err.contains("line 2 is longer than"), "{}", ran.err);
    assert_eq!(changes(&world).len(), 1);
}

#[test]
fn what_is_changed_is_what_was_found_first() {
    let world = world();
    world.borrow_mut().jobs = vec![job(1, JobState::Held), job(2, JobState::Held)];
    let ran = run(&world, &["JOB (STATE HOLD), STATUS, DELETE, STATUS"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.err.starts_with("JOB 1 NOT FOUND\n"), "{}", ran.err);
    assert_eq!(changes(&world).len(), 2);
}

#[test]
fn out_files_are_made_and_added_to() {
    let world = world();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    let name = path.to_str().unwrap();
    assert_eq!(run(&world, &["--out", name, "PRINT; PRINT"]).out, "");
    let ran = run(&world, &[&format!("PRINT, STATUS /OUT {name}/ DETAIL; LOC")]);
    assert!(ran.out.starts_with("LOCATION") && !ran.out.contains("PRINT"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("PRINT  ").count(), 2, "{text}");
    assert!(text.contains("PRINT: $SPLA"));
}

#[test]
fn the_definition_is_sound() {
    super::definition().debug_assert();
    let ran = run(&world(), &["JOB", "--help"]);
    assert!(ran.exit == Exit::Done && ran.out.contains("Usage: spoolcom") && ran.err.is_empty());
}

proptest! {
    #[test]
    fn no_words_panic_and_what_is_refused_has_no_effect(
        words in prop::collection::vec(
            "DEV|JOB|LOC|PRINT|SPOOLER|HELP|EXIT|STATUS|START|DELETE|HOLD|DRAIN|URI null:|FORM|PARM 1|DETAIL|\\$OLD|lp1|31|\
             #OFFICE\\.FRONT|--json|--state|print|NONE|,|,|,|;|\\(|\\)|!|'|OWNER|COMMENT|-3|%7|é|\\$SPLS|--no-wait|\\PC{0,6}", 0..12),
        joined: bool,
    ) {
        let world = world();
        let line = words.join(" ");
        let words: Vec<&str> = if joined { vec![&line] } else { words.iter().map(String::as_str).collect() };
        // Files are not opened here.
        prop_assume!(!line.contains("--in") && !line.contains("--out") && !line.contains('/'));
        let ran = run_with(&world, &[&["--no-wait"], &words[..]].concat(), false, "");
        let world = world.borrow();
        if matches!(ran.exit, Exit::Usage | Exit::Unreachable) {
            prop_assert!(world.changes.is_empty() && world.opened.is_empty());
            prop_assert!(!ran.err.is_empty());
        }
        let declares = |request: &Request| matches!(request,
            Request::ChangeDevice { .. } | Request::ChangeProcess { .. } | Request::RouteLocation { .. });
        if world.opened.iter().all(|opened| opened.1 == Intent::Read) {
            prop_assert!(world.changes.is_empty());
        } else if world.opened.iter().all(|opened| opened.1 == Intent::Write) {
            prop_assert!(!world.changes.iter().any(declares));
        }
    }
}

#[test]
fn a_byte_order_mark_at_the_head_of_a_command_file_is_skipped() {
    let world = world();
    assert_eq!(run_with(&world, &["--in", "-"], false, "\u{feff}SPOOLER, START\n").exit, Exit::Done);
}

/// Every cell of the state tables, as typed: what a state forbids changes nothing and is refused for that reason alone.
#[test]
fn every_cell_of_the_state_tables_is_what_a_command_meets() {
    let forbidden = "INVALID OPERATION IN CURRENT STATE";
    let states = [
        DeviceState::Offline,
        DeviceState::Printing(number(7)),
        DeviceState::Aligning,
        DeviceState::Waiting,
        DeviceState::Suspended,
        DeviceState::DevError(100),
        DeviceState::ProcError,
    ];
    let mut cells = 0;
    for row in Verb::Dev.grammar().rows.iter().filter(|row| row.stage == Stage::Now) {
        for state in &states {
            let world = world();
            world.borrow_mut().devices = vec![device("LP1", state.clone())];
            let line = format!("DEV $LP1, {} {}", row.key.word(), some_operand(row));
            let ran = run(&world, &["--no-wait", &line]);
            let allowed = device_allows(row.key, state);
            // The same declaration again is no error in any state.
            let again = ran.exit == Exit::Done && changes(&world).iter().all(|change| change.name() == "change_device");
            assert!(again || (ran.err.contains(forbidden) != allowed), "{line} while {state}: {ran}");
            assert!(allowed || again || changes(&world).is_empty(), "{line} while {state}");
            cells += 1;
        }
    }
    let states = [JobState::Held, JobState::Printing, JobState::Ready, JobState::Open, JobState::Terminating];
    for row in Verb::Job.grammar().rows.iter().filter(|row| row.stage == Stage::Now && !row.displays()) {
        for state in states {
            let world = world();
            world.borrow_mut().jobs = vec![job(5, state)];
            let line = format!("JOB 5, {} {}", row.key.word(), some_operand(row));
            let ran = run(&world, &["--no-wait", &line]);
            let allowed = job_allows(row.key, state);
            assert_eq!(ran.err.contains(&format!("JOB 5 {forbidden}")), !allowed, "{line} while {state:?}: {ran}");
            assert!(allowed || changes(&world).is_empty(), "{line} while {state:?}");
            cells += 1;
        }
    }
    assert!(cells > 200, "{cells}");
}
