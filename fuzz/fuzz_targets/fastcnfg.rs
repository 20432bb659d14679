//! Any octets as a FASTCNFG file.

#![no_main]

#[path = "../../tests/support/fastcnfg.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::holds(octets));
