//! What one user may have in the spool: jobs, octets, submissions under way.

use std::io::Write;
use std::process::Stdio;

use crate::support::{ANN, BOB, Machine, OPERATOR, Outcome};

#[track_caller]
fn submits(machine: &Machine, uid: u32, octets: usize, status: i32) -> Outcome {
    let file = machine.file(uid, &format!("f{octets}"), &"x".repeat(octets), 0o644);
    machine.run(uid, "pdpr", &["-d", "office.front", &file]).expect(status)
}

#[test]
fn a_user_has_so_many_jobs_and_octets_and_no_more() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    submits(&machine, ANN, 100, 0);
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, USERJOBS 2, USEROCTETS 1K"]).expect(0);
    submits(&machine, ANN, 100, 0);
    let refused = submits(&machine, ANN, 100, 1).says("you have 2 jobs in the spool, and 2 are the most");
    assert!(refused.err.contains("pdrm") && refused.err.contains("USERJOBS n"), "{refused:#?}");
    submits(&machine, BOB, 1000, 0);
    submits(&machine, BOB, 25, 1).says("1024 octets are the most");
    submits(&machine, BOB, 24, 0);
    // What comes through a pipe is counted when it is there.
    machine.run(BOB, "pdrm", &["2"]).expect(0);
    let mut pdpr = machine.command(BOB, "pdpr");
    let mut pdpr = pdpr.args(["-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    pdpr.stdin.take().unwrap().write_all(&[b'x'; 30]).unwrap();
    assert_eq!(pdpr.wait().unwrap().code(), Some(1));
    // One that never ends is refused when the limit is passed, and does not fill the disk.
    let mut endless = machine.command(BOB, "pdpr");
    let mut endless = endless.args(["-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = endless.stdin.take().unwrap();
    let line = [b'x'; 4096];
    let passed = (0..100_000).take_while(|_| pipe.write_all(&line).is_ok()).count();
    assert!(passed < 100_000, "it took 400 MB");
    drop(pipe);
    assert_eq!(endless.wait().unwrap().code(), Some(1));
    // Those whom the spool trusts have no limit.
    for _ in 0..3 {
        submits(&machine, OPERATOR, 2000, 0);
    }
    // A job that is gone makes room, and one that is given to another is his.
    machine.run(ANN, "pdrm", &["1"]).expect(0);
    submits(&machine, ANN, 100, 0);
    machine.run(OPERATOR, "spoolcom", &["JOB 2, HOLD; JOB 2, OWNER nobody"]).expect(0);
    submits(&machine, ANN, 100, 0);
    submits(&machine, ANN, 100, 1);

    let shown = machine.run(ANN, "spoolcom", &["SPOOLER, STATUS DETAIL"]).expect(0).out;
    assert!(shown.contains("USERJOBS") && shown.contains("1024"), "{shown}");
    let server =
        machine.run(ANN, "pdls", &["-c", "server", "-r", "jobs-per-user,octets-per-user", "--json"]).expect(0).out;
    assert!(server.contains("1024"), "{server}");
    for wrong in ["SPOOLER, USERJOBS 0", "SPOOLER, USERJOBS 5M", "SPOOLER, USEROCTETS x"] {
        assert_ne!(machine.run(OPERATOR, "spoolcom", &[wrong]).status, 0, "{wrong}");
    }
    // Limits and counters outlive the server, and pdfsck counts the same.
    assert_eq!(machine.stop(), Some(0));
    machine.run_direct("pdfsck", &[]).expect(0);
    machine.start();
    submits(&machine, ANN, 100, 1);
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, USERJOBS NONE"]).expect(0);
    submits(&machine, ANN, 100, 0);
}

#[test]
fn a_user_has_so_many_submissions_under_way() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, USEROPENS 1"]).expect(0);
    let first = || {
        let mut pdpr = machine.command(ANN, "pdpr");
        let mut pdpr = pdpr.args(["-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut keys = pdpr.stdin.take().unwrap();
        // It may have been refused already.
        let _ = keys.write_all(b"a line\n");
        (pdpr, keys)
    };
    let (mut pdpr, mut keys) = first();
    let file = machine.file(ANN, "second", "second\n", 0o644);
    let second = || machine.run(ANN, "pdpr", &["-d", "office.front", &file]);
    let mut refused = second();
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    // The first one may not have begun yet, or may have met the second one.
    while refused.status == 0 {
        assert!(std::time::Instant::now() < end);
        if pdpr.try_wait().unwrap().is_some() {
            (pdpr, keys) = first();
        }
        refused = second();
    }
    refused.expect(1).says("1 of your submissions are under way, and 1 are the most of one user");
    let other = machine.file(BOB, "other", "other\n", 0o644);
    machine.run(BOB, "pdpr", &["-d", "office.front", &other]).expect(0);
    drop(keys);
    assert!(pdpr.wait().unwrap().success());
    second().expect(0);
}
