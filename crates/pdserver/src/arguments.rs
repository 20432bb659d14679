//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueHint};

const AFTER_HELP: &str = "\
Users reach the server with the usual commands: they find it at /run/pd/socket, or where PD_SOCKET=/PATH says. Users see and \
alter their own jobs. Anybody may look at devices, locations and how many jobs wait, and start a device that an error has \
stopped. Operators are the members of the Unix group that --operators names, root, and the account of the server itself. A \
group that does not exist makes nobody an operator.

The server runs in the foreground until SIGTERM or SIGINT. It answers what it has read and ends; print processes go on, and \
the next server finds them. Under systemd it says when it is ready, answers the watchdog, and takes a socket that is open \
already.

Environment:
  NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_PID, LISTEN_FDS  Set by systemd

Files:
  /var/pd  The base directory
  /run/pd/socket  Where users find the server

Exit status:
  0  The server was told to end
  2  The command line is wrong
  3  The spool cannot be opened, another server has it, or the socket cannot be opened
";

/// Has a spool and serves it to the users of this machine.
#[derive(Debug, Parser)]
#[command(name = "pdserver", version, after_long_help = AFTER_HELP, after_help = "--help tells who may do what, and more.")]
pub struct Arguments {
    /// The base directory; it belongs to the account of the server
    #[arg(long, value_name = "DIR", default_value = "/var/pd", value_hint = ValueHint::DirPath)]
    pub base: PathBuf,
    /// The name of the server, if the spool is made now; otherwise the host's name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where users connect
    #[arg(long, value_name = "PATH", default_value = "/run/pd/socket", value_hint = ValueHint::FilePath)]
    pub socket: PathBuf,
    /// The Unix group whose members are operators
    #[arg(long, value_name = "GROUP", default_value = "pdoper")]
    pub operators: String,
}
