//! What a queue says about its jobs: which device gets them, and what becomes of those that fail.

use super::*;
use crate::model::field::{Field, Value};
use crate::model::lifetime::{Ending, Retention};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::order::Reorder;
use crate::model::query::{Condition, Order, Parts, Query};
use crate::model::state::{HoldReason, JobState};

pub(super) fn set(site: &Site, queue: &str, attribute: &str, on: bool) {
    let field = Field::from_stored(attribute).unwrap();
    let object = ManagedObject { class: ManagedClass::Queue, name: queue.into() };
    let change = ManagedChange { field, edit: ManagedEdit::Set(Value::Boolean(on)) };
    site.spool.set_managed(&site.call(), object, vec![change], None).unwrap();
}

fn assigned(site: &Site, job: u32) -> Option<String> {
    site.status(job).unwrap().assigned.map(|device| device.to_string())
}

fn everything() -> Query {
    Query { condition: Condition::Any, order: Order::Number, parts: Parts::ALL }
}

fn data_failed() -> AttemptEnd {
    AttemptEnd::DataFailed { reason: HoldReason::Failed, text: "no".into(), moved: None, touched: false }
}

#[test]
fn a_job_gets_the_device_that_would_be_done_first_and_no_other_prints_it() {
    let site = Site::new();
    let slow = site.device("SLOW", "#G.ONE", vec![DeviceChange::Speed(100)]);
    let fast = site.device("FAST", "#G.TWO", vec![DeviceChange::Speed(190)]);
    let late = site.job("#g", 100);
    assert_eq!(assigned(&site, late), None);
    set(&site, "G", "assign-to-destination", true);
    // 100 lines take the slow one a minute, and the fast one a little more than half a minute.
    let jobs: Vec<u32> = (0..3).map(|_| site.job("#g", 100)).collect();
    let of: Vec<Option<String>> = jobs.iter().map(|job| assigned(&site, *job)).collect();
    assert_eq!(of, ["FAST", "SLOW", "FAST"].map(|name| Some(name.to_owned())));
    // A listing reads the jobs of a page together, and says the same.
    let listed = site.spool.jobs(&site.call(), &everything(), None, 10).unwrap().rows;
    let listed: Vec<Option<String>> =
        listed.into_iter().map(|job| job.assigned.map(|device| device.to_string())).collect();
    assert_eq!(listed[0], None);
    assert_eq!(listed[1..], of);
    let lease = site.begins();
    // A device that stops keeps what it was given.
    site.spool.drain_device(&site.call(), "FAST".parse().unwrap()).unwrap();
    site.spool.observe(&lease, fast, crate::spool::interface::engine::Observation::Drained, &site.now()).unwrap();
    assert_eq!(site.print_all(&lease, slow), [late, jobs[1]]);
    // A new one goes to the other, and so does one that the server is asked to place anew.
    let next = site.job("#g", 1);
    assert_eq!(assigned(&site, next), Some("SLOW".into()));
    site.spool.reorder_job(&site.call(), &reference(jobs[0]), &Reorder::Anew, None).unwrap();
    assert_eq!(assigned(&site, jobs[0]), Some("SLOW".into()));
    site.spool.reorder_job(&site.call(), &reference(jobs[2]), &Reorder::Anywhere, None).unwrap();
    assert_eq!(assigned(&site, jobs[2]), None);
    // A location with a device of its own has no choice.
    let alone = site.job("g.one", 1);
    assert_eq!(assigned(&site, alone), None);
}

#[test]
fn a_job_that_needs_a_paper_gets_a_device_that_has_it() {
    let site = Site::new();
    site.device("FAST", "#G.ONE", vec![DeviceChange::Speed(900)]);
    site.device("SLOW", "#G.TWO", vec![DeviceChange::Speed(1), DeviceChange::Form("CHEQUES".into())]);
    set(&site, "G", "assign-to-destination", true);
    let cheque = site.job_with("#g", 100, |job| job.form = "CHEQUES".into());
    let other = site.job_with("#g", 100, |job| job.form = "GREEN".into());
    assert_eq!((assigned(&site, cheque), assigned(&site, other)), (Some("SLOW".into()), None));
}

#[test]
fn a_job_that_failed_is_held_unless_its_queue_keeps_none_and_a_device_that_failed_gives_it_back() {
    let site = Site::new();
    let device = site.device("LP1", "#G.ONE", vec![]);
    let lease = site.begins();
    let held = site.job("g.one", 1);
    site.ends(&lease, &site.claim(&lease, device).unwrap(), data_failed());
    assert_eq!(site.status(held).unwrap().state, JobState::Held);
    site.spool.delete_job(&site.call(), &reference(held), None, None).unwrap();
    set(&site, "G", "requeue-failed-jobs", false);
    let gone = site.job("g.one", 1);
    site.ends(&lease, &site.claim(&lease, device).unwrap(), data_failed());
    assert!(site.status(gone).is_err() && site.print_files().is_empty());
    let kept = site.job_with("g.one", 1, |job| job.lifetime.retention = Some(Retention::Period(60)));
    site.ends(&lease, &site.claim(&lease, device).unwrap(), data_failed());
    let found = site.status(kept).unwrap();
    assert_eq!((found.state, found.lifetime.ending), (JobState::Retained, Some(Ending::Aborted)));
    // It is printed when it is started again.
    site.spool.start_job(&site.call(), &reference(kept)).unwrap();
    let claim = site.claim(&lease, device).unwrap();
    assert_eq!(claim.number.get(), kept);
    // The fault of a device is none of the job.
    site.spool.attempt_ends(&lease, &claim, device_failed(false), false, &site.now()).unwrap();
    assert_eq!(site.status(kept).unwrap().state, JobState::Ready);
}
