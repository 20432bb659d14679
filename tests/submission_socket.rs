//! Submissions that a running print process takes, through the real programs: whatever becomes of that process meanwhile,
//! each becomes one job, and what is refused is refused in the words of the spool.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::documents::{take_apart, text};
use crate::support::nobody::OfNobody;
use crate::support::{DEADLINE, Dice, Outcome, Site, finish, number, pid};
use nix::sys::signal::{Signal, kill};
use spoolsuite::client::Remote;
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::sys::lock::FileLock;
use spoolsuite::sys::socket;
use spoolsuite::sys::watch::Watch;

/// Where whoever carries out a submission passes.
const POINTS: [&str; 3] = ["after-data-fsync", "before-commit", "after-commit"];
/// Longer than any test takes.
const STAYS: &str = "600";

/// A site with `OFFICE.FRONT` before a device that is offline, and `OFFICE.PARK` before none.
fn site() -> Site {
    let site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    site
}

/// A submission that would die at once if it were not carried out through the submission socket.
fn through_socket(site: &Site, tag: &str, arguments: &[&str]) -> Command {
    let file = site.document(tag, &text(tag, 2000));
    let mut command = site.submission("office.park", tag, &file);
    command.env("PD_FAULT", POINTS[0]).env("PD_SUBMISSION_SOCKET_MS", "60000").args(arguments);
    command
}

fn end(command: &mut Command) -> Outcome {
    finish(command.spawn().unwrap(), DEADLINE)
}

fn signal(process: &Child, signal: Signal) {
    kill(pid(process.id()), signal).unwrap();
}

/// Kills the print process and collects it.
fn bury(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Everything that was submitted is printed, octet by octet, once, and leaves nothing.
#[track_caller]
fn all_are_printed(site: &Site, tags: &[String]) {
    let mut jobs: Vec<_> = site.jobs().iter().map(|job| job["job-name"].as_str().unwrap().to_owned()).collect();
    jobs.sort();
    let mut expected = tags.to_vec();
    expected.sort();
    assert_eq!(jobs, expected);
    site.spoolcom("LOC #OFFICE.PARK, DEV $LP1; PRINT $SPLA, START");
    site.start("LP1");
    site.wait_until_empty();
    let received = take_apart(&std::fs::read(site.sink()).unwrap());
    assert_eq!(received.broken, None);
    let mut printed = received.complete;
    printed.sort();
    assert_eq!(printed, expected);
    site.spoolcom("SPOOLER, START");
    site.wait_for_no_print_files();
}

#[test]
fn a_running_print_process_takes_submissions_and_nobody_sees_a_difference() {
    let site = site();
    let shown = |outcome: Outcome| outcome.out.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let ways: [&[&str]; 3] = [&[], &["-r", "all"], &["-l", "-r", "verbose"]];
    let mut before: Vec<String> = Vec::new();
    for arguments in ways {
        before.push(shown(end(through_socket(&site, "one", arguments).env_remove("PD_FAULT")).expect(0)));
    }
    let process = site.start_with_submission_socket(STAYS, &[]);
    for (arguments, before) in ways.iter().zip(&before) {
        let outcome = end(&mut through_socket(&site, "one", arguments)).expect(0);
        assert_eq!(outcome.err, "");
        assert_eq!(&shown(outcome), before);
    }
    // An answer that a look needs beyond whthrough the submission socket tells comes from the spool.
    end(&mut through_socket(&site, "one", &["-r", "why log"])).expect(0);
    assert_eq!(site.jobs().len(), 7);
    bury(process);
    all_are_printed(&site, &vec!["one".to_owned(); 7]);
}

#[test]
fn what_is_refused_is_refused_in_the_words_of_the_spool() {
    let site = site();
    let empty = site.document("empty", b"");
    let good = site.document("good", &text("good", 100));
    let refusals = || -> Vec<Outcome> {
        let run = |arguments: &[&str], input: Option<&std::path::Path>| {
            let mut command = site.command("pdpr");
            command.args(arguments).stdin(input.map_or(Stdio::null(), |path| File::open(path).unwrap().into()));
            end(&mut command)
        };
        let good = good.to_str().unwrap();
        let mut all = vec![
            run(&["-d", "office.frnt", good], None),
            run(&["-d", "attic", good], None),
            run(&["-d", "office.front", "-"], Some(&empty)),
            run(&["-d", "office.front", "-"], None),
            run(&["-d", "office.front", "-l", site.paths().database().to_str().unwrap()], None),
            run(&["-d", "office.front", "nosuch"], None),
        ];
        site.spoolcom("SPOOLER, DRAIN");
        all.push(run(&["-d", "office.front", good], None));
        site.spoolcom("SPOOLER, START");
        all
    };
    let before = refusals();
    let process = site.start_with_submission_socket(STAYS, &[]);
    let meanwhile = refusals();
    for (before, meanwhile) in before.into_iter().zip(meanwhile) {
        assert_ne!(before.status, 0, "{before:#?}");
        assert_eq!((before.status, before.out, before.err), (meanwhile.status, meanwhile.out, meanwhile.err));
    }
    assert_eq!(site.print_files(), [""; 0]);
    bury(process);
}

#[test]
fn standard_input_is_read_from_where_it_stands_whoever_reads_it() {
    let site = site();
    let mut tags = Vec::new();
    let process = site.start_with_submission_socket(STAYS, &[]);
    for (n, faults) in [(0, false), (1, true)] {
        // Of the two files in one, pdpr is to print the second.
        let tag = format!("file-{n}");
        let whole = [text("skipped", 500), text(&tag, 500)].concat();
        let mut input = File::open(site.document("whole", &whole)).unwrap();
        input.seek(SeekFrom::Start(text("skipped", 500).len() as u64)).unwrap();
        let mut command = site.command("pdpr");
        command.args(["-d", "office.park", "-t", &tag, "-"]).stdin(input);
        if !faults {
            command.env("PD_FAULT", POINTS[0]);
        } else {
            signal(&process, Signal::SIGSTOP);
            command.env("PD_SUBMISSION_SOCKET_MS", "20");
        }
        end(&mut command).expect(0);
        tags.push(tag);
    }
    signal(&process, Signal::SIGCONT);
    let mut command = site.command("pdpr");
    command.args(["-d", "office.park", "-t", "pipe", "-"]).stdin(Stdio::piped());
    let mut piped = command.spawn().unwrap();
    piped.stdin.take().unwrap().write_all(&text("pipe", 700)).unwrap();
    finish(piped, DEADLINE).expect(0);
    tags.push("pipe".to_owned());
    bury(process);
    all_are_printed(&site, &tags);
}

#[test]
fn a_submission_survives_the_print_process_that_takes_it() {
    let site = site();
    let mut tags = Vec::new();
    for (n, point) in POINTS.iter().enumerate() {
        for (arguments, nth) in [(&[][..], 1), (&["-l"][..], 1), (&[][..], 2)] {
            // A link is not copied: it does not pass the first point.
            if *point == POINTS[0] && arguments == ["-l"] {
                continue;
            }
            let process = site.start_with_submission_socket(STAYS, &[("PD_FAULT", &format!("{point}@{nth}"))]);
            for m in 0..nth {
                let tag = format!("kill-{n}-{}-{nth}-{m}", arguments.len());
                let outcome = end(through_socket(&site, &tag, arguments).env_remove("PD_FAULT"));
                assert_eq!((outcome.status, outcome.err.as_str()), (0, ""), "{point}");
                tags.push(tag);
            }
            finish(process, DEADLINE).expect(128 + 9);
            site.spoolcom("PRINT $SPLA, START");
        }
    }
    all_are_printed(&site, &tags);
}

#[test]
fn submissions_survive_a_print_process_that_is_killed_at_any_moment() {
    let site = site();
    let mut dice = Dice::new(20_261_121);
    let mut tags = Vec::new();
    for round in 0..number("ROUNDS", 12) {
        let watch = Watch::new(&site.paths().write_lock()).unwrap();
        let process = site.start_with_submission_socket(STAYS, &[]);
        let load: Vec<_> = (0..4)
            .map(|n| {
                let tag = format!("round-{round}-{n}");
                let child = through_socket(&site, &tag, &[]).env_remove("PD_FAULT").spawn().unwrap();
                tags.push(tag);
                child
            })
            .collect();
        site.wait_for_changes(&watch, dice.roll(24) as u32, Duration::from_millis(20));
        bury(process);
        for child in load {
            let outcome = finish(child, DEADLINE);
            assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
        }
        site.spoolcom("PRINT $SPLA, START");
    }
    all_are_printed(&site, &tags);
}

#[test]
fn a_print_process_that_stands_still_is_not_waited_for() {
    let site = site();
    let process = site.start_with_submission_socket(STAYS, &[]);
    signal(&process, Signal::SIGSTOP);
    let tags = ["one", "two"].map(str::to_owned);
    for tag in &tags {
        end(through_socket(&site, tag, &[]).env_remove("PD_FAULT").env("PD_SUBMISSION_SOCKET_MS", "50")).expect(0);
    }
    // When its queue of connections is full, not even so long.
    let waiting: Vec<_> = std::iter::repeat_with(|| socket::connect(&site.paths().submission_socket()))
        .take_while(Result::is_ok)
        .collect();
    end(through_socket(&site, "full", &[]).env_remove("PD_FAULT")).expect(0);
    drop(waiting);
    signal(&process, Signal::SIGCONT);
    // Everybody who gave up stands in its queue, and those beyond the bound are sent away.
    let served = || {
        Some(
            Remote::new(socket::connect(&site.paths().submission_socket()).ok()?)
                .resolve_destination("office.park".into()),
        )
    };
    let late = Instant::now() + DEADLINE;
    while !matches!(served(), Some(Ok(_))) {
        assert!(Instant::now() < late, "nobody is served any more");
    }
    end(&mut through_socket(&site, "again", &[])).expect(0);
    bury(process);
    all_are_printed(&site, &[&tags[..], &["full".to_owned(), "again".to_owned()]].concat());
}

/// A gate at which a thread of a program waits, and the connection of the one that came.
fn gate(site: &Site) -> (UnixListener, String) {
    let path = site.files.path().join("gate");
    let _ = std::fs::remove_file(&path);
    (UnixListener::bind(&path).unwrap(), path.to_str().unwrap().to_owned())
}

#[test]
fn a_print_process_that_is_told_to_end_answers_what_it_has_read() {
    let site = site();
    let (gate, path) = gate(&site);
    let process = site.start_with_submission_socket(STAYS, &[("PD_FAULT", POINTS[1]), ("PD_GATE", &path)]);
    let submission = through_socket(&site, "read", &[]).spawn().unwrap();
    let (inside, _) = gate.accept().unwrap();
    let mut silent = socket::connect(&site.paths().submission_socket()).unwrap();
    signal(&process, Signal::SIGTERM);
    // It reads nothing more, and is found by nobody.
    silent.set_nonblocking(false).unwrap();
    silent.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    assert!(!site.paths().submission_socket().exists());
    drop(inside);
    finish(submission, DEADLINE).expect(0);
    finish(process, DEADLINE).expect(0);
    all_are_printed(&site, &["read".to_owned()]);
}

#[test]
fn a_print_process_that_is_told_to_end_does_not_wait_for_what_takes_too_long() {
    let site = site();
    let (gate, path) = gate(&site);
    let process = site.start_with_submission_socket(STAYS, &[("PD_FAULT", POINTS[0]), ("PD_GATE", &path)]);
    let submission = through_socket(&site, "long", &[]).env_remove("PD_FAULT").spawn().unwrap();
    let (inside, _) = gate.accept().unwrap();
    signal(&process, Signal::SIGTERM);
    finish(process, DEADLINE).expect(0);
    finish(submission, DEADLINE).expect(0);
    drop(inside);
    all_are_printed(&site, &["long".to_owned()]);
}

#[test]
fn a_print_process_goes_dormant_although_somebody_is_connected() {
    let site = site();
    let process = site.start_with_submission_socket("0.2", &[]);
    let mut connected: Vec<UnixStream> = Vec::new();
    connected.extend(socket::connect(&site.paths().submission_socket()));
    finish(process, DEADLINE).expect(0);
    assert!(!site.counts_as_running() && !site.paths().submission_socket().exists(), "{}", site.log());
    drop(connected);
}

/// A device behind a print process of its own, which is dormant, and the file that it appends to.
fn other_side(site: &Site) -> PathBuf {
    let sink = site.files.path().join("lp2.out");
    let device = format!("DEV $LP2, PROCESS $SPLB, URI file://{}, HEADER OFF, START", sink.display());
    site.spoolcom(&format!("PRINT $SPLB, FILE fastp; {device}; LOC #OTHER.SIDE, DEV $LP2"));
    sink
}

/// Whether `$SPLB` counts as running.
fn other_runs(site: &Site) -> bool {
    let query = "SELECT running FROM process WHERE name = 'SPLB'";
    site.database().query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() != 0
}

#[test]
fn a_submitter_starts_another_print_process_in_his_own_environment() {
    let site = site();
    let sink = other_side(&site);
    let process = site.start_with_submission_socket(STAYS, &[]);
    let file = site.document("other", &text("other", 300));
    let mut command = site.submission("other.side", "other", &file);
    end(command.env("PD_FAULT", "claimed")).expect(0);
    site.wait_for("the other one claimed the job", || {
        let claimed = "SELECT count(*) FROM entry WHERE state = 1";
        site.database().query_row(claimed, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    });
    assert!(FileLock::exclusive(&site.paths().process_lock(&"SPLB".parse().unwrap()), DEADLINE).unwrap().is_some());
    // It died of what its starter's environment said. Who comes next starts it again.
    let file = site.document("next", &text("next", 300));
    site.submit("other.side", "next", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(sink).unwrap()).complete, ["other", "next"]);
    bury(process);
}

#[test]
fn a_job_that_was_accepted_when_nobody_was_told_starts_its_print_process() {
    let site = site();
    let sink = other_side(&site);
    let process = site.start_with_submission_socket(STAYS, &[("PD_FAULT", POINTS[2])]);
    let file = site.document("late", &text("late", 300));
    site.submit("other.side", "late", &file).expect(0);
    finish(process, DEADLINE).expect(128 + 9);
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(sink).unwrap()).complete, ["late"]);
    site.wait_for("it is dormant", || !other_runs(&site));
}

/// The print process `$SPLA` of another user, and a connection to its submission socket.
fn his_submission_socket(his: &OfNobody) -> (Child, UnixStream) {
    let site = &his.site;
    let process = his.start("fastp", &["--base", site.base().to_str().unwrap(), "--process", "SPLA", "--idle", STAYS]);
    let watch = Watch::new(&site.paths().run()).unwrap();
    let end = Instant::now() + DEADLINE;
    loop {
        match socket::connect(&site.paths().submission_socket()) {
            Ok(stream) => return (process, stream),
            Err(error) => assert!(Instant::now() < end, "{error}: {}", site.log()),
        }
        watch.wait(Duration::from_secs(1)).unwrap();
    }
}

#[test]
fn a_submission_socket_serves_its_own_user_alone_and_is_believed_by_him_alone() {
    let Some(his) = OfNobody::new() else { return };
    let (process, mut stream) = his_submission_socket(&his);
    // Root is not its user: it is sent away without a word, whatever it says.
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    // And what root prints is not shown to whoever listens there.
    let secret = his.site.document("secret", b"mine\n");
    his.site.submit("a.b", "secret", &secret).expect(3).says("not to you");
    let own = his.file("own", "ours\n", 0o644);
    finish(his.start("pdpr", &["-d", "a.b", own.to_str().unwrap()]), DEADLINE).expect(0);
    bury(process);
}

#[test]
fn a_document_that_was_handed_over_open_needs_no_right_to_open_it() {
    let Some(his) = OfNobody::new() else { return };
    his.spoolcom(
        "SPOOLER, START; PRINT SPLB, FILE fastp; DEV LP2, PROCESS SPLB, URI null:, START; LOC #OTHER.SIDE, DEV LP2",
    );
    let (process, _stream) = his_submission_socket(&his);
    let ours = his.file("ours", "for your printer only\n", 0o600);
    let print = |destination: &str| {
        let mut command = his.command("pdpr");
        command.args(["-d", destination, "-t", "handed", "-"]).stdin(File::open(&ours).unwrap());
        finish(command.spawn().unwrap(), DEADLINE)
    };
    // The print process takes it and leaves the other print process to be started, so that the document is read twice.
    print("other.side").expect(0);
    let left = "SELECT count(*) FROM job WHERE name = 'handed'";
    let db = his.site.database();
    his.site.wait_for("it is printed", || db.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap() == 0);
    // And a refusal is that of the spool.
    his.spoolcom("SPOOLER, DRAIN");
    print("a.b").expect(1).says("the spooler is WARM");
    bury(process);
}
