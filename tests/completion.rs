//! Completion, asked of the programs: directly, and by the scripts of `completions/` in the shells that are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::nobody::OfNobody;
use crate::support::{DEADLINE, Outcome, Site, finish, program};

/// A title with everything that a terminal or a shell might take for itself.
const HOSTILE: &str = "a\tb\n'c' \"d\" $(touch pwned) `touch pwned` \\ # \u{1b}[2J";

/// A site with a few devices, locations, and a job that waits.
fn site() -> Site {
    let site = Site::new();
    site.declare();
    site.spoolcom(
        "DEV $LP2, PROCESS $SPLA, URI null:; DEV $FAST.#T1, PROCESS $SPLA, URI null:; LOC #OFFICE.REAR, DEV $LP2; LOC #LAB.ONE, DEV $LP2",
    );
    let server = words(&site, "pdls", &["-c", "server", ""]).pop().unwrap();
    site.run("pdcreate", &["-c", "medium", &format!("{server}:a4-letter")]).expect(0);
    let file = site.document("text", b"text\n");
    site.submit("office.front", HOSTILE, &file).expect(0);
    site
}

/// What a program answers to fish: words alone.
fn words(site: &Site, program: &str, line: &[&str]) -> Vec<String> {
    lines(site, program, line).iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn lines(site: &Site, program: &str, line: &[&str]) -> Vec<String> {
    let asked = site.run(program, &[&["--complete", "fish"], line].concat()).expect(0);
    assert_eq!(asked.err, "", "{line:?}");
    asked.out.lines().map(str::to_owned).collect()
}

#[test]
fn the_pd_commands_know_names_attributes_and_their_values() {
    let site = site();
    let is = |program: &str, line: &[&str], expected: &[&str]| {
        assert_eq!(words(&site, program, line), expected, "{program} {line:?}");
    };
    is("pdpr", &["-d", "of"], &["office.front", "office.rear"]);
    is("pdpr", &["-dof"], &["-doffice.front", "-doffice.rear"]);
    is("pdpr", &["-d", "LP"], &["LP1", "LP2"]);
    is("pdpr", &["-d", "fr"], &["front"]);
    is("pdpr", &["-x", "job-ho"], &["job-hold="]);
    is("pdpr", &["-x", "job-hold="], &["job-hold=true", "job-hold=false"]);
    is(
        "pdpr",
        &["-x", "copy-count=2 destination-name-requested=la"],
        &["copy-count=2 destination-name-requested=lab.one"],
    );
    is("pdpr", &["-x", "job-name='an open quo"], &[]);
    is("pdpr", &["-s", "col"], &["column"]);
    is("pdpr", &["-r", "none,job-na"], &["none,job-name"]);
    is("pdpr", &["te"], &[]);
    is("pdls", &["-c", "que"], &["queue"]);
    is("pdls", &["-c", "queue", "of"], &["office"]);
    is("pdls", &["-c", "medium", ""], &["a4-letter"]);
    is("pdls", &["-c", "destination", "-r", "destination-na"], &["destination-name"]);
    is("pdls", &["-f", "job-name==x && current-job-state==hel"], &["job-name==x && current-job-state==held"]);
    is("pdls", &["-x", "sty"], &["style="]);
    is("pdls", &["-x", "style=l"], &["style=line"]);
    is("pdset", &["-c", "queue", "-x", "class=des"], &["class=destination"]);
    is("pdresubmit", &["lab"], &["lab.one"]);
    let server = words(&site, "pdls", &["-c", "server", ""]).pop().unwrap();
    is("pdls", &["-c", "queue", &format!("{server}:o")], &[&format!("{server}:office")]);
    is("pdls", &["-c", "queue", "elsewhere:o"], &[]);
    is("pdls", &["-H", "/nonexistent", "-c", "queue", "of"], &[]);
    is("pdls", &["--", "-c"], &[]);
    // Jobs, with what a list shows beside them: one line, of which a terminal obeys nothing.
    let jobs = lines(&site, "pdrm", &[""]);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert!(jobs[0].starts_with("1\ta\\tb\\n'c' \"d\" $(touch pwned)") && !jobs[0].contains('\u{1b}'), "{jobs:?}");
    is("pdrm", &["2"], &[]);
    let global = site.jobs()[0]["job-identifier"].as_str().unwrap().split_once(':').unwrap().1.to_owned();
    is("pdrm", &[&global[..6]], &[&global]);
    is("pdrm", &[&global[..3]], &[]);
}

#[test]
fn spoolcom_knows_its_words_and_names() {
    let site = site();
    let is = |line: &[&str], expected: &[&str]| assert_eq!(words(&site, "spoolcom", line), expected, "{line:?}");
    is(&["de"], &["dev"]);
    is(&["DEV", "lp"], &["lp1", "lp2"]);
    is(&["DEV", ""], &["FAST.#T1", "LP1", "LP2"]);
    is(&["DEV", "lp1,", "ex"], &["exclusive"]);
    is(&["DEV", "lp1,", "exclusive", "of"], &["off", "off!"]);
    is(&["DEV", "lp1,", "PROCESS", ""], &["SPLA"]);
    is(&["DEV $L"], &["DEV $LP1", "DEV $LP2"]);
    is(&["DEV $LP1, PROC"], &["DEV $LP1, PROCESS "]);
    is(&["LOC #of"], &["LOC #office", "LOC #office.front", "LOC #office.rear"]);
    is(&["JOB", ""], &["1"]);
    is(&["JOB", "--state", "HO"], &["HOLD"]);
    is(&["JOB", "--loc", "lab"], &["lab.one"]);
    is(&["--in", ""], &[]);
    is(&["--spooler", "/nonexistent", "DEV", ""], &[]);
    let note = lines(&site, "spoolcom", &["JOB", "1"]).pop().unwrap();
    assert!(note.contains("office.front") || note.contains("OFFICE.FRONT") || note.contains("a\\tb"), "{note}");
}

#[test]
fn nothing_is_made_or_said_where_nothing_can_be_found_out() {
    let site = Site::new();
    assert_eq!(words(&site, "pdpr", &["-d", ""]), [""; 0]);
    assert_eq!(words(&site, "spoolcom", &["DEV", ""]), [""; 0]);
    assert!(!site.base().exists(), "a question makes no spool");
    // The tables are known all the same.
    assert_eq!(words(&site, "pdpr", &["-x", "job-ho"]), ["job-hold="]);
    // Nor in a directory that is no spool, or a damaged one.
    std::fs::create_dir_all(site.base()).unwrap();
    std::fs::write(site.paths().database(), "no database").unwrap();
    assert_eq!(words(&site, "pdpr", &["-d", ""]), [""; 0]);
    assert_eq!(std::fs::read_dir(site.base()).unwrap().count(), 1);
    for odd in [&[][..], &["bash"], &["bash", "pdpr "], &["zsh"], &["csh", "x"]] {
        let asked = site.run("pdpr", &[&["--complete"], odd].concat()).expect(0);
        assert_eq!((asked.out.as_str(), asked.err.as_str()), ("", ""), "{odd:?}");
    }
}

#[test]
fn a_spool_is_as_it_was_after_a_question() {
    // No print process runs here that would change it.
    let site = Site::new();
    site.spoolcom("PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:; LOC #OFFICE.FRONT, DEV $LP1");
    let look = || {
        let mut found = Vec::new();
        let mut dirs = vec![site.base().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    dirs.push(entry.path());
                }
                found.push((entry.path(), meta.len(), meta.permissions()));
            }
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    };
    let before = look();
    assert_eq!(words(&site, "pdpr", &["-d", "off"]), ["office.front"]);
    assert_eq!(before, look());
}

#[test]
fn the_spool_of_another_user_answers_nothing() {
    let Some(his) = OfNobody::new() else { return };
    let asked = finish(his.start("pdpr", &["--complete", "fish", "-d", "a."]), DEADLINE).expect(0);
    assert_eq!(asked.out, "a.b\t\n");
    let mut other = his.command("pdpr");
    std::os::unix::process::CommandExt::uid(&mut other, 4711);
    let asked = finish(other.args(["--complete", "fish", "-d", "a."]).spawn().unwrap(), DEADLINE).expect(0);
    assert_eq!((asked.out.as_str(), asked.err.as_str()), ("", ""));
}

#[test]
fn a_spool_that_somebody_has_alone_is_not_waited_for() {
    let site = site();
    let lock = spoolsuite::sys::lock::FileLock::exclusive(&site.paths().spool_lock(), DEADLINE).unwrap();
    assert!(lock.is_some());
    assert_eq!(words(&site, "pdpr", &["-d", "off"]), [""; 0]);
}

/// A program of this machine, if it is there. CI has every shell.
fn shell(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/bin", "/usr/local/bin"]
        .map(|dir| Path::new(dir).join(name))
        .into_iter()
        .find(|path| path.exists());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "{name} is not installed");
    if found.is_none() {
        eprintln!("SKIPPED: {name} is not installed");
    }
    found
}

fn script(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(path).display().to_string()
}

/// Runs a shell where our programs are found first, in a directory of its own.
fn run(site: &Site, mut command: Command) -> Outcome {
    site.dress(&mut command);
    let bin = program("pdpr").parent().unwrap().display().to_string();
    command.env("PATH", format!("{bin}:/usr/bin:/bin")).current_dir(site.files.path());
    let outcome = finish(command.spawn().unwrap(), DEADLINE);
    assert!(!site.files.path().join("pwned").exists(), "something that was typed or declared has run");
    outcome
}

/// What bash gets for a line: each piece that it would put in place of the last word.
fn bash(site: &Site, line: &str) -> Option<Vec<String>> {
    let mut command = Command::new(shell("bash")?);
    let name = line.split(' ').next().unwrap();
    command.args(["--norc", "-c", &format!(
        "source \"$1\"; COMP_LINE=$2 COMP_POINT=${{#2}}; COMP_WORDS=($3); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _{name} {name} '' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    ), "bash", &script(&format!("bash/{name}")), line, name]);
    let asked = run(site, command).expect(0);
    assert_eq!(asked.err, "", "{line}");
    Some(asked.out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[test]
fn bash_gets_words_that_stay_one_word_and_run_nothing() {
    let site = site();
    if shell("bash").is_none() {
        return;
    }
    let is = |line: &str, expected: &[&str]| assert_eq!(bash(&site, line).unwrap(), expected, "{line}");
    is("pdpr -d of", &["office.front", "office.rear"]);
    is("pdpr -x job-hold=t", &["true"]);
    is("pdpr -x \"job-hold=t", &["job-hold=true"]);
    is("spoolcom DEV \\$l", &["\\$lp1", "\\$lp2"]);
    is("spoolcom 'DEV $L", &["DEV $LP1", "DEV $LP2"]);
    is("spoolcom \"DEV \\$L", &["DEV \\$LP1", "DEV \\$LP2"]);
    is("spoolcom \"DEV \\$FAST", &["DEV \\$FAST.#T1"]);
    is("spoolcom DEV \\$fa", &["\\$fast.\\#t1"]);
    // What was typed is quoted again as it was read.
    is("pdpr -x job-name=\\$\\(touch\\ pwned\\)\\ job-ho", &["\\$\\(touch\\ pwned\\)\\ job-hold="]);
    is("pdpr -d $(touch pwned)", &[]);
    // Options are those of the definition.
    assert!(bash(&site, "pdpr -").unwrap().is_empty() || bash(&site, "pdpr -").unwrap().contains(&"-d".to_owned()));
}

#[test]
fn fish_gets_words_with_what_stands_beside_them() {
    let site = site();
    let Some(fish) = shell("fish") else { return };
    let asked = |line: &str| {
        let mut command = Command::new(&fish);
        let name = line.split(' ').next().unwrap();
        command.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"]);
        command.args([&script(&format!("fish/{name}.fish")), line]);
        let asked = run(&site, command).expect(0);
        assert_eq!(asked.err, "", "{line}");
        asked.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(asked("pdpr -d of"), ["office.front", "office.rear"]);
    assert_eq!(asked("pdpr -x job-hold=t"), ["job-hold=true"]);
    assert_eq!(asked("spoolcom 'DEV $L"), ["DEV $LP1", "DEV $LP2"]);
    assert_eq!(asked("spoolcom DEV lp1, ex"), ["exclusive"]);
    let jobs = asked("pdrm ");
    assert!(jobs.len() == 1 && jobs[0].starts_with("1\ta\\tb\\n'c'"), "{jobs:?}");
    assert!(asked("pdls -").iter().any(|line| line.starts_with("-c\t")), "the options stay");
}

/// Somebody who types at a shell: keys go into a pseudo terminal, which a module of zsh has, and the words of the command that
/// the shell would run come out.
struct Typist {
    site: Site,
    zsh: PathBuf,
    driver: PathBuf,
}

impl Typist {
    /// `start` starts the shell, `prepare` are its first commands.
    fn new(start: &str, prepare: &[String]) -> Option<Self> {
        let (site, zsh) = (site(), shell("zsh")?);
        let driver = site.files.path().join("driver");
        let mut text = format!("zmodload zsh/zpty\nzpty shell '{start}'\n");
        for line in prepare {
            assert!(!line.contains('\''));
            text.push_str(&format!("zpty -w shell '{line}'\n"));
        }
        text.push_str(
            "zpty -w shell 'print REA\"\"DY 2>/dev/null || echo REA\"\"DY'\nzpty -r -m shell seen '*READY*'\n\
             zpty -w -n shell \"$1\"$'\\n'\nzpty -r -m shell seen '*<[0-9]*>'\nprint -r -- \"$seen\"\nzpty -d shell\n",
        );
        std::fs::write(&driver, text).unwrap();
        Some(Self { site, zsh, driver })
    }

    #[track_caller]
    fn gets(&self, keys: &str, expected: &[&str]) {
        let mut command = Command::new(&self.zsh);
        command.arg("-f").arg(&self.driver).arg(keys);
        let shown = run(&self.site, command).expect(0).out.replace('\r', "");
        let words = shown.rsplit_once('<').map(|(_, words)| words).unwrap_or_default();
        let words: Vec<&str> = words.lines().skip(1).take_while(|line| *line != ">").collect();
        assert_eq!(words, expected, "{keys:?}: {shown}");
    }
}

/// Functions in place of the programs, which say what they were given. The scripts ask the programs all the same.
const SHOWS: &str = "pdpr() { printf \"<%s\\n\" $#; printf \"%s\\n\" \"$@\" \">\"; }; spoolcom() { pdpr \"$@\"; }";

#[test]
fn zsh_gets_words_and_quotes_them_itself() {
    let scripts = script("zsh");
    let prepare = [
        format!(
            "PS1=; unsetopt beep; fpath=({scripts} $fpath); autoload -Uz compinit; compinit -D -u; LISTMAX=10000; TERM=dumb"
        ),
        SHOWS.to_owned(),
    ];
    let Some(typist) = Typist::new("zsh -f -i", &prepare) else { return };
    typist.gets("pdpr -d office.f\t", &["-d", "office.front"]);
    typist.gets("pdpr -x job-hold=t\t", &["-x", "job-hold=true"]);
    typist.gets("spoolcom 'DEV $LP1, EXCL\tON'", &["DEV $LP1, EXCLUSIVE ON"]);
    typist.gets("spoolcom DEV \\$fas\t", &["DEV", "$fast.#t1"]);
}

#[test]
fn bash_puts_words_into_its_line_so_that_they_stay_one() {
    let prepare = [
        "PS1=; bind \"set bell-style none\"; bind \"set enable-bracketed-paste off\"; TERM=dumb".to_owned(),
        format!("source \"{}\"; source \"{}\"", script("bash/pdpr"), script("bash/spoolcom")),
        SHOWS.to_owned(),
    ];
    let Some(typist) = Typist::new("bash --norc -i", &prepare) else { return };
    typist.gets("pdpr -d office.f\t", &["-d", "office.front"]);
    typist.gets("pdpr -x job-hold=t\t", &["-x", "job-hold=true"]);
    typist.gets("pdpr -x \"job-hold=t\t", &["-x", "job-hold=true"]);
    // It would close the quotes behind a single word: it gets the next ones too, which all begin with O.
    typist.gets("spoolcom 'DEV $LP1, EXCL\tN'", &["DEV $LP1, EXCLUSIVE ON"]);
    typist.gets("spoolcom 'DEV $FAS\t", &["DEV $FAST.#T1"]);
    typist.gets("spoolcom \"DEV \\$FAS\t", &["DEV $FAST.#T1"]);
    typist.gets("spoolcom DEV \\$fas\t", &["DEV", "$fast.#t1"]);
}
