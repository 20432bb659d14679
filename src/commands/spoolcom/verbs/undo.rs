//! LOG UNDO: the commands that bring the configuration back to what it was at a time.
//!
//! They are read from the record: what an object was then is the old value of the first change of each of its words. What exists
//! is set back, what was deleted is declared again, and what was declared since is deleted, in an order in which each command
//! finds what it names: print processes and devices first, then locations, deletions last. A device that is online is drained before and started
//! after it. What the language has no word for stands there as a comment with both values.

use std::collections::BTreeMap;

use crate::commands::log;
use crate::commands::spoolcom::dump_config;
use crate::commands::spoolcom::language::grammar::{Row, Stage};
use crate::commands::spoolcom::language::keywords::Verb;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
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
    let mut written = false;
    for kind in ["process", "device", "collector", "location", "group", "spool"] {
        for ((_, name), fate) in fates.iter().filter(|((of, _), _)| of == kind) {
            written |= back(kind, name, fate, session)?;
        }
    }
    for ((kind, name), fate) in &fates {
        if !["process", "device", "collector", "location", "group", "spool"].contains(&kind.as_str()) {
            written |= by_comment(name, fate, session)?;
        }
    }
    for kind in ["location", "device", "process", "collector"] {
        for ((_, name), fate) in fates.iter().filter(|((of, _), _)| of == kind) {
            if fate.was_there == Some(false) && fate.is_there {
                writeln!(session.out, "{} {name}, DELETE", verb(kind).word())?;
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
    for (word, old) in fate.altered() {
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
        words.push(match kind {
            "device" => "SPEED 100".to_owned(),
            "location" => "DEV NONE".to_owned(),
            _ => "PARM 0".to_owned(),
        });
    }
    let online = kind == "device" && fate.is_there && {
        let device = name.parse().ok().map(|name| session.spool()?.device(name)).transpose()?;
        device.is_some_and(|device| device.wish != DeviceWish::Stopped)
    };
    if !words.is_empty() {
        if online {
            writeln!(session.out, "{object}, DRAIN")?;
        }
        writeln!(session.out, "{object}, {}", words.join(", "))?;
        if online {
            writeln!(session.out, "{object}, START")?;
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
