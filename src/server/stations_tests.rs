use super::*;
use crate::model::Serial;
use crate::model::station::{Password, Pin};
use crate::wire::frame::MAX_REPLY;
use std::cell::Cell;

fn job(n: u32) -> GlobalJobId {
    GlobalJobId { server: "acme1".parse().unwrap(), serial: Serial(Serial::MIN + u64::from(n)) }
}

fn place(address: &str, here: bool) -> BrowserPlace {
    BrowserPlace { address: address.parse().unwrap(), here }
}

#[test]
fn a_try_that_could_not_be_looked_at_was_not_wrong() {
    let site = crate::spool::testing::Site::empty();
    let log: Log = Arc::new(|_: &str| ());
    let (sessions, wrong) = (Mutex::default(), Mutex::default());
    // There is no such station.
    let station = "hall".parse().unwrap();
    let attendant: Arc<dyn Attendant> = Arc::new(crate::spool::Nobody);
    let shared = Shared { spool: site.spool.clone(), attendant, log, station, sessions, wrong };
    let typed =
        Typed { user: "ann".into(), pin: Pin::new("4071"), password: Password::default(), card: CardNumber::default() };
    for _ in 0..2 * MOST_WRONG {
        let failure = shared.log_on(&typed, place("127.0.0.1", true)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
    }
    assert!(lock(&shared.wrong).is_empty());
}

#[test]
fn a_reply_that_does_not_fit_is_a_word_and_the_channel_goes_on() {
    let about = StationAbout {
        name: "hall".into(),
        descriptor: Some("x".repeat(MAX_REPLY)),
        takes_pin: true,
        takes_password: false,
        takes_card: false,
        card_needs_pin: false,
        idle_seconds: 60,
        closed: None,
        closes_seconds: None,
    };
    let frame = encoded(&StationReply::About(about)).unwrap();
    let StationReply::Failed(failure) = frame::decode(&frame[frame::HEADER..]).unwrap() else { panic!() };
    assert_eq!(failure.kind, FailureKind::Full);
    assert!(failure.message.contains("does not fit"), "{failure}");
}

#[test]
fn what_is_not_begun_in_time_is_said_of_each_job() {
    let done = Cell::new(0);
    let act = |_: &GlobalJobId| {
        done.set(done.get() + 1);
        Ok(Some("hall-printer".to_owned()))
    };
    let outcomes = one_by_one((1..=5).map(job).collect(), || done.get() == 2, act);
    assert_eq!(done.get(), 2);
    let jobs: Vec<GlobalJobId> = outcomes.iter().map(|one| one.0.clone()).collect();
    assert_eq!(jobs, (1..=5).map(job).collect::<Vec<_>>());
    for (n, (_, result)) in outcomes.iter().enumerate() {
        match result {
            Ok(printer) => assert!(n < 2 && printer.as_deref() == Some("hall-printer")),
            Err(why) => assert!(n >= 2 && *why == NotDone::NotTried, "{why:?}"),
        }
    }
}

#[test]
fn what_others_hold_is_cut_to_a_page_and_the_oldest_stay() {
    let last = i64::from(PAGE);
    let mut rows: Vec<i64> = (0..=last).rev().collect();
    assert!(cut(&mut rows, |at| *at));
    assert_eq!(rows, (0..last).collect::<Vec<_>>());
    assert!(!cut(&mut rows, |at| *at));
}

#[test]
fn more_jobs_than_a_page_has_are_not_tried_and_after_a_lost_spool_nothing_is() {
    let outcomes = one_by_one((1..=PAGE + 2).map(job).collect(), || false, |_| Ok(None));
    let tried = outcomes.iter().filter(|one| one.1.is_ok()).count();
    assert_eq!((tried, outcomes.len()), (PAGE as usize, PAGE as usize + 2));
    let lost = |_: &GlobalJobId| Err((NotDone::Other(Trouble::Broken), FailureKind::Damaged));
    let outcomes = one_by_one(vec![job(1), job(2)], || false, lost);
    let why: Vec<NotDone> = outcomes.into_iter().map(|one| one.1.unwrap_err()).collect();
    assert_eq!(why, [NotDone::Other(Trouble::Broken), NotDone::NotTried]);
}

#[test]
fn thirty_wrong_ones_a_minute_are_looked_at_and_strangers_make_twenty_of_them_at_most() {
    let now = Instant::now();
    let (afar, here) = (place("10.1.2.3", false), place("::ffff:127.0.0.1", true));
    let mut tried = VecDeque::new();
    let count =
        |tried: &mut VecDeque<Tried>, from, at| (0..100).filter(|_| begin_try(tried, from, at).is_some()).count();
    assert_eq!(count(&mut tried, afar, now), MOST_WRONG_AFAR);
    assert_eq!(count(&mut tried, here, now), MOST_WRONG - MOST_WRONG_AFAR);
    assert_eq!(count(&mut tried, place("127.0.0.1", false), now), 0, "a proxy on this machine is afar");
    // A right one makes room for one.
    end_try(&mut tried, now);
    assert_eq!(count(&mut tried, here, now), 1);
    assert_eq!(count(&mut tried, here, now + WRONG_COUNTS), MOST_WRONG);
}
