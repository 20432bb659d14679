//! Jobs that one server hands over to another: each sentence about print files with several servers (docs/servers.md).

mod world;

use world::World;

/// The lines of a text in which each is the only one of its kind.
fn once(paper: &str, line: &str) -> bool {
    paper.matches(line).count() == 1
}

#[test]
fn a_job_for_a_device_of_another_server_prints_there_and_ends_here() {
    let world = World::two();
    world.submit("first", b"first line\n");
    world["acme1"].wait_for("it is gone", || world["acme1"].jobs().is_empty());
    assert!(once(&world.paper(), "first line"), "{}", world.paper());
    world.wait_until_empty();
    world["acme1"].wait_for_no_print_files();
    let log = world["acme1"].run("pdls", &["--history", "-U", "-r", "log"]).expect(0).out;
    assert!(log.contains("handed-over") && log.contains("acme2"), "{log}");
}

#[test]
fn a_job_for_a_server_that_is_down_is_accepted_and_says_for_whom_it_waits() {
    let world = World::two();
    world.kill("acme2");
    world.submit("patient", b"patient line\n");
    world["acme1"].wait_for("it says why", || {
        let why = world["acme1"].spoolcom("JOB, WHY").out;
        why.contains("waits for server acme2, which does not answer since")
    });
    let job = &world["acme1"].jobs()[0];
    assert_eq!(job["current-job-state"], "pending", "{job:#?}");
    assert!(job["job-state-reasons"].to_string().contains("waiting-for-server"), "{job:#?}");
    let why = world["acme1"].run("pdls", &["-U", "-r", "why"]).expect(0).out;
    assert!(why.contains("acme2"), "{why}");
    // It is on the disk of this server, and survives it.
    world.kill("acme1");
    world.run("acme1");
    assert_eq!(world.paper(), "");
    world.run("acme2");
    world.wait_until_empty();
    assert!(once(&world.paper(), "patient line"), "{}", world.paper());
}
