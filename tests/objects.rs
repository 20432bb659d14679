//! Objects that are only kept, on a spool in the caller's process and on one behind the wire.

use std::path::Path;
use std::sync::Arc;

use spoolsuite::model::field::Value;
use spoolsuite::model::object::{ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectPage, ObjectStatus};
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, FailureKind};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::interface::records::EventSubject;
use spoolsuite::spool::{Base, Local, Nobody};
use spoolsuite::sys::users;

fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "test".into() }
}

fn spool(base: &Path, wire: bool, caller: Caller) -> Box<dyn Operations> {
    let access = Access::Create { server: "acme1".parse().unwrap(), now: clock() };
    let local = Local::new(open(&Base::new(base), access).unwrap(), caller, clock, Arc::new(Nobody));
    if !wire {
        return Box::new(local);
    }
    Box::new(spoolsuite::server::pair(move |_| Ok(Box::new(local))).unwrap().0)
}

/// Carries out `test` on both kinds of spool.
fn both_ways(test: impl Fn(&Path, bool)) {
    for wire in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        test(&dir.path().join("base"), wire);
    }
}

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

fn text(attribute: &str, value: &str) -> ObjectAttribute {
    ObjectAttribute::of(attribute, Value::Text(value.into()))
}

fn medium(identifier: &str) -> Vec<ObjectAttribute> {
    vec![text("medium-identifier", identifier)]
}

const MEDIUM: ObjectClass = ObjectClass::Medium;
const PROFILE: ObjectClass = ObjectClass::NotificationProfile;

#[test]
fn an_object_is_created_changed_listed_and_deleted_and_its_events_tell_it() {
    both_ways(|base, wire| {
        let mut spool = spool(base, wire, users::caller());
        let holes = ObjectAttribute::of("medium-holes-count", Value::Integer(4));
        let given = vec![holes.clone(), text("medium-identifier", "iso-a4")];
        spool.create_object(MEDIUM, name("A4-punched"), given).unwrap();
        let shown = |page: ObjectPage| page.rows;
        let expected = ObjectStatus {
            class: MEDIUM,
            name: name("A4-punched"),
            attributes: vec![text("medium-identifier", "iso-a4"), holes],
        };
        assert_eq!(shown(spool.objects(MEDIUM, Some(name("a4-PUNCHED")), None, 1).unwrap()), [expected]);
        assert!(shown(spool.objects(PROFILE, None, None, 10).unwrap()).is_empty(), "another class");
        let changes = vec![
            ObjectChange::Set(text("descriptor", "for binders")),
            ObjectChange::Clear("medium-holes-count".into()),
        ];
        spool.set_object(MEDIUM, name("a4-punched"), changes.clone()).unwrap();
        spool.set_object(MEDIUM, name("a4-punched"), changes).unwrap();
        let now = &shown(spool.objects(MEDIUM, None, None, 10).unwrap())[0];
        assert_eq!(now.attributes, [text("medium-identifier", "iso-a4"), text("descriptor", "for binders")]);
        assert_eq!(now.name.as_str(), "A4-punched", "as it was created");
        let events = spool.events(EventSubject::Object(MEDIUM, name("a4-punched")), 0).unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.what.word(), event.why.as_str())).collect();
        assert_eq!(told, [("declared", "A4-punched"), ("altered", "medium-holes-count, descriptor")]);
        assert_eq!(events[0].who, users::caller().user);
        spool.delete_object(MEDIUM, name("A4-PUNCHED")).unwrap();
        let gone = spool.objects(MEDIUM, Some(name("a4-punched")), None, 1).unwrap_err();
        assert_eq!((gone.kind, gone.message.as_str()), (FailureKind::NotFound, "cannot find medium a4-punched"));
        assert_eq!(spool.delete_object(MEDIUM, name("a4-punched")).unwrap_err().kind, FailureKind::NotFound);
        spool.create_object(MEDIUM, name("a4-punched"), medium("again")).unwrap();
        let events = spool.events(EventSubject::Object(MEDIUM, name("a4-punched")), 0).unwrap();
        assert_eq!(events.len(), 1, "the new object has a history of its own");
    });
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    both_ways(|base, wire| {
        let mut spool = spool(base, wire, users::caller());
        spool.create_object(MEDIUM, name("a4"), medium("iso-a4")).unwrap();
        let taken = spool.create_object(MEDIUM, name("A4"), medium("other")).unwrap_err();
        assert_eq!((taken.kind, taken.message.as_str()), (FailureKind::State, "medium a4 exists already"));
        let half = vec![ObjectChange::Set(text("message", "x")), ObjectChange::Clear("medium-identifier".into())];
        let incomplete = spool.set_object(MEDIUM, name("a4"), half).unwrap_err();
        assert_eq!(incomplete.kind, FailureKind::BadValue);
        assert!(incomplete.message.contains("needs the attribute medium-identifier"), "{incomplete}");
        let absent = spool.set_object(MEDIUM, name("a5"), Vec::new()).unwrap_err();
        assert_eq!(absent.kind, FailureKind::NotFound);
        let unknown = spool.create_object(MEDIUM, name("a5"), vec![text("colour", "red")]).unwrap_err();
        assert!(unknown.message.contains("has no attribute colour"), "{unknown}");
        assert_eq!(spool.objects(MEDIUM, None, None, 10).unwrap().rows[0].attributes, medium("iso-a4"));
        let events = spool.events(EventSubject::Object(MEDIUM, name("a4")), 0).unwrap();
        assert_eq!(events.len(), 1);
    });
}

#[test]
fn only_who_may_configure_the_spool_changes_objects_and_everybody_may_look() {
    both_ways(|base, wire| {
        let mut creator = spool(base, wire, users::caller());
        creator.create_object(MEDIUM, name("a4"), medium("iso-a4")).unwrap();
        let stranger = Caller { uid: users::caller().uid + 1, user: "bob".into(), ..users::caller() };
        let mut bob = spool(base, wire, stranger);
        for refused in [
            bob.create_object(MEDIUM, name("a5"), medium("iso-a5")),
            bob.set_object(MEDIUM, name("a4"), vec![ObjectChange::Set(text("message", "x"))]),
            bob.delete_object(MEDIUM, name("a4")),
        ] {
            assert_eq!(refused.unwrap_err().kind, FailureKind::Security);
        }
        assert_eq!(bob.objects(MEDIUM, None, None, 10).unwrap().rows.len(), 1);
    });
}

#[test]
fn a_listing_comes_in_pages_by_name_and_a_page_of_large_objects_is_cut() {
    both_ways(|base, wire| {
        let mut spool = spool(base, wire, users::caller());
        for n in 0..7 {
            spool.create_object(MEDIUM, name(&format!("m{n}")), medium("x")).unwrap();
        }
        let mut names = Vec::new();
        let (mut after, mut pages) = (None, 0);
        loop {
            let page = spool.objects(MEDIUM, None, after, 3).unwrap();
            names.extend(page.rows.iter().map(|row| row.name.to_string()));
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!((names.join(" ").as_str(), pages), ("m0 m1 m2 m3 m4 m5 m6", 3));
        let values = (0..64).map(|n| Value::Text(format!("{n:0255}"))).collect::<Vec<_>>();
        let large = vec![ObjectAttribute { name: "event-identifiers".into(), values }];
        for n in 0..70 {
            spool.create_object(PROFILE, name(&format!("p{n:02}")), large.clone()).unwrap();
        }
        let first = spool.objects(PROFILE, None, None, 1000).unwrap();
        assert!(first.rows.len() < 70 && first.next.is_some(), "{}", first.rows.len());
        let second = spool.objects(PROFILE, None, first.next.clone(), 1000).unwrap();
        assert_eq!((first.rows.len() + second.rows.len(), second.next), (70, None));
    });
}
