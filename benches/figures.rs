//! Measures the figures of `docs/performance.md` and prints them as a table in Markdown.
//!
//! `cargo bench --bench figures -- [--short] [GROUP …]`; without a group, all of them.

#[path = "rows/mod.rs"]
mod rows;
#[path = "support/mod.rs"]
mod support;

use anyhow::Context;
use support::Size;
use support::table::{HEAD, Table, machine};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let size = if arguments.iter().any(|word| word == "--short") { Size::Short } else { Size::Long };
    let wanted: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = wanted.iter().find(|name| !rows::GROUPS.iter().any(|group| group.0 == name.as_str())) {
        let known: Vec<&str> = rows::GROUPS.iter().map(|group| group.0).collect();
        eprintln!("figures: no group '{unknown}': {}", known.join(", "));
        std::process::exit(2);
    }
    support::printer::raise_open_files();
    println!("Measured {}.\n", machine(&support::place()));
    println!("{HEAD}");
    let mut table = Table::default();
    for (name, measure) in rows::GROUPS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            measure(size, &mut table).with_context(|| format!("group '{name}'"))?;
        }
    }
    Ok(())
}
