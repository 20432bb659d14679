//! What strangers send to doors: the corpora of the fuzz targets, and random octets.

use std::path::Path;

use crate::support::doors;
use proptest::prelude::*;

#[test]
fn the_corpora_of_the_doors_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut seen = 0;
    for (target, holds) in [("lpd", doors::lpd as fn(&[u8])), ("pjl", doors::pjl)] {
        for entry in std::fs::read_dir(corpus.join(target)).unwrap() {
            holds(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen}");
}

/// Octets in which the words of both languages are likely.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        &b"H"[..],
        b"P",
        b"J",
        b"ldfA001h",
        b"UdfA001h",
        b"N",
        b"K9",
        b"\n",
        b"\r\n",
        b" ",
        b"\x02",
        b"\x03",
        b"\x05",
        b"0",
        b"125899906843000",
        b"\x1b%-12345X",
        b"@PJL",
        b" JOB NAME=\"",
        b"\"",
        b" ECHO ",
        b" INFO ID",
        b" INQUIRE ",
        b"%%Title: (",
        b"%%For: ",
        b"%!PS\n",
    ]);
    let piece = prop_oneof![word.prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 0..20)];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_a_stranger_sends_is_read_within_bounds(octets in octets()) {
        doors::lpd(&octets);
        doors::pjl(&octets);
    }
}
