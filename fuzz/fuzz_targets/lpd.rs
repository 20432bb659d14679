//! Any octets as what a stranger sends to an LPD door.

#![no_main]

#[path = "../../tests/support/doors.rs"]
#[allow(dead_code)]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::lpd(octets));
