//! Printers that misbehave: what was interrupted is printed again and announced, what is late heals by itself.

use std::net::TcpListener;

use crate::support::Site;
use crate::support::documents::{stream, take_apart};
use crate::support::sink::{Mode, Sink};

fn site(uri: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.device("LP2", uri, "OFF!");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    site
}

fn complete(printer: &Sink) -> Vec<String> {
    printer.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect()
}

#[test]
fn a_job_whose_connection_was_reset_is_printed_again_and_announced_in_its_old_place() {
    let printer = Sink::new(Mode::ResetAfter(50_000));
    let site = site(&printer.uri());
    for tag in ["first", "second"] {
        let file = site.document(tag, &stream(tag, 300_000));
        site.submit("office.net", tag, &file).expect(0);
    }
    printer.wait_for("a second try", |connections| connections.len() > 1);
    printer.set_mode(Mode::Normal);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["first", "second"], "in order, each once whole");
    assert!(site.possible_duplicates().contains("first"));
    site.wait_for_no_print_files();
}

#[test]
fn a_printer_that_was_off_prints_by_itself_when_it_is_on() {
    // A port that nobody listens on, and that was just free.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let site = site(&format!("socket://127.0.0.1:{port}"));
    let file = site.document("late", &stream("late", 20_000));
    site.submit("office.net", "late", &file).expect(0);
    site.wait_for("the device reports its error", || {
        site.run("spoolcom", &["DEV $LP2"]).expect(0).out.contains("ERROR")
    });
    let printer = Sink::at(TcpListener::bind(("127.0.0.1", port)).unwrap(), Mode::Normal);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["late"]);
    assert!(site.possible_duplicates().is_empty(), "nothing was on paper before");
}

#[test]
fn a_slow_printer_gets_every_octet() {
    let printer = Sink::new(Mode::Slow);
    let site = site(&printer.uri());
    let file = site.document("slow", &stream("slow", 300_000));
    site.submit("office.net", "slow", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(complete(&printer), ["slow"]);
}

#[test]
#[ignore = "lasts as long as a printer may keep its side open after the last octet; .ci/campaign runs it"]
fn a_printer_that_never_closes_does_not_keep_its_job_for_ever() {
    let printer = Sink::new(Mode::NeverCloses);
    let site = site(&printer.uri());
    for tag in ["one", "two"] {
        let file = site.document(tag, &stream(tag, 5_000));
        site.submit("office.net", tag, &file).expect(0);
        site.wait_until_empty();
    }
    assert_eq!(complete(&printer), ["one", "two"]);
}
