//! From words to typed values: flags, attribute strings, attributes files, filters, and what `-r` selects.

pub mod attribute_files;
pub mod class_words;
pub(crate) mod completion;
pub mod filter;
pub mod flags;
pub mod job_query;
pub mod operation_class;
pub mod options;
pub mod selection;
pub mod strings;
pub mod targets;
pub mod words;
