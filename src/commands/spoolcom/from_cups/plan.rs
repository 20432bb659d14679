//! What becomes of the printers and classes of a CUPS site: their names here, their commands, and what is lost.
//!
//! Names depend on the whole site and never on the part of it that is switched over, so that parts that are fed one after the
//! other fit together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::device::DeviceUri;
use crate::model::names::MAX_NAME;
use crate::model::printable::escaped;

use super::address::{self, Address};
use super::config::{Directive, Kind, Odd, Section};

/// The group of printers that are in no class.
const ALONE: &str = "CUPS";
/// The longest name that can be typed behind its sigil.
const LONGEST: usize = MAX_NAME - 1;
/// So many printers all classes may have together.
const MAX_MEMBERS: usize = 1_000_000;

/// Something that is not carried over, or is otherwise here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file that says it.
    pub file: String,
    /// The line; 0 = the file as a whole.
    pub line: usize,
    /// What of it is otherwise. Notes of one kind have one text, so that the summary can count them.
    pub kind: String,
    /// What only this one says.
    pub detail: String,
    /// Whether something is lost. Else it is only told.
    pub lost: bool,
}

impl Note {
    fn lost(file: &str, line: usize, kind: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, kind: kind.into(), detail: detail.into(), lost: true }
    }

    /// Returns where it stands.
    pub fn place(&self) -> String {
        let file = escaped(&self.file);
        if self.line == 0 { file } else { format!("{file}:{}", self.line) }
    }

    /// Returns what it says.
    pub fn text(&self) -> String {
        let (kind, detail) = (escaped(&self.kind), escaped(&self.detail));
        match (kind.is_empty(), detail.is_empty()) {
            (_, true) => kind,
            (true, _) => detail,
            _ => format!("{detail}: {kind}"),
        }
    }
}

/// A printer, or a class.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Printer or class.
    pub kind: Kind,
    /// Its name in CUPS.
    pub cups: String,
    /// Its name here.
    pub name: String,
    /// Where it is declared.
    pub line: usize,
    /// Its texts for people, in one line.
    pub about: String,
    /// The words of its DEV command; none for a class, and for a printer that is left out.
    pub device: Option<Vec<String>>,
    /// The locations that lead to it, or those of the class, each with its device.
    pub locations: Vec<(String, String)>,
    /// Whether it is started.
    pub starts: bool,
    /// Whether it waits for its transport.
    pub awaits: bool,
    /// What is not carried over.
    pub notes: Vec<Note>,
    /// The names in CUPS of the printers of a class, other classes put in place.
    pub members: Vec<String>,
}

/// The whole site.
#[derive(Debug, Default)]
pub struct Plan {
    /// Printers, then classes, in the order of the files.
    pub all: Vec<Planned>,
    /// Lines that mean nothing.
    pub odd: Vec<Note>,
    /// What leads to the default destination, with the name of that in CUPS: locations and their devices.
    pub default: Option<(String, Vec<(String, String)>)>,
}

/// What a printer has beside its section.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What its PPD says.
    pub notes: Vec<Note>,
}

/// Plans the site. `beside` tells what stands in other files about a printer.
pub fn plan(
    printers: (Vec<Section>, Vec<Odd>),
    classes: (Vec<Section>, Vec<Odd>),
    default: Option<&str>,
    beside: &mut dyn FnMut(&str) -> Beside,
) -> Plan {
    let mut plan = Plan::default();
    for (file, odd) in [(PRINTERS, printers.1), (CLASSES, classes.1)] {
        plan.odd.extend(odd.into_iter().map(|odd| Note::lost(file, odd.line, odd.what, "")));
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut sections: Vec<(&str, Section)> = Vec::new();
    for (file, all) in [(PRINTERS, printers.0), (CLASSES, classes.0)] {
        for section in all {
            // CUPS compares names without case too.
            if known.insert(section.name.to_ascii_lowercase()) {
                sections.push((file, section));
            } else {
                let what = "is declared twice: the second one is left out";
                plan.odd.push(Note::lost(file, section.line, what, section.name));
            }
        }
    }
    let named_default = default.map(str::to_ascii_lowercase);
    let is_default = |section: &Section| match &named_default {
        Some(name) => section.name.to_ascii_lowercase() == *name,
        None => section.default,
    };
    let default = sections.iter().find(|(_, section)| is_default(section)).map(|(_, section)| section.name.clone());
    let names = Names::of(&sections);
    let members = members(&sections, &mut plan.odd);
    let mut group_of: BTreeMap<String, String> = BTreeMap::new();
    for (class, printers) in &members {
        for printer in printers {
            group_of.entry(printer.to_ascii_lowercase()).or_insert_with(|| names.of_class(class));
        }
    }
    for (file, section) in &sections {
        let one = match section.kind {
            Kind::Printer => {
                let group =
                    group_of.get(&section.name.to_ascii_lowercase()).map_or(names.alone.as_str(), String::as_str);
                let beside = beside(&section.name);
                printer(file, section, &names, group, beside)
            }
            Kind::Class => {
                let empty = Vec::new();
                let printers = members.iter().find(|(class, _)| *class == section.name).map_or(&empty, |(_, all)| all);
                class(file, section, &names, printers, &group_of)
            }
        };
        plan.all.push(one);
    }
    let has_device: BTreeSet<String> =
        plan.all.iter().filter(|one| one.device.is_some()).map(|one| one.cups.to_ascii_lowercase()).collect();
    for one in plan.all.iter_mut().filter(|one| one.kind == Kind::Class) {
        one.members.retain(|printer| has_device.contains(&printer.to_ascii_lowercase()));
        one.locations.retain(|(_, device)| names.devices.get(device).is_some_and(|cups| has_device.contains(cups)));
    }
    if let Some(default) = default
        && let Some(found) = plan.all.iter().find(|one| one.cups == default)
    {
        let locations = match found.kind {
            Kind::Printer if found.device.is_some() => vec![("#DEFAULT.DEFAULT".to_owned(), found.name.clone())],
            Kind::Printer => Vec::new(),
            Kind::Class => found
                .members
                .iter()
                .map(|printer| names.of_printer(printer))
                .map(|name| (format!("#DEFAULT.{}", suffixed(&name, "-DEFAULT", &names.dests)), name))
                .collect(),
        };
        if !locations.is_empty() {
            plan.default = Some((default, locations));
        }
    }
    plan
}

/// The file of printers.
pub const PRINTERS: &str = "printers.conf";
/// The file of classes.
pub const CLASSES: &str = "classes.conf";

/// The names of the site, in CUPS and here.
struct Names {
    /// By the name in CUPS, in lower case.
    ours: BTreeMap<String, String>,
    /// The names in CUPS, in lower case, by the names of devices.
    devices: BTreeMap<String, String>,
    /// The destinations of printers, in lower case.
    dests: BTreeSet<String>,
    /// The group of printers that are in no class.
    alone: String,
}

impl Names {
    fn of(sections: &[(&str, Section)]) -> Self {
        let mut taken: BTreeSet<String> = BTreeSet::from(["default".to_owned()]);
        let mut ours = BTreeMap::new();
        // Names that are names here too are nobody else's, wherever they stand.
        for (_, section) in sections.iter().filter(|(_, section)| cleaned(&section.name) == section.name) {
            if taken.insert(section.name.to_ascii_lowercase()) {
                ours.insert(section.name.to_ascii_lowercase(), section.name.clone());
            }
        }
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        for (_, section) in sections {
            let key = section.name.to_ascii_lowercase();
            if let Entry::Vacant(ours) = ours.entry(key) {
                let wanted = cleaned(&section.name);
                let next = numbers.entry(wanted.to_ascii_lowercase()).or_insert(2);
                let name = free_from(&wanted, &taken, next);
                taken.insert(name.to_ascii_lowercase());
                ours.insert(name);
            }
        }
        let of_kind = |kind: Kind| sections.iter().filter(move |(_, section)| section.kind == kind);
        let name = |section: &Section| ours.get(&section.name.to_ascii_lowercase()).cloned().unwrap_or_default();
        let devices = of_kind(Kind::Printer).map(|(_, one)| (name(one), one.name.to_ascii_lowercase())).collect();
        let dests = of_kind(Kind::Printer).map(|(_, one)| name(one).to_ascii_lowercase()).collect();
        let groups: BTreeSet<String> = of_kind(Kind::Class).map(|(_, one)| name(one).to_ascii_lowercase()).collect();
        Self { alone: free(ALONE, &groups), ours, devices, dests }
    }

    fn of_printer(&self, cups: &str) -> String {
        self.ours.get(&cups.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    fn of_class(&self, cups: &str) -> String {
        self.of_printer(cups)
    }
}

/// Returns a name of CUPS with what a name here may have.
fn cleaned(name: &str) -> String {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut text: String = name.chars().map(|c| if usable(c) { c } else { '-' }).take(LONGEST).collect();
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        text.insert(0, 'q');
        text.truncate(LONGEST);
    }
    text
}

/// Returns `name`, or what resembles it and is not taken.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    free_from(name, taken, &mut 2)
}

/// The same; `next` is the first number that was not tried yet.
fn free_from(name: &str, taken: &BTreeSet<String>, next: &mut u32) -> String {
    let mut found = name.to_owned();
    while taken.contains(&found.to_ascii_lowercase()) {
        found = with_end(name, &format!("-{next}"));
        *next += 1;
    }
    found
}

/// Returns `name` with `end`, which is no destination of a printer.
fn suffixed(name: &str, end: &str, dests: &BTreeSet<String>) -> String {
    free(&with_end(name, end), dests)
}

fn with_end(name: &str, end: &str) -> String {
    let end: String = end.chars().take(LONGEST - 1).collect();
    let mut text: String = name.chars().take(LONGEST - end.len()).collect();
    text.push_str(&end);
    text
}

/// Returns the printers of each class, classes in classes put in place, in the order of the file.
fn members(sections: &[(&str, Section)], odd: &mut Vec<Note>) -> Vec<(String, Vec<String>)> {
    let kinds: BTreeMap<String, &Section> =
        sections.iter().map(|(_, section)| (section.name.to_ascii_lowercase(), section)).collect();
    let (mut all, mut looks) = (Vec::new(), 0);
    for (file, class) in sections.iter().filter(|(_, section)| section.kind == Kind::Class) {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::from([class.name.to_ascii_lowercase()]));
        let mut printers: BTreeSet<String> = BTreeSet::new();
        let mut left: Vec<&Directive> = named(class).rev().collect();
        while let Some(directive) = left.pop() {
            looks += 1;
            if looks > MAX_MEMBERS {
                let what = format!("classes have more than {MAX_MEMBERS} members; the rest was not read");
                odd.push(Note::lost(file, class.line, what, ""));
                return all;
            }
            let key = directive.value.to_ascii_lowercase();
            match kinds.get(&key) {
                Some(section) if section.kind == Kind::Printer => {
                    if printers.insert(key) {
                        found.push(section.name.clone());
                    }
                }
                Some(inner) => {
                    if seen.insert(key) {
                        left.extend(named(inner).rev());
                    }
                }
                None => {
                    let detail = format!("class {}: {}", class.name, directive.value);
                    odd.push(Note::lost(file, directive.line, "there is no such printer", detail));
                }
            }
        }
        all.push((class.name.clone(), found));
    }
    all
}

fn named(section: &Section) -> impl DoubleEndedIterator<Item = &Directive> {
    section.directives.iter().filter(|one| one.word.eq_ignore_ascii_case("Printer"))
}

/// What a line of a section means.
#[derive(Default)]
struct Settings {
    uri: Option<(usize, String)>,
    stopped: bool,
    holds: bool,
    banner: bool,
    policy: Option<&'static str>,
    info: Vec<String>,
    notes: Vec<Note>,
}

/// Bookkeeping of CUPS, and what says nothing that is not so anyway.
const OF_CUPS: &[&str] = &[
    "UUID",
    "PrinterId",
    "MakeModel",
    "StateTime",
    "StateMessage",
    "ConfigTime",
    "Type",
    "Attribute",
    "DeviceId",
    "Printer",
];

fn read_settings(file: &str, section: &Section) -> Settings {
    let mut settings = Settings::default();
    for directive in &section.directives {
        let value = directive.value.as_str();
        let is = |word: &str| value.eq_ignore_ascii_case(word);
        let no = ["no", "off", "false", "0"].iter().any(|word| is(word));
        let mut lost = |kind: &str, detail: String| settings.notes.push(Note::lost(file, directive.line, kind, detail));
        let typed = || format!("{} {value}", directive.word);
        match directive.word.to_ascii_lowercase().as_str() {
            "deviceuri" => settings.uri = Some((directive.line, value.to_owned())),
            "info" | "location" => settings.info.extend(Some(value.to_owned()).filter(|text| !text.is_empty())),
            "state" => settings.stopped = is("Stopped"),
            "reason" if is("hold-new-jobs") => settings.holds = true,
            "reason" => {}
            "holdnewjobs" => settings.holds = !no,
            "accepting" if no => lost("jobs are taken here: pddisable refuses them", typed()),
            "accepting" => {}
            "shared" if no => {}
            "shared" => {
                lost("nobody on the network reaches a queue here unless pdserver is told to take its jobs", typed())
            }
            "jobsheets" => {
                if value.split_whitespace().any(|sheet| !sheet.eq_ignore_ascii_case("none")) {
                    settings.banner = true;
                    lost("a header page stands before text and nothing else, and after it none", typed());
                }
            }
            "errorpolicy" => match value.to_ascii_lowercase().as_str() {
                // It is tried for ever, and stays the first.
                "retry-current-job" => settings.policy = Some("ATTEMPTS 0"),
                "retry-job" => {}
                "abort-job" => {
                    settings.policy = Some("ATTEMPTS 1");
                    lost("a job that fails is held, it is not thrown away", typed());
                }
                "stop-printer" => {
                    settings.policy = Some("ATTEMPTS 0");
                    lost(
                        "the device is tried again until it works, nobody has to start it; TIMEOUT n would stop it",
                        typed(),
                    );
                }
                _ => lost("is no error policy", typed()),
            },
            "quotaperiod" | "pagelimit" | "klimit" if value == "0" => {}
            "quotaperiod" | "pagelimit" | "klimit" => {
                lost(
                    "there are no quotas of a queue; SPOOLER, USERJOBS n and USEROCTETS n limit what a user has waiting",
                    typed(),
                );
            }
            "allowuser" | "denyuser" => lost("everybody may print here", typed()),
            "authinforequired" if is("none") => {}
            "authinforequired" => lost("a device is told no user and no password", typed()),
            "oppolicy" if is("default") => {}
            "oppolicy" => lost("rights are those of this spooler", typed()),
            "portmonitor" if is("none") || value.is_empty() => {}
            "portmonitor" => lost("octets leave as they came", typed()),
            "filter" if is("application/vnd.cups-raw 0 -") => {}
            "filter" => lost("no filter runs: jobs must come finished", typed()),
            "option" => match value.split_whitespace().next().unwrap_or_default() {
                "job-hold-until" if !value.ends_with("no-hold") => {
                    settings.holds = true;
                }
                "job-hold-until" => {}
                name => {
                    let kind = format!("the usual value of {name} for jobs is not set");
                    lost(&kind, typed());
                }
            },
            _ if OF_CUPS.iter().any(|word| word.eq_ignore_ascii_case(&directive.word)) => {}
            _ => lost("is not understood", typed()),
        }
    }
    settings
}

fn planned(section: &Section, name: String, settings: Settings) -> Planned {
    let about: Vec<String> =
        settings.info.iter().map(|text| escaped(&text.chars().take(200).collect::<String>())).collect();
    Planned {
        kind: section.kind,
        cups: section.name.clone(),
        name,
        line: section.line,
        about: about.join("; "),
        device: None,
        locations: Vec::new(),
        starts: false,
        awaits: false,
        notes: settings.notes,
        members: Vec::new(),
    }
}

fn printer(file: &str, section: &Section, names: &Names, group: &str, beside: Beside) -> Planned {
    let mut settings = read_settings(file, section);
    let (uri, stopped, holds) = (settings.uri.take(), settings.stopped, settings.holds);
    let (banner, policy) = (settings.banner, settings.policy);
    let mut one = planned(section, names.of_printer(&section.name), settings);
    one.notes.extend(beside.notes);
    let place = |line| Note { file: file.to_owned(), line, kind: String::new(), detail: String::new(), lost: true };
    if one.name != one.cups {
        let kind = "a name here has letters, digits, - and _";
        one.notes.insert(
            0,
            Note { kind: kind.into(), detail: format!("{} is {} here", one.cups, one.name), ..place(one.line) },
        );
    }
    let (line, address) = match uri {
        Some((line, text)) => (line, address::of(&text)),
        None => (one.line, Address::Lost("it has no DeviceURI".to_owned())),
    };
    let (uri, otherwise) = match address {
        Address::Is(uri, otherwise) => (uri, otherwise),
        Address::Lost(why) => {
            one.notes.push(Note { kind: "LEFT OUT".into(), detail: why, ..place(line) });
            return one;
        }
    };
    one.notes.extend(otherwise.into_iter().map(|kind| Note { kind, ..place(line) }));
    if let DeviceUri::Awaiting(uri) = &uri {
        one.awaits = true;
        let kind = format!("{}: the device is declared and collects jobs, and waits for it", uri.awaits());
        one.notes.push(Note { kind, ..place(line) });
    }
    one.starts = !stopped && !holds && !one.awaits;
    if stopped {
        one.notes.push(Note { lost: false, kind: "it was stopped, and is not started here".into(), ..place(one.line) });
    }
    if holds {
        let kind = "new jobs were held; here they wait until the device is started";
        one.notes.push(Note { lost: false, kind: kind.into(), ..place(one.line) });
    }
    let mut words = vec![format!("URI {uri}"), "FIFO ON".to_owned()];
    words.extend(if banner {
        vec!["HEADER ON".to_owned()]
    } else {
        vec!["HEADER OFF".to_owned(), "CONTENT RAW".to_owned()]
    });
    words.extend(policy.map(str::to_owned));
    one.device = Some(words);
    one.locations.push((format!("#{group}.{}", one.name), one.name.clone()));
    one
}

fn class(
    file: &str,
    section: &Section,
    names: &Names,
    printers: &[String],
    group_of: &BTreeMap<String, String>,
) -> Planned {
    let mut settings = read_settings(file, section);
    let (stopped, holds) = (settings.stopped, settings.holds);
    if settings.banner {
        let kind = "header pages are a matter of each device";
        settings.notes.push(Note::lost(file, section.line, kind, ""));
    }
    let mut one = planned(section, names.of_class(&section.name), settings);
    if one.name != one.cups {
        let kind = "a name here has letters, digits, - and _";
        one.notes.insert(0, Note::lost(file, one.line, kind, format!("{} is #{} here", one.cups, one.name)));
    }
    if stopped || holds {
        let kind = "a group is never stopped or held, only its devices are";
        one.notes.push(Note::lost(file, one.line, kind, if stopped { "State Stopped" } else { "new jobs were held" }));
    }
    for printer in printers {
        let device = names.of_printer(printer);
        // The location of the printer itself is in the group of its first class.
        let first = group_of.get(&printer.to_ascii_lowercase()) == Some(&one.name);
        if !first {
            let dest = suffixed(&device, &format!("-{}", one.name), &names.dests);
            one.locations.push((format!("#{}.{dest}", one.name), device));
        }
    }
    one.members = printers.to_vec();
    one
}
