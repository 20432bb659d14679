//! `page-select`: the pages of a text that are printed, and what is refused.

use crate::support::Site;
use crate::support::sink::{Mode, Sink};

/// A site with a printer behind the destination `ld`, which is disabled.
fn site() -> (Site, Sink) {
    let mut site = Site::new();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    let sink = Sink::new(Mode::Normal);
    let port = sink.uri().rsplit(':').next().unwrap().to_owned();
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    let given = format!(
        "destination-realization=actual associated-queue=q destination-tcpip-internet-address=127.0.0.1 \
         destination-tcpip-port-number={port}"
    );
    site.run("pdcreate", &["-x", &given, "acme1:ad"]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]).expect(0);
    site.run("pdenable", &["ld"]).expect(0);
    (site, sink)
}

fn shown(site: &Site, attributes: &str, job: &str) -> String {
    site.run("pdls", &["-U", "-g", "-s", "line", "-r", attributes, job]).expect(0).out
}

/// Five pages that feed themselves, but for the last one.
const TEXT: &[u8] = b"one\n\x0ctwo\n\x0cthree\n\x0cfour\n\x0cfive\n";

#[test]
fn just_the_pages_that_are_selected_are_printed_counted_and_shown() {
    let (site, sink) = site();
    let file = site.document("a.txt", TEXT);
    let file = file.to_str().unwrap();
    let whole = site.document("b.txt", b"whole\n");
    for (select, kept, out, pages) in [
        ("2:3", "2:3", "two\n\x0cthree\n\x0c", 2),
        (":2", "1:2", "one\n\x0ctwo\n\x0c", 2),
        ("4:4 2:2", "4:4 2:2", "four\n\x0ctwo\n\x0c", 2),
        ("5:5 1:1", "5:5 1:1", "five\n\x0cone\n\x0c", 2),
        ("4:99", "4:99", "four\n\x0cfive\n", 2),
        ("1:5", "1:5", "one\n\x0ctwo\n\x0cthree\n\x0cfour\n\x0cfive\n", 5),
        ("4", "4:2147483647", "four\n\x0cfive\n", 2),
    ] {
        site.run("pdpr", &["-d", "ld", "-x", &format!("page-select={select}"), file]).expect(0);
        let job = site.jobs()[0]["job-identifier"].as_str().unwrap().to_owned();
        let lines = shown(&site, "job-page-count page-count page-select", &job);
        let words: Vec<&str> = lines.split_whitespace().collect();
        let wanted = format!("job-page-count = {pages} page-count = 5 page-select = {kept}");
        assert_eq!(words.join(" "), wanted);
        site.run("pdenable", &["ad"]).expect(0);
        site.wait_until_empty();
        let printed = sink.connections().pop().unwrap().octets;
        // Where the job before has left the paper within a page, that page is fed out first.
        assert_eq!(String::from_utf8_lossy(&printed).trim_start_matches('\x0c'), out, "{select}");
        site.run("pddisable", &["ad"]).expect(0);
    }
    // Each document has its own; copies are copies of the selection, and accounting counts what was printed.
    let words =
        ["-d", "ld", "-x", "page-select=2:2 copy-count=2", file, "-x", "page-select=:1", whole.to_str().unwrap()];
    site.run("pdpr", &words).expect(0);
    let job = site.jobs()[0]["job-identifier"].as_str().unwrap().to_owned();
    assert_eq!(shown(&site, "job-page-count", &job), "job-page-count = 4\n");
    site.run("pdmod", &["-x", "copy-count=1", &job]).expect(0);
    assert_eq!(shown(&site, "job-page-count", &job), "job-page-count = 2\n");
    site.run("pdmod", &["-x", "page-select==", &job]).expect(0);
    assert_eq!(shown(&site, "job-page-count", &job), "job-page-count = 6\n");
    site.run("pdmod", &["-x", "page-select=3:4", &format!("{}.1", job.rsplit(':').next().unwrap())]).expect(0);
    assert_eq!(shown(&site, "job-page-count", &job), "job-page-count = 3\n");
    let log = site.run("pdls", &["-U", "-g", "-r", "log", &job]).expect(0).out;
    assert!(log.contains("page-select"), "{log}");
    site.run("pdenable", &["ad"]).expect(0);
    site.wait_until_empty();
    let printed = sink.connections().pop().unwrap().octets;
    assert_eq!(String::from_utf8_lossy(&printed).trim_start_matches('\x0c'), "three\n\x0cfour\n\x0cwhole\n");
    let history =
        site.run("pdls", &["--history", "-U", "-j", "-g", "-s", "line", "-r", "job-page-count", &job]).expect(0).out;
    assert_eq!(history, "job-page-count = 3\n");
}

#[test]
fn pages_that_end_with_their_sixtieth_line_are_fed_when_the_next_one_is_another() {
    let (site, sink) = site();
    let text: String = (1..=150).map(|n| format!("line {n}\n")).collect();
    let file = site.document("a.txt", text.as_bytes());
    site.run("pdpr", &["-d", "ld", "-x", "page-select=1:1 3:3", file.to_str().unwrap()]).expect(0);
    site.run("pdenable", &["ad"]).expect(0);
    site.wait_until_empty();
    let printed = String::from_utf8(sink.connections().pop().unwrap().octets).unwrap();
    let wanted = |from: u32, to: u32| (from..=to).map(|n| format!("line {n}\n")).collect::<String>();
    assert_eq!(printed, format!("{}\x0c{}", wanted(1, 60), wanted(121, 150)));
}

#[test]
fn what_cannot_be_honoured_is_refused_and_nothing_of_it_remains() {
    let (site, _sink) = site();
    let text = site.document("a.txt", TEXT);
    let pdf = site.document("a.pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n");
    let ps = site.document("a.ps", b"%!PS-Adobe-3.0\n%%Pages: 2\n%%Page: 1 1\nshowpage\n%%Page: 2 2\nshowpage\n");
    for (file, select, status, part) in [
        (&pdf, "1:1", 1, "of pdf nobody knows"),
        (&ps, "1:1", 1, "of postscript nobody knows"),
        (&text, "6:9", 1, "it has 5 pages, and none of these"),
        (&text, "0:2", 2, "page-select"),
        (&text, "3:2", 2, "page-select"),
        (&text, "x", 2, "page-select"),
        (&text, "1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 10:10 11:11", 1, "at most 10 ranges"),
    ] {
        let words = ["-d", "ld", "-x", &format!("page-select={select}"), file.to_str().unwrap()];
        site.run("pdpr", &words).expect(status).says(part);
        assert!(site.jobs().is_empty());
    }
    // What is altered is held against it too.
    site.run("pdpr", &["-d", "ld", ps.to_str().unwrap()]).expect(0);
    let job = site.jobs()[0]["job-identifier"].as_str().unwrap().to_owned();
    site.run("pdmod", &["-x", "page-select=1:1", &job]).expect(1).says("of postscript nobody knows");
    site.run("pdmod", &["-x", "document-format=ascii page-select=1:1", &job]).expect(0);
    site.run("pdmod", &["-x", "document-format==", &job]).expect(1).says("page-select=1:1 of document 1");
}
