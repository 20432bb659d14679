//! Who the caller is, and names of users and groups.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::model::Caller;

/// The user this process acts for.
pub fn caller() -> Caller {
    of_uid(nix::unistd::geteuid().as_raw())
}

/// Does the same without groups, for those whose groups decide nothing: finding groups loads the name service's
/// libraries.
pub fn caller_without_groups() -> Caller {
    let uid = nix::unistd::geteuid().as_raw();
    Caller { uid, user: name(uid), host: host(), groups: Vec::new(), operator: false }
}

/// The caller with this user id, on this host.
pub fn of_uid(uid: u32) -> Caller {
    Caller { uid, user: name(uid), host: host(), groups: groups(uid), operator: false }
}

/// Answers about users that still hold. Commands ask for their own user several times, a server for everybody who connects, and each
/// question may go through the network, so an answer holds for a second.
struct Answers<T>(Mutex<Vec<(Instant, u32, T)>>);

impl<T: Clone> Answers<T> {
    const HOLDS: Duration = Duration::from_secs(1);
    /// Answers that are kept at most.
    const MOST: usize = 64;

    const fn none() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Returns what is known of `uid`, or what `ask` finds. No thread waits for an answer that another thread is waiting for.
    fn of(&self, uid: u32, ask: impl FnOnce() -> Option<T>) -> Option<T> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|one| one.1 == uid && one.0.elapsed() < Self::HOLDS).map(|one| one.2.clone());
        if found.is_some() {
            return found;
        }
        let asked = Instant::now();
        let answer = ask()?;
        let mut all = known();
        all.retain(|one| one.1 != uid && one.0.elapsed() < Self::HOLDS);
        if all.len() >= Self::MOST {
            all.remove(0);
        }
        all.push((asked, uid, answer.clone()));
        Some(answer)
    }
}

/// Returns the user `uid`, if it is defined.
fn user(uid: u32) -> Option<User> {
    static KNOWN: Answers<User> = Answers::none();
    KNOWN.of(uid, || User::from_uid(Uid::from_raw(uid)).ok().flatten())
}

/// The login name of `uid`, or its number.
pub fn name(uid: u32) -> String {
    user(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

/// The user id of the login name `name`, if it is defined.
pub fn uid_of(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}

/// Returns the number of a group.
pub fn gid_of(name: &str) -> Option<u32> {
    nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
}

/// Whether a user with this id is defined.
pub fn is_defined(uid: u32) -> bool {
    user(uid).is_some()
}

/// The primary group of `uid`, or `uid` itself when it is unknown.
pub fn primary_group(uid: u32) -> u32 {
    user(uid).map_or(uid, |user| user.gid.as_raw())
}

/// The names of the groups of `uid`.
pub fn groups(uid: u32) -> Vec<String> {
    static KNOWN: Answers<Vec<String>> = Answers::none();
    let ask = || {
        let user = user(uid)?;
        let login = std::ffi::CString::new(user.name).ok()?;
        let gids = getgrouplist(&login, user.gid).ok()?;
        Some(gids.into_iter().filter_map(group_name).collect())
    };
    KNOWN.of(uid, ask).unwrap_or_default()
}

fn group_name(gid: Gid) -> Option<String> {
    Group::from_gid(gid).ok().flatten().map(|group| group.name)
}

/// Whether nobody but the user `uid` is in the group `gid`, by the custom that a user has a group of his own name. The
/// group of root counts as such too: who is in it could do everything anyway.
pub fn is_private_group(gid: u32, uid: u32) -> bool {
    gid == 0 || user(uid).is_some_and(|user| user.gid.as_raw() == gid && group_name(user.gid) == Some(user.name))
}

/// This host's name, up to its first dot.
pub fn host() -> String {
    let full = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let short = full.split('.').next().unwrap_or_default();
    if short.is_empty() { "localhost".to_owned() } else { short.to_owned() }
}
