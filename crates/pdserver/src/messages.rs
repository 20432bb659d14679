//! What members and those who join say to the first server: one JSON value behind its length in 4 octets, big-endian.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use spoolsuite::model::ServerName;

use crate::members::{Group, Role};

/// Octets of the longest question.
pub const LONGEST_QUESTION: usize = 16 * 1024;
/// Octets of the longest answer: a list of members.
pub const LONGEST_ANSWER: usize = 4 << 20;

/// What is asked.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Somebody with a token asks who is in the group. The token is not used up.
    Look {
        /// What proves the invitation.
        secret: String,
        /// What he becomes.
        role: Role,
        /// His name.
        name: ServerName,
    },
    /// The same one asks to be a member.
    Join {
        /// See above.
        secret: String,
        /// See above.
        role: Role,
        /// See above.
        name: ServerName,
        /// His certificate signing request, DER in hexadecimal digits. The key stays with him.
        request: String,
        /// The host he is at, as he says.
        host: String,
    },
    /// A member asks for a new certificate.
    Renew {
        /// See above.
        request: String,
    },
    /// A member asks for the list when it is newer than what it has, and waits a while for that.
    Follow {
        /// The generation that it has.
        known: u64,
        /// Where it listens; a host of `0.0.0.0` or `::` is the one that it comes from.
        listens: Option<String>,
    },
    /// A member ends its membership.
    Leave,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The list.
    Group(Group),
    /// Nothing is newer.
    Same,
    /// A certificate, and the list with it.
    Certificate {
        /// DER in hexadecimal digits.
        certificate: String,
        /// See above.
        group: Group,
    },
    /// It is done.
    Done,
    /// It is not, and why.
    Refused(String),
}

/// Writes a value.
///
/// # Errors
/// When it was not sent completely.
pub fn write<T: Serialize>(stream: &mut impl Write, value: &T) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&frame)?;
    stream.flush()
}

/// Reads a value of at most `longest` octets. None when the peer closed in good order before it began.
///
/// # Errors
/// When what came is longer, or is no such value, or is cut off.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read, longest: usize) -> io::Result<Option<T>> {
    let mut number = [0; 4];
    let begun = loop {
        match stream.read(&mut number) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if begun == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut number[begun..])?;
    let length = usize::try_from(u32::from_be_bytes(number)).unwrap_or(usize::MAX);
    if length == 0 || length > longest {
        let what = format!("a message of {length} octets; at most {longest} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    // Memory grows with what arrives, not with what was announced.
    let mut body = Vec::with_capacity(length.min(64 * 1024));
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    if stream.by_ref().take(limit).read_to_end(&mut body)? < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    serde_json::from_slice(&body).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Octets in hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets of hexadecimal digits; none for anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let question = Question::Follow { known: 7, listens: Some("h:1".to_owned()) };
        let mut octets = Vec::new();
        write(&mut octets, &question).unwrap();
        assert_eq!(read::<Question>(&mut &octets[..], LONGEST_QUESTION).unwrap(), Some(question));
        assert_eq!(read::<Question>(&mut &[][..], LONGEST_QUESTION).unwrap(), None);
        for end in 1..octets.len() {
            assert!(read::<Question>(&mut &octets[..end], LONGEST_QUESTION).is_err(), "{end} octets");
        }
        for bad in [&[0, 0, 0, 0][..], &[255, 255, 255, 255], &[0, 0, 0, 2, b'{', b'}'], &[0, 0, 0, 2, 0, 255]] {
            assert!(read::<Question>(&mut &bad[..], LONGEST_QUESTION).is_err(), "{bad:?}");
        }
        let path = br#"{"Look":{"secret":"","role":"server","name":"../x"}}"#;
        let mut frame = u32::try_from(path.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(path);
        assert!(read::<Question>(&mut &frame[..], LONGEST_QUESTION).is_err(), "a name is no path");
    }

    #[test]
    fn digits_are_octets_and_back() {
        assert_eq!(unhex(&hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("0g"), None);
    }
}
