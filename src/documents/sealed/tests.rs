//! Tests of sealed files.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::*;
use crate::documents::ReadAt;

fn sealed(document: &[u8], key: &DocumentKey) -> Vec<u8> {
    let mut sealer = Sealer::begin(Vec::new(), key).unwrap();
    sealer.write_all(document).unwrap();
    assert_eq!(sealer.octets(), document.len() as u64);
    sealer.finish().unwrap()
}

fn file(octets: &[u8]) -> File {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(octets, 0).unwrap();
    file
}

fn all(file: &SealedFile) -> std::io::Result<Vec<u8>> {
    let mut found = vec![0; file.size()? as usize + 1];
    let n = file.read_at(&mut found, 0)?;
    found.truncate(n);
    Ok(found)
}

fn document(octets: usize) -> Vec<u8> {
    (0..octets).map(|n| (n % 251) as u8).collect()
}

/// Lengths at and beside the bounds of chunks.
fn lengths() -> impl Strategy<Value = usize> {
    let c = CHUNK;
    prop_oneof![1..200usize, prop::sample::select(vec![c - 1, c, c + 1, 2 * c - 1, 2 * c, 2 * c + 1, 3 * c]), 1..4 * c]
}

#[test]
fn what_is_sealed_shows_nothing_and_has_the_size_that_is_foretold() {
    let key = DocumentKey::new().unwrap();
    for n in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let text = b"the same words again ".repeat(n / 21 + 1)[..n].to_vec();
        let octets = sealed(&text, &key);
        assert_eq!(octets.len() as u64, sealed_size(n as u64));
        assert!(n < 21 || !octets.windows(10).any(|part| part == &text[..10]));
        assert_ne!(octets, sealed(&text, &key), "each file has a salt of its own");
    }
}

#[test]
fn a_file_that_arrives_is_read_as_far_as_its_chunks_are_there() {
    let (key, text) = (DocumentKey::new().unwrap(), document(3 * CHUNK + 5));
    let octets = sealed(&text, &key);
    let part = file(&octets[..HEAD + 2 * (CHUNK + TAG) + 100]);
    let arriving = SealedFile::open_arriving(part.try_clone().unwrap(), &key, text.len() as u64).unwrap();
    assert_eq!(arriving.there().unwrap(), 2 * CHUNK as u64);
    let mut found = vec![0; 2 * CHUNK];
    assert_eq!(arriving.read_at(&mut found, 0).unwrap(), 2 * CHUNK);
    assert_eq!(found, text[..2 * CHUNK]);
    part.write_all_at(&octets, 0).unwrap();
    assert_eq!(arriving.there().unwrap(), text.len() as u64);
    assert_eq!(all(&arriving).unwrap(), text);
}

#[test]
fn a_wrapped_key_is_opened_by_the_key_that_wrapped_it_and_by_no_other() {
    let [one, other] = ["11", "ab"].map(|pair| ServerKey::parse(&pair.repeat(32)).unwrap());
    let key = DocumentKey::new().unwrap();
    let wrapped = one.wrap(&key).unwrap();
    assert_eq!(one.unwrap(&wrapped), Ok(key.clone()));
    assert_eq!(other.unwrap(&wrapped), Err(Unopened::OtherKey));
    for at in 0..wrapped.0.len() {
        let mut altered = wrapped.clone();
        altered.0[at] ^= 1;
        assert!(one.unwrap(&altered).is_err(), "octet {at}");
    }
    assert_eq!(one.unwrap(&crate::model::job::WrappedKey(wrapped.0[..40].to_vec())), Err(Unopened::Damaged));
    assert_ne!(one.wrap(&key).unwrap(), wrapped);
    assert!(ServerKey::parse("no key").is_none() && format!("{one:?}{key:?}") == "ServerKey(..)DocumentKey(..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_is_read_anywhere(n in lengths(), from in 0..4 * CHUNK, length in 0..2 * CHUNK) {
        let (key, text) = (DocumentKey::new().unwrap(), document(n));
        let opened = SealedFile::open(file(&sealed(&text, &key)), &key, n as u64).unwrap();
        let mut found = vec![0; length];
        let got = opened.read_at(&mut found, from as u64).unwrap();
        let expected = &text[from.min(n)..(from + length).min(n).max(from.min(n))];
        prop_assert_eq!(&found[..got], expected);
        prop_assert_eq!(all(&opened).unwrap(), text);
    }

    #[test]
    fn an_altered_octet_is_found_before_anything_of_its_chunk_is_given(n in lengths(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let (key, text) = (DocumentKey::new().unwrap(), document(n));
        let mut octets = sealed(&text, &key);
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        let Ok(opened) = SealedFile::open(file(&octets), &key, n as u64) else { return Ok(()) };
        prop_assert!(all(&opened).is_err());
        // The chunks before it are what they were.
        let before = at.saturating_sub(HEAD) / (CHUNK + TAG) * CHUNK;
        let mut found = vec![0; before];
        if at >= HEAD {
            prop_assert_eq!(opened.read_at(&mut found, 0).unwrap(), before);
            prop_assert_eq!(&found[..], &text[..before]);
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_found(n in lengths(), left in any::<prop::sample::Index>()) {
        let (key, text) = (DocumentKey::new().unwrap(), document(n));
        let octets = sealed(&text, &key);
        let left = left.index(octets.len());
        prop_assert!(SealedFile::open(file(&octets[..left]), &key, n as u64).is_err());
        // Nor is it taken for a shorter document that ends between two chunks.
        let shorter = n / CHUNK * CHUNK;
        if shorter > 0 && shorter < n {
            let cut = file(&octets[..HEAD + shorter / CHUNK * (CHUNK + TAG)]);
            let opened = SealedFile::open(cut, &key, shorter as u64).unwrap();
            prop_assert!(all(&opened).is_err());
        }
    }

    #[test]
    fn chunks_that_changed_places_are_found(chunks in 2..5usize, one in 0..4usize, other in 0..4usize) {
        let (one, other) = (one % chunks, other % chunks);
        prop_assume!(one != other);
        let (key, text) = (DocumentKey::new().unwrap(), document(chunks * CHUNK));
        let octets = sealed(&text, &key);
        let part = |n: usize| HEAD + n * (CHUNK + TAG)..HEAD + (n + 1) * (CHUNK + TAG);
        let mut swapped = octets.clone();
        swapped[part(one)].copy_from_slice(&octets[part(other)]);
        swapped[part(other)].copy_from_slice(&octets[part(one)]);
        let opened = SealedFile::open(file(&swapped), &key, text.len() as u64).unwrap();
        prop_assert!(all(&opened).is_err());
    }

    #[test]
    fn a_chunk_of_another_file_is_found(n in lengths()) {
        let (key, text) = (DocumentKey::new().unwrap(), document(n));
        let (octets, mut mixed) = (sealed(&text, &key), sealed(&text, &key));
        mixed[HEAD..].copy_from_slice(&octets[HEAD..]);
        let opened = SealedFile::open(file(&mixed), &key, n as u64).unwrap();
        prop_assert!(all(&opened).is_err());
        prop_assert!(SealedFile::open(file(&octets), &DocumentKey::new().unwrap(), n as u64).is_ok_and(|it| all(&it).is_err()));
    }
}
