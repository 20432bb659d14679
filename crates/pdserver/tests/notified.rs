//! Notifications of a server: whose rights count, and who may name a file or a program.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{ANN, Machine, OPERATOR, SERVER};

/// A program that everybody may run and that notes its arguments beside it.
fn script(dir: &Path, name: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, "#!/bin/sh\necho \"$(id -u) $*\" >> \"$0.out\"\n").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[test]
fn only_operators_name_files_and_programs_and_only_where_the_administrator_says() {
    let Some(mut machine) = Machine::new() else { return };
    machine.stop();
    let exits = machine.path("paper/exits");
    std::fs::create_dir(&exits).unwrap();
    std::fs::set_permissions(&exits, PermissionsExt::from_mode(0o777)).unwrap();
    let mail = script(&exits, "sendmail");
    let done = script(&exits, "done");
    let elsewhere = script(&machine.path("paper"), "elsewhere");
    machine.start_with(&[("PD_EXIT_DIR", &exits), ("PD_SENDMAIL", &mail)]);
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let file = machine.file(ANN, "letter", "hello\n", 0o600);
    let submit = |user: u32, profile: String| {
        let given = format!("notification-profile={profile}");
        machine.run(user, "pdpr", &["-d", "OFFICE.FRONT", "-x", &given, &file])
    };
    let exit = |program: &Path| format!("{{delivery-method=exit delivery-address={}}}", program.display());
    // A user: neither a program nor a file, wherever it is, nor the terminal of another.
    let refused = submit(ANN, exit(&done)).expect(1);
    assert!(refused.err.contains("only operators may use it"), "{refused:?}");
    for profile in [
        exit(&elsewhere),
        "{delivery-method=file delivery-address=/tmp/notes}".to_owned(),
        "{delivery-method=file-add-to delivery-address=$DATA.SPOOL.NOTES}".to_owned(),
        "{delivery-method=message delivery-address=root}".to_owned(),
    ] {
        submit(ANN, profile).expect(1);
    }
    // An operator: where the administrator says.
    let set = |profile: String| {
        let given = format!("notification-profile={profile}");
        machine.run(OPERATOR, "pdset", &["-c", "queue", "-x", &given, "OFFICE"])
    };
    let refused = set(exit(&elsewhere)).expect(1);
    assert!(refused.err.contains("exit programs lie in"), "{refused:?}");
    set("{delivery-method=file delivery-address=/tmp/notes}".to_owned()).expect(1);
    let both = format!(
        "{{event-identifiers=job-completed delivery-method=exit delivery-address={}}} \
         {{event-identifiers=job-completed delivery-method=file-add-to delivery-address=$DATA.SPOOL.NOTES}}",
        done.display()
    );
    set(both).expect(0);
    // A user gets mail; the rest is the operators' business.
    submit(ANN, "{delivery-method=email delivery-address=ann@mail.example}".to_owned()).expect(0);
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    machine.wait_for("the exit program has run", || read(exits.join("done.out")).contains(" 280 5010-280 Printed: "));
    machine.wait_for("the mail was sent", || read(exits.join("sendmail.out")).contains("-i -- ann@mail.example"));
    let notes = machine.path("base/guardian/data/spool/notes");
    machine.wait_for("the file was written", || read(notes.clone()).contains("5010-280 Printed: "));
    let server = SERVER.to_string();
    assert!(read(exits.join("done.out")).starts_with(&server), "it has the rights of the server and no more");
}

#[test]
fn a_program_that_an_operator_named_runs_no_more_when_the_administrator_takes_its_directory_away() {
    let Some(mut machine) = Machine::new() else { return };
    machine.stop();
    let exits = machine.path("paper/exits");
    std::fs::create_dir(&exits).unwrap();
    std::fs::set_permissions(&exits, PermissionsExt::from_mode(0o777)).unwrap();
    let done = script(&exits, "done");
    machine.start_with(&[("PD_EXIT_DIR", &exits)]);
    machine.declare();
    let given = |word: &str| {
        let address = format!("delivery-address='{} {word}'", done.display());
        format!("notification-profile={{event-identifiers=job-completed delivery-method=exit {address}}}")
    };
    machine.run(OPERATOR, "pdset", &["-c", "queue", "-x", &given("queue"), "OFFICE"]).expect(0);
    // What a default job gives was judged by the rights of whoever made it: those of the submitter do not count.
    let named = machine.run(OPERATOR, "pdls", &["-c", "server", "-g", "-s", "column", "-r", "server-name"]).expect(0);
    let default = format!("{}:told", named.out.trim());
    machine.run(OPERATOR, "pdcreate", &["-c", "initial-value-job", "-x", &given("job"), &default]).expect(0);
    let default = "destination-initial-value-job=told";
    machine.run(OPERATOR, "pdset", &["-c", "destination", "-x", default, "OFFICE.FRONT"]).expect(0);
    let file = machine.file(ANN, "letter", "hello\n", 0o600);
    machine.run(ANN, "pdpr", &["-d", "OFFICE.FRONT", &file]).expect(0);
    let refused = machine.run(ANN, "pdpr", &["-d", "OFFICE.FRONT", "-x", &given("own"), &file]).expect(1);
    assert!(refused.err.contains("only operators may use it"), "{refused:?}");
    machine.stop();
    machine.start_with(&[]);
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let log = || machine.run(OPERATOR, "pdls", &["--history", "-U", "-r", "log"]).out;
    // That of the queue and that of the job.
    machine.wait_for("both are given up", || log().matches("this server runs no exit programs").count() == 2);
    assert!(!exits.join("done.out").exists(), "{:?}", std::fs::read_to_string(exits.join("done.out")));
}
