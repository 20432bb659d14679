//! Destinations, queues and the server, as `pdls` lists them.
//!
//! A location is a logical destination, a device an actual one, a group a queue. There are few of them in comparison with
//! jobs, so the spool gives all of them and the filter is applied here.

use std::collections::{BTreeMap, BTreeSet};

use super::display::Display;
use super::listing::check_server;
use super::record::{Layout, Record};
use crate::attributes::Class;
use crate::attributes::filter::Filter;
use crate::attributes::object::{Actual, Logical, Object, QueueFacts, ServerFacts};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::model::access::Access;
use crate::model::device::DeviceStatus;
use crate::model::location::LocationStatus;
use crate::model::query::{Condition, PAGE};
use crate::model::{Failure, FailureKind, LocationPattern, ServerName};
use crate::spool::interface::operations::Operations;

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
    let about = spool.about()?;
    let here = ServerFacts {
        name: about.server.as_str(),
        accepts: about.state.accepts(),
        prints: about.prints,
        state: about.state,
        problem: about.last_error.as_deref(),
        access: &about.access,
        limits: about.limits,
        space: about.space,
    };
    let filter = Filter::new(condition, layout.class);
    let mut exit = Exit::Done;
    let mut failures: Vec<Failure> = Vec::new();
    let behind = if layout.class == Class::Destination { queues_of_devices(spool)? } else { BTreeMap::new() };
    let all = [String::from("*:")];
    let arguments = if arguments.is_empty() { &all[..] } else { arguments };
    let mut display = Display::new(shell.out, layout);
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
            Class::Queue => queues(spool, &here, name, &mut add),
            _ => destinations(spool, &here, &behind, name, &mut add),
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
            Err(Stop::Failed(failure)) => {
                exit = exit.max(Exit::of(&failure));
                failures.push(failure);
            }
            Err(stop) => return Err(stop),
        }
    }
    display.end()?;
    for failure in &failures {
        shell.report(program, failure);
    }
    Ok(exit)
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

fn server(here: &ServerFacts<'_>, name: Option<&str>, add: &mut Add<'_>) -> Result<(), Stop> {
    if let Some(name) = name
        && !name.eq_ignore_ascii_case(here.name)
    {
        return Err(Failure::not_found(format!("server {name}"))
            .hint(format!("the server here is {}", here.name))
            .into());
    }
    add(here.name.to_owned(), &Object::Server(*here))
}

fn queues(
    spool: &mut dyn Operations,
    here: &ServerFacts<'_>,
    name: Option<&str>,
    add: &mut Add<'_>,
) -> Result<(), Stop> {
    let mut groups: BTreeMap<String, (String, Access)> = BTreeMap::new();
    every_location(spool, None, &mut |location| {
        let known = || (location.name.group.to_string(), location.group_access.clone());
        groups.entry(location.name.group.key()).or_insert_with(known);
        Ok(())
    })?;
    if let Some(name) = name {
        let key = name.trim_start_matches('#').to_ascii_lowercase();
        let Some(found) = groups.remove(&key) else {
            let near = crate::model::near(&key, groups.values().map(|(name, _)| name.as_str()));
            let failure = Failure::not_found(format!("queue {name}"));
            return Err(if near.is_empty() {
                failure
            } else {
                failure.hint(format!("did you mean {}?", near.join(", ")))
            }
            .into());
        };
        groups = BTreeMap::from([(key, found)]);
    }
    for (group, access) in groups.into_values() {
        add(group.clone(), &Object::Queue(QueueFacts { name: &group, access: &access, server: here }))?;
    }
    Ok(())
}

fn destinations(
    spool: &mut dyn Operations,
    here: &ServerFacts<'_>,
    queues: &BTreeMap<String, BTreeSet<String>>,
    name: Option<&str>,
    add: &mut Add<'_>,
) -> Result<(), Stop> {
    let mut found = false;
    let mut logical = |location: &LocationStatus| {
        found = true;
        let label = format!("{}.{}", location.name.group, location.name.dest);
        add(label, &Object::Logical(Logical { location, server: here }))
    };
    match name.map(str::parse::<LocationPattern>) {
        None => every_location(spool, None, &mut logical)?,
        Some(Ok(pattern)) => match every_location(spool, Some(pattern), &mut logical) {
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::NotFound => {}
            other => other?,
        },
        // Not the name of a location: perhaps that of a device.
        Some(Err(_)) => {}
    }
    let mut actual = |device: &DeviceStatus| {
        let queues: Vec<String> = queues.get(&device.name.key()).into_iter().flatten().cloned().collect();
        add(device.name.to_string(), &Object::Actual(Actual { device, queues: &queues, server: here }))
    };
    let Some(name) = name else {
        let mut after = None;
        loop {
            let page = spool.devices(after)?;
            page.iter().try_for_each(&mut actual)?;
            match page.last() {
                Some(last) if page.len() >= PAGE as usize => after = Some(last.name.clone()),
                _ => return Ok(()),
            }
        }
    };
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

/// For each device the queues whose locations route to it.
fn queues_of_devices(spool: &mut dyn Operations) -> Result<BTreeMap<String, BTreeSet<String>>, Stop> {
    let mut queues: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    every_location(spool, None, &mut |location| {
        if let Some(device) = &location.device {
            queues.entry(device.key()).or_default().insert(location.name.group.to_string());
        }
        Ok(())
    })?;
    Ok(queues)
}
