//! SPOOLCOM as a place to sit, typed at a pseudo terminal; and progress for whoever waits at one.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};

use crate::support::documents::stream;
use crate::support::screen::{Screen, piped};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, pid};

/// What the editor sends last when it has painted the prompt and waits.
const READY: &str = "\r\u{1b}[K)";

const UP: &str = "\u{1b}[A";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

fn at_prompt(site: &Site) -> Screen {
    let mut screen = Screen::new(site, "spoolcom", &[]);
    screen.shows("SPOOLCOM - spoolsuite ");
    screen.shows("SYSTEM \\");
    screen.shows(READY);
    screen
}

/// A device on a printer that does not read, in the middle of a job that is larger than all buffers.
fn printing(site: &Site) -> Sink {
    let printer = Sink::new(Mode::Slow);
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START");
    printer.pause(true);
    let file = site.document("long", &stream("long", 40_000_000));
    site.submit("office.slow", "long", &file).expect(0);
    printer.wait_for("a connection", |connections| !connections.is_empty());
    printer
}

#[test]
fn a_session_is_typed() {
    let site = Site::new();
    let mut screen = at_prompt(&site);
    // There is no spool yet: an answer, and no reason to leave.
    screen.types("DEV\r");
    screen.shows("SPOOLER OPEN ERROR 14");
    screen.shows(READY);
    screen.types("PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:\r");
    screen.shows(READY);
    screen.types("DEV $LP1, STRAT\r");
    screen.shows("UNKNOWN SUBCOMMAND\r\n  DEV $LP1, STRAT\r\n            ^\r\n  expected a subcommand of DEV: ");
    screen.shows("hint: did you mean START?");
    screen.shows(READY);
    screen.types("DEV $L\t");
    screen.shows("DEV $LP1");
    screen.types(", STATUS D\t\r");
    screen.shows("DETAIL");
    screen.shows("DEVICE: $LP1");
    screen.shows(READY);
    screen.types(UP);
    screen.shows("DEV $LP1, STATUS DETAIL");
    screen.types(CTRL_C);
    screen.shows(READY);
    screen.types("FC dev\r");
    screen.shows(")DEV $LP1, STATUS DETAIL\r\n");
    // Edited beneath: the last two words go, and START comes.
    let before = " ".repeat("DEV $LP1, ".len());
    screen.types(&format!("{before}{}\r", "D".repeat("STATUS DETAIL".len())));
    screen.shows(")DEV $LP1,\r\n");
    screen.types(&format!("{}I START\r", " ".repeat("DEV $LP1,".len())));
    screen.shows(")DEV $LP1, START\r\n");
    screen.types("\r");
    screen.shows(READY);
    screen.types("DEV $LP1; COMMENT done\r");
    screen.shows("$LP1    WAITING");
    screen.shows(READY);
    screen.types("EXIT\r");
    assert_eq!(screen.ends().1, Some(0));

    let history = site.files.path().join(".local/state/spoolsuite/spoolcom_history");
    assert_eq!(std::fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    let mut screen = at_prompt(&site);
    screen.types(UP);
    screen.shows("EXIT");
    screen.types(UP);
    screen.shows("DEV $LP1; COMMENT done");
    // Ctrl-D ends a session only on an empty line.
    screen.types(CTRL_C);
    screen.shows(READY);
    screen.types(CTRL_D);
    assert_eq!(screen.ends().1, Some(0));
}

#[test]
fn ctrl_c_ends_the_wait_for_a_drain_and_the_drain_stays() {
    let site = Site::new();
    site.declare();
    let _printer = printing(&site);
    let mut screen = at_prompt(&site);
    screen.types("DEV $LP2, DRAIN; LOC\r");
    screen.shows("\r$LP2: JOB 1, ");
    screen.shows(" octets (");
    screen.types(CTRL_C);
    let shown = screen.shows("$LP2 STAYS DRAINING\r\n");
    assert!(shown.contains(" \r"), "the line of the progress is wiped: {shown:?}");
    assert!(!screen.shows(READY).contains("LOCATION"), "the rest of the list is not executed");
    screen.types("DEV $LP2, STATUS DETAIL\r");
    screen.shows("DRAINING: ON");
    screen.types("DEV $LP2, START; DEV $LP2, STATUS DETAIL\r");
    screen.shows("DRAINING: OFF");
    screen.types("EXIT\r");
    assert_eq!(screen.ends().1, Some(0));

    // Without a prompt to return to, the program ends; the drain stays just the same.
    let waiting = site.command("spoolcom").arg("DEV $LP2, DRAIN").spawn().unwrap();
    let draining = || site.spoolcom("DEV $LP2, STATUS DETAIL").out.contains("DRAINING: ON");
    site.wait_for("the drain is requested", draining);
    kill(pid(waiting.id()), Signal::SIGINT).unwrap();
    let outcome = finish(waiting, DEADLINE);
    assert_eq!((outcome.status, outcome.err.as_str()), (128 + Signal::SIGINT as i32, ""));
    assert!(draining());
    // The job goes, and with it what the drain waits for; nothing was said where there is no terminal.
    let waiting = site.command("spoolcom").arg("DEV $LP2, DRAIN").spawn().unwrap();
    site.spoolcom("JOB 1, DELETE");
    assert_eq!(finish(waiting, DEADLINE).expect(0).err, "");
}

#[test]
fn ctrl_c_stops_a_display_and_the_list_it_is_part_of() {
    let site = Site::new();
    let devices: String = (0..40).map(|n| format!("DEV $LONG-NAMED-DEVICE-{n}, PROCESS $SPLA; ")).collect();
    site.spoolcom(&format!("PRINT $SPLA, FILE fastp; {devices}"));
    let mut screen = at_prompt(&site);
    // More than a terminal holds that nobody reads.
    screen.types(&format!("{}EXIT\r", "DEV;".repeat(200)));
    screen.shows("DEVICE ");
    screen.types(CTRL_C);
    let shown = screen.shows(READY);
    assert!(shown.matches("DEVICE ").count() < 200, "the display went on to its end");
    screen.types("EXIT\r");
    assert_eq!(screen.ends().1, Some(0));
}

#[test]
fn standard_input_that_is_no_terminal_is_a_command_file() {
    let site = Site::new();
    site.declare();
    let run = |lines: &str, args: &[&str]| {
        let mut child = piped(site.command("spoolcom")).args(args).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        finish(child, DEADLINE)
    };
    let outcome = run("/* a list\nLOC front\nDEV $NIX, START\nLOC\n", &[]).expect(1).says("DEV $NIX, START");
    assert_eq!(outcome.out.matches("#OFFICE.FRONT").count(), 2);
    assert!(!outcome.out.contains(')') && !outcome.err.contains("SPOOLCOM"));
    run("LOC x!\n", &[]).expect(2).says("line 1: LOC x!\n               ^\n");
    assert_eq!(run("", &[]).expect(0).out, "");
    let list = site.files.path().join("list");
    let out = ["--out", list.to_str().unwrap()];
    assert_eq!(run("LOC\nEXIT\nNIX\n", &out).expect(0).out, "");
    assert!(std::fs::read_to_string(&list).unwrap().contains("#OFFICE.FRONT"));
    let commands = site.document("commands", b"LOC front; DEV $LP1\nEXIT\n");
    let outcome = site.run("spoolcom", &["--in", commands.to_str().unwrap()]).expect(0);
    assert!(outcome.out.contains("#OFFICE.FRONT") && outcome.out.contains("$LP1    OFFLINE"));
}

#[test]
fn pdpr_says_what_it_waits_for_on_a_terminal_only() {
    let site = Site::new();
    site.declare();
    let command = || {
        let mut command = piped(site.command("pdpr"));
        command.args(["-d", "office.front", "-t", "stream", "-"]);
        command
    };
    let mut screen = Screen::of_messages(command());
    let mut input = screen.input();
    screen.shows("\rreading ");
    input.write_all(&stream("stream", 1000)).unwrap();
    drop(input);
    let (shown, status) = screen.ends();
    assert_eq!(status, Some(0));
    let (waited, said) = shown.split_once("pdpr: accepted, but ").unwrap();
    assert!(waited.ends_with(" \r") && !waited.contains('\n'), "{shown:?}");
    assert!(said.contains("was never started"), "{shown:?}");
    let mut child = command().spawn().unwrap();
    child.stdin.take().unwrap().write_all(&stream("stream", 1000)).unwrap();
    assert_eq!(finish(child, DEADLINE).expect(0).err, "");
    assert_eq!(site.jobs().len(), 2);
}
