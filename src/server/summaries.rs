//! A line for each job that has left the spool.
//!
//! Whoever ends a job writes it into the history, often a print process; the server reads from there, about once a second. How far
//! it has read stands in `run/summaries`, so the next server goes on from there: a job that ended meanwhile has its line too. After a crash, or a
//! power loss, some lines come twice. Without that file it begins with what ends from now on.
//!
//! Is a job missed whose transaction took long? No: what ended a little before the last one that was told is looked at once more.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::model::summary::JobSummary;
use crate::model::time::Moment;
use crate::model::{Failure, JobId};
use crate::spool::Spool;
use crate::sys::files;

/// How much later than another one a job that ended before it may come into the history.
const LATE_MS: i64 = 10_000;

/// Which jobs were told.
pub struct Summaries {
    path: PathBuf,
    /// What ended up to here was told before this server began.
    begin: (i64, JobId),
    /// The last one that was told, by the age of the spool and its number.
    mark: (i64, JobId),
    /// Those that were told and are looked at again.
    told: BTreeSet<(i64, JobId)>,
}

impl Summaries {
    /// Goes on where the last server was.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn of(spool: &Spool, now: &Moment) -> Result<Self, Failure> {
        let path = spool.base().run().join("summaries");
        let known = files::read_without_waiting(&path).ok().and_then(|text| {
            let text = String::from_utf8_lossy(&text);
            let (ms, job) = text.trim().split_once(' ')?;
            Some((ms.parse().ok()?, JobId(job.parse().ok()?)))
        });
        let age_ms = spool.age_ms(now)?;
        // A spool that was restored is younger than what was told of the one before.
        let mark = known.filter(|mark| mark.0 <= age_ms).unwrap_or((age_ms, JobId(i64::MAX)));
        Ok(Self { path, begin: mark, mark, told: BTreeSet::new() })
    }

    /// Tells the jobs that have ended since.
    ///
    /// # Errors
    /// When the spool cannot be read. What was not told is told next time.
    pub fn tell(&mut self, spool: &Spool, tell: &dyn Fn(&JobSummary)) -> Result<(), Failure> {
        let before = self.mark;
        let mut after = (self.mark.0.saturating_sub(LATE_MS), JobId(0)).max(self.begin);
        loop {
            let page = spool.ended_after(after)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (place, summary) in page {
                if self.told.insert(place) {
                    tell(&summary);
                    self.mark = self.mark.max(place);
                }
            }
        }
        if self.mark != before {
            self.told = self.told.split_off(&(self.mark.0.saturating_sub(LATE_MS), JobId(0)));
            // A server that cannot write it says some of it twice.
            let _ = std::fs::write(&self.path, format!("{} {}\n", self.mark.0, self.mark.1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::model::JobRef;
    use crate::spool::interface::operations::Operations;
    use crate::spool::testing::{Site, clock, pass};

    fn told(summaries: &mut Summaries, site: &Site) -> Vec<String> {
        let all: RefCell<Vec<String>> = RefCell::default();
        summaries.tell(&site.spool, &|summary| all.borrow_mut().push(summary.words())).unwrap();
        all.into_inner()
    }

    #[test]
    fn each_job_that_ends_is_told_once_also_by_the_next_server() {
        let mut site = Site::printing();
        let end = |site: &mut Site| {
            let number = site.submit("office.front", |_| {}).number;
            site.local.delete_job(JobRef::Number(number), None, None).unwrap();
        };
        end(&mut site);
        // What ended before there was a server is not told.
        let mut first = Summaries::of(&site.spool, &clock()).unwrap();
        assert_eq!(told(&mut first, &site), Vec::<String>::new());
        pass(1);
        end(&mut site);
        end(&mut site);
        let lines = told(&mut first, &site);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains("cancelled") && line.contains("in #OFFICE")), "{lines:?}");
        assert_eq!(told(&mut first, &site), Vec::<String>::new());
        drop(first);
        pass(1);
        end(&mut site);
        let mut next = Summaries::of(&site.spool, &clock()).unwrap();
        assert_eq!(told(&mut next, &site).len(), 1);
        assert_eq!(told(&mut next, &site), Vec::<String>::new());
    }
}
