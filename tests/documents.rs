//! The documents are true of the tree: what they cite exists, and every page can be reached from the README.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `dir` whose name ends so, as a path inside the tree.
fn files(dir: &str, end: &str) -> Vec<String> {
    fn walk(dir: &Path, end: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, end, found);
            } else if path.to_str().unwrap().ends_with(end) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(dir), end, &mut found);
    let mut found: Vec<String> =
        found.iter().map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown page of the tree.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned(), "fuzz/README.md".to_owned()];
    pages.extend(files("docs", ".md"));
    pages
}

/// Every source file that may cite one.
fn sources() -> Vec<String> {
    ["src", "tests", "benches"].iter().flat_map(|dir| files(dir, ".rs")).chain(files(".ci", "")).collect()
}

fn fails(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words in `text` that end in `.md`, each with what follows it.
fn citations(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(".md") {
        let end = at + ".md".len();
        let part = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let begin = text[..at].rfind(|c: char| !part(c)).map_or(0, |at| at + 1);
        if begin < at && !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            found.push((&text[begin..end], &text[end..]));
        }
    }
    found
}

/// The numbers of the sections of a page of docs/reference.
fn sections(page: &str) -> BTreeSet<String> {
    let number = |line: &str| {
        let word = line.strip_prefix("## ").or_else(|| line.strip_prefix("### "))?.split(' ').next()?;
        Some(word.trim_end_matches('.').to_owned()).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    page.lines().filter_map(number).collect()
}

/// The numbers of sections with which `text` begins: ` 2`, ` 2.1`, ` 2 and 3`.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(' ') {
        let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
        let number = after[..end].trim_end_matches('.');
        if number.is_empty() {
            break;
        }
        found.push(number.to_owned());
        rest = after[end..].strip_prefix(" and").unwrap_or_default();
    }
    found
}

#[test]
fn what_the_source_cites_is_in_the_tree() {
    let mut wrong = Vec::new();
    let mut cited = BTreeMap::new();
    for source in sources() {
        let text = read(&source);
        for (n, line) in text.lines().enumerate() {
            for (path, after) in citations(line) {
                // In a test a page may stand with its directory before it.
                let path = path.trim_start_matches("/");
                if path.contains('/') || root().join(path).exists() {
                    if !root().join(path).exists() {
                        wrong.push(format!("{source}:{}: {path} is not in the tree", n + 1));
                        continue;
                    }
                } else if source.starts_with("src/") {
                    wrong.push(format!("{source}:{}: {path} is cited without its directory", n + 1));
                    continue;
                }
                if path.starts_with("docs/reference/") && path.ends_with(".md") && root().join(path).exists() {
                    let page: &mut BTreeSet<String> = cited.entry(path.to_owned()).or_default();
                    let known = sections(&read(path));
                    let numbers = numbers(after);
                    if numbers.is_empty() && source.starts_with("src/") {
                        wrong.push(format!("{source}:{}: {path} is cited without a section", n + 1));
                    }
                    for number in numbers {
                        if !known.contains(&number) {
                            wrong.push(format!("{source}:{}: {path} has no section {number}", n + 1));
                        }
                        page.insert(number);
                    }
                }
            }
            if source.starts_with("src/") && (line.contains("(design:") || line.contains("; design:")) {
                wrong.push(format!("{source}:{}: cites a document that is not in the tree", n + 1));
            }
        }
    }
    for page in files("docs/reference", ".md") {
        if !cited.contains_key(&page) {
            wrong.push(format!("{page} is cited nowhere"));
        }
    }
    fails(&wrong);
}

/// The heading as the fragment of a link.
fn fragment(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Where the links of a page lead, out of code.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = &line[at + 2..];
            found.push(target[..target.find(')').expect("a link that ends")].to_owned());
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_reached_from_the_readme() {
    let mut wrong = Vec::new();
    let mut reached = BTreeSet::from(["README.md".to_owned()]);
    let mut left = vec!["README.md".to_owned()];
    while let Some(page) = left.pop() {
        let dir = root().join(&page).parent().unwrap().to_owned();
        for link in links(&read(&page)) {
            if link.starts_with("http") {
                continue;
            }
            let (path, place) = link.split_once('#').map_or((link.as_str(), None), |(path, place)| (path, Some(place)));
            let target = if path.is_empty() { root().join(&page) } else { dir.join(path) };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{page}: {link} leads nowhere"));
                continue;
            };
            let inside = target.strip_prefix(root().canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
            if let Some(place) = place {
                let text = read(&inside);
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                if !headings.any(|line| fragment(line.trim_start_matches('#')) == place) {
                    wrong.push(format!("{page}: {link}: there is no such heading"));
                }
            }
            if inside.ends_with(".md") && reached.insert(inside.clone()) {
                left.push(inside);
            }
        }
    }
    wrong.extend(
        pages().into_iter().filter(|page| !reached.contains(page)).map(|page| format!("no link leads to {page}")),
    );
    fails(&wrong);
}

#[test]
fn the_tests_that_the_documents_name_exist() {
    let mut known = BTreeSet::new();
    for source in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        let text = read(&source);
        let module = source.trim_start_matches("src/").trim_start_matches("tests/").trim_end_matches(".rs");
        let module = module.trim_end_matches("/mod").replace('/', "::");
        let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("#[test]"));
        while let Some(line) = lines.next() {
            if line.starts_with("#[test]") {
                let function = lines.by_ref().find_map(|line| line.strip_prefix("fn ")?.split('(').next()).unwrap();
                known.insert(format!("{module}::{function}"));
            }
        }
        // Properties stand inside a macro, where nothing is before `fn` but blanks.
        for line in text.lines().map(str::trim_start).filter_map(|line| line.strip_prefix("fn ")) {
            if text.contains("proptest! {") {
                known.insert(format!("{module}::{}", line.split('(').next().unwrap()));
            }
        }
    }
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in ["docs/cve-lessons.md"] {
        for word in read(page).split('`').skip(1).step_by(2).filter(|word| word.contains("::")) {
            seen += 1;
            if !known.iter().any(|test| test == word || test.ends_with(&format!("::{word}"))) {
                wrong.push(format!("{page}: no test {word}"));
            }
        }
    }
    assert!(seen > 10, "the page was not understood");
    // A page that names a file of tests, to be run by its name.
    for page in pages() {
        for (at, _) in read(&page).match_indices("--test suite ") {
            let text = read(&page);
            let name: String = text[at + "--test suite ".len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let is_there = |path: String| root().join(path).exists();
            if !name.is_empty()
                && ![format!("tests/{name}.rs"), format!("tests/{name}/mod.rs")].into_iter().any(is_there)
            {
                wrong.push(format!("{page}: no tests/{name}.rs"));
            }
        }
    }
    fails(&wrong);
}

#[test]
fn an_octet_is_called_an_octet() {
    let says = |text: &str| {
        // That mark has no other name.
        let text = text.replace("yte-order mark", "");
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| matches!(word.to_ascii_lowercase().as_str(), "byte" | "bytes"))
    };
    // What stands between backticks is code.
    let prose = |line: &str| line.split('`').step_by(2).map(|part| format!("{part} ")).collect::<String>();
    let mut wrong = Vec::new();
    for page in pages() {
        for (n, line) in read(&page).lines().enumerate().filter(|(_, line)| says(&prose(line))) {
            wrong.push(format!("{page}:{}: {line}", n + 1));
        }
    }
    for source in files("src", ".rs").into_iter().chain(files("benches", ".rs")) {
        for (n, line) in read(&source).lines().enumerate() {
            let comment = line.split_once("//").map(|(_, comment)| prose(comment)).unwrap_or_default();
            if says(&comment) {
                wrong.push(format!("{source}:{}: {}", n + 1, line.trim()));
            }
        }
    }
    fails(&wrong);
}
