//! Completion for shells: `PROGRAM --complete SHELL …` writes the words that may stand at the cursor.
//!
//! The scripts in `completions/` call it. It is no option of the programs: it must be the first word, and is answered before the
//! command line is read. Nobody who presses a key wants a message or a pause, so whatever goes wrong (no spool, somebody else's,
//! a server that does not answer) leaves the answer empty, and after [`PATIENCE`] the program ends.
//!
//! | shell | words after it | answer |
//! |---|---|---|
//! | `bash` | the line up to the cursor, `COMP_WORDBREAKS` | fields that each end with a NUL: `nospace` or nothing, then what takes the place of the word |
//! | `zsh` | the words before the cursor, then the one at it, both without quotes | for each candidate three fields that end with a NUL: `open` or nothing, the word, what to show beside it |
//! | `fish` | the same | a line for each candidate: the word, a tab, what to show beside it |
//!
//! Is what somebody typed or declared ever run? No: zsh and fish get plain words and quote them themselves; for bash they are
//! quoted here ([`line::Place::quoted`]), for the quotes that are open at the cursor.

mod line;

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::shell::{Exit, Shell};
use crate::model::printable::escaped;
use line::Place;

/// The word that asks for completion.
const WORD: &str = "--complete";
/// How long a person may wait for an answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// The most words of one answer.
const MOST: usize = 1_000;
/// The most characters that are shown beside a word.
const NOTE: usize = 60;
/// How many words of which only one is possible are completed at once.
const DEEPEST: usize = 4;

/// A word that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word. It begins with what was typed.
    pub word: String,
    /// What is shown beside it.
    pub note: String,
    /// Whether it goes on: no blank follows.
    pub open: bool,
}

impl Candidate {
    /// A word that is whole.
    pub fn whole(word: impl Into<String>) -> Self {
        Self { word: word.into(), note: String::new(), open: false }
    }

    /// A word behind which something must follow.
    pub fn open(word: impl Into<String>) -> Self {
        Self { open: true, ..Self::whole(word) }
    }

    /// The same with something beside it.
    #[must_use]
    pub fn with(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// The place of the cursor: the words before it without the program's name, and the one at it, all without quotes.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    /// The words before it.
    pub before: &'a [String],
    /// What was typed of the word at it.
    pub word: &'a str,
    /// Whether that word was begun with a quote, so that signs of the shell need no other.
    pub in_quotes: bool,
}

/// Finds what may stand at a cursor.
pub type Find<'a> = dyn FnMut(Cursor<'_>, &mut Shell<'_>) -> Vec<Candidate> + 'a;

/// Returns `name` where it begins with `typed`, whatever the case: as it was declared, with its beginning as it was typed; in
/// lower case where that was.
pub fn named(name: &str, typed: &str) -> Option<String> {
    let rest = name.get(typed.len()..).filter(|_| name.is_char_boundary(typed.len()))?;
    if !name[..typed.len()].eq_ignore_ascii_case(typed) {
        return None;
    }
    let lower = typed.contains(|c: char| c.is_ascii_lowercase()) && !typed.contains(|c: char| c.is_ascii_uppercase());
    Some(if lower { name.to_ascii_lowercase() } else { format!("{typed}{rest}") })
}

/// Returns those of `words` that begin with `typed`.
pub fn words<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<Candidate> {
    words.into_iter().filter_map(|word| named(word, typed)).map(Candidate::whole).collect()
}

/// Whether these words, the program's name not among them, ask for completion.
pub fn is_asked(words: &[OsString]) -> bool {
    words.first().is_some_and(|word| word == WORD)
}

/// Whether the answer is being written.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// Ends this process after [`PATIENCE`], unless it writes its answer by then.
pub fn end_soon() {
    // Longer only in tests, which share their processors with others.
    let given = std::env::var("PD_COMPLETE_MS").ok().and_then(|ms| ms.parse().ok());
    let patience = given.map_or(PATIENCE, |ms: u32| Duration::from_millis(ms.into()));
    let end = move || {
        std::thread::sleep(patience);
        if !ANSWERS.load(Ordering::SeqCst) {
            std::process::exit(0);
        }
    };
    // Without a thread nothing of a spool is asked for: `answer` would have no limit.
    if std::thread::Builder::new().name("patience".into()).spawn(end).is_err() {
        std::process::exit(0);
    }
}

/// Answers `words`, which ask for completion, with what `find` finds.
pub fn answer(words: &[OsString], shell: &mut Shell<'_>, find: &mut Find<'_>) -> Exit {
    let words: Vec<String> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let text = match words.split_first() {
        Some((kind, [line, breaks])) if kind == "bash" => for_bash(line, breaks, shell, find),
        Some((kind, [before @ .., word])) if kind == "zsh" => {
            let found = limited(find(Cursor { before, word, in_quotes: false }, shell), word);
            found.iter().map(|one| format!("{}\0{}\0{}\0", flag(one.open, "open"), one.word, beside(one))).collect()
        }
        Some((kind, [before @ .., word])) if kind == "fish" => {
            let found = limited(find(Cursor { before, word, in_quotes: false }, shell), word);
            // Its list has a line for each of them.
            let lines = found.iter().filter(|one| !one.word.contains(|c: char| c.is_control()));
            lines.map(|one| format!("{}\t{}\n", one.word, beside(one))).collect()
        }
        _ => String::new(),
    };
    ANSWERS.store(true, Ordering::SeqCst);
    // Nobody reads a message while he types.
    let _ = shell.out.write_all(text.as_bytes());
    Exit::Done
}

fn for_bash(line: &str, breaks: &str, shell: &mut Shell<'_>, find: &mut Find<'_>) -> String {
    let Some(place) = Place::of(line, breaks) else { return String::new() };
    let mut typed = place.word.clone();
    let mut found = Vec::new();
    for _ in 0..DEEPEST {
        let cursor = Cursor { before: &place.before, word: &typed, in_quotes: place.is_quoted() };
        let more = limited(find(cursor, shell), &typed);
        if more.is_empty() {
            break;
        }
        found = more;
        // Of a single word bash would close the quotes, though it goes on.
        match found.as_slice() {
            [one] if one.open && place.is_quoted() && one.word != typed => typed = one.word.clone(),
            _ => break,
        }
    }
    if found.is_empty() {
        return String::new();
    }
    let open = found.iter().any(|one| one.open);
    let words = found.iter().filter_map(|one| place.quoted(&one.word)).map(|word| format!("{word}\0"));
    std::iter::once(format!("{}\0", flag(open, "nospace"))).chain(words).collect()
}

fn flag(on: bool, word: &'static str) -> &'static str {
    if on { word } else { "" }
}

/// The candidates that can stand there. None has an octet that would end a field, whatever a spool says.
fn limited(mut found: Vec<Candidate>, typed: &str) -> Vec<Candidate> {
    found.retain(|one| one.word.starts_with(typed) && !one.word.contains('\0'));
    found.truncate(MOST);
    found
}

/// What is shown beside a word: one short line.
fn beside(one: &Candidate) -> String {
    let note = escaped(&one.note);
    match note.char_indices().nth(NOTE) {
        Some((end, _)) => format!("{}…", &note[..end]),
        None => note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str], found: &[Candidate]) -> (String, Vec<String>) {
        let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), &b""[..]);
        let mut open = |_: Option<&str>, _| Err(crate::model::Failure::internal("nothing is opened"));
        let at = (std::path::PathBuf::from("/"), 0);
        let mut shell = Shell::of_script((&mut out, &mut err, &mut input), &|_| None, at, &mut open);
        let words: Vec<OsString> = std::iter::once(&"--complete").chain(words).map(OsString::from).collect();
        let mut cursor = Vec::new();
        let exit = answer(&words, &mut shell, &mut |at, _| {
            cursor = at.before.iter().cloned().chain([at.word.to_owned()]).collect();
            found.to_vec()
        });
        assert_eq!((exit, err.len()), (Exit::Done, 0));
        (String::from_utf8(out).unwrap(), cursor)
    }

    #[test]
    fn each_shell_has_its_form() {
        let found = [Candidate::whole("of$x").with("a\tb\n\u{1b}[2J"), Candidate::open("of=")];
        let (text, cursor) = asked(&["zsh", "-d", "of"], &found);
        assert_eq!(text, "\0of$x\0a\\tb\\n\\u{1b}[2J\0open\0of=\0\0");
        assert_eq!(cursor, ["-d", "of"]);
        assert_eq!(asked(&["fish", "of"], &found).0, "of$x\ta\\tb\\n\\u{1b}[2J\nof=\t\n");
        let (text, cursor) = asked(&["bash", "pdpr -d of", " \t\n\"'><=;|&(:"], &found);
        assert_eq!(text, "nospace\0of\\$x\0of=\0");
        assert_eq!(cursor, ["-d", "of"]);
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        for words in [&[][..], &["bash"], &["bash", "pdpr "], &["zsh"], &["tcsh", "x"]] {
            assert_eq!(asked(words, &[Candidate::whole("x")]).0, "", "{words:?}");
        }
    }

    #[test]
    fn what_does_not_begin_as_it_was_typed_is_left_out() {
        let found = [Candidate::whole("other"), Candidate::whole("of\0x"), Candidate::whole("of\nx")];
        assert_eq!(asked(&["fish", "of"], &found).0, "");
        assert_eq!(asked(&["zsh", "of"], &found).0, "\0of\nx\0\0");
    }

    #[test]
    fn a_name_comes_in_the_case_that_was_typed() {
        let cases = [("", "OFFICE.A"), ("of", "office.a"), ("Of", "OfFICE.A"), ("OF", "OFFICE.A")];
        for (typed, expected) in cases {
            assert_eq!(named("OFFICE.A", typed).as_deref(), Some(expected));
        }
        assert_eq!((named("OFFICE", "x"), named("é", "e"), named("OF", "office")), (None, None, None));
    }
}
