//! The frames in which servers speak to each other.
//!
//! Beneath is an ordered stream whose other end is known: a certificate names the server, and no frame does. The side that
//! connected asks, the other one answers; each request has one reply, and a file comes as data frames behind its reply.
//!
//! | octets | what |
//! |---|---|
//! | 0–2 | `SPP` |
//! | 3 | version of the protocol, 1 |
//! | 4 | kind: 1 request, 2 reply, 3 data, 4 end of the data |
//! | 5–7 | 0 |
//! | 8–11 | octets of the body, big-endian, at most [`Kind::limit`] |
//!
//! A request, a reply and an end are one JSON value each; data is octets as they are. Reading is total: whatever the octets
//! are, the result is a value or a [`PeerError`], in memory proportional to what really arrived. A request that this version
//! does not know is answered with [`PeerReply::Unsupported`], so that a later version can add some.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::change::{ChangeView, Generation, Look};
use crate::model::lease::{Assertion, ClaimAnswer, ClaimEnd, EndAnswer, LeaseAnswer, Releasable};
use crate::model::remote::{Offer, OfferAnswer, PeerFate};
use crate::model::secure::{HeldRows, StationPrinter};
use crate::model::{DeviceName, GlobalJobId, JobId};

/// Octets of a header.
pub const HEADER: usize = 12;
/// Octets of the longest data frame.
pub const MAX_DATA: usize = 256 << 10;
/// The most tokens in one request.
pub const MAX_TOKENS: usize = 1000;
/// Octets of the longest token.
const MAX_TOKEN: usize = 128;

const MAGIC: [u8; 3] = *b"SPP";
const VERSION: u8 = 1;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the side that connected.
    Request = 1,
    /// Its answer.
    Reply = 2,
    /// Octets of a file.
    Data = 3,
    /// The end of a file.
    End = 4,
}

impl Kind {
    /// Octets that the body of such a frame may have.
    pub fn limit(self) -> usize {
        match self {
            Self::Request => 4 << 20,
            Self::Reply => 16 << 20,
            Self::Data => MAX_DATA,
            Self::End => 1024,
        }
    }
}

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The first octets are not ours.
    #[error("the other side does not speak the protocol of servers")]
    Foreign,
    /// Another version.
    #[error("the other server speaks version {0} of the protocol, this one version {VERSION}")]
    Version(u8),
    /// A kind that is unknown.
    #[error("a message of kind {0} is not known")]
    Kind(u8),
    /// The body is empty or longer than allowed.
    #[error("a message of {octets} octets; at most {limit} are allowed")]
    Length {
        /// Its octets.
        octets: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The body is not the value it should be.
    #[error("a malformed message: {0}")]
    Body(String),
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// Octets of its body.
    pub length: u32,
}

impl Header {
    /// Makes the header of a body of `octets` octets.
    ///
    /// # Errors
    /// When such a frame cannot have that many.
    pub fn of(kind: Kind, octets: usize) -> Result<Self, PeerError> {
        let bad = PeerError::Length { octets, limit: kind.limit() };
        match u32::try_from(octets) {
            Ok(length) if octets > 0 && octets <= kind.limit() => Ok(Self { kind, length }),
            _ => Err(bad),
        }
    }

    /// Its octets.
    pub fn encode(self) -> [u8; HEADER] {
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [MAGIC[0], MAGIC[1], MAGIC[2], VERSION, self.kind as u8, 0, 0, 0, l0, l1, l2, l3]
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is no header of this version, or announces too much.
    pub fn decode(octets: [u8; HEADER]) -> Result<Self, PeerError> {
        let [m0, m1, m2, version, kind, _, _, _, l0, l1, l2, l3] = octets;
        if [m0, m1, m2] != MAGIC {
            return Err(PeerError::Foreign);
        }
        if version != VERSION {
            return Err(PeerError::Version(version));
        }
        let kinds = [Kind::Request, Kind::Reply, Kind::Data, Kind::End];
        let kind = kinds.into_iter().find(|one| *one as u8 == kind).ok_or(PeerError::Kind(kind))?;
        Self::of(kind, u32::from_be_bytes([l0, l1, l2, l3]) as usize)
    }
}

/// What one server asks of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerRequest {
    /// Is there anybody, and which spool?
    Hello,
    /// Takes a job over, or finds that it has it.
    Offer(Box<Offer>),
    /// How do these stand?
    Ask(Vec<String>),
    /// Gives a job back that was handed over.
    GiveBack(String),
    /// The ends of these are on record: they may be forgotten.
    Confirm(Vec<String>),
    /// The file of a document, from an offset on.
    Fetch {
        /// The token of its job.
        token: String,
        /// Which document, from 1.
        document: u32,
        /// Where to begin.
        offset: u64,
    },
    /// An operation that only looks, for a user: the JSON of it.
    Look {
        /// For whom.
        assertion: Assertion,
        /// What.
        request: String,
    },
    /// Which jobs of a user are held to be released?
    Releasable(Assertion),
    /// Claims a job that is held.
    Claim {
        /// The job.
        job: GlobalJobId,
        /// The device that is to print it, as its own server names it.
        printer: DeviceName,
        /// Who has it released.
        assertion: Assertion,
    },
    /// Which jobs of a user wait for their release, and what do these printers make of each?
    Held {
        /// Who asks.
        assertion: Assertion,
        /// The printers of the station where he stands.
        printers: Vec<StationPrinter>,
        /// Only this one.
        only: Option<GlobalJobId>,
        /// Those after this one.
        after: Option<JobId>,
        /// The generation that counts at the server that asks.
        #[serde(default)]
        generation: u64,
    },
    /// Claims a job that waits for its release.
    Release {
        /// The job.
        job: GlobalJobId,
        /// The printer where it is released.
        printer: StationPrinter,
        /// Who releases it.
        assertion: Assertion,
        /// The generation that counts at the server that asks: the release goes on under it.
        #[serde(default)]
        generation: u64,
    },
    /// How does change control stand?
    Changes(Look),
    /// Makes a generation ready to count, in place of one that will never count.
    Prepare {
        /// The generation.
        generation: Generation,
        /// The number of the one that it replaces.
        replaces: Option<u64>,
    },
    /// A generation counts.
    Commit {
        /// Its number.
        number: u64,
        /// It and those before it, for a server that has missed some.
        told: Vec<Generation>,
    },
    /// A generation that is prepared will not count.
    DropPrepared(u64),
    /// Removes a job that waits for its release.
    Remove {
        /// The job.
        job: GlobalJobId,
        /// Whose job it is.
        assertion: Assertion,
    },
    /// The claim is to last longer.
    Renew(String),
    /// The first octet of a claimed job is about to leave.
    Begin(String),
    /// What became of a claimed job.
    ClaimOver {
        /// The token of the claim.
        token: String,
        /// The end.
        end: ClaimEnd,
    },
}

impl PeerRequest {
    /// Tells what is wrong with it, whatever the spool holds.
    pub fn fault(&self) -> Option<&'static str> {
        let odd = |token: &String| token.len() > MAX_TOKEN || !token.bytes().all(|octet| octet.is_ascii_graphic());
        let (tokens, n): (&[String], usize) = match self {
            Self::Hello
            | Self::Look { .. }
            | Self::Releasable(_)
            | Self::Claim { .. }
            | Self::Release { .. }
            | Self::Changes(_)
            | Self::DropPrepared(_)
            | Self::Remove { .. } => return None,
            Self::Prepare { generation, .. } => return odd_generation(generation),
            Self::Commit { told, .. } => {
                return match told.len() > MAX_TOKENS {
                    true => Some("it names too many generations"),
                    false => told.iter().find_map(odd_generation),
                };
            }
            Self::Held { printers, .. } => {
                return (printers.len() > MAX_TOKENS).then_some("it names too many printers");
            }
            Self::Offer(offer) => (std::slice::from_ref(&offer.token), 1),
            Self::Ask(tokens) | Self::Confirm(tokens) => (tokens, tokens.len()),
            Self::GiveBack(token)
            | Self::Renew(token)
            | Self::Begin(token)
            | Self::Fetch { token, .. }
            | Self::ClaimOver { token, .. } => (std::slice::from_ref(token), 1),
        };
        match () {
            () if n > MAX_TOKENS => Some("it names too many jobs"),
            () if tokens.iter().any(odd) => Some("a token in it is no token"),
            () => None,
        }
    }
}

/// What is wrong with a generation that another server names.
fn odd_generation(one: &Generation) -> Option<&'static str> {
    one.is_odd().then_some("a generation in it says not who has issued it")
}

/// The answer to a [`PeerRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerReply {
    /// Which spool this is.
    Hello {
        /// Its id.
        spool: String,
    },
    /// What becomes of an offer.
    Offer(OfferAnswer),
    /// How jobs stand.
    Fates(Vec<(String, PeerFate)>),
    /// Done.
    Done,
    /// A file follows, as data frames and an end.
    File {
        /// Its size, the part before the offset included.
        octets: u64,
    },
    /// What was looked for: the JSON of a reply.
    Looked(String),
    /// The jobs that may be claimed.
    Releasable(Vec<Releasable>),
    /// The jobs that wait for their release.
    Held(HeldRows),
    /// How change control stands.
    Changes(Box<ChangeView>),
    /// A generation is prepared, with so many edits.
    Prepared(u32),
    /// What becomes of a claim.
    Claim(ClaimAnswer),
    /// How a claim stands.
    Lease(LeaseAnswer),
    /// What is said to an end.
    ClaimOver(EndAnswer),
    /// It failed; the same request may succeed later.
    Failed(String),
    /// It is refused.
    Refused(String),
    /// This version does not know such a request.
    Unsupported,
}

/// The end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEnd {
    /// The BLAKE3 digest of the whole file, as it was sent.
    pub digest: [u8; 32],
}

/// Makes a frame of a value.
///
/// # Errors
/// When it is too long.
pub fn encode<T: Serialize>(kind: Kind, value: &T) -> Result<Vec<u8>, PeerError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, value).map_err(|error| PeerError::Body(error.to_string()))?;
    let header = Header::of(kind, frame.len() - HEADER)?.encode();
    frame[..HEADER].copy_from_slice(&header);
    Ok(frame)
}

/// Reads the value of a body.
///
/// # Errors
/// When it is no such value.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, PeerError> {
    serde_json::from_slice(body).map_err(|error| PeerError::Body(error.to_string()))
}

/// Reads a request. One of a later version is [`None`]: it is answered, and the connection goes on.
///
/// # Errors
/// When it is no JSON value at all.
pub fn request(body: &[u8]) -> Result<Option<PeerRequest>, PeerError> {
    match serde_json::from_slice(body) {
        Ok(request) => Ok(Some(request)),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => Err(PeerError::Body(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let request = PeerRequest::Fetch { token: "@acme1:1021904417.1".into(), document: 1, offset: 7 };
        let frame = encode(Kind::Request, &request).unwrap();
        let header = Header::decode(frame[..HEADER].try_into().unwrap()).unwrap();
        assert_eq!((header.kind, header.length as usize), (Kind::Request, frame.len() - HEADER));
        assert_eq!(super::request(&frame[HEADER..]).unwrap(), Some(request));
    }

    #[test]
    fn a_request_of_a_later_version_is_no_fault() {
        assert_eq!(request(br#"{"Claim":{"job":"x"}}"#), Ok(None));
        assert!(request(b"{\"Ask\":[").is_err());
        assert!(PeerRequest::Ask(vec!["t".into(); MAX_TOKENS + 1]).fault().is_some());
        assert!(PeerRequest::GiveBack("a b".into()).fault().is_some());
        assert!(PeerRequest::GiveBack("x".repeat(129)).fault().is_some());
    }

    proptest! {
        #[test]
        fn any_octets_are_a_value_or_a_fault(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Some(head) = octets.first_chunk::<HEADER>()
                && let Ok(header) = Header::decode(*head)
            {
                prop_assert!(header.length as usize <= header.kind.limit());
            }
            let _ = request(&octets);
            let _ = decode::<PeerReply>(&octets);
            let _ = decode::<FileEnd>(&octets);
        }

        #[test]
        fn any_change_of_a_header_is_read_or_refused(at in 0..HEADER, to in any::<u8>()) {
            let mut octets = Header::of(Kind::Data, 5).unwrap().encode();
            octets[at] = to;
            if let Ok(header) = Header::decode(octets) {
                prop_assert!(header.length as usize <= header.kind.limit());
            }
        }
    }
}
