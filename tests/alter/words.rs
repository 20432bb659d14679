//! The words of `pdmod` and its kin: defaults return, faults alter nothing, nothing panics.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use spoolsuite::commands::shell::Exit;
use spoolsuite::model::state::JobState;

use super::world::World;

#[test]
fn copies_belong_to_documents_and_defaults_return() {
    for wire in [false, true] {
        let world = World::new(wire);
        let n = world.submit(&[1, 2, 3]);
        let id = world.job(n).global.to_string();
        let copies = || world.job(n).documents.iter().map(|one| one.copies).collect::<Vec<_>>();
        let pdmod = |words: &[&str]| {
            let ended = world.run(&[&["pdmod"], words].concat());
            assert_eq!(ended.0, Exit::Done, "{words:?}: {}", ended.2);
            ended.1
        };
        pdmod(&["-n", "4", &format!("{id}.2")]);
        assert_eq!(copies(), [1, 4, 3]);
        pdmod(&["-x", "copy-count-=4", &id]);
        assert_eq!(copies(), [1, 1, 3]);
        pdmod(&["-x", "copy-count-=7", &id]);
        assert_eq!(copies(), [1, 1, 3]);
        pdmod(&["-x", "copy-count=2", "-n", "5", &id]);
        assert_eq!(copies(), [5, 5, 5]);
        pdmod(&["-x", "copy-count== job-priority=20 form='A 1' hold-after=true job-hold=true", "-t", "two words", &id]);
        let job = world.job(n);
        assert_eq!(copies(), [1, 1, 1]);
        assert_eq!((job.name.as_str(), job.form.as_str(), job.priority.get()), ("two words", "A 1", 20));
        assert!(job.hold_after && job.state == JobState::Held);
        pdmod(&["-x", "job-name== form== job-priority== hold-after== job-hold==", &id]);
        let job = world.job(n);
        assert_eq!((job.name.as_str(), job.form.as_str(), job.priority.get()), ("letter", "", 50));
        assert!(!job.hold_after && job.state == JobState::Ready);
        let shown = pdmod(&["-n", "2", "-r", "job-client-id copy-count", "-g", "-s", "column", &id]);
        assert!(shown.contains('2'), "{shown}");
    }
}

#[test]
fn a_command_line_with_a_fault_alters_nothing() {
    let world = World::new(false);
    let n = world.submit(&[1, 1]);
    let before = world.job(n);
    let id = before.global.to_string();
    let document = format!("{id}.1");
    for words in [
        &["pdmod", id.as_str()][..],
        &["pdmod", "-x", "job-name+=x", &id],
        &["pdmod", "-x", "job-owner=x", &id],
        &["pdmod", "-x", "destination-name-requested=x", &id],
        &["pdmod", "-x", "current-job-state=held", &id],
        &["pdmod", "-x", "job-priority=0", &id],
        &["pdmod", "-x", "job-priority=101", &id],
        &["pdmod", "-x", "job-priority=1 2", &id],
        &["pdmod", "-x", "job-hold=perhaps", &id],
        &["pdmod", "-x", "form=a_b", &id],
        &["pdmod", "-x", "job-priority", &id],
        &["pdmod", "-x", "job-priority= job-hold=true", &id],
        &["pdmod", "-n", "0", &id],
        &["pdmod", "-t", "", &id],
        &["pdmod", "-t", "x", &document],
        &["pdmod", "-t", "x", &id, "acme1:"],
        &["pdmod", "-t", "x", &id, ""],
        &["pdmod", "-t", "x"],
        &["pdset", "-x", "job-priority=1", &id],
        &["pdset", "-c", "destination", "-x", "enabled=true", "LP1"],
        &["pdset", "-c", "nonsense", "-x", "job-priority=1", &id],
        &["pdpause", "-c", "job", "-w", "after-current-copy", &id],
        &["pdpause", "-c", "job", "-x", "job-priority=1", &id],
        &["pdpause", "-c", "job", &document],
        &["pdpromote", &id, &id],
    ] {
        let (exit, out, err) = world.run(words);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{words:?}\n{err}");
        assert!(err.starts_with(words[0]) && !err.is_empty(), "{words:?}: {err}");
        assert_eq!(world.job(n), before, "{words:?}");
    }
    // What only the spool can tell is a failure of that job, and the others follow.
    let (exit, _, err) = world.run(&["pdmod", "-n", "2", &format!("{id}.3"), "999999", &id]);
    assert_eq!(exit, Exit::Failed);
    assert!(err.contains("none is number 3") && err.contains("cannot find job 999999"), "{err}");
    assert_eq!(world.job(n).copies, 2);
}

#[test]
fn no_attribute_words_panic_and_what_is_refused_has_no_effect() {
    let world = World::new(false);
    let n = world.submit(&[1, 2]);
    let id = world.job(n).global.to_string();
    let word = "(job-(name|priority|hold|owner)|copy-count|form|hold-after|j-n|c|x)?(=|==|\\+=|-=)?\
                ('[a-z ]{0,4}'|[0-9]{0,3}|true|false|\\{|'|\\PC{0,4})";
    let strategy = (prop::collection::vec(word, 0..5), any::<bool>(), "(\\.[0-3])?");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(300) });
    runner
        .run(&strategy, |(words, set, document)| {
            let before = world.job(n);
            let (text, target) = (words.join(" "), format!("{id}{document}"));
            let (exit, _, err) = match set {
                true => world.run(&["pdset", "-c", "job", "-x", &text, &target]),
                false => world.run(&["pdmod", "-x", &text, &target]),
            };
            if exit != Exit::Done {
                prop_assert!(!err.is_empty());
                prop_assert_eq!(world.job(n), before);
            }
            Ok(())
        })
        .unwrap();
}
