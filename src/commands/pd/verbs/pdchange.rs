//! `pdchange`: change control. Edits of queues, printers and stations that pools are made of are staged, shown, checked, issued on all
//! servers under one number, and taken back.

use clap::{CommandFactory, Parser};
use serde_json::{Value as Json, json};
use std::ffi::OsString;

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::flags::ServerFlag;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock, help};
use crate::commands::shell::Intent;
use crate::commands::why::{Times, utc};
use crate::model::change::lint::{self, Finding, Weight};
use crate::model::change::{ChangeView, ChangeViews, Issue, Issued, Look, Mode};
use crate::model::field::Value;
use crate::model::{Failure, FailureKind, ServerName, printable};
use crate::spool::interface::operations::Operations;

const PROGRAM: &str = "pdchange";

/// Stage, check and issue changes of pools on all servers.
///
/// Once another server has joined, or after pdchange on, edits of compatible-queues, release-type, purge-time and driver of queues, of
/// valid-attributes and driver of printers, and of stations are staged: pdset, pdcreate and pddelete write them down, and nothing changes. Users,
/// PINs, cards and revoked members are never staged. Actions:
///
/// status (or none): the generation that counts, what is staged, and which servers have which; list: what is staged, each edit with what
/// counts now; check: what is wrong with the pools as they will be; issue: makes what is staged count, on all servers, as the next generation;
/// rollback N: makes what counted in generation N count again, without N that of the generation before; discard: takes back what
/// is staged on this server, discard NAME that of one object; on, off, auto: stages edits always, never, or once another server has
/// joined.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerFlag,
    /// Issue although a server does not answer: it is named, and caught up when it is back (--allow-stragglers means the same)
    #[arg(long, visible_alias = "allow-stragglers")]
    allow_partial: bool,
    /// Issue although the check finds faults
    #[arg(long)]
    force: bool,
    /// With off: takes back what is staged on this server
    #[arg(long)]
    discard: bool,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
    /// What to do
    #[arg(value_name = "ACTION", default_value = "status")]
    #[arg(value_parser = ["status", "list", "check", "issue", "rollback", "discard", "on", "off", "auto"])]
    action: String,
    /// The generation to go back to, or the object whose edits are taken back
    #[arg(value_name = "N|NAME")]
    what: Option<String>,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::acting,
    names: Names::SETS_NONE,
    settings: &[],
    act: change,
};

/// Runs `pdchange` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn change(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let text = |name: &str| line.matches.get_one::<String>(name).cloned();
    let flag = |name: &str| line.matches.get_flag(name);
    let action = text("action").unwrap_or_default();
    let what = text("what");
    let issues = matches!(action.as_str(), "issue" | "rollback");
    for (name, shown, fits) in [
        ("allow_partial", "--allow-partial", issues),
        ("force", "--force", issues),
        ("discard", "--discard", action == "off"),
        ("json", "--json", issues || matches!(action.as_str(), "status" | "list" | "check")),
    ] {
        if flag(name) && !fits {
            return Err(Stop::usage(format!("{shown} does not go with {action}")));
        }
    }
    if what.is_some() && !matches!(action.as_str(), "rollback" | "discard") {
        return Err(Stop::usage(format!("{action} takes no argument")));
    }
    let looks = matches!(action.as_str(), "status" | "list" | "check");
    let to = match (&what, action.as_str()) {
        (Some(word), "rollback") => Some(word.parse::<u64>().map_err(|_| {
            Stop::usage(format!("'{}' is no generation", escaped(word))).hint("pdchange status   shows them")
        })?),
        (None, "rollback") => Some(Issue::LAST),
        _ => None,
    };
    let mut spool = line.open(shell, if looks { Intent::Read } else { Intent::Write })?;
    let (spool, as_json) = (spool.as_mut(), flag("json"));
    match action.as_str() {
        "list" => list(spool, shell, as_json),
        "check" => check(spool, shell, as_json),
        "issue" | "rollback" => {
            let issue = Issue { back_to: to, allow_partial: flag("allow_partial") };
            make(spool, shell, issue, (flag("force"), as_json))
        }
        "discard" => {
            let n = spool.discard_changes(what)?;
            writeln!(
                shell.out,
                "{}",
                match n {
                    0 => "Nothing is staged on this server.".to_owned(),
                    n => format!("{} taken back", edits(n)),
                }
            )?;
            Ok(Exit::Done)
        }
        "on" => mode(spool, shell, Mode::On, false),
        "off" => mode(spool, shell, Mode::Off, flag("discard")),
        "auto" => mode(spool, shell, Mode::Auto, false),
        _ => status(spool, shell, as_json),
    }
}

/// How many edits.
fn edits(n: u32) -> String {
    if n == 1 { "1 edit".to_owned() } else { format!("{n} edits") }
}

fn mode(spool: &mut dyn Operations, shell: &mut Shell<'_>, mode: Mode, discard: bool) -> Result<Exit, Stop> {
    let gone = spool.set_change_mode(mode, discard)?;
    if gone > 0 {
        writeln!(shell.out, "{} taken back", edits(gone))?;
    }
    Ok(Exit::Done)
}

/// Names the servers that did not answer.
fn silence(shell: &mut Shell<'_>, silent: &[(ServerName, String)]) -> Exit {
    let mut exit = Exit::Done;
    for (server, why) in silent {
        let what = format!("server {server} does not answer: {why}");
        exit = exit.max(shell.report(PROGRAM, &Failure::new(FailureKind::NotFound, what)));
    }
    exit
}

fn table(shell: &mut Shell<'_>, rows: &[Vec<String>]) -> Result<(), Stop> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |n: usize| rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|n| width(n).unwrap_or_default()).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        writeln!(shell.out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn heads(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn status(spool: &mut dyn Operations, shell: &mut Shell<'_>, as_json: bool) -> Result<Exit, Stop> {
    let views = spool.change_views(Look::Edits)?;
    if as_json {
        show(shell, &status_json(&views))?;
        return Ok(silence(shell, &views.silent));
    }
    let clock = clock(shell);
    let times = Times { zone: clock.zone.clone(), now_ms: clock.now_ms };
    let Some(own) = views.servers.first() else { return Ok(Exit::Done) };
    let stages = match (own.mode, own.stages) {
        (Mode::Auto, true) => "edits are staged, because other servers have joined",
        (Mode::Auto, false) => "edits count at once: no other server has joined",
        (Mode::On, _) => "edits are staged",
        (Mode::Off, _) => "edits count at once: change control is off",
    };
    match own.history.last() {
        Some(last) => {
            let back = last.back_to.map_or_else(String::new, |to| format!(", back to {to}"));
            let when = times.short(last.at_ms);
            writeln!(
                shell.out,
                "Generation {}{back}, issued {when} by {} on {}; {stages}",
                last.number, last.who, last.by
            )?;
        }
        None => writeln!(shell.out, "Nothing was issued yet; {stages}")?,
    }
    let highest = views.servers.iter().map(|view| view.generation).max().unwrap_or(0);
    let mut rows = vec![heads(&["Server", "Generation", "Staged", ""])];
    for view in &views.servers {
        rows.push(vec![
            view.server.to_string(),
            view.generation.to_string(),
            view.staged.len().to_string(),
            how(view, highest),
        ]);
    }
    for (server, _) in &views.silent {
        let waits = own.stragglers.contains(server);
        let how = if waits { "does not answer; it is caught up when it is back" } else { "does not answer" };
        rows.push(vec![server.to_string(), "?".to_owned(), "?".to_owned(), how.to_owned()]);
    }
    table(shell, &rows)?;
    let staged: usize = views.servers.iter().map(|view| view.staged.len()).sum();
    if staged > 0 {
        let next = highest + 1;
        let n = edits(u32::try_from(staged).unwrap_or(u32::MAX));
        writeln!(shell.out, "{n} staged for generation {next}: pdchange list, pdchange check, pdchange issue")?;
    }
    Ok(silence(shell, &views.silent))
}

fn how(view: &ChangeView, highest: u64) -> String {
    match &view.prepared {
        Some(one) => format!("{} prepared by {} on {}", one.number, one.who, one.by),
        None if view.generation < highest => "behind; it is being caught up".to_owned(),
        None if view.mode == Mode::Off => "off".to_owned(),
        None => String::new(),
    }
}

fn status_json(views: &ChangeViews) -> Json {
    let servers = views.servers.iter().map(|view| {
        json!({
            "server": view.server.to_string(),
            "answered": true,
            "mode": view.mode.word(),
            "stages": view.stages,
            "generation": view.generation,
            "prepared": view.prepared.as_ref().map(|one| one.number),
            "staged": view.staged.len(),
        })
    });
    let silent =
        views.silent.iter().map(|(server, why)| json!({ "server": server.to_string(), "answered": false, "why": why }));
    let history = views.servers.first().map(|view| &view.history[..]).unwrap_or_default();
    let generations: Vec<Json> = history
        .iter()
        .map(|one| {
            json!({
                "generation": one.number,
                "issued": utc(one.at_ms),
                "who": one.who,
                "server": one.by.to_string(),
                "back-to": one.back_to,
            })
        })
        .collect();
    json!({
        "generation": views.servers.first().map_or(0, |view| view.generation),
        "servers": servers.chain(silent).collect::<Vec<Json>>(),
        "generations": generations,
    })
}

fn show(shell: &mut Shell<'_>, value: &Json) -> Result<(), Stop> {
    writeln!(shell.out, "{}", printable::json(&format!("{value:#}")))?;
    Ok(())
}

fn words(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) | Value::Time(n) => n.to_string(),
        Value::Boolean(on) => on.to_string(),
        Value::Many(_) => String::new(),
    };
    value.map(|value| value.each().iter().map(one).collect()).unwrap_or_default()
}

fn list(spool: &mut dyn Operations, shell: &mut Shell<'_>, as_json: bool) -> Result<Exit, Stop> {
    let views = spool.change_views(Look::Edits)?;
    let all = views.servers.iter().flat_map(|view| view.staged.iter().map(move |one| (&view.server, one)));
    if as_json {
        let rows: Vec<Json> = all
            .map(|(server, one)| {
                json!({
                    "server": server.to_string(),
                    "class": one.edit.class.word(),
                    "object": one.edit.name,
                    "attribute": one.edit.field.map(|field| field.stored().to_owned()),
                    "before": words(one.edit.before.as_ref()),
                    "after": words(one.edit.after.as_ref()),
                    "who": one.who,
                    "time": utc(one.at_ms),
                })
            })
            .collect();
        show(shell, &Json::Array(rows))?;
        return Ok(silence(shell, &views.silent));
    }
    let clock = clock(shell);
    let times = Times { zone: clock.zone.clone(), now_ms: clock.now_ms };
    let mut last = String::new();
    for (server, one) in all {
        let head = format!("{} {server}:{}", one.edit.class.word(), one.edit.name);
        let (old, new) = (words(one.edit.before.as_ref()), words(one.edit.after.as_ref()));
        if head != last {
            let what = match (&one.edit.field, &one.edit.after) {
                (None, Some(_)) => "  (is made)",
                (None, None) => "  (is deleted)",
                _ => "",
            };
            writeln!(shell.out, "{}{what}", escaped(&head))?;
            last = head;
        }
        let by = format!("   ({}, {})", escaped(&one.who), times.short(one.at_ms));
        let Some(field) = one.edit.field else { continue };
        if !old.is_empty() {
            writeln!(shell.out, "- {} = {}", field.stored(), escaped(&old.join(" ")))?;
        }
        match new.is_empty() {
            true => writeln!(shell.out, "+ {} has no value{by}", field.stored())?,
            false => writeln!(shell.out, "+ {} = {}{by}", field.stored(), escaped(&new.join(" ")))?,
        }
    }
    if last.is_empty() {
        writeln!(shell.out, "Nothing is staged.")?;
    }
    Ok(silence(shell, &views.silent))
}

fn findings(shell: &mut Shell<'_>, found: &[Finding]) -> Result<(), Stop> {
    for one in found {
        let weight = if one.weight == Weight::Fault { "fault" } else { "warning" };
        writeln!(
            shell.out,
            "{weight}: {}: {}\n  hint: {}",
            escaped(&one.object),
            escaped(&one.text),
            escaped(&one.cure)
        )?;
    }
    Ok(())
}

fn check(spool: &mut dyn Operations, shell: &mut Shell<'_>, as_json: bool) -> Result<Exit, Stop> {
    let views = spool.change_views(Look::Objects)?;
    let found = lint::check(&views);
    match as_json {
        true => {
            let rows: Vec<Json> = found
                .iter()
                .map(|one| {
                    json!({
                        "weight": one.weight,
                        "code": one.code,
                        "object": one.object,
                        "text": one.text,
                        "cure": one.cure,
                    })
                })
                .collect();
            show(shell, &Json::Array(rows))?;
        }
        false if found.is_empty() => writeln!(shell.out, "Nothing is wrong.")?,
        false => findings(shell, &found)?,
    }
    Ok(if found.iter().any(|one| one.weight == Weight::Fault) { Exit::Failed } else { Exit::Done })
}

/// Issues a generation, after a check unless the operator insists. Going back is not checked: what counted once is wanted again.
fn make(
    spool: &mut dyn Operations,
    shell: &mut Shell<'_>,
    issue: Issue,
    (force, as_json): (bool, bool),
) -> Result<Exit, Stop> {
    if issue.back_to.is_none() {
        let views = spool.change_views(Look::Objects)?;
        if views.silent.is_empty() && views.servers.iter().all(|view| view.staged.is_empty() && view.prepared.is_none())
        {
            return Err(Failure::new(FailureKind::State, "nothing is staged, so there is nothing to issue").into());
        }
        let mut faults = lint::check(&views);
        faults.retain(|one| one.weight == Weight::Fault);
        if let Some(first) = faults.first()
            && !force
        {
            let more = match faults.len() - 1 {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            };
            let why = format!("nothing was issued: {}: {}{more}", first.object, first.text);
            return Err(Failure::new(FailureKind::State, why)
                .hint("pdchange check   shows everything;  pdchange issue --force   issues it all the same")
                .into());
        }
    }
    let issued = spool.issue_changes(issue)?;
    match as_json {
        true => show(shell, &issued_json(&issued))?,
        false => {
            let n: u32 = issued.servers.iter().map(|one| one.1).sum();
            let names: Vec<String> = issued.servers.iter().map(|one| one.0.to_string()).collect();
            writeln!(shell.out, "generation {} counts on {}: {}", issued.number, names.join(", "), edits(n))?;
        }
    }
    for (server, why) in &issued.stragglers {
        let what = format!(
            "server {server} does not have generation {} yet, and is caught up when it is back: {why}",
            issued.number
        );
        shell.report(PROGRAM, &Failure::new(FailureKind::NotFound, what));
    }
    Ok(Exit::Done)
}

fn issued_json(issued: &Issued) -> Json {
    let servers: Vec<Json> =
        issued.servers.iter().map(|(server, n)| json!({ "server": server.to_string(), "edits": n })).collect();
    let late: Vec<Json> =
        issued.stragglers.iter().map(|(server, why)| json!({ "server": server.to_string(), "why": why })).collect();
    json!({ "generation": issued.number, "servers": servers, "stragglers": late })
}
