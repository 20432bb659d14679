//! A print process without FILE: only its user starts it. A job that comes before that puts it in error, and its device too.

use crate::support::{DEADLINE, Site, finish};

#[test]
fn a_job_for_a_process_that_its_user_has_not_started_puts_it_in_error_5016() {
    let site = Site::new();
    site.spoolcom("PRINT $IND, PARM 5; SPOOLER, START");
    site.spoolcom("DEV $IP, PROCESS $IND, URI null:, HEADER OFF; LOC #I.I, DEV $IP; DEV $IP, START");
    assert!(site.spoolcom("DEV $IP").out.contains("WAITING"), "nothing is to be printed yet");
    let file = site.document("one", b"one\n");
    site.submit("i.i", "one", &file).expect(0);

    let device = site.spoolcom("DEV $IP").out;
    assert!(device.contains("PROC ERROR"), "{device}");
    let process = site.spoolcom("PRINT $IND").out;
    assert!(process.contains("ERROR %5016"), "{process}");
    let why = site.spoolcom("JOB 1, WHY").out;
    assert!(why.contains("its user has not started it") && why.contains("PRINT $IND, START"), "{why}");
    // Nobody has started it yet, so START leads to the same.
    let start = site.spoolcom("PRINT $IND, START");
    assert!(start.err.contains("WARNING: PROCESS $IND IS INDEPENDENT"), "{start:#?}");
    assert!(site.spoolcom("PRINT $IND").out.contains("ERROR %5016"));

    // Its user starts it: that alone is enough here.
    let mut command = site.command("fastp");
    command.arg("--base").arg(site.base()).args(["--process", "IND", "--idle", "0"]);
    finish(command.spawn().unwrap(), DEADLINE).expect(0);
    assert!(site.jobs().is_empty(), "{:#?}", site.jobs());
    let process = site.spoolcom("PRINT $IND").out;
    assert!(process.contains("DORMANT"), "{process}");
}
