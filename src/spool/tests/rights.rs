//! What others see and may do, and where they may send.

use crate::model::access::{AccessChange, AccessObject};
use crate::model::alter::{JobChange, NewOwner};
use crate::model::authority::UserLimit;
use crate::model::candidate::{KnownName, NameKind};
use crate::model::job::Submission;
use crate::model::order::Priority;
use crate::model::state::{DeviceWish, JobState};
use crate::model::{Caller, FailureKind, JobRef, LocationName};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::spool::testing::{Site, local, name, user};

const BOB: u32 = 4711;

fn bob() -> Caller {
    user("bob", BOB)
}

fn location(group: &str, dest: &str) -> LocationName {
    LocationName { group: name(group), dest: name(dest) }
}

fn rule(site: &mut Site, object: AccessObject, rule: &str) {
    site.local.set_access(object, vec![AccessChange::parse(rule).unwrap()]).unwrap();
}

fn secret(submission: &mut Submission) {
    submission.name = "secret".into();
}

#[test]
fn the_title_of_the_job_in_print_is_its_owners() {
    let mut site = Site::printing();
    site.set_device_wish("LP1", DeviceWish::Started);
    site.submit("office.front", secret);
    let his = site.submit_as(bob(), "office.front", |_| {}).number;
    let alive = site.alive("SPLA");
    let claim = site.claim(&alive, "LP1");
    let mut others = local(&site.spool, bob());
    let running = |of: &mut dyn Operations| of.device(name("LP1")).unwrap().running.unwrap();
    let seen = running(&mut others);
    assert_eq!((seen.job, seen.name.as_str()), (claim.number, ""));
    assert_eq!(others.devices(None).unwrap()[0].running.as_ref().unwrap().name, "");
    assert_eq!(running(&mut site.local).name, "secret");
    // What his own job waits for, and what happened at the device.
    let why = format!("{:?}", others.why(JobRef::Number(his)).unwrap());
    assert!(why.contains(&format!("job: JobNumber({})", claim.number)) && !why.contains("secret"), "{why}");
    let log = format!("{:?}", others.events(EventSubject::Device(name("LP1")), 0).unwrap());
    assert!(!log.contains("secret"), "{log}");
    // Whom a rule lets see titles sees it.
    rule(&mut site, AccessObject::Device(name("LP1")), "TITLES bob");
    assert_eq!(running(&mut others).name, "secret");
}

#[test]
fn a_job_is_given_to_nobody_who_has_as_much_as_he_may() {
    let carl = crate::sys::users::uid_of("daemon").unwrap();
    let mut site = Site::printing();
    site.submit_as(user("daemon", carl), "office.front", |_| {});
    let first = site.submit_as(bob(), "office.front", |_| {}).number;
    let second = site.submit_as(bob(), "office.front", |_| {}).number;
    let mut his = local(&site.spool, bob());
    let give = || vec![JobChange::Owner(NewOwner::Uid(carl))];
    site.local.set_user_limit(UserLimit::Jobs, Some(2)).unwrap();
    his.alter_job(JobRef::Number(first), give()).unwrap();
    let refused = his.alter_job(JobRef::Number(second), give()).unwrap_err();
    assert!(refused.kind == FailureKind::Full && refused.message.contains("USERJOBS"), "{refused}");
    site.local.set_user_limit(UserLimit::Jobs, None).unwrap();
    site.local.set_user_limit(UserLimit::Octets, Some(2500)).unwrap();
    let refused = his.alter_job(JobRef::Number(second), give()).unwrap_err();
    assert!(refused.message.contains("USEROCTETS"), "{refused}");
    // An operator gives it.
    site.local.alter_job(JobRef::Number(second), give()).unwrap();
    assert_eq!(site.local.job(JobRef::Number(second)).unwrap().owner_uid, carl);
}

#[test]
fn who_operates_a_device_puts_jobs_first_there_and_clears_it() {
    let mut site = Site::printing();
    site.set_device_wish("LP1", DeviceWish::Started);
    let first = site.submit("office.front", |_| {}).number;
    let second = site.submit("office.front", |_| {}).number;
    let mut his = local(&site.spool, bob());
    let next = |his: &mut dyn Operations| his.next_job(name("LP1"), JobRef::Number(second));
    let kind = |failure: crate::model::Failure| failure.kind;
    assert_eq!(next(&mut his).map_err(kind), Err(FailureKind::Security));
    assert_eq!(his.clear_device(name("LP1"), false).map(drop).map_err(kind), Err(FailureKind::Security));
    rule(&mut site, AccessObject::Device(name("LP1")), "OPERATE bob");
    next(&mut his).unwrap();
    let alive = site.alive("SPLA");
    assert_eq!(site.claim(&alive, "LP1").number, second);
    assert_eq!(his.clear_device(name("LP1"), true).unwrap().job, Some(second));
    assert_eq!(site.local.job(JobRef::Number(second)).unwrap().state, JobState::Terminating);
    assert_eq!(site.local.job(JobRef::Number(first)).unwrap().state, JobState::Ready);
}

#[test]
fn a_location_is_declared_for_a_job_by_those_who_may_declare_it() {
    let mut site = Site::printing();
    let job = JobRef::Number(site.submit_as(bob(), "office.front", |_| {}).number);
    let to = |to: &str| vec![JobChange::Destination { to: name(to), declare: true }];
    let mut his = local(&site.spool, bob());
    for unknown in ["#MANYX.A1", "#MANYX"] {
        let refused = his.alter_job(job.clone(), to(unknown)).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Security, "{refused}");
        assert!(refused.message.starts_with("there is no location #MANYX."), "{refused}");
    }
    assert_eq!(site.local.locations(None, None).unwrap().len(), 1);
    his.alter_job(job.clone(), to("#OFFICE.FRONT")).unwrap();
    site.local.alter_job(job, to("#MANYX.A1")).unwrap();
    assert_eq!(site.local.locations(None, None).unwrap().len(), 2);
}

#[test]
fn a_job_for_a_group_goes_nowhere_where_its_submitter_may_not_send() {
    let mut site = Site::printing();
    for device in ["PA", "PB"] {
        site.device(device, "SPLA", &[]);
    }
    site.route("#P.ONE", Some("PA"));
    site.route("#P.TWO", Some("PB"));
    let send = |site: &mut Site, who: Caller, to: &str| {
        let job = JobRef::Number(site.submit_as(who.clone(), "office.front", |_| {}).number);
        let mut his = local(&site.spool, who);
        let to = vec![JobChange::Destination { to: name(to), declare: false }];
        his.alter_job(job, to).map(drop).map_err(|failure| failure.message)
    };
    let refused = Err("you may not submit there: ACCESS SUBMIT of #P.ONE does not name you".to_owned());
    assert_eq!(send(&mut site, bob(), "#P"), Ok(()));
    rule(&mut site, AccessObject::Location(location("P", "ONE")), "SUBMIT ann");
    assert_eq!(send(&mut site, bob(), "#P"), refused);
    assert_eq!(send(&mut site, bob(), "#P.ONE"), refused);
    assert_eq!(send(&mut site, bob(), "#P.TWO"), Ok(()));
    assert_eq!(send(&mut site, user("ann", 4712), "#P"), Ok(()));
    // Another location of the group leads there too, or he operates the place.
    site.route("#P.ALSO", Some("PA"));
    assert_eq!(send(&mut site, bob(), "#P"), Ok(()));
    site.route("#P.ALSO", None);
    assert_eq!(send(&mut site, bob(), "#P"), refused);
    rule(&mut site, AccessObject::Device(name("PA")), "OPERATE bob");
    assert_eq!(send(&mut site, bob(), "#P"), Ok(()));
    // Submitting asks the same.
    rule(&mut site, AccessObject::Device(name("PA")), "NONE");
    let refused = site.try_submit_as(bob(), "#P", |job| job.priority = Priority::default()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Security);
    site.submit("#P", |_| {});
}

#[test]
fn completion_names_jobs_to_whoever_sees_them() {
    let mut site = Site::printing();
    let (own, other) = (site.submit_as(bob(), "office.front", |_| {}), site.submit("office.front", secret));
    let names = |of: &mut dyn Operations, kind, beginning: &str| -> Vec<KnownName> {
        of.names(kind, beginning.to_owned(), 1_000).unwrap()
    };
    let mut others = local(&site.spool, bob());
    let only = |names: Vec<KnownName>| names.into_iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(only(names(&mut others, NameKind::JobNumber, "")), [own.number.to_string()]);
    assert_eq!(only(names(&mut others, NameKind::Job, "")), [own.local.to_string()]);
    let all = names(&mut site.local, NameKind::JobNumber, "");
    assert_eq!((all.len(), all[0].name.as_str()), (2, other.number.to_string().as_str()), "the last one comes first");
    assert!(all[0].note.starts_with("secret, "), "{all:?}");
    // The ten digits name only what he sees, too.
    let (his, not_his) = (own.global.serial.to_string(), other.global.serial.to_string());
    assert_eq!(only(names(&mut others, NameKind::Job, &his)), [his.as_str()]);
    assert_eq!(only(names(&mut others, NameKind::Job, &not_his)), [""; 0]);
    // Objects are no secret, and their names compare without case.
    assert_eq!(only(names(&mut others, NameKind::Destination, "OFFICE.F")).len(), 1);
    assert_eq!(
        only(names(&mut others, NameKind::Device, "$lp")).len(),
        only(names(&mut site.local, NameKind::Device, "LP")).len()
    );
}
