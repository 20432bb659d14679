//! What an operation costs does not grow with the spool: counted in steps of the database, so that no clock decides.

use super::*;
use crate::model::candidate::NameKind;
use crate::model::job::Transfer;
use crate::model::order::SortBy;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::JobState;
use crate::store::steps_of;

/// Operations of displays, of programs and of the print process, each with what it is called here.
type Costs = Vec<(&'static str, i64)>;

/// What each operation costs with so many waiting jobs, on a spool with so many devices.
fn costs(jobs: usize, devices: usize) -> Costs {
    let site = Site::new();
    let lp = site.device("LP1", "#A.LP1", vec![DeviceChange::Fifo(false)]);
    for n in 0..devices {
        site.device(&format!("X{n}"), &format!("#B.X{n}"), vec![]);
    }
    site.device("RARE", "#B.RARE", vec![]);
    let first = site.job("a.lp1", 5);
    for n in 1..jobs {
        site.job("a.lp1", 5 + n);
    }
    let lease = site.begins();
    let (spool, call, lp1) = (&site.spool, site.call(), "LP1".parse().unwrap());
    let page = |condition| {
        let query = Query { condition, order: Order::Schedule, parts: Parts::ALL };
        spool.jobs(&site.call(), &query, None, 10).unwrap();
    };
    let id = site.status(first).unwrap().id;
    let mut costs = Costs::new();
    let mut cost = |what, work: &dyn Fn()| costs.push((what, steps_of(work).0));
    cost("the spool", &|| {
        spool.about(&call).unwrap();
    });
    cost("statistics", &|| {
        spool.statistics(&call).unwrap();
    });
    cost("the summary of jobs", &|| {
        spool.job_summary(&call).unwrap();
    });
    cost("the health", &|| {
        spool.health(&call).unwrap();
    });
    cost("a job", &|| {
        site.status(first).unwrap();
    });
    cost("why a job waits", &|| {
        spool.why(&call, &reference(first)).unwrap();
    });
    cost("when a job prints", &|| {
        spool.forecast(&call, &reference(first)).unwrap();
    });
    cost("what may have come out twice", &|| {
        spool.duplicates(&call, None, 200).unwrap();
    });
    cost("what happened since a crash", &|| {
        spool.record_of_all(&call, crate::model::history::Since::Crash, None).unwrap();
    });
    cost("what happened lately", &|| {
        let since = crate::model::history::Since::Time(call.now.wall_ms + 1);
        spool.record_of_all(&call, since, None).unwrap();
    });
    cost("the places of a job", &|| {
        spool.occurrences(&call, id).unwrap();
    });
    cost("a page of jobs", &|| page(Condition::Any));
    cost("a page of an owner", &|| page(Condition::UserName(site.caller.identity())));
    // One job that is found among all the others.
    let rare = reference(site.job("b.rare", 4));
    spool.hold_job(&call, &rare).unwrap();
    let rare_id = spool.job(&call, &rare).unwrap();
    let held = Condition::Either(vec![Condition::State(JobState::Held), Condition::State(JobState::Paused)]);
    cost("a page of what is held", &|| page(held.clone()));
    let name = site.caller.user.clone();
    cost("a page of what is held of an owner", &|| {
        page(Condition::All(vec![Condition::Owner(name.clone()), held.clone()]))
    });
    let own = Condition::UserName(site.caller.identity());
    cost("a page of what is held of a user", &|| page(Condition::All(vec![own.clone(), held.clone()])));
    cost("a page of a destination", &|| page(Condition::Location("rare".parse().unwrap())));
    cost("a page of a location", &|| page(Condition::Destination(rare_id.destination.clone())));
    cost("a page of an owner by name", &|| page(Condition::Owner("nobody-at-all".into())));
    cost("a page of a job", &|| page(Condition::Job(rare.clone())));
    cost("a page of what waits", &|| page(Condition::State(JobState::Ready)));
    cost("a device", &|| {
        spool.device(&call, &lp1).unwrap();
    });
    cost("a page of its queue", &|| {
        spool.device_queue(&call, &lp1, None, 10).unwrap();
    });
    cost("the processes", &|| {
        spool.processes(&call, None).unwrap();
    });
    let names = |kind, beginning: &str| {
        spool.names(&call, kind, beginning, 5).unwrap();
    };
    cost("names of devices", &|| names(NameKind::Device, "rar"));
    cost("some names of many devices", &|| names(NameKind::Device, ""));
    cost("names of destinations", &|| names(NameKind::Destination, "rar"));
    cost("names of locations", &|| names(NameKind::Location, "b.rar"));
    cost("names of jobs", &|| names(NameKind::JobNumber, ""));
    cost("names of own jobs", &|| names(NameKind::Job, ""));
    cost("a destination by its name", &|| {
        spool.resolve(&call, "a.lp1").unwrap();
    });
    cost("a submission", &|| {
        site.job("a.lp1", 3);
    });
    cost("a link", &|| {
        let file = site.dir.path().join("linked");
        std::fs::write(&file, "text\n").unwrap();
        let mut submission = site.submission("a.lp1");
        submission.documents[0].transfer = Transfer::Link;
        submission.documents[0].link_target = Some(RawPath(file.clone()));
        let files = vec![std::fs::File::open(file).unwrap().into()];
        spool.submit(&call, submission, files).unwrap();
    });
    cost("a hold", &|| {
        spool.hold_job(&call, &reference(first)).unwrap();
    });
    cost("a start", &|| {
        spool.start_job(&call, &reference(first)).unwrap();
    });
    cost("a claim and an end", &|| {
        let claim = site.claim(&lease, lp).unwrap();
        site.ends(&lease, &claim, AttemptEnd::Abandoned { touched: false });
    });
    cost("a change of priority", &|| {
        let change = vec![crate::model::alter::JobChange::Priority(Some(Priority::new(90).unwrap()))];
        spool.alter_job(&call, &reference(first), change).unwrap();
    });
    cost("a removal", &|| {
        spool.delete_job(&call, &reference(first), None, None).unwrap();
    });
    costs
}

fn compare(small: Costs, large: Costs) {
    let grown: Vec<_> = small
        .iter()
        .zip(&large)
        // A tree that is one level higher costs a few steps more.
        .filter(|(small, large)| large.1 > small.1 + small.1 / 4 + 100)
        .map(|(small, large)| format!("{}: {} steps, {} in the larger spool", small.0, small.1, large.1))
        .collect();
    assert!(grown.is_empty(), "{grown:#?}");
}

#[test]
fn among_many_jobs() {
    // What waits for a device is counted, up to 1,001.
    let without = |costs: Costs| costs.into_iter().filter(|one| one.0 != "a device").collect();
    compare(without(costs(30, 2)), without(costs(600, 2)));
}

/// What a claim costs among so many jobs on a device with this order.
fn cost_of_a_claim(jobs: usize, first: SortBy, then: SortBy) -> i64 {
    let site = Site::new();
    let lp = site.device("LP1", "#A.LP1", vec![DeviceChange::Scheduler(Some(first), Some(then))]);
    for n in 0..jobs {
        site.job("a.lp1", 5 + n);
    }
    let lease = site.begins();
    let claims = || {
        let claim = site.claim(&lease, lp).unwrap();
        site.ends(&lease, &claim, AttemptEnd::Abandoned { touched: false });
        site.spool.device_queue(&site.call(), &"LP1".parse().unwrap(), None, 10).unwrap();
    };
    steps_of(claims).0
}

#[test]
fn a_claim_in_any_order_among_many_jobs() {
    for (first, then) in [
        (SortBy::Deadline, SortBy::Fifo),
        (SortBy::Deadline, SortBy::JobPriority),
        (SortBy::LongestFirst, SortBy::JobPriority),
        (SortBy::ShortestFirst, SortBy::Deadline),
        (SortBy::JobPriority, SortBy::LongestFirst),
        (SortBy::Fifo, SortBy::JobPriority),
    ] {
        let (small, large) = (cost_of_a_claim(30, first, then), cost_of_a_claim(400, first, then));
        assert!(large <= small + small / 4 + 100, "{first:?}, {then:?}: {small} and {large} steps");
    }
}

#[test]
fn among_many_devices() {
    // The health has a glance at each device: health.rs.
    let without = |costs: Costs| costs.into_iter().filter(|one| one.0 != "the health").collect();
    compare(without(costs(3, 4)), without(costs(3, 200)));
}
