//! docs/doors.md, typed into a shell as an operator, and compared with what the page shows: words count, not the blanks that
//! align them; `[..]` is anything within a line, `? n` the exit status where it is not 0, and a command marked `# after a moment` is
//! repeated until it shows what the page shows.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::time::Instant;

use super::doors::installed;
use super::support::{DEADLINE, Machine, OPERATOR, Outcome};

struct Step {
    line: usize,
    command: String,
    answer: Vec<String>,
    status: i32,
}

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
                None => step.answer.push(plain(line)),
            }
        }
    }
    steps
}

fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fits(wanted: &str, line: &str) -> bool {
    let parts: Vec<&str> = wanted.split("[..]").collect();
    let [first, middle @ .., last] = parts.as_slice() else { return wanted == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A port that nobody listens at.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn the_page_of_doors_goes_as_it_is_written() {
    let Some(machine) = Machine::new() else { return };
    if !installed("/usr/bin/rlpr")
        || !installed("/usr/bin/lp")
        || !installed("/usr/bin/lprm")
        || !installed("/usr/lib/cups/backend/socket")
    {
        return;
    }
    let here = machine.path("page");
    std::fs::create_dir(&here).unwrap();
    chown(&here, Some(OPERATOR), Some(OPERATOR)).unwrap();
    // The server of this machine is not the one of the page.
    let programs = machine.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let own = machine.path("pdserver");
    std::fs::write(
        programs.join("pdserver"),
        format!("#!/bin/sh\nexec {} \"$@\" --socket \"$PD_SOCKET\"\n", own.display()),
    )
    .unwrap();
    for path in [&programs, &programs.join("pdserver")] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}:/usr/bin:/bin", programs.display(), machine.dir.path().display());
    let page = include_str!("../../../docs/doors.md").replace("/tmp/doors", here.to_str().unwrap());
    let page = page.replace("/run/pd/", &format!("{}/", machine.path("run").display()));
    let page = page.replace("5515", &free_port()).replace("9109", &free_port());
    let steps = steps(&page);
    assert!(steps.len() >= 20, "the page was not understood");
    for step in &steps {
        let end = Instant::now() + DEADLINE;
        loop {
            let line = format!("exec 2>&1; cd '{}'\n{}\n", here.display(), step.command);
            let mut command = machine.command_at(OPERATOR, Path::new("/bin/sh"));
            command.args(["-c", &line]).env("PATH", &path).env("LC_ALL", "C");
            let said = Outcome::of_foreign(&mut command);
            let shown: Vec<String> = said.out.lines().map(plain).collect();
            let same = shown.len() == step.answer.len() && step.answer.iter().zip(&shown).all(|(a, b)| fits(a, b));
            if same && said.status == step.status {
                break;
            }
            assert!(
                step.command.ends_with("# after a moment") && Instant::now() < end,
                "docs/doors.md, line {}: $ {}\nshould answer with status {}:\n{}\nand answers with {said:#?}\n{}",
                step.line,
                step.command,
                step.status,
                step.answer.join("\n"),
                machine.log()
            );
        }
    }
}
