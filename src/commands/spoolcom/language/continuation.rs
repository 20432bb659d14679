//! Lines that go on: one whose last character is `&` is continued by the next one.
//!
//! The `&` counts as a blank, so that a word ends there. A comment is never continued: what stands below a comment is a
//! command, and must not be lost.

use super::keywords::Verb;
use super::lexer::is_comment;

/// Returns `line` without its `&`, if the next line continues it.
fn continued(line: &str) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix('&')?;
    let word = line.trim_start().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let comment = is_comment(line) || word.eq_ignore_ascii_case(Verb::Comment.word());
    (!comment).then_some(before)
}

/// A command that is put together from lines.
#[derive(Debug, Default)]
pub struct Whole {
    /// What was read of it so far.
    begun: Option<String>,
}

impl Whole {
    /// Adds a line. Returns the command when it is complete.
    pub fn add(&mut self, line: &str) -> Option<String> {
        let begun = self.begun.take();
        // Inside a command that goes on, nothing is a comment: the first line has decided.
        let goes_on = match &begun {
            None => continued(line),
            Some(_) => line.trim_end_matches([' ', '\t']).strip_suffix('&'),
        };
        let mut text = begun.unwrap_or_default();
        match goes_on {
            Some(before) => {
                text.push_str(before);
                text.push(' ');
                self.begun = Some(text);
                None
            }
            None => {
                text.push_str(line);
                Some(text)
            }
        }
    }

    /// Whether a command was begun.
    pub fn is_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// How many octets were read of it.
    pub fn len(&self) -> usize {
        self.begun.as_ref().map_or(0, String::len)
    }

    /// Returns what was read of a command that nothing continues any more.
    pub fn end(&mut self) -> Option<String> {
        self.begun.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_behind_an_ampersand() {
        let mut whole = Whole::default();
        assert_eq!(whole.add("DEV $LP, SPEED&"), None);
        assert_eq!(whole.add("600, & \t"), None);
        assert!(whole.is_begun());
        assert_eq!(whole.add("FORM A").as_deref(), Some("DEV $LP, SPEED 600,  FORM A"));
        assert!(!whole.is_begun());
        assert_eq!(whole.add("REPORT R&D").as_deref(), Some("REPORT R&D"));
        assert_eq!(whole.add("DEV &"), None);
        assert_eq!(whole.end().as_deref(), Some("DEV  "));
    }

    #[test]
    fn a_comment_is_never_continued() {
        for comment in ["COMMENT salt &", "/* pepper &", "  comment &"] {
            assert_eq!(Whole::default().add(comment).as_deref(), Some(comment));
        }
        assert_eq!(Whole::default().add("COMMENTS &"), None);
    }
}
