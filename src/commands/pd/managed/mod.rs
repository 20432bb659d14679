//! What the commands for administrators do to destinations, queues and the server.

pub mod confirm;
pub mod request;
