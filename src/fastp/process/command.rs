//! The command line of the print process. It usually runs spawned, with its streams on `/dev/null`; when typed by hand
//! it prints its failures.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueHint};

use super::log::{Log, keep_last_words};
use super::run::{note_why_not, run};
use super::signals::block_signals;
use crate::fastp::fastcnfg;
use crate::fastp::fastcnfg::file_cache::FileCache;
use crate::model::printable::{self, escaped, escaped_lines};
use crate::model::time::Moment;
use crate::model::{Failure, FailureKind, ProcessName};
use crate::notify;
use crate::spool::{Base, Spool};
use crate::supervise::{self, Purpose, Starter};
use crate::sys::{circumstances, clock, limits, umask};

/// A print process goes dormant after this many idle seconds, unless `PD_FASTP_IDLE` says otherwise.
const IDLE: Duration = Duration::from_secs(120);

/// Reads `--idle`.
fn idle(text: &str) -> Result<Duration, String> {
    supervise::seconds(text).ok_or_else(|| "expected a number of seconds, 0 or more".to_owned())
}

const AFTER_HELP: &str = "\
Environment:
  FASTCNFG  The primary FASTCNFG file for --check, instead of the one that the spool has on record
  PDBASE  Base directory for --check without --base
  PD_FASTP_IDLE  Go dormant after this many seconds without work, where --idle does not say it

Exit status:
  0  The print process went dormant, or --check found no mistake
  1  It failed, or --check found mistakes
  2  The command line is wrong
  3  The spool cannot be reached, or the file cannot be read
";

/// The print process: sends the jobs of its devices.
///
/// The command that makes work for it starts it, and it goes dormant by itself. Starting a second one of the same name
/// is harmless: the second one ends at once.
///
/// With --check it prints nothing. It reads a FASTCNFG file and the files it leads to, lists what each print process
/// finds for each device, and reports every mistake with its file, line and column.
#[derive(Debug, Parser)]
#[command(name = "fastp", version, after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// The base directory of the spool
    #[arg(long, value_name = "DIR", required_unless_present = "check", value_hint = ValueHint::DirPath)]
    base: Option<PathBuf>,
    /// The print process, with or without its '$'
    #[arg(long, value_name = "NAME", required_unless_present_any = ["check", "shorten_log", "deliver"], conflicts_with = "check")]
    process: Option<String>,
    /// Shorten the log of the database if it is long, and end: for a command whose user does not wait for that
    #[arg(long, conflicts_with_all = ["check", "process"])]
    shorten_log: bool,
    /// Deliver the notifications that wait, and end: nobody who makes one waits for that
    #[arg(long, conflicts_with_all = ["check", "process", "shorten_log"])]
    deliver: bool,
    /// Go dormant after this many seconds without work
    #[arg(long, value_name = "SECONDS", conflicts_with = "check", value_parser = idle)]
    idle: Option<Duration>,
    /// Check a FASTCNFG file, or that of the spool, and exit
    #[arg(long, value_name = "FASTCNFG", num_args = 0..=1, value_hint = ValueHint::FilePath)]
    check: Option<Option<PathBuf>>,
}

/// Parses the command line, opens the spool with `open`, and runs the print process until it goes dormant.
pub fn run_main(open: impl FnOnce(&Base, Moment) -> Result<Spool, Failure>) -> ExitCode {
    umask::keep_private();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
        // Help or the version, which clap writes in its colours.
        Err(error) => error.exit(),
    };
    if let Some(file) = arguments.check {
        return check(file, arguments.base);
    }
    match start(arguments, open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fastp: {}", escaped(&format!("{error:#}")));
            let failure = error.downcast_ref::<Failure>();
            for hint in failure.into_iter().flat_map(|failure| &failure.hints) {
                eprintln!("  hint: {}", escaped(hint));
            }
            let unreachable =
                failure.is_some_and(|failure| matches!(failure.kind, FailureKind::Unreachable | FailureKind::Damaged));
            ExitCode::from(if unreachable { 3 } else { 1 })
        }
    }
}

fn start(arguments: Arguments, open: impl FnOnce(&Base, Moment) -> Result<Spool, Failure>) -> anyhow::Result<()> {
    if arguments.shorten_log || arguments.deliver {
        limits::prepare_process();
    }
    if arguments.shorten_log {
        let base = std::path::absolute(arguments.base.unwrap_or_default()).context("--base")?;
        return Ok(open(&Base::new(base), clock::now())?.shorten_log()?);
    }
    if arguments.deliver {
        let base = std::path::absolute(arguments.base.unwrap_or_default()).context("--base")?;
        let spool = open(&Base::new(base), clock::now())?;
        Starter::beside_us()?.keep_deliveries(&spool);
        return Ok(notify::deliver(&spool, notify::Settings::of(&|name| std::env::var_os(name)), clock::now)?);
    }
    let process = arguments.process.unwrap_or_default();
    let name: ProcessName = process.trim_start_matches(['\\', '$']).parse().context("--process")?;
    let base = std::path::absolute(arguments.base.unwrap_or_default()).context("--base")?;
    let base = Base::new(base);
    keep_last_words(&base.log());
    limits::prepare_process();
    // Done before the spool starts threads of its own: the signal must reach the thread that waits for it.
    block_signals()?;
    circumstances::restore();
    limits::warn_before_processor_limit();
    // If the limit cannot be raised, we print on fewer devices at a time.
    let _ = crate::sys::limits::raise_open_files();
    let begun = supervise::check_environment(&|name| std::env::var_os(name))
        .and_then(|()| open(&base, clock::now()))
        .map_err(|failure| say_why_not(&base, &name, failure))?;
    if let Ok(starter) = Starter::beside_us() {
        starter.keep_deliveries_aside(&begun);
        begun.see_to_deliveries();
        begun.see_to_warnings(&clock::now());
    }
    let idle = arguments.idle.or_else(|| supervise::seconds(&std::env::var("PD_FASTP_IDLE").ok()?));
    Ok(run(&begun, &name, idle.unwrap_or(IDLE))?)
}

/// Nobody sees what a print process that was spawned writes: why it does not begin is in the log, and beside the database,
/// where displays find it.
fn say_why_not(base: &Base, name: &ProcessName, failure: Failure) -> Failure {
    if base.run().is_dir() {
        Log::new(&base.log(), name.as_str()).line(format_args!("does not begin: {failure}"));
        note_why_not(base, name, &failure);
    }
    failure
}

/// Runs `--check` on `file`, or on the primary file of the spool.
fn check(file: Option<PathBuf>, base: Option<PathBuf>) -> ExitCode {
    crate::sys::spawn::default_sigpipe();
    let base = base.or_else(|| std::env::var_os("PDBASE").map(PathBuf::from));
    let base = base.and_then(|base| std::path::absolute(base).ok()).map(Base::new);
    let named = file.or_else(|| base.as_ref().map(primary_of));
    let Some(primary) = named.and_then(|path| std::path::absolute(path).ok()) else {
        eprintln!("fastp: --check needs a file, or --base or PDBASE to find it");
        return ExitCode::from(2);
    };
    let beside = || Base::new(primary.parent().unwrap_or(&primary));
    let base = base.unwrap_or_else(beside);
    let file_cache = FileCache::default();
    let report = fastcnfg::check::check(&primary, base.root(), &server_of(&base), &|path| file_cache.read(path));
    if let Some(why) = report.unread {
        eprintln!("fastp: {}", escaped(&why));
        return ExitCode::from(3);
    }
    let (shown, more) = report.shown();
    for finding in shown {
        let (at, note) = (finding.mistake.at, if finding.note { "note: " } else { "" });
        eprintln!("{}:{at}: {note}{}", printable::path(&finding.path), escaped(&finding.mistake.what));
        if let Some(hint) = &finding.mistake.hint {
            eprintln!("  hint: {}", escaped(hint));
        }
    }
    for (more, what) in more.into_iter().zip(["mistakes", "notes"]).filter(|(more, _)| *more > 0) {
        eprintln!("… and {more} more {what}");
    }
    if let Err(error) = std::io::stdout().write_all(escaped_lines(&report.listing).as_bytes()) {
        eprintln!("fastp: cannot write to standard output: {error}");
        return ExitCode::FAILURE;
    }
    if report.is_bad() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Returns the primary file of a base: what the caller says, what the spool has on record, or the usual one.
fn primary_of(base: &Base) -> PathBuf {
    if let Some(path) = std::env::var_os("FASTCNFG").filter(|path| !path.is_empty()) {
        return base.root().join(path);
    }
    let recorded = supervise::open_at(base, Purpose::Look).and_then(|mut spool| spool.about());
    recorded.map_or_else(|_| base.usual_fastcnfg(), |about| about.fastcnfg.0)
}

/// Returns the name of the base's server, as far as its print-file directory shows it. Why not ask the spool? A check
/// must work while nobody can open it.
fn server_of(base: &Base) -> String {
    let entries = std::fs::read_dir(base.root()).into_iter().flatten().flatten();
    let mut servers = entries.filter(|entry| entry.path().join(".spool-id").exists());
    servers.next().map(|entry| entry.file_name().to_string_lossy().into_owned()).unwrap_or_default()
}

/// Returns the definition of the command line, for manual pages and completions.
pub fn definition() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
