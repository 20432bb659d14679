//! Programs of others that drive devices: where they lie, whose they may be, and how one is started.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::libc;
use nix::unistd::Pid;

use super::program_dir;

/// Returns the only directory from which such programs are started: `libexec/spoolsuite` beside the directory of our own
/// programs, or where `PD_LIBEXEC_DIR` says.
///
/// # Errors
/// When the kernel does not say where our programs are, or the variable is no absolute path.
pub fn libexec_dir() -> io::Result<PathBuf> {
    if let Some(told) = std::env::var_os("PD_LIBEXEC_DIR").filter(|told| !told.is_empty()) {
        let told = PathBuf::from(told);
        return match told.is_absolute() {
            true => Ok(told),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "PD_LIBEXEC_DIR is no absolute path")),
        };
    }
    let ours = program_dir()?;
    Ok(ours.parent().unwrap_or(&ours).join("libexec/spoolsuite"))
}

/// Finds the program `name` in that directory and checks that nobody but root and the user of this process can have
/// written it.
///
/// # Errors
/// With what is wrong, in words.
pub fn libexec_program(name: &str) -> Result<PathBuf, String> {
    checked(&libexec_dir().map_err(|error| format!("its directory is not known: {error}"))?, name)
}

fn checked(directory: &Path, name: &str) -> Result<PathBuf, String> {
    let path = directory.join(name);
    let ours = nix::unistd::geteuid().as_raw();
    let trusted = |meta: &std::fs::Metadata| [0, ours].contains(&meta.uid()) && meta.mode() & 0o022 == 0;
    let shown = path.display();
    // A link is not followed: what it leads to may lie anywhere, and belong to anybody.
    let meta = match std::fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(format!("there is no {shown}")),
        Err(error) => return Err(format!("{shown}: {error}")),
    };
    let of_directory = std::fs::metadata(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    if !meta.is_file() || meta.mode() & 0o111 == 0 {
        return Err(format!("{shown} is no program"));
    }
    if !trusted(&meta) || !trusted(&of_directory) {
        return Err(format!("{shown}, or its directory, can be written by others than root and the user of the spool"));
    }
    Ok(path)
}

/// Starts such a program: `control` is its standard input, what it writes to standard error goes to `errors`, and it has
/// nothing else of ours. It is killed when the thread that starts it ends, however that ends.
///
/// # Errors
/// When it cannot be started.
pub fn print_program(program: &Path, arguments: &[&OsStr], control: OwnedFd, errors: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(control).stderr(errors);
    dependent(&mut command, None)
}

/// Starts a program of the system that holds something for us as long as it runs, in the same way: it has no input, and of our
/// variables only the one that says where the system's bus is.
///
/// # Errors
/// When it cannot be started.
pub fn holding_program(program: &Path, arguments: &[String], errors: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(errors);
    dependent(&mut command, Some("DBUS_SYSTEM_BUS_ADDRESS"))
}

/// Starts a program that ends with the thread that starts it, with that variable of ours.
fn dependent(command: &mut Command, variable: Option<&str>) -> io::Result<Child> {
    command.current_dir("/").stdout(Stdio::null());
    command.env_clear().envs(variable.and_then(|name| Some((name, std::env::var_os(name)?))));
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are made: setpgid, sigprocmask, prctl, getppid and
    // close_range.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            // Why not in good order? Whoever would tell it so is gone, and its jobs belong to its successor.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if nix::unistd::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    command.spawn()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_that_others_may_write_is_refused_and_so_is_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = dir.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        };
        make("good", 0o755);
        make("plain", 0o644);
        make("open", 0o777);
        std::os::unix::fs::symlink(dir.path().join("good"), dir.path().join("link")).unwrap();
        assert_eq!(checked(dir.path(), "good").unwrap(), dir.path().join("good"));
        for (name, why) in
            [("none", "there is no"), ("plain", "no program"), ("open", "can be written"), ("link", "no program")]
        {
            let said = checked(dir.path(), name).unwrap_err();
            assert!(said.contains(why), "{name}: {said}");
        }
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(checked(dir.path(), "good").unwrap_err().contains("its directory"));
    }
}
