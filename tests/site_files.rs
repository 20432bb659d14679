//! Command files of a NonStop site run as they stand: a cold start, an operator's day, a warm start and an orderly stop, with
//! printers behind them. What each line must do is what its system does, or the choice that docs/migrating-nonstop.md names.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish};

const SPLCONF: &str = include_str!("data/nonstop/splconf.com");
const WARM: &str = include_str!("data/nonstop/warm.com");
const DRAIN: &str = include_str!("data/nonstop/drain.com");
const FASTCNFG: &str = include_str!("data/nonstop/fastcnfg");

/// The site, with a printer behind each address but that of `$LABEL`.
struct Room {
    site: Site,
    lp: Sink,
    p01: Sink,
    p02: Sink,
    cheque: Sink,
    matrix: Sink,
}

impl Room {
    fn new() -> Self {
        let room = Self {
            site: Site::new(),
            // It takes a connection, and reads nothing until it is told to.
            lp: Sink::new(Mode::Stalls(1)),
            p01: Sink::new(Mode::Normal),
            p02: Sink::new(Mode::Normal),
            cheque: Sink::new(Mode::Normal),
            matrix: Sink::new(Mode::Normal),
        };
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let port = |sink: &Sink| sink.uri().rsplit(':').next().unwrap().to_owned();
        let mut text = FASTCNFG.to_owned();
        for (mark, port) in [
            ("@LP@", port(&room.lp)),
            ("@P01@", port(&room.p01)),
            ("@P02@", port(&room.p02)),
            ("@CHEQUE@", port(&room.cheque)),
            ("@MATRIX@", port(&room.matrix)),
            ("@LABEL@", nobody),
        ] {
            text = text.replace(mark, &port);
        }
        std::fs::create_dir_all(room.site.base()).unwrap();
        std::fs::write(room.site.base().join("FASTCNFG"), text).unwrap();
        room
    }

    /// Runs a command file by way of standard input.
    fn file(&self, text: &str) -> Outcome {
        let mut command = self.site.command("spoolcom");
        // A process that drives an open device stays; the others need not end while the test looks at them.
        command.env("PD_FASTP_IDLE", "600");
        let mut child = command.args(["--in", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        finish(child, DEADLINE)
    }

    /// Runs one line of a file, which must work and say nothing but warnings; what it shows.
    #[track_caller]
    fn line(&self, line: &str) -> String {
        let ran = self.file(&format!("{line}\n")).expect(0);
        assert!(ran.err.lines().all(|line| line.starts_with("WARNING: ")), "{line}: {ran:#?}");
        ran.out
    }

    /// The rows of a display by their first column, without blanks at their ends.
    #[track_caller]
    fn table(&self, command: &str) -> BTreeMap<String, Vec<String>> {
        let out = self.line(command);
        out.lines()
            .skip(1)
            .map(|row| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
            .map(|row| (row[0].clone(), row))
            .collect()
    }

    #[track_caller]
    fn json(&self, command: &str) -> Vec<Value> {
        serde_json::from_str(&self.site.spoolcom_json(command)).unwrap()
    }

    fn device(&self, name: &str) -> Value {
        self.json(&format!("DEV {name}")).remove(0)
    }

    #[track_caller]
    fn submit(&self, destination: &str, report: &str, pages: usize) {
        let page: String = (0..50).map(|n| format!("{report} {n:>3} {}\n", "x".repeat(60))).collect();
        let file = self.site.document(&report.replace(' ', "-"), vec![page; pages].join("\x0c").as_bytes());
        self.site.submit(destination, report, &file).expect(0);
    }

    /// Warnings by line number and word.
    fn warnings(ran: &Outcome) -> Vec<(usize, String)> {
        let read = |line: &str| {
            let word = line.strip_prefix("WARNING: ")?.split(' ').next()?.to_owned();
            let number = line.rsplit_once("(line ")?.1.split(':').next()?.parse().ok()?;
            Some((number, word))
        };
        ran.err.lines().map(|line| read(line).unwrap_or_else(|| panic!("{line}: {ran:#?}"))).collect()
    }
}

/// The file as it stands; as long as LOC FONT is not carried out, without its one line.
fn splconf() -> String {
    let help = Site::new().run("spoolcom", &["HELP LOC FONT"]).expect(0).out;
    let without = help.contains("not available in this version");
    SPLCONF.lines().filter(|line| !without || !line.contains("FONT")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_cold_start_file_runs_to_its_end_and_again_changes_nothing() {
    let room = Room::new();
    let text = splconf();
    let number = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let ran = room.file(&text).expect(0);
    assert_eq!(ran.out, "", "the one display goes to a file");
    let mut expected: Vec<(usize, &str)> = Vec::new();
    for (part, words) in [
        ("COLLECT $S, FILE", &["DATA"][..]),
        ("COLLECT $S, CPU", &["CPU", "BACKUP", "PRI", "UNIT"]),
        ("COLLECT $S1, FILE", &["DATA", "CPU", "BACKUP", "UNIT"]),
        ("PRINT $SPLA, FILE", &["CPU", "BACKUP", "PRI"]),
        ("PRINT $SPLB, FILE", &["CPU", "BACKUP", "PRI"]),
        ("DEV $LASER.#P02, DEVTYPE", &["DEVTYPE", "LUEOLVALUE", "LUEOLWHEN", "LUTOFVALUE"]),
        ("ERRLOG", &["ERRLOG"]),
    ] {
        expected.extend(words.iter().map(|word| (number(part), *word)));
    }
    let found = Room::warnings(&ran);
    assert_eq!(found.iter().map(|(n, word)| (*n, word.as_str())).collect::<Vec<_>>(), expected, "{ran:#?}");

    room.site.wait_for("the first laser printer is open", || room.device("$LASER.#P01")["open"] == true);
    let shows = |command: &str, rows: &[&str]| {
        let out = room.line(command);
        let squeezed: Vec<String> =
            out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for row in rows {
            assert!(squeezed.iter().any(|line| line.starts_with(row)), "{row}: {out}");
        }
    };
    shows(
        "COLLECT",
        &[
            "COLLECT STATE FLAGS CPU PRI UNIT DATA FILE %FULL",
            "$S ACTIVE 0 , 1 145 4 $DATA1.SPOOL.SDATA",
            "$S1 ACTIVE 2 , 3 145 8 $DATA2.SPOOL.S1DATA",
        ],
    );
    shows("PRINT", &["$SPLA", "$SPLB ACTIVE 2 , 3 150"]);
    shows("PRINT $SPLB, STATUS DETAIL", &["FILE: $SYSTEM.SYSTEM.FASTPTCP", "PARM: 2"]);
    shows(
        "DEV",
        &[
            "$LP WAITING F $SPLA",
            "$LASER.#P01 WAITING E $SPLB",
            "$LASER.#P02 WAITING $SPLB",
            "$CHEQUE WAITING $SPLA CHEQUE A4",
            "\\WEST.$MATRIX WAITING H F $SPLA",
            "$label WAITING $SPLB",
        ],
    );
    shows("DEV $CHEQUE, STATUS DETAIL", &["RESTART: 120", "TRUNC: ON", "WIDTH: 80", "TIMEOUT: -1", "RETRY: 10"]);
    shows("DEV \\WEST.$MATRIX, STATUS DETAIL", &["WIDTH: 132", "ENDFF: ON", "HEADER: BATCH"]);
    shows(
        "DEV $LASER.#P02, STATUS DETAIL",
        &["EXCLUSIVE: OFF !", "DEVTYPE: LU1", "LUEOLVALUE: CRLF", "LUEOLWHEN: LTWIDTH", "LUTOFVALUE: FFCR"],
    );
    shows(
        "LOC",
        &[
            "#DEFAULT.DEFAULT $LP",
            "#HOLD.DEFAULT",
            "#LASER.P02 $LASER.#P02",
            "#NOTICE.P01 B $LASER.#P01",
            "#NOTICE.P02 B $LASER.#P02",
            "#PAY.CHEQUES $CHEQUE",
            "#WEST.MATRIX \\WEST.$MATRIX",
            "#LABELS.STORE $label",
        ],
    );
    assert_eq!(room.line("LOC").lines().count(), 11, "no other location came into being");
    shows("SPOOLER", &["$SPLS ACTIVE $0"]);
    shows("SPOOLER, STATUS DETAIL", &["MGRACCESS: ON", "LOG FILE: $0"]);
    let list = room.site.base().join("guardian/data1/spool/devlist");
    assert_eq!(std::fs::read_to_string(list).unwrap().matches("DEVICE: ").count(), 6);

    let all = || {
        ["COLLECT", "PRINT, STATUS DETAIL", "DEV", "LOC", "SPOOLER, STATUS DETAIL", "PRINT, XREF"]
            .map(|one| room.json(one))
    };
    let quiet = |mut shown: [Vec<Value>; 6]| {
        for one in shown.iter_mut().flatten().filter_map(Value::as_object_mut) {
            for volatile in [
                "units-allocated",
                "total-units",
                "percent-full",
                "state",
                "pid",
                "process-state",
                "circumstances",
                "starts",
            ] {
                one.remove(volatile);
            }
        }
        shown
    };
    let before = quiet(all());
    let again = room.file(&text).expect(0);
    assert_eq!(Room::warnings(&again).len(), expected.len(), "{again:#?}");
    assert_eq!(quiet(all()), before);
    drop((room.cheque, room.matrix));
}

#[test]
fn what_a_site_sees_in_the_morning_and_stops_in_the_evening() {
    let room = Room::new();
    room.file(&splconf()).expect(0);
    for (destination, report, pages) in [
        ("#LP.EAST", "MONTH END", 2000),
        ("#LP.EAST", "LEDGER", 3),
        ("#LP.EAST", "ORDERS", 1),
        ("#PAY.CHEQUES", "PAYROLL", 1),
        ("#HOLD.DEFAULT", "PARKED", 1),
        ("#HOLD.DEFAULT", "PART A", 1),
        ("#HOLD.DEFAULT", "PART B", 1),
        ("#HOLD.DEFAULT", "PAYLOGO", 1),
        ("#LP.EAST", "URGENT", 1),
        ("#LABELS.STORE", "LABELS", 1),
    ] {
        room.submit(destination, report, pages);
    }
    room.line("JOB 4, HOLD, FORM CHEQUE A4, START");
    room.site.wait_for("the first job prints", || room.device("$LP")["running"]["job"] == 1);
    room.site.wait_for("nobody answers the label printer", || room.device("$LABEL")["state"] == "deverror");

    assert!(room.line("SPOOLER").contains("ACTIVE"));
    let statistics = room.line("SPOOLER, STATISTICS");
    for row in [
        "JOBS CURRENTLY PRINTING : 1\n",
        "LOCATIONS               : 10\n",
        "DEVICES                 : 6\n",
        "COLLECTORS              : 2\n",
        "PRINT PROCESSES         : 2\n",
        "JOBS COLLECTED          : 10\n",
    ] {
        assert!(statistics.contains(row), "{row}{statistics}");
    }
    let collectors = room.line("COLLECT, STATUS DETAIL");
    assert!(
        collectors.contains("COLLECT: $S\n STATE: ACTIVE\n") && collectors.contains("COLLECT: $S1\n"),
        "{collectors}"
    );
    assert_eq!(room.line("COLLECT $S, LISTOPENS"), "THERE ARE NO JOBS CURRENTLY OPEN\n");
    let xref = room.line("PRINT, XREF");
    assert!(xref.starts_with("PRINT PROCESS  DEVICE"), "{xref}");
    assert_eq!(xref.lines().count(), 1 + 9, "every location that leads to a device: {xref}");
    let devices = room.table("DEV");
    assert_eq!((devices["$LP"][1].as_str(), devices["$LP"][2].as_str()), ("JOB", "1"));
    assert_eq!(devices["$label"][1..3], ["ERROR", "%10037"]);
    let counts = &room.json("DEV, SUMMARY")[0];
    assert_eq!((&counts["total"], &counts["busy"], &counts["deverror"]), (&6.into(), &1.into(), &1.into()));
    assert_eq!(room.line("DEV $LP, STATUS / OUT $DATA1.OPER.LP / DETAIL"), "");
    let kept = std::fs::read_to_string(room.site.base().join("guardian/data1/oper/lp")).unwrap();
    assert!(kept.starts_with("DEVICE: $LP\n"), "{kept}");
    assert_eq!(room.line("LOC, XREF / OUT $S.#LASER.P01 /"), "");
    room.p01.wait_for("the cross reference", |all| {
        all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains("PRINT PROCESS"))
    });

    room.site.wait_for("the cross reference is let go", || room.json("JOB, SUMMARY")[0]["printing"] == 1);
    let jobs = &room.json("JOB, SUMMARY")[0];
    assert_eq!((&jobs["printing"], &jobs["open"], &jobs["hold"]), (&1.into(), &0.into(), &0.into()), "{jobs}");
    let numbers = |command: &str| room.json(command).iter().map(|job| job["job"].as_u64().unwrap()).collect::<Vec<_>>();
    assert!(numbers("JOB (OWNER, DATE FROM 00:00), STATUS").contains(&5));
    assert_eq!(numbers("JOB (COLLECT $S, STATE PRINT)"), [1]);
    assert_eq!(numbers("JOB (COLLECT $S1)"), [] as [u64; 0]);
    assert_eq!(numbers("JOB (DATAFILE $DATA1.SPOOL.SDATA, REPORT LEDGER), STATUS"), [2]);
    assert_eq!(numbers("JOB (DATAFILE SDATA, REPORT LEDGER), STATUS"), [2]);
    assert_eq!(numbers("JOB (DATAFILE $DATA2.SPOOL.S1DATA)"), [] as [u64; 0]);
    assert_eq!(room.line("JOB (REPORT LEDGER), HOLD, COPIES 3, SELPRI 6, REPORT LEDGER OCTOBER, START"), "");
    let job = &room.json("JOB 2")[0];
    assert_eq!(
        (&job["state"], &job["selpri"], &job["copies"], &job["report"]),
        (&"ready".into(), &6.into(), &3.into(), &"LEDGER OCTOBER".into())
    );
    room.line("JOB 3, HOLD");
    room.line("JOB 3, LOC #LASER.P02, START");
    room.p02.wait_for("the job that was sent on", |all| {
        all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains("ORDERS"))
    });

    // The label printer is broken: its job comes out elsewhere.
    room.line("DEV $LABEL, DRAIN");
    room.line("LOC #LABELS.STORE, DEV $LASER.#P02");
    room.p02
        .wait_for("the labels", |all| all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains("LABELS")));
    room.line("DEV $LASER.#P01, DRAIN, EXCLUSIVE OFF!, START");
    room.line("DEV $LASER.#P01, DRAIN, EXCLUSIVE ON, START");
    room.line("JOB (LOC #HOLD), HOLD");
    assert_eq!(numbers("JOB (STATE HOLD)"), [5, 6, 7, 8]);

    // Evening.
    let letter = room.site.document("letter", b"letter\n");
    room.line("COLLECT $S1, DRAIN");
    room.site.submit("#HOLD.DEFAULT", "still taken", &letter).expect(0);
    room.line("COLLECT $S, DRAIN");
    let refused = room.site.submit("#HOLD.DEFAULT", "refused", &letter).expect(1);
    assert!(refused.err.contains("no collector is ACTIVE") && refused.err.contains("file error 14"), "{refused:#?}");
    let states: Vec<Value> = room.json("COLLECT").iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["dormant", "dormant"]);
    let out = room.file("DEV, STATUS / OUT $S.#LASER.P01 /\n").expect(1);
    assert!(out.err.starts_with("CAN'T SPOOLSTART 'OUT' FILE: 14\n"), "{out:#?}");
    room.line("COLLECT $S, START");
    room.site.submit("$S.#HOLD.DEFAULT", "taken again", &letter).expect(0);
    let by_s1 = room.site.submit("$S1.#HOLD.DEFAULT", "refused", &letter).expect(1);
    assert!(by_s1.err.contains("$S1 is DORMANT"), "{by_s1:#?}");
    room.line("SPOOLER, ERRLOG $DATA1.SPOOL.ERRLOG");
    room.line("SPOOLER, DRAIN");
    assert!(room.line("SPOOLER").contains("DRAIN"));
    room.site.submit("#HOLD.DEFAULT", "refused", &letter).expect(1);
    for added in
        ["DEV $NEW, PROCESS $SPLA", "LOC #NEW.A, DEV $LP", "PRINT $NEW, FILE FASTP", "COLLECT $NEW, FILE CSPOOL"]
    {
        let ran = room.file(&format!("{added}\n")).expect(1);
        assert!(
            ran.err.starts_with("COMMAND CANNOT BE ACCOMPLISHED GIVEN CURRENT SPOOLER STATE\n"),
            "{added}: {ran:#?}"
        );
    }
    room.lp.set_mode(Mode::Normal);
    room.site.wait_for("the spooler is WARM", || room.json("SPOOLER")[0]["state"] == "warm");
    let log = std::fs::read_to_string(room.site.base().join("guardian/data1/spool/errlog")).unwrap();
    for part in [" SPOOLER drained", " COLLECT $S drained: SPOOLER DRAIN", " SPOOLER stopped: every attempt has ended"]
    {
        assert!(log.contains(part), "{part}: {log}");
    }

    // After an orderly stop.
    let ran = room.file(WARM).expect(0);
    assert_eq!(ran.err, "", "{ran:#?}");
    assert!(ran.out.contains(" MGRACCESS: OFF\n") && ran.out.contains(" LOG FILE: $DATA1.SPOOL.ERRLOG\n"), "{ran:#?}");
    let states: Vec<Value> = room.json("COLLECT").iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["active", "active"], "a start of the spooler starts them all");
    assert_eq!(room.device("$LABEL")["state"], "offline", "an operator drained it");
    assert_eq!(room.json("SPOOLER")[0]["mgraccess"], true);
    room.site.wait_for("jobs go on", || room.device("$LP")["waiting"] == 0 && room.device("$LP")["running"].is_null());

    let ran = room.file(DRAIN).expect(0);
    assert_eq!(ran.out, "THERE ARE NO JOBS CURRENTLY OPEN\nTHERE ARE NO JOBS CURRENTLY OPEN\n");
    assert_eq!(ran.err, "");
    room.site.wait_for("the spooler is WARM", || room.json("SPOOLER")[0]["state"] == "warm");
    drop((room.cheque, room.matrix));
}

#[test]
fn the_example_of_this_project_runs_as_it_stands() {
    let site = Site::new();
    std::fs::create_dir_all(site.base()).unwrap();
    std::fs::write(site.base().join("FASTCNFG"), include_str!("../examples/splconf/fastcnfg")).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/splconf/splconf.com");
    for _ in 0..2 {
        let ran = site.run("spoolcom", &["--in", path]).expect(0);
        assert_eq!(ran.out, "");
        let words: Vec<String> = Room::warnings(&ran).into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["DATA", "CPU", "BACKUP", "UNIT", "DATA", "UNIT", "CPU", "PRI"], "{ran:#?}");
    }
    let xref = std::fs::read_to_string(site.base().join("guardian/disk1/print/xref")).unwrap();
    for row in ["#DEFAULT.DEFAULT  $LINE", "#BILLS.DEFAULT    $BILLS", "#LATER.DEFAULT"] {
        assert!(xref.contains(row), "{xref}");
    }
    assert!(site.base().join("guardian/disk1/print/log").exists());
}
