//! How often a submission waits for the disk: each sync is made slower, and those are counted that wait for each other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{DEADLINE, Site, finish};

/// So much slower that what begins at the same time overlaps, however busy the machine is.
const SLOWER_MS: u64 = 300;

fn library(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/slow.c");
    let library = dir.join("slow.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    let child = compiler.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.expect("a C compiler is needed: cc"), DEADLINE).expect(0);
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
fn a_submission_waits_for_two_syncs_one_after_another_however_many_documents_it_has() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; LOC #OFFICE.PARK, DEV; SPOOLER, START");
    let library = library(site.files.path());
    let record = site.files.path().join("record");
    let documents: Vec<_> =
        (0..5).map(|n| site.document(&format!("d{n}"), format!("document {n}\n").as_bytes())).collect();
    // Enough submissions that the log of the database becomes too long: shortening it is nothing that a submitter waits for.
    let mut longest = 0;
    for round in 0..14 {
        let _ = std::fs::remove_file(&record);
        let mut command = site.command("pdpr");
        command.args(["-d", "office.park"]).args(&documents[..1 + round % documents.len()]);
        command.env("LD_PRELOAD", &library).env("SLOW_PROGRAM", "pdpr").env("SLOW_RECORD", &record);
        // Slow enough to tell them apart only where it matters; the others go on in between.
        command.env("SLOW_MS", SLOWER_MS.to_string());
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
        let (length, syncs) = chain(&record);
        assert!(syncs >= 3, "the data, the name and the commit were synced: {syncs}");
        assert!(
            length <= 2,
            "{length} of {syncs} syncs waited for each other: {}",
            std::fs::read_to_string(&record).unwrap()
        );
        longest = longest.max(syncs);
        settled(&site);
    }
    assert!(longest >= 7, "five documents, their directory and the commit");
}

/// Waits until nobody shortens the log any more.
fn settled(site: &Site) {
    let log = site.base().join("spool.db-wal");
    site.wait_for("a short log", || pages(&std::fs::read(&log).unwrap_or_default()) * 4096 < 512 << 10);
}

/// How many pages a log holds. Its file keeps its length; what is left there of an earlier log has other salts than its head.
fn pages(log: &[u8]) -> usize {
    let Some((head, pages)) = log.split_at_checked(32) else { return 0 };
    pages.chunks_exact(24 + 4096).take_while(|page| page[8..16] == head[16..24]).count()
}
