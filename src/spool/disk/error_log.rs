//! The log file of the spooler (ERRLOG): what happens to devices, print processes, collectors, locations and the spooler
//! itself, a line each.
//!
//! The file belongs to the operator: it is added to, never cut. One that cannot be written stops nothing, because everything
//! that it says is an event in the spool. Each line is one write at the end of the file, so that processes may share it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::printable::escape;
use crate::model::{Failure, FailureKind, ServerName, guardian_file};
use crate::store::Fallible;
use crate::store::notices::Notices;
use crate::sys::files;
use crate::sys::umask::append_as_usual;

use super::paths::Base;

/// The path of a log file as typed. None of a console or a process: what is said there stays in the log of the spool.
pub fn path(typed: &str, base: &Base, server: &ServerName) -> Fallible<Option<PathBuf>> {
    let bad = |why: String| Failure::new(FailureKind::BadValue, format!("ERRLOG {typed}: {why}"));
    let is_file = typed.contains('/') || typed.matches('.').count() >= 2;
    if !is_file && typed.starts_with(['$', '\\', '#']) {
        return Ok(None);
    }
    let root = base.root();
    let path = guardian_file::file(typed, &root.join("x"), root, server.as_str()).map_err(bad)?;
    // Nothing is added to the database or to a print file.
    if path.starts_with(root) && !path.starts_with(root.join("guardian")) || has_steps_back(&path) {
        let why = "it would lie among the files of the spool".to_owned();
        return Err(bad(why).hint("$VOLUME.SUBVOLUME.FILE, or an absolute path outside"));
    }
    Ok(Some(path))
}

fn has_steps_back(path: &Path) -> bool {
    path.components().any(|part| part == std::path::Component::ParentDir)
}

/// Makes the file, so that whoever names it learns at once that it cannot be written.
pub fn try_out(path: &Path) -> Fallible<()> {
    open(path).map(drop).map_err(|error| {
        let what = format!("cannot write the log file '{}': {error}", path.display().to_string().escape_debug());
        Failure::new(FailureKind::Io, what)
    })
}

fn open(path: &Path) -> io::Result<std::fs::File> {
    // By a link, perhaps, or by a name that was exchanged since.
    if Base::is_of_a_spool(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a file of a spool"));
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let file = append_as_usual(path)?;
    // What is no file would hold up whoever writes to it.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

/// Adds the lines of a change. What cannot be written is on record all the same.
pub fn write(base: &Base, server: &ServerName, notices: &Notices) {
    let Ok(Some(path)) = path(&notices.log, base, server) else { return };
    // A FIFO or a terminal that took the name since must hold up nobody.
    if path.exists() && files::open_regular(&path).is_err() {
        return;
    }
    let Ok(mut file) = open(&path) else { return };
    for notice in &notices.lines {
        let when = jiff::Timestamp::from_millisecond(notice.at_ms).unwrap_or_default();
        let mut line = format!("{when:.3} ");
        escape(&notice.text, &mut line);
        line.push('\n');
        if file.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::notices::Notice;

    fn of(typed: &str) -> Fallible<Option<PathBuf>> {
        path(typed, &Base::new("/b"), &"acme".parse().unwrap())
    }

    #[test]
    fn a_log_file_lies_outside_of_the_spool_or_among_guardian_files() {
        assert_eq!(of("$DATA1.SPOOL.LOG").unwrap(), Some("/b/guardian/data1/spool/log".into()));
        assert_eq!(of("/var/log/spool").unwrap(), Some("/var/log/spool".into()));
        for console in ["$0", "$VHS", "\\ACME.$0", "#X"] {
            assert_eq!(of(console).unwrap(), None, "{console}");
        }
        for bad in ["/b/spool.db", "spool.db", "./log", "/b/guardian/../spool.db", "/x/../b/spool.db", "\\WEST.$A.B.C"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_leads_into_no_spool() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("base");
        std::fs::create_dir_all(base.join("run")).unwrap();
        std::fs::create_dir_all(base.join("acme")).unwrap();
        std::fs::create_dir_all(base.join("guardian/a/b")).unwrap();
        for file in ["spool.db", "acme/.spool-id", "acme/pdpr1", "run/write.lock", "FASTCNFG", "guardian/a/b/log"] {
            std::fs::write(base.join(file), "as it was").unwrap();
        }
        for (file, taken) in [
            ("spool.db", false),
            ("spool.db-wal", false),
            ("acme/pdpr1", false),
            ("acme/new", false),
            ("run/write.lock", false),
            ("FASTCNFG", true),
            ("guardian/a/b/log", true),
        ] {
            let link = dir.path().join("link");
            std::os::unix::fs::symlink(base.join(file), &link).unwrap();
            // A link to nothing is one to what it would make.
            if base.join(file).exists() {
                assert_eq!(open(&link).is_ok(), taken, "by a link: {file}");
            }
            assert_eq!(open(&base.join(file)).is_ok(), taken, "{file}");
            std::fs::remove_file(link).unwrap();
        }
        assert!(!base.join("acme/new").exists() && !base.join("spool.db-wal").exists());
    }

    #[test]
    fn a_line_is_one_line_and_a_fifo_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("made/log");
        let notices = |path: &Path| Notices {
            log: path.display().to_string(),
            lines: vec![Notice { at_ms: 0, text: "DEV $LP1 error: a\nb".into() }],
        };
        write(&Base::new("/b"), &"acme".parse().unwrap(), &notices(&log));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "1970-01-01T00:00:00.000Z DEV $LP1 error: a\\nb\n");
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        write(&Base::new("/b"), &"acme".parse().unwrap(), &notices(&fifo));
    }
}
