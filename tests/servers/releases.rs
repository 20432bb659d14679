//! Releases across three servers, while a server or a print process dies at a named point of each. A job is released once, or given back
//! to its owner, or said to be unknown; nothing is printed twice unannounced.
//!
//! The short form takes 12 releases; `RELEASES=1000` is the long one. `SEED` repeats a run.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use spoolsuite::sys::watch::Watch;

use super::release::{listed, pool};
use super::world::World;
use crate::support::{DEADLINE, Dice, number};

const NAMES: [&str; 3] = ["acme1", "acme2", "acme3"];
/// Where the server of the job, that of the station, or the third one may die.
const SERVER: [&str; 12] = [
    "claim-granted",
    "claim-answered",
    "claim-commit",
    "claim-taken",
    "peer-data",
    "fetching",
    "fetched",
    "begin-on-record",
    "begin-answered",
    "begun",
    "claim-ended",
    "claim-end-on-record",
];
/// Where the print process at the station may die.
const PRINTER: [&str; 5] = ["claimed", "mid-send", "after-last-octet", "before-completion", "after-completion"];
/// Claims end soon, so that what is given back is given back soon.
const LEASE: (&str, &str) = ("TEST_SERVER_LEASE_MS", "1500");

/// What became of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Printed,
    GivenBack,
    Unknown,
}

struct Campaign {
    world: World,
    dice: Dice,
    doomed: Option<Child>,
    outcomes: BTreeMap<(Outcome, bool), u32>,
}

impl Campaign {
    fn new() -> Self {
        let world = pool(&NAMES, None);
        for name in NAMES {
            world.kill(name);
            world.run_with(name, &[LEASE]);
        }
        Self { world, dice: Dice::new(20_261_130), doomed: None, outcomes: BTreeMap::new() }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.dice.roll(all.len() as u64) as usize]
    }

    /// How the job stands at its server when nothing is under way any more; whoever died meanwhile is started again.
    fn settled(&self, at: &str, job: &str) -> Option<Outcome> {
        for name in NAMES {
            if self.world.is_dead(name) {
                self.world.run_with(name, &[LEASE]);
            }
        }
        match listed(&self.world, at, job)["state"].as_str() {
            Some("waiting") => Some(Outcome::GivenBack),
            Some("may-have-printed") => Some(Outcome::Unknown),
            Some(_) => None,
            None => self.world[at].jobs().iter().all(|row| row["job-identifier"] != job).then_some(Outcome::Printed),
        }
    }

    fn await_end(&self, at: &'static str, station: &'static str, job: &str) -> Outcome {
        // What another server does rings no bell here.
        let watch = Watch::new(&self.world[at].paths().write_lock()).unwrap();
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(end) = self.settled(at, job) {
                return end;
            }
            let shown = || (listed(&self.world, at, job), NAMES.map(|name| self.world[name].jobs()));
            assert!(Instant::now() < until, "{job} never ends: {:#?}", shown());
            // `pdserver` would see at once that its print process has died.
            self.world[station].spoolcom("PRINT $SPLA, START");
            watch.wait(Duration::from_millis(200)).unwrap();
        }
    }

    fn printed(&self, line: &str) -> usize {
        let papers = NAMES.map(|name| std::fs::read_to_string(self.world[name].sink()).unwrap_or_default());
        papers.concat().matches(line).count()
    }

    fn release(&mut self, n: u64) {
        let (at, station) = (self.one_of(&NAMES), self.one_of(&NAMES));
        let (tag, line) = (format!("release-{n}"), format!("line of release {n}.\n"));
        let file = self.world[at].document(&tag, line.repeat(40).as_bytes());
        self.world[at].run("pdpr", &["-d", "follow-me", "-t", &tag, file.to_str().unwrap()]).expect(0);
        let jobs = self.world[at].jobs();
        let row = jobs.iter().find(|row| row["job-name"] == tag.as_str()).unwrap();
        let job = row["job-identifier"].as_str().unwrap().to_owned();
        let (dies, point) = match self.dice.roll(4) {
            0 => {
                self.world[station].kill_fastp();
                let point = self.one_of(&PRINTER);
                self.doomed = Some(self.world[station].start_with_submission_socket("600", &[("PD_FAULT", point)]));
                ("its print process", point)
            }
            _ => {
                let (name, point) = (self.one_of(&NAMES), self.one_of(&SERVER));
                self.world.kill(name);
                self.world.run_with(name, &[LEASE, ("PD_FAULT", point)]);
                (name, point)
            }
        };
        let what = format!("{job} of {at} at a station of {station}, {dies} dies at {point}");
        let said = self.world[station].run("pdrelease", &[&job]);
        let mut end = self.await_end(at, station, &job);
        *self.outcomes.entry((end, said.status == 0)).or_default() += 1;
        let twice =
            |campaign: &Self| NAMES.iter().any(|name| campaign.world[name].possible_duplicates().contains(&tag));
        if end == Outcome::GivenBack {
            assert_eq!(self.printed(&line), 0, "{what}: it was given back, and octets of it are on paper");
        }
        // Nobody dies any more: what is left of it is released again.
        for name in NAMES {
            self.world.kill(name);
            self.world.run_with(name, &[LEASE]);
        }
        if let Some(mut doomed) = self.doomed.take() {
            let _ = doomed.kill();
            let _ = doomed.wait();
        }
        self.world[station].spoolcom("PRINT $SPLA, START");
        let unknown = end == Outcome::Unknown;
        for _ in 0..3 {
            if end == Outcome::Printed {
                break;
            }
            let again = self.world[at].run("pdrelease", &[&job]);
            end = self.await_end(at, station, &job);
            assert!(again.status == 0 || end == Outcome::Printed, "{what}: {}", again.err);
        }
        assert_eq!(end, Outcome::Printed, "{what}");
        self.world[station].wait_for("nothing is left at the station", || self.world[station].jobs().is_empty());
        let lines = self.printed(&line);
        assert!(lines >= 40, "{what}: {lines} lines are on paper, {:?}", said.err);
        assert!(lines == 40 || unknown || twice(self), "{what}: {lines} lines are on paper, and nothing says so");
    }
}

#[test]
fn whoever_dies_while_a_job_is_released_it_prints_once_or_its_owner_knows() {
    let mut campaign = Campaign::new();
    for n in 0..number("RELEASES", 12) {
        campaign.release(n);
    }
    for name in NAMES {
        campaign.world[name].wait_for_no_print_files();
        assert!(campaign.world.fetched(name).is_empty(), "{name}: {:?}", campaign.world.fetched(name));
    }
    eprintln!("what became of releases, and whether the command was told that it prints: {:?}", campaign.outcomes);
}
