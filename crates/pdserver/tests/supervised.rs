//! Print processes under a server: a death is seen at once, and a drain of the spooler ends in order. And the room on the disk.

use std::io::{Read, Write};
use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{ANN, Machine, OPERATOR};

#[test]
fn a_print_process_that_dies_in_mid_job_is_followed_by_another_that_prints_the_job() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    // A printer that takes nothing of the first connection.
    let printer = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("socket://{}", printer.local_addr().unwrap());
    let commands = format!("DEV LP2, PROCESS SPLA, URI {uri}, HEADER OFF; LOC #OFFICE.BACK, DEV LP2; DEV LP2, START");
    machine.run(OPERATOR, "spoolcom", &[&commands]).expect(0);
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.back", &letter]).expect(0);
    let (first, _) = printer.accept().unwrap();
    let pid = |machine: &Machine| -> i32 {
        let lock = std::fs::read_to_string(machine.path("base/run/fastp.spla.lock")).unwrap();
        lock.split_whitespace().next().unwrap().parse().unwrap()
    };
    let dead = pid(&machine);
    kill(Pid::from_raw(dead), Signal::SIGKILL).unwrap();
    let (mut second, _) = printer.accept().unwrap();
    drop(first);
    let mut text = [0; 64];
    let n = second.read(&mut text).unwrap();
    assert!(String::from_utf8_lossy(&text[..n]).contains("a letter of Ann"), "{text:?}");
    assert_ne!(pid(&machine), dead);
    assert!(machine.log().contains("print process $SPLA died"), "{}", machine.log());
}

#[test]
fn a_drain_of_the_spooler_lets_the_job_in_print_end_and_refuses_others() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let printer = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("socket://{}", printer.local_addr().unwrap());
    let commands = format!("DEV LP2, PROCESS SPLA, URI {uri}, HEADER OFF; LOC #OFFICE.BACK, DEV LP2; DEV LP2, START");
    machine.run(OPERATOR, "spoolcom", &[&commands]).expect(0);
    // More than the kernels on both sides take while nobody reads.
    let long = "a line of a long letter\n".repeat(800_000);
    let letter = machine.file(ANN, "letter", &long, 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.back", &letter]).expect(0);
    let (mut job, _) = printer.accept().unwrap();
    let note = machine.file(ANN, "note", "a note\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.back", &note]).expect(0);
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, DRAIN"]).expect(0);
    machine.run(ANN, "pdpr", &["-d", "office.back", &note]).expect(1).says("takes no jobs");
    let state = || machine.run(ANN, "spoolcom", &["SPOOLER"]).expect(0).out;
    assert!(state().contains("DRAIN"), "{}", state());
    let mut printed = Vec::new();
    job.read_to_end(&mut printed).unwrap();
    assert_eq!(printed.iter().filter(|octet| **octet == b'\n').count(), 800_000, "the job in print ends whole");
    machine.wait_for("nothing prints any more", || state().contains("WARM"));
    // What waited is kept, and prints after the next START.
    let listed = machine.run(ANN, "pdls", &["-r", "job-name", "-g"]).expect(0).out;
    assert!(listed.contains("note"), "{listed}");
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, START"]).expect(0);
    let (mut next, _) = printer.accept().unwrap();
    let mut text = String::new();
    next.read_to_string(&mut text).unwrap();
    assert!(text.contains("a note"), "{text}");
}

#[test]
fn below_the_reserve_submissions_are_refused_and_service_resumes_by_itself() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let note = machine.file(ANN, "note", "a note\n", 0o644);
    machine.run(ANN, "pdpr", &["-d", "office.front", &note]).expect(0);
    machine.run(ANN, "pdpr", &["-l", "-d", "office.front", &note]).expect(0);
    let space = || machine.run(ANN, "pdls", &["-c", "server", "-r", "spool-space", "-g"]).expect(0).out;
    assert!(space().contains("copies: 1 of 7 octets") && space().contains("links: 1"), "{}", space());
    // More than this disk has: everybody is refused, at every entrance, and nothing is left behind.
    let disk = spoolsuite::sys::files::room(&machine.path("base")).unwrap();
    machine.run(OPERATOR, "spoolcom", &[&format!("SPOOLER, RESERVE {}", disk.1)]).expect(0);
    for _ in 0..2 {
        let refused = machine.run(ANN, "pdpr", &["-d", "office.front", &note]).expect(1);
        assert!(refused.err.contains("RESERVE") && refused.err.contains("by themselves"), "{refused:#?}");
    }
    let mut piped = machine.command(ANN, "pdpr");
    let mut piped = piped.args(["-d", "office.front", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let _ = piped.stdin.take().unwrap().write_all(b"a line\n");
    assert_eq!(piped.wait().unwrap().code(), Some(1));
    machine.run(OPERATOR, "pdpr", &["-d", "office.front", "/etc/hostname"]).expect(1).says("RESERVE");
    assert!(space().contains("submissions are refused"), "{}", space());
    let detail = machine.run(ANN, "spoolcom", &["SPOOLER, STATUS DETAIL"]).expect(0).out;
    assert!(detail.contains("%FULL") && detail.contains("COPIES"), "{detail}");
    // What waits is printed meanwhile.
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine
        .wait_for("the jobs are printed", || space().contains("copies: 0 of 0 octets") && space().contains("links: 0"));
    // A smaller reserve is room enough.
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, RESERVE 1M"]).expect(0);
    machine.run(ANN, "pdpr", &["-d", "office.front", &note]).expect(0);
    assert!(!space().contains("refused"), "{}", space());
    let server = machine.run(ANN, "spoolcom", &["--json", "SPOOLER"]).expect(0).out;
    assert!(server.contains("\"reserve\":\"1048576\""), "{server}");
}
