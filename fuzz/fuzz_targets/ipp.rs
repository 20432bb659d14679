//! Any octets as a message of IPP, and as a body in chunks.

#![no_main]

#[path = "../../tests/support/ipp.rs"]
#[allow(dead_code)]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::read(octets));
