//! Devices: their addresses and their settings.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::access::Access;

use super::field::{Field, Value};
use super::ids::{DeviceId, JobNumber};
use super::job::Format;
use super::kept::{KeptWord, KeptWords};
use super::names::{DeviceName, ProcessName};
use super::order::{QueueOrder, SortBy};
use super::separation::{HeaderPages, Layout, StartFf};
use super::state::{DeviceState, DeviceWish, ErrorNote, ProcessState};
use super::transform::{Transform, format_word};
pub use super::uri::{AwaitingUri, DevicePath, DeviceUri, RAW_PORT};
use super::wait::Awaited;

/// When a device is opened and closed (docs/reference/fastp.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exclusive {
    /// Open while an eligible job is queued.
    #[default]
    Off,
    /// Open from START to DRAIN.
    On,
    /// Open for each job.
    OffEach,
}

impl Exclusive {
    /// Returns how SPOOLCOM writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::On => "ON",
            Self::OffEach => "OFF !",
        }
    }
    /// Finds it by its stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Off, Self::On, Self::OffEach].into_iter().find(|e| e.word() == word)
    }
}

/// What becomes of the jobs that a printer acknowledged, and whose connection it then reset (our addition).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterReset {
    /// They print again, announced as possible duplicates.
    #[default]
    Again,
    /// They are held: somebody decides.
    Ask,
    /// They are done, recorded as in doubt: they never print twice, and may never have printed.
    Once,
}

impl AfterReset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Again, Self::Ask, Self::Once];

    /// How SPOOLCOM writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Again => "AGAIN",
            Self::Ask => "ASK",
            Self::Once => "ONCE",
        }
    }
    /// From its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.word() == word)
    }
}

/// So often a device may fail at one job before that job is set aside, where nobody says. A jam that a person clears takes
/// one or two; with the usual RETRY the growing waits between five (5, 10, 20 and 40 s) are a minute and a quarter at most, after
/// which the others print.
const ATTEMPTS: u32 = 5;

/// The settings of a device. Defaults are the manual's unless the design says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSettings {
    /// Its print process; mandatory before START.
    pub process: Option<ProcessName>,
    /// Its address; mandatory before START in this version.
    pub uri: Option<DeviceUri>,
    /// Form name it carries, up to 16 characters; empty = blank.
    pub form: String,
    /// Lines per minute, used for queueing only.
    pub speed: u32,
    /// When it is opened and closed.
    pub exclusive: Exclusive,
    /// Whether jobs print in order of arrival instead of short-first.
    pub fifo: bool,
    /// What it compares first.
    #[serde(default = "by_priority")]
    pub sort_by: SortBy,
    /// What it compares then; none = as `fifo` says.
    #[serde(default)]
    pub then_by: Option<SortBy>,
    /// Whether somebody said so. If nobody did, a device with a URI prints in order of arrival, and a NonStop device without one
    /// short first.
    #[serde(default)]
    pub fifo_told: bool,
    /// Seconds between retries of a retryable error. The wait grows; this is its minimum.
    pub retry: u32,
    /// Number of retries before it gives up; −1 = never.
    pub timeout: i32,
    /// Header pages around text jobs.
    pub header: HeaderPages,
    /// Form feed at the beginning of a text job.
    pub startff: StartFf,
    /// Whether a form feed is added at the end of a text job.
    pub endff: bool,
    /// Columns of header pages and of text; −1 = not set, which means 132 for header pages, and text as it came.
    pub width: i32,
    /// Whether text lines longer than WIDTH are cut instead of wrapped.
    #[serde(default)]
    pub trunc: bool,
    /// Whether line ends of text are completed to CR LF (our addition).
    #[serde(default)]
    pub eol_crlf: bool,
    /// Lines after which a page of text is fed (our addition); 0 = not set.
    #[serde(default)]
    pub page_length: u32,
    /// Whether every octet leaves as it came, with nothing of ours (our addition).
    #[serde(default)]
    pub content_raw: bool,
    /// Whether the printer speaks PJL: sides, trays and the like are told to it ahead of documents (our addition).
    #[serde(default)]
    pub pjl: bool,
    /// The 16-bit word handed to the print process.
    pub parm: u16,
    /// Seconds until a device that an error stopped is started again, each time anew; 0 = OFF.
    pub restart: u32,
    /// What becomes of delivered jobs whose connection the printer resets.
    pub delivery: AfterReset,
    /// So often the device may fail at one job before it is set aside; 0 = without limit.
    pub attempts: u32,
    /// Words that mean nothing here, as they were typed.
    #[serde(default)]
    pub kept: KeptWords,
    /// Papers that it has besides its form: jobs that want one of them are printed too.
    #[serde(default)]
    pub media: Vec<String>,
    /// The programs through which documents go that it cannot print (our addition).
    #[serde(default)]
    pub transforms: Vec<Transform>,
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            process: None,
            uri: None,
            form: String::new(),
            speed: 100,
            exclusive: Exclusive::Off,
            fifo: false,
            sort_by: SortBy::JobPriority,
            then_by: None,
            fifo_told: false,
            retry: 5,
            timeout: -1,
            header: HeaderPages::On,
            startff: StartFf::Off,
            endff: false,
            width: -1,
            trunc: false,
            eol_crlf: false,
            page_length: 0,
            content_raw: false,
            pjl: false,
            parm: 0,
            restart: 0,
            delivery: AfterReset::Again,
            attempts: ATTEMPTS,
            kept: KeptWords::default(),
            media: Vec::new(),
            transforms: Vec::new(),
        }
    }
}

/// One attribute of a `DEV` command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChange {
    /// PROCESS
    Process(ProcessName),
    /// URI
    Uri(DeviceUri),
    /// FORM
    Form(String),
    /// SPEED
    Speed(u32),
    /// EXCLUSIVE
    Exclusive(Exclusive),
    /// FIFO
    Fifo(bool),
    /// SCHEDULER: what it compares first, and then; none = as before
    Scheduler(Option<SortBy>, Option<SortBy>),
    /// RETRY
    Retry(u32),
    /// TIMEOUT
    Timeout(i32),
    /// HEADER
    Header(HeaderPages),
    /// STARTFF
    StartFf(StartFf),
    /// ENDFF
    EndFf(bool),
    /// WIDTH
    Width(i32),
    /// TRUNC
    Trunc(bool),
    /// EOL: CRLF or not
    EolCrLf(bool),
    /// PAGELENGTH; 0 = not set
    PageLength(u32),
    /// CONTENT: RAW or not
    ContentRaw(bool),
    /// Whether the printer speaks PJL
    Pjl(bool),
    /// PARM
    Parm(u16),
    /// RESTART, in seconds; 0 = OFF
    Restart(u32),
    /// DELIVERY
    Delivery(AfterReset),
    /// ATTEMPTS; 0 = without limit
    Attempts(u32),
    /// A word that means nothing here
    Kept(KeptWord),
    /// Papers that it has besides its form.
    Media(Vec<String>),
    /// TRANSFORM of a format
    Transform(Transform),
    /// TRANSFORM NONE: of this format, or of all
    NoTransform(Option<Format>),
}

impl fmt::Display for DeviceChange {
    /// Writes it as SPOOLCOM does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: &bool| if *on { "ON" } else { "OFF" };
        match self {
            Self::Process(v) => write!(f, "PROCESS ${v}"),
            Self::Uri(v) => write!(f, "URI {v}"),
            Self::Form(v) if v.is_empty() => f.write_str("FORM NONE"),
            Self::Form(v) => write!(f, "FORM {v}"),
            Self::Speed(v) => write!(f, "SPEED {v}"),
            Self::Exclusive(v) => write!(f, "EXCLUSIVE {}", v.word()),
            Self::Fifo(v) => write!(f, "FIFO {}", on(v)),
            Self::Scheduler(first, then) => {
                let words: Vec<&str> = first.iter().chain(then).map(|one| one.word()).collect();
                write!(f, "SCHEDULER {}", words.join(" "))
            }
            Self::Retry(v) => write!(f, "RETRY {v}"),
            Self::Timeout(v) => write!(f, "TIMEOUT {v}"),
            Self::Header(v) => write!(f, "HEADER {}", v.word()),
            Self::StartFf(v) => write!(f, "STARTFF {}", v.word()),
            Self::EndFf(v) => write!(f, "ENDFF {}", on(v)),
            Self::Width(v) => write!(f, "WIDTH {v}"),
            Self::Trunc(v) => write!(f, "TRUNC {}", on(v)),
            Self::EolCrLf(v) => write!(f, "EOL {}", eol_word(*v)),
            Self::PageLength(v) => write!(f, "PAGELENGTH {v}"),
            Self::ContentRaw(v) => write!(f, "CONTENT {}", content_word(*v)),
            Self::Pjl(v) => write!(f, "PJL {}", on(v)),
            Self::Parm(v) => write!(f, "PARM {v}"),
            Self::Restart(0) => f.write_str("RESTART OFF"),
            Self::Restart(v) => write!(f, "RESTART {v}"),
            Self::Delivery(v) => write!(f, "DELIVERY {}", v.word()),
            Self::Attempts(v) => write!(f, "ATTEMPTS {v}"),
            Self::Kept(v) => v.fmt(f),
            Self::Media(v) if v.is_empty() => f.write_str("MEDIA NONE"),
            Self::Media(v) => write!(f, "MEDIA {}", v.join(" ")),
            Self::Transform(v) => write!(f, "TRANSFORM {v}"),
            Self::NoTransform(None) => f.write_str("TRANSFORM NONE"),
            Self::NoTransform(Some(format)) => write!(f, "TRANSFORM {} NONE", format_word(*format)),
        }
    }
}

/// How SPOOLCOM writes EOL.
pub fn eol_word(crlf: bool) -> &'static str {
    if crlf { "CRLF" } else { "NONE" }
}

/// How SPOOLCOM writes CONTENT of a device.
pub fn content_word(raw: bool) -> &'static str {
    if raw { RAW } else { "NONE" }
}

/// The word of CONTENT for a device or a location where nothing of ours is added to anything.
pub const RAW: &str = "RAW";

/// PARM bit 5 (`%2000`): the FASTCNFG entry of a device is used even when the device has a URI.
pub const PARM_FASTCNFG: u16 = 0o2000;

impl DeviceSettings {
    /// Tells whether the print process looks for a FASTCNFG entry of the device.
    pub fn consults_fastcnfg(&self) -> bool {
        self.uri.is_none() || self.parm & PARM_FASTCNFG != 0
    }
    /// What it asks of text; nothing where everything leaves as it came.
    pub fn layout(&self) -> Layout {
        if self.content_raw {
            return Layout::default();
        }
        Layout {
            eol_crlf: self.eol_crlf,
            columns: u32::try_from(self.width).ok().filter(|columns| *columns > 0),
            cut: self.trunc,
            page_lines: (self.page_length > 0).then_some(self.page_length),
        }
    }
    /// Returns what makes a device that was just declared into one with these settings, in the order of a command. What it
    /// has anyway is left out.
    pub fn changes(&self) -> Vec<DeviceChange> {
        let mut changes = self.every_change();
        let mut made = Self::default();
        changes.retain(|change| match change {
            // Said only where somebody said it: else it follows from the URI.
            DeviceChange::Fifo(_) => self.fifo_told,
            DeviceChange::Scheduler(..) => self.sort_by != SortBy::JobPriority || self.then_by.is_some(),
            DeviceChange::Kept(_) => true,
            _ => {
                let before = made.clone();
                made.apply(change);
                made != before
            }
        });
        changes
    }

    /// Returns the changes that make it of any other: each of its settings.
    pub fn every_change(&self) -> Vec<DeviceChange> {
        // Every setting stands here, so that a new one cannot be forgotten.
        let Self {
            process,
            uri,
            form,
            speed,
            exclusive,
            fifo,
            sort_by,
            then_by: _,
            fifo_told: _,
            retry,
            timeout,
            header,
            startff,
            endff,
            width,
            trunc,
            eol_crlf,
            page_length,
            content_raw,
            pjl,
            parm,
            restart,
            delivery,
            attempts,
            kept,
            media,
            transforms,
        } = self.clone();
        let mut changes: Vec<DeviceChange> = Vec::new();
        changes.extend(process.map(DeviceChange::Process));
        changes.extend(uri.map(DeviceChange::Uri));
        changes.extend([
            DeviceChange::Form(form),
            DeviceChange::Speed(speed),
            DeviceChange::Exclusive(exclusive),
            DeviceChange::Retry(retry),
            DeviceChange::Timeout(timeout),
            DeviceChange::Header(header),
            DeviceChange::StartFf(startff),
            DeviceChange::EndFf(endff),
            DeviceChange::Width(width),
            DeviceChange::Trunc(trunc),
            DeviceChange::EolCrLf(eol_crlf),
            DeviceChange::PageLength(page_length),
            DeviceChange::ContentRaw(content_raw),
            DeviceChange::Pjl(pjl),
            DeviceChange::Parm(parm),
            DeviceChange::Restart(restart),
            DeviceChange::Delivery(delivery),
            DeviceChange::Attempts(attempts),
            DeviceChange::Media(media),
        ]);
        changes.push(DeviceChange::NoTransform(None));
        changes.extend(transforms.into_iter().map(DeviceChange::Transform));
        changes.push(DeviceChange::Fifo(fifo));
        // Behind FIFO, which says it anew.
        changes.push(DeviceChange::Scheduler(Some(sort_by), Some(self.then_by())));
        let words = kept.iter().map(|(word, value)| KeptWord { word: word.to_owned(), value: value.to_owned() });
        changes.extend(words.map(DeviceChange::Kept));
        changes
    }
    /// What it compares of jobs that are alike in what it compares first.
    pub fn then_by(&self) -> SortBy {
        self.then_by.unwrap_or(if self.fifo { SortBy::Fifo } else { SortBy::ShortestFirst })
    }
    /// Returns the order in which it takes its jobs.
    pub fn order(&self) -> QueueOrder {
        QueueOrder::of(self.sort_by, self.then_by())
    }
    /// Returns the papers that are loaded: its form, if it has one, and the others.
    pub fn papers(&self) -> impl Iterator<Item = &str> {
        let form = self.form.trim();
        let others = self.media.iter().map(String::as_str).filter(move |paper| !paper.eq_ignore_ascii_case(form));
        Some(form).filter(|form| !form.is_empty()).into_iter().chain(others)
    }
    /// Applies one change.
    pub fn apply(&mut self, change: &DeviceChange) {
        match change.clone() {
            DeviceChange::Process(v) => self.process = Some(v),
            DeviceChange::Uri(v) => {
                self.uri = Some(v);
                self.fifo |= !self.fifo_told;
            }
            DeviceChange::Form(v) => self.form = v,
            DeviceChange::Speed(v) => self.speed = v,
            DeviceChange::Exclusive(v) => self.exclusive = v,
            DeviceChange::Fifo(v) => {
                (self.fifo, self.fifo_told) = (v, true);
                (self.sort_by, self.then_by) = (SortBy::JobPriority, None);
            }
            DeviceChange::Scheduler(first, then) => {
                self.sort_by = first.unwrap_or(self.sort_by);
                match then {
                    Some(SortBy::Fifo | SortBy::ShortestFirst) => {
                        (self.fifo, self.fifo_told) = (then == Some(SortBy::Fifo), true);
                        self.then_by = None;
                    }
                    Some(_) => self.then_by = then,
                    None => {}
                }
            }
            DeviceChange::Retry(v) => self.retry = v,
            DeviceChange::Timeout(v) => self.timeout = v,
            DeviceChange::Header(v) => self.header = v,
            DeviceChange::StartFf(v) => self.startff = v,
            DeviceChange::EndFf(v) => self.endff = v,
            DeviceChange::Width(v) => self.width = v,
            DeviceChange::Trunc(v) => self.trunc = v,
            DeviceChange::EolCrLf(v) => self.eol_crlf = v,
            DeviceChange::PageLength(v) => self.page_length = v,
            DeviceChange::ContentRaw(v) => self.content_raw = v,
            DeviceChange::Pjl(v) => self.pjl = v,
            DeviceChange::Parm(v) => self.parm = v,
            DeviceChange::Restart(v) => self.restart = v,
            DeviceChange::Delivery(v) => self.delivery = v,
            DeviceChange::Attempts(v) => self.attempts = v,
            DeviceChange::Kept(v) => self.kept.keep(v),
            DeviceChange::Media(v) => self.media = v,
            DeviceChange::Transform(v) => match self.transforms.iter_mut().find(|known| known.format == v.format) {
                Some(known) => *known = v,
                None => self.transforms.push(v),
            },
            DeviceChange::NoTransform(None) => self.transforms.clear(),
            DeviceChange::NoTransform(Some(format)) => self.transforms.retain(|known| known.format != format),
        }
    }
}

fn by_priority() -> SortBy {
    SortBy::JobPriority
}

/// Checks a form name: up to 16 letters, digits and blanks (docs/reference/spoolcom.md 2). Otherwise it says why not.
pub fn check_form(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > 16 || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        return Err(format!(
            "'{}' is not a form name (up to 16 letters, digits and blanks)",
            super::printable::escaped(text)
        ));
    }
    Ok(text.to_owned())
}

/// What a device is doing now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningJob {
    /// The job.
    pub job: JobNumber,
    /// Its name.
    pub name: String,
    /// Document in print, from 1; 0 before the first octet.
    pub document: u32,
    /// How many documents it has.
    pub documents: u32,
    /// Copy in print, from 1.
    pub copy: u32,
    /// How many copies of that document are to be printed.
    pub copies: u32,
    /// Octets of the whole job that the transport has taken.
    pub octets: u64,
    /// Octets of the whole job, all copies.
    pub total_octets: u64,
    /// When the attempt began, wall clock.
    pub since_ms: i64,
    /// Set while the device accepts nothing more of it.
    #[serde(default)]
    pub stalled: Option<Stalled>,
}

/// A device that stands still in mid-job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalled {
    /// When it last accepted something, wall clock.
    pub since_ms: i64,
    /// Octets that it had accepted by then. Octets that this system still keeps for it do not count.
    pub octets: u64,
}

/// Why a device does not print although it is wanted to: a word for a column, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// A few words in lower case: `no reader`, `connection refused`, `process not running`.
    pub word: String,
    /// When it began, wall clock: the first time, not the last try; none where that is not known.
    pub since_ms: Option<i64>,
}

/// What a device was last opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionInUse {
    /// The address.
    pub address: DeviceUri,
    /// The place of its FASTCNFG entry, `file:line`; none when the URI of the device was used.
    pub entry: Option<String>,
    /// Why an altered FASTCNFG file is not used, if that is so: file, line, column and reason.
    pub complaint: Option<String>,
}

/// A device as displays show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Identity.
    pub id: DeviceId,
    /// Name as declared.
    pub name: DeviceName,
    /// Settings.
    pub settings: DeviceSettings,
    /// What the operator wants.
    pub wish: DeviceWish,
    /// The state that follows.
    pub state: DeviceState,
    /// Whether it is suspended when its job is done.
    #[serde(default)]
    pub pause_next: bool,
    /// Whether it is open now, as last recorded.
    pub open: bool,
    /// How often it was opened since it was declared.
    pub opens: u64,
    /// What it was last opened with, if it ever was opened.
    pub connection: Option<ConnectionInUse>,
    /// The error that it is in, or that took it offline.
    pub error: Option<ErrorNote>,
    /// Whether it is offline because of that error. If so, anybody may start it, and RESTART does.
    pub stopped_by_error: bool,
    /// Why it does not print although it is wanted to, if that is so.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// What keeps its print process from going on at it, although it lives. It is not on record: the spool may be what fails.
    #[serde(default)]
    pub process_trouble: Option<ErrorNote>,
    /// Octets that it takes in a second, measured at jobs that it printed; none before there was one.
    #[serde(default)]
    pub rate: Option<u64>,
    /// The job in print.
    pub running: Option<RunningJob>,
    /// What its print process waits for at it, with or without a job.
    #[serde(default)]
    pub awaits: Option<Awaited>,
    /// Its print process.
    pub process_state: ProcessState,
    /// Entries waiting for it (on its locations and their groups), counted up to 1,001.
    pub waiting: u32,
    /// Whether something waits that it would print if its print process ran; looked for only while that does not.
    #[serde(default)]
    pub awaits_process: bool,
    /// Its access rules.
    #[serde(default)]
    pub access: Access,
    /// What was set of it and is only kept.
    #[serde(default)]
    pub given: Vec<(Field, Value)>,
}

/// Where the paper of a device stands, for the form-feed rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// Nothing was printed yet. The paper is taken to be at top of form.
    #[default]
    Top = 0,
    /// Text was printed that did not end with a form feed.
    Text = 1,
    /// A finished stream was printed, which placed the paper itself.
    Stream = 2,
    /// The paper is at top of form after text, by the last form feed of the text or by one of ours.
    Fed = 3,
    /// Text was printed whose last line has no end.
    Unfinished = 4,
}

impl Paper {
    /// Finds it by its stored number.
    pub fn from_stored(n: i64) -> Option<Self> {
        [Self::Top, Self::Text, Self::Stream, Self::Fed, Self::Unfinished].into_iter().find(|paper| *paper as i64 == n)
    }
}

/// What a device remembers of FASTCNFG from one print process to the next. Only print processes write and read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The last entry that could be used, in the words of the print process.
    pub entry: Option<String>,
    /// Why an entry that was found later is not used.
    pub complaint: Option<String>,
}

/// A position in an output file, recorded before the first octet of an attempt is written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// Device number of the file system.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Octet at which the job begins.
    pub offset: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changes_of_a_device_make_it_again() {
        let mut settings = DeviceSettings::default();
        assert_eq!(settings.changes(), []);
        let kept = KeptWord { word: "CHARMAP".into(), value: "NONE".into() };
        for change in [
            DeviceChange::Uri(DeviceUri::Null),
            DeviceChange::Width(80),
            DeviceChange::Fifo(false),
            DeviceChange::Kept(kept),
            DeviceChange::Attempts(0),
        ] {
            settings.apply(&change);
            let mut made = DeviceSettings::default();
            settings.changes().iter().for_each(|change| made.apply(change));
            assert_eq!(made, settings, "after {change}");
        }
    }

    #[test]
    fn an_entry_is_looked_for_without_a_uri_and_with_parm_bit_5() {
        let mut settings = DeviceSettings::default();
        assert!(settings.consults_fastcnfg());
        settings.uri = Some(DeviceUri::Null);
        assert!(!settings.consults_fastcnfg());
        settings.parm = 0o42000;
        assert!(settings.consults_fastcnfg());
    }
}
