//! A device that fails, is tried and fails again: what is recorded once, and when it has recovered.

use super::*;
use crate::model::device::ConnectionInUse;
use crate::model::state::DeviceState;
use crate::spool::interface::engine::{Observation, Outcome};

fn log(site: &Site) -> Vec<String> {
    let subject = EventSubject::Device("LP1".parse().unwrap());
    site.spool.events(&site.call(), &subject, 0).unwrap().into_iter().map(|event| event.what.into()).collect()
}

fn state(site: &Site) -> DeviceState {
    site.spool.device(&site.call(), &"LP1".parse().unwrap()).unwrap().state
}

fn see(site: &Site, lease: &Lease, device: DeviceId, seen: Observation) {
    site.pass(1000);
    site.spool.observe(lease, device, seen, &site.now()).unwrap();
}

fn opens(site: &Site, lease: &Lease, device: DeviceId, why: &str) {
    let connection = ConnectionInUse { address: DeviceUri::Null, entry: None, complaint: None };
    see(site, lease, device, Observation::Opened { why: why.into(), connection });
}

fn closes(site: &Site, lease: &Lease, device: DeviceId, why: &str) {
    see(site, lease, device, Observation::Closed { why: why.into() });
}

fn note(site: &Site, text: &str, next: bool, tries: u32) -> ErrorNote {
    let now = site.now().wall_ms;
    ErrorNote { number: 43, text: text.into(), since_ms: now, next_try_ms: next.then_some(now), tries }
}

const FIRST: [&str; 5] = ["declared", "altered", "started", "opened", "closed"];

#[test]
fn a_device_that_opens_and_fails_each_time_says_so_once_and_recovers_once() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    site.job("a.b", 1);
    site.job("a.b", 2);
    for tries in 1..=20 {
        opens(&site, &lease, lp, if tries == 1 { "job 1 is queued" } else { "another try after an error" });
        let claim = site.claim(&lease, lp).unwrap();
        assert!(matches!(state(&site), DeviceState::Printing(_)), "it prints now, whatever it did before");
        // Two errors in turn are two errors.
        let text = if tries % 2 == 0 { "the disk is full" } else { "it was reset" };
        closes(&site, &lease, lp, text);
        let end = AttemptEnd::DeviceFailed { error: note(&site, text, true, tries), touched: false, alone: false };
        site.spool.attempt_ends(&lease, &claim, end, false, &site.now()).unwrap();
        assert_eq!(state(&site), DeviceState::DevError(43));
    }
    let failed = [&FIRST[..], &["error", "opened", "closed", "error"]].concat();
    assert_eq!(log(&site), failed);
    assert_eq!(site.spool.device(&site.call(), &"LP1".parse().unwrap()).unwrap().opens, 20, "they are counted");

    // A job that is transferred proves nothing: it comes back.
    opens(&site, &lease, lp, "another try after an error");
    let claim = site.claim(&lease, lp).unwrap();
    site.ends(&lease, &claim, transferred());
    let reset = Outcome::Reset { why: "it was reset".into() };
    site.spool.settle_transferred(&lease, lp, reset, &site.now()).unwrap();
    assert_eq!(log(&site), failed);
    // One that is settled does; and then everything is news again.
    let claim = site.claim(&lease, lp).unwrap();
    site.ends(&lease, &claim, transferred());
    site.spool.settle_transferred(&lease, lp, Outcome::Closed, &site.now()).unwrap();
    closes(&site, &lease, lp, "no job is queued");
    see(&site, &lease, lp, Observation::Failed(note(&site, "it was reset", true, 1)));
    assert_eq!(log(&site)[failed.len()..], ["recovered", "closed", "error"]);
}

#[test]
fn a_restart_that_fails_each_time_is_recorded_once_and_an_operators_start_begins_anew() {
    for tries in [1, 4] {
        let site = Site::new();
        let lp = site.device("LP1", "#A.B", vec![DeviceChange::Restart(10)]);
        let lease = site.begins();
        site.job("a.b", 1);
        let fail = || see(&site, &lease, lp, Observation::Failed(note(&site, "it is full", false, tries)));
        let cycle = ["error", "stopped", "restarted"];
        for _ in 0..20 {
            fail();
            assert_eq!(state(&site), DeviceState::Offline);
            see(&site, &lease, lp, Observation::Restarting);
            assert_eq!(state(&site), DeviceState::DevError(43));
        }
        assert_eq!(log(&site), [&FIRST[..3], &cycle].concat());
        fail();
        site.spool.start_device(&site.call(), "LP1".parse().unwrap()).unwrap();
        fail();
        assert_eq!(log(&site)[6..], ["started", "error", "stopped"]);
        // Another interval is another restart.
        site.spool.change_device(&site.call(), "LP1".parse().unwrap(), vec![DeviceChange::Restart(20)]).unwrap();
        see(&site, &lease, lp, Observation::Restarting);
        fail();
        assert_eq!(log(&site)[9..], ["altered", "restarted", "stopped"]);
        let shown = site.spool.device(&site.call(), &"LP1".parse().unwrap()).unwrap();
        assert!(shown.error.is_some_and(|error| error.next_try_ms.is_some()), "it goes on");
    }
}

#[test]
fn an_error_of_a_device_that_is_open_is_no_reason_for_anybody_to_start_it() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket(), Site::exclusive_on()]);
    let lease = site.begins();
    see(&site, &lease, lp, Observation::Failed(note(&site, "it was refused", true, 1)));
    assert_eq!(state(&site), DeviceState::DevError(43));
    let anybody = Caller { uid: 4711, user: "eve".into(), host: "here".into(), groups: Vec::new(), operator: false };
    let start = || site.spool.start_device(&Call::of(&anybody, &site.now()), "LP1".parse().unwrap());
    opens(&site, &lease, lp, "another try after an error");
    assert_eq!(state(&site), DeviceState::Waiting);
    assert!(start().is_err());
    closes(&site, &lease, lp, "the peer hung up");
    assert_eq!(state(&site), DeviceState::DevError(43));
    start().unwrap();
}
