//! The line printer daemon protocol (RFC 1179) as it is spoken, on the side of the daemon: command lines, the lines of a control
//! file, and the answers to questions about a queue.
//!
//! Reading is total: whatever the octets are, the result is a value, in memory proportional to what arrived. Names of the network
//! are keys and texts here, and never paths.

use std::fmt::Write;

/// Octets of the longest command line.
pub const MAX_LINE: usize = 4096;
/// Octets of the largest control file.
pub const MAX_CONTROL: u64 = 256 * 1024;
/// Lines of the largest control file.
pub const MAX_CONTROL_LINES: usize = 4096;
/// Octets of a text that are kept.
const MAX_TEXT: usize = 1024;
/// Digits of the longest count.
const MAX_DIGITS: usize = 19;

/// The answer yes.
pub const YES: u8 = 0;
/// The answer no.
pub const NO: u8 = 1;
/// The answer that there is no room now.
pub const LATER: u8 = 2;

/// A text of the network: what is no UTF-8 is read as Latin-1. At most 1,024 octets of it are kept.
pub fn text(octets: &[u8]) -> String {
    let kept = octets.get(..MAX_TEXT).unwrap_or(octets);
    match std::str::from_utf8(kept) {
        Ok(text) => text.to_owned(),
        // It was cut in the middle of a character.
        Err(error) if error.error_len().is_none() && kept.len() < octets.len() => {
            String::from_utf8_lossy(kept.get(..error.valid_up_to()).unwrap_or_default()).into_owned()
        }
        Err(_) => kept.iter().map(|octet| char::from(*octet)).collect(),
    }
}

/// A command: the first line of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// 01: print what waits.
    Wake(Vec<u8>),
    /// 02: take a job.
    Receive(Vec<u8>),
    /// 03 and 04: what waits?
    Queue {
        /// Which queue.
        queue: Vec<u8>,
        /// Users and numbers of jobs; none = all.
        which: Vec<Vec<u8>>,
        /// Whether the long form is wanted.
        long: bool,
    },
    /// 05: remove jobs.
    Remove {
        /// Which queue.
        queue: Vec<u8>,
        /// Who wants it.
        agent: Vec<u8>,
        /// Users and numbers of jobs; none = the first job of the agent.
        which: Vec<Vec<u8>>,
    },
    /// Any other.
    Other(u8),
}

fn words(rest: &[u8]) -> Vec<Vec<u8>> {
    rest.split(|octet| matches!(octet, b' ' | b'\t' | b'\x0b' | b'\x0c'))
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// A line without what ends it: LF, and a CR before it.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Command {
    /// Reads a command line.
    pub fn parse(line: &[u8]) -> Self {
        let Some((code, rest)) = bare(line).split_first() else { return Self::Other(0) };
        let mut words = words(rest).into_iter();
        match code {
            1 => Self::Wake(words.next().unwrap_or_default()),
            2 => Self::Receive(words.next().unwrap_or_default()),
            3 | 4 => Self::Queue { queue: words.next().unwrap_or_default(), which: words.collect(), long: *code == 4 },
            5 => Self::Remove {
                queue: words.next().unwrap_or_default(),
                agent: words.next().unwrap_or_default(),
                which: words.collect(),
            },
            other => Self::Other(*other),
        }
    }
}

/// How many octets a file has, as its sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Known(u64),
    /// 0: none at all, or so many as come.
    Zero,
    /// As many as come, and at most so many.
    AtMost(u64),
}

impl Count {
    /// Counts that senders name who do not know: one of Windows, and those of CUPS for a pipe.
    const UNKNOWN: [u64; 3] = [125_899_906_843_000, 999_999_999_999, 2_147_483_647];

    fn parse(digits: &[u8]) -> Option<Self> {
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            return None;
        }
        let count: u64 =
            std::str::from_utf8(digits).ok()?.parse().ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?;
        Some(match count {
            0 => Self::Zero,
            count if count >= 1 << 40 || Self::UNKNOWN.contains(&count) => Self::AtMost(count),
            count => Self::Known(count),
        })
    }
}

/// A line behind command 02.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subcommand {
    /// 01: forget the job.
    Abort,
    /// 02: a control file follows.
    Control {
        /// Its octets.
        count: Count,
        /// Its name.
        name: Vec<u8>,
    },
    /// 03, or 05 without a count: a data file follows.
    Data {
        /// Its octets.
        count: Count,
        /// Its name.
        name: Vec<u8>,
    },
    /// A NUL alone: some send one more than they should.
    Nothing,
    /// None of these.
    Bad(&'static str),
}

impl Subcommand {
    /// Reads the line.
    pub fn parse(line: &[u8]) -> Self {
        let Some((code, rest)) = bare(line).split_first() else { return Self::Bad("an empty line") };
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let counted = || {
            let at = rest.iter().position(|octet| *octet == b' ')?;
            let (count, name) = rest.split_at(at);
            Some((Count::parse(count)?, name.get(1..).unwrap_or_default().to_vec()))
        };
        match code {
            0 if rest.is_empty() => Self::Nothing,
            1 => Self::Abort,
            2 | 4 => counted()
                .map_or(Self::Bad("a control file without a count"), |(count, name)| Self::Control { count, name }),
            3 => counted().map_or(Self::Bad("a data file without a count"), |(count, name)| Self::Data { count, name }),
            5 => match counted() {
                Some((count, name)) => Self::Data { count, name },
                None => Self::Data { count: Count::AtMost(u64::MAX), name: rest.to_vec() },
            },
            _ => Self::Bad("an unknown subcommand"),
        }
    }
}

/// A data file as the control file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// The name under which its octets come.
    pub file: Vec<u8>,
    /// How it is to be printed: a letter.
    pub letter: u8,
    /// How often it is named.
    pub copies: u32,
    /// The name that the user knows.
    pub name: Option<Vec<u8>>,
}

/// What a control file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlFile {
    /// H: the host.
    pub host: Option<Vec<u8>>,
    /// P: the user.
    pub user: Option<Vec<u8>>,
    /// J, or else T.
    pub title: Option<Vec<u8>>,
    /// C: the class, or with LPRng the priority.
    pub class: Option<Vec<u8>>,
    /// L: a banner is wanted.
    pub banner: bool,
    /// A and D of LPRng: what tells a job from the next with the same number.
    pub identity: Vec<Vec<u8>>,
    /// The data files, in the order in which they are named first.
    pub files: Vec<DataFile>,
    /// K: copies of all.
    pub copies: Option<u32>,
}

/// The most copies.
const MAX_COPIES: u32 = 9_999;

impl ControlFile {
    /// Reads a control file.
    ///
    /// # Errors
    /// When it has too many lines.
    pub fn parse(octets: &[u8]) -> Result<Self, &'static str> {
        let mut control = Self::default();
        let mut title = None;
        // N stands behind its file with some senders, and before it with others.
        let mut waiting = None;
        for (number, line) in octets.split(|octet| *octet == b'\n').enumerate() {
            if number >= MAX_CONTROL_LINES {
                return Err("a control file with too many lines");
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some((letter, value)) = line.split_first() else { continue };
            let value = value.to_vec();
            match letter {
                b'H' => control.host = Some(value),
                b'P' => control.user = Some(value),
                b'J' => control.title = Some(value).filter(|value| !value.is_empty()),
                b'T' => title = Some(value).filter(|value| !value.is_empty()),
                b'C' => control.class = Some(value),
                b'L' => control.banner = true,
                b'A' | b'D' => control.identity.push(line.to_vec()),
                b'K' => control.copies = std::str::from_utf8(&value).ok().and_then(|text| text.trim().parse().ok()),
                b'N' => match control.files.last_mut() {
                    Some(last) if last.name.is_none() => last.name = Some(value),
                    _ => waiting = Some(value),
                },
                b'a'..=b'z' if !value.is_empty() => match control.files.iter_mut().find(|known| known.file == value) {
                    Some(known) => known.copies = (known.copies + 1).min(MAX_COPIES),
                    None => {
                        control.files.push(DataFile { file: value, letter: *letter, copies: 1, name: waiting.take() })
                    }
                },
                // U, S, M, Z, Q, I, W, digits: nothing follows from them.
                _ => {}
            }
        }
        control.title = control.title.or(title);
        if let Some(copies) = control.copies.filter(|copies| (2..=MAX_COPIES).contains(copies)) {
            control.files.iter_mut().filter(|file| file.copies == 1).for_each(|file| file.copies = copies);
        }
        Ok(control)
    }

    /// Adds what another control file of the same job says.
    pub fn join(&mut self, other: Self) {
        self.host = self.host.take().or(other.host);
        self.user = self.user.take().or(other.user);
        self.title = self.title.take().or(other.title);
        self.class = self.class.take().or(other.class);
        self.banner |= other.banner;
        self.identity.extend(other.identity);
        for file in other.files {
            match self.files.iter_mut().find(|known| known.file == file.file) {
                Some(known) => known.copies = known.copies.saturating_add(file.copies).min(MAX_COPIES),
                None => self.files.push(file),
            }
        }
    }
}

/// A job as a listing of a queue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLine {
    /// Whether it prints now.
    pub active: bool,
    /// Its owner, if he is shown.
    pub owner: Option<String>,
    /// Its number.
    pub number: u32,
    /// Its title, if it is shown.
    pub title: Option<String>,
    /// Octets.
    pub octets: u64,
    /// Copies.
    pub copies: u32,
    /// The host that it came from.
    pub host: String,
}

/// The place of a job in its queue as words say it: 1st, 2nd, 11th.
fn ordinal(n: u64) -> String {
    let ending = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// One line of text without blanks at its ends: what would tear a table apart stands as an escape.
fn shown(text: Option<&str>) -> String {
    let text = text.map(crate::model::printable::escaped).unwrap_or_default();
    match text.trim() {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

/// A column of a table: the text, cut, and a blank behind it in any case, because readers of listings split at blanks.
fn column(text: &str, width: usize) -> String {
    let kept: String = text.chars().take(width).collect();
    format!("{kept:width$} ")
}

/// What waits at a queue, as the answer to 03 (short) or 04 (long).
pub fn listing(queue: &str, ready: bool, lines: &[QueueLine], long: bool) -> String {
    let mut out = String::new();
    let prints = lines.iter().any(|line| line.active);
    let state = match (ready, prints) {
        (true, true) => "is ready and printing",
        (true, false) => "is ready",
        (false, _) => "is not ready",
    };
    let _ = writeln!(out, "{} {state}", shown(Some(queue)));
    if lines.is_empty() {
        out.push_str("no entries\n");
        return out;
    }
    let mut place = 0;
    let mut rank = |line: &QueueLine| {
        if line.active {
            return "active".to_owned();
        }
        place += 1;
        ordinal(place)
    };
    if !long {
        let _ = writeln!(
            out,
            "{}{}{}{}Total Size",
            column("Rank", 7),
            column("Owner", 7),
            column("Job", 7),
            column("File(s)", 31)
        );
    }
    for line in lines {
        let (owner, title) = (shown(line.owner.as_deref()), shown(line.title.as_deref()));
        // The owner is one word: readers count words.
        let owner: String = owner.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        let rank = rank(line);
        if long {
            let host = shown(Some(&line.host));
            let copies = if line.copies > 1 { format!("{} copies of ", line.copies) } else { String::new() };
            let label = format!("{owner}: {rank}");
            let _ = writeln!(out, "\n{label:<40} [job {} {host}]", line.number);
            let _ = writeln!(out, "        {}{} bytes", column(&format!("{copies}{title}"), 39), line.octets);
        } else {
            let number = line.number.to_string();
            let _ = writeln!(
                out,
                "{}{}{}{}{} bytes",
                column(&rank, 7),
                column(&owner, 7),
                column(&number, 7),
                column(&title, 31),
                line.octets
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_what_the_first_octet_says() {
        assert_eq!(Command::parse(b"\x02lp1\n"), Command::Receive(b"lp1".to_vec()));
        assert_eq!(Command::parse(b"\x02lp1\r\n"), Command::Receive(b"lp1".to_vec()));
        assert_eq!(Command::parse(b"\x01lp1\n"), Command::Wake(b"lp1".to_vec()));
        let Command::Queue { queue, which, long } = Command::parse(b"\x04lp1 ann  12\n") else { panic!("no queue") };
        assert_eq!((queue, which, long), (b"lp1".to_vec(), vec![b"ann".to_vec(), b"12".to_vec()], true));
        let Command::Remove { agent, which, .. } = Command::parse(b"\x05lp1 ann 12\n") else { panic!("no removal") };
        assert_eq!((agent, which), (b"ann".to_vec(), vec![b"12".to_vec()]));
        assert_eq!(Command::parse(b"\x09x\n"), Command::Other(9));
        assert_eq!(Command::parse(b"\n"), Command::Other(0));
    }

    #[test]
    fn counts_that_mean_that_nobody_knows_are_known() {
        let count = |line: &[u8]| match Subcommand::parse(line) {
            Subcommand::Data { count, .. } => Some(count),
            _ => None,
        };
        assert_eq!(count(b"\x0312 dfA001h\n"), Some(Count::Known(12)));
        assert_eq!(count(b"\x03 12 dfA001h\n"), Some(Count::Known(12)));
        assert_eq!(count(b"\x030 dfA001h\n"), Some(Count::Zero));
        for unknown in [125_899_906_843_000u64, 999_999_999_999, 2_147_483_647, 1 << 40] {
            assert_eq!(count(format!("\x03{unknown} dfA001h\n").as_bytes()), Some(Count::AtMost(unknown)));
        }
        assert_eq!(count(b"\x05dfA001h\n"), Some(Count::AtMost(u64::MAX)));
        for wrong in [
            &b"\x03x dfA\n"[..],
            b"\x03-1 dfA\n",
            b"\x0312345678901234567890 dfA\n",
            b"\x03\n",
            b"\x0312\n",
            b"\x03+1 a\n",
        ] {
            assert!(matches!(Subcommand::parse(wrong), Subcommand::Bad(_)), "{wrong:?}");
        }
        assert_eq!(Subcommand::parse(b"\0\n"), Subcommand::Nothing);
        assert_eq!(Subcommand::parse(b"\x01\n"), Subcommand::Abort);
        assert!(matches!(Subcommand::parse(b"\x0212 cfA001h\n"), Subcommand::Control { count: Count::Known(12), .. }));
    }

    #[test]
    fn a_control_file_is_read_in_any_order() {
        let cups =
            b"Hhost\nPann\nJ\xdcber uns\nldfA001host\nUdfA001host\nNdoc.prn\nldfA001host\nUdfA001host\nNdoc.prn\n";
        let control = ControlFile::parse(cups).unwrap();
        assert_eq!(text(control.title.as_deref().unwrap()), "Über uns");
        assert_eq!(control.files.len(), 1);
        assert_eq!((control.files[0].copies, control.files[0].letter), (2, b'l'));
        assert_eq!(control.files[0].name.as_deref(), Some(&b"doc.prn"[..]));

        // LPRng names the file before its data.
        let lprng = b"Hh\nPp\nAp@h+1\nNone\nfdfA001h\nUdfA001h\nNtwo\nfdfB001h\n";
        let control = ControlFile::parse(lprng).unwrap();
        let names: Vec<_> = control.files.iter().map(|file| file.name.clone().unwrap()).collect();
        assert_eq!(names, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(control.identity, [b"Ap@h+1".to_vec()]);

        let banner = ControlFile::parse(b"K3\r\nLann\r\nTtitle\r\nfdfA\r\n").unwrap();
        assert!(banner.banner && banner.files[0].copies == 3 && banner.title.as_deref() == Some(&b"title"[..]));
        let many = vec![b'\n'; MAX_CONTROL_LINES + 1];
        assert!(ControlFile::parse(&many).is_err());
    }

    #[test]
    fn control_files_of_one_job_are_joined() {
        let mut first = ControlFile::parse(b"Hh\nPp\nJt\n").unwrap();
        first.join(ControlFile::parse(b"Hx\nfdfA\nfdfA\nfdfB\n").unwrap());
        assert_eq!(first.host.as_deref(), Some(&b"h"[..]));
        let copies: Vec<u32> = first.files.iter().map(|file| file.copies).collect();
        assert_eq!(copies, [2, 1]);
    }

    #[test]
    fn a_listing_splits_on_blanks_whatever_stands_in_it() {
        let line = |number: u32, active: bool| QueueLine {
            active,
            owner: Some("a-very-long-name-of-a-user".into()),
            number,
            title: Some("a title that is longer than its column\n".into()),
            octets: 1024,
            copies: 3,
            host: "hosta".into(),
        };
        let lines: Vec<QueueLine> = (0..12).map(|n| line(n + 25, n == 0)).collect();
        let short = listing("lp1", true, &lines, false);
        let rows: Vec<&str> = short.lines().collect();
        assert_eq!(rows[0], "lp1 is ready and printing");
        assert_eq!(rows[1], "Rank    Owner   Job     File(s)                         Total Size");
        assert!(rows[2].starts_with("active  a-very- 25      a title that is longer than its "), "{}", rows[2]);
        assert!(rows[13].starts_with("11th "), "{}", rows[13]);
        assert!(rows[2..].iter().all(|row| row.split_whitespace().nth(2).unwrap().parse::<u32>().is_ok()));
        let long = listing("lp1", true, &lines[..1], true);
        assert!(long.contains("3 copies of a title") && long.contains("[job 25 hosta]"), "{long}");
        assert_eq!(listing("lp1", false, &[], false), "lp1 is not ready\nno entries\n");
        let hidden = QueueLine { owner: None, title: None, ..line(7, false) };
        assert!(listing("lp1", true, &[hidden], false).contains("\n1st     -       7       - "));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let _ = Command::parse(&octets);
            let _ = Subcommand::parse(&octets);
            if let Ok(control) = ControlFile::parse(&octets) {
                prop_assert!(control.files.iter().all(|file| file.copies >= 1 && file.copies <= MAX_COPIES));
                prop_assert!(control.files.len() <= MAX_CONTROL_LINES);
            }
            prop_assert!(text(&octets).chars().count() <= MAX_TEXT);
        }
    }
}
