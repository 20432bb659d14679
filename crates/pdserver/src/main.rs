//! `pdserver`: has a spool and serves it to the users of a machine.

mod arguments;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use spoolsuite::model::printable::{escaped, escaped_lines};
use spoolsuite::model::{Failure, ServerName};
use spoolsuite::server::served::{Hooks, Options, Server};
use spoolsuite::spool::Base;
use spoolsuite::sys::service::{self, Manager};

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and the version are no faults: they go where scripts expect them.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pdserver: {}", escaped(&format!("{error:#}")));
            let hints = error.downcast_ref::<Failure>().into_iter().flat_map(|failure| &failure.hints);
            for hint in hints {
                eprintln!("  hint: {}", escaped(hint));
            }
            ExitCode::from(3)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let env = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let given = service::given_listener(&env).context("the socket that was handed over")?;
    // Before there are threads: all of them leave these signals to the one that waits below.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block().context("signals cannot be blocked")?;
    let cwd = std::env::current_dir().context("there is no current directory")?;
    let options = Options {
        base: Base::new(cwd.join(&arguments.base)),
        name: arguments.name.as_deref().map(str::parse::<ServerName>).transpose().map_err(Failure::from)?,
        socket: cwd.join(&arguments.socket),
        operators: arguments.operators,
    };
    let manager = Arc::new(Manager::of(&env));
    let hooks = Hooks {
        log: Arc::new(|line| eprintln!("pdserver: {}", escaped(line))),
        alive: match service::watchdog(&env) {
            // The one that looks after the print processes says so: a server that hangs there is of no use.
            Some(_) => {
                let manager = Arc::clone(&manager);
                Arc::new(move || drop(manager.tell("WATCHDOG=1")))
            }
            None => Arc::new(|| ()),
        },
    };
    let server = Server::start(&options, given, hooks)?;
    let place = server.place().map_or_else(|| "the socket it was given".to_owned(), |path| path.display().to_string());
    let listens = format!("{} of {} listens at {place}", server.name(), options.base.root().display());
    eprintln!("pdserver: {}", escaped(&listens));
    manager.tell("READY=1").context("the service manager does not answer")?;
    let signal = signals.wait().context("waiting for a signal")?;
    // A manager that is gone need not be told.
    let _ = manager.tell("STOPPING=1");
    eprintln!("pdserver: {signal}: ending");
    drop(server);
    Ok(())
}

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
