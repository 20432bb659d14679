//! A spool inside the test's own process, whose clock the test owns: for rules and listings that need no print process.

#![allow(dead_code, reason = "each test uses its own part")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::model::job::{Accepted, DocumentOffer, RawPath, Submission, Transfer};
use spoolsuite::model::order::Priority;
use spoolsuite::model::time::Moment;
use spoolsuite::model::{Caller, ProcessName};
use spoolsuite::spool::disk::base::{Access, open};
use spoolsuite::spool::interface::engine::{Engine, Lease};
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::spool::{Base, Local, Nobody, Spool};
use spoolsuite::sys::lock::FileLock;

/// 21 November 2026, 09:06:40 UTC.
pub const START: i64 = 1_795_252_000_000;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(START) };
}

/// The test's clock.
pub fn now() -> Moment {
    let wall_ms = NOW.get();
    Moment { wall_ms, boot_ms: wall_ms - START + 1_000_000, boot_id: "boot".into() }
}

/// Lets time pass.
pub fn pass(ms: i64) {
    NOW.set(NOW.get() + ms);
}

/// The verb that runs a command line.
pub type Verb = fn(&[OsString], &mut Shell<'_>) -> Exit;

/// A spool that only this test knows.
pub struct Inside {
    pub dir: tempfile::TempDir,
    pub spool: Spool,
    pub local: Local,
    tokens: u32,
    /// The locks of the print processes that live, as far as the spool can tell.
    locks: BTreeMap<ProcessName, FileLock>,
}

impl Inside {
    pub fn new() -> Self {
        NOW.set(START);
        let dir = tempfile::tempdir().unwrap();
        let base = Base::new(dir.path().join("base"));
        let spool = open(&base, Access::Create { server: "acme1".parse().unwrap(), now: now() }).unwrap();
        let local = Self::local(&spool);
        Self { dir, spool, local, tokens: 0, locks: BTreeMap::new() }
    }

    /// A print process begins, and lives until [`Inside::all_die`], as far as the spool can tell.
    pub fn begins(&mut self, process: &str) -> Lease {
        let process: ProcessName = process.parse().unwrap();
        // One that begins again while it lives has its lock already.
        self.locks.entry(process.clone()).or_insert_with(|| {
            FileLock::exclusive(&self.spool.base().process_lock(&process), super::DEADLINE).unwrap().unwrap()
        });
        self.spool.begins(&process, 4711, &now()).unwrap()
    }

    /// Every print process dies, without a word.
    pub fn all_die(&mut self) {
        self.locks.clear();
    }

    /// Another handle on the spool.
    pub fn local(spool: &Spool) -> Local {
        let uid = nix::unistd::geteuid().as_raw();
        let caller = Caller { uid, user: "ann".into(), host: "here".into(), groups: Vec::new(), operator: false };
        Local::new(spool.clone(), caller, now, Arc::new(Nobody))
    }

    /// A submission of one document that holds `text`.
    pub fn offer(&mut self, destination: &str, text: &[u8]) -> (Submission, OwnedFd) {
        self.tokens += 1;
        let path = self.dir.path().join(format!("document.{}", self.tokens));
        std::fs::write(&path, text).unwrap();
        let submission = Submission {
            token: format!("token{}", self.tokens),
            destination: destination.into(),
            name: format!("job {}", self.tokens),
            form: String::new(),
            priority: Priority::default(),
            hold: false,
            hold_after: false,
            lifetime: spoolsuite::model::lifetime::Lifetime::default(),
            owner: None,
            keep: false,
            batch: None,
            documents: vec![DocumentOffer {
                file_name: RawPath("letter.txt".into()),
                transfer: Transfer::Copy,
                link_target: None,
                copies: 1,
                format: None,
            }],
            given: Vec::new(),
            collector: None,
        };
        (submission, File::open(&path).unwrap().into())
    }

    /// Hands in a job.
    pub fn submit(&mut self, destination: &str, text: &[u8], alter: impl FnOnce(&mut Submission)) -> Accepted {
        let (mut submission, file) = self.offer(destination, text);
        alter(&mut submission);
        self.local.submit(submission, vec![file]).unwrap()
    }

    /// Runs a command on the spool; its output, after it ended with `exit`.
    #[track_caller]
    pub fn run(&self, verb: Verb, words: &[&str], exit: Exit) -> String {
        let (ended, out, err) = self.attempt(verb, words);
        assert_eq!(ended, exit, "{words:?}: {err}");
        out
    }

    /// Runs a command on the spool: how it ended, its output and its messages.
    pub fn attempt(&self, verb: Verb, words: &[&str]) -> (Exit, String, String) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut open = |_: Option<&str>, _: Intent| Ok(Box::new(Self::local(&self.spool)) as Box<dyn Operations>);
        let ended = verb(
            &words,
            &mut Shell::of_script(
                (&mut out, &mut err, &mut std::io::empty()),
                &|name| (name == "TZ").then(|| "UTC".into()),
                (self.dir.path().to_owned(), now().wall_ms),
                &mut open,
            ),
        );
        (ended, String::from_utf8(out).unwrap(), String::from_utf8_lossy(&err).into_owned())
    }
}
