//! `lp`, `lpr`, `lpq`, `lprm`, `lpstat` and `cancel`: outputs and statuses are those that host applications parse
//! (docs/lp.md), on an embedded spool.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::{DEADLINE, Outcome, Site, finish, program};

/// A spool with a queue `q`, which is started when `starts` says so, and a directory with the six names.
struct Host {
    site: Site,
    names: tempfile::TempDir,
}

impl Host {
    fn new(starts: bool) -> Self {
        let mut site = Site::new();
        // The names of the days and months are those of the C locale anyway.
        site.env.extend([("LC_ALL", "C"), ("TZ", "UTC"), ("LPDEST", ""), ("PRINTER", "")]);
        let sink = site.sink();
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        site.device("Q", &format!("file://{}", sink.display()), "OFF");
        site.spoolcom("LOC #ALL.q, DEV $Q");
        if starts {
            site.start("Q");
        }
        let names = tempfile::tempdir().unwrap();
        for name in ["lp", "lpr", "lpq", "lprm", "lpstat", "cancel"] {
            symlink(program("spoollp"), names.path().join(name)).unwrap();
        }
        Self { site, names }
    }

    fn run(&self, name: &str, words: &[&str]) -> Outcome {
        self.run_with(name, words, &[], None)
    }

    fn run_with(&self, name: &str, words: &[&str], env: &[(&str, &str)], input: Option<&[u8]>) -> Outcome {
        let mut command = std::process::Command::new(self.names.path().join(name));
        self.site.dress(&mut command);
        command.args(words).envs(env.iter().copied()).current_dir(self.site.files.path());
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let Some(octets) = input {
            child.stdin.take().unwrap().write_all(octets).unwrap();
        }
        finish(child, DEADLINE)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        self.site.document(name, text.as_bytes())
    }
}

#[track_caller]
fn is(ran: &Outcome, status: i32, out: &str, err: &str) {
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (status, out, err));
}

/// Whether `text` has the form of `shape`, in which `D` is a date and `*` a run of blanks.
fn has_shape(text: &str, shape: &str) -> bool {
    let date = |text: &str| {
        let words: Vec<&str> = text.get(..24).map(|text| text.split_whitespace().collect()).unwrap_or_default();
        words.len() == 5 && words[0].len() == 3 && words[1].len() == 3 && words[3].len() == 8 && words[4].len() == 4
    };
    let mut rest = text;
    for (n, part) in shape.split('D').enumerate() {
        if n > 0 {
            if !date(rest) {
                return false;
            }
            rest = &rest[24..];
        }
        match rest.strip_prefix(part) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

#[test]
fn a_request_id_names_the_job_in_every_language() {
    let host = Host::new(false);
    host.file("f", "one\n");
    host.file("g", "two\n");
    is(
        &host.run("lp", &["-d", "q", "-t", "T", "-n", "2", "-o", "raw", "f", "g"]),
        0,
        "request id is q-1 (2 file(s))\n",
        "",
    );
    is(&host.run_with("lp", &["-dq"], &[], Some(b"piped\n")), 0, "request id is q-2 (0 file(s))\n", "");
    is(&host.run("lp", &["-s", "-d", "q", "f"]), 0, "", "");
    is(&host.run("lpr", &["-P", "q", "-#", "2", "-J", "T", "-l", "-h", "f"]), 0, "", "");
    is(
        &host.run("lp", &["-c", "-onb", "-onobanner", "-dq", "-n2", "-or", "f"]),
        0,
        "request id is q-5 (1 file(s))\n",
        "",
    );
    let jobs = host.site.jobs();
    assert_eq!(jobs.len(), 5);
    let job = |n: usize| jobs.iter().find(|job| job["job-number"] == n).unwrap();
    let copies = |n: usize| {
        job(n)["documents"].as_array().unwrap().iter().map(|one| one["copy-count"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(job(1)["job-name"], "T");
    assert_eq!(copies(1), [2, 2]);
    assert_eq!(job(1)["documents"][0]["document-format"], "passthru");
    assert_eq!((job(4)["job-name"].as_str(), copies(4)), (Some("T"), vec![2.into()]));
    assert_eq!(job(5)["documents"][0]["document-format"], "passthru");
    host.site.run("spoolcom", &["JOB 5, WHY"]).expect(0);
}

#[test]
fn a_file_may_be_removed_as_soon_as_it_is_accepted() {
    let host = Host::new(true);
    let file = host.file("f", "what SAP prints\n");
    let command = "lp -dq -n2 -onb -or f && rm f";
    let mut shell = std::process::Command::new("sh");
    host.site.dress(&mut shell);
    let path = format!("{}:{}", host.names.path().display(), std::env::var("PATH").unwrap());
    shell.args(["-c", command]).env("PATH", path).current_dir(host.site.files.path());
    is(&finish(shell.spawn().unwrap(), DEADLINE), 0, "request id is q-1 (1 file(s))\n", "");
    assert!(!file.exists());
    host.site.wait_until_empty();
    assert_eq!(std::fs::read_to_string(host.site.sink()).unwrap(), "what SAP prints\nwhat SAP prints\n");
    // lpr removes it itself.
    let file = host.file("g", "gone\n");
    is(&host.run("lpr", &["-Pq", "-r", "g"]), 0, "", "");
    assert!(!file.exists());
    host.site.wait_until_empty();
    // Ended: nothing, and no error.
    is(&host.run("lpstat", &["q-1"]), 0, "", "");
    let done = host.run("lpstat", &["-W", "completed", "-o", "q"]);
    assert!(done.out.lines().count() == 2 && done.out.contains("q-1 "), "{done:#?}");
}

#[test]
fn mistakes_are_said_as_they_are_said_elsewhere() {
    let host = Host::new(false);
    host.file("f", "one\n");
    is(&host.run_with("lp", &["-d", "q"], &[], Some(b"")), 1, "", "lp: No file in print request.\n");
    is(&host.run("lp", &["-d", "nobody", "f"]), 1, "", "lp: Error - The printer or class does not exist.\n");
    is(&host.run("lp", &["f"]), 1, "", "lp: Error - no default destination available.\n");
    is(&host.run("lp", &["-d", "q", "h"]), 1, "", "lp: Error - unable to access \"h\" - No such file or directory\n");
    is(&host.run("lp", &["-z"]), 1, "", "lp: Error - unknown option \"z\".\n");
    is(&host.run("lp", &["-d", "q", "-n", "0", "f"]), 1, "", "lp: Error - copies must be 1 or more.\n");
    is(&host.run("lp", &["-d", "q", "-q", "101", "f"]), 1, "", "lp: Error - priority must be between 1 and 100.\n");
    is(&host.run("cancel", &["q-9"]), 1, "", "cancel: cancel-job failed: Job #9 does not exist.\n");
    is(&host.run("lprm", &["9"]), 1, "", "lprm: Job #9 does not exist.\n");
    is(&host.run("lpstat", &["-p", "nobody"]), 1, "", "lpstat: Invalid destination name in list \"nobody\".\n");
    assert!(host.site.jobs().is_empty());
    // What means nothing is left out, and the job is accepted.
    let ran = host.run("lp", &["-d", "q", "-o", "smooth=yes", "-o", "sides=two-sided", "f"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "request id is q-1 (1 file(s))\n"));
    assert!(ran.err.starts_with("lp: Warning - smooth=yes: "), "{ran:#?}");
    // Called by another name it says how it is called.
    let ran = host.site.run("spoollp", &[]);
    assert!(ran.status == 1 && ran.err.contains("lp lpr lpq lprm lpstat cancel"), "{ran:#?}");
    is(&host.site.run("spoollp", &["lpstat", "-r"]), 0, "scheduler is running\n", "");
}

#[test]
fn the_usual_destination_is_that_of_the_environment_then_that_of_the_spool() {
    let host = Host::new(false);
    host.file("f", "one\n");
    is(&host.run("lpstat", &["-d"]), 0, "no system default destination\n", "");
    is(&host.run_with("lp", &["f"], &[("PRINTER", "q")], None), 0, "request id is q-1 (1 file(s))\n", "");
    host.site.spoolcom("LOC #DEFAULT.DEFAULT, DEV $Q");
    is(&host.run("lpstat", &["-d"]), 0, "system default destination: q\n", "");
    is(&host.run("lp", &["f"]), 0, "request id is q-2 (1 file(s))\n", "");
    is(
        &host.run_with("lp", &["f"], &[("LPDEST", "nobody"), ("PRINTER", "q")], None),
        1,
        "",
        "lp: Error - The printer or class does not exist.\n",
    );
}

#[test]
fn lpstat_has_the_shapes_that_scripts_parse() {
    let host = Host::new(false);
    host.file("f", "one\n");
    host.run("lp", &["-d", "q", "f"]).expect(0);
    let user = host.site.jobs()[0]["job-owner"].as_str().unwrap().to_owned();
    for words in
        [&["-o"][..], &["-o", "q"], &["-oq"], &["q"], &["q-1"], &[], &["-u", &user], &["-W", "not-completed", "-o"]]
    {
        let ran = host.run("lpstat", words);
        let shape = format!("{:<23} {user:<13} {:8} D\n", "q-1", 1024);
        assert!(ran.status == 0 && has_shape(&ran.out, &shape), "{words:?}: {ran:#?}");
    }
    is(&host.run("lpstat", &["-u", "nobody"]), 0, "", "");
    is(&host.run("lpstat", &["-r"]), 0, "scheduler is running\n", "");
    let shows = |words: &[&str], shape: &str| {
        let ran = host.run("lpstat", words);
        assert!(ran.status == 0 && has_shape(&ran.out, shape), "{words:?}: {ran:#?}");
    };
    shows(&["-p", "q"], "printer q disabled since D -\n\tPaused\n");
    shows(&["-a"], "q accepting requests since D\n");
    let uri = format!("file://{}", host.site.sink().display());
    is(&host.run("lpstat", &["-v", "q"]), 0, &format!("device for q: {uri}\n"), "");
    is(&host.run("lpstat", &["-c"]), 0, "members of class ALL:\n\tq\n", "");
    let all = host.run("lpstat", &["-t"]).expect(0).out;
    let begins = [
        "scheduler is running",
        "no system default",
        "members of class",
        "\tq",
        "device for q",
        "q accepting",
        "printer q disabled",
        "\tPaused",
        "q-1",
    ];
    assert!(
        all.lines().zip(begins).all(|(line, begins)| line.starts_with(begins)) && all.lines().count() == 9,
        "{all}"
    );
    host.run("cancel", &["q-1"]).expect(0);
    host.site.start("Q");
    shows(&["-p"], "printer q is idle.  enabled since D\n");
    host.run("lpstat", &["-l", "-p"]).expect(0);
}

#[test]
fn lpq_shows_a_queue_that_lprm_empties() {
    let host = Host::new(false);
    host.file("f", "one\n");
    is(&host.run("lpq", &["-P", "q"]), 0, "q is not ready\nno entries\n", "");
    for title in ["a title that is much longer than its column", "b"] {
        host.run("lpr", &["-P", "q", "-J", title, "-#2", "f"]).expect(0);
    }
    let owner = host.site.jobs()[0]["job-owner"].as_str().unwrap().to_owned();
    let row = |rank: &str, job: u32, title: &str| {
        let owner: String = owner.chars().take(7).collect();
        format!("{rank:<7} {owner:<7} {job:<7} {title:<31} 4 bytes\n")
    };
    let head = "q is not ready\nRank    Owner   Job     File(s)                         Total Size\n";
    let both = format!("{head}{}{}", row("1st", 1, "a title that is much longer tha"), row("2nd", 2, "b"));
    is(&host.run("lpq", &["-P", "q"]), 0, &both, "");
    is(&host.run("lpq", &["-P", "q", "2"]), 0, &format!("{head}{}", row("1st", 2, "b")), "");
    let long = host.run("lpq", &["-lPq"]).expect(0).out;
    assert!(
        long.contains(&format!("\n{owner}: 1st"))
            && long.contains("[job 1 ")
            && long.contains("        2 copies of a title"),
        "{long}"
    );
    is(&host.run("lprm", &["-P", "q", "2"]), 0, "", "");
    is(&host.run("lprm", &["-P", "q", "-"]), 0, "", "");
    is(&host.run("lpq", &["-P", "q"]), 0, "q is not ready\nno entries\n", "");
    host.site.start("Q");
    is(&host.run("lpq", &["-Pq"]), 0, "q is ready\nno entries\n", "");
    is(&host.run("lpq", &["-P", "nobody"]), 1, "", "lpq: Error - unknown destination \"nobody\".\n");
}

#[test]
fn a_job_is_held_released_and_cancelled() {
    let host = Host::new(false);
    host.file("f", "one\n");
    host.run("lp", &["-d", "q", "-H", "hold", "f"]).expect(0);
    let state = || host.site.jobs()[0]["current-job-state"].as_str().unwrap().to_owned();
    assert_eq!(state(), "held");
    is(&host.run("lp", &["-i", "q-1", "-H", "resume"]), 0, "", "");
    assert_eq!(state(), "pending");
    is(&host.run("lp", &["-i", "q-1", "-H", "hold"]), 0, "", "");
    is(&host.run("lp", &["-i", "1", "-t", "Other", "-q", "90", "-n", "3"]), 0, "", "");
    let job = host.site.jobs().remove(0);
    assert_eq!((job["job-name"].as_str(), job["job-priority"].as_u64()), (Some("Other"), Some(90)));
    assert_eq!(state(), "held");
    for _ in 0..2 {
        host.run("lp", &["-d", "q", "f"]).expect(0);
    }
    is(&host.run("cancel", &["q-2"]), 0, "", "");
    assert_eq!(host.site.jobs().len(), 2);
    is(&host.run("cancel", &["-a", "q"]), 0, "", "");
    assert!(host.site.jobs().is_empty());
    host.run("lp", &["-d", "q", "f"]).expect(0);
    is(&host.run("cancel", &["-u", "nobody"]), 0, "", "");
    assert_eq!(host.site.jobs().len(), 1);
    is(&host.run("cancel", &["-a"]), 0, "", "");
    assert!(host.site.jobs().is_empty());
}
