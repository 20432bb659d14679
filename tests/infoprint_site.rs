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
        // How full the disk is changes without us.
        ["destination", "queue", "server"].map(all).map(|text| match text.split_once("\"free: ") {
            Some((before, after)) => before.to_owned() + after.split_once('"').map_or("", |(_, after)| after),
            None => text,
        })
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
        let ids = [printers.submit("one", 10, &[]), printers.submit("two", 10, &[])];
        printers.site.wait_for("the device cannot be reached", || {
            !printers.shown("mail-ad", "destination-state").contains("= idle")
        });
        let said = printers.script("09-backup.sh", &["mail-ad", "mail-ld", "bulk-ld"]);
        let first = said.out.lines().next().unwrap_or_default();
        let state = first.strip_prefix("mail-ad out of order: ").unwrap_or_else(|| panic!("{said:?}"));
        let broken = ["needs-attention", "needs-key-operator", "timed-out", "connecting-to-printer"];
        assert!(broken.contains(&state), "{said:?}");
        let moved: Vec<String> = ids.iter().map(|id| format!("moved {id}")).collect();
        assert_eq!(
            (said.status, said.out.lines().skip(1).collect::<Vec<_>>()),
            (0, moved.iter().map(String::as_str).collect()),
            "{said:?}"
        );
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

/// Deletes the objects of the site, destinations before their queues.
fn delete_all(site: &Site) {
    let mut site_env = vec![("PD_CONFIRM_DELETE", "no")];
    site_env.extend(site.env.iter().copied());
    let run = |name: &str, args: &[&str]| {
        let mut command = site.command(name);
        command.args(args).envs(site_env.iter().copied());
        finish(command.spawn().unwrap(), DEADLINE).expect(0);
    };
    run("pddisable", &["mail-ad", "bulk-ad"]);
    run("pddelete", &["mail-ld", "acme1:mail-ad", "bulk-ld", "bulk-ad"]);
    run("pddelete", &["-c", "queue", "acme1-q", "bulk-q"]);
}

#[test]
fn what_was_archived_makes_the_same_objects_again() {
    let printers = Printers::ready("dash", true);
    let site = &printers.site;
    // What an attributes file has to quote.
    let hard = "a 'b' \"c\" #d = e\\ f";
    site.run("pdset", &["-x", &format!("descriptor=\"{}\"", hard.replace('"', "\"'\"'\"")), "mail-ld"]).expect(0);
    site.run(
        "pdset",
        &["-c", "queue", "-x", "backlog-upper-bound=1:30 notify-operator=email:a@h1", "-m", "busy", "acme1-q"],
    )
    .expect(0);
    site.run("pddisable", &["-m", "for a while", "mail-ad"]).expect(0);
    let settings = "device-width=80 device-eol=crlf job-size-range-supported=5: device-exclusive=each form='A4 BLUE' \
                    additional-accounting-log-attributes=copy-count";
    site.run("pdset", &["-x", settings, "mail-ad"]).expect(0);
    let objects = [("queue", "acme1-q"), ("destination", "mail-ad"), ("destination", "mail-ld")];
    let archive = |class: &str, name: &str| site.run("pdls", &["-c", class, "-r", "archive", name]).expect(0).out;
    let all = |class: &str, name: &str| {
        // A new destination is disabled.
        let shown = site.run("pdls", &["-c", class, "-r", "all", "-g", "-s", "line", name]).expect(0).out;
        shown.lines().filter(|line| !line.starts_with("enabled")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before: Vec<(String, Vec<String>)> =
        objects.map(|(class, name)| (archive(class, name), all(class, name))).into();
    assert!(before[2].1.contains(&format!("descriptor = {hard}")), "{:?}", before[2].1);
    delete_all(site);
    assert_eq!(site.run("pdls", &["-c", "destination", "--json", "acme1:"]).expect(0).out, "[]\n");
    for ((class, name), (text, shown)) in objects.into_iter().zip(&before) {
        let file = site.document(&format!("{name}.att"), text.as_bytes());
        let made =
            site.run("pdcreate", &["-c", class, "-X", file.to_str().unwrap(), &format!("acme1:{name}")]).expect(0);
        assert_eq!(made.err, "", "{text}");
        assert_eq!(&archive(class, name), text);
        if name != "acme1-q" {
            assert_eq!(&all(class, name), shown);
        }
    }
    // The server is not made again, and its archive is accepted all the same.
    let file = site.document("server.att", archive("server", "acme1").as_bytes());
    site.run("pdset", &["-c", "server", "-X", file.to_str().unwrap(), "acme1"]).expect(0);
}

#[test]
fn what_is_deleted_is_confirmed_empty_and_disabled() {
    let printers = Printers::ready("dash", true);
    let site = &printers.site;
    site.run("pddelete", &["mail-ld"]).expect(1).says("nobody confirmed it");
    let sure = |args: &[&str]| {
        let mut command = site.command("pddelete");
        finish(command.args(args).env("PD_CONFIRM_DELETE", "no").spawn().unwrap(), DEADLINE)
    };
    sure(&["mail-ad"]).expect(1).says("destination mail-ad is enabled").says("pddisable mail-ad");
    sure(&["-c", "queue", "acme1-q"]).expect(1).says("still has 2 destinations");
    sure(&["-c", "server", "acme1"]).expect(1).says("the server is not deleted");
    sure(&["nosuch", "bulk-ld"]).expect(1).says("cannot find destination nosuch");
    site.run("pdls", &["-c", "destination", "bulk-ld"]).expect(1);
    // A job keeps its destination.
    let id = printers.submit("held", 4, &["-x", "job-hold=true"]);
    sure(&["mail-ld"]).expect(1).says("still has 1 job");
    site.run("pdset", &["-x", "associated-queue=bulk-q", "mail-ld"]).expect(1).says("still has 1 job");
    site.run("spoolcom", &["LOC #acme1-q.mail-ld, DEV $bulk-ad"]).expect(1).says("still has 1 job");
    sure(&["-c", "job", &id]).expect(0);
    sure(&["mail-ld"]).expect(0);
    site.run("pddisable", &["mail-ad"]).expect(0);
    sure(&["mail-ad"]).expect(0);
    sure(&["-c", "queue", "acme1-q"]).expect(0);
    site.run("pdls", &["-c", "queue", "acme1-q"]).expect(1).says("cannot find queue acme1-q");
}

#[test]
fn an_actual_destination_is_changed_while_it_is_disabled_all_or_nothing() {
    let printers = Printers::ready("dash", true);
    let site = &printers.site;
    site.run("pdset", &["-x", "descriptor=x", "mail-ad"]).expect(1).says("is enabled").says("pddisable mail-ad");
    // A word of the operator, and what the device says of itself, are no change of it.
    site.run("pdset", &["-m", "noisy", "mail-ad"]).expect(0);
    site.run("pdset", &["-x", "device-contact='Ann'", "mail-ad"]).expect(0);
    site.run("pddisable", &["mail-ad"]).expect(0);
    site.wait_for("it is disabled", || printers.shown("mail-ad", "destination-state").contains("shutdown"));
    for (bad, why) in [
        ("destination-realization=logical", "is given when a destination is made"),
        ("destination-state=idle", "the spool determines it"),
        ("descriptor+=x", "has one value"),
        ("destination-tcpip-port-number=0", "is not a number from 1 to 65535"),
        ("job-size-range-supported=9:2", "is no range"),
        ("form-definition=F1", "not supported here"),
        ("nosuch=1", "knows no attribute"),
    ] {
        site.run("pdset", &["-x", bad, "mail-ad"]).expect(2).says(why);
    }
    for (bad, why) in [
        ("descriptor=new media-ready=a5", "media-supported has not"),
        ("descriptor=new hot-folder-directory=/x", "only logical destinations have it"),
        ("descriptor=new associated-queue=nosuch", "cannot find queue nosuch"),
        ("descriptor=new print-process=NONE", "cannot find"),
    ] {
        site.run("pdset", &["-x", bad, "mail-ad"]).expect(1).says(why);
    }
    let shown = printers.shown("mail-ad", "descriptor,message,device-contact");
    assert_eq!(shown, "descriptor = mail room\nmessage = noisy\ndevice-contact = Ann\n", "nothing else was changed");
    // Values are added and removed, and one that loses its last value has its default again.
    site.run("pdset", &["-x", "media-supported+=a4 letter", "-x", "sides-supported-=2", "mail-ad"]).expect(0);
    let media = printers.shown("mail-ad", "media-supported,sides-supported");
    assert_eq!(
        media.split_whitespace().collect::<Vec<_>>(),
        ["media-supported", "=", "legal", "a4", "letter", "sides-supported", "=", "1"]
    );
    site.run("pdset", &["-x", "sides-supported-=1 destination-poll-interval=9", "mail-ad"]).expect(0);
    site.run(
        "pdset",
        &["-x", "destination-poll-interval==", "-r", "destination-poll-interval sides-supported", "-g", "mail-ad"],
    )
    .expect(0);
    assert_eq!(
        printers.shown("mail-ad", "destination-poll-interval,sides-supported"),
        "destination-poll-interval = 2\nsides-supported =\n"
    );
}

#[test]
fn a_paper_that_is_ready_lets_jobs_print_that_want_it() {
    let printers = Printers::ready("dash", true);
    let site = &printers.site;
    let of = |name: &str, form: &str| printers.submit(name, 8, &["-x", &format!("form={form}")]);
    of("letter", "letter");
    site.wait_until_empty();
    of("a4", "A4");
    let why = site.run("pdls", &["-U", "-j", "-r", "why"]).expect(0).out;
    assert!(why.to_lowercase().contains("letter"), "what is loaded is named: {why}");
    site.run("pddisable", &["mail-ad"]).expect(0);
    site.wait_for("it is disabled", || printers.shown("mail-ad", "destination-state").contains("shutdown"));
    site.run("pdset", &["-x", "media-supported+=A4 input-trays-medium=tray-1:letter tray-2:A4", "mail-ad"]).expect(0);
    let shown = printers.shown("mail-ad", "input-trays-supported,media-ready");
    assert_eq!(
        shown.split_whitespace().collect::<Vec<_>>(),
        ["input-trays-supported", "=", "tray-1", "tray-2", "media-ready", "=", "letter", "A4"]
    );
    site.run("pdenable", &["mail-ad"]).expect(0);
    site.wait_until_empty();
}

/// An attribute of `pdset` and the word of `spoolcom` that is the same setting.
struct Counterpart {
    attribute: &'static str,
    /// A value here, and what `DEV` is told there to have it.
    values: [(&'static str, &'static str); 2],
}

const COUNTERPARTS: &[Counterpart] = &[
    Counterpart {
        attribute: "device-uri",
        values: [("socket://127.0.0.1:9", "URI socket://127.0.0.1:9"), ("null:", "URI null:")],
    },
    Counterpart { attribute: "form", values: [("A4", "FORM A4"), ("BLUE", "FORM BLUE")] },
    Counterpart { attribute: "device-speed", values: [("700", "SPEED 700"), ("9", "SPEED 9")] },
    Counterpart { attribute: "device-exclusive", values: [("on", "EXCLUSIVE ON"), ("each", "EXCLUSIVE OFF !")] },
    Counterpart {
        attribute: "scheduler-sort-secondary-order",
        values: [("shortest-job-first", "FIFO OFF"), ("fifo", "FIFO ON")],
    },
    Counterpart { attribute: "device-retry", values: [("7", "RETRY 7"), ("1", "RETRY 1")] },
    Counterpart { attribute: "device-timeout", values: [("3", "TIMEOUT 3"), ("-1", "TIMEOUT -1")] },
    Counterpart { attribute: "device-restart", values: [("60", "RESTART 60"), ("0", "RESTART OFF")] },
    Counterpart { attribute: "device-delivery", values: [("ask", "DELIVERY ASK"), ("once", "DELIVERY ONCE")] },
    Counterpart { attribute: "device-attempts", values: [("2", "ATTEMPTS 2"), ("9", "ATTEMPTS 9")] },
    Counterpart { attribute: "device-header", values: [("batch", "HEADER BATCH"), ("on", "HEADER ON")] },
    Counterpart { attribute: "device-startff", values: [("on", "STARTFF ON"), ("swallow", "STARTFF OFF !")] },
    Counterpart { attribute: "device-endff", values: [("true", "ENDFF ON"), ("false", "ENDFF OFF")] },
    Counterpart { attribute: "device-width", values: [("80", "WIDTH 80"), ("-1", "WIDTH -1")] },
    Counterpart { attribute: "device-trunc", values: [("true", "TRUNC ON"), ("false", "TRUNC OFF")] },
    Counterpart { attribute: "device-eol", values: [("crlf", "EOL CRLF"), ("none", "EOL NONE")] },
    Counterpart { attribute: "device-page-length", values: [("66", "PAGELENGTH 66"), ("0", "PAGELENGTH 0")] },
    Counterpart { attribute: "device-raw", values: [("true", "CONTENT RAW"), ("false", "CONTENT NONE")] },
    Counterpart { attribute: "print-process", values: [("OTHER", "PROCESS $OTHER"), ("SPLA", "PROCESS $SPLA")] },
];

#[test]
fn both_languages_set_and_show_the_same_settings() {
    let site = Site::new();
    site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
    let make = "destination-realization=actual associated-queue=q device-uri=null:";
    site.run("pdcreate", &["-x", make, "acme1:here", "acme1:there"]).expect(0);
    site.spoolcom("PRINT $OTHER, FILE fastp");
    let shown = |name: &str, attribute: &str| {
        site.run("pdls", &["-c", "destination", "-g", "-s", "line", "-r", attribute, name]).expect(0).out
    };
    let detail = |name: &str| {
        let text = site.spoolcom(&format!("DEV {name}, STATUS DETAIL")).out;
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    for one in COUNTERPARTS {
        for (value, told) in one.values {
            site.run("pdset", &["-x", &format!("{}={value}", one.attribute), "here"]).expect(0);
            site.spoolcom(&format!("DEV there, {told}"));
            assert_eq!(shown("here", one.attribute), format!("{} = {value}\n", one.attribute));
            assert_eq!(shown("there", one.attribute), shown("here", one.attribute), "{told}");
            assert_eq!(detail("here"), detail("there"), "{} = {value}", one.attribute);
        }
    }
}

#[test]
fn objects_of_one_language_are_seen_in_the_other() {
    let printers = Printers::ready("dash", true);
    let site = &printers.site;
    site.run("pdcreate", &["-c", "queue", "acme1:empty-q"]).expect(0);
    let locations = site.spoolcom("LOC").out;
    for line in ["#acme1-q.mail-ad", "#acme1-q.mail-ld", "#empty-q"] {
        assert!(locations.lines().any(|shown| shown.split_whitespace().next() == Some(line)), "{locations}");
    }
    let of = |name: &str| -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&site.spoolcom_json(name)).unwrap()[0].clone()
    };
    let logical = of("LOC #acme1-q.mail-ld");
    assert_eq!(
        (logical["made-as"].as_str(), logical["whole-group"].as_bool()),
        (Some("logical-destination"), Some(true))
    );
    assert_eq!(of("LOC #acme1-q.mail-ad")["device"], "$mail-ad");
    site.run("pddisable", &["mail-ld"]).expect(0);
    assert_eq!(of("LOC #acme1-q.mail-ld")["takes-jobs"], false);
    site.run("pdenable", &["mail-ld"]).expect(0);
    // BROADCAST and CONTENT of either language are those of the other one.
    site.run("pdset", &["-c", "queue", "-x", "broadcast=true", "acme1-q"]).expect(0);
    assert_eq!(of("LOC #acme1-q.mail-ld")["broadcast"], true);
    site.spoolcom("LOC #acme1-q, BROADCAST OFF; LOC #acme1-q.mail-ld, CONTENT pcl");
    let queue = site.run("pdls", &["-c", "queue", "-g", "-s", "line", "-r", "broadcast", "acme1-q"]).expect(0).out;
    assert_eq!(
        (queue.as_str(), printers.shown("mail-ld", "destination-content").as_str()),
        ("broadcast = false\n", "destination-content = pcl\n")
    );
    // The other way round: what was declared there is listed here, set and disabled here.
    site.spoolcom("DEV $LP9, PROCESS $SPLA, URI null:; LOC #OFFICE.FRONT, DEV $LP9");
    let names = site
        .run("pdls", &["-c", "destination", "-g", "-s", "column", "-r", "destination-name", "acme1:"])
        .expect(0)
        .out;
    assert!(names.lines().any(|line| line == "OFFICE.FRONT") && names.lines().any(|line| line == "LP9"), "{names}");
    assert!(!names.contains('#') && !names.contains("acme1-q.mail"), "plain names: {names}");
    site.run("pdset", &["-x", "descriptor=front", "-m", "closed on Friday", "office.front"]).expect(0);
    site.run("pddisable", &["office.front"]).expect(0);
    let file = site.document("a.txt", b"x");
    site.run("pdpr", &["-d", "front", file.to_str().unwrap()]).expect(1).says("OFFICE.FRONT is disabled");
    let shown = printers.shown("office.front", "descriptor,message,enabled");
    assert_eq!(shown, "descriptor = front\nmessage = closed on Friday\nenabled = false\n");
    // A job for the plain name and one of the other language wait in one queue.
    printers.submit("held", 3, &["-x", "job-hold=true"]);
    let jobs = site.jobs();
    assert_eq!(jobs[0]["destination-name-requested"], "mail-ld");
    assert!(site.spoolcom("JOB").out.contains("#acme1-q.mail-ld"));
    let filtered = site.run(
        "pdls",
        &["-U", "-j", "-g", "-s", "column", "-r", "job-name", "-f", "destination-name-requested==mail-ld"],
    );
    assert_eq!(filtered.expect(0).out.trim(), "held");
}
