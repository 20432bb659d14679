//! The addresses of devices.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A device's address: where its bytes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceUri {
    /// `file:///path`: jobs are appended to a file.
    File(PathBuf),
    /// `char:///path`: a character device, such as a serial line or a parallel port.
    Char(PathBuf),
    /// `fifo:///path`: a named pipe that a program reads.
    Fifo(PathBuf),
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

impl DeviceUri {
    /// The path of a file, character device or pipe.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Char(path) | Self::Fifo(path) => Some(path),
            Self::Socket { .. } | Self::Null => None,
        }
    }
    fn scheme(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Char(_) => "char",
            Self::Fifo(_) => "fifo",
            Self::Socket { .. } => "socket",
            Self::Null => "null",
        }
    }
}

/// The port of raw printing, when a `socket://` URI names none.
pub const RAW_PORT: u16 = 9100;

impl FromStr for DeviceUri {
    type Err = String;

    /// Reads a URI. The path of `file://` is percent-decoded, must be absolute and without NUL and `..`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("URI '{}': {why}", text.escape_debug()));
        let Some((scheme, rest)) = text.split_once(':') else {
            return bad("has no scheme (file:///path, char:///path, fifo:///path, socket://host:port or null:)");
        };
        match scheme.to_ascii_lowercase().as_str() {
            "null" if rest.is_empty() || rest == "//" => Ok(Self::Null),
            "null" => bad("null: takes nothing after it"),
            "file" => path_of("file", rest).map(Self::File).or_else(|why| bad(&why)),
            "char" => path_of("char", rest).map(Self::Char).or_else(|why| bad(&why)),
            "fifo" => path_of("fifo", rest).map(Self::Fifo).or_else(|why| bad(&why)),
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
            _ => bad("its scheme is not one of file, char, fifo, socket, null"),
        }
    }
}

/// The path of `scheme://` followed by an absolute path.
fn path_of(scheme: &str, rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").filter(|path| path.starts_with('/'));
    let Some(path) = path else {
        return Err(format!("is written {scheme}:///path, with an absolute path"));
    };
    let path = percent_decode(path).filter(|path| !path.contains('\0')).ok_or("has a broken %-escape")?;
    if path.ends_with('/') || path.split('/').any(|part| part == "..") {
        return Err("does not name a file".into());
    }
    Ok(PathBuf::from(path))
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
            Self::File(path) | Self::Char(path) | Self::Fifo(path) => {
                write!(f, "{}://", self.scheme())?;
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
            "socket://[fe80::1]:9101",
            "null:",
        ] {
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
