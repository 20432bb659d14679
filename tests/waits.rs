//! What a print process waits for at a device is named while it lasts, in every display, and no longer.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::support::documents::{stream, take_apart};
use crate::support::sink::{self, Sink};
use crate::support::{DEADLINE, Site};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::stat::Mode;
use serde_json::Value;

/// `$LP2` at `uri` behind `OFFICE.NET`, not started.
fn site(uri: &str, exclusive: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", uri, exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    site
}

fn fifo(site: &Site) -> PathBuf {
    let path = site.files.path().join("Labels");
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    path
}

/// A site whose `$LP2` is a FIFO.
fn piped(exclusive: &str) -> (Site, PathBuf) {
    let site = site("null:", exclusive);
    let path = fifo(&site);
    site.spoolcom(&format!("DEV $LP2, URI fifo://{}, START", path.display()));
    (site, path)
}

fn print(site: &Site, tag: &str) {
    let file = site.document(tag, &stream(tag, 3000));
    site.submit("office.net", tag, &file).expect(0);
}

fn device(site: &Site) -> Value {
    let shown = site.run("spoolcom", &["DEV $LP2", "--json"]).expect(0);
    serde_json::from_str::<Value>(&shown.out).unwrap()[0].clone()
}

fn number(site: &Site, tag: &str) -> Value {
    site.jobs().into_iter().find(|job| job["job-name"] == tag).unwrap()["job-number"].clone()
}

/// The causes of why `tag` is not printing.
fn causes(site: &Site, tag: &str) -> Vec<Value> {
    let shown = site.run("spoolcom", &[&format!("JOB {}, WHY", number(site, tag)), "--json"]).expect(0);
    serde_json::from_str(&shown.out).unwrap()
}

/// Waits until the progress of the print process, or the spool, shows what is wanted.
#[track_caller]
fn shows(site: &Site, what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).unwrap();
    let seen = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_CLOSE_WRITE;
    changes.add_watch(&site.paths().run(), seen).unwrap();
    changes.add_watch(&site.paths().write_lock(), seen).unwrap();
    while !condition() {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "not within {DEADLINE:?}: {what}; {:#}; {}", device(site), site.log());
        let mut fds = [PollFd::new(changes.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(left.min(DEADLINE / 4)).unwrap()).unwrap();
        while changes.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

#[track_caller]
fn waits_for(site: &Site, wait: &str) {
    shows(site, wait, || device(site)["waiting-for"] == wait);
}

/// Nothing is waited for, and no display says so.
#[track_caller]
fn waits_no_more(site: &Site) {
    shows(site, "nothing is waited for", || device(site)["waiting-for"].is_null());
    assert!(device(site)["waiting-since"].is_null());
    let shown = format!("{}{}", site.spoolcom("DEV $LP2").out, site.spoolcom("DEV $LP2, STATUS DETAIL").out);
    assert!(!shown.contains("WAITING FOR"), "{shown}");
}

fn read_all(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn a_fifo_that_nobody_reads_is_said_to_wait_for_a_reader_and_its_job_not_to_print() {
    let (site, path) = piped("OFF");
    print(&site, "one");
    waits_for(&site, "reader");
    print(&site, "two");
    let shown = device(&site);
    assert_eq!((&shown["state"], &shown["running"]["octets"]), (&"printing".into(), &0.into()), "{shown}");
    assert!(shown["waiting-since"].is_string(), "{shown}");
    let named = format!("WAITING FOR A PROGRAM THAT READS {} SINCE ", path.display());
    assert!(site.spoolcom("DEV $LP2").out.contains(&named));
    let detail = site.spoolcom("DEV $LP2, STATUS DETAIL").out;
    assert!(detail.contains(&format!("WAITING FOR: A PROGRAM THAT READS {}\n", path.display())), "{detail}");
    assert!(detail.contains("WAITING SINCE: "), "{detail}");
    let first = causes(&site, "one");
    assert_eq!((&first[0]["cause"], &first[0]["waiting-for"]), (&"device-opening".into(), &"reader".into()));
    let text = first[0]["text"].as_str().unwrap();
    let words = format!("which is being opened: waiting for a program that reads {} since ", path.display());
    assert!(text.starts_with("it is next on $LP2") && text.contains(&words), "{text}");
    let next = &causes(&site, "two")[0];
    assert_eq!((&next["cause"], &next["printing"]["waiting-for"]), (&"next".into(), &"reader".into()));
    let text = next["text"].as_str().unwrap();
    assert!(text.starts_with("it is next on $LP2; the device is being opened for job "), "{text}");
    let listed = site.run("pdls", &["-U", "-r", "why", "--json"]).expect(0).out;
    assert!(listed.contains("device-opening") && !listed.contains("prints"), "{listed}");
    assert_eq!(take_apart(&read_all(&path)).complete, ["one", "two"]);
    site.wait_until_empty();
    waits_no_more(&site);
}

#[test]
fn octets_that_a_reader_has_not_taken_are_waited_for_and_a_dead_process_waits_for_nothing() {
    let (site, path) = piped("OFF");
    print(&site, "one");
    waits_for(&site, "reader");
    let mut reader = File::open(&path).unwrap();
    waits_for(&site, "last-octets");
    let cause = &causes(&site, "one")[0];
    let text = cause["text"].as_str().unwrap();
    assert_eq!((&cause["cause"], &cause["waiting-for"]), (&"printing".into(), &"last-octets".into()));
    assert!(text.contains("it prints on $LP2: every octet is sent, waiting for its last octets"), "{text}");
    assert!(site.kill_fastp());
    waits_no_more(&site);
    assert_eq!(device(&site)["running"], Value::Null, "a dead process prints nothing");
    reader.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_device_that_stays_open_is_said_to_wait_while_it_opens_without_a_job() {
    let (site, path) = piped("ON");
    waits_for(&site, "reader");
    let shown = device(&site);
    assert_eq!((&shown["state"], &shown["open"]), (&"waiting".into(), &false.into()), "{shown}");
    assert_eq!(shown["running"], Value::Null);
    assert!(site.spoolcom("DEV $LP2").out.contains("WAITING FOR A PROGRAM THAT READS "));
    let reader = File::open(&path).unwrap();
    shows(&site, "it is open", || device(&site)["open"] == true);
    waits_no_more(&site);
    drop(reader);
    waits_for(&site, "reader");
}

/// A port that nobody listens on, and that was just free.
fn silent() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_try_that_no_process_makes_is_not_announced() {
    let site = site(&format!("socket://127.0.0.1:{}", silent()), "OFF");
    site.spoolcom("DEV $LP2, RETRY 3600; DEV $LP2, START");
    print(&site, "one");
    site.wait_for("the error", || device(&site)["state"] == "deverror");
    let displays = || format!("{}{}", site.spoolcom("DEV $LP2").out, site.spoolcom("DEV $LP2, STATUS DETAIL").out);
    assert!(displays().contains("; NEXT TRY "), "{}", displays());
    assert!(site.kill_fastp());
    let shown = displays();
    let next = shown.lines().find(|line| line.trim_start().starts_with("NEXT TRY:")).unwrap();
    assert!(shown.contains("ERROR %10037") && next.trim().ends_with(':'), "{shown}");
    assert!(!shown.contains("; NEXT TRY") && shown.contains("PRINT PROCESS $SPLA IS NOT RUNNING"), "{shown}");
    let causes: Vec<Value> = causes(&site, "one");
    assert_eq!((&causes[0]["cause"], &causes[1]["cause"]), (&"process-dead".into(), &"device-error".into()));
    assert_eq!(causes[1]["next-try"], Value::Null);
}

/// The events of `$LP2`.
fn events(site: &Site) -> Vec<(String, String)> {
    let db = site.database();
    let mut statement = db
        .prepare(
            "SELECT what, why FROM event JOIN device ON object_id = device.id AND device.name = 'LP2'
                  WHERE object = 'device' ORDER BY event.id",
        )
        .unwrap();
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_printer_that_breaks_off_every_job_fills_no_log_and_has_recovered_when_one_is_printed() {
    let printer = Sink::new(sink::Mode::ResetAfter(20_000));
    let site = site(&printer.uri(), "OFF");
    let file = site.document("one", &stream("one", 8 << 20));
    site.submit("office.net", "one", &file).expect(0);
    site.spoolcom("DEV $LP2, START");
    printer.wait_for("three tries", |all| all.len() >= 3);
    site.wait_for("the error", || device(&site)["state"] == "deverror");
    let found = events(&site);
    let mut once = found.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), found.len(), "nothing is there twice: {found:#?}");
    assert!(found.iter().all(|event| event.0 != "recovered"), "{found:#?}");
    let broken = printer.set_mode(sink::Mode::Slow);
    printer.pause(true);
    printer.wait_for("a connection that stays", |all| all.len() > broken);
    // It goes out: the device prints, whatever it is recovering from.
    site.wait_for("it prints", || device(&site)["state"] == "printing" && device(&site)["open"] == true);
    assert_eq!(device(&site)["error"], Value::Null);
    assert_eq!(causes(&site, "one")[0]["cause"], "printing");
    assert!(events(&site).iter().all(|event| event.0 != "recovered"), "nothing is printed yet");
    printer.set_mode(sink::Mode::Normal);
    printer.pause(false);
    site.wait_until_empty();
    let recovered = events(&site).iter().filter(|event| event.0 == "recovered").count();
    assert_eq!((recovered, &device(&site)["error"]), (1, &Value::Null));
}

/// A site whose `$LP2` has a FASTCNFG entry.
fn configured(entry: &str) -> Site {
    let site = site("null:", "OFF");
    std::fs::write(site.base().join("FASTCNFG"), format!("DEVICE $LP2 CONTYPE = TCP/IP ADDRESS = 127.0.0.1 {entry}\n"))
        .unwrap();
    site.spoolcom("DEV $LP2, PARM %2000, START");
    site
}

#[test]
fn a_printer_that_refuses_connections_is_said_to_do_so_between_its_polls() {
    let port = silent();
    let site = configured(&format!("PORT = {port} POLLINT = 10 POLLNUM = 30000"));
    print(&site, "one");
    waits_for(&site, "connection-refused");
    let text = causes(&site, "one")[0]["text"].clone();
    assert!(text.as_str().unwrap().contains("waiting for a connection to $LP2, which is refused"), "{text}");
    let since = device(&site)["waiting-since"].clone();
    let printer = Sink::at(TcpListener::bind(("127.0.0.1", port)).unwrap(), sink::Mode::Normal);
    assert!(since.is_string());
    site.wait_until_empty();
    waits_no_more(&site);
    assert_eq!(take_apart(&printer.connections()[0].octets).complete, ["one"]);
}

#[test]
fn a_job_whose_farewell_is_waited_for_is_transferred_and_prints_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let site = configured(&format!("PORT = {port} SHUTDOWNTO = 360000"));
    print(&site, "one");
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    waits_for(&site, "close");
    let shown = site.spoolcom("DEV $LP2").out;
    assert!(shown.contains("THE PRINTER HAS EVERY OCTET; ITS CLOSE IS WAITED FOR SINCE "), "{shown}");
    let cause = &causes(&site, "one")[0];
    assert_eq!(cause["cause"], "transferred", "{cause}");
    assert!(cause["text"].as_str().unwrap().contains("has yet to close cleanly"), "{cause}");
    drop(stream);
    site.wait_until_empty();
    waits_no_more(&site);
}
