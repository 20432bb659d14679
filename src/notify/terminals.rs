//! Messages on terminals, as write(1) does it: a line on those of the user that take messages (`mesg y`).
//!
//! The text has no control character, whatever was in a title. A terminal that takes nothing is not waited for. One of another
//! user is written to only where the kernel lets this process.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

use crate::model::notification::{Delivery, Try};
use crate::sys::users;

use super::Settings;

/// The most terminals that are looked at, and that are written to.
const LOOKED_AT: usize = 4_096;
const WRITTEN_TO: usize = 4;
/// The bit that says that a terminal takes messages.
const TAKES: u32 = 0o020;

pub(super) fn tell(settings: &Settings, one: &Delivery) -> Try {
    let (user, host) = one.address.split_once('@').unwrap_or((&one.address, ""));
    let here = users::host();
    if !host.is_empty() && !host.split('.').next().is_some_and(|name| name.eq_ignore_ascii_case(&here)) {
        return Try::Never(format!("messages are for terminals of this machine ({here}), not of {host}"));
    }
    let Some(uid) = users::uid_of(user) else { return Try::Never(format!("there is no user {user}")) };
    let mut found = terminals(&settings.terminals, uid);
    // The one that was used last is where the user sits.
    found.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
    let text = format!("\r\n{}\r\n", one.text);
    let mut why = format!("{user} has no terminal that takes messages");
    let mut written = 0;
    for (_, path) in found {
        match put(&path, uid, text.as_bytes()) {
            Ok(()) => written += 1,
            Err(error) => why = format!("{}: {error}", path.display()),
        }
        if written == WRITTEN_TO {
            break;
        }
    }
    if written > 0 { Try::Delivered } else { Try::Again(why) }
}

/// The terminals of a user that take messages, each with the time of its last use.
fn terminals(dir: &Path, uid: u32) -> Vec<((i64, i64), PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let each = entries.take(LOOKED_AT).filter_map(|entry| Some(entry.ok()?.path()));
    each.filter_map(|path| {
        let meta = std::fs::metadata(&path).ok()?;
        let takes = meta.file_type().is_char_device() && meta.uid() == uid && meta.mode() & TAKES != 0;
        takes.then(|| ((meta.atime(), meta.atime_nsec()), path))
    })
    .collect()
}

fn put(path: &Path, uid: u32, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK).open(path)?;
    // It may be another one's by now.
    let meta = file.metadata()?;
    if !meta.file_type().is_char_device() || meta.uid() != uid || meta.mode() & TAKES == 0 {
        return Err(io::Error::other("it takes no messages any more"));
    }
    file.write_all(text)
}
