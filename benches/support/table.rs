//! Rows, and the machine they were measured on.

use std::fmt::Write as _;
use std::process::Command;

/// What a row is held to.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Shown beside the others; nothing is promised.
    None,
}

impl Goal {
    fn met(self, value: f64) -> &'static str {
        match self {
            Self::AtMost(limit) if value <= limit => "yes",
            Self::AtLeast(limit) if value >= limit => "yes",
            Self::None => "",
            _ => "**no**",
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {}{unit}", figure(limit)),
            Self::AtLeast(limit) => format!("≥ {}{unit}", figure(limit)),
            Self::None => String::new(),
        }
    }
}

/// In what something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, shown as µs, ms or s.
    Seconds,
    PerSecond,
    GibPerSecond,
    Kib,
    Mib,
    /// A part of one processor, shown in hundredths.
    Core,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 0.001 => format!("{} µs", figure(value * 1e6)),
            Self::Seconds if value < 1.0 => format!("{} ms", figure(value * 1e3)),
            Self::Seconds => format!("{} s", figure(value)),
            Self::PerSecond => format!("{}/s", figure(value)),
            Self::GibPerSecond => format!("{} GiB/s", figure(value)),
            Self::Kib => format!("{} KiB", figure(value)),
            Self::Mib => format!("{} MiB", figure(value)),
            Self::Core => format!("{} % of a core", figure(value * 1e2)),
        }
    }

    /// How limits of this unit are written.
    fn suffix(self) -> (f64, &'static str) {
        match self {
            Self::Seconds => (1e3, " ms"),
            Self::PerSecond => (1.0, "/s"),
            Self::GibPerSecond => (1.0, " GiB/s"),
            Self::Kib => (1.0, " KiB"),
            Self::Mib => (1.0, " MiB"),
            Self::Core => (1e2, " %"),
        }
    }
}

/// Three digits.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    what: String,
    ours: String,
    peer: String,
    ratio: String,
    goal: String,
    met: &'static str,
    fsync: f64,
}

impl Row {
    /// Ours against a peer; `goal` is about ours ÷ peer.
    pub fn ratio(what: &str, unit: Unit, (ours, peer): (f64, f64), peer_name: &str, goal: Goal, fsync: f64) -> Self {
        let ratio = ours / peer;
        Self {
            what: what.to_owned(),
            ours: unit.show(ours),
            peer: format!("{} ({peer_name})", unit.show(peer)),
            ratio: figure(ratio),
            goal: goal.text(" ×"),
            met: goal.met(ratio),
            fsync,
        }
    }

    /// Ours against a limit, with something to compare it to.
    pub fn limit(what: &str, unit: Unit, ours: f64, beside: Option<(f64, &str)>, goal: Goal, fsync: f64) -> Self {
        let (scale, suffix) = unit.suffix();
        let scaled = match goal {
            Goal::AtMost(limit) => Goal::AtMost(limit * scale),
            Goal::AtLeast(limit) => Goal::AtLeast(limit * scale),
            Goal::None => Goal::None,
        };
        Self {
            what: what.to_owned(),
            ours: unit.show(ours),
            peer: beside.map_or(String::new(), |(value, name)| format!("{} ({name})", unit.show(value))),
            ratio: beside.map_or(String::new(), |(value, _)| figure(ours / value)),
            goal: scaled.text(suffix),
            met: goal.met(ours),
            fsync,
        }
    }

    fn cells(&self) -> String {
        let Self { what, ours, peer, ratio, goal, met, fsync } = self;
        format!("| {what} | {ours} | {peer} | {ratio} | {goal} | {met} | {} |", Unit::Seconds.show(*fsync))
    }
}

/// The head of the table in Markdown.
pub const HEAD: &str = "| figure | ours | peer | ratio | goal | met | fsync p50 |\n|---|---|---|---|---|---|---|";

/// The rows, printed as they come.
#[derive(Default)]
pub struct Table {
    pub rows: Vec<Row>,
}

impl Table {
    pub fn add(&mut self, row: Row) {
        println!("{}", row.cells());
        self.rows.push(row);
    }

    /// Says why a row is missing.
    pub fn left_out(&self, what: &str, why: &str) {
        eprintln!("left out: {what}: {why}");
    }
}

fn first_line(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Cores, processor, kernel, file system, CUPS and SQLite: what the figures depend on.
pub fn machine(dir: &std::path::Path) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    let disk = first_line("findmnt", &["-n", "-o", "FSTYPE,SOURCE", "-T", &dir.display().to_string()]);
    let cups = first_line("dpkg-query", &["-W", "-f", "${Version}", "cups-daemon"]);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut line = String::new();
    let _ = write!(
        line,
        "{}; {cores} cores, {model}, {} GiB; {}; {}; CUPS {}; sqlite3 shell {}; {} build; load {}",
        first_line("date", &["-u", "+%F %R UTC"]),
        kib >> 20,
        first_line("uname", &["-sr"]),
        disk.split_whitespace().collect::<Vec<_>>().join(" on "),
        if cups.is_empty() { "not installed" } else { &cups },
        first_line("sqlite3", &["--version"]).split(' ').next().unwrap_or_default(),
        if cfg!(debug_assertions) { "debug" } else { "release" },
        load.split(' ').next().unwrap_or_default(),
    );
    line
}
