//! Header pages and form feeds through the real programs.

use crate::support::Site;

/// A site whose `LP1` has these settings and is online.
fn site(settings: &str) -> Site {
    let site = Site::new();
    site.declare();
    site.spoolcom(&format!("DEV $LP1, {settings}; DEV $LP1, START"));
    site
}

fn print(site: &Site, name: &str, bytes: &[u8]) {
    let file = site.document(name, bytes);
    site.submit("office.front", name, &file).expect(0);
    site.wait_until_empty();
}

fn sheets(site: &Site) -> Vec<String> {
    let printed = std::fs::read(site.sink()).unwrap();
    String::from_utf8(printed).unwrap().split('\x0c').map(str::to_owned).collect()
}

fn is_header(sheet: &str, report: &str) -> bool {
    sheet.contains(&format!("\r\n  REPORT    {report}\r\n  LOCATION  #OFFICE.FRONT\r\n  OWNER     "))
        && sheet.contains("\r\n  FORM      (BLANK)\r\n  JOB       ")
        && sheet.contains("\r\n  PRINTED   ")
}

#[test]
fn a_new_device_prints_a_header_page_before_each_text_job() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    let uri = format!("file://{}", site.sink().display());
    site.spoolcom(&format!("DEV $LP1, PROCESS $SPLA, URI {uri}; LOC #OFFICE.FRONT, DEV $LP1; DEV $LP1, START"));
    let shown = site.spoolcom("DEV $LP1").out;
    assert!(shown.lines().nth(1).unwrap().contains("  H F    $SPLA"), "{shown}");
    print(&site, "one", b"first\n");
    print(&site, "two", b"second\n");
    let sheets = sheets(&site);
    assert_eq!(sheets.len(), 4, "{sheets:#?}");
    assert!(is_header(&sheets[0], "one") && is_header(&sheets[2], "two"), "{sheets:#?}");
    assert_eq!([&sheets[1], &sheets[3]], ["first\n", "second\n"]);
    assert!(sheets[0].contains("#######"), "banner letters: {}", sheets[0]);
}

#[test]
fn a_finished_stream_is_printed_octet_for_octet_and_its_events_say_so_once() {
    let site = site("HEADER ON, STARTFF ON, ENDFF ON");
    print(&site, "label", b"^XA^FO10,10^FDx^FS^XZ");
    print(&site, "page", b"%PDF-1.7\n\x0c");
    assert_eq!(std::fs::read(site.sink()).unwrap(), b"^XA^FO10,10^FDx^FS^XZ%PDF-1.7\n\x0c");
    let query = "SELECT why FROM event WHERE object = 'job' AND why LIKE '%omitted%' ORDER BY id";
    let db = site.database();
    let mut statement = db.prepare(query).unwrap();
    let said: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(said, ["header page omitted: the document is zpl", "header page omitted: the document is pdf"]);
}

#[test]
fn startff_endff_and_the_jobs_own_form_feeds_make_one_page_advance() {
    for (settings, expected) in [
        ("HEADER OFF", "a\n\x0cb\n\x0c\x0cc\n"),
        ("HEADER OFF, STARTFF ON", "a\n\x0cb\n\x0cc\n"),
        ("HEADER OFF, ENDFF ON", "a\n\x0cb\n\x0cc\n\x0c"),
        ("HEADER OFF, STARTFF OFF!", "a\nb\n\x0cc\n"),
        ("HEADER OFF, STARTFF ON, ENDFF ON, EXCLUSIVE OFF!", "a\n\x0cb\n\x0cc\n\x0c"),
    ] {
        let expected = expected.replace("\x0c\x0c", "\x0c");
        let site = site(settings);
        for (name, bytes) in [("a", b"a\n".as_slice()), ("b", b"\x0cb\n\x0c"), ("c", b"\x0cc\n")] {
            print(&site, name, bytes);
        }
        assert_eq!(std::fs::read_to_string(site.sink()).unwrap(), expected, "{settings}");
    }
}

#[test]
fn batch_prints_two_pages_before_and_three_full_sheets_after() {
    let site = site("HEADER BATCH, WIDTH 80, PARM %2");
    print(&site, "batch", b"text\n");
    print(&site, "next", b"text\n");
    let sheets = sheets(&site);
    // Header, header, text, trailers (three sheets without form feeds) and the next job's first header, …
    assert_eq!(sheets.len(), 7, "{sheets:#?}");
    assert!(is_header(&sheets[0], "batch") && is_header(&sheets[1], "batch"));
    let trailer: Vec<&str> = sheets[6].trim_start_matches('\r').lines().collect();
    assert_eq!(trailer.len(), 3 * 72);
    assert_eq!(trailer.iter().filter(|line| **line == "*".repeat(80)).count(), 12);
    assert_eq!(trailer.iter().filter(|line| **line == "  REPORT    next").count(), 2);
    assert!(
        is_header(&sheets[3], "next"),
        "the header follows the trailers without a form feed: they fill their sheets"
    );
}

/// How often the print process was started.
fn starts(site: &Site) -> i64 {
    site.database().query_row("SELECT max(epoch) FROM process", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_kill_between_header_page_and_end_leaves_exactly_one_copy() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, HEADER ON");
    let file = site.document("one", b"first\n");
    site.submit("office.front", "one", &file).expect(0);
    // The header page, the form feed and the text are a piece each; then the last octet, and the end on record.
    for point in ["mid-send@1", "mid-send@2", "mid-send@3", "after-last-octet", "before-completion"] {
        site.kill_fastp();
        let before = starts(&site);
        let mut command = site.command("spoolcom");
        command.arg("PRINT $SPLA, START; DEV $LP1, START").env("PD_FAULT", point);
        let outcome = crate::support::finish(command.spawn().unwrap(), crate::support::DEADLINE);
        assert!(outcome.status == 0 || outcome.err.contains("online"), "{outcome:#?}");
        site.wait_for("the print process begins", || starts(&site) > before);
        assert!(site.fastp_ends(crate::support::DEADLINE) && site.counts_as_running(), "not killed at {point}");
    }
    assert!(!sheets(&site)[0].is_empty(), "the kill came after the header page");
    site.run("spoolcom", &["PRINT $SPLA, START"]).expect(0);
    site.wait_until_empty();
    let sheets = sheets(&site);
    assert_eq!(sheets.len(), 2, "{sheets:#?}");
    assert!(is_header(&sheets[0], "one") && sheets[1] == "first\n", "{sheets:#?}");
    assert!(site.possible_duplicates().is_empty());
}

#[test]
fn a_name_cannot_send_escapes_to_the_printer() {
    let site = site("HEADER ON");
    let file = site.document("x", b"text\n");
    let mut command = site.command("pdpr");
    command.args(["-d", "office.front", "-t", "a\u{1b}E\u{9b}é☃"]).arg(&file);
    let outcome = crate::support::finish(command.spawn().unwrap(), crate::support::DEADLINE);
    // The name may be refused; if it is taken, it is harmless.
    if outcome.status == 0 {
        site.wait_until_empty();
        assert!(
            std::fs::read(site.sink())
                .unwrap()
                .iter()
                .all(|octet| octet.is_ascii_graphic() || b" \r\n\x0c".contains(octet))
        );
    }
}
