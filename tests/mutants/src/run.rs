//! Waking the mutants one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Wanted;
use super::find::Mutant;
use super::tree::{self, Places};

type Result<T> = std::result::Result<T, String>;

/// The tests that are near a file: modules of the library, then modules of the suite.
const NEAR: [(&str, &[&str], &[&str]); 7] = [
    ("src/store/sqlite", &["store::"], &["fsck::", "backup::", "ground::", "old_spools::"]),
    ("src/store", &["store::", "spool::"], &["ground::", "backup::", "both_ways::", "alter::", "json::"]),
    (
        "src/spool/disk",
        &["spool::"],
        &["odd_arguments::", "fsck::", "backup::", "ground::", "full_disk::", "powerloss::"],
    ),
    ("src/spool/jobs", &["spool::"], &["hold::", "alter::", "odd_arguments::", "both_ways::", "device_queue::"]),
    (
        "src/spool/printing",
        &["spool::"],
        &["lives::", "hold::", "device_queue::", "device_life::", "opens::", "reprints::"],
    ),
    (
        "src/fastp/device",
        &["fastp::"],
        &["sockets::", "printers::", "hold::", "device_life::", "device_cures::", "reprints::"],
    ),
    ("src/fastp/content", &["fastp::"], &["header_pages::", "formats::", "printers::", "transports::", "corruption::"]),
];

/// Tests of texts, which a fault in the code does not concern, and figures, which measure.
const NOT_RUN: [&str; 6] = ["documents", "figures", "generated", "rooms", "support", "first_hour"];

/// How long a test program may take: what it takes without a mutant so many times, and this on top.
const TIMES: u32 = 4;
const ON_TOP: Duration = Duration::from_secs(60);

struct Site {
    tree: PathBuf,
    target: PathBuf,
    number: PathBuf,
    scratch: PathBuf,
}

/// The test programs, and what they do without a mutant.
struct Programs {
    library: PathBuf,
    suite: PathBuf,
    modules: Vec<String>,
    skip: BTreeSet<String>,
    whole: BTreeMap<PathBuf, Duration>,
}

enum Ran {
    Passed,
    Failed(String),
    Late,
}

/// Runs the campaign. Returns how many mutants survived.
pub fn campaign(root: &Path, wanted: &Wanted, all: Vec<Mutant>) -> Result<usize> {
    let io = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(&wanted.work).map_err(io)?;
    let work = wanted.work.canonicalize().map_err(io)?;
    // Short, because the names of sockets lie below it.
    let scratch = std::env::temp_dir().join(format!("mutants.{}", std::process::id()));
    let site = Site { tree: work.join("tree"), target: work.join("target"), number: work.join("number"), scratch };
    std::fs::write(&site.number, "0").map_err(io)?;
    let mut rest = all.into_iter().enumerate().map(|(at, mutant)| (at + 1, mutant));
    let mut picked: Vec<(usize, Mutant)> = rest.by_ref().take(wanted.count).collect();
    let places = loop {
        let (changed, places) = tree::plant(root, &site.number, &picked).map_err(io)?;
        tree::copy(root, &site.tree, &changed).map_err(io)?;
        let bad = do_not_compile(&site, &places)?;
        if bad.is_empty() {
            break places;
        }
        for (_, mutant) in picked.extract_if(.., |(number, _)| bad.contains(number)) {
            eprintln!("does not compile: {}", mutant.name());
        }
        let missing = wanted.count - picked.len();
        picked.extend(rest.by_ref().take(missing));
    };
    drop(places);
    let programs = build(&site)?;
    let results = work.join("results.jsonl");
    let mut known = read(&results);
    let programs = baseline(&site, programs)?;
    for (at, (number, mutant)) in picked.iter().enumerate() {
        let name = mutant.name();
        let before = known.get(&name);
        let again = wanted.only.contains(number);
        if (before.is_some() && !again) || (!wanted.only.is_empty() && !again) {
            continue;
        }
        std::fs::write(&site.number, number.to_string()).map_err(io)?;
        let begun = Instant::now();
        let noticed = notice(&site, &programs, mutant, *number)?;
        let line = json!({
            "number": number, "mutant": name, "noticed": noticed, "seconds": begun.elapsed().as_secs(),
        });
        eprintln!("{}/{} {line}", at + 1, picked.len());
        let mut file = std::fs::File::options().append(true).create(true).open(&results).map_err(io)?;
        writeln!(file, "{line}").map_err(io)?;
        known.insert(name, noticed);
    }
    std::fs::write(&site.number, "0").map_err(io)?;
    let _ = std::fs::remove_dir_all(&site.scratch);
    let mut survivors = 0;
    let mut tried = 0;
    for (number, mutant) in &picked {
        match known.get(&mutant.name()) {
            None => {}
            Some(Some(_)) => tried += 1,
            Some(None) => {
                tried += 1;
                survivors += 1;
                println!("survived: {number} {}", mutant.name());
            }
        }
    }
    println!("seed {}: {} of {tried} mutants were noticed", wanted.seed, tried - survivors);
    Ok(survivors)
}

/// What is known already, by the name of the mutant: which test noticed it.
fn read(results: &Path) -> BTreeMap<String, Option<String>> {
    let text = std::fs::read_to_string(results).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter_map(|line| Some((line["mutant"].as_str()?.to_owned(), line["noticed"].as_str().map(str::to_owned))))
        .collect()
}

/// The cargo to use; `MUTANTS_CARGO` names another than the usual one.
fn cargo(site: &Site, words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("MUTANTS_CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).args(["--locked", "--message-format=json"]).current_dir(&site.tree);
    command.env("CARGO_TARGET_DIR", &site.target).env("CARGO_INCREMENTAL", "0").env_remove("CARGO");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn messages(mut command: Command) -> Result<(bool, Vec<Value>)> {
    let out = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok((out.status.success(), text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
}

/// The mutants that the compiler refuses.
fn do_not_compile(site: &Site, places: &Places) -> Result<BTreeSet<usize>> {
    let (fine, messages) = messages(cargo(site, &["check", "--lib"]))?;
    let mut bad = BTreeSet::new();
    let mut words = String::new();
    for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
        words.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
        for span in message["message"]["spans"].as_array().into_iter().flatten() {
            let file = span["file_name"].as_str().unwrap_or_default();
            let (start, end) = (span["byte_start"].as_u64().unwrap_or(0), span["byte_end"].as_u64().unwrap_or(0));
            let hit = places
                .iter()
                .filter(|(_, (name, range))| name == file && range.start as u64 <= end && start <= range.end as u64);
            // Of those that lie in one another the shortest is meant.
            bad.extend(hit.min_by_key(|(_, (_, range))| range.len()).map(|(number, _)| *number));
        }
    }
    if !fine && bad.is_empty() {
        return Err(format!("the tree does not compile: {words}"));
    }
    Ok(if fine { BTreeSet::new() } else { bad })
}

fn build(site: &Site) -> Result<(PathBuf, PathBuf)> {
    let (fine, messages) = messages(cargo(site, &["test", "--no-run", "--lib", "--test", "suite", "--bins"]))?;
    let program = |kind: &str, name: &str| {
        let found = messages.iter().find(|message| {
            message["target"]["kind"][0] == kind
                && message["target"]["name"] == name
                && message["executable"].is_string()
        });
        found.and_then(|message| message["executable"].as_str()).map(PathBuf::from)
    };
    match (fine, program("lib", "spoolsuite"), program("test", "suite")) {
        (true, Some(library), Some(suite)) => Ok((library, suite)),
        _ => {
            let words = messages.iter().filter_map(|message| message["message"]["rendered"].as_str());
            Err(format!("the tests do not build: {}", words.collect::<String>()))
        }
    }
}

/// Runs all tests without a mutant. What fails then says nothing about mutants.
fn baseline(site: &Site, (library, suite): (PathBuf, PathBuf)) -> Result<Programs> {
    let text = std::fs::read_to_string(site.tree.join("tests/suite.rs")).map_err(|error| error.to_string())?;
    let modules = text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let modules = modules.filter(|name| !NOT_RUN.contains(name)).map(|name| format!("{name}::")).collect();
    let mut programs = Programs { library, suite, modules, skip: BTreeSet::new(), whole: BTreeMap::new() };
    loop {
        let begun = Instant::now();
        let ran = run(site, &programs, &programs.library.clone(), &[], 0)?;
        programs.whole.insert(programs.library.clone(), begun.elapsed());
        match ran {
            Ran::Failed(test) => drop(programs.skip.insert(test)),
            Ran::Passed => break,
            Ran::Late => return Err("the tests of the library do not end".into()),
        }
    }
    loop {
        let begun = Instant::now();
        let ran = run(site, &programs, &programs.suite.clone(), &programs.modules.clone(), 0)?;
        programs.whole.insert(programs.suite.clone(), begun.elapsed());
        match ran {
            Ran::Failed(test) => drop(programs.skip.insert(test)),
            Ran::Passed => break,
            Ran::Late => return Err("the tests of the programs do not end".into()),
        }
    }
    eprintln!("without a mutant: {:?}; fail already: {:?}", programs.whole.values(), programs.skip);
    Ok(programs)
}

/// The test that notices the mutant, if one does.
fn notice(site: &Site, programs: &Programs, mutant: &Mutant, number: usize) -> Result<Option<String>> {
    let near = NEAR.iter().find(|(room, _, _)| mutant.file.starts_with(room));
    let (library, suite) = near.map_or((&[][..], &[][..]), |(_, library, suite)| (*library, *suite));
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let near_suite: Vec<String> = words(suite).into_iter().filter(|module| programs.modules.contains(module)).collect();
    let rest: Vec<String> = programs.modules.iter().filter(|module| !near_suite.contains(module)).cloned().collect();
    let steps = [
        (&programs.library, words(library)),
        (&programs.library, Vec::new()),
        (&programs.suite, near_suite),
        (&programs.suite, rest),
    ];
    for (program, filters) in steps {
        match run(site, programs, program, &filters, number)? {
            Ran::Passed => {}
            Ran::Failed(test) => return Ok(Some(test)),
            Ran::Late => return Ok(Some(format!("{} did not end", filters.join(" ")))),
        }
    }
    Ok(None)
}

/// Runs a test program until its first failure.
fn run(site: &Site, programs: &Programs, program: &Path, filters: &[String], number: usize) -> Result<Ran> {
    let _ = std::fs::remove_dir_all(&site.scratch);
    std::fs::create_dir_all(&site.scratch).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(filters).current_dir(&site.tree).env("SPOOLSUITE_MUTANT", number.to_string());
    command.env("TMPDIR", &site.scratch).env_remove("SEED");
    for test in &programs.skip {
        command.args(["--skip", test]);
    }
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let limit = match programs.whole.get(program) {
        Some(time) => *time * TIMES + ON_TOP,
        None => Duration::from_secs(3600),
    };
    let end = Instant::now() + limit;
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(std::result::Result::ok) {
            let failed = line
                .strip_prefix("test ")
                .and_then(|rest| rest.split(" ... ").next().filter(|_| rest.ends_with("FAILED")));
            if let Some(test) = failed {
                let _ = tell.send(test.trim_end_matches(" - should panic").to_owned());
            }
        }
    });
    let ran = match told.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(test) => Ran::Failed(test),
        Err(mpsc::RecvTimeoutError::Timeout) => Ran::Late,
        // It ended without a failure, or died.
        Err(mpsc::RecvTimeoutError::Disconnected) => match child.wait() {
            Ok(status) if status.success() => Ran::Passed,
            Ok(status) => Ran::Failed(format!("the test program ended with {status}")),
            Err(error) => return Err(error.to_string()),
        },
    };
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
    let _ = child.wait();
    end_what_is_left(&site.target);
    Ok(ran)
}

/// Ends the programs of this build that still run: print processes have a session of their own.
fn end_what_is_left(target: &Path) {
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|octet| octet.is_ascii_digit())) else { continue };
        if std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe.starts_with(target)) {
            let _ = Command::new("kill").args(["-KILL", pid]).stderr(Stdio::null()).status();
        }
    }
}
