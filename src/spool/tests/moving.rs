//! Sending jobs on: who may, where to, and what goes with them.

use crate::model::access::{AccessChange, AccessObject};
use crate::model::alter::JobChange;
use crate::model::managed::{ManagedClass, ManagedObject};
use crate::model::order::Priority;
use crate::model::state::{HoldReason, JobState};
use crate::model::{BatchNumber, Caller, FailureKind, JobRef, LocationName};
use crate::spool::interface::operations::Operations;
use crate::spool::testing::{Site, clock, local, name, user};

const BOB: u32 = 4711;

fn bob() -> Caller {
    user("bob", BOB)
}

/// `#OFFICE.FRONT` prints, `#VAULT.SAFE` is another place.
fn site() -> Site {
    let mut site = Site::printing();
    site.route("#VAULT.SAFE", None);
    site
}

fn location(group: &str, dest: &str) -> LocationName {
    LocationName { group: name(group), dest: name(dest) }
}

fn rule(site: &mut Site, rule: &str) {
    let object = AccessObject::Location(location("VAULT", "SAFE"));
    site.local.set_access(object, vec![AccessChange::parse(rule).unwrap()]).unwrap();
}

fn of_bob(site: &mut Site) -> JobRef {
    JobRef::Number(site.submit_as(bob(), "office.front", |_| {}).number)
}

fn moved(to: &str) -> Vec<JobChange> {
    vec![JobChange::Destination { to: name(to), declare: false }]
}

fn place(site: &mut Site, job: &JobRef) -> String {
    site.local.job(job.clone()).unwrap().destination.to_string()
}

#[test]
fn a_job_goes_only_where_its_owner_may_submit() {
    let mut site = site();
    rule(&mut site, "SUBMIT ann");
    let job = of_bob(&mut site);
    let mut his = local(&site.spool, bob());
    let sent = his.resubmit_job(job.clone(), "vault.safe".into(), false).unwrap_err();
    let altered = his.alter_job(job.clone(), moved("vault.safe")).unwrap_err();
    assert_eq!((sent.kind, altered.kind), (FailureKind::Security, FailureKind::Security));
    assert_eq!(place(&mut site, &job), "#OFFICE.FRONT");
    // An operator sends it there.
    site.local.resubmit_job(job.clone(), "vault.safe".into(), false).unwrap();
    assert_eq!(place(&mut site, &job), "#VAULT.SAFE");
}

#[test]
fn a_raised_priority_goes_only_where_it_could_be_given() {
    let mut site = site();
    let object = AccessObject::Location(location("OFFICE", "FRONT"));
    site.local.set_access(object, vec![AccessChange::parse("OPERATE bob").unwrap()]).unwrap();
    let high = Priority::new(80).unwrap();
    let job = JobRef::Number(site.submit_as(bob(), "office.front", |job| job.priority = high).number);
    let mut his = local(&site.spool, bob());
    let sent = his.resubmit_job(job.clone(), "vault.safe".into(), false).unwrap_err();
    let altered = his.alter_job(job.clone(), moved("vault.safe")).unwrap_err();
    // Nor in one command, whichever comes first.
    let both = [moved("vault.safe"), vec![JobChange::Priority(Some(Priority::new(90).unwrap()))]];
    let one = his.alter_job(job.clone(), both.concat()).unwrap_err();
    let other = his.alter_job(job.clone(), [both[1].clone(), both[0].clone()].concat()).unwrap_err();
    assert_eq!([sent.kind, altered.kind, one.kind, other.kind], [FailureKind::Security; 4]);
    let lower = vec![JobChange::Priority(Some(Priority::default()))];
    his.alter_job(job.clone(), [moved("vault.safe"), lower].concat()).unwrap();
    assert_eq!(place(&mut site, &job), "#VAULT.SAFE");
}

#[test]
fn a_job_is_not_altered_into_a_destination_that_is_disabled() {
    let mut site = site();
    let job = site.job();
    let safe = ManagedObject { class: ManagedClass::Destination, name: "vault.safe".into() };
    site.local.enable_managed(safe.clone(), false, None).unwrap();
    let refused = site.local.alter_job(job.clone(), moved("vault.safe")).unwrap_err();
    assert_eq!(refused.kind, FailureKind::State, "{refused:?}");
    assert_eq!(place(&mut site, &job), "#OFFICE.FRONT");
    site.local.enable_managed(safe.clone(), true, None).unwrap();
    site.local.alter_job(job.clone(), moved("vault.safe")).unwrap();
    // One that is there already may be altered.
    site.local.enable_managed(safe, false, None).unwrap();
    site.local.alter_job(job, moved("vault.safe")).unwrap();
}

#[test]
fn a_member_of_a_batch_is_not_sent_on_alone() {
    let mut site = site();
    let batch = BatchNumber::new(301).unwrap();
    let job = JobRef::Number(site.submit("office.front", |job| job.hold = true).number);
    site.local.link_job(batch, job.clone()).unwrap();
    let refused = site.local.resubmit_job(job.clone(), "vault.safe".into(), false).unwrap_err();
    assert_eq!(refused.kind, FailureKind::State);
    let JobRef::Number(number) = job else { unreachable!() };
    assert!(refused.hints.iter().any(|hint| hint.starts_with(&format!("BATCH 301, UNLINK {number} "))), "{refused:?}");
    assert_eq!(place(&mut site, &job), "#OFFICE.FRONT");
    site.local.unlink_job(batch, job.clone()).unwrap();
    site.local.resubmit_job(job, "vault.safe".into(), false).unwrap();
}

#[test]
fn a_time_before_which_a_job_must_not_print_goes_with_it_and_start_ends_it() {
    let mut site = site();
    let after = clock().wall_ms + 600_000;
    let waiting = |site: &mut Site, keep: bool| {
        JobRef::Number(
            site.submit("office.front", |job| {
                job.lifetime.print_after_ms = Some(after);
                job.keep = keep;
            })
            .number,
        )
    };
    let kept = waiting(&mut site, true);
    site.local.resubmit_job(kept.clone(), "vault.safe".into(), false).unwrap();
    let found = site.local.job(kept).unwrap();
    assert_eq!((found.state, found.reasons.has(HoldReason::PrintAfter)), (JobState::Held, true));
    assert_eq!(found.lifetime.print_after_ms, Some(after));
    let started = waiting(&mut site, false);
    site.local.start_job(started.clone()).unwrap();
    let found = site.local.job(started).unwrap();
    assert_eq!((found.state, found.lifetime.print_after_ms), (JobState::Ready, None));
}
