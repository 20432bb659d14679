//! The door that speaks IPP. The clients are ours, where something has to go wrong at a certain octet, and those of Debian.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{setsockopt, sockopt};
use spoolsuite::wire::ipp::{Group, Head, Message, Value, tag};

use super::doors::{installed, text};
use super::support::{ANN, BOB, DEADLINE, Machine, OPERATOR, Outcome};

pub const PRINT_JOB: u16 = 2;
const VALIDATE_JOB: u16 = 4;
const CREATE_JOB: u16 = 5;
const SEND_DOCUMENT: u16 = 6;
const CANCEL_JOB: u16 = 8;
const GET_JOB: u16 = 9;
const GET_JOBS: u16 = 10;
const GET_PRINTER: u16 = 11;
const HOLD_JOB: u16 = 12;
const RELEASE_JOB: u16 = 13;

fn site() -> Option<Machine> {
    let machine = Machine::new()?;
    machine.declare();
    Some(machine)
}

/// A request for a printer by a user.
pub fn asks(code: u16, uri: &str, user: &str) -> Message {
    let mut group = Group::new(tag::OPERATION);
    group.add("attributes-charset", Value::Octets(tag::CHARSET, b"utf-8".to_vec()));
    group.add("attributes-natural-language", Value::Octets(tag::LANGUAGE, b"en".to_vec()));
    let name = if uri.contains("/jobs/") { "job-uri" } else { "printer-uri" };
    group.add(name, Value::uri(uri));
    if !user.is_empty() {
        group.add("requesting-user-name", Value::name(user));
    }
    Message { head: Head { version: (2, 0), code, id: 1 }, groups: vec![group] }
}

pub fn with(mut message: Message, name: &str, value: Value) -> Message {
    message.groups[0].add(name, value);
    message
}

fn of_job(mut message: Message, name: &str, value: Value) -> Message {
    if message.groups.len() == 1 {
        message.groups.push(Group::new(tag::JOB));
    }
    message.groups[1].add(name, value);
    message
}

/// A request of HTTP with a length.
pub fn posted(message: &Message, document: &[u8]) -> Vec<u8> {
    let body = [&message.encode()[..], document].concat();
    let head = format!(
        "POST /printers/x HTTP/1.1\r\nHost: here:631\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// A client.
pub struct Client(pub TcpStream);

impl Client {
    pub fn new(at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    /// The status of HTTP and the body of an answer; none when the connection ended before it.
    fn answer(&mut self) -> Option<(u16, Vec<u8>)> {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                match self.0.read(&mut octet) {
                    Ok(1) => head.push(octet[0]),
                    _ => return None,
                }
            }
            let head = String::from_utf8(head).unwrap();
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            self.0.read_exact(&mut body).ok()?;
            if status != 100 {
                return Some((status, body));
            }
        }
    }

    pub fn message(&mut self) -> Option<Message> {
        let (status, body) = self.answer()?;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let mut octets = body.as_slice();
        let head = Head::read(&mut octets).unwrap();
        Some(Message::read(head, &mut octets).unwrap())
    }

    fn ask(&mut self, message: &Message, document: &[u8]) -> Message {
        self.0.write_all(&posted(message, document)).unwrap();
        self.message().expect("an answer")
    }

    fn reset(self) {
        setsockopt(&self.0, sockopt::Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    }
}

fn ask(at: SocketAddr, message: &Message, document: &[u8]) -> Message {
    Client::new(at).ask(message, document)
}

/// The value of an attribute of the first group with a tag, as text or number.
fn value(message: &Message, group: u8, name: &str) -> String {
    match message.group(group).and_then(|group| group.value(name)) {
        Some(Value::Integer(n) | Value::Enum(n)) => n.to_string(),
        Some(Value::Boolean(yes)) => yes.to_string(),
        Some(other) => other.as_text().unwrap_or_default(),
        None => String::new(),
    }
}

fn said(message: &Message) -> (u16, String) {
    (message.head.code, value(message, tag::OPERATION, "status-message"))
}

pub const FRONT: &str = "ipp://localhost/printers/office.front";

#[test]
fn a_job_is_on_disk_before_it_is_acknowledged_and_prints_as_it_came() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let request = with(asks(PRINT_JOB, FRONT, "ann"), "job-name", Value::name("A title"));
    let request = of_job(request, "copies", Value::Integer(2));
    let done = ask(at, &request, b"octets of it\n");
    assert_eq!(done.head.code, 0, "{done:?}");
    assert_eq!(value(&done, tag::JOB, "job-id"), "1");
    assert_eq!(value(&done, tag::JOB, "job-uri"), "ipp://here:631/jobs/1");
    let jobs = machine.jobs();
    assert_eq!((text(&jobs[0], "job-name"), text(&jobs[0], "job-owner")), ("A title".into(), "ann@127.0.0.1".into()));
    assert_eq!(text(&jobs[0], "received-from"), "ipp1 127.0.0.1");
    // What it waits for is said, in the words of WHY.
    let job = ask(at, &asks(GET_JOB, "ipp://localhost/jobs/1", "ann"), b"");
    assert_eq!(value(&job, tag::JOB, "job-state"), "3");
    assert!(value(&job, tag::JOB, "job-state-message").contains("$LP1"), "{job:?}");
    let printer = ask(at, &asks(GET_PRINTER, FRONT, ""), b"");
    assert_eq!(value(&printer, tag::PRINTER, "printer-state"), "5");
    assert_eq!(value(&printer, tag::PRINTER, "printer-state-reasons"), "paused");
    assert_eq!(value(&printer, tag::PRINTER, "printer-is-accepting-jobs"), "true");
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("both copies are printed", || machine.paper().matches("octets of it\n").count() == 2);
    machine.wait_for("it has ended", || {
        value(&ask(at, &asks(GET_JOB, "ipp://localhost/jobs/1", "ann"), b""), tag::JOB, "job-state") == "9"
    });
    // A client that polls finds it among the completed ones too.
    let completed = with(asks(GET_JOBS, FRONT, "ann"), "which-jobs", Value::keyword("completed"));
    assert_eq!(value(&ask(at, &completed, b""), tag::JOB, "job-id"), "1");
    assert_eq!(value(&ask(at, &asks(GET_JOBS, FRONT, "ann"), b""), tag::JOB, "job-id"), "");
}

#[test]
fn vector_19_a_job_of_several_requests_arrives_with_its_last_document() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--timeout", "1", "--trust-users", "127.0.0.0/8"]);
    let create = |title: &str| {
        let request = of_job(asks(CREATE_JOB, FRONT, "zoe"), "copies", Value::Integer(3));
        let done = ask(at, &with(request, "job-name", Value::name(title)), b"");
        assert_eq!(done.head.code, 0, "{done:?}");
        assert_eq!(value(&done, tag::JOB, "job-state-reasons"), "job-incoming");
        value(&done, tag::JOB, "job-uri").replace("here:631", "localhost")
    };
    let send = |uri: &str, user: &str, last: bool, document: &[u8]| {
        ask(at, &with(asks(SEND_DOCUMENT, uri, user), "last-document", Value::Boolean(last)), document)
    };
    let first = create("two documents");
    assert_eq!(machine.titles(), ["two documents"]);
    assert_eq!(text(&machine.jobs()[0], "current-job-state"), "pre-processing");
    assert_eq!(send(&first, "zoe", false, b"one\n").head.code, 0);
    assert_eq!(send(&first, "mallory", true, b"forged\n").head.code, 0x0403);
    assert_eq!(said(&ask(at, &asks(SEND_DOCUMENT, &first, "zoe"), b"x")).0, 0x0400, "last-document is missing");
    let done = send(&first, "zoe", true, b"two\n");
    assert_eq!((done.head.code, value(&done, tag::JOB, "job-state")), (0, "3".to_owned()), "{done:?}");
    assert_eq!(text(&machine.jobs()[0], "total-job-octets"), "8");
    assert_eq!(send(&first, "zoe", true, b"late\n").head.code, 0x0404);
    // Without a last document it is complete after a while; without any it is given up, and nothing of it is left.
    let (second, third) = (create("no last one"), create("none"));
    assert_eq!(send(&second, "zoe", false, b"all\n").head.code, 0);
    machine.wait_for("both have ended", || {
        let states: Vec<String> = machine.jobs().iter().map(|job| text(job, "current-job-state")).collect();
        states == ["pending", "pending"]
    });
    assert_eq!(machine.titles(), ["two documents", "no last one"]);
    assert!(machine.history("2").contains("said of no document that it is the last"), "{}", machine.history("2"));
    assert_eq!(value(&ask(at, &asks(GET_JOB, &third, "zoe"), b""), tag::JOB, "job-state"), "7");
    // One that is cancelled while it arrives takes no more documents.
    let fourth = create("cancelled");
    assert_eq!(ask(at, &asks(CANCEL_JOB, &fourth, "zoe"), b"").head.code, 0);
    assert_eq!(send(&fourth, "zoe", true, b"x\n").head.code, 0x0404);
    let files = std::fs::read_dir(machine.path("base/acme1")).unwrap().flatten();
    assert_eq!(files.filter(|file| file.file_name().to_string_lossy().starts_with("pdpr")).count(), 3);
}

#[test]
fn wrong_requests_get_the_status_that_says_why() {
    let Some(machine) = site() else { return };
    let at =
        machine.add_door("ipp1", "ipp", &["--to", "office.front", "--to", "lp=office.front", "--max-octets", "100"]);
    let code = |message: Message| ask(at, &message, b"octets\n").head.code;
    let good = || asks(VALIDATE_JOB, FRONT, "ann");
    assert_eq!(code(good()), 0);
    assert_eq!(code(asks(VALIDATE_JOB, "ipp://elsewhere:99/ipp/print/lp", "ann")), 0);
    let head = |head: Head| Message { head, ..good() };
    assert_eq!(code(head(Head { version: (0, 0), code: 4, id: 1 })), 0x0503);
    assert_eq!(code(head(Head { version: (3, 0), code: 4, id: 1 })), 0x0503);
    assert_eq!(code(head(Head { version: (2, 0), code: 4, id: 0 })), 0x0400);
    assert_eq!(code(head(Head { version: (2, 0), code: 0x0003, id: 1 })), 0x0501);
    assert_eq!(code(head(Head { version: (2, 0), code: 0x400b, id: 1 })), 0x0501);
    for (answers, asked) in [((1, 0), (1, 0)), ((1, 1), (1, 1)), ((2, 0), (2, 1))] {
        let answer = ask(at, &head(Head { version: asked, code: 4, id: 77 }), b"");
        assert_eq!((answer.head.version, answer.head.id), (answers, 77));
    }
    for cut in 0..3 {
        let mut message = good();
        message.groups[0].attributes.remove(cut);
        assert_eq!(code(message), 0x0400, "without attribute {cut}");
    }
    let mut swapped = good();
    swapped.groups[0].attributes.swap(0, 1);
    assert_eq!(code(swapped), 0x0400);
    let mut twice = good();
    let again = twice.groups[0].clone();
    twice.groups.push(again);
    assert_eq!(code(twice), 0x0400);
    let mut charset = good();
    charset.groups[0].attributes[0].values = vec![Value::Octets(tag::CHARSET, b"utf-16".to_vec())];
    assert_eq!(code(charset), 0x040d);
    assert_eq!(code(asks(VALIDATE_JOB, "ipp://localhost/printers/nowhere", "ann")), 0x0406);
    assert_eq!(code(asks(VALIDATE_JOB, "ipp://localhost/printers/../../etc/passwd", "ann")), 0x0406);
    assert_eq!(code(asks(GET_JOB, "ipp://localhost/jobs/99", "ann")), 0x0406);
    assert_eq!(code(with(good(), "compression", Value::keyword("compress"))), 0x040f);
    assert_eq!(code(with(good(), "document-format", Value::mime("application/pdf"))), 0x040a);
    assert_eq!(code(with(good(), "document-format", Value::mime("application/vnd.cups-raw"))), 0);
    // What a program makes into what the device prints is taken.
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, TRANSFORM 'image/pwg-raster' some-program"]).expect(0);
    assert_eq!(code(with(good(), "document-format", Value::mime("image/pwg-raster"))), 0);
    assert_eq!(code(with(good(), "document-format", Value::mime("application/pdf"))), 0x040a);
    // What is not known is left out and listed, unless somebody wants all of it.
    let sides = of_job(good(), "sides", Value::keyword("two-sided-long-edge"));
    let answer = ask(at, &sides, b"");
    assert_eq!((answer.head.code, value(&answer, tag::UNSUPPORTED, "sides")), (1, "two-sided-long-edge".to_owned()));
    assert_eq!(code(with(sides, "ipp-attribute-fidelity", Value::Boolean(true))), 0x040b);
    // Sizes: by the head, and where chunks tell it late.
    let large = ask(at, &asks(PRINT_JOB, FRONT, "ann"), &[b'x'; 101]);
    assert_eq!(large.head.code, 0x0408);
    let mut client = Client::new(at);
    client
        .0
        .write_all(b"POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let body = [&asks(PRINT_JOB, FRONT, "ann").encode()[..], &[b'x'; 101]].concat();
    client.0.write_all(&[format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()).unwrap();
    assert_eq!(client.message().unwrap().head.code, 0x0408);
    assert_eq!(ask(at, &asks(PRINT_JOB, FRONT, "ann"), b"").head.code, 0x0400, "an empty document");
    assert!(machine.jobs().is_empty());

    machine.door(&["drain", "ipp1"]).expect(0);
    let drained = ask(at, &asks(PRINT_JOB, FRONT, "ann"), b"x\n");
    assert_eq!(drained.head.code, 0x0506);
    assert!(said(&drained).1.contains("drained"), "{drained:?}");
    let printer = ask(at, &asks(GET_PRINTER, FRONT, ""), b"");
    assert_eq!(value(&printer, tag::PRINTER, "printer-is-accepting-jobs"), "false");
    machine.wait_for("refusals are counted", || machine.shown("ipp1", "door-jobs-refused") == "4");
}

/// A door declares what the spool takes, and no more.
#[test]
fn what_a_door_declares_is_taken() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    machine.run(OPERATOR, "pdset", &["-x", "document-formats-supported=pcl", "LP1"]).expect(0);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, TRANSFORM 'image/pwg-raster' some-program"]).expect(0);
    let declared = || {
        let printer = ask(at, &asks(GET_PRINTER, FRONT, ""), b"");
        let group = printer.group(tag::PRINTER).unwrap();
        let values = group.attributes.iter().find(|one| one.name == "document-format-supported").unwrap();
        values.values.iter().filter_map(Value::as_text).collect::<Vec<_>>()
    };
    let code = |format: &str| {
        let message = with(asks(PRINT_JOB, FRONT, "ann"), "document-format", Value::mime(format));
        let octets: &[u8] = match format {
            "application/pdf" => b"%PDF-1.4\n%%EOF\n",
            "image/pwg-raster" => b"RaS2PwgRaster\0",
            _ => b"\x1bE\x1b&l0Oone\x0c\x1bE",
        };
        let answer = ask(at, &message, octets);
        (answer.head.code, value(&answer, tag::OPERATION, "status-message"))
    };
    assert!(declared().contains(&"image/pwg-raster".to_owned()), "{:?}", declared());
    assert!(!declared().contains(&"application/pdf".to_owned()), "its device does not print it: {:?}", declared());
    // What is sent without the name of a format is what its octets say: PCL.
    for format in declared() {
        assert_eq!(code(&format).0, 0, "{format}: {}", code(&format).1);
    }
    assert_eq!(code("application/pdf").0, 0x040a);
    machine.run(OPERATOR, "pdset", &["-x", "document-formats-supported+=pdf", "LP1"]).expect(0);
    assert!(declared().contains(&"application/pdf".to_owned()), "{:?}", declared());
    assert_eq!(code("application/pdf").0, 0);
}

/// What no device supports is refused or held by a door as by `pdpr`, and what a destination says in words that name no format is
/// a limit all the same.
#[test]
fn what_no_device_supports_is_refused_or_held_as_by_pdpr() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, DRAIN"]).expect(0);
    machine.run(OPERATOR, "pdset", &["-x", "document-formats-supported=pcl", "LP1"]).expect(0);
    let declared = || {
        let printer = ask(at, &asks(GET_PRINTER, FRONT, ""), b"");
        let group = printer.group(tag::PRINTER).unwrap();
        let values = group.attributes.iter().find(|one| one.name == "document-format-supported").unwrap();
        values.values.iter().filter_map(Value::as_text).collect::<Vec<_>>()
    };
    let pdf: &[u8] = b"%PDF-1.4\n%%EOF\n";
    let code = |format: &str| {
        let message = with(asks(PRINT_JOB, FRONT, "ann"), "document-format", Value::mime(format));
        ask(at, &message, pdf).head.code
    };
    // It is the format that is lacking, whoever finds out: the door by its name, or the spool by the octets.
    assert_eq!(code("application/pdf"), 0x040a);
    assert_eq!(code("application/octet-stream"), 0x040a);
    assert_eq!(code("application/vnd.hp-pcl"), 0x040a);
    // Something else is lacking.
    machine
        .run(OPERATOR, "pdset", &["-x", "document-formats-supported+=pdf maximum-copies-supported=1", "LP1"])
        .expect(0);
    let copies = of_job(asks(PRINT_JOB, FRONT, "ann"), "copies", Value::Integer(2));
    assert_eq!(ask(at, &copies, pdf).head.code, 0x040b);
    machine.run(OPERATOR, "pdset", &["-x", "document-formats-supported=stone-tablets", "LP1"]).expect(0);
    assert_eq!((code("application/pdf"), code("application/octet-stream")), (0x040a, 0x040a));
    assert_eq!(declared(), ["application/octet-stream"]);
    assert!(machine.jobs().is_empty());
    let accept = ["-c", "server", "-x", "accept-unsupported-jobs=true", "acme1"];
    machine.run(OPERATOR, "pdset", &accept).expect(0);
    assert_eq!((code("application/pdf"), code("application/octet-stream")), (0, 0));
    assert_eq!(declared(), ["application/octet-stream"], "nobody is asked to send what would be held");
    let reasons = machine.run(OPERATOR, "pdls", &["-U", "-g", "-s", "column", "-r", "job-state-reasons"]).expect(0).out;
    assert_eq!(reasons.matches("required-resources-not-supported").count(), 2, "{reasons}");
    // What the destination itself does not allow is refused by both.
    machine.run(OPERATOR, "pdset", &["-x", "document-formats-supported=pcl", "office.front"]).expect(0);
    assert_eq!((code("application/pdf"), code("application/octet-stream")), (0x040a, 0x040a));
}

#[test]
fn requests_that_could_be_read_in_two_ways_end_their_connection() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--timeout", "2"]);
    let told = |octets: &[u8]| {
        let mut client = Client::new(at);
        let _ = client.0.write_all(octets);
        let answer = client.answer().map(|(status, _)| status);
        // Nothing that stood behind it is taken for another request.
        assert!(client.answer().is_none(), "{}", String::from_utf8_lossy(octets));
        answer
    };
    let body = posted(&asks(PRINT_JOB, FRONT, "ann"), b"smuggled\n");
    for (head, wanted) in [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Content-Length: 4\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: -4\r\n", 400),
        ("Content-Length : 4\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 501),
        ("Host: a\r\nHost: b\r\n", 400),
    ] {
        let octets = format!("POST / HTTP/1.1\r\nContent-Type: application/ipp\r\n{head}\r\n0\r\n\r\n");
        assert_eq!(told(&[octets.as_bytes(), &body].concat()), Some(wanted), "{head:?}");
    }
    let chunks = |text: &str| {
        let head = "POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nTransfer-Encoding: chunked\r\n\r\n";
        told(&[head.as_bytes(), text.as_bytes(), &body].concat())
    };
    assert_eq!(chunks("-1\r\nx\r\n"), Some(400));
    assert_eq!(chunks("1\nx\n0\n\n"), Some(400));
    assert_eq!(chunks("fffffffffffffffff\r\n"), Some(400));
    assert_eq!(told(&[b"POST / HTTP/1.1\r\nX: ", &[b'y'; 20_000][..], b"\r\n\r\n"].concat()), Some(431));
    assert_eq!(told(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), Some(400));
    assert_eq!(
        told(b"POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nContent-Length: 500\r\n\r\n\x02\x00"),
        Some(408)
    );
    assert_eq!(told(b"GET /printers/x.ppd HTTP/1.1\r\nConnection: close\r\n\r\n"), Some(404));
    assert_eq!(told(b"PUT / HTTP/1.1\r\nConnection: close\r\n\r\n"), Some(405));
    let html = b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(told(html), Some(415));
    assert!(machine.jobs().is_empty());
    // Octets that are no message, and one that is cut at each octet: an answer or an end, and no job.
    for octets in [
        &b""[..],
        b"\x02",
        b"\x02\x00\x00\x02\x00\x00\x00\x01",
        b"\x02\x00\x00\x02\x00\x00\x00\x01\x01\x35\x00\x01a\x7f\xff",
    ] {
        let head =
            format!("POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n", octets.len());
        let mut client = Client::new(at);
        client.0.write_all(&[head.as_bytes(), octets].concat()).unwrap();
        assert_eq!(client.message().unwrap().head.code, 0x0400);
    }
    assert!(machine.jobs().is_empty());
}

#[test]
fn a_client_that_waits_is_told_to_go_on_and_keeps_its_connection() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--max-octets", "1M"]);
    let mut client = Client::new(at);
    let head = "POST /ipp/print/front HTTP/1.1\r\nContent-Type: application/ipp\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.0.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    client.0.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    // One octet in each chunk.
    let body = [&asks(PRINT_JOB, FRONT, "ann").encode()[..], b"slowly\n"].concat();
    for octet in body {
        client.0.write_all(&[b"1\r\n", &[octet][..], b"\r\n"].concat()).unwrap();
    }
    client.0.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(client.message().unwrap().head.code, 0);
    for n in 2..5 {
        let done = client.ask(&asks(PRINT_JOB, FRONT, "ann"), format!("job {n}\n").as_bytes());
        assert_eq!(value(&done, tag::JOB, "job-id"), n.to_string());
    }
    // What is too large is refused before it is sent.
    let mut client = Client::new(at);
    let head =
        "POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nExpect: 100-continue\r\nContent-Length: 99000000\r\n\r\n";
    client.0.write_all(head.as_bytes()).unwrap();
    assert_eq!(client.answer().map(|(status, _)| status), Some(413));
    assert_eq!(machine.jobs().len(), 4);
}

#[test]
fn jobs_are_their_owners_to_see_and_change_and_nobody_elses() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &[]);
    let trusting = machine.add_door("ipp2", "ipp", &["--trust-users", "127.0.0.0/8"]);
    let letter = machine.file(BOB, "note", "a note\n", 0o600);
    machine.run(BOB, "pdpr", &["-d", "office.front", "-t", "secret", &letter]).expect(0);
    for at in [at, trusting] {
        let done = ask(at, &with(asks(PRINT_JOB, FRONT, "zoe"), "job-name", Value::name("hers")), b"x\n");
        assert_eq!(done.head.code, 0, "{done:?}");
    }
    let uri = |n: u32| format!("ipp://localhost/jobs/{n}");
    let other = ask(trusting, &asks(GET_JOB, &uri(1), "zoe"), b"");
    assert_eq!((other.head.code, value(&other, tag::JOB, "job-name")), (0, String::new()), "{other:?}");
    assert_eq!(value(&other, tag::JOB, "job-originating-user-name"), "");
    assert_eq!(value(&ask(trusting, &asks(GET_JOB, &uri(3), "zoe"), b""), tag::JOB, "job-name"), "hers");
    assert_eq!(value(&ask(trusting, &asks(GET_JOB, &uri(3), "eve"), b""), tag::JOB, "job-name"), "");
    for act in [CANCEL_JOB, HOLD_JOB, RELEASE_JOB] {
        // Where no name is believed, nobody changes a job; where names are, only its owner does.
        assert_eq!(ask(at, &asks(act, &uri(2), "zoe"), b"").head.code, 0x0403);
        for user in ["eve", "root", "", "zoe"] {
            assert_eq!(ask(trusting, &asks(act, &uri(1), user), b"").head.code, 0x0403, "{user}");
        }
        assert_eq!(ask(trusting, &asks(act, &uri(3), "eve"), b"").head.code, 0x0403);
    }
    assert_eq!(ask(trusting, &asks(HOLD_JOB, &uri(3), "zoe"), b"").head.code, 0);
    let held = ask(trusting, &asks(GET_JOB, &uri(3), "zoe"), b"");
    assert_eq!(value(&held, tag::JOB, "job-state"), "4");
    assert_eq!(value(&held, tag::JOB, "job-state-reasons"), "job-hold-until-specified");
    assert_eq!(ask(trusting, &asks(RELEASE_JOB, &uri(3), "zoe"), b"").head.code, 0);
    assert_eq!(ask(trusting, &asks(CANCEL_JOB, &uri(3), "zoe"), b"").head.code, 0);
    assert_eq!(value(&ask(trusting, &asks(GET_JOB, &uri(3), "zoe"), b""), tag::JOB, "job-state"), "7");
    assert_eq!(ask(trusting, &asks(CANCEL_JOB, &uri(3), "zoe"), b"").head.code, 0x0404);
    assert_eq!(machine.titles(), ["secret", "hers"]);
    // A job of a destination that the door does not have is none of its jobs.
    machine.run(OPERATOR, "spoolcom", &["LOC #OFFICE.BACK, DEV LP1"]).expect(0);
    let narrow = machine.add_door("ipp3", "ipp", &["--to", "office.back"]);
    assert_eq!(ask(narrow, &asks(GET_JOB, &uri(1), "bob"), b"").head.code, 0x0406);
    assert!(machine.run(ANN, "pdls", &["-U", "-r", "all"]).expect(0).out.is_empty());
}

#[test]
fn a_reset_at_any_octet_of_a_request_leaves_nothing_or_a_job() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--max-per-peer", "900"]);
    let request = posted(&with(asks(PRINT_JOB, FRONT, "ann"), "job-name", Value::name("cut")), b"octets\n");
    for cut in 1..request.len() {
        let mut client = Client::new(at);
        client.0.write_all(&request[..cut]).unwrap();
        client.reset();
    }
    let done = ask(at, &asks(PRINT_JOB, FRONT, "ann"), b"x\n");
    assert_eq!(done.head.code, 0);
    assert_eq!(machine.jobs().len(), 1);
    let files = std::fs::read_dir(machine.path("base/acme1")).unwrap().flatten();
    assert_eq!(files.filter(|file| file.file_name().to_string_lossy().starts_with("pdpr")).count(), 1);
}

#[test]
fn whoever_prints_again_after_a_crash_gets_one_job_or_an_announcement() {
    let Some(mut machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &[]);
    assert_eq!(machine.stop(), Some(0));
    for (point, jobs) in [("before-commit", 1), ("after-commit", 2)] {
        let port = at.port().to_string();
        machine.start_with(&[("PD_FAULT", Path::new(point))]);
        machine.door(&["set", "ipp1", "--listen", &port]).expect(0);
        machine.wait_for("it listens", || crate::doors::listens(at));
        let request = with(asks(PRINT_JOB, FRONT, "ann"), "job-name", Value::name(&format!("at {point}")));
        let mut client = Client::new(at);
        client.0.write_all(&posted(&request, b"octets\n")).unwrap();
        // The server dies: no answer says that the job is there.
        if let Some(answer) = client.message() {
            assert_eq!(answer.head.code & 0xff00, 0x0500, "{answer:?}");
        }
        let mut server = machine.server.take().unwrap();
        server.wait().unwrap();
        machine.start();
        machine.wait_for("it listens again", || crate::doors::listens(at));
        assert_eq!(ask(at, &request, b"octets\n").head.code, 0);
        let found = machine.jobs();
        let of_point = |job: &&serde_json::Value| text(job, "job-name") == format!("at {point}");
        let found: Vec<_> = found.iter().filter(of_point).collect();
        assert_eq!(found.len(), jobs, "{point}: {}", machine.log());
        let number = text(found[jobs - 1], "job-number");
        assert_eq!(machine.history(&number).contains("once more"), jobs == 2, "{point}");
        assert_eq!(machine.stop(), Some(0));
    }
}

/// A command of CUPS that asks this door.
fn cups(at: SocketAddr, program: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    command.env("CUPS_SERVER", at.to_string()).env("CUPS_ENCRYPTION", "Never");
    Outcome::of(command.args(arguments).stdin(Stdio::null()))
}

#[test]
fn vector_13_and_14_the_commands_of_cups_print_look_hold_and_cancel() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/lp") || !installed("/usr/bin/lpstat") {
        return;
    }
    let at = machine.add_door("ipp1", "ipp", &["--to", "front=office.front", "--trust-users", "127.0.0.0/8"]);
    let (one, two) = (machine.file(ANN, "one", "one\n", 0o644), machine.file(ANN, "two", "two\n", 0o644));
    let user = ["-U", "zoe"];
    let lp = |more: &[&str]| cups(at, "/usr/bin/lp", &[&user[..], more].concat());
    let said = lp(&["-d", "front", "-n", "2", "-o", "raw", "-t", "T", &one, &two]).expect(0);
    assert_eq!(said.out, "request id is front-1 (2 file(s))\n", "{}", machine.log());
    // Without -d the usual printer is asked for.
    assert_eq!(lp(&["-o", "raw", &one]).expect(0).out, "request id is front-2 (1 file(s))\n");
    let jobs = machine.jobs();
    assert_eq!(jobs.len(), 2, "{}", machine.log());
    assert_eq!((text(&jobs[0], "job-name"), text(&jobs[0], "number-of-documents")), ("T".into(), "2".into()));
    let stat = |more: &[&str]| cups(at, "/usr/bin/lpstat", &[&user[..], more].concat()).expect(0).out;
    assert!(stat(&["-o"]).contains("front-2"), "{}", stat(&["-o"]));
    assert!(stat(&["-p"]).contains("printer front disabled"), "{}", stat(&["-p"]));
    assert!(stat(&["-a"]).contains("front accepting requests"), "{}", stat(&["-a"]));
    assert!(stat(&["-d"]).contains("system default destination: front"), "{}", stat(&["-d"]));
    lp(&["-i", "front-1", "-H", "hold"]).expect(0);
    assert_eq!(text(&machine.jobs()[0], "current-job-state"), "held");
    lp(&["-i", "front-1", "-H", "resume"]).expect(0);
    assert_eq!(text(&machine.jobs()[0], "current-job-state"), "pending");
    cups(at, "/usr/bin/cancel", &["-U", "zoe", "front-1"]).expect(0);
    assert_eq!(machine.jobs().len(), 1);
    assert_ne!(cups(at, "/usr/bin/cancel", &["-U", "zoe", "front-99"]).status, 0);
    assert_ne!(lp(&["-d", "nowhere", &one]).status, 0);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("the other one is printed", || machine.paper() == "one\n");
}

#[test]
fn the_ipp_backend_of_cups_delivers_and_waits_until_it_is_printed() {
    let Some(machine) = site() else { return };
    let backend = "/usr/lib/cups/backend/ipp";
    if !installed(backend) {
        return;
    }
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let at = machine.add_door("ipp1", "ipp", &[]);
    let octets: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    let file = machine.path("print");
    std::fs::write(&file, &octets).unwrap();
    let mut command = Command::new(backend);
    command
        .env("DEVICE_URI", format!("ipp://{at}/printers/office.front"))
        .env("CONTENT_TYPE", "application/octet-stream");
    command.env("FINAL_CONTENT_TYPE", "application/octet-stream").args(["7", "ann", "a title", "1", ""]).arg(&file);
    Outcome::of(command.stdin(Stdio::null())).expect(0);
    let length = || std::fs::metadata(machine.path("paper/out")).map_or(0, |meta| meta.len());
    machine.wait_for("it is printed", || length() == 100_000);
}

#[test]
fn vector_15_the_test_files_of_ipptool_pass() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/ipptool") {
        return;
    }
    // Its jobs are text, so the destination is declared to print that.
    machine.run(OPERATOR, "spoolcom", &["LOC #OFFICE.FRONT, CONTENT ascii; DEV LP1, START"]).expect(0);
    let at = machine.add_door("ipp1", "ipp", &["--trust-users", "127.0.0.0/8"]);
    let file = machine.file(ANN, "document.txt", "a document\n", 0o644);
    let uri = format!("ipp://{at}/ipp/print/office.front");
    for (version, transfer, name) in [
        ("2.0", "-C", "ipp-1.1.test"),
        ("2.0", "-L", "ipp-1.1.test"),
        ("1.1", "-C", "ipp-1.1.test"),
        ("1.1", "-L", "ipp-1.1.test"),
        ("2.0", "-C", "validate-job.test"),
        ("1.1", "-L", "print-job.test"),
        ("2.0", "-C", "print-job.test"),
        ("1.1", "-C", "create-job.test"),
        ("2.0", "-C", "print-job-gzip.test"),
        ("2.0", "-C", "print-job-deflate.test"),
        ("2.0", "-L", "get-jobs.test"),
        ("2.0", "-L", "get-completed-jobs.test"),
    ] {
        let arguments = ["-tI", "-d", "NOPRINT=1", "-V", version, transfer, "-f", &file, &uri, name];
        let said = cups(at, "/usr/bin/ipptool", &arguments);
        assert_eq!(said.status, 0, "{name} -V {version} {transfer}: {}{}", said.out, said.err);
    }
}

/// What gzip makes of octets.
fn gzipped(machine: &Machine, octets: &[u8]) -> Vec<u8> {
    let path = machine.path("packed");
    std::fs::write(&path, octets).unwrap();
    let output = Command::new("gzip").arg("-9nc").arg(&path).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_document_that_travels_packed_prints_as_it_was() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front", "--max-octets", "1000000"]);
    let octets: Vec<u8> = (0..300_000u32).map(|n| b'a' + (n / 11 % 26) as u8).collect();
    let packed = gzipped(&machine, &octets);
    let request = with(asks(PRINT_JOB, FRONT, "ann"), "compression", Value::keyword("gzip"));
    assert_eq!(ask(at, &request, &packed).head.code, 0);
    // The whole message packed by HTTP, as some clients send it; with and without a length.
    let whole = gzipped(&machine, &[&asks(PRINT_JOB, FRONT, "ann").encode()[..], &octets].concat());
    let head = "POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nContent-Encoding: gzip\r\n";
    let mut client = Client::new(at);
    let length = format!("{head}Content-Length: {}\r\n\r\n", whole.len());
    client.0.write_all(&[length.as_bytes(), &whole].concat()).unwrap();
    assert_eq!(client.message().unwrap().head.code, 0);
    client.0.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    for part in whole.chunks(1000) {
        client.0.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat()).unwrap();
    }
    client.0.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(client.message().unwrap().head.code, 0);
    let sizes: Vec<String> = machine.jobs().iter().map(|job| text(job, "total-job-octets")).collect();
    assert_eq!(sizes, ["300000"; 3]);

    // Cut, changed, or not packed at all: no job, and the status that says why.
    for wrong in [&packed[..packed.len() - 1], &packed[..20], &octets[..100], &[&packed[..], b"x"].concat()] {
        let answer = ask(at, &request, wrong);
        assert_eq!(answer.head.code, 0x0410, "{answer:?}");
    }
    // A small body that stands for a large one is refused where it goes beyond what the door takes, of whichever kind.
    let bomb = gzipped(&machine, &vec![0; 50_000_000]);
    assert!(bomb.len() < 100_000);
    assert_eq!(ask(at, &request, &bomb).head.code, 0x0408);
    let twice = gzipped(&machine, &[&asks(PRINT_JOB, FRONT, "ann").encode()[..], &vec![0; 50_000_000]].concat());
    let mut client = Client::new(at);
    let length = format!("{head}Content-Length: {}\r\n\r\n", twice.len());
    client.0.write_all(&[length.as_bytes(), &twice].concat()).unwrap();
    assert_eq!(client.message().unwrap().head.code, 0x0408);
    // Attributes are bounded too: zeros are the head of a message that never ends.
    let mut client = Client::new(at);
    let length = format!("{head}Content-Length: {}\r\n\r\n", bomb.len());
    client.0.write_all(&[length.as_bytes(), &bomb].concat()).unwrap();
    assert_ne!(client.message().unwrap().head.code, 0);
    let mut client = Client::new(at);
    client.0.write_all(b"POST / HTTP/1.1\r\nContent-Type: application/ipp\r\nContent-Encoding: br\r\n\r\n").unwrap();
    assert_eq!(client.answer().map(|(status, _)| status), Some(415));
    assert_eq!(machine.jobs().len(), 3);
    let files = std::fs::read_dir(machine.path("base/acme1")).unwrap().flatten();
    assert_eq!(files.filter(|file| file.file_name().to_string_lossy().starts_with("pdpr")).count(), 3);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("all are printed", || machine.paper().len() >= 900_000);
    assert!(machine.paper().starts_with(std::str::from_utf8(&octets).unwrap()));
}

#[test]
fn a_slow_document_keeps_its_job_waiting_as_long_as_it_goes_on() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front", "--timeout", "1"]);
    let opened = ask(at, &asks(CREATE_JOB, FRONT, "ann"), b"");
    let job = format!("ipp://localhost/jobs/{}", value(&opened, tag::JOB, "job-id"));
    let request = with(asks(SEND_DOCUMENT, &job, "ann"), "last-document", Value::Boolean(true));
    let octets = posted(&request, &[b'x'; 24]);
    let (head, slow) = octets.split_at(octets.len() - 24);
    let mut client = Client::new(at);
    client.0.write_all(head).unwrap();
    // Longer than five times the silence that the door allows, and never as long as that silence.
    let begin = std::time::Instant::now();
    for octet in slow {
        client.0.write_all(&[*octet]).unwrap();
        let more = Some(std::time::Duration::from_millis(300));
        client.0.set_read_timeout(more).unwrap();
        // It answers only at the end; until then this is a pause.
        assert!(client.0.peek(&mut [0]).is_err() || begin.elapsed().as_secs() >= 6);
    }
    client.0.set_read_timeout(Some(DEADLINE)).unwrap();
    let answer = client.message().expect("an answer");
    assert_eq!(answer.head.code, 0, "{:?}", said(&answer));
    assert_eq!(machine.jobs().len(), 1);
    // Its last document has closed it.
    assert_eq!(ask(at, &asks(59, &job, "ann"), b"").head.code, 0);
}

#[test]
fn documents_that_wait_for_the_rest_of_their_jobs_are_bounded() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let mut client = Client::new(at);
    let mut codes = Vec::new();
    for _ in 0..2 {
        let opened = client.ask(&asks(CREATE_JOB, FRONT, "ann"), b"");
        let job = format!("ipp://localhost/jobs/{}", value(&opened, tag::JOB, "job-id"));
        let request = with(asks(SEND_DOCUMENT, &job, "ann"), "last-document", Value::Boolean(false));
        codes.extend((0..200).map(|_| client.ask(&request, b"x").head.code));
    }
    assert_eq!(codes.iter().position(|code| *code != 0), Some(256), "{codes:?}");
    assert_eq!(codes[256], 0x0505);
}

#[test]
fn whoever_has_an_at_in_his_name_owns_his_jobs_and_the_name_before_it_does_not() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front", "--trust-users", "127.0.0.0/8"]);
    let eve = "eve@CORP.EXAMPLE";
    let printed = ask(at, &with(asks(PRINT_JOB, FRONT, eve), "job-name", Value::name("secret")), b"hers\n");
    let job = format!("ipp://localhost/jobs/{}", value(&printed, tag::JOB, "job-id"));
    let title = |user: &str| value(&ask(at, &asks(GET_JOB, &job, user), b""), tag::JOB, "job-name");
    assert_eq!((title(eve).as_str(), title("eve").as_str()), ("secret", ""));
    assert_eq!(ask(at, &asks(CANCEL_JOB, &job, "eve"), b"").head.code, 0x0403);
    assert_eq!(ask(at, &asks(CANCEL_JOB, &job, eve), b"").head.code, 0);
}

#[test]
fn named_jobs_are_found_whatever_stands_before_them() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front"]);
    let numbers: Vec<i32> = (0..5)
        .map(|_| value(&ask(at, &asks(PRINT_JOB, FRONT, "ann"), b"x\n"), tag::JOB, "job-id").parse().unwrap())
        .collect();
    let listed = |request: Message| -> Vec<i32> {
        let answer = ask(at, &request, b"");
        let jobs = answer.groups.iter().filter(|group| group.tag == tag::JOB);
        jobs.filter_map(|group| group.value("job-id").and_then(Value::as_integer)).collect()
    };
    let one = |n: i32| Value::Integer(n);
    let request = with(with(asks(GET_JOBS, FRONT, "ann"), "limit", one(1)), "job-ids", one(numbers[3]));
    assert_eq!(listed(request), [numbers[3]]);
    let unknown = with(asks(GET_JOBS, FRONT, "ann"), "job-ids", one(999_999));
    assert_eq!(listed(unknown), [0; 0]);
    // All of them, a page at a time: those that wait and those that have ended are one list.
    machine.run(OPERATOR, "spoolcom", &[&format!("JOB {}, DELETE", numbers[0])]).expect(0);
    let page = |first: i32| {
        let request = with(asks(GET_JOBS, FRONT, "ann"), "which-jobs", Value::keyword("all"));
        listed(with(with(request, "first-index", one(first)), "limit", one(2)))
    };
    let mut all: Vec<i32> = [1, 3, 5].into_iter().flat_map(page).collect();
    all.sort_unstable();
    assert_eq!(all, numbers);
}
