//! Where jobs are sent: destinations here, and those of other servers.

use crate::commands::pd::{Stop, about};
use crate::model::{FailureKind, ServerName};
use crate::spool::interface::operations::Operations;

/// Returns the name here of the destination that `name` means. One of another server (`server:destination`) is reached by a location
/// here that leads there: it is found, or made once that server has said that it has this destination.
///
/// # Errors
/// When there is none, or when the other server does not answer and no job went there before.
pub fn place_of(spool: &mut dyn Operations, name: &str) -> Result<String, Stop> {
    let failed = |failure| Stop::from(about(name, failure));
    let unknown = match spool.resolve_destination(name.to_owned()) {
        Ok(_) => return Ok(name.to_owned()),
        Err(failure) => failure,
    };
    let elsewhere = name.split_once(':').filter(|(_, plain)| !plain.is_empty());
    match elsewhere.and_then(|(server, plain)| Some((server.parse::<ServerName>().ok()?, plain))) {
        Some((server, plain)) if unknown.kind == FailureKind::NotFound => {
            spool.way_to(server, plain.to_owned()).map(|place| place.to_string()).map_err(failed)
        }
        _ => Err(failed(unknown)),
    }
}
