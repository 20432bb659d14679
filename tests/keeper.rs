//! `spoolcom --foreground 'SPOOLER, START'`: print processes that live as long as the command, whoever makes work for them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc;

use nix::sys::signal::{Signal, kill};

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish, pid};

/// A keeper, with the lines that it writes.
struct Keeper {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Keeper {
    fn start(site: &Site) -> Self {
        let mut child = site.command("spoolcom").args(["--foreground", "SPOOLER, START"]).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || err.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line with these words.
    #[track_caller]
    fn says(&mut self, words: &str) -> String {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no '{words}' after {:#?}", self.seen),
            }
        }
    }

    #[track_caller]
    fn ends(mut self, signal: Signal) {
        kill(pid(self.child.id()), signal).unwrap();
        self.says("a signal asked for it");
        finish(self.child, DEADLINE).expect(0);
    }
}

fn parent(of: nix::unistd::Pid) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{of}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn submit(site: &Site, tag: &str) {
    let file = site.document(tag, format!("{tag}\n").as_bytes());
    site.submit("office.front", tag, &file).expect(0);
}

#[test]
fn whoever_makes_work_the_keeper_starts_the_process_and_starts_it_again_when_it_dies() {
    let mut site = Site::new();
    site.env.push(("PD_FASTP_IDLE", "600"));
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let mut keeper = Keeper::start(&site);
    site.wait_for("the keeper listens", || site.paths().keeper_socket().exists());
    submit(&site, "one");
    keeper.says("is started");
    site.wait_until_empty();
    let first = site.fastp().unwrap();
    assert_eq!(parent(first), keeper.child.id());
    kill(first, Signal::SIGKILL).unwrap();
    keeper.says("SIGKILL");
    submit(&site, "two");
    site.wait_until_empty();
    let second = site.fastp().unwrap();
    assert_ne!(first, second);
    assert_eq!(parent(second), keeper.child.id());
    assert_eq!(std::fs::read_to_string(site.sink()).unwrap(), "one\n\u{c}two\n");
    let other = site.run("spoolcom", &["--foreground", "SPOOLER, START"]).expect(1);
    other.says("another command keeps the print processes");
    keeper.ends(Signal::SIGTERM);
    assert!(site.fastp().is_none(), "it ended with its keeper");
    // Without a keeper commands start processes themselves.
    submit(&site, "three");
    site.wait_until_empty();
}

#[test]
fn a_job_in_progress_is_given_back_when_the_keeper_is_told_to_end_and_prints_under_the_next_one() {
    let mut site = Site::new();
    site.env.push(("PD_FASTP_IDLE", "600"));
    site.declare();
    let sink = Sink::new(Mode::Slow);
    site.device("LP2", &sink.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START");
    let mut keeper = Keeper::start(&site);
    site.wait_for("the keeper listens", || site.paths().keeper_socket().exists());
    let long = site.document("long", &vec![b'x'; 3_000_000]);
    site.submit("office.slow", "long", &long).expect(0);
    keeper.says("is started");
    site.wait_for("it prints", || site.jobs().iter().any(|job| job["current-job-state"] == "processing"));
    keeper.ends(Signal::SIGINT);
    let jobs = site.jobs();
    assert_eq!((jobs.len(), jobs[0]["current-job-state"].as_str()), (1, Some("pending")), "{jobs:#?}");
    let mut keeper = Keeper::start(&site);
    keeper.says("is started");
    site.wait_for("it prints again", || site.jobs().iter().any(|job| job["current-job-state"] == "processing"));
    keeper.ends(Signal::SIGTERM);
}

#[test]
fn the_third_death_in_a_minute_puts_the_process_in_error_and_the_keeper_leaves_it_alone() {
    let mut site = Site::new();
    site.env.push(("PD_FASTP_IDLE", "600"));
    site.declare();
    let mut keeper = Keeper::start(&site);
    site.wait_for("the keeper listens", || site.paths().keeper_socket().exists());
    // It is kept open, so the process has work whenever it is started.
    site.spoolcom("DEV $LP1, DRAIN, EXCLUSIVE ON, START");
    for _ in 0..3 {
        keeper.says("is started");
        let mut process = None;
        site.wait_for("it runs", || {
            process = site.fastp();
            process.is_some() && site.counts_as_running()
        });
        kill(process.unwrap(), Signal::SIGKILL).unwrap();
        keeper.says("SIGKILL");
    }
    site.wait_for("it is in error", || site.run("spoolcom", &["PRINT $SPLA"]).expect(0).out.contains("ERROR"));
    site.spoolcom("PRINT $SPLA, START");
    keeper.says("is started");
    keeper.ends(Signal::SIGTERM);
}

#[test]
fn a_keeper_is_for_spooler_start_and_for_a_spool_that_exists() {
    let site = Site::new();
    site.run("spoolcom", &["--foreground", "SPOOLER, START"]).expect(3).says("there is no spool");
    site.declare();
    for words in [&["--foreground", "DEV"][..], &["--foreground", "SPOOLER"], &["--foreground"]] {
        let mut command: Command = site.command("spoolcom");
        finish(command.args(words).spawn().unwrap(), DEADLINE).expect(2).says("--foreground goes with SPOOLER, START");
    }
}
