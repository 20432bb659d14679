//! Any octets as a document whose pages are counted.

#![no_main]

#[path = "../../tests/support/pages.rs"]
#[allow(dead_code)]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::counted(octets));
