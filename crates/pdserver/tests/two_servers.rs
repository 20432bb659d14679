//! docs/secure-release.md, the part about two servers: typed into two shells, one for each, and compared with what the page shows.
//!
//! Of an answer the words count, not how many blanks or dashes align them; `[..]` stands for anything within a line. A command marked
//! `# after a moment` is repeated until it shows what the page shows.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::DEADLINE;

/// What the page calls the directory, and the addresses of its servers.
const DIRECTORY: &str = "/tmp/two-servers";
const ADDRESSES: [&str; 2] = ["127.0.0.101", "127.0.0.102"];
/// Ends every answer, followed by the exit status.
const END: &str = "\u{1e}";

/// A shell that stays, so that `cd` and `export` hold.
struct Shell {
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn new(home: &Path) -> Self {
        let test = std::env::current_exe().unwrap();
        let programs = test.parent().and_then(Path::parent).unwrap().display().to_string();
        let mut command = Command::new("sh");
        command
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("HOME", home)
            .env("PD_FASTP_IDLE", "0.2")
            .env("PD_HINTS", "always")
            .env("PD_CONFIRM_DELETE", "no")
            .env("TZ", "UTC")
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        Self { shell, input, output }
    }

    /// Types a command. Returns what it answers, and its status.
    fn run(&mut self, command: &str) -> (Vec<String>, i32) {
        // What runs on in the background must not keep the answer open.
        writeln!(self.input, "{{ {command}\n}} 2>&1 < /dev/null; printf '\\n{END}%d\\n' $?").unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the shell ended after {command}");
            let line = line.trim_end_matches('\n');
            if let Some(status) = line.strip_prefix(END) {
                while lines.last().is_some_and(String::is_empty) {
                    lines.pop();
                }
                return (lines, status.parse().unwrap());
            }
            lines.push(line.to_owned());
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Ends the servers of the page, however the test ends; also when their directories are gone.
struct Servers(PathBuf);

impl Drop for Servers {
    fn drop(&mut self) {
        let pid = |name: &str| std::fs::read_to_string(self.0.join(name)).ok()?.trim().parse().ok();
        let pids: Vec<i32> = ["acme1.pid", "acme2.pid"].into_iter().filter_map(pid).collect();
        let _ = std::fs::remove_dir_all(&self.0);
        let end = Instant::now() + DEADLINE;
        for pid in pids {
            let lives = || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                stat.contains("(pdserver)") && !stat.contains(") Z")
            };
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            while lives() && Instant::now() < end {
                std::thread::yield_now();
            }
            let is_late = lives();
            if is_late {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            assert!(!is_late || std::thread::panicking(), "a server did not end when it was told to");
        }
    }
}

/// Where it stands in the page, the shell, the command, its answer and its status.
type Step = (usize, usize, String, Vec<String>, i32);

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut typed = false;
    for (n, line) in page.lines().enumerate() {
        let command = ["acme1$ ", "acme2$ "].iter().position(|prompt| line.starts_with(prompt));
        match (typed, command, steps.last_mut()) {
            _ if line.starts_with("```") => typed = line == "```console two",
            (true, Some(shell), _) => steps.push((n + 1, shell, line[7..].to_owned(), Vec::new(), 0)),
            (true, None, Some(step)) => match line.strip_prefix("? ") {
                Some(status) => step.4 = status.parse().unwrap(),
                None => step.3.push(line.to_owned()),
            },
            _ => {}
        }
    }
    steps
}

fn plain(line: &str) -> String {
    let words = line.split_whitespace();
    words.map(|word| if word.chars().all(|c| c == '-') { "-" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Whether a line is what the page shows.
fn fits(wanted: &str, shown: &str) -> bool {
    let mut parts = wanted.split("[..]");
    let Some(mut rest) = parts.next().and_then(|first| shown.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        match rest.find(part) {
            _ if parts.peek().is_none() => return rest.ends_with(part),
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[test]
fn the_page_of_two_servers_goes_as_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().display().to_string();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/secure-release.md");
    let mut page = std::fs::read_to_string(page).unwrap().replace(DIRECTORY, &here);
    let own = std::process::id();
    for (n, address) in ADDRESSES.iter().enumerate() {
        // Other tests use other addresses.
        page = page.replace(address, &format!("127.{}.{}.{}", 201 + n, own >> 8 & 0xff, own & 0xff));
    }
    let steps = steps(&page);
    assert!(steps.len() > 25, "the page was not understood");
    let _servers = Servers(dir.path().to_owned());
    let mut shells = [Shell::new(dir.path()), Shell::new(dir.path())];
    let log = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    for (line, shell, command, answer, status) in &steps {
        let wanted: Vec<String> = answer.iter().map(|line| plain(line)).collect();
        let end = Instant::now() + DEADLINE;
        loop {
            let (shown, ended) = shells[*shell].run(command);
            let words: Vec<String> = shown.iter().map(|line| plain(line)).collect();
            let same =
                words.len() == wanted.len() && wanted.iter().zip(&words).all(|(wanted, line)| fits(wanted, line));
            if ended == *status && same {
                break;
            }
            assert!(
                command.ends_with("# after a moment") && Instant::now() < end,
                "line {line}: $ {command}\nshould answer with status {status}:\n{}\nbut answers with {ended}:\n{}\n{}{}",
                answer.join("\n"),
                shown.join("\n"),
                log("acme1.log"),
                log("acme2.log")
            );
        }
    }
}

#[test]
fn wildcards_stand_for_what_they_should() {
    assert!(fits("a [..] c", "a b c") && fits("[..]", "") && fits("a[..]", "a") && fits("a", "a"));
    assert!(!fits("a [..] c", "a b d") && !fits("a", "ab") && !fits("b[..]", "ab") && fits("[..]x[..]y", "1x2y"));
}
