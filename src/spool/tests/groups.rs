//! What is kept to one device of a group, and what becomes of it when that device does not print it.

use super::*;
use crate::model::event::EventWord;
use crate::model::lifetime::Retention;
use crate::model::state::{HoldReason, JobState};
use crate::model::{BatchNumber, GroupName};

fn lp(name: &str) -> DeviceName {
    name.parse().unwrap()
}

fn disconnect(site: &Site, location: &str) {
    site.spool.route_location(&site.call(), location.parse().unwrap(), None).unwrap();
}

/// A broadcasting group of `$FAST` and `$SLOW`, and a job that is printed on `$FAST`.
fn half_printed(alter: impl FnOnce(&mut Submission)) -> (Site, Lease, DeviceId, u32) {
    let site = Site::new();
    let fast = site.device("FAST", "#G.F", vec![]);
    site.device("SLOW", "#G.S", vec![]);
    let group: GroupName = "G".parse().unwrap();
    site.spool.set_broadcast(&site.call(), group, true).unwrap();
    let lease = site.begins();
    let job = site.job_with("#g", 1, alter);
    assert_eq!(site.print_all(&lease, fast), [job]);
    (site, lease, fast, job)
}

#[test]
fn a_broadcast_ends_printed_when_the_device_of_its_last_part_leaves_the_group() {
    let (site, lease, fast, job) = half_printed(|_| {});
    disconnect(&site, "#G.S");
    assert!(site.claim(&lease, fast).is_none(), "it has printed there");
    assert!(site.status(job).is_err() && site.print_files().is_empty());
    let ended = site.spool.finished(&site.call(), &crate::model::query::Condition::Any, None, 1).unwrap();
    assert_eq!(ended.rows[0].outcome, "sent");
}

#[test]
fn what_keeps_a_printed_job_keeps_it_then_too() {
    let (site, lease, fast, job) = half_printed(|job| job.hold_after = true);
    disconnect(&site, "#G.S");
    let status = site.status(job).unwrap();
    assert!(status.state == JobState::Held && status.reasons.has(HoldReason::Operator));
    assert!(site.claim(&lease, fast).is_none());
    site.spool.start_job(&site.call(), &reference(job)).unwrap();
    assert_eq!(site.claim(&lease, fast).unwrap().number.get(), job, "START prints it again");

    let (site, _lease, _, job) = half_printed(|job| job.lifetime.retention = Some(Retention::Forever));
    disconnect(&site, "#G.S");
    assert_eq!(site.status(job).unwrap().state, JobState::Retained);

    let (site, lease, fast, job) = half_printed(|_| {});
    site.spool.hold_job(&site.call(), &reference(job)).unwrap();
    disconnect(&site, "#G.S");
    assert_eq!(site.status(job).unwrap().state, JobState::Held);
    assert!(site.claim(&lease, fast).is_none());
}

#[test]
fn a_part_is_dropped_while_others_wait_and_one_that_is_alone_goes_to_any_device() {
    let site = Site::new();
    let fast = site.device("FAST", "#G.F", vec![]);
    site.device("SLOW", "#G.S", vec![]);
    site.spool.set_broadcast(&site.call(), "G".parse().unwrap(), true).unwrap();
    let job = site.job("#g", 1);
    disconnect(&site, "#G.S");
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, fast), [job]);
    // Its only part.
    let job = site.job("#g", 1);
    let other = site.device("OTHER", "#G.O", vec![]);
    disconnect(&site, "#G.F");
    assert_eq!(site.print_all(&lease, other), [job]);
}

fn batch(n: u32) -> BatchNumber {
    BatchNumber::new(n).unwrap()
}

/// `$G1` and `$G2` behind `#GG`, and three jobs of a batch for it.
fn two() -> (Site, DeviceId, DeviceId, Vec<u32>, Lease) {
    let site = Site::new();
    let one = site.device("G1", "#GG.ONE", vec![Site::socket()]);
    let two = site.device("G2", "#GG.TWO", vec![Site::socket()]);
    let jobs = (0..3).map(|_| site.job_with("#gg", 1, |job| job.batch = Some(batch(900)))).collect();
    let lease = site.begins();
    (site, one, two, jobs, lease)
}

#[test]
fn a_batch_of_which_nothing_was_printed_goes_with_the_job_that_comes_back() {
    let (site, one, two, jobs, lease) = two();
    let claim = site.claim(&lease, two).unwrap();
    assert_eq!(claim.number.get(), jobs[0]);
    assert!(site.claim(&lease, one).is_none(), "it is the listing of the other");
    site.spool.attempt_ends(&lease, &claim, device_failed(false), false, &site.now()).unwrap();
    assert_eq!(site.print_all(&lease, one), jobs);
}

#[test]
fn the_rest_of_a_batch_goes_to_one_other_device_when_its_own_takes_no_more() {
    // Drained.
    let (site, one, two, jobs, lease) = two();
    let claim = site.claim(&lease, two).unwrap();
    let second = site.ends(&lease, &claim, sent()).unwrap();
    assert!(site.claim(&lease, one).is_none());
    let (_, targets) = site.spool.drain_device(&site.call(), lp("g2")).unwrap();
    assert!(!targets.is_empty());
    assert!(site.ends(&lease, &second, AttemptEnd::Abandoned { touched: false }).is_none());
    assert_eq!(site.print_all(&lease, one), jobs[1..], "what was printed stays printed");

    // Stopped by its error.
    let (site, one, two, jobs, lease) = self::two();
    let claim = site.claim(&lease, two).unwrap();
    let second = site.ends(&lease, &claim, sent()).unwrap();
    let error = ErrorNote { number: 100, text: "gone".into(), since_ms: 5, next_try_ms: None, tries: 1 };
    let failed = AttemptEnd::DeviceFailed { error, touched: false, alone: false };
    site.spool.attempt_ends(&lease, &second, failed, false, &site.now()).unwrap();
    assert_eq!(site.print_all(&lease, one), jobs[1..]);
}

#[test]
fn a_device_in_error_that_tries_again_keeps_the_rest_of_what_it_began() {
    let (site, one, two, jobs, lease) = two();
    let claim = site.claim(&lease, two).unwrap();
    let second = site.ends(&lease, &claim, sent()).unwrap();
    site.spool.attempt_ends(&lease, &second, device_failed(false), false, &site.now()).unwrap();
    assert!(site.claim(&lease, one).is_none());
    assert_eq!(site.print_all(&lease, two), jobs[1..]);
}

#[test]
fn the_next_job_of_a_device_is_its_own_in_a_group_until_it_comes_back() {
    let site = Site::new();
    let fast = site.device("FAST", "#G.F", vec![Site::socket()]);
    let slow = site.device("SLOW", "#G.S", vec![Site::socket()]);
    let jobs = [site.job("#g", 1), site.job("#g", 1)];
    let next = || site.spool.next_job(&site.call(), lp("slow"), &reference(jobs[1]));
    next().unwrap();
    let queue = site.spool.device_queue(&site.call(), &lp("slow"), None, 10).unwrap();
    assert_eq!((queue.rows[0].job.number.get(), queue.rows[0].broadcast), (jobs[1], false));
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, fast), jobs[..1]);
    let claim = site.claim(&lease, slow).unwrap();
    assert_eq!(claim.number.get(), jobs[1]);
    site.spool.attempt_ends(&lease, &claim, device_failed(false), false, &site.now()).unwrap();
    assert_eq!(site.claim(&lease, fast).unwrap().number.get(), jobs[1], "its device did not print it");
    assert!(site.log(jobs[1]).contains(&String::from(EventWord::Promoted)));
}

#[test]
fn the_next_job_of_a_device_that_takes_none_is_printed_by_the_others() {
    let site = Site::new();
    let fast = site.device("FAST", "#G.F", vec![Site::socket()]);
    site.device("SLOW", "#G.S", vec![Site::socket()]);
    site.spool.drain_device(&site.call(), lp("slow")).unwrap();
    let job = site.job("#g", 1);
    site.spool.next_job(&site.call(), lp("slow"), &reference(job)).unwrap();
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, fast), [job]);
}

#[test]
fn a_job_that_is_started_again_or_altered_is_no_longer_kept_to_one_device() {
    let site = Site::new();
    let fast = site.device("FAST", "#G.F", vec![Site::socket()]);
    site.device("SLOW", "#G.S", vec![Site::socket()]);
    let lease = site.begins();
    let next = |job| site.spool.next_job(&site.call(), lp("slow"), &reference(job)).unwrap();
    let held = site.job("#g", 1);
    next(held);
    assert!(site.claim(&lease, fast).is_none(), "it is kept to the other");
    site.spool.hold_job(&site.call(), &reference(held)).unwrap();
    site.spool.start_job(&site.call(), &reference(held)).unwrap();
    assert_eq!(site.print_all(&lease, fast), [held]);
    let altered = site.job("#g", 1);
    next(altered);
    let change = vec![crate::model::alter::JobChange::Priority(Some(Priority::new(40).unwrap()))];
    site.spool.alter_job(&site.call(), &reference(altered), change).unwrap();
    assert_eq!(site.print_all(&lease, fast), [altered]);
}

#[test]
fn a_paper_that_a_device_has_beside_its_form_is_no_other_form() {
    let site = Site::new();
    let media = DeviceChange::Media(vec!["BLUE".into()]);
    site.device("LP1", "#G.ONE", vec![media]);
    let job = site.job_with("g.one", 1, |job| job.form = "BLUE".into());
    site.spool.next_job(&site.call(), lp("lp1"), &reference(job)).unwrap();
}
