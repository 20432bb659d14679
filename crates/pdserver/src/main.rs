//! `pdserver`: has a spool and serves it to the users of a machine.

mod announced;
mod announcer;
mod arguments;
mod commands;
mod door_clients;
mod door_commands;
mod door_tls;
mod doors;
mod log;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use pdgroup::clock::Clock;
use pdgroup::feed::{Dialer, Follower};
use pdgroup::listener::{self, LIMITS, Listener};
use pdgroup::local_device;
use pdgroup::place::Place;
use spoolsuite::commands::shell::Exit;
use spoolsuite::model::printable::{escaped, escaped_lines};
use spoolsuite::model::{Failure, FailureKind, ServerName, space};
use spoolsuite::server::served::{Hooks, Log, Options, Server};
use spoolsuite::spool::Base;
use spoolsuite::sys::process;
use spoolsuite::sys::service::{self, Manager};

use arguments::Arguments;

fn main() -> ExitCode {
    // PINs and keys lie in its memory: they come into no core file, and no other process of its account reads them.
    if let Err(error) = process::forbid_dumps() {
        eprintln!("pdserver: a core file is not prevented: {error}");
        return ExitCode::from(3);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and the version are no faults: they go where scripts expect them.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    };
    let done = match &arguments.command {
        None => run(arguments),
        Some(command) => {
            let cwd = std::env::current_dir().context("there is no current directory");
            let env = |name: &str| std::env::var_os(name);
            let done = |cwd: std::path::PathBuf| Ok(commands::run(command, &cwd, &env, &Clock::of_machine())?);
            match cwd.and_then(done) {
                Err(error) => return refused(&error, |failure| Exit::of(failure).into()),
                done => done,
            }
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refused(&error, |_| ExitCode::from(3)),
    }
}

/// Says what went wrong. A failure has its own exit status, anything else 3.
fn refused(error: &anyhow::Error, status: impl Fn(&Failure) -> ExitCode) -> ExitCode {
    eprintln!("pdserver: {}", escaped(&format!("{error:#}")));
    let failure = error.downcast_ref::<Failure>();
    for hint in failure.into_iter().flat_map(|failure| &failure.hints) {
        eprintln!("  hint: {}", escaped(hint));
    }
    failure.map_or(ExitCode::from(3), status)
}

/// What a server has of its group: who listens to the network, and who follows the list.
struct OnNetwork {
    listener: Option<Listener>,
    _follower: Option<Follower>,
}

fn on_network(
    server: &mut Server,
    base: &Base,
    (listen, rate): (Option<&str>, Option<u64>),
    log: &Log,
) -> Result<OnNetwork, Failure> {
    let place = Place::of_server(base, server.name());
    let clock = Clock::of_machine();
    let guests = server.guests();
    // Also one that is no member yet: it may become one while it runs.
    let dialer = Dialer::new(place.clone(), server.name().clone(), clock.clone());
    let peers = server.work_with_others(Arc::new(dialer), rate)?;
    let listener = match listen {
        None => None,
        Some(address) => {
            let own = guests.clone();
            let options = listener::Options {
                place: place.clone(),
                name: server.name().clone(),
                guests,
                peers: Some(Arc::new(peers)),
                local_names: Arc::new(move |name| local_device(own.own().as_mut(), name)),
                clock: clock.clone(),
                log: Arc::clone(log),
                limits: LIMITS,
            };
            Some(Listener::start(address, options)?)
        }
    };
    let follower = match place.is_member() {
        false => None,
        true => {
            let listens = listener.as_ref().map(|listener| listener.address().to_string());
            Some(Follower::start(place, server.name().clone(), listens, clock, Arc::clone(log))?)
        }
    };
    Ok(OnNetwork { listener, _follower: follower })
}

/// Octets a second that are fetched from each other server at most.
fn fetch_rate(text: &str) -> Result<u64, Failure> {
    let bad = || Failure::new(FailureKind::BadValue, format!("--fetch-rate {text}: that is no number of octets"));
    space::octets(text).ok_or_else(|| bad().hint("it is written 500K, 10M or 100000"))
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let env = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let given = service::given_sockets(&env).context("the socket that was handed over")?;
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
    let (log, finished) = log::begin(arguments.log)?;
    let hooks = Hooks {
        log: Arc::clone(&log),
        finished,
        alive: match service::watchdog(&env) {
            // The one that looks after the print processes says so: a server that hangs there is of no use.
            Some(_) => {
                let manager = Arc::clone(&manager);
                Arc::new(move || drop(manager.tell("WATCHDOG=1")))
            }
            None => Arc::new(|| ()),
        },
    };
    let rate = arguments.fetch_rate.as_deref().map(fetch_rate).transpose()?;
    let mut server = Server::start(&options, given.listener, hooks)?;
    let network = on_network(&mut server, &options.base, (arguments.listen.as_deref(), rate), &log)?;
    let place = server.place().map_or_else(|| "the socket it was given".to_owned(), |path| path.display().to_string());
    let listens = format!("{} of {} listens at {place}", server.name(), options.base.root().display());
    log(&listens);
    if let Some(listener) = &network.listener {
        log(&format!("{} listens to the network at {}", server.name(), listener.address()));
    }
    let doors = doors::Keeper::start(server.doors(), Place::of_server(&options.base, server.name()), given.network)
        .context("no thread for the doors")?;
    manager.tell("READY=1").context("the service manager does not answer")?;
    let signal = signals.wait().context("waiting for a signal")?;
    // A manager that is gone need not be told.
    let _ = manager.tell("STOPPING=1");
    log(&format!("{signal}: ending"));
    drop(doors);
    drop(network);
    drop(server);
    Ok(())
}

/// Its manual page and completions have this name.
#[cfg(test)]
const PROGRAM: &str = "pdserver";

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
