//! `null:`: bytes are read and thrown away. Also the double that tests print to.

use std::ops::Range;

use super::{Chunk, Closing, Connection, Start, Undone, ended};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::Means;
use crate::fastp::device::control::Pace;
use crate::fastp::device::errors::Trouble;
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::read_full_at;

/// Nothing at all.
#[derive(Debug)]
struct Null;

/// Opens nothing.
///
/// # Errors
/// None.
pub fn open(_: &Means, _: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    Ok(Box::new(Null))
}

impl Connection for Null {
    fn begin(&mut self, _: &Pieces, _: Option<&FilePosition>, _: &mut Pace<'_>) -> Result<Start, Trouble> {
        Ok(Start::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, pace: &mut Pace<'_>) -> Result<(), Trouble> {
        match chunk {
            Chunk::Bytes(bytes) => pace.went(bytes.len() as u64),
            Chunk::Document(index, file, Range { start, end: size }) => {
                let mut buffer = vec![0; 256 * 1024];
                let mut at = start;
                while at < size {
                    let want = (size - at).min(buffer.len() as u64) as usize;
                    let got = match read_full_at(file, &mut buffer[..want], at) {
                        Ok(0) => return Err(ended(index, at, size)),
                        Ok(got) => got as u64,
                        Err(error) => return Err(Trouble::Source(index, format!("cannot be read: {error}"))),
                    };
                    at += got;
                    pace.went(got)?;
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self, _: &mut Pace<'_>) -> Result<Delivery, Trouble> {
        Ok(Delivery::Sent)
    }

    fn undo(&mut self) -> Undone {
        Undone { touched: false, usable: true }
    }

    fn close(self: Box<Self>, _: &mut Pace<'_>) -> Closing {
        Closing::Clean
    }
}
