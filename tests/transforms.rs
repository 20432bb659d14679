//! TRANSFORM: documents that a device cannot print go through a program first (docs/transforms.md). What fails costs no paper.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{DEADLINE, Site, dies, pid};

const PDF: &str = "%PDF-1.4\ndear ann\n%%EOF\n";

/// A site with a directory of programs that everybody may read.
struct World {
    site: Site,
    programs: tempfile::TempDir,
}

impl World {
    /// `$LP1` appends to a file behind `OFFICE.FRONT`; its PDF goes through `made`, which is this script.
    fn new(script: &str) -> Self {
        Self::with(script, &[])
    }

    fn with(script: &str, env: &[(&'static str, &'static str)]) -> Self {
        let mut site = Site::new();
        let programs = tempfile::tempdir().unwrap();
        std::fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
        site.env.push(("PD_LIBEXEC_DIR", String::leak(programs.path().to_str().unwrap().to_owned())));
        site.env.extend(env.iter().map(|(name, value)| (*name, *value)));
        let world = Self { site, programs };
        world.program("made", script);
        world.site.declare();
        world.site.spoolcom("DEV $LP1, TRANSFORM 'application/pdf' made");
        world
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.programs.path().join(name);
        let text = if script.starts_with("#!") { script.to_owned() } else { format!("#!/bin/sh\n{script}\n") };
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    fn submit(&self, tag: &str, text: &str) {
        let file = self.site.document(tag, text.as_bytes());
        self.site.submit("office.front", tag, &file).expect(0);
    }

    fn job(&self, tag: &str) -> Option<Value> {
        self.site.jobs().into_iter().find(|job| job["job-name"] == tag)
    }

    #[track_caller]
    fn wait_held(&self, tag: &str) -> String {
        self.site.wait_for("held", || self.job(tag).is_some_and(|job| job["current-job-state"] == "held"));
        let number = self.job(tag).unwrap()["job-number"].to_string();
        self.site.spoolcom(&format!("JOB {number}, WHY")).out
    }

    /// The history of jobs.
    fn record(&self) -> String {
        let query = "SELECT group_concat(why, char(10)) FROM event WHERE object = 'job'";
        self.site.database().query_row(query, [], |row| row.get(0)).unwrap()
    }

    fn printed(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.site.sink()).unwrap_or_default()).into_owned()
    }

    /// The directories of documents that are being made.
    fn scratch(&self) -> Vec<PathBuf> {
        let found = std::fs::read_dir(self.site.base().join("transforms"));
        found.map(|found| found.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }

    /// Waits until the program has said who it is.
    fn runs(&self) -> nix::unistd::Pid {
        let note = || {
            let text = std::fs::read_to_string(self.scratch().first()?.join("own/pid")).ok()?;
            text.trim().parse().ok()
        };
        let mut found = None;
        let until = std::time::Instant::now() + DEADLINE;
        while found.is_none() {
            assert!(std::time::Instant::now() < until, "it does not run; {}", self.site.log());
            found = note();
            std::thread::yield_now();
        }
        pid(found.unwrap())
    }

    fn number(&self, tag: &str) -> String {
        self.job(tag).unwrap()["job-number"].to_string()
    }
}

#[test]
fn a_document_goes_through_the_program_and_others_stay_as_they_are() {
    let world = World::new("tr a-z A-Z");
    world.submit("letter", PDF);
    world.submit("note", "as it is\n");
    world.site.start("LP1");
    world.site.wait_until_empty();
    assert!(world.printed().contains("DEAR ANN\n") && world.printed().contains("as it is\n"), "{}", world.printed());
    assert!(!world.printed().contains("dear ann"));
    let record = world.record();
    assert!(record.contains("document 1 (application/pdf) went through made, which made 24 octets"), "{record}");
    assert_eq!(world.scratch(), Vec::<PathBuf>::new());
}

#[test]
fn a_program_that_fails_holds_its_job_with_its_last_words_and_costs_no_paper() {
    let world = World::new("cat > /dev/null; echo half a page; echo no such font >&2; exit 3");
    world.submit("letter", PDF);
    world.submit("note", "as it is\n");
    world.site.start("LP1");
    let why = world.wait_held("letter");
    assert!(why.contains("document 1: made ended with status 3, and said: no such font"), "{why}");
    world.site.wait_for("the next one prints", || world.job("note").is_none());
    assert!(!world.printed().contains("half"), "{}", world.printed());
    // The print file is what it was: it prints when the program is right.
    world.program("made", "tr a-z A-Z");
    world.site.spoolcom(&format!("JOB {}, START", world.number("letter")));
    world.site.wait_until_empty();
    assert!(world.printed().contains("DEAR ANN\n"));
    assert_eq!(world.scratch(), Vec::<PathBuf>::new());
}

#[test]
fn what_a_program_may_use_has_bounds() {
    let bounds = [("PD_TRANSFORM_OCTETS", "1M"), ("PD_TRANSFORM_SECONDS", "5")];
    let world = World::with("yes", &bounds);
    world.site.start("LP1");
    let cases = [
        ("yes", "made more than 1048576 octets"),
        ("head -c 3000000 /dev/zero > file; exit 1", "ended with status 1"),
        ("echo $$ > pid; sleep 1000", "did not end within 5 s"),
        ("cat > /dev/null", "made nothing of it"),
        ("setsid sleep 1000 & sleep 1000 & echo $! > pid; exit 4", "ended with status 4"),
    ];
    for (number, (script, says)) in cases.into_iter().enumerate() {
        world.program("made", script);
        let tag = format!("letter{number}");
        world.submit(&tag, PDF);
        let why = world.wait_held(&tag);
        assert!(why.contains(says), "{script}: {why}");
    }
    let path = world.program("made", "cat");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    world.submit("open", PDF);
    assert!(world.wait_held("open").contains("can be written by others"));
    std::fs::remove_file(path).unwrap();
    world.submit("gone", PDF);
    assert!(world.wait_held("gone").contains("there is no"));
    assert_eq!((world.printed().as_str(), world.scratch()), ("", Vec::new()));
}

#[test]
fn a_hold_ends_the_program_and_a_killed_print_process_leaves_nothing() {
    let world = World::new("echo $$ > pid; sleep 1000");
    world.submit("letter", PDF);
    world.site.start("LP1");
    let running = world.runs();
    let shown: Value = serde_json::from_str(&world.site.spoolcom_json("DEV $LP1")).unwrap();
    assert_eq!(shown[0]["waiting-for"], "transform");
    let shown = world.site.spoolcom("SPOOLER, STATUS DETAIL").out;
    assert!(shown.contains("TRANSFORMED: 1 OF "), "{shown}");
    let space = world.site.run("pdls", &["-c", "server", "-r", "spool-space"]).expect(0);
    assert!(space.out.contains("transformed: 1 of"), "{}", space.out);
    world.site.spoolcom(&format!("JOB {}, HOLD", world.number("letter")));
    assert!(dies(running, DEADLINE), "the program outlives the hold");
    world.wait_held("letter");
    world.site.spoolcom(&format!("JOB {}, START", world.number("letter")));
    let running = world.runs();
    assert!(world.site.kill_fastp());
    assert!(dies(running, DEADLINE), "the program outlives the print process");
    assert_eq!(world.scratch().len(), 1, "a crash leaves it");
    world.program("made", "tr a-z A-Z");
    world.site.start("LP1");
    world.site.wait_until_empty();
    assert_eq!(world.printed(), PDF.to_uppercase());
    assert_eq!(world.scratch(), Vec::<PathBuf>::new(), "and the next print process sweeps it");
    assert!(world.site.possible_duplicates().is_empty(), "nothing of it was on paper");
}

#[test]
fn what_the_program_of_a_killed_print_process_had_started_is_ended_by_the_next_one() {
    // It writes nothing: no broken pipe ends it.
    let world = World::new("sleep 1000 >/dev/null 2>&1 & echo $! > pid; wait");
    world.submit("letter", PDF);
    world.site.start("LP1");
    let started = world.runs();
    assert!(world.site.kill_fastp());
    assert!(!dies(started, std::time::Duration::ZERO), "nobody has ended it yet");
    world.program("made", "tr a-z A-Z");
    world.site.start("LP1");
    assert!(dies(started, DEADLINE), "it outlives the next start");
    world.site.wait_until_empty();
    assert_eq!((world.printed(), world.scratch()), (PDF.to_uppercase(), Vec::new()));
}

#[test]
fn a_print_process_that_dies_before_the_device_is_open_prints_once() {
    for point in ["transforming", "transformed"] {
        let world = World::new("tr a-z A-Z");
        world.submit("letter", PDF);
        let mut command = world.site.command("spoolcom");
        command.arg("DEV $LP1, START").env("PD_FAULT", point);
        command.spawn().unwrap().wait().unwrap();
        world.site.wait_for("it died", || {
            world.site.spoolcom("DEV $LP1, START");
            world.job("letter").is_none()
        });
        assert_eq!(world.printed(), PDF.to_uppercase(), "{point}");
        assert_eq!(world.scratch(), Vec::<PathBuf>::new(), "{point}");
    }
}

#[test]
fn both_languages_say_it_and_bad_words_are_refused() {
    let world = World::new("cat");
    let site = &world.site;
    let shown =
        || site.spoolcom("DEV $LP1, STATUS DETAIL").out.lines().filter(|line| line.contains("TRANSFORM")).count();
    site.spoolcom("DEV $LP1, TRANSFORM 'image/pwg-raster' raster, TRANSFORM zpl labels");
    assert_eq!(shown(), 3);
    let listed = || site.run("pdls", &["-c", "destination", "-r", "device-transforms", "lp1"]).expect(0).out;
    for one in ["application/pdf made", "image/pwg-raster raster", "zpl labels"] {
        assert!(listed().contains(one), "{}", listed());
    }
    site.spoolcom("DEV $LP1, TRANSFORM 'image/pwg-raster' NONE");
    assert!(!listed().contains("raster") && shown() == 2);
    site.run("pdset", &["-c", "destination", "-x", "device-transforms+='image/urf urf'", "lp1"]).expect(0);
    assert!(listed().contains("image/urf urf") && shown() == 3);
    let dump = site.run("spoolcom", &["--dump-config"]).expect(0);
    assert!(dump.out.contains("TRANSFORM application/pdf made"), "{}", dump.out);
    site.spoolcom("DEV $LP1, TRANSFORM NONE");
    assert_eq!(shown(), 0);
    for bad in
        ["TRANSFORM", "TRANSFORM 'application/pdf'", "TRANSFORM pdf ../x", "TRANSFORM x/y z", "TRANSFORM passthru z"]
    {
        site.run("spoolcom", &[&format!("DEV $LP1, {bad}")]).expect(2);
    }
    site.run("pdset", &["-c", "destination", "-x", "device-transforms='application/pdf'", "lp1"]).expect(1);
}

/// The scripts of docs/transforms.md, by name.
fn recipes() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transforms.md");
    let page = std::fs::read_to_string(page).unwrap();
    let scripts = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    scripts
        .map(|script| (script.lines().nth(1).unwrap().trim_start_matches("# ").to_owned(), script.to_owned()))
        .collect()
}

#[test]
fn the_recipes_of_the_page_print_with_ghostscript_and_cups_filters() {
    let there = |path: &str| Path::new(path).exists();
    if !there("/usr/bin/gs") {
        eprintln!("SKIPPED: there is no Ghostscript here");
        return;
    }
    let world = World::new("cat");
    for (name, script) in recipes() {
        world.program(&name, &script);
    }
    world.site.spoolcom(
        "DEV $LP1, TRANSFORM 'application/pdf' pdf-to-pcl, TRANSFORM 'image/pwg-raster' raster-to-pcl, START",
    );
    let draw = "%!PS\n/Helvetica findfont 24 scalefont setfont 72 700 moveto (Dear Ann) show showpage\n";
    let source = world.site.document("draw.ps", draw.as_bytes());
    for (tag, device) in [("a.pdf", "pdfwrite"), ("a.pwg", "pwgraster")] {
        if tag == "a.pwg" && !there("/usr/lib/cups/filter/rastertopdf") {
            eprintln!("SKIPPED: there are no cups-filters here");
            continue;
        }
        let file = world.site.files.path().join(tag);
        let out = format!("-sOutputFile={}", file.display());
        let device = format!("-sDEVICE={device}");
        let made = std::process::Command::new("gs")
            .args(["-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-r300", &device, &out])
            .arg(&source)
            .status()
            .unwrap();
        assert!(made.success());
        let before = world.printed().len();
        world.site.submit("office.front", tag, &file).expect(0);
        world.site.wait_until_empty();
        let printed = std::fs::read(world.site.sink()).unwrap();
        assert!(printed.len() > before && printed.windows(2).any(|two| two == b"\x1bE"), "{tag}: {}", world.site.log());
    }
    assert!(world.record().contains("pdf-to-pcl, which made"), "{}", world.record());
}
