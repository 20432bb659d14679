//! Printers that take whatever comes and throw it away, and the bare loops that send to them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, SpliceFFlags, fcntl, splice};
use nix::sys::socket::{Backlog, listen};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use spoolsuite::sys::files::send_file;

use super::DEADLINE;

#[derive(Default)]
struct Seen {
    octets: AtomicU64,
    connections: AtomicU64,
    over: AtomicBool,
    /// When the first and the last octet so far came.
    times: Mutex<(Option<Instant>, Option<Instant>)>,
    /// How many octets are expected.
    wanted: AtomicU64,
    reached: Condvar,
}

/// A printer at one port that takes any number of connections, a thread for each, and counts octets.
pub struct Printer {
    pub port: u16,
    seen: Arc<Seen>,
}

impl Printer {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // A thousand devices may connect at once.
        listen(&listener, Backlog::new(4096).unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen { wanted: AtomicU64::new(u64::MAX), ..Seen::default() });
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let seen = Arc::clone(&shared);
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let reader = std::thread::Builder::new().stack_size(128 * 1024);
                reader.spawn(move || read_all(stream, &seen)).unwrap();
            }
        });
        Self { port, seen }
    }

    /// Its address as a device has it.
    pub fn uri(&self) -> String {
        format!("socket://127.0.0.1:{}", self.port)
    }

    /// Counts from zero again, and expects so many octets.
    pub fn expect(&self, octets: u64) {
        *self.seen.times.lock().unwrap() = (None, None);
        self.seen.octets.store(0, Ordering::SeqCst);
        self.seen.wanted.store(octets, Ordering::SeqCst);
    }

    pub fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Waits until what is expected has come. When the first and the last octet of it came.
    #[track_caller]
    pub fn wait(&self) -> (Instant, Instant) {
        let until = Instant::now() + DEADLINE;
        let mut times = self.seen.times.lock().unwrap();
        loop {
            if let (Some(first), Some(last)) = *times {
                return (first, last);
            }
            let left = until.saturating_duration_since(Instant::now());
            let [came, wanted] = [&self.seen.octets, &self.seen.wanted].map(|n| n.load(Ordering::SeqCst));
            assert!(!left.is_zero(), "{came} of {wanted} octets reached the printer");
            times = self.seen.reached.wait_timeout(times, left.min(Duration::from_secs(1))).unwrap().0;
        }
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn read_all(mut stream: TcpStream, seen: &Seen) {
    // On the heap and no larger than a socket's usual buffer: a thousand of these read at once.
    let mut buffer = vec![0; 128 * 1024];
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 {
            return;
        }
        let before = seen.octets.fetch_add(n as u64, Ordering::SeqCst);
        let wanted = seen.wanted.load(Ordering::SeqCst);
        if before == 0 || before + n as u64 >= wanted {
            let mut times = seen.times.lock().unwrap();
            let now = Instant::now();
            times.0.get_or_insert(now);
            if before + n as u64 >= wanted {
                times.1.get_or_insert(now);
                seen.reached.notify_all();
            }
        }
    }
}

/// A way to hand a file over: the printer's port, the file, and how many octets of it.
pub type Way = fn(u16, &File, u64);

/// Connects, sends so many octets of the file the way `send` does, closes, and waits for the printer to close.
/// `send(stream, offset, left)` says how many it sent.
fn bare(port: u16, octets: u64, mut send: impl FnMut(&TcpStream, u64, u64) -> u64) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut done = 0;
    while done < octets {
        let n = send(&stream, done, octets - done);
        assert!(n > 0, "the file is shorter than {octets}");
        done += n;
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = (&stream).read(&mut [0; 16]);
}

/// The bare loop: `sendfile` alone.
pub fn bare_sendfile(port: u16, file: &File, octets: u64) {
    bare(port, octets, |stream, done, left| send_file(stream.as_fd(), file, done, left).unwrap());
}

/// The same in pieces of 64 KiB.
pub fn bare_pieces(port: u16, file: &File, octets: u64) {
    bare(port, octets, |stream, done, left| send_file(stream.as_fd(), file, done, left.min(64 << 10)).unwrap());
}

/// Reads and writes, 256 KiB at once.
pub fn bare_write(port: u16, file: &File, octets: u64) {
    let mut buffer = vec![0; 256 << 10];
    bare(port, octets, |mut stream, done, left| {
        let most = buffer.len().min(usize::try_from(left).unwrap());
        let n = file.read_at(&mut buffer[..most], done).unwrap();
        stream.write_all(&buffer[..n]).unwrap();
        n as u64
    });
}

/// `splice` through a pipe of 1 MiB.
pub fn bare_splice(port: u16, file: &File, octets: u64) {
    let (out, into) = nix::unistd::pipe().unwrap();
    let size = fcntl(&into, FcntlArg::F_SETPIPE_SZ(1 << 20)).map_or(64 << 10, |size| usize::try_from(size).unwrap());
    bare(port, octets, |stream, done, left| {
        let mut offset = i64::try_from(done).unwrap();
        let most = size.min(usize::try_from(left).unwrap());
        let n = splice(file, Some(&mut offset), &into, None, most, SpliceFFlags::empty()).unwrap();
        let mut sent = 0;
        while sent < n {
            sent += splice(&out, None, stream, None, n - sent, SpliceFFlags::SPLICE_F_MORE).unwrap();
        }
        n as u64
    });
}

/// Processor time of this thread so far, in seconds.
pub fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// Processor time of a process so far, in seconds.
pub fn process_cpu(pid: Pid) -> f64 {
    let time = clock_gettime(clock_getcpuclockid(pid).unwrap()).unwrap();
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// Memory of a process that nobody shares with it, in KiB.
pub fn private_kib(pid: Pid) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum()
}

/// Lets this process have as many open files as the system allows.
pub fn raise_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
}
