//! A file of names and addresses (HOSTS), in the form of `/etc/hosts`.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use crate::sys::files::open_regular;

/// The largest file we read.
const MOST: u64 = 16 << 20;

/// Returns the addresses of `name` in the file, in file order.
///
/// # Errors
/// Returns an error that names the file when it cannot be read.
pub(super) fn look_up(path: &Path, name: &str) -> io::Result<Vec<IpAddr>> {
    let text = read(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("the HOSTS file {}: {why}", path.display()))
    })?;
    Ok(find(&text, name))
}

fn read(path: &Path) -> io::Result<String> {
    let file: File = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Finds them in its text. A line holds an address and its names; `#` begins a comment. Any other line is skipped: one
/// bad line among thousands must not stop every printer.
fn find(text: &str, name: &str) -> Vec<IpAddr> {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let wanted = plain(name);
    let mut found = Vec::new();
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse) else { continue };
        if words.any(|word| plain(word) == wanted) && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "\u{feff}10.0.0.6 lp0\n# printers\n10.0.0.9 lp1 lp1.example # third floor\n\tfd00::9\tLP1\n10.0.0.9 lp1\n\
                        not-an-address lp2\n10.0.0.300 lp2\n10.0.0.8#lp2\n10.0.0.7 lp3.example.\n";

    #[test]
    fn a_name_has_the_addresses_of_its_lines_in_their_order() {
        let found = |name| find(FILE, name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("lp1"), ["10.0.0.9", "fd00::9"]);
        assert_eq!(found("Lp1.Example."), ["10.0.0.9"]);
        assert_eq!(found("lp3.example"), ["10.0.0.7"]);
        assert_eq!(found("lp0"), ["10.0.0.6"], "a byte-order mark is skipped");
        assert!(found("lp2").is_empty() && found("10.0.0.9").is_empty() && found("#").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let none = dir.path().join("none");
        let missing = look_up(&none, "lp1").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(missing.to_string(), format!("the HOSTS file {}: there is no such file", none.display()));
        assert!(look_up(dir.path(), "lp1").is_err(), "a directory");
        let path = dir.path().join("hosts");
        std::fs::write(&path, b"10.0.0.1 a\xff b\n").unwrap();
        assert_eq!(look_up(&path, "b").unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}", name in ".{0,20}") {
            find(&text, &name);
        }
    }
}
