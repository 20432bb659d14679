//! Claims on jobs that another server holds: what the two servers say to each other, and the rules that need no spool.
//!
//! A server that wants to print a job which is held elsewhere claims it at its owner. The claim is a lease with a number: it
//! ends by itself, unless it is renewed, and each new claim of a job has a higher number. No lease can hold back paper, so
//! the server that prints says BEGIN before the first octet leaves for the device, and the owner has that on disk before the
//! answer. From then on the lease does not end by time: the job may have printed.
//!
//! | at the owner | it ends by | the job then |
//! |---|---|---|
//! | leased | its time, an end that is reported, a change of the job there | is held as before |
//! | begun | an end that is reported | is printed; or is held, because it may have printed |
//! | | an operator who says that the other server is lost | is held, because it may have printed |
//!
//! Who counts the time? The server that prints on its own boot clock, from the moment at which it *sent* the request; the
//! owner from its answer, and [`GRACE_MS`] longer. So it never begins a job that the owner has given to another one, and the
//! owner refuses it if it does.

use serde::{Deserialize, Serialize};

use super::job::{Format, GivenValue};
use super::remote::Offer;
use super::state::{HoldReason, HoldReasons, JobState};
use super::{GlobalJobId, ServerName};

/// How long a claim lasts without being renewed.
pub const LEASE_MS: i64 = 60_000;
/// How much longer its owner waits.
pub const GRACE_MS: i64 = 10_000;
/// The longest time between an assertion and its use.
pub const ASSERTED_MS: i64 = 120_000;
/// How much later than ours the clock of the server may be that asserts something.
pub const SKEW_MS: i64 = 30_000;
/// How many users one server may speak for in a minute.
pub const USERS_A_MINUTE: usize = 30;

/// Who wants to see or print his jobs, as the server says at which he is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// His login name.
    pub user: String,
    /// How he has proved it: the word of the program that asked him.
    pub method: String,
    /// The station at which he stands, if he stands at one.
    #[serde(default)]
    pub station: Option<String>,
    /// When that was, wall clock of the server that says so.
    pub at_ms: i64,
}

impl Assertion {
    /// Tells what is wrong with it at `now_ms`, wall clock.
    pub fn fault(&self, now_ms: i64) -> Option<&'static str> {
        let odd = |text: &str| text.is_empty() || text.len() > 255 || text.chars().any(char::is_control);
        match () {
            () if odd(&self.user) || self.user.contains('@') => Some("the user in it has no usable name"),
            () if odd(&self.method) || self.station.as_deref().is_some_and(odd) => Some("it does not say how it knows"),
            () if self.at_ms.saturating_sub(now_ms) > SKEW_MS => {
                Some("it is of the future: the clocks of the two servers differ by more than 30 seconds")
            }
            () if now_ms.saturating_sub(self.at_ms) > ASSERTED_MS => {
                Some("it is older than two minutes, or the clocks of the two servers differ")
            }
            () => None,
        }
    }
}

/// A job that its owner may have printed somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Releasable {
    /// Its name everywhere. It says which server has it.
    pub job: GlobalJobId,
    /// `job-name`.
    pub name: String,
    /// Owner's login name.
    pub owner: String,
    /// The queue in which it is held: what compatible queues are decided by.
    pub queue: String,
    /// Form.
    pub form: String,
    /// Why it is held.
    pub reasons: HoldReasons,
    /// Pages, copies not counted; none where nobody knows them.
    pub pages: Option<u64>,
    /// Octets.
    pub octets: u64,
    /// What its documents are.
    pub formats: Vec<Format>,
    /// When it was submitted, wall clock of its server.
    pub submitted_ms: i64,
    /// When it is removed unprinted, wall clock of its server.
    pub expires_ms: Option<i64>,
    /// What was given for it explicitly: what a printer may refuse.
    pub attributes: Vec<GivenValue>,
}

/// Whether a server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// It did.
    Yes,
    /// It did not, or said no; why.
    No(String),
}

/// What can be printed here of what other servers hold, and which of them did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasableJobs {
    /// The jobs, the eldest of each server first.
    pub jobs: Vec<Releasable>,
    /// The servers that were asked.
    pub servers: Vec<(ServerName, Answered)>,
}

/// Why a claim is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimRefusal {
    /// Another server has claimed it, or prints it.
    HeldElsewhere(String),
    /// There is no such job.
    Gone,
    /// Its queue is not shared with that printer.
    Incompatible(String),
    /// The printer does not take these.
    Attributes(Vec<String>),
    /// It belongs to somebody else.
    NotOwner,
    /// Its time is over.
    Expired,
    /// It is not held for somebody to release it, and its state says why.
    NotReleasable(String),
    /// A generation counts at the server that claims it which is not known to its owner.
    OwnerBehind(String),
    /// Its owner has taken a compatible queue away since the generation that counts at the server that claims it.
    Behind {
        /// The generation there.
        theirs: u64,
        /// The one that has taken it away.
        revoked: u64,
    },
}

impl ClaimRefusal {
    /// Its stable word.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::HeldElsewhere(_) => "held-elsewhere",
            Self::Gone => "gone",
            Self::Incompatible(_) => "incompatible",
            Self::Attributes(_) => "attributes",
            Self::NotOwner => "not-owner",
            Self::Expired => "expired",
            Self::NotReleasable(_) => "not-releasable",
            Self::OwnerBehind(_) => "generation-ahead",
            Self::Behind { .. } => "generation-behind",
        }
    }

    /// Says it of a job.
    pub fn words(&self) -> String {
        match self {
            Self::HeldElsewhere(who) => format!("server {who} has claimed it"),
            Self::Gone => "there is no such job any more".into(),
            Self::Incompatible(why) => format!("its queue is not shared with that printer: {why}"),
            Self::Attributes(missing) => format!("the printer does not take {}", missing.join(", ")),
            Self::NotOwner => "it belongs to another user".into(),
            Self::Expired => "its time is over".into(),
            Self::NotReleasable(why) => format!("it is not held to be released: {why}"),
            Self::OwnerBehind(why) => format!("{why}: try again in a moment"),
            Self::Behind { theirs, revoked } => format!(
                "generation {theirs} counts at the printer, and generation {revoked} has taken a compatible queue away: try again when \
                 that server has caught up"
            ),
        }
    }
}

/// A claim that was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// How long it lasts, from when the request was sent.
    pub lease_ms: i64,
    /// The job; its token ends with the number of the claim.
    pub offer: Offer,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimAnswer {
    /// The other server may print it.
    Granted(Box<Granted>),
    /// It may not.
    Refused(ClaimRefusal),
}

/// How a claim stands at the owner of its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseAnswer {
    /// It lasts so long, from when the request was sent.
    Stands(i64),
    /// BEGIN is on record: it does not end by time.
    Begun,
    /// It has ended; why.
    Over(String),
}

/// What became of a claimed job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimEnd {
    /// The word of a delivery, or why it did not print.
    pub outcome: String,
    /// The device.
    pub device: Option<String>,
    /// Whether octets of it may be on paper although it did not end well.
    pub begun: bool,
}

/// What the owner says to an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndAnswer {
    /// It is on record.
    Done,
    /// The claim had ended before: the number is an old one. It is on record that this came late.
    Late(String),
}

/// Why a job is not released, whoever asks; none when it may be. What holds it beside the wish of its owner, or of an operator, is
/// never overcome by a claim.
pub fn releasable(state: JobState, reasons: HoldReasons) -> Option<ClaimRefusal> {
    let waits_for_somebody = HoldReasons::NONE.with(HoldReason::Operator).with(HoldReason::SecureRelease);
    let others: Vec<&str> = reasons.without(waits_for_somebody).iter().map(HoldReason::words).collect();
    let no = |why: String| Some(ClaimRefusal::NotReleasable(why));
    match state {
        JobState::Held if others.is_empty() => None,
        JobState::Held => no(others.join("; ")),
        state => no(format!("it is {}", state.infoprint())),
    }
}

/// Returns the number of the next claim of a job: higher than every one before, also than those that a restored database forgot.
pub fn next_number(last: u32, now_ms: i64) -> u32 {
    u32::try_from(now_ms / 1000).unwrap_or(0).max(last.saturating_add(1))
}

/// Until when the owner keeps a claim that it answers at `now`, in spool time.
pub fn owner_until(now_ms: i64, lease_ms: i64) -> i64 {
    now_ms.saturating_add(lease_ms).saturating_add(GRACE_MS)
}

/// Until when the server that prints may begin: `now_ms` in spool time, of a request that was sent `ago_ms` before.
pub fn printer_until(now_ms: i64, ago_ms: i64, lease_ms: i64) -> i64 {
    now_ms.saturating_sub(ago_ms.max(0)).saturating_add(lease_ms)
}

/// Whether a claim is to be renewed: a third of it is over.
pub fn is_to_renew(now_ms: i64, until_ms: i64, lease_ms: i64) -> bool {
    until_ms.saturating_sub(now_ms) <= lease_ms / 3 * 2
}

/// For how many users one server has spoken within the last minute.
#[derive(Clone, Debug, Default)]
pub struct Spokesman(Vec<(i64, String)>);

impl Spokesman {
    /// Notes that it speaks for `user` at `now_ms` of a clock that never jumps. Returns whether it may.
    pub fn speaks_for(&mut self, user: &str, now_ms: i64) -> bool {
        self.0.retain(|(at, _)| now_ms.saturating_sub(*at) < 60_000);
        if self.0.iter().any(|(_, known)| known == user) {
            return true;
        }
        if self.0.len() >= USERS_A_MINUTE {
            return false;
        }
        self.0.push((now_ms, user.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_assertion_is_good_for_two_minutes_and_for_clocks_that_differ_by_half_a_minute() {
        let at = |at_ms| Assertion { user: "ann".into(), method: "login".into(), station: None, at_ms };
        let now = 1_000_000_000;
        for good in [0, -ASSERTED_MS, SKEW_MS] {
            assert_eq!(at(now + good).fault(now), None, "{good}");
        }
        for bad in [-ASSERTED_MS - 1, SKEW_MS + 1, i64::MIN + now, i64::MAX - now] {
            assert!(at(now + bad).fault(now).is_some(), "{bad}");
        }
        for user in ["", "ann@acme1", "a\nb"] {
            assert!(Assertion { user: user.into(), ..at(now) }.fault(now).is_some(), "{user:?}");
        }
    }

    #[test]
    fn what_is_held_for_somebody_to_release_it_may_be_released_and_nothing_else() {
        let none = HoldReasons::NONE;
        for reasons in [none.with(HoldReason::Operator), none.with(HoldReason::SecureRelease)] {
            assert_eq!(releasable(JobState::Held, reasons), None);
            for more in [HoldReason::MayHavePrinted, HoldReason::Restored, HoldReason::PrintAfter, HoldReason::Failed] {
                let refused = releasable(JobState::Held, reasons.with(more)).unwrap();
                assert!(refused.words().contains(more.words()), "{refused:?}");
            }
            for state in JobState::ALL.into_iter().filter(|state| *state != JobState::Held) {
                assert!(releasable(state, reasons).is_some(), "{state:?}");
            }
        }
    }

    #[test]
    fn a_server_speaks_for_so_many_users_a_minute() {
        let mut spokesman = Spokesman::default();
        for n in 0..USERS_A_MINUTE {
            assert!(spokesman.speaks_for(&n.to_string(), 0));
        }
        assert!(spokesman.speaks_for("0", 1), "it has spoken for him");
        assert!(!spokesman.speaks_for("another", 59_999));
        assert!(spokesman.speaks_for("another", 60_000));
    }

    proptest! {
        /// Whatever lies between the moments at which a request is sent, answered and its answer read: the server that prints
        /// gives up before the owner does, by the whole of the grace.
        #[test]
        fn who_prints_gives_up_before_the_owner(
            sent in 0i64..1_000_000, to in 0i64..100_000, back in 0i64..100_000, lease in 1i64..1_000_000,
        ) {
            let (answered, read) = (sent + to, sent + to + back);
            prop_assert!(printer_until(read, read - sent, lease) + GRACE_MS <= owner_until(answered, lease));
        }

        #[test]
        fn numbers_of_claims_rise(last in 0u32..u32::MAX, now in 0i64..4_000_000_000_000) {
            let next = next_number(last, now);
            prop_assert!(next > last);
            prop_assert!(i64::from(next) >= now / 1000);
        }
    }
}
