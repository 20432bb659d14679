//! Measures the figures of a spool with a server, and of two servers, and prints them as a table in Markdown.
//!
//! `cargo bench -p pdserver --bench served -- [--short]`, after a build of all programs for the same profile.

#[path = "rows.rs"]
mod rows;
#[path = "../../../benches/support/mod.rs"]
mod support;

use support::Size;
use support::table::{HEAD, Table, machine};

fn main() -> anyhow::Result<()> {
    let is_short = std::env::args().any(|word| word == "--short");
    support::printer::raise_open_files();
    println!("Measured {}.\n", machine(&support::place()));
    println!("{HEAD}");
    rows::measure(if is_short { Size::Short } else { Size::Long }, &mut Table::default())
}
