//! What prints next.

use proptest::prelude::*;

use super::*;

#[test]
fn higher_priority_first_then_short_first() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(false)]);
    let lease = site.begins();
    let long = site.job("a.b", 500);
    let short = site.job("a.b", 5);
    let urgent = site.job_with("a.b", 900, |s| s.priority = Priority::new(90).unwrap());
    assert_eq!(site.print_all(&lease, lp), [urgent, short, long]);
}

#[test]
fn a_long_job_that_waited_is_not_overtaken_for_ever() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(false)]);
    let lease = site.begins();
    // 100 lines a minute: 500 lines are five minutes.
    let long = site.job("a.b", 500);
    site.pass(6 * 60_000);
    let short = site.job("a.b", 5);
    assert_eq!(site.print_all(&lease, lp), [long, short]);
}

#[test]
fn fifo_is_the_order_of_arrival_whatever_the_clock_says() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(true)]);
    let lease = site.begins();
    let jobs = [site.job("a.b", 500), site.job("a.b", 5), site.job("a.b", 50)];
    assert_eq!(site.print_all(&lease, lp), jobs);
}

#[test]
fn a_form_that_does_not_fit_is_passed_over_and_blocks_nobody() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let cheque = site.job_with("a.b", 1, |s| s.form = "CHEQUES".into());
    let plain = site.job("a.b", 100);
    assert_eq!(site.print_all(&lease, lp), [plain]);
    assert!(!site.spool.order(&lease, lp, &site.now()).unwrap().unwrap().eligible);
    site.spool.drain_device(&site.call(), "lp1".parse().unwrap()).unwrap();
    site.spool.observe(&lease, lp, crate::spool::interface::engine::Observation::Drained, &site.now()).unwrap();
    let form = vec![DeviceChange::Form("cheques".into())];
    site.spool.change_device(&site.call(), "lp1".parse().unwrap(), form).unwrap();
    site.spool.start_device(&site.call(), "lp1".parse().unwrap()).unwrap();
    assert_eq!(site.print_all(&lease, lp), [cheque]);
}

#[test]
fn jobs_follow_their_location_to_another_device() {
    let site = Site::new();
    let one = site.device("LP1", "#A.B", vec![]);
    let jobs = [site.job("a.b", 1), site.job("a.b", 2)];
    let two = site.device("LP2", "#C.D", vec![]);
    let location = "#A.B".parse().unwrap();
    site.spool.route_location(&site.call(), location, Some("LP2".parse().unwrap())).unwrap();
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, one), [0; 0]);
    assert_eq!(site.print_all(&lease, two), jobs);
}

#[test]
fn a_job_without_a_device_waits() {
    let site = Site::new();
    site.spool.route_location(&site.call(), "#HOLD.X".parse().unwrap(), None).unwrap();
    let parked = site.job("hold.x", 1);
    assert_eq!(site.status(parked).unwrap().state, crate::model::state::JobState::Ready);
    let lp = site.device("LP1", "#HOLD.X", vec![]);
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, lp), [parked]);
}

#[test]
fn an_idle_slow_device_of_a_group_leaves_a_job_to_a_fast_one() {
    let site = Site::new();
    let slow = site.device("SLOW", "#G.ONE", vec![DeviceChange::Speed(10)]);
    let fast = site.device("FAST", "#G.TWO", vec![DeviceChange::Speed(1000)]);
    let lease = site.begins();
    let job = site.job("#g", 100);
    assert!(site.claim(&lease, slow).is_none());
    let claim = site.claim(&lease, fast).unwrap();
    assert_eq!(claim.number.get(), job);
    // The fast one is busy for 6 s with this; a job of 1 line takes the slow one 6 s: it is left no more when it is shorter.
    let many: Vec<u32> = (0..3).map(|_| site.job("#g", 2000)).collect();
    // Each takes the fast one two minutes, the slow one more than three hours.
    assert!(site.claim(&lease, slow).is_none());
    drop(site.ends(&lease, &claim, sent()));
    assert_eq!(many.len(), 3);
}

#[test]
fn a_slow_device_takes_what_the_fast_one_would_finish_later() {
    let site = Site::new();
    let slow = site.device("SLOW", "#G.ONE", vec![DeviceChange::Speed(100)]);
    let fast = site.device("FAST", "#G.TWO", vec![DeviceChange::Speed(200)]);
    let lease = site.begins();
    let first = site.job("#g", 1000);
    assert_eq!(site.claim(&lease, fast).unwrap().number.get(), first);
    // The fast one is busy for five minutes; the slow one needs one.
    let second = site.job("#g", 100);
    assert_eq!(site.claim(&lease, slow).unwrap().number.get(), second);
}

#[test]
fn a_broadcast_prints_once_on_every_device_of_the_group() {
    let site = Site::new();
    let one = site.device("LP1", "#G.ONE", vec![]);
    let two = site.device("LP2", "#G.TWO", vec![]);
    site.spool.set_broadcast(&site.call(), "G".parse().unwrap(), true).unwrap();
    let lease = site.begins();
    let job = site.job("#g", 1);
    let (a, b) = (site.claim(&lease, one).unwrap(), site.claim(&lease, two).unwrap());
    assert_ne!(a.entry, b.entry);
    assert!(site.ends(&lease, &a, sent()).is_none());
    assert!(site.status(job).is_ok(), "the other device still prints it");
    assert!(site.ends(&lease, &b, sent()).is_none());
    assert!(site.status(job).is_err());
    assert!(site.print_files().is_empty());
}

#[test]
fn the_next_job_is_found_by_an_index() {
    for (order, plan) in crate::store::entry::plan_of_heads(&crate::store::Memory::new()) {
        assert!(plan.contains("USING INDEX entry_"), "{order:?}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{order:?} is sorted: {plan}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_waits_is_claimed_once_and_in_the_order_that_positions_show(
        jobs in proptest::collection::vec((1usize..300, 1u8..=100, 0i64..20_000), 1..12)
    ) {
        let site = Site::new();
        let lp = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(false)]);
        let lease = site.begins();
        let mut numbers = Vec::new();
        for (lines, priority, pass) in jobs {
            site.pass(pass);
            numbers.push(site.job_with("a.b", lines, |s| s.priority = Priority::new(priority).unwrap()));
        }
        let mut shown: Vec<(u32, u32)> =
            numbers.iter().map(|n| (site.status(*n).unwrap().intervening.unwrap(), *n)).collect();
        shown.sort_unstable();
        let places: Vec<u32> = shown.iter().map(|(place, _)| *place).collect();
        prop_assert_eq!(places, (0..u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
        let order: Vec<u32> = shown.into_iter().map(|(_, n)| n).collect();
        prop_assert_eq!(site.print_all(&lease, lp), order);
    }
}

#[test]
fn jobs_of_a_paused_queue_stand_before_nobody() {
    use crate::model::managed::{ManagedClass, ManagedObject, PauseWhen};
    let site = Site::new();
    let device = site.device("LP1", "#ONE.A", vec![]);
    site.spool.route_location(&site.call(), "#TWO.A".parse().unwrap(), Some("LP1".parse().unwrap())).unwrap();
    let (paused, other) = (site.job("one.a", 1), site.job("two.a", 1));
    let before = |job: u32| site.status(job).unwrap().intervening;
    assert_eq!((before(paused), before(other)), (Some(0), Some(1)));
    let queue = ManagedObject { class: ManagedClass::Queue, name: "ONE".into() };
    site.spool.pause_managed(&site.call(), queue, Some(PauseWhen::Now), None).unwrap();
    assert_eq!(before(other), Some(0));
    let lease = site.begins();
    assert_eq!(site.claim(&lease, device).unwrap().number.get(), other, "it is the next one");
}
