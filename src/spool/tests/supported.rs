//! What destinations say that they support, and the jobs that they get.

use super::bounds::device_with;
use super::*;
use crate::model::FailureKind;
use crate::model::field::Value;
use crate::model::job::Format;
use crate::model::managed::ManagedClass;
use crate::model::order::Reorder;
use crate::model::state::{HoldReason, JobState};
use crate::model::why::{Cause, DeviceCause};

/// What a destination prints alone.
fn formats(names: &[&str]) -> [(&'static str, Value); 1] {
    let names = names.iter().map(|name| Value::Text((*name).to_owned())).collect();
    [("document-formats-supported", Value::Many(names))]
}

/// A job of a document of that format; its number, or that it was refused.
fn sent_as(site: &Site, to: &str, format: Format, form: &str) -> Result<u32, FailureKind> {
    let mut submission = site.submission(to);
    submission.documents[0].format = Some(format);
    submission.form = form.into();
    site.hand_in(submission, b"octets").map(|taken| taken.0.number.get()).map_err(|failure| failure.kind)
}

#[test]
fn a_device_takes_the_formats_that_a_program_of_it_makes_into_what_it_prints() {
    let site = Site::new();
    let pdf = DeviceChange::Transform("application/pdf to-pcl".parse().unwrap());
    device_with(&site, "ONE", "#Q.ONE", &formats(&["pcl"]), vec![pdf]);
    let sent = |format| sent_as(&site, "q.one", format, "").err();
    // A stream that nobody has a name for leaves as it came.
    for format in [Format::Pcl, Format::Pdf, Format::Passthru] {
        assert_eq!(sent(format), None, "{format:?}");
    }
    assert_eq!(sent(Format::PostScript), Some(FailureKind::UnsupportedFormat));
    let change = |change| site.spool.change_device(&site.call(), "ONE".parse().unwrap(), vec![change]);
    site.spool.drain_device(&site.call(), "ONE".parse().unwrap()).unwrap();
    change(DeviceChange::ContentRaw(true)).unwrap();
    assert_eq!(sent(Format::PostScript), None, "CONTENT RAW takes everything");
    change(DeviceChange::ContentRaw(false)).unwrap();
    change(DeviceChange::NoTransform(None)).unwrap();
    assert_eq!(sent(Format::Pdf), Some(FailureKind::UnsupportedFormat), "its program is gone");
}

#[test]
fn a_job_goes_to_the_device_that_can_print_it_also_when_another_one_has_its_form() {
    let site = Site::new();
    device_with(&site, "ONE", "#Q.ONE", &formats(&["pcl"]), vec![DeviceChange::Form("GREEN".into())]);
    let two = device_with(&site, "TWO", "#Q.TWO", &formats(&["pdf"]), vec![]);
    let job = sent_as(&site, "#q", Format::Pdf, "GREEN").unwrap();
    assert_eq!(site.status(job).unwrap().assigned.map(|device| device.to_string()), Some("TWO".into()));
    let lease = site.begins();
    assert!(site.claim(&lease, two).is_none());
    let causes = site.spool.why(&site.call(), &reference(job)).unwrap().causes;
    let form = |cause: &Cause| matches!(cause, Cause::Device { cause: DeviceCause::Form { .. }, .. });
    assert!(causes.len() == 1 && form(&causes[0]), "{causes:?}");
    // Of several that can print it one that has the form is better.
    device_with(&site, "THREE", "#Q.THREE", &formats(&["pdf"]), vec![DeviceChange::Form("GREEN".into())]);
    let next = sent_as(&site, "#q", Format::Pdf, "GREEN").unwrap();
    assert_eq!(site.status(next).unwrap().assigned.map(|device| device.to_string()), Some("THREE".into()));
}

fn reorder(site: &Site, job: u32, to: Reorder) -> Result<(), FailureKind> {
    let done = site.spool.reorder_job(&site.call(), &reference(job), &to, None);
    done.map(drop).map_err(|failure| failure.kind)
}

fn assigned(site: &Site, job: u32) -> Option<String> {
    site.status(job).unwrap().assigned.map(|device| device.to_string())
}

#[test]
fn a_job_is_put_on_no_device_that_does_not_support_it() {
    let site = Site::new();
    device_with(&site, "ONE", "#Q.ONE", &formats(&["pcl"]), vec![]);
    device_with(&site, "TWO", "#Q.TWO", &formats(&["pdf"]), vec![]);
    device_with(&site, "THREE", "#R.THREE", &formats(&["pcl"]), vec![]);
    let on = |device: &str| Reorder::On(device.parse().unwrap());
    let pdf = sent_as(&site, "#q", Format::Pdf, "").unwrap();
    let pcl = sent_as(&site, "#q", Format::Pcl, "").unwrap();
    let there = sent_as(&site, "r.three", Format::Pcl, "").unwrap();
    for to in [on("ONE"), on("THREE"), Reorder::Before(reference(there)), Reorder::Behind(reference(pcl))] {
        assert_eq!(reorder(&site, pdf, to), Err(FailureKind::UnsupportedFormat));
    }
    let shown = site.status(pdf).unwrap();
    assert_eq!((shown.destination.to_string(), assigned(&site, pdf)), ("#Q".into(), Some("TWO".into())));
    // On any device, but on none that could not print it.
    reorder(&site, pdf, Reorder::Anywhere).unwrap();
    assert_eq!(assigned(&site, pdf), Some("TWO".into()));
    // Where the server takes such jobs it waits there, and is free at a place that supports it.
    super::bounds::set_values(
        &site,
        ManagedClass::Server,
        "acme1",
        &[("accept-unsupported-jobs", Value::Boolean(true))],
    )
    .unwrap();
    reorder(&site, pdf, on("THREE")).unwrap();
    let shown = site.status(pdf).unwrap();
    assert_eq!((shown.destination.to_string(), shown.state), ("#R.THREE".into(), JobState::Held));
    assert!(shown.reasons.has(HoldReason::Unsupported));
    reorder(&site, pdf, on("TWO")).unwrap();
    let shown = site.status(pdf).unwrap();
    assert_eq!((shown.destination.to_string(), shown.state), ("#Q.TWO".into(), JobState::Ready));
}

#[test]
fn a_broadcast_prints_on_the_devices_that_support_it() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &formats(&["pcl"]), vec![]);
    let two = device_with(&site, "TWO", "#Q.TWO", &formats(&["pdf"]), vec![]);
    let three = site.device("THREE", "#Q.THREE", vec![]);
    site.device("FOUR", "#R.FOUR", vec![]);
    site.spool.set_broadcast(&site.call(), "Q".parse().unwrap(), true).unwrap();
    let lease = site.begins();
    let sent = sent_as(&site, "#q", Format::Pdf, "").unwrap();
    let moved = sent_as(&site, "r.four", Format::Pdf, "").unwrap();
    site.spool.resubmit_job(&site.call(), &reference(moved), "#q".into(), false).unwrap();
    assert_eq!(site.print_all(&lease, one), [0; 0]);
    assert_eq!(site.print_all(&lease, two), [sent, moved]);
    assert_eq!(site.print_all(&lease, three), [sent, moved]);
    assert!(site.status(sent).is_err(), "it has printed everywhere");
    assert_eq!(sent_as(&site, "#q", Format::PostScript, ""), Ok(moved + 1), "one device takes everything");
}

#[test]
fn a_job_that_is_put_into_a_secure_queue_waits_there_for_its_owner() {
    let site = Site::new();
    site.device("ONE", "#Q.ONE", vec![]);
    site.device("TWO", "#S.TWO", vec![]);
    super::bounds::set_values(&site, ManagedClass::Queue, "S", &[("release-type", Value::Text("secure".into()))])
        .unwrap();
    let job = site.job("q.one", 1);
    reorder(&site, job, Reorder::On("TWO".parse().unwrap())).unwrap();
    assert!(site.status(job).unwrap().reasons.has(HoldReason::SecureRelease));
}
