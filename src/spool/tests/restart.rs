//! RESTART as the spool keeps it: when it is due, what altering it changes, and whom that wakes.

use super::*;
use crate::model::process::ProcessChange;
use crate::spool::interface::engine::Observation;

const MINUTE: i64 = 60_000;

/// `$LP1` with a RESTART of so many seconds, offline by an error that was just met.
fn stopped(site: &Site, restart: u32) -> (Lease, DeviceId) {
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Restart(restart)]);
    let lease = site.begins();
    site.job("a.b", 1);
    fails(site, &lease, lp, &site.now());
    (lease, lp)
}

fn fails(site: &Site, lease: &Lease, device: DeviceId, now: &Moment) {
    let error =
        ErrorNote { number: 2, text: "it is a directory".into(), since_ms: now.wall_ms, next_try_ms: None, tries: 1 };
    site.spool.observe(lease, device, Observation::Failed(error), now).unwrap();
}

/// When RESTART is due, after the site's beginning.
fn due(site: &Site, lease: &Lease, device: DeviceId) -> Option<i64> {
    let order = site.spool.order(lease, device, &site.now()).unwrap().unwrap();
    order.restart_at_ms.map(|at| at - moment(0).wall_ms)
}

fn alter(site: &Site, change: DeviceChange) -> Vec<String> {
    let targets = site.spool.change_device(&site.call(), "LP1".parse().unwrap(), vec![change]).unwrap();
    targets.into_iter().map(|target| target.name.to_string()).collect()
}

#[test]
fn restart_is_due_its_interval_after_the_error_by_the_clock_that_stood_then() {
    let site = Site::new();
    let (lease, lp) = stopped(&site, 600);
    assert_eq!(due(&site, &lease, lp), Some(10 * MINUTE));
    assert!(!site.spool.goes_dormant(&lease, &site.now()).unwrap(), "somebody has to be there then");
    // The clock is set back by a day while the device waits, and it fails again: the next one counts from the clock now.
    let earlier = moment(-24 * 60 * MINUTE);
    site.spool.observe(&lease, lp, Observation::Restarting, &earlier).unwrap();
    let shown = site.spool.device(&Call::of_spooler(&earlier), &"lp1".parse().unwrap()).unwrap();
    assert_eq!(shown.error.as_ref().unwrap().next_try_ms, Some(earlier.wall_ms), "it is tried now");
    fails(&site, &lease, lp, &earlier);
    assert_eq!(due(&site, &lease, lp), Some((10 - 24 * 60) * MINUTE));
    // Set forward, likewise.
    let later = moment(24 * 60 * MINUTE);
    site.spool.observe(&lease, lp, Observation::Restarting, &later).unwrap();
    fails(&site, &lease, lp, &later);
    assert_eq!(due(&site, &lease, lp), Some((10 + 24 * 60) * MINUTE));
    let shown = site.spool.device(&Call::of_spooler(&later), &"lp1".parse().unwrap()).unwrap();
    assert!(
        shown.stopped_by_error && shown.error.unwrap().since_ms <= moment(0).wall_ms,
        "the same error all the time"
    );
}

#[test]
fn an_altered_restart_counts_from_then_and_whoever_has_the_device_learns_it() {
    let site = Site::new();
    let (lease, lp) = stopped(&site, 0);
    assert_eq!(due(&site, &lease, lp), None);
    site.pass(MINUTE);
    assert_eq!(alter(&site, DeviceChange::Restart(600)), ["SPLA"]);
    assert_eq!(due(&site, &lease, lp), Some(11 * MINUTE));
    site.pass(MINUTE);
    assert_eq!(alter(&site, DeviceChange::Speed(50)), ["SPLA"]);
    assert_eq!(due(&site, &lease, lp), Some(11 * MINUTE), "another attribute does not put it off");
    assert_eq!(alter(&site, DeviceChange::Restart(30)), ["SPLA"]);
    assert_eq!(due(&site, &lease, lp), Some(2 * MINUTE + 30_000), "the shorter one holds");
    let other = "SPLB".parse::<ProcessName>().unwrap();
    site.spool.change_process(&site.call(), other.clone(), vec![ProcessChange::File("fastp".into())]).unwrap();
    assert_eq!(
        alter(&site, DeviceChange::Process(other)),
        ["SPLA", "SPLB"],
        "the one that lost it, the one that has it"
    );
    let theirs = site.spool.begins(&"SPLB".parse().unwrap(), 4712, &site.now()).unwrap();
    assert_eq!(due(&site, &theirs, lp), Some(2 * MINUTE + 30_000));
    assert!(site.spool.goes_dormant(&lease, &site.now()).unwrap());
    assert_eq!(alter(&site, DeviceChange::Restart(0)), ["SPLB"], "it need not stay for that");
    assert_eq!(due(&site, &theirs, lp), None);
    assert!(site.spool.goes_dormant(&theirs, &site.now()).unwrap());
    assert_eq!(alter(&site, DeviceChange::Speed(60)), Vec::<String>::new());
}

#[test]
fn a_spooler_that_is_drained_restarts_nothing_and_does_when_it_is_started_again() {
    let site = Site::new();
    let (lease, lp) = stopped(&site, 600);
    site.spool.drain_spooler(&site.call()).unwrap();
    assert_eq!(due(&site, &lease, lp), None);
    assert!(site.spool.goes_dormant(&lease, &site.now()).unwrap());
    site.pass(60 * MINUTE);
    let targets = site.spool.start_spooler(&site.call()).unwrap();
    assert_eq!(targets.len(), 1, "somebody has to be there");
    let lease = site.begins();
    assert_eq!(due(&site, &lease, lp), Some(10 * MINUTE), "it is overdue");
    site.spool.observe(&lease, lp, Observation::Restarting, &site.now()).unwrap();
    assert!(site.claim(&lease, lp).is_some());
}

#[test]
fn a_pause_that_was_asked_for_outlasts_the_error_of_its_job() {
    use crate::model::FailureKind;
    use crate::model::managed::{ManagedClass, ManagedObject, PauseWhen};
    use crate::model::state::{DeviceState, DeviceWish};
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Restart(600)]);
    let lease = site.begins();
    let job = site.job("a.b", 1);
    let shown = || site.spool.device(&site.call(), &"lp1".parse().unwrap()).unwrap();
    let pauses = || {
        let object = ManagedObject { class: ManagedClass::Destination, name: "lp1".into() };
        site.spool.pause_managed(&site.call(), object, Some(PauseWhen::AfterJob), None).unwrap();
    };
    let errs = |claim: &Claim| {
        let error = ErrorNote {
            number: 2,
            text: "it is a directory".into(),
            since_ms: site.now().wall_ms,
            next_try_ms: None,
            tries: 1,
        };
        site.ends(&lease, claim, AttemptEnd::DeviceFailed { error, touched: false, alone: false });
    };
    let claim = site.claim(&lease, lp).unwrap();
    pauses();
    errs(&claim);
    assert!(shown().stopped_by_error && shown().pause_next, "it is still asked for");
    // Anybody starts a device that an error has stopped, but not against somebody who pauses it.
    let bob = Call::of(&crate::spool::testing::user("bob", 4711), &site.now());
    let refused = site.spool.start_device(&bob, "LP1".parse().unwrap()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Security);
    site.pass(600_000);
    site.spool.observe(&lease, lp, Observation::Restarting, &site.now()).unwrap();
    assert_eq!(
        (shown().wish, shown().state, shown().pause_next),
        (DeviceWish::Suspended, DeviceState::Suspended, false)
    );
    assert_eq!(due(&site, &lease, lp), None, "nothing is tried any more");
    assert!(site.claim(&lease, lp).is_none());
    // Resumed, it prints, and nothing is left of the pause.
    site.spool.start_device(&site.call(), "LP1".parse().unwrap()).unwrap();
    let claim = site.claim(&lease, lp).unwrap();
    assert_eq!(claim.number.get(), job);
    pauses();
    errs(&claim);
    site.spool.start_device(&site.call(), "LP1".parse().unwrap()).unwrap();
    assert!(!shown().pause_next, "whoever may has started it");
    assert_eq!(site.print_all(&lease, lp), [job]);
    assert_eq!(shown().wish, DeviceWish::Started);
}
