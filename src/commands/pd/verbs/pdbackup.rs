//! `pdbackup`: makes a backup of the spool while it prints, and puts one in the place of a spool.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueHint};

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::help;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop};
use crate::spool::disk::backup::{Done, backup, restore};
use crate::spool::disk::base::{Access, open};
use crate::spool::disk::document_key::Unreadable;
use crate::supervise::usual_base;
use crate::sys::clock;

const PROGRAM: &str = "pdbackup";

/// Make a backup of the spool while it prints, or restore one.
///
/// The backup is a directory of its own: the database as it was at one moment, the print files and links of every job that
/// it knows, and what was put aside. Its keys (of cards, and of print files that are encrypted) are in it with --keys alone. It is
/// complete when backup.json is in it.
///
/// With --restore the backup takes the place of the spool. Nobody may use the spool meanwhile. Every job of the backup is
/// held, because it may have been printed since: START prints it as a possible duplicate. Print files that the backup does
/// not know are put into corrupt/, new jobs are taken and print, and nothing is erased until pdfsck --accept. The database
/// that was there is kept in replaced-TIME/.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100)]
pub struct Arguments {
    /// Put the backup in the place of the spool
    #[arg(long)]
    restore: bool,
    /// Keep the keys too, without which cards of users are void and encrypted print files cannot be read; keep such a backup as safe as the spool
    #[arg(long, conflicts_with = "restore")]
    keys: bool,
    /// Show what was done as JSON
    #[arg(long)]
    json: bool,
    /// The directory of the backup; to make one, it must be new or empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: help::of_disk,
    names: Names::SETS_NONE,
    settings: &[],
    act: keep,
};

/// Runs `pdbackup` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn keep(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let matches = &line.matches;
    let restores = matches.get_flag("restore");
    let directory = matches.get_one::<PathBuf>("directory").cloned().unwrap_or_default();
    if directory.as_os_str().is_empty() {
        return Err(Stop::usage("the directory has no name"));
    }
    let directory = shell.cwd.join(directory);
    let base = usual_base(None, shell.env, &shell.cwd)?;
    let now = clock::now();
    let done = if restores {
        restore(&base, &directory, &now)?
    } else {
        backup(&open(&base, Access::Existing { now: now.clone() })?, &directory, matches.get_flag("keys"), &now)?
    };
    for loss in &done.losses {
        let _ = writeln!(shell.err, "{PROGRAM}: {}", escaped(loss));
    }
    for key in &done.left_out {
        let _ = writeln!(shell.err, "{PROGRAM}: {key} is not in the backup: --keys keeps it, too");
    }
    if done.without_key > 0 {
        let cure = Unreadable::CURE;
        let which = match done.without_key {
            1 => "1 document is encrypted, and the key that opens it".to_owned(),
            number => format!("{number} documents are encrypted, and the key that opens them"),
        };
        let _ = writeln!(shell.err, "{PROGRAM}: {which} is not here: {cure}");
    }
    if matches.get_flag("json") {
        let json = serde_json::to_string_pretty(&done).map_err(crate::model::Failure::internal)?;
        writeln!(shell.out, "{}", crate::model::printable::json(&json))?;
    } else if restores {
        summary(&done, shell)?;
    }
    Ok(if done.losses.is_empty() && done.without_key == 0 { Exit::Done } else { Exit::Failed })
}

/// Says what must be known after a spool was restored.
fn summary(done: &Done, shell: &mut Shell<'_>) -> Result<(), Stop> {
    writeln!(shell.out, "{} jobs are restored, and held: they may have been printed since the backup", done.jobs)?;
    writeln!(shell.out, "  spoolcom JOB n, START   prints one as a possible duplicate")?;
    if done.aside > 0 {
        writeln!(shell.out, "{} print files that the backup does not know are in corrupt/", done.aside)?;
    }
    writeln!(shell.out, "  pdfsck --accept         when you have looked: until then nothing is erased")?;
    Ok(())
}
