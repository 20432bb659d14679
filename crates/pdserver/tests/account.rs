//! The server's own account: its commands find the server, and a private spool becomes one for all and private again.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{ANN, Machine, OPERATOR, Outcome, SERVER};

#[test]
fn commands_of_the_servers_account_go_through_the_server() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", &letter]).expect(0);
    let note = machine.file(SERVER, "note", "a note of the account\n", 0o600);
    machine.run_direct("pdpr", &["-d", "office.front", &note]).expect(0);
    machine.run_direct("spoolcom", &["DEV LP1"]).expect(0);
    machine.wait_for("both are printed", || machine.paper().contains("Ann") && machine.paper().contains("account"));

    // Programs that work on the directory itself go on beside the server, and say what a repair needs.
    let backup = machine.path("run/backup");
    machine.run_direct("pdbackup", &[backup.to_str().unwrap()]).expect(0);
    machine.run_direct("pdfsck", &[]).expect(0);
    let refused = machine.run_direct("pdbackup", &["--restore", backup.to_str().unwrap()]).expect(1);
    assert!(refused.err.contains("pdserver has it: systemctl stop pdserver"), "{refused:#?}");

    // Without its socket they are refused: nothing goes past the server.
    std::fs::remove_file(machine.path("run/socket")).unwrap();
    for (program, arguments) in
        [("pdls", &[][..]), ("pdpr", &["-d", "office.front", &note]), ("spoolcom", &["JOB"]), ("pdrm", &["1"])]
    {
        let refused = machine.run_direct(program, arguments).expect(3);
        assert!(refused.err.contains("a server has the spool in"), "{refused:#?}");
    }
}

#[test]
fn a_private_spool_becomes_one_for_all_and_private_again_without_loss() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    assert_eq!(machine.stop(), Some(0), "{}", machine.log());
    let file = |machine: &Machine, uid: u32, text: &str| machine.file(uid, text, &format!("{text}\n"), 0o600);
    let first = file(&machine, SERVER, "embedded-1");
    machine.run_direct("pdpr", &["-d", "office.front", &first]).expect(0);

    // A prompt that lives through all of it.
    let mut prompt = machine.direct("spoolcom").stdin(Stdio::piped()).spawn().unwrap();
    let mut keys = prompt.stdin.take().unwrap();
    let mut shown = BufReader::new(prompt.stdout.take().unwrap());
    let mut ask = |last: &str| {
        keys.write_all(b"JOB\n").unwrap();
        let mut text = String::new();
        while !text.contains(last) {
            assert!(shown.read_line(&mut text).unwrap() > 0, "no {last} in {text}");
        }
    };
    ask("embedded-1");
    machine.start();
    let second = file(&machine, ANN, "served-2");
    machine.run(ANN, "pdpr", &["-d", "office.front", &second]).expect(0);
    ask("served-2");
    assert_eq!(machine.stop(), Some(0), "{}", machine.log());
    let third = file(&machine, SERVER, "embedded-3");
    machine.run_direct("pdpr", &["-d", "office.front", &third]).expect(0);
    ask("embedded-3");
    machine.start();
    let fourth = file(&machine, ANN, "served-4");
    machine.run(ANN, "pdpr", &["-d", "office.front", &fourth]).expect(0);
    ask("served-4");
    drop(keys);
    assert!(prompt.wait().unwrap().success());

    let listed = machine.run(OPERATOR, "pdls", &["-U", "-r", "job-number,job-name", "-s", "line"]).expect(0).out;
    for name in ["embedded-1", "served-2", "embedded-3", "served-4"] {
        assert_eq!(listed.matches(name).count(), 1, "{listed}");
    }
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let all = "embedded-1\nserved-2\nembedded-3\nserved-4\n";
    machine.wait_for("all are printed in their order", || machine.paper().replace('\u{c}', "").contains(all));
}

#[test]
fn print_processes_have_one_keeper() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    // A server has them: no command keeps them in the foreground.
    let refused = machine.run_direct("spoolcom", &["--foreground", "SPOOLER, START"]).expect(1);
    assert!(refused.err.contains("starts its print processes itself"), "{refused:#?}");
    assert_eq!(machine.stop(), Some(0), "{}", machine.log());

    // A command has them: no server begins.
    let mut keeper = machine.direct("spoolcom").args(["--foreground", "SPOOLER, START"]).spawn().unwrap();
    let lock = machine.path("base/run/keeper.sock");
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    while !lock.exists() {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
    let refused = Outcome::of(&mut machine.server_command()).expect(3);
    assert!(refused.err.contains("keeps the print processes of"), "{refused:#?}");
    kill(Pid::from_raw(keeper.id() as i32), Signal::SIGTERM).unwrap();
    assert!(keeper.wait().unwrap().success());
    machine.start();
}
