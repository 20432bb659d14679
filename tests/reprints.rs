//! What prints again, what is held and what is announced when a connection ends in the middle of work: every cause, under
//! every EXCLUSIVE, at every place of the job. One table says the rule ([`rule`]).
//!
//! The short form leaves out those in the middle. `MATRIX=1` is the whole matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::support::documents::{stream, take_apart};
use crate::support::sink::{Connection, Mode, Sink};
use crate::support::{Site, number};

/// Why the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// An operator holds the job.
    Hold,
    /// An operator deletes it.
    Delete,
    /// An operator clears the device, and the job is held.
    Clear,
    /// The user's file, which is linked, gets shorter.
    Changed,
    /// The printer resets the connection.
    Reset,
}

/// Where the job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It prints, as the first of three.
    First,
    /// It prints, as the second.
    Middle,
    /// It prints, as the last.
    Last,
    /// Its last octet is acknowledged, and its connection has not ended.
    Delivered,
}

/// What is to become of three jobs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// How often each comes out whole.
    printed: BTreeMap<&'static str, usize>,
    /// What stays, and why.
    held: BTreeMap<&'static str, &'static str>,
    /// What is announced as a possible duplicate.
    announced: BTreeSet<&'static str>,
}

const SMALL: [&str; 3] = ["one", "two", "three"];
/// A line of the long job that comes when most of it has not left yet.
const IN_MID_JOB: &str = "long 400 ";
/// More than the buffers of both sides hold.
const LONG: usize = 8 << 20;

/// The rule. `closes`: the printer closes its side when we close ours.
///
/// * What the printer does brings back everything on the connection that is not released, announced.
/// * What we do brings back nothing. Jobs that were delivered before on the connection are sent when the printer closes, and
///   else held: they may have printed.
/// * Whatever may have come out, the cut job too, is announced, unless it is deleted.
/// * Under OFF ! no other job is on the connection.
fn rule(cause: Cause, exclusive: &str, place: Place, closes: bool) -> Outcome {
    let jobs = jobs(place);
    let is_kept = exclusive != "OFF!";
    let cut = jobs.iter().position(|tag| *tag == "long");
    let before = |tag: &str| match cut {
        Some(cut) => is_kept && jobs[..cut].contains(&tag),
        // All three are delivered; where each has a connection of its own, the others have not begun.
        None => is_kept || tag == "one",
    };
    let mut outcome = Outcome::default();
    for tag in jobs {
        let is_the_one = tag == "long" || (place == Place::Delivered && tag == "one");
        let times = match cause {
            Cause::Reset if before(tag) => 2,
            Cause::Reset => 1,
            _ => usize::from(tag != "long"),
        };
        if times > 0 {
            outcome.printed.insert(tag, times);
        }
        if tag == "long" && cause != Cause::Delete {
            outcome.announced.insert(tag);
        }
        match cause {
            Cause::Reset if before(tag) || is_the_one => drop(outcome.announced.insert(tag)),
            Cause::Hold | Cause::Clear if is_the_one => drop(outcome.held.insert(tag, "job-hold-set")),
            Cause::Changed if tag == "long" => drop(outcome.held.insert(tag, "document-changed")),
            Cause::Hold | Cause::Clear | Cause::Delete | Cause::Changed if cut.is_some() && before(tag) && !closes => {
                outcome.held.insert(tag, "job-may-have-printed");
                outcome.announced.insert(tag);
            }
            _ => {}
        }
    }
    outcome
}

fn jobs(place: Place) -> [&'static str; 3] {
    let mut jobs = SMALL;
    match place {
        Place::First => jobs[0] = "long",
        Place::Middle => jobs[1] = "long",
        Place::Last => jobs[2] = "long",
        Place::Delivered => {}
    }
    jobs
}

struct Cell {
    printer: Sink,
    site: Site,
    jobs: [&'static str; 3],
    cause: Cause,
}

impl Cell {
    fn new(cause: Cause, mode: Mode, exclusive: &str, place: Place, settle: &'static str) -> Self {
        let printer = Sink::new(mode);
        let mut site = Site::new();
        site.env.push(("PD_SETTLE_MS", settle));
        site.declare();
        site.device("LP2", &printer.uri(), exclusive);
        // In the order in which they come, not the short ones first.
        site.spoolcom("DEV $LP2, FIFO ON; LOC #OFFICE.NET, DEV $LP2");
        let jobs = jobs(place);
        for tag in jobs {
            let file = site.document(tag, &stream(tag, if tag == "long" { LONG } else { 3000 }));
            site.run("pdpr", &["-l", "-d", "office.net", "-t", tag, file.to_str().unwrap()]).expect(0);
        }
        site.start("LP2");
        Self { printer, site, jobs, cause }
    }

    fn number(&self, tag: &str) -> String {
        self.site.jobs().iter().find(|job| job["job-name"] == tag).unwrap()["job-number"].to_string()
    }

    fn file(&self, tag: &str) -> PathBuf {
        self.site.files.path().join(tag)
    }

    fn events(&self, what: &str) -> i64 {
        let query = "SELECT count(*) FROM event WHERE object = 'job' AND what = ?";
        self.site.database().query_row(query, [what], |row| row.get(0)).unwrap()
    }

    /// Tags of whole documents that came over a connection.
    fn whole(&self, octets: &[u8]) -> Vec<String> {
        if self.cause != Cause::Changed {
            return take_apart(octets).complete;
        }
        // What is on its way of a linked file still belongs to the file: octets that were cut off it there may be zeros.
        let is_in = |tag: &&&str| {
            let document = stream(tag, 3000);
            octets.windows(document.len()).any(|some| some == document)
        };
        SMALL.iter().filter(is_in).map(|tag| (*tag).to_owned()).collect()
    }

    fn printed(&self, connections: &[Connection]) -> BTreeMap<&'static str, usize> {
        let mut printed = BTreeMap::new();
        let known = |tag: String| self.jobs.into_iter().find(|known| *known == tag).unwrap();
        for tag in connections.iter().flat_map(|one| self.whole(&one.octets)) {
            *printed.entry(known(tag)).or_default() += 1;
        }
        printed
    }

    /// What stands on hold, and why.
    fn held(&self) -> Option<BTreeMap<&'static str, &'static str>> {
        let words = ["job-hold-set", "document-changed", "job-may-have-printed"];
        let mut held = BTreeMap::new();
        for job in self.site.jobs() {
            let reasons = job["job-state-reasons"].as_array().unwrap();
            let word = words.into_iter().find(|word| reasons.iter().any(|reason| reason == word))?;
            if job["current-job-state"] != "held" || reasons.len() != 1 {
                return None;
            }
            held.insert(self.jobs.into_iter().find(|tag| job["job-name"] == *tag).unwrap(), word);
        }
        Some(held)
    }

    /// What happened, for a failing test.
    fn tell(&self) {
        let db = self.site.database();
        let mut events = db.prepare("SELECT object, object_id, what, why FROM event ORDER BY id").unwrap();
        let mut rows = events.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let text = |at| row.get::<_, Option<String>>(at).ok().flatten().unwrap_or_default();
            eprintln!("{} {}: {}: {}", text(0), row.get::<_, i64>(1).unwrap_or(0), text(2), text(3));
        }
        for connection in self.printer.connections() {
            let complete = take_apart(&connection.octets).complete;
            eprintln!("a connection of {} octets, ended {}: {complete:?}", connection.octets.len(), connection.ended);
        }
    }

    /// Waits until everything has become of the jobs that will, and compares it with the rule.
    fn check(&self, exclusive: &str, place: Place, closes: bool) {
        let cause = self.cause;
        let expected = rule(cause, exclusive, place, closes);
        let what = format!("{cause:?}, EXCLUSIVE {exclusive}, {place:?}, the printer closes: {closes}");
        // Fewer may never be; whether there are more is seen at the end.
        self.printer.wait_for(&what, |all| {
            let printed = self.printed(all);
            expected.printed.iter().all(|(tag, times)| printed.get(tag) >= Some(times))
        });
        // What still waits for a close gets it.
        self.site.run("spoolcom", &["--no-wait", "DEV $LP2, DRAIN"]).expect(0);
        if closes {
            self.printer.set_mode(Mode::Normal);
            self.printer.let_go();
        }
        self.site.wait_for(&what, || self.held().is_some_and(|held| held.len() == expected.held.len()));
        let announced = self.site.possible_duplicates();
        let announced = self.jobs.into_iter().filter(|tag| announced.contains(*tag)).collect();
        let found =
            Outcome { printed: self.printed(&self.printer.connections()), held: self.held().unwrap(), announced };
        if found != expected {
            self.tell();
        }
        assert_eq!(found, expected, "{what}");
    }
}

fn places() -> Vec<Place> {
    let all = [Place::First, Place::Middle, Place::Last];
    all.into_iter().filter(|place| *place != Place::Middle || number("MATRIX", 0) > 0).collect()
}

/// We end the connection in mid-job.
fn ours(cause: Cause) {
    for exclusive in ["OFF", "ON", "OFF!"] {
        for place in places() {
            for closes in [true, false] {
                let alone = exclusive == "OFF!" || place == Place::First;
                if !closes && alone {
                    continue;
                }
                // A printer that never closes is waited for.
                let cell =
                    Cell::new(cause, Mode::Stalls(50_000), exclusive, place, if closes { "60000" } else { "3000" });
                cell.printer.wait_for("a part of the long job", |all| all.iter().any(|one| one.octets.len() >= 50_000));
                let job = cell.number("long");
                match cause {
                    Cause::Hold => drop(cell.site.run("spoolcom", &[&format!("JOB {job}, HOLD")])),
                    Cause::Delete => drop(cell.site.run("spoolcom", &[&format!("JOB {job}, DELETE!")])),
                    Cause::Clear => drop(cell.site.run("spoolcom", &["DEV $LP2, CLEAR"]).expect(0)),
                    _ => std::fs::File::options().write(true).open(cell.file("long")).unwrap().set_len(1000).unwrap(),
                }
                cell.printer.set_mode(if closes { Mode::Normal } else { Mode::NeverCloses });
                cell.check(exclusive, place, closes);
            }
        }
        // What is delivered is no job of the device any more, and CLEAR finds none.
        if cause == Cause::Clear {
            continue;
        }
        // Delivered, and its connection still there.
        let waits = if exclusive == "ON" { Mode::Normal } else { Mode::NeverCloses };
        let cell = Cell::new(cause, waits, exclusive, Place::Delivered, "60000");
        cell.printer.wait_for("it is delivered", |all| {
            let last = if exclusive == "OFF!" { "<<END one>>" } else { "<<END three>>" };
            all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains(last))
        });
        if exclusive != "OFF!" {
            cell.site.wait_for("it is transferred", || cell.events("transferred") >= 2);
        }
        let job = cell.number("one");
        match cause {
            Cause::Hold => drop(cell.site.run("spoolcom", &[&format!("JOB {job}, HOLD")])),
            Cause::Delete => drop(cell.site.run("spoolcom", &[&format!("JOB {job}, DELETE!")])),
            _ => std::fs::File::options().write(true).open(cell.file("one")).unwrap().set_len(100).unwrap(),
        }
        cell.printer.set_mode(Mode::Normal);
        cell.printer.let_go();
        cell.check(exclusive, Place::Delivered, true);
    }
}

#[test]
fn a_job_that_is_held_brings_back_no_other() {
    ours(Cause::Hold);
}

#[test]
fn a_job_that_is_cleared_from_its_device_brings_back_no_other() {
    ours(Cause::Clear);
}

#[test]
fn a_job_that_is_deleted_brings_back_no_other() {
    ours(Cause::Delete);
}

#[test]
fn a_file_that_gets_shorter_brings_back_no_other_job() {
    ours(Cause::Changed);
}

#[test]
fn a_reset_brings_back_what_is_not_released_and_each_is_announced() {
    for exclusive in ["OFF", "ON", "OFF!"] {
        for place in places().into_iter().chain([Place::Delivered]) {
            let at = match place {
                Place::Delivered if exclusive == "OFF!" => "<<END one>>\n",
                Place::Delivered => "<<END three>>\n",
                _ => IN_MID_JOB,
            };
            let cell = Cell::new(Cause::Reset, Mode::ResetAt(at), exclusive, place, "60000");
            cell.check(exclusive, place, true);
        }
    }
}
