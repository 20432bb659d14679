//! A database that is older than its print files.

use std::path::PathBuf;

use super::*;
use crate::model::state::{HoldReason, HoldReasons, JobState};
use crate::store;

const FILES: [&str; 3] = ["spool.db", "spool.db-wal", "spool.db-shm"];

impl Site {
    /// Copies the database and its log as they are: nobody writes meanwhile.
    fn save(&self) -> PathBuf {
        let to = self.dir.path().join("saved");
        std::fs::create_dir_all(&to).unwrap();
        for name in &FILES[..2] {
            std::fs::copy(self.spool.base().root().join(name), to.join(name)).unwrap();
        }
        to
    }

    /// Puts what was saved in the place of the database, behind everybody's back, and opens the spool again.
    fn restore(&mut self, from: &std::path::Path) {
        let root = self.spool.base().root().to_path_buf();
        for name in FILES {
            let _ = std::fs::remove_file(root.join(name));
            let _ = std::fs::copy(from.join(name), root.join(name));
        }
        self.reopen();
    }

    fn reopen(&mut self) {
        let base = self.spool.base().clone();
        self.spool = open(&base, Access::Existing { now: self.now() }).unwrap();
    }

    fn corrupt(&self) -> usize {
        std::fs::read_dir(self.spool.base().corrupt(self.spool.server())).unwrap().count()
    }

    fn is_restored(&self) -> bool {
        self.spool.look(&Call::timeless(), store::restored::since).unwrap().is_some()
    }
}

fn restored() -> HoldReasons {
    HoldReasons::NONE.with(HoldReason::Restored)
}

#[test]
fn a_restored_database_holds_its_jobs_and_nothing_that_it_does_not_know_is_erased() {
    let mut site = Site::new();
    let device = site.device("LP1", "#A.B", vec![Site::socket()]);
    let old = site.job("a.b", 1);
    let saved = site.save();
    let lease = site.begins();
    assert_eq!(site.print_all(&lease, device), [old]);
    let lost = site.job("a.b", 2);
    site.restore(&saved);
    assert!(site.is_restored());
    assert_eq!((site.status(old).unwrap().state, site.status(old).unwrap().reasons), (JobState::Held, restored()));
    assert!(site.status(lost).is_err());
    let lease = site.begins();
    assert!(site.claim(&lease, device).is_none());
    // `begins` has swept: the document of the lost job is not erased.
    assert!(site.print_files().is_empty());
    assert_eq!(site.corrupt(), 2, "the file and its reason");
    let new = site.job("a.b", 3);
    assert!(new > lost, "{new}");
    assert_eq!(site.print_all(&lease, device), [new]);
    // Nor later, however often it is swept, before somebody accepts.
    std::fs::write(site.spool.base().server(site.spool.server()).join("pdprORPHAN"), "x").unwrap();
    assert_eq!((site.spool.sweep().unwrap(), site.corrupt()), (1, 4));
    assert!(site.spool.accept_restored(&Call::of(&site.caller, &site.now())).unwrap());
    assert!(!site.spool.accept_restored(&Call::of(&site.caller, &site.now())).unwrap());
    std::fs::write(site.spool.base().server(site.spool.server()).join("pdprORPHAN"), "x").unwrap();
    assert_eq!((site.spool.sweep().unwrap(), site.corrupt()), (1, 4), "it is erased now");
    site.reopen();
    assert!(!site.is_restored());
}

#[test]
fn a_job_of_a_restored_database_that_is_started_is_announced_as_a_possible_duplicate() {
    let mut site = Site::new();
    let device = site.device("LP1", "#A.B", vec![site.file()]);
    let job = site.job("a.b", 1);
    let saved = site.save();
    let lease = site.begins();
    let claim = site.claim(&lease, device).unwrap();
    site.ends(&lease, &claim, sent());
    site.restore(&saved);
    let lease = site.begins();
    site.spool.start_job(&Call::of(&site.caller, &site.now()), &reference(job)).unwrap();
    let claim = site.claim(&lease, device).unwrap();
    assert!(claim.possible_duplicate && claim.begun.is_none());
    assert!(site.log(job).contains(&"possible-duplicate".to_owned()), "{:?}", site.log(job));
}

#[test]
fn an_attempt_that_ran_when_the_backup_was_made_is_given_back_held() {
    let mut site = Site::new();
    let device = site.device("LP1", "#A.B", vec![site.file()]);
    let job = site.job("a.b", 1);
    let lease = site.begins();
    let claim = site.claim(&lease, device).unwrap();
    let at = crate::spool::interface::engine::FilePosition { dev: 1, ino: 2, offset: 3 };
    site.spool.attempt_begins(&lease, &claim, &at, &Default::default(), &site.now()).unwrap();
    let saved = site.save();
    site.ends(&lease, &claim, sent());
    site.restore(&saved);
    let lease = site.begins();
    assert_eq!(site.status(job).unwrap().state, JobState::Held);
    site.spool.start_job(&Call::of(&site.caller, &site.now()), &reference(job)).unwrap();
    let claim = site.claim(&lease, device).unwrap();
    assert!(claim.begun.is_none(), "the file has gone on since: nothing of it may be cut off");
}

#[test]
fn a_log_that_is_missing_is_noticed() {
    let mut site = Site::new();
    site.device("LP1", "#A.B", vec![Site::socket()]);
    // Everything so far goes into the database itself.
    let base = site.spool.base().clone();
    store::write_back(&base.database());
    let job = site.job("a.b", 1);
    drop(site.spool);
    for name in &FILES[1..] {
        let _ = std::fs::remove_file(base.root().join(name));
    }
    site.spool = open(&base, Access::Existing { now: moment(0) }).unwrap();
    assert!(site.is_restored());
    assert!(site.status(job).is_err());
    assert!(site.job("a.b", 1) > job);
}

#[test]
fn a_mark_that_is_behind_torn_or_missing_does_no_harm() {
    let mut site = Site::new();
    site.device("LP1", "#A.B", vec![]);
    let path = site.spool.base().generation(site.spool.server());
    let before = std::fs::read(&path).unwrap();
    let job = site.job("a.b", 1);
    let now = std::fs::read(&path).unwrap();
    assert_ne!(before, now);
    for bytes in [&before[..], &now[..now.len() / 2], b""] {
        std::fs::write(&path, bytes).unwrap();
        site.reopen();
        assert!(!site.is_restored() && site.status(job).unwrap().state == JobState::Ready);
    }
    std::fs::remove_file(&path).unwrap();
    site.reopen();
    assert!(!site.is_restored());
    site.job("a.b", 1);
    assert!(path.exists());
}

#[test]
fn a_change_that_changes_nothing_is_no_commit() {
    let site = Site::new();
    let path = site.spool.base().generation(site.spool.server());
    let before = std::fs::read(&path).unwrap();
    site.spool.change(crate::spool::Room::Gives, &Call::timeless(), |_| Ok(())).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn print_files_stay_while_a_backup_runs_and_are_swept_after_it() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    site.job("a.b", 1);
    let kept = crate::spool::disk::locks::keep_print_files(&site.spool.base().spool_id(site.spool.server()));
    let kept = kept.unwrap().unwrap();
    let lease = site.begins();
    site.print_all(&lease, device);
    assert_eq!((site.print_files().len(), site.spool.sweep().unwrap()), (1, 0));
    drop(kept);
    assert_eq!((site.spool.sweep().unwrap(), site.print_files().len()), (1, 0));
}

#[test]
fn a_clock_that_is_set_a_year_ahead_erases_no_history() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    let jobs: Vec<u32> = (0..40).map(|_| site.job("a.b", 1)).collect();
    site.print_all(&lease, device);
    let day = 24 * 3_600_000;
    let later = Moment { wall_ms: moment(400 * day).wall_ms, ..moment(1000) };
    site.spool.begins(&site.process(), 1, &later).unwrap();
    // The machine starts again with that clock.
    let later = Moment { wall_ms: later.wall_ms, boot_ms: 5, boot_id: "next".into() };
    site.spool.begins(&site.process(), 1, &later).unwrap();
    let known = || site.spool.look(&Call::timeless(), |tx| store::finished::list(tx, None, None, 1000)).unwrap().len();
    assert_eq!(known(), jobs.len());
    // What is old by the time that really passed is forgotten.
    let later = Moment { wall_ms: later.wall_ms, boot_ms: 31 * day, boot_id: "next".into() };
    site.spool.begins(&site.process(), 1, &later).unwrap();
    assert_eq!(known(), 0);
}

#[test]
fn a_process_that_never_rests_forgets_old_history_too() {
    let site = Site::new();
    let device = site.device("LP1", "#A.B", vec![]);
    let lease = site.begins();
    site.job("a.b", 1);
    site.print_all(&lease, device);
    site.pass(31 * 24 * 3_600_000);
    let known = || site.spool.look(&Call::timeless(), |tx| store::finished::list(tx, None, None, 1000)).unwrap().len();
    // It does so with every so many jobs, not with each.
    let later: Vec<u32> = (0..32).map(|_| site.job("a.b", 1)).collect();
    assert_eq!(site.print_all(&lease, device), later);
    assert_eq!(known(), later.len());
}
