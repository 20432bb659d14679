//! What stands about a printer of CUPS beside its section: its PPD, its System V interface, and the site's `lpoptions`.

use std::collections::BTreeSet;
use std::path::Path;

use super::config;
use super::plan::{Beside, Note};

/// So many defaults of a PPD are named.
const SHOWN: usize = 12;

/// Finds what else there is about the printer `name`.
pub fn of(dir: &Path, name: &str) -> Beside {
    let mut beside = Beside::default();
    // No name of CUPS has a slash; one that was written by hand must not lead out of the directory.
    if name.contains('/') || name.starts_with('.') {
        return beside;
    }
    let interface = format!("interfaces/{name}");
    if std::fs::symlink_metadata(dir.join(&interface)).is_ok() {
        beside.notes.push(note(&interface, 0, "a program that made jobs ready is not run", ""));
    }
    let ppd = format!("ppd/{name}.ppd");
    match config::read_text(&dir.join(&ppd)) {
        Ok(None) => {}
        Ok(Some(text)) => beside.notes.extend(of_ppd(&ppd, &text)),
        Err(why) => beside.notes.push(note(&ppd, 0, "the PPD cannot be read", &why)),
    }
    beside
}

/// Finds the destination that `lpoptions` of the site says is the usual one, without its instance.
pub fn default(dir: &Path) -> Option<String> {
    let text = config::read_text(&dir.join("lpoptions")).ok()??;
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| word.eq_ignore_ascii_case("Default"))?;
        words.next().map(|name| name.split('/').next().unwrap_or_default().to_owned())
    };
    text.lines().find_map(of).filter(|name| !name.is_empty())
}

/// Says what a PPD asks for: conversion by a driver, and usual values of options.
fn of_ppd(file: &str, text: &str) -> Vec<Note> {
    let mut notes = vec![note(file, 1, "no driver runs: jobs must come finished", "it has a PPD")];
    let mut defaults: Vec<String> = Vec::new();
    let (mut line, mut more) = (0, 0);
    let options = options(text);
    for (at, name, value) in options {
        if line == 0 {
            line = at;
        }
        if defaults.len() < SHOWN { defaults.push(format!("{name} {value}")) } else { more += 1 }
    }
    if !defaults.is_empty() {
        let more = if more > 0 { format!(", {more} more") } else { String::new() };
        let detail = format!("{}{more}", defaults.join(", "));
        notes.push(note(file, line, "usual values of the PPD's options are not set", &detail));
    }
    for (at, text) in text.lines().enumerate() {
        if let Some(filter) = text.strip_prefix("*cupsFilter:").or_else(|| text.strip_prefix("*cupsFilter2:")) {
            let filter: String = filter.trim().trim_matches('"').chars().take(100).collect();
            if !filter.ends_with(" -") {
                notes.push(note(file, at + 1, "no filter runs: jobs must come finished", &filter));
            }
        }
    }
    notes
}

/// Returns the options that a person can choose, each with the line and the value of its default.
fn options(text: &str) -> Vec<(usize, String, String)> {
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("*OpenUI *").or_else(|| line.strip_prefix("*JCLOpenUI *")) {
            let name = rest.split(['/', ':']).next().unwrap_or_default().trim();
            chosen.insert(name);
        }
    }
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some((name, value)) = line.strip_prefix("*Default").and_then(|rest| rest.split_once(':'))
            && chosen.contains(name)
        {
            let value: String = value.trim().chars().take(60).collect();
            found.push((at + 1, name.to_owned(), value));
        }
    }
    found
}

fn note(file: &str, line: usize, kind: &str, detail: &str) -> Note {
    Note { file: file.to_owned(), line, kind: kind.to_owned(), detail: detail.to_owned(), lost: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ppd_says_which_driver_and_which_usual_values_are_lost() {
        let text = "*PPD-Adobe: \"4.3\"\n*cupsFilter: \"application/vnd.cups-raster 0 rastertolabel\"\n\
                    *cupsFilter: \"application/vnd.cups-raw 0 -\"\n*OpenUI *PageSize/Media Size: PickOne\n\
                    *DefaultPageSize: A4\n*DefaultResolution: 600dpi\n*CloseUI: *PageSize\n";
        let said: Vec<String> =
            of_ppd("ppd/x.ppd", text).iter().map(|note| format!("{} {}", note.place(), note.text())).collect();
        assert_eq!(
            said,
            [
                "ppd/x.ppd:1 it has a PPD: no driver runs: jobs must come finished",
                "ppd/x.ppd:5 PageSize A4: usual values of the PPD's options are not set",
                "ppd/x.ppd:2 application/vnd.cups-raster 0 rastertolabel: no filter runs: jobs must come finished",
            ]
        );
    }
}
