//! Checks what lies at the path of a device: it is the kind that its URI says, and not inside the spool.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::fastp::device::errors::Fault;
use crate::model::device::DeviceUri;
use crate::model::guardian::DeviceError;

/// The most links in a row that we follow, as many as the kernel.
const MOST_LINKS: usize = 40;

/// What a path may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A regular file.
    File,
    /// A character device.
    Char,
    /// A named pipe.
    Fifo,
}

impl FileKind {
    fn of(meta: &Metadata) -> Option<Self> {
        let kind = meta.file_type();
        match () {
            () if kind.is_file() => Some(Self::File),
            () if kind.is_char_device() => Some(Self::Char),
            () if kind.is_fifo() => Some(Self::Fifo),
            () => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Char => "a character device",
            Self::Fifo => "a FIFO",
        }
    }

    fn uri(self, path: &Path) -> DeviceUri {
        let path = path.to_path_buf();
        match self {
            Self::File => DeviceUri::File(path),
            Self::Char => DeviceUri::Char(path),
            Self::Fifo => DeviceUri::Fifo(path),
        }
    }
}

/// Checks that what was found at `path` is of the wanted kind; `doing` begins the message.
///
/// # Errors
/// Returns a fault that waits for an operator and names the URI that fits.
pub(super) fn require(wanted: FileKind, path: &Path, meta: &Metadata, doing: &str) -> Result<(), Fault> {
    let text = match FileKind::of(meta) {
        Some(kind) if kind == wanted => return Ok(()),
        Some(kind) => {
            let throws = if path == Path::new("/dev/null") { ", URI null: throws jobs away" } else { "" };
            format!("it is {}: URI {} writes to it{throws}", kind.name(), kind.uri(path))
        }
        None if meta.is_dir() => "it is a directory".to_owned(),
        None => format!("it is no {}", wanted.name().trim_start_matches("a ")),
    };
    Err(Fault::new(DeviceError::OtherKind, format!("{doing}: {text}")))
}

/// Checks that `path` lies outside the base directory `root`, through links, other mounts and other names too.
///
/// # Errors
/// Returns a fault that waits for an operator, or one of the system.
pub(super) fn require_outside(path: &Path, root: &Path, doing: &str) -> Result<(), Fault> {
    let cannot = |error| Fault::of(doing, &error);
    let root = root.canonicalize().map_err(cannot)?;
    let parent = path.parent().unwrap_or(Path::new("/")).canonicalize().map_err(cannot)?;
    let real = path.canonicalize().ok();
    let inside = |real: &Path| real.starts_with(&root) || real.ancestors().any(|above| same(above, &root));
    let named = || std::fs::read_dir(&root).is_ok_and(|own| own.flatten().any(|own| same(&own.path(), path)));
    if inside(&parent) || real.as_deref().is_some_and(inside) || named() {
        return Err(Fault::new(DeviceError::InsideSpool, format!("{doing}: it lies inside the spool's own directory")));
    }
    Ok(())
}

/// Returns where the last part of `path` leads through symbolic links, whether or not anything is there yet.
///
/// # Errors
/// When a link cannot be read, or links lead in a circle.
pub(super) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(meta) = std::fs::symlink_metadata(&at) else { return Ok(at) };
        if !meta.is_symlink() {
            return Ok(at);
        }
        let target = std::fs::read_link(&at)?;
        at = at.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(io::Error::from_raw_os_error(nix::libc::ELOOP))
}

/// Whether both names lead to the same file or directory.
fn same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_kind_is_named_with_the_uri_that_fits() {
        let dir = tempfile::tempdir().unwrap();
        let (file, fifo) = (dir.path().join("a file"), dir.path().join("fifo"));
        std::fs::write(&file, "").unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let null = Path::new("/dev/null").to_path_buf();
        for (path, kind, uri) in [
            (&file, FileKind::File, format!("URI {} writes", DeviceUri::File(file.clone()))),
            (&fifo, FileKind::Fifo, format!("URI fifo://{} writes", fifo.display())),
            (&null, FileKind::Char, "URI char:///dev/null writes to it, URI null: throws jobs away".to_owned()),
        ] {
            let meta = std::fs::metadata(path).unwrap();
            for wanted in [FileKind::File, FileKind::Char, FileKind::Fifo] {
                let found = require(wanted, path, &meta, "cannot open it");
                assert_eq!(found.is_ok(), wanted == kind, "{kind:?} {wanted:?}");
                if let Err(fault) = found {
                    assert!(fault.text.contains(&uri) && !fault.retryable, "{fault:?}");
                }
            }
        }
        let meta = std::fs::metadata(dir.path()).unwrap();
        let fault = require(FileKind::Char, dir.path(), &meta, "cannot open it").unwrap_err();
        assert_eq!(fault.text, "cannot open it: it is a directory");
    }

    #[test]
    fn a_file_beside_a_base_is_outside_whatever_the_base_is_called() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["x", "base"] {
            let root = dir.path().join(name);
            std::fs::create_dir(&root).unwrap();
            assert!(
                require_outside(&dir.path().join(format!("{name}.out")), &root, "cannot open it").is_ok(),
                "{name}"
            );
            assert!(require_outside(&root.join("out"), &root, "cannot open it").is_err(), "{name}");
        }
    }

    #[test]
    fn links_are_followed_to_where_the_file_will_be() {
        let dir = tempfile::tempdir().unwrap();
        let name = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink("second", name("first")).unwrap();
        std::os::unix::fs::symlink(name("none"), name("second")).unwrap();
        std::os::unix::fs::symlink("circle", name("circle")).unwrap();
        assert_eq!(follow_links(&name("first")).unwrap(), name("none"));
        assert_eq!(follow_links(&name("plain")).unwrap(), name("plain"));
        assert!(follow_links(&name("circle")).is_err());
    }

    #[test]
    fn a_link_into_the_base_is_inside_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("base");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("x"), "").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(root.join("x"), &link).unwrap();
        let name = dir.path().join("another name");
        std::fs::hard_link(root.join("x"), &name).unwrap();
        for path in [root.join("x"), root.join("missing"), link, name] {
            assert_eq!(require_outside(&path, &root, "").unwrap_err().error.number(), 48, "{}", path.display());
        }
        require_outside(&dir.path().join("missing"), &root, "").unwrap();
    }
}
