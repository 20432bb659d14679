//! Three servers that speak TLS with each other, and their print processes, are killed while jobs go from one to the other: at random, and at
//! points of a hand-over, a fetch, a submission and a print. What was acknowledged prints, and twice only where that is announced.
//!
//! The short form makes 15 kills; `KILLS=3000` is the long one. `SEED` repeats a run.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spoolsuite::sys::watch::Watch;

use crate::namespaces::{Group, Jobs, NAMES};
use crate::support::dice::{Dice, number};
use crate::support::{Machine, OPERATOR};

/// Where a server or a print process below it may kill itself.
const POINTS: [&str; 17] = [
    "after-data-fsync",
    "before-commit",
    "after-commit",
    "offered",
    "offer-answered",
    "end-on-record",
    "take-over-commit",
    "taken-over",
    "peer-reply",
    "peer-data",
    "fetching",
    "fetched",
    "claimed",
    "mid-send",
    "after-last-octet",
    "before-completion",
    "after-completion",
];
/// What is waited for without a change of the spool: then the next step comes.
const QUIET: Duration = Duration::from_millis(100);

/// The print process of a machine, if one runs.
fn print_process(machine: &Machine) -> Option<Pid> {
    let program = machine.path("fastp");
    let of_entry = |entry: std::io::Result<std::fs::DirEntry>| -> Option<Pid> {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        (std::fs::read_link(entry.path().join("exe")).ok()? == program).then(|| Pid::from_raw(pid))
    };
    std::fs::read_dir("/proc").ok()?.find_map(of_entry)
}

/// How many deaths of print processes a server has on record.
fn deaths(machine: &Machine) -> i64 {
    let spool = rusqlite::Connection::open(machine.path("base/spool.db")).unwrap();
    spool.query_row("SELECT count(*) FROM event WHERE what = 'died'", [], |row| row.get(0)).unwrap()
}

/// The points at which servers, and the print processes below them, are to kill themselves.
type Points = BTreeMap<&'static str, String>;

/// Ends the server of a machine, unless it has killed itself, and counts that.
fn end(group: &mut Group, name: &'static str, points: &mut Points, kills: &mut BTreeMap<String, u64>) {
    let mut server = group.machines.get_mut(name).unwrap().server.take().unwrap();
    let point = points.remove(name);
    let how = match server.try_wait().unwrap() {
        None => {
            server.kill().unwrap();
            server.wait().unwrap();
            "server, at random".to_owned()
        }
        Some(status) => {
            assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "{name}: {}", group.machines[name].log());
            let point = point.unwrap_or_else(|| panic!("{name} was killed: {}", group.machines[name].log()));
            format!("server, {}", point.split('@').next().unwrap_or_default())
        }
    };
    *kills.entry(how).or_default() += 1;
}

#[test]
fn servers_and_print_processes_that_are_killed_lose_no_job() {
    let Some(mut group) = Group::new() else { return };
    let mut dice = Dice::new(20_261_201);
    let mut jobs = Jobs::default();
    let mut points = Points::new();
    let mut kills: BTreeMap<String, u64> = BTreeMap::new();
    let most = number("KILLS", 15);
    while kills.values().sum::<u64>() < most {
        let (tag, to, mut command) = jobs.next(&group, &mut dice);
        let submission = command.spawn().unwrap();
        jobs.tried.insert(tag.clone(), to);
        let name = NAMES[dice.roll(3) as usize];
        // Something happens before: changes of a spool are what is seen of it.
        let busy = NAMES[dice.roll(3) as usize];
        let watch = Watch::new(&group.machines[busy].path("base/run/write.lock")).unwrap();
        for _ in 0..dice.roll(12) {
            if !watch.wait(QUIET).unwrap() {
                break;
            }
        }
        match dice.roll(8) {
            // One that keeps dying is started by an operator alone.
            0 => drop(group.machines[name].run(OPERATOR, "spoolcom", &["PRINT SPLA, START"])),
            1 => {
                end(&mut group, name, &mut points, &mut kills);
                group.start_with(name, &[]);
            }
            // One that has a point already is left alone until it comes to it.
            2..=6 if points.contains_key(name) => {}
            2..=6 => {
                end(&mut group, name, &mut points, &mut kills);
                let point = format!("{}@{}", POINTS[dice.roll(POINTS.len() as u64) as usize], dice.roll(2) + 1);
                group.start_with(name, &[("PD_FAULT", Path::new(&point))]);
                points.insert(name, point);
            }
            _ => {
                if let Some(process) = print_process(&group.machines[name])
                    && kill(process, Signal::SIGKILL).is_ok()
                {
                    *kills.entry("print process, at random".into()).or_default() += 1;
                }
            }
        }
        let status = submission.wait_with_output().unwrap().status;
        if status.success() {
            jobs.acknowledged.insert(tag);
        }
        // Who has killed itself comes back, without its point.
        for name in NAMES {
            let server = group.machines.get_mut(name).unwrap().server.as_mut().unwrap();
            if server.try_wait().unwrap().is_some() {
                end(&mut group, name, &mut points, &mut kills);
                group.start_with(name, &[]);
            }
        }
    }
    for name in NAMES {
        end(&mut group, name, &mut points, &mut kills);
        group.start_with(name, &[]);
        // One that was started with a point would go on with it.
        if let Some(process) = print_process(&group.machines[name]) {
            let _ = kill(process, Signal::SIGKILL);
        }
    }
    jobs.come_to_their_end(&group, &format!("{kills:?}"));
    let died: i64 = NAMES.iter().map(|name| deaths(&group.machines[name])).sum();
    eprintln!("{died} deaths of print processes are on record");
}
