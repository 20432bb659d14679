//! The line of each job that has left the spool, as text, as JSON and in the journal.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use serde_json::Value;

use crate::support::{ANN, Machine, OPERATOR, SERVER};

fn print(machine: &Machine, tag: &str, text: &str) {
    let file = machine.file(ANN, tag, text, 0o600);
    machine.run(ANN, "pdpr", &["-d", "office.front", "-t", tag, &file]).expect(0);
}

fn jobs(machine: &Machine) -> Vec<Value> {
    let lines: Vec<Value> = machine.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.into_iter().filter(|line| line["job"].is_string()).collect()
}

#[test]
fn each_job_is_a_line_of_json_with_its_fields_and_one_that_ended_without_a_server_too() {
    let Some(mut machine) = Machine::new() else { return };
    machine.stop();
    machine.options = vec!["--log", "json"];
    machine.start();
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    print(&machine, "first", "first\n");
    machine.wait_for("its line", || jobs(&machine).len() == 1);
    let line = &jobs(&machine)[0];
    assert_eq!((&line["owner"], &line["queue"]), (&ANN.to_string().into(), &"OFFICE".into()), "{line}");
    assert_eq!((&line["device"], &line["octets"], &line["pages"]), (&"LP1".into(), &6.into(), &1.into()), "{line}");
    assert!(["sent", "confirmed"].contains(&line["outcome"].as_str().unwrap()), "{line}");
    assert!(line["job"].as_str().unwrap().starts_with("acme1:") && line["level"] == "INFO", "{line}");
    assert!(line["waiting_seconds"].is_number() && line["printing_seconds"].is_number(), "{line}");
    assert!(line["message"].as_str().unwrap().contains("on $LP1, 6 octets, 1 pages, waiting "), "{line}");
    // A job that no device had, and one that ends while no server looks.
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, DRAIN"]).expect(0);
    print(&machine, "second", "second\n");
    machine.run(ANN, "pdrm", &["2"]).expect(0);
    machine.wait_for("its line", || jobs(&machine).len() == 2);
    let line = &jobs(&machine)[1];
    assert_eq!((&line["outcome"], &line["device"]), (&"cancelled".into(), &Value::Null), "{line}");
    print(&machine, "third", "third\n");
    machine.stop();
    machine.run_direct("spoolcom", &["JOB 3, DELETE!"]).expect(0);
    machine.start();
    machine.wait_for("its line", || jobs(&machine).len() == 3);
    // None twice, whatever the server looks at again.
    let all: std::collections::HashSet<String> = jobs(&machine).iter().map(|line| line["job"].to_string()).collect();
    assert_eq!(all.len(), 3);
}

#[test]
fn as_text_it_is_a_line_for_people() {
    let Some(machine) = Machine::new() else { return };
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    print(&machine, "first", "first\n");
    machine.wait_for("its line", || machine.log().contains(" in #OFFICE: "));
    let log = machine.log();
    let line = log.lines().find(|line| line.contains(" in #OFFICE: ")).unwrap();
    assert!(line.starts_with("pdserver: job acme1:") && line.contains(&format!(" of {ANN} ")), "{line}");
}

/// A journal of our own: in a mount namespace, because its socket has one name.
#[test]
fn where_standard_error_is_the_journal_its_fields_go_there() {
    let Some(mut machine) = Machine::new() else { return };
    machine.stop();
    let journal = machine.path("journal");
    std::fs::create_dir(&journal).unwrap();
    let socket = UnixDatagram::bind(journal.join("socket")).unwrap();
    socket.set_read_timeout(Some(crate::support::DEADLINE)).unwrap();
    for path in [journal.clone(), journal.join("socket")] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let inside = format!(
        "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind {} /run/systemd/journal && \
         export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && \
         exec setpriv --reuid {SERVER} --regid {SERVER} --clear-groups {} --name acme1 --operators nogroup --base {} --socket {}",
        journal.display(),
        machine.path("pdserver").display(),
        machine.path("base").display(),
        machine.path("run/socket").display(),
    );
    let log = std::fs::File::create(machine.path("log")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &inside]).stderr(log);
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no mount namespace can be made here");
        return;
    }
    machine.server = Some(command.spawn().unwrap());
    let until = |word: &str| loop {
        let mut entry = vec![0; 64 << 10];
        let n = socket.recv(&mut entry).unwrap_or_else(|error| panic!("no {word}: {error}: {}", machine.log()));
        let entry = String::from_utf8_lossy(&entry[..n]).into_owned();
        if entry.contains(word) {
            return entry;
        }
    };
    until("listens at");
    machine.declare();
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    print(&machine, "first", "first\n");
    let entry = until("PD_JOB");
    for field in ["PD_OWNER", "PD_QUEUE", "PD_DEVICE", "PD_OCTETS", "PD_PAGES", "PD_OUTCOME", "PD_WAITING_SECONDS"] {
        assert!(entry.contains(field), "{field}: {entry:?}");
    }
    assert!(entry.contains("SYSLOG_IDENTIFIER") && entry.contains("pdserver"), "{entry:?}");
    assert_eq!(machine.log(), "");
}
