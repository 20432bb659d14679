//! The same commands on a spool in the caller's process and on one behind the wire: nobody can tell them apart.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::commands::{pd, spoolcom};
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, Failure};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody};
use spoolsuite::sys::users;

fn clock() -> Moment {
    Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000, boot_id: "test".into() }
}

fn local(base: &Path, caller: Caller) -> Result<Box<dyn Operations>, Failure> {
    let access = Access::Create { server: "acme1".parse()?, now: clock() };
    let spool = open(&Base::new(base), access)?;
    Ok(Box::new(Local::new(spool, caller, clock, Arc::new(Nobody))))
}

fn opened(base: PathBuf, wire: bool, caller: Caller) -> Result<Box<dyn Operations>, Failure> {
    if !wire {
        return local(&base, caller);
    }
    let (remote, _server) = spoolsuite::server::pair(move |_| local(&base, caller)).expect("a pair of sockets");
    Ok(Box::new(remote))
}

/// A world in which commands run, on one kind of spool.
struct World {
    dir: tempfile::TempDir,
    wire: bool,
    caller: Caller,
}

struct Ended {
    exit: Exit,
    out: String,
    err: String,
}

impl World {
    fn new(wire: bool) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), wire, caller: users::caller() }
    }

    fn run(&self, words: &[&str]) -> Ended {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = Cursor::new(Vec::new());
        let (base, wire, caller) = (self.dir.path().join("base"), self.wire, self.caller.clone());
        let mut open = move |_: Option<&str>, _: Intent| opened(base.clone(), wire, caller.clone());
        let mut shell = Shell::of_script(
            (&mut out, &mut err, &mut input),
            &|name| (name == "PD_CONFIRM_DELETE").then(|| OsString::from("no")),
            (self.dir.path().to_path_buf(), clock().wall_ms),
            &mut open,
        );
        let rest: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
        let exit = match words[0] {
            "spoolcom" => spoolcom::run(&rest, &mut shell),
            "pdpr" => pd::verbs::pdpr::run(&rest, &mut shell),
            "pdls" => pd::verbs::pdls::run(&rest, &mut shell),
            "pdq" => pd::verbs::pdq::run(&rest, &mut shell),
            "pdrm" => pd::verbs::pdrm::run(&rest, &mut shell),
            other => panic!("no command {other}"),
        };
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap().replace(&self.dir.path().display().to_string(), "<DIR>");
            hide_random_names(&text)
        };
        Ended { exit, out: text(out), err: text(err) }
    }
}

/// `pdprXXXXXX` differs from run to run.
fn hide_random_names(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/pdpr") {
        out.push_str(&rest[..at + 5]);
        rest = &rest[at + 5..];
        let n = rest.bytes().take(6).take_while(u8::is_ascii_alphanumeric).count();
        out.push_str(if n == 6 { "******" } else { &rest[..n] });
        rest = &rest[n..];
    }
    out + rest
}

/// Each line: what is typed, and how it ends.
const SCRIPT: &[(&[&str], Exit)] = &[
    (&["spoolcom", "PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:, SPEED 600"], Exit::Done),
    (&["spoolcom", "LOC #OFFICE.FRONT, DEV $LP1; LOC #OFFICE.BACK, DEV $LP1; LOC #HOLD.DEFAULT, DEV"], Exit::Done),
    (&["spoolcom", "SPOOLER, START"], Exit::Done),
    (&["pdpr", "-d", "office.front", "a.txt"], Exit::Done),
    (&["pdpr", "-l", "-d", "front", "-n", "3", "-t", "linked job", "a.txt", "b.ps"], Exit::Done),
    (&["pdpr", "-d", "hold.default", "-x", "job-hold=true job-priority=80", "b.ps", "-r", "brief"], Exit::Done),
    (&["pdpr", "-d", "nosuch", "a.txt"], Exit::Failed),
    (&["pdpr", "-d", "office.frnt", "a.txt"], Exit::Failed),
    (&["pdpr", "-d", "front", "missing.txt"], Exit::Failed),
    (&["pdpr", "-d", "front"], Exit::Usage),
    (&["pdls", "-U"], Exit::Done),
    (&["pdls", "-U", "-r", "document-content"], Exit::Done),
    (&["pdls", "-r", "all", "1"], Exit::Done),
    (&["pdls", "-U", "--json"], Exit::Done),
    (&["pdls", "-f", "current-job-state==held", "-U"], Exit::Done),
    (&["pdls", "99"], Exit::Failed),
    (&["pdq", "-U", "-d", "office.front"], Exit::Done),
    (&["pdq", "-U", "-d", "lp1", "--json"], Exit::Done),
    (&["pdq", "-d", "nosuch"], Exit::Failed),
    (&["pdls", "-c", "destination", "-r", "brief", "acme1:"], Exit::Done),
    (&["spoolcom", "DEV"], Exit::Done),
    (&["spoolcom", "DEV $LP1, STATUS DETAIL"], Exit::Done),
    (&["spoolcom", "JOB"], Exit::Done),
    (&["spoolcom", "JOB 2, STATUS DETAIL"], Exit::Done),
    (&["spoolcom", "--json", "LOC"], Exit::Done),
    (&["spoolcom", "PRINT; SPOOLER"], Exit::Done),
    (&["spoolcom", "JOB 1, HOLD; JOB 1, START"], Exit::Done),
    (&["spoolcom", "JOB 77, START"], Exit::Failed),
    (&["spoolcom", "DEV $LP1, SPEED 100"], Exit::Failed),
    (&["spoolcom", "DEV $LP1, DELETE"], Exit::Failed),
    (&["spoolcom", "DEV $LPX, START"], Exit::Failed),
    (&["spoolcom", "DEV $LP1, NONSENSE"], Exit::Usage),
    (&["spoolcom", "DEV $LP1, DRAIN; DEV $LP1, SPEED 100"], Exit::Done),
    (&["spoolcom", "JOB 2, DELETE"], Exit::Done),
    (&["pdrm", "1"], Exit::Done),
    (&["pdrm", "1"], Exit::Failed),
    (&["spoolcom", "LOC #HOLD, DELETE"], Exit::Failed),
    (&["spoolcom", "JOB"], Exit::Done),
    (&["spoolcom", "SPOOLER, DRAIN"], Exit::Done),
    (&["pdpr", "-d", "front", "a.txt"], Exit::Failed),
    (&["spoolcom", "SPOOLER"], Exit::Done),
];

#[test]
fn commands_behave_the_same_on_a_local_spool_and_behind_the_wire() {
    let worlds = [World::new(false), World::new(true)];
    for world in &worlds {
        std::fs::write(world.dir.path().join("a.txt"), "one\ntwo\n").unwrap();
        std::fs::write(world.dir.path().join("b.ps"), "%!PS-Adobe-3.0\n%%Pages: 7\nshowpage\n").unwrap();
    }
    let mut transcript = String::new();
    for (words, exit) in SCRIPT {
        let [here, there] = [worlds[0].run(words), worlds[1].run(words)];
        assert_eq!(here.exit, *exit, "{words:?}\n{}{}", here.out, here.err);
        assert_eq!((here.exit, &here.out, &here.err), (there.exit, &there.out, &there.err), "{words:?}");
        transcript.push_str(&format!("$ {}\n{}{}[{}]\n\n", words.join(" "), here.out, here.err, here.exit as u8));
    }
    let me = users::caller();
    let ids = format!("{},{}", users::primary_group(me.uid), me.uid);
    // Who runs the test, and how wide his numbers are, is none of its business.
    let plain: Vec<String> = transcript
        .replace(&me.identity(), "[user@host]")
        .replace(&ids, "[ids]")
        .replace(&format!("\"{}\"", me.user), "\"[user]\"")
        .lines()
        .map(|line| line.replace(&format!("\"{}\"", me.user), "\"[user]\""))
        .map(|line| {
            let plain = |word| if word == me.user { "[user]" } else { word };
            line.split_whitespace().map(plain).collect::<Vec<_>>().join(" ")
        })
        .collect();
    insta::assert_snapshot!(plain.join("\n"));
}

#[test]
fn other_users_look_and_submit_and_change_nothing_of_ours() {
    for wire in [false, true] {
        let mut world = World::new(wire);
        std::fs::write(world.dir.path().join("a.txt"), "one\n").unwrap();
        world.run(&[
            "spoolcom",
            "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:; LOC #A.B, DEV $LP1",
        ]);
        assert_eq!(world.run(&["pdpr", "-d", "a.b", "a.txt"]).exit, Exit::Done);
        world.caller =
            Caller { uid: 54_321, user: "mallory".into(), host: "elsewhere".into(), groups: vec![], operator: false };
        assert_eq!(world.run(&["spoolcom", "JOB; DEV; LOC; PRINT; SPOOLER"]).exit, Exit::Done);
        for (line, text) in [
            ("PRINT $SPLB, FILE fastp", "SECURITY COMMAND"),
            ("DEV $LP1, SPEED 5", "SECURITY COMMAND"),
            ("DEV $LP1, START", "SECURITY COMMAND"),
            ("LOC #A.C, DEV $LP1", "SECURITY COMMAND"),
            ("LOC #A, DELETE", "SECURITY COMMAND"),
            ("SPOOLER, START", "SECURITY COMMAND"),
            ("SPOOLER, DRAIN", "SECURITY COMMAND"),
            ("JOB 1, HOLD", "JOB 1 SECURITY VIOLATION"),
            ("JOB 1, DELETE", "JOB 1 SECURITY VIOLATION"),
        ] {
            let ended = world.run(&["spoolcom", line]);
            assert_eq!(ended.exit, Exit::Failed, "{line}: {}", ended.err);
            assert!(ended.err.starts_with(text), "{line}: {}", ended.err);
        }
        assert_eq!(world.run(&["pdpr", "-d", "a.b", "a.txt"]).exit, Exit::Done, "anybody may submit");
        assert_eq!(world.run(&["spoolcom", "JOB 2, DELETE"]).exit, Exit::Done, "and handle his own job");
    }
}
