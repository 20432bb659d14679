//! The manual page of a program and its the completions are made from the definition that parses the command line, and committed;
//! `UPDATE=1 cargo test -p pdserver generated` writes them anew.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{Arguments, PROGRAM};

fn check(path: &str, text: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert!(fs::read(&path).unwrap_or_default() == text, "{} is stale: UPDATE=1 writes it", path.display());
}

/// What is done instead of the usual: one paragraph each, with its own options.
fn commands(page: &mut Vec<u8>) {
    let mut command = Arguments::command();
    command.build();
    let plain = |text: &str| text.replace('\\', "\\\\").replace('-', "\\-");
    let mut title = ".SH COMMANDS\n";
    let has_own = |sub: &clap::Command| sub.get_subcommands().any(|sub| sub.get_name() != "help");
    let (groups, alone): (Vec<_>, Vec<_>) =
        command.get_subcommands_mut().filter(|sub| sub.get_name() != "help").partition(|sub| has_own(sub));
    let of_groups =
        groups.into_iter().flat_map(|group| group.get_subcommands_mut().filter(|sub| sub.get_name() != "help"));
    for sub in alone.into_iter().chain(of_groups) {
        page.extend(std::mem::take(&mut title).as_bytes());
        let usage = sub.render_usage().to_string();
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        page.extend(format!(".SS {}\n{}\n", plain(usage.trim_start_matches("Usage: ")), plain(&about)).as_bytes());
        for argument in sub.get_arguments().filter(|argument| argument.get_id() != "help") {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            page.extend(format!(".TP\n\\fB{}\\fR\n{}\n", plain(&argument.to_string()), plain(&help)).as_bytes());
        }
    }
}

#[test]
fn the_manual_page_is_generated_from_the_command_line() {
    let mut page = Vec::new();
    let command = Arguments::command();
    let sections = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let page_of = clap_mangen::Man::new(command.after_long_help("").after_help("")).section("8");
    page_of.render_title(&mut page).unwrap();
    page_of.render_name_section(&mut page).unwrap();
    page_of.render_synopsis_section(&mut page).unwrap();
    page_of.render_description_section(&mut page).unwrap();
    page_of.render_options_section(&mut page).unwrap();
    commands(&mut page);
    for paragraph in sections.split("\n\n") {
        match paragraph.split_once(":\n") {
            Some((title, lines)) if !title.contains('.') => {
                page.extend(format!(".SH {}\n", title.to_uppercase()).as_bytes());
                for line in lines.lines() {
                    let (word, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
                    page.extend(
                        format!(".TP\n{}\n{}\n", word.replace('-', "\\-"), meaning.trim().replace('-', "\\-"))
                            .as_bytes(),
                    );
                }
            }
            _ => page.extend(format!(".PP\n{}\n", paragraph.trim().replace('-', "\\-")).as_bytes()),
        }
    }
    check(&format!("man/{PROGRAM}.8"), &page);
}

#[test]
fn completions_are_generated_from_the_command_line() {
    let shells = [
        (Shell::Bash, format!("bash/{PROGRAM}")),
        (Shell::Zsh, format!("zsh/_{PROGRAM}")),
        (Shell::Fish, format!("fish/{PROGRAM}.fish")),
    ];
    for (shell, file) in shells {
        let mut text = Vec::new();
        generate(shell, &mut Arguments::command(), PROGRAM, &mut text);
        check(&format!("completions/{file}"), &text);
    }
}
