//! What destinations say that they support, and the jobs that they get.

use super::bounds::device_with;
use super::*;
use crate::model::FailureKind;
use crate::model::field::Value;
use crate::model::job::Format;
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
    assert_eq!(sent(Format::PostScript), Some(FailureKind::Unsupported));
    let change = |change| site.spool.change_device(&site.call(), "ONE".parse().unwrap(), vec![change]);
    site.spool.drain_device(&site.call(), "ONE".parse().unwrap()).unwrap();
    change(DeviceChange::ContentRaw(true)).unwrap();
    assert_eq!(sent(Format::PostScript), None, "CONTENT RAW takes everything");
    change(DeviceChange::ContentRaw(false)).unwrap();
    change(DeviceChange::NoTransform(None)).unwrap();
    assert_eq!(sent(Format::Pdf), Some(FailureKind::Unsupported), "its program is gone");
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
