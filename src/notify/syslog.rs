//! Messages in the log of the system: a datagram to its socket, in the form that every daemon for it reads
//! (RFC 3164 without time and host, which it adds itself).

use std::os::unix::net::UnixDatagram;

use crate::model::notification::{Delivery, Try, event_named, facility};

use super::Settings;

/// Notice: the severity of what is no event of the table.
const NOTICE: u8 = 5;

pub(super) fn send(settings: &Settings, one: &Delivery) -> Try {
    let facility = match facility(&one.address) {
        Ok(facility) => facility,
        Err(why) => return Try::Never(why),
    };
    let severity = event_named(&one.event).map_or(NOTICE, |event| event.severity());
    let line = format!("<{}>spoolsuite[{}]: {}", facility * 8 + severity, std::process::id(), one.text);
    let sent = UnixDatagram::unbound().and_then(|socket| {
        // A daemon that stands still is tried again later.
        socket.set_nonblocking(true)?;
        socket.send_to(line.as_bytes(), &settings.syslog)
    });
    match sent {
        Ok(_) => Try::Delivered,
        Err(error) => Try::Again(format!("{}: {error}", settings.syslog.display())),
    }
}
