//! PINs at a station: how wrong ones are counted, and for how long nothing is looked at.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::station::{BrowserPlace, MOST_WRONG, Pin};
use crate::model::{Call, Caller};
use crate::spool::disk::base::{Access, open};
use crate::spool::interface::operations::Operations;
use crate::spool::secure::pin::KnownPerson;
use crate::spool::testing::{Site, clock, jump, name, pass, user};

const RIGHT: &str = "4071";
const WRONG: &str = "1234";
const FROM: BrowserPlace = BrowserPlace { address: IpAddr::V4(Ipv4Addr::LOCALHOST), here: true };
const AFAR: BrowserPlace = BrowserPlace { address: IpAddr::V4(Ipv4Addr::LOCALHOST), here: false };

fn call() -> Call {
    let mut owner: Caller = user("ann", nix::unistd::geteuid().as_raw());
    owner.operator = true;
    Call::of(&owner, &clock())
}

fn set_pin(site: &Site, pin: &str) {
    site.spool.set_pin(&call(), name("nobody.here"), Some(Pin::new(pin))).unwrap();
}

/// The station `hall`, and a user without an account on this machine who has a PIN.
fn site() -> Site {
    let mut site = Site::empty();
    let bank = ManagedChange {
        field: Field::from_stored("bank").unwrap(),
        edit: ManagedEdit::Set(Value::Many(vec![Value::Text("pin".into())])),
    };
    for (class, name, changes) in
        [(ManagedClass::Station, "hall", vec![bank]), (ManagedClass::User, "nobody.here", Vec::new())]
    {
        site.local.create_managed(ManagedObject { class, name: name.to_owned() }, changes, None).unwrap();
    }
    set_pin(&site, RIGHT);
    site
}

fn log_on(site: &Site, pin: &str) -> Option<KnownPerson> {
    site.spool.log_on(&name("hall"), "nobody.here", &Pin::new(pin), FROM, &clock()).unwrap()
}

fn wrong(site: &Site, times: u32) {
    for _ in 0..times {
        assert!(log_on(site, WRONG).is_none());
    }
}

#[test]
fn the_lock_ends_by_the_time_of_the_spool_and_the_sixth_wrong_one_doubles_it() {
    let site = site();
    wrong(&site, MOST_WRONG);
    // Somebody sets the clock of the machine: no time has passed.
    jump(3600);
    assert!(log_on(&site, RIGHT).is_none());
    pass(59);
    assert!(log_on(&site, RIGHT).is_none(), "what comes while it is locked is not looked at");
    pass(1);
    wrong(&site, 1);
    pass(119);
    assert!(log_on(&site, RIGHT).is_none(), "the sixth one locks for twice as long");
    pass(1);
    assert!(log_on(&site, RIGHT).is_some(), "what came while it was locked does not lock for longer");
}

#[test]
fn nobody_shuts_out_from_afar_who_stands_at_the_station_nor_the_other_way_round() {
    let site = site();
    let at = |pin, from| site.spool.log_on(&name("hall"), "nobody.here", &Pin::new(pin), from, &clock()).unwrap();
    let is_in = |from| at(RIGHT, from).is_some();
    for _ in 0..MOST_WRONG {
        assert!(at(WRONG, AFAR).is_none());
    }
    assert_eq!(
        (is_in(AFAR), is_in(FROM), is_in(AFAR)),
        (false, true, false),
        "one who is right here forgives none afar"
    );
    pass(60);
    assert!(is_in(AFAR));
    wrong(&site, MOST_WRONG);
    assert_eq!((is_in(FROM), is_in(AFAR)), (false, true));
}

#[test]
fn the_right_one_ends_the_count() {
    let site = site();
    for _ in 0..2 {
        wrong(&site, MOST_WRONG - 1);
        assert_eq!(log_on(&site, RIGHT).unwrap().caller.user, "nobody.here");
    }
    wrong(&site, MOST_WRONG);
    assert!(log_on(&site, RIGHT).is_none());
    // A new PIN begins anew.
    set_pin(&site, "5083");
    assert!(log_on(&site, "5083").is_some());
}

#[test]
fn a_crash_forgives_none() {
    let site = site();
    // Each is counted, and nothing comes after that.
    for _ in 0..MOST_WRONG {
        site.spool.try_pin(&Call::of_spooler(&clock()), Some(name("nobody.here")), "hall".into(), true).unwrap();
    }
    let again = open(site.spool.base(), Access::Existing { now: clock() }).unwrap();
    let log_on = || again.log_on(&name("hall"), "nobody.here", &Pin::new(RIGHT), FROM, &clock()).unwrap();
    assert!(log_on().is_none());
    pass(60);
    assert!(log_on().is_some());
}

#[test]
fn a_pin_that_changes_while_it_is_looked_at_lets_nobody_in() {
    let site = site();
    let call = Call::of_spooler(&clock());
    let tried = || site.spool.try_pin(&call, Some(name("nobody.here")), "hall".into(), true).unwrap();
    assert!(site.spool.let_in(&call, tried()).unwrap().is_some());
    let before = tried();
    set_pin(&site, "5083");
    assert!(site.spool.let_in(&call, before).unwrap().is_none());
    let before = tried();
    site.spool.set_pin(&self::call(), name("nobody.here"), None).unwrap();
    assert!(site.spool.let_in(&call, before).unwrap().is_none());
}

#[test]
fn a_name_that_nobody_has_and_a_user_without_a_pin_are_let_in_by_no_pin() {
    let site = site();
    let at = |user: &str, pin| site.spool.log_on(&name("hall"), user, &Pin::new(pin), FROM, &clock()).unwrap();
    assert!(at("somebody.else", RIGHT).is_none());
    assert!(at("no name\0", RIGHT).is_none());
    site.spool.set_pin(&call(), name("nobody.here"), None).unwrap();
    for pin in [RIGHT, "", "no digits at all"] {
        assert!(at("nobody.here", pin).is_none(), "{pin}");
    }
}
