//! Any octets as commands of SPOOLCOM.

#![no_main]

#[path = "../../tests/support/commands.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::holds(octets));
