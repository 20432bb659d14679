//! Hints are for people: they go to a terminal, and to nothing else (`PD_HINTS=always` has them everywhere).

use std::io::{self, Write};

/// How a line with a hint begins.
const HINT: &[u8] = b"  hint: ";

/// Passes lines on, except those with a hint.
pub struct Unhinted<W: Write> {
    inner: W,
    /// The beginning of a line of which it is not known yet whether it is a hint.
    kept: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A line may begin with a hint.
    Unknown,
    /// The line goes on to the end.
    Passes,
    /// The line is a hint.
    Drops,
}

impl<W: Write> Unhinted<W> {
    /// Passes lines on to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, kept: Vec::new(), state: State::Unknown }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut passed = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match self.state {
                State::Unknown => {
                    self.kept.push(*byte);
                    if self.kept == HINT {
                        self.kept.clear();
                        self.state = State::Drops;
                    } else if !HINT.starts_with(&self.kept) {
                        passed.append(&mut self.kept);
                        self.state = State::Passes;
                    }
                }
                State::Passes => passed.push(*byte),
                State::Drops => {}
            }
            if *byte == b'\n' {
                self.state = State::Unknown;
            }
        }
        self.inner.write_all(&passed)
    }
}

impl<W: Write> Write for Unhinted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for Unhinted<W> {
    fn drop(&mut self) {
        // The end of an output without a line break is no hint. Nobody is left whom a failure could be told.
        let _ = self.inner.write_all(&self.kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn passed(pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut through = Unhinted::new(&mut out);
        pieces.iter().for_each(|piece| through.write_all(piece).unwrap());
        drop(through);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_with_a_hint_is_left_out_however_it_comes() {
        let text = "SYNTAX ERROR\n  DEV\n  hint: look\n  hin\n\n a hint: no hint\n\r12%\r13%";
        let wanted = "SYNTAX ERROR\n  DEV\n  hin\n\n a hint: no hint\n\r12%\r13%";
        assert_eq!(passed(&[text.as_bytes()]), wanted);
        let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(passed(&each), wanted);
        assert_eq!(passed(&[b"  hi"]), "  hi");
    }

    proptest! {
        #[test]
        fn what_holds_no_hint_is_passed_on_as_it_is(text in "[ hint:\n\rx]{0,60}", at in 0usize..60) {
            prop_assume!(!text.split('\n').any(|line| line.starts_with("  hint: ")));
            let (first, second) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(passed(&[first, second]), text.clone());
        }
    }
}
