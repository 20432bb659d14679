//! Secure release on one server: the rules of docs/reference/secure-release.md 1 to 7, its acceptance vectors by number.

use crate::model::event::EventWord;
use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin, Submission, Transfer};
use crate::model::lease::{ClaimAnswer, ClaimEnd, ClaimRefusal, LEASE_MS};
use crate::model::lifetime::Retention;
use crate::model::managed::{ManagedChange, ManagedClass, ManagedEdit, ManagedObject};
use crate::model::secure::{HeldJob, HeldPage, ReleaseState, StationPrinter, Verdict};
use crate::model::state::{Delivery, DeviceWish, HoldReason, JobState};
use crate::model::{Failure, FailureKind, GlobalJobId, JobRef};
use crate::spool::interface::engine::{AttemptEnd, Engine};
use crate::spool::interface::operations::Operations;
use crate::spool::interface::records::EventSubject;
use crate::spool::testing::{Alive, Site, clock, delivered, error, jump, local, name, pass, user};

const MINUTE: i64 = 60;

fn set(attribute: &str, value: Value) -> ManagedChange {
    ManagedChange { field: Field::from_stored(attribute).unwrap(), edit: ManagedEdit::Set(value) }
}

fn words(words: &[&str]) -> Value {
    Value::Many(words.iter().map(|word| Value::Text((*word).into())).collect())
}

fn word(word: &str) -> Value {
    Value::Text(word.into())
}

fn object(site: &mut Site, class: ManagedClass, name: &str, changes: Vec<ManagedChange>) {
    site.local.create_managed(ManagedObject { class, name: name.to_owned() }, changes, None).unwrap();
}

fn altered(site: &mut Site, class: ManagedClass, name: &str, attribute: &str, value: Value) {
    let object = ManagedObject { class, name: name.to_owned() };
    site.local.set_managed(object, vec![set(attribute, value)], None).unwrap();
}

fn ann() -> crate::model::Caller {
    user("ann", nix::unistd::geteuid().as_raw())
}

fn bob() -> crate::model::Caller {
    user("bob", 4711)
}

/// A secure queue `OFFICE` with the printer `LP1`, a queue `ANNEX` with `LP2`, and the station `hall` with both printers.
fn site() -> (Site, Alive) {
    let mut site = Site::printing();
    site.device("LP2", "SPLA", &[]);
    site.route("#ANNEX.FRONT", Some("LP2"));
    let alive = site.alive("SPLA");
    for device in ["LP1", "LP2"] {
        site.local.start_device(name(device)).unwrap();
    }
    for one in ["OFFICE", "ANNEX"] {
        altered(&mut site, ManagedClass::Queue, one, "release-type", word("secure"));
    }
    object(&mut site, ManagedClass::Station, "hall", vec![set("related-printers", words(&["LP1", "LP2"]))]);
    (site, alive)
}

fn pool(site: &mut Site, one: &str, other: &str) {
    altered(site, ManagedClass::Queue, one, "compatible-queues", words(&[other]));
}

fn submit(site: &mut Site, alter: impl FnOnce(&mut Submission)) -> JobRef {
    JobRef::Number(site.submit("#OFFICE.FRONT", alter).number)
}

fn page(site: &Site, caller: crate::model::Caller) -> HeldPage {
    local(&site.spool, caller).held_jobs(None, None, 100).unwrap()
}

fn held(site: &Site, job: &JobRef) -> HeldJob {
    let JobRef::Number(number) = job else { panic!("{job}") };
    page(site, ann())
        .rows
        .into_iter()
        .find(|row| row.number == *number)
        .unwrap_or_else(|| panic!("{job} is not listed"))
}

fn verdicts(site: &Site, job: &JobRef) -> Vec<&'static str> {
    held(site, job).verdicts.iter().map(|one| one.verdict.keyword()).collect()
}

fn release(site: &mut Site, job: &JobRef, printer: Option<&str>) -> Result<String, Failure> {
    let released = site.local.release_job(job.clone(), None, printer.map(name))?;
    Ok(released.printer.to_string())
}

fn state(site: &mut Site, job: &JobRef) -> Option<JobState> {
    site.local.job(job.clone()).ok().map(|status| status.state)
}

/// Lets time pass in which the print process lives.
fn lives_on(alive: &Alive, seconds: i64) {
    pass(seconds);
    alive.progress.heartbeat(77, clock().boot_ms).unwrap();
}

fn failed() -> AttemptEnd {
    AttemptEnd::DeviceFailed { error: error(Some(clock().wall_ms)), touched: false, alone: false }
}

pub(super) fn given(field: &str, value: Value, document: u32) -> GivenValue {
    GivenValue { document, field: Field::from_stored(field).unwrap(), value, origin: Origin::User }
}

/// What stands in the record, each line as `what:result`.
fn record(site: &mut Site) -> Vec<String> {
    let page = site.local.release_record(0, 1000).unwrap();
    page.rows.iter().map(|line| format!("{}:{}", line.what, line.result)).collect()
}

#[test]
fn a_job_of_a_secure_queue_waits_until_it_is_released_and_prints_where_it_was_released() {
    let (mut site, alive) = site();
    let job = submit(&mut site, |_| {});
    let status = site.local.job(job.clone()).unwrap();
    assert_eq!(status.state, JobState::Held);
    assert!(status.reasons.has(HoldReason::SecureRelease));
    let device = site.device_id("LP1");
    assert!(site.spool.claim(&alive.lease, device, &clock()).unwrap().is_none());
    // START is no release.
    let left = site.local.start_job(job.clone()).unwrap();
    assert_eq!(left.iter().collect::<Vec<_>>(), [HoldReason::SecureRelease]);
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting);
    assert_eq!(release(&mut site, &job, None).unwrap(), "LP1");
    assert_eq!((held(&site, &job).state, state(&mut site, &job)), (ReleaseState::Released, Some(JobState::Ready)));
    assert!(release(&mut site, &job, None).unwrap_err().message.contains("is released already on LP1"));
    let claim = site.claim(&alive, "LP1");
    assert_eq!(held(&site, &job).state, ReleaseState::Printing);
    site.end(&alive, &claim, delivered(Delivery::Sent));
    assert_eq!(state(&mut site, &job), None);
    assert!(page(&site, ann()).rows.is_empty());
    assert_eq!(record(&mut site), ["hold:ok", "release:ok", "release:released", "print:sent"]);
}

#[test]
fn only_whoever_submitted_a_job_sees_and_releases_it_whatever_job_owner_says() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |job| job.owner = Some("bob".into()));
    assert!(page(&site, bob()).rows.is_empty());
    let refused = local(&site.spool, bob()).release_job(job.clone(), None, None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::NotFound, "{refused}");
    assert_eq!(held(&site, &job).owner, "ann");
    // An operator neither; he is told that it is there.
    let his = JobRef::Number(site.submit_as(bob(), "#OFFICE.FRONT", |_| {}).number);
    let refused = release(&mut site, &his, None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Security, "{refused}");
    assert_eq!(page(&site, bob()).rows.len(), 1);
    local(&site.spool, bob()).release_job(his, None, None).unwrap();
}

#[test]
fn vectors_1_and_2_only_queues_that_name_each_other_release_each_others_jobs() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    assert_eq!(verdicts(&site, &job), ["releasable", "queue-incompatible"]);
    pool(&mut site, "OFFICE", "ANNEX");
    assert_eq!(verdicts(&site, &job), ["releasable", "queue-one-way"], "vector 1");
    let refused = release(&mut site, &job, Some("LP2")).unwrap_err();
    assert!(refused.message.contains("only one of"), "{refused}");
    pool(&mut site, "ANNEX", "office");
    assert_eq!(verdicts(&site, &job), ["releasable", "releasable"]);
    // A third queue that ANNEX shares with OFFICE's neighbour is none of OFFICE's.
    site.device("LP3", "SPLA", &[]);
    site.route("#THIRD.FRONT", Some("LP3"));
    altered(&mut site, ManagedClass::Queue, "ANNEX", "compatible-queues", words(&["office", "third"]));
    pool(&mut site, "THIRD", "annex");
    altered(&mut site, ManagedClass::Station, "hall", "related-printers", words(&["LP1", "LP3"]));
    assert_eq!(verdicts(&site, &job)[1], "queue-incompatible", "vector 2");
}

#[test]
fn vectors_5_to_8_a_printer_refuses_what_it_does_not_list_and_another_one_releases_it() {
    let (mut site, alive) = site();
    pool(&mut site, "OFFICE", "ANNEX");
    pool(&mut site, "ANNEX", "OFFICE");
    let job = submit(&mut site, |job| {
        job.form = "A4".into();
        job.given = vec![given("plex", word("duplex"), 1), given("job-finishing", words(&["staple"]), 0)];
    });
    let valid = |site: &mut Site, printer: &str, list: &[&str]| {
        site.local.drain_device(name(printer)).unwrap();
        site.set_device_wish(printer, DeviceWish::Stopped);
        altered(site, ManagedClass::Destination, printer, "valid-attributes", words(list));
        site.local.start_device(name(printer)).unwrap();
    };
    valid(&mut site, "LP1", &["duplex", "staple"]);
    let missing = |site: &Site, at: usize| held(site, &job).verdicts[at].verdict.clone();
    assert_eq!(missing(&site, 0), Verdict::Attributes(vec!["media=iso_a4_210x297mm".into()]), "vector 5");
    valid(&mut site, "LP1", &["A4", "duplex"]);
    assert_eq!(missing(&site, 0), Verdict::Attributes(vec!["finishing=staple".into()]), "vector 8");
    let refused = release(&mut site, &job, Some("LP1")).unwrap_err();
    assert!(refused.message.contains("does not accept staple"), "{refused}");
    assert_eq!(state(&mut site, &job), Some(JobState::Held), "vector 8: it goes on waiting");
    valid(&mut site, "LP2", &["A4", "duplex", "staple"]);
    assert_eq!(release(&mut site, &job, None).unwrap(), "LP2", "vector 8");
    // Its form is what LP2 carries.
    let device = site.device_id("LP2");
    assert!(site.spool.claim(&alive.lease, device, &clock()).unwrap().is_none(), "LP2 carries no A4");
    assert_eq!(record(&mut site), ["hold:ok", "release:attributes", "release:ok"]);
}

#[test]
fn vectors_17_and_18_a_job_is_purged_when_its_time_is_over_unless_it_prints() {
    let (mut site, alive) = site();
    let job = submit(&mut site, |_| {});
    let printing = submit(&mut site, |_| {});
    lives_on(&alive, 119 * MINUTE + 59);
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting);
    assert_eq!(release(&mut site, &printing, None).unwrap(), "LP1");
    let claim = site.claim(&alive, "LP1");
    pass(2);
    assert_eq!(held(&site, &job).state, ReleaseState::Expired, "vector 18");
    let refused = local(&site.spool, ann()).release_job(job.clone(), None, None).unwrap_err();
    assert!(refused.message.contains("has expired"), "{refused}");
    // The next command that writes removes it, and never what prints.
    site.local.set_manager_access(false).unwrap();
    assert_eq!(state(&mut site, &job), None);
    let log = site.local.events(EventSubject::Job(job), 0).unwrap();
    assert!(log.last().is_some_and(|last| last.what == EventWord::Deleted && last.why.contains("nobody released it")));
    assert_eq!(state(&mut site, &printing), Some(JobState::Printing), "vector 17");
    // It is held while it prints, and given back: its time is over, and it goes.
    site.local.hold_job(printing.clone()).unwrap();
    assert!(state(&mut site, &printing).is_some());
    site.end(&alive, &claim, AttemptEnd::Stopped { touched: false });
    site.local.set_manager_access(false).unwrap();
    assert_eq!(state(&mut site, &printing), None, "vector 17");
    assert_eq!(record(&mut site), ["hold:ok", "hold:ok", "release:ok", "release:expired", "purge:ok", "purge:ok"]);
}

#[test]
fn a_jump_of_the_wall_clock_purges_nothing_and_keeps_nothing_longer() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let (day, time) = (24 * 60 * MINUTE, 120 * MINUTE);
    let due = |site: &mut Site| site.local.set_manager_access(false).unwrap();
    jump(day);
    due(&mut site);
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting, "the clock was set to the next day");
    // What is shown moves with the clock: there is as much left as before.
    assert_eq!(held(&site, &job).expires_ms, Some(clock().wall_ms + time * 1000));
    pass(time / 2);
    jump(-2 * day);
    pass(time / 2 - 1);
    due(&mut site);
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting, "the clock was set back");
    pass(1);
    due(&mut site);
    assert_eq!(state(&mut site, &job), None, "its time is over, whatever the clock says");
}

#[test]
fn a_purge_time_that_is_changed_holds_for_later_jobs() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    altered(&mut site, ManagedClass::Queue, "OFFICE", "purge-time", Value::Integer(5));
    pass(6 * MINUTE);
    site.local.set_manager_access(false).unwrap();
    assert!(state(&mut site, &job).is_some(), "a purge time that was set later is for later jobs");
    let short = submit(&mut site, |_| {});
    pass(6 * MINUTE);
    site.local.set_manager_access(false).unwrap();
    assert_eq!((state(&mut site, &short), state(&mut site, &job).is_some()), (None, true));
}

#[test]
fn vector_19_a_queue_that_turns_direct_keeps_what_it_holds_and_prints_what_comes() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    altered(&mut site, ManagedClass::Queue, "OFFICE", "release-type", word("direct"));
    let direct = submit(&mut site, |_| {});
    assert_eq!(state(&mut site, &direct), Some(JobState::Ready));
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting);
    assert_eq!(release(&mut site, &job, None).unwrap(), "LP1");
    let refused = release(&mut site, &direct, None).unwrap_err();
    assert!(refused.message.contains("needs no release"), "{refused}");
}

#[test]
fn vector_20_a_printer_that_cannot_print_refuses_before_anything_is_moved() {
    let (mut site, alive) = site();
    let job = submit(&mut site, |_| {});
    let claimed = {
        altered(&mut site, ManagedClass::Queue, "OFFICE", "release-type", word("direct"));
        submit(&mut site, |_| {});
        site.claim(&alive, "LP1")
    };
    site.end(&alive, &claimed, failed());
    assert_eq!(verdicts(&site, &job)[0], "printer-trouble");
    let refused = release(&mut site, &job, Some("LP1")).unwrap_err();
    assert!(refused.message.contains("not now, because the printer is in error: not ready"), "{refused}");
    site.set_device_wish("LP1", DeviceWish::Stopped);
    let refused = release(&mut site, &job, None).unwrap_err();
    assert!(refused.message.contains("is offline"), "{refused}");
    assert_eq!(state(&mut site, &job), Some(JobState::Held), "it goes on waiting");
    assert_eq!(record(&mut site), ["hold:ok", "release:printer-trouble", "release:printer-trouble"]);
}

#[test]
fn vector_25_a_job_that_its_owner_removes_leaves_every_list_and_its_file_goes() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    site.local.delete_job(job.clone(), None, None).unwrap();
    assert!(page(&site, ann()).rows.is_empty());
    assert_eq!(print_files(&site), 0);
    assert_eq!(record(&mut site), ["hold:ok", "delete:ok"]);
}

#[test]
fn a_secure_queue_takes_no_links_and_holds_what_is_sent_on_to_it() {
    let (mut site, _alive) = site();
    let refused = site.try_submit("#OFFICE.FRONT", |job| {
        job.documents[0].transfer = Transfer::Link;
        job.documents[0].link_target = Some(crate::model::job::RawPath("/etc/hostname".into()));
    });
    assert!(refused.unwrap_err().message.contains("takes no links"));
    site.device("LP3", "SPLA", &[]);
    site.route("#OPEN.FRONT", Some("LP3"));
    let job = JobRef::Number(site.submit("#OPEN.FRONT", |_| {}).number);
    assert_eq!(state(&mut site, &job), Some(JobState::Ready));
    site.local.resubmit_job(job.clone(), "#OFFICE.FRONT".into(), false).unwrap();
    assert_eq!((state(&mut site, &job), held(&site, &job).state), (Some(JobState::Held), ReleaseState::Waiting));
    // And sending it on to a direct queue is no release.
    site.local.resubmit_job(job.clone(), "#OPEN.FRONT".into(), false).unwrap();
    assert_eq!(state(&mut site, &job), Some(JobState::Held));
    assert_eq!(verdicts(&site, &job)[0], "releasable", "it belongs to the secure queue");
    assert_eq!(release(&mut site, &job, None).unwrap(), "LP1");
}

#[test]
fn a_kept_job_is_released_again_by_its_owner_alone() {
    let (mut site, alive) = site();
    altered(&mut site, ManagedClass::Queue, "OFFICE", "keep-after-release", Value::Integer(30));
    let job = submit(&mut site, |_| {});
    assert_eq!(site.local.job(job.clone()).unwrap().lifetime.retention, Some(Retention::Period(30)));
    release(&mut site, &job, None).unwrap();
    let claim = site.claim(&alive, "LP1");
    site.end(&alive, &claim, delivered(Delivery::Sent));
    assert_eq!(held(&site, &job).state, ReleaseState::Kept);
    for refused in [
        site.local.start_job(job.clone()).map(|_| ()),
        site.local.resubmit_job(job.clone(), "#ANNEX.FRONT".into(), false),
    ] {
        assert!(refused.unwrap_err().message.contains("prints again when its owner releases it"));
    }
    // Long after its purge time, as long as it is kept.
    lives_on(&alive, 29 * MINUTE);
    assert_eq!(release(&mut site, &job, None).unwrap(), "LP1");
    let claim = site.claim(&alive, "LP1");
    site.end(&alive, &claim, delivered(Delivery::Sent));
    pass(31 * MINUTE);
    site.local.set_manager_access(false).unwrap();
    assert_eq!(state(&mut site, &job), None);
    assert_eq!(record(&mut site), ["hold:ok", "release:ok", "print:sent", "release:ok", "print:sent"]);
}

#[test]
fn aliases_and_delegates_count_from_the_next_question_on() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    assert!(page(&site, bob()).rows.is_empty());
    object(&mut site, ManagedClass::User, "ann", vec![set("delegates", words(&["bob"]))]);
    let row = &page(&site, bob()).rows[0];
    assert!(row.delegated && row.owner == "ann");
    altered(&mut site, ManagedClass::User, "ann", "delegates", words(&["eve"]));
    assert!(page(&site, bob()).rows.is_empty());
    // Another account of hers.
    altered(&mut site, ManagedClass::User, "ann", "aliases", words(&["bob"]));
    assert!(!page(&site, bob()).rows[0].delegated);
    local(&site.spool, bob()).release_job(job, None, None).unwrap();
}

#[test]
fn whoever_sends_the_name_of_a_user_from_elsewhere_is_not_that_user() {
    let (mut site, _alive) = site();
    let stranger = || crate::model::Caller { uid: crate::model::authority::NOBODY, host: "10.0.0.5".into(), ..bob() };
    let job = JobRef::Number(site.submit_as(stranger(), "#OFFICE.FRONT", |_| {}).number);
    assert!(page(&site, bob()).rows.is_empty());
    // Nor does he reach what is bob's.
    site.submit_as(bob(), "#OFFICE.FRONT", |_| {});
    assert_eq!((page(&site, stranger()).rows.len(), page(&site, bob()).rows.len()), (1, 1));
    // Where the site says that he is, he is.
    object(&mut site, ManagedClass::User, "bob", vec![set("aliases", words(&["bob@10.0.0.5"]))]);
    assert_eq!(page(&site, bob()).rows.len(), 2);
    local(&site.spool, bob()).release_job(job, None, None).unwrap();
}

#[test]
fn whatever_holds_a_job_besides_keeps_it_from_its_release() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |job| job.hold = true);
    assert_eq!(held(&site, &job).state, ReleaseState::Blocked);
    let refused = release(&mut site, &job, None).unwrap_err();
    assert!(refused.message.contains("held by its owner or an operator"), "{refused}");
    site.local.start_job(job.clone()).unwrap();
    release(&mut site, &job, None).unwrap();
}

#[test]
fn the_record_shows_when_a_line_was_changed_or_taken_out() {
    let (mut site, _alive) = site();
    for _ in 0..3 {
        submit(&mut site, |_| {});
    }
    let lines = site.local.release_record(0, 1000).unwrap().rows;
    let sound = |lines: &[crate::model::secure::AuditRecord]| {
        let mut before = String::new();
        lines.iter().all(|line| {
            let fits = crate::store::secure::digest(&before, line) == line.digest;
            before.clone_from(&line.digest);
            fits
        })
    };
    assert!(lines.len() == 3 && sound(&lines));
    let mut changed = lines.clone();
    changed[1].who = "eve".into();
    assert!(!sound(&changed));
    assert!(!sound(&[lines[0].clone(), lines[2].clone()]));
    // Others read what is about their own jobs.
    assert!(local(&site.spool, bob()).release_record(0, 1000).unwrap().rows.is_empty());
}

#[test]
fn why_says_what_each_station_makes_of_a_job() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let why = site.local.why(job).unwrap();
    let words: Vec<&str> = why.causes.iter().map(crate::model::why::Cause::keyword).collect();
    assert_eq!(words, ["held", "expires", "listed-for", "station"]);
}

/// Ann, as `acme2` speaks of her. There is an account with her name here, too.
fn ann_of_acme2() -> crate::model::Caller {
    crate::model::Caller { host: "acme2".into(), ..ann() }
}

/// A printer of `acme2` whose queue and `OFFICE` name each other.
fn there(site: &mut Site) -> StationPrinter {
    pool(site, "OFFICE", "acme2:office");
    let mut printer = page(site, ann()).printers.remove(0);
    printer.queues[0].compatible = vec!["acme1:office".into()];
    printer
}

fn release_to(site: &Site, job: &GlobalJobId, printer: &StationPrinter) -> ClaimAnswer {
    let caller = ann_of_acme2();
    site.spool.release_to(&name("acme2"), (job, printer), (&caller, Some("hall")), (LEASE_MS, &clock())).unwrap()
}

fn token_of(answer: ClaimAnswer) -> String {
    match answer {
        ClaimAnswer::Granted(granted) => granted.offer.token,
        ClaimAnswer::Refused(why) => panic!("{why:?}"),
    }
}

fn global(site: &mut Site, job: &JobRef) -> GlobalJobId {
    site.local.job(job.clone()).unwrap().global
}

fn print_files(site: &Site) -> usize {
    let dir = site.spool.base().server(site.spool.server());
    let names = std::fs::read_dir(dir).unwrap().map(|one| one.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("pdpr")).count()
}

#[test]
fn vector_11_a_user_of_another_server_is_not_the_one_of_his_name_here_unless_the_site_says_so() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let (job, printer) = (global(&mut site, &job), there(&mut site));
    let listed = |site: &Site| {
        let who = (&name("acme2"), &ann_of_acme2());
        site.spool.held_for(who, std::slice::from_ref(&printer), None, None, &clock()).unwrap().0.len()
    };
    assert_eq!(listed(&site), 0);
    assert_eq!(release_to(&site, &job, &printer), ClaimAnswer::Refused(ClaimRefusal::NotOwner));
    let refused = site.spool.remove_for(&ann_of_acme2(), &job, &clock()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::NotFound);
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=corp"]));
    assert_eq!(listed(&site), 0);
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=acme1"]));
    assert_eq!(listed(&site), 1);
    token_of(release_to(&site, &job, &printer));
    site.spool.remove_for(&ann_of_acme2(), &job, &clock()).unwrap();
}

/// The job is held after printing: START is no second release.
#[test]
fn a_job_that_is_held_after_printing_prints_again_only_when_its_owner_releases_it_again() {
    let (mut site, alive) = site();
    let after = submit(&mut site, |job| job.hold_after = true);
    let during = submit(&mut site, |_| {});
    for job in [&after, &during] {
        release(&mut site, job, None).unwrap();
        let claim = site.claim(&alive, "LP1");
        if job == &during {
            site.local.hold_job(job.clone()).unwrap();
        }
        site.end(&alive, &claim, delivered(Delivery::Sent));
        assert_eq!(held(&site, job).state, ReleaseState::Blocked);
        let left = site.local.start_job(job.clone()).unwrap();
        assert_eq!(left.iter().collect::<Vec<_>>(), [HoldReason::SecureRelease]);
        let device = site.device_id("LP1");
        assert!(site.spool.claim(&alive.lease, device, &clock()).unwrap().is_none());
        assert_eq!(held(&site, job).state, ReleaseState::Waiting);
    }
    let lines = ["hold:ok", "hold:ok", "release:ok", "print:sent", "release:ok", "print:sent"];
    assert_eq!(record(&mut site), lines);
    // One release prints once more, and nothing of it is a duplicate.
    release(&mut site, &during, None).unwrap();
    let claim = site.claim(&alive, "LP1");
    assert!(!claim.possible_duplicate);
    site.end(&alive, &claim, delivered(Delivery::Sent));
    assert_eq!(state(&mut site, &during), None);
    assert_eq!(record(&mut site)[6..], ["release:ok", "print:sent"]);
}

#[test]
fn a_job_that_is_held_after_printing_elsewhere_waits_for_its_owner_again() {
    let (mut site, _alive) = site();
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=acme1"]));
    let job = submit(&mut site, |job| job.hold_after = true);
    let (all, printer) = (global(&mut site, &job), there(&mut site));
    for round in 1..=2 {
        let token = token_of(release_to(&site, &all, &printer));
        site.spool.begin_lease(&name("acme2"), &token, &clock()).unwrap();
        let end = ClaimEnd { outcome: "sent".into(), device: Some("LP1".into()), begun: false };
        site.spool.lease_over(&name("acme2"), &token, end, &clock()).unwrap();
        assert_eq!(held(&site, &job).state, ReleaseState::Blocked);
        let left = site.local.start_job(job.clone()).unwrap();
        assert_eq!(left.iter().collect::<Vec<_>>(), [HoldReason::SecureRelease]);
        assert_eq!(state(&mut site, &job), Some(JobState::Held));
        assert_eq!(record(&mut site).iter().filter(|line| *line == "print:sent").count(), round);
    }
}

/// The discard time of a job comes while another server has it, and that server claims it anew.
#[test]
fn a_job_that_ends_when_it_is_claimed_anew_is_expired_and_its_file_goes() {
    let (mut site, _alive) = site();
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=acme1"]));
    let soon = clock().wall_ms + 1000;
    let job = submit(&mut site, |job| job.lifetime.discard_ms = Some(soon));
    let (all, printer) = (global(&mut site, &job), there(&mut site));
    token_of(release_to(&site, &all, &printer));
    assert_eq!(print_files(&site), 1);
    pass(2);
    assert_eq!(release_to(&site, &all, &printer), ClaimAnswer::Refused(ClaimRefusal::Expired));
    assert_eq!((state(&mut site, &job), print_files(&site)), (None, 0));
}

#[test]
fn a_paused_queue_gives_nobody_a_job_at_a_station_until_it_is_resumed() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let queue = || ManagedObject { class: ManagedClass::Queue, name: "OFFICE".to_owned() };
    site.local.pause_managed(queue(), Some(crate::model::managed::PauseWhen::Now), None).unwrap();
    let refused = release(&mut site, &job, Some("LP1")).unwrap_err();
    assert!(refused.message.contains("waits in queue OFFICE, which is paused"), "{refused:?}");
    site.local.pause_managed(queue(), None, None).unwrap();
    release(&mut site, &job, Some("LP1")).unwrap();
}

fn eve() -> crate::model::Caller {
    user("eve", 4712)
}

/// The jobs of others at the station, each as the owner's name and its number.
fn others(site: &Site, caller: crate::model::Caller) -> Vec<(String, JobRef)> {
    page(site, caller).others.into_iter().map(|row| (row.owner, JobRef::Number(row.number))).collect()
}

#[test]
fn a_station_that_shows_all_jobs_shows_what_waits_for_its_printers_without_logins_and_records_who_releases_it() {
    let (mut site, _alive) = site();
    let his = JobRef::Number(site.submit_as(bob(), "#OFFICE.FRONT", |_| {}).number);
    let own = submit(&mut site, |_| {});
    assert!(others(&site, eve()).is_empty(), "a station shows each person his own");
    altered(&mut site, ManagedClass::Station, "hall", "jobs-shown", word("all"));
    altered(&mut site, ManagedClass::Station, "hall", "related-printers", words(&["LP1"]));
    // What no printer of the station prints is not shown there.
    let far = JobRef::Number(site.submit_as(bob(), "#ANNEX.FRONT", |_| {}).number);
    let shown = others(&site, eve());
    assert_eq!(shown.len(), 2, "{shown:?}");
    let name = &shown.iter().find(|one| one.1 == his).unwrap().0;
    assert!(name.starts_with("user-") && !name.contains("bob"), "{name}");
    let to_ann: Vec<JobRef> = others(&site, ann()).into_iter().map(|one| one.1).collect();
    assert_eq!(to_ann, std::slice::from_ref(&his), "her own is her own");
    object(&mut site, ManagedClass::User, "bob", vec![set("public-name", word("Red Fox"))]);
    assert!(others(&site, eve()).contains(&("Red Fox".to_owned(), his.clone())));
    // Released in the name of who stands there; whose it is stays on record.
    local(&site.spool, eve()).release_job(his.clone(), None, None).unwrap();
    let line = site.local.release_record(0, 1000).unwrap().rows.pop().unwrap();
    assert!(line.what == "release" && line.who.starts_with("eve"), "{line:?}");
    assert!(line.owner.ends_with("\\bob"), "{line:?}");
    let of_bob = local(&site.spool, bob()).release_record(0, 1000).unwrap().rows;
    assert!(of_bob.iter().any(|line| line.who.starts_with("eve")), "he sees who it was");
    // Once. What was released is nobody else's matter any more, and nobody but its owner removes what waits.
    let again = local(&site.spool, eve()).release_job(his, None, None).unwrap_err();
    assert_eq!(again.kind, FailureKind::NotFound, "{again}");
    let global = global(&mut site, &own);
    assert_eq!(site.spool.remove_own(&eve(), &global, &clock()).unwrap_err().kind, FailureKind::NotFound);
    let hidden = local(&site.spool, eve()).release_job(far, None, None).unwrap_err();
    assert_eq!(hidden.kind, FailureKind::NotFound, "{hidden}");
    altered(&mut site, ManagedClass::Station, "hall", "jobs-shown", word("owner"));
    let closed = local(&site.spool, eve()).release_job(own, None, None).unwrap_err();
    assert_eq!(closed.kind, FailureKind::NotFound, "{closed}");
}

#[test]
fn a_station_of_another_server_that_shows_all_jobs_gets_none_of_ours() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    altered(&mut site, ManagedClass::Station, "hall", "jobs-shown", word("all"));
    let (job, printer) = (global(&mut site, &job), there(&mut site));
    let eve = crate::model::Caller { host: "acme2".into(), ..eve() };
    let answer =
        site.spool.release_to(&name("acme2"), (&job, &printer), (&eve, Some("hall")), (LEASE_MS, &clock())).unwrap();
    assert_eq!(answer, ClaimAnswer::Refused(ClaimRefusal::NotOwner));
}

#[test]
fn whoever_wants_to_know_it_is_told_before_and_when_a_job_is_removed_unreleased() {
    let (mut site, alive) = site();
    let profile = |event: &str| {
        format!("{{event-identifiers={event} delivery-method=e-mail delivery-address={event}@example.org}}")
    };
    let profiles = ["close-to-discard-time", "past-discard-time"].map(profile);
    let wanted = words(&[&profiles[0], &profiles[1]]);
    let job = submit(&mut site, |job| job.given = vec![given("notification-profile", wanted, 0)]);
    let told = |site: &mut Site| -> Vec<String> {
        site.local.set_manager_access(false).unwrap();
        match site.spool.next_deliveries(&[], 8, &clock()).unwrap() {
            crate::spool::notify::Work::Try(due) => due.into_iter().map(|one| one.event).collect(),
            _ => Vec::new(),
        }
    };
    lives_on(&alive, 89 * MINUTE);
    assert!(told(&mut site).is_empty());
    lives_on(&alive, 2 * MINUTE);
    assert_eq!(told(&mut site), ["close-to-discard-time"]);
    let log = site.local.events(EventSubject::Job(job.clone()), 0).unwrap();
    let said = log.iter().find(|event| event.what == EventWord::Expires).unwrap();
    assert_eq!(said.why, "it is removed in 29 minutes unless it is released at a station");
    // Once.
    lives_on(&alive, 5 * MINUTE);
    assert_eq!(told(&mut site).len(), 1);
    assert_eq!(page(&site, ann()).purged, 0);
    lives_on(&alive, 30 * MINUTE);
    assert_eq!(told(&mut site), ["close-to-discard-time", "past-discard-time"]);
    assert_eq!(state(&mut site, &job), None);
    assert_eq!((page(&site, ann()).purged, page(&site, bob()).purged), (1, 0));
    lives_on(&alive, 25 * 60 * MINUTE);
    assert_eq!(page(&site, ann()).purged, 0);
}

#[test]
fn nobody_is_told_of_a_job_that_was_released_or_of_a_queue_that_warns_of_nothing() {
    let (mut site, alive) = site();
    let released = submit(&mut site, |_| {});
    altered(&mut site, ManagedClass::Queue, "OFFICE", "purge-warning", Value::Integer(0));
    let silent = submit(&mut site, |_| {});
    release(&mut site, &released, None).unwrap();
    let claim = site.claim(&alive, "LP1");
    lives_on(&alive, 100 * MINUTE);
    site.local.set_manager_access(false).unwrap();
    for job in [released, silent] {
        let log = site.local.events(EventSubject::Job(job), 0).unwrap();
        assert!(log.iter().all(|event| event.what != EventWord::Expires));
    }
    site.end(&alive, &claim, delivered(Delivery::Sent));
}

// What an attacker tries.

#[test]
fn the_job_of_another_is_not_there_by_whatever_name_it_is_called() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let (printer, global) = (there(&mut site), global(&mut site, &job));
    let nothing = GlobalJobId { serial: crate::model::Serial(global.serial.0 + 1), ..global.clone() };
    let said = |failure: Failure, name: &str| (failure.kind, failure.message.replace(name, "JOB"));
    let mut eves = local(&site.spool, eve());
    let mut tried = |job: JobRef| said(eves.release_job(job.clone(), None, None).unwrap_err(), &job.to_string());
    let (serial, none) = (JobRef::Serial(global.serial), JobRef::Serial(nothing.serial));
    for (his, nobodys) in [
        (job.clone(), JobRef::Number(crate::model::JobNumber::new(77).unwrap())),
        (serial, none),
        (JobRef::Global(global.clone()), JobRef::Global(nothing.clone())),
    ] {
        assert_eq!(tried(his), tried(nobodys), "nobody learns which jobs there are");
    }
    for job in [&global, &nothing] {
        let removed = site.spool.remove_own(&eve(), job, &clock()).unwrap_err();
        assert_eq!(removed.kind, FailureKind::NotFound);
        let there = crate::model::Caller { host: "acme2".into(), ..eve() };
        assert_eq!(site.spool.remove_for(&there, job, &clock()).unwrap_err().kind, FailureKind::NotFound);
        let who = (&name("acme2"), &there);
        let listed = site.spool.held_for(who, std::slice::from_ref(&printer), Some(job), None, &clock()).unwrap();
        assert!(listed.0.is_empty());
    }
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting);
}

#[test]
fn a_forged_station_gains_nothing() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    // One that is not here, and a printer that is none of its own.
    let nowhere = site.local.release_job(job.clone(), Some(name("cellar")), None).unwrap_err();
    assert_eq!(nowhere.kind, FailureKind::NotFound, "{nowhere}");
    site.device("LP3", "SPLA", &[]);
    site.route("#OFFICE.BACK", Some("LP3"));
    let other = release(&mut site, &job, Some("LP3")).unwrap_err();
    assert_eq!(other.kind, FailureKind::BadValue, "{other}");
    // Another server says that its printer is one of a queue of ours, or of a third one that is compatible: it is taken for one
    // of its own queues, and nobody here names that.
    let global = global(&mut site, &job);
    let mut printer = page(&site, ann()).printers.remove(0);
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=acme1"]));
    pool(&mut site, "OFFICE", "acme3:office");
    for server in ["acme1", "acme3"] {
        printer.queues[0].server = server.into();
        printer.queues[0].compatible = vec!["acme1:OFFICE".into()];
        let answer = release_to(&site, &global, &printer);
        assert!(matches!(answer, ClaimAnswer::Refused(ClaimRefusal::Incompatible(_))), "{answer:?}");
    }
    // Whatever station it names, the record says whose it is.
    let last = site.local.release_record(0, 1000).unwrap().rows.pop().unwrap();
    assert_eq!((last.what.as_str(), last.result.as_str()), ("release", "incompatible"));
    assert!(last.printer.is_some_and(|printer| printer.contains("acme2")));
    assert_eq!(held(&site, &job).state, ReleaseState::Waiting);
}

#[test]
fn a_claim_that_is_replayed_opens_nothing() {
    let (mut site, _alive) = site();
    let job = submit(&mut site, |_| {});
    let (global, printer) = (global(&mut site, &job), there(&mut site));
    altered(&mut site, ManagedClass::Server, "acme1", "identity-realms", words(&["acme2=acme1"]));
    let first = token_of(release_to(&site, &global, &printer));
    let given = |from: &str, token: &str| site.spool.source_for(&name(from), token, 1, &clock()).is_ok();
    assert!(given("acme2", &first));
    assert!(!given("acme3", &first), "another server has read the token");
    // It claims anew: what was read of the first one is worth nothing.
    let second = token_of(release_to(&site, &global, &printer));
    assert!(given("acme2", &second) && !given("acme2", &first));
    site.spool.begin_lease(&name("acme2"), &second, &clock()).unwrap();
    let over = ClaimEnd { outcome: "sent".into(), device: Some("LP1".into()), begun: true };
    site.spool.lease_over(&name("acme2"), &second, over, &clock()).unwrap();
    assert!(!given("acme2", &second), "it has printed, and its number is void");
    assert!(site.local.job(job).is_err());
}
