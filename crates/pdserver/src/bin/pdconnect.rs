//! `pdconnect`: connects a command, at the other end of standard input, with a server on the network.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use clap::Parser;
use pdgroup::clock::Clock;
use pdgroup::connect;
use spoolsuite::model::printable::{escaped, escaped_lines};

const AFTER_HELP: &str = "\
The pd commands, spoolcom and their kin start it for -H HOST:PORT, --spooler HOST:PORT and PDHOST; nobody else does. Standard \
input is the socket of the command that started it.

Environment:
  PD_CREDENTIALS  The directory of certificates; otherwise the one below ~/.config/pd that has a server at that address

Files:
  ~/.config/pd  What pdserver join --client has stored

Exit status:
  0  The command has closed its end
  2  Standard input is no socket, or the command line is wrong
  10  There is no server
  11  The server refuses
  12  A certificate is wrong: ours, or that of the server
  13  The server is of another version
  14  No answer in time
  15  The connection was lost
";

/// Connects a command with a server on the network.
#[derive(Debug, Parser)]
#[command(name = "pdconnect", version, after_long_help = AFTER_HELP, after_help = "--help tells more.")]
pub struct Arguments {
    /// Where the server listens
    #[arg(value_name = "HOST:PORT")]
    address: String,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    };
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let command = match stdin.map(UnixStream::from) {
        Ok(command) if command.local_addr().is_ok() => command,
        _ => {
            eprintln!("pdconnect: standard input is no socket; commands start it for -H HOST:PORT");
            return ExitCode::from(2);
        }
    };
    match connect::place_of_person(&|name| std::env::var_os(name), &arguments.address) {
        Ok(place) => ExitCode::from(connect::run(&command, &arguments.address, &place, &Clock::of_machine())),
        Err(failure) => {
            eprintln!("pdconnect: {}", escaped(&failure.message));
            for hint in &failure.hints {
                eprintln!("  hint: {}", escaped(hint));
            }
            connect::refuse(&command, &failure);
            ExitCode::from(12)
        }
    }
}

/// Its manual page and completions have this name.
#[cfg(test)]
const PROGRAM: &str = "pdconnect";

#[cfg(test)]
#[path = "../generated_tests.rs"]
mod tests;
