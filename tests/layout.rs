//! Text as a device wants it, through the real programs: EOL CRLF, WIDTH and TRUNC, PAGELENGTH, ASA carriage control.

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish};

/// Waits until the printer has everything, and returns what came over each connection.
fn printed(site: &Site, sink: &Sink) -> Vec<String> {
    site.wait_until_empty();
    sink.wait_for("every connection has ended", |all| !all.is_empty() && all.iter().all(|one| one.ended));
    sink.connections().into_iter().map(|one| String::from_utf8_lossy(&one.octets).into_owned()).collect()
}

/// The events of a finished job.
fn log(site: &Site, tag: &str) -> String {
    let query = "SELECT group_concat(what || ': ' || why, char(10)) FROM event WHERE object = 'job'
        AND object_id = (SELECT job_id FROM finished WHERE name = ?)";
    site.database().query_row(query, [tag], |row| row.get(0)).unwrap()
}

#[test]
fn a_device_lays_text_out_and_leaves_streams_alone() {
    let site = Site::new();
    site.declare();
    let sink = Sink::new(Mode::Normal);
    site.device("LP2", &sink.uri(), "OFF!");
    site.spoolcom("DEV $LP2, EOL CRLF, WIDTH 10, PAGELENGTH 3, FIFO ON; LOC #OFFICE.NET, DEV $LP2");
    let shown = site.spoolcom("DEV $LP2, STATUS DETAIL").out;
    for line in ["WIDTH: 10", "TRUNC: OFF", "EOL: CRLF", "PAGELENGTH: 3", "CONTENT: NONE"] {
        assert!(shown.lines().any(|shown| shown.trim() == line), "{line}: {shown}");
    }
    let text = site.document("text", "1234567890abc\ntwo\nthree\nx\tä漢\n".as_bytes());
    let stream = site.document("stream", b"%PDF-1.4\nlonger than ten columns\n%%EOF\n");
    site.submit("office.net", "text", &text).expect(0);
    site.submit("office.net", "stream", &stream).expect(0);
    site.submit("office.net", "again", &text).expect(0);
    let job = site.jobs().into_iter().find(|job| job["job-name"] == "text").unwrap();
    assert_eq!((&job["documents"][0]["page-count"]), 2, "lines as the device wraps them, pages as it feeds them");
    site.start("LP2");
    let laid_out = "1234567890\r\nabc\r\ntwo\r\n\x0cthree\r\nx\tä\r\n漢\r\n";
    assert_eq!(printed(&site, &sink), [laid_out, "%PDF-1.4\nlonger than ten columns\n%%EOF\n", laid_out]);

    site.spoolcom("DEV $LP2, DRAIN, TRUNC ON, EOL NONE, PAGELENGTH 0");
    site.submit("office.net", "cut", &text).expect(0);
    site.start("LP2");
    // Behind text, on the same paper, one form feed begins the page.
    assert_eq!(printed(&site, &sink)[3], "\x0c1234567890\ntwo\nthree\nx\tä\n");
}

#[test]
fn carriage_control_is_obeyed_where_somebody_says_that_it_is_there() {
    let site = Site::new();
    site.declare();
    let report = site.document("report", b"1Title\n one\n0two\n+___\n1next page\n");
    for said in [true, false] {
        let mut command = site.command("pdpr");
        command.args(["-d", "office.front", "-t", if said { "asa" } else { "plain" }]).arg("-x");
        command.arg(if said { "document-format=asa" } else { "job-comment=none" }).arg(&report);
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
    }
    let jobs = site.jobs();
    let pages = |tag: &str| {
        jobs.iter().find(|job| job["job-name"] == tag).unwrap()["documents"][0]["page-count"].as_u64().unwrap()
    };
    assert_eq!((pages("asa"), pages("plain")), (2, 1));
    site.spoolcom("DEV $LP1, FIFO ON, START");
    site.wait_until_empty();
    assert_eq!(
        std::fs::read_to_string(site.sink()).unwrap(),
        "Title\r\none\r\n\r\ntwo\r___\r\x0cnext page\r\n\x0c1Title\n one\n0two\n+___\n1next page\n"
    );
}

/// The octets of a laid-out text are known again in a file, though there are more of them than the document has.
#[test]
fn a_laid_out_text_that_broke_off_in_a_file_is_taken_back_and_written_whole() {
    let mut site = Site::new();
    site.env = vec![("PD_FAULT", "mid-send")];
    site.declare();
    site.spoolcom("DEV $LP1, EOL CRLF, WIDTH 7, PAGELENGTH 5");
    let text: String = (0..40_000).map(|n| format!("line {n} of many\n")).collect();
    let file = site.document("long", text.as_bytes());
    std::fs::write(site.sink(), "before\n").unwrap();
    site.env = vec![];
    site.submit("office.front", "long", &file).expect(0);
    site.env = vec![("PD_FAULT", "mid-send")];
    site.run("spoolcom", &["--no-wait", "DEV $LP1, START"]);
    assert!(site.fastp_ends(DEADLINE), "it kills itself in mid-job");
    site.wait_for("something was written", || std::fs::metadata(site.sink()).unwrap().len() > 7);
    site.env = vec![];
    // Another layout: what the dead one wrote is known all the same.
    site.spoolcom("PRINT $SPLA, START");
    site.start("LP1");
    site.wait_until_empty();
    let written = std::fs::read_to_string(site.sink()).unwrap();
    let rest = written.strip_prefix("before\n").unwrap();
    assert!(rest.split('\x0c').all(|page| page.matches("\r\n").count() <= 5));
    assert_eq!(rest.replace(['\r', '\n', '\x0c'], ""), text.replace('\n', ""), "whole, and once");
    assert!(site.possible_duplicates().is_empty());
}

/// What is shown of a job in print are octets of its documents, however many the device gets for them.
#[test]
fn the_progress_of_a_laid_out_text_is_that_of_the_document() {
    let site = Site::new();
    site.declare();
    let sink = Sink::new(Mode::Stalls(100_000));
    site.device("LP2", &sink.uri(), "OFF!");
    site.spoolcom("DEV $LP2, WIDTH 1; LOC #OFFICE.NET, DEV $LP2");
    let file = site.document("long", &b"x".repeat(1_000_000));
    site.submit("office.net", "long", &file).expect(0);
    site.spoolcom("DEV $LP2, START");
    sink.wait_for("it has begun", |all| all.iter().any(|one| one.octets.len() >= 100_000));
    let running = || {
        let shown: serde_json::Value =
            serde_json::from_str(&site.run("spoolcom", &["--json", "DEV $LP2"]).expect(0).out).unwrap();
        shown[0]["running"].clone()
    };
    let now = running();
    assert_eq!(now["total-octets"], 1_000_000);
    assert!(now["octets"].as_u64().unwrap() < 1_000_000, "{now}");
    sink.set_mode(Mode::Normal);
    site.wait_until_empty();
    sink.wait_for("all of it", |all| all.iter().map(|one| one.octets.len()).sum::<usize>() == 3 * 1_000_000 - 2);
}

#[test]
fn the_first_text_with_bare_line_feeds_on_a_network_printer_says_what_a_staircase_is() {
    let site = Site::new();
    site.declare();
    let sink = Sink::new(Mode::Normal);
    site.device("LP2", &sink.uri(), "OFF!");
    site.spoolcom("DEV $LP2, FIFO ON; LOC #OFFICE.NET, DEV $LP2");
    let (unix, dos) = (site.document("unix", b"one\ntwo\n"), site.document("dos", b"one\r\ntwo\r\n"));
    site.submit("office.net", "dos", &dos).expect(0);
    site.submit("office.net", "unix", &unix).expect(0);
    site.submit("office.net", "later", &unix).expect(0);
    site.submit("office.front", "file", &unix).expect(0);
    site.spoolcom("DEV $LP1, START; DEV $LP2, START");
    site.wait_until_empty();
    assert!(log(&site, "unix").contains("EOL CRLF of the device completes them"), "{}", log(&site, "unix"));
    for tag in ["dos", "later", "file"] {
        assert!(!log(&site, tag).contains("EOL CRLF"), "{tag}: {}", log(&site, tag));
    }
}
