//! The language: from the words of a command line to a syntax tree, its tables, and the texts of messages.

pub mod dates;
pub mod grammar;
pub mod keywords;
pub mod lexer;
pub mod messages;
pub mod mistake;
pub mod report;
pub mod syntax;
pub mod tree;
pub mod values;
pub mod words;
