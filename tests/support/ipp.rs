//! What holds for any octets that come as IPP.

use spoolsuite::wire::chunked::Chunks;
use spoolsuite::wire::ipp::{Head, MAX_ATTRIBUTES, Message};

/// Reads octets as a message and as chunks: what is read is written as it was, and nothing panics.
pub fn read(octets: &[u8]) {
    let mut rest = octets;
    if let Ok(head) = Head::read(&mut rest)
        && let Ok(message) = Message::read(head, &mut rest)
    {
        let attributes: usize = message.groups.iter().map(|group| group.attributes.len()).sum();
        assert!(attributes <= MAX_ATTRIBUTES);
        let written = message.encode();
        let mut again = written.as_slice();
        let head = Head::read(&mut again).unwrap();
        assert_eq!(Message::read(head, &mut again).unwrap(), message);
        assert!(again.is_empty());
    }
    let (mut chunks, mut at, mut out) = (Chunks::default(), 0, [0; 64]);
    while at < octets.len() && !chunks.is_done() {
        let Ok((read, written)) = chunks.feed(octets.get(at..).unwrap_or_default(), &mut out) else { return };
        assert!(read > 0 || written > 0, "it goes on");
        at += read;
    }
}
