//! Documents that a device cannot print go through a program of the operator first (TRANSFORM).
//!
//! The order is: the print file is checked, the program reads it and writes a second file, the program has ended with 0, and then
//! the device is opened. So a program that fails, hangs or is killed costs no paper: its job is held, with the reason and the
//! program's last words. The print file stays what it was, and a later attempt begins with it. The second file is gone when the
//! attempt is over; a crash leaves it to the sweep ([`Scratch`]).
//!
//! What of a program that goes on writing for ever? It has a time ([`Limits::seconds`]), a size, and only the room that the disk has
//! besides a remainder for the spool itself.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc;

use super::boundary::Speech;
use super::identity::ours;
use super::pieces::Source;
use crate::documents::{self, DocumentKey, PrintFile, PrintWriter, ReadAt};
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::model::device::DeviceSettings;
use crate::model::job::{Format, FormatOrigin};
use crate::model::printable::escaped;
use crate::model::space;
use crate::model::state::HoldReason;
use crate::model::transform::{Transform, format_word};
use crate::model::wait::Wait;
use crate::spool::Base;
use crate::spool::disk::scratch::Scratch;
use crate::sys::spawn::{self, Ended, Filter, FilterLimits};
use crate::sys::{fault, files};

/// How long it may take where nobody says, in seconds.
const SECONDS: u64 = 600;
/// Octets that it may make where nobody says.
const OCTETS: u64 = 4 << 30;
/// Octets of its memory.
const MEMORY: u64 = 4 << 30;
/// Processes that it may start, with those that others of its user start meanwhile.
const PROCESSES: u64 = 4096;
/// Octets of the disk that it leaves free.
const FREE: u64 = 16 << 20;
/// Files of the disk that it leaves free.
const FREE_FILES: u64 = 1000;
/// So many octets are written before the free room is looked at again.
const STEP: u64 = 1 << 20;
/// How long we wait for it before the room is looked at again: it may write files of its own.
const LOOK: Duration = Duration::from_secs(1);
/// Characters of its last words that are shown.
const SHOWN: usize = 200;
/// Octets by which the format of what it made is recognised.
const HEAD: usize = 64 * 1024;

/// What a document was made by.
#[derive(Debug)]
pub struct Made {
    /// The name of the program.
    pub program: String,
    /// Where the second file lies; it goes with it.
    _scratch: Scratch,
}

/// What a program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    seconds: u64,
    octets: u64,
}

impl Limits {
    fn told() -> Self {
        let told = |name: &str| std::env::var(name).ok();
        Self {
            seconds: told("PD_TRANSFORM_SECONDS").and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(SECONDS),
            octets: told("PD_TRANSFORM_OCTETS").and_then(|n| space::octets(&n)).unwrap_or(OCTETS),
        }
    }
}

/// Makes each document of a format for which the device has a program into the one that is printed. Returns remarks for the record.
///
/// # Errors
/// [`PrintError::Document`] where a program fails, and other errors as they come.
pub fn apply(
    sources: &mut [Source],
    settings: &DeviceSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Vec<String>, PrintError> {
    let mut remarks = Vec::new();
    for source in sources {
        let Some(transform) = settings.transforms.iter().find(|one| one.format == source.format) else { continue };
        // Who says that it is to stay as it is says so by its format; of a device that is CONTENT RAW all are.
        if source.origin == FormatOrigin::Device || source.size == 0 {
            continue;
        }
        source.demand_whole(control)?;
        control.set_waiting_for(Some(Wait::Transform));
        let made = make(source, transform, control);
        control.set_waiting_for(None);
        remarks.push(made?);
    }
    Ok(remarks)
}

/// Why a document was not made.
enum Unmade {
    /// It is the fault of the program, or of the document.
    Program(String),
    /// The attempt is to end.
    Ends(PrintError),
}

impl From<PrintError> for Unmade {
    fn from(error: PrintError) -> Self {
        Self::Ends(error)
    }
}

fn make(source: &mut Source, transform: &Transform, control: &mut AttemptControl<'_>) -> Result<String, PrintError> {
    let held = |why: &str| PrintError::Document {
        reason: HoldReason::Failed,
        text: format!("document {}: {} {why}", source.sequence, transform.program),
        moved: None,
    };
    let (file, scratch) = match run(source, transform, control) {
        Ok(made) => made,
        Err(Unmade::Program(why)) => return Err(held(&why)),
        Err(Unmade::Ends(error)) => return Err(error),
    };
    let cannot = |error: io::Error| held(&format!("made something that cannot be read: {error}"));
    let size = file.size().map_err(cannot)?;
    let mut head = vec![0; HEAD];
    let got = file.read_at(&mut head, 0).map_err(cannot)?;
    head.truncate(got);
    let (of, format) = (source.format, documents::detect(&head));
    (source.file, source.size, source.arrival) = (file, size, None);
    (source.format, source.origin) = (format, FormatOrigin::Recognised);
    (source.lead, source.ends_at_top, source.unfinished, source.bare_line_feeds) = (0, false, false, false);
    source.speech = Speech::Other;
    source.made = Some(Made { program: transform.program.clone(), _scratch: scratch });
    if let Err(error) = source.look() {
        return Err(PrintError::Source(source.sequence as usize, format!("cannot be read: {error}")));
    }
    fault::point("transformed");
    let made = if format == Format::Passthru { String::new() } else { format!(" {}", format_word(format)) };
    Ok(format!(
        "document {} ({}) went through {}, which made {size} octets{made}",
        source.sequence,
        format_word(of),
        transform.program
    ))
}

/// Runs the program. Returns the second file, and where it lies.
fn run(
    source: &Source,
    transform: &Transform,
    control: &mut AttemptControl<'_>,
) -> Result<(PrintFile, Scratch), Unmade> {
    let limits = Limits::told();
    let failed = |doing: &str| {
        let doing = doing.to_owned();
        move |error: io::Error| match ours(&error) {
            true => Unmade::Ends(PrintError::Device(Fault::of(doing, &error))),
            false => Unmade::Program(format!("was not run: {doing}: {error}")),
        }
    };
    let program = spawn::libexec_program(&transform.program)
        .map_err(|why| Unmade::Program(format!("was not run (TRANSFORM): {why}")))?;
    let base = Base::new(control.context().root.clone());
    let scratch = Scratch::new(&base).map_err(failed("its directory cannot be made"))?;
    // Of a document that is encrypted nothing lies on the disk in clear: the program reads it from memory, and what it makes is encrypted
    // with a key that nobody keeps.
    let key = source.file.clear().is_none().then(DocumentKey::new).transpose();
    let key = key.map_err(failed("what it makes cannot be encrypted"))?;
    let made = scratch.create().and_then(|file| PrintWriter::begin(file, key.as_ref()));
    let mut made = made.map_err(failed("the file for what it makes cannot be made"))?;
    let copy = source.file.in_memory().map_err(failed("the document cannot be given to it"))?;
    let Some(input) = copy.as_ref().map(AsRef::as_ref).or(source.file.clear()) else {
        return Err(Unmade::Program("was not run: the document cannot be given to it".to_owned()));
    };
    let most =
        FilterLimits { seconds: limits.seconds, file_octets: limits.octets, memory: MEMORY, processes: PROCESSES };
    let format = [("DOCUMENT_FORMAT", format_word(source.format))];
    let note = scratch.note().map_err(failed("the note of who it is cannot be made"))?;
    let mut filter = Filter::start(&program, input, (&scratch.own(), note), &format, most)
        .map_err(failed("it cannot be started"))?;
    if let Some(missing) = &filter.unconfined {
        control.context().log.line(format_args!("{}: {missing}", transform.program));
    }
    fault::point("transforming");
    let mut until = Instant::now() + Duration::from_secs(limits.seconds);
    let mut written = 0u64;
    loop {
        let mut take = |octets: &[u8]| {
            let before = written;
            written += octets.len() as u64;
            if written > limits.octets {
                return Err(io::Error::from_raw_os_error(libc::EFBIG));
            }
            if before / STEP != written / STEP {
                has_room(base.root())?;
            }
            made.write_all(octets)
        };
        let ended = match filter.pump(&mut take).and_then(|ended| has_room(base.root()).map(|()| ended)) {
            Ok(ended) => ended,
            Err(error) => return Err(Unmade::Program(spoiled(&error, limits.octets))),
        };
        match ended {
            Some(Ended::Status(0)) if written > 0 => {
                let made = made.finish();
                return made
                    .map(|made| (made, scratch))
                    .map_err(|error| Unmade::Program(spoiled(&error, limits.octets)));
            }
            Some(Ended::Status(0)) => return Err(Unmade::Program(with_words("made nothing of it", &filter))),
            Some(Ended::Status(code)) => {
                return Err(Unmade::Program(with_words(&format!("ended with status {code}"), &filter)));
            }
            Some(Ended::Signal(libc::SIGXFSZ)) => {
                let why = format!("made a file of more than {} octets (PD_TRANSFORM_OCTETS)", limits.octets);
                return Err(Unmade::Program(why));
            }
            Some(Ended::Signal(signal)) => {
                return Err(Unmade::Program(with_words(&format!("was ended by signal {signal}"), &filter)));
            }
            Some(Ended::Late) | None => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let why = format!("did not end within {} s (PD_TRANSFORM_SECONDS)", limits.seconds);
            return Err(Unmade::Program(with_words(&why, &filter)));
        }
        // A hold, a CLEAR or the end of the process ends the program, too: it goes with its handle.
        let began = Instant::now();
        control.wait_for_source(filter.news(), left.min(LOOK))?;
        // A device that is suspended stands still in there, and its program with it.
        until += began.elapsed().saturating_sub(LOOK);
    }
}

/// Checks that the disk has room for more octets and for more files. Where it does not say, it has.
fn has_room(root: &Path) -> io::Result<()> {
    let octets = files::room(root).map_or(u64::MAX, |(used, total)| total.saturating_sub(used));
    let number = files::room_for_files(root).ok().flatten();
    match is_enough(octets, number) {
        true => Ok(()),
        false => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
    }
}

/// Whether so many free octets and files are enough; none for a file system that does not count its files.
fn is_enough(octets: u64, files: Option<u64>) -> bool {
    octets >= FREE && files.is_none_or(|files| files >= FREE_FILES)
}

/// Why what it makes could not be kept.
fn spoiled(error: &io::Error, most: u64) -> String {
    match error.raw_os_error() {
        Some(libc::EFBIG) => format!("made more than {most} octets (PD_TRANSFORM_OCTETS)"),
        Some(libc::ENOSPC | libc::EDQUOT) => "was ended: the disk has no room for what it makes".to_owned(),
        _ => format!("was ended: what it makes cannot be written: {error}"),
    }
}

/// What happened, and what it said last.
fn with_words(what: &str, filter: &Filter) -> String {
    let words = filter.last_words();
    let words: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = words.join(" / ");
    if words.is_empty() {
        return what.to_owned();
    }
    let over = words.chars().count().saturating_sub(SHOWN);
    let words: String = words.chars().skip(over).collect();
    format!("{what}, and said: {}{}", if over > 0 { "..." } else { "" }, escaped(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_of_octets_and_of_files_is_left_to_the_spool() {
        assert!(is_enough(FREE, Some(FREE_FILES)) && is_enough(FREE, None));
        assert!(!is_enough(FREE - 1, None) && !is_enough(u64::MAX, Some(FREE_FILES - 1)));
    }
}
