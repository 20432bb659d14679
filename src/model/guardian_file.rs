//! Names of files as a Guardian system writes them, and where they lie here.

use std::path::{Path, PathBuf};

/// The path of the file that `text` names in a file at `beside`. `$VOL.SUBVOL.FILE` lies at `guardian/vol/subvol/file`
/// under `root`; a name with a `/` is a path, relative to the directory of the file that holds it; any other name is a
/// file in that directory. There, among Guardian files, `SUBVOL.FILE` is one of a neighbouring subvolume.
pub fn file(text: &str, beside: &Path, root: &Path, node: &str) -> Result<PathBuf, String> {
    if text.contains('\0') || text.is_empty() {
        return Err("it is no file name".into());
    }
    let dir = beside.parent().unwrap_or(root);
    if text.contains('/') {
        return Ok(dir.join(text));
    }
    let local = match text.strip_prefix('\\') {
        None => text,
        Some(rest) => match rest.split_once(".$") {
            Some((other, _)) if other.eq_ignore_ascii_case(node) => &rest[other.len() + 1..],
            Some((other, _)) => return Err(format!("it lies on another node, \\{other}")),
            None => return Err("a name with a node is written \\NODE.$VOLUME.SUBVOLUME.FILE".into()),
        },
    };
    let guardian = root.join("guardian");
    let part = |part: &str| {
        let whole = part.len() <= 64 && part.starts_with(|c: char| c.is_ascii_alphanumeric());
        let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        (whole && plain).then(|| part.to_ascii_lowercase())
    };
    if let Some(whole) = local.strip_prefix('$') {
        let parts: Option<Vec<String>> = whole.split('.').map(part).collect();
        return match parts.as_deref() {
            Some([volume, subvolume, file]) => Ok(guardian.join(volume).join(subvolume).join(file)),
            _ => Err("a name that begins with '$' is written $VOLUME.SUBVOLUME.FILE".into()),
        };
    }
    if let Some(volume) = dir.parent().filter(|volume| volume.parent() == Some(&guardian)) {
        let parts: Option<Vec<String>> = local.split('.').map(part).collect();
        match parts.as_deref() {
            Some([file]) => return Ok(dir.join(file)),
            Some([subvolume, file]) => return Ok(volume.join(subvolume).join(file)),
            _ => {}
        }
    }
    match local {
        "." | ".." => Err("it is a directory".into()),
        name => Ok(dir.join(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_leads_to_one_path() {
        let of = |text: &str, beside: &str| {
            file(text, Path::new(beside), Path::new("/b"), "acme").map(|path| path.display().to_string())
        };
        for (text, beside, path) in [
            ("$DATA7.PRTCONF.LAB", "/b/FASTCNFG", "/b/guardian/data7/prtconf/lab"),
            ("\\ACME.$DATA7.PRTCONF.LAB", "/b/FASTCNFG", "/b/guardian/data7/prtconf/lab"),
            ("/etc/fastcnfg", "/b/FASTCNFG", "/etc/fastcnfg"),
            ("lab/One.cnf", "/b/FASTCNFG", "/b/lab/One.cnf"),
            ("./$X", "/b/FASTCNFG", "/b/./$X"),
            ("Lab.cnf", "/etc/pd/FASTCNFG", "/etc/pd/Lab.cnf"),
            ("LAB", "/b/guardian/data7/prtconf/first", "/b/guardian/data7/prtconf/lab"),
            ("OTHER.LAB", "/b/guardian/data7/prtconf/first", "/b/guardian/data7/other/lab"),
        ] {
            assert_eq!(of(text, beside).as_deref(), Ok(path), "{text}");
        }
        for bad in ["", "$LAB", "$DATA7.LAB", "$DATA7.a/../b.c\0", "$..x.y", "\\WEST.$A.B.C", "\\ACME.LAB", ".."] {
            assert!(of(bad, "/b/FASTCNFG").is_err(), "{bad}");
        }
    }
}
