//! What a filter finds is what a display shows: every attribute of every class, with every operator, in text and JSON. And
//! attributes that are only carried, from `pdpr -x` to a filter: they are rows of the table and nothing else.

use std::collections::BTreeSet;

use crate::support::inside::{Inside, now, pass};
use crate::support::managed;
use serde_json::Value;
use spoolsuite::attributes::text::minutes;
use spoolsuite::attributes::{Attribute, Class, Kind, Settable, Shown, nameable, of_class};
use spoolsuite::commands::pd::verbs::{pdls, pdmod, pdpause, pdpr, pdpromote, pdset};
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;
use spoolsuite::model::BatchNumber;
use spoolsuite::model::field::Field;
use spoolsuite::model::lifetime::{Lifetime, Retention};
use spoolsuite::model::order::Priority;
use spoolsuite::model::state::Delivery;
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, Lease, Paper};
use spoolsuite::spool::interface::operations::Operations;

/// Jobs that print, wait, are held, need forms, go to a whole group, have values of every attribute that can be given, and
/// some that are over.
fn crowded() -> Inside {
    let mut inside = Inside::new();
    let commands = "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:; \
                    DEV $lp2, PROCESS $SPLA, URI null:; DEV $BARE, SPEED 5; PRINT $SPLB, FILE fastp; DEV $LP3, PROCESS $SPLB, URI null:; LOC #GONE.X, DEV $LP3; DEV $LP3, START; LOC #OFFICE.FRONT, DEV $LP1; LOC #OFFICE.Back, DEV $LP2, FONT logo; \
                    LOC #PARK.DEFAULT, DEV; DEV $LP1, START; DEV $LP2, START";
    inside.run(spoolcom::run, &[commands], Exit::Done);
    let rules = "LOC #OFFICE.FRONT, ACCESS SUBMIT ann @Sales, ACCESS OPERATE bob; LOC #OFFICE, ACCESS TITLES *; DEV $LP1, ACCESS HOLD 4711; \
                 SPOOLER, ACCESS CONTENT @audit, USERJOBS 7, USEROCTETS 3M, USEROPENS 4";
    inside.run(spoolcom::run, &[rules], Exit::Done);
    managed::manage(&mut inside);
    let lease = inside.begins("SPLA");
    let lp1 = inside.local.device("lp1".parse().unwrap()).unwrap().id;
    for (n, (name, destination)) in [("Over", "office.front"), ("over", "office.back")].into_iter().enumerate() {
        pass(61_234);
        let job = inside.submit(destination, b"over\n", |submission| submission.name = name.into());
        give(&inside, &job.number.to_string(), n);
        match destination {
            "office.front" => {
                let claim = inside.spool.claim(&lease, lp1, &now()).unwrap().unwrap();
                pass(2_500);
                let sent =
                    AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
                inside.spool.attempt_ends(&lease, &claim, sent, false, &now()).unwrap();
            }
            _ => drop(inside.run(spoolcom::run, &[&format!("JOB {}, DELETE", job.number)], Exit::Done)),
        }
    }
    for (n, (destination, name, form, priority, hold)) in [
        ("office.front", "Report9", "", 99, false),
        ("office.front", "REPORT9", "A4", 50, false),
        ("office.back", "report 10", "a4 blue", 47, false),
        ("#office", "a's \"letter\"", "", 1, false),
        ("park.default", "B\u{fc}cher \u{202e}x", "", 100, true),
        ("park.default", "40", "40", 4, true),
    ]
    .into_iter()
    .enumerate()
    {
        pass(86_400_789);
        inside.submit(destination, "line\n".repeat(n + 1).as_bytes(), |submission| {
            (submission.name, submission.form, submission.hold) = (name.into(), form.into(), hold);
            submission.priority = Priority::new(priority).unwrap();
            submission.documents[0].copies = n as u32 + 1;
            submission.hold_after = n % 2 == 0;
            submission.batch = BatchNumber::new(n as u32 * 100).filter(|_| n > 3);
        });
    }
    let claim = inside.spool.claim(&lease, lp1, &now()).unwrap().unwrap();
    assert_eq!(claim.name, "Report9");
    // Values of what can be given, of the same attribute in several jobs and not in all.
    for (n, job) in ["4", "5", "6", "8"].into_iter().enumerate() {
        give(&inside, job, n);
    }
    // Nobody prints this one.
    inside.submit("gone.x", b"waits\n", |_| {});
    lifetimes(&mut inside, &lease);
    inside.run(pdpause::run, &["-w", "after-current-job", "lp1"], Exit::Done);
    inside
}

/// Adds jobs that wait for a time, that are kept, and of which more was said at submission.
fn lifetimes(inside: &mut Inside, lease: &Lease) {
    let later = now().wall_ms + 90 * 86_400_000;
    let lives = [
        Lifetime { retention: Some(Retention::Period(91)), print_after_ms: Some(later), ..Lifetime::default() },
        Lifetime { retention: Some(Retention::Until(later)), discard_ms: Some(later + 1000), ..Lifetime::default() },
        Lifetime { retention: Some(Retention::Forever), ..Lifetime::default() },
        Lifetime { retention: Some(Retention::Period(600)), ..Lifetime::default() },
    ];
    for lifetime in lives {
        inside.submit("park.default", b"kept\n", |submission| submission.lifetime = lifetime);
    }
    let printed = inside.submit("office.back", b"page\x0c", |submission| {
        submission.lifetime.retention = Some(Retention::Period(5));
        submission.priority = Priority::new(100).unwrap();
    });
    let lp2 = inside.local.device("lp2".parse().unwrap()).unwrap().id;
    let claim = inside.spool.claim(lease, lp2, &now()).unwrap().unwrap();
    assert_eq!(claim.number, printed.number);
    let sent = AttemptEnd::Delivered { delivery: Delivery::Sent, octets: 5, paper: Paper::Top, remark: None };
    inside.spool.attempt_ends(lease, &claim, sent, false, &now()).unwrap();
    std::fs::write(inside.dir.path().join("more"), "text\n").unwrap();
    let more = "job-scheduling=normal initial-value-job=house initial-value-document=house document-type=printable";
    inside.run(pdpr::run, &["-d", "office.back", "-x", more, "more"], Exit::Done);
    let promoted = inside.submit("office.back", b"first\n", |_| {});
    inside.run(pdpromote::run, &["-m", "urgent", &promoted.global.to_string()], Exit::Done);
}

/// Attributes that nothing gives a value here: the first one is a door's.
const NEVER: [&str; 9] = [
    "received-from",
    "deadline-in-jeopardy",
    "estimated-completion-time",
    "required-resources-not-ready",
    "required-resources-not-supported",
    "job-copies-completed",
    "media-sheets-completed",
    "document-state",
    "copies-completed",
];

/// Gives a job, which is named by its number, a value of every attribute that is only carried.
fn give(inside: &Inside, number: &str, n: usize) {
    let job = serial(inside, number);
    for row in nameable(Class::Job).filter(|row| row.is_carried() && row.settable == Settable::Always) {
        let pair = format!("{}={}", row.name(), given(row, n));
        inside.run(pdmod::run, &["-x", &pair, &job], Exit::Done);
    }
}

/// The ten digits of a job that is named by its number.
fn serial(inside: &Inside, number: &str) -> String {
    let found = inside.run(
        pdls::run,
        &["-U", "-g", "-r", "job-identifier", "-f", &format!("job-number=={number}")],
        Exit::Done,
    );
    found.trim().rsplit(':').next().unwrap().to_owned()
}

/// Values of an attribute that may have several: four that are given, and one more. One that has parts has its own.
fn several(row: &Attribute) -> [&'static str; 4] {
    match row.name() {
        "notification-profile" => [
            "{delivery-method=none}",
            "{delivery-method=job-log event-comment=Staple}",
            "{delivery-method=email delivery-address=punch}",
            "{delivery-method=email delivery-address=y}",
        ],
        _ if matches!(row.kind, Kind::Range(..)) => ["1:1", "1:2", "1:3", "1:4"],
        _ if row.written.is_some() => ["staple", "fold and Staple", "punch", "y:pickup:2"],
        _ => ["staple", "fold and Staple", "punch", "\u{202e}y"],
    }
}

/// A value that attribute may have, as it is given.
fn given(row: &Attribute, n: usize) -> String {
    match row.kind {
        Kind::Keyword(words) => words[n % words.len()].to_owned(),
        Kind::Integer(low, high) => (low + i64::try_from(n).unwrap()).min(high).to_string(),
        Kind::Boolean => n.is_multiple_of(2).to_string(),
        Kind::Time => format!("'2027-01-0{} 10:00:00'", n + 1),
        Kind::Duration => format!("{n}:3{n}"),
        _ if row.many => {
            let [staple, fold, punch, y] = several(row);
            match n % 4 {
                0 => format!("'{staple}'"),
                1 => format!("'{fold}' '{punch}'"),
                2 if row.written.is_none() && !matches!(row.kind, Kind::Range(..)) => "Punch x".to_owned(),
                2 => format!("'{punch}' '{staple}'"),
                _ => format!("'{y}'"),
            }
        }
        _ => ["'fold and staple'", "Fold", "'\u{202e}y'", "40"][n % 4].to_owned(),
    }
}

/// An object as it is displayed: its label, and the values of one attribute as lines and in JSON.
#[derive(Debug)]
struct Seen {
    label: String,
    shown: Vec<String>,
    json: Vec<Value>,
}

/// Of one class, as `pdls` is asked for it.
struct Listing {
    class: Class,
    words: &'static [&'static str],
    history: bool,
}

const JOBS: Listing = Listing { class: Class::Job, words: &["-U"], history: false };
const DOCUMENTS: Listing = Listing { class: Class::Document, words: &["-U", "-c", "document"], history: false };
const HISTORY: Listing = Listing { class: Class::Job, words: &["-U", "--history"], history: true };
const DESTINATIONS: Listing = Listing { class: Class::Destination, words: &["-c", "destination"], history: false };
const QUEUES: Listing = Listing { class: Class::Queue, words: &["-c", "queue"], history: false };
const SERVERS: Listing = Listing { class: Class::Server, words: &["-c", "server"], history: false };

impl Listing {
    fn rows(&self) -> Vec<&'static Attribute> {
        let has = |row: &&Attribute| !row.asked && if self.history { row.kept.is_some() } else { !is_of_the_past(row) };
        of_class(self.class).filter(has).collect()
    }

    /// The objects that fulfil `filter`, in lines and in JSON, which must tell the same.
    fn seen(&self, inside: &Inside, row: &Attribute, filter: Option<&str>) -> Vec<Seen> {
        let with = |more: &[&'static str]| {
            let mut words: Vec<String> = self.words.iter().chain(more).map(|word| (*word).to_owned()).collect();
            words.extend(["-r".to_owned(), row.name().to_owned()]);
            words.extend(filter.iter().flat_map(|filter| ["-f".to_owned(), (*filter).to_owned()]));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            inside.run(pdls::run, &words, Exit::Done)
        };
        let mut found: Vec<Seen> = Vec::new();
        let name = format!("{} =", row.name());
        for line in with(&["-s", "line"]).lines() {
            match line.split_once(": ").map(|(label, rest)| (label, rest.trim_start())) {
                Some((label, rest)) if rest.starts_with(&name) && !line.starts_with(' ') => {
                    let value = rest[name.len()..].trim_start();
                    let shown = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
                    found.push(Seen { label: label.to_owned(), shown, json: Vec::new() });
                }
                _ => found.last_mut().unwrap().shown.push(line.trim_start().to_owned()),
            }
        }
        let json: Vec<Value> = serde_json::from_str(&with(&["--json"])).unwrap();
        assert_eq!(json.len(), found.len(), "{filter:?}");
        for (seen, object) in found.iter_mut().zip(json) {
            seen.json = match &object[row.name()] {
                Value::Array(values) => values.clone(),
                Value::Null => Vec::new(),
                Value::String(text) if text.is_empty() => Vec::new(),
                one => vec![one.clone()],
            };
            assert_eq!(seen.json.len(), seen.shown.len(), "{seen:?}");
        }
        found
    }
}

/// Whether only finished jobs have it.
fn is_of_the_past(row: &Attribute) -> bool {
    row.class == Class::Job && row.get.job.is_none() && !row.is_carried()
}

const OPERATORS: [&str; 8] = ["==", "=*", "*=", "*=*", "==*", "~=", ">", "<"];

/// Whether an attribute of that kind is compared so (docs/reference/infoprint.md 4).
fn is_comparable(kind: Kind, operator: &str) -> bool {
    let text = matches!(kind, Kind::Text | Kind::Name | Kind::Keyword(_) | Kind::Content | Kind::Range(..));
    match operator {
        "==" | "==*" => true,
        "~=" => text,
        ">" | "<" => !text && kind != Kind::Boolean,
        _ => kind != Kind::Boolean,
    }
}

/// What is worth comparing with, given what is shown.
fn operands(kind: Kind, operator: &str, seen: &[Seen]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let swapped = |text: &str| -> String {
        text.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
    };
    for value in seen.iter().flat_map(|seen| &seen.shown) {
        let chars: Vec<char> = value.chars().collect();
        let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
        match (operator, kind) {
            ("==*", _) => {}
            ("==" | ">" | "<", Kind::Integer(..) | Kind::Counted(_)) => {
                let n: i64 = value.parse().unwrap();
                found.extend([n - 1, n, n + 1].map(|n| n.to_string()));
            }
            (">" | "<", _) | ("==", Kind::Time | Kind::Boolean | Kind::Duration | Kind::Range(..)) => {
                found.insert(value.clone());
            }
            ("==", Kind::Keyword(_)) => found.extend([value.clone(), swapped(value)]),
            ("==", _) => found.extend([value.clone(), swapped(value), format!("{value}x")]),
            _ => {
                let (third, all) = (chars.len() / 3, chars.len());
                for text in [part(0, all), part(0, all - third), part(third, all), part(third, all - third)] {
                    found.extend([swapped(&text), text]);
                }
            }
        }
    }
    found.into_iter().filter(|text| !(text.is_empty() || text.contains('\'') && text.contains('"'))).collect()
}

/// Whether what is shown compares, told from nothing but what is shown.
fn holds(kind: Kind, operator: &str, wanted: &str, seen: &Seen) -> bool {
    let folded = |text: &str, fold: bool| if fold { text.to_lowercase() } else { text.to_owned() };
    let any = |fold: bool, test: &dyn Fn(&str, &str) -> bool| {
        let wanted = folded(wanted, fold);
        seen.shown.iter().any(|shown| test(&folded(shown, fold), &wanted))
    };
    let name = kind == Kind::Name;
    match operator {
        "==*" => !seen.shown.is_empty(),
        "~=" => any(true, &|shown, wanted| shown.contains(wanted)),
        "=*" => any(name, &|shown, wanted| shown.starts_with(wanted)),
        "*=" => any(name, &|shown, wanted| shown.ends_with(wanted)),
        "*=*" => any(name, &|shown, wanted| shown.contains(wanted)),
        ">" | "<" if kind == Kind::Duration => {
            let minutes = |text: &str| {
                let (hours, minutes) = text.split_once(':').unwrap();
                hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
            };
            let holds = |n: i64| if operator == ">" { n > minutes(wanted) } else { n < minutes(wanted) };
            seen.shown.iter().any(|shown| holds(minutes(shown)))
        }
        _ if matches!(kind, Kind::Integer(..) | Kind::Counted(_)) => {
            let wanted: i64 = wanted.parse().unwrap();
            let numbers = seen.json.iter().map(|number| number.as_i64().unwrap());
            numbers.into_iter().any(|n| match operator {
                "==" => n == wanted,
                ">" => n > wanted,
                _ => n < wanted,
            })
        }
        _ if kind == Kind::Duration && operator != "==" => {
            let wanted = minutes(wanted).unwrap();
            let spans = seen.shown.iter().map(|shown| minutes(shown).unwrap());
            spans.into_iter().any(|span| if operator == ">" { span > wanted } else { span < wanted })
        }
        "==" => any(name || matches!(kind, Kind::Keyword(_)), &|shown, wanted| shown == wanted),
        // Times as they are shown are in the order of their text.
        ">" => any(false, &|shown, wanted| shown > wanted),
        _ => any(false, &|shown, wanted| shown < wanted),
    }
}

/// Compares what filters find with what a display shows, for every attribute of one listing with every operator; `at_least` so
/// many times.
fn filters_find_what_is_shown(listing: &Listing, at_least: usize) {
    let inside = crowded();
    let (mut compared, mut empty) = (0, Vec::new());
    for row in listing.rows() {
        let all = listing.seen(&inside, row, None);
        assert!(!all.is_empty());
        if all.iter().all(|seen| seen.shown.is_empty()) {
            empty.extend(Some(row.name()).filter(|name| !NEVER.contains(name) && !listing.history));
        }
        // One value is enough where the same few lines read all of them.
        let carried = row.is_carried() || row.name() == "events-supported";
        let same = carried && !matches!(row.class, Class::Job | Class::Document);
        for operator in OPERATORS {
            // How full the disk is changes between two looks.
            if row.name() == "spool-space" {
                continue;
            }
            if !is_comparable(row.kind, operator) {
                let filter = format!("{}{operator}1", row.name());
                let words = [listing.words, &["-f", &filter]].concat();
                inside.run(pdls::run, &words, Exit::Usage);
                continue;
            }
            let mut wanted = operands(row.kind, operator, &all);
            if operator == "==*" {
                wanted.insert(String::new());
            }
            for wanted in wanted.into_iter().take(if same { 1 } else { usize::MAX }) {
                let quote = if wanted.contains('\'') { '"' } else { '\'' };
                let value = if operator == "==*" { String::new() } else { format!("{quote}{wanted}{quote}") };
                let filter = format!("{}{operator}{value}", row.name());
                let expected = |not: bool| -> Vec<&str> {
                    let hit = |seen: &&Seen| holds(row.kind, operator, &wanted, seen) != not;
                    all.iter().filter(hit).map(|seen| seen.label.as_str()).collect()
                };
                let found = listing.seen(&inside, row, Some(&filter));
                let found: Vec<&str> = found.iter().map(|seen| seen.label.as_str()).collect();
                assert_eq!(found, expected(false), "{filter}\n{all:#?}");
                let others = listing.seen(&inside, row, Some(&format!("!{filter}")));
                let others: Vec<&str> = others.iter().map(|seen| seen.label.as_str()).collect();
                assert_eq!(others, expected(true), "!{filter}\n{all:#?}");
                compared += 1;
            }
        }
    }
    // What no object had a value of was not tested.
    assert_eq!(empty, [""; 0]);
    println!("{compared} comparisons");
    assert!(compared >= at_least, "{compared}");
}

#[test]
fn what_a_filter_finds_of_jobs_is_what_a_display_shows() {
    filters_find_what_is_shown(&JOBS, 2000);
}

#[test]
fn what_a_filter_finds_of_documents_is_what_a_display_shows() {
    filters_find_what_is_shown(&DOCUMENTS, 600);
}

#[test]
fn what_a_filter_finds_of_jobs_that_are_over_is_what_a_display_shows() {
    filters_find_what_is_shown(&HISTORY, 600);
}

#[test]
fn what_a_filter_finds_of_destinations_is_what_a_display_shows() {
    filters_find_what_is_shown(&DESTINATIONS, 300);
}

#[test]
fn what_a_filter_finds_of_queues_is_what_a_display_shows() {
    filters_find_what_is_shown(&QUEUES, 300);
}

#[test]
fn what_a_filter_finds_of_servers_is_what_a_display_shows() {
    filters_find_what_is_shown(&SERVERS, 300);
}

#[test]
fn what_the_audit_found_wrong_is_right() {
    let inside = crowded();
    let labels = |filter: &str| {
        let text = inside.run(pdls::run, &["-U", "-r", "job-number", "-s", "line", "-g", "-f", filter], Exit::Done);
        text.lines().map(|line| line.trim_start_matches("job-number = ").parse().unwrap()).collect::<BTreeSet<u32>>()
    };
    assert_eq!(labels("form==*"), BTreeSet::from([4, 5, 8]));
    assert_eq!(labels("destination-name-requested=*#OFF"), BTreeSet::from([6]));
    assert_eq!(labels("job-priority=*4 && job-priority*=7"), BTreeSet::from([5]));
    assert_eq!(labels("job-name==REPORT9"), BTreeSet::from([4]));
    assert_eq!(labels("user-name==ANN@here"), BTreeSet::new());
    assert_eq!(labels("job-priority>0 && job-number<10").len(), 7);
    let shown = inside.run(
        pdls::run,
        &["-U", "-g", "-r", "submission-time", "-s", "column", "-f", "job-number==4"],
        Exit::Done,
    );
    let shown = shown.trim();
    assert_eq!(labels(&format!("submission-time=='{shown}'")), BTreeSet::from([4]));
    assert!(!labels(&format!("submission-time>'{shown}'")).contains(&4));
    assert!(!labels(&format!("submission-time<'{shown}'")).contains(&4));
    assert_eq!(labels("submission-time=*2026 && job-number<10").len(), 7);
    let json = inside.run(pdls::run, &["-U", "--json", "-r", "form", "-f", "job-number==3"], Exit::Done);
    assert_eq!(json, "[\n{\"form\":\"\"}\n]\n");
}

#[test]
fn an_abbreviation_is_ambiguous_only_among_what_a_command_can_set() {
    let inside = crowded();
    let job = serial(&inside, "4");
    std::fs::write(inside.dir.path().join("letter"), "text\n").unwrap();
    inside.run(pdpr::run, &["-d", "office.front", "-x", "j-n=short", "letter"], Exit::Done);
    inside.run(pdmod::run, &["-x", "j-n=shorter", &job], Exit::Done);
    inside.run(pdset::run, &["-c", "job", "-x", "j-n=shortest", &job], Exit::Done);
    let names = inside.run(pdls::run, &["-U", "-g", "-r", "job-name", "-s", "column"], Exit::Done);
    assert!(names.contains("short\n") && names.contains("shortest\n"), "{names}");
    // What is shown means the same.
    let names = inside.run(pdls::run, &["-U", "-r", "j-n", "-s", "line"], Exit::Done);
    assert!(names.contains(": job-name = short\n"), "{names}");
    // A whole name means itself, also where it cannot be set.
    inside.run(pdmod::run, &["-x", "job-number=1", &job], Exit::Usage);
}

/// One value of `row` in lines and in JSON, of the job with those ten digits.
fn shown(inside: &Inside, row: &Attribute, job: &str) -> (String, Value) {
    let lines = inside.run(pdls::run, &["-U", "-r", row.name(), "-s", "line", "-g", job], Exit::Done);
    let text: Vec<&str> =
        lines.lines().map(|line| line.trim_start_matches(&format!("{} =", row.name())).trim()).collect();
    let json: Value =
        serde_json::from_str(&inside.run(pdls::run, &["-U", "--json", "-r", row.name(), job], Exit::Done)).unwrap();
    let json = if row.class == Class::Document { &json[0]["documents"][0] } else { &json[0] };
    (text.join("|"), json[row.name()].clone())
}

/// Whatever can be given to a job is given, shown, altered, and has its default again.
#[test]
fn every_value_that_is_given_is_kept_shown_altered_and_taken_away() {
    let inside = crowded();
    std::fs::write(inside.dir.path().join("letter"), "text\n").unwrap();
    let accepted = |words: &[&str]| {
        let words =
            [&["-d", "park.default", "-x", "headings=false", "-r", "job-identifier"][..], words, &["letter"]].concat();
        inside.run(pdpr::run, &words, Exit::Done).trim().rsplit(':').next().unwrap().to_owned()
    };
    let plain = accepted(&[]);
    for row in nameable(Class::Job).filter(|row| row.settable == Settable::Always) {
        let name = row.name();
        let usual = shown(&inside, row, &plain);
        if let Some(default) = row.default {
            assert_eq!(usual.0, default, "{name}");
        }
        let (first, second) = match row.field {
            Field::Form => ("A4".to_owned(), "A5".to_owned()),
            // That it is not kept for ever is what all others say too.
            Field::RetainForever => ("true".to_owned(), "true".to_owned()),
            _ => (given(row, 1), given(row, 3)),
        };
        let bare = |text: &str| text.replace('\'', "").replace('\u{202e}', "\\u{202e}");
        let job = accepted(&["-x", &format!("{name}={first}")]);
        let one = shown(&inside, row, &job);
        let [staple, fold, punch, _] = several(row);
        match row.many {
            true => assert_eq!(one, (format!("{fold}|{punch}"), serde_json::json!([fold, punch])), "{name}"),
            false => assert_eq!(one.0, bare(&first), "{name}"),
        }
        let alter = |pair: String| drop(inside.run(pdmod::run, &["-x", &pair, &job], Exit::Done));
        alter(format!("{name}={second}"));
        assert_eq!(shown(&inside, row, &job).0, bare(&second), "{name}");
        if row.many {
            alter(format!("{name}+='{punch}' {second}"));
            assert_eq!(shown(&inside, row, &job).0, format!("{}|{punch}", bare(&second)), "{name}");
            alter(format!("{name}-='{punch}' '{staple}'"));
        }
        alter(format!("{name}-={second}"));
        assert_eq!(shown(&inside, row, &job), usual, "{name} without its only value");
        alter(format!("{name}={first}"));
        alter(format!("{name}=="));
        assert_eq!(shown(&inside, row, &job), usual, "{name} again as usual");
    }
}

#[test]
fn what_is_carried_goes_with_its_document_and_its_history_says_who_altered_it() {
    let inside = crowded();
    for name in ["a", "b", "c"] {
        std::fs::write(inside.dir.path().join(name), "text\n").unwrap();
    }
    let words = "-d|park.default|-x|job-comment='for the board' sides=2|a|-x|plex=tumble|b|-x|sides=1 default-medium=A4|c|-x|headings=false|-r|job-identifier";
    let job = inside.run(pdpr::run, &words.split('|').collect::<Vec<_>>(), Exit::Done);
    let job = job.trim().rsplit(':').next().unwrap();
    let sides =
        |job: &str| inside.run(pdls::run, &["-U", "-r", "sides,plex,default-medium", "-s", "line", job], Exit::Done);
    let n = |text: &str| text.replace("JOB", job);
    assert_eq!(
        sides(job),
        n("JOB.1: sides = 2\nJOB.1: plex =\nJOB.1: default-medium =\n\
           JOB.2: sides = 2\nJOB.2: plex = tumble\nJOB.2: default-medium =\n\
           JOB.3: sides = 1\nJOB.3: plex = tumble\nJOB.3: default-medium = A4\n")
    );
    inside.run(pdmod::run, &["-x", "sides=1", &format!("{job}.2")], Exit::Done);
    inside.run(pdmod::run, &["-x", "comment='two words' plex=simplex", job], Exit::Done);
    assert!(sides(job).contains(&n("JOB.2: sides = 1\nJOB.2: plex = simplex\n")));
    let log = inside.run(pdls::run, &["-U", "-r", "log", "-g", job], Exit::Done);
    assert!(log.contains("sides of document 2 to 1") && log.contains("job-comment to 'two words'"), "{log}");
    let finishing = |pairs: &str| {
        inside.run(pdmod::run, &["-x", pairs, job], Exit::Done);
        inside.run(pdls::run, &["-U", "-g", "-r", "job-finishing", "-s", "line", job], Exit::Done)
    };
    assert_eq!(
        finishing("job-finishing=a b job-finishing+=c b job-finishing-=a"),
        "job-finishing = b\n                c\n"
    );
    assert_eq!(finishing("job-finishing+=d job-finishing-=b c"), "job-finishing = d\n");
    assert_eq!(finishing("job-finishing-=d"), "job-finishing =\n");
    for bad in ["sides=3", "plex=both", "sides=1 2", "job-comment+=x", "document-content=x", "job-number=3"] {
        inside.run(pdmod::run, &["-x", bad, job], Exit::Usage);
    }
    // All of them are in `all`, whose keys docs/json.md names, and none is in what scripts cut by columns.
    for row in nameable(Class::Job).filter(|row| row.is_carried()) {
        assert_eq!(row.shown, Shown::All, "{}", row.name());
    }
}
