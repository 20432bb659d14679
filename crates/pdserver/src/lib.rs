//! A group of servers, and the persons who reach them over the network: who is a member, and streams that prove it.
//!
//! Everything here speaks TLS 1.3, and both sides have certificates of one private authority. The first server of a group makes
//! the authority (`authority`); who joins brings a token of an administrator (`token`), which names the authority, so nothing is
//! trusted on first use. Who is a member, and with which certificate, stands in one list (`members`), which the first server keeps
//! and the others follow (`feed`). A certificate that the list does not name is of no use, whoever signed it.
//!
//! A connection is for one purpose, which both sides agree on in the handshake ([`Purpose`]).

pub mod authority;
pub mod clock;
pub mod connect;
pub mod feed;
pub mod frames;
pub mod gate;
pub mod join;
pub mod listener;
pub mod members;
pub mod messages;
pub mod place;
pub mod printers;
pub mod schemes;
pub mod stream;
pub mod tls;
pub mod token;

use spoolsuite::model::{DeviceName, Failure, ServerName};
use spoolsuite::spool::interface::operations::Operations;

/// Finds a device of a spool whose name carries that node: in a group it would mean a device of that server.
///
/// # Errors
/// When the spool cannot be read.
pub fn local_device(spool: &mut dyn Operations, node: &ServerName) -> Result<Option<DeviceName>, Failure> {
    let mut after = None;
    loop {
        let page = spool.devices(after)?;
        let Some(last) = page.last() else { return Ok(None) };
        after = Some(last.name.clone());
        if let Some(found) = page.into_iter().find(|device| device.name.node() == Some(node)) {
            return Ok(Some(found.name));
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody who has a token asks to be a member. The only one that needs no certificate.
    Join,
    /// A member asks about the group, renews its certificate, or leaves.
    Group,
    /// Operations on the spool.
    Operations,
    /// What servers of the group ask each other.
    Peer,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Join, Self::Group, Self::Operations, Self::Peer];

    /// Its name in the handshake. A later protocol has a later number.
    pub fn protocol(self) -> &'static [u8] {
        match self {
            Self::Join => b"pd-join/1",
            Self::Group => b"pd-group/1",
            Self::Operations => b"pd/1",
            Self::Peer => b"pd-peer/1",
        }
    }

    /// The one of that name.
    pub fn of(protocol: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.protocol() == protocol)
    }
}
