//! Reading a PIN or the number of a card: from standard input, or at a terminal that does not show it. Never from the command line, which others can see.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use crate::commands::pd::{Shell, Stop};
use crate::model::bank::CardNumber;
use crate::model::station::Pin;
use crate::model::{Failure, FailureKind};
use crate::sys::terminal;

/// Octets of the longest line that is read.
const MOST: u64 = 1024;
/// Octets of the longest line that a terminal gives.
const LONGEST_LINE: usize = 4096;

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

/// Reads the number of a card. At a terminal it is asked for once: a reader types it.
///
/// # Errors
/// There is none, or it is no number of a card.
pub fn read_card(shell: &mut Shell<'_>) -> Result<CardNumber, Stop> {
    let typed = match (shell.input_is_terminal, shell.terminal) {
        (true, Some(path)) => {
            let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", path.display()));
            let mut terminal = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
            ask(&mut terminal, path, "Card: ")?
        }
        _ => line_of(&mut *shell.input),
    };
    let none = || {
        Failure::new(FailureKind::BadValue, "no number of a card came on standard input")
            .hint("at a terminal pdset -c user --card NAME asks for it")
    };
    let card = CardNumber::new(&typed.ok_or_else(none)?);
    if card.is_empty() {
        return Err(none().into());
    }
    card.check()?;
    Ok(card)
}

fn ask(terminal: &mut File, path: &Path, question: &str) -> Result<Option<String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", path.display()));
    match hidden(terminal, question).map_err(failed)? {
        Typed::Line(line) => Ok(Some(line)),
        Typed::Nothing => Ok(None),
        Typed::Interrupt => Err(Failure::new(FailureKind::BadValue, "interrupted: nothing was changed")),
    }
}

fn asked_at(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(FailureKind::Io, format!("{}: {error}", path.display()));
    let mut terminal = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let first = ask(&mut terminal, path, "PIN: ")?;
    let second = ask(&mut terminal, path, "PIN again: ")?;
    match first == second {
        true => Ok(first),
        false => Err(Failure::new(FailureKind::BadValue, "the two PINs differ: nothing was changed")),
    }
}

/// What somebody did at a terminal.
enum Typed {
    Line(String),
    /// The end of input, or no text.
    Nothing,
    /// A key that ends a program otherwise.
    Interrupt,
}

/// Asks at a terminal that does not show what is typed.
fn hidden(terminal: &mut File, question: &str) -> std::io::Result<Typed> {
    let before = terminal::hide_input(terminal.as_fd())?;
    let typed = terminal.write_all(question.as_bytes()).and_then(|()| {
        // A terminal gives one line at a time. What is typed ahead stays with it.
        let mut line = [0; LONGEST_LINE];
        let octets = loop {
            match terminal.read(&mut line) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let line = &line[..octets];
        Ok(match String::from_utf8(line.to_vec()) {
            _ if line.iter().any(|octet| before.is_interrupt(*octet)) => Typed::Interrupt,
            Ok(line) if !line.is_empty() => Typed::Line(line),
            _ => Typed::Nothing,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::openpty;
    use nix::sys::termios::tcgetattr;
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Types at a terminal what belongs to each question, and returns what came of it, and whether the terminal is as it was.
    fn typed(answers: &[&[u8]]) -> (Result<Option<String>, Failure>, bool) {
        let pty = openpty(None, None).unwrap();
        let path: PathBuf = nix::unistd::ttyname(&pty.slave).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let mut keyboard = File::from(pty.master);
        let (done, result) = mpsc::channel();
        std::thread::spawn(move || done.send(asked_at(&path)));
        for answer in answers {
            let mut shown = Vec::new();
            // The question is shown after the terminal has forgotten what was typed before it.
            while !shown.ends_with(b": ") {
                let mut octet = [0];
                keyboard.read_exact(&mut octet).unwrap();
                shown.push(octet[0]);
            }
            keyboard.write_all(answer).unwrap();
        }
        let result = result.recv_timeout(Duration::from_secs(60)).unwrap();
        (result, tcgetattr(&pty.slave).unwrap() == before)
    }

    #[test]
    fn a_pin_is_typed_twice_and_the_keys_that_end_a_program_change_nothing_and_leave_the_terminal_as_it_was() {
        assert_eq!(typed(&[b"4071\n", b"4071\n"]), (Ok(Some("4071\n".into())), true));
        let differ = typed(&[b"4071\n", b"4072\n"]);
        assert!(differ.1 && differ.0.unwrap_err().message.contains("differ"));
        // Control-C and Control-\ at once, Control-Z with the end of the line; also at the second question.
        for answers in [&[b"40\x03" as &[u8]] as &[&[u8]], &[b"\x1c"], &[b"40\x1a71\n"], &[b"4071\n", b"4071\x03"]] {
            let (result, as_it_was) = typed(answers);
            assert_eq!(result.unwrap_err().message, "interrupted: nothing was changed", "{answers:?}");
            assert!(as_it_was, "{answers:?}");
        }
        assert_eq!(typed(&[b"\x04", b"\x04"]), (Ok(None), true));
    }
}
