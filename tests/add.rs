//! ADD: from an empty machine to paper in two commands; what contradicts is refused in words, and nothing is half done.

use std::fs;

use serde_json::Value;

use crate::support::Site;

fn add(site: &Site, name: &str) -> String {
    format!("ADD {name}, URI file://{}, HEADER OFF", site.files.path().join(name).display())
}

#[test]
fn an_empty_machine_prints_after_two_commands() {
    let site = Site::new();
    let ran = site.spoolcom(&add(&site, "LP1"));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let file = site.document("label", b"a label\n");
    site.run("pdpr", &["-d", "lp1", file.to_str().unwrap()]).expect(0);
    site.wait_until_empty();
    assert_eq!(fs::read(site.files.path().join("LP1")).unwrap(), b"a label\n");
    let device: Value = serde_json::from_str(&site.spoolcom_json("DEV lp1")).unwrap();
    let device = device.as_array().map_or(&device, |rows| &rows[0]);
    assert!(device.to_string().contains("SPLA"), "{device}");
}

#[test]
fn adding_twice_is_no_error_and_completes_what_is_half_made() {
    let site = Site::new();
    site.spoolcom(&add(&site, "LP1"));
    let before = site.spoolcom("DEV LP1, STATUS DETAIL; LOC; PRINT").out;
    site.spoolcom(&add(&site, "lp1").replace("/lp1,", "/LP1,"));
    assert_eq!(site.spoolcom("DEV LP1, STATUS DETAIL; LOC; PRINT").out, before);
    // The location is gone: it comes back. The device was stopped by somebody, who alone knows why: it stays stopped.
    site.spoolcom("DEV LP1, DRAIN; LOC #ALL.LP1, DELETE");
    let ran = site.spoolcom("ADD LP1").says("WARNING: DEVICE $LP1 STAYS STOPPED").says("DEV $LP1, START");
    assert_eq!(ran.out, "");
    assert!(site.spoolcom("LOC").out.contains("#ALL.LP1") && site.spoolcom("DEV LP1").out.contains("OFFLINE"));
    site.spoolcom("DEV LP1, START");
    assert_eq!(site.spoolcom("DEV LP1, STATUS DETAIL; LOC; PRINT").out, before);
    // Another printer of the same print process and a location of its own.
    site.spoolcom(&format!("{}, LOC #OFFICE.FRONT", add(&site, "LP2")));
    site.spoolcom(&format!("{}, LOC #OFFICE.FRONT", add(&site, "LP2")));
    let file = site.document("doc", b"x\n");
    site.run("pdpr", &["-d", "office.front", file.to_str().unwrap()]).expect(0);
    site.wait_until_empty();
    assert_eq!(fs::read(site.files.path().join("LP2")).unwrap(), b"x\n");
}

#[test]
fn what_contradicts_is_refused_in_words_and_nothing_is_changed() {
    let site = Site::new();
    // A new device without an address, no name, a name that is none, an address that is none.
    site.run("spoolcom", &["ADD"]).expect(2).says("expected ADD name, URI address");
    site.run("spoolcom", &["ADD , TEST"]).expect(2);
    site.run("spoolcom", &["ADD 'a b', URI null:"]).expect(2);
    site.run("spoolcom", &["ADD '\u{1b}[31m', URI null:"]).expect(2);
    site.run("spoolcom", &["ADD LP1, URI nonsense"]).expect(2);
    site.run("spoolcom", &["ADD LP1, SPEED 5, URI null:"]).expect(2);
    site.run("spoolcom", &["ADD LP9"]).expect(1).says("cannot find device $LP9");
    site.spoolcom(&add(&site, "LP1"));
    let before = site.spoolcom("DEV LP1, STATUS DETAIL; LOC; PRINT; DEV").out;
    let refused = |command: &str, says: &str| {
        let ran = site.run("spoolcom", &[command]).expect(1).says(says);
        assert!(ran.err.contains("hint: "), "{ran:#?}");
        assert_eq!(site.spoolcom("DEV LP1, STATUS DETAIL; LOC; PRINT; DEV").out, before);
    };
    refused("ADD LP1, URI null:", "$LP1 is there already, with another URI: it has file:///");
    refused("ADD LP1, PROCESS $OTHER", "another PROCESS: it has $SPLA");
    refused("ADD LP1, FORM A5", "another FORM");
    site.spoolcom("LOC #OTHER.LP2, DEV $LP1");
    let before = site.spoolcom("DEV; LOC; PRINT").out;
    site.run("spoolcom", &["ADD LP2, URI null:"]).expect(1).says("#OTHER.LP2 is there already and leads to $LP1");
    site.run("spoolcom", &["ADD LP3, URI null:, LOC #ALL.LP1"]).expect(1).says("#ALL.LP1 is there already");
    assert_eq!(site.spoolcom("DEV; LOC; PRINT").out, before);
    // Whoever drained the spooler is not overruled.
    site.spoolcom("SPOOLER, DRAIN");
    site.spoolcom("ADD LP1").says("THE SPOOLER IS");
    site.run("spoolcom", &["ADD LP1, TEST"]).expect(1);
}

#[test]
fn a_device_that_lacks_a_process_or_an_address_gets_it() {
    let site = Site::new();
    site.spoolcom("DEV LP1, URI null:");
    site.spoolcom("ADD LP1");
    let shown = site.spoolcom("DEV LP1, STATUS DETAIL").out;
    assert!(shown.contains("$SPLA") && !shown.contains("OFFLINE"), "{shown}");
    site.spoolcom("PRINT $SPLB, FILE fastp; DEV LP2, PROCESS $SPLB");
    let before = site.spoolcom("DEV; LOC; PRINT").out;
    site.run("spoolcom", &["ADD LP2"]).expect(1).says("$LP2 is there already, without an address");
    assert_eq!(site.spoolcom("DEV; LOC; PRINT").out, before, "nothing is half done");
    site.spoolcom("ADD LP2, URI null:");
    assert!(site.spoolcom("DEV LP2, STATUS DETAIL").out.contains("$SPLB"));
    // Another print process than the usual one.
    site.spoolcom("DEV LP3, URI null:; ADD LP3, PROCESS $SPLB");
    assert!(site.spoolcom("DEV LP3, STATUS DETAIL").out.contains("$SPLB"));
}

#[test]
fn a_location_that_leads_nowhere_is_connected_and_one_that_leads_elsewhere_has_a_hint_that_works() {
    let site = Site::new();
    site.spoolcom("ADD LP1, URI null:; DEV LP1, DRAIN; LOC #ALL.LP1, DEV NONE; DEV LP1, DELETE");
    site.spoolcom("ADD LP1, URI null:");
    assert!(site.spoolcom("LOC #ALL.LP1").out.contains("LP1"), "{}", site.spoolcom("LOC").out);
    site.spoolcom("LOC #OTHER.LP2, DEV $LP1");
    let ran = site.run("spoolcom", &["ADD LP2, URI null:"]).expect(1);
    let hint =
        ran.err.lines().find_map(|line| line.trim().strip_prefix("hint: ")).unwrap_or_else(|| panic!("{ran:#?}"));
    site.spoolcom(hint.split("   ").next().unwrap());
    let there: Value = serde_json::from_str(&site.spoolcom_json("LOC #OTHER.LP2")).unwrap();
    assert!(there.to_string().contains("LP2") && !there.to_string().contains("LP1"), "{there}");
    assert!(!site.spoolcom("DEV LP2").out.contains("OFFLINE"));
    // Jobs that wait where nothing leads would come out by surprise.
    site.spoolcom("LOC #ALL.LP3, DEV NONE");
    let file = site.document("doc", b"x\n");
    site.run("pdpr", &["-d", "all.lp3", file.to_str().unwrap()]).expect(0);
    site.run("spoolcom", &["ADD LP3, URI null:"]).expect(1).says("leads to no device and has 1 jobs");
}

#[test]
fn a_test_page_is_one_page_that_says_what_it_is() {
    let mut site = Site::new();
    site.env.push(("TZ", "UTC"));
    site.spoolcom_with(&["--test-page", &add(&site, "LP1")]);
    site.wait_until_empty();
    let page = fs::read_to_string(site.files.path().join("LP1")).unwrap();
    for part in ["TEST PAGE\r\n", "$LP1", "#ALL.LP1", "file:///", "$SPLA", "UTC\r\n"] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
    assert_eq!(page.matches('\u{c}').count(), 1, "{page:?}");
    site.spoolcom("ADD lp1, TEST");
    site.wait_until_empty();
    assert_eq!(fs::read_to_string(site.files.path().join("LP1")).unwrap().matches("End of the test page.").count(), 2);
    site.run("spoolcom", &["--test-page", "DEV lp1"]).expect(2).says("--test-page goes with ADD");
}

#[test]
fn the_attribute_health_of_the_server_says_the_same_as_check() {
    let mut site = Site::new();
    site.env.push(("TZ", "UTC"));
    site.spoolcom(&add(&site, "LP1"));
    let health = |site: &Site| -> Vec<String> {
        let out = site.run("pdls", &["-c", "server", "-r", "health", "--json"]).expect(0).out;
        let all: Value = serde_json::from_str(&out).unwrap();
        let lines = all[0]["health"].as_array().unwrap_or_else(|| panic!("{all}"));
        lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(health(&site), lines(&site.spoolcom("CHECK").out));
    assert!(health(&site)[0].starts_with("well: "));
    // Two troubles are two values.
    site.spoolcom("ADD LP2, URI file:///nowhere/at/all; LOC #A.B, DEV NONE");
    let file = site.document("doc", b"x\n");
    for destination in ["lp2", "a.b"] {
        site.run("pdpr", &["-d", destination, file.to_str().unwrap()]).expect(0);
    }
    site.wait_for("both are found", || site.run("spoolcom", &["CHECK"]).out.lines().count() == 2);
    assert_eq!(health(&site), lines(&site.run("spoolcom", &["CHECK"]).out));
    // It is there for whoever asks by name, and only then.
    assert!(!site.run("pdls", &["-c", "server", "-r", "all", "--json"]).expect(0).out.contains("\"health\""));
}
