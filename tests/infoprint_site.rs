//! An InfoPrint site: its objects are made by its own scripts, which run as they stand.
//!
//! `tests/data/infoprint` has the scripts, as sites wrote them: `awk`, `sed`, and loops over what `pdls` shows.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish, program};

/// The shells in which the scripts run.
const SHELLS: [&str; 2] = ["dash", "bash"];

/// A site with two printers, of which the first may refuse every connection.
struct Printers {
    site: Site,
    shell: &'static str,
    mail: Option<Sink>,
    bulk: Sink,
    /// The port of a printer that nobody listens at.
    nobody: u16,
}

impl Printers {
    /// The site before its objects are made.
    fn new(shell: &'static str, mail_listens: bool) -> Self {
        let mail = mail_listens.then(|| Sink::new(Mode::Normal));
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { site: Site::new(), shell, mail, bulk: Sink::new(Mode::Normal), nobody }
    }

    /// A script with the environment of the site.
    #[track_caller]
    fn script(&self, name: &str, args: &[&str]) -> Outcome {
        let mut command = Command::new(self.shell);
        self.site.dress(&mut command);
        let programs = program("pdls").parent().map(Path::to_path_buf).unwrap_or_default();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(programs).chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).unwrap()).env("PAUSE", "0.1").env("SERVER", "acme1");
        command.env("MAIL", format!("127.0.0.1:{}", self.mail.as_ref().map_or(self.nobody, port)));
        command.env("BULK", format!("127.0.0.1:{}", port(&self.bulk))).env("TMPDIR", self.site.files.path());
        command.arg(data().join(name)).args(args);
        finish(command.spawn().unwrap(), DEADLINE)
    }

    /// The site with its objects.
    #[track_caller]
    fn ready(shell: &'static str, mail_listens: bool) -> Self {
        let printers = Self::new(shell, mail_listens);
        let made = printers.script("setup.sh", &[]).expect(0);
        assert_eq!((made.out.as_str(), made.err.as_str()), ("", ""), "success is silent");
        printers
    }

    /// What `pdls` shows of a destination, as lines without labels.
    #[track_caller]
    fn shown(&self, name: &str, attributes: &str) -> String {
        self.site.run("pdls", &["-c", "destination", "-g", "-s", "line", "-r", attributes, name]).expect(0).out
    }

    /// Submits a document and returns the name of the job everywhere.
    #[track_caller]
    fn submit(&self, name: &str, octets: usize, more: &[&str]) -> String {
        let file = self.site.document("doc.txt", &vec![b'x'; octets]);
        let file = file.to_str().unwrap();
        let words = [&["-d", "mail-ld", "-t", name, "-r", "job-identifier", "-s", "line"][..], more, &[file]].concat();
        let said = self.site.run("pdpr", &words).expect(0).out;
        said.trim().rsplit(" = ").next().unwrap().to_owned()
    }
}

/// The port of a printer.
fn port(sink: &Sink) -> u16 {
    sink.uri().rsplit(':').next().unwrap().parse().unwrap()
}

/// Where the scripts are.
fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/infoprint")
}

#[test]
fn the_objects_of_a_site_are_made_by_its_script_and_nothing_else() {
    for shell in SHELLS {
        let printers = Printers::ready(shell, true);
        for (name, queue) in [("mail-ld", "acme1-q"), ("bulk-ld", "bulk-q")] {
            let shown = printers.shown(name, "destination-name,destination-realization,enabled,associated-queue");
            let wanted = format!(
                "destination-name = {name}\ndestination-realization = logical\nenabled = true\nassociated-queue = {queue}\n"
            );
            assert_eq!(shown, wanted, "{shell}");
        }
        let port = port(printers.mail.as_ref().unwrap());
        let attributes = "destination-state,enabled,associated-queue,descriptor,destination-locations,device-uri,\
                          destination-tcpip-internet-address,destination-tcpip-port-number,media-supported,media-ready,\
                          sides-supported,scheduler-sort-secondary-order,device-header";
        let shown = printers.shown("mail-ad", attributes);
        let wanted = format!(
            "destination-state = idle\nenabled = true\nassociated-queue = acme1-q\ndescriptor = mail room\n\
             destination-locations = mail room\n{locations}house 7\ndevice-uri = socket://127.0.0.1:{port}\n\
             destination-tcpip-internet-address = 127.0.0.1\ndestination-tcpip-port-number = {port}\n\
             media-supported = letter\n{media}legal\nmedia-ready = letter\nsides-supported = 1\n{sides}2\n\
             scheduler-sort-secondary-order = fifo\ndevice-header = off\n",
            locations = " ".repeat("destination-locations = ".len()),
            media = " ".repeat("media-supported = ".len()),
            sides = " ".repeat("sides-supported = ".len()),
        );
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&shown), sorted(&wanted), "{shell}");
        // It is the same device in the other language.
        let device = printers.site.spoolcom_json("DEV mail-ad");
        assert!(device.contains(&format!("socket://127.0.0.1:{port}")), "{device}");
        printers.site.spoolcom("SPOOLER, STATUS").out.find("ACTIVE").expect("a spool that is born so prints");
        let server =
            printers.site.run("pdls", &["-c", "server", "-g", "-s", "line", "-r", "log-accounting-data"]).expect(0);
        assert_eq!(server.out, "log-accounting-data = true\n");
    }
}

#[test]
fn a_second_run_is_refused_and_changes_nothing() {
    let printers = Printers::ready("dash", true);
    let everything = || {
        let all =
            |class: &str| printers.site.run("pdls", &["-c", class, "-r", "all", "--json", "acme1:"]).expect(0).out;
        ["destination", "queue", "server"].map(all)
    };
    let before = everything();
    let again = printers.script("setup.sh", &[]).expect(1).says("acme1-q exists already");
    assert_eq!(again.out, "");
    assert_eq!(everything(), before);
}

#[test]
fn what_waits_is_listed_with_sums() {
    for shell in SHELLS {
        let printers = Printers::ready(shell, true);
        assert_eq!(printers.script("03-list.sh", &[]).expect(0).out, "urgent 0\n", "nothing waits");
        printers.site.run("pddisable", &["mail-ad"]).expect(0);
        let submit = |name: &str, octets: usize, priority: &str, hold: bool| {
            let given = format!("job-priority={priority}{}", if hold { " job-hold=true" } else { "" });
            printers.submit(name, octets, &["-x", &given]).rsplit(':').next().unwrap().to_owned()
        };
        let a = submit("PAY-a", 5000, "70", false);
        let b = submit("PAY b c", 3, "50", false);
        let other = submit("Other", 40, "80", false);
        let low = submit("pay-low", 50, "70", false);
        let held = submit("PAY held", 60, "90", true);
        let listed = printers.script("03-list.sh", &[]).expect(0).out;
        let waiting: Vec<&str> = listed.lines().filter(|line| !line.starts_with(&held)).collect();
        let wanted = [
            format!("{other} pending        40  80 Other"),
            format!("{a} pending      5000  70 PAY-a"),
            format!("{low} pending        50  70 pay-low"),
            format!("{b} pending         3  50 PAY b c"),
            "total held 1 60".to_owned(),
            "total pending 4 5093".to_owned(),
            "urgent 2".to_owned(),
            format!("small acme1:{b}"),
        ];
        assert_eq!(waiting, wanted, "{shell}");
        assert!(listed.contains(&format!("{held} held           60  90 PAY held\n")), "{listed}");
    }
}

#[test]
fn a_device_that_is_well_keeps_its_jobs() {
    for shell in SHELLS {
        let printers = Printers::ready(shell, true);
        let said = printers.script("09-backup.sh", &["bulk-ad", "mail-ld", "bulk-ld"]).expect(0);
        assert_eq!(said.out, "bulk-ad in order: idle\n", "{shell}");
    }
}

#[test]
fn a_device_that_cannot_be_reached_is_disabled_with_a_word() {
    for shell in SHELLS {
        let printers = Printers::ready(shell, false);
        printers.submit("one", 10, &[]);
        printers.site.wait_for("the device cannot be reached", || {
            !printers.shown("mail-ad", "destination-state").contains("= idle")
        });
        let said = printers.script("09-backup.sh", &["mail-ad", "mail-ld", "bulk-ld"]);
        let first = said.out.lines().next().unwrap_or_default();
        let state = first.strip_prefix("mail-ad out of order: ").unwrap_or_else(|| panic!("{said:?}"));
        let broken = ["needs-attention", "needs-key-operator", "timed-out", "connecting-to-printer"];
        assert!(broken.contains(&state), "{said:?}");
        let shown = printers.shown("mail-ad", "enabled,message");
        assert_eq!(shown, "enabled = false\nmessage = jobs moved to bulk-ld\n", "{shell}");
    }
}

#[test]
fn a_disabled_destination_takes_no_jobs_and_an_enabled_one_prints() {
    let printers = Printers::ready("dash", true);
    let (site, file) = (&printers.site, printers.site.document("a.txt", b"hello"));
    let file = file.to_str().unwrap();
    site.run("pddisable", &["-m", "inventory", "mail-ld"]).expect(0);
    site.run("pdpr", &["-d", "mail-ld", file]).expect(1).says("mail-ld is disabled").says("pdenable mail-ld");
    assert!(site.print_files().is_empty(), "no copy remains");
    assert_eq!(printers.shown("mail-ld", "enabled,message"), "enabled = false\nmessage = inventory\n");
    // The queue is not its destination: another one that feeds it takes jobs.
    site.run(
        "pdcreate",
        &["-c", "destination", "-x", "destination-realization=logical associated-queue=acme1-q", "acme1:memo-ld"],
    )
    .expect(0);
    site.run("pdpr", &["-d", "memo-ld", file]).expect(1).says("memo-ld is disabled");
    site.run("pdenable", &["-c", "queue", "acme1:acme1-q"]).expect(0);
    for name in ["mail-ld", "memo-ld", "mail-ad"] {
        site.run("pdpr", &["-d", name, file]).expect(0);
    }
    site.wait_until_empty();
    let printed: Vec<u8> =
        printers.mail.as_ref().unwrap().connections().into_iter().flat_map(|one| one.octets).collect();
    assert_eq!(printed.iter().filter(|octet| **octet == b'h').count(), 3, "{printed:?}");
}
