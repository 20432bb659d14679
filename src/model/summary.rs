//! What is told of a job that has left the spool: one line, and the values of which it is made.

use serde::{Deserialize, Serialize};

use super::GlobalJobId;
use super::printable::escaped;

/// A job that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Its name everywhere.
    pub job: GlobalJobId,
    /// Its owner.
    pub owner: String,
    /// The queue that it was in.
    pub queue: String,
    /// The device that printed the last of it; none = no device did.
    pub device: Option<String>,
    /// Octets of its documents.
    pub octets: u64,
    /// Its pages, where they are known.
    pub pages: Option<u64>,
    /// How it ended: `confirmed`, `sent`, `transferred`, `cancelled` and the like.
    pub outcome: String,
    /// From its submission to the attempt that printed it, or until another server had it, or to its end; in milliseconds.
    pub waiting_ms: u64,
    /// From there to its end; in milliseconds.
    pub printing_ms: u64,
}

impl JobSummary {
    /// Says it in words, for people.
    pub fn words(&self) -> String {
        // One of another server has its sigil after the node.
        let device = self.device.as_deref().map_or_else(String::new, |device| match device.starts_with('\\') {
            true => format!(" on {device}"),
            false => format!(" on ${device}"),
        });
        let pages = self.pages.map_or_else(String::new, |pages| format!(", {pages} pages"));
        escaped(&format!(
            "job {} of {} in #{}: {}{device}, {} octets{pages}, waiting {} s, printing {} s",
            self.job,
            self.owner,
            self.queue,
            self.outcome,
            self.octets,
            seconds(self.waiting_ms),
            seconds(self.printing_ms),
        ))
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Serial;

    #[test]
    fn a_job_is_told_in_one_line_whatever_its_owner_is_called() {
        let summary = JobSummary {
            job: GlobalJobId { server: "acme1".parse().unwrap(), serial: Serial::parse("1021904417").unwrap() },
            owner: "ann\njob".into(),
            queue: "OFFICE".into(),
            device: Some("LP1".into()),
            octets: 12,
            pages: Some(2),
            outcome: "sent".into(),
            waiting_ms: 1500,
            printing_ms: 20,
        };
        let words = summary.words();
        assert!(words.starts_with("job acme1:1021904417 of ann"), "{words}");
        assert!(!words.contains('\n'), "{words}");
        assert!(
            words.ends_with(" in #OFFICE: sent on $LP1, 12 octets, 2 pages, waiting 1.500 s, printing 0.020 s"),
            "{words}"
        );
        let cancelled = JobSummary { device: None, pages: None, outcome: "cancelled".into(), ..summary };
        assert!(cancelled.words().contains(": cancelled, 12 octets, waiting"), "{}", cancelled.words());
    }
}
