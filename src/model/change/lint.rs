//! What is wrong with the pools of a group of servers, as they will be when what is staged is issued.
//!
//! Pure: it looks at what the servers have told. Of a server that did not answer nothing is said but that.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ChangeViews, Generation, PrinterFacts, QueueFacts};
use crate::model::ServerName;

/// The most findings that one check has.
pub const MOST: usize = 1000;

/// Whether a finding keeps a generation from being issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It does, unless the operator insists.
    Fault,
    /// It does not.
    Warning,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it keeps a generation from being issued.
    pub weight: Weight,
    /// One of a fixed set of words: [`CODES`].
    pub code: String,
    /// What it is about: `server:name`, or a server.
    pub object: String,
    /// What is wrong.
    pub text: String,
    /// What can be done about it.
    pub cure: String,
}

/// The codes of findings.
pub const CODES: &[&str] = &[
    "one-way",
    "no-such-queue",
    "no-such-server",
    "no-such-printer",
    "not-a-clique",
    "direct",
    "drivers-differ",
    "attributes-differ",
    "unreachable",
    "shows-all",
    "issued-apart",
];

type Name = (String, String);

/// A queue with what it names, each with its server.
struct Node<'a> {
    facts: &'a QueueFacts,
    names: Vec<Name>,
    printers: Vec<&'a PrinterFacts>,
}

fn key(server: &str, queue: &str) -> Name {
    (server.to_ascii_lowercase(), queue.trim_start_matches('#').to_ascii_lowercase())
}

fn entry(server: &ServerName, entry: &str) -> Name {
    match entry.split_once(':') {
        Some((server, queue)) => key(server, queue),
        None => key(server.as_str(), entry),
    }
}

fn shown(name: &Name) -> String {
    format!("{}:{}", name.0, name.1)
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, weight: Weight, code: &str, object: String, text: String, cure: String) {
        if self.0.len() < MOST {
            self.0.push(Finding { weight, code: code.to_owned(), object, text, cure });
        }
    }
}

/// Looks for what is wrong. Faults come first.
pub fn check(views: &ChangeViews) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    let mut nodes: BTreeMap<Name, Node<'_>> = BTreeMap::new();
    for view in &views.servers {
        for queue in &view.queues {
            let names = queue.compatible.iter().map(|one| entry(&view.server, one)).collect();
            nodes.insert(key(view.server.as_str(), &queue.name), Node { facts: queue, names, printers: Vec::new() });
        }
        for printer in &view.printers {
            for queue in &printer.queues {
                if let Some(node) = nodes.get_mut(&key(view.server.as_str(), queue)) {
                    node.printers.push(printer);
                }
            }
        }
    }
    let answered: BTreeSet<String> =
        views.servers.iter().map(|view| view.server.as_str().to_ascii_lowercase()).collect();
    let silent: BTreeSet<String> = views.silent.iter().map(|one| one.0.as_str().to_ascii_lowercase()).collect();
    for (name, node) in &nodes {
        entries(&mut found, (name, node), &nodes, (&answered, &silent));
        cliques(&mut found, (name, node), &nodes);
        sameness(&mut found, (name, node), &nodes);
    }
    for view in &views.servers {
        let printers: BTreeSet<String> = view.printers.iter().map(|one| super::Edit::key_of(&one.name)).collect();
        for station in &view.stations {
            let object = format!("{}:{}", view.server, station.name);
            for printer in &station.printers {
                if !printers.contains(&super::Edit::key_of(printer)) {
                    let text = format!("it releases on {printer}, and there is no such printer");
                    let cure = format!("pdset -c station -x related-printers-={printer} {}", station.name);
                    found.add(Weight::Fault, "no-such-printer", object.clone(), text, cure);
                }
            }
            if station.shows_all {
                let text = "it shows the jobs of everybody, so it shows no jobs of other servers".to_owned();
                let cure = format!("pdset -c station -x jobs-shown=owner {}", station.name);
                found.add(Weight::Warning, "shows-all", object, text, cure);
            }
        }
        for (server, why) in &view.unreached {
            let text = format!("it cannot reach server {server}: {why}");
            found.add(Weight::Warning, "unreachable", view.server.to_string(), text, PORT.to_owned());
        }
    }
    issued_apart(&mut found, views);
    for (server, why) in &views.silent {
        let text = format!("it does not answer, so its objects were not looked at: {why}");
        found.add(Weight::Warning, "unreachable", server.to_string(), text, PORT.to_owned());
    }
    found.0.sort_by_key(|one| one.weight);
    found.0
}

/// Generations of one number that two servers have issued, each without the other.
fn issued_apart(found: &mut Findings, views: &ChangeViews) {
    let Some((own, others)) = views.servers.split_first() else { return };
    for view in others {
        let is_other = |one: &&Generation| {
            own.history
                .iter()
                .any(|known| known.number == one.number && !known.by.as_str().eq_ignore_ascii_case(one.by.as_str()))
        };
        if let Some(one) = view.history.iter().find(is_other) {
            let number = one.number;
            let text = format!(
                "its generation {number} was issued by {}, and that of {} by another server",
                one.by, own.server
            );
            let cure = "each part has its own edits, and nothing is lost; before a rollback behind it compare pdchange status on both".to_owned();
            found.add(Weight::Warning, "issued-apart", view.server.to_string(), text, cure);
        }
    }
}

const PORT: &str = "servers reach each other at the peer port, 2353, in both directions";

/// What a queue names.
fn entries(
    found: &mut Findings,
    (name, node): (&Name, &Node<'_>),
    nodes: &BTreeMap<Name, Node<'_>>,
    (answered, silent): (&BTreeSet<String>, &BTreeSet<String>),
) {
    for other in &node.names {
        let take = format!("pdset -c queue -x compatible-queues-={} {}", shown(other), name.1);
        match nodes.get(other) {
            Some(_) if other == name => {}
            Some(there) if there.names.contains(name) => {
                if !there.facts.secure && node.facts.secure {
                    let text = format!("it is compatible with {}, which is direct and holds nothing", shown(other));
                    let cure = format!("pdset -c queue -x release-type=secure {}", other.1);
                    found.add(Weight::Warning, "direct", shown(name), text, cure);
                }
            }
            Some(_) => {
                let text =
                    format!("it names {}, which does not name it: neither releases jobs of the other", shown(other));
                let cure = format!("on {}: pdset -c queue -x compatible-queues+={} {}", other.0, shown(name), other.1);
                found.add(Weight::Fault, "one-way", shown(name), text, cure);
            }
            None if silent.contains(&other.0) => {}
            None if answered.contains(&other.0) => {
                let text = format!("it names {}, and there is no such queue", shown(other));
                found.add(Weight::Fault, "no-such-queue", shown(name), text, take);
            }
            None => {
                let text = format!("it names {}, and no server of the group is called {}", shown(other), other.0);
                found.add(Weight::Fault, "no-such-server", shown(name), text, take);
            }
        }
    }
}

fn are_mutual(nodes: &BTreeMap<Name, Node<'_>>, one: &Name, other: &Name) -> bool {
    let names = |a: &Name, b: &Name| nodes.get(a).is_some_and(|node| node.names.contains(b));
    names(one, other) && names(other, one)
}

/// Two neighbours of a queue that are none of each other: people expect a pool, and there is none.
fn cliques(found: &mut Findings, (name, node): (&Name, &Node<'_>), nodes: &BTreeMap<Name, Node<'_>>) {
    let near: Vec<&Name> = node.names.iter().filter(|other| *other != name && are_mutual(nodes, name, other)).collect();
    for (n, one) in near.iter().enumerate() {
        for other in &near[n + 1..] {
            if !are_mutual(nodes, one, other) {
                let text = format!(
                    "it is compatible with {} and with {}, and these two are not with each other",
                    shown(one),
                    shown(other)
                );
                let cure = format!(
                    "on {}: pdset -c queue -x compatible-queues+={} {}, and the other way",
                    one.0,
                    shown(other),
                    one.1
                );
                found.add(Weight::Warning, "not-a-clique", shown(name), text, cure);
            }
        }
    }
}

/// Drivers and attributes that differ within what counts as one pool. Of two queues the one that comes first says it.
fn sameness(found: &mut Findings, (name, node): (&Name, &Node<'_>), nodes: &BTreeMap<Name, Node<'_>>) {
    let tokens = |printer: &PrinterFacts| -> BTreeSet<String> {
        printer.valid.iter().map(|word| crate::model::secure::token(word).unwrap_or_default()).collect()
    };
    let mut together: Vec<(&Name, &Node<'_>)> = vec![(name, node)];
    for other in node.names.iter().filter(|other| *other > name && are_mutual(nodes, name, other)) {
        if let Some(found) = nodes.get_key_value(other) {
            together.push(found);
        }
    }
    let Some(first) = node.printers.first() else { return drivers(found, name, &together) };
    for (other, there) in &together {
        for printer in &there.printers {
            if tokens(printer) != tokens(first) {
                let text = format!(
                    "its printer {} accepts other attributes than {} of {}: a job may be released on one and refused on the other",
                    first.name,
                    printer.name,
                    shown(other)
                );
                let cure = "give both the same valid-attributes, or none".to_owned();
                found.add(Weight::Warning, "attributes-differ", shown(name), text, cure);
            }
        }
    }
    drivers(found, name, &together);
}

fn drivers(found: &mut Findings, name: &Name, together: &[(&Name, &Node<'_>)]) {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (other, there) in together {
        let of_printers =
            there.printers.iter().filter_map(|one| Some((one.driver.as_ref()?, format!("printer {}", one.name))));
        let own = there.facts.driver.iter().map(|driver| (driver, format!("queue {}", shown(other))));
        for (driver, what) in own.chain(of_printers) {
            known.entry(driver.to_ascii_lowercase()).or_insert(what);
        }
    }
    if known.len() > 1 {
        let each: Vec<String> = known.iter().map(|(driver, what)| format!("{driver} ({what})")).collect();
        let text = format!("what it is compatible with has several drivers: {}", each.join(", "));
        let cure = "queues of a pool need the same driver, or compatible ones".to_owned();
        found.add(Weight::Warning, "drivers-differ", shown(name), text, cure);
    }
}
