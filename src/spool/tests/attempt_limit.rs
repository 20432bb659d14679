//! ATTEMPTS and DELIVERY: what becomes of a job at which its printer fails, and of those that it had taken.

use super::{Site, device_failed, reference, sent, transferred};
use crate::model::DeviceId;
use crate::model::device::{AfterReset, DeviceChange};
use crate::model::state::{HoldReason, JobState};
use crate::spool::interface::engine::{AttemptEnd, Engine, Lease, Outcome};

fn fails_alone() -> AttemptEnd {
    match device_failed(true) {
        AttemptEnd::DeviceFailed { error, touched, .. } => AttemptEnd::DeviceFailed { error, touched, alone: true },
        other => other,
    }
}

/// The device fails once more at the job that it claims; which one it was.
fn fails_at(site: &Site, lease: &Lease, lp: DeviceId) -> u32 {
    let claim = site.claim(lease, lp).unwrap();
    let error = fails_alone();
    site.spool.attempt_ends(lease, &claim, error, false, &site.now()).unwrap();
    claim.number.get()
}

fn site(change: DeviceChange) -> (Site, DeviceId) {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket(), change]);
    (site, lp)
}

#[test]
fn a_job_at_which_the_device_fails_every_time_is_set_aside_and_the_others_print() {
    let (site, lp) = site(DeviceChange::Attempts(3));
    let lease = site.begins();
    let (poison, good) = (site.job("a.b", 1), site.job("a.b", 1));
    for _ in 0..3 {
        assert_eq!(site.status(poison).unwrap().state, JobState::Ready);
        assert_eq!(fails_at(&site, &lease, lp), poison);
    }
    let held = site.status(poison).unwrap();
    assert!(held.reasons.has(HoldReason::SetAside) && held.state == JobState::Held);
    assert!(held.reason_text.unwrap().contains("failed at it 3 times"));
    let claim = site.claim(&lease, lp).unwrap();
    assert_eq!(claim.number.get(), good);
    site.ends(&lease, &claim, sent());
    // It was the job: it stays held until somebody starts it, and then it has all its attempts again.
    site.spool.start_job(&site.call(), &reference(poison)).unwrap();
    assert_eq!(fails_at(&site, &lease, lp), poison);
    assert_eq!(site.status(poison).unwrap().state, JobState::Ready);
}

#[test]
fn a_device_at_which_the_next_job_fails_alike_is_at_fault_itself() {
    let (site, lp) = site(DeviceChange::Attempts(2));
    let lease = site.begins();
    let (first, second) = (site.job("a.b", 1), site.job("a.b", 1));
    assert_eq!([fails_at(&site, &lease, lp), fails_at(&site, &lease, lp)], [first, first]);
    assert_eq!(site.status(first).unwrap().state, JobState::Held);
    assert_eq!(fails_at(&site, &lease, lp), second);
    assert_eq!(site.status(first).unwrap().state, JobState::Ready, "both are back");
    assert_eq!(site.status(second).unwrap().state, JobState::Ready);
    // In their places, and nothing is set aside before a job is delivered.
    for _ in 0..5 {
        assert_eq!(fails_at(&site, &lease, lp), first);
    }
    let claim = site.claim(&lease, lp).unwrap();
    let next = site.ends(&lease, &claim, sent()).unwrap();
    assert_eq!(next.number.get(), second);
}

#[test]
fn a_printer_that_is_off_and_jobs_that_were_not_alone_spend_nothing() {
    let (site, lp) = site(DeviceChange::Attempts(1));
    let lease = site.begins();
    let job = site.job("a.b", 1);
    for touched in [false, true] {
        let claim = site.claim(&lease, lp).unwrap();
        site.spool.attempt_ends(&lease, &claim, device_failed(touched), false, &site.now()).unwrap();
        assert_eq!(site.status(job).unwrap().state, JobState::Ready);
    }
    let claim = site.claim(&lease, lp).unwrap();
    assert!(claim.possible_duplicate);
}

#[test]
fn without_a_limit_nothing_is_set_aside() {
    let (site, lp) = site(DeviceChange::Attempts(0));
    let lease = site.begins();
    let job = site.job("a.b", 1);
    for _ in 0..20 {
        assert_eq!(fails_at(&site, &lease, lp), job);
    }
    assert_eq!(site.status(job).unwrap().state, JobState::Ready);
}

/// Two jobs that a printer acknowledged before it reset their connection.
fn reset(delivery: AfterReset) -> (Site, Lease, DeviceId, [u32; 2]) {
    let (site, lp) = site(DeviceChange::Delivery(delivery));
    let lease = site.begins();
    let jobs = [site.job("a.b", 1), site.job("a.b", 1)];
    let mut next = site.claim(&lease, lp);
    while let Some(claim) = next {
        next = site.ends(&lease, &claim, transferred());
    }
    let reset = Outcome::Reset { why: "reset by the peer".into() };
    site.spool.settle_transferred(&lease, lp, reset, &site.now()).unwrap();
    (site, lease, lp, jobs)
}

#[test]
fn delivery_says_what_becomes_of_jobs_whose_connection_was_reset() {
    let (site, lease, lp, jobs) = reset(AfterReset::Again);
    assert!(site.claim(&lease, lp).is_some_and(|claim| claim.number.get() == jobs[0] && claim.possible_duplicate));

    let (site, lease, lp, jobs) = reset(AfterReset::Ask);
    assert!(site.claim(&lease, lp).is_none());
    for job in jobs {
        let held = site.status(job).unwrap();
        assert!(held.state == JobState::Held && held.reasons.has(HoldReason::MayHavePrinted));
    }
    site.spool.start_job(&site.call(), &reference(jobs[1])).unwrap();
    assert!(site.claim(&lease, lp).is_some_and(|claim| claim.number.get() == jobs[1] && claim.possible_duplicate));

    let (site, lease, lp, jobs) = reset(AfterReset::Once);
    assert!(site.claim(&lease, lp).is_none() && site.print_files().is_empty());
    assert_eq!(site.log(jobs[0]).last().unwrap(), "released");
}

#[test]
fn a_connection_that_we_cut_brings_no_delivered_job_again() {
    let (site, lp) = site(DeviceChange::Delivery(AfterReset::Again));
    let lease = site.begins();
    let job = site.job("a.b", 1);
    let claim = site.claim(&lease, lp).unwrap();
    site.ends(&lease, &claim, transferred());
    let cut = Outcome::Cut { why: "job 2 was stopped".into() };
    site.spool.settle_transferred(&lease, lp, cut, &site.now()).unwrap();
    assert!(site.claim(&lease, lp).is_none());
    assert!(site.status(job).unwrap().reasons.has(HoldReason::MayHavePrinted));
}

#[test]
fn a_broadcast_that_may_have_printed_on_one_device_prints_on_no_other_before_an_operator_says_so() {
    let site = Site::new();
    let one = site.device("LP1", "#G.ONE", vec![Site::socket()]);
    let two = site.device("LP2", "#G.TWO", vec![Site::socket()]);
    site.spool.set_broadcast(&site.call(), "G".parse().unwrap(), true).unwrap();
    let lease = site.begins();
    let job = site.job("#g", 1);
    let claim = site.claim(&lease, one).unwrap();
    site.ends(&lease, &claim, transferred());
    let cut = Outcome::Cut { why: "job 2 was stopped".into() };
    site.spool.settle_transferred(&lease, one, cut, &site.now()).unwrap();
    assert!(site.status(job).unwrap().reasons.has(HoldReason::MayHavePrinted));
    assert!(site.claim(&lease, two).is_none());
}
