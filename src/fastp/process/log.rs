//! The log of the print processes, `run/fastp.log`: one write per line, bounded in size.
//!
//! Several processes append to the same file. The process that notices that the file has passed its limit renames it to
//! `fastp.log.1` and starts a new one; a line written in between may land in the older file. A log that cannot be
//! written stops nothing: everything that matters is an event in the spool.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::libc;

use crate::model::printable::escape;
use crate::sys::clock;

/// Size at which a new file is started.
pub const LIMIT: u64 = 1 << 20;
/// The longest line.
const LONGEST: usize = 4096;

/// A handle to the log, shared by the threads of a process.
#[derive(Clone, Debug)]
pub struct Log {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    who: String,
    file: Option<File>,
    limit: u64,
}

/// Opens the log to append to it. It may be a link to another place, and whatever it is, nobody waits for it.
fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

/// Has what the run-time library says when it ends this process (no memory, an overflowed stack) written to the log at
/// `path`, where standard error is thrown away.
pub fn keep_last_words(path: &Path) {
    let thrown_away = || -> io::Result<bool> {
        let (ours, nothing) = (nix::sys::stat::fstat(io::stderr())?, std::fs::metadata("/dev/null")?);
        Ok(ours.st_rdev == nothing.rdev() && nothing.rdev() != 0)
    };
    if thrown_away().unwrap_or(false)
        && let Ok(log) = open(path)
    {
        let _ = nix::unistd::dup2_stderr(&log);
    }
}

impl Log {
    /// Opens the log at `path` and writes as `who`.
    pub fn new(path: &Path, who: &str) -> Self {
        Self::limited(path, who, LIMIT)
    }

    fn limited(path: &Path, who: &str, limit: u64) -> Self {
        let inner = Inner { path: path.into(), who: format!("{who}[{}]", std::process::id()), file: None, limit };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Appends a line. Harmful characters are escaped, so a line stays one line and commands no terminal.
    pub fn line(&self, text: impl fmt::Display) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let when = jiff::Timestamp::from_millisecond(clock::wall_ms()).unwrap_or_default();
        let text: String = text.to_string().chars().take(LONGEST).collect();
        let mut line = format!("{when:.3} {} ", inner.who);
        escape(&text, &mut line);
        line.push('\n');
        if inner.write(line.as_bytes()).is_err() {
            inner.file = None;
        }
    }

    /// Appends what is said last, without the time: whoever finds this process dead finds it.
    pub fn last_words(&self, text: impl fmt::Display) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        escape(&text.to_string().chars().take(LONGEST).collect::<String>(), &mut line);
        line.push('\n');
        if inner.write(line.as_bytes()).is_err() {
            inner.file = None;
        }
    }
}

impl Inner {
    /// Where files may not become as large as the log (`ulimit -f`), a new one is started earlier.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self.append(line) {
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                self.file = None;
                self.put_away()?;
                self.append(line)
            }
            other => other,
        }
    }

    fn put_away(&self) -> io::Result<()> {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        std::fs::rename(&self.path, old)
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            let ours = file.metadata()?;
            let named = std::fs::metadata(&self.path).ok();
            let same = named.is_some_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino()));
            if same && ours.size() >= self.limit {
                self.put_away()?;
            }
            if !same || ours.size() >= self.limit {
                self.file = None;
            }
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open(&self.path)?,
        };
        file.write_all(line)?;
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_a_line_stays_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fastp.log");
        let log = Log::limited(&path, "SPLA", 2000);
        let other = Log::limited(&path, "SPLB", 2000);
        for n in 0..200 {
            log.line(format_args!("line {n}\nof two"));
            other.line("hello");
        }
        let now = std::fs::read_to_string(&path).unwrap();
        let before = std::fs::read_to_string(dir.path().join("fastp.log.1")).unwrap();
        assert!(now.len() < 2200 && before.len() < 2200);
        assert!(now.lines().all(|line| line.contains("SPL")));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
