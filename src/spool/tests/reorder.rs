//! Orders of operators about places in queues, against a list that is as slow as it is plain.

use proptest::prelude::*;

use super::*;
use crate::model::alter::JobChange;
use crate::model::order::Reorder;
use crate::model::state::JobState;
use crate::model::{BatchNumber, FailureKind};

fn reorder(site: &Site, job: u32, to: Reorder) -> Result<(), Failure> {
    site.spool.reorder_job(&site.call(), &reference(job), &to, None).map(drop)
}

fn before(job: u32) -> Reorder {
    Reorder::Before(reference(job))
}

fn behind(job: u32) -> Reorder {
    Reorder::Behind(reference(job))
}

fn on(device: &str) -> Reorder {
    Reorder::On(device.parse().unwrap())
}

/// The jobs of a listing in the order of the queues.
fn listed(site: &Site) -> Vec<u32> {
    let query = crate::model::query::Query {
        condition: crate::model::query::Condition::All(Vec::new()),
        order: crate::model::query::Order::Schedule,
        parts: crate::model::query::Parts::ALL,
    };
    let page = site.spool.jobs(&site.call(), &query, None, 1000).unwrap();
    // What is said of each is its place in the list.
    for (n, job) in page.rows.iter().enumerate() {
        assert_eq!(job.intervening, Some(n as u32), "job {}", job.number);
    }
    page.rows.iter().map(|job| job.number.get()).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Submit(u8),
    Beside { job: usize, other: usize, before: bool },
    Promote(usize),
    Anew(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1u8..=50).prop_map(Step::Submit),
        6 => (any::<usize>(), any::<usize>(), any::<bool>())
            .prop_map(|(job, other, before)| Step::Beside { job, other, before }),
        1 => any::<usize>().prop_map(Step::Promote),
        1 => any::<usize>().prop_map(Step::Anew),
    ]
}

/// A job of the list: its number, and the priority and promotion with which it stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Standing {
    number: u32,
    priority: u8,
    standing: u8,
    promoted: bool,
}

/// Puts a job where one of its priority stands that arrives now.
fn arrives(list: &mut Vec<Standing>, job: Standing) {
    let at = list.iter().position(|other| !other.promoted && other.standing < job.priority).unwrap_or(list.len());
    list.insert(at, Standing { standing: job.priority, promoted: false, ..job });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_the_list_that_its_operators_make(steps in proptest::collection::vec(step(), 1..40)) {
        let site = Site::new();
        let device = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(true)]);
        let mut list: Vec<Standing> = Vec::new();
        for step in steps {
            let pick = |n: usize| (!list.is_empty()).then(|| n % list.len().max(1));
            match step {
                Step::Submit(priority) => {
                    let number = site.job_with("a.b", 1, |job| job.priority = Priority::new(priority).unwrap());
                    arrives(&mut list, Standing { number, priority, standing: priority, promoted: false });
                }
                Step::Beside { job, other, before: is_before } => {
                    let (Some(job), Some(other)) = (pick(job), pick(other)) else { continue };
                    let (job, other) = (list[job], list[other]);
                    let to = if is_before { before(other.number) } else { behind(other.number) };
                    if job.number == other.number {
                        prop_assert_eq!(reorder(&site, job.number, to).unwrap_err().kind, FailureKind::BadValue);
                        continue;
                    }
                    reorder(&site, job.number, to).unwrap();
                    list.retain(|one| one.number != job.number);
                    let at = list.iter().position(|one| one.number == other.number).unwrap();
                    let stands = Standing { standing: other.standing, promoted: other.promoted, ..job };
                    list.insert(if is_before { at } else { at + 1 }, stands);
                }
                Step::Promote(n) => {
                    let Some(n) = pick(n) else { continue };
                    let job = list.remove(n);
                    site.spool.promote_job(&site.call(), &reference(job.number), None).unwrap();
                    list.insert(0, Standing { promoted: true, ..job });
                }
                Step::Anew(n) => {
                    let Some(n) = pick(n) else { continue };
                    let job = list.remove(n);
                    reorder(&site, job.number, Reorder::Anew).unwrap();
                    arrives(&mut list, job);
                }
            }
            let wanted: Vec<u32> = list.iter().map(|job| job.number).collect();
            prop_assert_eq!(listed(&site), wanted);
        }
        let wanted: Vec<u32> = list.iter().map(|job| job.number).collect();
        prop_assert_eq!(site.print_all(&site.begins(), device), wanted);
    }
}

#[test]
fn a_hundred_jobs_fit_between_two_arrivals_in_any_order() {
    for chain in [false, true] {
        let site = Site::new();
        let device = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(true)]);
        let (first, last) = (site.job("a.b", 1), site.job("a.b", 1));
        let more: Vec<u32> = (0..100).map(|_| site.job("a.b", 1)).collect();
        let mut target = last;
        for job in &more {
            reorder(&site, *job, before(target)).unwrap();
            if chain {
                target = *job;
            }
        }
        let printed = site.print_all(&site.begins(), device);
        let mut between = more.clone();
        if chain {
            between.reverse();
        }
        assert_eq!(printed, [vec![first], between, vec![last]].concat());
    }
}

#[test]
fn short_jobs_first_or_not_a_job_stands_where_it_was_put() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![DeviceChange::Fifo(false)]);
    let jobs: Vec<u32> = [500, 5, 50].iter().map(|lines| site.job("a.b", *lines)).collect();
    assert_eq!(listed(&site), [jobs[1], jobs[2], jobs[0]]);
    reorder(&site, jobs[0], before(jobs[2])).unwrap();
    assert_eq!(listed(&site), [jobs[1], jobs[0], jobs[2]]);
    // Its own priority is what it was, and altering it ends the order.
    let set = |n: u8| vec![JobChange::Priority(Some(Priority::new(n).unwrap()))];
    site.spool.alter_job(&site.call(), &reference(jobs[0]), set(40)).unwrap();
    assert_eq!(site.print_all(&site.begins(), device), [jobs[1], jobs[2], jobs[0]]);
}

#[test]
fn a_job_that_is_assigned_to_a_device_is_printed_by_no_other() {
    let site = Site::new();
    let one = site.device("LP1", "#G.ONE", vec![]);
    let two = site.device("LP2", "#G.TWO", vec![]);
    let lease = site.begins();
    let (first, second) = (site.job("#g", 1), site.job("#g", 1));
    reorder(&site, first, on("LP2")).unwrap();
    let shown = site.status(first).unwrap();
    assert_eq!((shown.assigned, shown.intervening), (Some("LP2".parse().unwrap()), Some(0)));
    // Held and started again it is still assigned.
    site.spool.hold_job(&site.call(), &reference(first)).unwrap();
    site.spool.start_job(&site.call(), &reference(first)).unwrap();
    let claim = site.claim(&lease, one).unwrap();
    assert_eq!(claim.number.get(), second);
    assert!(site.ends(&lease, &claim, sent()).is_none());
    reorder(&site, first, Reorder::Anywhere).unwrap();
    assert_eq!(site.status(first).unwrap().assigned, None);
    let claim = site.claim(&lease, one).unwrap();
    assert_eq!(claim.number.get(), first);
    site.ends(&lease, &claim, sent());
    // Beside one that is assigned, it is assigned too.
    let (a, b) = (site.job("#g", 1), site.job("#g", 1));
    reorder(&site, a, on("LP2")).unwrap();
    reorder(&site, b, behind(a)).unwrap();
    assert!(site.claim(&lease, one).is_none());
    // A device that leaves its group leaves them to the others.
    site.spool.route_location(&site.call(), "#G.TWO".parse().unwrap(), None).unwrap();
    assert_eq!(site.print_all(&lease, one), [a, b]);
    let _ = two;
}

#[test]
fn a_job_goes_to_the_queue_of_its_neighbour_or_of_its_device() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let there = site.device("LP2", "#C.D", vec![DeviceChange::Fifo(true)]);
    let jobs: Vec<u32> = (0..3).map(|_| site.job("a.b", 1)).collect();
    let target = site.job("c.d", 1);
    reorder(&site, jobs[0], before(target)).unwrap();
    reorder(&site, jobs[1], on("lp2")).unwrap();
    assert_eq!(site.status(jobs[0]).unwrap().destination.to_string(), "#C.D");
    let shown = site.status(jobs[1]).unwrap();
    assert_eq!((shown.destination.to_string(), shown.assigned), ("#C.D".to_owned(), None), "its only device");
    // A held one is sent there, and stays held.
    site.spool.hold_job(&site.call(), &reference(jobs[2])).unwrap();
    reorder(&site, jobs[2], on("LP2")).unwrap();
    assert_eq!(site.status(jobs[2]).unwrap().state, JobState::Held);
    assert_eq!(site.print_all(&site.begins(), there), [jobs[0], target, jobs[1]]);
}

#[test]
fn what_cannot_be_ordered_is_refused_and_changes_nothing() {
    let site = Site::new();
    site.device("LP1", "#G.ONE", vec![]);
    site.device("LP2", "#G.TWO", vec![]);
    let (one, two) = (site.job("g.one", 1), site.job("g.one", 1));
    let kind = |job: u32, to: Reorder| reorder(&site, job, to).unwrap_err().kind;
    assert_eq!(kind(one, on("LP9")), FailureKind::NotFound);
    assert_eq!(kind(one, before(99)), FailureKind::NotFound);
    // A held job has no place, and none beside it.
    site.spool.hold_job(&site.call(), &reference(two)).unwrap();
    assert_eq!((kind(one, before(two)), kind(two, behind(one))), (FailureKind::State, FailureKind::State));
    // A broadcast has a place on each device.
    site.spool.set_broadcast(&site.call(), "G".parse().unwrap(), true).unwrap();
    let all = site.job("#g", 1);
    assert_eq!(kind(all, on("LP1")), FailureKind::State);
    // A batch has one place.
    site.spool.link_job(&site.call(), BatchNumber::new(7).unwrap(), &reference(two)).unwrap();
    assert_eq!(kind(two, Reorder::Anew), FailureKind::State);
    // Only an operator orders, also of his own jobs.
    let bob = Call::of(&crate::spool::testing::user("bob", 4711), &site.now());
    let refused = site.spool.reorder_job(&bob, &reference(one), &Reorder::Anew, None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Security);
}
