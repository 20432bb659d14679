//! Whether the tests notice mutants: small faults that this program puts into a copy of the tree, one at a time.
//!
//! It makes a copy, and picks `--count` mutants by `--seed` in the rooms that decide about losing and doubling. All of
//! them go into the copy at once. Each sleeps until its number stands in the environment, so that there is one build
//! for all of them instead of one for each. Then it wakes them one by one and runs the tests, those near the file
//! first, until one fails. What is found out is kept in `results.jsonl`: a run that was broken off goes on there.
//!
//! `docs/mutants.md` tells how to run it, and why what survives may.

mod find;
mod run;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line asks for.
struct Wanted {
    /// Picks the mutants.
    seed: u64,
    /// How many.
    count: usize,
    /// Where copy, build and results go.
    work: PathBuf,
    /// Only lists what was picked.
    list: bool,
    /// Only these numbers; empty = all.
    only: Vec<usize>,
    /// Mutants beside those that the seed picks: words of their names.
    also: Vec<String>,
    /// Only the tests of the library and the near ones: whatever passes those is tried again without this.
    near: bool,
}

fn wanted(root: &Path) -> Option<Wanted> {
    let mut wanted = Wanted {
        seed: 1,
        count: 80,
        work: root.join("target/mutants"),
        list: false,
        only: Vec::new(),
        also: Vec::new(),
        near: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => wanted.seed = words.next()?.parse().ok()?,
            "--count" => wanted.count = words.next()?.parse().ok()?,
            "--work" => wanted.work = words.next()?.into(),
            "--only" => wanted.only.push(words.next()?.parse().ok()?),
            "--also" => wanted.also.push(words.next()?),
            "--list" => wanted.list = true,
            "--near" => wanted.near = true,
            _ => return None,
        }
    }
    Some(wanted)
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the tree is there");
    let Some(wanted) = wanted(&root) else {
        eprintln!(
            "usage: mutants [--seed N] [--count N] [--work DIR] [--only NUMBER]... [--also WORDS]... [--near] [--list]"
        );
        return ExitCode::from(2);
    };
    let mut all = find::mutants(&root);
    eprintln!("{} mutants are possible", all.len());
    shuffle(&mut all, wanted.seed);
    if wanted.list {
        all.iter().take(wanted.count).enumerate().for_each(|(n, mutant)| println!("{:3} {}", n + 1, mutant.name()));
        return ExitCode::SUCCESS;
    }
    match run::campaign(&root, &wanted, all) {
        Ok(survivors) if survivors == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::from(3)
        }
    }
}

/// The same order for the same seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for at in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(at, ((state >> 11) % (at as u64 + 1)) as usize);
    }
}
