//! Three servers between which the network is cut, delayed, closed in one direction and silent, whose clocks are set, and whose servers and
//! print processes are killed, at random and at named points. What was acknowledged prints, whole, and twice only where that is announced.
//!
//! The short form takes 60 steps; `STEPS=5000` is the long one. `SEED` repeats a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Child;
use std::time::Duration;

use spoolsuite::sys::watch::Watch;

use super::world::World;
use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{Dice, number};

const NAMES: [&str; 3] = ["acme1", "acme2", "acme3"];
/// Where a server may die: while it hands over, takes over, serves a file, fetches one, and records an end.
const SERVER: [&str; 9] = [
    "offered",
    "offer-answered",
    "end-on-record",
    "take-over-commit",
    "taken-over",
    "peer-reply",
    "peer-data",
    "fetching",
    "fetched",
];
/// Where a print process may die.
const PRINTER: [&str; 5] = ["claimed", "mid-send", "after-last-octet", "before-completion", "after-completion"];
/// What is waited for without a change of the spool: then the next step comes.
const QUIET: Duration = Duration::from_millis(100);

struct Campaign {
    world: World,
    sinks: BTreeMap<&'static str, Sink>,
    dice: Dice,
    /// The device at whose server each job is to print.
    tried: HashMap<String, &'static str>,
    acknowledged: HashSet<String>,
    /// Print processes that were started with a fault.
    doomed: Vec<Child>,
    steps: BTreeMap<String, u64>,
}

impl Campaign {
    fn new() -> Self {
        let world = World::new(&NAMES).with_clocks();
        NAMES.iter().for_each(|name| world.run(name));
        let mut sinks = BTreeMap::new();
        for name in NAMES {
            world[name].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        }
        for name in ["acme2", "acme3"] {
            let sink = Sink::new(Mode::Normal);
            world[name].device("LP1", &sink.uri(), "OFF!");
            world[name].spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
            world[name].start("LP1");
            sinks.insert(name, sink);
        }
        for (from, to) in [("acme1", "acme2"), ("acme1", "acme3"), ("acme2", "acme3")] {
            let route = format!("LOC #OFFICE.{to}, DEV \\{to}.$LP1");
            world[from].wait_for("its group is known", || world[from].run("spoolcom", &[&route]).status == 0);
        }
        Self {
            world,
            sinks,
            dice: Dice::new(20_261_129),
            tried: HashMap::new(),
            acknowledged: HashSet::new(),
            doomed: Vec::new(),
            steps: BTreeMap::new(),
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.dice.roll(all.len() as u64) as usize]
    }

    fn submit(&mut self) {
        let tag = format!("job-{}", self.tried.len());
        let (from, to) = self.one_of(&[("acme1", "acme2"), ("acme1", "acme3"), ("acme2", "acme3")]);
        let size = self.one_of(&[300, 20_000, 2 << 20]);
        let octets = if self.dice.roll(3) == 0 { text(&tag, size) } else { stream(&tag, size) };
        let file = self.world[from].document(&tag, &octets);
        let destination = format!("office.{to}");
        let words = ["-d", &destination, "-t", &tag, file.to_str().unwrap()];
        // A link is fetched; a copy is read where it is.
        let link = self.dice.roll(2) == 0;
        let words: Vec<&str> = link.then_some("-l").into_iter().chain(words).collect();
        let outcome = self.world[from].run("pdpr", &words);
        self.tried.insert(tag.clone(), to);
        if outcome.status == 0 {
            self.acknowledged.insert(tag);
        }
    }

    fn step(&mut self) {
        let name = self.one_of(&NAMES);
        let before = self.world.before(name);
        let did = match self.dice.roll(13) {
            0..=3 => {
                self.submit();
                "submitted"
            }
            4 => {
                before.cut_after(self.dice.roll(200_000) as usize + 1);
                before.half(false);
                "cut"
            }
            5 => {
                before.cut_after(self.dice.roll(200_000) as usize + 1);
                before.half(true);
                "half closed"
            }
            6 => {
                before.silent(true);
                "partitioned"
            }
            7 => {
                before.gate(self.dice.roll(100_000) as usize + 1);
                "delayed"
            }
            8 => {
                self.heal(name);
                "healed"
            }
            9 => {
                // By up to two days, either way.
                self.world.set_clock(name, self.dice.roll(4 * 86_400_000) as i64 - 2 * 86_400_000);
                "clock set"
            }
            10 => {
                self.world.kill(name);
                self.world.run(name);
                "server killed"
            }
            11 => {
                let point = format!("{}@{}", self.one_of(&SERVER), self.dice.roll(3) + 1);
                self.world.kill(name);
                self.world.run_with(name, &[("PD_FAULT", &point)]);
                "server to die at a point"
            }
            _ => {
                let name = self.one_of(&["acme2", "acme3"]);
                self.world[name].kill_fastp();
                let point = self.one_of(&PRINTER);
                let doomed = self.world[name].start_with_submission_socket("600", &[("PD_FAULT", point)]);
                self.doomed.push(doomed);
                "print process to die at a point"
            }
        };
        *self.steps.entry(did.to_owned()).or_default() += 1;
        // Something has to happen between two steps.
        let name = self.one_of(&NAMES);
        let watch = Watch::new(&self.world[name].paths().write_lock()).unwrap();
        let changes = self.dice.roll(20) as u32;
        self.world[name].wait_for_changes(&watch, changes, QUIET);
    }

    fn heal(&self, name: &str) {
        let before = self.world.before(name);
        before.cut_after(0);
        before.half(false);
        before.silent(false);
        before.gate(0);
    }

    /// Everything is well again: what was acknowledged comes to its end.
    fn end(mut self) {
        for name in NAMES {
            self.heal(name);
            self.world.kill(name);
            self.world[name].kill_fastp();
        }
        for mut doomed in self.doomed.drain(..) {
            let _ = doomed.kill();
            let _ = doomed.wait();
        }
        for name in NAMES {
            self.world.run(name);
            self.world[name].spoolcom("PRINT $SPLA, START");
        }
        for name in ["acme2", "acme3"] {
            self.world[name].start("LP1");
        }
        for name in NAMES {
            self.world[name].wait_until_empty();
        }
        self.world.wait_until_empty();
        let mut announced = HashSet::new();
        NAMES.iter().for_each(|name| announced.extend(self.world[name].possible_duplicates()));
        let mut printed: HashMap<String, usize> = HashMap::new();
        for (name, sink) in &self.sinks {
            for connection in sink.connections() {
                // A connection carries one job, or the beginning of one.
                let came = take_apart(&connection.octets);
                for tag in &came.complete {
                    assert_eq!(self.tried.get(tag), Some(name), "{tag} came out at another server");
                    *printed.entry(tag.clone()).or_default() += 1;
                }
                if let Some(tag) = came.broken.filter(|tag| !tag.is_empty()) {
                    assert!(announced.contains(&tag), "{tag} was cut and nothing says so");
                }
            }
        }
        for tag in &self.acknowledged {
            assert!(printed.contains_key(tag), "{tag} was acknowledged and is lost: {:?}", self.steps);
        }
        for (tag, times) in &printed {
            assert!(*times == 1 || announced.contains(tag), "{tag} came out {times} times and nothing says so");
        }
        for name in NAMES {
            self.world[name].wait_for_no_print_files();
            assert!(self.world.fetched(name).is_empty(), "{name}: {:?}", self.world.fetched(name));
        }
        eprintln!(
            "{:?}: {} jobs tried, {} acknowledged, {} printed, {} announced",
            self.steps,
            self.tried.len(),
            self.acknowledged.len(),
            printed.len(),
            announced.len()
        );
    }
}

#[test]
fn whatever_happens_between_three_servers_loses_no_job_and_prints_none_twice_unannounced() {
    let mut campaign = Campaign::new();
    for _ in 0..number("STEPS", 60) {
        campaign.step();
    }
    campaign.end();
}
