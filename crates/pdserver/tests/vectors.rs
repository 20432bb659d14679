//! The acceptance vectors of doors that have no test of their own elsewhere; those that have one bear its number too, so that
//! `cargo test vector_` runs all 25. The programs are those of Debian.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{setsockopt, sockopt};

use super::doors::{GOOD, Sender, backend, control, installed, site, text};
use super::support::cups::Cups;
use super::support::{ANN, DEADLINE, Machine, OPERATOR, Outcome};

const CUPSD: &str = "/usr/sbin/cupsd";

/// LPRng sends a job three times when its last acknowledgement does not come, with the same number and the same A and D lines.
#[test]
fn vector_09_a_job_whose_reply_was_withheld_is_one_job_and_two_announcements() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    let said = "Hhosta\nPann\nJnotes\nCB\nLann\nZduplex\nAann@hosta+300\nD2026-11-29-10:00:00.000\nQoffice.front\n\
                ldfA300hosta\nUdfA300hosta\nNnotes.txt\n";
    for sent in 1..=3 {
        let mut sender = Sender::open(at, "office.front");
        assert_eq!(sender.file(2, "cfA300hosta", said.as_bytes()), GOOD);
        sender.0.write_all(b"\x037 dfA300hosta\n").unwrap();
        assert_eq!(sender.answer(), Some(0));
        sender.0.write_all(b"octets\n\0").unwrap();
        // From here on its side of the connection acknowledges nothing, and it goes without a word.
        setsockopt(&sender.0, sockopt::TcpRepair, &1).unwrap();
        machine.wait_for("it is a job", || machine.jobs().len() == sent);
        drop(sender);
    }
    let announced = |number: &str| machine.history(number).contains("once more");
    machine.wait_for("they are announced", || ["1", "2", "3"].map(announced) == [true; 3]);
    machine.wait_for("they are counted", || machine.shown("lpd1", "door-duplicates-announced") == "2");
}

/// The commit is made to fail: the spool takes no jobs any more when the last octet comes.
#[test]
fn vector_08_a_job_that_is_not_taken_at_its_end_is_refused_by_an_octet() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("lpd1", "lpd", &[]);
    let mut sender = Sender::open(at, "office.front");
    assert_eq!(sender.file(2, "cfA001hosta", control("late", &["dfA001hosta"]).as_bytes()), GOOD);
    sender.0.write_all(b"\x037 dfA001hosta\n").unwrap();
    assert_eq!(sender.answer(), Some(0));
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, DRAIN"]).expect(0);
    sender.0.write_all(b"octets\n\0").unwrap();
    assert_eq!(sender.answer(), Some(1));
    assert!(machine.jobs().is_empty());
    let lpd = "/usr/lib/cups/backend/lpd";
    if !installed(lpd) {
        return;
    }
    let file = machine.file(ANN, "print", "octets\n", 0o644);
    let send = |machine: &Machine| {
        let uri = format!("lpd://{at}/office.front?contimeout=1");
        backend(machine, lpd, &uri, &["1", "ann", "t", "1", "", &file], None).status
    };
    assert_ne!(send(&machine), 0, "a drained spool");
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, START"]).expect(0);
    machine.stop();
    machine.start_with(&[("PD_FAULT", Path::new("before-commit"))]);
    machine.door(&["set", "lpd1", "--listen", &at.to_string()]).expect(0);
    machine.wait_for("it listens", || super::doors::listens(at));
    assert_ne!(send(&machine), 0, "a server that dies before the commit");
}

/// Copies through the queues of a CUPS, by each of its backends: what arrives as n copies prints n copies.
#[test]
fn vector_16_a_hundred_jobs_of_three_copies_come_through_a_queue_of_cups() {
    let Some(machine) = site() else { return };
    if !installed(CUPSD) {
        return;
    }
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let cups = Cups::start(&machine);
    cups.raw_queue("q", &format!("ipp://{at}/printers/office.front?waitjob=false"));
    for n in 0..100 {
        let file = machine.file(ANN, "print", &format!("job {n:03} of a hundred\n"), 0o644);
        cups.run("/usr/bin/lp", &["-d", "q", "-n", "3", "-o", "raw", &file]).expect(0);
    }
    machine.wait_for("all are completed there", || cups.is_empty());
    let ended = cups.run("/usr/bin/lpstat", &["-W", "completed", "-o"]).expect(0).out;
    assert_eq!(ended.lines().count(), 100, "{}", cups.log());
    machine.wait_for("each has come once", || machine.shown("ipp1", "door-jobs-accepted") == "100");
    let printed = |n: usize| machine.paper().matches(&format!("job {n:03} of a hundred\n")).count();
    machine.wait_for("all are printed", || machine.paper().lines().count() >= 300 && machine.jobs().is_empty());
    assert!((0..100).all(|n| printed(n) == 3), "{}", machine.paper());
    assert_eq!(machine.shown("ipp1", "door-duplicates-announced"), "0");
}

#[test]
fn copies_print_as_often_as_they_were_asked_for_by_each_backend() {
    let Some(machine) = site() else { return };
    if !installed(CUPSD) {
        return;
    }
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let ipp = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let lpd = machine.add_door("lpd1", "lpd", &["--to", "office.front"]);
    let raw = machine.add_door("raw1", "raw", &["--to", "office.front"]);
    let cups = Cups::start(&machine);
    for (queue, uri) in [
        ("ipp", format!("ipp://{ipp}/printers/office.front?waitjob=false")),
        ("lpd", format!("lpd://{lpd}/office.front")),
        ("lines", format!("lpd://{lpd}/office.front?manual_copies=no")),
        ("raw", format!("socket://{raw}")),
    ] {
        cups.raw_queue(queue, &uri);
        for copies in 1..4 {
            let line = format!("{copies} by {queue}\n");
            let file = machine.file(ANN, "print", &line, 0o644);
            cups.run("/usr/bin/lp", &["-d", queue, "-n", &copies.to_string(), "-o", "raw", &file]).expect(0);
            machine.wait_for("it is printed", || machine.paper().matches(&line).count() == copies);
        }
    }
    machine.wait_for("all are completed there", || cups.is_empty() && machine.jobs().is_empty());
    let all =
        ["ipp", "lpd", "lines", "raw"].iter().flat_map(|queue| (1..4).map(move |n| (n, format!("{n} by {queue}\n"))));
    for (copies, line) in all {
        assert_eq!(machine.paper().matches(&line).count(), copies, "{line}");
    }
}

/// Documents come whole by `curl`, however slowly, or not at all.
#[test]
fn vector_18_curl_delivers_slowly_in_chunks_and_what_has_two_lengths_is_refused() {
    use spoolsuite::wire::ipp::{Group, Head, Message, Value, tag};
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/curl") {
        return;
    }
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let mut group = Group::new(tag::OPERATION);
    group.add("attributes-charset", Value::Octets(tag::CHARSET, b"utf-8".to_vec()));
    group.add("attributes-natural-language", Value::Octets(tag::LANGUAGE, b"en".to_vec()));
    group.add("printer-uri", Value::uri("ipp://localhost/printers/office.front"));
    let message = Message { head: Head { version: (1, 1), code: 2, id: 1 }, groups: vec![group] }.encode();
    let octets: Vec<u8> = (0..64 << 20u32).map(|n: u32| (n % 251) as u8).collect();
    let body = machine.path("body");
    std::fs::write(&body, [&message[..], &octets].concat()).unwrap();
    let curl = |more: &[&str]| {
        let mut command = Command::new("/usr/bin/curl");
        command.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/ipp"]);
        command.arg("--data-binary").arg(format!("@{}", body.display())).args(more);
        Outcome::of_foreign(command.arg(format!("http://{at}/printers/office.front")).stdin(Stdio::null()))
    };
    assert_eq!(curl(&["-H", "Expect: 100-continue"]).expect(0).out, "200");
    assert_eq!(curl(&["-H", "Transfer-Encoding: chunked", "--limit-rate", "40M"]).expect(0).out, "200");
    assert_eq!(curl(&["-H", "Content-Length: 5", "-H", "Transfer-Encoding: chunked"]).out, "400");
    // One that goes away in the middle leaves nothing.
    assert_ne!(curl(&["--limit-rate", "4M", "--max-time", "1"]).status, 0);
    machine.wait_for("the half one is counted", || machine.shown("ipp1", "door-jobs-unfinished") == "1");
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let paper = || std::fs::metadata(machine.path("paper/out")).map_or(0, |meta| meta.len() as usize);
    machine.wait_for("two are printed", || paper() == 2 * octets.len());
    let printed = std::fs::read(machine.path("paper/out")).unwrap();
    assert!(printed.chunks(octets.len()).all(|each| each == octets));
}

/// What a command said, with what differs between two systems taken out: numbers, dates, sizes and names of users.
fn shape(outcome: &Outcome) -> (i32, Vec<String>) {
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| {
            let digits = word.chars().any(|one| one.is_ascii_digit());
            let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word);
            let month = "JanFebMarAprMayJunJulAugSepOctNovDec".contains(word) && word.len() == 3;
            match word {
                _ if digits || day || month => "N",
                "root" | "unknown" => "USER",
                word => word,
            }
        });
        let mut words: Vec<&str> = words.collect();
        words.dedup_by(|a, b| a == b && *a == "N");
        words.join(" ")
    };
    (outcome.status, outcome.out.lines().chain(outcome.err.lines()).map(line).collect())
}

/// The commands that host applications call, against a CUPS and against a door with the same commands.
#[test]
fn vector_25_the_calls_of_host_applications_have_the_same_shapes_as_with_cups() {
    let Some(machine) = site() else { return };
    if !installed(CUPSD) {
        return;
    }
    let place = format!("unix:{}", machine.path("run/ipp").display());
    machine.door(&["add", "ipp1", "ipp", "--listen", &place, "--to", "q=office.front"]).expect(0);
    let cups = Cups::start(&machine);
    // It takes jobs and prints none, as ours does.
    cups.raw_queue("q", "file:///dev/null");
    cups.run("/usr/sbin/cupsdisable", &["q"]).expect(0);
    cups.run("/usr/sbin/lpadmin", &["-d", "q"]).expect(0);
    let ours = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.env("CUPS_SERVER", machine.path("run/ipp")).env("LC_ALL", "C").env("HOME", machine.path("cups"));
        Outcome::of_foreign(command.args(arguments).stdin(Stdio::null()))
    };
    let (f, g) = (machine.file(0, "f", "a document\n", 0o644), machine.file(0, "g", "another\n", 0o644));
    let empty = machine.file(0, "empty", "", 0o644);
    let (lp, lpr, lpstat, cancel) = ("/usr/bin/lp", "/usr/bin/lpr", "/usr/bin/lpstat", "/usr/bin/cancel");
    let calls: &[(&str, &[&str])] = &[
        (lp, &["-d", "q", "-t", "T", "-n", "2", "-o", "raw", &f, &g]),
        (lp, &["-s", "-d", "q", "-o", "raw", &f]),
        (lp, &["-dq", "-n2", "-onb", "-o", "raw", &f]),
        (lp, &["-c", "-m", "-w", "-onobanner", "-dq", "-o", "raw", &f]),
        (lp, &["-d", "q", "-o", "raw", &empty]),
        (lp, &["-d", "nowhere", &f]),
        (lp, &["-d", "q", "/nonexistent"]),
        (lpr, &["-P", "q", "-#", "2", "-J", "T", "-l", "-h", &f]),
        (lpstat, &["-o"]),
        (lpstat, &["-o", "q"]),
        (lpstat, &["-a"]),
        (lpstat, &["-d"]),
        (lpstat, &["-r"]),
        (cancel, &["q-99"]),
        ("/usr/bin/lprm", &["99"]),
        (cancel, &["q-1"]),
        (lpstat, &["-o"]),
        (lpstat, &["q-1"]),
        ("/usr/bin/lprm", &["2"]),
        (lp, &["-i", "q-3", "-H", "hold"]),
        (lp, &["-i", "q-3", "-H", "resume"]),
        (cancel, &["-a"]),
        (lpstat, &["-o"]),
    ];
    for (program, arguments) in calls {
        let (theirs, own) = (cups.run(program, arguments), ours(program, arguments));
        assert_eq!(shape(&own), shape(&theirs), "{program} {arguments:?}: {own:#?} {theirs:#?}");
    }
    // What is thrown away after lp has ended was copied before.
    let line = format!("{lp} -dq -n2 -onb -or {f}; rm {f}");
    let mut shell = Command::new("sh");
    shell.env("CUPS_SERVER", machine.path("run/ipp")).env("LC_ALL", "C").args(["-c", &line]);
    Outcome::of_foreign(shell.stdin(Stdio::null())).expect(0);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("it prints twice", || machine.paper().matches("a document\n").count() == 2);
    assert_eq!(text(&serde_json::json!({"left": std::fs::exists(&f).unwrap()}), "left"), "false");
}

/// The real `rlpq` and its long form, with no job, one, and twelve.
#[test]
fn vector_12_rlpq_reads_queues_of_any_length() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/rlpq") {
        return;
    }
    let at = machine.add_door("lpd1", "lpd", &[]);
    let rlpq = |more: &[&str]| {
        let mut command = Command::new("/usr/bin/rlpq");
        command.args(["-N", "-H", "127.0.0.1", "--port", &at.port().to_string(), "-P", "office.front"]).args(more);
        Outcome::of_foreign(command.stdin(Stdio::null())).expect(0).out
    };
    assert!(rlpq(&[]).contains("no entries"), "{}", rlpq(&[]));
    let long = "a-user-whose-name-is-longer-than-the-column-of-owners";
    for n in 1..=12 {
        let mut sender = Sender::open(at, "office.front");
        let said = format!("Hhosta\nP{long}\nJtitle {n}\nldfA001hosta\nNf.txt\n");
        assert_eq!(sender.file(2, "cfA001hosta", said.as_bytes()), GOOD);
        assert_eq!(sender.file(3, "dfA001hosta", b"octets\n"), GOOD);
        super::doors::finish(sender);
        if n == 1 {
            assert!(rlpq(&[]).lines().any(|line| line.starts_with("1st ")), "{}", rlpq(&[]));
        }
    }
    let said = rlpq(&[]);
    for (n, rank) in
        ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th", "11th", "12th"].iter().enumerate()
    {
        let row: Vec<&str> =
            said.lines().find(|line| line.starts_with(&format!("{rank} "))).unwrap().split_whitespace().collect();
        // Rank, owner, number, title of two words, size and its unit.
        assert_eq!(row.len(), 7, "{said}");
        assert_eq!(row[2], (n + 1).to_string(), "{said}");
        assert!(long.starts_with(row[1]), "{said}");
    }
    assert!(rlpq(&["-l"]).contains("11th"), "{}", rlpq(&["-l"]));
}

/// The connection of a sender that is not read to its end ends on its own, whatever it is.
#[test]
fn an_empty_connection_is_no_job_at_any_door() {
    let Some(machine) = site() else { return };
    for (name, kind) in [("lpd1", "lpd"), ("ipp1", "ipp"), ("raw1", "raw")] {
        let at = machine.add_door(name, kind, &["--to", "office.front"]);
        for _ in 0..20 {
            drop(TcpStream::connect(at).unwrap());
        }
        let stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(std::io::Read::read(&mut &stream, &mut [0]).unwrap_or(0), 0, "{kind}");
    }
    assert!(machine.jobs().is_empty());
}

/// A queue without a driver for a destination that is declared to print PDF, and none for one that takes octets as they are.
#[test]
fn vector_17_lpadmin_makes_a_queue_without_a_driver_where_pdf_is_declared() {
    let Some(machine) = site() else { return };
    if !installed(CUPSD) || !installed("/usr/lib/cups/filter/pdftopdf") || !installed("/usr/bin/ipptool") {
        return;
    }
    let declare = "LOC #OFFICE.FRONT, CONTENT pdf; LOC #OFFICE.RAW, DEV LP1; DEV LP1, START";
    machine.run(OPERATOR, "spoolcom", &[declare]).expect(0);
    let at = machine.add_door("ipp1", "ipp", &[]);
    let cups = Cups::start(&machine);
    let uri = |name: &str| format!("ipp://{at}/printers/{name}");
    cups.run("/usr/sbin/lpadmin", &["-p", "pdf", "-v", &uri("office.front"), "-m", "everywhere", "-E"]).expect(0);
    // The scheduler asks the printer by itself.
    let ppd = machine.path("cups/conf/ppd/pdf.ppd");
    machine.wait_for("a description is made", || ppd.exists());
    let ppd = std::fs::read_to_string(ppd).unwrap();
    assert!(ppd.contains("application/pdf") && ppd.contains("*DefaultPageSize: A4"), "{ppd}");
    let document = machine.file(ANN, "document.pdf", PDF, 0o644);
    let sealed = machine.add_door("ipp2", "ipp", &["--tls", "true", "--trust-users", "127.0.0.0/8"]);
    for (scheme, name) in [
        ("ipp", "get-printer-attributes.test"),
        ("ipp", "get-printer-description-attributes.test"),
        ("ipp", "get-job-template-attributes.test"),
        ("ipps", "ipp-1.1.test"),
    ] {
        let uri = format!("{scheme}://{sealed}/ipp/print/office.front");
        let said = cups.run("/usr/bin/ipptool", &["-tI", "-d", "NOPRINT=1", "-f", &document, &uri, name]);
        assert_eq!(said.status, 0, "{uri} {name}: {}{}", said.out, said.err);
    }
    let _ = cups.run("/usr/sbin/lpadmin", &["-p", "none", "-v", &uri("office.raw"), "-m", "everywhere", "-E"]);
    machine.wait_for("it is refused", || {
        let shown = cups.run("/usr/bin/lpstat", &["-l", "-p", "none"]);
        format!("{}{}{}", shown.out, shown.err, cups.log()).contains("does not support required IPP attributes")
    });
    assert!(!machine.path("cups/conf/ppd/none.ppd").exists());
    cups.raw_queue("raw", &uri("office.raw"));
    let file = machine.file(ANN, "print", "octets as they are\n", 0o644);
    cups.run("/usr/bin/lp", &["-d", "raw", "-o", "raw", &file]).expect(0);
    machine.wait_for("it is printed as it is", || machine.paper().contains("octets as they are\n"));
    machine.wait_for("those are printed", || machine.jobs().is_empty());
    std::fs::write(machine.path("paper/out"), "").unwrap();
    let pdf = machine.file(ANN, "print.pdf", PDF, 0o644);
    cups.run("/usr/bin/lp", &["-d", "pdf", "-o", "media=A4", "-t", "A page", &pdf]).expect(0);
    machine.wait_for("a document is printed", || {
        let paper = std::fs::read(machine.path("paper/out")).unwrap_or_default();
        paper.windows(5).any(|part| part == b"%PDF-")
    });
    machine.wait_for("it is completed there", || cups.is_empty());
}

/// A page with nothing on it.
const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n\
0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n165\n%%EOF\n";
