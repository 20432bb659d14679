//! Destinations, queues and the server, as `pdls` lists them.
//!
//! A location is a logical destination, a device an actual one, a group a queue. There are few of them in comparison with
//! jobs, so the spool gives all of them and the filter is applied here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::display::Display;
use super::listing::{check_server, elsewhere, others_unknown, silent};
use super::record::{Layout, Record};
use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::{
    Actual, KeptFacts, Logical, Members, Object, QueueFacts, ServerFacts, device_is_ready,
};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::why::Times;
use crate::model::collector::CollectorState;
use crate::model::device::DeviceStatus;
use crate::model::field::{Field, Value};
use crate::model::location::{Destination, GroupStatus, LocationKind, LocationStatus};
use crate::model::object::{ObjectAttribute, ObjectClass, ObjectName};
use crate::model::query::{Condition, PAGE};
use crate::model::{DeviceName, Failure, FailureKind, GroupName, LocationPattern, ServerName};
use crate::spool::interface::operations::{At, Operations};

/// Lists the objects that `arguments` name, or all of them.
///
/// # Errors
/// The spool cannot be asked or the output cannot be written. An object that does not exist only changes the status.
pub fn list(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    program: &str,
    layout: &Layout,
    arguments: &[String],
    condition: &Condition,
) -> Result<Exit, Stop> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut display = Display::new(shell.out, layout);
    let look = Look { layout, condition, now_ms: shell.now_ms };
    if arguments.is_empty() {
        list_at(spool, &mut display, &look, &[String::from("*:")], &mut failures)?;
    }
    for argument in arguments {
        let server = argument.split_once(':').map(|(server, _)| server);
        if let Some(other) = server.filter(|server| *server != "*").and_then(|server| server.parse().ok())
            && let Some(other) = elsewhere(spool, &other)?
        {
            there(spool, &mut display, &look, (&other, argument), &mut failures)?;
            continue;
        }
        list_at(spool, &mut display, &look, std::slice::from_ref(argument), &mut failures)?;
        if server == Some("*") {
            match spool.servers() {
                Ok(others) => {
                    for other in others {
                        there(spool, &mut display, &look, (&other, argument), &mut failures)?;
                    }
                }
                Err(failure) => failures.push(others_unknown(failure)),
            }
        }
    }
    display.end()?;
    let exit = failures.iter().fold(Exit::Done, |exit, failure| exit.max(Exit::of(failure)));
    for failure in &failures {
        shell.report(program, failure);
    }
    Ok(exit)
}

/// Returns the same names, and behind each logical destination the actual ones that print its jobs: those that its default job
/// requests, or else all of its queue. One that is named anyhow is not named twice.
///
/// # Errors
/// The spool cannot be asked.
pub fn with_actual(spool: &mut dyn Operations, arguments: &[String]) -> Result<Vec<String>, Stop> {
    let mut names = Vec::new();
    let mut devices: BTreeMap<String, Vec<DeviceName>> = BTreeMap::new();
    let mut logical: Vec<(String, LocationStatus)> = Vec::new();
    every_location(spool, None, &mut |location| {
        if let Some(device) = &location.device {
            let of_group = devices.entry(location.name.group.key()).or_default();
            if !of_group.contains(device) {
                of_group.push(device.clone());
            }
        }
        if location.kind != LocationKind::Outlet {
            logical.push((label_of(location), location.clone()));
        }
        Ok(())
    })?;
    for argument in arguments {
        names.push(argument.clone());
        let (prefix, name) = match argument.split_once(':') {
            Some((server, name)) => (format!("{server}:"), name),
            None => (String::new(), argument.as_str()),
        };
        let Some((_, location)) = logical.iter().find(|(label, _)| label.eq_ignore_ascii_case(name)) else { continue };
        let mut found = requested_by_default(spool, location)?;
        if found.is_empty() {
            found = match &location.device {
                Some(device) => vec![device.to_string()],
                None => {
                    devices.get(&location.name.group.key()).into_iter().flatten().map(ToString::to_string).collect()
                }
            };
        }
        names.extend(found.into_iter().map(|device| format!("{prefix}{device}")));
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.to_ascii_lowercase()));
    Ok(names)
}

/// Returns the actual destinations that the default job of a logical destination requests.
fn requested_by_default(spool: &mut dyn Operations, location: &LocationStatus) -> Result<Vec<String>, Stop> {
    let field = Field::from_stored("destination-initial-value-job");
    let named = location.given.iter().find(|one| Some(one.0) == field).map(|one| &one.1);
    let Some(Value::Text(name)) = named else { return Ok(Vec::new()) };
    let Ok(name) = name.parse::<ObjectName>() else { return Ok(Vec::new()) };
    let page = spool.objects(ObjectClass::InitialValueJob, Some(name), None, 1)?;
    let values =
        page.rows.iter().flat_map(|row| &row.attributes).filter(|one| one.name == "actual-destinations-requested");
    let texts = values.flat_map(|one| &one.values).filter_map(|value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    Ok(texts.collect())
}

/// What is shown of objects, and which of them.
struct Look<'a> {
    layout: &'a Layout,
    condition: &'a Condition,
    now_ms: i64,
}

/// Lists what an argument names at another server.
fn there(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    look: &Look<'_>,
    (server, argument): (&ServerName, &String),
    failures: &mut Vec<Failure>,
) -> Result<(), Stop> {
    let mut at = At { spool: &mut *spool, server: server.clone() };
    match list_at(&mut at, display, look, std::slice::from_ref(argument), failures).map_err(|stop| silent(server, stop))
    {
        Err(Stop::Failed(failure)) => {
            failures.push(failure);
            Ok(())
        }
        other => other,
    }
}

/// Lists what arguments name at one server.
fn list_at(
    spool: &mut dyn Operations,
    display: &mut Display<'_>,
    Look { layout, condition, now_ms }: &Look<'_>,
    arguments: &[String],
    failures: &mut Vec<Failure>,
) -> Result<(), Stop> {
    let about = spool.about()?;
    let here = ServerFacts {
        name: about.server.as_str(),
        accepts: about.state.accepts() && about.collectors.iter().any(|(_, state)| *state == CollectorState::Active),
        prints: about.prints,
        state: about.state,
        problem: about.last_error.as_deref(),
        access: &about.access,
        limits: about.limits,
        space: about.space,
        deliveries: about.deliveries,
        collectors: &about.collectors,
        now_ms: *now_ms,
        given: &about.given,
        members: None,
        health: None,
    };
    let around = Around::of(spool, layout, condition)?;
    let here = ServerFacts { members: around.members.as_ref(), health: around.health.as_deref(), ..here };
    let filter = Filter::new(condition, layout.class);
    for argument in arguments {
        let mut add = |label: String, object: &Object<'_>| -> Result<(), Stop> {
            // No condition on these depends on who asks.
            if filter.takes(object, 0) {
                display.add(Record::new(label, &layout.selection, object))?;
            }
            Ok(())
        };
        let mut those = |spool: &mut dyn Operations, name: Option<&str>| match layout.class {
            Class::Server => server(&here, name, &mut add),
            Class::Queue => queues(spool, &here, &around, name, &mut add),
            Class::Medium => kept(spool, &here, (ObjectClass::Medium, layout.class), name, &mut add),
            Class::InitialValueJob => kept(spool, &here, (ObjectClass::InitialValueJob, layout.class), name, &mut add),
            Class::InitialValueDocument => {
                kept(spool, &here, (ObjectClass::InitialValueDocument, layout.class), name, &mut add)
            }
            Class::Door => kept(spool, &here, (ObjectClass::Door, layout.class), name, &mut add),
            Class::Station => kept(spool, &here, (ObjectClass::Station, layout.class), name, &mut add),
            Class::User => kept(spool, &here, (ObjectClass::User, layout.class), name, &mut add),
            Class::Log => logs(spool, &here, name, &mut add),
            _ => destinations(spool, &here, &around, name, &mut add),
        };
        let result = match name_of(spool, argument).and_then(|name| those(spool, name)) {
            // No object has that name, but the server does: it stands for all of its objects.
            Err(Stop::Failed(failure))
                if failure.kind == FailureKind::NotFound && argument.eq_ignore_ascii_case(here.name) =>
            {
                those(spool, None)
            }
            result => result,
        };
        match result {
            Ok(()) => {}
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::Unreachable => return Err(failure.into()),
            Err(Stop::Failed(failure)) => failures.push(failure),
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

/// Takes an object, if the filter lets it pass.
type Add<'a> = dyn FnMut(String, &Object<'_>) -> Result<(), Stop> + 'a;

/// The object's own name in `[server:]name`; none = every object. The server must be the one that answers.
fn name_of<'a>(spool: &mut dyn Operations, argument: &'a str) -> Result<Option<&'a str>, Stop> {
    let Some((server, name)) = argument.split_once(':') else {
        return Ok((argument != "*").then_some(argument));
    };
    if server != "*" {
        let server: ServerName = server.parse().map_err(Failure::from)?;
        check_server(spool, Some(&server))?;
    }
    Ok((!name.is_empty()).then_some(name))
}

/// Returns what `spoolcom CHECK` says, a line each.
fn health(spool: &mut dyn Operations, layout: &Layout) -> Result<Vec<String>, Failure> {
    let found = spool.health()?;
    let times = Times { zone: layout.zone.clone(), now_ms: layout.now_ms };
    let findings = crate::commands::health::findings(&found, &times);
    if findings.is_empty() {
        return Ok(vec![crate::commands::health::well(&found, &times)]);
    }
    Ok(findings.iter().map(crate::commands::health::line).collect())
}

fn server(here: &ServerFacts<'_>, name: Option<&str>, add: &mut Add<'_>) -> Result<(), Stop> {
    if let Some(name) = name
        && !name.eq_ignore_ascii_case(here.name)
    {
        return Err(Failure::not_found(format!("server {name}"))
            .hint(format!("the server here is {}", here.name))
            .into());
    }
    add(here.name.to_owned(), &Object::Server(here))
}

/// Shows objects that have a name and values and nothing else.
fn kept(
    spool: &mut dyn Operations,
    here: &ServerFacts<'_>,
    (class, shown): (ObjectClass, Class),
    name: Option<&str>,
    add: &mut Add<'_>,
) -> Result<(), Stop> {
    let name: Option<ObjectName> = name.map(|name| name.parse().map_err(Failure::from)).transpose()?;
    let mut after = None;
    loop {
        let page = spool.objects(class, name.clone(), after, PAGE)?;
        for one in &page.rows {
            let facts =
                KeptFacts { class: shown, name: one.name.as_str(), server: here.name, attributes: &one.attributes };
            add(one.name.to_string(), &Object::Kept(facts))?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Shows the logs of a server: its own, the one of its print processes, and one of each destination that is accounted for.
fn logs(spool: &mut dyn Operations, here: &ServerFacts<'_>, name: Option<&str>, add: &mut Add<'_>) -> Result<(), Stop> {
    let about = spool.about()?;
    let base = Path::new(&about.base.0).to_owned();
    let log = |kind: &str, file: &Path, enabled: bool| {
        let text = |name: &str, value: String| ObjectAttribute::of(name, Value::Text(value));
        vec![
            text("log-type", kind.to_owned()),
            text("log-file-name", file.display().to_string()),
            ObjectAttribute::of("enabled", Value::Boolean(enabled)),
        ]
    };
    let mut found = vec![("fastp.log".to_owned(), log("print-process", &base.join("run/fastp.log"), true))];
    if let Some(file) = &about.error_log {
        found.push(("error.log".to_owned(), log("error", Path::new(file), true)));
    }
    let field = Field::from_stored("log-accounting-data");
    let accounts = |given: &[(Field, Value)]| {
        let value = given.iter().find(|one| Some(one.0) == field).map(|one| &one.1);
        value.map(|value| *value == Value::Boolean(true))
    };
    let of_server = accounts(here.given).unwrap_or(false);
    let dir = base.join(here.name).join("accounting.logs");
    every_device(spool, &mut |device| {
        let name = format!("{}.accounting.log", device.name);
        let file = dir.join(format!("{name}.v1"));
        found.push((name, log("accounting", &file, accounts(&device.given).unwrap_or(of_server))));
        Ok(())
    })?;
    let mut any = false;
    for (label, attributes) in &found {
        if name.is_none_or(|name| name.eq_ignore_ascii_case(label)) {
            any = true;
            let facts = KeptFacts { class: Class::Log, name: label, server: here.name, attributes };
            add(label.clone(), &Object::Kept(facts))?;
        }
    }
    match name {
        Some(name) if !any => {
            let near = crate::model::near(name, found.iter().map(|one| one.0.as_str()));
            let failure = Failure::not_found(format!("log {name}"));
            Err(match near.as_slice() {
                [] => failure,
                near => failure.hint(format!("did you mean {}?", near.join(", "))),
            }
            .into())
        }
        _ => Ok(()),
    }
}

/// What the objects of a server are to each other.
#[derive(Default)]
struct Around {
    /// For each device the queues whose locations route to it.
    queues: BTreeMap<String, BTreeSet<String>>,
    /// For each queue the logical destinations that feed it.
    logical: BTreeMap<String, Vec<String>>,
    /// For each queue the devices that it feeds.
    actual: BTreeMap<String, Vec<DeviceName>>,
    /// The devices that are enabled and well, where somebody asks for them.
    ready: BTreeSet<String>,
    /// The devices that pause when their job is done, where somebody asks for them.
    pausing: BTreeSet<String>,
    /// The objects of the server, where somebody asks for them.
    members: Option<Members>,
    /// What is wrong, a line each, where somebody asks for that.
    health: Option<Vec<String>>,
}

impl Around {
    /// Looks at what `layout` and `condition` may ask for.
    fn of(spool: &mut dyn Operations, layout: &Layout, condition: &Condition) -> Result<Self, Stop> {
        let mut around = Self::default();
        let asks = |fields: &[Field]| {
            let rows = layout.selection.object.iter().chain(&layout.selection.carried);
            *condition != Condition::Any || rows.into_iter().any(|row| fields.contains(&row.field))
        };
        let of_server = layout.class == Class::Server
            && asks(&[
                Field::LogicalDestinationsSupported,
                Field::ActualDestinationsSupported,
                Field::QueuesSupported,
                Field::PausePending,
            ]);
        if layout.class == Class::Server && asks(&[Field::Health]) {
            around.health = Some(health(spool, layout)?);
        }
        let of_these = matches!(layout.class, Class::Destination | Class::Queue) || of_server;
        if !of_these {
            return Ok(around);
        }
        every_location(spool, None, &mut |location| {
            let group = location.name.group.key();
            if location.kind != LocationKind::Outlet {
                around.logical.entry(group.clone()).or_default().push(label_of(location));
            }
            if let Some(device) = &location.device {
                around.queues.entry(device.key()).or_default().insert(location.name.group.to_string());
                let devices = around.actual.entry(group).or_default();
                if !devices.contains(device) {
                    devices.push(device.clone());
                }
            }
            Ok(())
        })?;
        if layout.class == Class::Destination && asks(&[Field::DestinationsReady]) {
            every_device(spool, &mut |device| {
                if device_is_ready(device) {
                    around.ready.insert(device.name.key());
                }
                Ok(())
            })?;
        }
        if layout.class == Class::Queue && asks(&[Field::PausePending]) {
            every_device(spool, &mut |device| {
                if device.pause_next {
                    around.pausing.insert(device.name.key());
                }
                Ok(())
            })?;
        }
        if of_server {
            let logical = around.logical.values().flatten().cloned().collect();
            let mut members = Members { logical, ..Members::default() };
            every_device(spool, &mut |device| {
                members.actual.push(device.name.to_string());
                members.pausing.extend(device.pause_next.then(|| device.name.to_string()));
                Ok(())
            })?;
            every_group(spool, &mut |group| {
                members.queues.push(group.name.to_string());
                Ok(())
            })?;
            around.members = Some(members);
        }
        Ok(around)
    }

    /// Returns the devices that print the jobs of a location and take some now.
    fn ready_for(&self, location: &LocationStatus) -> Vec<String> {
        let of_group = self.actual.get(&location.name.group.key());
        let devices: Vec<&DeviceName> = match &location.device {
            Some(device) => vec![device],
            None if location.whole_group => of_group.into_iter().flatten().collect(),
            None => Vec::new(),
        };
        devices.into_iter().filter(|device| self.ready.contains(&device.key())).map(ToString::to_string).collect()
    }
}

/// Names a location as the pd commands do: a logical destination by its own name, any other one as `group.dest`.
fn label_of(location: &LocationStatus) -> String {
    match location.kind {
        LocationKind::Location => format!("{}.{}", location.name.group, location.name.dest),
        LocationKind::Logical | LocationKind::Outlet => location.name.dest.to_string(),
    }
}

fn queues(
    spool: &mut dyn Operations,
    here: &ServerFacts<'_>,
    around: &Around,
    name: Option<&str>,
    add: &mut Add<'_>,
) -> Result<(), Stop> {
    let wanted = name.map(|name| name.trim_start_matches('#').to_ascii_lowercase());
    let (mut found, mut names) = (false, Vec::new());
    every_group(spool, &mut |group| {
        let key = group.name.key();
        if wanted.as_ref().is_some_and(|wanted| *wanted != key) {
            names.push(group.name.to_string());
            return Ok(());
        }
        found = true;
        let devices = around.actual.get(&key).map(Vec::as_slice).unwrap_or_default();
        let actual: Vec<String> = devices.iter().map(ToString::to_string).collect();
        let pausing = devices.iter().filter(|device| around.pausing.contains(&device.key()));
        let pausing: Vec<String> = pausing.map(ToString::to_string).collect();
        let logical = around.logical.get(&key).map(Vec::as_slice).unwrap_or_default();
        let facts = QueueFacts { group, logical, actual: &actual, pausing: &pausing, server: here };
        add(group.name.to_string(), &Object::Queue(facts))
    })?;
    match name {
        Some(name) if !found => {
            let near = crate::model::near(name, names.iter().map(String::as_str));
            let failure = Failure::not_found(format!("queue {name}"));
            let failure =
                if near.is_empty() { failure } else { failure.hint(format!("did you mean {}?", near.join(", "))) };
            Err(failure.into())
        }
        _ => Ok(()),
    }
}

fn destinations(
    spool: &mut dyn Operations,
    here: &ServerFacts<'_>,
    around: &Around,
    name: Option<&str>,
    add: &mut Add<'_>,
) -> Result<(), Stop> {
    let mut found = false;
    let mut logical = |location: &LocationStatus| {
        // An actual destination is shown itself, not the way that leads to it.
        if location.kind == LocationKind::Outlet {
            return Ok(());
        }
        found = true;
        let ready = around.ready_for(location);
        add(label_of(location), &Object::Logical(Logical { location, ready: &ready, server: here }))
    };
    // The whole name of a logical destination comes before every other meaning.
    let resolved = name.map(|name| spool.resolve_destination(name.to_owned()));
    let plain = match resolved {
        Some(Ok(Destination::Plain(location))) => Some(LocationPattern::One(location)),
        _ => None,
    };
    match plain.map(Ok).or_else(|| name.map(str::parse::<LocationPattern>)) {
        None => every_location(spool, None, &mut logical)?,
        Some(Ok(pattern)) => match every_location(spool, Some(pattern), &mut logical) {
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::NotFound => {}
            other => other?,
        },
        // Not the name of a location: perhaps that of a device.
        Some(Err(_)) => {}
    }
    let mut actual = |device: &DeviceStatus| {
        let queues: Vec<String> = around.queues.get(&device.name.key()).into_iter().flatten().cloned().collect();
        add(device.name.to_string(), &Object::Actual(Actual { device, queues: &queues, server: here }))
    };
    let Some(name) = name else { return every_device(spool, &mut actual) };
    match name.parse().map(|name| spool.device(name)) {
        Ok(Ok(device)) => return actual(&device),
        Ok(Err(failure)) if failure.kind != FailureKind::NotFound => return Err(failure.into()),
        _ if found => return Ok(()),
        _ => {}
    }
    // The spool knows the names that resemble it.
    match spool.resolve_destination(name.to_owned()) {
        Err(failure) => Err(crate::commands::pd::about(name, failure).into()),
        Ok(_) => Err(Failure::not_found(format!("destination {name}")).into()),
    }
}

fn every_location(
    spool: &mut dyn Operations,
    pattern: Option<LocationPattern>,
    each: &mut dyn FnMut(&LocationStatus) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let page = spool.locations(pattern.clone(), after)?;
        page.iter().try_for_each(&mut *each)?;
        match page.last() {
            Some(last) if page.len() >= PAGE as usize => after = Some(last.name.clone()),
            _ => return Ok(()),
        }
    }
}

fn every_device(
    spool: &mut dyn Operations,
    each: &mut dyn FnMut(&DeviceStatus) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let page = spool.devices(after)?;
        page.iter().try_for_each(&mut *each)?;
        match page.last() {
            Some(last) if page.len() >= PAGE as usize => after = Some(last.name.clone()),
            _ => return Ok(()),
        }
    }
}

/// Tells whether there is a queue of that name, with destinations or without.
pub(crate) fn is_queue(spool: &mut dyn Operations, name: &GroupName) -> Result<bool, Stop> {
    let mut found = false;
    every_group(spool, &mut |group| {
        found |= group.name == *name;
        Ok(())
    })?;
    Ok(found)
}

fn every_group(spool: &mut dyn Operations, each: &mut dyn FnMut(&GroupStatus) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let page = spool.groups(after)?;
        page.iter().try_for_each(&mut *each)?;
        match page.last() {
            Some(last) if page.len() >= PAGE as usize => after = Some(last.name.clone()),
            _ => return Ok(()),
        }
    }
}
