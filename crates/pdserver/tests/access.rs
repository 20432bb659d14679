//! Access rules: who may do what where, as an operator says it, and how a refusal is told and logged.

use crate::support::{ANN, BOB, Machine, OPERATOR, Outcome};

/// A user of whom every machine knows the group: `daemon`.
const DAEMON: u32 = 1;

#[track_caller]
fn operator(machine: &Machine, commands: &str) -> Outcome {
    machine.run(OPERATOR, "spoolcom", &[commands]).expect(0)
}

#[track_caller]
fn submits(machine: &Machine, uid: u32, title: &str, status: i32) -> Outcome {
    let file = machine.file(uid, title, &format!("{title}\n"), 0o644);
    machine.run(uid, "pdpr", &["-d", "office.front", "-t", title, &file]).expect(status)
}

#[test]
fn who_submits_is_said_by_the_most_particular_rule() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    submits(&machine, BOB, "before", 0);
    operator(&machine, &format!("LOC #OFFICE.FRONT, ACCESS SUBMIT {ANN} @daemon"));
    submits(&machine, ANN, "named", 0);
    submits(&machine, DAEMON, "group", 0);
    submits(&machine, BOB, "others", 1).says("ACCESS SUBMIT of #OFFICE.FRONT does not name you");
    submits(&machine, OPERATOR, "operator", 0);
    // A job does not get there another way either.
    operator(&machine, "LOC #OFFICE.BACK, DEV LP1");
    let file = machine.file(BOB, "moved", "moved\n", 0o644);
    machine.run(BOB, "pdpr", &["-d", "office.back", &file]).expect(0);
    machine.run(BOB, "spoolcom", &["JOB 5, HOLD; JOB 5, LOC #OFFICE.FRONT"]).expect(1).says("does not name you");
    // The rule of the group does not weaken that of the location, and that of the spooler neither.
    operator(&machine, "LOC #OFFICE, ACCESS SUBMIT *; SPOOLER, ACCESS SUBMIT *");
    submits(&machine, BOB, "still", 1);
    operator(&machine, "LOC #OFFICE.FRONT, ACCESS SUBMIT NONE");
    submits(&machine, BOB, "again", 0);
    operator(&machine, "LOC #OFFICE, ACCESS NONE; SPOOLER, ACCESS SUBMIT @daemon");
    submits(&machine, BOB, "nobody", 1).says("ACCESS SUBMIT of the spooler does not name you");
    let log = machine.log();
    let words = format!("refused submit to {BOB} ({BOB}): you may not submit there: ACCESS SUBMIT of #OFFICE.FRONT");
    assert!(log.contains(&words), "{log}");
}

#[test]
fn titles_contents_holding_and_altering_are_granted_one_by_one() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    submits(&machine, ANN, "Salaries", 0);
    let sees = |what: &str| machine.run(BOB, "pdls", &["-U", "-r", what, "-g"]).expect(0).out;
    let may = |command: &str| machine.run(BOB, "spoolcom", &[command]).status == 0;
    assert!(!sees("job-name").contains("Salaries"));

    operator(&machine, &format!("LOC #OFFICE.FRONT, ACCESS TITLES {BOB}"));
    assert!(sees("job-name").contains("Salaries"));
    assert!(!may("JOB 1, HOLD"), "seeing is not holding");
    operator(&machine, &format!("LOC #OFFICE.FRONT, ACCESS NONE; LOC #OFFICE, ACCESS HOLD {BOB}"));
    assert!(may("JOB 1, HOLD") && may("JOB 1, START") && may("JOB 1, HOLD"));
    assert!(!may("JOB 1, DELETE") && !may("JOB 1, COPIES 2"), "holding is not altering");
    assert!(sees("job-name").contains("Salaries"));
    assert!(!sees("document-content").contains("pdpr"), "{}", sees("document-content"));
    operator(&machine, &format!("DEV LP1, ACCESS CONTENT {BOB}"));
    assert!(sees("document-content").contains("/pdpr"), "{}", sees("document-content"));

    operator(&machine, &format!("SPOOLER, ACCESS ALTER {BOB}"));
    assert!(may("JOB 1, COPIES 2") && !may("JOB 1, SELPRI 7") && may("JOB 1, DELETE"));
    // The history of what was seen is seen.
    let history = machine.run(BOB, "pdls", &["--history", "-U", "-r", "job-name", "-g"]).expect(0).out;
    assert!(history.contains("Salaries"), "{history}");

    submits(&machine, ANN, "Salaries", 0);
    operator(
        &machine,
        "LOC #OFFICE, ACCESS NONE; LOC #OFFICE.FRONT, ACCESS NONE; DEV LP1, ACCESS NONE; SPOOLER, ACCESS NONE",
    );
    assert!(!sees("job-name").contains("Salaries") && !may("JOB 2, HOLD") && !may("JOB 2, DELETE"));
    let log = machine.log();
    assert!(log.contains(&format!("refused job to {BOB} ({BOB}): job 2: the job belongs to another user")), "{log}");
}

#[test]
fn an_operator_of_one_device_operates_it_and_nothing_else() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let uri = format!("file://{}", machine.path("paper/out2").display());
    operator(&machine, &format!("DEV LP2, PROCESS SPLA, URI {uri}; LOC #OFFICE.BACK, DEV LP2"));
    let may = |command: &str| machine.run(DAEMON, "spoolcom", &[command]).status == 0;
    assert!(!may("DEV LP1, START"));
    operator(&machine, "DEV LP1, ACCESS OPERATE @daemon");
    assert!(may("DEV LP1, START") && may("DEV LP1, DRAIN"));
    submits(&machine, ANN, "Salaries", 0);
    submits(&machine, ANN, "Minutes", 0);
    let seen = machine.run(DAEMON, "pdls", &["-U", "-r", "job-name", "-g"]).expect(0).out;
    assert!(seen.contains("Salaries") && seen.contains("Minutes"), "{seen}");
    assert!(
        may("JOB 1, HOLD")
            && may("JOB 1, START")
            && may("JOB 2, HOLD")
            && may("JOB 2, SELPRI 7")
            && may("JOB 2, DELETE")
    );
    for other in [
        "DEV LP2, START",
        "DEV LP1, FORM X",
        "DEV LP1, ACCESS SUBMIT @daemon",
        "DEV LP1, DELETE",
        "LOC #OFFICE.FRONT, DEV LP2",
        "SPOOLER, DRAIN",
        "SPOOLER, USERJOBS 1",
        "SPOOLER, ACCESS OPERATE @daemon",
    ] {
        let refused = machine.run(DAEMON, "spoolcom", &[other]).expect(1);
        assert!(refused.err.contains("SECURITY"), "{other}: {refused:#?}");
    }
}

#[test]
fn rules_are_shown_in_both_languages_and_go_with_their_object() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    operator(&machine, "LOC #OFFICE.FRONT, ACCESS SUBMIT ann @sales, ACCESS OPERATE bob; LOC #OFFICE, ACCESS TITLES *");
    operator(&machine, "DEV LP1, ACCESS HOLD @sales; SPOOLER, ACCESS CONTENT ann");
    // The same declaration again is no error.
    operator(&machine, "DEV LP1, ACCESS HOLD @sales");
    let shown =
        operator(&machine, "LOC #OFFICE.FRONT, STATUS DETAIL; DEV LP1, STATUS DETAIL; SPOOLER, STATUS DETAIL").out;
    for line in ["SUBMIT ann @sales; OPERATE bob", "GROUP ACCESS", "TITLES *", "HOLD @sales", "CONTENT ann"] {
        assert!(shown.contains(line), "no '{line}' in {shown}");
    }
    let all = machine.run(ANN, "pdls", &["-c", "destination", "-r", "all", "-s", "line"]).expect(0).out;
    assert!(all.contains("access") && all.contains("submit:@sales") && all.contains("hold:@sales"), "{all}");
    let queue = machine.run(ANN, "pdls", &["-c", "queue", "-r", "access", "--json"]).expect(0).out;
    assert!(queue.contains("\"titles:*\""), "{queue}");
    let server = machine.run(ANN, "pdls", &["-c", "server", "-r", "access", "-g"]).expect(0).out;
    assert!(server.contains("content:ann"), "{server}");
    let json = machine.run(ANN, "spoolcom", &["--json", "LOC #OFFICE.FRONT"]).expect(0).out;
    assert!(json.contains("\"submit:ann\"") && json.contains("\"group-access\""), "{json}");
    for wrong in ["LOC #OFFICE.FRONT, ACCESS PRINT ann", "LOC FRONT, ACCESS SUBMIT ann", "DEV LP9, ACCESS SUBMIT ann"] {
        assert_ne!(machine.run(OPERATOR, "spoolcom", &[wrong]).status, 0, "{wrong}");
    }
    let log = operator(&machine, "DEV LP1, LOG").out;
    assert!(log.contains("ACCESS HOLD @sales"), "{log}");

    operator(&machine, "LOC #OFFICE.FRONT, DELETE; LOC #OFFICE.FRONT, DEV LP1");
    let again = operator(&machine, "LOC #OFFICE.FRONT, STATUS DETAIL").out;
    assert!(!again.contains("SUBMIT ann") && !again.contains("TITLES *"), "{again}");
    machine.run_direct("pdfsck", &[]).expect(0);
}

#[test]
fn who_may_not_do_it_is_told_that_whatever_the_state() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    operator(&machine, "DEV LP1, START");
    // The state of the device forbids it too, and that is nothing to him.
    for command in ["DEV LP1, WIDTH 80", "DEV LP1, DELETE", "DEV LP1, CLEAR", "DEV LP1, SUSPEND"] {
        let refused = machine.run(BOB, "spoolcom", &[command]).expect(1).says("SECURITY COMMAND");
        assert!(!refused.err.contains("CURRENT STATE"), "{refused:?}");
        machine.run(OPERATOR, "spoolcom", &[command]).expect(1).says("INVALID OPERATION IN CURRENT STATE");
    }
}

/// A batch belongs to the owner of its jobs: nobody else looks into it, adds to it or takes it apart.
#[test]
fn a_batch_of_somebody_else_is_none() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    submits(&machine, ANN, "Salaries", 0);
    submits(&machine, BOB, "letter", 0);
    machine.run(ANN, "spoolcom", &["JOB 1, HOLD; BATCH 7, LINK 1"]).expect(0);
    machine.run(BOB, "spoolcom", &["JOB 2, HOLD"]).expect(0);
    for command in ["BATCH 7", "BATCH 7, COPIES 2", "BATCH 7, UNLINK 1", "BATCH 7, DELETE", "BATCH 7, START"] {
        machine.run(BOB, "spoolcom", &[command]).expect(1).says("cannot find batch 7");
    }
    // The number is taken, and a batch has one owner.
    machine.run(BOB, "spoolcom", &["BATCH 7, LINK 2"]).expect(1).says("another OWNER");
    machine.run(BOB, "spoolcom", &["BATCH 8, LINK 1"]).expect(1).says("SECURITY VIOLATION");
    assert!(!machine.run(BOB, "spoolcom", &["BATCH"]).expect(0).out.contains('7'));
    let theirs = machine.run(ANN, "spoolcom", &["BATCH 7"]).expect(0).out;
    assert!(theirs.contains("Salaries"), "{theirs}");
    // The operator sees and changes all of them.
    operator(&machine, "BATCH 7, COPIES 2; BATCH 8, LINK 2");
    let all = operator(&machine, "BATCH").out;
    assert!(all.contains("Salaries") && all.contains("letter"), "{all}");
}

/// OWNER is `group.user` by names, or `group,user` by numbers, of the accounts of the machine.
#[test]
fn owner_is_a_group_and_a_user_of_the_machine() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    submits(&machine, ANN, "letter", 0);
    operator(&machine, "JOB 1, HOLD; JOB 1, OWNER daemon.daemon");
    let shown = operator(&machine, "JOB 1").out;
    assert!(shown.contains(&format!("{DAEMON},{DAEMON}")), "{shown}");
    // It is his now, and no longer Ann's.
    machine.run(ANN, "spoolcom", &["JOB 1, HOLD"]).expect(1).says("JOB 1 SECURITY VIOLATION");
    machine.run(DAEMON, "spoolcom", &["JOB 1, COPIES 2"]).expect(0);
    let found = operator(&machine, "JOB (OWNER daemon.daemon), STATUS").out;
    assert!(found.contains("letter"), "{found}");
    // Nobody has this number: it is said, and done.
    let given = operator(&machine, "JOB 1, OWNER 4242,4243");
    assert!(given.err.contains("WARNING: USERID NOT DEFINED"), "{given:?}");
    assert!(operator(&machine, "JOB 1").out.contains("4242,4243"));
    machine.run(OPERATOR, "spoolcom", &["JOB 1, OWNER no.such"]).expect(1);
    assert!(operator(&machine, "JOB 1").out.contains("4242,4243"), "a refused OWNER changes nothing");
}

/// A name of another system is a file of the spool, and the spool is the server's.
#[test]
fn names_of_another_system_are_files_of_the_server() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let file = "$DATA1.OPER.LP";
    for uid in [ANN, OPERATOR] {
        machine.run(uid, "spoolcom", &[&format!("DEV LP1, STATUS / OUT {file} /")]).expect(1).says("another account");
        machine.run(uid, "spoolcom", &["--in", file]).expect(1).says("cannot read IN file");
    }
    machine.run(ANN, "spoolcom", &["SPOOLER, DUMP $DATA1.OPER.DUMP"]).expect(1).says("SECURITY COMMAND");
    machine.run(ANN, "spoolcom", &["SPOOLER, ERRLOG $DATA1.OPER.LOG"]).expect(1).says("SECURITY COMMAND");
    // The server writes these itself.
    operator(&machine, "SPOOLER, ERRLOG $DATA1.OPER.LOG; SPOOLER, DUMP $DATA1.DUMPS.ONE");
    assert!(
        machine.path("base/guardian/data1/dumps/one").exists() && machine.path("base/guardian/data1/oper/log").exists()
    );
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, DUMP /etc/spool.dump"]).expect(1).says("a server writes to no path");
}

/// A command file of an operator goes to the disk of the server with its end; what it declares is there for everybody.
#[test]
fn a_command_file_declares_on_a_served_spool() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    let mut commands = String::new();
    for n in 0..200 {
        commands.push_str(&format!("DEV D{n}, PROCESS SPLA, URI null:\nLOC #G.L{n}, DEV D{n}\n"));
    }
    commands.push_str("LOC #OFFICE.BACK, DEV LP1\nDEV LP1, START\n");
    let path = machine.file(OPERATOR, "splconf", &commands, 0o644);
    machine.run(OPERATOR, "spoolcom", &["--in", &path]).expect(0);
    assert_eq!(operator(&machine, "LOC #G").out.lines().filter(|line| line.contains("#G.L")).count(), 200);
    let file = machine.file(ANN, "letter", "a letter of Ann\n", 0o644);
    machine.run(ANN, "pdpr", &["-d", "office.back", &file]).expect(0);
    machine.wait_for("the letter is printed", || machine.paper().contains("a letter of Ann"));
    // Nobody else declares anything, in a file either.
    let refused = machine.run(BOB, "spoolcom", &["--in", &path]);
    assert_eq!(refused.status, 1);
    assert_eq!(refused.err.matches("SECURITY COMMAND").count(), 402);
}
