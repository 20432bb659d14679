//! The language: from the words of a command line to a syntax tree, its tables, and the texts of messages.

pub(crate) mod abbreviations;
pub(crate) mod continuation;
pub(crate) mod dates;
pub(crate) mod grammar;
pub mod keywords;
pub(crate) mod lexer;
pub mod messages;
pub(crate) mod mistake;
pub(crate) mod out_name;
pub(crate) mod report;
pub(crate) mod run_options;
pub(crate) mod syntax;
pub(crate) mod tree;
pub(crate) mod values;
pub(crate) mod words;
