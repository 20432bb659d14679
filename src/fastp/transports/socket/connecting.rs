//! Connecting: the name, its addresses in turn, refusals that pass, and what is said of a printer that is away for long.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, socket};

use super::liveness::Watch;
use super::{Line, hosts, linger};
use crate::fastp::device::connection_settings::Means;
use crate::fastp::device::control::Pace;
use crate::fastp::device::errors::{Fault, Trouble};
use crate::fastp::transports::Connection;
use crate::model::device::DeviceUri;
use crate::model::wait::Wait;
use crate::spool::interface::engine::Observation;

/// After so many failures in a row it is said that the printer cannot be reached (message 80 of fastp.md 21).
const REMARKABLE: u32 = 60;
/// Two tries of a connection that was refused are at least so far apart.
const SHORTEST: Duration = Duration::from_millis(10);
/// More addresses than this are not tried.
const ADDRESSES: usize = 16;

/// Connects to the printer: every address in turn, within one deadline, and again while it is refused and the means
/// say so.
///
/// # Errors
/// A fault when none answers.
pub fn open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    let tried = try_to_open(means, pace);
    // The failure of this try is counted by whoever records it.
    if let Err(Trouble::Device(fault)) = &tried
        && pace.desk().streak.get().tries + 1 == REMARKABLE
    {
        let why = format!("after {REMARKABLE} tries in a row, and it is tried on: {}", fault.text);
        pace.desk().observe(&Observation::Remark { what: "cannot-connect".into(), why })?;
    }
    tried
}

fn try_to_open(means: &Means, pace: &mut Pace<'_>) -> Result<Box<dyn Connection>, Trouble> {
    let uri = &means.uri;
    let DeviceUri::Socket { host, port } = uri else {
        return Err(Fault::new(2, false, format!("{uri} is no socket")).into());
    };
    pace.waiting_for(Some(Wait::Address));
    let addresses = resolve(host, *port, means, pace)?;
    pace.waiting_for(Some(Wait::Connection));
    let mut refusals = 0;
    loop {
        let error = match dial_any(&addresses, pace)? {
            Ok(stream) => {
                let watch = Watch::of(pace.desk().timing.settle);
                return match ready(&stream, watch) {
                    Ok(()) => Ok(Box::new(Line::new(stream, means, watch))),
                    Err(error) => Err(Fault::of(format_args!("cannot connect to {uri}"), &error).into()),
                };
            }
            Err(error) => error,
        };
        if error.kind() != io::ErrorKind::ConnectionRefused || refusals >= means.refused_tries {
            let tries = if refusals > 0 { format!(" {} times", refusals + 1) } else { String::new() };
            return Err(Fault::of(format_args!("cannot connect to {uri}{tries}"), &error).into());
        }
        refusals += 1;
        pace.waiting_for(Some(Wait::Refused));
        pace.rest(means.refused_every.max(SHORTEST))?;
    }
}

/// The addresses of the host: itself, or those of the HOSTS file, or those that the system knows.
fn resolve(host: &str, port: u16, means: &Means, pace: &mut Pace<'_>) -> Result<Vec<SocketAddr>, Trouble> {
    // An address is never looked up, neither by the resolver nor in the HOSTS file.
    match literal(host, port) {
        Some(Ok(address)) => return Ok(vec![address]),
        Some(Err(why)) => return Err(Fault::new(14, true, format!("cannot reach {host}: {why}")).into()),
        None => {}
    }
    let (name, file) = (host.to_owned(), means.hosts.clone());
    let place = file.as_ref().map(|file| format!(" in {}", file.display())).unwrap_or_default();
    let doing = format!("cannot resolve {host}{place}");
    let limit = pace.desk().timing.connect;
    let found = pace.apart(limit, move || match file {
        Some(file) => hosts::look_up(&file, &name)
            .map(|found| found.into_iter().map(|address| SocketAddr::new(address, port)).collect::<Vec<_>>()),
        None => (name, port).to_socket_addrs().map(|found| found.collect()),
    })?;
    match found {
        Some(Ok(mut addresses)) if !addresses.is_empty() => {
            addresses.truncate(ADDRESSES);
            Ok(addresses)
        }
        Some(Err(error)) => Err(Fault::new(14, true, format!("cannot resolve {host}: {error}")).into()),
        Some(Ok(_)) => Err(Fault::new(14, true, format!("{doing}: it has no address")).into()),
        None => Err(Fault::new(40, true, format!("{doing}: it took too long")).into()),
    }
}

/// The address that a host is already, if it is one; or why its zone leads nowhere.
fn literal(host: &str, port: u16) -> Option<Result<SocketAddr, String>> {
    if let Ok(address) = host.parse() {
        return Some(Ok(SocketAddr::new(address, port)));
    }
    let (address, zone) = host.split_once('%')?;
    let address = address.parse().ok()?;
    let interface = match zone.parse() {
        Ok(number) => Ok(number),
        Err(_) => if_nametoindex(zone).map_err(|_| format!("this machine has no interface {zone}")),
    };
    Some(interface.map(|interface| SocketAddrV6::new(address, port, 0, interface).into()))
}

fn dial_any(addresses: &[SocketAddr], pace: &mut Pace<'_>) -> Result<io::Result<TcpStream>, Trouble> {
    let until = Instant::now() + pace.desk().timing.connect;
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        // An address that does not answer leaves the others their share of the time.
        let share = left / u32::try_from(addresses.len() - i).unwrap_or(1);
        match dial(*address, share, pace)? {
            Ok(stream) => return Ok(Ok(stream)),
            Err(error) => last = Some(error),
        }
    }
    Ok(Err(last.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EHOSTUNREACH))))
}

fn dial(address: SocketAddr, limit: Duration, pace: &mut Pace<'_>) -> Result<io::Result<TcpStream>, Trouble> {
    let fd = match begin(address) {
        Ok((fd, true)) => return Ok(Ok(TcpStream::from(fd))),
        Ok((fd, false)) => fd,
        Err(error) => return Ok(Err(error)),
    };
    let until = Instant::now() + limit;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)));
        }
        if !pace.wait(fd.as_fd(), PollFlags::POLLOUT, Some(left))?.is_empty() {
            break;
        }
    }
    let stream = TcpStream::from(fd);
    Ok(match stream.take_error() {
        Ok(None) => Ok(stream),
        Ok(Some(error)) | Err(error) => Err(error),
    })
}

/// Begins to connect. True when it is done already.
fn begin(address: SocketAddr) -> io::Result<(OwnedFd, bool)> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    let connecting = match address {
        SocketAddr::V4(address) => connect(fd.as_raw_fd(), &SockaddrIn::from(address)),
        SocketAddr::V6(address) => connect(fd.as_raw_fd(), &SockaddrIn6::from(address)),
    };
    match connecting {
        Ok(()) => Ok((fd, true)),
        Err(nix::Error::EINPROGRESS | nix::Error::EINTR) => Ok((fd, false)),
        Err(error) => Err(error.into()),
    }
}

fn ready(stream: &TcpStream, watch: Watch) -> io::Result<()> {
    stream.set_nodelay(true)?;
    watch.apply(stream)?;
    linger(stream, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_it_is_and_its_zone_is_an_interface() {
        let of = |host: &str| literal(host, 9100).map(|found| found.map(|address| address.to_string()));
        assert_eq!(of("10.0.0.9"), Some(Ok("10.0.0.9:9100".into())));
        assert_eq!(of("fd00::1"), Some(Ok("[fd00::1]:9100".into())));
        assert_eq!(of("fe80::1%1"), Some(Ok("[fe80::1%1]:9100".into())));
        assert_eq!(of("fe80::1%lo"), Some(Ok("[fe80::1%1]:9100".into())));
        assert_eq!(of("fe80::1%none0"), Some(Err("this machine has no interface none0".into())));
        assert_eq!(of("lp1.example"), None);
    }
}
