//! Reads values from text and writes them as text.
//!
//! A value is always written as one line, with control characters escaped, because scripts read line by line.

use std::fmt::Write;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

pub use crate::model::printable::{escaped, is_plain};

use super::names::{self, BadWord};
use super::{Attribute, Kind, MAX_VALUES};
use crate::model::field::{Field, Value};
use crate::model::{Failure, FailureKind};

/// The longest text value, in octets.
pub const MAX_TEXT: usize = 4095;

/// A clock reading and the zone in which people mean their times.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The caller's zone.
    pub zone: TimeZone,
}

/// Values as lines of text. All lines lie in one piece of memory, so a listing of many values needs few allocations.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Lines {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns line `n`, from 0; an empty one where there is none.
    pub fn get(&self, n: usize) -> &str {
        let start = n.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let end = self.ends.get(n).copied();
        start.zip(end).and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }

    /// Removes all lines and keeps their memory for the next ones.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a line as it is.
    pub fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.ends.push(self.text.len());
    }

    /// Adds each value of `value` as one line, and no line when there is none.
    pub fn add(&mut self, row: &Attribute, value: &Value, zone: &TimeZone) {
        match value {
            Value::Many(parts) if row.kind == Kind::Content => {
                if !parts.is_empty() {
                    write(row.kind, value, zone, &mut self.text);
                    self.ends.push(self.text.len());
                }
            }
            value => value.each().iter().for_each(|one| self.add_one(row, one, zone)),
        }
    }

    fn add_one(&mut self, row: &Attribute, value: &Value, zone: &TimeZone) {
        write(row.kind, value, zone, &mut self.text);
        self.ends.push(self.text.len());
    }
}

/// Writes one value as it is displayed.
pub(super) fn write(kind: Kind, value: &Value, zone: &TimeZone, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match (kind, value) {
        (_, Value::Text(text)) => {
            crate::model::printable::escape(text, out);
            Ok(())
        }
        (Kind::Counted(most), Value::Integer(n)) if *n > most => write!(out, "{most}+"),
        (Kind::Duration, Value::Integer(n)) => write!(out, "{}:{:02}", n / 60, n % 60),
        (_, Value::Integer(n)) => write!(out, "{n}"),
        (_, Value::Boolean(b)) => write!(out, "{b}"),
        (_, Value::Time(ms)) => match shown(*ms, |at| zone.to_datetime(at)).as_ref().map(|text| str::from_utf8(text)) {
            Some(Ok(text)) => {
                out.push_str(text);
                Ok(())
            }
            _ => write!(out, "{ms}"),
        },
        (Kind::Content, Value::Many(parts)) => {
            for (n, part) in parts.iter().take(2).enumerate() {
                if n > 0 {
                    out.push(':');
                }
                write(Kind::Text, part, zone, out);
            }
            Ok(())
        }
        (_, Value::Many(values)) => {
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    out.push(' ');
                }
                write(kind, value, zone, out);
            }
            Ok(())
        }
    };
}

/// Returns a point in time as it is shown in UTC: `YYYY-MM-DD HH:MM:SS`; none where the year has not four digits.
pub fn utc(ms: i64) -> Option<[u8; 19]> {
    shown(ms, |at| Offset::UTC.to_datetime(at))
}

/// The same in a zone. Listings show many times, and this costs a fraction of what a format with letters does.
fn shown(ms: i64, local: impl FnOnce(Timestamp) -> civil::DateTime) -> Option<[u8; 19]> {
    let at = local(Timestamp::from_millisecond(ms).ok()?);
    let mut text = *b"0000-00-00 00:00:00";
    let mut put = |from: usize, digits: usize, number: u16| {
        (from..from + digits).rev().fold(number, |left, place| {
            text[place] += u8::try_from(left % 10).unwrap_or_default();
            left / 10
        })
    };
    if put(0, 4, u16::try_from(at.year()).ok()?) != 0 {
        return None;
    }
    for (from, part) in [(5, at.month()), (8, at.day()), (11, at.hour()), (14, at.minute()), (17, at.second())] {
        put(from, 2, part.unsigned_abs().into());
    }
    Some(text)
}

/// Returns the offsets of `zone` in this century, as a condition carries them. The first one also holds before it, when
/// there were no jobs.
pub fn offsets(zone: &TimeZone) -> Vec<(i64, i32)> {
    let at = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
    let (first, last) = (at(946_684_800_000), at(4_102_444_800_000));
    let mut found = vec![(i64::MIN, zone.to_offset(first).seconds())];
    let changes = zone.following(first).take_while(|change| change.timestamp() < last);
    found.extend(changes.map(|change| (change.timestamp().as_millisecond(), change.offset().seconds())));
    found
}

/// The most characters of a title that had to be escaped.
const MOST_TITLE: usize = 255;

/// Makes the name of a job from `text`: one line, escaped as the names of files are. Where something had to be escaped it is cut
/// to what a name may have: what a title holds never decides whether a job prints.
pub fn title(text: &str) -> String {
    let shown = escaped(text);
    if shown == text { shown } else { shown.chars().take(MOST_TITLE).collect() }
}

/// Reads one value of `attribute`.
///
/// # Errors
/// [`FailureKind::BadValue`] when it is no value of `attribute`; the message says what the attribute takes.
pub fn read(attribute: &Attribute, text: &str, clock: &Clock) -> Result<Value, Failure> {
    let name = attribute.name();
    let bad = |what: String| Failure::new(FailureKind::BadValue, format!("{name}: {what}"));
    if text.len() > MAX_TEXT {
        return Err(bad(format!("the value is longer than {MAX_TEXT} octets")));
    }
    if text.contains('\0') {
        return Err(bad("the value contains a NUL".to_owned()));
    }
    match attribute.kind {
        Kind::Text | Kind::Name | Kind::Content => Ok(Value::Text(text.to_owned())),
        Kind::Integer(low, high) => read_number(name, text, low, high),
        Kind::Counted(_) => read_number(name, text, 0, i64::MAX),
        Kind::Duration => match minutes(text) {
            Some(n) => Ok(Value::Integer(n)),
            None => Err(bad(format!("'{}' is no span of time", escaped(text)))
                .hint("a span of time is written HH:MM, or as minutes alone")),
        },
        Kind::Range(low, high) => match range(text, low, high) {
            Some((from, to)) => Ok(Value::Text(format!("{from}:{to}"))),
            None => Err(bad(format!("'{}' is no range from {low} to {high}", escaped(text)))
                .hint("a range is written LOW:HIGH; a side that is left out has no limit")),
        },
        Kind::Boolean => match names::keyword(text, &["true", "false", "yes", "no"]) {
            Ok(word) => Ok(Value::Boolean(matches!(word, "true" | "yes"))),
            Err(_) => Err(bad(format!("'{}' is neither true nor false", escaped(text)))),
        },
        Kind::Keyword(words) => match names::keyword(attribute.keyword_of(text), words) {
            Ok(word) => Ok(Value::Text(word.to_owned())),
            Err(BadWord::Ambiguous(found)) => Err(bad(format!("'{}' may mean {}", escaped(text), found.join(" or ")))),
            Err(BadWord::Unknown(_)) => Err(bad(format!("'{}' is none of {}", escaped(text), words.join(", ")))),
        },
        Kind::Time => match read_time(text, clock) {
            Some(ms) => Ok(Value::Time(ms)),
            None => Err(bad(format!("'{}' is no time", escaped(text)))
                .hint("a time is written YYYY-MM-DD HH:MM[:SS], HH:MM:SS MM/DD/YY, or HH:MM for today")),
        },
    }
}

/// The longest span of time, in minutes: 999,999 hours.
const MOST_MINUTES: i64 = 999_999 * 60;

/// Reads a span of time, `HH:MM` or minutes alone, in minutes.
pub fn minutes(text: &str) -> Option<i64> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|octet| octet.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let found = match text.split_once(':') {
        Some((hours, minutes)) => number(hours)? * 60 + number(minutes).filter(|n| *n < 60)?,
        None => number(text)?,
    };
    (found <= MOST_MINUTES).then_some(found)
}

/// Reads a range `low:high`. A side that is left out is the limit of that side; a number alone is the low one.
pub fn range(text: &str, low: i64, high: i64) -> Option<(i64, i64)> {
    let (from, to) = text.split_once(':').unwrap_or((text, ""));
    let side = |text: &str, usual: i64| match text {
        "" => Some(usual),
        text if text.bytes().all(|octet| octet.is_ascii_digit()) => text.parse::<i64>().ok(),
        _ => None,
    };
    let (from, to) = (side(from, low)?, side(to, high)?);
    (!text.is_empty() && low <= from && from <= to && to <= high).then_some((from, to))
}

fn read_number(name: &str, text: &str, low: i64, high: i64) -> Result<Value, Failure> {
    match text.parse::<i64>() {
        Ok(n) if (low..=high).contains(&n) && !text.starts_with('+') => Ok(Value::Integer(n)),
        _ => Err(Failure::new(
            FailureKind::BadValue,
            format!("{name}: '{}' is not a number from {low} to {high}", escaped(text)),
        )),
    }
}

/// Reads what a value of `attribute` is compared with. Any number is accepted, because `job-priority>0` is a question too.
///
/// # Errors
/// [`FailureKind::BadValue`] when nothing of `attribute` can be compared with it.
pub fn read_wanted(attribute: &Attribute, text: &str, clock: &Clock) -> Result<Value, Failure> {
    match (attribute.kind, text.parse::<i64>()) {
        (Kind::Integer(..) | Kind::Counted(_) | Kind::Duration, Ok(n)) if !text.starts_with('+') => {
            Ok(Value::Integer(n))
        }
        _ if attribute.field == Field::JobName => read(attribute, &title(text), clock),
        _ => read(attribute, text, clock),
    }
}

/// Reads the value that is given to `attribute`, or the values where it may have several.
///
/// # Errors
/// [`FailureKind::BadValue`] when one of them is no value of `attribute`, or when there are too many.
pub fn read_given(attribute: &Attribute, texts: &[String], clock: &Clock) -> Result<Value, Failure> {
    let name = attribute.name();
    let bad = |what: String| Failure::new(FailureKind::BadValue, format!("{name}{what}"));
    if !attribute.many && texts.len() != 1 {
        return Err(bad(format!(" has one value, and {} were given", texts.len()))
            .hint("a value with blanks is quoted: -x \"job-name='two words'\""));
    }
    if texts.is_empty() || texts.len() > MAX_VALUES {
        return Err(bad(format!(" has 1 to {MAX_VALUES} values, and {} were given", texts.len())));
    }
    let mut values: Vec<Value> = Vec::with_capacity(texts.len());
    for text in texts {
        let text = if attribute.field == Field::JobName { &title(text) } else { text };
        let value = read(attribute, text, clock)?;
        attribute.check_one(&value).map_err(|why| bad(format!(": {why}")))?;
        match values.iter_mut().find(|other| attribute.replaces(&value, other)) {
            Some(other) => *other = value,
            None => values.push(value),
        }
    }
    match values.pop() {
        Some(one) if !attribute.many => Ok(one),
        last => {
            values.extend(last);
            Ok(Value::Many(values))
        }
    }
}

/// Checks that `value` is one value of that kind.
///
/// # Errors
/// Says why it is none.
pub(super) fn check(kind: Kind, value: &Value) -> Result<(), String> {
    match (kind, value) {
        (_, Value::Text(text)) if text.len() > MAX_TEXT => Err(format!("the value is longer than {MAX_TEXT} octets")),
        (_, Value::Text(text)) if text.chars().any(char::is_control) => {
            Err(format!("'{}' contains control characters", escaped(text)))
        }
        (Kind::Keyword(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
            Err(format!("'{}' is none of {}", escaped(text), words.join(", ")))
        }
        (Kind::Duration, Value::Integer(n)) if !(0..=MOST_MINUTES).contains(n) => {
            Err(format!("'{n}' is no number of minutes"))
        }
        (Kind::Integer(low, high), Value::Integer(n)) if !(low..=high).contains(n) => {
            Err(format!("'{n}' is not a number from {low} to {high}"))
        }
        (Kind::Duration, Value::Integer(n)) if !(0..=MOST_MINUTES).contains(n) => {
            Err(format!("'{n}' is not a number of minutes from 0 to {MOST_MINUTES}"))
        }
        (Kind::Range(low, high), Value::Text(text)) if range(text, low, high).is_none() => {
            Err(format!("'{}' is no range from {low} to {high}", escaped(text)))
        }
        (Kind::Text | Kind::Name | Kind::Keyword(_) | Kind::Range(..), Value::Text(_))
        | (Kind::Duration, Value::Integer(_))
        | (Kind::Integer(..), Value::Integer(_))
        | (Kind::Boolean, Value::Boolean(_))
        | (Kind::Time, Value::Time(_)) => Ok(()),
        _ => Err("it has a value of another kind".to_owned()),
    }
}

/// Reads a point in time: `HH:MM[:SS] [AM|PM] [MM/DD/YY|MM/DD/YYYY]` or `YYYY-MM-DD[ HH:MM[:SS]]` in the caller's zone, or
/// RFC 3339 with an offset.
fn read_time(text: &str, clock: &Clock) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let local = |date: civil::Date, time: civil::Time| {
        let zoned: Zoned = date.to_datetime(time).to_zoned(clock.zone.clone()).ok()?;
        Some(zoned.timestamp().as_millisecond())
    };
    let time_of =
        |word: &str| civil::Time::strptime("%H:%M:%S", word).or_else(|_| civil::Time::strptime("%H:%M", word)).ok();
    let date_of =
        |word: &str| civil::Date::strptime("%m/%d/%y", word).or_else(|_| civil::Date::strptime("%m/%d/%Y", word)).ok();
    // The hours of a day that is halved: 12 AM is midnight, 12 PM noon.
    let half = |word: &str, half: &str| {
        let time = time_of(word)?;
        let hour = match (half.to_ascii_uppercase().as_str(), time.hour()) {
            ("AM", 12) => 0,
            ("AM", hour @ 1..12) | ("PM", hour @ 12) => hour,
            ("PM", hour @ 1..12) => hour + 12,
            _ => return None,
        };
        time.with().hour(hour).build().ok()
    };
    let today = || Some(Timestamp::from_millisecond(clock.now_ms).ok()?.to_zoned(clock.zone.clone()).date());
    let (first, second) = match text.split_once([' ', 'T']) {
        Some((first, second)) => (first, Some(second.trim())),
        None => (text, None),
    };
    let (second, third) = match second.and_then(|text| text.split_once(' ')) {
        Some((second, third)) => (Some(second), Some(third.trim())),
        None => (second, None),
    };
    if let Some(time) = second.and_then(|word| half(first, word)) {
        return local(third.map_or_else(today, date_of)?, time);
    }
    if third.is_some() {
        return None;
    }
    match (civil::Date::strptime("%Y-%m-%d", first), second) {
        (Ok(date), Some(time)) => local(date, time_of(time)?),
        (Ok(date), None) => local(date, civil::Time::midnight()),
        (Err(_), Some(date)) => local(date_of(date)?, time_of(first)?),
        (Err(_), None) => local(today()?, time_of(first)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::{Class, find};
    use crate::model::field::Field;
    use proptest::prelude::*;

    fn clock() -> Clock {
        Clock { now_ms: 1_795_251_600_000, zone: TimeZone::UTC }
    }

    fn value(class: Class, field: Field, text: &str) -> Result<Value, String> {
        read(find(class, field).unwrap(), text, &clock()).map_err(|failure| failure.message)
    }

    #[test]
    fn values_are_read_by_the_kind_of_their_attribute() {
        assert_eq!(value(Class::Document, Field::CopyCount, "3"), Ok(Value::Integer(3)));
        for bad in ["0", "-1", "+1", "x", "", "2147483648", "99999999999999999999"] {
            assert!(value(Class::Document, Field::CopyCount, bad).unwrap_err().contains("not a number from 1 to"));
        }
        assert_eq!(value(Class::Job, Field::JobHold, "y"), Ok(Value::Boolean(true)));
        assert_eq!(value(Class::Job, Field::JobHold, "f"), Ok(Value::Boolean(false)));
        assert_eq!(value(Class::Job, Field::CurrentJobState, "h"), Ok(Value::Text("held".into())));
        assert!(value(Class::Job, Field::CurrentJobState, "p").unwrap_err().contains("may mean"));
    }

    #[test]
    fn a_length_of_time_is_read_and_written_in_hours_and_minutes() {
        let read = |text: &str| value(Class::Job, Field::JobRetentionPeriod, text);
        for (text, minutes, shown) in
            [("0", 0, "0:00"), ("90", 90, "1:30"), ("01:00", 60, "1:00"), ("24:00", 1440, "24:00"), ("0:05", 5, "0:05")]
        {
            assert_eq!(read(text), Ok(Value::Integer(minutes)), "{text}");
            assert_eq!(lines(Field::JobRetentionPeriod, &Value::Integer(minutes)), [shown]);
        }
        for bad in ["", ":", "1:", ":30", "1:60", "-1", "+1", "1:30:00", "x", "123456789", "1 : 30"] {
            assert!(read(bad).unwrap_err().contains("no span of time"), "{bad}");
        }
    }

    #[test]
    fn times_are_read_in_both_orders_and_zones() {
        let day = 1_795_219_200_000; // 2026-11-21 00:00 UTC
        let at = |text: &str| value(Class::Job, Field::CreationTime, text);
        assert_eq!(at("2026-11-21"), Ok(Value::Time(day)));
        assert_eq!(at("2026-11-21 01:00"), Ok(Value::Time(day + 3_600_000)));
        assert_eq!(at("01:00:00 11/21/26"), Ok(Value::Time(day + 3_600_000)));
        assert_eq!(at("01:00"), Ok(Value::Time(day + 3_600_000)));
        for (text, hour) in
            [("01:00:00 AM 11/21/2026", 1), ("12:00 am", 0), ("12:00:00 PM", 12), ("11:00 PM 11/21/26", 23)]
        {
            assert_eq!(at(text), Ok(Value::Time(day + hour * 3_600_000)), "{text}");
        }
        for bad in ["13:00 PM", "0:30 AM", "01:00 XM", "01:00 11/21/26 AM", "01:00:00 AM 2026-11-21"] {
            assert!(at(bad).is_err(), "{bad}");
        }
        assert_eq!(at("2026-11-21T01:00:00+01:00"), Ok(Value::Time(day)));
        assert!(at("tomorrow").is_err());
    }

    fn lines(field: Field, value: &Value) -> Vec<String> {
        let mut lines = Lines::default();
        lines.push("before");
        lines.add(find(Class::Job, field).unwrap(), value, &TimeZone::UTC);
        (1..lines.len()).map(|n| lines.get(n).to_owned()).collect()
    }

    #[test]
    fn a_value_is_always_one_line() {
        let shown = lines(Field::JobName, &Value::Text("a\nb\u{202e}".into()));
        assert_eq!(shown, ["a\\nb\\u{202e}"]);
        assert_eq!(lines(Field::InterveningJobs, &Value::Integer(1001)), ["1000+"]);
        assert_eq!(lines(Field::CreationTime, &Value::Time(0)), ["1970-01-01 00:00:00"]);
    }

    #[test]
    fn a_year_of_more_than_four_digits_or_before_the_first_is_not_written() {
        assert_eq!(utc(0).as_ref(), Some(b"1970-01-01 00:00:00"));
        assert_eq!(utc(-62_167_219_200_001), None);
        assert_eq!(utc(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_a_format_with_letters_says(ms in -30_610_224_000_000i64..253_402_207_200_000) {
            let letters = Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
            prop_assert_eq!(utc(ms).map(|text| text.to_vec()), Some(letters.into_bytes()));
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}") {
            for row in crate::attributes::rows() {
                let _ = read(row, &text, &clock());
            }
        }
    }
}
