//! Managers of groups, with real accounts: names of users and groups as the system has them.

use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::support::{ANN, BOB, Machine, OPERATOR};

/// The manager of another group.
const EVE: u32 = 47_140;
/// Of no group but his own.
const DAN: u32 = 47_150;

/// Gives this thread and its children more accounts, which nobody else sees. Returns whether that could be done.
fn accounts(dir: &Path) -> bool {
    let users = [
        format!("ann:x:{ANN}:47201::/:/bin/false"),
        format!("bob:x:{BOB}:{BOB}::/:/bin/false"),
        format!("eve:x:{EVE}:{EVE}::/:/bin/false"),
        format!("dan:x:{DAN}:{DAN}::/:/bin/false"),
    ];
    let groups = [
        "sales:x:47201:".to_owned(),
        "sales-managers:x:47202:bob".to_owned(),
        "legal:x:47203:ann,dan".to_owned(),
        "stores-managers:x:47204:eve".to_owned(),
    ];
    let private = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>));
    let made = [("passwd", &users), ("group", &groups)].into_iter().fold(private, |made, (name, lines)| {
        let (ours, theirs) = (dir.join(name), Path::new("/etc").join(name));
        let text = std::fs::read_to_string(&theirs).unwrap();
        std::fs::write(&ours, format!("{}\n{}\n", text.trim_end(), lines.join("\n"))).unwrap();
        made.and_then(|()| mount(Some(&ours), &theirs, None::<&str>, MsFlags::MS_BIND, None::<&str>))
    });
    if let Err(error) = &made {
        eprintln!("SKIPPED: there are no accounts of the test's own ({error}); run this test as root");
    }
    made.is_ok()
}

#[test]
fn a_manager_handles_the_jobs_of_his_group_while_the_spooler_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let Some(machine) = Machine::prepared(|_| accounts(dir.path())) else { return };
    machine.declare();
    let submits = |title: &str| {
        let file = machine.file(ANN, title, &format!("{title}\n"), 0o600);
        machine.run(ANN, "pdpr", &["-d", "office.front", "-t", title, &file]).expect(0);
    };
    let may = |uid: u32, command: &str| {
        let ran = machine.run(uid, "spoolcom", &[command]);
        assert!(ran.status == 0 || ran.err.contains("SECURITY"), "{command}: {ran:#?}");
        ran.status == 0
    };
    let sees = |uid: u32| machine.run(uid, "pdls", &["-U", "-r", "job-name", "-g"]).expect(0).out.contains("Salaries");
    submits("Salaries");

    // Nobody manages anything before that is switched on.
    for uid in [BOB, EVE, DAN] {
        assert!(!may(uid, "JOB 1, HOLD") && !sees(uid), "{uid}");
    }
    machine.run(BOB, "spoolcom", &["SPOOLER, MGRACCESS ON"]).expect(1).says("SECURITY");
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, MGRACCESS ON"]).expect(0);
    assert!(sees(BOB));
    assert!(may(BOB, "JOB 1, HOLD") && may(BOB, "JOB 1, COPIES 2") && may(BOB, "JOB 1, START"));
    assert!(may(BOB, "JOB 1, HOLD"));
    // As the owner may: a priority above the usual one, and the devices, are the operators'.
    assert!(!may(BOB, "JOB 1, SELPRI 7") && !may(BOB, "DEV LP1, START") && !may(BOB, "SPOOLER, DRAIN"));
    // A manager of another group, and a member of a group of which the owner is one too, are nobody special.
    for uid in [EVE, DAN] {
        assert!(!may(uid, "JOB 1, HOLD") && !may(uid, "JOB 1, DELETE") && !sees(uid), "{uid}");
    }
    let log = machine.log();
    assert!(log.contains("refused job to eve (47140): job 1: the job belongs to another user"), "{log}");

    machine.run(OPERATOR, "spoolcom", &["SPOOLER, MGRACCESS OFF"]).expect(0);
    assert!(!may(BOB, "JOB 1, DELETE") && !sees(BOB));
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, MGRACCESS"]).expect(0);
    assert!(may(BOB, "JOB 1, DELETE"), "without ON or OFF it is on");
}

#[test]
fn who_is_a_manager_is_asked_of_the_system_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let Some(machine) = Machine::prepared(|_| accounts(dir.path())) else { return };
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["SPOOLER, MGRACCESS ON"]).expect(0);
    let file = machine.file(ANN, "letter", "letter\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", &file]).expect(0);
    machine.run(BOB, "spoolcom", &["JOB 1, HOLD"]).expect(0);
    // He leaves the group of managers, and eve comes in.
    let group = dir.path().join("group");
    let text = std::fs::read_to_string(&group).unwrap();
    std::fs::write(&group, text.replace("sales-managers:x:47202:bob", "sales-managers:x:47202:eve")).unwrap();
    machine.wait_for("eve is a manager", || machine.run(EVE, "spoolcom", &["JOB 1, START"]).status == 0);
    machine.wait_for("bob is none any more", || machine.run(BOB, "spoolcom", &["JOB 1, HOLD"]).status != 0);
}
