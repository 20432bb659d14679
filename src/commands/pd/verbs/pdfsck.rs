//! `pdfsck`: looks at the whole spool on disk, and mends what can be mended.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::findings;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::help;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::commands::why::utc;
use crate::model::{Call, Failure};
use crate::spool::disk::fsck::{Wanted, check};
use crate::supervise::usual_base;
use crate::sys::{clock, users};

const PROGRAM: &str = "pdfsck";

/// Check the spool on disk: database, print files, links, locks, and what belongs to nobody.
///
/// Without options it erases and moves nothing, and may run while the spool prints. Each line names what is wrong, and the
/// next one what helps.
///
/// With --repair it mends what it can. It never deletes what it cannot explain: an unknown file goes to corrupt/ unless the
/// database is surely as new as the file; of a damaged database it saves what can be read, holds the jobs and names every
/// loss, and keeps the damaged one in replaced-TIME/.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100)]
pub struct Arguments {
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Take a restored spool for what it is: what no job knows may be erased again
    #[arg(long)]
    accept: bool,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_pdfsck,
    names: Names::SETS_NONE,
    settings: &[],
    act: look,
};

/// Runs `pdfsck` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn look(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let matches = &line.matches;
    let wanted = Wanted { repair: matches.get_flag("repair"), accept: matches.get_flag("accept") };
    let base = usual_base(None, shell.env, &shell.cwd)?;
    let report = check(&base, wanted, &Call::of(&users::caller_without_groups(), &clock::now()))?;
    if matches.get_flag("json") {
        let mut json = serde_json::to_value(&report).map_err(Failure::internal)?;
        json["restored-since"] = report.restored_ms.map_or(serde_json::Value::Null, utc);
        writeln!(shell.out, "{}", crate::model::printable::json(&format!("{json:#}")))?;
    } else {
        findings::show(&report, shell.out)?;
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
}
