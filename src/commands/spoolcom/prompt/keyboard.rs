//! Where the prompt gets its lines: from a terminal, or in tests from a script.

use crate::model::Failure;

/// The prompt before each line.
pub const PROMPT: &str = ")";
/// What stands before the edit line of FC; as wide as the prompt, so that columns stand below each other.
pub const BENEATH: &str = ".";

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
    /// Shows the prompt and reads a line. `initial` is there already, to be edited.
    fn read(&mut self, initial: &str) -> Result<Typed, Failure>;
    /// Shows a command and reads an edit line beneath it. Both are seen where the person types, wherever the output goes.
    fn read_beneath(&mut self, command: &str) -> Result<Typed, Failure>;
    /// Puts a line behind the arrow keys.
    fn remember(&mut self, line: &str);
}
