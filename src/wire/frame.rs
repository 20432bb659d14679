//! The frames in which operations travel between a command and a server.
//!
//! A frame is a header of [`HEADER`] octets and a body. All numbers are big-endian.
//!
//! | octets | what |
//! |---|---|
//! | 0–2 | `SPW` |
//! | 3 | version of the frame, 1 |
//! | 4 | kind: 1 request, 2 reply, 3 hello |
//! | 5 | 0 |
//! | 6–7 | open files that travel beside the frame, at most [`MAX_FILES`] |
//! | 8–11 | octets of the body, at least 1, at most [`Kind::limit`] |
//!
//! The body is one JSON value. It is judged only when it is complete: half a request is no request. Reading is total:
//! whatever the octets are, the result is a value or a [`FrameError`], in memory proportional to what really arrived.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Octets of a header.
pub const HEADER: usize = 12;
/// Open files that may travel beside one frame.
pub const MAX_FILES: usize = 128;
/// Octets of the longest request.
pub const MAX_REQUEST: usize = 8 << 20;
/// Octets of the longest reply.
pub const MAX_REPLY: usize = 16 << 20;

const MAGIC: [u8; 3] = *b"SPW";
const VERSION: u8 = 1;

/// Which way a frame travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From a command to a server.
    Request = 1,
    /// From a server to a command.
    Reply = 2,
    /// The first frame of either side.
    Hello = 3,
}

impl Kind {
    /// Octets that the body of such a frame may have.
    pub fn limit(self) -> usize {
        match self {
            Self::Request => MAX_REQUEST,
            Self::Reply => MAX_REPLY,
            Self::Hello => super::hello::MAX_HELLO,
        }
    }
}

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first octets are not ours.
    #[error("the peer does not speak the protocol of this spool")]
    Foreign,
    /// Another version of the frame.
    #[error("the peer speaks version {0} of the protocol, this program version {VERSION}")]
    Version(u8),
    /// A kind that is unknown or not expected here.
    #[error("a message of kind {0} is not expected here")]
    Kind(u8),
    /// The body is empty or longer than allowed.
    #[error("a message of {octets} octets; at most {limit} are allowed")]
    Length {
        /// Its octets.
        octets: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Too many files, or another number of them than announced.
    #[error("{found} open files came with a message that may have {expected}")]
    Files {
        /// How many there are.
        found: usize,
        /// How many there may be.
        expected: usize,
    },
    /// The body is not the value it should be.
    #[error("a malformed message: {0}")]
    Body(String),
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which way it travels.
    pub kind: Kind,
    /// Open files beside it.
    pub files: u16,
    /// Octets of its body.
    pub length: u32,
}

impl Header {
    fn new(kind: Kind, files: usize, length: usize) -> Result<Self, FrameError> {
        let limit = kind.limit();
        let bad_length = FrameError::Length { octets: length, limit };
        if length == 0 || length > limit {
            return Err(bad_length);
        }
        let too_many = FrameError::Files { found: files, expected: MAX_FILES };
        if files > MAX_FILES {
            return Err(too_many);
        }
        let files = u16::try_from(files).map_err(|_| too_many)?;
        let length = u32::try_from(length).map_err(|_| bad_length)?;
        Ok(Self { kind, files, length })
    }

    /// Its octets.
    pub fn encode(self) -> [u8; HEADER] {
        let [f0, f1] = self.files.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [MAGIC[0], MAGIC[1], MAGIC[2], VERSION, self.kind as u8, 0, f0, f1, l0, l1, l2, l3]
    }

    /// From its octets; a frame of another kind than `expected` is an error.
    ///
    /// # Errors
    /// Whatever is wrong with it, the most general fault first.
    pub fn decode(octets: &[u8; HEADER], expected: Kind) -> Result<Self, FrameError> {
        let [m0, m1, m2, version, kind, zero, f0, f1, l0, l1, l2, l3] = *octets;
        if [m0, m1, m2] != MAGIC {
            return Err(FrameError::Foreign);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if kind != expected as u8 || zero != 0 {
            return Err(FrameError::Kind(kind));
        }
        let files = usize::from(u16::from_be_bytes([f0, f1]));
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        Self::new(expected, files, usize::try_from(length).unwrap_or(usize::MAX))
    }
}

/// A whole frame around `value`, to be sent with `files` open files beside it.
///
/// # Errors
/// When it would be longer, or have more files, than a peer accepts.
pub fn encode<T: Serialize>(kind: Kind, value: &T, files: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, value).map_err(|error| FrameError::Body(error.to_string()))?;
    let header = Header::new(kind, files, frame.len() - HEADER)?;
    frame[..HEADER].copy_from_slice(&header.encode());
    Ok(frame)
}

/// The value in a complete body. Nesting is bounded by the JSON reader (128 levels).
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(|error| FrameError::Body(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::query::{Condition, Order, Parts, Query};
    use crate::model::{DeviceName, JobId};
    use crate::spool::interface::operations::{Reply, Request};
    use proptest::prelude::*;

    fn header(frame: &[u8]) -> [u8; HEADER] {
        frame[..HEADER].try_into().unwrap()
    }

    #[test]
    fn a_request_survives_the_way() {
        let request = Request::DrainDevice { name: "lp1".parse::<DeviceName>().unwrap() };
        let frame = encode(Kind::Request, &request, 3).unwrap();
        let head = Header::decode(&header(&frame), Kind::Request).unwrap();
        assert_eq!((head.files, head.length as usize), (3, frame.len() - HEADER));
        assert_eq!(decode::<Request>(&frame[HEADER..]).unwrap(), request);
    }

    #[test]
    fn each_fault_of_a_header_has_its_name() {
        let good = Header { kind: Kind::Reply, files: 0, length: 5 }.encode();
        let with = |at: usize, octet: u8| {
            let mut bad = good;
            bad[at] = octet;
            Header::decode(&bad, Kind::Reply)
        };
        assert!(with(0, b'S').is_ok());
        assert_eq!(with(1, b'X'), Err(FrameError::Foreign));
        assert_eq!(with(3, 9), Err(FrameError::Version(9)));
        assert_eq!(with(4, 1), Err(FrameError::Kind(1)));
        assert_eq!(with(7, 129), Err(FrameError::Files { found: 129, expected: MAX_FILES }));
        assert_eq!(with(11, 0), Err(FrameError::Length { octets: 0, limit: MAX_REPLY }));
        assert!(matches!(with(8, 255), Err(FrameError::Length { .. })));
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let long = "x".repeat(MAX_REQUEST);
        assert!(matches!(encode(Kind::Request, &long, 0), Err(FrameError::Length { .. })));
        assert!(matches!(encode(Kind::Request, &1, MAX_FILES + 1), Err(FrameError::Files { .. })));
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_an_overflow() {
        let deep = "[".repeat(1 << 20);
        assert!(matches!(decode::<serde_json::Value>(deep.as_bytes()), Err(FrameError::Body(_))));
    }

    proptest! {
        #[test]
        fn any_octets_are_a_value_or_an_error(octets in any::<[u8; HEADER]>(), body in any::<Vec<u8>>()) {
            for kind in [Kind::Request, Kind::Reply, Kind::Hello] {
                if let Ok(head) = Header::decode(&octets, kind) {
                    prop_assert_eq!(head.encode(), octets);
                }
            }
            let _ = decode::<Request>(&body);
            let _ = decode::<Reply>(&body);
            let _ = decode::<crate::wire::hello::Hello>(&body);
        }

        #[test]
        fn a_damaged_request_is_a_value_or_an_error(at in 0usize..4096, octet in any::<u8>()) {
            let request = Request::Jobs {
                query: Query { condition: Condition::Not(Box::new(Condition::Any)), order: Order::Number, parts: Parts::ALL },
                after: None,
                limit: 7,
            };
            let mut frame = encode(Kind::Request, &request, 0).unwrap();
            let at = at % frame.len();
            frame[at] = octet;
            if Header::decode(&header(&frame), Kind::Request).is_ok() {
                let _ = decode::<Request>(&frame[HEADER..]);
            }
        }

        #[test]
        fn a_truncated_request_is_an_error(id in any::<i64>(), cut in 0usize..4096) {
            let frame = encode(Kind::Request, &Request::Occurrences { job: JobId(id) }, 0).unwrap();
            let body = &frame[HEADER..];
            prop_assert!(decode::<Request>(&body[..cut % body.len()]).is_err());
        }
    }
}
