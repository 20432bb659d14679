//! `spoolcom --from-cups`: what it writes feeds an empty spool, and says what is lost.

use std::path::Path;

use crate::support::inside::Inside;
use proptest::prelude::*;
use proptest::sample::select;
use spoolsuite::commands::pd::verbs::pdls;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;
use spoolsuite::spool::interface::operations::Operations;

const PRINTERS: &str = "\
# Printer configuration file for CUPS v2.4.2
NextPrinterId 9
<Printer lp1>
PrinterId 1
UUID urn:uuid:1
Info Front desk
Location Hall; 1st floor
MakeModel Local Raw Printer
DeviceURI socket://10.0.0.1:9100/?waiteof=false
State Idle
StateTime 1700000000
ConfigTime 1700000000
Type 4
Accepting Yes
Shared Yes
JobSheets none none
QuotaPeriod 0
PageLimit 0
KLimit 0
OpPolicy default
ErrorPolicy retry-current-job
</Printer>
<DefaultPrinter lab.2>
DeviceURI socket://10.0.0.2
State Stopped
Accepting Yes
Shared No
JobSheets standard none
ErrorPolicy stop-printer
AllowUser ann
Option media A5
</DefaultPrinter>
<Printer host>
DeviceURI lpd://root@10.0.0.3/PASSTHRU
State Idle
Shared No
ErrorPolicy abort-job
</Printer>
<Printer cloud>
DeviceURI https://ann:secret@printer.example:443/ipp/print
State Idle
Shared No
ErrorPolicy retry-job
</Printer>
<Printer stick>
DeviceURI usb://HP/LaserJet
State Idle
Shared No
</Printer>
<Printer parked>
DeviceURI socket://10.0.0.6
State Idle
Reason hold-new-jobs
Shared No
</Printer>
";

const CLASSES: &str = "\
<Class labels>
Info Any label printer
State Idle
Accepting Yes
Shared No
Printer lab.2
Printer lp1
</Class>
<Class all>
Shared No
Printer labels
Printer parked
Printer stick
Printer nobody
</Class>
";

fn write_site(dir: &Path) {
    std::fs::create_dir_all(dir.join("ppd")).unwrap();
    std::fs::write(dir.join("printers.conf"), PRINTERS).unwrap();
    std::fs::write(dir.join("classes.conf"), CLASSES).unwrap();
    let ppd = "*PPD-Adobe: \"4.3\"\n*OpenUI *PageSize/Size: PickOne\n*DefaultPageSize: A4\n";
    std::fs::write(dir.join("ppd/parked.ppd"), ppd).unwrap();
}

/// Feeds a command file.
fn feed(inside: &Inside, text: &str, exit: Exit) -> String {
    let file = inside.dir.path().join("commands");
    std::fs::write(&file, text).unwrap();
    let (ended, _, err) = inside.attempt(spoolcom::run, &["--in", file.to_str().unwrap()]);
    assert_eq!(ended, exit, "{err}\n{text}");
    err
}

fn check(inside: &Inside, text: &str) {
    let file = inside.dir.path().join("judged");
    std::fs::write(&file, text).unwrap();
    let judged = inside.run(spoolcom::run, &["--check", file.to_str().unwrap(), "--json"], Exit::Done);
    let all: serde_json::Value = serde_json::from_str(&judged).unwrap();
    assert!(all.as_array().unwrap().iter().all(|one| one["verdict"] == "runs"), "{judged}");
}

/// The devices: name, wish to print, address.
fn devices(inside: &Inside) -> Vec<(String, String, String)> {
    let text = inside.run(spoolcom::run, &["--json", "DEV"], Exit::Done);
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let word = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    all.as_array().unwrap().iter().map(|one| (word(one, "device"), word(one, "state"), word(one, "uri"))).collect()
}

#[test]
fn a_site_becomes_a_command_file_that_names_what_is_lost() {
    let inside = Inside::new();
    let site = inside.dir.path().join("cups");
    write_site(&site);
    let (exit, text, said) = inside.attempt(spoolcom::run, &["--from-cups", "cups"]);
    assert_eq!(exit, Exit::Failed, "one printer is left out: {said}");
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(said);
    assert!(!text.contains("secret") && !said.contains("secret"));
    check(&inside, &text);
}

#[test]
fn what_is_written_feeds_an_empty_spool_in_order_of_arrival() {
    let mut inside = Inside::new();
    write_site(&inside.dir.path().join("cups"));
    let (_, text, _) = inside.attempt(spoolcom::run, &["--from-cups", "cups"]);
    feed(&inside, &text, Exit::Done);
    let of = |name: &str| devices(&inside).into_iter().find(|one| one.0 == name).unwrap();
    assert_eq!(of("$lp1").2, "socket://10.0.0.1:9100");
    assert_ne!(of("$lp1").1, "offline");
    for waits in ["$lab-2", "$host", "$cloud", "$parked"] {
        assert_eq!(of(waits).1, "offline", "{waits}");
    }
    assert!(devices(&inside).iter().all(|one| one.0 != "$stick"));
    // A queue is reached by the name that it had, a class as a group, and the default where nobody says.
    let first = inside.submit("lp1", b"first\nand long\nand long\n", |_| {});
    let second = inside.submit("lp1", b"2\n", |_| {});
    inside.submit("#labels", b"any\n", |_| {});
    inside.submit("#all", b"any\n", |_| {});
    inside.submit("#DEFAULT", b"default\n", |_| {});
    let by_lpd = inside.submit("host", b"by lpd\n", |_| {});
    // The second is shorter, and waits its turn all the same.
    let queue = Inside::local(&inside.spool).device_queue("lp1".parse().unwrap(), None, 10).unwrap();
    let order: Vec<_> = queue.rows.iter().map(|item| item.job.number).collect();
    assert_eq!(order[..2], [first.number, second.number]);
    // A device that waits for its transport says so, whoever asks.
    let (exit, _, said) = inside.attempt(spoolcom::run, &["DEV $host, START"]);
    assert_eq!(exit, Exit::Failed);
    assert!(said.contains("lpd has no transport in this version"), "{said}");
    let why = inside.run(spoolcom::run, &[&format!("JOB {}, WHY", by_lpd.number)], Exit::Done);
    assert!(why.contains("no transport for lpd"), "{why}");
    // The same file again changes nothing.
    let before = devices(&inside);
    feed(&inside, &text, Exit::Done);
    assert_eq!(devices(&inside), before);
}

#[test]
fn a_site_is_switched_over_in_parts_and_what_is_there_stays() {
    let whole = Inside::new();
    write_site(&whole.dir.path().join("cups"));
    let (_, text, _) = whole.attempt(spoolcom::run, &["--from-cups", "cups"]);
    feed(&whole, &text, Exit::Done);

    let mut parts = Inside::new();
    write_site(&parts.dir.path().join("cups"));
    let (exit, text, said) = parts.attempt(spoolcom::run, &["--from-cups", "cups", "--queues", "LP1, host"]);
    assert_eq!(exit, Exit::Failed, "the class names a printer that there is not: {said}");
    assert!(text.contains("2 of the 8 queues") || text.contains("of the 8 queues"), "{text}");
    check(&parts, &text);
    feed(&parts, &text, Exit::Done);
    let names = |inside: &Inside| devices(inside).into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(names(&parts), ["$host", "$lp1"]);
    let job = parts.submit("lp1", b"waits\n", |_| {});
    parts.run(spoolcom::run, &["DEV $lp1, DRAIN"], Exit::Done);
    let (_, text, _) =
        parts.attempt(spoolcom::run, &["--from-cups", "cups", "--queues", "lab*,parked,cloud,stick,all"]);
    feed(&parts, &text, Exit::Done);
    assert_eq!(names(&parts), names(&whole));
    // What an operator did to a part that is switched over already stays so.
    let of = |name: &str| devices(&parts).into_iter().find(|one| one.0 == name).unwrap();
    assert_eq!(of("$lp1").1, "offline");
    parts.run(pdls::run, &["-U", &job.number.to_string()], Exit::Done);
    let locations = |inside: &Inside| {
        let text = inside.run(spoolcom::run, &["--json", "LOC"], Exit::Done);
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        all.as_array().unwrap().iter().map(|one| format!("{} {}", one["location"], one["device"])).collect::<Vec<_>>()
    };
    assert_eq!(locations(&parts), locations(&whole));
    let (exit, _, said) = parts.attempt(spoolcom::run, &["--from-cups", "cups", "--queues", "nobody*"]);
    assert_eq!(exit, Exit::Usage);
    assert!(said.contains("no queue is called 'nobody*'"), "{said}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let inside = Inside::new();
    let (exit, out, said) = inside.attempt(spoolcom::run, &["--from-cups", "nowhere"]);
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    assert!(said.contains("neither printers.conf nor classes.conf"), "{said}");
    // A machine without CUPS: what was just typed is no hint.
    if !Path::new("/etc/cups/printers.conf").exists() && !Path::new("/etc/cups/classes.conf").exists() {
        let (exit, _, said) = inside.attempt(spoolcom::run, &["--from-cups", "/etc/cups"]);
        assert_eq!(exit, Exit::Failed);
        assert!(said.contains("copy /etc/cups from the machine that has it"), "{said}");
        assert!(!said.contains("--from-cups /etc/cups"), "{said}");
    }
    for alone in [["--from-cups", "x", "DEV"], ["--from-cups", "x", "--check"], ["--queues", "x", "DEV"]] {
        assert_eq!(inside.attempt(spoolcom::run, &alone).0, Exit::Usage, "{alone:?}");
    }
}

#[test]
fn four_thousand_queues_become_as_many_devices() {
    let inside = Inside::new();
    let site = inside.dir.path().join("cups");
    std::fs::create_dir_all(&site).unwrap();
    let mut printers = String::new();
    for n in 0..4_000 {
        printers.push_str(&format!(
            "<Printer q{n}>\nInfo Queue {n}\nDeviceURI socket://10.0.{}.{}:9100\nState Idle\nAccepting Yes\nShared Yes\n\
             JobSheets none none\nErrorPolicy retry-job\n</Printer>\n",
            n / 250,
            n % 250 + 1
        ));
    }
    let mut classes = String::new();
    for n in 0..100 {
        classes.push_str(&format!("<Class c{n}>\nShared No\n"));
        (0..40).for_each(|m| classes.push_str(&format!("Printer q{}\n", n * 40 + m)));
        classes.push_str("</Class>\n");
    }
    std::fs::write(site.join("printers.conf"), printers).unwrap();
    std::fs::write(site.join("classes.conf"), classes).unwrap();
    let (exit, text, said) = inside.attempt(spoolcom::run, &["--from-cups", "cups"]);
    assert_eq!(exit, Exit::Done, "{said}");
    for (what, n) in [("DEV $q", 8_000), ("LOC #c", 4_000), ("COMMENT NOT CARRIED OVER", 4_000)] {
        assert_eq!(text.lines().filter(|line| line.starts_with(what)).count(), n, "{what}");
    }
    assert!(said.lines().count() < 10, "the summary is short: {said}");
}

/// Lines of a hostile, broken or odd configuration.
fn configuration() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        select(vec![
            "lp1", "LP1", "lab.2", "0815", "-x", "none", "DEFAULT", "CUPS", "a&", "a;b", "$x", "#y", "é", "q\"q", "all"
        ])
        .prop_map(str::to_owned),
        "\\PC{1,70}",
    ];
    let uri = prop_oneof![
        select(vec![
            "socket://10.0.0.1",
            "socket://h:0",
            "socket://[fe80::1]",
            "lpd://h/q,x",
            "lpd://h/q;DEV",
            "ipp://h:631/a%20b",
            "usb://x",
            "file:/dev/null",
            "file:///tmp/a,b;c",
            "file:///tmp/../x",
            "serial:/dev/ttyS0?baud=1",
            "http://u:p@h/",
            "parallel:/dev/lp0 ",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,40}",
    ];
    let word = select(vec![
        "Info",
        "Location",
        "State",
        "Accepting",
        "Shared",
        "JobSheets",
        "ErrorPolicy",
        "Option",
        "Filter",
        "Reason",
        "AllowUser",
        "Printer",
        "X\u{7}",
        "QuotaPeriod",
        "PortMonitor",
    ]);
    let value = prop_oneof![
        select(vec![
            "Stopped",
            "No",
            "Yes",
            "standard none",
            "hold-new-jobs",
            "stop-printer",
            "job-hold-until night",
            "&",
            "a & ",
            "\\#"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,30}",
        "[\\x00-\\x7f]{0,20}",
    ];
    let line = prop_oneof![
        3 => (word, value).prop_map(|(word, value)| format!("{word} {value}\n")),
        3 => uri.prop_map(|uri| format!("DeviceURI {uri}\n")),
        2 => (select(vec!["Printer", "DefaultPrinter", "Class", "DefaultClass"]), name.clone()).prop_map(|(tag, name)| format!("<{tag} {name}>\n")),
        1 => name.prop_map(|name| format!("Printer {name}\n")),
        1 => Just("</Printer>\n".to_owned()),
        1 => "\\PC{0,40}\n",
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_files_hold_every_line_runs(printers in configuration(), classes in configuration(), ppd in "\\PC{0,80}") {
        let inside = Inside::new();
        let site = inside.dir.path().join("cups");
        std::fs::create_dir_all(site.join("ppd")).unwrap();
        std::fs::write(site.join("printers.conf"), printers).unwrap();
        std::fs::write(site.join("classes.conf"), classes).unwrap();
        std::fs::write(site.join("ppd/lp1.ppd"), ppd).unwrap();
        let (exit, text, said) = inside.attempt(spoolcom::run, &["--from-cups", "cups"]);
        prop_assert!(matches!(exit, Exit::Done | Exit::Failed), "{said}");
        let harmless = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
        prop_assert!(harmless(&text) && harmless(&said), "{text}{said}");
        check(&inside, &text);
        feed(&inside, &text, Exit::Done);
        // A second time, and no matter in which state it is, it changes nothing.
        let before = devices(&inside);
        feed(&inside, &text, Exit::Done);
        prop_assert_eq!(devices(&inside), before);
    }
}
