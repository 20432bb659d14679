//! What a document is taken for, and who says so: the user, its location, its device, its first octets.

use serde_json::Value;

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish};

/// Each document of a job as its number, format and origin.
fn kinds(site: &Site, tag: &str) -> Vec<(String, String)> {
    let jobs = site.jobs();
    let job = jobs.iter().find(|job| job["job-name"] == tag).unwrap_or_else(|| panic!("{tag}: {jobs:?}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let documents = job["documents"].as_array().unwrap().iter();
    documents.map(|one| (text(&one["document-format"]), text(&one["document-format-origin"]))).collect()
}

fn pair(format: &str, origin: &str) -> (String, String) {
    (format.to_owned(), origin.to_owned())
}

/// The number by which the pd commands name a job.
fn id(site: &Site, tag: &str) -> String {
    let jobs = site.jobs();
    jobs.iter().find(|job| job["job-name"] == tag).unwrap()["job-identifier"].as_str().unwrap().to_owned()
}

fn pdpr(site: &Site, args: &[&str]) {
    finish(site.command("pdpr").args(args).current_dir(site.files.path()).spawn().unwrap(), DEADLINE).expect(0);
}

fn log(site: &Site, tag: &str) -> String {
    site.run("pdls", &["-r", "log", &id(site, tag)]).expect(0).out
}

#[test]
fn the_user_decides_then_the_location_then_the_first_octets() {
    let site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.RAW, DEV $LP1, CONTENT RAW; LOC #OFFICE.PCL, CONTENT pcl, DEV $LP1");
    site.document("text", b"plain\n");
    site.document("pdf", b"%PDF-1.4\n");
    pdpr(&site, &["-d", "office.front", "-t", "found", "text", "pdf"]);
    pdpr(
        &site,
        &["-d", "office.front", "-t", "said", "-x", "document-format=passthru", "text", "-x", "format=ps", "pdf"],
    );
    pdpr(&site, &["-d", "office.raw", "-t", "raw", "text", "-x", "document-format=text", "text"]);
    pdpr(&site, &["-d", "office.pcl", "-t", "pcl", "pdf"]);
    assert_eq!(kinds(&site, "found"), [pair("ascii", "recognised"), pair("pdf", "recognised")]);
    assert_eq!(kinds(&site, "said"), [pair("passthru", "user"), pair("postscript", "user")]);
    assert_eq!(kinds(&site, "raw"), [pair("passthru", "location"), pair("ascii", "user")]);
    assert_eq!(kinds(&site, "pcl"), [pair("pcl", "location")]);
    for (tag, words) in [
        ("found", "1 recognised as ascii, 1 recognised as pdf"),
        ("said", "1 passthru as the user says, 1 postscript as the user says"),
        ("raw", "1 passthru as the location says, 1 ascii as the user says"),
        ("pcl", "9 octets, pcl as the location says"),
    ] {
        assert!(log(&site, tag).contains(words), "{tag}: {}", log(&site, tag));
    }
    let lines = site.run("pdls", &["-r", "all", &id(&site, "pcl")]).expect(0).out;
    assert!(lines.contains("document-format = pcl") && lines.contains("document-format-origin = location"), "{lines}");
    let detail = site.spoolcom("LOC #OFFICE.RAW, STATUS DETAIL; LOC #OFFICE.PCL, STATUS DETAIL").out;
    assert!(detail.contains("CONTENT: RAW") && detail.contains("CONTENT: pcl"), "{detail}");
    site.spoolcom("LOC #OFFICE.RAW, CONTENT NONE");
    assert_eq!(kinds(&site, "raw")[0], pair("passthru", "location"), "what a job inherited stays");
    pdpr(&site, &["-d", "office.raw", "-t", "later", "text"]);
    assert_eq!(kinds(&site, "later"), [pair("ascii", "recognised")]);
}

#[test]
fn what_a_document_is_can_be_said_later_and_taken_back() {
    let site = Site::new();
    site.declare();
    site.document("text", &b"plain\n".repeat(130));
    site.document("odd", b"\x1b@\x07receipt\n");
    pdpr(&site, &["-d", "office.front", "-t", "two", "text", "odd"]);
    let found = kinds(&site, "two");
    let id = id(&site, "two");
    let pages = |site: &Site| -> Vec<Value> {
        let jobs = site.jobs();
        jobs[0]["documents"].as_array().unwrap().iter().map(|one| one["page-count"].clone()).collect()
    };
    let before = pages(&site);
    assert_eq!(before[0], 3);
    site.run("pdmod", &["-x", "document-format=passthru", &id]).expect(0);
    assert_eq!(kinds(&site, "two"), [pair("passthru", "user"), pair("passthru", "user")]);
    assert_eq!(pages(&site)[0], Value::Null, "a text that counts as a stream has pages that nobody knows");
    site.run("pdset", &["-c", "job", "-x", "document-format=ascii", &format!("{id}.2")]).expect(0);
    assert_eq!(kinds(&site, "two"), [pair("passthru", "user"), pair("ascii", "user")]);
    assert_eq!(pages(&site)[1], 1);
    site.run("pdmod", &["-x", "document-format=asa", &format!("{id}.1")]).expect(0);
    site.run("pdmod", &["-x", "document-format==", &id]).expect(0);
    assert_eq!((kinds(&site, "two"), pages(&site)), (found, before));
    let log = log(&site, "two");
    assert!(log.contains("format of document 1 'recognised as ascii' to 'passthru as the user says'"), "{log}");
    site.run("pdmod", &["-x", "document-format=nonsense", &id]).expect(2).says("none of ascii, postscript");
}

#[test]
fn a_device_that_is_content_raw_adds_nothing_to_anything_and_says_so() {
    let site = Site::new();
    site.declare();
    let sink = Sink::new(Mode::Normal);
    site.device("LP2", &sink.uri(), "OFF");
    site.spoolcom("DEV $LP2, CONTENT RAW, HEADER BATCH, STARTFF ON, ENDFF ON, EOL CRLF, WIDTH 2, FIFO ON");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    site.document("text", b"line one\nline two");
    site.document("pcl", b"\x1bEpcl\x1bE");
    pdpr(&site, &["-d", "office.net", "-t", "first", "text", "text", "pcl", "pcl"]);
    assert_eq!(kinds(&site, "first")[0], pair("passthru", "device"));
    assert_eq!(kinds(&site, "first")[3], pair("passthru", "device"));
    let detail = site.spoolcom("JOB (OWNER ROOT)").out + &site.spoolcom("DEV $LP2, STATUS DETAIL").out;
    assert!(detail.contains("CONTENT: RAW"), "{detail}");
    let number = site.jobs()[0]["job-number"].to_string();
    let detail = site.spoolcom(&format!("JOB {number}, STATUS DETAIL")).out;
    assert!(detail.contains("text (passthru by device, 17 octets)"), "{detail}");
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    sink.wait_for("four connections", |all| all.len() == 4 && all.iter().all(|one| one.ended));
    let came: Vec<String> = sink.connections().iter().map(|one| one.octets.escape_ascii().to_string()).collect();
    assert_eq!(came, ["line one\\nline two", "line one\\nline two", "\\x1bEpcl\\x1bE", "\\x1bEpcl\\x1bE"]);
    let log: String = site
        .database()
        .query_row("SELECT group_concat(why, char(10)) FROM event WHERE object = 'job'", [], |row| row.get(0))
        .unwrap();
    assert!(log.contains("sent as it is: $LP2 is CONTENT RAW"), "{log}");
    // What the user calls passthru is left alone on any device, also where it begins with PJL.
    let other = Sink::new(Mode::Normal);
    site.device("LP3", &other.uri(), "OFF");
    site.spoolcom("DEV $LP3, FIFO ON; LOC #OFFICE.PLAIN, DEV $LP3");
    site.document("pjl", b"\x1b%-12345X@PJL\r\n");
    pdpr(&site, &["-d", "office.plain", "-x", "format=passthru", "pjl", "-x", "format=pcl", "pcl"]);
    site.spoolcom("DEV $LP3, START");
    site.wait_until_empty();
    other.wait_for("two connections", |all| all.len() == 2 && all.iter().all(|one| one.ended));
}

#[test]
fn what_cannot_be_said_is_refused_with_what_can() {
    let site = Site::new();
    site.declare();
    let file = site.document("text", b"plain\n");
    let odd = ["-d", "office.front", "-x", "document-format=word"];
    let mut command = site.command("pdpr");
    command.args(odd).arg(&file);
    finish(command.spawn().unwrap(), DEADLINE).expect(2).says("'word' is none of ascii, postscript, pdf");
    site.run("spoolcom", &["DEV $LP1, CONTENT pdf"]).expect(2).says("LOC #GROUP.DEST, CONTENT pdf");
    site.run("spoolcom", &["LOC #OFFICE, CONTENT RAW"]).expect(2).says("LOC #OFFICE.DEST, CONTENT RAW");
    site.run("spoolcom", &["LOC #OFFICE.FRONT, CONTENT word"]).expect(2).says("formats are ascii");
    site.run("spoolcom", &["LOC NOWHERE, CONTENT RAW"]).expect(1).says("nowhere");
    for change in ["PAGELENGTH 40000", "EOL LF", "TRUNC MAYBE"] {
        site.run("spoolcom", &[&format!("DEV $LP1, {change}")]).expect(2);
    }
}
