//! Lines over a socket, with open files beside them: how we and a program talk. Nobody waits for a program that does not
//! read, and no line of its grows without bound.

use std::io::{self, Read};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fastp::process::waker::poll_for;
use crate::sys::socket::{self, Deadline};

/// The longest line of a program.
const LONGEST: usize = 64 << 10;
/// Descriptors beside one line.
pub const FILES: usize = 64;

/// Why a conversation is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The program has closed its side, or ended.
    Closed,
    /// It does not keep to the contract: what it did.
    Contract(String),
}

/// Our side of a conversation in which we say `Ours` and hear `Theirs`.
#[derive(Debug)]
pub struct Conversation<Ours, Theirs> {
    stream: UnixStream,
    /// What was read and is no whole line yet.
    read: Mutex<Vec<u8>>,
    patience: Duration,
    words: PhantomData<fn(Ours) -> Theirs>,
}

impl<Ours: Serialize, Theirs: DeserializeOwned> Conversation<Ours, Theirs> {
    /// Talks over `stream`; a program that does not read for `patience` breaks the contract.
    ///
    /// # Errors
    /// When the stream cannot be used without blocking.
    pub fn over(stream: UnixStream, patience: Duration) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, read: Mutex::default(), patience, words: PhantomData })
    }

    /// What to wait for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Says a word, with files beside it.
    ///
    /// # Errors
    /// When nobody reads it.
    pub fn say(&self, word: &Ours, files: &[BorrowedFd<'_>]) -> Result<(), Broken> {
        let mut line = serde_json::to_vec(word).map_err(|error| Broken::Contract(format!("no words: {error}")))?;
        line.push(b'\n');
        match socket::send(&self.stream, &line, files, Deadline::after(self.patience)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Broken::Contract(format!("it read nothing for {} s", self.patience.as_secs())))
            }
            Err(_) => Err(Broken::Closed),
        }
    }

    /// Takes the next word, if it is here.
    ///
    /// # Errors
    /// When there will be none, or it is none of the contract.
    pub fn next(&self) -> Result<Option<Theirs>, Broken> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(end) = read.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = read.drain(..=end).collect();
                let shown = || String::from_utf8_lossy(&line[..line.len().min(200)]).trim_end().to_owned();
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(|error| Broken::Contract(format!("it said '{}': {error}", shown())));
            }
            if read.len() >= LONGEST {
                return Err(Broken::Contract(format!("it said more than {LONGEST} octets in one line")));
            }
            // Descriptors that it sends are closed by the kernel: this call does not ask for them.
            let mut buffer = [0; 4096];
            match (&self.stream).read(&mut buffer) {
                Ok(0) => return Err(Broken::Closed),
                Ok(n) => read.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken::Closed),
            }
        }
    }

    /// Waits for the next word, at most `limit`; none = it did not come.
    ///
    /// # Errors
    /// As [`Conversation::next`].
    pub fn await_word(&self, limit: Duration) -> Result<Option<Theirs>, Broken> {
        let until = Instant::now() + limit;
        loop {
            if let Some(word) = self.next()? {
                return Ok(Some(word));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            poll_for(&mut [PollFd::new(self.fd(), PollFlags::POLLIN)], Some(left)).map_err(|_| Broken::Closed)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::fastp::program::messages::{FromDevice, ToDevice};

    fn pair() -> (Conversation<ToDevice, FromDevice>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Conversation::over(ours, Duration::from_millis(50)).unwrap(), theirs)
    }

    #[test]
    fn words_come_one_by_one_however_they_were_written() {
        let (talk, mut program) = pair();
        assert_eq!(talk.next(), Ok(None));
        program.write_all(b"{\"op\":\"opened\"}\n{\"op\":\"clo").unwrap();
        assert_eq!(talk.await_word(Duration::from_secs(20)), Ok(Some(FromDevice::Opened { skips: false })));
        assert_eq!(talk.next(), Ok(None));
        program.write_all(b"sed\"}\n").unwrap();
        assert_eq!(talk.await_word(Duration::from_secs(20)), Ok(Some(FromDevice::Closed)));
        drop(program);
        assert_eq!(talk.next(), Err(Broken::Closed));
    }

    #[test]
    fn what_is_no_word_and_what_is_never_read_breaks_the_contract() {
        let (talk, mut program) = pair();
        program.write_all(b"GET / HTTP/1.1\n").unwrap();
        assert!(matches!(talk.await_word(Duration::from_secs(20)), Err(Broken::Contract(_))));
        let (talk, mut program) = pair();
        program.set_nonblocking(true).unwrap();
        let written = program.write(&vec![b'x'; LONGEST + 5000]).unwrap();
        assert!(written > LONGEST);
        assert!(matches!(talk.await_word(Duration::from_secs(20)), Err(Broken::Contract(_))));
        let (talk, _program) = pair();
        let broken = std::iter::repeat_with(|| talk.say(&ToDevice::Stop, &[])).find_map(Result::err);
        assert!(matches!(broken, Some(Broken::Contract(_))));
    }
}
