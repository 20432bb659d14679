//! Processes that come, go and die; the spooler that starts and drains.

use super::*;
use crate::model::FailureKind;
use crate::model::state::ProcessState;
use crate::spool::interface::records::SpoolerState;

#[test]
fn a_process_goes_dormant_only_when_nothing_waits_and_no_wake_up_is_lost() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let (_, targets) = site.hand_in(site.submission("a.b"), b"x\n").unwrap();
    assert!(targets[0].running, "the row says running: wake it");
    assert!(!site.spool.goes_dormant(&lease, &site.now()).unwrap());
    site.print_all(&lease, lp);
    assert!(site.spool.goes_dormant(&lease, &site.now()).unwrap());
    let (_, targets) = site.hand_in(site.submission("a.b"), b"x\n").unwrap();
    assert!(!targets[0].running, "the row is clear: start one");
}

#[test]
fn what_cannot_print_now_wakes_nobody() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let mut submission = site.submission("a.b");
    submission.form = "CHEQUES".into();
    assert!(site.hand_in(submission, b"x\n").unwrap().1.is_empty());
    let mut submission = site.submission("a.b");
    submission.hold = true;
    assert!(site.hand_in(submission, b"x\n").unwrap().1.is_empty());
    site.spool.drain_device(&site.call(), "lp1".parse().unwrap()).unwrap();
    assert!(site.hand_in(site.submission("a.b"), b"x\n").unwrap().1.is_empty());
}

#[test]
fn an_exclusive_device_keeps_its_process() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![Site::exclusive_on()]);
    let lease = site.begins();
    assert!(!site.spool.goes_dormant(&lease, &site.now()).unwrap());
    site.spool.drain_spooler(&site.call()).unwrap();
    assert!(site.spool.goes_dormant(&lease, &site.now()).unwrap(), "a drained spooler lets go of it");
}

#[test]
fn the_third_death_within_a_minute_is_an_error_until_print_start() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let name = site.process();
    for death in 1..=3 {
        let lease = site.begins();
        drop(site.lock.take());
        assert_eq!(site.spool.process(&site.call(), &name).unwrap().state, ProcessState::Dead);
        site.pass(5_000);
        let again = site.spool.process_died(lease.process, lease.epoch, &site.now()).unwrap();
        assert_eq!(again, death < 3);
        assert_eq!(
            site.spool.process_died(lease.process, lease.epoch, &site.now()).unwrap(),
            death < 3,
            "counted once"
        );
    }
    assert_eq!(site.spool.process(&site.call(), &name).unwrap().state, ProcessState::Error);
    let (_, targets) = site.hand_in(site.submission("a.b"), b"x\n").unwrap();
    assert!(targets.is_empty() || targets[0].in_error);
    site.spool.start_process(&site.call(), name.clone()).unwrap();
    assert_eq!(site.spool.process(&site.call(), &name).unwrap().state, ProcessState::Dormant);
}

#[test]
fn deaths_far_apart_are_no_error() {
    let site = Site::new();
    for _ in 0..5 {
        let lease = site.begins();
        site.pass(61_000);
        assert!(site.spool.process_died(lease.process, lease.epoch, &site.now()).unwrap());
    }
}

#[test]
fn a_process_that_runs_holds_its_lock() {
    let site = Site::new();
    site.begins();
    assert_eq!(site.spool.process(&site.call(), &site.process()).unwrap().state, ProcessState::Active);
    let parm = vec![ProcessChange::Parm(1)];
    let refused = site.spool.change_process(&site.call(), site.process(), parm).unwrap_err();
    assert_eq!(refused.kind, FailureKind::State);
    drop(site.lock.take());
    assert_eq!(site.spool.process(&site.call(), &site.process()).unwrap().state, ProcessState::Dead);
}

#[test]
fn a_spooler_that_drains_refuses_jobs_and_stops_with_the_last_attempt() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    site.job("a.b", 1);
    let waits = site.job("a.b", 2);
    let claim = site.claim(&lease, lp).unwrap();
    site.spool.drain_spooler(&site.call()).unwrap();
    assert_eq!(site.spool.about(&site.call()).unwrap().state, SpoolerState::Drain);
    assert_eq!(site.hand_in(site.submission("a.b"), b"x\n").unwrap_err().kind, FailureKind::State);
    assert!(site.ends(&lease, &claim, sent()).is_none());
    assert_eq!(site.spool.about(&site.call()).unwrap().state, SpoolerState::Warm);
    site.spool.start_spooler(&site.call()).unwrap();
    assert_eq!(site.print_all(&lease, lp), [waits], "what waited is kept, and its device is online again");
}

#[test]
fn start_brings_untouched_devices_online_and_leaves_drained_ones() {
    let site = Site::new();
    for (name, drained) in [("LP1", false), ("LP2", true)] {
        let device: DeviceName = name.parse().unwrap();
        let changes = vec![DeviceChange::Process(site.process()), DeviceChange::Uri(DeviceUri::Null)];
        site.spool.change_device(&site.call(), device.clone(), changes).unwrap();
        if drained {
            site.spool.start_device(&site.call(), device.clone()).unwrap();
            site.spool.drain_device(&site.call(), device).unwrap();
        }
    }
    site.spool.start_spooler(&site.call()).unwrap();
    let shown = site.spool.devices(&site.call(), None).unwrap();
    let states: Vec<String> = shown.iter().map(|d| d.state.to_string()).collect();
    assert_eq!(states, ["WAITING", "OFFLINE"]);
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let lp: DeviceName = "LP1".parse().unwrap();
    let job = site.job("a.b", 1);
    let kind = |result: Result<(), Failure>| result.unwrap_err().kind;
    assert_eq!(kind(site.spool.delete_device(&site.call(), lp.clone())), FailureKind::State);
    site.spool.drain_device(&site.call(), lp.clone()).unwrap();
    assert_eq!(kind(site.spool.delete_device(&site.call(), lp.clone())), FailureKind::InUse);
    let location: LocationPattern = "#A.B".parse().unwrap();
    let deleted = site.spool.delete_location(&site.call(), location.clone());
    assert_eq!(deleted.unwrap_err().kind, FailureKind::InUse);
    site.spool.delete_job(&site.call(), &reference(job), None).unwrap();
    assert_eq!(site.spool.delete_location(&site.call(), location).unwrap(), 1);
    site.spool.delete_device(&site.call(), lp).unwrap();
    site.spool.delete_process(&site.call(), site.process()).unwrap();
}
