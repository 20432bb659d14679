//! Documents that can be told apart in what a device received.

/// A finished stream (not text) of about `size` octets that begins and ends with its tag.
pub fn stream(tag: &str, size: usize) -> Vec<u8> {
    let mut document = b"\x1bE".to_vec();
    document.extend(text(tag, size));
    document
}

/// The same as plain text: full lines, no form feed.
pub fn text(tag: &str, size: usize) -> Vec<u8> {
    let mut document = format!("<<BEGIN {tag} {size}>>\n").into_bytes();
    let mut line = 0;
    while document.len() < size {
        document
            .extend(format!("{tag} {line} abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\n").bytes());
        line += 1;
    }
    document.extend(format!("<<END {tag}>>\n").bytes());
    document
}

/// What a device received, taken apart.
#[derive(Debug, Default)]
pub struct Received {
    /// Tags of complete documents, in order.
    pub complete: Vec<String>,
    /// The tag of a document that broke off at the end, octet-identical as far as it goes.
    pub broken: Option<String>,
}

/// Takes apart what a device received, which must be documents of [`stream`] and [`text`] with nothing between them but
/// form feeds and universal exits. A document that is not octet-identical is a panic.
#[track_caller]
pub fn take_apart(mut octets: &[u8]) -> Received {
    let mut received = Received::default();
    loop {
        octets = skip_boundary(octets);
        if octets.is_empty() {
            return received;
        }
        let is_stream = octets.starts_with(b"\x1bE");
        let begin = if is_stream { &octets[2..] } else { octets };
        let Some((tag, size)) = header(begin) else {
            // A break may fall into the very header; what is there must be the beginning of one.
            let known: &[u8] = b"<<BEGIN ";
            let n = begin.len().min(known.len());
            assert!(
                begin.len() < 100 && begin[..n] == known[..n] && !begin.contains(&b'\n'),
                "no document begins here: {:?}",
                String::from_utf8_lossy(&octets[..octets.len().min(200)])
            );
            received.broken = Some(String::new());
            return received;
        };
        let expected = if is_stream { stream(&tag, size) } else { text(&tag, size) };
        let n = expected.len().min(octets.len());
        if let Some(at) = (0..n).find(|at| expected[*at] != octets[*at]) {
            panic!("document {tag} differs at octet {at} of {}", expected.len());
        }
        if octets.len() < expected.len() {
            received.broken = Some(tag);
            return received;
        }
        received.complete.push(tag);
        octets = &octets[expected.len()..];
    }
}

fn skip_boundary(mut octets: &[u8]) -> &[u8] {
    const EXIT: &[u8] = b"\x1b%-12345X";
    loop {
        if let Some(rest) = octets.strip_prefix(b"\x0c").or_else(|| octets.strip_prefix(EXIT)) {
            octets = rest;
        } else if !octets.is_empty() && octets.len() < EXIT.len() && EXIT.starts_with(octets) {
            return &[];
        } else {
            return octets;
        }
    }
}

fn header(octets: &[u8]) -> Option<(String, usize)> {
    let line = octets.split(|octet| *octet == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("<<BEGIN ")?.strip_suffix(">>")?;
    let (tag, size) = line.rsplit_once(' ')?;
    // Only a line that ended is a header.
    octets.get(line.len() + "<<BEGIN >>".len())?;
    Some((tag.to_owned(), size.parse().ok()?))
}
