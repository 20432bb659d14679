//! What FASTCNFG can set of a connection, each where it takes effect.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::sockets::{accept, listen, printer, read};
use crate::fastp::Timing;
use crate::fastp::device::connection_settings::CloseWait;
use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::state::{Delivery, DeviceWish, ErrorNote};

const SECOND: Duration = Duration::from_secs(1);

/// Deadlines that no test lives to see.
fn patient() -> Timing {
    Timing { settle: Duration::from_secs(3600), ..Fake::timing() }
}

/// An address that refuses connections, until somebody listens there.
fn refusing() -> (std::net::SocketAddr, String) {
    let (listener, uri) = listen();
    (listener.local_addr().unwrap(), uri)
}

#[test]
fn without_a_farewell_jobs_are_transferred_and_nobody_waits_for_the_peer() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.connection_settings(lp, |settings| settings.close_wait = CloseWait::None);
    fake.text(lp, "x");
    let process = fake.start_with(patient());
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 1), b"x");
    process.join().unwrap().unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "it was closed all the same");
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Transferred)]);
    assert_eq!(state.count("SHUTDOWNTO 0"), 2, "{:?}", state.record);
}

#[test]
fn a_required_farewell_that_does_not_come_brings_every_job_again_three_times_and_then_waits_for_an_operator() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.connection_settings(lp, |settings| settings.close_wait = CloseWait::Required(SECOND / 10));
    fake.text(lp, "one");
    fake.text(lp, "two");
    let process = fake.start_with(patient());
    let mut kept = Vec::new();
    for tries in 1..=3 {
        let mut stream = accept(&listener);
        let feed = usize::from(tries > 1);
        assert!(read(&mut stream, 7 + feed).ends_with(b"one\x0ctwo"));
        kept.push(stream);
        drop(fake.until(|state| state.count(&format!("error 40 try {tries}: ")) == 1));
    }
    process.join().unwrap().unwrap();
    {
        let state = &mut fake.state().printers[lp];
        assert!(state.stopped_by_error, "it would print them for ever");
        (state.error, state.wish) = (None, DeviceWish::Started);
    }
    let process = fake.start_with(patient());
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert!(printed.recv_timeout(20 * SECOND).unwrap().ends_with(b"one\x0ctwo"));
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent), (2, Delivery::Sent)]);
    assert_eq!(state.count("settled: reset"), 3, "{:?}", state.record);
}

#[test]
fn a_required_farewell_that_comes_late_is_waited_for() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.connection_settings(lp, |settings| settings.close_wait = CloseWait::Required(Duration::from_secs(3600)));
    fake.text(lp, "x");
    // Longer than the usual wait: a job that is let go after that would be recorded at once.
    let process = fake.start_with(Timing { settle: SECOND / 10, ..Fake::timing() });
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 1), b"x");
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    drop(fake.until(|state| state.count("transferred 1 ") == 1));
    stream.set_read_timeout(Some(SECOND)).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "it is not reset");
    assert!(fake.state().printers[lp].done.is_empty());
    // It can be held and deleted meanwhile: nobody claims it.
    assert_eq!(fake.state().printers[lp].transferred.len(), 1);
    drop(stream);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent)]);
}

#[test]
fn a_device_that_takes_nothing_for_its_timeout_is_in_error_and_gets_the_job_again() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.connection_settings(lp, |settings| settings.io_limit = Some(SECOND / 2));
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    let process = fake.start();
    let stream = accept(&listener);
    drop(fake.until(|state| state.count("failed 1 touched true error 40 try 1: nothing was accepted for 0.") == 1));
    drop(stream);
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    let whole = std::iter::from_fn(|| printed.recv_timeout(20 * SECOND).ok()).find(|bytes| bytes.len() == 32 << 20);
    assert!(whole.is_some());
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent)]);
}

#[test]
fn the_limit_is_one_for_standing_still_and_not_for_the_whole_job() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.connection_settings(lp, |settings| settings.io_limit = Some(5 * SECOND));
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    let process = fake.start_with(Timing { stall: SECOND * 3 / 2, ..Fake::timing() });
    let mut stream = accept(&listener);
    for stalls in 1..=4 {
        drop(fake.until(|state| state.count("remark stalled") == stalls));
        read(&mut stream, 6 << 20);
    }
    let mut left = Vec::new();
    stream.read_to_end(&mut left).unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    assert_eq!(left.len(), 8 << 20);
    assert_eq!(fake.state().count("failed"), 0);
}

#[test]
fn a_pause_lies_between_the_last_octet_and_the_end() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.connection_settings(lp, |settings| settings.slow_pace = SECOND);
    fake.text(lp, "x");
    let process = fake.start();
    let mut stream = accept(&listener);
    let began = Instant::now();
    assert_eq!(read(&mut stream, 1), b"x");
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    assert!(began.elapsed() >= SECOND - SECOND / 10, "{:?}", began.elapsed());
    drop(stream);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent)]);
}

#[test]
fn a_refused_connection_is_tried_again_as_often_as_is_set_before_it_is_an_error() {
    let fake = Fake::new();
    let (address, uri) = refusing();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.connection_settings(lp, |settings| (settings.refused_every, settings.refused_tries) = (SECOND / 50, 4));
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("connect to") >= 1));
    let printed = printer(TcpListener::bind(address).unwrap());
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(20 * SECOND).unwrap(), b"x");
    let state = fake.state();
    assert_eq!(state.count(&format!("cannot connect to {uri} 5 times: the connection was refused")), 1);
}

#[test]
fn a_printer_that_comes_up_between_two_tries_is_no_error() {
    let fake = Fake::new();
    let (address, uri) = refusing();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.connection_settings(lp, |settings| (settings.refused_every, settings.refused_tries) = (SECOND / 10, 1000));
    // Another device at another such address tells when both were refused.
    let (_, other) = refusing();
    let witness = fake.device(&other, Exclusive::Off);
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("claim 1") == 1));
    fake.text(witness, "y");
    fake.wake();
    drop(fake.until(|state| state.count("error 4127") >= 2));
    let printed = printer(TcpListener::bind(address).unwrap());
    assert_eq!(printed.recv_timeout(20 * SECOND).unwrap(), b"x");
    fake.state().printers[witness].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("failed 1"), 0);
}

#[test]
fn drain_and_hold_do_not_wait_for_the_next_try() {
    let fake = Fake::new();
    let (_, uri) = refusing();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.connection_settings(lp, |settings| {
        (settings.refused_every, settings.refused_tries) = (Duration::from_secs(3600), 1000)
    });
    let job = fake.text(lp, "x");
    fake.text(lp, "y");
    let process = fake.start();
    drop(fake.until(|state| state.count("claim 1") == 1));
    fake.state().stop.push(job);
    fake.wake();
    drop(fake.until(|state| state.count("stopped 1 touched false") == 1 && state.count("claim 2") == 1));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("drained"), 1);
    assert_eq!(fake.state().count("abandoned 2 touched false"), 1);
}

#[test]
fn a_name_is_looked_up_in_the_hosts_file_and_found_once_it_stands_there() {
    let fake = Fake::new();
    let (listener, _) = listen();
    let uri = format!("socket://lp1.nowhere.invalid:{}", listener.local_addr().unwrap().port());
    let lp = fake.device(&uri, Exclusive::Off);
    let hosts = fake.dir.path().join("hosts");
    let path = hosts.clone();
    fake.connection_settings(lp, move |settings| settings.hosts = Some(path.clone()));
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("error 14 ") >= 1));
    std::fs::write(&hosts, "127.0.0.9 lp9.nowhere.invalid\n").unwrap();
    drop(fake.until(|state| state.count("it has no address") >= 1));
    std::fs::write(&hosts, "127.0.0.9 lp9.nowhere.invalid\n127.0.0.1 LP1.nowhere.invalid # here\n").unwrap();
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(20 * SECOND).unwrap(), b"x");
}

#[test]
fn a_printer_that_was_tried_in_vain_for_sixty_times_is_spoken_of_once_and_tried_on() {
    let fake = Fake::new();
    let (address, uri) = refusing();
    let lp = fake.device(&uri, Exclusive::Off);
    let error = ErrorNote { number: 4127, text: "as before".into(), since_ms: 0, next_try_ms: Some(0), tries: 59 };
    fake.state().printers[lp].settings.retry = 0;
    fake.state().printers[lp].error = Some(error);
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("error 4127 try 60") == 1));
    // The next try is a minute away, unless an operator does not wait for it.
    let printed = printer(TcpListener::bind(address).unwrap());
    fake.state().printers[lp].error.as_mut().unwrap().next_try_ms = Some(0);
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(20 * SECOND).unwrap(), b"x");
    let state = fake.state();
    assert_eq!(state.count("remark cannot-connect: after 60 tries in a row"), 1, "{:?}", state.record);
}
