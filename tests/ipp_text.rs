//! Messages of IPP: the seeds of the fuzz target hold with the stable toolchain too.

use std::path::Path;

use crate::support::ipp;

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/ipp");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let octets = std::fs::read(&file).unwrap();
        ipp::read(&octets);
        // Cut at each octet, too.
        for end in 0..octets.len() {
            ipp::read(octets.get(..end).unwrap_or_default());
        }
    }
}
