//! CUPS' own commands at a socket of this machine: they work unchanged with CUPS_SERVER, and the kernel says who calls.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::doors::{installed, site, text};
use super::support::{ANN, BOB, Machine, OPERATOR, Outcome, SERVER};

impl Machine {
    /// A command of CUPS, as this user types it.
    fn cups(&self, uid: u32, program: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.command_at(uid, &Path::new("/usr/bin").join(program));
        command
            .env("CUPS_SERVER", self.path("run/ipp"))
            .env("LC_ALL", "C")
            .env("HOME", self.path(&format!("home{uid}")));
        Outcome::of_foreign(command.args(arguments))
    }

    fn states(&self) -> Vec<(String, String)> {
        self.jobs().iter().map(|job| (text(job, "job-number"), text(job, "current-job-state"))).collect()
    }

    /// A machine with a door at a socket, and homes for those who call there.
    fn with_socket() -> Option<Self> {
        let machine = site()?;
        for program in ["lp", "lpstat", "cancel", "lpr", "lpq", "lprm", "lpoptions"] {
            if !installed(&format!("/usr/bin/{program}")) {
                return None;
            }
        }
        let place = format!("unix:{}", machine.path("run/ipp").display());
        let said = machine.door(&["add", "ipp1", "ipp", "--listen", &place, "--to", "front=office.front"]).expect(0);
        assert!(said.out.contains("ready at /"), "{said:?}");
        for uid in [ANN, BOB] {
            let home = machine.path(&format!("home{uid}"));
            std::fs::create_dir(&home).unwrap();
            std::os::unix::fs::chown(&home, Some(uid), Some(uid)).unwrap();
        }
        Some(machine)
    }
}

#[test]
fn the_commands_of_cups_work_unchanged_over_a_socket() {
    let Some(machine) = Machine::with_socket() else { return };
    let meta = std::fs::metadata(machine.path("run/ipp")).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.uid()), (0o666, SERVER));
    let (one, two) = (machine.file(ANN, "one", "one\n", 0o600), machine.file(ANN, "two", "two\n", 0o600));
    let ann = |program: &str, arguments: &[&str]| machine.cups(ANN, program, arguments);
    let said = ann("lp", &["-d", "front", "-n", "2", "-o", "raw", "-t", "T", &one, &two]).expect(0).out;
    assert_eq!(said, "request id is front-1 (2 file(s))\n", "{}", machine.log());
    // Without -d it goes to the usual one.
    assert_eq!(ann("lp", &["-o", "raw", &one]).expect(0).out, "request id is front-2 (1 file(s))\n");
    assert_eq!(ann("lpr", &["-P", "front", "-#", "2", "-J", "by lpr", "-o", "raw", &two]).expect(0).out, "");
    assert_eq!(ann("lp", &["-H", "hold", "-o", "raw", &two]).expect(0).out, "request id is front-4 (1 file(s))\n");
    let jobs = machine.jobs();
    let of = |name: &str| jobs.iter().map(|job| text(job, name)).collect::<Vec<_>>();
    assert_eq!(of("job-name"), ["T", "one", "by lpr", "two"]);
    assert_eq!(of("number-of-documents"), ["2", "1", "1", "1"]);
    assert_eq!(of("current-job-state"), ["pending", "pending", "pending", "held"]);
    assert_eq!(of("job-owner"), ["47110"; 4]);
    assert_eq!(text(&jobs[0], "received-from"), "ipp1 a socket of this machine");
    // They are hers in every language.
    assert!(machine.run(ANN, "pdls", &["-U", "-r", "job-name"]).expect(0).out.contains("by lpr"));

    let said = ann("lpstat", &["-t"]).expect(0).out;
    for part in [
        "scheduler is running",
        "system default destination: front",
        "front accepting requests since",
        "printer front disabled since",
        "front-1 ",
        "front-4 ",
    ] {
        assert!(said.contains(part), "no '{part}' in {said}");
    }
    assert_eq!(ann("lpstat", &["-d"]).expect(0).out, "system default destination: front\n");
    assert_eq!(ann("lpstat", &["-o"]).expect(0).out.lines().count(), 4);
    let queue = ann("lpq", &["-P", "front"]).expect(0).out;
    assert!(queue.lines().any(|line| line.contains("by lpr") && line.contains("1024 bytes")), "{queue}");
    assert!(ann("lpq", &["-a"]).expect(0).out.contains("by lpr"));

    ann("lp", &["-i", "front-4", "-H", "resume"]).expect(0);
    ann("lp", &["-i", "front-2", "-H", "hold"]).expect(0);
    let held = |number: &str| machine.states().contains(&(number.to_owned(), "held".to_owned()));
    assert!(held("2") && !held("4"), "{:?}", machine.states());
    ann("cancel", &["front-2"]).expect(0);
    ann("lprm", &["4"]).expect(0);
    assert_eq!(machine.states().len(), 2, "{:?}", machine.states());
    let ended = ann("lpstat", &["-W", "completed", "-o"]).expect(0).out;
    assert!(ended.contains("front-2 ") && ended.contains("front-4 ") && !ended.contains("front-1 "), "{ended}");
    ann("cancel", &["front-99"]).expect(1).says("cancel: cancel-job failed: Job #99 does not exist.");
    ann("lprm", &["99"]).expect(1).says("Job #99 does not exist.");
    ann("lp", &["-d", "nowhere", &one]).expect(1).says("The printer or class does not exist.");
    // A usual printer of one's own is kept in one's home.
    ann("lpoptions", &["-d", "front"]).expect(0);
    assert!(ann("lpoptions", &[]).expect(0).out.contains("printer-info=front"), "{:?}", ann("lpoptions", &[]));

    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    let copies = || machine.paper().matches("one\n").count() + machine.paper().matches("two\n").count();
    machine.wait_for("all are printed", || copies() == 6);
    assert_eq!(ann("lpstat", &["-o"]).expect(0).out, "");
    assert!(ann("lpstat", &["-p"]).expect(0).out.contains("printer front is idle.  enabled since"));
}

#[test]
fn whoever_calls_at_a_socket_is_who_the_kernel_says() {
    let Some(machine) = Machine::with_socket() else { return };
    let (letter, note) = (machine.file(ANN, "letter", "x\n", 0o600), machine.file(BOB, "note", "y\n", 0o600));
    let lp = |uid: u32, more: &[&str]| machine.cups(uid, "lp", &[&["-o", "raw"], more].concat()).expect(0);
    for _ in 0..2 {
        lp(ANN, &[&letter]);
    }
    // What a name says of somebody is not asked.
    lp(BOB, &["-U", "root", &note]);
    let owners: Vec<String> = machine.jobs().iter().map(|job| text(job, "job-owner")).collect();
    assert_eq!(owners, ["47110", "47110", "47120"]);
    for user in [&["-U", "47110"][..], &["-U", "root"], &[]] {
        machine.cups(BOB, "cancel", &[user, &["front-1"]].concat()).expect(1);
        machine.cups(BOB, "lp", &[user, &["-i", "front-1", "-H", "hold"]].concat()).expect(1);
        let seen = machine.cups(BOB, "lpstat", &[user, &["-o", "-l"]].concat()).expect(0).out;
        assert!(!seen.contains("47110"), "{seen}");
    }
    assert_eq!(machine.states().len(), 3);
    // All of them are those of the caller. That others stay is said.
    machine.cups(BOB, "cancel", &["-a"]).expect(1).says("2 of others stay");
    assert_eq!(machine.states().len(), 2);
    machine.cups(BOB, "lprm", &[]).expect(1);
    machine.cups(ANN, "lprm", &[]).expect(0);
    assert_eq!(machine.states().len(), 1);
    lp(ANN, &[&letter]);
    machine.cups(ANN, "cancel", &["-a", "front"]).expect(0);
    assert!(machine.states().is_empty());
    lp(ANN, &[&letter]);
    lp(ANN, &[&letter]);
    machine.cups(ANN, "lprm", &["-"]).expect(0);
    assert!(machine.states().is_empty(), "{:?}", machine.states());
    // Root is root, and no operator here.
    lp(ANN, &[&letter]);
    let file = machine.file(0, "of root", "z\n", 0o600);
    lp(0, &[&file]);
    assert_eq!(text(&machine.jobs()[1], "job-owner"), "root");
    machine.cups(0, "cancel", &["-a"]).expect(1).says("1 of others stay");
    assert_eq!(machine.states().len(), 1);
}

#[test]
fn a_door_never_takes_the_place_of_a_file_and_its_socket_goes_with_it() {
    let Some(mut machine) = Machine::with_socket() else { return };
    let path = machine.path("run/ipp");
    // A server that was killed leaves its socket; the next one replaces it.
    let mut server = machine.server.take().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    machine.start();
    let listens = || machine.cups(ANN, "lpstat", &["-r"]).out == "scheduler is running\n";
    machine.wait_for("it listens again", listens);
    // Somebody cleans up: the socket is made again.
    std::fs::remove_file(&path).unwrap();
    machine.wait_for("the socket is there again", || path.exists() && listens());
    machine.door(&["drain", "ipp1"]).expect(0);
    machine.door(&["delete", "ipp1"]).expect(0);
    machine.wait_for("the socket is gone", || !path.exists());
    // A link at its place is not followed, and what it leads to stays.
    let secret = machine.file(ANN, "secret", "for Ann alone\n", 0o600);
    symlink(&secret, &path).unwrap();
    let place = format!("unix:{}", path.display());
    let said = machine.door(&["add", "ipp2", "ipp", "--listen", &place]).expect(0).out;
    assert!(said.contains("closed: it cannot listen at") && said.contains("no socket"), "{said}");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "for Ann alone\n");
    std::fs::remove_file(&path).unwrap();
    machine.wait_for("it opens by itself", || machine.shown("ipp2", "door-state").starts_with("ready at"));
    for (kind, listen, why) in [
        ("lpd", place.as_str(), "only ipp has sockets"),
        ("ipp", "unix:run/ipp", "whole path"),
        ("ipp", "run/ipp", "no address to listen at"),
    ] {
        machine.door(&["add", "bad", kind, "--listen", listen]).expect(1).says(why);
    }
}
