//! `spoolcom --check`: what it says of the commands and entries of a site is what happens when they come.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{DEADLINE, Outcome, Site, finish};

/// Judges a text without a spool.
fn judge(text: &str, json: bool) -> Outcome {
    let site = Site::new();
    let file = site.document("file", text.as_bytes());
    let mut words = vec!["--check", file.to_str().unwrap()];
    words.extend(json.then_some("--json"));
    let ran = site.run("spoolcom", &words);
    assert!(!site.base().exists(), "no spool comes into being");
    ran
}

#[test]
fn what_is_lacking_is_refused_and_what_is_not_is_carried_out() {
    for (line, verdict) in [
        ("DEV $LP1, SPEED 600, TIMEOUT 5", "runs"),
        ("DEV $LP1, CHARMAP NONE, PREXLATE OFF", "runs"),
        ("PRINT $NEW, FILE $SYSTEM.SYSTEM.FASTP", "runs"),
        ("LOC #NEW.A, DEV $LP1; LOC #NEW", "runs"),
        ("JOB (STATE PRINT), HOLD", "runs"),
        ("JOB, SUMMARY; DEV, STATUS DETAIL", "runs"),
        ("d, stat / OUT $A.B.LIST / detail", "runs"),
        ("SPOOLER, ERRLOG $A.B.LOG", "runs"),
        ("DEV $LP1, RETRY 9", "differs"),
        ("DEV $LP1, PARM %42000", "differs"),
        ("DEV $LP1, DEVTYPE LU1, CHARMAP JISKANJIKANA", "differs"),
        ("DEV $NEW, PROCESS $SPLA", "differs"),
        ("PRINT $NEW, FILE FASTPTCP, CPU 1, DEBUG", "differs"),
        ("COLLECT $NEW, DATA $A.B.C", "differs"),
        ("SPOOLER, ERRLOG $0", "differs"),
        ("DEV, STATUS / OUT $0 /", "differs"),
        ("PRINT $NEW, FILE $SYSTEM.SYSTEM.PSPOOL", "differs"),
        ("PRINT $NEW, FILE $SYSTEM.SPOOL.MINE", "lacking"),
        ("COLLECT $NEW, FILE $SYSTEM.SPOOL.MINE", "lacking"),
        ("DEV $LP1, SPEED 0", "lacking"),
        ("DEV $LP1, FROB", "lacking"),
        ("DEV $LP1, CPU 99", "lacking"),
        ("PRINT $NEW, CPU 99", "lacking"),
        ("DEV, DELETE", "lacking"),
        ("JOB, HOLD", "lacking"),
        ("JOB (STATE GONE)", "lacking"),
        ("FC", "lacking"),
        ("OBEY SPLCOLD", "lacking"),
        ("SPOOL / IN SPL, NAME $SPLS /", "lacking"),
    ] {
        let judged = judge(&format!("{line}\n"), true).expect(i32::from(verdict == "lacking"));
        let judged: Vec<Value> = serde_json::from_str(&judged.out).unwrap();
        assert!(judged.iter().all(|one| one["verdict"] == verdict), "{line}: {judged:#?}");
        let warnings: Vec<&str> = judged
            .iter()
            .flat_map(|one| one["notes"].as_array().unwrap())
            .filter_map(|note| note["warning"].as_str())
            .collect();

        let site = Site::new();
        site.declare();
        let file = site.document("file", format!("{line}\n").as_bytes());
        let ran = site.run("spoolcom", &["--in", file.to_str().unwrap()]);
        let refused = ran.err.lines().any(|line| !line.starts_with("WARNING: ") && !line.starts_with("  "));
        assert_eq!((refused, ran.status != 0), (verdict == "lacking", verdict == "lacking"), "{line}: {ran:#?}");
        let warned = ran.err.lines().filter_map(|line| line.strip_prefix("WARNING: ")?.split(' ').next());
        assert_eq!(warned.collect::<Vec<_>>(), warnings, "{line}: {ran:#?}");
    }
}

#[test]
fn the_keys_of_the_listing_are_those_of_its_page_and_its_text_is_for_people() {
    let text = "SPOOLER, DRAIN\nFROB\n";
    let judged: Vec<Value> = serde_json::from_str(&judge(text, true).expect(1).out).unwrap();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let section = page.split("## spoolcom --check\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for key in judged.iter().flat_map(|one| one.as_object().unwrap().keys()) {
        assert!(section.contains(&format!("| `{key}` |")), "{key}");
    }
    assert_eq!(section.matches("\n| `").count(), judged[0].as_object().unwrap().len() + 2, "{section}");
    let ran = judge(text, false).expect(1);
    assert!(ran.out.contains("/file:1: differs: SPOOLER, DRAIN\n    the spooler ends WARM"), "{ran:#?}");
    assert!(ran.out.contains("/file:2: lacking: FROB\n    UNKNOWN COMMAND: "), "{ran:#?}");
    assert!(ran.out.ends_with("2 judged: 0 run, 1 differ, 1 lacking\n"), "{ran:#?}");
}

#[test]
fn entries_of_fastcnfg_are_judged_with_their_lines() {
    let site = include_str!("data/nonstop/fastcnfg").replace('@', "");
    let ports: String = ["LP", "P01", "P02", "CHEQUE", "MATRIX", "LABEL"].iter().fold(site, |text, mark| {
        text.replace(&format!("PORT = {mark}"), "PORT = 9100").replace(&format!("port = {mark}"), "port = 9100")
    });
    let ran = judge(&ports, false).expect(0);
    assert!(ran.out.contains(": runs: DEVICE $LP: socket://127.0.0.1:9100"), "{ran:#?}");
    assert!(ran.out.contains("differs: DEVICE $LASER.#P01") && ran.out.contains("    DRAIN has no effect"), "{ran:#?}");
    assert!(ran.out.ends_with("6 judged: 3 run, 3 differ, 0 lacking\n"), "{ran:#?}");

    let ran = judge("DEVICE $A CONTYPE = TCP/IP-TELNET\nDEVICE $B CONTYPE = NONE\nDEVIZE $C\n", false).expect(1);
    assert!(
        ran.out.contains("file:1: lacking: DEVICE $A\n") && ran.out.contains("file:2: runs: DEVICE $B"),
        "{ran:#?}"
    );
    assert!(ran.out.contains("file:3: lacking\n"), "{ran:#?}");
}

#[test]
fn a_check_stands_alone_and_a_file_that_is_not_there_is_a_failure() {
    let site = Site::new();
    site.run("spoolcom", &["--check", "nowhere"]).expect(1).says("cannot read nowhere");
    site.run("spoolcom", &["--check", "x", "DEV"]).expect(2).says("--check stands alone");
    site.run("spoolcom", &["--check", "x", "--in", "y"]).expect(2);
    site.run("spoolcom", &["--check", ""]).expect(2).says("empty value");
}

#[test]
fn a_file_is_not_judged_into_itself_and_a_fastcnfg_file_comes_by_its_name() {
    let site = Site::new();
    let file = site.document("commands", b"! a comment\nDEV $LP, URI null:\n");
    let name = file.to_str().unwrap();
    site.run("spoolcom", &["--check", name, "--out", name]).expect(2).says("the same");
    assert_eq!(std::fs::read(&file).unwrap(), b"! a comment\nDEV $LP, URI null:\n");
    let piped = |text: &[u8]| {
        let mut child = site.command("spoolcom").args(["--check", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        finish(child, DEADLINE)
    };
    piped(b"DEVICE $LP CONTYPE = NONE\n").expect(1).says("comes by its name");
    assert!(piped(b"DEV $LP, URI null:\n").out.contains("DEV $LP, URI null:\n"));
}

#[test]
fn a_print_process_without_a_program_is_told_once() {
    let said = judge(
        "PRINT $IND, PARM 0\nPRINT $IND, PRI 9\nPRINT $A, PARM 1\nPRINT $A, FILE fastp\nPRINT $B, START\n",
        false,
    );
    assert_eq!(said.out.matches("needs FILE fastp").count(), 1, "{said:#?}");
    assert!(said.out.contains("$IND needs FILE fastp"), "{said:#?}");
}

#[test]
fn what_is_lacking_takes_with_it_what_needs_it() {
    let file = "PRINT $P, FILE $SYSTEM.SPOOL.OURS\nDEV $A, PROCESS $P, SPEED 600\nLOC #G.A, DEV $A\n\
                PRINT $Q, FILE FASTP\nDEV $B, PROCESS $Q, URI null:\nLOC #G.B, DEV $B\nDEV $A, START\nDEV $B, START\n\
                DEV $C, PROCESS $Q\nDEV $C, START\n";
    let judged = judge(file, true).expect(1);
    let judged: Vec<Value> = serde_json::from_str(&judged.out).unwrap();
    let verdicts: Vec<&str> = judged.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(
        verdicts,
        ["lacking", "lacking", "lacking", "runs", "runs", "runs", "lacking", "runs", "differs", "differs"],
        "{judged:#?}"
    );
    assert_eq!(judged[1]["notes"][0]["text"], "print process p is lacking, so this is refused", "{judged:#?}");
    assert_eq!(judged[9]["notes"][0]["text"], "START is refused while its device has no address", "{judged:#?}");
}
