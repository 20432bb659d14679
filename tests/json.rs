//! The `--json` of every listing: each key is documented in docs/json.md with its type, what is documented is there, and
//! the text of a spool with one of everything is kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::inside::{Inside, Verb, now, pass};
use crate::support::managed;
use serde_json::Value;
use spoolsuite::attributes::{Attribute, Class, Settable, nameable};
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::{pd, spoolcom};
use spoolsuite::model::device::ConnectionInUse;
use spoolsuite::model::job::{DocumentOffer, GivenValue, Origin, RawPath, Transfer};
use spoolsuite::model::order::Priority;
use spoolsuite::model::state::ErrorNote;
use spoolsuite::spool::interface::engine::{AttemptEnd, Engine, Observation};
use spoolsuite::spool::interface::operations::Operations;

/// The headings of docs/json.md under which the keys of a listing stand, the verb, and its words.
const LISTINGS: &[(&[&str], Verb, &[&str])] = &[
    (&["Attributes of a job"], pd::verbs::pdls::run, &["-U", "--json"]),
    (&["Attributes of a job"], pd::verbs::pdls::run, &["-U", "--json", "-r", "job-client-id,document-content"]),
    (&["Attributes of a destination"], pd::verbs::pdls::run, &["-c", "destination", "--json"]),
    (&["Attributes of a queue"], pd::verbs::pdls::run, &["-c", "queue", "--json"]),
    (&["Attributes of a server"], pd::verbs::pdls::run, &["-c", "server", "--json"]),
    (&["Attributes of a server"], pd::verbs::pdls::run, &["-c", "server", "--json", "-r", "health"]),
    (&["Attributes of a job"], pd::verbs::pdq::run, &["-U", "--json", "-d", "office.front"]),
    (&["Attributes of a job"], pd::verbs::pdq::run, &["-U", "--json", "-d", "lp1"]),
    (&["spoolcom DEV"], spoolcom::run, &["DEV", "--json"]),
    (&["spoolcom DEV", "spoolcom DEV of one device"], spoolcom::run, &["DEV lp1", "--json"]),
    (&["spoolcom PRINT"], spoolcom::run, &["PRINT", "--json"]),
    (&["spoolcom LOC"], spoolcom::run, &["LOC", "--json"]),
    (&["spoolcom FONT"], spoolcom::run, &["FONT", "--json"]),
    (&["spoolcom JOB"], spoolcom::run, &["JOB", "--json"]),
    (&["spoolcom JOB", "spoolcom JOB of one job"], spoolcom::run, &["JOB 1", "--json"]),
    (&["Attributes of a job"], pd::verbs::pdls::run, &["-U", "--json", "--history"]),
    (&["Attributes of a job"], pd::verbs::pdls::run, &["-U", "--json", "-j", "-r", "why,log", "4"]),
    (&["Attributes of a job"], pd::verbs::pdls::run, &["-U", "--json", "-r", NOTED, "4"]),
    (&["spoolcom LOG"], spoolcom::run, &["DEV lp2, LOG", "--json"]),
    (&["spoolcom LOG of all objects"], spoolcom::run, &["LOG", "--json"]),
    (&["spoolcom JOB WHY"], spoolcom::run, &["JOB 1, WHY", "--json"]),
    (&["spoolcom JOB WHY"], spoolcom::run, &["JOB 2, WHY", "--json"]),
    (&["spoolcom JOB WHY"], spoolcom::run, &["JOB 3, WHY", "--json"]),
    (&["spoolcom JOB WHY"], spoolcom::run, &["JOB 4, WHY", "--json"]),
    (&["spoolcom JOB WHY"], spoolcom::run, &["JOB 7, WHY", "--json"]),
    (&["spoolcom SPOOLER"], spoolcom::run, &["SPOOLER", "--json"]),
    (&["spoolcom XREF"], spoolcom::run, &["LOC, XREF", "--json"]),
    (&["spoolcom XREF"], spoolcom::run, &["DEV, XREF", "--json"]),
    (&["spoolcom XREF"], spoolcom::run, &["PRINT, XREF", "--json"]),
    (&["spoolcom DEV SUMMARY"], spoolcom::run, &["DEV, SUMMARY", "--json"]),
    (&["spoolcom JOB SUMMARY"], spoolcom::run, &["JOB, SUMMARY", "--json"]),
    (&["spoolcom PRINT SUMMARY and COLLECT SUMMARY"], spoolcom::run, &["PRINT, SUMMARY", "--json"]),
    (&["spoolcom PRINT SUMMARY and COLLECT SUMMARY"], spoolcom::run, &["COLLECT, SUMMARY", "--json"]),
    (&["spoolcom SPOOLER STATISTICS"], spoolcom::run, &["SPOOLER, STATISTICS", "--json"]),
    (&["spoolcom COLLECT"], spoolcom::run, &["COLLECT", "--json"]),
];

/// Attributes that only the spool gives a value, if it has one.
const NOTED: &str = "job-message-from-administrator modification-time name-of-last-accessor promotion-time deadline-in-jeopardy \
                     estimated-completion-time required-resources-not-ready required-resources-not-supported \
                     job-copies-completed media-sheets-completed document-state copies-completed received-from";

/// Objects inside others that have a section of their own.
const NESTED: &[(&str, &str, &str)] =
    &[("Attributes of a job", "why[].", "spoolcom JOB WHY"), ("Attributes of a job", "log[].", "spoolcom LOG")];

/// Keys that are documented and depend on what this spool does not have.
const NOT_HERE: &[&str] = &["error"];

/// Objects whose keys are names of attributes, or words that were typed.
const FREE: &[&str] = &["attributes", "queue-attributes", "without-effect"];

/// A value that `row` may have, as if it had been given.
fn given(row: &Attribute) -> GivenValue {
    let value = managed::value(row);
    let document = u32::from(row.class == Class::Document);
    GivenValue { document, field: row.field, value, origin: Origin::User }
}

/// Two devices, one printing and one in error; jobs that print, wait, need another form, are begun, held, broadcast.
fn one_of_everything() -> Inside {
    let mut inside = Inside::new();
    let commands = "PRINT $SPLA, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:; \
                    DEV $LP2, PROCESS $SPLA, URI socket://127.0.0.1:9, FORM A4, FIFO ON, EXCLUSIVE ON; DEV $BARE, SPEED 5; \
                    LOC #OFFICE.FRONT, DEV $LP1; LOC #OFFICE.BACK, DEV $LP2; LOC #PARK.DEFAULT, DEV; DEV $LP1, START; \
                    DEV $LP2, START";
    inside.run(spoolcom::run, &[commands], Exit::Done);
    inside.local.set_broadcast("office".parse().unwrap(), true).unwrap();
    managed::manage(&mut inside);
    inside.submit("office.front", b"one\ntwo\n", |submission| {
        submission.documents[0].copies = 2;
        submission.hold_after = true;
    });
    pass(1000);
    inside.submit("office.front", b"%!PS-Adobe-3.0\n%%Pages: 7\nshowpage\n", |submission| {
        submission.name = "letter".into()
    });
    inside.submit("office.front", b"cheque\n", |submission| submission.form = "CHEQUES".into());
    inside.submit("#office", b"for all\n", |submission| submission.priority = Priority::new(90).unwrap());
    inside.submit("park.default", b"later\n", |submission| {
        submission.hold = true;
        let carried = nameable(Class::Job).filter(|row| row.is_carried() && row.settable != Settable::Never);
        submission.given = carried.map(given).collect();
    });
    let original = inside.dir.path().join("original.txt");
    std::fs::write(&original, "linked\n").unwrap();
    let (mut linked, _) = inside.offer("park.default", b"x");
    linked.documents = vec![DocumentOffer {
        file_name: RawPath("original.txt".into()),
        transfer: Transfer::Link,
        link_target: Some(RawPath(original.clone())),
        copies: 1,
        format: None,
    }];
    inside.local.submit(linked, vec![std::fs::File::open(&original).unwrap().into()]).unwrap();

    inside.run(spoolcom::run, &["FONT LOGO, JOB 5; LOC #OFFICE.BACK, FONT LOGO"], Exit::Done);
    let lease = inside.begins("SPLA");
    let id = |inside: &mut Inside, name: &str| inside.local.device(name.parse().unwrap()).unwrap().id;
    let (lp1, lp2) = (id(&mut inside, "lp1"), id(&mut inside, "lp2"));
    // The broadcast job comes first; it goes back, so that the first one can be shown in print.
    inside.run(spoolcom::run, &["JOB 4, HOLD"], Exit::Done);
    let claim = inside.spool.claim(&lease, lp1, &now()).unwrap().unwrap();
    assert_eq!(claim.number.get(), 1);
    inside.run(spoolcom::run, &["JOB 4, START"], Exit::Done);
    let error = ErrorNote {
        number: 4127,
        text: "cannot connect to 127.0.0.1:9: the connection was refused".into(),
        since_ms: now().wall_ms,
        next_try_ms: Some(now().wall_ms + 5000),
        tries: 2,
    };
    for (device, address, entry) in [(lp1, "null:", None), (lp2, "socket://127.0.0.1:9", Some("/pd/FASTCNFG:7"))] {
        let complaint = entry.map(|_| "/pd/FASTCNFG:9:1: there is no attribute 'PROT' (did you mean PORT?)".into());
        let address = address.parse().unwrap();
        let connection = ConnectionInUse { address, entry: entry.map(Into::into), complaint };
        let opened = Observation::Opened { why: "job 1 is queued".into(), connection };
        inside.spool.observe(&lease, device, opened, &now()).unwrap();
    }
    inside.spool.observe(&lease, lp2, Observation::Closed { why: "the peer hung up".into() }, &now()).unwrap();
    inside.spool.observe(&lease, lp2, Observation::Failed(error), &now()).unwrap();
    // What is held because it failed has words of its own.
    let end = AttemptEnd::DataFailed {
        reason: spoolsuite::model::state::HoldReason::Failed,
        text: "the source ended early".into(),
        moved: None,
        touched: true,
    };
    inside.submit("office.front", b"bad\n", |submission| submission.priority = Priority::new(100).unwrap());
    inside.spool.attempt_ends(&lease, &claim, AttemptEnd::Abandoned { touched: false }, false, &now()).unwrap();
    let bad = inside.spool.claim(&lease, lp1, &now()).unwrap().unwrap();
    inside.run(spoolcom::run, &["JOB 4, HOLD"], Exit::Done);
    inside.spool.attempt_ends(&lease, &bad, end, true, &now()).unwrap().unwrap();
    inside.run(spoolcom::run, &["JOB 4, START"], Exit::Done);
    let gone = inside.submit("park.default", b"gone\n", |_| {});
    inside.run(spoolcom::run, &[&format!("JOB {}, DELETE", gone.number)], Exit::Done);
    inside.run(pd::verbs::pdpause::run, &["-w", "after-current-job", "lp1"], Exit::Done);
    inside
}

/// The documented keys of the sections with these headings: path → type and meaning.
fn documented(page: &str, headings: &[&str]) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for wanted in headings {
        let mut inside = false;
        for line in page.lines() {
            if line.starts_with('#') {
                inside = line.trim_start_matches('#').trim() == *wanted;
            }
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            if let (true, [_, key, kind, meaning, ..]) = (inside, cells.as_slice())
                && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
            {
                keys.insert(key.to_owned(), format!("{kind}: {meaning}"));
            }
        }
        for (_, prefix, section) in NESTED.iter().filter(|nested| nested.0 == *wanted) {
            keys.extend(documented(page, &[section]).into_iter().map(|(key, kind)| (format!("{prefix}{key}"), kind)));
        }
        assert!(!keys.is_empty(), "docs/json.md has no section '{wanted}'");
    }
    keys
}

/// Every key of `value` with every kind of value it has.
fn found(value: &Value, path: &str, keys: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let kind = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                keys.entry(path.clone()).or_default().insert(kind);
                if !FREE.contains(&key.as_str()) {
                    found(value, &path, keys);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| found(value, &format!("{path}[]"), keys)),
        _ => {}
    }
}

fn allowed(kind: &str, documented: &str) -> bool {
    let words: Vec<&str> = documented.split(": ").next().unwrap_or_default().split(' ').collect();
    match kind {
        "string" => ["string", "keyword", "time"].contains(&words[0]),
        "null" => words.ends_with(&["or", "null"]),
        kind => words[0] == kind,
    }
}

#[test]
fn every_key_is_documented_with_its_type_and_what_is_documented_is_there() {
    let inside = one_of_everything();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let mut seen: BTreeMap<&[&str], BTreeMap<String, BTreeSet<&'static str>>> = BTreeMap::new();
    for (headings, verb, words) in LISTINGS {
        let text = inside.run(*verb, words, Exit::Done);
        let list: Value = serde_json::from_str(&text).unwrap();
        assert!(!list.as_array().unwrap().is_empty(), "{words:?} shows nothing");
        assert_eq!(text.lines().count(), list.as_array().unwrap().len() + 2, "one object a line");
        for object in list.as_array().unwrap() {
            found(object, "", seen.entry(*headings).or_default());
        }
    }
    let mut wrong = Vec::new();
    for (headings, keys) in &seen {
        let documented = documented(&page, headings);
        for (key, kinds) in keys {
            match documented.get(key) {
                None => wrong.push(format!("{headings:?}: `{key}` ({kinds:?}) is not documented")),
                Some(kind) => kinds
                    .iter()
                    .filter(|found| !allowed(found, kind))
                    .for_each(|found| wrong.push(format!("{headings:?}: `{key}` is {found}, documented as {kind}"))),
            }
        }
        let always = |kind: &str| !kind.contains("some causes");
        for (key, _) in documented.iter().filter(|(key, kind)| !keys.contains_key(*key) && always(kind)) {
            let parent = key.rsplit_once(['.', '[']).map_or("", |parts| parts.0);
            if !NOT_HERE.contains(&parent) {
                wrong.push(format!("{headings:?}: `{key}` is documented and never there"));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/json.md and the listings differ:\n{}", wrong.join("\n"));
}

#[test]
fn the_listings_of_a_spool_with_one_of_everything_are_kept() {
    let inside = one_of_everything();
    let about = inside.spool.base().root().display().to_string();
    let mut kept = String::new();
    for (_, verb, words) in LISTINGS {
        let text = inside.run(*verb, words, Exit::Done);
        let mut list: Value = serde_json::from_str(&text).unwrap();
        hide(&mut list, &about);
        kept.push_str(&format!("$ {}\n{}\n\n", words.join(" "), serde_json::to_string_pretty(&list).unwrap()));
    }
    insta::assert_snapshot!(kept);
}

/// Replaces what differs from machine to machine and from run to run.
fn hide(value: &mut Value, base: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), &*value) {
                    ("owner-uid" | "owner-gid" | "creator-uid", Value::Number(_)) => *value = Value::from("[number]"),
                    ("spool-id", _) => *value = Value::from("[id]"),
                    ("path", Value::String(path)) => {
                        let end = path.len() - 6;
                        *value = Value::from(path[..end].replace(base, "[base]") + "[six]");
                    }
                    // How full the disk is.
                    ("units-allocated" | "total-units" | "percent-full" | "free-octets", _) => {
                        *value = Value::from("[number]")
                    }
                    ("spool-space", Value::Array(lines)) => {
                        let free = |line: &Value| line.as_str().is_some_and(|line| line.starts_with("free: "));
                        let lines: Vec<Value> = lines.iter().filter(|line| !free(line)).cloned().collect();
                        *value = lines.into();
                    }
                    ("base", _) => *value = Value::from("[base]"),
                    ("fastcnfg", Value::String(path)) => *value = Value::from(path.replace(base, "[base]")),
                    _ => hide(value, base),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| hide(value, base)),
        _ => {}
    }
}
