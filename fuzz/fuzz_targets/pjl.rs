//! Any octets as the head of a raw job.

#![no_main]

#[path = "../../tests/support/doors.rs"]
#[allow(dead_code)]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::pjl(octets));
