//! Jobs and documents.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::alter::JobChange;
use super::field::{Field, Value};
use super::ids::{BatchNumber, DocumentId, GlobalJobId, JobId, JobNumber, LocalJobId, RouteId};
use super::lifetime::{Ended, Ending, Lifetime};
use super::location::Destination;
use super::names::{CollectorName, DeviceName};
use super::order::Priority;
use super::remote::Away;
use super::state::{EntryState, HoldReason, HoldReasons, JobState};

/// A file path or name as the system has it: any octets but NUL. It travels as octets; printing it may lose some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub struct RawPath(pub PathBuf);

impl From<Vec<u8>> for RawPath {
    fn from(bytes: Vec<u8>) -> Self {
        Self(PathBuf::from(OsString::from_vec(bytes)))
    }
}

impl From<RawPath> for Vec<u8> {
    fn from(path: RawPath) -> Vec<u8> {
        path.0.into_os_string().into_vec()
    }
}

impl RawPath {
    /// Returns its octets.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }
}

impl AsRef<Path> for RawPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for RawPath {
    /// Writes one line, whatever the name holds. Control characters are escaped, because scripts read line by line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::printable::path(&self.0))
    }
}

/// The key of a document that is encrypted on disk, wrapped by the key of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

impl WrappedKey {
    /// How many octets it has.
    pub const OCTETS: usize = 89;
}

/// How a document reached the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// Copied into the server's directory.
    Copy,
    /// A symbolic link to the user's file (`-l`).
    Link,
}

impl Transfer {
    /// Returns its stored word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Link => "link",
        }
    }
    /// Finds it by its stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Copy, Self::Link].into_iter().find(|transfer| transfer.word() == word)
    }
}

/// Attributes of documents and jobs that the printer itself has to follow, in the order in which it is told of them.
pub const FEATURES: [&str; 11] = [
    "sides",
    "plex",
    "default-medium",
    "default-input-tray",
    "input-tray-select",
    "number-up",
    "content-orientation",
    "print-quality",
    "output-bin",
    "document-finishing",
    "job-finishing",
];

/// The format of a document: found by its first octets, or said by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Format {
    /// Plain text, the only format to which form feeds may be added.
    Text,
    /// PostScript.
    PostScript,
    /// PDF.
    Pdf,
    /// PCL or PJL-wrapped data.
    Pcl,
    /// HP-GL.
    Hpgl,
    /// ZPL labels.
    Zpl,
    /// EPL labels.
    Epl,
    /// AFP (MO:DCA-P).
    Modca,
    /// TIFF.
    Tiff,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// Anything else, which is passed through unchanged.
    Passthru,
    /// GIF.
    Gif,
    /// ESC/P of matrix printers.
    Epson,
    /// Typesetter's output of troff.
    Ditroff,
    /// ESC/POS receipts.
    EscPos,
    /// TSPL labels.
    Tspl,
    /// CPCL labels.
    Cpcl,
    /// Fingerprint labels.
    Fingerprint,
    /// DPL labels.
    Dpl,
    /// SBPL labels.
    Sbpl,
    /// PRESCRIBE.
    Prescribe,
    /// BMP.
    Bmp,
    /// XPS.
    Xps,
    /// PWG raster, or the raster of CUPS.
    PwgRaster,
    /// Raster of AirPrint.
    Urf,
    /// Text whose lines begin with ASA carriage control; only when it is said.
    Asa,
    /// Text of two octets a character; only when it is said, as all below.
    DbcsAscii,
    /// IPDS.
    Ipds,
    /// Diablo 630.
    D630,
    /// Text with ISO 6429 control sequences.
    Iso6429,
    /// Kanji.
    Kgl,
    /// Line data of a mainframe.
    LineData,
    /// IBM Personal Printer.
    Ppds,
    /// SAP.
    Sap,
    /// SAP ABAP.
    SapAbap,
    /// XML.
    Xml,
}

// May a word change? No: the words are stored and are in JSON; words may only be added. Where InfoPrint has a word, it
// is used.
const FORMATS: [(Format, &str); 37] = [
    (Format::Text, "ascii"),
    (Format::PostScript, "postscript"),
    (Format::Pdf, "pdf"),
    (Format::Pcl, "pcl"),
    (Format::Hpgl, "hpgl"),
    (Format::Zpl, "zpl"),
    (Format::Epl, "epl"),
    (Format::Modca, "modca-p"),
    (Format::Tiff, "tiff"),
    (Format::Jpeg, "jpeg"),
    (Format::Png, "png"),
    (Format::Passthru, "passthru"),
    (Format::Gif, "gif"),
    (Format::Epson, "epson"),
    (Format::Ditroff, "ditroff"),
    (Format::EscPos, "escpos"),
    (Format::Tspl, "tspl"),
    (Format::Cpcl, "cpcl"),
    (Format::Fingerprint, "fingerprint"),
    (Format::Dpl, "dpl"),
    (Format::Sbpl, "sbpl"),
    (Format::Prescribe, "prescribe"),
    (Format::Bmp, "bmp"),
    (Format::Xps, "xps"),
    (Format::PwgRaster, "pwg-raster"),
    (Format::Urf, "urf"),
    (Format::Asa, "asa"),
    (Format::DbcsAscii, "dbcs-ascii"),
    (Format::Ipds, "dpf-ipds"),
    (Format::D630, "d630"),
    (Format::Iso6429, "iso-6429"),
    (Format::Kgl, "kgl"),
    (Format::LineData, "line-data"),
    (Format::Ppds, "ppds"),
    (Format::Sap, "sap"),
    (Format::SapAbap, "sap-abap"),
    (Format::Xml, "xml"),
];

/// Other words for some of them.
const FORMAT_SYNONYMS: &[(&str, &str)] = &[
    ("text", "ascii"),
    ("simple-text", "ascii"),
    ("raw", "passthru"),
    ("ps", "postscript"),
    ("hppcl", "pcl"),
    ("hp-pcl", "pcl"),
    ("hp-gl", "hpgl"),
    ("afpds", "modca-p"),
];

/// The names that formats have on the network.
const FORMAT_MIMES: &[(Format, &str)] = &[
    (Format::Text, "text/plain"),
    (Format::PostScript, "application/postscript"),
    (Format::Pdf, "application/pdf"),
    (Format::Pcl, "application/vnd.hp-pcl"),
    (Format::Hpgl, "application/vnd.hp-hpgl"),
    (Format::Modca, "application/vnd.ibm.modcap"),
    (Format::Tiff, "image/tiff"),
    (Format::Jpeg, "image/jpeg"),
    (Format::Png, "image/png"),
    (Format::Gif, "image/gif"),
    (Format::Bmp, "image/bmp"),
    (Format::Xps, "application/oxps"),
    (Format::PwgRaster, "image/pwg-raster"),
    (Format::Urf, "image/urf"),
    (Format::Xml, "application/xml"),
];

/// By whom it was said what a document is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FormatOrigin {
    /// By nobody: it was recognised by its first octets.
    #[default]
    Recognised,
    /// The user.
    User,
    /// The location to which the job was sent.
    Location,
    /// The device, which takes everything as it comes.
    Device,
}

impl FormatOrigin {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recognised, Self::User, Self::Location, Self::Device];
    /// Their words.
    pub const WORDS: [&str; 4] = ["recognised", "user", "location", "device"];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
    /// Finds it by its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.word() == word)
    }
}

impl Format {
    /// Every keyword.
    pub const KEYWORDS: [&str; FORMATS.len()] = {
        let mut words = [""; FORMATS.len()];
        let mut at = 0;
        while at < words.len() {
            words[at] = FORMATS[at].1;
            at += 1;
        }
        words
    };

    /// Returns the value of `document-format`.
    pub fn keyword(self) -> &'static str {
        FORMATS.iter().find(|row| row.0 == self).map_or("passthru", |row| row.1)
    }
    /// Finds it by its keyword.
    pub fn from_keyword(word: &str) -> Option<Self> {
        FORMATS.iter().find(|row| row.1 == word).map(|row| row.0)
    }
    /// Other words for them, each with the keyword that it means.
    pub const SYNONYMS: &'static [(&'static str, &'static str)] = FORMAT_SYNONYMS;

    /// Finds it by what somebody typed: a keyword or another word for it, in capitals or not.
    pub fn from_typed(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let keyword = FORMAT_SYNONYMS.iter().find(|row| row.0 == word).map_or(word.as_str(), |row| row.1);
        Self::from_keyword(keyword)
    }
    /// Returns the name that it has on the network, where it has one.
    pub fn mime(self) -> Option<&'static str> {
        FORMAT_MIMES.iter().find(|row| row.0 == self).map(|row| row.1)
    }
    /// Those that have a name on the network.
    pub fn with_mime() -> impl Iterator<Item = Self> {
        FORMAT_MIMES.iter().map(|row| row.0)
    }
    /// Finds it by its name on the network, in capitals or not.
    pub fn from_mime(name: &str) -> Option<Self> {
        FORMAT_MIMES.iter().find(|row| row.1.eq_ignore_ascii_case(name)).map(|row| row.0)
    }
    /// Tells whether it is plain text, to which the form-feed rule applies.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Asa)
    }
}

/// What makes a file the same file. It is compared before printing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Device number of its file system.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Birth time in nanoseconds since 1970, where the file system knows it.
    pub birth_ns: Option<i64>,
    /// Size in octets.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time, nanoseconds since 1970.
    pub ctime_ns: i64,
}

impl Identity {
    /// Tells whether both are the very same file, whatever it holds now.
    pub fn same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
            && (self.birth_ns.is_none() || other.birth_ns.is_none() || self.birth_ns == other.birth_ns)
    }
}

/// A document as it is submitted. Its octets come as an open file beside the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentOffer {
    /// The name the user gave; `-` for standard input.
    pub file_name: RawPath,
    /// Copy or link.
    pub transfer: Transfer,
    /// With [`Transfer::Link`], the absolute path that the link will hold.
    pub link_target: Option<RawPath>,
    /// Copies of this document, at least 1.
    pub copies: u32,
    /// What it is, where the user said it.
    #[serde(default)]
    pub format: Option<Format>,
}

/// Where an explicit value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The submitter gave it.
    User,
    /// A default job or document.
    DefaultJob,
    /// The destination.
    Destination,
    /// The spool notes it.
    Spool,
}

impl Origin {
    /// Returns its stored word.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::DefaultJob => "default-job",
            Self::Destination => "destination",
            Self::Spool => "spool",
        }
    }

    /// Finds it by its stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::User, Self::DefaultJob, Self::Destination, Self::Spool].into_iter().find(|origin| origin.word() == word)
    }
}

/// An explicit attribute value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenValue {
    /// Document, from 1; 0 = the job.
    pub document: u32,
    /// Which attribute.
    pub field: Field,
    /// Its value.
    pub value: Value,
    /// From where.
    pub origin: Origin,
}

/// A job as it is submitted. The default one asks for nothing, and has no document, destination or token yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// A token that the submitter chooses. The same token finds the same job, so that a retry after a lost reply is
    /// harmless.
    pub token: String,
    /// The destination that the user named with `-d`.
    pub destination: String,
    /// `job-name`, REPORT.
    pub name: String,
    /// Form name; empty = blank.
    pub form: String,
    /// Priority.
    pub priority: Priority,
    /// Whether it is held from the start.
    pub hold: bool,
    /// Whether it is kept after printing.
    pub hold_after: bool,
    /// How long it lives.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// `job-owner`; none = whoever submits it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether it is only kept, and never printed unless somebody sends it on.
    #[serde(default)]
    pub keep: bool,
    /// The batch that it joins, or begins.
    #[serde(default)]
    pub batch: Option<BatchNumber>,
    /// Its documents, at least one.
    pub documents: Vec<DocumentOffer>,
    /// The values that the user gave explicitly, for `==` and for a later resubmission.
    pub given: Vec<GivenValue>,
    /// The collector by which it comes; none = the first one that is ACTIVE.
    #[serde(default)]
    pub collector: Option<CollectorName>,
}

#[cfg(test)]
impl Submission {
    /// Makes a submission that asks for nothing in particular, with so many copied documents.
    pub(crate) fn sample(token: &str, destination: &str, documents: usize) -> Self {
        let offer = DocumentOffer {
            file_name: RawPath::from(b"a\nb\xff".to_vec()),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
            format: None,
        };
        Self {
            token: token.into(),
            destination: destination.into(),
            name: "n".into(),
            form: String::new(),
            priority: Priority::default(),
            hold: false,
            hold_after: false,
            lifetime: Lifetime::default(),
            owner: None,
            keep: false,
            batch: None,
            documents: vec![offer; documents],
            given: Vec::new(),
            collector: None,
        }
    }
}

/// What the submitter is told when the job is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Row identity.
    pub id: JobId,
    /// SPOOLCOM's number.
    pub number: JobNumber,
    /// The submitter's own number for it.
    pub local: LocalJobId,
    /// Its name everywhere.
    pub global: GlobalJobId,
}

/// A document as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentStatus {
    /// Identity.
    pub id: DocumentId,
    /// From 1.
    pub sequence: u32,
    /// The name the user gave.
    pub file_name: RawPath,
    /// The print file in the directory of the server; the first half of `document-content`.
    pub path: RawPath,
    /// The server that owns it; the second half.
    pub server: String,
    /// Copy or link.
    pub transfer: Transfer,
    /// What it is taken for.
    pub format: Format,
    /// By whom that was said.
    #[serde(default)]
    pub format_origin: FormatOrigin,
    /// Size in octets at submission.
    pub octets: u64,
    /// Pages, where they can be counted.
    pub pages: Option<u64>,
    /// Lines, for text.
    pub lines: Option<u64>,
    /// Copies.
    pub copies: u32,
    /// What was given for it explicitly; none where a listing did not want it ([`Parts`](super::query::Parts)).
    #[serde(default)]
    pub given: Vec<GivenValue>,
}

/// What a job says that is held because it is printed, as HOLDAFTER asked.
pub const AFTER_PRINTING: &str = "printed, and held after that (HOLDAFTER)";
/// How the words begin that go with a job that somebody held while its last octets were on their way.
pub const PRINTED_COMPLETELY: &str = "it had been printed completely";

/// The reason of a job that its printer has, while the connection is still open.
pub const TRANSFERRED: &str = "job-transferred";

/// The batch of a job, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchMember {
    /// The batch.
    pub number: BatchNumber,
    /// Ascends in the order in which jobs were linked.
    pub place: i64,
}

/// What is done to all jobs of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchChange {
    /// They are held.
    Hold,
    /// Those on hold go to the queue, at one place, in the order of LINK.
    Start,
    /// They are deleted.
    Delete,
    /// Attributes are set.
    Alter(Vec<JobChange>),
}

/// What remains after a change of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchResult {
    /// Jobs that START leaves on hold, and why.
    pub remaining: Vec<(JobNumber, HoldReasons)>,
}

/// A job as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Row identity.
    pub id: JobId,
    /// SPOOLCOM's number.
    pub number: JobNumber,
    /// Its batch.
    #[serde(default)]
    pub batch: Option<BatchMember>,
    /// The owner's own number for it.
    pub local: LocalJobId,
    /// Its name everywhere.
    pub global: GlobalJobId,
    /// `job-name`, REPORT.
    pub name: String,
    /// Owner's login name.
    pub owner: String,
    /// Owner's user id.
    pub owner_uid: u32,
    /// Owner's primary group id.
    pub owner_gid: u32,
    /// `user@host` of the submitter.
    pub user_name: String,
    /// Where it was sent.
    pub destination: Destination,
    /// Where its entries wait.
    pub route: RouteId,
    /// State.
    pub state: JobState,
    /// Whether every part of it has been printed, and none waits to be printed again.
    #[serde(default)]
    pub printed: bool,
    /// Why it is held.
    pub reasons: HoldReasons,
    /// The words that go with a failed, changed or corrupt hold.
    pub reason_text: Option<String>,
    /// Priority.
    pub priority: Priority,
    /// Form name.
    pub form: String,
    /// Whether it is kept after printing.
    pub hold_after: bool,
    /// How long it lives.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// How it ended, where it is kept.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// Copies of the first document; 1 where a listing wanted no documents.
    pub copies: u32,
    /// Octets of all documents, copies not counted.
    pub total_octets: u64,
    /// Pages of all documents, when all are known.
    pub pages: Option<u64>,
    /// When it was created, wall clock.
    pub created_ms: i64,
    /// When it was complete, if that was later.
    #[serde(default)]
    pub closed_ms: Option<i64>,
    /// The process that hands it in, while it arrives.
    #[serde(default)]
    pub process: Option<u32>,
    /// When an attempt began, if one runs.
    pub started_ms: Option<i64>,
    /// Devices that have it now.
    pub devices: Vec<DeviceName>,
    /// The one device of its queue that is to print it, where it waits for one.
    #[serde(default)]
    pub assigned: Option<DeviceName>,
    /// Jobs before it in its queue, counted to 1,000; more are 1,001. None when it is not queued, or a listing did not
    /// want it.
    pub intervening: Option<u32>,
    /// What was given for the job explicitly; none where a listing did not want it.
    #[serde(default)]
    pub given: Vec<GivenValue>,
    /// Its documents, in order; none where a listing wanted none ([`Parts`](super::query::Parts)).
    pub documents: Vec<DocumentStatus>,
    /// The collector by which it came; none = the usual one.
    #[serde(default)]
    pub collector: Option<CollectorName>,
    /// DATA of that collector, as typed.
    #[serde(default)]
    pub data_file: Option<String>,
    /// The device of another server that prints it, and how it stands there.
    #[serde(default)]
    pub away: Option<Away>,
}

impl JobStatus {
    /// Tells whether it has printed, or never will. One that is held after it has been printed has.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some() || self.printed || self.state == JobState::Retained
    }

    /// Tells whether it is held until a person acts, on no device, for something that went wrong.
    pub fn waits_for_a_person(&self) -> bool {
        self.state == JobState::Held && self.reasons.0 & HoldReasons::ATTENTION.0 != 0
    }
}

impl JobStatus {
    /// Returns why it is held, in words, and what else is known of that.
    pub fn hold_words(&self) -> (Vec<&str>, Option<&str>) {
        let text = self.reason_text.as_deref();
        let printed = text == Some(AFTER_PRINTING);
        let words = self.reasons.iter().map(|reason| match reason {
            HoldReason::Operator if printed => AFTER_PRINTING,
            reason => reason.words(),
        });
        (words.collect(), text.filter(|_| !printed))
    }

    /// Returns its `job-state-reasons`: how it ended, which comes first, why it is held, or that it is delivered.
    pub fn reason_keywords(&self) -> Vec<&'static str> {
        let over = matches!(self.state, JobState::Retained | JobState::Terminating);
        let ending = self.lifetime.ending.filter(|_| over).and_then(Ending::keyword);
        let transferred = (self.state == JobState::Transferred).then_some(TRANSFERRED);
        let waits = self.away.as_ref().is_some_and(|away| !away.is_there()) && self.state == JobState::Ready;
        let reasons = self.reasons.iter().map(HoldReason::keyword);
        ending.into_iter().chain(reasons).chain(transferred).chain(waits.then_some(Away::WAITS)).collect()
    }
}

/// One queued or printing occurrence of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Where it waits.
    pub destination: Destination,
    /// The device that has it, or would get it.
    pub device: Option<DeviceName>,
    /// Its place in that queue, from 1.
    pub sequence: Option<u32>,
    /// What it is doing.
    pub state: EntryState,
    /// Copy in print.
    pub copy: u32,
    /// Attempts so far.
    pub attempt: u32,
    /// Octets of the running attempt that went to a device which cannot give them back, as far as its progress shows.
    #[serde(default)]
    pub gone: Option<u64>,
}

impl Occurrence {
    /// Tells whether every octet has left. Then nothing can be stopped any more, only waited for.
    pub fn all_sent(all: &[Self]) -> bool {
        all.iter().any(|one| one.state == EntryState::Transferred)
            && !all.iter().any(|one| one.state == EntryState::Claimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_types_for_a_format_is_a_keyword_or_stands_for_one() {
        for word in Format::KEYWORDS {
            let format = Format::from_typed(&word.to_ascii_uppercase()).unwrap();
            assert_eq!((format.keyword(), Format::from_keyword(word)), (word, Some(format)));
        }
        for (word, keyword) in Format::SYNONYMS {
            assert!(!Format::KEYWORDS.contains(word) && Format::KEYWORDS.contains(keyword), "{word}");
            assert_eq!(Format::from_typed(word), Format::from_keyword(keyword));
        }
        assert_eq!(Format::from_typed("word"), None);
        assert!(FormatOrigin::ALL.iter().all(|origin| FormatOrigin::from_word(origin.word()) == Some(*origin)));
    }
}
