//! LOG UNDO: the commands that bring the configuration back to what it was at a time.
//!
//! They are read from the record: what an object was then is the old value of the first change of each of its words. What exists
//! is set back, what was deleted is declared again, and what was declared since is deleted, in an order in which each command
//! finds what it names: print processes and devices first, then locations, deletions last. A device that is started is drained
//! before and started after it. What the language has no word for stands there as a comment with its old value, and so does what
//! cannot be carried out as things are. A group that came with its first location goes with its last one, and comes back so too.

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::log;
use crate::commands::spoolcom::dump_config;
use crate::commands::spoolcom::language::grammar::{Row, Stage};
use crate::commands::spoolcom::language::keywords::Verb;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::FailureKind;
use crate::model::event::EventWord;
use crate::model::history::{Happening, Since};
use crate::model::printable::escaped;
use crate::model::state::DeviceWish;

/// What became of one object since then.
#[derive(Debug, Default)]
struct Fate {
    /// Whether it was there; none as long as nothing is known.
    was_there: Option<bool>,
    is_there: bool,
    /// Whether it was deleted since, and what is there now is another one.
    replaced: bool,
    /// The words that were others then, with what they were.
    then: BTreeMap<String, Option<String>>,
    /// What they are now.
    now: BTreeMap<String, Option<String>>,
}

impl Fate {
    fn take(&mut self, one: &Happening) {
        let declared = one.event.what == EventWord::Declared;
        let deleted = one.event.what == EventWord::Deleted;
        self.was_there.get_or_insert(!declared);
        for change in &one.changes {
            // What another object of that name was is none of it.
            if self.was_there == Some(true) && !self.replaced {
                self.then.entry(change.word.clone()).or_insert_with(|| change.old.clone());
            }
            self.now.insert(change.word.clone(), change.new.clone());
        }
        self.is_there = !deleted;
        self.replaced |= deleted;
    }

    /// Whether it was deleted, and commands of this language declare it again: a logical destination is made by pdcreate alone.
    fn is_declared_again(&self) -> bool {
        let whole_group = self.then.get("DEV").and_then(Option::as_ref).is_some_and(|device| device.starts_with('#'));
        self.was_there == Some(true) && !self.is_there && !whole_group
    }

    /// The words that are not what they were, with what they were.
    fn altered(&self) -> impl Iterator<Item = (&String, &Option<String>)> {
        self.then.iter().filter(|(word, old)| self.now.get(*word).is_none_or(|now| now != *old))
    }
}

/// Shows the commands.
pub fn run(since: Since, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let mut fates: BTreeMap<(String, String), Fate> = BTreeMap::new();
    let mut after = None;
    while let Some(page) = log::next_page(session.spool()?, since, &mut after)? {
        for one in page.iter().filter(|one| one.event.what.configures()) {
            // Events of the spool tell of things without an object of their own too.
            if one.kind != "spool" || !one.changes.is_empty() {
                fates.entry((one.kind.clone(), one.name.clone())).or_default().take(one);
            }
        }
    }
    let times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
    let when = match since {
        Since::Ever => "everything on record".to_owned(),
        Since::Time(ms) => format!("what was changed since {}", times.full(ms)),
        Since::Crash => "what was changed since the last crash".to_owned(),
    };
    writeln!(session.out, "COMMENT undoes {when}; look through it, then  spoolcom --in FILE")?;
    let mut written = nameless(&mut fates, session)?;
    // Groups that are there, or come back with a location; and those that came with one, and are gone with it.
    let with = |is: fn(&Fate) -> bool| -> BTreeSet<String> {
        fates.iter().filter(|((kind, _), fate)| kind == "location" && is(fate)).filter_map(group).collect()
    };
    let present = with(|fate| fate.is_there || fate.is_declared_again());
    let (then, since_then) = (with(|fate| fate.was_there == Some(true)), with(|fate| fate.was_there == Some(false)));
    let passing: BTreeSet<&String> = since_then.difference(&then).filter(|name| !present.contains(*name)).collect();
    for kind in ["process", "device", "collector", "location", "group", "spool"] {
        for ((_, name), fate) in fates.iter().filter(|((of, _), _)| of == kind) {
            written |= match fate.was_there {
                Some(true) if kind == "group" && !fate.is_there && passing.contains(name) => false,
                Some(true) if kind == "group" && !fate.is_there && !present.contains(name) => {
                    queue_is_gone(name, fate, session)?
                }
                _ => back(kind, name, fate, session)?,
            };
        }
    }
    for ((kind, name), fate) in &fates {
        if !["process", "device", "collector", "location", "group", "spool"].contains(&kind.as_str()) {
            written |= by_comment(name, fate, session)?;
        }
    }
    // First what prints is told to end, then what leads there goes, then the device itself.
    for ((kind, name), fate) in &fates {
        let is_new = kind == "device" && fate.was_there == Some(false) && fate.is_there;
        if is_new && wish(name, session)?.is_some_and(|wish| wish != DeviceWish::Stopped) {
            writeln!(
                session.out,
                "DEV {name}, DRAIN\nCOMMENT what prints on {name} ends first; until then what follows is refused: then once more"
            )?;
        }
    }
    for kind in ["location", "device", "process", "collector", "group"] {
        for ((_, name), fate) in fates.iter().filter(|((of, _), _)| of == kind) {
            if fate.was_there == Some(false) && fate.is_there {
                delete(kind, name, session)?;
                written = true;
            }
        }
    }
    if !written {
        writeln!(session.out, "COMMENT nothing was changed that is not as it was")?;
    }
    Ok(())
}

fn verb(kind: &str) -> Verb {
    match kind {
        "process" => Verb::Print,
        "device" => Verb::Dev,
        "collector" => Verb::Collect,
        "spool" => Verb::Spooler,
        _ => Verb::Loc,
    }
}

fn rows(kind: &str) -> &'static [Row] {
    verb(kind).grammar().rows
}

/// Takes out what has no name: it was deleted before changes were kept. Returns whether there was any.
fn nameless(fates: &mut BTreeMap<(String, String), Fate>, session: &mut Session<'_>) -> Result<bool, EarlyEnd> {
    let is_nameless = |key: &(String, String)| key.1.is_empty() && key.0 != "spool";
    let kinds: Vec<String> = fates.keys().filter(|key| is_nameless(key)).map(|key| key.0.clone()).collect();
    for kind in &kinds {
        writeln!(
            session.out,
            "COMMENT what was deleted of the kind '{kind}' before the upgrade is on record without name and values"
        )?;
    }
    fates.retain(|key, _| !is_nameless(key));
    Ok(!kinds.is_empty())
}

/// Returns the group of a location.
fn group(((_, name), _): (&(String, String), &Fate)) -> Option<String> {
    name.rsplit_once('.').map(|(group, _)| group.to_owned())
}

/// Says that a group is gone that no location brings back.
fn queue_is_gone(name: &str, fate: &Fate, session: &mut Session<'_>) -> Result<bool, EarlyEnd> {
    let object = format!("LOC {name}");
    let had: Vec<_> = fate.altered().filter(|(_, old)| !is_usual(old.as_deref())).collect();
    let (server, queue) = (session.spool()?.about()?.server, name.trim_start_matches('#'));
    writeln!(session.out, "COMMENT {object} was deleted: pdcreate -c queue {server}:{queue}   makes it")?;
    for (word, old) in had {
        comment(&object, word, old.as_deref(), session)?;
    }
    Ok(true)
}

/// Whether a word of a group has the value that every new group has.
fn is_usual(value: Option<&str>) -> bool {
    matches!(value, None | Some("NONE" | "OFF"))
}

/// Returns what an operator wants of a device; none where there is no such device.
fn wish(name: &str, session: &mut Session<'_>) -> Result<Option<DeviceWish>, EarlyEnd> {
    let Ok(name) = name.parse() else { return Ok(None) };
    match session.spool()?.device(name) {
        Ok(device) => Ok(Some(device.wish)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Says before a command what it needs of a print process or a collector.
fn must_be_dormant(kind: &str, object: &str, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    match kind {
        "process" => writeln!(
            session.out,
            "COMMENT {object} must be dormant here: it is about two minutes after its last job, with its devices drained"
        )?,
        "collector" => writeln!(session.out, "COMMENT {object} must be dormant here: {object}, DRAIN")?,
        _ => {}
    }
    Ok(())
}

/// Writes the commands that delete what was declared since.
fn delete(kind: &str, name: &str, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let object = format!("{} {name}", verb(kind).word());
    match kind {
        "group" => {
            let name = name.trim_start_matches('#');
            return Ok(writeln!(
                session.out,
                "COMMENT {object} was made since: pddelete -c queue {name}   removes it"
            )?);
        }
        _ => must_be_dormant(kind, &object, session)?,
    }
    Ok(writeln!(session.out, "{object}, DELETE")?)
}

/// Writes the commands that set an object back; returns whether there are any.
fn back(kind: &str, name: &str, fate: &Fate, session: &mut Session<'_>) -> Result<bool, EarlyEnd> {
    // What was declared since is deleted at the end; what came and went is as it was.
    if fate.was_there != Some(true) {
        return Ok(false);
    }
    let object = match kind {
        "spool" => "SPOOLER".to_owned(),
        other => format!("{} {name}", verb(other).word()),
    };
    let (mut words, mut unsaid) = (Vec::new(), Vec::new());
    let is_logical = kind == "location" && !fate.is_there && !fate.is_declared_again();
    if is_logical {
        let dest = name.rsplit_once('.').map_or(name, |(_, dest)| dest);
        writeln!(
            session.out,
            "COMMENT {object} was deleted, a logical destination: pdcreate makes it, and pdenable {dest}   lets it take jobs"
        )?;
        for (word, old) in fate.altered() {
            comment(&object, word, old.as_deref(), session)?;
        }
        return Ok(true);
    }
    let comes_back_empty = kind == "group" && !fate.is_there;
    for (word, old) in fate.altered().filter(|(_, old)| !(comes_back_empty && is_usual(old.as_deref()))) {
        match said(kind, word, old.as_deref()) {
            Some(command) => words.push(command),
            None => unsaid.push((word, old)),
        }
    }
    // What another object of that name has, and the one that was there did not.
    if fate.replaced && fate.is_there {
        for word in fate.now.iter().filter(|(word, now)| now.is_some() && !fate.then.contains_key(*word)) {
            unsaid.push((word.0, &None));
        }
    }
    if words.is_empty() && unsaid.is_empty() && fate.is_there {
        return Ok(false);
    }
    if !fate.is_there && words.is_empty() {
        // It had nothing but what every one of its kind has.
        match kind {
            "device" => words.push("SPEED 100".to_owned()),
            "location" => words.push("DEV NONE".to_owned()),
            "process" => words.push("PARM 0".to_owned()),
            // It came back with its locations.
            "group" if unsaid.is_empty() => return Ok(false),
            "collector" => {
                writeln!(session.out, "COMMENT {object} was deleted: {object}, FILE with a program declares it")?
            }
            _ => {}
        }
    }
    if !words.is_empty() {
        let command = format!("{object}, {}", words.join(", "));
        let wish = if kind == "device" && fate.is_there { wish(name, session)? } else { None };
        match wish {
            Some(DeviceWish::Started) => {
                writeln!(session.out, "{object}, DRAIN\n{command}\n{object}, START")?;
            }
            // Somebody stopped it in mid-job, and knows why.
            Some(DeviceWish::Suspended) => {
                writeln!(session.out, "COMMENT {object} is suspended; once it is offline:  {command}")?;
            }
            Some(DeviceWish::Draining) => {
                writeln!(session.out, "COMMENT {object} is being drained; once it is offline:  {command}")?;
            }
            Some(DeviceWish::Stopped) | None => {
                if fate.is_there {
                    must_be_dormant(kind, &object, session)?;
                }
                writeln!(session.out, "{command}")?;
            }
        }
        if kind == "device" && !fate.is_there {
            writeln!(session.out, "COMMENT {object}, START   brings it online: it was deleted")?;
        }
    }
    for (word, old) in unsaid {
        comment(&object, word, old.as_deref(), session)?;
    }
    Ok(true)
}

/// Returns the words that give a word its old value; none where the language has none, or cannot take it back.
fn said(kind: &str, word: &str, old: Option<&str>) -> Option<String> {
    let row = rows(kind).iter().find(|row| row.key.word() == word)?;
    let Some(old) = old else {
        // A word that means nothing here is kept once it is given.
        return match (row.stage, word) {
            (Stage::Meaningless(_), _) | (_, "URI" | "PROCESS" | "FILE") => None,
            _ => Some(format!("{word} NONE")),
        };
    };
    match word {
        // Each of them is a word of its own, after the one that takes all away.
        "ACCESS" | "TRANSFORM" if old != "NONE" => {
            let each = old.split("; ").map(|one| format!("{word} {one}"));
            Some(std::iter::once(format!("{word} NONE")).chain(each).collect::<Vec<_>>().join(", "))
        }
        // It feeds a whole group: that is set elsewhere.
        "DEV" if old.starts_with('#') => None,
        _ if old.is_empty() => Some(word.to_owned()),
        _ if plain(old) => Some(format!("{word} {old}")),
        _ => Some(format!("{word} {}", dump_config::text(old).ok()?)),
    }
}

/// Whether a value is written as it is: one of our own words, or a number.
fn plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "$#.%-! ".contains(c)) && !text.is_empty()
}

/// Says what no command of this language sets back.
fn by_comment(name: &str, fate: &Fate, session: &mut Session<'_>) -> Result<bool, EarlyEnd> {
    match (fate.was_there, fate.is_there) {
        (Some(true), false) => {
            writeln!(session.out, "COMMENT {} was deleted; what it had:", escaped(name))?;
        }
        (Some(false), true) => {
            writeln!(session.out, "COMMENT {} was made since: pddelete removes it", escaped(name))?;
            return Ok(true);
        }
        (Some(true), true) => {}
        _ => return Ok(false),
    }
    let mut written = !fate.is_there;
    for (word, old) in fate.altered() {
        comment(name, word, old.as_deref(), session)?;
        written = true;
    }
    Ok(written)
}

fn comment(object: &str, word: &str, old: Option<&str>, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let old = old.map_or_else(|| "not set".to_owned(), |old| format!("'{old}'"));
    let text = format!("COMMENT not a command of this language: {word} of {object} was {old}; pdset sets it");
    Ok(writeln!(session.out, "{}", escaped(&text))?)
}
