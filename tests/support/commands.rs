//! What holds for every text that is typed as commands of SPOOLCOM. Shared by the tests and the fuzz target.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use spoolsuite::commands::shell::{Exit, Intent, Shell};
use spoolsuite::commands::spoolcom;
use spoolsuite::model::{Failure, FailureKind};
use spoolsuite::spool::interface::operations::{Carrier, Operations, Reply, Request};

/// A spool that has nothing, and counts what it is asked.
struct Nothing(Arc<Mutex<usize>>);

impl Carrier for Nothing {
    fn carry(&mut self, request: Request, _: Vec<OwnedFd>) -> Result<Reply, Failure> {
        *self.0.lock().expect("nobody panics with the lock") += 1;
        Err(Failure::new(FailureKind::NotFound, format!("{} finds nothing", request.name())))
    }
}

/// What a run did.
struct Ran {
    exit: Exit,
    out: String,
    err: String,
    /// How often the spool was asked, or opened.
    asked: usize,
}

/// Runs `spoolcom` with these words, and `input` at its standard input.
fn run(words: &[&str], input: &str) -> Ran {
    let asked = Arc::new(Mutex::new(0));
    let mut open = |_: Option<&str>, _: Intent| -> Result<Box<dyn Operations>, Failure> {
        *asked.lock().expect("nobody panics with the lock") += 1;
        Ok(Box::new(Nothing(Arc::clone(&asked))))
    };
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), input.as_bytes());
    let mut shell = Shell {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        out_is_terminal: false,
        err_is_terminal: true,
        input_is_terminal: false,
        terminal: None,
        env: &|_| None,
        cwd: PathBuf::from("/nonexistent"),
        now_ms: 1_795_251_976_000,
        open: &mut open,
    };
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let exit = spoolcom::run(&words, &mut shell);
    let asked = *asked.lock().expect("nobody panics with the lock");
    let text = |octets| String::from_utf8(octets).expect("output is UTF-8");
    Ran { exit, out: text(out), err: text(err), asked }
}

fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}

/// Types `octets` in every way there is: panics when a line that was refused has an effect, when the judgement of `--check`
/// is not what happens, or when a control character reaches the terminal.
pub fn holds(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let judged = run(&["--check", "-", "--json"], &text);
    assert_eq!(judged.asked, 0, "--check asks no spool: {text:?}");
    assert!(is_harmless(&judged.out) && is_harmless(&judged.err), "{text:?}");
    // A name with a slash may be a file that is written: such a text is only judged.
    if text.contains('/') {
        return;
    }
    let file = run(&["--no-wait", "--in", "-"], &text);
    assert!(is_harmless(&file.err), "{text:?}: {:?}", file.err);
    if file.exit == Exit::Usage {
        assert_eq!(file.asked, 0, "status 2 says that nothing of a file was carried out: {text:?}");
    }
    if judged.exit != Exit::Usage && !judged.out.is_empty() {
        let all: serde_json::Value = serde_json::from_str(&judged.out).expect("it is JSON");
        // What only the spool refuses is asked of it.
        let refused = |one: &serde_json::Value| {
            one["verdict"] == "lacking" && !one["notes"][0]["text"].as_str().unwrap_or_default().starts_with("FILE ")
        };
        if all.as_array().is_some_and(|all| all.iter().all(refused)) {
            assert_eq!(file.asked, 0, "a refused line has no effect: {text:?}");
        }
    }
    // A command line is checked as a whole; what looks like an option is one.
    if text.trim_start().starts_with('-') || text.contains('\0') {
        return;
    }
    let line = run(&["--no-wait", "--json", &text], "");
    assert!(is_harmless(&line.err), "{text:?}: {:?}", line.err);
    if line.exit == Exit::Usage {
        assert_eq!((line.asked, line.out.as_str()), (0, ""), "a refused command line has no effect: {text:?}");
    }
}
