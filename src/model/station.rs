//! The page of a station: where people log on without an account at a terminal, and release their jobs.
//!
//! The page is served by a process of its own, which parses what a browser sends and has no rights. Between it and the server travel
//! the values of this file. Who stands there, the server finds out by the PIN; from then on a session stands for him, which the
//! server keeps, and ends. A process that was taken over reaches nobody's jobs who is not logged on there.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::bank::CardNumber;
use super::failure::{Failure, FailureKind};
use super::hours::Closed;
use super::ids::GlobalJobId;
use super::secure::{HeldElsewhere, HeldJob, HeldPage};

/// How people may log on at a station.
pub const BANKS: &[&str] = &["pin", "card", "card-and-pin", "pam", "program"];
/// Seconds without a touch after which a page logs off, where the station does not say.
pub const USUAL_IDLE_SECONDS: u64 = 60;
/// Digits of a PIN.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=32;
/// Wrong PINs in a row after which a user is refused.
pub const MOST_WRONG: u32 = 5;
/// For how many milliseconds, the first time.
pub const LOCKED_MS: i64 = 60_000;
/// How often that time doubles: after further wrong ones it is about an hour.
const DOUBLINGS: u32 = 6;

/// Returns for how many milliseconds a user is refused after so many wrong PINs in a row; none while he is not.
pub fn lock_ms(failures: u32) -> Option<i64> {
    let more = failures.checked_sub(MOST_WRONG)?;
    Some(LOCKED_MS << more.min(DOUBLINGS))
}

/// What somebody typed as a PIN. It is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// What was typed; blanks around it do not count.
    pub fn new(typed: &str) -> Self {
        Self(typed.trim().to_owned())
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Checks that it can be a PIN.
    ///
    /// # Errors
    /// `BadValue` with what a PIN is.
    pub fn check(&self) -> Result<(), Failure> {
        let digits = self.0.len();
        let bad = |why: String| {
            let (least, most) = (PIN_DIGITS.start(), PIN_DIGITS.end());
            Err(Failure::new(FailureKind::BadValue, why).hint(format!("a PIN has {least} to {most} digits")))
        };
        if !self.0.bytes().all(|octet| octet.is_ascii_digit()) || digits == 0 {
            return bad("a PIN consists of digits".to_owned());
        }
        if !PIN_DIGITS.contains(&digits) {
            return bad(format!("this PIN has {digits} digits"));
        }
        let first = self.0.bytes().next();
        if self.0.bytes().all(|octet| Some(octet) == first) {
            return bad("a PIN of one digit, repeated, is the first that is guessed".to_owned());
        }
        Ok(())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// What somebody typed as the password of his account. It is never shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Octets of the longest one: what PAM takes.
    pub const MOST: usize = 511;

    /// What was typed, with its blanks.
    pub fn new(typed: &str) -> Self {
        Self(typed.to_owned())
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The name of a session. Whoever has it is the person who logged on; it is never shown.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(pub String);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// What somebody typed to log on: a name with a PIN or a password, or the number of a card, with a PIN where the station wants one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// His name.
    pub user: String,
    /// His PIN.
    pub pin: Pin,
    /// The same as a password, where the station takes passwords.
    pub password: Password,
    /// His card.
    pub card: CardNumber,
}

/// What is to be done with jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StationAct {
    /// They are released.
    Release,
    /// They are removed.
    Delete,
}

/// Where a browser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserPlace {
    /// Its address, or that of the proxy through which it comes.
    pub address: IpAddr,
    /// Whether it runs on the machine of the page. What comes through a proxy there does not: nobody knows from where it comes.
    pub here: bool,
}

impl fmt::Display for BrowserPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if !self.here && self.address.to_canonical().is_loopback() { " (a proxy)" } else { "" };
        write!(f, "{}{by}", self.address)
    }
}

/// What the process of a page asks the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StationRequest {
    /// What is this station?
    About,
    /// Somebody logs on.
    LogOn {
        /// What he typed.
        typed: Typed,
        /// Where his browser is, as the page says.
        from: BrowserPlace,
    },
    /// What waits for him?
    Jobs {
        /// Who.
        session: SessionKey,
        /// Whether he did something, so that he stays logged on.
        touched: bool,
    },
    /// He has been shown what became of his jobs: up to there it is not told again.
    Shown {
        /// Who.
        session: SessionKey,
        /// [`StationJobs::told`] of what was shown.
        told: u64,
    },
    /// Do something with some of his jobs, in this order.
    Act {
        /// Who.
        session: SessionKey,
        /// What.
        act: StationAct,
        /// The jobs.
        jobs: Vec<GlobalJobId>,
    },
    /// Release all that can be released here, in the order of submission.
    ReleaseAll {
        /// Who.
        session: SessionKey,
    },
    /// He logs off.
    LogOff {
        /// Who.
        session: SessionKey,
    },
}

/// What a station is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationAbout {
    /// Its name.
    pub name: String,
    /// Where it stands, in words.
    pub descriptor: Option<String>,
    /// Whether people log on with a name and a PIN.
    pub takes_pin: bool,
    /// Whether they log on with a name and the password of their account.
    pub takes_password: bool,
    /// Whether they log on with a card.
    pub takes_card: bool,
    /// Whether a card needs a PIN.
    pub card_needs_pin: bool,
    /// Seconds without a touch after which the page logs off.
    pub idle_seconds: u64,
    /// Whether it is closed now.
    pub closed: Option<Closed>,
    /// Seconds until it closes; none = not within two weeks, or it is closed.
    pub closes_seconds: Option<u64>,
}

/// What became of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationOutcome {
    /// What was asked for.
    pub act: StationAct,
    /// The job.
    pub job: GlobalJobId,
    /// Its title, where it is known.
    pub title: Option<String>,
    /// The printer, of a job that was released; none of one that was removed; or why nothing was done.
    pub result: Result<Option<String>, NotDone>,
}

/// Why nothing was done with a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotDone {
    /// It would have taken too long, or the spool was lost before it.
    NotTried,
    /// He has no such job, or not any more.
    Gone,
    /// It is not released at this station, as it stands now.
    Stands(Box<HeldJob>),
    /// Its queue is paused.
    Paused(String),
    /// Its server prints nothing now.
    Stopped,
    /// There is not enough to pay for it.
    OverLimit,
    /// Whoever takes the money does not answer.
    BankSilent,
    /// Another server has it, and does not answer.
    Silent(String),
    /// Anything else; the log of the server says what.
    Other(Trouble),
}

/// Why the server did not do what a page asked, as far as whoever stands there can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// It is not allowed.
    NotAllowed,
    /// There is no room.
    Full,
    /// The server does not answer, or not in time.
    Silent,
    /// The station, or something that belongs to it, is not there any more, or lets nobody in.
    Closed,
    /// Something is broken.
    Broken,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::NotAllowed, Self::Full, Self::Silent, Self::Closed, Self::Broken];

    /// What a failure is to whoever stands at a station.
    pub fn of(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Security => Self::NotAllowed,
            FailureKind::Full => Self::Full,
            FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Unknown => Self::Silent,
            FailureKind::State | FailureKind::SpoolerState | FailureKind::NotFound | FailureKind::BadValue => {
                Self::Closed
            }
            _ => Self::Broken,
        }
    }
}

/// What waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationJobs {
    /// His name.
    pub user: String,
    /// What this server holds.
    pub page: HeldPage,
    /// What others hold, and which of them do not answer.
    pub elsewhere: HeldElsewhere,
    /// Whether more waits, here or there, than is in the two.
    pub more: bool,
    /// What became of the jobs with which he did something. It is told until he was shown it.
    pub outcomes: Vec<StationOutcome>,
    /// How many outcomes there were since he has logged on, with these.
    pub told: u64,
    /// Now, wall clock, milliseconds.
    pub now_ms: i64,
    /// Seconds until he is logged off.
    pub idle_seconds: u64,
    /// What he has left, in the words of the bank.
    pub balance: Option<String>,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StationReply {
    /// What the station is.
    About(StationAbout),
    /// He is logged on, and this stands for him.
    LoggedOn(SessionKey),
    /// The name or the PIN is wrong, or he is refused for a time: which of these, nobody is told.
    Refused,
    /// Too many have tried here lately; nothing was looked at.
    Busy,
    /// Whoever knows who may log on does not answer.
    BankSilent,
    /// The station is closed.
    Closed,
    /// What waits.
    Jobs(Box<StationJobs>),
    /// It was done; what became of each job is told with the jobs.
    Done,
    /// Nobody is logged on by that name: he was logged off.
    NoSession,
    /// It could not be done.
    Failed(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_digits_that_are_not_all_the_same_and_is_never_shown() {
        assert!(Pin::new(" 4071\n").check().is_ok());
        for bad in ["", "407", "4071a", "４０７１", "1111", "-4071", &"12".repeat(17)] {
            assert!(Pin::new(bad).check().is_err(), "{bad}");
        }
        assert!(!format!("{:?}", Pin::new("4071")).contains("4071"));
        assert!(!format!("{:?}", SessionKey("4071".into())).contains("4071"));
        assert!(!format!("{:?}", Password::new("4071")).contains("4071"));
    }

    #[test]
    fn a_user_is_refused_after_five_wrong_pins_and_for_an_hour_at_most() {
        assert_eq!(lock_ms(4), None);
        assert_eq!(lock_ms(5), Some(60_000));
        assert_eq!(lock_ms(6), Some(120_000));
        assert_eq!(lock_ms(u32::MAX), Some(64 * 60_000));
    }
}
