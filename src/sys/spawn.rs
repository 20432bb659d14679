//! Starts a process that outlives its starter and shares nothing with it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::libc;

mod bounded;
mod filter;
mod program;
mod question;

pub use bounded::{Ended, run_bounded};
pub use filter::{Filter, FilterLimits, filter_user};
pub use program::{holding_program, libexec_dir, libexec_program, print_program};
pub use question::{Asked, ask_program};

/// Returns the directory of the running program, where our own print process lies. Never the search path.
pub fn program_dir() -> io::Result<PathBuf> {
    let exe = std::env::current_exe().or_else(|error| executed_as().ok_or(error))?;
    exe.parent().map(Path::to_path_buf).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no program directory"))
}

/// The variables that are handed on to a print process: the base, how long it waits, and what tests set. It serves
/// everybody's jobs, so nothing else of its starter's environment is its own: no time zone, no language, no resolver
/// options.
const HANDED_ON: &[&str] = &[
    "PDBASE",
    "PD_FASTP_IDLE",
    "PD_CONNECT_MS",
    "PD_SETTLE_MS",
    "PD_STALL_MS",
    "PD_KEEP_MS",
    "PD_FAULT",
    "PD_GATE",
    "PD_CLOCK",
    "PD_WRITE_GATE_MS",
    "PD_SENDMAIL",
    "PD_EXIT_DIR",
    "PD_LIBEXEC_DIR",
    "PD_TRANSFORM_SECONDS",
    "PD_TRANSFORM_OCTETS",
    "PD_PROGRAM_MS",
    "PD_SYSLOG",
    "PD_TERMINALS",
    "PD_NOTIFY_WAIT_MS",
    "PD_NOTIFY_DEADLINE_MS",
];

fn with_known_environment(command: &mut Command) {
    command.env_clear();
    command.envs(HANDED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
}

/// Starts `program` as a child that is asked to end when we do, in `/`, with our standard error and no other stream of
/// ours. Returns its id; whoever calls has to collect it.
pub fn child<A: AsRef<OsStr>>(program: &Path, args: &[A]) -> io::Result<u32> {
    let mut command = Command::new(program);
    command.args(args).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    with_known_environment(&mut command);
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are made: setpgid, sigprocmask, prctl, getppid and
    // close_range.
    unsafe {
        command.pre_exec(move || {
            // Ctrl-C is for us: we end our children in good order.
            nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::Pid::from_raw(0))?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            if nix::unistd::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    Ok(command.spawn()?.id())
}

/// The path under which the kernel executed this program, where `/proc` does not tell. A relative one is that of our working
/// directory, which no command changes.
fn executed_as() -> Option<PathBuf> {
    // SAFETY: the kernel gives the address of a string that ends with NUL and lives as long as the process, or 0.
    let path = unsafe {
        let path = libc::getauxval(libc::AT_EXECFN) as *const libc::c_char;
        if path.is_null() { return None } else { std::ffi::CStr::from_ptr(path) }
    };
    std::fs::canonicalize(OsStr::from_bytes(path.to_bytes())).ok()
}

/// Starts `program` in its own session, in `/`, with its standard streams on `/dev/null` and no other descriptor of
/// ours or of our starter, and of our environment only what is handed on. Returns when it runs; a program that cannot be
/// executed is an error.
pub fn detached<A: AsRef<OsStr>>(program: &Path, args: &[A]) -> io::Result<u32> {
    let mut command = Command::new(program);
    command.args(args).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    with_known_environment(&mut command);
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid, sigprocmask and close_range.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            // A shell's `$(…)` waits for every copy of its pipe, so everything we inherited is marked close-on-exec.
            // The pipe that reports a failed exec is close-on-exec anyway.
            let result = libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            if result < 0 {
                for fd in 3..1024 {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
            Ok(())
        });
    }
    let child = command.spawn()?;
    let pid = child.id();
    // A long-lived starter must not collect zombies; a short-lived one leaves the child to init.
    let reap = std::thread::Builder::new().name("reap".into()).stack_size(64 * 1024);
    // Without a thread it stays a zombie until we end: it runs all the same.
    let _ = reap.spawn(move || {
        let mut child = child;
        let _ = child.wait();
    });
    Ok(pid)
}

/// Starts the program `name` that lies beside us, with `socket` as its standard input and our standard error. It belongs to our
/// process group, and what ends us from the keyboard ends it. It ends by itself when the socket is closed.
///
/// # Errors
/// `NotFound` when there is no such program.
pub fn connector(name: &str, socket: std::os::unix::net::UnixStream, argument: &str) -> io::Result<()> {
    let program = program_dir()?.join(name);
    let mut command = Command::new(program);
    command.arg(argument).stdin(std::os::fd::OwnedFd::from(socket)).stdout(Stdio::null());
    // Collected by whoever collects our own children: it lives as long as we do.
    command.spawn().map(drop)
}

/// Starts the program `name` that lies beside us as the process of a door: `socket` is its standard input, our standard error is
/// its own, and it has no other descriptor and no variable of ours but what tests set. It ends by itself when the socket is
/// closed.
///
/// # Errors
/// `NotFound` when there is no such program.
pub fn door(name: &str, socket: std::os::unix::net::UnixStream) -> io::Result<std::process::Child> {
    let mut command = Command::new(program_dir()?.join(name));
    command.stdin(std::os::fd::OwnedFd::from(socket)).stdout(Stdio::null()).current_dir("/").env_clear();
    command.envs(["PD_FAULT", "PD_GATE"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid, sigprocmask and close_range.
    unsafe {
        command.pre_exec(|| {
            // Ctrl-C is for the server: it ends its doors in good order.
            nix::unistd::setsid()?;
            nix::sys::signal::SigSet::empty().thread_set_mask()?;
            libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
    command.spawn()
}

/// Becomes the program `name` of ours, which lies beside us or in `libexec/spoolsuite`: it has our terminal, environment and
/// process id. Returns only when that fails.
pub fn become_program<A: AsRef<OsStr>>(name: &str, args: &[A]) -> io::Error {
    let beside = match program_dir() {
        Ok(dir) => dir.join(name),
        Err(error) => return error,
    };
    let program = match std::fs::exists(&beside) {
        Ok(false) => match libexec_program(name) {
            Ok(program) => program,
            Err(why) => return io::Error::new(io::ErrorKind::NotFound, why),
        },
        _ => beside,
    };
    Command::new(program).args(args).exec()
}

/// Lets a closed pipe end this process, as shell users expect of a filter.
pub fn default_sigpipe() {
    // SAFETY: SIG_DFL installs no handler of ours; nothing that runs in a signal context is involved.
    let _ =
        unsafe { nix::sys::signal::signal(nix::sys::signal::Signal::SIGPIPE, nix::sys::signal::SigHandler::SigDfl) };
}
