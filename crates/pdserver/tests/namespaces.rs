//! Three servers on three machines, each with a network of its own, joined by a switch. Cables are pulled out, clocks set, and servers
//! killed. What was acknowledged prints, and twice only where that is announced.
//!
//! The short form takes 30 steps; `STEPS=500` is the long one. `SEED` repeats a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::support::dice::{Dice, number};
use crate::support::{DEADLINE, Machine, OPERATOR, Outcome};

const NAMES: [&str; 3] = ["acme1", "acme2", "acme3"];
/// Where a job may be submitted, and where it is to print.
const WAYS: [(&str, &str); 4] = [("acme1", "acme2"), ("acme1", "acme3"), ("acme2", "acme3"), ("acme3", "acme2")];

/// A network that lives as long as this process, which waits for nothing but the end of its input.
pub struct Network(Child);

impl Network {
    /// None where none can be made, which is said.
    pub fn new() -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().ok()?;
        let mut word = [0; 6];
        if std::io::Read::read_exact(&mut holder.stdout.take()?, &mut word).is_err() {
            eprintln!("SKIPPED: no network of its own");
            return None;
        }
        let network = Self(holder);
        network.ip("link set lo up");
        Some(network)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Runs `ip` with these words in it.
    #[track_caller]
    pub fn ip(&self, words: &str) {
        let place = format!("--net=/proc/{}/ns/net", self.pid());
        Outcome::of(Command::new("nsenter").args([&place, "ip"]).args(words.split(' '))).expect(0);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Group {
    machines: BTreeMap<&'static str, Machine>,
    switch: Network,
    // They end after the machines.
    _networks: Vec<Network>,
}

impl Group {
    fn new() -> Option<Self> {
        let switch = Network::new()?;
        switch.ip("link add br0 type bridge");
        switch.ip("link set br0 up");
        let (mut machines, mut networks) = (BTreeMap::new(), Vec::new());
        for (n, name) in NAMES.into_iter().enumerate() {
            let mut machine = Machine::named(name, |_| true)?;
            let network = Network::new()?;
            let n = n + 1;
            switch.ip(&format!("link add {name} type veth peer name eth0 netns {}", network.pid()));
            switch.ip(&format!("link set {name} master br0"));
            switch.ip(&format!("link set {name} up"));
            network.ip(&format!("addr add 10.231.78.{n}/24 dev eth0"));
            network.ip("link set eth0 up");
            machine.network = Some(network.pid());
            // It makes its spool.
            machine.start();
            machine.stop();
            machine.options = vec!["--listen", ["10.231.78.1:2353", "10.231.78.2:2353", "10.231.78.3:2353"][n - 1]];
            machines.insert(name, machine);
            networks.push(network);
        }
        let mut group = Self { machines, switch, _networks: networks };
        group.join();
        Some(group)
    }

    /// Starts the servers, the second and third as members of the group of the first.
    fn join(&mut self) {
        let manage = |machine: &Machine, words: &[&str]| {
            let base = machine.path("base");
            let mut command = machine.direct("pdserver");
            command.args([words[0], "--base"]).arg(base).args(&words[1..]);
            Outcome::of(&mut command).expect(0).out
        };
        let tokens = ["acme2", "acme3"].map(|name| (name, manage(&self.machines["acme1"], &["invite", name])));
        self.start("acme1");
        for (name, token) in tokens {
            manage(&self.machines[name], &["join", "--name", name, token.trim(), "10.231.78.1:2353"]);
            self.start(name);
        }
        for name in ["acme2", "acme3"] {
            self.machines[name].declare();
            self.machines[name].run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
        }
        self.machines["acme1"].run(OPERATOR, "spoolcom", &["PRINT SPLA, FILE fastp; SPOOLER, START"]).expect(0);
        for (from, to) in WAYS {
            let route = format!("LOC #TO.{to}, DEV \\{to}.$LP1");
            let machine = &self.machines[from];
            machine.wait_for("its group is known", || machine.run(OPERATOR, "spoolcom", &[&route]).status == 0);
        }
    }

    fn start(&mut self, name: &str) {
        let machine = self.machines.get_mut(name).unwrap();
        let clock = machine.path("clock");
        machine.start_with(&[("PD_CLOCK", &clock)]);
    }

    fn kill(&mut self, name: &str) {
        let mut server = self.machines.get_mut(name).unwrap().server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    fn set_clock(&self, name: &str, ms: i64) {
        let clock = self.machines[name].path("clock");
        let new = clock.with_extension("new");
        std::fs::write(&new, ms.to_string()).unwrap();
        std::fs::rename(new, clock).unwrap();
    }

    fn cable(&self, name: &str, state: &str) {
        self.switch.ip(&format!("link set {name} {state}"));
    }

    /// What has come out of the printer of a server.
    fn paper(&self, name: &str) -> String {
        self.machines[name].paper()
    }

    fn is_empty(&self, name: &str) -> bool {
        let out = self.machines[name].run(OPERATOR, "pdls", &["-U", "-F", "--json"]);
        out.status == 0
            && serde_json::from_str::<serde_json::Value>(&out.out)
                .is_ok_and(|jobs| jobs.as_array().is_some_and(Vec::is_empty))
    }
}

fn submit(machine: &Machine, tag: &str, to: &str, dice: &mut Dice) -> bool {
    let size = [1, 200, 20_000][dice.roll(3) as usize];
    let text = format!("<{tag}>\n{}</{tag}>\n", format!("{tag} goes on\n").repeat(size));
    let file = machine.file(OPERATOR, tag, &text, 0o644);
    let done = machine.run(OPERATOR, "pdpr", &["-d", &format!("to.{to}"), "-t", tag, &file]).status == 0;
    std::fs::remove_file(Path::new(&file)).unwrap();
    done
}

#[test]
fn three_machines_whose_cables_are_pulled_out_and_whose_clocks_are_set_lose_no_job() {
    let Some(mut group) = Group::new() else { return };
    let mut dice = Dice::new(20_261_130);
    let (mut tried, mut acknowledged) = (HashMap::new(), HashSet::new());
    let mut steps: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..number("STEPS", 30) {
        let name = NAMES[dice.roll(3) as usize];
        let did = match dice.roll(10) {
            0..=4 => {
                let (from, to) = WAYS[dice.roll(WAYS.len() as u64) as usize];
                let tag = format!("job-{}", tried.len());
                if submit(&group.machines[from], &tag, to, &mut dice) {
                    acknowledged.insert(tag.clone());
                }
                tried.insert(tag, to);
                "submitted"
            }
            5 => {
                group.cable(name, "down");
                "cable pulled out"
            }
            6 | 7 => {
                group.cable(name, "up");
                "cable put in"
            }
            8 => {
                group.set_clock(name, dice.roll(4 * 86_400_000) as i64 - 2 * 86_400_000);
                "clock set"
            }
            _ => {
                group.kill(name);
                group.start(name);
                "server killed"
            }
        };
        *steps.entry(did).or_default() += 1;
    }
    for name in NAMES {
        group.cable(name, "up");
        // Whatever the clocks show.
        group.machines[name].run(OPERATOR, "spoolcom", &["PRINT SPLA, START"]);
    }
    let end = Instant::now() + DEADLINE;
    while !NAMES.iter().all(|name| group.is_empty(name)) {
        let shown =
            NAMES.map(|name| group.machines[name].run(OPERATOR, "pdls", &["-U", "-F", "-r", "job-name why"]).out);
        assert!(Instant::now() < end, "{steps:?}: {shown:#?}");
        std::thread::yield_now();
    }
    for (tag, to) in &tried {
        let begun = group.paper(to).matches(&format!("<{tag}>\n")).count();
        let whole = group.paper(to).matches(&format!("</{tag}>\n")).count();
        assert!(whole > 0 || !acknowledged.contains(tag), "{tag} was acknowledged and is lost: {steps:?}");
        let twice = || {
            NAMES.iter().any(|name| {
                let log = group.machines[name].run(
                    OPERATOR,
                    "pdls",
                    &["--history", "-U", "-F", "-f", &format!("job-name=={tag}"), "-r", "log"],
                );
                log.out.contains("duplicate")
            })
        };
        assert!((begun, whole) == (1, 1) || begun == 0 || twice(), "{tag}: {begun} and {whole}, and nothing says so");
        for other in NAMES.iter().filter(|other| *other != to) {
            assert!(!group.paper(other).contains(&format!("<{tag}>")), "{tag} came out at {other}");
        }
    }
    eprintln!("{steps:?}: {} jobs tried, {} acknowledged", tried.len(), acknowledged.len());
}
