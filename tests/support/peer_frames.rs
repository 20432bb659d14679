//! What holds for every octets that another server sends. Shared by the tests and the fuzz target.

use spoolsuite::wire::peer::{FileEnd, HEADER, Header, Kind, PeerReply, PeerRequest, decode, encode, request};

/// Reads octets as a server reads a stream: frame after frame, until one is none.
pub fn holds(mut octets: &[u8]) {
    while let Some((head, rest)) = octets.split_first_chunk::<HEADER>() {
        let Ok(header) = Header::decode(*head) else { return };
        let length = header.length as usize;
        assert!(length > 0 && length <= header.kind.limit(), "a header announces {length} octets");
        // What is announced and does not arrive is waited for, and never made room for.
        let Some((body, after)) = rest.split_at_checked(length) else { return };
        match header.kind {
            Kind::Request => request_holds(body),
            Kind::Reply => {
                if let Ok(reply) = decode::<PeerReply>(body) {
                    comes_back(Kind::Reply, &reply);
                }
            }
            Kind::End => {
                if let Ok(end) = decode::<FileEnd>(body) {
                    comes_back(Kind::End, &end);
                }
            }
            Kind::Data => {}
        }
        octets = after;
    }
}

fn request_holds(body: &[u8]) {
    let Ok(Some(read)) = request(body) else { return };
    comes_back(Kind::Request, &read);
    let tokens: Vec<&String> = match &read {
        PeerRequest::Ask(tokens) | PeerRequest::Confirm(tokens) => tokens.iter().collect(),
        PeerRequest::GiveBack(token)
        | PeerRequest::Renew(token)
        | PeerRequest::Begin(token)
        | PeerRequest::Fetch { token, .. }
        | PeerRequest::ClaimOver { token, .. } => vec![token],
        _ => Vec::new(),
    };
    // What passes is short and printable: it goes into the log.
    if read.fault().is_none() {
        assert!(tokens.len() <= 1000 && tokens.iter().all(|one| one.len() <= 128 && one.is_ascii()), "{read:?}");
        assert!(!tokens.iter().any(|one| one.contains(|c: char| c.is_ascii_control() || c == ' ')), "{read:?}");
    }
}

/// What was read is written, and read again as the same.
fn comes_back<T>(kind: Kind, value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let Ok(frame) = encode(kind, value) else { return };
    let (head, body) = frame.split_first_chunk::<HEADER>().expect("a frame has a header");
    let header = Header::decode(*head).expect("a header of ours is one");
    assert_eq!((header.kind, header.length as usize), (kind, body.len()));
    assert_eq!(&decode::<T>(body).expect("a body of ours is one"), value);
}
