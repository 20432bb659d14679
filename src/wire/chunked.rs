//! Bodies of HTTP that come in chunks (RFC 9112 §7.1), as their octets arrive.
//!
//! Only what the standard says is a chunk: hexadecimal digits, a carriage return and a line feed. What is read more freely here
//! than by a server before us is how requests are smuggled.

/// Octets of a line that says how long a chunk is, and of all trailers together.
const MAX_LINE: usize = 4096;
/// Digits of a size.
const MAX_DIGITS: u32 = 15;

/// Where in the body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the digits of a size.
    Size { digits: u32, size: u64 },
    /// Behind the digits; what stands there has no meaning for us.
    Extension { size: u64 },
    /// Behind the carriage return of the line.
    LineEnd { size: u64 },
    /// In the octets of a chunk.
    Data { left: u64 },
    /// Behind the octets of a chunk: a carriage return.
    DataReturn,
    /// Behind that: a line feed.
    DataFeed,
    /// In a line behind the last chunk, which has so many octets.
    Trailer { octets: usize },
    /// Behind the carriage return of such a line.
    TrailerFeed { octets: usize },
    /// The body has ended.
    Done,
}

/// A body that is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not chunked as it says")]
pub struct NotChunked;

/// A body that arrives.
#[derive(Clone, Debug)]
pub struct Chunks {
    at: At,
    /// Octets of the line or of the trailers that we are in.
    line: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, size: 0 }, line: 0 }
    }
}

impl Chunks {
    /// Whether the body has ended. What follows belongs to the next request.
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Reads octets as they came, and writes those of the body. Returns how many were read and how many written; it stops where
    /// either is at its end, and at the end of the body.
    ///
    /// # Errors
    /// When the octets are no chunks.
    pub fn feed(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), NotChunked> {
        let (mut read, mut written) = (0, 0);
        while let Some(octet) = input.get(read).copied() {
            if let At::Data { left } = self.at {
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                let n = most.min(input.len() - read).min(out.len() - written);
                if n == 0 {
                    break;
                }
                if let (Some(to), Some(from)) = (out.get_mut(written..written + n), input.get(read..read + n)) {
                    to.copy_from_slice(from);
                }
                (read, written) = (read + n, written + n);
                let left = left.saturating_sub(n as u64);
                self.at = if left == 0 { At::DataReturn } else { At::Data { left } };
                continue;
            }
            if self.is_done() {
                break;
            }
            read += 1;
            self.at = self.after(octet)?;
        }
        Ok((read, written))
    }

    /// Where we are behind an octet that is none of the body.
    fn after(&mut self, octet: u8) -> Result<At, NotChunked> {
        self.line += 1;
        if self.line > MAX_LINE {
            return Err(NotChunked);
        }
        Ok(match (self.at, octet) {
            (At::Size { digits, size }, octet) if octet.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                let digit = char::from(octet).to_digit(16).ok_or(NotChunked)?;
                At::Size { digits: digits + 1, size: size * 16 + u64::from(digit) }
            }
            (At::Size { digits: 1.., size } | At::Extension { size }, b'\r') => At::LineEnd { size },
            (At::Size { digits: 1.., size }, b';') => At::Extension { size },
            // A line feed alone ends a line for some, and not for others.
            (At::Extension { size }, octet) if octet != b'\n' => At::Extension { size },
            (At::LineEnd { size: 0 }, b'\n') => {
                self.line = 0;
                At::Trailer { octets: 0 }
            }
            (At::LineEnd { size }, b'\n') => {
                self.line = 0;
                At::Data { left: size }
            }
            (At::DataReturn, b'\r') => At::DataFeed,
            (At::DataFeed, b'\n') => At::Size { digits: 0, size: 0 },
            (At::Trailer { octets }, b'\r') => At::TrailerFeed { octets },
            (At::TrailerFeed { octets: 0 }, b'\n') => At::Done,
            (At::TrailerFeed { .. }, b'\n') => At::Trailer { octets: 0 },
            (At::Trailer { octets }, octet) if octet != b'\n' => At::Trailer { octets: octets + 1 },
            _ => return Err(NotChunked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The body, and what follows it; pieces of `piece` octets.
    fn read(octets: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<u8>, bool), NotChunked> {
        let (mut chunks, mut body, mut at) = (Chunks::default(), Vec::new(), 0);
        let mut out = [0; 7];
        while at < octets.len() && !chunks.is_done() {
            let end = (at + piece).min(octets.len());
            let (read, written) = chunks.feed(&octets[at..end], &mut out)?;
            body.extend_from_slice(&out[..written]);
            at += read;
        }
        Ok((body, octets[at..].to_vec(), chunks.is_done()))
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let good = b"3;name=value\r\nabc\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
        assert_eq!(read(good, 1).unwrap(), (b"abc0123456789".to_vec(), b"next".to_vec(), true));
        for bad in [
            &b"\r\n"[..],
            b"-3\r\nabc\r\n",
            b"+3\r\nabc\r\n",
            b"0x3\r\nabc\r\n",
            b" 3\r\nabc\r\n",
            b"3 \r\nabc\r\n",
            b"3\nabc\n0\n\n",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n\r0",
            b"0\r\nTrailer\n\r\n",
            b"3;x\ny\r\nabc",
            b"fffffffffffffffff\r\n",
        ] {
            assert!(read(bad, 1).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert!(read(&[b"3;".as_slice(), &[b'x'; MAX_LINE]].concat(), 100).is_err());
    }

    proptest! {
        #[test]
        fn a_body_is_read_however_it_is_cut(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..6), piece in 1usize..9
        ) {
            let mut octets = Vec::new();
            for part in &parts {
                octets.extend(format!("{:x}\r\n", part.len()).into_bytes());
                octets.extend(part);
                octets.extend(b"\r\n");
            }
            octets.extend(b"0\r\n\r\nGET");
            prop_assert_eq!(read(&octets, piece).unwrap(), (parts.concat(), b"GET".to_vec(), true));
        }

        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..2048), piece in 1usize..99) {
            let _ = read(&octets, piece);
        }
    }
}
