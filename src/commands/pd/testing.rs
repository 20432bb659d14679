//! A spool that exists in memory only, and a shell around it: for tests of the language.
