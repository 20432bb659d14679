//! What a door gives up before it reads an octet of a stranger: all files but those of its directory, the network but the sockets
//! that it was given, other programs, and other processes.
//!
//! Both parts are the kernel's: Landlock for files and the network, a filter of system calls for the rest. A kernel that has
//! one of them only gives that one; what is missing is said.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus,
};
use nix::libc;
use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use spoolsuite::sys::confine;

/// What the kernel cannot take away, in words.
#[derive(Debug)]
pub struct Missing {
    /// Files and the network, by Landlock.
    pub files: Option<String>,
    /// System calls.
    pub calls: Option<String>,
}

/// Gives up everything that the door does not need; of files it keeps those below `directory`. Returns what the kernel cannot.
pub fn enter(directory: Option<&str>) -> Missing {
    Missing { files: files(directory).err(), calls: calls().err() }
}

fn files(directory: Option<&str>) -> Result<(), String> {
    let abi = ABI::V4;
    let failed = |error: &dyn std::fmt::Display| format!("files are not given up: {error}");
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(Ruleset::create);
    let mut rules = rules.map_err(|error| failed(&error))?;
    if let Some(directory) = directory {
        let below = PathFd::new(directory).map_err(|error| failed(&error))?;
        rules = rules.add_rule(PathBeneath::new(below, AccessFs::from_all(abi))).map_err(|error| failed(&error))?;
    }
    match rules.restrict_self() {
        Ok(status) if status.ruleset == RulesetStatus::NotEnforced => {
            Err("this kernel has no Landlock: files are not given up".to_owned())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(failed(&error)),
    }
}

/// Calls that a door never makes, besides those of [`confine::NEVER`]: it starts no program.
const NEVER: &[libc::c_long] = &[libc::SYS_execve, libc::SYS_execveat, libc::SYS_personality];

fn calls() -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("system calls are not given up: {error}");
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    // Signals are for ourselves alone.
    let own = u64::from(std::process::id());
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own);
        let rule = other.and_then(|other| SeccompRule::new(vec![other])).map_err(|error| failed(&error))?;
        rules.insert(call, vec![rule]);
    }
    let program = confine::filter(NEVER.iter().copied(), rules).map_err(|error| failed(&error))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a process of its own: what is given up is given up for good.
    #[test]
    fn what_was_given_up_is_refused() {
        if std::env::var_os("PDDOOR_GIVES_UP").is_none() {
            let own = std::env::current_exe().unwrap();
            let mut child = std::process::Command::new(own);
            child.args(["sandbox::tests::what_was_given_up_is_refused", "--exact"]).env("PDDOOR_GIVES_UP", "1");
            let output = child.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let missing = enter(dir.path().to_str());
        std::fs::write(dir.path().join("mine"), "x").unwrap();
        if missing.files.is_none() {
            assert!(std::fs::read("/etc/passwd").is_err());
        }
        if missing.calls.is_none() {
            assert!(
                std::net::TcpStream::connect("127.0.0.1:1")
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
            );
            assert!(std::process::Command::new("/bin/true").spawn().is_err());
            assert!(std::os::unix::net::UnixStream::pair().is_ok());
            // As `sigqueue` does; signal 0 only asks whether one may be sent.
            // SAFETY: all zeros are a signal's description, which the calls only read.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            info.si_code = -1;
            let parent = nix::unistd::getppid().as_raw();
            // SAFETY: `info` lives until the calls return.
            let queued = unsafe {
                [
                    libc::syscall(libc::SYS_rt_sigqueueinfo, parent, 0, &raw const info),
                    libc::syscall(libc::SYS_rt_tgsigqueueinfo, parent, parent, 0, &raw const info),
                ]
            };
            assert_eq!(queued, [-1, -1]);
        }
    }
}
