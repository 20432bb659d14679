//! What holds for every octet string that a stranger sends to a door. Shared by the tests and the fuzz targets.

use spoolsuite::wire::lpd::{Command, ControlFile, MAX_CONTROL_LINES, QueueLine, Subcommand, listing, text};
use spoolsuite::wire::pjl::{HEAD, Head, answers};

/// Reads `octets` as each thing that comes to an LPD door; panics when reading twice is not the same, when a result is larger than
/// what was read, or when a table could be torn apart by what stands in it.
pub fn lpd(octets: &[u8]) {
    assert_eq!(Command::parse(octets), Command::parse(octets));
    assert_eq!(Subcommand::parse(octets), Subcommand::parse(octets));
    if let Command::Queue { queue, which, .. } | Command::Remove { queue, which, .. } = Command::parse(octets) {
        assert!(queue.len() + which.iter().map(Vec::len).sum::<usize>() <= octets.len());
    }
    let shown = text(octets);
    assert!(shown.chars().count() <= 1024);
    let Ok(control) = ControlFile::parse(octets) else { return };
    assert!(control.files.len() <= MAX_CONTROL_LINES);
    for (n, file) in control.files.iter().enumerate() {
        assert!((1..=9_999).contains(&file.copies) && !file.file.is_empty() && file.letter.is_ascii_lowercase());
        assert!(control.files[..n].iter().all(|other| other.file != file.file), "named twice");
    }
    let mut joined = control.clone();
    joined.join(control.clone());
    assert_eq!(joined.files.len(), control.files.len());
    let of = |octets: &Option<Vec<u8>>| octets.as_deref().map(text);
    let row = QueueLine {
        active: false,
        owner: of(&control.user),
        number: 7,
        title: of(&control.title),
        octets: 1,
        copies: 2,
        host: of(&control.host).unwrap_or_default(),
    };
    for long in [false, true] {
        let table = listing(&shown, true, std::slice::from_ref(&row), long);
        assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
        assert_eq!(table.lines().count(), if long { 4 } else { 3 }, "{table:?}");
    }
}

/// Reads `octets` as the head of a raw job, and answers the questions in it; panics when an answer is larger than a bound that does not
/// depend on what one line holds, or when a text has more octets than were read.
pub fn pjl(octets: &[u8]) {
    let head = &octets[..octets.len().min(HEAD)];
    let found = Head::of(head);
    assert_eq!(found, Head::of(head));
    for text in [&found.title, &found.user].into_iter().flatten() {
        assert!(!text.trim().is_empty() && text.chars().count() <= head.len());
    }
    let said = answers(head, "acme1");
    let lines = head.iter().filter(|octet| **octet == b'\n').count() + 1;
    assert!(said.len() <= lines * 2_200, "{} octets for {lines} lines", said.len());
    assert!(said.is_empty() || said.ends_with(b"\r\n\x0c"));
}
