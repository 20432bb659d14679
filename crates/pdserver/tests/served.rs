//! One spool for several users: `pdserver` under an account of its own, commands under others.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod account;
mod announced;
mod crowds;
mod cups_commands;
mod door_faults;
mod doors;
mod figures;
mod hours;
mod ipp;
mod ipps;
mod killed;
mod kiosk;
mod limits;
mod log_on;
mod managers;
mod namespaces;
mod notified;
mod pam;
mod remote;
mod shown;
mod stations;
mod summaries;
mod supervised;
mod support;
mod syncs;
mod two_servers;
mod typed;
mod vectors;

use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use support::{ANN, BOB, DEADLINE, Machine, OPERATOR, SERVER};

#[test]
fn each_user_prints_what_only_he_can_read() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", &letter]).expect(0);
    machine.run(BOB, "pdpr", &["-d", "office.front", &letter]).expect(1).says("ermission denied");
    let mut pdpr =
        machine.command(BOB, "pdpr").args(["-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    pdpr.stdin.take().unwrap().write_all(b"a line of Bob\n").unwrap();
    assert!(pdpr.wait().unwrap().success());
    machine
        .wait_for("both are printed", || machine.paper().contains("of Ann\n") && machine.paper().contains("of Bob\n"));
}

#[test]
fn a_user_sees_and_alters_his_own_jobs_and_an_operator_all() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    let note = machine.file(BOB, "note", "a note of Bob\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", "-t", "Salaries", &letter]).expect(0);
    machine.run(BOB, "pdpr", &["-d", "office.front", "-t", "Minutes", &note]).expect(0);

    let seen = machine.run(ANN, "pdls", &["-U", "-r", "all", "--json"]).expect(0).out;
    assert!(seen.contains("Salaries") && !seen.contains("Minutes") && !seen.contains("note"), "{seen}");
    for command in ["JOB 2", "JOB 2, WHY", "JOB 2, LOG"] {
        let answer = machine.run(ANN, "spoolcom", &[command]).expect(1);
        assert!(!format!("{answer:?}").contains("Minutes"), "{command}: {answer:#?}");
    }
    let queue = machine.run(ANN, "spoolcom", &["DEV LP1, JOB"]);
    assert!(!queue.out.contains("Minutes") && !queue.out.contains("47120"), "{queue:#?}");
    for change in ["JOB 2, HOLD", "JOB 2, DELETE", "DEV LP1, START", "DEV LP2, PROCESS SPLA", "SPOOLER, DRAIN"] {
        machine.run(ANN, "spoolcom", &[change]).expect(1);
    }
    machine.run(ANN, "spoolcom", &["JOB 1, HOLD"]).expect(0);
    let all = machine.run(OPERATOR, "pdls", &["-U", "-r", "all"]).expect(0).out;
    assert!(all.contains("Salaries") && all.contains("Minutes"), "{all}");
    machine.run(OPERATOR, "spoolcom", &["JOB 2, DELETE"]).expect(0);
    let log = machine.log();
    for refused in ["refused job to 47110 (47110)", "refused start_device to 47110", "refused drain_spooler to 47110"] {
        assert!(log.contains(refused), "no '{refused}' in {log}");
    }
    assert!(!machine.run(ANN, "pdls", &["-c", "destination"]).expect(0).out.is_empty());
}

#[test]
fn a_link_leads_to_the_very_file_or_is_refused() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let private = machine.file(ANN, "private", "for Ann alone\n", 0o600);
    machine.run(ANN, "pdpr", &["-l", "-d", "office.front", &private]).expect(1);
    let public = machine.file(ANN, "public", "for everybody\n", 0o644);
    machine.run(ANN, "pdpr", &["-l", "-d", "office.front", &public]).expect(0);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("it is printed from its place", || machine.paper().contains("for everybody\n"));
}

#[test]
fn the_server_starts_a_print_process_that_died() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let commands = "DEV LP2, PROCESS SPLA, URI socket://127.0.0.1:1; LOC #OFFICE.BACK, DEV LP2; DEV LP2, START";
    machine.run(OPERATOR, "spoolcom", &[commands]).expect(0);
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.back", &letter]).expect(0);
    let lock = machine.path("base/run/fastp.spla.lock");
    let living = || {
        let pid: i32 = std::fs::read_to_string(&lock).ok()?.split_whitespace().next()?.parse().ok()?;
        kill(Pid::from_raw(pid), None).is_ok().then_some(pid)
    };
    let mut first = None;
    machine.wait_for("a print process lives", || {
        first = living();
        first.is_some()
    });
    kill(Pid::from_raw(first.unwrap()), Signal::SIGKILL).unwrap();
    let end = Instant::now() + DEADLINE;
    while living().is_none_or(|pid| Some(pid) == first) {
        assert!(Instant::now() < end, "{}", machine.log());
        std::thread::yield_now();
    }
}

#[test]
fn what_a_path_holds_never_reaches_a_terminal_as_it_is() {
    let Some(machine) = Machine::new() else { return };
    let mut command = machine.command(SERVER, "pdserver");
    command.arg("--socket").arg(machine.path("run/other"));
    let output = command.args(["--base", "/dev/null/\u{1b}[31mred\u{202e}"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("\\u{1b}[31mred\\u{202e}") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_server_that_ends_says_so_and_the_next_one_goes_on() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", &letter]).expect(0);
    let second = machine.server_command().output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another pdserver"), "{second:?}");

    assert_eq!(machine.stop(), Some(0), "{}", machine.log());
    assert!(!machine.path("run/socket").exists());
    machine.run(ANN, "pdls", &[]).expect(3).says("there is no server at");
    machine.start();
    assert!(machine.run(ANN, "pdls", &[]).expect(0).out.contains("letter"));

    // Killed, it leaves the name of its socket; the next one replaces it.
    let mut server = machine.server.take().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    machine.run(ANN, "pdls", &[]).expect(3).says("nobody listens at");
    machine.start();
    assert!(machine.run(ANN, "pdls", &[]).expect(0).out.contains("letter"));
}

#[test]
fn a_wait_for_the_end_of_a_job_outlives_a_restart_of_the_server() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    let waits = machine.command(ANN, "pdpr").args(["--wait", "-d", "office.front", &letter]).spawn().unwrap();
    machine.wait_for("the job is there", || machine.run(OPERATOR, "spoolcom", &["JOB"]).out.contains("letter"));
    assert_eq!(machine.stop(), Some(0), "{}", machine.log());
    machine.start();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let ended = waits.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    assert!(machine.paper().contains("a letter of Ann\n"));
}

#[test]
fn a_prompt_outlives_a_restart_of_the_server() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    let mut prompt = machine.command(ANN, "spoolcom").stdin(Stdio::piped()).spawn().unwrap();
    let mut keys = prompt.stdin.take().unwrap();
    let mut shown = std::io::BufReader::new(prompt.stdout.take().unwrap());
    let mut ask = || {
        use std::io::BufRead;
        keys.write_all(b"LOC #OFFICE.FRONT\n").unwrap();
        let mut text = String::new();
        while !text.contains("LP1") {
            assert!(shown.read_line(&mut text).unwrap() > 0, "{text}");
        }
    };
    ask();
    assert_eq!(machine.stop(), Some(0));
    machine.start();
    ask();
    drop(keys);
    assert!(prompt.wait().unwrap().success());
}
