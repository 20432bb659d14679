//! The writer of docs/messages.md: what the programs say when something goes wrong, from the tables that they use.

use std::fmt::Write;

use spoolsuite::commands::pd::messages;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom::language::messages::{MESSAGES, Subject, WARNINGS, message};
use spoolsuite::model::guardian::{DeviceError, ProcessError};
use spoolsuite::model::state::HoldReasons;
use spoolsuite::model::{Failure, FailureKind, JobRef, Serial};

const HEAD: &str = "\
# Messages

<!-- Written by `UPDATE=1 cargo test --test suite generated::` from the tables of the programs. -->

A message has up to three parts: what happened, what it happened to and why, and hints. `spoolcom` says the first as a line in upper
case that operators know, and the rest below it; the `pd` commands say `command: NNNN-NNN object: why`. Messages go to standard error.
What failed changed nothing, unless its outcome is called unknown.

## Exit statuses

| status | meaning |
|---|---|
";

const SPOOLCOM: &str = "
## spoolcom

A small `number` stands for the number of a job. Where a message has no remedy of its own, its hints depend on the case.

| message | cause | remedy |
|---|---|---|
";

const WARNED: &str = "
## Warnings of spoolcom

What was asked for is done, or under way, and the status is that of the rest. A small word stands for what was typed, or for a name or number.

| message | cause |
|---|---|
";

const PD: &str = "
## pd commands

An error is one line, `command: NNNN-NNN text`, with hints below it that begin with two blanks. The number stands behind the name of the command and
before the text, which is what it was before there were numbers: a script that looks for words in it goes on. For one that compares whole lines
`PD_MESSAGE_NUMBERS=no` leaves the numbers out. `pdmsg NUMBER` explains a message. Numbers of 5010 are those of InfoPrint; those of 9100 (commands) and 9900
(notifications) are ours, and keep their meanings. `____` stands for what differs from case to case. Of several that fit, the one above counts; those whose text is `____` alone are for everything else of
their kind.

| number | text | meaning | what happens | what helps |
|---|---|---|---|---|
";

const FAILURES: &str = "
## Kinds of failure

Every failed operation is of one of these kinds, whatever language asked. The second column is the line of `spoolcom` for an object, the
third that for a job where it differs.

| kind | spoolcom | for a job | meaning | status |
|---|---|---|---|---|
";

const HOLDS: &str = "
## Why a job is held

Keywords are values of `job-state-reasons`; several may hold a job at once. START of `spoolcom` clears those that are marked.

| keyword | meaning | START clears it |
|---|---|---|
";

const DEVICES: &str = "
## Device errors

`DEV` shows `ERROR %` with the number in octal, JSON in decimal. A device whose error is retried heals by itself; the others are OFFLINE
until DEV START, or until their RESTART is due (docs/devices.md). Where a number has several meanings, the text of the error is one of them.
An error whose text begins with FASTCNFG is retried whatever its number.

| octal | decimal | meaning | retried |
|---|---|---|---|
";

const PROCESSES: &str = "
## Errors of print processes

`PRINT` shows them in the same way. `PRINT name, START` clears the error; of a process that could not be started, new work clears it
too.

| octal | decimal | meaning |
|---|---|---|
";

/// The text of docs/messages.md.
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    // Writing to a string cannot fail.
    for (exit, meaning) in [
        (Exit::Done, "everything was done"),
        (Exit::Failed, "at least one object failed or was not found"),
        (Exit::Usage, "the command line is wrong; nothing was changed, and of a command file nothing was carried out"),
        (Exit::Unreachable, "the spool or server cannot be reached, or must not be used"),
    ] {
        let _ = writeln!(text, "| {} | {meaning} |", exit as u8);
    }
    text.push_str(SPOOLCOM);
    for (_, line, cause, remedy) in MESSAGES {
        let _ = writeln!(text, "| `{line}` | {} | {} |", cell(cause), cell(remedy));
    }
    text.push_str(WARNED);
    for (line, cause) in WARNINGS {
        let _ = writeln!(text, "| `WARNING: {}` | {} |", line.replace(['{', '}'], ""), cell(cause));
    }
    text.push_str(PD);
    for one in messages::all() {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            one.number,
            cell(&one.text),
            cell(&one.explanation),
            cell(one.action),
            cell(one.response)
        );
    }
    text.push_str(FAILURES);
    let job = Subject::Job(JobRef::Serial(Serial(0)));
    for kind in FailureKind::ALL {
        let meaning = kind.meaning();
        let (object, of_job) = (message(*kind, &Subject::Object).text(), message(*kind, &job).text());
        let of_job = if of_job == object { String::new() } else { format!("`{of_job}`") };
        let exit = Exit::of(&Failure::new(*kind, "")) as u8;
        let _ = writeln!(text, "| {kind:?} | `{object}` | {of_job} | {} | {exit} |", cell(meaning));
    }
    text.push_str(HOLDS);
    for reason in HoldReasons(u32::MAX).iter() {
        let clears = if HoldReasons::CLEARED_BY_START.has(reason) { "yes" } else { "" };
        let _ = writeln!(text, "| `{}` | {} | {clears} |", reason.keyword(), cell(reason.words()));
    }
    text.push_str(DEVICES);
    for (number, words, retried) in DeviceError::by_number() {
        let _ =
            writeln!(text, "| %{number:o} | {number} | {} | {} |", cell(&words), if retried { "yes" } else { "no" });
    }
    text.push_str(PROCESSES);
    for error in ProcessError::ALL {
        let _ = writeln!(text, "| %{0:o} | {0} | {1} |", error.number(), cell(error.words()));
    }
    text
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Tells whether a text of the sources is one of the table: what stands in braces may be anything.
fn is_known(text: &str) -> bool {
    WARNINGS.iter().any(|(line, _)| {
        let mut rest = text;
        let mut parts = line.split(['{', '}']).enumerate().filter(|(n, _)| n % 2 == 0).map(|(_, part)| part);
        parts.all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    })
}

/// Every literal in the sources of `spoolcom` that begins with WARNING must stand in the table, with its cause.
pub fn warnings_without_a_row(dir: &std::path::Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            warnings_without_a_row(&path, found)?;
            continue;
        }
        if path.extension().is_none_or(|ext| ext != "rs") || path.to_string_lossy().ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in text.split("\"WARNING: ").skip(1) {
            let line = literal.split(['"', '\\']).next().unwrap_or_default();
            // What one begins with is looked for elsewhere.
            if !line.ends_with("} ") && !is_known(line) {
                found.push(format!("{}: {line}", path.display()));
            }
        }
    }
    Ok(())
}
