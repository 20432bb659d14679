//! Messages in files: one that holds the last message, or one to which each is added.
//!
//! They are written with the rights of this process, which are those of the user: who else may name which files is decided
//! before (`spool::notify`). In a directory that others may write to, no link of theirs leads us elsewhere: the last part of the
//! path is never followed, and what is no file of our own is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;

use crate::model::notification::{Delivery, Method, Try};
use crate::sys::files::{random_name, read_full_at, sync_dir};

/// The end of a file in which a message is looked for that was written before a crash.
const TAIL: u64 = 64 << 10;
/// Files are made so.
const MODE: u32 = 0o644;

pub(super) fn write(path: &Path, one: &Delivery) -> Try {
    let line = line(one);
    let done = make_directories(path).and_then(|()| match one.method {
        Method::File => replace(path, &line),
        _ => append(path, &line, one.tries),
    });
    match done {
        Ok(()) => Try::Delivered,
        Err(error) if is_final(&error) => Try::Never(format!("{}: {error}", path.display())),
        Err(error) => Try::Again(format!("{}: {error}", path.display())),
    }
}

/// A line of a file: when, what.
fn line(one: &Delivery) -> String {
    let at = jiff::Timestamp::from_millisecond(one.at_ms).unwrap_or_default();
    let at = at.to_zoned(crate::sys::clock::zone(None)).strftime("%m/%d/%y %H:%M:%S");
    format!("[{at}] {} ({})\n", one.text, one.id)
}

/// Among the Guardian files of the spool, a volume and a subvolume come into being with their first file.
fn make_directories(path: &Path) -> io::Result<()> {
    let Some(dir) = path.parent() else { return Ok(()) };
    let guardian = path.ancestors().nth(3).is_some_and(|dir| dir.ends_with("guardian"));
    if guardian { std::fs::create_dir_all(dir) } else { Ok(()) }
}

/// What nobody can mend by waiting.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ELOOP | libc::EISDIR | libc::ENOTDIR | libc::ENXIO | libc::ENAMETOOLONG | libc::EACCES | libc::EPERM
        )
    ) || error.kind() == io::ErrorKind::InvalidInput
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

/// Makes sure that an open file is a regular one of ours, under one name.
fn demand_own(file: &File) -> io::Result<()> {
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(refused("it is no regular file"));
    }
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if meta.nlink() != 1 {
        return Err(refused("it has more than one name"));
    }
    Ok(())
}

fn append(path: &Path, line: &str, tries: u32) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
    demand_own(&file)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
    let read = read_full_at(&file, &mut tail, from)?;
    tail.truncate(read);
    // Its number is part of the line: what a crash left is found, and another message with the same words is not taken for it.
    if tail.split_inclusive(|octet| *octet == b'\n').any(|known| known == line.as_bytes()) {
        return Ok(());
    }
    // Part of a line that a full disk left of this message; nothing of the user's is ever cut off.
    let part = tail.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
    if tries > 0 && part < tail.len() && line.as_bytes().starts_with(&tail[part..]) {
        file.set_len(from + part as u64)?;
    }
    if let Err(error) = file.write_all(line.as_bytes()) {
        // No part of a line stays, where that can be helped.
        let _ = file.set_len(size);
        return Err(error);
    }
    file.sync_data()
}

/// Puts a new file in the place of the old one: whoever reads sees the one or the other.
fn replace(path: &Path, line: &str) -> io::Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return Err(refused("it names no file")) };
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Ok(old) => demand_own(&old)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", random_name(8)?));
    let temporary = dir.join(temporary);
    let made = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&temporary).and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    });
    if let Err(error) = made {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(method: Method, id: i64) -> Delivery {
        Delivery {
            id,
            uid: 0,
            set_by: 0,
            method,
            address: String::new(),
            event: "job-completed".into(),
            number: "5010-280".into(),
            text: "5010-280 Printed: x, Job 1 (1234500007).".into(),
            at_ms: 0,
            about: String::new(),
            age_ms: 0,
            tries: 0,
        }
    }

    #[test]
    fn a_file_holds_the_last_message_and_another_one_each_of_them_once() {
        let dir = tempfile::tempdir().unwrap();
        let (last, all) = (dir.path().join("last"), dir.path().join("all"));
        for id in [1, 2, 2] {
            assert_eq!(write(&last, &delivery(Method::File, id)), Try::Delivered);
            assert_eq!(write(&all, &delivery(Method::FileAddTo, id)), Try::Delivered);
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(&last).lines().count(), 1);
        assert!(read(&last).ends_with("(2)\n"));
        assert_eq!(read(&all).lines().count(), 2, "{}", read(&all));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no temporary file stays");
    }

    #[test]
    fn no_link_no_fifo_and_no_second_name_is_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "keep").unwrap();
        let (link, second, fifo) = (dir.path().join("link"), dir.path().join("second"), dir.path().join("fifo"));
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        std::fs::hard_link(&precious, &second).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [&link, &second, &fifo, &dir.path().to_path_buf()] {
            for method in [Method::File, Method::FileAddTo] {
                let became = write(path, &delivery(method, 1));
                assert!(matches!(became, Try::Never(_)), "{method} {}: {became:?}", path.display());
            }
        }
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep");
        let missing = write(&dir.path().join("no/such"), &delivery(Method::File, 1));
        assert!(matches!(missing, Try::Again(_)), "{missing:?}");
    }

    #[test]
    fn a_full_disk_is_tried_again_and_leaves_no_part_of_a_line() {
        let became = write(Path::new("/dev/full"), &delivery(Method::FileAddTo, 1));
        assert!(matches!(became, Try::Never(_)), "a device is no file: {became:?}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all");
        let one = delivery(Method::FileAddTo, 7);
        let whole = line(&one);
        std::fs::write(&path, format!("of the user\n{}", &whole[..20])).unwrap();
        assert_eq!(write(&path, &Delivery { tries: 1, ..one }), Try::Delivered);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("of the user\n{whole}"));
    }
}
