//! The copy of the tree in which the mutants sleep.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use super::find::Mutant;

/// The module that tells which mutant is awake. A program that starts with an environment of its own finds the number in
/// the file.
const AWAKE: &str = r#"//! Which mutant is awake; or, when a directory is named instead, which are reached: each leaves a file there.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
/// Whether it is this one.
pub fn awake(number: u32) -> bool {
    static AWAKE: OnceLock<(u32, Option<String>)> = OnceLock::new();
    static REACHED: [AtomicBool; 4096] = [const { AtomicBool::new(false) }; 4096];
    let (one, dir) = AWAKE.get_or_init(|| {
        let text = std::env::var("SPOOLSUITE_MUTANT").ok().or_else(|| std::fs::read_to_string("FILE").ok());
        let text = text.unwrap_or_default();
        (text.trim().parse().unwrap_or(0), text.trim().strip_prefix("reach ").map(str::to_owned))
    });
    if let (Some(dir), Some(reached)) = (dir, REACHED.get(number as usize)) {
        if !reached.swap(true, Ordering::Relaxed) {
            let _ = std::fs::File::create(format!("{dir}/{number}"));
        }
    }
    number == *one
}
"#;

/// Where the octets of each mutant lie in the changed files, by its number from 1.
pub type Places = BTreeMap<usize, (String, Range<usize>)>;

/// Files of the copy that differ from those of the tree.
pub type Changed = BTreeMap<String, String>;

/// Makes the copy, or brings it up to date. Files that did not change keep their times, so that they are not built again.
/// `changed` stands instead of what the tree holds.
pub fn copy(root: &Path, tree: &Path, changed: &Changed) -> std::io::Result<()> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "-c", "-o", "--exclude-standard"]).current_dir(root);
    let mut list = list_of(&mut list)?;
    list.retain(|name| !name.starts_with("tests/mutants/") && !name.starts_with("fuzz/target"));
    for name in list {
        let (from, to) = (root.join(&name), tree.join(&name));
        if from.is_file() && !changed.contains_key(&name) {
            std::fs::create_dir_all(to.parent().expect("a file has a directory"))?;
            write(&to, &std::fs::read(&from)?)?;
            std::fs::set_permissions(&to, std::fs::metadata(&from)?.permissions())?;
        }
    }
    for (name, text) in changed {
        let to = tree.join(name);
        std::fs::create_dir_all(to.parent().expect("a file has a directory"))?;
        write(&to, text.as_bytes())?;
    }
    Ok(())
}

fn list_of(command: &mut Command) -> std::io::Result<Vec<String>> {
    let out = command.output()?.stdout;
    let text = String::from_utf8(out).map_err(std::io::Error::other)?;
    Ok(text.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn write(path: &Path, octets: &[u8]) -> std::io::Result<()> {
    match std::fs::read(path) {
        Ok(same) if same == octets => Ok(()),
        _ => std::fs::write(path, octets),
    }
}

/// The files with these mutants in them, whose numbers are those in the list. `number` is the file that names the one that
/// is awake.
pub fn plant(root: &Path, number: &Path, mutants: &[(usize, Mutant)]) -> std::io::Result<(Changed, Places)> {
    let (mut changed, mut places) = (Changed::new(), Places::new());
    let mut files: BTreeMap<&str, Vec<&(usize, Mutant)>> = BTreeMap::new();
    mutants.iter().for_each(|one| files.entry(&one.1.file).or_default().push(one));
    for (file, list) in &files {
        let text = std::fs::read_to_string(root.join(file))?;
        let mut edits = Vec::new();
        for (number, mutant) in list {
            let awake = |text: &str| text.replace("awake(N)", &format!("awake({number})"));
            let (length, number) = (mutant.range.len() as isize, *number as isize);
            // At the same octet, what ends there comes before what begins there. The longer one is outside; of two that are as
            // long, the one that begins last ends first.
            edits.push(((mutant.range.start, 1, -length, number), awake(&mutant.before)));
            edits.push(((mutant.range.end, 0, length, -number), awake(&mutant.after)));
        }
        edits.sort();
        let (mut out, mut at) = (String::new(), 0);
        let mut begun = BTreeMap::new();
        for ((place, begins, _, number), added) in edits {
            out.push_str(&text[at..place]);
            at = place;
            if begins == 1 {
                begun.insert(number, out.len());
            }
            out.push_str(&added);
            if begins == 0 {
                places.insert(-number as usize, ((*file).to_owned(), begun[&-number]..out.len()));
            }
        }
        out.push_str(&text[at..]);
        changed.insert((*file).to_owned(), out);
    }
    changed.insert("src/mutant.rs".into(), AWAKE.replace("FILE", number.to_str().expect("a plain path")));
    let library = std::fs::read_to_string(root.join("src/lib.rs"))?;
    changed.insert("src/lib.rs".into(), format!("{library}pub mod mutant;\n"));
    Ok((changed, places))
}
