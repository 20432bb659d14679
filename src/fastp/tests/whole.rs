//! The process as a whole: dormancy, the spool that fails, the lease that is gone.

use std::time::Duration;

use crate::fastp::Timing;
use crate::fastp::fake::Fake;
use crate::fastp::process::run::run_with;
use crate::model::FailureKind;
use crate::model::device::Exclusive;
use crate::model::state::DeviceWish;
use crate::sys::lock::FileLock;

#[test]
fn a_process_without_work_goes_dormant_and_a_second_one_ends_at_once() {
    let fake = Fake::new();
    fake.device("null:", Exclusive::Off);
    fake.run();
    assert!(!fake.state().running);
    let on = fake.device("null:", Exclusive::On);
    let process = fake.start();
    drop(fake.until(|state| state.count("opened: EXCLUSIVE ON") == 1));
    assert!(FileLock::is_held(&fake.base.process_lock(&fake.process)).unwrap());
    let note = std::fs::read_to_string(fake.base.process_lock(&fake.process)).unwrap();
    assert!(note.starts_with(&format!("{} ", std::process::id())), "{note}");
    let epoch = fake.state().epoch;
    let timing = Timing::from_environment();
    run_with(fake.clone(), &fake.base, &fake.process, Duration::ZERO, timing, |_| None).unwrap();
    assert_eq!(fake.state().epoch, epoch);
    fake.state().printers[on].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    // The waiter of the second one, which had given up, may hold the lock for a moment.
    assert!(FileLock::exclusive(&fake.base.process_lock(&fake.process), Duration::from_secs(20)).unwrap().is_some());
}

#[test]
fn a_spool_that_cannot_be_written_delays_the_next_job_and_repeats_none() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    fake.text(lp, "two");
    fake.state().failing = 3;
    fake.run();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one\r\x0ctwo");
    assert_eq!(fake.state().count("claim"), 2);
}

#[test]
fn a_newer_schema_ends_the_process_after_its_job() {
    let fake = Fake::new();
    let lp = fake.device("null:", Exclusive::On);
    let process = fake.start();
    drop(fake.until(|state| state.count("opened") == 1));
    fake.text(lp, "x");
    fake.state().newer_schema = true;
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(fake.state().count("closed: the print process ends"), 1);
}

#[test]
fn empty_documents_and_copies() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "");
    let mut twice = fake.document(b"a\n", crate::model::job::Format::Text);
    twice.copies = 2;
    fake.submit(lp, vec![twice]);
    fake.run();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "a\n\x0ca\n");
    assert_eq!(fake.state().printers[lp].done.len(), 2);
}

#[test]
fn a_spool_that_cannot_be_read_for_a_moment_does_not_end_the_process() {
    let fake = Fake::new();
    let lp = fake.device("null:", Exclusive::On);
    let process = fake.start();
    drop(fake.until(|state| state.count("opened") == 1));
    for call in ["lease_stands", "orders", "goes_dormant"] {
        for kind in [FailureKind::Internal, FailureKind::Io, FailureKind::Full] {
            fake.state().faults.push((call, Some(kind)));
        }
    }
    fake.text(lp, "x");
    fake.wake();
    fake.until(|state| state.printers[lp].done.len() == 1).printers[lp].wish = DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!((state.count("fault in"), state.epoch, state.count("epoch ends")), (9, 1, 0), "it went dormant");
}

#[test]
fn a_process_that_breaks_off_is_not_taken_for_one_that_died() {
    for call in ["orders", "lease_stands", "goes_dormant"] {
        let fake = Fake::new();
        fake.device("null:", if call == "goes_dormant" { Exclusive::Off } else { Exclusive::On });
        let process = fake.start();
        if call == "goes_dormant" {
            process.join().unwrap().unwrap();
            fake.state().faults.push((call, Some(FailureKind::Security)));
            fake.start().join().unwrap().unwrap_err();
        } else {
            fake.until(|state| state.count("opened") == 1).faults.push((call, Some(FailureKind::Security)));
            fake.wake();
            process.join().unwrap().unwrap_err();
        }
        let state = fake.state();
        assert_eq!((state.running, state.count("epoch ends")), (false, 1), "{call}");
        assert!(call == "goes_dormant" || state.place("closed") < state.place("epoch ends"), "its threads end first");
    }
}

#[test]
fn a_process_prints_without_its_progress_file() {
    let fake = Fake::new();
    let lp = fake.device("null:", Exclusive::Off);
    fake.text(lp, "x");
    std::fs::create_dir(fake.base.progress(&fake.process)).unwrap();
    fake.run();
    assert_eq!(fake.state().printers[lp].done.len(), 1);
    let log = std::fs::read_to_string(fake.base.log()).unwrap();
    assert!(log.contains("the heartbeat cannot be written"), "{log}");
}
