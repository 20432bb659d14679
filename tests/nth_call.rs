//! The n-th system call of a submission fails, n = 1, 2, 3 … until none is left to fail: each time the job is refused
//! cleanly, or acknowledged and printed; never between.
//!
//! `NTH_STRIDE=k` tries every k-th call only. Of a removal every fifth one is tried unless it says otherwise.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::documents::{take_apart, text};
use crate::support::{Site, finish, number};
use spoolsuite::sys::watch::Watch;

/// More calls than a submission makes.
const CAP: u64 = 2000;

pub fn shim(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
    let library = dir.join("shim.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl");
    let child = compiler.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.expect("a C compiler is needed: cc"), crate::support::DEADLINE).expect(0);
    library
}

/// Submits with faults of this kind until none fires. Returns the tags that were acknowledged and how many calls failed.
fn campaign(site: &Site, shim: &Path, kind: &str, link: bool, through_socket: bool) -> (HashSet<String>, usize) {
    let mut acknowledged = HashSet::new();
    let stride = number("NTH_STRIDE", 1);
    let name = format!("{kind}{}", if link { "-link" } else { "" });
    let file = site.document(&name, b"");
    let mark = site.files.path().join("mark");
    for (fired, n) in (1..CAP).step_by(usize::try_from(stride).unwrap()).enumerate() {
        let tag = format!("{name}-{n}");
        let file = if link { site.document(&tag, &text(&tag, 2000)) } else { file.clone() };
        std::fs::write(&file, text(&tag, 2000)).unwrap();
        let _ = std::fs::remove_file(&mark);
        let mut command = site.submission("office.park", &tag, &file);
        command.env("LD_PRELOAD", shim).env("FAULT_PROGRAM", "pdpr").env("FAULT_MARK", &mark);
        command.env("FAULT_NTH", n.to_string()).env("FAULT_KIND", kind);
        if link {
            command.arg("-l");
        }
        let outcome = finish(command.spawn().unwrap(), crate::support::DEADLINE);
        let call = std::fs::read_to_string(&mark).ok();
        let what =
            format!("{kind} in call {n} ({call:?}) of a submission{}: {outcome:#?}", if link { " -l" } else { "" });
        assert!((0..=3).contains(&outcome.status), "{what}");
        assert!(outcome.status == 0 || !outcome.err.is_empty(), "a refusal says why: {what}");
        if outcome.status == 0 {
            acknowledged.insert(tag.clone());
        }
        let listed: HashSet<String> =
            site.tags().into_iter().filter(|tag| tag.starts_with(&format!("{name}-"))).collect();
        assert_eq!(listed, acknowledged, "{what}");
        no_orphans(site, &what, through_socket);
        if call.is_none() {
            assert_eq!(outcome.status, 0, "nothing failed: {what}");
            return (acknowledged, fired);
        }
    }
    panic!("a submission of more than {CAP} calls");
}

/// There is one print file for each job; what a failed submission may leave, the next start removes. Whom the submitter left
/// at the submission socket (`through_socket`), he removes what he received himself, as soon as he finds that the job is there.
fn no_orphans(site: &Site, what: &str, through_socket: bool) {
    let jobs = site.jobs().len();
    let watch = Watch::new(&site.server_dir()).unwrap();
    let end = Instant::now() + crate::support::DEADLINE;
    while through_socket && site.print_files().len() != jobs && Instant::now() < end {
        watch.wait(Duration::from_secs(1)).unwrap();
    }
    if site.print_files().len() != jobs {
        site.spoolcom("SPOOLER, START");
        assert_eq!(site.print_files().len(), jobs, "{:?} after {what}", site.print_files());
    }
}

fn faults(kinds: &[&str], link: bool) {
    faults_at(kinds, link, false);
}

/// The same where a print process takes submissions all the time, or where none does.
fn faults_at(kinds: &[&str], link: bool, through_socket: bool) {
    let mut site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    let process = through_socket.then(|| site.start_with_submission_socket("600", &[]));
    if !through_socket {
        site.env.push(("PD_SUBMISSION_SOCKET_MS", "0"));
    }
    let shim = shim(site.files.path());
    let mut acknowledged = HashSet::new();
    for kind in kinds {
        let (tags, fired) = campaign(&site, &shim, kind, link, through_socket);
        eprintln!("{kind}: {fired} calls failed, {} submissions were acknowledged", tags.len());
        assert!(fired > 0, "{kind} never fired");
        acknowledged.extend(tags);
    }
    if let Some(mut process) = process {
        process.kill().unwrap();
        process.wait().unwrap();
        site.spoolcom("PRINT $SPLA, START");
    }
    // Every acknowledged job is printed, octet-identical, once; nothing else is.
    site.spoolcom("LOC #OFFICE.PARK, DEV $LP1");
    site.start("LP1");
    site.wait_until_empty();
    let received = take_apart(&std::fs::read(site.sink()).unwrap());
    assert_eq!(received.broken, None);
    assert_eq!(received.complete.len(), acknowledged.len());
    assert_eq!(received.complete.into_iter().collect::<HashSet<_>>(), acknowledged);
    site.wait_for_no_print_files();
}

#[test]
fn a_copy_is_refused_or_printed_whichever_call_fails_with_an_input_output_error() {
    faults(&["EIO"], false);
}

#[test]
fn a_copy_is_refused_or_printed_whichever_call_finds_no_space() {
    faults(&["ENOSPC"], false);
}

#[test]
fn a_copy_is_refused_or_printed_whichever_call_finds_no_descriptor_or_writes_short() {
    faults(&["EMFILE", "SHORT"], false);
}

#[test]
fn a_link_is_refused_or_printed_whichever_call_fails() {
    faults(&["EIO", "EMFILE"], true);
}

#[test]
fn a_copy_that_a_print_process_takes_is_refused_or_printed_whichever_call_of_the_submitter_fails() {
    faults_at(&["EIO", "EMFILE", "SHORT"], false, true);
}

#[test]
fn a_link_that_a_print_process_takes_is_refused_or_printed_whichever_call_of_the_submitter_fails() {
    faults_at(&["EIO", "EMFILE"], true, true);
}

#[test]
fn a_job_is_removed_or_stays_whole_whichever_call_of_its_removal_fails() {
    let mut site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    site.env.push(("PD_SUBMISSION_SOCKET_MS", "0"));
    let (shim, mark) = (shim(site.files.path()), site.files.path().join("mark"));
    let file = site.document("removed", &text("removed", 2000));
    for kind in ["EIO", "ENOSPC", "EMFILE", "SHORT"] {
        let mut fired = 0;
        for n in (1..CAP).step_by(usize::try_from(number("NTH_STRIDE", 5)).unwrap()) {
            finish(site.submission("office.park", "removed", &file).spawn().unwrap(), crate::support::DEADLINE)
                .expect(0);
            let job = site.jobs()[0]["job-number"].to_string();
            let _ = std::fs::remove_file(&mark);
            let mut command = site.command("pdrm");
            command
                .arg(&job)
                .env("PD_CONFIRM_DELETE", "no")
                .env("LD_PRELOAD", &shim)
                .env("FAULT_PROGRAM", "pdrm")
                .env("FAULT_MARK", &mark);
            command.env("FAULT_NTH", n.to_string()).env("FAULT_KIND", kind);
            let outcome = finish(command.spawn().unwrap(), crate::support::DEADLINE);
            let call = std::fs::read_to_string(&mark).ok();
            let what = format!("{kind} in call {n} ({call:?}) of a removal: {outcome:#?}");
            assert!((0..=3).contains(&outcome.status), "{what}");
            let left = site.jobs().len();
            assert!(outcome.status != 0 || left == 0, "it stays: {what}");
            assert!(outcome.status == 0 || !outcome.err.is_empty(), "a refusal says why: {what}");
            // What stays has its document, and what is gone leaves nothing behind the next start.
            if site.print_files().len() != left {
                site.spoolcom("SPOOLER, START");
            }
            assert_eq!(site.print_files().len(), left, "{what}");
            if left > 0 {
                site.spoolcom(&format!("JOB {job}, DELETE!"));
            }
            if call.is_none() {
                assert_eq!(outcome.status, 0, "nothing failed: {what}");
                break;
            }
            fired += 1;
        }
        eprintln!("{kind}: {fired} calls of a removal failed");
        assert!(fired > 0, "{kind} never fired");
    }
}
