//! Named points at which a test may kill the process, or make one of its threads wait. Only in builds with debug
//! assertions; nothing in a release.

/// If `PD_FAULT` names this point (`name` or `name@n` for its n-th pass), the process kills itself with SIGKILL. With
/// `PD_GATE` the thread waits there instead: it connects to that socket and goes on when the other side closes.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    armed(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
fn armed(name: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static PASSES: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var("PD_FAULT") else {
        return;
    };
    let (point, nth) = match wanted.split_once('@') {
        Some((point, nth)) => (point, nth.parse().unwrap_or(1)),
        None => (wanted.as_str(), 1),
    };
    if point == name && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == nth {
        if let Some(gate) = std::env::var_os("PD_GATE") {
            let waited = std::os::unix::net::UnixStream::connect(gate)
                .and_then(|mut gate| std::io::Read::read(&mut gate, &mut [0; 1]));
            return drop(waited);
        }
        let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGKILL);
    }
}
