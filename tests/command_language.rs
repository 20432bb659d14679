//! The command language of SPOOLCOM, whatever is typed: nothing panics or hangs, and what was refused has no effect.

#[path = "support/commands.rs"]
mod invariants;

use std::path::Path;

use self::invariants::holds;
use proptest::prelude::*;

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/commands");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 10, "{files:?}");
    files.iter().for_each(|file| holds(&std::fs::read(file).unwrap()));
}

/// Pieces of which commands that nearly make sense consist.
fn piece() -> impl Strategy<Value = String> {
    let words: Vec<&str> = "BATCH COLLECT COMMENT DEV EXIT FC FONT HELP JOB LOC OPEN PRINT SPOOLER STATUS DETAIL SUMMARY XREF \
        STATISTICS LISTOPENS START DRAIN DELETE SUSPEND HOLD HOLDAFTER COPIES FORM REPORT OWNER SELPRI CURRENT NEXT LINK UNLINK \
        PROCESS URI SPEED FIFO EXCLUSIVE OFF ON OFF! ! ! CPU 0 99 -1 PARM %2000 %9 FILE FASTP $SYSTEM.SYSTEM.FASTP DATA $A.B.C \
        SKIP SKIPTO ALIGN CLEAR DEL TIMEOUT RETRY BROADCAST CONTENT ( ) ( STATE PRINT DATE FROM THRU , , , , , ; ; ; & $LP1 \
        $SPLS \\N.$X #G.D #G D 5 31 4000000000 null: NONE \" ' \\ ERRLOG DUMP MGRACCESS d stat j"
        .split_whitespace()
        .collect();
    prop_oneof![
        30 => prop::sample::select(words).prop_map(|word| format!("{word} ")),
        3 => Just("\n".to_owned()),
        1 => Just("&\n".to_owned()),
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_nearly_makes_sense_holds(pieces in prop::collection::vec(piece(), 0..40)) {
        holds(pieces.concat().as_bytes());
    }

    #[test]
    fn any_octets_hold(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        holds(&octets);
    }
}
