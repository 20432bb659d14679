//! Doors: where other systems hand in jobs in a language of their own (LPD, IPP, a raw port, a directory).
//!
//! A door is an object that is only kept ([`super::object::ObjectClass::Door`]); [`DoorSettings`] is what its attributes mean. The
//! server starts a process for each door. Between the two travel the values of [`language`], with open files beside them: the
//! process has no other way to the spool.

pub mod language;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::field::Value;
use super::names::ObjectName;
use super::object::ObjectAttribute;

pub use language::*;

/// A kind of door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorKind {
    /// A line printer daemon (RFC 1179).
    Lpd,
    /// The Internet Printing Protocol (RFC 8010, RFC 8011).
    Ipp,
    /// A port that takes the octets of one job a connection (9100).
    Raw,
    /// A directory whose files are jobs.
    Directory,
}

impl DoorKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lpd, Self::Ipp, Self::Raw, Self::Directory];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lpd => "lpd",
            Self::Ipp => "ipp",
            Self::Raw => "raw",
            Self::Directory => "directory",
        }
    }
}

impl fmt::Display for DoorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for DoorKind {
    type Err = Failure;
    fn from_str(word: &str) -> Result<Self, Failure> {
        let word = word.to_ascii_lowercase();
        let found =
            Self::ALL.into_iter().find(|kind| kind.word() == word || (*kind == Self::Directory && word == "dir"));
        found.ok_or_else(|| {
            bad(format!("{}: there is no such kind of door", shown(&word))).hint("kinds are lpd, ipp, raw and dir")
        })
    }
}

/// A range of addresses: those that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// An IPv4 address that arrived as an IPv6 one is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Network {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shared = |a: u128, b: u128, width: u32| {
            let kept = u32::from(self.bits);
            kept == 0 || (a ^ b) >> (width - kept.min(width)) == 0
        };
        match (plain(self.address), plain(address)) {
            (IpAddr::V4(a), IpAddr::V4(b)) => shared(u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            bad(format!("{}: that is no address and no network", shown(text)))
                .hint("they are written 10.1.2.3, 10.1.0.0/16 or fd00::/8")
        };
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
        if bits > width {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

/// Where the jobs of a door go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorTarget {
    /// The name by which the sender asks for it; `*` = any name that has no other meaning; none = its own name.
    pub alias: Option<String>,
    /// The destination, as for `-d`.
    pub destination: String,
}

impl FromStr for DoorTarget {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let (alias, destination) = match text.split_once('=') {
            Some((alias, destination)) => (Some(alias.trim().to_owned()), destination.trim()),
            None => (None, text.trim()),
        };
        if destination.is_empty() || alias.as_ref().is_some_and(String::is_empty) {
            return Err(
                bad(format!("{}: a destination is missing", shown(text))).hint("it is written DEST, or NAME=DEST")
            );
        }
        Ok(Self { alias, destination: destination.to_owned() })
    }
}

/// What is done about a job that may be the repetition of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Duplicates {
    /// It prints, and it is said.
    Announce,
    /// It is held until an operator starts it.
    Hold,
}

/// Where the certificate of a door comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DoorCertificate {
    /// From these files of the server, in the form of PEM.
    Files {
        /// The certificate, and those of its issuers.
        certificate: String,
        /// Its key.
        key: String,
    },
    /// The server makes one itself.
    Own,
}

/// Words for what of a client's certificate names its user.
pub const CLIENT_NAMES: &[&str] = &["cn", "email", "dns"];

/// What of a client's certificate names its user: the whole of it, and never a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientName {
    /// The one common name of its subject.
    CommonName,
    /// The one mail address among its alternative names.
    Email,
    /// The one DNS name among them.
    Dns,
}

/// Which certificates let people log on at a door, and who they are then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorClients {
    /// The file of the authorities that issue them, in the form of PEM.
    pub authorities: String,
    /// The file of the lists of those that were revoked.
    pub revoked: Option<String>,
    /// What names the user.
    pub name: ClientName,
}

/// Words for whether people have to log on.
pub const LOG_ONS: &[&str] = &["required", "optional"];

/// How people log on at a door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorLogOn {
    /// With the password of an account, over TLS.
    pub pam: bool,
    /// With a certificate.
    pub clients: Option<DoorClients>,
    /// Whether whoever does not is as before, and not sent away.
    pub optional: bool,
}

impl DoorLogOn {
    /// Whether people can.
    pub fn is_possible(&self) -> bool {
        self.pam || self.clients.is_some()
    }

    /// Whether they have to.
    pub fn is_required(&self) -> bool {
        self.is_possible() && !self.optional
    }
}

/// Why the certificate of a client lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientFault {
    /// Its time is over, or has not begun.
    Expired,
    /// It was revoked.
    Revoked,
    /// None of the authorities has issued it.
    Foreign,
    /// Nobody is named as the door wants it.
    Nameless,
    /// Something else is wrong with it.
    Other(String),
}

impl fmt::Display for ClientFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("its time is over, or has not begun"),
            Self::Revoked => f.write_str("it was revoked"),
            Self::Foreign => f.write_str("no authority of this door has issued it"),
            Self::Nameless => f.write_str("it names nobody who may log on, as this door looks for the name"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The certificate of a client, and the proof that it has the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientProof {
    /// The certificate, and those of its issuers, in the form of DER.
    pub chain: Vec<Vec<u8>>,
    /// The scheme of TLS of the signature.
    pub scheme: u16,
    /// What was signed.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What stands for somebody who has logged on at a door: a word that nobody guesses, and behind the server his name.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DoorLogin(pub String);

impl fmt::Debug for DoorLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoorLogin(..)")
    }
}

/// What the process of a door needs of its certificate. The key stays with the server, which signs for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorTls {
    /// The certificate, and those of its issuers, in the form of DER.
    pub chain: Vec<Vec<u8>>,
    /// The schemes of TLS with which its key signs.
    pub schemes: Vec<u16>,
    /// The names of the authorities whose certificates clients may have, in the form of DER; none = they are not asked for one.
    #[serde(default)]
    pub authorities: Option<Vec<Vec<u8>>>,
}

/// What the attributes of a door mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorSettings {
    /// Its name.
    pub name: ObjectName,
    /// Its kind.
    pub kind: DoorKind,
    /// The addresses where it listens.
    pub listen: Vec<String>,
    /// The directory that it watches.
    pub directory: Option<String>,
    /// Where its jobs go.
    pub to: Vec<DoorTarget>,
    /// Who may connect; none = the machine itself.
    pub allow: Vec<Network>,
    /// From where the name of a user is believed.
    pub trust: Vec<Network>,
    /// Whether it takes no jobs.
    pub drained: bool,
    /// Octets of the largest job.
    pub most_octets: Option<u64>,
    /// Connections at a time.
    pub most_connections: u64,
    /// Of one address.
    pub most_of_peer: u64,
    /// Connections a minute of one address.
    pub rate: Option<u64>,
    /// Seconds that a sender may be silent.
    pub patience: u64,
    /// What is done about possible duplicates.
    pub duplicates: Duplicates,
    /// Whether a sender's wish for a banner counts.
    pub banner: bool,
    /// Whether only programs of an administrator are believed: their port is below 1024.
    pub reserved_ports: bool,
    /// Raw: seconds of silence that end a job; none = only the sender ends it.
    pub idle: Option<u64>,
    /// Raw: octets that end a job.
    pub end_marks: Vec<Vec<u8>>,
    /// Raw: whether the first questions of drivers are answered.
    pub back_channel: bool,
    /// Directory: seconds that a file must be left alone after its writer has closed it.
    pub settle: u64,
    /// Directory: seconds between two looks where nothing tells of changes.
    pub poll: u64,
    /// Directory: the end of the name of the file that says that another one is complete.
    pub marker: Option<String>,
    /// Directory: whether files are used where they are, as with `pdpr -l`, and left there.
    pub link: bool,
    /// IPP: the certificate with which it speaks TLS to whoever begins so; none = it does not.
    #[serde(default)]
    pub certificate: Option<DoorCertificate>,
    /// Whether its destinations are announced on the local network.
    #[serde(default)]
    pub dns_sd: bool,
    /// IPP: how people log on.
    #[serde(default)]
    pub log_on: DoorLogOn,
}

/// The address of a place to listen at: `ADDR:PORT`, `[ADDR]:PORT`, or a port alone, which is one of this machine alone.
///
/// # Errors
/// `BadValue` when it is none.
pub fn listening_address(text: &str) -> Result<std::net::SocketAddr, Failure> {
    let wrong = || {
        bad(format!("{}: that is no address to listen at", shown(text))).hint("it is written ADDR:PORT, as 0.0.0.0:515")
    };
    if let Ok(port) = text.parse::<u16>() {
        return Ok((std::net::Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| wrong())
}

/// A place where a door listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorPlace {
    /// An address.
    Address(std::net::SocketAddr),
    /// A socket in the file system of this machine.
    Socket(std::path::PathBuf),
}

/// Octets of the longest path of a socket that its callers can name.
const MAX_SOCKET: usize = 107;

impl FromStr for DoorPlace {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        let Some(path) = text.strip_prefix("unix:") else {
            return listening_address(text)
                .map(Self::Address)
                .map_err(|failure| failure.hint("unix:/PATH is a socket of this machine, for doors of kind ipp"));
        };
        let wrong = |why: &str| Err(bad(format!("{}: {why}", shown(text))));
        if !path.starts_with('/') || path.ends_with('/') || path.chars().any(char::is_control) {
            return wrong("a socket has its whole path, as unix:/run/pd/ipp");
        }
        if path.len() > MAX_SOCKET {
            return wrong("the path of a socket has at most 107 octets");
        }
        Ok(Self::Socket(path.into()))
    }
}

/// The octets that a text stands for: `\xHH`, `\r`, `\n`, `\e` and `\\` are one each.
///
/// # Errors
/// `BadValue` for another backslash.
pub fn end_mark(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || {
        bad(format!("{}: that is no end mark", shown(text)))
            .hint("it is written as ^XZ or \\x04; \\r, \\n, \\e and \\\\ are known too")
    };
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let (kind, after) = rest.split_first().ok_or_else(wrong)?;
        rest = after;
        match kind {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b'e' => out.push(0x1b),
            b'\\' => out.push(b'\\'),
            b'x' => {
                let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok()).ok_or_else(wrong)?;
                out.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
                rest = rest.get(2..).unwrap_or_default();
            }
            _ => return Err(wrong()),
        }
    }
    if out.is_empty() || out.len() > MAX_MARK { Err(wrong()) } else { Ok(out) }
}

/// Octets of the longest end mark.
pub const MAX_MARK: usize = 64;

fn bad(message: String) -> Failure {
    Failure::new(FailureKind::BadValue, message)
}

fn shown(word: &str) -> String {
    super::printable::escaped(&word.chars().take(80).collect::<String>())
}

impl DoorSettings {
    /// What these attributes mean.
    ///
    /// # Errors
    /// `BadValue` for what no door can have.
    pub fn of(name: &ObjectName, attributes: &[ObjectAttribute]) -> Result<Self, Failure> {
        let values = |name: &str| {
            let found = attributes.iter().find(|attribute| attribute.name == name);
            found.map(|attribute| attribute.values.as_slice()).unwrap_or_default()
        };
        let texts = |name: &str| -> Vec<&str> {
            values(name)
                .iter()
                .filter_map(|value| match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect()
        };
        let text = |name: &str| texts(name).first().copied();
        let count = |name: &str| match values(name).first() {
            Some(Value::Integer(n)) => u64::try_from(*n).ok(),
            _ => None,
        };
        let is_set = |name: &str| values(name).first() == Some(&Value::Boolean(true));
        let kind: DoorKind = text("door-kind").unwrap_or_default().parse()?;
        let networks = |name: &str| texts(name).into_iter().map(str::parse).collect::<Result<Vec<Network>, _>>();
        let settings = Self {
            name: name.clone(),
            kind,
            listen: texts("door-listen").into_iter().map(str::to_owned).collect(),
            directory: text("door-directory").map(str::to_owned),
            to: texts("door-destination").into_iter().map(str::parse).collect::<Result<_, _>>()?,
            allow: networks("door-allow")?,
            trust: networks("door-trust-users")?,
            drained: text("door-wish") == Some(DRAINED),
            most_octets: count("door-max-octets"),
            most_connections: count("door-max-connections").unwrap_or(1_000),
            most_of_peer: count("door-max-per-peer").unwrap_or(100),
            rate: count("door-rate"),
            patience: count("door-timeout").unwrap_or(60).max(1),
            duplicates: match text("door-duplicates") {
                None | Some("announce") => Duplicates::Announce,
                Some("hold") => Duplicates::Hold,
                Some(other) => {
                    return Err(bad(format!("{}: possible duplicates are announced, or on hold", shown(other))));
                }
            },
            banner: is_set("door-banner"),
            reserved_ports: is_set("door-require-reserved"),
            idle: match count("door-idle") {
                Some(0) => None,
                Some(seconds) => Some(seconds),
                None => Some(60),
            },
            end_marks: texts("door-end-mark").into_iter().map(end_mark).collect::<Result<_, _>>()?,
            back_channel: is_set("door-back-channel"),
            settle: count("door-settle").unwrap_or(2),
            poll: count("door-poll").unwrap_or(30).max(1),
            marker: text("door-marker").map(str::to_owned),
            link: is_set("door-link"),
            certificate: match (text("door-tls-cert"), text("door-tls-key"), is_set("door-tls")) {
                (Some(certificate), Some(key), _) => {
                    Some(DoorCertificate::Files { certificate: certificate.to_owned(), key: key.to_owned() })
                }
                (None, None, own) => own.then_some(DoorCertificate::Own),
                _ => {
                    return Err(bad("a certificate and its key are two files, and both are named".to_owned())
                        .hint("--tls-cert FILE --tls-key FILE, or --tls true for a certificate of the door's own"));
                }
            },
            dns_sd: is_set("door-dns-sd"),
            log_on: DoorLogOn {
                pam: is_set("door-pam"),
                clients: match (text("door-client-ca"), text("door-client-crl"), text("door-client-name")) {
                    (Some(authorities), revoked, name) => Some(DoorClients {
                        authorities: authorities.to_owned(),
                        revoked: revoked.map(str::to_owned),
                        name: match name {
                            None | Some("cn") => ClientName::CommonName,
                            Some("email") => ClientName::Email,
                            Some("dns") => ClientName::Dns,
                            Some(other) => {
                                return Err(bad(format!(
                                    "{}: a certificate names its user by cn, email or dns",
                                    shown(other)
                                )));
                            }
                        },
                    }),
                    (None, None, None) => None,
                    (None, ..) => {
                        return Err(bad("certificates of clients need the file of their authority".to_owned())
                            .hint("--client-ca FILE"));
                    }
                },
                optional: match text("door-log-on") {
                    None | Some("required") => false,
                    Some("optional") => true,
                    Some(other) => {
                        return Err(bad(format!("{}: to log on is required, or optional", shown(other))));
                    }
                },
            },
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Failure> {
        let places = self.listen.iter().map(|text| text.parse()).collect::<Result<Vec<DoorPlace>, _>>()?;
        match self.kind {
            DoorKind::Lpd | DoorKind::Ipp | DoorKind::Raw => {
                if places.is_empty() {
                    return Err(bad(format!("a door of kind {} needs an address to listen at", self.kind))
                        .hint("--listen ADDR:PORT"));
                }
                if self.kind != DoorKind::Ipp && places.iter().any(|place| matches!(place, DoorPlace::Socket(_))) {
                    return Err(bad(format!(
                        "a door of kind {} listens at addresses: only ipp has sockets",
                        self.kind
                    )));
                }
                let is_open = |place: &&DoorPlace| match place {
                    DoorPlace::Address(address) => !plain(address.ip()).is_loopback(),
                    DoorPlace::Socket(_) => false,
                };
                // Who may come is said, not guessed.
                if self.allow.is_empty()
                    && let Some(DoorPlace::Address(open)) = places.iter().find(is_open)
                {
                    return Err(bad(format!("{open}: who may connect there?"))
                        .hint("--allow 10.1.0.0/16 names a network; --allow 0.0.0.0/0 is everybody"));
                }
            }
            DoorKind::Directory => match &self.directory {
                Some(path) if path.starts_with('/') => {}
                _ => {
                    return Err(bad("a door of kind directory needs the whole path of its directory".to_owned())
                        .hint("--directory /PATH"));
                }
            },
        }
        let single = matches!(self.kind, DoorKind::Raw | DoorKind::Directory);
        if single && (self.to.len() != 1 || self.to.iter().any(|target| target.alias.is_some())) {
            return Err(bad(format!("a door of kind {} has one destination", self.kind)).hint("--to DEST"));
        }
        if self.kind != DoorKind::Directory && (self.link || self.marker.is_some()) {
            return Err(bad("only a directory has markers, and files that are used where they are".to_owned()));
        }
        if self.kind != DoorKind::Ipp && self.certificate.is_some() {
            return Err(bad(format!("a door of kind {} speaks no TLS: only ipp does", self.kind)));
        }
        let is_reached = |place: &DoorPlace| match place {
            DoorPlace::Address(address) => !plain(address.ip()).is_loopback(),
            DoorPlace::Socket(_) => false,
        };
        if self.dns_sd && !places.iter().any(is_reached) {
            return Err(bad("what is announced on the network has to be reached from there".to_owned())
                .hint("--dns-sd true goes with --listen ADDR:PORT of a network, and not of this machine alone"));
        }
        if self.log_on.is_possible() && self.certificate.is_none() {
            return Err(bad("people log on over TLS alone, and this door speaks none".to_owned())
                .hint("--tls true gives it a certificate of its own;  --tls-cert FILE --tls-key FILE another one"));
        }
        if self.kind != DoorKind::Raw && (!self.end_marks.is_empty() || self.back_channel) {
            return Err(bad("only a raw port has end marks and a back channel".to_owned()));
        }
        Ok(())
    }

    /// Whether somebody at `address` may come in.
    pub fn admits(&self, address: IpAddr) -> bool {
        if self.allow.is_empty() {
            plain(address).is_loopback()
        } else {
            self.allow.iter().any(|network| network.contains(address))
        }
    }

    /// Whether the name of a user that comes from `address` is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trust.iter().any(|network| network.contains(address))
    }
}

/// What an operator wants of a door that takes no jobs.
pub const DRAINED: &str = "drained";
/// What an operator wants of a door that takes jobs.
pub const STARTED: &str = "started";
