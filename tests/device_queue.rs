//! The queue that a device shows is the order in which it prints.

use crate::support::inside::{Inside, now, pass};
use proptest::prelude::*;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;
use spoolsuite::model::job::Submission;
use spoolsuite::model::order::Priority;
use spoolsuite::model::queue::QueueItem;
use spoolsuite::model::state::Delivery;
use spoolsuite::model::{FailureKind, GroupName};
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, FilePosition, Paper};
use spoolsuite::spool::interface::operations::Operations;

fn spool(device: &str) -> Inside {
    let inside = Inside::new();
    let sink = inside.dir.path().join("lp1.out");
    let commands = format!(
        "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI file://{}, {device}; \
         DEV $LP2, PROCESS $SPLA, URI null:; LOC #G.A, DEV $LP1; LOC #G.B, DEV $LP1; LOC #OTHER.C, DEV $LP2; \
         LOC #ALL.A, DEV $LP1; LOC #ALL.B, DEV $LP2; DEV $LP1, START",
        sink.display()
    );
    inside.run(spoolcom::run, &[&commands], Exit::Done);
    inside
}

/// The queue of `LP1`, read in pages of `limit`.
fn queue(inside: &mut Inside, limit: u32) -> Vec<QueueItem> {
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = inside.local.device_queue("LP1".parse().unwrap(), after, limit).unwrap();
        assert!(page.rows.len() <= limit as usize);
        items.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => return items,
        }
    }
}

fn numbers<'a>(items: impl IntoIterator<Item = &'a QueueItem>) -> Vec<u32> {
    items.into_iter().map(|item| item.job.number.get()).collect()
}

/// What `LP1` prints, claim by claim, until nothing is left for it.
fn printed(inside: &mut Inside) -> Vec<u32> {
    let lease = inside.begins("SPLA");
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    let mut claim = inside.spool.claim(&lease, device, &now()).unwrap();
    let mut order = Vec::new();
    while let Some(one) = claim {
        order.push(one.number.get());
        let (delivery, octets) = (Delivery::Sent, one.total_octets());
        let end = AttemptEnd::Delivered { delivery, octets, paper: Paper::Top, remark: None };
        claim = inside.spool.attempt_ends(&lease, &one, end, true, &now()).unwrap();
    }
    order
}

#[derive(Clone, Debug)]
struct Job {
    destination: &'static str,
    priority: u8,
    lines: usize,
    form: &'static str,
    later: i64,
    broadcast: bool,
    hold: bool,
}

fn a_job() -> impl Strategy<Value = Job> {
    (
        prop::sample::select(vec!["g.a", "g.b", "#g", "#all", "all.a", "other.c"]),
        prop::sample::select(vec![10, 50, 50, 50, 90]),
        1usize..60,
        prop::sample::select(vec!["", "", "", "CHEQUES", "A4"]),
        prop::sample::select(vec![0, 0, 1000, 30_000]),
        any::<bool>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(destination, priority, lines, form, later, broadcast, hold)| Job {
            destination,
            priority,
            lines,
            form,
            later,
            broadcast,
            hold,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_device_claims_in_the_order_in_which_its_queue_was_shown(
        jobs in prop::collection::vec(a_job(), 0..14),
        fifo in any::<bool>(),
        form in prop::sample::select(vec!["NONE", "NONE", "A4"]),
        limit in 1u32..6,
    ) {
        let mut inside = spool(&format!("FIFO {}, FORM {form}", if fifo { "ON" } else { "OFF" }));
        let all: GroupName = "all".parse().unwrap();
        let mut elsewhere = Vec::new();
        for job in &jobs {
            pass(job.later);
            inside.local.set_broadcast(all.clone(), job.broadcast).unwrap();
            let accepted = inside.submit(job.destination, &b"line\n".repeat(job.lines), |submission: &mut Submission| {
                submission.priority = Priority::new(job.priority).unwrap();
                submission.form = job.form.to_owned();
                submission.hold = job.hold;
            });
            if job.hold || job.destination == "other.c" {
                elsewhere.push(accepted.number.get());
            }
        }
        let shown = queue(&mut inside, limit);
        prop_assert_eq!(&shown, &queue(&mut inside, 1000), "pages of {}", limit);
        let (fits, passed): (Vec<_>, Vec<_>) = shown.iter().partition(|item| item.sequence.is_some());
        let places: Vec<Option<u32>> = fits.iter().map(|item| item.sequence).collect();
        prop_assert_eq!(places, (1..=fits.len() as u32).map(Some).collect::<Vec<_>>());
        prop_assert_eq!(numbers(fits), printed(&mut inside));
        prop_assert!(passed.iter().all(|item| !item.job.form.eq_ignore_ascii_case(form.trim_start_matches("NONE"))));
        let mut known = [numbers(&shown), elsewhere].concat();
        known.sort_unstable();
        prop_assert_eq!(known, (1..=jobs.len() as u32).collect::<Vec<_>>(), "each job exactly once");
    }
}

#[test]
fn what_was_begun_on_a_file_stands_before_everything_that_came_since() {
    let mut inside = spool("FIFO ON");
    inside.submit("g.a", b"first\n", |_| {});
    inside.submit("g.a", b"second\n", |_| {});
    let lease = inside.begins("SPLA");
    let device = inside.local.device("LP1".parse().unwrap()).unwrap().id;
    let claim = inside.spool.claim(&lease, device, &now()).unwrap().unwrap();
    let while_printing = queue(&mut inside, 10);
    assert_eq!((numbers(&while_printing), while_printing[0].job.intervening), (vec![2], Some(1)));
    let at = FilePosition { dev: 1, ino: 2, offset: 0 };
    inside
        .spool
        .attempt_begins(&lease, &claim, &at, &spoolsuite::model::separation::Separation::default(), &now())
        .unwrap();
    inside.spool.attempt_ends(&lease, &claim, AttemptEnd::Abandoned { touched: true }, false, &now()).unwrap();
    inside.submit("g.b", b"urgent\n", |submission| submission.priority = Priority::new(100).unwrap());
    for limit in [1, 2, 3, 10] {
        let shown = queue(&mut inside, limit);
        assert_eq!(numbers(&shown), [1, 3, 2], "pages of {limit}");
        assert_eq!(shown.iter().map(|item| item.begun).collect::<Vec<_>>(), [true, false, false]);
    }
    assert_eq!(printed(&mut inside), [1, 3, 2]);
}

#[test]
fn a_job_for_one_device_of_a_group_does_not_stand_behind_those_for_any_of_it() {
    let mut inside = spool("FIFO OFF");
    let all: GroupName = "all".parse().unwrap();
    inside.submit("#all", b"for any device\n", |_| {});
    inside.local.set_broadcast(all, true).unwrap();
    inside.submit("#all", b"for each device\n", |submission| submission.priority = Priority::new(90).unwrap());
    let shown = queue(&mut inside, 10);
    assert_eq!(numbers(&shown), [2, 1]);
    assert!(shown[0].broadcast && !shown[1].broadcast);
    assert_eq!(printed(&mut inside), [2, 1]);
}

#[test]
fn an_unknown_device_and_a_place_that_is_none_are_refused() {
    use spoolsuite::model::JobId;
    use spoolsuite::model::query::Cursor;
    let mut inside = spool("FIFO ON");
    let unknown = inside.local.device_queue("LP7".parse().unwrap(), None, 10).unwrap_err();
    assert_eq!(unknown.kind, FailureKind::NotFound);
    for key in [vec![], vec![3, 0, 0, 0, 0, 0], vec![1, -1, 0, 0, 0, 0], vec![1; 7]] {
        let cursor = Cursor { key, job: JobId(1) };
        let refused = inside.local.device_queue("LP1".parse().unwrap(), Some(cursor), 10).unwrap_err();
        assert_eq!(refused.kind, FailureKind::BadValue);
    }
}
