//! `spoolcom --dump-config`: the configuration of a spool as a command file that makes it again in an empty one.
//!
//! Written are collectors, print processes, devices, locations, groups that broadcast, and what the spooler was told; of each object
//! only what it would not have anyway. Jobs and history are none of it. What only
//! the commands of InfoPrint make stands there as a comment. SPOOLER, START comes before the devices: one that is declared
//! after it stays offline until its own START, which comes last, so that nothing is opened before it can be reached. Before it
//! come the print processes, because only a declaration makes a spool.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::model::collector::{CollectorState, CollectorStatus};
use crate::model::device::{DeviceChange, DeviceStatus};
use crate::model::kept::{KeptWord, KeptWords};
use crate::model::location::{LocationKind, LocationStatus, content_word};
use crate::model::process::{ProcessChange, ProcessStatus};
use crate::model::state::{DeviceWish, SpoolerState};
use crate::model::{Failure, FailureKind, GroupName, ProcessName};
use crate::spool::interface::operations::Operations;

/// Why the configuration was not written.
#[derive(Debug)]
pub enum Unwritten {
    /// The spool does not tell it, or something in it cannot be a command.
    Failed(Failure),
    /// The output takes nothing.
    Output(io::Error),
}

impl From<Failure> for Unwritten {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Writes the configuration of `spool`.
///
/// # Errors
/// [`Unwritten`]. What was written by then is no whole command file.
pub fn write(spool: &mut dyn Operations, out: &mut dyn Write) -> Result<(), Unwritten> {
    let about = spool.about()?;
    writeln!(
        out,
        "COMMENT configuration of the spool of \\{}; spoolcom --in FILE makes it in an empty one",
        about.server
    )?;
    // Where no collector is declared, SPOOLER, START makes one. It has no attribute by which it could be declared.
    let mut made_by_start = false;
    each_collector(spool, |collector| {
        made_by_start |= is_undeclared(collector);
        Ok(())
    })?;
    if !made_by_start {
        collectors(spool, out)?;
    }
    let mut processes = BTreeSet::new();
    each_process(spool, |process| {
        processes.insert(process.name.key());
        line(out, &format!("PRINT ${}", process.name), of_process(process))
    })?;
    match about.state {
        SpoolerState::Active => writeln!(out, "SPOOLER, START")?,
        state => writeln!(out, "COMMENT the spooler was {}: SPOOLER, START makes it active", state.word())?,
    }
    if made_by_start {
        collectors(spool, out)?;
    }
    let is_active = about.state == SpoolerState::Active;
    each_collector(spool, |collector| {
        let starts = matches!(collector.state, CollectorState::Active | CollectorState::Error(_));
        let wish = match (starts, is_active) {
            (true, true) => "START",
            // SPOOLER, START has started it.
            (false, true) => "DRAIN",
            // It may be started before the spooler is.
            (true, false) if !is_undeclared(collector) => "START",
            _ => return Ok(()),
        };
        Ok(writeln!(out, "COLLECT ${}, {wish}", collector.name)?)
    })?;
    if about.manager_access {
        writeln!(out, "SPOOLER, MGRACCESS ON")?;
    }
    let usual = about.base.0.join("FASTCNFG");
    if about.fastcnfg.0 != usual {
        writeln!(out, "SPOOLER, FASTCNFG {}", text(&about.fastcnfg.0.to_string_lossy())?)?;
    }
    if let Some(log) = &about.error_log {
        writeln!(out, "SPOOLER, ERRLOG {}", text(log)?)?;
    }
    // A print process may be deleted while devices name it: those are declared with it, and it is deleted again.
    let mut gone: Vec<ProcessName> = Vec::new();
    each_device(spool, |device| {
        if let Some(process) = device.settings.process.as_ref().filter(|process| processes.insert(process.key())) {
            writeln!(out, "PRINT ${process}, FILE FASTP")?;
            gone.push(process.clone());
        }
        let (papers, changes): (Vec<_>, Vec<_>) = device.settings.changes().into_iter().partition(is_of_infoprint);
        for what in papers.iter().filter_map(in_words) {
            of_infoprint(out, &format!("{what} of {} is set by pdset", device.name.guardian()))?;
        }
        let words: Vec<String> = changes.iter().map(of_change).collect::<Result<_, Failure>>()?;
        // One without any setting is declared by a setting that it has anyway.
        let words = if words.is_empty() { vec![format!("SPEED {}", device.settings.speed)] } else { words };
        line(out, &format!("DEV {}", device.name.guardian()), Ok(words))
    })?;
    let mut broadcasts: Option<GroupName> = None;
    each_location(spool, |location| {
        if location.kind != LocationKind::Location {
            return of_infoprint(out, &format!("{} is made by pdcreate", location.name));
        }
        line(out, &format!("LOC {}", location.name), Ok(of_location(location)))?;
        if location.broadcast && broadcasts.as_ref() != Some(&location.name.group) {
            writeln!(out, "LOC #{}, BROADCAST ON", location.name.group)?;
            broadcasts = Some(location.name.group.clone());
        }
        Ok(())
    })?;
    for process in &gone {
        writeln!(out, "PRINT ${process}, DELETE")?;
    }
    each_device(spool, |device| {
        let wish = match device.wish {
            DeviceWish::Started | DeviceWish::Suspended => "START",
            // So that a later SPOOLER, START leaves it offline too.
            DeviceWish::Stopped | DeviceWish::Draining => "DRAIN",
        };
        if let Some(process) =
            device.settings.process.as_ref().filter(|process| wish == "START" && gone.contains(process))
        {
            let name = device.name.guardian();
            writeln!(
                out,
                "COMMENT {name} is started when its print process ${process} is declared: DEV {name}, START"
            )?;
            return Ok(());
        }
        Ok(writeln!(out, "DEV {}, {wish}", device.name.guardian())?)
    })
}

/// Whether the language has no word for a setting.
fn is_of_infoprint(change: &DeviceChange) -> bool {
    in_words(change).is_some()
}

fn in_words(change: &DeviceChange) -> Option<&'static str> {
    match change {
        DeviceChange::Media(_) => Some("what besides its form is loaded"),
        DeviceChange::Pjl(_) => Some("whether PJL is spoken"),
        DeviceChange::Scheduler(..) => Some("the order of the jobs"),
        _ => None,
    }
}

/// Says what the language has no word for: it belongs to the other one.
fn of_infoprint(out: &mut dyn Write, what: &str) -> Result<(), Unwritten> {
    Ok(writeln!(out, "COMMENT not a command of this language: {what}; pdls -r archive writes it")?)
}

fn line(out: &mut dyn Write, object: &str, words: Result<Vec<String>, Failure>) -> Result<(), Unwritten> {
    writeln!(out, "{object}, {}", words?.join(", "))?;
    Ok(())
}

/// Tells whether nobody declared it: every spool has one where no other is declared.
fn is_undeclared(collector: &CollectorStatus) -> bool {
    collector.file.is_none() && collector.kept.iter().next().is_none()
}

fn collectors(spool: &mut dyn Operations, out: &mut dyn Write) -> Result<(), Unwritten> {
    each_collector(spool, |collector| match is_undeclared(collector) {
        true => Ok(()),
        false => line(out, &format!("COLLECT ${}", collector.name), of_collector(collector)),
    })
}

fn of_collector(collector: &CollectorStatus) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    if let Some(file) = &collector.file {
        words.push(format!("FILE {}", text(file)?));
    }
    words.extend(as_typed(&collector.kept));
    Ok(words)
}

/// Words without a meaning here are kept as they were typed, so they can be typed again.
fn as_typed(kept: &KeptWords) -> Vec<String> {
    let words = kept.iter().map(|(word, value)| KeptWord { word: word.to_owned(), value: value.to_owned() });
    words.map(|word| word.to_string()).collect()
}

fn of_process(process: &ProcessStatus) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    if let Some(file) = &process.file {
        words.push(format!("FILE {}", text(file)?));
    }
    if process.parm != 0 || process.file.is_none() {
        words.push(ProcessChange::Parm(process.parm).to_string());
    }
    words.extend(as_typed(&process.kept));
    Ok(words)
}

fn of_change(change: &DeviceChange) -> Result<String, Failure> {
    match change {
        DeviceChange::Uri(uri) => Ok(format!("URI {}", text(&uri.to_string())?)),
        other => Ok(other.to_string()),
    }
}

fn of_location(location: &LocationStatus) -> Vec<String> {
    let device = location.device.as_ref().map_or_else(|| "NONE".to_owned(), |device| device.guardian());
    let mut words = vec![format!("DEV {device}")];
    words.extend(location.font.as_ref().map(|font| format!("FONT {font}")));
    words.extend(location.content.is_some().then(|| format!("CONTENT {}", content_word(location.content))));
    words
}

/// Returns a text as an operand that means the same: in quotation marks where a mark of the language stands in it.
pub(super) fn text(text: &str) -> Result<String, Failure> {
    let plain = !text.contains([',', ';', '"', '\'', '!', '(', ')'])
        && !text.contains("\\$")
        && !text.contains("\\#")
        && text.trim() == text
        && !text.is_empty()
        && !text.eq_ignore_ascii_case("NONE");
    if plain && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let fits = |mark: char| !text.contains(mark) && !text.contains('\n');
    match ['"', '\''].into_iter().find(|mark| fits(*mark)) {
        Some(mark) => Ok(format!("{mark}{text}{mark}")),
        None => Err(Failure::new(
            FailureKind::BadValue,
            format!(
                "'{}' has both quotation marks, or a line break: no command can say it",
                crate::model::printable::escaped(text)
            ),
        )),
    }
}

/// Hands each collector to `take`.
fn each_collector(
    spool: &mut dyn Operations,
    mut take: impl FnMut(&CollectorStatus) -> Result<(), Unwritten>,
) -> Result<(), Unwritten> {
    let mut after = None;
    loop {
        let page = spool.collectors(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        page.iter().try_for_each(&mut take)?;
    }
}

/// Hands each print process to `take`.
fn each_process(
    spool: &mut dyn Operations,
    mut take: impl FnMut(&ProcessStatus) -> Result<(), Unwritten>,
) -> Result<(), Unwritten> {
    let mut after = None;
    loop {
        let page = spool.processes(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        page.iter().try_for_each(&mut take)?;
    }
}

/// Hands each device to `take`.
fn each_device(
    spool: &mut dyn Operations,
    mut take: impl FnMut(&DeviceStatus) -> Result<(), Unwritten>,
) -> Result<(), Unwritten> {
    let mut after = None;
    loop {
        let page = spool.devices(after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        page.iter().try_for_each(&mut take)?;
    }
}

/// Hands each location to `take`.
fn each_location(
    spool: &mut dyn Operations,
    mut take: impl FnMut(&LocationStatus) -> Result<(), Unwritten>,
) -> Result<(), Unwritten> {
    let mut after = None;
    loop {
        let page = spool.locations(None, after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.clone());
        page.iter().try_for_each(&mut take)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_where_the_language_would_take_it_apart() {
        for (plain, written) in [
            ("socket://h:9100", "socket://h:9100"),
            ("file:///a b/c", "file:///a b/c"),
            ("file:///a,b", "\"file:///a,b\""),
            ("say \"x\"", "'say \"x\"'"),
            ("none", "\"none\""),
            (" x", "\" x\""),
        ] {
            assert_eq!(text(plain).unwrap(), written);
        }
        assert!(text("\"'").is_err() && text("a\nb").is_err());
    }
}
