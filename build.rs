//! Links the compiler's runtime library into the programs instead of loading `libgcc_s.so.1` at each start.
//!
//! A command is started for each job, and finding, mapping and binding that library is a tenth of its start. The linker
//! is given a script under the library's name that leads to the static one. Where there is none, the shared one is
//! linked as usual.

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
    let (Some(unwinder), Some(runtime)) = (library("libgcc_eh.a"), library("libgcc.a")) else { return };
    let Some(out) = env::var_os("OUT_DIR") else { return };
    let script = format!("GROUP ( {} {} )\n", unwinder.display(), runtime.display());
    if fs::write(Path::new(&out).join("libgcc_s.so"), script).is_ok() {
        println!("cargo::rustc-link-search=native={}", Path::new(&out).display());
    }
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
