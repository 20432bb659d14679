//! docs/first-hour.md, typed into a shell with the programs beside this test, and compared with what the page shows.
//!
//! Of an answer the words count, not how many blanks or dashes align them. `[..]` stands for anything within a line, `...`
//! for any lines, `? n` for the exit status where it is not 0. A command marked `# after a moment` looks at what happens
//! beside it: it is repeated, whenever the spool has changed, until it shows what the page shows.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, Site, program};
use spoolsuite::sys::watch::Watch;

/// The directory that the page uses.
const DIR: &str = "/tmp/first-hour";
/// Ends every answer, followed by the exit status.
const END: &str = "\u{1e}";

/// A command and what it answers.
struct Step {
    line: usize,
    command: String,
    answer: Vec<String>,
    status: i32,
}

/// The commands of the page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut typed = false;
    for (n, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            typed = line == "```console";
        } else if let (true, Some(command)) = (typed, line.strip_prefix("$ ")) {
            steps.push(Step { line: n + 1, command: command.to_owned(), answer: Vec::new(), status: 0 });
        } else if let (true, Some(step)) = (typed, steps.last_mut()) {
            match line.strip_prefix("? ") {
                Some(status) => step.status = status.parse().unwrap(),
                None => step.answer.push(line.to_owned()),
            }
        }
    }
    steps
}

/// A shell that stays, so that `cd` and `export` hold.
struct Session {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Session {
    fn new(mut command: Command) -> Self {
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = shell.stdin.take().unwrap();
        writeln!(input, "exec 2>&1").unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(shell.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { shell, input, lines }
    }

    /// What `command` answers, and its exit status.
    fn run(&mut self, command: &str) -> (Vec<String>, i32) {
        writeln!(self.input, "{{ {command}\n}} </dev/null; printf '\\n{END}%d\\n' $?").unwrap();
        let mut answer = Vec::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no answer in time: {command}"));
            match line.strip_prefix(END) {
                Some(status) => {
                    // The line that the end mark was put on, if the answer did not end inside one.
                    if answer.last().is_some_and(String::is_empty) {
                        answer.pop();
                    }
                    return (answer, status.parse().unwrap());
                }
                None => answer.push(line),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// A line without what only aligns it.
fn plain(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().map(|word| if word.chars().all(|c| c == '-') { "-" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Whether `line` is what `wanted` says, `[..]` standing for anything.
fn fits(wanted: &str, line: &str) -> bool {
    let mut parts = wanted.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether `answer` is what `wanted` says, `...` standing for any lines.
fn matches(wanted: &[String], answer: &[String]) -> bool {
    match (wanted.split_first(), answer.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "..." => (0..=answer.len()).any(|n| matches(rest, &answer[n..])),
        (Some((first, wanted)), Some((line, answer))) => fits(first, line) && matches(wanted, answer),
        _ => false,
    }
}

#[test]
fn the_first_hour_goes_as_it_is_written() {
    typed("docs/first-hour.md", DIR, 40);
}

/// Types the page `name`, which uses the directory `directory` and has more than `least` commands.
pub fn typed(name: &str, directory: &str, least: usize) {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().display().to_string();
    // Ends the print process when the test does.
    let site = Site::at(&dir.path().join("spool"));
    let programs = program("spoolcom").parent().unwrap().display().to_string();
    let mut command = Command::new("sh");
    site.dress(&mut command);
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    command
        .env("PATH", path)
        .env("PD_FASTP_IDLE", "120")
        .env("PD_HINTS", "always")
        .env_remove("PDBASE")
        .env_remove("ENV")
        .env("LC_ALL", "C");
    let mut session = Session::new(command);

    let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let steps = steps(&page.replace(directory, &here));
    assert!(steps.len() > least, "the page was not understood");
    for step in &steps {
        let wanted: Vec<String> = step.answer.iter().map(|line| plain(line)).collect();
        let end = Instant::now() + DEADLINE;
        loop {
            // Established before the look: a change between look and wait is not missed.
            let watch = Watch::new(&site.paths().write_lock());
            let (answer, status) = session.run(&step.command);
            let shown: Vec<String> = answer.iter().map(|line| plain(line)).collect();
            if status == step.status && matches(&wanted, &shown) {
                break;
            }
            let again = step.command.ends_with("# after a moment") && Instant::now() < end;
            assert!(
                again,
                "{name}, line {}: $ {}\nshould answer with status {}:\n{}\nbut answers with status {status}:\n{}\n{}",
                step.line,
                step.command,
                step.status,
                step.answer.join("\n"),
                answer.join("\n"),
                site.log()
            );
            // That a process has died changes nothing in the spool; so there is a look every second as well.
            watch.unwrap().wait(Duration::from_secs(1)).unwrap();
        }
    }
}

#[test]
fn wildcards_stand_for_what_they_should() {
    let text = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(fits("a [..] c", "a b c") && fits("[..]", "") && fits("a[..]", "a") && fits("a", "a"));
    assert!(!fits("a [..] c", "a b d") && !fits("a", "ab") && !fits("b[..]", "ab"));
    assert!(matches(&text(&["a", "...", "c"]), &text(&["a", "b", "b", "c"])));
    assert!(matches(&text(&["..."]), &[]) && matches(&text(&["a", "..."]), &text(&["a"])));
    assert!(!matches(&text(&["a"]), &text(&["a", "b"])) && !matches(&text(&["a"]), &[]));
    assert_eq!(plain("  --- ----  -3   x "), "- - -3 x");
}
