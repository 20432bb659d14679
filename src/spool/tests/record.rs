//! The record of all objects: nothing is missed, and old and new do not change places, whatever the clocks say.

use super::*;
use crate::model::event::EventWord;
use crate::model::history::{ConfigChange, Happening, RecordPlace, Since};

/// What happened since then and behind a place, and the place behind it.
fn all(site: &Site, since: Since, mut after: Option<RecordPlace>) -> (Vec<Happening>, Option<RecordPlace>) {
    let mut found = Vec::new();
    loop {
        let (page, next) = site.spool.record_of_all(&site.call(), since, after).unwrap();
        found.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => return (found, after),
        }
    }
}

#[test]
fn an_event_of_a_clock_that_is_behind_is_neither_missed_nor_told_too_early() {
    let site = Site::new();
    let name: DeviceName = "LP1".parse().unwrap();
    let process = DeviceChange::Process(site.process());
    site.spool.change_device(&site.call(), name.clone(), vec![process]).unwrap();
    let (_, place) = all(&site, Since::Ever, None);
    site.pass(1_000);
    let speed = |call: &Call, speed| {
        site.spool.change_device(call, name.clone(), vec![DeviceChange::Speed(speed)]).unwrap();
    };
    speed(&site.call(), 700);
    let behind = Call::of(&site.caller, &moment(-3_600_000));
    speed(&behind, 800);
    let told = |found: Vec<Happening>| -> Vec<(Option<String>, Option<String>)> {
        let altered = found.into_iter().filter(|one| one.event.what == EventWord::Altered);
        altered.flat_map(|one| one.changes).map(|change| (change.old, change.new)).collect()
    };
    let change = |old: &str, new: &str| (Some(old.to_owned()), Some(new.to_owned()));
    let both = [change("100", "700"), change("700", "800")];
    assert_eq!(told(all(&site, Since::Ever, place).0), both);
    assert_eq!(told(all(&site, Since::Time(site.now().wall_ms), None).0), both);
    // Since a time that is yet to come, and since a crash that never was: there is a place to go on from.
    for since in [Since::Time(site.now().wall_ms + 1), Since::Crash] {
        let (found, place) = all(&site, since, None);
        assert!(found.is_empty() && place.is_some());
        speed(&behind, 900);
        let (found, _) = all(&site, since, place);
        assert_eq!(told(found), [change("800", "900")]);
        speed(&behind, 800);
    }
}

#[test]
fn a_group_that_goes_with_its_last_location_is_on_record() {
    let site = Site::new();
    let location: LocationPattern = "#G.D".parse().unwrap();
    site.spool.route_location(&site.call(), location.clone(), None).unwrap();
    let rules = vec![crate::model::access::AccessChange::parse("TITLES bob").unwrap()];
    let group = crate::model::access::AccessObject::Group("G".parse().unwrap());
    site.spool.set_access(&site.call(), group, rules).unwrap();
    site.spool.delete_location(&site.call(), location).unwrap();
    let (found, _) = all(&site, Since::Ever, None);
    let last = found.last().unwrap();
    assert_eq!((last.kind.as_str(), last.name.as_str(), &last.event.what), ("group", "#G", &EventWord::Deleted));
    assert_eq!((last.changes[0].word.as_str(), last.changes[0].new.as_ref()), ("ACCESS", None));
    // One of which nothing was ever changed has its name there too.
    let location: LocationPattern = "#H.D".parse().unwrap();
    site.spool.route_location(&site.call(), location.clone(), None).unwrap();
    site.spool.delete_location(&site.call(), location).unwrap();
    let (found, _) = all(&site, Since::Ever, None);
    assert_eq!(found.last().unwrap().name, "#H");
}

#[test]
fn what_a_door_counts_and_what_somebody_leaves_there_is_no_change_of_whoever_changes_it_next() {
    use crate::model::field::Value;
    use crate::model::object::{ObjectAttribute, ObjectChange, ObjectClass, ObjectName};
    let site = Site::new();
    let (class, name): (ObjectClass, ObjectName) = (ObjectClass::Door, "D1".parse().unwrap());
    let text = |name: &str, value: &str| ObjectAttribute::of(name, Value::Text(value.into()));
    let door = vec![text("door-kind", "raw"), text("door-listen", "127.0.0.1:9100"), text("door-destination", "a.b")];
    site.spool.create_object(&site.call(), class, name.clone(), door).unwrap();
    let counted = vec![("door-jobs-accepted", Value::Integer(7)), ("door-last-refusal", Value::Text("no".into()))];
    site.spool.report_door(&site.call(), name.clone(), counted).unwrap();
    let change = vec![
        ObjectChange::Set(text("message", "back at ten")),
        ObjectChange::Set(ObjectAttribute::of("door-timeout", Value::Integer(30))),
    ];
    site.spool.set_object(&site.call(), class, name.clone(), change).unwrap();
    let words = |site: &Site| -> Vec<String> {
        all(site, Since::Ever, None).0.pop().unwrap().changes.into_iter().map(|change| change.word).collect()
    };
    assert_eq!(words(&site), ["door-timeout"]);
    for wish in ["drained", "started", "drained"] {
        let wish = vec![ObjectChange::Set(text("door-wish", wish))];
        site.spool.set_object(&site.call(), class, name.clone(), wish).unwrap();
    }
    // What is wanted of it is one word, with the old and the new value.
    let change = |old: Option<&str>, new: Option<&str>| {
        let of = |value: Option<&str>| value.map(str::to_owned);
        vec![ConfigChange { word: "door-wish".into(), old: of(old), new: of(new) }]
    };
    let told = all(&site, Since::Ever, None).0;
    let told: Vec<_> = told[told.len() - 3..].iter().map(|one| one.changes.clone()).collect();
    let (on, off) = (Some("started"), Some("drained"));
    assert_eq!(told, [change(None, off), change(off, on), change(on, off)]);
    site.spool.delete_object(&site.call(), class, name).unwrap();
    assert_eq!(words(&site), ["door-destination", "door-kind", "door-listen", "door-timeout", "door-wish"]);
}
