//! The prompt: a session of lines until EXIT, Ctrl-D or the end of the terminal.
//!
//! A mistake, a failure or a missing spool ends the line, never the session, whose status is 0. While the user types,
//! the session holds no transaction and no writer's lock, only what an open spool always holds. Ctrl-C clears the line;
//! during a display, a list of commands or a waiting DRAIN it returns to the prompt.
//!
//! An earlier line can be edited in two ways: behind the arrow keys, and by FC, which shows it and takes an edit line beneath
//! it (`template`) until RETURN alone carries it out.

pub mod complete;
pub mod history;
pub mod keyboard;
pub mod template;
pub mod terminal;

use std::cell::RefCell;
use std::ffi::OsString;
use std::io;

use crate::commands::shell::Exit;
use crate::model::{Failure, FailureKind};
use crate::sys::{clock, interrupt, users};

use super::language::continuation::Whole;
use super::language::messages::Subject;
use super::language::report::print_failure;
use super::runner::Runner;
use super::statement::{Flow, Statement, read_line, without_fc};
use history::History;
use keyboard::{Keyboard, Typed};
use terminal::Terminal;

/// When this version was released, `ddMMMyyyy`.
const RELEASED: &str = "UNRELEASED";

/// Runs the prompt at the terminal of standard input.
pub fn at_terminal(mut runner: Runner<'_, '_>, env: &dyn Fn(&str) -> Option<OsString>, out_is_terminal: bool) -> Exit {
    if let Err(error) = interrupt::catch() {
        let failure = Failure::new(FailureKind::Io, format!("Ctrl-C cannot be caught: {error}"));
        return runner.session.report("", failure.into());
    }
    if runner.session.err_is_terminal {
        // A closed standard error must not turn into a failure.
        let _ = writeln!(runner.session.err, "{}", banner(&users::host()));
    }
    let mut history = History::load(history::path(env)).unwrap_or_else(|error| {
        runner.session.hint(&not_kept(&error));
        History::default()
    });
    let runner = RefCell::new(runner);
    let mut terminal = match Terminal::new(&runner, out_is_terminal) {
        Ok(terminal) => terminal,
        Err(failure) => return runner.borrow_mut().session.report("", failure.into()),
    };
    terminal.recall(&history);
    sit(&runner, &mut terminal, &mut history, clock::wall_ms)
}

fn banner(node: &str) -> String {
    let (version, node) = (env!("CARGO_PKG_VERSION"), node.to_ascii_uppercase());
    format!("SPOOLCOM - spoolsuite {version} - ({RELEASED})   SYSTEM \\{node}\nHELP lists the commands, EXIT ends")
}

fn not_kept(error: &io::Error) -> String {
    format!("the history of this session is not kept: {error}")
}

/// Executes line after line.
pub fn sit(
    runner: &RefCell<Runner<'_, '_>>,
    keyboard: &mut dyn Keyboard,
    history: &mut History,
    now_ms: fn() -> i64,
) -> Exit {
    let mut whole = Whole::default();
    // What FC made, which is carried out as if it were typed.
    let mut again: Option<String> = None;
    loop {
        let typed = match again.take().map_or_else(|| keyboard.read(""), |line| Ok(Typed::Line(line))) {
            Ok(Typed::Line(line)) => line,
            Ok(Typed::Interrupted) => {
                whole.end();
                continue;
            }
            Ok(Typed::End) => break,
            Err(failure) => {
                let mut runner = runner.borrow_mut();
                print_failure(runner.session.err, "", &failure, &Subject::Object);
                return runner.finish(Exit::Failed);
            }
        };
        let mut lent = runner.borrow_mut();
        lent.session.now_ms = now_ms();
        // Pasted text may be several lines.
        for line in typed.lines() {
            let Some(line) = &whole.add(line) else { continue };
            let read = read_line(line, None, &mut lent.session.current.known());
            if let [Ok(Statement::Fc(fc))] = &read[..] {
                let earlier = edited(&mut lent, history, fc.beginning.as_deref());
                drop(lent);
                again = match earlier {
                    Some(line) => change(runner, keyboard, line),
                    None => None,
                };
                break;
            }
            remember(&mut lent, keyboard, history, line);
            let read = read.into_iter().map(|read| read.and_then(without_fc)).collect();
            let flow = lent.execute_line(&read, line, None).1;
            if flow == Flow::Stop {
                return lent.finish(Exit::Done);
            }
            if (lent.session.interrupted)() {
                break;
            }
        }
    }
    runner.borrow_mut().finish(Exit::Done)
}

/// Shows a line and changes it by edit lines until RETURN alone says that it is right; none when it is given up.
fn change(runner: &RefCell<Runner<'_, '_>>, keyboard: &mut dyn Keyboard, mut line: String) -> Option<String> {
    loop {
        match keyboard.read_beneath(&line) {
            Ok(Typed::Line(typed)) if typed.trim().is_empty() => return Some(line),
            Ok(Typed::Line(typed)) => line = template::edited(&line, &typed),
            Ok(Typed::Interrupted | Typed::End) => return None,
            Err(failure) => {
                let mut runner = runner.borrow_mut();
                print_failure(runner.session.err, "FC", &failure, &Subject::Object);
                return None;
            }
        }
    }
}

/// Returns the line that FC offers for editing.
fn edited(runner: &mut Runner<'_, '_>, history: &History, beginning: Option<&str>) -> Option<String> {
    if let Some(line) = history.last(beginning.unwrap_or_default()) {
        return Some(line.to_owned());
    }
    let what = match beginning {
        Some(beginning) => format!("no earlier command begins with '{}'", crate::model::printable::escaped(beginning)),
        None => "there is no earlier command".to_owned(),
    };
    print_failure(runner.session.err, "FC", &Failure::new(FailureKind::NotFound, what), &Subject::Object);
    None
}

fn remember(runner: &mut Runner<'_, '_>, keyboard: &mut dyn Keyboard, history: &mut History, line: &str) {
    let kept = history.add(line);
    if history.lines().next_back() == Some(line) {
        keyboard.remember(line);
    }
    if let Err(error) = kept {
        runner.session.hint(&not_kept(&error));
        // Say it only once.
        history.detach();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spoolcom::fake::{NOW, World, at_prompt, world};
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::rc::Rc;

    /// A keyboard that types what the test says.
    struct Script {
        lines: VecDeque<Typed>,
        initials: Vec<String>,
        beneath: Vec<String>,
        remembered: Vec<String>,
    }

    impl Keyboard for Script {
        fn read(&mut self, initial: &str) -> Result<Typed, Failure> {
            self.initials.push(initial.to_owned());
            Ok(self.lines.pop_front().unwrap_or(Typed::End))
        }
        fn read_beneath(&mut self, command: &str) -> Result<Typed, Failure> {
            self.beneath.push(command.to_owned());
            Ok(self.lines.pop_front().unwrap_or(Typed::End))
        }
        fn remember(&mut self, line: &str) {
            self.remembered.push(line.to_owned());
        }
    }

    fn typed(world: &Rc<RefCell<World>>, lines: Vec<Typed>) -> (crate::commands::spoolcom::fake::Ran, Script) {
        let mut script =
            Script { lines: lines.into(), initials: Vec::new(), beneath: Vec::new(), remembered: Vec::new() };
        let ran = at_prompt(world, |runner| sit(runner, &mut script, &mut History::default(), || NOW));
        (ran, script)
    }

    fn lines(lines: &[&str]) -> Vec<Typed> {
        lines.iter().map(|line| Typed::Line((*line).to_owned())).collect()
    }

    #[test]
    fn nothing_but_exit_ends_a_session_and_its_status_is_zero() {
        let world = world();
        let (ran, script) = typed(
            &world,
            [
                lines(&["SPOOLER, STRAT", "", "DEV nix, START", "/* a note"]),
                vec![Typed::Interrupted],
                lines(&["DEV $LP1; LOC front", "COMMENT x", "EXIT; DEV", "JOB"]),
            ]
            .concat(),
        );
        insta::assert_snapshot!("session", ran);
        assert_eq!(script.lines.len(), 1);
        assert_eq!(world.borrow().opened.len(), 1);
    }

    #[test]
    fn fc_takes_an_edit_line_beneath_an_earlier_command_until_return_alone() {
        let (ran, script) = typed(
            &world(),
            [
                lines(&["FC", "DEV nix, START", "LOC", "FC", "", "fc dev", "    Rold,", "         d", "    $", ""]),
                lines(&["FC loc"]),
                vec![Typed::Interrupted],
                lines(&["FC zzz", "DEV; FC"]),
            ]
            .concat(),
        );
        let shown = ["LOC", "DEV nix, START", "DEV old, START", "DEV old, TART", "DEV $ld, TART", "LOC"];
        assert_eq!(script.beneath, shown, "{ran}");
        assert_eq!(ran.out.matches("LOCATION").count(), 2, "{ran}");
        assert!(ran.err.contains("UNKNOWN SUBCOMMAND\n  DEV $ld, TART\n"), "{ran}");
        for message in [
            "  FC: there is no earlier command\n",
            "  FC: no earlier command begins with 'zzz'\n",
            "SYNTAX ERROR\n  DEV; FC\n       ^\n  FC edits a command at the prompt, where it stands alone on its line\n",
        ] {
            assert!(ran.err.contains(message), "{ran}");
        }
        assert_eq!(script.remembered, ["DEV nix, START", "LOC", "LOC", "DEV $ld, TART", "DEV; FC"]);
    }

    #[test]
    fn a_spool_that_is_not_there_is_tried_again_for_each_line() {
        let world = world();
        world.borrow_mut().closed = Some(Failure::new(FailureKind::Unreachable, "there is no spool"));
        let (ran, _) = typed(&world, lines(&["DEV", "OPEN $SPLS", "OPEN $OTHER", "OPEN", "HELP OPEN", "LOC"]));
        assert_eq!((ran.exit, ran.err.matches("SPOOLER OPEN ERROR 14").count()), (Exit::Done, 3), "{ran}");
        assert!(ran.err.contains("SPOOLER NOT OPEN"), "an OPEN of another one closes this one: {ran}");
        assert!(ran.err.contains("SPOOLER NAME MISSING") && ran.out.contains("$supervisor|"), "{ran}");
        // Twice for itself, and once to find out what $OTHER is.
        assert_eq!(world.borrow().opened.len(), 3);
    }

    #[test]
    fn a_spool_that_broke_is_opened_again() {
        let world = world();
        world.borrow_mut().failure = Some(Failure::new(FailureKind::Unreachable, "the connection is lost"));
        typed(&world, lines(&["SPOOLER, START", "SPOOLER", "LOC"]));
        assert_eq!(world.borrow().opened.len(), 2);
        world.borrow_mut().failure = None;
        typed(&world, lines(&["LOC", "DEV", "OPEN $SPLS", "DEV"]));
        assert_eq!(world.borrow().opened.len(), 4);
    }

    #[test]
    fn pasted_lines_are_executed_one_after_the_other() {
        let (ran, script) = typed(&world(), lines(&["LOC\nPRINT\r\nEXIT\nDEV"]));
        assert!(ran.out.contains("LOCATION") && ran.out.contains("PRINT") && !ran.out.contains("$OLD"), "{ran}");
        assert_eq!(script.remembered, ["LOC", "PRINT", "EXIT"]);
    }

    proptest! {
        #[test]
        fn no_line_panics_or_ends_the_session_but_exit(
            all in prop::collection::vec("(DEV|JOB|OPEN|HELP| |,|;|\\$LP1|\\$SPLS|31|HOLD|STATUS|\\(|'|\\n|\\PC){0,8}", 0..6)
        ) {
            // EXIT may be abbreviated.
            let exits = |word: &str| !word.is_empty() && "EXIT".starts_with(&word.to_uppercase());
            let words = |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(exits);
            prop_assume!(!all.iter().any(|line| line.contains('/') || words(line)));
            let given: Vec<Typed> = all.into_iter().map(Typed::Line).collect();
            let count = given.len();
            let (ran, script) = typed(&world(), given);
            prop_assert_eq!((ran.exit, script.initials.len()), (Exit::Done, count + 1));
        }
    }
}
