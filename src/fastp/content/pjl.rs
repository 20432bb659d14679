//! What a job asks of the printer itself, told to it as PJL ahead of each document.
//!
//! A document that is told something is a PJL job of its own: `JOB`, one `SET` for each wish, `ENTER LANGUAGE`, its octets as
//! they came, and `EOJ`, with which the printer forgets the wishes. Only a device that is declared to speak PJL is told anything
//! (`device-pjl`), and of it only documents in a language that PJL can name. Copies are sent as often as they are wanted, and are
//! no wish.
//!
//! A document that a program makes (TRANSFORM) is announced as what was made.
//!
//! What cannot be told is said in the log of the job, and the document prints without it. A document with PJL of its own has said
//! what it wants: a `JOB` in it would make the printer forget ours, so it goes as it came.

use crate::documents::ReadAt;
use crate::model::device::DeviceSettings;
use crate::model::job::Format;
use crate::model::separation::PjlHead;
use crate::spool::interface::engine::{Claim, ClaimedDocument};

use super::boundary::{Speech, UNIVERSAL_EXIT};
use super::pieces::Source;

/// Papers that PJL has a word for.
const PAPERS: [&str; 9] = ["A3", "A4", "A5", "B4", "B5", "EXECUTIVE", "LEDGER", "LEGAL", "LETTER"];

/// What is told of each document, and what cannot be, in words.
pub fn heads(claim: &Claim, sources: &[Source], settings: &DeviceSettings) -> (Vec<PjlHead>, Option<String>) {
    let (mut heads, mut unsaid) = (Vec::new(), Vec::new());
    for document in claim.documents.iter().filter(|document| !document.features.is_empty()) {
        let source = sources.iter().find(|source| source.sequence == document.sequence);
        let Some(source) = source.filter(|source| source.size > 0) else { continue };
        let reason = if !settings.pjl {
            Some("the printer is not declared to speak PJL (device-pjl)")
        } else if settings.content_raw {
            Some("the device is CONTENT RAW")
        } else if source.speech == Speech::Pjl && source.format != Format::Pcl || begins_with_pjl(source) {
            Some("the document has PJL of its own")
        } else if language(source.format).is_none() {
            Some("PJL has no word for what the document is")
        } else {
            None
        };
        let alone = claim.documents.len() == 1;
        let of = if alone { String::new() } else { format!(" of document {}", document.sequence) };
        match reason {
            Some(why) => {
                // What a printer does anyway is not worth a word.
                let wishes = document.features.iter().filter(|(name, value)| !is_usual(name, value));
                let wishes: Vec<String> = wishes.map(|(name, value)| format!("{name}={value}")).collect();
                if !wishes.is_empty() {
                    unsaid.push(format!("not told to the printer: {}{of}: {why}", wishes.join(" ")));
                }
            }
            None => {
                let (lines, left) = lines_of(document, source.format);
                if !left.is_empty() {
                    unsaid.push(format!("not told to the printer: {}{of}: PJL has no word for it", left.join(" ")));
                }
                if !lines.is_empty() {
                    heads.push(PjlHead { document: document.sequence, lines });
                }
            }
        }
    }
    (heads, (!unsaid.is_empty()).then(|| unsaid.join("; ")))
}

/// The octets ahead of a document.
pub fn octets(head: &PjlHead) -> Vec<u8> {
    let mut octets = UNIVERSAL_EXIT.to_vec();
    for line in &head.lines {
        octets.extend_from_slice(b"@PJL ");
        octets.extend_from_slice(line.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

/// The octets behind it.
pub const TAIL: &[u8] = b"\x1b%-12345X@PJL EOJ\r\n\x1b%-12345X";

/// Whether a document that PCL printers take begins with PJL: PCL alone shows the same.
fn begins_with_pjl(source: &Source) -> bool {
    let mut head = [0; UNIVERSAL_EXIT.len()];
    let got = source.file.read_at(&mut head, 0).unwrap_or(0);
    head[..got] == *UNIVERSAL_EXIT || head[..got].starts_with(b"@PJL")
}

/// What a printer does unless it is told otherwise.
fn is_usual(name: &str, value: &str) -> bool {
    matches!(
        (name, value),
        ("sides" | "number-up", "1")
            | ("plex", "simplex")
            | ("content-orientation", "portrait")
            | ("number-up", "none")
    ) || name == "default-medium"
}

/// The language that a document is in, as PJL calls it.
fn language(format: Format) -> Option<&'static str> {
    match format {
        Format::Pcl => Some("PCL"),
        Format::PostScript => Some("POSTSCRIPT"),
        Format::Pdf => Some("PDF"),
        format if format.is_text() => Some("PCL"),
        _ => None,
    }
}

/// The lines that tell the wishes of a document, which leaves in that format, and the wishes that none tells.
fn lines_of(document: &ClaimedDocument, format: Format) -> (Vec<String>, Vec<String>) {
    let (mut sets, mut left): (Vec<(&str, String)>, Vec<String>) = (Vec::new(), Vec::new());
    let mut set = |name: &'static str, word: &str| {
        // A later wish of the same thing counts: plex says more than sides.
        sets.retain(|(known, _)| *known != name);
        sets.push((name, word.to_owned()));
    };
    for (name, value) in &document.features {
        match (name.as_str(), value.as_str()) {
            ("sides", "1") | ("plex", "simplex") => set("DUPLEX", "OFF"),
            ("sides", _) => set("DUPLEX", "ON"),
            ("plex", "duplex" | "tumble") => {
                set("DUPLEX", "ON");
                set("BINDING", if value == "tumble" { "SHORTEDGE" } else { "LONGEDGE" });
            }
            ("content-orientation", "portrait" | "landscape") => set("ORIENTATION", &value.to_ascii_uppercase()),
            ("print-quality", "draft" | "normal") => set("ECONOMODE", if value == "draft" { "ON" } else { "OFF" }),
            ("default-input-tray", tray) => match word_of(tray, "tray", "TRAY") {
                Some(word) if word == "MANUAL" => set("MANUALFEED", "ON"),
                Some(word) => set("MEDIASOURCE", &word),
                None => left.push(format!("{name}={value}")),
            },
            ("output-bin", bin) => match word_of(bin, "bin", "OPTIONALOUTBIN") {
                Some(word) => set("OUTBIN", &word),
                None => left.push(format!("{name}={value}")),
            },
            ("document-finishing" | "job-finishing", "staple" | "punch") => set("FINISH", &value.to_ascii_uppercase()),
            ("default-medium", paper) => {
                if let Some(paper) = PAPERS.iter().find(|one| one.eq_ignore_ascii_case(paper)) {
                    set("PAPER", paper);
                }
            }
            (name, value) if is_usual(name, value) => {}
            _ => left.push(format!("{name}={value}")),
        }
    }
    if sets.is_empty() {
        return (Vec::new(), left);
    }
    let mut lines = vec!["JOB".to_owned()];
    lines.extend(sets.iter().map(|(name, word)| format!("SET {name}={word}")));
    lines.extend(language(format).map(|language| format!("ENTER LANGUAGE={language}")));
    (lines, left)
}

/// The word of a tray or a bin: `tray-2` is TRAY2, and a name that is a word is that word. Nothing else can be in a line of PJL.
fn word_of(name: &str, numbered: &str, prefix: &str) -> Option<String> {
    let is_word = |text: &str| !text.is_empty() && text.len() <= 32 && text.chars().all(|c| c.is_ascii_alphanumeric());
    let lower = name.to_ascii_lowercase();
    let rest = lower.strip_prefix(numbered).map(|rest| rest.trim_start_matches(['-', ' ']));
    match rest {
        Some(number) if !number.is_empty() && number.len() < 4 && number.chars().all(|c| c.is_ascii_digit()) => {
            Some(format!("{prefix}{number}"))
        }
        _ => Some(name.replace('-', "").to_ascii_uppercase()).filter(|word| is_word(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trays_and_bins_are_words_and_nothing_else_gets_into_a_line() {
        let tray = |name| word_of(name, "tray", "TRAY");
        assert_eq!(tray("tray-2").as_deref(), Some("TRAY2"));
        assert_eq!(tray("Tray 3").as_deref(), Some("TRAY3"));
        assert_eq!(tray("upper").as_deref(), Some("UPPER"));
        assert_eq!(tray("manual").as_deref(), Some("MANUAL"));
        assert_eq!(word_of("bin-1", "bin", "OPTIONALOUTBIN").as_deref(), Some("OPTIONALOUTBIN1"));
        for hostile in ["", "a b", "x\r\n@PJL SET PASSWORD=0", "\u{1b}%-12345X", "é", "tray-"] {
            let found = tray(hostile);
            assert!(found.is_none() || hostile == "tray-", "{hostile:?}: {found:?}");
        }
    }
}
