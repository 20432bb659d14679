//! The site of a NonStop system: a cold-start file of 40,000 lines, and what its operator asks of a spool of 10,000 devices,
//! 30,000 locations and 1,000,000 jobs, against one with ten of each.

use super::super::support::filled;
use super::super::support::memory::peak_mib;
use super::super::support::site::{Site, submit, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, seconds};
use spoolsuite::model::job::Transfer;

/// A cold-start file with so many devices and locations, and its number of lines.
fn cold_start(devices: usize, locations: usize) -> (String, usize) {
    let mut text = String::from("COLLECT $S, FILE $SYSTEM.SYSTEM.CSPOOL\n");
    for n in 0..devices {
        text.push_str(&format!("DEV $D{n}, PROCESS $SPLA, URI null:, SPEED 600, HEADER OFF, RETRY 5\n"));
    }
    for n in 0..locations {
        text.push_str(&format!("LOC #G{}.L{}, DEV $D{}\n", n / 10, n % 10, n % devices));
    }
    let lines = text.lines().count();
    (text, lines)
}

/// A site from such a file, with one waiting job, and the seconds that the file took.
pub fn site(devices: usize, locations: usize) -> (Site, usize, f64) {
    let site = Site::new();
    let (text, lines) = cold_start(devices, locations);
    let path = site.dir.path().join("splconf");
    std::fs::write(&path, text).unwrap();
    let took = seconds(|| succeed(site.command("spoolcom").arg("--in").arg(&path)));
    let file = document(site.dir.path(), "small", 5_000);
    submit(&mut site.local(), "g0.l0", &file, Transfer::Copy);
    (site, lines, took)
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let (devices, locations, jobs) = size.pick((40, 120, 400), (10_000, 30_000, 1_000_000));
    let (large, lines, took) = site(devices, locations);
    let (small, _, _) = site(10, 10);
    let fsync = fsync_p50(large.dir.path());
    let what = format!("a cold-start file of {lines} lines, `spoolcom --in`");
    table.add(Row::limit(&what, Unit::Seconds, took, None, Goal::AtMost(20.0), fsync));

    filled::waiting(&large, jobs - 1);
    filled::waiting(&small, 9);
    let fsync = fsync_p50(large.dir.path());
    let middle = (jobs / 2).to_string();
    for (command, here) in [
        ("DEV, SUMMARY", "DEV, SUMMARY".to_owned()),
        ("SPOOLER, STATISTICS", "SPOOLER, STATISTICS".to_owned()),
        ("DEV $X", "DEV $D5".to_owned()),
        ("JOB n", format!("JOB {middle}")),
    ] {
        let there = if command == "JOB n" { "JOB 5" } else { here.as_str() };
        let ask = |site: &Site, text: &str| seconds(|| succeed(site.command("spoolcom").arg(text)));
        let times = in_turn(size.pick(1, 21), || ask(&large, &here), || ask(&small, there));
        let what = format!("`{command}` of {devices} devices, {locations} locations, {jobs} jobs");
        table.add(Row::ratio(&what, Unit::Seconds, times, "ten of each", Goal::AtMost(2.0), fsync));
    }

    // The first pages are there in both: what more of them take is what grows.
    let (middling, _, _) = site(size.pick(20, 2_000), 10);
    let list = |site: &Site| {
        let mut command = site.command("spoolcom");
        command.arg("DEV");
        command
    };
    let (whole, part) = (peak_mib(list(&large))?, peak_mib(list(&middling))?);
    let what = format!("memory that `DEV` of all {devices} devices takes at most");
    let peer = Some((part, "for a fifth of them"));
    table.add(Row::limit(&what, Unit::Mib, whole, peer, Goal::AtMost(part + 8.0), fsync));
    Ok(())
}
