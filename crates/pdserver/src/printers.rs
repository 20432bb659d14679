//! What a door says of its printers, in the answers of IPP and in what is announced on the network: both have to say the same.

use spoolsuite::model::door::DoorPrinter;

/// The format of octets that nobody says anything of.
pub const OCTETS: &str = "application/octet-stream";

/// What printers are called that are destinations of a spool.
pub const MODEL: &str = "spoolsuite destination";

/// What a printer takes that is declared to take Apple's raster, in the words of its makers.
pub const URF: [&str; 9] = ["V1.4", "CP1", "W8", "SRGB24", "RS300", "PQ4", "IS1", "MT1", "OB10"];

/// The formats that a printer is declared to print.
pub fn formats(printer: &DoorPrinter) -> Vec<&'static str> {
    let mut found = vec![OCTETS];
    for name in printer.formats.iter().filter_map(|format| format.mime()) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// A name of ours as a UUID: the same name has the same one for ever.
pub fn uuid(kind: &str, name: &str) -> String {
    let digest = blake3::hash(format!("{kind} {name}").as_bytes());
    let hex = digest.to_hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Version 8, variant 1 (RFC 9562 §5.8): made by a rule of our own.
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// That of a printer of a door.
pub fn uuid_of(door: &str, printer: &DoorPrinter) -> String {
    uuid("printer", &format!("{door} {}", printer.known_as))
}

/// A name as a part of an address.
fn encoded(name: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let each =
        name.bytes().map(|octet| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") });
    each.collect()
}

/// Where a printer is found at its door.
pub fn path(name: &str) -> String {
    format!("printers/{}", encoded(name))
}
