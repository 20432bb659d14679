//! Stream sockets between processes of this machine: octets with open files beside them, deadlines, and who the peer
//! is.
//!
//! The sockets may be blocking or not: every call here waits with `poll` and then asks the kernel not to block.

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, bind, getsockopt, sendmsg, socket,
    sockopt,
};

/// The most descriptors that the kernel passes in one message (`SCM_MAX_FD`).
const KERNEL_MAX_FILES: usize = 253;

/// A deadline for waiting.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Wait for ever.
    pub const NEVER: Self = Self(None);

    /// Wait this long from now. A span that no clock can hold is for ever.
    pub fn after(span: Duration) -> Self {
        Self(Instant::now().checked_add(span))
    }

    /// What is left, for `poll`; at most about a minute at once.
    fn slice(self) -> Option<PollTimeout> {
        let Some(at) = self.0 else {
            return Some(PollTimeout::NONE);
        };
        let left = at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        // Rounded up: a wait of less than a millisecond must not become a busy loop.
        let ms = left.as_millis().saturating_add(1);
        Some(PollTimeout::from(u16::try_from(ms).unwrap_or(u16::MAX)))
    }
}

/// The process at the other end, as the kernel knew it when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// Returns the process at the other end of `stream`.
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let found = getsockopt(stream, sockopt::PeerCredentials)?;
    Ok(Peer { pid: found.pid(), uid: found.uid(), gid: found.gid() })
}

/// Sends a few octets where there is room for them; where there is none they are left out.
///
/// # Errors
/// When the other end is gone.
pub fn send_if_room(stream: &UnixStream, octets: &[u8]) -> io::Result<()> {
    match nix::sys::socket::send(stream.as_raw_fd(), octets, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
        Ok(_) | Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the other end has read all that was sent. Where the kernel does not tell, it is taken for read.
pub fn is_read(stream: &UnixStream) -> bool {
    let mut unread: libc::c_int = 0;
    // SAFETY: TIOCOUTQ writes one `int`, and `unread` is valid for it.
    let told = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) };
    told != 0 || unread == 0
}

/// Octets of the longest name that a socket address holds, without the NUL.
const LONGEST_NAME: usize = 107;

/// Returns the address of a name. A name that is too long is reached through its directory, which stays open as long as
/// the result lives.
fn address(path: &Path) -> io::Result<(Option<File>, UnixAddr)> {
    if path.as_os_str().len() <= LONGEST_NAME {
        return Ok((None, UnixAddr::new(path)?));
    }
    let (directory, path) = super::wake::short(path)?;
    Ok((Some(directory), UnixAddr::new(&path)?))
}

/// Listens at `path`, and replaces what a dead process left. The caller holds the lock that makes this safe.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    super::own_file::remove_socket(path)?;
    let (_directory, address) = address(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &address)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    nix::sys::socket::listen(&socket, Backlog::MAXALLOWABLE)?;
    Ok(socket.into())
}

/// Connects to the listener at `path` without waiting for it: a full queue of connections is `WouldBlock`.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let (_directory, address) = address(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    nix::sys::socket::connect(socket.as_raw_fd(), &address)?;
    Ok(socket.into())
}

/// Stops listening: whoever waits for a connection is told, and nobody connects any more.
pub fn stop_listening(listener: &UnixListener) -> io::Result<()> {
    Ok(nix::sys::socket::shutdown(listener.as_raw_fd(), nix::sys::socket::Shutdown::Both)?)
}

/// Waits at most `long` until something can be read, or the other side is gone; whether that happened.
pub fn is_readable_within(stream: &UnixStream, long: Duration) -> bool {
    wait(stream.as_fd(), PollFlags::POLLIN, Deadline::after(long)).is_ok()
}

fn wait(fd: BorrowedFd<'_>, what: PollFlags, until: Deadline) -> io::Result<()> {
    loop {
        let Some(slice) = until.slice() else {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        };
        match poll(&mut [PollFd::new(fd, what)], slice) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            // A hang-up or an error is news too: the call that follows reports it.
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends all of `bytes`, which must not be empty, with `files` beside the first octet.
///
/// # Errors
/// Returns `TimedOut` after the deadline, else what the kernel reports. How much was sent is not known then, but not
/// all of it.
pub fn send(stream: &UnixStream, bytes: &[u8], files: &[BorrowedFd<'_>], until: Deadline) -> io::Result<()> {
    if bytes.is_empty() || files.len() > KERNEL_MAX_FILES {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let raw: Vec<_> = files.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let mut control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let mut sent = 0;
    while sent < bytes.len() {
        wait(stream.as_fd(), PollFlags::POLLOUT, until)?;
        let part = [io::IoSlice::new(&bytes[sent..])];
        match sendmsg::<()>(stream.as_raw_fd(), &part, control, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT, None) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero)),
            Ok(n) => {
                sent += n;
                control = &[];
            }
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits for octets and reads what fits into `buffer`; open files beside them are appended to `files`, close-on-exec.
/// Returns 0 when the peer has closed.
///
/// # Errors
/// Returns `TimedOut` after the deadline, `EMFILE` when files were sent that this process has no room for, else what
/// the kernel reports.
pub fn receive(stream: &UnixStream, buffer: &mut [u8], files: &mut Vec<OwnedFd>, until: Deadline) -> io::Result<usize> {
    match receive_any(stream, buffer, files, until)? {
        (_, true) => Err(io::Error::from_raw_os_error(libc::EMFILE)),
        (received, false) => Ok(received),
    }
}

/// The same, but files that this process has no room for are lost, and the octets beside them are not: whoever counts the files
/// knows.
///
/// # Errors
/// `TimedOut` after the deadline, else what reading returns.
pub fn receive_what_fits(
    stream: &UnixStream,
    buffer: &mut [u8],
    files: &mut Vec<OwnedFd>,
    until: Deadline,
) -> io::Result<usize> {
    receive_any(stream, buffer, files, until).map(|received| received.0)
}

/// What was received, and whether files were lost.
fn receive_any(
    stream: &UnixStream,
    buffer: &mut [u8],
    files: &mut Vec<OwnedFd>,
    until: Deadline,
) -> io::Result<(usize, bool)> {
    if buffer.is_empty() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    loop {
        wait(stream.as_fd(), PollFlags::POLLIN, until)?;
        match receive_now(stream, buffer, files) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            other => return other,
        }
    }
}

// Why not the safe wrapper of a library? When the table of descriptors is full the kernel hands over those that fitted
// and says "truncated"; a wrapper that then returns an error leaks them. Here they are owned before anything is judged.
fn receive_now(stream: &UnixStream, buffer: &mut [u8], files: &mut Vec<OwnedFd>) -> io::Result<(usize, bool)> {
    // Aligned as a control message must be, and large enough for one full set of descriptors.
    let mut control = [0u64; (KERNEL_MAX_FILES * 4) / 8 + 8];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: `msghdr` is plain data; all-zero is a valid empty one. Its pointers are set to buffers that outlive the
    // call, with their true lengths.
    let (received, truncated) = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = mem::size_of_val(&control) as _;
        let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
        let received = libc::recvmsg(stream.as_raw_fd(), &raw mut message, flags);
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        take_files(&message, files);
        (received, message.msg_flags & libc::MSG_CTRUNC != 0)
    };
    Ok((usize::try_from(received).unwrap_or(0), truncated))
}

/// Takes ownership of every descriptor that came with `message`.
///
/// # Safety
/// `message` was just filled by `recvmsg`, its control buffer is alive, and nobody else took its descriptors.
unsafe fn take_files(message: &libc::msghdr, files: &mut Vec<OwnedFd>) {
    // SAFETY: the macros walk the control buffer within the length the kernel has set; a SCM_RIGHTS message holds
    // descriptors that are new in this process and owned by nobody. They are read unaligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(header).cast::<libc::c_int>();
                let length = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                for i in 0..length / mem::size_of::<libc::c_int>() {
                    files.push(OwnedFd::from_raw_fd(data.add(i).read_unaligned()));
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn files_arrive_beside_the_bytes_and_close_on_exec() {
        let (a, b) = UnixStream::pair().unwrap();
        let (read, mut write) = io::pipe().unwrap();
        send(&a, b"hello", &[read.as_fd(), read.as_fd()], Deadline::after(SOON)).unwrap();
        drop(read);
        let mut files = Vec::new();
        let mut buffer = [0; 16];
        assert_eq!(receive(&b, &mut buffer, &mut files, Deadline::after(SOON)).unwrap(), 5);
        assert_eq!(files.len(), 2);
        let flags = nix::fcntl::fcntl(&files[0], nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        write.write_all(b"through").unwrap();
        drop(write);
        let mut text = String::new();
        File::from(files.remove(0)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn waiting_ends_with_the_deadline_and_with_the_peer() {
        let (a, b) = UnixStream::pair().unwrap();
        let mut buffer = [0; 16];
        let late = receive(&b, &mut buffer, &mut Vec::new(), Deadline::after(Duration::from_millis(5)));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let full = send(&a, &vec![0; 8 << 20], &[], Deadline::after(Duration::from_millis(5)));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(a);
        while receive(&b, &mut [0; 65536], &mut Vec::new(), Deadline::after(SOON)).unwrap() > 0 {}
        assert_eq!(send(&b, b"x", &[], Deadline::after(SOON)).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_kernel_says_who_the_peer_is() {
        let (a, _b) = UnixStream::pair().unwrap();
        assert_eq!(peer(&a).unwrap().uid, nix::unistd::geteuid().as_raw());
    }

    #[test]
    fn who_listens_is_found_by_a_name_of_any_length_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(150));
        std::fs::create_dir(&deep).unwrap();
        for path in [dir.path().join("c.sock"), deep.join("c.sock")] {
            assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
            for _ in 0..2 {
                let listener = listen(&path).unwrap();
                let near = connect(&path).unwrap();
                assert_eq!(peer(&near).unwrap().pid, std::process::id() as i32);
                let (far, _) = listener.accept().unwrap();
                send(&near, b"x", &[], Deadline::after(SOON)).unwrap();
                assert_eq!(receive(&far, &mut [0; 4], &mut Vec::new(), Deadline::after(SOON)).unwrap(), 1);
                stop_listening(&listener).unwrap();
                assert!(listener.accept().is_err());
                assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            }
        }
    }

    #[test]
    fn a_queue_of_connections_that_is_full_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.sock");
        let listener = UnixListener::bind(&path).unwrap();
        nix::sys::socket::listen(&listener, Backlog::new(1).unwrap()).unwrap();
        let waiting: Vec<_> = (0..10).map(|_| connect(&path)).collect();
        let refused = waiting.into_iter().find_map(Result::err).unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    }
}
