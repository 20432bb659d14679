//! How often a submission through the server waits for the disk: each sync of the server is made slower, and those are
//! counted that wait for each other.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{ANN, Machine};

/// So much slower that what begins at the same time overlaps, however busy the machine is.
const SLOWER_MS: &str = "700";

fn library(machine: &Machine) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/faults/slow.c");
    let library = machine.path("slow.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    assert!(compiler.status().expect("a C compiler is needed: cc").success());
    library
}

/// The longest chain of syncs of which each began when the one before it had ended, and how many there were.
fn chain(record: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(record).unwrap_or_default();
    let number = |word: Option<&str>| -> u64 { word.unwrap().parse().unwrap() };
    let mut syncs: Vec<(u64, u64)> = text
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let (began, ended) = (number(words.next()), number(words.next()));
            (ended, began)
        })
        .collect();
    syncs.sort_unstable();
    let (mut length, mut until) = (0, 0);
    for (ended, began) in &syncs {
        if *began >= until {
            (length, until) = (length + 1, *ended);
        }
    }
    (length, syncs.len())
}

#[test]
fn one_submission_waits_for_two_syncs_and_sixteen_share_theirs() {
    let Some(mut machine) = Machine::new() else { return };
    machine.declare();
    machine.stop();
    let library = library(&machine);
    let record = machine.path("run/record");
    let variables = [
        ("LD_PRELOAD", &*library),
        ("SLOW_PROGRAM", Path::new("pdserver")),
        ("SLOW_MS", Path::new(SLOWER_MS)),
        ("SLOW_RECORD", &*record),
    ];
    machine.start_with(&variables);
    let letter = machine.file(ANN, "letter", "a letter of Ann\n", 0o600);
    let submit = || machine.command(ANN, "pdpr").args(["-d", "office.front", &letter]).spawn().unwrap();
    // The first one may find a log that nobody has begun.
    assert!(submit().wait().unwrap().success());

    std::fs::write(&record, "").unwrap();
    assert!(submit().wait().unwrap().success());
    let (length, syncs) = chain(&record);
    assert!(syncs >= 3, "the data, the name and the commit were synced: {syncs}");
    assert!(length <= 2, "{length} of {syncs}: {}", std::fs::read_to_string(&record).unwrap());

    std::fs::write(&record, "").unwrap();
    let mut sixteen: Vec<_> = (0..16).map(|_| submit()).collect();
    for pdpr in &mut sixteen {
        assert!(pdpr.wait().unwrap().success());
    }
    let (length, syncs) = chain(&record);
    // Each its data; names and commits they share.
    assert!(syncs > 16, "{syncs}");
    // Alone they would wait for 32: data and names of all at once, and a commit for all that are ready. The thread that
    // shortens the log has its own.
    assert!(length <= 12, "{length} of {syncs}: {}", std::fs::read_to_string(&record).unwrap());
    let listed = machine.run(ANN, "pdls", &["-r", "job-number", "-g"]).expect(0).out;
    assert_eq!(listed.lines().count(), 18, "{listed}");
}
