//! Looking into a copy that the spool has just made, without reading it through a buffer.
//!
//! Only for commands that end soon. A print process and a server read with `pread`: a file that becomes shorter, or a disk
//! that fails, is an error there, and here the end of the process.

use std::io;

use memmap2::MmapOptions;

use super::files::Unnamed;

/// Shows `look` the whole of a file that this process has written, of `octets` octets, and that has no name yet.
///
/// # Errors
/// When the file has another size than `octets`, before or after the look, or cannot be mapped.
pub fn look_into<T>(file: &Unnamed, octets: u64, look: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
    let whole = || match file.file.metadata()?.len() {
        len if len == octets => Ok(()),
        len => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{len} octets where {octets} were written"))),
    };
    whole()?;
    let octets = usize::try_from(octets).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    if octets == 0 {
        return Ok(look(&[]));
    }
    // SAFETY: nobody changes or shortens the file while it is mapped. This process has made it, without a name, readable and
    // writable by its user alone, in a directory that only that user may enter; nothing else has it open, and here it is
    // borrowed until the mapping is gone. It has the expected size, so no page lies behind its end. (Where the file system
    // knows no unnamed files it has a hidden, random name: the sweep may unlink it, which takes nothing from the mapping.)
    let map = unsafe { MmapOptions::new().len(octets).map(&file.file) }?;
    // It is read once, from its beginning. A kernel that does not take the advice reads it, too.
    let _ = map.advise(memmap2::Advice::Sequential);
    let seen = look(&map);
    whole()?;
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(octets: &[u8]) -> Unnamed {
        let mut file = Unnamed::create(&std::env::temp_dir()).unwrap();
        file.file.write_all(octets).unwrap();
        file
    }

    #[test]
    fn the_whole_file_is_seen_whatever_its_size() {
        for size in [0, 1, 4095, 4096, 4097, 100_000] {
            let octets: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
            let file = written(&octets);
            assert_eq!(look_into(&file, octets.len() as u64, <[u8]>::to_vec).unwrap(), octets);
        }
    }

    #[test]
    fn a_file_that_is_shorter_or_longer_than_it_should_be_is_not_looked_into() {
        let file = written(b"12345");
        for octets in [0, 4, 6, u64::MAX] {
            let mut looked = false;
            let refused = look_into(&file, octets, |_| looked = true).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
            assert!(!looked);
        }
    }

    #[test]
    fn a_file_that_changes_its_size_during_the_look_is_an_error() {
        let file = written(b"12345");
        let grown = look_into(&file, 5, |_| (&file.file).write_all(b"6").unwrap());
        assert_eq!(grown.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
