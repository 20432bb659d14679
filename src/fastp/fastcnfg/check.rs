//! `fastp --check`: reads a FASTCNFG file and everything it leads to, each file once, and says what each print process of
//! each spooler would find there, what is wrong, and what has no effect.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Way};
use super::lexer::{Mistake, Position};
use super::look::{Reader, Who, after, bad_file, jump, rules, second, why_unread};
use super::names::{Named, file};
use super::parsed::{DeviceEntry, Parsed, Scope, all_mistakes};
use crate::fastp::means::Farewell;

/// The most files that are followed, and the most print processes that are listed.
const MOST: usize = 1000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The entries of each print process.
    pub listing: String,
    /// Mistakes and notes, file by file.
    pub findings: Vec<Finding>,
    /// Why the primary file cannot be read, if that is so.
    pub unread: Option<String>,
}

/// A mistake, or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where, what and what to do.
    pub mistake: Mistake,
    /// Whether it only has no effect.
    pub note: bool,
}

impl Report {
    /// Whether something is wrong.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| !finding.note)
    }
}

/// Checks the file `primary` of a spool at `root` whose server is called `node` (empty: not known).
pub fn check(primary: &Path, root: &Path, node: &str, read: &Reader<'_>) -> Report {
    let mut checker = Checker { root, node, files: BTreeMap::new(), report: Report::default() };
    match read(primary) {
        Ok((parsed, _)) => {
            checker.files.insert(primary.to_owned(), parsed);
        }
        Err(unread) => {
            checker.report.unread = Some(format!("{}: {}", primary.display(), why_unread(&unread).1));
            return checker.report;
        }
    }
    checker.follow(primary, read);
    checker.list(primary);
    checker.report
}

struct Checker<'a> {
    root: &'a Path,
    node: &'a str,
    files: BTreeMap<PathBuf, Arc<Parsed>>,
    report: Report,
}

impl Checker<'_> {
    fn mistake(&mut self, path: &Path, mistake: Mistake) {
        let finding = Finding { path: path.to_owned(), mistake, note: false };
        if !self.report.findings.contains(&finding) {
            self.report.findings.push(finding);
        }
    }

    fn note(&mut self, path: &Path, mistake: Mistake) {
        self.report.findings.push(Finding { path: path.to_owned(), mistake, note: true });
    }

    /// Reads whatever the primary file leads to.
    fn follow(&mut self, primary: &Path, read: &Reader<'_>) {
        let mut todo = vec![(primary.to_owned(), 1)];
        let mut known: HashSet<(PathBuf, u32)> = todo.iter().cloned().collect();
        let mut told = HashSet::new();
        while let Some((path, level)) = todo.pop() {
            let Some(parsed) = self.files.get(&path) else { continue };
            let mut wrong = rules(parsed, level, self.node);
            let mut next = Vec::new();
            let mut notes = Vec::new();
            for redirection in &parsed.redirections {
                let name = &redirection.file;
                match file(&name.text, &path, self.root, self.node) {
                    Ok(to) if level < 3 => next.push((to, after(redirection), name.at)),
                    Ok(_) => {}
                    Err(why) => wrong.push(bad_file(&name.text, name.at, &why)),
                }
                if level == 1 && redirection.scope.process.is_some() {
                    let what =
                        "PROCESS leads on from the primary file: elsewhere it does so from a file of level 2 only";
                    notes.push(Mistake::new(redirection.at, what));
                }
            }
            if told.insert(path.clone()) {
                self.tell(&path);
                notes.into_iter().for_each(|note| self.note(&path, note));
            }
            wrong.into_iter().for_each(|mistake| self.mistake(&path, mistake));
            for (to, level, at) in next {
                if !known.insert((to.clone(), level)) {
                    continue;
                }
                if known.len() > MOST {
                    self.mistake(&path, Mistake::new(at, format!("more than {MOST} files: this one is not followed")));
                    return;
                }
                if !self.files.contains_key(&to) {
                    match read(&to) {
                        Ok((parsed, _)) => {
                            self.files.insert(to.clone(), parsed);
                        }
                        Err(unread) => {
                            let what = format!("the file {}: {}", to.display(), why_unread(&unread).1);
                            self.mistake(&path, Mistake::new(at, what));
                            continue;
                        }
                    }
                }
                todo.push((to, level));
            }
        }
    }

    /// What is found in a file by itself.
    fn tell(&mut self, path: &Path) {
        let Some(parsed) = self.files.get(path) else { return };
        let mut mistakes: Vec<Mistake> = all_mistakes(parsed).into_iter().cloned().collect();
        let mut hosts: HashSet<Position> = HashSet::new();
        for name in parsed.entries.iter().filter_map(|entry| entry.hosts.as_ref()) {
            if hosts.insert(name.at)
                && let Err(why) = file(&name.text, path, self.root, self.node)
            {
                mistakes.push(bad_file(&name.text, name.at, &why));
            }
        }
        let mut notes: Vec<Mistake> = parsed.notes.clone();
        notes.extend(parsed.entries.iter().flat_map(|entry| entry.notes.iter().cloned()));
        mistakes.into_iter().for_each(|mistake| self.mistake(path, mistake));
        notes.into_iter().for_each(|note| self.note(path, note));
    }

    /// The file that `who` ends in; none when it cannot be reached.
    fn end(&self, primary: &Path, who: &Who) -> Option<(PathBuf, &Parsed)> {
        let mut path = primary.to_owned();
        for _ in 0..3 {
            let parsed = self.files.get(&path)?;
            match jump(parsed, who) {
                None => return Some((path, parsed)),
                Some(redirection) => path = file(&redirection.file.text, &path, self.root, &who.node).ok()?,
            }
        }
        None
    }

    /// Writes what each print process finds.
    fn list(&mut self, primary: &Path) {
        let Some(first) = self.files.get(primary) else { return };
        let spoolers = named(first, self.node, |who| who.spooler.clone());
        let mut whos = Vec::new();
        for spooler in spoolers.iter().map(Some).chain([None]) {
            let node = spooler.and_then(|name| name.its_node()).unwrap_or(self.node);
            let names = spooler.iter().map(|name| name.name().to_owned()).collect();
            let who = Who { node: node.to_owned(), spooler: names, process: None };
            let Some((_, parsed)) = self.end(primary, &who) else {
                whos.push((spooler.map_or_else(String::new, |spooler| format!("SPOOLER {spooler}")), who));
                continue;
            };
            let processes = named(parsed, node, |scope| scope.process.clone().filter(|_| within(&who, scope)));
            let spooler_word = match spooler {
                Some(spooler) => format!("SPOOLER {spooler}"),
                None if spoolers.is_empty() => String::new(),
                None => "every other SPOOLER".to_owned(),
            };
            for process in processes.iter().map(Some).chain([None]) {
                let process_word = match process {
                    Some(process) => format!("PROCESS {process}"),
                    None if processes.is_empty() => String::new(),
                    None => "every other PROCESS".to_owned(),
                };
                let words = [spooler_word.as_str(), process_word.as_str()];
                let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let label =
                    if words.is_empty() { "every PROCESS of every SPOOLER".to_owned() } else { words.join(", ") };
                whos.push((label, Who { process: process.map(|name| name.name().to_owned()), ..who.clone() }));
                if whos.len() > MOST {
                    break;
                }
            }
        }
        let more = whos.len() > MOST;
        for (label, who) in whos.into_iter().take(MOST) {
            self.list_of(primary, &label, &who);
        }
        if more {
            let _ = writeln!(self.report.listing, "more than {MOST} print processes: the others are not listed");
        }
    }

    /// Writes what one print process finds.
    fn list_of(&mut self, primary: &Path, label: &str, who: &Who) {
        let Some((path, parsed)) = self.end(primary, who) else {
            let _ = writeln!(self.report.listing, "{label}: its file cannot be used");
            return;
        };
        let mut text = format!("{label}: {}\n", path.display());
        let mut first: BTreeMap<_, &DeviceEntry> = BTreeMap::new();
        let mut twice = Vec::new();
        for entry in parsed.entries.iter().filter(|entry| who.within(&entry.scope)) {
            if let Some(before) = first.insert(entry.name.key(&who.node), entry) {
                twice.push(second(entry, before));
                first.insert(entry.name.key(&who.node), before);
            }
            let hosts = entry.hosts.as_ref().and_then(|name| file(&name.text, &path, self.root, &who.node).ok());
            let shown = match &entry.entry {
                Ok(made) => describe(made, hosts.as_deref()),
                Err(_) => "cannot be used".to_owned(),
            };
            let _ = writeln!(text, "  {:<16} {shown}  (line {})", entry.name.to_string(), entry.at.line);
        }
        if first.is_empty() {
            text.push_str("  no devices\n");
        }
        self.report.listing.push_str(&text);
        twice.into_iter().for_each(|mistake| self.mistake(&path, mistake));
    }
}

/// Whether a scope is about `who`, whatever its process.
fn within(who: &Who, scope: &Scope) -> bool {
    who.within(&Scope { process: None, ..scope.clone() })
}

/// The names in the scopes of a file, each once, in the order of their keys.
fn named(parsed: &Parsed, node: &str, part: impl Fn(&Scope) -> Option<Arc<Named>>) -> Vec<Arc<Named>> {
    let scopes = parsed.entries.iter().map(|entry| &entry.scope).chain(parsed.redirections.iter().map(|r| &r.scope));
    let found: BTreeMap<_, _> = scopes.filter_map(part).map(|name| (name.key(node), name)).collect();
    found.into_values().collect()
}

/// What an entry comes to.
pub fn describe(entry: &Entry, hosts: Option<&Path>) -> String {
    let mut text = match &entry.way {
        Way::Own => "its own URI".to_owned(),
        Way::To(uri) => uri.to_string(),
    };
    let mut add = |name: &str, value: String| {
        let _ = write!(text, ", {name} {value}");
    };
    if let Some(limit) = entry.io_limit {
        add("TIMEOUT", seconds(limit));
    }
    if entry.refused_tries > 0 {
        add("POLLINT", seconds(entry.refused_every));
        add("POLLNUM", entry.refused_tries.to_string());
    }
    match entry.farewell {
        Farewell::Usual => {}
        Farewell::None => add("SHUTDOWNTO", "none".into()),
        Farewell::Required(time) => add("SHUTDOWNTO", seconds(time)),
    }
    if !entry.slow_pace.is_zero() {
        add("SLOWPACE", seconds(entry.slow_pace));
    }
    if let Some(hosts) = hosts {
        add("HOSTS", hosts.display().to_string());
    }
    text
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastp::fastcnfg::parser::parse;
    use crate::fastp::fastcnfg::read::Unread;
    use std::collections::HashMap;

    fn report(files: &[(&str, &str)]) -> Report {
        let files: HashMap<PathBuf, &str> = files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
        let parsed = |text: &&str| (Arc::new(parse(text.as_bytes())), 7);
        let read = |path: &Path| files.get(path).map(parsed).ok_or(Unread::Missing);
        check(Path::new("/b/FASTCNFG"), Path::new("/b"), "acme", &read)
    }

    fn findings(report: &Report) -> Vec<String> {
        let shown = |f: &Finding| {
            let note = if f.note { "note: " } else { "" };
            format!("{}:{}: {note}{}", f.path.display(), f.mistake.at, f.mistake.what)
        };
        report.findings.iter().map(shown).collect()
    }

    #[test]
    fn each_print_process_is_told_what_it_finds() {
        let report = report(&[
            (
                "/b/FASTCNFG",
                "HOSTS $S.N.HOSTS\nSPOOLER $SPL2 FASTCNFG = $D.P.LAB\n\
                 DEVICE $LP1 ADDRESS = h PORT = 9100 SHUTDOWNTO = 0 SLOWPACE = 150\nDEVICE lp2 CONTYPE = NONE TIMEOUT = 5",
            ),
            (
                "/b/guardian/d/p/lab",
                "PROCESS $FPA FASTCNFG = FPA\nDEVICE $LAB1 CONTYPE = FILE PATH = /x DEVICE $LAB2 A = 1",
            ),
            ("/b/guardian/d/p/fpa", "! nothing"),
        ]);
        assert_eq!(
            report.listing,
            "SPOOLER $SPL2, PROCESS $FPA: /b/guardian/d/p/fpa\n  no devices\n\
             SPOOLER $SPL2, every other PROCESS: /b/guardian/d/p/lab\n\
             \x20 $LAB1            file:///x  (line 2)\n  $LAB2            cannot be used  (line 2)\n\
             every other SPOOLER: /b/FASTCNFG\n\
             \x20 $LP1             socket://h:9100, POLLINT 1 s, POLLNUM 10, SHUTDOWNTO none, SLOWPACE 1.5 s, \
             HOSTS /b/guardian/s/n/hosts  (line 3)\n\
             \x20 $lp2             its own URI, TIMEOUT 5 s, HOSTS /b/guardian/s/n/hosts  (line 4)\n"
        );
        assert_eq!(findings(&report), ["/b/guardian/d/p/lab:2:52: there is no attribute 'A'"]);
    }

    #[test]
    fn a_file_is_told_once_and_what_has_no_effect_is_no_mistake() {
        let report = report(&[
            (
                "/b/FASTCNFG",
                "SPOOLER $A FASTCNFG = x SPOOLER $B FASTCNFG = x SPOOLER $C FASTCNFG = y\nDEVICE $D CONTYPE = NONE DELAY = 3",
            ),
            ("/b/x", "DEVICE $LP1 CONTYPE = FIEL\nDEVICE $LP2 CONTYPE = NONE\nDEVICE \\ACME.$LP2 CONTYPE = NONE"),
        ]);
        assert!(report.is_bad());
        assert_eq!(
            findings(&report),
            [
                "/b/FASTCNFG:2:26: note: DELAY has no effect in this version",
                "/b/FASTCNFG:1:71: the file /b/y: there is no such file",
                "/b/x:1:23: CONTYPE is one of NONE, TCP/IP, FILE, CHAR, FIFO, not 'FIEL'",
                "/b/x:3:1: \\ACME.$LP2 has a second entry: its first is in line 2",
            ]
        );
        assert!(report.listing.starts_with("SPOOLER $A: /b/x\n"), "{}", report.listing);
        assert!(report.listing.contains("SPOOLER $C: its file cannot be used"), "{}", report.listing);
    }

    #[test]
    fn a_file_that_says_nothing_is_well_formed_and_one_that_is_not_there_is_told() {
        let empty = report(&[("/b/FASTCNFG", "")]);
        assert_eq!(
            (empty.is_bad(), empty.listing.as_str()),
            (false, "every PROCESS of every SPOOLER: /b/FASTCNFG\n  no devices\n")
        );
        assert_eq!(report(&[]).unread.as_deref(), Some("/b/FASTCNFG: there is no such file"));
        let circle = report(&[("/b/FASTCNFG", "SPOOLER $A FASTCNFG = FASTCNFG")]);
        assert!(findings(&circle)[0].contains("in a file of level 2"), "{circle:?}");
    }
}
