//! What the incumbents were attacked with, tried on the real programs: docs/cve-lessons.md says which mistake of theirs each
//! test answers.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use spoolsuite::sys::socket;
use spoolsuite::sys::watch::Watch;

use crate::support::{DEADLINE, Site, finish, number};

/// Everything below a directory, with its permissions.
fn everything(dir: &Path) -> BTreeSet<(PathBuf, u32)> {
    let mut found = BTreeSet::new();
    let mut left = vec![dir.to_owned()];
    while let Some(path) = left.pop() {
        // What a print process removes meanwhile is not there any more.
        let Ok(kind) = fs::symlink_metadata(&path) else { continue };
        if kind.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.insert((path, kind.permissions().mode() & 0o7777));
    }
    found
}

/// Names that lead elsewhere, run something, or mean something to a formatter, where a name is taken for more than a name.
fn names(site: &Site) -> Vec<String> {
    let marked = site.files.path().join("marked").display().to_string();
    let database = site.paths().database().display().to_string();
    let mut names = Vec::new();
    for up in ["../", "../../", "../../../../../../", "./", "/", "//", "..\\", "%2e%2e%2f", "file:///", "rss:///../"] {
        for target in ["spool.db", "run/write.lock", "etc/passwd", ".spool-id", "job.cache"] {
            names.push(format!("{up}{target}"));
        }
    }
    names.push(database);
    for run in
        ["`touch {}`", "$(touch {})", "; touch {} ;", "| touch {}", "& touch {} &", "\n/bin/touch {}\n", "' touch {} '"]
    {
        names.push(run.replace("{}", &marked));
    }
    for text in [
        "%n%n%n%n",
        "%s%s%s",
        "{0}{1}",
        "\u{1b}[2J",
        "\u{1b}%-12345X@PJL",
        "\r\n\r\n",
        "a\tb",
        "\u{202e}gnp.exe",
        "-rf",
        "--help",
    ] {
        names.push(text.to_owned());
    }
    names.push("x".repeat(4000));
    names
}

#[test]
fn a_name_is_never_a_path_a_command_or_a_format() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let file = site.document("d", b"one line\n");
    let around = site.base().parent().unwrap().to_owned();
    let beside =
        |path: &Path| everything(path).into_iter().map(|one| one.0).filter(|path| !path.starts_with(site.base()));
    let before: Vec<PathBuf> =
        beside(&around).chain(beside(site.files.path())).filter(|path| *path != site.sink()).collect();
    let names = names(&site);
    let mut accepted = 0;
    for name in &names {
        // As the title of a job, which takes any text that fits on a line or is told why not.
        let outcome = site.submit("office.front", name, &file);
        assert!([0, 1, 2].contains(&outcome.status), "{name:?}: {outcome:#?}");
        accepted += usize::from(outcome.status == 0);
        // As a destination, which there is not.
        let mut command = site.command("pdpr");
        let outcome = finish(command.arg(format!("--destination={name}")).arg(&file).spawn().unwrap(), DEADLINE);
        assert!([1, 2].contains(&outcome.status), "{name:?}: {outcome:#?}");
        // As the name of a device and of a location, inside the quotation of SPOOLCOM.
        let outcome = site.run("spoolcom", &["--", "DEV", name, ",", "DELETE"]);
        assert!([1, 2].contains(&outcome.status), "{name:?}: {outcome:#?}");
    }
    assert!(accepted > names.len() / 2, "most titles are texts: {accepted} of {}", names.len());
    site.wait_until_empty();
    let printed = fs::read_to_string(site.sink()).unwrap();
    assert_eq!(printed.matches("one line\n").count(), accepted);
    let after: Vec<PathBuf> =
        beside(&around).chain(beside(site.files.path())).filter(|path| *path != site.sink()).collect();
    assert_eq!(before, after);
    // In the spool lie what it makes itself and nothing that has a name from outside.
    site.spoolcom("SPOOLER, START");
    site.wait_for_no_print_files();
    assert_eq!(
        site.run("pdls", &["--history", "-U", "-r", "job-name", "--json"]).expect(0).out.matches("job-name").count(),
        accepted
    );
}

#[test]
fn what_a_spool_makes_is_its_users_alone_whatever_the_umask() {
    let site = Site::new();
    let open = |program: &str, args: &[&str]| {
        let mut command = site.command(program);
        command.args(args);
        in_the_open(&mut command);
        finish(command.spawn().unwrap(), DEADLINE).expect(0)
    };
    open(
        "spoolcom",
        &[
            "PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:, HEADER OFF; LOC #A.B, DEV $LP1; LOC #A.PARK, DEV NONE",
        ],
    );
    open("spoolcom", &["SPOOLER, START"]);
    let file = site.document("d", b"secret\n");
    let file = file.to_str().unwrap();
    open("pdpr", &["-d", "a.park", file]);
    open("pdpr", &["-d", "a.park", "-l", file]);
    open("pdpr", &["-d", "a.b", file]);
    site.wait_for("the job is printed", || site.jobs().len() == 2);
    let theirs: Vec<_> = everything(site.base())
        .into_iter()
        .filter(|(path, mode)| mode & 0o077 != 0 && !path.is_symlink())
        .map(|(path, mode)| format!("{mode:o} {}", path.display()))
        .collect();
    assert!(theirs.is_empty(), "{theirs:#?}");
    assert!(everything(site.base()).len() > 10);
}

/// Lets a program run with a umask that keeps nothing from anybody.
fn in_the_open(command: &mut std::process::Command) {
    let program = command.get_program().to_owned();
    let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let envs: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg("umask 0; exec \"$0\" \"$@\"").arg(program).args(args);
    for (name, value) in envs {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    *command = shell;
}

#[test]
fn connections_that_break_off_leave_no_descriptor() {
    let site = Site::new();
    site.declare();
    site.spoolcom("LOC #OFFICE.PARK, DEV NONE");
    let mut process = site.start_with_submission_socket("600", &[]);
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().count();
    let file = site.document("d", b"x\n");
    site.submit("office.park", "before", &file).expect(0);
    let before = descriptors();
    // Nothing, half a header, a foreign header, one that announces the most, and one whose body is no JSON.
    let mut most = *b"SPW\x01\x01\x00\x00\x00\x00\x80\x00\x00";
    let starts: [&[u8]; 5] = [b"", b"SPW\x01", b"GET / HTTP/1.0\r\n\r\n", &most.clone(), &{
        most[9..].copy_from_slice(&[0, 0, 3]);
        [&most[..], b"{{{"].concat()
    }];
    for n in 0..number("ABORTS", 3000) {
        // A full queue of connections is an answer, too.
        let Ok(mut stream) = socket::connect(&site.paths().submission_socket()) else { continue };
        let _ = stream.write_all(starts[usize::try_from(n).unwrap() % starts.len()]);
    }
    let end = Instant::now() + DEADLINE;
    let watch = Watch::new(&site.paths().run()).unwrap();
    while descriptors() > before {
        assert!(Instant::now() < end, "{} descriptors, {before} before: {}", descriptors(), site.log());
        watch.wait(Duration::from_millis(100)).unwrap();
    }
    site.submit("office.park", "after", &file).expect(0);
    assert_eq!(site.jobs().len(), 2);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_number_out_of_its_range_is_refused_wherever_one_is_taken() {
    let site = Site::new();
    site.declare();
    let file = site.document("d", b"x\n");
    let before = site.run("spoolcom", &["DEV $LP1, STATUS DETAIL"]).expect(0).out;
    let numbers =
        ["-9223372036854775809", "-9223372036854775808", "-2147483649", "-32769", "4294967296", "18446744073709551616"];
    for number in numbers {
        for attribute in ["copy-count", "job-priority", "job-copy-count"] {
            let outcome = site
                .run("pdpr", &["-d", "office.front", "-x", &format!("{attribute}={number}"), file.to_str().unwrap()]);
            assert_eq!(outcome.status, 2, "{attribute}={number}: {outcome:#?}");
        }
        let outcome = site.run("pdpr", &["-d", "office.front", "-n", number, file.to_str().unwrap()]);
        assert_eq!(outcome.status, 2, "-n {number}: {outcome:#?}");
        for subcommand in ["PARM", "SPEED", "WIDTH", "RETRY", "TIMEOUT", "RESTART"] {
            let outcome = site.run("spoolcom", &[&format!("DEV $LP1, {subcommand} {number}")]);
            assert_eq!(outcome.status, 2, "{subcommand} {number}: {outcome:#?}");
        }
        for command in
            [format!("JOB {number}, HOLD"), format!("JOB 1, COPIES {number}"), format!("JOB 1, SELPRI {number}")]
        {
            let outcome = site.run("spoolcom", &[&command]);
            assert!([1, 2].contains(&outcome.status), "{command}: {outcome:#?}");
        }
        let outcome = site.run("pdrm", &[number]);
        assert!([1, 2].contains(&outcome.status), "{number}: {outcome:#?}");
    }
    assert!(site.jobs().is_empty() && site.print_files().is_empty());
    assert_eq!(site.run("spoolcom", &["DEV $LP1, STATUS DETAIL"]).expect(0).out, before);
}
