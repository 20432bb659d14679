//! The contract of print processes (docs/print-process.md), held against two of them: `fastp`, which is ours, and the
//! program of examples/print_process.py, which is not. What is promised of one is promised of the other.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::sink::{Connection, Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, dies, pid};

/// How far a stalling printer reads.
const STALL: usize = 20_000;

/// A site whose print process `$SPLA` is this program.
struct World {
    site: Site,
    printer: Sink,
}

impl World {
    /// `$LP1` appends to a file behind `OFFICE.FRONT`, `$LP2` prints to `printer` behind `OFFICE.NET`.
    fn new(file: &str, mode: Mode) -> Self {
        let printer = Sink::new(mode);
        let world = Self { site: site(), printer };
        world.site.spoolcom(&format!("PRINT $SPLA, FILE {file}; SPOOLER, START"));
        world.site.device("LP1", &format!("file://{}", world.site.sink().display()), "OFF");
        world.site.device("LP2", &world.printer.uri(), "OFF !");
        world.site.spoolcom("DEV $LP2, FIFO ON; LOC #OFFICE.FRONT, DEV $LP1; LOC #OFFICE.NET, DEV $LP2");
        world
    }

    /// The same, with a long job in print at `$LP2`.
    fn printing(file: &str) -> Self {
        let world = Self::new(file, Mode::Stalls(STALL));
        world.submit("office.net", "long", &pages("long", 1000));
        world.site.start("LP2");
        world.printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= STALL));
        world
    }

    fn submit(&self, to: &str, tag: &str, text: &str) {
        let file = self.site.document(tag, text.as_bytes());
        self.site.submit(to, tag, &file).expect(0);
    }

    fn job(&self, tag: &str) -> Option<Value> {
        self.site.jobs().into_iter().find(|job| job["job-name"] == tag)
    }

    #[track_caller]
    fn wait_for_job(&self, tag: &str, state: &str) {
        self.site.wait_for(state, || self.job(tag).is_some_and(|job| job["current-job-state"] == state));
    }

    fn number(&self, tag: &str) -> String {
        self.job(tag).unwrap()["job-number"].to_string()
    }

    fn device(&self, name: &str) -> Value {
        let shown = self.site.spoolcom_json(&format!("DEV ${name}"));
        serde_json::from_str::<Value>(&shown).unwrap()[0].clone()
    }

    fn process(&self) -> Value {
        let shown = self.site.spoolcom_json("PRINT $SPLA");
        serde_json::from_str::<Value>(&shown).unwrap()[0].clone()
    }

    /// Waits until a request has its answer.
    fn answer(&self, what: &str) -> String {
        let query = "SELECT answer FROM request WHERE action = ? AND answered_ms IS NOT NULL";
        let found = || self.site.database().query_row(query, [what], |row| row.get::<_, String>(0)).ok();
        self.site.wait_for(what, || found().is_some());
        found().unwrap()
    }

    /// The program of the example, if it runs.
    fn program(&self) -> Option<Pid> {
        let note = std::fs::read_to_string(self.site.base().join("run/program.spla")).ok()?;
        Some(pid(note.split_whitespace().next()?.parse().ok()?))
    }

    /// Has somebody notice that the print process died, until one runs again.
    fn until_it_runs_again(&self) {
        let before = self.epoch();
        while self.epoch() == before {
            self.site.spoolcom("DEV $LP2, START");
        }
    }

    fn epoch(&self) -> i64 {
        self.site.database().query_row("SELECT epoch FROM process", [], |row| row.get(0)).unwrap()
    }
}

/// A site where programs of others lie in a directory of their own: the example, under the name `example`.
fn site() -> Site {
    let mut site = Site::new();
    let libexec = site.files.path().join("libexec");
    std::fs::create_dir(&libexec).unwrap();
    std::fs::set_permissions(&libexec, PermissionsExt::from_mode(0o755)).unwrap();
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/print_process.py");
    put(&site, "example", &std::fs::read_to_string(example).unwrap());
    site.env.push(("PD_LIBEXEC_DIR", String::leak(libexec.to_str().unwrap().to_owned())));
    site
}

/// Puts a program there.
fn put(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.files.path().join("libexec").join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// Pages that say who they are.
fn pages(tag: &str, count: usize) -> String {
    let line = format!("{}\n", "x".repeat(99));
    (1..=count).map(|page| format!("<{tag} {page}>\n{}\x0c", line.repeat(49))).collect()
}

fn text(all: &[Connection]) -> String {
    all.iter().map(|one| String::from_utf8_lossy(&one.octets).into_owned()).collect()
}

/// The pages of a job that came out, in order.
fn printed(world: &World, tag: &str) -> Vec<usize> {
    let (begins, text) = (format!("<{tag} "), text(&world.printer.connections()));
    let page = |at: usize| text[at + begins.len()..].split('>').next().and_then(|page| page.parse().ok());
    text.match_indices(&begins).filter_map(|(at, _)| page(at)).collect()
}

/// Each behaviour is a test of `fastp` and one of the example.
macro_rules! behaviours {
    ($($name:ident),+ $(,)?) => {
        mod fastp { $(#[test] fn $name() { super::$name("fastp"); })+ }
        mod example { $(#[test] fn $name() { super::$name("example"); })+ }
    };
}

behaviours!(
    jobs_come_out_whole_in_order_and_with_their_copies,
    the_end_of_a_job_is_on_record_before_the_next_begins,
    a_job_that_is_held_stops_and_prints_again_after_start,
    a_suspended_device_stands_still_until_start,
    a_drain_waits_for_the_job_in_print,
    clear_takes_the_job_off_and_the_next_begins,
    a_page_is_skipped_to,
    a_device_that_cannot_be_had_is_tried_again_until_it_can,
    a_device_that_fails_in_mid_job_prints_it_again,
    a_document_that_was_damaged_is_held_and_the_others_flow,
    what_a_crash_left_is_announced_and_the_job_prints,
    three_deaths_in_a_minute_are_an_error_that_start_clears,
    it_goes_dormant_and_is_woken,
);

fn jobs_come_out_whole_in_order_and_with_their_copies(file: &str) {
    let world = World::new(file, Mode::Normal);
    let one = world.site.document("one", b"%!PS one\n");
    let two = world.site.document("two", b"%!PS two\n");
    let mut twice = world.site.command("pdpr");
    twice.args(["-d", "office.front", "-t", "many", "-n", "2"]).args([&one, &two]);
    crate::support::finish(twice.spawn().unwrap(), crate::support::DEADLINE).expect(0);
    world.submit("office.front", "next", "%!PS three\n");
    world.site.start("LP1");
    world.site.wait_until_empty();
    let paper = std::fs::read_to_string(world.site.sink()).unwrap();
    let expected = "%!PS one\n%!PS one\n%!PS two\n%!PS two\n%!PS three\n";
    assert_eq!(paper, expected);
    world.site.wait_for_no_print_files();
}

fn the_end_of_a_job_is_on_record_before_the_next_begins(file: &str) {
    let world = World::new(file, Mode::Stalls(STALL));
    world.submit("office.net", "short", "%!PS short\n");
    world.submit("office.net", "long", &pages("long", 1000));
    world.site.start("LP2");
    world.printer.wait_for("the second", |all| all.iter().any(|one| one.octets.len() >= STALL));
    assert!(world.job("short").is_none(), "{:?}", world.site.jobs());
    assert_eq!(world.job("long").unwrap()["current-job-state"], "processing");
    assert_eq!(world.device("LP2")["state"], "printing");
}

fn a_job_that_is_held_stops_and_prints_again_after_start(file: &str) {
    let world = World::printing(file);
    world.submit("office.net", "other", "%!PS other\n");
    let long = world.number("long");
    world.site.spoolcom(&format!("JOB {long}, HOLD"));
    world.wait_for_job("long", "held");
    world.printer.wait_for("the other", |all| text(all).contains("%!PS other"));
    world.site.wait_for("the other is done", || world.job("other").is_none());
    assert!(printed(&world, "long").len() < 999);
    world.printer.set_mode(Mode::Normal);
    world.site.spoolcom(&format!("JOB {long}, START"));
    world.site.wait_until_empty();
    let pages = printed(&world, "long");
    assert_eq!(pages[pages.len() - 1000..], (1..=1000).collect::<Vec<_>>());
}

fn a_suspended_device_stands_still_until_start(file: &str) {
    let world = World::printing(file);
    world.site.spoolcom("DEV $LP2, SUSPEND");
    let stands = || world.site.run("spoolcom", &["DEV $LP2, STATUS DETAIL"]).expect(0).out.contains("SUSPENDED");
    world.site.wait_for("it stands", stands);
    let said = "SELECT count(*) FROM event WHERE object = 'device' AND what = 'stands-still'";
    world.site.wait_for("the program stands", || {
        world.site.database().query_row(said, [], |row| row.get::<_, i64>(0)).is_ok_and(|n| n > 0)
    });
    world.printer.set_mode(Mode::Normal);
    assert_eq!(world.job("long").unwrap()["current-job-state"], "processing");
    world.site.spoolcom("DEV $LP2, START");
    world.site.wait_until_empty();
    assert_eq!(printed(&world, "long"), (1..=1000).collect::<Vec<_>>());
    assert_eq!(world.printer.connections().len(), 1);
}

fn a_drain_waits_for_the_job_in_print(file: &str) {
    let world = World::printing(file);
    world.submit("office.net", "other", "%!PS other\n");
    world.site.spoolcom_with(&["--no-wait", "DEV $LP2, DRAIN"]);
    world.printer.set_mode(Mode::Normal);
    world.site.spoolcom("DEV $LP2, DRAIN");
    assert_eq!(printed(&world, "long"), (1..=1000).collect::<Vec<_>>());
    assert_eq!(world.device("LP2")["state"], "offline");
    assert_eq!(world.job("other").unwrap()["current-job-state"], "pending");
}

fn clear_takes_the_job_off_and_the_next_begins(file: &str) {
    let world = World::printing(file);
    world.submit("office.net", "other", "%!PS other\n");
    let cleared = world.site.spoolcom("DEV $LP2, CLEAR");
    assert!(cleared.err.contains("MAY PRINT") || cleared.err.contains("REQUESTED"), "{cleared:?}");
    world.printer.wait_for("the other", |all| text(all).contains("%!PS other"));
    world.wait_for_job("long", "held");
}

fn a_page_is_skipped_to(file: &str) {
    let world = World::printing(file);
    world.site.run("spoolcom", &["DEV $LP2, SKIPTO 990"]);
    let answer = world.answer("SKIPTO 990");
    assert!(answer.starts_with("it goes on at page 990"), "{answer}");
    world.printer.set_mode(Mode::Normal);
    world.site.wait_until_empty();
    let pages = printed(&world, "long");
    let turn = pages.iter().position(|page| *page == 990).unwrap();
    assert_eq!(pages[turn..], (990..=1000).collect::<Vec<_>>());
    assert!(turn < 900, "{turn}");
}

fn a_device_that_cannot_be_had_is_tried_again_until_it_can(file: &str) {
    let world = World::new(file, Mode::Normal);
    // A port at which nobody listens yet.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    world.site.spoolcom(&format!("DEV $LP2, URI socket://{address}"));
    world.submit("office.net", "job", "%!PS job\n");
    world.site.start("LP2");
    world.site.wait_for("the error", || world.device("LP2")["state"] == "deverror");
    let shown = world.device("LP2");
    // 4127: the connection was refused.
    assert_eq!(shown["error"]["number"], 4127, "{shown}");
    assert!(world.job("job").is_some());
    let late = Sink::at(std::net::TcpListener::bind(address).unwrap(), Mode::Normal);
    world.site.wait_until_empty();
    assert!(text(&late.connections()).contains("%!PS job"));
    world.site.wait_for("the error is over", || world.device("LP2")["state"] != "deverror");
}

fn a_device_that_fails_in_mid_job_prints_it_again(file: &str) {
    let world = World::new(file, Mode::ResetAfter(STALL));
    world.submit("office.net", "long", &pages("long", 1000));
    world.site.start("LP2");
    world.printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= STALL));
    world.printer.set_mode(Mode::Normal);
    world.site.wait_until_empty();
    let pages = printed(&world, "long");
    assert_eq!(pages[pages.len() - 1000..], (1..=1000).collect::<Vec<_>>());
    assert!(world.site.possible_duplicates().contains("long"));
}

fn a_document_that_was_damaged_is_held_and_the_others_flow(file: &str) {
    let world = World::new(file, Mode::Normal);
    world.submit("office.front", "bad", "%!PS bad\n");
    let copy = world.site.server_dir().join(&world.site.print_files()[0]);
    std::fs::write(copy, "%!PS").unwrap();
    world.submit("office.front", "good", "%!PS good\n");
    world.site.start("LP1");
    world.wait_for_job("bad", "held");
    world.site.wait_for("the other is done", || world.job("good").is_none());
    assert_eq!(std::fs::read_to_string(world.site.sink()).unwrap(), "%!PS good\n");
}

fn what_a_crash_left_is_announced_and_the_job_prints(file: &str) {
    let world = World::printing(file);
    let program = world.program();
    assert!(world.site.kill_fastp());
    // Nothing of a program outlives its process.
    assert!(program.is_none_or(|program| dies(program, crate::support::DEADLINE)));
    world.printer.set_mode(Mode::Normal);
    world.until_it_runs_again();
    world.site.wait_until_empty();
    let pages = printed(&world, "long");
    assert_eq!(pages[pages.len() - 1000..], (1..=1000).collect::<Vec<_>>());
    assert!(world.site.possible_duplicates().contains("long"));
}

fn three_deaths_in_a_minute_are_an_error_that_start_clears(file: &str) {
    let world = World::printing(file);
    for n in 1.. {
        assert!(n < 20, "it may die as often as it likes");
        world.site.wait_for("it runs", || world.site.fastp().is_some());
        let before = world.epoch();
        assert!(world.site.kill_fastp());
        world.site.spoolcom("DEV $LP2, START");
        if world.process()["state"] == "error" {
            break;
        }
        world.site.wait_for("another epoch", || world.epoch() > before);
    }
    let shown = world.process();
    assert!(shown["error"]["text"].as_str().unwrap().contains("three"), "{shown}");
    assert_eq!(world.device("LP2")["state"], "procerror");
    world.printer.set_mode(Mode::Normal);
    world.site.spoolcom("PRINT $SPLA, START");
    world.site.wait_until_empty();
    assert!(world.site.possible_duplicates().contains("long"));
}

fn it_goes_dormant_and_is_woken(file: &str) {
    let world = World::new(file, Mode::Normal);
    world.site.start("LP1");
    for tag in ["one", "two"] {
        world.submit("office.front", tag, &format!("%!PS {tag}\n"));
        world.site.wait_until_empty();
        assert!(world.site.fastp_ends(crate::support::DEADLINE));
        assert!(!world.site.counts_as_running());
        assert_eq!(world.process()["state"], "dormant");
        assert!(world.program().is_none_or(|program| kill(program, None).is_err()));
    }
    assert_eq!(std::fs::read_to_string(world.site.sink()).unwrap(), "%!PS one\n%!PS two\n");
}

/// What is refused, and what is not started.
fn refused(site: &Site, file: &str) -> Outcome {
    site.run("spoolcom", &[&format!("PRINT $BAD, FILE {file}")]).expect(1)
}

#[test]
fn a_program_lies_in_one_directory_and_nobody_else_may_write_it() {
    let site = site();
    refused(&site, "nothing").says("there is no such print process program").says("libexec/nothing");
    refused(&site, "/bin/sh").says("there is no such print process program").says("no path");
    put(&site, "plain", "#!/bin/sh\n").metadata().unwrap();
    std::fs::set_permissions(site.files.path().join("libexec/plain"), PermissionsExt::from_mode(0o644)).unwrap();
    refused(&site, "plain").says("is no program");
    put(&site, "open", "#!/bin/sh\n");
    std::fs::set_permissions(site.files.path().join("libexec/open"), PermissionsExt::from_mode(0o777)).unwrap();
    refused(&site, "open").says("can be written by others");
    symlink("/bin/sh", site.files.path().join("libexec/sh")).unwrap();
    refused(&site, "sh").says("is no program");
    // The name as a NonStop site writes it.
    site.spoolcom("PRINT $SPLB, FILE $SYSTEM.PRINT.EXAMPLE; PRINT $SPLA, FILE fastp");
}

#[test]
fn a_program_that_ends_by_itself_counts_as_a_death_and_its_job_prints_again() {
    let world = World::printing("example");
    let first = world.program().unwrap();
    kill(first, Signal::SIGKILL).unwrap();
    assert!(world.site.fastp_ends(crate::support::DEADLINE), "its print process ends with it");
    assert!(world.site.counts_as_running(), "nothing was said to the spool");
    world.printer.set_mode(Mode::Normal);
    world.until_it_runs_again();
    world.site.wait_until_empty();
    assert!(world.site.possible_duplicates().contains("long"));
    let died = "SELECT why FROM event WHERE object = 'process' AND what = 'died'";
    let why: String = world.site.database().query_row(died, [], |row| row.get(0)).unwrap();
    assert!(why.contains("the program of the print process ended"), "{why}; {}", world.site.log());
}

#[test]
fn a_program_that_hangs_is_killed_and_its_job_prints_again() {
    let mut world = World::new("example", Mode::Stalls(STALL));
    world.site.env.push(("PD_PROGRAM_MS", "2000"));
    world.submit("office.net", "long", &pages("long", 1000));
    world.site.start("LP2");
    world.printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= STALL));
    let first = world.program().unwrap();
    kill(first, Signal::SIGSTOP).unwrap();
    assert!(dies(first, crate::support::DEADLINE));
    assert!(world.site.fastp_ends(crate::support::DEADLINE));
    assert!(world.site.log().contains("it says nothing for 2 s"), "{}", world.site.log());
    world.printer.set_mode(Mode::Normal);
    world.until_it_runs_again();
    world.site.wait_until_empty();
    assert!(world.site.possible_duplicates().contains("long"));
}

#[test]
fn what_a_program_said_last_stands_in_the_log_before_why_it_ended() {
    let site = site();
    put(&site, "loud", "#!/bin/sh\nfor n in $(seq 2000); do echo \"line $n\" >&2; done\nexit 1\n");
    site.spoolcom("PRINT $SPLA, FILE loud; SPOOLER, START");
    site.device("LP1", &format!("file://{}", site.sink().display()), "OFF");
    site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
    let file = site.document("job", b"%!PS job\n");
    site.submit("office.front", "job", &file).expect(0);
    site.start("LP1");
    // Of one that was faster than the look nothing is missed.
    site.wait_for("it died, and says why", || {
        assert!(site.fastp_ends(DEADLINE));
        site.log().contains("exit status: 1")
    });
    let log = site.log();
    let why = log.lines().position(|line| line.contains("exit status: 1")).unwrap();
    assert!(log.lines().nth(why - 1).unwrap().ends_with("its program says: line 2000"), "{log}");
}

#[test]
fn a_program_that_breaks_the_contract_is_ended_and_named() {
    for (name, text, says) in [
        ("nonsense", "#!/bin/sh\necho hello >&0\nsleep 600\n", "it said 'hello'"),
        ("silent", "#!/bin/sh\nexit 3\n", "exit status: 3"),
        ("loud", "#!/bin/sh\necho broken paper sensor >&2\nexit 1\n", "its program says: broken paper sensor"),
        ("early", "#!/bin/sh\necho '{\"op\":\"pong\",\"number\":1}' >&0\nsleep 600\n", "comes at the wrong time"),
        (
            "old",
            "#!/bin/sh\necho '{\"op\":\"hello\",\"version\":2}' >&0\nsleep 600\n",
            "Hello { version: 2 } comes at the wrong time",
        ),
    ] {
        let site = site();
        put(&site, name, text);
        site.spoolcom(&format!("PRINT $SPLA, FILE {name}; SPOOLER, START"));
        site.device("LP1", &format!("file://{}", site.sink().display()), "OFF");
        site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        let file = site.document("job", b"%!PS job\n");
        site.submit("office.front", "job", &file).expect(0);
        site.start("LP1");
        assert!(site.fastp_ends(crate::support::DEADLINE));
        // Of one that was faster than the look nothing is missed.
        while !site.log().contains(says) {
            assert!(site.fastp_ends(crate::support::DEADLINE));
            site.wait_for("it died, and says why", || site.log().contains(says) || site.fastp().is_none());
            site.spoolcom("PRINT $SPLA, START");
        }
        assert!(!site.sink().exists(), "{name}");
        assert_eq!(site.jobs().len(), 1, "{name}");
    }
}

#[test]
fn a_program_that_is_gone_when_it_is_needed_is_an_error_of_the_process() {
    let world = World::new("example", Mode::Normal);
    let program = world.site.files.path().join("libexec/example");
    std::fs::rename(&program, program.with_extension("away")).unwrap();
    world.submit("office.front", "job", "%!PS job\n");
    world.site.start("LP1");
    world.site.wait_for("the error", || world.process()["state"] == "error");
    let shown = world.process();
    assert!(shown["error"]["text"].as_str().unwrap().contains("FILE example: there is no"), "{shown}");
    assert_eq!(world.device("LP1")["state"], "procerror");
    std::fs::rename(program.with_extension("away"), &program).unwrap();
    world.site.spoolcom("PRINT $SPLA, START");
    world.site.wait_until_empty();
}

#[test]
fn a_page_of_ours_is_refused_where_a_program_of_others_prints() {
    let world = World::new("example", Mode::Normal);
    world.site.start("LP2");
    world.site.run("spoolcom", &["DEV $LP2, ALIGN"]);
    assert_eq!(world.answer("ALIGN"), "the program of its print process prints no alignment page");
}

#[test]
fn a_program_that_cannot_be_started_for_a_while_is_started_when_it_can_be() {
    let world = World::new("example", Mode::Normal);
    // Nobody starts a program that somebody still writes.
    let libexec = world.site.files.path().join("libexec/example");
    let writing = std::fs::File::options().append(true).open(&libexec).unwrap();
    world.site.start("LP1");
    world.submit("office.front", "patient", "patient line\n");
    let end = Instant::now() + DEADLINE;
    while !world.site.log().contains("starting its program: ") {
        assert!(Instant::now() < end, "{}", world.site.log());
        world.site.spoolcom("PRINT $SPLA, STATUS");
    }
    assert_ne!(world.process()["state"], "procerror", "{}", world.process());
    drop(writing);
    world.site.wait_for("it prints", || world.site.jobs().is_empty());
    let paper = std::fs::read_to_string(world.site.sink()).unwrap();
    assert!(paper.contains("patient line"), "{paper}");
}
