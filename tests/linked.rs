//! How the programs are linked: everything is bound when a program starts, and read-only from then on; nothing on the stack
//! can run; no program asks the loader for code.

use std::fs;

const DYNAMIC: u32 = 2;
const STACK: u32 = 0x6474_e551;
const RELRO: u32 = 0x6474_e552;
const FLAGS: u64 = 30;
const BIND_NOW: u64 = 8;

/// An ELF file of 64 bits, least significant octet first.
struct Program(Vec<u8>);

impl Program {
    fn number(&self, at: u64, octets: usize) -> u64 {
        let at = usize::try_from(at).unwrap();
        self.0[at..at + octets].iter().rev().fold(0, |number, octet| number << 8 | u64::from(*octet))
    }

    /// Type, flags, offset and size of each segment.
    fn segments(&self) -> Vec<(u32, u64, u64, u64)> {
        let (first, size, count) = (self.number(32, 8), self.number(54, 2), self.number(56, 2));
        let places = (0..count).map(|n| first + n * size);
        let kind = |at| u32::try_from(self.number(at, 4)).unwrap();
        places.map(|at| (kind(at), self.number(at + 4, 4), self.number(at + 8, 8), self.number(at + 32, 8))).collect()
    }

    fn imports(&self, name: &str) -> bool {
        let name = [b"\0", name.as_bytes(), b"\0"].concat();
        self.0.windows(name.len()).any(|octets| octets == name)
    }
}

#[test]
fn programs_are_bound_at_their_start_and_read_only_from_then_on() {
    if cfg!(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64", target_endian = "little"))) {
        return;
    }
    for path in [env!("CARGO_BIN_EXE_pdpr"), env!("CARGO_BIN_EXE_spoolcom"), env!("CARGO_BIN_EXE_fastp")] {
        let program = Program(fs::read(path).unwrap());
        let segments = program.segments();
        let find =
            |kind| segments.iter().find(|segment| segment.0 == kind).unwrap_or_else(|| panic!("{path}: {kind:x}"));
        // A program that can be loaded anywhere is a shared object to the loader.
        assert_eq!(program.number(16, 2), 3, "{path}");
        find(RELRO);
        assert_eq!(find(STACK).1 & 1, 0, "{path}: the stack can run");
        let (_, _, at, size) = *find(DYNAMIC);
        let mut entries = (0..size / 16).map(|n| (program.number(at + n * 16, 8), program.number(at + n * 16 + 8, 8)));
        assert!(entries.any(|(tag, value)| tag == FLAGS && value & BIND_NOW != 0), "{path} is not bound at once");
        assert!(!program.imports("dlopen"), "{path} can load code");
    }
}
