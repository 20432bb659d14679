//! Decides which spool a command uses.
//!
//! The order is: `-H` and `--spooler` (a directory is a spool, a socket its server, anything else a server on the
//! network), `PDHOST`/`PD_SOCKET`, `PDBASE`, the socket of a system-wide server, the private base. A server that does
//! not answer is an error, never a reason to use another spool.

use std::ffi::OsString;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Failure, FailureKind, ServerName};
use crate::spool::disk::base::{Access, glance, open, open_for_command, server_name};
use crate::spool::interface::operations::Operations;
use crate::spool::{Attendant, Base, Local, Nobody};
use crate::sys::{clock, users};

use super::Starter;

/// Where a system-wide server listens.
const SYSTEM_SOCKET: &str = "/run/pd/socket";

/// Which spool a command uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one in this directory, opened by the command itself.
    Base(Base),
    /// The one whose server listens at this path.
    Server(PathBuf),
    /// The one whose server listens there on the network: `HOST:PORT`.
    Network(String),
}

/// Where servers listen on the network, unless they are told otherwise.
pub const PORT: u16 = 2353;

/// Reads `HOST[:PORT]`; an address with colons stands in brackets where a port follows.
///
/// # Errors
/// `BadValue` for what can be no host.
fn network(host: &str, port: Option<&str>) -> Result<Place, Failure> {
    let bad = |why: &str| {
        Failure::new(FailureKind::BadValue, format!("{host}: {why}"))
            .hint("a server on the network is HOST:PORT; the port is 2353 where nothing else is said")
            .hint("the base directory of a spool can be named in its place: --spooler DIR, -H DIR")
    };
    let (name, own) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((name, ""))) => (name, None),
        Some(Some((name, rest))) => (name, Some(rest.strip_prefix(':').ok_or_else(|| bad("that is no port"))?)),
        Some(None) => return Err(bad("a bracket is missing")),
        None => match host.split_once(':') {
            Some((name, port)) if !port.contains(':') => (name, Some(port)),
            _ => (host, None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if name.is_empty() || name.len() > 253 || name.starts_with('-') || !name.chars().all(plain) {
        return Err(bad("that is no name of a host"));
    }
    let port = match own.or(port) {
        None => PORT,
        Some(text) => {
            text.parse().ok().filter(|port| *port != 0).ok_or_else(|| bad("the port is a number from 1 to 65535"))?
        }
    };
    Ok(Place::Network(if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }))
}

/// Returns the place that the environment chooses.
///
/// # Errors
/// Returns `BadValue` for what can be no host, `Unreachable` when no directory can be found.
pub fn place_from(
    host: Option<&str>,
    env: &dyn Fn(&str) -> Option<OsString>,
    cwd: &Path,
    system_socket: &Path,
) -> Result<Place, Failure> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(host) = host {
        // A directory is a spool, a socket its server; whatever else is named is a server on the network.
        let path = cwd.join(host);
        if std::fs::metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            return Ok(Place::Server(path));
        }
        if host.contains('/') || path.is_dir() {
            return Ok(Place::Base(Base::new(path)));
        }
        return network(host, None);
    }
    let socket = set("PD_SOCKET");
    // A number is a port, at PDHOST or at this machine.
    let port = socket.as_ref().map(|value| value.to_string_lossy()).filter(|value| !value.contains('/'));
    if let Some(value) = set("PDHOST") {
        return network(&value.to_string_lossy(), port.as_deref());
    }
    if port.is_some() {
        return network("localhost", port.as_deref());
    }
    if let Some(value) = socket {
        return Ok(Place::Server(cwd.join(value)));
    }
    if let Some(base) = set("PDBASE") {
        return Ok(Place::Base(Base::new(cwd.join(base))));
    }
    if system_socket.exists() {
        return Ok(Place::Server(system_socket.to_owned()));
    }
    match set("HOME") {
        Some(home) => Ok(Place::Base(Base::new(cwd.join(PathBuf::from(home)).join(".local/state/pd")))),
        None => {
            Err(Failure::new(FailureKind::Unreachable, "neither PDBASE nor HOME is set: there is no place for a spool")
                .hint("set PDBASE to a directory of your own"))
        }
    }
}

/// What a command will do with the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Only reads, and has no time: nothing is made or mended, and nobody is waited for.
    Glance,
    /// Only reads.
    Look,
    /// Changes something in a spool that exists.
    Change,
    /// Declares something: a spool is made if there is none.
    Declare,
}

/// Returns the place that the environment of this machine chooses.
pub fn usual_place(host: Option<&str>, env: &dyn Fn(&str) -> Option<OsString>, cwd: &Path) -> Result<Place, Failure> {
    place_from(host, env, cwd, Path::new(SYSTEM_SOCKET))
}

/// Returns the base directory that the environment of this machine chooses, for a program that works on the directory
/// itself.
pub fn usual_base(host: Option<&str>, env: &dyn Fn(&str) -> Option<OsString>, cwd: &Path) -> Result<Base, Failure> {
    match usual_place(host, env, cwd)? {
        Place::Base(base) => Ok(base),
        Place::Server(path) => Err(of_server(&path.display().to_string())),
        Place::Network(address) => Err(of_server(&address)),
    }
}

fn of_server(place: &str) -> Failure {
    let what = format!("the spool is that of the server at {place}, and this command works on its directory");
    Failure::new(FailureKind::Unreachable, what)
        .hint("as the user whose account the server has: PDBASE=DIR with the server's --base")
}

/// Opens the spool at `base` directly, for the user this process acts for, whether a server has it or not.
pub fn open_at(base: &Base, purpose: Purpose) -> Result<Box<dyn Operations>, Failure> {
    open_waited(base, purpose, None, Duration::ZERO).map(|(spool, _)| spool)
}

/// The same for a command that has waited so long already, for a print process that did not answer; where a spool is made to
/// declare something, it has a server of that name. The name of the spool's server comes with it.
///
/// # Errors
/// As [`open_at`].
pub fn open_waited(
    base: &Base,
    purpose: Purpose,
    server: Option<&str>,
    waited: Duration,
) -> Result<(Box<dyn Operations>, ServerName), Failure> {
    let spool = match purpose {
        Purpose::Glance => glance(base)?,
        Purpose::Look => open(base, Access::Existing { now: clock::now() })?,
        Purpose::Change => open_for_command(base, Access::Existing { now: clock::now() })?,
        Purpose::Declare => {
            let server = match server {
                Some(name) => name.parse()?,
                None => server_name(&users::host()),
            };
            open_for_command(base, Access::Create { server, now: clock::now() })?
        }
    };
    if !waited.is_zero() {
        spool.has_waited(waited);
    }
    let attendant: Arc<dyn Attendant> = match Starter::beside_us() {
        Ok(starter) if purpose != Purpose::Glance => {
            starter.keep_deliveries(&spool);
            Arc::new(starter)
        }
        _ => Arc::new(Nobody),
    };
    let creator = spool.was_made_by(nix::unistd::geteuid().as_raw());
    let caller = if creator { users::caller_without_groups() } else { users::caller() };
    let server = spool.server().clone();
    Ok((Box::new(Local::new(spool, caller, clock::now, attendant).asked_by(std::process::id())), server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn choose(host: Option<&str>, vars: &[(&str, &str)], socket: &Path) -> Result<Base, Failure> {
        let vars: HashMap<String, OsString> = vars.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect();
        place_from(host, &|name| vars.get(name).cloned(), Path::new("/cwd"), socket).map(|place| match place {
            Place::Base(base) => base,
            Place::Server(path) => Base::new(Path::new("server at").join(path.strip_prefix("/").unwrap())),
            Place::Network(address) => Base::new(Path::new("network").join(address)),
        })
    }

    #[test]
    fn the_order_of_the_places() {
        let none = Path::new("/nonexistent/socket");
        let there = Path::new("/");
        let home = ("HOME", "/home/ann");
        assert_eq!(choose(None, &[home], none).unwrap().root(), Path::new("/home/ann/.local/state/pd"));
        assert_eq!(choose(None, &[home, ("PDBASE", "x y:%n")], there).unwrap().root(), Path::new("/cwd/x y:%n"));
        let system = choose(None, &[home], there).unwrap();
        assert_eq!(system.root(), Path::new("server at"), "the system's server is never bypassed");
        let named = choose(None, &[home, ("PDBASE", "/b"), ("PD_SOCKET", "/run/x/socket")], there).unwrap();
        assert_eq!(named.root(), Path::new("server at/run/x/socket"));
        let network = |host, vars: &[(&str, &str)]| choose(host, vars, there).unwrap().root().to_owned();
        let at = |address: &str| Path::new("network").join(address);
        assert_eq!(network(None, &[home, ("PDBASE", "/b"), ("PD_SOCKET", "6874")]), at("localhost:6874"));
        assert_eq!(network(None, &[home, ("PDBASE", "/b"), ("PDHOST", "h")]), at("h:2353"));
        assert_eq!(network(None, &[home, ("PDHOST", "h"), ("PD_SOCKET", "6874")]), at("h:6874"));
        assert_eq!(network(Some("h:6874"), &[home, ("PDBASE", "/b")]), at("h:6874"));
        assert_eq!(network(Some("::1"), &[home]), at("[::1]:2353"));
        assert_eq!(network(Some("[::1]:5"), &[home]), at("[::1]:5"));
        for bad in ["h:0", "h:x", "h:70000", ":1", "-h", "h h", "[::1", "h;rm"] {
            assert_eq!(choose(Some(bad), &[home], none).unwrap_err().kind, FailureKind::BadValue, "{bad}");
        }
        assert_eq!(choose(Some("/srv/s"), &[home, ("PDBASE", "/b")], there).unwrap().root(), Path::new("/srv/s"));
        assert_eq!(choose(Some("./s"), &[home], there).unwrap().root(), Path::new("/cwd/./s"));
        assert!(choose(None, &[], none).is_err());
        assert_eq!(choose(None, &[home, ("PDBASE", "")], none).unwrap().root(), Path::new("/home/ann/.local/state/pd"));
    }
}
