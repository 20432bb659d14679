//! Sweeps and submissions at the same time, step by step.

use super::*;
use crate::documents::Sheet;
use crate::spool::disk::files::{Intake, Look, Reading};
use crate::spool::disk::locks;

/// A copy and a link that a submission has received, and not committed yet.
fn received(site: &Site, transfer: Transfer) -> Intake {
    let path = site.dir.path().join("theirs");
    std::fs::write(&path, "line\n").unwrap();
    let link_target = (transfer == Transfer::Link).then(|| RawPath(path.clone()));
    let offer = DocumentOffer { file_name: RawPath("theirs".into()), transfer, link_target, copies: 1, format: None };
    let how = Reading {
        look: Look::Read,
        content: None,
        sheet: Sheet::default(),
        least_free: None,
        limits: None,
        adopts: false,
        encrypts: false,
        stop: None,
        spares: None,
    };
    let dir = site.spool.base().server(site.spool.server());
    let file = std::fs::File::open(&path).unwrap().into();
    let intake = Intake::receive(&dir, std::slice::from_ref(&offer), vec![file], how).unwrap();
    intake.sync(&[offer], &Default::default()).unwrap();
    intake
}

#[test]
fn what_a_submission_has_received_stays_until_its_commit_is_over_and_is_an_orphan_then() {
    for transfer in [Transfer::Copy, Transfer::Link] {
        let site = Site::new();
        let mut intake = received(&site, transfer);
        assert_eq!(site.print_files().len(), 1, "it has its name before the transaction");
        assert_eq!(site.spool.sweep().unwrap(), 0, "{transfer:?}");
        // The commit failed, and its outcome is unknown: nothing is deleted. No row came of it.
        intake.keep();
        drop(intake);
        assert_eq!(site.print_files().len(), 1);
        assert_eq!((site.spool.sweep().unwrap(), site.print_files().len()), (1, 0), "{transfer:?}");
        // It was refused: nothing is left.
        drop(received(&site, transfer));
        assert!(site.print_files().is_empty());
    }
}

#[test]
fn a_link_that_somebody_works_on_is_left_to_him() {
    let site = Site::new();
    let dir = site.spool.base().server(site.spool.server());
    std::os::unix::fs::symlink("/nonexistent", dir.join("pdprDANGLE")).unwrap();
    let id = site.spool.base().spool_id(site.spool.server());
    let held = locks::hold_link(&id, "pdprDANGLE").unwrap().unwrap();
    assert!(locks::hold_link(&id, "pdprDANGLE").unwrap().is_none(), "one at a time");
    assert_eq!(site.spool.sweep().unwrap(), 0);
    drop(held);
    assert_eq!(site.spool.sweep().unwrap(), 1);
}

#[test]
fn the_file_of_a_job_stays_however_often_it_is_swept_and_a_link_is_not_followed() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let number = site.job("a.b", 1);
    let theirs = site.dir.path().join("theirs");
    std::fs::write(&theirs, "line\n").unwrap();
    let dir = site.spool.base().server(site.spool.server());
    std::os::unix::fs::symlink(&theirs, dir.join("pdprDANGLE")).unwrap();
    assert_eq!(site.spool.sweep().unwrap(), 1);
    assert!(theirs.exists());
    for _ in 0..3 {
        assert_eq!(site.spool.sweep().unwrap(), 0);
    }
    assert!(site.status(number).unwrap().documents[0].path.0.exists());
    // More than are locked at once.
    for n in 0..300 {
        std::fs::write(dir.join(format!("pdpr{n:06}")), "x").unwrap();
    }
    assert_eq!((site.spool.sweep().unwrap(), site.print_files().len()), (300, 1));
}
