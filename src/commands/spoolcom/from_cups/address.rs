//! The address of a device of CUPS, as the address of a device here.

use crate::model::device::DeviceUri;
use crate::model::printable::escaped;

/// What becomes of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// It is this one. Each text says what of it is otherwise.
    Is(DeviceUri, Vec<String>),
    /// There is none like it.
    Lost(String),
}

/// Finds the counterpart of a `DeviceURI`.
pub fn of(text: &str) -> Address {
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    let lost = |why: &str| Address::Lost(format!("DeviceURI {}: {why}", shown(text)));
    match scheme.to_ascii_lowercase().as_str() {
        "socket" => network("socket", rest, text),
        scheme @ ("lpd" | "ipp" | "ipps") => network(scheme, rest, text),
        "http" => network("ipp", rest, text),
        "https" => network("ipps", rest, text),
        "file" => match path(rest) {
            Some("/dev/null") => Address::Is(DeviceUri::Null, Vec::new()),
            Some(path) if path.starts_with("/dev/") => read(&format!("char://{path}"), Vec::new(), text),
            Some(path) => {
                let notes = vec![
                    "CUPS makes the file anew for each job; here jobs are appended, and its directory must be the user's own"
                        .to_owned(),
                ];
                read(&format!("file://{path}"), notes, text)
            }
            None => lost("has no absolute path"),
        },
        "parallel" | "serial" => match path(rest.split('?').next().unwrap_or_default()) {
            Some(path) => {
                let line = scheme.eq_ignore_ascii_case("serial") && rest.contains('?');
                let told = "the speed and the parity of the line are set with stty".to_owned();
                read(&format!("char://{path}"), line.then_some(told).into_iter().collect(), text)
            }
            None => lost("has no absolute path"),
        },
        "usb" => lost("the kernel's node takes its place: URI char:///dev/usb/lp0"),
        "" => lost("is empty"),
        _ => lost("its backend has no counterpart here; a network printer is URI socket://host:9100"),
    }
}

/// Returns the path of `file:///path` or `file:/path`, without what cannot stand in a path here.
fn path(rest: &str) -> Option<&str> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return None,
        None => rest,
    };
    Some(path).filter(|path| path.starts_with('/'))
}

/// Reads `//[user@]host[:port][/path][?options]`.
fn network(scheme: &str, rest: &str, text: &str) -> Address {
    let Some(rest) = rest.strip_prefix("//") else {
        return Address::Lost(format!("DeviceURI {}: has no host", shown(text)));
    };
    let mut notes = Vec::new();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => {
            notes.push("the user and the password in it are not kept: an address is shown to everybody".to_owned());
            host
        }
        None => authority,
    };
    if scheme != "socket" {
        return read(&format!("{scheme}://{host}{behind}"), notes, text);
    }
    let (path, options) = behind.split_once('?').unwrap_or((behind, ""));
    if !matches!(path, "" | "/") {
        notes.push(format!("a socket has no path: '{}' is left out", shown(path)));
    }
    for option in options.split('&').filter(|option| !option.is_empty()).take(16) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let off = matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0");
        match name.to_ascii_lowercase().as_str() {
            // The end of the printer's connection is waited for here too.
            "waiteof" if !off => {}
            "waiteof" => notes.push("waiteof=false is SHUTDOWNTO = 0 in an entry of FASTCNFG".to_owned()),
            "contimeout" => {
                notes.push(
                    "contimeout has no counterpart: the printer is tried until it answers, or TIMEOUT n".to_owned(),
                );
            }
            "snmp" => notes.push("no SNMP is used".to_owned()),
            _ => notes.push(format!("the option '{}' has no counterpart", shown(name))),
        }
    }
    read(&format!("socket://{host}"), notes, text)
}

fn read(uri: &str, notes: Vec<String>, text: &str) -> Address {
    match uri.parse::<DeviceUri>() {
        Ok(uri) => Address::Is(uri, notes),
        Err(why) => {
            // The message repeats what was read, which may be long and hostile; what is wrong stands behind it.
            let why = why.strip_prefix(&format!("URI '{}': ", escaped(uri))).unwrap_or(&why).to_owned();
            Address::Lost(format!("DeviceURI {}: {why}", shown(text)))
        }
    }
}

/// Returns what of an address may be shown: a bounded part, without a password.
fn shown(text: &str) -> String {
    let open = match text.split_once("//") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, behind) = rest.split_at(end);
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}//…@{host}{behind}"),
                None => text.to_owned(),
            }
        }
        None => text.to_owned(),
    };
    let mut shown = escaped(&open.chars().take(200).collect::<String>());
    if open.chars().count() > 200 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_has_its_counterpart_or_says_that_it_has_none() {
        for (cups, ours, notes) in [
            ("socket://10.0.0.1", "socket://10.0.0.1:9100", 0),
            ("socket://10.0.0.1:9101/?waiteof=false&contimeout=3&snmp=no&x=1", "socket://10.0.0.1:9101", 4),
            ("socket://lp/?waiteof=true", "socket://lp:9100", 0),
            ("lpd://10.0.0.1/PASSTHRU?format=l", "lpd://10.0.0.1/PASSTHRU?format=l", 0),
            ("lpd://ann@10.0.0.1/q", "lpd://10.0.0.1/q", 1),
            ("ipp://ann:secret@h:631/ipp/print", "ipp://h:631/ipp/print", 1),
            ("https://h:443/ipp", "ipps://h:443/ipp", 0),
            ("file:/dev/null", "null:", 0),
            ("file:///dev/usb/lp0", "char:///dev/usb/lp0", 0),
            ("file:///srv/out", "file:///srv/out", 1),
            ("parallel:/dev/lp0", "char:///dev/lp0", 0),
            ("serial:/dev/ttyS0?baud=9600+bits=8", "char:///dev/ttyS0", 1),
        ] {
            let Address::Is(uri, told) = of(cups) else { panic!("{cups} has one") };
            assert_eq!((uri.to_string().as_str(), told.len()), (ours, notes), "{cups}: {told:?}");
        }
        for lost in [
            "usb://HP/x",
            "smb://h/q",
            "dnssd://x",
            "socket:lp",
            "socket://a b",
            "",
            "lp",
            "file:x",
            "implicitclass://x/",
        ] {
            assert!(matches!(of(lost), Address::Lost(_)), "{lost}");
        }
        let Address::Lost(why) = of("smb://ann:secret@h/q") else { panic!("smb is nothing here") };
        assert!(!why.contains("secret"), "{why}");
    }
}
