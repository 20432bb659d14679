//! A claim never outlives its attempt unnoticed: what a broken-off attempt leaves is given back and reported.

use super::sockets::{accept, listen, printer, read};
use crate::fastp::fake::Fake;
use crate::model::FailureKind;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::state::DeviceWish;

#[test]
fn a_job_whose_end_was_refused_is_given_back_as_touched_before_it_is_printed_again() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    fake.state().faults.push(("attempt_ends", Some(FailureKind::Internal)));
    fake.run();
    let state = fake.state();
    assert!(state.place("fault in attempt_ends") < state.place("abandoned 1 touched true"));
    assert_eq!((state.count("claim 1"), state.printers[lp].done.len()), (2, 1));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one", "the place of the first attempt was kept");
}

#[test]
fn a_thread_that_dies_leaves_a_claim_that_the_next_one_gives_back() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    fake.state().faults.push(("attempt_begins", None));
    fake.run();
    let state = fake.state();
    assert_eq!((state.count("abandoned 1 touched true"), state.printers[lp].done.len()), (1, 1));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one");
}

#[test]
fn a_device_that_is_stopped_or_drained_keeps_no_claim_that_is_left_over() {
    for (wish, drained) in [(DeviceWish::Stopped, 0), (DeviceWish::Draining, 1)] {
        let fake = Fake::new();
        let lp = fake.device("null:", Exclusive::Off);
        fake.text(lp, "one");
        fake.state().faults.push(("attempt_ends", Some(FailureKind::Internal)));
        let process = fake.start();
        fake.until(|state| state.count("fault in attempt_ends") == 1).printers[lp].wish = wish;
        fake.wake();
        process.join().unwrap().unwrap();
        let state = fake.state();
        assert!(state.printers[lp].claimed.is_none(), "{wish:?}");
        assert_eq!((state.count("abandoned 1 touched true"), state.count("drained")), (1, drained), "{wish:?}");
        assert_eq!(state.count("claim 1"), 1, "{wish:?}");
        assert!(drained == 0 || state.place("abandoned") < state.place("drained"));
    }
}

#[test]
fn a_spool_that_cannot_say_whether_to_go_on_stops_no_printer() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    fake.state().faults.push(("attempt_wish", Some(FailureKind::Internal)));
    let process = fake.start();
    let mut stream = accept(&listener);
    read(&mut stream, 10);
    fake.wake();
    drop(fake.until(|state| state.count("fault in attempt_wish") == 1));
    read(&mut stream, (32 << 20) - 10);
    drop(stream);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!((state.printers[lp].done.len(), state.count("abandoned"), state.count("claim 1")), (1, 0, 1));
}

#[test]
fn a_job_whose_claim_was_lost_is_not_begun_again_before_its_claim_is_given_back() {
    let fake = Fake::new();
    let (listener, uri) = listen();
    let lp = fake.device(&uri, Exclusive::Off);
    let big = fake.document(&vec![b'x'; 32 << 20], Format::Passthru);
    fake.submit(lp, vec![big]);
    fake.state().faults.push(("attempt_wish", Some(FailureKind::State)));
    let process = fake.start();
    let mut stream = accept(&listener);
    read(&mut stream, 10);
    fake.wake();
    drop(fake.until(|state| state.count("abandoned 1 touched true") == 1));
    drop(stream);
    let printed = printer(listener);
    process.join().unwrap().unwrap();
    assert_eq!(printed.recv().unwrap().len(), 32 << 20);
    assert_eq!(fake.state().count("claim 1"), 2);
}
