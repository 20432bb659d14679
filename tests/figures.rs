//! The programs that measure the figures of `docs/performance.md`, in their short form: each works and prints its rows.
//! No time makes a test fail.

#[path = "../benches/rows/mod.rs"]
mod rows;
#[path = "../benches/support/mod.rs"]
mod support;

use self::support::Size;
use self::support::table::Table;

/// Runs a group and says how many rows it printed; none when what it compares with is not installed.
fn rows_of(name: &str) -> usize {
    let (_, measure) = rows::GROUPS.iter().find(|group| group.0 == name).unwrap();
    let mut table = Table::default();
    measure(Size::Short, &mut table).unwrap();
    table.rows.len()
}

/// Rows that need CUPS, which continuous integration has.
fn with_cups(name: &str, expected: usize) {
    let found = rows_of(name);
    assert!(found == expected || (found == 0 && !support::cups::is_demanded()), "{name}: {found} rows");
}

#[test]
fn submission_is_measured_against_lp() {
    with_cups("submit", 4);
}

#[test]
fn a_listing_is_measured_against_lpstat() {
    with_cups("listing", 2);
}

#[test]
fn the_way_to_the_device_is_measured_against_cups() {
    with_cups("latency", 2);
}

#[test]
fn a_long_stream_is_measured_against_bare_sendfile() {
    assert_eq!(rows_of("stream"), 5);
}

#[test]
fn encrypted_copies_are_measured_against_those_in_clear() {
    assert_eq!(rows_of("sealed"), 2);
}

#[test]
fn many_devices_are_measured_against_bare_threads() {
    assert_eq!(rows_of("devices"), 4);
}

#[test]
fn a_long_queue_is_measured_against_an_empty_one() {
    assert!(rows_of("million") >= 5);
}

#[test]
fn what_the_operator_at_night_asks_is_measured() {
    assert!(rows_of("night") >= 4);
}

#[test]
fn the_site_of_a_nonstop_system_is_measured_against_a_small_one() {
    assert!(rows_of("nonstop") == 6);
}

#[test]
fn starts_and_recoveries_are_measured() {
    assert_eq!(rows_of("start"), 2);
}

/// Six rows of idle connections, one of a raw port and three of large jobs, and four beside CUPS.
#[test]
fn doors_are_measured_against_cups_and_bare_receivers() {
    let found = rows_of("doors");
    assert!(found == 14 || (matches!(found, 0 | 10 | 12) && !support::cups::is_demanded()), "{found} rows");
}

#[test]
fn the_programs_are_measured() {
    assert_eq!(rows_of("programs"), 2);
}

#[test]
fn positions_are_exact_to_1000_and_then_1000_plus() {
    use spoolsuite::model::job::Transfer;
    use support::site::{Site, submit};
    let site = Site::new();
    site.device("LP1", "null:");
    let file = support::document(site.dir.path(), "small", 100);
    submit(&mut site.local(), "g.lp1", &file, Transfer::Copy);
    support::filled::waiting(&site, 1_003);
    let shown = |arguments: &[&str]| {
        let output =
            site.command("pdls").args(arguments).args(["-r", "intervening-jobs", "-s", "line"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.rsplit(" = ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = shown(&["-U"]);
    let exact: Vec<String> = (0..=1_000).map(|n: u32| n.to_string()).collect();
    assert_eq!(all[..1_001], exact);
    assert_eq!(all[1_001..], ["1000+"; 3]);
    // One alone is counted from the head of the queue, not from the job before.
    assert_eq!(shown(&["-U", "1001"]), ["1000"]);
    assert_eq!(shown(&["-U", "1002"]), ["1000+"]);
}
