//! When the certificate of this server ends. `pdserver` writes it beside the certificate, as seconds since 1970: nothing here
//! reads certificates.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::model::ServerName;
use crate::model::time::Moment;
use crate::sys::files;

use super::paths::Base;

/// How long before its end it is announced, in seconds.
const ANNOUNCED: i64 = 30 * DAY;
const DAY: i64 = 24 * 3600;

/// The end of a certificate that is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It comes in so many days.
    Near(i64),
    /// It has come.
    Reached,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near(days) => {
                write!(f, "the certificate of this server ends in {days} days: pdserver renew makes a new one")
            }
            Self::Reached => {
                f.write_str("the certificate of this server has ended: no other machine reaches it (pdserver renew)")
            }
        }
    }
}

/// Returns the end of the certificate of `server`, where that comes within 30 days, or has come. None for one that is good for
/// longer, and for a server that has none.
///
/// # Errors
/// When what `pdserver` wrote cannot be read, or is no time: then nothing is known.
pub fn end(base: &Base, server: &ServerName, now: &Moment) -> io::Result<Option<End>> {
    let text = match files::read_without_waiting(&base.certificate_end(server)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let at: i64 = String::from_utf8_lossy(&text).trim().parse().map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    let left = at.saturating_sub(now.wall_ms / 1000);
    Ok(match left {
        ..=0 => Some(End::Reached),
        _ if left <= ANNOUNCED => Some(End::Near(left / DAY)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_announced_thirty_days_before() {
        let dir = tempfile::tempdir().unwrap();
        let (base, server) = (Base::new(dir.path()), "acme1".parse().unwrap());
        let now = Moment { wall_ms: 1_000_000_000_000, boot_ms: 0, boot_id: String::new() };
        assert_eq!(end(&base, &server, &now).unwrap(), None);
        let path = base.certificate_end(&server);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        for (left, words) in
            [(31 * DAY, None), (30 * DAY, Some("ends in 30 days")), (3600, Some("in 0 days")), (0, Some("has ended"))]
        {
            std::fs::write(&path, (1_000_000_000 + left).to_string()).unwrap();
            let said = end(&base, &server, &now).unwrap().map(|end| end.to_string());
            assert_eq!(said.is_some(), words.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().contains(words.unwrap_or_default()));
        }
        std::fs::write(&path, "soon").unwrap();
        assert!(end(&base, &server, &now).is_err(), "what is no time is not taken for a certificate that is good");
    }
}
