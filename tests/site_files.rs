//! Command files of a NonStop site run as they stand: a cold start, an operator's day, a warm start and an orderly stop, with
//! printers behind them. What each line must do is what its system does, or the choice that docs/migrating-nonstop.md names.

use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::support::sink::{Mode, Sink};
use crate::support::{DEADLINE, Outcome, Site, finish};

const SPLCONF: &str = include_str!("data/nonstop/splconf.com");
const DAY: &str = include_str!("data/nonstop/day.com");
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
        warned_at_most(line, self.file(&format!("{line}\n")))
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

/// What a line showed that worked and said nothing but warnings.
#[track_caller]
fn warned_at_most(line: &str, ran: Outcome) -> String {
    let ran = ran.expect(0);
    // What stands below a warning belongs to it.
    assert!(ran.err.lines().all(|line| line.starts_with("WARNING: ") || line.starts_with("  ")), "{line}: {ran:#?}");
    ran.out
}

/// What `--check` says of a file: nothing is lacking, and these are the lines and words of which a WARNING will be written.
#[track_caller]
fn promised(site: &Site, text: &str) -> Vec<(usize, String)> {
    let file = site.document("judged", text.as_bytes());
    let ran = site.run("spoolcom", &["--json", "--check", file.to_str().unwrap()]).expect(0);
    let judged: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let words = |one: &Value| -> Vec<(usize, String)> {
        assert_ne!(one["verdict"], "lacking", "{one}");
        let notes = one["notes"].as_array().unwrap();
        assert_eq!(notes.is_empty(), one["verdict"] == "runs", "{one}");
        let line = one["line"].as_u64().unwrap() as usize;
        notes.iter().filter_map(|note| Some((line, note["warning"].as_str()?.to_owned()))).collect()
    };
    judged.iter().flat_map(words).collect()
}

#[test]
fn a_cold_start_file_runs_to_its_end_and_again_changes_nothing() {
    let room = Room::new();
    let text = SPLCONF;
    let number = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let ran = room.file(text).expect(0);
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
    assert_eq!(promised(&Site::new(), text), found, "--check says what happens");
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
                "free-octets",
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
    let again = room.file(text).expect(0);
    assert_eq!(Room::warnings(&again).len(), expected.len(), "{again:#?}");
    assert_eq!(quiet(all()), before);
    drop((room.cheque, room.matrix));
}

/// What a line of the day must show or have done.
fn of_the_day(room: &Room, line: &str, out: &str) {
    let site = &room.site;
    let numbers = || -> Vec<u64> {
        let first = |row: &str| row.split_whitespace().next().and_then(|word| word.parse().ok());
        out.lines().skip(1).filter_map(first).collect()
    };
    let states = || room.json("COLLECT").iter().map(|one| one["state"].clone()).collect::<Vec<_>>();
    let holds = |sink: &Sink, text: &'static str| {
        sink.wait_for(text, |all| all.iter().any(|one| String::from_utf8_lossy(&one.octets).contains(text)));
    };
    let letter = || site.document("letter", b"letter\n");
    match line {
        "SPOOLER" => assert!(out.contains("$SPLS    ACTIVE  $0"), "{out}"),
        "SPOOLER, STATUS DETAIL" => {
            assert!(out.contains(" MGRACCESS: ON\n") && out.contains(" LOG FILE: $0\n"), "{out}")
        }
        "SPOOLER, STATISTICS" => {
            for row in [
                "JOBS CURRENTLY PRINTING : 1\n",
                "LOCATIONS               : 10\n",
                "DEVICES                 : 6\n",
                "COLLECTORS              : 2\n",
                "PRINT PROCESSES         : 2\n",
                "JOBS COLLECTED          : 10\n",
                "JOBS PRINTED            : 1\n",
            ] {
                assert!(out.contains(row), "{row}{out}");
            }
            assert!(out.contains("JOBS                    : 9  "), "{out}");
        }
        "COLLECT, STATUS DETAIL" => {
            assert!(out.contains("COLLECT: $S\n STATE: ACTIVE\n") && out.contains("COLLECT: $S1\n"), "{out}");
        }
        "COLLECT $S, LISTOPENS" => assert_eq!(out, "THERE ARE NO JOBS CURRENTLY OPEN\n"),
        "PRINT, XREF" => {
            assert!(out.starts_with("PRINT PROCESS  DEVICE"), "{out}");
            assert_eq!(out.lines().count(), 1 + 9, "every location that leads to a device: {out}");
        }
        "DEV" => {
            let names: Vec<&str> = out.lines().skip(1).filter_map(|row| row.split_whitespace().next()).collect();
            assert_eq!(names, ["$CHEQUE", "$label", "$LASER.#P01", "$LASER.#P02", "$LP", "\\WEST.$MATRIX"]);
            let row = |name: &str| out.lines().find(|row| row.starts_with(name)).unwrap();
            assert!(row("$LP ").contains(" JOB 1 ") && row("$label").contains(" ERROR %10037 "), "{out}");
        }
        "DEV, SUMMARY" => {
            assert!(out.lines().nth(1).unwrap().ends_with(" 6"), "{out}");
            let counts = &room.json(line)[0];
            assert_eq!((&counts["busy"], &counts["deverror"]), (&1.into(), &1.into()));
        }
        "DEV $LP, STATUS / OUT $DATA1.OPER.LP / DETAIL" => {
            let kept = std::fs::read_to_string(site.base().join("guardian/data1/oper/lp")).unwrap();
            assert!(out.is_empty() && kept.starts_with("DEVICE: $LP\n"), "{out}{kept}");
        }
        "LOC, XREF / OUT $S.#LASER.P01 /" => holds(&room.p01, "PRINT PROCESS"),
        "JOB, SUMMARY" => {
            // The job of the list before has left its printer in a moment.
            site.wait_for("one job prints", || room.json(line)[0]["printing"] == 1);
            let counts = &room.json(line)[0];
            assert_eq!((&counts["printing"], &counts["open"], &counts["hold"]), (&1.into(), &0.into(), &0.into()));
        }
        "JOB (OWNER, DATE FROM 00:00), STATUS" => assert!(numbers().contains(&5) && numbers().contains(&1), "{out}"),
        "JOB (COLLECT $S, STATE PRINT)" => assert_eq!(numbers(), [1], "{out}"),
        "JOB (DATAFILE $DATA1.SPOOL.SDATA, REPORT LEDGER), STATUS" => {
            assert_eq!(numbers(), [2], "{out}");
            assert!(out.contains("     3  LEDGER"), "three pages: {out}");
            assert_eq!(room.json("JOB (DATAFILE SDATA, REPORT LEDGER)").len(), 1, "the last part alone");
            assert!(room.json("JOB (COLLECT $S1)").is_empty() && room.json("JOB (DATAFILE S1DATA)").is_empty());
        }
        "JOB 2" => {
            let job = &room.json(line)[0];
            let shown = ["state", "selpri", "copies", "report"].map(|key| job[key].clone());
            assert_eq!(shown, ["ready".into(), Value::from(6), 3.into(), "LEDGER OCTOBER".into()]);
            assert!(out.contains("$LP"), "{out}");
        }
        "JOB 3, LOC #LASER.P02, START" => holds(&room.p02, "ORDERS"),
        "DEV $LP, SUSPEND" => assert_eq!(room.device("$LP")["state"], "suspended"),
        "DEV $LP, JOB 9" => assert_eq!(room.device("$LP")["queue"][0]["job"], 9, "before job 2 with its higher SELPRI"),
        "DEV $LP, CLEAR" => {
            let state = |n: u64| {
                let jobs = site.jobs();
                jobs.iter().find(|job| job["job-number"] == n).map(|job| job["current-job-state"].clone())
            };
            site.wait_for("the long job is held", || state(1) == Some("held".into()));
            // It is short: its octets may be with the printer already.
            site.wait_for("the next job is on its way", || state(9) != Some("pending".into()));
        }
        "FONT PAYLOGO, JOB (REPORT PAYLOGO)" => {
            let refused = room.file("JOB (REPORT PAYLOGO), DELETE\n").expect(1);
            assert!(
                refused.err.contains("JOB 8 INVALID OPERATION IN CURRENT STATE")
                    || refused.err.contains("ENTRY IN USE"),
                "{refused:#?}"
            );
        }
        "FONT" => assert!(out.contains("PAYLOGO") && out.lines().nth(1).unwrap().ends_with(" 8"), "{out}"),
        "DEV $CHEQUE, ALIGN" => {
            site.wait_for("the trial page is printed", || room.device("$CHEQUE")["state"] == "waiting");
        }
        "BATCH" => {
            assert_eq!(numbers(), [6, 7], "{out}");
            assert!(out.lines().skip(1).all(|row| row.split_whitespace().nth(1) == Some("301")), "{out}");
            let refused = room.file("JOB 6, FORM X\n").expect(1);
            assert!(refused.err.contains("batch 301"), "key attributes are the batch's: {refused:#?}");
        }
        "BATCH 301, START" => {
            holds(&room.p02, "PART B");
            let octets: Vec<u8> = room.p02.connections().into_iter().flat_map(|one| one.octets).collect();
            let paper = String::from_utf8_lossy(&octets).into_owned();
            let (first, second) = (paper.find("PART A").unwrap(), paper.find("PART B").unwrap());
            assert!(first < second, "in the order of LINK");
        }
        "JOB 1, DELETE !" => {
            site.wait_for("the long job is gone", || !site.jobs().iter().any(|job| job["job-number"] == 1))
        }
        "DEV $CHEQUE, DRAIN, FORM CHEQUE A5, START" => assert_eq!(room.device("$CHEQUE")["form"], "CHEQUE A5"),
        "DEV $LABEL, DRAIN" => assert_eq!(room.device("$LABEL")["state"], "offline"),
        "LOC #LABELS.STORE, DEV $LASER.#P02" => holds(&room.p02, "LABELS"),
        "DEV $LASER.#P01, DRAIN, EXCLUSIVE OFF!, START" => {
            assert_eq!(room.device("$LASER.#P01")["exclusive"], "off-each")
        }
        "DEV $LASER.#P01, DRAIN, EXCLUSIVE ON, START" => assert_eq!(room.device("$LASER.#P01")["exclusive"], "on"),
        "JOB (LOC #HOLD), HOLD" => {
            let held = room.json("JOB (LOC #HOLD, STATE HOLD)").len();
            assert_eq!(held, room.json("JOB (LOC #HOLD)").len());
        }
        "COLLECT $S1, DRAIN" => {
            assert_eq!(states(), ["active", "dormant"]);
            site.submit("#HOLD.DEFAULT", "still taken", &letter()).expect(0);
        }
        "COLLECT $S, DRAIN" => {
            let refused = site.submit("#HOLD.DEFAULT", "refused", &letter()).expect(1);
            assert!(
                refused.err.contains("no collector is ACTIVE") && refused.err.contains("file error 14"),
                "{refused:#?}"
            );
            let refused = room.file("DEV, STATUS / OUT $S.#LASER.P01 /\n").expect(1);
            assert!(refused.err.starts_with("CAN'T SPOOLSTART 'OUT' FILE: 14\n"), "{refused:#?}");
        }
        "COLLECT" => assert_eq!(out.matches(" DORMANT ").count(), 2, "{out}"),
        "COLLECT $S, START" => {
            assert_eq!(states(), ["active", "dormant"]);
            site.submit("$S.#HOLD.DEFAULT", "taken again", &letter()).expect(0);
            let refused = site.submit("$S1.#HOLD.DEFAULT", "refused", &letter()).expect(1);
            assert!(refused.err.contains("$S1 is DORMANT"), "{refused:#?}");
        }
        "SPOOLER, ERRLOG $DATA1.SPOOL.ERRLOG" => {
            assert!(site.base().join("guardian/data1/spool/errlog").exists());
            assert!(room.line("SPOOLER").contains("$DATA1.SPOOL.ERRLOG"));
        }
        "SPOOLER, DRAIN" => {
            assert!(room.line("SPOOLER").contains(" DRAIN "), "$LP prints");
            site.submit("#HOLD.DEFAULT", "refused", &letter()).expect(1);
            for added in [
                "DEV $NEW, PROCESS $SPLA",
                "LOC #NEW.A, DEV $LP",
                "PRINT $NEW, FILE FASTP",
                "COLLECT $NEW, FILE CSPOOL",
            ] {
                let ran = room.file(&format!("{added}\n")).expect(1);
                let says = "COMMAND CANNOT BE ACCOMPLISHED GIVEN CURRENT SPOOLER STATE\n";
                assert!(ran.err.starts_with(says), "{added}: {ran:#?}");
            }
        }
        _ => {}
    }
}

#[test]
fn an_operators_day_and_the_next_morning_line_by_line() {
    let room = Room::new();
    room.file(SPLCONF).expect(0);
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
    let job = |n: u64| room.site.jobs().into_iter().find(|job| job["job-number"] == n);
    room.site.wait_for("the cheques are printed", || job(4).is_none());
    room.site.wait_for("the first job prints", || room.device("$LP")["running"]["job"] == 1);
    room.site.wait_for("nobody answers the label printer", || room.device("$LABEL")["state"] == "deverror");

    assert_eq!(promised(&room.site, DAY), [], "--check says what happens: not one WARNING of a word without effect");
    assert_eq!(promised(&room.site, WARM), []);
    assert_eq!(promised(&room.site, DRAIN), []);
    for line in DAY.lines().map(str::trim) {
        let ran = room.file(&format!("{line}\n"));
        assert!(!ran.err.contains("HAS NO EFFECT HERE"), "{line}: {ran:#?}");
        let out = warned_at_most(line, ran);
        of_the_day(&room, line, &out);
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
