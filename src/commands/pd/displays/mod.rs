//! From records to lines, columns and JSON.

pub mod archive;
pub mod columns;
pub mod display;
pub mod history;
pub mod json;
pub mod lines;
pub mod listing;
pub mod objects;
pub mod on_request;
pub mod read_ahead;
pub mod record;
