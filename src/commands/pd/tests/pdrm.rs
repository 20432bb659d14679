use crate::commands::pd::testing::{World, job, run, with};
use crate::commands::pd::verbs::pdrm::run as pdrm;

fn sure(input: &'static str) -> World {
    World { input, at_terminal: true, ..World::default() }
}

#[test]
fn standard_input_that_is_no_terminal_is_left_alone() {
    let fake = with(vec![job(1)]);
    let world = World { input: "y\n2\n3\n", ..World::default() };
    let answer = world.run(Box::new(fake.clone()), pdrm, "1");
    assert!(answer.err.contains("nobody confirmed it") && answer.err.contains("PD_CONFIRM_DELETE=no"), "{answer}");
    assert!(fake.0.borrow().deleted.is_empty());
}

#[test]
fn each_job_is_confirmed_and_the_others_follow_a_failure() {
    let fake = with(vec![job(1), job(2), job(3)]);
    let answer = sure("y\nno\n").run(Box::new(fake.clone()), pdrm, "1 9 2 3");
    insta::assert_snapshot!(answer);
    let deleted: Vec<String> = fake.0.borrow().deleted.iter().map(ToString::to_string).collect();
    assert_eq!(deleted, ["acme1:1021904401"]);
}

#[test]
fn nothing_is_asked_when_the_environment_says_so() {
    let fake = with(vec![job(1), job(2)]);
    let world = World { env: vec![("PD_CONFIRM_DELETE", "no")], ..World::default() };
    let answer = world.run(Box::new(fake.clone()), pdrm, "1021904401 acme1:1021904402 -m 'bye' -r 0");
    assert_eq!(answer.to_string(), "pdrm: remove".split("pdrm").next().unwrap().to_owned() + "= 0");
    assert!(fake.0.borrow().jobs.is_empty());
}

#[test]
fn a_command_line_with_a_fault_removes_nothing() {
    for line in [
        "1 x",
        "1 -r x",
        "1 -r 1:60",
        "1 -x job-retention-period+=1",
        "",
        "1 1.2",
        "1 acme1:",
        "1 -x job-name=a",
        "1 -q",
        "1 -x message+=a=",
    ] {
        let fake = with(vec![job(1)]);
        let world = World { env: vec![("PD_CONFIRM_DELETE", "no")], ..World::default() };
        let answer = world.run(Box::new(fake.clone()), pdrm, line);
        assert_eq!(answer.exit as u8, 2, "{line}: {answer}");
        assert!(fake.0.borrow().deleted.is_empty(), "{line}");
    }
}

#[test]
fn help_and_version_are_answered_without_a_spool() {
    let answer = run(&with(vec![]), pdrm, "-h");
    assert!(answer.out.contains("Usage: pdrm") && answer.err.is_empty(), "{answer}");
    assert!(run(&with(vec![]), pdrm, "-V").out.starts_with("pdrm "));
}
