//! Manual pages and completions are made from the definitions that parse the command line, and committed. These tests
//! fail when they are stale; `UPDATE=1 cargo test --test suite generated::` writes them anew.

mod completions;
mod messages;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use spoolsuite::attributes::{Attribute, Class, Kind, Shown, of_class};

/// Compares `text` with the committed file `path`, or writes it.
fn check(path: &str, text: &str, stale: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().context("a file in no directory")?)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    } else if fs::read_to_string(&path).unwrap_or_default() != text {
        stale.push(path);
    }
    Ok(())
}

/// The definitions of all programs: those of the languages, and of the print process.
fn definitions() -> Vec<Command> {
    spoolsuite::commands::definitions().into_iter().chain([spoolsuite::fastp::definition()]).collect()
}

fn fresh(stale: &[PathBuf]) {
    assert!(stale.is_empty(), "stale: {stale:#?}\nUPDATE=1 cargo test --test suite generated::   writes them");
}

#[test]
fn manual_pages_are_fresh() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for command in definitions() {
        check(&format!("man/{}.1", command.get_name()), &manual_page(command.clone())?, &mut stale)?;
    }
    fresh(&stale);
    Ok(())
}

#[test]
fn completions_are_fresh() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for command in definitions() {
        let name = command.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("completions/bash/{name}")),
            (Shell::Zsh, format!("completions/zsh/_{name}")),
            (Shell::Fish, format!("completions/fish/{name}.fish")),
        ] {
            check(&file, &completions::script(shell, &command)?, &mut stale)?;
        }
    }
    fresh(&stale);
    Ok(())
}

#[test]
fn the_attributes_in_docs_json_are_fresh() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let text = fs::read_to_string(path)?;
    let (before, rest) =
        text.split_once("<!-- attributes:").context("docs/json.md does not say where the attributes begin")?;
    let (mark, rest) = rest.split_once('\n').context("docs/json.md ends in a mark")?;
    let (_, after) =
        rest.split_once("<!-- /attributes -->").context("docs/json.md does not say where the attributes end")?;
    let sections: String = [
        Class::Job,
        Class::Destination,
        Class::Queue,
        Class::Server,
        Class::Medium,
        Class::Station,
        Class::User,
        Class::Log,
    ]
    .map(attributes)
    .concat();
    let mut stale = Vec::new();
    check(
        "docs/json.md",
        &format!("{before}<!-- attributes:{mark}\n{sections}<!-- /attributes -->{after}"),
        &mut stale,
    )?;
    fresh(&stale);
    Ok(())
}

#[test]
fn messages_are_fresh() -> anyhow::Result<()> {
    let mut stale = Vec::new();
    check("docs/messages.md", &messages::document(), &mut stale)?;
    fresh(&stale);
    Ok(())
}

#[test]
fn every_warning_has_its_cause_in_the_table() -> anyhow::Result<()> {
    let mut unknown = Vec::new();
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/spoolcom");
    messages::warnings_without_a_row(&sources, &mut unknown)?;
    assert!(unknown.is_empty(), "no row of WARNINGS is about\n{}", unknown.join("\n"));
    Ok(())
}

/// The attributes of a class as a section of docs/json.md, those of documents with jobs.
fn attributes(class: Class) -> String {
    let name = class.keyword();
    let mut text = format!("\n### Attributes of a {name}\n\n| key | type | meaning |\n|---|---|---|\n");
    of_class(class).for_each(|row| text.push_str(&attribute("", row)));
    if class == Class::Job {
        text.push_str("| `documents` | array of objects | its documents, or the one that was named |\n");
        of_class(Class::Document).for_each(|row| text.push_str(&attribute("documents[].", row)));
        for part in ["path", "server"] {
            text.push_str(&format!("| `documents[].document-content.{part}` | string | its {part} |\n"));
        }
    }
    text.push('\n');
    text
}

fn attribute(prefix: &str, row: &Attribute) -> String {
    let (one, words) = match row.kind {
        Kind::Text | Kind::Name => ("string", String::new()),
        Kind::Keyword(words) => ("keyword", format!(": {}", words.join(", "))),
        Kind::Integer(..) | Kind::Counted(_) => ("integer", String::new()),
        Kind::Duration => ("integer", ", in minutes".to_owned()),
        Kind::Boolean => ("boolean", String::new()),
        Kind::Time => ("time", String::new()),
        Kind::Content => ("object", String::new()),
        Kind::Range(..) => ("string", ", as low:high".to_owned()),
    };
    // Displayed as lines, in JSON as the objects of the displays of spoolcom.
    let one = if row.asked { "object" } else { one };
    let kind = if row.many { format!("array of {one}s") } else { format!("{one} or null") };
    let only = match row.shown {
        Shown::ByName => " (only when it is named)",
        _ if row.shows_only_values() => " (only where it has a value, or is named)",
        _ => "",
    };
    format!("| `{prefix}{}` | {kind} | {}{words}{only} |\n", row.name(), row.summary())
}

/// A page from a definition; the sections of the long help become sections of the page.
fn manual_page(command: Command) -> anyhow::Result<String> {
    let sections = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let page = clap_mangen::Man::new(command.clone().after_long_help("").after_help("")).manual("spoolsuite");
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    out.extend(synopsis(&command).into_bytes());
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    let mut out = String::from_utf8(out)?;
    for line in sections.lines().filter(|line| !line.trim().is_empty()) {
        match line.strip_prefix("  ") {
            None => out.push_str(&format!(".SH \"{}\"\n", roff(&line.trim_end_matches(':').to_uppercase()))),
            Some(entry) => match entry.split_once("  ") {
                Some((term, text)) => out.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", roff(term), roff(text))),
                None => out.push_str(&format!(".PP\n{}\n", roff(entry))),
            },
        }
    }
    Ok(out)
}

/// The flags and arguments with the names of their values.
fn synopsis(command: &Command) -> String {
    let mut text = format!(".SH SYNOPSIS\n\\fB{}\\fR", roff(command.get_name()));
    for arg in command.get_arguments() {
        let flag = match (arg.get_short(), arg.get_long()) {
            (Some(short), _) => format!("\\fB\\-{short}\\fR"),
            (None, Some(long)) => format!("\\fB\\-\\-{}\\fR", roff(long)),
            (None, None) => String::new(),
        };
        let takes = arg.get_action().takes_values();
        let value = arg.get_value_names().filter(|_| takes).map(|names| format!("\\fI{}\\fR", roff(&names[0])));
        let whole =
            [Some(flag).filter(|flag| !flag.is_empty()), value].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let many = if matches!(arg.get_action(), clap::ArgAction::Append) { "..." } else { "" };
        text.push_str(&if arg.is_required_set() { format!(" {whole}{many}") } else { format!(" [{whole}]{many}") });
    }
    text.push('\n');
    text
}

/// Text as it may stand on a line of a page.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
