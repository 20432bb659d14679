//! What a document is: its format by its first octets, its lines and pages, its digest. Pure but for reading an open file.

mod count;
mod format;
mod measure;

pub use count::{Count, Counter, LINES_PER_PAGE};
pub use format::{DETECT_OCTETS, detect, postscript_pages};
pub use measure::{Measured, ends_with_form_feed, measure, starts_with_form_feed};
