//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

const AFTER_HELP: &str = "\
Users reach the server with the usual commands: they find it at /run/pd/socket, or where PD_SOCKET=/PATH says. Users see and \
alter their own jobs. Anybody may look at devices, locations and how many jobs wait, and start a device that an error has \
stopped. Operators are the members of the Unix group that --operators names, root, and the account of the server itself. A \
group that does not exist makes nobody an operator.

With --listen other machines reach it over TLS, both sides with certificates: persons with -H HOST:PORT, and the other servers \
of its group. pdserver invite makes a group with this server as the first, and prints a token, which is good for a day and for \
one use. Whoever has it joins: a server with pdserver join, a person with pdserver join --client. A person has the rights of the \
user of this machine who has his name. What pdserver revoke ends, ends at once. Certificates are good for a year; servers renew \
theirs by themselves, and one that ends within 30 days is announced.

The server runs in the foreground until SIGTERM or SIGINT. It answers what it has read and ends; print processes go on, and \
the next server finds them. Under systemd it says when it is ready, answers the watchdog, and takes a socket that is open \
already.

Environment:
  NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_PID, LISTEN_FDS  Set by systemd

Files:
  /var/pd  The base directory
  /run/pd/socket  Where users find the server
  SERVER/tls  Below the base: certificates, keys and the list of members. Backups do not contain it
  ~/.config/pd  Certificates of a person

Exit status:
  0  The server was told to end
  2  The command line is wrong
  3  The spool cannot be opened, another server has it, or the socket cannot be opened
";

/// Has a spool and serves it to the users of this machine.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
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
    /// Where other machines connect; without it none does
    #[arg(long, value_name = "ADDR:PORT", value_hint = ValueHint::Hostname)]
    pub listen: Option<String>,
    /// Octets a second at which each print file of another server is fetched at most, as 500K or 10M
    #[arg(long, value_name = "OCTETS")]
    pub fetch_rate: Option<String>,
    /// The Unix group whose members are operators
    #[arg(long, value_name = "GROUP", default_value = "pdoper")]
    pub operators: String,
    /// What is done instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which spool.
#[derive(Debug, Args)]
pub struct OfBase {
    /// The base directory of the server
    #[arg(long, value_name = "DIR", default_value = "/var/pd", value_hint = ValueHint::DirPath)]
    pub base: PathBuf,
}

/// Whose certificate.
#[derive(Debug, Args)]
pub struct Whose {
    /// The base directory of the server
    #[arg(long, value_name = "DIR", default_value = "/var/pd", value_hint = ValueHint::DirPath, conflicts_with = "client")]
    pub base: PathBuf,
    /// That of a person, in the home directory or where PD_CREDENTIALS says
    #[arg(long)]
    pub client: bool,
}

/// What is done about the group of a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints a token with which a server, or with --client a person, joins the group; makes the group if there is none
    Invite {
        #[command(flatten)]
        of: OfBase,
        /// The name of the server, or the login name of the person
        name: String,
        /// Whether a person is invited
        #[arg(long)]
        client: bool,
    },
    /// Joins a group with a token
    Join {
        #[command(flatten)]
        whose: Whose,
        /// The name of this server, if its spool is made now; it must be that of the token
        #[arg(long, value_name = "NAME", conflicts_with = "client")]
        name: Option<String>,
        /// What pdserver invite has printed
        token: String,
        /// Where the first server of the group listens
        #[arg(value_name = "ADDR:PORT")]
        address: String,
    },
    /// Lists the members of the group
    Members {
        #[command(flatten)]
        of: OfBase,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ends a membership at once
    Revoke {
        #[command(flatten)]
        of: OfBase,
        /// The name of the member
        name: String,
    },
    /// Makes a new certificate with a new key
    Renew {
        #[command(flatten)]
        whose: Whose,
    },
    /// Ends our own membership
    Leave {
        #[command(flatten)]
        whose: Whose,
    },
}
