//! The addresses of devices.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::printable::is_harmful;

/// The path of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePath {
    /// The path itself, absolute.
    pub path: PathBuf,
    /// Whether the operator knows that others can write to its directory: `?shared=yes`.
    pub shared: bool,
}

impl<P: Into<PathBuf>> From<P> for DevicePath {
    fn from(path: P) -> Self {
        Self { path: path.into(), shared: false }
    }
}

/// The address of a device, to which its octets go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceUri {
    /// `file:///path`: jobs are appended to a file.
    File(DevicePath),
    /// `char:///path`: a character device, such as a serial line or a parallel port.
    Char(DevicePath),
    /// `fifo:///path`: a named pipe that a program reads.
    Fifo(DevicePath),
    /// `socket://host:port`: a raw TCP connection; 9100 when no port is given.
    Socket {
        /// Name or address. An IPv6 address has no brackets here, and its zone follows a plain `%`.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// `null:`: octets are read and thrown away.
    Null,
    /// `lpd://`, `ipp://`, `ipps://`: an address that is kept until this spooler can speak its protocol. Its device can be
    /// declared and collects jobs; it cannot be started.
    Awaiting(AwaitingUri),
}

/// An address whose protocol has no transport in this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitingUri {
    scheme: &'static str,
    /// What follows `scheme://`.
    rest: String,
}

/// The protocols whose addresses are kept.
const AWAITED: [&str; 3] = ["lpd", "ipp", "ipps"];

impl AwaitingUri {
    /// Returns its protocol.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Reads what follows `scheme:`.
    fn read(scheme: &'static str, rest: &str) -> Result<Self, String> {
        let written = format!("is written {scheme}://host/queue");
        let rest = rest.strip_prefix("//").ok_or(written.clone())?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("holds a user or a password: those are no part of an address here".to_owned());
        }
        let usable = |c: char| c.is_ascii_alphanumeric() || "-._~:/?[]*+=&%".contains(c);
        if rest.len() > 1_000 || !rest.chars().all(usable) {
            return Err("holds characters that are written %XX in an address, or is too long".to_owned());
        }
        // A socket has the same hosts and ports.
        match socket(&format!("//{authority}")) {
            Ok(_) => Ok(Self { scheme, rest: rest.to_owned() }),
            Err(why) => Err(format!("{why}; it {written}")),
        }
    }

    /// Says that there is no transport for it.
    pub fn awaits(&self) -> String {
        format!("{} has no transport in this version", self.scheme)
    }
}

impl DeviceUri {
    /// Returns the address whose protocol has no transport, if it is one.
    pub fn awaiting(&self) -> Option<&AwaitingUri> {
        match self {
            Self::Awaiting(uri) => Some(uri),
            _ => None,
        }
    }

    /// Returns the path of a file, character device or pipe.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Char(path) | Self::Fifo(path) => Some(&path.path),
            Self::Socket { .. } | Self::Null | Self::Awaiting(_) => None,
        }
    }
    fn scheme(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Char(_) => "char",
            Self::Fifo(_) => "fifo",
            Self::Socket { .. } => "socket",
            Self::Null => "null",
            Self::Awaiting(uri) => uri.scheme,
        }
    }
}

/// The port of raw printing, for a `socket://` URI that names none.
pub const RAW_PORT: u16 = 9100;

impl FromStr for DeviceUri {
    type Err = String;

    /// Reads a URI. The path of `file://` is percent-decoded; it must be absolute, without NUL and `..`. Behind it may
    /// stand `?shared=yes`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("URI '{}': {why}", super::printable::escaped(text)));
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return bad("holds octets that are no UTF-8; in a path they are written %XX");
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return bad("has no scheme (file:///path, char:///path, fifo:///path, socket://host:port or null:)");
        };
        match scheme.to_ascii_lowercase().as_str() {
            "null" if rest.is_empty() || rest == "//" => Ok(Self::Null),
            "null" => bad("null: takes nothing after it"),
            "file" => path_of("file", rest).map(Self::File).or_else(|why| bad(&why)),
            "char" => path_of("char", rest).map(Self::Char).or_else(|why| bad(&why)),
            "fifo" => path_of("fifo", rest).map(Self::Fifo).or_else(|why| bad(&why)),
            "socket" => socket(rest).or_else(|why| bad(&why)),
            other => match AWAITED.into_iter().find(|scheme| *scheme == other) {
                Some(scheme) => AwaitingUri::read(scheme, rest).map(Self::Awaiting).or_else(|why| bad(&why)),
                None => bad(&counterpart(other, rest)),
            },
        }
    }
}

/// Reads what follows `socket:`.
fn socket(rest: &str) -> Result<DeviceUri, String> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err("a socket is written socket://host:port".into());
    };
    let (rest, options) = match rest.split_once('?') {
        Some((rest, options)) => (rest, Some(options)),
        None => (rest, None),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if let Some((_, path)) = authority.split_once('/') {
        return Err(format!("a socket has no path: leave out '/{}'", super::printable::escaped(path)));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("has an unclosed '['")?;
            (bracketed(host)?, if port.is_empty() { None } else { Some(port.strip_prefix(':').unwrap_or("x")) })
        }
        None => {
            let (host, port) = authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
            (plain_host(host)?, port)
        }
    };
    let port = match port.map_or(Ok(RAW_PORT), str::parse) {
        Ok(port) if port > 0 => port,
        _ => return Err("has no usable port (1 to 65535)".into()),
    };
    match options {
        Some(options) => Err(without_options(options, &DeviceUri::Socket { host, port })),
        None => Ok(DeviceUri::Socket { host, port }),
    }
}

/// Reads a host name or an IPv4 address.
fn plain_host(host: &str) -> Result<String, String> {
    if host.contains(':') {
        return Err(format!(
            "has no usable host: an IPv6 address is written in brackets, socket://[{host}]:{RAW_PORT}"
        ));
    }
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || host.len() > 253 || !host.chars().all(usable) {
        return Err("has no usable host".into());
    }
    // A resolver takes `10.1` for 10.0.0.1, and looks up `10.0.0.300` as a name. Here only a full address is an
    // address.
    let numeric = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(format!("'{host}' is no IPv4 address (four numbers from 0 to 255)"));
    }
    Ok(host.to_owned())
}

/// Reads what stands in brackets: an IPv6 address, with its zone where it needs one. The zone follows `%`, or `%25` as
/// in RFC 6874; both mean the same.
fn bracketed(text: &str) -> Result<String, String> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => {
            (address, Some(zone.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(zone)))
        }
        None => (text, None),
    };
    let shown = super::printable::escaped(text);
    let Ok(parsed) = address.parse::<Ipv6Addr>() else {
        return Err(format!("'[{shown}]' is no IPv6 address"));
    };
    let Some(zone) = zone else {
        return if parsed.is_unicast_link_local() {
            Err(format!(
                "{address} is a link-local address, which needs the interface that leads to it: \
                 socket://[{address}%eth0]:{RAW_PORT}, with the name that 'ip -6 address' shows"
            ))
        } else {
            Ok(address.to_owned())
        };
    };
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if zone.is_empty() || zone.len() > 15 || !zone.chars().all(usable) {
        return Err(format!("'[{shown}]': '{}' is no name of an interface", super::printable::escaped(zone)));
    }
    Ok(format!("{address}%{zone}"))
}

/// Says what to write instead of options after `?`, which come from CUPS.
fn without_options(options: &str, uri: &DeviceUri) -> String {
    let mut said: Vec<String> = Vec::new();
    for option in options.split('&').filter(|option| !option.is_empty()).take(8) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let off = matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0");
        said.push(match name.to_ascii_lowercase().as_str() {
            "waiteof" if off => "waiteof=false is SHUTDOWNTO = 0 in the device's FASTCNFG entry".into(),
            "waiteof" => "waiteof=true is what is done here anyway".into(),
            "contimeout" => "contimeout has no counterpart: a printer that does not answer is tried until it does \
                             (TIMEOUT of the device limits the tries)"
                .into(),
            "snmp" => "snmp is not used".into(),
            _ => format!("the option '{}' is not understood", super::printable::escaped(name)),
        });
    }
    let said = if said.is_empty() { "nothing may follow '?'".to_owned() } else { said.join("; ") };
    format!("options of CUPS do not belong here: {said}. Write {uri}")
}

/// Says what to write instead of a scheme that is not one of ours.
fn counterpart(scheme: &str, rest: &str) -> String {
    // `rest` may hold anything, so the message repeats only a plain path.
    let path = rest.split('?').next().unwrap_or_default();
    let path = format!("/{}", path.trim_start_matches('/'));
    let is_device = path.starts_with("/dev/") && path.chars().all(|c| c.is_ascii_graphic());
    match scheme {
        "parallel" | "serial" => {
            let path = if is_device { path.as_str() } else { "/dev/lp0" };
            let line = if scheme == "serial" { "; speed and parity of the line are set with stty" } else { "" };
            format!("'{scheme}:' of CUPS is char:// here: char://{path}{line}")
        }
        "usb" => "'usb:' of CUPS is char:// here, with the node that the kernel made: char:///dev/usb/lp0".into(),
        "http" | "https" => format!(
            "{scheme}: is written ipp:// or ipps:// here; most network printers also take raw data: socket://host:{RAW_PORT}"
        ),
        "dnssd" | "smb" | "hp" | "beh" | "implicitclass" => {
            format!("'{scheme}:' of CUPS has no counterpart; a network printer is socket://host:{RAW_PORT}")
        }
        "tcp" | "jetdirect" | "raw" | "ap" | "appsocket" => {
            format!("a raw connection is written socket://host:{RAW_PORT}")
        }
        "cups-pdf" | "pdf" => "a file that takes what is printed is written file:///path".into(),
        _ => "its scheme is not one of file, char, fifo, socket, null".into(),
    }
}

/// Reads the absolute path that follows `scheme://`.
fn path_of(scheme: &str, rest: &str) -> Result<DevicePath, String> {
    let (rest, option) = match rest.split_once('?') {
        Some((rest, option)) => (rest, Some(option)),
        None => (rest, None),
    };
    let shared = match option.map(str::to_ascii_lowercase).as_deref() {
        None | Some("shared=no") => false,
        Some("shared=yes") => true,
        Some(_) => return Err("only ?shared=yes may follow the path; a '?' in a path is written %3F".to_owned()),
    };
    let path = rest.strip_prefix("//").filter(|path| path.starts_with('/'));
    let Some(path) = path else {
        return Err(format!("is written {scheme}:///path, with an absolute path"));
    };
    let path = percent_decode(path).filter(|path| !path.contains('\0')).ok_or("has a broken %-escape")?;
    if path.ends_with('/') || path.split('/').any(|part| part == "..") {
        return Err("does not name a file".into());
    }
    Ok(DevicePath { path: path.into(), shared })
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
            Self::Awaiting(uri) => write!(f, "{}://{}", uri.scheme, uri.rest),
            Self::Socket { host, port } if host.contains(':') => {
                // Write the zone as in RFC 6874, which no name of an interface can make ambiguous.
                write!(f, "socket://[{}]:{port}", host.replacen('%', "%25", 1))
            }
            Self::Socket { host, port } => write!(f, "socket://{host}:{port}"),
            Self::File(path) | Self::Char(path) | Self::Fifo(path) => {
                write!(f, "{}://", self.scheme())?;
                for c in path.path.to_string_lossy().chars() {
                    match c {
                        '%' | ' ' | '"' | '\'' | ',' | ';' | '#' | '?' => write!(f, "%{:02X}", u32::from(c))?,
                        c if is_harmful(c) => {
                            let mut octets = [0; 4];
                            for octet in c.encode_utf8(&mut octets).bytes() {
                                write!(f, "%{octet:02X}")?;
                            }
                        }
                        c => write!(f, "{c}")?,
                    }
                }
                if path.shared { f.write_str("?shared=yes") } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uris_read_and_print() {
        for text in [
            "file:///tmp/lp1.out",
            "char:///dev/lp0",
            "fifo:///tmp/p",
            "socket://10.0.0.9:9100",
            "socket://[fd00::1]:9101",
            "socket://[fe80::1%25eth0]:9101",
            "null:",
        ] {
            assert_eq!(text.parse::<DeviceUri>().unwrap().to_string(), text);
        }
        assert_eq!("socket://lp".parse::<DeviceUri>().unwrap().to_string(), "socket://lp:9100");
        let odd: DeviceUri = "file:///tmp/a%20b%2C".parse().unwrap();
        assert_eq!(odd, DeviceUri::File("/tmp/a b,".into()));
        let shared: DeviceUri = "fifo:///tmp/a%3Fb?Shared=Yes".parse().unwrap();
        assert_eq!(shared, DeviceUri::Fifo(DevicePath { path: "/tmp/a?b".into(), shared: true }));
        assert_eq!(shared.to_string(), "fifo:///tmp/a%3Fb?shared=yes");
        assert_eq!("file:///a?shared=no".parse::<DeviceUri>(), Ok(DeviceUri::File("/a".into())));
        let hidden = DeviceUri::File("/tmp/\u{9b}x\u{202e}".into());
        assert_eq!(hidden.to_string(), "file:///tmp/%C2%9Bx%E2%80%AE");
        assert_eq!(hidden.to_string().parse(), Ok(hidden));
        assert_eq!(odd.to_string().parse::<DeviceUri>().unwrap(), odd);
    }

    #[test]
    fn an_address_without_a_transport_is_kept_and_says_so() {
        for text in ["lpd://10.0.0.9/queue?format=l", "ipp://h:631/ipp/print", "ipps://[fd00::1]:631/printers/q"] {
            let uri: DeviceUri = text.parse().unwrap();
            assert_eq!(uri.to_string(), text);
            let awaiting = uri.awaiting().unwrap();
            assert_eq!(awaiting.awaits(), format!("{} has no transport in this version", awaiting.scheme()));
        }
        assert_eq!(DeviceUri::Null.awaiting(), None);
    }

    #[test]
    fn bad_uris_say_why() {
        for bad in [
            "lp1",
            "file:lp1",
            "file://lp1",
            "file:///tmp/",
            "char://lp0",
            "fifo:///a/../b",
            "file:///a/../b",
            "file:///a%2",
            "socket:host",
            "socket://",
            "socket://h:0",
            "socket://h:99999",
            "socket://a b",
            "socket://[::1",
            "socket://[hello]:9100",
            "socket://[::g]:9100",
            "socket://[fe80::1]:9100",
            "socket://[fe80::1%]:9100",
            "socket://[fe80::1%a b]:9100",
            "socket://10.0.0.300",
            "socket://10.1",
            "socket://h/queue",
            "socket://h?",
            "null:x",
            "http://x",
            "file:///a%00",
            "file:///a?b",
            "char:///a?shared=maybe",
            "file:///a?shared=yes&x",
        ] {
            let why = bad.parse::<DeviceUri>().unwrap_err();
            assert!(why.starts_with("URI '"), "{why}");
        }
    }

    #[test]
    fn both_forms_of_a_zone_mean_the_same() {
        let plain: DeviceUri = "socket://[fe80::1%eth0]:9100".parse().unwrap();
        assert_eq!("socket://[fe80::1%25eth0]".parse(), Ok(plain.clone()));
        assert_eq!(plain, DeviceUri::Socket { host: "fe80::1%eth0".into(), port: 9100 });
        // The number or name of an interface may begin with 25.
        for zone in ["25", "25eth0"] {
            let uri = DeviceUri::Socket { host: format!("fe80::1%{zone}"), port: 9100 };
            assert_eq!(uri.to_string().parse(), Ok(uri));
        }
    }

    #[test]
    fn an_address_of_cups_is_answered_with_its_counterpart() {
        let counterparts = [
            ("socket://10.0.0.51:9100/?waiteof=false", "SHUTDOWNTO = 0"),
            ("socket://10.0.0.51:9100/?waiteof=false", "Write socket://10.0.0.51:9100"),
            ("socket://10.0.0.52/?contimeout=30", "contimeout has no counterpart"),
            ("socket://10.0.0.52/?contimeout=30&waiteof=true", "waiteof=true is what is done here"),
            ("socket://10.0.0.52?colour=1", "'colour' is not understood"),
            ("serial:/dev/ttyS0?baud=9600", "char:///dev/ttyS0"),
            ("parallel:/dev/lp0", "char:///dev/lp0"),
            ("usb://HP/LaserJet%204", "char:///dev/usb/lp0"),
            ("http://10.0.0.9:631/ipp", "is written ipp:// or ipps:// here"),
            ("lpd://ann:secret@10.0.0.9/queue", "a user or a password"),
            ("lpd:10.0.0.9", "is written lpd://host/queue"),
            ("ipp://h/a b", "written %XX"),
            ("ipps:///queue", "no usable host"),
            ("socket://fe80::1:9100", "in brackets"),
            ("socket://[fe80::1]:9100", "socket://[fe80::1%eth0]:9100"),
        ];
        for (uri, says) in counterparts {
            let why = uri.parse::<DeviceUri>().unwrap_err();
            assert!(why.contains(says), "{uri}: {why}");
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
