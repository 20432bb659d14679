//! What a program gives up before its first instruction, so that what strangers have written cannot make it do harm: files, the
//! network, other processes, and most calls that change the system.
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
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule};

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
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
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

/// What a program that is started is refused besides: signals, and a group of processes of its own, for all that it starts is
/// ended with it.
const ALONE: &[libc::c_long] = &[
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setsid,
    libc::SYS_setpgid,
];

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
            Ok(Some(files)) => Some(files),
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

fn calls() -> Result<Vec<libc::sock_filter>, String> {
    let rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.iter().chain(ALONE).map(|call| (*call, Vec::new())).collect();
    let target = std::env::consts::ARCH.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, target).map_err(|error| error.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    Ok(program.iter().map(|one| libc::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k }).collect())
}
