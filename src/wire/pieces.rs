//! Documents on a network connection: octets in pieces, behind the frame of their request.
//!
//! Where descriptors cannot travel, the documents follow their frame in its order. A document is a row of pieces: a number
//! of 4 octets, big-endian, and so many octets. 0 means that nothing has come yet, but the document goes on;
//! [`END`] ends it. A document without its end is no document: whoever reads it must not take it for a short one.

/// Octets of the number before a piece.
pub const NUMBER: usize = 4;
/// Octets of the longest piece.
pub const MAX_PIECE: usize = 256 * 1024;
/// Ends a document.
pub const END: u32 = u32::MAX;

/// What a number announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many octets follow.
    Octets(usize),
    /// Nothing has come yet.
    Waits,
    /// The document is complete.
    End,
}

/// A piece that is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a piece of {0} octets of a document; at most {MAX_PIECE} are allowed")]
pub struct TooLong(pub u32);

impl Piece {
    /// Reads the number before a piece.
    ///
    /// # Errors
    /// For a piece that is longer than [`MAX_PIECE`].
    pub fn decode(number: [u8; NUMBER]) -> Result<Self, TooLong> {
        match u32::from_be_bytes(number) {
            0 => Ok(Self::Waits),
            END => Ok(Self::End),
            n => match usize::try_from(n) {
                Ok(octets) if octets <= MAX_PIECE => Ok(Self::Octets(octets)),
                _ => Err(TooLong(n)),
            },
        }
    }

    /// Its number. No piece is longer than [`MAX_PIECE`]; a longer one is cut to that.
    pub fn encode(self) -> [u8; NUMBER] {
        let number = match self {
            Self::Waits => 0,
            Self::End => END,
            Self::Octets(octets) => u32::try_from(octets.min(MAX_PIECE)).unwrap_or(0),
        };
        number.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written_and_long_pieces_refused() {
        for piece in [Piece::Waits, Piece::End, Piece::Octets(1), Piece::Octets(MAX_PIECE)] {
            assert_eq!(Piece::decode(piece.encode()), Ok(piece));
        }
        let long = u32::try_from(MAX_PIECE).unwrap() + 1;
        assert_eq!(Piece::decode(long.to_be_bytes()), Err(TooLong(long)));
        assert!(Piece::decode((END - 1).to_be_bytes()).is_err());
    }
}
