//! Any octets as frames of another server.

#![no_main]

#[path = "../../tests/support/peer_frames.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::holds(octets));
