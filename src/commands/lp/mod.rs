//! `lp`, `lpr`, `lpq`, `lprm`, `lpstat` and `cancel` for machines without CUPS: what host applications type, with the outputs and
//! statuses that they parse (docs/lp.md).
//!
//! One program, `spoollp`, is all six: by the name under which it is called, else by its first word. A site links these names
//! to it in a directory of its own and puts that first in PATH; nothing is replaced.
//!
//! A queue is a location: `lp -d front` finds what `pdpr -d front` finds. A request id is the queue, `-`, and the job number,
//! so that every language names the same job. The status is 0 or 1. Messages begin as those programs begin theirs.

mod cancel;
mod options;
mod queues;
mod status;
mod submit;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::shell::{Exit, Intent, Shell};
use crate::model::printable::escaped;
use crate::model::{Failure, FailureKind, JobNumber, JobRef};
use crate::spool::interface::operations::Operations;

/// A program, by its name.
type Program = fn(&[OsString], &mut Shell<'_>) -> Result<(), Stop>;

const PROGRAMS: [(&str, Program); 6] = [
    ("lp", submit::lp),
    ("lpr", submit::lpr),
    ("lpq", status::lpq),
    ("lprm", cancel::lprm),
    ("lpstat", status::lpstat),
    ("cancel", cancel::cancel),
];

/// Defines the command line of `spoollp` for its manual page: each of the six reads its own options.
pub fn definition() -> clap::Command {
    clap::Command::new("spoollp")
        .version(env!("CARGO_PKG_VERSION"))
        .about("lp, lpr, lpq, lprm, lpstat and cancel: by the name under which it is called, or by its first word")
        .after_help(
            "A queue is a location. A request id is the queue, -, and the job number.\n\
             Environment: LPDEST, PRINTER, PDPRINTER name the usual queue; without them #DEFAULT of the spool is it.\n\
             Exit status: 0 done, 1 not.\n\
             docs/lp.md lists the options and the answers, and how the six names are opted in.",
        )
        .arg(clap::Arg::new("program").value_name("PROGRAM").value_parser(PROGRAMS.map(|(name, _)| name)))
        .arg(
            clap::Arg::new("words")
                .value_name("WORD")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .help("Options, files, queues and jobs, as that program has them"),
        )
}

/// Why a program ends with 1.
#[derive(Debug)]
enum Stop {
    /// With these words after its name and a colon.
    Says(String),
    /// Everything has been said.
    Said,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Says(words(&failure))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        // A reader that went away has what it wanted.
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::Said } else { Self::Says(error.to_string()) }
    }
}

/// Returns what a failure says, in one line.
fn words(failure: &Failure) -> String {
    let hints: Vec<String> = failure.hints.iter().map(|hint| escaped(hint)).collect();
    let hints = if hints.is_empty() { String::new() } else { format!(" ({})", hints.join("; ")) };
    format!("Error - {}{hints}", escaped(&failure.message))
}

/// The program: it is told by its own name which of them it is.
pub fn main() -> std::process::ExitCode {
    super::shell::with_process(|words, shell| run(&std::env::args_os().next().unwrap_or_default(), words, shell))
}

/// Runs the program that `called` names, or the first of `words`.
pub fn run(called: &OsStr, words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    let of =
        |name: &OsStr| PROGRAMS.iter().find(|(program, _)| Path::new(name).file_name() == Some(OsStr::new(program)));
    let (found, words) = match of(called) {
        Some(found) => (Some(found), words),
        None => match words.split_first() {
            Some((first, rest)) => (of(first), rest),
            None => (None, words),
        },
    };
    let Some((name, program)) = found else {
        let names: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        // A closed standard error must not turn into a failure.
        let _ = writeln!(shell.err, "spoollp: it is called as one of {}; or that is its first word", names.join(" "));
        return Exit::Failed;
    };
    let done = program(words, shell).and_then(|()| Ok(shell.out.flush()?));
    match done {
        Ok(()) => Exit::Done,
        Err(Stop::Said) => Exit::Failed,
        Err(Stop::Says(what)) => {
            let _ = writeln!(shell.err, "{name}: {what}");
            Exit::Failed
        }
    }
}

/// Opens the spool: that of the host which `-h` names, or the usual one.
fn open(shell: &mut Shell<'_>, host: Option<&str>, intent: Intent) -> Result<Box<dyn Operations>, Stop> {
    Ok((shell.open)(host, intent)?)
}

/// Reads `queue-7` or `7`.
fn job_number(text: &str) -> Option<JobNumber> {
    let digits = text.rsplit_once('-').map_or(text, |(_, digits)| digits);
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    digits.parse::<u32>().ok().filter(|_| plain).and_then(|number| JobNumber::try_from(number).ok())
}

/// Says what a spool says of a job that there is not, as those programs say it.
fn about_job(number: JobNumber, failure: &Failure) -> String {
    match failure.kind {
        FailureKind::NotFound => format!("Job #{number} does not exist."),
        _ => escaped(&failure.message),
    }
}

fn reference(number: JobNumber) -> JobRef {
    JobRef::Number(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_ends_in_the_number_of_its_job() {
        let number = |text: &str| job_number(text).map(JobNumber::get);
        assert_eq!(number("7"), Some(7));
        assert_eq!(number("front-12"), Some(12));
        assert_eq!(number("a-b-3"), Some(3));
        for none in ["front", "front-", "-", "", "front-x1", "0815x", "front-+1"] {
            assert_eq!(number(none), None, "{none}");
        }
    }
}
