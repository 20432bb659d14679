//! Measures the figures of a spool with a server, and of two servers, and prints them as a table in Markdown.
//!
//! `cargo bench --workspace --bench served -- [--short] [GROUP]…`, after a build of all programs for the same profile.

#[path = "release.rs"]
mod release;
#[path = "rows.rs"]
mod rows;
#[path = "sealed.rs"]
mod sealed;
#[path = "server.rs"]
mod server;
#[path = "../../../benches/support/mod.rs"]
mod support;

use support::Size;
use support::table::{HEAD, Table, machine};

fn main() -> anyhow::Result<()> {
    let is_short = std::env::args().any(|word| word == "--short");
    // Cargo adds words of its own.
    let groups: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    support::printer::raise_open_files();
    println!("Measured {}.\n", machine(&support::place()));
    println!("{HEAD}");
    rows::measure(if is_short { Size::Short } else { Size::Long }, &groups, &mut Table::default())
}
