//! Copies that are encrypted on disk, against the same in clear: how long it takes to submit one, and how fast it goes to the device.

use super::super::support::printer::Printer;
use super::super::support::site::{Site, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, seconds};

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let octets: usize = size.pick(4 << 20, 256 << 20);
    let gib = octets as f64 / f64::from(1 << 30);
    let rounds = size.pick(1, 7);
    let site = Site::new();
    let printer = Printer::new();
    let server = site.spool().server().to_string();
    let made_as = |name: &str| format!("{server}:{name}");
    for (queue, release, logical, actual) in
        [("office", "secure", "follow-me", "hall"), ("plain", "direct", "ordinary", "desk")]
    {
        let run = |words: &[&str]| succeed(site.command("pdcreate").args(words));
        run(&["-c", "queue", "-x", &format!("release-type={release}"), &made_as(queue)]);
        let made = format!("destination-realization=logical associated-queue={queue}");
        run(&["-x", &made, &made_as(logical)]);
        let made = format!("destination-realization=actual associated-queue={queue} device-uri={}", printer.uri());
        run(&["-x", &made, &made_as(actual)]);
        succeed(site.command("pdenable").args([logical, actual]));
    }
    succeed(site.command("pdcreate").args(["-c", "station", "-x", "related-printers=hall", &made_as("station")]));
    let file = document(site.dir.path(), "large", octets);
    let fsync = fsync_p50(site.dir.path());
    let held = |destination: &str| succeed(site.pdpr(destination, &file).args(["-x", "job-hold=true"]));
    let emptied = || {
        site.spoolcom("JOB (STATE HOLD), DELETE");
        site.wait_until_empty();
    };
    let submitted = |destination: &str| {
        let passed = seconds(|| held(destination));
        emptied();
        passed
    };
    let submit = in_turn(rounds, || submitted("follow-me"), || submitted("ordinary"));
    let what = "`pdpr` of 256 MiB to a queue that encrypts";
    table.add(Row::ratio(what, Unit::Seconds, submit, "one that does not", Goal::None, fsync));
    let printed = |destination: &str, releases: bool| {
        printer.expect(octets as u64);
        succeed(&mut site.pdpr(destination, &file));
        if releases {
            succeed(site.command("pdrelease").arg("--all"));
        }
        let (first, last) = printer.wait();
        site.wait_until_empty();
        gib / last.duration_since(first).as_secs_f64()
    };
    let print = in_turn(rounds, || printed("follow-me", true), || printed("ordinary", false));
    let what = "the same to a loopback socket";
    table.add(Row::ratio(what, Unit::GibPerSecond, print, "a copy in clear", Goal::None, fsync));
    Ok(())
}
