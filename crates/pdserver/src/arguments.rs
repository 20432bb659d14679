//! The command line.

use std::path::PathBuf;

use crate::log::Form;
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

With pdserver door add other systems hand in jobs: by LPD, by IPP, by a raw port, by a directory. None is open by default, and one that
the network reaches says with --allow who may come. A process of its own, pddoor, serves each.

The server runs in the foreground until SIGTERM or SIGINT. It answers what it has read and ends; print processes go on, and \
the next server finds them. Under systemd it says when it is ready, answers the watchdog, and takes a socket that is open \
already; sockets of systemd that have the name of a door are where that door listens.

Environment:
  JOURNAL_STREAM  Set by systemd where standard error is the journal
  NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES  Set by systemd
  PD_PAM_SERVICE  The service of PAM for stations and doors, or the path of its file; otherwise spoolsuite
  PD_PAM_SECONDS  How long PAM may take to answer, 1 to 60; otherwise 15

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
    /// The form of the log; without it journal where standard error is that of systemd, and text elsewhere
    #[arg(long, value_name = "FORM")]
    pub log: Option<Form>,
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
    /// Makes, shows, drains, starts and deletes doors, where other systems hand in jobs
    Door {
        /// What is done
        #[command(subcommand)]
        command: DoorCommand,
    },
}

/// Which spool has the doors.
#[derive(Debug, Args)]
pub struct OfDoors {
    /// The base directory of the server
    #[arg(long, value_name = "DIR", default_value = "/var/pd", value_hint = ValueHint::DirPath)]
    pub base: PathBuf,
    /// The socket of the server, for operators who do not have its account
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "base")]
    pub socket: Option<PathBuf>,
}

/// What is done about doors.
#[derive(Debug, Subcommand)]
pub enum DoorCommand {
    /// Makes a door; it is open as soon as pdserver runs
    Add {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
        /// lpd, ipp, raw or dir
        kind: String,
        #[command(flatten)]
        settings: Box<DoorOptions>,
    },
    /// Changes what is given; what is not given stays
    Set {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Box<DoorOptions>,
    },
    /// Lists the doors
    List {
        #[command(flatten)]
        of: OfDoors,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows what a door is, and what came by it
    Show {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
    },
    /// Has a door take no new jobs; what has begun to arrive arrives
    Drain {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
    },
    /// Has a door take jobs again
    Start {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
    },
    /// Deletes a door that is drained
    Delete {
        #[command(flatten)]
        of: OfDoors,
        /// Its name
        name: String,
    },
}

/// What a door has.
#[derive(Debug, Default, Args)]
pub struct DoorOptions {
    /// Where it listens; a port alone is one of this machine, and unix:/PATH a socket (ipp)
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<String>,
    /// dir: the directory that it watches
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Where its jobs go: a destination; for lpd and ipp several, and other names for them
    #[arg(long, value_name = "[NAME=]DEST")]
    pub to: Vec<String>,
    /// Who may connect; without it this machine alone
    #[arg(long, value_name = "NETWORK")]
    pub allow: Vec<String>,
    /// From where the name of a user is believed: his jobs are those of the user here
    #[arg(long, value_name = "NETWORK")]
    pub trust_users: Vec<String>,
    /// The largest job, as 500M
    #[arg(long, value_name = "OCTETS")]
    pub max_octets: Option<String>,
    /// Connections at a time [default: 1000]
    #[arg(long, value_name = "N")]
    pub max_connections: Option<u32>,
    /// Connections of one address at a time [default: 100]
    #[arg(long, value_name = "N")]
    pub max_per_peer: Option<u32>,
    /// Connections of one address in a minute [default: any]
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
    /// Seconds that a sender may be silent [default: 60]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// What becomes of a possible duplicate: announce or hold
    #[arg(long, value_name = "WORD")]
    pub duplicates: Option<String>,
    /// lpd: whether a sender gets a banner if he wants one
    #[arg(long, value_name = "TRUE|FALSE")]
    pub banner: Option<bool>,
    /// lpd: whether senders need a port below 1024
    #[arg(long, value_name = "TRUE|FALSE")]
    pub require_reserved: Option<bool>,
    /// raw: seconds of silence that end a job; 0 = none do [default: 60]
    #[arg(long, value_name = "SECONDS")]
    pub idle: Option<u32>,
    /// raw: octets that end a job, as ^XZ or \\x04
    #[arg(long, value_name = "OCTETS")]
    pub end_mark: Vec<String>,
    /// raw: whether the first questions of drivers are answered
    #[arg(long, value_name = "TRUE|FALSE")]
    pub back_channel: Option<bool>,
    /// dir: seconds that a closed file must be left alone [default: 2]
    #[arg(long, value_name = "SECONDS")]
    pub settle: Option<u32>,
    /// dir: seconds between two looks [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub poll: Option<u32>,
    /// dir: NAME is complete when NAMEMARKER is there, as .ok
    #[arg(long, value_name = "MARKER")]
    pub marker: Option<String>,
    /// dir: whether files are used where they are, and left there
    #[arg(long, value_name = "TRUE|FALSE")]
    pub link: Option<bool>,
    /// ipp: whether it speaks TLS too, with a certificate of its own making
    #[arg(long, value_name = "TRUE|FALSE")]
    pub tls: Option<bool>,
    /// ipp: the file of a certificate with which it speaks TLS, and those of its issuers, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_cert: Option<PathBuf>,
    /// ipp: the file of the key of that certificate, which the account of the server can read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_key: Option<PathBuf>,
    /// Whether its destinations are announced on the local network (DNS-SD), by Avahi
    #[arg(long, value_name = "TRUE|FALSE")]
    pub dns_sd: Option<bool>,
    /// ipp: whether people log on over TLS with the password of an account, as PAM knows it
    #[arg(long, value_name = "TRUE|FALSE")]
    pub pam: Option<bool>,
    /// ipp: the file of the authorities whose certificates let people log on, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub client_ca: Option<PathBuf>,
    /// ipp: the file of the lists of revoked certificates, one of each authority, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub client_crl: Option<PathBuf>,
    /// ipp: what of a certificate names the user: cn, email or dns [default: cn]
    #[arg(long, value_name = "WORD")]
    pub client_name: Option<String>,
    /// ipp: whether people have to log on, where they can: required or optional [default: required]
    #[arg(long, value_name = "WORD")]
    pub log_on: Option<String>,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub descriptor: Option<String>,
}
