//! HOLD, DELETE and pause of a job that is printing, and several documents with copies, through real print processes.

use crate::support::Site;
use crate::support::documents::{stream, take_apart, text};
use crate::support::sink::{Mode, Sink};

/// More than the buffers of both sides of a connection hold.
const LONG: usize = 8 << 20;

fn site(uri: &str, exclusive: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", uri, exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    site
}

/// A long job that has begun to print on a printer that stopped reading, and a short one behind it. Their numbers.
fn stuck(printer: &Sink, site: &Site) -> (String, String) {
    printer.pause(false);
    for (tag, size) in [("long", LONG), ("short", 4000)] {
        let file = site.document(tag, &stream(tag, size));
        site.submit("office.net", tag, &file).expect(0);
        if tag == "long" {
            printer.wait_for("the beginning of the long job", |all| all.iter().any(|one| !one.octets.is_empty()));
            printer.pause(true);
        }
    }
    (number(site, "long"), number(site, "short"))
}

fn field(site: &Site, tag: &str, name: &str) -> Option<String> {
    let job = site.jobs().into_iter().find(|job| job["job-name"] == tag)?;
    Some(match &job[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn number(site: &Site, tag: &str) -> String {
    field(site, tag, "job-number").unwrap()
}

fn complete(printer: &Sink) -> Vec<String> {
    printer.connections().iter().flat_map(|one| take_apart(&one.octets).complete).collect()
}

#[test]
fn a_held_job_leaves_its_device_at_once_and_prints_again_when_it_is_started() {
    for exclusive in ["OFF", "OFF!", "ON"] {
        let printer = Sink::new(Mode::Slow);
        let site = site(&printer.uri(), exclusive);
        let (long, _) = stuck(&printer, &site);
        printer.set_mode(Mode::Normal);
        // The printer reads nothing: the command ends all the same, with the job on hold.
        site.spoolcom(&format!("JOB {long}, HOLD")).says(&format!("the part of job {long} that was sent may print"));
        site.wait_for("the job is held", || field(&site, "long", "current-job-state").as_deref() == Some("held"));
        printer.pause(false);
        printer.wait_for("the short job", |all| {
            all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains("<<END short>>"))
        });
        assert!(site.spoolcom(&format!("JOB {long}")).out.contains("HL"));
        site.spoolcom(&format!("JOB {long}, SELPRI 1, START"));
        printer.wait_for("the long job again", |all| {
            all.iter().any(|one| one.octets.ends_with(b"<<END long>>\n") && one.octets.len() > LONG)
        });
        assert_eq!(complete(&printer), ["short", "long"], "{exclusive}");
        assert!(site.possible_duplicates().contains("long"));
        assert!(!site.possible_duplicates().contains("short"));
    }
}

#[test]
fn what_is_changed_while_it_prints_is_printed_as_it_is_then() {
    let printer = Sink::new(Mode::Slow);
    let site = site(&printer.uri(), "OFF!");
    let (long, _) = stuck(&printer, &site);
    printer.set_mode(Mode::Normal);
    site.spoolcom(&format!("JOB {long}, HOLD, COPIES 2, SELPRI 1, START"));
    printer.pause(false);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["short", "long", "long"]);
}

#[test]
fn a_deleted_job_leaves_its_device_at_once_and_is_gone() {
    let printer = Sink::new(Mode::Slow);
    let site = site(&printer.uri(), "OFF!");
    let (long, _) = stuck(&printer, &site);
    printer.set_mode(Mode::Normal);
    site.spoolcom(&format!("JOB {long}, DELETE!"));
    site.wait_for("the job is gone", || field(&site, "long", "job-number").is_none());
    site.run("spoolcom", &[&format!("JOB {long}")]).expect(1);
    printer.pause(false);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["short"]);
    site.wait_for_no_print_files();
}

#[test]
fn a_paused_job_leaves_its_device_and_comes_back_to_its_place() {
    let printer = Sink::new(Mode::Slow);
    let site = site(&printer.uri(), "OFF!");
    let (long, _) = stuck(&printer, &site);
    let id = field(&site, "long", "job-identifier").unwrap();
    printer.set_mode(Mode::Normal);
    site.run("pdpause", &["-c", "job", &id]).expect(0).says("the part that was sent may print: at least ");
    assert_eq!(field(&site, "long", "current-job-state").unwrap(), "paused");
    site.run("pdmod", &["-t", "renamed", &id]).expect(0);
    site.run("pdresume", &["-c", "job", &id]).expect(0);
    printer.pause(false);
    site.wait_until_empty();
    assert_eq!(complete(&printer).len(), 2, "{long}");
    assert!(site.possible_duplicates().contains("renamed"));
}

#[test]
fn what_a_held_job_wrote_into_a_file_is_taken_back() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let file = site.document("first", &text("first", 3000));
    site.submit("office.front", "first", &file).expect(0);
    site.wait_until_empty();
    let before = std::fs::read(site.sink()).unwrap();
    // So many copies that they are still being written when the command comes, and no more than a small disk holds.
    let file = site.document("long", &text("long", 16 << 10));
    let file = file.to_str().unwrap();
    site.run("pdpr", &["-d", "office.front", "-t", "long", "-n", "100000", file]).expect(0);
    assert!(!site.spoolcom("JOB (REPORT long), HOLD").err.contains("MAY PRINT"), "it is taken back");
    // A busy disk may take longer to give back what was written than the command waits.
    site.wait_for("the job is held", || field(&site, "long", "current-job-state").as_deref() == Some("held"));
    assert!(std::fs::read(site.sink()).unwrap() == before, "the partial output is gone");
    let file = site.document("next", &text("next", 3000));
    site.submit("office.front", "next", &file).expect(0);
    site.wait_for("the next job is printed", || site.tags().len() == 1);
    site.spoolcom("JOB (STATE HOLD), COPIES 1, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["first", "next", "long"]);
    assert!(site.possible_duplicates().is_empty(), "nothing was left behind");
}

#[test]
fn documents_of_one_job_have_their_own_copies() {
    let site = Site::new();
    site.declare();
    let files: Vec<String> = ["a", "b", "c"]
        .into_iter()
        .map(|tag| site.document(tag, &text(tag, 300)).to_str().unwrap().to_owned())
        .collect();
    let words = ["-d", "office.front", "-t", "three", &files[0], "-n", "3", &files[1], "-x", "copy-count=2", &files[2]];
    site.run("pdpr", &words).expect(0);
    let id = field(&site, "three", "job-identifier").unwrap();
    site.run("pdmod", &["-n", "2", &format!("{id}.1")]).expect(0);
    site.run("pdmod", &["-x", "copy-count==", &format!("{id}.3")]).expect(0);
    site.spoolcom("DEV $LP1, START");
    site.wait_until_empty();
    let printed = std::fs::read(site.sink()).unwrap();
    assert_eq!(take_apart(&printed).complete, ["a", "a", "b", "b", "b", "c"]);
    assert_eq!(printed.iter().filter(|octet| **octet == 0x0c).count(), 5, "one form feed between neighbours");
}

#[test]
fn a_job_over_a_kept_connection_is_kept_on_hold_when_it_was_sent_already() {
    let printer = Sink::new(Mode::Normal);
    let site = site(&printer.uri(), "ON");
    let file = site.document("sent", &stream("sent", 3000));
    site.submit("office.net", "sent", &file).expect(0);
    printer.wait_for("the whole job", |all| all.iter().any(|one| one.octets.ends_with(b"<<END sent>>\n")));
    let job = number(&site, "sent");
    site.wait_for("it is transferred", || {
        let query = "SELECT count(*) FROM event WHERE what = 'transferred'";
        site.database().query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    });
    let said = site.spoolcom(&format!("JOB {job}, HOLD")).err;
    assert!(said.contains("IS STILL PRINTING") && said.contains("every octet of it is with its device"), "{said}");
    site.spoolcom("DEV $LP2, DRAIN");
    assert_eq!(field(&site, "sent", "current-job-state").unwrap(), "held");
    assert!(site.spoolcom(&format!("JOB {job}, STATUS DETAIL")).out.contains("printed completely"));
}
