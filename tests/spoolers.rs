//! Other spoolers of this machine, and the current job and batch of a session.

use std::io::Write;
use std::process::Stdio;

use crate::support::{DEADLINE, Outcome, Site, finish};

fn lines(site: &Site, text: &str) -> Outcome {
    let mut child = site.command("spoolcom").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    finish(child, DEADLINE)
}

#[test]
fn open_goes_to_another_spooler_of_this_machine_by_its_name_or_directory() {
    let (site, other) = (Site::new(), Site::new());
    site.declare();
    other.declare();
    other.spoolcom("LOC #THERE.X, DEV $LP1");
    let config = site.files.path().join(".config/spoolsuite");
    std::fs::create_dir_all(&config).unwrap();
    let (there, new) = (other.base().display().to_string(), site.files.path().join("new").display().to_string());
    let spoolers = format!("# other spoolers\n$SPLB {there}\nsplc  {new}\n$SPLD here\n");
    std::fs::write(config.join("spoolers"), spoolers).unwrap();

    let ran = lines(&site, "LOC\nOPEN $splb\nLOC; SPOOLER; SPOOLER, STATISTICS\nOPEN $SPLS\nLOC; SPOOLER\n").expect(0);
    assert_eq!(ran.out.matches("#THERE.X").count(), 1, "{ran:#?}");
    let names: Vec<&str> =
        ran.out.lines().filter(|line| line.contains("$SPL")).filter(|line| !line.contains("$SPLA")).collect();
    assert!(names[0].starts_with("$SPLB ") && names[1] == "SPOOL SUPERVISOR: $SPLB", "{names:?}");
    assert!(names[2].starts_with("$SPLS "), "{names:?}");
    for words in [&["$SPLB; LOC"][..], &["--spooler", "$SPLB", "LOC"]] {
        assert!(site.run("spoolcom", words).expect(0).out.contains("#THERE.X"), "{words:?}");
    }
    assert!(lines(&site, &format!("OPEN \"{there}\"\nLOC\n")).expect(0).out.contains("#THERE.X"));
    assert!(site.run("spoolcom", &["--json", "$SPLB; SPOOLER"]).out.contains("\"spooler\":\"$SPLB\""));

    // A change goes where the name leads, and a spool comes into being there.
    site.spoolcom("$SPLC; PRINT $SPLX, FILE fastp");
    assert!(std::path::Path::new(&new).join("spool.db").exists());
    assert!(!site.spoolcom("PRINT").out.contains("$SPLX"));

    // What is not there shuts: nothing that follows is about the spool before.
    for bad in ["OPEN $NIX", "OPEN $SPLD", "OPEN /nowhere"] {
        let ran = lines(&site, &format!("LOC\n{bad}\nLOC #OFFICE.FRONT, DELETE\nOPEN $SPLS\nLOC\n")).expect(3);
        assert!(ran.err.contains("SPOOLER OPEN ERROR 14") && ran.err.contains("SPOOLER NOT OPEN"), "{ran:#?}");
        assert_eq!(ran.out.matches("#OFFICE.FRONT").count(), 2, "{ran:#?}");
    }
    site.run("spoolcom", &["$NIX; LOC #OFFICE.FRONT, DELETE"]).expect(3).says("no spooler is called $NIX");
    site.run("spoolcom", &["$SPLD; LOC"]).expect(3).says("spoolers:4");
}

#[test]
fn a_node_that_is_another_one_changes_nothing_and_makes_nothing() {
    let site = Site::new();
    for words in
        [&["\\ELSEWHERE.$SPLS; COLLECT $S, PRI 100"][..], &["--spooler", "\\ELSEWHERE.$SPLS", "COLLECT $S, PRI 100"]]
    {
        site.run("spoolcom", words).expect(3).says("there is no spooler on \\ELSEWHERE");
        assert!(!site.paths().database().exists(), "{words:?}");
    }
    // Ours comes into being with the first declaration, and may be opened before.
    let ran = lines(&site, "OPEN $SPLS\nPRINT $SPLA, FILE fastp\nSPOOLER, START\n").expect(0);
    assert_eq!(ran.err, "", "{ran:#?}");
    site.declare();
    site.run("spoolcom", &["--spooler", "\\ELSEWHERE.$SPLS", "DEV $LP1, FORM X"]).expect(3);
    assert!(!site.spoolcom("DEV $LP1").out.contains(" X "));
}

#[test]
fn a_summary_is_about_all_jobs_and_refused_among_commands_for_one() {
    let site = Site::new();
    site.declare();
    site.submit("office.front", "one", &site.document("one", b"text\n")).expect(0);
    for line in ["JOB, NEXT, SUMMARY", "JOB, NEXT; JOB, SUMMARY, WHY", "JOB 1, CURRENT; JOB, HOLD, SUMMARY"] {
        site.run("spoolcom", &[line]).expect(2).says("it counts all jobs");
    }
    assert_eq!(site.jobs()[0]["current-job-state"], "pending", "what was refused changed nothing");
}

#[test]
fn the_current_job_is_what_a_command_without_a_number_means() {
    let site = Site::new();
    site.declare();
    let file = site.document("file", b"text\n");
    for name in ["one", "two", "three"] {
        site.submit("office.front", name, &file).expect(0);
    }
    site.spoolcom("JOB 2, DELETE; JOB, STATUS");
    // Nothing is current in the beginning: a lost number never means a job.
    site.run("spoolcom", &["JOB, HOLD"]).expect(2).says("OBJECT NAME MISSING");
    lines(&site, "JOB, HOLD\n").expect(2).says("OBJECT NAME MISSING");
    site.run("spoolcom", &["JOB, CURRENT"]).expect(1).says("there is no current job");

    let ran =
        lines(&site, "JOB, NEXT\nJOB, CURRENT\nJOB, NEXT, STATUS\nJOB, HOLD, COPIES 4\nJOB 1, CURRENT\nJOB, HOLD\n")
            .expect(0);
    let numbers: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains(" RD "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(numbers, ["1", "3"], "the lowest, and the next that is there: {ran:#?}");
    let jobs: serde_json::Value = serde_json::from_str(&site.spoolcom_json("JOB")).unwrap();
    assert_eq!((&jobs[0]["state"], &jobs[1]["state"], &jobs[1]["copies"]), (&"hold".into(), &"hold".into(), &4.into()));
    // In one quoted string, too.
    site.spoolcom("JOB 3, CURRENT; JOB, COPIES 2; JOB");
    assert_eq!(site.jobs()[1]["documents"][0]["copy-count"], 2);

    // After a CURRENT or NEXT that failed nothing is current: what follows is not about the one before.
    for wrong in ["JOB 9, CURRENT", "JOB 3, NEXT"] {
        let ran = lines(&site, &format!("JOB 1, CURRENT\n{wrong}\nJOB, DELETE\n")).expect(1);
        assert!(ran.err.contains("ENTRY NOT FOUND") && ran.err.contains("OBJECT NAME MISSING"), "{ran:#?}");
    }
    // Another spooler has other jobs.
    let ran = lines(&site, "JOB 1, CURRENT\nOPEN $SPLS\nJOB, DELETE\n").expect(1);
    assert!(ran.err.contains("OBJECT NAME MISSING"), "{ran:#?}");
    assert_eq!(site.jobs().len(), 2);
    for wrong in ["JOB (STATE HOLD), CURRENT", "JOB (STATE HOLD), NEXT"] {
        site.run("spoolcom", &[wrong]).expect(2).says("is about one job");
    }

    // Batches likewise.
    let ran = lines(&site, "BATCH, HOLD\nBATCH 7, LINK 1\nBATCH 7, CURRENT\nBATCH, LINK 3, COPIES 5\nBATCH, CURRENT\n")
        .expect(1);
    assert!(ran.err.starts_with("OBJECT NAME MISSING\n") && ran.err.matches("MISSING").count() == 1, "{ran:#?}");
    assert_eq!(
        ran.out.lines().skip(1).filter(|line| line.split_whitespace().nth(1) == Some("7")).count(),
        2,
        "{ran:#?}"
    );
    let ran = lines(&site, "BATCH 7, CURRENT\nBATCH 8, CURRENT\nBATCH, DELETE\n").expect(1);
    assert!(ran.err.contains("there is no current batch") || ran.err.contains("OBJECT NAME MISSING"), "{ran:#?}");
    assert_eq!(site.jobs().len(), 2);
}
