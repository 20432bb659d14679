//! The live screen in a real terminal: what is typed, and what stands on the screen after it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../pdserver/tests/support/mod.rs"]
mod machine;
mod support;

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Command;

use machine::{BOB, Machine, OPERATOR};
use nix::sys::signal::Signal;
use support::{Site, Terminal, program};

/// The screen of a site.
fn watch(site: &Site, columns: u16, env: &[(&str, &str)]) -> Terminal {
    let mut command = Command::new("setsid");
    site.dress(&mut command);
    command.args(["--ctty"]).arg(program("spoolcom")).arg("WATCH").envs(env.iter().copied());
    Terminal::start(command, columns)
}

/// A printer that was never started, and a job that waits for it.
fn waiting(site: &Site) {
    site.declare();
    site.submit("letter");
}

#[test]
fn trouble_shows_and_goes_when_its_key_is_pressed() {
    let site = Site::new();
    waiting(&site);
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("TROUBLE 1");
    terminal.shows("device $LP1: $LP1 was never started; 1 job waits");
    terminal.shows("cure: spoolcom 'DEV $LP1, START'");
    terminal.types("s");
    terminal.shows("spoolcom 'DEV $LP1, START'\ny runs it, any other key does not");
    terminal.types("y");
    terminal.shows("done: DEV $LP1, START");
    terminal.shows("TROUBLE none");
    // It was printed: the queue has it in the last hour.
    terminal.until("the job in the last hour", |text| {
        text.lines().any(|line| line.contains("#OFFICE.FRONT") && line.ends_with("    1"))
    });
    assert_eq!(terminal.quit("q"), 0);
}

#[test]
fn a_job_is_held_by_its_key_after_y_and_by_nothing_else() {
    let site = Site::new();
    waiting(&site);
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("1 #OFFICE.FRONT letter");
    // The last line is the job.
    terminal.types("\x1b[F");
    terminal.shows("> 1 #OFFICE.FRONT letter");
    for key in ["n", "Y", "\r", "q"] {
        terminal.types("h");
        terminal.shows("spoolcom 'JOB 1, HOLD'");
        terminal.types(key);
        terminal.shows("not done");
    }
    assert!(site.spoolcom("JOB 1").contains(" RD "), "nobody has held it");
    terminal.types("h");
    terminal.shows("spoolcom 'JOB 1, HOLD'");
    terminal.types("y");
    terminal.shows("done: JOB 1, HOLD");
    terminal.shows("held: ");
    assert!(site.spoolcom("JOB 1").contains(" HL "));
    // What somebody else does wakes it.
    site.spoolcom("JOB 1, START");
    terminal.until("the job is ready", |text| !text.contains("held: "));
    terminal.types("x");
    terminal.shows("spoolcom 'JOB 1, DELETE'");
    terminal.types("y");
    terminal.until("the job is gone", |text| !text.contains("letter"));
    assert_eq!(terminal.quit("q"), 0);
}

#[test]
fn the_terminal_is_as_it_was_whatever_ends_the_screen() {
    let site = Site::new();
    site.declare();
    for (keys, signal, status) in [
        ("q", None, 0),
        ("\x03", None, 130),
        ("", Some(Signal::SIGTERM), 143),
        ("", Some(Signal::SIGHUP), 129),
        ("", Some(Signal::SIGINT), 130),
    ] {
        let mut terminal = watch(&site, 80, &[]);
        terminal.shows("TROUBLE none");
        assert!(terminal.is_changed(), "a screen reads keys one by one");
        if let Some(signal) = signal {
            terminal.signal(signal);
        }
        assert_eq!(terminal.quit(keys), status, "{keys:?} {signal:?}");
    }
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("TROUBLE none");
    assert_eq!(terminal.hang_up(), 129);
}

#[test]
fn what_prints_has_its_progress_and_its_time_goes_on_without_a_change() {
    let site = Site::new();
    site.declare();
    let paper = site.path("fifo");
    nix::unistd::mkfifo(&paper, nix::sys::stat::Mode::S_IRWXU).unwrap();
    site.spoolcom(&format!(
        "DEV $LP2, PROCESS $SPLA, URI fifo://{}, HEADER OFF; LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START",
        paper.display()
    ));
    // A printer that takes the beginning, and the rest when it is told to.
    let (go_on, told) = std::sync::mpsc::channel::<()>();
    let printer = std::thread::spawn(move || {
        let mut fifo = std::fs::File::open(paper).unwrap();
        fifo.read_exact(&mut vec![0; 2_000_000]).unwrap();
        told.recv().unwrap();
        std::io::copy(&mut fifo, &mut std::io::sink()).unwrap()
    });
    site.submit_to("office.slow", "long", &vec![b'x'; 8_000_000]);
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("PRINTING 1");
    terminal.shows("$LP2 1 long (");
    for part in ["25%  ", "B/s  0:03"] {
        terminal.until(part, |text| text.lines().any(|line| line.contains("$LP2 1 long") && line.contains(part)));
    }
    go_on.send(()).unwrap();
    terminal.shows("PRINTING 0");
    assert_eq!(terminal.quit("q"), 0);
    assert!(printer.join().unwrap() >= 6_000_000);
}

#[test]
fn a_window_that_becomes_narrow_is_drawn_anew() {
    let site = Site::new();
    waiting(&site);
    let mut terminal = watch(&site, 100, &[]);
    terminal.shows("device $LP1: $LP1 was never started; 1 job waits");
    terminal.resize(40);
    terminal.shows("! device $LP1: $LP1 was never started;");
    terminal.shows("h r x job  d s device  ? keys  q quit");
    terminal.until("the whole diagnosis", |text| {
        let flat: Vec<&str> = text.split_whitespace().collect();
        flat.join(" ").contains("$LP1 was never started; 1 job waits")
    });
    assert_eq!(terminal.quit("q"), 0);
}

#[test]
fn names_send_nothing_to_the_terminal_and_without_colours_none_is_sent() {
    let site = Site::new();
    site.declare();
    site.submit("\x1b]0;owned\x07\x1b[2J\u{9b}31mB\u{f6}rse");
    for env in [&[("NO_COLOR", "1")], &[("TERM", "vt100")], &[("TERM", "dumb")]] {
        let mut terminal = watch(&site, 80, env);
        terminal.shows("\\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{9b}31mB");
        terminal.quit("q");
        let sent = terminal.sent();
        for never in ["\x1b]0;", "\x07", "\x1b[31m", "38;5;", "\u{9b}"] {
            assert!(!sent.contains(never), "{never:?} in {sent:?}");
        }
    }
}

#[test]
fn little_is_sent_when_little_changes() {
    let site = Site::new();
    site.declare();
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("TROUBLE none");
    terminal.types("?");
    terminal.shows("KEYS");
    terminal.types("?");
    terminal.shows("QUEUES");
    terminal.forget();
    site.submit("letter");
    terminal.shows("letter");
    terminal.shows("1 job waits");
    let sent = terminal.sent().len();
    assert!(sent < 1500, "{sent} octets for what changed: a screen has 1920 characters");
    terminal.quit("q");
}

#[test]
fn a_screen_that_was_stopped_is_drawn_anew_when_it_goes_on() {
    let site = Site::new();
    site.declare();
    let mut terminal = watch(&site, 80, &[]);
    terminal.shows("TROUBLE none");
    // What the shell wrote meanwhile must not stay.
    terminal.forget();
    terminal.signal(Signal::SIGSTOP);
    terminal.signal(Signal::SIGCONT);
    terminal.until_sent("TROUBLE none");
    assert!(terminal.is_changed(), "it reads keys one by one again");
    terminal.forget();
    terminal.types("\x0c");
    terminal.until_sent("TROUBLE none");
    // A terminal that answers nothing must not end the screen.
    assert!(!terminal.sent().contains("\x1b[6n"), "it asks where the cursor stands");
    assert_eq!(terminal.quit("q"), 0);
}

#[test]
fn where_the_program_of_the_screen_is_missing_that_is_said() {
    let site = Site::new();
    site.declare();
    // A spoolcom that was installed without it.
    let alone = site.path("alone");
    std::fs::create_dir(&alone).unwrap();
    machine::place_program(&program("spoolcom"), &alone.join("spoolcom"));
    let mut command = Command::new("setsid");
    site.dress(&mut command);
    command.arg("--ctty").arg(alone.join("spoolcom")).arg("WATCH");
    let mut terminal = Terminal::start(command, 80);
    terminal.shows("spoolwatch");
    assert_ne!(terminal.quit(""), 0);
    assert!(terminal.text().contains("crates/spoolwatch"), "{}", terminal.text());
}

#[test]
fn where_no_terminal_is_the_way_out_is_said() {
    let site = Site::new();
    site.declare();
    for (name, arguments) in [("spoolcom", &["WATCH"][..]), ("spoolwatch", &[][..])] {
        let outcome = site.run(name, arguments);
        assert_eq!(outcome.status, 2, "{outcome:?}");
        for hint in ["spoolcom CHECK", "pdls --follow"] {
            assert!(outcome.err.contains(hint), "{outcome:?}");
        }
    }
    for arguments in [&["WATCH; DEV"][..], &["--json", "WATCH"], &["--since", "14:30", "WATCH"]] {
        let outcome = site.run("spoolcom", arguments);
        assert_eq!(outcome.status, 2, "{outcome:?}");
        assert!(outcome.err.contains("WATCH stands alone"), "{outcome:?}");
    }
    let file = site.path("commands");
    std::fs::write(&file, "WATCH\n").unwrap();
    let outcome = site.run("spoolcom", &["--in", file.to_str().unwrap()]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.err.contains("spoolcom WATCH"), "{outcome:?}");
}

#[test]
fn a_user_of_a_server_sees_what_he_may_and_what_he_may_not_do_is_refused_in_words() {
    let Some(machine) = Machine::new() else { return };
    machine::place_program(&program("spoolwatch"), &machine.path("spoolwatch"));
    machine.declare();
    let letter = machine.file(OPERATOR, "letter", "a letter\n", 0o600);
    machine.run(OPERATOR, "pdpr", &["-d", "office.front", "-t", "Salaries", &letter]).expect(0);
    let note = machine.file(BOB, "note", "a note\n", 0o600);
    machine.run(BOB, "pdpr", &["-d", "office.front", "-t", "Minutes", &note]).expect(0);
    let mut command = machine.command_at(BOB, "setsid".as_ref());
    command.arg("--ctty").arg(machine.path("spoolcom")).arg("WATCH").env("TERM", "xterm").gid(BOB);
    let mut terminal = Terminal::start(command, 80);
    terminal.shows("Minutes");
    terminal.shows("2 jobs wait");
    assert!(!terminal.text().contains("Salaries"), "{}", terminal.text());
    terminal.types("s");
    terminal.shows("spoolcom 'DEV $LP1, START'");
    terminal.types("y");
    terminal.shows("not done: ");
    terminal.shows("TROUBLE 1");
    // Someone who may does it.
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    terminal.shows("TROUBLE none");
    assert_eq!(terminal.quit("q"), 0);
}
