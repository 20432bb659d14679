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

pub const NAMES: [&str; 3] = ["acme1", "acme2", "acme3"];
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

pub struct Group {
    pub machines: BTreeMap<&'static str, Machine>,
    switch: Network,
    // They end after the machines.
    _networks: Vec<Network>,
}

impl Group {
    pub fn new() -> Option<Self> {
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
        self.start_with(name, &[]);
    }

    /// The same with more variables.
    pub fn start_with(&mut self, name: &str, variables: &[(&str, &Path)]) {
        let machine = self.machines.get_mut(name).unwrap();
        let clock = machine.path("clock");
        machine.start_with(&[&[("PD_CLOCK", clock.as_path())], variables].concat());
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

    /// How many jobs a server knows that have not left it; very many if it does not say.
    fn waiting(&self, name: &str) -> usize {
        self.jobs(name, &[]).map_or(1 << 30, |jobs| jobs.len())
    }

    /// The jobs of a server, by further words of the command.
    fn jobs(&self, name: &str, words: &[&str]) -> Option<Vec<serde_json::Value>> {
        let mut command = self.machines[name].command(OPERATOR, "pdls");
        let out = Outcome::of(command.args(["-U", "-F", "--json"]).args(words));
        (out.status == 0).then_some(())?;
        serde_json::from_str(&out.out).ok()
    }

    /// The titles of the jobs of which a server says that they may have come out twice.
    fn announced(&self, name: &str) -> HashSet<String> {
        let jobs = self.jobs(name, &["--history", "-r", "job-name log"]).unwrap();
        let may_be_twice = |job: &&serde_json::Value| job.to_string().contains("duplicate");
        let title = |job: &serde_json::Value| job["job-name"].as_str().map(str::to_owned);
        jobs.iter().filter(may_be_twice).filter_map(title).collect()
    }
}

/// How often each mark `<…>` at the end of a line came out.
fn marks(paper: &str) -> HashMap<&str, usize> {
    let mut marks = HashMap::new();
    for mark in paper.lines().filter_map(|line| line.rfind('<').map(|at| &line[at..])) {
        *marks.entry(mark).or_default() += 1;
    }
    marks
}

/// What was submitted.
#[derive(Default)]
pub struct Jobs {
    /// At whose printer each is to come out.
    pub tried: HashMap<String, &'static str>,
    pub acknowledged: HashSet<String>,
}

impl std::fmt::Display for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} jobs tried, {} acknowledged", self.tried.len(), self.acknowledged.len())
    }
}

impl Jobs {
    /// Returns the title of the next one, where it is to print, and the command that submits it.
    pub fn next(&self, group: &Group, dice: &mut Dice) -> (String, &'static str, Command) {
        let (from, to) = WAYS[dice.roll(WAYS.len() as u64) as usize];
        let tag = format!("job-{}", self.tried.len());
        let size = [1, 200, 20_000][dice.roll(3) as usize];
        let text = format!("<{tag}>\n{}</{tag}>\n", format!("{tag} goes on\n").repeat(size));
        let machine = &group.machines[from];
        // A link is fetched by the other server, a copy is read where it is. What is linked stays; copies have one name for all,
        // for a submission is over before the next one begins.
        let link = dice.roll(2) == 0;
        let file = machine.file(OPERATOR, if link { &tag } else { "document" }, &text, 0o644);
        let mut command = machine.command(OPERATOR, "pdpr");
        command.args(link.then_some("-l")).args(["-d", &format!("to.{to}"), "-t", &tag, &file]);
        (tag, to, command)
    }

    /// When all is well again what was acknowledged comes out, whole, and twice only where somebody says so.
    #[track_caller]
    pub fn come_to_their_end(&self, group: &Group, did: &str) {
        for name in NAMES {
            group.cable(name, "up");
            // Whatever the clocks show.
            group.machines[name].run(OPERATOR, "spoolcom", &["PRINT SPLA, START"]);
        }
        // For as long as jobs leave: how many there are makes no difference.
        let (mut left, mut end) = (usize::MAX, Instant::now() + DEADLINE);
        while left > 0 {
            let now: usize = NAMES.iter().map(|name| group.waiting(name)).sum();
            if now < left {
                (left, end) = (now, Instant::now() + DEADLINE);
            }
            let shown = || {
                NAMES.map(|name| group.machines[name].run(OPERATOR, "pdls", &["-U", "-F", "-r", "job-name why"]).out)
            };
            assert!(Instant::now() < end, "{did}: {:#?}", shown());
            std::thread::yield_now();
        }
        let papers = NAMES.map(|name| (name, group.machines[name].paper()));
        let marks = papers.each_ref().map(|(name, paper)| (name, marks(paper)));
        let announced: HashSet<String> = NAMES.iter().flat_map(|name| group.announced(name)).collect();
        for (tag, to) in &self.tried {
            for (name, marks) in &marks {
                let times = |mark: String| marks.get(mark.as_str()).copied().unwrap_or_default();
                let (begun, whole) = (times(format!("<{tag}>")), times(format!("</{tag}>")));
                if *name != to {
                    assert_eq!(begun, 0, "{tag} came out at {name}: {did}");
                    continue;
                }
                assert!(whole > 0 || !self.acknowledged.contains(tag), "{tag} was acknowledged and is lost: {did}");
                assert!(
                    (begun, whole) == (1, 1) || begun == 0 || announced.contains(tag),
                    "{tag}: {begun} and {whole}, and nothing says so: {did}"
                );
            }
        }
        eprintln!("{did}: {self}, {} announced", announced.len());
    }
}

#[test]
fn three_machines_whose_cables_are_pulled_out_and_whose_clocks_are_set_lose_no_job() {
    let Some(mut group) = Group::new() else { return };
    let mut dice = Dice::new(20_261_130);
    let mut jobs = Jobs::default();
    let mut steps: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..number("STEPS", 30) {
        let name = NAMES[dice.roll(3) as usize];
        let did = match dice.roll(10) {
            0..=4 => {
                let (tag, to, mut command) = jobs.next(&group, &mut dice);
                if Outcome::of(&mut command).status == 0 {
                    jobs.acknowledged.insert(tag.clone());
                }
                jobs.tried.insert(tag, to);
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
    jobs.come_to_their_end(&group, &format!("{steps:?}"));
}
