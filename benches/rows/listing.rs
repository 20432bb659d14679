//! 10,000 waiting jobs listed: `pdls -U` against `lpstat -o`.

use super::super::support::cups::Cups;
use super::super::support::site::{Site, submit, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, seconds};
use spoolsuite::model::job::Transfer;

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let cups = match Cups::start() {
        Ok(cups) => cups,
        Err(why) => {
            table.left_out("a listing against lpstat", &why);
            return Ok(());
        }
    };
    cups.queue("waits", "file:///dev/null", true);
    let site = Site::new();
    site.device("WAITS", "null:");
    let file = document(site.dir.path(), "small", 100);
    let jobs = size.pick(40, 10_000);
    // `lp` makes one job of a command. Eight at once, because two processors have something to do then.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..jobs / 8).for_each(|_| succeed(&mut cups.lp("waits", &file))));
        }
    });
    let mut local = site.local();
    (0..jobs).for_each(|_| submit(&mut local, "g.waits", &file, Transfer::Copy));

    let fsync = fsync_p50(site.dir.path());
    let rounds = size.pick(1, 9);
    let lines = |mut command: std::process::Command| {
        let output = command.output().unwrap();
        assert!(output.status.success());
        output.stdout.iter().filter(|octet| **octet == b'\n').count()
    };
    let ours = |arguments: &'static [&'static str]| {
        let mut command = site.command("pdls");
        command.args(arguments);
        command
    };
    let theirs = || {
        let mut command = cups.command("/usr/bin/lpstat");
        command.arg("-o");
        command
    };
    for (what, arguments) in [("`pdls -U`", &["-U"][..]), ("`pdls -U --json`, every attribute", &["-U", "--json"][..])]
    {
        let times = in_turn(
            rounds,
            || seconds(|| assert!(lines(ours(arguments)) >= jobs)),
            || seconds(|| assert_eq!(lines(theirs()), jobs)),
        );
        let goal = if arguments.len() == 1 { Goal::AtMost(0.1) } else { Goal::None };
        let what = format!("{what}: {jobs} waiting jobs");
        table.add(Row::ratio(&what, Unit::Seconds, times, "lpstat -o", goal, fsync));
    }
    Ok(())
}
