//! A site of its own for each test: a base whose path holds spaces, colons and `%n`, the programs beside the test, and
//! ways to wait for an event with a deadline instead of sleeping.

#![allow(dead_code, reason = "each test uses its own part")]

mod dice;
pub mod documents;
pub mod doors;
pub mod inside;
pub mod ipp;
pub mod lines;
pub mod managed;
pub mod network;
pub mod nobody;
pub mod pages;
pub mod screen;
pub mod sink;

pub use dice::{Dice, number};

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use spoolsuite::model::ProcessName;
use spoolsuite::spool::disk::paths::Base;
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::process::{Deaths, ProcessNote};
use spoolsuite::sys::socket;
use spoolsuite::sys::watch::Watch;

/// How long anything may take before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A program of ours. Cargo puts tests into `deps` and programs one above it.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its exit status, or 128 + the signal that ended it.
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// Fails unless the program ended with `status`.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Fails unless the messages hold `part`, in whatever case.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.err.to_lowercase().contains(&part.to_lowercase()), "no '{part}' in {self:#?}");
        self
    }
}

/// Waits for a child and what it wrote. A child that is late is killed, and the test fails.
#[track_caller]
pub fn finish(child: Child, deadline: Duration) -> Outcome {
    finish_unless(child, deadline, || true)
}

/// The same, where a child is late only if `stuck` says so whenever `deadline` has passed once more.
#[track_caller]
pub fn finish_unless(child: Child, deadline: Duration, stuck: impl Fn() -> bool) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let pid = pid(child.id());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = loop {
        match receiver.recv_timeout(deadline) {
            Ok(output) => break output.unwrap(),
            Err(_) if stuck() => {
                let _ = kill(pid, Signal::SIGKILL);
                panic!("a program did not end within {deadline:?}, or something it started holds its streams");
            }
            Err(_) => {}
        }
    };
    Outcome {
        status: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn pid(raw: u32) -> Pid {
    Pid::from_raw(i32::try_from(raw).unwrap())
}

/// A spool of its own. Dropped, its print processes are ended and its files are removed.
pub struct Site {
    dir: Option<tempfile::TempDir>,
    home: PathBuf,
    base: Base,
    /// A directory with a plain name, for documents and sinks.
    pub files: tempfile::TempDir,
    /// What its programs find in their environment beside the usual.
    pub env: Vec<(&'static str, &'static str)>,
    /// Where its programs lie, unless they are the ones that were built.
    pub programs: Option<PathBuf>,
    /// The user whose commands these are, unless they are ours.
    pub uid: Option<u32>,
}

impl Site {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("a b: %n%s; 'c'").join("base");
        std::fs::create_dir(base.parent().unwrap()).unwrap();
        let mut site = Self::at(&base);
        site.dir = Some(dir);
        site
    }

    /// A spool whose base is this directory, which may exist.
    pub fn at(base: &Path) -> Self {
        let files = tempfile::tempdir().unwrap();
        Self {
            dir: None,
            home: files.path().to_owned(),
            base: Base::new(base),
            files,
            env: Vec::new(),
            programs: None,
            uid: None,
        }
    }

    /// The directory itself, of a spool that was declared.
    pub fn base(&self) -> &Path {
        self.base.root()
    }

    pub fn paths(&self) -> &Base {
        &self.base
    }

    /// A program with this site's environment and nothing else that could lead it elsewhere.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.as_ref().map_or_else(|| program(name), |dir| dir.join(name)));
        self.dress(&mut command);
        command
    }

    /// Gives another program the same environment.
    pub fn dress(&self, command: &mut Command) {
        command
            .env("PDBASE", self.base.root())
            .env("HOME", &self.home)
            .env("PD_FASTP_IDLE", "0.2")
            .env("PD_HINTS", "always")
            .env("PD_COMPLETE_MS", "30000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in [
            "PDHOST",
            "PD_SOCKET",
            "PDPRINTER",
            "FASTCNFG",
            "PD_FAULT",
            "PD_GATE",
            "PD_SUBMISSION_SOCKET_MS",
            "XDG_STATE_HOME",
        ] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().copied());
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid).current_dir("/");
        }
    }

    #[track_caller]
    pub fn run(&self, name: &str, args: &[&str]) -> Outcome {
        finish(self.command(name).args(args).spawn().unwrap(), DEADLINE)
    }

    /// Runs SPOOLCOM commands, which must succeed.
    #[track_caller]
    pub fn spoolcom(&self, commands: &str) -> Outcome {
        self.run("spoolcom", &[commands]).expect(0)
    }

    /// Runs SPOOLCOM with these words, which must succeed.
    #[track_caller]
    pub fn spoolcom_with(&self, words: &[&str]) -> Outcome {
        self.run("spoolcom", words).expect(0)
    }

    /// What a SPOOLCOM display is as JSON.
    #[track_caller]
    pub fn spoolcom_json(&self, commands: &str) -> String {
        self.spoolcom_with(&["--json", commands]).out
    }

    /// A print process, a device `LP1` that appends to [`Site::sink`], and `OFFICE.FRONT` before it; not started yet.
    pub fn declare(&self) {
        self.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        self.device("LP1", &format!("file://{}", self.sink().display()), "OFF");
        self.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
    }

    pub fn device(&self, name: &str, uri: &str, exclusive: &str) {
        self.spoolcom(&format!("DEV ${name}, PROCESS $SPLA, URI {uri}, RETRY 1, EXCLUSIVE {exclusive}, HEADER OFF"));
    }

    /// The file that `LP1` appends to.
    pub fn sink(&self) -> PathBuf {
        self.files.path().join("lp1.out")
    }

    /// A document in [`Site::files`].
    pub fn document(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `pdpr -d destination -t tag file`, not started yet.
    pub fn submission(&self, destination: &str, tag: &str, file: &Path) -> Command {
        let mut command = self.command("pdpr");
        command.args(["-d", destination, "-t", tag]).arg(file);
        command
    }

    #[track_caller]
    pub fn submit(&self, destination: &str, tag: &str, file: &Path) -> Outcome {
        finish(self.submission(destination, tag, file).spawn().unwrap(), DEADLINE)
    }

    /// Every job as `pdls -U -F --json` shows it: each object that has a `job-identifier`.
    #[track_caller]
    pub fn jobs(&self) -> Vec<Value> {
        let listing = self.run("pdls", &["-U", "-F", "-r", "all", "--json"]).expect(0);
        if listing.out.trim().is_empty() {
            return Vec::new();
        }
        let mut jobs = Vec::new();
        collect(&serde_json::from_str(&listing.out).unwrap(), &mut jobs);
        jobs
    }

    /// The `job-name` of every job.
    #[track_caller]
    pub fn tags(&self) -> HashSet<String> {
        self.jobs().iter().filter_map(|job| job["job-name"].as_str().map(str::to_owned)).collect()
    }

    /// The server's directory: the one that proves to which spool it belongs.
    pub fn server_dir(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.base.root()).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.join(".spool-id").exists()).expect("no server directory")
    }

    /// What lies in the server's directory and is no proof and no directory: print files, and leftovers.
    pub fn print_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.server_dir()).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| !entry.file_type().unwrap().is_dir());
        files
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| ![".spool-id", ".generation", ".card-key", ".document-key"].contains(&name.as_str()))
            .collect()
    }

    /// Waits until the server's directory holds no print file: a file is erased after the commit that ends its job.
    #[track_caller]
    pub fn wait_for_no_print_files(&self) {
        let end = Instant::now() + DEADLINE;
        let watch = Watch::new(&self.server_dir()).unwrap();
        while !self.print_files().is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "orphans: {:?}; jobs: {:#?}; {}", self.print_files(), self.jobs(), self.log());
            watch.wait(left.min(Duration::from_secs(30))).unwrap();
        }
    }

    /// Brings a device online; one that is online already stays so.
    #[track_caller]
    pub fn start(&self, device: &str) {
        self.spoolcom(&format!("DEV ${device}, START"));
    }

    /// Waits until `condition` holds, looking again whenever the spool changes.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        // Established before the first look: a change between look and wait is not missed.
        let watch = Watch::new(&self.base.write_lock()).unwrap();
        while !condition() {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {DEADLINE:?}: {what}; jobs: {:#?}; {}", self.jobs(), self.log());
            watch.wait(left.min(Duration::from_secs(30))).unwrap();
        }
    }

    /// Waits for `n` changes of the spool, or until `deadline` has passed without one.
    pub fn wait_for_changes(&self, watch: &Watch, n: u32, deadline: Duration) {
        for _ in 0..n {
            if !watch.wait(deadline).unwrap() {
                return;
            }
        }
    }

    /// Waits until no job is left, for as long as one ends now and then: how fast the machine is makes no difference.
    #[track_caller]
    pub fn wait_until_empty(&self) {
        let mut left = usize::MAX;
        while left > 0 {
            let before = left;
            self.wait_for("every job is done", || {
                left = self.jobs().len();
                left < before
            });
        }
    }

    fn process(&self) -> ProcessName {
        "SPLA".parse().unwrap()
    }

    /// The running print process `$SPLA`, if it runs.
    pub fn fastp(&self) -> Option<Pid> {
        holder(&self.base.process_lock(&self.process()))
    }

    /// Kills the print process. True when it was running and is dead now.
    pub fn kill_fastp(&self) -> bool {
        let Some(pid) = self.fastp() else {
            return false;
        };
        kill(pid, Signal::SIGKILL).is_ok() && self.fastp_ends(DEADLINE)
    }

    /// Starts the print process by itself and waits until its submission socket is open, and that of none before it. It goes dormant
    /// when it had nothing to do for `idle` seconds.
    #[track_caller]
    pub fn start_with_submission_socket(&self, idle: &str, env: &[(&str, &str)]) -> Child {
        let mut command = self.command("fastp");
        command.arg("--base").arg(self.base.root()).args(["--process", "SPLA", "--idle", idle]);
        command.envs(env.iter().copied());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + DEADLINE;
        // Established before the first look. Who is connected and leaves without a word is no submitter.
        let watch = Watch::new(&self.base.run()).unwrap();
        let ours = |stream: UnixStream, child: &Child| {
            socket::peer(&stream).is_ok_and(|peer| peer.pid == pid(child.id()).as_raw())
        };
        while !socket::connect(&self.base.submission_socket()).is_ok_and(|stream| ours(stream, &child)) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the submission socket does not open: {}", self.log());
            watch.wait(left.min(Duration::from_secs(1))).unwrap();
            // One that somebody else started was faster, and has been working for long.
            if child.try_wait().unwrap().is_some() {
                child = command.spawn().unwrap();
            }
        }
        child
    }

    /// Waits until no print process holds its lock: the kernel wakes us when the holder dies.
    pub fn fastp_ends(&self, deadline: Duration) -> bool {
        let lock = self.base.process_lock(&self.process());
        // In the spool of another user nobody else locks anything.
        if std::fs::metadata(&lock).is_ok_and(|meta| meta.uid() != nix::unistd::geteuid().as_raw()) {
            return self.fastp().is_none_or(|pid| dies(pid, deadline));
        }
        FileLock::exclusive(&lock, deadline).is_ok_and(|lock| lock.is_some())
    }

    /// The end of the print process's log, for a failing test.
    pub fn log(&self) -> String {
        let text = std::fs::read(self.base.log()).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(8192)..]).into_owned()
    }

    /// Tags of the jobs whose events announce possible duplicates, finished ones included. Read from the history itself:
    /// a display of finished jobs is not part of this version.
    pub fn possible_duplicates(&self) -> HashSet<String> {
        let db = self.database();
        let mut statement = db
            .prepare(
                "SELECT name FROM (SELECT id, name FROM job UNION ALL SELECT job_id, name FROM finished) AS known
                 WHERE EXISTS (SELECT 1 FROM event WHERE event.object = 'job' AND event.object_id = known.id
                     AND (event.what LIKE '%duplicate%' OR event.why LIKE '%possible duplicate%'))",
            )
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    /// Whether the print process still counts as running: one that died does, one that went dormant does not.
    pub fn counts_as_running(&self) -> bool {
        let query = "SELECT running FROM process WHERE name_key = ?";
        let running: i64 = self.database().query_row(query, [self.process().key()], |row| row.get(0)).unwrap();
        running != 0
    }

    /// The database itself, for looking only.
    pub fn database(&self) -> rusqlite::Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = rusqlite::Connection::open_with_flags(self.base.database(), flags).unwrap();
        db.busy_timeout(DEADLINE).unwrap();
        db
    }

    /// The locks of the print processes that are declared here.
    fn process_locks(&self) -> Vec<PathBuf> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let names = || {
            let db = rusqlite::Connection::open_with_flags(self.base.database(), flags)?;
            db.busy_timeout(Duration::from_secs(5))?;
            let mut statement = db.prepare("SELECT name FROM process")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
        };
        // A test may have made away with its spool: the usual one is looked for all the same.
        let names: Vec<String> = names().unwrap_or_else(|_| vec!["SPLA".into()]);
        names.iter().filter_map(|name| Some(self.base.process_lock(&name.parse().ok()?))).collect()
    }

    /// Ends every print process of this spool, whatever it does, and returns their locks: as long as they are kept, one that
    /// was on its way waits for them, and ends.
    pub fn stop(&self) -> Vec<FileLock> {
        let locks = self.process_locks().iter().filter_map(|lock| end(lock)).collect();
        // One that is still on its way has no lock yet: it would come back as soon as the locks are given up.
        for pid in on_the_way(self.base()) {
            let _ = kill(pid, Signal::SIGKILL);
            dies(pid, DEADLINE);
        }
        locks
    }
}

impl Site {
    /// The same for a base that may not be there.
    pub fn stop_if_there(&self) -> Vec<FileLock> {
        if self.base.run().is_dir() { self.stop() } else { Vec::new() }
    }
}

/// Takes a lock away from whoever has it.
fn end(path: &Path) -> Option<FileLock> {
    let late = Instant::now() + DEADLINE;
    // A lock that is not there yet is made by whoever owns the directory.
    let owner = |path: &Path| std::fs::metadata(path).map(|meta| meta.uid());
    let owner = owner(path).or_else(|_| owner(path.parent().unwrap_or(path)));
    let is_foreign = owner.is_ok_and(|uid| uid != nix::unistd::geteuid().as_raw());
    while path.parent().is_some_and(Path::is_dir) && Instant::now() < late {
        let pid = holder(path);
        if let Some(pid) = pid {
            let _ = kill(pid, Signal::SIGKILL);
        }
        // In the spool of another user nobody else locks anything.
        if is_foreign {
            if let Some(pid) = pid {
                dies(pid, DEADLINE);
            }
            return None;
        }
        // Who has just taken the lock has not signed it yet, for a moment.
        if let Ok(Some(lock)) = FileLock::exclusive(path, Duration::from_millis(100)) {
            return Some(lock);
        }
    }
    None
}

/// Every `fastp` that was started for this base, by its command line.
fn on_the_way(base: &Path) -> Vec<Pid> {
    let of_base = |arguments: &[u8]| {
        let mut words = arguments.split(|octet| *octet == 0);
        let is_fastp = words.next().is_some_and(|word| word.ends_with(b"fastp"));
        is_fastp && words.any(|word| word == base.as_os_str().as_encoded_bytes())
    };
    let numbers =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &u32| std::fs::read(format!("/proc/{number}/cmdline")).is_ok_and(|line| of_base(&line)))
        .map(pid)
        .collect()
}

/// The print process that holds this lock. It is known by its number and when it started: another one that has got the
/// number of one that died is not taken for it.
pub fn holder(lock: &Path) -> Option<Pid> {
    // Not by its path: the spool may be another user's, which only he is told about.
    if !FileLock::is_held_on(&std::fs::File::open(lock).ok()?).ok()? {
        return None;
    }
    let note: ProcessNote = std::fs::read_to_string(lock).ok()?.parse().ok()?;
    (note.pid > 1 && note.is_there()).then(|| pid(note.pid))
}

/// Puts a program at another place: the same file where that can be, for copying hundreds of megabytes takes a test longer than
/// what it tests; else a copy. By a process of its own: a child that another test makes at that moment would hold a copy of ours
/// open for writing, and the kernel starts no program that somebody may still write.
pub fn place_program(from: &Path, to: &Path) {
    if std::fs::hard_link(from, to).is_err() {
        let copied = Command::new("cp").args(["--remove-destination", "--"]).arg(from).arg(to).status().unwrap();
        assert!(copied.success(), "{} is not copied", from.display());
    }
}

/// Waits until a process has died, whoever's child it is. False when it lives on.
pub fn dies(pid: Pid, deadline: Duration) -> bool {
    let Ok(note) = ProcessNote::of(pid.as_raw().cast_unsigned()) else { return true };
    let (bell, _silent) = nix::unistd::pipe().unwrap();
    Deaths::default().wait(&[note.pid], bell.as_fd(), deadline).unwrap();
    // One that is not collected yet is dead too.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", note.pid)).unwrap_or_default();
    !note.is_there() || stat.rsplit_once(')').is_some_and(|(_, after)| after.trim_start().starts_with('Z'))
}

impl Drop for Site {
    fn drop(&mut self) {
        let locks = self.stop();
        match self.dir.take() {
            Some(dir) => drop(dir),
            // The base is removed by whoever made it, later than this.
            None => locks.into_iter().for_each(std::mem::forget),
        }
    }
}

fn collect(value: &Value, jobs: &mut Vec<Value>) {
    match value {
        Value::Object(map) if map.contains_key("job-identifier") => jobs.push(value.clone()),
        Value::Object(map) => map.values().for_each(|value| collect(value, jobs)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, jobs)),
        _ => {}
    }
}
