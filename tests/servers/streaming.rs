//! Print files that are sent to the device while they arrive from another server.
//!
//! A gate between the servers lets a part of the file pass, so that the order of things is known and no clock is asked.

use std::os::fd::AsFd;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::support::DEADLINE;
use crate::support::documents::{stream, text};
use crate::support::sink::{Connection, Mode, Sink};

use super::state;
use super::world::World;

const SIZE: usize = 8 << 20;
/// What passes of a connection while the gate is closed.
const GATE: usize = 4 << 20;
/// What is at the printer then, at the least.
const BEGINNING: usize = 2 << 20;

/// Two servers, the printer of the second one, and a job whose file has arrived in part.
fn begun(document: &[u8]) -> (World, Sink) {
    let printer = Sink::new(Mode::Normal);
    let world = World::with_printer(&printer);
    world.before("acme1").gate(GATE);
    world.submit_link("early", document);
    wait_for_beginning(&printer, 0);
    (world, printer)
}

fn wait_for_beginning(printer: &Sink, connection: usize) {
    let begins = |all: &[Connection]| all.get(connection).is_some_and(|one| one.octets.len() >= BEGINNING);
    printer.wait_for("its beginning", begins);
}

/// Waits until `condition` holds, looking again whenever a file in `dir` is written to.
#[track_caller]
fn wait_for_files(dir: &std::path::Path, what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).unwrap();
    changes.add_watch(dir, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE).unwrap();
    while !condition() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        let mut fds = [PollFd::new(changes.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(1000u16)).unwrap();
        while changes.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

/// The names of files that have not arrived yet.
fn arriving(world: &World) -> Vec<String> {
    world.fetched("acme2").into_iter().filter(|name| name.ends_with(".part")).collect()
}

fn was_announced(world: &World) -> bool {
    ["acme1", "acme2"].iter().any(|name| world[name].possible_duplicates().contains("early"))
}

#[test]
fn the_first_octets_are_at_the_printer_long_before_the_last_ones_have_come() {
    let document = stream("early", SIZE);
    let (world, printer) = begun(&document);
    assert_eq!(arriving(&world).len(), 1, "{:?}", world.fetched("acme2"));
    wait_for_files(&world["acme2"].paths().run(), "it says what it waits for", || {
        world["acme2"].spoolcom("DEV $LP1, STATUS DETAIL").out.contains("THE REST OF ITS PRINT FILE")
    });
    // Nothing says that it has printed, and the printer has no end of a document.
    let before = printer.connections();
    assert!(before.len() == 1 && !before[0].ended && before[0].octets.len() < document.len());
    assert_eq!((world["acme1"].jobs().len(), state(&world["acme2"].jobs()[0])), (1, "processing"));
    world.before("acme1").gate(0);
    world.wait_until_empty();
    let printed = printer.connections();
    assert!(printed.len() == 1 && printed[0].ended && printed[0].octets == document);
    assert!(!was_announced(&world));
    assert!(world.history("acme2").contains("fetched"));
}

#[test]
fn a_copy_that_cannot_be_read_where_it_is_is_sent_while_it_arrives_and_so_is_each_document() {
    let printer = Sink::new(Mode::Normal);
    let world = World::with_printer(&printer);
    world["acme2"].spoolcom("DEV $LP1, DRAIN");
    let documents = [stream("first", SIZE), stream("second", 2 << 20)];
    let files = [("first", &documents[0]), ("second", &documents[1])].map(|(tag, d)| world["acme1"].document(tag, d));
    let files = files.each_ref().map(|file| file.to_str().unwrap());
    world["acme1"].run("pdpr", &["-d", "office.front", "-t", "early", "-n", "2", files[0], files[1]]).expect(0);
    world.await_job("acme2", "taken over", |job| state(job) == "pending");
    // A file with a second name is not used where it is.
    for (n, name) in world["acme1"].print_files().iter().enumerate() {
        let second = world["acme1"].files.path().join(format!("second name {n}"));
        std::fs::hard_link(world["acme1"].server_dir().join(name), second).unwrap();
    }
    world.before("acme1").gate(GATE);
    world["acme2"].start("LP1");
    wait_for_beginning(&printer, 0);
    assert!(!arriving(&world).is_empty());
    world.before("acme1").gate(0);
    world.wait_until_empty();
    let printed: Vec<u8> = printer.connections().into_iter().flat_map(|one| one.octets).collect();
    let tags = crate::support::documents::take_apart(&printed);
    assert_eq!((tags.complete, tags.broken), (["first", "first", "second", "second"].map(String::from).into(), None));
    assert!(!was_announced(&world));
}

#[test]
fn a_wrong_digest_at_the_end_cuts_the_connection_spoils_paper_once_and_is_announced() {
    let document = stream("early", SIZE);
    let printer = Sink::new(Mode::Normal);
    let world = World::with_printer(&printer);
    world.before("acme1").spoil_at(3 << 20);
    world.submit_link("early", &document);
    world.await_job("acme2", "held", |job| state(job) == "held");
    let why = world["acme2"].spoolcom("JOB 1, WHY").out;
    assert!(why.contains("its digest differs"), "{why}");
    let connections = world.before("acme1").connections.load(std::sync::atomic::Ordering::SeqCst);
    // It is tried again, and nothing of it leaves before its digest is right.
    world["acme2"].wait_for("the next attempt has failed", || {
        world.before("acme1").connections.load(std::sync::atomic::Ordering::SeqCst) > connections + 2
            && state(&world["acme2"].jobs()[0]) == "held"
    });
    let before = printer.connections();
    assert!(before.len() == 1 && !before[0].ended && before[0].octets.len() < document.len(), "{}", before.len());
    assert_eq!(world["acme1"].jobs().len(), 1);
    world.before("acme1").spoil_at(0);
    world.wait_until_empty();
    let printed = printer.connections();
    assert!(printed.len() == 2 && printed[1].ended && printed[1].octets == document, "{}", printed.len());
    assert!(was_announced(&world));
}

#[test]
fn a_connection_between_servers_that_breaks_off_does_not_break_that_to_the_printer() {
    let document = stream("early", SIZE);
    let printer = Sink::new(Mode::Normal);
    let world = World::with_printer(&printer);
    world.before("acme1").cut_after(1 << 20);
    world.submit_link("early", &document);
    world.wait_until_empty();
    let printed = printer.connections();
    assert!(printed.len() == 1 && printed[0].octets == document, "{}", printed.len());
    assert!(!was_announced(&world));
}

#[test]
fn a_text_is_sent_when_all_of_it_is_there() {
    let printer = Sink::new(Mode::Normal);
    let world = World::with_printer(&printer);
    world.before("acme1").gate(GATE);
    let document = text("late", SIZE);
    world.submit_link("late", &document);
    wait_for_files(&world["acme2"].base().join("acme2/pdb"), "a part of it is there", || {
        arriving(&world).iter().any(|name| {
            let part = world["acme2"].base().join("acme2/pdb").join(name);
            part.metadata().is_ok_and(|meta| meta.len() >= BEGINNING as u64)
        })
    });
    assert!(printer.connections().iter().all(|one| one.octets.is_empty()));
    world.before("acme1").gate(0);
    world.wait_until_empty();
    assert_eq!(printer.connections().pop().unwrap().octets, document);
}

/// What ends an attempt while its file arrives: nothing is left, the printer has no whole document, and the next attempt is announced.
#[test]
fn a_job_that_is_stopped_or_whose_server_dies_while_its_file_arrives_is_cut_announced_and_printed_whole() {
    let document = stream("early", SIZE);
    for what in ["held", "its server dies", "the server here dies", "the print process dies"] {
        let (world, printer) = begun(&document);
        match what {
            "held" => drop(world["acme1"].spoolcom("JOB 1, HOLD")),
            "its server dies" => world.kill("acme1"),
            "the server here dies" => world.kill("acme2"),
            _ => assert!(world["acme2"].kill_fastp(), "{what}"),
        }
        printer.wait_for(what, |all| all[0].ended || all[0].reset);
        let cut = &printer.connections()[0];
        assert!(cut.octets.len() < document.len(), "{what}");
        // What the kernel does for a process that is killed is its affair.
        assert!(cut.reset || what == "the print process dies", "{what}");
        world.before("acme1").gate(0);
        match what {
            "held" => {
                world.await_job("acme1", "held", |job| state(job) == "held");
                world["acme2"].wait_for("nothing is left of it", || world.fetched("acme2").is_empty());
                world["acme1"].spoolcom("JOB 1, START");
            }
            "its server dies" => world.run("acme1"),
            "the server here dies" => world.run("acme2"),
            // Nobody looks after print processes here but whoever makes work for them.
            _ => world["acme2"].start("LP1"),
        }
        world.wait_until_empty();
        assert_eq!(printer.connections().pop().unwrap().octets, document, "{what}");
        assert!(was_announced(&world), "{what}");
    }
}
