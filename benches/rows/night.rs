//! What the operator at night asks of a large spool: CHECK, the completion of names, the live screen; and how long the move
//! of a large CUPS takes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::unistd::{SysconfVar, sysconf};
use spoolsuite::model::job::Transfer;

use super::super::support::filled;
use super::super::support::site::{Site, program, submit, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{DEADLINE, Size, document, fsync_p50, median, seconds};
use super::nonstop;

/// The changes a second that the live screen is shown.
const CHANGES: u32 = 9;

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let (devices, jobs) = size.pick((40, 400), (10_000, 1_000_000));
    let (site, ..) = nonstop::site(devices, devices * 3);
    filled::waiting(&site, jobs - 1);
    let fsync = fsync_p50(site.dir.path());
    let rounds = size.pick(1, 41);
    let limit = |what: &str, times: Vec<f64>, most: f64| {
        Row::limit(what, Unit::Seconds, median(times), None, Goal::AtMost(most), fsync)
    };

    let mut check = Vec::new();
    for _ in 0..rounds {
        let mut command = site.command("spoolcom");
        command.arg("CHECK").stdout(Stdio::null());
        let mut status = None;
        check.push(seconds(|| status = command.status().ok()));
        let status = status.and_then(|status| status.code());
        ensure!(matches!(status, Some(0 | 1)), "CHECK ended with {status:?}");
    }
    table.add(limit(&format!("`spoolcom CHECK` of {devices} devices, {jobs} jobs"), check, 0.020));

    for line in ["spoolcom 'DEV $D1", "pdpr -d g1"] {
        let name = line.split(' ').next().context("a line begins with a program")?;
        let asks = || {
            let mut command = site.command(name);
            command.args(["--complete", "bash", line, " \t\n\"'><=;|&(:"]);
            command
        };
        let answer = asks().output()?;
        ensure!(answer.stdout.len() > 3, "no name completes '{line}': {answer:?}");
        let times = (0..rounds).map(|_| seconds(|| succeed(&mut asks())));
        table.add(limit(&format!("completion of `{line}` among {devices} devices"), times.collect(), 0.020));
    }
    from_cups(size, table)?;
    screen(size, &site, jobs, table, fsync)
}

/// `spoolcom --from-cups` of a directory with very many raw queues.
fn from_cups(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let queues = size.pick(40, 4_000);
    let dir = super::super::support::directory();
    let mut printers = String::from("# Printer configuration file for CUPS v2.4.2\nNextPrinterId 1\n");
    for n in 0..queues {
        let (net, host) = (n / 250, n % 250);
        write!(
            printers,
            "<Printer q{n}>\nPrinterId {n}\nInfo queue {n}\nLocation floor {net}\nMakeModel Local Raw Printer\n\
             DeviceURI socket://10.0.{net}.{host}:9100\nState Idle\nAccepting Yes\nShared No\nJobSheets none none\n\
             QuotaPeriod 0\nPageLimit 0\nKLimit 0\nOpPolicy default\nErrorPolicy retry-job\n</Printer>\n"
        )?;
    }
    std::fs::write(dir.path().join("printers.conf"), printers)?;
    let fsync = fsync_p50(dir.path());
    let mut times = Vec::new();
    for _ in 0..size.pick(1, 5) {
        let mut command = Command::new(program("spoolcom"));
        command.env("PDBASE", dir.path().join("base")).arg("--from-cups").arg(dir.path());
        times.push(seconds(|| succeed(&mut command)));
    }
    let what = format!("`spoolcom --from-cups` of {queues} raw queues");
    table.add(Row::limit(&what, Unit::Seconds, median(times), None, Goal::AtMost(10.0), fsync));
    Ok(())
}

/// The live screen, in a terminal of 24 lines: what it takes of a processor when nothing happens, and while jobs arrive.
fn screen(size: Size, site: &Site, jobs: usize, table: &mut Table, fsync: f64) -> anyhow::Result<()> {
    let spoolwatch = program("spoolcom").with_file_name("spoolwatch");
    if !spoolwatch.exists() {
        table.left_out("the live screen", "needs the program spoolwatch beside the others, built for the same profile");
        return Ok(());
    }
    let window = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&window), None)?;
    let mut command = site.command("spoolcom");
    command.arg("WATCH").env("TERM", "xterm").stdin(pty.slave.try_clone()?).stdout(pty.slave.try_clone()?);
    let watcher = Watcher(command.stderr(pty.slave.try_clone()?).spawn()?);
    drop((command, pty.slave));
    let mut master = File::from(pty.master);
    let drawn = shown(&mut master, Instant::now() + DEADLINE, Duration::from_millis(500))?;
    ensure!(drawn > 0, "the live screen draws nothing");

    let lasts = size.pick(Duration::from_millis(500), Duration::from_secs(20));
    let mut local = site.local();
    let file = document(site.dir.path(), "one-more", 5_000);
    for (what, changes) in [("nothing happens", 0), ("jobs arrive, 9 a second", CHANGES)] {
        let (before, began) = (watcher.processor_time()?, Instant::now());
        for n in 0..changes * u32::try_from(lasts.as_millis())? / 1_000 {
            shown(&mut master, began + Duration::from_secs(1) * (n + 1) / CHANGES, DEADLINE)?;
            submit(&mut local, "g0.l0", &file, Transfer::Copy);
        }
        shown(&mut master, began + lasts, DEADLINE)?;
        let part = (watcher.processor_time()? - before) / began.elapsed().as_secs_f64();
        let what = format!("`spoolcom WATCH` of {jobs} jobs while {what}");
        table.add(Row::limit(&what, Unit::Core, part, None, Goal::AtMost(0.02), fsync));
    }
    Ok(())
}

/// Reads what is drawn until then, or until nothing was drawn for so long; the number of octets.
fn shown(master: &mut File, until: Instant, quiet: Duration) -> anyhow::Result<usize> {
    let (mut octets, mut buffer, mut last) = (0, [0; 1 << 16], Instant::now());
    loop {
        let end = until.min(last + if octets == 0 { DEADLINE } else { quiet });
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(octets);
        }
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        if poll(&mut [PollFd::new(master.as_fd(), PollFlags::POLLIN)], timeout)? > 0 {
            octets += master.read(&mut buffer)?;
            last = Instant::now();
        }
    }
}

/// The running screen. Dropped, it is ended.
struct Watcher(Child);

impl Watcher {
    /// The seconds of a processor that it has taken.
    fn processor_time(&self) -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name in parentheses may have blanks: what follows it has none.
        let rest = text.rsplit(')').next().context("no name in /proc/PID/stat")?;
        let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        let each = sysconf(SysconfVar::CLK_TCK)?.context("the length of a tick is unknown")?;
        Ok(ticks as f64 / each as f64)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
