//! Power losses: what the disk may hold when the current fails, made of a record of everything that was done to it.
//!
//! While a scenario runs, every act on files below a directory is recorded, with its octets and its syncs
//! (`tests/faults/record.c`). From the record come states: a moment at which the power fails, and a choice of what was not
//! synced by then: lost, torn, kept, out of order. Each state is laid out in place of the directory, the programs start
//! on it, print what waits, and every promise is checked.
//!
//! The short form looks at some tens of states; `STATES=5000` is the long one. `SEED` repeats a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Dice, Site, finish, number, pid, program};
use nix::sys::signal::{Signal, kill};

/// One act on the disk. Objects (files, directories, links) have numbers of their own here: the kernel gives its numbers
/// again.
#[derive(Debug)]
enum Act {
    /// A name of an object in a directory.
    Name { dir: usize, name: String, object: usize },
    /// A name that is gone.
    Gone { dir: usize, name: String },
    /// A name that was changed, at once.
    Renamed { dir: usize, name: String, to: usize, new: String, object: usize },
    /// Octets of the record that were written.
    Written { object: usize, at: usize, octets: Range<usize> },
    /// A size that was set.
    Sized { object: usize, size: usize },
    /// Room that was allocated.
    Allocated { object: usize, end: usize },
    /// Everything of the object is on disk.
    Synced { object: usize },
    /// Octets left for the printer.
    Sent { octets: Range<usize> },
    /// What the test knows at this moment.
    Mark(String),
}

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    File,
    Dir,
    Link(PathBuf),
}

/// Everything that happened.
struct Record {
    octets: Vec<u8>,
    acts: Vec<Act>,
    kinds: Vec<Kind>,
    /// What was there before, all of it on disk: names in directories, and what files hold.
    names: BTreeMap<usize, BTreeMap<String, usize>>,
    contents: BTreeMap<usize, Vec<u8>>,
}

/// The root of the recorded tree.
const ROOT: usize = 0;

impl Record {
    /// Takes what lies below `root`, before anything is recorded.
    fn begin(root: &Path) -> (Self, HashMap<u64, usize>) {
        let mut record = Self {
            octets: Vec::new(),
            acts: Vec::new(),
            kinds: Vec::new(),
            names: BTreeMap::new(),
            contents: BTreeMap::new(),
        };
        let mut known = HashMap::new();
        record.take(root, &mut known);
        (record, known)
    }

    fn take(&mut self, path: &Path, known: &mut HashMap<u64, usize>) -> usize {
        let meta = path.symlink_metadata().unwrap();
        let object = self.kinds.len();
        known.insert(meta.ino(), object);
        if meta.is_symlink() {
            self.kinds.push(Kind::Link(std::fs::read_link(path).unwrap()));
        } else if meta.is_dir() {
            self.kinds.push(Kind::Dir);
            let mut names = BTreeMap::new();
            for entry in std::fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                names.insert(entry.file_name().into_string().unwrap(), self.take(&entry.path(), known));
            }
            self.names.insert(object, names);
        } else {
            self.kinds.push(Kind::File);
            if meta.is_file() {
                self.contents.insert(object, std::fs::read(path).unwrap());
            }
        }
        object
    }

    /// Reads what was recorded since.
    fn read(&mut self, log: &Path, mut known: HashMap<u64, usize>) {
        self.octets = std::fs::read(log).unwrap();
        let mut at = 0;
        // Who is where, to know what a name that is changed or linked names.
        let mut tree: HashMap<(usize, String), usize> = HashMap::new();
        for (dir, names) in &self.names {
            tree.extend(names.iter().map(|(name, object)| ((*dir, name.clone()), *object)));
        }
        while at < self.octets.len() {
            let line = self.octets[at..].iter().position(|octet| *octet == b'\n').unwrap();
            let words = std::str::from_utf8(&self.octets[at..at + line]).unwrap().to_owned();
            at += line + 1;
            let words: Vec<&str> = words.split('\t').collect();
            let count = |n: usize| words[n].parse::<usize>().unwrap();
            let mut object = |n: usize, new: Option<Kind>| {
                let key: u64 = words[n].parse().unwrap();
                if let Some(kind) = new {
                    known.insert(key, self.kinds.len());
                    self.kinds.push(kind);
                }
                *known.get(&key).unwrap_or_else(|| panic!("{words:?} names something that nobody made"))
            };
            let mut name = |dir: usize, name: &str, object: usize| {
                tree.insert((dir, name.to_owned()), object);
                Act::Name { dir, name: name.to_owned(), object }
            };
            let act = match words[0] {
                "T" => {
                    object(1, Some(Kind::File));
                    continue;
                }
                "C" => name(object(1, None), words[3], object(2, Some(Kind::File))),
                "D" => name(object(1, None), words[3], object(2, Some(Kind::Dir))),
                "S" => name(object(1, None), words[3], object(2, Some(Kind::Link(words[4].into())))),
                "L" => name(object(1, None), words[3], object(2, None)),
                "U" => {
                    let dir = object(1, None);
                    tree.remove(&(dir, words[2].to_owned()));
                    Act::Gone { dir, name: words[2].into() }
                }
                "R" => {
                    let (dir, to) = (object(1, None), object(3, None));
                    let moved = tree.remove(&(dir, words[2].to_owned())).unwrap();
                    tree.insert((to, words[4].to_owned()), moved);
                    Act::Renamed { dir, name: words[2].into(), to, new: words[4].into(), object: moved }
                }
                "W" => {
                    let octets = at..at + count(3);
                    at = octets.end;
                    Act::Written { object: object(1, None), at: count(2), octets }
                }
                "Z" => Act::Sized { object: object(1, None), size: count(2) },
                "A" => Act::Allocated { object: object(1, None), end: count(2) + count(3) },
                "F" => Act::Synced { object: object(1, None) },
                "O" => {
                    let octets = at..at + count(1);
                    at = octets.end;
                    Act::Sent { octets }
                }
                "M" => Act::Mark(words[1].to_owned()),
                other => panic!("no such act: {other:?}"),
            };
            self.acts.push(act);
        }
    }

    /// The marks that were made before a moment, of one kind.
    fn marks(&self, moment: usize, kind: &str) -> HashSet<String> {
        let marks = self.acts[..moment].iter().filter_map(|act| match act {
            Act::Mark(text) => text.split_once(' ').filter(|(word, _)| *word == kind),
            _ => None,
        });
        marks.map(|(_, rest)| rest.to_owned()).collect()
    }

    /// Tags of what had left for the printer completely.
    fn sent(&self, moment: usize) -> Vec<String> {
        let mut all = Vec::new();
        for act in &self.acts[..moment] {
            if let Act::Sent { octets } = act {
                all.extend(&self.octets[octets.clone()]);
            }
        }
        take_apart(&all).complete
    }
}

/// What becomes of that which is not synced when the power fails.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// All of it is lost.
    Everything,
    /// What was done after some earlier moment is lost, as a journal keeps its order.
    Late(usize),
    /// Each act of its own: lost, torn or kept. Of so many in a hundred something remains.
    Any(u64),
}

/// What a power loss leaves.
struct State {
    names: BTreeMap<usize, BTreeMap<String, usize>>,
    contents: BTreeMap<usize, Vec<u8>>,
}

const SECTOR: usize = 512;

impl State {
    fn after(record: &Record, moment: usize, loss: Loss, dice: &mut Dice) -> Self {
        let acts = &record.acts[..moment];
        // The last sync of each object: what was done to it before is there.
        let mut synced: HashMap<usize, usize> = HashMap::new();
        for (at, act) in acts.iter().enumerate() {
            if let Act::Synced { object } = act {
                synced.insert(*object, at);
            }
        }
        let mut state = Self { names: record.names.clone(), contents: record.contents.clone() };
        for (at, act) in acts.iter().enumerate() {
            let is_safe = |object: usize| synced.get(&object).is_some_and(|last| at < *last);
            let remains = |safe: bool, dice: &mut Dice| {
                safe || match loss {
                    Loss::Everything => false,
                    Loss::Late(since) => at < since,
                    Loss::Any(percent) => dice.roll(100) < percent,
                }
            };
            match act {
                Act::Name { dir, name, object } if remains(is_safe(*dir), dice) => {
                    state.names.entry(*dir).or_default().insert(name.clone(), *object);
                }
                Act::Gone { dir, name } if remains(is_safe(*dir), dice) => {
                    state.names.entry(*dir).or_default().remove(name);
                }
                Act::Renamed { dir, name, to, new, object } if remains(is_safe(*dir) || is_safe(*to), dice) => {
                    let old = state.names.entry(*dir).or_default();
                    if old.get(name) == Some(object) {
                        old.remove(name);
                    }
                    state.names.entry(*to).or_default().insert(new.clone(), *object);
                }
                Act::Written { object, at, octets } => {
                    let safe = is_safe(*object);
                    let data = &record.octets[octets.clone()];
                    let file = state.contents.entry(*object).or_default();
                    if remains(safe, dice) {
                        let torn = !safe && matches!(loss, Loss::Any(_)) && dice.roll(3) == 0;
                        write(file, *at, data, |_| !torn || dice.roll(2) == 0);
                    } else if matches!(loss, Loss::Any(_)) && dice.roll(4) == 0 {
                        // The size is known to the disk, the octets are not.
                        write(file, *at, data, |_| false);
                    }
                }
                Act::Sized { object, size } if remains(is_safe(*object), dice) => {
                    state.contents.entry(*object).or_default().resize(*size, 0);
                }
                Act::Allocated { object, end } if remains(is_safe(*object), dice) => {
                    let file = state.contents.entry(*object).or_default();
                    file.resize(file.len().max(*end), 0);
                }
                _ => {}
            }
        }
        state
    }

    /// Lays the state out below `root`, which is empty.
    fn lay_out(&self, record: &Record, root: &Path) {
        let mut made: HashMap<usize, PathBuf> = HashMap::new();
        self.lay_out_dir(record, ROOT, root, &mut made, 0);
    }

    fn lay_out_dir(&self, record: &Record, dir: usize, path: &Path, made: &mut HashMap<usize, PathBuf>, depth: u32) {
        assert!(depth < 20, "a directory that holds itself");
        for (name, object) in self.names.get(&dir).into_iter().flatten() {
            let path = path.join(name);
            match &record.kinds[*object] {
                Kind::Dir => {
                    std::fs::create_dir(&path).unwrap();
                    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
                    self.lay_out_dir(record, *object, &path, made, depth + 1);
                }
                Kind::Link(target) => symlink(target, &path).unwrap(),
                Kind::File => {
                    if let Some(first) = made.get(object) {
                        std::fs::hard_link(first, &path).unwrap();
                        continue;
                    }
                    let octets = self.contents.get(object).map_or(&[][..], Vec::as_slice);
                    let mut file = File::create(&path).unwrap();
                    if octets.iter().any(|octet| *octet != 0) {
                        file.write_all(octets).unwrap();
                    }
                    file.set_len(octets.len() as u64).unwrap();
                    file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
                    made.insert(*object, path);
                }
            }
        }
    }

    /// What tells two states apart.
    fn mark(&self, moment: usize) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{moment} {:?}", self.names).as_bytes());
        for (object, octets) in &self.contents {
            hasher.update(&object.to_le_bytes()).update(&octets.len().to_le_bytes()).update(octets);
        }
        hasher.finalize()
    }
}

/// Writes octets into a file, those sectors of them that are `kept`; the others are zeros where the file was shorter.
fn write(file: &mut Vec<u8>, at: usize, data: &[u8], mut kept: impl FnMut(usize) -> bool) {
    file.resize(file.len().max(at + data.len()), 0);
    let mut begin = at;
    while begin < at + data.len() {
        let end = ((begin / SECTOR + 1) * SECTOR).min(at + data.len());
        if kept(begin) {
            file[begin..end].copy_from_slice(&data[begin - at..end - at]);
        }
        begin = end;
    }
}

/// A scenario while it is recorded.
struct Scene {
    dir: tempfile::TempDir,
    root: PathBuf,
    site: Site,
    record: Record,
    known: HashMap<u64, usize>,
}

fn leak(text: impl ToString) -> &'static str {
    Box::leak(text.to_string().into_boxed_str())
}

fn recorder(dir: &Path) -> PathBuf {
    let library = dir.join("record.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/record.c");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    let child = compiler.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.expect("a C compiler is needed: cc"), DEADLINE).expect(0);
    library
}

/// The programs in a directory of their own, where what a command starts is recorded, too: a program that is started has
/// nothing of its starter's environment.
fn programs(site: &Site, dir: &Path) -> PathBuf {
    let programs = dir.join("programs");
    std::fs::create_dir(&programs).unwrap();
    for entry in std::fs::read_dir(program("pdpr").parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        let is_ours = path.is_file() && !name.to_string_lossy().contains('.') && name != "fastp";
        if is_ours {
            crate::support::place_program(&path, &programs.join(&name));
        }
    }
    let mut script = String::from("#!/bin/sh\n");
    for (name, value) in site.env.iter().filter(|(name, _)| ["LD_PRELOAD", "RECORD_ROOT", "RECORD_LOG"].contains(name))
    {
        script.push_str(&format!("export {name}='{value}'\n"));
    }
    script.push_str(&format!("exec '{}' \"$@\"\n", program("fastp").display()));
    let fastp = programs.join("fastp");
    std::fs::write(&fastp, script).unwrap();
    std::fs::set_permissions(&fastp, PermissionsExt::from_mode(0o755)).unwrap();
    programs
}

impl Scene {
    /// A scenario on a spool at `root/home/base`, of which `prepare` makes what is there already.
    fn new(prepare: impl FnOnce(&Site, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("disk");
        std::fs::create_dir_all(root.join("out")).unwrap();
        let mut site = Site::at(&root.join("home/base"));
        site.env.push(("PD_FASTP_IDLE", "0.02"));
        prepare(&site, &root);
        drop(site.stop_if_there());
        let library = recorder(dir.path());
        let (record, known) = Record::begin(&root);
        site.env.push(("LD_PRELOAD", leak(library.display())));
        site.env.push(("RECORD_ROOT", leak(root.display())));
        site.env.push(("RECORD_LOG", leak(dir.path().join("record").display())));
        site.programs = Some(programs(&site, dir.path()));
        Self { dir, root, site, record, known }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("record")
    }

    /// Remembers something at this moment of the record.
    fn mark(&self, text: &str) {
        let mut log = File::options().append(true).create(true).open(self.log()).unwrap();
        log.lock().unwrap();
        log.write_all(format!("M\t{text}\n").as_bytes()).unwrap();
    }

    /// Submits a job, and remembers that it was acknowledged.
    fn submit(&self, destination: &str, tag: &str, octets: &[u8], flags: &[&str]) {
        let file = self.site.document(tag, octets);
        let mut command = self.site.submission(destination, tag, &file);
        finish(command.args(flags).spawn().unwrap(), DEADLINE).expect(0);
        self.mark(&format!("ack {tag}"));
    }

    /// Ends the recording.
    fn end(mut self) -> Played {
        drop(self.site.stop());
        self.site.programs = None;
        self.site.env.retain(|(name, _)| !["LD_PRELOAD", "RECORD_ROOT", "RECORD_LOG"].contains(name));
        self.record.read(&self.log(), std::mem::take(&mut self.known));
        Played { dir: self.dir, root: self.root, site: self.site, record: self.record }
    }
}

/// A scenario of which everything is known.
struct Played {
    dir: tempfile::TempDir,
    root: PathBuf,
    site: Site,
    record: Record,
}

impl Played {
    /// Copies the state that is laid out, and the record, into the directory that `KEEP_STATE` names: the last one is that
    /// at which a test failed.
    fn keep(&self) {
        if let Some(keep) = std::env::var_os("KEEP_STATE") {
            let _ = std::fs::remove_dir_all(&keep);
            std::fs::create_dir_all(&keep).unwrap();
            let log = self.dir.path().join("record");
            Command::new("cp").arg("-a").arg(&self.root).arg(&log).arg(keep).status().unwrap();
        }
    }

    /// Ends every print process of this spool, those too that have no lock yet: none may come upon the next state.
    fn end_what_is_left(&self) {
        let base = self.site.base().as_os_str().as_encoded_bytes().to_vec();
        loop {
            let mut left = false;
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                    continue;
                };
                let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                if number != std::process::id() && words.split(|octet| *octet == 0).any(|word| word == base) {
                    left = true;
                    let _ = kill(pid(number), Signal::SIGKILL);
                }
            }
            if !left {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Lays out so many different states, and has each of them checked.
    fn for_each_state(&self, states: u64, dice: &mut Dice, mut check: impl FnMut(&Self, usize)) {
        let mut seen = HashSet::new();
        let mut idle = 0;
        while (seen.len() as u64) < states && idle < 1000 {
            let moment = dice.roll(self.record.acts.len() as u64 + 1) as usize;
            let loss = match dice.roll(5) {
                0 => Loss::Everything,
                1 => Loss::Late(moment - dice.roll(40.min(moment as u64 + 1)) as usize),
                _ => Loss::Any([20, 50, 80, 95][dice.roll(4) as usize]),
            };
            let state = State::after(&self.record, moment, loss, dice);
            if !seen.insert(state.mark(moment)) {
                idle += 1;
                continue;
            }
            idle = 0;
            // At once: a program that was on its way may still be at work on the last one.
            let (old, new) = (self.dir.path().join("old"), self.dir.path().join("new"));
            for dir in [&old, &new] {
                let _ = std::fs::remove_dir_all(dir);
            }
            std::fs::create_dir(&new).unwrap();
            state.lay_out(&self.record, &new);
            std::fs::rename(&self.root, &old).unwrap();
            std::fs::rename(&new, &self.root).unwrap();
            self.keep();
            let about = Told(format!(
                "state {} of {states}: act {moment} of {} ({:?}), {loss:?}",
                seen.len(),
                self.record.acts.len(),
                self.record.acts.get(moment)
            ));
            check(self, moment);
            self.end_what_is_left();
            drop(about);
            if seen.len() % 500 == 0 {
                eprintln!("{} states", seen.len());
            }
        }
        eprintln!("{} different states of {} acts", seen.len(), self.record.acts.len());
    }
}

/// Says at which state a test failed.
struct Told(String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// The share of a scenario of all states.
fn states(share: u64) -> u64 {
    number("STATES", 60) * share / 100
}

fn document(tag: &str, size: usize) -> Vec<u8> {
    if tag.starts_with("stream") { stream(tag, size) } else { text(tag, size) }
}

/// What an output file holds: tags of whole documents. What is broken must lie before `torn`, the size that the file had
/// when the power came back.
fn whole_documents(octets: &[u8], torn: usize) -> Vec<String> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < octets.len() {
        let rest = &octets[at..];
        let feed = [&b"\x0c"[..], b"\x1b%-12345X"].into_iter().find(|feed| rest.starts_with(feed));
        let begin = rest.strip_prefix(b"\x1bE").unwrap_or(rest);
        let line = begin.strip_prefix(b"<<BEGIN ").and_then(|rest| rest.split(|octet| *octet == b'\n').next());
        let header = line.and_then(|line| std::str::from_utf8(line).ok()?.strip_suffix(">>")?.rsplit_once(' '));
        let whole = header.and_then(|(tag, size)| {
            let expected = document(tag, size.parse().ok()?);
            rest.starts_with(&expected).then_some((tag, expected.len()))
        });
        match (whole, feed) {
            (Some((tag, length)), _) => {
                found.push(tag.to_owned());
                at += length;
            }
            (None, Some(feed)) => at += feed.len(),
            (None, None) => {
                assert!(
                    at < torn,
                    "a wrong octet at {at}, behind the {torn} that were there: {:?}",
                    String::from_utf8_lossy(&rest[..rest.len().min(80)])
                );
                at += 1;
            }
        }
    }
    found
}

/// Names of finished jobs, and why each job that is left does not print.
fn books(site: &Site) -> (Vec<String>, HashMap<String, String>) {
    let db = site.database();
    let mut names = db.prepare("SELECT name FROM finished").unwrap();
    let names = names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let left = site.jobs().into_iter().map(|job| {
        let reasons = format!("{} {}", job["current-job-state"], job["job-state-reasons"]);
        (job["job-name"].as_str().unwrap().to_owned(), reasons)
    });
    (names, left.collect())
}

/// Starts the devices and lets everything print that will.
fn print_all(site: &Site, devices: &[&str]) {
    site.spoolcom("SPOOLER, START");
    devices.iter().for_each(|device| site.start(device));
    let mut rounds = 0;
    loop {
        assert!(site.fastp_ends(DEADLINE), "the print process does not end: {}", site.log());
        if site.jobs().iter().all(|job| job["current-job-state"] == "held") {
            return;
        }
        rounds += 1;
        assert!(rounds < 50, "jobs do not print: {:#?}; {}", site.jobs(), site.log());
        finish(
            site.command("fastp").arg("--base").arg(site.base()).args(["--process", "SPLA"]).spawn().unwrap(),
            DEADLINE,
        );
    }
}

#[test]
fn what_was_acknowledged_before_a_power_loss_is_printed_after_it_and_twice_only_announced() {
    let sink = Sink::new(Mode::Normal);
    let scene = Scene::new(|_, _| {});
    let site = &scene.site;
    let file = format!("file://{}", scene.root.join("out/lp1.out").display());
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    site.device("LP1", &file, "OFF");
    site.device("LP2", &sink.uri(), "OFF");
    site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1; LOC #OFFICE.MANY, DEV $LP2");
    scene.mark("declared all");
    // Nobody prints yet: the programs that submit write to the spool themselves.
    for (tag, size) in [("early-1", 700), ("early-2", 9000), ("deleted-1", 300)] {
        scene.submit("office.front", tag, &text(tag, size), &[]);
    }
    scene.submit("office.front", "link-1", &text("link-1", 2000), &["-l"]);
    scene.submit("office.many", "early-3", &text("early-3", 5000), &[]);
    scene.mark("deleting deleted-1");
    site.spoolcom("JOB 3, DELETE");
    scene.mark("deleted deleted-1");
    // A print process takes what comes now, and prints.
    let run = |words: &[&str], env: &[(&str, &str)]| {
        let mut command = site.command("fastp");
        command.arg("--base").arg(site.base()).args(["--process", "SPLA"]).args(words).envs(env.iter().copied());
        command.spawn().unwrap()
    };
    let mut process = site.start_with_submission_socket("600", &[]);
    site.spoolcom("DEV $LP1, START; DEV $LP2, START");
    for (tag, size) in [("late-1", 400), ("stream-1", 6000), ("late-2", 20_000)] {
        scene.submit("office.front", tag, &document(tag, size), &[]);
        let many = format!("{tag}-many");
        scene.submit("office.many", &many, &document(&many, size), &[]);
    }
    site.wait_until_empty();
    site.spoolcom("DEV $LP1, DRAIN; DEV $LP2, DRAIN");
    kill(pid(process.id()), Signal::SIGTERM).unwrap();
    process.wait().unwrap();
    // One that dies with the file of its job in its hands: the next one sweeps.
    let mut process = site.start_with_submission_socket("600", &[("PD_FAULT", "before-erase")]);
    scene.submit("office.front", "left-1", &text("left-1", 900), &[]);
    scene.submit("office.front", "left-2", &text("left-2", 900), &[]);
    finish(site.command("spoolcom").arg("DEV $LP1, START").spawn().unwrap(), DEADLINE);
    process.wait().unwrap();
    finish(run(&["--idle", "0.05"], &[]), DEADLINE).expect(0);
    scene.mark("over all");

    let played = scene.end();
    let mut dice = Dice::new(20_261_128);
    let (mut opened, mut doubles) = (0, 0);
    played.for_each_state(states(70), &mut dice, |played, moment| {
        let (site, record) = (&played.site, &played.record);
        let acknowledged = record.marks(moment, "ack");
        let (deleting, deleted) = (record.marks(moment, "deleting"), record.marks(moment, "deleted"));
        let out = played.root.join("out/lp1.out");
        let torn = std::fs::metadata(&out).map_or(0, |meta| meta.len() as usize);
        let earlier = sink.connections().len();
        let listed = site.run("pdls", &[]);
        if record.marks(moment, "declared").is_empty() {
            // Half made: it is completed, or says what to do.
            assert!(listed.status == 0 || (listed.status == 3 && !listed.err.is_empty()), "{listed:#?}");
            let again = site.run("spoolcom", &["PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA"]);
            assert!(again.status == 0 || !again.err.is_empty(), "{again:#?}");
            assert!(again.status != 3, "a base without a job cannot be completed: {again:#?}");
            return;
        }
        listed.expect(0);
        opened += 1;
        print_all(site, &["LP1", "LP2"]);
        let (finished, left) = books(site);
        assert!(left.is_empty(), "{left:?}");
        let announced = site.possible_duplicates();
        let file = whole_documents(&std::fs::read(&out).unwrap_or_default(), torn);
        let before = record.sent(moment);
        let after: Vec<String> =
            sink.connections()[earlier..].iter().flat_map(|one| take_apart(&one.octets).complete).collect();
        for tag in &acknowledged {
            assert!(finished.contains(tag), "{tag} was acknowledged and is nowhere");
            let printed = [&file, &before, &after].into_iter().flatten().any(|other| other == tag);
            assert!(printed || deleting.contains(tag), "{tag} was acknowledged and is not printed");
        }
        for tag in &deleted {
            assert!(!file.contains(tag), "{tag} was deleted and printed");
        }
        for tag in &finished {
            let times = |list: &[String]| list.iter().filter(|other| *other == tag).count();
            assert!(times(&file) <= 1 || announced.contains(tag), "{tag} is {} times in the file", times(&file));
            let at_printer = times(&before) + times(&after);
            assert!(at_printer <= 1 || announced.contains(tag), "{tag} came out {at_printer} times, unannounced");
            doubles += usize::from(at_printer > 1 || times(&file) > 1);
        }
        site.run("pdfsck", &[]).expect(0);
        assert_eq!(site.print_files(), Vec::<String>::new(), "orphans");
    });
    eprintln!("{opened} spools opened, {doubles} announced duplicates");
}

#[test]
fn a_power_loss_while_a_spool_is_brought_up_to_date_leaves_the_old_or_the_new_one() {
    let scene = Scene::new(|site, _| {
        crate::old_spools::unpacked(site.base());
    });
    scene.site.run("pdls", &[]).expect(0);
    scene.mark("over all");
    let played = scene.end();
    played.for_each_state(states(10), &mut Dice::new(20_261_128), |played, _| {
        let site = &played.site;
        assert_eq!(site.tags(), ["kept".to_owned()].into());
        print_all(site, &["LP1"]);
        assert_eq!(books(site), (vec!["kept".to_owned()], HashMap::new()));
        site.run("pdfsck", &[]).expect(0);
    });
}

#[test]
fn a_power_loss_during_backup_or_restore_loses_neither_spool_nor_backup() {
    let scene = Scene::new(|site, root| {
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        site.device("LP1", &format!("file://{}", root.join("out/lp1.out").display()), "OFF");
        site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        for tag in ["old-1", "old-2"] {
            let file = site.document(tag, &text(tag, 3000));
            site.submit("office.front", tag, &file).expect(0);
        }
    });
    let backup = scene.root.join("backup");
    scene.site.run("pdbackup", &[backup.to_str().unwrap()]).expect(0);
    scene.mark("backup done");
    scene.submit("office.front", "since", &text("since", 3000), &[]);
    scene.mark("restore begun");
    scene.site.run("pdbackup", &["--restore", backup.to_str().unwrap()]).expect(0);
    scene.mark("restore done");
    let played = scene.end();
    let mut repeated = 0;
    played.for_each_state(states(20), &mut Dice::new(20_261_128), |played, moment| {
        let (site, record) = (&played.site, &played.record);
        let backup = backup.to_str().unwrap();
        let begun = !record.marks(moment, "restore").is_empty();
        if record.marks(moment, "backup").is_empty() {
            // A backup that is not finished is none, or a whole one.
            let other = Site::at(&played.root.join("other"));
            let restored = other.run("pdbackup", &["--restore", backup]);
            assert!(restored.status == 0 || !restored.err.is_empty(), "{restored:#?}");
            if restored.status == 0 {
                assert_eq!(other.tags(), ["old-1".to_owned(), "old-2".to_owned()].into());
            }
            drop(other.stop_if_there());
        }
        let listed = site.run("pdls", &[]);
        if begun && listed.status == 3 {
            assert!(listed.err.contains("pdbackup --restore"), "{listed:#?}");
            site.run("pdbackup", &["--restore", backup]).expect(0);
            repeated += 1;
        } else {
            listed.expect(0);
        }
        let both = |tags: HashSet<String>| tags.contains("old-1") && tags.contains("old-2");
        if begun && !both(site.tags()) {
            // The old database without its log: everybody is told, nothing is erased, and the restore can be repeated.
            let found = site.run("pdfsck", &[]).expect(1);
            assert!(found.out.contains("pdfsck --accept"), "{found:#?}");
            site.run("pdbackup", &["--restore", backup]).expect(0);
            repeated += 1;
        }
        assert!(both(site.tags()), "{:?}", site.tags());
        let acknowledged = record.marks(moment, "ack").contains("since");
        site.spoolcom("SPOOLER, START");
        site.start("LP1");
        assert!(site.fastp_ends(DEADLINE));
        for job in site.jobs().iter().filter(|job| job["current-job-state"] == "held") {
            site.spoolcom(&format!("JOB {}, START", job["job-number"]));
        }
        print_all(site, &[]);
        let printed = whole_documents(&std::fs::read(played.root.join("out/lp1.out")).unwrap(), 0);
        for tag in ["old-1", "old-2"] {
            assert_eq!(printed.iter().filter(|other| *other == tag).count(), 1, "{tag}: {printed:?}");
        }
        if acknowledged {
            let kept = || {
                let dirs = [site.server_dir(), site.server_dir().join("corrupt")];
                let files = dirs.iter().flat_map(|dir| std::fs::read_dir(dir).unwrap());
                files
                    .into_iter()
                    .any(|file| std::fs::read(file.unwrap().path()).is_ok_and(|all| all == text("since", 3000)))
            };
            assert!(printed.contains(&"since".to_owned()) || kept(), "the document of a job was erased");
        }
    });
    eprintln!("{repeated} restores were repeated");
}

#[test]
fn the_name_of_the_log_is_on_disk_before_anything_that_was_committed_into_it() {
    let scene = Scene::new(|_, _| {});
    scene.site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    let played = scene.end();
    let acts = &played.record.acts;
    let mut logs = 0;
    for (at, act) in acts.iter().enumerate() {
        let Act::Name { dir, name, object } = act else { continue };
        if name != "spool.db-wal" {
            continue;
        }
        let is_synced = |act: &Act, wanted: usize| matches!(act, Act::Synced { object } if *object == wanted);
        let committed = acts[at..].iter().position(|act| is_synced(act, *object)).map(|from| at + from);
        let Some(committed) = committed else { continue };
        assert!(acts[at..committed].iter().any(|act| is_synced(act, *dir)), "{:?}", &acts[at..=committed]);
        logs += 1;
    }
    assert!(logs > 0, "a spool has a log");
}

/// The log is synced a few times for hundreds of declarations. What a power loss leaves of a command file is what its
/// commands up to some line have declared; all of it once the file is done.
#[test]
fn a_power_loss_in_a_command_file_leaves_the_commands_up_to_some_line() {
    const OBJECTS: usize = 150;
    let scene = Scene::new(|site, _| {
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START; LOC #OLD.PARK, DEV");
        let file = site.document("parked", &text("parked", 3000));
        site.submit("old.park", "parked", &file).expect(0);
    });
    let out = scene.root.join("out/d100.out");
    let mut order = Vec::new();
    let mut commands = String::new();
    for n in 0..OBJECTS {
        let uri = if n == 100 { format!("file://{}", out.display()) } else { "null:".into() };
        commands.push_str(&format!("DEV $D{n}, PROCESS $SPLA, URI {uri}, HEADER OFF\nLOC #G.L{n}, DEV $D{n}\n"));
        order.extend([format!("DEV $D{n},"), format!("LOC #G.L{n},")]);
        if n == 100 {
            // Work for a print process in the middle of it.
            commands.push_str("DEV $D100, START\nLOC #OLD.PARK, DEV $D100\n");
            order.push("LOC #OLD.PARK, DEV $D100".into());
        }
    }
    let path = scene.dir.path().join("splconf");
    std::fs::write(&path, &commands).unwrap();
    scene.site.run("spoolcom", &["--in", path.to_str().unwrap()]).expect(0);
    scene.mark("fed all");
    let played = scene.end();

    let record = &played.record;
    let named = |act: &Act| matches!(act, Act::Name { name, .. } if name == "spool.db-wal");
    let of_act = record.acts.iter().find(|act| named(act));
    let before = record.names.values().find_map(|names| names.get("spool.db-wal").copied());
    let log = before.or(of_act.and_then(|act| match act {
        Act::Name { object, .. } => Some(*object),
        _ => None,
    }));
    let syncs = record.acts.iter().filter(|act| matches!(act, Act::Synced { object } if Some(*object) == log)).count();
    assert!((1..OBJECTS).contains(&syncs), "{syncs} syncs of the log for {} commands", order.len());

    let mut partly = 0;
    played.for_each_state(states(40), &mut Dice::new(20_261_128), |played, moment| {
        let (site, record) = (&played.site, &played.record);
        // Nothing looks like a spool that was put back, whose jobs are held: the mark beside the print files is not ahead.
        assert!(site.jobs().iter().all(|job| job["current-job-state"] != "held"), "{:#?}", site.jobs());
        let config = site.run("spoolcom", &["--dump-config"]).expect(0).out;
        let there: Vec<bool> = order.iter().map(|line| config.contains(line.as_str())).collect();
        let known = there.iter().take_while(|there| **there).count();
        assert!(!there[known..].contains(&true), "{known} of {} commands, and later ones: {there:?}", order.len());
        if !record.marks(moment, "fed").is_empty() {
            assert_eq!(known, order.len(), "the file was done");
        }
        partly += usize::from(known > 0 && known < order.len());
        if known == order.len() {
            print_all(site, &[]);
            site.run("pdfsck", &[]).expect(0);
        }
        let printed = whole_documents(&std::fs::read(&out).unwrap_or_default(), 0);
        let times = printed.iter().filter(|tag| *tag == "parked").count();
        assert!(times <= 1 || site.possible_duplicates().contains("parked"), "{times} times");
        if known == order.len() {
            assert!(times >= 1, "the job has its device, and is not printed");
        } else if times == 0 {
            assert!(site.tags().contains("parked"), "the job is gone");
        }
    });
    eprintln!("{partly} states hold a part of the file, {syncs} syncs of the log");
}

#[test]
fn what_was_acknowledged_in_a_secure_queue_can_be_read_after_a_power_loss() {
    let printers = [("office", "secure", "follow-me", "hall"), ("plain", "direct", "ordinary", "desk")];
    let scene = Scene::new(|site, root| {
        for (queue, release, logical, actual) in printers {
            let uri = format!("file://{}", root.join("out").join(actual).display());
            let made = |words: &[&str]| drop(site.run("pdcreate", words).expect(0));
            made(&["-c", "queue", "-x", &format!("release-type={release}"), &format!("acme1:{queue}")]);
            let words = format!("destination-realization=logical associated-queue={queue}");
            made(&["-x", &words, &format!("acme1:{logical}")]);
            let words = format!("destination-realization=actual associated-queue={queue} device-uri={uri}");
            made(&["-x", &words, &format!("acme1:{actual}")]);
        }
        site.run("pdcreate", &["-c", "station", "-x", "related-printers=hall", "acme1:beside"]).expect(0);
        site.run("pdenable", &["follow-me", "ordinary", "hall"]).expect(0);
    });
    for (tag, size) in [("sealed-1", 700), ("sealed-2", 150_000), ("stream-3", 9000)] {
        scene.submit("follow-me", tag, &document(tag, size), &[]);
    }
    scene.submit("ordinary", "moved-4", &document("moved-4", 80_000), &[]);
    scene.site.run("pdresubmit", &["follow-me", "4"]).expect(0);
    let played = scene.end();
    let mut dice = Dice::new(18);
    played.for_each_state(states(30), &mut dice, |played, moment| {
        let acknowledged = played.record.marks(moment, "ack");
        if acknowledged.is_empty() {
            return;
        }
        let site = &played.site;
        let waiting = site.tags();
        assert!(acknowledged.is_subset(&waiting), "{acknowledged:?} {waiting:?}");
        site.run("pdrelease", &["--all"]);
        print_all(site, &["hall", "desk"]);
        let octets = ["hall", "desk"].map(|name| std::fs::read(played.root.join("out").join(name)).unwrap_or_default());
        let printed: HashSet<String> = octets.iter().flat_map(|octets| whole_documents(octets, 0)).collect();
        assert!(acknowledged.is_subset(&printed), "{acknowledged:?} {printed:?} {:#?}", site.jobs());
    });
}
