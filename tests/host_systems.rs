//! The lines of docs/host-systems.md, typed as the host systems type them.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{DEADLINE, Outcome, Site, finish, program};

/// A machine with a queue `q` that is not started, and our programs and the six names in PATH.
struct Host {
    site: Site,
    names: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let mut site = Site::new();
        site.env.extend([("LC_ALL", "C"), ("LPDEST", ""), ("PRINTER", ""), ("PDPRINTER", "")]);
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        site.device("Q", "null:", "OFF");
        site.spoolcom("LOC #ALL.q, DEV $Q");
        let names = tempfile::tempdir().unwrap();
        for name in ["lp", "lpstat", "cancel"] {
            symlink(program("spoollp"), names.path().join(name)).unwrap();
        }
        for name in ["pdpr", "pdq", "pdrm"] {
            symlink(program(name), names.path().join(name)).unwrap();
        }
        Self { site, names }
    }

    /// Gives a line to a shell.
    fn shell(&self, line: &str) -> Outcome {
        let mut shell = std::process::Command::new("sh");
        self.site.dress(&mut shell);
        let path = format!("{}:{}", self.names.path().display(), std::env::var("PATH").unwrap());
        shell.args(["-c", line]).env("PATH", path).current_dir(self.site.files.path());
        finish(shell.spawn().unwrap(), DEADLINE)
    }
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/host-systems.md")).unwrap()
}

/// The commands of each block for SAP: submit, query, cancel.
fn commands() -> Vec<[String; 3]> {
    let page = page();
    let blocks = page.split("```sap\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let of = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {block}")).to_owned()
    };
    blocks.map(|block| ["submit", "query", "cancel"].map(|name| of(&block, name))).collect()
}

/// The request as the answer to a submission names it: that of `lp`, or ten digits.
fn request(answer: &str) -> String {
    let mut words = answer.split_whitespace();
    if answer.starts_with("request id is ") {
        return words.nth(3).unwrap().to_owned();
    }
    let is_id = |word: &&str| word.len() == 10 && word.bytes().all(|octet| octet.is_ascii_digit());
    answer.split(|c: char| !c.is_ascii_digit()).find(is_id).unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

#[test]
fn sap_submits_asks_and_cancels_by_the_lines_of_the_page() {
    let all = commands();
    assert_eq!(all.len(), 2);
    for [submit, query, cancel] in all {
        let host = Host::new();
        let file = host.site.document("0000012345", b"\x1bEinvoice\x1bE");
        let fill = |line: &str| {
            let line = line.replace("&P", "q").replace("&C", "2").replace("&T", "Invoice 4711 of Ann");
            line.replace("&F", file.to_str().unwrap().rsplit('/').next().unwrap())
        };
        let accepted = host.shell(&fill(&submit)).expect(0);
        assert!(!file.exists(), "{submit}: SAP's file is removed");
        let id = request(&accepted.out);
        let jobs = host.site.jobs();
        assert_eq!((jobs.len(), jobs[0]["job-name"].as_str()), (1, Some("Invoice 4711 of Ann")), "{submit}");
        assert_eq!(jobs[0]["documents"][0]["document-format"], "passthru", "{submit}");
        assert_eq!(jobs[0]["documents"][0]["copy-count"], 2, "{submit}");
        let listed = host.shell(&fill(&query)).expect(0);
        assert!(listed.out.lines().any(|line| line.contains(&id)), "{query}: {id} is not in {}", listed.out);
        host.shell(&cancel.replace("ID", &id)).expect(0);
        let listed = host.shell(&fill(&query)).expect(0);
        assert!(!listed.out.contains(&id), "{query}: {}", listed.out);
        // A printer that there is not: a status, and SAP still has its file.
        let file = host.site.document("0000012345", b"again");
        let refused = host.shell(&fill(&submit.replace("&P", "nowhere")));
        assert!(refused.status != 0 && file.exists(), "{submit}: {refused:?}");
    }
}

#[test]
fn oracle_prints_by_the_line_of_the_page() {
    let host = Host::new();
    host.site.document("o123.out", b"report\n");
    let page = page();
    let line = page.lines().find(|line| line.starts_with("lp -c ")).unwrap();
    let fields = [("PRINTER", "q"), ("CONC_COPIES", "3"), ("TITLE", "Aged Trial Balance"), ("FILENAME", "o123.out")];
    let line =
        fields.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("$PROFILES$.{name}"), value));
    host.shell(&line).expect(0).says("");
    let job = host.site.jobs().remove(0);
    assert_eq!((job["job-name"].as_str(), &job["documents"][0]["copy-count"]), (Some("Aged Trial Balance"), &3.into()));
}
