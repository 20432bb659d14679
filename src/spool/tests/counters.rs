//! The counters of displays, after histories that a random generator makes up: they are what a count of the rows says. Each
//! change runs twice, and the first run is undone: a change may run again.

use super::*;
use crate::model::alter::JobChange;
use crate::model::lifetime::Retention;
use crate::model::state::HoldReason;
use crate::spool::interface::engine::Outcome;
use crate::spool::interface::records::DeviceCounts;
use crate::store;

/// Numbers that look random, the same for each seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn stopped() -> AttemptEnd {
    AttemptEnd::Stopped { touched: true }
}

fn bad_data() -> AttemptEnd {
    AttemptEnd::DataFailed { reason: HoldReason::Failed, text: "no".into(), moved: None, touched: false }
}

/// One step of a history. What is refused changes nothing, and is a step too.
fn step(site: &Site, random: &mut Random, lease: &mut Lease, claims: &mut Vec<Claim>, devices: &[DeviceId; 2]) {
    let (call, n) = (site.call(), random.below(2));
    let job = reference(random.below(12) as u32 + 1);
    let spool = &site.spool;
    match random.below(16) {
        0..=3 => {
            let to = ["a.b", "a.c", "#a", "b.b"][random.below(4)];
            let hold = random.below(4) == 0;
            let _ = site.hand_in(Submission { hold, ..site.submission(to) }, b"x\n");
        }
        4 => drop(spool.hold_job(&call, &job)),
        5 => drop(spool.start_job(&call, &job)),
        6 => {
            let keep = [None, Some(Retention::Period(5)), Some(Retention::Period(0))][random.below(3)];
            drop(spool.delete_job(&call, &job, None, keep));
        }
        7 => {
            let to = ["#A.B", "#A.C", "#A", "#B.B", "#C.NEW"][random.below(5)];
            if random.below(2) == 0 {
                drop(spool.resubmit_job(&call, &job, to.to_owned(), false));
                return;
            }
            let to = to.parse().unwrap();
            drop(spool.alter_job(&call, &job, vec![JobChange::Destination { to, declare: true }]));
        }
        8 | 9 => claims.extend(spool.claim(lease, devices[random.below(2)], &site.now()).unwrap()),
        10 | 11 if !claims.is_empty() => {
            let claim = claims.swap_remove(random.below(claims.len()));
            let ends = [sent(), sent(), transferred(), device_failed(true), stopped(), bad_data()];
            let end = ends[random.below(ends.len())].clone();
            let _ = spool.attempt_ends(lease, &claim, end, false, &site.now());
        }
        12 => {
            let outcomes = [Outcome::Closed, Outcome::Reset { why: "x".into() }, Outcome::Cut { why: "x".into() }];
            let outcome = outcomes[random.below(3)].clone();
            spool.settle_transferred(lease, devices[random.below(2)], outcome, &site.now()).unwrap();
        }
        13 if random.below(3) == 0 => {
            *lease = site.begins();
            claims.clear();
        }
        14 => {
            let name: DeviceName = format!("X{}", random.below(3)).parse().unwrap();
            let ours = || ["LP1", "LP2"][n % 2].parse::<DeviceName>().unwrap();
            match random.below(6) {
                0 => drop(spool.change_device(&call, name, vec![DeviceChange::Speed(7)])),
                1 => drop(spool.delete_device(&call, name)),
                2 => drop(spool.suspend_device(&call, ours())),
                3 => drop(spool.drain_device(&call, ours())),
                4 => drop(spool.change_device(&call, name, vec![DeviceChange::Process("SPLA".parse().unwrap())])),
                _ => drop(spool.start_device(&call, ours())),
            }
            let process: ProcessName = format!("P{}", random.below(3)).parse().unwrap();
            match random.below(2) {
                0 => drop(spool.change_process(&call, process, vec![])),
                _ => drop(spool.delete_process(&call, process)),
            }
        }
        _ => {
            let pattern: LocationPattern = ["#C.NEW", "#D.E", "#D"][random.below(3)].parse().unwrap();
            match random.below(2) {
                0 => drop(spool.route_location(&call, pattern, None)),
                _ => drop(spool.delete_location(&call, pattern)),
            }
        }
    }
}

#[test]
fn the_counters_are_what_a_count_of_the_rows_says_after_any_history() {
    store::run_twice();
    for seed in 1..=4 {
        let site = Site::new();
        let devices =
            [site.device("LP1", "#A.B", vec![Site::socket()]), site.device("LP2", "#A.C", vec![Site::socket()])];
        site.spool.route_location(&site.call(), "#B.B".parse().unwrap(), Some("LP1".parse().unwrap())).unwrap();
        site.spool.set_broadcast(&site.call(), "A".parse().unwrap(), true).unwrap();
        super::bounds::bounds(&site, "A", &[("backlog-upper-bound", 1)]).unwrap();
        super::bounds::bounds(&site, "B", &[("backlog-upper-bound", 2)]).unwrap();
        let (mut random, mut claims, mut printing) = (Random(seed), Vec::new(), 0);
        let mut lease = site.begins();
        for n in 0..150 {
            site.pass(10);
            step(&site, &mut random, &mut lease, &mut claims, &devices);
            let (wrong, counts) =
                site.spool.look(&site.call(), |tx| Ok((store::tally::wrong(tx)?, store::tally::counts(tx)?))).unwrap();
            assert!(wrong.is_empty(), "seed {seed}, step {n}: {wrong:?}");
            let mut listed = DeviceCounts::default();
            for device in site.spool.devices(&site.call(), None).unwrap() {
                *listed.of(&device.state) += 1;
            }
            assert_eq!(site.spool.device_summary(&site.call()).unwrap(), listed, "seed {seed}, step {n}");
            printing = printing.max(claims.len());
            let files: i64 = site.print_files().len().try_into().unwrap();
            assert_eq!(counts.jobs, files, "seed {seed}, step {n}: one document each");
        }
        assert!(printing > 0, "seed {seed}: nothing printed");
    }
}

#[test]
fn counters_that_are_wrong_are_found_and_counted_again() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    site.job("a.b", 1);
    super::bounds::bounds(&site, "A", &[("backlog-upper-bound", 1)]).unwrap();
    let look = || site.spool.look(&site.call(), store::tally::wrong).unwrap();
    site.spool.change(crate::spool::Room::Gives, &site.call(), store::tally::spoil).unwrap();
    let wrong: Vec<String> = look().into_iter().map(|(what, _)| what).collect();
    let user = format!("user {}", nix::unistd::geteuid());
    assert_eq!(wrong, ["jobs", "devices by state", "queue A", "location B", &user]);
    site.spool.change(crate::spool::Room::Gives, &site.call(), store::tally::recount).unwrap();
    assert!(look().is_empty());
    assert_eq!(site.spool.about(&site.call()).unwrap().jobs, 1);
}
