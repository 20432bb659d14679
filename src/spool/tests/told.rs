//! Who is told of a trouble only if it lasts.

use super::*;
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::spool::interface::engine::Observation;
use crate::spool::notify::Work;

/// The profiles of the server.
fn told(site: &Site, profiles: &[&str]) {
    let value = Value::Many(profiles.iter().map(|text| Value::Text((*text).to_owned())).collect());
    let field = Field::from_stored("notification-profile").unwrap();
    let object = ManagedObject { class: ManagedClass::Server, name: "acme1".into() };
    let change = ManagedChange { field, edit: ManagedEdit::Set(value) };
    site.spool.set_managed(&site.call(), object, vec![change], None).unwrap();
}

fn work(site: &Site) -> Work {
    site.spool.next_deliveries(&[], 8, &site.now()).unwrap()
}

/// What is due now.
fn texts(site: &Site) -> Vec<String> {
    match work(site) {
        Work::Try(due) => due.into_iter().map(|one| one.text).collect(),
        _ => Vec::new(),
    }
}

const MINUTE: i64 = 60_000;

fn site(profiles: &[&str]) -> (Site, DeviceId, Lease) {
    let site = Site::new();
    let device = site.device("LP1", "#OFFICE.FRONT", vec![]);
    let lease = site.begins();
    told(&site, profiles);
    (site, device, lease)
}

fn fails(site: &Site, lease: &Lease, device: DeviceId) {
    let error = ErrorNote {
        number: 100,
        text: "gone".into(),
        since_ms: site.now().wall_ms,
        next_try_ms: Some(i64::MAX),
        tries: 1,
    };
    site.spool.observe(lease, device, Observation::Failed(error), &site.now()).unwrap();
}

fn works_again(site: &Site, lease: &Lease, device: DeviceId) {
    site.spool.observe(lease, device, Observation::Recovered, &site.now()).unwrap();
}

const LATER: &str =
    "{event-identifiers=destination-needs-attention event-delay=10 delivery-method=e-mail delivery-address=night}";

#[test]
fn a_trouble_that_lasts_is_told_when_it_has_lasted() {
    let (site, device, lease) = site(&[LATER]);
    fails(&site, &lease, device);
    assert_eq!(work(&site), Work::Wait(10 * MINUTE));
    // The same trouble once more is no second one.
    site.pass(MINUTE);
    fails(&site, &lease, device);
    site.pass(9 * MINUTE);
    let said = texts(&site);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("device $LP1.") && said[0].contains("This has lasted for 10 minutes."), "{said:?}");
    // It may be on its way: what happens then takes nothing back.
    works_again(&site, &lease, device);
    assert_eq!(texts(&site).len(), 1);
}

#[test]
fn a_trouble_that_passes_is_no_news() {
    let (site, device, lease) = site(&[LATER]);
    fails(&site, &lease, device);
    site.pass(9 * MINUTE);
    works_again(&site, &lease, device);
    assert_eq!(work(&site), Work::Nothing);
    let about = site.spool.about(&site.call()).unwrap();
    assert_eq!(about.deliveries.waiting, 0);
    // Nor is one that somebody has in hand; the next one begins from the beginning.
    fails(&site, &lease, device);
    site.pass(9 * MINUTE);
    site.spool.drain_device(&site.call(), "LP1".parse().unwrap()).unwrap();
    assert_eq!(work(&site), Work::Nothing);
}

#[test]
fn one_who_wants_to_know_at_once_and_later_is_told_at_once() {
    let at_once = LATER.replace(" event-delay=10", "");
    let (site, device, lease) = site(&[LATER, &at_once]);
    fails(&site, &lease, device);
    let said = texts(&site);
    assert!(said.len() == 1 && !said[0].contains("This has lasted"), "{said:?}");
}

#[test]
fn what_waits_for_a_trouble_to_last_is_in_the_way_of_nothing_else() {
    let at_once = "{event-identifiers=destination-disabled delivery-method=e-mail delivery-address=night}";
    let server =
        "{event-identifiers=destination-needs-attention event-delay=1 delivery-method=exit delivery-address=/bin/page}";
    let (site, device, lease) = site(&[LATER, at_once, server]);
    fails(&site, &lease, device);
    assert_eq!(work(&site), Work::Wait(MINUTE));
    site.pass(MINUTE);
    let said = texts(&site);
    assert!(said.len() == 1 && said[0].contains("for 1 minute."), "{said:?}");
}

#[test]
fn a_device_that_starts_again_by_itself_is_still_in_trouble_until_it_prints() {
    let (site, device, lease) = site(&[LATER]);
    fails(&site, &lease, device);
    for _ in 0..9 {
        site.pass(MINUTE);
        site.spool.observe(&lease, device, Observation::Restarting, &site.now()).unwrap();
        fails(&site, &lease, device);
    }
    assert_eq!(work(&site), Work::Wait(MINUTE));
    site.spool.observe(&lease, device, Observation::Restarting, &site.now()).unwrap();
    site.job("office.front", 1);
    let claim = site.claim(&lease, device).unwrap();
    site.ends(&lease, &claim, sent());
    assert_eq!(work(&site), Work::Nothing);
}
