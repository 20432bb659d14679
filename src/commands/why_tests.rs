//! Every cause of a job that does not print: a real spool is brought into the state, and the line is read.

use super::why::{Times, object, words};
use crate::model::JobRef;
use crate::model::device::DeviceChange;
use crate::model::guardian::ProcessError;
use crate::model::state::{Delivery, DeviceWish, ErrorNote, HoldReason, SpoolerState};
use crate::model::wait::Wait;
use crate::spool::interface::engine::{AttemptEnd, Engine, Observation};
use crate::spool::interface::operations::Operations;
use crate::spool::printing::progress::{Progress, Standstill};
use crate::spool::testing::{Site, at, clock, delivered, error, name, pass};

fn times() -> Times {
    Times { zone: jiff::tz::TimeZone::UTC, now_ms: clock().wall_ms }
}

/// The causes of `job`: keywords and lines.
#[track_caller]
fn check(site: &mut Site, job: &JobRef, expected: &[(&str, &str)]) {
    let why = site.local.why(job.clone()).unwrap();
    let found: Vec<(&str, String)> = why
        .causes
        .iter()
        .map(|cause| {
            let object = object(cause, &times());
            assert_eq!(object["cause"], cause.keyword());
            assert_eq!(object["text"], words(cause, &times()));
            (cause.keyword(), words(cause, &times()))
        })
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|one| (one.0, one.1.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_job_that_nothing_keeps_back_is_next_or_behind_others() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let first = site.job();
    let second = site.job();
    let third = site.job();
    check(&mut site, &first, &[("next", "it is next on $LP1")]);
    check(&mut site, &second, &[("behind", "it is behind 1 job on $LP1")]);
    let claim = site.claim(&alive, "LP1");
    pass(5);
    alive.progress.put(1, &at(&claim, 400)).unwrap();
    let now = "job 1 prints now: 400 of 1000 octets, since 09:00:00";
    check(
        &mut site,
        &first,
        &[("printing", "it prints on $LP1: document 1 of 1, copy 1, 400 of 1000 octets, since 09:00:00")],
    );
    check(&mut site, &second, &[("next", &format!("it is next on $LP1; {now}"))]);
    check(&mut site, &third, &[("behind", &format!("it is behind 2 jobs on $LP1; {now}"))]);
    pass(31);
    alive.progress.heartbeat(77, clock().boot_ms).unwrap();
    let slow = "printer slow: 400 of 1000 octets accepted, none since 09:00:05";
    check(&mut site, &first, &[("printer-slow", &format!("it prints on $LP1, {slow}"))]);
    check(&mut site, &second, &[("next", &format!("it is next on $LP1; job 1 prints now, {slow}"))]);
}

#[test]
fn a_printer_that_stands_still_says_since_when_and_after_how_much() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let (job, next) = (site.job(), site.job());
    let claim = site.claim(&alive, "LP1");
    let stalled = Some(Standstill { since_boot_ms: clock().boot_ms, octets: 300 });
    alive.progress.put(1, &Progress { stalled, ..at(&claim, 400) }).unwrap();
    pass(5);
    let stands = "the printer accepts nothing since 09:00:00 (300 of 1000 octets so far)";
    check(&mut site, &job, &[("printer-stalled", &format!("it prints on $LP1: {stands}"))]);
    check(&mut site, &next, &[("next", &format!("it is next on $LP1; job 1 prints now: {stands}"))]);
}

#[test]
fn what_is_waited_for_at_a_device_is_named_and_a_job_before_its_open_does_not_print() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let (job, next) = (site.job(), site.job());
    let since = clock().boot_ms;
    // Without a job, as a device is tried after an error or opened by EXCLUSIVE ON.
    let none = Progress { device: site.device_id("LP1"), ..at(&site.claim(&alive, "LP1"), 0) };
    let claimed = none.clone();
    let none = Progress { entry: None, attempt: 0, awaits: Some((Wait::Opening, since)), ..none };
    alive.progress.put(1, &Progress { awaits: Some((Wait::Reader, since)), ..claimed.clone() }).unwrap();
    alive.progress.put(2, &none).unwrap();
    pass(40);
    alive.progress.heartbeat(77, clock().boot_ms).unwrap();
    let name = "waiting for a program that reads socket://h:9100 since 09:00:00";
    check(&mut site, &job, &[("device-opening", &format!("it is next on $LP1, which is being opened: {name}"))]);
    let opening = "$LP1 is being opened: waiting for socket://h:9100 to open since 09:00:00";
    let now = format!("it is next on $LP1; the device is being opened for job 1: {name}");
    check(&mut site, &next, &[("next", &now), ("device-opening", opening)]);
    alive.progress.clear(2).unwrap();
    alive
        .progress
        .put(1, &Progress { octets: 1000, awaits: Some((Wait::LastOctets, since)), ..claimed.clone() })
        .unwrap();
    let sent = "every octet is sent, waiting for its last octets to be taken since 09:00:00";
    check(&mut site, &job, &[("printing", &format!("it prints on $LP1: {sent}"))]);
    check(&mut site, &next, &[("next", &format!("it is next on $LP1; job 1 prints now: {sent}"))]);
    let closing = Progress { octets: 1000, awaits: Some((Wait::Close, since)), ..claimed };
    alive.progress.put(1, &closing).unwrap();
    let has = "$LP1 has all 1000 octets since 09:00:00; the connection has yet to close cleanly";
    check(&mut site, &job, &[("transferred", &format!("it is transferred: {has}"))]);
    check(&mut site, &next, &[("next", "it is next on $LP1; job 1 is sent: its close is waited for since 09:00:00")]);
}

#[test]
fn a_printer_that_took_nothing_since_the_attempt_began_is_slow_too() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    site.claim(&alive, "LP1");
    pass(30);
    alive.progress.heartbeat(77, clock().boot_ms).unwrap();
    check(
        &mut site,
        &job,
        &[("printing", "it prints on $LP1: document 1 of 1, copy 1, 0 of 1000 octets, since 09:00:00")],
    );
    pass(1);
    check(
        &mut site,
        &job,
        &[("printer-slow", "it prints on $LP1, printer slow: 0 of 1000 octets accepted, none since 09:00:00")],
    );
}

#[test]
fn a_transferred_job_waits_for_a_clean_close_and_a_deleted_one_for_its_attempt() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    let claim = site.claim(&alive, "LP1");
    pass(7);
    site.end(&alive, &claim, delivered(Delivery::Transferred));
    check(
        &mut site,
        &job,
        &[(
            "transferred",
            "it is transferred: $LP1 has all 1000 octets since 09:00:07; the connection has yet to close cleanly",
        )],
    );
    site.local.delete_job(job.clone(), None).unwrap();
    check(
        &mut site,
        &job,
        &[("terminating", "it is being removed (by ann, 09:00:07) and goes when its attempt on $LP1 has ended")],
    );
}

#[test]
fn every_hold_says_who_held_it_and_when() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    pass(60);
    site.local.hold_job(job.clone()).unwrap();
    check(&mut site, &job, &[("held", "it is held (by ann, 09:01:00)")]);
    let from_start = JobRef::Number(site.submit("office.front", |job| job.hold = true).number);
    check(&mut site, &from_start, &[("held-from-start", "it is held: submitted so (by ann, 09:01:00)")]);

    let after = JobRef::Number(site.submit("office.front", |job| job.hold_after = true).number);
    let claim = site.claim(&alive, "LP1");
    site.end(&alive, &claim, delivered(Delivery::Sent));
    check(
        &mut site,
        &after,
        &[("held-after-printing", "it is printed and held after that, as was asked (by $SPLA, 09:01:00)")],
    );

    let bad = site.job();
    let claim = site.claim(&alive, "LP1");
    let end = AttemptEnd::DataFailed {
        reason: HoldReason::Corrupt,
        text: "its digest differs".into(),
        moved: None,
        touched: false,
    };
    site.end(&alive, &claim, end);
    let corrupt = "it is held: its document is damaged: its digest differs (by $SPLA, 09:01:00)";
    check(&mut site, &bad, &[("held", corrupt)]);
    site.local.hold_job(bad.clone()).unwrap();
    check(&mut site, &bad, &[("held", "it is held (by ann, 09:01:00)"), ("held", corrupt)]);

    let paused = site.job();
    site.pause(&paused);
    check(&mut site, &paused, &[("paused", "it is paused (by bob, 09:01:00)")]);
}

#[test]
fn a_printing_job_that_was_held_prints_still_and_is_held() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    site.claim(&alive, "LP1");
    site.local.hold_job(job.clone()).unwrap();
    check(
        &mut site,
        &job,
        &[
            ("printing", "it prints on $LP1: document 1 of 1, copy 1, 0 of 1000 octets, since 09:00:00"),
            ("held", "it is held (by ann, 09:00:00)"),
        ],
    );
}

#[test]
fn a_spooler_that_is_not_active_comes_first() {
    let mut site = Site::empty();
    site.process("SPLA");
    site.device("LP1", "SPLA", &[]);
    site.route("#OFFICE.FRONT", Some("LP1"));
    site.local.start_spooler().unwrap();
    let job = site.job();
    // A spool of an earlier version may have jobs although it was never started.
    site.set_spooler_state(SpoolerState::Cold);
    check(&mut site, &job, &[("spooler-cold", "the spooler is COLD: it was never started; SPOOLER, START starts it")]);
    site.local.start_spooler().unwrap();
    let alive = site.alive("SPLA");
    let second = site.job();
    site.claim(&alive, "LP1");
    site.local.drain_spooler().unwrap();
    check(
        &mut site,
        &second,
        &[(
            "spooler-draining",
            "the spooler is in DRAIN (by ann, 09:00:00): what prints is finished, nothing else begins",
        )],
    );
    let claim = site.claim(&alive, "LP1");
    site.end(&alive, &claim, delivered(Delivery::Sent));
    site.local.drain_device(name("LP1")).unwrap();
    site.set_device_wish("LP1", DeviceWish::Stopped);
    check(
        &mut site,
        &second,
        &[
            ("spooler-drained", "the spooler is WARM: drained (by ann, 09:00:00); SPOOLER, START starts it"),
            ("device-stopped", "$LP1 is stopped (by ann, 09:00:00); DEV $LP1, START starts it"),
        ],
    );
}

#[test]
fn a_location_or_group_without_a_device_parks_its_jobs() {
    let mut site = Site::printing();
    site.route("#HOLD.DEFAULT", None);
    let job = JobRef::Number(site.submit("hold.default", |_| {}).number);
    check(
        &mut site,
        &job,
        &[("no-device", "its location #HOLD.DEFAULT leads to no device (disconnected by ann, 09:00:00)")],
    );
    let job = JobRef::Number(site.submit("#hold", |_| {}).number);
    check(&mut site, &job, &[("group-without-devices", "no location of its group #HOLD leads to a device")]);
}

#[test]
fn a_device_that_takes_no_jobs_says_who_wanted_it_so() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    pass(3600 * 24);
    alive.progress.heartbeat(77, clock().boot_ms).unwrap();
    site.local.drain_device(name("LP1")).unwrap();
    check(&mut site, &job, &[("device-draining", "$LP1 is draining (by ann, 09:00:00) and takes no other job")]);
    let id = site.device_id("LP1");
    site.spool.observe(&alive.lease, id, Observation::Drained, &clock()).unwrap();
    let stopped = "$LP1 is stopped (by ann, 09:00:00); DEV $LP1, START starts it";
    check(&mut site, &job, &[("device-stopped", stopped)]);
    pass(3600 * 24);
    let stopped = "$LP1 is stopped (by ann, 2026-11-22 09:00:00); DEV $LP1, START starts it";
    check(&mut site, &job, &[("device-stopped", stopped)]);
    site.local.start_device(name("LP1")).unwrap();
    site.set_device_wish("LP1", DeviceWish::Stopped);
    check(&mut site, &job, &[("device-offline", "$LP1 is offline; DEV $LP1, START starts it")]);
    site.set_device_wish("LP1", DeviceWish::Suspended);
    check(&mut site, &job, &[("device-suspended", "$LP1 is suspended; DEV $LP1, START lets it go on")]);
}

#[test]
fn a_device_that_was_never_started_says_what_it_lacks() {
    let mut site = Site::printing();
    site.device("LP2", "SPLA", &[]);
    site.route("#OFFICE.BACK", Some("LP2"));
    let job = JobRef::Number(site.submit("office.back", |_| {}).number);
    let never = "$LP2 was never started; DEV $LP2, START starts it";
    check(&mut site, &job, &[("device-never-started", never)]);
    site.local.change_device(name("LP3"), vec![DeviceChange::Form("A4".into())]).unwrap();
    site.route("#OFFICE.SIDE", Some("LP3"));
    let job = JobRef::Number(site.submit("office.side", |_| {}).number);
    check(
        &mut site,
        &job,
        &[
            ("device-never-started", "$LP3 was never started and has no PROCESS, no URI"),
            ("form-mismatch", "it needs no form, $LP3 carries form 'A4'"),
        ],
    );
}

#[test]
fn an_error_says_its_number_its_text_and_the_next_try() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    let id = site.device_id("LP1");
    pass(10);
    let next = clock().wall_ms + 5000;
    site.spool.observe(&alive.lease, id, Observation::Failed(error(Some(next))), &clock()).unwrap();
    let text = "$LP1 is in error %144: not ready; 2 tries since 09:00:10";
    check(&mut site, &job, &[("device-error", &format!("{text}, next try 09:00:15"))]);
    pass(6);
    check(&mut site, &job, &[("device-error", &format!("{text}, next try now"))]);
    let note = ErrorNote { tries: 1, ..error(None) };
    site.spool.observe(&alive.lease, id, Observation::Failed(note), &clock()).unwrap();
    check(
        &mut site,
        &job,
        &[(
            "device-error-for-good",
            "$LP1 is in error %144: not ready; 1 try since 09:00:10, no further try; DEV $LP1, START tries again",
        )],
    );
}

#[test]
fn an_error_that_no_process_tries_again_names_the_process_and_no_next_try() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    let job = site.job();
    let id = site.device_id("LP1");
    let seen = |note| site.spool.observe(&alive.lease, id, Observation::Failed(note), &clock()).unwrap();
    seen(error(Some(clock().wall_ms)));
    drop(alive.lock);
    let dead =
        "print process $SPLA of $LP1 died; the next command that makes work for it starts it, or PRINT $SPLA, START";
    let text = "error %144: not ready; 2 tries since 09:00:00";
    let found = [("process-dead", dead), ("device-error", &*format!("$LP1 is in {text}"))];
    check(&mut site, &job, &found);
    let seen = |note| site.spool.observe(&alive.lease, id, Observation::Failed(note), &clock()).unwrap();
    seen(error(None));
    site.local.change_device(name("LP1"), vec![DeviceChange::Restart(10)]).unwrap();
    let found =
        [("process-dead", dead), ("device-restarts", &*format!("$LP1 is offline by {text}; RESTART starts it again"))];
    check(&mut site, &job, &found);
    pass(11);
    check(&mut site, &job, &found);
}

#[test]
fn a_print_process_that_does_not_run_is_named_with_what_starts_it() {
    let mut site = Site::printing();
    let job = site.job();
    let starts = "the next command that makes work for it starts it, or PRINT $SPLA, START";
    let not_running = format!("print process $SPLA of $LP1 is not running; {starts}");
    check(&mut site, &job, &[("process-not-running", &not_running)]);
    let alive = site.alive("SPLA");
    site.claim(&alive, "LP1");
    pass(61);
    check(
        &mut site,
        &job,
        &[(
            "process-hung",
            "print process $SPLA of $LP1 hangs: no sign of life since 09:00:00; \
         PRINT $SPLA, START ends it and starts another",
        )],
    );
    drop(alive.lock);
    check(&mut site, &job, &[("process-dead", &format!("print process $SPLA of $LP1 died; {starts}"))]);
    let process = site.local.process(name("SPLA")).unwrap();
    for _ in 0..3 {
        site.spool.process_died(process.id, alive.lease.epoch, &clock()).unwrap();
    }
    check(&mut site, &job, &[("process-not-running", &not_running)]);
    site.spool
        .process_cannot_start(process.id, process.epoch, ProcessError::CannotStart, "fastp is not there", &clock())
        .unwrap();
    check(
        &mut site,
        &job,
        &[(
            "process-error",
            &format!(
                "print process $SPLA of $LP1 is in error %100016: it cannot be started: fastp is not there, \
             since 09:01:01; {starts}"
            ),
        )],
    );
}

#[test]
fn a_print_process_that_died_too_often_needs_a_start_and_an_independent_one_its_user() {
    let mut site = Site::printing();
    let job = site.job();
    let process = site.local.process(name("SPLA")).unwrap();
    for _ in 0..3 {
        let alive = site.alive("SPLA");
        drop(alive.lock);
        site.spool.process_died(process.id, alive.lease.epoch, &clock()).unwrap();
    }
    check(
        &mut site,
        &job,
        &[(
            "process-error",
            "print process $SPLA of $LP1 is in error %1311: it died three times within a minute, since 09:00:00; \
         PRINT $SPLA, START is needed",
        )],
    );
    site.local.change_process(name("SPLI"), vec![]).unwrap();
    site.device("LP2", "SPLI", &[]);
    site.route("#OFFICE.BACK", Some("LP2"));
    site.local.start_device(name("LP2")).unwrap();
    let job = JobRef::Number(site.submit("office.back", |_| {}).number);
    check(
        &mut site,
        &job,
        &[("process-independent", "print process $SPLI of $LP2 is not running; it has no FILE, its user starts it")],
    );
}

#[test]
fn each_device_of_a_group_has_one_line_and_the_one_that_prints_comes_first() {
    let mut site = Site::printing();
    let _alive = site.alive("SPLA");
    site.device("AFORM", "SPLA", &[DeviceChange::Form("INVOICE A4".into())]);
    site.device("BOFF", "SPLA", &[]);
    for (location, device) in [("#OFFICE.A", "AFORM"), ("#OFFICE.B", "BOFF")] {
        site.route(location, Some(device));
        site.local.start_device(name(device)).unwrap();
    }
    site.local.drain_device(name("BOFF")).unwrap();
    let job = JobRef::Number(site.submit("#office", |_| {}).number);
    check(
        &mut site,
        &job,
        &[
            ("next", "it is next on $LP1"),
            ("form-mismatch", "it needs no form, $AFORM carries form 'INVOICE A4'"),
            ("device-draining", "$BOFF is draining (by ann, 09:00:00) and takes no other job"),
        ],
    );
    let formed = JobRef::Number(site.submit("office.front", |job| job.form = "labels".into()).number);
    check(&mut site, &formed, &[("form-mismatch", "it needs form 'labels', $LP1 carries no form")]);
}

#[test]
fn an_idle_device_may_leave_a_job_to_a_faster_one() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    site.device("FAST", "SPLA", &[DeviceChange::Speed(30_000)]);
    site.route("#OFFICE.FAST", Some("FAST"));
    site.local.start_device(name("FAST")).unwrap();
    site.submit("office.fast", |_| {});
    site.claim(&alive, "FAST");
    let job = JobRef::Number(site.submit("#office", |_| {}).number);
    check(
        &mut site,
        &job,
        &[
            ("next", "it is next on $FAST; job 1 prints now: 0 of 1000 octets, since 09:00:00"),
            ("left-to-another", "$LP1 is idle and leaves it to a device that will have printed it sooner"),
        ],
    );
}

#[test]
fn a_broadcast_names_each_device_that_still_has_to_print_it() {
    let mut site = Site::printing();
    let alive = site.alive("SPLA");
    site.device("LP2", "SPLA", &[]);
    site.route("#OFFICE.BACK", Some("LP2"));
    site.local.start_device(name("LP2")).unwrap();
    site.local.set_broadcast(name("office"), true).unwrap();
    let job = JobRef::Number(site.submit("#office", |_| {}).number);
    check(&mut site, &job, &[("next", "it is next on $LP1"), ("next", "it is next on $LP2")]);
    site.claim(&alive, "LP1");
    site.route("#OFFICE.BACK", None);
    check(
        &mut site,
        &job,
        &[("printing", "it prints on $LP1: document 1 of 1, copy 1, 0 of 1000 octets, since 09:00:00")],
    );
}

#[test]
fn a_job_that_is_not_there_has_no_reason() {
    let mut site = Site::printing();
    let failure = site.local.why(JobRef::Number(name_number(9))).unwrap_err();
    assert_eq!(failure.message, "cannot find job 9");
}

fn name_number(n: u32) -> crate::model::JobNumber {
    crate::model::JobNumber::new(n).unwrap()
}
