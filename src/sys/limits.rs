//! The limits that a shell or a service sets on its processes, and what is said when one of them is met.
//!
//! | limit | what happens |
//! |---|---|
//! | size of files (`ulimit -f`) | the signal is ignored, so that the write fails: with one file, and not with the process |
//! | processor time (`ulimit -t`) | a little before the limit a timer ends the process, while it can still say why |
//! | descriptors, threads, memory (`-n`, `-u`, `-v`) | a call fails; [`cure`] and [`likely_cure`] name the limit |
//! | memory, where no call of ours fails | the process is ended; a handler of that signal names the limit |

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;
use std::time::Duration;

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction, signal};
use nix::time::{ClockId, clock_gettime};

use super::own_file;

/// How long before its limit of processor time a process ends.
const BEFORE_THE_LIMIT: Duration = Duration::from_millis(300);

/// Raises the limit of open files to the hard limit. Each device in use and each caller needs a handful, and the default
/// limit is made for programs that use `select`.
pub fn raise_open_files() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// How many files this process may have open.
pub fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft)
}

/// A file that would grow beyond the limit is an error of that write from now on, instead of the end of the process.
fn survive_large_files() {
    // SAFETY: SIG_IGN installs no handler of ours.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}

/// The limit of processor time, in seconds, if there is one.
pub fn processor_seconds() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CPU).ok()?;
    Some(soft.min(hard)).filter(|limit| *limit != libc::RLIM_INFINITY)
}

/// Has SIGPROF sent a little before the limit of processor time is used up: at the limit itself the kernel may end the
/// process at once.
pub fn warn_before_processor_limit() {
    let Some(limit) = processor_seconds() else { return };
    let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default();
    let left = Duration::from_secs(limit).saturating_sub(BEFORE_THE_LIMIT).saturating_sub(used);
    let left = left.max(Duration::from_millis(1));
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(i32::try_from(left.subsec_micros()).unwrap_or(0)),
    };
    let timer = libc::itimerval { it_interval: zero, it_value: value };
    // SAFETY: the timer is valid for the call, and the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, std::ptr::null_mut()) };
}

/// How the line begins that a process leaves when it is ended for want of memory.
pub const LACK_OF_MEMORY: &str = "it was ended in the middle";

/// What a process says that is ended for want of memory, and whether it ends with a status of its own then.
static MEMORY_IS_USED_UP: OnceLock<(Vec<u8>, bool)> = OnceLock::new();

extern "C" fn say_what_is_lacking(signal: libc::c_int) {
    if let Some((words, exits)) = MEMORY_IS_USED_UP.get() {
        // SAFETY: write and _exit are async-signal-safe; the words live as long as the process.
        unsafe {
            libc::write(2, words.as_ptr().cast(), words.len());
            if *exits {
                libc::_exit(1);
            }
        }
    }
    // The usual thing happens then, as soon as this returns.
    // SAFETY: signal and raise are async-signal-safe.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Where memory is limited, has a process say so that is ended for want of it: where an allocation fails the run-time library
/// aborts, and where the stack cannot grow the kernel ends it. `program` = a command, whose name begins the line, and which
/// ends with status 1.
fn leave_last_words_about_memory(program: Option<&OsStr>) {
    let is_limited = |resource| getrlimit(resource).is_ok_and(|(soft, _)| soft != libc::RLIM_INFINITY);
    if !is_limited(Resource::RLIMIT_AS) && !is_limited(Resource::RLIMIT_DATA) {
        return;
    }
    // The run-time library makes the backtrace of an allocation that failed by more of them. When one of these fails too, its
    // thread waits for a lock that it has itself, for ever.
    // SAFETY: a program calls this first, while it has one thread.
    unsafe { std::env::remove_var("RUST_BACKTRACE") };
    let name = program.map(|program| std::path::Path::new(program).file_name().unwrap_or(program));
    let mut words = name.map_or_else(Vec::new, |name| [name.as_bytes(), b": "].concat());
    words.extend(format!("{LACK_OF_MEMORY}, most likely because {}\n", no_memory()).into_bytes());
    if name.is_some() {
        words.pop();
        words.extend(b": whatever it did not say was done is to be looked at\n");
    }
    let _ = MEMORY_IS_USED_UP.set((words, name.is_some()));
    // On the stack that the run-time library has prepared for such cases.
    let action = SigAction::new(SigHandler::Handler(say_what_is_lacking), SaFlags::SA_ONSTACK, SigSet::empty());
    for ends in [Signal::SIGABRT, Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: the handler makes only async-signal-safe calls.
        let _ = unsafe { sigaction(ends, &action) };
    }
}

/// Prepares a print process for the limits of its starter.
pub fn prepare_process() {
    // A file that may not grow is an error of one device, and not the end of all of them.
    survive_large_files();
    leave_last_words_about_memory(None);
}

/// What a command says when its processor time is used up.
static LAST_WORDS: OnceLock<Vec<u8>> = OnceLock::new();

extern "C" fn say_and_end(_: libc::c_int) {
    if let Some(words) = LAST_WORDS.get() {
        // SAFETY: write and _exit are async-signal-safe; the words live as long as the process. Reading a `OnceLock` that
        // is set takes no lock.
        unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
    }
    // SAFETY: see above.
    unsafe { libc::_exit(1) }
}

/// Prepares a command that ends soon for the limits of its caller: it says which one ended it.
pub fn prepare_command(program: &OsStr) {
    survive_large_files();
    leave_last_words_about_memory(Some(program));
    if processor_seconds().is_none() {
        return;
    }
    let name = std::path::Path::new(program).file_name().unwrap_or(program);
    let mut words = name.as_bytes().to_vec();
    words.extend(
        b": the limit of processor time (ulimit -t) is used up: whatever it did not say was done is to be looked at\n",
    );
    let _ = LAST_WORDS.set(words);
    let action = SigAction::new(SigHandler::Handler(say_and_end), SaFlags::empty(), SigSet::empty());
    for ends in [Signal::SIGPROF, Signal::SIGXCPU] {
        // SAFETY: the handler makes only async-signal-safe calls.
        let _ = unsafe { sigaction(ends, &action) };
    }
    warn_before_processor_limit();
}

/// A limit as it is said: "1024", or "none".
fn shown(resource: Resource) -> String {
    match getrlimit(resource) {
        Ok((soft, _)) if soft != libc::RLIM_INFINITY => soft.to_string(),
        _ => "none".to_owned(),
    }
}

/// Why no thread or process could be started, and the cure.
pub fn no_thread(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM) => format!(
            "no further thread or process may be started: raise ulimit -u (here {}), pids.max of the control group, or \
             ulimit -v (here {})",
            shown(Resource::RLIMIT_NPROC),
            shown(Resource::RLIMIT_AS)
        ),
        _ => cure(error).unwrap_or_else(|| error.to_string()),
    }
}

/// What is said when no memory is left.
pub fn no_memory() -> String {
    let limit = shown(Resource::RLIMIT_AS);
    format!("no memory is left: raise ulimit -v (here {limit}), or memory.max of the control group")
}

/// The cure of an error, if a limit of this process is the cause, or something that lies in the place of a file of the spool.
pub fn cure(error: &io::Error) -> Option<String> {
    if own_file::is_odd(error) {
        return Some(own_file::CURE.to_owned());
    }
    Some(match error.raw_os_error()? {
        libc::EMFILE => {
            format!(
                "this process may have no more files open: raise ulimit -n (here {})",
                shown(Resource::RLIMIT_NOFILE)
            )
        }
        libc::ENFILE => "the system may have no more files open: raise fs.file-max".to_owned(),
        libc::EFBIG => {
            format!("files may not become larger here: raise ulimit -f (here {} octets)", shown(Resource::RLIMIT_FSIZE))
        }
        libc::ENOMEM => no_memory(),
        _ => return None,
    })
}

/// The cure of an error that came without its number, if a limit of this process explains it now.
pub fn likely_cure() -> Option<String> {
    if let Err(error) = std::fs::File::open("/dev/null")
        && let Some(cure) = cure(&error)
    {
        return Some(cure);
    }
    match getrlimit(Resource::RLIMIT_FSIZE) {
        Ok((soft, _)) if soft != libc::RLIM_INFINITY => cure(&io::Error::from_raw_os_error(libc::EFBIG)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_limit_names_it_and_another_one_does_not() {
        let cure_of = |errno| cure(&io::Error::from_raw_os_error(errno));
        assert!(cure_of(libc::EMFILE).unwrap().contains("ulimit -n"));
        assert!(cure_of(libc::EFBIG).unwrap().contains("ulimit -f"));
        assert!(cure_of(libc::ENOMEM).unwrap().contains("ulimit -v"));
        assert_eq!(cure_of(libc::EACCES), None);
        assert!(no_thread(&io::Error::from_raw_os_error(libc::EAGAIN)).contains("ulimit -u"));
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (before.1, before.1));
        setrlimit(Resource::RLIMIT_NOFILE, before.0, before.1).unwrap();
    }
}
