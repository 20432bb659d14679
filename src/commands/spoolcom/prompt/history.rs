//! The lines that were typed at the prompt, kept from one session to the next.
//!
//! The file `spoolsuite/spoolcom_history` in the state directory of the user has one line for each; only the user can
//! read it. A line is not kept when it begins with a blank, is very long, or has what looks like a password in a URI.
//! Sessions that run side by side add to the same file, and a session cuts it back to its last lines when it begins.
//! May a command be refused because its history cannot be kept? No.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

/// The most lines that are kept.
pub const LINES: usize = 1000;
/// The longest line that is kept, in octets.
pub const LINE_OCTETS: usize = 4096;
/// The file is cut back when it is larger than this.
const FILE_OCTETS: u64 = 256 * 1024;

/// The lines that were typed, oldest first.
#[derive(Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    path: Option<PathBuf>,
}

/// Returns where the history is kept; none without a home directory.
pub fn path(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("spoolsuite/spoolcom_history"))
}

impl History {
    /// Reads the history at `path`, or makes an empty one. Without a path the history is not kept.
    pub fn load(path: Option<PathBuf>) -> io::Result<Self> {
        let mut history = Self { lines: VecDeque::new(), path: None };
        let Some(path) = path else {
            return Ok(history);
        };
        if let Some(dir) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut file = open(&path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(FILE_OCTETS)))?;
        let mut octets = Vec::new();
        Read::by_ref(&mut file).take(FILE_OCTETS).read_to_end(&mut octets)?;
        let mut lines = octets.split(|octet| *octet == b'\n');
        if size > FILE_OCTETS {
            // The first line may begin in its middle.
            lines.next();
        }
        let mut count = 0;
        for line in lines.filter_map(|line| std::str::from_utf8(line).ok()).filter(|line| kept(line)) {
            count += 1;
            history.push(line);
        }
        history.path = Some(path);
        // A full disk may have left the last line without its end: the next line would become part of it.
        let torn = octets.last().is_some_and(|octet| *octet != b'\n');
        if size > FILE_OCTETS || count > 2 * LINES || torn {
            history.cut()?;
        }
        Ok(history)
    }

    /// Returns the lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Returns the last line that begins with `beginning`, in any case.
    pub fn last(&self, beginning: &str) -> Option<&str> {
        let begins =
            |line: &&String| line.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
        self.lines.iter().rev().find(begins).map(String::as_str)
    }

    /// Remembers `line`, unless it must not be kept.
    ///
    /// # Errors
    /// Fails when the line was not written. This session remembers it all the same.
    pub fn add(&mut self, line: &str) -> io::Result<()> {
        if !kept(line) || self.lines.back().is_some_and(|last| last == line) {
            return Ok(());
        }
        self.push(line);
        match &self.path {
            // A single write, so that sessions side by side do not mix their lines.
            Some(path) => open(path)?.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// Writes nothing from now on.
    pub fn detach(&mut self) {
        self.path = None;
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// Writes the file again, with the lines that are remembered.
    fn cut(&self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let new = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(&new)?;
        let text: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, path)
    }
}

/// Opens the file for reading and adding. Makes it if it is missing, and makes it private if it is not.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Tells whether a line may be kept.
fn kept(line: &str) -> bool {
    let private = line.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', ',', ';', ' ', '\t']).next().unwrap_or_default();
        authority.contains('@')
    });
    !line.trim().is_empty()
        && !line.starts_with([' ', '\t'])
        && line.len() <= LINE_OCTETS
        && !line.chars().any(char::is_control)
        && !private
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_there_in_the_next_session_and_readable_by_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/spoolsuite/spoolcom_history");
        let mut history = History::load(Some(path.clone())).unwrap();
        for line in ["DEV", "DEV", "JOB 7, HOLD", " LOC", "DEV lp1, URI ipp://ann:secret@host/q", "DEV x, URI null:"] {
            history.add(line).unwrap();
        }
        let again = History::load(Some(path.clone())).unwrap();
        assert_eq!(again.lines().collect::<Vec<_>>(), ["DEV", "JOB 7, HOLD", "DEV x, URI null:"]);
        assert_eq!(again.last(""), Some("DEV x, URI null:"));
        assert_eq!((again.last("job"), again.last("é"), again.last("LOC")), (Some("JOB 7, HOLD"), None, None));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        History::load(Some(path.clone())).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn neither_the_session_nor_the_file_grows_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        let long = "x".repeat(400);
        let text: String = (0..2500).map(|n| format!("DEV d{n} {long}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let mut history = History::load(Some(path.clone())).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() <= FILE_OCTETS);
        assert!(history.last("").unwrap().starts_with("DEV d2499 "));
        assert!(history.lines().all(|line| line.starts_with("DEV d")));
        for n in 0..2 * LINES {
            history.add(&format!("JOB {n}")).unwrap();
        }
        history.add(&"y".repeat(LINE_OCTETS + 1)).unwrap();
        assert_eq!(history.lines().count(), LINES);
        assert_eq!(history.lines().next(), Some("JOB 1000"));
        assert_eq!(History::load(Some(path)).unwrap().lines().next(), Some("JOB 1000"));
    }

    #[test]
    fn a_history_that_cannot_be_kept_is_said_and_one_without_a_home_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(History::load(Some(dir.path().to_owned())).is_err());
        std::os::unix::fs::symlink("elsewhere", dir.path().join("link")).unwrap();
        assert!(History::load(Some(dir.path().join("link"))).is_err());
        assert_eq!(path(&|_| None), None);
        let home = |name: &str| (name == "HOME").then(|| "/home/ann".into());
        assert_eq!(path(&home).unwrap(), Path::new("/home/ann/.local/state/spoolsuite/spoolcom_history"));
        let both = |name: &str| Some(if name == "HOME" { "/home/ann" } else { "/state" }.into());
        assert_eq!(path(&both).unwrap(), Path::new("/state/spoolsuite/spoolcom_history"));
    }

    proptest! {
        #[test]
        fn no_file_and_no_line_panics(octets in prop::collection::vec(any::<u8>(), 0..200), line in ".{0,40}") {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("h");
            std::fs::write(&path, octets).unwrap();
            let mut history = History::load(Some(path.clone())).unwrap();
            history.add(&line).unwrap();
            let _ = history.last(&line);
            let again = History::load(Some(path)).unwrap();
            prop_assert!(!kept(&line) || again.lines().last() == Some(&line));
        }
    }
}
