//! Collectors and the spooler as a whole with the real programs: who takes jobs, what a drained door answers, and what REBUILD,
//! DUMP and ERRLOG do.

use serde_json::Value;

use crate::support::Site;

fn states(site: &Site) -> Vec<(String, String)> {
    let shown: Vec<Value> = serde_json::from_str(&site.spoolcom_json("COLLECT")).unwrap();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    shown.iter().map(|one| (text(one, "collect"), text(one, "state"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn a_spool_without_collectors_has_one_that_can_be_drained_and_declared() {
    let site = Site::new();
    site.declare();
    site.start("LP1");
    let letter = site.document("letter", b"letter\n");
    assert_eq!(states(&site), pairs(&[("$S", "active")]));
    site.submit("office.front", "one", &letter).expect(0);
    site.spoolcom("COLLECT $S, DRAIN");
    let refused = site.submit("office.front", "two", &letter).expect(1);
    assert!(refused.err.contains("no collector is ACTIVE") && refused.err.contains("file error 14"), "{refused:#?}");
    let refused = site.submit("$S.#OFFICE.FRONT", "two", &letter).expect(1);
    assert!(refused.err.contains("collector $S is DORMANT"), "{refused:#?}");
    let refused = site.submit("$NIX.#OFFICE.FRONT", "two", &letter).expect(1);
    assert!(refused.err.contains("collector $NIX"), "{refused:#?}");
    site.spoolcom("COLLECT $S, START");
    site.submit("$S.#OFFICE.FRONT", "two", &letter).expect(0);

    // Whoever declares another one does not close the first by that.
    let other = Site::new();
    other.declare();
    other.spoolcom("COLLECT $B, FILE CSPOOL");
    assert_eq!(states(&other), pairs(&[("$B", "dormant"), ("$S", "active")]));
    other.submit("office.front", "one", &letter).expect(0);
    // Nor does he who gives it its first attributes.
    let third = Site::new();
    third.declare();
    third.spoolcom("COLLECT $S, CPU 3, DATA $D.X.Y");
    assert_eq!(states(&third), pairs(&[("$S", "active")]));
    third.run("spoolcom", &["COLLECT $S, CPU 4"]).expect(1).says("INVALID OPERATION IN CURRENT STATE");
    third.spoolcom("COLLECT $S, CPU 3");
    // With a spooler that was never started nobody has come in by it.
    let cold = Site::new();
    cold.spoolcom("COLLECT $B, FILE CSPOOL");
    assert_eq!(states(&cold), pairs(&[("$B", "dormant")]));
    cold.spoolcom("SPOOLER, START");
    assert_eq!(states(&cold), pairs(&[("$B", "active")]));
}

#[test]
fn a_job_belongs_to_the_collector_that_took_it_and_keeps_it_from_being_deleted() {
    let site = Site::new();
    site.spoolcom(
        "COLLECT $B, DATA $D.X.B; COLLECT $A, DATA $D.X.A, UNIT 8; PRINT $SPLA, FILE fastp; LOC #PARK, DEV; SPOOLER, START",
    );
    let letter = site.document("letter", b"letter\n");
    site.submit("#PARK.DEFAULT", "first", &letter).expect(0);
    site.submit("$b.#PARK", "second", &letter).expect(0);
    let of = |condition: &str| -> Vec<u64> {
        let jobs: Vec<Value> = serde_json::from_str(&site.spoolcom_json(&format!("JOB ({condition})"))).unwrap();
        jobs.iter().map(|job| job["job"].as_u64().unwrap()).collect()
    };
    assert_eq!((of("COLLECT $A"), of("COLLECT b"), of("DATAFILE $D.X.B")), (vec![1], vec![2], vec![2]));
    let listing = site.run("pdls", &["-U", "-r", "job-number,collector", "--json"]).expect(0).out;
    assert!(listing.contains("\"collector\":\"B\"") || listing.contains("\"collector\": \"B\""), "{listing}");
    site.run("spoolcom", &["COLLECT $A, CPU 1"]).expect(1).says("INVALID OPERATION IN CURRENT STATE").says("DRAIN");
    site.spoolcom("COLLECT $A, DRAIN");
    site.run("spoolcom", &["COLLECT $A, UNIT 16"]).expect(1).says("UNIT");
    site.run("spoolcom", &["COLLECT $A, DELETE"]).expect(1).says("ENTRY IN USE");
    site.spoolcom("JOB 1, DELETE; COLLECT $A, DELETE");
    assert_eq!(states(&site), pairs(&[("$B", "active")]));
    let log = site.spoolcom("COLLECT $B, LOG").out;
    assert!(log.contains("declared") && log.contains("started"), "{log}");
}

#[test]
fn rebuild_is_pdfsck_and_dump_a_snapshot() {
    let site = Site::new();
    site.declare();
    let letter = site.document("letter", b"letter\n");
    site.submit("office.front", "one", &letter).expect(0);
    site.run("spoolcom", &["SPOOLER, REBUILD"]).expect(1).says("GIVEN CURRENT SPOOLER STATE");
    site.run("spoolcom", &["SPOOLER, REBUILD, START"]).expect(2).says("REBUILD is the last");
    let dump = site.files.path().join("dump");
    let command = format!("SPOOLER, DUMP {}", dump.display());
    site.spoolcom(&command);
    let jobs = rusqlite::Connection::open(&dump).unwrap().query_row("SELECT count(*) FROM job", [], |row| row.get(0));
    assert_eq!(jobs, Ok(1_i64));
    site.run("spoolcom", &[&command]).expect(1).says("FILE ERROR").says("there already");

    site.spoolcom("SPOOLER, DRAIN");
    site.wait_for("the spooler is WARM", || site.spoolcom("SPOOLER").out.contains("WARM"));
    let database = rusqlite::Connection::open(site.base().join("spool.db")).unwrap();
    database.execute("UPDATE spool SET held_jobs = 7", []).unwrap();
    drop(database);
    let ran = site.spoolcom("SPOOLER, REBUILD; SPOOLER");
    assert!(ran.out.contains("held jobs: are counted as 7, there are 0\n  mended: "), "{ran:#?}");
    assert!(ran.out.contains("nothing is wrong") && ran.out.contains("$SPLS    WARM"), "opened again: {ran:#?}");
}

#[test]
fn the_log_file_of_the_spooler_is_told_what_happens_and_lies_nowhere_in_the_spool() {
    let site = Site::new();
    site.declare();
    let log = site.files.path().join("log");
    site.spoolcom(&format!("SPOOLER, ERRLOG {}", log.display()));
    site.spoolcom("DEV $LP1, START; DEV $LP1, DRAIN; COLLECT $S, DRAIN; SPOOLER, ERRLOG NONE; DEV $LP1, START");
    let text = std::fs::read_to_string(&log).unwrap();
    let said: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    for (part, times) in
        [("SPOOLER altered: ERRLOG", 1), ("DEV $LP1 started", 1), ("COLLECT $S drained", 1), ("LOC ", 0)]
    {
        assert_eq!(said.iter().filter(|line| line.starts_with(part)).count(), times, "{part}: {text}");
    }
    let database = site.base().join("spool.db");
    let inside = format!("SPOOLER, ERRLOG \"{}\"", database.display());
    site.run("spoolcom", &[&inside]).expect(1).says("among the files of the spool");
    site.run("spoolcom", &["SPOOLER, ERRLOG /nonexistent/dir/\u{1}"]).expect(2);
    assert!(site.spoolcom("SPOOLER").out.contains("run/fastp.log"), "none is named any more");
}

#[test]
fn open_says_what_it_found_instead_of_a_supervisor() {
    let site = Site::new();
    site.declare();
    for (line, says) in [
        ("OPEN $S", "SPOOLCOM ATTACHED TO UNKNOWN TYPE PROCESS"),
        ("OPEN $SPLA", "SPOOLCOM ATTACHED TO UNKNOWN TYPE PROCESS"),
        ("OPEN $NIX", "SPOOLER OPEN ERROR 14"),
        ("OPEN 5X", "SPOOLER SUPERVISOR MUST BE A PROCESS"),
    ] {
        let ran = site.run("spoolcom", &[&format!("{line}; DEV")]).expect(3);
        assert!(ran.err.starts_with(&format!("{says}\n")) && ran.err.contains("SPOOLER NOT OPEN"), "{line}: {ran:#?}");
    }
}
