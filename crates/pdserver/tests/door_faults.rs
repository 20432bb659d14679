//! What goes wrong at a door, and who attacks there: a full disk, a sender that dies at any octet, crowds that say nothing, a server that
//! is killed between the last octet and the acknowledgement; names, links and commands that mean harm.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use spoolsuite::wire::ipp::Value;

use super::doors::{GOOD, Sender, backend, control, finish, installed, put, send, site, text, watched};
use super::ipp::{Client, FRONT, PRINT_JOB, asks, posted, with};
use super::support::{ANN, BOB, DEADLINE, Machine, OPERATOR, SERVER};

/// A connection that comes from another address of this machine.
fn connected_from(last: u8, to: SocketAddr) -> TcpStream {
    let SocketAddr::V4(to) = to else { panic!("{to}") };
    let made = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let own = Ipv4Addr::new(127, 0, 0, last);
    bind(made.as_raw_fd(), &SockaddrIn::from(std::net::SocketAddrV4::new(own, 0))).unwrap();
    connect(made.as_raw_fd(), &SockaddrIn::from(to)).unwrap();
    TcpStream::from(made)
}

/// Sends a job over this connection, and waits for its acknowledgement.
fn send_over(stream: TcpStream, title: &str) {
    let (mut sender, answer) = Sender::over(stream, "office.front");
    assert_eq!(answer, Some(0), "{title}");
    assert_eq!(sender.file(2, "cfA001hosta", control(title, &["dfA001hosta"]).as_bytes()), GOOD);
    assert_eq!(sender.file(3, "dfA001hosta", b"octets\n"), GOOD);
    finish(sender);
}

/// The files of jobs in the directory of the server.
fn copies(machine: &Machine) -> usize {
    let files = std::fs::read_dir(machine.path("base/acme1")).unwrap().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with("pdpr")).count()
}

/// A small file system below a spool, which only this thread and its children see.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> bool {
        let options = format!("size=24m,mode=0700,uid={SERVER},gid={SERVER}");
        let made = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>))
            .and_then(|()| mount(Some("small"), at, Some("tmpfs"), MsFlags::empty(), Some(options.as_str())));
        if let Err(error) = &made {
            eprintln!("SKIPPED: a small file system cannot be mounted here ({error}); run this test as root");
        }
        made.is_ok()
    }

    fn machine() -> Option<(Machine, Self)> {
        let machine = Machine::prepared(Self::mount)?;
        machine.declare();
        let disk = Self(machine.path("base"));
        Some((machine, disk))
    }

    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while match filler.write(&vec![b'f'; size]) {
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::StorageFull => false,
                Err(error) => panic!("{error}"),
            } {}
        }
    }

    fn empty(&self) {
        // Cut first: a program that another test starts in this moment may hold what was open here, for a moment.
        drop(std::fs::File::create(self.0.join("filler")).unwrap());
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

#[test]
fn vector_21_a_disk_that_is_full_in_the_middle_of_a_job_is_told_and_leaves_nothing() {
    let Some((machine, disk)) = SmallDisk::machine() else { return };
    let lpd = machine.add_door("lpd1", "lpd", &[]);
    let raw = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    // A file that is larger than the disk is refused before its data.
    let mut sender = Sender::open(lpd, "office.front");
    assert_eq!(sender.file(2, "cfA001h", control("t", &["dfA001h"]).as_bytes()), GOOD);
    sender.0.write_all(b"\x0360000000 dfA001h\n").unwrap();
    assert_eq!(sender.answer(), Some(2), "{}", machine.log());
    // There was room when the file began, and there is none when it comes.
    for line in ["\x03400000 dfA001h\n", "\x03125899906843000 dfA001h\n"] {
        let mut sender = Sender::open(lpd, "office.front");
        assert_eq!(sender.file(2, "cfA001h", control("t", &["dfA001h"]).as_bytes()), GOOD);
        sender.0.write_all(line.as_bytes()).unwrap();
        assert_eq!(sender.answer(), Some(0), "{}", machine.log());
        disk.fill();
        // It stops reading where the disk is full.
        let _ = sender.0.write_all(&[b'x'; 400_000]);
        assert_eq!(sender.answer(), Some(2), "{}", machine.log());
        disk.empty();
    }
    machine.wait_for("they are counted", || machine.shown("lpd1", "door-jobs-refused") == "3");
    assert!(machine.shown("lpd1", "door-last-refusal").contains("no room"), "{}", machine.log());

    // A raw port has one no only: a reset. An orderly end would be a yes.
    let mut stream = TcpStream::connect(raw).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"the beginning\n").unwrap();
    let error = (0..64).find_map(|_| stream.write_all(&[b'x'; 1 << 20]).err()).expect("64 MiB fit into 24");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    machine.wait_for("it is counted", || machine.shown("raw1", "door-jobs-refused") == "1");
    let socket = "/usr/lib/cups/backend/socket";
    if installed(socket) {
        let file = machine.path("large");
        std::fs::write(&file, vec![b'x'; 40_000_000]).unwrap();
        let words = ["1", "ann", "t", "1", "", file.to_str().unwrap()];
        assert_ne!(backend(&machine, socket, &format!("socket://{raw}"), &words, None).status, 0);
    }

    // IPP has a status for it: while it lasts, and where it fills up on the way.
    let ipp = machine.add_door("ipp1", "ipp", &[]);
    let temporary = |octets: usize, filled: bool| {
        let whole = posted(&asks(PRINT_JOB, FRONT, "ann"), &vec![b'x'; octets]);
        let (head, rest) = whole.split_at(whole.len() - octets + 14);
        let mut client = Client::new(ipp);
        client.0.write_all(head).unwrap();
        if filled {
            machine.wait_for("it has a file", || copies_open(&machine));
            disk.fill();
        }
        let _ = client.0.write_all(rest);
        let answer = client.message().expect("an answer");
        if filled {
            disk.empty();
        }
        answer.head.code
    };
    assert_eq!(temporary(400_000, true), 0x0505, "{}", machine.log());

    // Nothing is left of them, and with room everything goes on by itself.
    assert!(machine.jobs().is_empty(), "{:#?}", machine.jobs());
    assert_eq!(copies(&machine), 0);
    send(lpd, "office.front", "after", &[b'x'; 400_000]);
    let mut stream = TcpStream::connect(raw).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(&[b'x'; 400_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(machine.jobs().len(), 2);
    drop(disk);
}

/// Whether a process of a door has a file of the spool open.
fn copies_open(machine: &Machine) -> bool {
    let base = machine.path("base");
    let of = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).ok();
    let doors = door_processes(machine);
    doors.into_iter().filter_map(of).flatten().flatten().any(|fd| {
        std::fs::read_link(fd.path()).is_ok_and(|link| link.starts_with(&base) && link.to_string_lossy().contains('#'))
    })
}

#[test]
fn a_raw_job_that_is_reset_at_any_octet_leaves_nothing() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    let octets = b"\x1b%-12345X@PJL JOB NAME=\"cut\"\r\noctets\x1b%-12345X";
    for cut in 1..=octets.len() {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(&octets[..cut]).unwrap();
        Sender(stream).reset();
    }
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(octets).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let wanted = octets.len().to_string();
    machine.wait_for("all are counted", || machine.shown("raw1", "door-jobs-unfinished") == wanted);
    assert_eq!(machine.titles(), ["cut"]);
    assert_eq!(copies(&machine), 1);
}

/// The process of the only door.
fn door_process(machine: &Machine) -> u32 {
    door_processes(machine).into_iter().next().expect("no process of the door")
}

/// The processes of all doors.
fn door_processes(machine: &Machine) -> Vec<u32> {
    let server = machine.server.as_ref().unwrap().id();
    let children = |tasks: std::fs::ReadDir| {
        let lists = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let found = children(std::fs::read_dir(format!("/proc/{server}/task")).unwrap());
    let is_door =
        |pid: &&String| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "pddoor\n");
    found.iter().filter(is_door).filter_map(|pid| pid.parse().ok()).collect()
}

/// Connections that say nothing; `PD_IDLE_CONNECTIONS` says how many, 2,000 by default.
#[test]
fn vector_24_crowds_that_say_nothing_delay_nobody() {
    let Some(machine) = site() else { return };
    spoolsuite::sys::limits::raise_open_files().unwrap();
    let all: usize = std::env::var("PD_IDLE_CONNECTIONS").ok().map_or(2_000, |n| n.parse().unwrap());
    let at = machine.add_door("lpd1", "lpd", &["--max-per-peer", "800"]);
    let process = door_process(&machine);
    let descriptors = || std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    send(at, "office.front", "before", b"octets\n");
    let before = descriptors();
    // The newest 1,000 are kept: 800 sleep inside, and those that are too many are told so or reset.
    let mut crowd = std::collections::VecDeque::new();
    let mut sent = 1;
    for n in 0..all {
        crowd.push_back(TcpStream::connect(at).unwrap());
        if crowd.len() > 1_000 {
            crowd.pop_front();
        }
        if n % (all / 20).max(1) == 0 {
            send_over(connected_from(2, at), &format!("beside {n}"));
            sent += 1;
        }
    }
    assert_eq!(machine.jobs().len(), sent);
    assert_eq!(door_process(&machine), process, "{}", machine.log());
    drop(crowd);
    // The door keeps channels to the server that it has needed: 32 at most.
    machine.wait_for("their descriptors are given back", || descriptors() <= before + 32);
    machine.wait_for("those that were too many are counted", || {
        machine.shown("lpd1", "door-connections-refused").parse::<u64>().is_ok_and(|n| n > 0)
    });
    send(at, "office.front", "after", b"octets\n");
    assert_eq!(machine.jobs().len(), sent + 1);
}

/// Kills what `point` names between the last octet and the acknowledgement, and has `attempt` try again until it succeeds: one job, or
/// the second is announced.
fn tries_again(machine: &mut Machine, point: &str, door: &str, at: SocketAddr, attempt: &dyn Fn() -> bool) {
    let before = machine.jobs().len();
    machine.stop();
    machine.start_with(&[("PD_FAULT", Path::new(point))]);
    machine.door(&["set", door, "--listen", &at.to_string()]).expect(0);
    machine.wait_for("it listens", || crate::doors::listens(at));
    assert!(!attempt(), "{point}: {}", machine.log());
    let mut server = machine.server.take().unwrap();
    if point.starts_with("door-") {
        server.kill().unwrap();
    }
    server.wait().unwrap();
    machine.start();
    let end = Instant::now() + DEADLINE;
    while !crate::doors::listens(at) || !attempt() {
        assert!(Instant::now() < end, "{point}: {}", machine.log());
        std::thread::yield_now();
    }
    let jobs = machine.jobs();
    let new: Vec<String> = jobs[before..].iter().map(|job| text(job, "job-number")).collect();
    let committed = matches!(point, "after-commit" | "door-submitted");
    assert_eq!(new.len(), 1 + usize::from(committed), "{point}: {jobs:#?}");
    for number in &new {
        let history = machine.history(number).to_lowercase();
        assert_eq!(history.contains("duplicate"), committed, "{point}: {history}");
    }
}

const BETWEEN: [&str; 4] = ["door-received", "before-commit", "after-commit", "door-submitted"];

#[test]
fn vector_23_whoever_sends_again_by_lpd_gets_one_job_or_an_announcement_whoever_dies() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    for point in BETWEEN {
        let title = format!("sent at {point}");
        let attempt = || {
            let (mut sender, answer) = Sender::new(at, "office.front");
            answer == Some(0)
                && sender.file(2, "cfA001hosta", control(&title, &["dfA001hosta"]).as_bytes()) == GOOD
                && sender.file(3, "dfA001hosta", b"octets\n") == GOOD
        };
        tries_again(&mut machine, point, "lpd1", at, &attempt);
    }
}

#[test]
fn vector_23_whoever_sends_again_to_a_raw_port_gets_one_job_or_an_announcement_whoever_dies() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    for point in BETWEEN {
        let octets = format!("sent at {point}\n");
        let attempt = || {
            let Ok(mut stream) = TcpStream::connect(at) else { return false };
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            // An orderly end is the acknowledgement.
            stream.write_all(octets.as_bytes()).is_ok()
                && stream.shutdown(Shutdown::Write).is_ok()
                && stream.read(&mut [0]).is_ok_and(|n| n == 0)
        };
        tries_again(&mut machine, point, "raw1", at, &attempt);
    }
}

#[test]
fn vector_23_whoever_prints_again_by_ipp_gets_one_job_or_an_announcement_whoever_dies() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    for point in BETWEEN {
        let request = with(asks(PRINT_JOB, FRONT, "ann"), "job-name", Value::name(&format!("sent at {point}")));
        let octets = posted(&request, b"octets\n");
        let attempt = || {
            let Ok(stream) = TcpStream::connect(at) else { return false };
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            let mut client = Client(stream);
            client.0.write_all(&octets).is_ok() && client.message().is_some_and(|answer| answer.head.code == 0)
        };
        tries_again(&mut machine, point, "ipp1", at, &attempt);
    }
}

/// 500 senders who have sent a part and go on when they like; one who has it all waits for none of them.
#[test]
fn vector_24_a_fast_sender_waits_for_no_slow_one_at_any_door() {
    let Some(machine) = site() else { return };
    spoolsuite::sys::limits::raise_open_files().unwrap();
    let more = ["--to", "office.front", "--max-per-peer", "600"];
    let ipp = machine.add_door("ipp1", "ipp", &more);
    let raw = machine.add_door("raw1", "raw", &more);
    let whole = posted(&asks(PRINT_JOB, FRONT, "ann"), b"octets\n");
    let mut slow: Vec<(TcpStream, bool)> = Vec::new();
    for n in 0..500 {
        for (at, is_raw) in [(ipp, false), (raw, true)] {
            let mut stream = TcpStream::connect(at).unwrap();
            let part = if is_raw { &b"a part"[..] } else { &whole[..whole.len() - 1 - n % 90] };
            stream.write_all(part).unwrap();
            slow.push((stream, is_raw));
        }
    }
    for n in 0..20 {
        let request = with(asks(PRINT_JOB, FRONT, "ann"), "job-name", Value::name(&format!("fast {n}")));
        let mut client = Client::new(ipp);
        client.0.write_all(&posted(&request, b"octets\n")).unwrap();
        assert_eq!(client.message().unwrap().head.code, 0);
        let mut stream = TcpStream::connect(raw).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(format!("fast {n}\n").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(machine.jobs().len(), 40);
    // The slow ones still can.
    for (mut stream, is_raw) in slow.drain(..4) {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        if is_raw {
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
    }
    machine.wait_for("they are jobs", || machine.jobs().len() == 42);
    slow.into_iter().for_each(|(stream, _)| Sender(stream).reset());
    machine.wait_for("the others are counted", || {
        let count = |door: &str| machine.shown(door, "door-jobs-unfinished").parse::<u64>().unwrap_or(0);
        count("raw1") == 498
    });
    assert_eq!(machine.jobs().len(), 42);
}

/// Types one line at a door, and reads what it says.
fn ask(stream: TcpStream, line: &str) -> String {
    let mut stream = stream;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(line.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn lprm_reaches_only_what_came_by_that_door_from_that_user_and_host() {
    let Some(machine) = site() else { return };
    let trusting = ["--trust-users", "127.0.0.0/8"];
    let at = machine.add_door("lpd1", "lpd", &trusting);
    let other = machine.add_door("lpd2", "lpd", &trusting);
    // 1: what it may reach. 2: another door. 3: another host. 4: another user, whose name begins with hers. 5: a job of `pdpr`.
    send(at, "office.front", "hers", b"octets 1\n");
    send(other, "office.front", "by another door", b"octets 2\n");
    send_over(connected_from(3, at), "from another host");
    let mut sender = Sender::open(at, "office.front");
    assert_eq!(sender.file(2, "cfA001hosta", b"Hhosta\nPann@hosta\nJof another user\nldfA001hosta\n"), GOOD);
    assert_eq!(sender.file(3, "dfA001hosta", b"octets 4\n"), GOOD);
    finish(sender);
    let letter = machine.file(BOB, "note", "a note\n", 0o600);
    machine.run(BOB, "pdpr", &["-d", "office.front", "-t", "of Bob", &letter]).expect(0);
    assert_eq!(machine.titles(), ["hers", "by another door", "from another host", "of another user", "of Bob"]);

    let lprm = |line: &str| ask(TcpStream::connect(at).unwrap(), line);
    for number in 2..=5 {
        assert_eq!(lprm(&format!("\x05office.front ann {number}\n")), "Permission denied\n", "job {number}");
    }
    // One that is refused spoils the whole request: nothing of it is done.
    assert_eq!(lprm("\x05office.front ann 1 2\n"), "Permission denied\n");
    for agent in ["root", "ANN", "ann@hosta", "*", "../ann", "ann\u{0}x", "%s"] {
        assert_eq!(lprm(&format!("\x05office.front {agent} 1\n")), "Permission denied\n", "{agent}");
    }
    for words in ["bob", "-", "all", "1;2", "0", "99999999999999999999"] {
        assert_eq!(machine.jobs().len(), 5, "{}", lprm(&format!("\x05office.front ann {words}\n")));
    }
    assert_eq!(machine.jobs().len(), 5);
    // Named by nobody, the first of hers is meant, and never one of the others.
    assert_eq!(lprm("\x05office.front ann\n"), "1 dequeued\n");
    assert_eq!(lprm("\x05office.front ann\n"), "0 dequeued\n");
    assert_eq!(lprm("\x05office.front ann ann\n"), "0 dequeued\n");
    assert_eq!(machine.titles(), ["by another door", "from another host", "of another user", "of Bob"]);
    // A door that trusts nobody removes nothing.
    machine.door(&["set", "lpd2", "--trust-users", "10.0.0.0/8"]).expect(0);
    machine.wait_for("the new setting holds", || {
        TcpStream::connect(other).is_ok_and(|at| ask(at, "\x05office.front ann 2\n") == "Permission denied\n")
    });
    assert_eq!(machine.jobs().len(), 4);
    // An operator has given her job to somebody else: it is his, and he did not send it.
    send(at, "office.front", "given", b"octets 6\n");
    machine.run(OPERATOR, "spoolcom", &["JOB 6, HOLD; JOB 6, OWNER nobody"]).expect(0);
    assert_eq!(lprm("\x05office.front nobody 6\n"), "Permission denied\n");
    assert_eq!(lprm("\x05office.front ann 6\n"), "0 dequeued\n");
    assert_eq!(machine.jobs().len(), 5);
    // What has ended and is kept is no job of a queue any more.
    send(at, "office.front", "kept", b"octets 7\n");
    let job = machine.jobs().into_iter().find(|job| text(job, "job-name") == "kept").unwrap();
    let id = text(&job, "job-identifier");
    machine.run(OPERATOR, "pdset", &["-c", "job", "-x", "job-retention-period=60", &id]).expect(0);
    machine.run(OPERATOR, "pdrm", &[&id]).expect(0);
    let kept = || machine.jobs().iter().any(|job| text(job, "current-job-state") == "retained");
    assert!(kept(), "{:#?}", machine.jobs());
    assert_eq!(lprm("\x05office.front ann\n"), "0 dequeued\n");
    assert!(kept());
}

#[test]
fn what_stands_in_a_watched_directory_is_never_read_through_a_link() {
    let Some(machine) = site() else { return };
    let dir = watched(&machine);
    // What only the server can read, and what is outside.
    let secret = machine.file(SERVER, "secret", "keys of the server\n", 0o600);
    let outside = machine.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::set_permissions(&outside, PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::copy(&secret, outside.join("copy")).unwrap();
    let place = dir.to_str().unwrap();
    machine
        .door(&["add", "dir1", "dir", "--directory", place, "--to", "office.front", "--settle", "0", "--poll", "1"])
        .expect(0);
    // A link to a file, one to a directory, a directory with a link in it, a second name, a pipe.
    let made = machine.path("made");
    std::fs::create_dir(&made).unwrap();
    symlink(&secret, made.join("inside")).unwrap();
    std::fs::set_permissions(&made, PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::rename(&made, dir.join("directory")).unwrap();
    symlink(&secret, dir.join("link")).unwrap();
    symlink(&outside, dir.join("way out")).unwrap();
    std::fs::hard_link(&secret, dir.join("second name")).unwrap();
    nix::unistd::mkfifo(&dir.join("pipe"), nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
    // Attributes through a link, and attributes that are nobody's to give.
    symlink(&secret, dir.join("one.att")).unwrap();
    put(&machine, &dir, "one", b"x\n");
    put(&machine, &dir, "two.att", b"received-from=lpd1 127.0.0.1\n");
    put(&machine, &dir, "two", b"x\n");
    let refused = ["directory", "link", "way out", "second name", "pipe", "one", "two"];
    machine.wait_for("all failed", || {
        refused.iter().all(|name| dir.join("failed").join(format!("{name}.reason")).exists())
    });
    assert!(machine.jobs().is_empty(), "{:#?}", machine.jobs());
    for name in refused {
        let reason = std::fs::read_to_string(dir.join("failed").join(format!("{name}.reason"))).unwrap();
        assert!(!reason.contains("keys of"), "{reason}");
    }
    // Names are texts: none is a path, an option or a line of a log. A side file makes nobody root.
    put(&machine, &dir, "-rf", b"octets of -rf\n");
    put(&machine, &dir, "two\nlines\u{1b}[31m", b"octets of two\n");
    put(&machine, &dir, "%2e.%2f..%2fetc", b"octets of etc\n");
    put(&machine, &dir, "root.att", b"job-owner=root\n");
    put(&machine, &dir, "root", b"octets of root\n");
    machine.wait_for("four jobs", || machine.jobs().len() == 4);
    let jobs = machine.jobs();
    for job in &jobs {
        let (title, owner) = (text(job, "job-name"), text(job, "job-owner"));
        assert!(!title.contains(['\n', '\u{1b}', '/']), "{title:?}");
        assert_eq!(owner, if title == "root" { "root".to_owned() } else { ANN.to_string() });
    }
    // A job of the owner root is a job of nobody: it has no rights, and Ann, whose file it was, has none in it.
    let number = jobs.iter().find(|job| text(job, "job-name") == "root").map(|job| text(job, "job-number")).unwrap();
    assert_ne!(machine.run(ANN, "spoolcom", &[&format!("JOB {number}, DELETE")]).status, 0);
    assert!(!machine.log().contains('\u{1b}'));

    // Somebody has put a link where claimed files go: what is outside stays as it is, and no file is lost.
    machine.door(&["drain", "dir1"]).expect(0);
    std::fs::remove_dir_all(dir.join(".work")).unwrap();
    symlink(&outside, dir.join(".work")).unwrap();
    put(&machine, &dir, "waits", b"octets that wait\n");
    machine.door(&["start", "dir1"]).expect(0);
    machine.wait_for("it says so", || machine.log().contains("Permission denied"));
    assert!(outside.join("copy").exists() && std::fs::read_dir(&outside).unwrap().count() == 1);
    std::fs::remove_file(dir.join(".work")).unwrap();
    machine.wait_for("it is taken then", || machine.jobs().len() == 5);
}

#[test]
fn a_marker_says_that_a_file_is_whole() {
    let Some(machine) = site() else { return };
    let dir = watched(&machine);
    let place = dir.to_str().unwrap();
    let more = ["--to", "office.front", "--settle", "0", "--poll", "1", "--marker", ".ok"];
    machine.door(&[&["add", "dir1", "dir", "--directory", place], &more[..]].concat()).expect(0);
    put(&machine, &dir, "a", b"octets of a\n");
    put(&machine, &dir, "b", b"octets of b\n");
    // One look sees both, and finds a marker beside one of them.
    put(&machine, &dir, "b.ok", b"");
    machine.wait_for("one is taken", || machine.jobs().len() == 1);
    put(&machine, &dir, "c", b"octets of c\n");
    put(&machine, &dir, "c.ok", b"b");
    machine.wait_for("the next is", || machine.jobs().len() == 2);
    assert_eq!(machine.titles(), ["b", "c"]);
    assert!(dir.join("a").exists());
    put(&machine, &dir, "a.ok", b"");
    machine.wait_for("at last the first", || machine.jobs().len() == 3);
    let left = |name: &str| dir.join(name).exists();
    machine.wait_for("markers go with their files", || !["a", "a.ok", "b", "b.ok", "c", "c.ok"].into_iter().any(left));
}

#[test]
fn a_door_that_links_leaves_files_where_they_are() {
    let Some(mut machine) = site() else { return };
    let dir = watched(&machine);
    let place = dir.to_str().unwrap().to_owned();
    let more = ["--to", "office.front", "--settle", "0", "--poll", "1", "--link", "true"];
    machine.door(&[&["add", "dir1", "dir", "--directory", &place], &more[..]].concat()).expect(0);
    put(&machine, &dir, "one", b"octets of one\n");
    machine.wait_for("it is a job", || machine.jobs().len() == 1);
    assert!(dir.join("one").exists());
    let document = machine.run(OPERATOR, "pdls", &["-U", "-r", "document-content"]).expect(0).out;
    // The note of it outlives both processes: it is not taken again.
    machine.wait_for("it is noted", || std::fs::read_dir(dir.join(".work")).is_ok_and(|notes| notes.count() == 1));
    assert_eq!(machine.stop(), Some(0));
    machine.start();
    put(&machine, &dir, "two", b"octets of two\n");
    machine.wait_for("the next is a job", || machine.jobs().len() == 2);
    assert_eq!(machine.titles(), ["one", "two"], "{document}");
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("both are printed", || machine.paper().contains("of two\n"));
    machine.wait_for("they are gone from the queue", || machine.jobs().is_empty());
    assert!(machine.paper().contains("octets of one\n"));
    let kept = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!((kept("one"), kept("two")), ("octets of one\n".to_owned(), "octets of two\n".to_owned()));
    // A link is not followed here either.
    let secret = machine.file(SERVER, "secret", "keys\n", 0o600);
    symlink(&secret, dir.join("link")).unwrap();
    machine.wait_for("it is refused", || machine.shown("dir1", "door-jobs-refused") == "1");
    assert!(machine.jobs().is_empty());
}
