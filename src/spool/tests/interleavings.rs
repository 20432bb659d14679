//! Steps of two connections that broke on an engine with many writers: what was decided from is old when it is written.
//! The two that concern rows alone stand with them: `store::event` (an event that commits late) and `store::job`
//! (interning a form).

use super::*;
use crate::model::FailureKind;
use crate::spool::Room;
use crate::store::{self, submission};

/// A second connection to the spool of `site`.
fn second(site: &Site) -> Spool {
    open(site.spool.base(), Access::Existing { now: site.now() }).unwrap()
}

#[test]
fn a_stale_end_does_not_delete_a_job_under_its_new_claim() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let number = site.job("a.b", 1);
    let claim = site.claim(&site.begins(), lp).unwrap();
    let call = site.call();
    let (entry, job, device) = site
        .spool
        .look(&call, |tx| {
            let entry = store::entry::by_id(tx, claim.entry)?.unwrap();
            let job = store::job::by_id(tx, claim.job)?.unwrap();
            Ok((entry, job, store::device::by_id(tx, lp)?.unwrap()))
        })
        .unwrap();
    let other = second(&site);
    let lease = other.begins(&site.process(), 4712, &site.now()).unwrap();
    let again = other.claim(&lease, lp, &site.now()).unwrap().unwrap();
    assert_eq!((again.entry, again.attempt), (claim.entry, 2));

    let stale = entry.clone();
    let end =
        site.spool.change(Room::Gives, &call, move |tx| Spool::entry_done(tx, &stale, &job, &device, ("sent", 1)));
    assert_eq!(end.unwrap_err().kind, FailureKind::State);
    let stale = entry.clone();
    let back = site.spool.change(Room::Gives, &call, move |tx| {
        store::entry::release(tx, &stale, crate::model::state::EntryState::Queued, false)
    });
    assert_eq!(back.unwrap_err().kind, FailureKind::State);
    let passed = site.spool.change(Room::Gives, &call, move |tx| store::entry::set_transferred(tx, &entry, 1));
    assert_eq!(passed.unwrap_err().kind, FailureKind::State);

    assert!(site.status(number).is_ok(), "it prints under its new claim");
    assert!(other.attempt_ends(&lease, &again, sent(), false, &site.now()).unwrap().is_none());
    assert!(site.status(number).is_err(), "and that claim ends it");
}

#[test]
fn a_job_is_not_deleted_while_a_device_has_it() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let number = site.job("a.b", 1);
    let claim = site.claim(&site.begins(), lp).unwrap();
    let job = claim.job;
    let delete = move |tx: &store::Tx<'_>| {
        tx.lock(store::Lock::Job(job))?;
        store::job::delete(tx, job)
    };
    let refused = site.spool.change(Room::Gives, &site.call(), delete).unwrap_err();
    assert!(refused.message.contains("FOREIGN KEY"), "{refused}");
    assert!(site.status(number).is_ok());
}

#[test]
fn no_claim_of_a_dead_epoch_outlives_the_sweep_of_its_successor() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    site.job("a.b", 1);
    let dead = site.begins();
    let class = |tx: &store::Tx<'_>| store::job::class(tx, "");
    let class = site.spool.change(Room::Gives, &site.call(), class).unwrap();
    let waiting = site
        .spool
        .look(&site.call(), |tx| {
            let mut found = Vec::new();
            for (route, _) in store::device::routes(tx, lp)? {
                found.extend(store::entry::heads(
                    tx,
                    route,
                    class,
                    lp,
                    crate::model::order::QueueOrder::ShortFirst,
                    1,
                )?);
            }
            Ok(found.remove(0))
        })
        .unwrap();
    let other = second(&site);
    let lease = other.begins(&site.process(), 4712, &site.now()).unwrap();
    // What the dead one has chosen it cannot claim any more, whether its successor has begun or has the entry.
    assert_eq!(site.spool.claim(&dead, lp, &site.now()).unwrap_err().kind, FailureKind::State);
    let again = other.claim(&lease, lp, &site.now()).unwrap().unwrap();
    let late = site.spool.change(Room::Gives, &site.call(), move |tx| {
        let time = store::spool::time(tx)?;
        store::entry::claim(tx, waiting.clone(), lp, (dead.process, dead.epoch), time)
    });
    assert!(late.unwrap().is_none());
    let entry = site.spool.look(&site.call(), |tx| store::entry::by_id(tx, again.entry)).unwrap().unwrap();
    assert_eq!(entry.claimed_by, Some((lease.process, lease.epoch)));
}

#[test]
fn work_that_comes_while_its_process_goes_dormant_wakes_or_starts_it() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let other = second(&site);
    // The work first: the process sees it and stays.
    let lease = site.begins();
    let (_, targets) = site.hand_in(site.submission("a.b"), b"x\n").unwrap();
    assert!(targets[0].running, "it is woken");
    assert!(!other.goes_dormant(&lease, &site.now()).unwrap());
    // The process first: whoever brings work sees that it is dormant, and starts it.
    let lp = site.spool.device(&site.call(), &"LP1".parse().unwrap()).unwrap().id;
    assert_eq!(site.print_all(&lease, lp).len(), 1);
    assert!(other.goes_dormant(&lease, &site.now()).unwrap());
    let (_, targets) = site.hand_in(site.submission("a.b"), b"x\n").unwrap();
    assert!(!targets[0].running, "it is started");
}

#[test]
fn a_token_is_accepted_or_refused_and_never_both() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let other = second(&site);
    let known = submission::Known {
        id: crate::model::JobId(1),
        number: crate::model::JobNumber::new(1).unwrap(),
        local: crate::model::LocalJobId(1),
        serial: crate::model::Serial(1_000_000_000),
    };
    // Both have seen that nothing is known of the token; one of them is the first to write.
    site.spool.change(Room::Gives, &site.call(), |tx| submission::refuse(tx, "late")).unwrap();
    assert!(other.change(Room::Gives, &site.call(), move |tx| submission::accept(tx, "late", &known)).is_err());
    other.change(Room::Gives, &site.call(), move |tx| submission::accept(tx, "early", &known)).unwrap();
    assert!(site.spool.change(Room::Gives, &site.call(), |tx| submission::refuse(tx, "early")).is_err());
    let fate = |token: &'static str| site.spool.look(&site.call(), |tx| submission::fate(tx, token)).unwrap();
    assert_eq!(fate("late"), Some(submission::Fate::Refused));
    assert_eq!(fate("early"), Some(submission::Fate::Accepted(known)));
}
