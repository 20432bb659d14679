//! The objects that an operator declares: devices, locations, print processes, and the spooler as a whole.

pub(crate) mod access;
mod additions;
pub(crate) mod alive;
pub(crate) mod at_work;
pub(crate) mod collectors;
pub(crate) mod device_wishes;
pub(crate) mod devices;
pub(crate) mod doors;
pub(crate) mod fonts;
pub(crate) mod health;
pub(crate) mod kept;
pub(crate) mod locations;
pub(crate) mod managed;
pub(crate) mod media;
pub(crate) mod named;
pub(crate) mod object;
mod pausing;
pub(crate) mod processes;
pub(crate) mod record;
pub(crate) mod spooler;
mod warnings;
