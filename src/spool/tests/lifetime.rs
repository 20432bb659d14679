//! How long jobs live: what is kept after its end, and what happens at its time.

use crate::model::alter::JobChange;
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{BatchChange, JobStatus};
use crate::model::lifetime::{Ending, Retention};
use crate::model::state::{Delivery, HoldReason, JobState};
use crate::model::{Call, FailureKind, JobRef};
use crate::spool::Room;
use crate::spool::interface::engine::{AttemptEnd, Engine};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::{EventSubject, Removal};
use crate::spool::testing::{Site, clock, delivered, error, pass};

const MINUTE: i64 = 60_000;

fn later(ms: i64) {
    pass(ms / 1000);
}

fn kept(site: &mut Site, retention: Retention) -> JobRef {
    JobRef::Number(site.submit("office.front", |job| job.lifetime.retention = Some(retention)).number)
}

fn print(site: &mut Site) {
    let alive = site.alive("SPLA");
    site.local.start_device("LP1".parse().unwrap()).unwrap();
    let claim = site.claim(&alive, "LP1");
    site.end(&alive, &claim, delivered(Delivery::Sent));
}

fn status(site: &mut Site, job: &JobRef) -> Option<JobStatus> {
    match site.local.job(job.clone()) {
        Ok(status) => Some(status),
        Err(failure) => {
            assert_eq!(failure.kind, FailureKind::NotFound);
            None
        }
    }
}

fn files(site: &Site) -> usize {
    let dir = site.spool.base().server(site.spool.server());
    std::fs::read_dir(dir)
        .unwrap()
        .filter(|one| one.as_ref().unwrap().file_name().to_string_lossy().starts_with("pdpr"))
        .count()
}

/// An attempt that its device did not carry through.
fn failed() -> AttemptEnd {
    AttemptEnd::DeviceFailed { error: error(Some(clock().wall_ms)), touched: false, alone: false }
}

/// A command that writes and changes nothing that matters here.
fn write(site: &mut Site) {
    site.local.set_manager_access(false).unwrap();
}

#[test]
fn a_printed_job_stays_with_its_file_until_its_time_is_over() {
    let mut site = Site::printing();
    let job = kept(&mut site, Retention::Period(10));
    print(&mut site);
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.lifetime.ending), (JobState::Retained, Some(Ending::Completed)));
    let ended = found.ended.unwrap();
    assert_eq!((ended.outcome.as_str(), ended.device.as_deref()), ("sent", Some("LP1")));
    later(9 * MINUTE);
    write(&mut site);
    assert_eq!((status(&mut site, &job).unwrap().state, files(&site)), (JobState::Retained, 1));
    later(2 * MINUTE);
    write(&mut site);
    assert_eq!((status(&mut site, &job), files(&site)), (None, 0));
    // The history knows how it ended, and when.
    let query = crate::model::query::Query {
        condition: crate::model::query::Condition::Job(job),
        order: crate::model::query::Order::Number,
        parts: crate::model::query::Parts::JOB,
    };
    let finished = site.local.finished(query, None, 1).unwrap().rows.pop().unwrap();
    assert_eq!((finished.outcome.as_str(), finished.finished_ms), ("sent", ended.at_ms));
}

#[test]
fn a_cancelled_job_stays_when_it_has_a_retention_and_goes_with_none() {
    let mut site = Site::printing();
    let job = kept(&mut site, Retention::Forever);
    let (gone, given) = (site.job(), site.job());
    assert_eq!(site.local.delete_job(job.clone(), Some("wrong paper".into()), None), Ok(Removal::Retained));
    assert_eq!(site.local.delete_job(gone.clone(), None, None), Ok(Removal::Gone));
    assert_eq!(site.local.delete_job(given.clone(), None, Some(Retention::Period(5))), Ok(Removal::Retained));
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.lifetime.ending), (JobState::Retained, Some(Ending::CancelledByUser)));
    let said = found.given.iter().find(|one| one.field.stored() == "job-message-from-administrator").unwrap();
    assert_eq!(said.value, Value::Text("wrong paper".into()));
    assert_eq!((status(&mut site, &gone), files(&site)), (None, 2));
    // Again: it stays, gets another time, or goes.
    assert_eq!(site.local.delete_job(job.clone(), None, None), Ok(Removal::Retained));
    assert_eq!(site.local.delete_job(job.clone(), None, Some(Retention::Period(7))), Ok(Removal::Retained));
    assert_eq!(status(&mut site, &job).unwrap().lifetime.retention, Some(Retention::Period(7)));
    assert_eq!(site.local.delete_job(job.clone(), None, Some(Retention::Period(0))), Ok(Removal::Gone));
    assert_eq!((status(&mut site, &job), files(&site)), (None, 1));
    later(6 * MINUTE);
    write(&mut site);
    assert_eq!((status(&mut site, &given), files(&site)), (None, 0));
}

#[test]
fn another_retention_counts_from_the_end_of_the_job() {
    let mut site = Site::printing();
    let job = kept(&mut site, Retention::Period(10));
    site.local.delete_job(job.clone(), None, None).unwrap();
    later(5 * MINUTE);
    let set = |retention: Retention| vec![JobChange::Retention { field: retention.field(), value: Some(retention) }];
    site.local.alter_job(job.clone(), set(Retention::Forever)).unwrap();
    later(60 * MINUTE);
    write(&mut site);
    assert!(status(&mut site, &job).is_some());
    let given = status(&mut site, &job).unwrap().given;
    assert!(given.iter().all(|one| one.field != Field::JobRetentionPeriod), "the other two are forgotten: {given:?}");
    site.local.alter_job(job.clone(), set(Retention::Period(90))).unwrap();
    later(20 * MINUTE);
    write(&mut site);
    assert!(status(&mut site, &job).is_some(), "85 minutes");
    site.local.alter_job(job.clone(), set(Retention::Period(86))).unwrap();
    later(2 * MINUTE);
    write(&mut site);
    assert_eq!(status(&mut site, &job), None);
}

#[test]
fn a_job_waits_for_its_time_and_prints_then() {
    let mut site = Site::printing();
    let after = clock().wall_ms + 10 * MINUTE;
    let job = JobRef::Number(site.submit("office.front", |job| job.lifetime.print_after_ms = Some(after)).number);
    let held = JobRef::Number(
        site.submit("office.front", |job| {
            job.lifetime.print_after_ms = Some(after);
            job.hold = true;
        })
        .number,
    );
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.reasons.has(HoldReason::PrintAfter)), (JobState::Held, true));
    later(9 * MINUTE);
    write(&mut site);
    assert_eq!(status(&mut site, &job).unwrap().state, JobState::Held);
    later(MINUTE);
    write(&mut site);
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.lifetime.previous), (JobState::Ready, Some(JobState::Held)));
    let held = status(&mut site, &held).unwrap();
    assert_eq!((held.state, held.reasons.has(HoldReason::PrintAfter)), (JobState::Held, false));
    // A time that has passed is refused, and nothing is changed.
    let past = vec![JobChange::PrintAfter(Some(after)), JobChange::Name(Some("x".into()))];
    assert_eq!(site.local.alter_job(job.clone(), past).unwrap_err().kind, FailureKind::BadValue);
    assert_ne!(status(&mut site, &job).unwrap().name, "x");
    // Given later it holds the job, taken away it lets it go.
    let then = clock().wall_ms + MINUTE;
    site.local.alter_job(job.clone(), vec![JobChange::PrintAfter(Some(then))]).unwrap();
    assert_eq!(status(&mut site, &job).unwrap().state, JobState::Held);
    site.local.alter_job(job.clone(), vec![JobChange::PrintAfter(None)]).unwrap();
    assert_eq!(status(&mut site, &job).unwrap().state, JobState::Ready);
}

#[test]
fn a_discard_time_ends_what_waits_and_what_is_kept_and_not_what_prints() {
    let mut site = Site::printing();
    let at = clock().wall_ms + 10 * MINUTE;
    let discard = |site: &mut Site, retention: Option<Retention>| {
        JobRef::Number(
            site.submit("office.front", |job| {
                job.lifetime.discard_ms = Some(at);
                job.lifetime.retention = retention;
            })
            .number,
        )
    };
    let printing = discard(&mut site, Some(Retention::Forever));
    let alive = site.alive("SPLA");
    site.local.start_device("LP1".parse().unwrap()).unwrap();
    let claim = site.claim(&alive, "LP1");
    let waits = discard(&mut site, None);
    let cancelled = discard(&mut site, Some(Retention::Period(60)));
    site.local.delete_job(cancelled.clone(), None, None).unwrap();
    later(11 * MINUTE);
    write(&mut site);
    assert_eq!((status(&mut site, &waits), status(&mut site, &cancelled)), (None, None));
    assert_eq!(status(&mut site, &printing).unwrap().state, JobState::Printing);
    site.end(&alive, &claim, delivered(Delivery::Sent));
    assert_eq!((status(&mut site, &printing), files(&site)), (None, 0));
}

#[test]
fn many_jobs_end_in_steps() {
    let mut site = Site::printing();
    for _ in 0..150 {
        let job = kept(&mut site, Retention::Period(1));
        site.local.delete_job(job, None, None).unwrap();
    }
    assert_eq!(files(&site), 150);
    later(2 * MINUTE);
    write(&mut site);
    assert_eq!(files(&site), 0);
}

#[test]
fn a_job_that_is_only_kept_never_prints_until_it_is_sent_on() {
    let mut site = Site::printing();
    site.route("#OFFICE.BACK", None);
    let job = JobRef::Number(site.submit("office.front", |job| job.keep = true).number);
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.lifetime.retention), (JobState::Retained, Some(Retention::Forever)));
    assert_eq!(found.devices.len(), 0);
    site.local.resubmit_job(job.clone(), "office.back".into(), false).unwrap();
    let found = status(&mut site, &job).unwrap();
    assert_eq!((found.state, found.ended), (JobState::Ready, None));
    assert_eq!(found.destination.to_string(), "#OFFICE.BACK");
}

#[test]
fn what_cannot_be_sent_on_stays_where_it_is() {
    let mut site = Site::printing();
    site.route("#OFFICE.BACK", None);
    let job = site.job();
    assert_eq!(site.local.resubmit_job(job.clone(), "nowhere".into(), false).unwrap_err().kind, FailureKind::NotFound);
    site.local.pause_job(job.clone(), None).unwrap();
    let refused = site.local.resubmit_job(job.clone(), "office.back".into(), false).unwrap_err();
    assert_eq!(refused.kind, FailureKind::State);
    assert_eq!(status(&mut site, &job).unwrap().destination.to_string(), "#OFFICE.FRONT");
    site.local.resume_job(job.clone(), None).unwrap();
    site.local.hold_job(job.clone()).unwrap();
    site.local.resubmit_job(job.clone(), "office.back".into(), false).unwrap();
    assert_eq!(status(&mut site, &job).unwrap().state, JobState::Held);
    site.local.drain_spooler().unwrap();
    assert_eq!(site.local.resubmit_job(job, "office.front".into(), false).unwrap_err().kind, FailureKind::State);
}

#[test]
fn a_font_outlives_its_moments_and_stops_no_timer() {
    let mut site = Site::printing();
    let at = clock().wall_ms + 10 * MINUTE;
    let numbered = |accepted: crate::model::job::Accepted| JobRef::Number(accepted.number);
    let discarded = numbered(site.submit("office.front", |job| job.lifetime.discard_ms = Some(at)));
    let expired = numbered(site.submit("office.front", |job| {
        job.keep = true;
        job.lifetime.retention = Some(Retention::Period(10));
    }));
    let other = numbered(site.submit("office.front", |job| job.lifetime.discard_ms = Some(at)));
    site.local.define_font("LOGO".parse().unwrap(), discarded.clone()).unwrap();
    site.local.define_font("SEAL".parse().unwrap(), expired.clone()).unwrap();
    later(11 * MINUTE);
    write(&mut site);
    assert_eq!(status(&mut site, &other), None);
    assert_eq!(status(&mut site, &discarded).unwrap().lifetime.discard_ms, None);
    assert_eq!(status(&mut site, &expired).unwrap().state, JobState::Retained);
    let said = |site: &mut Site, job: &JobRef| {
        let events = site.local.events(EventSubject::Job(job.clone()), 0).unwrap();
        events.into_iter().filter(|event| event.why.contains("it is the font")).count()
    };
    later(11 * MINUTE);
    write(&mut site);
    assert_eq!((said(&mut site, &discarded), said(&mut site, &expired)), (1, 1));
}

#[test]
fn a_row_that_cannot_be_ended_stops_no_other_and_is_told() {
    let mut site = Site::printing();
    let at = clock().wall_ms + 10 * MINUTE;
    let discard =
        |site: &mut Site| JobRef::Number(site.submit("office.front", |job| job.lifetime.discard_ms = Some(at)).number);
    let (bad, good) = (discard(&mut site), discard(&mut site));
    let id = site.local.job(bad.clone()).unwrap().id;
    // Whatever refers to it that nobody has thought of.
    site.spool.change(Room::Gives, &Call::timeless(), move |tx| crate::store::lifetime::refer_to(tx, id)).unwrap();
    later(11 * MINUTE);
    write(&mut site);
    assert_eq!(status(&mut site, &good), None);
    let left = status(&mut site, &bad).unwrap();
    assert_eq!((left.state, left.lifetime.discard_ms), (JobState::Ready, None));
    let told = |site: &mut Site, subject: EventSubject| {
        let events = site.local.events(subject, 0).unwrap();
        events.into_iter().filter(|event| event.what == EventWord::Error).count()
    };
    write(&mut site);
    assert_eq!((told(&mut site, EventSubject::Job(bad)), told(&mut site, EventSubject::Spool)), (1, 1));
}

#[test]
fn a_discard_time_that_comes_while_a_job_prints_ends_it_with_its_attempt_however_that_ends() {
    let mut site = Site::printing();
    let at = clock().wall_ms + 10 * MINUTE;
    let alive = site.alive("SPLA");
    site.local.start_device("LP1".parse().unwrap()).unwrap();
    for end in [delivered(Delivery::Sent), failed()] {
        let job = JobRef::Number(
            site.submit("office.front", |job| {
                job.lifetime.discard_ms = Some(at.max(clock().wall_ms + 1));
                job.lifetime.retention = Some(Retention::Forever);
                job.hold_after = true;
            })
            .number,
        );
        let claim = site.claim(&alive, "LP1");
        later(11 * MINUTE);
        write(&mut site);
        let found = status(&mut site, &job).unwrap();
        assert_eq!((found.state, found.lifetime.retention), (JobState::Printing, Some(Retention::Forever)));
        assert!(found.lifetime.discard_ms.is_some());
        site.end(&alive, &claim, end);
        assert_eq!((status(&mut site, &job), files(&site)), (None, 0));
    }
}

#[test]
fn what_a_broadcast_has_not_begun_is_not_begun_after_its_discard_time() {
    let mut site = Site::printing();
    site.device("LP2", "SPLA", &[]);
    site.route("#OFFICE.BACK", Some("LP2"));
    site.local.set_broadcast("OFFICE".parse().unwrap(), true).unwrap();
    let at = clock().wall_ms + 10 * MINUTE;
    let job = JobRef::Number(site.submit("#office", |job| job.lifetime.discard_ms = Some(at)).number);
    let alive = site.alive("SPLA");
    site.local.start_device("LP1".parse().unwrap()).unwrap();
    site.local.start_device("LP2".parse().unwrap()).unwrap();
    let claim = site.claim(&alive, "LP1");
    later(11 * MINUTE);
    write(&mut site);
    let other = site.device_id("LP2");
    assert!(site.spool.claim(&alive.lease, other, &clock()).unwrap().is_none());
    assert_eq!(status(&mut site, &job).unwrap().state, JobState::Printing);
    site.end(&alive, &claim, delivered(Delivery::Sent));
    assert_eq!((status(&mut site, &job), files(&site)), (None, 0));
}

#[test]
fn a_batch_that_is_deleted_leaves_what_has_a_retention() {
    let mut site = Site::printing();
    let batch = crate::model::BatchNumber::new(301).unwrap();
    let linked = |site: &mut Site, retention: Option<Retention>| {
        let job = JobRef::Number(
            site.submit("office.front", |job| {
                job.hold = true;
                job.lifetime.retention = retention;
            })
            .number,
        );
        site.local.link_job(batch, job.clone()).unwrap();
        job
    };
    let (kept, gone) = (linked(&mut site, Some(Retention::Period(60))), linked(&mut site, None));
    site.local.change_batch(batch, BatchChange::Delete).unwrap();
    let found = status(&mut site, &kept).unwrap();
    assert_eq!((found.state, found.lifetime.ending), (JobState::Retained, Some(Ending::CancelledByUser)));
    assert_eq!((status(&mut site, &gone), files(&site)), (None, 1));
    // What is kept stays until its time, and loses nothing of how it ended.
    site.local.change_batch(batch, BatchChange::Delete).unwrap();
    assert_eq!(status(&mut site, &kept).unwrap().lifetime.ending, Some(Ending::CancelledByUser));
}

#[test]
fn a_job_that_is_only_kept_is_not_kept_for_no_time() {
    let mut site = Site::printing();
    let refused = site.try_submit("office.front", |job| {
        job.keep = true;
        job.lifetime.retention = Some(Retention::Period(0));
    });
    assert_eq!(refused.unwrap_err().kind, FailureKind::BadValue);
    assert_eq!(files(&site), 0);
}
