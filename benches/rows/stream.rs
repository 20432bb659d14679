//! 1 GiB to a loopback socket, against a loop that does nothing but `sendfile`.

use std::cell::RefCell;
use std::fs::File;

use super::super::support::printer::{
    Printer, Way, bare_pieces, bare_sendfile, bare_splice, bare_write, process_cpu, thread_cpu,
};
use super::super::support::site::{Site, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn, median};

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let octets: usize = size.pick(4 << 20, 1 << 30);
    let gib = octets as f64 / f64::from(1 << 30);
    let site = Site::new();
    let printer = Printer::new();
    site.device("LP1", &printer.uri());
    let file = document(site.dir.path(), "large", octets);
    let open = File::open(&file)?;
    // Once, so that every round finds it in memory.
    bare_sendfile(printer.port, &open, octets as u64);
    site.spoolcom("DEV $LP1, START");
    let (ours_cpu, bare_cpu) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    // Linked, so that nothing is copied first. The process is there before the first round.
    succeed(site.pdpr("g.lp1", &file).arg("-l"));
    site.wait_until_empty();
    let fsync = fsync_p50(site.dir.path());
    let ours = || {
        let pid = site.fastp_pid().expect("a print process runs");
        let before = process_cpu(pid);
        printer.expect(octets as u64);
        succeed(site.pdpr("g.lp1", &file).arg("-l"));
        let (first, last) = printer.wait();
        site.wait_until_empty();
        ours_cpu.borrow_mut().push((process_cpu(pid) - before) / gib);
        gib / last.duration_since(first).as_secs_f64()
    };
    let bare = || {
        let before = thread_cpu();
        printer.expect(octets as u64);
        bare_sendfile(printer.port, &open, octets as u64);
        let (first, last) = printer.wait();
        bare_cpu.borrow_mut().push((thread_cpu() - before) / gib);
        gib / last.duration_since(first).as_secs_f64()
    };
    let speed = in_turn(size.pick(1, 9), ours, bare);
    let what = "1 GiB to a loopback socket";
    table.add(Row::ratio(what, Unit::GibPerSecond, speed, "bare sendfile", Goal::AtLeast(0.9), fsync));
    let cpu = (median(ours_cpu.into_inner()), median(bare_cpu.into_inner()));
    let what = "processor time of the sender, each GiB";
    let goal = Goal::AtMost(0.15);
    table.add(Row::limit(what, Unit::Seconds, cpu.0, Some((cpu.1, "bare sendfile")), goal, fsync));
    // Is there a cheaper way to hand the file over? Each without a spool.
    let ways: [(&str, Way); 3] = [
        ("`sendfile` of 64 KiB at once", bare_pieces),
        ("`read` and `write`, 256 KiB", bare_write),
        ("`splice` through a pipe of 1 MiB", bare_splice),
    ];
    for (way, send) in ways {
        let seconds = |send: Way| {
            let before = thread_cpu();
            printer.expect(octets as u64);
            send(printer.port, &open, octets as u64);
            printer.wait();
            (thread_cpu() - before) / gib
        };
        let cpu = in_turn(size.pick(1, 5), || seconds(send), || seconds(bare_sendfile));
        let what = format!("processor time of a bare loop: {way}");
        table.add(Row::limit(&what, Unit::Seconds, cpu.0, Some((cpu.1, "bare sendfile")), Goal::None, fsync));
    }
    Ok(())
}
