//! Decides whether an object satisfies a condition (docs/reference/infoprint.md 4). No other place compares values.
//!
//! A condition is prepared once and then asked of many objects. It finds what a display shows:
//!
//! * `=*`, `*=` and `*=*` compare the text that is displayed, also of numbers and times.
//! * A time is compared to the second.
//! * Upper and lower case are alike in names of objects, for every operator; in all other texts only for `~=`.
//! * A value that is displayed as nothing counts as none: `==*` does not find it.
//! * Where an attribute has several values, one that compares suffices.
//! * Jobs ahead are counted up to a limit. A number beyond it is greater than the limit and equal to no number.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::object::Object;
use super::text::{escaped, is_plain, write};
use super::{Attribute, Class, Kind, find_nameable};
use crate::model::collector::is_data_file;
use crate::model::field::{Field, Value};
use crate::model::location::Destination;
use crate::model::query::{Comparison, Condition, Parts};
use crate::model::state::JobState;
use crate::model::{BatchNumber, CollectorName, GlobalJobId, JobNumber, JobRef, LocalJobId, LocationPattern};

/// A condition that is ready for objects of one class.
#[derive(Debug)]
pub struct Filter(Node);

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Either(Vec<Node>),
    Not(Box<Node>),
    /// Asks what a job is, or where it is. No attribute has to be read.
    Is(Condition),
    Compares(Test),
    /// An attribute that objects of the class do not have.
    Never,
}

impl Filter {
    /// Prepares `condition` for objects of `class`.
    pub fn new(condition: &Condition, class: Class) -> Self {
        Self(Node::new(condition, class))
    }

    /// Returns what must be read of a job to decide it.
    pub fn needs(&self) -> Parts {
        self.0.needs()
    }

    /// Returns whether `object` satisfies it when the user with id `uid` asks.
    pub fn takes(&self, object: &Object<'_>, uid: u32) -> bool {
        self.0.takes(object, uid)
    }
}

impl Node {
    fn new(condition: &Condition, class: Class) -> Self {
        let all = |parts: &[Condition]| parts.iter().map(|part| Self::new(part, class)).collect();
        let test = |field: Field, comparison, wanted, offsets: &[(i64, i32)]| {
            let row = find_nameable(class, field).filter(|row| !row.asked);
            row.map_or(Self::Never, |row| Self::Compares(Test { row, comparison, wanted, offsets: offsets.to_vec() }))
        };
        match condition {
            Condition::All(parts) => Self::All(all(parts)),
            Condition::Either(parts) => Self::Either(all(parts)),
            Condition::Not(part) => Self::Not(Box::new(Self::new(part, class))),
            Condition::Field(field, comparison, wanted) => test(*field, *comparison, wanted.clone(), &[]),
            Condition::Shown { field, comparison, text, offsets } => {
                test(*field, *comparison, Value::Text(text.clone()), offsets)
            }
            Condition::Any
            | Condition::Job(_)
            | Condition::UserName(_)
            | Condition::Submitter(_)
            | Condition::Owner(_)
            | Condition::OwnerId(_)
            | Condition::State(_)
            | Condition::Batch(_)
            | Condition::Collector(_)
            | Condition::DataFile(_)
            | Condition::Destination(_)
            | Condition::Location(_) => Self::Is(condition.clone()),
        }
    }

    fn needs(&self) -> Parts {
        match self {
            Self::All(parts) | Self::Either(parts) => {
                parts.iter().fold(Parts::JOB, |needs, part| needs.and(part.needs()))
            }
            Self::Not(part) => part.needs(),
            Self::Compares(test) => test.row.needs,
            Self::Is(_) | Self::Never => Parts::JOB,
        }
    }

    fn takes(&self, object: &Object<'_>, uid: u32) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.takes(object, uid)),
            Self::Either(parts) => parts.iter().any(|part| part.takes(object, uid)),
            Self::Not(part) => !part.takes(object, uid),
            Self::Is(Condition::Any) => true,
            Self::Is(condition) => Identity::of(object).is_some_and(|identity| identity.is(condition, uid)),
            Self::Compares(test) => test.takes(object),
            Self::Never => false,
        }
    }
}

/// What a job is known by, in the spool or finished.
struct Identity<'a> {
    number: JobNumber,
    local: LocalJobId,
    global: &'a GlobalJobId,
    owner_uid: u32,
    owner: &'a str,
    user_name: &'a str,
    destination: &'a Destination,
    /// A finished job is in no state.
    state: Option<JobState>,
    /// A finished job is in no batch.
    batch: Option<BatchNumber>,
    /// The collector by which it came, and its data file. Of a finished job nobody knows that any more.
    came_by: Option<(CollectorName, Option<&'a str>)>,
}

impl<'a> Identity<'a> {
    fn of(object: &Object<'a>) -> Option<Self> {
        match object {
            Object::Job(job) => Some(Self {
                number: job.number,
                local: job.local,
                global: &job.global,
                owner_uid: job.owner_uid,
                owner: &job.owner,
                user_name: &job.user_name,
                destination: &job.destination,
                state: Some(job.state),
                batch: job.batch.map(|batch| batch.number),
                came_by: Some((job.collector.clone().unwrap_or_else(CollectorName::usual), job.data_file.as_deref())),
            }),
            Object::Finished(job) => Some(Self {
                number: job.number,
                local: job.local,
                global: &job.global,
                owner_uid: job.owner_uid,
                owner: &job.owner,
                user_name: &job.user_name,
                destination: &job.destination,
                state: None,
                batch: None,
                came_by: None,
            }),
            _ => None,
        }
    }

    fn is(&self, condition: &Condition, uid: u32) -> bool {
        match condition {
            Condition::Job(JobRef::Number(number)) => self.number == *number,
            Condition::Job(JobRef::Local(local)) => self.local == *local && self.owner_uid == uid,
            Condition::Job(JobRef::Serial(serial)) => self.global.serial == *serial,
            Condition::Job(JobRef::Global(global)) => self.global == global,
            Condition::UserName(user) => self.user_name == user,
            Condition::Submitter(login) => self.user_name.split_once('@').is_some_and(|(user, _)| user == login),
            Condition::Owner(owner) => self.owner == owner,
            Condition::OwnerId(owner) => self.owner_uid == *owner,
            Condition::State(state) => self.state == Some(*state),
            Condition::Batch(None) => self.batch.is_some(),
            Condition::Batch(batch) => self.batch == *batch,
            Condition::Collector(name) => self.came_by.as_ref().is_some_and(|by| by.0 == *name),
            Condition::DataFile(asked) => {
                let typed = self.came_by.as_ref().and_then(|by| by.1);
                typed.is_some_and(|typed| is_data_file(typed, asked))
            }
            Condition::Destination(destination) => self.destination == destination,
            Condition::Location(pattern) => at(self.destination, pattern),
            _ => false,
        }
    }
}

fn at(destination: &Destination, pattern: &LocationPattern) -> bool {
    match (destination, pattern) {
        (Destination::Location(name) | Destination::Plain(name), LocationPattern::One(wanted)) => name == wanted,
        (Destination::Location(name) | Destination::Plain(name), LocationPattern::Group(group)) => name.group == *group,
        (Destination::Location(name) | Destination::Plain(name), LocationPattern::EveryGroup(dest)) => {
            name.dest == *dest
        }
        (Destination::Group(group), LocationPattern::Group(wanted)) => group == wanted,
        (Destination::Group(_), _) => false,
    }
}

/// One comparison.
#[derive(Debug)]
struct Test {
    row: &'static Attribute,
    comparison: Comparison,
    wanted: Value,
    /// The zone in which times are displayed; none is UTC.
    offsets: Vec<(i64, i32)>,
}

impl Test {
    fn takes(&self, object: &Object<'_>) -> bool {
        match (self.row.class, object) {
            // One document that compares suffices.
            (Class::Document, Object::Job(job)) => {
                job.documents.iter().any(|document| self.compares(&self.row.value(&Object::Document(document))))
            }
            _ => self.compares(&self.row.value(object)),
        }
    }

    fn compares(&self, found: &Value) -> bool {
        match found {
            Value::Many(parts) if self.row.kind == Kind::Content => {
                let mut line = String::new();
                write(Kind::Content, found, &TimeZone::UTC, &mut line);
                !parts.is_empty() && self.one(&Value::Text(line))
            }
            found => found.each().iter().any(|one| self.one(one)),
        }
    }

    fn one(&self, found: &Value) -> bool {
        match self.comparison {
            Comparison::Present => !matches!(found, Value::Text(text) if text.is_empty()),
            Comparison::Equal => self.equals(found),
            Comparison::Greater | Comparison::Less => self.is_beyond(found),
            Comparison::StartsWith | Comparison::EndsWith | Comparison::Contains | Comparison::Resembles => {
                let Value::Text(wanted) = &self.wanted else { return false };
                match found {
                    Value::Text(text) if is_plain(text) => self.has(text, wanted),
                    // JSON shows the text itself, the other displays show it with escapes. Both are found.
                    Value::Text(text) => self.has(text, wanted) || self.has(&escaped(text), wanted),
                    found => self.has(&self.displayed(found), wanted),
                }
            }
        }
    }

    fn equals(&self, found: &Value) -> bool {
        match (found, &self.wanted) {
            (Value::Text(found), Value::Text(wanted)) if self.row.kind == Kind::Name => {
                // `#` and `$` say what kind of name it is and are no part of it.
                let plain = |name: &str| name.strip_prefix(['#', '$']).unwrap_or(name).to_lowercase();
                plain(found) == plain(wanted)
            }
            (Value::Text(found), Value::Text(wanted)) => {
                found == wanted || (!is_plain(found) && escaped(found) == *wanted)
            }
            (Value::Integer(n), Value::Integer(wanted)) => n == wanted && !self.is_more(*n),
            (Value::Time(ms), Value::Time(wanted)) => second(*ms) == second(*wanted),
            (Value::Boolean(on), Value::Boolean(wanted)) => on == wanted,
            _ => false,
        }
    }

    fn is_beyond(&self, found: &Value) -> bool {
        let (n, wanted) = match (found, &self.wanted) {
            (Value::Integer(n), Value::Integer(wanted)) => (*n, *wanted),
            (Value::Time(ms), Value::Time(wanted)) => (second(*ms), second(*wanted)),
            _ => return false,
        };
        // Nobody knows how many more there are, so they are never less than a number.
        if self.comparison == Comparison::Greater { n > wanted } else { n < wanted && !self.is_more(n) }
    }

    /// Returns whether `n` stands for more than was counted.
    fn is_more(&self, n: i64) -> bool {
        matches!(self.row.kind, Kind::Counted(most) if n > most)
    }

    fn has(&self, text: &str, wanted: &str) -> bool {
        if self.row.kind == Kind::Name || self.comparison == Comparison::Resembles {
            return part_of(&text.to_lowercase(), self.comparison, &wanted.to_lowercase());
        }
        part_of(text, self.comparison, wanted)
    }

    /// Returns a value as it is displayed in the zone of the condition.
    fn displayed(&self, found: &Value) -> String {
        let mut line = String::new();
        match found {
            Value::Time(ms) => {
                let offset =
                    self.offsets.iter().take_while(|offset| offset.0 <= *ms).last().map_or(0, |offset| offset.1);
                let local = ms.saturating_add(i64::from(offset) * 1000);
                let shown = if Timestamp::from_millisecond(local).is_ok() { local } else { *ms };
                write(self.row.kind, &Value::Time(shown), &TimeZone::UTC, &mut line);
            }
            other => write(self.row.kind, other, &TimeZone::UTC, &mut line),
        }
        line
    }
}

fn part_of(text: &str, comparison: Comparison, wanted: &str) -> bool {
    match comparison {
        Comparison::StartsWith => text.starts_with(wanted),
        Comparison::EndsWith => text.ends_with(wanted),
        _ => text.contains(wanted),
    }
}

/// Returns the second in which a moment lies, because times are displayed to the second.
fn second(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::find;
    use crate::attributes::text::offsets;
    use proptest::prelude::*;

    fn compares(field: Field, comparison: Comparison, found: Value, wanted: Value) -> bool {
        let row = find(Class::Job, field).unwrap();
        Test { row, comparison, wanted, offsets: Vec::new() }.compares(&found)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn more_jobs_than_are_counted_are_more_and_equal_to_no_number() {
        let more =
            |comparison, n| compares(Field::InterveningJobs, comparison, Value::Integer(1001), Value::Integer(n));
        assert!(more(Comparison::Greater, 999) && more(Comparison::Greater, 1000) && !more(Comparison::Greater, 1001));
        for n in [1000, 1001, 1002] {
            assert!(!more(Comparison::Equal, n) && !more(Comparison::Less, n), "{n}");
        }
        assert!(compares(Field::InterveningJobs, Comparison::EndsWith, Value::Integer(1001), text("000+")));
        assert!(compares(Field::InterveningJobs, Comparison::Equal, Value::Integer(1000), Value::Integer(1000)));
    }

    #[test]
    fn what_is_shown_as_nothing_is_no_value() {
        assert!(!compares(Field::Form, Comparison::Present, text(""), Value::Boolean(true)));
        assert!(!compares(Field::Form, Comparison::Present, Value::Many(vec![]), Value::Boolean(true)));
        assert!(compares(Field::Form, Comparison::Present, text("A4"), Value::Boolean(true)));
    }

    #[test]
    fn any_value_of_several_suffices_and_case_is_nothing_to_names_of_objects() {
        let found = || Value::Many(vec![text("LP1"), text("LP2")]);
        let assigned = |comparison, wanted| compares(Field::DestinationsAssigned, comparison, found(), text(wanted));
        for wanted in ["lp2", "LP1", "$Lp2"] {
            assert!(assigned(Comparison::Equal, wanted), "{wanted}");
        }
        assert!(assigned(Comparison::StartsWith, "lp") && assigned(Comparison::Contains, "p2"));
        assert!(!assigned(Comparison::StartsWith, "X") && !assigned(Comparison::Equal, "LP3"));
        let name = |comparison, wanted| compares(Field::JobName, comparison, text("Report9"), text(wanted));
        assert!(name(Comparison::Equal, "Report9") && name(Comparison::Resembles, "ePORT"));
        for comparison in [Comparison::Equal, Comparison::StartsWith, Comparison::EndsWith, Comparison::Contains] {
            assert!(!name(comparison, "REPORT9"), "{comparison:?}");
        }
    }

    #[test]
    fn a_time_is_found_by_the_second_that_is_shown_and_by_parts_of_it_in_the_zone_of_who_asks() {
        let at = || Value::Time(1_795_252_000_789); // 2026-11-21 09:06:40.789 UTC
        let time = |comparison, ms| compares(Field::CreationTime, comparison, at(), Value::Time(ms));
        assert!(time(Comparison::Equal, 1_795_252_000_000) && time(Comparison::Equal, 1_795_252_000_999));
        assert!(!time(Comparison::Greater, 1_795_252_000_000) && !time(Comparison::Less, 1_795_252_000_999));
        assert!(time(Comparison::Greater, 1_795_251_999_999) && time(Comparison::Less, 1_795_252_001_000));
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for (ms, shown) in [(1_795_252_000_789, "2026-11-21 10:06:40"), (1_782_000_000_000, "2026-06-21 02:00:00")] {
            let condition = Condition::Shown {
                field: Field::CreationTime,
                comparison: Comparison::Contains,
                text: shown.into(),
                offsets: offsets(&zone),
            };
            let Filter(Node::Compares(test)) = Filter::new(&condition, Class::Job) else { panic!() };
            assert!(test.compares(&Value::Time(ms)), "{shown}");
            assert_eq!(test.displayed(&Value::Time(ms)), shown);
        }
    }

    proptest! {
        #[test]
        fn a_time_is_displayed_in_a_condition_as_in_a_display(ms in 0i64..4_000_000_000_000, west in -14i8..14) {
            let zone = TimeZone::fixed(jiff::tz::offset(west));
            let row = find(Class::Job, Field::CreationTime).unwrap();
            let test = Test { row, comparison: Comparison::Equal, wanted: text(""), offsets: offsets(&zone) };
            let mut line = String::new();
            write(row.kind, &Value::Time(ms), &zone, &mut line);
            prop_assert_eq!(test.displayed(&Value::Time(ms)), line);
        }
    }
}
