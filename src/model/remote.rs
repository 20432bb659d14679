//! Other servers: what they hand over, how it stands there, and where documents come from.

use serde::{Deserialize, Serialize};

use super::job::{Format, FormatOrigin, GivenValue, Identity, RawPath, Transfer, WrappedKey};
use super::order::Priority;
use super::state::JobState;
use super::{DeviceName, GlobalJobId, ServerName};

/// How the tokens begin under which servers hand jobs over. No user can give such a token.
pub const TOKEN: char = '@';

/// Returns the token under which a job is handed over for the n-th time. It follows from the job: a server that was restored
/// from a backup offers under the same token again, and finds out what became of it.
pub fn token(job: &GlobalJobId, round: u32) -> String {
    format!("{TOKEN}{}.{round}", job.to_string().to_ascii_lowercase())
}

/// Reads such a token.
pub fn of_token(token: &str) -> Option<(GlobalJobId, u32)> {
    let (job, round) = token.strip_prefix(TOKEN)?.rsplit_once('.')?;
    let (server, serial) = job.split_once(':')?;
    let job = GlobalJobId { server: server.parse().ok()?, serial: super::Serial::parse(serial)? };
    Some((job, round.parse().ok()?))
}

/// Where a document comes from whose job is one of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentOrigin {
    /// The server.
    pub server: String,
    /// Its file there.
    pub path: RawPath,
    /// The spool there.
    pub spool: String,
    /// The socket at which it can be fetched.
    pub fetcher: RawPath,
}

/// A job that another server prints, or is to print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// The device, with its node.
    pub device: DeviceName,
    /// How it stands there; none while the other server has not taken it.
    pub state: Option<JobState>,
    /// What else is known: what the other server said, or why it does not answer.
    pub words: Option<String>,
    /// Since when the other server does not answer, wall clock.
    pub silent_since_ms: Option<i64>,
    /// Whether the other server has claimed a job that is held here: it has begun it, if its state is known.
    #[serde(default)]
    pub claimed: bool,
}

impl Away {
    /// The keyword of a job that another server has claimed and has not begun.
    pub const CLAIMED: &'static str = "claimed-by-server";
    /// The keyword of a job that another server has claimed and has begun.
    pub const BEGUN: &'static str = "begun-by-server";
    /// The keyword of a job that waits for another server.
    pub const WAITS: &'static str = "waiting-for-server";

    /// Tells whether the other server has taken it.
    pub fn is_there(&self) -> bool {
        self.state.is_some()
    }
}

/// A document of a job that is handed over. Its octets stay where they are until it prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedDocument {
    /// The name the user gave.
    pub file_name: RawPath,
    /// Its name in the directory of its server.
    pub store_name: String,
    /// Its file there.
    pub path: RawPath,
    /// Copy or link.
    pub transfer: Transfer,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    pub format_origin: FormatOrigin,
    /// What it was recognised as.
    pub recognised: Format,
    /// Pages.
    pub pages: Option<u64>,
    /// Lines.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
    /// What the file is, on the host of its server.
    pub identity: Identity,
    /// Its digest; none for a link, whose file may be edited.
    pub digest: Option<[u8; 32]>,
    /// Whether it is encrypted on the disk of its server, and is to be encrypted wherever it is fetched to.
    #[serde(default)]
    pub sealed: bool,
}

/// A job that one server hands over to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The same token finds the same job.
    pub token: String,
    /// Its name everywhere.
    pub global: GlobalJobId,
    /// The spool that it comes from.
    pub spool: String,
    /// The device that prints it, as its own server names it.
    pub device: DeviceName,
    /// `job-name`.
    pub name: String,
    /// Form name.
    pub form: String,
    /// Priority.
    pub priority: Priority,
    /// Owner's login name.
    pub owner: String,
    /// `user@host` of the submitter.
    pub user: String,
    /// How long it has waited: a duration, because clocks differ.
    pub waited_ms: i64,
    /// How much it is, in lines.
    pub work: u64,
    /// What was given explicitly.
    pub given: Vec<GivenValue>,
    /// Its documents, in order.
    pub documents: Vec<OfferedDocument>,
    /// Whether pages of it may be on paper already: it is announced when it prints.
    #[serde(default)]
    pub duplicate: bool,
    /// Whether its owner released it at a station, for this device and no other.
    #[serde(default)]
    pub released: bool,
}

/// What became of a job that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerFate {
    /// Nothing is known of the token.
    Unknown,
    /// It is there.
    There {
        /// Its state.
        state: JobState,
        /// What else is to be said.
        words: Option<String>,
    },
    /// It is over there.
    Over {
        /// How it ended: the word of a delivery, `cancelled`, or one of the words of [`PeerFate`].
        outcome: String,
        /// The device that printed it.
        device: Option<String>,
        /// Whether octets of it may be on paper although it did not end well.
        begun: bool,
    },
}

impl PeerFate {
    /// The outcome of a job that was given back unprinted.
    pub const GIVEN_BACK: &'static str = "given-back";
    /// The outcome of a job that failed there, in a queue that keeps no job that failed.
    pub const ABORTED: &'static str = "aborted";
    /// The outcome of a job whose discard time came there.
    pub const DISCARDED: &'static str = "discarded";
}

/// What keeps another server from taking a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferAnswer {
    /// It has the job.
    Taken,
    /// Not now: it is asked again.
    Later(String),
    /// It does not take such a job.
    Refused(String),
    /// This token was given up there: another one is needed.
    Spent,
}

/// Something to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The server that has it.
    pub server: ServerName,
    /// The token of its job.
    pub token: String,
    /// Which document, from 1.
    pub document: u32,
    /// The name that it gets in the directory of fetched files.
    pub name: String,
    /// What it is expected to hold.
    pub digest: Option<[u8; 32]>,
    /// How large it was when it was submitted.
    pub octets: u64,
    /// The wrapped key with which it is encrypted here, where it is encrypted at its own server.
    pub sealed: Option<WrappedKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_job_and_its_round() {
        let job = GlobalJobId { server: "Acme.one".parse().unwrap(), serial: super::super::Serial(1_021_904_417) };
        assert_eq!(of_token(&token(&job, 3)), Some((job, 3)));
        for bad in [
            "",
            "@",
            "@a.1",
            "x@acme:1021904417.1",
            "@acme:1.1",
            "@acme:1021904417",
            "@acme:1021904417.x",
            "@../x:1021904417.1",
        ] {
            assert_eq!(of_token(bad), None, "{bad}");
        }
    }
}
