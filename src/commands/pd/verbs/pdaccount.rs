//! `pdaccount`: sums what was printed, from the accounting logs of the server.
//!
//! The logs are read with the caller's own rights, a line at a time: only the sums are in memory. A line that is no record is
//! counted and said, never guessed at.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, ValueHint};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::attributes::text::{Clock, escaped, read};
use crate::attributes::{Class, find};
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock, plain};
use crate::commands::shell::Intent;
use crate::model::field::{Field, Value};
use crate::model::printable;
use crate::model::{Failure, FailureKind};

const PROGRAM: &str = "pdaccount";
/// The longest line of a log that is read.
const MAX_LINE: u64 = 64 << 10;
/// The end of the names of logs.
const LOG: &str = ".accounting.log.v1";
/// The fields of a record (docs/migrating-infoprint.md).
const FIELDS: usize = 13;

/// Sum jobs, pages and octets that were printed.
///
/// The accounting logs of the server are read, or the files that are named. A record is written for each job that a
/// destination has printed while log-accounting-data of the destination, or of the server, is true. Pages are over all
/// copies; octets are those that were sent.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100)]
pub struct Arguments {
    /// What one line sums: user, destination, day, month, year, all; several with commas
    #[arg(short = 'b', long = "by", value_name = "KEYS", default_value = "user", value_delimiter = ',')]
    by: Vec<Key>,
    /// Only jobs of this owner, as user or user@host; may be given several times
    #[arg(short = 'u', long = "user", value_name = "USER", action = clap::ArgAction::Append)]
    users: Vec<String>,
    /// Only jobs that this destination has printed; may be given several times
    #[arg(short = 'd', long = "destination", value_name = "DESTINATION", action = clap::ArgAction::Append)]
    destinations: Vec<String>,
    /// Only jobs that were completed then or later, as 2026-11-28 or '14:00:00 11/28/26'
    #[arg(short = 'f', long = "from", value_name = "TIME")]
    from: Option<String>,
    /// Only jobs that were completed before
    #[arg(short = 't', long = "to", value_name = "TIME")]
    to: Option<String>,
    /// Write the records themselves, as they stand in the logs
    #[arg(short = 'r', long = "records")]
    records: bool,
    /// No headings and no line with the sum of all
    #[arg(short = 'g')]
    bare: bool,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
    /// Accounting logs to read, instead of those of the server; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    logs: Vec<OsString>,
}

/// What the records of one line have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Key {
    /// The owner without the host.
    User,
    /// The owner as the record has it.
    Owner,
    /// The actual destination.
    Destination,
    /// The day of its end.
    Day,
    /// The month of its end.
    Month,
    /// The year of its end.
    Year,
    /// Nothing: one line for all.
    All,
}

impl Key {
    fn heading(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Owner => "Owner",
            Self::Destination => "Destination",
            Self::Day => "Day",
            Self::Month => "Month",
            Self::Year => "Year",
            Self::All => "All",
        }
    }

    fn of(self, record: &Record<'_>, zone: &TimeZone) -> String {
        let date = || Timestamp::from_second(record.completed).unwrap_or_default().to_zoned(zone.clone()).date();
        match self {
            Self::User => user_of(record.owner).to_owned(),
            Self::Owner => record.owner.to_owned(),
            Self::Destination => record.destination.to_owned(),
            Self::Day => date().to_string(),
            Self::Month => format!("{:04}-{:02}", date().year(), date().month()),
            Self::Year => format!("{:04}", date().year()),
            Self::All => "all".to_owned(),
        }
    }
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: || {
        "Environment:\n  PDBASE  Directory of the spool whose logs are read\n  TZ  Time zone of days, and of -f and -t\n\n\
         Exit status:\n  0  The logs were read\n  1  A log cannot be read, or has lines that are no records\n  \
         2  The command line is wrong\n  3  There is no spool\n"
            .to_owned()
    },
    names: Names::SETS_NONE,
    settings: &[],
    act: account,
};

/// Runs `pdaccount` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

/// What of a record is summed or chosen by.
struct Record<'a> {
    destination: &'a str,
    owner: &'a str,
    completed: i64,
    pages: u64,
    octets: u64,
}

impl<'a> Record<'a> {
    /// Reads a line. Further fields, which other systems write, are left alone.
    fn of(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() < FIELDS {
            return None;
        }
        let completed = moment(fields.get(6)?)?;
        let number = |at: usize| fields.get(at).and_then(|field| field.trim().parse().ok());
        let (pages, octets) = (number(9)?, number(10)?);
        Some(Self { destination: fields.first()?, owner: fields.get(1)?, completed, pages, octets })
    }
}

/// Reads a moment in UTC, in seconds since 1970: as the logs of this spool have it, or with other signs between its parts.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let plain = text.trim_end_matches(['Z', 'z']).trim_end_matches("GMT").trim().replace(' ', "T");
    let at: jiff::civil::DateTime = plain.parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_second())
}

fn user_of(owner: &str) -> &str {
    owner.split('@').next().unwrap_or(owner)
}

/// Which records are wanted.
struct Wanted {
    users: Vec<String>,
    destinations: Vec<String>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Wanted {
    fn takes(&self, record: &Record<'_>) -> bool {
        let is_user = |name: &String| name == record.owner || (!name.contains('@') && name == user_of(record.owner));
        (self.users.is_empty() || self.users.iter().any(is_user))
            && (self.destinations.is_empty()
                || self.destinations.iter().any(|name| name.eq_ignore_ascii_case(record.destination)))
            && self.from.is_none_or(|from| record.completed >= from)
            && self.to.is_none_or(|to| record.completed < to)
    }
}

/// A sum.
#[derive(Clone, Copy, Default)]
struct Sum {
    jobs: u64,
    pages: u64,
    octets: u64,
}

impl Sum {
    fn add(&mut self, pages: u64, octets: u64) {
        self.jobs += 1;
        self.pages = self.pages.saturating_add(pages);
        self.octets = self.octets.saturating_add(octets);
    }
}

fn account(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let clock = clock(shell);
    let matches = &line.matches;
    let texts = |id: &str| matches.get_many::<String>(id).into_iter().flatten().cloned().collect::<Vec<_>>();
    let time = |id: &str| matches.get_one::<String>(id).map(|text| seconds(id, text, &clock)).transpose();
    let wanted =
        Wanted { users: texts("users"), destinations: texts("destinations"), from: time("from")?, to: time("to")? };
    let keys: Vec<Key> = matches.get_many::<Key>("by").into_iter().flatten().copied().collect();
    let (records, json, bare) = (matches.get_flag("records"), matches.get_flag("json"), matches.get_flag("bare"));
    let named: Vec<OsString> = matches.get_many::<OsString>("logs").into_iter().flatten().cloned().collect();
    let logs = if named.is_empty() { logs_of_server(shell)? } else { named };

    let mut sums: BTreeMap<Vec<String>, Sum> = BTreeMap::new();
    let (mut all, mut exit, mut listed) = (Sum::default(), Exit::Done, Vec::new());
    for log in &logs {
        let path = shell.cwd.join(log);
        let read: Box<dyn Read> = match log == "-" {
            true => Box::new(std::io::stdin()),
            false => match File::open(&path) {
                Ok(file) => Box::new(file),
                Err(error) => {
                    exit = exit.max(shell.report(PROGRAM, &unreadable(&path, &error)));
                    continue;
                }
            },
        };
        let mut bad = 0_u64;
        let result = each_line(read, &mut |text| {
            let Some(record) = Record::of(text) else {
                bad += 1;
                return Ok(());
            };
            if !wanted.takes(&record) {
                return Ok(());
            }
            all.add(record.pages, record.octets);
            if records {
                match json {
                    true => listed.push(as_json(text)),
                    false => writeln!(shell.out, "{}", escaped(text))?,
                }
                return Ok(());
            }
            let key = keys.iter().map(|key| key.of(&record, &clock.zone)).collect();
            sums.entry(key).or_default().add(record.pages, record.octets);
            Ok(())
        });
        if let Err(error) = result {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return Err(error.into());
            }
            exit = exit.max(shell.report(PROGRAM, &unreadable(&path, &error)));
        }
        if bad > 0 {
            let lines = if bad == 1 { "1 line is".to_owned() } else { format!("{bad} lines are") };
            let failure =
                Failure::new(FailureKind::BadValue, format!("{}: {lines} no accounting record", path.display()))
                    .hint("a record has thirteen fields with commas between them");
            exit = exit.max(shell.report(PROGRAM, &failure));
        }
    }
    if json {
        let value = match records {
            true => serde_json::Value::Array(listed),
            false => sums.iter().map(|(key, sum)| sum_as_json(&keys, key, *sum)).collect(),
        };
        writeln!(shell.out, "{}", printable::json(&format!("{value:#}")))?;
    } else if !records {
        table(shell, &keys, &sums, all, bare)?;
    }
    Ok(exit)
}

/// The moment that `-f` or `-t` names, in seconds since 1970.
fn seconds(flag: &str, text: &str, clock: &Clock) -> Result<i64, Stop> {
    // The forms of a time are those of any attribute that is one.
    let row = find(Class::Job, Field::CreationTime).ok_or_else(|| Failure::internal("no attribute is a time"))?;
    match read(row, text, clock) {
        Ok(Value::Time(ms)) => Ok(ms.div_euclid(1000)),
        Ok(_) => Err(Failure::internal("a time is none").into()),
        Err(failure) => {
            let said = failure.message.split_once(": ").map_or(failure.message.as_str(), |(_, said)| said);
            let stop = Stop::usage(format!("--{flag}: {said}"));
            Err(failure.hints.iter().fold(stop, |stop, hint| stop.hint(hint)))
        }
    }
}

/// The accounting logs of the server of this spool, by name.
fn logs_of_server(shell: &mut Shell<'_>) -> Result<Vec<OsString>, Stop> {
    let about = (shell.open)(None, Intent::Read)?.about()?;
    let dir: PathBuf = Path::new(&about.base.0).join(about.server.as_str()).join("accounting.logs");
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::not_found(format!("an accounting log in {}", dir.display()))
                .hint(format!("pdset -c server -x log-accounting-data=true {}   has them written", about.server))
                .into());
        }
        Err(error) => return Err(unreadable(&dir, &error).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(&dir, &error))?;
        if entry.file_name().as_encoded_bytes().ends_with(LOG.as_bytes()) {
            found.push(entry.path().into_os_string());
        }
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Io, format!("{} cannot be read: {}", path.display(), plain(error)))
}

/// Gives each line of a log to `take`. A longer line than any record is given as an empty one, which is no record.
fn each_line(log: Box<dyn Read>, take: &mut dyn FnMut(&str) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    loop {
        line.clear();
        if Read::take(&mut log, MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
            log.skip_until(b'\n')?;
            line.clear();
        }
        take(OsStr::to_string_lossy(std::os::unix::ffi::OsStrExt::from_bytes(line.trim_ascii_end())).as_ref())?;
    }
}

/// The names of the fields of a record.
const NAMES: [&str; FIELDS] = [
    "destination",
    "job-owner",
    "job",
    "submitted",
    "submission-date",
    "submission-time",
    "completed",
    "completion-date",
    "completion-time",
    "pages",
    "octets",
    "document-format",
    "job-name",
];

fn as_json(line: &str) -> serde_json::Value {
    let fields = NAMES.iter().zip(line.split(',')).map(|(name, field)| {
        let value = match (*name, field.parse::<u64>()) {
            ("pages" | "octets", Ok(number)) => json!(number),
            _ => json!(field),
        };
        ((*name).to_owned(), value)
    });
    serde_json::Value::Object(fields.collect())
}

fn sum_as_json(keys: &[Key], values: &[String], sum: Sum) -> serde_json::Value {
    let named = keys.iter().zip(values).filter(|(key, _)| **key != Key::All);
    let mut object: serde_json::Map<String, serde_json::Value> =
        named.map(|(key, value)| (key.heading().to_lowercase(), json!(value))).collect();
    object.insert("jobs".to_owned(), json!(sum.jobs));
    object.insert("pages".to_owned(), json!(sum.pages));
    object.insert("octets".to_owned(), json!(sum.octets));
    serde_json::Value::Object(object)
}

/// Writes the sums in columns: names to the left, numbers to the right.
fn table(
    shell: &mut Shell<'_>,
    keys: &[Key],
    sums: &BTreeMap<Vec<String>, Sum>,
    all: Sum,
    bare: bool,
) -> Result<(), Stop> {
    let numbers = |sum: Sum| [sum.jobs, sum.pages, sum.octets].map(|n| n.to_string());
    let mut rows: Vec<(Vec<String>, [String; 3])> = Vec::new();
    if !bare {
        let headings = keys.iter().map(|key| key.heading().to_owned()).collect();
        rows.push((headings, ["Jobs", "Pages", "Octets"].map(str::to_owned)));
    }
    rows.extend(sums.iter().map(|(key, sum)| (key.iter().map(|part| escaped(part)).collect(), numbers(*sum))));
    if !bare && !keys.contains(&Key::All) {
        let mut total = vec![String::new(); keys.len()];
        if let Some(first) = total.first_mut() {
            "Total".clone_into(first);
        }
        rows.push((total, numbers(all)));
    }
    let width = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let left: Vec<usize> = (0..keys.len()).map(|n| width(&mut rows.iter().filter_map(|row| row.0.get(n)))).collect();
    let right: Vec<usize> = (0..3).map(|n| width(&mut rows.iter().filter_map(|row| row.1.get(n)))).collect();
    for (names, numbers) in &rows {
        let names = names.iter().zip(&left).map(|(text, width)| format!("{text:<width$}"));
        let numbers = numbers.iter().zip(&right).map(|(text, width)| format!("{text:>width$}"));
        writeln!(shell.out, "{}", names.chain(numbers).collect::<Vec<_>>().join("  "))?;
    }
    Ok(())
}
