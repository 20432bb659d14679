//! Doors: what comes in by them, against CUPS and against receivers that do nothing but write and sync; and what connections cost
//! that say nothing.
//!
//! A job of ours is on disk when its sender is told, with three syncs; CUPS tells its sender of files that nobody has synced.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::support::cups::Cups;
use super::super::support::doors::{self, Served};
use super::super::support::printer::{private_kib, process_cpu};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, fsync_p50, in_turn, seconds};

const OCTETS: u64 = 64 * 1024;
const SENDERS: usize = 16;

/// Jobs a second from sixteen senders with `jobs` jobs each.
fn at_once(jobs: u32, send: impl Fn() + Sync) -> f64 {
    let passed = seconds(|| {
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| (0..jobs).for_each(|_| send()));
            }
        });
    });
    SENDERS as f64 * f64::from(jobs) / passed
}

fn idle(size: Size, table: &mut Table, served: &Served, (kind, at): (&str, SocketAddr), fsync: f64) {
    let process = served.newest_door();
    let crowd: Vec<TcpStream> = (0..size.pick(50, 1_000)).map(|_| TcpStream::connect(at).unwrap()).collect();
    // Each has a thread when it was taken.
    let (begun, quiet) = (Instant::now(), size.pick(Duration::from_millis(200), Duration::from_secs(10)));
    let mut threads = 0;
    while threads < crowd.len() && begun.elapsed() < Duration::from_secs(60) {
        threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().count();
        std::thread::yield_now();
    }
    let before = process_cpu(process);
    std::thread::sleep(quiet);
    let cpu = process_cpu(process) - before;
    let what = format!("1,000 connections at an {kind} door that say nothing: memory");
    table.add(Row::limit(&what, Unit::Mib, private_kib(process) / 1024.0, None, Goal::AtMost(20.0), fsync));
    let what = format!("the same, {kind}: processor time in 10 s");
    table.add(Row::limit(&what, Unit::Seconds, cpu, None, Goal::AtMost(0.02), fsync));
}

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let served = match Served::start() {
        Ok(served) => served,
        Err(why) => {
            assert!(!super::super::support::cups::is_demanded(), "{why}");
            table.left_out("doors", &why);
            return Ok(());
        }
    };
    let fsync = fsync_p50(served.dir.path());
    let many = ["--max-per-peer", "3000", "--max-connections", "3000", "--timeout", "600"];
    let door = |kind: &'static str| {
        let at = served.door(&format!("{kind}1"), kind, &many);
        (kind, at)
    };
    let (rounds, jobs) = size.pick((1, 2), (9, 40));
    let mut opened = Vec::new();
    for kind in ["lpd", "ipp", "raw"] {
        let found = door(kind);
        idle(size, table, &served, found, fsync);
        opened.push(found.1);
    }
    let [lpd, ipp, raw] = opened.as_slice() else { anyhow::bail!("three doors were opened") };
    let (lpd, ipp, raw) = (*lpd, *ipp, *raw);

    let mut peers = Vec::new();
    match Cups::start() {
        Err(why) => table.left_out("doors against CUPS", &why),
        Ok(cups) => {
            cups.queue("waits", "file:///dev/null", true);
            let clean = || {
                served.empty();
                cups.cancel_all();
            };
            if let Some(peer) = doors::cups_lpd(&cups.socket()) {
                let rate = in_turn(
                    rounds,
                    || at_once(jobs, || doors::lpd(lpd, "g.d", OCTETS)),
                    || at_once(jobs, || doors::lpd(peer, "waits", OCTETS)),
                );
                peers.push(("cups-lpd", rate.1));
                let what = "64 KiB by LPD, 16 senders";
                table.add(Row::ratio(what, Unit::PerSecond, rate, "cups-lpd", Goal::AtLeast(2.0), fsync));
                clean();
            }
            let peer: SocketAddr = ([127, 0, 0, 1], cups.port).into();
            let rate = in_turn(
                rounds,
                || at_once(jobs, || doors::ipp(ipp, "ipp://localhost/printers/g.d", OCTETS)),
                || at_once(jobs, || doors::ipp(peer, "ipp://localhost/printers/waits", OCTETS)),
            );
            peers.push(("cupsd", rate.1));
            let what = "64 KiB by IPP, 16 senders";
            table.add(Row::ratio(what, Unit::PerSecond, rate, "cupsd", Goal::AtLeast(2.0), fsync));
            clean();
        }
    }
    let bare = doors::bare(served.dir.path());
    let rate =
        in_turn(rounds, || at_once(jobs, || doors::raw(raw, OCTETS)), || at_once(jobs, || doors::raw(bare, OCTETS)));
    let what = "64 KiB to a raw port, 16 senders";
    table.add(Row::ratio(what, Unit::PerSecond, rate, "receive and sync", Goal::AtLeast(0.5), fsync));
    served.empty();
    // How much of it there could be at most, on this machine and with these senders, where a job is on disk when it is acknowledged.
    for (name, peer) in peers {
        let what = format!("a bare receive and sync of the same, beside {name}");
        table.add(Row::ratio(&what, Unit::PerSecond, (rate.1, peer), name, Goal::None, fsync));
    }

    let octets: u64 = size.pick(4 << 20, 1 << 30);
    let gib = octets as f64 / f64::from(1 << 30);
    let rounds = size.pick(1, 5);
    let ways: [(&str, &dyn Fn()); 3] = [
        ("LPD", &|| doors::lpd(lpd, "g.d", octets)),
        ("IPP", &|| doors::ipp(ipp, "ipp://localhost/printers/g.d", octets)),
        ("a raw port", &|| doors::raw(raw, octets)),
    ];
    for (name, send) in ways {
        let ours = || {
            let took = seconds(send);
            served.empty();
            gib / took
        };
        let speed = in_turn(rounds, ours, || gib / seconds(|| doors::raw(bare, octets)));
        let (what, peer) = (format!("1 GiB by {name}"), "receive, sync, rename");
        table.add(Row::ratio(&what, Unit::GibPerSecond, speed, peer, Goal::AtLeast(0.8), fsync));
    }
    Ok(())
}
