//! Batches: LINK and UNLINK, what belongs to all jobs, and that nothing prints between them.

use super::*;
use crate::model::alter::JobChange;
use crate::model::event::EventWord;
use crate::model::job::BatchChange;
use crate::model::{BatchNumber, FailureKind};
use crate::spool::interface::engine::BatchPart;

const B: u32 = 301;

fn batch(n: u32) -> BatchNumber {
    BatchNumber::new(n).unwrap()
}

fn link(site: &Site, job: u32) -> Result<(), Failure> {
    site.spool.link_job(&site.call(), batch(B), &reference(job))
}

fn change(site: &Site, change: BatchChange) -> Result<(), Failure> {
    site.spool.change_batch(&site.call(), batch(B), change).map(drop)
}

/// Jobs on hold for a location.
fn held(site: &Site, destination: &str, lines: &[usize]) -> Vec<u32> {
    lines.iter().map(|lines| site.job_with(destination, *lines, |job| job.hold = true)).collect()
}

#[test]
fn batches_are_counted_whatever_jobs_they_have() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let batches = || site.spool.statistics(&site.call()).unwrap().batches;
    assert_eq!(batches(), 0);
    for (n, job) in [7, 301, 7, 301, 7].into_iter().zip(held(&site, "a.b", &[1; 5])) {
        site.spool.link_job(&site.call(), batch(n), &reference(job)).unwrap();
    }
    held(&site, "a.b", &[1]);
    assert_eq!(batches(), 2);
}

#[test]
fn a_batch_prints_in_the_order_of_link_and_nothing_comes_between() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    let jobs = held(&site, "a.b", &[30, 1, 20]);
    let order = [jobs[2], jobs[0], jobs[1]];
    order.iter().for_each(|job| link(&site, *job).unwrap());
    let other = site.job("a.b", 2);
    change(&site, BatchChange::Start).unwrap();
    let later = site.job("a.b", 2);
    let lease = site.begins();
    // Shorter than the whole batch, and older.
    let claim = site.claim(&lease, device).unwrap();
    assert_eq!((claim.number.get(), claim.batch), (other, None));
    let mut next = site.ends(&lease, &claim, sent());
    // A shorter one that arrived later goes first too: the batch counts as one job of 51 lines.
    let mut printed = Vec::new();
    while let Some(claim) = next {
        if claim.batch.is_some_and(|part| part.first) {
            // Everything that comes now must wait for the end of the listing.
            site.job_with("a.b", 1, |job| job.priority = Priority::new(100).unwrap());
        }
        printed.push((claim.number.get(), claim.batch.map(|part| (part.first, part.last))));
        next = site.ends(&lease, &claim, transferred());
    }
    let at = printed.iter().position(|(job, _)| *job == order[0]).unwrap();
    assert_eq!(
        printed[at..at + 3],
        [(order[0], Some((true, false))), (order[1], Some((false, false))), (order[2], Some((false, true)))]
    );
    assert!(printed.iter().any(|(job, _)| *job == later));
}

#[test]
fn a_part_that_failed_is_printed_again_as_what_it_was() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    held(&site, "a.b", &[1, 1]).iter().for_each(|job| link(&site, *job).unwrap());
    change(&site, BatchChange::Start).unwrap();
    let lease = site.begins();
    let part = |first, last| Some(BatchPart { number: batch(B), first, last });
    let claim = site.claim(&lease, device).unwrap();
    assert_eq!(claim.batch, part(true, false));
    site.spool.attempt_ends(&lease, &claim, device_failed(true), false, &site.now()).unwrap();
    let again = site.claim(&lease, device).unwrap();
    assert_eq!((again.number, again.batch), (claim.number, part(true, false)), "its header page comes again");
    let second = site.ends(&lease, &again, sent()).unwrap();
    assert_eq!(second.batch, part(false, true));
    site.spool.attempt_ends(&lease, &second, device_failed(false), false, &site.now()).unwrap();
    assert_eq!(site.claim(&lease, device).unwrap().batch, part(false, true));
}

#[test]
fn what_joins_a_batch_after_the_rest_of_its_listing_is_gone_is_a_listing_of_its_own() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let jobs = held(&site, "a.b", &[1, 1, 1]);
    jobs[..2].iter().for_each(|job| link(&site, *job).unwrap());
    change(&site, BatchChange::Start).unwrap();
    let lease = site.begins();
    let first = site.claim(&lease, device).unwrap();
    let second = site.ends(&lease, &first, sent()).unwrap();
    site.spool.attempt_ends(&lease, &second, device_failed(false), false, &site.now()).unwrap();
    site.spool.delete_job(&site.call(), &reference(jobs[1]), None, None).unwrap();
    link(&site, jobs[2]).unwrap();
    change(&site, BatchChange::Start).unwrap();
    let third = site.claim(&lease, device).unwrap();
    let alone = Some(BatchPart { number: batch(B), first: true, last: true });
    assert_eq!((third.number.get(), third.batch), (jobs[2], alone), "it has header pages");
}

#[test]
fn one_device_of_a_group_prints_the_whole_batch() {
    let site = Site::new();
    let one = site.device("LP1", "#G.ONE", vec![]);
    let two = site.device("LP2", "#G.TWO", vec![]);
    let jobs = held(&site, "#g", &[1, 1, 1]);
    jobs.iter().for_each(|job| link(&site, *job).unwrap());
    change(&site, BatchChange::Start).unwrap();
    let lease = site.begins();
    let claim = site.claim(&lease, one).unwrap();
    assert!(site.claim(&lease, two).is_none(), "it is the other one's listing");
    // Held and started again, any device may print what is left.
    let second = site.ends(&lease, &claim, sent()).unwrap();
    change(&site, BatchChange::Hold).unwrap();
    assert!(site.ends(&lease, &second, AttemptEnd::Stopped { touched: false }).is_none());
    change(&site, BatchChange::Start).unwrap();
    assert_eq!(site.print_all(&lease, two), jobs[1..]);
}

#[test]
fn what_is_linked_is_on_hold_and_alike() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    site.device("LP1", "#A.C", vec![]);
    let jobs = held(&site, "a.b", &[1, 1, 1]);
    let ready = site.job("a.b", 1);
    let elsewhere = held(&site, "a.c", &[1])[0];
    let form = site.job_with("a.b", 1, |job| (job.hold, job.form) = (true, "BLUE".into()));
    assert_eq!(link(&site, ready).unwrap_err().kind, FailureKind::State);
    link(&site, jobs[0]).unwrap();
    link(&site, jobs[0]).unwrap();
    let refused = |job: u32, what: &str| {
        let failure = link(&site, job).unwrap_err();
        assert_eq!(failure.message, format!("job {job} has another {what} than the jobs of batch {B}"));
    };
    refused(elsewhere, "LOC");
    refused(form, "FORM");
    link(&site, jobs[1]).unwrap();
    let other = site.spool.link_job(&site.call(), batch(7), &reference(jobs[1])).unwrap_err();
    assert!(other.message.contains("is part of batch 301 already"), "{other}");
    change(&site, BatchChange::Start).unwrap();
    assert_eq!(link(&site, jobs[2]).unwrap_err().kind, FailureKind::State, "the batch is not on hold");
    change(&site, BatchChange::Hold).unwrap();
    let unlink = |n: u32, job: u32| site.spool.unlink_job(&site.call(), batch(n), &reference(job));
    assert_eq!(unlink(B, jobs[2]).unwrap_err().kind, FailureKind::NotFound, "it is not part of it");
    assert_eq!(unlink(7, jobs[0]).unwrap_err().message, "cannot find batch 7");
    unlink(B, jobs[0]).unwrap();
    assert_eq!(site.status(jobs[0]).unwrap().batch, None);
    assert_eq!(site.status(jobs[1]).unwrap().batch.unwrap().number, batch(B));
    unlink(B, jobs[1]).unwrap();
    assert_eq!(change(&site, BatchChange::Hold).unwrap_err().kind, FailureKind::NotFound, "it ended with its last job");
}

#[test]
fn key_attributes_are_the_batch_s_and_change_for_all_or_none() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let jobs = held(&site, "a.b", &[1, 1]);
    jobs.iter().for_each(|job| link(&site, *job).unwrap());
    let form = |form: &str| vec![JobChange::Form(Some(form.into()))];
    let refused = site.spool.alter_job(&site.call(), &reference(jobs[0]), form("X")).unwrap_err();
    assert_eq!(
        (refused.kind, refused.message),
        (FailureKind::State, format!("job {} is part of batch {B}, and FORM is the batch's", jobs[0]))
    );
    let priority = vec![JobChange::Priority(Priority::new(20))];
    site.spool.alter_job(&site.call(), &reference(jobs[0]), priority).unwrap();
    let both = [form("X"), vec![JobChange::Copies { document: None, copies: Some(2) }]].concat();
    change(&site, BatchChange::Alter(both)).unwrap();
    for job in &jobs {
        let status = site.status(*job).unwrap();
        assert_eq!((status.form.as_str(), status.copies), ("X", 2));
    }
    assert!(change(&site, BatchChange::Alter(form("no-form"))).is_err());
    let bob = Call::of(&crate::spool::testing::user("bob", 4711), &site.now());
    let refused = site.spool.change_batch(&bob, batch(B), BatchChange::Delete).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Security);
    change(&site, BatchChange::Delete).unwrap();
    assert!(jobs.iter().all(|job| site.status(*job).is_err()) && site.print_files().is_empty());
    assert!(site.log(jobs[0]).contains(&String::from(EventWord::Altered)));
}

#[test]
fn a_job_joins_its_batch_when_it_is_submitted() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    site.device("LP1", "#A.C", vec![]);
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(site.job_with("a.b", 5, |job| job.batch = Some(batch(B))));
        site.job("a.b", 5);
    }
    let mut other = site.submission("a.c");
    other.batch = Some(batch(B));
    let failure = site.hand_in(other, b"x\n").unwrap_err();
    assert_eq!(failure.message, format!("the jobs of batch {B} have another LOC"));
    let lease = site.begins();
    let printed = site.print_all(&lease, device);
    assert_eq!(printed[..3], jobs, "as one listing, from the first of them on");
    assert!(site.status(jobs[0]).is_err());
}

#[test]
fn a_listing_ends_with_the_jobs_that_its_batch_had_when_it_began() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let member = || site.job_with("a.b", 1, |job| job.batch = Some(batch(B)));
    let numbers = |site: &Site, limit: u32| -> Vec<u32> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = site.spool.device_queue(&site.call(), &"lp1".parse().unwrap(), after.as_ref(), limit).unwrap();
            for item in &page.rows {
                assert_eq!(item.job.intervening, item.sequence, "one prints now");
                found.push(item.job.number.get());
            }
            let Some(next) = page.next else { return found };
            after = Some(next);
        }
    };
    let jobs = [member(), member(), member()];
    let lease = site.begins();
    let mut claim = site.claim(&lease, device).unwrap();
    let later = member();
    let high = site.job_with("a.b", 1, |job| job.priority = Priority::new(100).unwrap());
    let mut order = vec![jobs[1], jobs[2], high, later];
    let mut printed = vec![claim.number.get()];
    loop {
        for limit in [1, 2, 10] {
            assert_eq!(numbers(&site, limit), order[printed.len() - 1..], "the queue of the device");
        }
        for (n, job) in order[printed.len() - 1..].iter().enumerate() {
            let ahead = u32::try_from(n).unwrap() + 1;
            assert_eq!(site.status(*job).unwrap().intervening, Some(ahead), "SEQ of {job}");
            let why = format!("{:?}", site.spool.why(&site.call(), &reference(*job)).unwrap().causes);
            let wanted = if n == 0 { "Next".to_owned() } else { format!("jobs: {ahead}") };
            assert!(why.contains(&wanted), "{job}: {why}");
        }
        let part = claim.batch.map(|part| (part.first, part.last));
        let number = claim.number.get();
        match printed.len() {
            1 => assert_eq!(part, Some((true, false))),
            3 => assert_eq!(part, Some((false, true)), "what joined later is another listing"),
            4 => assert_eq!((number, part), (high, None)),
            5 => assert_eq!((number, part), (later, Some((true, true)))),
            _ => {}
        }
        let Some(next) = site.ends(&lease, &claim, sent()) else { break };
        printed.push(next.number.get());
        claim = next;
    }
    order.insert(0, jobs[0]);
    assert_eq!(printed, order);
}
