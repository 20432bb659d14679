//! Nothing that comes from outside commands a terminal or hides: titles, forms, names of files, paths, addresses, FASTCNFG,
//! PDBASE and words of a command line pass through every display, message and log.

use std::ffi::OsStr;
use std::path::Path;

use spoolsuite::model::printable::is_harmful;

use crate::support::{DEADLINE, Outcome, Site, finish};

/// Clears a screen, rings, goes to another column, turns the direction of writing, and has no width.
const HOSTILE: &str = "A\u{1b}[2J\u{7}\u{8}\u{9b}31mB\u{202e}C\u{2066}D\u{200b}E\u{200f}F\u{feff}G";
/// The same without control characters, which no title may have.
const HIDING: &str = "A\u{202e}C\u{2066}D\u{200b}E\u{200e}F\u{feff}\u{200c}\u{200d}G";

#[track_caller]
fn harmless(what: &str, text: &str) {
    let found: Vec<char> = text.chars().filter(|c| *c != '\n' && is_harmful(*c)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
}

struct World {
    site: Site,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(&dir.path().join(format!("base{HOSTILE}")));
        site.env.push(("COLUMNS", "200"));
        Self { site, _dir: dir }
    }

    /// Runs a program, whatever it says, and looks at every character of it.
    #[track_caller]
    fn run<A: AsRef<OsStr>>(&self, name: &str, args: &[A]) -> Outcome {
        let outcome =
            finish(self.site.command(name).args(args).current_dir(self.site.files.path()).spawn().unwrap(), DEADLINE);
        let args: Vec<String> =
            args.iter().map(|arg| arg.as_ref().to_string_lossy().escape_debug().to_string()).collect();
        harmless(&format!("out of {name} {args:?}"), &outcome.out);
        harmless(&format!("err of {name} {args:?}"), &outcome.err);
        outcome
    }

    fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        self.site.document(name, text.as_bytes())
    }
}

#[test]
fn no_display_and_no_log_shows_a_character_that_a_terminal_obeys_or_that_hides() {
    let world = World::new();
    world.run("spoolcom", &["PRINT $SPLA, FILE fastp; SPOOLER, START"]).expect(0);
    // A file in a directory whose name is hostile, a device that cannot be opened, and one with a mistake in FASTCNFG.
    let odd = world.site.files.path().join(format!("dir{HOSTILE}"));
    std::fs::create_dir(&odd).unwrap();
    let encoded: String = odd.to_str().unwrap().bytes().map(|octet| format!("%{octet:02X}")).collect();
    let encoded = encoded.replace("%2F", "/");
    for (device, uri) in [("LP1", format!("file://{encoded}/out")), ("LP2", format!("file://{encoded}"))] {
        let declared = format!("DEV ${device}, PROCESS $SPLA, URI {uri}, RETRY 1, HEADER OFF");
        world.run("spoolcom", &[declared]).expect(0);
    }
    let fastcnfg = format!("DEVICE $LP3 CONTYPE = FILE PATH = \"{}/x{HIDING}\" NOSUCH{HOSTILE} = 'x'\n", odd.display());
    std::fs::write(world.site.base().join("FASTCNFG"), fastcnfg).unwrap();
    world.run("spoolcom", &["DEV $LP3, PROCESS $SPLA, RETRY 1, HEADER OFF"]).expect(0);
    world
        .run("spoolcom", &["LOC #A.ONE, DEV $LP1; LOC #A.TWO, DEV $LP2; LOC #A.THREE, DEV $LP3; LOC #A.PARK, DEV NONE"])
        .expect(0);
    world.run("spoolcom", &["SPOOLER, START"]).expect(0);
    let document = world.file(&format!("d{HOSTILE}.txt"), "one line\n");
    let document = document.to_str().unwrap();
    for place in ["a.one", "a.two", "a.three", "a.park"] {
        world.run("pdpr", &["-d", place, "-t", &format!("title{HIDING}"), document]).expect(0);
        world.run("pdpr", &["-d", place, "-x", &format!("job-name='x{HIDING}'"), document]);
        world.run("pdpr", &["-d", place, "-t", HOSTILE, document]);
        world.run("pdpr", &["-d", place, "-l", document]).expect(0);
    }
    world.run("spoolcom", &[format!("JOB 1, HOLD; JOB 1, REPORT 'r{HIDING}'")]);
    world.run("pdpause", &["-m", HIDING, "2"]);
    for device in ["LP2", "LP3"] {
        world.site.wait_for("an error", || {
            let shown = world.run("spoolcom", &[format!("DEV ${device}, STATUS DETAIL")]).out;
            shown.contains("TRIES") || shown.contains("FASTCNFG ERROR: /")
        });
    }
    let mut shown = String::new();
    for command in [
        "DEV",
        "DEV, STATUS DETAIL",
        "DEV $LP1",
        "DEV $LP2",
        "DEV $LP3",
        "DEV $LP3, STATUS DETAIL",
        "DEV $LP2, LOG",
        "JOB",
        "JOB, STATUS DETAIL",
        "JOB 1",
        "JOB 1, LOG",
        "JOB 2, LOG",
        "JOB 2, WHY",
        "JOB 5, WHY",
        "LOC",
        "LOC, STATUS DETAIL",
        "PRINT",
        "PRINT $SPLA, STATUS DETAIL",
        "PRINT $SPLA, LOG",
        "SPOOLER",
        "SPOOLER, STATUS DETAIL",
        "HELP DEV",
    ] {
        shown.push_str(&world.run("spoolcom", &[command]).out);
        shown.push_str(&world.run("spoolcom", &["--json", command]).out);
    }
    for class in ["job", "destination", "queue", "server"] {
        for asked in ["all", "brief", "verbose"] {
            for style in [&[][..], &["--json"], &["-s", "line"]] {
                let args = [&["-c", class, "-U", "-F", "-r", asked], style].concat();
                shown.push_str(&world.run("pdls", &args).out);
            }
        }
    }
    for args in [
        &["-r", "log", "2"][..],
        &["-r", "why", "2"],
        &["--history", "-U", "-r", "all"],
        &["--history", "-U", "-r", "all", "--json"],
        &["-U", "-r", "document-content"],
    ] {
        shown.push_str(&world.run("pdls", args).out);
    }
    for args in [&["-d", "a.two"][..], &["--json"], &[]] {
        shown.push_str(&world.run("pdq", args).out);
    }
    for name in ["pdfsck", "fastp"] {
        let args: &[&str] = if name == "fastp" { &["--check"] } else { &["--json"] };
        let outcome = world.run(name, args);
        shown.push_str(&(outcome.out + &outcome.err));
    }
    world.run("pdfsck", &[] as &[&str]);
    let backup = world.site.files.path().join(format!("backup{HOSTILE}"));
    world.run("pdbackup", &[backup.to_str().unwrap()]).expect(0);
    world.run("pdbackup", &["--json", backup.to_str().unwrap()]).expect(1);
    harmless("fastp.log", &world.site.log());
    // The strings were there, escaped, and what scripts of people need is left as it is.
    for part in ["title", "\\u{202e}", "\\u202e", "\\u{1b}", "\\u{feff}", "\u{200c}\u{200d}"] {
        assert!(shown.contains(part), "{part:?} was never shown");
    }
}

#[test]
fn no_message_repeats_a_word_of_a_command_line_as_it_is() {
    let world = World::new();
    let programs = [
        "pdpr",
        "pdls",
        "pdq",
        "pdrm",
        "pdmod",
        "pdset",
        "pdpause",
        "pdresume",
        "pdpromote",
        "pdresubmit",
        "pdreorder",
        "pdfsck",
        "pdbackup",
        "spoolcom",
        "fastp",
    ];
    let path = world.site.files.path().join(HOSTILE);
    let path = path.to_str().unwrap();
    let flags = ["-d", "-r", "-x", "-X", "-Z", "-c", "-f", "-n", "-N", "-w", "-m", "-s", "-t", "-H", "-o", "-i", "-l"];
    let words = [HOSTILE, &format!("--{HOSTILE}"), &format!("-{HOSTILE}"), &format!("x={HOSTILE}"), path];
    // Without a spool, and with one.
    for round in 0..2 {
        for program in programs {
            for word in &words {
                world.run(program, &[word]);
            }
            for flag in flags {
                world.run(program, &[flag, HOSTILE]);
                world.run(program, &[flag, HOSTILE, "0815"]);
            }
            for option in
                ["--in", "--out", "--spooler", "--base", "--process", "--idle", "--check", "--restore", "--foreground"]
            {
                world.run(program, &[&format!("{option}={HOSTILE}")]);
                world.run(program, &[option, path]);
            }
        }
        for command in ["DEV", "JOB", "LOC", "PRINT", "SPOOLER", "BATCH", "HELP", "OPEN", "FC"] {
            for text in [
                format!("{command} {HOSTILE}"),
                format!("{command} '{HOSTILE}', STATUS"),
                format!("{command} $X, {HOSTILE}"),
                format!("{command} 1, URI {HOSTILE}; {HOSTILE}"),
                format!("{command} $X, STATUS /OUT {HOSTILE}/"),
                format!("{command} $X, FORM '{HIDING}', WIDTH {HIDING}"),
            ] {
                world.run("spoolcom", &[&text]);
                let file = world.file("in", &format!("{text}\n{HOSTILE}\nEXIT\n"));
                world.run("spoolcom", &["--in", file.to_str().unwrap()]);
            }
        }
        for variable in ["PDHOST", "PD_SOCKET", "FASTCNFG", "PDPRINTER", "PDPATH", "TZ", "HOME"] {
            for (program, args) in [("pdls", &[][..]), ("pdpr", &["/etc/hostname"]), ("spoolcom", &["DEV $Q, START"])] {
                let mut command = world.site.command(program);
                if variable == "HOME" {
                    command.env_remove("PDBASE");
                }
                let outcome = finish(
                    command
                        .env(variable, Path::new(path))
                        .args(args)
                        .current_dir(world.site.files.path())
                        .spawn()
                        .unwrap(),
                    DEADLINE,
                );
                harmless(&format!("{variable} for {program}"), &(outcome.out + &outcome.err));
            }
        }
        if round == 0 {
            world
                .run("spoolcom", &["PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:; LOC #A.B, DEV $LP1"])
                .expect(0);
        }
    }
}
