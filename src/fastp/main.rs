//! The command line of the print process. Spawned with its streams on `/dev/null`; typed by hand it tells its failures.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use super::footing::raise_open_files;
use super::run::{block_signals, run};
use crate::model::{Failure, FailureKind, ProcessName};
use crate::spool::engine::Engine;
use crate::spool::paths::Base;

/// Seconds without work after which a print process goes dormant, unless `PD_FASTP_IDLE` says otherwise.
const IDLE: f64 = 120.0;

/// The print process: sends the jobs of its devices.
///
/// It is started by whoever makes work for it, and goes dormant by itself. Starting a second one of the same name is
/// harmless: it ends at once.
#[derive(Debug, Parser)]
#[command(name = "fastp", version)]
pub struct Arguments {
    /// The base directory of the spool
    #[arg(long, value_name = "DIR")]
    base: PathBuf,
    /// The print process, with or without its '$'
    #[arg(long, value_name = "NAME")]
    process: String,
    /// Go dormant after so many seconds without work
    #[arg(long, value_name = "SECONDS")]
    idle: Option<f64>,
}

/// Reads the command line, opens the spool with `open`, and is the print process until it goes dormant.
pub fn run_main(open: impl FnOnce(&Base) -> Result<Arc<dyn Engine>, Failure>) -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments, open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fastp: {failure}");
            for hint in &failure.hints {
                eprintln!("  hint: {hint}");
            }
            ExitCode::from(if failure.kind == FailureKind::Unreachable { 3 } else { 1 })
        }
    }
}

fn start(arguments: Arguments, open: impl FnOnce(&Base) -> Result<Arc<dyn Engine>, Failure>) -> Result<(), Failure> {
    let name: ProcessName = arguments.process.trim_start_matches(['\\', '$']).parse()?;
    let base = std::path::absolute(&arguments.base)
        .map_err(|error| Failure::new(FailureKind::BadValue, format!("--base: {error}")))?;
    let base = Base::new(base);
    let usual = std::env::var("PD_FASTP_IDLE").ok().and_then(|text| text.parse().ok()).unwrap_or(IDLE);
    // Before the spool starts threads of its own: a signal must reach the loop that waits for it.
    block_signals()?;
    // A process that keeps its usual limit prints too, on fewer devices at a time.
    let _ = raise_open_files();
    let engine = open(&base)?;
    let idle = arguments.idle.unwrap_or(usual);
    let idle = Duration::try_from_secs_f64(idle)
        .map_err(|error| Failure::new(FailureKind::BadValue, format!("--idle {idle}: {error}")))?;
    run(engine, &base, &name, idle)
}

/// The definition of the command line, for manual pages and completions.
pub fn definition() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
