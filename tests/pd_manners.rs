//! The pd commands in scripts: what they leave alone, what they keep, and what they say instead of doing it silently.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::documents::text;
use crate::support::{DEADLINE, Site, finish, program};

fn waiting(names: &[&str]) -> Site {
    let site = Site::new();
    site.declare();
    for name in names {
        let file = site.document(name, &text(name, 200));
        site.submit("office.front", name, &file).expect(0);
    }
    site
}

#[test]
fn why_a_job_was_removed_stays_in_its_log() {
    let mut site = waiting(&["a", "b"]);
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    site.run("pdrm", &["-m", "wrong paper", "1"]).expect(0);
    site.run("pdrm", &["2"]).expect(0);
    let log = site.run("pdls", &["--history", "-r", "log", "1"]).expect(0).out;
    assert!(log.lines().any(|line| line.contains("deleted") && line.contains("wrong paper")), "{log}");
    let log = site.run("pdls", &["--history", "-r", "log", "2"]).expect(0).out;
    assert!(log.contains("deleted") && !log.contains("wrong paper"), "{log}");
    let long = "x".repeat(5000);
    site.run("pdrm", &["-m", &long, "1"]).expect(2);
}

#[test]
fn pdrm_in_a_loop_leaves_its_input_to_the_loop() {
    let site = waiting(&["a", "b", "c"]);
    let script =
        format!("printf '1\\n2\\n3\\n' | while read n; do echo \"now $n\"; \"{}\" $n; done", program("pdrm").display());
    let run = |confirm: Option<&str>| {
        let mut command = Command::new("sh");
        site.dress(&mut command);
        // A session of its own has no terminal that could be asked.
        command.arg("-c").arg(format!("exec setsid sh -c '{}'", script.replace('\'', "'\\''")));
        if let Some(word) = confirm {
            command.env("PD_CONFIRM_DELETE", word);
        }
        finish(command.spawn().unwrap(), DEADLINE)
    };
    let ran = run(None);
    assert_eq!(ran.out, "now 1\nnow 2\nnow 3\n", "{ran:#?}");
    assert_eq!(ran.err.matches("nobody confirmed it").count(), 3, "{ran:#?}");
    assert_eq!(site.jobs().len(), 3);
    let ran = run(Some("no"));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("now 1\nnow 2\nnow 3\n", ""));
    assert!(site.jobs().is_empty());
    // What comes through a pipe is no answer.
    let site = waiting(&["d"]);
    let mut child = site.command("pdrm").arg("1").stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"y\n");
    finish(child, DEADLINE).expect(1);
}

#[test]
fn copies_that_stand_after_the_last_file_are_not_lost_in_silence() {
    let site = waiting(&[]);
    let file = site.document("f", &text("f", 200));
    let file = file.to_str().unwrap();
    let flags = site.document("flags", b"-n 3\n");
    let flags = flags.to_str().unwrap();
    for (words, unused) in [
        (vec!["-d", "office.front", file, "-n", "3"], true),
        (vec!["-d", "office.front", file, "-x", "copy-count=3"], true),
        (vec!["-d", "office.front", file, "-Z", flags], true),
        (vec!["-d", "office.front", "-n", "3", file], false),
        (vec!["-d", "office.front", "-n", "3", file, "-n", "3"], false),
        (vec!["-d", "office.front", "-n", "3", file, "-t", "after"], false),
    ] {
        let ran = site.run("pdpr", &words).expect(0);
        assert_eq!(
            ran.err.contains("copy-count=3 stands after the last file and was not used"),
            unused,
            "{words:?}: {ran:#?}"
        );
        assert_eq!(ran.out, "");
    }
    let copies: Vec<_> = site.jobs().iter().map(|job| job["documents"][0]["copy-count"].clone()).collect();
    assert_eq!(copies, [1, 1, 1, 3, 3, 3].map(serde_json::Value::from), "{:#?}", site.jobs());
}

#[test]
fn a_server_stands_for_all_of_its_objects() {
    let site = waiting(&[]);
    let server = site.run("pdls", &["-c", "server", "-g", "-r", "server-name", "-s", "column"]).expect(0).out;
    let server = server.trim();
    for class in ["destination", "queue", "server"] {
        let all = site.run("pdls", &["-c", class]).expect(0);
        for named in [server.to_owned(), format!("{server}:"), server.to_uppercase()] {
            assert_eq!(site.run("pdls", &["-c", class, &named]).expect(0).out, all.out, "{class} {named}");
        }
    }
    site.run("pdls", &["-c", "destination", "nowhere"]).expect(1);
    // An object of that name goes first.
    site.spoolcom(&format!("DEV {server}, PROCESS $SPLA, URI null:"));
    let one =
        site.run("pdls", &["-c", "destination", "-g", "-r", "destination-name", "-s", "column", server]).expect(0).out;
    assert_eq!(one.lines().count(), 1, "{one}");
}

#[test]
fn a_shortened_name_is_ambiguous_only_among_what_can_be_given_to_a_job() {
    let site = waiting(&["d"]);
    site.run("pdmod", &["-x", "j-n=ledger", "1"]).expect(0);
    for words in [&["-r", "j-n", "1"][..], &["-r", "j-n", "-U", "-f", "j-n==ledger"], &["-r", "job-name", "1"]] {
        let ran = site.run("pdls", words).expect(0);
        assert!(ran.out.contains("job-name = ledger") || ran.out.contains("ledger"), "{words:?}: {ran:#?}");
        assert!(!ran.out.contains("job-number"), "{words:?}: {ran:#?}");
    }
    assert!(site.run("pdls", &["-r", "job-number", "1"]).expect(0).out.contains("job-number = 1"));
}
