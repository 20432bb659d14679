//! The commands of an InfoPrint administrator through the real programs: startsrv, pdcrdflt, pdshutdown, pdclean, pddeviceop,
//! pdmsg and pdaccount.

use crate::support::sink::{Mode, Sink};
use crate::support::{Outcome, Site};

/// A server with one queue, two logical destinations before it and two printers behind it.
struct Server {
    site: Site,
    one: Sink,
    two: Sink,
}

impl Server {
    fn new() -> Self {
        let mut site = Site::new();
        site.env.push(("PD_CONFIRM_DELETE", "no"));
        let server = Self { site, one: Sink::new(Mode::Normal), two: Sink::new(Mode::Normal) };
        server.ok("pdcreate", &["-c", "queue", "acme1:q"]);
        for (name, sink) in [("ad1", &server.one), ("ad2", &server.two)] {
            let port = sink.uri().rsplit(':').next().unwrap().to_owned();
            let given = format!(
                "destination-realization=actual associated-queue=q destination-tcpip-internet-address=127.0.0.1 \
                 destination-tcpip-port-number={port}"
            );
            server.ok("pdcreate", &["-x", &given, &format!("acme1:{name}")]);
        }
        for name in ["ld1", "ld2"] {
            let given = "destination-realization=logical associated-queue=q";
            server.ok("pdcreate", &["-x", given, &format!("acme1:{name}")]);
        }
        server.ok("pdenable", &["ld1", "ld2"]);
        server
    }

    /// A command that succeeds in silence.
    #[track_caller]
    fn ok(&self, program: &str, words: &[&str]) {
        let said = self.site.run(program, words).expect(0);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{program} {words:?}");
    }

    /// Submits a document and returns its global id.
    #[track_caller]
    fn submit(&self, to: &str, octets: usize, more: &[&str]) -> String {
        let file = self.site.document("doc.txt", &vec![b'x'; octets]);
        let words = [&["-d", to, "-r", "job-identifier", "-s", "line"][..], more, &[file.to_str().unwrap()]].concat();
        let said = self.site.run("pdpr", &words).expect(0).out;
        said.trim().rsplit(" = ").next().unwrap().to_owned()
    }

    /// The global ids of all jobs that are there, each with its state.
    fn jobs(&self) -> Vec<(String, String)> {
        let rows = "job-identifier current-job-state";
        let said = self.site.run("pdls", &["-F", "-j", "-g", "-s", "column", "-r", rows, "acme1:"]).expect(0).out;
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut jobs: Vec<(String, String)> =
            said.lines().map(words).map(|words| (words[0].clone(), words[1].clone())).collect();
        jobs.sort();
        jobs
    }

    fn shown(&self, class: &str, name: &str, attribute: &str) -> String {
        let said = self.site.run("pdls", &["-c", class, "-g", "-s", "line", "-r", attribute, name]).expect(0).out;
        said.trim().rsplit(" = ").next().unwrap_or_default().to_owned()
    }
}

#[track_caller]
fn says_number(said: &Outcome, program: &str, number: &str) {
    let wanted = format!("{program}: {number} ");
    assert!(said.err.starts_with(&wanted), "{wanted:?}: {said:?}");
}

#[test]
fn a_server_is_made_stopped_and_started_again() {
    let site = Site::new();
    let nobody = site.run("startsrv", &["acme1"]).expect(1).says("nobody confirmed it");
    says_number(&nobody, "startsrv", "9100-203");
    assert!(!site.paths().database().exists());
    let made = site.run("startsrv", &["-F", "acme1"]).expect(0);
    assert_eq!(made.out, "startsrv: server acme1 is made and started\n");
    let names = |class: &str, attribute: &str| {
        let words = ["-c", class, "-g", "-s", "column", "-r", attribute, "acme1:"];
        site.run("pdls", &words).expect(0).out.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("queue", "queue-name"), ["acme1-q"]);
    assert_eq!(names("destination", "destination-name"), ["acme1-ld"]);
    // Again it only says so, and pdcrdflt makes what is missing.
    assert_eq!(site.run("startsrv", &[]).expect(0).out, "startsrv: server acme1 is running already\n");
    site.run("pddelete", &["acme1-ld"]).expect(1);
    let doc = site.document("d.txt", b"x");
    let word = site.run("pdcrdflt", &["-c", "acme1"]).expect(0);
    assert_eq!((word.out.as_str(), word.err.as_str()), ("", ""));
    assert_eq!(names("queue", "queue-name"), ["acme1-default-queue", "acme1-q"]);
    says_number(&site.run("pdcrdflt", &["other"]).expect(1), "pdcrdflt", "9100-105");
    says_number(&site.run("startsrv", &["other"]).expect(1), "startsrv", "9100-105");

    let submit = || site.run("pdpr", &["-d", "acme1-ld", doc.to_str().unwrap()]);
    submit().expect(0);
    let silent = site.run("pdshutdown", &["-m", "new disks", "acme1"]).expect(0);
    assert_eq!((silent.out.as_str(), silent.err.as_str()), ("", ""));
    says_number(&submit().expect(1), "pdpr", "9100-206");
    let words = ["-c", "server", "-g", "-s", "line", "-r", "message"];
    assert_eq!(site.run("pdls", &words).expect(0).out, "message = new disks\n");
    let again = site.run("startsrv", &["acme1"]).expect(0);
    assert!(again.out.starts_with("startsrv: server acme1 is restarted\nstartsrv: 1 jobs, 0 devices\n"), "{again:?}");
    submit().expect(0);
}

#[test]
fn a_basic_server_has_no_objects_and_what_cannot_be_asked_for_is_refused() {
    let site = Site::new();
    site.run("startsrv", &["-p", "6874", "-F", "acme1"]).expect(2).says("needs no port");
    site.run("startsrv", &["-l", "ja_JP", "-F", "acme1"]).expect(2).says("English");
    assert!(!site.paths().database().exists(), "a wrong command line makes nothing");
    site.run("startsrv", &["-c", "-F", "-l", "en_US.UTF-8", "acme1"]).expect(0);
    assert_eq!(site.run("pdls", &["-c", "queue", "-g", "-s", "column", "-r", "queue-name"]).expect(0).out, "");
    site.run("startsrv", &["-?"]).expect(0);
}

#[test]
fn clean_removes_the_jobs_of_what_is_named_and_no_others() {
    let server = Server::new();
    let [a, b] = [server.submit("ld1", 10, &[]), server.submit("ld1", 10, &["-x", "job-hold=true"])];
    let [c, d] = [server.submit("ld2", 10, &[]), server.submit("ad1", 10, &[])];
    let there = |server: &Server| server.jobs().into_iter().map(|job| job.0).collect::<Vec<_>>();
    // An actual destination: what was sent to it alone.
    server.ok("pdclean", &["ad1"]);
    assert_eq!(there(&server), [a.clone(), b.clone(), c.clone()]);
    assert!(!server.jobs().iter().any(|job| job.0 == d));
    // A logical one: what was sent to it.
    server.ok("pdclean", &["-m", "wrong paper", "acme1:ld1"]);
    assert_eq!(there(&server), std::slice::from_ref(&c));
    assert_eq!(server.shown("destination", "ld1", "message"), "wrong paper");
    // A queue: everything in it.
    let e = server.submit("ld1", 10, &["-x", "job-retention-period=1:00"]);
    server.ok("pdclean", &["-c", "queue", "q"]);
    assert_eq!(server.jobs(), [(e.clone(), "retained".to_owned())], "its period keeps it");
    // Retained jobs stay, unless the server is cleaned.
    server.ok("pdclean", &["-c", "queue", "q"]);
    assert_eq!(there(&server), [e]);
    server.ok("pdclean", &["-c", "server", "acme1"]);
    assert_eq!(there(&server), [""; 0]);
    for (words, number) in [
        (&["nowhere"][..], "9100-103"),
        (&["-c", "queue", "nowhere"], "9100-104"),
        (&["-c", "server", "nowhere"], "9100-105"),
    ] {
        says_number(&server.site.run("pdclean", words).expect(1), "pdclean", number);
    }
}

#[test]
fn clean_asks_and_nobody_can_answer() {
    let mut server = Server::new();
    let job = server.submit("ld1", 10, &[]);
    server.site.env.clear();
    let said = server.site.run("pdclean", &["ld1"]).expect(1).says("nobody confirmed it");
    says_number(&said, "pdclean", "9100-205");
    assert_eq!(server.jobs(), [(job, "pending".to_owned())]);
    // Where nothing is to be removed nobody is asked.
    server.ok("pdclean", &["ld2"]);
}

#[test]
fn a_destination_that_is_shut_down_gives_its_job_to_another() {
    let server = Server::new();
    server.one.pause(true);
    server.ok("pdenable", &["ad1"]);
    let job = server.submit("ld1", 3_000_000, &[]);
    server.site.wait_for("the job prints", || server.jobs() == [(job.clone(), "processing".to_owned())]);
    let said = server.site.run("pdshutdown", &["-c", "destination", "-s", "-m", "new fuser", "ad1"]).expect(0);
    assert_eq!(said.out, "");
    assert!(said.err.contains("the part that was sent may print"), "{said:?}");
    assert_eq!(server.shown("destination", "ad1", "enabled"), "false");
    assert_eq!(server.shown("destination", "ad1", "message"), "new fuser");
    assert_eq!(server.jobs(), [(job, "pending".to_owned())]);
    server.ok("pdenable", &["ad2"]);
    server.site.wait_until_empty();
    let octets: usize = server.two.connections().iter().map(|one| one.octets.len()).sum();
    assert_eq!(octets, 3_000_000, "the other destination has printed it whole");

    server.site.run("pdshutdown", &["-c", "destination", "ld1"]).expect(1).says("logical");
    server.site.run("pdshutdown", &["-c", "destination", "-w", "now", "ad1"]).expect(2);
    server.site.run("pdshutdown", &["-s", "acme1"]).expect(2);
    server.site.run("pdshutdown", &["-w", "soon", "acme1"]).expect(2);
    server.site.run("pdshutdown", &["other"]).expect(1);
}

#[test]
fn a_server_stops_now_or_when_everything_is_printed() {
    let server = Server::new();
    server.one.pause(true);
    server.ok("pdenable", &["ad1"]);
    let job = server.submit("ld1", 3_000_000, &[]);
    server.site.wait_for("the job prints", || server.jobs() == [(job.clone(), "processing".to_owned())]);
    server.site.run("pdshutdown", &["-w", "now", "acme1"]).expect(0);
    assert_eq!(server.jobs(), [(job, "pending".to_owned())], "it waits again");
    assert_eq!(server.shown("destination", "ad1", "enabled"), "false", "no destination of a stopped server takes jobs");

    server.one.pause(false);
    server.site.run("startsrv", &[]).expect(0);
    assert_eq!(server.shown("destination", "ad1", "enabled"), "true", "it was enabled before");
    server.submit("ld1", 10, &[]);
    let held = server.submit("ld1", 10, &["-x", "job-hold=true"]);
    server.site.run("pdshutdown", &["-w", "after-all", "acme1"]).expect(0);
    assert_eq!(server.jobs(), [(held, "held".to_owned())], "the others were printed first");
    says_number(
        &server.site.run("pdpr", &["-d", "ld1", server.site.document("x", b"x").to_str().unwrap()]).expect(1),
        "pdpr",
        "9100-206",
    );
}

#[test]
fn a_device_is_put_offline_online_and_reset() {
    let server = Server::new();
    server.one.pause(true);
    says_number(&server.site.run("pddeviceop", &["-t", "online", "ad1"]).expect(1), "pddeviceop", "9100-201");
    server.ok("pdenable", &["ad1"]);
    let job = server.submit("ld1", 3_000_000, &[]);
    server.site.wait_for("the job prints", || server.jobs() == [(job.clone(), "processing".to_owned())]);
    server.site.run("pddeviceop", &["-t", "offline", "-m", "paper jam", "ad1"]).expect(0);
    server.site.wait_for("the device stands", || server.shown("destination", "ad1", "destination-state") == "paused");
    assert_eq!(server.shown("destination", "ad1", "message"), "paper jam");
    server.site.run("pddeviceop", &["-t", "online", "ad1"]).expect(0);
    server.site.wait_for("it goes on", || server.shown("destination", "ad1", "destination-state") == "printing");
    let before = server.one.connections().len();
    server.site.run("pddeviceop", &["-t", "reset", "ad1"]).expect(0);
    assert_eq!(server.shown("destination", "ad1", "message"), "paper jam", "what was said is said again");
    server.one.pause(false);
    server.site.wait_until_empty();
    let connections = server.one.connections();
    assert!(connections.len() > before, "a new connection");
    assert_eq!(connections.last().unwrap().octets.len(), 3_000_000, "the job began again");

    // One that prints nothing is put offline as well.
    server.ok("pddeviceop", &["-t", "offline", "ad1"]);
    assert_eq!(server.shown("destination", "ad1", "destination-state"), "paused");
    server.ok("pddeviceop", &["-t", "online", "ad1"]);
    server.site.wait_for("it is online", || server.shown("destination", "ad1", "destination-state") == "idle");
    let refused = server.site.run("pddeviceop", &["-t", "lock-op-panel", "ad1"]).expect(1).says("lock-op-panel");
    says_number(&refused, "pddeviceop", "9100-908");
    server.site.run("pddeviceop", &["ad1"]).expect(2).says("no operation is named");
    server.site.run("pddeviceop", &["-t", "o", "ad1"]).expect(2).says("may mean");
    server.site.run("pddeviceop", &["-t", "online", "ld1"]).expect(1).says("logical");
    server.site.run("pddeviceop", &["-x", "device-operation-type=online", "ad1"]).expect(0);

    // As a kill in the middle of a reset leaves it.
    server.ok("pddisable", &["-m", "is being reset", "ad1"]);
    server.site.run("pddeviceop", &["-t", "online", "ad1"]).expect(1).says("is disabled");
    server.ok("pddeviceop", &["-t", "reset", "ad1"]);
    assert_eq!(server.shown("destination", "ad1", "enabled"), "true");
    assert!(!server.shown("destination", "ad1", "message").contains("reset"));
}

#[test]
fn messages_have_numbers_and_are_explained() {
    let server = Server::new();
    let (site, doc) = (&server.site, server.site.document("d.txt", b"x"));
    let doc = doc.to_str().unwrap();
    let loop_file = site.document("loop.att", b"");
    std::fs::write(&loop_file, format!("attributes = {}\n", loop_file.display())).unwrap();
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("pdls", &["99"], 1, "9100-101"),
        ("pdls", &["--nonsense"], 2, "9100-001"),
        ("pdls", &["-c", "destination", "nowhere"], 1, "9100-103"),
        ("pdls", &["-c", "queue", "nowhere"], 1, "9100-104"),
        ("pdls", &["-c", "sausage"], 2, "9100-012"),
        ("pdls", &["-f", "job-name>>", "acme1:"], 2, "9100-015"),
        ("pdpr", &["-d", "nowhere", doc], 1, "9100-103"),
        ("pdpr", &["-d", "ad1", "-x", "sausage=1", doc], 2, "9100-002"),
        ("pdpr", &["-d", "ad1", "-x", "form-definition=x", doc], 2, "9100-003"),
        ("pdpr", &["-d", "ad1", "-x", "page-select=2:3", doc], 1, "9100-022"),
        ("pdpr", &["-d", "ad1", "-x", "job-o=1", doc], 2, "9100-004"),
        ("pdpr", &["-d", "ad1", "-x", "job-name=", doc], 2, "9100-005"),
        ("pdpr", &["-d", "ad1", "-X", loop_file.to_str().unwrap(), doc], 2, "9100-006"),
        ("pdpr", &["-d", "ad1", "-x", "job-name=a b", doc], 2, "9100-010"),
        ("pdpr", &["-d", "ad1"], 2, "9100-017"),
        ("pdpr", &[doc], 2, "9100-018"),
        ("pdset", &["ad1"], 2, "9100-019"),
        ("pdset", &["-x", "destination-realization=logical", "ad1"], 2, "9100-007"),
        ("pdset", &["-x", "destination-state=idle", "ad1"], 2, "9100-008"),
        ("pdcreate", &["-c", "queue", "q2"], 2, "9100-016"),
        ("pdcreate", &["-c", "queue", "acme1:q"], 1, "9100-107"),
        ("pddelete", &["-c", "queue", "q"], 1, "9100-109"),
        ("pdenable", &["-c", "queue", "-x", "descriptor=x", "q"], 2, "9100-021"),
        ("pdmsg", &["9999-999"], 1, "9100-106"),
    ];
    for (program, words, status, number) in cases {
        let said = site.run(program, words).expect(*status);
        says_number(&said, program, number);
        // Every number that is said is explained.
        let explained = site.run("pdmsg", &[number]).expect(0).out;
        assert!(explained.starts_with(&format!("{number} ")), "{explained}");
        for part in ["EXPLANATION: ", "SYSTEM ACTION: ", "RESPONSE: "] {
            assert!(explained.contains(part), "{explained}");
        }
    }
    let queue = site.run("pdmsg", &["5010-304", "192"]).expect(0).out;
    assert!(queue.starts_with("5010-304 The queue ____ is backlogged."), "{queue}");
    assert!(queue.contains("\n\n5010-192 "), "{queue}");
    let event = site.run("pdmsg", &["9900-924", "280"]).expect(0).out;
    assert!(event.starts_with("9900-924 Taken from its device by an operator: ____"), "{event}");
    assert!(event.contains("5010-280 Printed: ____") && event.contains("class-job-default"), "{event}");
    let all = site.run("pdmsg", &["--all"]).expect(0).out;
    assert!(all.contains("9100-915") && all.contains("9900-970"), "{all}");
    for event in spoolsuite::model::notification::EVENTS {
        assert!(all.contains(event.number), "{}", event.number);
    }
}

#[test]
fn scripts_that_compare_whole_lines_can_have_messages_without_numbers() {
    let mut server = Server::new();
    let with = server.site.run("pdls", &["99"]).expect(1).err;
    server.site.env.push(("PD_MESSAGE_NUMBERS", "no"));
    let without = server.site.run("pdls", &["99"]).expect(1).err;
    assert_eq!(without.lines().next(), Some("pdls: cannot find job 99"));
    assert_eq!(with, without.replacen("pdls: ", "pdls: 9100-101 ", 1));
    let usage = server.site.run("pdls", &["--nonsense"]).expect(2).err;
    assert!(usage.starts_with("pdls: unexpected argument"), "{usage}");
}

#[test]
fn accounting_records_are_summed() {
    let server = Server::new();
    let site = &server.site;
    says_number(&site.run("pdaccount", &[]).expect(1), "pdaccount", "9100-106");
    server.ok("pdset", &["-c", "server", "-x", "log-accounting-data=true", "acme1"]);
    server.ok("pdenable", &["ad1"]);
    let text = site.document("pages.txt", b"one\x0ctwo\x0cthree");
    for (owner, copies) in [("ann@h1", "2"), ("bob@h1", "1"), ("ann@h2", "1")] {
        let owner = format!("job-owner={owner}");
        site.run("pdpr", &["-d", "ld1", "-x", &owner, "-n", copies, text.to_str().unwrap()]).expect(0);
    }
    site.wait_until_empty();
    // Whatever changes something next brings the last record to its log.
    server.ok("pdset", &["-c", "server", "-x", "descriptor=x", "acme1"]);
    let sums = site.run("pdaccount", &["--json"]).expect(0).out;
    let sums: Vec<serde_json::Value> = serde_json::from_str(&sums).unwrap();
    let of = |user: &str| sums.iter().find(|sum| sum["user"] == user).unwrap();
    assert_eq!((of("ann")["jobs"].as_u64(), of("ann")["pages"].as_u64()), (Some(2), Some(9)));
    assert_eq!((of("bob")["jobs"].as_u64(), of("bob")["pages"].as_u64()), (Some(1), Some(3)));
    let table = site.run("pdaccount", &["-b", "destination,user"]).expect(0).out;
    let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["Destination", "User", "Jobs", "Pages", "Octets"]);
    assert_eq!((&words[1][..4], &words[2][..4]), (&["ad1", "ann", "2", "9"][..], &["ad1", "bob", "1", "3"][..]));
    assert_eq!(&words[3][..3], ["Total", "3", "12"]);
    let of_one = site.run("pdaccount", &["-g", "-b", "owner", "-u", "ann@h2"]).expect(0).out;
    assert_eq!(of_one.split_whitespace().take(3).collect::<Vec<_>>(), ["ann@h2", "1", "3"]);
    // Periods.
    let none = site.run("pdaccount", &["-g", "-t", "2020-01-01"]).expect(0).out;
    assert_eq!(none, "");
    let all = site.run("pdaccount", &["-g", "-b", "all", "-f", "2020-01-01"]).expect(0).out;
    assert_eq!(all.split_whitespace().take(3).collect::<Vec<_>>(), ["all", "3", "12"]);
    let records = site.run("pdaccount", &["--records"]).expect(0).out;
    assert_eq!(records.lines().map(|line| line.split(',').count()).collect::<Vec<_>>(), [13, 13, 13]);
    let json = site.run("pdaccount", &["--records", "--json", "-u", "bob"]).expect(0).out;
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((json[0]["job-owner"].as_str(), json[0]["pages"].as_u64()), (Some("bob@h1"), Some(3)));
    // A log from elsewhere, one of its lines cut off.
    let log = site.document("old.log", b"ad9,eve@h,1021904417,2026-03-01 10:00:00,2026-03-01,10:00:00,2026-03-02 10:00:00,2026-03-02,10:00:00,7,99,ascii,x\nad9,eve\n");
    let said = site.run("pdaccount", &["-g", "-b", "month,destination", log.to_str().unwrap()]).expect(1);
    assert_eq!(said.out.split_whitespace().collect::<Vec<_>>(), ["2026-03", "ad9", "1", "7", "99"]);
    assert!(said.err.contains("1 line is no accounting record"), "{said:?}");
    site.run("pdaccount", &["-b", "sausage"]).expect(2);
    site.run("pdaccount", &["-f", "yesterdayish"]).expect(2);
}

#[test]
fn a_default_destination_whose_making_was_interrupted_is_finished_and_one_that_was_disabled_stays_so() {
    let server = Server::new();
    let site = &server.site;
    site.run("pdcreate", &["-c", "queue", "acme1:acme1-q"]).expect(0);
    // As a kill leaves it between the two steps.
    let words = "destination-realization=logical associated-queue=acme1-q message='is made, and not enabled yet'";
    site.run("pdcreate", &["-c", "destination", "-x", words, "acme1:acme1-ld"]).expect(0);
    let doc = site.document("default.txt", b"x");
    let submit = || site.run("pdpr", &["-d", "acme1-ld", doc.to_str().unwrap()]);
    says_number(&submit().expect(1), "pdpr", "9100-201");
    site.run("pdcrdflt", &["acme1"]).expect(0);
    submit().expect(0);
    site.run("pddisable", &["acme1-ld"]).expect(0);
    site.run("pdcrdflt", &["acme1"]).expect(0);
    says_number(&submit().expect(1), "pdpr", "9100-201");
}

#[test]
fn a_paused_destination_takes_jobs_and_prints_them_when_it_is_resumed() {
    let server = Server::new();
    server.ok("pdenable", &["ad1"]);
    let state = |name: &str| server.shown("destination", name, "destination-state");
    server.ok("pdpause", &["-m", "toner", "acme1:ad1"]);
    assert_eq!((state("ad1"), server.shown("destination", "ad1", "enabled")), ("paused".into(), "true".into()));
    assert_eq!(server.shown("destination", "ad1", "message"), "toner");
    let job = server.submit("ad1", 10, &[]);
    assert_eq!(server.jobs(), [(job, "pending".to_owned())]);
    // Twice is as good as once.
    server.ok("pdpause", &["ad1"]);
    server.ok("pdresume", &["ad1"]);
    server.site.wait_until_empty();
    assert_eq!(server.one.connections().len(), 1);
    // What has no output is refused, with what to do instead.
    server.site.run("pdpause", &["ld1"]).expect(1).says("logical").says("pdpause -c queue q");
    server.site.run("pdpause", &["ad2"]).expect(1).says("ad2 is disabled");
    server.site.run("pdresume", &["ad2"]).expect(1).says("pdenable ad2");
    server.site.run("pdpause", &["nowhere"]).expect(1).says("nowhere");
    server.site.run("pdpause", &["-w", "after-current-copy", "ad1"]).expect(2).says("after-current-job");
    server.site.run("pdpause", &["-c", "queue", "-w", "now", "q"]).expect(2);
    server.site.run("pdpause", &["-c", "queue", "-j", "q"]).expect(2);
}

#[test]
fn a_destination_is_paused_behind_its_job_and_its_job_alone() {
    let server = Server::new();
    server.one.pause(true);
    server.ok("pdenable", &["ad1"]);
    let state = || server.shown("destination", "ad1", "destination-state");
    let first = server.submit("ad1", 3_000_000, &[]);
    let second = server.submit("ad1", 10, &[]);
    server.site.wait_for("the job prints", || server.jobs()[0] == (first.clone(), "processing".to_owned()));
    server.ok("pdpause", &["-w", "after-current-job", "ad1"]);
    assert_eq!(state(), "printing");
    // That somebody has asked for it is seen before it happens.
    let detail = || server.site.run("spoolcom", &["DEV ad1, STATUS DETAIL"]).expect(0).out;
    assert!(detail().contains("PAUSES: WHEN ITS JOB IS DONE"), "{}", detail());
    let pending = || {
        [("destination", "ad1"), ("queue", "q"), ("server", "acme1")]
            .map(|(class, name)| server.shown(class, name, "pause-pending"))
    };
    assert_eq!(pending(), ["after-current-job", "ad1", "ad1"]);
    let log = server.site.run("spoolcom", &["DEV ad1, LOG"]).expect(0).out;
    assert!(log.to_lowercase().contains("paused") && log.contains("when its job is done"), "{log}");
    server.one.pause(false);
    server.site.wait_for("the destination pauses", || state() == "paused");
    assert!(!detail().contains("PAUSES"), "{}", detail());
    assert!(pending().iter().all(|shown| shown.ends_with('=')), "{:?}", pending());
    assert_eq!(server.jobs(), [(second.clone(), "pending".to_owned())]);
    // -j takes the job alone away.
    server.site.run("pdpause", &["-j", "ad1"]).expect(1).says("prints no job");
    server.one.pause(true);
    let third = server.submit("ad1", 3_000_000, &[]);
    server.ok("pdmod", &["-x", "job-hold=true", &second]);
    server.ok("pdresume", &["ad1"]);
    server.site.wait_for("the next job prints", || server.jobs()[1] == (third.clone(), "processing".to_owned()));
    server.ok("pdpause", &["-j", "ad1"]);
    server.site.wait_for("the job is paused", || server.jobs()[1] == (third.clone(), "paused".to_owned()));
    server.one.pause(false);
    server.site.wait_for("the destination goes on", || state() == "idle");
}

#[test]
fn a_destination_that_is_being_disabled_is_not_paused() {
    let server = Server::new();
    server.one.pause(true);
    server.ok("pdenable", &["ad1"]);
    let state = || server.shown("destination", "ad1", "destination-state");
    let job = server.submit("ad1", 3_000_000, &[]);
    server.site.wait_for("the job prints", || server.jobs()[0] == (job.clone(), "processing".to_owned()));
    server.ok("pddisable", &["ad1"]);
    for words in [&["ad1"][..], &["-w", "now", "ad1"], &["-w", "after-current-job", "ad1"]] {
        let said = server.site.run("pdpause", words).expect(1);
        said.says("ad1 is being disabled: it ends when its job is done").says("pdenable ad1");
    }
    server.ok("pdpause", &["-c", "server", "acme1"]);
    server.one.pause(false);
    server.site.wait_for("it is disabled", || state() == "shutdown");
}

#[test]
fn a_paused_queue_keeps_its_jobs_and_says_so() {
    let server = Server::new();
    server.ok("pdenable", &["ad1", "ad2"]);
    server.ok("pdpause", &["-c", "queue", "-m", "stocktaking", "q"]);
    assert_eq!(server.shown("queue", "q", "queue-state"), "paused");
    assert_eq!(server.shown("queue", "q", "message"), "stocktaking");
    let [a, b] = [server.submit("ld1", 10, &[]), server.submit("ad2", 10, &[])];
    assert_eq!(server.jobs(), [(a.clone(), "pending".to_owned()), (b, "pending".to_owned())]);
    // Nobody has to print them: nothing is wrong with the server.
    server.site.wait_for("the print process sleeps", || server.site.fastp().is_none());
    assert_eq!(server.shown("server", "acme1", "server-state"), "ready");
    let why = server.site.run("pdls", &["-g", "-r", "why", &a]).expect(0).out;
    assert_eq!(why, "why = its queue q is paused; pdresume -c queue q lets it print\n");
    // Its jobs have places all the same.
    server.submit("ld1", 10, &[]);
    let places = ["-U", "-j", "-g", "-s", "column", "-r", "intervening-jobs", "-f", "destination-name-requested==ld1"];
    let places = server.site.run("pdls", &places).expect(0).out;
    assert_eq!(places.split_whitespace().collect::<Vec<_>>(), ["0", "1"]);
    // Another queue prints meanwhile.
    server.ok("pdcreate", &["-c", "queue", "acme1:r"]);
    server.ok("pdcreate", &["-x", "destination-realization=actual associated-queue=r device-uri=null:", "acme1:ad3"]);
    server.ok("pdenable", &["ad3"]);
    let other = server.submit("ad3", 10, &[]);
    server.site.wait_for("the other queue prints", || !server.jobs().iter().any(|job| job.0 == other));
    let loc = server.site.run("spoolcom", &["LOC #q.ld1, STATUS DETAIL"]).expect(0).out;
    assert!(loc.contains("QUEUE PAUSED: ON"), "{loc}");
    server.ok("pdresume", &["-c", "queue", "acme1:q"]);
    server.site.wait_until_empty();
    // The server pauses all of it.
    server.ok("pdpause", &["-c", "server", "-m", "all hands", "acme1"]);
    assert_eq!(server.shown("queue", "r", "queue-state"), "paused");
    assert_eq!(server.shown("destination", "ad3", "destination-state"), "paused");
    assert_eq!(server.shown("destination", "ad1", "message"), "all hands");
    assert!(server.shown("server", "acme1", "message").ends_with('='), "the message is for what it has");
    server.submit("ld1", 10, &[]);
    server.ok("pdresume", &["-c", "server", "acme1"]);
    server.site.wait_until_empty();
}

#[test]
fn with_a_logical_destination_its_actual_ones_are_listed_when_asked_for() {
    let server = Server::new();
    let listed = |words: &[&str]| {
        let words = [&["-c", "dest", "-g", "-s", "column", "-r", "destination-name"], words].concat();
        let said = server.site.run("pdls", &words).expect(0).out;
        said.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["ld1"]), ["ld1"]);
    assert_eq!(listed(&["-A", "ld1"]), ["ld1", "ad1", "ad2"]);
    assert_eq!(listed(&["-x", "associated-actual-destinations=true", "acme1:ld1", "acme1:ad2"]), ["ld1", "ad1", "ad2"]);
    assert_eq!(listed(&["-A", "ad1"]), ["ad1"]);
    server.ok("pdcreate", &["-c", "initial-value-job", "-x", "actual-destinations-requested=ad2", "acme1:two"]);
    server.ok("pdset", &["-x", "destination-initial-value-job=two", "ld1"]);
    assert_eq!(listed(&["-A", "ld1"]), ["ld1", "ad2"]);
}

#[test]
fn a_job_is_held_against_what_its_destinations_support() {
    let server = Server::new();
    let doc = server.site.document("doc.txt", b"one\n");
    let refused = |words: &[&str], part: &str| {
        let words = [words, &[doc.to_str().unwrap()]].concat();
        server.site.run("pdpr", &words).expect(1).says(part).says("is not supported by destination");
        assert_eq!(server.jobs(), [], "nothing of it remains");
    };
    for (given, words, part) in [
        ("document-formats-supported=pcl postscript", &["-d", "ld1"][..], "document-format=ascii"),
        ("maximum-copies-supported=2", &["-d", "ld1", "-n", "3"], "copy-count=3"),
        ("job-size-range-supported=0:3", &["-d", "ld1"], "total-job-octets=4"),
        (
            "destination-model=A",
            &["-d", "ld1", "-x", "destination-models-requested=B C"],
            "destination-models-requested=B",
        ),
        ("sides-supported=1", &["-d", "ld1", "-x", "sides=2"], "sides=2"),
        ("output-bins-supported=top", &["-d", "ld1", "-x", "output-bin=bin-7"], "output-bin=bin-7"),
    ] {
        // What the logical destination says holds alone.
        server.ok("pdset", &["-x", given, "ld1"]);
        refused(words, part);
        let name = given.split_once('=').unwrap().0;
        server.ok("pdset", &["-x", &format!("{name}=="), "ld1"]);
        // Of the actual ones one that supports it is enough.
        server.ok("pdset", &["-x", given, "ad1"]);
        if !words.iter().any(|word| word.starts_with("destination-models")) {
            let job = server.submit("ld1", 4, &words[2..]);
            let shown =
                server.site.run("pdls", &["-U", "-g", "-s", "line", "-r", "destinations-assigned", &job]).expect(0);
            assert_eq!(shown.out, "destinations-assigned = ad2\n", "{given}: it goes where it can print");
            server.ok("pdrm", &[&job]);
        }
        server.ok("pdset", &["-x", given, "ad2"]);
        refused(words, part);
        for device in ["ad1", "ad2"] {
            server.ok("pdset", &["-x", &format!("{name}=="), device]);
        }
    }
    refused(&["-d", "ld1", "-x", "actual-destinations-requested=nowhere"], "actual-destinations-requested=nowhere");
    let job = server.submit("ld1", 4, &["-x", "actual-destinations-requested=ad2"]);
    let shown = server.site.run("pdls", &["-U", "-g", "-r", "destinations-assigned", &job]).expect(0).out;
    assert_eq!(shown, "destinations-assigned = ad2\n");
    server.ok("pdrm", &[&job]);

    // A server that takes such jobs holds them, and says what is missing.
    server.ok("pdset", &["-c", "server", "-x", "accept-unsupported-jobs=true", "acme1"]);
    for device in ["ad1", "ad2"] {
        server.ok("pdset", &["-x", "sides-supported=1", device]);
    }
    let job = server.submit("ld1", 4, &["-x", "sides=2"]);
    assert_eq!(server.jobs(), [(job.clone(), "held".to_owned())]);
    let shown = server.site.run("pdls", &["-U", "-g", "-r", "required-resources-not-supported", &job]).expect(0).out;
    assert_eq!(shown, "required-resources-not-supported = sides=2\n");
    let why = |job: &str| server.site.run("pdls", &["-g", "-r", "why", job]).expect(0).out;
    assert!(
        why(&job).starts_with("why = it is held: sides=2 is not supported by destination ld1 (by "),
        "{}",
        why(&job)
    );
    let shown = server.site.run("pdls", &["-U", "-g", "-r", "job-state-reasons", &job]).expect(0).out;
    assert_eq!(shown, "job-state-reasons = required-resources-not-supported\n");
    let check = server.site.run("spoolcom", &["CHECK JOB"]).expect(1).out;
    assert!(check.contains("it is held: sides=2 is not supported by destination ld1"), "a person has to look: {check}");
    // Nor is it sent there in the other language.
    server.ok("pdset", &["-x", "sides-supported=1", "ld2"]);
    let number = check.split_whitespace().nth(1).unwrap();
    let moved = server.site.run("spoolcom", &[&format!("JOB {number}, LOC #Q.LD2")]).expect(1);
    assert!(moved.err.contains("sides=2 is not supported by destination"), "{moved:?}");
    assert!(!why(&job).contains("submitted so"), "the submitter asked for no hold: {}", why(&job));
    // What is sent on is looked at again.
    server.ok("pdset", &["-x", "sides-supported=1", "ld2"]);
    server.site.run("pdresubmit", &["ld2", &job]).expect(1).says("sides=2 is not supported by destination ld2");
    // A destination that supports it: nothing is missing there, and nothing holds it any more.
    server.ok("pdset", &["-x", "sides-supported==", "ld2"]);
    server.ok("pdset", &["-x", "sides-supported==", "ad2"]);
    server.site.run("pdresubmit", &["ld2", &job]).expect(0);
    let shown = server.site.run("pdls", &["-U", "-g", "-r", "required-resources-not-supported", &job]).expect(0).out;
    assert_eq!(shown, "required-resources-not-supported =\n");
    assert!(!why(&job).contains("it is held"), "{}", why(&job));
    assert!(server.jobs().iter().all(|(_, state)| state != "held"), "{:?}", server.jobs());
}
