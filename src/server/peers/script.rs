//! The other end of a connection, for tests: its replies are written down before anybody asks.

use std::io::{self, Cursor, Read, Write};
use std::time::Duration;

use crate::client::peer::{Cutter, PeerStream};

/// A connection over which these octets come, whatever is asked; then the other side closes it.
pub struct Script(Cursor<Vec<u8>>);

impl Script {
    pub fn of(replies: Vec<u8>) -> Self {
        Self(Cursor::new(replies))
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Script {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PeerStream for Script {
    fn set_patience(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
    fn is_at_rest(&mut self) -> bool {
        true
    }
    fn cutter(&self) -> Cutter {
        Box::new(|| {})
    }
}
