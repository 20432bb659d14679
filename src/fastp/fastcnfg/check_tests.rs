//! What a check tells.

use super::*;
use crate::fastp::fastcnfg::parser::parse;
use crate::fastp::fastcnfg::read::ReadError;
use std::collections::HashMap;

fn report(files: &[(&str, &str)]) -> Report {
    let files: HashMap<PathBuf, &str> = files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
    let parsed = |text: &&str| (Arc::new(parse(text.as_bytes())), 7);
    let read = |path: &Path| files.get(path).map(parsed).ok_or(ReadError::Missing);
    check(Path::new("/b/FASTCNFG"), Path::new("/b"), "acme", &read)
}

fn findings(report: &Report) -> Vec<String> {
    let shown = |f: &Finding| {
        let note = if f.note { "note: " } else { "" };
        format!("{}:{}: {note}{}", f.path.display(), f.mistake.at, f.mistake.what)
    };
    report.findings.iter().map(shown).collect()
}

#[test]
fn each_print_process_is_told_what_it_finds() {
    let report = report(&[
        (
            "/b/FASTCNFG",
            "HOSTS $S.N.HOSTS\nSPOOLER $SPL2 FASTCNFG = $D.P.LAB\n\
             DEVICE $LP1 ADDRESS = h PORT = 9100 SHUTDOWNTO = 0 SLOWPACE = 150\nDEVICE lp2 CONTYPE = NONE TIMEOUT = 5",
        ),
        (
            "/b/guardian/d/p/lab",
            "PROCESS $FPA FASTCNFG = FPA\nDEVICE $LAB1 CONTYPE = FILE PATH = /x DEVICE $LAB2 A = 1",
        ),
        ("/b/guardian/d/p/fpa", "! nothing"),
    ]);
    assert_eq!(
        report.listing,
        "SPOOLER $SPL2, PROCESS $FPA: /b/guardian/d/p/fpa\n  no devices\n\
         SPOOLER $SPL2, every other PROCESS: /b/guardian/d/p/lab\n\
         \x20 $LAB1            file:///x  (line 2)\n  $LAB2            cannot be used  (line 2)\n\
         every other SPOOLER: /b/FASTCNFG\n\
         \x20 $LP1             socket://h:9100, POLLINT 1 s, POLLNUM 10, SHUTDOWNTO none, SLOWPACE 1.5 s, \
         HOSTS /b/guardian/s/n/hosts  (line 3)\n\
         \x20 $lp2             its own URI, TIMEOUT 5 s, HOSTS /b/guardian/s/n/hosts  (line 4)\n"
    );
    assert_eq!(findings(&report), ["/b/guardian/d/p/lab:2:52: there is no attribute 'A'"]);
}

#[test]
fn a_file_is_told_once_and_what_has_no_effect_is_no_mistake() {
    let report = report(&[
        (
            "/b/FASTCNFG",
            "SPOOLER $A FASTCNFG = x SPOOLER $B FASTCNFG = x SPOOLER $C FASTCNFG = y\nDEVICE $D CONTYPE = NONE DELAY = 3",
        ),
        ("/b/x", "DEVICE $LP1 CONTYPE = FIEL\nDEVICE $LP2 CONTYPE = NONE\nDEVICE \\ACME.$LP2 CONTYPE = NONE"),
    ]);
    assert!(report.is_bad());
    assert_eq!(
        findings(&report),
        [
            "/b/FASTCNFG:2:26: note: DELAY has no effect in this version",
            "/b/FASTCNFG:1:71: the file /b/y: there is no such file",
            "/b/x:1:23: CONTYPE is one of NONE, TCP/IP, FILE, CHAR, FIFO, not 'FIEL'",
            "/b/x:3:1: \\ACME.$LP2 has a second entry: its first is in line 2",
        ]
    );
    assert!(report.listing.starts_with("SPOOLER $A: /b/x\n"), "{}", report.listing);
    assert!(report.listing.contains("SPOOLER $C: its file cannot be used"), "{}", report.listing);
}

#[test]
fn a_file_that_says_nothing_is_well_formed_and_one_that_is_not_there_is_told() {
    let empty = report(&[("/b/FASTCNFG", "")]);
    assert_eq!(
        (empty.is_bad(), empty.listing.as_str()),
        (false, "every PROCESS of every SPOOLER: /b/FASTCNFG\n  no devices\n")
    );
    assert_eq!(report(&[]).unread.as_deref(), Some("/b/FASTCNFG: there is no such file"));
    let circle = report(&[("/b/FASTCNFG", "SPOOLER $A FASTCNFG = FASTCNFG")]);
    assert!(findings(&circle)[0].contains("in a file of level 2"), "{circle:?}");
}

#[test]
fn a_close_that_may_never_come_is_noted_once() {
    let report = report(&[(
        "/b/FASTCNFG",
        "DEFAULT SHUTDOWNTO = 6000 PORT = 9\nDEVICE A ADDRESS = a DEVICE B ADDRESS = b DEVICE C ADDRESS = c SHUTDOWNTO = 0",
    )]);
    let note =
        "a printer that does not close the connection within SHUTDOWNTO gets its jobs again, until its device stops";
    assert_eq!(findings(&report), [format!("/b/FASTCNFG:1:9: note: {note}")]);
    assert!(!report.is_bad());
}

/// What each device of the one print process is listed as.
fn listed(text: &str) -> Vec<String> {
    let report = report(&[("/b/FASTCNFG", text)]);
    assert!(report.is_bad(), "{report:?}");
    report.listing.lines().filter(|line| line.contains("(line ")).map(str::to_owned).collect()
}

#[test]
fn what_no_device_could_be_opened_with_is_not_listed_as_usable() {
    let line = |name: &str, shown: &str, line: u32| format!("  {name:<16} {shown}  (line {line})");
    let good = "DEVICE $LP1 CONTYPE = NONE\nDEVICE $LP2 CONTYPE = NONE\n";
    let none = [line("$LP1", "cannot be used", 1), line("$LP2", "cannot be used", 2)];
    assert_eq!(listed(&format!("{good}DEVIC $LP3 CONTYPE = NONE")), none);
    assert_eq!(listed(&format!("{good}SPOOLER $SPLS CONTYPE = NONE"))[..2], none);
    assert_eq!(listed(&format!("{good}SPOOLER $A FASTCNFG = b SPOOLER $A FASTCNFG = b"))[..2], none);
    let twice = [line("$LP1", "cannot be used", 1), line("$LP2", "its own URI", 2), line("$lp1", "cannot be used", 3)];
    assert_eq!(listed(&format!("{good}DEVICE lp1 CONTYPE = NONE")), twice);
    let hosts = [line("$LP1", "cannot be used", 1)];
    assert_eq!(listed("HOSTS $A DEVICE $LP1 CONTYPE = NONE"), hosts);
    // A level that may not lead on: whoever gets there.
    let report = report(&[
        ("/b/FASTCNFG", "SPOOLER $S FASTCNFG = two\nDEVICE $LP1 CONTYPE = NONE"),
        ("/b/two", "SPOOLER $S FASTCNFG = three DEVICE $LP1 CONTYPE = NONE"),
        ("/b/three", ""),
    ]);
    let mistake = "  nothing in it can be used: /b/two:1:1: SPOOLER with FASTCNFG = in a file of level 2 (a SPOOLER leads from \
                   the primary file to level 2, a PROCESS from there to level 3, which has devices only)";
    assert_eq!(
        report.listing,
        format!(
            "SPOOLER $S: /b/two\n{mistake}\n{}\nevery other SPOOLER: /b/FASTCNFG\n{}\n",
            "  $LP1             cannot be used  (line 1)", "  $LP1             its own URI  (line 2)"
        )
    );
}

#[test]
fn the_largest_files_are_checked_in_a_moment_and_what_is_shown_is_bounded() {
    let largest = |line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for i in 0.. {
            let line = line(i);
            if text.len() + line.len() > 1 << 20 {
                return text;
            }
            text.push_str(&line);
        }
        text
    };
    let cases: [&dyn Fn(usize) -> String; 6] = [
        &|_| "DEVICE A ".into(),
        &|i| format!("DEVICE A{i} "),
        &|_| "DEVICE A CONTYPE=NONE\n".into(),
        &|i| format!("PROCESS P{i} DEVICE A CONTYPE=NONE\n"),
        &|i| format!("SPOOLER S{i} PROCESS P DEVICE A.#Q CONTYPE=NONE\n"),
        &|i| format!("SPOOLER S{} FASTCNFG=f\n", i % 9000),
    ];
    for (case, line) in cases.into_iter().enumerate() {
        let begun = std::time::Instant::now();
        let report = report(&[("/b/FASTCNFG", &largest(line)), ("/b/f", "DEVICE A")]);
        // Quadratic it was minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{case}: {:?}", begun.elapsed());
        let (shown, [mistakes, notes]) = report.shown();
        assert!(shown.len() <= 2 * SHOWN, "{case}");
        assert_eq!(shown.len() + mistakes + notes, report.findings.len(), "{case}");
        assert!(report.listing.lines().count() <= 100_500, "{case}");
    }
}
