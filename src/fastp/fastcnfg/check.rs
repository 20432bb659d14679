//! `fastp --check`: reads a FASTCNFG file and everything it leads to, each file once, and says what each print process of
//! each spooler would find there, what is wrong, and what has no effect.

mod listing;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::listing::describe;
use super::lexer::{Mistake, Position};
use super::lookup::{FileReader, bad_file, level_after, read_error_words, rule_mistakes};
use super::parsed::{ParsedFile, all_mistakes};
use crate::model::guardian_file::file;

/// The most files that are followed.
const MOST: usize = 1000;
/// The most mistakes, and the most notes, that are shown.
const SHOWN: usize = 100;

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
    /// Whether it is only a note: it has no effect, or needs attention.
    pub note: bool,
}

impl Report {
    /// Whether something is wrong.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| !finding.note)
    }

    /// Returns the mistakes and notes to show, in order, and how many more of each there are.
    pub fn shown(&self) -> (Vec<&Finding>, [usize; 2]) {
        let mut counted = [0; 2];
        let mut shown = Vec::new();
        for finding in &self.findings {
            let count = &mut counted[usize::from(finding.note)];
            *count += 1;
            if *count <= SHOWN {
                shown.push(finding);
            }
        }
        (shown, counted.map(|count| count.saturating_sub(SHOWN)))
    }
}

/// Checks the file `primary` of a spool at `root` whose server is called `node` (empty: not known).
pub fn check(primary: &Path, root: &Path, node: &str, read: &FileReader<'_>) -> Report {
    let mut checker = Checker {
        root,
        node,
        files: BTreeMap::new(),
        twice: HashSet::new(),
        reported: HashSet::new(),
        report: Report::default(),
    };
    match read(primary) {
        Ok((parsed, _)) => {
            checker.files.insert(primary.to_owned(), parsed);
        }
        Err(read_error) => {
            checker.report.unread = Some(format!("{}: {}", primary.display(), read_error_words(&read_error).1));
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
    files: BTreeMap<PathBuf, Arc<ParsedFile>>,
    /// Entries reported as second ones.
    twice: HashSet<(PathBuf, Position)>,
    /// The mistakes and notes already in the report.
    reported: HashSet<(PathBuf, Mistake)>,
    report: Report,
}

impl Checker<'_> {
    fn mistake(&mut self, path: &Path, mistake: Mistake) {
        if self.reported.insert((path.to_owned(), mistake.clone())) {
            self.report.findings.push(Finding { path: path.to_owned(), mistake, note: false });
        }
    }

    fn note(&mut self, path: &Path, mistake: Mistake) {
        // A note about a DEFAULT would otherwise appear for every device that has it.
        if self.reported.insert((path.to_owned(), mistake.clone())) {
            self.report.findings.push(Finding { path: path.to_owned(), mistake, note: true });
        }
    }

    /// Reads everything that the primary file leads to.
    fn follow(&mut self, primary: &Path, read: &FileReader<'_>) {
        let mut todo = vec![(primary.to_owned(), 1)];
        let mut known: HashSet<(PathBuf, u32)> = todo.iter().cloned().collect();
        let mut reported = HashSet::new();
        while let Some((path, level)) = todo.pop() {
            let Some(parsed) = self.files.get(&path) else { continue };
            let mut wrong = rule_mistakes(parsed, level, self.node);
            let mut next = Vec::new();
            let mut notes = Vec::new();
            for redirection in &parsed.redirections {
                let name = &redirection.file;
                match file(&name.text, &path, self.root, self.node) {
                    Ok(to) if level < 3 => next.push((to, level_after(redirection), name.at)),
                    Ok(_) => {}
                    Err(why) => wrong.push(bad_file(&name.text, name.at, &why)),
                }
                if level == 1 && redirection.scope.process.is_some() {
                    let what =
                        "PROCESS leads on from the primary file: elsewhere it does so from a file of level 2 only";
                    notes.push(Mistake::new(redirection.at, what));
                }
            }
            if reported.insert(path.clone()) {
                self.report_file(&path);
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
                        Err(read_error) => {
                            let what = format!("the file {}: {}", to.display(), read_error_words(&read_error).1);
                            self.mistake(&path, Mistake::new(at, what));
                            continue;
                        }
                    }
                }
                todo.push((to, level));
            }
        }
    }

    /// Reports the mistakes and notes of one file.
    fn report_file(&mut self, path: &Path) {
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
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
