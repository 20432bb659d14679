//! What the kernel knows about the other end of a TCP connection.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::libc;

/// Signs of life of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// How many probes it left unanswered since its last answer: probes of an idle or full connection, and segments
    /// that were sent again.
    pub unanswered: u32,
    /// How long ago it last acknowledged anything, a probe included.
    pub silent: Duration,
}

/// Reads the signs of life of the peer of a TCP socket.
pub fn vitals(fd: BorrowedFd<'_>) -> io::Result<Vitals> {
    // SAFETY: `tcp_info` consists of integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
    // SAFETY: the kernel writes at most `length` octets to `info`, which has as many, and the length it wrote to
    // `length`; an older kernel writes fewer, and the rest stays zero.
    let result = unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, (&raw mut info).cast(), &raw mut length) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Vitals {
        unanswered: u32::from(info.tcpi_probes).max(u32::from(info.tcpi_retransmits)),
        silent: Duration::from_millis(u64::from(info.tcpi_last_ack_recv)),
    })
}

/// Octets that the peer of a TCP socket has acknowledged, over the whole life of the connection, also after it was reset.
///
/// # Errors
/// When the kernel does not tell: one older than Linux 4.1.
pub fn acknowledged(fd: BorrowedFd<'_>) -> io::Result<u64> {
    // The kernel counts the opening of a connection that we have made as one.
    Ok(bytes_acknowledged(fd)?.saturating_sub(1))
}

/// The same of a connection that was accepted: its opening is not counted. Its end, once it is acknowledged, counts as one.
///
/// # Errors
/// As [`acknowledged`].
pub fn acknowledged_of_accepted(fd: BorrowedFd<'_>) -> io::Result<u64> {
    bytes_acknowledged(fd)
}

fn bytes_acknowledged(fd: BorrowedFd<'_>) -> io::Result<u64> {
    /// Where `tcpi_bytes_acked` stands in the kernel's `tcp_info`, which is longer than the C library's.
    const AT: usize = 120;
    let mut info = [0u64; 32];
    let mut length = size_of_val(&info) as libc::socklen_t;
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
    // SAFETY: the kernel writes at most `length` octets to `info`, which has as many, and the length it wrote to `length`.
    let result = unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, info.as_mut_ptr().cast(), &raw mut length) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    if (length as usize) < AT + size_of::<u64>() {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    Ok(info[AT / size_of::<u64>()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn what_a_peer_has_acknowledged_is_counted_on_both_sides() {
        use std::io::{Read, Write};
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        assert_eq!(acknowledged_of_accepted(far.as_fd()).unwrap(), 0);
        near.write_all(b"ask").unwrap();
        far.read_exact(&mut [0; 3]).unwrap();
        far.write_all(b"answer").unwrap();
        near.read_exact(&mut [0; 6]).unwrap();
        // The next octets carry the acknowledgement, whatever the kernel delays.
        near.write_all(b"x").unwrap();
        far.read_exact(&mut [0; 1]).unwrap();
        assert_eq!(acknowledged_of_accepted(far.as_fd()).unwrap(), 6);
        far.write_all(b"x").unwrap();
        near.read_exact(&mut [0; 1]).unwrap();
        assert_eq!(acknowledged(near.as_fd()).unwrap(), 4);
    }

    #[test]
    fn a_peer_that_has_just_answered_is_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let seen = vitals(stream.as_fd()).unwrap();
        assert_eq!(seen.unanswered, 0);
        assert!(seen.silent < Duration::from_secs(60), "{seen:?}");
        assert!(vitals(std::io::stdin().as_fd()).is_err(), "no socket");
    }
}
