//! Reads attributes files, `-X file` and `attributes=file` (docs/reference/infoprint.md 3).
//!
//! A file is one long attribute string. Line ends are blanks, `#` begins a comment that ends with its line, `\#` is a `#`. A
//! file may include others; one that includes itself, directly or not, is an error. A relative name is looked for in the
//! directory that `PDPATH` names, or in the current one.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::strings::{self, Pair};
use crate::attributes::names;
use crate::commands::pd::{Shell, Stop, plain};

/// The longest file, in octets.
const MAX_FILE: u64 = strings::MAX_STRING as u64;
/// How deep files may include each other.
const MAX_DEPTH: usize = 16;
/// The most pairs and included files of one command.
const MAX_TOTAL: usize = 10_000;

/// Some editors begin a text in UTF-8 with it; it is no part of the text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads a small file that a command line names, without its byte-order mark.
///
/// # Errors
/// [`Stop::Usage`] when it cannot be read, is no regular file or is too long.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, Stop> {
    let shown = RawName(path);
    let file =
        crate::sys::files::open_regular(path).map_err(|error| Stop::usage(format!("{shown}: {}", plain(&error))))?;
    let mut octets = Vec::new();
    let read = Read::take(&file, MAX_FILE + 1).read_to_end(&mut octets);
    read.map_err(|error| Stop::usage(format!("{shown}: {}", plain(&error))))?;
    if octets.len() as u64 > MAX_FILE {
        return Err(Stop::usage(format!("{shown}: longer than {MAX_FILE} octets")));
    }
    if octets.starts_with(BYTE_ORDER_MARK) {
        octets.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(octets)
}

/// Returns a path as one line.
pub struct RawName<'a>(pub &'a Path);

impl std::fmt::Display for RawName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::attributes::text::escaped(&self.0.to_string_lossy()))
    }
}

/// Replaces includes by the pairs of the files that they name.
pub struct Includes {
    /// Where relative names are looked for.
    directory: PathBuf,
    /// The files being read, by device and inode.
    open: Vec<(u64, u64)>,
    /// Pairs and files so far.
    total: usize,
}

impl Includes {
    /// Begins with the caller's `PDPATH` and current directory.
    pub fn new(shell: &Shell<'_>) -> Self {
        let path = (shell.env)("PDPATH").filter(|path| !path.is_empty());
        let directory = path.map_or_else(|| shell.cwd.clone(), |path| shell.cwd.join(path));
        Self::within(directory)
    }

    /// Begins with `directory`, in which relative names are looked for.
    pub fn within(directory: PathBuf) -> Self {
        Self { directory, open: Vec::new(), total: 0 }
    }

    /// Reads the pairs of the attributes file `name`, with those of its includes in their places.
    ///
    /// # Errors
    /// [`Stop::Usage`], which names the file in which the fault lies.
    pub fn file(&mut self, name: &str) -> Result<Vec<Pair>, Stop> {
        if name.is_empty() {
            return Err(Stop::usage("the name of an attributes file is empty"));
        }
        let path = self.directory.join(name);
        let shown = RawName(&path).to_string();
        let meta = std::fs::metadata(&path).map_err(|error| Stop::usage(format!("{shown}: {}", plain(&error))))?;
        let id = (meta.dev(), meta.ino());
        if self.open.contains(&id) {
            return Err(Stop::usage(format!("{shown}: the attributes file includes itself")));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Stop::usage(format!("{shown}: attributes files include each other deeper than {MAX_DEPTH}")));
        }
        self.count()?;
        // A title may hold octets that are no UTF-8: it is shown as a file name of that kind is.
        let octets = read_bounded(&path)?;
        let text = String::from_utf8_lossy(&octets);
        let pairs = strings::parse(&without_comments(&text)).map_err(|stop| within(&shown, stop))?;
        self.open.push(id);
        let pairs = self.expand(pairs);
        self.open.pop();
        pairs
    }

    /// Returns `pairs` with every `attributes=file` replaced by the pairs of the file.
    pub fn expand(&mut self, pairs: Vec<Pair>) -> Result<Vec<Pair>, Stop> {
        let mut out = Vec::with_capacity(pairs.len());
        for pair in pairs {
            self.count()?;
            if names::resolve(&pair.name, &[("attributes", ())]).is_ok() && pair.name.len() > 1 {
                for file in &pair.values {
                    out.extend(self.file(file)?);
                }
            } else {
                out.push(pair);
            }
        }
        Ok(out)
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.total += 1;
        if self.total > MAX_TOTAL {
            return Err(Stop::usage(format!("more than {MAX_TOTAL} attributes and attributes files")));
        }
        Ok(())
    }
}

fn within(file: &str, stop: Stop) -> Stop {
    match stop {
        Stop::Usage(mut failure) => {
            failure.message = format!("{file}: {}", failure.message);
            Stop::Usage(failure)
        }
        other => other,
    }
}

/// Takes the comments out of a text; `\#` is a `#`.
pub fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find('#') {
            match rest[..at].strip_suffix('\\') {
                Some(before) => {
                    out.push_str(before);
                    out.push('#');
                    rest = &rest[at + 1..];
                }
                None => {
                    out.push_str(&rest[..at]);
                    rest = "";
                }
            }
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn includes(dir: &Path) -> Includes {
        Includes::within(dir.to_owned())
    }

    fn why(result: Result<Vec<Pair>, Stop>) -> String {
        match result {
            Err(Stop::Usage(failure)) => failure.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn comments_end_with_their_line_and_a_hash_can_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "# one\ncopy-count = 3 # two\njob-name = 'tray \\#2'\nattributes = b\n")
            .unwrap();
        std::fs::write(dir.path().join("b"), "job-hold = true").unwrap();
        let pairs = includes(dir.path()).file("a").unwrap();
        let shown: Vec<String> = pairs.iter().map(|pair| format!("{}={}", pair.name, pair.values.join("|"))).collect();
        assert_eq!(shown, ["copy-count=3", "job-name=tray #2", "job-hold=true"]);
    }

    #[test]
    fn a_file_that_includes_itself_is_an_error_also_by_another_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "attributes=b").unwrap();
        std::fs::write(dir.path().join("b"), "attributes=c").unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("c")).unwrap();
        assert!(why(includes(dir.path()).file("a")).ends_with("c: the attributes file includes itself"));
    }

    #[test]
    fn faults_name_their_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "copy-count =\n").unwrap();
        assert!(why(includes(dir.path()).file("a")).ends_with("a: copy-count has no value after '='"));
        assert!(why(includes(dir.path()).file("none")).contains("No such file"));
        assert!(why(includes(dir.path()).file(".")).contains("not a regular file"));
        std::fs::write(dir.path().join("big"), vec![b' '; strings::MAX_STRING + 1]).unwrap();
        assert!(why(includes(dir.path()).file("big")).contains("longer"));
    }
}
