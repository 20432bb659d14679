//! Wrong arguments, odd files and odd circumstances: each has one clear outcome.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::documents::{stream, take_apart, text};
use crate::support::nobody::OfNobody;
use crate::support::sink::{Mode, Sink};
use crate::support::{Site, finish};

fn started() -> Site {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    site
}

#[test]
fn a_usage_error_changes_nothing_and_ends_with_2() {
    let site = started();
    let file = site.document("d", b"x\n");
    let file = file.to_str().unwrap();
    let table: [(&str, &[&str]); 10] = [
        ("pdpr", &["-d", "office.front"]),
        ("pdpr", &["-d", "office.front", "-n", "0", file]),
        ("pdpr", &["-d", "office.front", "-n", "many", file]),
        ("pdpr", &["-d", "office.front", "--no-such-flag", file]),
        ("pdpr", &["-d", "office.front", "-l", "-"]),
        ("pdpr", &["-d", "", file]),
        ("pdls", &["-c", "no-such-class"]),
        ("pdls", &["-r", "no-such-attribute"]),
        ("pdrm", &[]),
        ("spoolcom", &["JOB , DELETE"]),
    ];
    for (program, args) in table {
        let outcome = site.run(program, args);
        assert_eq!(outcome.status, 2, "{program} {args:?}: {outcome:#?}");
        assert!(!outcome.err.is_empty() && outcome.out.is_empty(), "{program} {args:?}: {outcome:#?}");
    }
    assert!(site.jobs().is_empty());
    assert!(site.print_files().is_empty());
}

#[test]
fn an_unknown_destination_is_refused_with_the_names_that_resemble_it() {
    let site = started();
    let file = site.document("d", b"x\n");
    site.submit("office.frnt", "t", &file).expect(1).says("office.frnt").says("office.front");
    site.submit("no.where.at.all", "t", &file).expect(1).says("no.where.at.all");
    assert!(site.jobs().is_empty() && site.print_files().is_empty());
}

#[test]
fn what_cannot_be_printed_is_refused_by_name_and_leaves_nothing() {
    let site = started();
    let dir = site.files.path();
    let missing = dir.join("missing");
    let directory = dir.join("directory");
    std::fs::create_dir(&directory).unwrap();
    let fifo = dir.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let empty = site.document("empty", b"");
    for (path, why) in [(&missing, "no such file"), (&directory, "directory"), (&fifo, "fifo"), (&empty, "empty")] {
        for link in [false, true] {
            let mut command = site.submission("office.front", "t", path);
            if link {
                command.arg("-l");
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            finish(command.spawn().unwrap(), Duration::from_secs(20)).expect(1).says(name).says(why);
        }
    }
    assert!(site.jobs().is_empty() && site.print_files().is_empty());
}

#[test]
fn one_bad_file_among_several_refuses_the_whole_job() {
    let site = started();
    let good = site.document("good", b"x\n");
    let missing = site.files.path().join("missing");
    let mut command = site.submission("office.front", "t", &good);
    finish(command.arg(missing).spawn().unwrap(), crate::support::DEADLINE).expect(1).says("missing");
    assert!(site.jobs().is_empty() && site.print_files().is_empty());
}

#[test]
fn a_file_that_the_caller_may_not_read_is_refused() {
    let Some(his) = OfNobody::new() else { return };
    let secret = his.file("secret", "mine\n", 0o600);
    let secret = secret.to_str().unwrap();
    for args in [&["-d", "a.b", "-l", secret][..], &["-d", "a.b", secret]] {
        finish(his.start("pdpr", args), crate::support::DEADLINE).expect(1).says("secret").says("permission denied");
    }
    // A base that belongs to another user is refused, root included.
    his.site.run("pdls", &["-U", "-F"]).expect(3).says("not to you");
}

#[test]
fn odd_names_are_printed_and_listed_on_one_line_each() {
    let site = started();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    let names: [&[u8]; 6] = [b"new\nline", b"%n%s", b"two  spaces ", b"a:b;c'd\"e", b"-dash", b"not-utf8-\xff"];
    for name in names {
        let path = site.files.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&path, "x\n").unwrap();
        for link in [false, true] {
            // Without -t: the job is named after the file.
            let mut command = site.command("pdpr");
            command.args(["-d", "office.park"]);
            if link {
                command.arg("-l");
            }
            finish(command.arg(&path).spawn().unwrap(), crate::support::DEADLINE).expect(0);
        }
    }
    assert_eq!(site.jobs().len(), 2 * names.len());
    let listing = site.run("pdls", &["-U", "-r", "document-content"]).expect(0);
    let lines: Vec<_> = listing.out.lines().filter(|line| line.contains("document-content = ")).collect();
    assert_eq!(lines.len(), 2 * names.len(), "{}", listing.out);
    for line in &lines {
        let content = line.split_once("document-content = ").unwrap().1;
        let (path, server) = content.rsplit_once(':').unwrap();
        assert!(Path::new(path).symlink_metadata().is_ok(), "{line}");
        assert_eq!(Path::new(server), site.server_dir().file_name().unwrap());
    }
    // Every row of a table, too, is one line: heading, dashes, then one for each job.
    let rows = site.run("spoolcom", &["JOB"]).expect(0).out;
    assert!(
        !rows.contains('\u{0}') && rows.lines().filter(|line| line.contains("HL") || line.contains("RD")).count() >= 12
    );
    site.spoolcom("LOC #OFFICE.PARK, DEV $LP1");
    site.wait_until_empty();
    assert_eq!(std::fs::read(site.sink()).unwrap().iter().filter(|octet| **octet == b'x').count(), 2 * names.len());
}

/// A site with a linked document that waits at a device that is not started.
fn linked(bytes: &[u8]) -> (Site, std::path::PathBuf) {
    let site = Site::new();
    site.declare();
    let file = site.document("linked", bytes);
    let mut command = site.submission("office.front", "linked", &file);
    finish(command.arg("-l").spawn().unwrap(), crate::support::DEADLINE).expect(0);
    let [name] = site.print_files().try_into().unwrap();
    assert_eq!(std::fs::read_link(site.server_dir().join(name)).unwrap(), file);
    (site, file)
}

fn held(site: &Site, why: &str) {
    site.spoolcom("DEV $LP1, START");
    site.wait_for("the job is held", || site.jobs().iter().any(|job| job["current-job-state"] == "held"));
    let job = site.jobs().remove(0);
    assert!(job.to_string().to_lowercase().contains(why), "{job:#}");
    assert_eq!(std::fs::read(site.sink()).unwrap_or_default(), b"");
    // The others flow.
    let file = site.document("other", &text("other", 500));
    site.submit("office.front", "other", &file).expect(0);
    site.wait_for("the other job is printed", || site.jobs().len() == 1);
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["other"]);
}

#[test]
fn a_linked_document_that_was_deleted_holds_its_job() {
    let (site, file) = linked(&text("linked", 500));
    std::fs::remove_file(file).unwrap();
    held(&site, "document-failed");
}

#[test]
fn a_linked_document_that_was_replaced_holds_its_job() {
    let (site, file) = linked(&text("linked", 500));
    let other = site.document("replacement", &text("replaced", 500));
    std::fs::rename(other, &file).unwrap();
    held(&site, "document-changed");
    assert!(file.exists(), "the original is never touched");
}

#[test]
fn a_linked_document_that_became_a_link_to_another_file_holds_its_job() {
    let (site, file) = linked(&text("linked", 500));
    let other = site.document("replacement", &text("replaced", 500));
    std::fs::remove_file(&file).unwrap();
    symlink(other, &file).unwrap();
    held(&site, "document-changed");
}

#[test]
fn a_linked_document_that_was_edited_in_place_is_printed_as_it_is() {
    let (site, file) = linked(&text("linked", 500));
    std::fs::write(&file, text("edited", 900)).unwrap();
    site.spoolcom("DEV $LP1, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["edited"]);
    assert_eq!(std::fs::read(&file).unwrap(), text("edited", 900), "the original is never touched");
}

#[test]
fn a_linked_document_that_is_truncated_while_it_prints_is_never_closed_as_if_it_were_whole() {
    let site = Site::new();
    site.declare();
    let printer = Sink::new(Mode::Slow);
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START");
    // Larger than what the buffers of both ends of a connection can hold together.
    let file = site.document("long", &stream("long", 40_000_000));
    printer.pause(true);
    let mut command = site.submission("office.slow", "long", &file);
    finish(command.arg("-l").spawn().unwrap(), crate::support::DEADLINE).expect(0);
    printer.wait_for("a connection", |connections| !connections.is_empty());
    File::options().write(true).open(&file).unwrap().set_len(1000).unwrap();
    printer.set_mode(Mode::Normal);
    printer.pause(false);
    site.wait_for("the job is held", || site.jobs().iter().any(|job| job["current-job-state"] == "held"));
    for connection in printer.connections() {
        // What was on its way may have been cut or blanked with the file: those are its own pages in the kernel.
        assert!(connection.octets.len() < 40_000_000, "the whole of it went out");
        assert!(!connection.ended, "a broken job of {} octets looked whole; {}", connection.octets.len(), site.log());
    }
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 1000, "the original is never touched");
}

#[test]
fn a_shell_that_captures_the_output_does_not_wait_for_the_print_process() {
    let site = started();
    let file = site.document("d", &text("captured", 500));
    let mut shell = Command::new("sh");
    site.dress(&mut shell);
    shell
        .arg("-c")
        .arg("id=$(\"$1\" -d office.front \"$2\" 2>&1); echo \"[$id]\"; exec 2>&1; \"$3\" 'DEV LP1' | cat >/dev/null");
    shell.arg("sh").arg(crate::support::program("pdpr")).arg(&file).arg(crate::support::program("spoolcom"));
    // Nothing may hold the pipes: neither ours nor that of the shell.
    let outcome = finish(shell.spawn().unwrap(), Duration::from_secs(30)).expect(0);
    assert_eq!(outcome.out, "[]\n", "pdpr is silent");
    site.wait_until_empty();
}

#[test]
fn a_closed_terminal_does_not_end_the_print_process() {
    let site = Site::new();
    site.declare();
    let printer = Sink::new(Mode::Normal);
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START");
    printer.pause(true);
    let file = site.document("d", &stream("terminal", 5_000));
    let terminal = nix::pty::openpty(None, None).unwrap();
    let mut command = site.submission("office.slow", "terminal", &file);
    command.stdin(terminal.slave.try_clone().unwrap()).stdout(terminal.slave.try_clone().unwrap());
    command.stderr(terminal.slave);
    let mut child = command.spawn().unwrap();
    // The command keeps copies of the terminal; ours go with it.
    drop(command);
    assert!(child.wait().unwrap().success());
    printer.wait_for("a connection", |connections| !connections.is_empty());
    let printing = site.fastp();
    assert!(printing.is_some());
    drop(terminal.master);
    printer.pause(false);
    site.wait_until_empty();
    let octets = printer.connections().into_iter().flat_map(|connection| connection.octets).collect::<Vec<_>>();
    assert_eq!(take_apart(&octets).complete, ["terminal"]);
}

#[test]
fn a_server_directory_without_its_spool_is_refused_and_nothing_is_created_anew() {
    let site = started();
    site.stop();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(site.base().join(format!("spool.db{suffix}")));
    }
    let file = site.document("d", b"x\n");
    site.run("spoolcom", &["PRINT $SPLA, FILE fastp"]).expect(3).says("spool.db");
    site.submit("office.front", "t", &file).expect(3);
    site.run("pdls", &["-U", "-F"]).expect(3);
    assert!(!site.base().join("spool.db").exists());
}

#[test]
fn a_spool_that_was_replaced_by_another_is_refused() {
    let site = started();
    let other = started();
    site.stop();
    other.stop();
    for suffix in ["-wal", "-shm", ""] {
        let name = format!("spool.db{suffix}");
        let _ = std::fs::remove_file(site.base().join(&name));
        if other.base().join(&name).exists() {
            std::fs::copy(other.base().join(&name), site.base().join(&name)).unwrap();
        }
    }
    let file = site.document("d", b"x\n");
    site.submit("office.front", "t", &file).expect(3).says("another spool");
    assert!(site.print_files().is_empty());
}

#[test]
fn a_newer_schema_is_refused() {
    let site = started();
    site.stop();
    let db = rusqlite::Connection::open(site.paths().database()).unwrap();
    db.execute_batch("PRAGMA user_version = 1000").unwrap();
    drop(db);
    let file = site.document("d", b"x\n");
    site.submit("office.front", "t", &file).expect(3).says("newer");
    site.run("pdls", &["-U", "-F"]).expect(3).says("newer");
    site.run("spoolcom", &["DEV"]).expect(3).says("newer");
    assert!(site.print_files().is_empty());
}
