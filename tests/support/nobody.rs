//! A site of another user than ours: its base is his, and he has programs that he can reach.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::{DEADLINE, Site, finish, place_program, program};

const NOBODY: u32 = 65534;

/// The site, and the directory in which it lies, which everybody may read.
pub struct OfNobody {
    pub site: Site,
    dir: tempfile::TempDir,
}

impl OfNobody {
    /// A spool with `#A.B` before a device that is offline. None where we cannot become another user, which is said.
    pub fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root can become another user");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // The programs must be reachable for that user, too, beside each other.
        for name in ["pdpr", "pdls", "spoolcom", "fastp"] {
            place_program(&program(name), &dir.path().join(name));
        }
        let site = Site::at(&dir.path().join("base"));
        std::fs::create_dir(site.base()).unwrap();
        std::os::unix::fs::chown(site.base(), Some(NOBODY), Some(NOBODY)).unwrap();
        let new = Self { site, dir };
        new.spoolcom("PRINT SPLA, FILE fastp; SPOOLER, START; DEV LP1, PROCESS SPLA, URI null:; LOC #A.B, DEV LP1");
        Some(new)
    }

    /// A program that he runs.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.dir.path().join(program));
        self.dress(&mut command);
        command
    }

    /// Has another program run as he runs ours.
    pub fn dress(&self, command: &mut Command) {
        self.site.dress(command);
        command.env("HOME", "/nonexistent").uid(NOBODY).gid(NOBODY).current_dir("/");
    }

    /// Runs it with these arguments.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Child {
        self.command(program).args(arguments).spawn().unwrap()
    }

    /// Commands of his that must succeed.
    #[track_caller]
    pub fn spoolcom(&self, commands: &str) {
        finish(self.start("spoolcom", &[commands]), DEADLINE).expect(0);
    }

    /// A file of ours with these permissions.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path: &Path = &self.dir.path().join(name);
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        path.to_owned()
    }
}
