//! Doors: other systems hand in jobs by LPD, a raw port and a directory. The senders are ours, where something has to go wrong
//! at a certain octet, and those of Debian.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::support::{ANN, BOB, DEADLINE, Machine, OPERATOR, Outcome, SERVER};

impl Machine {
    pub fn door(&self, arguments: &[&str]) -> Outcome {
        let socket = self.path("run/socket");
        let mut command = self.command(OPERATOR, "pdserver");
        command.arg("door").args(arguments).arg("--socket").arg(socket);
        Outcome::of(&mut command)
    }

    pub fn add_door(&self, name: &str, kind: &str, more: &[&str]) -> SocketAddr {
        let listen = ["--listen", "127.0.0.1:0"];
        let said = self.door(&[&["add", name, kind], &listen[..], more].concat()).expect(0).out;
        let place = said.split_whitespace().last().unwrap_or_default().to_owned();
        place.parse().unwrap_or_else(|_| panic!("{said}{}", self.log()))
    }

    pub fn shown(&self, door: &str, attribute: &str) -> String {
        let said = self.door(&["show", door]).expect(0).out;
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(attribute));
        line.map(|line| line[attribute.len()..].trim().to_owned()).unwrap_or_default()
    }

    /// The jobs, as JSON shows them, one a line.
    pub fn jobs(&self) -> Vec<serde_json::Value> {
        let said = self.run(OPERATOR, "pdls", &["-U", "-r", "all", "--json"]).expect(0).out;
        let mut found = Vec::new();
        let read: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        match read {
            serde_json::Value::Array(rows) => found.extend(rows),
            row => found.push(row),
        }
        found
    }

    pub fn titles(&self) -> Vec<String> {
        self.jobs().iter().map(|job| text(job, "job-name")).collect()
    }

    /// What the history of a job says.
    pub fn history(&self, number: &str) -> String {
        self.run(OPERATOR, "spoolcom", &[&format!("JOB {number}, LOG")]).expect(0).out
    }
}

pub fn text(job: &serde_json::Value, name: &str) -> String {
    match &job[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether somebody listens there. On this machine a connection to a port that nobody has may be given that very port, and
/// be connected to itself.
pub fn listens(at: SocketAddr) -> bool {
    TcpStream::connect(at).is_ok_and(|stream| stream.local_addr().unwrap() != at)
}

/// A sender of LPD.
pub struct Sender(pub TcpStream);

impl Sender {
    pub fn new(at: SocketAddr, queue: &str) -> (Self, Option<u8>) {
        Self::over(TcpStream::connect(at).unwrap(), queue)
    }

    /// The same over a connection that is there.
    pub fn over(stream: TcpStream, queue: &str) -> (Self, Option<u8>) {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut sender = Self(stream);
        sender.0.write_all(format!("\x02{queue}\n").as_bytes()).unwrap();
        let answer = sender.answer();
        (sender, answer)
    }

    pub fn open(at: SocketAddr, queue: &str) -> Self {
        let (sender, answer) = Self::new(at, queue);
        assert_eq!(answer, Some(0));
        sender
    }

    /// The next octet; none when the connection has ended.
    pub fn answer(&mut self) -> Option<u8> {
        let mut octet = [0];
        match self.0.read(&mut octet) {
            Ok(1) => Some(octet[0]),
            _ => None,
        }
    }

    pub fn file(&mut self, code: u8, name: &str, octets: &[u8]) -> (Option<u8>, Option<u8>) {
        self.0.write_all(&[&[code][..], format!("{} {name}\n", octets.len()).as_bytes()].concat()).unwrap();
        let first = self.answer();
        if first != Some(0) {
            return (first, None);
        }
        self.0.write_all(&[octets, &[0]].concat()).unwrap();
        (first, self.answer())
    }

    pub fn reset(self) {
        setsockopt(&self.0, sockopt::Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    }
}

pub fn control(title: &str, files: &[&str]) -> String {
    let mut said = format!("Hhosta\nPann\nJ{title}\n");
    for file in files {
        said.push_str(&format!("l{file}\nU{file}\nN{file}.txt\n"));
    }
    said
}

pub const GOOD: (Option<u8>, Option<u8>) = (Some(0), Some(0));

pub fn send(at: SocketAddr, queue: &str, title: &str, octets: &[u8]) {
    let mut sender = Sender::open(at, queue);
    assert_eq!(sender.file(2, "cfA001hosta", control(title, &["dfA001hosta"]).as_bytes()), GOOD);
    assert_eq!(sender.file(3, "dfA001hosta", octets), GOOD);
    finish(sender);
}

/// Ends a session as a sender does who has read everything.
pub fn finish(mut sender: Sender) {
    sender.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.answer(), None);
}

pub fn site() -> Option<Machine> {
    let machine = Machine::new()?;
    machine.declare();
    Some(machine)
}

#[test]
fn jobs_come_by_lpd_in_either_order_and_print_as_they_came() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &["--to", "office.front", "--to", "lp=office.front"]);
    send(at, "office.front", "first", b"octets of the first\n");
    let mut sender = Sender::open(at, "lp");
    assert_eq!(sender.file(3, "dfA002hosta", b"octets of the second\n"), GOOD);
    assert_eq!(sender.file(3, "dfB002hosta", b"and more\n"), GOOD);
    assert_eq!(sender.file(2, "cfA002hosta", control("second", &["dfB002hosta", "dfA002hosta"]).as_bytes()), GOOD);
    // One data file that is named three times is printed three times.
    let three = control("third", &["dfA003hosta", "dfA003hosta", "dfA003hosta"]);
    assert_eq!(sender.file(2, "cfA003hosta", three.as_bytes()), GOOD);
    assert_eq!(sender.file(3, "dfA003hosta", b"third\n"), GOOD);
    finish(sender);

    let jobs = machine.jobs();
    let titles: Vec<String> = jobs.iter().map(|job| text(job, "job-name")).collect();
    assert_eq!(titles, ["first", "second", "third"], "{jobs:#?}");
    for job in &jobs {
        assert_eq!(text(job, "job-owner"), "ann@hosta");
        assert_eq!(text(job, "received-from"), "lpd1 127.0.0.1 (hosta)");
    }
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("all are printed", || machine.paper().matches("third\n").count() == 3);
    let paper = machine.paper().replace(['\u{c}', '\r'], "");
    assert_eq!(paper, "octets of the first\nand more\noctets of the second\nthird\nthird\nthird\n");
    machine.wait_for("they are counted", || machine.shown("lpd1", "door-jobs-accepted") == "3");
}

#[test]
fn what_is_refused_is_refused_before_its_data_and_said() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &["--to", "office.front", "--max-octets", "100"]);
    let (_, answer) = Sender::new(at, "office.frond");
    assert_eq!(answer, Some(1));
    machine.wait_for("it is counted", || machine.shown("lpd1", "door-jobs-refused") == "1");
    let said = machine.shown("lpd1", "door-last-refusal");
    assert!(said.contains("office.frond"), "{said}");
    let mut sender = Sender::open(at, "office.front");
    assert_eq!(sender.file(2, "cfA001h", control("t", &["dfA001h"]).as_bytes()), GOOD);
    assert_eq!(sender.file(3, "dfA001h", &[b'x'; 101]).0, Some(1));
    // An empty job prints nothing, and its sender is told.
    let mut sender = Sender::open(at, "office.front");
    assert_eq!(sender.file(2, "cfA001h", control("t", &["dfA001h"]).as_bytes()), GOOD);
    sender.0.write_all(b"\x030 dfA001h\n").unwrap();
    assert_eq!(sender.answer(), Some(0));
    sender.0.write_all(&[0]).unwrap();
    assert_eq!(sender.answer(), Some(1));

    assert!(machine.door(&["drain", "lpd1"]).expect(0).out.contains("drained"));
    assert_eq!(Sender::new(at, "office.front").1, Some(1));
    let listed = machine.run(OPERATOR, "spoolcom", &["COLLECT"]).expect(0).out;
    assert!(listed.contains("$lpd1") && listed.contains("DRAINED") && listed.contains("DOOR"), "{listed}");
    let row = machine.run(OPERATOR, "pdls", &["-c", "door"]).expect(0).out;
    assert!(row.lines().any(|line| line.starts_with("lpd1 ")), "{row}");
    machine.run(OPERATOR, "spoolcom", &["COLLECT $LPD1, START"]).expect(0);
    machine.wait_for("it takes jobs again", || Sender::new(at, "office.front").1 == Some(0));
    machine.run(OPERATOR, "spoolcom", &["COLLECT $LPD1, DELETE"]).expect(1).says("takes jobs");
    machine.run(ANN, "spoolcom", &["COLLECT $LPD1, DRAIN"]).expect(1);
    machine.run(OPERATOR, "spoolcom", &["COLLECT $LPD1, DRAIN; COLLECT $LPD1, DELETE"]).expect(0);
    machine.wait_for("nobody listens", || !listens(at));
    assert_eq!(machine.run(OPERATOR, "pdls", &["-c", "door"]).expect(0).out.lines().count(), 0);
    assert!(machine.jobs().is_empty());
}

#[test]
fn vector_10_lengths_that_nobody_knows_end_with_the_connection() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    let octets = vec![b'x'; 100_000];
    let begin = |title: &str, line: &str, end: Option<&[u8]>| {
        let mut sender = Sender::open(at, "office.front");
        assert_eq!(sender.file(2, "cfA001h", control(title, &["dfA001h"]).as_bytes()), GOOD);
        sender.0.write_all(line.as_bytes()).unwrap();
        assert_eq!(sender.answer(), Some(0));
        sender.0.write_all(&octets).unwrap();
        sender.0.write_all(end.unwrap_or_default()).unwrap();
        sender.0.shutdown(Shutdown::Write).unwrap();
        sender.answer()
    };
    assert_eq!(begin("windows", "\x03125899906843000 dfA001h\n", None), Some(0));
    assert_eq!(begin("zero", "\x030 dfA001h\n", Some(&[0])), Some(0));
    assert_eq!(begin("five", "\x05dfA001h\n", None), Some(0));
    assert_eq!(begin("no NUL", "\x03100000 dfA001h\n", None), Some(0));
    // A real count that is not met is no job, whatever the end looks like.
    assert_eq!(begin("short", "\x03200000 dfA001h\n", None), None);
    let jobs = machine.jobs();
    let shown: Vec<(String, String)> =
        jobs.iter().map(|job| (text(job, "job-name"), text(job, "total-job-octets"))).collect();
    let wanted = [("windows", "100000"), ("zero", "100001"), ("five", "100000"), ("no NUL", "100000")];
    assert_eq!(shown, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(machine.history("1").contains("length unknown"));
    machine.wait_for("the short one is counted", || machine.shown("lpd1", "door-jobs-unfinished") == "1");

    // Data without a control file: its octets were acknowledged, so it is held.
    let mut sender = Sender::open(at, "office.front");
    assert_eq!(sender.file(3, "dfA009h", b"orphan\n"), GOOD);
    finish(sender);
    machine.wait_for("it is a job", || machine.jobs().len() == 5);
    assert!(machine.jobs().iter().any(|job| text(job, "current-job-state") == "held"), "{:#?}", machine.jobs());
}

#[test]
fn vector_11_what_a_stranger_writes_is_text_and_never_a_path() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    let mut sender = Sender::open(at, "office.front");
    let name = "../../../../tmp/pddoor-must-not-exist\u{7f}%n%s";
    let said = format!(
        "H../../etc\nProot\nJ\x1b[31mred%n\u{202e}\nl{name}\nN../../etc/passwd\nMann@example.com\n-x $(touch /tmp/pddoor)\n"
    );
    assert_eq!(sender.file(3, name, b"octets\n"), GOOD);
    assert_eq!(sender.file(2, "/etc/passwd", said.as_bytes()), GOOD);
    finish(sender);
    let jobs = machine.jobs();
    assert_eq!(jobs.len(), 1);
    assert_eq!(text(&jobs[0], "job-owner"), "root@../../etc");
    let shown = machine.run(OPERATOR, "pdls", &["-U", "-r", "all", "-s", "line"]).expect(0).out;
    assert!(shown.contains("\\u{1b}[31mred%n\\u{202e}") && !shown.contains('\u{1b}'), "{shown}");
    assert!(!Path::new("/tmp/pddoor-must-not-exist\u{7f}%n%s").exists() && !Path::new("/tmp/pddoor").exists());
    // The name of a user is believed only where the door says so, and root is nobody special even there.
    for uid in [ANN, BOB] {
        assert!(machine.run(uid, "pdls", &["-U", "-r", "all"]).expect(0).out.is_empty());
    }
    // Hostile lines get an answer, and nothing else happens.
    for line in [&b"\x02\n"[..], b"\x0212345678901234567890 x\n", b"\xff\n", b"\x09\n", &[b'x'; 10_000]] {
        let mut sender = Sender(TcpStream::connect(at).unwrap());
        sender.0.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = sender.0.write_all(line);
        assert!(matches!(sender.answer(), Some(1) | None));
    }
    let mut sender = Sender::open(at, "office.front");
    sender.0.write_all(b"\x02999999999 cfA001h\n").unwrap();
    assert_eq!(sender.answer(), Some(1));
    assert_eq!(machine.jobs().len(), 1);
}

#[test]
fn a_reset_at_any_octet_leaves_nothing_or_a_job() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    let control = "Hh\nPp\nJcut\nldfA1h\n";
    let steps: [Vec<u8>; 5] = [
        b"\x02office.front\n".to_vec(),
        format!("\x02{} cfA1h\n", control.len()).into_bytes(),
        [control.as_bytes(), &[0]].concat(),
        b"\x036 dfA1h\n".to_vec(),
        b"octet\n\0".to_vec(),
    ];
    let all: usize = steps.iter().map(Vec::len).sum();
    let mut complete = 0;
    for cut in 1..=all {
        let stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut sender = Sender(stream);
        let mut left = cut;
        for step in &steps {
            let part = &step[..left.min(step.len())];
            sender.0.write_all(part).unwrap();
            left -= part.len();
            if part.len() < step.len() {
                break;
            }
            assert_eq!(sender.answer(), Some(0), "at {cut} of {all}");
            if left == 0 {
                break;
            }
        }
        complete += usize::from(cut == all);
        sender.reset();
    }
    // The one that came whole is there, whatever became of its connection afterwards.
    send(at, "office.front", "last", b"x\n");
    assert_eq!(machine.titles(), ["cut", "last"]);
    assert_eq!(complete, 1);
    let files = std::fs::read_dir(machine.path("base/acme1")).unwrap().flatten();
    let copies = files.filter(|file| file.file_name().to_string_lossy().starts_with("pdpr")).count();
    assert_eq!(copies, 2);
}

#[test]
fn whoever_sends_again_after_a_crash_gets_one_job_or_an_announcement() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    assert_eq!(machine.stop(), Some(0));
    for (point, jobs) in [("before-commit", 1), ("after-commit", 2)] {
        let port = at.port().to_string();
        machine.start_with(&[("PD_FAULT", Path::new(point))]);
        machine.door(&["set", "lpd1", "--listen", &port]).expect(0);
        machine.wait_for("it listens", || listens(at));
        let title = format!("sent at {point}");
        let attempt = || -> Option<u8> {
            let (mut sender, answer) = Sender::new(at, "office.front");
            answer.filter(|answer| *answer == 0)?;
            assert_eq!(sender.file(2, "cfA001hosta", control(&title, &["dfA001hosta"]).as_bytes()), GOOD);
            sender.file(3, "dfA001hosta", b"octets\n").1
        };
        // The server dies; an orderly end without an answer would be a yes.
        assert_ne!(attempt(), Some(0), "{point}");
        machine.server.take().unwrap().wait().unwrap();
        machine.start();
        let end = Instant::now() + DEADLINE;
        while !listens(at) {
            assert!(Instant::now() < end, "{}", machine.log());
            std::thread::yield_now();
        }
        let retried = loop {
            if let Some(answer) = attempt() {
                break answer;
            }
            assert!(Instant::now() < end, "{}", machine.log());
        };
        assert_eq!(retried, 0);
        let found: Vec<_> = machine.jobs().into_iter().filter(|job| text(job, "job-name") == title).collect();
        assert_eq!(found.len(), jobs, "{point}: {}", machine.log());
        for job in &found {
            let history = machine.history(&text(job, "job-number"));
            assert_eq!(history.to_lowercase().contains("duplicate"), jobs > 1, "{history}");
        }
        assert_eq!(machine.stop(), Some(0));
    }
}

#[test]
fn a_raw_port_takes_a_job_a_connection() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("raw1", "raw", &["--to", "office.front", "--idle", "1"]);
    let pjl = b"\x1b%-12345X@PJL JOB NAME=\"A letter\"\r\n@PJL SET USERNAME=\"bob\"\r\n@PJL ENTER LANGUAGE=PCL\r\noctets\x1b%-12345X";
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(pjl).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // Our end is the acknowledgement: the job is there.
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let jobs = machine.jobs();
    assert_eq!(text(&jobs[0], "job-name"), "A letter");
    assert_eq!(text(&jobs[0], "job-owner"), "bob@127.0.0.1");
    assert_eq!(text(&jobs[0], "total-job-octets"), pjl.len().to_string());
    // Its sender has the acknowledgement: the same once more is wanted once more.
    let mut again = TcpStream::connect(at).unwrap();
    again.set_read_timeout(Some(DEADLINE)).unwrap();
    again.write_all(pjl).unwrap();
    again.shutdown(Shutdown::Write).unwrap();
    assert_eq!(again.read(&mut [0]).unwrap(), 0);
    assert!(!machine.history("2").to_lowercase().contains("duplicate"), "{}", machine.log());
    machine.run(OPERATOR, "spoolcom", &["JOB 2, DELETE"]).expect(0);
    // A connection that says nothing is no job, and a reset one is none.
    drop(TcpStream::connect(at).unwrap());
    drop((stream, again));
    let mut reset = TcpStream::connect(at).unwrap();
    reset.write_all(b"half").unwrap();
    Sender(reset).reset();
    // A sender that never closes its side: silence ends the job.
    let mut silent = TcpStream::connect(at).unwrap();
    silent.write_all(b"by silence\n").unwrap();
    machine.wait_for("silence ends it", || machine.jobs().len() == 2);
    assert!(machine.history("3").contains("ended by silence"));
    silent.write_all(b"next\n").unwrap();
    machine.wait_for("and the next", || machine.jobs().len() == 3);
    machine.door(&["drain", "raw1"]).expect(0);
    machine.wait_for("a drained one is closed", || !listens(at));
}

#[test]
fn a_host_that_keeps_its_connection_ends_jobs_with_marks() {
    let Some(machine) = site() else { return };
    let more = ["--to", "office.front", "--idle", "0", "--end-mark", "^XZ", "--end-mark", "\\x04"];
    let at = machine.add_door("labels", "raw", &more);
    let mut stream = TcpStream::connect(at).unwrap();
    for piece in [&b"^XA^FDone^FS^X"[..], b"Z\r\n^XA^FDtwo^FS^XZ^XA^FDthr", b"ee^FS^XZ\r\n", b"ps\x04", b"^XAnot ended"]
    {
        stream.write_all(piece).unwrap();
    }
    machine.wait_for("four jobs", || machine.jobs().len() == 4);
    let sizes: Vec<String> = machine.jobs().iter().map(|job| text(job, "total-job-octets")).collect();
    assert_eq!(sizes, ["15", "15", "17", "3"]);
    // The same label again is wanted again.
    assert!(!machine.history("2").to_lowercase().contains("duplicate"));
    Sender(stream).reset();
    machine.wait_for("the last one did not arrive", || machine.shown("labels", "door-jobs-unfinished") == "1");
    assert_eq!(machine.jobs().len(), 4);
}

#[test]
fn a_label_whose_connection_was_reset_is_announced_when_it_comes_again() {
    let Some(machine) = site() else { return };
    let more = ["--to", "office.front", "--idle", "0", "--end-mark", "^XZ", "--max-octets", "20"];
    let at = machine.add_door("labels", "raw", &more);
    let first = b"^XA^FDone^FS^XZ";
    // The second one is too large, and the whole connection is refused.
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(first).unwrap();
    machine.wait_for("the first one is a job", || machine.jobs().len() == 1);
    stream.write_all(b"^XA a label that is too large for this door ^XZ").unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_ne!(stream.read(&mut [0]).ok(), Some(1));
    // Its sender repeats all of it, and then a third time over a connection that ends well, where nothing has to be said of it.
    for n in 2..=4 {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(first).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(stream.read(&mut [0]).ok(), Some(0));
        machine.wait_for("it is a job", || machine.jobs().len() == n);
    }
    assert!(machine.history("2").contains("it may be job 1 once more"), "{}", machine.history("2"));
    assert!(!machine.history("4").to_lowercase().contains("job 3"), "{}", machine.history("4"));
}

#[test]
fn control_files_without_their_data_are_refused_before_they_fill_the_memory() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &["--to", "office.front"]);
    let control = format!("Hhosta\nPann\n{}", "Afiller of a line that means nothing\n".repeat(3000));
    let mut sender = Sender::open(at, "office.front");
    let answers: Vec<_> = (0..40).map(|_| sender.file(2, "cfA001hosta", control.as_bytes())).collect();
    assert_eq!(answers[0], (Some(0), Some(0)), "{answers:?}");
    assert!(answers.iter().any(|(first, _)| *first != Some(0)), "{answers:?}");
}

pub fn watched(machine: &Machine) -> PathBuf {
    let dir = machine.path("in");
    std::fs::create_dir(&dir).unwrap();
    chown(&dir, Some(SERVER), Some(SERVER)).unwrap();
    dir
}

/// Puts a file of Ann into a directory as a careful writer does: by a rename.
pub fn put(machine: &Machine, dir: &Path, name: &str, octets: &[u8]) {
    let made = machine.path("made");
    std::fs::write(&made, octets).unwrap();
    std::fs::set_permissions(&made, PermissionsExt::from_mode(0o644)).unwrap();
    chown(&made, Some(ANN), Some(ANN)).unwrap();
    std::fs::rename(&made, dir.join(name)).unwrap();
}

#[test]
fn vector_22_files_of_a_directory_become_jobs_or_fail_with_a_reason() {
    let Some(machine) = site() else { return };
    let dir = watched(&machine);
    let place = dir.to_str().unwrap();
    let more = ["add", "dir1", "dir", "--directory", place, "--to", "office.front", "--settle", "1", "--poll", "1"];
    assert!(machine.door(&more).expect(0).out.contains("ready"), "{}", machine.log());
    put(&machine, &dir, "with attributes.att", b"job-name=Minutes\njob-hold=true\n");
    put(&machine, &dir, "with attributes", b"minutes\n");
    put(&machine, &dir, "letter.txt", b"a letter\n");
    machine.wait_for("two jobs", || machine.jobs().len() == 2);
    machine
        .wait_for("they are erased", || !dir.join("letter.txt").exists() && !dir.join("with attributes.att").exists());
    let jobs = machine.jobs();
    let of =
        |title: &str| jobs.iter().find(|job| text(job, "job-name") == title).unwrap_or_else(|| panic!("{jobs:#?}"));
    assert_eq!(text(of("Minutes"), "current-job-state"), "held");
    assert_eq!(text(of("letter.txt"), "job-owner"), ANN.to_string());

    // A secret is not read through a link, and nothing else is taken either.
    let secret = machine.file(SERVER, "secret", "keys\n", 0o600);
    symlink(&secret, dir.join("link")).unwrap();
    std::fs::write(dir.join("half.tmp"), "half").unwrap();
    std::fs::write(dir.join(".hidden"), "hidden").unwrap();
    put(&machine, &dir, "bad.att", b"job-priority=lots\n");
    put(&machine, &dir, "bad", b"x\n");
    machine
        .wait_for("two failed", || dir.join("failed/link.reason").exists() && dir.join("failed/bad.reason").exists());
    let reason = |name: &str| std::fs::read_to_string(dir.join("failed").join(name)).unwrap();
    assert!(reason("link.reason").contains("symbolic link"), "{}", reason("link.reason"));
    assert!(reason("bad.reason").contains("job-priority"), "{}", reason("bad.reason"));
    machine.wait_for("they are kept", || {
        dir.join("failed/bad").exists() && std::fs::symlink_metadata(dir.join("failed/link")).is_ok()
    });
    assert!(dir.join("half.tmp").exists() && dir.join(".hidden").exists());
    // A plain copy is complete when it has been left alone.
    std::fs::write(dir.join("copied"), "copied\n").unwrap();
    machine.wait_for("it is taken", || machine.jobs().len() == 3);
    // A drained door leaves files where they are.
    machine.door(&["drain", "dir1"]).expect(0);
    put(&machine, &dir, "waits", b"waits\n");
    machine.door(&["start", "dir1"]).expect(0);
    machine.wait_for("it is taken then", || machine.jobs().len() == 4);
}

#[test]
fn vector_23_no_file_of_a_directory_is_lost_or_taken_twice_whenever_the_door_dies() {
    let Some(mut machine) = site() else { return };
    let dir = watched(&machine);
    let place = dir.to_str().unwrap().to_owned();
    let more = ["add", "dir1", "dir", "--directory", &place, "--to", "office.front", "--settle", "0", "--poll", "1"];
    machine.door(&more).expect(0);
    let mut sent = 0;
    for point in ["door-claimed", "after-commit", "door-submitted", "door-erased", "door-done"] {
        machine.stop();
        machine.start_with(&[("PD_FAULT", Path::new(point))]);
        put(&machine, &dir, &format!("file {sent}"), format!("octets of {sent}\n").as_bytes());
        sent += 1;
        if point == "after-commit" {
            machine.server.take().unwrap().wait().unwrap();
        } else {
            // The process of the door dies; the next one, with the same fault, gets further.
            machine.wait_for("it has died", || machine.log().matches("its process died").count() >= 1);
            let mut server = machine.server.take().unwrap();
            server.kill().unwrap();
            server.wait().unwrap();
        }
        machine.start();
        machine.wait_for("the file is gone", || {
            let left = |dir: &Path| std::fs::read_dir(dir).map_or(0, |files| files.count());
            left(&dir.join(".work")) == 0 && left(&dir) <= 1
        });
        assert_eq!(machine.jobs().len(), sent, "{point}: {}", machine.log());
    }
}

#[test]
fn a_fast_sender_does_not_wait_for_slow_ones() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &["--max-per-peer", "600"]);
    let mut slow = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"\x02office").unwrap();
        slow.push(stream);
    }
    for n in 0..20 {
        send(at, "office.front", &format!("fast {n}"), b"octets\n");
    }
    assert_eq!(machine.jobs().len(), 20);
    // The others still can: nobody was thrown out.
    for mut stream in slow.into_iter().take(3) {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(b".front\n").unwrap();
        let mut octet = [9];
        stream.read_exact(&mut octet).unwrap();
        assert_eq!(octet, [0]);
    }
    // One more than the door takes is told so.
    machine.door(&["set", "lpd1", "--max-per-peer", "1"]).expect(0);
    machine.wait_for("the new limit holds", || {
        let one = TcpStream::connect(at).unwrap();
        let two = TcpStream::connect(at).unwrap();
        two.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let told = Sender(two).answer() == Some(2);
        drop(one);
        told
    });
}

#[test]
fn whoever_asks_for_the_queue_reads_a_table() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &["--trust-users", "127.0.0.0/8"]);
    let ask = |line: &str| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    };
    assert_eq!(ask("\x03office.front\n"), "office.front is ready\nno entries\n");
    for n in 0..12 {
        send(at, "office.front", &format!("title {n}"), b"octets\n");
    }
    let short = ask("\x03office.front\n");
    assert!(short.contains("\n11th    ann     11      title 10 "), "{short}");
    let long = ask("\x04office.front ann\n");
    assert!(long.contains("ann: 1st") && long.contains("[job 1 hosta]"), "{long}");
    // A job of somebody else is there, and is not shown.
    let letter = machine.file(BOB, "note", "a note\n", 0o600);
    machine.run(BOB, "pdpr", &["-d", "office.front", "-t", "secret", &letter]).expect(0);
    let short = ask("\x03office.front\n");
    assert!(!short.contains("secret") && short.contains("13th    -       13      - "), "{short}");
    assert_eq!(ask("\x05office.front bob 1\n"), "Permission denied\n");
    assert_eq!(ask("\x05office.front ann 1 13\n"), "Permission denied\n");
    assert_eq!(ask("\x05office.front ann 2\n"), "1 dequeued\n");
    assert_eq!(machine.jobs().len(), 12);
    assert!(!machine.titles().contains(&"title 1".to_owned()));
}

/// A program of Debian, if it is here.
pub fn installed(path: &str) -> bool {
    let there = Path::new(path).exists();
    assert!(there || std::env::var_os("CI").is_none(), "{path} is not installed");
    if !there {
        eprintln!("SKIPPED: {path} is not installed");
    }
    there
}

/// A backend of CUPS as its scheduler runs it: descriptors 3 and 4 are there (the back channel, and the side channel, on which the
/// scheduler says nothing here), and the document comes from `file`, or through a pipe when that is none of its arguments.
///
/// Without descriptor 4 a backend that waits for its standard input waits for ever: it polls the side channel as well, and
/// takes the error for no news.
pub fn backend(machine: &Machine, path: &str, uri: &str, words: &[&str], piped: Option<&Path>) -> Outcome {
    let side = machine.path("side");
    if !side.exists() {
        nix::unistd::mkfifo(&side, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let source = piped.map_or("</dev/null".to_owned(), |file| format!("cat '{}' |", file.display()));
    let run = "\"$@\" 3<>/dev/null 4<>\"$SIDE\"";
    let line = if piped.is_some() { format!("{source} {run}") } else { format!("{run} {source}") };
    let mut command = Command::new("sh");
    command.args(["-c", &line, "sh", path]).args(words).env("DEVICE_URI", uri).env("SIDE", side);
    Outcome::of_foreign(&mut command)
}

#[test]
fn vector_07_the_lpd_backend_of_cups_delivers_in_each_of_its_modes() {
    let Some(machine) = site() else { return };
    let lpd = "/usr/lib/cups/backend/lpd";
    if !installed(lpd) {
        return;
    }
    let at = machine.add_door("lpd1", "lpd", &[]);
    let octets: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    let file = machine.path("print");
    std::fs::write(&file, &octets).unwrap();
    let modes = [
        "",
        "?order=data,control",
        "?manual_copies=no",
        "?banner=on",
        "?reserve=rfc1179",
        "?mode=stream",
        "?mode=stream&order=data,control",
    ];
    let mut titles = Vec::new();
    for (n, mode) in modes.iter().enumerate() {
        for piped in [false, true] {
            let (uri, number) = (format!("lpd://{at}/office.front{mode}"), (n + 1).to_string());
            let title = format!("title {n} {piped}");
            let mut words = vec![number.as_str(), "ann", &title, "1", ""];
            words.extend((!piped).then(|| file.to_str().unwrap()));
            backend(&machine, lpd, &uri, &words, piped.then_some(file.as_path())).expect(0);
            titles.push(title);
        }
    }
    // Whoever streams does not wait for an answer: his job may come a moment after he has gone.
    machine.wait_for("all are here", || machine.jobs().len() == titles.len());
    for job in machine.jobs() {
        assert_eq!(text(&job, "total-job-octets"), "100000", "{job:#?}");
    }
    let mut found = machine.titles();
    found.sort();
    titles.sort();
    assert_eq!(found, titles, "{}", machine.log());
    // A pipe of which nobody knows how long it is becomes a job that says so.
    let streamed =
        text(&machine.jobs()[machine.titles().iter().position(|title| title == "title 5 true").unwrap()], "job-number");
    assert!(machine.history(&streamed).contains("length unknown"), "{}", machine.history(&streamed));
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let paper = || std::fs::read(machine.path("paper/out")).unwrap_or_default();
    machine.wait_for("all are printed", || paper().len() == octets.len() * titles.len());
    assert!(paper().chunks(octets.len()).all(|printed| printed == octets));
    let uri = format!("lpd://{at}/nowhere?contimeout=1");
    let refused = backend(&machine, lpd, &uri, &["9", "ann", "t", "1", "", file.to_str().unwrap()], None);
    assert_ne!(refused.status, 0);
}

#[test]
fn vector_20_the_socket_backend_of_cups_delivers_to_a_raw_port() {
    let Some(machine) = site() else { return };
    let socket = "/usr/lib/cups/backend/socket";
    if !installed(socket) {
        return;
    }
    let at = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    let file = machine.path("print");
    std::fs::write(&file, vec![b'x'; 300_000]).unwrap();
    let uri = format!("socket://{at}");
    backend(&machine, socket, &uri, &["1", "ann", "t", "1", "", file.to_str().unwrap()], None).expect(0);
    assert_eq!(text(&machine.jobs()[0], "total-job-octets"), "300000");
    backend(&machine, socket, &uri, &["2", "ann", "t", "1", ""], Some(&file)).expect(0);
    assert_eq!(machine.jobs().len(), 2);
}

#[test]
fn vector_01_to_06_rlpr_delivers_and_takes_a_no_for_a_no() {
    let Some(machine) = site() else { return };
    let rlpr = "/usr/bin/rlpr";
    if !installed(rlpr) {
        return;
    }
    let at = machine.add_door("lpd1", "lpd", &[]);
    let file = machine.file(SERVER, "print.txt", "octets\n", 0o644);
    let run = |more: &[&str], queue: &str| {
        let mut command = Command::new(rlpr);
        command.args(["-N", "-H", "127.0.0.1", "--port", &at.port().to_string(), "-P", queue]).args(more).arg(&file);
        Outcome::of_foreign(command.stdin(Stdio::null()))
    };
    run(&["-h", "-J", "T"], "office.front").expect(0);
    run(&["-J", "T2"], "office.front").expect(0);
    run(&["-J", "T3", "--send-data-first"], "office.front").expect(0);
    run(&["-J", "T4", "-#3"], "office.front").expect(0);
    assert_ne!(run(&["-J", "T5"], "nowhere").status, 0);
    let titles = machine.titles();
    assert_eq!(titles.len(), 4, "{}", machine.log());
    // Without a burst page it sends no title, only the name of the file.
    assert!(titles[0].contains("print.txt"), "{titles:?}");
    assert_eq!(titles[1..], ["T2", "T3", "T4"]);
    // Several files are a job each, with their copies; an empty one ends, whatever becomes of it.
    let other = machine.file(SERVER, "other.txt", "another\n", 0o644);
    let empty = machine.file(SERVER, "empty.txt", "", 0o644);
    run(&["-#3", &other], "office.front").expect(0);
    let _ = run(&[&empty], "office.front");
    machine.wait_for("the unknown queue was counted", || machine.shown("lpd1", "door-jobs-refused") != "0");
    let said = machine.run(OPERATOR, "pdls", &["-c", "door", "-r", "log", "lpd1"]).out;
    assert!(said.contains("nowhere") || machine.log().contains("nowhere"), "{said}");
    let jobs = machine.jobs();
    assert!(jobs.len() >= 6, "{jobs:#?}");
    let user = text(&jobs[0], "job-owner");
    assert!(jobs.iter().all(|job| text(job, "job-owner") == user) && user.contains('@'), "{user}");
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let printed = |line: &str| machine.paper().matches(line).count();
    machine
        .wait_for("all are printed, as often as was asked", || printed("another\n") == 3 && machine.jobs().is_empty());
    // T, T2, T3 once, T4 three times, the pair three times; it may stop at the empty one.
    assert!(matches!(printed("octets\n"), 9 | 10), "{}", machine.paper());
}

#[test]
fn below_the_reserve_a_door_takes_nothing_says_why_and_takes_again_by_itself() {
    let Some(machine) = site() else { return };
    let lpd = machine.add_door("lpd1", "lpd", &["--to", "office.front"]);
    let raw = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    let disk = spoolsuite::sys::files::room(&machine.path("base")).unwrap();
    machine.run(OPERATOR, "spoolcom", &[&format!("SPOOLER, RESERVE {}", disk.1)]).expect(0);
    let jobs = || machine.run(OPERATOR, "pdls", &["-U", "-r", "job-name", "-g"]).expect(0).out;
    // The sender is told no at one of its steps, and keeps the job.
    let (mut sender, first) = Sender::new(lpd, "office.front");
    let mut answers = vec![first];
    if first == Some(0) {
        let (first, last) = sender.file(2, "cfA001hosta", control("refused", &["dfA001hosta"]).as_bytes());
        answers.extend([first, last]);
        if last == Some(0) {
            let (first, last) = sender.file(3, "dfA001hosta", b"refused\n");
            answers.extend([first, last]);
        }
    }
    assert!(answers.iter().any(|answer| matches!(answer, Some(1 | 2))), "{answers:?}");
    drop(sender);
    let mut stream = TcpStream::connect(raw).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // It may be closed already.
    let _ = stream.write_all(b"refused at the raw port\n");
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0]);
    machine.wait_for("the log says why", || machine.log().matches("RESERVE").count() >= 1);
    assert!(!jobs().contains("refused"), "{}", jobs());
    assert_eq!(machine.paper(), "");
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, RESERVE 1M"]).expect(0);
    send(lpd, "office.front", "taken", b"taken by lpd\n");
    machine.wait_for("the job is there", || jobs().contains("taken"));
}
