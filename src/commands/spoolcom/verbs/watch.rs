//! WATCH: the live screen. It is a program of its own, `spoolwatch`, so that nothing of what draws it reaches this one.

use std::io::Write;

use crate::commands::plain;
use crate::commands::shell::Exit;
use crate::commands::spoolcom::language::messages::{Message, Subject};
use crate::commands::spoolcom::language::report::{print_failure, usage};
use crate::model::{Failure, FailureKind};
use crate::sys::spawn;

/// The program.
const PROGRAM: &str = "spoolwatch";

/// What is said where more than WATCH stands on a command line.
pub const ALONE: &str = "WATCH stands alone on a command line";

/// What shows the same where there is no terminal.
const ELSEWHERE: [&str; 2] =
    ["spoolcom CHECK   says what is wrong", "pdls --follow   shows jobs again whenever something has changed"];

/// Makes the failure of a WATCH in a command file or at the prompt.
pub fn not_alone() -> Failure {
    Failure::new(FailureKind::Unsupported, ALONE).hint("spoolcom WATCH")
}

/// Becomes the screen, on the spooler at `place`. Returns only when it cannot.
pub fn start(place: Option<&str>, at_terminal: bool, err: &mut dyn Write) -> Exit {
    if !at_terminal {
        let what = "WATCH draws on a terminal, and standard input or output is none";
        return usage(err, Message::Syntax, what, &ELSEWHERE);
    }
    let words: Vec<&str> = place.into_iter().flat_map(|place| ["--spooler", place]).collect();
    let error = spawn::become_program(PROGRAM, &words);
    let why = format!("the program {PROGRAM} cannot be started: {}", plain(&error));
    let mut failure = Failure::new(FailureKind::Unsupported, why)
        .hint("cargo install --path crates/spoolwatch   installs it beside spoolcom");
    failure.hints.extend(ELSEWHERE.map(str::to_owned));
    print_failure(err, "WATCH", &failure, &Subject::Object);
    Exit::Failed
}
