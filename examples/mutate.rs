//! Mutated documents for the recogniser and every page finder: what a fuzzer does, on the stable toolchain.
//!
//! ```console
//! $ cargo run --release --example mutate -- 10000000
//! ```
//!
//! Each input is made from a seed of `fuzz/corpus/` by a few mutations that a number decides, so that a run can be repeated
//! (`SEED`). What must hold of it stands in `tests/support/pages.rs`. The process may have 256 MiB of memory in all, and an
//! input may take a second of its processor.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "it ends where it finds a fault")]

#[path = "../tests/support/pages.rs"]
mod pages;

use std::collections::BTreeMap;
use std::path::Path;

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::time::{ClockId, clock_gettime};

/// What the process may have, in octets.
const MEMORY: u64 = 256 << 20;
/// What one input may take, in nanoseconds of the processor.
const LIMIT: i64 = 1_000_000_000;
/// The longest input.
const LONGEST: usize = 64 << 10;

/// What formats are made of.
const WORDS: &[&[u8]] = &[
    b"%PDF-1.7\n",
    b"%%EOF",
    b"startxref\n",
    b"xref\n0 3\n",
    b"trailer\n<<",
    b">>\n",
    b"/Root 1 0 R",
    b"/Pages",
    b"/Kids[",
    b"/Count 2147483648",
    b"/Count -1",
    b"/Prev 0",
    b"/XRefStm 9",
    b"1 0 obj\n",
    b"endobj\n",
    b"stream\r\n",
    b"endstream",
    b"/Length 99999999999",
    b"/Filter/FlateDecode",
    b"/Type/ObjStm/N 9/First 0",
    b"/W[1 2 1]",
    b"/Index[0 9]",
    b"/Encrypt 1 0 R",
    b"%!PS-Adobe-3.0\n",
    b"%%Pages: (atend)\n",
    b"%%Pages: 3\n",
    b"%%Page: 1 1\n",
    b"%%BeginData: 99999999 Hex Bytes\n",
    b"%%BeginDocument: x\n",
    b"%%EndDocument\n",
    b"%%Trailer\n",
    b"\x04",
    b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n",
    b"\x1bE",
    b"\x1b*b99999W",
    b"\x1b*b2147483647W",
    b"\x1b&l0H",
    b"\x1b(s1p",
    b"\x1b&f1Y",
    b"\x1b%0B",
    b"\x1b%1A",
    b"IN;SP1;PU0,0;",
    b"\x0c",
    b"\r\n",
    b"\t",
    b"\x08",
    b"\x00",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"^XA",
    b"^XZ",
    b"\x1b@",
    b"\x1dV\0",
    b"\xc5\xd0\xd3\xc6",
    b"II*\0",
    b"GIF89a",
    b"<xpml>",
    b"SIZE 4,3\r\n",
    b"! 0 200 200 210 1\r\n",
    b"!R!",
];

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides.max(1)
    }
}

fn mutate(octets: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.roll(octets.len() + 1);
    let end = (at + 1 + dice.roll(64)).min(octets.len());
    match dice.roll(10) {
        0 if at < octets.len() => octets[at] ^= 1 << dice.roll(8),
        1 if at < octets.len() => octets[at] = dice.roll(256) as u8,
        2 => drop(octets.drain(at..end)),
        3 => {
            let copy: Vec<u8> = octets[at..end].to_vec();
            let to = dice.roll(octets.len() + 1);
            octets.splice(to..to, copy);
        }
        4 | 5 => drop(octets.splice(at..at, WORDS[dice.roll(WORDS.len())].iter().copied())),
        6 => octets.truncate(at),
        7 => {
            let other = &seeds[dice.roll(seeds.len())];
            octets.truncate(at);
            octets.extend_from_slice(&other[dice.roll(other.len() + 1)..]);
        }
        // Much of the same: what is bounded must stay so.
        8 if dice.roll(16) == 0 => {
            let part = octets[at..end].repeat(dice.roll(2000));
            octets.splice(at..at, part);
        }
        // A number becomes another one.
        _ => {
            if let Some(digit) = octets[at..].iter().position(u8::is_ascii_digit) {
                octets[at + digit] = b'0' + dice.roll(10) as u8;
            }
        }
    }
    octets.truncate(LONGEST);
}

fn processor() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let seed: u64 = std::env::var("SEED").ok().and_then(|word| word.parse().ok()).unwrap_or(20_261_128);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for target in ["recognise", "pages"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(corpus.join(target)).unwrap().map(|one| one.unwrap().path()).collect();
        paths.sort();
        seeds.extend(paths.iter().map(|path| std::fs::read(path).unwrap()));
    }
    // Whoever wants more than that ends here, with the input that asked for it.
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).unwrap();
    let mut dice = Dice(seed | 1);
    let (mut longest, mut octets_seen, mut slowest) = (0, 0u64, Vec::new());
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let began = processor();
    for n in 0..count {
        let mut octets = seeds[dice.roll(seeds.len())].clone();
        for _ in 0..=dice.roll(8) {
            mutate(&mut octets, &seeds, &mut dice);
        }
        octets_seen += octets.len() as u64;
        let before = processor();
        let held = std::panic::catch_unwind(|| {
            pages::recognised(&octets);
            pages::counted(&octets);
        });
        let took = processor() - before;
        if took > longest {
            (longest, slowest) = (took, octets.clone());
        }
        if held.is_err() || took > LIMIT {
            let path = std::env::temp_dir().join(format!("mutated-{seed}-{n}"));
            std::fs::write(&path, &octets).unwrap();
            panic!(
                "input {n} of seed {seed} took {} ms or does not hold; it is in {}",
                took / 1_000_000,
                path.display()
            );
        }
        *kinds.entry(spoolsuite::documents::detect(&octets).keyword()).or_default() += 1;
    }
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    println!("{count} inputs of {octets_seen} octets from {} seeds, SEED={seed}", seeds.len());
    println!(
        "processor: {} s, at most {} us for one input ({} octets)",
        (processor() - began) / 1_000_000_000,
        longest / 1000,
        slowest.len()
    );
    println!("memory: at most {} KiB", usage.max_rss());
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    println!("taken for: {}", kinds.join(", "));
}
