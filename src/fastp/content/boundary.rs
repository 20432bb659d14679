//! What stands between two neighbouring pieces of print data: the one rule, whether they are jobs, documents of a job or
//! copies of a document.
//!
//! Two texts are set apart by the form-feed rules (`feeds`). Where a finished stream stands on either side, a
//! universal exit is right only if the octets of one side show that this device is sent PJL or PCL, and the other side
//! is something that a printer of that kind takes: PJL, PCL, PostScript, PDF or text. Everywhere else a printer might
//! print an octet of ours, or obey it: receipts, labels, ESC/P and unknown data get none. They are set apart by a new
//! connection, and on a file, a FIFO or a port by nothing at all.
//!
//! | before \ after | text | PJL or PCL | PostScript, PDF | anything else |
//! |---|---|---|---|---|
//! | text | form feed | exit | new connection | new connection |
//! | PJL or PCL | exit | exit | exit | new connection |
//! | PostScript, PDF | new connection | exit | new connection | new connection |
//! | anything else | new connection | new connection | new connection | new connection |

use crate::model::job::{Format, FormatOrigin};

/// Universal exit language: ends whatever job language a PJL printer is in.
pub const UNIVERSAL_EXIT: &[u8] = b"\x1b%-12345X";

/// What a piece of print data shows of the device that it is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speech {
    /// Plain text; header pages too.
    Text,
    /// PCL, or anything that begins with PJL: its device knows the universal exit.
    Pjl,
    /// PostScript or PDF without PJL: its device may know the universal exit.
    Page,
    /// Labels, receipts, ESC/P, images, unknown data; what somebody called `passthru`; and everything on a device that is
    /// declared CONTENT RAW.
    Other,
}

impl Speech {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Pjl, Self::Page, Self::Other];

    /// What a document of this format, which begins with `head`, shows. `passthru` that was not only recognised is what
    /// somebody wants left alone, whatever it begins with.
    pub fn of(format: Format, origin: FormatOrigin, head: &[u8]) -> Self {
        match format {
            Format::Passthru if origin != FormatOrigin::Recognised => Self::Other,
            format if format.is_text() => Self::Text,
            _ if head.starts_with(UNIVERSAL_EXIT) || head.starts_with(b"@PJL") => Self::Pjl,
            Format::Pcl => Self::Pjl,
            Format::PostScript | Format::Pdf => Self::Page,
            _ => Self::Other,
        }
    }

    /// Whether a printer that knows PJL takes it, behind a universal exit.
    fn goes_with_pjl(self) -> bool {
        matches!(self, Self::Text | Self::Pjl | Self::Page)
    }
}

/// What sets two neighbours apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// What the form-feed rules say.
    Feeds,
    /// A universal exit on the same connection.
    Exit,
    /// A new connection; on a file, FIFO or port nothing at all.
    Renew,
}

/// The rule.
pub fn between(before: Speech, after: Speech) -> Boundary {
    match (before, after) {
        (Speech::Text, Speech::Text) => Boundary::Feeds,
        (Speech::Pjl, other) | (other, Speech::Pjl) if other.goes_with_pjl() => Boundary::Exit,
        _ => Boundary::Renew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_above_is_the_rule() {
        let contract = include_str!("boundary.rs");
        let rows =
            contract.lines().filter_map(|line| line.strip_prefix("//! | ")).filter(|row| !row.starts_with("before"));
        let rows: Vec<Vec<&str>> =
            rows.map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect()).collect();
        let rows: Vec<_> = rows.iter().filter(|row| row.len() == 5).collect();
        assert_eq!(rows.len(), 4);
        for (before, row) in Speech::ALL.into_iter().zip(rows) {
            for (after, word) in Speech::ALL.into_iter().zip(&row[1..]) {
                let expected = match between(before, after) {
                    Boundary::Feeds => "form feed",
                    Boundary::Exit => "exit",
                    Boundary::Renew => "new connection",
                };
                assert_eq!(*word, expected, "{before:?} then {after:?}");
            }
        }
    }

    #[test]
    fn what_begins_with_pjl_shows_a_printer_that_knows_the_exit() {
        let of = |format, head: &[u8]| Speech::of(format, FormatOrigin::Recognised, head);
        let pjl = b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\n%PDF-1.4";
        assert_eq!(of(Format::Pdf, pjl), Speech::Pjl);
        assert_eq!(of(Format::Passthru, b"@PJL JOB\n"), Speech::Pjl);
        assert_eq!(of(Format::Pdf, b"%PDF-1.4"), Speech::Page);
        assert_eq!(of(Format::Pcl, b"\x1bE"), Speech::Pjl);
        for label in [Format::Zpl, Format::Epl, Format::Passthru, Format::Png] {
            assert_eq!(of(label, b"^XA"), Speech::Other, "{label:?}");
        }
        for origin in FormatOrigin::ALL {
            let expected = if origin == FormatOrigin::Recognised { Speech::Pjl } else { Speech::Other };
            assert_eq!(Speech::of(Format::Passthru, origin, pjl), expected, "{origin:?}");
            assert_eq!(Speech::of(Format::Pdf, origin, pjl), Speech::Pjl, "what somebody calls PDF is one");
        }
    }
}
