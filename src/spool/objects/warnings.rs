//! What the disk and the certificate of this server are said to be: an event when they get worse, once for each step, and one
//! when there is room again. Whoever is told of the server learns of it (`notification-profile`), and `spoolcom LOG` shows it.
//!
//! Nothing looks by itself: a server and the keeper of print processes look every few seconds, a print process when it begins,
//! and a submission that was refused for want of room.

use crate::model::Call;
use crate::model::event::EventWord;
use crate::model::space::Reserve;
use crate::model::time::Moment;
use crate::spool::disk::certificate::{self, End};
use crate::spool::disk::reserve;
use crate::spool::{Room, Spool};
use crate::store::event::{self, Object};
use crate::store::{self, Fallible};

/// The room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Enough = 0,
    /// Less than twice the reserve.
    Low = 1,
    /// Less than the reserve.
    Out = 2,
}

impl Space {
    /// What was said before counts on until there is a quarter of the reserve more than that: a spool at the edge does not
    /// say it again and again.
    fn of(free: u64, reserve: u64, said: Self) -> Self {
        let below = |bound: u64, level: Self| {
            let edge = if said >= level { reserve / 4 } else { 0 };
            free < bound.saturating_add(edge)
        };
        match () {
            () if below(reserve, Self::Out) => Self::Out,
            () if below(reserve.saturating_mul(2), Self::Low) => Self::Low,
            () => Self::Enough,
        }
    }

    fn from_stored(said: u8) -> Self {
        match said {
            0 => Self::Enough,
            1 => Self::Low,
            _ => Self::Out,
        }
    }
}

impl Spool {
    /// Says what has become worse, or better, since this was last called. What cannot be seen or said now is said later.
    pub fn see_to_warnings(&self, now: &Moment) {
        let _ = self.warn(now);
    }

    fn warn(&self, now: &Moment) -> Fallible<()> {
        let call = Call::of_spooler(now);
        let certificate = certificate::end(self.base(), self.server(), now).ok();
        let disk = reserve::disk(self.base());
        let (said, kept) = self.look(&call, |tx| Ok((store::spool::warned(tx)?, store::spool::row(tx)?.reserve)))?;
        let seen = state(said, disk, kept, certificate);
        if seen == said {
            return Ok(());
        }
        self.change(Room::Gives, &call, move |tx| {
            // Somebody else may have said it meanwhile.
            let said = store::spool::warned(tx)?;
            let seen = state(said, disk, kept, certificate);
            let (before, space) = (Space::from_stored(said.0), Space::from_stored(seen.0));
            if space != before {
                let (total, free) = disk.unwrap_or_default();
                let reserve = kept.map_or(0, |kept| kept.octets(total));
                let room = format!(
                    "{free} of {total} octets are free on the file system of the spool, and {reserve} are kept"
                );
                for what in steps(before, space) {
                    let why = match what {
                        EventWord::SpaceBack => room.clone(),
                        EventWord::SpaceOut => format!("{room} (RESERVE): no job is accepted"),
                        _ => format!("{room} (RESERVE)"),
                    };
                    event::record(tx, Object::Spool, what.clone(), &why)?;
                }
            }
            if seen.1 > said.1
                && let Some(Some(end)) = certificate
            {
                event::record(tx, Object::Spool, EventWord::Expires, &end.to_string())?;
            }
            store::spool::set_warned(tx, seen)
        })
    }
}

/// What is said of the room that was different before.
fn steps(before: Space, now: Space) -> &'static [EventWord] {
    match (before, now) {
        (_, Space::Out) => &[EventWord::SpaceOut],
        // Jobs are accepted again, and it is low all the same.
        (Space::Out, Space::Low) => &[EventWord::SpaceBack, EventWord::SpaceLow],
        (_, Space::Low) => &[EventWord::SpaceLow],
        (_, Space::Enough) => &[EventWord::SpaceBack],
    }
}

/// What there is to say of the disk and the certificate, where `said` was said before. What nothing is known of stays as it was.
fn state(
    said: (u8, u8),
    disk: Option<(u64, u64)>,
    kept: Option<Reserve>,
    certificate: Option<Option<End>>,
) -> (u8, u8) {
    let before = Space::from_stored(said.0);
    let space = match (disk, kept) {
        (Some((total, free)), Some(kept)) => Space::of(free, kept.octets(total), before),
        (None, Some(_)) => before,
        (_, None) => Space::Enough,
    };
    let certificate = match certificate {
        None => said.1,
        Some(None) => 0,
        Some(Some(End::Near(_))) => 1,
        Some(Some(End::Reached)) => 2,
    };
    (space as u8, certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_at_the_edge_is_not_spoken_of_again_and_again() {
        use Space::{Enough, Low, Out};
        let mut said = Enough;
        for (free, now) in [
            (2000, Enough),
            (1999, Low),
            (2100, Low),
            (2249, Low),
            (2250, Enough),
            (999, Out),
            (1100, Out),
            (1249, Out),
            (1250, Low),
            (1000, Low),
            (2300, Enough),
        ] {
            said = Space::of(free, 1000, said);
            assert_eq!(said, now, "{free}");
        }
        assert_eq!(Space::of(u64::MAX, 0, Out), Enough);
    }

    #[test]
    fn a_disk_that_takes_jobs_again_and_is_low_is_said_to_be_low() {
        use Space::{Enough, Low, Out};
        assert_eq!(steps(Enough, Low), [EventWord::SpaceLow]);
        assert_eq!(steps(Low, Out), [EventWord::SpaceOut]);
        assert_eq!(steps(Out, Low), [EventWord::SpaceBack, EventWord::SpaceLow]);
        assert_eq!(steps(Out, Enough), [EventWord::SpaceBack]);
        assert_eq!(steps(Low, Enough), [EventWord::SpaceBack]);
    }

    #[test]
    fn a_certificate_is_spoken_of_when_its_end_is_near_and_when_it_has_come() {
        assert_eq!(state((0, 0), None, None, Some(None)), (0, 0));
        assert_eq!(state((0, 2), None, None, Some(None)), (0, 0), "a new one");
        assert_eq!(state((0, 2), None, None, None), (0, 2), "what cannot be read is as it was");
        assert_eq!(state((0, 0), None, None, Some(Some(End::Near(3)))), (0, 1));
        assert_eq!(state((0, 1), None, None, Some(Some(End::Reached))), (0, 2));
        assert_eq!(
            state((2, 0), None, Some(Reserve::Octets(1)), Some(None)),
            (2, 0),
            "a disk that cannot be seen is as it was"
        );
    }
}
