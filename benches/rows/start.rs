//! Start of the print process with 1,000,000 kept and 100,000 waiting jobs, and its recovery after SIGKILL.

use std::time::Instant;

use anyhow::Context;
use nix::sys::signal::Signal;

use super::super::support::filled;
use super::super::support::printer::Printer;
use super::super::support::site::{Site, submit, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, median, seconds};
use spoolsuite::model::job::Transfer;

const OCTETS: usize = 5_000;

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let (kept, waiting) = size.pick((2_000, 200), (1_000_000, 100_000));
    let printer = Printer::new();
    let site = Site::new();
    site.device("LP1", &printer.uri());
    site.device("WAITS", "null:");
    let file = document(site.dir.path(), "small", OCTETS);
    // One finished job to copy.
    site.spoolcom("DEV $LP1, START");
    succeed(&mut site.pdpr("g.lp1", &file));
    site.wait_until_empty();
    site.kill_fastp(Signal::SIGTERM);
    let mut local = site.local();
    let filling = seconds(|| {
        filled::kept(&site, kept);
        submit(&mut local, "g.waits", &file, Transfer::Copy);
        filled::waiting(&site, waiting - 1);
        filled::print_files(&site, &file);
    });
    eprintln!("{kept} kept and {waiting} waiting jobs made in {filling:.1} s");
    let fsync = fsync_p50(site.dir.path());
    let mut starts = Vec::new();
    let mut recoveries = Vec::new();
    for _ in 0..size.pick(1, 5) {
        // Ready is who prints: from the start of the process to the first job at its printer.
        submit(&mut local, "g.lp1", &file, Transfer::Copy);
        printer.expect(OCTETS as u64);
        let begun = Instant::now();
        let mut fastp = site.fastp();
        starts.push(printer.wait().1.duration_since(begun).as_secs_f64());

        // Killed as it is about to record that; the next command that writes finds it dead and starts another.
        let killed = fastp.kill();
        fastp.wait()?;
        killed.context("the print process is gone")?;
        printer.expect(OCTETS as u64);
        let begun = Instant::now();
        succeed(&mut site.pdpr("g.lp1", &file));
        recoveries.push(printer.wait().1.duration_since(begun).as_secs_f64());
        let db = site.database();
        let left = "SELECT count(*) FROM job j JOIN location l ON l.id = j.location_id WHERE l.dest_key = 'lp1'";
        site.wait_for("both are done", || db.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap() == 0);
        // Its third death within a minute would be an error: this one is forgotten.
        site.spoolcom("PRINT $SPLA, START");
        site.kill_fastp(Signal::SIGTERM);
    }
    let what = format!("start to the first job printed, {kept} kept and {waiting} waiting");
    table.add(Row::limit(&what, Unit::Seconds, median(starts), None, Goal::AtMost(1.0), fsync));
    let what = "the same after SIGKILL, from the next `pdpr`";
    table.add(Row::limit(what, Unit::Seconds, median(recoveries), None, Goal::AtMost(2.0), fsync));
    Ok(())
}
