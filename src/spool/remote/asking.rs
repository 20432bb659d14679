//! How a command, and a print process, reach the server of their own spool when something has to be asked of another one.
//!
//! Only that server has connections to the others. It listens at a socket that is open to its own account alone; one line goes there and
//! one comes back. Whoever asks has been told by the spool who the user is, so the line says it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::change::{ChangeViews, Issue, Issued, Look};
use crate::model::lease::ReleasableJobs;
use crate::model::secure::{AtServers, HeldElsewhere, StationPrinter, Wanted};
use crate::model::{Call, Caller, Failure, FailureKind, GlobalJobId, JobId, JobNumber, ServerName};
use crate::store::Fallible;
use crate::sys::socket;

use crate::spool::Spool;

/// How it is known who a user is who has logged in to the machine of his server.
pub const LOGIN: &str = "login";
/// How a line with a question begins.
pub const ASKS: &str = "ask ";
/// Octets of the longest question.
pub const LONGEST_QUESTION: u64 = 1 << 20;
/// Octets of the longest answer.
const LONGEST_ANSWER: u64 = 32 << 20;
/// How long an answer may take: three waits for the network of the server that asks, and one for the disk.
const PATIENCE: Duration = Duration::from_secs(45);

/// For whom something is asked, and how it is known who he is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBehalf {
    /// The user.
    pub caller: Caller,
    /// How he has proved it.
    pub method: String,
    /// The station at which he stands.
    pub station: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// A print process: may the first octet of this job leave?
    Begin(JobId),
    /// Which jobs of a user do other servers hold, or one of them?
    Releasable(OnBehalf, Option<ServerName>),
    /// Claims a job of another server for a destination here.
    Claim(OnBehalf, GlobalJobId, String),
    /// Which jobs of a user wait for their release at these servers, or at all?
    Held {
        /// Who asks.
        who: OnBehalf,
        /// The printers where he stands.
        printers: Vec<StationPrinter>,
        /// The servers; none = all.
        servers: Option<Vec<ServerName>>,
    },
    /// The same about one job.
    HeldJob {
        /// Who asks.
        who: OnBehalf,
        /// The printers where he stands.
        printers: Vec<StationPrinter>,
        /// The job.
        job: GlobalJobId,
    },
    /// Claims a job of another server that waits for its release.
    Release {
        /// Who releases it.
        who: OnBehalf,
        /// The job.
        job: GlobalJobId,
        /// The printer where he stands.
        printer: StationPrinter,
        /// The destination here by which it reaches that printer.
        to: String,
    },
    /// Removes a job of another server that waits for its release.
    Remove {
        /// Whose job it is.
        who: OnBehalf,
        /// The job.
        job: GlobalJobId,
    },
    /// What do the stations of these servers make of a job?
    Stations {
        /// Who asks.
        who: OnBehalf,
        /// What it asks of a printer.
        wanted: Box<Wanted>,
        /// The servers.
        servers: Vec<ServerName>,
    },
    /// An operation that only looks, at another server: the JSON of it.
    Look(OnBehalf, ServerName, String),
    /// Issues a generation on all servers, for somebody.
    Issue(OnBehalf, Issue),
    /// How does change control stand on all servers?
    Changes(Look),
    /// Which other servers are there?
    Servers,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It may.
    Begins,
    /// It may not any more: the job is given back.
    Over(String),
    /// Its owner does not answer: later, perhaps.
    Later(String),
    /// The jobs.
    Releasable(ReleasableJobs),
    /// The job is here, under this number.
    Claimed(JobNumber),
    /// The jobs that wait for their release.
    Held(HeldElsewhere),
    /// Done.
    Done,
    /// What the stations of each server make of it, or why it did not say.
    Stations(AtServers),
    /// What was found there: the JSON of a reply.
    Looked(String),
    /// The other servers of the group.
    Servers(Vec<ServerName>),
    /// A generation was issued.
    Issued(Issued),
    /// How change control stands.
    Changes(ChangeViews),
    /// It failed.
    Failed(Failure),
}

/// Asks the server here.
///
/// # Errors
/// Why there is no answer, in words.
pub fn ask(place: &Path, question: &Question) -> Result<Answer, String> {
    let nobody = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "no pdserver runs here that could ask the other server".to_owned()
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "the server here does not answer".to_owned(),
        _ => format!("the server here cannot be asked: {error}"),
    };
    let mut line = format!("{ASKS}{}", serde_json::to_string(question).map_err(|error| error.to_string())?);
    line.push('\n');
    let mut stream = socket::connect(place).map_err(nobody)?;
    stream.set_nonblocking(false).map_err(nobody)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(nobody)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(nobody)?;
    stream.write_all(line.as_bytes()).map_err(nobody)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_ANSWER)).read_line(&mut answer).map_err(nobody)?;
    serde_json::from_str(&answer).map_err(|_| "the server here ended while it was asked".to_owned())
}

impl Spool {
    /// Asks the server here, which asks another one.
    pub(crate) fn ask_other(&self, question: &Question) -> Fallible<Answer> {
        let asked = ask(&self.base().fetch_socket(), question);
        match asked.map_err(|why| Failure::new(FailureKind::Unreachable, why))? {
            Answer::Failed(failure) => Err(failure),
            answer => Ok(answer),
        }
    }

    /// Returns the jobs of the caller that other servers hold, or one of them, and which servers did not say. `method` is how it is
    /// known who he is; `station` where he stands.
    ///
    /// # Errors
    /// When no server runs here.
    pub fn list_releasable(
        &self,
        call: &Call,
        server: Option<ServerName>,
        (method, station): (&str, Option<&str>),
    ) -> Fallible<ReleasableJobs> {
        let who = on_behalf(call, method, station)?;
        match self.ask_other(&Question::Releasable(who, server))? {
            Answer::Releasable(jobs) => Ok(jobs),
            _ => Err(odd()),
        }
    }

    /// Claims a job that another server holds for the caller, to print it at `destination` here. Returns its number here.
    ///
    /// # Errors
    /// When it may not be printed there, its owner refuses, or does not answer. Of an outcome that is not known the job is held at its
    /// owner again when the claim has ended by its time.
    pub fn claim_of_other(
        &self,
        call: &Call,
        job: &GlobalJobId,
        destination: &str,
        (method, station): (&str, Option<&str>),
    ) -> Fallible<JobNumber> {
        // What is refused here is refused without a word to anybody.
        self.may_claim(call, job, destination)?;
        let who = on_behalf(call, method, station)?;
        match self.ask_other(&Question::Claim(who, job.clone(), destination.to_owned()))? {
            Answer::Claimed(number) => Ok(number),
            _ => Err(odd()),
        }
    }
}

impl Spool {
    /// Returns the other servers of the group.
    ///
    /// # Errors
    /// When there are some, and no server runs here that knows them.
    pub fn other_servers(&self) -> Fallible<Vec<ServerName>> {
        if self.known_servers()?.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask_other(&Question::Servers)? {
            Answer::Servers(servers) => Ok(servers),
            _ => Err(odd()),
        }
    }

    /// Has an operation carried out at another server that only looks, for the caller: the JSON of it goes there, and that of a reply
    /// comes back.
    ///
    /// # Errors
    /// When that server is not asked, or does not answer.
    pub fn look_there(&self, call: &Call, server: &ServerName, request: String) -> Fallible<String> {
        let who = on_behalf(call, LOGIN, None)?;
        match self.ask_other(&Question::Look(who, server.clone(), request))? {
            Answer::Looked(reply) => Ok(reply),
            _ => Err(odd()),
        }
    }
}

fn odd() -> Failure {
    Failure::internal("the server here answers something else than it was asked")
}

fn on_behalf(call: &Call, method: &str, station: Option<&str>) -> Fallible<OnBehalf> {
    let caller = call.caller()?.clone();
    Ok(OnBehalf { caller, method: method.to_owned(), station: station.map(str::to_owned) })
}
