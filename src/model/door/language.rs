//! What the server and the process of a door say to each other. Open files travel beside it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{ClientFault, ClientProof, DoorLogin, DoorSettings, DoorTls};
use crate::model::failure::Failure;
use crate::model::job::Format;

/// What a door process is started with; the listening sockets travel beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorStart {
    /// What it is.
    pub settings: DoorSettings,
    /// The name of the server, which displays show.
    pub server: String,
    /// Its certificate.
    #[serde(default)]
    pub tls: Option<DoorTls>,
}

/// Hexadecimal digits of a moment in a token.
const MOMENT: usize = 12;

/// A moment as digits of which the later one is the smaller one.
fn backwards(wall_ms: i64) -> String {
    let most = (1u64 << (4 * MOMENT)) - 1;
    let ms = u64::try_from(wall_ms).unwrap_or(0).min(most);
    format!("{:0width$x}", most - ms, width = MOMENT)
}

/// The token of a job that comes now: what its repetitions have in common, then the moment, then a random word. So of those
/// with the same key the last ones stand first, and nobody looks through all that came in a month.
pub fn token_of(key: &str, wall_ms: i64, random: &str) -> String {
    format!("{key}.{}{random}", backwards(wall_ms))
}

/// What is greater than each token that begins with `prefix`, a key with its point, and was made at `since_ms` or later.
pub fn token_limit(prefix: &str, since_ms: i64) -> String {
    // Tokens are printable ASCII.
    format!("{prefix}{}\u{7f}", backwards(since_ms))
}

/// One document of a job that came by a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorDocument {
    /// Its name, as the sender says. It is shown, and names no file.
    pub name: String,
    /// How often it is printed.
    pub copies: u32,
    /// What it is, where the sender knows better than the first octets.
    pub format: Option<Format>,
}

/// A job that came by a door, complete. Its open documents travel beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorJob {
    /// The same token finds the same job.
    pub token: String,
    /// What a repetition has in common with it; empty = nothing repeats it.
    pub key: String,
    /// The destination as the sender names it.
    pub queue: String,
    /// Its title.
    pub title: String,
    /// The user whom the sender names.
    pub user: Option<String>,
    /// The host that the sender names.
    pub host: Option<String>,
    /// The address of the sender; none = this machine.
    pub peer: Option<IpAddr>,
    /// The user of this machine who sends, where he calls at a socket: see [`DoorAsker::uid`].
    #[serde(default)]
    pub uid: Option<u32>,
    /// Who sends, where he has logged on: see [`DoorAsker::login`].
    #[serde(default)]
    pub login: Option<DoorLogin>,
    /// Its documents.
    pub documents: Vec<DoorDocument>,
    /// Whether a header page is wanted.
    pub banner: bool,
    /// Why it is held; none = it prints.
    pub held: Option<String>,
    /// What is worth knowing of how it came.
    pub remarks: Vec<String>,
    /// Attributes as a side file gives them: name and value.
    pub attributes: Vec<(String, String)>,
    /// Where its one document lies, if it is used there.
    pub link: Option<crate::model::job::RawPath>,
}

/// Why a door sent somebody away, or gave something up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorTrouble {
    /// A job was refused.
    Refused,
    /// A connection was refused.
    TurnedAway,
    /// A job that had begun to arrive did not arrive.
    Unfinished,
    /// A reply that acknowledged a job could not be delivered.
    Unacknowledged,
    /// Something worth knowing.
    Remark,
}

/// A question of a door process, and what it tells with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorQuestion {
    /// Tokens of jobs whose senders have their acknowledgements.
    pub delivered: Vec<String>,
    /// What it asks.
    pub request: DoorRequest,
}

/// What a door process asks the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorRequest {
    /// Does this queue take jobs?
    Resolve {
        /// As the sender names it.
        queue: String,
        /// Who asks.
        peer: Option<IpAddr>,
    },
    /// An empty file on the file system of the spool, for a document of so many octets.
    NewFile {
        /// How many, if the sender says so.
        octets: Option<u64>,
    },
    /// Here is a job.
    Submit {
        /// The job.
        job: Box<DoorJob>,
        /// Whether its sender is told how it stands.
        shown: bool,
    },
    /// Nothing is asked: something is told ([`DoorQuestion::delivered`]).
    Nothing,
    /// Something went wrong.
    Trouble {
        /// What.
        what: DoorTrouble,
        /// In words.
        why: String,
    },
    /// What waits at this queue?
    Queue {
        /// As the sender names it.
        queue: String,
        /// Who asks.
        peer: Option<IpAddr>,
    },
    /// Remove jobs.
    Remove {
        /// The queue as the sender names it.
        queue: String,
        /// Who asks.
        peer: Option<IpAddr>,
        /// The user who asks, as the sender says.
        agent: String,
        /// Numbers of jobs and names of users; none = the first job of the user.
        which: Vec<String>,
    },
    /// The printers behind this door, by name, at most 1,000.
    Printers {
        /// One of them, as the sender names it; empty = the usual one. None = those after `after`.
        queue: Option<String>,
        /// The place in the list where to go on.
        after: u64,
        /// Whether it matters only what it takes, and not what it does: somebody has a job for it.
        brief: bool,
    },
    /// Jobs, the newest of the finished ones first.
    Jobs {
        /// Which.
        which: DoorJobs,
        /// Who asks.
        asker: DoorAsker,
    },
    /// A job begins to arrive: its documents follow. It has a number from now on.
    Open(Box<DoorJob>),
    /// A document of a job that has begun to arrive is arriving: the job is not silent.
    Arrives {
        /// The job.
        number: u32,
        /// Who sends.
        asker: DoorAsker,
    },
    /// A document of a job that has begun to arrive; it travels beside this. None = the job is complete without another.
    Append {
        /// The job.
        number: u32,
        /// Who sends.
        asker: DoorAsker,
        /// What the document is.
        document: Option<DoorDocument>,
        /// A digest of its octets, in hexadecimal digits.
        digest: String,
        /// Whether the job is complete with it.
        last: bool,
    },
    /// The proof of a handshake of TLS that the key of the door signs.
    Sign {
        /// The scheme.
        scheme: u16,
        /// What is signed.
        message: Vec<u8>,
    },
    /// Somebody logs on with a password, over TLS.
    LogOn {
        /// The name of the account.
        user: String,
        /// The password.
        password: crate::model::station::Password,
        /// From where.
        peer: Option<IpAddr>,
    },
    /// Somebody logs on with a certificate.
    Client {
        /// It, and the proof that he has its key.
        proof: Box<ClientProof>,
        /// From where.
        peer: Option<IpAddr>,
    },
    /// The connection of somebody who has logged on has ended.
    LogOff {
        /// What stands for him.
        login: DoorLogin,
    },
    /// Do something about a job.
    Act {
        /// The job.
        number: u32,
        /// Who asks.
        asker: DoorAsker,
        /// What.
        act: DoorAct,
    },
}

/// Who asks something by a door, as far as anybody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorAsker {
    /// The address.
    pub peer: Option<IpAddr>,
    /// The name of the user, as the sender says.
    pub user: Option<String>,
    /// The user of this machine who calls at a socket. His connection travels last beside the question, and the kernel says of it
    /// whose it is: what stands here is only that somebody calls.
    #[serde(default)]
    pub uid: Option<u32>,
    /// What stands for him, where he has logged on. The server puts his name there before it believes anything of the rest.
    #[serde(default)]
    pub login: Option<DoorLogin>,
}

impl DoorRequest {
    /// Where the user of this machine stands who asks, in a question that is asked for somebody.
    pub fn uid_mut(&mut self) -> Option<&mut Option<u32>> {
        match self {
            Self::Submit { job, .. } | Self::Open(job) => Some(&mut job.uid),
            Self::Jobs { asker, .. }
            | Self::Arrives { asker, .. }
            | Self::Append { asker, .. }
            | Self::Act { asker, .. } => Some(&mut asker.uid),
            Self::Resolve { .. }
            | Self::NewFile { .. }
            | Self::Nothing
            | Self::Trouble { .. }
            | Self::Queue { .. }
            | Self::Remove { .. }
            | Self::Sign { .. }
            | Self::LogOn { .. }
            | Self::Client { .. }
            | Self::LogOff { .. }
            | Self::Printers { .. } => None,
        }
    }

    /// Where it stands who has logged on, in a question that is asked for somebody.
    pub fn login_mut(&mut self) -> Option<&mut Option<DoorLogin>> {
        match self {
            Self::Submit { job, .. } | Self::Open(job) => Some(&mut job.login),
            Self::Jobs { asker, .. }
            | Self::Arrives { asker, .. }
            | Self::Append { asker, .. }
            | Self::Act { asker, .. } => Some(&mut asker.login),
            _ => None,
        }
    }
}

impl DoorAsker {
    /// Where the asker is, as far as two of them can be told apart.
    pub fn origin(&self) -> String {
        match (self.uid, self.peer) {
            (Some(uid), _) => format!("user {uid}"),
            (None, Some(peer)) => peer.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Which jobs are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorJobs {
    /// One job, with or without what keeps it from printing: to find that out takes longer than the rest.
    One {
        /// Its number.
        number: u32,
        /// Whether it is wanted why it does not print.
        why: bool,
    },
    /// Those of a printer, or of all printers of the door.
    Of {
        /// The printer, as the sender names it; none = all.
        queue: Option<String>,
        /// Whether those that have ended are meant, and not those that have not.
        ended: bool,
        /// Those of the asker alone.
        own: bool,
        /// Those behind so many.
        skip: u32,
        /// At most so many.
        limit: u32,
    },
}

/// What is done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorAct {
    /// It is removed.
    Cancel,
    /// It is held.
    Hold,
    /// It is held no longer.
    Release,
}

/// What a printer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrinterDoes {
    /// Nothing.
    Waits,
    /// It prints.
    Prints,
    /// It prints nothing until something changes.
    Stopped,
}

/// A destination as those see it who ask by a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorPrinter {
    /// Its name at this door.
    pub name: String,
    /// Whether it is a group of devices.
    pub is_group: bool,
    /// Whether it is the usual one.
    pub is_default: bool,
    /// What it is doing.
    pub does: PrinterDoes,
    /// Since when it does that, milliseconds since 1970, where that is known.
    #[serde(default)]
    pub since_ms: Option<i64>,
    /// Why it does not print, in the words of RFC 8011 (`paused`, `connecting-to-device` …).
    pub reasons: Vec<String>,
    /// The same in a sentence; empty = there is nothing to say.
    pub message: String,
    /// Why it takes no jobs; none = it takes them.
    pub refuses: Option<String>,
    /// Jobs that wait, those that print among them.
    pub jobs: u32,
    /// What it is declared to print.
    pub formats: Vec<Format>,
    /// What it takes besides, and holds: no device prints it, and the server accepts such jobs.
    #[serde(default)]
    pub held_formats: Vec<Format>,
    /// The paper that its devices say they have; empty = they say nothing.
    #[serde(default)]
    pub media: Vec<String>,
    /// Whether it is declared to take everything as it comes.
    pub takes_all: bool,
    /// What people call it.
    pub about: String,
    /// The destination that the spool knows, which never changes with an alias.
    pub known_as: String,
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorJobState {
    /// It lives.
    Lives(crate::model::state::JobState),
    /// It was printed, as far as that is known: the word of the history.
    Printed(String),
    /// Somebody has removed it.
    Cancelled,
    /// It was given up.
    Aborted,
}

/// A job as those see it who ask by a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorJobRow {
    /// Its number.
    pub number: u32,
    /// Its name everywhere.
    pub global: String,
    /// The name of its printer at this door.
    pub queue: String,
    /// How it stands.
    pub state: DoorJobState,
    /// Why it is held.
    pub reasons: crate::model::state::HoldReasons,
    /// Why it does not print, the most decisive cause first; none where it was not looked for.
    pub why: Vec<crate::model::why::Cause>,
    /// What is its asker's to see; none = it is somebody else's.
    pub own: Option<OwnJob>,
    /// Octets of its documents.
    pub octets: u64,
    /// Copies.
    pub copies: u32,
    /// Documents.
    pub documents: u32,
    /// Priority.
    pub priority: u8,
    /// When it came, milliseconds since 1970.
    pub created_ms: i64,
    /// When it began to print.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Jobs before it.
    pub before: Option<u32>,
}

/// What only the owner of a job sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnJob {
    /// The user, as the sender named him.
    pub user: String,
    /// Its title.
    pub title: String,
    /// The host from which it came.
    pub host: String,
    /// The names of its documents.
    pub names: Vec<String>,
}

/// A job that waits, as the queue of a line printer daemon shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorQueueRow {
    /// Whether it prints now.
    pub active: bool,
    /// Its owner; none = not shown.
    pub owner: Option<String>,
    /// Its number.
    pub number: u32,
    /// Its title; none = not shown.
    pub title: Option<String>,
    /// Octets of its documents.
    pub octets: u64,
    /// Copies.
    pub copies: u32,
    /// The host that it came from.
    pub host: String,
}

/// What waits at a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorQueue {
    /// Its name.
    pub name: String,
    /// Whether what waits prints.
    pub ready: bool,
    /// The jobs in their order.
    pub rows: Vec<DoorQueueRow>,
    /// Jobs that do not stand there because there are too many.
    pub more: u64,
}

/// What the server answers a door process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorReply {
    /// It is done, or it is so.
    Done,
    /// The file travels beside it.
    File {
        /// Octets that must stay free on its file system, whatever arrives.
        least_free: Option<u64>,
    },
    /// The job is on disk.
    Accepted {
        /// Its number.
        number: u32,
        /// How it stands, where that was asked for and it is still there.
        row: Option<Box<DoorJobRow>>,
    },
    /// What waits.
    Queue(DoorQueue),
    /// So many jobs were removed.
    Removed(u32),
    /// Printers; the place of the next one, if there are more.
    Printers(Vec<DoorPrinter>, Option<u64>),
    /// Jobs.
    Jobs(Vec<DoorJobRow>),
    /// The document is taken.
    Appended {
        /// The token of its job, if that is complete and on disk.
        token: Option<String>,
        /// How the job stands; none = it is gone already.
        row: Option<Box<DoorJobRow>>,
    },
    /// The signature.
    Signed(Vec<u8>),
    /// He has logged on.
    LoggedOn {
        /// What stands for him from now on.
        login: DoorLogin,
    },
    /// The name or the password is wrong, or he is refused for a time: which of these, nobody is told.
    NotLoggedOn,
    /// The certificate lets nobody in.
    BadClient(ClientFault),
    /// It cannot be.
    Failed(Failure),
}
