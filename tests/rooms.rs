//! docs/architecture.md says which room of the source may use which. Here its tables are read and held against every
//! `use` and every path in `src/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The headings of the tables that are read.
const ROOMS: &str = "## The rooms";
const ALONE: &str = "### What one room alone does";
const NEVER: &str = "### What the wings never use";
const ONE_WAY: &str = "### Wings without circles";

/// The first table below `heading`, as rows of cells.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no heading '{heading}'"));
    let rows =
        rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `src/fastp/device/` or `fastp/device` as `fastp::device`.
fn module(name: &str) -> String {
    name.trim_start_matches("src/").trim_end_matches('/').replace('/', "::")
}

/// Whether `path` is `module` or lies in it.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every source file of the library with its module, without the tests at its end: an example may come from anywhere.
fn sources() -> Vec<(PathBuf, String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.sort();
    let named = |path: PathBuf| {
        let inside = path.strip_prefix(&src).unwrap().with_extension("");
        let inside = if inside.ends_with("mod") { inside.parent().unwrap().to_owned() } else { inside };
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned(), module(inside.to_str().unwrap()), text)
    };
    found.into_iter().map(named).collect()
}

/// A file without comments and without the contents of its strings.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw_string(rest) {
            raw
        } else if first == '"' {
            string(rest)
        } else if let Some(character) = character(rest) {
            character
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[end..];
    }
    out
}

/// Where the string that begins here ends.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where the raw string that begins here ends.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r').or_else(|| text.strip_prefix("br"))?;
    let marks = after.len() - after.trim_start_matches('#').len();
    after[marks..].strip_prefix('"')?;
    let begin = text.len() - after.len() + marks + 1;
    let close = format!("\"{}", "#".repeat(marks));
    Some(text[begin..].find(&close).map_or(text.len(), |at| begin + at + close.len()))
}

/// Where the character literal that begins here ends; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        return escape.char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(at, _)| at + 3);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

/// The paths that a tree of names stands for, `a::{b, c::d}` for `a::b` and `a::c::d`; a path in an expression is a tree too.
fn paths(text: &str) -> Vec<String> {
    fn tree(text: &mut &str, prefix: &str, found: &mut Vec<String>) {
        *text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        *text = rest;
        let path = match (prefix, name) {
            (_, "" | "self") => prefix.to_owned(),
            ("", _) => name.to_owned(),
            _ => format!("{prefix}::{name}"),
        };
        match text.strip_prefix("::") {
            Some(rest) => *text = rest,
            // What follows `super::` may begin with a brace.
            None if name.is_empty() && text.starts_with('{') => {}
            None => {
                found.push(path);
                return;
            }
        }
        let Some(rest) = text.strip_prefix('{') else {
            return tree(text, &path, found);
        };
        *text = rest;
        loop {
            *text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if text.is_empty() {
                return;
            }
            if let Some(rest) = text.strip_prefix('}') {
                *text = rest;
                return;
            }
            let before = text.len();
            tree(text, &path, found);
            // `name as other`, `*`: what is not part of a path.
            *text = text.trim_start_matches(|c: char| c != ',' && c != '}');
            if text.len() == before {
                return;
            }
        }
    }
    let mut found = Vec::new();
    let mut rest = text;
    tree(&mut rest, "", &mut found);
    found
}

/// Every path of this crate that a file of module `own` names, as `room::module::…`.
fn uses(own: &str, text: &str) -> BTreeSet<String> {
    let text = code(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            found.extend(paths(&text[at + "crate::".len()..]));
        }
    }
    // How many modules deep a line stands inside its file; the sources are formatted, so an inline module ends in column 0.
    let mut inline = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let inside = inline && line.starts_with(' ');
        if line.starts_with("mod ") || line.starts_with("pub mod ") {
            inline = line.trim_end().ends_with('{');
        } else if line.starts_with('}') {
            inline = false;
        }
        let mut from = 0;
        while let Some(at) = line[from..].find("super::").map(|at| from + at) {
            let chain = &line[at..];
            let ups = chain.len() - chain.trim_start_matches("super::").len();
            let ups = ups / "super::".len();
            let up = if inside { ups - 1 } else { ups };
            let names: Vec<&str> = own.split("::").collect();
            let above = names[..names.len().saturating_sub(up)].join("::");
            let rest = &text[offset + at + ups * "super::".len()..];
            found.extend(paths(rest).into_iter().map(|path| format!("{above}::{path}").trim_matches(':').to_owned()));
            from = at + ups * "super::".len();
        }
        offset += line.len();
    }
    found
}

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md")).unwrap()
}

#[test]
fn each_room_uses_only_what_the_page_allows() {
    let rows = table(&page(), ROOMS);
    let order: Vec<String> = rows.iter().map(|row| module(&quoted(&row[0])[0])).collect();
    let allowed: BTreeMap<&str, Vec<String>> =
        order.iter().map(String::as_str).zip(rows.iter().map(|r| quoted(&r[2]))).collect();
    let mut wrong = BTreeSet::new();
    // Dependencies point downwards only, which one look at the table shows: a row names rows below it.
    for (at, room) in order.iter().enumerate() {
        for below in &allowed[room.as_str()] {
            if !order[at + 1..].contains(below) {
                wrong.insert(format!("the page lets {room} use {below}, which is not below it"));
            }
        }
    }
    let mut seen = 0;
    for (path, own, text) in sources() {
        let room = own.split("::").next().unwrap();
        let Some(allowed) = allowed.get(room) else {
            if room != "lib" {
                wrong.insert(format!("{}: no row for the room {room}", path.display()));
            }
            continue;
        };
        let used = uses(&own, &text);
        seen += used.len();
        for used in used.iter().filter_map(|used| used.split("::").next()) {
            // What begins with a capital letter or is no room stands in lib.rs itself.
            if used != room && order.iter().any(|one| one == used) && !allowed.iter().any(|one| one == used) {
                wrong.insert(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(seen > 1_000, "the sources were not understood: {seen} paths");
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n  {}",
        wrong.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

#[test]
fn each_program_is_its_command_and_nothing_else() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let rows = table(&page(), ROOMS);
    let allowed = quoted(&rows.iter().find(|row| row[0].contains("src/bin/")).expect("a row for src/bin/")[2]);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = code(&fs::read_to_string(&path).unwrap());
        assert!(text.lines().count() <= 3, "{} has more than three lines", path.display());
        for (at, _) in text.match_indices("spoolsuite::") {
            let used = paths(&text[at + "spoolsuite::".len()..]);
            let room = used[0].split("::").next().unwrap().to_owned();
            assert!(allowed.contains(&room), "{} uses {room}", path.display());
        }
    }
}

#[test]
fn what_one_room_alone_does_is_done_nowhere_else() {
    let mut wrong = BTreeSet::new();
    for row in table(&page(), ALONE) {
        let rooms: Vec<String> = quoted(&row[1]).iter().map(|name| module(name)).collect();
        for word in quoted(&row[0]) {
            let mut found = false;
            for (path, own, text) in sources() {
                let named = || uses(&own, &text).iter().any(|path| path.contains(&word));
                if own == "lib" || !(code(&text).contains(&word) || named()) {
                    continue;
                }
                found = true;
                if !rooms.iter().any(|room| within(&own, room)) {
                    wrong.insert(format!("{} has {word}", path.display()));
                }
            }
            assert!(found || rooms.is_empty(), "docs/architecture.md speaks of {word}, which is nowhere");
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n  {}",
        wrong.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

#[test]
fn the_wings_keep_apart_as_the_page_says() {
    let rows = table(&page(), NEVER);
    assert!(!rows.is_empty());
    let mut wrong = BTreeSet::new();
    for row in rows {
        for wing in quoted(&row[0]).iter().map(|name| module(name)) {
            let never: Vec<String> = quoted(&row[1]).iter().map(|name| module(name)).collect();
            let mut found = false;
            for (path, own, text) in sources().into_iter().filter(|(_, own, _)| within(own, &wing)) {
                found = true;
                for used in uses(&own, &text) {
                    if never.iter().any(|never| within(&used, never)) {
                        wrong.insert(format!("{} uses {used}", path.display()));
                    }
                }
            }
            assert!(found, "docs/architecture.md speaks of {wing}, which is nowhere");
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n  {}",
        wrong.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

/// What each file (or directory) beside others in `wing` uses of those others.
fn neighbours(wing: &str) -> BTreeMap<String, BTreeSet<String>> {
    let beside = |path: &str| {
        let inside = path.strip_prefix(wing)?.strip_prefix("::")?;
        Some(inside.split("::").next().unwrap_or(inside).to_owned())
    };
    let files: Vec<_> = sources().into_iter().filter_map(|(_, own, text)| Some((beside(&own)?, own, text))).collect();
    let names: BTreeSet<String> = files.iter().map(|file| file.0.clone()).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, own, text) in &files {
        let used =
            uses(own, text).iter().filter_map(|used| beside(used)).filter(|used| used != name).collect::<Vec<_>>();
        // What `mod.rs` itself has, or passes on, belongs to no file beside it.
        found.entry(name.clone()).or_default().extend(used.into_iter().filter(|used| names.contains(used)));
    }
    found
}

/// A way from `from` back to itself, if there is one.
fn circle(from: &str, uses: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|last| uses.get(last)).into_iter().flatten() {
            if next == from {
                return Some([way, vec![from.to_owned()]].concat());
            }
            if seen.insert(next.clone()) {
                ways.push([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}

#[test]
fn no_file_of_a_wing_without_circles_leads_back_to_itself() {
    let wings: Vec<String> = table(&page(), ONE_WAY).iter().flat_map(|row| quoted(&row[0])).collect();
    assert!(!wings.is_empty());
    let mut wrong = BTreeSet::new();
    for wing in wings.iter().map(|name| module(name)) {
        let uses = neighbours(&wing);
        assert!(uses.len() > 1, "docs/architecture.md speaks of {wing}, which has no files beside each other");
        wrong.extend(uses.keys().filter_map(|file| Some(format!("{wing}: {}", circle(file, &uses)?.join(" uses ")))));
    }
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n  {}",
        wrong.into_iter().collect::<Vec<_>>().join("\n  ")
    );
}

#[test]
fn paths_are_read_out_of_the_source() {
    let text = "use crate::model::{self, time::Moment, job::{Job as Other, *}};\n\
                // use crate::no::comment;\n\
                fn f() -> &'static str { crate::sys::clock::now(); \"crate::no::string\" }\n\
                use super::super::wing::Thing;\n\
                mod tests {\n    use super::*;\n    use super::super::beside::Other;\n}\n\
                const C: [char; 2] = ['\"', '\\''];\nconst R: &str = r#\"crate::no::raw \"\"#;\nuse super::last;\n\
                use super::{one, two::Three};\n";
    let found: Vec<String> = uses("room::wing::file", text).into_iter().collect();
    assert_eq!(
        found,
        [
            "model",
            "model::job",
            "model::job::Job",
            "model::time::Moment",
            "room::wing::Thing",
            "room::wing::beside::Other",
            "room::wing::file",
            "room::wing::last",
            "room::wing::one",
            "room::wing::two::Three",
            "sys::clock::now",
        ]
    );
}
