//! Jobs that are seen while they arrive: OPEN, with the real programs.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Site, finish};

/// A `pdpr` that hands in what comes over a pipe.
struct Writer {
    child: Child,
    pipe: ChildStdin,
}

const LONG: Duration = Duration::from_secs(60);

impl Writer {
    /// Begins to write, and waits until the job is seen.
    fn begin(site: &Site, words: &[&str]) -> Self {
        let mut command = site.command("pdpr");
        command.args(words).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(b"the first line\n").unwrap();
        let before = open(site).len();
        site.wait_for("a job that arrives", || open(site).len() > before);
        Self { child, pipe }
    }

    /// Writes the rest, and returns what became of it.
    fn end(mut self) -> crate::support::Outcome {
        // A submission that was ended reads no more.
        let _ = self.pipe.write_all(b"the last line\n");
        drop(self.pipe);
        finish(self.child, LONG)
    }
}

fn jobs(site: &Site, qualifiers: &str) -> Vec<Value> {
    serde_json::from_str(&site.spoolcom_json(&format!("JOB {qualifiers}"))).unwrap()
}

fn open(site: &Site) -> Vec<Value> {
    jobs(site, "(STATE OPEN)")
}

/// A display with single blanks.
fn shown(site: &Site, commands: &str) -> String {
    let out = site.spoolcom(commands).out;
    out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn site() -> Site {
    let mut site = Site::new();
    site.env.push(("PD_CONFIRM_DELETE", "no"));
    site.spoolcom("COLLECT $S, FILE CSPOOL; PRINT $SPLA, FILE fastp; LOC #PARK.A, DEV; SPOOLER, START");
    site
}

fn state_of(site: &Site, job: u32) -> String {
    let found: Value = serde_json::from_str(&site.spoolcom_json(&format!("JOB {job}"))).unwrap();
    let one = found.as_array().map_or(&found, |all| &all[0]);
    one["state"].as_str().unwrap().to_owned()
}

#[test]
fn every_cell_of_an_open_job_is_what_the_manual_says() {
    let site = site();
    let writer = Writer::begin(&site, &["-d", "park.a", "-n", "2"]);
    let table = shown(&site, "JOB");
    let line = table.lines().find(|line| line.contains("#PARK.A")).unwrap();
    assert!(line.contains(" OP 4 "), "{table}");
    for refused in
        ["COPIES 2", "FORM X", "LOC #PARK.B", "OWNER root", "REPORT X", "SELPRI 7", "START", "DELETE", "HOLD"]
    {
        let said = site.run("spoolcom", &[&format!("JOB 1, {refused}")]).expect(1);
        assert!(said.err.contains("JOB 1 INVALID OPERATION IN CURRENT STATE"), "{refused}: {said:#?}");
    }
    let detail = shown(&site, "JOB 1, STATUS DETAIL");
    assert!(detail.contains("STATE: OPEN") && detail.contains("CLOSED:\n"), "{detail}");
    site.spoolcom("JOB 1, HOLDAFTER ON");
    assert!(shown(&site, "JOB 1").contains(" OP 4A "));
    assert!(site.spoolcom("JOB 1, WHY").out.contains("arriving"));
    let counted = site.spoolcom("JOB, SUMMARY; SPOOLER, STATISTICS").out;
    assert!(counted.contains("OPEN JOBS               : 1"), "{counted}");
    // pdmod takes a hold, which takes effect at the close, and nothing else.
    site.run("pdmod", &["-x", "job-hold=true", "1"]).expect(0);
    assert!(shown(&site, "JOB 1").contains(" OP 4AB "));
    assert_ne!(site.run("pdmod", &["-x", "job-priority=90", "1"]).status, 0);
    assert!(site.run("pdls", &["-r", "job-state", "-s", "line"]).expect(0).out.contains("pre-processing"));
    writer.end().expect(0);
    let line = shown(&site, "JOB 1");
    assert!(line.contains(" HL 4A ") && open(&site).is_empty(), "{line}");
    let detail = site.spoolcom("JOB 1, STATUS DETAIL").out;
    assert!(detail.contains("COPIES: 2") && detail.contains("LINES: 2"), "{detail}");
    site.run("pdfsck", &[]).expect(0);
}

#[test]
fn listopens_names_the_process_that_writes_and_a_drain_waits_for_it() {
    let site = site();
    let writer = Writer::begin(&site, &["-d", "park.a", "-t", "LEDGER"]);
    let opens = site.spoolcom("COLLECT $S, LISTOPENS").out;
    let process = format!("0,{}", writer.child.id());
    assert!(opens.contains("CPU,PIN") && opens.contains(&process) && opens.contains("LEDGER"), "{opens}");
    let drained = site.run("spoolcom", &["COLLECT $S, DRAIN; COLLECT $S"]).expect(0);
    assert!(drained.out.contains("DRAIN") && drained.err.contains("IS REQUESTED"), "{drained:#?}");
    site.spoolcom("SPOOLER, DRAIN");
    assert!(site.spoolcom("SPOOLER").out.contains("DRAIN"));
    let letter = site.document("letter", b"letter\n");
    site.submit("park.a", "late", &letter).expect(1).says("takes no jobs");
    // What was open is not lost by the drain, and the drain ends with it.
    writer.end().expect(0);
    assert_eq!(state_of(&site, 1), "ready");
    assert!(site.spoolcom("SPOOLER; COLLECT $S").out.contains("WARM"));
    assert!(site.spoolcom("COLLECT $S").out.contains("DORMANT"));
}

#[test]
fn a_job_that_is_removed_while_it_arrives_ends_its_submission() {
    let site = site();
    let writer = Writer::begin(&site, &["-d", "park.a"]);
    site.run("pdrm", &["1"]).expect(0);
    // It ends although its pipe is still open, and nobody writes.
    let Writer { child, pipe } = writer;
    let ended = finish(child, LONG).expect(1);
    assert!(ended.err.contains("was removed while it was still arriving"), "{ended:#?}");
    drop(pipe);
    assert!(jobs(&site, "").is_empty() && site.print_files().is_empty());
    let log = site.spoolcom("JOB 1, LOG").out;
    assert!(log.contains("deleted"), "{log}");
    site.run("pdfsck", &[]).expect(0);
}

#[test]
fn a_job_whose_writer_dies_is_marked_and_goes_with_the_next_change() {
    let site = site();
    let mut writer = Writer::begin(&site, &["-d", "park.a"]);
    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    assert!(shown(&site, "JOB 1").contains(" OP 4X "));
    // Nobody has it open, and it is not said to be arriving.
    assert!(site.spoolcom("COLLECT $S, LISTOPENS").out.contains("NO JOBS CURRENTLY OPEN"));
    let refused = site.run("spoolcom", &["JOB (STATE OPEN), DELETE"]).expect(1).err;
    assert!(refused.contains("has died: the next command that changes something removes the job"), "{refused}");
    site.spoolcom("LOC #PARK.B, DEV");
    assert!(jobs(&site, "").is_empty());
    assert!(site.spoolcom("JOB 1, LOG").out.contains("its submitter ended"));
    site.run("pdfsck", &[]).expect(0);
}
