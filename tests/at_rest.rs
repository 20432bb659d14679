//! Copies in secure queues are encrypted on disk (docs/secure-release.md): what lies there, what prints, and what happens without a key.

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Site;

/// What no file of the spool may hold.
const SECRET: &str = "the salary of Mrs Miller";

/// A secure queue with a printer and a station, and one that prints at once into the same file.
fn site() -> Site {
    made(Site::new())
}

fn made(mut site: Site) -> Site {
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    let out = format!("file://{}", site.sink().display());
    site.run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme1:office"]).expect(0);
    site.run("pdcreate", &["-c", "queue", "acme1:plain"]).expect(0);
    for (queue, logical, actual) in [("office", "follow-me", "hall-printer"), ("plain", "ordinary", "desk-printer")] {
        let made = format!("destination-realization=logical associated-queue={queue}");
        site.run("pdcreate", &["-x", &made, &format!("acme1:{logical}")]).expect(0);
        let made = format!("destination-realization=actual associated-queue={queue} device-uri={out}");
        site.run("pdcreate", &["-x", &made, &format!("acme1:{actual}")]).expect(0);
        site.run("pdenable", &[logical]).expect(0);
    }
    site.run("pdcreate", &["-c", "station", "-x", "related-printers=hall-printer", "acme1:hall"]).expect(0);
    site.run("pdenable", &["hall-printer"]).expect(0);
    site
}

/// A text of some hundred kilobytes, each line with the secret.
fn secret(lines: usize) -> Vec<u8> {
    (0..lines).map(|n| format!("{n}: {SECRET}\n")).collect::<String>().into_bytes()
}

fn submit(site: &Site, destination: &str, text: &[u8]) {
    let file = site.document("letter", text);
    site.run("pdpr", &["-d", destination, file.to_str().unwrap()]).expect(0);
    std::fs::remove_file(file).unwrap();
}

/// The files below `dir` that hold `what`.
pub fn files_with(dir: &Path, what: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files_with(&path, what));
        } else if kind.is_file() && memchr::memmem::find(&std::fs::read(&path).unwrap(), what).is_some() {
            found.push(path);
        }
    }
    found
}

#[track_caller]
fn lies_in_clear(site: &Site) -> bool {
    !files_with(site.base(), SECRET.as_bytes()).is_empty()
}

fn printed(site: &Site) -> Vec<u8> {
    std::fs::read(site.sink()).unwrap_or_default()
}

fn key_file(site: &Site) -> PathBuf {
    site.server_dir().join(".document-key")
}

/// The only print file, whole.
fn print_file(site: &Site) -> PathBuf {
    let names = site.print_files();
    assert_eq!(names.len(), 1, "{names:?}");
    site.server_dir().join(&names[0])
}

fn state(site: &Site) -> String {
    let jobs = site.jobs();
    jobs.first().map_or_else(String::new, |job| job["current-job-state"].as_str().unwrap().to_owned())
}

#[test]
fn what_waits_in_a_secure_queue_lies_nowhere_in_clear_and_prints_octet_for_octet() {
    let site = site();
    let text = secret(12_000);
    assert!(text.len() > 5 * 65536);
    submit(&site, "follow-me", &text);
    assert!(!lies_in_clear(&site), "{:?}", files_with(site.base(), SECRET.as_bytes()));
    let mode = std::fs::metadata(key_file(&site)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is said of it is said of the document.
    let job = &site.jobs()[0];
    assert_eq!(job["total-job-octets"], text.len(), "{job:#}");
    assert_eq!(job["job-page-count"].as_u64(), Some(12_000u64.div_ceil(60)), "{job:#}");
    let content = site.run("pdls", &["-r", "document-content", "1"]).expect(0).out;
    let path = print_file(&site);
    assert!(content.contains(path.to_str().unwrap()), "{content}");
    assert!(std::fs::metadata(&path).unwrap().len() > text.len() as u64);
    site.run("pdfsck", &[]).expect(0);
    assert!(site.run("pdrelease", &[]).expect(0).out.contains("releasable here"));
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), text);
    site.wait_for_no_print_files();
    assert!(!lies_in_clear(&site));
}

#[test]
fn a_finished_stream_and_selected_pages_and_a_page_to_go_on_at_are_read_through_the_key() {
    let site = site();
    let stream =
        [b"%!PS-Adobe-3.0\n%%Pages: 1\n%%Page: 1 1\n".to_vec(), secret(9_000), b"showpage\n%%EOF\n".to_vec()].concat();
    submit(&site, "follow-me", &stream);
    let text: Vec<u8> = (0..3).flat_map(|n| format!("page {n} {SECRET}\n\u{c}").into_bytes()).collect();
    let file = site.document("pages", &text);
    site.run("pdpr", &["-d", "follow-me", "-x", "page-select=2:2", file.to_str().unwrap()]).expect(0);
    std::fs::remove_file(file).unwrap();
    assert!(!lies_in_clear(&site));
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_for("printed", || site.jobs().len() == 1);
    site.run("pdrelease", &["2"]).expect(0);
    site.wait_until_empty();
    let expected = [stream, format!("page 1 {SECRET}\n\u{c}").into_bytes()].concat();
    assert_eq!(String::from_utf8_lossy(&printed(&site)), String::from_utf8_lossy(&expected));
}

#[test]
fn a_queue_says_whether_it_encrypts_in_both_languages_and_its_archive() {
    let site = site();
    site.run("pdset", &["-c", "queue", "-x", "encrypt-at-rest=false", "office"]).expect(0);
    submit(&site, "follow-me", &secret(3));
    assert!(lies_in_clear(&site) && !key_file(&site).exists());
    let shown = site.spoolcom("LOC #office.follow-me, STATUS DETAIL").out;
    assert!(shown.contains("ENCRYPT AT REST"), "{shown}");
    let archive = site.run("pdls", &["-c", "queue", "-r", "archive", "office"]).expect(0).out;
    assert!(archive.contains("encrypt-at-rest"), "{archive}");
    site.run("pdset", &["-c", "queue", "-x", "encrypt-at-rest==", "office"]).expect(0);
    submit(&site, "follow-me", b"another one\n");
    assert!(files_with(site.base(), b"another one").is_empty());
    // What lay there before stays as it is, and prints.
    site.run("pdrelease", &["--all"]).expect(0);
    site.wait_until_empty();
    let (first, second) = (String::from_utf8(secret(3)).unwrap(), "\u{c}another one\n");
    assert_eq!(String::from_utf8(printed(&site)).unwrap(), format!("{first}{second}"));
}

#[test]
fn a_job_that_is_sent_on_to_a_secure_queue_is_encrypted_and_stays_so_when_it_leaves() {
    let site = site();
    let text = secret(4_000);
    for (n, mover) in [(1, "pdresubmit"), (2, "spoolcom")] {
        submit(&site, "ordinary", &text);
        assert!(lies_in_clear(&site));
        match mover {
            "pdresubmit" => drop(site.run("pdresubmit", &["follow-me", &n.to_string()]).expect(0)),
            _ => drop(site.spoolcom(&format!("JOB {n}, HOLD; JOB {n}, LOC #office.follow-me"))),
        }
        assert!(!lies_in_clear(&site), "{mover}: {:?}", files_with(site.base(), SECRET.as_bytes()));
        let path = print_file(&site);
        site.run("pdfsck", &[]).expect(0);
        site.run("pdresubmit", &["ordinary", &n.to_string()]).expect(0);
        assert_eq!(print_file(&site), path);
        assert!(!lies_in_clear(&site));
        site.run("pdrm", &[&n.to_string()]).expect(0);
        site.wait_for_no_print_files();
    }
    // From the open queue it prints when it is released, as every job that came out of a secure one.
    submit(&site, "ordinary", &text);
    site.run("pdresubmit", &["follow-me", "3"]).expect(0);
    site.run("pdrelease", &["3"]).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), text);
}

#[test]
fn a_batch_that_is_sent_on_to_a_secure_queue_is_encrypted_whole() {
    let site = site();
    for n in 1..=4 {
        submit(&site, "ordinary", &secret(100));
        site.spoolcom(&format!("JOB {n}, HOLD"));
        site.spoolcom(&format!("BATCH 7, LINK {n}"));
    }
    site.spoolcom("BATCH 7, LOC #office.follow-me");
    assert!(!lies_in_clear(&site), "{:?}", files_with(site.base(), SECRET.as_bytes()));
    site.run("pdfsck", &[]).expect(0);
}

#[test]
fn a_job_that_arrives_while_its_queue_begins_to_encrypt_is_refused_and_comes_again() {
    let site = site();
    site.run("pdset", &["-c", "queue", "-x", "encrypt-at-rest=false", "office"]).expect(0);
    let mut command = site.command("pdpr");
    command.args(["-d", "follow-me", "-"]).stdin(std::process::Stdio::piped());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, &secret(10)).unwrap();
    site.wait_for("its first octets", || site.spoolcom_json("JOB (STATE OPEN)").trim() != "[]");
    site.run("pdset", &["-c", "queue", "-x", "encrypt-at-rest=true", "office"]).expect(0);
    drop(pipe);
    crate::support::finish(child, crate::support::DEADLINE).expect(1).says("its queue encrypts since");
    site.wait_for_no_print_files();
    submit(&site, "follow-me", &secret(10));
    assert!(!lies_in_clear(&site));
}

#[test]
fn a_full_disk_while_a_job_is_encrypted_leaves_it_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = crate::full_disk::SmallDisk::new(dir.path()) else { return };
    let site = made(Site::at(dir.path()));
    let text = secret(20_000);
    submit(&site, "ordinary", &text);
    disk.fill();
    site.run("pdresubmit", &["follow-me", "1"]).expect(1).says("space");
    assert!(site.spoolcom("JOB 1").out.contains("#plain"), "it stays where it was");
    disk.empty();
    site.run("pdfsck", &[]).expect(0);
    site.run("pdresubmit", &["follow-me", "1"]).expect(0);
    assert!(!lies_in_clear(&site));
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), text);
}

#[test]
fn links_are_refused_with_the_way_out() {
    let site = site();
    let file = site.document("letter", b"x\n");
    site.run("pdpr", &["-l", "-d", "follow-me", file.to_str().unwrap()]).expect(1).says("takes no links");
    site.run("pdpr", &["-l", "-d", "ordinary", file.to_str().unwrap()]).expect(0);
    site.run("pdresubmit", &["follow-me", "1"]).expect(1).says("takes no links");
}

#[test]
fn an_altered_print_file_is_held_as_corrupt_and_nothing_of_what_was_altered_leaves() {
    let site = site();
    let text = secret(9_000);
    submit(&site, "follow-me", &text);
    let path = print_file(&site);
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let at = 40 + 2 * (65536 + 16) + 1000;
    let mut octet = [0];
    file.read_exact_at(&mut octet, at).unwrap();
    file.write_all_at(&[octet[0] ^ 4], at).unwrap();
    let said = site.run("pdfsck", &[]).expect(1).out;
    assert!(said.contains("chunk 2 is not what was written"), "{said}");
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_for("held", || state(&site) == "held");
    let why = site.spoolcom("JOB 1, WHY").out;
    assert!(why.contains("is encrypted, and damaged"), "{why}");
    assert!(text.starts_with(&printed(&site)) && printed(&site).len() <= 2 * 65536);
    // Cut off: nothing leaves at all.
    let site = self::site();
    submit(&site, "follow-me", &text);
    let file = std::fs::File::options().write(true).open(print_file(&site)).unwrap();
    file.set_len(40 + 2 * (65536 + 16)).unwrap();
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_for("held", || state(&site) == "held");
    assert!(printed(&site).is_empty());
}

#[test]
fn a_backup_without_keys_restores_jobs_that_wait_for_the_key_and_one_with_them_prints() {
    let site = site();
    let text = secret(3_000);
    submit(&site, "follow-me", &text);
    let key = std::fs::read_to_string(key_file(&site)).unwrap();
    let [plain, keys] = ["plain", "keys"].map(|name| site.files.path().join(name).to_str().unwrap().to_owned());
    site.run("pdbackup", &[&plain]).expect(0).says("(.document-key) is not in the backup");
    site.run("pdbackup", &["--keys", &keys]).expect(0);
    assert!(!Path::new(&plain).join("acme1/.document-key").exists());
    for backup in [&plain, &keys] {
        assert!(files_with(Path::new(backup), SECRET.as_bytes()).is_empty());
    }
    assert!(files_with(Path::new(&plain), key.trim().as_bytes()).is_empty());
    // A file that was cut is named; what it should hold cannot be compared without its key.
    let short = site.files.path().join("short").to_str().unwrap().to_owned();
    let path = print_file(&site);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    site.run("pdbackup", &[&short]).expect(1).says("octets instead of");
    std::fs::write(&path, &whole).unwrap();
    // The disk is gone, and what there is has no key.
    std::fs::remove_file(key_file(&site)).unwrap();
    site.run("pdbackup", &["--restore", &plain]).expect(1).says("1 document is encrypted, and the key");
    let said = site.run("pdfsck", &[]).expect(1).out;
    assert!(said.contains("the key that opens it is not in"), "{said}");
    site.spoolcom("JOB 1, START");
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_for("held for want of the key", || {
        site.spoolcom("JOB 1, WHY").out.contains("the key that opens it is not in")
    });
    assert!(printed(&site).is_empty());
    // A spool that made a key of its own since reads both kinds.
    submit(&site, "follow-me", b"a newer letter\n");
    let newer = std::fs::read_to_string(key_file(&site)).unwrap();
    assert_ne!(newer, key);
    site.run("pdrm", &["2"]).expect(0);
    site.run("pdbackup", &["--restore", &keys]).expect(0);
    assert_eq!(std::fs::read_to_string(key_file(&site)).unwrap(), format!("{newer}{key}"));
    site.spoolcom("JOB 1, START");
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), text);
}

#[test]
fn a_job_that_is_gone_leaves_no_key_in_the_database() {
    let site = site();
    submit(&site, "follow-me", &secret(10));
    let key: Vec<u8> = site.database().query_row("SELECT sealed FROM document", [], |row| row.get(0)).unwrap();
    let digest: Option<Vec<u8>> =
        site.database().query_row("SELECT digest FROM document", [], |row| row.get(0)).unwrap();
    assert!(digest.is_none(), "a digest of the document would prove a guess");
    site.run("pdrm", &["1"]).expect(0);
    drop(site.stop());
    let database = rusqlite::Connection::open(site.base().join("spool.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    let left = files_with(site.base(), &key[41..]);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_kill_at_any_step_leaves_the_job_readable_or_nothing_of_it() {
    for point in ["key-named", "after-data-fsync", "before-commit", "after-commit"] {
        let site = site();
        let text = secret(2_000);
        let file = site.document("letter", &text);
        let mut command = site.command("pdpr");
        command.args(["-d", "follow-me"]).arg(&file).env("PD_FAULT", point);
        assert!(!command.output().unwrap().status.success(), "{point}");
        std::fs::remove_file(&file).unwrap();
        assert!(!lies_in_clear(&site), "{point}");
        let jobs = site.jobs().len();
        assert_eq!(jobs, usize::from(point == "after-commit"), "{point}");
        if jobs == 0 {
            submit(&site, "follow-me", &text);
        }
        site.run("pdrelease", &["--all"]).expect(0);
        site.wait_until_empty();
        assert_eq!(printed(&site), text, "{point}");
        site.wait_for_no_print_files();
    }
    for point in ["encrypted-copy", "encrypted-commit"] {
        let site = site();
        let text = secret(2_000);
        submit(&site, "ordinary", &text);
        let mut command = site.command("pdresubmit");
        command.args(["follow-me", "1"]).env("PD_FAULT", point);
        assert!(!command.output().unwrap().status.success(), "{point}");
        site.run("pdfsck", &[]);
        site.run("pdresubmit", &["follow-me", "1"]).expect(0);
        site.run("pdrelease", &["--all"]).expect(0);
        site.wait_until_empty();
        assert_eq!(printed(&site), text, "{point}");
        site.wait_for_no_print_files();
        assert!(!lies_in_clear(&site), "{point}");
    }
}

#[test]
fn a_program_reads_the_document_and_nothing_of_it_lies_in_clear_meanwhile() {
    let mut site = Site::new();
    let programs = tempfile::tempdir().unwrap();
    std::fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
    site.env.push(("PD_LIBEXEC_DIR", String::leak(programs.path().to_str().unwrap().to_owned())));
    let program = programs.path().join("made");
    // What it makes is long, and it goes on when it is told to.
    std::fs::write(&program, "#!/bin/sh\ncat\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let out = format!("file://{}", site.sink().display());
    site.run("pdcreate", &["-c", "queue", "-x", "release-type=secure", "acme1:office"]).expect(0);
    site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=office", "acme1:follow-me"])
        .expect(0);
    let made = format!("destination-realization=actual associated-queue=office device-uri={out}");
    site.run("pdcreate", &["-x", &made, "acme1:hall-printer"]).expect(0);
    site.run("pdcreate", &["-c", "station", "-x", "related-printers=hall-printer", "acme1:hall"]).expect(0);
    site.spoolcom("DEV $hall-printer, TRANSFORM 'application/pdf' made");
    site.run("pdenable", &["follow-me", "hall-printer"]).expect(0);
    let pdf = [b"%PDF-1.4\n".to_vec(), secret(5_000), b"%%EOF\n".to_vec()].concat();
    submit(&site, "follow-me", &pdf);
    assert!(!lies_in_clear(&site));
    // It dies with the second file made, before the device is opened.
    site.kill_fastp();
    site.env.push(("PD_FAULT", "transformed"));
    site.run("pdrelease", &["1"]).expect(0);
    site.wait_for("the second file", || {
        site.base().join("transforms").read_dir().is_ok_and(|mut all| all.next().is_some())
    });
    assert!(!lies_in_clear(&site), "{:?}", files_with(site.base(), SECRET.as_bytes()));
    site.env.pop();
    site.wait_for("the death of its process", || site.fastp().is_none());
    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    assert_eq!(printed(&site), pdf);
}

#[test]
fn json_of_a_restore_names_documents_without_key() {
    let site = site();
    submit(&site, "follow-me", b"a letter\n");
    let plain = site.files.path().join("plain").to_str().unwrap().to_owned();
    site.run("pdbackup", &[&plain]).expect(0);
    std::fs::remove_file(key_file(&site)).unwrap();
    let said = site.run("pdbackup", &["--restore", "--json", &plain]).expect(1).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["without-key"], 1, "{said}");
}
