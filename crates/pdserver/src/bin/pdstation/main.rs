//! `pdstation`: the page of a station, for a browser beside the printer. It parses what browsers send, and has no rights but its
//! sockets.
//!
//! States: sockets open → the server serves them → sandbox → pages. It opens the address and asks the server, as whoever started it,
//! to serve the station; then it gives up everything but these sockets (`sandbox`), and reads the first octet of a stranger. It ends
//! when the server is gone; a service manager starts it again. A crash ends all log ons, and nothing else.

mod attempts;
mod guard;
mod link;
mod page;
#[path = "../pddoor/sandbox.rs"]
mod sandbox;
mod web;
mod words;

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueHint};
use spoolsuite::client::Remote;
use spoolsuite::commands::shell::Exit;
use spoolsuite::model::door::{Network, listening_address};
use spoolsuite::model::printable::{escaped, escaped_lines};
use spoolsuite::model::{Failure, FailureKind, ObjectName};
use spoolsuite::spool::interface::operations::{Carrier, Reply, Request};
use spoolsuite::sys::service::Manager;
use spoolsuite::sys::{process, socket};

use guard::{Guard, OwnOrigin};
use link::Link;
use page::Pages;

const AFTER_HELP: &str = "\
People log on with their name and a PIN (pdset -c user --pin NAME), or with a card (pdset -c user --card NAME), see their jobs that wait, \
and release or delete them. The station says what it takes: pdset -c station -x \"bank=pin card\" NAME; card-and-pin wants both, pam \
the password of an account, and program asks bank-program. After log-off-after seconds without a touch the page logs off. Outside of access-times \
it lets nobody in.

The page is for a browser beside the printer. It is not encrypted: on another machine's browser it belongs behind a proxy that speaks \
TLS, which --origin names. Plain HTTP is for a host where nobody else serves pages. Without --allow this machine alone reaches it; with \
it this machine does, too. Ten wrong names or PINs within a minute close it for their address; whoever comes by a name of --origin counts \
as coming from afar, wherever the proxy is.

It is started by an operator, on the machine of pdserver, and tells the server nothing but what the page needs: after it has begun it \
can open no connection and no program and, where the kernel has Landlock, no file. Where the kernel cannot take the former away, it does \
not begin.

Environment:
  PD_SOCKET  The socket of the server

Files:
  /run/pd/socket  The same where nothing else is said

Exit status:
  0  The server is gone, or it was told to end
  2  The command line is wrong
  3  It may not begin, or the kernel cannot take its rights away
  4  The server does not answer, or the address is not free: later it may begin
";

/// Serves the page of a release station, where people log on and release their jobs.
#[derive(Debug, Parser)]
#[command(name = "pdstation", version, after_long_help = AFTER_HELP, after_help = "--help tells more.")]
pub struct Arguments {
    /// The station
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where browsers connect; a port alone is one of this machine
    #[arg(long, value_name = "ADDR:PORT")]
    http: String,
    /// The socket of the server [default: PD_SOCKET, or /run/pd/socket]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    socket: Option<PathBuf>,
    /// Who may connect besides this machine, as 10.1.0.0/16; without it this machine alone
    #[arg(long, value_name = "NETWORK")]
    allow: Vec<String>,
    /// A further name under which browsers reach the page, with https:// or http:// before it
    #[arg(long, value_name = "URL")]
    origin: Vec<String>,
}

fn main() -> ExitCode {
    // PINs pass through here: they come into no core file, and no process of the same account reads them.
    if let Err(error) = process::forbid_dumps() {
        eprintln!("pdstation: a core file is not prevented: {error}");
        return ExitCode::from(3);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprint!("{}", escaped_lines(&error.render().to_string()));
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pdstation: {}", escaped(&failure.message));
            for hint in &failure.hints {
                eprintln!("  hint: {}", escaped(hint));
            }
            match (Exit::of(&failure), failure.kind) {
                (Exit::Usage, _) => ExitCode::from(2),
                (_, FailureKind::Unreachable) => ExitCode::from(4),
                _ => ExitCode::from(3),
            }
        }
    }
}

fn io_failure(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unreachable, format!("{what}: {error}"))
}

/// Has the server serve the station over a socket, which is returned.
fn open_station(arguments: &Arguments, station: &ObjectName) -> Result<UnixStream, Failure> {
    let of_environment = std::env::var_os("PD_SOCKET").map(PathBuf::from).filter(|path| path.is_absolute());
    let path = arguments.socket.clone().or(of_environment).unwrap_or_else(|| PathBuf::from("/run/pd/socket"));
    let place = path.display();
    let stream = socket::connect(&path).map_err(|error| {
        io_failure(&format!("no server at {place}"), &error)
            .hint("systemctl start pdserver   starts it")
            .hint("--socket PATH   says where it listens")
    })?;
    let (near, far) = UnixStream::pair().map_err(|error| io_failure("no sockets", &error))?;
    let request = Request::ServeStation { station: station.clone() };
    match Remote::new(stream).carry(request, vec![OwnedFd::from(far)])? {
        Reply::ServeStation(()) => Ok(near),
        Reply::Failed(failure) => Err(failure),
        _ => Err(Failure::internal("the reply belongs to another request")),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let station: ObjectName = arguments.name.parse().map_err(Failure::from)?;
    let address = listening_address(&arguments.http)?;
    let allow = arguments.allow.iter().map(|text| text.parse()).collect::<Result<Vec<Network>, Failure>>()?;
    let origins = arguments.origin.iter().map(|text| text.parse()).collect::<Result<Vec<OwnOrigin>, Failure>>()?;
    if allow.is_empty() && !address.ip().to_canonical().is_loopback() {
        return Err(Failure::new(FailureKind::BadValue, format!("{address}: who may connect there?"))
            .hint("--allow 10.1.0.0/16 names a network; --allow 0.0.0.0/0 is everybody"));
    }
    let listener = TcpListener::bind(address).map_err(|error| io_failure(&format!("no page at {address}"), &error))?;
    let place = listener.local_addr().map_err(|error| io_failure("no address", &error))?;
    let control = open_station(arguments, &station)?;
    let watched = control.try_clone().map_err(|error| io_failure("no sockets", &error))?;
    let guard = Guard::new(origins, allow)?;
    let pages = Arc::new(Pages::new(guard, Arc::new(Link::new(control)), station.to_string()));
    let manager = Manager::of(&|name| std::env::var_os(name));
    let unheard = |error| io_failure("the service manager does not answer", &error);
    // The last that needs a file or a new socket.
    let manager = manager.connect().map_err(unheard)?;
    let missing = sandbox::enter(None);
    // Without it, whoever takes over this process has the rights of an operator.
    if let Some(why) = missing.calls {
        return Err(Failure::new(FailureKind::Unsupported, format!("the page of {station} is not served: {why}"))
            .hint(
                "a kernel with seccomp filters is needed (CONFIG_SECCOMP_FILTER), and nothing that keeps them away",
            ));
    }
    if let Some(why) = missing.files {
        eprintln!("pdstation: {station}: {}", escaped(&why));
    }
    manager.tell("READY=1").map_err(unheard)?;
    eprintln!("pdstation: station {station} has its page at http://{place}/");
    let name = station.to_string();
    std::thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            // The server never writes there: it is readable when the server is gone.
            while !socket::is_readable_within(&watched, Duration::from_secs(3600)) {}
            eprintln!("pdstation: station {name}: the server is gone");
            std::process::exit(0);
        })
        .map_err(|error| io_failure("no thread", &error))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(link::MOST * 2).build();
    let runtime = runtime.map_err(|error| io_failure("no runtime", &error))?;
    runtime.block_on(web::serve(listener, pages)).map_err(|error| io_failure("no page", &error))
}

/// Its manual page and completions have this name.
#[cfg(test)]
const PROGRAM: &str = "pdstation";

#[cfg(test)]
#[path = "../../generated_tests.rs"]
mod tests;
