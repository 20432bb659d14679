//! Who has logged on at a door: with a password, which PAM is asked about, or with a certificate.
//!
//! The process of the door parses what strangers send, so it is not believed who somebody is. It hands over what he has shown, and gets
//! a word that nobody guesses; with that word it asks for him. A process that was taken over reaches nobody's jobs who never
//! connected to it. The proof of a certificate is looked at here too: it is signed for one handshake, and taken once, so that a process
//! which was taken over cannot show again what it has seen. Which handshake it was is not known here: one that was never shown to us, or
//! that was shown before the server was started, would be taken.
//!
//! A crash ends all log ons: whoever is connected then is so no more.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::model::authority::NOBODY;
use crate::model::door::{ClientFault, ClientProof, DoorLogin, DoorReply, DoorRequest, DoorTrouble};
use crate::model::station::Password;
use crate::model::{Call, Caller, Failure, FailureKind};
use crate::spool::secure::password::{Checked, Login};
use crate::sys::{clock, users};

use super::{CLIENT_PROOF, MOST_NAME, Sender, Shared, is_proof_of, is_somebody, line, lock};

/// People who are logged on at a door at a time; whoever did nothing for the longest time goes first.
const MOST: usize = 4096;
/// How long somebody is logged on, whatever he does: an account that is closed meanwhile is not let in for ever. Twice as long as his
/// connection relies on it, so that a job which takes hours to arrive ends under the name under which it began.
const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Wrong names and passwords from one address within a minute; then none from there is looked at.
const MOST_WRONG: usize = 10;
/// For how long a wrong one counts.
const WRONG_COUNTS: Duration = Duration::from_secs(60);
/// Passwords that are looked at at a time for one door, and of those from one address: others have work for the door, too.
const MOST_AT_ONCE: usize = 16;
const MOST_AT_ONCE_FROM: usize = 8;
/// Addresses of which wrong ones are counted; the oldest go first.
const MOST_ADDRESSES: usize = 10_000;
/// Certificates of a chain.
const MOST_CHAIN: usize = 8;
/// Proofs of handshakes that are remembered; the oldest go first.
const MOST_PROOFS: usize = 100_000;

/// The proofs that were shown, at whatever door, also by processes of doors that have ended.
static PROOFS: LazyLock<Mutex<Proofs>> = LazyLock::new(Mutex::default);

/// What was signed in handshakes, as digests. The signature is not part of it: of some there are several for the same.
#[derive(Debug, Default)]
struct Proofs {
    shown: HashSet<blake3::Hash>,
    order: VecDeque<blake3::Hash>,
}

impl Proofs {
    /// Remembers one; false if it was shown before.
    fn add(&mut self, message: &[u8]) -> bool {
        let digest = blake3::hash(message);
        if !self.shown.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > MOST_PROOFS
            && let Some(oldest) = self.order.pop_front()
        {
            self.shown.remove(&oldest);
        }
        true
    }
}

/// Who is logged on, and what was tried.
#[derive(Debug, Default)]
pub(super) struct Logins {
    known: HashMap<DoorLogin, Known>,
    wrong: HashMap<IpAddr, VecDeque<Instant>>,
    /// From where passwords came that are being looked at.
    looked_at: Vec<IpAddr>,
}

/// What becomes of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    /// It is looked at.
    Begins,
    /// So many were wrong that it is not.
    Wrong,
    /// So many are being looked at that this one has to come again.
    Late,
}

/// Somebody who is logged on.
#[derive(Debug)]
struct Known {
    user: String,
    since: Instant,
    used: Instant,
}

/// Addresses of IPv6 are counted by their network: whoever has one has all of it.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

impl Logins {
    fn add(&mut self, login: DoorLogin, user: String, now: Instant) {
        self.known.retain(|_, known| now.saturating_duration_since(known.since) < LASTS);
        if self.known.len() >= MOST
            && let Some(oldest) = self.known.iter().min_by_key(|(_, known)| known.used).map(|(login, _)| login.clone())
        {
            self.known.remove(&oldest);
        }
        self.known.insert(login, Known { user, since: now, used: now });
    }

    fn user(&mut self, login: &DoorLogin, now: Instant) -> Option<String> {
        let known = self.known.get_mut(login)?;
        if now.saturating_duration_since(known.since) >= LASTS {
            self.known.remove(login);
            return None;
        }
        known.used = now;
        Some(known.user.clone())
    }

    /// Ends a log on.
    pub(super) fn remove(&mut self, login: &DoorLogin) {
        self.known.remove(login);
    }

    /// Counts a try before it is looked at, so that those that come at once count too. One that begins ends with `end`.
    fn begin(&mut self, address: IpAddr, now: Instant) -> Try {
        let address = counted(address);
        let from_there = self.looked_at.iter().filter(|one| **one == address).count();
        if self.looked_at.len() >= MOST_AT_ONCE || from_there >= MOST_AT_ONCE_FROM {
            return Try::Late;
        }
        if self.wrong.len() >= MOST_ADDRESSES && !self.wrong.contains_key(&address) {
            self.wrong
                .retain(|_, tried| tried.back().is_some_and(|at| now.saturating_duration_since(*at) < WRONG_COUNTS));
            if self.wrong.len() >= MOST_ADDRESSES {
                return Try::Wrong;
            }
        }
        let tried = self.wrong.entry(address).or_default();
        tried.retain(|at| now.saturating_duration_since(*at) < WRONG_COUNTS);
        if tried.len() >= MOST_WRONG {
            return Try::Wrong;
        }
        tried.push_back(now);
        self.looked_at.push(address);
        Try::Begins
    }

    /// The try that began then has ended; one that was not wrong does not count.
    fn end(&mut self, address: IpAddr, began: Instant, was_wrong: bool) {
        let address = counted(address);
        if let Some(place) = self.looked_at.iter().position(|one| *one == address) {
            self.looked_at.swap_remove(place);
        }
        if was_wrong {
            return;
        }
        if let Some(tried) = self.wrong.get_mut(&address) {
            if let Some(place) = tried.iter().position(|at| *at == began) {
                tried.remove(place);
            }
            if tried.is_empty() {
                self.wrong.remove(&address);
            }
        }
    }
}

/// Whether that may be the name of somebody who logs on: neither root nor the account of the server, however they are written.
fn may_be(user: &str) -> bool {
    let refused = [0, nix::unistd::geteuid().as_raw()].map(users::name);
    let plain = user.rsplit_once('@').map_or(user, |(name, _)| name);
    !user.is_empty()
        && user.chars().count() <= MOST_NAME
        && line(user, MOST_NAME) == user
        && !user.contains(char::is_whitespace)
        && !refused.iter().any(|refused| refused.eq_ignore_ascii_case(plain))
        && users::uid_of(user).is_none_or(is_somebody)
}

impl Shared {
    /// Puts the name of whoever has logged on in the place of the word that stands for him.
    pub(super) fn name_login(&self, request: &mut DoorRequest) -> Result<(), Failure> {
        let Some(place) = request.login_mut() else { return Ok(()) };
        let Some(word) = place.take() else { return Ok(()) };
        let user = lock(&self.logins).user(&word, Instant::now());
        let user = user.ok_or_else(|| Failure::new(FailureKind::Security, "nobody is logged on by that word"))?;
        *place = Some(DoorLogin(user.clone()));
        // Whom we know needs no other name.
        if let DoorRequest::Jobs { asker, .. }
        | DoorRequest::Arrives { asker, .. }
        | DoorRequest::Append { asker, .. }
        | DoorRequest::Act { asker, .. } = request
        {
            asker.user = Some(user);
        }
        Ok(())
    }

    /// Who somebody is who has logged on: the user of this machine who has that name, else the name alone in the realm of names
    /// without one. That is no address, so nobody is he who only says so.
    pub(super) fn logged_on(&self, user: &str) -> Result<Sender, Failure> {
        if let Some(uid) = users::uid_of(user).filter(|uid| is_somebody(*uid)) {
            let caller = Caller { operator: false, ..users::of_uid(uid) };
            return Ok(Sender { owner: caller.user.clone(), host: caller.host.clone(), caller });
        }
        let realm = self.spool.usual_realm(&self.call())?;
        let (user, host) = user.rsplit_once('@').unwrap_or((user, realm.as_str()));
        let caller =
            Caller { uid: NOBODY, user: user.to_owned(), host: host.to_owned(), groups: Vec::new(), operator: false };
        Ok(Sender { owner: format!("{user}@{host}"), host: host.to_owned(), caller })
    }

    fn let_in(&self, user: String) -> Result<DoorReply, Failure> {
        let login = DoorLogin(crate::server::new_word()?);
        lock(&self.logins).add(login.clone(), user, Instant::now());
        Ok(DoorReply::LoggedOn { login })
    }

    /// Somebody logs on with a password.
    pub(super) fn log_on(&self, user: &str, password: &Password, peer: Option<IpAddr>) -> Result<DoorReply, Failure> {
        if !self.settings()?.log_on.pam {
            let why = format!("door {} takes no passwords", self.name);
            return Err(Failure::new(FailureKind::Security, why));
        }
        let (Some(address), began) = (peer, Instant::now()) else {
            return Err(Failure::new(FailureKind::Security, "nobody knows from where that comes"));
        };
        let from = address.to_canonical();
        let refused = |why: &str| {
            self.trouble(DoorTrouble::TurnedAway, &format!("a wrong name or password from {from}{why}"));
            Ok(DoorReply::NotLoggedOn)
        };
        match lock(&self.logins).begin(address, began) {
            Try::Begins => {}
            Try::Wrong => return refused(" (too many of them: none is looked at for a minute)"),
            Try::Late => {
                let why = format!("a log-on from {from}: too many people log on at this moment");
                self.trouble(DoorTrouble::TurnedAway, &why);
                return Err(Failure::new(FailureKind::Unreachable, "too many people log on at this moment"));
            }
        }
        let place = format!("door {} from {from}", self.name);
        let login = Login { user, password, place: &place, address: Some(address), here: from.is_loopback() };
        let checked = self.spool.check_password(&Call::of_spooler(&clock::now()), &login);
        // One that could not be looked at was not wrong.
        lock(&self.logins).end(address, began, matches!(checked, Ok(Checked::Refused(_))));
        match checked? {
            Checked::Known(name) if may_be(&name) => self.let_in(name),
            Checked::Known(_) => refused(" (root and the account of the server log on nowhere)"),
            Checked::Refused(why) => refused(&format!(" ({why})")),
            Checked::Silent(why) => {
                (self.log)(&format!("door {}: {why}", self.name));
                Err(Failure::new(FailureKind::Unreachable, "nobody can log on now"))
            }
        }
    }

    /// Somebody logs on with a certificate.
    pub(super) fn client(&self, proof: &ClientProof, peer: Option<IpAddr>) -> Result<DoorReply, Failure> {
        let check = lock(&self.client_check).clone();
        let check = check.ok_or_else(|| Failure::new(FailureKind::State, "the door takes no certificates"))?;
        let named = match is_proof_of(CLIENT_PROOF, &proof.message) && proof.chain.len() <= MOST_CHAIN {
            true => check(proof),
            false => Err(ClientFault::Other("it comes without the proof of a handshake".to_owned())),
        };
        let named = named.and_then(|user| if may_be(&user) { Ok(user) } else { Err(ClientFault::Nameless) });
        // One that is good is used up.
        let new = |user| match lock(&PROOFS).add(&proof.message) {
            true => Ok(user),
            false => Err(ClientFault::Other("the proof of its handshake was shown before".to_owned())),
        };
        match named.and_then(new) {
            Ok(user) => self.let_in(user),
            Err(fault) => {
                let from = peer.map_or_else(|| "nowhere".to_owned(), |peer| peer.to_canonical().to_string());
                self.trouble(DoorTrouble::TurnedAway, &format!("a certificate from {from} was refused: {fault}"));
                Ok(DoorReply::BadClient(fault))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_wrong_ones_within_a_minute_close_the_door_for_their_address_alone() {
        let (mut logins, begin) = (Logins::default(), Instant::now());
        let mut tries = |from: &str, at: Duration, was_wrong: bool| {
            let begun = logins.begin(address(from), begin + at);
            if begun == Try::Begins {
                logins.end(address(from), begin + at, was_wrong);
            }
            begun
        };
        let secs = Duration::from_secs;
        for n in 0..10 {
            assert_eq!(tries("10.0.0.1", secs(n), true), Try::Begins);
        }
        assert_eq!(tries("10.0.0.1", secs(59), false), Try::Wrong);
        assert_eq!(tries("::ffff:10.0.0.1", secs(59), false), Try::Wrong);
        assert_eq!(tries("10.0.0.2", secs(59), false), Try::Begins);
        assert_eq!(tries("10.0.0.1", secs(60), false), Try::Begins);
        // A right one is no try, and of IPv6 a network counts.
        for n in 0..20 {
            assert_eq!(tries(&format!("fd00::{n}"), Duration::from_millis(n), false), Try::Begins, "{n}");
        }
        for n in 0..11 {
            let wrong = tries(&format!("fd00::{n}"), secs(100), true);
            assert_eq!(wrong, if n < 10 { Try::Begins } else { Try::Wrong });
        }
    }

    #[test]
    fn those_who_log_on_at_once_leave_the_door_to_others() {
        let (mut logins, now) = (Logins::default(), Instant::now());
        let (ours, theirs) = (address("10.0.0.1"), address("10.0.0.2"));
        for _ in 0..MOST_AT_ONCE_FROM {
            assert_eq!(logins.begin(ours, now), Try::Begins);
        }
        assert_eq!(logins.begin(ours, now), Try::Late);
        for _ in MOST_AT_ONCE_FROM..MOST_AT_ONCE {
            assert_eq!(logins.begin(theirs, now), Try::Begins);
        }
        assert_eq!(logins.begin(address("10.0.0.3"), now), Try::Late);
        logins.end(ours, now, false);
        assert_eq!(logins.begin(theirs, now), Try::Late);
        assert_eq!(logins.begin(ours, now), Try::Begins);
    }

    #[test]
    fn a_word_stands_for_somebody_until_he_is_logged_off_and_for_twelve_hours_at_most() {
        let (mut logins, begin) = (Logins::default(), Instant::now());
        let word = |n: usize| DoorLogin(format!("word{n}"));
        logins.add(word(1), "ann".into(), begin);
        assert_eq!(logins.user(&word(1), begin + LASTS - Duration::from_millis(1)), Some("ann".into()));
        assert_eq!(logins.user(&word(2), begin), None);
        assert_eq!(logins.user(&word(1), begin + LASTS), None);
        for n in 0..MOST + 10 {
            logins.add(word(n), "bob".into(), begin + Duration::from_millis(n as u64));
        }
        assert_eq!(logins.known.len(), MOST);
        logins.remove(&word(MOST));
        assert_eq!(logins.user(&word(MOST), begin), None);
    }

    #[test]
    fn a_proof_is_taken_once_and_the_oldest_is_forgotten_first() {
        let mut proofs = Proofs::default();
        assert!(proofs.add(b"0") && proofs.add(b"1"));
        assert!(!proofs.add(b"0"));
        for n in 2..=MOST_PROOFS {
            assert!(proofs.add(n.to_string().as_bytes()), "{n}");
        }
        assert!(!proofs.add(b"1") && proofs.add(b"0"));
        assert_eq!((proofs.shown.len(), proofs.order.len()), (MOST_PROOFS, MOST_PROOFS));
    }

    #[test]
    fn root_and_whatever_is_no_name_log_on_nowhere() {
        for wrong in ["", "root", "ROOT", "root@acme", "a b", "a\u{202e}b", &"x".repeat(200)] {
            assert!(!may_be(wrong), "{wrong}");
        }
        assert!(may_be("nobody.here") && may_be("ann@corp.local"));
    }
}
