//! Backups, and databases that were restored: with `pdbackup --restore`, or by hand behind everybody's back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Site, finish};
use spoolsuite::spool::Base;

/// A device that appends to a file, offline, and so many jobs before it.
fn waiting(jobs: usize) -> Site {
    let site = Site::new();
    site.declare();
    for n in 0..jobs {
        submit(&site, &format!("job-{n}"));
    }
    site
}

fn submit(site: &Site, tag: &str) {
    let file = site.document(tag, &text(tag, 400));
    site.submit("office.front", tag, &file).expect(0);
}

/// Ends the print process; whoever comes next is not kept from starting one.
fn stop(site: &Site) {
    drop(site.stop());
}

fn printed(site: &Site) -> Vec<String> {
    let mut complete = take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete;
    complete.sort();
    complete
}

fn aside(site: &Site) -> Vec<String> {
    let entries = std::fs::read_dir(site.server_dir().join("corrupt")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.ends_with(".reason")).collect()
}

fn number(site: &Site, tag: &str) -> u64 {
    let jobs = site.jobs();
    let job = jobs.iter().find(|job| job["job-name"] == tag).unwrap_or_else(|| panic!("no {tag}: {jobs:#?}"));
    job["job-number"].as_u64().unwrap()
}

fn reasons(site: &Site) -> BTreeSet<String> {
    let jobs = site.jobs();
    jobs.iter().map(|job| format!("{} {}", job["current-job-state"], job["job-state-reasons"])).collect()
}

fn backup(site: &Site, name: &str) -> PathBuf {
    let to = site.files.path().join(name);
    site.run("pdbackup", &[to.to_str().unwrap()]).expect(0);
    to
}

#[test]
fn a_spool_db_that_was_copied_back_by_hand_loses_no_print_file_and_prints_nothing_twice_unannounced() {
    let site = waiting(3);
    site.spoolcom("JOB 3, HOLD");
    stop(&site);
    let saved = site.files.path().join("saved.db");
    rusqlite::Connection::open(site.paths().database())
        .unwrap()
        .execute("VACUUM INTO ?", [saved.to_str().unwrap()])
        .unwrap();
    site.start("LP1");
    site.wait_for("the first two are printed", || site.tags() == ["job-2".to_owned()].into());
    site.spoolcom("DEV $LP1, DRAIN");
    submit(&site, "since");
    let since = number(&site, "since");
    stop(&site);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", site.paths().database().display()));
    }
    std::fs::copy(&saved, site.paths().database()).unwrap();
    // A display comes first, and tells the truth already.
    let restored = [r#""held" ["job-hold-set","job-restored"]"#, r#""held" ["job-restored"]"#];
    assert_eq!(reasons(&site), restored.map(str::to_owned).into());
    site.start("LP1");
    submit(&site, "new");
    site.wait_for("the new job is printed", || !site.tags().contains("new"));
    assert!(number_of_new(&site) > since);
    assert_eq!(printed(&site), ["job-0", "job-1", "new"], "once each: the restored ones are held");
    site.wait_for("the document of the lost job is put aside", || !aside(&site).is_empty());
    let kept = site.server_dir().join("corrupt").join(&aside(&site)[0]);
    assert_eq!(std::fs::read(kept).unwrap(), text("since", 400));
    let found = site.run("pdfsck", &[]).expect(1);
    assert!(found.out.contains("pdfsck --accept") && found.out.contains("1 files put aside"), "{}", found.out);
    // START prints one of them, announced; of one that was printed since the document is gone, which its reason says.
    site.spoolcom(&format!("JOB {}, START", number(&site, "job-2")));
    site.wait_for("it is printed", || !site.tags().contains("job-2"));
    assert!(site.possible_duplicates().contains("job-2"));
    site.spoolcom(&format!("JOB {}, START", number(&site, "job-1")));
    site.wait_for("it is held again", || {
        reasons(&site) == [r#""held" ["document-corrupt"]"#, r#""held" ["job-restored"]"#].map(str::to_owned).into()
    });
    assert_eq!(printed(&site), ["job-0", "job-1", "job-2", "new"]);
    site.spoolcom("JOB 1, DELETE; JOB 2, DELETE");
    site.run("pdfsck", &["--accept"]).expect(0);
    site.run("pdfsck", &[]).expect(0);
}

/// The number of the job that was handed in last, finished or not.
fn number_of_new(site: &Site) -> u64 {
    let query = "SELECT max(number) FROM (SELECT number FROM job UNION SELECT number FROM finished)";
    site.database().query_row(query, [], |row| row.get::<_, u32>(0)).unwrap().into()
}

#[test]
fn a_backup_of_a_spool_that_prints_is_whole_and_what_ended_meanwhile_is_erased_after_it() {
    let site = waiting(30);
    let linked = site.document("linked", &text("linked", 300));
    site.run("pdpr", &["-l", "-d", "office.front", "-t", "linked", linked.to_str().unwrap()]).expect(0);
    let mut submitter = std::thread::scope(|scope| {
        scope.spawn(|| site.start("LP1"));
        let to = site.files.path().join("backup");
        site.run("pdbackup", &[to.to_str().unwrap(), "--json"]).expect(0)
    });
    let done: serde_json::Value = serde_json::from_str(&std::mem::take(&mut submitter.out)).unwrap();
    site.wait_until_empty();
    site.wait_for_no_print_files();
    // Into an empty base: every job of the backup is there, held, and prints when it is started.
    let other = Site::at(&site.files.path().join("other"));
    let from = site.files.path().join("backup");
    let restored = other.run("pdbackup", &["--restore", from.to_str().unwrap()]).expect(0);
    let jobs = other.jobs();
    assert_eq!(Some(jobs.len() as u64), done["jobs"].as_u64(), "{}", restored.out);
    assert!(jobs.iter().all(|job| job["current-job-state"] == "held"), "{jobs:#?}");
    let _ = other.run("spoolcom", &["DEV $LP1, DRAIN"]);
    other.spoolcom(&format!("DEV $LP1, URI file://{}", other.sink().display()));
    let before: BTreeSet<String> = other.tags().into_iter().collect();
    other.start("LP1");
    for job in &jobs {
        other.spoolcom(&format!("JOB {}, START", job["job-number"]));
    }
    other.wait_until_empty();
    assert_eq!(printed(&other).into_iter().collect::<BTreeSet<_>>(), before);
    other.run("pdfsck", &["--accept", "--repair"]).expect(0);
    other.wait_for_no_print_files();
    stop(&other);
}

#[test]
fn a_backup_that_is_restored_over_a_living_spool_waits_for_nobody_and_erases_nothing() {
    let site = waiting(1);
    let to = backup(&site, "one");
    site.run("pdbackup", &[to.to_str().unwrap()]).expect(1).says("not empty");
    let inside = site.base().join("inside");
    site.run("pdbackup", &[inside.to_str().unwrap()]).expect(1).says("inside the spool");
    site.run("pdbackup", &["--restore", site.files.path().to_str().unwrap()]).expect(1).says("no backup");
    submit(&site, "since");
    // While a print process has the spool, nothing is put in its place.
    let mut process = site.start_with_submission_socket("60", &[]);
    let refused = site.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(1).says("kill -TERM");
    assert!(refused.err.contains(&format!("{}", process.id())), "{}", refused.err);
    assert_eq!(site.tags().len(), 2);
    nix::sys::signal::kill(crate::support::pid(process.id()), nix::sys::signal::Signal::SIGTERM).unwrap();
    process.wait().unwrap();
    let done = site.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(0);
    assert!(done.out.contains("1 print files that the backup does not know"), "{}", done.out);
    assert_eq!((site.tags(), aside(&site).len()), (["job-0".to_owned()].into(), 1));
    let kept = std::fs::read_dir(site.base()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(kept.filter(|name| name.starts_with("replaced-")).count(), 1);
    submit(&site, "new");
    site.start("LP1");
    site.wait_for("the new one is printed", || site.tags() == ["job-0".to_owned()].into());
    assert_eq!(printed(&site), ["new"]);
}

#[test]
fn a_backup_whose_files_are_damaged_says_so_and_one_that_was_cut_off_is_none() {
    let site = waiting(2);
    let to = backup(&site, "one");
    let server = Base::new(&to).server(&site.server_dir().file_name().unwrap().to_str().unwrap().parse().unwrap());
    let name = print_file_of(&server);
    let path = server.join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let other = Site::at(&site.files.path().join("other"));
    other.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(1).says(&name).says("damaged");
    assert_eq!(other.jobs().len(), 2);
    stop(&other);
    let mut db = std::fs::read(to.join("spool.db")).unwrap();
    db[5000] ^= 1;
    std::fs::write(to.join("spool.db"), db).unwrap();
    let third = Site::at(&site.files.path().join("third"));
    third.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(1).says("digest differs");
    assert!(!third.base().join("spool.db").exists());
    std::fs::remove_file(to.join("backup.json")).unwrap();
    third.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(1).says("no backup");
}

fn print_file_of(server: &Path) -> String {
    let names = std::fs::read_dir(server).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.into_iter().find(|name| name.starts_with("pdpr")).unwrap()
}

#[test]
fn a_server_directory_without_a_database_is_refused_and_comes_back_from_a_backup() {
    let site = waiting(1);
    let to = backup(&site, "one");
    stop(&site);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", site.paths().database().display()));
    }
    let file = site.document("late", b"late\n");
    for command in [vec!["pdls"], vec!["spoolcom", "DEV $LP1, START"]] {
        site.run(command[0], &command[1..]).expect(3).says("pdbackup --restore");
    }
    site.submit("office.front", "late", &file).expect(3);
    assert!(!site.paths().database().exists());
    let found = site.run("pdfsck", &["--json"]).expect(1);
    let report: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    let codes: Vec<&str> = report["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["database-missing", "print-file-unknown"]);
    site.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(0);
    assert_eq!(reasons(&site), [r#""held" ["job-restored"]"#.to_owned()].into());
    finish(site.submission("office.front", "late", &file).spawn().unwrap(), DEADLINE).expect(0);
}

#[test]
fn a_restore_that_is_killed_at_its_exchange_can_be_repeated_and_loses_nothing() {
    let site = waiting(3);
    let to = backup(&site, "one");
    submit(&site, "since");
    stop(&site);
    for point in ["before-exchange", "after-exchange"] {
        let mut command = site.command("pdbackup");
        command.args(["--restore", to.to_str().unwrap()]).env("PD_FAULT", point);
        finish(command.spawn().unwrap(), DEADLINE).expect(128 + 9);
        // Whatever lies there now, nothing of it prints unasked, and what is not in it is not erased.
        site.spoolcom("SPOOLER, START");
        stop(&site);
        site.run("pdbackup", &["--restore", to.to_str().unwrap()]).expect(0);
        assert_eq!(reasons(&site), [r#""held" ["job-restored"]"#.to_owned()].into(), "{point}");
        assert_eq!(site.jobs().len(), 3, "{point}");
        let corrupt = site.server_dir().join("corrupt");
        let kept = aside(&site).iter().any(|name| std::fs::read(corrupt.join(name)).unwrap() == text("since", 400));
        assert!(kept, "{point}");
        let left = std::fs::read_dir(site.base()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".spool.db.")), "{point}");
    }
}

#[test]
fn the_mark_beside_the_print_files_of_a_backup_is_that_of_its_database() {
    let site = waiting(2);
    let to = Base::new(backup(&site, "kept"));
    let row = "SELECT generation, last_number, last_serial, last_sequence FROM spool";
    let database = rusqlite::Connection::open(to.database()).unwrap();
    let known: [i64; 4] =
        database.query_row(row, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap();
    let server = site.server_dir().file_name().unwrap().to_str().unwrap().parse().unwrap();
    let mark = std::fs::read_to_string(to.generation(&server)).unwrap();
    let words: Vec<i64> = mark.split(' ').skip(2).take(4).map(|word| word.parse().unwrap()).collect();
    assert_eq!(words, known);
    assert_eq!(known[1], 2, "two jobs");
}
