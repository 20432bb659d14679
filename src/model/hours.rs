//! Days and hours at which a station may be used.
//!
//! An entry is written `DAYS HH:MM-HH:MM`, as `mon-fri 08:00-18:00`. One that ends before it begins ends on the next day. Times are
//! those of the clock on the wall in a time zone. Where clocks are put back, a time comes twice: hours begin at its first coming and
//! end at its second. Where they are put forward, a time does not come: what begins or ends at it does so at the moment of the change.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Unit};
use serde::{Deserialize, Serialize};

/// Days, Monday first, as they are written.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Days, as they are shown.
const SHOWN_DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Months, as they are shown.
const SHOWN_MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Days that are looked ahead: every entry has a day in each week, and a change of clocks may swallow one.
const LOOK_AHEAD: i64 = 15;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Some days of the week, and the hours of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Whether each day is meant, Monday first.
    days: [bool; 7],
    /// Minutes after midnight at which they begin.
    from: u16,
    /// Minutes after midnight at which they end; 24:00 is one; before `from` it is one of the next day.
    to: u16,
}

/// When something is open that is closed now, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Days from today; 0 = today.
    pub days_ahead: u16,
    /// The day of the week; 1 = Monday.
    pub weekday: u8,
    /// The day of the month.
    pub day: u8,
    /// The month; 1 = January.
    pub month: u8,
    /// The hour.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
}

impl Opening {
    fn of(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let (then, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()).date());
        let ahead = today.until((Unit::Day, then.date())).map_or(0, |span| span.get_days());
        let small = |n: i8| u8::try_from(n).unwrap_or(0);
        Self {
            days_ahead: u16::try_from(ahead).unwrap_or(0),
            weekday: small(then.weekday().to_monday_one_offset()),
            day: small(then.day()),
            month: small(then.month()),
            hour: small(then.hour()),
            minute: small(then.minute()),
        }
    }

    /// The hour and the minute, as `08:00`.
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }
}

/// As `08:00`, or `Mon 30 Nov 08:00` on another day.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days_ahead > 0 {
            let named = |names: &[&'static str], n: u8| names.get(usize::from(n).wrapping_sub(1)).copied();
            let weekday = named(&SHOWN_DAYS, self.weekday).unwrap_or_default();
            let month = named(&SHOWN_MONTHS, self.month).unwrap_or_default();
            write!(f, "{weekday} {} {month} ", self.day)?;
        }
        f.write_str(&self.clock())
    }
}

/// That something with hours is closed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When it opens; none = nobody can say.
    pub opens: Option<Opening>,
}

/// As the end of a sentence: `closed until 08:00`.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.opens {
            Some(opening) => write!(f, "closed until {opening}"),
            None => f.write_str("closed"),
        }
    }
}

/// How something with hours stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open, and closes in so many milliseconds; none = not within two weeks.
    Open(Option<i64>),
    /// It is closed.
    Closed(Closed),
}

/// The moment of a time that clocks show; `ends`: it ends something, and does not begin it.
fn moment(zone: &TimeZone, date: Date, minutes: u16, ends: bool) -> Option<Timestamp> {
    let (date, minutes) = if minutes >= DAY { (date.tomorrow().ok()?, minutes - DAY) } else { (date, minutes) };
    let time = Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()?;
    let found = zone.to_ambiguous_timestamp(date.to_datetime(time));
    match found.offset() {
        AmbiguousOffset::Unambiguous { .. } => found.unambiguous().ok(),
        AmbiguousOffset::Fold { .. } if ends => found.later().ok(),
        AmbiguousOffset::Fold { .. } => found.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            let before = found.earlier().ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
    }
}

impl Hours {
    fn has(&self, date: Date) -> bool {
        let place = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.days.get(place).copied().unwrap_or(false)
    }

    /// Its moments on a day: from the first up to and without the second.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.has(date) {
            return None;
        }
        let to = if self.to <= self.from { self.to + DAY } else { self.to };
        let span = (moment(zone, date, self.from, false)?, moment(zone, date, to, true)?);
        (span.0 < span.1).then_some(span)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = DAYS.into_iter().zip(self.days).filter_map(|(day, is)| is.then_some(day)).collect();
        let days = if named.len() == DAYS.len() { "daily".to_owned() } else { named.join(",") };
        let (from, to) = (self.from, self.to);
        write!(f, "{days} {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

fn day(word: &str) -> Option<usize> {
    // Whoever writes the whole word means the same.
    let whole = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    DAYS.iter().position(|day| *day == word).or_else(|| whole.iter().position(|day| *day == word))
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, least: usize| -> Option<u16> {
        let fits = (least..=2).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
        if fits { text.parse().ok() } else { None }
    };
    let (hour, minute) = (number(hour, 1)?, number(minute, 2)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

impl FromStr for Hours {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it is written as mon-fri 08:00-18:00, sat,sun 10:00-12:00, or daily 22:00-06:00".to_owned();
        let text = text.trim().to_ascii_lowercase();
        let (days, times) = text.split_once(' ').ok_or_else(wrong)?;
        let mut meant = [false; 7];
        for word in days.split(',') {
            if word == "daily" {
                meant = [true; 7];
                continue;
            }
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (mut at, last) = (day(first).ok_or_else(wrong)?, day(last).ok_or_else(wrong)?);
            loop {
                if let Some(one) = meant.get_mut(at) {
                    *one = true;
                }
                if at == last {
                    break;
                }
                at = (at + 1) % DAYS.len();
            }
        }
        let (from, to) = times.trim().split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minutes(from.trim()).ok_or_else(wrong)?, minutes(to.trim()).ok_or_else(wrong)?);
        if from >= DAY {
            return Err("hours begin before 24:00".to_owned());
        }
        if from == to {
            return Err("hours that begin and end at the same time are none; all day is 00:00-24:00".to_owned());
        }
        Ok(Self { days: meant, from, to })
    }
}

/// Checks one entry of `access-times`.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_hours(text: &str) -> Result<(), String> {
    text.parse::<Hours>().map(drop)
}

/// Says the same of hours as they are written. One that another version understands and this one does not opens nothing.
pub fn standing_as_written(texts: &[String], now_ms: i64, zone: &TimeZone) -> Standing {
    let hours: Vec<Hours> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    match hours.is_empty() && !texts.is_empty() {
        true => Standing::Closed(Closed { opens: None }),
        false => standing(&hours, now_ms, zone),
    }
}

/// Says whether something with these hours is open now; without any it always is.
pub fn standing(hours: &[Hours], now_ms: i64, zone: &TimeZone) -> Standing {
    if hours.is_empty() {
        return Standing::Open(None);
    }
    let Ok(now) = Timestamp::from_millisecond(now_ms) else { return Standing::Closed(Closed { opens: None }) };
    let today = now.to_zoned(zone.clone()).date();
    // Hours that began yesterday, or the day before where clocks changed by a day, may go on.
    let mut spans: Vec<(Timestamp, Timestamp)> = (-2..=LOOK_AHEAD)
        .filter_map(|ahead| today.checked_add(ahead.days()).ok())
        .flat_map(|date| hours.iter().filter_map(move |one| one.on(date, zone)))
        .filter(|span| span.1 > now)
        .collect();
    spans.sort_unstable();
    let mut end = None;
    for (from, to) in &spans {
        // Hours that follow each other without a gap are one.
        if *from <= end.unwrap_or(now) {
            end = Some(end.map_or(*to, |end: Timestamp| end.max(*to)));
        }
    }
    match end {
        Some(end) => {
            let left = end.as_millisecond().saturating_sub(now_ms);
            Standing::Open((left < LOOK_AHEAD * 24 * 3_600_000).then_some(left))
        }
        None => Standing::Closed(Closed { opens: spans.first().map(|span| Opening::of(span.0, now, zone)) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Weekday, datetime};

    fn berlin() -> TimeZone {
        // As the zone database has it since 1996, so that the test needs none.
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn all(texts: &[&str]) -> Vec<Hours> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Milliseconds of a moment in UTC.
    fn utc(month: i8, day: i8, hour: i8, minute: i8) -> i64 {
        datetime(2026, month, day, hour, minute, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond()
    }

    fn shown(hours: &[Hours], now_ms: i64) -> String {
        match standing(hours, now_ms, &berlin()) {
            Standing::Open(None) => "open".to_owned(),
            Standing::Open(Some(ms)) => format!("open for {} min", ms / 60_000),
            Standing::Closed(closed) => closed.to_string(),
        }
    }

    #[test]
    fn hours_are_days_and_two_times() {
        for (text, written) in [
            ("mon-fri 08:00-18:00", "mon,tue,wed,thu,fri 08:00-18:00"),
            ("SAT,sun 9:00-12:30", "sat,sun 09:00-12:30"),
            ("daily 22:00-06:00", "daily 22:00-06:00"),
            ("fri-mon 00:00-24:00", "mon,fri,sat,sun 00:00-24:00"),
            ("Wednesday  08:00 - 09:00", "wed 08:00-09:00"),
        ] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), written);
        }
        for wrong in [
            "",
            "mon",
            "mon 8-18",
            "mun 08:00-18:00",
            "mon 08:00-08:00",
            "mon 24:00-08:00",
            "mon 08:60-09:00",
            "mon 08:00-24:01",
            "mon-fri",
            "mon 008:00-9:00",
            "mon +8:00-9:00",
        ] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_is_open_within_its_hours_and_says_when_it_opens_outside_of_them() {
        let office = all(&["mon-fri 08:00-18:00", "sat 09:00-12:00"]);
        // 2 March 2026 is a Monday; Berlin is one hour ahead of UTC.
        assert_eq!(shown(&office, utc(3, 2, 6, 59)), "closed until 08:00");
        assert_eq!(shown(&office, utc(3, 2, 7, 0)), "open for 600 min");
        assert_eq!(shown(&office, utc(3, 2, 16, 59)), "open for 1 min");
        assert_eq!(shown(&office, utc(3, 2, 17, 0)), "closed until Tue 3 Mar 08:00");
        assert_eq!(shown(&office, utc(3, 7, 11, 0)), "closed until Mon 9 Mar 08:00");
        assert_eq!(shown(&[], utc(3, 8, 3, 0)), "open");
        assert_eq!(shown(&all(&["daily 00:00-24:00"]), utc(3, 8, 3, 0)), "open");
    }

    #[test]
    fn hours_that_end_on_the_next_day_belong_to_the_day_on_which_they_begin() {
        let night = all(&["fri 22:00-02:00"]);
        assert_eq!(shown(&night, utc(3, 6, 20, 59)), "closed until 22:00");
        assert_eq!(shown(&night, utc(3, 7, 0, 30)), "open for 30 min");
        assert_eq!(shown(&night, utc(3, 7, 1, 0)), "closed until Fri 13 Mar 22:00");
        assert_eq!(shown(&night, utc(3, 6, 0, 30)), "closed until 22:00", "it is Friday, but not its night");
        // One follows the other without a gap.
        assert_eq!(shown(&all(&["fri 20:00-24:00", "sat 00:00-04:00"]), utc(3, 6, 22, 0)), "open for 300 min");
    }

    #[test]
    fn clocks_that_are_put_forward_or_back_change_neither_the_opening_nor_the_closing_of_a_day() {
        let office = all(&["daily 08:00-18:00"]);
        // On 29 March at 02:00 it is 03:00, on 25 October at 03:00 it is 02:00.
        assert_eq!(shown(&office, utc(3, 28, 7, 0)), "open for 600 min");
        assert_eq!(shown(&office, utc(3, 29, 6, 0)), "open for 600 min");
        assert_eq!(shown(&office, utc(10, 24, 6, 0)), "open for 600 min");
        assert_eq!(shown(&office, utc(10, 25, 6, 30)), "closed until 08:00");
        // The night is an hour shorter, and an hour longer.
        let night = all(&["sat 22:00-06:00"]);
        assert_eq!(shown(&night, utc(3, 28, 21, 0)), "open for 420 min");
        assert_eq!(shown(&night, utc(10, 24, 20, 0)), "open for 540 min");
    }

    #[test]
    fn a_time_that_comes_twice_begins_at_the_first_and_ends_at_the_second_and_one_that_never_comes_at_the_change() {
        let early = all(&["sun 02:30-05:00"]);
        assert_eq!(shown(&early, utc(3, 29, 0, 59)), "closed until 03:00");
        assert_eq!(shown(&early, utc(3, 29, 1, 0)), "open for 120 min");
        assert_eq!(shown(&early, utc(10, 25, 0, 29)), "closed until 02:30");
        assert_eq!(shown(&early, utc(10, 25, 0, 30)), "open for 210 min");
        assert_eq!(shown(&early, utc(10, 25, 1, 15)), "open for 165 min", "the second 02:15 is within");
        let late = all(&["sun 01:00-02:30"]);
        assert_eq!(shown(&late, utc(10, 24, 23, 0)), "open for 150 min");
        assert_eq!(shown(&late, utc(3, 29, 0, 0)), "open for 60 min");
        assert_eq!(shown(&late, utc(3, 29, 1, 0)), "closed until Sun 5 Apr 01:00");
        // Both ends lie in the hour that does not come: that day has none.
        assert_eq!(shown(&all(&["sun 02:10-02:50"]), utc(3, 28, 12, 0)), "closed until Sun 5 Apr 02:10");
    }

    #[test]
    fn weekdays_are_those_of_the_zone() {
        assert_eq!(Weekday::Monday.to_monday_zero_offset(), 0);
        // It is Monday 00:30 in Berlin, and Sunday in UTC.
        assert_eq!(shown(&all(&["mon 00:00-24:00"]), utc(3, 1, 23, 30)), "open for 1410 min");
    }
}
