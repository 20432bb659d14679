//! Asking at a terminal before something is deleted.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use crate::commands::pd::Shell;
use crate::model::{Failure, FailureKind};

/// Returns whether the caller wants to be asked: unless PD_CONFIRM_DELETE=no.
pub fn is_wanted(shell: &Shell<'_>) -> bool {
    (shell.env)("PD_CONFIRM_DELETE").is_none_or(|word| !word.eq_ignore_ascii_case("no"))
}

/// Asks `question` at a terminal, and fails unless the answer is yes: `undone` says what was not done then, `hint` how it is done
/// without asking.
///
/// # Errors
/// The answer was no, or nobody can be asked.
pub fn demand(shell: &mut Shell<'_>, question: &str, undone: &str, hint: &str) -> Result<(), Failure> {
    let failure = |why: &str| Failure::new(FailureKind::State, format!("{undone}: {why}"));
    match ask(shell, &format!("{question} [y/N] ")) {
        Some(true) => Ok(()),
        Some(false) => Err(failure("the answer was no")),
        None => Err(failure("nobody confirmed it").hint(hint)),
    }
}

/// Asks `question` at a terminal: true for y and yes, false for every other answer, none where nobody can be asked.
pub fn ask(shell: &mut Shell<'_>, question: &str) -> Option<bool> {
    // Standard input that is no terminal is left alone: in a `while read` loop it holds the next objects, not an answer.
    let answer = match (shell.input_is_terminal, shell.terminal) {
        (true, _) => {
            let _ = shell.err.write_all(question.as_bytes()).and_then(|()| shell.err.flush());
            let answer = line_of(&mut *shell.input);
            if answer.is_none() {
                let _ = writeln!(shell.err);
            }
            answer
        }
        (false, Some(path)) => asked_at(path, question),
        (false, None) => None,
    };
    answer.map(|answer| matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks at the terminal `path`; none when it cannot be asked or ends.
fn asked_at(path: &Path, question: &str) -> Option<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(path).ok()?;
    terminal.write_all(question.as_bytes()).ok()?;
    line_of(&mut BufReader::new(terminal))
}

/// Reads a line; none at the end of the input.
fn line_of(input: &mut dyn BufRead) -> Option<String> {
    let mut answer = Vec::new();
    match Read::take(input, 1024).read_until(b'\n', &mut answer) {
        Ok(n) if n > 0 => Some(String::from_utf8_lossy(&answer).into_owned()),
        _ => None,
    }
}
