//! FASTCNFG as text: whatever the octets are, nothing panics and each mistake has its place; what is well formed means
//! what it says, however it is laid out.

#[path = "support/fastcnfg.rs"]
mod invariants;

use std::path::Path;
use std::time::Duration;

use self::invariants::holds;
use proptest::prelude::*;
use spoolsuite::fastp::device::connection_settings::CloseWait;
use spoolsuite::fastp::fastcnfg::entry::{AddressSource, Entry};
use spoolsuite::fastp::fastcnfg::lexer::Mistake;
use spoolsuite::fastp::fastcnfg::parsed::all_mistakes;
use spoolsuite::fastp::fastcnfg::parser::parse;
use spoolsuite::model::device::DeviceUri;

#[test]
fn the_corpus_of_the_fuzz_target_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/fastcnfg");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 10, "{files:?}");
    files.iter().for_each(|file| holds(&std::fs::read(file).unwrap()));
}

/// Pieces of which files that nearly make sense consist.
fn piece() -> impl Strategy<Value = String> {
    let words: Vec<&str> = "SPOOLER PROCESS DEVICE DEFAULT HOSTS POLLTYPE MACRO FASTCNFG CONTYPE NONE TCP/IP FILE PATH \
        ADDRESS PORT TIMEOUT URI SHADOW SVCLIST PROTOCOL HPJETDIRECT = = = = , ; ! !! /* */ \" \"a\" $LP1 \\W.$LP1.#A lp2 \
        $SPLS $SPLA /tmp/x null: 5 9100 DEVIC TIMOUT FASTCNFG $V.S.F ; 99999999999999999999"
        .split_whitespace()
        .collect();
    prop_oneof![
        20 => prop::sample::select(words).prop_map(|word| format!("{word} ")),
        3 => Just("\n".to_owned()),
        1 => Just("\r\n".to_owned()),
        1 => any::<char>().prop_map(String::from),
    ]
}

/// A device with what its entry must come to.
#[derive(Clone, Debug)]
struct Wanted {
    pairs: Vec<(&'static str, String)>,
    entry: Entry,
}

fn of(address: AddressSource) -> Entry {
    Entry {
        address,
        io_limit: None,
        refused_every: Duration::ZERO,
        refused_tries: 0,
        close_wait: CloseWait::Usual,
        slow_pace: Duration::ZERO,
    }
}

const TICK: Duration = Duration::from_millis(10);

fn plain() -> impl Strategy<Value = Wanted> {
    let path = "/[a-zA-Z0-9][a-zA-Z0-9_=:%#?.-]{0,20}[a-z0-9]";
    (0..5u8, path, prop::option::of(0..100_000u32)).prop_map(|(kind, path, timeout)| {
        let (mut pairs, address) = match kind {
            0 => (vec![("CONTYPE", "NONE".to_owned())], AddressSource::Own),
            1 => (
                vec![("CONTYPE", "FILE".into()), ("PATH", path.clone())],
                AddressSource::To(DeviceUri::File(path.into())),
            ),
            2 => (
                vec![("CONTYPE", "char".into()), ("PATH", path.clone())],
                AddressSource::To(DeviceUri::Char(path.into())),
            ),
            3 => (
                vec![("PATH", path.clone()), ("CONTYPE", "Fifo".into())],
                AddressSource::To(DeviceUri::Fifo(path.into())),
            ),
            _ => {
                let uri = DeviceUri::File(path.into());
                (vec![("URI", uri.to_string())], AddressSource::To(uri))
            }
        };
        let mut entry = of(address);
        if let Some(timeout) = timeout {
            pairs.push(("TIMEOUT", timeout.to_string()));
            entry.io_limit = (timeout > 0).then(|| Duration::from_secs(timeout.into()));
        }
        Wanted { pairs, entry }
    })
}

fn tcp() -> impl Strategy<Value = Wanted> {
    // A link-local address needs its interface; that is tested where addresses are.
    let ip = any::<std::net::Ipv6Addr>().prop_filter("not link-local", |ip| !ip.is_unicast_link_local());
    let host = prop_oneof!["[a-z][a-z0-9.-]{0,20}[a-z0-9]", ip.prop_map(|ip| ip.to_string())];
    let some = |most: u32| prop::option::of(0..=most);
    (host, 1..=u16::MAX, some(1000), some(32_767), some(8_640_000), some(12_000), some(u32::MAX >> 1)).prop_map(
        |(host, port, pollint, pollnum, shutdown, slow, timeout)| {
            let mut pairs = vec![("ADDRESS", host.clone()), ("PORT", port.to_string())];
            let mut give = |name: &'static str, value: Option<u32>| pairs.extend(value.map(|n| (name, n.to_string())));
            give("POLLINT", pollint);
            give("POLLNUM", pollnum);
            give("SHUTDOWNTO", shutdown);
            give("SLOWPACE", slow);
            give("TIMEOUT", timeout);
            let entry = Entry {
                address: AddressSource::To(DeviceUri::Socket { host, port }),
                io_limit: timeout.filter(|ticks| *ticks > 0).map(|ticks| TICK * ticks),
                refused_every: TICK * pollint.unwrap_or(100),
                refused_tries: pollnum.unwrap_or(10),
                close_wait: match shutdown {
                    None => CloseWait::Usual,
                    Some(0) => CloseWait::None,
                    Some(ticks) => CloseWait::Required(TICK * ticks),
                },
                slow_pace: TICK * slow.unwrap_or(0),
            };
            Wanted { pairs, entry }
        },
    )
}

/// What may stand between two tokens.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![" ", "\n", "\r\n", "\t ", " ! DEVICE x ! ", " ! to the end = \n", " /* ; \n ! */ "])
}

fn cased(word: &str, upper: bool) -> String {
    if upper { word.to_uppercase() } else { word.to_lowercase() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_and_each_mistake_has_its_place(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        holds(&octets);
    }

    #[test]
    fn files_that_nearly_make_sense_are_read_too(pieces in prop::collection::vec(piece(), 0..60)) {
        holds(pieces.concat().as_bytes());
    }

    #[test]
    fn what_is_well_formed_means_what_it_says_however_it_is_laid_out(
        wanted in prop::collection::vec((prop_oneof![plain(), tcp()], any::<bool>(), any::<bool>()), 0..12),
        gaps in prop::collection::vec(gap(), 1..20),
    ) {
        let mut gaps = gaps.iter().cycle();
        let mut gap = || gaps.next().copied().unwrap_or(" ");
        let mut text = String::new();
        for (n, (device, upper, commas)) in wanted.iter().enumerate() {
            text += &format!("{}{}$LP{n}{}", cased("device", *upper), gap(), gap());
            for (name, value) in &device.pairs {
                let (equals, quoted) = (if *upper { "=".to_owned() } else { format!("{}={}", gap(), gap()) }, value.contains("::"));
                let value = if quoted { format!("\"{value}\"") } else { value.clone() };
                text += &format!("{}{equals}{value}{}{}", cased(name, !*upper), if *commas { "," } else { "" }, gap());
            }
        }
        let parsed = parse(text.as_bytes());
        prop_assert_eq!(all_mistakes(&parsed), Vec::<&Mistake>::new(), "{}", text);
        let found: Vec<_> = parsed.entries.into_iter().map(|entry| (entry.name.to_string(), entry.entry.unwrap())).collect();
        let wanted: Vec<_> = wanted.into_iter().enumerate().map(|(n, (w, ..))| (format!("$LP{n}"), w.entry)).collect();
        prop_assert_eq!(found, wanted, "{}", text);
    }
}
