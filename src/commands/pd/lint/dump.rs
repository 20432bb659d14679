//! Reads what `pdls -r all` or `-r archive` wrote of an InfoPrint site, and writes the commands that make its objects here.

use std::fmt::Write;

use super::{Finding, Verdict, decides};
use crate::attributes::names::{self, BadWord};
use crate::attributes::text::{Clock, escaped, read_given};
use crate::attributes::{Attribute, Class, Settable, elsewhere, of_class};
use crate::commands::pd::command_line::options::attribute_names;
use crate::model::field::Field;
use crate::model::managed::Realization;

/// An object of a dump.
#[derive(Clone, Debug)]
pub struct Dumped {
    /// Its name.
    pub name: String,
    /// The line where it begins.
    line: usize,
    /// Its attributes, each with its line.
    attributes: Vec<(usize, String, Vec<String>)>,
}

/// Takes `label: name = value` apart.
pub fn labelled(line: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = line.split_once(": ")?;
    let (name, value) = rest.split_once('=')?;
    let (label, name) = (label.trim(), name.trim());
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (is_name(label) && is_name(name)).then_some((label, name, value.trim()))
}

/// Reads the objects of a dump in line style. A line below an attribute, indented, is a further value of it.
pub fn objects(text: &str) -> Vec<Dumped> {
    let mut objects: Vec<Dumped> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if let Some((label, name, value)) = labelled(line) {
            let at = objects.iter().position(|object| object.name == label).unwrap_or_else(|| {
                objects.push(Dumped { name: label.to_owned(), line: n + 1, attributes: Vec::new() });
                objects.len() - 1
            });
            if let Some(object) = objects.get_mut(at) {
                let values = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
                object.attributes.push((n + 1, name.to_owned(), values));
            }
        } else if line.starts_with([' ', '\t'])
            && !line.trim().is_empty()
            && let Some((_, _, values)) = objects.last_mut().and_then(|object| object.attributes.last_mut())
        {
            values.push(line.trim().to_owned());
        }
    }
    objects
}

/// What a dump becomes.
#[derive(Debug, Default)]
pub struct Making {
    /// What is said of its lines.
    pub findings: Vec<Finding>,
    /// The queues, each with its attributes.
    queues: Vec<(String, Vec<String>)>,
    /// The actual destinations.
    actual: Vec<(String, Vec<String>, bool)>,
    /// The logical destinations.
    logical: Vec<(String, Vec<String>, bool)>,
    /// What is set of the server.
    server: Vec<String>,
    /// The name of the server, where the dump says it.
    server_name: Option<String>,
}

impl Making {
    /// Returns how many queues and destinations it has.
    pub fn counts(&self) -> (usize, usize) {
        (self.queues.len(), self.actual.len() + self.logical.len())
    }

    /// Returns whether there is nothing to make.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.actual.is_empty() && self.logical.is_empty() && self.server.is_empty()
    }

    /// Takes an object.
    pub fn take(&mut self, object: &Dumped, clock: &Clock) {
        let Some(class) = class_of(object) else {
            self.say(
                object.line,
                Verdict::Differs,
                format!("{}: jobs and other objects are not taken over", object.name),
            );
            return;
        };
        let names = attribute_names(class);
        let find = |field: Field| {
            object.attributes.iter().find_map(|(_, name, values)| {
                let row = names::resolve(name, &names).ok().filter(|row| row.field == field)?;
                Some((row, values.join(" ")))
            })
        };
        let word = |field| find(field).map(|(row, text): (&Attribute, String)| row.keyword_of(&text).to_owned());
        let realization = match word(Field::DestinationRealization).as_deref() {
            Some("logical") => Some(Realization::Logical),
            Some(_) => Some(Realization::Actual),
            None if class == Class::Destination && word(Field::DestinationState).is_some() => Some(Realization::Actual),
            None => (class == Class::Destination).then_some(Realization::Logical),
        };
        if let Some(name) = word(Field::AssociatedServer).filter(|name| !name.is_empty()) {
            self.server_name.get_or_insert(name);
        }
        if class == Class::Server {
            self.server_name = Some(object.name.clone());
        }
        let mut given: Vec<(String, String)> = Vec::new();
        for (line, name, values) in &object.attributes {
            self.attribute((*line, &object.name), class, realization, (name, values), clock, &mut given);
        }
        let mut pairs: Vec<String> = given.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let name = ours(&object.name);
        if name != object.name {
            let text = format!("{}: names have no dots here: it becomes {name}", object.name);
            self.say(object.line, Verdict::Differs, text);
        }
        let enabled = word(Field::Enabled).is_some_and(|word| matches!(word.as_str(), "true" | "yes"));
        match (class, realization) {
            (Class::Queue, _) => self.queues.push((name, pairs)),
            (Class::Server, _) => self.server.extend(pairs),
            (_, Some(realization)) => {
                pairs.insert(0, format!("destination-realization={}", realization.word()));
                if realization == Realization::Logical {
                    self.logical.push((name, pairs, enabled));
                    return;
                }
                let has = |name: &str| pairs.iter().any(|pair| pair.starts_with(&format!("{name}=")));
                if !has("destination-tcpip-internet-address") && !has("device-uri") {
                    let text = format!(
                        "{}: it has no address that is known here: add device-uri=socket://HOST:PORT",
                        object.name
                    );
                    self.say(object.line, Verdict::Lacks, text);
                }
                self.actual.push((name, pairs, enabled));
            }
            _ => {}
        }
    }

    fn say(&mut self, line: usize, verdict: Verdict, text: String) {
        self.findings.push(Finding { line, verdict, text });
    }

    /// Judges an attribute, and takes it where it can be given.
    fn attribute(
        &mut self,
        (line, object): (usize, &str),
        class: Class,
        realization: Option<Realization>,
        (name, values): (&str, &[String]),
        clock: &Clock,
        given: &mut Vec<(String, String)>,
    ) {
        // What has no value needs none.
        let values: Vec<String> = values.iter().filter(|value| !value.is_empty()).cloned().collect();
        if values.is_empty() {
            return;
        }
        if elsewhere::is_afp_only(name) {
            self.say(line, Verdict::Lacks, format!("{object}: {name} belongs to AFP printing and is left out"));
            return;
        }
        let row = match names::resolve(name, &attribute_names(class)) {
            Ok(row) => row,
            Err(BadWord::Ambiguous(_) | BadWord::Unknown(_)) => {
                self.say(line, Verdict::Lacks, format!("{object}: there is no attribute {}", escaped(name)));
                return;
            }
        };
        // Facts, and what the commands say in another way. A print process is found or made with the first device.
        let told = matches!(
            row.field,
            Field::DestinationRealization | Field::DestinationName | Field::QueueName | Field::PrintProcess
        );
        if told || row.settable == Settable::Never || realization.is_some_and(|one| !row.is_of(one)) {
            return;
        }
        let mut values = values;
        if row.many && values.len() == 1 && !matches!(row.kind, crate::attributes::Kind::Text) {
            values = values.first().map(|text| text.split(' ').map(str::to_owned).collect()).unwrap_or_default();
        }
        if row.field == Field::AssociatedQueue {
            // `server:queue` names a queue of a server.
            let queue = values.first().map(|text| ours(text.rsplit(':').next().unwrap_or(text)));
            given.extend(queue.map(|queue| (row.name().to_owned(), queue)));
            return;
        }
        match read_given(row, &values, clock) {
            Err(failure) => self.say(line, Verdict::Lacks, format!("{object}: {}", failure.message)),
            Ok(_) => {
                if let Some(text) = decides(row) {
                    self.say(line, Verdict::Differs, format!("{object}: {text}"));
                } else {
                    self.say(line, Verdict::Runs, format!("{object}: {}", row.name()));
                }
                let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                given.push((row.name().to_owned(), quoted.join(" ")));
            }
        }
    }

    /// Writes the commands that make the objects, as a shell script. `server` names the server, unless the dump does.
    pub fn commands(&self, server: Option<&str>) -> String {
        let mut text =
            String::from("#!/bin/sh\n# Makes the objects of an InfoPrint site, as pdlint has read them.\nset -e\n");
        let server = server.or(self.server_name.as_deref()).map(ours);
        let _ = match server {
            Some(name) => writeln!(text, "SERVER=${{SERVER:-{name}}}"),
            None => writeln!(text, "SERVER=${{SERVER:-$(uname -n | cut -d. -f1)}}"),
        };
        for (name, pairs) in &self.queues {
            let _ = writeln!(text, "\npdcreate -c queue{} \"$SERVER:{name}\"", strings(pairs));
        }
        let mut enabled = Vec::new();
        for (name, pairs, on) in self.actual.iter().chain(&self.logical) {
            let _ = writeln!(text, "\npdcreate -c destination{} \"$SERVER:{name}\"", strings(pairs));
            if *on {
                enabled.push(name.as_str());
            }
        }
        if !self.server.is_empty() {
            let _ = writeln!(text, "\npdset -c server{} \"$SERVER\"", strings(&self.server));
        }
        if !enabled.is_empty() {
            let _ = writeln!(text, "\npdenable {}", enabled.join(" "));
        }
        text
    }
}

/// The attribute strings of a command, one a line.
fn strings(pairs: &[String]) -> String {
    pairs.iter().fold(String::new(), |mut text, pair| {
        let _ = write!(text, " \\\n    -x '{}'", pair.replace('\'', "'\\''"));
        text
    })
}

/// Quotes a value so that an attribute string gives it back.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-._:/@+,%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    match value.contains('"') {
        false => format!("\"{value}\""),
        true => format!("'{}'", value.replace('\'', "'\"'\"'")),
    }
}

/// A name as it may be here: without its server, and without dots.
fn ours(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).replace('.', "-")
}

/// Finds the class of an object by what it has.
fn class_of(object: &Dumped) -> Option<Class> {
    let has = |names: &[&str]| object.attributes.iter().any(|(_, name, _)| names.contains(&name.as_str()));
    if has(&["job-identifier", "job-client-id", "document-sequence-number", "current-job-state"]) {
        return None;
    }
    if has(&["destination-realization", "printer-realization", "destination-name", "printer-name", "associated-queue"])
    {
        return Some(Class::Destination);
    }
    if has(&["queue-name", "queue-state"]) {
        return Some(Class::Queue);
    }
    if has(&["server-name", "server-state"]) {
        return Some(Class::Server);
    }
    let count = |class: Class| {
        let known = |name: &str| of_class(class).any(|row| row.name() == name);
        object.attributes.iter().filter(|one| known(&one.1)).count()
    };
    let best = [Class::Destination, Class::Queue, Class::Server].into_iter().max_by_key(|class| count(*class))?;
    (count(best) > 0).then_some(best)
}
