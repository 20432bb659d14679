//! Builds an entry from the values of a DEVICE entry and of the DEFAULTs before it, or reports what is wrong with it.

use std::time::Duration;

use super::attributes::{Role, TICK};
use super::entry::{AddressSource, Entry, GivenValue, Values};
use super::lexer::{Mistake, Position, shown};
use crate::fastp::device::connection_settings::CloseWait;
use crate::model::device::{DeviceUri, RAW_PORT};
use crate::model::near;

/// How an entry connects its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contype {
    None,
    Uri,
    File,
    Char,
    Fifo,
    Tcp,
}

impl Contype {
    const WORDS: [(&'static str, Self); 5] =
        [("NONE", Self::None), ("TCP/IP", Self::Tcp), ("FILE", Self::File), ("CHAR", Self::Char), ("FIFO", Self::Fifo)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, contype)| *contype == self).map_or("URI", |(word, _)| word)
    }

    fn is_path(self) -> bool {
        matches!(self, Self::File | Self::Char | Self::Fifo)
    }
}

/// Connections and protocols of the manual that we do not support.
const FOREIGN: [&str; 8] = ["TCP/IP-TELNET", "TELNET", "TTAP", "LEXMARK", "MICROPLEX", "LPD1179", "NETBIOS", "SMB"];

/// Builds an entry from its values.
pub struct EntryBuilder<'a> {
    own: &'a Values,
    defaults: &'a Values,
    /// Where the entry begins.
    at: Position,
    connection: Vec<Mistake>,
    mistakes: Vec<Mistake>,
    notes: Vec<Mistake>,
}

/// The result.
#[derive(Debug)]
pub struct BuiltEntry {
    /// The entry, if nothing is wrong with it.
    pub entry: Option<Entry>,
    /// Its CONTYPE or PROTOCOL is not supported. This comes first, whatever else is wrong: mending the rest would not
    /// help.
    pub connection: Vec<Mistake>,
    /// What else is wrong.
    pub mistakes: Vec<Mistake>,
    /// What has no effect.
    pub notes: Vec<Mistake>,
}

impl<'a> EntryBuilder<'a> {
    /// Starts an entry at `at` with these values.
    pub fn new(own: &'a Values, defaults: &'a Values, at: Position) -> Self {
        Self { own, defaults, at, connection: Vec::new(), mistakes: Vec::new(), notes: Vec::new() }
    }

    /// Returns the entry, or what is wrong with it.
    pub fn build(mut self) -> BuiltEntry {
        let entry = self.entry().filter(|_| self.connection.is_empty() && self.mistakes.is_empty());
        BuiltEntry { entry, connection: self.connection, mistakes: self.mistakes, notes: self.notes }
    }

    fn mistake(&mut self, at: Position, what: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, what));
    }

    /// Returns the value of an attribute: the entry's own, or a default.
    fn get(&self, name: &str) -> Option<&'a GivenValue> {
        self.own.get(name).or_else(|| self.defaults.get(name))
    }

    fn entry(&mut self) -> Option<Entry> {
        let own = self.own;
        for given in own.values() {
            if let Role::Foreign(process) = given.row.role {
                self.mistake(
                    given.at,
                    format!("{} belongs to {process}: not available in this version", given.row.name),
                );
            }
        }
        let contype = self.contype()?;
        self.belongs(contype);
        match contype {
            Contype::Tcp => self.tcp(),
            _ => self.plain(contype),
        }
    }

    fn contype(&mut self) -> Option<Contype> {
        let uri = self.own.get("URI");
        let given = match self.own.get("CONTYPE") {
            None if uri.is_some() => return Some(Contype::Uri),
            None => self.defaults.get("CONTYPE"),
            own => own,
        };
        let Some(given) = given else {
            if self.get("ADDRESS").is_some() {
                return Some(Contype::Tcp);
            }
            let missing = Mistake::new(self.at, "the entry has no CONTYPE");
            let hint = "CONTYPE = NONE, TCP/IP, FILE, CHAR or FIFO, or URI = address";
            self.mistakes.push(missing.hint(hint));
            return None;
        };
        let Some((_, contype)) = Contype::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(&given.value)) else {
            self.unknown(given, &Contype::WORDS.map(|(word, _)| word));
            return None;
        };
        match (contype, uri) {
            (Contype::None, Some(_)) => Some(Contype::Uri),
            (contype, Some(uri)) => {
                self.mistake(
                    uri.at,
                    format!("URI does not go with CONTYPE = {}: it stands instead of it", contype.word()),
                );
                None
            }
            (contype, None) => Some(*contype),
        }
    }

    fn unknown(&mut self, given: &GivenValue, words: &[&'static str]) {
        let (name, value) = (given.row.name, shown(&given.value));
        let mistake = if FOREIGN.iter().any(|word| word.eq_ignore_ascii_case(&given.value)) {
            Mistake::new(given.value_at, format!("{name} = {value}: not available in this version"))
                .hint(format!("available: {}", words.join(", ")))
        } else {
            let near = near(&given.value, words.iter().copied());
            let mistake = Mistake::new(given.value_at, format!("{name} is one of {}, not '{value}'", words.join(", ")));
            if near.is_empty() { mistake } else { mistake.hint(format!("did you mean {}?", near.join(", "))) }
        };
        self.connection.push(mistake);
    }

    /// Checks that each attribute belongs to this kind of connection. Defaults that do not are for other devices.
    fn belongs(&mut self, contype: Contype) {
        let own = self.own;
        for given in own.values() {
            let name = given.row.name;
            let wants = match given.row.role {
                Role::Path if !contype.is_path() => "CONTYPE = FILE, CHAR or FIFO",
                _ if given.row.tcp && contype != Contype::Tcp => "CONTYPE = TCP/IP",
                _ => "",
            };
            if !wants.is_empty() {
                self.mistake(
                    given.at,
                    format!("{name} does not go with {}: it belongs to {wants}", self.with(contype)),
                );
            } else if given.row.role == Role::Idle && !given.value.eq_ignore_ascii_case("NO") {
                self.notes.push(Mistake::new(given.at, format!("{name} has no effect in this version")));
            }
        }
    }

    fn with(&self, contype: Contype) -> String {
        match contype {
            Contype::Uri => "URI".into(),
            other => format!("CONTYPE = {}", other.word()),
        }
    }

    /// Returns a number, if the attribute is there. It was checked when it was read.
    fn number(&mut self, name: &str) -> Option<u64> {
        let given = self.get(name)?;
        match given.row.number(&given.value) {
            Ok(number) => Some(number),
            Err(what) => {
                self.mistake(given.value_at, what);
                None
            }
        }
    }

    fn ticks(&mut self, name: &str) -> Option<Duration> {
        self.number(name).map(|ticks| TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    fn plain(&mut self, contype: Contype) -> Option<Entry> {
        let address = match contype {
            Contype::None | Contype::Tcp => AddressSource::Own,
            Contype::Uri => {
                let given = self.own.get("URI")?;
                match given.value.parse::<DeviceUri>() {
                    Ok(DeviceUri::Awaiting(uri)) => {
                        self.mistake(given.value_at, format!("URI '{}': {}", shown(&given.value), uri.awaits()));
                        return None;
                    }
                    Ok(uri) => AddressSource::To(uri),
                    Err(why) => {
                        self.mistake(given.value_at, why);
                        return None;
                    }
                }
            }
            Contype::File | Contype::Char | Contype::Fifo => {
                let Some(given) = self.own.get("PATH") else {
                    self.mistake(self.at, format!("CONTYPE = {} needs PATH = /path", contype.word()));
                    return None;
                };
                let path = &given.value;
                if !path.starts_with('/')
                    || path.ends_with('/')
                    || path.split('/').any(|part| matches!(part, "." | ".."))
                {
                    self.mistake(given.value_at, format!("PATH is an absolute path of a file, not '{}'", shown(path)));
                    return None;
                }
                AddressSource::To(match contype {
                    Contype::Char => DeviceUri::Char(path.into()),
                    Contype::Fifo => DeviceUri::Fifo(path.into()),
                    _ => DeviceUri::File(path.into()),
                })
            }
        };
        let mut entry = Entry::new(address);
        entry.io_limit = self.number("TIMEOUT").filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Some(entry)
    }

    fn tcp(&mut self) -> Option<Entry> {
        let jetdirect = match self.get("PROTOCOL") {
            None => false,
            Some(given) if given.value.eq_ignore_ascii_case("NONE") => false,
            Some(given) if given.value.eq_ignore_ascii_case("HPJETDIRECT") => true,
            Some(given) => {
                self.unknown(given, &["NONE", "HPJETDIRECT"]);
                return None;
            }
        };
        let port = match self.number("PORT") {
            Some(port) => u16::try_from(port).ok(),
            None if jetdirect => Some(RAW_PORT),
            None => {
                if self.get("PORT").is_none() {
                    self.mistake(self.at, "CONTYPE = TCP/IP with PROTOCOL = NONE needs PORT = number");
                }
                None
            }
        };
        let host = self.host();
        let mut entry = Entry::new(AddressSource::To(DeviceUri::Socket { host: host?, port: port? }));
        entry.io_limit = self.ticks("TIMEOUT").filter(|limit| !limit.is_zero());
        entry.close_wait = match self.number("SHUTDOWNTO") {
            None => CloseWait::Usual,
            Some(ticks) if jetdirect => CloseWait::Required(TICK * u32::try_from(ticks.max(100)).unwrap_or(u32::MAX)),
            Some(0) => CloseWait::None,
            Some(ticks) => CloseWait::Required(TICK * u32::try_from(ticks).unwrap_or(u32::MAX)),
        };
        if let (CloseWait::Required(_), Some(given)) = (entry.close_wait, self.get("SHUTDOWNTO")) {
            let what = "a printer that does not close the connection within SHUTDOWNTO gets its jobs again, until its \
                        device stops";
            self.notes.push(Mistake::new(given.at, what).hint("one job tells whether it closes"));
        }
        if jetdirect {
            self.jetdirect();
        } else {
            entry.refused_every = self.ticks("POLLINT").unwrap_or(TICK * 100);
            entry.refused_tries = self.number("POLLNUM").and_then(|n| u32::try_from(n).ok()).unwrap_or(10);
            entry.slow_pace = self.ticks("SLOWPACE").unwrap_or_default();
        }
        Some(entry)
    }

    /// Notes what is not done for a JetDirect printer.
    fn jetdirect(&mut self) {
        if let Some(protocol) = self.get("PROTOCOL") {
            let what = "the printer is not asked by SNMP whether it has printed: the end of a job is what TCP tells";
            self.notes.push(Mistake::new(protocol.at, format!("PROTOCOL = HPJETDIRECT: {what}")));
        }
        for name in ["POLLINT", "POLLNUM", "SLOWPACE"] {
            if let Some(given) = self.own.get(name) {
                let what = format!("{name} has no effect with PROTOCOL = HPJETDIRECT in this version");
                self.notes.push(Mistake::new(given.at, what));
            }
        }
    }

    fn host(&mut self) -> Option<String> {
        let Some(given) = self.get("ADDRESS") else {
            self.mistake(self.at, "CONTYPE = TCP/IP needs ADDRESS = address or host name");
            return None;
        };
        let host = given.value.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&given.value);
        let authority = if host.contains(':') { format!("socket://[{host}]:1") } else { format!("socket://{host}:1") };
        let named = match authority.parse() {
            Ok(DeviceUri::Socket { host, .. }) => Some(host),
            _ => None,
        };
        if named.is_none() {
            let what = format!("ADDRESS is an address or a host name, not '{}'", shown(&given.value));
            let mistake = Mistake::new(given.value_at, what);
            let behind = given.value.contains(':');
            self.mistakes.push(if behind { mistake.hint("the port is given with PORT = number") } else { mistake });
        }
        named
    }
}
