//! What an operator asks of a device at work: an alignment page, other pages of the job in print, and that the job is
//! cleared away.
//!
//! A request is a row: of a device, of the attempt that ran when it was made, and of what is asked. The print process
//! answers it once. A request whose attempt has ended is refused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{JobNumber, RequestId};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceRequest {
    /// Print the alignment page.
    Align,
    /// Go on so many pages further, or go back.
    Skip(i64),
    /// Go on at this page, from 1.
    SkipTo(u64),
}

impl fmt::Display for DeviceRequest {
    /// Writes it as SPOOLCOM does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Align => f.write_str("ALIGN"),
            Self::Skip(pages) => write!(f, "SKIP {pages:+}"),
            Self::SkipTo(page) => write!(f, "SKIPTO {page}"),
        }
    }
}

impl FromStr for DeviceRequest {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{}' is no request", text.escape_debug());
        match text.split_once(' ') {
            None if text == "ALIGN" => Ok(Self::Align),
            Some(("SKIP", pages)) => pages.parse().map(Self::Skip).map_err(|_| bad()),
            Some(("SKIPTO", page)) => page.parse().map(Self::SkipTo).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

/// A request that waits for its answer, as the print process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// Which.
    pub id: RequestId,
    /// What is asked.
    pub what: DeviceRequest,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nobody has answered yet.
    Requested,
    /// It is done, or will be: in words.
    Done(String),
    /// It is done, or will be, but what had left before cannot be taken back: in words.
    Warned(String),
    /// It is not done: why.
    Refused(String),
}

impl Answer {
    /// Returns its stored number and its words; none while nobody has answered.
    pub fn stored(&self) -> Option<(i64, &str)> {
        match self {
            Self::Requested => None,
            Self::Done(text) => Some((0, text)),
            Self::Refused(text) => Some((1, text)),
            Self::Warned(text) => Some((2, text)),
        }
    }
    /// Finds it by its stored number.
    pub fn from_stored(number: i64, text: String) -> Option<Self> {
        match number {
            0 => Some(Self::Done(text)),
            1 => Some(Self::Refused(text)),
            2 => Some(Self::Warned(text)),
            _ => None,
        }
    }
}

/// What CLEAR found at a device, and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// The job that was cleared away; none = an alignment page, JOB 0.
    pub job: Option<JobNumber>,
    /// How many octets of it had left for good, as far as progress told; none where all of them are taken back.
    pub gone: Option<u64>,
    /// Whether the device still has to let go of it.
    pub running: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_is_written() {
        for request in
            [DeviceRequest::Align, DeviceRequest::Skip(-3), DeviceRequest::Skip(12), DeviceRequest::SkipTo(1950)]
        {
            assert_eq!(request.to_string().parse(), Ok(request));
        }
        assert_eq!(DeviceRequest::Skip(3).to_string(), "SKIP +3");
        for bad in ["", "ALIGN 1", "SKIP", "SKIPTO -1", "CLEAR"] {
            assert!(bad.parse::<DeviceRequest>().is_err(), "{bad}");
        }
    }
}
