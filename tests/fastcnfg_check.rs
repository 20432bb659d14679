//! `fastp --check`: what each print process would find, each mistake with its place, and an exit status that says which
//! it was.

use std::path::Path;

use crate::support::{DEADLINE, Outcome, Site, finish};

fn check(site: &Site, args: &[&str]) -> Outcome {
    site.run("fastp", args)
}

/// Writes a file and returns its path.
fn file(site: &Site, name: &str, text: &str) -> String {
    site.document(name, text.as_bytes()).to_str().unwrap().to_owned()
}

#[test]
fn a_good_file_is_listed_and_ends_with_0() {
    let site = Site::new();
    let lab = file(&site, "lab", "DEVICE $LAB1 CONTYPE = FILE PATH = /var/spool/lab1 TIMEOUT = 30\n");
    let primary = file(
        &site,
        "FASTCNFG",
        &format!(
            "SPOOLER $SPL2 FASTCNFG = lab\nDEVICE $LP1 CONTYPE = TCP/IP ADDRESS = laser PORT = 9100 SHADOW = {lab}\n"
        ),
    );
    let outcome = check(&site, &["--check", &primary]).expect(0);
    let listing = format!(
        "SPOOLER $SPL2: {lab}\n  $LAB1            file:///var/spool/lab1, TIMEOUT 30 s  (line 1)\n\
         every other SPOOLER: {primary}\n  $LP1             socket://laser:9100, POLLINT 1 s, POLLNUM 10  (line 2)\n"
    );
    assert_eq!(outcome.out, listing);
    assert_eq!(outcome.err, format!("{primary}:2:58: note: SHADOW has no effect in this version\n"));
}

#[test]
fn every_mistake_is_told_with_its_place_and_its_remedy() {
    let site = Site::new();
    let primary = file(
        &site,
        "FASTCNFG",
        "DEVICE $LP1 CONTYPE = TCP/IP ADRESS = laser PORT = 9100\nDEVICE $LP2 CONTYPE = NONE TIMEOUT = ever\n\
         SPOOLER $S FASTCNFG = gone\n",
    );
    let gone = Path::new(&primary).with_file_name("gone");
    let outcome = check(&site, &["--check", &primary]).expect(1);
    let told = format!(
        "{primary}:1:30: there is no attribute 'ADRESS'\n  hint: did you mean ADDRESS?\n\
         {primary}:2:38: TIMEOUT is a number from 0 to 2147483647, not 'ever'\n\
         {primary}:3:23: the file {}: there is no such file\n",
        gone.display()
    );
    assert_eq!(outcome.err, told);
    assert!(outcome.out.contains("$LP1             cannot be used"), "{}", outcome.out);
}

#[test]
fn the_file_is_that_of_the_spool_unless_it_is_named() {
    let site = Site::new();
    site.declare();
    let in_base = site.base().join("FASTCNFG");
    check(&site, &["--check"]).expect(3).says("there is no such file");
    std::fs::write(&in_base, "DEVICE $IN.#BASE CONTYPE = NONE").unwrap();
    assert!(check(&site, &["--check"]).expect(0).out.contains("$IN.#BASE"));
    let base = site.base().to_str().unwrap();
    let mut elsewhere = site.command("fastp");
    let outcome = finish(elsewhere.env_remove("PDBASE").args(["--check", "--base", base]).spawn().unwrap(), DEADLINE);
    assert!(outcome.expect(0).out.contains("$IN.#BASE"));
    // The server's own name is that of the node.
    let server = site.server_dir().file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(&in_base, format!("DEVICE $A CONTYPE = NONE DEVICE \\{server}.$A CONTYPE = NONE")).unwrap();
    check(&site, &["--check"]).expect(1).says("has a second entry");
    let named = file(&site, "named", "");
    assert!(check(&site, &["--check", &named]).expect(0).out.contains("no devices"));
    let mut variable = site.command("fastp");
    let outcome = finish(variable.env("FASTCNFG", &named).arg("--check").spawn().unwrap(), DEADLINE);
    assert!(outcome.expect(0).out.contains(&named));
}

#[test]
fn what_cannot_be_read_and_wrong_words_have_statuses_of_their_own() {
    let site = Site::new();
    let dir = site.files.path().to_str().unwrap();
    for unread in [dir, "/dev/zero", "/no/such/file"] {
        let outcome = check(&site, &["--check", unread]).expect(3);
        assert!(outcome.out.is_empty(), "{outcome:?}");
    }
    for words in
        [&["--check", dir, "--process", "SPLA"][..], &["--check", dir, "--idle", "1"], &["--process", "SPLA"], &[]]
    {
        let outcome = check(&site, words).expect(2);
        assert!(outcome.out.is_empty(), "{outcome:?}");
    }
    let mut nowhere = site.command("fastp");
    finish(nowhere.env_remove("PDBASE").arg("--check").spawn().unwrap(), DEADLINE).expect(2).says("needs a file");
}

#[test]
fn a_file_full_of_mistakes_is_told_in_part_with_how_many_there_are() {
    let site = Site::new();
    let primary = file(&site, "FASTCNFG", &"DEVICE $A CONTYPE = NONE DELAY = 1\n".repeat(1000));
    let outcome = check(&site, &["--check", &primary]).expect(1);
    assert_eq!(outcome.err.lines().filter(|line| line.contains("has a second entry")).count(), 100);
    assert_eq!(outcome.err.lines().filter(|line| line.contains("note: DELAY")).count(), 100);
    assert!(outcome.err.ends_with("… and 899 more mistakes\n… and 900 more notes\n"), "{}", outcome.err);
    assert_eq!(outcome.out.lines().filter(|line| line.contains("cannot be used")).count(), 1000);
}
