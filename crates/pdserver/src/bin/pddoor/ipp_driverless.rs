//! What clients need that print without a driver: paper, colour and resolution of a destination that is declared to print PDF or
//! raster.
//!
//! Such a document says itself on which paper it is and in which colour, and passes as it came. So what is declared here is what
//! documents may be, and what a request says of it is taken as a word about its document. Paper is that of the devices where they
//! say it, and else the two that most people have. Two sides, bins and finishing are not declared: nothing here would bring them
//! to the printer.

use pdgroup::printers::URF;
use spoolsuite::model::door::DoorPrinter;
use spoolsuite::model::job::Format;
use spoolsuite::wire::ipp::{Attribute, Group, Value};

/// A paper.
struct Paper {
    /// Its name (PWG 5101.1).
    name: &'static str,
    /// What people call it, in lower case.
    known_as: &'static [&'static str],
    /// Across and along, hundredths of a millimetre.
    size: (i32, i32),
}

const PAPERS: &[Paper] = &[
    Paper { name: "iso_a4_210x297mm", known_as: &["a4"], size: (21000, 29700) },
    Paper { name: "na_letter_8.5x11in", known_as: &["letter"], size: (21590, 27940) },
    Paper { name: "na_legal_8.5x14in", known_as: &["legal"], size: (21590, 35560) },
    Paper { name: "iso_a3_297x420mm", known_as: &["a3"], size: (29700, 42000) },
    Paper { name: "iso_a5_148x210mm", known_as: &["a5"], size: (14800, 21000) },
    Paper { name: "iso_a6_105x148mm", known_as: &["a6"], size: (10500, 14800) },
    Paper { name: "iso_b5_176x250mm", known_as: &["b5"], size: (17600, 25000) },
    Paper { name: "na_executive_7.25x10.5in", known_as: &["executive"], size: (18415, 26670) },
    Paper { name: "na_ledger_11x17in", known_as: &["ledger", "tabloid"], size: (27940, 43180) },
];

/// What most printers leave white at each edge, hundredths of a millimetre.
const MARGIN: i32 = 423;
/// The formats that need no driver.
const FORMATS: [Format; 3] = [Format::Pdf, Format::PwgRaster, Format::Urf];
/// The attributes of a job that say something of its document.
const OF_DOCUMENTS: [&str; 9] = [
    "media",
    "media-col",
    "sides",
    "print-color-mode",
    "print-quality",
    "printer-resolution",
    "orientation-requested",
    "output-bin",
    "finishings",
];

/// Whether a printer needs no driver.
pub fn is_driverless(printer: &DoorPrinter) -> bool {
    printer.formats.iter().any(|format| FORMATS.contains(format))
}

fn paper(name: &str) -> Option<&'static Paper> {
    let name = name.to_ascii_lowercase();
    let words = || name.split(|one: char| !one.is_ascii_alphanumeric());
    PAPERS.iter().find(|paper| paper.name == name || words().any(|word| paper.known_as.contains(&word)))
}

fn papers(printer: &DoorPrinter) -> Vec<&'static Paper> {
    let mut found: Vec<&Paper> = Vec::new();
    for paper in printer.media.iter().filter_map(|name| paper(name)) {
        if !found.iter().any(|known| known.name == paper.name) {
            found.push(paper);
        }
    }
    if found.is_empty() { PAPERS.iter().take(2).collect() } else { found }
}

fn size(paper: &Paper) -> Value {
    let (across, along) = paper.size;
    Value::Collection(vec![
        Attribute::one("x-dimension", Value::Integer(across)),
        Attribute::one("y-dimension", Value::Integer(along)),
    ])
}

fn sheet(paper: &Paper) -> Value {
    let margin = |edge: &str| Attribute::one(&format!("media-{edge}-margin"), Value::Integer(MARGIN));
    Value::Collection(vec![
        Attribute::one("media-size", size(paper)),
        Attribute::one("media-size-name", Value::keyword(paper.name)),
        margin("bottom"),
        margin("left"),
        margin("right"),
        margin("top"),
        Attribute::one("media-source", Value::keyword("auto")),
        Attribute::one("media-type", Value::keyword("stationery")),
    ])
}

/// Adds what a printer is that needs no driver; nothing to one that needs one.
pub fn describe(group: &mut Group, printer: &DoorPrinter) {
    if !is_driverless(printer) {
        return;
    }
    let papers = papers(printer);
    let Some(first) = papers.first() else { return };
    let word = |word: &str| vec![Value::keyword(word)];
    let names = || papers.iter().map(|paper| Value::keyword(paper.name)).collect::<Vec<_>>();
    let sheets = || papers.iter().map(|paper| sheet(paper)).collect::<Vec<_>>();
    group.add("color-supported", Value::Boolean(true));
    group.add("printer-device-id", Value::text(&device_id(printer)));
    group.add_all("media-default", word(first.name));
    group.add_all("media-supported", names());
    group.add_all("media-ready", names());
    group.add_all("media-size-supported", papers.iter().map(|paper| size(paper)).collect());
    let members = ["bottom-margin", "left-margin", "right-margin", "size", "size-name", "source", "top-margin", "type"];
    let members = members.iter().map(|member| Value::keyword(&format!("media-{member}"))).collect();
    group.add_all("media-col-supported", members);
    group.add("media-col-default", sheet(first));
    group.add_all("media-col-ready", sheets());
    group.add_all("media-col-database", sheets());
    for edge in ["bottom", "left", "right", "top"] {
        group.add(&format!("media-{edge}-margin-supported"), Value::Integer(MARGIN));
    }
    for (name, value) in [
        ("media-source", "auto"),
        ("media-type", "stationery"),
        ("sides", "one-sided"),
        ("print-color-mode", "auto"),
        ("output-bin", "face-down"),
    ] {
        group.add_all(&format!("{name}-supported"), word(value));
        if !name.starts_with("media-") {
            group.add_all(&format!("{name}-default"), word(value));
        }
    }
    for (name, number) in [("print-quality", 4), ("orientation-requested", 3), ("finishings", 3)] {
        group.add(&format!("{name}-supported"), Value::Enum(number));
        group.add(&format!("{name}-default"), Value::Enum(number));
    }
    let resolution = || Value::Resolution(300, 300, 3);
    group.add("printer-resolution-supported", resolution());
    group.add("printer-resolution-default", resolution());
    group.add("page-ranges-supported", Value::Boolean(false));
    if printer.formats.contains(&Format::PwgRaster) {
        group.add("pwg-raster-document-resolution-supported", resolution());
        let types = ["black_1", "sgray_8", "srgb_8"].iter().map(|kind| Value::keyword(kind)).collect();
        group.add_all("pwg-raster-document-type-supported", types);
        group.add_all("pwg-raster-document-sheet-back", word("normal"));
    }
    if printer.formats.contains(&Format::Urf) {
        group.add_all("urf-supported", URF.iter().map(|kind| Value::keyword(kind)).collect());
    }
}

fn device_id(printer: &DoorPrinter) -> String {
    let words = FORMATS.iter().filter(|format| printer.formats.contains(format)).map(|format| match format {
        Format::Pdf => "PDF",
        Format::PwgRaster => "PWGRaster",
        _ => "URF",
    });
    format!("MFG:spoolsuite;MDL:destination;CMD:{};", words.collect::<Vec<_>>().join(","))
}

/// Whether an attribute of a job is one that this printer declares, with a value that it declares.
pub fn takes(printer: &DoorPrinter, attribute: &Attribute) -> bool {
    if !is_driverless(printer) || !OF_DOCUMENTS.contains(&attribute.name.as_str()) {
        return false;
    }
    let mut declared = Group::new(spoolsuite::wire::ipp::tag::PRINTER);
    describe(&mut declared, printer);
    let [value] = attribute.values.as_slice() else { return false };
    if let Value::Collection(members) = value {
        return members.iter().all(|member| takes_of_sheet(printer, member));
    }
    let supported = declared.find(&format!("{}-supported", attribute.name));
    supported.is_some_and(|supported| supported.values.contains(value))
}

/// The same for a member of `media-col`.
fn takes_of_sheet(printer: &DoorPrinter, member: &Attribute) -> bool {
    papers(printer).into_iter().any(|paper| match (member.name.as_str(), member.values.first()) {
        ("media-size", Some(Value::Collection(asked))) => {
            let side = |name: &str| asked.iter().find(|side| side.name == name).and_then(|side| side.values.first());
            let near = |asked: Option<&Value>, wanted: i32| {
                asked.and_then(Value::as_integer).is_some_and(|asked| (asked - wanted).abs() <= 5)
            };
            near(side("x-dimension"), paper.size.0) && near(side("y-dimension"), paper.size.1)
        }
        ("media-size-name", Some(name)) => name.as_text().as_deref() == Some(paper.name),
        ("media-source", Some(word)) => word.as_text().as_deref() == Some("auto"),
        ("media-type", Some(word)) => word.as_text().as_deref() == Some("stationery"),
        (name, Some(Value::Integer(margin))) => name.ends_with("-margin") && *margin == MARGIN,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paper_is_known_by_what_people_call_it() {
        let name = |text: &str| paper(text).map(|paper| paper.name);
        assert_eq!(name("A4"), Some("iso_a4_210x297mm"));
        assert_eq!(name("iso-a4-white"), Some("iso_a4_210x297mm"));
        assert_eq!(name("na_letter_8.5x11in"), Some("na_letter_8.5x11in"));
        assert_eq!((name("labels"), name("")), (None, None));
    }
}
