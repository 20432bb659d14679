//! The manual page and the completions are made from the definition that parses the command line, and committed;
//! `UPDATE=1 cargo test -p spoolwatch generated` writes them anew.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::Arguments;

fn check(path: &str, text: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert!(fs::read(&path).unwrap_or_default() == text, "{} is stale: UPDATE=1 writes it", path.display());
}

#[test]
fn the_manual_page_is_generated_from_the_command_line() {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).section("1").render(&mut page).unwrap();
    check("man/spoolwatch.1", &page);
}

#[test]
fn completions_are_generated_from_the_command_line() {
    let shells =
        [(Shell::Bash, "bash/spoolwatch"), (Shell::Zsh, "zsh/_spoolwatch"), (Shell::Fish, "fish/spoolwatch.fish")];
    for (shell, file) in shells {
        let mut text = Vec::new();
        generate(shell, &mut Arguments::command(), "spoolwatch", &mut text);
        check(&format!("completions/{file}"), &text);
    }
}
