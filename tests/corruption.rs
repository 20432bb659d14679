//! Damage: pages of the database and of its log overwritten, one bit flipped in each kind of file, files exchanged. Never
//! a wrong octet on a device, never an unannounced duplicate, always a word.
//!
//! The short form looks at some cases of each kind; `CASES=500` is the long one. `SEED` repeats a run.

use std::collections::HashSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Dice, Outcome, Site, finish, number, pid};
use nix::sys::signal::{Signal, kill};

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// A whole page of `spool.db` is something else.
    Page,
    /// A bit of `spool.db`.
    Database,
    /// A bit of its log.
    Log,
    /// A page of its log is something else.
    LogPage,
    /// A bit of a print file.
    PrintFile,
    /// A bit of the mark beside the print files.
    Mark,
    /// A bit of the proof to which spool the directory belongs.
    Proof,
    /// A bit of the progress of a print process.
    Progress,
    /// A bit of what is kept back for a full disk.
    Ballast,
    /// A lock holds something, or is cut off.
    Lock,
    /// A file in `run/` is a directory, a link or a socket of somebody else.
    Exchanged,
}

const VICTIMS: [Victim; 11] = [
    Victim::Page,
    Victim::Database,
    Victim::Log,
    Victim::LogPage,
    Victim::PrintFile,
    Victim::Mark,
    Victim::Proof,
    Victim::Progress,
    Victim::Ballast,
    Victim::Lock,
    Victim::Exchanged,
];

const DONE: [&str; 3] = ["done-1", "done-2", "done-3"];
const WAITING: [&str; 4] = ["wait-1", "wait-2", "wait-3", "wait-4"];

/// A spool with history and with jobs that wait, which nobody uses: each case damages a copy of it.
fn original() -> Site {
    let mut site = Site::new();
    site.env.push(("PD_FASTP_IDLE", "0.02"));
    site.declare();
    site.start("LP1");
    for tag in DONE {
        let file = site.document(tag, &text(tag, 2000));
        site.submit("office.front", tag, &file).expect(0);
    }
    site.wait_until_empty();
    site.spoolcom("DEV $LP1, DRAIN");
    for tag in WAITING {
        let file = site.document(tag, &text(tag, 2000));
        site.submit("office.front", tag, &file).expect(0);
    }
    assert!(site.fastp_ends(DEADLINE));
    drop(site.stop());
    site
}

/// Exactly as it was: the log beside the database too.
fn put_back(from: &Path, site: &Site) {
    let _ = std::fs::remove_dir_all(site.base());
    let copied = Command::new("cp").arg("-a").arg(from).arg(site.base()).status().unwrap();
    assert!(copied.success());
}

fn flip(path: &Path, dice: &mut Dice) -> String {
    let mut octets = std::fs::read(path).unwrap();
    if octets.is_empty() {
        return format!("{} is empty", path.display());
    }
    let (at, bit) = (dice.roll(octets.len() as u64) as usize, dice.roll(8));
    octets[at] ^= 1 << bit;
    std::fs::write(path, octets).unwrap();
    format!("bit {bit} of octet {at} of {}", path.display())
}

fn overwrite(path: &Path, begin: usize, size: usize, dice: &mut Dice) -> String {
    let mut octets = std::fs::read(path).unwrap();
    let pages = octets.len().saturating_sub(begin) / size;
    if pages == 0 {
        return format!("{} has no page", path.display());
    }
    let at = begin + dice.roll(pages as u64) as usize * size;
    let other = begin + dice.roll(pages as u64) as usize * size;
    let kind = dice.roll(3);
    match kind {
        0 => octets[at..at + size].fill(0),
        1 => octets[at..at + size].iter_mut().for_each(|octet| *octet = dice.roll(256) as u8),
        // What a disk does that writes to the wrong place.
        _ => octets.copy_within(other..other + size, at),
    }
    std::fs::write(path, octets).unwrap();
    format!("{size} octets at {at} of {} (way {kind}, {other})", path.display())
}

fn run_file(site: &Site, begins: &[&str], dice: &mut Dice) -> Option<PathBuf> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(site.paths().run())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            begins.iter().any(|begin| name.starts_with(begin) || name.ends_with(begin))
        })
        .collect();
    names.sort();
    (!names.is_empty()).then(|| names.swap_remove(dice.roll(names.len() as u64) as usize))
}

/// Damages it. Returns what was done.
fn damage(site: &Site, victim: Victim, dice: &mut Dice) -> String {
    let database = site.paths().database();
    let log = PathBuf::from(format!("{}-wal", database.display()));
    let server = site.server_dir();
    match victim {
        Victim::Page => overwrite(&database, 0, 4096, dice),
        Victim::Database => flip(&database, dice),
        Victim::Log => flip(&log, dice),
        Victim::LogPage => overwrite(&log, 32, 4096 + 24, dice),
        Victim::PrintFile => {
            let mut files = site.print_files();
            files.sort();
            flip(&server.join(&files[dice.roll(files.len() as u64) as usize]), dice)
        }
        Victim::Mark => flip(&server.join(".generation"), dice),
        Victim::Proof => flip(&server.join(".spool-id"), dice),
        Victim::Progress => run_file(site, &["progress."], dice).map_or("nothing".into(), |path| flip(&path, dice)),
        Victim::Ballast => flip(&site.paths().run().join("ballast"), dice),
        Victim::Lock => {
            let path = run_file(site, &[".lock"], dice).unwrap();
            let octets: Vec<u8> = (0..dice.roll(200)).map(|_| dice.roll(256) as u8).collect();
            std::fs::write(&path, octets).unwrap();
            format!("rubbish in {}", path.display())
        }
        Victim::Exchanged => {
            let path = run_file(site, &[".lock", "progress.", "ballast", ".sock", ".log"], dice).unwrap();
            let _ = std::fs::remove_file(&path);
            let way = dice.roll(4);
            match way {
                0 => std::fs::create_dir(&path).unwrap(),
                1 => symlink("/nowhere/at/all", &path).unwrap(),
                2 => drop(std::os::unix::net::UnixListener::bind(&path)),
                _ => {}
            }
            format!("{} exchanged (way {way})", path.display())
        }
    }
}

/// A command may refuse, but it says why, and it neither dies nor hangs.
#[track_caller]
fn speaks(outcome: Outcome, what: &str) -> Outcome {
    assert!((0..=3).contains(&outcome.status), "{what}: {outcome:#?}");
    assert!(outcome.status == 0 || !outcome.err.is_empty() || !outcome.out.is_empty(), "no word: {what}: {outcome:#?}");
    outcome
}

/// What the device has, which must be whole documents: how often each.
fn printed(site: &Site, what: &str) -> Vec<String> {
    let received = take_apart(&std::fs::read(site.sink()).unwrap_or_default());
    assert_eq!(received.broken, None, "{what}: the file ends in the middle of a job");
    received.complete
}

#[test]
fn whatever_is_damaged_no_wrong_octet_is_printed_nothing_twice_unannounced_and_there_is_a_word() {
    let site = original();
    let kept = site.files.path().join("original");
    std::fs::rename(site.base(), &kept).unwrap();
    let out = std::fs::read(site.sink()).unwrap();
    let new = site.document("new", &text("new", 500));
    let mut dice = Dice::new(20_261_128);
    let cases = number("CASES", 33);
    let (mut refused, mut found_by_fsck, mut all_printed) = (0, 0, 0);
    for case in 0..cases {
        let victim = VICTIMS[case as usize % VICTIMS.len()];
        put_back(&kept, &site);
        std::fs::write(site.sink(), &out).unwrap();
        let what = format!("case {case}, {victim:?}: {}", damage(&site, victim, &mut dice));
        let told = Told(what.clone());
        let begun = Instant::now();
        let mut words = String::new();
        let mut say = |outcome: Outcome| {
            words.push_str(&outcome.out);
            words.push_str(&outcome.err);
            outcome.status
        };
        // A display, work, a submission, a print process: each may come first.
        let mut steps: Vec<Vec<&str>> =
            vec![vec!["pdls", "-U"], vec!["spoolcom", "SPOOLER, START"], vec!["spoolcom", "DEV $LP1, START"]];
        steps.rotate_left(dice.roll(3) as usize);
        let mut states = Vec::new();
        for step in &steps {
            states.push(say(speaks(site.run(step[0], &step[1..]), &what)));
        }
        let submitted = speaks(site.submit("office.front", "new", &new), &what);
        let accepted = submitted.status == 0;
        say(submitted);
        if site.paths().run().is_dir() {
            settled(&site, &what);
        }
        let checked = speaks(site.run("pdfsck", &[]), &what);
        found_by_fsck += u64::from(checked.status != 0);
        say(checked);
        let log = std::fs::read(site.paths().log()).unwrap_or_default();
        words.push_str(&String::from_utf8_lossy(&log));

        let printed = printed(&site, &what);
        let announced = announced(&site);
        let mut seen = HashSet::new();
        for tag in &printed {
            let again = !seen.insert(tag.clone());
            let is_known = announced.as_ref().is_none_or(|announced| announced.contains(tag));
            assert!(!again || is_known, "{what}: {tag} twice, unannounced: {printed:?}; {words}");
        }
        assert!(DONE.iter().all(|tag| seen.contains(*tag)), "{what}: what was printed is gone: {printed:?}");
        let expected = WAITING.len() + DONE.len() + usize::from(accepted);
        if printed.len() == expected && seen.len() == expected {
            all_printed += 1;
        } else {
            // Something did not print: somebody has said why, and what to do.
            let hint = [
                "corrupt",
                "damaged",
                "pdfsck",
                "pdbackup",
                "belongs to another",
                "held",
                "hold",
                "cannot",
                "missing",
                "os error",
            ];
            assert!(hint.iter().any(|word| words.contains(word)), "{what}: not a word: {printed:?}; {words}");
        }
        refused += u64::from(states.iter().any(|status| *status != 0));
        // What can be mended is mended, and says what is lost; nothing is printed by that.
        let before = std::fs::read(site.sink()).unwrap();
        speaks(site.run("pdfsck", &["--repair"]), &what);
        assert!(std::fs::read(site.sink()).unwrap() == before, "{what}: pdfsck --repair has printed");
        let jobs = speaks(site.run("pdls", &["-U"]), &what);
        assert!(jobs.status == 0 || !jobs.err.is_empty(), "{what}: {jobs:#?}");
        // What is no lock cannot be taken away from anybody.
        let lock = site.paths().process_lock(&"SPLA".parse().unwrap());
        if lock.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            std::fs::remove_dir(&lock).or_else(|_| std::fs::remove_file(&lock)).unwrap();
        }
        drop(site.stop_if_there());
        drop(told);
        if begun.elapsed() > Duration::from_secs(10) {
            eprintln!("{what}: took {} s", begun.elapsed().as_secs());
        }
    }
    eprintln!("{cases} cases: {refused} with a refusal, {found_by_fsck} found by pdfsck, {all_printed} printed all");
}

/// How long a print process is waited for that may wait for the fault to be mended.
const LONGEST: Duration = Duration::from_secs(15);

/// Waits until no print process is at work any more.
fn settled(site: &Site, what: &str) {
    for _ in 0..40 {
        // A lock that is something else now cannot be waited for.
        let lock = site.paths().process_lock(&"SPLA".parse().unwrap());
        if lock.symlink_metadata().is_ok_and(|meta| meta.is_file()) && !site.fastp_ends(LONGEST) {
            // It waits for the fault to be mended, and its log says so.
            assert!(site.kill_fastp() && !site.log().is_empty(), "{what}");
            return;
        }
        // It may not have begun yet: one that we start ourselves waits for it, and ends when nothing is to be done.
        let mut process = site.command("fastp");
        process.arg("--base").arg(site.base()).args(["--process", "SPLA"]);
        let child = process.spawn().unwrap();
        let number = pid(child.id());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(finish(child, DEADLINE)));
        let Ok(ended) = told.recv_timeout(LONGEST) else {
            kill(number, Signal::SIGKILL).unwrap();
            assert!(!site.log().is_empty(), "{what}: not a word");
            return;
        };
        speaks(ended.clone(), what);
        let listed = site.run("pdls", &["-U", "-F", "-r", "all", "--json"]);
        let at_work = listed.out.contains("\"processing\"") || listed.out.contains("\"pending\"");
        if ended.status != 0 || listed.status != 0 || !at_work {
            return;
        }
    }
}

/// Jobs that are announced as possible duplicates; none when the database cannot be read any more.
fn announced(site: &Site) -> Option<HashSet<String>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(site.paths().database(), flags).ok()?;
    let mut statement = db
        .prepare(
            "SELECT name FROM (SELECT id, name FROM job UNION ALL SELECT job_id, name FROM finished) AS known
             WHERE EXISTS (SELECT 1 FROM event WHERE event.object = 'job' AND event.object_id = known.id
                 AND (event.what LIKE '%duplicate%' OR event.why LIKE '%possible duplicate%'))",
        )
        .ok()?;
    statement.query_map([], |row| row.get(0)).ok()?.collect::<Result<_, _>>().ok()
}

/// Says at which case a test failed.
struct Told(String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}
