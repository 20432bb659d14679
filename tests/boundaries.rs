//! What stands between documents, through the real programs: every kind beside every other, as jobs, as documents of a
//! job and as copies, with EXCLUSIVE ON, OFF and OFF !, to a socket, a file, a FIFO and a terminal.
//!
//! The rule is written once, in `src/fastp/content/boundary.rs`; what must arrive is computed from it here, octet for octet and
//! connection for connection. One group broadcasts to all devices, so that each document is handed in once. The short form
//! has one kind of each sort; `BOUNDARIES=all` takes every kind.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spoolsuite::fastp::boundary::{Boundary, Speech, UNIVERSAL_EXIT, between};
use spoolsuite::model::state::EntryState;

use crate::support::lines::{Tap, Terminal, make_fifo};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish};

/// A document, and what it shows of its device.
struct Kind {
    name: &'static str,
    octets: &'static [u8],
    speech: Speech,
}

const fn kind(name: &'static str, octets: &'static [u8], speech: Speech) -> Kind {
    Kind { name, octets, speech }
}

/// One of each sort first: these are the short form.
const KINDS: &[Kind] = &[
    kind("text", b"plain text\n", Speech::Text),
    kind("pcl", b"\x1bE\x1b&l0Opcl\x1bE", Speech::Pjl),
    kind("pdf", b"%PDF-1.4\n%%EOF\n", Speech::Page),
    kind("zpl", b"^XA^FO50,50^FDlabel^FS^XZ\n", Speech::Other),
    kind("pjl", b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.4\n%%EOF\n", Speech::Pjl),
    kind("ps", b"%!PS-Adobe-3.0\nshowpage\n", Speech::Page),
    kind("epl", b"N\r\nq812\r\nA50,50,0,4,1,1,N,\"x\"\r\nP1\r\n", Speech::Other),
    kind("receipt", b"\x1b@Receipt\n\x1dV\0", Speech::Other),
    kind("matrix", b"Invoice \x1bEbold\x1bF\r\n\x0c", Speech::Other),
    kind("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Speech::Other),
    kind("dos", b"lines of DOS\r\nmore\r\n", Speech::Text),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exclusive {
    Off,
    On,
    Each,
}

impl Exclusive {
    const ALL: [Self; 3] = [Self::Off, Self::On, Self::Each];

    fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::On => "ON",
            Self::Each => "OFF!",
        }
    }
}

/// A job: its documents, each with its copies.
type Job = Vec<(usize, usize)>;

/// Every kind beside every other, itself too: a walk through all pairs.
fn walk(kinds: usize) -> Vec<usize> {
    let mut left = vec![vec![true; kinds]; kinds];
    let mut walk = vec![0];
    let mut at = 0;
    // Each kind has as many ways in as out, so the walk comes back wherever it is stuck; what is left joins it there.
    loop {
        let mut from = walk[at];
        let mut round = Vec::new();
        while let Some(to) = (0..kinds).rev().find(|to| left[from][*to]) {
            left[from][to] = false;
            round.push(to);
            from = to;
        }
        walk.splice(at + 1..at + 1, round);
        match walk.iter().position(|kind| left[*kind].contains(&true)) {
            Some(next) => at = next,
            None => return walk,
        }
    }
}

#[test]
fn a_walk_meets_every_pair_once() {
    for kinds in 1..=KINDS.len() {
        let walk = walk(kinds);
        let mut pairs: Vec<_> = walk.windows(2).map(|pair| (pair[0], pair[1])).collect();
        assert_eq!(pairs.len(), kinds * kinds);
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), kinds * kinds);
    }
}

/// What arrives, a connection for each element; but over a socket all of it is one stream. A file gets no exit: nobody
/// knows what reads it.
fn expected(jobs: &[Job], way: &str, exclusive: Exclusive, raw: bool) -> Vec<Vec<u8>> {
    let (is_socket, is_file) = (way == "socket", way == "file");
    let mut streams: Vec<Vec<u8>> = Vec::new();
    // What was sent last over this connection, and whether the paper stands behind text.
    let (mut last, mut behind_text) = (None, false);
    for job in jobs {
        if exclusive == Exclusive::Each {
            last = None;
        }
        let mut fresh = last.is_none();
        for (kind, copies) in job {
            let kind = &KINDS[*kind];
            let speech = if raw { Speech::Other } else { kind.speech };
            for _ in 0..*copies {
                let boundary = last.map(|last| between(last, speech));
                if streams.is_empty() || (is_socket && (fresh || boundary == Some(Boundary::Renew))) {
                    streams.push(Vec::new());
                }
                fresh = false;
                let stream = streams.last_mut().unwrap();
                if !is_file && boundary == Some(Boundary::Exit) {
                    stream.extend(UNIVERSAL_EXIT);
                }
                if behind_text && speech == Speech::Text {
                    stream.push(b'\x0c');
                }
                stream.extend(kind.octets);
                (last, behind_text) = (Some(speech), speech == Speech::Text);
            }
        }
    }
    streams
}

enum Printer {
    Socket(Sink),
    File(PathBuf),
    Fifo(Tap),
    Terminal(Terminal),
}

struct Device {
    name: String,
    way: &'static str,
    exclusive: Exclusive,
    raw: bool,
    printer: Printer,
}

impl Device {
    /// Waits for what must arrive, and compares.
    fn check(&self, jobs: &[Job]) {
        let expected = expected(jobs, self.way, self.exclusive, self.raw);
        let arrived: Vec<Vec<u8>> = match &self.printer {
            Printer::Socket(sink) => {
                sink.wait_for("every connection has ended", |all| {
                    all.len() >= expected.len() && all.iter().all(|one| one.ended)
                });
                // An idle device that stays open is opened once more when its printer closed; nothing comes over that.
                let all = sink.connections().into_iter().map(|one| one.octets);
                all.filter(|octets| !octets.is_empty()).collect()
            }
            Printer::File(path) => vec![std::fs::read(path).unwrap()],
            Printer::Fifo(tap) | Printer::Terminal(Terminal { tap, .. }) => {
                // Every octet was written: what has not come in a while never will.
                let late = Instant::now() + Duration::from_secs(20);
                vec![tap.fetch(|octets| octets.len() >= expected[0].len() || Instant::now() > late)]
            }
        };
        let shown = |streams: &[Vec<u8>]| {
            streams.iter().map(|octets| octets.escape_ascii().to_string()).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(shown(&arrived), shown(&expected), "{}", self.name);
    }
}

#[test]
fn every_kind_beside_every_other_over_every_way_has_the_one_boundary_of_the_rule() {
    let kinds = if std::env::var("BOUNDARIES").is_ok_and(|word| word == "all") { KINDS.len() } else { 4 };
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    let mut devices = Vec::new();
    for exclusive in Exclusive::ALL {
        for (way, raw) in
            [("socket", false), ("file", false), ("fifo", false), ("char", false), ("socket", true), ("file", true)]
        {
            // What is added to nothing is the same whenever the device is open.
            if raw && exclusive != Exclusive::Off {
                continue;
            }
            let name = format!("{way}{}{}", devices.len(), if raw { "RAW" } else { "" });
            let path = site.files.path().join(&name);
            let (uri, printer) = match way {
                "socket" => {
                    let sink = Sink::new(Mode::Normal);
                    (sink.uri(), Printer::Socket(sink))
                }
                "file" => (format!("file://{}", path.display()), Printer::File(path)),
                "fifo" => {
                    make_fifo(&path);
                    (format!("fifo://{}", path.display()), Printer::Fifo(Tap::fifo(&path, usize::MAX)))
                }
                _ => {
                    let terminal = Terminal::new(&path, usize::MAX);
                    (format!("char://{}", path.display()), Printer::Terminal(terminal))
                }
            };
            site.device(&name, &uri, exclusive.word());
            let content = if raw { ", CONTENT RAW, EOL CRLF, WIDTH 3, PAGELENGTH 1" } else { "" };
            site.spoolcom(&format!("DEV ${name}, FIFO ON{content}; LOC #ALL.{name}, DEV ${name}"));
            devices.push(Device { name, way, exclusive, raw, printer });
        }
    }
    site.spoolcom("LOC #ALL, BROADCAST ON");

    // As jobs, as documents of one job, and as copies.
    let walk = walk(kinds);
    let mut jobs: Vec<Job> = walk.iter().map(|kind| vec![(*kind, 1)]).collect();
    jobs.push(walk.iter().map(|kind| (*kind, 1)).collect());
    jobs.extend((0..kinds).map(|kind| vec![(kind, 2)]));
    let files: Vec<PathBuf> = KINDS.iter().map(|kind| site.document(kind.name, kind.octets)).collect();
    for job in &jobs {
        let mut command = site.command("pdpr");
        command.args(["-d", "#ALL", "-n", &job[0].1.to_string()]);
        command.args(job.iter().map(|(kind, _)| &files[*kind]));
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
    }
    let starts: Vec<String> = devices.iter().map(|device| format!("DEV ${}, START", device.name)).collect();
    site.spoolcom(&starts.join("; "));
    // A device that stays open keeps its jobs until it is closed.
    let left = "SELECT count(*) FROM entry WHERE state IN (?, ?)";
    let states = [EntryState::Queued as i64, EntryState::Claimed as i64];
    site.wait_for("every octet has left", || {
        site.database().query_row(left, states, |row| row.get::<_, i64>(0)).unwrap() == 0
    });
    let drains: Vec<String> = devices.iter().map(|device| format!("DEV ${}, DRAIN", device.name)).collect();
    site.spoolcom(&drains.join("; "));
    site.wait_until_empty();
    devices.iter().for_each(|device| device.check(&jobs));
    assert!(site.possible_duplicates().is_empty());
}
