//! The DATE qualifier of JOB: `FROM time [THRU time]` or `THRU time` (docs/reference/spoolcom.md 5.2).
//!
//! A time is `MMM dd yyyy`, `dd MMM yyyy` or `yyyy-mm-dd`, each with or without `, hh:mm`; `hh:mm` alone is a time of
//! today. A day means the whole day, and a minute the whole minute.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::model::field::{Field, Value};
use crate::model::query::{Comparison, Condition};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// A time as it was typed. Without a date it is today; without a time it is the whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    date: Option<Date>,
    time: Option<Time>,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: Option<Point>,
    thru: Option<Point>,
}

/// Reads a DATE qualifier.
pub fn parse(text: &str) -> Result<Range, String> {
    let expected = || "expected FROM time, THRU time or FROM time THRU time; a time is 21 NOV 2026, 14:30".to_owned();
    let upper = text.to_ascii_uppercase();
    let words: Vec<&str> = upper.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    let thru = words.iter().position(|word| *word == "THRU");
    let (from, thru) = match (words.first(), thru) {
        (Some(&"FROM"), Some(at)) => (Some(&words[1..at]), Some(&words[at + 1..])),
        (Some(&"FROM"), None) => (Some(&words[1..]), None),
        (Some(&"THRU"), _) => (None, Some(&words[1..])),
        _ => return Err(expected()),
    };
    let read = |words: Option<&[&str]>| words.map(|words| point(words).ok_or_else(expected)).transpose();
    Ok(Range { from: read(from)?, thru: read(thru)? })
}

/// Reads a time alone, as `LOG SINCE` has it, and returns its first moment.
pub fn moment(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, String> {
    let upper = text.to_ascii_uppercase();
    // The T of a machine's way to write a time.
    let upper = match upper.split_once('T') {
        Some((date, time)) if date.len() == 10 && date.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{date} {time}")
        }
        _ => upper,
    };
    // Seconds, which a range does not have.
    let seconds = |text: &str| text.parse::<i64>().ok().filter(|n| text.len() == 2 && *n < 60);
    let (upper, more) = match upper.rsplit_once(':') {
        Some((minute, last)) if minute.contains(':') => match seconds(last) {
            Some(n) => (minute.to_owned(), n * 1000),
            None => (upper, 0),
        },
        _ => (upper, 0),
    };
    let words: Vec<&str> = upper.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    let expected = || "expected CRASH or a time, as 14:30, 2026-11-21 14:30 or 21 NOV 2026".to_owned();
    let (first, _) = point(&words).ok_or_else(expected)?.bounds(now_ms, zone).ok_or_else(expected)?;
    Ok(first + more)
}

fn point(words: &[&str]) -> Option<Point> {
    let (date, time) = match words {
        [time] if time.contains(':') => return Some(Point { date: None, time: Some(minute(time)?) }),
        [date @ .., time] if time.contains(':') => (date, Some(minute(time)?)),
        date => (date, None),
    };
    let date = match date {
        [one] => Date::strptime("%Y-%m-%d", one).ok()?,
        [month, day, year] if MONTHS.contains(month) => day_of(day, month, year)?,
        [day, month, year] => day_of(day, month, year)?,
        _ => return None,
    };
    Some(Point { date: Some(date), time })
}

fn day_of(day: &str, month: &str, year: &str) -> Option<Date> {
    let month = MONTHS.iter().position(|known| *known == month)?;
    let year = Some(year).filter(|year| year.len() == 4)?;
    Date::new(year.parse().ok()?, i8::try_from(month + 1).ok()?, day.parse().ok()?).ok()
}

fn minute(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

impl Point {
    /// Returns its first moment, and the first moment after it.
    fn bounds(self, now_ms: i64, zone: &TimeZone) -> Option<(i64, i64)> {
        let today = || Some(Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone()).date());
        let date = self.date.or_else(today)?;
        let first = date.to_datetime(self.time.unwrap_or_else(Time::midnight));
        let length = if self.time.is_some() { Span::new().minutes(1) } else { Span::new().days(1) };
        let at = |moment: Zoned| moment.timestamp().as_millisecond();
        let after = first.checked_add(length).ok()?;
        Some((at(first.to_zoned(zone.clone()).ok()?), at(after.to_zoned(zone.clone()).ok()?)))
    }
}

impl Range {
    /// Returns the condition that a job was created in this range.
    pub fn condition(&self, now_ms: i64, zone: &TimeZone) -> Condition {
        let bounds = |point: Option<Point>| point.and_then(|point| point.bounds(now_ms, zone));
        let created = |how, at| Condition::Field(Field::CreationTime, how, Value::Time(at));
        let first = bounds(self.from).map(|(first, _)| created(Comparison::Greater, first - 1));
        let last = bounds(self.thru).map(|(_, after)| created(Comparison::Less, after));
        Condition::All(first.into_iter().chain(last).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 21 November 2026, 09:06:16 UTC.
    const NOW: i64 = 1_795_251_976_000;
    const DAY: i64 = 1_795_219_200_000;
    const MINUTE: i64 = 60_000;

    fn bounds(text: &str) -> (Option<i64>, Option<i64>) {
        let range = parse(text).unwrap();
        let of = |point: Option<Point>| point.map(|point| point.bounds(NOW, &TimeZone::UTC).unwrap());
        (of(range.from).map(|b| b.0), of(range.thru).map(|b| b.1))
    }

    #[test]
    fn a_day_and_a_minute_stand_for_the_whole_of_them() {
        let day = 86_400_000;
        assert_eq!(bounds("FROM 21 NOV 2026"), (Some(DAY), None));
        assert_eq!(bounds("from nov 21 2026 thru nov 21 2026"), (Some(DAY), Some(DAY + day)));
        assert_eq!(bounds("THRU 2026-11-21,10:30"), (None, Some(DAY + 631 * MINUTE)));
        assert_eq!(bounds("FROM 09:00 THRU 09:05"), (Some(DAY + 540 * MINUTE), Some(DAY + 546 * MINUTE)));
        assert_eq!(
            bounds("FROM 20 NOV 2026,10:00 THRU 21 NOV 2026,10:00"),
            (Some(DAY - day + 600 * MINUTE), Some(DAY + 601 * MINUTE))
        );
    }

    #[test]
    fn a_moment_is_the_first_of_what_was_typed() {
        let at = |text: &str| moment(text, NOW, &TimeZone::UTC);
        assert_eq!(at("2026-11-21"), Ok(DAY));
        assert_eq!(at("2026-11-21T10:30"), Ok(DAY + 630 * MINUTE));
        assert_eq!(at("21 nov 2026, 10:30"), Ok(DAY + 630 * MINUTE));
        assert_eq!(at("2026-11-21 10:30:07"), Ok(DAY + 630 * MINUTE + 7000));
        assert_eq!(at("09:00"), Ok(DAY + 540 * MINUTE));
        for bad in ["", "yesterday", "2026-13-01", "25:00", "09:00:61"] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "FROM",
            "THRU",
            "TODAY",
            "FROM X",
            "FROM 32 NOV 2026",
            "FROM 21 NOV 26",
            "FROM 25:00",
            "10:00",
            "FROM 10:00 THRU",
            "THRU 10:00 FROM 09:00",
            "FROM 21 NOV 2026 10:00 11:00",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(FROM|THRU| |[0-9:]{1,5}|NOV|2026|-|,){0,10}|.{0,30}", now: i64) {
            if let Ok(range) = parse(&text) {
                let _ = range.condition(now, &TimeZone::UTC);
            }
        }
    }
}
