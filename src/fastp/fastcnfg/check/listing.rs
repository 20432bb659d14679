//! Lists what each print process of each spooler finds in the checked files: its devices, as it would open them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Checker;
use crate::fastp::device::connection_settings::CloseWait;
use crate::fastp::fastcnfg::entry::{AddressSource, Entry};
use crate::fastp::fastcnfg::lexer::Mistake;
use crate::fastp::fastcnfg::lookup::{self, Requester, resolve_entry, route, second_entry};
use crate::fastp::fastcnfg::names::QualifiedName;
use crate::fastp::fastcnfg::parsed::{DeviceEntry, ParsedFile, Scope};
use crate::fastp::fastcnfg::read::ReadError;

/// The most print processes that are listed.
const MOST: usize = 100;
/// The most entries that are listed, all print processes together.
const MOST_LINES: usize = 100_000;

/// What is wrong with a file, by its path, the level at which it is read and the node of whoever reads it.
type MistakeCache = RefCell<HashMap<(PathBuf, u32, String), Option<Mistake>>>;

impl Checker<'_> {
    /// Follows the redirections of `requester` exactly as the print process does.
    fn end(&self, primary: &Path, requester: &Requester, known: &MistakeCache) -> lookup::RouteEnd {
        let read = |path: &Path| self.files.get(path).map(|parsed| (Arc::clone(parsed), 0)).ok_or(ReadError::Missing);
        let wrong = |path: &Path, parsed: &ParsedFile, level: u32| {
            let mut known = known.borrow_mut();
            let place = (path.to_owned(), level, requester.node.clone());
            known.entry(place).or_insert_with(|| lookup::first_mistake(parsed, level, &requester.node)).clone()
        };
        route(primary, self.root, requester, &read, &wrong)
    }

    /// Lists what each print process finds.
    pub(super) fn list(&mut self, primary: &Path) {
        let Some(first) = self.files.get(primary) else { return };
        let known = MistakeCache::default();
        let spoolers = named(first, self.node, |scope| scope.spooler.clone());
        let mut requesters = Vec::new();
        for spooler in spoolers.iter().map(Some).chain([None]) {
            if requesters.len() > MOST {
                break;
            }
            let node = spooler.and_then(|name| name.its_node()).unwrap_or(self.node);
            let names = spooler.iter().map(|name| name.name().to_owned()).collect();
            let requester = Requester { node: node.to_owned(), spooler: names, process: None };
            let spooler_word = match spooler {
                Some(spooler) => format!("SPOOLER {spooler}"),
                None if spoolers.is_empty() => String::new(),
                None => "every other SPOOLER".to_owned(),
            };
            let Some(parsed) = self.end(primary, &requester, &known).parsed else {
                requesters.push((spooler_word, requester));
                continue;
            };
            let processes = named(&parsed, node, |scope| scope.process.clone().filter(|_| within(&requester, scope)));
            for process in processes.iter().map(Some).chain([None]) {
                let process_word = match process {
                    Some(process) => format!("PROCESS {process}"),
                    None if processes.is_empty() => String::new(),
                    None => "every other PROCESS".to_owned(),
                };
                let words = [spooler_word.as_str(), process_word.as_str()];
                let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let label =
                    if words.is_empty() { "every PROCESS of every SPOOLER".to_owned() } else { words.join(", ") };
                requesters.push((
                    label,
                    Requester { process: process.map(|name| name.name().to_owned()), ..requester.clone() },
                ));
                if requesters.len() > MOST {
                    break;
                }
            }
        }
        let more = requesters.len() > MOST;
        let mut lines = 0;
        for (label, requester) in requesters.into_iter().take(MOST) {
            self.list_of(primary, &label, &requester, &known, &mut lines);
        }
        if more {
            let _ = writeln!(self.report.listing, "more than {MOST} print processes: the others are not listed");
        }
        if lines > MOST_LINES {
            let _ = writeln!(self.report.listing, "more than {MOST_LINES} entries: the others are not listed");
        }
    }

    /// Lists what one print process finds. An entry that it cannot open a device with is shown as unusable, whoever
    /// made the mistake.
    fn list_of(&mut self, primary: &Path, label: &str, requester: &Requester, known: &MistakeCache, lines: &mut usize) {
        let end = self.end(primary, requester, known);
        let (path, Some(parsed)) = (end.path, end.parsed) else {
            let _ = writeln!(self.report.listing, "{label}: its file cannot be used");
            return;
        };
        let mut text = format!("{label}: {}\n", path.display());
        if let Some(broken) = &end.broken {
            let _ = writeln!(text, "  nothing in it can be used: {}", broken.text);
        }
        let ours = || parsed.entries.iter().filter(|entry| requester.within(&entry.scope));
        let mut first: HashMap<_, (&DeviceEntry, bool)> = HashMap::new();
        let mut twice = Vec::new();
        for entry in ours() {
            let before = first.entry(entry.name.key(&requester.node)).or_insert((entry, true));
            if before.0.at != entry.at {
                before.1 = false;
                twice.push((entry, before.0));
            }
        }
        for entry in ours() {
            *lines += 1;
            if *lines > MOST_LINES {
                break;
            }
            let alone = first.get(&entry.name.key(&requester.node)).is_some_and(|(_, alone)| *alone);
            let shown = match resolve_entry(entry, &path, self.root, requester) {
                Ok(found) if alone && end.broken.is_none() => describe(&found.entry, found.hosts.as_deref()),
                _ => "cannot be used".to_owned(),
            };
            let _ = writeln!(text, "  {:<16} {shown}  (line {})", entry.name.to_string(), entry.at.line);
        }
        if first.is_empty() {
            text.push_str("  no devices\n");
        }
        self.report.listing.push_str(&text);
        for (entry, before) in twice {
            if self.twice.insert((path.clone(), entry.at)) {
                self.mistake(&path, second_entry(entry, before));
            }
        }
    }
}

/// Whether a scope concerns `requester`, whatever its process.
fn within(requester: &Requester, scope: &Scope) -> bool {
    requester.within(&Scope { process: None, ..scope.clone() })
}

/// The names in the scopes of a file, each once, in the order of their keys.
fn named(
    parsed: &ParsedFile,
    node: &str,
    part: impl Fn(&Scope) -> Option<Arc<QualifiedName>>,
) -> Vec<Arc<QualifiedName>> {
    let scopes = parsed.entries.iter().map(|entry| &entry.scope).chain(parsed.redirections.iter().map(|r| &r.scope));
    let found: BTreeMap<_, _> = scopes.filter_map(part).map(|name| (name.key(node), name)).collect();
    found.into_values().collect()
}

/// Describes what an entry leads to.
pub fn describe(entry: &Entry, hosts: Option<&Path>) -> String {
    let mut text = match &entry.address {
        AddressSource::Own => "its own URI".to_owned(),
        AddressSource::To(uri) => uri.to_string(),
    };
    let mut add = |name: &str, value: String| {
        let _ = write!(text, ", {name} {value}");
    };
    if let Some(limit) = entry.io_limit {
        add("TIMEOUT", seconds(limit));
    }
    if entry.refused_tries > 0 {
        add("POLLINT", seconds(entry.refused_every));
        add("POLLNUM", entry.refused_tries.to_string());
    }
    match entry.close_wait {
        CloseWait::Usual => {}
        CloseWait::None => add("SHUTDOWNTO", "none".into()),
        CloseWait::Required(time) => add("SHUTDOWNTO", seconds(time)),
    }
    if !entry.slow_pace.is_zero() {
        add("SLOWPACE", seconds(entry.slow_pace));
    }
    if let Some(hosts) = hosts {
        add("HOSTS", hosts.display().to_string());
    }
    text
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
