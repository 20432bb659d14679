//! `spoolcom --from-cups DIR`: the command file that recreates the raw queues of a CUPS site.
//!
//! `printers.conf`, `classes.conf`, the PPDs and `lpoptions` of the directory are read (docs/from-cups.md), and nothing else:
//! no CUPS need run, and no spool is opened. A printer becomes a device and a location, a class a group. What cannot be carried
//! over stands as a comment above the commands of its queue, with the file and the line, and is counted on standard error.
//!
//! Every line is either a comment or a command that `--check` finds to run as it stands, whatever the files hold.
//!
//! May the file be fed twice, or in parts? Yes: the same declaration again is no change, and a name depends on the whole site,
//! whichever part of it is written.

mod address;
mod beside;
mod config;
mod plan;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::commands::shell::{Exit, Shell};
use crate::model::printable::escaped;
use crate::model::{Failure, FailureKind};

use super::language::messages::{Message, Subject};
use super::language::report::{print_failure, usage};
use config::Kind;
use plan::{CLASSES, Note, PRINTERS, Plan, Planned};

/// The print process of what comes from CUPS.
const PROCESS: &str = "CUPS";
/// So many places of one kind of loss are named in the summary.
const NAMED: usize = 3;

/// Writes the command file for the CUPS configuration in `dir`: all of its queues, or those whose names match one of `names`.
///
/// Returns 1 when a queue was left out or a line meant nothing, and 2 when no queue matches.
pub fn run(dir: &str, names: Option<&str>, out: Option<&str>, shell: &mut Shell<'_>) -> Exit {
    let path = shell.cwd.join(dir);
    let mut plan = match read(&path) {
        Ok(plan) => plan,
        Err(failure) => {
            print_failure(shell.err, "", &failure, &Subject::Object);
            return Exit::Failed;
        }
    };
    let whole = plan.all.len();
    if let Some(names) = names
        && let Err(what) = keep_only(&mut plan, names)
    {
        let hint = "--queues 'lp1,label*'   takes lp1 and what begins with label";
        return usage(shell.err, Message::FileError, &what, &[hint]);
    }
    let text = text(&plan, dir, whole);
    let written = match out {
        Some(name) => super::output::open_out(&shell.cwd.join(name)).and_then(|mut file| {
            file.write_all(text.as_bytes()).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))
        }),
        None => shell
            .out
            .write_all(text.as_bytes())
            .and_then(|()| shell.out.flush())
            .map_err(|error| Failure::new(FailureKind::Io, format!("the output cannot be written: {error}"))),
    };
    if let Err(failure) = written {
        print_failure(shell.err, "", &failure, &Subject::Object);
        return Exit::Failed;
    }
    // A closed standard error must not turn into a failure.
    let _ = shell.err.write_all(summary(&plan, dir, whole).as_bytes());
    let left_out = plan.all.iter().any(|one| one.kind == Kind::Printer && one.device.is_none());
    if left_out || !plan.odd.is_empty() { Exit::Failed } else { Exit::Done }
}

/// Where CUPS has its configuration.
const OF_THIS_MACHINE: &str = "/etc/cups";

fn read(dir: &Path) -> Result<Plan, Failure> {
    let unread = |file: &str, why: String| {
        let file = dir.join(file);
        Failure::new(FailureKind::Io, format!("cannot read {}: {why}", escaped(&file.to_string_lossy())))
    };
    let of = |file: &str| config::read_text(&dir.join(file)).map_err(|why| unread(file, why));
    let (printers, classes) = (of(PRINTERS)?, of(CLASSES)?);
    if printers.is_none() && classes.is_none() {
        let why = format!("there is neither {PRINTERS} nor {CLASSES} in it");
        let own = Path::new(OF_THIS_MACHINE);
        // Whoever has typed it already is not told to type it.
        let hint = match dir != own && own.join(PRINTERS).exists() {
            true => {
                format!("spoolcom --from-cups {OF_THIS_MACHINE}   reads those of this machine, which root may read")
            }
            false => format!(
                "this machine has no CUPS: copy {OF_THIS_MACHINE} from the machine that has it, and name the copy"
            ),
        };
        return Err(
            Failure::new(FailureKind::NotFound, format!("{}: {why}", escaped(&dir.to_string_lossy()))).hint(hint)
        );
    }
    let read = |text: Option<String>| text.as_deref().map(config::read).unwrap_or_default();
    let default = beside::default(dir);
    Ok(plan::plan(read(printers), read(classes), default.as_deref(), &mut |name| beside::of(dir, name)))
}

/// Leaves only the queues whose names match one of `names`, and of classes what leads to the printers that are left.
fn keep_only(plan: &mut Plan, names: &str) -> Result<(), String> {
    let wanted: Vec<String> = names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    for name in &wanted {
        if !plan.all.iter().any(|one| matches(name, &one.cups)) {
            return Err(format!("no queue is called '{}'", escaped(name)));
        }
    }
    let is_wanted = |one: &Planned| wanted.iter().any(|name| matches(name, &one.cups));
    let printers: Vec<String> =
        plan.all.iter().filter(|one| one.kind == Kind::Printer && is_wanted(one)).map(|one| one.name.clone()).collect();
    let printers: std::collections::BTreeSet<String> = printers.into_iter().collect();
    plan.all.retain(|one| match one.kind {
        Kind::Printer => is_wanted(one),
        Kind::Class => is_wanted(one) || one.locations.iter().any(|(_, device)| printers.contains(device)),
    });
    for one in &mut plan.all {
        if one.kind == Kind::Class {
            let before = one.members.len();
            one.locations.retain(|(_, device)| printers.contains(device));
            let members: Vec<String> = plan_members(&one.members, &wanted);
            one.members = members;
            if one.members.len() < before {
                let kind = format!("{} of its printers are switched over later", before - one.members.len());
                one.notes.push(Note { file: CLASSES.into(), line: one.line, kind, detail: String::new(), lost: false });
            }
        }
    }
    if let Some((_, locations)) = &mut plan.default {
        locations.retain(|(_, device)| printers.contains(device));
        if locations.is_empty() {
            plan.default = None;
        }
    }
    Ok(())
}

fn plan_members(members: &[String], wanted: &[String]) -> Vec<String> {
    members.iter().filter(|member| wanted.iter().any(|name| matches(name, member))).cloned().collect()
}

/// Tells whether a name matches a pattern in lower case, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Returns the command file.
fn text(plan: &Plan, dir: &str, whole: usize) -> String {
    let mut text = String::new();
    let comment = |text: &mut String, words: &str| {
        text.push_str("COMMENT ");
        text.push_str(words);
        text.push('\n');
    };
    let part = if plan.all.len() < whole {
        format!("{} of the {whole} queues", plan.all.len())
    } else {
        format!("the {whole} queues")
    };
    comment(
        &mut text,
        &format!("{part} of CUPS in {}; spoolcom --in FILE makes them, beside what there is", escaped(dir)),
    );
    for note in &plan.odd {
        comment(&mut text, &format!("NOT CARRIED OVER {}: {}", note.place(), note.text()));
    }
    text.push_str(&format!("PRINT ${PROCESS}, FILE fastp\nSPOOLER, START\n"));
    for one in &plan.all {
        let what = match one.kind {
            Kind::Printer => format!("{PRINTERS}:{} printer {}", one.line, escaped(&one.cups)),
            Kind::Class => {
                let members: Vec<String> = one.members.iter().map(|name| escaped(name)).collect();
                format!("{CLASSES}:{} class {} = #{}: {}", one.line, escaped(&one.cups), one.name, members.join(" "))
            }
        };
        let about = if one.about.is_empty() { String::new() } else { format!(" ({})", one.about) };
        comment(&mut text, &format!("{what}{about}"));
        for note in &one.notes {
            let sign = if note.lost { "NOT CARRIED OVER " } else { "" };
            comment(&mut text, &format!("{sign}{}: {}", note.place(), note.text()));
        }
        if let Some(words) = &one.device {
            text.push_str(&format!("DEV ${}, PROCESS ${PROCESS}, {}\n", one.name, words.join(", ")));
        }
        for (location, device) in &one.locations {
            text.push_str(&format!("LOC {location}, DEV ${device}\n"));
        }
    }
    if let Some((name, locations)) = &plan.default {
        comment(&mut text, &format!("the default destination is {}", escaped(name)));
        for (location, device) in locations {
            text.push_str(&format!("LOC {location}, DEV ${device}\n"));
        }
    }
    // Last: nothing is opened before it can be reached.
    for one in plan.all.iter().filter(|one| one.device.is_some() && !one.awaits) {
        // One that stays offline is told so: a later SPOOLER, START would start it.
        text.push_str(&format!("DEV ${}, {}\n", one.name, if one.starts { "START" } else { "DRAIN" }));
    }
    text
}

/// Says how much was carried over, and each kind of loss with its number.
fn summary(plan: &Plan, dir: &str, whole: usize) -> String {
    let count = |test: &dyn Fn(&Planned) -> bool| plan.all.iter().filter(|one| test(one)).count();
    let made = count(&|one| one.device.is_some());
    let left = count(&|one| one.kind == Kind::Printer && one.device.is_none());
    let classes = count(&|one| one.kind == Kind::Class);
    let mut text = format!("spoolcom: {}: {} printers, {} classes", escaped(dir), made + left, classes);
    if plan.all.len() < whole {
        text.push_str(&format!(" of {whole} queues"));
    }
    let (started, awaits) = (count(&|one| one.starts), count(&|one| one.awaits));
    text.push_str(&format!(
        "; {made} carried over, {started} of them started, {awaits} wait for their transport, {left} left out\n"
    ));
    let mut kinds: BTreeMap<&str, Vec<&Note>> = BTreeMap::new();
    for note in plan.odd.iter().chain(plan.all.iter().flat_map(|one| &one.notes)).filter(|note| note.lost) {
        kinds.entry(&note.kind).or_default().push(note);
    }
    let mut kinds: Vec<(&str, Vec<&Note>)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, notes)| std::cmp::Reverse(notes.len()));
    for (kind, notes) in kinds {
        let places: Vec<String> = notes.iter().take(NAMED).map(|note| note.place()).collect();
        let more = if notes.len() > NAMED { " …" } else { "" };
        let first =
            notes.first().map(|note| note.detail.as_str()).filter(|detail| !detail.is_empty() && notes.len() == 1);
        let first = first.map_or_else(String::new, |detail| format!("{}: ", escaped(detail)));
        text.push_str(&format!("  {}×  {first}{}  ({}{more})\n", notes.len(), escaped(kind), places.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, does) in [
            ("lp1", "LP1", true),
            ("lp1", "lp10", false),
            ("lp*", "lp10", true),
            ("*1", "lp1", true),
            ("l*1*x", "label-1-box", true),
            ("l*1*x", "label-2-box", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), does, "{pattern} {name}");
        }
    }
}
