//! `spoolcom --dump-config`: what it writes makes the same spool again.

use crate::support::Site;
use crate::support::inside::Inside;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use spoolsuite::commands::shell::Exit;
use spoolsuite::commands::spoolcom;

/// A configuration, as a list of commands.
fn commands() -> impl Strategy<Value = Vec<String>> {
    let setting = prop_oneof![
        Just("FORM A4 BLUE".to_owned()),
        (1u32..500).prop_map(|n| format!("SPEED {n}")),
        select(vec!["ON", "OFF", "OFF!"]).prop_map(|v| format!("EXCLUSIVE {v}")),
        select(vec!["ON", "OFF"]).prop_map(|v| format!("FIFO {v}")),
        select(vec!["ON", "OFF", "BATCH"]).prop_map(|v| format!("HEADER {v}")),
        select(vec!["ON", "OFF", "OFF!"]).prop_map(|v| format!("STARTFF {v}")),
        select(vec!["null:", "socket://10.0.0.9:9100", "\"file:///tmp/out,of;it's\"", "fifo:///tmp/a b"])
            .prop_map(|v| format!("URI {v}")),
        (0u32..100).prop_map(|n| format!("ATTEMPTS {n}")),
        (1i32..300).prop_map(|n| format!("WIDTH {n}")),
        (10u32..999).prop_map(|n| format!("RESTART {n}")),
        select(vec!["ASK", "ONCE", "AGAIN"]).prop_map(|v| format!("DELIVERY {v}")),
        Just("EOL CRLF".to_owned()),
        Just("CONTENT RAW".to_owned()),
        Just("TRUNC ON".to_owned()),
        Just("PAGELENGTH 66".to_owned()),
        Just("PARM %2000".to_owned()),
        Just("CHARMAP NONE".to_owned()),
        Just("DEVTYPE LU1".to_owned()),
        Just("LUEOLVALUE CRLF".to_owned()),
    ];
    let name = select(vec!["$LP1", "$lp2", "$FAST.#P1", "\\WEST.$M", "plain-7"]);
    let device =
        (name.clone(), prop::collection::vec(setting, 0..6), any::<bool>()).prop_map(|(name, words, starts)| {
            let mut line = format!("DEV {name}, PROCESS $SPLA");
            words.iter().for_each(|word| line.push_str(&format!(", {word}")));
            // Without an address it is not started, and without a change it is not altered while it is online.
            if starts { format!("{line}, URI null:; DEV {name}, START") } else { line }
        });
    let location = ("[A-C]", "[W-Z]", prop::option::of(name)).prop_map(|(group, dest, device)| {
        let device = device.unwrap_or("NONE");
        format!("LOC #{group}.{dest}, DEV {device}")
    });
    let other = prop_oneof![
        "[A-C]".prop_map(|group| format!("LOC #{group}, BROADCAST ON")),
        ("[A-C]", "[W-Z]").prop_map(|(group, dest)| format!("LOC #{group}.{dest}, CONTENT RAW")),
        Just("PRINT $SPLB, FILE $SYSTEM.SYSTEM.FASTP, PARM %2, CPU 2, BACKUP 3".to_owned()),
        ("[A-C]", "[W-Z]").prop_map(|(group, dest)| format!("LOC #{group}.{dest}, FONT LOGO")),
        Just("PRINT $OWN, PARM 7".to_owned()),
        select(vec!["COLLECT $S, FILE $SYSTEM.SYSTEM.CSPOOL, DATA $D.S.F", "COLLECT $S1, UNIT 8, PRI 150"])
            .prop_map(str::to_owned),
        Just("COLLECT $S1, START".to_owned()),
        Just("SPOOLER, ERRLOG $DATA1.SPOOL.ERRLOG".to_owned()),
        Just("SPOOLER, START".to_owned()),
        Just("SPOOLER, MGRACCESS ON".to_owned()),
        Just("SPOOLER, FASTCNFG \"/etc/a, b\"".to_owned()),
    ];
    prop::collection::vec(prop_oneof![3 => device, 3 => location, 2 => other], 1..25)
}

/// What the displays say of a configuration, without what only this spool has.
fn shown(inside: &Inside) -> Vec<Value> {
    let mut all = Vec::new();
    for display in ["SPOOLER", "COLLECT", "PRINT", "DEV", "LOC"] {
        let text = inside.run(spoolcom::run, &["--json", display], Exit::Done);
        let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{display}: {error}: {text}"));
        let rows = if let Value::Array(rows) = &mut value { rows } else { std::slice::from_mut(&mut value) };
        for row in rows {
            for key in [
                "spool-id",
                "base",
                "log",
                "created",
                "logging-file",
                "units-allocated",
                "total-units",
                "percent-full",
                "free-octets",
                "spool-space",
            ] {
                row.as_object_mut().unwrap().remove(key);
            }
            if let Some(path) =
                row.get_mut("fastcnfg").filter(|path| path.as_str().unwrap().ends_with("/base/FASTCNFG"))
            {
                *path = Value::from("usual");
            }
        }
        all.push(value);
    }
    all
}

fn dumped(inside: &Inside) -> String {
    inside.run(spoolcom::run, &["--dump-config"], Exit::Done)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_makes_the_same_spool_again(commands in commands()) {
        let first = Inside::new();
        first.run(spoolcom::run, &["PRINT $SPLA, FILE fastp"], Exit::Done);
        for command in &commands {
            // What is refused, because a device is online or is not there, is no matter.
            first.attempt(spoolcom::run, &[command]);
        }
        let dump = dumped(&first);
        let second = Inside::new();
        let file = second.dir.path().join("config");
        std::fs::write(&file, &dump).unwrap();
        second.run(spoolcom::run, &["--in", file.to_str().unwrap()], Exit::Done);
        prop_assert_eq!(shown(&second), shown(&first), "{}", dump);
        prop_assert_eq!(dumped(&second), dump.clone());
        // The same file again changes nothing.
        second.run(spoolcom::run, &["--in", file.to_str().unwrap()], Exit::Done);
        prop_assert_eq!(shown(&second), shown(&first), "{}", dump);
    }
}

#[test]
fn a_collector_that_was_started_before_its_spooler_is_started_again() {
    let first = Inside::new();
    first.run(spoolcom::run, &["PRINT $SPLA, FILE fastp; COLLECT $S1, CPU 1; COLLECT $S1, START"], Exit::Done);
    let dump = dumped(&first);
    assert!(dump.contains("COLLECT $S1, START\n") && !dump.contains("\nSPOOLER, START"), "{dump}");
    let second = Inside::new();
    let file = second.dir.path().join("config");
    std::fs::write(&file, &dump).unwrap();
    second.run(spoolcom::run, &["--in", file.to_str().unwrap()], Exit::Done);
    assert_eq!(shown(&second), shown(&first), "{dump}");
}

#[test]
fn it_stands_alone_and_an_empty_spool_has_a_configuration_too() {
    let inside = Inside::new();
    let dump = dumped(&inside);
    assert_eq!(dump.lines().count(), 2, "{dump}");
    assert!(dump.lines().all(|line| line.starts_with("COMMENT ")), "{dump}");
    for words in [&["--dump-config", "DEV"][..], &["--dump-config", "--in", "x"], &["--dump-config", "--json"]] {
        inside.run(spoolcom::run, words, Exit::Usage);
    }
}

#[test]
fn what_is_written_feeds_a_directory_in_which_there_is_no_spool_yet() {
    // No collector was ever declared; a print process was deleted from under its devices.
    let first = Site::new();
    first.spoolcom(
        "PRINT $SPLA, FILE fastp; PRINT $SPLB, FILE fastp; SPOOLER, START; DEV $LP1, PROCESS $SPLA, URI null:",
    );
    first.spoolcom("LOC #A.B, DEV $LP1; DEV $LP1, START; DEV $OLD, PROCESS $SPLB, URI null:; PRINT $SPLB, DELETE");
    let dump = first.run("spoolcom", &["--dump-config"]).expect(0).out;
    assert!(dump.contains("PRINT $SPLB, DELETE"), "{dump}");
    let second = Site::new();
    let file = second.document("config", dump.as_bytes());
    let fed = second.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    assert_eq!(fed.err, "", "{dump}");
    assert_eq!(second.run("spoolcom", &["--dump-config"]).expect(0).out, dump);
    second.run("spoolcom", &["--in", file.to_str().unwrap()]).expect(0);
    assert_eq!(second.run("spoolcom", &["--dump-config"]).expect(0).out, dump, "a second time it changes nothing");
}
