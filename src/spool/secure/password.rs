//! Passwords: who somebody is by the accounts of the machine, as PAM knows them.
//!
//! The server has no rights to ask PAM, and nothing that PAM loads belongs into it. So each question is a run of a program of its own,
//! `pdpam`, which gets name and password through a pipe, asks once, and ends with its answer as its status. It says yes only where both
//! the password is right and the account may be used.
//!
//! What is tried is counted before it is looked at, by name: with the PIN of whoever has one, so that one person has one count, and
//! otherwise in a row of the name. After five wrong ones in a row the name is refused for a minute, then for twice as long with each
//! further one. A name that is refused costs the same: the program runs, and asks nobody. It takes at least two seconds for each no.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::event::EventWord;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::printable::escaped;
use crate::model::station::{Password, lock_ms};
use crate::model::{Call, ObjectId};
use crate::store::event::{Object, record};
use crate::store::password::TriedName;
use crate::store::pin::Wrong;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::spawn::{self, Ended};

use crate::spool::{Room, Spool};

/// How long an answer may take, where `PD_PAM_SECONDS` says nothing.
const SECONDS: u64 = 15;
/// Questions that are under way at a time: each is a process.
const MOST_AT_ONCE: usize = 8;
/// Characters of a name.
const MOST_NAME: usize = 200;
/// For how long a name that was tried is remembered: longer than it can be refused.
const REMEMBERED_MS: i64 = 2 * 3_600_000;
/// The name of our service, where `PD_PAM_SERVICE` says nothing.
const SERVICE: &str = "spoolsuite";
/// Said where a turn does not come in time.
const TOO_MANY: &str = "too many people log on at this moment";
/// The program that asks.
const PROGRAM: &str = "pdpam";

/// A name and a password that somebody typed.
pub(crate) struct Login<'a> {
    /// The name.
    pub(crate) user: &'a str,
    /// The password.
    pub(crate) password: &'a Password,
    /// Where it was typed, in words.
    pub(crate) place: &'a str,
    /// The address of the browser or sender.
    pub(crate) address: Option<IpAddr>,
    /// Whether that is on the machine of the station or door.
    pub(crate) here: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// It is right, and this is the name of the account.
    Known(String),
    /// It is wrong, or the account may not be used, or the name is refused for a time: why, for whoever runs the server.
    Refused(String),
    /// Nobody can say; why, for whoever runs the server.
    Silent(String),
}

/// Where it is counted.
#[derive(Clone, Debug)]
enum Counted {
    /// With the PIN of a user.
    Pin(ObjectId),
    /// With a name.
    Name(String),
}

/// The service of PAM: its name, and the directory of its file where that is not the usual one.
fn service() -> (String, Option<PathBuf>) {
    let told = std::env::var_os("PD_PAM_SERVICE").filter(|told| !told.is_empty()).map(PathBuf::from);
    match told {
        Some(path) if path.is_absolute() => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name, path.parent().map(PathBuf::from))
        }
        Some(name) => (name.to_string_lossy().into_owned(), None),
        None => (SERVICE.to_owned(), None),
    }
}

fn patience() -> Duration {
    let told = std::env::var("PD_PAM_SECONDS").ok().and_then(|text| text.parse().ok()).filter(|n| (1..=60).contains(n));
    Duration::from_secs(told.unwrap_or(SECONDS))
}

/// The names of which a password is being looked at, here and from afar apart: strangers keep nobody waiting who stands there.
static NAMES: (Mutex<BTreeSet<(bool, String)>>, Condvar) = (Mutex::new(BTreeSet::new()), Condvar::new());

/// Somebody's name, of which nobody else looks at a password. Several that come at once are looked at one after the other: the right ones
/// among them would count as tries of each other.
struct Alone((bool, String));

impl Alone {
    /// Waits for it; none when it takes too long.
    fn with(name: (bool, String), until: Instant) -> Option<Self> {
        let (names, freed) = &NAMES;
        let names = names.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let waited = freed.wait_timeout_while(names, left, |names| names.contains(&name));
        let (mut names, late) = waited.unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() {
            return None;
        }
        names.insert(name.clone());
        Some(Self(name))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let (names, freed) = &NAMES;
        names.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        freed.notify_all();
    }
}

static UNDER_WAY: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// One of the questions that are under way.
struct Turn;

impl Turn {
    /// Waits for it; none when it takes too long.
    fn take(until: Instant) -> Option<Self> {
        let (count, freed) = &UNDER_WAY;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let waited = freed.wait_timeout_while(count, left, |count| *count >= MOST_AT_ONCE);
        let (mut count, late) = waited.unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() {
            return None;
        }
        *count += 1;
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (count, freed) = &UNDER_WAY;
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        freed.notify_one();
    }
}

/// Asks PAM. A name that is nobody's, as the empty one, is asked for nowhere and takes as long as any other.
fn ask(user: &str, login: &Login<'_>, until: Instant) -> Checked {
    let silent = |why: String| Checked::Silent(format!("PAM is not asked: {why}"));
    let Some(_turn) = Turn::take(until) else {
        return silent(TOO_MANY.to_owned());
    };
    let program = match spawn::program_dir() {
        Ok(dir) => dir.join(PROGRAM),
        Err(error) => return silent(format!("{PROGRAM}: {error}")),
    };
    let (service, directory) = service();
    let mut args: Vec<OsString> = Vec::new();
    if let Some(directory) = directory {
        args.extend(["--directory".into(), directory.into_os_string()]);
    }
    args.extend(["--".into(), service.into()]);
    let address = login.address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
    // For nobody it is asked so that a no takes as long as any other, whatever came as a password.
    let password: &[u8] = if user.is_empty() { b"" } else { login.password.octets() };
    let question = [user.as_bytes(), address.as_bytes(), password].join(&0);
    let left = until.saturating_duration_since(Instant::now());
    let none: &[(&str, &OsStr)] = &[];
    let asked = match spawn::ask_program(&program, &args, none, &question, left) {
        Ok(asked) => asked,
        Err(error) => return silent(format!("{}: {error}", program.display())),
    };
    let said = String::from_utf8_lossy(&asked.err);
    let said = said.trim().trim_start_matches("pdpam: ");
    let said: String = escaped(said).chars().take(200).collect();
    match asked.ended {
        Ended::Status(0) => match String::from_utf8(asked.out) {
            Ok(name) => Checked::Known(name),
            Err(_) => Checked::Silent("PAM lets in somebody whose name is none".to_owned()),
        },
        Ended::Status(1) => Checked::Refused(said),
        Ended::Status(_) => Checked::Silent(format!("PAM cannot say who somebody is: {said}")),
        Ended::Signal(signal) => Checked::Silent(format!("{PROGRAM} was ended by signal {signal}")),
        Ended::Late => Checked::Silent(format!("PAM did not answer within {} s", patience().as_secs())),
    }
}

/// Whether that can be the name of an account.
fn is_name(user: &str) -> bool {
    !user.is_empty()
        && user.chars().count() <= MOST_NAME
        && !user.starts_with('-')
        && !user.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Whether that can be a password.
fn is_password(password: &Password) -> bool {
    (1..=Password::MOST).contains(&password.octets().len()) && !password.octets().contains(&0)
}

/// A name, however it is written: a directory does not tell ANN from ann.
fn folded(user: &str) -> String {
    user.chars().take(MOST_NAME).flat_map(char::to_lowercase).collect()
}

impl Counted {
    fn of(tx: &Tx<'_>, user: &str) -> Fallible<Self> {
        if let Ok(name) = user.parse::<ObjectName>()
            && let Some(row) = store::object::to_change(tx, ObjectClass::User, &name)?
            && store::pin::of(tx, row.id)?.is_some()
        {
            return Ok(Self::Pin(row.id));
        }
        Ok(Self::Name(folded(user)))
    }

    fn lock(&self, tx: &Tx<'_>) -> Fallible<()> {
        tx.lock(Lock::Kept(match self {
            Self::Pin(user) => *user,
            Self::Name(_) => store::pin::NOBODY,
        }))
    }

    fn wrong(&self, tx: &Tx<'_>, here: bool) -> Fallible<Wrong> {
        Ok(match self {
            Self::Pin(user) => store::pin::of(tx, *user)?.map(|pin| pin.wrong(here)).unwrap_or_default(),
            Self::Name(name) => store::password::of(tx, name)?.wrong(here),
        })
    }

    fn note(&self, tx: &Tx<'_>, here: bool, wrong: Wrong, now: i64) -> Fallible<()> {
        match self {
            // A PIN that was taken away meanwhile has no count any more.
            Self::Pin(user) if store::pin::of(tx, *user)?.is_none() => Ok(()),
            Self::Pin(user) => store::pin::note(tx, *user, here, wrong),
            Self::Name(name) => {
                let before = store::password::of(tx, name)?;
                let tried = match here {
                    true => TriedName { here: wrong, ..before },
                    false => TriedName { afar: wrong, ..before },
                };
                let nothing = |wrong: Wrong| wrong.failures == 0 && wrong.locked_until.is_none();
                match nothing(tried.here) && nothing(tried.afar) {
                    true => store::password::forget(tx, name),
                    false => store::password::note(tx, name, tried, now),
                }
            }
        }
    }
}

impl Spool {
    /// Finds out whether a name and a password are those of an account that may be used.
    ///
    /// # Errors
    /// When the spool cannot be changed: then nothing was looked at.
    pub(crate) fn check_password(&self, call: &Call, login: &Login<'_>) -> Fallible<Checked> {
        let user = login.user.trim();
        let can_be = is_name(user) && is_password(login.password);
        let (name, here, place) = (user.to_owned(), login.here, login.place.to_owned());
        let until = Instant::now() + patience();
        let Some(_alone) = Alone::with((here, folded(user)), until) else {
            return Ok(Checked::Silent(format!("PAM is not asked: {TOO_MANY}")));
        };
        let (counted, before) = self.change(Room::Gives, call, move |tx| {
            let counted = Counted::of(tx, &name)?;
            counted.lock(tx)?;
            let now = store::spool::time(tx)?.0;
            if let Counted::Name(_) = &counted {
                store::password::forget_before(tx, now.saturating_sub(REMEMBERED_MS))?;
            }
            let before = counted.wrong(tx, here)?;
            if before.locked_until.is_some_and(|until| now < until) {
                counted.note(tx, here, before, now)?;
                return Ok((counted, None));
            }
            let failures = before.failures.saturating_add(1);
            let span = lock_ms(failures);
            let wrong = Wrong { failures, locked_until: span.map(|span| now.saturating_add(span)) };
            counted.note(tx, here, wrong, now)?;
            if let Some(span) = span {
                let from = if here { "" } else { " from other machines" };
                let why = format!(
                    "try {failures} in a row of one name at {place}: unless this password is right, none{from} is looked at for {} s",
                    span / 1000
                );
                let of = match &counted {
                    Counted::Pin(user) => Object::Kept(ObjectClass::User, *user),
                    Counted::Name(_) => Object::Spool,
                };
                record(tx, of, EventWord::Refused, &why)?;
            }
            Ok((counted, Some(before)))
        })?;
        // What is refused anyway takes as long.
        let asks = before.is_some() && can_be;
        let answer = match (ask(if asks { user } else { "" }, login, until), asks) {
            (Checked::Known(_) | Checked::Refused(_), false) => {
                let why =
                    if before.is_none() { "the name is refused for a time" } else { "that is no name or no password" };
                Checked::Refused(why.to_owned())
            }
            (answer, _) => answer,
        };
        let Some(before) = before else { return Ok(answer) };
        let known = match &answer {
            Checked::Known(_) => true,
            // One that could not be looked at was not wrong.
            Checked::Silent(_) => false,
            Checked::Refused(_) => return Ok(answer),
        };
        self.change(Room::Gives, call, move |tx| {
            counted.lock(tx)?;
            let now = store::spool::time(tx)?.0;
            let after = match known {
                true => Wrong::default(),
                // Others may have been tried meanwhile.
                false => Wrong {
                    failures: counted.wrong(tx, here)?.failures.saturating_sub(1),
                    locked_until: before.locked_until,
                },
            };
            counted.note(tx, here, after, now)
        })?;
        Ok(answer)
    }

    /// The realm of names without one.
    pub(crate) fn usual_realm(&self, call: &Call) -> Fallible<String> {
        self.look(call, |tx| Ok(self.directory(tx)?.realms.usual))
    }
}
