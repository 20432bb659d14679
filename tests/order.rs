//! One order: every listing, position and explanation tells the order in which the devices print.

use std::collections::BTreeMap;

use crate::support::inside::{Inside, now, pass};
use proptest::prelude::*;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;
use spoolsuite::model::device::DeviceChange;
use spoolsuite::model::job::{JobStatus, Submission};
use spoolsuite::model::order::Priority;
use spoolsuite::model::query::{Condition, Order, Parts, Query};
use spoolsuite::model::state::Delivery;
use spoolsuite::model::why::{Cause, DeviceCause};
use spoolsuite::model::{DeviceName, JobRef};
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, Lease, Paper};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::interface::records::EventSubject;

const DEVICES: [&str; 2] = ["LP1", "LP2"];

fn spool(fifo: [&str; 2]) -> Inside {
    let inside = Inside::new();
    inside.run(spoolcom::run, &["PRINT $SPLA, FILE fastp; SPOOLER, START"], Exit::Done);
    for (device, fifo) in DEVICES.iter().zip(fifo) {
        let line = format!("DEV ${device}, PROCESS $SPLA, URI null:{fifo}");
        inside.run(spoolcom::run, &[&line], Exit::Done);
    }
    let line = "LOC #G.A, DEV $LP1; LOC #G.A2, DEV $LP1; LOC #G.B, DEV $LP2; LOC #OWN.X, DEV $LP1; \
                DEV $LP1, START; DEV $LP2, START";
    inside.run(spoolcom::run, &[line], Exit::Done);
    inside
}

/// All jobs as `pdls -F` lists them, read in pages of `limit`.
fn listed(inside: &mut Inside, limit: u32) -> Vec<JobStatus> {
    let query = Query { condition: Condition::Any, order: Order::Schedule, parts: Parts::ALL };
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        let page = inside.local.jobs(query.clone(), after, limit).unwrap();
        assert!(page.rows.len() <= limit as usize);
        jobs.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => return jobs,
        }
    }
}

fn device(name: &str) -> DeviceName {
    name.parse().unwrap()
}

/// The queue of a device: job and place.
fn queue(inside: &mut Inside, name: &str) -> Vec<(u32, Option<u32>)> {
    let page = inside.local.device_queue(device(name), None, 1000).unwrap();
    page.rows.iter().map(|item| (item.job.number.get(), item.sequence)).collect()
}

fn claim(inside: &mut Inside, lease: &Lease, name: &str) -> Option<spoolsuite::spool::interface::engine::Claim> {
    let id = inside.local.device(device(name)).unwrap().id;
    inside.spool.claim(lease, id, &now()).unwrap()
}

#[derive(Clone, Debug)]
struct Job {
    destination: &'static str,
    priority: u8,
    lines: usize,
    form: &'static str,
    later: i64,
}

fn a_job() -> impl Strategy<Value = Job> {
    (
        prop::sample::select(vec!["g.a", "g.a2", "g.b", "own.x", "#g"]),
        prop::sample::select(vec![10, 50, 50, 50, 90]),
        1usize..60,
        prop::sample::select(vec!["", "", "", "CHEQUES"]),
        prop::sample::select(vec![0, 0, 1000, 30_000]),
    )
        .prop_map(|(destination, priority, lines, form, later)| Job { destination, priority, lines, form, later })
}

/// Checks every display against the queues of the devices.
fn agree(inside: &mut Inside, printing: &[u32]) {
    let all = listed(inside, 1000);
    assert_eq!(numbers(&all), numbers(&listed(inside, 2)), "pages");
    assert_eq!(
        &numbers(&all)[..printing.len()].iter().collect::<std::collections::BTreeSet<_>>(),
        &printing.iter().collect::<std::collections::BTreeSet<_>>(),
        "what prints stands first"
    );
    let mut places: BTreeMap<u32, Vec<(usize, u32, u32)>> = BTreeMap::new();
    for (n, name) in DEVICES.iter().enumerate() {
        let status = inside.local.device(device(name)).unwrap();
        let prints = u32::from(status.running.is_some());
        for (job, sequence) in queue(inside, name) {
            if let Some(sequence) = sequence {
                places.entry(job).or_default().push((n, sequence, sequence - 1 + prints));
            }
        }
        // The listing has the jobs of one device in the order of that device.
        let mine: Vec<u32> = queue(inside, name).into_iter().filter(|one| one.1.is_some()).map(|one| one.0).collect();
        let own = |job: &&JobStatus| mine.contains(&job.number.get()) && !job.destination.to_string().eq("#G");
        let shown: Vec<u32> = all.iter().filter(own).map(|job| job.number.get()).collect();
        let wanted: Vec<u32> = mine.iter().copied().filter(|job| shown.contains(job)).collect();
        assert_eq!(shown, wanted, "{name}");
    }
    for job in all.iter().filter(|job| !printing.contains(&job.number.get())) {
        let number = job.number.get();
        let of = places.get(&number);
        let before = of.map(|of| of.iter().map(|one| one.2).min().unwrap());
        assert_eq!(job.intervening, before, "job {number}: intervening-jobs");
        let occurrences = inside.local.occurrences(job.id).unwrap();
        for (n, name) in DEVICES.iter().enumerate() {
            let there = of.and_then(|of| of.iter().find(|one| one.0 == n));
            let shown = occurrences.iter().find(|one| one.device.as_ref().is_some_and(|at| *at == device(name)));
            assert_eq!(shown.and_then(|one| one.sequence), there.map(|one| one.1), "job {number}: SEQ on {name}");
        }
        if job.destination.to_string() == "#G" {
            let rows = occurrences.iter().filter(|one| one.device.is_some()).count();
            assert_eq!(rows, DEVICES.len(), "a row for each device");
        }
        for cause in inside.local.why(JobRef::Number(job.number)).unwrap().causes {
            let Cause::Device { device: at, cause } = cause else { continue };
            let n = DEVICES.iter().position(|name| device(name) == at).unwrap();
            let there = of.and_then(|of| of.iter().find(|one| one.0 == n)).map(|one| one.2);
            match cause {
                DeviceCause::Next { printing } => {
                    assert_eq!(Some(u32::from(printing.is_some())), there, "job {number}")
                }
                DeviceCause::Behind { jobs, .. } => assert_eq!(Some(jobs), there, "job {number}"),
                _ => {}
            }
        }
    }
}

fn numbers(jobs: &[JobStatus]) -> Vec<u32> {
    jobs.iter().map(|job| job.number.get()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_display_tells_the_order_in_which_the_devices_print(
        jobs in prop::collection::vec(a_job(), 0..12),
        fifo in prop::sample::select(vec![["", ""], [", FIFO OFF", ", FIFO OFF"], [", FIFO ON", ", FIFO OFF"]]),
        promoted in prop::collection::vec(0usize..12, 0..2),
        prints in any::<bool>(),
        changes in any::<bool>(),
    ) {
        let mut inside = spool(fifo);
        let lease = inside.begins("SPLA");
        for job in &jobs {
            pass(job.later);
            inside.submit(job.destination, &b"line\n".repeat(job.lines), |submission: &mut Submission| {
                submission.priority = Priority::new(job.priority).unwrap();
                submission.form = job.form.to_owned();
            });
        }
        for n in promoted.iter().filter(|n| **n < jobs.len()) {
            inside.local.promote_job(JobRef::Number((*n as u32 + 1).try_into().unwrap()), None).unwrap();
        }
        agree(&mut inside, &[]);
        let mut printing = Vec::new();
        if prints && let Some(claim) = claim(&mut inside, &lease, "LP1") {
            printing.push(claim.number.get());
        }
        agree(&mut inside, &printing);
        // A filled queue whose order is changed, and a location that leads elsewhere.
        if changes {
            inside.run(spoolcom::run, &["--no-wait", "DEV $LP2, DRAIN"], Exit::Done);
            let id = inside.local.device(device("LP2")).unwrap().id;
            inside.spool.observe(&lease, id, spoolsuite::spool::interface::engine::Observation::Drained, &now()).unwrap();
            let on = !inside.local.device(device("LP2")).unwrap().settings.fifo;
            inside.local.change_device(device("LP2"), vec![DeviceChange::Fifo(on)]).unwrap();
            inside.local.start_device(device("LP2")).unwrap();
            inside.local.route_location("#G.A2".parse().unwrap(), Some(device("LP2"))).unwrap();
            agree(&mut inside, &printing);
        }
    }
}

#[test]
fn what_a_device_with_an_address_prints_is_in_the_order_of_arrival_unless_somebody_says_otherwise() {
    let mut inside = spool(["", ", FIFO OFF"]);
    inside.run(
        spoolcom::run,
        &["DEV $NONSTOP, PROCESS $SPLA; DEV $LATER, PROCESS $SPLA; DEV $LATER, URI null:"],
        Exit::Done,
    );
    let fifo = |inside: &mut Inside, name: &str| inside.local.device(device(name)).unwrap().settings.fifo;
    assert!(fifo(&mut inside, "LP1") && fifo(&mut inside, "LATER"));
    assert!(!fifo(&mut inside, "LP2") && !fifo(&mut inside, "NONSTOP"));
    inside.run(spoolcom::run, &["DEV $NONSTOP, FIFO OFF; DEV $NONSTOP, URI null:"], Exit::Done);
    assert!(!fifo(&mut inside, "NONSTOP"), "somebody said so");
    let labels: Vec<u32> =
        (1..=6).map(|n| inside.submit("g.a", &b"line\n".repeat(70 - n * 10), |_| {}).number.get()).collect();
    let lease = inside.begins("SPLA");
    let mut printed = Vec::new();
    while let Some(one) = claim(&mut inside, &lease, "LP1") {
        printed.push(one.number.get());
        let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
        inside.spool.attempt_ends(&lease, &one, end, false, &now()).unwrap();
    }
    assert_eq!(printed, labels);
}

#[test]
fn a_job_that_passes_an_older_one_says_so_in_both_logs() {
    let mut inside = spool(["", ", FIFO OFF"]);
    for lines in [500, 5, 6] {
        inside.submit("g.b", &b"line\n".repeat(lines), |_| {});
    }
    let lease = inside.begins("SPLA");
    for wanted in [2, 3, 1] {
        let one = claim(&mut inside, &lease, "LP2").unwrap();
        assert_eq!(one.number.get(), wanted);
        let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
        inside.spool.attempt_ends(&lease, &one, end, false, &now()).unwrap();
    }
    let log = |inside: &mut Inside, n: u32| {
        let events = inside.local.events(EventSubject::Job(JobRef::Number(n.try_into().unwrap())), 0).unwrap();
        events.iter().map(|event| format!("{} {}", event.what, event.why)).collect::<Vec<_>>()
    };
    let passing = log(&mut inside, 2);
    assert!(
        passing.iter().any(|line| line.starts_with("claimed ") && line.contains("before job 1, which is older")),
        "{passing:?}"
    );
    let passed = log(&mut inside, 1);
    assert_eq!(passed.iter().filter(|line| line.starts_with("passed ")).count(), 1, "once: {passed:?}");
    assert!(passed.iter().any(|line| line.contains("by job 2 on $LP2")), "{passed:?}");
}

#[test]
fn how_long_a_job_takes_is_unknown_until_the_device_was_measured() {
    let mut inside = spool(["", ""]);
    inside.submit("g.a", &b"line\n".repeat(2000), |_| {});
    inside.submit("g.a", &b"line\n".repeat(4000), |_| {});
    assert!(inside.run(spoolcom::run, &["DEV $LP1"], Exit::Done).contains("UNKNOWN"));
    let lease = inside.begins("SPLA");
    let one = claim(&mut inside, &lease, "LP1").unwrap();
    pass(10_000);
    let end = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 10_000, paper: Paper::Top, remark: None };
    inside.spool.attempt_ends(&lease, &one, end, false, &now()).unwrap();
    let page = inside.local.device_queue(device("LP1"), None, 10).unwrap();
    assert_eq!(page.rows[0].estimate_ms, Some(20_000), "20,000 octets at 1,000 a second");
    assert!(inside.run(spoolcom::run, &["DEV $LP1, STATUS DETAIL"], Exit::Done).contains("RATE: 1000 OCTETS A SECOND"));
}
