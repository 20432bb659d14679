//! Claims, the ends of attempts, and what a dead process leaves.

use super::*;
use crate::model::separation::Separation;
use crate::model::state::{HoldReason, HoldReasons, JobState};
use crate::spool::interface::engine::{AttemptWish, FilePosition, Observation, Outcome};
use crate::spool::interface::records::Removal;

#[test]
fn a_job_that_was_sent_is_gone_with_its_file_and_stays_in_the_history() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let job = site.job("a.b", 1);
    let claim = site.claim(&lease, lp).unwrap();
    assert_eq!(site.status(job).unwrap().state, JobState::Printing);
    assert_eq!(site.print_files().len(), 1);
    assert!(site.ends(&lease, &claim, sent()).is_none());
    assert!(site.status(job).is_err());
    assert!(site.print_files().is_empty());
    assert_eq!(site.log(job), ["accepted", "claimed", "sent"]);
}

#[test]
fn two_devices_never_own_the_same_entry() {
    let site = Site::new();
    let one = site.device("LP1", "#G.ONE", vec![]);
    let two = site.device("LP2", "#G.TWO", vec![]);
    let lease = site.begins();
    site.job("#g", 1);
    assert!(site.claim(&lease, one).is_some());
    assert!(site.claim(&lease, two).is_none());
}

#[test]
fn a_call_whose_reply_was_lost_can_be_repeated() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let (first, second) = (site.job("a.b", 1), site.job("a.b", 2));
    let claim = site.claim(&lease, lp).unwrap();
    assert_eq!(site.claim(&lease, lp).as_ref(), Some(&claim), "the claim it has already");
    let next = site.ends(&lease, &claim, sent()).unwrap();
    assert_eq!((claim.number.get(), next.number.get()), (first, second));
    assert_eq!(site.ends(&lease, &claim, sent()), Some(next.clone()));
    assert_eq!(site.log(first), ["accepted", "claimed", "sent"]);
    assert!(site.ends(&lease, &next, sent()).is_none());
    assert!(site.ends(&lease, &next, sent()).is_none());
}

#[test]
fn a_device_error_gives_the_job_back_in_its_place_and_heals() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let (first, second) = (site.job("a.b", 10), site.job("a.b", 20));
    let claim = site.claim(&lease, lp).unwrap();
    let again = site.ends(&lease, &claim, device_failed(true)).unwrap();
    assert_eq!((again.number.get(), again.attempt), (first, 2));
    assert!(again.possible_duplicate);
    let shown = site.spool.device(&site.call(), &"lp1".parse().unwrap()).unwrap();
    assert_eq!(shown.error.unwrap().number, 100);
    let next = site.ends(&lease, &again, sent()).unwrap();
    assert_eq!(next.number.get(), second);
    assert!(site.spool.device(&site.call(), &"lp1".parse().unwrap()).unwrap().error.is_none());
    let announced = |log: Vec<String>| log.iter().filter(|word| *word == "possible-duplicate").count();
    assert_eq!(announced(site.log(first)), 1, "once: {:?}", site.log(first));
}

#[test]
fn the_next_epoch_gives_back_what_a_dead_one_claimed() {
    for (uri, announced) in [(Site::socket(), true), (DeviceChange::Uri(DeviceUri::Null), false)] {
        let site = Site::new();
        let lp = site.device("LP1", "#A.B", vec![uri]);
        let dead = site.begins();
        let job = site.job("a.b", 10);
        let claim = site.claim(&dead, lp).unwrap();
        let lease = site.begins();
        assert!(lease.epoch > dead.epoch);
        assert!(!site.spool.lease_stands(&dead).unwrap());
        assert!(site.spool.attempt_ends(&dead, &claim, sent(), true, &site.now()).is_err(), "the dead do not write");
        assert_eq!(site.spool.attempt_wish(&dead, &claim).unwrap(), AttemptWish::Lost);
        let again = site.claim(&lease, lp).unwrap();
        assert_eq!((again.number.get(), again.attempt, again.possible_duplicate), (job, 2, announced));
        assert_eq!(site.log(job).contains(&"possible-duplicate".to_owned()), announced);
    }
}

#[test]
fn a_job_begun_on_a_file_is_resumed_before_shorter_ones() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![site.file()]);
    let dead = site.begins();
    let begun = site.job("a.b", 500);
    let claim = site.claim(&dead, lp).unwrap();
    let position = FilePosition { dev: u64::MAX, ino: 7, offset: 42 };
    site.spool.attempt_begins(&dead, &claim, &position, &Separation::default(), &site.now()).unwrap();
    let short = site.job("a.b", 1);
    let lease = site.begins();
    let again = site.claim(&lease, lp).unwrap();
    assert_eq!((again.number.get(), again.begun.as_ref()), (begun, Some(&position)));
    assert!(!again.possible_duplicate);
    let next = site.ends(&lease, &again, sent()).unwrap();
    assert_eq!((next.number.get(), next.begun), (short, None));
}

#[test]
fn what_an_attempt_took_back_from_its_file_is_not_begun_any_more() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![site.file()]);
    let lease = site.begins();
    site.job("a.b", 5);
    let claim = site.claim(&lease, lp).unwrap();
    let position = FilePosition { dev: 1, ino: 7, offset: 42 };
    site.spool.attempt_begins(&lease, &claim, &position, &Separation::default(), &site.now()).unwrap();
    let again = site.ends(&lease, &claim, device_failed(false)).unwrap();
    assert_eq!(again.begun, None);
}

#[test]
fn a_transferred_job_is_done_when_the_connection_has_closed_and_back_when_it_was_reset() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![Site::socket()]);
    let lease = site.begins();
    let jobs = [site.job("a.b", 1), site.job("a.b", 2), site.job("a.b", 3)];
    let mut next = site.claim(&lease, lp);
    while let Some(claim) = next {
        next = site.ends(&lease, &claim, transferred());
    }
    assert_eq!(site.print_files().len(), 3, "row and file stay until the close");
    assert_eq!(site.spool.order(&lease, lp, &site.now()).unwrap().unwrap().transferred, 3);
    assert!(!site.spool.goes_dormant(&lease, &site.now()).unwrap());
    let reset = Outcome::Reset { why: "reset by the peer".into() };
    site.spool.settle_transferred(&lease, lp, reset, &site.now()).unwrap();
    let mut order = Vec::new();
    let mut next = site.claim(&lease, lp);
    while let Some(claim) = next {
        assert!(claim.possible_duplicate);
        order.push(claim.number.get());
        next = site.ends(&lease, &claim, transferred());
    }
    assert_eq!(order, jobs);
    site.spool.settle_transferred(&lease, lp, Outcome::Closed, &site.now()).unwrap();
    assert!(site.print_files().is_empty());
    assert_eq!(site.log(jobs[0]).last().unwrap(), "sent");
}

#[test]
fn a_bad_document_holds_its_job_and_lets_the_others_flow() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let (bad, good) = (site.job("a.b", 1), site.job("a.b", 2));
    let claim = site.claim(&lease, lp).unwrap();
    let end = AttemptEnd::DataFailed {
        reason: HoldReason::Changed,
        text: "another file now".into(),
        moved: None,
        touched: false,
    };
    assert_eq!(site.ends(&lease, &claim, end).unwrap().number.get(), good);
    let shown = site.status(bad).unwrap();
    assert_eq!((shown.state, shown.reason_text.as_deref()), (JobState::Held, Some("another file now")));
    let (left, _) = site.spool.start_job(&site.call(), &reference(bad)).unwrap();
    assert_eq!(left, HoldReasons::NONE);
    assert_eq!(site.status(bad).unwrap().state, JobState::Ready);
}

#[test]
fn a_job_that_is_deleted_while_it_prints_goes_when_its_attempt_has_ended() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let job = site.job("a.b", 1);
    let claim = site.claim(&lease, lp).unwrap();
    let (removal, targets) = site.spool.delete_job(&site.call(), &reference(job), None, None).unwrap();
    assert_eq!((removal, targets.len()), (Removal::Terminating, 1));
    assert_eq!(site.status(job).unwrap().state, JobState::Terminating);
    assert_eq!(site.spool.attempt_wish(&lease, &claim).unwrap(), AttemptWish::Stop);
    assert!(site.ends(&lease, &claim, AttemptEnd::Stopped { touched: true }).is_none());
    assert!(site.status(job).is_err());
    assert!(site.print_files().is_empty());
}

#[test]
fn a_held_job_stops_and_a_printed_one_with_holdafter_is_held() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let job = site.job_with("a.b", 1, |s| s.hold_after = true);
    let claim = site.claim(&lease, lp).unwrap();
    site.spool.hold_job(&site.call(), &reference(job)).unwrap();
    assert_eq!(site.spool.attempt_wish(&lease, &claim).unwrap(), AttemptWish::Stop);
    assert!(site.ends(&lease, &claim, AttemptEnd::Stopped { touched: false }).is_none());
    assert_eq!(site.status(job).unwrap().state, JobState::Held);
    site.spool.start_job(&site.call(), &reference(job)).unwrap();
    let claim = site.claim(&lease, lp).unwrap();
    assert!(site.ends(&lease, &claim, sent()).is_none());
    assert_eq!(site.status(job).unwrap().state, JobState::Held);
    assert_eq!(site.print_files().len(), 1);
    site.spool.start_job(&site.call(), &reference(job)).unwrap();
    assert!(site.claim(&lease, lp).is_some(), "and can be printed again");
}

#[test]
fn a_drain_ends_when_its_process_says_so() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    site.job("a.b", 1);
    let waits = site.job("a.b", 2);
    let claim = site.claim(&lease, lp).unwrap();
    let (state, targets) = site.spool.drain_device(&site.call(), "lp1".parse().unwrap()).unwrap();
    assert!(matches!(state, crate::model::state::DeviceState::Printing(_)));
    assert_eq!(targets.len(), 1);
    assert!(site.ends(&lease, &claim, sent()).is_none(), "nothing is claimed while it drains");
    site.spool.observe(&lease, lp, Observation::Drained, &site.now()).unwrap();
    let shown = site.spool.device(&site.call(), &"lp1".parse().unwrap()).unwrap();
    assert_eq!(shown.state, crate::model::state::DeviceState::Offline);
    assert_eq!(site.status(waits).unwrap().state, JobState::Ready);
}
