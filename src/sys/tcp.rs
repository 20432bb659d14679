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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

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
