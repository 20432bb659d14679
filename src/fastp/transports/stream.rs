//! Shared by transports that write to a descriptor which may be full: octets are sent as fast as they are accepted.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

use super::{Chunk, ended};
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::PrintError;
use crate::sys::files::read_full_at;

/// Octets read from a document at once.
const STEP: usize = 64 * 1024;

/// What octets are written to.
pub(super) trait Outlet {
    /// The descriptor, which does not block.
    fn file(&self) -> &File;

    /// Notes that `n` octets were accepted.
    fn accepted(&mut self, n: usize);

    /// No octet was accepted: waits until the descriptor may accept some.
    fn wait_writable(&mut self, control: &mut AttemptControl<'_>) -> Result<(), PrintError>;

    /// Returns what a write error means.
    fn failed(&self, error: &io::Error) -> PrintError;
}

/// Writes a piece of a job.
///
/// A document is read and written, not passed on inside the kernel: a pipe would hold the pages of the file itself, and
/// whoever edits a linked file would change what was already sent. A serial line copies them anyway.
pub(super) fn put(out: &mut impl Outlet, chunk: Chunk<'_>, control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
    let (index, file, Range { start, end }) = match chunk {
        Chunk::Bytes(bytes) => return write(out, bytes, control),
        Chunk::Document(index, file, range) => (index, file, range),
    };
    let mut buffer = vec![0; STEP];
    let mut at = start;
    while at < end {
        let want = (end - at).min(STEP as u64) as usize;
        let got = match read_full_at(file, &mut buffer[..want], at) {
            Ok(0) => return Err(ended(index, at, end)),
            Ok(got) => got,
            Err(error) => return Err(PrintError::Source(index, format!("cannot be read: {error}"))),
        };
        write(out, &buffer[..got], control)?;
        at += got as u64;
    }
    Ok(())
}

fn write(out: &mut impl Outlet, mut bytes: &[u8], control: &mut AttemptControl<'_>) -> Result<(), PrintError> {
    while !bytes.is_empty() {
        match out.file().write(bytes) {
            Ok(0) => out.wait_writable(control)?,
            Ok(n) => {
                bytes = &bytes[n..];
                out.accepted(n);
                control.sent(n as u64)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => out.wait_writable(control)?,
            Err(error) => return Err(out.failed(&error)),
        }
    }
    Ok(())
}
