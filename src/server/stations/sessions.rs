//! Who is logged on at a page, and for how long.
//!
//! There is room for so many, and each person has a small part of it: whoever logs on again and again logs himself off, and nobody
//! else.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::GlobalJobId;
use crate::model::station::{SessionKey, StationOutcome};
use crate::spool::secure::pin::KnownPerson;

/// People who are logged on at one page at a time; whoever touched nothing for the longest time goes first.
const MOST: usize = 100;
/// How often one person is logged on at a time.
const MOST_OF_PERSON: usize = 4;
/// How long somebody is logged on at most.
const LONGEST: Duration = Duration::from_secs(3600);
/// Outcomes that are kept for one session: what was asked for at a time.
const MOST_OUTCOMES: usize = 2 * crate::model::query::PAGE as usize;

/// Somebody who is logged on.
pub(super) struct Session {
    pub(super) person: KnownPerson,
    since: Instant,
    pub(super) touched: Instant,
    /// Titles of the jobs that he was shown last.
    pub(super) titles: HashMap<GlobalJobId, String>,
    /// What he has left, in the words of the bank.
    pub(super) balance: Option<String>,
    /// What became of his jobs, and was not shown yet.
    outcomes: VecDeque<StationOutcome>,
    /// How many were before these.
    shown: u64,
    /// What is being done for him at the moment. Meanwhile he is not logged off for touching nothing.
    at_work: u32,
}

impl Session {
    fn is_alive(&self, idle: Duration) -> bool {
        (self.at_work > 0 || self.touched.elapsed() < idle) && self.since.elapsed() < LONGEST
    }

    /// Something is being done for him, until [`Session::done`].
    pub(super) fn begin(&mut self) {
        self.at_work += 1;
    }

    /// Whether something is being done for him, or he was not told yet what became of it.
    pub(super) fn owes_outcomes(&self) -> bool {
        self.at_work > 0 || !self.outcomes.is_empty()
    }

    /// That is over. From now on he is to see it.
    pub(super) fn done(&mut self, outcomes: impl IntoIterator<Item = StationOutcome>) {
        self.at_work = self.at_work.saturating_sub(1);
        self.touched = Instant::now();
        self.outcomes.extend(outcomes);
        let over = self.outcomes.len().saturating_sub(MOST_OUTCOMES);
        self.outcomes.drain(..over);
        self.shown += over as u64;
    }

    /// What became of his jobs and was not shown yet, and how many there were up to there.
    pub(super) fn outcomes(&self) -> (Vec<StationOutcome>, u64) {
        (self.outcomes.iter().cloned().collect(), self.shown + self.outcomes.len() as u64)
    }

    /// He was shown what was told up to there.
    pub(super) fn was_shown(&mut self, told: u64) {
        let seen = usize::try_from(told.saturating_sub(self.shown)).unwrap_or(usize::MAX).min(self.outcomes.len());
        self.outcomes.drain(..seen);
        self.shown += seen as u64;
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Sessions(HashMap<SessionKey, Session>);

impl Sessions {
    /// Somebody has logged on. Who touched nothing for as long as `idle` is logged off.
    pub(super) fn add(&mut self, key: SessionKey, person: KnownPerson, idle: Duration) {
        self.0.retain(|_, session| session.is_alive(idle));
        self.make_room(MOST_OF_PERSON, |session| session.person.is_same_user(&person));
        self.make_room(MOST, |_| true);
        let now = Instant::now();
        let session = Session {
            person,
            since: now,
            touched: now,
            titles: HashMap::new(),
            balance: None,
            outcomes: VecDeque::new(),
            shown: 0,
            at_work: 0,
        };
        self.0.insert(key, session);
    }

    /// Ends sessions of this kind until there are fewer than `most`.
    fn make_room(&mut self, most: usize, is_one: impl Fn(&Session) -> bool) {
        let mut found: Vec<_> = self.0.iter().filter(|(_, session)| is_one(session)).collect();
        found.sort_by_key(|(_, session)| session.touched);
        let over = (found.len() + 1).saturating_sub(most);
        let keys: Vec<SessionKey> = found.into_iter().take(over).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.0.remove(&key);
        }
    }

    /// The session of that name, unless it has ended.
    pub(super) fn get(&mut self, key: &SessionKey, idle: Duration) -> Option<&mut Session> {
        self.0.retain(|_, session| session.is_alive(idle));
        self.0.get_mut(key)
    }

    /// Ends a session.
    pub(super) fn remove(&mut self, key: &SessionKey) -> Option<Session> {
        self.0.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Serial;
    use crate::model::station::StationAct;

    const IDLE: Duration = Duration::from_secs(600);

    fn outcome(n: u64) -> StationOutcome {
        let job = GlobalJobId { server: "acme1".parse().unwrap(), serial: Serial(Serial::MIN + n) };
        StationOutcome { act: StationAct::Release, job, title: None, result: Ok(None) }
    }

    #[test]
    fn what_became_of_jobs_is_told_until_it_was_shown() {
        let mut sessions = Sessions::default();
        sessions.add(key(1, 0), KnownPerson::sample(1), IDLE);
        let session = sessions.get(&key(1, 0), IDLE).unwrap();
        session.begin();
        session.done([outcome(1), outcome(2)]);
        let (first, told) = session.outcomes();
        assert_eq!((first.len(), told), (2, 2));
        // Before he was shown them, something else ends.
        session.begin();
        session.done([outcome(3)]);
        assert_eq!(session.outcomes(), (vec![outcome(1), outcome(2), outcome(3)], 3));
        session.was_shown(told);
        // Two windows show the same.
        session.was_shown(told);
        assert_eq!(session.outcomes(), (vec![outcome(3)], 3));
        session.was_shown(u64::MAX);
        assert_eq!(session.outcomes(), (Vec::new(), 3));
        session.done((0..3 * MOST_OUTCOMES as u64).map(outcome));
        let (kept, told) = session.outcomes();
        assert_eq!((kept.len(), told), (MOST_OUTCOMES, 3 + 3 * MOST_OUTCOMES as u64));
    }

    #[test]
    fn nobody_is_logged_off_while_his_jobs_are_being_released() {
        let mut sessions = Sessions::default();
        sessions.add(key(1, 0), KnownPerson::sample(1), IDLE);
        sessions.get(&key(1, 0), IDLE).unwrap().begin();
        // Whatever the station says: it took longer.
        let session = sessions.get(&key(1, 0), Duration::ZERO).expect("he is logged off");
        session.done([outcome(1)]);
        assert_eq!(sessions.get(&key(1, 0), IDLE).unwrap().outcomes().1, 1);
        assert!(sessions.get(&key(1, 0), Duration::ZERO).is_none());
    }

    fn key(user: i64, n: usize) -> SessionKey {
        SessionKey(format!("{user}-{n}"))
    }

    #[test]
    fn one_person_who_logs_on_again_and_again_logs_nobody_else_off() {
        let mut sessions = Sessions::default();
        sessions.add(key(1, 0), KnownPerson::sample(1), IDLE);
        for n in 0..300 {
            sessions.add(key(2, n), KnownPerson::sample(2), IDLE);
        }
        assert!(sessions.get(&key(1, 0), IDLE).is_some());
        let his: Vec<usize> = (0..300).filter(|n| sessions.get(&key(2, *n), IDLE).is_some()).collect();
        assert_eq!(his, [296, 297, 298, 299], "the last ones of his own stay");
    }

    #[test]
    fn when_the_page_is_full_whoever_touched_nothing_for_the_longest_time_goes_first() {
        let mut sessions = Sessions::default();
        for user in 0..MOST as i64 {
            sessions.add(key(user, 0), KnownPerson::sample(user), IDLE);
        }
        sessions.get(&key(0, 0), IDLE).unwrap().touched = Instant::now();
        sessions.add(key(1000, 0), KnownPerson::sample(1000), IDLE);
        assert!(sessions.get(&key(0, 0), IDLE).is_some() && sessions.get(&key(1000, 0), IDLE).is_some());
        assert!(sessions.get(&key(1, 0), IDLE).is_none());
        assert_eq!(sessions.0.len(), MOST);
    }
}
