//! What the head of a stream says of its job: the title and the user, in PJL or in the comments of PostScript; and the questions
//! that drivers ask a printer before they begin.
//!
//! Only looked at, never changed: the octets reach the printer as they came.

use super::lpd::text;

/// Octets at the head of a stream that are looked at.
pub const HEAD: usize = 64 * 1024;
/// What ends a job for a printer of PJL: the universal exit.
pub const UNIVERSAL_EXIT: &[u8] = b"\x1b%-12345X";

/// What a head says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The title.
    pub title: Option<String>,
    /// The user.
    pub user: Option<String>,
}

/// The value behind `NAME =`: in quotation marks, or up to the next blank.
fn value(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let found = match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|octet| *octet == b'"').next(),
        None => rest.split(u8::is_ascii_whitespace).next(),
    };
    found.filter(|value| !value.is_empty())
}

/// The rest of a line that begins with these words, each behind blanks, in any case.
fn behind<'a>(line: &'a [u8], words: &[&str]) -> Option<&'a [u8]> {
    words.iter().try_fold(line, |rest, word| {
        let rest = rest.trim_ascii_start();
        let (first, after) = rest.split_at_checked(word.len())?;
        let ends = after.first().is_none_or(|octet| octet.is_ascii_whitespace() || *octet == b'=');
        (first.eq_ignore_ascii_case(word.as_bytes()) && ends).then_some(after)
    })
}

impl Head {
    /// Reads the head of a stream.
    pub fn of(octets: &[u8]) -> Self {
        let mut head = Self::default();
        let octets = octets.get(..HEAD).unwrap_or(octets);
        for line in octets.split(|octet| matches!(octet, b'\n' | b'\r')) {
            let line = strip_exit(line);
            if let Some(pjl) = line.strip_prefix(b"@PJL") {
                let title = behind(pjl, &["JOB", "NAME"]).or_else(|| behind(pjl, &["SET", "JOBNAME"]));
                let user = behind(pjl, &["SET", "USERNAME"]);
                if let Some(found) = title.and_then(value) {
                    head.title.get_or_insert_with(|| text(found));
                }
                if let Some(found) = user.and_then(value) {
                    head.user.get_or_insert_with(|| text(found));
                }
                if behind(pjl, &["ENTER"]).is_some() && head.title.is_some() && head.user.is_some() {
                    break;
                }
            } else if let Some(found) = line.strip_prefix(b"%%Title:") {
                set(&mut head.title, found);
            } else if let Some(found) = line.strip_prefix(b"%%For:") {
                set(&mut head.user, found);
            } else if line.starts_with(b"%%EndComments") {
                break;
            }
        }
        head
    }
}

fn set(place: &mut Option<String>, found: &[u8]) {
    let found = found.trim_ascii();
    let found = found.strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")")).unwrap_or(found);
    if !found.is_empty() && found != b"atend" {
        place.get_or_insert_with(|| text(found));
    }
}

/// A line without universal exits before it.
fn strip_exit(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(UNIVERSAL_EXIT) {
        line = rest;
    }
    line
}

/// The answers to the questions in `lines`, of those that can be answered truthfully: what is echoed, and what the printer is called.
/// `name` is ours.
pub fn answers(lines: &[u8], name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.split(|octet| *octet == b'\n') {
        let line = strip_exit(line.strip_suffix(b"\r").unwrap_or(line));
        let Some(pjl) = line.strip_prefix(b"@PJL") else { continue };
        if let Some(said) = behind(pjl, &["ECHO"]) {
            reply(&mut out, "ECHO", said.trim_ascii_start());
        } else if behind(pjl, &["INFO", "ID"]).is_some() {
            reply(&mut out, "INFO ID", format!("\r\n\"{name}\"").as_bytes());
        } else if behind(pjl, &["INFO", "STATUS"]).is_some() {
            reply(&mut out, "INFO STATUS", b"\r\nCODE=10001\r\nDISPLAY=\"READY\"\r\nONLINE=TRUE");
        } else if let Some(asked) = behind(pjl, &["INFO"]).or_else(|| behind(pjl, &["INQUIRE"])) {
            let what = if behind(pjl, &["INFO"]).is_some() { "INFO" } else { "INQUIRE" };
            let asked = format!("{what} {}", text(asked.trim_ascii()));
            reply(&mut out, &asked, b"\r\n\"?\"");
        }
    }
    out
}

fn reply(out: &mut Vec<u8>, command: &str, rest: &[u8]) {
    out.extend(format!("@PJL {command}").as_bytes());
    if !rest.starts_with(b"\r\n") {
        out.push(b' ');
    }
    out.extend(rest.iter().copied().take(1024));
    out.extend(b"\r\n\x0c");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn title_and_user_are_found_in_either_language() {
        let pjl = b"\x1b%-12345X@PJL\r\n@PJL JOB NAME = \"A letter\" DISPLAY = \"x\"\r\n@PJL SET USERNAME=\"ann\"\r\n@PJL ENTER LANGUAGE=PCL\r\n%%Title: no\n";
        assert_eq!(Head::of(pjl), Head { title: Some("A letter".into()), user: Some("ann".into()) });
        let set = b"\x1b%-12345X@PJL SET JOBNAME=letter\n@pjl x";
        assert_eq!(Head::of(set).title.as_deref(), Some("letter"));
        let ps = b"%!PS-Adobe-3.0\n%%Title: (Minutes)\n%%For: bob\n%%EndComments\n%%Title: other\n";
        assert_eq!(Head::of(ps), Head { title: Some("Minutes".into()), user: Some("bob".into()) });
        assert_eq!(Head::of(b"%%Title: (atend)\n@PJL JOB\n@PJL JOBNAME=x\n"), Head::default());
    }

    #[test]
    fn questions_are_answered_with_what_we_know() {
        let asked = b"\x1b%-12345X@PJL ECHO 12\r\n@PJL INFO ID\r\n@PJL INFO PAGECOUNT\r\n@PJL SET COPIES=2\r\n";
        let said = String::from_utf8(answers(asked, "lp1")).unwrap();
        assert_eq!(said, "@PJL ECHO 12\r\n\x0c@PJL INFO ID\r\n\"lp1\"\r\n\x0c@PJL INFO PAGECOUNT\r\n\"?\"\r\n\x0c");
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = Head::of(&octets);
            prop_assert!(answers(&octets, "x").len() <= octets.len() * 1100);
        }
    }
}
