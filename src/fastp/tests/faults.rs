//! Printers on a socket that misbehave: what they are sent is never lost, never counted as printed unless it is whole,
//! and nobody else waits for them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::sockets::{accept, listen, printer, read};
use crate::fastp::Timing;
use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::state::{Delivery, DeviceWish};

const SECOND: Duration = Duration::from_secs(1);

/// A printer whose buffer for what comes in is as small as the system allows.
fn narrow() -> (TcpListener, String) {
    let (listener, uri) = listen();
    setsockopt(&listener, sockopt::RcvBuf, &2048).unwrap();
    (listener, uri)
}

fn reset(stream: TcpStream) {
    setsockopt(&stream, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
}

fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_reset_after_any_octet_brings_the_whole_job_again() {
    for exclusive in [Exclusive::OffEach, Exclusive::Off] {
        let fake = Fake::new();
        let (listener, uri) = listen();
        let lp = fake.device(&uri, exclusive);
        let document = b"%PDF-1.7 0123";
        for octets in 0..=document.len() {
            let stream = fake.document(document, Format::Pdf);
            let job = fake.submit(lp, vec![stream]);
            let process = fake.start();
            let mut stream = accept(&listener);
            let begun = read(&mut stream, octets);
            assert_eq!(begun, document[..octets]);
            reset(stream);
            assert_eq!(rest_of(accept(&listener)), document, "whole, after {octets} octets the first time");
            process.join().unwrap().unwrap();
            let state = fake.state();
            assert_eq!(state.printers[lp].done.last(), Some(&(job, Delivery::Sent)));
            assert_eq!(state.count(&format!("failed {job} touched")), 1);
            if octets > 0 {
                assert_eq!(state.count(&format!("failed {job} touched true")), 1, "announced: {:?}", state.record);
            }
            let done = |line: &&String| line.starts_with(&format!("sent {job} "));
            assert_eq!(state.record.iter().filter(done).count(), 1, "done once: {:?}", state.record);
        }
    }
}

#[test]
fn a_printer_that_sends_nothing_more_prints_on() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    let big = fake.document(&vec![b'x'; 8 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    let process = fake.start();
    let stream = accept(&listener);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest_of(stream).len(), 8 << 20);
    process.join().unwrap().unwrap();
    let state = fake.state();
    // Whether it read them or only has them in its buffer is not known, and not claimed.
    assert_eq!(state.printers[lp].done, [(1, Delivery::Transferred)]);
    assert_eq!(state.count("failed"), 0);
}

#[test]
fn a_printer_that_talks_without_end_prints_too() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    let big = fake.document(&vec![b'x'; 8 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    let process = fake.start();
    let stream = accept(&listener);
    let mut talking = stream.try_clone().unwrap();
    let talker = std::thread::spawn(move || {
        let chatter = vec![b'?'; 64 * 1024];
        while talking.write_all(&chatter).is_ok() {}
    });
    let listening = stream.try_clone().unwrap();
    assert_eq!(rest_of(listening).len(), 8 << 20);
    stream.shutdown(Shutdown::Both).unwrap();
    talker.join().unwrap();
    drop(stream);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().printers[lp].done.len(), 1);
}

#[test]
fn a_printer_that_closes_as_soon_as_it_has_accepted_gets_the_job_when_it_has_come_to_its_senses() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let document = fake.document(&vec![b'x'; 100_000], Format::Passthru);
    fake.submit(lp, vec![document]);
    let process = fake.start();
    for _ in 0..3 {
        drop(accept(&listener));
    }
    assert_eq!(rest_of(accept(&listener)).len(), 100_000);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent)]);
    assert_eq!(state.count(" try 3: "), 1, "its waits grow: {:?}", state.record);
}

#[test]
fn a_printer_that_takes_nothing_is_spoken_of_once_and_so_is_its_recovery() {
    let fake = Fake::new();
    let (listener, uri) = narrow();
    let lp = fake.device(&uri, Exclusive::OffEach);
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    let process = fake.start_with(Timing { stall: SECOND / 2, ..Fake::timing() });
    let mut stream = accept(&listener);
    drop(fake.until(|state| state.count("remark stalled: job 1: ") == 1));
    let slot = crate::spool::printing::progress::read(&fake.base.progress(&fake.process)).unwrap().slots.remove(0);
    let stalled = slot.stalled.expect("the slot shows it");
    assert!(
        stalled.octets < 1 << 20 && stalled.octets == slot.octets && slot.total == 32 << 20,
        "what the system keeps is not accepted: {slot:?}"
    );
    read(&mut stream, 4 << 20);
    drop(fake.until(|state| state.count("remark moving: job 1: octets are accepted again") == 1));
    let left = rest_of(stream).len();
    process.join().unwrap().unwrap();
    assert_eq!(left, 28 << 20);
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent)]);
    assert_eq!((state.count("failed"), state.count("remark moving")), (0, state.count("remark stalled")));
}

#[test]
fn a_printer_whose_last_octets_are_not_acknowledged_stands_still_too() {
    let fake = Fake::new();
    let (listener, uri) = narrow();
    let lp = fake.device(&uri, Exclusive::OffEach);
    // It fits into the buffers of this system, and not into the printer's.
    let document = fake.document(&vec![b'x'; 60_000], Format::Passthru);
    fake.submit(lp, vec![document]);
    let process = fake.start_with(Timing { stall: SECOND / 2, ..Fake::timing() });
    let stream = accept(&listener);
    drop(fake.until(|state| state.count("remark stalled: job 1: ") == 1));
    let slot = crate::spool::printing::progress::read(&fake.base.progress(&fake.process)).unwrap().slots.remove(0);
    assert!(slot.stalled.unwrap().octets < 60_000 && slot.octets < 60_000 && slot.total == 60_000, "{slot:?}");
    assert_eq!(rest_of(stream).len(), 60_000);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("remark moving"), 1);
}

#[test]
fn a_full_printer_that_answers_is_not_taken_for_dead() {
    let fake = Fake::new();
    let (listener, uri) = narrow();
    let lp = fake.device(&uri, Exclusive::OffEach);
    let big = fake.document(&vec![b'x'; 16 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    // A dead one is found out after one and a half seconds.
    let process = fake.start_with(Timing { settle: 2 * SECOND, stall: 4 * SECOND, ..Fake::timing() });
    let stream = accept(&listener);
    drop(fake.until(|state| state.count("remark stalled") == 1));
    assert_eq!(rest_of(stream).len(), 16 << 20);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("failed"), 0);
}

#[test]
fn a_printer_that_takes_one_octet_now_and_then_is_not_stuck_and_delays_nobody() {
    let fake = Fake::new();
    let (listener, uri) = narrow();
    let slow = fake.device(&uri, Exclusive::Off);
    let document = fake.document(&vec![b'x'; 200_000], Format::Passthru);
    let job = fake.submit(slow, vec![document]);
    let (fine_listener, fine_uri) = listen();
    let printed = printer(fine_listener);
    let fine = fake.device(&fine_uri, Exclusive::OffEach);
    let process = fake.start();
    let mut stream = accept(&listener);
    for n in 0..20 {
        read(&mut stream, 1);
        let big = fake.document(&vec![b'y'; 100_000], Format::Passthru);
        fake.submit(fine, vec![big]);
        fake.wake();
        assert_eq!(printed.recv_timeout(20 * SECOND).unwrap().len(), 100_000, "job {n} of the other device");
    }
    drop(fake.until(|state| state.printers[fine].done.len() == 20));
    assert!(fake.state().printers[slow].claimed.is_some(), "the slow one still prints job {job}");
    assert_eq!(rest_of(stream).len(), 200_000 - 20);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("remark stalled"), 0);
}

#[test]
fn jobs_that_come_back_again_and_again_wait_longer_each_time() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    for text in ["one", "two", "three"] {
        fake.text(lp, text);
    }
    let process = fake.start();
    let stream = accept(&listener);
    drop(fake.until(|state| state.printers[lp].transferred.len() == 3));
    // Switched off with three jobs in its buffer, none of them read.
    drop(stream);
    drop(fake.until(|state| state.record.iter().any(|line| line.starts_with("error ") && line.contains("try 1"))));
    // The first of them alone, and switched off again, and again.
    for tries in 2..=3 {
        let stream = accept(&listener);
        stream.peek(&mut [0]).unwrap();
        drop(stream);
        let tries = format!("try {tries}");
        drop(fake.until(|state| state.record.iter().any(|line| line.contains("error ") && line.contains(&tries))));
    }
    let printed = printer(listener);
    let next = || printed.recv_timeout(20 * SECOND).unwrap();
    assert_eq!(
        [next(), next(), next()],
        ["\r\x0cone", "\r\x0ctwo", "\r\x0cthree"].map(|text| text.as_bytes().to_vec())
    );
    drop(fake.until(|state| state.printers[lp].done.len() == 3));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [1, 2, 3].map(|job| (job, Delivery::Sent)));
    assert_eq!(state.count("settled: reset"), 1);
}

#[test]
fn a_printer_at_an_ipv6_address_prints() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this system has no IPv6");
        return;
    };
    let fake = Fake::new();
    let uri = format!("socket://{}", listener.local_addr().unwrap());
    let lp = fake.device(&uri, Exclusive::Off);
    let printed = printer(listener);
    fake.text(lp, "six");
    fake.run();
    assert_eq!(printed.recv_timeout(20 * SECOND).unwrap(), b"six");
}
