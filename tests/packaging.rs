//! What the packages hold, without building them: `.ci/packages` builds, installs and removes them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MANIFEST: &str = include_str!("../Cargo.toml");

/// The lines of a list of `Cargo.toml`.
fn section(from: &str, to: &str) -> Vec<&'static str> {
    let (_, rest) = MANIFEST.split_once(from).expect(from);
    rest.split_once(to).expect(to).0.lines().collect()
}

/// The quoted words of a line.
fn quoted(line: &str) -> Vec<&str> {
    line.split('"').skip(1).step_by(2).collect()
}

/// Source, and where it goes: of the .deb.
fn deb() -> BTreeSet<(String, String)> {
    let lines = section("[package.metadata.deb]", "[package.metadata.generate-rpm]");
    let assets = lines.iter().filter(|line| line.starts_with("    [")).map(|line| {
        let words = quoted(line);
        (words[0].to_owned(), format!("/{}", words[1]))
    });
    let units = lines.iter().filter(|line| line.contains("unit-name")).flat_map(|line| {
        let (dir, name) = (quoted(line)[0], quoted(line)[1]);
        let there = |end: &str| format!("{dir}{name}{end}");
        [".service", ".socket"].map(there).into_iter().filter(|path| Path::new(path).exists())
    });
    assets.chain(units.map(|path| (path, "/usr/lib/systemd/system/".to_owned()))).collect()
}

/// The same of the .rpm.
fn rpm() -> BTreeSet<(String, String)> {
    section("[package.metadata.generate-rpm]", "[package.metadata.generate-rpm.requires]")
        .iter()
        .filter(|line| line.contains("source ="))
        .map(|line| (quoted(line)[0].to_owned(), quoted(line)[1].to_owned()))
        .collect()
}

#[test]
fn both_packages_hold_the_same_files() {
    // Where they differ, because the distributions do.
    let usual = |(source, at): (String, String)| {
        let at = at.replace("/zsh/site-functions/", "/zsh/vendor-completions/");
        (source, at.replace("/usr/share/licenses/", "/usr/share/doc/"))
    };
    assert_eq!(deb(), rpm().into_iter().map(usual).collect());
}

#[test]
fn all_that_is_written_for_packages_is_in_them() {
    let held: BTreeSet<String> = deb().into_iter().map(|(source, _)| source).collect();
    for entry in std::fs::read_dir("packaging").unwrap() {
        let path = entry.unwrap().path();
        let path = path.to_str().unwrap();
        if Path::new(path).is_file() && path != "packaging/build" {
            assert!(held.contains(path), "no package holds {path}");
        }
    }
    for source in &held {
        let kept = source.split(['*']).next().unwrap();
        assert!(kept.starts_with("target/package/") || Path::new(kept).exists(), "{source} is not there");
    }
}

#[test]
fn the_scripts_of_the_packages_can_be_read_by_their_shells() {
    let scripts = ["debian/postinst", "debian/prerm", "debian/postrm", "rpm/post", "rpm/preun", "rpm/postun"];
    for script in scripts.map(|name| format!("packaging/{name}")) {
        assert!(Command::new("sh").args(["-n", &script]).status().unwrap().success(), "{script}");
    }
    for script in ["packaging/build", ".ci/packages"] {
        assert!(Command::new("bash").args(["-n", script]).status().unwrap().success(), "{script}");
    }
}

/// The page shows the units' accounts; a unit whose account nobody makes would not start.
#[test]
fn each_account_of_a_unit_is_made() {
    let made = include_str!("../packaging/pdserver.sysusers");
    for unit in [include_str!("../packaging/pdserver.service"), include_str!("../packaging/pdstation@.service")] {
        let user = unit.lines().find_map(|line| line.strip_prefix("User=")).unwrap();
        assert!(made.lines().any(|line| line.starts_with(&format!("u {user} "))), "{user}");
    }
}
