//! What an operator does to a device at work, with real programs and printers: CLEAR, JOB n, SKIPTO, ALIGN.

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::Site;
use crate::support::sink::{Connection, Mode, Sink};

/// `$LP2` prints to `printer` behind `OFFICE.NET`; not started.
fn site(printer: &Sink, exclusive: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", &printer.uri(), exclusive);
    site.spoolcom("DEV $LP2, FIFO ON; LOC #OFFICE.NET, DEV $LP2");
    site
}

/// Pages that say who they are.
fn pages(tag: &str, count: usize) -> String {
    let line = format!("{}\n", "x".repeat(99));
    (1..=count).map(|page| format!("<{tag} {page}>\n{}\x0c", line.repeat(49))).collect()
}

fn submit(site: &Site, tag: &str, text: &str) {
    let file = site.document(tag, text.as_bytes());
    site.submit("office.net", tag, &file).expect(0);
}

fn number(site: &Site, tag: &str) -> String {
    site.jobs().iter().find(|job| job["job-name"] == tag).unwrap()["job-number"].to_string()
}

fn device(site: &Site) -> Value {
    let shown = site.spoolcom_json("DEV $LP2");
    serde_json::from_str::<Value>(&shown).unwrap()[0].clone()
}

fn text(all: &[Connection]) -> String {
    all.iter().map(|one| String::from_utf8_lossy(&one.octets).into_owned()).collect()
}

/// The pages of a job that came out, in order.
fn printed(all: &[Connection], tag: &str) -> Vec<usize> {
    let begins = format!("<{tag} ");
    let text = text(all);
    let page = |at: usize| text[at + begins.len()..].split('>').next().and_then(|page| page.parse().ok());
    text.match_indices(&begins).filter_map(|(at, _)| page(at)).collect()
}

/// What became of a request, when somebody has answered.
fn answer(site: &Site, what: &str) -> String {
    let query = "SELECT answer FROM request WHERE action = ? AND answered_ms IS NOT NULL";
    let found = || site.database().query_row(query, [what], |row| row.get::<_, String>(0)).ok();
    site.wait_for(what, || found().is_some());
    found().unwrap()
}

#[test]
fn a_page_is_skipped_to_while_the_device_is_suspended() {
    let printer = Sink::new(Mode::Stalls(20_000));
    let site = site(&printer, "OFF");
    submit(&site, "long", &pages("long", 4000));
    site.start("LP2");
    printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= 20_000));
    site.spoolcom("DEV $LP2, SUSPEND");
    let asked = site.spoolcom("DEV $LP2, SKIPTO 3990");
    // On a busy machine the process answers later than the command waits.
    if !asked.err.starts_with("WARNING: SKIPTO 3990 OF $LP2 IS REQUESTED\n") {
        let warning =
            "WARNING: WHAT WAS SENT OF THE JOB ON $LP2 MAY PRINT\n  it goes on at page 3990 after START; page ";
        assert!(asked.err.starts_with(warning), "{asked:?}");
    }
    assert!(answer(&site, "SKIPTO 3990").starts_with("it goes on at page 3990 after START; page "));
    site.run("spoolcom", &["DEV $LP2, SKIPTO 4001"]);
    assert_eq!(answer(&site, "SKIPTO 4001"), "it has 4000 pages");
    assert_eq!(device(&site)["state"], "suspended");
    printer.set_mode(Mode::Normal);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    let pages = printed(&printer.connections(), "long");
    let turn = pages.iter().position(|page| *page == 3990).unwrap();
    assert_eq!(pages[..turn], (1..=turn).collect::<Vec<_>>());
    assert_eq!(pages[turn..], (3990..=4000).collect::<Vec<_>>());
    assert!(turn < 3000, "{turn}");
}

#[test]
fn clear_holds_the_job_and_the_next_begins() {
    let printer = Sink::new(Mode::Stalls(20_000));
    let mut site = site(&printer, "OFF");
    site.env.push(("PD_SETTLE_MS", "60000"));
    submit(&site, "long", &pages("long", 4000));
    submit(&site, "low", "<low 1>\n");
    submit(&site, "high", "<high 1>\n");
    let (long, low, high) = (number(&site, "long"), number(&site, "low"), number(&site, "high"));
    site.start("LP2");
    printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= 20_000));
    site.spoolcom(&format!("JOB {high}, HOLD, SELPRI 6, START"));
    site.spoolcom(&format!("DEV $LP2, JOB {low}"));
    printer.set_mode(Mode::Normal);
    // What stalls goes on as a normal printer, and the connection is reset all the same.
    let cleared = site.spoolcom("DEV $LP2, CLEAR");
    assert!(
        cleared.err.contains(&format!("WARNING: THE PART OF JOB {long} THAT WAS SENT MAY PRINT\n  at least ")),
        "{cleared:?}"
    );
    printer.wait_for("the others", |all| text(all).contains("<high 1>"));
    let text = text(&printer.connections());
    assert!(text.find("<low 1>") < text.find("<high 1>"), "the operator's next one first");
    let held = site.jobs();
    assert_eq!(held.iter().map(|job| job["job-name"].as_str().unwrap()).collect::<Vec<_>>(), ["long"]);
    assert_eq!(held[0]["job-state-reasons"][0], "job-hold-set");
    let queued = site.run("spoolcom", &[&format!("DEV $LP2, JOB {long}")]).expect(1);
    assert!(queued.err.contains(&format!("JOB {long} INVALID OPERATION IN CURRENT STATE")), "{queued:?}");
}

#[test]
fn clear_takes_the_alignment_page_from_the_device() {
    let printer = Sink::new(Mode::Stalls(100));
    let site = site(&printer, "OFF");
    site.start("LP2");
    // The printer takes nothing and does not close its side, so the page is not over.
    site.run("spoolcom", &["DEV $LP2, ALIGN"]).expect(0);
    let device = || site.spoolcom("DEV $LP2").out;
    assert!(device().contains("JOB 0"), "{}", device());
    let cleared = site.run("spoolcom", &["DEV $LP2, CLEAR"]).expect(0);
    assert_eq!(cleared.err, "", "no job of anybody was cut");
    assert!(!device().contains("JOB 0"), "{}", device());
    let log = site.spoolcom("DEV $LP2, LOG").out;
    assert!(log.contains("the alignment page"), "{log}");
    let again = site.run("spoolcom", &["DEV $LP2, CLEAR"]).expect(1);
    assert!(again.err.contains("it has no job in print"), "{again:?}");
    // It was no job: the first one has the first number.
    printer.set_mode(Mode::Normal);
    submit(&site, "one", "<one 1>\n");
    site.wait_until_empty();
    printer.wait_for("the job behind it", |all| text(all).contains("<one 1>"));
    assert!(site.spoolcom("DEV $LP2, LOG").out.contains("cleared"));
}

#[test]
fn align_prints_a_page_with_job_0_and_no_number_is_used() {
    let printer = Sink::new(Mode::Stalls(100));
    let site = site(&printer, "OFF");
    site.start("LP2");
    // It takes two seconds to say that it is only requested: the printer takes nothing.
    let asked = site.run("spoolcom", &["DEV $LP2, ALIGN"]).expect(0);
    if asked.err.is_empty() {
        // The page fits into what the system keeps for the printer.
        printer.wait_for("the page", |all| text(all).contains("....+....1"));
    } else {
        assert!(asked.err.starts_with("WARNING: ALIGN OF $LP2 IS REQUESTED\n"), "{asked:?}");
        assert!(site.spoolcom("DEV $LP2").out.contains("JOB 0"));
    }
    // It waits: the printer that takes nothing does not close its side of the page either.
    submit(&site, "one", "<one 1>\n");
    assert_eq!(number(&site, "one"), "1");
    printer.set_mode(Mode::Normal);
    site.wait_until_empty();
    let all = text(&printer.connections());
    assert_eq!(all.lines().filter(|line| line.starts_with("....+....1....+")).count(), 2, "one page: {all}");
    assert!(all.ends_with("\x0c<one 1>\n"));
    site.spoolcom("DEV $LP2, DRAIN");
    let offline = site.run("spoolcom", &["DEV $LP2, ALIGN"]).expect(1);
    // A printer that takes no connection: what happened, and what to do.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    site.spoolcom(&format!("ADD LP9, URI socket://{nobody}, HEADER OFF"));
    let refused = site.run("spoolcom", &["DEV LP9, ALIGN"]).expect(1);
    refused.says("the alignment page was not delivered: cannot connect").says("DEV $LP9, ALIGN   again");
    assert!(offline.err.contains("INVALID OPERATION IN CURRENT STATE"), "{offline:?}");
}

/// Stops a print process at a moment at which it does not write to the spool: others would wait for it.
fn stop_between_writes(site: &Site, pid: nix::unistd::Pid) {
    let stands = || {
        let threads =
            std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|one| one.unwrap().path().join("stat"));
        threads.filter_map(|stat| std::fs::read_to_string(stat).ok()).all(|stat| stat.contains(") T "))
    };
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    loop {
        kill(pid, Signal::SIGSTOP).unwrap();
        while !stands() {
            assert!(std::time::Instant::now() < end, "it does not stop");
            std::thread::yield_now();
        }
        if crate::support::holder(&site.paths().write_lock()) != Some(pid) {
            return;
        }
        kill(pid, Signal::SIGCONT).unwrap();
        assert!(std::time::Instant::now() < end, "it writes all the time");
    }
}

#[test]
fn a_print_process_killed_between_request_and_answer_leaves_it_refused() {
    let printer = Sink::new(Mode::Stalls(20_000));
    let site = site(&printer, "OFF");
    submit(&site, "long", &pages("long", 4000));
    site.start("LP2");
    printer.wait_for("it prints", |all| all.iter().any(|one| one.octets.len() >= 20_000));
    let pid = site.fastp().unwrap();
    stop_between_writes(&site, pid);
    let asked = site.spoolcom("DEV $LP2, SKIPTO 3990");
    assert!(asked.err.starts_with("WARNING: SKIPTO 3990 OF $LP2 IS REQUESTED\n"), "{asked:?}");
    assert!(site.kill_fastp());
    printer.set_mode(Mode::Normal);
    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    let query = "SELECT count(*), max(answer) FROM request WHERE answered_ms IS NOT NULL AND outcome = 1";
    let (refused, why): (i64, String) =
        site.database().query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((refused, why.as_str()), (1, "its print process ended before it answered"));
    let pages = printed(&printer.connections(), "long");
    assert!(pages.ends_with(&(1..=4000).collect::<Vec<_>>()), "the next attempt knows nothing of it");
}

#[test]
fn a_font_goes_ahead_of_each_job_of_its_location_once() {
    let printer = Sink::new(Mode::Normal);
    let site = site(&printer, "OFF");
    site.spoolcom("LOC #HOLD.DEFAULT, DEV; LOC #OFFICE.NET, FONT PAYLOGO; LOC #OFFICE.PLAIN, DEV $LP2");
    let file = site.document("logo", b"[logo]");
    site.submit("hold.default", "PAYLOGO", &file).expect(0);
    site.spoolcom("FONT PAYLOGO, JOB (REPORT PAYLOGO)");
    assert_eq!(site.spoolcom("FONT").out, "FONT     JOB\nPAYLOGO    1\n");
    assert!(site.spoolcom("LOC #OFFICE.NET").out.contains("PAYLOGO"));
    let kept = site.run("spoolcom", &["JOB 1, DELETE"]).expect(1);
    assert!(kept.err.contains("ENTRY IN USE"), "{kept:?}");
    let one = site.document("one", b"<one 1>\n");
    site.run("pdpr", &["-d", "office.net", "-n", "2", "-t", "one", one.to_str().unwrap()]).expect(0);
    site.submit("office.plain", "two", &site.document("two", b"<two 1>\n")).expect(0);
    site.submit("office.net", "three", &site.document("three", b"<three 1>\n")).expect(0);
    site.start("LP2");
    printer.wait_for("all of them", |all| text(all).contains("<three 1>"));
    let all = text(&printer.connections());
    assert_eq!(all, "[logo]<one 1>\n\x0c<one 1>\n\x0c<two 1>\n\x0c[logo]<three 1>\n");
    site.spoolcom("FONT PAYLOGO, DELETE; JOB 1, DELETE");
    assert_eq!(site.spoolcom("FONT").out, "FONT  JOB\n");
}

#[test]
fn a_batch_prints_as_one_listing() {
    let printer = Sink::new(Mode::Normal);
    let site = site(&printer, "OFF");
    site.spoolcom("DEV $LP2, HEADER ON; LOC #HOLD.DEFAULT, DEV");
    for tag in ["a", "b"] {
        let file = site.document(tag, format!("<{tag} 1>\n").as_bytes());
        site.run("pdpr", &["-d", "hold.default", "-t", tag, file.to_str().unwrap()]).expect(0);
    }
    site.spoolcom("JOB (LOC #HOLD), HOLD; BATCH 301, LINK 2; BATCH 301, LINK 1");
    let refused = site.run("spoolcom", &["JOB 1, FORM X"]).expect(1);
    assert!(refused.err.contains("JOB 1 INVALID OPERATION IN CURRENT STATE"), "{refused:?}");
    let unlinked = site.run("spoolcom", &["BATCH 7, COPIES 2"]).expect(1);
    assert!(unlinked.err.contains("ENTRY NOT FOUND"), "{unlinked:?}");
    site.spoolcom("BATCH 301, COPIES 2, LOC #OFFICE.NET");
    submit(&site, "c", "<c 1>\n");
    let shown = site.spoolcom("BATCH").out;
    let rows: Vec<Vec<&str>> = shown.lines().skip(1).map(|row| row.split_whitespace().take(3).collect()).collect();
    assert_eq!(rows, [["2", "301", "HL"], ["1", "301", "HL"]], "{shown}");
    site.spoolcom("BATCH 301, START");
    let joins = site.document("d", b"<d 1>\n");
    let options = "job-batch-id=301";
    site.run("pdpr", &["-d", "office.net", "-t", "d", "-x", options, joins.to_str().unwrap()]).expect(0);
    let listed = site.jobs();
    assert_eq!(listed.iter().filter(|job| job["job-batch-id"] == 301).count(), 3, "{listed:#?}");
    site.start("LP2");
    site.wait_until_empty();
    let all = text(&printer.connections());
    let order: Vec<&str> = all.lines().filter(|line| line.trim_start_matches('\x0c').starts_with('<')).collect();
    let order: Vec<&str> = order.iter().map(|line| line.trim_start_matches('\x0c')).collect();
    let at = order.iter().position(|line| *line == "<b 1>").unwrap();
    assert_eq!(order[at..at + 5], ["<b 1>", "<b 1>", "<a 1>", "<a 1>", "<d 1>"], "{order:?}");
    // Pages of ours stand before the batch and before the other job, and nowhere else.
    let between = &all[all.find("<b 1>").unwrap()..all.find("<d 1>").unwrap()];
    let ours = between.lines().map(|line| line.trim_matches(['\x0c', '\r'])).filter(|line| !line.is_empty());
    assert_eq!(ours.collect::<Vec<_>>(), ["<b 1>", "<b 1>", "<a 1>", "<a 1>"], "{all}");
}
