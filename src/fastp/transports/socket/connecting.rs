//! Connecting: the name, its addresses in turn, temporary refusals, and the message about a printer that is away for
//! long.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, socket};

use super::liveness::LivenessCheck;
use super::{SocketConnection, hosts, linger};
use crate::fastp::device::connection_settings::ConnectionSettings;
use crate::fastp::device::control::AttemptControl;
use crate::fastp::device::errors::{Fault, PrintError};
use crate::fastp::transports::Connection;
use crate::model::device::DeviceUri;
use crate::model::event::EventWord;
use crate::model::guardian::DeviceError;
use crate::model::wait::Wait;
use crate::spool::interface::engine::Observation;

/// After this many failures in a row we report that the printer cannot be reached (docs/reference/fastp.md 7).
const REMARKABLE: u32 = 60;
/// Two attempts at a refused connection are at least this far apart.
const SHORTEST: Duration = Duration::from_millis(10);
/// At most this many addresses are tried.
const ADDRESSES: usize = 16;

/// Connects to the printer: every address in turn, within one deadline, and again after refusals if the settings say
/// so.
pub fn open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let tried = try_to_open(settings, control);
    // Whoever records the failure of this attempt counts it.
    if let Err(PrintError::Device(fault)) = &tried
        && control.context().streak.get().tries + 1 == REMARKABLE
    {
        let why = format!("after {REMARKABLE} tries in a row, and it is tried on: {}", fault.text);
        control.context().observe(&Observation::Remark { what: EventWord::CannotConnect, why })?;
    }
    tried
}

fn try_to_open(
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Box<dyn Connection>, PrintError> {
    let uri = &settings.uri;
    let DeviceUri::Socket { host, port } = uri else {
        return Err(Fault::new(DeviceError::OtherKind, format!("{uri} is no socket")).into());
    };
    control.set_waiting_for(Some(Wait::Address));
    let addresses = resolve(host, *port, settings, control)?;
    control.set_waiting_for(Some(Wait::Connection));
    let mut refusals = 0;
    loop {
        let error = match dial_any(&addresses, control)? {
            Ok(stream) => {
                let liveness = LivenessCheck::of(control.context().timing.settle);
                return match ready(&stream, liveness) {
                    Ok(()) => Ok(Box::new(SocketConnection::new(stream, settings, liveness))),
                    Err(error) => Err(Fault::of(format_args!("cannot connect to {uri}"), &error).into()),
                };
            }
            Err(error) => error,
        };
        if error.kind() != io::ErrorKind::ConnectionRefused || refusals >= settings.refused_tries {
            let tries = if refusals > 0 { format!(" {} times", refusals + 1) } else { String::new() };
            return Err(Fault::of(format_args!("cannot connect to {uri}{tries}"), &error).into());
        }
        refusals += 1;
        control.set_waiting_for(Some(Wait::Refused));
        control.pause(settings.refused_every.max(SHORTEST))?;
    }
}

/// Returns the addresses of the host: itself, or those of the HOSTS file, or those that the system knows.
fn resolve(
    host: &str,
    port: u16,
    settings: &ConnectionSettings,
    control: &mut AttemptControl<'_>,
) -> Result<Vec<SocketAddr>, PrintError> {
    // An address is never looked up, neither by the resolver nor in the HOSTS file.
    match literal(host, port) {
        Some(Ok(address)) => return Ok(vec![address]),
        Some(Err(why)) => return Err(Fault::new(DeviceError::NoAddress, format!("cannot reach {host}: {why}")).into()),
        None => {}
    }
    let (name, file) = (host.to_owned(), settings.hosts.clone());
    let place = file.as_ref().map(|file| format!(" in {}", file.display())).unwrap_or_default();
    let doing = format!("cannot resolve {host}{place}");
    let limit = control.context().timing.connect;
    let found = control.in_device_helper(limit, move || match file {
        Some(file) => hosts::look_up(&file, &name)
            .map(|found| found.into_iter().map(|address| SocketAddr::new(address, port)).collect::<Vec<_>>()),
        None => (name, port).to_socket_addrs().map(|found| found.collect()),
    })?;
    match found {
        Some(Ok(mut addresses)) if !addresses.is_empty() => {
            addresses.truncate(ADDRESSES);
            Ok(addresses)
        }
        Some(Err(error)) => Err(Fault::new(DeviceError::NoAddress, format!("cannot resolve {host}: {error}")).into()),
        Some(Ok(_)) => Err(Fault::new(DeviceError::NoAddress, format!("{doing}: it has no address")).into()),
        None => Err(Fault::new(DeviceError::TookTooLong, format!("{doing}: it took too long")).into()),
    }
}

/// Returns the address, if the host is given as one; or why its zone leads nowhere.
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

fn dial_any(addresses: &[SocketAddr], control: &mut AttemptControl<'_>) -> Result<io::Result<TcpStream>, PrintError> {
    let until = Instant::now() + control.context().timing.connect;
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        // An address that does not answer leaves the others their share of the time.
        let share = left / u32::try_from(addresses.len() - i).unwrap_or(1);
        match dial(*address, share, control)? {
            Ok(stream) => return Ok(Ok(stream)),
            Err(error) => last = Some(error),
        }
    }
    Ok(Err(last.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EHOSTUNREACH))))
}

fn dial(
    address: SocketAddr,
    limit: Duration,
    control: &mut AttemptControl<'_>,
) -> Result<io::Result<TcpStream>, PrintError> {
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
        if !control.wait(fd.as_fd(), PollFlags::POLLOUT, Some(left))?.is_empty() {
            break;
        }
    }
    let stream = TcpStream::from(fd);
    Ok(match stream.take_error() {
        Ok(None) => Ok(stream),
        Ok(Some(error)) | Err(error) => Err(error),
    })
}

/// Begins to connect. Returns true when it is connected already.
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

fn ready(stream: &TcpStream, liveness: LivenessCheck) -> io::Result<()> {
    stream.set_nodelay(true)?;
    liveness.apply(stream)?;
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
