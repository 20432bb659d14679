//! Whose circumstances a print process works in: known ones, and not those of whoever typed the first command.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::support::nobody::OfNobody;
use crate::support::{DEADLINE, Site, finish, program};

/// The names of the variables of a process.
fn variables(pid: nix::unistd::Pid) -> BTreeSet<String> {
    let octets = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let text = String::from_utf8_lossy(&octets).into_owned();
    text.split('\0').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}

/// A field of `/proc/PID/status`.
fn status(pid: nix::unistd::Pid, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().to_owned()
}

#[test]
fn a_print_process_has_nothing_of_the_environment_umask_and_nice_of_its_starter() {
    let mut site = Site::new();
    site.env.push(("PD_FASTP_IDLE", "60"));
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let file = site.document("x", b"x\n");
    let mut command = Command::new("sh");
    site.dress(&mut command);
    command
        .args(["-c", "umask 0; ulimit -S -c 0; exec nice -n 7 \"$0\" \"$@\""])
        .arg(program("pdpr"))
        .args(["-d", "office.front"])
        .arg(&file)
        .envs([("TZ", "Pacific/Kiritimati"), ("LANG", "de_DE.UTF-8"), ("LD_DEBUG", "none"), ("SECRET", "x")]);
    site.fastp_ends(DEADLINE);
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    site.wait_until_empty();
    let pid = site.fastp().unwrap();
    let expected = ["PDBASE", "PD_FASTP_IDLE"].map(str::to_owned);
    assert_eq!(variables(pid), BTreeSet::from(expected));
    assert_eq!(status(pid, "Umask"), "0077");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), std::path::Path::new("/"));
    let nice = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let nice = nice.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().to_owned();
    let shown = site.run("spoolcom", &["PRINT $SPLA, STATUS DETAIL"]).expect(0).out;
    match nix::unistd::geteuid().is_root() {
        true => assert!(nice == "0" && !shown.contains("NICE"), "{nice}: {shown}"),
        false => assert!(nice == "7" && shown.contains("NICE 7"), "{nice}: {shown}"),
    }
}

/// What PRINT shows of the circumstances, and how often the process was started.
fn shown(theirs: &OfNobody) -> (String, String) {
    let text = finish(theirs.start("spoolcom", &["PRINT $SPLA, STATUS DETAIL"]), DEADLINE).expect(0).out;
    let value = |label: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label} in {text}")).trim_start_matches(':').trim().to_owned()
    };
    (value("CIRCUMSTANCES"), value("STARTED"))
}

#[test]
fn what_cannot_be_taken_back_is_shown_and_the_next_command_with_better_circumstances_replaces_an_idle_process() {
    let Some(mut theirs) = OfNobody::new() else { return };
    theirs.site.env.push(("PD_FASTP_IDLE", "600"));
    theirs.spoolcom("SPOOLER, START");
    let file = theirs.file("d", "x\n", 0o644);
    let poor = |what: &str| {
        let mut command = theirs.command("sh");
        let own = theirs.command("pdpr").get_program().to_owned();
        let mut shell = Command::new("sh");
        std::mem::swap(&mut command, &mut shell);
        theirs.site.dress(&mut command);
        use std::os::unix::process::CommandExt;
        command.env("HOME", "/nonexistent").uid(65534).gid(65534).current_dir("/");
        command.args(["-c", &format!("{what} \"$0\" \"$@\"")]).arg(own).args(["-d", "a.b"]).arg(&file);
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
    };
    let rich = || {
        finish(theirs.command("pdpr").args(["-d", "a.b"]).arg(&file).spawn().unwrap(), DEADLINE).expect(0);
    };
    let printed = || {
        theirs.site.wait_for("everything is printed", || {
            finish(theirs.start("pdls", &["-U", "-r", "job-name"]), DEADLINE).out.trim().is_empty()
        });
    };
    for (what, words) in [
        ("exec nice -n 10", "NICE 10"),
        ("ulimit -f 20000; exec", "FILE SIZE AT MOST 10240000 OCTETS"),
        ("ulimit -n 300; exec", "OPEN FILES AT MOST 300"),
    ] {
        theirs.site.kill_fastp();
        poor(what);
        printed();
        let (circumstances, before) = shown(&theirs);
        assert_eq!(circumstances, words);
        // One like it does not replace it.
        poor(what);
        printed();
        assert_eq!(shown(&theirs), (words.to_owned(), before.clone()));
        rich();
        printed();
        let (circumstances, after) = shown(&theirs);
        assert_eq!(circumstances, "AS USUAL", "{}", theirs.site.log());
        assert_ne!(after, before);
        // And a poor one does not replace a rich one.
        poor(what);
        printed();
        assert_eq!(shown(&theirs), ("AS USUAL".to_owned(), after));
    }
}

#[test]
fn the_path_of_fastcnfg_is_kept_in_the_spool_and_not_in_the_environment_of_a_process() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    site.spoolcom("DEV $LP1, PROCESS $SPLA, RETRY 1, HEADER OFF; LOC #OFFICE.FRONT, DEV $LP1");
    let entry = |name: &str| {
        let text = format!("DEVICE $LP1 CONTYPE = FILE PATH = {}\n", site.files.path().join(name).display());
        site.document(&format!("{name}.cnf"), text.as_bytes())
    };
    let (one, two) = (entry("one"), entry("two"));
    let with = |path: &str, command: &str| {
        let mut spoolcom = site.command("spoolcom");
        finish(spoolcom.env("FASTCNFG", path).arg(command).spawn().unwrap(), DEADLINE)
    };
    let file = site.document("x", b"x\n");
    let print = || {
        site.submit("office.front", "x", &file).expect(0);
        site.wait_until_empty();
    };
    let shown = || site.run("spoolcom", &["SPOOLER, STATUS DETAIL"]).expect(0).out;
    // A display changes nothing; a command that changes something has said it for everybody.
    with(one.to_str().unwrap(), "DEV").expect(0);
    assert!(shown().contains(&format!("FASTCNFG: {}", site.base().join("FASTCNFG").display())), "{}", shown());
    with(one.to_str().unwrap(), "DEV $LP1, START").expect(0);
    assert!(shown().contains(&format!("FASTCNFG: {}", one.display())), "{}", shown());
    site.fastp_ends(DEADLINE);
    print();
    assert_eq!(fs::read(site.files.path().join("one")).unwrap(), b"x\n");
    site.spoolcom(&format!("SPOOLER, FASTCNFG {}", two.display()));
    print();
    assert_eq!(fs::read(site.files.path().join("two")).unwrap(), b"x\n");
    let checked = finish(site.command("fastp").arg("--check").spawn().unwrap(), DEADLINE).expect(0);
    assert!(checked.out.contains("two"), "{checked:#?}");
    site.spoolcom("SPOOLER, FASTCNFG NONE");
    assert!(shown().contains(&format!("FASTCNFG: {}", site.base().join("FASTCNFG").display())));
}
