//! `--check FILE`: what would become of each command of a site's command file, or of each entry of its FASTCNFG file. Nothing
//! is carried out, and no spool is opened.
//!
//! A command *runs* as it stands, *differs* (it is carried out, and each note says what is otherwise here), or is *lacking*
//! (it is refused, and the notes say why and what to do). Whether a command is refused is found out by what refuses it when it
//! is typed: the parser and the verbs. What only a spool knows (whether an object is there, in which state) is not judged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use serde_json::json;

use crate::commands::shell::{Exit, Shell};
use crate::fastp::fastcnfg::check::{self as entries, describe};
use crate::fastp::fastcnfg::file_cache::FileCache;
use crate::fastp::fastcnfg::lexer::Mistake as EntryMistake;
use crate::model::collector::is_collector_program;
use crate::model::device::PARM_FASTCNFG;
use crate::model::printable::{self, escaped};
use crate::model::process::{is_fastp, is_pspool, program};
use crate::model::{CollectorName, DeviceName, Failure, FailureKind, ProcessName};
use crate::sys::spawn::libexec_program;

use super::language::continuation::Whole;
use super::language::grammar::Stage;
use super::language::keywords::{Key, Verb};
use super::language::messages::{Message, Subject};
use super::language::mistake::Mistake;
use super::language::out_name::OutName;
use super::language::report::{print_failure, usage};
use super::language::tree::{Command, Subcommand};
use super::language::values::{DisplayRequest, Value};
use super::runner::read_physical;
use super::statement::{Currents, Statement, read_commands, without_fc};

/// What would become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Runs,
    Differs,
    Lacking,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Differs => "differs",
            Self::Lacking => "lacking",
        }
    }
}

/// What is otherwise, or lacking.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    text: String,
    /// The word that a WARNING names when the command is carried out.
    warned: Option<String>,
}

/// A command or an entry, judged.
#[derive(Clone, Debug)]
struct Judged {
    file: String,
    line: usize,
    text: String,
    verdict: Verdict,
    notes: Vec<Note>,
    hints: Vec<String>,
    /// The device that it declares, if it says nowhere where that is.
    declares: Option<(DeviceName, String)>,
    /// The print process that it declares or alters, if it says nowhere which program that is.
    independent: Option<(ProcessName, String)>,
    /// The collector that it starts.
    starts: Option<CollectorName>,
}

/// Judges the file, writes what it found, and returns the status: 1 when something is lacking.
pub fn run(name: &str, json: bool, out: Option<&str>, shell: &mut Shell<'_>) -> Exit {
    let failed = |shell: &mut Shell<'_>, failure: &Failure| {
        print_failure(shell.err, "", failure, &Subject::Object);
        Exit::Failed
    };
    let path = shell.cwd.join(name);
    // Opened before anything is judged: what is judged must not be what is written.
    let mut file = match out.map(|out| super::output::open_out(&shell.cwd.join(out))).transpose() {
        Ok(file) => file,
        Err(failure) => return failed(shell, &failure),
    };
    if let Some(out) = &file
        && super::is_same_file(std::fs::File::open(&path).ok().as_ref(), out)
    {
        return usage(shell.err, Message::FileError, super::SAME_FILE, &[]);
    }
    let read = if name == "-" { judge_piped(&mut *shell.input) } else { judge_file(name, &path) };
    let judged = match read {
        Ok(judged) => judged,
        Err(failure) => return failed(shell, &failure),
    };
    let text = if json { as_json(&judged) } else { as_text(&judged) };
    let written = match &mut file {
        Some(file) => file.write_all(text.as_bytes()).map_err(|error| Failure::new(FailureKind::Io, error.to_string())),
        None => shell
            .out
            .write_all(text.as_bytes())
            .and_then(|()| shell.out.flush())
            .map_err(|error| Failure::new(FailureKind::Io, format!("the output cannot be written: {error}"))),
    };
    match written {
        Err(failure) => failed(shell, &failure),
        Ok(()) if judged.iter().any(|one| one.verdict == Verdict::Lacking) => Exit::Failed,
        Ok(()) => Exit::Done,
    }
}

fn judge_piped(input: &mut dyn BufRead) -> Result<Vec<Judged>, Failure> {
    let mut octets = Vec::new();
    input
        .read_to_end(&mut octets)
        .map_err(|error| Failure::new(FailureKind::Io, format!("cannot read standard input: {error}")))?;
    if is_fastcnfg(&String::from_utf8_lossy(&octets)) {
        let what = "a FASTCNFG file comes by its name: it may name other files beside it";
        return Err(Failure::new(FailureKind::Unsupported, what).hint("spoolcom --check FILE"));
    }
    judge_commands("-", &mut &octets[..])
}

fn judge_file(name: &str, path: &Path) -> Result<Vec<Judged>, Failure> {
    let unread =
        |error: std::io::Error| Failure::new(FailureKind::Io, format!("cannot read {}: {error}", escaped(name)));
    let octets = std::fs::read(path).map_err(unread)?;
    if is_fastcnfg(&String::from_utf8_lossy(&octets)) {
        return judge_entries(name, path);
    }
    judge_commands(name, &mut BufReader::new(&octets[..]))
}

/// Tells whether a text is a FASTCNFG file: by its first word, behind its comments.
fn is_fastcnfg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let behind = match rest {
            // A comment to its end, on that line or behind the next mark.
            _ if rest.starts_with('!') => rest.split_once('\n'),
            _ if rest.starts_with("/*") => rest.split_once('\n'),
            _ if rest.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("COMMENT")) => rest.split_once('\n'),
            _ => break,
        };
        let Some((_, behind)) = behind else { return false };
        rest = behind.trim_start();
    }
    let mut words = rest.split_whitespace();
    match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "DEVICE" | "DEFAULT" | "HOSTS" | "PROCESS" | "POLLTYPE" | "MACRO" => true,
        // SPOOLER is a command too, and then a comma follows.
        "SPOOLER" => words.next().is_some_and(|word| word.starts_with(['$', '\\'])),
        _ => false,
    }
}

// Commands

fn judge_commands(file: &str, input: &mut dyn BufRead) -> Result<Vec<Judged>, Failure> {
    let (mut judged, mut whole, mut first, mut current) = (Vec::new(), Whole::default(), 1, Currents::default());
    for number in 1.. {
        let read = read_physical(input, number).map_err(|(_, why)| Failure::new(FailureKind::Io, why))?;
        if !whole.is_begun() {
            first = number;
        }
        let ends = read.is_none();
        let text = match read {
            Some(line) => whole.add(&line),
            None => whole.end(),
        };
        if let Some(text) = text {
            let line = read_commands(&text, Some(first), &mut current, |command, span, meant| {
                let typed = text.get(span.start..span.end).unwrap_or_default();
                judge(file, first, typed.trim_matches(|c: char| c.is_whitespace() || c == ';'), command, meant)
            });
            for one in line.into_iter().flatten() {
                let exits = one.verdict == Verdict::Runs && one.text.eq_ignore_ascii_case(Verb::Exit.word());
                judged.push(one);
                if exits {
                    return Ok(completed(judged));
                }
            }
        }
        if ends {
            break;
        }
    }
    Ok(completed(judged))
}

/// Judges one command; none for a comment.
fn judge(
    file: &str,
    line: usize,
    text: &str,
    command: Option<&Command>,
    meant: Result<Statement, Mistake>,
) -> Option<Judged> {
    let mut judged = Judged {
        file: file.to_owned(),
        line,
        text: text.to_owned(),
        verdict: Verdict::Runs,
        notes: Vec::new(),
        hints: Vec::new(),
        declares: None,
        independent: None,
        starts: None,
    };
    let lacking = match (meant.and_then(without_fc), command) {
        (Ok(Statement::Comment), _) => return None,
        (Ok(_), Some(command)) => refusal(command),
        (Ok(_), None) => None,
        (Err(mistake), _) => Some(lacking(text, mistake)),
    };
    if let Some((note, hints)) = lacking {
        judged.verdict = Verdict::Lacking;
        judged.notes.push(Note { text: note, warned: None });
        judged.hints = hints;
        return Some(judged);
    }
    let command = command?;
    judged.notes = differences(command);
    judged.declares = without_address(command);
    judged.independent = without_program(command);
    judged.starts = of_collector(command, |key| key == Key::Start);
    if !judged.notes.is_empty() {
        judged.verdict = Verdict::Differs;
    }
    Some(judged)
}

/// Words at the beginning of a line that other programs of a NonStop system have, and what stands for them.
const OTHER_PROGRAMS: &[(&str, &str)] = &[
    (
        "SPOOL",
        "no program has to run: the first declaration makes the spool, SPOOLER, START starts it cold or warm; leave the line out",
    ),
    ("SPOOLCOM", "in a shell:  spoolcom --in FILE"),
    ("RUN", "programs run from a shell"),
    ("OBEY", "a shell script runs one file after the other:  spoolcom --in FILE"),
    ("VOLUME", "write names of files whole, $VOLUME.SUBVOLUME.FILE"),
    ("OUT", "spoolcom --out FILE, or / OUT file / behind a display"),
    ("FUP", "nothing has to be created: jobs lie in the directory of the spool; leave the line out"),
    ("PURGE", "rm removes a file; leave the line out"),
    ("CREATE", "nothing has to be created: jobs lie in the directory of the spool; leave the line out"),
    ("LOGON", "su or sudo; leave the line out"),
    ("PERUSE", "pdls, pdmod and pdrm show, alter and remove one's own jobs"),
    ("STATUS", "DEV, JOB, COLLECT and PRINT show the state of everything"),
    ("STOP", "SPOOLER, DRAIN ends in order; leave the line out"),
];

/// What is said of a command that the parser or its verb refuses, and what to do.
fn lacking(text: &str, mistake: Mistake) -> (String, Vec<String>) {
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let other = OTHER_PROGRAMS.iter().find(|row| row.0.eq_ignore_ascii_case(word));
    let mut hints = mistake.hints;
    match other {
        Some((_, instead)) if mistake.message == Message::UnknownCommand => {
            return (format!("{word} is no command of SPOOLCOM").to_uppercase(), vec![(*instead).to_owned()]);
        }
        _ if hints.is_empty() => hints.extend(mistake.message.remedy().map(str::to_owned)),
        _ => {}
    }
    (format!("{}: {}", mistake.message.text(), mistake.explanation), hints)
}

/// What the spool would refuse whatever it holds.
fn refusal(command: &Command) -> Option<(String, Vec<String>)> {
    let file = command.subcommands.iter().find(|one| one.key() == Key::File)?;
    let Value::Text(Some(name)) = &file.value else { return None };
    let shown = escaped(name);
    match command.grammar.verb {
        Verb::Print if !is_fastp(name) && program(name).is_none_or(|name| libexec_program(&name).is_err()) => Some((
            format!("FILE {shown}: there is no such print process here"),
            vec![
                "FILE FASTP drives every device; what that program did to a document is done before pdpr, or by a program \
                 of your own in libexec/spoolsuite"
                    .into(),
            ],
        )),
        Verb::Collect if !is_collector_program(name) => Some((
            format!("FILE {shown}: there is no such collector program"),
            vec!["FILE CSPOOL, or leave FILE out: no program runs, whatever its name".into()],
        )),
        _ => None,
    }
}

/// What is otherwise here of a command that is carried out.
fn differences(command: &Command) -> Vec<Note> {
    let verb = command.grammar.verb;
    let mut notes: Vec<Note> = Vec::new();
    for subcommand in &command.subcommands {
        let note =
            |text: String, warned: bool| Note { text, warned: warned.then(|| subcommand.key().word().to_owned()) };
        if let Stage::Meaningless(why) = subcommand.row.stage {
            // A word that stands twice is warned of once.
            let known = notes.iter().any(|note| note.warned.as_deref() == Some(subcommand.key().word()));
            if !subcommand.row.asks_for_nothing(&subcommand.value) && !known {
                notes.push(note(format!("{} has no effect here: {why}", subcommand.key().word()), true));
            }
            continue;
        }
        notes.extend(otherwise(verb, subcommand).into_iter().map(|(text, warned)| note(text, warned)));
        if let Value::Display(DisplayRequest { out: Some(OutName::Console), .. }) = &subcommand.value {
            notes.push(Note { text: "OUT $0 is standard output here".into(), warned: Some("$0".into()) });
        }
    }
    notes
}

/// How a subcommand that works does its work otherwise, and whether a WARNING says so at that time.
fn otherwise(verb: Verb, subcommand: &Subcommand) -> Option<(String, bool)> {
    let quietly = |text: &str| Some((text.to_owned(), false));
    match (verb, subcommand.key(), &subcommand.value) {
        (Verb::Spooler, Key::ErrLog, Value::Text(Some(name))) => match OutName::read(name) {
            Ok(OutName::File(_) | OutName::Guardian(_)) | Err(_) => None,
            Ok(_) => Some((
                format!("ERRLOG {} has no effect here: messages stay in the log of the spool", escaped(name)),
                true,
            )),
        },
        (Verb::Print, Key::File, Value::Text(Some(name))) if is_pspool(name) => {
            quietly("FASTP does its work here: devices are reached by their address, and columns of FASTP apply")
        }
        (Verb::Spooler, Key::Drain, _) => quietly("the spooler ends WARM, and not DORMANT: no supervisor has to stop"),
        (Verb::Spooler, Key::Statistics, _) => {
            quietly("rows of queue nodes and of the receive queue are 0: there are none")
        }
        (Verb::Dev, Key::Retry, _) => {
            quietly("RETRY is the least wait: it grows to a minute as long as the error lasts")
        }
        (Verb::Dev, Key::Skip | Key::SkipTo, _) => quietly("only plain text has pages to skip; other data are refused"),
        (Verb::Dev, Key::Parm, Value::Number(bits)) => {
            // Bits 5, 14 and 15.
            let without = *bits as u16 & !(PARM_FASTCNFG | 0o3);
            (without != 0).then(|| (format!("bits %{without:o} of PARM have no effect here"), false))
        }
        (Verb::Job | Verb::Batch, Key::Delete, Value::Bang(true)) => {
            quietly("a job in print stops at once with or without !, which waits until it is gone, two seconds at most")
        }
        _ => None,
    }
}

/// The device that a command declares, or alters, if it says nowhere where the printer is.
fn without_address(command: &Command) -> Option<(DeviceName, String)> {
    let has = |key: Key| command.subcommands.iter().find(|one| one.key() == key);
    if command.grammar.verb != Verb::Dev || has(Key::Process).is_none() {
        return None;
    }
    let typed = &command.name()?.value;
    Some((typed.parse().ok()?, typed.clone()))
}

fn without_program(command: &Command) -> Option<(ProcessName, String)> {
    let changes = |one: &Subcommand| {
        !matches!(one.key(), Key::Status | Key::Start | Key::Delete | Key::Log | Key::WhatIf | Key::Xref | Key::Summary)
    };
    if command.grammar.verb != Verb::Print || !command.subcommands.iter().any(changes) {
        return None;
    }
    let typed = &command.name()?.value;
    Some((process(typed)?, typed.clone()))
}

/// The collector that a command is about, if it has a subcommand that `wanted` names.
fn of_collector(command: &Command, wanted: fn(Key) -> bool) -> Option<CollectorName> {
    if command.grammar.verb != Verb::Collect || !command.subcommands.iter().any(|one| wanted(one.key())) {
        return None;
    }
    command.name()?.value.trim_start_matches('$').parse().ok()
}

/// The collectors that commands which were judged alter in a way that `wanted` names.
fn collectors(judged: &[Judged], wanted: fn(Key) -> bool) -> Vec<CollectorName> {
    let mut found = Vec::new();
    for one in judged.iter().filter(|one| one.verdict != Verdict::Lacking) {
        read_commands(&one.text, None, &mut Currents::default(), |command, _, _| {
            found.extend(command.and_then(|command| of_collector(command, wanted)));
        });
    }
    found
}

/// The print process of which a command says which program it is.
fn has_program(command: &str) -> Option<ProcessName> {
    let mut found = None;
    read_commands(command, None, &mut Currents::default(), |command, _, _| {
        let Some(command) = command.filter(|command| command.grammar.verb == Verb::Print) else { return };
        if command.subcommands.iter().any(|one| one.key() == Key::File) {
            found = command.name().and_then(|name| process(&name.value));
        }
    });
    found
}

fn process(typed: &str) -> Option<ProcessName> {
    typed.trim_start_matches('$').parse().ok()
}

/// Whether a command says where its device is: by an address, or by its entry in FASTCNFG.
fn has_address(command: &str) -> Option<DeviceName> {
    // Only what was judged before comes here, and it was read by the same parser.
    let mut found = None;
    read_commands(command, None, &mut Currents::default(), |command, _, _| {
        let Some(command) = command.filter(|command| command.grammar.verb == Verb::Dev) else { return };
        let says = command.subcommands.iter().any(|one| match (one.key(), &one.value) {
            (Key::Uri, _) => true,
            (Key::Parm, Value::Number(bits)) => *bits as u16 & PARM_FASTCNFG != 0,
            _ => false,
        });
        if says {
            found = command.name().and_then(|name| name.value.parse().ok());
        }
    });
    found
}

/// What a command makes, and what it needs, by the names of print processes and devices.
#[derive(Default)]
struct Uses {
    makes: Option<String>,
    needs: Vec<String>,
    /// The device that it starts.
    starts: Option<DeviceName>,
}

fn uses(text: &str) -> Uses {
    let mut found = Uses::default();
    read_commands(text, None, &mut Currents::default(), |command, _, _| {
        let Some(command) = command else { return };
        let name = command.name().map(|name| name.value.as_str());
        let of_process = |typed: &str| process(typed).map(|process| format!("print process {}", process.key()));
        let of_device = |typed: &str| typed.parse::<DeviceName>().ok().map(|device| format!("device {}", device.key()));
        let keys = || command.subcommands.iter().map(Subcommand::key);
        match command.grammar.verb {
            Verb::Print if keys().any(|key| key == Key::File) => found.makes = name.and_then(of_process),
            Verb::Dev => {
                found.makes = name.filter(|_| keys().any(|key| key == Key::Process)).and_then(of_device);
                found.starts = name.filter(|_| keys().any(|key| key == Key::Start)).and_then(|name| name.parse().ok());
                if found.makes.is_none() {
                    found.needs.extend(name.and_then(of_device));
                }
            }
            _ => {}
        }
        for one in &command.subcommands {
            if let Value::Text(Some(typed)) = &one.value {
                match (command.grammar.verb, one.key()) {
                    (Verb::Dev, Key::Process) => found.needs.extend(of_process(typed)),
                    (Verb::Loc, Key::Dev) => found.needs.extend(of_device(typed)),
                    _ => {}
                }
            }
        }
    });
    found
}

/// What is lacking takes with it what needs it: a device whose print process is refused is refused too, where nothing else in
/// the file makes that process.
fn with_what_needs_it(judged: &mut [Judged]) {
    let all: Vec<Uses> = judged.iter().map(|one| uses(&one.text)).collect();
    let made = |judged: &[Judged], name: &String, lacking: bool| {
        let makes = |(one, uses): (&Judged, &Uses)| {
            (one.verdict == Verdict::Lacking) == lacking && uses.makes.as_ref() == Some(name)
        };
        judged.iter().zip(&all).any(makes)
    };
    // Each round may find one step more: a process, its devices, their locations.
    for _ in 0..3 {
        let refused: Vec<(usize, String)> = (0..judged.len())
            .filter(|at| judged[*at].verdict != Verdict::Lacking)
            .filter_map(|at| {
                let name = all[at].needs.iter().find(|name| made(judged, name, true) && !made(judged, name, false))?;
                Some((at, name.clone()))
            })
            .collect();
        for (at, name) in refused {
            judged[at].verdict = Verdict::Lacking;
            let text = format!("{} is lacking, so this is refused", escaped(&name));
            judged[at].notes.push(Note { text, warned: None });
        }
    }
}

/// Notes at the first declaration of each device that nothing in the file says where it is.
fn completed(mut judged: Vec<Judged>) -> Vec<Judged> {
    with_what_needs_it(&mut judged);
    let mut without: Vec<DeviceName> = Vec::new();
    let mut known: Vec<DeviceName> =
        judged.iter().filter(|one| one.verdict != Verdict::Lacking).filter_map(|one| has_address(&one.text)).collect();
    for one in &mut judged {
        let Some((device, typed)) = one.declares.take().filter(|(device, _)| !known.contains(device)) else { continue };
        one.notes.push(Note {
            text: format!(
                "{} needs an entry in FASTCNFG, or URI: a name alone leads to no printer here",
                escaped(&typed)
            ),
            warned: None,
        });
        one.verdict = one.verdict.max(Verdict::Differs);
        known.push(device.clone());
        without.push(device);
    }
    for one in judged.iter_mut().filter(|one| one.verdict != Verdict::Lacking) {
        if uses(&one.text).starts.is_some_and(|device| without.contains(&device)) {
            let text = "START is refused while its device has no address".to_owned();
            one.notes.push(Note { text, warned: None });
            one.verdict = one.verdict.max(Verdict::Differs);
        }
    }
    // One that the file declares, and of which it nowhere says where its jobs lie, would end there.
    let declares =
        |key| matches!(key, Key::Data | Key::File | Key::Cpu | Key::Backup | Key::Pri | Key::Unit | Key::Debug);
    let (declared, with_data) = (collectors(&judged, declares), collectors(&judged, |key| key == Key::Data));
    for one in &mut judged {
        let Some(name) = one.starts.take() else { continue };
        if declared.contains(&name) && !with_data.contains(&name) {
            one.notes.push(Note { text: "a collector starts without DATA too".into(), warned: None });
            one.verdict = one.verdict.max(Verdict::Differs);
        }
    }
    let mut programs: Vec<ProcessName> =
        judged.iter().filter(|one| one.verdict != Verdict::Lacking).filter_map(|one| has_program(&one.text)).collect();
    for one in &mut judged {
        let Some((process, typed)) = one.independent.take().filter(|(process, _)| !programs.contains(process)) else {
            continue;
        };
        one.notes.push(Note {
            text: format!(
                "{} needs FILE fastp, unless it has one: without a program its devices wait",
                escaped(&typed)
            ),
            warned: None,
        });
        one.verdict = one.verdict.max(Verdict::Differs);
        programs.push(process);
    }
    judged
}

// Entries of FASTCNFG

fn judge_entries(name: &str, path: &Path) -> Result<Vec<Judged>, Failure> {
    let cache = FileCache::default();
    let absolute = std::path::absolute(path).map_err(|error| Failure::new(FailureKind::Io, error.to_string()))?;
    let root = absolute.parent().unwrap_or(&absolute).to_owned();
    let report = entries::check(&absolute, &root, "", &|path| cache.read(path));
    if let Some(why) = report.unread {
        return Err(Failure::new(FailureKind::Io, why));
    }
    let (parsed, _) = cache.read(&absolute).map_err(|_| Failure::new(FailureKind::Io, "it cannot be read again"))?;
    let judged = |line: u32, text: String, verdict: Verdict| Judged {
        file: name.to_owned(),
        line: line as usize,
        text,
        verdict,
        notes: Vec::new(),
        hints: Vec::new(),
        declares: None,
        independent: None,
        starts: None,
    };
    let mut all: Vec<Judged> = Vec::new();
    let mut told: Vec<&EntryMistake> = Vec::new();
    for entry in &parsed.entries {
        let mut one = judged(entry.at.line, format!("DEVICE {}", entry.name), Verdict::Runs);
        match &entry.entry {
            Ok(entry) => one.text = format!("{}: {}", one.text, describe(entry, None)),
            Err(mistakes) => {
                one.verdict = Verdict::Lacking;
                one.hints.extend(mistakes.iter().filter_map(|mistake| mistake.hint.clone()));
                one.notes.extend(mistakes.iter().map(note_of));
                told.extend(mistakes);
            }
        }
        one.notes.extend(entry.notes.iter().map(note_of));
        told.extend(&entry.notes);
        if !one.notes.is_empty() {
            one.verdict = one.verdict.max(Verdict::Differs);
        }
        all.push(one);
    }
    for redirection in &parsed.redirections {
        let text = format!("FASTCNFG = {}", redirection.file.text);
        all.push(judged(redirection.at.line, text, Verdict::Runs));
    }
    for finding in &report.findings {
        if told.contains(&&finding.mistake) && finding.path == absolute {
            continue;
        }
        let verdict = if finding.note { Verdict::Differs } else { Verdict::Lacking };
        let mut one = judged(finding.mistake.at.line, String::new(), verdict);
        if finding.path != absolute {
            one.file = finding.path.to_string_lossy().into_owned();
        }
        one.notes.push(note_of(&finding.mistake));
        one.hints.extend(finding.mistake.hint.clone());
        all.push(one);
    }
    all.sort_by_key(|one| (one.file != name, one.file.clone(), one.line));
    Ok(all)
}

fn note_of(mistake: &EntryMistake) -> Note {
    Note { text: mistake.what.clone(), warned: None }
}

// What was found

fn as_text(judged: &[Judged]) -> String {
    let mut text = String::new();
    for one in judged {
        let command = escaped(&one.text.split_whitespace().collect::<Vec<_>>().join(" "));
        text.push_str(&format!("{}:{}: {}", escaped(&one.file), one.line, one.verdict.word()));
        if !command.is_empty() {
            text.push_str(&format!(": {command}"));
        }
        text.push('\n');
        for note in &one.notes {
            text.push_str(&format!("    {}\n", escaped(&note.text)));
        }
        for hint in &one.hints {
            text.push_str(&format!("    hint: {}\n", escaped(hint)));
        }
    }
    let count = |verdict| judged.iter().filter(|one| one.verdict == verdict).count();
    let [runs, differs, lacking] = [Verdict::Runs, Verdict::Differs, Verdict::Lacking].map(count);
    text.push_str(&format!("{} judged: {runs} run, {differs} differ, {lacking} lacking\n", judged.len()));
    text
}

fn as_json(judged: &[Judged]) -> String {
    let object = |one: &Judged| {
        let notes: Vec<_> = one.notes.iter().map(|note| json!({ "text": note.text, "warning": note.warned })).collect();
        let value = json!({
            "file": one.file,
            "line": one.line,
            "command": one.text,
            "verdict": one.verdict.word(),
            "notes": notes,
            "hints": one.hints,
        });
        printable::json(&value.to_string()).into_owned()
    };
    match judged {
        [] => "[]\n".to_owned(),
        all => format!("[\n{}\n]\n", all.iter().map(object).collect::<Vec<_>>().join(",\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fastcnfg_file_is_known_by_its_first_word() {
        for text in
            ["! a comment !\nDEVICE $LP", "device $LP contype = none", "SPOOLER $S FASTCNFG = f", "/* x */\nDEFAULT"]
        {
            assert!(is_fastcnfg(text), "{text}");
        }
        for text in ["", "SPOOLER, START", "SPOOLER", "COMMENT DEVICE\nDEV $LP", "DEV $LP, DRAIN", "/* only", "COMMENT"]
        {
            assert!(!is_fastcnfg(text), "{text}");
        }
    }

    #[test]
    fn every_command_is_judged_once_and_a_comment_never() {
        let text = "COMMENT x; DEV\nDEV $LP, PROCESS $SPLA, SPEED&\n 600; LOC #A, FOO; JOB\nRUN SPOOL / NAME $SPLS /\n\
                    PRINT $P, FILE $A.B.MINE\nJOB, HOLD\nJOB 5, CURRENT; JOB, HOLD, DELETE !\nFC\nEXIT\nNEVER READ\n";
        let judged = judge_commands("f", &mut text.as_bytes()).unwrap();
        insta::assert_snapshot!("judged", as_text(&judged));
        let json: serde_json::Value = serde_json::from_str(&as_json(&judged)).unwrap();
        assert_eq!(json.as_array().unwrap().len(), judged.len());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in "(DEV|JOB|LOC|SPOOLER| |,|;|\\$LP1|\\(|\\)|'|\\n|&|HOLD|PROCESS|\\PC){0,30}") {
            let judged = judge_commands("f", &mut text.as_bytes()).unwrap();
            proptest::prop_assert!(as_text(&judged).ends_with(" lacking\n"));
            is_fastcnfg(&text);
        }
    }
}
