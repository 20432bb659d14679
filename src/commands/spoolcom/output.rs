//! Where displays go: standard output, a file, or a job that prints them.
//!
//! A display that becomes a job is collected in memory and handed in when it is complete. Its destination is found before
//! anything is shown, so that an unknown one costs nothing. A location that is not declared yet comes into being without a
//! device, as in the NonStop language; a warning says so.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::model::collector::{CollectorState, FILE_NOT_RUNNING, by_way_of};
use crate::model::guardian_file;
use crate::model::job::{DocumentOffer, RawPath, Submission, Transfer};
use crate::model::{
    CollectorName, DestName, DeviceName, Failure, FailureKind, GroupName, LocationName, LocationPattern,
};
use crate::spool::Base;
use crate::spool::interface::operations::Operations;
use crate::sys::files;
use crate::sys::umask::append_as_usual;

use super::language::messages::Subject;
use super::language::out_name::OutName;
use super::unhinted::Unhinted;

/// The report name of a job that a display becomes.
const REPORT: &str = "SPOOLCOM";
/// An open destination.
#[derive(Debug)]
pub enum Output {
    /// The usual output of the session.
    Standard,
    /// A file.
    File(File),
    /// A job for this destination, by way of this collector.
    Job(File, String, Option<CollectorName>),
}

/// Why a destination cannot be opened.
#[derive(Debug)]
pub struct CannotOpen {
    /// What failed.
    pub failure: Failure,
    /// What it was about.
    pub subject: Subject,
}

impl From<Failure> for CannotOpen {
    fn from(failure: Failure) -> Self {
        Self { failure, subject: Subject::Object }
    }
}

/// Messages go to standard error, and to the file in which the output is collected, as on a NonStop system; hints do not.
pub struct Messages<'a> {
    err: &'a mut dyn Write,
    copy: Option<Unhinted<File>>,
}

impl<'a> Messages<'a> {
    /// Has what is written to `err` come into `output` too.
    pub fn new(err: &'a mut dyn Write, output: &Output) -> Self {
        let copy = match output {
            Output::Standard => None,
            Output::File(file) | Output::Job(file, ..) => file.try_clone().ok().map(Unhinted::new),
        };
        Self { err, copy }
    }
}

impl Write for Messages<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What cannot be added there is on standard error all the same.
        if let Some(copy) = &mut self.copy {
            let _ = copy.write_all(bytes);
        }
        self.err.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.err.flush()
    }
}

impl Output {
    /// Opens `name`. Warnings go to `err`.
    ///
    /// # Errors
    /// Fails when the file cannot be written, or when there is no such destination.
    pub fn open(
        name: &OutName,
        spool: &mut dyn Operations,
        cwd: &Path,
        err: &mut dyn Write,
    ) -> Result<Self, CannotOpen> {
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
                let named = by_way_of(name).map(|(collector, _)| collector);
                let (destination, collector, new) = destination(name, named, spool)?;
                // What is refused leaves no location behind.
                demand_collector(collector.as_ref(), spool)?;
                if let Some(new) = new {
                    spool.route_location(LocationPattern::One(new.clone()), None)?;
                    // A closed standard error must not turn into a failure.
                    let _ = writeln!(err, "WARNING: {new} IS NEW AND LEADS TO NO DEVICE: THE OUTPUT WAITS THERE");
                }
                let file = files::file_in_memory().map_err(|error| cannot("keep the output", &error))?;
                Self::Job(file, destination, collector)
            }
        })
    }

    /// Returns the stream to write to; `standard` is the usual one.
    pub fn stream<'a>(&'a mut self, standard: &'a mut dyn Write) -> &'a mut dyn Write {
        match self {
            Self::Standard => standard,
            Self::File(file) | Self::Job(file, ..) => file,
        }
    }

    /// Ends the output: hands in the job that it becomes. One without a single octet prints nothing.
    ///
    /// # Errors
    /// Fails when the job is refused.
    pub fn end(self, spool: &mut dyn Operations) -> Result<(), Failure> {
        let Self::Job(mut file, destination, collector) = self else { return Ok(()) };
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
        let submission = Submission {
            token,
            destination,
            collector,
            name: REPORT.into(),
            documents: vec![offer],
            ..Submission::default()
        };
        spool.submit(submission, vec![OwnedFd::from(file)]).map(drop)
    }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Io, format!("cannot {what}: {error}"))
}

/// Refuses a node that is not the one of the spool's own server.
pub fn demand_node(node: &str, spool: &mut dyn Operations) -> Result<(), Failure> {
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
        std::fs::create_dir_all(dir).map_err(|error| {
            let failure = cannot(&format!("make {}", dir.display()), &error);
            match error.kind() {
                // A server has it, as another account.
                io::ErrorKind::PermissionDenied => {
                    failure.hint("the spool belongs to another account; a name with a slash is a path of yours")
                }
                _ => failure,
            }
        })?;
    }
    Ok(path)
}

/// Refuses output that becomes a job when no collector takes it.
fn demand_collector(named: Option<&CollectorName>, spool: &mut dyn Operations) -> Result<(), CannotOpen> {
    let error = match named {
        Some(name) => spool.collector(name.clone())?.state.refusal(),
        None => {
            let states: Vec<CollectorState> = spool.about()?.collectors.into_iter().map(|(_, state)| state).collect();
            let all: Option<Vec<u32>> = states.into_iter().map(CollectorState::refusal).collect();
            // Those that drain have the higher number.
            all.map(|errors| errors.into_iter().max().unwrap_or(FILE_NOT_RUNNING))
        }
    };
    let Some(error) = error else { return Ok(()) };
    let what = named.map_or_else(|| "no collector is ACTIVE".to_owned(), |name| format!("${name} takes no jobs"));
    Err(CannotOpen { failure: Failure::new(FailureKind::State, what), subject: Subject::Out(error) })
}

/// Finds the destination of a job that a display becomes, and the collector that it names: a device of that name, a location,
/// or a collector alone. A location that is not there yet is named beside them.
fn destination(
    name: &str,
    mut collector: Option<CollectorName>,
    spool: &mut dyn Operations,
) -> Result<(String, Option<CollectorName>, Option<LocationName>), Failure> {
    if let Ok(device) = name.parse::<DeviceName>().map(|device| spool.device(device)) {
        match device {
            Ok(found) => return Ok((leading_to(&found.name, spool)?, None, None)),
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    let whole = || LocationName { group: GroupName::default_group(), dest: DestName::default_dest() };
    let pattern = match name.split_once('#') {
        Some((_, location)) => format!("#{location}").parse::<LocationPattern>()?,
        None => match named_collector(name, spool)? {
            Some(found) => {
                collector = Some(found);
                LocationPattern::One(whole())
            }
            None => {
                return Err(Failure::not_found(format!(
                    "device or collector {}",
                    crate::model::printable::escaped(name)
                ))
                .hint("a location is written $S.#GROUP.DEST; a file whose name begins with $ as ./$NAME"));
            }
        },
    };
    let destination = pattern.to_string();
    let new = match (spool.resolve_destination(destination.clone()), pattern) {
        (Err(failure), LocationPattern::One(name)) if failure.kind == FailureKind::NotFound => name,
        (Err(failure), LocationPattern::Group(group)) if failure.kind == FailureKind::NotFound => {
            LocationName { group, dest: DestName::default_dest() }
        }
        (Err(failure), _) => return Err(failure),
        (Ok(_), _) => return Ok((destination, collector, None)),
    };
    Ok((new.to_string(), collector, Some(new)))
}

/// Returns the collector that a name is the name of.
fn named_collector(name: &str, spool: &mut dyn Operations) -> Result<Option<CollectorName>, Failure> {
    let Ok(name) = name.trim_start_matches('$').parse::<CollectorName>() else { return Ok(None) };
    match spool.collector(name) {
        Ok(found) => Ok(Some(found.name)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
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
    if Base::is_of_a_spool(path) {
        let shown = crate::model::printable::escaped(&path.display().to_string());
        return Err(Failure::new(FailureKind::BadValue, format!("OUT file '{shown}' is a file of a spool"))
            .hint("name a file outside, or $VOLUME.SUBVOLUME.FILE"));
    }
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
