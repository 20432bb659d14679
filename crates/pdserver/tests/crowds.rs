//! Crowds at the sockets of a server: connections that break off, and clients that never come to an end of what they say. Nobody else
//! waits for them, and nothing of them is left.
//!
//! The short form breaks 2,000 connections off; `ABORTS=100000` is the long one.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::support::dice::number;
use crate::support::{ANN, Machine, OPERATOR, Outcome};

/// What a connection begins with that breaks off: nothing, half a header, another language, the longest frame, and the beginning of a
/// handshake.
const STARTS: [&[u8]; 5] = [
    b"",
    b"SPW\x01",
    b"GET / HTTP/1.0\r\n\r\n",
    b"SPW\x01\x01\x00\x00\x00\x00\x80\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
];

/// A server that listens on the network, too, and where.
fn listening(host: u8) -> Option<(Machine, &'static str)> {
    let mut machine = Machine::named("acme1", |_| true)?;
    // It makes its spool.
    machine.start();
    machine.stop();
    let base = machine.path("base");
    Outcome::of(machine.direct("pdserver").args(["invite", "--base"]).arg(base).arg("acme2")).expect(0);
    let address = format!("127.91.{}.{host}:2353", std::process::id() % 250 + 1);
    let address: &'static str = address.leak();
    machine.options = vec!["--listen", address];
    machine.start();
    machine.declare();
    Some((machine, address))
}

/// Open descriptors of the server, and its memory in KiB.
fn holds(machine: &Machine) -> (usize, u64) {
    let process = Path::new("/proc").join(machine.server.as_ref().unwrap().id().to_string());
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let descriptors = std::fs::read_dir(process.join("fd")).unwrap().count();
    (descriptors, resident.trim().trim_end_matches(" kB").parse().unwrap())
}

fn submits(machine: &Machine, uid: u32, tag: &str) {
    let file = machine.file(uid, "document", &format!("{tag}\n"), 0o600);
    machine.run(uid, "pdpr", &["-d", "office.front", "-t", tag, &file]).expect(0);
}

#[test]
fn connections_that_break_off_leave_neither_descriptors_nor_memory() {
    let Some((machine, address)) = listening(1) else { return };
    let breaks_off = |count: u64| {
        for n in 0..count {
            let start = STARTS[usize::try_from(n / 2).unwrap() % STARTS.len()];
            // A queue that is full is an answer, too.
            match n % 2 {
                0 => drop(UnixStream::connect(machine.path("run/socket")).and_then(|mut s| s.write_all(start))),
                _ => drop(TcpStream::connect(address).and_then(|mut s| s.write_all(start))),
            }
        }
    };
    // What a first crowd makes stays: threads' memory, caches.
    breaks_off(500);
    submits(&machine, ANN, "before");
    let at_rest = |most: usize| machine.wait_for("all connections have ended", || holds(&machine).0 <= most);
    at_rest(64);
    let (descriptors, memory) = holds(&machine);
    breaks_off(number("ABORTS", 2000));
    submits(&machine, ANN, "after");
    // A few of a command that has just ended.
    at_rest(descriptors + 4);
    let (_, now) = holds(&machine);
    assert!(now < memory + 8 * 1024, "{memory} KiB before, {now} KiB after");
    eprintln!("{descriptors} descriptors; {memory} KiB before, {now} KiB after");
}

#[test]
fn five_hundred_who_never_end_what_they_say_delay_nobody() {
    let Some((machine, address)) = listening(2) else { return };
    submits(&machine, ANN, "before");
    let (before, _) = holds(&machine);
    // The beginning of a frame each. One user has at most so many connections, and strangers have fewer: the others are closed at once.
    let here: Vec<UnixStream> = (0..250).filter_map(|_| UnixStream::connect(machine.path("run/socket")).ok()).collect();
    let afar: Vec<TcpStream> = (0..250).filter_map(|_| TcpStream::connect(address).ok()).collect();
    here.iter().for_each(|mut stream| drop(stream.write_all(STARTS[1])));
    afar.iter().for_each(|mut stream| drop(stream.write_all(STARTS[4])));
    // They are there, as many as may be.
    machine.wait_for("they hold what they may", || holds(&machine).0 >= before + 90);
    for n in 0..10 {
        submits(&machine, ANN, &format!("job-{n}"));
        machine.run(OPERATOR, "pdls", &["-U"]).expect(0);
        let (among, _) = holds(&machine);
        assert!(among < before + 100 + 64 + 16, "{before} descriptors before, {among} among them");
    }
    drop((here, afar));
    machine.wait_for("all connections have ended", || holds(&machine).0 <= before + 4);
}
