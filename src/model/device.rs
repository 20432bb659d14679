//! Devices: how they are reached and how they behave.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{DeviceId, JobNumber};
use super::names::{DeviceName, ProcessName};
use super::separation::{HeaderPages, StartFf};
use super::state::{DeviceState, DeviceWish, ErrorNote, ProcessState};

/// When a device is opened and closed (fastp.md 3).
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
    /// How SPOOLCOM writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::On => "ON",
            Self::OffEach => "OFF !",
        }
    }
    /// From its stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Off, Self::On, Self::OffEach].into_iter().find(|e| e.word() == word)
    }
}

/// A device's address: where its bytes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceUri {
    /// `file:///path`: jobs are appended to a file.
    File(PathBuf),
    /// `socket://host:port`: a raw TCP connection; 9100 when no port is given.
    Socket {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// `null:`: bytes are read and thrown away.
    Null,
}

/// The port of raw printing, when a `socket://` URI names none.
pub const RAW_PORT: u16 = 9100;

impl FromStr for DeviceUri {
    type Err = String;

    /// Reads a URI. The path of `file://` is percent-decoded, must be absolute and without NUL and `..`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("URI '{}': {why}", text.escape_debug()));
        let Some((scheme, rest)) = text.split_once(':') else {
            return bad("has no scheme (file:///path, socket://host:port or null:)");
        };
        match scheme.to_ascii_lowercase().as_str() {
            "null" if rest.is_empty() || rest == "//" => Ok(Self::Null),
            "null" => bad("null: takes nothing after it"),
            "file" => {
                let Some(path) = rest.strip_prefix("//") else {
                    return bad("a file is written file:///path");
                };
                if !path.starts_with('/') {
                    return bad("a file is written file:///path, with an absolute path");
                }
                let path = match percent_decode(path) {
                    Some(path) if !path.contains('\0') => path,
                    _ => return bad("has a broken %-escape"),
                };
                if path.ends_with('/') || path.split('/').any(|part| part == "..") {
                    return bad("does not name a file");
                }
                Ok(Self::File(PathBuf::from(path)))
            }
            "socket" => {
                let Some(authority) = rest.strip_prefix("//") else {
                    return bad("a socket is written socket://host:port");
                };
                let authority = authority.strip_suffix('/').unwrap_or(authority);
                let (host, port) = match authority.strip_prefix('[') {
                    Some(rest) => match rest.split_once(']') {
                        Some((host, "")) => (host, None),
                        Some((host, port)) => (host, port.strip_prefix(':').or(Some("x"))),
                        None => return bad("has an unclosed '['"),
                    },
                    None => match authority.rsplit_once(':') {
                        Some((host, port)) => (host, Some(port)),
                        None => (authority, None),
                    },
                };
                let host_ok = !host.is_empty()
                    && host.len() <= 253
                    && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%'));
                if !host_ok || (host.contains(':') && !authority.starts_with('[')) {
                    return bad("has no usable host");
                }
                match port.map_or(Ok(RAW_PORT), str::parse) {
                    Ok(port) if port > 0 => Ok(Self::Socket { host: host.to_owned(), port }),
                    _ => bad("has no usable port (1 to 65535)"),
                }
            }
            _ => bad("its scheme is not one of file, socket, null"),
        }
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = text.get(i + 1..i + 3)?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}

impl fmt::Display for DeviceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null:"),
            Self::Socket { host, port } if host.contains(':') => {
                write!(f, "socket://[{host}]:{port}")
            }
            Self::Socket { host, port } => write!(f, "socket://{host}:{port}"),
            Self::File(path) => {
                f.write_str("file://")?;
                for c in path.to_string_lossy().chars() {
                    match c {
                        '%' | ' ' | '"' | '\'' | ',' | ';' | '#' | '?' => write!(f, "%{:02X}", u32::from(c))?,
                        c if c.is_control() => write!(f, "%{:02X}", u32::from(c))?,
                        c => write!(f, "{c}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl TryFrom<String> for DeviceUri {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeviceUri> for String {
    fn from(uri: DeviceUri) -> String {
        uri.to_string()
    }
}

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
    /// Order of arrival instead of short-first.
    pub fifo: bool,
    /// Seconds between retries of a retryable error: the floor of a growing wait.
    pub retry: u32,
    /// Number of retries before it gives up; −1 = never.
    pub timeout: i32,
    /// Header pages around text jobs.
    pub header: HeaderPages,
    /// Form feed at the beginning of a text job.
    pub startff: StartFf,
    /// Form feed at the end of a text job.
    pub endff: bool,
    /// Columns of header pages; −1 = not set, which means 132.
    pub width: i32,
    /// The 16-bit word handed to the print process.
    pub parm: u16,
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
            retry: 5,
            timeout: -1,
            header: HeaderPages::On,
            startff: StartFf::Off,
            endff: false,
            width: -1,
            parm: 0,
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
    /// PARM
    Parm(u16),
}

impl fmt::Display for DeviceChange {
    /// As SPOOLCOM writes it.
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
            Self::Retry(v) => write!(f, "RETRY {v}"),
            Self::Timeout(v) => write!(f, "TIMEOUT {v}"),
            Self::Header(v) => write!(f, "HEADER {}", v.word()),
            Self::StartFf(v) => write!(f, "STARTFF {}", v.word()),
            Self::EndFf(v) => write!(f, "ENDFF {}", on(v)),
            Self::Width(v) => write!(f, "WIDTH {v}"),
            Self::Parm(v) => write!(f, "PARM {v}"),
        }
    }
}

impl DeviceSettings {
    /// Applies one change.
    pub fn apply(&mut self, change: &DeviceChange) {
        match change.clone() {
            DeviceChange::Process(v) => self.process = Some(v),
            DeviceChange::Uri(v) => self.uri = Some(v),
            DeviceChange::Form(v) => self.form = v,
            DeviceChange::Speed(v) => self.speed = v,
            DeviceChange::Exclusive(v) => self.exclusive = v,
            DeviceChange::Fifo(v) => self.fifo = v,
            DeviceChange::Retry(v) => self.retry = v,
            DeviceChange::Timeout(v) => self.timeout = v,
            DeviceChange::Header(v) => self.header = v,
            DeviceChange::StartFf(v) => self.startff = v,
            DeviceChange::EndFf(v) => self.endff = v,
            DeviceChange::Width(v) => self.width = v,
            DeviceChange::Parm(v) => self.parm = v,
        }
    }
}

/// Checks a form name: up to 16 letters, digits and blanks (spoolcom.md 4).
///
/// # Errors
/// The reason, in words.
pub fn check_form(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > 16 || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        return Err(format!("'{}' is not a form name (up to 16 letters, digits and blanks)", text.escape_debug()));
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
    /// Document in print, from 1; 0 before the first byte.
    pub document: u32,
    /// How many documents it has.
    pub documents: u32,
    /// Copy in print, from 1.
    pub copy: u32,
    /// How many copies of that document are wanted.
    pub copies: u32,
    /// Octets of the whole job the transport has taken.
    pub octets: u64,
    /// Octets of the whole job, all copies.
    pub total_octets: u64,
    /// When the attempt began, wall clock.
    pub since_ms: i64,
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
    /// What follows.
    pub state: DeviceState,
    /// Whether it is open now, as last recorded.
    pub open: bool,
    /// How often it was opened since it was declared.
    pub opens: u64,
    /// The error it is in, or was last in while offline.
    pub error: Option<ErrorNote>,
    /// The job in print.
    pub running: Option<RunningJob>,
    /// Its print process.
    pub process_state: ProcessState,
    /// Entries waiting for it (on its locations and their groups), counted up to 1,001.
    pub waiting: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uris_read_and_print() {
        for text in ["file:///tmp/lp1.out", "socket://10.0.0.9:9100", "socket://[fe80::1]:9101", "null:"] {
            assert_eq!(text.parse::<DeviceUri>().unwrap().to_string(), text);
        }
        assert_eq!("socket://lp".parse::<DeviceUri>().unwrap().to_string(), "socket://lp:9100");
        let odd: DeviceUri = "file:///tmp/a%20b%2C".parse().unwrap();
        assert_eq!(odd, DeviceUri::File("/tmp/a b,".into()));
        assert_eq!(odd.to_string().parse::<DeviceUri>().unwrap(), odd);
    }

    #[test]
    fn bad_uris_say_why() {
        for bad in [
            "lp1",
            "file:lp1",
            "file://lp1",
            "file:///tmp/",
            "file:///a/../b",
            "file:///a%2",
            "socket:host",
            "socket://",
            "socket://h:0",
            "socket://h:99999",
            "socket://a b",
            "socket://[::1",
            "null:x",
            "http://x",
            "file:///a%00",
        ] {
            let why = bad.parse::<DeviceUri>().unwrap_err();
            assert!(why.starts_with("URI '"), "{why}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_uri_never_panics(text in ".{0,64}") {
            if let Ok(uri) = text.parse::<DeviceUri>() {
                prop_assert_eq!(uri.to_string().parse::<DeviceUri>().unwrap(), uri);
            }
        }
    }
}
