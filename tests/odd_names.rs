//! Something else lies where the spool has a lock, a socket or a mark: a directory, a link to nowhere, a FIFO, a device,
//! somebody else's file. Every program ends, and works or says what lies there and what can be done; nothing that lies there
//! is removed; and after `pdfsck --repair` all is well.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use serde_json::Value;

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Outcome, Site, finish, finish_unless};
use crate::unrecorded::shows;

/// What lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    Dangling,
    Fifo,
    Device,
    Foreign,
}

impl Kind {
    /// Puts it there. False where we may not.
    fn put(self, path: &Path) -> bool {
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_dir_all(path);
        match self {
            Self::Directory => std::fs::create_dir(path).and_then(|()| std::fs::write(path.join("mine"), "x")).unwrap(),
            Self::Dangling => symlink("/nowhere/at/all", path).unwrap(),
            Self::Fifo => nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap(),
            Self::Device => return mknod(path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 7)).is_ok(),
            Self::Foreign => {
                drop(File::create(path).unwrap());
                return std::os::unix::fs::chown(path, Some(65534), Some(65534)).is_ok();
            }
        }
        true
    }

    fn says(self) -> &'static str {
        match self {
            Self::Directory => "is a directory",
            Self::Dangling => "is a symbolic link",
            Self::Fifo => "is a FIFO",
            Self::Device => "is a device",
            Self::Foreign => "belongs to user",
        }
    }
}

/// Every name of the spool that could be something else.
fn names(site: &Site) -> Vec<PathBuf> {
    let (base, process) = (site.paths(), "SPLA".parse().unwrap());
    vec![
        base.write_lock(),
        base.spool_lock(),
        base.submission_lock(),
        base.keeper_lock(),
        base.server_lock(),
        base.process_lock(&process),
        base.process_socket(&process),
        base.submission_socket(),
        base.keeper_socket(),
        base.ballast(),
        base.progress(&process),
        base.trouble(&process),
        base.log(),
        site.server_dir().join(".spool-id"),
        site.server_dir().join(".generation"),
    ]
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn waiting() -> Site {
    let site = Site::new();
    site.declare();
    site.submit("office.front", "one", &site.document("one", &text("one", 300))).expect(0);
    drop(site.stop());
    site
}

/// Whatever it does, it ends; and if it does not work it says what lies there and the cure.
fn works_or_tells(site: &Site, kind: Kind, path: &Path, program: &str, arguments: &[&str]) -> Outcome {
    let child = site.command(program).args(arguments).spawn().unwrap();
    let id = child.id();
    // Where it stands is told by the kernel, and by its log.
    let stuck = || {
        let of = |path: String| std::fs::read_to_string(path).unwrap_or_default();
        for task in std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
            let (name, place) = (task.path().join("comm"), task.path().join("syscall"));
            eprintln!("{}{}", of(name.display().to_string()), of(place.display().to_string()));
        }
        eprintln!("{kind:?} at {}: {program} {arguments:?}: {}", path.display(), site.log());
        true
    };
    let outcome = finish_unless(child, DEADLINE, stuck);
    let told = [name(path), kind.says(), "pdfsck --repair"].iter().all(|word| outcome.err.contains(word));
    assert!(outcome.status == 0 || told, "{kind:?} at {}: {program} {arguments:?}: {outcome:#?}", path.display());
    outcome
}

fn findings(site: &Site, flags: &[&str]) -> (i32, Vec<(String, String)>) {
    let outcome = site.run("pdfsck", &[&["--json"], flags].concat());
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let found = report["findings"].as_array().unwrap().iter();
    (outcome.status, found.map(|f| (word(&f["code"]), word(&f["object"]))).collect())
}

/// The row of the table for one kind: every name, and every program.
fn row(kind: Kind) {
    for n in 0..names(&waiting()).len() {
        let site = waiting();
        let path = names(&site).swap_remove(n);
        if !kind.put(&path) {
            eprintln!("SKIPPED: {kind:?} cannot be made here");
            return;
        }
        let there = path.symlink_metadata().map(|meta| meta.file_type()).ok();
        let document = site.document("two", &text("two", 300));
        let base = site.base().to_str().unwrap();
        for (program, arguments) in [
            ("pdls", &["-U"][..]),
            ("pdq", &["-d", "office.front"]),
            ("spoolcom", &["DEV; PRINT; SPOOLER; JOB 1, WHY"]),
            ("pdpr", &["-d", "office.front", document.to_str().unwrap()]),
            ("spoolcom", &["DEV $LP1, START"]),
        ] {
            works_or_tells(&site, kind, &path, program, arguments);
        }
        if path == site.paths().keeper_lock() {
            works_or_tells(&site, kind, &path, "spoolcom", &["--foreground", "SPOOLER, START"]).expect(1);
        }
        // If it does not print, WHY knows why.
        let prints =
            || take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete.contains(&"one".to_owned());
        let says = |outcome: Outcome| outcome.out + &outcome.err;
        shows(&site, "it prints or says why", || {
            prints() || {
                let why = says(site.run("spoolcom", &["JOB 1, WHY"]));
                let started = says(site.run("spoolcom", &["DEV $LP1, START"]));
                // A spool into which nothing can be written tells whoever changes something.
                [why, started].iter().any(|said| said.contains(name(&path)) && said.contains("pdfsck --repair"))
            }
        });
        // One that somebody starts himself. Not sooner: it would be the one that tries again and again, which does not end.
        works_or_tells(&site, kind, &path, "fastp", &["--base", base, "--process", "SPLA", "--idle", "0"]);
        // Whoever listens replaces what can be removed, and a log may be anybody's.
        let replaced = name(&path).ends_with(".sock") && kind != Kind::Directory;
        let is_right = replaced || (path == site.paths().log() && kind == Kind::Foreign);
        if is_right {
            assert!(!findings(&site, &[]).1.iter().any(|(code, _)| code == "wrong-kind"));
        } else {
            assert_eq!(path.symlink_metadata().ok().map(|now| now.file_type()), there, "it is not removed");
            let (status, found) = findings(&site, &[]);
            let wanted = vec![("wrong-kind".to_owned(), path.display().to_string())];
            assert_eq!((status, found), (1, wanted), "{kind:?} at {}", path.display());
        }
        let (_, found) = findings(&site, &["--repair"]);
        let aside = path.parent().unwrap().join("corrupt").join(name(&path));
        assert_eq!(aside.symlink_metadata().is_ok(), !is_right, "{kind:?} at {}: {found:?}", path.display());
        // With everything at its place again all prints.
        site.start("LP1");
        site.spoolcom("PRINT $SPLA, START");
        site.wait_until_empty();
        assert!(prints());
        let (_, found) = findings(&site, &[]);
        assert!(!found.iter().any(|(code, _)| code == "wrong-kind"), "{found:?}");
    }
}

#[test]
fn a_directory_in_the_place_of_a_lock_a_socket_or_a_mark() {
    row(Kind::Directory);
}

#[test]
fn a_link_to_nowhere_in_the_place_of_a_lock_a_socket_or_a_mark() {
    row(Kind::Dangling);
}

#[test]
fn a_fifo_in_the_place_of_a_lock_a_socket_or_a_mark() {
    row(Kind::Fifo);
}

#[test]
fn a_device_in_the_place_of_a_lock_a_socket_or_a_mark() {
    row(Kind::Device);
}

#[test]
fn somebody_elses_file_in_the_place_of_a_lock_a_socket_or_a_mark() {
    row(Kind::Foreign);
}

#[test]
fn something_else_in_the_place_of_run_or_of_the_lock_of_a_creation() {
    for kind in [Kind::Dangling, Kind::Fifo] {
        let site = waiting();
        let run = site.paths().run();
        std::fs::remove_dir_all(&run).unwrap();
        kind.put(&run);
        for (program, arguments) in [("pdls", &["-U"][..]), ("spoolcom", &["DEV $LP1, START"])] {
            let refused = works_or_tells(&site, kind, &run, program, arguments);
            assert_eq!(refused.status, 3, "{kind:?}: {refused:#?}");
        }
        assert_eq!(findings(&site, &[]), (1, vec![("wrong-kind".to_owned(), run.display().to_string())]));
        assert_eq!(findings(&site, &["--repair"]).0, 0);
        site.start("LP1");
        site.wait_until_empty();
    }
    let none = Site::new();
    std::fs::create_dir_all(none.paths().run()).unwrap();
    let lock = none.paths().run().join("create.lock");
    Kind::Fifo.put(&lock);
    works_or_tells(&none, Kind::Fifo, &lock, "spoolcom", &["PRINT $SPLA, FILE fastp"]).expect(3);
    std::fs::remove_file(&lock).unwrap();
    none.declare();
}

#[test]
fn a_gate_that_becomes_something_else_under_a_living_process_is_said_and_printing_goes_on_when_it_is_gone() {
    let site = Site::new();
    site.declare();
    site.start("LP1");
    let process = site.start_with_submission_socket("600", &[]);
    let gate = site.paths().write_lock();
    std::fs::remove_file(&gate).unwrap();
    Kind::Fifo.put(&gate);
    let document = site.document("one", &text("one", 300));
    site.submit("office.front", "one", &document).expect(1).says("is a FIFO").says("pdfsck --repair");
    assert_eq!(findings(&site, &["--repair"]).0, 0);
    site.submit("office.front", "one", &document).expect(0);
    site.wait_until_empty();
    assert!(site.fastp().is_some_and(|pid| pid.as_raw().cast_unsigned() == process.id()), "it lives");
    drop(site.stop());
    finish(process, DEADLINE);
}
