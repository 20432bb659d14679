//! A machine with a server under an account of its own, and commands of other users.

#![allow(dead_code, reason = "each program of tests uses a part")]

pub mod cups;
#[path = "../../../../tests/support/dice.rs"]
pub mod dice;

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(120);
/// The account of the server: a number without a name.
pub const SERVER: u32 = 47_130;
/// An operator: his group is the one that the server is told.
pub const OPERATOR: u32 = 65_534;
pub const ANN: u32 = 47_110;
pub const BOB: u32 = 47_120;

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// Runs a command to its end.
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a program that is not ours, and kills it when it takes too long: a test that hangs tells nobody why.
    #[track_caller]
    pub fn of_foreign(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let pid = Pid::from_raw(-(child.id() as i32));
        let (done, waits) = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            let late = waits.recv_timeout(DEADLINE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if late {
                let _ = kill(pid, Signal::SIGKILL);
            }
            late
        });
        // Its standard input, if the test has made a pipe of it, ends here.
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        let outcome = Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!watch.join().unwrap(), "{command:?} had not ended after {DEADLINE:?}: {outcome:#?}");
        outcome
    }

    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.err.contains(part), "no '{part}' in {self:#?}");
        self
    }
}

/// A machine with a server.
pub struct Machine {
    pub dir: tempfile::TempDir,
    pub server: Option<Child>,
    /// The name of the server.
    pub name: &'static str,
    /// Further words of the server's command line.
    pub options: Vec<&'static str>,
    /// Commands without a socket, and the server, run in the network of this process.
    pub network: Option<u32>,
    ready: UnixDatagram,
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

impl Machine {
    /// None where we cannot become other users, which is said.
    pub fn new() -> Option<Self> {
        Self::prepared(|_| true)
    }

    /// The same; `prepare` sees the directory of the spool while it is empty. None also where it returns false.
    pub fn prepared(prepare: impl FnOnce(&Path) -> bool) -> Option<Self> {
        let mut machine = Self::named("acme1", prepare)?;
        machine.start();
        Some(machine)
    }

    /// The same with a server of that name, which is not started.
    pub fn named(name: &'static str, prepare: impl FnOnce(&Path) -> bool) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root can become other users");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        open(dir.path());
        for name in [
            "pdpr",
            "pdls",
            "pdrm",
            "pdset",
            "pdcreate",
            "pdbackup",
            "pdfsck",
            "spoolcom",
            "fastp",
            "pdserver",
            "pddoor",
            "pdstation",
            "pdpam",
            "pdenable",
            "pddisable",
            "pdrelease",
            "pdchange",
        ] {
            let test = std::env::current_exe().unwrap();
            let program = test.parent().and_then(Path::parent).unwrap().join(name);
            assert!(program.exists(), "{} is not built: cargo test --workspace", program.display());
            place_program(&program, &dir.path().join(name));
        }
        for name in ["run", "paper"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            open(&dir.path().join(name));
            chown(dir.path().join(name), Some(SERVER), Some(SERVER)).unwrap();
        }
        let base = dir.path().join("base");
        std::fs::create_dir(&base).unwrap();
        if !prepare(&base) {
            return None;
        }
        std::fs::set_permissions(&base, PermissionsExt::from_mode(0o700)).unwrap();
        chown(&base, Some(SERVER), Some(SERVER)).unwrap();
        let notify = dir.path().join("notify");
        let ready = UnixDatagram::bind(&notify).unwrap();
        std::fs::set_permissions(&notify, PermissionsExt::from_mode(0o666)).unwrap();
        ready.set_read_timeout(Some(DEADLINE)).unwrap();
        Some(Self { dir, server: None, name, options: Vec::new(), network: None, ready })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, uid: u32, program: &str) -> Command {
        self.command_at(uid, &self.path(program))
    }

    /// The same for a program that is not ours.
    pub fn command_at(&self, uid: u32, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PD_SOCKET", self.path("run/socket"))
            .env("PD_FASTP_IDLE", "0.2")
            .env("PD_HINTS", "always")
            .env("PD_CONFIRM_DELETE", "no")
            .env("TZ", "UTC")
            .uid(uid)
            .gid(uid)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A command of the server's own account in the network of this machine.
    fn command_here(&self, program: &str) -> Command {
        let Some(holder) = self.network else { return self.command(SERVER, program) };
        let mut command = self.command_at(0, Path::new("nsenter"));
        command.arg(format!("--net=/proc/{holder}/ns/net"));
        command.args(["--setuid", &SERVER.to_string(), "--setgid", &SERVER.to_string(), "--"]).arg(self.path(program));
        command
    }

    /// A command of the server's own account, which names the base and not the socket.
    pub fn direct(&self, program: &str) -> Command {
        let mut command = self.command_here(program);
        command.env_remove("PD_SOCKET").env("PDBASE", self.path("base"));
        command
    }

    #[track_caller]
    pub fn run_direct(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.direct(program).args(arguments))
    }

    pub fn server_command(&self) -> Command {
        let mut command = self.command_here("pdserver");
        command.args(["--name", self.name, "--operators", "nogroup", "--base"]).arg(self.path("base"));
        command.arg("--socket").arg(self.path("run/socket")).args(&self.options);
        command
    }

    /// Starts the server and waits until it says that it is ready.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with more variables.
    pub fn start_with(&mut self, variables: &[(&str, &Path)]) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.server_command();
        command.envs(variables.iter().copied());
        command.env("NOTIFY_SOCKET", self.path("notify")).stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().unwrap());
        let mut word = [0; 64];
        let n = self.ready.recv(&mut word).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        assert_eq!(&word[..n], b"READY=1", "{}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Tells the server to end, and returns its status.
    pub fn stop(&mut self) -> Option<i32> {
        let mut server = self.server.take()?;
        kill(Pid::from_raw(server.id() as i32), Signal::SIGTERM).unwrap();
        let status = server.wait().unwrap();
        let mut word = [0; 64];
        self.ready.recv(&mut word).unwrap();
        status.code()
    }

    #[track_caller]
    pub fn run(&self, uid: u32, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(uid, program).args(arguments))
    }

    /// A file of this user that nobody else can read.
    pub fn file(&self, uid: u32, name: &str, text: &str, mode: u32) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        chown(&path, Some(uid), Some(uid)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A device that appends to `paper/out`, and `#OFFICE.FRONT` before it.
    pub fn declare(&self) {
        let uri = format!("file://{}", self.path("paper/out").display());
        let commands = format!(
            "PRINT SPLA, FILE fastp; SPOOLER, START; DEV LP1, PROCESS SPLA, URI {uri}, HEADER OFF; LOC #OFFICE.FRONT, DEV LP1"
        );
        self.run(OPERATOR, "spoolcom", &[&commands]).expect(0);
    }

    pub fn paper(&self) -> String {
        std::fs::read_to_string(self.path("paper/out")).unwrap_or_default()
    }

    /// Waits until `condition` holds. Nothing tells a test what a server of another user does, so it looks again.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}; {}", self.log());
            std::thread::yield_now();
            self.run(OPERATOR, "pdls", &["-c", "server"]);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The print process goes dormant by itself.
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
