//! Checks what lies at the path of a device: it is the kind that its URI says, not a part of the spool, and nothing that a
//! neighbour put there.
//!
//! Everything is decided on descriptors ([`Place`]) before anything is opened, and what was examined is what is opened.
//!
//! | where the path ends | what may be there |
//! |---|---|
//! | a directory of root or of our user in which nobody else can make names | anything of the right kind |
//! | one in which others can make names and not take away ours (sticky) | what we make there; what belongs to us and has one name |
//! | any other | the same, and only with `?shared=yes` |
//!
//! `?shared=yes` says that the operator knows it: then a file may belong to somebody else, too. A symbolic link is followed,
//! wherever it lies, only if it and all directories on the way belong to root or to our user.

use std::path::Path;

use nix::libc;

use crate::fastp::device::errors::Fault;
use crate::model::device::{DevicePath, DeviceUri};
use crate::model::guardian::DeviceError;
use crate::model::printable;
use crate::spool::disk::own_files::OwnDirectories;
use crate::sys::place::{Directory, Facts, Place};
use crate::sys::users;

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
    fn of(mode: u32) -> Option<Self> {
        match mode & libc::S_IFMT {
            libc::S_IFREG => Some(Self::File),
            libc::S_IFCHR => Some(Self::Char),
            libc::S_IFIFO => Some(Self::Fifo),
            _ => None,
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
        let path = DevicePath::from(path);
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
pub(super) fn require(wanted: FileKind, path: &Path, mode: u32, doing: &str) -> Result<(), Fault> {
    let text = match FileKind::of(mode) {
        Some(kind) if kind == wanted => return Ok(()),
        Some(kind) => {
            let throws = if path == Path::new("/dev/null") { ", URI null: throws jobs away" } else { "" };
            format!("it is {}: URI {} writes to it{throws}", kind.name(), kind.uri(path))
        }
        None if mode & libc::S_IFMT == libc::S_IFDIR => "it is a directory".to_owned(),
        None => format!("it is no {}", wanted.name().trim_start_matches("a ")),
    };
    Err(Fault::new(DeviceError::OtherKind, format!("{doing}: {text}")))
}

/// Finds what lies at the path of a device, which may be nothing yet, and checks it. `root` is the base directory.
///
/// # Errors
/// Returns a fault that waits for an operator, or one that heals when what it names is mended.
pub(super) fn examine(wanted: FileKind, device: &DevicePath, root: &Path, doing: &str) -> Result<Place, Fault> {
    let cannot = |error| match wanted {
        FileKind::Char => Fault::of_device(false, doing, &error),
        _ => Fault::of(doing, &error),
    };
    let place = Place::find(&device.path).map_err(cannot)?;
    if let Some(facts) = place.facts() {
        require(wanted, &device.path, facts.mode, doing)?;
    }
    require_outside(&place, root, doing)?;
    require_safe(&place, device.shared, nix::unistd::geteuid().as_raw(), doing)?;
    Ok(place)
}

/// Checks that a place lies outside the base directory `root`, whatever links, mounts and second names lead to it.
///
/// # Errors
/// Returns a fault that waits for an operator, or one of the system.
pub(super) fn require_outside(place: &Place, root: &Path, doing: &str) -> Result<(), Fault> {
    let own = OwnDirectories::of(root).map_err(|error| Fault::of(doing, &error))?;
    let mut above = place.above().map_err(|error| Fault::of(doing, &error))?;
    above.extend(place.way.iter().map(|directory| directory.facts.id));
    let inside = |text: &str| Err(Fault::new(DeviceError::InsideSpool, format!("{doing}: {text}")));
    if own.have_one_of(&above) {
        return inside("it lies inside the spool's own directory");
    }
    if place.facts().is_some_and(|facts| own.hold(facts.id, facts.links)) {
        return inside("it is a file of the spool under another name");
    }
    Ok(())
}

/// How far others can decide what a name in a directory leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openness {
    /// Only root and our user make names there.
    Closed,
    /// Others make names, and cannot take ours away.
    Sticky,
    /// Others can replace whatever lies there.
    Open,
}

fn openness(directory: &Facts, us: u32) -> Openness {
    let group = directory.mode & 0o020 != 0 && !users::is_private_group(directory.gid, us);
    let theirs = directory.uid != 0 && directory.uid != us;
    match (theirs, group || directory.mode & 0o002 != 0) {
        // Whoever has a directory may take away everything in it, whatever its mode.
        (true, _) => Openness::Open,
        (false, false) => Openness::Closed,
        (false, true) if directory.mode & libc::S_ISVTX != 0 => Openness::Sticky,
        (false, true) => Openness::Open,
    }
}

/// Checks that nobody but root and our user `us` decides what is written to.
///
/// # Errors
/// Returns a fault with what to mend. It heals.
fn require_safe(place: &Place, shared: bool, us: u32, doing: &str) -> Result<(), Fault> {
    let unsafe_because = |text: String| Err(Fault::new(DeviceError::OpenToOthers, format!("{doing}: {text}")));
    let trusted = |uid: u32| uid == 0 || uid == us;
    for link in &place.links {
        if !trusted(link.facts.uid) {
            let (link, owner) = (printable::path(&link.path), users::name(link.facts.uid));
            return unsafe_because(format!(
                "the link {link} belongs to {owner}: remove it, or name in the URI where it leads"
            ));
        }
    }
    let foreign = |directory: &&Directory| !trusted(directory.facts.uid);
    if let (Some(link), Some(directory)) = (place.links.first(), place.way.iter().find(foreign)) {
        let owner = users::name(directory.facts.uid);
        let (link, path) = (printable::path(&link.path), printable::path(&directory.path));
        return unsafe_because(format!(
            "the link {link} leads through {path}, which belongs to {owner}: name in the URI where it leads"
        ));
    }
    let directory = place.directory();
    let path = printable::path(&directory.path);
    match openness(&directory.facts, us) {
        Openness::Closed => return Ok(()),
        Openness::Open if !shared => {
            let owner = users::name(directory.facts.uid);
            let mode = directory.facts.mode & 0o7777;
            let cure = if trusted(directory.facts.uid) {
                format!(
                    "chmod go-w {path}, or chmod +t {path}, mends it; ?shared=yes behind the path of the URI accepts it"
                )
            } else {
                "use a directory of your own; ?shared=yes behind the path of the URI accepts it".to_owned()
            };
            return unsafe_because(format!(
                "others may replace what lies in {path} (owner {owner}, mode {mode:04o}): {cure}"
            ));
        }
        Openness::Open | Openness::Sticky => {}
    }
    let Some(facts) = place.facts() else { return Ok(()) };
    if !shared && !trusted(facts.uid) {
        let owner = users::name(facts.uid);
        return unsafe_because(format!(
            "it belongs to {owner}, and others may make files in {path}: remove it, or use a directory of your own; \
             ?shared=yes behind the path of the URI accepts it"
        ));
    }
    if facts.links > 1 && FileKind::of(facts.mode) == Some(FileKind::File) {
        return unsafe_because(format!(
            "it has {} names, and others may make files in {path}: remove this one, or use a directory of your own",
            facts.links
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn outside(path: &Path, root: &Path) -> Result<(), Fault> {
        require_outside(&Place::find(path).unwrap(), root, "cannot open it")
    }

    #[test]
    fn what_is_of_another_kind_is_named_with_the_uri_that_fits() {
        let dir = tempfile::tempdir().unwrap();
        let (file, fifo) = (dir.path().join("a file"), dir.path().join("fifo"));
        std::fs::write(&file, "").unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let null = Path::new("/dev/null").to_path_buf();
        for (path, kind, uri) in [
            (&file, FileKind::File, format!("URI {} writes", DeviceUri::File(file.clone().into()))),
            (&fifo, FileKind::Fifo, format!("URI fifo://{} writes", fifo.display())),
            (&null, FileKind::Char, "URI char:///dev/null writes to it, URI null: throws jobs away".to_owned()),
        ] {
            let mode = std::fs::metadata(path).unwrap().mode();
            for wanted in [FileKind::File, FileKind::Char, FileKind::Fifo] {
                let found = require(wanted, path, mode, "cannot open it");
                assert_eq!(found.is_ok(), wanted == kind, "{kind:?} {wanted:?}");
                if let Err(fault) = found {
                    assert!(fault.text.contains(&uri) && !fault.retryable, "{fault:?}");
                }
            }
        }
        let mode = std::fs::metadata(dir.path()).unwrap().mode();
        let fault = require(FileKind::Char, dir.path(), mode, "cannot open it").unwrap_err();
        assert_eq!(fault.text, "cannot open it: it is a directory");
    }

    #[test]
    fn a_file_beside_a_base_is_outside_whatever_the_base_is_called() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["x", "base"] {
            let root = dir.path().join(name);
            std::fs::create_dir(&root).unwrap();
            outside(&dir.path().join(format!("{name}.out")), &root).unwrap();
            assert!(outside(&root.join("out"), &root).is_err(), "{name}");
        }
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
            assert_eq!(outside(&path, &root).unwrap_err().error.number(), 48, "{}", path.display());
        }
        outside(&dir.path().join("missing"), &root).unwrap();
    }

    #[test]
    fn a_second_name_of_any_file_of_the_spool_is_a_file_of_the_spool() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("base");
        for name in ["run", "acme/pdb", "acme/corrupt"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let second = dir.path().join("second");
        for name in ["spool.db", "run/write.lock", "acme/.spool-id", "acme/pdprAAAAAA", "acme/pdb/x", "acme/corrupt/y"]
        {
            std::fs::write(root.join(name), "").unwrap();
            std::fs::hard_link(root.join(name), &second).unwrap();
            assert!(outside(&second, &root).unwrap_err().text.contains("file of the spool"), "{name}");
            std::fs::remove_file(&second).unwrap();
        }
        std::fs::write(&second, "").unwrap();
        outside(&second, &root).unwrap();
    }

    fn facts(uid: u32, mode: u32) -> Facts {
        Facts { id: (1, 1), uid, gid: 4_000_000, mode, links: 1, rdev: 0 }
    }

    #[test]
    fn a_directory_is_closed_when_only_root_and_we_make_names_in_it() {
        let us = 4_000_001;
        for (uid, mode, expected) in [
            (us, 0o700, Openness::Closed),
            (0, 0o755, Openness::Closed),
            (us, 0o775, Openness::Open),
            (us, 0o777, Openness::Open),
            (0, 0o1777, Openness::Sticky),
            (us, 0o1775, Openness::Sticky),
            (us + 1, 0o700, Openness::Open),
            (us + 1, 0o1777, Openness::Open),
        ] {
            assert_eq!(openness(&facts(uid, mode), us), expected, "{uid} {mode:o}");
        }
        assert_eq!(openness(&Facts { gid: 0, ..facts(0, 0o775) }, us), Openness::Closed, "the group of root");
    }

    /// Who may do what: each case is a directory mode, what lies there, and a word of the refusal.
    #[test]
    fn what_lies_in_an_open_directory_is_ours_alone_or_refused_with_the_cure() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (open, us) = (dir.path().join("open"), nix::unistd::geteuid().as_raw());
        let there = open.join("lp.out");
        // Somebody else looks at what is ours: for him it is a stranger's.
        let (other, root) = (4_000_001, 0);
        let check = |us: u32, shared: bool| require_safe(&Place::find(&there).unwrap(), shared, us, "cannot open it");
        let mode = |mode: u32| std::fs::set_permissions(&open, PermissionsExt::from_mode(mode)).unwrap();
        std::fs::create_dir(&open).unwrap();
        for closed in [0o700, 0o755] {
            mode(closed);
            check(us, false).unwrap();
        }
        mode(0o777);
        let fault = check(us, false).unwrap_err();
        assert!(fault.text.contains("chmod +t") && fault.text.contains("?shared=yes") && fault.retryable, "{fault:?}");
        check(us, true).unwrap();
        mode(0o1777);
        check(us, false).unwrap();
        std::fs::write(&there, "").unwrap();
        check(us, false).unwrap();
        std::fs::hard_link(&there, dir.path().join("second")).unwrap();
        for shared in [true, false] {
            assert!(check(us, shared).unwrap_err().text.contains("has 2 names"));
        }
        mode(0o755);
        check(us, false).unwrap();
        mode(0o1777);
        std::fs::remove_file(&there).unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &there).unwrap();
        check(us, false).unwrap();
        if us == root {
            std::os::unix::fs::lchown(&there, Some(other), None).unwrap();
            for shared in [true, false] {
                assert!(check(us, shared).unwrap_err().text.contains("lp.out belongs to 4000001"));
            }
            check(other, false).unwrap();
            std::fs::remove_file(&there).unwrap();
            std::fs::write(&there, "").unwrap();
            std::os::unix::fs::chown(&there, Some(other), None).unwrap();
            assert!(check(us, false).unwrap_err().text.contains("it belongs to 4000001"));
            check(us, true).unwrap();
            check(other, false).unwrap();
            std::os::unix::fs::chown(&open, Some(other), None).unwrap();
            assert!(check(us, false).unwrap_err().text.contains("use a directory of your own"));
            let link = dir.path().join("link");
            std::os::unix::fs::symlink(&open, &link).unwrap();
            let fault = require_safe(&Place::find(&link.join("x")).unwrap(), true, us, "").unwrap_err();
            assert!(fault.text.contains("leads through"), "{fault:?}");
        }
    }
}
