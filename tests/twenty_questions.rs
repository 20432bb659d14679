//! The twenty questions of a night: each trouble is prepared really, and each question is asked by the command that
//! docs/night-desk.md names. A healthy device stands beside each trouble, and is never named.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::mkfifo;

use crate::full_disk::SmallDisk;
use crate::support::nobody::OfNobody;
use crate::support::{Outcome, Site, pid};
use spoolsuite::spool::printing::progress::Writer;
use spoolsuite::sys::clock;
use spoolsuite::sys::holder;
use spoolsuite::sys::lock::FileLock;

/// A spool with a healthy device `GOOD`, which a print process of its own drives, and a document.
struct Night {
    site: Site,
    document: PathBuf,
}

impl Night {
    fn new() -> Self {
        let mut site = Site::new();
        site.env.push(("TZ", "UTC"));
        let good = site.files.path().join("good.out");
        site.spoolcom(&format!("ADD GOOD, PROCESS $WELL, URI file://{}, HEADER OFF", good.display()));
        let document = site.document("doc", b"a document\n");
        let night = Self { site, document };
        night.submit("good");
        night.site.wait_until_empty();
        night
    }

    /// Declares and starts a device.
    fn add(&self, name: &str, uri: &str) {
        self.site.spoolcom(&format!("ADD {name}, URI {uri}, HEADER OFF"));
    }

    fn submit(&self, to: &str) -> Outcome {
        self.site.run("pdpr", &["-d", to, self.document.to_str().unwrap()]).expect(0)
    }

    fn ask(&self, question: &str) -> Outcome {
        self.site.run("spoolcom", &[question])
    }

    /// The one line of CHECK that has this, once it is there: with every part, and nothing of what is well.
    #[track_caller]
    fn check(&self, of: &str, parts: &[&str]) -> String {
        let is_there = || {
            let out = self.ask("CHECK").out;
            // Shown when the test fails.
            println!("{out}");
            out.lines().any(|line| line.starts_with(of) && parts.iter().all(|part| line.contains(part)))
        };
        self.site.wait_for(&format!("CHECK says of {of}: {parts:?}"), is_there);
        let ran = self.ask("CHECK").expect(1);
        assert!(!ran.out.contains("GOOD") && !ran.out.contains("WELL"), "{ran:#?}");
        assert_eq!(ran.out.lines().filter(|line| line.starts_with(of)).count(), 1, "{ran:#?}");
        let line = ran.out.lines().find(|line| line.starts_with(of)).unwrap();
        assert!(line.contains("; cure: "), "{line}");
        // The other way says the same.
        let health = self.site.run("pdls", &["-c", "server", "-r", "health", "-s", "line"]).expect(0).out;
        assert!(health.contains(of), "{health}");
        line.to_owned()
    }

    /// Types the cure of a line, which is a command in quotation marks.
    #[track_caller]
    fn cure(&self, line: &str) {
        let (_, cure) = line.split_once("; cure: ").unwrap();
        let command = cure.split("   ").next().unwrap().strip_prefix("spoolcom ").unwrap().trim_matches('\'');
        self.site.spoolcom(command);
    }

    #[track_caller]
    fn is_well(&self) {
        self.site.wait_for("all is well", || self.ask("CHECK").status == 0);
    }
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
}

/// Printers on this machine.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[test]
fn questions_1_to_3_a_printer_that_refuses_is_unknown_or_closes() {
    let night = Night::new();
    let (closed, refused) = listener();
    drop(closed);
    let (closes, address) = listener();
    std::thread::spawn(move || closes.incoming().for_each(drop));
    night.add("REFUSES", &format!("socket://{refused}"));
    night.add("UNKNOWN", "socket://no-such-host.invalid:9100");
    night.add("CLOSES", &format!("socket://{address}"));
    for name in ["refuses", "unknown", "closes", "refuses"] {
        night.submit(name);
    }
    night.check("device $REFUSES: ", &["refused", &refused, "since", "next try", "2 jobs wait", "heals by itself"]);
    night.check(
        "device $UNKNOWN: ",
        &["no-such-host.invalid", "since", "next try", "1 job waits", "URI socket://host:9100"],
    );
    night.check("device $CLOSES: ", &["closed", "since", "1 job waits", "a wrong port"]);
    // No other list says the opposite.
    let shown = night.ask("DEV").out;
    has(&shown, &["REFUSED SINCE", "NAME UNKNOWN SINCE"]);
    assert_eq!(night.ask("CHECK").out.lines().count(), 3, "two jobs behind one trouble are one finding");
}

#[test]
fn question_4_what_a_jammed_printer_has_taken_is_said() {
    let night = Night::new();
    let (jammed, address) = listener();
    night.add("JAM", &format!("socket://{address}"));
    let big = night.site.document("big", &vec![b'x'; 16 << 20]);
    night.site.run("pdpr", &["-d", "jam", big.to_str().unwrap()]).expect(0);
    let (_stream, _) = jammed.accept().unwrap();
    night.site.wait_for("it prints", || night.ask("DEV JAM").out.contains("JOB 2"));
    // Before the limit is over nothing better than what is known: it prints.
    assert_eq!(night.ask("CHECK").status, 0);
    has(&night.ask("JOB 2, WHY").out, &["it prints on $JAM", " of 16777216 octets"]);
}

#[test]
fn question_4_a_printer_that_takes_nothing_for_long_stands() {
    let mut night = Night::new();
    night.site.env.push(("PD_STALL_MS", "300"));
    let (jammed, address) = listener();
    night.add("JAM", &format!("socket://{address}, PROCESS $JAMS"));
    let big = night.site.document("big", &vec![b'x'; 16 << 20]);
    night.site.run("pdpr", &["-d", "jam", big.to_str().unwrap()]).expect(0);
    let (mut stream, _) = jammed.accept().unwrap();
    night.submit("jam");
    let line = night
        .check("device $JAM: ", &["JOB 2 ", "accepts nothing since", " of 16777216 octets", "1 job waits", "paper"]);
    assert!(!line.contains("spoolcom"), "what helps is done at the printer: {line}");
    has(&night.ask("DEV").out, &["STALLED SINCE"]);
    has(&night.ask("JOB 2, WHY").out, &["$JAM", "accepts nothing since", " of 16777216 octets"]);
    has(&night.ask("JOB 3, WHY").out, &["$JAM"]);
    // It goes on when the paper is in again, and is well.
    std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
    std::thread::spawn(move || {
        for stream in jammed.incoming() {
            std::io::copy(&mut stream.unwrap(), &mut std::io::sink()).unwrap();
        }
    });
    night.site.wait_until_empty();
    night.is_well();
}

#[test]
fn questions_5_to_7_a_fifo_without_a_reader_a_path_and_a_full_disk() {
    let night = Night::new();
    let fifo = night.site.files.path().join("pipe");
    mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    night.add("PIPE", &format!("fifo://{}", fifo.display()));
    night.add("NOWHERE", &format!("file://{}/no/such/file", night.site.files.path().display()));
    night.add("FULL", "char:///dev/full");
    for name in ["pipe", "nowhere", "full"] {
        night.submit(name);
    }
    night.check("device $PIPE: ", &["a program that reads", fifo.to_str().unwrap(), "since"]);
    night.check("device $NOWHERE: ", &["/no/such", "the directory does not exist", "since"]);
    night.check("device $FULL: ", &["/dev/full", "full", "since", "next try"]);
    // It goes on when a program reads it.
    let read = std::thread::spawn(move || std::fs::read(fifo).unwrap());
    assert_eq!(read.join().unwrap(), b"a document\n");
    night.site.wait_for("it is not named", || !night.ask("CHECK").out.contains("$PIPE"));
}

#[test]
fn question_6_the_right_that_is_missing_is_named_with_the_user() {
    let Some(user) = OfNobody::new() else { return };
    let path = user.file("no-right.out", "", 0o644);
    user.spoolcom(&format!("ADD ARC, URI file://{}, HEADER OFF", path.display()));
    let document = user.file("document", "a document\n", 0o644);
    let submit = user.command("pdpr").args(["-d", "arc"]).arg(&document).output().unwrap();
    assert!(submit.status.success(), "{submit:?}");
    let asks =
        |question: &str| String::from_utf8(user.command("spoolcom").arg(question).output().unwrap().stdout).unwrap();
    user.site.wait_for("it is found", || asks("CHECK").starts_with("device $ARC: "));
    let check = asks("CHECK");
    has(&check, &[path.to_str().unwrap(), "permission denied to user nobody", "since", "1 job waits", "; cure: "]);
    has(&asks("JOB 1, WHY"), &[path.to_str().unwrap(), "nobody"]);
}

#[test]
fn question_7_an_archive_does_not_grow_because_its_disk_is_full() {
    let night = Night::new();
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::new(dir.path()) else { return };
    let archive = dir.path().join("archive");
    night.site.spoolcom(&format!("ADD ARC, PROCESS $ARCS, URI file://{}, HEADER OFF", archive.display()));
    night.submit("arc");
    night.site.wait_until_empty();
    disk.fill();
    let big = night.site.document("big", &b"0123456789abcde\n".repeat(1 << 16));
    night.site.run("pdpr", &["-d", "arc", big.to_str().unwrap()]).expect(0);
    night.check("device $ARC: ", &[archive.to_str().unwrap(), "full", "since", "next try", "1 job waits"]);
    has(&night.ask("JOB 3, WHY").out, &["full", "$ARC"]);
    // A part of the job that stood there is taken back.
    assert_eq!(std::fs::metadata(&archive).unwrap().len(), 11);
    disk.empty();
    night.site.wait_until_empty();
    night.is_well();
    // Between the two texts stands a form feed.
    assert_eq!(std::fs::metadata(&archive).unwrap().len(), 11 + 1 + (1 << 20));
}

#[test]
fn question_8_who_is_refused_and_who_fills_the_disk() {
    let night = Night::new();
    night.site.spoolcom("DEV GOOD, DRAIN");
    night.submit("good");
    night.site.run("pdpr", &["-l", "-d", "good", night.document.to_str().unwrap()]).expect(0);
    night.site.spoolcom("DEV GOOD, START");
    night.site.wait_until_empty();
    night.site.spoolcom("LOC #PARK.ED, DEV NONE");
    night.submit("park.ed");
    night.site.run("pdpr", &["-l", "-d", "park.ed", night.document.to_str().unwrap()]).expect(0);
    let (total, free) = {
        let all: serde_json::Value = serde_json::from_str(&night.site.spoolcom_json("CHECK SPACE")).unwrap();
        assert_eq!((all["linked-octets"].as_u64(), all["linked-jobs"].as_u64()), (Some(11), Some(1)), "{all}");
        assert_eq!(all["by-destination"][0]["octets"], 11, "a link takes no room here: {all}");
        (all["total-octets"].as_u64().unwrap(), all["free-octets"].as_u64().unwrap())
    };
    if free > total / 100 * 89 {
        return;
    }
    night.site.spoolcom("SPOOLER, RESERVE 90%");
    let refused = night.site.run("pdpr", &["-d", "good", night.document.to_str().unwrap()]);
    assert_eq!(refused.status, 1, "{refused:#?}");
    refused.says("RESERVE");
    night.check("disk: ", &["submissions are refused", &total.to_string(), "reserve"]);
    has(&night.ask("CHECK SPACE").out, &["octets are free", "linked: 11 octets in 1 jobs", "owner "]);
}

#[test]
fn questions_9_and_18_what_was_in_print_when_a_process_was_killed() {
    let night = Night::new();
    let (printer, address) = listener();
    night.add("NET", &format!("socket://{address}"));
    let big = night.site.document("big", &vec![b'x'; 16 << 20]);
    night.site.run("pdpr", &["-d", "net", big.to_str().unwrap()]).expect(0);
    let (stream, _): (TcpStream, _) = printer.accept().unwrap();
    night.site.wait_for("it prints", || night.ask("DEV NET").out.contains("JOB 2"));
    let process: serde_json::Value =
        serde_json::from_str(&night.site.spoolcom_json("PRINT $SPLA, STATUS DETAIL")).unwrap();
    kill(
        pid(u32::try_from(process.as_array().map_or(&process, |rows| &rows[0])["pid"].as_u64().unwrap()).unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    let line =
        night.check("print process $SPLA: ", &["died", "last sign of life", "in print: JOB 2", "PRINT $SPLA, START"]);
    drop(stream);
    night.cure(&line);
    let (stream, _) = printer.accept().unwrap();
    night.site.wait_for("it is on record", || night.ask("CHECK DUPLICATES").out.contains("JOB 2 "));
    has(&night.ask("CHECK DUPLICATES").out, &["to #ALL.NET", "on $NET", "possible duplicate pages starting at 1"]);
    has(&night.ask("LOG SINCE CRASH").out, &["PRINT $SPLA died", "JOB 2 possible-duplicate", "PRINT $SPLA started"]);
    assert!(!night.ask("LOG SINCE CRASH").out.contains("GOOD"));
    drop(stream);
}

#[test]
fn question_10_it_is_us_when_a_print_process_hangs() {
    let night = Night::new();
    let (printer, address) = listener();
    night.add("NET", &format!("socket://{address}"));
    let big = night.site.document("big", &vec![b'x'; 16 << 20]);
    night.site.run("pdpr", &["-d", "net", big.to_str().unwrap()]).expect(0);
    let (stream, _): (TcpStream, _) = printer.accept().unwrap();
    night.submit("net");
    night.site.wait_for("it prints", || night.ask("DEV NET").out.contains("JOB 2"));
    let process: serde_json::Value =
        serde_json::from_str(&night.site.spoolcom_json("PRINT $SPLA, STATUS DETAIL")).unwrap();
    let hung = u32::try_from(process.as_array().map_or(&process, |rows| &rows[0])["pid"].as_u64().unwrap()).unwrap();
    kill(pid(hung), Signal::SIGSTOP).unwrap();
    let progress = Writer::create(&night.site.paths().progress(&"SPLA".parse().unwrap())).unwrap();
    // Silent for a while: the printer is not blamed for it, and nobody is told to do anything yet.
    progress.heartbeat(hung, clock::boot_ms() - 30_000).unwrap();
    has(&night.ask("DEV").out, &["PROCESS SILENT SINCE"]);
    has(&night.ask("JOB 2, WHY").out, &["$SPLA", "no sign of life"]);
    // For longer than the limit: it hangs.
    progress.heartbeat(hung, clock::boot_ms() - 61_000).unwrap();
    let parts =
        [&*hung.to_string(), "no sign of life", "since", "in print: JOB 2", "1 job waits", "PRINT $SPLA, START"];
    let line = night.check("print process $SPLA: ", &parts);
    assert_eq!(night.ask("CHECK").out.lines().count(), 1, "its printers are not blamed");
    has(&night.ask("PRINT").out, &["$SPLA", "ERROR"]);
    has(&night.ask("DEV").out, &["PROCESS HANGS SINCE"]);
    has(&night.ask("JOB 2, WHY").out, &["$SPLA", "hangs", "since", "PRINT $SPLA, START"]);
    // The cure ends the old one, and its successor prints; that it may come out twice is said.
    std::thread::spawn(move || {
        for stream in printer.incoming() {
            std::io::copy(&mut stream.unwrap(), &mut std::io::sink()).unwrap();
        }
    });
    night.cure(&line);
    night.site.wait_until_empty();
    night.is_well();
    has(&night.ask("PRINT $SPLA, LOG").out, &[&format!("PRINT START ended process {hung}, which hung")]);
    has(&night.ask("CHECK DUPLICATES").out, &["JOB 2 "]);
    drop(stream);
}

#[test]
fn questions_11_12_and_16_who_stopped_what() {
    let night = Night::new();
    let owner = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    night.add("LP1", &format!("file://{}", night.site.sink().display()));
    night.site.spoolcom("DEV LP1, DRAIN; LOC #GONE.GONE, DEV $LP1; LOC #GONE.GONE, DEV NONE");
    night.is_well();
    night.submit("lp1");
    night.submit("gone.gone");
    let line = night.check("device $LP1: ", &[&format!("by {owner}"), "1 job waits", "DEV $LP1, START"]);
    has(&night.ask("DEV LP1, LOG").out, &[&owner, "drained"]);
    has(&night.ask("JOB 2, WHY").out, &["$LP1", &owner]);
    night.cure(&line);
    night.check("location #GONE.GONE: ", &["leads to no device", "1 jobs", "LOC #GONE.GONE, DEV"]);
    has(&night.ask("JOB 3, WHY").out, &["#GONE.GONE", &owner]);
    night.site.spoolcom("LOC #GONE.GONE, DEV $LP1");
    night.site.wait_until_empty();
    night.site.spoolcom("SPOOLER, DRAIN");
    let line = night.check("spooler: ", &[&format!("by {owner}"), "no new job is taken", "SPOOLER, START"]);
    night.site.run("pdpr", &["-d", "lp1", night.document.to_str().unwrap()]).expect(1).says("SPOOLER, START");
    night.cure(&line);
    night.is_well();
}

#[test]
fn questions_13_to_15_and_17_why_a_job_waits() {
    let night = Night::new();
    let owner = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    night.add("FORMED", "null:, FORM A4");
    night.submit("formed");
    has(&night.ask("JOB 2, WHY").out, &["no form", "$FORMED carries form 'A4'"]);
    night.is_well();
    night.site.spoolcom("JOB 2, HOLD");
    has(&night.ask("JOB 2, WHY").out, &[&format!("it is held (by {owner}")]);
    night.site.run("pdls", &["-U", "-r", "why", "2"]).expect(0);
    // A linked file that is another one now.
    night.site.spoolcom("DEV GOOD, DRAIN");
    let file = night.site.document("linked", b"first\n");
    night.site.run("pdpr", &["-l", "-d", "good", file.to_str().unwrap()]).expect(0);
    std::fs::rename(night.site.document("other", b"second\n"), &file).unwrap();
    night.site.spoolcom("DEV GOOD, START");
    night.site.wait_for("it is held", || night.ask("CHECK JOB").status == 1);
    has(&night.ask("CHECK JOB").out, &["JOB 3 of ", "another file"]);
    has(&night.ask("JOB 3, WHY").out, &["another file"]);
}

#[test]
fn question_15_why_others_go_first() {
    let night = Night::new();
    let (printer, address) = listener();
    night.add("NET", &format!("socket://{address}, PROCESS $NETS, EXCLUSIVE OFF!"));
    night.site.spoolcom("DEV NET, DRAIN; DEV NET, FIFO OFF; DEV NET, START");
    let long = night.site.document("long", &vec![b'x'; 16 << 20]);
    let longer = night.site.document("longer", &"a line of text\n\x0c".repeat(400).into_bytes());
    night.site.run("pdpr", &["-d", "net", long.to_str().unwrap()]).expect(0);
    let (_stream, _) = printer.accept().unwrap();
    night.site.wait_for("it prints", || night.ask("DEV NET").out.contains("JOB 2"));
    night.site.run("pdpr", &["-d", "net", longer.to_str().unwrap()]).expect(0);
    night.submit("net");
    // The shorter one, which came later, goes first; place, pages before it, and what stops that are said.
    has(&night.ask("JOB 3, WHY").out, &["behind 2 jobs", "shorter jobs go first", "FIFO is OFF", "unknown"]);
    has(&night.ask("JOB 4, WHY").out, &["it is next on $NET", "job 2 prints now"]);
    night.is_well();
    // With a higher priority it is before it.
    night.site.spoolcom("JOB 3, HOLD; JOB 3, SELPRI 7; JOB 3, START");
    has(&night.ask("JOB 3, WHY").out, &["it is next on $NET"]);
}

#[test]
fn question_19_it_worked_yesterday() {
    let night = Night::new();
    let owner = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    night.add("LP1", "null:");
    night.add("LP2", "null:");
    night.site.spoolcom("LOC #OFFICE.FRONT, DEV $LP1");
    let out = night.ask("LOG SINCE 2020-01-01 00:00").expect(0).out;
    assert!(out.contains("LP2"), "{out}");
    let since = night.ask("LOG").out.lines().count();
    night.site.spoolcom("DEV LP1, DRAIN; DEV LP1, SPEED 1234; LOC #OFFICE.FRONT, DEV $LP2; DEV $LP2, DRAIN");
    night.site.spoolcom("LOC #ALL.LP2, DELETE");
    let out = night.ask("LOG").expect(0).out;
    let changed: Vec<_> = out.lines().skip(since).collect();
    let changed = changed.join("\n");
    let by = |words: &str| format!("{owner} {words}");
    has(&changed, &[&by("DEV $LP1 altered: SPEED 100 -> 1234"), &by("LOC #OFFICE.FRONT routed: DEV $LP1 -> $LP2")]);
    has(&changed, &[&by("LOC #ALL.LP2 deleted"), &by("DEV $LP2 drained")]);
    // Of one device alone.
    has(&night.ask("DEV LP1, LOG").out, &["drained", "SPEED 1234"]);
    assert!(!night.ask("DEV LP1, LOG").out.contains("LP2"));
}

#[test]
fn question_20_the_database_is_damaged() {
    let night = Night::new();
    night.site.spoolcom("DEV GOOD, DRAIN");
    night.submit("good");
    assert!(night.site.fastp_ends(crate::support::DEADLINE));
    let database = night.site.paths().database();
    // All that was written is in it, and nothing in its log.
    let written = rusqlite::Connection::open(&database).unwrap();
    written.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(written);
    let whole = std::fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[..4096].fill(0x55);
    std::fs::write(&database, &damaged).unwrap();
    let ran = night.ask("CHECK").expect(3);
    let said = format!("{}{}", ran.out, ran.err);
    has(&said, &["damaged", "pdfsck"]);
    // Every listing says it, and whoever submits; nothing is erased.
    night.ask("DEV").expect(3).says("damaged");
    night.site.run("pdls", &[]).expect(3).says("damaged");
    night.site.run("pdpr", &["-d", "good", night.document.to_str().unwrap()]).expect(3).says("damaged");
    assert_eq!(std::fs::read(&database).unwrap(), damaged);
    std::fs::write(&database, whole).unwrap();
    has(&night.ask("JOB").out, &["#ALL.GOOD"]);
}

#[test]
fn question_20_commands_hang() {
    let night = Night::new();
    let mut lock = None;
    night.site.wait_for("the gate is ours", || {
        lock = FileLock::try_exclusive(&night.site.paths().write_lock()).unwrap();
        lock.is_some()
    });
    holder::sign(lock.as_ref().unwrap());
    let asked = std::time::Instant::now();
    night.ask("CHECK");
    assert!(asked.elapsed() < Duration::from_secs(5), "asking waits for no writer");
    night.site.wait_for("it is found", || night.ask("CHECK").status == 1);
    let out = night.ask("CHECK").expect(1).out;
    has(&out, &[&std::process::id().to_string(), "since"]);
    drop(lock);
    night.is_well();
}
