//! What becomes of jobs that a server has whose membership was revoked.

use super::state;
use super::world::World;

#[test]
fn jobs_of_a_server_that_was_revoked_are_held_or_deleted_and_it_is_asked_nothing_more() {
    let world = World::two();
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    for tag in ["kept", "deleted"] {
        world.submit(tag, b"far line\n");
    }
    for job in [1, 2] {
        let is_there = || world["acme1"].spoolcom(&format!("JOB {job}, WHY")).out.contains("server acme2 has it");
        world["acme1"].wait_for("it is there", is_there);
    }
    // It is cut off first, so that the deletion waits.
    world.before("acme2").silent(true);
    world.revoke("acme2");
    world["acme1"].spoolcom("JOB 2, DELETE!");
    world.await_job("acme1", "held", |job| {
        state(job) == "held" && job["job-state-reasons"].to_string().contains("job-may-have-printed")
    });
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("no member of this group any more"), "{why}");
    world["acme1"].wait_for("the other one is gone", || world["acme1"].jobs().len() == 1);
    world["acme1"].spoolcom("JOB 1, DELETE!");
    world["acme1"].wait_for_no_print_files();
    assert!(world["acme1"].jobs().is_empty());
    // What it had printed without being asked is its own affair.
    assert_eq!(world["acme2"].jobs().len(), 2);
}
