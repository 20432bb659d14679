//! Log ons that were refused lately, by address: whoever guesses is stopped where he is, and the page goes on for everybody else.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Refused ones of an address for as long as they count; then none of it is looked at.
const MOST: usize = 10;
/// For how long one counts.
const COUNTS: Duration = Duration::from_secs(60);

/// Those of all addresses. The server refuses few in a minute and is not asked further, so these are few.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Origin, Vec<Instant>>>);

/// From where one comes: a place, and whether by a name of `--origin`. What comes through a proxy has the address of the proxy, and does
/// not close the page for whoever stands at that machine.
type Origin = (IpAddr, bool);

/// One that is under way. It counts from its beginning, so that those that come at once count too; if it was not refused, it does
/// not count any more when this is dropped.
pub struct Attempt<'a> {
    all: &'a Attempts,
    from: Origin,
    at: Instant,
    refused: bool,
}

/// What stands for whoever is there: an address of version 4, or a network of version 6, of which one machine has all addresses.
pub fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Vec<Instant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one; none where too many were refused at that address, by a name of `--origin` or without.
    pub fn begin(&self, address: IpAddr, is_named: bool, now: Instant) -> Option<Attempt<'_>> {
        let from = (place(address), is_named);
        let mut all = self.lock();
        all.retain(|_, times| {
            times.retain(|at| now.saturating_duration_since(*at) < COUNTS);
            !times.is_empty()
        });
        let times = all.entry(from).or_default();
        if times.len() >= MOST {
            return None;
        }
        times.push(now);
        Some(Attempt { all: self, from, at: now, refused: false })
    }
}

impl Attempt<'_> {
    /// The name or the PIN was wrong.
    pub fn was_refused(mut self) {
        self.refused = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.refused {
            return;
        }
        let mut all = self.all.lock();
        let Some(times) = all.get_mut(&self.from) else { return };
        if let Some(place) = times.iter().position(|at| *at == self.at) {
            times.swap_remove(place);
        }
        if times.is_empty() {
            all.remove(&self.from);
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
    fn ten_refused_ones_close_the_page_for_their_address_alone_and_for_a_minute() {
        let (all, now) = (Attempts::default(), Instant::now());
        let bad = address("10.1.2.3");
        for n in 0..MOST {
            all.begin(bad, false, now).unwrap_or_else(|| panic!("{n}")).was_refused();
        }
        assert!(all.begin(bad, false, now).is_none());
        assert!(all.begin(address("::ffff:10.1.2.3"), false, now).is_none(), "the same in the other version");
        assert!(all.begin(address("10.1.2.4"), false, now).is_some());
        assert!(all.begin(bad, false, now + COUNTS - Duration::from_millis(1)).is_none());
        assert!(all.begin(bad, false, now + COUNTS).is_some());
        assert!(all.lock().is_empty(), "nothing is kept of whoever does nothing wrong");
    }

    #[test]
    fn one_machine_has_a_whole_network_of_version_6() {
        let (all, now) = (Attempts::default(), Instant::now());
        for n in 0..MOST {
            all.begin(address(&format!("2001:db8:1:2::{n:x}")), false, now).unwrap().was_refused();
        }
        assert!(all.begin(address("2001:db8:1:2:ffff::1"), false, now).is_none());
        assert!(all.begin(address("2001:db8:1:3::1"), false, now).is_some());
    }

    #[test]
    fn what_comes_through_a_proxy_does_not_close_the_page_for_the_machine_of_the_proxy() {
        let (all, now) = (Attempts::default(), Instant::now());
        let here = address("127.0.0.1");
        for _ in 0..MOST {
            all.begin(here, true, now).unwrap().was_refused();
        }
        assert!(all.begin(here, true, now).is_none());
        assert!(all.begin(here, false, now).is_some());
    }

    #[test]
    fn those_under_way_count_and_the_right_ones_do_not() {
        let (all, now) = (Attempts::default(), Instant::now());
        let here = address("127.0.0.1");
        let mut under_way: Vec<Attempt<'_>> = (0..MOST).map(|_| all.begin(here, false, now).unwrap()).collect();
        assert!(all.begin(here, false, now).is_none());
        under_way.pop();
        assert!(all.begin(here, false, now).is_some());
        drop(under_way);
        assert!(all.lock().is_empty());
    }
}
