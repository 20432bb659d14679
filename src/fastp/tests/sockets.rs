//! Printing over sockets: connections, boundaries, resets.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use crate::fastp::Timing;
use crate::fastp::fake::Fake;
use crate::model::DeviceId;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::state::{Delivery, DeviceWish};
use crate::model::wait::Wait;
use crate::spool::printing::progress;

pub(super) fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("socket://{}", listener.local_addr().unwrap());
    (listener, uri)
}

/// A printer that reads every connection to its end and returns the octets.
pub(super) fn printer(listener: TcpListener) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = Vec::new();
            if stream.read_to_end(&mut bytes).is_ok() && sender.send(bytes).is_err() {
                break;
            }
        }
    });
    receiver
}

pub(super) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(super) fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn queued_jobs_share_one_connection_with_boundaries_beside_streams() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let printed = printer(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    fake.text(lp, "two");
    let stream = fake.document(b"%PDF", Format::Pdf);
    fake.submit(lp, vec![stream]);
    fake.text(lp, "three");
    fake.run();
    // A PDF and a text have a connection each: no octet of ours tells a printer where one ends.
    let next = || printed.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!([next(), next(), next()], [b"one\r\x0ctwo".to_vec(), b"%PDF".to_vec(), b"three".to_vec()]);
    let state = fake.state();
    let mut done = state.printers[lp].done.clone();
    done.sort_by_key(|(number, _)| *number);
    assert_eq!(done, [1, 2, 3, 4].map(|number| (number, Delivery::Sent)));
    assert_eq!((state.count("opened: "), state.count("closed: ")), (1, 1));
}

#[test]
fn exclusive_off_each_makes_a_connection_for_each_job_and_adds_nothing_to_a_stream() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let printed = printer(listener);
    let lp = fake.device(&uri, Exclusive::OffEach);
    let both = vec![fake.document(b"%PDF", Format::Pdf), fake.document(b"%!PS", Format::PostScript)];
    fake.submit(lp, both);
    fake.text(lp, "two");
    fake.run();
    let next = || printed.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!([next(), next(), next()], [b"%PDF".to_vec(), b"%!PS".to_vec(), b"two".to_vec()]);
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent), (2, Delivery::Sent)]);
    assert_eq!(fake.state().count("opened"), 2);
}

#[test]
fn exclusive_on_keeps_the_connection_and_opens_again_when_the_peer_hangs_up() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    let settle = Duration::from_millis(300);
    let process = fake.start_with(Timing { settle, ..Fake::timing() });
    let mut first = accept(&listener);
    fake.text(lp, "one");
    fake.wake();
    assert_eq!(read(&mut first, 3), b"one");
    drop(fake.until(|state| state.count("settled: released") == 1));
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Transferred)]);
    drop(first);
    let mut second = accept(&listener);
    drop(fake.until(|state| state.count("opened: the peer hung up") == 1));
    fake.text(lp, "two");
    fake.wake();
    assert_eq!(read(&mut second, 5), b"\r\x0ctwo");
    drop(fake.until(|state| state.count("transferred 2") == 1));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    assert_eq!(second.read(&mut [0; 8]).unwrap(), 0);
    drop(second);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done[1], (2, Delivery::Sent));
    assert!(state.place("settled: closed") < state.place("drained"));
}

#[test]
fn a_printer_that_is_off_is_tried_again_until_it_is_on() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("error 4127") >= 2));
    let printed = printer(TcpListener::bind(address).unwrap());
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap(), b"x");
    let state = fake.state();
    assert_eq!(state.count("failed 1 touched false"), 1);
    assert_eq!(state.count("recovered"), 1);
    assert!(state.printers[lp].error.is_none());
}

#[test]
fn an_exhausted_timeout_takes_the_device_offline_and_start_tries_at_once() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    fake.state().printers[lp].settings.timeout = 1;
    fake.text(lp, "x");
    fake.run();
    let error = fake.state().printers[lp].error.clone().unwrap();
    assert_eq!((error.tries, error.next_try_ms), (2, None));
    let printed = printer(TcpListener::bind(address).unwrap());
    assert!(fake.state().printers[lp].stopped_by_error);
    fake.state().printers[lp].error = None;
    fake.state().printers[lp].wish = DeviceWish::Started;
    fake.run();
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap(), b"x");
}

#[test]
fn drain_ends_a_device_in_error_at_once() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    drop(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    fake.state().printers[lp].settings.retry = 3000;
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("error 4127") >= 1));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("drained"), 1);
    assert_eq!(fake.state().printers[lp].queue.len(), 1);
}

#[test]
fn a_reset_sends_transferred_jobs_back_in_order_before_the_running_one_fails() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    fake.text(lp, "two");
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Pcl);
    fake.submit(lp, vec![big]);
    let process = fake.start();
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 8), b"one\r\x0ctwo");
    drop(fake.until(|state| state.count("claim 3") == 1));
    read(&mut stream, 20_000);
    // Closing with unread octets resets the connection.
    drop(stream);
    drop(fake.until(|state| state.count("failed 3 touched true") == 1));
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert!(state.place("settled: reset") < state.place("failed 3"));
    // What came back goes over a connection of its own each.
    let next = || printed.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!([next(), next()], [b"\r\x0cone".to_vec(), b"\r\x0ctwo".to_vec()]);
    assert_eq!(next().len(), 32 << 20);
    assert_eq!(state.printers[lp].done.len(), 3);
}

/// Reads to the end and says whether that was a reset.
fn was_reset(mut stream: TcpStream) -> bool {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn a_source_that_ends_early_resets_the_connection() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let path = fake.dir.path().join("big");
    std::fs::write(&path, vec![b'x'; 64 << 20]).unwrap();
    let link = fake.link(&path, Format::Passthru);
    fake.submit(lp, vec![link]);
    let process = fake.start();
    let mut stream = accept(&listener);
    read(&mut stream, 10);
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
    assert!(was_reset(stream));
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("held 1 Changed touched true"), 1);
}

#[test]
fn a_cancelled_job_stops_and_is_not_taken_for_complete() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let big = fake.document(&vec![b'x'; 64 << 20], Format::Passthru);
    let job = fake.submit(lp, vec![big]);
    let process = fake.start();
    let mut stream = accept(&listener);
    read(&mut stream, 10);
    fake.state().stop.push(job);
    fake.wake();
    drop(fake.until(|state| state.count("stopped 1 touched true") == 1));
    assert!(was_reset(stream));
    process.join().unwrap().unwrap();
}

#[test]
fn a_stuck_printer_blocks_only_itself() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let stuck = fake.device(&uri, Exclusive::Off);
    let (out, path) = fake.output();
    let fine = fake.device(&out, Exclusive::Off);
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(stuck, vec![big]);
    let process = fake.start();
    let stream = accept(&listener);
    fake.text(fine, "flows");
    fake.wake();
    drop(fake.until(|state| state.printers[fine].done.len() == 1));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "flows");
    let progress = crate::spool::printing::progress::read(&fake.base.progress(&fake.process)).unwrap();
    assert_eq!(progress.pid, std::process::id());
    assert!(progress.slots.iter().any(|slot| slot.device.0 == stuck as i64 && slot.open));
    drop(stream);
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap().len(), 32 << 20);
}

#[test]
fn a_peer_that_never_closes_has_its_job_released_as_transferred() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "x");
    let process = fake.start_with(Timing { settle: Duration::from_millis(100), ..Fake::timing() });
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 1), b"x");
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Transferred)]);
    drop(stream);
}

#[test]
fn a_peer_that_closes_at_once_is_an_error_and_no_reason_to_spin() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    let process = fake.start_with(Timing { short_lived: Duration::from_secs(60), ..Fake::timing() });
    drop(accept(&listener));
    let state = fake.until(|state| state.count("error 140") == 1);
    assert!(state.printers[lp].error.as_ref().unwrap().next_try_ms.is_some());
    drop(state);
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
}

#[test]
fn a_reset_while_idle_prints_its_jobs_again_before_later_ones() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    let process = fake.start();
    let stream = accept(&listener);
    fake.text(lp, "one");
    fake.wake();
    drop(fake.until(|state| state.count("transferred 1") == 1));
    fake.text(lp, "two");
    // Never read: closing resets the connection.
    drop(stream);
    let mut again = accept(&listener);
    assert_eq!(read(&mut again, 5), b"\r\x0cone");
    drop(again);
    let mut again = accept(&listener);
    assert_eq!(read(&mut again, 5), b"\r\x0ctwo");
    drop(fake.until(|state| state.count("transferred 2") == 1));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    drop(again);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert!(state.place("settled: reset") < state.place("transferred 2"));
}

#[test]
fn a_job_is_recorded_by_its_claim_and_its_end_and_nothing_is_asked_besides() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let printed = printer(listener);
    let lp = fake.device(&uri, Exclusive::Off);
    for _ in 0..2 {
        fake.text(lp, "x");
        fake.run();
    }
    let state = fake.state();
    // The first open of all is recorded before the first octet.
    assert_eq!(state.transactions, [1, 2, 3], "{:?}", state.record);
    assert!(state.place("opened: job 2") < state.place("sent 2"), "{:?}", state.record);
    assert_eq!(state.count("closed"), 2);
    assert_eq!(state.looks, 0);
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap(), b"x");
}

#[test]
fn a_job_that_comes_while_another_one_ends_is_not_overlooked() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "first");
    let process = fake.start();
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 5), b"first");
    // It waits for our close: whatever it knew of the queue is old.
    fake.text(lp, "second");
    fake.wake();
    drop(stream);
    let printed = printer(listener);
    drop(fake.until(|state| state.printers[lp].done.len() == 2));
    process.join().unwrap().unwrap();
    assert!(printed.recv_timeout(Duration::from_secs(20)).unwrap().ends_with(b"second"));
}

#[test]
fn an_open_that_is_kept_is_recorded_when_its_job_takes_long() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::OffEach);
    fake.text(lp, "x");
    let timing = Timing { report_delay: Duration::from_millis(20), ..Fake::timing() };
    let process = fake.start_with(timing);
    drop(accept(&listener));
    process.join().unwrap().unwrap();
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    let job = fake.submit(lp, vec![big]);
    let process = fake.start_with(timing);
    let stream = accept(&listener);
    let state = fake.until(|state| state.count(&format!("opened: job {job}")) == 1);
    assert!(state.printers[lp].claimed.is_some(), "{:?}", state.record);
    drop(state);
    drop(stream);
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap().len(), 32 << 20);
}

#[test]
fn a_job_that_is_stopped_brings_back_none_that_were_delivered_before_it() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Pcl);
    let job = fake.submit(lp, vec![big]);
    let process = fake.start();
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 3), b"one");
    drop(fake.until(|state| state.count("claim 2") == 1));
    read(&mut stream, 20_000);
    fake.state().stop.push(job);
    fake.wake();
    // The printer takes what is left of the part that was sent, sees our half closed, and closes.
    let rest = std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
    drop(fake.until(|state| state.count("stopped 2 touched true") == 1));
    assert!(rest.join().unwrap().unwrap() < 32 << 20);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent)]);
    assert_eq!(state.count("settled: reset"), 0, "{:?}", state.record);
}

#[test]
fn jobs_before_one_that_is_stopped_are_held_when_the_printer_does_not_close() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Pcl);
    let job = fake.submit(lp, vec![big]);
    let process = fake.start_with(Timing { settle: Duration::from_millis(200), ..Fake::timing() });
    let mut stream = accept(&listener);
    assert_eq!(read(&mut stream, 3), b"one");
    drop(fake.until(|state| state.count("claim 2") == 1));
    // Not before its first octet: then it would be stopped untouched.
    read(&mut stream, 20_000);
    fake.state().stop.push(job);
    fake.wake();
    drop(fake.until(|state| state.count("stopped 2 touched true") == 1));
    assert!(was_reset(stream));
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.count("settled: cut 1"), 1, "{:?}", state.record);
    assert!(state.place("settled: cut 1") < state.place("stopped 2"));
}

#[test]
fn copies_of_a_label_have_a_connection_each_that_settles_beside_the_next() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let mut label = fake.document(b"^XA^XZ", Format::Zpl);
    label.copies = 3;
    fake.submit(lp, vec![label]);
    let process = fake.start();
    // A printer that closes a connection when it has printed it, long after the next one has come.
    let streams: Vec<TcpStream> = (0..3).map(|_| accept(&listener)).collect();
    for mut stream in streams {
        assert_eq!(read(&mut stream, 6), b"^XA^XZ");
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent)]);
    assert_eq!((state.count("opened: "), state.count("closed: ")), (1, 1), "one open: {:?}", state.record);
}

#[test]
fn a_part_whose_connection_is_reset_brings_the_whole_job_again() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let both = vec![fake.document(b"%PDF", Format::Pdf), fake.document(b"^XA^XZ", Format::Zpl)];
    fake.submit(lp, both);
    let process = fake.start();
    let first = accept(&listener);
    let second = accept(&listener);
    // Never read: closing resets the connection.
    drop(first);
    drop(fake.until(|state| state.count("failed 1 touched true") == 1));
    drop(second);
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    let next = || printed.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!([next(), next()], [b"%PDF".to_vec(), b"^XA^XZ".to_vec()]);
    assert_eq!(fake.state().printers[lp].done, [(1, Delivery::Sent)]);
}

#[test]
fn what_becomes_of_a_part_of_a_job_that_was_stopped_is_no_other_job_s_fault() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let parts = vec![fake.document(b"^XA^XZ", Format::Zpl), fake.document(&vec![b'x'; 32 << 20], Format::Passthru)];
    let stopped = fake.submit(lp, parts);
    let both = vec![fake.document(b"%PDF", Format::Pdf), fake.document(b"^XB^XZ", Format::Zpl)];
    fake.submit(lp, both);
    let process = fake.start();
    let first = accept(&listener);
    let mut second = accept(&listener);
    read(&mut second, 20_000);
    fake.state().stop.push(stopped);
    fake.wake();
    let mut third = accept(&listener);
    assert_eq!(read(&mut third, 4), b"%PDF");
    // Never read: closing resets the connection of the part, while the other job waits for its own next connection.
    drop(first);
    let mut fourth = accept(&listener);
    assert_eq!(read(&mut fourth, 6), b"^XB^XZ");
    drop((second, third, fourth));
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.count("failed 2"), 0, "{:?}", state.record);
    assert!(state.printers[lp].done.iter().any(|(number, _)| *number == 2), "{:?}", state.record);
}

#[test]
fn what_an_old_connection_delivered_does_not_come_back_because_the_next_one_fails() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    for label in [b"^XA1^XZ", b"^XA2^XZ"] {
        let label = fake.document(label, Format::Zpl);
        fake.submit(lp, vec![label]);
    }
    let process = fake.start();
    // The printer is slow to close the connection of the first label, so that of the second one comes beside it.
    let mut first = accept(&listener);
    assert_eq!(read(&mut first, 7), b"^XA1^XZ");
    let second = accept(&listener);
    assert!(second.peek(&mut [0; 1]).unwrap() > 0);
    // Closing with unread octets resets it: the thread of the device ends with an error.
    drop(second);
    drop(fake.until(|state| state.count("failed 2 touched true") == 1));
    assert_eq!(first.read(&mut [0; 8]).unwrap(), 0);
    drop(first);
    drop(fake.until(|state| state.count("settled: ") == 1));
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv_timeout(Duration::from_secs(20)).unwrap(), b"^XA2^XZ");
    let state = fake.state();
    assert_eq!(state.printers[lp].done, [(1, Delivery::Sent), (2, Delivery::Sent)], "{:?}", state.record);
}

#[test]
fn an_open_without_a_job_is_recorded_at_once() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    // What may wait waits for longer than a test lasts, and nothing else comes up that would take it along.
    // And no connection is too short to be a sound one, so that the next open is none after an error.
    let (long, short_lived) = (Duration::from_secs(3600), Duration::ZERO);
    let process =
        fake.start_with(Timing { report_delay: long, settle: long, heartbeat: long, short_lived, ..Fake::timing() });
    let first = accept(&listener);
    drop(fake.until(|state| state.count("opened: ") == 1));
    drop(first);
    let second = accept(&listener);
    drop(fake.until(|state| state.count("opened: ") == 2));
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    drop(second);
    process.join().unwrap().unwrap();
}

#[test]
fn a_device_that_waits_for_the_close_of_its_printer_says_so() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::On);
    let process = fake.start();
    let mut stream = accept(&listener);
    fake.text(lp, "one");
    fake.wake();
    assert_eq!(read(&mut stream, 3), b"one");
    drop(fake.until(|state| state.count("transferred 1") == 1));
    let path = fake.base.progress(&fake.process);
    let waits = || {
        let slot = progress::read(&path).unwrap().without_job(DeviceId(lp as i64)).and_then(|slot| slot.awaits);
        slot.map(|(wait, _)| wait)
    };
    fake.state().printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    // Our half is closed; it was said before.
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(waits(), Some(Wait::Close));
    drop(stream);
    process.join().unwrap().unwrap();
    assert_eq!(waits(), None);
}

#[test]
fn a_text_that_returns_the_carriage_itself_makes_no_staircase() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    for text in ["one\r\ntwo\r\n", "\none\r\n", "no line end"] {
        fake.text(lp, text);
    }
    let _printed = printer(listener);
    fake.run();
    assert_eq!(fake.state().count("staircase"), 0, "{:?}", fake.state().record);
    fake.text(lp, "one\ntwo\n");
    fake.run();
    assert_eq!(fake.state().count("staircase"), 1);
}
