//! Bounds for the work that waits in a queue, and what goes to the backup of a device that has failed.

use super::*;
use crate::model::alter::JobChange;
use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::Format;
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject, PauseWhen};
use crate::model::state::JobState;
use crate::spool::interface::engine::Observation;
use crate::spool::interface::records::EventSubject;

pub(super) fn set_values(
    site: &Site,
    class: ManagedClass,
    name: &str,
    values: &[(&str, Value)],
) -> Result<(), Failure> {
    let change = |(attribute, value): &(&str, Value)| ManagedChange {
        field: Field::from_stored(attribute).unwrap(),
        edit: ManagedEdit::Set(value.clone()),
    };
    let object = ManagedObject { class, name: name.into() };
    site.spool.set_managed(&site.call(), object, values.iter().map(change).collect(), None).map(drop)
}

pub(super) fn bounds(site: &Site, queue: &str, values: &[(&str, i64)]) -> Result<(), Failure> {
    let values: Vec<(&str, Value)> = values.iter().map(|(name, minutes)| (*name, Value::Integer(*minutes))).collect();
    set_values(site, ManagedClass::Queue, queue, &values)
}

/// Minutes of work in a queue, and whether it is backlogged.
fn backlog(site: &Site, queue: &str) -> Option<(u64, bool)> {
    let groups = site.spool.groups(&site.call(), None).unwrap();
    let group = groups.into_iter().find(|group| group.name == queue.parse().unwrap()).unwrap();
    group.backlog.map(|backlog| (backlog.minutes, backlog.backlogged))
}

/// What the log of the spool says of bounds, oldest first.
fn said(site: &Site) -> Vec<String> {
    let events = site.spool.events(&site.call(), &EventSubject::Spool, 0).unwrap();
    let of_bounds =
        events.into_iter().filter(|event| matches!(event.what, EventWord::Backlogged | EventWord::Relieved));
    of_bounds.map(|event| format!("{} {}: {}", event.who, event.what, event.why)).collect()
}

#[test]
fn a_queue_is_backlogged_above_its_upper_bound_until_it_falls_below_the_lower_one() {
    let site = Site::new();
    let lp = site.device("LP1", "#Q.ONE", vec![DeviceChange::Speed(60)]);
    site.device("LP2", "#Q.TWO", vec![DeviceChange::Speed(40)]);
    let lease = site.begins();
    site.job("q.one", 250);
    assert_eq!(backlog(&site, "Q"), None, "no estimate is made without an upper bound");
    bounds(&site, "Q", &[("backlog-upper-bound", 5), ("backlog-lower-bound", 2)]).unwrap();
    // 250 lines at 100 lines a minute; what is there when the bound is set counts.
    assert_eq!(backlog(&site, "Q"), Some((3, false)));
    let more = site.job("#q", 250);
    assert_eq!(backlog(&site, "Q"), Some((5, false)), "as much as the bound is not more");
    let last = site.job("q.one", 1);
    assert_eq!(backlog(&site, "Q"), Some((6, true)));
    // Between the bounds it stays what it is.
    site.spool.hold_job(&site.call(), &reference(more)).unwrap();
    assert_eq!(backlog(&site, "Q"), Some((3, true)));
    site.spool.start_job(&site.call(), &reference(more)).unwrap();
    assert_eq!((backlog(&site, "Q"), said(&site).len()), (Some((6, true)), 1), "it is said once");
    // A job counts until it is printed.
    site.spool.delete_job(&site.call(), &reference(more), None, None).unwrap();
    let claim = site.claim(&lease, lp).unwrap();
    assert_eq!(backlog(&site, "Q"), Some((3, true)));
    site.spool.drain_device(&site.call(), "LP1".parse().unwrap()).unwrap();
    site.ends(&lease, &claim, sent());
    assert_eq!(backlog(&site, "Q"), Some((1, false)));
    let copies = JobChange::Copies { document: None, copies: Some(900) };
    site.spool.alter_job(&site.call(), &reference(last), vec![copies]).unwrap();
    assert_eq!(backlog(&site, "Q"), Some((9, true)));
    // Sent on, its work goes with it.
    site.device("LP3", "#R.ONE", vec![]);
    site.spool.resubmit_job(&site.call(), &reference(last), "r.one".into(), false).unwrap();
    assert_eq!(backlog(&site, "Q"), Some((0, false)));
    let said = said(&site);
    assert_eq!(said.len(), 4, "{said:#?}");
    assert!(said[0].contains("queue Q: its jobs take 0:06, more than 0:05"), "{said:#?}");
    assert!(said[1].contains("queue Q: its jobs take 0:01, the bound is 0:02"), "{said:#?}");
}

#[test]
fn bounds_fit_together_and_the_interval_that_is_zero_ends_the_estimates() {
    let site = Site::new();
    site.device("LP1", "#Q.ONE", vec![]);
    let refused = |values: &[(&str, i64)]| bounds(&site, "Q", values).unwrap_err().message;
    assert_eq!(
        refused(&[("backlog-lower-bound", 61), ("backlog-upper-bound", 60)]),
        "backlog-lower-bound: it is more than backlog-upper-bound"
    );
    assert_eq!(
        refused(&[("backlog-update-interval", 61), ("backlog-upper-bound", 60)]),
        "backlog-update-interval: it is more than backlog-upper-bound"
    );
    let interval = || {
        let groups = site.spool.groups(&site.call(), None).unwrap();
        let given = groups.into_iter().flat_map(|group| group.given);
        given.into_iter().find(|one| one.0.stored() == "backlog-update-interval").map(|one| one.1)
    };
    bounds(&site, "Q", &[("backlog-upper-bound", 90)]).unwrap();
    assert_eq!(interval(), Some(Value::Integer(3)), "a thirtieth of the first upper bound");
    bounds(&site, "Q", &[("backlog-upper-bound", 1)]).unwrap_err();
    bounds(&site, "Q", &[("backlog-upper-bound", 4)]).unwrap();
    assert_eq!(interval(), Some(Value::Integer(3)), "it does not follow the bound");
    site.job("q.one", 1000);
    // Without a lower bound the upper one is both.
    assert_eq!(backlog(&site, "Q"), Some((10, true)));
    bounds(&site, "Q", &[("backlog-upper-bound", 10)]).unwrap();
    assert_eq!(backlog(&site, "Q"), Some((10, false)));
    bounds(&site, "Q", &[("backlog-update-interval", 0)]).unwrap();
    assert_eq!(backlog(&site, "Q"), None);
}

/// A device behind a location of its own, with what was set of it.
pub(super) fn device_with(
    site: &Site,
    name: &str,
    location: &str,
    values: &[(&str, Value)],
    changes: Vec<DeviceChange>,
) -> DeviceId {
    let device: DeviceName = name.parse().unwrap();
    let mut all = vec![DeviceChange::Process(site.process()), DeviceChange::Uri(DeviceUri::Null)];
    all.extend(changes);
    site.spool.change_device(&site.call(), device.clone(), all).unwrap();
    site.spool.route_location(&site.call(), location.parse().unwrap(), Some(device.clone())).unwrap();
    set_values(site, ManagedClass::Destination, &format!("${name}"), values).unwrap();
    site.spool.start_device(&site.call(), device.clone()).unwrap();
    site.spool.device(&site.call(), &device).unwrap().id
}

fn backed_up(backups: &[&str]) -> Vec<(&'static str, Value)> {
    let backups = backups.iter().map(|name| Value::Text((*name).to_owned())).collect();
    vec![
        ("automated-backup-destination-enabled", Value::Boolean(true)),
        ("backup-destinations", Value::Many(backups)),
        ("backup-destination-retry-interval", Value::Integer(30)),
    ]
}

fn fails(site: &Site, lease: &Lease, device: DeviceId) {
    let since_ms = site.now().wall_ms;
    let error =
        ErrorNote { number: 100, text: "not ready".into(), since_ms, next_try_ms: Some(since_ms + 9_000), tries: 1 };
    site.spool.observe(lease, device, Observation::Failed(error), &site.now()).unwrap();
}

fn due(site: &Site) -> usize {
    site.spool.due(&site.call()).unwrap().len()
}

fn at(site: &Site, job: u32) -> String {
    site.status(job).unwrap().destination.to_string()
}

#[test]
fn what_waits_for_a_device_that_fails_goes_to_its_backup_and_the_rest_stays() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["NOBODY", "TWO", "THREE"]), vec![]);
    let two = site.device("TWO", "#Q.TWO", vec![]);
    let three = site.device("THREE", "#R.THREE", vec![DeviceChange::Form("GREEN".into())]);
    let lease = site.begins();
    let job = site.job("q.one", 5);
    let green = site.job_with("q.one", 5, |job| job.form = "GREEN".into());
    let blue = site.job_with("q.one", 5, |job| job.form = "BLUE".into());
    let held = site.job("q.one", 5);
    site.spool.hold_job(&site.call(), &reference(held)).unwrap();
    let shared = site.job("#q", 5);
    assert_eq!(due(&site), 0);
    fails(&site, &lease, one);
    site.pass(29_000);
    assert_eq!((due(&site), at(&site, job)), (0, "#Q.ONE".into()), "it may come back");
    site.pass(2_000);
    assert_eq!(due(&site), 1);
    let places: Vec<String> = [job, green, blue, held, shared].iter().map(|job| at(&site, *job)).collect();
    assert_eq!(places, ["#Q.TWO", "#R.THREE", "#Q.ONE", "#Q.ONE", "#Q"]);
    let log = site.spool.events(&site.call(), &EventSubject::Job(reference(job)), 0).unwrap();
    assert_eq!(log.last().unwrap().why, "from #Q.ONE to #Q.TWO: $ONE has failed, and $TWO is its backup");
    assert_eq!(site.status(held).unwrap().state, JobState::Held);
    // What arrives later goes on with the next look, and a device that is well again keeps its jobs.
    let later = site.job("q.one", 5);
    due(&site);
    assert_eq!(at(&site, later), "#Q.TWO");
    site.spool.observe(&lease, one, Observation::Recovered, &site.now()).unwrap();
    let own = site.job("q.one", 5);
    due(&site);
    assert_eq!(at(&site, own), "#Q.ONE");
    assert_eq!(site.print_all(&lease, two), [shared, job, later]);
    assert_eq!(site.print_all(&lease, three), [green]);
    assert_eq!(site.print_all(&lease, one), [own]);
}

#[test]
fn a_job_that_was_assigned_within_its_queue_is_assigned_to_the_backup() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![DeviceChange::Speed(900)]);
    let two = site.device("TWO", "#Q.TWO", vec![]);
    super::queues::set(&site, "Q", "assign-to-destination", true);
    let lease = site.begins();
    let job = site.job("#q", 5);
    let assigned = || site.status(job).unwrap().assigned.map(|device| device.to_string());
    assert_eq!(assigned(), Some("ONE".into()));
    fails(&site, &lease, one);
    site.pass(60_000);
    due(&site);
    assert_eq!((assigned(), at(&site, job)), (Some("TWO".into()), "#Q".into()));
    assert_eq!(site.print_all(&lease, two), [job]);
}

#[test]
fn a_paused_queue_sends_nothing_to_a_backup_and_is_sent_nothing() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![]);
    site.device("TWO", "#R.TWO", vec![]);
    let pause = |queue: &str, pause| {
        let object = ManagedObject { class: ManagedClass::Queue, name: queue.into() };
        site.spool.pause_managed(&site.call(), object, pause, None).unwrap();
    };
    let lease = site.begins();
    let first = site.job("q.one", 5);
    fails(&site, &lease, one);
    site.pass(60_000);
    pause("Q", Some(PauseWhen::Now));
    due(&site);
    assert_eq!(at(&site, first), "#Q.ONE", "its queue is paused");
    pause("Q", None);
    due(&site);
    assert_eq!(at(&site, first), "#R.TWO");
    let second = site.job("q.one", 5);
    pause("R", Some(PauseWhen::Now));
    due(&site);
    assert_eq!(at(&site, second), "#Q.ONE", "the queue of its backup is paused");
    pause("R", None);
    due(&site);
    assert_eq!(at(&site, second), "#R.TWO");
}

#[test]
fn a_backup_that_does_not_support_a_job_is_passed_over() {
    for (near, places) in [("#Q.TWO", ["#Q.TWO", "#R.THREE"]), ("#S.TWO", ["#S.TWO", "#R.THREE"])] {
        let site = Site::new();
        let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO", "THREE"]), vec![]);
        let pcl = Value::Many(vec![Value::Text("pcl".into())]);
        device_with(&site, "TWO", near, &[("document-formats-supported", pcl)], vec![]);
        site.device("THREE", "#R.THREE", vec![]);
        let lease = site.begins();
        let jobs = [Format::Pcl, Format::Pdf]
            .map(|format| site.job_with("q.one", 5, |job| job.documents[0].format = Some(format)));
        fails(&site, &lease, one);
        site.pass(60_000);
        due(&site);
        assert_eq!(jobs.map(|job| at(&site, job)), places);
    }
    // Within its queue too: the job names its device.
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![]);
    site.device("TWO", "#Q.TWO", vec![]);
    let lease = site.begins();
    let named = super::secure::given("actual-destinations-requested", Value::Text("ONE".into()), 0);
    let job = site.job_with("#q", 5, |job| job.given = vec![named]);
    fails(&site, &lease, one);
    site.pass(60_000);
    due(&site);
    assert_eq!(site.status(job).unwrap().assigned.map(|device| device.to_string()), Some("ONE".into()));
}

#[test]
fn nothing_moves_where_nobody_asked_or_somebody_stopped_the_device_or_the_backup_fails_too() {
    let site = Site::new();
    let mut off = backed_up(&["TWO"]);
    off[0].1 = Value::Boolean(false);
    let one = device_with(&site, "ONE", "#Q.ONE", &off, vec![]);
    let two = device_with(&site, "TWO", "#Q.TWO", &backed_up(&["ONE", "THREE"]), vec![]);
    let three = device_with(&site, "THREE", "#Q.THREE", &backed_up(&["TWO"]), vec![]);
    let lease = site.begins();
    let jobs = ["q.one", "q.two", "q.three"].map(|to| site.job(to, 5));
    for device in [one, two, three] {
        fails(&site, &lease, device);
    }
    site.pass(60_000);
    due(&site);
    assert_eq!(jobs.map(|job| at(&site, job)), ["#Q.ONE", "#Q.TWO", "#Q.THREE"]);
    site.spool.observe(&lease, one, Observation::Recovered, &site.now()).unwrap();
    site.spool.suspend_device(&site.call(), "TWO".parse().unwrap()).unwrap();
    due(&site);
    assert_eq!(jobs.map(|job| at(&site, job)), ["#Q.ONE", "#Q.TWO", "#Q.THREE"], "its operator has it in hand");
    site.spool.start_device(&site.call(), "TWO".parse().unwrap()).unwrap();
    fails(&site, &lease, two);
    site.pass(60_000);
    due(&site);
    assert_eq!(jobs.map(|job| at(&site, job)), ["#Q.ONE", "#Q.ONE", "#Q.THREE"], "three and its backup fail");
}

#[test]
fn more_jobs_than_one_step_takes_go_to_the_backup_in_their_order() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![DeviceChange::Fifo(true)]);
    let two = site.device("TWO", "#Q.TWO", vec![DeviceChange::Fifo(true)]);
    let lease = site.begins();
    let jobs: Vec<u32> = (0..150).map(|_| site.job("q.one", 1)).collect();
    fails(&site, &lease, one);
    site.pass(60_000);
    due(&site);
    assert_eq!(site.print_all(&lease, two), jobs);
}

#[test]
fn jobs_that_stay_do_not_keep_those_behind_them() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![DeviceChange::Fifo(true)]);
    site.device("TWO", "#R.TWO", vec![DeviceChange::Fifo(true)]);
    site.spool.set_broadcast(&site.call(), "Q".parse().unwrap(), true).unwrap();
    let lease = site.begins();
    let parts: Vec<u32> = (0..70).map(|_| site.job("#q", 1)).collect();
    let job = site.job("q.one", 1);
    fails(&site, &lease, one);
    site.pass(60_000);
    due(&site);
    assert_eq!(at(&site, job), "#R.TWO");
    assert!(parts.iter().all(|part| at(&site, *part) == "#Q"));
}

#[test]
fn jobs_that_no_backup_supports_cost_a_command_the_same_however_many_and_those_behind_move() {
    let steps = |stay: usize| {
        let site = Site::new();
        let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![DeviceChange::Fifo(true)]);
        let pcl = Value::Many(vec![Value::Text("pcl".into())]);
        device_with(&site, "TWO", "#R.TWO", &[("document-formats-supported", pcl)], vec![]);
        let lease = site.begins();
        let sent = |format| site.job_with("q.one", 1, |job| job.documents[0].format = Some(format));
        let stays: Vec<u32> = (0..stay).map(|_| sent(Format::Pdf)).collect();
        let behind = sent(Format::Pcl);
        fails(&site, &lease, one);
        site.pass(60_000);
        let looks = || {
            due(&site);
        };
        let cost = (0..3).map(|_| crate::store::steps_of(looks).0).max().unwrap();
        // Each command looks at the next ones.
        for _ in 0..stay / 100 + 1 {
            due(&site);
        }
        assert_eq!(at(&site, behind), "#R.TWO");
        // What arrives meanwhile moves too, and after the last one the first are looked at again.
        let later = sent(Format::Pcl);
        for _ in 0..stay / 100 + 2 {
            due(&site);
        }
        assert_eq!(at(&site, later), "#R.TWO");
        assert!(stays.iter().all(|job| at(&site, *job) == "#Q.ONE"));
        cost
    };
    let (few, many) = (steps(200), steps(800));
    assert!(many < few + few / 4, "{few} steps, {many} where more stay");
}

#[test]
fn the_jobs_of_one_device_that_stay_do_not_keep_those_of_another_and_a_secure_queue_gets_none() {
    let site = Site::new();
    let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![]);
    let three = device_with(&site, "THREE", "#S.THREE", &backed_up(&["TWO", "FOUR"]), vec![]);
    let pcl = Value::Many(vec![Value::Text("pcl".into())]);
    device_with(&site, "TWO", "#R.TWO", &[("document-formats-supported", pcl)], vec![]);
    site.device("FOUR", "#V.FOUR", vec![]);
    set_values(&site, ManagedClass::Queue, "V", &[("release-type", Value::Text("secure".into()))]).unwrap();
    let lease = site.begins();
    let sent = |to, format| site.job_with(to, 1, |job| job.documents[0].format = Some(format));
    for _ in 0..150 {
        sent("q.one", Format::Pdf);
    }
    let pdf = sent("s.three", Format::Pdf);
    let pcl = sent("s.three", Format::Pcl);
    fails(&site, &lease, one);
    fails(&site, &lease, three);
    site.pass(60_000);
    due(&site);
    assert_eq!((at(&site, pdf), at(&site, pcl)), ("#S.THREE".into(), "#R.TWO".into()));
}

#[test]
fn a_backup_of_another_server_is_no_device_of_this_one() {
    for (backup, place) in [("acme9:TWO", "#Q.ONE"), ("ACME1:TWO", "#Q.TWO")] {
        let site = Site::new();
        let one = device_with(&site, "ONE", "#Q.ONE", &backed_up(&[backup]), vec![]);
        site.device("TWO", "#Q.TWO", vec![]);
        let lease = site.begins();
        let job = site.job("q.one", 1);
        fails(&site, &lease, one);
        site.pass(60_000);
        due(&site);
        assert_eq!(at(&site, job), place, "{backup}");
    }
}

#[test]
fn what_was_released_on_another_server_for_a_device_of_this_one_stays_there() {
    let (a, b) = (Site::new(), Site::of_server("acme2"));
    a.spool.works_with(&a.call(), &"acme2".parse().unwrap()).unwrap();
    a.spool.route_location(&a.call(), "#OFFICE.FRONT".parse().unwrap(), Some("\\acme2.$ONE".parse().unwrap())).unwrap();
    let one = device_with(&b, "ONE", "#Q.ONE", &backed_up(&["TWO"]), vec![DeviceChange::Fifo(true)]);
    b.device("TWO", "#R.TWO", vec![]);
    let lease = b.begins();
    for released in [true, false] {
        a.job("office.front", 1);
        let mut offer = a.spool.send_next(&a.call(), &"acme2".parse().unwrap()).unwrap().unwrap();
        offer.released = released;
        b.spool.take_over(&"acme1".parse().unwrap(), offer.clone(), &b.now()).unwrap();
        a.spool
            .offer_answered(
                &a.call(),
                &"acme2".parse().unwrap(),
                &offer.token,
                crate::model::remote::OfferAnswer::Taken,
            )
            .unwrap();
    }
    fails(&b, &lease, one);
    b.pass(60_000);
    due(&b);
    assert_eq!([1, 2].map(|job| at(&b, job)), ["#Q.ONE", "#R.TWO"]);
}
