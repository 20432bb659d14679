use std::ffi::OsString;
use std::path::Path;

use crate::commands::pd::testing::{Answer, Fake, World, job, with};
use crate::commands::pd::verbs::pdpr::run as pdpr;
use crate::model::field::{Field, Value};
use crate::model::job::{Submission, Transfer};
use crate::model::{Failure, FailureKind};
use std::os::unix::ffi::OsStringExt;

/// A directory with some documents.
fn documents() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(dir.path().join(name), format!("this is {name}")).unwrap();
    }
    std::fs::write(dir.path().join("empty"), "").unwrap();
    dir
}

fn submit(fake: &Fake, dir: &Path, line: &str) -> Answer {
    World { cwd: dir.to_owned(), ..World::default() }.run(Box::new(fake.clone()), pdpr, line)
}

/// The one submission that `line` makes.
fn submitted(line: &str) -> (Submission, Vec<Vec<u8>>) {
    let (fake, dir) = (Fake::default(), documents());
    let answer = submit(&fake, dir.path(), line);
    assert_eq!(answer.to_string(), "= 0", "{line}");
    let mut submissions = std::mem::take(&mut fake.0.borrow_mut().submissions);
    assert_eq!(submissions.len(), 1);
    submissions.remove(0)
}

#[test]
fn a_job_has_a_document_for_each_file_in_order() {
    let (submission, contents) = submitted("-d office.front a -f b c -t report");
    assert_eq!(contents, [b"this is a", b"this is b", b"this is c"]);
    assert_eq!(submission.name, "report");
    assert_eq!(submission.destination, "office.front");
    assert!(submission.documents.iter().all(|one| one.transfer == Transfer::Copy && one.copies == 1));
    assert_eq!(submission.token.len(), 22);
}

#[test]
fn document_attributes_hold_for_the_documents_after_them() {
    let (submission, _) = submitted("-d front a -n 2 -f b -x copy-count=3 c a -x job-priority=7 -x j-p=9 b");
    let copies: Vec<u32> = submission.documents.iter().map(|one| one.copies).collect();
    assert_eq!(copies, [1, 2, 3, 3, 3]);
    assert_eq!(submission.priority.get(), 9);
    let given: Vec<(u32, Field, Value)> =
        submission.given.into_iter().map(|given| (given.document, given.field, given.value)).collect();
    assert_eq!(given.len(), 5, "{given:?}");
    assert!(given.contains(&(2, Field::CopyCount, Value::Integer(2))));
    assert!(given.contains(&(0, Field::JobPriority, Value::Integer(9))));
    // Where it goes is never by default: nothing is to be remembered of who said it.
    assert_eq!(submission.destination, "front");
}

#[test]
fn every_attribute_of_a_job_can_be_given() {
    let (submission, _) = submitted("-pfront¦-x¦job-hold=t hold-after=yes form='INV 1' job-name='two words'¦a¦-N¦none");
    assert!(submission.hold && submission.hold_after);
    assert_eq!((submission.form.as_str(), submission.name.as_str()), ("INV 1", "two words"));
}

#[test]
fn links_hold_the_absolute_name() {
    let (fake, dir) = (Fake::default(), documents());
    assert_eq!(submit(&fake, dir.path(), "-ld front ./a").to_string(), "= 0");
    let offer = fake.0.borrow().submissions[0].0.documents[0].clone();
    assert_eq!(offer.transfer, Transfer::Link);
    assert_eq!(offer.link_target.unwrap().0, dir.path().join("a"));
}

#[test]
fn attributes_and_input_files_stand_where_they_are_named() {
    let (fake, dir) = (Fake::default(), documents());
    std::fs::write(dir.path().join("attributes"), "copy-count = 4 # each\njob-name = 'tray \\#2'").unwrap();
    std::fs::write(dir.path().join("input"), "-d front\n-X attributes\nb\n").unwrap();
    assert_eq!(submit(&fake, dir.path(), "a -Z input").to_string(), "= 0");
    let submission = fake.0.borrow().submissions[0].0.clone();
    assert_eq!(submission.documents.iter().map(|one| one.copies).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(submission.name, "tray #2");
}

#[test]
fn odd_file_names_work_and_make_a_clean_job_name() {
    let (fake, dir) = (Fake::default(), documents());
    let odd = OsString::from_vec(b"-a b:\n%n\xff".to_vec());
    std::fs::write(dir.path().join(&odd), "x").unwrap();
    let words = [OsString::from("-dfront"), "--".into(), odd.clone()];
    let world = World { cwd: dir.path().to_owned(), ..World::default() };
    assert_eq!(world.words(Box::new(fake.clone()), pdpr, &words).to_string(), "= 0");
    let submission = fake.0.borrow().submissions[0].0.clone();
    assert_eq!(submission.name, "-a b:\\n%n\u{fffd}");
    assert_eq!(submission.documents[0].file_name.0.as_os_str(), odd);
}

#[test]
fn a_title_of_any_octets_becomes_one_line() {
    let (fake, dir) = (Fake::default(), documents());
    let world = World { cwd: dir.path().to_owned(), ..World::default() };
    for words in [&["-dfront", "a", "-t"][..], &["-dfront", "a", "-x"]] {
        let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let octets = if words[2] == "-t" { &b"x\ny\xff"[..] } else { b"job-name='x\ny\xff'" };
        words.push(OsString::from_vec(octets.to_vec()));
        assert_eq!(world.words(Box::new(fake.clone()), pdpr, &words).to_string(), "= 0");
    }
    let submissions = &fake.0.borrow().submissions;
    let names: Vec<&str> = submissions.iter().map(|one| one.0.name.as_str()).collect();
    assert_eq!(names, ["x\\ny\u{fffd}"; 2]);
}

#[test]
fn the_environment_names_a_destination() {
    let (fake, dir) = (Fake::default(), documents());
    let world = World { cwd: dir.path().to_owned(), env: vec![("PDPRINTER", "front")], ..World::default() };
    assert_eq!(world.run(Box::new(fake.clone()), pdpr, "a").to_string(), "= 0");
    assert_eq!(fake.0.borrow().submissions[0].0.destination, "front");
    assert!(fake.0.borrow().submissions[0].0.given.is_empty());
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_submitted() {
    let dir = documents();
    let lines = [
        "a",
        "-d front",
        "-d nosuch a",
        "-d front -l -",
        "-d front - -",
        "-d front a empty nosuch .",
        "-d front -n 0 a",
        "-d front -n -1 a",
        "-d front -n 2147483648 a",
        "-d front a -x job-priority=101",
        "-d front a -x job-nane=x",
        "-d front a -x j=x",
        "-d front a -x document-content=x",
        "-d front a -x copy-count==",
        "-d front a -x job-name+=x",
        "-dfront¦a¦-x¦job-name=two words",
        "-d front a -x form=a_b",
        "-d front a -x hello",
        "-d front a -X nosuch",
        "-d front a -N exit",
        "-d front a -N pigeon",
        "-d front a -r nosuch",
        "-d front a -s wide",
        "-d front a -Z nosuch",
        "-d front a -q",
        "-d front a -x transfer-method=link",
        "-d¦¦a",
        "-d¦front¦¦a",
        "-d¦front¦-t¦¦a",
        "-H¦¦-d¦front¦a",
        "-d front a -x job-hold=maybe",
        "-d front -l /dev/null",
    ];
    let mut shown = String::new();
    for line in lines {
        let fake = Fake::default();
        let answer = submit(&fake, dir.path(), line);
        assert!(fake.0.borrow().submissions.is_empty(), "{line}");
        shown.push_str(&format!("> {}\n{answer}\n", line.escape_debug()));
    }
    let shown = shown.replace(&*dir.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(shown);
}

#[test]
fn the_accepted_job_is_shown_when_asked_for() {
    let dir = documents();
    let show = |line: &str| submit(&with(vec![job(1)]), dir.path(), &format!("-d front a b {line}"));
    insta::assert_snapshot!(show("-r brief"));
    insta::assert_snapshot!(show("-r job-identifier,copy-count"));
    insta::assert_snapshot!(show("-r verbose"));
    assert_eq!(show("-r none").out, "");
}

#[test]
fn a_job_that_printed_at_once_is_shown_all_the_same() {
    let (fake, dir) = (Fake::default(), documents());
    fake.0.borrow_mut().prints_at_once = true;
    insta::assert_snapshot!(submit(&fake, dir.path(), "-d front a -r brief"));
}

#[test]
fn an_unknown_outcome_is_settled() {
    let dir = documents();
    let lost = || Failure::new(FailureKind::Unknown, "the reply was lost");
    let there = Fake::default();
    there.0.borrow_mut().submit_fails = Some((lost(), true));
    assert_eq!(submit(&there, dir.path(), "-d front a").to_string(), "= 0");
    let refused = Fake::default();
    refused.0.borrow_mut().submit_fails = Some((lost(), false));
    assert_eq!(
        submit(&refused, dir.path(), "-d front a").to_string(),
        "! pdpr: 9100-914 not accepted; nothing was queued: the reply was lost\n= 1"
    );
    let dark = Fake::default();
    dark.0.borrow_mut().submit_fails = Some((lost(), false));
    dark.0.borrow_mut().settle_fails = Some(Failure::new(FailureKind::Unreachable, "nobody answers"));
    let answer = submit(&dark, dir.path(), "-d front a");
    assert!(answer.err.contains("outcome unknown (submission ") && answer.err.contains("nobody answers"), "{answer}");
    assert_eq!(answer.exit as u8, 1);
}

#[test]
fn help_wins_over_what_comes_with_it() {
    let dir = documents();
    for line in ["-h", "-d front -h a", "-n nonsense -h"] {
        let answer = submit(&Fake::default(), dir.path(), line);
        assert!(answer.out.contains("Usage: pdpr") && answer.exit as u8 == 0, "{line}: {answer}");
    }
}

#[test]
fn help_does_not_read_the_files_that_are_named() {
    let answer = submit(&Fake::default(), Path::new("/nonexistent"), "-Z nosuch -X nosuch -h");
    assert!(answer.out.contains("Usage: pdpr") && answer.exit as u8 == 0, "{answer}");
    let answer = submit(&Fake::default(), Path::new("/nonexistent"), "--help");
    assert!(answer.out.contains("Settable attributes:\n  job-name (b)  "), "{answer}");
}
