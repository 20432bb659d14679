//! Pages of PCL 5, by what puts paper out.
//!
//! A form feed always ends a page. A reset, the end of the job, another paper, orientation or tray end one on which
//! something stands. Raster rows, fonts and other data are stepped over by their length. PCL XL, macros that are called, and
//! text that may run over the end of its page are beyond this finder.

use super::source::{Finding, ReadAt, Unknown};
use super::{Index, READ_THROUGH};

const ESC: u8 = 0x1b;
/// Lines that any paper has, whatever its margins and spacing are; text with more may run over its page.
const LINES: u32 = 40;
/// Octets of the longest number in a sequence.
const DIGITS: usize = 12;

/// The pages of the job at `at`.
///
/// # Errors
/// When they are not known.
pub fn pages(source: &dyn ReadAt, at: u64) -> Finding<Index> {
    let size = source.size().map_err(|_| Unknown::Broken)?;
    if size.saturating_sub(at) > READ_THROUGH {
        return Err(Unknown::TooMuch);
    }
    let mut pages = Pages {
        octets: Octets::new(source, at),
        index: Index::default(),
        begin: at,
        marks: Marks::Nothing,
        lines: 0,
        spaced: false,
    };
    pages.read()?;
    Ok(pages.index)
}

/// What stands on the page that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Marks {
    Nothing,
    /// Blanks: whether printers take that for a page is not known.
    Blank,
    Something,
}

struct Pages<'a> {
    octets: Octets<'a>,
    index: Index,
    /// Where the page begins that has not ended.
    begin: u64,
    marks: Marks,
    lines: u32,
    /// The page or its lines were given another size.
    spaced: bool,
}

impl Pages<'_> {
    fn read(&mut self) -> Finding<()> {
        while let Some(octet) = self.octets.next()? {
            match octet {
                ESC => self.escape()?,
                b'\x0c' => self.end_page()?,
                b'\n' => {
                    self.lines += 1;
                    self.marks = self.marks.max(Marks::Blank);
                    self.run_over()?;
                }
                0..=b' ' => self.marks = self.marks.max(if octet == b' ' { Marks::Blank } else { self.marks }),
                b')' | b'(' | b'\'' if self.marks == Marks::Nothing && self.octets.starts_with(b" HP-PCL XL")? => {
                    return Err(Unknown::Beyond);
                }
                _ => self.mark(),
            }
        }
        self.end_marked()
    }

    /// Text that may have reached the end of its page.
    fn run_over(&self) -> Finding<()> {
        if self.lines > if self.spaced { 1 } else { LINES } { Err(Unknown::Beyond) } else { Ok(()) }
    }

    fn mark(&mut self) {
        self.marks = Marks::Something;
    }

    fn end_page(&mut self) -> Finding<()> {
        self.index.begin(self.begin)?;
        self.begin = self.octets.place();
        (self.marks, self.lines) = (Marks::Nothing, 0);
        Ok(())
    }

    /// Ends a page if something stands on it.
    fn end_marked(&mut self) -> Finding<()> {
        match self.marks {
            Marks::Nothing => Ok(()),
            Marks::Blank => {
                self.marks = Marks::Nothing;
                // Line feeds and blanks without a page: only the printer knows.
                Err(Unknown::Beyond)
            }
            Marks::Something => self.end_page(),
        }
    }

    fn escape(&mut self) -> Finding<()> {
        let Some(class) = self.octets.next()? else {
            return Ok(());
        };
        match class {
            b'E' => {
                self.spaced = false;
                self.end_marked()
            }
            b'%' | b'&' | b'(' | b')' | b'*' => self.parameterised(class),
            // Half a line down.
            b'=' => {
                self.lines += 1;
                self.run_over()
            }
            // Displaying what controls are: form feeds are printed.
            b'Y' => Err(Unknown::Beyond),
            b'9' | b'Z' | b'z' => Ok(()),
            _ => Err(Unknown::Beyond),
        }
    }

    /// `ESC & l 1 o 2 A`: one group, numbers and letters, the last one a capital.
    fn parameterised(&mut self, class: u8) -> Finding<()> {
        let group = match self.octets.peek()? {
            Some(octet @ b'`'..=b'~') => {
                self.octets.next()?;
                octet
            }
            _ => 0,
        };
        loop {
            let mut digits = Vec::new();
            let letter = loop {
                match self.octets.next()? {
                    None => return Ok(()),
                    Some(octet @ (b'0'..=b'9' | b'+' | b'-' | b'.' | b' ')) if digits.len() < DIGITS => {
                        digits.push(octet)
                    }
                    Some(octet) => break octet,
                }
            };
            let number: f64 =
                std::str::from_utf8(&digits).ok().and_then(|digits| digits.trim().parse().ok()).unwrap_or(0.0);
            let capital = letter.to_ascii_uppercase();
            if !matches!(capital, b'@'..=b'Z' | b'^') {
                return Err(Unknown::Broken);
            }
            self.parameter(class, group, number, capital)?;
            if letter == capital {
                return Ok(());
            }
        }
    }

    fn parameter(&mut self, class: u8, group: u8, number: f64, letter: u8) -> Finding<()> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a length is whole, and of seven digits"
        )]
        let length = number.abs().min(1e9) as u64;
        match (class, group, letter) {
            (b'%', 0, b'X') if number < 0.0 => self.exit(),
            (b'%', 0, b'B') => self.plot(),
            (b'%', 0, b'A') => Ok(()),
            (b'%', ..) => Err(Unknown::Beyond),
            // Octets that are printed, whatever they are.
            (b'&', b'p', b'X') => {
                self.mark();
                self.octets.skip(length)
            }
            // A row or a plane of a picture.
            (b'*', b'b', b'W' | b'V') => {
                if length > 0 {
                    self.mark();
                }
                self.octets.skip(length)
            }
            (b'*', b'c', b'P') => {
                self.mark();
                Ok(())
            }
            // Fonts, characters, patterns, palettes.
            (_, _, b'W') => self.octets.skip(length),
            // Size, orientation and tray of the paper.
            (b'&', b'l', b'A' | b'O' | b'H') => self.end_marked(),
            // Spacing: `lines` no longer says how far down the page is.
            (b'&', b'l', b'C' | b'D' | b'P' | b'E' | b'F') => {
                self.spaced = true;
                Ok(())
            }
            // Macros that are run may put paper out; their definitions hold what is not printed now.
            (b'&', b'f', b'X') if matches!(length, 0..=4) => Err(Unknown::Beyond),
            // Lines that are wrapped at the margin.
            (b'&', b's', b'C') if length == 0 => Err(Unknown::Beyond),
            // Control characters get other meanings.
            (b'&', b'k', b'G') => {
                if length > 0 {
                    Err(Unknown::Beyond)
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    /// HP-GL/2 inside a page, until PCL comes back.
    fn plot(&mut self) -> Finding<()> {
        self.mark();
        loop {
            match self.octets.next()? {
                None => return Ok(()),
                Some(ESC) => {
                    if self.octets.starts_with(b"%")? || self.octets.starts_with(b"E")? {
                        return self.escape();
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// The end of the job; another one may follow, with its own preamble.
    fn exit(&mut self) -> Finding<()> {
        self.end_marked()?;
        loop {
            while let Some(b'\r' | b'\n' | b' ' | 0) = self.octets.peek()? {
                self.octets.next()?;
            }
            if !self.octets.starts_with(b"@PJL")? {
                break;
            }
            let mut line = Vec::new();
            while let Some(octet) = self.octets.next()? {
                if octet == b'\n' {
                    break;
                }
                if line.len() < 256 {
                    line.push(octet.to_ascii_uppercase());
                }
            }
            // Whatever language comes next, its pages are not counted here; PCL goes on.
            let line: Vec<u8> = line.into_iter().filter(|octet| !octet.is_ascii_whitespace()).collect();
            if line.starts_with(b"@PJLENTERLANGUAGE=") && line != b"@PJLENTERLANGUAGE=PCL" {
                return Err(Unknown::Beyond);
            }
        }
        self.begin = self.octets.place();
        Ok(())
    }
}

/// Octets one after the other.
struct Octets<'a> {
    source: &'a dyn ReadAt,
    /// Where the buffer begins.
    place: u64,
    buffer: Vec<u8>,
    at: usize,
    /// How many are read next.
    wanted: usize,
}

/// How many octets are read first: many documents have no more, and more memory would have to be cleared.
const FIRST_OCTETS: usize = 16 * 1024;
/// How many are read at once later.
const MOST_OCTETS: usize = 256 * 1024;

impl<'a> Octets<'a> {
    fn new(source: &'a dyn ReadAt, place: u64) -> Self {
        Self { source, place, buffer: Vec::new(), at: 0, wanted: FIRST_OCTETS }
    }

    fn place(&self) -> u64 {
        self.place + self.at as u64
    }

    /// Makes sure that `count` octets can be seen, if there are so many.
    fn fill(&mut self, count: usize) -> Finding<()> {
        if self.buffer.len() - self.at >= count {
            return Ok(());
        }
        self.place = self.place();
        self.at = 0;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(self.wanted.max(count), 0);
        let n = self.source.read_at(&mut buffer, self.place).map_err(|_| Unknown::Broken)?;
        self.wanted = if n == buffer.len() { MOST_OCTETS } else { FIRST_OCTETS };
        buffer.truncate(n);
        self.buffer = buffer;
        Ok(())
    }

    fn next(&mut self) -> Finding<Option<u8>> {
        let octet = self.peek()?;
        self.at += usize::from(octet.is_some());
        Ok(octet)
    }

    fn peek(&mut self) -> Finding<Option<u8>> {
        self.fill(1)?;
        Ok(self.buffer.get(self.at).copied())
    }

    fn starts_with(&mut self, word: &[u8]) -> Finding<bool> {
        self.fill(word.len())?;
        Ok(self.buffer[self.at..].starts_with(word))
    }

    /// Steps over data. Where less is there, the document is not whole.
    fn skip(&mut self, length: u64) -> Finding<()> {
        let left = (self.buffer.len() - self.at) as u64;
        if length <= left {
            self.at += usize::try_from(length).map_err(|_| Unknown::TooMuch)?;
            return Ok(());
        }
        self.place = self.place() + length;
        (self.at, self.buffer) = (0, Vec::new());
        if self.place > self.source.size().map_err(|_| Unknown::Broken)? { Err(Unknown::Broken) } else { Ok(()) }
    }
}
