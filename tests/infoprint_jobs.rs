//! Scripts of an InfoPrint site, as they stand (`tests/data/infoprint`): those that submit, wait for, list, move, hold, keep and
//! cancel jobs. Each runs in dash and in bash.

use std::process::{Command, Stdio};

use crate::support::documents::text;
use crate::support::{DEADLINE, Outcome, Site, finish, program};

/// The shells that scripts are written for.
const SHELLS: [&str; 2] = ["dash", "bash"];

/// A site with two queues, each fed by a logical and drained by an actual destination, which is a file.
struct Scripts {
    site: Site,
    shell: &'static str,
    server: String,
}

impl Scripts {
    fn new(shell: &'static str) -> Self {
        let site = Site::new();
        site.spoolcom("PRINT $SPLA, FILE fastp; SPOOLER, START");
        for (queue, actual, logical) in [("acme1-q", "mail-ad", "mail-ld"), ("bulk-q", "bulk-ad", "bulk-ld")] {
            let sink = site.files.path().join(actual);
            site.spoolcom(&format!(
                "DEV {actual}, PROCESS $SPLA, URI file://{}, HEADER OFF; LOC #{queue}.{logical}, DEV {actual}",
                sink.display()
            ));
        }
        let named = ["-c", "server", "-g", "-s", "column", "-r", "server-name"];
        let server = site.run("pdls", &named).expect(0).out.trim().to_owned();
        Self { site, shell, server }
    }

    fn command(&self, script: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
        let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/infoprint");
        let mut command = Command::new(self.shell);
        self.site.dress(&mut command);
        let programs = program("pdls").parent().unwrap().to_owned();
        let path = std::env::var("PATH").unwrap();
        command
            .arg(data.join(script))
            .args(args)
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("TMPDIR", self.site.files.path())
            .env("SERVER", &self.server)
            .env("PAUSE", "0.05")
            .env_remove("PD_CONFIRM_DELETE")
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs a script.
    #[track_caller]
    fn run(&self, script: &str, args: &[&str]) -> Outcome {
        finish(self.command(script, args, &[]).spawn().unwrap(), DEADLINE)
    }

    /// Submits a document that can be told apart; returns the global id.
    #[track_caller]
    fn submit(&self, name: &str, words: &[&str]) -> String {
        let file = self.site.document(name, &text(name, 100));
        let mut all = vec!["-t", name, "-r", "job-identifier", "-s", "line"];
        if !words.contains(&"-d") {
            all.extend(["-d", "mail-ld"]);
        }
        all.extend(words);
        all.push(file.to_str().unwrap());
        let out = self.site.run("pdpr", &all).expect(0).out;
        out.trim().rsplit(" = ").next().unwrap().to_owned()
    }

    /// Removes jobs without being asked.
    #[track_caller]
    fn remove(&self, args: &[&str]) -> Outcome {
        finish(self.site.command("pdrm").args(args).env("PD_CONFIRM_DELETE", "no").spawn().unwrap(), DEADLINE)
    }

    /// One attribute of a job.
    #[track_caller]
    fn attribute(&self, name: &str, job: &str) -> String {
        let out = self.site.run("pdls", &["-U", "-j", "-s", "line", "-r", name, job]).expect(0).out;
        out.trim_end().split_once(" =").unwrap().1.trim().to_owned()
    }

    /// What a device has received.
    fn received(&self, device: &str) -> String {
        String::from_utf8(std::fs::read(self.site.files.path().join(device)).unwrap_or_default()).unwrap()
    }

    #[track_caller]
    fn wait_for_state(&self, job: &str, state: &str) {
        self.site.wait_for(state, || self.attribute("current-job-state", job) == state);
    }
}

#[test]
fn script_10_sums_jobs_pages_and_octets_of_each_user() {
    each(|site| {
        site.run("10-pages-per-user.sh", &[]).expect(1);
        site.site.run("pdset", &["-c", "server", "-x", "log-accounting-data=true", &site.server]).expect(0);
        site.site.run("pdset", &["-c", "destination", "-x", "log-accounting-data=false", "bulk-ad"]).expect(0);
        let print = |to: &str, text: &str, words: &[&str]| {
            let file = site.site.document("f", text.as_bytes());
            let all = [&["-d", to, "-t", "a, b"][..], words, &[file.to_str().unwrap()]].concat();
            site.site.run("pdpr", &all).expect(0);
        };
        print("mail-ld", "1\n\x0c2\n\x0c3\n\x0c", &["-n", "2", "-x", "job-owner=ann@h1"]);
        print("mail-ld", "1\n\x0c", &["-x", "job-owner=ann@h2 job-retention-period=1:00"]);
        print("mail-ld", "1\n\x0c2\n\x0c", &["-x", "job-owner=bob"]);
        print("bulk-ld", "1\n\x0c", &["-x", "job-owner=bob"]);
        // Who cancels a job before a device has it pays nothing.
        let gone = site.submit("gone", &["-x", "job-hold=true job-owner=bob"]);
        site.remove(&[&gone]).expect(0);
        site.site.start("mail-ad");
        site.site.start("bulk-ad");
        let logs = site.site.server_dir().join("accounting.logs");
        let log = logs.join("mail-ad.accounting.log.v1");
        let lines = || std::fs::read_to_string(&log).unwrap_or_default();
        site.site.wait_for("the jobs are printed", || site.site.jobs().len() == 1);
        // The next command that writes sees to what is left, if the print process has not written it yet.
        site.site.run("pdmod", &["-m", "printed", "2"]).expect(0);
        let lines = lines();
        assert_eq!(lines.lines().count(), 3, "{lines}");
        assert!(lines.lines().all(|line| line.split(',').count() == 13 && line.ends_with(",ascii,a; b")), "{lines}");
        assert!(lines.starts_with("mail-ad,ann@h1,") && !logs.join("bulk-ad.accounting.log.v1").exists());
        let ran = site.run("10-pages-per-user.sh", &[]).expect(0);
        let sums: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(sums[0][..5], ["ann", "2", "jobs", "7", "pages"], "{}", ran.out);
        assert_eq!(sums[1][..5], ["bob", "1", "jobs", "2", "pages"], "{}", ran.out);
        let octets: usize = sums.iter().map(|line| line[5].parse::<usize>().unwrap()).sum();
        assert_eq!(octets, site.received("mail-ad").len(), "{}", ran.out);
    });
}

fn number(id: &str) -> &str {
    id.rsplit(':').next().unwrap()
}

/// In each shell.
fn each(test: impl Fn(&Scripts)) {
    SHELLS.into_iter().for_each(|shell| test(&Scripts::new(shell)));
}

#[test]
fn script_01_submits_and_reads_back_what_was_kept() {
    each(|site| {
        let files = ["one", "two"].map(|name| site.site.document(name, &text(name, 100)));
        let [one, two] = [0, 1].map(|n| files[n].to_str().unwrap());
        let ran = site.run("01-submit.sh", &["Pay day", one, two]).expect(0);
        let mut lines = ran.out.lines();
        let id = lines.next().unwrap();
        assert!(id.starts_with(&format!("{}:", site.server)) && number(id).len() == 10, "{id}");
        let rest: Vec<&str> = lines.collect();
        let kept = [
            "default-medium=letter",
            "job-comment=fold and staple",
            "job-name=Pay day",
            "job-retention-period=1:00",
            "sides=2",
        ];
        assert_eq!(rest, kept);
        let command = site.command("01-submit.sh", &["x", one], &[("LD", "nowhere")]).spawn();
        let ran = finish(command.unwrap(), DEADLINE).expect(1).says("nowhere");
        assert_eq!(ran.out, "");
        assert_eq!((site.site.jobs().len(), site.site.print_files().len()), (1, 2));
        site.run("01-submit.sh", &["x"]).expect(2);
    });
}

#[test]
fn script_02_waits_until_a_job_has_left_or_is_kept() {
    each(|site| {
        let wait = |id: &str, seconds: &str| {
            let ran = site.run("02-wait.sh", &[id, seconds]);
            (ran.status, ran.out.trim().to_owned())
        };
        let pending = site.submit("pending", &[]);
        assert_eq!(wait(&pending, "1"), (5, format!("{pending} pending")));
        let held = site.submit("held", &["-x", "job-hold=true"]);
        assert_eq!(wait(&held, "60"), (4, format!("{held} held job-hold-set")));
        site.remove(&["-r", "1:00", &held]).expect(0);
        assert_eq!(wait(&held, "60"), (1, format!("{held} retained cancelled-by-user")));
        assert!(["terminating", "cancelled"].contains(&site.attribute("previous-job-state", &held).as_str()));
        let gone = site.submit("gone", &[]);
        site.remove(&[&gone]).expect(0);
        assert_eq!(wait(&gone, "60"), (0, format!("{gone} gone")));
        let kept = site.submit("kept", &["-x", "job-retention-period=1:00"]);
        site.site.start("mail-ad");
        assert_eq!(wait(&pending, "600"), (0, format!("{pending} gone")));
        let (status, line) = wait(&kept, "600");
        assert_eq!(status, 0, "{line}");
        let ends = ["retained completed", "retained completed-successfully"].map(|how| format!("{kept} {how}"));
        assert!(ends.contains(&line), "{line}");
        // The copies of what is kept are there, and no others.
        site.site.wait_for("two copies", || site.site.print_files().len() == 2);
    });
}

#[test]
fn script_03_lists_what_waits_with_sums() {
    each(|site| {
        let empty = site.run("03-list.sh", &[]).expect(0);
        assert_eq!(empty.out, "urgent 0\n");
        let jobs = [
            ("PAY-a", 5000, "70", "false"),
            ("PAY b c", 3, "50", "false"),
            ("Other", 40, "80", "false"),
            ("pay-low", 50, "70", "false"),
            ("PAY held", 60, "90", "true"),
        ];
        for (name, octets, priority, hold) in jobs {
            let file = site.site.document("f", &vec![b'x'; octets]);
            let set = format!("job-priority={priority} job-hold={hold}");
            site.site.run("pdpr", &["-d", "mail-ld", "-t", name, "-x", &set, file.to_str().unwrap()]).expect(0);
        }
        let ran = site.run("03-list.sh", &[]).expect(0);
        let lines: Vec<&str> = ran.out.lines().collect();
        let waits: Vec<&str> =
            lines[..5].iter().filter(|line| line.contains(" pending")).map(|line| &line[11..]).collect();
        assert_eq!(
            waits,
            [
                "pending        40  80 Other",
                "pending      5000  70 PAY-a",
                "pending        50  70 pay-low",
                "pending         3  50 PAY b c"
            ]
        );
        assert!(lines[..5].iter().any(|line| line[11..] == *"held           60  90 PAY held"), "{lines:?}");
        assert_eq!(lines[5..8], ["total held 1 60", "total pending 4 5093", "urgent 2"]);
        let small = site
            .site
            .run("pdls", &["-U", "-j", "-g", "-s", "column", "-r", "job-identifier", "-f", "job-name=='PAY b c'"]);
        assert_eq!(lines[8..], [format!("small {}", small.out.trim()).as_str()]);
    });
}

#[test]
fn script_04_moves_what_waits_in_its_order() {
    each(|site| {
        let low = site.submit("low", &["-x", "job-priority=20"]);
        let first = site.submit("first", &[]);
        let held = site.submit("held", &["-x", "job-hold=true"]);
        let second = site.submit("second", &[]);
        let kept = site.submit("kept", &["-x", "job-hold=true"]);
        site.remove(&["-r", "1:00", &kept]).expect(0);
        let paused = site.submit("paused", &[]);
        site.site.run("pdpause", &["-c", "job", &paused]).expect(0);
        let ran = site.run("04-move.sh", &["mail-ld", "bulk-ld"]).expect(1);
        let mut moved: Vec<&str> = ran.out.lines().collect();
        let left = format!("left {paused} paused");
        assert!(moved.contains(&left.as_str()), "{moved:?}");
        moved.retain(|line| *line != left);
        let waits: Vec<String> = [&first, &second, &low].map(|id| format!("moved {id}")).to_vec();
        let order: Vec<&str> = moved.iter().copied().filter(|line| waits.iter().any(|one| one == line)).collect();
        assert_eq!(order, waits);
        assert_eq!(moved.len(), 5, "{moved:?}");
        for id in [&low, &first, &held, &second, &kept] {
            assert!(site.attribute("destination-name-requested", id).ends_with("bulk-ld"), "{id}");
        }
        assert!(site.attribute("destination-name-requested", &paused).ends_with("mail-ld"));
        assert_eq!(site.attribute("current-job-state", &held), "held");
        // The old device goes on, and gets not one octet of what was moved.
        site.site.start("mail-ad");
        site.site.start("bulk-ad");
        // What was kept is kept again.
        site.wait_for_state(&kept, "retained");
        site.site.wait_for("the moved ones are printed", || site.site.jobs().len() == 3);
        let received = site.received("bulk-ad");
        let at =
            |tag: &str| received.find(&format!("<<BEGIN {tag} ")).unwrap_or_else(|| panic!("no {tag}: {received}"));
        assert!(at("first") < at("second") && at("second") < at("low") && at("kept") > 0, "{received}");
        assert!(!received.contains("BEGIN held") && !received.contains("BEGIN paused"));
        assert_eq!(site.received("mail-ad"), "");
        site.site.run("pdresubmit", &["bulk-ld", &paused]).expect(1).says("resumes it first");
        site.site.run("pdresubmit", &["nowhere", &held]).expect(1).says("nowhere");
        assert!(site.attribute("destination-name-requested", &held).ends_with("bulk-ld"));
    });
}

#[test]
fn script_05_holds_and_releases_the_jobs_of_one_owner() {
    each(|site| {
        let owned = |name: &str, owner: &str| site.submit(name, &["-x", &format!("job-owner={owner}")]);
        let ann: Vec<String> = ["a", "b", "c"].iter().map(|name| owned(name, "ann@h1")).collect();
        let others = [owned("d", "annabel@h1"), site.submit("e", &[])];
        let later = site.submit("later", &["-x", "job-owner=ann@h1 job-print-after='23:59:59 12/31/49'"]);
        assert_eq!(site.run("05-hold-user.sh", &["hold", "ann@h1"]).expect(0).out, "hold ann@h1 3\n");
        for id in &ann {
            assert_eq!(site.attribute("current-job-state", id), "held");
            assert_eq!(site.attribute("job-owner", id), "ann@h1");
            assert_eq!(site.attribute("job-message-from-administrator", id), "hold: quota of ann@h1");
        }
        for id in &others {
            assert_eq!(site.attribute("current-job-state", id), "pending");
        }
        assert_eq!(site.run("05-hold-user.sh", &["hold", "ann@h1"]).expect(0).out, "hold ann@h1 0\n");
        site.site.run("pdmod", &["-x", "job-hold=true", &later]).expect(0);
        assert_eq!(site.run("05-hold-user.sh", &["release", "ann@h1"]).expect(0).out, "release ann@h1 4\n");
        for id in &ann {
            assert_eq!(site.attribute("current-job-state", id), "pending");
        }
        assert_eq!(site.attribute("current-job-state", &later), "held");
        assert_eq!(site.attribute("job-state-reasons", &later), "job-print-after-specified");
        site.run("05-hold-user.sh", &["seize", "ann@h1"]).expect(2);
        site.run("05-hold-user.sh", &["hold"]).expect(2);
    });
}

#[test]
fn script_06_reads_attributes_files_from_left_to_right() {
    each(|site| {
        let file = site.site.document("f", b"text");
        let ran = site.run("06-defaults.sh", &[file.to_str().unwrap()]).expect(0);
        let wanted = "file 2 2 40 true tray #2 only\nafter 1 2 40 true tray 3\nbefore 2 2 40 true tray #2 only\n\
                      loop refused\nempty refused\n";
        assert_eq!(ran.out, wanted, "{}", ran.err);
        assert_eq!(site.site.jobs().len(), 3);
        assert_eq!(site.attribute("job-retention-period", "1"), "0:30");
    });
}

#[test]
fn script_07_drops_what_was_printed_and_keeps_the_rest_another_day() {
    each(|site| {
        let keep = ["-x", "job-retention-period=1:00"];
        let printed: Vec<String> = ["a", "b"].iter().map(|name| site.submit(name, &keep)).collect();
        let cancelled = site.submit("c", &["-x", "job-hold=true"]);
        site.remove(&["-r", "0:20", &cancelled]).expect(0);
        let waiting = site.submit("d", &["-x", "job-hold=true"]);
        site.site.start("mail-ad");
        printed.iter().for_each(|id| site.wait_for_state(id, "retained"));
        let ran = site.run("07-retained.sh", &[]).expect(0);
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        let mut wanted: Vec<String> = printed.iter().map(|id| format!("dropped {id}")).collect();
        wanted.push(format!("kept {cancelled} cancelled-by-user"));
        wanted.sort_unstable();
        assert_eq!(lines, wanted, "{}", ran.err);
        for id in &printed {
            site.site.run("pdls", &["-U", id]).expect(1).says("cannot find");
        }
        assert_eq!(site.attribute("job-retention-period", &cancelled), "24:00");
        assert_eq!(site.attribute("current-job-state", &waiting), "held");
        assert_eq!(site.site.print_files().len(), 2);
        let again = site.run("07-retained.sh", &[]).expect(0);
        assert_eq!(again.out, format!("kept {cancelled} cancelled-by-user\n"));
    });
}

#[test]
fn script_08_cancels_with_a_word_to_the_owners() {
    each(|site| {
        let ids = [site.submit("a", &[]), site.submit("b", &["-x", "job-hold=true"])];
        let ran =
            site.run("08-cancel.sh", &["wrong paper: 'A3'", &ids[0], &format!("{}:1000000000", site.server), &ids[1]]);
        let wanted = format!(
            "cancelled {}: wrong paper: 'A3'\nfailed {}:1000000000\ncancelled {}: wrong paper: 'A3'\n",
            ids[0], site.server, ids[1]
        );
        assert_eq!((ran.status, ran.out.as_str()), (1, wanted.as_str()), "{}", ran.err);
        for id in &ids {
            assert_eq!(site.attribute("current-job-state", id), "retained");
            assert_eq!(site.attribute("job-state-reasons", id), "cancelled-by-user");
            assert_eq!(site.attribute("job-retention-period", id), "0:10");
        }
        site.site.start("mail-ad");
        let last = site.submit("last", &[]);
        site.site.wait_for("the last is printed", || site.site.run("pdls", &["-U", &last]).status == 1);
        assert!(!site.received("mail-ad").contains("BEGIN a ") && !site.received("mail-ad").contains("BEGIN b "));
    });
}
