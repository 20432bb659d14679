//! Several servers on one machine, each a process of its own that a test may kill, cut off or delay.
//!
//! What `pdserver` puts between them is TLS; here it is a Unix socket, over which the side that connects says its name first. All
//! else is what `pdserver` runs.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use spoolsuite::client::peer::{Cutter, Dial, PeerStream, ServePeer};
use spoolsuite::model::{Failure, FailureKind, ServerName};
use spoolsuite::server::peers::{Peers, Terms};
use spoolsuite::spool::Base;
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::supervise::Starter;
use spoolsuite::sys::clock;

use crate::support::sink::Sink;
use crate::support::{DEADLINE, Site, place_program, program};

/// A stream whose other end has said its name.
struct Wire(UnixStream);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PeerStream for Wire {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(patience))?;
        self.0.set_write_timeout(Some(patience))
    }
    fn cutter(&self) -> Cutter {
        let other = self.0.try_clone();
        Box::new(move || {
            if let Ok(other) = &other {
                let _ = other.shutdown(std::net::Shutdown::Both);
            }
        })
    }
}

struct Net {
    dir: PathBuf,
    own: ServerName,
    others: Vec<ServerName>,
}

impl Dial for Net {
    fn dial(&self, server: &ServerName, patience: Duration) -> Result<Box<dyn PeerStream>, Failure> {
        if self.is_revoked(server) {
            return Err(Failure::new(FailureKind::Unreachable, "its membership was revoked"));
        }
        let failure = |error: io::Error| Failure::new(FailureKind::Unreachable, error.to_string());
        let mut wire = Wire(UnixStream::connect(self.dir.join(format!("{server}.sock"))).map_err(failure)?);
        wire.set_patience(patience).map_err(failure)?;
        wire.write_all(format!("{}\n", self.own).as_bytes()).map_err(failure)?;
        Ok(Box::new(wire))
    }
    fn servers(&self) -> Vec<ServerName> {
        self.others.iter().filter(|one| !self.is_revoked(one)).cloned().collect()
    }
}

impl Net {
    fn is_revoked(&self, server: &ServerName) -> bool {
        self.dir.join(format!("{server}.revoked")).exists()
    }
}

/// The program of a server: this test program, called again with its site in the environment.
#[test]
#[ignore = "the other tests start it"]
fn server_process() {
    let Some(base) = std::env::var_os("TEST_SERVER_BASE") else { return };
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let server = text("TEST_SERVER_NAME").parse().unwrap();
    let spool = open(&Base::new(base), Access::Create { server, now: clock::now() }).unwrap();
    let dir = PathBuf::from(text("TEST_SERVER_NET"));
    let others = text("TEST_SERVER_OTHERS").split_whitespace().map(|name| name.parse().unwrap()).collect();
    let net = Net { dir: dir.clone(), own: spool.server().clone(), others };
    let programs = PathBuf::from(text("TEST_SERVER_PROGRAMS"));
    let log = Arc::new(|line: &str| eprintln!("{line}"));
    let rate = text("TEST_SERVER_RATE").parse().ok();
    let lease_ms = text("TEST_SERVER_LEASE_MS").parse().unwrap_or(Terms::default().lease_ms);
    let terms = Terms { rate, lease_ms, operators: None };
    let peers = Peers::new(spool.clone(), Arc::new(Starter::new(programs)), Arc::new(net), log, terms);
    let _threads = peers.start().unwrap();
    let place = dir.join(text("TEST_SERVER_SOCKET"));
    let _ = std::fs::remove_file(&place);
    let listener = UnixListener::bind(&place).unwrap();
    open_to(&place);
    println!("\nREADY");
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let peers = peers.clone();
        std::thread::spawn(move || {
            let mut name = Vec::new();
            let mut octet = [0];
            while (&stream).read_exact(&mut octet).is_ok() && octet != *b"\n" {
                name.push(octet[0]);
            }
            let name: ServerName = String::from_utf8_lossy(&name).parse().unwrap();
            let mut wire = Wire(stream);
            wire.set_patience(Duration::from_secs(30)).unwrap();
            let _ = peers.serve(Box::new(wire), &name);
        });
    }
}

fn open_to(socket: &Path) {
    std::fs::set_permissions(socket, PermissionsExt::from_mode(0o666)).unwrap();
}

/// What stands between two servers.
#[derive(Default)]
pub struct Faults {
    /// Connections are cut after so many octets from the server; 0 = they are not.
    cut_after: AtomicUsize,
    /// What is cut is closed in one direction only: the server finds its way open, and goes on sending.
    half: AtomicBool,
    /// Connections are accepted and nothing passes.
    silent: AtomicBool,
    /// One octet of the data is changed, at this place of the stream; 0 = none is.
    spoil_at: AtomicUsize,
    /// Nothing passes behind so many octets of a connection, until it is opened; 0 = everything does.
    gate: (Mutex<usize>, Condvar),
    /// How many connections came.
    pub connections: AtomicUsize,
}

impl Faults {
    pub fn cut_after(&self, octets: usize) {
        self.cut_after.store(octets, Ordering::SeqCst);
    }
    pub fn half(&self, on: bool) {
        self.half.store(on, Ordering::SeqCst);
    }
    pub fn silent(&self, on: bool) {
        self.silent.store(on, Ordering::SeqCst);
    }
    pub fn spoil_at(&self, octet: usize) {
        self.spoil_at.store(octet, Ordering::SeqCst);
    }

    /// Lets so many octets of each connection pass, and the rest when it is told otherwise; 0 = all of it.
    pub fn gate(&self, octets: usize) {
        *self.gate.0.lock().unwrap() = octets;
        self.gate.1.notify_all();
    }

    /// Returns how many of `n` octets pass behind `seen`; waits while none does.
    fn let_through(&self, seen: usize, n: usize) -> usize {
        let gate = self.gate.1.wait_while(self.gate.0.lock().unwrap(), |gate| *gate > 0 && *gate <= seen).unwrap();
        if *gate > 0 { n.min(*gate - seen) } else { n }
    }

    fn pass(self: &Arc<Self>, mut client: UnixStream, server: &Path) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            // Whoever waits gives up by himself.
            let _ = io::copy(&mut client, &mut io::sink());
            return;
        }
        let Ok(mut server) = UnixStream::connect(server) else { return };
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        let (cut, spoil) = (self.cut_after.load(Ordering::SeqCst), self.spoil_at.load(Ordering::SeqCst));
        let (mut seen, mut buffer) = (0, vec![0; 4096]);
        while let Ok(n) = server.read(&mut buffer) {
            let n = if cut > 0 { n.min(cut - seen) } else { n };
            if n == 0 {
                break;
            }
            if spoil > 0 && (seen..seen + n).contains(&spoil) {
                buffer[spoil - seen] ^= 0x20;
            }
            let mut sent = 0;
            while sent < n {
                let passes = self.let_through(seen + sent, n - sent);
                if client.write_all(&buffer[sent..sent + passes]).is_err() {
                    break;
                }
                sent += passes;
            }
            if sent < n {
                break;
            }
            seen += n;
        }
        if cut > 0 && seen >= cut && self.half.load(Ordering::SeqCst) {
            let _ = client.shutdown(std::net::Shutdown::Write);
            // Until the client closes, which the other thread hands on, the server is listened to.
            let _ = io::copy(&mut server, &mut io::sink());
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = server.shutdown(std::net::Shutdown::Both);
    }
}

/// The servers of a test.
pub struct World {
    dir: tempfile::TempDir,
    pub sites: BTreeMap<&'static str, Site>,
    running: Mutex<BTreeMap<&'static str, Child>>,
    faults: BTreeMap<&'static str, Arc<Faults>>,
}

impl World {
    /// Servers of these names, none of which runs yet.
    pub fn new(names: &[&'static str]) -> Self {
        Self::of(&names.iter().map(|name| (*name, None)).collect::<Vec<_>>())
    }

    /// Servers of these names and users, none of which runs yet.
    pub fn of(servers: &[(&'static str, Option<u32>)]) -> Self {
        Self::with_programs(servers, &[])
    }

    /// The same, where other users than ours have these programs beside the usual ones.
    pub fn with_programs(servers: &[(&'static str, Option<u32>)], more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open_to_all = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        open_to_all(dir.path());
        let programs = dir.path().join("programs");
        if servers.iter().any(|(_, uid)| uid.is_some()) {
            std::fs::create_dir(&programs).unwrap();
            open_to_all(&programs);
            for name in ["pdpr", "pdls", "pdq", "spoolcom", "fastp"].iter().chain(more) {
                place_program(&program(name), &programs.join(name));
            }
            place_program(&std::env::current_exe().unwrap(), &programs.join("server"));
        }
        let mut sites = BTreeMap::new();
        let mut faults = BTreeMap::new();
        for (name, uid) in servers {
            let mut site = Site::at(&dir.path().join(format!("base of {name}")));
            std::fs::create_dir(site.base()).unwrap();
            std::fs::set_permissions(site.base(), PermissionsExt::from_mode(0o700)).unwrap();
            if let Some(uid) = uid {
                (site.uid, site.programs) = (Some(*uid), Some(programs.clone()));
                for path in [site.base(), site.files.path()] {
                    std::os::unix::fs::chown(path, Some(*uid), Some(*uid)).unwrap();
                }
            }
            sites.insert(*name, site);
            let between = Arc::new(Faults::default());
            let listener = UnixListener::bind(dir.path().join(format!("{name}.sock"))).unwrap();
            let (server, passing) = (dir.path().join(format!("{name}.real")), Arc::clone(&between));
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    let (server, passing) = (server.clone(), Arc::clone(&passing));
                    std::thread::spawn(move || passing.pass(client, &server));
                }
            });
            open_to(&dir.path().join(format!("{name}.sock")));
            faults.insert(*name, between);
        }
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
        Self { dir, sites, running: Mutex::default(), faults }
    }

    /// Gives each server a wall clock that can be set.
    pub fn with_clocks(mut self) -> Self {
        for (name, site) in &mut self.sites {
            let clock = self.dir.path().join(format!("{name}.clock"));
            site.env.push(("PD_CLOCK", Box::leak(clock.display().to_string().into_boxed_str())));
        }
        self
    }

    /// Sets the wall clock of a server, its print processes and its commands: so many milliseconds from the true time.
    pub fn set_clock(&self, name: &str, ms: i64) {
        let clock = self.dir.path().join(format!("{name}.clock"));
        let new = clock.with_extension("new");
        std::fs::write(&new, ms.to_string()).unwrap();
        std::fs::rename(new, clock).unwrap();
    }

    /// Two of them: `#OFFICE.FRONT` on `acme1` leads to `$LP1` on `acme2`, which appends to a file.
    pub fn two() -> Self {
        Self::new(&["acme1", "acme2"]).connected(None)
    }

    /// The same where `$LP1` is this printer.
    pub fn with_printer(printer: &Sink) -> Self {
        Self::new(&["acme1", "acme2"]).connected(Some(printer))
    }

    /// The same, each under a user of its own.
    pub fn of_two_users() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root can become other users");
            return None;
        }
        Some(Self::of(&[("acme1", Some(47_210)), ("acme2", Some(47_220))]).connected(None))
    }

    fn connected(self, printer: Option<&Sink>) -> Self {
        let world = self;
        // The servers make the spools, under their names.
        world.run("acme1");
        world.run("acme2");
        world["acme2"].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        let uri = printer.map_or_else(|| format!("file://{}", world["acme2"].sink().display()), Sink::uri);
        world["acme2"].device("LP1", &uri, "OFF");
        world["acme2"].spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
        world["acme2"].start("LP1");
        world["acme1"].spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        world["acme1"].wait_for("its group is known", || {
            let out = world["acme1"].run("spoolcom", &["LOC #OFFICE.FRONT, DEV \\acme2.$LP1"]);
            out.status == 0
        });
        world
    }

    /// The socket of a server itself.
    pub fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.real"))
    }

    /// What stands before a server.
    pub fn before(&self, name: &str) -> &Faults {
        &self.faults[name]
    }

    /// Starts a server.
    pub fn run(&self, name: &'static str) {
        self.run_with(name, &[]);
    }

    /// The same with more in its environment.
    pub fn run_with(&self, name: &'static str, more: &[(&str, &str)]) {
        let site = &self.sites[name];
        let others: Vec<&str> = self.sites.keys().filter(|other| **other != name).copied().collect();
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new(site.programs.as_ref().map_or(own, |programs| programs.join("server")));
        site.dress(&mut command);
        command
            .args(["--exact", "servers::world::server_process", "--ignored", "--nocapture", "--test-threads", "1"])
            .env("TEST_SERVER_BASE", site.base())
            .env("TEST_SERVER_NET", self.dir.path())
            .env("TEST_SERVER_SOCKET", format!("{name}.real"))
            .env("TEST_SERVER_OTHERS", others.join(" "))
            .env("TEST_SERVER_PROGRAMS", site.programs.as_deref().or(program("fastp").parent()).unwrap())
            .env("TEST_SERVER_NAME", name)
            .envs(more.iter().copied());
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join(format!("{name}.log")));
        let mut child = command.stdout(Stdio::piped()).stderr(log.unwrap()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line == "READY"));
        assert!(ready, "server {name} does not start: {}", self.log(name));
        std::thread::spawn(move || lines.for_each(drop));
        if let Some(mut former) = self.running.lock().unwrap().insert(name, child) {
            let _ = former.kill();
            let _ = former.wait();
        }
    }

    /// Takes a server out of the group. It still answers whoever asks.
    pub fn revoke(&self, name: &str) {
        std::fs::write(self.dir.path().join(format!("{name}.revoked")), "").unwrap();
    }

    /// Kills a server.
    pub fn kill(&self, name: &str) {
        if let Some(mut child) = self.running.lock().unwrap().remove(name) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until a server has killed itself.
    #[track_caller]
    pub fn await_death(&self, name: &str) {
        let mut child = self.running.lock().unwrap().remove(name).unwrap();
        let end = Instant::now() + DEADLINE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "server {name} does not die: {}", self.log(name));
            std::thread::yield_now();
        }
    }

    /// Whether a server has died.
    pub fn is_dead(&self, name: &str) -> bool {
        let mut running = self.running.lock().unwrap();
        running.get_mut(name).is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// What `$LP1` of `acme2` has printed.
    pub fn paper(&self) -> String {
        std::fs::read_to_string(self["acme2"].sink()).unwrap_or_default()
    }

    /// Submits a document on `acme1` for `#OFFICE.FRONT`.
    #[track_caller]
    pub fn submit(&self, tag: &str, text: &[u8]) {
        let file = self["acme1"].document(tag, text);
        self["acme1"].submit("office.front", tag, &file).expect(0);
    }

    /// Submits a link to a document: nobody but `acme1` itself may use its file.
    #[track_caller]
    pub fn submit_link(&self, tag: &str, text: &[u8]) -> PathBuf {
        let file = self["acme1"].document(tag, text);
        if let Some(uid) = self["acme1"].uid {
            std::os::unix::fs::chown(&file, Some(uid), Some(uid)).unwrap();
        }
        let path = file.to_str().unwrap();
        self["acme1"].run("pdpr", &["-l", "-d", "office.front", "-t", tag, path]).expect(0);
        file
    }

    /// What the log of the only job on a server says, or of all that are over.
    pub fn history(&self, name: &str) -> String {
        self[name].run("pdls", &["--history", "-U", "-r", "log"]).out
    }

    /// Waits until a server shows its only job so.
    #[track_caller]
    pub fn await_job(&self, name: &str, what: &str, condition: impl Fn(&serde_json::Value) -> bool) {
        let end = Instant::now() + DEADLINE;
        let watch = spoolsuite::sys::watch::Watch::new(&self[name].paths().write_lock()).unwrap();
        loop {
            let jobs = self[name].jobs();
            if jobs.iter().any(&condition) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{name}: never {what}: {jobs:#?}; {}; {}; {}",
                self.log("acme1"),
                self.log("acme2"),
                self[name].log()
            );
            watch.wait(Duration::from_secs(1)).unwrap();
        }
    }

    /// Waits until no job is left on any server, and nothing was fetched.
    #[track_caller]
    pub fn wait_until_empty(&self) {
        for (name, site) in &self.sites {
            let end = Instant::now() + DEADLINE;
            let watch = spoolsuite::sys::watch::Watch::new(&site.paths().write_lock()).unwrap();
            while !site.jobs().is_empty() || !self.fetched(name).is_empty() {
                assert!(
                    Instant::now() < end,
                    "{name} is not empty: {:#?} {:?}; {}; {}",
                    site.jobs(),
                    self.fetched(name),
                    self.log("acme1"),
                    self.log("acme2")
                );
                watch.wait(Duration::from_secs(1)).unwrap();
            }
        }
    }

    /// The names of the files that a server has fetched.
    pub fn fetched(&self, name: &str) -> Vec<String> {
        let dir = self.sites[name].base().join(name).join("pdb");
        let Ok(found) = std::fs::read_dir(dir) else { return Vec::new() };
        found.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

impl std::ops::Index<&str> for World {
    type Output = Site;
    fn index(&self, name: &str) -> &Site {
        &self.sites[name]
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.running.lock().unwrap().values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
