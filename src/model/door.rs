//! Doors: where other systems hand in jobs in a language of their own (LPD, IPP, a raw port, a directory).
//!
//! A door is an object that is only kept ([`super::object::ObjectClass::Door`]); [`DoorSettings`] is what its attributes mean. The
//! server starts a process for each door. Between the two travel the values of this file, with open files beside them: the
//! process has no other way to the spool.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::field::Value;
use super::job::Format;
use super::names::ObjectName;
use super::object::ObjectAttribute;

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
    pub link: Option<super::job::RawPath>,
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
        password: super::station::Password,
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
    Lives(super::state::JobState),
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
    pub reasons: super::state::HoldReasons,
    /// Why it does not print, the most decisive cause first; none where it was not looked for.
    pub why: Vec<super::why::Cause>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, values: &[&str]) -> ObjectAttribute {
        ObjectAttribute { name: name.into(), values: values.iter().map(|v| Value::Text((*v).into())).collect() }
    }

    fn settings(attributes: &[ObjectAttribute]) -> Result<DoorSettings, Failure> {
        DoorSettings::of(&"d1".parse().unwrap(), attributes)
    }

    #[test]
    fn networks_hold_the_addresses_that_begin_alike() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.1.0.0/16", "10.1.255.3") && !holds("10.1.0.0/16", "10.2.0.1"));
        assert!(holds("10.1.2.3", "10.1.2.3") && !holds("10.1.2.3", "10.1.2.4"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"), "an IPv4 address that came as an IPv6 one");
        assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1") && holds("::/0", "fe80::1"));
        for wrong in ["", "10.1", "10.1.2.3/33", "fd00::/129", "x/8", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_door_to_the_network_says_who_may_come() {
        let lpd = text("door-kind", &["lpd"]);
        let here = settings(&[lpd.clone(), text("door-listen", &["127.0.0.1:515"])]).unwrap();
        assert!(here.admits("127.0.0.9".parse().unwrap()) && !here.admits("10.0.0.1".parse().unwrap()));
        let open = settings(&[lpd.clone(), text("door-listen", &["0.0.0.0:515"])]).unwrap_err();
        assert!(open.hints[0].contains("--allow"), "{open:?}");
        let named = [lpd.clone(), text("door-listen", &["0.0.0.0:515"]), text("door-allow", &["10.0.0.0/8"])];
        let named = settings(&named).unwrap();
        assert!(named.admits("10.0.0.1".parse().unwrap()) && !named.admits("127.0.0.1".parse().unwrap()));
        assert!(!named.trusts("10.0.0.1".parse().unwrap()));
        assert!(settings(&[lpd]).is_err());
    }

    #[test]
    fn what_a_kind_cannot_have_is_refused() {
        let raw = |more: &[ObjectAttribute]| {
            let own = [text("door-kind", &["raw"]), text("door-listen", &["9100"])];
            settings(&[&own, more].concat())
        };
        assert_eq!(raw(&[text("door-destination", &["g.d"])]).unwrap().to[0].destination, "g.d");
        assert!(raw(&[]).is_err());
        assert!(raw(&[text("door-destination", &["x=g.d"])]).is_err());
        assert!(raw(&[text("door-destination", &["a", "b"])]).is_err());
        assert!(raw(&[text("door-destination", &["a"]), text("door-marker", &[".ok"])]).is_err());
        let dir = |path| {
            settings(&[text("door-kind", &["dir"]), text("door-directory", &[path]), text("door-destination", &["a"])])
        };
        assert!(dir("/in").is_ok() && dir("in").is_err());
        assert!("smb".parse::<DoorKind>().is_err());
        let ipp = [text("door-kind", &["ipp"]), text("door-listen", &["631"])];
        assert_eq!(settings(&ipp).unwrap().kind, DoorKind::Ipp);
        assert!(settings(&[&ipp[..], &[text("door-end-mark", &["x"])]].concat()).is_err());
    }

    #[test]
    fn only_what_is_reached_from_the_network_is_announced() {
        let door = |kind: &str, listen: &str| {
            let own = [text("door-kind", &[kind]), text("door-listen", &[listen]), text("door-allow", &["10.0.0.0/8"])];
            settings(&[&own[..], &[ObjectAttribute::of("door-dns-sd", Value::Boolean(true))]].concat())
        };
        assert!(door("ipp", "0.0.0.0:631").unwrap().dns_sd && door("lpd", "10.0.0.1:515").unwrap().dns_sd);
        for listen in ["127.0.0.1:631", "631", "unix:/run/pd/ipp"] {
            assert!(door("ipp", listen).unwrap_err().message.contains("reached"), "{listen}");
        }
    }

    #[test]
    fn a_certificate_is_two_files_or_one_of_its_own_and_only_ipp_has_one() {
        let door = |kind: &str, more: &[ObjectAttribute]| {
            let own = [text("door-kind", &[kind]), text("door-listen", &["6310"])];
            settings(&[&own, more].concat()).map(|settings| settings.certificate)
        };
        let (cert, key) = (text("door-tls-cert", &["/c"]), text("door-tls-key", &["/k"]));
        let own = ObjectAttribute::of("door-tls", Value::Boolean(true));
        let files = DoorCertificate::Files { certificate: "/c".into(), key: "/k".into() };
        assert_eq!(door("ipp", &[cert.clone(), key.clone()]).unwrap(), Some(files.clone()));
        assert_eq!(door("ipp", &[cert.clone(), key.clone(), own.clone()]).unwrap(), Some(files));
        assert_eq!(door("ipp", std::slice::from_ref(&own)).unwrap(), Some(DoorCertificate::Own));
        assert_eq!(door("ipp", &[]).unwrap(), None);
        assert!(door("ipp", &[cert]).is_err() && door("ipp", &[key, own.clone()]).is_err());
        assert!(door("lpd", &[own]).unwrap_err().message.contains("only ipp"));
    }

    #[test]
    fn people_log_on_over_tls_alone_and_a_certificate_names_them_by_one_rule() {
        let door = |more: &[ObjectAttribute]| {
            let own = [text("door-kind", &["ipp"]), text("door-listen", &["6310"])];
            settings(&[&own, more].concat()).map(|settings| settings.log_on)
        };
        let tls = ObjectAttribute::of("door-tls", Value::Boolean(true));
        let pam = ObjectAttribute::of("door-pam", Value::Boolean(true));
        let ca = text("door-client-ca", &["/ca"]);
        assert!(door(std::slice::from_ref(&pam)).unwrap_err().message.contains("over TLS alone"));
        assert!(door(std::slice::from_ref(&ca)).unwrap_err().message.contains("over TLS alone"));
        assert!(door(&[tls.clone(), pam.clone()]).unwrap().is_required());
        let optional = door(&[tls.clone(), pam, text("door-log-on", &["optional"])]).unwrap();
        assert!(optional.is_possible() && !optional.is_required());
        assert!(!door(std::slice::from_ref(&tls)).unwrap().is_required());
        let clients = |more: &[ObjectAttribute]| door(&[&[tls.clone(), ca.clone()], more].concat());
        assert_eq!(clients(&[]).unwrap().clients.unwrap().name, ClientName::CommonName);
        assert_eq!(clients(&[text("door-client-name", &["email"])]).unwrap().clients.unwrap().name, ClientName::Email);
        assert!(clients(&[text("door-client-name", &["uid"])]).is_err());
        assert!(clients(&[text("door-log-on", &["perhaps"])]).is_err());
        assert!(door(&[tls, text("door-client-crl", &["/crl"])]).unwrap_err().hints[0].contains("--client-ca"));
        assert!(!format!("{:?}", DoorLogin("word".into())).contains("word"));
    }

    #[test]
    fn a_socket_of_this_machine_is_for_ipp_alone_and_has_its_whole_path() {
        let door = |kind: &str, places: &[&str]| settings(&[text("door-kind", &[kind]), text("door-listen", places)]);
        assert!(door("ipp", &["unix:/run/pd/ipp", "631"]).is_ok());
        let place: DoorPlace = "unix:/run/pd/ipp".parse().unwrap();
        assert_eq!(place, DoorPlace::Socket("/run/pd/ipp".into()));
        let long = format!("unix:/{}", "x".repeat(MAX_SOCKET));
        for wrong in ["unix:", "unix:run/x", "unix:/", "unix:/run/", "unix:/a\nb", &long] {
            assert!(door("ipp", &[wrong]).is_err(), "{wrong}");
        }
        assert!(door("lpd", &["unix:/run/pd/lpd"]).unwrap_err().message.contains("only ipp"));
    }

    #[test]
    fn end_marks_are_octets() {
        assert_eq!(end_mark("^XZ").unwrap(), b"^XZ");
        assert_eq!(end_mark("\\x04\\e\\r\\n\\\\").unwrap(), b"\x04\x1b\r\n\\");
        for wrong in ["", "\\", "\\q", "\\x4", "\\xzz", "\\x\u{e4}"] {
            assert!(end_mark(wrong).is_err(), "{wrong}");
        }
    }
}
