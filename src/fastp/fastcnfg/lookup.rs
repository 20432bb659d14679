//! Finds the entry of a device: from the primary file over at most two redirections (docs/reference/fastp.md 4.2).
//!
//! A redirection is a jump: whoever it names reads the other file and never comes back. A mistake in a file concerns
//! only those who read it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::lexer::{Mistake, Position};
use super::names::QualifiedName;
use super::parsed::{DeviceEntry, ParsedFile, Redirection, Scope};
use super::read::{ChangeTime, LARGEST, ReadError};
use crate::fastp::device::errors::Fault;
use crate::model::guardian::DeviceError;
use crate::model::guardian_file::file;

/// The name of the supervisor where none was chosen; a server answers to it and to its own.
pub const SUPERVISOR: &str = "SPLS";

/// Who looks a device up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The node: the name of the server.
    pub node: String,
    /// The names of the spooler.
    pub spooler: Vec<String>,
    /// The print process; none = one that no file names.
    pub process: Option<String>,
}

impl Requester {
    /// Creates the requester for a print process of the server `node`.
    pub fn new(node: &str, process: &str) -> Self {
        Self { node: node.into(), spooler: vec![SUPERVISOR.into(), node.into()], process: Some(process.into()) }
    }

    fn is_of(&self, spooler: &QualifiedName) -> bool {
        self.spooler.iter().any(|name| spooler.is(name, &self.node))
    }

    fn is(&self, process: &QualifiedName) -> bool {
        self.process.as_ref().is_some_and(|name| process.is(name, &self.node))
    }

    /// Whether `scope` includes it.
    pub fn within(&self, scope: &Scope) -> bool {
        scope.spooler.as_ref().is_none_or(|spooler| self.is_of(spooler))
            && scope.process.as_ref().is_none_or(|process| self.is(process))
    }
}

/// A file that was read, or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitedFile {
    /// The file.
    pub path: PathBuf,
    /// When it was last changed.
    pub stamp: ChangeTime,
}

/// An entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEntry {
    /// What it says.
    pub entry: Entry,
    /// The file of hosts.
    pub hosts: Option<PathBuf>,
    /// `file:line`.
    pub place: String,
}

/// Why a device cannot be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupError {
    /// What is wrong.
    pub error: DeviceError,
    /// File, line, column and reason.
    pub text: String,
    /// Its kind.
    pub kind: LookupErrorKind,
}

/// Kinds of [`LookupError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupErrorKind {
    /// A file must be changed.
    Mistake,
    /// It may pass without a file being changed: permissions, a disk.
    Passing,
    /// There is no primary file.
    NoFile,
    /// The files are well formed and say nothing about the device, which has no URI either.
    NoEntry,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupResult {
    /// The files on the route, the primary first.
    pub seen: Vec<VisitedFile>,
    /// The entry; none when there is none.
    pub found: Result<Option<FoundEntry>, LookupError>,
    /// The file in which the route ended.
    pub last: PathBuf,
}

/// What a file says, and when it was last changed.
pub type FileReader<'a> = dyn Fn(&Path) -> Result<(Arc<ParsedFile>, i128), ReadError> + 'a;

/// Finds what is wrong with a file for everybody who reads it at a level.
pub type MistakeFinder<'a> = dyn Fn(&Path, &ParsedFile, u32) -> Option<Mistake> + 'a;

/// Where the redirections of a print process end.
#[derive(Clone, Debug)]
pub struct RouteEnd {
    /// The files on the route, the primary first.
    pub seen: Vec<VisitedFile>,
    /// The last of them.
    pub path: PathBuf,
    /// What it says, if it could be read and parsed.
    pub parsed: Option<Arc<ParsedFile>>,
    /// Why nothing on this route can be used, if that is so.
    pub broken: Option<LookupError>,
}

/// Looks up the entry of `device` for `requester`, starting at the file `primary`.
pub fn look_up(
    primary: &Path,
    root: &Path,
    requester: &Requester,
    device: &QualifiedName,
    read: &FileReader<'_>,
) -> LookupResult {
    let RouteEnd { seen, path, parsed, broken } =
        route(primary, root, requester, read, &|_, parsed, level| first_mistake(parsed, level, &requester.node));
    let found = match (parsed, broken) {
        (_, Some(broken)) => Err(broken),
        (Some(parsed), None) => entry(&parsed, &path, root, requester, device),
        (None, None) => Ok(None),
    };
    LookupResult { seen, found, last: path }
}

/// Follows the redirections of `requester`, starting at the file `primary`.
pub fn route(
    primary: &Path,
    root: &Path,
    requester: &Requester,
    read: &FileReader<'_>,
    wrong: &MistakeFinder<'_>,
) -> RouteEnd {
    let (mut path, mut level, mut seen) = (primary.to_owned(), 1, Vec::new());
    let (parsed, broken) = loop {
        let parsed = match read(&path) {
            Ok((parsed, stamp)) => {
                seen.push(VisitedFile { path: path.clone(), stamp: Some(stamp) });
                parsed
            }
            Err(read_error) => {
                seen.push(VisitedFile { path: path.clone(), stamp: None });
                break (None, Some(unusable_file(&path, &read_error, level)));
            }
        };
        if let Some(mistake) = wrong(&path, &parsed, level) {
            break (Some(parsed), Some(mistake_error(&path, &mistake)));
        }
        let next = match redirection_for(&parsed, requester) {
            None => break (Some(parsed), None),
            Some(redirection) => match file(&redirection.file.text, &path, root, &requester.node) {
                Ok(next) => (next, level_after(redirection)),
                Err(why) => {
                    let mistake = bad_file(&redirection.file.text, redirection.file.at, &why);
                    break (Some(parsed), Some(mistake_error(&path, &mistake)));
                }
            },
        };
        (path, level) = next;
    };
    RouteEnd { seen, path, parsed, broken }
}

/// Returns the first thing that is wrong with a file for everybody who reads it at this level.
pub fn first_mistake(parsed: &ParsedFile, level: u32, node: &str) -> Option<Mistake> {
    parsed.mistakes.first().cloned().or_else(|| rule_mistakes(parsed, level, node).into_iter().next())
}

/// Returns the level of the file that a redirection leads to.
pub fn level_after(redirection: &Redirection) -> u32 {
    if redirection.scope.process.is_some() { 3 } else { 2 }
}

/// Returns the mistake of a file name that leads nowhere.
pub fn bad_file(text: &str, at: Position, why: &str) -> Mistake {
    Mistake::new(at, format!("the file '{}': {why}", super::lexer::shown(text)))
}

fn mistake_error(path: &Path, mistake: &Mistake) -> LookupError {
    let hint = mistake.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let text = format!("{}:{}: {}{hint}", path.display(), mistake.at, mistake.what);
    LookupError { error: DeviceError::FastcnfgMistake, text, kind: LookupErrorKind::Mistake }
}

fn unusable_file(path: &Path, read_error: &ReadError, level: u32) -> LookupError {
    let (error, why) = read_error_words(read_error);
    let kind = match read_error {
        ReadError::Missing if level == 1 => LookupErrorKind::NoFile,
        ReadError::Missing | ReadError::TooLarge => LookupErrorKind::Mistake,
        ReadError::Failed(_) | ReadError::Dangling | ReadError::Changing => LookupErrorKind::Passing,
    };
    LookupError { error, text: format!("{}: {why}", path.display()), kind }
}

/// Why a file cannot be read, as an error and in words.
pub fn read_error_words(read_error: &ReadError) -> (DeviceError, String) {
    match read_error {
        ReadError::Missing => (DeviceError::NoDirectory, "there is no such file".into()),
        ReadError::Dangling => (DeviceError::NoDirectory, "it is a link, and nothing is where it leads".into()),
        ReadError::Failed(error) => {
            let fault = Fault::of("it cannot be read", error);
            (fault.error, fault.text)
        }
        ReadError::TooLarge => (DeviceError::FileTooLarge, format!("it has more than {LARGEST} octets")),
        ReadError::Changing => (DeviceError::ChangedMeanwhile, "it changes while it is read".into()),
    }
}

/// Returns what is wrong with a file at this level although each part of it is well formed.
pub fn rule_mistakes(parsed: &ParsedFile, level: u32, node: &str) -> Vec<Mistake> {
    let mut wrong = Vec::new();
    let mut known = HashSet::new();
    for redirection in &parsed.redirections {
        let (process, line) = (redirection.scope.process.is_some(), redirection.at);
        let what = if process { "PROCESS" } else { "SPOOLER" };
        if level == 3 || (level == 2 && !process) {
            let text = format!("{what} with FASTCNFG = in a file of level {level}");
            let hint = "a SPOOLER leads from the primary file to level 2, a PROCESS from there to level 3, which has devices only";
            wrong.push(Mistake::new(line, text).hint(hint));
        }
        let key = |name: &Option<Arc<QualifiedName>>| name.as_ref().map(|name| name.key(node));
        if !known.insert((key(&redirection.scope.spooler), key(&redirection.scope.process))) {
            wrong.push(Mistake::new(line, format!("this {what} is given a second FASTCNFG =")));
        }
    }
    wrong
}

/// Returns the redirection that `requester` takes from this file; a spooler's before a process's.
pub fn redirection_for<'a>(parsed: &'a ParsedFile, requester: &Requester) -> Option<&'a Redirection> {
    let ours = || parsed.redirections.iter().filter(|redirection| requester.within(&redirection.scope));
    ours().find(|redirection| redirection.scope.process.is_none()).or_else(|| ours().next())
}

/// Returns the mistake of an entry whose device already has one that the same process sees.
pub fn second_entry(entry: &DeviceEntry, first: &DeviceEntry) -> Mistake {
    Mistake::new(entry.at, format!("{} has a second entry: its first is in line {}", entry.name, first.at.line))
}

fn entry(
    parsed: &ParsedFile,
    path: &Path,
    root: &Path,
    requester: &Requester,
    device: &QualifiedName,
) -> Result<Option<FoundEntry>, LookupError> {
    let ours = |entry: &&DeviceEntry| entry.name.same(device, &requester.node) && requester.within(&entry.scope);
    let mut ours = parsed.named(device.name()).filter(ours);
    let Some(found) = ours.next() else { return Ok(None) };
    if let Some(another) = ours.next() {
        return Err(mistake_error(path, &second_entry(another, found)));
    }
    resolve_entry(found, path, root, requester).map(Some).map_err(|mistake| mistake_error(path, &mistake))
}

/// Resolves the only entry of its name that `requester` sees.
///
/// # Errors
/// Returns what is wrong with it.
pub fn resolve_entry(
    found: &DeviceEntry,
    path: &Path,
    root: &Path,
    requester: &Requester,
) -> Result<FoundEntry, Mistake> {
    let entry = match &found.entry {
        Ok(entry) => entry.clone(),
        Err(mistakes) => {
            let unknown = || Mistake::new(found.at, "the entry cannot be used");
            return Err(mistakes.first().cloned().unwrap_or_else(unknown));
        }
    };
    let hosts = match &found.hosts {
        None => None,
        Some(name) => {
            Some(file(&name.text, path, root, &requester.node).map_err(|why| bad_file(&name.text, name.at, &why))?)
        }
    };
    Ok(FoundEntry { entry, hosts, place: format!("{}:{}", path.display(), found.at.line) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastp::fastcnfg::parser::parse;
    use std::collections::HashMap;

    /// What `process` of `acme` finds for `$LP1`: the place, or the words of what is wrong.
    fn found(files: &[(&str, &str)], process: &str) -> String {
        let files: HashMap<PathBuf, &str> = files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
        let parsed = |text: &&str| (Arc::new(parse(text.as_bytes())), 7);
        let read = |path: &Path| files.get(path).map(parsed).ok_or(ReadError::Missing);
        let device = QualifiedName::read("$LP1", true).unwrap();
        let look = look_up(Path::new("/b/FASTCNFG"), Path::new("/b"), &Requester::new("acme", process), &device, &read);
        match look.found {
            Ok(Some(found)) => found.place,
            Ok(None) => format!("nothing in {}", look.last.display()),
            Err(unusable) => unusable.text,
        }
    }

    #[test]
    fn a_redirection_is_a_jump_and_not_an_include() {
        let files = [
            ("/b/FASTCNFG", "SPOOLER $SPLS FASTCNFG = $D.P.LAB SPOOLER $X FASTCNFG = x\nDEVICE $LP1 CONTYPE = NONE"),
            ("/b/guardian/d/p/lab", "PROCESS $FPA FASTCNFG = FPA\n\nDEVICE $LP1 CONTYPE = NONE"),
            ("/b/guardian/d/p/fpa", "DEVICE $LP3 CONTYPE = NONE"),
        ];
        assert_eq!(found(&files, "FPA"), "nothing in /b/guardian/d/p/fpa");
        assert_eq!(found(&files, "FPB"), "/b/guardian/d/p/lab:3");
        let others = [("/b/FASTCNFG", "SPOOLER $X FASTCNFG = x\nDEVICE $LP1 CONTYPE = NONE")];
        assert_eq!(found(&others, "FPA"), "/b/FASTCNFG:2");
        for ours in ["\\ACME.$SPLS", "acme", "\\acme.$acme"] {
            let files = [("/b/FASTCNFG", format!("SPOOLER {ours} FASTCNFG = /n"))];
            assert_eq!(found(&[(files[0].0, &files[0].1)], "A"), "/n: there is no such file", "{ours}");
        }
        let west = [("/b/FASTCNFG", "SPOOLER \\WEST.$SPLS FASTCNFG = /n DEVICE \\WEST.$LP1 CONTYPE = NONE")];
        assert_eq!(found(&west, "A"), "nothing in /b/FASTCNFG");
    }

    #[test]
    fn a_level_says_who_may_lead_on() {
        let two = |second: &str| {
            let files = [
                ("/b/FASTCNFG", "SPOOLER $SPLS FASTCNFG = two"),
                ("/b/two", second),
                ("/b/three", "PROCESS $Z FASTCNFG = x"),
            ];
            found(&files, "FPA")
        };
        assert!(
            two("SPOOLER $OTHER FASTCNFG = x").starts_with("/b/two:1:1: SPOOLER with FASTCNFG = in a file of level 2")
        );
        assert!(
            two("PROCESS $FPA FASTCNFG = three")
                .starts_with("/b/three:1:1: PROCESS with FASTCNFG = in a file of level 3")
        );
        assert_eq!(two("PROCESS $FPB FASTCNFG = three"), "nothing in /b/two");
        assert!(
            found(&[("/b/FASTCNFG", "SPOOLER $SPLS FASTCNFG = FASTCNFG")], "A").contains("in a file of level 2"),
            "a circle"
        );
        let twice = "SPOOLER $Q FASTCNFG = a SPOOLER \\acme.$q FASTCNFG = b";
        assert_eq!(
            found(&[("/b/FASTCNFG", twice)], "A"),
            "/b/FASTCNFG:1:25: this SPOOLER is given a second FASTCNFG ="
        );
        assert!(two("PROCESS $FPA FASTCNFG = $A.B").contains("/b/two:1:25: the file '$A.B'"));
        assert_eq!(
            found(&[("/b/FASTCNFG", "PROCESS $FPA FASTCNFG = p"), ("/b/p", "DEVICE LP1 URI = null:")], "FPA"),
            "/b/p:1"
        );
    }

    #[test]
    fn entries_belong_to_the_spooler_and_process_above_them() {
        let text = "SPOOLER $OTHER DEVICE $LP1 CONTYPE = NONE\nSPOOLER $SPLS PROCESS $FPA\nDEVICE $LP1 CONTYPE = NONE\n\
                    PROCESS $FPB\nDEVICE $LP1 CONTYPE = NONE";
        let files = [("/b/FASTCNFG", text)];
        assert_eq!(found(&files, "FPA"), "/b/FASTCNFG:3");
        assert_eq!(found(&files, "FPB"), "/b/FASTCNFG:5");
        assert_eq!(found(&files, "FPC"), "nothing in /b/FASTCNFG");
        let twice = "DEVICE $LP1 CONTYPE = NONE\nPROCESS $FPA DEVICE \\acme.lp1 CONTYPE = NONE";
        let files = [("/b/FASTCNFG", twice)];
        assert_eq!(found(&files, "FPB"), "/b/FASTCNFG:1");
        assert!(
            found(&files, "FPA").starts_with("/b/FASTCNFG:2:14: \\acme.lp1 has a second entry: its first is in line 1")
        );
    }

    #[test]
    fn a_mistake_of_another_device_concerns_nobody_else() {
        let files = [("/b/FASTCNFG", "DEVICE $X NONSENSE = 1\nDEVICE $LP1 CONTYPE = NONE")];
        assert_eq!(found(&files, "A"), "/b/FASTCNFG:2");
        let files = [("/b/FASTCNFG", "DEVICE $LP1 CONTYP = NONE")];
        assert_eq!(found(&files, "A"), "/b/FASTCNFG:1:13: there is no attribute 'CONTYP' (did you mean CONTYPE?)");
        assert_eq!(found(&[], "A"), "/b/FASTCNFG: there is no such file");
        assert!(found(&[("/b/FASTCNFG", "HOSTS $A DEVICE $LP1 CONTYPE = NONE")], "A").contains(":1:7: the file '$A'"));
    }
}
