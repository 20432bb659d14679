//! Days and hours at which a station may be used, through its page and through `pdrelease`.

use spoolsuite::sys::clock;

use super::stations::{Browser, GAMES, Station, site, submit};
use super::support::OPERATOR;

/// The time that the clocks of this machine show so many hours from now.
fn at(hours: i64) -> String {
    let then = jiff::Timestamp::from_millisecond(clock::wall_ms() + hours * 3_600_000).unwrap();
    then.to_zoned(clock::zone(None)).strftime("%H:%M").to_string()
}

#[test]
fn the_closing_time_ends_who_is_logged_on_and_lets_nobody_else_in_until_it_opens() {
    let Some(mut machine) = site() else { return };
    // Somebody sets the clock of the server.
    let ahead = machine.path("clock");
    let set = |hours: i64| std::fs::write(&ahead, (hours * 3_600_000).to_string()).unwrap();
    set(0);
    machine.stop();
    machine.start_with(&[("PD_CLOCK", &ahead)]);
    let hours = format!("access-times='daily {}-{}'", at(-1), at(3));
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", &hours, "hall"]).expect(0);
    submit(&machine, GAMES, "Letter");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.log_on("games", "4071").expect(303);
    browser.get("/").expect(200).says("Letter");
    set(4);
    let opens = at(-1);
    let closed = browser.get("/").expect(200).says("You are logged off.").says("This station is closed until");
    assert!(closed.body.contains(&opens) && !closed.body.contains("name=\"pin\""), "{closed:?}");
    browser.post("/log-on", "user=games&pin=4071").expect(403).says("This station is closed until");
    let refused = machine.run(GAMES, "pdrelease", &["--station", "hall", "1"]).expect(1);
    assert!(refused.err.contains("not now, because the station is closed until"), "{refused:?}");
    assert!(refused.err.contains(&opens), "{refused:?}");
    let listed = machine.run(GAMES, "pdrelease", &["--json"]).expect(0);
    assert!(listed.out.contains("station-closed"), "{listed:?}");
    // On the next day.
    set(24);
    browser.log_on("games", "4071").expect(303);
    browser.get("/").expect(200).says("Letter");
    machine.run(GAMES, "pdrelease", &["--station", "hall", "1"]).expect(0);
}

#[test]
fn hours_of_a_station_are_shown_and_checked_and_change_with_the_others_under_change_control() {
    let Some(machine) = site() else { return };
    let set = |hours: &str| machine.run(OPERATOR, "pdset", &["-c", "station", "-x", hours, "hall"]);
    set("access-times='mon-fri 8-18'").expect(2).says("mon-fri 08:00-18:00");
    machine.run(OPERATOR, "pdchange", &["on"]).expect(0);
    set("access-times='mon-fri 08:00-18:00' 'sat 09:00-12:00'").expect(0);
    let shown = || machine.run(OPERATOR, "pdls", &["-c", "station", "-r", "access-times", "hall"]).expect(0).out;
    assert!(!shown().contains("08:00"), "{}", shown());
    let staged = machine.run(OPERATOR, "pdchange", &["list"]).expect(0);
    assert!(staged.out.contains("access-times"), "{staged:?}");
    machine.run(OPERATOR, "pdchange", &["issue"]).expect(0);
    assert!(shown().contains("mon-fri 08:00-18:00") && shown().contains("sat 09:00-12:00"), "{}", shown());
}
