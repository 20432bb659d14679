//! Any octets as the beginning of a document.

#![no_main]

#[path = "../../tests/support/pages.rs"]
#[allow(dead_code)]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::recognised(octets));
