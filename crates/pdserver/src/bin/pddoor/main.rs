//! `pddoor`: the process of one door. It parses what strangers send, and has no rights but a socket to the server.
//!
//! The server starts it with that socket as standard input. Over it come the settings of the door and the sockets at which it
//! listens; back go descriptors of channels, over which it asks (`link`). Before the first octet of a stranger is read it
//! gives up all files (`sandbox`). When the socket is closed, the server is gone: it says no to whoever waits, and ends. SIGTERM
//! ends it in good order: it takes nothing new and finishes what it has begun.

mod connection;
mod directory;
mod gate;
mod http;
mod ipp;
mod ipp_answers;
mod ipp_driverless;
mod ipp_target;
mod link;
mod lpd;
mod paper;
mod raw;
mod sandbox;
mod secure;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use spoolsuite::client::channel;
use spoolsuite::commands::WhyWords;
use spoolsuite::model::door::{DoorKind, DoorStart};
use spoolsuite::model::printable::{escaped, escaped_lines};
use spoolsuite::sys::process;
use spoolsuite::sys::socket::Deadline;
use spoolsuite::wire::frame::Kind;

use gate::{Gate, Listener, Session};
use link::Link;

const AFTER_HELP: &str = "\
pdserver starts it for each door that pdserver door add has made; nobody else does. Standard input is the socket of the server.

Exit status:
  0  The server has told it to end, or is gone
  2  Standard input is no socket, or the command line is wrong
  3  It cannot begin
";

/// How long whoever waits may take to be told that the server is gone.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a server may take to say what the door is.
const BEGIN: Duration = Duration::from_secs(30);

/// The process of a door: takes jobs in the language of other systems and hands them to pdserver.
#[derive(Debug, Parser)]
#[command(name = "pddoor", version, after_long_help = AFTER_HELP, after_help = "--help tells more.")]
pub struct Arguments {}

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(_) => {}
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    }
    // Passwords of people and secrets of connections pass through.
    if let Err(error) = process::forbid_dumps() {
        eprintln!("pddoor: {error}");
        return ExitCode::from(3);
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let control = match stdin.map(UnixStream::from) {
        Ok(control) if control.peer_addr().is_ok() => control,
        _ => {
            eprintln!("pddoor: standard input is no socket; pdserver starts it for each of its doors");
            return ExitCode::from(2);
        }
    };
    match run(control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pddoor: {}", escaped(&why));
            ExitCode::from(3)
        }
    }
}

fn run(control: UnixStream) -> Result<(), String> {
    // Before there are threads: all of them leave the signal to the one that waits below.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block().map_err(|error| error.to_string())?;
    let _ = spoolsuite::sys::limits::raise_open_files();
    let begun =
        channel::receive::<DoorStart>(&control, Kind::Request, Deadline::after(BEGIN), || Deadline::after(BEGIN));
    let Some((start, sockets)) = begun.map_err(|error| error.to_string())? else { return Ok(()) };
    let listeners: Vec<Listener> = sockets.into_iter().map(Listener::from).collect();
    let settings = Arc::new(start.settings);
    // The zone of this machine lies in a file.
    let words = ipp::Words { why: WhyWords::of_this_machine() };
    // What the kernel cannot is missing, and said.
    let directory = settings.directory.as_deref().filter(|_| settings.kind == DoorKind::Directory);
    let missing = sandbox::enter(directory);
    for why in missing.files.iter().chain(&missing.calls) {
        eprintln!("pddoor: {}: {}", settings.name, escaped(why));
    }
    let watched = control.try_clone().map_err(|error| error.to_string())?;
    let link = Arc::new(Link::new(control));
    let tls = start.tls.as_ref().map(|tls| secure::offer(tls, &settings.log_on, &link)).transpose()?;
    let gate = Gate::new(Arc::clone(&settings), Arc::clone(&link), tls).map_err(|error| error.to_string())?;
    let server = start.server;
    let serve: Arc<Session> = match settings.kind {
        DoorKind::Lpd => Arc::new(lpd::serve),
        DoorKind::Ipp => Arc::new(move |context, connection| ipp::serve(context, connection, &words)),
        DoorKind::Raw => Arc::new(move |context, connection| raw::serve(context, connection, &server)),
        DoorKind::Directory => Arc::new(|_, _| ()),
    };
    let mut threads = Vec::new();
    for listener in listeners {
        threads.push(Arc::clone(&gate).accept(listener, Arc::clone(&serve)).map_err(|error| error.to_string())?);
    }
    if settings.kind == DoorKind::Directory {
        threads.push(directory::watch(Arc::clone(&gate)).map_err(|error| error.to_string())?);
    }
    // The server never writes there: it is readable when the server is gone.
    let lost = Arc::clone(&gate);
    std::thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            while !spoolsuite::sys::socket::is_readable_within(&watched, Duration::from_secs(3600)) {}
            lost.close();
            lost.wait_until_empty(Instant::now() + FAREWELL);
            std::process::exit(0);
        })
        .map_err(|error| error.to_string())?;
    let _ = signals.wait();
    gate.close();
    for thread in threads {
        let _ = thread.join();
    }
    gate.wait_until_empty(Instant::now() + Duration::from_secs(29));
    Ok(())
}

/// Its manual page and completions have this name.
#[cfg(test)]
const PROGRAM: &str = "pddoor";

#[cfg(test)]
#[path = "../../generated_tests.rs"]
mod tests;
