//! Devices of every scheme through the real programs: when they are open and for whom, what is told of them, and how
//! they heal.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::documents::{stream, take_apart};
use crate::support::lines::{Tap, Terminal, make_fifo};
use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Site, finish};
use nix::sys::termios::tcgetattr;
use spoolsuite::fastp::transports::SCHEMES;
use spoolsuite::sys::lock::FileLock;

/// More than a pipe or a terminal holds.
const LONG: usize = 300_000;
const ALL: usize = usize::MAX;

/// A printer behind one of the transports.
enum Printer {
    File(PathBuf),
    Terminal { terminal: Option<Terminal>, link: PathBuf },
    Fifo { tap: Option<Tap>, path: PathBuf },
    Socket(Sink),
}

impl Printer {
    const KINDS: [&str; 4] = ["file", "char", "fifo", "socket"];

    /// One that takes at most `limit` octets for now.
    fn new(kind: &str, site: &Site, limit: usize) -> Self {
        let path = site.files.path().join(kind);
        match kind {
            "file" => Self::File(path),
            "char" => Self::Terminal { terminal: Some(Terminal::new(&path, limit)), link: path },
            "fifo" => {
                make_fifo(&path);
                Self::Fifo { tap: Some(Tap::fifo(&path, limit)), path }
            }
            _ => Self::Socket(Sink::new(Mode::Normal)),
        }
    }

    fn uri(&self) -> String {
        match self {
            Self::File(path) => format!("file://{}", path.display()),
            Self::Terminal { link, .. } => format!("char://{}", link.display()),
            Self::Fifo { path, .. } => format!("fifo://{}", path.display()),
            Self::Socket(sink) => sink.uri(),
        }
    }

    fn tap(&self) -> &Tap {
        match self {
            Self::Terminal { terminal, .. } => &terminal.as_ref().unwrap().tap,
            Self::Fifo { tap, .. } => tap.as_ref().unwrap(),
            _ => panic!("it cannot be stopped"),
        }
    }

    /// Hangs up, as by pulling the plug; the place stays.
    fn gone(&mut self) {
        match self {
            Self::Terminal { terminal, .. } => drop(terminal.take()),
            Self::Fifo { tap, .. } => drop(tap.take()),
            _ => panic!("it stays"),
        }
    }

    /// Another one comes to the same place.
    fn back(&mut self) {
        match self {
            Self::Terminal { terminal, link } => *terminal = Some(Terminal::new(link, ALL)),
            Self::Fifo { tap, path } => *tap = Some(Tap::fifo(path, ALL)),
            _ => panic!("it was not gone"),
        }
    }

    /// Tags of the jobs that came, each whole, when there are `count`. What is recorded as sent may be on its way through
    /// the test itself.
    fn complete(&self, count: usize) -> Vec<String> {
        match self {
            Self::File(path) => take_apart(&std::fs::read(path).unwrap()).complete,
            Self::Socket(sink) => {
                sink.connections().iter().flat_map(|connection| take_apart(&connection.octets).complete).collect()
            }
            _ => take_apart(&self.tap().fetch(|octets| take_apart(octets).complete.len() >= count)).complete,
        }
    }

    /// Whether another program finds it in use; none when that cannot be seen.
    fn in_use(&self) -> Option<bool> {
        let held = |path: &Path| FileLock::is_held_on(&File::options().read(true).write(true).open(path).unwrap());
        match self {
            Self::File(path) if path.exists() => Some(held(path).unwrap()),
            Self::File(_) => Some(false),
            Self::Fifo { path, .. } => Some(held(path).unwrap()),
            Self::Terminal { terminal, .. } => Some(refuses_others(&terminal.as_ref().unwrap().path)),
            Self::Socket(_) => None,
        }
    }
}

/// Whether a program without special rights cannot open the terminal because it is in use.
fn refuses_others(path: &Path) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", ": > \"$1\"", "sh"]).arg(path).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if nix::unistd::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let outcome = finish(command.spawn().unwrap(), DEADLINE);
    let busy = outcome.err.contains("busy");
    assert!(busy || outcome.status == 0, "{outcome:#?}");
    busy
}

/// A site with the file device `LP1`, online, whose transferred jobs settle soon and whose pipes wait a moment only.
fn site() -> Site {
    let mut site = Site::new();
    site.env = vec![("PD_SETTLE_MS", "200"), ("PD_CONNECT_MS", "500")];
    site.declare();
    site.spoolcom("DEV $LP1, START");
    site
}

/// The same with the printer as `LP2` before `OFFICE.NET`; not started yet.
fn site_with(kind: &str, exclusive: &str, limit: usize) -> (Site, Printer) {
    let site = site();
    let printer = Printer::new(kind, &site, limit);
    site.device("LP2", &printer.uri(), exclusive);
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    (site, printer)
}

fn submit(site: &Site, tag: &str, size: usize) {
    let file = site.document(tag, &stream(tag, size));
    site.submit("office.net", tag, &file).expect(0);
}

/// The reasons of the events of this word in the life of a device, in order.
fn events(site: &Site, device: &str, what: &str) -> Vec<String> {
    let db = site.database();
    let query = "SELECT why FROM event WHERE object = 'device' AND what = ?2 AND object_id =
                 (SELECT id FROM device WHERE name_key = ?1) ORDER BY id";
    let mut statement = db.prepare(query).unwrap();
    let rows = statement.query_map([device.to_ascii_lowercase().as_str(), what], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn opened_and_closed(site: &Site) -> (usize, usize) {
    (events(site, "LP2", "opened").len(), events(site, "LP2", "closed").len())
}

fn number(site: &Site, tag: &str) -> String {
    let job = site.jobs().into_iter().find(|job| job["job-name"] == tag).unwrap();
    job["job-number"].to_string()
}

/// Waits until `LP2` is in an error that says `words`.
#[track_caller]
fn wait_for_error(site: &Site, words: &str) {
    site.wait_for(words, || events(site, "LP2", "error").iter().any(|why| why.contains(words)));
}

#[test]
fn exclusive_off_opens_once_for_all_jobs_that_are_queued_and_off_each_for_every_one() {
    for (exclusive, count) in [("OFF", 1), ("OFF!", 3)] {
        for kind in Printer::KINDS {
            let (site, printer) = site_with(kind, exclusive, ALL);
            for tag in ["a", "b", "c"] {
                submit(&site, tag, 5_000);
            }
            assert_eq!(opened_and_closed(&site), (0, 0));
            site.spoolcom("DEV $LP2, START");
            site.wait_until_empty();
            site.wait_for("the last close", || opened_and_closed(&site).1 == count);
            assert_eq!(opened_and_closed(&site).0, count, "{kind} {exclusive}");
            let json = site.run("spoolcom", &["--json", "DEV $LP2"]).expect(0).out;
            assert!(json.contains(&format!("\"opens\":{count},")), "{kind} {exclusive}: {json}");
            let mut log = site.spoolcom("DEV $LP2, LOG").out;
            log.retain(|c| c != ' ');
            assert_eq!(log.matches("$SPLAopened").count(), count, "{log}");
            assert_eq!(printer.complete(3), ["a", "b", "c"], "{kind} {exclusive}");
            assert_ne!(printer.in_use(), Some(true), "{kind} {exclusive}");
        }
    }
}

#[test]
fn exclusive_on_is_open_and_in_use_for_others_exactly_from_start_to_drain() {
    for kind in Printer::KINDS {
        let (site, printer) = site_with(kind, "ON", ALL);
        assert_ne!(printer.in_use(), Some(true), "{kind}");
        site.spoolcom("DEV $LP2, START");
        site.wait_for("it is open with nothing queued", || opened_and_closed(&site) == (1, 0));
        assert_ne!(printer.in_use(), Some(false), "{kind}");
        for tag in ["a", "b"] {
            submit(&site, tag, 5_000);
            site.wait_until_empty();
        }
        assert_eq!(opened_and_closed(&site), (1, 0), "{kind}");
        assert_ne!(printer.in_use(), Some(false), "{kind}");
        site.spoolcom("DEV $LP2, DRAIN");
        assert_eq!(opened_and_closed(&site), (1, 1), "{kind}");
        assert_ne!(printer.in_use(), Some(true), "{kind}");
        assert_eq!(printer.complete(2), ["a", "b"], "{kind}");
    }
}

#[test]
fn jobs_that_are_not_eligible_neither_open_a_device_nor_keep_it_open() {
    for kind in Printer::KINDS {
        let (site, printer) = site_with(kind, "OFF", ALL);
        for tag in ["held", "form", "good"] {
            submit(&site, tag, 5_000);
        }
        let (held, form, good) = (number(&site, "held"), number(&site, "form"), number(&site, "good"));
        site.spoolcom(&format!("JOB {held}, HOLD; JOB {form}, HOLD, FORM A4, START; JOB {good}, HOLD"));
        site.spoolcom("DEV $LP2, START; SPOOLER, START");
        // The print process has looked at both devices when it has printed this.
        let other = site.document("other", &stream("other", 100));
        site.submit("office.front", "other", &other).expect(0);
        site.wait_for("the other device has printed", || !site.tags().contains("other"));
        assert_eq!(opened_and_closed(&site), (0, 0), "{kind}");
        site.spoolcom(&format!("JOB {good}, START"));
        site.wait_for("it is closed", || opened_and_closed(&site) == (1, 1));
        assert_eq!(printer.complete(1), ["good"], "{kind}");
        assert_eq!(site.jobs().len(), 2, "{kind}");
    }
}

#[test]
fn an_idle_connection_that_the_other_side_ends_is_opened_again_and_counted() {
    for kind in ["char", "fifo"] {
        let (site, mut printer) = site_with(kind, "ON", ALL);
        site.spoolcom("DEV $LP2, START");
        submit(&site, "a", 5_000);
        site.wait_until_empty();
        printer.gone();
        site.wait_for("it is closed", || opened_and_closed(&site).1 == 1);
        printer.back();
        site.wait_for("it is open again with nothing queued", || opened_and_closed(&site) == (2, 1));
        submit(&site, "b", 5_000);
        site.wait_until_empty();
        assert_eq!(printer.complete(1), ["b"], "{kind}");
        let closed = events(&site, "LP2", "closed");
        assert!(closed[0].contains(if kind == "char" { "hung up" } else { "has closed it" }), "{closed:?}");
        assert!(site.possible_duplicates().is_empty(), "{kind}");
    }
}

#[test]
fn an_idle_socket_that_hangs_up_and_a_file_that_is_moved_are_opened_again_and_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = site();
    site.device("LP2", &format!("socket://{}", listener.local_addr().unwrap()), "ON");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    let (mut first, _) = listener.accept().unwrap();
    submit(&site, "a", 5_000);
    let mut octets = vec![0; stream("a", 5_000).len()];
    std::io::Read::read_exact(&mut first, &mut octets).unwrap();
    site.wait_until_empty();
    drop(first);
    let (_second, _) = listener.accept().unwrap();
    site.wait_for("it is open again", || opened_and_closed(&site) == (2, 1));
    assert_eq!(events(&site, "LP2", "opened")[1], "the peer hung up");

    let sink = site.sink();
    site.spoolcom("DEV $LP1, DRAIN; DEV $LP1, EXCLUSIVE ON, START");
    let opened = || events(&site, "LP1", "opened").len();
    site.wait_for("the file is open", || opened() == 1);
    let moved = sink.with_extension("old");
    std::fs::rename(&sink, &moved).unwrap();
    let file = site.document("b", &stream("b", 5_000));
    site.submit("office.front", "b", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(opened(), 2);
    assert_eq!(events(&site, "LP1", "closed"), ["the file was moved or replaced"]);
    assert_eq!(take_apart(&std::fs::read(&sink).unwrap()).complete, ["b"]);
    assert_eq!(std::fs::metadata(&moved).unwrap().len(), 0);
}

#[test]
fn a_device_that_another_program_uses_is_waited_for() {
    for kind in ["file", "char", "fifo"] {
        let (site, printer) = site_with(kind, "OFF", ALL);
        let file = match &printer {
            Printer::Terminal { terminal, .. } => {
                let file = File::from(terminal.as_ref().unwrap().slave.try_clone().unwrap());
                file.try_lock().unwrap();
                file
            }
            Printer::File(path) | Printer::Fifo { path, .. } => {
                let file = File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
                assert!(FileLock::mark(&file).unwrap());
                file
            }
            Printer::Socket(_) => unreachable!(),
        };
        submit(&site, "a", 5_000);
        site.spoolcom("DEV $LP2, START");
        wait_for_error(&site, "in use by another");
        assert_eq!(opened_and_closed(&site), (0, 0));
        // The description of the terminal lives on in the test: the lock goes by itself.
        file.unlock().unwrap();
        drop(file);
        site.wait_until_empty();
        assert_eq!(printer.complete(1), ["a"], "{kind}");
    }
}

#[test]
fn a_terminal_gets_every_octet_unchanged_and_its_settings_back() {
    let (site, printer) = site_with("char", "OFF", 0);
    let Printer::Terminal { terminal: Some(terminal), .. } = &printer else { unreachable!() };
    let before = tcgetattr(&terminal.slave).unwrap();
    let octets: Vec<u8> = b"\x1bE".iter().copied().chain((0..20_000u32).map(|n| (n * 7) as u8)).collect();
    let file = site.document("raw", &octets);
    site.submit("office.net", "raw", &file).expect(0);
    site.spoolcom("DEV $LP2, START");
    terminal.tap.pass(10);
    // What the printer says is neither sent back to it nor taken for an interrupt, which would throw octets away.
    (&terminal.answers).write_all(b"ready\r\n\x03\x1a\x1c").unwrap();
    terminal.tap.go_on();
    site.wait_until_empty();
    site.wait_for("it is closed", || opened_and_closed(&site) == (1, 1));
    assert_eq!(terminal.tap.fetch(|came| came.len() >= octets.len()), octets);
    assert_eq!(tcgetattr(&terminal.slave).unwrap(), before);
}

#[test]
fn what_nobody_read_at_a_terminals_other_side_is_never_recorded_as_sent() {
    let (site, mut printer) = site_with("char", "OFF", 0);
    submit(&site, "unread", 1_000);
    site.spoolcom("DEV $LP2, START");
    site.wait_until_empty();
    printer.gone();
    let words = |what: &str| {
        let query = "SELECT count(*) FROM event WHERE object = 'job' AND what = ?";
        site.database().query_row(query, [what], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((words("sent"), words("released")), (0, 1), "{:#?}", site.run("pdls", &["--history", "-r", "log"]));
}

#[test]
fn a_pipe_that_nobody_reads_keeps_its_jobs_and_no_other_device_back() {
    let site = site();
    let fifo = site.files.path().join("fifo");
    site.device("LP2", &format!("fifo://{}", fifo.display()), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    for tag in ["a", "b", "c"] {
        submit(&site, tag, LONG);
    }
    wait_for_error(&site, "there is no such FIFO; mkfifo");
    make_fifo(&fifo);
    wait_for_error(&site, "no program reads it");
    for tag in ["x", "y"] {
        let file = site.document(tag, &stream(tag, LONG));
        site.submit("office.front", tag, &file).expect(0);
    }
    site.wait_for("the other device has printed", || site.tags().is_disjoint(&["x".into(), "y".into()].into()));
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["x", "y"]);
    assert_eq!(site.jobs().len(), 3);
    assert_eq!(opened_and_closed(&site), (0, 0));
    // A real program, which waits in its own open and ends when the pipe is closed.
    let out = site.files.path().join("cat.out");
    let cat = Command::new("cat").arg(&fifo).stdin(Stdio::null()).stdout(File::create(&out).unwrap()).spawn().unwrap();
    site.wait_until_empty();
    finish(cat, DEADLINE).expect(0);
    assert_eq!(take_apart(&std::fs::read(&out).unwrap()).complete, ["a", "b", "c"]);
    assert_eq!(opened_and_closed(&site), (1, 1));
    assert!(site.possible_duplicates().is_empty());
}

#[test]
fn who_waits_for_a_reader_can_be_drained_and_its_job_held_at_once() {
    let mut site = site();
    site.env = vec![("PD_CONNECT_MS", "600000")];
    site.kill_fastp();
    let fifo = site.files.path().join("fifo");
    make_fifo(&fifo);
    site.device("LP2", &format!("fifo://{}", fifo.display()), "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    submit(&site, "a", 5_000);
    let state = || site.jobs()[0]["current-job-state"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        site.wait_for("it is claimed", || state() == "processing");
        site.spoolcom("DEV $LP2, DRAIN");
        assert_eq!(state(), "pending");
        site.spoolcom("DEV $LP2, START");
    }
    site.wait_for("it is claimed", || state() == "processing");
    let job = number(&site, "a");
    site.spoolcom(&format!("JOB {job}, HOLD"));
    assert_eq!(state(), "held");
    let tap = Tap::fifo(&fifo, ALL);
    site.spoolcom(&format!("JOB {job}, START"));
    site.wait_until_empty();
    assert_eq!(tap.fetch(|octets| octets.len() >= 5_000), stream("a", 5_000));
    assert_eq!(opened_and_closed(&site).0, 1);
    assert!(site.possible_duplicates().is_empty(), "no octet of it had gone");
}

#[test]
fn a_job_whose_reader_or_line_went_away_in_mid_job_is_printed_whole_and_announced() {
    for kind in ["char", "fifo"] {
        let (site, mut printer) = site_with(kind, "OFF", 0);
        site.spoolcom("DEV $LP2, FIFO ON; DEV $LP2, START");
        submit(&site, "first", LONG);
        printer.tap().pass(20_000);
        submit(&site, "second", 5_000);
        printer.gone();
        wait_for_error(&site, if kind == "char" { "hung up" } else { "has closed it" });
        assert_eq!(site.jobs().len(), 2, "{kind}: nothing is lost, and nothing recorded as printed");
        printer.back();
        site.wait_until_empty();
        printer.tap().fetch(|octets| octets.ends_with(&stream("second", 5_000)));
        assert!(site.possible_duplicates().contains("first"), "{kind}");
    }
}

#[test]
fn a_device_that_takes_nothing_can_be_drained_and_its_job_held_and_its_process_killed() {
    for kind in ["char", "fifo"] {
        let (site, printer) = site_with(kind, "OFF", 0);
        let tap = printer.tap();
        let prints = |tag: &str| {
            tap.pause();
            submit(&site, tag, LONG);
            tap.pass(10_000);
        };

        site.spoolcom("DEV $LP2, START");
        prints("held");
        let (job, document) = (number(&site, "held"), stream("held", LONG));
        site.spoolcom(&format!("JOB {job}, HOLD"));
        assert_eq!(site.jobs()[0]["current-job-state"], "held", "{kind}");
        tap.go_on();
        site.spoolcom(&format!("JOB {job}, START"));
        site.wait_until_empty();
        let octets = tap.fetch(|octets| octets.ends_with(&document));
        let part = octets.len() - document.len();
        assert!(part >= 10_000 && octets[..part] == document[..part], "{kind}: a part, and then the whole");

        prints("drained");
        let drain = site.command("spoolcom").arg("DEV $LP2, DRAIN").spawn().unwrap();
        site.wait_for("it drains", || !events(&site, "LP2", "drained").is_empty());
        assert_eq!(site.jobs().len(), 1, "{kind}");
        tap.go_on();
        finish(drain, DEADLINE).expect(0);
        assert!(site.jobs().is_empty(), "{kind}: a drain waits for the job in print");
        assert_eq!(printer.complete(1), ["drained"], "{kind}");

        site.spoolcom("DEV $LP2, START");
        prints("killed");
        assert!(site.kill_fastp());
        tap.go_on();
        site.spoolcom("SPOOLER, START; PRINT $SPLA, START");
        site.wait_until_empty();
        tap.fetch(|octets| octets.ends_with(&stream("killed", LONG)));
        assert!(site.possible_duplicates().contains("killed"), "{kind}");
    }
}

#[test]
fn a_full_device_is_an_error_that_heals_and_loses_nothing() {
    let site = site();
    site.device("LP2", "char:///dev/full", "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2; DEV $LP2, START");
    submit(&site, "kept", 5_000);
    wait_for_error(&site, "it is out of paper or ribbon, or full");
    site.spoolcom("DEV $LP2, DRAIN");
    assert_eq!(site.jobs().len(), 1);
    site.spoolcom("DEV $LP2, URI char:///dev/null; DEV $LP2, START");
    site.wait_until_empty();
}

#[test]
fn what_lies_at_the_path_is_named_with_the_uri_that_fits_and_is_not_tried_again() {
    let site = site();
    let fifo = site.files.path().join("fifo");
    make_fifo(&fifo);
    let file = site.document("file", b"");
    site.device("LP2", "null:", "OFF");
    site.spoolcom("LOC #OFFICE.NET, DEV $LP2");
    submit(&site, "kept", 100);
    for (uri, words) in [
        (format!("char://{}", file.display()), format!("it is a regular file: URI file://{} writes", file.display())),
        (format!("fifo://{}", file.display()), format!("it is a regular file: URI file://{} writes", file.display())),
        (format!("file://{}", fifo.display()), format!("it is a FIFO: URI fifo://{} writes", fifo.display())),
        (format!("char://{}", fifo.display()), format!("it is a FIFO: URI fifo://{} writes", fifo.display())),
        ("file:///dev/full".into(), "it is a character device: URI char:///dev/full writes".into()),
        ("fifo:///dev/full".into(), "it is a character device: URI char:///dev/full writes".into()),
        ("char:///dev".into(), "it is a directory".into()),
        ("fifo:///dev".into(), "it is a directory".into()),
    ] {
        site.device("LP2", &uri, "OFF");
        site.spoolcom("DEV $LP2, START");
        wait_for_error(&site, &words);
        let shown = site.spoolcom("DEV $LP2").out;
        assert!(!shown.contains("NEXT TRY"), "{shown}");
        site.spoolcom("DEV $LP2, DRAIN");
    }
    assert_eq!(site.jobs().len(), 1);
}

#[test]
fn a_path_under_the_base_is_no_device_of_any_kind() {
    let site = site();
    let inside = site.base().display().to_string().replace('%', "%25").replace(' ', "%20").replace(';', "%3B");
    for scheme in ["file", "char", "fifo"] {
        let command = format!("DEV $LP2, URI {scheme}://{}/x", inside.replace('\'', "%27"));
        site.run("spoolcom", &[&command]).expect(1).says("inside the spool");
    }
}

#[test]
fn every_scheme_is_described() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transports.md")).unwrap();
    for scheme in SCHEMES {
        assert!(
            text.contains(&format!("\n## `{}:", scheme.name)),
            "docs/transports.md has no chapter on {}",
            scheme.name
        );
    }
}
