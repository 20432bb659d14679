//! SPOOLCOM and the `pd` commands see the same objects: what one of them makes shows in the other, class by class and attribute by
//! attribute where both have a word.

use serde_json::Value;
use spoolsuite::attributes::{Attribute, Class, Kind, Settable, nameable, of_class};
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::{pd, spoolcom};
use spoolsuite::model::job::{GivenValue, Origin};
use spoolsuite::model::managed::Realization;

use crate::support::Site;
use crate::support::inside::Inside;
use crate::support::managed;

/// What a table of one row needs to be seen: the words that make it, where it is looked at, and what stands there.
struct Row {
    /// The program and its words.
    made: (&'static str, &'static [&'static str]),
    /// What shows it.
    seen: (&'static str, &'static [&'static str]),
    /// A line of it, or how it begins.
    line: &'static str,
    /// Whether more may stand behind that.
    partly: bool,
}

const fn row(
    made: (&'static str, &'static [&'static str]),
    seen: (&'static str, &'static [&'static str]),
    line: &'static str,
) -> Row {
    Row { made, seen, line, partly: false }
}

/// A row whose line goes on with what differs from run to run.
const fn begins(
    made: (&'static str, &'static [&'static str]),
    seen: (&'static str, &'static [&'static str]),
    line: &'static str,
) -> Row {
    Row { made, seen, line, partly: true }
}

/// Runs `program`; `spoolcom` has all of its commands in one word, `a.txt` is a document of the site, `FILES` the directory of it.
fn run(site: &Site, (program, words): (&str, &[&str])) -> String {
    let file = site.files.path().join("a.txt").display().to_string();
    let words: Vec<&str> = words.iter().map(|word| if *word == "a.txt" { file.as_str() } else { word }).collect();
    if program == "spoolcom" {
        return site.spoolcom(&words[0].replace("FILES", &site.files.path().display().to_string())).out;
    }
    let said = site.run(program, &words);
    assert_eq!(said.status, 0, "{program} {words:?}: {}", said.err);
    said.out
}

/// Makes each row and looks at it. The fault names all rows that are not seen.
fn each_row(site: &Site, rows: &[Row]) {
    let mut missing = Vec::new();
    for row in rows {
        run(site, row.made);
        let seen = run(site, row.seen);
        // Columns are as wide as what stands in them, and the number of a job is what it is.
        let plain = |line: &str| {
            let label = |word: &str| {
                if word.len() >= 11 && word[..10].parse::<u64>().is_ok() {
                    format!("N{}", &word[10..])
                } else {
                    word.into()
                }
            };
            line.split_whitespace().map(label).collect::<Vec<String>>().join(" ")
        };
        let is_it = |line: &str| line == row.line || (row.partly && line.starts_with(row.line));
        if !seen.lines().any(|line| is_it(&plain(line))) {
            missing.push(format!("{:?}\n  {:?} has no line '{}':\n{seen}", row.made, row.seen, row.line));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

const LOC: (&str, &[&str]) = ("spoolcom", &["LOC, STATUS DETAIL"]);
const DEV: (&str, &[&str]) = ("spoolcom", &["DEV, STATUS DETAIL"]);
const SPOOLER: (&str, &[&str]) = ("spoolcom", &["SPOOLER, STATUS DETAIL"]);
const PRINT: (&str, &[&str]) = ("spoolcom", &["PRINT, STATUS"]);
const COLLECT: (&str, &[&str]) = ("spoolcom", &["COLLECT, STATUS"]);
const JOB: (&str, &[&str]) = ("spoolcom", &["JOB, STATUS DETAIL"]);
const BATCH: (&str, &[&str]) = ("spoolcom", &["BATCH"]);

/// What the `pd` commands make, in the order in which it is made.
#[rustfmt::skip]
const FROM_PD: &[Row] = &[
    row(("pdcreate", &["-c", "queue", "-x", "descriptor='mail room'", "acme1:q"]), ("spoolcom", &["LOC"]), "#q"),
    row(("pdset", &["-c", "queue", "-x", "assign-to-destination=false", "q"]), LOC, "QUEUE DESCRIPTOR: mail room"),
    row(("pdcreate", &["-x", "destination-realization=actual associated-queue=q device-uri=null:", "acme1:ad"]),
        DEV, "DEVICE: $ad"),
    row(("pdset", &["-x", "descriptor=front", "ad"]), DEV, "DESCRIPTOR: front"),
    row(("pdset", &["-x", "media-supported=A4 letter", "ad"]), DEV, "MEDIA SUPPORTED: A4 letter"),
    row(("pdset", &["-x", "input-trays-medium=tray-1:A4", "ad"]), DEV, "INPUT TRAYS MEDIUM: tray-1:A4"),
    row(("pdset", &["-x", "backup-destinations=other", "ad"]), DEV, "BACKUP DESTINATIONS: other"),
    row(("pdset", &["-x", "destination-locations=cellar attic", "ad"]), DEV, "DESTINATION LOCATIONS: cellar attic"),
    row(("pdset", &["-x", "scheduler-sort-primary-order=deadline", "ad"]), DEV, "FIFO: OFF (deadline, fifo)"),
    row(("pdset", &["-x", "scheduler-sort-primary-order=job-priority", "ad"]), DEV, "FIFO: ON"),
    row(("pdset", &["-x", "access=submit:ann operate:@ops", "ad"]), DEV, "ACCESS: SUBMIT ann; OPERATE @ops"),
    row(("pdset", &["-x", "access==", "ad"]), DEV, "ACCESS: NONE"),
    row(("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]),
        LOC, "MADE AS: LOGICAL DESTINATION"),
    row(("pdset", &["-m", "closed on Friday", "-x", "destination-model=big", "ld"]), LOC, "MESSAGE: closed on Friday"),
    row(("pdset", &["-x", "maximum-copies-supported=3", "ld"]), LOC, "MAXIMUM COPIES SUPPORTED: 3"),
    row(("pddisable", &["ld"]), LOC, "TAKES JOBS: OFF"),
    row(("pdenable", &["ld"]), ("spoolcom", &["LOC"]), "#q.ld #q"),
    row(("pdpause", &["-c", "queue", "q"]), LOC, "QUEUE PAUSED: ON"),
    row(("pdenable", &["ad"]), DEV, "STATE: WAITING"),
    row(("pddisable", &["ad"]), DEV, "STATE: OFFLINE"),
    row(("pdset", &["-c", "server", "-x", "descriptor='the house'", "acme1"]), SPOOLER, "DESCRIPTOR: the house"),
    row(("pdset", &["-c", "server", "-x", "accept-unsupported-jobs=true", "acme1"]), SPOOLER, "ACCEPT UNSUPPORTED JOBS: true"),
    row(("pdset", &["-c", "server", "-x", "access=titles:@ops", "acme1"]), SPOOLER, "ACCESS: TITLES @ops"),
    row(("pdcreate", &["-c", "medium", "-x", "medium-identifier=A4 medium-color=blue", "acme1:blue-a4"]),
        SPOOLER, "MEDIUM: blue-a4 (medium-identifier=A4, medium-color=blue)"),
    row(("pdcreate", &["-c", "initial-value-job", "-x", "job-priority=3", "acme1:low"]), SPOOLER, "DEFAULT JOB: low (job-priority=3)"),
    row(("pdcreate", &["-c", "initial-value-document", "-x", "copy-count=2", "acme1:two"]),
        SPOOLER, "DEFAULT DOCUMENT: two (copy-count=2)"),
    row(("pdset", &["-x", "destination-initial-value-job=low", "ld"]), LOC, "DESTINATION INITIAL VALUE JOB: low"),
    row(("pdcreate", &["-c", "station", "-x", "related-printers=ad", "acme1:desk"]), SPOOLER, "STATION: desk (related-printers=ad)"),
    row(("pdcreate", &["-c", "user", "-x", "aliases=annie", "acme1:ann"]), SPOOLER, "PERSON: ann (aliases=annie)"),
    row(("pdpr", &["-d", "ld", "-t", "one", "-n", "3", "-x", "job-hold=true", "a.txt"]), JOB, "REPORT: one"),
    row(("pdls", &["-U"]), JOB, "LOCATION: #q.ld"),
    row(("pdls", &["-U"]), JOB, "COPIES: 3"),
    row(("pdls", &["-U"]), JOB, "HOLD: ON"),
    row(("pdls", &["-U"]), JOB, "JOB PRIORITY: 3"),
    row(("pdmod", &["-x", "job-priority=50", "1"]), JOB, "SELPRI: 4"),
    row(("pdmod", &["-t", "first", "1"]), JOB, "REPORT: first"),
    row(("pdmod", &["-x", "form=CHEQUE", "1"]), JOB, "FORM: CHEQUE"),
    row(("pdmod", &["-x", "hold-after=true", "1"]), JOB, "HOLDAFTER: ON"),
    row(("pdmod", &["-x", "job-comment='by hand'", "1"]), JOB, "JOB COMMENT: by hand"),
    row(("pdmod", &["-x", "job-retention-period=1:30", "1"]), JOB, "JOB RETENTION PERIOD: 1:30"),
    row(("pdmod", &["-x", "sides=2", "1"]), JOB, "DOCUMENT 1 SIDES: 2"),
    row(("pdmod", &["-m", "wait for me", "1"]), JOB, "JOB MESSAGE FROM ADMINISTRATOR: wait for me"),
    begins(("pdpr", &["-d", "ld", "-x", "job-batch-id=7 job-hold=true", "a.txt"]), BATCH, "2 7 HL"),
    row(("pdset", &["-x", "device-speed=9 device-header=on", "ad"]), DEV, "SPEED: 9"),
    row(("pdset", &["-x", "print-process=SPLA", "ad"]), PRINT, "$SPLA DORMANT 0 ,-1 145"),
    begins(("pdls", &["-c", "server"]), COLLECT, "$S ACTIVE"),
];

const fn pdls(words: &'static [&'static str]) -> (&'static str, &'static [&'static str]) {
    ("pdls", words)
}

/// What SPOOLCOM makes, in the order in which it is made.
#[rustfmt::skip]
const FROM_SPOOLCOM: &[Row] = &[
    row(("startsrv", &["-F", "-c", "acme1"]), pdls(&["-c", "server"]), "acme1 ready"),
    row(("spoolcom", &["PRINT $SPLA, FILE fastp; DEV $LP1, PROCESS $SPLA, URI null:"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "print-process", "lp1"]), "LP1: print-process = SPLA"),
    row(("spoolcom", &["LOC #OFFICE.FRONT, DEV $LP1"]),
        pdls(&["-c", "destination", "acme1:"]), "OFFICE.FRONT logical true OFFICE"),
    row(("spoolcom", &["DEV $LP1, START"]), pdls(&["-c", "destination", "lp1"]), "LP1 actual idle true OFFICE"),
    row(("spoolcom", &["DEV $LP1, DRAIN"]), pdls(&["-c", "destination", "lp1"]), "LP1 actual shutdown false OFFICE"),
    row(("spoolcom", &["LOC #OFFICE.BACK, DEV $LP1"]),
        pdls(&["-c", "queue", "-s", "column", "-r", "queue-name,logical-destinations-assigned", "acme1:"]), "OFFICE OFFICE.BACK"),
    row(("spoolcom", &["LOC #OFFICE, BROADCAST ON"]),
        pdls(&["-c", "queue", "-s", "line", "-r", "broadcast", "office"]), "OFFICE: broadcast = true"),
    row(("spoolcom", &["LOC #OFFICE, BROADCAST OFF"]),
        pdls(&["-c", "queue", "-s", "line", "-r", "broadcast", "office"]), "OFFICE: broadcast = false"),
    row(("spoolcom", &["LOC #OFFICE.FRONT, CONTENT pcl"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "destination-content", "office.front"]),
        "OFFICE.FRONT: destination-content = pcl"),
    row(("spoolcom", &["LOC #OFFICE.FRONT, CONTENT NONE, ACCESS submit ann"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "access", "office.front"]), "OFFICE.FRONT: access = submit:ann"),
    row(("spoolcom", &["LOC #OFFICE.FRONT, ACCESS NONE; DEV $LP1, ACCESS operate @ops"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "access", "lp1"]), "LP1: access = operate:@ops"),
    row(("spoolcom", &["DEV $LP1, ACCESS NONE; DEV $LP1, FORM A4"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "form", "lp1"]), "LP1: form = A4"),
    row(("spoolcom", &["DEV $LP1, FORM NONE; SPOOLER, USERJOBS 900"]),
        pdls(&["-c", "server", "-s", "line", "-r", "jobs-per-user", "acme1"]), "acme1: jobs-per-user = 900"),
    row(("spoolcom", &["SPOOLER, ACCESS titles @ops"]),
        pdls(&["-c", "server", "-s", "line", "-r", "access", "acme1"]), "acme1: access = titles:@ops"),
    row(("spoolcom", &["COLLECT $T, FILE CSPOOL; COLLECT $T, START"]),
        pdls(&["-c", "server", "-s", "line", "-r", "collectors", "acme1"]), "T:active"),
    row(("pdpr", &["-d", "office.front", "-x", "job-hold=true", "a.txt"]),
        pdls(&["-U", "-j", "-s", "line", "-r", "destination-name-requested"]), "N: destination-name-requested = OFFICE.FRONT"),
    row(("spoolcom", &["JOB 1, REPORT second"]), pdls(&["-U", "-j", "-s", "line", "-r", "job-name", "1"]), "N: job-name = second"),
    row(("spoolcom", &["JOB 1, FORM CHEQUE"]), pdls(&["-U", "-j", "-s", "line", "-r", "form", "1"]), "N: form = CHEQUE"),
    row(("spoolcom", &["JOB 1, FORM NONE; JOB 1, SELPRI 2"]),
        pdls(&["-U", "-j", "-s", "line", "-r", "job-priority", "1"]), "N: job-priority = 29"),
    row(("spoolcom", &["JOB 1, COPIES 4"]), pdls(&["-U", "-s", "line", "-r", "copy-count", "1"]), "N.1: copy-count = 4"),
    row(("spoolcom", &["JOB 1, HOLDAFTER ON"]), pdls(&["-U", "-j", "-s", "line", "-r", "hold-after", "1"]), "N: hold-after = true"),
    row(("spoolcom", &["JOB 1, HOLDAFTER OFF; JOB 1, LOC #OFFICE.BACK"]),
        pdls(&["-U", "-j", "-s", "line", "-r", "destination-name-requested", "1"]), "N: destination-name-requested = OFFICE.BACK"),
    row(("spoolcom", &["BATCH 3, LINK 1"]), pdls(&["-U", "-j", "-s", "line", "-r", "job-batch-id", "1"]), "N: job-batch-id = 3"),
    row(("spoolcom", &["BATCH 3, UNLINK 1; JOB 1, START"]),
        pdls(&["-U", "-j", "-s", "line", "-r", "current-job-state", "1"]), "N: current-job-state = pending"),
    row(("spoolcom", &["JOB 1, HOLD"]), pdls(&["-U", "-j", "-s", "line", "-r", "job-state-reasons", "1"]),
        "N: job-state-reasons = job-hold-set"),
    row(("spoolcom", &["FONT LOGO, JOB 1; LOC #OFFICE.FRONT, FONT LOGO"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "font-name", "office.front"]), "OFFICE.FRONT: font-name = LOGO"),
    row(("spoolcom", &["COLLECT $T, DRAIN; COLLECT $S, DRAIN"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "enabled", "office.front"]), "OFFICE.FRONT: enabled = false"),
    row(("spoolcom", &["COLLECT $S, START; LOC #OFFICE.FRONT, FONT NONE; FONT LOGO, DELETE"]),
        pdls(&["-c", "destination", "-s", "line", "-r", "enabled", "office.front"]), "OFFICE.FRONT: enabled = true"),
    row(("spoolcom", &["SPOOLER, ERRLOG FILES/err.log"]), pdls(&["-c", "log", "-s", "line", "-r", "log-type"]),
        "error.log: log-type = error"),
    row(("spoolcom", &["SPOOLER, DRAIN"]), pdls(&["-c", "server"]), "acme1 terminating"),
];

#[test]
fn what_the_pd_commands_make_shows_in_spoolcom() {
    let site = Site::new();
    site.document("a.txt", b"one\n");
    each_row(&site, FROM_PD);
}

#[test]
fn what_spoolcom_makes_shows_in_pdls() {
    let site = Site::new();
    site.document("a.txt", b"one\n");
    each_row(&site, FROM_SPOOLCOM);
}

/// Rows of `class` that somebody sets and that have no word of SPOOLCOM.
fn carried(class: Class) -> impl Iterator<Item = &'static Attribute> {
    of_class(class).filter(|row| row.is_carried() && row.settable != Settable::Never)
}

fn listing(inside: &Inside, words: &[&str], spoolcom: bool) -> Vec<Value> {
    let verb = if spoolcom { spoolcom::run } else { pd::verbs::pdls::run };
    let text = inside.run(verb, words, Exit::Done);
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

fn named<'a>(list: &'a [Value], key: &str, name: &str) -> &'a Value {
    list.iter().find(|one| one[key] == name).unwrap_or_else(|| panic!("no {name}: {list:?}"))
}

#[test]
fn every_attribute_that_can_be_set_is_seen_with_the_same_value_in_both_languages() {
    let mut inside = Inside::new();
    managed::manage(&mut inside);
    inside.run(spoolcom::run, &["LOC #PARK.DEFAULT, DEV"], Exit::Done);
    inside.submit("park.default", b"later\n", |submission| {
        submission.hold = true;
        let rows = nameable(Class::Job).filter(|row| row.is_carried() && row.settable != Settable::Never);
        submission.given = rows
            .map(|row| GivenValue {
                document: u32::from(row.class == Class::Document),
                field: row.field,
                value: managed::value(row),
                origin: Origin::User,
            })
            .collect();
    });
    let locations = listing(&inside, &["LOC", "--json"], true);
    let devices = listing(&inside, &["DEV", "--json"], true);
    let spoolers = listing(&inside, &["SPOOLER", "--json"], true);
    let jobs = listing(&inside, &["JOB", "--json"], true);
    let destinations = listing(&inside, &["-c", "destination", "--json"], false);
    let queues = listing(&inside, &["-c", "queue", "--json"], false);
    let servers = listing(&inside, &["-c", "server", "--json"], false);
    let own = listing(&inside, &["-F", "--json"], false);
    let location = named(&locations, "location", "#sales-q.sales-ld");
    let device = named(&devices, "device", "$sales-ad");
    let detail = |words: &str| inside.run(spoolcom::run, &[&format!("{words}, STATUS DETAIL")], Exit::Done);
    let of = |realization: Realization, class| carried(class).filter(move |row| row.is_of(realization));
    let compared: [(Vec<&Attribute>, &Value, &Value, String, &str); 6] = [
        (
            of(Realization::Logical, Class::Destination).collect(),
            &location["attributes"],
            named(&destinations, "destination-name", "sales-ld"),
            detail("LOC #sales-q.sales-ld"),
            "",
        ),
        (
            of(Realization::Actual, Class::Destination).collect(),
            &device["attributes"],
            named(&destinations, "destination-name", "sales-ad"),
            detail("DEV $sales-ad"),
            "",
        ),
        (
            carried(Class::Queue).collect(),
            &location["queue-attributes"],
            named(&queues, "queue-name", "sales-q"),
            detail("LOC #sales-q.sales-ld"),
            "QUEUE ",
        ),
        (carried(Class::Server).collect(), &spoolers[0]["attributes"], &servers[0], detail("SPOOLER"), ""),
        (carried(Class::Job).collect(), &jobs[0]["attributes"], &own[0], detail("JOB 1"), ""),
        (
            carried(Class::Document).collect(),
            &jobs[0]["documents"][0]["attributes"],
            &own[0]["documents"][0],
            detail("JOB 1"),
            "DOCUMENT 1 ",
        ),
    ];
    let mut wrong = Vec::new();
    let mut count = 0;
    for (rows, there, here, detail, before) in &compared {
        for row in rows {
            let (name, label) = (row.name(), row.name().replace('-', " ").to_uppercase());
            count += 1;
            if there[name] != here[name] || here[name].is_null() {
                wrong.push(format!("{before}{name}: {} and {}", there[name], here[name]));
            }
            // Words of release have no QUEUE before them.
            let shown = |before: &str| detail.lines().any(|line| line.starts_with(&format!(" {before}{label}: ")));
            if !shown(before) && !shown("") {
                wrong.push(format!("{before}{label}: not in DETAIL"));
            }
            if matches!(row.kind, Kind::Text) && here[name].as_str().is_some_and(|text| !detail.contains(text)) {
                wrong.push(format!("{before}{label}: not with its value"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 140, "{count} attributes");
}
