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
use crate::model::bank::Question;
use crate::model::event::EventWord;
use crate::model::hours::{Closed, Standing};
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::station::{BrowserPlace, Pin, StationAbout, Typed, USUAL_IDLE_SECONDS, lock_ms};
use crate::model::time::Moment;
use crate::model::{Call, Caller, Failure, FailureKind, ObjectId};
use crate::store::event::{Object, record};
use crate::store::pin::Wrong;
use crate::store::{self, Fallible, Lock, Tx};
use crate::sys::users;

use super::bank::bank_of;
use super::password::{Checked, Login};
use super::texts;
use crate::model::field::Value;
use crate::spool::objects::kept::not_found;
use crate::spool::{Room, Spool};

/// Somebody who has proved who he is.
#[derive(Clone, Debug)]
pub struct KnownPerson {
    /// Who he is to the spool: a user of this machine if he is one. Never an operator.
    pub caller: Caller,
    /// With what he logged on; when it is no longer his, that ends what he began.
    proof: Proof,
}

/// What somebody logged on with.
#[derive(Clone, Debug)]
enum Proof {
    /// A user with a PIN: its hash.
    Pin(ObjectId, String),
    /// A user with a card: its hash, and that of the PIN where one was needed.
    Card(ObjectId, String, Option<String>),
    /// The program of the bank of that name said so.
    Program(String),
    /// The password of an account.
    Password,
}

/// What came of a log on.
#[derive(Clone, Debug)]
pub enum LoggedOn {
    /// He is let in.
    Known(Box<KnownPerson>),
    /// Something is wrong, or he is refused for a time; why, for whoever runs the server, where that is known.
    Refused(Option<String>),
    /// The bank does not answer; why, in words for whoever runs it.
    BankSilent(String),
    /// The station is closed; nothing was looked at.
    Closed(Closed),
}

impl KnownPerson {
    /// Whether both are the same user, whatever the PIN was.
    pub(crate) fn is_same_user(&self, other: &Self) -> bool {
        let who = |person: &Self| (person.caller.uid, person.caller.user.clone(), person.caller.host.clone());
        who(self) == who(other)
    }

    /// Somebody for a test.
    #[cfg(test)]
    pub(crate) fn sample(user: i64) -> Self {
        let caller = Caller { user: format!("user{user}"), ..users::of_uid(NOBODY) };
        Self { caller, proof: Proof::Pin(ObjectId(user), String::new()) }
    }
}

impl LoggedOn {
    /// Who it is that is let in, if anybody.
    pub fn known(self) -> Option<KnownPerson> {
        match self {
            Self::Known(person) => Some(*person),
            Self::Refused(_) | Self::BankSilent(_) | Self::Closed(_) => None,
        }
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

    /// Finds out who stands at a station by what he typed into a browser that is at `from`.
    ///
    /// # Errors
    /// `State` where the station takes nothing of the kind. When the spool cannot be changed nobody is let in.
    pub fn log_on(&self, station: &ObjectName, typed: &Typed, from: BrowserPlace, now: &Moment) -> Fallible<LoggedOn> {
        let call = Call::of_spooler(now);
        let (about, ways, bank) =
            self.look(&call, |tx| Ok((about(tx, station)?, ways_of(tx, station)?, bank_of(tx, station)?)))?;
        if let Some(closed) = about.closed {
            return Ok(LoggedOn::Closed(closed));
        }
        let has_card = !typed.card.is_empty();
        if !has_card && ways.takes_as_password(&typed.pin) {
            return self.by_password(&call, station, typed, from);
        }
        let own = if has_card { ways.card || ways.card_and_pin } else { ways.pin };
        let known = match (own, has_card, bank.filter(|_| ways.program)) {
            (true, true, _) => self.by_card(&call, station, typed, from, ways)?,
            (true, false, _) => self.by_pin(
                &call,
                typed.user.trim().parse().ok(),
                &typed.pin,
                format!("{station} from {from}"),
                from.here,
            )?,
            (false, _, Some(bank)) => match self.by_program(&call, station, &bank.program, typed) {
                Ok(known) => known,
                Err(failure) => return Ok(LoggedOn::BankSilent(failure.message)),
            },
            (false, ..) => return Err(takes_none(station, has_card)),
        };
        Ok(known.map_or(LoggedOn::Refused(None), |person| LoggedOn::Known(Box::new(person))))
    }

    /// Finds out whether an account has that name and that password.
    fn by_password(&self, call: &Call, station: &ObjectName, typed: &Typed, from: BrowserPlace) -> Fallible<LoggedOn> {
        let place = format!("station {station} from {from}");
        let login = Login {
            user: &typed.user,
            password: &typed.password,
            place: &place,
            address: Some(from.address),
            here: from.here,
        };
        let name = match self.check_password(call, &login)? {
            Checked::Known(name) => name,
            Checked::Refused(why) => return Ok(LoggedOn::Refused(Some(why))),
            Checked::Silent(why) => return Ok(LoggedOn::BankSilent(why)),
        };
        let realm = self.usual_realm(call)?;
        Ok(match name.parse().ok().and_then(|name| person(&name, &realm)) {
            Some(caller) => LoggedOn::Known(Box::new(KnownPerson { caller, proof: Proof::Password })),
            None => LoggedOn::Refused(Some("root and the account of the server log on nowhere".to_owned())),
        })
    }

    /// Finds out who has that name and that PIN.
    fn by_pin(
        &self,
        call: &Call,
        name: Option<ObjectName>,
        pin: &Pin,
        place: String,
        here: bool,
    ) -> Fallible<Option<KnownPerson>> {
        let tried = self.try_pin(call, name, place, here)?;
        let known = match &tried.found {
            Some((_, _, hash)) => is_right(pin, hash),
            None => {
                // It takes as long as with somebody's.
                is_right(pin, of_nobody()?);
                false
            }
        };
        if known { self.let_in(call, tried) } else { Ok(None) }
    }

    /// Finds out whose a card is, and whether he has the PIN too where the station wants it.
    fn by_card(
        &self,
        call: &Call,
        station: &ObjectName,
        typed: &Typed,
        from: BrowserPlace,
        ways: Ways,
    ) -> Fallible<Option<KnownPerson>> {
        let holder = self.try_card(call, &typed.card, from.here)?;
        if ways.card {
            return Ok(holder.and_then(|holder| {
                let caller = person(&holder.name, &holder.realm)?;
                Some(KnownPerson { caller, proof: Proof::Card(holder.user, holder.card, None) })
            }));
        }
        // A card that nobody has costs a PIN, too: nobody learns which cards there are.
        let name = holder.as_ref().map(|holder| holder.name.clone());
        let known = self.by_pin(call, name, &typed.pin, format!("{station} from {from}"), from.here)?;
        Ok(known.zip(holder).map(|(known, holder)| match known.proof {
            Proof::Pin(user, pin) => KnownPerson { proof: Proof::Card(user, holder.card, Some(pin)), ..known },
            _ => known,
        }))
    }

    /// Asks the program of the bank.
    fn by_program(
        &self,
        call: &Call,
        station: &ObjectName,
        program: &str,
        typed: &Typed,
    ) -> Fallible<Option<KnownPerson>> {
        let secret = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let question = match typed.card.is_empty() {
            true => Question::new("log-on").with("user", typed.user.trim()),
            false => Question::new("log-on").with("card", typed.card.text()),
        };
        let Some(name) = self.ask_who(station, program, question.with("pin", &secret(typed.pin.octets())))? else {
            return Ok(None);
        };
        let realm = self.look(call, |tx| Ok(self.directory(tx)?.realms.usual))?;
        Ok(person(&name, &realm).map(|caller| KnownPerson { caller, proof: Proof::Program(program.to_owned()) }))
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
        Ok(stands.then_some(KnownPerson { caller, proof: Proof::Pin(user, hash) }))
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
            let Ok(ways) = ways_of(tx, station) else { return Ok(false) };
            let has_pin = |user: ObjectId, hash: &str| -> Fallible<bool> {
                Ok(store::pin::of(tx, user)?.is_some_and(|row| row.hash == hash))
            };
            Ok(match &person.proof {
                Proof::Pin(user, hash) => ways.pin && has_pin(*user, hash)?,
                Proof::Card(user, card, None) => ways.card && super::card::is_good(tx, card, *user)?,
                Proof::Card(user, card, Some(pin)) => {
                    (ways.card || ways.card_and_pin) && super::card::is_good(tx, card, *user)? && has_pin(*user, pin)?
                }
                Proof::Password => ways.pam,
                Proof::Program(name) => ways.program && bank_of(tx, station)?.is_some_and(|bank| bank.program == *name),
            })
        })
    }
}

/// How people log on at a station.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    pin: bool,
    card: bool,
    card_and_pin: bool,
    pam: bool,
    program: bool,
}

impl Ways {
    /// Whether what stands where a PIN or a password may stand is a password. Where both are taken, digits alone are a PIN.
    fn takes_as_password(self, typed: &Pin) -> bool {
        self.pam && !(self.pin && !typed.octets().is_empty() && typed.octets().iter().all(u8::is_ascii_digit))
    }
}

fn ways_of(tx: &Tx<'_>, name: &ObjectName) -> Fallible<Ways> {
    let class = ObjectClass::Station;
    let row = store::object::by_name(tx, class, name)?.ok_or_else(|| no_such_station(name))?;
    let values = store::object::values(tx, class, row.id)?;
    let words = texts(values.get("bank").map(|values| Value::Many(values.clone())));
    let has = |word: &str| words.iter().any(|one| one == word);
    Ok(Ways {
        pin: has("pin"),
        card: has("card"),
        card_and_pin: has("card-and-pin"),
        pam: has("pam"),
        program: has("program"),
    })
}

fn no_such_station(name: &ObjectName) -> Failure {
    Failure::not_found(format!("station {name}")).hint("pdls -c station   lists the stations")
}

fn takes_none(station: &ObjectName, card: bool) -> Failure {
    let (what, word) = if card { ("card", "card") } else { ("PIN", "pin") };
    Failure::new(FailureKind::State, format!("station {station} lets nobody log on with a {what}"))
        .hint(format!("pdset -c station -x bank={word} {station}   has it let them"))
}

fn about(tx: &Tx<'_>, name: &ObjectName) -> Fallible<StationAbout> {
    let class = ObjectClass::Station;
    let row = store::object::by_name(tx, class, name)?.ok_or_else(|| no_such_station(name))?;
    let ways = ways_of(tx, name)?;
    let values = store::object::values(tx, class, row.id)?;
    let all = |name: &str| texts(values.get(name).map(|values| Value::Many(values.clone())));
    let idle = match values.get("log-off-after").and_then(|values| values.first()) {
        Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(USUAL_IDLE_SECONDS),
        _ => USUAL_IDLE_SECONDS,
    };
    let (closed, closes_seconds) = match super::stations::hours(tx, &all("access-times")) {
        Standing::Open(left_ms) => (None, left_ms.map(|ms| u64::try_from(ms).unwrap_or(0).div_ceil(1000))),
        Standing::Closed(closed) => (Some(closed), None),
    };
    Ok(StationAbout {
        closed,
        closes_seconds,
        name: row.name.to_string(),
        descriptor: all("descriptor").pop(),
        takes_pin: ways.pin || ways.program,
        takes_password: ways.pam,
        takes_card: ways.card || ways.card_and_pin || ways.program,
        card_needs_pin: ways.card_and_pin && !ways.card,
        idle_seconds: idle,
    })
}

pub(super) fn demand_pin_of(tx: &Tx<'_>, user: &ObjectName) -> Fallible<()> {
    let caller = tx.caller()?;
    match caller.uid < NOBODY && caller.user == user.as_str() {
        true => Ok(()),
        false => Spool::demand(tx, Right::Configure),
    }
}

pub(super) fn unknown(user: &ObjectName) -> Failure {
    not_found(ObjectClass::User, user).hint(format!("pdcreate -c user SERVER:{user}   describes him"))
}

/// Who a described user is to the spool: the user of this machine who has that name. One without an account here has the name
/// alone, in the realm of names without one. Root and the account of the server log on nowhere.
fn person(name: &ObjectName, realm: &str) -> Option<Caller> {
    // However it is written: a directory does not tell ROOT from root.
    let plain = name.as_str().rsplit_once('@').map_or(name.as_str(), |(user, _)| user);
    let refused = [0, nix::unistd::geteuid().as_raw()].map(users::name);
    if refused.iter().any(|refused| refused.eq_ignore_ascii_case(plain)) {
        return None;
    }
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
