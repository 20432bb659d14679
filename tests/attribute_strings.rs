//! Attribute strings, attributes files and filters of the `pd` commands: any text is read or refused, and what is carried is
//! carried exactly and breaks no line.

#[path = "support/attribute_strings.rs"]
mod invariants;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use spoolsuite::commands::pd::verbs;
use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::model::Failure;
use spoolsuite::model::printable::is_harmful;
use spoolsuite::model::time::Moment;
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody};
use spoolsuite::sys::users;

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/attributes");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 20);
    for file in files {
        invariants::holds(&std::fs::read(file).unwrap(), dir.path());
    }
}

/// Texts that look like what is given, with mistakes.
fn given() -> impl Strategy<Value = String> {
    let names = "job-name|job-hold|copy-count|j-na|sides|submission-time|filter|attributes|class|notification-profile|page-select";
    let marks = "=|==|\\+=|-=|=\\*|\\*=|\\*=\\*|==\\*|~=|>|<|&&|\\|\\||!|\\(|\\)|\\{|\\}|'|\"|#|\\\\#|:|,| |\n|\t";
    let values = "true|2|1:30|0:500|'two words'|10:00:00 11/28/26|ann@h1|\u{202e}|\u{1b}\\[2J|\u{0}|é|x{1,40}";
    let part = prop_oneof![3 => names, 5 => marks, 3 => values, 1 => ".{0,8}"];
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_and_breaks_no_line(text in given()) {
        let dir = tempfile::tempdir().unwrap();
        invariants::holds(text.as_bytes(), dir.path());
    }

    #[test]
    fn any_octets_are_read_or_refused_and_break_no_line(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        invariants::holds(&octets, dir.path());
    }
}

fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "test".into() }
}

/// Runs a command in this process on the spool of `dir`: a command line of a shell cannot be as long as a value may be.
fn run(dir: &Path, program: &str, words: &[&str]) -> (Exit, String, String) {
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), std::io::empty());
    let base = dir.join("base");
    let mut open_it = |_: Option<&str>, _: Intent| -> Result<Box<dyn Operations>, Failure> {
        let spool = open(&Base::new(base.clone()), Access::Create { server: "acme1".parse()?, now: clock() })?;
        Ok(Box::new(Local::new(spool, users::caller(), clock, Arc::new(Nobody))) as Box<dyn Operations>)
    };
    let mut shell = Shell::of_script(
        (&mut out, &mut err, &mut input),
        &|name| (name == "PD_CONFIRM_DELETE").then(|| OsString::from("no")),
        (dir.to_path_buf(), clock().wall_ms),
        &mut open_it,
    );
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let exit = match program {
        "pdpr" => verbs::pdpr::run(&words, &mut shell),
        "pdls" => verbs::pdls::run(&words, &mut shell),
        "pdcreate" => verbs::pdcreate::run(&words, &mut shell),
        "pdset" => verbs::pdset::run(&words, &mut shell),
        "pdenable" => verbs::pdenable::run(&words, &mut shell),
        "pdrm" => verbs::pdrm::run(&words, &mut shell),
        other => unreachable!("{other} is no command of these"),
    };
    let text = |octets| String::from_utf8(octets).expect("what is said is UTF-8");
    (exit, text(out), text(err))
}

/// Two hundred names and values that are paths, commands and formats, that break lines, hide, turn the writing round, or are too long.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for up in ["../", "../../", "/", "//", "./", "..\\", "~/", "%2e%2e/", "file:///", "\\\\host\\"] {
        for target in ["spool.db", "etc/passwd", "run/write.lock", ".spool-id", "a b"] {
            all.push(format!("{up}{target}"));
        }
    }
    // Every control character in the middle, and those of the second half of Latin-1.
    let controls = (0u32..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32);
    all.extend(controls.map(|c| format!("A{c}B")));
    for mark in [
        '\u{200e}',
        '\u{200f}',
        '\u{61c}',
        '\u{202a}',
        '\u{202b}',
        '\u{202c}',
        '\u{202d}',
        '\u{202e}',
        '\u{2066}',
        '\u{2067}',
        '\u{2068}',
        '\u{2069}',
        '\u{200b}',
        '\u{feff}',
        '\u{2028}',
        '\u{2029}',
        '\u{2060}',
        '\u{fff9}',
        '\u{fffd}',
        '\u{e000}',
        '\u{10ffff}',
        '\u{301}',
    ] {
        all.push(format!("A{mark}B"));
        all.push(mark.to_string());
    }
    for text in [
        "",
        " ",
        "  a",
        "a  ",
        ".",
        "..",
        "-",
        "--",
        "-rf",
        "--help",
        "-x",
        "*",
        "?",
        "*:",
        "acme1:",
        ":",
        "a:b",
        "#a.b",
        "$a",
        "\\#",
        "#",
        "%n%s",
        "{}",
        "{0}",
        "a=b",
        "a==b",
        "a&&b",
        "(a)",
        "!a",
        "`id`",
        "$(id)",
        "; id",
        "| id",
        "NULL",
        "' OR 1=1",
        "\"",
        "a\tb",
        "CON",
        "nul",
        "0",
        "7",
        "0815",
        "1021904417",
        "1.2",
        "true",
        "none",
        "all",
        "brief",
        "日本語",
        "é",
        "ﷺ",
        "👩‍👩‍👧",
    ] {
        all.push(text.to_owned());
    }
    for n in [63, 64, 65, 255, 256, 4095, 4096, 65_536, 1 << 20] {
        all.push("x".repeat(n));
    }
    all.push("\u{202e}".repeat(1 << 18));
    all.push(format!("{}\n", "y".repeat(300)));
    assert!(all.len() >= 200, "{}", all.len());
    all
}

#[track_caller]
fn harmless(what: &str, (_, out, err): &(Exit, String, String)) {
    for said in [out, err] {
        let found = said.chars().find(|c| *c != '\n' && is_harmful(*c));
        assert_eq!(found, None, "{}", what.escape_debug());
    }
}

#[test]
fn two_hundred_hostile_names_are_refused_or_carried_exactly_and_break_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("a.txt"), "one\n").unwrap();
    let done = |program: &str, words: &[&str]| {
        let said = run(dir, program, words);
        assert_eq!(said.0, Exit::Done, "{program} {words:?}: {}", said.2);
        said
    };
    done("pdcreate", &["-c", "queue", "acme1:q"]);
    done("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]);
    done("pdenable", &["ld"]);
    let (mut carried, mut refused) = (0, 0);
    for (n, value) in hostile().into_iter().enumerate() {
        let quoted = |name: &str| format!("{name}='{value}'");
        // As texts of a job: its name, its comment, its owner.
        let mut ways: Vec<(&str, Vec<String>)> = vec![("job-name", vec!["-t".to_owned(), value.clone()])];
        if !value.contains('\'') {
            let name = ["job-comment", "job-owner", "destination-pass-through"][n % 3];
            ways.push((name, vec!["-x".to_owned(), quoted(name)]));
        }
        for (name, way) in ways {
            let words: Vec<&str> = ["-d", "ld", "-r", "job-client-id", "-s", "line"]
                .into_iter()
                .chain(way.iter().map(String::as_str))
                .chain(["a.txt"])
                .collect();
            let said = run(dir, "pdpr", &words);
            harmless(&value, &said);
            if said.0 != Exit::Done {
                refused += 1;
                assert!(said.2.starts_with("pdpr: "), "{}", said.2);
                continue;
            }
            carried += 1;
            let id = said.1.trim().rsplit(" = ").next().unwrap().to_owned();
            let shown = done("pdls", &["--json", "-r", name, &id]);
            let all: serde_json::Value = serde_json::from_str(&shown.1).unwrap();
            let kept = all[0][name].as_str().unwrap_or_default();
            // A title that is nothing, or has what no line can have, is written as one line; everything else is what was given.
            if name == "job-name" {
                assert!(
                    kept == value || value.is_empty() || value.trim() != value || value.chars().any(is_harmful),
                    "{name} {}: {}",
                    value.escape_debug(),
                    kept.escape_debug()
                );
            } else {
                assert_eq!(kept, value, "{name}");
            }
            for style in ["line", "column"] {
                let shown = done("pdls", &["-g", "-j", "-s", style, "-r", name, &id]);
                harmless(&value, &shown);
                assert!(shown.1.lines().count() <= 1, "{name} {style}: {:?}", shown.1);
            }
            let selected = run(dir, "pdls", &["-f", &format!("{name}=='{value}'"), &id]);
            harmless(&value, &selected);
            done("pdrm", &["-r", "0", &id]);
        }
        // As the name of an object, of a job, and of what is to be shown or fulfilled.
        let (named, described) = (format!("acme1:{value}"), quoted("descriptor"));
        let of: [(&str, &[&str]); 9] = [
            ("pdcreate", &["-c", "initial-value-job", &named]),
            ("pdcreate", &["-c", "queue", &named]),
            ("pdls", &["-c", "destination", &value]),
            ("pdls", &[&value]),
            ("pdls", &["-r", &value]),
            ("pdls", &["-f", &value]),
            ("pdpr", &["-d", &value, "a.txt"]),
            ("pdpr", &["-d", "ld", &value]),
            ("pdset", &["-x", &described, "ld"]),
        ];
        for (program, words) in of {
            harmless(&value, &run(dir, program, words));
        }
    }
    // Whatever came to be there is listed, a line each.
    for class in ["queue", "initial-value-job", "destination"] {
        let names =
            done("pdls", &["-c", class, "-g", "-s", "column", "-r", "associated-server", "acme1:"]).1.lines().count();
        let shown = done("pdls", &["-c", class, "--json", "acme1:"]).1;
        let all: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(all.as_array().map(Vec::len), Some(names), "{class}");
    }
    assert!(carried > 100 && refused > 50, "{carried} carried, {refused} refused");
}
