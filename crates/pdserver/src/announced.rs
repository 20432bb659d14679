//! What is announced of a door on the local network (DNS-SD, RFC 6763): a service for each of its printers, with the words that
//! clients look for (Apple's Bonjour Printing Specification, PWG 5100.14).

use spoolsuite::model::door::{DoorKind, DoorPrinter, DoorSettings};
use spoolsuite::model::job::Format;
use spoolsuite::model::printable::escaped;

use pdgroup::printers::{MODEL, URF, formats, path, uuid_of};

/// Octets of the longest name of a service.
pub const MOST_NAME: usize = 63;
/// Octets of the longest word of its text.
const MOST_WORD: usize = 255;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, as people see it.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// What it is besides, for those who look for that alone.
    pub subtypes: Vec<String>,
    /// Its port.
    pub port: u16,
    /// What is to be known of it: `name=value`.
    pub text: Vec<String>,
}

/// A text of at most so many octets, in whole characters.
pub fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// `name=a,b`, with as many of them as there is room for.
fn list<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("{name}=");
    for word in words {
        let comma = if text.ends_with('=') { "" } else { "," };
        if text.len() + comma.len() + word.len() > MOST_WORD {
            break;
        }
        text.push_str(comma);
        text.push_str(word);
    }
    text
}

/// The services of one printer.
fn of_printer(settings: &DoorSettings, printer: &DoorPrinter, (port, host): (u16, &str)) -> Vec<Service> {
    let word = |name: &str, value: &str| cut(&format!("{name}={}", escaped(value)), MOST_WORD);
    let has = |format: Format| printer.formats.contains(&format);
    let mut text = vec!["txtvers=1".to_owned(), "qtotal=1".to_owned()];
    match settings.kind {
        DoorKind::Ipp => text.push(word("rp", &path(&printer.name))),
        DoorKind::Lpd => text.push(word("rp", &printer.name)),
        // There a port is the printer.
        DoorKind::Raw | DoorKind::Directory => {}
    }
    text.push(word("ty", MODEL));
    if !printer.about.is_empty() {
        text.push(word("note", &printer.about));
    }
    text.push(list("pdl", formats(printer)));
    text.push("priority=50".to_owned());
    let kinds: &[&'static str] = match (settings.kind, &settings.certificate) {
        (DoorKind::Ipp, Some(_)) => &["_ipp._tcp", "_ipps._tcp"],
        (DoorKind::Ipp, None) => &["_ipp._tcp"],
        (DoorKind::Lpd, _) => &["_printer._tcp"],
        (DoorKind::Raw, _) => &["_pdl-datastream._tcp"],
        (DoorKind::Directory, _) => &[],
    };
    let mut subtypes = Vec::new();
    if settings.kind == DoorKind::Ipp {
        text.push(format!("UUID={}", uuid_of(settings.name.as_str(), printer)));
        if settings.certificate.is_some() {
            text.push("TLS=1.3".to_owned());
        }
        if has(Format::Urf) {
            text.push(list("URF", URF));
            subtypes.push("_universal");
        }
        if has(Format::PwgRaster) {
            subtypes.push("_print");
        }
    }
    let name = cut(&format!("{} @ {host}", escaped(&printer.name)), MOST_NAME);
    let of = |kind: &&'static str| Service {
        name: name.clone(),
        kind,
        subtypes: subtypes.iter().map(|word| format!("{word}._sub.{kind}")).collect(),
        port,
        text: text.clone(),
    };
    kinds.iter().map(of).collect()
}

/// The services of a door that is reached at these ports.
pub fn services(settings: &DoorSettings, printers: &[DoorPrinter], (ports, host): (&[u16], &str)) -> Vec<Service> {
    let each = |port: &u16| -> Vec<Service> {
        printers.iter().flat_map(|printer| of_printer(settings, printer, (*port, host))).collect()
    };
    ports.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoolsuite::model::door::PrinterDoes;
    use spoolsuite::model::field::Value;
    use spoolsuite::model::object::ObjectAttribute;

    fn printer(name: &str, formats: &[Format]) -> DoorPrinter {
        DoorPrinter {
            name: name.to_owned(),
            is_group: false,
            is_default: false,
            does: PrinterDoes::Waits,
            since_ms: None,
            reasons: Vec::new(),
            message: String::new(),
            refuses: None,
            jobs: 0,
            formats: formats.to_vec(),
            held_formats: Vec::new(),
            media: Vec::new(),
            takes_all: false,
            about: "Second floor".to_owned(),
            known_as: "#OFFICE.FRONT".to_owned(),
        }
    }

    fn door(kind: &str, tls: bool) -> DoorSettings {
        let text = |name: &str, value: &str| ObjectAttribute::of(name, Value::Text(value.to_owned()));
        let mut attributes = vec![
            text("door-kind", kind),
            text("door-listen", "10.0.0.1:631"),
            text("door-allow", "10.0.0.0/8"),
            text("door-destination", "office.front"),
        ];
        if tls {
            attributes.push(ObjectAttribute::of("door-tls", Value::Boolean(true)));
        }
        DoorSettings::of(&"d1".parse().unwrap(), &attributes).unwrap()
    }

    #[test]
    fn a_printer_is_announced_as_what_it_is_declared_to_be_and_as_no_more() {
        let plain = services(&door("ipp", false), &[printer("office.front", &[])], (&[631], "acme"));
        let [ipp] = plain.as_slice() else { panic!("{plain:?}") };
        assert_eq!((ipp.name.as_str(), ipp.kind, ipp.port), ("office.front @ acme", "_ipp._tcp", 631));
        assert!(
            ipp.subtypes.is_empty() && !ipp.text.iter().any(|word| word.starts_with("URF") || word.starts_with("TLS"))
        );
        for word in ["txtvers=1", "rp=printers/office.front", "note=Second floor", "pdl=application/octet-stream"] {
            assert!(ipp.text.iter().any(|known| known == word), "{word}: {ipp:?}");
        }
        let rich = [printer("a/b", &[Format::Pdf, Format::Urf, Format::PwgRaster])];
        let sealed = services(&door("ipp", true), &rich, (&[631], "acme"));
        let [ipp, ipps] = sealed.as_slice() else { panic!("{sealed:?}") };
        assert_eq!((ipp.kind, ipps.kind), ("_ipp._tcp", "_ipps._tcp"));
        assert_eq!(ipps.subtypes, ["_universal._sub._ipps._tcp", "_print._sub._ipps._tcp"]);
        for word in
            ["rp=printers/a%2Fb", "TLS=1.3", "pdl=application/octet-stream,application/pdf,image/urf,image/pwg-raster"]
        {
            assert!(ipps.text.iter().any(|known| known == word), "{word}: {ipps:?}");
        }
        let lpd = services(&door("lpd", false), &[printer("q", &[])], (&[515], "acme"));
        assert!(lpd[0].kind == "_printer._tcp" && lpd[0].text.iter().any(|word| word == "rp=q"), "{lpd:?}");
        let raw = services(&door("raw", false), &[printer("q", &[])], (&[9100, 9101], "acme"));
        assert!(
            raw.len() == 2 && raw[1].port == 9101 && !raw[0].text.iter().any(|word| word.starts_with("rp=")),
            "{raw:?}"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_between_two_characters() {
        let long = services(&door("ipp", false), &[printer(&"ä".repeat(60), &[])], (&[631], "acme"));
        assert!(long[0].name.len() <= MOST_NAME && long[0].name.ends_with('ä'), "{}", long[0].name);
        assert!(list("pdl", std::iter::repeat_n("application/pdf", 40)).len() <= MOST_WORD);
    }
}
