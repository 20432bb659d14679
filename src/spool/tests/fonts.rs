//! Fonts: what is sent ahead, and that their jobs stay.

use super::*;
use crate::model::state::JobState;
use crate::model::{FailureKind, FontName};

fn font(name: &str) -> FontName {
    name.parse().unwrap()
}

fn location(name: &str) -> LocationPattern {
    name.parse().unwrap()
}

#[test]
fn a_font_goes_ahead_of_the_jobs_of_its_locations_alone() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    site.device("LP1", "#A.PLAIN", vec![]);
    site.spool.route_location(&site.call(), location("#HOLD.X"), None).unwrap();
    let logo = site.job("hold.x", 3);
    // Accepted although there is no such font yet: nothing goes ahead until there is.
    assert_eq!(site.spool.set_font(&site.call(), location("#A.B"), Some(font("Logo"))).unwrap(), 1);
    let lease = site.begins();
    site.job("a.b", 1);
    let claim = site.claim(&lease, device).unwrap();
    assert!(claim.font.is_empty());
    site.ends(&lease, &claim, sent());
    site.spool.define_font(&site.call(), font("LOGO"), &reference(logo)).unwrap();
    let shown = site.spool.fonts(&site.call(), None).unwrap();
    assert_eq!((shown[0].name.as_str(), shown[0].job.get()), ("LOGO", logo));
    site.job("a.b", 1);
    site.job("a.plain", 1);
    site.job("#a", 1);
    let mut fonts = Vec::new();
    let mut next = site.claim(&lease, device);
    while let Some(claim) = next {
        fonts.push((claim.location.clone(), claim.font.len()));
        next = site.ends(&lease, &claim, sent());
    }
    fonts.sort();
    assert_eq!(fonts, [("#A".into(), 1), ("#A.B".into(), 1), ("#A.PLAIN".into(), 0)]);
    site.spool.delete_font(&site.call(), font("logo")).unwrap();
    site.job("a.b", 1);
    assert!(site.claim(&lease, device).unwrap().font.is_empty(), "the location names a font that there is not");
    assert_eq!(site.spool.delete_font(&site.call(), font("logo")).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn a_job_that_is_a_font_is_not_deleted_and_stays_when_it_was_printed() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    let job = site.job("a.b", 1);
    site.spool.define_font(&site.call(), font("F"), &reference(job)).unwrap();
    let refused = site.spool.delete_job(&site.call(), &reference(job), None, None).unwrap_err();
    assert_eq!((refused.kind, refused.message), (FailureKind::InUse, format!("job {job} is the font F")));
    let lease = site.begins();
    let claim = site.claim(&lease, device).unwrap();
    assert!(claim.font.is_empty(), "a font does not go ahead of itself");
    let cleared = site.spool.clear_device(&site.call(), "lp1".parse().unwrap(), true).unwrap_err();
    assert_eq!(cleared.kind, FailureKind::InUse);
    site.ends(&lease, &claim, sent());
    assert_eq!(site.status(job).unwrap().state, JobState::Held);
    site.spool.delete_font(&site.call(), font("F")).unwrap();
    site.spool.delete_job(&site.call(), &reference(job), None, None).unwrap();
    assert!(site.status(job).is_err());
}

#[test]
fn a_font_is_the_operators() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let job = site.job("a.b", 1);
    let bob = Call::of(&crate::spool::testing::user("bob", 4711), &site.now());
    assert_eq!(site.spool.define_font(&bob, font("F"), &reference(job)).unwrap_err().kind, FailureKind::Security);
    assert_eq!(site.spool.delete_font(&bob, font("F")).unwrap_err().kind, FailureKind::Security);
    assert_eq!(site.spool.set_font(&bob, location("#A.B"), None).unwrap_err().kind, FailureKind::Security);
    for bad in ["", "1A", "A-B", "ABCDEFGHIJKLMNOPQ"] {
        assert!(bad.parse::<FontName>().is_err(), "{bad}");
    }
}
