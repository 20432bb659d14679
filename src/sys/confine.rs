//! What a program gives up before its first instruction, so that what strangers have written cannot make it do harm: files, the
//! network, other processes, and most calls that change the system. Nothing of it depends on whose process it is: where the spool
//! has no root, the program has the user of the spool, whose files and processes it could else change.
//!
//! The rules are made by whoever starts the program, before it is forked; the child only applies them ([`Rules::apply`]), by
//! calls that may be made between fork and exec. A kernel that has one of the two parts gives that one; what is missing is said.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// The newest rules that are used where the kernel has them.
const NEWEST: ABI = ABI::V6;

/// Where programs, their libraries, fonts and tables lie. What there is not is left out.
const READ: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/etc/alternatives",
    "/etc/cups/ppd",
    "/etc/fonts",
    "/etc/ghostscript",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/papersize",
    "/etc/paperspecs",
    "/var/cache/fontconfig",
    "/var/lib/ghostscript",
];

/// Devices that are no device.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// Calls of which whatever reads what strangers have written needs none: a network of its own, other processes, and the system.
pub const NEVER: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_io_uring_setup,
];

/// Calls that are refused to the same with such an argument: the call, which of its arguments, and how that compares with what.
const TOUCHING: &[(libc::c_long, u8, SeccompCmpOp, u64)] = &[
    // Limits and turns of other processes. A who of 0 is the caller; of user 0 it is all processes of the user.
    (libc::SYS_prlimit64, 0, SeccompCmpOp::Ne, 0),
    (libc::SYS_sched_setparam, 0, SeccompCmpOp::Ne, 0),
    (libc::SYS_sched_setscheduler, 0, SeccompCmpOp::Ne, 0),
    (libc::SYS_sched_setattr, 0, SeccompCmpOp::Ne, 0),
    (libc::SYS_sched_setaffinity, 0, SeccompCmpOp::Ne, 0),
    (libc::SYS_setpriority, 0, SeccompCmpOp::Eq, libc::PRIO_USER as u64),
    (libc::SYS_setpriority, 1, SeccompCmpOp::Ne, 0),
    (libc::SYS_ioprio_set, 0, SeccompCmpOp::Eq, IOPRIO_USER),
    (libc::SYS_ioprio_set, 1, SeccompCmpOp::Ne, 0),
    // A descriptor that has news sends a signal to whoever is named here.
    (libc::SYS_fcntl, 1, SeccompCmpOp::Eq, libc::F_SETOWN as u64),
    (libc::SYS_fcntl, 1, SeccompCmpOp::Eq, SET_OWNER_EX),
    (libc::SYS_fcntl, 1, SeccompCmpOp::Eq, SET_SIGNAL),
    (libc::SYS_ioctl, 1, SeccompCmpOp::Eq, FIOSETOWN),
    (libc::SYS_ioctl, 1, SeccompCmpOp::Eq, SIOCSPGRP),
    // Whoever opens a file with a lease waits.
    (libc::SYS_fcntl, 1, SeccompCmpOp::Eq, libc::F_SETLEASE as u64),
    // What a file is to its file system: a descriptor that only reads is enough for its owner.
    (libc::SYS_ioctl, 1, SeccompCmpOp::Eq, SET_FLAGS),
    (libc::SYS_ioctl, 1, SeccompCmpOp::Eq, SET_ATTRIBUTES),
    (libc::SYS_ioctl, 1, SeccompCmpOp::Eq, ENABLE_VERITY),
];

// What the library does not name: IOPRIO_WHO_USER, F_SETSIG, F_SETOWN_EX, the requests that name an owner as F_SETOWN does, and
// FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY.
const IOPRIO_USER: u64 = 3;
const SET_SIGNAL: u64 = 10;
const SET_OWNER_EX: u64 = 15;
const FIOSETOWN: u64 = 0x8901;
const SIOCSPGRP: u64 = 0x8902;
const SET_FLAGS: u64 = 0x4008_6602;
const SET_ATTRIBUTES: u64 = 0x401c_5820;
const ENABLE_VERITY: u64 = 0x4080_6685;

/// What a program that is started is refused besides: signals, and a group of processes of its own, for all that it starts is
/// ended with it. And what Landlock does not look at: by a name, or the descriptor of its input, the rights, the owner, the times
/// and the attributes of a file could be changed. And memory, semaphores and queues that processes of its user share: they have no
/// place among the files, outlive it, and count for none of its limits.
const ALONE: &[libc::c_long] = &[
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_truncate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmdt,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_notify,
    libc::SYS_mq_getsetattr,
    // fchmodat2, setxattrat, removexattrat, file_setattr: newer than the library, and the same number everywhere.
    452,
    463,
    466,
    469,
];

/// The older names of the same.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] =
    &[libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// From here on the numbers of calls are those of x32, which a rule for the usual number does not meet.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// What a child is to give up.
#[derive(Debug)]
pub struct Rules {
    files: Option<OwnedFd>,
    calls: Vec<libc::sock_filter>,
    /// What this kernel cannot take from it, in words; none when it can take all.
    pub missing: Option<String>,
}

impl Rules {
    /// Makes the rules for a program that lies in `programs` and may write below `own` alone.
    pub fn new(programs: &Path, own: &Path) -> Self {
        let mut missing = Vec::new();
        let files = match files(programs, own) {
            Ok(Some(files)) => {
                missing.extend(uncovered(version()));
                Some(files)
            }
            Ok(None) => {
                missing.push("this kernel has no Landlock: files are not given up".to_owned());
                None
            }
            Err(error) => {
                missing.push(format!("files are not given up: {error}"));
                None
            }
        };
        let calls = calls().unwrap_or_else(|error| {
            missing.push(format!("system calls are not given up: {error}"));
            Vec::new()
        });
        Self { files, calls, missing: (!missing.is_empty()).then(|| missing.join("; ")) }
    }

    /// Gives up what the rules say, in the calling thread, for good. It may be called between fork and exec: it makes three
    /// system calls and allocates nothing.
    ///
    /// # Errors
    /// As the kernel refuses.
    pub fn apply(&self) -> io::Result<()> {
        let done = |result: libc::c_long| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        // SAFETY: the call takes numbers alone.
        done(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        if let Some(files) = &self.files {
            // SAFETY: the descriptor is open as long as `self`; the call takes numbers alone.
            done(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, files.as_raw_fd(), 0) })?;
        }
        let Ok(len @ 1..) = u16::try_from(self.calls.len()) else { return Ok(()) };
        let program = libc::sock_fprog { len, filter: self.calls.as_ptr().cast_mut() };
        // SAFETY: `program` and the instructions that it leads to live until the call returns; the kernel copies and does not
        // change them.
        done(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) })
    }
}

fn files(programs: &Path, own: &Path) -> Result<Option<OwnedFd>, RulesetError> {
    let read = AccessFs::from_read(NEWEST);
    let write = AccessFs::from_all(NEWEST)
        & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock | AccessFs::IoctlDev);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let below = |rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>| match PathFd::new(path) {
        // Rights over directories mean nothing for a file.
        Ok(place) if path.is_dir() => rules.add_rule(PathBeneath::new(place, access)),
        Ok(place) => rules.add_rule(PathBeneath::new(place, access & AccessFs::from_file(NEWEST))),
        Err(_) => Ok(rules),
    };
    for path in READ.iter().map(Path::new).chain([programs]) {
        rules = below(rules, path, read)?;
    }
    for path in DEVICES {
        rules = below(rules, Path::new(path), AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    Ok(below(rules, own, write)?.into())
}

/// The version of Landlock that the kernel has.
fn version() -> libc::c_long {
    // SAFETY: without attributes the call takes numbers alone; flag 1 asks for the version.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0, 1) }
}

/// What a version of Landlock does not cover, and nothing else here does.
fn uncovered(version: libc::c_long) -> Option<String> {
    (version < 3).then(|| {
        format!("Landlock of this kernel has version {version}, of 3 that are needed: a file may be emptied while it is opened")
    })
}

/// Makes the filter of calls for whatever reads what strangers have written: `refused` and [`NEVER`] are refused, and so is what
/// the rules meet.
///
/// # Errors
/// In words, when this processor has no such filters.
pub fn filter(
    refused: impl IntoIterator<Item = libc::c_long>,
    mut rules: BTreeMap<i64, Vec<SeccompRule>>,
) -> Result<BpfProgram, String> {
    let failed = |error: seccompiler::BackendError| error.to_string();
    for (call, argument, operator, value) in TOUCHING {
        let condition = SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value);
        let rule = SeccompRule::new(vec![condition.map_err(failed)?]).map_err(failed)?;
        rules.entry(*call).or_default().push(rule);
    }
    // Last: a call without a rule is refused whatever its arguments are.
    rules.extend(NEVER.iter().copied().chain(refused).map(|call| (call, Vec::new())));
    let target = std::env::consts::ARCH.try_into().map_err(failed)?;
    let action = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, target).map_err(failed)?;
    let program: BpfProgram = filter.try_into().map_err(failed)?;
    Ok(without_x32(program))
}

/// Puts ahead of a filter that the numbers of x32 are refused. A kernel that has no x32 refuses them anyway.
#[cfg(target_arch = "x86_64")]
fn without_x32(program: BpfProgram) -> BpfProgram {
    let one = |code: u32, jf: u8, k: u32| seccompiler::sock_filter { code: code as u16, jt: 0, jf, k };
    let number = one(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0);
    let is_x32 = one(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, X32);
    let refused = one(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs());
    [number, is_x32, refused].into_iter().chain(program).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn without_x32(program: BpfProgram) -> BpfProgram {
    program
}

fn calls() -> Result<Vec<libc::sock_filter>, String> {
    let program = filter(ALONE.iter().chain(OLDER).copied(), BTreeMap::new())?;
    Ok(program.iter().map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_landlock_that_does_not_know_truncation_is_said() {
        for version in [1, 2] {
            assert!(uncovered(version).is_some_and(|word| word.contains(&format!("version {version}"))));
        }
        assert_eq!((uncovered(3), uncovered(8)), (None, None));
    }
}
