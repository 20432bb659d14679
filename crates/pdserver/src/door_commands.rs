//! `pdserver door`: doors as objects of the spool. The server that runs sees what was changed by itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};
use spoolsuite::client::ServedSpool;
use spoolsuite::model::door::{DRAINED, DoorKind, STARTED};
use spoolsuite::model::field::Value;
use spoolsuite::model::object::{ObjectAttribute, ObjectChange, ObjectClass, ObjectName, ObjectStatus};
use spoolsuite::model::printable::escaped;
use spoolsuite::model::{Failure, FailureKind, space};
use spoolsuite::spool::Base;
use spoolsuite::spool::disk::locks;
use spoolsuite::spool::interface::operations::Operations;
use spoolsuite::supervise::{self, Purpose};

use super::arguments::{DoorCommand, DoorOptions, OfDoors};

/// How long a server may take to open a door, or to say why not, before we say nothing of it.
const OPENS: Duration = Duration::from_secs(10);

const CLASS: ObjectClass = ObjectClass::Door;

fn open(of: &OfDoors, cwd: &Path, purpose: Purpose) -> Result<(Box<dyn Operations>, bool), Failure> {
    match &of.socket {
        Some(path) => Ok((Box::new(ServedSpool::connect(&cwd.join(path))?), true)),
        None => {
            let base = Base::new(cwd.join(&of.base));
            let spool = supervise::open_at(&base, purpose)?;
            Ok((spool, locks::is_served(&base)))
        }
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// What was given on the command line, as attributes.
fn given(options: &DoorOptions, cwd: &Path) -> Result<Vec<ObjectAttribute>, Failure> {
    let mut found = Vec::new();
    let mut many = |name: &str, values: &[String]| {
        if !values.is_empty() {
            found.push(ObjectAttribute {
                name: name.to_owned(),
                values: values.iter().map(|value| text(value)).collect(),
            });
        }
    };
    many("door-listen", &options.listen);
    many("door-destination", &options.to);
    many("door-allow", &options.allow);
    many("door-trust-users", &options.trust_users);
    many("door-end-mark", &options.end_mark);
    let mut one = |name: &str, value: Option<Value>| found.extend(value.map(|value| ObjectAttribute::of(name, value)));
    let count = |value: Option<u32>| value.map(|value| Value::Integer(i64::from(value)));
    let octets = options.max_octets.as_deref().map(|text| {
        let bad = || Failure::new(FailureKind::BadValue, format!("--max-octets {text}: that is no number of octets"));
        space::octets(text).and_then(|octets| i64::try_from(octets).ok()).map(Value::Integer).ok_or_else(bad)
    });
    one("door-max-octets", octets.transpose()?);
    let whole = |path: &Option<PathBuf>| -> Result<Option<Value>, Failure> {
        let Some(path) = path.as_ref().map(|path| cwd.join(path)) else { return Ok(None) };
        let bad = || Failure::new(FailureKind::BadValue, format!("{}: a path of plain text is wanted", path.display()));
        path.to_str().map(text).ok_or_else(bad).map(Some)
    };
    one("door-directory", whole(&options.directory)?);
    one("door-tls", options.tls.map(Value::Boolean));
    one("door-tls-cert", whole(&options.tls_cert)?);
    one("door-tls-key", whole(&options.tls_key)?);
    one("door-dns-sd", options.dns_sd.map(Value::Boolean));
    one("door-pam", options.pam.map(Value::Boolean));
    one("door-client-ca", whole(&options.client_ca)?);
    one("door-client-crl", whole(&options.client_crl)?);
    one("door-client-name", options.client_name.as_deref().map(text));
    one("door-log-on", options.log_on.as_deref().map(text));
    one("door-max-connections", count(options.max_connections));
    one("door-max-per-peer", count(options.max_per_peer));
    one("door-rate", count(options.rate));
    one("door-timeout", count(options.timeout));
    one("door-duplicates", options.duplicates.as_deref().map(text));
    one("door-banner", options.banner.map(Value::Boolean));
    one("door-require-reserved", options.require_reserved.map(Value::Boolean));
    one("door-idle", count(options.idle));
    one("door-back-channel", options.back_channel.map(Value::Boolean));
    one("door-settle", count(options.settle));
    one("door-poll", count(options.poll));
    one("door-marker", options.marker.as_deref().map(text));
    one("door-link", options.link.map(Value::Boolean));
    one("descriptor", options.descriptor.as_deref().map(text));
    Ok(found)
}

fn one(spool: &mut dyn Operations, name: &ObjectName) -> Result<ObjectStatus, Failure> {
    let page = spool.objects(CLASS, Some(name.clone()), None, 1)?;
    page.rows.into_iter().next().ok_or_else(|| Failure::not_found(format!("door {name}")))
}

fn values(door: &ObjectStatus, name: &str) -> Vec<String> {
    let found = door.attributes.iter().find(|attribute| attribute.name == name);
    found.into_iter().flat_map(|attribute| &attribute.values).map(shown).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => escaped(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        other => escaped(&format!("{other:?}")),
    }
}

fn wish(spool: &mut dyn Operations, name: &ObjectName, wish: &str) -> Result<(), Failure> {
    spool.set_object(CLASS, name.clone(), vec![ObjectChange::Set(ObjectAttribute::of("door-wish", text(wish)))])
}

/// Waits until the server says what has become of a door, and says it.
fn tell(
    spool: &mut dyn Operations,
    name: &ObjectName,
    served: bool,
    is_over: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    if !served {
        println!("door {name}: pdserver opens it when it runs");
        return Ok(());
    }
    let until = Instant::now() + OPENS;
    loop {
        let state = values(&one(spool, name)?, "door-state").join(" ");
        if is_over(&state) || Instant::now() > until {
            println!("door {name}: {}", if state.is_empty() { "the server has not opened it yet" } else { &state });
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Carries out a command about doors.
///
/// # Errors
/// When it cannot, in words; nothing was changed then.
pub fn run(command: &DoorCommand, cwd: &Path) -> Result<(), Failure> {
    let is_open = |state: &str| !state.is_empty() && state != DRAINED && !state.contains("no server runs");
    match command {
        DoorCommand::Add { of, name, kind, settings } => {
            let name: ObjectName = name.parse()?;
            let kind: DoorKind = kind.parse()?;
            let (mut spool, served) = open(of, cwd, Purpose::Declare)?;
            let mut attributes = vec![ObjectAttribute::of("door-kind", text(kind.word()))];
            attributes.extend(given(settings, cwd)?);
            attributes.push(ObjectAttribute::of("door-wish", text(STARTED)));
            spool.create_object(CLASS, name.clone(), attributes)?;
            tell(spool.as_mut(), &name, served, is_open)
        }
        DoorCommand::Set { of, name, settings } => {
            let name: ObjectName = name.parse()?;
            let (mut spool, _) = open(of, cwd, Purpose::Declare)?;
            let changes: Vec<ObjectChange> = given(settings, cwd)?.into_iter().map(ObjectChange::Set).collect();
            if changes.is_empty() {
                return Err(Failure::new(FailureKind::BadValue, "nothing is given that could be set"));
            }
            spool.set_object(CLASS, name, changes)
        }
        DoorCommand::List { of, json } => {
            let (mut spool, _) = open(of, cwd, Purpose::Look)?;
            list(spool.as_mut(), *json)
        }
        DoorCommand::Show { of, name } => {
            let name: ObjectName = name.parse()?;
            let (mut spool, _) = open(of, cwd, Purpose::Look)?;
            let door = one(spool.as_mut(), &name)?;
            println!("{:25} {}", "door-name", door.name);
            for attribute in &door.attributes {
                println!("{:25} {}", attribute.name, values(&door, &attribute.name).join(" "));
            }
            Ok(())
        }
        DoorCommand::Drain { of, name } => {
            let name: ObjectName = name.parse()?;
            let (mut spool, served) = open(of, cwd, Purpose::Declare)?;
            wish(spool.as_mut(), &name, DRAINED)?;
            if served { tell(spool.as_mut(), &name, true, |state| state == DRAINED) } else { Ok(()) }
        }
        DoorCommand::Start { of, name } => {
            let name: ObjectName = name.parse()?;
            let (mut spool, served) = open(of, cwd, Purpose::Declare)?;
            wish(spool.as_mut(), &name, STARTED)?;
            tell(spool.as_mut(), &name, served, is_open)
        }
        DoorCommand::Delete { of, name } => {
            let (mut spool, _) = open(of, cwd, Purpose::Declare)?;
            spool.delete_object(CLASS, name.parse()?)
        }
    }
}

fn list(spool: &mut dyn Operations, json: bool) -> Result<(), Failure> {
    let mut doors = Vec::new();
    let mut after = None;
    loop {
        let page = spool.objects(CLASS, None, after, 1000)?;
        doors.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if json {
        let rows = doors.iter().map(|door| {
            let name = std::iter::once(("door-name".to_owned(), Json::String(door.name.to_string())));
            let each = door.attributes.iter().map(|attribute| {
                let values: Vec<Json> = attribute.values.iter().map(json_of).collect();
                (attribute.name.clone(), if values.len() == 1 { values[0].clone() } else { Json::Array(values) })
            });
            Json::Object(name.chain(each).collect::<Map<String, Json>>())
        });
        println!("{}", serde_json::to_string_pretty(&rows.collect::<Vec<_>>()).unwrap_or_default());
        return Ok(());
    }
    let mut rows = vec![["DOOR", "KIND", "TAKEN", "REFUSED", "TO", "STATE"].map(str::to_owned)];
    for door in &doors {
        let value = |name: &str, none: &str| match values(door, name).join(" ") {
            text if text.is_empty() => none.to_owned(),
            text => text,
        };
        rows.push([
            door.name.to_string(),
            value("door-kind", "-"),
            value("door-jobs-accepted", "0"),
            value("door-jobs-refused", "0"),
            value("door-destination", "*"),
            value("door-state", "not opened yet"),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row.get(column).map_or(0, String::len)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    for row in &rows {
        let [first @ .., state] = row;
        let padded = first.iter().zip(&widths).map(|(text, width)| format!("{text:width$}  "));
        println!("{}{state}", padded.collect::<String>());
    }
    Ok(())
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Integer(number) => Json::from(*number),
        Value::Boolean(yes) => Json::Bool(*yes),
        other => Json::String(shown(other)),
    }
}
