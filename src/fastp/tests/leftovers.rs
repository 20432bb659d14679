//! A claim never outlives its attempt unnoticed: what a broken-off attempt leaves is given back and reported.

use super::sockets::{accept, listen, printer, read};
use crate::fastp::fake::Fake;
use crate::model::FailureKind;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::model::state::DeviceWish;
use crate::spool::printing::trouble;

/// What the spool may answer to the end of an attempt although it is still ours.
const FAILURES: [FailureKind; 7] = [
    FailureKind::Damaged,
    FailureKind::Internal,
    FailureKind::State,
    FailureKind::Io,
    FailureKind::Full,
    FailureKind::Unknown,
    FailureKind::Timeout,
];

#[test]
fn a_job_whose_end_cannot_be_recorded_is_printed_once_and_ends_when_the_spool_answers() {
    for kind in FAILURES {
        for to_file in [true, false] {
            let fake = Fake::new();
            let (file, path) = fake.output();
            let (listener, socket) = listen();
            let lp = fake.device(if to_file { &file } else { &socket }, Exclusive::OffEach);
            let printed = (!to_file).then(|| printer(listener));
            fake.text(lp, "one");
            fake.state().faults.extend(std::iter::repeat_n(("attempt_ends", Some(kind)), 4));
            fake.run();
            let state = fake.state();
            assert_eq!(state.count("fault in attempt_ends"), 4, "{kind:?}");
            assert_eq!((state.count("claim 1"), state.count("abandoned")), (1, 0), "{kind:?}: {:?}", state.record);
            assert_eq!(state.printers[lp].done.len(), 1, "{kind:?}");
            match printed {
                Some(printed) => assert_eq!(printed.recv().unwrap(), b"one", "{kind:?}"),
                None => assert_eq!(std::fs::read_to_string(path).unwrap(), "one", "{kind:?}"),
            }
            assert_eq!(trouble::read(&fake.base.trouble(&fake.process)), None, "it is over");
        }
    }
}

#[test]
fn an_end_that_cannot_be_recorded_is_said_beside_the_database_and_keeps_no_other_device() {
    let fake = Fake::new();
    let (uri, _) = fake.output();
    let (lp, other) = (fake.device(&uri, Exclusive::Off), fake.device("null:", Exclusive::Off));
    fake.text(lp, "one");
    fake.text(lp, "two");
    fake.state().faults.extend(std::iter::repeat_n(("attempt_ends", Some(FailureKind::Damaged)), 7));
    let process = fake.start();
    drop(fake.until(|state| state.count("fault in attempt_ends") >= 3));
    let note = trouble::read(&fake.base.trouble(&fake.process)).unwrap();
    assert_eq!((note.over, note.troubles.len()), (false, 1));
    let found = &note.troubles[0];
    assert_eq!((found.device.map(|id| id.0), found.what.lasting), (Some(lp as i64), true));
    assert!(found.what.text.starts_with("$LP0: ending an attempt: as the test wants"), "{}", found.what.text);
    fake.text(other, "three");
    fake.wake();
    let state = fake.until(|state| !state.printers[other].done.is_empty());
    assert_eq!(state.count("claim 2"), 0, "nothing is claimed behind an end that is not on disk");
    drop(state);
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().printers[lp].done.len(), 2);
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
        // Its thread dies.
        fake.state().faults.push(("attempt_ends", None));
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
