//! Default jobs: who may make them, and what they may give that a submitter may not.

use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::order::Priority;
use crate::model::{FailureKind, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::testing::{Site, local, user};

fn object(class: ManagedClass, name: &str) -> ManagedObject {
    ManagedObject { class, name: name.to_owned() }
}

fn set(field: Field, value: Value) -> ManagedChange {
    ManagedChange { field, edit: ManagedEdit::Set(value) }
}

/// A site whose location has a default job of priority 90.
fn site() -> Site {
    let mut site = Site::printing();
    let urgent = object(ManagedClass::InitialValueJob, "urgent");
    site.local.create_managed(urgent, vec![set(Field::JobPriority, Value::Integer(90))], None).unwrap();
    let names = set(Field::from_stored("destination-initial-value-job").unwrap(), Value::Text("urgent".into()));
    site.local.set_managed(object(ManagedClass::Destination, "office.front"), vec![names], None).unwrap();
    site
}

#[test]
fn a_default_job_gives_a_priority_that_its_submitter_may_not_give() {
    let mut site = site();
    let accepted = site.submit_as(user("bob", 4711), "office.front", |_| {});
    assert_eq!(site.local.job(JobRef::Number(accepted.number)).unwrap().priority, Priority::new(90).unwrap());
}

#[test]
fn nobody_gives_himself_what_only_a_default_job_may_give() {
    let mut site = site();
    let none = object(ManagedClass::Destination, "office.front");
    let field = Field::from_stored("destination-initial-value-job").unwrap();
    site.local.set_managed(none, vec![ManagedChange { field, edit: ManagedEdit::Reset }], None).unwrap();
    let refused = site.try_submit_as(user("bob", 4711), "office.front", |submission| {
        submission.priority = Priority::new(90).unwrap();
        let (document, field, value) = (0, Field::JobPriority, Value::Integer(90));
        submission.given.push(GivenValue { document, field, value, origin: Origin::DefaultJob });
    });
    assert_eq!(refused.unwrap_err().kind, FailureKind::Security);
}

#[test]
fn only_whoever_configures_the_spool_makes_alters_and_deletes_them() {
    let site = site();
    let mut his = local(&site.spool, user("bob", 4711));
    let (urgent, mine) =
        (object(ManagedClass::InitialValueJob, "urgent"), object(ManagedClass::InitialValueJob, "mine"));
    let high = || vec![set(Field::JobPriority, Value::Integer(100))];
    for refused in [
        his.create_managed(mine, high(), None),
        his.set_managed(urgent.clone(), high(), None),
        his.delete_managed(urgent),
    ] {
        assert_eq!(refused.unwrap_err().kind, FailureKind::Security);
    }
}

/// Gives the destination no default job any more.
fn take_away(site: &mut Site) {
    let field = Field::from_stored("destination-initial-value-job").unwrap();
    let change = ManagedChange { field, edit: ManagedEdit::Reset };
    site.local.set_managed(object(ManagedClass::Destination, "office.front"), vec![change], None).unwrap();
}

/// Names the default job.
fn names(submission: &mut crate::model::job::Submission) {
    let field = Field::from_stored("initial-value-job").unwrap();
    let value = Value::Text("urgent".into());
    submission.given.push(GivenValue { document: 0, field, value, origin: Origin::User });
}

#[test]
fn who_names_a_default_job_asks_for_its_priority_himself() {
    let mut site = site();
    let bob = || user("bob", 4711);
    // Where the place has it, nothing is asked for.
    site.submit_as(bob(), "office.front", names);
    take_away(&mut site);
    assert_eq!(site.try_submit_as(bob(), "office.front", names).unwrap_err().kind, FailureKind::Security);
    // Who may raise priorities may name it.
    site.submit("office.front", names);
}

#[test]
fn a_priority_that_its_place_gave_it_is_in_the_way_of_no_move_of_a_job() {
    let mut site = site();
    site.route("#OFFICE.BACK", Some("LP1"));
    let accepted = site.submit_as(user("bob", 4711), "office.front", |_| {});
    let mut his = local(&site.spool, user("bob", 4711));
    for (to, anew) in [("office.back", true), ("office.front", false), ("office.back", false)] {
        his.resubmit_job(JobRef::Number(accepted.number), to.to_owned(), anew).unwrap();
        let job = site.local.job(JobRef::Number(accepted.number)).unwrap();
        assert_eq!(job.priority, Priority::new(90).unwrap(), "{to}");
    }
}
