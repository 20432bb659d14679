//! Failures and mistakes as they are printed: a line in upper case, the cause below it, hints.

use std::io::Write;

use crate::commands::shell::Exit;
use crate::model::Failure;
use crate::model::printable::{escaped, is_harmful};

use super::messages::{Message, Subject, message};
use super::mistake::Mistake;

/// Prints a failure: its line, `place` with the cause, and the hints. `place` is the failed command, and may be empty.
pub fn print_failure(err: &mut dyn Write, place: &str, failure: &Failure, subject: &Subject) {
    let message = message(failure.kind, subject);
    let line = match subject {
        Subject::Job(job) | Subject::SeenJob(job) => message.text().replace("number", &job.to_string()),
        Subject::Out(error) => message.text().replace("number", &error.to_string()),
        _ => message.text().to_owned(),
    };
    let separator = if place.is_empty() { "" } else { ": " };
    // A closed standard error must not turn into a second failure.
    let _ = writeln!(err, "{line}\n  {}{separator}{}", escaped(place), escaped(&failure.message));
    print_hints(err, &failure.hints, message);
}

/// Prints a mistake: its line, the command with a caret below the column, what was expected, and the hints.
pub fn print_mistake(err: &mut dyn Write, number: Option<usize>, line: &str, mistake: &Mistake) {
    let (shown, column) = window(line, mistake.span.start);
    let number = number.map(|n| format!("line {n}: ")).unwrap_or_default();
    let indent = number.chars().count() + column;
    let _ = writeln!(
        err,
        "{}\n  {number}{shown}\n  {:indent$}^\n  {}",
        mistake.message.text(),
        "",
        escaped(&mistake.explanation)
    );
    print_hints(err, &mistake.hints, mistake.message);
}

fn print_hints(err: &mut dyn Write, hints: &[String], message: Message) {
    for hint in hints {
        let _ = writeln!(err, "  hint: {}", escaped(hint));
    }
    if let (true, Some(remedy)) = (hints.is_empty(), message.remedy()) {
        let _ = writeln!(err, "  hint: {remedy}");
    }
}

/// The most characters of a line that are shown around a mistake.
const WINDOW: usize = 100;

/// Returns the printable part of `line` around octet `at`, and the column of `at` in it.
fn window(line: &str, at: usize) -> (String, usize) {
    let printable = |c: char| if is_harmful(c) { ' ' } else { c };
    let chars: Vec<char> = line.chars().map(printable).collect();
    let column = line.char_indices().take_while(|(i, _)| *i < at).count();
    let first = if chars.len() <= WINDOW { 0 } else { column.saturating_sub(WINDOW / 2).min(chars.len() - WINDOW) };
    let last = (first + WINDOW).min(chars.len());
    let (before, after) = (if first > 0 { "…" } else { "" }, if last < chars.len() { "…" } else { "" });
    let shown: String = chars[first..last].iter().collect();
    (format!("{before}{shown}{after}"), column - first + before.chars().count())
}

/// Prints a mistake of the command line, and returns the exit status for it.
pub fn refuse(err: &mut dyn Write, number: Option<usize>, line: &str, mistake: &Mistake) -> Exit {
    print_mistake(err, number, line, mistake);
    Exit::Usage
}

/// Prints a mistake that has no place in a command.
pub fn usage(err: &mut dyn Write, message: Message, what: &str, hints: &[&str]) -> Exit {
    // A closed standard error must not turn into a second failure.
    let _ = writeln!(err, "{}\n  {}", message.text(), escaped(what));
    for hint in hints {
        let _ = writeln!(err, "  hint: {hint}");
    }
    Exit::Usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_window_always_holds_the_column(line in "\\PC{0,300}", at in 0usize..400) {
            let (shown, column) = window(&line, at);
            prop_assert!(column <= shown.chars().count());
            prop_assert!(shown.chars().count() <= WINDOW + 2);
        }
    }
}
