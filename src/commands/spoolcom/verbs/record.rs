//! LOG: what happened to all objects, those that are gone included, with the old and the new value of what was changed.
//!
//! What belongs to the ordinary run of a device is left out (DEV x, LOG has it), and of jobs only what may have come out twice is
//! shown. SINCE CRASH begins where a print process or the machine went down last. UNDO writes commands instead.

use serde_json::{Value, json};

use super::undo;
use crate::commands::log::{self, FOLLOWED_MS};
use crate::commands::spoolcom::language::dates;
use crate::commands::spoolcom::language::messages::Message;
use crate::commands::spoolcom::language::mistake::{Mistake, Span};
use crate::commands::spoolcom::language::tree::Command;
use crate::commands::spoolcom::session::{EarlyEnd, Session};
use crate::commands::why::Times;
use crate::model::history::{ConfigChange, Happening, Since};
use crate::model::printable::{self, escaped};
use crate::model::{Failure, FailureKind};
use crate::sys::clock::wall_ms;

/// LOG with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct LogStatement {
    /// Since when, as typed.
    since: Option<String>,
    undo: bool,
}

/// In place of a time: the last crash.
const CRASH: &str = "CRASH";

impl LogStatement {
    /// Makes the statement for `command`.
    pub fn of(command: &Command) -> Result<Self, Mistake> {
        let Some(name) = command.name() else { return Ok(Self { since: None, undo: false }) };
        let mut words: Vec<&str> = name.value.split_whitespace().collect();
        let undo = words.last().is_some_and(|word| word.eq_ignore_ascii_case("UNDO"));
        if undo {
            words.pop();
        }
        let bad = |why: &str, span: Span| Mistake::new(Message::Syntax, span, why.to_owned());
        match words.as_slice() {
            [] => Ok(Self { since: None, undo }),
            [since, time @ ..] if since.eq_ignore_ascii_case("SINCE") && !time.is_empty() => {
                let time = time.join(" ");
                // Whether it is a time at all shows at once; which one, when it is carried out.
                if !time.eq_ignore_ascii_case(CRASH) {
                    dates::moment(&time, 0, &jiff::tz::TimeZone::UTC).map_err(|why| bad(&why, name.span))?;
                }
                Ok(Self { since: Some(time), undo })
            }
            _ => Err(bad("expected LOG, LOG SINCE time or LOG SINCE CRASH, and UNDO behind it", name.span)),
        }
    }

    fn since(&self, session: &Session<'_>) -> Result<Since, EarlyEnd> {
        match self.since.as_ref().or(session.since.as_ref()) {
            None => Ok(Since::Ever),
            Some(text) if text.trim().eq_ignore_ascii_case(CRASH) => Ok(Since::Crash),
            Some(text) => {
                let at = dates::moment(text, session.now_ms, &session.zone);
                Ok(Since::Time(at.map_err(|why| Failure::new(FailureKind::BadValue, format!("--since: {why}")))?))
            }
        }
    }

    /// Shows what happened.
    pub fn run(&self, session: &mut Session<'_>) -> Result<(), EarlyEnd> {
        let since = self.since(session)?;
        if self.undo || session.undo {
            return undo::run(since, session);
        }
        let mut times = Times { zone: session.zone.clone(), now_ms: session.now_ms };
        let mut seen = session.spool()?.await_change(0, 0)?;
        let (mut after, mut rows, mut any, mut is_earlier) = (None, Vec::new(), false, false);
        loop {
            while let Some(page) = log::next_page(session.spool()?, since, &mut after)? {
                any |= !page.is_empty();
                if !is_earlier && page.iter().any(|one| since.is_before(one.event.at_ms)) {
                    is_earlier = true;
                    // A closed standard error must not turn into a failure.
                    let _ = writeln!(session.err, "LOG: {}", log::OUT_OF_ORDER);
                }
                if session.json && !session.follow {
                    rows.extend(page.iter().map(object));
                    continue;
                }
                for one in &page {
                    let text = match session.json {
                        true => printable::json(&object(one).to_string()).into_owned(),
                        false => line(one, &times),
                    };
                    writeln!(session.out, "{text}")?;
                }
                session.out.flush()?;
            }
            if !session.follow {
                break;
            }
            seen = session.spool()?.await_change(seen, FOLLOWED_MS)?;
            times.now_ms = wall_ms();
        }
        if session.json {
            // One object a line, as in every listing.
            let rows: Vec<String> = rows.iter().map(|row| printable::json(&row.to_string()).into_owned()).collect();
            writeln!(session.out, "[\n{}\n]", rows.join(",\n"))?;
        } else if !any && since == Since::Crash {
            writeln!(session.out, "nothing has happened since a crash: no print process went down on record")?;
        }
        Ok(())
    }
}

/// Names the object as a command does.
fn named(one: &Happening) -> String {
    let name = one.name.as_str();
    match one.kind.as_str() {
        "device" => format!("DEV {name}"),
        "process" => format!("PRINT {name}"),
        "location" | "group" => format!("LOC {name}"),
        "collector" => format!("COLLECT {name}"),
        "spool" => "SPOOLER".to_owned(),
        "job" => format!("JOB {name}"),
        _ => name.to_owned(),
    }
}

fn change(one: &ConfigChange) -> String {
    match (&one.old, &one.new) {
        (Some(old), Some(new)) => format!("{} {old} -> {new}", one.word),
        (None, Some(new)) => format!("{} {new}", one.word),
        (Some(old), None) => format!("{} {old} -> nothing", one.word),
        (None, None) => one.word.clone(),
    }
}

fn line(one: &Happening, times: &Times) -> String {
    let event = &one.event;
    let said = match one.changes.as_slice() {
        [] => event.why.clone(),
        changes => changes.iter().map(change).collect::<Vec<_>>().join("; "),
    };
    let colon = if said.is_empty() { "" } else { ": " };
    escaped(&format!("{} {} {} {}{colon}{said}", times.full(event.at_ms), event.who, named(one), event.what))
}

fn object(one: &Happening) -> Value {
    let mut object = log::object(&one.event);
    object["object"] = json!(one.kind);
    object["name"] = json!(one.name);
    object["changes"] =
        one.changes.iter().map(|change| json!({ "word": change.word, "old": change.old, "new": change.new })).collect();
    object
}
