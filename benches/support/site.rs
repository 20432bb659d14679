//! A spool of its own, driven through the programs and, where a figure needs it, through the library.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolsuite::model::ProcessName;
use spoolsuite::model::job::{Accepted, DocumentOffer, RawPath, Submission, Transfer};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody, Spool};
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::watch::Watch;
use spoolsuite::sys::{clock, users};

use super::DEADLINE;

/// A program of ours, as it was built for this run, or as it lies in the directory that `FIGURES_PROGRAMS` names. Cargo puts
/// figures and tests into `deps`, and programs one above it.
pub fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let beside = || this.parent().and_then(Path::parent).unwrap().to_owned();
    // Programs are started in directories of their own.
    let named = |dir| std::path::absolute(dir).unwrap();
    let program = std::env::var_os("FIGURES_PROGRAMS").map_or_else(beside, named).join(name);
    assert!(program.exists(), "{} is not built: cargo build --workspace for the same profile", program.display());
    program
}

/// Runs a program that must succeed, its output thrown away.
#[track_caller]
pub fn succeed(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// A spool. Dropped, its print process is ended and its files are removed.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub base: Base,
    /// Seconds after which its print process goes dormant.
    pub idle: f64,
}

impl Site {
    pub fn new() -> Self {
        let dir = super::directory();
        let base = Base::new(dir.path().join("base"));
        let site = Self { dir, base, idle: 600.0 };
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        site
    }

    /// Declares a device with this URI and `#G.<name>` before it; it is not started.
    pub fn device(&self, name: &str, uri: &str) {
        self.spoolcom(&format!(
            "DEV ${name}, PROCESS $SPLA, URI {uri}, RETRY 1, HEADER OFF; LOC #G.{name}, DEV ${name}"
        ));
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        for name in ["PDHOST", "PD_SOCKET", "PDPRINTER", "PD_FAULT"] {
            command.env_remove(name);
        }
        command.env("PDBASE", self.base.root()).env("PD_FASTP_IDLE", self.idle.to_string()).env("TZ", "UTC");
        command.current_dir(self.dir.path());
        command
    }

    #[track_caller]
    pub fn spoolcom(&self, commands: &str) {
        // A long list of subcommands does not fit one argument: it goes through a file.
        let path = self.dir.path().join("commands");
        std::fs::write(&path, commands.replace("; ", "\n")).unwrap();
        succeed(self.command("spoolcom").arg("--in").arg(&path));
    }

    /// `pdpr -d destination file`.
    pub fn pdpr(&self, destination: &str, file: &Path) -> Command {
        let mut command = self.command("pdpr");
        command.args(["-d", destination]).arg(file);
        command
    }

    pub fn spool(&self) -> Spool {
        open(&self.base, Access::Existing { now: spoolsuite::sys::clock::now() }).unwrap()
    }

    /// The spool in this process, with nobody who starts print processes.
    pub fn local(&self) -> Local {
        Local::new(self.spool(), users::caller(), clock::now, Arc::new(Nobody))
    }

    pub fn process(&self) -> ProcessName {
        "SPLA".parse().unwrap()
    }

    /// The print process itself, started by us and not by a command.
    pub fn fastp(&self) -> Child {
        let mut command = self.command("fastp");
        command.arg("--base").arg(self.base.root()).args(["--process", "SPLA"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The running print process, if one runs.
    pub fn fastp_pid(&self) -> Option<Pid> {
        let lock = self.base.process_lock(&self.process());
        if !FileLock::is_held(&lock).ok()? {
            return None;
        }
        let mut text = String::new();
        File::open(lock).ok()?.read_to_string(&mut text).ok()?;
        text.split_whitespace().next()?.parse().ok().filter(|raw| *raw > 1).map(Pid::from_raw)
    }

    /// Waits until no print process holds its lock.
    pub fn fastp_ends(&self) {
        let lock = self.base.process_lock(&self.process());
        assert!(FileLock::exclusive(&lock, DEADLINE).unwrap().is_some(), "the print process does not end");
    }

    /// What the print process says of itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.base.log()).unwrap_or_default()
    }

    pub fn kill_fastp(&self, signal: Signal) {
        if let Some(pid) = self.fastp_pid() {
            kill(pid, signal).unwrap();
        }
        self.fastp_ends();
    }

    /// Waits until `condition` holds, looking again whenever the spool changes.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        let watch = Watch::new(&self.base.write_lock()).unwrap();
        while !condition() {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {DEADLINE:?}: {what}");
            watch.wait(left.min(Duration::from_secs(5))).unwrap();
        }
    }

    /// The database, for looking.
    pub fn database(&self) -> rusqlite::Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = rusqlite::Connection::open_with_flags(self.base.database(), flags).unwrap();
        db.busy_timeout(DEADLINE).unwrap();
        db
    }

    /// Waits until no job waits or prints.
    #[track_caller]
    pub fn wait_until_empty(&self) {
        let db = self.database();
        self.wait_for("every job is done", || {
            !db.query_row("SELECT EXISTS (SELECT 1 FROM job)", [], |row| row.get::<_, bool>(0)).unwrap()
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.base.root().exists() {
            self.kill_fastp(Signal::SIGKILL);
        }
    }
}

/// Hands in a job through the library, as `pdpr` (or `pdpr -l`) does in its own process.
#[track_caller]
pub fn submit(spool: &mut dyn Operations, destination: &str, file: &Path, transfer: Transfer) {
    accepted(spool, destination, file, transfer);
}

/// Hands it in, and returns what it is called.
#[track_caller]
pub fn accepted(spool: &mut dyn Operations, destination: &str, file: &Path, transfer: Transfer) -> Accepted {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TOKEN: AtomicU64 = AtomicU64::new(0);
    let path = RawPath(file.to_path_buf());
    let token = format!("figures-{}-{}", std::process::id(), TOKEN.fetch_add(1, Ordering::Relaxed));
    let submission = Submission {
        token,
        name: "figure".into(),
        destination: destination.to_owned(),
        documents: vec![DocumentOffer {
            file_name: path.clone(),
            copies: 1,
            transfer,
            link_target: (transfer == Transfer::Link).then_some(path),
            format: None,
        }],
        ..Submission::default()
    };
    spool.submit(submission, vec![OwnedFd::from(File::open(file).unwrap())]).unwrap()
}
