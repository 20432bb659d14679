//! `pdlint`: says what of an InfoPrint site runs here, and writes the commands that make its objects.
//!
//! Nothing is run, no spool is opened, and no file but those that are named, and attributes files beside them, is read.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, ValueEnum, ValueHint};
use serde_json::json;

use crate::attributes::text::escaped;
use crate::commands::pd::command_line::attribute_files::read_bounded;
use crate::commands::pd::command_line::options::Names;
use crate::commands::pd::lint::dump::{self, Making};
use crate::commands::pd::lint::{self, Finding, Kind, Verdict};
use crate::commands::pd::runner::{CommandLine, Verb};
use crate::commands::pd::{Exit, Shell, Stop, clock};
use crate::model::printable;

const PROGRAM: &str = "pdlint";

/// Say what of an InfoPrint site runs here.
///
/// Shell scripts, attributes files and what pdls -r all has written of destinations, queues and the server are read. Line by
/// line it is said what runs as it stands, what differs, and what lacks something here, with what to do instead. Nothing is
/// run: a command is read by the command itself, and where only a run tells a value, values are tried. With --make the commands
/// that make the queues and destinations of the dumps are written, as a shell script.
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, max_term_width = 100)]
pub struct Arguments {
    /// What the files are, where their look does not tell
    #[arg(short = 'k', long = "kind", value_name = "KIND")]
    kind: Option<KindWord>,
    /// Only what differs and what lacks something
    #[arg(short = 'q', long)]
    quiet: bool,
    /// Write the commands that make the objects of dumps
    #[arg(long)]
    make: bool,
    /// Name of the server in these commands; otherwise as the dump says
    #[arg(long, value_name = "NAME", requires = "make", value_parser = NonEmptyStringValueParser::new())]
    server: Option<String>,
    /// Show the result as JSON
    #[arg(long, conflicts_with = "make")]
    json: bool,
    /// Files to read; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    sources: Vec<OsString>,
}

/// A kind of files.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindWord {
    /// Shell scripts.
    Script,
    /// Attributes files.
    Attributes,
    /// What pdls has written of objects, in line style.
    Dump,
}

/// Its row among the commands.
pub const VERB: Verb = Verb {
    name: PROGRAM,
    definition: Arguments::command,
    help: || {
        "Exit status:\n  0  Everything runs, perhaps differently\n  1  Something lacks here, or a file cannot be read\n  \
         2  The command line is wrong\n"
            .to_owned()
    },
    names: Names::SETS_NONE,
    settings: &[],
    act: look,
};

/// Runs `pdlint` with `words`, the program's name not among them.
pub fn run(words: &[OsString], shell: &mut Shell<'_>) -> Exit {
    VERB.run(words, shell)
}

fn look(line: CommandLine, shell: &mut Shell<'_>) -> Result<Exit, Stop> {
    let matches = &line.matches;
    let clock = clock(shell);
    let (quiet, make, json) = (matches.get_flag("quiet"), matches.get_flag("make"), matches.get_flag("json"));
    let (mut making, mut exit, mut all) = (Making::default(), Exit::Done, Vec::new());
    for name in matches.get_many::<OsString>("sources").into_iter().flatten() {
        let path = shell.cwd.join(name);
        let octets = match name == "-" {
            true => {
                let mut octets = Vec::new();
                Read::take(&mut shell.input, 1 << 20).read_to_end(&mut octets)?;
                octets
            }
            false => match read_bounded(&path) {
                Ok(octets) => octets,
                Err(stop) => {
                    if let Stop::Usage(failure) | Stop::Failed(failure) = stop {
                        exit = exit.max(shell.report(PROGRAM, &failure));
                    }
                    continue;
                }
            },
        };
        let text = String::from_utf8_lossy(&octets);
        let kind = match matches.get_one::<KindWord>("kind") {
            Some(KindWord::Script) => Kind::Script,
            Some(KindWord::Attributes) => Kind::Attributes,
            Some(KindWord::Dump) => Kind::Dump,
            None => lint::kind_of(&text),
        };
        let findings = match kind {
            Kind::Script => lint::script(&text, path.parent().unwrap_or(Path::new("/")), super::VERBS, shell),
            Kind::Attributes => lint::attributes(&text, &clock),
            Kind::Dump => {
                dump::objects(&text).iter().for_each(|object| making.take(object, &clock));
                let mut findings = std::mem::take(&mut making.findings);
                findings.sort_by_key(|one| one.line);
                findings
            }
        };
        let name = name.to_string_lossy().into_owned();
        all.extend(findings.into_iter().map(|finding| (name.clone(), finding)));
    }
    let of = |verdict: Verdict| all.iter().filter(|one| one.1.verdict == verdict).count();
    if of(Verdict::Lacks) > 0 {
        exit = exit.max(Exit::Failed);
    }
    if json {
        let rows: serde_json::Value = all.iter().map(|(name, one)| as_json(name, one)).collect();
        writeln!(shell.out, "{}", printable::json(&format!("{rows:#}")))?;
        return Ok(exit);
    }
    if make {
        write!(shell.out, "{}", making.commands(matches.get_one::<String>("server").map(String::as_str)))?;
        // What could not be taken over is said beside the commands.
        for (name, one) in all.iter().filter(|one| one.1.verdict == Verdict::Lacks) {
            let _ = writeln!(shell.err, "{}", shown(name, one));
        }
        return Ok(exit);
    }
    for (name, one) in all.iter().filter(|one| !quiet || one.1.verdict != Verdict::Runs) {
        writeln!(shell.out, "{}", shown(name, one))?;
    }
    if !quiet {
        let (runs, differs, lacks) = (of(Verdict::Runs), of(Verdict::Differs), of(Verdict::Lacks));
        writeln!(shell.out, "{runs} run, {differs} differ, {lacks} lack something")?;
        if !making.is_empty() {
            let (queues, destinations) = making.counts();
            writeln!(
                shell.out,
                "{PROGRAM} --make FILE   writes the commands that make {queues} queues and {destinations} destinations"
            )?;
        }
    }
    Ok(exit)
}

fn shown(name: &str, one: &Finding) -> String {
    format!("{}:{}: {}: {}", escaped(name), one.line, one.verdict.word(), escaped(&one.text))
}

fn as_json(name: &str, one: &Finding) -> serde_json::Value {
    json!({ "file": name, "line": one.line, "verdict": one.verdict.word(), "text": one.text })
}
