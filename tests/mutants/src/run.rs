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

/// One test, and what is known of it.
#[derive(Clone, Debug)]
struct Test {
    program: PathBuf,
    name: String,
    time: Duration,
    /// The mutants whose place it passes.
    reached: BTreeSet<usize>,
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
    // Far behind the others, so that their numbers stay.
    let also: Vec<(usize, Mutant)> = all
        .iter()
        .skip(wanted.count + 20)
        .filter(|mutant| wanted.also.iter().any(|words| mutant.name().contains(words)))
        .cloned()
        .enumerate()
        .map(|(at, mutant)| (2001 + at, mutant))
        .collect();
    let mut rest = all.into_iter().enumerate().map(|(at, mutant)| (at + 1, mutant));
    let mut picked: Vec<(usize, Mutant)> = rest.by_ref().take(wanted.count).collect();
    let mut missing = 0;
    picked.extend(also);
    let places = loop {
        let (changed, places) = tree::plant(root, &site.number, &picked).map_err(io)?;
        tree::copy(root, &site.tree, &changed).map_err(io)?;
        let bad = do_not_compile(&site, &places)?;
        if bad.is_empty() {
            break places;
        }
        for (number, mutant) in picked.extract_if(.., |(number, _)| bad.contains(number)) {
            eprintln!("does not compile: {}", mutant.name());
            missing += usize::from(number <= 2000);
        }
        picked.extend(rest.by_ref().take(std::mem::take(&mut missing)));
    };
    drop(places);
    let programs = build(&site)?;
    let results = work.join("results.jsonl");
    let mut known = read(&results, wanted.near);
    let tests = reach(&site, &programs, &work.join("reached.json"))?;
    for (at, (number, mutant)) in picked.iter().enumerate() {
        let name = mutant.name();
        let before = known.get(&name);
        let again = wanted.only.contains(number);
        if (before.is_some() && !again) || (!wanted.only.is_empty() && !again) {
            continue;
        }
        std::fs::write(&site.number, number.to_string()).map_err(io)?;
        let begun = Instant::now();
        let noticed = notice(&site, &tests, mutant, *number, wanted.near)?;
        let line = json!({
            "number": number, "mutant": name, "noticed": noticed, "seconds": begun.elapsed().as_secs(), "near": wanted.near,
        });
        let reached = tests.iter().filter(|test| test.reached.contains(number)).count();
        eprintln!("{}/{} {line}, {reached} tests pass it", at + 1, picked.len());
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

/// What is known already, by the name of the mutant: which test noticed it. What only near tests have passed is not known
/// when all are asked.
fn read(results: &Path, near: bool) -> BTreeMap<String, Option<String>> {
    let text = std::fs::read_to_string(results).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| near || !line["noticed"].is_null() || line["near"] != true)
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

/// Runs each test by itself, without a mutant, to learn which mutants it can notice at all. A test that fails then says
/// nothing about mutants, and is left out.
fn reach(site: &Site, (library, suite): &(PathBuf, PathBuf), memory: &Path) -> Result<Vec<Test>> {
    let stamp = |path: &Path| format!("{:?}", path.metadata().and_then(|meta| meta.modified()).ok());
    let stamps = format!("{} {}", stamp(library), stamp(suite));
    let known = match remembered(memory, &stamps) {
        (tests, true) => return Ok(tests),
        // Of a test that was there before it is known what it passes, however the program was built since: the mutants are the
        // same, or the results would be others too.
        (tests, false) => tests,
    };
    let mut queue = Vec::new();
    for program in [library, suite] {
        let list = Command::new(program).args(["--list", "--format", "terse"]).current_dir(&site.tree).output();
        let list = list.map_err(|error| error.to_string())?.stdout;
        for line in String::from_utf8_lossy(&list).lines() {
            let Some(name) = line.strip_suffix(": test") else { continue };
            let is_near = program == library || !NOT_RUN.iter().any(|module| name.starts_with(&format!("{module}::")));
            if is_near && !known.iter().any(|test| test.name == name) {
                queue.push((program.clone(), name.to_owned()));
            }
        }
    }
    let count = queue.len();
    let queue = std::sync::Mutex::new(queue.into_iter());
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (queue, found) = (&queue, &found);
            scope.spawn(move || {
                loop {
                    let Some((program, name)) = queue.lock().ok().and_then(|mut queue| queue.next()) else { return };
                    let scratch = site.scratch.with_extension(worker.to_string());
                    let reached = site.tree.parent().unwrap_or(&site.tree).join(format!("reached.{worker}"));
                    let _ = std::fs::remove_dir_all(&reached);
                    let _ = std::fs::create_dir_all(&reached);
                    let awake = format!("reach {}", reached.display());
                    let begun = Instant::now();
                    let limit = Duration::from_secs(600);
                    let ran = run(site, &scratch, &program, &["--exact".into(), name.clone()], &awake, limit);
                    let time = begun.elapsed();
                    let _ = std::fs::remove_dir_all(&scratch);
                    let files = std::fs::read_dir(&reached).into_iter().flatten().flatten();
                    let reached = files.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
                    match ran {
                        Ok(Ran::Passed) => {
                            let test = Test { program, name, time, reached };
                            found.lock().into_iter().for_each(|mut found| found.push(test.clone()));
                        }
                        _ => eprintln!("fails without a mutant: {name}"),
                    }
                }
            });
        }
    });
    let mut found: Vec<Test> = found.into_inner().map_err(|error| error.to_string())?;
    let there = |old: &Test| [library, suite].contains(&&old.program);
    found.extend(known.into_iter().filter(there));
    found.sort_by(|a, b| a.time.cmp(&b.time));
    eprintln!("{} of {count} tests pass without a mutant", found.len());
    let all: Vec<Value> =
        found.iter().map(|test| json!([test.program, test.name, test.time.as_millis() as u64, test.reached])).collect();
    std::fs::write(memory, json!({ "stamps": stamps, "tests": all }).to_string()).map_err(|error| error.to_string())?;
    Ok(found)
}

/// The tests that are known, and whether they are those of these programs.
fn remembered(memory: &Path, stamps: &str) -> (Vec<Test>, bool) {
    let text = std::fs::read_to_string(memory).unwrap_or_default();
    let all: Value = serde_json::from_str(&text).unwrap_or_default();
    let test = |one: &Value| {
        let reached = one[3].as_array()?.iter().filter_map(|number| usize::try_from(number.as_u64()?).ok()).collect();
        let time = Duration::from_millis(one[2].as_u64()?);
        Some(Test { program: one[0].as_str()?.into(), name: one[1].as_str()?.to_owned(), time, reached })
    };
    let tests = all["tests"].as_array().into_iter().flatten().filter_map(test).collect();
    (tests, all["stamps"] == stamps)
}

/// The test that notices the mutant, if one does.
fn notice(site: &Site, tests: &[Test], mutant: &Mutant, number: usize, only_near: bool) -> Result<Option<String>> {
    let near = NEAR.iter().find(|(room, _, _)| mutant.file.starts_with(room));
    let is_near = |test: &Test| {
        near.is_some_and(|(_, library, suite)| {
            [*library, *suite].concat().iter().any(|name| test.name.starts_with(name))
        })
    };
    let is_long = |test: &Test| test.time > Duration::from_secs(20);
    let library = tests.iter().find(|test| test.name.starts_with("store::")).map(|test| test.program.clone());
    let in_library = |test: &Test| Some(&test.program) == library.as_ref();
    let mut rest: Vec<&Test> = tests.iter().filter(|test| test.reached.contains(&number)).collect();
    let mut steps: Vec<Vec<&Test>> = Vec::new();
    let conditions: [&dyn Fn(&Test) -> bool; 6] = [
        &|test| in_library(test) && is_near(test),
        &|test| !is_long(test) && is_near(test),
        &in_library,
        &|test| !is_long(test),
        &is_near,
        &|_| true,
    ];
    for condition in conditions.into_iter().take(if only_near { 3 } else { 6 }) {
        steps.push(rest.extract_if(.., |test| condition(test)).collect());
    }
    for mut step in steps {
        while !step.is_empty() {
            // Not too many at a time: the first that fails ends it.
            let some: Vec<&Test> = step.drain(..step.len().min(60)).collect();
            let mut names: Vec<String> = some.iter().map(|test| test.name.clone()).collect();
            let time: Duration = some.iter().map(|test| test.time).sum();
            while !names.is_empty() {
                let run = |names: &[String], times: u32| {
                    let words = [&["--exact".to_owned()], names].concat();
                    let limit = (time * TIMES + ON_TOP) * times;
                    run(site, &site.scratch, &some[0].program, &words, &number.to_string(), limit)
                };
                let mut ran = run(&names, 1)?;
                if matches!(ran, Ran::Late) {
                    // A busy machine is not taken for a notice here either.
                    ran = run(&names, 3)?;
                }
                match ran {
                    Ran::Passed => break,
                    Ran::Late => return Ok(Some(format!("{} did not end", names.join(" ")))),
                    // On a busy machine a test may fail for want of time: it must fail once more by itself.
                    Ran::Failed(test) => match run(std::slice::from_ref(&test), 1)? {
                        Ran::Passed if names.contains(&test) => names.retain(|other| *other != test),
                        _ => return Ok(Some(test)),
                    },
                }
            }
        }
    }
    Ok(None)
}

/// Runs tests until the first failure.
fn run(site: &Site, scratch: &Path, program: &Path, words: &[String], awake: &str, limit: Duration) -> Result<Ran> {
    let _ = std::fs::remove_dir_all(scratch);
    std::fs::create_dir_all(scratch).map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(words).current_dir(&site.tree).env("SPOOLSUITE_MUTANT", awake);
    command.env("TMPDIR", scratch).env_remove("SEED");
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(std::result::Result::ok) {
            let test = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
            if let Some(test) = test {
                let _ = tell.send(test.trim_end_matches(" - should panic").to_owned());
            }
        }
    });
    let ran = match told.recv_timeout(limit) {
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
    if !awake.starts_with("reach") {
        end_what_is_left(&site.target);
    }
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
