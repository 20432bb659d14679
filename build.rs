//! Links programs that start fast, because a command is started for each job.
//!
//! The compiler's runtime library is linked into the programs. Finding, mapping and binding `libgcc_s.so.1` would be a tenth
//! of each start. The linker is given a script under the library's name that leads to the static one. Where there is none,
//! the shared one is linked as usual.
//!
//! Relative relocations are packed (`DT_RELR`). A program has thousands of them, of 24 octets each, which the loader reads
//! and applies at each start; packed they are a few hundred octets. The linker must know them, and so must glibc (2.36, as
//! in Debian 12): an older one refuses to start the program. So a trial program is linked and started here first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    let Some(out) = env::var_os("OUT_DIR") else { return };
    if env::var_os("HOST") == env::var_os("TARGET") && starts_packed(Path::new(&out)) {
        println!("cargo::rustc-link-arg-bins={PACKED}");
    }
    let (Some(unwinder), Some(runtime)) = (library("libgcc_eh.a"), library("libgcc.a")) else { return };
    let script = format!("GROUP ( {} {} )\n", unwinder.display(), runtime.display());
    if fs::write(Path::new(&out).join("libgcc_s.so"), script).is_ok() {
        println!("cargo::rustc-link-search=native={}", Path::new(&out).display());
    }
}

/// Tells the linker to pack relative relocations.
const PACKED: &str = "-Wl,-z,pack-relative-relocs";

/// Returns whether a program with packed relocations can be linked here and starts here.
fn starts_packed(out: &Path) -> bool {
    let (source, trial) = (out.join("trial.rs"), out.join("trial"));
    let Some(rustc) = env::var_os("RUSTC").filter(|_| fs::write(&source, "fn main() {}").is_ok()) else { return false };
    let mut compile = Command::new(rustc);
    compile.arg(format!("-Clink-arg={PACKED}")).arg("-o").args([&trial, &source]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("-Clinker=");
        option.push(linker);
        compile.arg(option);
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    compile.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    let succeeds = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    succeeds(&mut compile) && succeeds(&mut Command::new(&trial))
}

/// Where the linker's driver finds a library of its own.
fn library(name: &str) -> Option<PathBuf> {
    let driver = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let found = Command::new(driver).arg(format!("-print-file-name={name}")).output().ok()?;
    // Without one it repeats the bare name.
    let path = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    (path.is_absolute() && path.is_file() && path.to_str()?.chars().all(plain)).then_some(path)
}
