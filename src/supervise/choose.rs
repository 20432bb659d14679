//! Decides which spool a command uses.
//!
//! The order is: `-H` and `--spooler` (a directory is a spool, anything else a server), `PDHOST`/`PD_SOCKET`, `PDBASE`, the socket of a system-wide server, the private base. A server
//! that does not answer is an error, never a reason to use another spool.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{Failure, FailureKind};
use crate::spool::disk::base::{Access, open, open_for_command, server_name};
use crate::spool::interface::operations::Operations;
use crate::spool::{Attendant, Base, Local, Nobody};
use crate::sys::{clock, users};

use super::Starter;

/// Where a system-wide server would listen.
const SYSTEM_SOCKET: &str = "/run/pd/pdserver.sock";

fn no_server(what: &str) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("{what}: this version cannot reach a server"))
        .hint("the base directory of a spool can be named in its place: --spooler DIR, -H DIR")
        .hint("without -H, PDHOST and PD_SOCKET commands use the spool in PDBASE, or your private one")
}

/// Returns the base directory that the environment chooses.
///
/// # Errors
/// Returns `Unreachable` when a server is meant, or no directory can be found.
pub fn base_from(
    host: Option<&str>,
    env: &dyn Fn(&str) -> Option<OsString>,
    cwd: &Path,
    system_socket: &Path,
) -> Result<Base, Failure> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(host) = host {
        // A directory is a spool; whatever else is named is a server.
        let directory = cwd.join(host);
        if host.contains('/') || directory.is_dir() {
            return Ok(Base::new(directory));
        }
        return Err(no_server(host));
    }
    for name in ["PDHOST", "PD_SOCKET"] {
        if let Some(value) = set(name) {
            return Err(no_server(&format!("{name}={}", value.to_string_lossy())));
        }
    }
    if let Some(base) = set("PDBASE") {
        return Ok(Base::new(cwd.join(base)));
    }
    if system_socket.exists() {
        return Err(no_server(&system_socket.display().to_string()));
    }
    match set("HOME") {
        Some(home) => Ok(Base::new(cwd.join(PathBuf::from(home)).join(".local/state/pd"))),
        None => {
            Err(Failure::new(FailureKind::Unreachable, "neither PDBASE nor HOME is set: there is no place for a spool")
                .hint("set PDBASE to a directory of your own"))
        }
    }
}

/// What a command will do with the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Only reads.
    Look,
    /// Changes something in a spool that exists.
    Change,
    /// Declares something: a spool is made if there is none.
    Declare,
}

/// Opens the spool that the environment chooses, for the user this process acts for.
pub fn open_spool(
    host: Option<&str>,
    env: &dyn Fn(&str) -> Option<OsString>,
    cwd: &Path,
    purpose: Purpose,
) -> Result<Box<dyn Operations>, Failure> {
    open_at(&usual_base(host, env, cwd)?, purpose)
}

/// Returns the base directory that the environment of this machine chooses.
pub fn usual_base(host: Option<&str>, env: &dyn Fn(&str) -> Option<OsString>, cwd: &Path) -> Result<Base, Failure> {
    base_from(host, env, cwd, Path::new(SYSTEM_SOCKET))
}

/// Opens the spool at `base`, for the user this process acts for.
pub fn open_at(base: &Base, purpose: Purpose) -> Result<Box<dyn Operations>, Failure> {
    let spool = match purpose {
        Purpose::Look => open(base, Access::Existing { now: clock::now() })?,
        Purpose::Change => open_for_command(base, Access::Existing { now: clock::now() })?,
        Purpose::Declare => {
            open_for_command(base, Access::Create { server: server_name(&users::host()), now: clock::now() })?
        }
    };
    let attendant: Arc<dyn Attendant> = match Starter::beside_us() {
        Ok(starter) => Arc::new(starter),
        Err(_) => Arc::new(Nobody),
    };
    let creator = spool.was_made_by(nix::unistd::geteuid().as_raw());
    let caller = if creator { users::caller_without_groups() } else { users::caller() };
    Ok(Box::new(Local::new(spool, caller, clock::now, attendant)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn choose(host: Option<&str>, vars: &[(&str, &str)], socket: &Path) -> Result<Base, Failure> {
        let vars: HashMap<String, OsString> = vars.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect();
        base_from(host, &|name| vars.get(name).cloned(), Path::new("/cwd"), socket)
    }

    #[test]
    fn the_order_of_the_places() {
        let none = Path::new("/nonexistent/socket");
        let there = Path::new("/");
        let home = ("HOME", "/home/ann");
        assert_eq!(choose(None, &[home], none).unwrap().root(), Path::new("/home/ann/.local/state/pd"));
        assert_eq!(choose(None, &[home, ("PDBASE", "x y:%n")], there).unwrap().root(), Path::new("/cwd/x y:%n"));
        assert!(choose(None, &[home], there).is_err(), "a mute system server is never bypassed");
        assert!(choose(None, &[home, ("PDBASE", "/b"), ("PDHOST", "h")], none).is_err());
        assert!(choose(Some("h:6874"), &[home, ("PDBASE", "/b")], none).is_err());
        assert_eq!(choose(Some("/srv/s"), &[home, ("PDBASE", "/b")], there).unwrap().root(), Path::new("/srv/s"));
        assert_eq!(choose(Some("./s"), &[home], there).unwrap().root(), Path::new("/cwd/./s"));
        assert!(choose(None, &[], none).is_err());
        assert_eq!(choose(None, &[home, ("PDBASE", "")], none).unwrap().root(), Path::new("/home/ann/.local/state/pd"));
    }
}
