//! Printers at a socket, through the real programs: switched off with jobs in their buffers, with a word and without;
//! stuck; never closing.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::documents::{stream, take_apart};
use crate::support::network::{Far, PRINTER, cable};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, pid, program};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, recv};
use serde_json::Value;

const TAGS: [&str; 3] = ["one", "two", "three"];
/// Octets asked for of each document.
const SIZE: usize = 3000;

/// A site with a stopped device `LP2` at `uri` behind `office.net`.
fn site(uri: &str, exclusive: &str, env: &[(&'static str, &'static str)]) -> Site {
    let mut site = Site::new();
    site.env = env.to_vec();
    site.declare();
    site.device("LP2", uri, exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    site
}

fn submit_three(site: &Site) {
    for tag in TAGS {
        let file = site.document(tag, &stream(tag, SIZE));
        site.submit("office.net", tag, &file).expect(0);
    }
}

/// How many events of this kind there are.
fn events(site: &Site, what: &str) -> usize {
    let db = site.database();
    let count: i64 = db.query_row("SELECT count(*) FROM event WHERE what = ?", [what], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

/// Waits until the printer's system has so many whole documents, which the printer does not read.
fn buffered(stream: &TcpStream, documents: usize) {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let size: usize = TAGS[..documents].iter().map(|tag| crate::support::documents::stream(tag, SIZE).len()).sum();
    let mut buffer = vec![0; size];
    assert_eq!(recv(stream.as_raw_fd(), &mut buffer, MsgFlags::MSG_PEEK | MsgFlags::MSG_WAITALL).unwrap(), size);
}

/// Reads so many whole documents from one connection after the other, and returns the last connection too.
fn print(listener: &TcpListener, documents: usize) -> (Vec<String>, TcpStream) {
    let mut printed = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (mut octets, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let n = stream.read(&mut buffer).unwrap();
            octets.extend(&buffer[..n]);
            let received = if n == 0 || octets.len() >= SIZE { take_apart(&octets).complete } else { Vec::new() };
            if printed.len() + received.len() == documents {
                printed.extend(received);
                return (printed, stream);
            }
            if n == 0 {
                printed.extend(received);
                break;
            }
        }
    }
}

/// A printer that is switched off with jobs in its buffer; `holds` of the three get there.
fn switched_off(exclusive: &str, holds: usize, transferred: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = site(&format!("socket://{}", listener.local_addr().unwrap()), exclusive, &[]);
    submit_three(&site);
    site.start("LP2");
    let (stream, _) = listener.accept().unwrap();
    buffered(&stream, holds);
    site.wait_for("as many are transferred as can be", || events(&site, "transferred") == transferred);
    assert_eq!((site.tags().len(), site.print_files().len()), (3, 3), "rows and files stay");
    drop(stream);
    let (printed, last) = print(&listener, 3);
    assert_eq!(printed, TAGS, "all of them, in order");
    // Before its connection ends: one that is kept would be opened again.
    site.run("spoolcom", &["--no-wait", "DEV $LP2, DRAIN"]).expect(0);
    drop(last);
    site.wait_until_empty();
    let expected = TAGS[..holds].iter().map(|tag| (*tag).to_owned()).collect();
    assert_eq!(site.possible_duplicates(), expected, "announced, and only those that may be on paper");
    site.wait_for_no_print_files();
}

#[test]
fn three_jobs_in_the_buffer_of_a_printer_that_is_switched_off_come_again_under_exclusive_off() {
    switched_off("OFF", 3, 2);
}

#[test]
fn three_jobs_in_the_buffer_of_a_printer_that_is_switched_off_come_again_under_exclusive_on() {
    switched_off("ON", 3, 3);
}

#[test]
fn one_job_at_a_time_is_in_the_buffer_of_a_printer_under_exclusive_off_each() {
    switched_off("OFF!", 1, 0);
}

/// A printer whose plug is pulled: no reset is sent, and nothing answers any more.
fn plug_pulled(exclusive: &str, holds: usize, transferred: usize) {
    let far = match cable() {
        Ok(far) => far,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let listener = far.run(|| TcpListener::bind((PRINTER, 9100)).unwrap());
    let env = [("PD_SETTLE_MS", "8000"), ("PD_CONNECT_MS", "1000")];
    let site = site(&format!("socket://{PRINTER}"), exclusive, &env);
    submit_three(&site);
    site.start("LP2");
    let (stream, _) = listener.accept().unwrap();
    buffered(&stream, holds);
    site.wait_for("as many are transferred as can be", || events(&site, "transferred") == transferred);
    far.power_off();
    // Its system is gone with its buffers; what it would say to that reaches nobody.
    drop(stream);
    let expected = TAGS[..holds].iter().map(|tag| (*tag).to_owned()).collect();
    site.wait_for("the jobs in its buffer come back", || site.possible_duplicates() == expected);
    assert_eq!(site.tags().len(), 3);
    far.power_on();
    let (printed, last) = print(&listener, 3);
    assert_eq!(printed, TAGS, "all of them, in order");
    // Before its connection ends: one that is kept would be opened again.
    site.run("spoolcom", &["--no-wait", "DEV $LP2, DRAIN"]).expect(0);
    drop(last);
    site.wait_until_empty();
    assert_eq!(events(&site, "released"), 0, "nothing was let go of while it was dead");
}

#[test]
fn jobs_in_the_buffer_of_a_printer_whose_plug_is_pulled_come_again_under_exclusive_off() {
    plug_pulled("OFF", 3, 2);
}

#[test]
fn jobs_in_the_buffer_of_a_printer_whose_plug_is_pulled_come_again_under_exclusive_on() {
    plug_pulled("ON", 3, 3);
}

#[test]
fn a_job_comes_again_when_the_plug_is_pulled_in_the_middle_of_it() {
    let far: Far = match cable() {
        Ok(far) => far,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let listener = far.run(|| TcpListener::bind((PRINTER, 9100)).unwrap());
    let site = site(&format!("socket://{PRINTER}"), "OFF!", &[("PD_SETTLE_MS", "4000"), ("PD_CONNECT_MS", "1000")]);
    let whole = stream("whole", 16 << 20);
    let file = site.document("whole", &whole);
    site.submit("office.net", "whole", &file).expect(0);
    site.start("LP2");
    let (mut stream, _) = listener.accept().unwrap();
    // Read on until the plug is out, so that octets are on their way then.
    stream.read_exact(&mut vec![0; 1 << 20]).unwrap();
    let reader = std::thread::spawn(move || {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut buffer = vec![0; 4096];
        for _ in 0..64 {
            if !matches!(stream.read(&mut buffer), Ok(1..)) {
                break;
            }
        }
        stream
    });
    far.power_off();
    let stream = reader.join().unwrap();
    drop(stream);
    site.wait_for("it is found out", || site.possible_duplicates().contains("whole"));
    far.power_on();
    let (mut stream, _) = listener.accept().unwrap();
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).unwrap();
    drop(stream);
    assert!(octets == whole, "{} of {} octets", octets.len(), whole.len());
    site.wait_until_empty();
}

#[test]
fn a_printer_that_takes_nothing_is_shown_and_blocks_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = site(&format!("socket://{}", listener.local_addr().unwrap()), "OFF!", &[("PD_STALL_MS", "400")]);
    site.spoolcom("DEV $LP1, START; DEV $LP2, START");
    let big = site.document("big", &stream("big", 32 << 20));
    site.submit("office.net", "big", &big).expect(0);
    let (stuck, _) = listener.accept().unwrap();
    for tag in ["a", "b", "c"] {
        let file = site.document(tag, &stream(tag, 100_000));
        site.submit("office.front", tag, &file).expect(0);
    }
    site.wait_for("the other device prints", || site.jobs().len() == 1);
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["a", "b", "c"]);

    site.wait_for("it is said", || events(&site, "stalled") == 2);
    let shown = site.run("spoolcom", &["DEV $LP2"]).expect(0).out;
    assert!(shown.contains("THE PRINTER ACCEPTS NOTHING SINCE") && shown.contains("OCTETS SO FAR"), "{shown}");
    assert!(site.run("spoolcom", &["DEV $LP2, STATUS DETAIL"]).expect(0).out.contains("STALLED SINCE"));
    let device = site.run("spoolcom", &["--json", "DEV $LP2"]).expect(0).out;
    let running = serde_json::from_str::<Value>(&device).unwrap()[0]["running"].clone();
    assert!(running["stalled-since"].is_string(), "{running}");
    let accepted = running["stalled-octets"].as_u64().unwrap();
    assert!(accepted > 0 && accepted <= running["octets"].as_u64().unwrap(), "{running}");
    let number = running["job"].as_u64().unwrap();
    let why = site.run("spoolcom", &[&format!("JOB {number}, WHY")]).expect(0).out;
    assert!(why.contains("it prints on $LP2: the printer accepts nothing since"), "{why}");
    let why = site.run("pdls", &["-U", "-r", "why", "--json", "-j", &number.to_string()]).expect(0).out;
    assert!(why.contains("\"printer-stalled\""), "{why}");

    // DRAIN waits for it, unless it is told not to; the wait can be ended, and the drain stays.
    site.run("spoolcom", &["--no-wait", "DEV $LP2, DRAIN"]).expect(0);
    let waiting = site.command("spoolcom").arg("DEV $LP2, DRAIN").stdout(Stdio::null()).spawn().unwrap();
    let process = pid(waiting.id());
    kill(process, Signal::SIGINT).unwrap();
    assert_ne!(finish(waiting, DEADLINE).status, 0, "interrupted");
    assert!(site.run("spoolcom", &["DEV $LP2, STATUS DETAIL"]).expect(0).out.contains("DRAINING"));
    let why = site.run("spoolcom", &[&format!("JOB {number}, WHY")]).expect(0).out;
    assert!(why.contains("accepts nothing since"), "{why}");

    // Whoever holds the job frees the device.
    site.spoolcom(&format!("JOB {number}, HOLD"));
    site.wait_for("the drain ends", || site.run("spoolcom", &["DEV $LP2"]).expect(0).out.contains("OFFLINE"));
    assert_eq!(site.tags().len(), 1, "it is held, not lost");
    drop(stuck);
}

#[test]
fn a_printer_that_goes_on_is_said_to_move_and_prints_the_job_whole() {
    let printer = Sink::new(Mode::Normal);
    printer.pause(true);
    let site = site(&printer.uri(), "OFF!", &[("PD_STALL_MS", "400")]);
    site.start("LP2");
    let file = site.document("big", &stream("big", 16 << 20));
    site.submit("office.net", "big", &file).expect(0);
    site.wait_for("it is said", || events(&site, "stalled") == 2);
    printer.pause(false);
    site.wait_until_empty();
    assert_eq!(events(&site, "moving"), events(&site, "stalled"), "for the job and for the device");
    assert_eq!(take_apart(&printer.connections()[0].octets).complete, ["big"]);
    assert!(site.possible_duplicates().is_empty());
}

#[test]
fn jobs_of_a_printer_that_never_closes_end_as_transferred() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = site(&printer.uri(), "OFF!", &[("PD_SETTLE_MS", "500")]);
    submit_three(&site);
    site.start("LP2");
    site.wait_until_empty();
    let printed: Vec<String> =
        printer.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect();
    assert_eq!(printed, TAGS);
    assert_eq!((events(&site, "transferred"), events(&site, "sent")), (3, 0));
}

#[test]
fn an_entry_of_fastcnfg_says_where_the_host_is_and_how_its_close_is_waited_for() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP2, PROCESS $SPLA, RETRY 60, EXCLUSIVE OFF!, HEADER OFF; LOC #OFFICE.NET, DEV $LP2");
    let uri = printer.uri();
    let port = uri.rsplit(':').next().unwrap();
    std::fs::write(site.base().join("names"), "127.0.0.1 no.such.printer.invalid # ours\n").unwrap();
    let entry = format!(
        "HOSTS names\nDEVICE $LP2 CONTYPE = TCP/IP ADDRESS = no.such.printer.invalid PORT = {port}\n\
         SHUTDOWNTO = 30 SLOWPACE = 2\n"
    );
    std::fs::write(site.base().join("FASTCNFG"), entry).unwrap();
    let file = site.document("one", &stream("one", SIZE));
    site.submit("office.net", "one", &file).expect(0);
    site.start("LP2");
    // A close that does not come leaves the job unconfirmed: it is Ready again.
    site.wait_for("an unconfirmed job", || {
        site.spoolcom("DEV $LP2, STATUS DETAIL").out.contains("its jobs are not confirmed (SHUTDOWNTO)")
    });
    assert_eq!(events(&site, "sent"), 0);
    // Once the printer closes it is sent, for the second time, and that is announced.
    printer.set_mode(Mode::Normal);
    site.start("LP2");
    site.wait_until_empty();
    assert_eq!(events(&site, "sent"), 1);
    assert!(events(&site, "possible-duplicate") >= 1);
}

/// `LP2` by a FASTCNFG entry that requires the printer's close.
fn requiring_site(printer: &Sink, exclusive: &str, ticks: u32, env: &[(&'static str, &'static str)]) -> Site {
    site_by_entry(printer, exclusive, &format!("SHUTDOWNTO = {ticks}"), env)
}

/// `LP2` by a FASTCNFG entry with these attributes.
fn site_by_entry(printer: &Sink, exclusive: &str, attributes: &str, env: &[(&'static str, &'static str)]) -> Site {
    let mut site = Site::new();
    site.env = env.to_vec();
    site.declare();
    site.spoolcom(&format!("DEV $LP2, PROCESS $SPLA, RETRY 1, EXCLUSIVE {exclusive}, HEADER OFF"));
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    let uri = printer.uri();
    let port = uri.rsplit(':').next().unwrap();
    let entry = format!("DEVICE $LP2 CONTYPE = TCP/IP ADDRESS = 127.0.0.1 PORT = {port} {attributes}\n");
    std::fs::write(site.base().join("FASTCNFG"), entry).unwrap();
    site
}

#[test]
fn a_job_that_is_held_while_the_close_is_waited_for_brings_no_other_back() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = requiring_site(&printer, "OFF", 360_000, &[]);
    submit_three(&site);
    site.start("LP2");
    site.wait_for("three transferred jobs", || events(&site, "transferred") == 3);
    let number = site.jobs().iter().find(|job| job["job-name"] == "three").unwrap()["job-number"].to_string();
    site.spoolcom(&format!("JOB {number}, HOLD"));
    printer.set_mode(Mode::Normal);
    printer.let_go();
    site.wait_for("the jobs that were not held are sent", || events(&site, "sent") >= 2);
    assert_eq!(events(&site, "returned"), 0);
    assert_eq!(events(&site, "possible-duplicate"), 0);
    // It is kept as one that was printed, and nothing of it is lost.
    let job = &site.jobs()[0];
    assert_eq!((&job["job-name"], &job["current-job-state"]), (&"three".into(), &"held".into()));
}

#[test]
fn a_printer_that_had_to_close_and_never_does_gets_no_copies_without_end() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = requiring_site(&printer, "OFF!", 10, &[]);
    let file = site.document("one", &stream("one", SIZE));
    site.submit("office.net", "one", &file).expect(0);
    site.start("LP2");
    site.wait_for("the device is offline", || events(&site, "stopped") == 1);
    assert_eq!(printer.connections().len(), 3);
    assert!(site.spoolcom("DEV $LP2, STATUS DETAIL").out.contains("SHUTDOWNTO 0"));
    // An operator who starts it again has said so; the job is there.
    printer.set_mode(Mode::Normal);
    site.start("LP2");
    site.wait_until_empty();
    assert_eq!(events(&site, "sent"), 1);
}

#[test]
fn a_connection_that_carried_nothing_is_closed_at_once() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = requiring_site(&printer, "ON", 360_000, &[("PD_FASTP_IDLE", "100")]);
    site.start("LP2");
    printer.wait_for("a connection", |connections| connections.len() == 1);
    site.wait_for("it is open", || events(&site, "opened") == 1);
    site.spoolcom("DEV $LP2, DRAIN");
    site.wait_for("it is offline", || site.spoolcom("DEV $LP2, STATUS DETAIL").out.contains("OFFLINE"));
}

#[test]
fn time_in_which_a_job_is_suspended_is_not_held_against_its_printer() {
    let limit = Duration::from_secs(3);
    let printer = Sink::new(Mode::Stalls(100_000));
    let site = site_by_entry(&printer, "OFF", &format!("TIMEOUT = {}", limit.as_millis() / 10), &[]);
    let file = site.document("one", &stream("one", 8_000_000));
    site.submit("office.net", "one", &file).expect(0);
    site.start("LP2");
    printer.wait_for("a part of it", |connections| connections.iter().any(|one| one.octets.len() >= 100_000));
    site.spoolcom("DEV $LP2, SUSPEND");
    site.wait_for("it stands still", || events(&site, "stands-still") == 1);
    printer.set_mode(Mode::Normal);
    // Time itself is what is waited for here: longer than the device may stand.
    let until = Instant::now() + limit + Duration::from_millis(500);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
    site.start("LP2");
    site.wait_until_empty();
    assert_eq!((events(&site, "error"), events(&site, "sent")), (0, 1));
}

#[test]
fn a_name_that_the_system_does_not_know_is_asked_for_until_it_does_and_delays_nobody() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: another /etc/hosts needs root");
        return;
    }
    let printer = Sink::new(Mode::Normal);
    let uri = printer.uri().replace("127.0.0.1", "printer.spoolsuite.test");
    let site = site(&uri, "OFF", &[]);
    let etc = |name: &str, text: &str| {
        let path = site.files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (hosts, switch) =
        (etc("hosts", "127.0.0.1 localhost\n"), etc("nsswitch.conf", "passwd: files\nhosts: files\n"));
    let file = site.document("one", &stream("one", SIZE));
    site.submit("office.net", "one", &file).expect(0);
    // The print process that this command starts sees these files, and nobody else does.
    let script =
        "mount --bind \"$1\" /etc/hosts && mount --bind \"$2\" /etc/nsswitch.conf && exec \"$3\" 'DEV $LP2, START'";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).args([&hosts, &switch]);
    site.dress(command.arg(program("spoolcom")));
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    site.wait_for("the name is not known", || site.spoolcom("DEV $LP2, STATUS DETAIL").out.contains("cannot resolve"));
    // Another device of the same process prints meanwhile.
    let file = site.document("two", &stream("two", SIZE));
    site.submit("office.front", "two", &file).expect(0);
    site.start("LP1");
    site.wait_for("the other device has printed", || site.jobs().len() == 1);
    assert_eq!((printer.connections().len(), events(&site, "sent")), (0, 1));
    std::fs::write(&hosts, "127.0.0.1 printer.spoolsuite.test\n").unwrap();
    site.wait_until_empty();
    let printed: Vec<String> =
        printer.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect();
    assert_eq!(printed, ["one"]);
    assert_eq!(events(&site, "possible-duplicate"), 0);
}
