//! `pdpr` against `lp`: a document of 5 KB, one process for each job, alone and from eight shells at once.
//!
//! The device and the queue are stopped: what is measured is how long it takes until a job is accepted. `pdpr` ends when the
//! job is on disk (three syncs); `lp` when the scheduler has it in memory and in files that nobody synced.

use std::process::Command;

use super::super::support::cups::Cups;
use super::super::support::printer::Printer;
use super::super::support::site::{Site, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, seconds};

const OCTETS: usize = 5_000;
const SHELLS: usize = 8;

/// Seconds for each of `jobs` commands, one after the other.
fn each(jobs: u32, command: impl Fn() -> Command) -> f64 {
    seconds(|| (0..jobs).for_each(|_| succeed(&mut command()))) / f64::from(jobs)
}

/// Jobs a second from eight shells with `jobs` commands each.
fn at_once(jobs: u32, command: impl Fn() -> Command + Sync) -> f64 {
    let passed = seconds(|| {
        std::thread::scope(|scope| {
            for _ in 0..SHELLS {
                scope.spawn(|| (0..jobs).for_each(|_| succeed(&mut command())));
            }
        });
    });
    SHELLS as f64 * f64::from(jobs) / passed
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let cups = match Cups::start() {
        Ok(cups) => cups,
        Err(why) => {
            table.left_out("pdpr against lp", &why);
            return Ok(());
        }
    };
    cups.queue("waits", "file:///dev/null", true);
    let site = Site::new();
    site.device("WAITS", "null:");
    // A second device keeps the print process running: one that waits for work, as it does for two minutes after a job.
    let printer = Printer::new();
    site.device("STANDS", &printer.uri());
    let file = document(site.dir.path(), "5k", OCTETS);
    let (rounds, jobs) = size.pick((1, 2), (9, 40));
    let (pdpr, lp) = (|| site.pdpr("g.waits", &file), || cups.lp("waits", &file));

    let fsync = fsync_p50(site.dir.path());
    let cold = in_turn(rounds, || each(jobs, pdpr), || each(jobs, lp));
    table.add(Row::ratio("`pdpr`, 5 KB, no process runs", Unit::Seconds, cold, "lp", Goal::AtMost(0.5), fsync));
    let crowd = in_turn(rounds, || at_once(jobs, pdpr), || at_once(jobs, lp));
    let what = "the same, 8 shells at once";
    table.add(Row::ratio(what, Unit::PerSecond, crowd, "lp", Goal::AtLeast(3.0), fsync));

    site.spoolcom("DEV $STANDS, EXCLUSIVE ON; DEV $STANDS, START");
    site.wait_for("the print process stands by", || printer.connections() > 0);
    let warm = in_turn(rounds, || each(jobs, pdpr), || each(jobs, lp));
    let what = "`pdpr`, 5 KB, the print process runs";
    table.add(Row::ratio(what, Unit::Seconds, warm, "lp", Goal::AtMost(0.5), fsync));
    let crowd = in_turn(rounds, || at_once(jobs, pdpr), || at_once(jobs, lp));
    let what = "the same, 8 shells at once";
    table.add(Row::ratio(what, Unit::PerSecond, crowd, "lp", Goal::AtLeast(3.0), fsync));
    Ok(())
}
