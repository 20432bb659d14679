//! The alignment page of ALIGN: a ruler, so that whoever puts in paper sees where columns and lines fall.
//!
//! The first and the last line are rulers; between them each line bears its number at both edges. It is text of ours: printable
//! ASCII, each line ended by CR LF, fed out at the end.

use crate::model::device::DeviceSettings;
use crate::spool::interface::engine::Paper;

use super::feeds::Feed;

/// Columns where WIDTH is not set.
const COLUMNS: usize = 132;
/// Lines at the end of a sheet that are left free, for printers that skip the perforation.
const FREE: usize = 6;
/// PARM bit 14: the paper has 72 lines.
const PARM_LONG: u16 = 0o2;

/// The octets of the page, on paper that stands so.
pub fn page(settings: &DeviceSettings, paper: Paper) -> Vec<u8> {
    let columns = usize::try_from(settings.width).ok().filter(|width| *width > 0).unwrap_or(COLUMNS);
    let sheet = match settings.page_length {
        0 if settings.parm & PARM_LONG != 0 => 72,
        0 => 66,
        lines => lines as usize,
    };
    let lines = if settings.page_length == 0 { sheet - FREE } else { sheet };
    let before = match paper {
        Paper::Text => Feed::Plain,
        Paper::Unfinished => Feed::WithReturn,
        Paper::Top | Paper::Fed | Paper::Stream => Feed::None,
    };
    let mut octets = before.octets().to_vec();
    for line in 1..=lines {
        let text = if line == 1 || line == lines { ruler(columns) } else { numbered(line, columns) };
        octets.extend(text.bytes().chain(*b"\r\n"));
    }
    octets.extend(Feed::Plain.octets());
    octets
}

/// `....+....1....+....2`, the tens counted without their hundreds.
fn ruler(columns: usize) -> String {
    let mark = |column: usize| match column % 10 {
        0 => char::from(b'0' + (column / 10 % 10) as u8),
        5 => '+',
        _ => '.',
    };
    (1..=columns).map(mark).collect()
}

/// A line with its number at the left edge, and at the right one where both fit.
fn numbered(line: usize, columns: usize) -> String {
    let left = format!("{line:>2}");
    match columns.checked_sub(2 * left.len() + 1) {
        Some(_) => format!("{left}{left:>width$}", width = columns - left.len()),
        None => left.chars().take(columns).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(settings: &DeviceSettings) -> Vec<String> {
        let octets = page(settings, Paper::Top);
        let text = String::from_utf8(octets).unwrap();
        let (text, rest) = text.split_once('\x0c').unwrap();
        assert_eq!(rest, "", "one sheet");
        text.split_terminator("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn it_is_one_sheet_of_lines_as_wide_as_the_device() {
        let lines = lines(&DeviceSettings { width: 20, ..DeviceSettings::default() });
        assert_eq!(lines.len(), 60);
        assert!(lines.iter().all(|line| line.len() == 20), "{lines:?}");
        assert_eq!((lines[0].as_str(), lines[0].as_str()), ("....+....1....+....2", lines[59].as_str()));
        assert_eq!(lines[8], " 9                 9 ".trim_end());
    }

    #[test]
    fn it_follows_the_paper_and_the_page_length() {
        assert_eq!(lines(&DeviceSettings { parm: PARM_LONG, ..DeviceSettings::default() }).len(), 66);
        assert_eq!(lines(&DeviceSettings { page_length: 24, ..DeviceSettings::default() }).len(), 24);
        assert_eq!(lines(&DeviceSettings { page_length: 1, width: 3, ..DeviceSettings::default() }), ["..."]);
        let settings = DeviceSettings::default();
        assert!(page(&settings, Paper::Unfinished).starts_with(b"\r\x0c...."));
        assert!(page(&settings, Paper::Text).starts_with(b"\x0c...."));
        assert!(page(&settings, Paper::Fed).starts_with(b"...."));
    }
}
