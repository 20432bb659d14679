//! What a server costs: submissions through it, many readers beside them, and files that one server fetches from another.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "inside of what is timed an error has nowhere to go; a figure without it is none"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::ensure;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use spoolsuite::client::ServedSpool;
use spoolsuite::spool::interface::operations::Operations;

use super::server::{SUBMITTERS, Server, group, sixteen, submit};
use super::support::cups::Cups;
use super::support::printer::Printer;
use super::support::site::succeed;
use super::support::table::{Goal, Row, Table, Unit};
use super::support::{DEADLINE, Size, directory, document, fsync_p50, in_turn, median, seconds};

const OCTETS: usize = 64 << 10;

type Group = fn(Size, &mut Table) -> anyhow::Result<()>;

/// The groups of rows, by name.
const GROUPS: [(&str, Group); 6] = [
    ("submissions", submissions),
    ("slow-disk", slow_disk),
    ("crowd", crowd),
    ("pull", pull),
    ("release", super::release::measure),
    ("sealed", super::sealed::measure),
];

/// Measures these groups; all of them where none is named.
pub fn measure(size: Size, groups: &[String], table: &mut Table) -> anyhow::Result<()> {
    if let Some(unknown) = groups.iter().find(|word| !GROUPS.iter().any(|(name, _)| name == word)) {
        anyhow::bail!("no group of rows is called {unknown}: {:?}", GROUPS.map(|(name, _)| name));
    }
    let is_wanted = |name: &str| groups.is_empty() || groups.iter().any(|word| word == name);
    GROUPS.iter().filter(|(name, _)| is_wanted(name)).try_for_each(|(_, measure)| measure(size, table))
}

/// Submissions through the server.
fn submissions(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::new("acme1");
    server.spoolcom("DEV $WAITS, PROCESS $SPLA, URI null:; LOC #G.WAITS, DEV $WAITS");
    let file = document(server.dir.path(), "64k", OCTETS);
    let (rounds, times) = size.pick((1, 2), (7, 40));
    let fsync = fsync_p50(server.dir.path());

    let connections: Vec<Mutex<ServedSpool>> = (0..SUBMITTERS).map(|_| Mutex::new(server.connect())).collect();
    let ours = || sixteen(times, |n| submit(&mut connections[n].lock().unwrap(), &file, "g.waits"));
    // The same writes and syncs: the data, its name, and a page of a log that all append to.
    let data = std::fs::read(&file)?;
    let log = Mutex::new(File::create(server.path("bare-log"))?);
    let bare = std::fs::create_dir(server.path("bare")).map(|()| server.path("bare"))?;
    let count = AtomicU64::new(0);
    let loop_of_syncs = || {
        sixteen(times, |_| {
            let mut new = File::create(bare.join(count.fetch_add(1, Ordering::Relaxed).to_string())).unwrap();
            new.write_all(&data).unwrap();
            new.sync_all().unwrap();
            File::open(&bare).unwrap().sync_all().unwrap();
            let mut log = log.lock().unwrap();
            log.write_all(&data[..4096]).unwrap();
            log.sync_data().unwrap();
        })
    };
    let rates = in_turn(rounds, ours, loop_of_syncs);
    let what = "submissions of 64 KiB through the server, 16 connections";
    table.add(Row::ratio(what, Unit::PerSecond, rates, "a bare loop of writes and syncs", Goal::AtLeast(0.5), fsync));

    let cups = match Cups::start() {
        Ok(cups) => cups,
        Err(why) => {
            table.left_out("`pdpr` through the server against `lp`", &why);
            return Ok(());
        }
    };
    cups.queue("waits", "file:///dev/null", true);
    let pdpr = || {
        let mut command = server.command("pdpr");
        command.args(["-d", "g.waits"]).arg(&file);
        command
    };
    let each = size.pick(1, 12);
    let rates = in_turn(
        rounds,
        || sixteen(each, |_| succeed(&mut pdpr())),
        || sixteen(each, |_| succeed(&mut cups.lp("waits", &file))),
    );
    let what = "`pdpr` of 64 KiB through the server, 16 at once";
    table.add(Row::ratio(what, Unit::PerSecond, rates, "lp", Goal::AtLeast(3.0), fsync));
    let rates = in_turn(
        rounds,
        || ours_of(&connections, times, &file),
        || sixteen(each, |_| succeed(&mut cups.lp("waits", &file))),
    );
    let what = "the same from 16 programs that stay";
    table.add(Row::ratio(what, Unit::PerSecond, rates, "lp", Goal::AtLeast(3.0), fsync));
    let jobs = size.pick(2, 40);
    let one =
        |command: &dyn Fn() -> Command| seconds(|| (0..jobs).for_each(|_| succeed(&mut command()))) / f64::from(jobs);
    let times = in_turn(rounds, || one(&pdpr), || one(&|| cups.lp("waits", &file)));
    table.add(Row::ratio("`pdpr` of 64 KiB through the server", Unit::Seconds, times, "lp", Goal::AtMost(0.45), fsync));
    Ok(())
}

fn ours_of(connections: &[Mutex<ServedSpool>], times: usize, file: &Path) -> f64 {
    sixteen(times, |n| submit(&mut connections[n].lock().unwrap(), file, "g.waits"))
}

/// The same where each sync of the server takes 4 ms more.
fn slow_disk(size: Size, table: &mut Table) -> anyhow::Result<()> {
    slower(size, table, directory(), "each sync 4 ms slower")?;
    match tempfile::tempdir_in("/dev/shm") {
        Ok(dir) => slower(size, table, dir, "each sync takes 4 ms (files in memory)"),
        Err(_) => {
            table.left_out("a disk whose syncs take 4 ms", "needs a file system in memory, /dev/shm");
            Ok(())
        }
    }
}

fn slower(size: Size, table: &mut Table, dir: tempfile::TempDir, how: &str) -> anyhow::Result<()> {
    let mut server = Server::within(dir, "acme1");
    server.spoolcom("DEV $WAITS, PROCESS $SPLA, URI null:; LOC #G.WAITS, DEV $WAITS");
    server.stop();
    let library = server.path("slow.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/faults/slow.c");
    let compiler =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    if !compiler.is_ok_and(|status| status.success()) {
        table.left_out("a disk whose syncs take 4 ms more", "needs a C compiler, cc");
        return Ok(());
    }
    server.env = vec![("LD_PRELOAD", library), ("SLOW_PROGRAM", "pdserver".into()), ("SLOW_MS", "4".into())];
    server.start();
    let file = document(server.dir.path(), "5k", 5_000);
    let connections: Vec<Mutex<ServedSpool>> = (0..SUBMITTERS).map(|_| Mutex::new(server.connect())).collect();
    let fsync = fsync_p50(server.dir.path());
    let rates = (0..size.pick(1, 5)).map(|_| ours_of(&connections, size.pick(2, 100), &file)).collect();
    let what = format!("submissions of 5 KB, 16 connections, {how}");
    table.add(Row::limit(&what, Unit::PerSecond, median(rates), None, Goal::AtLeast(1_000.0), fsync));
    Ok(())
}

/// 10,000 devices, 64 readers that ask for a page of 50 each second, and 300 jobs a second that arrive.
fn crowd(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let (devices, readers, rate, lasts) = size.pick((60, 4, 20, 1), (10_000, 64, 300, 20));
    let server = Server::new("acme1");
    let mut commands = String::new();
    for n in 0..devices {
        commands.push_str(&format!("DEV $D{n}, PROCESS $SPLA, URI null:\n"));
    }
    commands.push_str("LOC #G.WAITS, DEV $D0\n");
    server.spoolcom(&commands);
    let file = document(server.dir.path(), "5k", 5_000);
    let fsync = fsync_p50(server.dir.path());
    let over = AtomicBool::new(false);
    let (took, pages) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..readers {
            let (server, over, pages) = (&server, &over, &pages);
            scope.spawn(move || {
                let mut spool = server.connect();
                let mut after = None;
                // They do not ask all at once.
                let mut next = begun + Duration::from_millis(1000 * n / readers);
                while !over.load(Ordering::SeqCst) {
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    next += Duration::from_secs(1);
                    let page = spool.devices(after.take()).unwrap();
                    pages.fetch_add(1, Ordering::Relaxed);
                    after = page.get(49).map(|device| device.name.clone());
                }
            });
        }
        std::thread::scope(|senders| {
            for n in 0..SUBMITTERS {
                let (server, file, took) = (&server, &file, &took);
                senders.spawn(move || {
                    let mut spool = server.connect();
                    let mut mine = Vec::new();
                    for job in (n..rate * lasts).step_by(SUBMITTERS) {
                        let due = begun + Duration::from_secs_f64(job as f64 / rate as f64);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        // From when it was due: a sender that waits for the one before is late, too.
                        submit(&mut spool, file, "g.waits");
                        mine.push(due.elapsed().as_secs_f64());
                    }
                    took.lock().unwrap().extend(mine);
                });
            }
        });
        over.store(true, Ordering::SeqCst);
    });
    let mut took = took.into_inner()?;
    took.sort_by(f64::total_cmp);
    let p99 = took[took.len() * 99 / 100];
    let what = format!(
        "slowest hundredth of {rate} submissions a second, {devices} devices, {readers} readers ({} pages)",
        pages.into_inner()
    );
    table.add(Row::limit(
        &what,
        Unit::Seconds,
        p99,
        Some((median(took), "the middle one")),
        Goal::AtMost(0.050),
        fsync,
    ));
    Ok(())
}

/// Files that one server fetches from another.
fn pull(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let octets = size.pick(4 << 20, 1 << 30);
    let [near, far] = group(["acme1", "acme2"]);
    let printer = Printer::new();
    far.spoolcom(&format!("DEV $LP1, PROCESS $SPLA, URI {}, HEADER OFF; DEV $LP1, START", printer.uri()));
    // They hear of each other after a moment.
    let end = Instant::now() + DEADLINE;
    while !near.command("spoolcom").arg("LOC #Q.A, DEV \\acme2.$LP1").output()?.status.success() {
        ensure!(Instant::now() < end, "the servers do not find each other: {} {}", near.log(), far.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let file = document(near.dir.path(), "large", usize::try_from(octets)?);
    let fsync = fsync_p50(near.dir.path());
    let (mut first, mut all) = (Vec::new(), Vec::new());
    let ours = || {
        printer.expect(octets);
        // A link is always fetched, also where the file could be read in place.
        let mut command = near.command("pdpr");
        succeed(command.args(["-l", "-d", "q.a"]).arg(&file));
        let (begins, ends) = printer.wait();
        let db = far.database();
        let claimed: i64 =
            db.query_row("SELECT max(at_ms) FROM event WHERE what = 'claimed'", [], |row| row.get(0)).unwrap();
        let since = |at: Instant| {
            let wall = SystemTime::now() - at.elapsed();
            let wall = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
            wall - claimed as f64 / 1e3
        };
        first.push(since(begins));
        all.push(since(ends));
        // It has to have left both servers before the next one.
        let empty = |server: &Server| {
            let end = Instant::now() + DEADLINE;
            let db = server.database();
            while db.query_row("SELECT EXISTS (SELECT 1 FROM job)", [], |row| row.get::<_, bool>(0)).unwrap() {
                assert!(Instant::now() < end, "the job does not end: {}", server.log());
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        empty(&far);
        empty(&near);
        all.last().copied().unwrap_or_default()
    };
    let copy = near.path("bare-copy");
    let (ours, bare) = in_turn(size.pick(1, 5), ours, || bare_tls(&file, &copy));
    let gib = octets as f64 / f64::from(1 << 30);
    let what = format!("a file of {gib:.2} GiB fetched from another server and printed, from its claim");
    let rates = (gib / ours, gib / bare);
    table.add(Row::ratio(&what, Unit::GibPerSecond, rates, "a bare copy by TLS", Goal::AtLeast(0.7), fsync));
    let what = "its first octet at the printer, from its claim";
    table.add(Row::limit(what, Unit::Seconds, median(first), None, Goal::AtMost(0.050), fsync));
    Ok(())
}

/// Copies a file by TLS 1.3 over the loopback; the seconds that it takes, its sync included.
fn bare_tls(file: &Path, copy: &Path) -> f64 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let versions = &[&rustls::version::TLS13];
    let serving = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let serving = serving.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let asking = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let asking = asking.with_root_certificates(roots).with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut from = File::open(file).unwrap();
    let sender = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(serving)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let n = from.read(&mut buffer).unwrap();
            if n == 0 {
                break;
            }
            stream.write_all(&buffer[..n]).unwrap();
        }
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let took = seconds(|| {
        let connection = ClientConnection::new(Arc::new(asking), "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let mut to = File::create(copy).unwrap();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let n = stream.read(&mut buffer).unwrap();
            if n == 0 {
                break;
            }
            to.write_all(&buffer[..n]).unwrap();
        }
        to.sync_all().unwrap();
    });
    sender.join().unwrap();
    std::fs::remove_file(copy).unwrap();
    took
}
