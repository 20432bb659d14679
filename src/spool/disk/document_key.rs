//! The key of a server for print files that are encrypted: `.document-key` beside them.
//!
//! It has one line of 64 hexadecimal digits, and is on disk before the first key of a document is wrapped, so before the first job of a
//! secure queue is acknowledged. Further lines are keys that are needed to read only: whoever restores a backup, and finds its key
//! later, adds it below the one that was made since. A wrapped key says which key of a server opens it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::documents::{DocumentKey, PrintFile, ServerKey, Unopened, sealed_size};
use crate::model::job::WrappedKey;

use super::key_file;

/// Its name in the directory of the server.
pub const NAME: &str = ".document-key";

/// Why a document that is encrypted cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The key of the server that wrapped its key is not here.
    NoKey(PathBuf),
    /// Its own key was altered.
    KeyDamaged,
    /// The key of the server cannot be read.
    Io(PathBuf, io::Error),
}

impl Unreadable {
    /// What helps.
    pub const CURE: &str = "a backup that was made with pdbackup --keys has it: add its .document-key as a line to the one in the \
        server's directory";
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey(path) => write!(f, "is encrypted, and the key that opens it is not in {}", path.display()),
            Self::KeyDamaged => f.write_str("is encrypted, and its own key in spool.db is damaged"),
            Self::Io(path, error) => write!(f, "is encrypted, and {}: {error}", path.display()),
        }
    }
}

/// Returns the directory of the server in which a print file lies, or a fetched one, or one that was put aside.
fn server_directory(print_file: &Path) -> &Path {
    let dir = print_file.parent().unwrap_or(print_file);
    match dir.file_name().and_then(|name| name.to_str()) {
        Some("pdb" | "corrupt") => dir.parent().unwrap_or(dir),
        _ => dir,
    }
}

fn keys(text: &str) -> Option<Vec<ServerKey>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(ServerKey::parse).collect()
}

/// Returns the keys in the file; none where there is no file.
fn all(path: &Path) -> io::Result<Vec<ServerKey>> {
    let Some(text) = key_file::read(path)? else { return Ok(Vec::new()) };
    keys(&text).filter(|keys| !keys.is_empty()).ok_or_else(key_file::no_key)
}

/// Returns the key of the server in `dir` that wraps keys of documents; it is made, and on disk, where there was none.
///
/// # Errors
/// When it cannot be read or made.
pub fn of_server(dir: &Path) -> io::Result<ServerKey> {
    let path = dir.join(NAME);
    let about = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(key) = all(&path).map_err(about)?.into_iter().next() {
        return Ok(key);
    }
    key_file::make(&path).map_err(about)?;
    all(&path).map_err(about)?.into_iter().next().ok_or_else(|| about(key_file::no_key()))
}

/// Adds the keys of the file `from` to those in `to` that it does not have: a spool that made a key of its own since can read what the
/// backup brought. Without a file `from`, or where nothing is missing, nothing is changed.
///
/// # Errors
/// When they cannot be read or written. The file is then as it was.
pub fn add(to: &Path, from: &Path) -> io::Result<()> {
    let (here, there) = (key_file::read(to)?.unwrap_or_default(), key_file::read(from)?.unwrap_or_default());
    let known: Vec<&str> = here.lines().map(str::trim).collect();
    let missing: Vec<&str> =
        there.lines().map(str::trim).filter(|line| ServerKey::parse(line).is_some() && !known.contains(line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<&str> = known.iter().copied().filter(|line| !line.is_empty()).chain(missing).collect();
    key_file::replace(to, &(lines.join("\n") + "\n"))
}

/// Makes the key of a document in the directory of a server, and wraps it.
///
/// # Errors
/// When the key of the server cannot be read or made.
pub fn new_key(dir: &Path) -> io::Result<(DocumentKey, WrappedKey)> {
    let key = DocumentKey::new()?;
    let wrapped = of_server(dir)?.wrap(&key)?;
    Ok((key, wrapped))
}

/// Opens the key of the document whose file is `print_file`.
///
/// # Errors
/// When no key of its server opens it.
pub fn open_key(print_file: &Path, wrapped: &WrappedKey) -> Result<DocumentKey, Unreadable> {
    let path = server_directory(print_file).join(NAME);
    let keys = all(&path).map_err(|error| Unreadable::Io(path.clone(), error))?;
    let mut why = Unreadable::NoKey(path);
    for key in keys {
        match key.unwrap(wrapped) {
            Ok(key) => return Ok(key),
            Err(Unopened::OtherKey) => {}
            Err(Unopened::Damaged) => why = Unreadable::KeyDamaged,
        }
    }
    Err(why)
}

/// Returns how large the file of a document of `octets` is on disk.
pub fn size_on_disk(octets: u64, sealed: Option<&WrappedKey>) -> u64 {
    if sealed.is_some() { sealed_size(octets) } else { octets }
}

/// Opens the octets of a document whose file is open, encrypted or not.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn open_file(file: File, path: &Path, sealed: Option<&WrappedKey>, octets: u64) -> io::Result<PrintFile> {
    let key = sealed.map(|sealed| open_key(path, sealed)).transpose();
    PrintFile::open(file, key.map_err(|why| io::Error::other(why.to_string()))?.as_ref(), octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_below_the_first_one_open_and_do_not_wrap() {
        let dir = tempfile::tempdir().unwrap();
        let print_file = dir.path().join("pdprAAAAAA");
        let (key, wrapped) = new_key(dir.path()).unwrap();
        assert_eq!(open_key(&print_file, &wrapped).unwrap(), key);
        assert_eq!(open_key(&dir.path().join("pdb/acme2.pdprAAAAAA"), &wrapped).unwrap(), key);
        let path = dir.path().join(NAME);
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(open_key(&print_file, &wrapped), Err(Unreadable::NoKey(_))));
        let (_, newer) = new_key(dir.path()).unwrap();
        let new = std::fs::read_to_string(&path).unwrap();
        assert!(matches!(open_key(&print_file, &wrapped), Err(Unreadable::NoKey(_))));
        std::fs::write(&path, format!("{new}{old}")).unwrap();
        assert_eq!(open_key(&print_file, &wrapped).unwrap(), key);
        assert!(open_key(&print_file, &newer).is_ok());
        assert_eq!(of_server(dir.path()).unwrap(), ServerKey::parse(&new).unwrap());
        std::fs::write(&path, "no key").unwrap();
        assert!(of_server(dir.path()).is_err() && matches!(open_key(&print_file, &wrapped), Err(Unreadable::Io(..))));
    }
}
