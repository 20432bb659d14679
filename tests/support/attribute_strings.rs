//! What holds for every text that is given as an attribute string, an attributes file or a filter of a `pd` command. Shared by
//! the tests and the fuzz target.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;

use spoolsuite::commands::pd::verbs;
use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::model::printable::is_harmful;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::spool::interface::operations::{Carrier, Operations, Reply, Request};

/// A spool that has nothing.
struct Nothing;

impl Carrier for Nothing {
    fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
        Err(Failure::new(FailureKind::NotFound, format!("{} finds nothing", request.name())))
    }
}

/// Runs one of the commands with these words in `dir`. Returns how it ends, and what it says.
fn run(program: &str, words: &[OsString], dir: &Path) -> (Exit, String, String) {
    let mut open = |_: Option<&str>, _: Intent| -> Result<Box<dyn Operations>, Failure> { Ok(Box::new(Nothing)) };
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), std::io::empty());
    let mut shell = Shell::of_script(
        (&mut out, &mut err, &mut input),
        &|_| None,
        (dir.to_path_buf(), 1_795_251_976_000),
        &mut open,
    );
    let exit = match program {
        "pdls" => verbs::pdls::run(words, &mut shell),
        "pdmod" => verbs::pdmod::run(words, &mut shell),
        "pdset" => verbs::pdset::run(words, &mut shell),
        "pdcreate" => verbs::pdcreate::run(words, &mut shell),
        "pdpr" => verbs::pdpr::run(words, &mut shell),
        other => unreachable!("{other} is no command of these"),
    };
    let text = |octets| String::from_utf8(octets).expect("what is said is UTF-8");
    (exit, text(out), text(err))
}

/// Gives `octets` in every way there is: panics when a command does, when something is done of what it was given, or when what it
/// says breaks a line or hides.
pub fn holds(octets: &[u8], dir: &Path) {
    let text = String::from_utf8_lossy(octets).into_owned();
    let file = dir.join("given.att");
    std::fs::write(&file, octets).expect("the file is written");
    let given = |flag: &str, value: &str| vec![OsString::from(flag), OsString::from(value)];
    let with = |mut words: Vec<OsString>, more: &[&str]| {
        words.extend(more.iter().map(OsString::from));
        words
    };
    let path = file.to_str().expect("a plain name");
    for (program, words) in [
        ("pdls", given("-f", &text)),
        ("pdls", with(given("-f", &text), &["-c", "destination"])),
        ("pdls", given("-x", &text)),
        ("pdls", given("-r", &text)),
        ("pdls", with(given("-X", path), &["-c", "queue"])),
        ("pdmod", with(given("-x", &text), &["7"])),
        ("pdmod", with(given("-X", path), &["7"])),
        ("pdset", with(given("-x", &text), &["ad"])),
        ("pdset", with(given("-x", &text), &["-c", "server", "acme1"])),
        ("pdcreate", with(given("-X", path), &["-c", "initial-value-job", "acme1:x"])),
        ("pdcreate", with(given("-x", &text), &["-c", "queue", "acme1:x"])),
        ("pdpr", with(given("-x", &text), &["-d", "ld", "nothing.txt"])),
        ("pdpr", with(given("-X", path), &["-d", "ld", "nothing.txt"])),
    ] {
        let (exit, out, err) = run(program, &words, dir);
        for (stream, said) in [("out", &out), ("err", &err)] {
            let harmful = said.chars().find(|c| *c != '\n' && is_harmful(*c));
            assert_eq!(harmful, None, "{program} {words:?}: {stream} {said:?}");
        }
        if exit != Exit::Done {
            assert!(err.starts_with(&format!("{program}: ")), "{program} {words:?}: {err:?}");
            // A line of clap's own begins with its words; what was given never begins one.
            let known = |line: &str| {
                let begins = |part: &str| line.starts_with(part);
                line.is_empty()
                    || begins(&format!("{program}: "))
                    || begins("  ")
                    || begins("Usage:")
                    || begins("For more")
            };
            assert!(err.lines().all(known), "{program} {words:?}: {err:?}");
        }
    }
}
