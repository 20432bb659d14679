//! Header pages: what they say, how they are laid out, and the trailer pages of HEADER BATCH (docs/reference/fastp.md 2).
//!
//! A page is lines of ours, each ended by CR LF, and nothing else: no escape, no form feed, no octet of a name that is
//! not a printable ASCII character. Report name and location stand in banner letters, ordinary type at the bottom. It
//! fits on 60 lines, so that no printer breaks it. [`super::feeds`] separates it from the job.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{banner, pjl};
use crate::model::device::DeviceSettings;
use crate::model::separation::{HeaderPages, HeaderText, Layout, Separation, StartFf};
use crate::spool::interface::engine::Claim;

/// Columns of a header page where WIDTH is not set.
const COLUMNS: u32 = 132;
/// Lines at the end of a sheet that a header page leaves free, for printers that skip the perforation.
const FREE: usize = 8;
/// Rows of banner letters on a page, name and location together.
const ROWS: usize = 5;
/// Of these, for the name at most.
const NAME_ROWS: usize = 3;
/// PARM bit 14: the paper has 72 lines.
const PARM_LONG: u16 = 0o2;
/// PARM bit 15: header and trailer pages are printed with the font of the location.
const PARM_FONT_FIRST: u16 = 0o1;

/// Returns how the attempt that begins at `wall_ms` separates its job from its neighbours.
pub fn separation(claim: &Claim, settings: &DeviceSettings, wall_ms: i64, zone: &TimeZone) -> Separation {
    if settings.content_raw {
        return Separation { raw: true, ..Separation::default() };
    }
    let text = match settings.header {
        HeaderPages::Off => HeaderText::default(),
        _ => HeaderText {
            report: claim.name.clone(),
            location: claim.location.clone(),
            form: claim.form.clone(),
            owner: claim.owner.clone(),
            job: claim.number.get(),
            printed: date(wall_ms, zone),
        },
    };
    Separation {
        header: settings.header,
        startff: settings.startff,
        endff: settings.endff,
        columns: u32::try_from(settings.width).unwrap_or(COLUMNS),
        lines: if settings.parm & PARM_LONG == 0 { 66 } else { 72 },
        text,
        layout: settings.layout(),
        raw: false,
        font_first: settings.parm & PARM_FONT_FIRST != 0,
        continues: claim.batch.is_some_and(|part| !part.first),
        continued: claim.batch.is_some_and(|part| !part.last),
        pjl: Vec::new(),
    }
}

fn date(wall_ms: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(wall_ms) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%d %b %Y, %H:%M:%S").to_string().to_uppercase(),
        Err(_) => String::new(),
    }
}

/// The pages that we print around one job, and the form-feed settings that go with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheets {
    /// A header page; empty = none.
    pub page: Vec<u8>,
    /// How often it is printed.
    pub pages: u32,
    /// The header pages were printed with an earlier job of the same batch.
    pub headed: bool,
    /// The trailer pages, as one piece; empty = none.
    pub trailer: Vec<u8>,
    /// STARTFF
    pub startff: StartFf,
    /// ENDFF
    pub endff: bool,
    /// How text is laid out.
    pub layout: Layout,
    /// CONTENT RAW: every document is sent as it is, and nothing stands beside it.
    pub raw: bool,
    /// The font of the location goes before the header pages, which are printed with it.
    pub font_first: bool,
    /// What goes ahead of documents, by their numbers.
    pub heads: Vec<(u32, Vec<u8>)>,
}

impl Sheets {
    /// What goes ahead of a document.
    pub fn head(&self, document: u32) -> Option<&[u8]> {
        self.heads.iter().find(|(of, _)| *of == document).map(|(_, octets)| octets.as_slice())
    }

    /// The sheets that a separation asks for.
    pub fn of(separation: &Separation) -> Self {
        let (pages, batch) = match separation.header {
            _ if separation.raw => (0, false),
            HeaderPages::Off => (0, false),
            HeaderPages::On => (1, false),
            HeaderPages::Batch => (2, true),
        };
        Self {
            page: if pages > 0 { bytes(&page(separation)) } else { Vec::new() },
            pages: if separation.continues { 0 } else { pages },
            headed: separation.continues,
            // The text before may have ended in the middle of a line, and a form feed need not lead to column 1.
            trailer: if batch && !separation.continued {
                [b"\r".to_vec(), bytes(&trailer(separation))].concat()
            } else {
                Vec::new()
            },
            startff: separation.startff,
            endff: separation.endff,
            layout: separation.layout,
            raw: separation.raw,
            font_first: separation.font_first,
            heads: separation.pjl.iter().map(|head| (head.document, pjl::octets(head))).collect(),
        }
    }
}

/// Lines as they are sent.
fn bytes(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bytes().chain(*b"\r\n")).collect()
}

/// The lines of one header page.
pub fn page(separation: &Separation) -> Vec<String> {
    let HeaderText { report, location, form, owner, job, printed } = &separation.text;
    let columns = separation.columns as usize;
    let height = (separation.lines as usize).saturating_sub(FREE);
    let letters = banner::letters_in(columns);
    let names = capped(banner::rows(&visible(report, '\0'), letters), NAME_ROWS);
    let places = capped(location_rows(&visible(location, '\0'), letters), ROWS - names.len());
    let mut lines = vec![String::new(); 2];
    for rows in [names, places] {
        for row in rows {
            lines.extend(banner::lines(&row));
            lines.push(String::new());
        }
        lines.push(String::new());
    }
    let number = job.to_string();
    let form = if form.trim().is_empty() { "(BLANK)" } else { form };
    let facts = [
        ("REPORT", report.as_str()),
        ("LOCATION", location),
        ("OWNER", owner),
        ("FORM", form),
        ("JOB", &number),
        ("PRINTED", printed),
    ];
    lines.resize(height.saturating_sub(facts.len()).max(lines.len()), String::new());
    lines.extend(facts.iter().map(|(caption, fact)| {
        let line = format!("  {caption:<10}{}", visible(fact, '?'));
        line.chars().take(columns).collect::<String>().trim_end().to_owned()
    }));
    lines
}

/// The lines of the three trailer pages of HEADER BATCH: every fold between them, before them and after them carries a
/// bar, and the first and the third say what was printed. They fill their sheets to the last line and hold no form
/// feed: the paper moves on by itself, so that the bars come to lie on the folds.
fn trailer(separation: &Separation) -> Vec<String> {
    let height = separation.lines as usize;
    let bar = "*".repeat(separation.columns as usize);
    let info = page(separation);
    let mut lines = Vec::with_capacity(3 * height);
    for said in [true, false, true] {
        let mut sheet = vec![String::new(); height];
        if said {
            for (line, info) in sheet.iter_mut().skip(2).zip(&info) {
                line.clone_from(info);
            }
        }
        for at in [0, 1, height - 2, height - 1] {
            sheet[at].clone_from(&bar);
        }
        lines.extend(sheet);
    }
    lines
}

/// `#GROUP.DEST` in one row, or `#GROUP` and `.DEST` each in rows of its own.
fn location_rows(location: &str, letters: usize) -> Vec<String> {
    match location.find('.') {
        Some(dot) if location.chars().count() > letters => {
            let (group, dest) = location.split_at(dot);
            [banner::rows(group, letters), banner::rows(dest, letters)].concat()
        }
        _ => banner::rows(location, letters),
    }
}

fn capped(mut rows: Vec<String>, most: usize) -> Vec<String> {
    rows.truncate(most);
    rows
}

/// Printable ASCII as it is, every other character as `instead`.
fn visible(text: &str, instead: char) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { instead }).collect()
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
