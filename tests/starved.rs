//! What a shell or a service limits: files, descriptors, threads, memory, processor time; what it hides: `/proc`, a writable
//! disk; and who stands at the write gate. Each program works or ends with words, nothing that was acknowledged is lost, and
//! all is well when the limit is gone.
//!
//! `STARVED=1` tries every limit of the matrix.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use spoolsuite::sys::holder;
use spoolsuite::sys::lock::FileLock;

use crate::support::documents::{take_apart, text};
use crate::support::nobody::OfNobody;
use crate::support::{DEADLINE, Outcome, Site, finish, number, pid, program};
use crate::unrecorded::shows;

/// A program below a limit of the shell: "-n 12".
fn below(site: &Site, limit: &str, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit {limit} && exec \"$@\""), "bash"]).arg(program(name)).args(arguments);
    site.dress(&mut command);
    command
}

fn run_below(site: &Site, limit: &str, name: &str, arguments: &[&str]) -> Outcome {
    finish(below(site, limit, name, arguments).spawn().unwrap(), DEADLINE)
}

/// The print process below a limit.
fn process_below(site: &Site, limit: &str) -> Child {
    let base = site.base().to_str().unwrap();
    let mut command = below(site, limit, "fastp", &["--base", base, "--process", "SPLA", "--idle", "600"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(mut process: Child) {
    let _ = kill(pid(process.id()), Signal::SIGTERM);
    process.wait().unwrap();
}

fn printed(site: &Site) -> Vec<String> {
    take_apart(&std::fs::read(site.sink()).unwrap_or_default()).complete
}

/// The first line of why a job does not print.
fn why(site: &Site, job: &str) -> String {
    site.run("spoolcom", &[&format!("JOB {job}, WHY")]).out
}

#[test]
fn below_every_limit_a_program_works_or_says_why_and_nothing_acknowledged_is_lost() {
    let short = ["-f 0", "-f 64", "-f 600", "-n 5", "-n 9", "-n 12", "-n 19", "-v 60000", "-t 1", "-u 100000"];
    let mut limits: Vec<String> = short.map(str::to_owned).to_vec();
    if number("STARVED", 0) > 0 {
        limits.extend((4..=28).map(|n| format!("-n {n}")));
        limits.extend([8, 32, 100, 300, 1024, 4096].map(|kib| format!("-f {kib}")));
    }
    let site = Site::new();
    // Below this the system cannot load the largest of them, and no program has a word to say.
    let least =
        ["pdpr", "pdls", "pdq", "spoolcom", "fastp"].map(|name| least_memory(&site, name)).into_iter().max().unwrap();
    limits.push(format!("-v {}", least + 256));
    if number("STARVED", 0) > 0 {
        limits.extend((least..60_000).step_by(1000).map(|kib| format!("-v {kib}")));
    }
    site.declare();
    site.start("LP1");
    let (mut acknowledged, mut unknown) = (Vec::new(), HashSet::new());
    for (n, limit) in limits.iter().enumerate() {
        for size in [300, 700_000] {
            let tag = format!("job-{n}-{size}");
            let file = site.document(&tag, &text(&tag, size));
            let arguments = ["-d", "office.front", "-t", &tag, file.to_str().unwrap()];
            let submitted = run_below(&site, limit, "pdpr", &arguments);
            let says = submitted.status == 0 || !submitted.err.is_empty();
            assert!(says, "{limit}: {submitted:#?}");
            if submitted.status == 0 {
                acknowledged.push(tag);
            } else if submitted.err.contains("outcome unknown") {
                unknown.insert(tag);
            }
        }
        for (name, arguments) in [
            ("pdls", &["-U"][..]),
            ("pdq", &["-d", "office.front"]),
            ("spoolcom", &["DEV; JOB; PRINT; SPOOLER"]),
            ("spoolcom", &["LOC #OFFICE.BACK, DEV $LP1"]),
            ("fastp", &["--check", "/nonexistent"]),
        ] {
            let outcome = run_below(&site, limit, name, arguments);
            assert!(outcome.status == 0 || !outcome.err.is_empty(), "{limit}: {name} {arguments:?}: {outcome:#?}");
        }
        // The limit is gone, for commands and for the print process.
        drop(site.stop());
        site.spoolcom("PRINT $SPLA, START");
        site.wait_until_empty();
    }
    let printed = printed(&site);
    let once: HashSet<String> = printed.iter().cloned().collect();
    assert_eq!(once.len(), printed.len(), "twice: {printed:?}");
    assert!(acknowledged.iter().all(|tag| once.contains(tag)), "lost: {acknowledged:?} {printed:?}");
    let strange = once.iter().find(|tag| !acknowledged.contains(tag) && !unknown.contains(*tag));
    assert_eq!(strange, None, "what was refused is not printed");
    site.wait_for_no_print_files();
}

/// The least memory, in KiB, with which a program comes as far as saying its version.
fn least_memory(site: &Site, name: &str) -> u32 {
    let comes_up = |kib: u32| run_below(site, &format!("-c 0 -v {kib}"), name, &["--version"]).status == 0;
    (40..400).map(|n| n * 256).find(|kib| comes_up(*kib)).unwrap()
}

#[test]
fn whatever_ends_for_want_of_memory_says_so_and_takes_nothing_for_damaged() {
    let site = Site::new();
    site.declare();
    let file = site.document("one", &text("one", 300));
    site.submit("office.front", "one", &file).expect(0);
    drop(site.stop());
    let base = site.base().to_str().unwrap();
    let step = if number("STARVED", 0) > 0 { 32 } else { 256 };
    for (name, arguments) in [
        ("pdpr", &["-d", "office.front", file.to_str().unwrap()][..]),
        ("pdls", &["-U", "--json"]),
        ("pdfsck", &["--repair"]),
        ("spoolcom", &["DEV; JOB; PRINT; SPOOLER"]),
    ] {
        let least = least_memory(&site, name);
        for kib in (least..least + 8192).step_by(step) {
            let outcome = run_below(&site, &format!("-c 0 -v {kib}"), name, arguments);
            assert!(outcome.status == 0 || !outcome.err.is_empty(), "{kib}: {name}: {outcome:#?}");
            let all = outcome.out + &outcome.err;
            assert!(!all.contains("damaged") && !all.contains("LOST"), "{kib}: {name}: {all}");
        }
    }
    // A print process either ends with words or goes on, and asks again for what it did not get.
    let least = least_memory(&site, "fastp");
    for kib in (least..least + 6144).step_by(step) {
        let limit = format!("-c 0 -v {kib}");
        let idle = ["--base", base, "--process", "SPLA", "--idle", "0"];
        let process = RefCell::new(below(&site, &limit, "fastp", &idle).spawn().unwrap());
        let shown = || site.run("spoolcom", &["PRINT $SPLA; DEV $LP1"]).out;
        let has_ended = || process.borrow_mut().try_wait().unwrap().is_some();
        shows(&site, "it ends or says what it lacks", || has_ended() || shown().contains("memory"));
        let _ = kill(pid(process.borrow().id()), Signal::SIGTERM);
        let outcome = finish(process.into_inner(), DEADLINE);
        assert!(outcome.status == 0 || !outcome.err.is_empty(), "{kib}: {outcome:#?}");
        assert!(!outcome.err.contains("damaged") && !shown().contains("damaged"), "{kib}: {outcome:#?}");
    }
    site.spoolcom("PRINT $SPLA, START; DEV $LP1, START");
    site.wait_until_empty();
}

#[test]
fn a_process_that_died_for_want_of_memory_has_left_its_reason() {
    let site = Site::new();
    site.declare();
    // A printer that is off keeps the process with its job.
    let off = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    site.device("LP2", &format!("socket://{off}"), "OFF");
    site.spoolcom("LOC #OFFICE.BACK, DEV $LP2");
    let file = site.document("one", &text("one", 300));
    site.submit("office.back", "one", &file).expect(0);
    let mut process = process_below(&site, "-c 0 -v 4000000");
    site.wait_for("it runs", || site.fastp() == Some(pid(process.id())) && site.counts_as_running());
    // Below the same limit: a command in better circumstances would replace it.
    run_below(&site, "-c 0 -v 4000000", "spoolcom", &["DEV $LP2, START"]).expect(0);
    // The signal of the run-time library when an allocation fails.
    kill(pid(process.id()), Signal::SIGABRT).unwrap();
    assert_eq!(
        process.wait().unwrap().signal(),
        Some(Signal::SIGABRT as i32),
        "whoever waits for it is told the truth"
    );
    let said = why(&site, "1");
    let told = ["died", "it was ended in the middle", "raise ulimit -v (here 4096000000)"];
    assert!(told.iter().all(|word| said.contains(word)), "{said}\n{}", site.log());
}

#[test]
fn a_document_larger_than_a_file_may_be_is_refused_and_nothing_is_left() {
    let site = Site::new();
    site.declare();
    let file = site.document("large", &vec![b'x'; 3_000_000]);
    let refused = run_below(&site, "-f 1024", "pdpr", &["-d", "office.front", file.to_str().unwrap()]);
    refused.expect(1).says("file too large").says("raise ulimit -f");
    assert!(site.print_files().is_empty() && site.jobs().is_empty());
}

#[test]
fn a_file_that_may_not_grow_is_an_error_of_its_device_alone_and_heals() {
    let site = Site::new();
    site.declare();
    let other = site.files.path().join("lp2.out");
    site.device("LP2", &format!("file://{}", other.display()), "OFF");
    site.spoolcom("LOC #OFFICE.BACK, DEV $LP2; DEV $LP1, START; DEV $LP2, START");
    // The hard limit: a soft one the process raises itself.
    let process = process_below(&site, "-f 2048");
    // Commands below the same limit: one with a higher limit would replace the process. Many copies of a document exceed it.
    let submit = |destination: &str, copies: &str, file: &Path| {
        let file = file.to_str().unwrap();
        finish(below(&site, "-f 2048", "pdpr", &["-d", destination, "-n", copies, file]).spawn().unwrap(), DEADLINE)
            .expect(0);
    };
    submit("office.front", "60", &site.document("large", &text("large", 60_000)));
    site.wait_for("the error", || site.spoolcom("DEV $LP1").out.contains("ERROR %55"));
    assert!(site.spoolcom("DEV $LP1").out.contains("raise ulimit -f"));
    submit("office.back", "1", &site.document("small", &text("small", 300)));
    site.wait_for("the other device prints", || site.jobs().len() == 1);
    assert_eq!(site.fastp(), Some(pid(process.id())), "it lives");
    // A command without the limit replaces the process, and the device heals.
    site.submit("office.back", "another", &site.document("another", &text("another", 300))).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), ["large"; 60]);
    end(process);
}

#[test]
fn one_that_waited_for_the_lock_in_worse_circumstances_steps_aside_too() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let first = process_below(&site, "-f 2048");
    site.wait_for("it runs", || site.fastp() == Some(pid(first.id())) && site.counts_as_running());
    // These wait for the lock of the first, before the one that the next command starts.
    let waiting: Vec<Child> = (0..3).map(|_| process_below(&site, "-f 2048")).collect();
    let looks_at_the_lock = |process: &Child| {
        let opened = std::fs::read_dir(format!("/proc/{}/fd", process.id())).into_iter().flatten().flatten();
        opened.filter_map(|entry| entry.path().read_link().ok()).any(|path| path.ends_with(".spool-id"))
    };
    shows(&site, "they wait", || waiting.iter().all(looks_at_the_lock));
    site.submit("office.front", "one", &site.document("one", &text("one", 300))).expect(0);
    site.wait_until_empty();
    let shown = || site.spoolcom("PRINT $SPLA, STATUS DETAIL").out;
    shows(&site, "one without the limit runs", || shown().contains("AS USUAL"));
    assert_eq!(printed(&site), ["one"]);
    [first].into_iter().chain(waiting).for_each(end);
}

#[test]
fn a_print_process_without_descriptors_says_so_until_it_has_them() {
    // Where in its work it meets the limit differs: not begun, cannot read, cannot claim, cannot open its device.
    for descriptors in [14, 17, 19, 21] {
        let site = Site::new();
        site.declare();
        site.spoolcom("LOC #OFFICE.FRONT, DEV NONE; DEV $LP1, START");
        let file = site.document("one", &text("one", 300));
        site.submit("office.front", "one", &file).expect(0);
        let process = process_below(&site, &format!("-n {descriptors}"));
        site.run("spoolcom", &["LOC #OFFICE.FRONT, DEV $LP1"]).expect(0);
        let done = || site.run("pdls", &["-U", "--json"]).out.trim() == "" || printed(&site) == ["one"];
        shows(&site, "it prints or says why", || done() || why(&site, "1").contains("ulimit -n"));
        let shown = || site.spoolcom("PRINT $SPLA").out + &site.spoolcom("DEV $LP1").out;
        shows(&site, "the displays say so too", || done() || shown().contains("ulimit -n"));
        end(process);
        drop(site.stop());
        site.spoolcom("PRINT $SPLA, START");
        site.wait_until_empty();
        assert_eq!(printed(&site), ["one"], "{descriptors}");
        // Where all was printed before, the new process may just be beginning.
        shows(&site, "nothing is wrong", || !shown().contains("ERROR") && !shown().contains("ulimit -n"));
    }
}

#[test]
fn a_print_process_without_threads_says_so_until_it_has_them() {
    let Some(site) = OfNobody::new() else { return };
    let file = site.file("one", "one\n", 0o644);
    site.spoolcom("SPOOLER, START");
    for threads in ["1", "3", "4", "5"] {
        let line = format!("ulimit -u {threads} && exec \"$@\"");
        let pdpr = site.command("pdpr").get_program().to_owned();
        let mut below = Command::new("bash");
        below.args(["-c", &line, "bash"]).arg(pdpr).args(["-d", "a.b"]).arg(&file);
        site.dress(&mut below);
        finish(below.spawn().unwrap(), DEADLINE).expect(0);
    }
    let said = |commands: &str| finish(site.start("spoolcom", &[commands]), DEADLINE).out;
    shows(&site.site, "it prints or says why", || {
        let why = said("JOB 1, WHY");
        why.is_empty() || why.contains("ulimit -u")
    });
    drop(site.site.stop());
    site.spoolcom("PRINT SPLA, START");
    shows(&site.site, "all is printed", || said("JOB").lines().count() <= 1);
}

#[test]
fn processor_time_that_is_used_up_leaves_its_reason() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let process = process_below(&site, "-t 1000");
    site.wait_for("it runs", || site.fastp() == Some(pid(process.id())) && site.counts_as_running());
    kill(pid(process.id()), Signal::SIGXCPU).unwrap();
    let mut process = process;
    process.wait().unwrap();
    assert!(site.log().contains("its processor time is used up"), "{}", site.log());
    let shown = site.spoolcom("PRINT $SPLA").out;
    assert!(shown.contains("ERROR %100037") && shown.contains("raise ulimit -t"), "{shown}");
    // The next command that makes work starts it again.
    let file = site.document("one", &text("one", 300));
    site.submit("office.front", "one", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), ["one"]);
}

#[test]
fn a_command_whose_processor_time_is_used_up_says_so() {
    let site = Site::new();
    site.declare();
    // It waits for a print process that nobody starts: this one is at a gate of the test.
    let gate = site.files.path().join("gate");
    let listener = UnixListener::bind(&gate).unwrap();
    let file = site.document("one", &text("one", 300));
    let (path, mut command) = (file.to_str().unwrap(), Command::new("bash"));
    command.args(["-c", "ulimit -t 1000 && exec \"$@\"", "bash"]).arg(program("pdpr"));
    command.args(["-d", "office.front", path]);
    site.dress(&mut command);
    command.env("PD_FAULT", "before-commit@1").env("PD_GATE", &gate);
    let child = command.spawn().unwrap();
    let held = listener.accept().unwrap();
    kill(pid(child.id()), Signal::SIGPROF).unwrap();
    finish(child, DEADLINE).expect(1).says("pdpr: the limit of processor time (ulimit -t) is used up");
    drop(held);
    assert!(site.jobs().is_empty());
}

#[test]
fn a_variable_that_is_no_number_is_refused_where_it_is_typed() {
    let site = Site::new();
    site.declare();
    let file = site.document("one", &text("one", 300));
    for (name, arguments) in [
        ("pdpr", &["-d", "office.front", file.to_str().unwrap()][..]),
        ("spoolcom", &["DEV $LP1, START"]),
        ("spoolcom", &["DEV $LP9, SPEED 50"]),
    ] {
        let refused = finish(site.command(name).args(arguments).env("PD_FASTP_IDLE", "nan").spawn().unwrap(), DEADLINE);
        assert!([1, 3].contains(&refused.status), "{refused:#?}");
        refused.says("PD_FASTP_IDLE=nan: expected a number of seconds");
    }
    assert!(site.jobs().is_empty());
    let shown = finish(site.command("pdls").env("PD_FASTP_IDLE", "nan").spawn().unwrap(), DEADLINE);
    shown.expect(0);
    let base = site.base().to_str().unwrap();
    site.run("fastp", &["--base", base, "--process", "SPLA", "--idle", "nan"]).expect(2).says("number of seconds");
    let mut started = site.command("fastp");
    started.args(["--base", base, "--process", "SPLA"]).env("PD_FASTP_IDLE", "-1");
    finish(started.spawn().unwrap(), DEADLINE).expect(1).says("PD_FASTP_IDLE=-1");
    assert!(site.log().contains("does not begin: PD_FASTP_IDLE=-1"), "{}", site.log());
    assert!(site.spoolcom("PRINT $SPLA").out.contains("PD_FASTP_IDLE=-1"), "it is in the displays");
}

/// A program where something is mounted first; none where we may not.
fn mounted(site: &Site, mount: &str, name: &str, arguments: &[&str]) -> Option<Outcome> {
    let may = |mount: &str| {
        let mut try_it = Command::new("unshare");
        try_it.args(["-m", "sh", "-c", mount]).stdout(Stdio::null()).stderr(Stdio::null());
        try_it.status().is_ok_and(|status| status.success())
    };
    if !may(mount) {
        eprintln!("SKIPPED: nothing can be mounted here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh"]).arg(program(name)).args(arguments);
    site.dress(&mut command);
    Some(finish(command.spawn().unwrap(), DEADLINE))
}

#[test]
fn where_proc_is_hidden_jobs_are_taken_shown_and_printed() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let file = site.document("one", &text("one", 300));
    let hide = "mount -t tmpfs none /proc";
    // The names of sockets may not be too long there: that of this base is.
    let Some(taken) = mounted(&site, hide, "pdpr", &["-d", "office.front", "-t", "one", file.to_str().unwrap()]) else {
        return;
    };
    taken.expect(0);
    for (name, arguments) in
        [("pdls", &["-U"][..]), ("spoolcom", &["DEV; PRINT; JOB"]), ("pdq", &["-d", "office.front"])]
    {
        mounted(&site, hide, name, arguments).unwrap().expect(0);
    }
    site.spoolcom("PRINT $SPLA, START");
    site.wait_until_empty();
    assert_eq!(printed(&site), ["one"]);
}

#[test]
fn on_a_read_only_base_displays_work_and_a_change_says_why_not() {
    let site = Site::new();
    site.declare();
    let file = site.document("one", &text("one", 300));
    site.submit("office.front", "one", &file).expect(0);
    let base = site.base().to_str().unwrap().replace('\'', "'\\''");
    let read_only = format!("mount --bind '{base}' '{base}' && mount -o remount,ro,bind '{base}'");
    for (name, arguments) in [
        ("pdls", &["-U"][..]),
        ("pdls", &["-c", "destination"]),
        ("pdq", &["-d", "office.front"]),
        ("spoolcom", &["DEV; PRINT; JOB; LOC; SPOOLER"]),
        ("spoolcom", &["JOB 1, WHY"]),
    ] {
        let Some(shown) = mounted(&site, &read_only, name, arguments) else { return };
        assert!(!shown.expect(0).out.is_empty());
    }
    for (name, arguments) in
        [("pdpr", &["-d", "office.front", file.to_str().unwrap()][..]), ("spoolcom", &["JOB 1, HOLD"])]
    {
        let refused = mounted(&site, &read_only, name, arguments).unwrap();
        assert!(refused.status == 1 || refused.status == 3, "{refused:#?}");
        refused.says("read-only");
    }
    assert_eq!(site.jobs().len(), 1);
}

/// A submission that stands inside its transaction, with the write gate, until the returned connection is dropped.
fn at_the_gate(site: &Site) -> (Child, std::os::unix::net::UnixStream) {
    let gate = site.files.path().join("gate");
    let listener = UnixListener::bind(&gate).unwrap();
    let file = site.document("first", &text("first", 300));
    let mut first = site.submission("office.front", "first", &file);
    first.env("PD_FAULT", "before-commit@1").env("PD_GATE", &gate);
    let child = first.spawn().unwrap();
    (child, listener.accept().unwrap().0)
}

#[test]
fn who_waits_at_the_write_gate_says_for_whom_and_a_stopped_one_stops_no_display() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let (first, held) = at_the_gate(&site);
    kill(pid(first.id()), Signal::SIGSTOP).unwrap();
    for commands in ["DEV", "DEV $LP1", "JOB", "PRINT", "SPOOLER", "LOC"] {
        site.spoolcom(commands);
    }
    site.run("pdls", &["-U"]).expect(0);
    let file = site.document("second", &text("second", 300));
    let mut second = site.submission("office.front", "second", &file);
    let refused = finish(second.env("PD_WRITE_GATE_MS", "2000").spawn().unwrap(), DEADLINE);
    let stopped = format!("waiting for process {} (pdpr), which has been writing to the spool for ", first.id());
    let refused = refused.expect(1).says(&stopped).says(&format!("kill -CONT {} lets it go on", first.id()));
    refused.says("the spool was busy for 2 s: nothing was changed");
    let changed = finish(
        site.command("spoolcom")
            .arg("LOC #A.B, DEV $LP1; LOC #A.C, DEV $LP1")
            .env("PD_WRITE_GATE_MS", "2000")
            .spawn()
            .unwrap(),
        DEADLINE,
    );
    changed.expect(1).says(&stopped);
    kill(pid(first.id()), Signal::SIGCONT).unwrap();
    drop(held);
    finish(first, DEADLINE).expect(0);
    site.submit("office.front", "second", &file).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), ["first", "second"]);
}

#[test]
fn a_submission_that_a_print_process_takes_has_one_deadline_too() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let mut process = site.start_with_submission_socket("600", &[]);
    let gate = FileLock::exclusive(&site.paths().write_lock(), DEADLINE).unwrap().unwrap();
    holder::sign(&gate);
    let file = site.document("one", &text("one", 300));
    let mut submission = site.submission("office.front", "one", &file);
    let refused = finish(submission.env("PD_WRITE_GATE_MS", "6000").spawn().unwrap(), DEADLINE);
    let us = format!("waiting for process {} (", std::process::id());
    refused.expect(1).says(&us).says("the spool was busy for 6 s: nothing was changed");
    drop(gate);
    // What was refused is not there, and never comes.
    site.submit("office.front", "two", &site.document("two", &text("two", 300))).expect(0);
    site.wait_until_empty();
    assert_eq!(printed(&site), ["two"]);
    kill(pid(process.id()), Signal::SIGTERM).unwrap();
    process.wait().unwrap();
}
