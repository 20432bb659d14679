//! Many at once: 64 submitters, 4 listers, 2 operators that drain and start the device. Every job comes out once, and
//! nobody starves at the write gate: the submissions go on until all are done. How long that takes is told, not judged.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::documents::{stream, take_apart, text};
use crate::support::{DEADLINE, Site, finish_unless, number};

const SUBMITTERS: usize = 64;
const LISTERS: usize = 4;

/// How many submissions have ended. Somebody is stuck, however busy the machine is, when he waits for long while none does:
/// nobody else is in his way then.
#[derive(Default)]
struct Ended(AtomicU64);

impl Ended {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// A question to be asked now and then: has none ended since the last time?
    fn stands_still(&self) -> impl Fn() -> bool {
        let before = AtomicU64::new(self.count());
        move || before.swap(self.count(), Ordering::SeqCst) == self.count()
    }
}

#[test]
fn every_job_of_a_crowd_comes_out_once_while_operators_drain_and_start() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let each = number("JOBS", 4);
    let over = AtomicBool::new(false);
    let ended = Ended::default();
    let mut longest = thread::scope(|scope| {
        let submitters: Vec<_> = (0..SUBMITTERS)
            .map(|who| {
                let (site, ended) = (&site, &ended);
                scope.spawn(move || submit_some(site, who, each, ended))
            })
            .collect();
        for _ in 0..LISTERS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    site.jobs();
                    site.run("spoolcom", &["DEV $LP1; JOB; LOC"]).expect(0);
                }
            });
        }
        for waits in [false, true] {
            let (site, over) = (&site, &over);
            scope.spawn(move || operate(site, over, waits));
        }
        let longest: Vec<Duration> = submitters.into_iter().map(|one| one.join().unwrap()).collect();
        over.store(true, Ordering::SeqCst);
        longest
    });
    site.start("LP1");
    site.wait_until_empty();

    let mut seen: HashMap<String, u32> = HashMap::new();
    let received = take_apart(&std::fs::read(site.sink()).unwrap());
    assert_eq!(received.broken, None);
    for tag in received.complete {
        *seen.entry(tag).or_default() += 1;
    }
    for who in 0..SUBMITTERS {
        for n in 0..each {
            assert_eq!(seen.remove(&format!("crowd-{who}-{n}")), Some(1), "job {n} of submitter {who}");
        }
    }
    assert!(seen.is_empty(), "{seen:?}");
    site.wait_for_no_print_files();
    longest.sort();
    let (median, last) = (longest[longest.len() / 2], longest[longest.len() - 1]);
    eprintln!("the longest submission of each submitter: median {median:?}, longest {last:?}");
}

/// Submits some jobs, one after another, and says how long the longest took.
fn submit_some(site: &Site, who: usize, each: u64, ended: &Ended) -> Duration {
    let mut longest = Duration::ZERO;
    for n in 0..each {
        let tag = format!("crowd-{who}-{n}");
        let size = 500 * (1 + who % 7) * (1 + usize::try_from(n).unwrap() * 5);
        let bytes = if who.is_multiple_of(2) { text(&tag, size) } else { stream(&tag, size) };
        let file = site.document(&tag, &bytes);
        let begun = Instant::now();
        let submission = site.submission("office.front", &tag, &file).spawn().unwrap();
        finish_unless(submission, DEADLINE, ended.stands_still()).expect(0);
        ended.0.fetch_add(1, Ordering::SeqCst);
        longest = longest.max(begun.elapsed());
    }
    longest
}

/// Drains and starts the device until it is over; the other operator may have been faster, which is said and no fault.
fn operate(site: &Site, over: &AtomicBool, waits: bool) {
    while !over.load(Ordering::SeqCst) {
        let drain: &[&str] = if waits { &["DEV $LP1, DRAIN"] } else { &["--no-wait", "DEV $LP1, DRAIN"] };
        for args in [drain, &["DEV $LP1, START"]] {
            let outcome = site.run("spoolcom", args);
            assert!([0, 1].contains(&outcome.status), "{outcome:#?}");
        }
    }
}

#[test]
fn a_drain_that_waits_returns_when_the_device_is_offline() {
    let site = Site::new();
    site.declare();
    site.spoolcom("DEV $LP1, START");
    let file = site.document("d", &text("d", 300_000));
    site.submit("office.front", "d", &file).expect(0);
    site.spoolcom("DEV $LP1, DRAIN; DEV $LP1, EXCLUSIVE OFF!, START");
    site.wait_until_empty();
    assert_eq!(take_apart(&std::fs::read(site.sink()).unwrap()).complete, ["d"]);
}
