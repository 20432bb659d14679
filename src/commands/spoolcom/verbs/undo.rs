//! LOG UNDO: the commands that bring the configuration back to what it was at a time.
//!
//! They are read from the record: what an object was then is the old value of the first change of each of its words. What exists
//! is set back, what was deleted is declared again, and what was declared since is deleted, in an order in which each command
//! finds what it names: print processes and devices first, then locations, deletions last. A device that is started is drained
//! before and started after it. What the language has no word for stands there as a comment with its old value, and so does what
//! cannot be carried out as things are: a queue, a logical destination, and what leads from a queue to an actual destination are
//! no ordinary groups and locations, and the pd commands alone make them. A group that came with its first location goes with its
//! last one, and comes back so too.

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::log;
use crate::commands::spoolcom::dump_config;
use crate::commands::spoolcom::language::grammar::{Row, Stage};
use crate::commands::spoolcom::language::keywords::Verb;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::FailureKind;
use crate::model::event::EventWord;
use crate::model::history::{DECLARED, Happening, KIND, Since};
use crate::model::location::LocationKind;
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

    fn was(&self, word: &str) -> Option<&str> {
        self.then.get(word).and_then(Option::as_deref)
    }

    /// Whether it was deleted, and commands of this language declare it again: they make ordinary locations alone.
    fn is_declared_again(&self) -> bool {
        let whole_group = self.was("DEV").is_some_and(|device| device.starts_with('#'));
        self.was_there == Some(true) && !self.is_there && !whole_group && self.was(KIND).is_none()
    }

    /// Whether it was deleted.
    fn is_gone(&self) -> bool {
        self.was_there == Some(true) && !self.is_there
    }

    /// Whether it is a group that stays when its last location goes.
    fn is_queue(&self) -> bool {
        self.now.get(DECLARED).and_then(Option::as_deref) == Some(YES)
    }

    /// The words that are not what they were, with what they were.
    fn altered(&self) -> impl Iterator<Item = (&String, &Option<String>)> {
        self.then.iter().filter(|(word, old)| self.now.get(*word).is_none_or(|now| now != *old))
    }
}

/// Of a group that was made by itself.
const YES: &str = "YES";

/// Shows the commands.
pub fn run(since: Since, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let mut fates: BTreeMap<(String, String), Fate> = BTreeMap::new();
    let (mut after, mut is_earlier) = (None, false);
    while let Some(page) = log::next_page(session.spool()?, since, &mut after)? {
        is_earlier |= page.iter().any(|one| since.is_before(one.event.at_ms));
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
    if is_earlier {
        writeln!(session.out, "COMMENT {}: what follows undoes more than that", log::OUT_OF_ORDER)?;
    }
    let mut written = nameless(&mut fates, session)?;
    // Groups that are there, or come back with a location.
    let is_present = |fate: &Fate| fate.is_there || fate.is_declared_again();
    let in_use = fates.iter().filter(|((kind, _), fate)| kind == "location" && is_present(fate));
    let present: BTreeSet<String> = in_use.filter_map(group).collect();
    for kind in ["process", "device", "collector", "location", "group", "spool"] {
        if kind == "location" {
            // A queue that a location brings back is an ordinary group, and there is no way from that to a queue.
            let gone = fates.iter().filter(|((of, name), fate)| {
                of == "group" && fate.is_gone() && (fate.was(DECLARED) == Some(YES) || !present.contains(name))
            });
            for ((_, name), _) in gone {
                queue_is_gone(name, present.contains(name), session)?;
                written = true;
            }
        }
        for ((_, name), fate) in fates.iter().filter(|((of, _), _)| of == kind) {
            written |= match kind == "group" && fate.is_gone() && !present.contains(name) {
                true => queue_had(name, fate, session)?,
                false => back(kind, name, fate, session)?,
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
            // A group that came with a location goes with it.
            if fate.was_there == Some(false) && fate.is_there && (kind != "group" || fate.is_queue()) {
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

/// Says that a group is gone that no location brings back as it was.
fn queue_is_gone(name: &str, has_locations: bool, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
    let (server, queue) = (session.spool()?.about()?.server, name.trim_start_matches('#'));
    let first = if has_locations { ", before its locations" } else { "" };
    writeln!(session.out, "COMMENT LOC {name} was deleted: pdcreate -c queue {server}:{queue}   makes it{first}")?;
    Ok(())
}

/// Says what such a group had.
fn queue_had(name: &str, fate: &Fate, session: &mut Session<'_>) -> Result<bool, EarlyEnd> {
    let had = fate.altered().filter(|(word, old)| *word != DECLARED && !is_usual(old.as_deref()));
    for (word, old) in had {
        comment(&format!("LOC {name}"), word, old.as_deref(), session)?;
    }
    Ok(true)
}

/// Whether a word of a group has the value that every new group has.
fn is_usual(value: Option<&str>) -> bool {
    matches!(value, None | Some("NONE" | "OFF" | "NO"))
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
        let (queue, dest) = name.trim_start_matches('#').rsplit_once('.').unwrap_or(("", name));
        match fate.was(KIND) == Some(LocationKind::Outlet.word()) {
            true => writeln!(
                session.out,
                "COMMENT {object} was deleted, the way from a queue to an actual destination: with that disabled,  pdset -x associated-queue={queue} {dest}   makes it"
            )?,
            false => writeln!(
                session.out,
                "COMMENT {object} was deleted, a logical destination: pdcreate makes it, and pdenable {dest}   lets it take jobs"
            )?,
        }
        // What is said above of an outlet gives it its device.
        let is_outlet = fate.was(KIND) == Some(LocationKind::Outlet.word());
        for (word, old) in fate.altered().filter(|(word, _)| *word != KIND && !(is_outlet && *word == "DEV")) {
            comment(&object, word, old.as_deref(), session)?;
        }
        return Ok(true);
    }
    let comes_back_empty = kind == "group" && !fate.is_there;
    let is_said = |word: &str, old: Option<&str>| comes_back_empty && (is_usual(old) || word == DECLARED);
    for (word, old) in fate.altered().filter(|(word, old)| !is_said(word, old.as_deref())) {
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
    if [KIND, DECLARED].contains(&word) {
        let was = match (word, old) {
            (KIND, Some("LOGICAL")) => "a logical destination",
            (KIND, Some("OUTLET")) => "the way from a queue to an actual destination",
            (DECLARED, Some(YES)) => "a queue that stays when its last location goes",
            _ => "not made by a pd command",
        };
        return Ok(writeln!(
            session.out,
            "COMMENT {object} was {was}: it becomes that by being deleted and made anew"
        )?);
    }
    let old = old.map_or_else(|| "not set".to_owned(), |old| format!("'{old}'"));
    let text = format!("COMMENT not a command of this language: {word} of {object} was {old}; pdset sets it");
    Ok(writeln!(session.out, "{}", escaped(&text))?)
}
