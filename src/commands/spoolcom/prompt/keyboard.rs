//! What the prompt needs of a person who types: a real terminal, or a script in tests.

use crate::model::Failure;

/// What stands before each line.
pub const PROMPT: &str = ")";

/// What a person did at the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Entered a line.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    End,
}

/// Where lines come from.
pub trait Keyboard {
    /// Shows the prompt and reads a line, which begins as `initial`.
    fn read(&mut self, initial: &str) -> Result<Typed, Failure>;
    /// Puts a line behind the arrow keys.
    fn remember(&mut self, line: &str);
}
