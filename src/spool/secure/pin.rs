//! PINs: how somebody proves at a station who he is.
//!
//! A PIN is kept as a hash (argon2id with a salt of its own). What is tried is counted before it is looked at, in a transaction of
//! its own: so tries that come at once count each, and a crash forgives none. After five wrong ones in a row the user is refused for
//! a minute, then for twice as long with each further one. A right one ends the count. What is tried from other machines has a count
//! of its own: nobody there shuts out a person who stands at the station.
//!
//! A name that nobody has, a user without a PIN and one who is refused for a time cost the same as a wrong PIN: a transaction and a
//! hash. Nobody learns which names there are.

use std::sync::{Mutex, OnceLock, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::model::authority::{NOBODY, Right};
use crate::model::event::EventWord;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::station::{BrowserPlace, Pin, StationAbout, USUAL_IDLE_SECONDS, lock_ms};
use crate::model::time::Moment;
use crate::model::{Call, Caller, Failure, FailureKind, ObjectId};
use crate::store::event::{Object, record};
use crate::store::pin::Wrong;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::users;

use super::texts;
use crate::model::field::Value;
use crate::spool::objects::kept::not_found;
use crate::spool::{Room, Spool};

/// Somebody who has proved who he is.
#[derive(Clone, Debug)]
pub struct KnownPerson {
    /// Who he is to the spool: a user of this machine if he is one. Never an operator.
    pub caller: Caller,
    /// The object that describes him.
    user: ObjectId,
    /// The PIN with which he logged on; another one ends what he began.
    hash: String,
}

impl KnownPerson {
    /// Whether both are the same user, whatever the PIN was.
    pub(crate) fn is_same_user(&self, other: &Self) -> bool {
        self.user == other.user
    }

    /// Somebody for a test.
    #[cfg(test)]
    pub(crate) fn sample(user: i64) -> Self {
        Self { caller: users::of_uid(NOBODY), user: ObjectId(user), hash: String::new() }
    }
}

/// One at a time: each takes 19 MiB while it runs.
static HASHING: Mutex<()> = Mutex::new(());

fn hash(pin: &Pin) -> Result<String, Failure> {
    let _alone = HASHING.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = |why: &dyn std::fmt::Display| Failure::internal(format!("the PIN cannot be hashed: {why}"));
    let hash: PasswordHash = Argon2::default().hash_password(pin.octets()).map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

fn is_right(pin: &Pin, hash: &str) -> bool {
    let _alone = HASHING.lock().unwrap_or_else(PoisonError::into_inner);
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(pin.octets(), &hash).is_ok())
}

/// The hash of a PIN that nobody has.
fn of_nobody() -> Result<&'static str, Failure> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let made = hash(&Pin::new("no digits at all"))?;
    Ok(HASH.get_or_init(|| made))
}

/// A user, and the hash of the PIN of that user.
type Hashed = (ObjectName, ObjectId, String);

/// A try that was counted.
#[derive(Debug)]
pub(in crate::spool) struct Tried {
    /// Against what it is held, if anything.
    found: Option<Hashed>,
    /// The realm of names without one.
    realm: String,
    /// Whether it was made beside the station.
    here: bool,
}

impl Spool {
    /// Sets the PIN of a user, or takes it from him. Whoever may configure the spool may do so, and each user for himself.
    pub(crate) fn set_pin(&self, call: &Call, user: ObjectName, pin: Option<Pin>) -> Fallible<()> {
        let class = ObjectClass::User;
        // Whoever may not has nothing hashed.
        self.look(call, |tx| {
            demand_pin_of(tx, &user)?;
            store::object::by_name(tx, class, &user)?.map(drop).ok_or_else(|| unknown(&user))
        })?;
        let hash = match &pin {
            Some(pin) => {
                pin.check()?;
                Some(hash(pin)?)
            }
            None => None,
        };
        self.change(Room::Gives, call, move |tx| {
            demand_pin_of(tx, &user)?;
            let row = store::object::to_change(tx, class, &user)?.ok_or_else(|| unknown(&user))?;
            let said = match &hash {
                Some(hash) => {
                    store::pin::set(tx, row.id, hash)?;
                    "a PIN was set"
                }
                None => {
                    store::pin::forget(tx, row.id)?;
                    "the PIN was taken away"
                }
            };
            record(tx, Object::Kept(class, row.id), EventWord::Altered, said)
        })
    }

    /// Refuses whoever may not open the page of a station. Where no server has the spool, nobody could ask over its sockets.
    pub(crate) fn serve_station(&self, call: &Call, station: &ObjectName) -> Fallible<()> {
        self.demand_station(call, station)?;
        Err(Failure::new(FailureKind::Unsupported, "the page of a station needs a server, and none has this spool")
            .hint("pdserver --base DIR --socket PATH   serves it"))
    }

    /// Refuses whoever may not open the page of this station.
    ///
    /// # Errors
    /// `Security` for users who are no operators; `NotFound` where there is no such station.
    pub fn demand_station(&self, call: &Call, station: &ObjectName) -> Fallible<()> {
        self.look(call, |tx| {
            Self::demand(tx, Right::Configure)?;
            self.station(tx, Some(station)).map(drop)
        })
    }

    /// Returns what a station is to whoever stands before its page.
    ///
    /// # Errors
    /// `NotFound` where there is no such station.
    pub fn about_station(&self, call: &Call, station: &ObjectName) -> Fallible<StationAbout> {
        self.look(call, |tx| about(tx, station))
    }

    /// Finds out who stands at a station by the name and the PIN that he typed into a browser that is at `from`; none when one of
    /// them is wrong, or he is refused for a time.
    ///
    /// # Errors
    /// `State` where the station takes no PIN. When the spool cannot be changed nobody is let in.
    pub fn log_on(
        &self,
        station: &ObjectName,
        user: &str,
        pin: &Pin,
        from: BrowserPlace,
        now: &Moment,
    ) -> Fallible<Option<KnownPerson>> {
        let call = Call::of_spooler(now);
        self.look(&call, |tx| demand_pin(tx, station))?;
        let name: Option<ObjectName> = user.trim().parse().ok();
        let place = format!("{station} from {from}");
        let tried = self.try_pin(&call, name, place, from.here)?;
        let known = match &tried.found {
            Some((_, _, hash)) => is_right(pin, hash),
            None => {
                // It takes as long as with somebody's.
                is_right(pin, of_nobody()?);
                false
            }
        };
        if known { self.let_in(&call, tried) } else { Ok(None) }
    }

    /// Lets in whoever had the right PIN, unless it has changed since, and ends the count of wrong ones from where he is.
    pub(in crate::spool) fn let_in(&self, call: &Call, tried: Tried) -> Fallible<Option<KnownPerson>> {
        let here = tried.here;
        let Some((name, user, hash)) = tried.found else { return Ok(None) };
        let Some(caller) = person(&name, &tried.realm) else { return Ok(None) };
        let kept = hash.clone();
        let stands = self.change(Room::Gives, call, move |tx| {
            tx.lock(Lock::Kept(user))?;
            let stands = store::pin::of(tx, user)?.is_some_and(|row| row.hash == kept);
            if stands {
                store::pin::note(tx, user, here, Wrong::default())?;
            }
            Ok(stands)
        })?;
        Ok(stands.then_some(KnownPerson { caller, user, hash }))
    }

    /// Counts a try at `place`, beside the station or not, and returns against whose hash it is to be held.
    pub(in crate::spool) fn try_pin(
        &self,
        call: &Call,
        name: Option<ObjectName>,
        place: String,
        here: bool,
    ) -> Fallible<Tried> {
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            let class = ObjectClass::User;
            let realm = spool.directory(tx)?.realms.usual;
            let row = match &name {
                Some(name) => store::object::to_change(tx, class, name)?,
                None => None,
            };
            let now = store::spool::time(tx)?.0;
            let pin = match &row {
                Some(row) => store::pin::of(tx, row.id)?,
                None => None,
            };
            let free = pin.filter(|pin| pin.wrong(here).locked_until.is_none_or(|until| until <= now));
            let Some((row, pin)) = row.zip(free) else {
                tx.lock(Lock::Kept(store::pin::NOBODY))?;
                let tried = store::pin::of(tx, store::pin::NOBODY)?.map_or(0, |pin| pin.wrong(here).failures);
                let wrong = Wrong { failures: tried.wrapping_add(1), locked_until: None };
                store::pin::note(tx, store::pin::NOBODY, here, wrong)?;
                return Ok(Tried { found: None, realm, here });
            };
            let failures = pin.wrong(here).failures.saturating_add(1);
            let lock = lock_ms(failures);
            let wrong = Wrong { failures, locked_until: lock.map(|span| now.saturating_add(span)) };
            store::pin::note(tx, row.id, here, wrong)?;
            if let Some(span) = lock {
                let from = if here { "" } else { " from other machines" };
                let why = format!(
                    "try {failures} in a row at station {place}: unless this PIN is right, none{from} is looked at for {} s",
                    span / 1000
                );
                record(tx, Object::Kept(class, row.id), EventWord::Refused, &why)?;
            }
            Ok(Tried { found: Some((row.name, row.id, pin.hash)), realm, here })
        })
    }

    /// Whether somebody who has logged on at a station may go on: his PIN is the same, and the station takes PINs.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn still_known(&self, call: &Call, station: &ObjectName, person: &KnownPerson) -> Fallible<bool> {
        self.look(call, |tx| {
            let same = store::pin::of(tx, person.user)?.is_some_and(|row| row.hash == person.hash);
            Ok(same && about(tx, station).is_ok_and(|station| station.takes_pin))
        })
    }
}

fn about(tx: &Tx<'_>, name: &ObjectName) -> Fallible<StationAbout> {
    let class = ObjectClass::Station;
    let row = store::object::by_name(tx, class, name)?
        .ok_or_else(|| Failure::not_found(format!("station {name}")).hint("pdls -c station   lists the stations"))?;
    let values = store::object::values(tx, class, row.id)?;
    let all = |name: &str| texts(values.get(name).map(|values| Value::Many(values.clone())));
    let idle = match values.get("log-off-after").and_then(|values| values.first()) {
        Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(USUAL_IDLE_SECONDS),
        _ => USUAL_IDLE_SECONDS,
    };
    Ok(StationAbout {
        name: row.name.to_string(),
        descriptor: all("descriptor").pop(),
        takes_pin: all("bank").iter().any(|word| word == "pin"),
        idle_seconds: idle,
    })
}

fn demand_pin(tx: &Tx<'_>, station: &ObjectName) -> Fallible<()> {
    if about(tx, station)?.takes_pin {
        return Ok(());
    }
    Err(Failure::new(FailureKind::State, format!("station {station} lets nobody log on with a PIN"))
        .hint(format!("pdset -c station -x bank=pin {station}   has it let them")))
}

fn demand_pin_of(tx: &Tx<'_>, user: &ObjectName) -> Fallible<()> {
    let caller = tx.caller()?;
    match caller.uid < NOBODY && caller.user == user.as_str() {
        true => Ok(()),
        false => Spool::demand(tx, Right::Configure),
    }
}

fn unknown(user: &ObjectName) -> Failure {
    not_found(ObjectClass::User, user).hint(format!("pdcreate -c user SERVER:{user}   describes him"))
}

/// Who a described user is to the spool: the user of this machine who has that name. One without an account here has the name
/// alone, in the realm of names without one. Root and the account of the server log on nowhere.
fn person(name: &ObjectName, realm: &str) -> Option<Caller> {
    match users::uid_of(name.as_str()) {
        Some(uid) if uid == 0 || uid == nix::unistd::geteuid().as_raw() => None,
        Some(uid) => Some(Caller { operator: false, ..users::of_uid(uid) }),
        None => {
            let (user, host) = name.as_str().rsplit_once('@').unwrap_or((name.as_str(), realm));
            Some(Caller {
                uid: NOBODY,
                user: user.to_owned(),
                host: host.to_owned(),
                groups: Vec::new(),
                operator: false,
            })
        }
    }
}
