//! The programs themselves: their size, and how long `--version` takes.

use std::process::Command;

use anyhow::Context;

use super::super::support::site::{program, succeed};
use super::super::support::table::{Goal, Row, Table, Unit};
use super::super::support::{Size, directory, fsync_p50, in_turn, seconds};

const PROGRAMS: &[&str] = &["fastp", "pdls", "pdpr", "pdq", "pdrm", "spoolcom"];

pub fn measure(size: Size, table: &mut Table) -> anyhow::Result<()> {
    let dir = directory();
    let fsync = fsync_p50(dir.path());
    let mut sizes = Vec::new();
    for name in PROGRAMS {
        let size = std::fs::metadata(program(name)).with_context(|| format!("{name} is not built"))?.len();
        sizes.push((size, *name));
    }
    let (octets, largest) = sizes.into_iter().max().context("no program is named")?;
    let mib = octets as f64 / f64::from(1 << 20);
    let what = format!("the largest program, `{largest}`");
    table.add(Row::limit(&what, Unit::Mib, mib, None, Goal::AtMost(6.0), fsync));
    let version = |name: &str| seconds(|| succeed(Command::new(program(name)).arg("--version")));
    let nothing = || seconds(|| succeed(&mut Command::new("/bin/true")));
    let times = in_turn(size.pick(1, 101), || version(largest), nothing);
    let what = format!("`{largest} --version`");
    let beside = Some((times.1, "/bin/true"));
    table.add(Row::limit(&what, Unit::Seconds, times.0, beside, Goal::AtMost(0.003), fsync));
    Ok(())
}
