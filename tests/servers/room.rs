//! The room that is kept free, at each entrance through which octets come into a spool: each says the reason, and takes again by itself.
//!
//! Doors are one more entrance: `crates/pdserver/tests/doors.rs`.

use std::io::Write;
use std::process::Stdio;

use super::world::World;
use super::{once, state};

/// More than the disk has.
fn fill(world: &World, name: &str) {
    let disk = spoolsuite::sys::files::room(world[name].base()).unwrap();
    world[name].spoolcom(&format!("SPOOLER, RESERVE {}", disk.1));
}

fn empty(world: &World, name: &str) {
    world[name].spoolcom("SPOOLER, RESERVE NONE");
}

#[test]
fn below_the_reserve_every_entrance_refuses_with_the_reason_and_takes_again_by_itself() {
    let world = World::two();
    let file = world["acme1"].document("note", b"a note\n");
    let path = file.to_str().unwrap();
    fill(&world, "acme1");
    // A file that is copied, one that is streamed.
    let refused = world["acme1"].run("pdpr", &["-d", "office.front", path]).expect(1);
    assert!(refused.err.contains("RESERVE") && refused.err.contains("by themselves"), "{refused:#?}");
    let mut piped = world["acme1"].command("pdpr");
    let mut piped = piped.args(["-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    // It may have refused already.
    let _ = piped.stdin.take().unwrap().write_all(b"a streamed line\n");
    let streamed = piped.wait_with_output().unwrap();
    assert_eq!(streamed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&streamed.stderr).contains("RESERVE"), "{streamed:?}");
    assert!(world["acme1"].print_files().is_empty() && world["acme1"].jobs().is_empty());
    empty(&world, "acme1");

    // A job that another server hands over waits there, with the reason.
    fill(&world, "acme2");
    world.submit("handed", b"handed line\n");
    world["acme1"].wait_for("it says why", || world["acme1"].spoolcom("JOB 1, WHY").out.contains("RESERVE"));
    assert_eq!(state(&world["acme1"].jobs()[0]), "pending");
    assert!(world["acme2"].jobs().is_empty());
    empty(&world, "acme2");
    world.wait_until_empty();
    assert!(once(&world.paper(), "handed line"), "{}", world.paper());

    // A file that is fetched: the job waits at the printer.
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    world.submit_link("fetched", b"fetched line\n");
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    fill(&world, "acme2");
    world["acme2"].start("LP1");
    world.await_job("acme2", "held", |job| job.to_string().contains("print-file-unreachable"));
    let why = world["acme2"].spoolcom("JOB 2, WHY").out;
    assert!(why.contains("RESERVE"), "{why}");
    assert!(world.fetched("acme2").is_empty() && !world.paper().contains("fetched line"));
    empty(&world, "acme2");
    world.wait_until_empty();
    assert!(once(&world.paper(), "fetched line"), "{}", world.paper());
}

#[test]
fn a_linked_file_that_has_grown_beyond_the_room_is_not_fetched() {
    let world = World::two();
    world["acme2"].spoolcom("SPOOLER, RESERVE 1; DEV $LP1, DRAIN");
    let file = world.submit_link("growing", b"a short line\n");
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    // A hole takes no room here, and its octets would there.
    std::fs::File::options().write(true).open(&file).unwrap().set_len(1 << 42).unwrap();
    world["acme2"].start("LP1");
    world.await_job("acme2", "held", |job| job.to_string().contains("print-file-unreachable"));
    let why = world["acme2"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("free"), "{why}");
    assert!(world.fetched("acme2").is_empty() && !world.paper().contains("a short line"));
}
