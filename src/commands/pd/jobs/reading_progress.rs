//! Shows somebody at a terminal how far a submission has read its documents.
//!
//! The spool in this process reads the documents, or a server that was given their descriptors. A second descriptor of an
//! open file shares its position, so a thread of ours sees how far the reading has come.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::documents::Document;
use crate::commands::pd::command_line::attribute_files::RawName;
use crate::commands::progress::{Line, amount, rate};
use crate::sys::terminal;

/// Nothing is shown of a reading that takes no longer than this.
const FIRST: Duration = Duration::from_millis(500);
/// How often the line is painted.
const NEXT: Duration = Duration::from_millis(200);

/// A document whose reading is watched.
struct Source {
    name: String,
    file: File,
    from: u64,
    /// None for a stream: neither its position nor its length is known.
    size: Option<u64>,
}

impl Source {
    fn of(document: &Document) -> Option<Self> {
        let mut file = File::from(document.file.try_clone().ok()?);
        let meta = file.metadata().ok()?;
        let from = if meta.is_file() { file.stream_position().ok()? } else { 0 };
        let name = RawName(&document.offer.file_name.0).to_string();
        Some(Self { name, file, from, size: meta.is_file().then(|| meta.len().saturating_sub(from)) })
    }

    /// Returns how many of its octets were read.
    fn read(&self) -> u64 {
        (&self.file).stream_position().unwrap_or(0).saturating_sub(self.from)
    }
}

/// What is watched, and where it is shown.
pub struct Watched {
    sources: Vec<Source>,
    out: Box<dyn Write + Send>,
    columns: Option<usize>,
}

impl Watched {
    /// The reading of `documents`, shown on standard error.
    pub fn new(documents: &[Document]) -> Self {
        let sources = documents.iter().filter_map(Source::of).collect();
        Self { sources, out: Box::new(std::io::stderr()), columns: terminal::columns(std::io::stderr()) }
    }

    /// Does `work` and shows meanwhile how far the documents were read. The line is gone when this returns.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        self.shown_after(FIRST, work)
    }

    fn shown_after<T>(mut self, first: Duration, work: impl FnOnce() -> T) -> T {
        let (working, done) = channel::<()>();
        std::thread::scope(|scope| {
            let painter = std::thread::Builder::new().name("progress".into()).stack_size(128 * 1024);
            let started = Instant::now();
            // Without the thread there is no line; nothing else is missing.
            let _ = painter.spawn_scoped(scope, move || {
                let mut wait = first;
                let mut line = Line::new(&mut self.out, self.columns);
                while done.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    line.show(&text(&self.sources, started.elapsed()));
                    wait = NEXT;
                }
            });
            let result = work();
            drop(working);
            result
        })
    }
}

/// What the line says.
fn text(sources: &[Source], elapsed: Duration) -> String {
    let read: u64 = sources.iter().map(Source::read).sum();
    let total: Option<u64> = sources.iter().map(|source| source.size).sum();
    let unread = |source: &&Source| source.size.is_none_or(|size| source.read() < size);
    let Some((n, source)) = sources.iter().enumerate().find(|(_, source)| unread(source)) else {
        return format!("{}; waiting for the disk", amount(read, total));
    };
    let number = if sources.len() > 1 { format!(" ({} of {})", n + 1, sources.len()) } else { String::new() };
    if source.size.is_none() && read == 0 {
        return format!("reading {}{number}, {} s", source.name, elapsed.as_secs());
    }
    format!("copying {}{number}: {}{}", source.name, amount(read, total), rate(read, elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::{DocumentOffer, RawPath, Transfer};
    use std::io::SeekFrom;
    use std::sync::mpsc::Sender;

    /// Hands out what is written, so that a test waits for it.
    struct Screen(Sender<String>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // Nobody looks any more once the test has seen enough.
            let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn document(name: &str, file: File) -> Document {
        let offer =
            DocumentOffer { file_name: RawPath(name.into()), transfer: Transfer::Copy, link_target: None, copies: 1 };
        Document { offer, file: file.into() }
    }

    #[test]
    fn the_line_follows_the_position_of_the_file_and_is_wiped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        std::fs::write(&path, vec![b'x'; 1000]).unwrap();
        let documents = ["a\x1b", "b"].map(|name| document(name, File::open(&path).unwrap()));
        let mut readers = documents.each_ref().map(|one| File::from(one.file.try_clone().unwrap()));
        let (sender, screen) = channel();
        let watched = Watched {
            sources: documents.iter().filter_map(Source::of).collect(),
            out: Box::new(Screen(sender)),
            columns: Some(80),
        };
        let mut seen = String::new();
        let mut wait_for = |part: &str| {
            while !seen.contains(part) {
                seen.push_str(&screen.recv_timeout(Duration::from_secs(60)).unwrap());
            }
        };
        watched.shown_after(Duration::ZERO, || {
            readers[0].seek(SeekFrom::Start(500)).unwrap();
            wait_for("(1 of 2): 500 of 2000 octets (25%)");
            readers[0].seek(SeekFrom::Start(1000)).unwrap();
            wait_for("copying b (2 of 2): 1000 of 2000 octets (50%)");
            readers[1].seek(SeekFrom::Start(1000)).unwrap();
            wait_for("2000 of 2000 octets (100%); waiting for the disk");
        });
        seen.extend(screen.iter());
        assert!(seen.ends_with(" \r") && !seen.contains('\x1b'), "{seen:?}");
    }

    #[test]
    fn what_is_done_at_once_shows_nothing_and_a_stream_shows_that_it_is_read() {
        let (read, _write) = std::io::pipe().unwrap();
        let documents = [document("-", File::from(std::os::fd::OwnedFd::from(read)))];
        let (sender, screen) = channel();
        let sources: Vec<Source> = documents.iter().filter_map(Source::of).collect();
        assert_eq!(text(&sources, Duration::from_secs(7)), "reading -, 7 s");
        let watched = Watched { sources, out: Box::new(Screen(sender)), columns: None };
        assert_eq!(watched.during(|| 7), 7);
        assert_eq!(screen.iter().count(), 0);
    }
}
