//! 1,000 devices of one print process: idle, all printing, and with one that is dead among them.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use nix::sys::signal::Signal;
use nix::sys::socket::{Backlog, listen};

use super::super::support::printer::{Printer, bare_sendfile, private_kib};
use super::super::support::site::{Site, submit};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, document, fsync_p50, in_turn};
use spoolsuite::model::job::Transfer;
use spoolsuite::spool::interface::operations::Operations;

/// A site with so many devices before one printer, D0 first. None is started.
fn site(devices: usize, printer: &Printer) -> Site {
    let site = Site::new();
    let uri = printer.uri();
    let each = |n| format!("DEV $D{n}, PROCESS $SPLA, URI {uri}, RETRY 1, HEADER OFF; LOC #G.D{n}, DEV $D{n}");
    site.spoolcom(&(0..devices).map(each).collect::<Vec<_>>().join("; "));
    site
}

fn for_all(site: &Site, devices: std::ops::Range<usize>, what: &str) {
    site.spoolcom(&devices.map(|n| format!("DEV $D{n}, {what}")).collect::<Vec<_>>().join("; "));
}

/// Starts the devices while no print process runs, and none comes into being.
fn start_all(site: &Site, devices: usize) -> anyhow::Result<()> {
    let mut local = site.local();
    for n in 0..devices {
        local.start_device(format!("D{n}").parse()?)?;
    }
    Ok(())
}

/// Seconds from the start of the print process until the printer has a job of `octets` from each of the devices from
/// `first` on. The jobs waited, with no print process running.
fn print_all(site: &Site, printer: &Printer, file: &Path, octets: u64, jobs: std::ops::Range<usize>) -> f64 {
    let mut local = site.local();
    printer.expect(octets * jobs.len() as u64);
    let with_first = jobs.contains(&0);
    jobs.for_each(|n| submit(&mut local, &format!("g.d{n}"), file, Transfer::Link));
    drop(local);
    let begun = Instant::now();
    let mut fastp = site.fastp();
    let took = printer.wait().1.duration_since(begun).as_secs_f64();
    let db = site.database();
    // The dead device keeps its job.
    let left = "SELECT count(*) FROM job j JOIN location l ON l.id = j.location_id WHERE ?1 OR l.dest_key <> 'd0'";
    site.wait_for("the jobs are done", || db.query_row(left, [with_first], |row| row.get::<_, i64>(0)).unwrap() == 0);
    site.kill_fastp(Signal::SIGTERM);
    fastp.wait().unwrap();
    took
}

fn bare(printer: &Printer, file: &Path, octets: u64, threads: usize) -> f64 {
    let file = File::open(file).unwrap();
    printer.expect(octets * threads as u64);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let thread = std::thread::Builder::new().stack_size(128 * 1024);
            thread.spawn_scoped(scope, || bare_sendfile(printer.port, &file, octets)).unwrap();
        }
    });
    printer.wait().1.duration_since(begun).as_secs_f64()
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let devices = size.pick(8, 1_000);
    idle(devices, table)?;
    printing(size, devices, table)?;
    Ok(())
}

fn idle(devices: usize, table: &mut Table) -> anyhow::Result<()> {
    let printer = Printer::new();
    let site = site(devices, &printer);
    let fsync = fsync_p50(site.dir.path());
    for_all(&site, 0..1, "EXCLUSIVE ON");
    for_all(&site, 0..1, "START");
    site.wait_for("one device stands open", || printer.connections() == 1);
    let process = site.fastp_pid().context("no print process runs")?;
    let one = private_kib(process);
    for_all(&site, 1..devices, "START");
    let closed = private_kib(process);
    let share = |kib: f64| (kib - one).max(0.0) / (devices - 1) as f64;
    let goal = Goal::AtMost(64.0);
    let what = format!("memory of each of {devices} devices, started, closed");
    table.add(Row::limit(&what, Unit::Kib, share(closed), None, goal, fsync));

    for_all(&site, 1..devices, "DRAIN");
    for_all(&site, 1..devices, "EXCLUSIVE ON");
    for_all(&site, 1..devices, "START");
    site.wait_for("every device stands open", || printer.connections() == devices as u64);
    let open = private_kib(site.fastp_pid().context("no print process runs")?);
    let what = format!("memory of each of {devices} devices, started, connected (EXCLUSIVE ON)");
    table.add(Row::limit(&what, Unit::Kib, share(open), None, goal, fsync));
    Ok(())
}

fn printing(size: Size, devices: usize, table: &mut Table) -> anyhow::Result<()> {
    let octets = size.pick(10_000, 1 << 20);
    let printer = Printer::new();
    let site = site(devices, &printer);
    let file = document(site.dir.path(), "each", octets);
    let fsync = fsync_p50(site.dir.path());
    start_all(&site, devices)?;
    let octets = octets as u64;
    let rounds = size.pick(1, 7);
    let times = in_turn(
        rounds,
        || print_all(&site, &printer, &file, octets, 0..devices),
        || bare(&printer, &file, octets, devices),
    );
    let what = format!("{devices} devices print 1 MiB each, from the start of the process");
    table.add(Row::ratio(&what, Unit::Seconds, times, "thread-per-socket sendfile", Goal::AtMost(1.5), fsync));

    // A second spool, where D0 is dead in the worst way: what is sent to it is never answered, because the queue of its
    // listener is full.
    let dead = TcpListener::bind("127.0.0.1:0")?;
    listen(&dead, Backlog::new(0)?)?;
    let address = dead.local_addr()?;
    let _in_its_queue = TcpStream::connect(address)?;
    let with_dead = self::site(devices, &printer);
    with_dead.spoolcom(&format!("DEV $D0, URI socket://{address}"));
    start_all(&with_dead, devices)?;
    submit(&mut with_dead.local(), "g.d0", &file, Transfer::Link);
    let others = in_turn(
        rounds,
        || {
            // Due at once, whatever its last failure said.
            let _ = with_dead.local().start_device("D0".parse().unwrap());
            print_all(&with_dead, &printer, &file, octets, 1..devices)
        },
        || print_all(&site, &printer, &file, octets, 1..devices),
    );
    let what = format!("the {} others print 1 MiB each while one is dead", devices - 1);
    table.add(Row::ratio(&what, Unit::Seconds, others, "without the dead one", Goal::AtMost(1.01), fsync));
    Ok(())
}
