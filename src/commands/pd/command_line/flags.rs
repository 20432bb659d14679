//! Flags that several commands have, each defined once. A command takes them in with `#[command(flatten)]`.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};

use super::options;

/// `-H`
#[derive(Args, Debug)]
pub struct ServerFlag {
    /// Server to ask, as host:port; otherwise the usual one
    #[arg(short = 'H', value_name = "HOST:PORT", value_parser = NonEmptyStringValueParser::new())]
    host: Option<String>,
}

/// `-c` of a command whose objects are of several classes.
#[derive(Args, Debug)]
pub struct ObjectClassFlag {
    /// Class of the objects; without -c it is destination
    #[arg(short = 'c', value_name = "CLASS", action = clap::ArgAction::Append)]
    #[arg(value_parser = options::suggest([
        "destination", "queue", "server", "job", "medium", "initial-value-job", "initial-value-document",
        "station", "user",
    ]), hide_possible_values = true)]
    class: Vec<OsString>,
}

/// `-m`
#[derive(Args, Debug)]
pub struct MessageFlag {
    /// Why, in words; kept in the job's history
    #[arg(short = 'm', value_name = "TEXT", action = clap::ArgAction::Append, allow_hyphen_values = true)]
    message: Vec<OsString>,
}

/// `-x` and `-X` of a command that sets no attributes of objects.
#[derive(Args, Debug)]
pub struct CommandAttributes {
    /// Attributes of the command, as "message='wrong paper'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read such attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
}

/// What a command takes that does one thing to each object.
#[derive(Args, Debug)]
pub struct ActingArguments {
    #[command(flatten)]
    server: ServerFlag,
    #[command(flatten)]
    class: ObjectClassFlag,
    #[command(flatten)]
    message: MessageFlag,
    #[command(flatten)]
    attributes: CommandAttributes,
    /// Objects: [server:]name
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<OsString>,
}

/// `-x` and `-X` of a command that alters objects.
#[derive(Args, Debug)]
pub struct ObjectAttributes {
    /// Attributes, as "job-priority=30 job-name='two words'"
    #[arg(short = 'x', value_name = "ATTRIBUTES", action = clap::ArgAction::Append)]
    strings: Vec<OsString>,
    /// Read attributes from a file; PDPATH names the directory of relative names
    #[arg(short = 'X', value_name = "FILE", action = clap::ArgAction::Append, value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,
}

/// The jobs that a command acts on.
#[derive(Args, Debug)]
pub struct JobArguments {
    /// Jobs: local id, ten digits, or server:digits
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<OsString>,
}
