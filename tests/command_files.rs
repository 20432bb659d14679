//! Command files, standard input and run options: what status 2 means, comments of any octets, lists that go on, the
//! supervisor that OPEN names, and where a display goes.

use std::io::Write;
use std::process::Stdio;

use crate::support::documents::{take_apart, text};
use crate::support::{DEADLINE, Outcome, Site, finish};

fn standard_input(site: &Site, args: &[&str], text: &[u8]) -> Outcome {
    let mut child = site.command("spoolcom").args(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    finish(child, DEADLINE)
}

fn file(site: &Site, text: &[u8]) -> Outcome {
    let path = site.document("commands", text);
    site.run("spoolcom", &["--in", path.to_str().unwrap()])
}

#[test]
fn status_2_means_that_nothing_of_a_file_was_carried_out() {
    let latin1 = b"COMMENT printers of the B\xfcro\nPRINT $SPLA, FILE fastp\nDEV $F, PROCESS $SPLA, URI null:\n\
                   LOC #Q.F, DEV $F\nDEVX $F\nSPOOLER, START\n";
    for run in [file as fn(&Site, &[u8]) -> Outcome, |site, text| standard_input(site, &[], text)] {
        let site = Site::new();
        let ran = run(&site, latin1).expect(1);
        assert_eq!(ran.err.matches("UNKNOWN COMMAND").count(), 1, "{ran:#?}");
        assert!(ran.err.contains("line 5: DEVX $F") && !ran.err.contains("UTF-8"), "{ran:#?}");
        assert!(site.spoolcom("SPOOLER; DEV").out.contains("ACTIVE"));
        // Nothing but mistakes and comments: 2, and there is still no spool of another site.
        let other = Site::new();
        run(&other, b"/* nothing\nDEVX $F\nCOMMENT x\nDEV $F, FOO\n").expect(2);
        other.run("spoolcom", &["DEV"]).expect(3);
        // What failed was carried out as far as it went.
        run(&site, b"DEVX\nDEV $NIX, START\n").expect(1);
        run(&site, b"COMMENT only\n/* comments\n\n").expect(0);
    }
}

#[test]
fn a_comment_is_never_an_error_whatever_its_octets() {
    let site = Site::new();
    site.declare();
    let mut text = b"/* \0 \x07 \xff\xfe 'open ( ;\n  COMMENT \xe4\xf6 \0 \"\ncomment\t\x1b[1m\nDEV; COMMENT B\xfcro; nothing\nCOMMENT ".to_vec();
    text.extend(vec![0xfc; 3 << 20]);
    text.extend_from_slice(b"\n/*");
    text.extend(vec![b'x'; 2 << 20]);
    text.extend_from_slice(b"\nLOC\n");
    let ran = standard_input(&site, &[], &text).expect(0);
    assert_eq!(ran.err, "");
    assert!(ran.out.contains("$LP1") && ran.out.contains("#OFFICE.FRONT"), "{ran:#?}");
    // The same octets in a command are a mistake in its place.
    let ran = standard_input(&site, &[], b"DEV $LP1, FORM B\xfcro; LOC\nDEV $LP1\0; PRINT\n").expect(1);
    assert!(
        ran.err.contains("'B\u{fffd}ro' is not a form name") && ran.err.contains("a control character"),
        "{ran:#?}"
    );
    assert!(ran.out.contains("LOCATION") && ran.out.contains("$SPLA"), "{ran:#?}");
}

#[test]
fn a_list_goes_on_after_a_command_that_was_refused_or_failed() {
    let site = Site::new();
    site.declare();
    let ran = standard_input(&site, &[], b"DEV $LP1, STRAT; DEV $NIX, START; LOC; FROB 'x; y'; PRINT\n").expect(1);
    assert!(
        ran.err.contains("UNKNOWN SUBCOMMAND")
            && ran.err.contains("ENTRY NOT FOUND")
            && ran.err.contains("UNKNOWN COMMAND"),
        "{ran:#?}"
    );
    assert!(ran.out.contains("LOCATION") && ran.out.contains("$SPLA"), "{ran:#?}");
    // A command line is checked as a whole.
    let ran = site.run("spoolcom", &["LOC; DEV $LP1, STRAT"]).expect(2);
    assert_eq!(ran.out, "");
    site.run("spoolcom", &["DEV $NIX, START; LOC"]).expect(1).says("ENTRY NOT FOUND");
}

#[test]
fn a_failed_open_leaves_no_spooler_open() {
    let site = Site::new();
    site.declare();
    let ran = standard_input(
        &site,
        &[],
        b"OPEN $OTHER\nLOC #OFFICE.FRONT, DELETE\nDEV; LOC\nCOMMENT x\nHELP OPEN\nOPEN $SPLS\nLOC\n",
    )
    .expect(3);
    assert_eq!(
        (ran.err.matches("SPOOLER OPEN ERROR 14").count(), ran.err.matches("SPOOLER NOT OPEN").count()),
        (1, 3),
        "{ran:#?}"
    );
    assert!(ran.out.contains("#OFFICE.FRONT"), "the location was not deleted: {ran:#?}");
    let ran = site.run("spoolcom", &["LOC; OPEN $OTHER; LOC #OFFICE.FRONT, DELETE; OPEN $SPLS; LOC"]).expect(3);
    assert_eq!(ran.out.matches("#OFFICE.FRONT").count(), 2, "{ran:#?}");
    // Nobody is shut out of a spool that comes into being with the first declaration.
    let new = Site::new();
    let ran = standard_input(&new, &[], b"OPEN $SPLS\nPRINT $SPLA, FILE fastp\nPRINT\n").expect(0);
    assert!(ran.err.is_empty() && ran.out.contains("$SPLA"), "{ran:#?}");
}

#[test]
fn the_node_of_this_spool_is_no_other_place() {
    let site = Site::new();
    site.declare();
    let about: serde_json::Value = serde_json::from_str(&site.spoolcom_json("SPOOLER")).unwrap();
    let node = about[0]["server"].as_str().unwrap().to_owned();
    for line in [
        format!("\\{node}.$SPLS; DEV \\{node}.$LP1, START"),
        format!("OPEN \\{node}; DEV \\{}.$lp1, SPEED 100", node.to_uppercase()),
        format!("LOC #OFFICE.BACK, DEV \\{node}.$LP1"),
        format!("DEV \\{node}.$LP1, STATUS DETAIL"),
    ] {
        site.spoolcom(&line);
    }
    site.spoolcom(&format!("DEV \\{node}.$NEW, PROCESS $SPLA, URI null:"));
    let listed = site.spoolcom("DEV").out;
    assert!(!listed.contains('\\') && listed.contains("$NEW") && listed.lines().count() == 3, "{listed}");
    assert!(site.spoolcom("LOC #OFFICE.BACK").out.contains("$LP1"));
    site.run("spoolcom", &["\\nowhere.$SPLS; DEV $LP1, DRAIN"]).expect(3).says("SPOOLER OPEN ERROR 14");
    site.run("spoolcom", &["OPEN \\nowhere; DEV $LP1, DRAIN"]).expect(3).says("SPOOLER NOT OPEN");
    assert!(site.spoolcom("DEV $LP1").out.contains("WAITING"));
    // Another node is part of the name, as before.
    site.spoolcom("DEV \\WEST.$LP1, PROCESS $SPLA, URI null:");
    assert!(site.spoolcom("DEV").out.contains("\\WEST.$LP1"));
}

#[test]
fn a_display_can_become_a_job_and_never_a_file_of_that_name() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START; LOC #OTHER.DEST, DEV $LP1");
    let cwd = site.files.path().join("empty");
    std::fs::create_dir(&cwd).unwrap();
    let run =
        |words: &[&str]| finish(site.command("spoolcom").current_dir(&cwd).args(words).spawn().unwrap(), DEADLINE);
    let mut printed = 0;
    for out in ["$S.#OFFICE.FRONT", "#OFFICE.FRONT", "$S.#OFFICE", "$LP1"] {
        let ran = run(&[&format!("DEV, STATUS / OUT {out} / DETAIL; LOC")]).expect(0);
        assert!(ran.out.starts_with("LOCATION") && ran.err.is_empty(), "{out}: {ran:#?}");
        site.wait_until_empty();
        printed += 1;
        let paper = String::from_utf8(std::fs::read(site.sink()).unwrap()).unwrap();
        assert_eq!(paper.matches("DEVICE: $LP1").count(), printed, "{out}: {paper}");
    }
    // All of a session as one job.
    run(&["/ OUT $S.#OFFICE.FRONT / DEV; LOC; PRINT"]).expect(0);
    site.wait_until_empty();
    let paper = String::from_utf8(std::fs::read(site.sink()).unwrap()).unwrap();
    assert!(paper.contains("#OTHER.DEST") && paper.contains("$SPLA "), "{paper}");
    let history = site.run("pdls", &["--history", "-U", "-F", "-g", "-r", "job-name", "-s", "column"]).expect(0).out;
    assert_eq!(history.lines().filter(|line| line.trim() == "SPOOLCOM").count(), 5, "{history}");

    let ran = run(&["DEV, STATUS / OUT $0 /"]).expect(0).says("WARNING: $0");
    assert!(ran.out.contains("$LP1"), "{ran:#?}");
    // A location that is not there yet comes into being, as routing in this language does; the output waits.
    run(&["DEV, STATUS / OUT $S.#NEW.PLACE /"]).expect(0).says("WARNING: #NEW.PLACE IS NEW");
    assert_eq!(site.jobs().len(), 1);
    run(&["DEV, STATUS / OUT $S /"]).expect(0).says("#DEFAULT.DEFAULT");
    // What names nothing shows nothing.
    for (bad, status) in [("$NOPE", 1), ("$A.B", 2), ("\\WEST.$S.#OFFICE", 1), ("$", 2)] {
        let ran = run(&[&format!("DEV, STATUS / OUT {bad} /")]).expect(status);
        assert_eq!(ran.out, "", "{bad}: {ran:#?}");
    }
    // A file of a NonStop system has its place in the spool.
    run(&["DEV, STATUS/OUT $DATA1.OPER.List/; LOC, STATUS / OUT $data1.oper.list /"]).expect(0);
    let list = std::fs::read_to_string(site.base().join("guardian/data1/oper/list")).unwrap();
    assert!(list.contains("DEVICE") && list.contains("LOCATION"), "{list}");
    assert_eq!(std::fs::read_dir(&cwd).unwrap().count(), 0, "nothing was made in the current directory");
    // A path is a path.
    run(&["DEV, STATUS / OUT ./$S.#LP /"]).expect(0);
    assert!(cwd.join("$S.#LP").exists());
}

#[test]
fn run_options_may_stand_before_everything() {
    let site = Site::new();
    site.declare();
    let cwd = site.files.path();
    let run = |words: &[&str]| finish(site.command("spoolcom").current_dir(cwd).args(words).spawn().unwrap(), DEADLINE);
    std::fs::write(cwd.join("f"), "DEV\nLOC\n").unwrap();
    for words in [&["/ IN f, OUT g /"][..], &["/", "IN", "f,", "OUT", "g", "/"], &["/in f,out g/ $SPLS"]] {
        let ran = run(words).expect(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{words:?}");
        let shown = std::fs::read_to_string(cwd.join("g")).unwrap();
        assert!(shown.contains("$LP1") && shown.contains("#OFFICE.FRONT"), "{words:?}: {shown}");
        std::fs::remove_file(cwd.join("g")).unwrap();
    }
    run(&["/ OUT g / DEV; LOC, STATUS / OUT h /"]).expect(0);
    assert!(std::fs::read_to_string(cwd.join("g")).unwrap().contains("$LP1"));
    assert!(std::fs::read_to_string(cwd.join("h")).unwrap().contains("#OFFICE.FRONT"));
    let ran = run(&["/ NAME $X, PRI 140, OUT k / DEV"]).expect(0);
    assert_eq!(ran.err.matches("WARNING: ").count(), 2, "{ran:#?}");
    // Commands in a file of a NonStop system.
    std::fs::create_dir_all(site.base().join("guardian/data1/oper")).unwrap();
    std::fs::write(site.base().join("guardian/data1/oper/splwarm"), "LOC\n").unwrap();
    assert!(run(&["/ IN $DATA1.OPER.SPLWARM /"]).expect(0).out.contains("#OFFICE.FRONT"));
    for bad in ["/ IN f", "/ IN f, IN g /", "/ FOO x / DEV", "/ IN f / DEV"] {
        run(&[bad]).expect(2);
    }
    run(&["--in", "f", "/ IN f /"]).expect(2);
}

#[test]
fn a_spooler_that_drains_takes_no_additions_and_a_warm_start_forgets_mgraccess() {
    let site = Site::new();
    let printer = crate::support::sink::Sink::new(crate::support::sink::Mode::Slow);
    site.declare();
    site.device("LP2", &printer.uri(), "OFF!");
    site.spoolcom("LOC #OFFICE.SLOW, DEV $LP2; DEV $LP2, START; SPOOLER, MGRACCESS ON");
    printer.pause(true);
    let long = site.document("long", &text("long", 4_000_000));
    site.submit("office.slow", "long", &long).expect(0);
    printer.wait_for("a connection", |connections| !connections.is_empty());
    site.spoolcom("SPOOLER, DRAIN");
    let says = "COMMAND CANNOT BE ACCOMPLISHED GIVEN CURRENT SPOOLER STATE";
    for line in ["DEV $NEW, PROCESS $SPLA", "PRINT $NEW, FILE fastp", "LOC #NEW.X, DEV $LP1", "LOC #OFFICE.NEW, DEV"] {
        site.run("spoolcom", &[line]).expect(1).says(says);
    }
    site.submit("office.front", "more", &long).expect(1).says("drain");
    // What is there is altered and repeated.
    site.spoolcom("DEV $LP1, SPEED 9; PRINT $SPLA, FILE fastp; LOC #OFFICE.FRONT, DEV $LP2");
    printer.pause(false);
    printer.set_mode(crate::support::sink::Mode::Normal);
    let state = || site.spoolcom("SPOOLER, STATUS DETAIL").out;
    site.wait_for("the spooler is warm", || state().contains("STATE: WARM"));
    assert!(state().contains("MGRACCESS: ON"));
    site.spoolcom("DEV $NEW, PROCESS $SPLA, URI null:; LOC #NEW.X, DEV $NEW");
    site.spoolcom("SPOOLER, START");
    assert!(state().contains("MGRACCESS: OFF"));
    site.spoolcom("SPOOLER, MGRACCESS ON; SPOOLER, START");
    assert!(state().contains("MGRACCESS: ON"), "a spooler that is active is not started warm");
}

#[test]
fn spooler_start_leaves_what_dev_start_would_refuse_and_says_so() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; PRINT $GONE, FILE fastp; DEV $BARE, PROCESS $SPLA; DEV $LOST, PROCESS $GONE, URI null:; DEV $NONE, URI null:; DEV $GOOD, PROCESS $SPLA, URI null:; PRINT $GONE, DELETE");
    let ran = site.spoolcom("SPOOLER, START");
    for (device, lacks) in [("BARE", "has no address"), ("LOST", "$GONE"), ("NONE", "has no print process")] {
        assert!(
            ran.err.lines().any(|line| line.starts_with("WARNING: NOT STARTED: ") && line.contains(lacks)),
            "{device}: {ran:#?}"
        );
        assert!(site.spoolcom(&format!("DEV ${device}")).out.contains("OFFLINE"), "{device}");
    }
    assert_eq!(ran.err.matches("WARNING").count(), 3, "{ran:#?}");
    assert!(site.spoolcom("DEV $GOOD").out.contains("WAITING"));
}

#[test]
fn an_owner_keeps_the_group_that_was_typed() {
    let site = Site::new();
    site.declare();
    let file = site.document("a", &text("a", 100));
    site.submit("office.front", "a", &file).expect(0);
    for (line, owner) in [("OWNER 8,21", "8,21"), ("OWNER 300,400", "300,400"), ("OWNER 301,400", "301,400")] {
        site.spoolcom(&format!("JOB 1, HOLD, {line}"));
        let shown = site.spoolcom("JOB 1, STATUS DETAIL").out;
        assert!(shown.contains(&format!(" OWNER: {owner} ")), "{line}: {shown}");
    }
    assert!(take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete.is_empty());
}

#[test]
fn what_stands_before_the_subcommand_that_is_refused_holds_and_that_one_is_named() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:; LOC #A.B, DEV $LP1");
    let refused = |commands: &str| site.run("spoolcom", &[commands]).expect(1).err;
    let said = refused("DEV $LP1, SPEED 300, FORM ABC, PROCESS $NO, WIDTH 40");
    assert!(said.starts_with("ENTRY NOT FOUND\n  DEV $LP1, PROCESS $NO: "), "{said}");
    let detail = site.spoolcom("DEV $LP1, STATUS DETAIL").out;
    assert!(detail.contains(" SPEED: 300\n") && detail.contains(" FORM: ABC\n"), "{detail}");
    assert!(detail.contains(" WIDTH: -1\n"), "nothing behind it is carried out: {detail}");
    // The same of jobs, one or several.
    let file = site.document("letter", b"letter\n");
    site.run("pdpr", &["-d", "a.b", file.to_str().unwrap()]).expect(0);
    let said = refused("JOB 1, HOLD, COPIES 2, REPORT MINE, LOC NOWHERE, SELPRI 3");
    assert!(said.contains("JOB 1, LOC NOWHERE: "), "{said}");
    let job = site.spoolcom("JOB 1, STATUS DETAIL").out;
    assert!(job.contains(" COPIES: 2\n") && job.contains(" REPORT: MINE\n") && job.contains(" SELPRI: 4\n"), "{job}");
    let said = refused("JOB (STATE HOLD), COPIES 3, LOC NOWHERE");
    assert!(said.contains("LOC NOWHERE"), "{said}");
    assert!(site.spoolcom("JOB 1, STATUS DETAIL").out.contains(" COPIES: 3\n"));
    // A new object comes into being by what is accepted.
    refused("PRINT $NEW, PARM 3, FILE /bin/sh");
    assert!(site.spoolcom("PRINT $NEW, STATUS DETAIL").out.contains(" PARM: 3"));
    refused("DEV $NEW, PROCESS $NO, SPEED 300");
    refused("DEV $NEW");
}

#[test]
fn a_node_before_a_name_is_the_own_one_and_out_that_is_refused_leaves_nothing() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; COLLECT $S, FILE CSPOOL; SPOOLER, START");
    let about: serde_json::Value = serde_json::from_str(&site.spoolcom_json("SPOOLER")).unwrap();
    let about = about.get(0).unwrap_or(&about);
    let node = about["server"].as_str().unwrap().to_owned();
    for command in
        ["COLLECT \\NODE.$S", "PRINT \\NODE.$SPLA", "JOB (COLLECT \\NODE.$S)", "DEV $LP1, PROCESS \\NODE.$SPLA"]
    {
        site.run("spoolcom", &[&command.replace("NODE", &node)]).expect(0);
        let refused = site.run("spoolcom", &[&command.replace("NODE", "ELSEWHERE")]).expect(1).err;
        assert!(refused.contains("cannot find system \\ELSEWHERE"), "{command}: {refused}");
    }
    for command in ["DEV, STATUS / OUT $NOSUCH.#X /", "/ OUT $NOSUCH.#Y.Z / DEV"] {
        let refused = site.run("spoolcom", &[command]);
        assert!(refused.status != 0 && !refused.err.contains("IS NEW"), "{command}: {refused:#?}");
    }
    assert_eq!(site.spoolcom_json("LOC").trim(), "[]");
}

#[test]
fn hints_are_for_a_terminal_and_for_who_wants_them() {
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
    let out = site.files.path().join("out");
    let said = |hints: &str| {
        let mut command = site.command("spoolcom");
        command.env("PD_HINTS", hints).arg("--out").arg(&out).arg("DEV $NONE");
        finish(command.spawn().unwrap(), DEADLINE).expect(1).err
    };
    assert!(said("always").contains("\n  hint: "));
    let quiet = said("");
    assert!(quiet.starts_with("ENTRY NOT FOUND\n  DEV $NONE") && !quiet.contains("hint"), "{quiet}");
    let out = std::fs::read_to_string(out).unwrap();
    assert!(out.contains("ENTRY NOT FOUND") && !out.contains("hint"), "{out}");
}

#[test]
fn help_knows_the_qualifiers_and_fc_takes_commas() {
    let site = Site::new();
    let help = site.run("spoolcom", &["HELP JOB"]).expect(0).out;
    for word in ["COLLECT name", "DATE [FROM time] [THRU time]", "STATE state"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(site.run("spoolcom", &["HELP JOB DATE"]).expect(0).out.starts_with("JOB (DATE "));
    let refused = site.run("spoolcom", &["FC DEV $C, START"]).expect(2).err;
    assert!(refused.contains("FC edits a command at the prompt"), "{refused}");
}
