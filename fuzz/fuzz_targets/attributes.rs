//! Any octets as attribute strings, attributes files and filters of the `pd` commands.

#![no_main]

#[path = "../../tests/support/attribute_strings.rs"]
mod invariants;

use std::sync::LazyLock;

static DIR: LazyLock<std::path::PathBuf> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("attributes-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory for the files");
    dir
});

libfuzzer_sys::fuzz_target!(|octets: &[u8]| invariants::holds(octets, &DIR));
