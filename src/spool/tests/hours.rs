//! Days and hours at which a station may be used.

use jiff::Timestamp;

use crate::model::bank::CardNumber;
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::station::{BrowserPlace, Password, Pin, Typed};
use crate::model::{FailureKind, JobRef};
use crate::spool::interface::operations::Operations;
use crate::spool::secure::pin::LoggedOn;
use crate::spool::testing::{Alive, Site, clock, jump, name};

const HOUR: i64 = 3600;

fn set(attribute: &str, values: &[&str]) -> ManagedChange {
    let many = Value::Many(values.iter().map(|value| Value::Text((*value).into())).collect());
    let value = if values.len() == 1 && attribute == "release-type" { Value::Text(values[0].into()) } else { many };
    ManagedChange { field: Field::from_stored(attribute).unwrap(), edit: ManagedEdit::Set(value) }
}

fn altered(
    site: &mut Site,
    class: ManagedClass,
    name: &str,
    change: ManagedChange,
) -> Result<(), crate::model::Failure> {
    site.local.set_managed(ManagedObject { class, name: name.to_owned() }, vec![change], None).map(drop)
}

/// The time that the clocks of this machine show so many hours from now.
fn at(hours: i64) -> String {
    let then = Timestamp::from_millisecond(clock().wall_ms + hours * HOUR * 1000).unwrap();
    then.to_zoned(crate::sys::clock::zone(None)).strftime("%H:%M").to_string()
}

/// A secure queue with a printer, and the station `hall`, open from an hour ago until in two hours.
fn site() -> (Site, Alive) {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    site.local.start_device(name("LP1")).unwrap();
    altered(&mut site, ManagedClass::Queue, "OFFICE", set("release-type", &["secure"])).unwrap();
    let hours = format!("daily {}-{}", at(-1), at(2));
    let changes = vec![set("related-printers", &["LP1"]), set("bank", &["pin"]), set("access-times", &[&hours])];
    let hall = ManagedObject { class: ManagedClass::Station, name: "hall".to_owned() };
    site.local.create_managed(hall, changes, None).unwrap();
    let person = ManagedObject { class: ManagedClass::User, name: "nobody.here".to_owned() };
    site.local.create_managed(person, Vec::new(), None).unwrap();
    site.local.set_pin(name("nobody.here"), Some(Pin::new("4071"))).unwrap();
    (site, alive)
}

fn submit(site: &mut Site) -> JobRef {
    JobRef::Number(site.submit("#OFFICE.FRONT", |_| {}).number)
}

fn log_on(site: &Site) -> LoggedOn {
    let typed = Typed {
        user: "nobody.here".into(),
        pin: Pin::new("4071"),
        password: Password::default(),
        card: CardNumber::default(),
    };
    let from = BrowserPlace { address: std::net::Ipv4Addr::LOCALHOST.into(), here: true };
    site.spool.log_on(&name("hall"), &typed, from, &clock()).unwrap()
}

#[test]
fn a_closed_station_lets_nobody_in_and_releases_nothing_and_says_when_it_opens() {
    let (mut site, _alive) = site();
    let (first, second) = (submit(&mut site), submit(&mut site));
    let opens = at(-1);
    assert!(log_on(&site).known().is_some());
    site.local.release_job(first.clone(), None, None).unwrap();
    // The clocks of the machine say when it closes, and not how long the spool has been there.
    jump(2 * HOUR);
    assert!(matches!(log_on(&site), LoggedOn::Closed(closed) if closed.to_string().ends_with(&opens)));
    let page = site.local.held_jobs(None, None, 100).unwrap();
    let verdicts: Vec<&str> = page.rows.iter().map(|row| row.verdicts[0].verdict.keyword()).collect();
    assert_eq!(verdicts, ["station-closed", "station-closed"], "and what was released goes on to print");
    let refused = site.local.release_job(second.clone(), None, None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::State);
    assert!(refused.message.contains("not now, because the station is closed until"), "{refused}");
    assert!(refused.message.ends_with(&opens), "{refused}");
    let record = site.local.release_record(0, 100).unwrap();
    assert_eq!(record.rows.last().map(|line| line.result.as_str()), Some("station-closed"));
    let why = format!("{:?}", site.local.why(second.clone()).unwrap());
    assert!(why.contains("StationClosed"), "{why}");
    jump(22 * HOUR);
    assert!(log_on(&site).known().is_some());
    site.local.release_job(second, None, None).unwrap();
}

#[test]
fn a_release_that_was_begun_before_the_closing_time_prints_after_it() {
    let (mut site, alive) = site();
    let job = submit(&mut site);
    site.local.release_job(job.clone(), None, None).unwrap();
    jump(2 * HOUR);
    let claimed = site.claim(&alive, "LP1");
    assert_eq!(JobRef::Number(claimed.number), job);
}

#[test]
fn hours_that_are_none_are_refused_and_a_station_without_any_is_always_open() {
    let (mut site, _alive) = site();
    let set_hours =
        |site: &mut Site, hours: &[&str]| altered(site, ManagedClass::Station, "hall", set("access-times", hours));
    for wrong in ["mon-fri", "mon-fri 8-18", "someday 08:00-18:00", "mon 08:00-08:00"] {
        let refused = set_hours(&mut site, &[wrong]).unwrap_err();
        assert_eq!(refused.kind, FailureKind::BadValue, "{wrong}");
    }
    jump(2 * HOUR);
    assert!(log_on(&site).known().is_none());
    set_hours(&mut site, &["daily 00:00-24:00"]).unwrap();
    assert!(log_on(&site).known().is_some());
    let field = Field::from_stored("access-times").unwrap();
    altered(&mut site, ManagedClass::Station, "hall", ManagedChange { field, edit: ManagedEdit::Reset }).unwrap();
    assert!(log_on(&site).known().is_some());
}
