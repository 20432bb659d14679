//! `null:`: octets are read and thrown away. Tests print to it too.

use std::ops::Range;

use super::{Chunk, CloseOutcome, Connection, JobStart, UndoOutcome, ended};
use crate::fastp::content::pieces::Pieces;
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::PrintError;
use crate::model::state::Delivery;
use crate::spool::interface::engine::FilePosition;
use crate::sys::files::read_full_at;

/// Nothing at all.
#[derive(Debug)]
struct NullDevice;

/// Opens nothing.
pub fn open(_: &ConnectionSettings, _: &mut AttemptControl<'_>) -> Result<Box<dyn Connection>, PrintError> {
    Ok(Box::new(NullDevice))
}

impl Connection for NullDevice {
    fn begin(
        &mut self,
        _: &Pieces,
        _: Option<&FilePosition>,
        _: &mut AttemptControl<'_>,
    ) -> Result<JobStart, PrintError> {
        Ok(JobStart::default())
    }

    fn send(&mut self, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
        match chunk {
            Chunk::Bytes(bytes) => control.sent(bytes.len() as u64),
            Chunk::Document(index, file, Range { start, end: size }) => {
                let mut buffer = vec![0; 256 * 1024];
                let mut at = start;
                while at < size {
                    let want = (size - at).min(buffer.len() as u64) as usize;
                    let got = match read_full_at(file, &mut buffer[..want], at) {
                        Ok(0) => return Err(ended(index, at, size)),
                        Ok(got) => got as u64,
                        Err(error) => return Err(PrintError::Source(index, format!("cannot be read: {error}"))),
                    };
                    at += got;
                    control.sent(got)?;
                }
                Ok(())
            }
        }
    }

    fn finish(&mut self, _: &mut AttemptControl<'_>) -> Result<Delivery, PrintError> {
        Ok(Delivery::Sent)
    }

    fn undo(&mut self) -> UndoOutcome {
        UndoOutcome { touched: false, usable: true }
    }

    fn close(self: Box<Self>, _: &mut AttemptControl<'_>) -> CloseOutcome {
        CloseOutcome::Clean
    }
}
