//! Who is logged on at a page, and for how long.
//!
//! There is room for so many, and each person has a small part of it: whoever logs on again and again logs himself off, and nobody
//! else.

use std::collections::HashMap;
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

/// Somebody who is logged on.
pub(super) struct Session {
    pub(super) person: KnownPerson,
    since: Instant,
    pub(super) touched: Instant,
    /// Titles of the jobs that he was shown last.
    pub(super) titles: HashMap<GlobalJobId, String>,
    pub(super) outcomes: Vec<StationOutcome>,
}

impl Session {
    fn is_alive(&self, idle: Duration) -> bool {
        self.touched.elapsed() < idle && self.since.elapsed() < LONGEST
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
        self.0.insert(key, Session { person, since: now, touched: now, titles: HashMap::new(), outcomes: Vec::new() });
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

    const IDLE: Duration = Duration::from_secs(600);

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
