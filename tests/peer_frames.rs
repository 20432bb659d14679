//! The frames in which servers speak to each other, whatever the other side sends.

#[path = "support/peer_frames.rs"]
mod invariants;

use std::path::Path;

use self::invariants::holds;
use proptest::prelude::*;

fn corpus() -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/peer_frames");
    let mut files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let all = corpus();
    assert!(all.len() >= 20, "{}", all.len());
    all.iter().for_each(|octets| holds(octets));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_nearly_is_a_frame_holds(
        first in prop::sample::select(corpus()),
        second in prop::sample::select(corpus()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = [first, second].concat();
        for (at, to) in changes {
            let at = at.index(octets.len());
            octets[at] = to;
        }
        octets.truncate(cut.index(octets.len() + 1));
        holds(&octets);
    }
}
