//! A server with doors, senders of jobs, and the bare receivers that they are measured against.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use spoolsuite::wire::ipp::{Group, Head, Message, Value, tag};

use super::DEADLINE;
use super::site::{program, succeed};

/// Where the programs of the server lie; none, with words why, where they were not built.
fn beside(name: &str) -> Result<PathBuf, String> {
    let path = program("pdpr").with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!("{} is not built: cargo build --workspace, with the profile of this measurement", path.display()))
}

/// A server. Dropped, it ends, and its files go.
pub struct Served {
    pub dir: tempfile::TempDir,
    server: Child,
    pdserver: PathBuf,
}

impl Served {
    /// Starts one with `#G.D`, whose device prints nothing.
    pub fn start() -> Result<Self, String> {
        let (pdserver, _) = (beside("pdserver")?, beside("pddoor")?);
        let dir = super::directory();
        let mut command = Command::new(&pdserver);
        command.arg("--base").arg(dir.path().join("base")).arg("--socket").arg(dir.path().join("socket"));
        command.args(["--name", "bench"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().unwrap();
        let served = Self { dir, server, pdserver };
        let end = Instant::now() + DEADLINE;
        while std::os::unix::net::UnixStream::connect(served.socket()).is_err() {
            assert!(Instant::now() < end, "the server does not listen");
            std::thread::yield_now();
        }
        served.spoolcom(
            "PRINT SPLA, FILE fastp; SPOOLER, START; DEV WAITS, PROCESS SPLA, URI null:; LOC #G.D, DEV WAITS",
        );
        Ok(served)
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    pub fn spoolcom(&self, commands: &str) {
        let mut command = Command::new(program("spoolcom"));
        command.env("PD_SOCKET", self.socket()).env("PD_CONFIRM_DELETE", "no").env_remove("PDBASE");
        succeed(command.arg(commands));
    }

    /// Opens a door; where it listens.
    pub fn door(&self, name: &str, kind: &str, more: &[&str]) -> SocketAddr {
        let mut command = Command::new(&self.pdserver);
        command.args(["door", "add", name, kind, "--listen", "127.0.0.1:0", "--to", "g.d"]).args(more);
        let output = command.arg("--socket").arg(self.socket()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let place = said.split_whitespace().last().unwrap_or_default();
        place.parse().unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The process of the door that was opened last.
    pub fn newest_door(&self) -> nix::unistd::Pid {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.server.id())).unwrap().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<i32> = lists
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect();
        let is_door =
            |pid: &&i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "pddoor\n");
        // Numbers of processes begin anew one day: the moment of the start decides.
        let began = |pid: &&i32| -> u64 {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let behind_the_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            behind_the_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
        };
        let newest = children.iter().filter(is_door).max_by_key(began).expect("a door has a process");
        nix::unistd::Pid::from_raw(*newest)
    }

    /// Throws every job away.
    pub fn empty(&self) {
        let mut command = Command::new(program("pdls"));
        command.env("PD_SOCKET", self.socket()).env_remove("PDBASE").args(["-U", "-r", "job-number", "-s", "line"]);
        let said = command.output().unwrap().stdout;
        let text = String::from_utf8_lossy(&said).into_owned();
        let numbers: Vec<&str> = text.lines().filter_map(|line| line.rsplit(" = ").next()).collect();
        for some in numbers.chunks(500) {
            self.spoolcom(&some.iter().map(|number| format!("JOB {number}, DELETE")).collect::<Vec<_>>().join("; "));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(self.server.id() as i32),
            nix::sys::signal::Signal::SIGTERM,
        );
        let _ = self.server.wait();
    }
}

fn connected(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn yes(stream: &mut TcpStream) {
    let mut octet = [9];
    stream.read_exact(&mut octet).unwrap();
    assert_eq!(octet, [0]);
}

/// Writes a job of so many octets. Each begins with a number of its own, so that none repeats another: a door announces what does,
/// and a peer does not look.
fn write_job(stream: &mut impl Write, octets: u64) {
    static BLOCK: OnceLock<Vec<u8>> = OnceLock::new();
    let block = BLOCK.get_or_init(|| (0..1 << 18).map(|n: u32| (n % 251) as u8).collect());
    stream.write_all(&number().to_be_bytes()).unwrap();
    let mut left = octets - 8;
    while left > 0 {
        let n = left.min(block.len() as u64) as usize;
        stream.write_all(&block[..n]).unwrap();
        left -= n as u64;
    }
}

/// A number that no job had before.
fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Sends a job by LPD, and waits until it is taken.
pub fn lpd(at: SocketAddr, queue: &str, octets: u64) {
    let mut stream = connected(at);
    let name = format!("{:03}host", number() % 1000);
    let control = format!("Hhost\nPann\nJtitle\nldfA{name}\nUdfA{name}\nNname\n");
    stream.write_all(format!("\x02{queue}\n").as_bytes()).unwrap();
    yes(&mut stream);
    stream.write_all(format!("\x02{} cfA{name}\n", control.len()).as_bytes()).unwrap();
    yes(&mut stream);
    stream.write_all(&[control.as_bytes(), &[0]].concat()).unwrap();
    yes(&mut stream);
    stream.write_all(format!("\x03{octets} dfA{name}\n").as_bytes()).unwrap();
    yes(&mut stream);
    write_job(&mut stream, octets);
    stream.write_all(&[0]).unwrap();
    yes(&mut stream);
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = stream.read(&mut [0]);
}

/// Sends a job by IPP, and waits until it is taken.
pub fn ipp(at: SocketAddr, uri: &str, octets: u64) {
    let mut group = Group::new(tag::OPERATION);
    group.add("attributes-charset", Value::Octets(tag::CHARSET, b"utf-8".to_vec()));
    group.add("attributes-natural-language", Value::Octets(tag::LANGUAGE, b"en".to_vec()));
    group.add("printer-uri", Value::uri(uri));
    group.add("requesting-user-name", Value::name("ann"));
    group.add("document-format", Value::mime("application/octet-stream"));
    let message = Message { head: Head { version: (1, 1), code: 2, id: 1 }, groups: vec![group] }.encode();
    let mut stream = connected(at);
    let path = uri.split_once("localhost").map_or("/", |(_, path)| path);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n",
        message.len() as u64 + octets
    );
    stream.write_all(&[head.as_bytes(), &message].concat()).unwrap();
    write_job(&mut stream, octets);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") || answer.len() < 40 {
        let n = stream.read(&mut piece).unwrap();
        assert!(n > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..n]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

/// Sends a job to a raw port, and waits until it is taken.
pub fn raw(at: SocketAddr, octets: u64) {
    let mut stream = connected(at);
    write_job(&mut stream, octets);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// A receiver that does nothing else: each connection becomes a file that is synced and named; then the connection is closed.
pub fn bare(dir: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, dir) = (listener.local_addr().unwrap(), dir.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let dir = dir.clone();
            std::thread::spawn(move || {
                let (mut stream, path) = (stream, dir.join(format!("bare{}", number())));
                let made = path.with_extension("new");
                let mut file = File::create(&made).unwrap();
                let mut block = vec![0; 64 * 1024];
                loop {
                    match stream.read(&mut block).unwrap() {
                        0 => break,
                        n => file.write_all(&block[..n]).unwrap(),
                    }
                }
                file.sync_all().unwrap();
                std::fs::rename(&made, &path).unwrap();
                File::open(&dir).unwrap().sync_all().unwrap();
                drop(stream);
                std::fs::remove_file(&path).unwrap();
            });
        }
    });
    at
}

/// CUPS' LPD, which a service manager starts for each connection; it hands its jobs to the CUPS at `socket`.
pub fn cups_lpd(socket: &Path) -> Option<SocketAddr> {
    let program = Path::new("/usr/lib/cups/daemon/cups-lpd");
    if !program.exists() {
        return None;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, socket) = (listener.local_addr().unwrap(), socket.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut command = Command::new(program);
            command.args(["-n", "-o", "document-format=application/octet-stream"]).env("CUPS_SERVER", &socket);
            command.stdin(std::os::fd::OwnedFd::from(stream.try_clone().unwrap()));
            command.stdout(std::os::fd::OwnedFd::from(stream)).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::spawn(move || child.wait());
        }
    });
    Some(at)
}
