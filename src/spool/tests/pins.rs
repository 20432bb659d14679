//! PINs at a station: how wrong ones are counted, and for how long nothing is looked at.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::bank::{CardChange, CardNumber};
use crate::model::field::{Field, Value};
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::station::{BrowserPlace, MOST_WRONG, Password, Pin, Typed};
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

fn typed(user: &str, pin: &str) -> Typed {
    Typed { user: user.into(), pin: Pin::new(pin), password: Password::default(), card: CardNumber::default() }
}

fn log_on(site: &Site, pin: &str) -> Option<KnownPerson> {
    site.spool.log_on(&name("hall"), &typed("nobody.here", pin), FROM, &clock()).unwrap().known()
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
    let at = |pin, from| site.spool.log_on(&name("hall"), &typed("nobody.here", pin), from, &clock()).unwrap().known();
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
    let log_on = || again.log_on(&name("hall"), &typed("nobody.here", RIGHT), FROM, &clock()).unwrap().known();
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
    let at = |user: &str, pin| site.spool.log_on(&name("hall"), &typed(user, pin), FROM, &clock()).unwrap().known();
    assert!(at("somebody.else", RIGHT).is_none());
    assert!(at("no name\0", RIGHT).is_none());
    site.spool.set_pin(&call(), name("nobody.here"), None).unwrap();
    for pin in [RIGHT, "", "no digits at all"] {
        assert!(at("nobody.here", pin).is_none(), "{pin}");
    }
}

#[test]
fn a_guest_card_lets_in_for_its_hours_by_the_time_of_the_spool_and_goes_with_its_user() {
    let mut site = site();
    let spool = site.spool.clone();
    let bank = ManagedChange {
        field: Field::from_stored("bank").unwrap(),
        edit: ManagedEdit::Set(Value::Many(vec![Value::Text("card".into())])),
    };
    let hall = ManagedObject { class: ManagedClass::Station, name: "hall".into() };
    site.local.set_managed(hall, vec![bank], None).unwrap();
    let number = CardNumber::new("GUEST-0001");
    let add = CardChange::Add { number: number.clone(), hours: Some(2) };
    spool.set_card(&call(), name("nobody.here"), add).unwrap();
    let shows = |number: &CardNumber| {
        let typed =
            Typed { user: String::new(), pin: Pin::new(""), password: Password::default(), card: number.clone() };
        spool.log_on(&name("hall"), &typed, FROM, &clock()).unwrap().known()
    };
    let known = shows(&number).unwrap();
    assert_eq!(known.caller.user, "nobody.here");
    assert!(shows(&CardNumber::new("GUEST-0002")).is_none());
    // A clock that is set ends nothing.
    jump(24 * 3600);
    assert!(shows(&number).is_some());
    pass(2 * 3600 - 1);
    assert!(spool.still_known(&call(), &name("hall"), &known).unwrap());
    pass(1);
    assert!(shows(&number).is_none());
    assert!(!spool.still_known(&call(), &name("hall"), &known).unwrap(), "it ends what it began");
    for hours in [0, u32::MAX] {
        let bad = CardChange::Add { number: number.clone(), hours: Some(hours) };
        assert!(spool.set_card(&call(), name("nobody.here"), bad).is_err());
    }
    let lasting = CardChange::Add { number: number.clone(), hours: None };
    spool.set_card(&call(), name("nobody.here"), lasting).unwrap();
    pass(10 * 24 * 3600);
    assert!(shows(&number).is_some());
    site.local.delete_managed(ManagedObject { class: ManagedClass::User, name: "nobody.here".into() }).unwrap();
    assert!(shows(&number).is_none());
}
