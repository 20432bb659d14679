//! `pdpam`: asks PAM one question, and ends with the answer as its status.
//!
//! Modules of PAM load what they like, and some of them hang. So the server asks in no process of its own: it starts this program for
//! each question, with the name, the address and the password on a pipe, and ends it when its time is over. What it says on standard
//! error is for the log of the server; the one who logs on is told the same whatever is wrong.

mod pam;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueHint};
use spoolsuite::model::printable::{escaped, escaped_lines};
use spoolsuite::sys::process;

use pam::Outcome;

/// How long a refusal takes at least: whatever a module does for a name that it does not know, nobody sees it by the time.
const REFUSAL: Duration = Duration::from_secs(2);
/// How long a question takes at most, whoever has forgotten us.
const LONGEST: u32 = 120;
/// Octets of a question.
const MOST: u64 = 4096;
/// Where services are described, the first one that has it counts.
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

const AFTER_HELP: &str = "\
pdserver starts it for stations with bank=pam and for doors with --pam true; nobody else does. Standard input is the name, the address and the \
password, with a NUL after each of the first two. It asks authentication and then the account: one that has expired or is \
locked is refused. A refusal takes two seconds or longer. A name that is empty is refused without a question.

Files:
  /etc/pam.d/spoolsuite  The service, where PD_PAM_SERVICE of pdserver names no other one

Exit status:
  0  The password is right and the account may be used; its name is on standard output
  1  No
  2  The command line or the question is wrong
  3  PAM cannot say: there is no such service, or a module is missing or does not get its answer
";

/// Asks PAM whether a name and a password are right.
#[derive(Debug, Parser)]
#[command(name = "pdpam", version, after_long_help = AFTER_HELP, after_help = "--help tells more.")]
pub struct Arguments {
    /// The directory of the service's file instead of /etc/pam.d
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// The service
    #[arg(value_name = "SERVICE")]
    service: String,
}

/// What is asked.
struct Question {
    user: String,
    address: String,
    password: Vec<u8>,
}

impl Question {
    /// Reads it.
    fn read() -> Option<Self> {
        let mut octets = Vec::new();
        std::io::stdin().lock().take(MOST).read_to_end(&mut octets).ok()?;
        let mut parts = octets.splitn(3, |octet| *octet == 0);
        let text = |part: Option<&[u8]>| part.and_then(|part| String::from_utf8(part.to_vec()).ok());
        let (user, address) = (text(parts.next())?, text(parts.next())?);
        Some(Self { user, address, password: parts.next()?.to_vec() })
    }
}

/// Whether a service is described there. PAM would take `other` in the place of one that is not, and refuse everybody without a word.
fn is_described(service: &str, directory: Option<&Path>) -> bool {
    let is_name = !service.is_empty() && !service.contains('/') && !service.starts_with('.');
    let found = |dir: &Path| std::fs::metadata(dir.join(service)).is_ok_and(|meta| meta.is_file());
    is_name
        && match directory {
            Some(directory) => found(directory),
            None => DIRECTORIES.iter().any(|dir| found(Path::new(dir))),
        }
}

fn fail(status: u8, why: &str) -> ExitCode {
    eprintln!("pdpam: {}", escaped(why));
    ExitCode::from(status)
}

fn main() -> ExitCode {
    let began = Instant::now();
    // A password lies in its memory.
    if let Err(error) = process::forbid_dumps() {
        return fail(3, &format!("a core file is not prevented: {error}"));
    }
    let _ = nix::unistd::alarm::set(LONGEST);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    };
    let Some(question) = Question::read() else { return fail(2, "standard input is no question; pdserver asks") };
    let directory = arguments.directory.as_deref();
    if !is_described(&arguments.service, directory) {
        let place = directory.map_or(DIRECTORIES.join(" and "), |dir| dir.display().to_string());
        return fail(3, &format!("there is no service {} in {place}", arguments.service));
    }
    let outcome = match question.user.is_empty() {
        true => Outcome::No("nobody was asked for".to_owned()),
        false => pam::ask(&arguments.service, directory, &question.user, &question.address, &question.password),
    };
    match outcome {
        Outcome::Yes(name) => match std::io::stdout().write_all(name.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(3, &format!("the answer cannot be written: {error}")),
        },
        Outcome::No(why) => {
            std::thread::sleep(REFUSAL.saturating_sub(began.elapsed()));
            fail(1, &why)
        }
        Outcome::Unknown(why) => fail(3, &why),
    }
}

/// Its manual page and completions have this name.
#[cfg(test)]
const PROGRAM: &str = "pdpam";

#[cfg(test)]
#[path = "../../generated_tests.rs"]
mod tests;
