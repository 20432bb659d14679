//! Killing the print process and the submitter while they work: what was acknowledged is printed, whole, and twice only
//! where that was announced.
//!
//! The short form makes 200 kills; `KILLS=5000` is the long one. `SEED` repeats a run.

use std::collections::{HashMap, HashSet};
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::Duration;

use crate::support::documents::{Received, stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{Dice, Site, finish, number, pid};
use spoolsuite::sys::watch::Watch;

/// Where whoever carries out a submission may be killed: `pdpr` itself, or the print process that takes it through its submission socket.
const SUBMITTER: [&str; 3] = ["after-data-fsync", "before-commit", "after-commit"];
/// Where a print process may be killed.
const PRINTER: [&str; 6] =
    ["claimed", "mid-send", "after-last-octet", "before-completion", "after-completion", "going-dormant"];
/// The file, a socket with one job for each connection, a socket that carries several.
const DESTINATIONS: [&str; 3] = ["office.front", "office.each", "office.many"];
/// What a random kill waits for without a change of the spool: then it kills anyway.
const QUIET: Duration = Duration::from_millis(100);

struct Campaign {
    site: Site,
    sinks: [Sink; 2],
    dice: Dice,
    /// Tag → destination of every job that was tried.
    tried: HashMap<String, usize>,
    /// Tags of those that pdpr acknowledged.
    acknowledged: HashSet<String>,
    /// Whether submissions go to the submission socket of the print process, where it is open.
    through_socket: bool,
    kills: HashMap<String, u64>,
}

impl Campaign {
    fn new() -> Self {
        let site = Site::new();
        site.declare();
        let sinks = [Sink::new(Mode::Normal), Sink::new(Mode::Slow)];
        site.device("LP2", &sinks[0].uri(), "OFF!");
        site.device("LP3", &sinks[1].uri(), "OFF");
        site.spoolcom("LOC #OFFICE.EACH, DEV $LP2; LOC #OFFICE.MANY, DEV $LP3");
        site.spoolcom("DEV $LP1, START; DEV $LP2, START; DEV $LP3, START");
        Self {
            site,
            sinks,
            dice: Dice::new(20_250_101),
            tried: HashMap::new(),
            acknowledged: HashSet::new(),
            through_socket: true,
            kills: HashMap::new(),
        }
    }

    /// Starts one submission; `fault` names the point at which it, or the print process it starts, kills itself.
    fn submit(&mut self, fault: Option<String>) -> (String, Child) {
        let tag = format!("job-{}", self.tried.len());
        let at = self.dice.roll(3) as usize;
        // Some fit into a socket's buffer, some are larger than both of its buffers together.
        let size = [300, 20_000, 300_000][self.dice.roll(3) as usize];
        let bytes = if self.dice.roll(2) == 0 { text(&tag, size) } else { stream(&tag, size) };
        let file = self.site.document(&tag, &bytes);
        let mut command = self.site.submission(DESTINATIONS[at], &tag, &file);
        if let Some(fault) = fault {
            command.env("PD_FAULT", fault);
        }
        if !self.through_socket {
            command.env("PD_SUBMISSION_SOCKET_MS", "0");
        }
        self.tried.insert(tag.clone(), at);
        (tag, command.spawn().unwrap())
    }

    /// Takes the end of a submission into the books. True when it was killed.
    fn ended(&mut self, tag: String, child: Child) -> bool {
        let outcome = finish(child, crate::support::DEADLINE);
        if outcome.status == 0 {
            self.acknowledged.insert(tag.clone());
        }
        // pdpr has the document now or refused it; the user's own file is not needed any more.
        std::fs::remove_file(self.site.files.path().join(&tag)).unwrap();
        assert!([0, 1, 128 + 9].contains(&outcome.status), "{tag}: {outcome:#?}");
        outcome.status == 128 + 9
    }

    fn count(&mut self, what: &str, happened: bool) {
        *self.kills.entry(what.to_owned()).or_default() += u64::from(happened);
    }

    fn total(&self) -> u64 {
        self.kills.values().sum()
    }

    /// Some work for the victim, then one kill.
    fn round(&mut self) {
        let watch = Watch::new(&self.site.paths().write_lock()).unwrap();
        self.through_socket = self.dice.roll(2) == 0;
        match self.dice.roll(5) {
            0 => {
                let load: Vec<_> = (0..3).map(|_| self.submit(None)).collect();
                let changes = self.dice.roll(40) as u32;
                self.site.wait_for_changes(&watch, changes, QUIET);
                let killed = self.site.kill_fastp();
                self.count("fastp, random", killed);
                for (tag, child) in load {
                    self.ended(tag, child);
                }
            }
            1 => {
                let (tag, child) = self.submit(None);
                let changes = self.dice.roll(12) as u32;
                self.site.wait_for_changes(&watch, changes, Duration::from_millis(20));
                let _ = nix::sys::signal::kill(pid(child.id()), nix::sys::signal::Signal::SIGKILL);
                let killed = self.ended(tag, child);
                self.count("pdpr, random", killed);
            }
            2 => {
                let point = SUBMITTER[self.dice.roll(3) as usize];
                // It is pdpr that is to die: through the submission socket it would not pass that point.
                self.through_socket = false;
                let (tag, child) = self.submit(Some(point.to_owned()));
                let killed = self.ended(tag, child);
                assert!(killed, "pdpr did not pass {point}");
                self.count(point, killed);
            }
            3 => self.kill_the_print_process_at_a_point(),
            _ => self.kill_printer_at_a_point(),
        }
        self.restart(None);
    }

    /// The print process dies while it takes a submission. Whoever submits notices nothing.
    fn kill_the_print_process_at_a_point(&mut self) {
        let point = SUBMITTER[self.dice.roll(3) as usize];
        self.site.kill_fastp();
        let process = self.site.start_with_submission_socket("600", &[("PD_FAULT", point)]);
        self.through_socket = true;
        let load: Vec<_> = (0..3).map(|_| self.submit(None)).collect();
        for (tag, child) in load {
            self.ended(tag.clone(), child);
            assert!(self.acknowledged.contains(&tag), "{tag} was refused because a print process died at {point}");
        }
        finish(process, crate::support::DEADLINE).expect(128 + 9);
        self.count(&format!("submission socket, {point}"), true);
    }

    fn kill_printer_at_a_point(&mut self) {
        let point = PRINTER[self.dice.roll(6) as usize];
        // Of a point that each job passes, not always the first pass.
        let nth = if point == "going-dormant" { 1 } else { 1 + self.dice.roll(2) };
        self.site.kill_fastp();
        let load: Vec<_> = (0..3).map(|_| self.submit(Some(format!("{point}@{nth}")))).collect();
        for (tag, child) in load {
            self.ended(tag, child);
        }
        self.restart(Some(format!("{point}@{nth}")));
        // It dies at the point, or goes dormant without passing it so often.
        let ended = self.site.fastp_ends(crate::support::DEADLINE);
        assert!(ended, "the print process neither died at {point}@{nth} nor went dormant: {}", self.site.log());
        let killed = self.site.counts_as_running();
        self.count(point, killed);
    }

    /// Clears PROCERROR (it dies more often than three times a minute here) and starts it if there is work.
    fn restart(&self, fault: Option<String>) {
        let mut command = self.site.command("spoolcom");
        command.arg("PRINT $SPLA, START");
        if let Some(fault) = fault {
            command.env("PD_FAULT", fault);
        }
        finish(command.spawn().unwrap(), crate::support::DEADLINE).expect(0);
    }

    /// Lets everything print.
    fn print_all(&self) {
        let mut left = usize::MAX;
        while left > 0 {
            // A process that a submission started with its fault may have been waiting for the lock until now: it dies while
            // everything is to print, and is started again.
            self.restart(None);
            let before = left;
            let died = || self.site.fastp().is_none() && self.site.counts_as_running();
            self.site.wait_for("every job is done", || {
                left = self.site.jobs().len();
                left < before || died()
            });
        }
    }

    /// Lets everything print and checks every promise.
    fn check(&self) {
        self.print_all();
        let mut printed: [Vec<String>; 3] = Default::default();
        let file = std::fs::read(self.site.sink()).unwrap_or_default();
        let received: Received = take_apart(&file);
        assert_eq!(received.broken, None, "the file ends in the middle of a job");
        printed[0] = received.complete;
        for (sink, printed) in self.sinks.iter().zip(&mut printed[1..]) {
            for connection in sink.connections() {
                printed.extend(take_apart(&connection.octets).complete);
            }
        }
        let announced = self.site.possible_duplicates();
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for (at, tags) in printed.iter().enumerate() {
            for tag in tags {
                assert_eq!(self.tried.get(tag), Some(&at), "{tag} came out at another device");
                *seen.entry(tag).or_default() += 1;
            }
        }
        for tag in &self.acknowledged {
            assert!(seen.contains_key(tag.as_str()), "{tag} was acknowledged and is not printed");
        }
        for (tag, times) in seen {
            let in_file = self.tried[tag] == 0;
            assert!(times == 1 || !in_file, "{tag} is {times} times in the file");
            assert!(times == 1 || announced.contains(tag), "{tag} came out {times} times, unannounced");
        }
        self.site.spoolcom("SPOOLER, START");
        self.restart(None);
        self.site.wait_for_no_print_files();
    }
}

#[test]
fn a_job_acknowledged_before_a_kill_is_printed_after_it() {
    let kills = number("KILLS", 200);
    let mut campaign = Campaign::new();
    let mut checked = 0;
    while campaign.total() < kills {
        campaign.round();
        if campaign.total() >= checked + 50 {
            checked = campaign.total();
            campaign.check();
            eprintln!("{checked} kills, {} jobs: {:?}", campaign.tried.len(), campaign.kills);
        }
    }
    campaign.check();
    let acknowledged = campaign.acknowledged.len();
    eprintln!("{} kills, {} jobs tried, {acknowledged} acknowledged", campaign.total(), campaign.tried.len());
    assert!(acknowledged > 0);
}

#[test]
fn the_points_at_which_we_kill_exist() {
    let site = Site::new();
    site.declare();
    let file = site.document("d", b"text\n");
    for point in SUBMITTER {
        let mut command = site.submission("office.front", point, &file);
        let ended = command.env("PD_FAULT", point).spawn().unwrap().wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "pdpr did not pass {point}");
    }
}

#[test]
fn what_a_device_received_is_taken_apart_wherever_it_breaks_off() {
    let all = [text("a b", 500), b"\x0c".to_vec(), stream("s", 300), b"\x1b%-12345X".to_vec(), text("c", 40)].concat();
    assert_eq!(take_apart(&all).complete, ["a b", "s", "c"]);
    for cut in 0..all.len() {
        assert!(take_apart(&all[..cut]).complete.len() < 3);
    }
}
