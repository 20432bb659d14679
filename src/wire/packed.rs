//! Octets that travel packed: gzip (RFC 1952) and deflate, as its senders mean it (RFC 1950 or RFC 1951). They are unpacked as they
//! arrive, into what the caller has room for, so a small body that stands for a large one costs no memory; how much of it is
//! wanted is the caller's to say.

use std::io::{self, Read};

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// How octets are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip, one or several of it behind each other.
    Gzip,
    /// deflate, with the head of zlib or without.
    Deflate,
}

impl Packing {
    /// What a word of HTTP or IPP means; `Some(None)` = the octets are as they are.
    pub fn named(word: &str) -> Option<Option<Self>> {
        match word.to_ascii_lowercase().as_str() {
            "none" | "identity" | "" => Some(None),
            "gzip" | "x-gzip" => Some(Some(Self::Gzip)),
            "deflate" => Some(Some(Self::Deflate)),
            _ => None,
        }
    }
}

/// Octets that are not packed as they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not packed as it says")]
pub struct NotPacked;

/// Octets of the head and the tail of gzip that are kept at most: names and comments are read past.
const HEAD: usize = 10;

/// Where we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first octet, or behind a whole part of gzip.
    Begin,
    /// In the ten octets with which gzip begins.
    Head,
    /// In the length of further fields.
    ExtraLength { flags: u8 },
    /// In those.
    Extra { flags: u8, left: u16 },
    /// In a name or a comment, up to its NUL.
    Text { flags: u8 },
    /// In a checksum of the head.
    HeadSum { flags: u8, left: u8 },
    /// In the packed octets.
    Data,
    /// In the checksum and the length behind them.
    Tail,
    /// Behind the end of deflate.
    Done,
}

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEAD_SUM: u8 = 2;

/// What unpacks.
pub struct Unpacker {
    packing: Packing,
    at: At,
    inflate: Box<InflateState>,
    /// Octets of a head or a tail, or the first ones of deflate, from which it is seen what they are.
    held: Vec<u8>,
    sum: u32,
    octets: u32,
    /// Whole parts of gzip.
    parts: u64,
    /// Octets that those were unpacked to.
    before: u64,
}

/// A document of gzip has at most so many parts, and one more for each [`OF_EACH_PART`] octets.
const FEW_PARTS: u64 = 64;
/// Octets that each further part has on average.
const OF_EACH_PART: u64 = 512;

/// The table of the checksum of gzip.
const SUMS: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut n = 0;
    while n < 256 {
        let mut sum = n as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[n] = sum;
        n += 1;
    }
    table
};

fn summed(sum: u32, octets: &[u8]) -> u32 {
    octets.iter().fold(sum, |sum, octet| SUMS[((sum ^ u32::from(*octet)) & 0xff) as usize] ^ (sum >> 8))
}

impl Unpacker {
    /// One that has read nothing.
    pub fn new(packing: Packing) -> Self {
        Self {
            packing,
            at: At::Begin,
            inflate: InflateState::new_boxed(DataFormat::Raw),
            held: Vec::with_capacity(HEAD),
            sum: u32::MAX,
            octets: 0,
            parts: 0,
            before: 0,
        }
    }

    /// Whether what was read is whole: nothing has to follow.
    pub fn is_whole(&self) -> bool {
        match self.packing {
            Packing::Gzip => self.at == At::Begin && self.parts > 0,
            Packing::Deflate => self.at == At::Done,
        }
    }

    /// Reads octets as they came, and writes what they stand for. Returns how many were read and how many written; it stops where
    /// either is at its end.
    ///
    /// # Errors
    /// When they are not packed as they should be.
    pub fn feed(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), NotPacked> {
        let (mut read, mut written) = (0, 0);
        loop {
            if self.at == At::Data {
                let own = !self.held.is_empty();
                let from = if own { self.held.as_slice() } else { input.get(read..).unwrap_or_default() };
                let to = out.get_mut(written..).unwrap_or_default();
                if to.is_empty() {
                    return Ok((read, written));
                }
                // Without input too: what could not be written the last time waits in there.
                let done = inflate(&mut self.inflate, from, to, MZFlush::None);
                let got = to.get(..done.bytes_written).unwrap_or_default();
                self.sum = summed(self.sum, got);
                self.octets = self.octets.wrapping_add(done.bytes_written as u32);
                written += done.bytes_written;
                if own {
                    self.held.drain(..done.bytes_consumed);
                } else {
                    read += done.bytes_consumed;
                }
                match done.status {
                    Ok(MZStatus::StreamEnd) => {
                        self.at = if self.packing == Packing::Gzip { At::Tail } else { At::Done }
                    }
                    Ok(_) if done.bytes_consumed + done.bytes_written > 0 => {}
                    Ok(_) | Err(MZError::Buf) => return Ok((read, written)),
                    Err(_) => return Err(NotPacked),
                }
                continue;
            }
            let Some(octet) = input.get(read).copied() else { return Ok((read, written)) };
            if self.at == At::Done {
                return Err(NotPacked);
            }
            read += 1;
            self.at = self.after(octet)?;
        }
    }

    /// Where we are behind an octet that is no packed one.
    fn after(&mut self, octet: u8) -> Result<At, NotPacked> {
        Ok(match self.at {
            At::Begin if self.packing == Packing::Deflate => {
                self.held.push(octet);
                let [first, second] = self.held.as_slice() else { return Ok(At::Begin) };
                // Deflate alone never begins like this: it would be a stored block behind padding that is not empty.
                let zlib = first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0;
                self.inflate.reset(if zlib { DataFormat::Zlib } else { DataFormat::Raw });
                At::Data
            }
            At::Begin | At::Head => {
                self.held.push(octet);
                if self.held.len() < HEAD {
                    return Ok(At::Head);
                }
                let [0x1f, 0x8b, 8, flags, ..] = *self.held.as_slice() else { return Err(NotPacked) };
                self.held.clear();
                if flags & 0xe0 != 0 {
                    return Err(NotPacked);
                }
                self.inflate.reset(DataFormat::Raw);
                (self.sum, self.octets) = (u32::MAX, 0);
                after_extra(flags)
            }
            At::ExtraLength { flags } => {
                self.held.push(octet);
                let [low, high] = *self.held.as_slice() else { return Ok(self.at) };
                self.held.clear();
                match u16::from_le_bytes([low, high]) {
                    0 => after_extra(flags & !EXTRA),
                    left => At::Extra { flags, left },
                }
            }
            At::Extra { flags, left: 1 } => after_extra(flags & !EXTRA),
            At::Extra { flags, left } => At::Extra { flags, left: left - 1 },
            At::Text { flags } if octet == 0 => after_extra(flags & !if flags & NAME != 0 { NAME } else { COMMENT }),
            At::HeadSum { flags, left: 1 } => after_extra(flags & !HEAD_SUM),
            At::HeadSum { flags, left } => At::HeadSum { flags, left: left - 1 },
            At::Tail => {
                self.held.push(octet);
                let [a, b, c, d, e, f, g, h] = *self.held.as_slice() else { return Ok(At::Tail) };
                self.held.clear();
                let (sum, octets) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
                if sum != !self.sum || octets != self.octets {
                    return Err(NotPacked);
                }
                (self.parts, self.before) = (self.parts + 1, self.before + u64::from(octets));
                // To begin a part takes far more than an octet of it: millions of nearly empty ones are no document.
                if self.parts > FEW_PARTS + self.before / OF_EACH_PART {
                    return Err(NotPacked);
                }
                At::Begin
            }
            at @ (At::Text { .. } | At::Data | At::Done) => at,
        })
    }
}

/// What follows of a head of gzip, by the flags that are left.
fn after_extra(flags: u8) -> At {
    match flags {
        flags if flags & EXTRA != 0 => At::ExtraLength { flags },
        flags if flags & (NAME | COMMENT) != 0 => At::Text { flags },
        flags if flags & HEAD_SUM != 0 => At::HeadSum { flags, left: 2 },
        _ => At::Data,
    }
}

/// A source that is unpacked while it is read.
pub struct Unpacked<R> {
    source: R,
    unpacker: Unpacker,
    ahead: Vec<u8>,
    at: usize,
}

/// Packed octets that are read at once.
const AHEAD: usize = 16 * 1024;

impl<R: Read> Unpacked<R> {
    /// That of a source.
    pub fn new(source: R, packing: Packing) -> Self {
        Self { source, unpacker: Unpacker::new(packing), ahead: Vec::new(), at: 0 }
    }
}

impl<R: Read> Read for Unpacked<R> {
    /// `InvalidData` = it is not packed as it says, `UnexpectedEof` = it ends before its end.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.ahead.get(self.at..).unwrap_or_default();
            let (read, written) =
                self.unpacker.feed(input, out).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            self.at += read;
            if written > 0 || out.is_empty() {
                return Ok(written);
            }
            if self.at < self.ahead.len() {
                continue;
            }
            self.ahead.resize(AHEAD, 0);
            let n = self.source.read(&mut self.ahead)?;
            self.ahead.truncate(n);
            self.at = 0;
            if n == 0 {
                return if self.unpacker.is_whole() { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deflated(octets: &[u8]) -> Vec<u8> {
        miniz_oxide::deflate::compress_to_vec(octets, 6)
    }

    /// gzip with every field that a head may have.
    fn gzipped(octets: &[u8], flags: u8) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        if flags & EXTRA != 0 {
            out.extend([3, 0, b'a', b'b', b'c']);
        }
        if flags & NAME != 0 {
            out.extend(b"name\0");
        }
        if flags & COMMENT != 0 {
            out.extend(b"comment\0");
        }
        if flags & HEAD_SUM != 0 {
            out.extend([1, 2]);
        }
        out.extend(deflated(octets));
        out.extend((!summed(u32::MAX, octets)).to_le_bytes());
        out.extend((octets.len() as u32).to_le_bytes());
        out
    }

    /// A source that gives a few octets at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn unpacked(octets: &[u8], packing: Packing, step: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Unpacked::new(Slowly(octets, step), packing).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_document_may_have_parts_and_not_millions_that_are_empty() {
        let parts = |n: usize, octets: &[u8]| gzipped(octets, 0).repeat(n);
        assert_eq!(unpacked(&parts(60, b""), Packing::Gzip, 999).unwrap(), b"");
        assert_eq!(unpacked(&parts(2_000, &[b'a'; 600]), Packing::Gzip, 999).unwrap().len(), 1_200_000);
        for octets in [&b""[..], b"a"] {
            assert!(unpacked(&parts(5_000, octets), Packing::Gzip, 999).is_err());
        }
    }

    #[test]
    fn the_checksum_is_that_of_gzip() {
        assert_eq!(!summed(u32::MAX, b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_was_packed_comes_out_however_it_arrives() {
        let octets: Vec<u8> = (0..200_000u32).map(|n| (n / 7 % 251) as u8).collect();
        for step in [1, 7, 100_000] {
            for flags in [0, EXTRA, NAME, COMMENT, HEAD_SUM, EXTRA | NAME | COMMENT | HEAD_SUM] {
                assert!(unpacked(&gzipped(&octets, flags), Packing::Gzip, step).unwrap() == octets, "{flags} {step}");
            }
            let twice = [gzipped(b"one ", 0), gzipped(b"", NAME), gzipped(b"two", 0)].concat();
            assert_eq!(unpacked(&twice, Packing::Gzip, step).unwrap(), b"one two");
            assert!(unpacked(&deflated(&octets), Packing::Deflate, step).unwrap() == octets);
            let zlib = miniz_oxide::deflate::compress_to_vec_zlib(&octets, 6);
            assert!(unpacked(&zlib, Packing::Deflate, step).unwrap() == octets);
            assert_eq!(unpacked(&deflated(b""), Packing::Deflate, step).unwrap(), b"");
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_no_document() {
        let good = gzipped(b"octets of a document", NAME);
        for cut in 0..good.len() {
            let kind = unpacked(&good[..cut], Packing::Gzip, 3).unwrap_err().kind();
            assert_eq!(kind, io::ErrorKind::UnexpectedEof, "{cut}");
        }
        for at in [0, 1, 2, good.len() - 1, good.len() - 8] {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            assert!(unpacked(&bad, Packing::Gzip, 3).is_err(), "{at}");
        }
        let behind = [good, b"x".to_vec()].concat();
        assert!(unpacked(&behind, Packing::Gzip, 100).is_err());
        let behind = [deflated(b"x"), b"x".to_vec()].concat();
        assert_eq!(unpacked(&behind, Packing::Deflate, 100).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_bomb_costs_what_is_read_of_it() {
        let bomb = gzipped(&vec![0; 100 << 20], 0);
        assert!(bomb.len() < 200_000);
        let mut reader = Unpacked::new(bomb.as_slice(), Packing::Gzip);
        let mut out = [0; 4096];
        assert_eq!(reader.read(&mut out).unwrap(), 4096);
        assert!(reader.ahead.capacity() <= 2 * AHEAD);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_to_an_end(octets in proptest::collection::vec(any::<u8>(), 0..400), step in 1usize..20) {
            let _ = unpacked(&[&[0x1f, 0x8b, 8][..], &octets].concat(), Packing::Gzip, step);
            let _ = unpacked(&octets, Packing::Deflate, step);
        }

        #[test]
        fn any_octets_come_back(octets in proptest::collection::vec(any::<u8>(), 0..3000), step in 1usize..50) {
            prop_assert_eq!(&unpacked(&gzipped(&octets, NAME), Packing::Gzip, step).unwrap(), &octets);
            prop_assert_eq!(&unpacked(&deflated(&octets), Packing::Deflate, step).unwrap(), &octets);
        }
    }
}
