//! Filters, `-f` of `pdls` (docs/reference/infoprint.md 4), read into a [`Condition`].
//!
//! `!` binds tighter than `&&`, and `&&` tighter than `||`; parentheses group. `==*` is presence when nothing follows it,
//! and equality with a value that begins with `*` otherwise.

use super::options::{attribute_names, to_look_at, unknown};
use crate::attributes::names::BadWord;
use crate::attributes::text::{Clock, escaped, offsets, read_wanted};
use crate::attributes::{Attribute, Class, Kind};
use crate::commands::pd::Stop;
use crate::model::LocationPattern;
use crate::model::field::{Field, Value};
use crate::model::location::Destination;
use crate::model::query::{Comparison, Condition};
use crate::model::state::JobState;

/// The longest filter, in octets.
const MAX_FILTER: usize = 16 << 10;
/// How deep parentheses and `!` may nest.
const MAX_DEPTH: usize = 32;
/// The most comparisons.
const MAX_TERMS: usize = 256;

/// Operators, the longest first.
const OPERATORS: [(&str, Comparison); 8] = [
    ("==*", Comparison::Present),
    ("*=*", Comparison::Contains),
    ("==", Comparison::Equal),
    ("=*", Comparison::StartsWith),
    ("*=", Comparison::EndsWith),
    ("~=", Comparison::Resembles),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
];

/// Reads a filter on objects of `class`.
pub fn parse(text: &str, class: Class, clock: &Clock) -> Result<Condition, Stop> {
    if text.len() > MAX_FILTER {
        return Err(Stop::usage(format!("the filter is longer than {MAX_FILTER} octets")));
    }
    // No filter on jobs compares what their documents have.
    let names = attribute_names(class).into_iter().filter(|row| class != Class::Job || row.1.class == class).collect();
    let mut parser = Parser { rest: text.trim(), class, names, clock, depth: 0, terms: 0 };
    if parser.rest.is_empty() {
        return Err(Stop::usage("the filter is empty").hint("pdls -F   lists without any filter"));
    }
    let condition = parser.either()?;
    if !parser.rest.is_empty() {
        return Err(Stop::usage(format!("the filter does not go on with '{}'", start(parser.rest)))
            .hint("comparisons are joined by && and ||"));
    }
    Ok(condition)
}

struct Parser<'a> {
    rest: &'a str,
    class: Class,
    names: Vec<(&'static str, &'static Attribute)>,
    clock: &'a Clock,
    depth: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(after) => {
                self.rest = after.trim_start();
                true
            }
            None => false,
        }
    }

    fn either(&mut self) -> Result<Condition, Stop> {
        let mut found = vec![self.all()?];
        while self.take("||") {
            found.push(self.all()?);
        }
        Ok(if found.len() == 1 { found.remove(0) } else { Condition::Either(found) })
    }

    fn all(&mut self) -> Result<Condition, Stop> {
        let mut found = vec![self.term()?];
        while self.take("&&") {
            found.push(self.term()?);
        }
        Ok(if found.len() == 1 { found.remove(0) } else { Condition::All(found) })
    }

    fn term(&mut self) -> Result<Condition, Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::usage(format!("the filter nests deeper than {MAX_DEPTH}")));
        }
        let condition = if self.take("!") {
            Condition::Not(Box::new(self.term()?))
        } else if self.take("(") {
            let inner = self.either()?;
            if !self.take(")") {
                return Err(Stop::usage("a '(' of the filter is not closed"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, Stop> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Stop::usage(format!("the filter has more than {MAX_TERMS} comparisons")));
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(Stop::usage(format!("the filter expects an attribute at '{}'", start(self.rest)))
                .hint("pdls -f \"current-job-state==held && job-name=*report\""));
        }
        let attribute = to_look_at(word, &self.names).map_err(|bad| match bad {
            BadWord::Ambiguous(found) => Stop::usage(format!("filter: '{word}' may mean {}", found.join(" or "))),
            BadWord::Unknown(near) => {
                unknown(format!("filter: a {} has no attribute '{word}'", self.class.keyword()), word, &near, None)
            }
        })?;
        if attribute.asked {
            return Err(Stop::usage(format!("filter: {} cannot be compared", attribute.name()))
                .hint(format!("pdls -r {}   shows it", attribute.name())));
        }
        self.rest = after.trim_start();
        let (sign, comparison) = self.operator(attribute)?;
        if comparison == Comparison::Present {
            return Ok(Condition::Field(attribute.field, comparison, Value::Boolean(true)));
        }
        let text = self.value()?;
        if text.is_empty() {
            return Err(Stop::usage(format!(
                "filter: {} has nothing to compare with after '{sign}'",
                attribute.name()
            ))
            .hint(format!("{}==*   asks whether there is any value", attribute.name())));
        }
        condition(attribute, sign, comparison, &text, self.clock)
    }

    fn operator(&mut self, attribute: &Attribute) -> Result<(&'static str, Comparison), Stop> {
        for (sign, comparison) in OPERATORS {
            let Some(after) = self.rest.strip_prefix(sign) else { continue };
            let ends = after.is_empty()
                || after.starts_with(char::is_whitespace)
                || [")", "&&", "||"].iter().any(|sign| after.starts_with(sign));
            if comparison == Comparison::Present && !ends {
                continue;
            }
            self.rest = after.trim_start();
            return Ok((sign, comparison));
        }
        Err(Stop::usage(format!("filter: no operator after {}", attribute.name()))
            .hint("the operators are ==  =*  *=  *=*  ==*  ~=  >  <"))
    }

    /// A quoted text, or everything up to a blank, `)`, `&&` or `||`.
    fn value(&mut self) -> Result<String, Stop> {
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let inner = &self.rest[1..];
            let Some(end) = inner.find(quote) else {
                return Err(Stop::usage(format!("filter: the quote {quote} is not closed")));
            };
            self.rest = inner[end + 1..].trim_start();
            return Ok(inner[..end].to_owned());
        }
        let end = self
            .rest
            .char_indices()
            .find(|(at, c)| {
                let here = &self.rest[*at..];
                c.is_whitespace() || *c == ')' || here.starts_with("&&") || here.starts_with("||")
            })
            .map_or(self.rest.len(), |found| found.0);
        let (text, after) = self.rest.split_at(end);
        self.rest = after.trim_start();
        Ok(text.to_owned())
    }
}

/// One comparison, its value read by the kind of its attribute; known shapes become their own conditions.
fn condition(
    attribute: &'static Attribute,
    sign: &str,
    comparison: Comparison,
    text: &str,
    clock: &Clock,
) -> Result<Condition, Stop> {
    let usage = |what: &str| Err(Stop::usage(format!("filter: {}: '{sign}' {what}", attribute.name())));
    let words = matches!(attribute.kind, Kind::Text | Kind::Name | Kind::Keyword(_) | Kind::Content | Kind::Range(..));
    let value = match comparison {
        Comparison::Greater | Comparison::Less
            if !matches!(attribute.kind, Kind::Integer(..) | Kind::Counted(_) | Kind::Time | Kind::Duration) =>
        {
            return usage("compares numbers and times only");
        }
        Comparison::Resembles if !words => return usage("compares texts only"),
        Comparison::Equal | Comparison::Greater | Comparison::Less => {
            read_wanted(attribute, text, clock).map_err(|failure| match failure.hints.first() {
                Some(hint) => Stop::usage(format!("filter: {}", failure.message)).hint(hint),
                None => Stop::usage(format!("filter: {}", failure.message)),
            })?
        }
        _ if attribute.kind == Kind::Boolean => return usage("does not compare true and false; use =="),
        _ if attribute.kind == Kind::Time => {
            // Part of what is displayed here: who decides need not have our zone.
            let (field, text) = (attribute.field, text.to_owned());
            return Ok(Condition::Shown { field, comparison, text, offsets: offsets(&clock.zone) });
        }
        _ => Value::Text(text.to_owned()),
    };
    if comparison == Comparison::Equal && attribute.class == Class::Job {
        match (attribute.field, &value) {
            (Field::UserName, Value::Text(name)) => return Ok(Condition::UserName(name.clone())),
            (Field::JobOwner, Value::Text(name)) => return Ok(Condition::Owner(name.clone())),
            (Field::CurrentJobState, Value::Text(word)) => {
                let states = job_states(word);
                if let [state] = states.as_slice() {
                    return Ok(Condition::State(*state));
                }
                if !states.is_empty() {
                    return Ok(Condition::Either(states.into_iter().map(Condition::State).collect()));
                }
            }
            (Field::DestinationNameRequested, Value::Text(name)) => match name.parse() {
                Ok(LocationPattern::One(name)) => return Ok(Condition::Destination(Destination::Location(name))),
                Ok(LocationPattern::Group(group)) => return Ok(Condition::Destination(Destination::Group(group))),
                // A bare destination means it in every group; what the spool has under it is the spool's to know.
                Ok(pattern @ LocationPattern::EveryGroup(_)) => return Ok(Condition::Location(pattern)),
                Err(_) => {}
            },
            _ => {}
        }
    }
    Ok(Condition::Field(attribute.field, comparison, value))
}

/// The states that InfoPrint calls `word`.
fn job_states(word: &str) -> Vec<JobState> {
    JobState::ALL.into_iter().filter(|state| state.infoprint() == word).collect()
}

fn start(text: &str) -> String {
    escaped(&text.chars().take(30).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::filter::Filter;
    use crate::attributes::object::Object;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn clock() -> Clock {
        Clock { now_ms: 0, zone: TimeZone::UTC }
    }

    fn read_filter(text: &str) -> Condition {
        parse(text, Class::Job, &clock()).unwrap()
    }

    fn why(text: &str) -> String {
        match parse(text, Class::Job, &clock()) {
            Err(Stop::Usage(failure)) => failure.message,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn operators_precedence_and_parentheses() {
        insta::assert_debug_snapshot!(read_filter(
            "user-name=*ann && (job-priority>50||!c-j-s==held) || destinations-assigned==* && job-name=='a b' \
             || job-name==*x || total-job-octets<10 || owner~=BO || d-n-r==office.front || job-name*=*z"
        ));
    }

    #[test]
    fn broken_filters_say_why() {
        insta::assert_snapshot!(
            [
                "",
                "current-job-state==cheerful",
                "job-name!=x",
                "job-name>x",
                "job-priority~=x",
                "job-priority==many",
                "job-name==",
                "(job-name==x",
                "job-name==x job-name==y",
                "document-format==pdf",
                "job-nane==x",
                "job-hold=*t",
                "j==x",
                "job-name=='x",
                "&&",
            ]
            .map(why)
            .join("\n")
        );
        assert!(why(&"(".repeat(100)).contains("deeper"));
        assert!(why(&vec!["job-hold==true"; 300].join("&&")).contains("more than"));
    }

    proptest! {
        #[test]
        fn any_filter_is_answered(text in "[a-z&|!()=*~<>' -]{0,60}|(job-(name|hold|priority)(==|=\\*|>)[a-z0-9]{0,3}(&&|\\|\\|)?){1,6}|.{0,60}") {
            if let Ok(condition) = parse(&text, Class::Job, &clock()) {
                Filter::new(&condition, Class::Job).takes(&Object::Job(&crate::commands::pd::testing::job(1)), 0);
            }
        }
    }
}
