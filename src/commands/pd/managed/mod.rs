//! What the commands for administrators do to destinations, queues and the server.

pub mod confirm;
pub mod defaults;
pub mod jobs_of;
pub mod pausing;
pub mod pin;
pub mod request;
