//! Jobs a page at a time.

use super::*;
use crate::model::GlobalJobId;
use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin};
use crate::model::query::{Comparison, Condition, Order, Parts, Query};
use crate::model::state::JobState;

impl Site {
    fn pages(&self, query: &Query, limit: u32) -> Vec<JobStatus> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.spool.jobs(&self.call(), query, after, limit).unwrap();
            assert!(page.rows.len() <= limit as usize);
            all.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// Jobs in every state, of several queues, sizes, forms and priorities, some of them on a device.
fn crowded() -> (Site, Lease, Vec<u32>) {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let one = site.device("LP2", "#G.ONE", vec![]);
    site.device("LP3", "#G.TWO", vec![]);
    site.spool.set_broadcast(&site.call(), "G".parse().unwrap(), true).unwrap();
    let lease = site.begins();
    let mut numbers = Vec::new();
    for n in 0..48 {
        site.pass(700);
        let destination = ["a.b", "#a", "#g", "g.two", "a.b"][n % 5];
        let number = site.job_with(destination, 1 + n * 37 % 90, |job| {
            job.priority = Priority::new(if n % 7 == 0 { 80 } else { 50 }).unwrap();
            job.form = if n % 11 == 3 { "CHEQUES".into() } else { String::new() };
            job.hold = n % 13 == 5;
            job.documents[0].copies = 1 + u32::try_from(n % 3).unwrap();
            for document in 0..u32::try_from(n % 4 / 2).unwrap() * 2 {
                let field = Field::from_stored(["job-comment", "default-medium"][document as usize]).unwrap();
                let value = Value::Text(format!("value {n}"));
                job.given.push(GivenValue { document, field, value, origin: Origin::User });
            }
        });
        numbers.push(number);
    }
    for device in [lp, one] {
        site.claim(&lease, device).unwrap();
    }
    site.spool.pause_job(&site.call(), &reference(numbers[20]), None).unwrap();
    (site, lease, numbers)
}

#[test]
fn a_page_shows_of_each_job_what_is_shown_of_it_alone() {
    let (site, _lease, numbers) = crowded();
    let alone: Vec<JobStatus> = numbers.iter().map(|number| site.status(*number).unwrap()).collect();
    for state in [JobState::Ready, JobState::Held, JobState::Printing, JobState::Paused] {
        assert!(alone.iter().any(|job| job.state == state), "{state:?}");
    }
    for order in [Order::Number, Order::Schedule] {
        for limit in [1, 7, 24, 1000] {
            let query = Query { condition: Condition::Any, order, parts: Parts::ALL };
            let mut listed = site.pages(&query, limit);
            listed.sort_by_key(|job| job.number.get());
            assert_eq!(listed, alone, "{order:?}, {limit} a page");
        }
    }
}

#[test]
fn parts_that_are_not_wanted_are_left_out_and_nothing_else() {
    let (site, _lease, _) = crowded();
    let query = |parts| Query { condition: Condition::Any, order: Order::Schedule, parts };
    let mut all = site.pages(&query(Parts::ALL), 10);
    assert!(all.iter().all(|job| job.documents.len() == 1));
    assert!(all.iter().any(|job| job.copies == 3));
    for job in &mut all {
        (job.documents, job.copies) = (Vec::new(), 1);
    }
    assert_eq!(site.pages(&query(Parts::GIVEN.and(Parts::POSITION)), 10), all);
    assert!(all.iter().any(|job| job.intervening.is_some() && !job.given.is_empty()));
    for job in &mut all {
        (job.intervening, job.given) = (None, Vec::new());
    }
    assert_eq!(site.pages(&query(Parts::JOB), 10), all);
}

#[test]
fn a_condition_on_documents_decides_also_where_they_are_not_wanted() {
    let (site, _lease, numbers) = crowded();
    let three = Condition::Field(Field::CopyCount, Comparison::Equal, Value::Integer(3));
    let other = Condition::Not(Box::new(three.clone()));
    let found = |condition| {
        let query = Query { condition, order: Order::Number, parts: Parts::JOB };
        site.pages(&query, 5).iter().map(|job| job.number.get()).collect::<Vec<_>>()
    };
    let of = |wanted: bool| numbers.iter().enumerate().filter(move |(n, _)| (n % 3 == 2) == wanted).map(|(_, n)| *n);
    assert_eq!(found(three.clone()), of(true).collect::<Vec<_>>());
    assert_eq!(found(other.clone()), of(false).collect::<Vec<_>>());
    assert_eq!(found(Condition::Either(vec![three.clone(), other])), numbers);
    assert_eq!(found(Condition::All(vec![Condition::Any, three])), of(true).collect::<Vec<_>>());
}

#[test]
fn entries_that_have_a_device_are_found_among_all() {
    let (site, _lease, _) = crowded();
    site.spool
        .look(&site.call(), |tx| {
            let begun = crate::store::entry::begun(tx, 2)?.unwrap();
            assert_eq!(begun.values().map(Vec::len).sum::<usize>(), 2);
            for (job, entries) in begun {
                let all = crate::store::entry::progress(tx, job, job)?.remove(&job).unwrap();
                let with_device: Vec<_> = all.into_iter().filter(|entry| entry.device.is_some()).collect();
                assert_eq!(format!("{entries:?}"), format!("{with_device:?}"));
            }
            assert!(crate::store::entry::begun(tx, 1)?.is_none(), "too many");
            Ok(())
        })
        .unwrap();
}

#[test]
fn each_way_to_name_a_job_finds_that_job_and_no_other() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let numbers: Vec<u32> = (0..3).map(|_| site.job("a.b", 1)).collect();
    let wanted = site.status(numbers[1]).unwrap();
    let found = |job: JobRef| {
        let query = Query { condition: Condition::Job(job), order: Order::Number, parts: Parts::default() };
        site.pages(&query, 10).into_iter().map(|job| job.number.get()).collect::<Vec<_>>()
    };
    let elsewhere = GlobalJobId { server: "other".parse().unwrap(), serial: wanted.global.serial };
    for job in [
        JobRef::Number(wanted.number),
        JobRef::Local(wanted.local),
        JobRef::Serial(wanted.global.serial),
        JobRef::Global(wanted.global.clone()),
    ] {
        assert_eq!(found(job.clone()), [numbers[1]], "{job:?}");
        assert_eq!(site.spool.job(&site.call(), &job).unwrap().number.get(), numbers[1], "{job:?}");
    }
    assert!(found(JobRef::Global(elsewhere.clone())).is_empty());
    assert!(site.spool.job(&site.call(), &JobRef::Global(elsewhere)).is_err());
}
