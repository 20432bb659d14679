//! What a service manager gives a program and wants to know of it: sockets that are open already, and a datagram when the
//! program is ready (sd_listen_fds(3), sd_notify(3)).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt};

/// The first descriptor that is handed over.
const FIRST: i32 = 3;

/// What the service manager opened for this process.
#[derive(Debug, Default)]
pub struct Given {
    /// The socket of the users of this machine.
    pub listener: Option<UnixListener>,
    /// Sockets that listen to the network, each with its name (`FileDescriptorName=`).
    pub network: Vec<(String, OwnedFd)>,
}

/// The listening sockets that the service manager opened for this process. Asked once, before any descriptor is opened and any
/// thread is started.
///
/// # Errors
/// When it handed over something else.
pub fn given_sockets(env: &dyn Fn(&str) -> Option<OsString>) -> io::Result<Given> {
    let number = |name: &str| env(name).and_then(|text| text.to_str()?.parse::<i32>().ok());
    let mut given = Given::default();
    if number("LISTEN_PID") != i32::try_from(std::process::id()).ok() {
        return Ok(given);
    }
    let names = env("LISTEN_FDNAMES").and_then(|names| names.into_string().ok()).unwrap_or_default();
    let mut names = names.split(':');
    for fd in FIRST..FIRST + number("LISTEN_FDS").unwrap_or(0).clamp(0, 1024) {
        let name = names.next().unwrap_or_default().to_owned();
        // SAFETY: by the protocol the descriptors from 3 on are ours, open, and nobody else's in this process: LISTEN_PID is our
        // own id, and this is asked once, before anything was opened.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if !getsockopt(&socket, sockopt::AcceptConn).unwrap_or(false) {
            return Err(io::Error::other("what was handed over is no listening socket"));
        }
        // A print process that is started must not inherit it.
        nix::fcntl::fcntl(socket.as_fd(), nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        let address = nix::sys::socket::getsockname::<nix::sys::socket::SockaddrStorage>(fd)?;
        if nix::sys::socket::SockaddrLike::family(&address) != Some(nix::sys::socket::AddressFamily::Unix) {
            given.network.push((name, socket));
            continue;
        }
        if given.listener.is_some() {
            return Err(io::Error::other(
                "two sockets for the users of this machine were handed over; one is expected",
            ));
        }
        let listener = UnixListener::from(socket);
        listener.set_nonblocking(false)?;
        listener.local_addr()?;
        given.listener = Some(listener);
    }
    Ok(given)
}

/// The way to the service manager, if there is one that wants to know.
#[derive(Debug)]
pub struct Manager(Option<OsString>);

impl Manager {
    /// The one that the environment names.
    pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        Self(env("NOTIFY_SOCKET").filter(|path| !path.is_empty()))
    }

    /// Tells it `state`: `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…`.
    ///
    /// # Errors
    /// When it does not take it. Whoever starts programs by hand has none, and that is no error.
    pub fn tell(&self, state: &str) -> io::Result<()> {
        self.connect()?.tell(state)
    }

    /// Opens the way, for whoever can open nothing by the time of what it has to tell.
    ///
    /// # Errors
    /// When it is not there.
    pub fn connect(&self) -> io::Result<Connected> {
        let Some(path) = &self.0 else { return Ok(Connected(None)) };
        let octets = path.as_bytes();
        let address = match octets.strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        Ok(Connected(Some(socket)))
    }
}

/// An open way to the service manager, if there is one.
#[derive(Debug)]
pub struct Connected(Option<UnixDatagram>);

impl Connected {
    /// Tells it a state, as [`Manager::tell`].
    ///
    /// # Errors
    /// When it does not take it.
    pub fn tell(&self, state: &str) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |socket| socket.send(state.as_bytes()).map(drop))
    }
}

/// How often the service manager wants to hear of this process: half of what it allows.
pub fn watchdog(env: &dyn Fn(&str) -> Option<OsString>) -> Option<Duration> {
    let number = |name: &str| env(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    if number("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(std::process::id())) {
        return None;
    }
    number("WATCHDOG_USEC").filter(|usec| *usec > 0).map(|usec| Duration::from_micros(usec) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_what_it_wants_to_know() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let env = |name: &str| (name == "NOTIFY_SOCKET").then(|| path.clone().into_os_string());
        Manager::of(&env).tell("READY=1").unwrap();
        let mut buffer = [0; 32];
        let n = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"READY=1");
        Manager::of(&|_| None).tell("READY=1").unwrap();
    }

    #[test]
    fn sockets_of_another_process_are_not_ours() {
        let env = |name: &str| match name {
            "LISTEN_PID" => Some("1".into()),
            "LISTEN_FDS" => Some("1".into()),
            "WATCHDOG_USEC" => Some("2000000".into()),
            _ => None,
        };
        let given = given_sockets(&env).unwrap();
        assert!(given.listener.is_none() && given.network.is_empty());
        assert_eq!(watchdog(&env), Some(Duration::from_secs(1)));
        assert_eq!(watchdog(&|_| None), None);
    }
}
