//! Jobs that one server hands over to another: each sentence about print files with several servers (docs/servers.md).

mod calls;
mod campaign;
mod changes;
mod claims;
mod half;
mod hostile;
mod moving;
mod power;
mod release;
mod releases;
mod revoked;
mod room;
mod streaming;
mod view;
mod world;

use crate::support::documents::{stream, text};
use crate::support::sink::{Mode, Sink};

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
        let why = world["acme1"].spoolcom("JOB 1, WHY").out;
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

fn state(job: &serde_json::Value) -> &str {
    job["current-job-state"].as_str().unwrap_or_default()
}

#[test]
fn a_file_that_can_be_read_where_it_is_is_not_copied() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = World::with_printer(&printer);
    world.submit("large", &text("large", 8 << 20));
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    assert!(world.fetched("acme2").is_empty(), "{:?}", world.fetched("acme2"));
    // Both servers name the same file.
    let names = ["acme1", "acme2"].map(|name| content(&world, name));
    assert_eq!(names[0], names[1]);
    assert!(names[0].contains("/acme1/pdpr") && names[0].ends_with(":acme1"), "{names:?}");
    printer.set_mode(Mode::Normal);
    world.wait_until_empty();
    assert_eq!(whole(&printer), text("large", 8 << 20));
}

#[test]
fn servers_of_two_users_fetch_files_and_erase_them_with_the_end_of_the_job() {
    let Some(world) = World::of_two_users() else { return };
    let file = world["acme1"].document("foreign", b"foreign line\n");
    std::os::unix::fs::chown(&file, world["acme1"].uid, world["acme1"].uid).unwrap();
    world["acme1"].submit("office.front", "foreign", &file).expect(0);
    world.wait_until_empty();
    assert!(once(&world.paper(), "foreign line"), "{}", world.paper());
    let log = world.history("acme2");
    assert!(log.contains("fetched"), "{log}");
    world["acme1"].wait_for_no_print_files();
}

/// `document-content` of the only job on a server.
fn content(world: &World, name: &str) -> String {
    let out = world[name].run("pdls", &["-U", "-r", "document-content"]).expect(0).out;
    out.split_once("document-content = ").map(|(_, rest)| rest.trim().to_owned()).unwrap_or_default()
}

/// Everything that came to a printer.
fn whole(printer: &Sink) -> Vec<u8> {
    printer.connections().into_iter().flat_map(|one| one.octets).collect()
}

#[test]
fn a_fetched_file_is_shown_while_it_prints_and_goes_when_the_job_leaves_the_device() {
    // How the job leaves: what is typed, where, and whether it stays on the first server.
    let ways = [
        ("acme1", "JOB 1, HOLD", true),
        ("acme1", "JOB 1, DELETE!", false),
        ("acme2", "JOB 1, HOLD", true),
        ("acme2", "DEV $LP1, CLEAR", true),
        ("acme2", "JOB 1, DELETE!", false),
    ];
    for (where_, typed, stays) in ways {
        let printer = Sink::new(Mode::Stalls(64 << 10));
        let world = World::with_printer(&printer);
        world.submit_link("large", &text("large", 8 << 20));
        printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
        assert_eq!(world.fetched("acme2").len(), 1, "{typed}");
        let [here, there] = ["acme1", "acme2"].map(|name| content(&world, name));
        assert!(here.contains("/acme1/pdpr") && here.ends_with(":acme1"), "{here}");
        assert!(there.contains("/acme2/pdb/") && there.ends_with(":acme2"), "{there}");
        let space = world["acme2"].run("pdls", &["-c", "server", "-r", "spool-space"]).expect(0).out;
        assert!(space.contains(&format!("fetched: 1 of {} octets", text("large", 8 << 20).len())), "{space}");
        world.await_job("acme1", "prints there", |job| state(job) == "processing");
        // A suspended device keeps what it prints.
        world["acme2"].spoolcom("DEV $LP1, SUSPEND");
        assert_eq!(world.fetched("acme2").len(), 1, "{typed}");
        world[where_].spoolcom(typed);
        world["acme2"].wait_for("the fetched file is erased", || {
            printer.set_mode(Mode::Normal);
            world.fetched("acme2").is_empty()
        });
        match stays {
            true => world.await_job("acme1", "held", |job| state(job) == "held"),
            false => world.wait_until_empty(),
        }
        assert_eq!(world["acme1"].print_files().len(), usize::from(stays), "{typed}");
    }
}

#[test]
fn a_job_that_another_server_began_and_gave_back_is_announced_when_it_prints_again() {
    let printer = Sink::new(Mode::Stalls(64 << 10));
    let world = World::with_printer(&printer);
    world.submit_link("large", &text("large", 8 << 20));
    printer.wait_for("its beginning", |all| all.iter().any(|one| one.octets.len() >= 64 << 10));
    world["acme1"].spoolcom("JOB 1, HOLD");
    printer.set_mode(Mode::Normal);
    world["acme1"].wait_for("it is back", || world["acme1"].possible_duplicates().contains("large"));
    world.await_job("acme1", "held", |job| state(job) == "held");
    world["acme1"].spoolcom("JOB 1, START");
    world.wait_until_empty();
    let last = printer.connections().pop().unwrap();
    assert_eq!(last.octets, text("large", 8 << 20));
}

#[test]
fn a_job_whose_file_cannot_be_had_waits_with_the_reason_and_the_others_go_on() {
    let world = World::two();
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    world.submit_link("far", b"far line\n");
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    world.await_job("acme1", "known to be there", |job| {
        state(job) == "pending" && job["job-state-reasons"].to_string().len() < 4
    });
    world.kill("acme1");
    world["acme2"].start("LP1");
    world.await_job("acme2", "held", |job| state(job) == "held" && job.to_string().contains("print-file-unreachable"));
    let why = world["acme2"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("lies at server acme1"), "{why}");
    let file = world["acme2"].document("near", b"near line\n");
    world["acme2"].submit("office.front", "near", &file).expect(0);
    world["acme2"].wait_for("the other one prints", || world.paper().contains("near line"));
    assert!(!world.paper().contains("far line"));
    world.run("acme1");
    world.wait_until_empty();
    assert!(once(&world.paper(), "far line"), "{}", world.paper());
}

#[test]
fn a_file_that_is_where_it_can_be_read_prints_while_its_server_is_down() {
    let world = World::two();
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    world.submit("near", b"near line\n");
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    world.kill("acme1");
    world["acme2"].start("LP1");
    world["acme2"].wait_for("it prints", || world["acme2"].jobs().is_empty());
    assert!(once(&world.paper(), "near line"), "{}", world.paper());
    // Its own server hears of it later, and keeps the file until then.
    assert_eq!(world["acme1"].print_files().len(), 1);
    world.run("acme1");
    world.wait_until_empty();
    world["acme1"].wait_for_no_print_files();
}

#[test]
fn a_fetch_goes_on_where_it_broke_off_and_a_wrong_digest_is_fetched_again() {
    let document = stream("broken", 3 << 20);
    let world = World::two();
    // Each connection brings a part of it.
    world.before("acme1").cut_after(1 << 20);
    world.submit_link("broken", &document);
    world.wait_until_empty();
    let paper = std::fs::read(world["acme2"].sink()).unwrap();
    assert!(paper == document, "{} of {} octets", paper.len(), document.len());
    let before = world.before("acme1").connections.load(std::sync::atomic::Ordering::SeqCst);
    assert!((4..8).contains(&before), "{before} connections");
    world.before("acme1").cut_after(0);
    world.before("acme1").spoil_at(1 << 20);
    world.submit_link("spoiled", &document);
    // What is wrong is never printed: the job waits with the reason, until the way is well.
    world.await_job("acme2", "held", |job| state(job) == "held");
    let why = world["acme2"].spoolcom("JOB 2, WHY").out;
    assert!(why.contains("its digest differs"), "{why}");
    world.before("acme1").spoil_at(0);
    world.wait_until_empty();
    let paper = std::fs::read(world["acme2"].sink()).unwrap();
    assert!(paper == [document.as_slice(), &document].concat(), "{} octets", paper.len());
}

#[test]
fn a_server_that_is_cut_off_is_named_and_everything_goes_on_when_it_is_back() {
    let world = World::two();
    world.before("acme2").silent(true);
    world.kill("acme2");
    world.run("acme2");
    world.submit("cut", b"cut line\n");
    world["acme1"]
        .wait_for("it says why", || world["acme1"].spoolcom("JOB 1, WHY").out.contains("it did not answer in time"));
    world.before("acme2").silent(false);
    world.wait_until_empty();
    assert!(once(&world.paper(), "cut line"), "{}", world.paper());
}

/// Kills a server at each named point of a hand-over, a fetch and an end. Each job prints once, and nothing is left.
#[test]
fn a_server_that_dies_at_any_point_loses_nothing_and_prints_nothing_twice() {
    let points = [
        ("acme1", "offered"),
        ("acme2", "take-over-commit"),
        ("acme2", "taken-over"),
        ("acme2", "peer-reply@2"),
        ("acme1", "offer-answered"),
        ("acme1", "end-on-record"),
        ("acme1", "peer-data"),
        ("acme2", "fetching"),
        ("acme2", "fetched"),
    ];
    for (name, point) in points {
        let world = World::two();
        world.kill(name);
        // The next server of that name dies there.
        world.run_with(name, &[("PD_FAULT", point)]);
        world.submit_link("killed", b"killed line\n");
        world.await_death(name);
        world.run(name);
        world.wait_until_empty();
        let paper = world.paper();
        let announced = world["acme2"].possible_duplicates().len() + world["acme1"].possible_duplicates().len();
        assert_eq!(paper.matches("killed line").count(), 1 + announced.min(1), "{point}: {paper}");
        assert_eq!(announced, 0, "{point}");
        world["acme1"].wait_for_no_print_files();
    }
}

#[test]
fn a_job_that_the_other_server_refuses_is_held_with_its_words() {
    let world = World::two();
    world["acme1"].spoolcom("LOC #OFFICE.BACK, DEV \\acme2.$NONE");
    let file = world["acme1"].document("lost", b"lost\n");
    world["acme1"].submit("office.back", "lost", &file).expect(0);
    world.await_job("acme1", "held", |job| state(job) == "held");
    let why = world["acme1"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("acme2 does not take it: cannot find device $NONE"), "{why}");
    world["acme1"].spoolcom("JOB 1, DELETE!");
    world.wait_until_empty();
}

#[test]
fn a_job_that_waits_for_another_server_is_held_altered_and_removed_like_any_other() {
    let world = World::two();
    world.kill("acme2");
    for (n, tag) in ["one", "two", "three"].into_iter().enumerate() {
        world.submit(tag, format!("{tag} line\n").as_bytes());
        assert_eq!(world["acme1"].jobs().len(), n + 1);
    }
    world["acme1"].spoolcom("JOB 1, HOLD; JOB 2, DELETE!");
    world.run("acme2");
    world["acme1"].wait_for("two are done", || world["acme1"].jobs().len() == 1);
    assert!(once(&world.paper(), "three line") && !world.paper().contains("one line"), "{}", world.paper());
    world["acme1"].spoolcom("JOB 1, COPIES 2; JOB 1, START");
    world.wait_until_empty();
    assert_eq!(world.paper().matches("one line").count(), 2, "{}", world.paper());
    assert!(!world.paper().contains("two line"), "{}", world.paper());
}
