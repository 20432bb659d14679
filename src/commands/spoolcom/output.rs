//! Where displays go: standard output, a file, or a job that prints them.
//!
//! A display that becomes a job is collected in memory and handed in when it is complete. Its destination is found before
//! anything is shown, so that an unknown one costs nothing. A location that is not declared yet comes into being without a
//! device, as in the NonStop language; a warning says so.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::model::guardian_file;
use crate::model::job::{DocumentOffer, RawPath, Submission, Transfer};
use crate::model::{DestName, DeviceName, Failure, FailureKind, GroupName, LocationName, LocationPattern};
use crate::spool::interface::operations::Operations;
use crate::sys::files;
use crate::sys::umask::append_as_usual;

use super::language::out_name::OutName;

/// The report name of a job that a display becomes.
const REPORT: &str = "SPOOLCOM";
/// The collector of a spool in which none was declared.
const COLLECTOR: &str = "S";

/// An open destination.
#[derive(Debug)]
pub enum Output {
    /// The usual output of the session.
    Standard,
    /// A file.
    File(File),
    /// A job for this destination.
    Job(File, String),
}

impl Output {
    /// Opens `name`. Warnings go to `err`.
    ///
    /// # Errors
    /// Fails when the file cannot be written, or when there is no such destination.
    pub fn open(name: &OutName, spool: &mut dyn Operations, cwd: &Path, err: &mut dyn Write) -> Result<Self, Failure> {
        Ok(match name {
            OutName::File(name) => Self::File(open_out(&cwd.join(name))?),
            OutName::Guardian(name) => Self::File(open_out(&guardian(name, spool, true)?)?),
            OutName::Console => {
                // A closed standard error must not turn into a failure.
                let _ = writeln!(err, "WARNING: $0 IS STANDARD OUTPUT HERE");
                Self::Standard
            }
            OutName::Job { node, name } => {
                if let Some(node) = node {
                    demand_node(node, spool)?;
                }
                let destination = destination(name, spool, err)?;
                let file = files::file_in_memory().map_err(|error| cannot("keep the output", &error))?;
                Self::Job(file, destination)
            }
        })
    }

    /// Returns the stream to write to; `standard` is the usual one.
    pub fn stream<'a>(&'a mut self, standard: &'a mut dyn Write) -> &'a mut dyn Write {
        match self {
            Self::Standard => standard,
            Self::File(file) | Self::Job(file, _) => file,
        }
    }

    /// Ends the output: hands in the job that it becomes. One without a single octet prints nothing.
    ///
    /// # Errors
    /// Fails when the job is refused.
    pub fn end(self, spool: &mut dyn Operations) -> Result<(), Failure> {
        let Self::Job(mut file, destination) = self else { return Ok(()) };
        let length = file.stream_position().map_err(|error| cannot("read the output", &error))?;
        if length == 0 {
            return Ok(());
        }
        file.rewind().map_err(|error| cannot("read the output", &error))?;
        let token = files::random_name(22).map_err(|error| cannot("make a token", &error))?;
        let offer = DocumentOffer {
            file_name: RawPath(PathBuf::from(REPORT)),
            transfer: Transfer::Copy,
            link_target: None,
            copies: 1,
            format: None,
        };
        let submission =
            Submission { token, destination, name: REPORT.into(), documents: vec![offer], ..Submission::default() };
        spool.submit(submission, vec![OwnedFd::from(file)]).map(drop)
    }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Io, format!("cannot {what}: {error}"))
}

/// Refuses a node that is not the one of the spool's own server.
fn demand_node(node: &str, spool: &mut dyn Operations) -> Result<(), Failure> {
    let server = spool.about()?.server;
    if server.as_str().eq_ignore_ascii_case(node) {
        return Ok(());
    }
    Err(Failure::not_found(format!("system \\{}", crate::model::printable::escaped(node)))
        .hint(format!("this is \\{server}")))
}

/// Returns the path of a file of a NonStop system. With `makes` its directory is made.
///
/// # Errors
/// Fails when the name is malformed or names another node, or when the directory cannot be made.
pub fn guardian(name: &str, spool: &mut dyn Operations, makes: bool) -> Result<PathBuf, Failure> {
    let about = spool.about()?;
    let root = about.base.0;
    let path = guardian_file::file(name, &root.join("x"), &root, about.server.as_str()).map_err(|why| {
        Failure::new(FailureKind::BadValue, format!("{}: {why}", crate::model::printable::escaped(name)))
    })?;
    if let Some(dir) = path.parent().filter(|_| makes) {
        std::fs::create_dir_all(dir).map_err(|error| cannot(&format!("make {}", dir.display()), &error))?;
    }
    Ok(path)
}

/// Finds the destination of a job that a display becomes: a device of that name, or a location.
fn destination(name: &str, spool: &mut dyn Operations, err: &mut dyn Write) -> Result<String, Failure> {
    if let Ok(device) = name.parse::<DeviceName>().map(|device| spool.device(device)) {
        match device {
            Ok(found) => return leading_to(&found.name, spool),
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    let whole = || LocationName { group: GroupName::default_group(), dest: DestName::default_dest() };
    let pattern = match name.split_once('#') {
        Some((_, location)) => format!("#{location}").parse::<LocationPattern>()?,
        None if name.trim_start_matches('$').eq_ignore_ascii_case(COLLECTOR) => LocationPattern::One(whole()),
        None => {
            return Err(Failure::not_found(format!("device or collector {}", crate::model::printable::escaped(name)))
                .hint("a location is written $S.#GROUP.DEST; a file whose name begins with $ as ./$NAME"));
        }
    };
    let destination = pattern.to_string();
    let new = match (spool.resolve_destination(destination.clone()), pattern) {
        (Err(failure), LocationPattern::One(name)) if failure.kind == FailureKind::NotFound => name,
        (Err(failure), LocationPattern::Group(group)) if failure.kind == FailureKind::NotFound => {
            LocationName { group, dest: DestName::default_dest() }
        }
        (Err(failure), _) => return Err(failure),
        (Ok(_), _) => return Ok(destination),
    };
    spool.route_location(LocationPattern::One(new.clone()), None)?;
    // A closed standard error must not turn into a failure.
    let _ = writeln!(err, "WARNING: {new} IS NEW AND LEADS TO NO DEVICE: THE OUTPUT WAITS THERE");
    Ok(new.to_string())
}

/// Finds a location that leads to a device: the first by name.
fn leading_to(device: &DeviceName, spool: &mut dyn Operations) -> Result<String, Failure> {
    let mut after = None;
    loop {
        let page = spool.locations(None, after)?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        if let Some(found) = page.iter().find(|location| location.device.as_ref() == Some(device)) {
            return Ok(found.name.to_string());
        }
    }
    let shown = device.guardian();
    Err(Failure::new(FailureKind::State, format!("no location leads to {shown}"))
        .hint(format!("LOC #GROUP.DEST, DEV {shown}   makes one")))
}

/// Opens an OUT file. Makes it if it is missing, and adds to it if it is there.
pub fn open_out(path: &Path) -> Result<File, Failure> {
    append_as_usual(path).map_err(|error| {
        Failure::new(
            FailureKind::Io,
            format!(
                "cannot write OUT file '{}': {error}",
                crate::model::printable::escaped(&path.display().to_string())
            ),
        )
    })
}
