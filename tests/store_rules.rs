//! The ten rules of the store (`src/store/mod.rs`), where a reading of the source can hold them. What a reading cannot tell,
//! builds with debug assertions do: `src/store/sqlite/rules.rs` (what is locked before it is read, who touches files inside a
//! change), and `src/spool/tests/counters.rs`, where every change runs twice.

use std::fs;
use std::path::{Path, PathBuf};

/// The files below `dir` with their text, without the tests at their end.
fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !path.components().any(|c| c.as_os_str() == "tests")
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("\n#[cfg(test)]").next().unwrap().to_owned();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Columns that hold a state, a wish or a yes or no, and never a number that means what it says.
const STATES: &[&str] = &[
    "state",
    "wish",
    "reasons",
    "running",
    "is_open",
    "arriving",
    "retained",
    "duplicate",
    "broadcast",
    "untouched",
    "stopped_by_error",
    "hold_after",
    "manager_access",
    "only_device",
];

/// Whether `text` compares a column of [`STATES`] with a digit, or sets it to one.
fn state_in_digits(text: &str) -> Option<String> {
    for column in STATES {
        for (at, _) in text.match_indices(column) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = text[at + column.len()..].trim_start();
            let operators = ["=", "<>", "!=", "IN (", "NOT IN ("];
            let operand = operators.iter().find_map(|operator| rest.strip_prefix(operator));
            if operand.is_some_and(|operand| operand.trim_start().starts_with(|c: char| c.is_ascii_digit())) {
                return Some(text[at..].chars().take(40).collect());
            }
        }
    }
    None
}

#[test]
fn no_statement_says_a_state_in_digits() {
    assert!(state_in_digits("WHERE e.state IN (1, 2)").is_some() && state_in_digits("SET wish = 0").is_some());
    assert!(state_in_digits("WHERE state IN (?, ?) AND last_state = 1").is_none());
    for dir in ["src/store", "src/spool"] {
        for (path, text) in sources(dir) {
            // A step from one schema to the next is of its time for ever.
            if !path.ends_with("store/schema.rs") {
                assert_eq!(state_in_digits(&text), None, "{}", path.display());
            }
        }
    }
}

/// What stands between the parenthesis that `text` begins behind and the one that closes it.
fn inside(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The changes of a file, as they are written: the arguments of each call that carries one out.
fn changes(text: &str) -> Vec<&str> {
    let calls = ["self.change(", "spool.change(", "store.write(", "store.create("];
    calls.iter().flat_map(|call| text.match_indices(call).map(|(at, call)| inside(&text[at + call.len()..]))).collect()
}

#[test]
fn a_change_touches_rows_only_and_catches_no_error() {
    let forbidden = [
        // Files, processes, the users of the machine.
        "fs::",
        "File::",
        "files::",
        "symlink",
        "rename(",
        "remove_",
        "put_aside",
        "Mark::read",
        "attend(",
        "kill(",
        "users::",
        "locks::",
        "ballast::",
        "self.sweep",
        // The time is that of the transaction.
        "Moment::",
        "Instant::",
        "clock(",
        // Errors of the store. Whether `unwrap_or` hides one or stands behind an option a reading cannot tell.
        ".ok()",
        ".is_err()",
        ".is_ok()",
        "if let Ok",
        "if let Err",
        "Err(_)",
        "Err(failure) if",
        "let _ =",
    ];
    let mut seen = 0;
    for (path, text) in sources("src/spool") {
        for change in changes(&text) {
            seen += 1;
            for word in forbidden {
                assert!(!change.contains(word), "{}: '{word}' in a change: {change}", path.display());
            }
        }
    }
    assert!(seen > 25, "only {seen} changes were found: have they another name now?");
}

#[test]
fn no_display_counts_rows_without_a_limit() {
    // Counting everything is the work of these: pdfsck and what mends a spool.
    let counts_all = ["store/tally.rs", "store/schema.rs", "sqlite/backup.rs"];
    for (path, text) in sources("src/store") {
        for (at, _) in text.match_indices("count(") {
            let statement: String = text[at..].chars().take(300).collect();
            if !statement.starts_with("count(tx") && !statement.starts_with("count(&") && statement.contains("FROM") {
                let statement = statement.split('"').next().unwrap();
                let limited = statement.contains("LIMIT") || counts_all.iter().any(|end| path.ends_with(end));
                assert!(limited || !text[..at].ends_with("SELECT "), "{}: {statement}", path.display());
            }
        }
    }
}
