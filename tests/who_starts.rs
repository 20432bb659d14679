//! Who may START what, as callers of SPOOLCOM see it: the creator of the spool, an ordinary user, a manager of groups, and
//! root where it is not the creator; in the caller's process and behind a socket.

use std::ffi::OsString;
use std::sync::Arc;

use crate::support::inside::{Inside, now, pass};
use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::commands::spoolcom;
use spoolsuite::model::state::ErrorNote;
use spoolsuite::model::{Caller, DeviceId, DeviceName};
use spoolsuite::spool::interface::engine::{Engine, Lease, Observation};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Local, Nobody};

/// What a command answered.
#[derive(Debug)]
struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

/// A spool with one device for each state and a job for each device.
struct World {
    inside: Inside,
    lease: Lease,
    wire: bool,
}

fn caller(name: &str, uid: u32, groups: &[&str]) -> Caller {
    let groups = groups.iter().map(ToString::to_string).collect();
    Caller { uid, user: name.into(), host: "here".into(), groups, operator: false }
}

fn operator() -> Caller {
    caller("ann", nix::unistd::geteuid().as_raw(), &[])
}

/// Everybody but the creator.
fn others() -> Vec<Caller> {
    let creator = nix::unistd::geteuid().as_raw();
    let all = [caller("root", 0, &["root"]), caller("bob", 4711, &["staff"]), caller("eve", 4712, &["staff-managers"])];
    all.into_iter().filter(|caller| caller.uid != creator).collect()
}

impl World {
    fn new(wire: bool) -> Self {
        let mut inside = Inside::new();
        let local = Box::new(Inside::local(&inside.spool));
        let ran = run(local, "PRINT $SPLA, FILE fastp; SPOOLER, START; SPOOLER, MGRACCESS ON");
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        let lease = inside.begins("SPLA");
        let mut world = Self { inside, lease, wire };
        for name in ["NEW", "OFF", "IDLE", "BUSY", "DRAINS", "ERR", "FAILED", "GAVEUP", "SUSP", "SUSPERR"] {
            world.done(&format!("DEV ${name}, PROCESS $SPLA, URI socket://h:9100; LOC #ALL.{name}, DEV ${name}"));
            world.inside.submit(&format!("all.{name}"), b"text\n", |_| {});
            if name != "NEW" {
                world.done(&format!("DEV ${name}, START"));
            }
        }
        world.done("--no-wait DEV $OFF, DRAIN");
        world.engine("OFF", Observation::Drained);
        for name in ["BUSY", "DRAINS", "SUSP"] {
            let id = world.id(name);
            world.inside.spool.claim(&world.lease, id, &now()).unwrap().unwrap();
        }
        world.done("--no-wait DEV $DRAINS, DRAIN");
        let error = ErrorNote { number: 100, text: "not ready".into(), since_ms: 0, next_try_ms: None, tries: 1 };
        let retried = ErrorNote { next_try_ms: Some(now().wall_ms + 5000), ..error.clone() };
        for (name, error) in [("ERR", &retried), ("SUSPERR", &retried), ("FAILED", &error), ("GAVEUP", &error)] {
            world.engine(name, Observation::Failed(error.clone()));
        }
        world.done("DEV $GAVEUP, DRAIN; DEV $SUSP, SUSPEND; DEV $SUSPERR, SUSPEND");
        world
    }

    fn id(&self, name: &str) -> DeviceId {
        Inside::local(&self.inside.spool).device(name.parse().unwrap()).unwrap().id
    }

    fn engine(&self, name: &str, seen: Observation) {
        self.inside.spool.observe(&self.lease, self.id(name), seen, &now()).unwrap();
    }

    fn state(&self, name: &str) -> String {
        let name: DeviceName = name.parse().unwrap();
        Inside::local(&self.inside.spool).device(name).unwrap().state.word().to_owned()
    }

    /// Everything that a caller could have changed, as the operator sees it.
    fn all(&self) -> String {
        self.run(&operator(), "DEV; PRINT; SPOOLER; JOB").out
    }

    fn run(&self, caller: &Caller, line: &str) -> Ran {
        let local = Local::new(self.inside.spool.clone(), caller.clone(), now, Arc::new(Nobody));
        if !self.wire {
            return run(Box::new(local), line);
        }
        let (remote, _server) = spoolsuite::server::pair(move |_| Ok(Box::new(local))).unwrap();
        run(Box::new(remote), line)
    }

    #[track_caller]
    fn done(&self, line: &str) {
        let ran = self.run(&operator(), line);
        assert_eq!(ran.exit, Exit::Done, "{line}: {ran:?}");
    }

    #[track_caller]
    fn refused(&self, caller: &Caller, line: &str) {
        let before = self.all();
        let ran = self.run(caller, line);
        let told = ran.err.starts_with("SECURITY COMMAND") && ran.err.contains("only the creator of this spool");
        assert!(ran.exit == Exit::Failed && told, "{} {line}: {ran:?}", caller.user);
        assert_eq!(self.all(), before, "{} {line}: refused, and nothing changed", caller.user);
    }
}

fn run(spool: Box<dyn Operations>, line: &str) -> Ran {
    let (mut out, mut err, mut spool) = (Vec::new(), Vec::new(), Some(spool));
    let mut open = |_: Option<&str>, _: Intent| Ok(spool.take().expect("opened once"));
    let words: Vec<OsString> = match line.strip_prefix("--no-wait ") {
        Some(line) => vec!["--no-wait".into(), line.into()],
        None => vec![line.into()],
    };
    let mut input = std::io::empty();
    let mut shell = Shell::of_script(
        (&mut out, &mut err, &mut input),
        &|name| (name == "TZ").then(|| "UTC".into()),
        ("/".into(), now().wall_ms),
        &mut open,
    );
    let exit = spoolcom::run(&words, &mut shell);
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { exit, out: text(out), err: text(err) }
}

/// Every device that is started already, that anybody starts, and that its operator alone starts.
const ONLINE: [&str; 2] = ["IDLE", "BUSY"];
const ANYBODYS: [(&str, &str); 2] = [("ERR", "DEVERROR"), ("FAILED", "OFFLINE")];
const OPERATORS: [(&str, &str, &str); 6] = [
    ("NEW", "OFFLINE", "WAITING"),
    ("OFF", "OFFLINE", "WAITING"),
    ("DRAINS", "PRINTING", "PRINTING"),
    ("GAVEUP", "OFFLINE", "WAITING"),
    ("SUSP", "SUSPENDED", "PRINTING"),
    ("SUSPERR", "SUSPENDED", "WAITING"),
];

#[test]
fn anybody_starts_what_an_error_stopped_and_only_its_operator_what_an_operator_stopped() {
    for wire in [false, true] {
        let first = World::new(wire);
        for name in ONLINE {
            for caller in others() {
                first.refused(&caller, &format!("DEV ${name}, START"));
            }
            let (state, log) = (first.state(name), || first.run(&operator(), &format!("DEV ${name}, LOG")).out);
            let before = log();
            first.done(&format!("DEV ${name}, START"));
            assert_eq!((first.state(name), log()), (state, before), "nothing happens to a device that is started");
        }
        for caller in others() {
            let world = World::new(wire);
            for (name, state, _) in OPERATORS {
                assert_eq!(world.state(name), state, "{name}");
                world.refused(&caller, &format!("DEV ${name}, START"));
            }
            for (name, state) in ANYBODYS {
                assert_eq!(world.state(name), state, "{name}");
                let ran = world.run(&caller, &format!("DEV ${name}, START"));
                assert_eq!((ran.exit, ran.err.as_str()), (Exit::Done, ""), "{} {name}", caller.user);
                assert_eq!(world.state(name), "WAITING", "{name}: it is tried now");
                let log = world.run(&operator(), &format!("DEV ${name}, LOG")).out;
                assert!(log.lines().any(|line| line.contains(&caller.user) && line.contains("started")), "{log}");
            }
        }
        for (name, _, then) in OPERATORS {
            first.done(&format!("DEV ${name}, START"));
            assert_eq!(first.state(name), then, "{name}");
        }
    }
}

#[test]
fn an_ordinary_user_does_nothing_else_to_a_device_that_he_may_start() {
    for wire in [false, true] {
        let world = World::new(wire);
        for caller in others() {
            for line in [
                "DEV $ERR, SUSPEND",
                "DEV $ERR, DRAIN",
                "--no-wait DEV $BUSY, DRAIN",
                "DEV $FAILED, RESTART 10",
                "DEV $FAILED, RESTART 10, START",
                "DEV $FAILED, URI null:, START",
                "DEV $MINE, PROCESS $SPLA, URI null:",
                "PRINT $SPLA, START",
                "SPOOLER, START",
                "SPOOLER, DRAIN",
            ] {
                world.refused(&caller, line);
            }
        }
    }
}

#[test]
fn procerror_is_its_operators_to_cure() {
    for wire in [false, true] {
        let world = World::new(wire);
        let spool = &world.inside.spool;
        let mut lease = world.lease.clone();
        for _ in 0..3 {
            spool.process_died(lease.process, lease.epoch, &now()).unwrap();
            if world.state("IDLE") != "PROCERROR" {
                lease = spool.begins(&lease.name, 4711, &now()).unwrap();
            }
        }
        assert_eq!(world.state("IDLE"), "PROCERROR");
        pass(120_000);
        for caller in others() {
            for line in ["PRINT $SPLA, START", "DEV $IDLE, START", "DEV $SUSP, START"] {
                world.refused(&caller, line);
            }
        }
        // This one was in error itself: that is over for whoever says so, the error of its process is not.
        assert_eq!(world.run(&others()[0], "DEV $FAILED, START").exit, Exit::Done);
        assert_eq!(world.state("FAILED"), "PROCERROR");
        world.done("PRINT $SPLA, START");
        assert_eq!((world.state("IDLE").as_str(), world.state("OFF").as_str()), ("WAITING", "OFFLINE"));
        assert_eq!(world.state("SUSP"), "SUSPENDED", "a suspended device stays so");
        assert_eq!(world.state("GAVEUP"), "OFFLINE");
    }
}
