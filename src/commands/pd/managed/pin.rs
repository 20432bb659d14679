//! Reading a PIN: from standard input, or at a terminal that does not show it. Never from the command line, which others can see.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use crate::commands::pd::{Shell, Stop};
use crate::model::station::Pin;
use crate::model::{Failure, FailureKind};
use crate::sys::terminal;

/// Octets of the longest line that is read.
const MOST: u64 = 1024;

/// Reads a PIN. At a terminal it is asked for twice.
///
/// # Errors
/// There is none, it is no PIN, or the two differ.
pub fn read(shell: &mut Shell<'_>) -> Result<Pin, Stop> {
    let typed = match (shell.input_is_terminal, shell.terminal) {
        (true, Some(path)) => asked_at(path)?,
        _ => line_of(&mut *shell.input),
    };
    let none = || {
        Failure::new(FailureKind::BadValue, "no PIN came on standard input")
            .hint("at a terminal pdset -c user --pin NAME asks for it")
    };
    let pin = Pin::new(&typed.ok_or_else(none)?);
    pin.check()?;
    Ok(pin)
}

fn asked_at(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", path.display()));
    let mut terminal = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let first = hidden(&mut terminal, "PIN: ").map_err(failed)?;
    let second = hidden(&mut terminal, "PIN again: ").map_err(failed)?;
    match first == second {
        true => Ok(first),
        false => Err(Failure::new(FailureKind::BadValue, "the two PINs differ: nothing was changed")),
    }
}

/// Asks at a terminal that does not show what is typed.
fn hidden(terminal: &mut File, question: &str) -> std::io::Result<Option<String>> {
    let before = terminal::hide_input(terminal.as_fd())?;
    let typed = terminal.write_all(question.as_bytes()).and_then(|()| {
        // A reader of its own for each question: what is typed ahead stays with the terminal, which gives one line at a time.
        Ok(line_of(&mut BufReader::new(terminal.try_clone()?)))
    });
    terminal::show_input(terminal.as_fd(), &before)?;
    let _ = terminal.write_all(b"\n");
    typed
}

fn line_of(input: &mut dyn BufRead) -> Option<String> {
    let mut line = Vec::new();
    match Read::take(input, MOST).read_until(b'\n', &mut line) {
        Ok(n) if n > 0 => String::from_utf8(line).ok(),
        _ => None,
    }
}
