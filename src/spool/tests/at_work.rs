//! CLEAR, JOB n, and requests to devices at work.

use std::time::Duration;

use super::*;
use crate::model::event::EventWord;
use crate::model::request::{Answer, DeviceRequest};
use crate::model::state::{DeviceState, HoldReason, JobState};
use crate::model::{FailureKind, RequestId};
use crate::spool::interface::engine::{AttemptWish, DeviceReport};

fn lp(name: &str) -> DeviceName {
    name.parse().unwrap()
}

fn answer(site: &Site, id: RequestId) -> Answer {
    site.spool.await_answer(id, Duration::ZERO, &|| site.call()).unwrap()
}

fn answered(site: &Site, lease: &Lease, device: DeviceId, request: RequestId, text: &str) {
    let report = DeviceReport::Answered { request, answer: Answer::Done(text.into()), paper: None };
    site.spool.record_one(lease, device, report, false, &site.now()).unwrap();
}

#[test]
fn clear_holds_the_job_in_print_and_the_next_begins() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let (first, second) = (site.job("a.b", 1), site.job("a.b", 2));
    let claim = site.claim(&lease, device).unwrap();
    let (cleared, targets) = site.spool.clear_device(&site.call(), lp("lp1"), false).unwrap();
    assert_eq!((cleared.job.unwrap().get(), cleared.running, targets.len()), (first, true, 1));
    assert_eq!(site.spool.attempt_wish(&lease, &claim).unwrap(), AttemptWish::Stop);
    let next = site.ends(&lease, &claim, AttemptEnd::Stopped { touched: true }).unwrap();
    assert_eq!(next.number.get(), second);
    let status = site.status(first).unwrap();
    assert!(status.state == JobState::Held && status.reasons.has(HoldReason::Operator));
    let log = site.spool.events(&site.call(), &EventSubject::Device(lp("lp1")), 0).unwrap();
    assert!(log.iter().any(|event| event.what == EventWord::Cleared && event.why == format!("job {first}")));
}

#[test]
fn clear_del_removes_the_job_when_its_attempt_has_ended() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let first = site.job("a.b", 1);
    let claim = site.claim(&lease, device).unwrap();
    site.spool.clear_device(&site.call(), lp("lp1"), true).unwrap();
    assert_eq!(site.status(first).unwrap().state, JobState::Terminating);
    assert!(site.ends(&lease, &claim, AttemptEnd::Stopped { touched: true }).is_none());
    assert!(site.status(first).is_err() && site.print_files().is_empty());
}

#[test]
fn clear_of_a_device_in_error_takes_the_job_at_which_it_failed() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let (first, second) = (site.job("a.b", 1), site.job("a.b", 2));
    let claim = site.claim(&lease, device).unwrap();
    site.spool.attempt_ends(&lease, &claim, device_failed(true), false, &site.now()).unwrap();
    let (cleared, _) = site.spool.clear_device(&site.call(), lp("lp1"), false).unwrap();
    assert_eq!((cleared.job.unwrap().get(), cleared.running), (first, false));
    assert_eq!(site.status(first).unwrap().state, JobState::Held);
    assert_eq!(site.claim(&lease, device).unwrap().number.get(), second);
}

#[test]
fn clear_of_a_device_in_error_takes_no_other_job_however_often_that_was_tried() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let tried = site.job("a.b", 1);
    let claim = site.claim(&lease, device).unwrap();
    site.spool.attempt_ends(&lease, &claim, device_failed(false), false, &site.now()).unwrap();
    // A more urgent one is the next to fail, and the first one waits again.
    let failed = site.job_with("a.b", 1, |job| job.priority = Priority::new(100).unwrap());
    let claim = site.claim(&lease, device).unwrap();
    assert_eq!(claim.number.get(), failed);
    site.spool.attempt_ends(&lease, &claim, device_failed(false), false, &site.now()).unwrap();
    let higher = vec![crate::model::alter::JobChange::Priority(Priority::new(100))];
    site.spool.next_job(&site.call(), lp("lp1"), &reference(tried)).unwrap();
    site.spool.alter_job(&site.call(), &reference(tried), higher).unwrap();
    let (cleared, _) = site.spool.clear_device(&site.call(), lp("lp1"), false).unwrap();
    assert_eq!(cleared.job.unwrap().get(), failed);
    // That one is gone from there, and the other did not fail last.
    let none = site.spool.clear_device(&site.call(), lp("lp1"), true).unwrap_err();
    assert!(none.message.ends_with("it has no job"), "{none}");
    assert!(site.status(tried).is_ok());
}

#[test]
fn a_device_without_a_job_has_nothing_to_clear_or_skip() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![Site::socket()]);
    let _lease = site.begins();
    site.job("a.b", 1);
    let clear = site.spool.clear_device(&site.call(), lp("lp1"), false).unwrap_err();
    assert_eq!((clear.kind, clear.message.as_str()), (FailureKind::State, "device $LP1 is WAITING: it has no job"));
    let skip = site.spool.ask_device(&site.call(), lp("lp1"), DeviceRequest::Skip(1)).unwrap_err();
    assert_eq!(skip.kind, FailureKind::State);
}

#[test]
fn the_next_job_goes_before_a_higher_priority_and_must_be_queued_there() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    site.device("LP2", "#C.D", vec![]);
    let high = site.job_with("a.b", 1, |job| job.priority = Priority::new(60).unwrap());
    let (low, last) = (site.job("a.b", 1), site.job("a.b", 5));
    let other = site.job("c.d", 1);
    let form = site.job_with("a.b", 1, |job| job.form = "BLUE".into());
    let next = |job| site.spool.next_job(&site.call(), lp("lp1"), &reference(job));
    assert_eq!(next(other).unwrap_err().message, format!("job {other} is not queued for $LP1"));
    assert_eq!(next(form).unwrap_err().message, format!("job {form} needs another form than $LP1 carries"));
    assert_eq!(next(4711).unwrap_err().kind, FailureKind::NotFound);
    site.spool.hold_job(&site.call(), &reference(high)).unwrap();
    assert!(next(high).is_err(), "held");
    site.spool.start_job(&site.call(), &reference(high)).unwrap();
    next(low).unwrap();
    next(last).unwrap();
    let lease = site.begins();
    let claim = site.claim(&lease, device).unwrap();
    assert_eq!(claim.number.get(), last, "the one that was named last");
    assert_eq!(next(last).unwrap_err().message, format!("job {last} prints on $LP1 already"));
    let claim = site.ends(&lease, &claim, sent()).unwrap();
    assert_eq!(claim.number.get(), low);
    assert_eq!(site.ends(&lease, &claim, sent()).unwrap().number.get(), high);
}

#[test]
fn a_request_is_answered_once_and_refused_when_its_attempt_has_ended() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    site.job("a.b", 1);
    site.job("a.b", 2);
    let claim = site.claim(&lease, device).unwrap();
    let ask = |what| site.spool.ask_device(&site.call(), lp("lp1"), what).unwrap().0;
    let (skip, to) = (ask(DeviceRequest::Skip(2)), ask(DeviceRequest::SkipTo(7)));
    assert_eq!(answer(&site, skip), Answer::Requested);
    let open = site.spool.requests(&lease, &claim).unwrap();
    assert_eq!(
        open.iter().map(|open| (open.id, open.what)).collect::<Vec<_>>(),
        [(skip, DeviceRequest::Skip(2)), (to, DeviceRequest::SkipTo(7))]
    );
    answered(&site, &lease, device, skip, "first");
    answered(&site, &lease, device, skip, "again");
    assert_eq!(answer(&site, skip), Answer::Done("first".into()));
    let next = site.ends(&lease, &claim, sent()).unwrap();
    assert_eq!(answer(&site, to), Answer::Refused("its attempt has ended".into()));
    answered(&site, &lease, device, to, "too late");
    assert_eq!(answer(&site, to), Answer::Refused("its attempt has ended".into()));
    assert!(site.spool.requests(&lease, &next).unwrap().is_empty(), "another attempt has nothing to answer");
}

#[test]
fn a_process_that_dies_leaves_its_requests_refused() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    site.device("LP2", "#A.C", vec![Site::socket()]);
    let ask = |name, what| site.spool.ask_device(&site.call(), lp(name), what).unwrap().0;
    // One that is not running answers when it has begun.
    let before = ask("lp2", DeviceRequest::Align);
    let lease = site.begins();
    assert_eq!(answer(&site, before), Answer::Requested);
    site.job("a.b", 1);
    site.claim(&lease, device).unwrap();
    let skip = ask("lp1", DeviceRequest::SkipTo(2));
    let lease = site.begins();
    for request in [before, skip] {
        assert_eq!(answer(&site, request), Answer::Refused("its print process ended before it answered".into()));
    }
    assert!(site.claim(&lease, device).is_some());
}

#[test]
fn align_is_for_a_device_without_a_job_and_shows_job_0_meanwhile() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let ask = || site.spool.ask_device(&site.call(), lp("lp1"), DeviceRequest::Align);
    let lease = site.begins();
    let (id, targets) = ask().unwrap();
    assert_eq!(targets.len(), 1);
    let order = site.spool.order(&lease, device, &site.now()).unwrap().unwrap();
    assert_eq!(order.asked.map(|asked| asked.id), Some(id));
    assert!(!site.spool.goes_dormant(&lease, &site.now()).unwrap(), "there is something to do");
    assert!(ask().unwrap_err().message.contains("already"));
    let shown = site.spool.device(&site.call(), &lp("lp1")).unwrap();
    assert_eq!((shown.state.clone(), shown.state.to_string()), (DeviceState::Aligning, "JOB 0".into()));
    answered(&site, &lease, device, id, "it has left");
    assert_eq!(site.spool.device(&site.call(), &lp("lp1")).unwrap().state, DeviceState::Waiting);
    assert_eq!(site.job("a.b", 1), 1, "no number was used");
    site.claim(&lease, device).unwrap();
    assert!(ask().unwrap_err().message.contains("middle of a page"));
    site.spool.drain_device(&site.call(), lp("lp1")).unwrap();
    assert!(ask().is_err());
}

#[test]
fn others_may_not_clear_and_skip_only_their_own_job() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    site.job("a.b", 1);
    site.claim(&lease, device).unwrap();
    let bob = Call::of(&crate::spool::testing::user("bob", 4711), &site.now());
    let refused = |failure: Failure| assert_eq!(failure.kind, FailureKind::Security, "{failure}");
    refused(site.spool.clear_device(&bob, lp("lp1"), false).unwrap_err());
    refused(site.spool.next_job(&bob, lp("lp1"), &reference(1)).unwrap_err());
    refused(site.spool.ask_device(&bob, lp("lp1"), DeviceRequest::SkipTo(2)).unwrap_err());
    refused(site.spool.ask_device(&bob, lp("lp1"), DeviceRequest::Align).unwrap_err());
}
