//! `pdfsck`: what it finds, what it mends, and what it never touches.

use std::path::PathBuf;

use crate::support::documents::text;
use crate::support::{DEADLINE, Site, finish, pid};
use serde_json::Value;
use spoolsuite::spool::disk::locks;

fn waiting(jobs: usize) -> Site {
    let site = Site::new();
    site.declare();
    for n in 0..jobs {
        let file = site.document(&format!("job-{n}"), &text(&format!("job-{n}"), 300));
        site.submit("office.front", &format!("job-{n}"), &file).expect(0);
    }
    site
}

/// Code and object of each finding.
fn findings(site: &Site, flags: &[&str], status: i32) -> Vec<(String, String)> {
    let flags = [&["--json"], flags].concat();
    let report: Value = serde_json::from_str(&site.run("pdfsck", &flags).expect(status).out).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    report["findings"].as_array().unwrap().iter().map(|f| (word(&f["code"]), word(&f["object"]))).collect()
}

fn codes(site: &Site, flags: &[&str], status: i32) -> Vec<String> {
    findings(site, flags, status).into_iter().map(|finding| finding.0).collect()
}

/// The print file of each job, by its number.
fn files(site: &Site) -> Vec<PathBuf> {
    let db = site.database();
    let mut find = db.prepare("SELECT store_name FROM document ORDER BY job_id").unwrap();
    let names = find.query_map([], |row| row.get::<_, String>(0)).unwrap();
    names.map(|name| site.server_dir().join(name.unwrap())).collect()
}

#[test]
fn a_sound_spool_is_sound_and_a_missing_one_is_none() {
    let site = waiting(2);
    assert!(findings(&site, &[], 0).is_empty());
    assert!(
        site.run("pdfsck", &[]).expect(0).out.contains("2 jobs, 2 print files, 0 files put aside: nothing is wrong")
    );
    let none = Site::new();
    none.run("pdfsck", &[]).expect(3).says("no such file");
    std::fs::create_dir(none.base()).unwrap();
    none.run("pdfsck", &["--repair"]).expect(3).says("there is no spool");
    assert_eq!(std::fs::read_dir(none.base()).unwrap().filter(|e| e.as_ref().unwrap().file_name() != "run").count(), 0);
}

#[test]
fn print_files_that_are_missing_damaged_or_nobodys_are_found_and_mended_and_each_loss_is_named() {
    let site = waiting(4);
    let files = files(&site);
    std::fs::remove_file(&files[0]).unwrap();
    let mut bytes = std::fs::read(&files[1]).unwrap();
    bytes[3] ^= 4;
    std::fs::write(&files[1], bytes).unwrap();
    std::fs::write(&files[2], "short").unwrap();
    std::fs::write(site.server_dir().join("pdprORPHAN"), "left").unwrap();
    std::fs::write(site.server_dir().join("notes of somebody"), "mine").unwrap();
    let expected = [
        ("print-file-missing", "job 1"),
        ("print-file-damaged", "job 2"),
        ("print-file-damaged", "job 3"),
        ("print-file-unknown", "pdprORPHAN"),
    ];
    let expected: Vec<(String, String)> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(findings(&site, &[], 1), expected);
    assert_eq!(findings(&site, &[], 1), expected, "looking changes nothing");
    let mended = site.run("pdfsck", &["--repair"]).expect(0);
    assert_eq!(mended.out.matches("LOST: job").count(), 3, "{}", mended.out);
    assert!(site.server_dir().join("notes of somebody").exists());
    assert!(!site.server_dir().join("pdprORPHAN").exists(), "the database is as new as it: a crash left it");
    let corrupt = |name: &PathBuf| site.server_dir().join("corrupt").join(name.file_name().unwrap());
    assert_eq!(std::fs::read(corrupt(&files[2])).unwrap(), b"short");
    let jobs = site.jobs();
    let held = jobs.iter().filter(|job| job["job-state-reasons"].to_string().contains("document-corrupt")).count();
    assert_eq!((jobs.len(), held), (4, 3));
    // Two are found where they are now; the third is nowhere.
    let shown = site.run("pdls", &["-U", "-r", "document-content"]).expect(0).out;
    assert_eq!(shown.matches("/corrupt/pdpr").count(), 2, "{shown}");
    // The sound one prints, the others stay where they are.
    site.start("LP1");
    site.wait_for("the sound one is printed", || site.jobs().len() == 3);
}

#[test]
fn links_are_looked_at_in_both_directions() {
    let site = Site::new();
    site.declare();
    let mut paths = Vec::new();
    for n in 0..4 {
        let path = site.document(&format!("link-{n}"), &text("x", 300));
        site.run("pdpr", &["-l", "-d", "office.front", path.to_str().unwrap()]).expect(0);
        paths.push(path);
    }
    assert!(findings(&site, &[], 0).is_empty());
    let links = files(&site);
    std::fs::remove_file(&paths[0]).unwrap();
    std::fs::write(site.files.path().join("new"), "another").unwrap();
    std::fs::rename(site.files.path().join("new"), &paths[1]).unwrap();
    std::fs::remove_file(&links[2]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &links[2]).unwrap();
    std::fs::remove_file(&links[3]).unwrap();
    assert_eq!(codes(&site, &[], 1), ["link-target", "link-changed", "link-damaged", "print-file-missing"]);
    site.run("pdfsck", &["--repair"]).expect(1);
    assert_eq!(
        std::fs::read_link(site.server_dir().join("corrupt").join(links[2].file_name().unwrap())).unwrap(),
        PathBuf::from("/etc/passwd")
    );
    assert_eq!(codes(&site, &[], 1)[..2], ["link-target", "link-changed"]);
}

#[test]
fn the_proof_of_the_directory_and_run_are_made_again() {
    let site = waiting(1);
    drop(site.stop());
    std::fs::remove_file(site.server_dir().join(".spool-id")).unwrap();
    std::fs::remove_dir_all(site.paths().run()).unwrap();
    site.run("pdls", &[]).expect(3).says("pdfsck --repair");
    site.run("pdfsck", &["--repair"]).expect(0);
    assert_eq!(site.jobs().len(), 1);
    assert!(findings(&site, &[], 0).is_empty());
    std::fs::write(site.server_dir().join(".spool-id"), "another").unwrap();
    assert_eq!(codes(&site, &["--repair"], 1), ["other-spool"]);
    std::fs::write(site.server_dir().join(".spool-id"), [0xff, 0xfe]).unwrap();
    assert_eq!(codes(&site, &["--repair"], 1), ["spool-id"]);
    assert!(site.run("pdfsck", &[]).expect(1).out.contains("cannot be read"));
    site.run("pdls", &[]).expect(3).says(".spool-id");
}

#[test]
fn what_is_wrong_with_a_print_process_is_named() {
    let site = waiting(1);
    drop(site.stop());
    let start = |idle: &str| {
        let mut command = site.command("fastp");
        command.arg("--base").arg(site.base()).args(["--process", "SPLA"]).env("PD_FASTP_IDLE", idle);
        command.spawn().unwrap()
    };
    let found = |code: &str| vec![(code.to_owned(), "print process $SPLA".to_owned())];
    finish(start("-1"), DEADLINE).expect(1);
    assert_eq!(findings(&site, &[], 1), found("process-error"));
    let mut process = start("600");
    site.wait_for("it runs", || site.fastp() == Some(pid(process.id())) && site.counts_as_running());
    assert!(findings(&site, &[], 0).is_empty(), "nothing is wrong with one that runs");
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(findings(&site, &[], 1), found("process-dead"));
    // It would live, if its locks were held; without its file in run/ it is on its way out.
    let (server, name) = (site.server_dir(), "SPLA".parse().unwrap());
    let server = server.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let lives = locks::take_process(site.paths(), &server, &name, DEADLINE).unwrap();
    assert!(lives.is_some() && findings(&site, &[], 0).is_empty());
    std::fs::remove_file(site.paths().process_lock(&name)).unwrap();
    assert_eq!(findings(&site, &[], 1), found("process-uprooted"));
}

/// A leaf of the tree at a page: the one in the middle (the format of the database file is public and stable).
fn middle_leaf(file: &[u8], size: usize, page: usize) -> usize {
    let at = (page - 1) * size;
    let header = at + if page == 1 { 100 } else { 0 };
    if file[header] != 0x05 {
        return page;
    }
    let number =
        |at: usize, octets: usize| file[at..at + octets].iter().fold(0, |n, octet| n << 8 | usize::from(*octet));
    let cell = at + number(header + 12 + 2 * (number(header + 3, 2) / 2), 2);
    middle_leaf(file, size, number(cell, 4))
}

/// Destroys a leaf page of a table. Nobody uses the database.
fn destroy_page_of(site: &Site, table: &str) {
    drop(site.stop());
    let db = rusqlite::Connection::open(site.paths().database()).unwrap();
    let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let root = "SELECT coalesce((SELECT rootpage FROM sqlite_schema WHERE name = ?), 1)";
    let root: u32 = db.query_row(root, [table], |row| row.get(0)).unwrap();
    let size: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(db);
    let mut file = std::fs::read(site.paths().database()).unwrap();
    let page = middle_leaf(&file, size as usize, root as usize);
    file[(page - 1) * size as usize..page * size as usize].fill(0xa5);
    std::fs::write(site.paths().database(), file).unwrap();
}

/// So many that most tables have several pages.
const MANY: usize = 120;

/// How many files are in `corrupt/`, their reasons not counted.
fn aside(site: &Site) -> usize {
    let entries = std::fs::read_dir(site.server_dir().join("corrupt")).unwrap();
    entries.filter(|entry| !entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".reason")).count()
}

/// The same spool once more, which nobody uses.
fn copy_of(site: &Site, name: &str) -> Site {
    let to = site.files.path().join(name);
    let copied = std::process::Command::new("cp").arg("-a").arg(site.base()).arg(&to).status().unwrap();
    assert!(copied.success());
    Site::at(&to)
}

#[test]
fn of_a_damaged_database_is_saved_what_can_be_read_and_every_loss_is_named() {
    let waiting = waiting(MANY);
    drop(waiting.stop());
    let site = copy_of(&waiting, "job");
    destroy_page_of(&site, "job");
    let file = site.document("late", b"late\n");
    // Nothing prints, and the way out is named.
    let found = site.run("pdfsck", &[]).expect(1);
    assert!(found.out.contains("is damaged") && found.out.contains("pdfsck --repair"), "{}", found.out);
    let process = site.run("fastp", &["--base", site.base().to_str().unwrap(), "--process", "SPLA"]);
    process.expect(3).says("pdfsck --repair");
    let mended = site.run("pdfsck", &["--repair"]).expect(1);
    assert!(mended.out.contains("jobs were saved") && mended.out.contains("pdfsck --accept"), "{}", mended.out);
    let jobs = site.jobs();
    assert!(!jobs.is_empty() && jobs.len() < MANY, "{}", mended.out);
    assert!(jobs.iter().all(|job| job["current-job-state"] == "held"));
    // Every job that is not there any more: its file is kept.
    assert_eq!(aside(&site) + jobs.len(), MANY, "{}", mended.out);
    assert!(mended.out.contains("LOST: spool.db: job: rows from "), "{}", mended.out);
    // What is new is taken and prints.
    site.start("LP1");
    site.submit("office.front", "late", &file).expect(0);
    site.wait_for("it is printed", || !site.tags().contains("late"));
    site.run("pdfsck", &["--accept"]).expect(0);
    assert!(findings(&site, &[], 0).is_empty());

    // Whatever else is destroyed: something is saved, and the rest is put aside.
    for table in ["document", "entry", "event", "spool", "location_group", "route", "requirement_class", "process"] {
        let site = copy_of(&waiting, table);
        destroy_page_of(&site, table);
        let found = site.run("pdfsck", &[]);
        assert_eq!(found.status, 1, "{table}: {found:#?}");
        let mended = site.run("pdfsck", &["--repair"]);
        assert_eq!(mended.status, 1, "{table}: {mended:#?}");
        let jobs = site.jobs().len();
        assert_eq!(jobs + aside(&site), MANY, "{table}: {}", mended.out);
        assert!(jobs > 0, "{table}: {}", mended.out);
        let kept = std::fs::read_dir(site.base()).unwrap();
        let kept = kept.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("replaced-"));
        assert_eq!(kept.count(), 1, "{table}: the damaged one is kept");
        site.run("pdfsck", &["--accept"]).expect(0);
        assert!(findings(&site, &[], 0).is_empty(), "{table}");
    }
    // Not even the list of tables is left: nothing is saved, nothing is lost beside.
    let site = copy_of(&waiting, "schema");
    destroy_page_of(&site, "sqlite_schema");
    site.run("pdfsck", &["--repair"]).expect(1);
    assert_eq!(site.jobs().len() + aside(&site), MANY);
}

#[test]
fn counters_that_are_wrong_are_found_and_counted_again() {
    let site = waiting(3);
    let db = rusqlite::Connection::open(site.paths().database()).unwrap();
    db.execute_batch("UPDATE spool SET jobs = 77, open_jobs = -1; UPDATE location SET jobs = 5").unwrap();
    drop(db);
    assert_eq!(codes(&site, &[], 1), ["counter"; 3]);
    assert_eq!(codes(&site, &["--repair"], 0), ["counter"; 3]);
    assert!(codes(&site, &[], 0).is_empty());
    let about: Value =
        serde_json::from_str(&site.run("spoolcom", &["--json", "SPOOLER, STATUS"]).expect(0).out).unwrap();
    assert_eq!(about[0]["jobs"], 3, "{about}");
}
