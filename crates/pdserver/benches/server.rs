//! Servers that figures are measured on.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what prepares a figure has nowhere to go with an error; a figure without it is none"
)]

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolsuite::client::ServedSpool;
use spoolsuite::model::GlobalJobId;
use spoolsuite::model::job::Transfer;

use super::support::site::{self, program, succeed};
use super::support::{DEADLINE, directory, seconds};

/// How many do something at once.
pub const SUBMITTERS: usize = 16;

/// A server with a spool of its own.
pub struct Server {
    pub dir: tempfile::TempDir,
    pub name: &'static str,
    address: Option<String>,
    child: Option<Child>,
    /// Further variables of its environment.
    pub env: Vec<(&'static str, PathBuf)>,
}

impl Server {
    pub fn new(name: &'static str) -> Self {
        Self::within(directory(), name)
    }

    /// One whose files are all in this directory.
    pub fn within(dir: tempfile::TempDir, name: &'static str) -> Self {
        let mut server = Self { dir, name, address: None, child: None, env: Vec::new() };
        server.start();
        server.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        for name in ["PDHOST", "PDBASE", "PDPRINTER", "PD_FAULT"] {
            command.env_remove(name);
        }
        command.env("PD_SOCKET", self.path("socket")).env("PD_FASTP_IDLE", "600").env("TZ", "UTC");
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// `pdserver SUBCOMMAND --base …`.
    pub fn manage(&self, subcommand: &str, arguments: &[&str]) -> String {
        let mut command = self.command("pdserver");
        command.env_remove("PD_SOCKET").arg(subcommand).arg("--base").arg(self.path("base")).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts it and waits until it is ready.
    pub fn start(&mut self) {
        let notify = self.path("notify");
        let _ = std::fs::remove_file(&notify);
        let ready = UnixDatagram::bind(&notify).unwrap();
        ready.set_read_timeout(Some(DEADLINE)).unwrap();
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command("pdserver");
        command.env_remove("PD_SOCKET").env("NOTIFY_SOCKET", &notify).envs(self.env.iter().cloned());
        command.args(["--name", self.name, "--base"]).arg(self.path("base")).arg("--socket").arg(self.path("socket"));
        if let Some(address) = &self.address {
            command.args(["--listen", address]);
        }
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let mut word = [0; 64];
        ready.recv(&mut word).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
    }

    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        child.wait().unwrap();
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    #[track_caller]
    pub fn spoolcom(&self, commands: &str) {
        let path = self.path("commands");
        std::fs::write(&path, commands.replace("; ", "\n")).unwrap();
        succeed(self.command("spoolcom").arg("--in").arg(&path));
    }

    /// Whether another server answers it.
    fn reaches(&self, name: &str) -> bool {
        let mut command = self.command("pdls");
        command.args(["-c", "server", &format!("{name}:")]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    pub fn connect(&self) -> ServedSpool {
        ServedSpool::connect(&self.path("socket")).unwrap()
    }

    pub fn database(&self) -> rusqlite::Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = spoolsuite::spool::Base::new(self.path("base")).database();
        let db = rusqlite::Connection::open_with_flags(path, flags).unwrap();
        db.busy_timeout(DEADLINE).unwrap();
        db
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Hands a copy in.
pub fn submit(spool: &mut ServedSpool, file: &Path, destination: &str) {
    accepted(spool, file, destination);
}

/// Hands it in, and returns what it is called.
pub fn accepted(spool: &mut ServedSpool, file: &Path, destination: &str) -> GlobalJobId {
    site::accepted(spool, destination, file, Transfer::Copy).global
}

/// What sixteen do at once, each so often: how many a second.
pub fn sixteen(times: usize, work: impl Fn(usize) + Sync) -> f64 {
    let took = seconds(|| {
        std::thread::scope(|scope| {
            for n in 0..SUBMITTERS {
                let work = &work;
                scope.spawn(move || (0..times).for_each(|_| work(n)));
            }
        });
    });
    (SUBMITTERS * times) as f64 / took
}

/// Servers that know each other, each at a port of the loopback that nobody had.
pub fn group<const N: usize>(names: [&'static str; N]) -> [Server; N] {
    let mut servers = names.map(Server::new);
    for server in &mut servers {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        server.address = Some(format!("127.0.0.1:{port}"));
    }
    let Some((first, others)) = servers.split_first_mut() else { return servers };
    let tokens: Vec<String> = others.iter().map(|other| first.manage("invite", &[other.name])).collect();
    first.stop();
    first.start();
    for (other, token) in others.iter_mut().zip(tokens) {
        other.stop();
        other.manage("join", &[token.trim(), first.address.as_deref().unwrap_or_default()]);
        other.start();
    }
    for server in &servers {
        let end = Instant::now() + DEADLINE;
        // They hear of each other after a moment.
        while names.iter().filter(|name| **name != server.name).any(|name| !server.reaches(name)) {
            assert!(Instant::now() < end, "the servers do not find each other: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    servers
}
