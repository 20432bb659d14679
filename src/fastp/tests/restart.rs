//! RESTART, and what a clock that is set meanwhile does to it.

use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::state::{DeviceWish, ErrorNote};
use crate::sys::clock;

const HOUR: i64 = 3_600_000;

#[test]
fn a_restart_that_a_jump_of_the_clock_left_behind_starts_its_device_at_once() {
    // Set forward, the time has long come; set back, it would come in two hours though RESTART says ten minutes.
    for jump in [-2 * HOUR, 2 * HOUR] {
        let fake = Fake::new();
        let (uri, path) = fake.output();
        let lp = fake.device(&uri, Exclusive::Off);
        fake.text(lp, "one");
        {
            let printer = &mut fake.state().printers[lp];
            let due = clock::wall_ms() + jump;
            let text = "it is a directory".to_owned();
            printer.error =
                Some(ErrorNote { number: 2, text, since_ms: due - 600_000, next_try_ms: Some(due), tries: 1 });
            (printer.wish, printer.stopped_by_error) = (DeviceWish::Stopped, true);
            printer.settings.restart = 600;
        }
        fake.run();
        let state = fake.state();
        assert_eq!((state.count("restarted"), state.printers[lp].done.len()), (1, 1), "{jump}: {:#?}", state.record);
        assert!(state.printers[lp].error.is_none(), "it works: the error is over");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "one");
    }
}

#[test]
fn a_device_that_fails_again_after_its_restart_waits_for_the_next_one_from_then() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    std::fs::create_dir(&path).unwrap();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one");
    let before = {
        let printer = &mut fake.state().printers[lp];
        let now = clock::wall_ms();
        let error = ErrorNote { number: 2, text: "old".into(), since_ms: 0, next_try_ms: Some(now - HOUR), tries: 1 };
        printer.error = Some(error);
        (printer.wish, printer.stopped_by_error) = (DeviceWish::Stopped, true);
        printer.settings.restart = 600;
        now
    };
    let process = fake.start();
    {
        let state = fake.until(|state| state.count("error 2 try 1") == 1 && state.printers[lp].stopped_by_error);
        let due = state.printers[lp].error.as_ref().unwrap().next_try_ms.unwrap();
        assert!((before + 600_000..=clock::wall_ms() + 600_000).contains(&due), "{due}");
        assert_eq!(
            (state.count("restarted"), state.count("claim 1")),
            (1, 0),
            "it is seen to open before it is given a job"
        );
    }
    // Mended, and its clock set back by a day: it does not wait for tomorrow.
    std::fs::remove_dir(&path).unwrap();
    fake.state().printers[lp].error.as_mut().unwrap().next_try_ms = Some(clock::wall_ms() + 24 * HOUR);
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!((fake.state().count("restarted"), std::fs::read_to_string(path).unwrap()), (2, "one".into()));
}
