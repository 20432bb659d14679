//! What holds for every octet string that is taken for a FASTCNFG file. Shared by the tests and the fuzz target.

use std::path::Path;
use std::sync::Arc;

use spoolsuite::fastp::fastcnfg::check::check;
use spoolsuite::fastp::fastcnfg::lexer::Mistake;
use spoolsuite::fastp::fastcnfg::lookup::{Requester, look_up};
use spoolsuite::fastp::fastcnfg::names::QualifiedName;
use spoolsuite::fastp::fastcnfg::parsed::all_mistakes;
use spoolsuite::fastp::fastcnfg::parser::parse;
use spoolsuite::fastp::fastcnfg::read::ReadError;

/// Reads `octets` in every way there is; panics when a mistake or an entry stands outside the file, when reading twice is
/// not the same, or when an entry with a mistake is found.
pub fn holds(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let columns: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    let inside = |mistake: &Mistake| {
        let columns = columns.get(mistake.at.line as usize - 1).copied();
        let within = columns.is_some_and(|columns| (1..=columns + 1).contains(&(mistake.at.column as usize)));
        assert!(within && !mistake.what.is_empty(), "{mistake:?} is outside of {octets:?}");
    };
    let parsed = parse(octets);
    assert_eq!(parsed, parse(octets));
    all_mistakes(&parsed).into_iter().for_each(inside);
    parsed.notes.iter().for_each(inside);
    for entry in &parsed.entries {
        entry.notes.iter().for_each(inside);
        inside(&Mistake::new(entry.at, "an entry"));
        assert!(entry.entry.as_ref().err().is_none_or(|mistakes| !mistakes.is_empty()));
    }

    // Whatever it leads to is the same file again: no way is without an end.
    let again = Arc::new(parse(octets));
    let read = |_: &Path| Ok::<_, ReadError>((Arc::clone(&again), 7));
    let (primary, root) = (Path::new("/pd/FASTCNFG"), Path::new("/pd"));
    for entry in parsed.entries.iter().take(20) {
        let device = QualifiedName::read(&entry.name.to_string(), true).expect("a name is one in its own words");
        let found = look_up(primary, root, &Requester::new("acme", "SPLA"), &device, &read);
        assert!(found.seen.len() <= 3);
        if let Ok(Some(found)) = found.found {
            assert!(parsed.mistakes.is_empty() && found.place.starts_with("/pd/"));
        }
    }
    let report = check(primary, root, "acme", &read);
    report.findings.iter().for_each(|finding| inside(&finding.mistake));
    assert_eq!(report.is_bad(), report.findings.iter().any(|finding| !finding.note));
    assert!(report.is_bad() || all_mistakes(&parsed).is_empty());
}
