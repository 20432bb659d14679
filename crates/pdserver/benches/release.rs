//! Secure release: what a person waits for at a station where three servers hold the jobs of very many people.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "inside of what is timed an error has nowhere to go; a figure without it is none"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolsuite::client::ServedSpool;
use spoolsuite::model::lease::Answered;
use spoolsuite::model::{GlobalJobId, JobRef};
use spoolsuite::spool::Base;
use spoolsuite::spool::interface::operations::Operations;

use super::server::{SUBMITTERS, Server, accepted, group, submit};
use super::support::filled;
use super::support::table::{Goal, Row, Table, Unit};
use super::support::{DEADLINE, Size, document, fsync_p50, median, seconds};

/// Printers of a station: people do not wait for each other's.
const PRINTERS: usize = 4;
/// A person with an account on every Debian, who has many jobs.
const HOARDER: &str = "games";
/// His number.
const HOARDERS_UID: u32 = 5;

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let (held, people, hoarded) = size.pick((60, 10, 20), (100_000, 1_000, 1_000));
    let mut servers = pool()?;
    let file = document(servers[0].dir.path(), "page", 5_000);
    for (n, server) in servers.iter_mut().enumerate() {
        submit(&mut server.connect(), &file, "follow-me");
        server.stop();
        let base = Base::new(server.path("base"));
        filled::held(&base.database(), held / 3, Some(people), None);
        if n == 1 {
            filled::held(&base.database(), hoarded, None, Some((HOARDER, HOARDERS_UID)));
        }
        server.start();
    }
    lists(size, &servers, (held, people), table)?;
    page(size, &servers[1], hoarded, table)?;
    releases(size, &servers, &file, table)
}

/// Three servers with a secure queue each, which are one pool, and a station of four printers.
fn pool() -> anyhow::Result<[Server; 3]> {
    let servers = group(["acme1", "acme2", "acme3"]);
    for server in &servers {
        let run = |program: &str, words: &[&str]| -> anyhow::Result<()> {
            let output = server.command(program).args(words).output()?;
            ensure!(output.status.success(), "{program} {words:?}: {output:?}");
            Ok(())
        };
        let name = server.name;
        run("pdchange", &["off"])?;
        run("pdcreate", &["-c", "queue", "-x", "release-type=secure", &format!("{name}:office")])?;
        let others: Vec<String> =
            servers.iter().filter(|other| other.name != name).map(|other| format!("{}:office", other.name)).collect();
        run("pdset", &["-c", "queue", "-x", &format!("compatible-queues={}", others.join(" ")), "office"])?;
        let realms: Vec<String> = servers.iter().map(|other| format!("'{}=site'", other.name)).collect();
        let realms = format!("default-realm=site identity-realms={}", realms.join(" "));
        run("pdset", &["-c", "server", "-x", &realms, name])?;
        let logical = "destination-realization=logical associated-queue=office";
        run("pdcreate", &["-x", logical, &format!("{name}:follow-me")])?;
        run("pdenable", &["follow-me"])?;
        let printers: Vec<String> = (1..=PRINTERS).map(|n| format!("hall-{n}")).collect();
        for printer in &printers {
            let actual = "destination-realization=actual associated-queue=office device-uri=null:";
            run("pdcreate", &["-x", actual, &format!("{name}:{printer}")])?;
            run("pdenable", &[printer])?;
        }
        let station = format!("related-printers={} bank=pin", printers.join(" "));
        run("pdcreate", &["-c", "station", "-x", &station, &format!("{name}:hall")])?;
        run("pdcreate", &["-c", "user", &format!("{name}:{HOARDER}")])?;
    }
    Ok(servers)
}

/// The jobs of one person on all three servers, as the station has them. Returns how many, and which server did not answer.
fn list(spool: &mut ServedSpool) -> (usize, Vec<String>) {
    let here = spool.held_jobs(None, None, 1_000).unwrap();
    let there = spool.held_elsewhere(None).unwrap();
    let silent = there.servers.into_iter().filter(|(_, answered)| matches!(answered, Answered::No(_)));
    (here.rows.len() + there.rows.len(), silent.map(|(server, _)| server.to_string()).collect())
}

/// The list of one of very many people, and the same while one server does not answer.
fn lists(size: Size, servers: &[Server; 3], (held, people): (usize, usize), table: &mut Table) -> anyhow::Result<()> {
    let fsync = fsync_p50(servers[1].dir.path());
    let mut spool = servers[1].connect();
    let (found, silent) = list(&mut spool);
    ensure!(silent.is_empty() && found >= held / people, "{found} jobs are listed, without {silent:?}");
    let mut took: Vec<f64> = (0..size.pick(3, 1_000)).map(|_| seconds(|| drop(list(&mut spool)))).collect();
    took.sort_by(f64::total_cmp);
    let p99 = took[(took.len() * 99 / 100).min(took.len() - 1)];
    let what =
        format!("slowest hundredth of lists of one of {people} people ({found} jobs), {held} held on three servers");
    let middle = (median(took), "the middle one");
    table.add(Row::limit(&what, Unit::Seconds, p99, Some(middle), Goal::AtMost(0.050), fsync));
    // It lives, and says nothing.
    let pid = Pid::from_raw(i32::try_from(servers[2].pid())?);
    kill(pid, Signal::SIGSTOP)?;
    let begun = Instant::now();
    let (found, silent) = list(&mut spool);
    let took = begun.elapsed().as_secs_f64();
    kill(pid, Signal::SIGCONT)?;
    ensure!(found > 0 && silent == ["acme3"], "{found} jobs are listed, without {silent:?}");
    let what = "the same while one server does not answer, which is named";
    table.add(Row::limit(what, Unit::Seconds, took, None, Goal::AtMost(3.5), fsync));
    Ok(())
}

/// Releases at the stations of one server of jobs that lie on another one.
fn releases(size: Size, servers: &[Server; 3], file: &std::path::Path, table: &mut Table) -> anyhow::Result<()> {
    let many = size.pick(SUBMITTERS, 1_600);
    let fsync = fsync_p50(servers[1].dir.path());
    let mut near = servers[0].connect();
    let jobs: Vec<GlobalJobId> = (0..many).map(|_| accepted(&mut near, file, "follow-me")).collect();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SUBMITTERS {
            let (servers, jobs, next) = (&servers, &jobs, &next);
            scope.spawn(move || {
                let mut spool = servers[1].connect();
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    spool.release_job(JobRef::Global(job.clone()), None, None).unwrap();
                }
            });
        }
    });
    // They have printed, and both servers know it.
    let db = servers[0].database();
    let left = "SELECT count(*) FROM job WHERE serial BETWEEN ?1 AND ?2";
    let of = |job: &GlobalJobId| i64::try_from(job.serial.0);
    let (first, last) = (of(&jobs[0])?, of(&jobs[many - 1])?);
    while db.query_row(left, [first, last], |row| row.get::<_, i64>(0))? > 0 {
        ensure!(begun.elapsed() < DEADLINE, "the jobs do not end: {} {}", servers[0].log(), servers[1].log());
        std::thread::sleep(Duration::from_millis(5));
    }
    let rate = many as f64 / begun.elapsed().as_secs_f64();
    let what = format!("releases at another server, printed and on record on both, 16 people at {PRINTERS} printers");
    table.add(Row::limit(&what, Unit::PerSecond, rate, None, Goal::AtLeast(100.0), fsync));
    Ok(())
}

/// The page of a station of somebody who has a thousand jobs.
fn page(size: Size, server: &Server, hoarded: usize, table: &mut Table) -> anyhow::Result<()> {
    let fsync = fsync_p50(server.dir.path());
    let mut pin = server.command("pdset");
    let mut child = pin.args(["-c", "user", "--pin", HOARDER]).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().unwrap().write_all(b"4071\n")?;
    ensure!(child.wait()?.success(), "the PIN is not set");
    let station = Station::open(server)?;
    let mut browser = Browser { address: station.address.clone(), cookie: String::new(), token: String::new() };
    browser.get("/");
    let form = format!("token={}&user={HOARDER}&pin=4071", browser.token);
    browser.post("/log-on", &form);
    let first = browser.get("/");
    let rows = first.matches("name=\"job\"").count();
    ensure!(rows >= hoarded.min(1_000), "{rows} jobs of {hoarded} are on the page");
    let took: Vec<f64> = (0..size.pick(2, 60)).map(|_| seconds(|| drop(browser.get("/")))).collect();
    let what = format!("the page of a station with {rows} jobs, those of the other servers included");
    let middle = median(took);
    table.add(Row::limit(&what, Unit::Seconds, middle, None, Goal::AtMost(0.020), fsync));
    Ok(())
}

/// The process of a page.
struct Station {
    child: Child,
    address: String,
}

impl Station {
    fn open(server: &Server) -> anyhow::Result<Self> {
        let mut command = server.command("pdstation");
        command.args(["--name", "hall", "--http", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut station = Self { child: command.spawn()?, address: String::new() };
        let mut said = BufReader::new(station.child.stderr.take().unwrap());
        while station.address.is_empty() {
            let mut line = String::new();
            ensure!(said.read_line(&mut line)? > 0, "the page does not begin: {}", server.log());
            if let Some((_, address)) = line.trim_end().rsplit_once("http://") {
                station.address = address.trim_end_matches('/').to_owned();
            }
        }
        // What it says later is read by nobody.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(station)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser as far as the page needs it.
struct Browser {
    address: String,
    cookie: String,
    token: String,
}

impl Browser {
    fn get(&mut self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    fn post(&mut self, path: &str, form: &str) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nOrigin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            self.address,
            form.len()
        );
        self.exchange(&head, form);
    }

    fn exchange(&mut self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let cookie = if self.cookie.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookie) };
        let request = format!("{head}Host: {}\r\n{cookie}Connection: close\r\n\r\n{body}", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            if let Some(set) = line.strip_prefix("set-cookie: station-")
                && !set.starts_with("language")
            {
                self.cookie = format!("station-{}", set.split(';').next().unwrap_or_default());
            }
        }
        if let Some((_, rest)) = text.split_once("name=\"token\" value=\"") {
            self.token = rest.split('"').next().unwrap_or_default().to_owned();
        }
        text
    }
}
