//! `pdlint`: what it says of scripts, attributes files and dumps of an InfoPrint site is true.

use std::path::{Path, PathBuf};

use crate::support::Site;

/// The scripts of a site, which `infoprint_site` and `infoprint_jobs` run as they stand.
const SCRIPTS: [&str; 11] = [
    "setup.sh",
    "01-submit.sh",
    "02-wait.sh",
    "03-list.sh",
    "04-move.sh",
    "05-hold-user.sh",
    "06-defaults.sh",
    "07-retained.sh",
    "08-cancel.sh",
    "09-backup.sh",
    "10-pages-per-user.sh",
];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/infoprint").join(name)
}

/// What is said of a file: the line, the verdict and the text of each finding.
#[track_caller]
fn findings(site: &Site, path: &Path, status: i32) -> Vec<(u64, String, String)> {
    let said = site.run("pdlint", &["--json", path.to_str().unwrap()]).expect(status);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (row["line"].as_u64().unwrap(), text(&row["verdict"]), text(&row["text"]))).collect()
}

/// The lines of a script where one of our commands stands as a command, found in another way than pdlint does.
fn lines_with_commands(text: &str) -> Vec<(u64, &str)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split(" #").next().unwrap_or_default();
        if code.trim_start().starts_with('#') || code.trim_start().starts_with("echo") || code.contains("echo \"not") {
            continue;
        }
        for name in ["pdpr", "pdls", "pdq", "pdmod", "pdrm", "pdresubmit", "pddisable", "pdcreate", "pdset", "pdenable"]
        {
            if code.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).any(|word| word == name) {
                found.push((n as u64 + 1, name));
            }
        }
    }
    found
}

#[test]
fn of_the_scripts_that_run_as_they_stand_it_says_so_line_by_line() {
    let site = Site::new();
    for name in SCRIPTS {
        let found = findings(&site, &data(name), 0);
        let text = std::fs::read_to_string(data(name)).unwrap();
        for (line, program) in lines_with_commands(&text) {
            let of = found.iter().filter(|one| one.0 == line).collect::<Vec<_>>();
            assert!(!of.is_empty(), "{name}:{line}: {program} was not seen: {found:?}");
        }
        let lacks: Vec<_> = found.iter().filter(|one| one.1 == "lacks").collect();
        assert!(lacks.is_empty(), "{name}: {lacks:?}");
    }
}

#[test]
fn what_differs_and_what_is_lacking_is_said_with_what_to_do() {
    let site = Site::new();
    let script = site.document(
        "night.sh",
        br#"#!/bin/sh
PDHOST=printsrv export PDHOST
ID=$(pdpr -d "$LD" -x "sides=2" "$F")
pdpr -d "$LD" -x "form-definition=F1" "$F"
pdls -U -f "current-job-state==printing" "$SERVER:"
pdmigpp lp0 acme1 lp0 q
pddeviceop -t lock-op-panel mail-ad
if pdrm -r 0 $ID; then
  pdls -c "sausage" x
fi
cat >night.att <<E
job-hold = true
form-definition = F1
E
find . | xargs pdrm
pdls -f "current-job-state==held" $UNSET
"#,
    );
    let found = findings(&site, &script, 1);
    let of = |line: u64| {
        let those: Vec<_> = found.iter().filter(|one| one.0 == line).collect();
        assert_eq!(those.len(), 1, "{line}: {found:?}");
        (those[0].1.as_str(), those[0].2.as_str())
    };
    let says = |line: u64, verdict: &str, part: &str| {
        let (found, text) = of(line);
        assert!(found == verdict && text.contains(part), "{line}: {found} {text}");
    };
    says(2, "differs", "PDHOST");
    says(4, "lacks", "AFP");
    says(5, "differs", "processing");
    says(6, "lacks", "pdcreate");
    says(7, "lacks", "out of reach");
    says(8, "runs", "pdrm");
    says(9, "lacks", "no class");
    says(12, "runs", "job-hold");
    says(13, "lacks", "AFP");
    says(15, "runs", "pdrm");
    says(16, "runs", "pdls");
    let text = site.run("pdlint", &["-q", script.to_str().unwrap()]).expect(1).out;
    assert!(text.lines().all(|line| !line.contains(": runs: ")), "{text}");
    assert!(text.contains("night.sh:6: lacks: pdmigpp is not here"), "{text}");
}

/// A line, a verdict, and a part of what is said.
type Said = (u64, &'static str, &'static str);

/// Scripts as other sites write them: ksh, loops, pipelines, texts that are run as commands. Each line that is judged, with what
/// is said of it.
const OTHER_SITES: &[(&str, &[Said])] = &[
    (
        "#!/usr/bin/ksh\n\
         set -A QUEUES $(pdls -c queue -g -r queue-name -s column \"$SRV:\")\n\
         for q in ${QUEUES[@]}; do\n\
         state=$(pdls -c queue -r queue-state -s line $q | awk -F= '{print $2}')\n\
         [[ $state = *paused* ]] && pdresume -c queue $q\n\
         done\n\
         while read -r ld file copies; do\n\
         id=$(pdpr -d $SRV:$ld -x \"copy-count=$copies job-comment='of $file'\" -r job-identifier -s line $file | sed 's/.*= //')\n\
         done <$LIST\n\
         pdls -U -r job-identifier,job-name -g -s column $SRV: |\n\
         while read id name; do pdmod -x \"job-hold=false\" -m \"by $LOGNAME\" $id || exit 3; done\n",
        &[
            (2, "runs", "pdls"),
            (4, "runs", "pdls"),
            (5, "runs", "pdresume"),
            (8, "runs", "pdpr"),
            (10, "runs", "pdls"),
            (11, "runs", "pdmod"),
        ],
    ),
    (
        "#!/bin/sh\n\
         . /usr/local/etc/ipm.env\n\
         pdls -U -r \"job-identifier current-job-state\" -g -s column '*:' | awk '$2==\"printing\" {n++} END {print n}'\n\
         case \"$1\" in\n\
         off) pddisable -m off $2 && pdpause $2 ;;\n\
         swap) pdresubmit $3 -c destination $2 ;;\n\
         esac\n\
         eval \"pdpr -d $LD $OPTS $FILE\"\n\
         trap 'pdenable bulk-ad' EXIT\n\
         su - pdadm -c \"pdshutdown -w sometime $SRV\"\n\
         pdls 1 2>&1 | grep -q 5010-101 && echo gone\n",
        &[
            (2, "runs", "check that file too"),
            (3, "differs", "processing"),
            (5, "runs", "pddisable"),
            (6, "runs", "pdresubmit"),
            (8, "runs", "pdpr"),
            (9, "runs", "pdenable"),
            (10, "lacks", "sometime"),
            (11, "differs", "5010-101"),
        ],
    ),
    (
        "#!/bin/bash\n\
         pdpr -H prnt1:6874 -d ld f\n\
         pdpr -Z list.in\n\
         pdclean -c queue acme1-q <<< y\n\
         pdls -c resource-context acme1:\n\
         pdreorder -a acme1:0900700003 acme1:0900700004\n\
         pdpause -n bulk-ad\n",
        &[
            (2, "differs", "joined"),
            (3, "runs", "pdpr"),
            (4, "runs", "pdclean"),
            (5, "lacks", "AFP"),
            (6, "runs", "pdreorder"),
            (7, "lacks", "-n"),
        ],
    ),
    (
        "# house defaults\nattributes = common.att\nsides = 2\ncopy-count += 2\njob-comment = 'from \\#1 office'\n-n 3\nsheet-range = 1:5\n",
        &[
            (2, "runs", "check that file"),
            (3, "runs", "sides"),
            (4, "lacks", "one value"),
            (5, "runs", "job-comment"),
            (6, "lacks", "'-n 3'"),
            (7, "lacks", "AFP"),
        ],
    ),
    (
        "acme1-q: queue-name            = acme1-q\n\
         acme1-q: assign-to-destination = true\n\
         mail.ad: destination-name      = mail.ad\n\
         mail.ad: destination-realization = actual\n\
         mail.ad: associated-queue      = acme1-q\n\
         mail.ad: destination-command   = /usr/bin/lpr -Pfoo\n",
        &[
            (2, "runs", "assign-to-destination"),
            (3, "differs", "mail-ad"),
            (3, "lacks", "device-uri"),
            (6, "differs", "destination-command"),
        ],
    ),
];

#[test]
fn what_is_said_of_scripts_and_files_of_other_sites_is_true() {
    let site = Site::new();
    for (n, (text, wanted)) in OTHER_SITES.iter().enumerate() {
        let file = site.document(&format!("other{n}"), text.as_bytes());
        let said = site.run("pdlint", &["--json", file.to_str().unwrap()]);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
        for (line, verdict, part) in *wanted {
            let is_it = |row: &&serde_json::Value| {
                row["line"] == *line && row["verdict"] == *verdict && row["text"].as_str().unwrap().contains(part)
            };
            assert!(rows.iter().any(|row| is_it(&row)), "{n}:{line} {verdict} {part}: {rows:#?}");
        }
        let lines: std::collections::BTreeSet<u64> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
        let known = wanted.iter().map(|row| row.0).collect();
        assert!(lines.is_subset(&known), "{n}: {lines:?} {rows:#?}");
    }
}

#[test]
fn nothing_of_a_script_is_run() {
    let site = Site::new();
    let script = site.document(
        "s.sh",
        b"#!/bin/sh\npdcreate -c queue acme1:q\nstartsrv -F acme1\npdpr -d x /etc/passwd\ntouch made\n",
    );
    findings(&site, &script, 0);
    assert!(!site.paths().root().exists(), "no spool was made");
    assert!(!script.with_file_name("made").exists());
    site.run("pdlint", &["/nonexistent"]).expect(1).says("No such file");
}

#[test]
fn the_objects_of_a_dump_are_made_by_the_commands_that_it_writes() {
    // A site here writes the dump; another one is made of it.
    let old = Site::new();
    let shell = |site: &Site, script: &Path| {
        let mut command = std::process::Command::new("sh");
        site.dress(&mut command);
        let programs = crate::support::program("pdls").parent().unwrap().to_owned();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", programs.display())).env_remove("SERVER").arg(script);
        crate::support::finish(command.spawn().unwrap(), crate::support::DEADLINE).expect(0)
    };
    old.run("pdcreate", &["-c", "queue", "-x", "descriptor='it'\"'\"'s $HOME'", "acme1:q.x"]).expect(1);
    old.run("pdcreate", &["-c", "queue", "-x", "descriptor='the $HOME `queue`'", "acme1:q"]).expect(0);
    let actual = "destination-realization=actual associated-queue=q destination-tcpip-internet-address=127.0.0.1 \
                  destination-tcpip-port-number=9111 media-supported=letter legal input-trays-medium=tray-1:letter \
                  descriptor='mail room' destination-locations='mail room' 'house 7'";
    old.run("pdcreate", &["-x", actual, "acme1:ad"]).expect(0);
    old.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]).expect(0);
    old.run("pdenable", &["ld"]).expect(0);
    let all = |site: &Site| {
        ["queue", "destination"].map(|class| {
            let words = ["-c", class, "-s", "line", "-r", "all", "acme1:"];
            let text = site.run("pdls", &words).expect(0).out;
            // Access rules and times are of each spool.
            text.lines().filter(|line| !line.contains("time")).map(str::to_owned).collect::<Vec<_>>().join("\n")
        })
    };
    let before = all(&old);
    let dump = old.document("site.dump", format!("{}\n{}\n", before[0], before[1]).as_bytes());
    let made = old.run("pdlint", &["--make", "--server", "acme1", dump.to_str().unwrap()]).expect(0);
    let new = Site::new();
    let script = new.document("make.sh", made.out.as_bytes());
    shell(&new, &script);
    assert_eq!(all(&new), before);
    // What is said of the script itself: it runs.
    findings(&new, &script, 0);
}

#[test]
fn a_dump_of_infoprint_is_read_with_its_own_words() {
    let site = Site::new();
    let dump = site.document(
        "ipm.dump",
        b"mail-ad:  printer-name = mail-ad
mail-ad:  printer-realization = physical
mail-ad:  associated-queue = acme1:mail.q
mail-ad:  destination-tcpip-internet-address = 10.0.0.9
mail-ad:  media-supported = letter
                            legal
mail-ad:  form-definition = F1
mail-ad:  enabled = true
mail-ad:  not-an-attribute = 7
bulk-ad:  printer-realization = physical
bulk-ad:  associated-queue = mail.q
mail.q:  queue-name = mail.q
mail.q:  queue-state = ready
1021904417: job-identifier = acme1:1021904417
",
    );
    let found = findings(&site, &dump, 1);
    let has = |verdict: &str, part: &str| {
        assert!(found.iter().any(|one| one.1 == verdict && one.2.contains(part)), "{part}: {found:?}")
    };
    has("lacks", "form-definition belongs to AFP printing");
    has("lacks", "there is no attribute not-an-attribute");
    has("lacks", "bulk-ad: it has no address");
    has("differs", "mail.q: names have no dots here: it becomes mail-q");
    has("differs", "jobs and other objects are not taken over");
    let made = site.run("pdlint", &["--make", dump.to_str().unwrap()]).expect(1);
    for part in [
        "pdcreate -c queue",
        "destination-realization=actual",
        "associated-queue=mail-q",
        "letter legal",
        "pdenable mail-ad",
    ] {
        assert!(made.out.contains(part), "{part}: {}", made.out);
    }
}
