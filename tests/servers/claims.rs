//! Jobs that one server holds and another one prints: a claim is a lease, and its owner knows before the first octet leaves.

use crate::support::documents::text;
use crate::support::sink::{Mode, Sink};

use super::world::World;
use super::{once, state};

/// A document that is held on `acme1`. Returns its name everywhere.
fn held(world: &World, tag: &str, text: &[u8]) -> String {
    let file = world["acme1"].document(tag, text);
    let file = file.to_str().unwrap();
    world["acme1"].run("pdpr", &["-x", "job-hold=true", "-d", "office.parked", "-t", tag, file]).expect(0);
    let jobs = world["acme1"].jobs();
    let job = jobs.iter().find(|job| job["job-name"] == tag).unwrap_or_else(|| panic!("{jobs:#?}"));
    job["job-identifier"].as_str().unwrap().to_owned()
}

/// The two servers, of which the first one has a place where jobs are parked.
fn two() -> World {
    parked(World::two())
}

fn parked(world: World) -> World {
    world["acme1"].spoolcom("LOC #OFFICE.PARKED, DEV");
    world
}

fn claim(world: &World, job: &str) {
    world["acme2"].run("pdclaim", &["-d", "office.front", job]).expect(0);
}

/// Lets a job of its own stand on `$LP1` of `acme2`: what is claimed waits behind it.
fn occupied() -> (World, Sink) {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = parked(World::with_printer(&printer));
    let file = world["acme2"].document("first", &text("first", 4 << 20));
    world["acme2"].submit("office.front", "first", &file).expect(0);
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    (world, printer)
}

/// How often a line came to a printer.
fn printed(printer: &Sink, line: &str) -> usize {
    let whole: Vec<u8> = printer.connections().into_iter().flat_map(|one| one.octets).collect();
    String::from_utf8_lossy(&whole).matches(line).count()
}

fn is_held(job: &serde_json::Value) -> bool {
    state(job) == "held" && !job["job-state-reasons"].to_string().contains("may-have-printed")
}

#[test]
fn a_job_that_another_server_holds_prints_here_and_ends_there() {
    let world = two();
    let job = held(&world, "far", b"far line\n");
    let list = world["acme2"].run("pdclaim", &[]).expect(0).out;
    assert!(list.contains(&job) && list.contains("far"), "{list}");
    claim(&world, &job);
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
    world["acme1"].wait_for_no_print_files();
    let log = world.history("acme1");
    for word in ["claimed", "began"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert_eq!(world["acme2"].run("pdclaim", &[]).expect(0).out, "");
}

#[test]
fn vector_14_a_second_claim_says_who_has_the_job() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = parked(World::with_printer(&printer));
    let job = held(&world, "large", &text("large", 8 << 20));
    claim(&world, &job);
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    let said = world["acme2"].run("pdclaim", &["-d", "office.front", &job]).expect(1);
    assert!(said.err.contains("is here already"), "{}", said.err);
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("has begun to print it on $LP1"), "{why}");
    let said = world["acme2"].run("pdclaim", &["-d", "office.front", "acme1:1000000001"]).expect(1);
    assert!(said.err.contains("there is no such job"), "{}", said.err);
    printer.set_mode(Mode::Normal);
    world.wait_until_empty();
}

/// The first claim is granted, and its answer is on its way. A second one would be taken for a sign that the first was lost.
#[test]
fn vector_14_a_job_that_is_being_claimed_is_not_claimed_a_second_time() {
    let world = two();
    let job = held(&world, "once", b"once line\n");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate");
    let gate = std::os::unix::net::UnixListener::bind(&path).unwrap();
    world.kill("acme2");
    world.run_with("acme2", &[("PD_FAULT", "claim-answered"), ("PD_GATE", path.to_str().unwrap())]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world["acme2"].run("pdclaim", &["-d", "office.front", &job]));
        let waits = gate.accept().unwrap();
        world["acme2"].run("pdclaim", &["-d", "office.front", &job]).expect(1).says("is being released already");
        drop(waits);
        first.join().unwrap().expect(0);
    });
    world.wait_until_empty();
    assert!(once(&world.paper(), "once line"), "{}", world.paper());
}

#[test]
fn vector_13_a_server_that_does_not_answer_is_named_and_the_others_are_listed() {
    let world = World::new(&["acme1", "acme2", "acme3"]);
    for name in ["acme1", "acme2"] {
        world.run(name);
        world[name].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START; LOC #OFFICE.PARKED, DEV");
    }
    let job = held(&world, "far", b"far line\n");
    let said = world["acme2"].run("pdclaim", &[]).expect(1);
    assert!(said.out.contains(&job), "{}", said.out);
    assert!(said.err.contains("server acme3 is not answering"), "{}", said.err);
    world.before("acme1").silent(true);
    let said = world["acme2"].run("pdclaim", &["--json"]).expect(1);
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(list["jobs"].as_array().unwrap().len(), 0);
    let silent = list["servers"].as_array().unwrap().iter().filter(|one| one["answered"] == false).count();
    assert_eq!(silent, 2, "{list:#}");
}

/// Kills the two servers at each point of a claim, and starts the dead one again. A claim that nobody knows any more ends by its time; in
/// every other case the job prints, once.
#[test]
fn a_server_that_dies_at_any_point_of_a_claim_leaves_the_job_held_or_printed_once() {
    // Where, and whether the command is told that the job is claimed.
    let points = [
        ("acme1", "claim-granted", false),
        ("acme2", "claim-answered", false),
        ("acme2", "claim-commit", false),
        ("acme2", "claim-taken", true),
        ("acme1", "begin-on-record", true),
        ("acme2", "begin-answered", true),
        ("acme2", "begun", true),
        ("acme2", "claim-ended", true),
        ("acme1", "claim-end-on-record", true),
    ];
    for (name, point, claimed) in points {
        let world = two();
        let job = held(&world, "killed", b"killed line\n");
        world.kill(name);
        world.run_with(name, &[("PD_FAULT", point), ("TEST_SERVER_LEASE_MS", "3000")]);
        let other = if name == "acme1" { "acme2" } else { "acme1" };
        world.run_with(other, &[("TEST_SERVER_LEASE_MS", "3000")]);
        let said = world["acme2"].run("pdclaim", &["-d", "office.front", &job]);
        world.await_death(name);
        world.run_with(name, &[("TEST_SERVER_LEASE_MS", "3000")]);
        if !claimed {
            assert_ne!(said.status, 0, "{point}: {}", said.out);
            // It is held again when the claim has ended, and nothing of it is on paper.
            world.await_job("acme1", "held and free", |job| is_held(job) && job["away"].is_null());
            assert!(world["acme2"].jobs().is_empty(), "{point}");
            let list = || world["acme2"].run("pdclaim", &[]).out;
            world["acme1"].wait_for("it is offered again", || list().contains(&job));
            assert_eq!(world.paper(), "", "{point}");
            claim(&world, &job);
        }
        // Where its owner was away too long for the lease, it is held there again; otherwise it has printed.
        let end = || world["acme2"].jobs().is_empty();
        world["acme2"].wait_for("it has left the server that prints", end);
        let again = world["acme1"].jobs().iter().any(is_held);
        if again {
            assert_eq!(world.paper(), "", "{point}");
            world["acme1"].wait_for("it is offered again", || world["acme2"].run("pdclaim", &[]).out.contains(&job));
            claim(&world, &job);
        }
        world.wait_until_empty();
        let announced = world["acme2"].possible_duplicates().len() + world["acme1"].possible_duplicates().len();
        assert_eq!(announced, 0, "{point}");
        assert!(once(&world.paper(), "killed line"), "{point}: {}", world.paper());
        world["acme1"].wait_for_no_print_files();
    }
}

#[test]
fn vector_15_a_server_that_dies_before_it_begins_leaves_the_job_held() {
    let (world, printer) = occupied();
    world.kill("acme1");
    world.run_with("acme1", &[("TEST_SERVER_LEASE_MS", "200")]);
    let job = held(&world, "left", b"left line\n");
    claim(&world, &job);
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("has claimed it for $LP1 and has not begun it"), "{why}");
    world.kill("acme2");
    let log = || world["acme1"].run("pdls", &["-U", "-r", "log"]).out;
    world["acme1"].wait_for("its lease has ended", || log().contains("returned"));
    assert!(world["acme1"].jobs().iter().any(is_held));
    // The other print process goes on without its server: nothing of the job leaves.
    printer.set_mode(Mode::Normal);
    world["acme2"].wait_for("its own job has printed", || world["acme2"].jobs().len() == 1);
    // When the server is back it gives up what it had.
    world.run("acme2");
    world["acme2"].wait_for("it has let go of it", || world["acme2"].jobs().is_empty());
    assert_eq!(printed(&printer, "left line"), 0);
    assert!(world["acme1"].jobs().iter().any(is_held));
}

#[test]
fn vector_16_a_server_that_dies_while_it_prints_leaves_a_job_that_may_have_printed_until_an_operator_says_so() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = parked(World::with_printer(&printer));
    let job = held(&world, "large", &text("large", 8 << 20));
    claim(&world, &job);
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    world.kill("acme2");
    assert!(world["acme2"].kill_fastp());
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("it may have printed"), "{why}");
    world["acme1"].run("pdclaim", &["--lost", &job]).expect(0);
    world.await_job("acme1", "in doubt", |job| {
        state(job) == "held" && job["job-state-reasons"].to_string().contains("job-may-have-printed")
    });
    world["acme1"].run("pdclaim", &["--lost", &job]).expect(1).says("no other server has claimed it");
    // It comes back and prints, and its report is late: refused, on record and shown.
    printer.set_mode(Mode::Normal);
    world.run("acme2");
    world["acme2"].start("LP1");
    world["acme2"].wait_for("it prints", || world["acme2"].jobs().is_empty());
    let log = || world["acme1"].run("pdls", &["-U", "-r", "log"]).out;
    world["acme1"].wait_for("it is late", || log().contains("reports late"));
    assert!(world.log("acme1").contains("reports the end of"), "{}", world.log("acme1"));
    assert_eq!(world["acme1"].jobs().len(), 1, "it is not printed again without somebody's word");
}

#[test]
fn no_octet_leaves_before_the_owner_knows_and_the_job_waits_until_it_answers() {
    let (world, printer) = occupied();
    let job = held(&world, "careful", b"careful line\n");
    claim(&world, &job);
    world.kill("acme1");
    printer.set_mode(Mode::Normal);
    // Its file lies where it can be read: nothing but BEGIN is missing.
    world.await_job("acme2", "waits", |job| {
        state(job) == "held" && job["job-state-reasons"].to_string().contains("print-file-unreachable")
    });
    assert_eq!(printed(&printer, "careful line"), 0);
    let why = world["acme2"].spoolcom("JOB 2, WHY").out;
    assert!(why.contains("its owner has to know that it begins"), "{why}");
    world.run("acme1");
    world.wait_until_empty();
    assert_eq!(printed(&printer, "careful line"), 1);
}

#[test]
fn a_change_at_the_owner_ends_the_claim_and_nothing_prints_elsewhere() {
    for (typed, stays) in [("JOB 1, HOLD", true), ("JOB 1, DELETE!", false)] {
        let (world, printer) = occupied();
        let job = held(&world, "changed", b"changed line\n");
        claim(&world, &job);
        world["acme1"].spoolcom(typed);
        printer.set_mode(Mode::Normal);
        world["acme2"].wait_for("it is gone there", || world["acme2"].jobs().is_empty());
        assert_eq!(printed(&printer, "changed line"), 0, "{typed}");
        assert_eq!(world["acme1"].jobs().len(), usize::from(stays), "{typed}");
    }
}
