//! Other spoolers of this machine: which directory `$NAME` is.
//!
//! The usual spooler is `$SPLS`. Others have a line `$NAME DIRECTORY` each in `spoolsuite/spoolers` of the configuration of the
//! user or in `/etc/spoolsuite/spoolers`; what stands in the first wins. A line that begins with `#` is a comment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::model::printable::escaped;
use crate::model::{Failure, FailureKind};

/// The spoolers of the whole machine.
const OF_MACHINE: &str = "/etc/spoolsuite/spoolers";

/// Finds the place of a spooler by its name, with or without `$`; none when no file names it.
pub type Find<'a> = dyn Fn(&str) -> Result<Option<PathBuf>, Failure> + 'a;

/// Finds the directory, or the socket of the server, of the spooler `name`.
///
/// # Errors
/// Fails when a file cannot be read, or its line for that spooler is malformed.
pub fn find(name: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, Failure> {
    let set = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let of_user = config.map(|config| config.join("spoolsuite/spoolers"));
    for path in of_user.into_iter().chain([PathBuf::from(OF_MACHINE)]) {
        let text = match std::fs::read(&path) {
            Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let what = format!("{}: {error}", escaped(&path.to_string_lossy()));
                return Err(Failure::new(FailureKind::Io, what));
            }
        };
        if let Some(found) = in_text(&text, name, &path)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Finds the place in the text of one file.
fn in_text(text: &str, name: &str, path: &Path) -> Result<Option<PathBuf>, Failure> {
    let name = name.trim_start_matches('$');
    for (at, line) in text.lines().enumerate() {
        let Some((first, place)) = line.trim().split_once(char::is_whitespace) else { continue };
        if first.starts_with('#') || !first.trim_start_matches('$').eq_ignore_ascii_case(name) {
            continue;
        }
        let place = PathBuf::from(place.trim());
        if place.is_absolute() {
            return Ok(Some(place));
        }
        let what = format!("{}:{}: expected $NAME and a path that begins with /", path.display(), at + 1);
        return Err(Failure::new(FailureKind::Unreachable, escaped(&what)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_spooler_and_its_place() {
        let text = "# ours\n\n$SPLB   /var/pd-b \nsplc /var/c d\n$SPLD relative\n$ALONE\n";
        let of = |name: &str| in_text(text, name, Path::new("/etc/spoolers"));
        assert_eq!(of("$splb").unwrap(), Some("/var/pd-b".into()));
        assert_eq!(of("SPLC").unwrap(), Some("/var/c d".into()));
        assert_eq!((of("$NIX").unwrap(), of("$ALONE").unwrap(), of("#").unwrap()), (None, None, None));
        assert!(of("$SPLD").unwrap_err().message.contains("/etc/spoolers:5: "));
    }
}
