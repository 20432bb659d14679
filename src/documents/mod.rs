//! What a document is: its format by its first octets, its lines and pages, its digest; and text as a device wants it. Pure
//! but for reading an open file.

mod format;
mod layout;
mod measure;
mod pages;
mod sealed;

pub use format::{DETECT_OCTETS, Found, detect, recognise, speaks_pjl};
pub use layout::Expander;
pub use measure::{Measured, ends_with_form_feed, extent, measure, starts_with_form_feed};
pub use pages::{
    Count, Counter, Index, LINES_PER_PAGE, MOST_PAGES, PAPER_LINES, READ_THROUGH, ReadAt, Sheet, index, pages,
};
pub use sealed::{
    CHUNK, DocumentKey, InMemory, MOST_IN_MEMORY, PrintFile, PrintWriter, SealedFile, Sealer, ServerKey, Unopened,
    sealed_size, too_large,
};
