//! Printing to files, and the documents themselves.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use crate::fastp::fake::Fake;
use crate::model::device::Exclusive;
use crate::model::job::Format;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::identity;
use crate::sys::lock::FileLock;

fn position(path: &std::path::Path, offset: u64) -> Option<FilePosition> {
    let found = identity(&File::open(path).unwrap()).unwrap();
    Some(FilePosition { dev: found.dev, ino: found.ino, offset })
}

#[test]
fn jobs_are_appended_over_one_open_with_one_form_feed_between_texts() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one\n");
    fake.text(lp, "two\n");
    let stream = fake.document(b"%!PS\x00\xff", Format::PostScript);
    fake.submit(lp, vec![stream]);
    fake.text(lp, "three\n");
    fake.run();
    assert_eq!(std::fs::read(path).unwrap(), b"one\n\x0ctwo\n%!PS\x00\xffthree\n");
    let state = fake.state();
    assert_eq!(state.printers[lp].done.len(), 4);
    assert_eq!((state.count("opened: job 1 is queued"), state.count("opened"), state.count("closed")), (1, 1, 1));
    assert!(!state.running);
}

#[test]
fn what_a_dead_attempt_left_is_taken_back_and_not_printed_twice() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    std::fs::write(&path, "before\nhel").unwrap();
    fake.text(lp, "hello\n");
    fake.state().printers[lp].queue[0].begun = position(&path, 7);
    fake.run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nhello\n");
    assert_eq!(fake.state().count("remark"), 0);
}

#[test]
fn bytes_of_somebody_else_stay_and_a_possible_duplicate_is_announced() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    std::fs::write(&path, "before\nhelXX").unwrap();
    fake.text(lp, "hello\n");
    fake.state().printers[lp].queue[0].begun = position(&path, 7);
    fake.run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nhelXXhello\n");
    assert_eq!(fake.state().count("remark possible-duplicate"), 1);
}

#[test]
fn a_file_that_cannot_take_jobs_is_a_device_error() {
    let fake = Fake::new();
    let inside = fake.device(&format!("file://{}/acme/x", fake.base.root().display()), Exclusive::Off);
    let link = fake.dir.path().join("link");
    std::os::unix::fs::symlink(fake.base.root().join("spool.db"), &link).unwrap();
    File::create(fake.base.root().join("spool.db")).unwrap();
    let through = fake.device(&format!("file://{}", link.display()), Exclusive::Off);
    let null = fake.device("file:///dev/null", Exclusive::Off);
    let dir = fake.device(&format!("file://{}", fake.dir.path().display()), Exclusive::Off);
    for lp in [inside, through, null, dir] {
        fake.text(lp, "x");
    }
    fake.run();
    let state = fake.state();
    let number = |lp: usize| state.printers[lp].error.as_ref().map(|error| error.number);
    assert_eq!([inside, through, null, dir].map(number), [Some(48), Some(48), Some(2), Some(2)]);
    assert_eq!(state.count("touched false"), 4);
    assert!(!fake.base.root().join("acme/x").exists());
}

#[test]
fn a_file_in_use_is_tried_again_until_it_is_free() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    let held = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    assert!(FileLock::mark(&held).unwrap());
    fake.text(lp, "x");
    let process = fake.start();
    drop(fake.until(|state| state.count("error 12") >= 2));
    drop(held);
    process.join().unwrap().unwrap();
    let state = fake.state();
    assert_eq!(state.printers[lp].done.len(), 1);
    assert_eq!(state.count("recovered"), 1);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "x");
}

#[test]
fn a_damaged_copy_goes_to_corrupt_and_the_others_flow() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    let damaged = fake.document(b"abc", Format::Text);
    let file = File::options().write(true).open(&damaged.path).unwrap();
    file.write_all_at(b"abX", 0).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let short = fake.document(b"abc", Format::Text);
    File::options().write(true).open(&short.path).unwrap().set_len(2).unwrap();
    let gone = fake.document(b"abc", Format::Text);
    std::fs::remove_file(&gone.path).unwrap();
    let restored = fake.document(b"fine", Format::Text);
    File::options().write(true).open(&restored.path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    for document in [damaged, short, gone, restored] {
        fake.submit(lp, vec![document]);
    }
    fake.run();
    let state = fake.state();
    assert_eq!(state.count("Corrupt touched false moved true"), 2);
    assert_eq!(state.count("Corrupt touched false moved false"), 1);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "fine");
    let corrupt = std::fs::read_dir(fake.base.root().join("acme/corrupt")).unwrap().count();
    assert_eq!(corrupt, 4, "two files, each with its reason");
}

#[test]
fn a_link_prints_the_file_it_named_or_holds_the_job() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    let name = |name: &str| {
        let path = fake.dir.path().join(name);
        std::fs::write(&path, name).unwrap();
        path
    };
    let (edited, replaced, deleted) = (name("edited"), name("replaced"), name("deleted"));
    for target in [&edited, &replaced, &deleted] {
        let document = fake.link(target, Format::Text);
        fake.submit(lp, vec![document]);
    }
    File::options().append(true).open(&edited).unwrap().write_all(b" in place").unwrap();
    std::fs::rename(name("other"), &replaced).unwrap();
    std::fs::remove_file(&deleted).unwrap();
    fake.run();
    let state = fake.state();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "edited in place");
    assert_eq!(state.count("edited in place since it was submitted"), 1);
    assert_eq!((state.count("held 2 Changed"), state.count("held 3 Failed")), (1, 1));
}

#[test]
fn an_output_file_that_was_moved_away_is_begun_anew() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::On);
    fake.text(lp, "one");
    let process = fake.start();
    drop(fake.until(|state| !state.printers[lp].done.is_empty()));
    std::fs::rename(&path, fake.dir.path().join("old")).unwrap();
    fake.text(lp, "two");
    fake.wake();
    drop(fake.until(|state| state.printers[lp].done.len() == 2));
    fake.state().printers[lp].wish = crate::model::state::DeviceWish::Draining;
    fake.wake();
    process.join().unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "two", "no form feed at the beginning of a file");
    assert_eq!(fake.state().count("drained"), 1);
}

#[test]
fn a_copy_without_digest_in_a_restored_spool_is_printed_with_a_remark_and_a_damaged_one_is_not() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let lp = fake.device(&uri, Exclusive::Off);
    // What a restore does: the same octets and time in another file.
    let restored = |bytes: &[u8], keeps_time: bool| {
        let mut document = fake.document(b"large", Format::Passthru);
        document.digest = None;
        let time = std::fs::metadata(&document.path).unwrap().modified().unwrap();
        let other = fake.dir.path().join("other");
        std::fs::write(&other, bytes).unwrap();
        let time = if keeps_time { time } else { std::time::UNIX_EPOCH };
        File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        std::fs::rename(&other, &document.path).unwrap();
        document
    };
    for document in [restored(b"large", true), restored(b"larger", true), restored(b"large", false)] {
        fake.submit(lp, vec![document]);
    }
    fake.run();
    let state = fake.state();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "large");
    assert_eq!(state.count("sent 1 5 document 1 was printed: its file was moved or restored; it carries no digest"), 1);
    assert_eq!((state.count("held 2 Corrupt"), state.count("held 3 Corrupt")), (1, 1));
}

#[test]
fn an_output_link_whose_target_is_not_there_yet_is_created_through() {
    let fake = Fake::new();
    let (uri, path) = fake.output();
    let target = path.with_extension("target");
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let lp = fake.device(&uri, Exclusive::Off);
    fake.text(lp, "one\n");
    fake.run();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "one\n");
    assert!(path.is_symlink());
}
