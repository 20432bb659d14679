//! From the start of `pdpr` or `lp` to the last octet of a small job at a socket device.

use std::process::Command;
use std::time::Instant;

use super::super::support::cups::Cups;
use super::super::support::printer::Printer;
use super::super::support::site::{Site, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn};

const OCTETS: usize = 5_000;

/// Seconds until the printer has the job that `command` hands in.
fn printed(printer: &Printer, mut command: Command) -> f64 {
    printer.expect(OCTETS as u64);
    let begun = Instant::now();
    succeed(&mut command);
    // The printer itself notes when the last octet came.
    printer.wait().1.duration_since(begun).as_secs_f64()
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let cups = match Cups::start() {
        Ok(cups) => cups,
        Err(why) => {
            table.left_out("submission to last octet against CUPS", &why);
            return Ok(());
        }
    };
    let (mine, theirs) = (Printer::new(), Printer::new());
    cups.queue("prints", &theirs.uri(), false);
    let mut site = Site::new();
    site.device("LP1", &mine.uri());
    site.spoolcom("DEV $LP1, START");
    let file = document(site.dir.path(), "5k", OCTETS);
    let peer = || {
        let took = printed(&theirs, cups.lp("prints", &file));
        // The next job must not wait for the end of this one.
        while !cups.is_empty() {}
        took
    };
    let fsync = fsync_p50(site.dir.path());
    let ours = || {
        let took = printed(&mine, site.pdpr("g.lp1", &file));
        site.wait_until_empty();
        took
    };
    let rounds = size.pick(1, 31);
    // Once each, so that both have started.
    ours();
    peer();
    let warm = in_turn(rounds, ours, peer);
    let what = "`pdpr` to the last octet at a socket, warm";
    table.add(Row::ratio(what, Unit::Seconds, warm, "lp", Goal::AtMost(0.05), fsync));

    // Dormant at once when nothing is left: each job finds no process and starts one.
    site.kill_fastp(nix::sys::signal::Signal::SIGTERM);
    site.idle = 0.01;
    let ours = || {
        site.fastp_ends();
        let took = printed(&mine, site.pdpr("g.lp1", &file));
        site.wait_until_empty();
        took
    };
    let cold = in_turn(size.pick(1, 11), ours, peer);
    let what = "the same, cold: each job starts the print process";
    table.add(Row::ratio(what, Unit::Seconds, cold, "lp", Goal::None, fsync));
    Ok(())
}
