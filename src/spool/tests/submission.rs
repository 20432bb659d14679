//! Handing in: once, completely, or not at all.

use std::sync::Arc;

use super::*;
use crate::model::alter::JobChange;
use crate::model::field::{Field, Value};
use crate::model::job::{GivenValue, Origin};
use crate::model::{FailureKind, LocalJobId};
use crate::store;
use crate::store::submission::Fate;
use crate::sys::lock::FileLock;

#[test]
fn the_same_token_is_the_same_job_even_when_it_has_printed() {
    let site = Site::new();
    let lp = site.device("LP1", "#A.B", vec![]);
    let submission = site.submission("a.b");
    let (first, _) = site.hand_in(submission.clone(), b"x\n").unwrap();
    let (again, _) = site.hand_in(submission.clone(), b"x\n").unwrap();
    assert_eq!(first, again);
    assert_eq!(site.print_files().len(), 1, "the second copy is removed");
    let settled = site.spool.settle(&site.call(), submission.token.clone()).unwrap().unwrap();
    assert_eq!(settled.accepted, first);
    assert!(!settled.targets.is_empty(), "who prints it is woken: whoever took it in may have died before he did");
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, lp), [first.number.get()]);
    assert_eq!(site.hand_in(submission, b"x\n").unwrap().0, first);
    assert_eq!(site.print_all(&lease, lp), [0; 0], "and it is not printed again");
}

#[test]
fn a_submission_that_was_given_up_can_never_appear() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let submission = site.submission("a.b");
    assert!(site.spool.settle(&site.call(), submission.token.clone()).unwrap().is_none());
    assert_eq!(site.hand_in(submission, b"x\n").unwrap_err().kind, FailureKind::State);
    assert!(site.print_files().is_empty());
}

#[test]
fn a_name_with_control_characters_is_no_reason_to_refuse_a_job() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let mut odd = site.submission("a.b");
    odd.name = "a\nb\u{7}".repeat(100);
    let (accepted, _) = site.hand_in(odd, b"x\n").unwrap();
    let name = site.spool.job(&site.call(), &JobRef::Global(accepted.global)).unwrap().name;
    assert!(name.starts_with("a\\nb\\u{7}a") && name.chars().count() == 255, "{name}");
}

#[test]
fn what_is_refused_leaves_nothing() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    assert_eq!(site.hand_in(site.submission("nowhere"), b"x\n").unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(site.hand_in(site.submission("a.b"), b"").unwrap_err().kind, FailureKind::BadValue);
    let mut zero = site.submission("a.b");
    zero.documents[0].copies = 0;
    assert_eq!(site.hand_in(zero, b"x\n").unwrap_err().kind, FailureKind::BadValue);
    let mut none = site.submission("a.b");
    none.documents.clear();
    assert_eq!(site.hand_in(none, b"x\n").unwrap_err().kind, FailureKind::BadValue);
    let mut long = site.submission("a.b");
    long.name = "x".repeat(256);
    assert_eq!(site.hand_in(long, b"x\n").unwrap_err().kind, FailureKind::BadValue);
    assert!(site.print_files().is_empty());
    assert_eq!(site.spool.about(&site.call()).unwrap().jobs, 0);
}

#[test]
fn the_sweep_removes_orphans_and_nothing_else() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    site.job("a.b", 1);
    let dir = site.spool.base().server(site.spool.server());
    std::fs::write(dir.join("pdprORPHAN"), "x").unwrap();
    std::os::unix::fs::symlink("/nonexistent", dir.join("pdprDANGLE")).unwrap();
    std::fs::write(dir.join("somebody's notes"), "x").unwrap();
    std::fs::write(dir.join("pdprLOCKED"), "x").unwrap();
    let locked = std::fs::File::options().write(true).open(dir.join("pdprLOCKED")).unwrap();
    assert!(FileLock::mark(&locked).unwrap());
    assert_eq!(site.spool.sweep().unwrap(), 2);
    assert_eq!(site.print_files().len(), 2, "the job's and the locked one");
    assert!(dir.join("somebody's notes").exists());
    drop(locked);
    assert_eq!(site.spool.sweep().unwrap(), 1);
    std::fs::write(dir.join("pdprORPHAN"), "x").unwrap();
    std::fs::write(dir.join(".spool-id"), "another spool").unwrap();
    assert_eq!(site.spool.sweep().unwrap(), 0, "a directory that is not surely ours is left alone");
}

#[test]
fn job_numbers_start_again_after_the_last_and_skip_those_in_use() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    assert_eq!(site.job("a.b", 1), 1);
    site.spool
        .change(crate::spool::Room::Takes, &site.call(), |tx| store::spool::set_last_number(tx, 9_999_998))
        .unwrap();
    assert_eq!(site.job("a.b", 1), 9_999_999);
    assert_eq!(site.job("a.b", 1), 2, "1 is still in use");
}

#[test]
fn local_ids_start_again_after_the_last_and_skip_those_in_use() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let submitted = || site.status(site.job("a.b", 1)).unwrap().local.0;
    assert_eq!(submitted(), 1);
    site.spool
        .change(crate::spool::Room::Takes, &site.call(), |tx| store::spool::set_last_local(tx, LocalJobId::MAX - 1))
        .unwrap();
    assert_eq!(submitted(), LocalJobId::MAX);
    assert_eq!(submitted(), 2, "1 is still in use");
    assert_eq!(submitted(), 3);
}

#[test]
fn what_threads_write_together_fails_apart() {
    let site = Site::new();
    let spool = Arc::new(site.spool.clone());
    let threads: Vec<_> = (0..32)
        .map(|n| {
            let spool = Arc::clone(&spool);
            std::thread::spawn(move || {
                spool.change(crate::spool::Room::Takes, &Call::of_spooler(&moment(0)), move |tx| {
                    store::submission::refuse(tx, &format!("t{n}"))?;
                    if n % 4 == 0 { Err(Failure::internal("this one fails")) } else { Ok(n) }
                })
            })
        })
        .collect();
    for (n, thread) in threads.into_iter().enumerate() {
        let ok = thread.join().unwrap().is_ok();
        assert_eq!(ok, n % 4 != 0);
        let fate = site.spool.look(&site.call(), |tx| store::submission::fate(tx, &format!("t{n}"))).unwrap();
        assert_eq!(fate, ok.then_some(Fate::Refused), "{n}");
    }
}

#[test]
fn the_values_that_the_submitter_gave_are_kept_with_their_origin() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let carried = |name| Field::from_stored(name).unwrap();
    let given = |document, field, value, origin| GivenValue { document, field, value, origin };
    let text = |text: &str| Value::Text(text.into());
    let of_job = vec![
        given(0, Field::JobPriority, Value::Integer(40), Origin::User),
        given(0, carried("job-comment"), text("it's \"odd\" \u{202e}"), Origin::DefaultJob),
        given(0, carried("job-finishing"), Value::Many(vec![text("staple"), text("punch")]), Origin::Destination),
    ];
    let of_document = vec![given(2, carried("sides"), Value::Integer(2), Origin::User)];
    let number = site.job_with("a.b", 1, |s| {
        s.documents = vec![s.documents[0].clone(); 2];
        s.given = [of_job.clone(), of_document.clone()].concat();
    });
    let job = site.status(number).unwrap();
    let sorted = |mut given: Vec<GivenValue>| {
        given.sort_by_key(|given| given.field);
        given
    };
    assert_eq!(sorted(job.given), sorted(of_job));
    assert_eq!(job.documents[0].given, []);
    assert_eq!(job.documents[1].given, of_document);
}

#[test]
fn a_value_that_is_none_of_its_attribute_is_not_taken_in() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let text = |text: &str| Value::Text(text.into());
    for (document, name, value) in [
        (0, "job-comment", Value::Integer(1)),
        (0, "job-comment", text("two\nlines")),
        (0, "job-comment", Value::Many(vec![text("a"), text("b")])),
        (0, "job-finishing", Value::Many(vec![])),
        (0, "job-finishing", Value::Many(vec![Value::Many(vec![])])),
        (0, "sides", Value::Integer(1)),
        (1, "sides", Value::Integer(3)),
        (1, "plex", text("both")),
        (2, "sides", Value::Integer(1)),
        (0, "nobody-knows-this", text("x")),
        (0, "user-name", text("root@here")),
    ] {
        let field = Field::from_stored(name).unwrap();
        let given = vec![GivenValue { document, field, value, origin: Origin::User }];
        let submission = Submission { given: given.clone(), ..site.submission("a.b") };
        let failure = site.hand_in(submission, b"x\n").unwrap_err();
        assert!(failure.message.starts_with(name), "{given:?}: {failure}");
    }
    let field = Field::from_stored("job-comment").unwrap();
    let twice = vec![GivenValue { document: 0, field, value: text("x"), origin: Origin::User }; 2];
    let failure = site.hand_in(Submission { given: twice, ..site.submission("a.b") }, b"x\n").unwrap_err();
    assert!(failure.message.contains("twice"), "{failure}");
}

#[test]
fn the_longest_token_is_settled_and_a_longer_one_is_refused() {
    let site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    for (length, is_usable) in [(128, true), (129, false), (0, false)] {
        let token = "t".repeat(length);
        let submission = crate::model::job::Submission { token: token.clone(), ..site.submission("a.b") };
        assert_eq!(site.hand_in(submission, b"line\n").is_ok(), is_usable, "{length}");
        let settled = site.spool.settle(&site.call(), token);
        assert_eq!(settled.is_ok_and(|taken| taken.is_some()), is_usable, "{length}");
    }
}

#[test]
fn a_hold_of_a_job_that_prints_wakes_its_process_and_what_is_altered_is_in_the_log() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let job = site.job("a.b", 1);
    let alter = |change: JobChange| site.spool.alter_job(&site.call(), &reference(job), vec![change]).unwrap();
    let told = |word: &str| {
        let events = site.spool.events(&site.call(), &EventSubject::Job(reference(job)), 0).unwrap();
        events.iter().any(|event| event.why.contains(word))
    };
    alter(JobChange::HoldAfter(Some(true)));
    assert!(told("hold-after"));
    assert!(site.claim(&lease, device).is_some());
    let woken: Vec<_> = alter(JobChange::Hold(Some(true))).into_iter().map(|target| target.name).collect();
    assert_eq!(woken, [site.process()]);
}
