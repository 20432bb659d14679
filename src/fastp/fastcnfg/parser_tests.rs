use std::time::Duration;

use super::*;
use crate::fastp::device::connection_settings::CloseWait;
use crate::fastp::fastcnfg::entry::{AddressSource, Entry};
use crate::fastp::fastcnfg::parsed::all_mistakes;
use crate::model::device::DeviceUri;

/// The entries of a file without a mistake.
fn entries(text: &str) -> Vec<(String, Entry)> {
    let parsed = parse(text.as_bytes());
    assert_eq!(all_mistakes(&parsed), Vec::<&Mistake>::new(), "{text}");
    parsed.entries.into_iter().map(|entry| (entry.name.to_string(), entry.entry.unwrap())).collect()
}

fn entry(attributes: &str) -> Entry {
    entries(&format!("DEVICE $LP1 {attributes}")).remove(0).1
}

/// The only mistake of an entry with these attributes: its place and its words.
fn mistake(attributes: &str) -> String {
    let parsed = parse(format!("DEVICE $LP1 {attributes}\nDEVICE $LP2 CONTYPE = NONE").as_bytes());
    assert_eq!(parsed.mistakes, [], "{attributes}");
    assert!(parsed.entries[1].entry.is_ok(), "{attributes}: the other device keeps working");
    let mistakes = parsed.entries[0].entry.clone().expect_err(attributes);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    said(&mistakes[0])
}

fn said(mistake: &Mistake) -> String {
    let hint = mistake.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{} {}{hint}", mistake.at, mistake.what)
}

/// What concerns everybody who reads this file.
fn structural(text: &str) -> Vec<String> {
    parse(text.as_bytes()).mistakes.iter().map(said).collect()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn the_examples_of_the_manual_are_understood() {
    let text = "! lab printers !  SPOOLER $SPL2  FASTCNFG = $DATA7.PRTCONF.LAB\n\
        DEVICE $LAB1            ! text again live after the second mark ! CONTYPE = NONE\n    TIMEOUT\n      \
        = 240             ! seconds for plain FASTP\n\
        DEVICE $LAB2.#ROOM9  CONTYPE = NONE  SHADOW1 = $DATA7.TRACE.L2A  SHADOW2 = $DATA7.TRACE.L2B\n";
    let parsed = parse(text.as_bytes());
    assert_eq!(all_mistakes(&parsed), Vec::<&Mistake>::new());
    assert_eq!(parsed.redirections[0].file.text, "$DATA7.PRTCONF.LAB");
    assert_eq!(parsed.entries[0].at, Position { line: 2, column: 1 });
    assert_eq!(parsed.entries[0].scope, Scope::default(), "a redirection opens no scope");
    let lab1 = parsed.entries[0].entry.as_ref().unwrap();
    assert_eq!((&lab1.address, lab1.io_limit), (&AddressSource::Own, Some(seconds(240))));
    assert_eq!(parsed.entries[1].name.to_string(), "$LAB2.#ROOM9");
    assert_eq!(parsed.entries[1].notes.len(), 2);
    let found = entries(
        "HOSTS $SYSTEM.NETCONF.HOSTS\n\
        DEVICE $NLAB1 CONTYPE = TCP/IP PROTOCOL = NONE ADDRESS = 192.0.2.40 PORT = 9100 POLLINT = 200 POLLNUM = 30 SHUTDOWNTO = 360000\n\
        DEVICE $NLAB2 CONTYPE = TCP/IP PROTOCOL = HPJETDIRECT ADDRESS = laser2 SNMP-COMMUNITY = printroom\n",
    );
    let socket = |host: &str| AddressSource::To(DeviceUri::Socket { host: host.into(), port: 9100 });
    let one = Entry {
        address: socket("192.0.2.40"),
        io_limit: None,
        refused_every: seconds(2),
        refused_tries: 30,
        close_wait: CloseWait::Required(seconds(3600)),
        slow_pace: Duration::ZERO,
    };
    assert_eq!(found[0].1, one);
    assert_eq!((&found[1].1.address, found[1].1.refused_tries), (&socket("laser2"), 0));
}

#[test]
fn units_and_defaults_are_those_of_the_connection() {
    assert_eq!(entry("CONTYPE = NONE TIMEOUT = 0").io_limit, None);
    assert_eq!(entry("contype=file path=/tmp/x Timeout=3").io_limit, Some(seconds(3)));
    assert_eq!(entry("URI = socket://h:1 TIMEOUT = 3").io_limit, Some(seconds(3)));
    let tcp = entry("ADDRESS=10.0.0.9,PORT=9100");
    assert_eq!((tcp.refused_every, tcp.refused_tries, tcp.close_wait), (seconds(1), 10, CloseWait::Usual));
    assert_eq!((tcp.io_limit, tcp.slow_pace), (None, Duration::ZERO));
    let tcp = entry("CONTYPE=TCP/IP, ADDRESS=[::1], PORT=1, TIMEOUT=300, SLOWPACE=150, SHUTDOWNTO=0, POLLNUM=0");
    assert_eq!((tcp.io_limit, tcp.slow_pace), (Some(seconds(3)), Duration::from_millis(1500)));
    assert_eq!((tcp.close_wait, tcp.refused_tries), (CloseWait::None, 0));
    assert_eq!(tcp.address, AddressSource::To(DeviceUri::Socket { host: "::1".into(), port: 1 }));
    let jet = entry("PROTOCOL = HPJETDIRECT ADDRESS = h SHUTDOWNTO = 5");
    assert_eq!(jet.close_wait, CloseWait::Required(seconds(1)), "below 100 is raised to 100");
}

#[test]
fn ways_of_ours_are_addresses() {
    let to = |uri: &str| AddressSource::To(uri.parse().unwrap());
    assert_eq!(entry("CONTYPE = FILE PATH = /tmp/a,b;c=d").address, to("file:///tmp/a%2Cb%3Bc=d"));
    assert_eq!(entry("CONTYPE = CHAR PATH = /dev/lp0,").address, to("char:///dev/lp0"));
    assert_eq!(entry("CONTYPE = FIFO PATH = \"/run/my pipe!\"").address, to("fifo:///run/my%20pipe!"));
    assert_eq!(entry("URI = null:").address, to("null:"));
    assert_eq!(entry("CONTYPE = NONE, URI = file:///a/b=c, TIMEOUT = 1").address, to("file:///a/b=c"));
}

#[test]
fn a_mistake_in_an_entry_is_its_own_and_tells_its_place() {
    for (attributes, wanted) in [
        ("", "1:1 the entry has no CONTYPE (CONTYPE = NONE, TCP/IP, FILE, CHAR or FIFO, or URI = address)"),
        ("CONTYPE = NONE TIMOUT = 5", "1:28 there is no attribute 'TIMOUT' (did you mean TIMEOUT?)"),
        ("CONTYPE = NONE TIMEOUT = soon", "1:38 TIMEOUT is a number from 0 to 2147483647, not 'soon'"),
        ("CONTYPE = NONE TIMEOUT 5", "1:28 '=' was expected after TIMEOUT, not '5'"),
        (
            "CONTYPE = NONE TIMEOUT =",
            "2:1 a value was expected after 'TIMEOUT =', not 'DEVICE' (a value that is a keyword is written in \"…\")",
        ),
        ("CONTYPE = NONE TIMEOUT = DELAY = 5", "1:38 a value was expected after 'TIMEOUT =', not 'DELAY ='"),
        ("CONTYPE = NONE\nTIMEOUT = 5\n TIMEOUT = 5", "3:2 TIMEOUT is given a second time: first in line 2"),
        ("CONTYPE = NONE PORT = 5", "1:28 PORT does not go with CONTYPE = NONE: it belongs to CONTYPE = TCP/IP"),
        ("CONTYPE = TCP/IP PORT = 5", "1:1 CONTYPE = TCP/IP needs ADDRESS = address or host name"),
        ("ADDRESS = h", "1:1 CONTYPE = TCP/IP with PROTOCOL = NONE needs PORT = number"),
        ("ADDRESS = h PORT = 0", "1:32 PORT is a number from 1 to 65535, not '0'"),
        (
            "PORT = 5 ADDRESS = h:9100",
            "1:32 ADDRESS is an address or a host name, not 'h:9100' (the port is given with PORT = number)",
        ),
        ("CONTYPE = FILE", "1:1 CONTYPE = FILE needs PATH = /path"),
        ("CONTYPE = FILE PATH = tmp/x", "1:35 PATH is an absolute path of a file, not 'tmp/x'"),
        (
            "CONTYPE = TCP/IP ADDRESS = h PORT = 1 PATH = /x",
            "1:51 PATH does not go with CONTYPE = TCP/IP: it belongs to CONTYPE = FILE, CHAR or FIFO",
        ),
        ("CONTYPE = FILE URI = null: PATH = /x", "1:28 URI does not go with CONTYPE = FILE: it stands instead of it"),
        ("CONTYPE = TCP", "1:23 CONTYPE is one of NONE, TCP/IP, FILE, CHAR, FIFO, not 'TCP' (did you mean TCP/IP?)"),
        (
            "CONTYPE = TCP/IP-TELNET",
            "1:23 CONTYPE = TCP/IP-TELNET: not available in this version (available: NONE, TCP/IP, FILE, CHAR, FIFO)",
        ),
        (
            "ADDRESS = h PROTOCOL = LPD1179",
            "1:36 PROTOCOL = LPD1179: not available in this version (available: NONE, HPJETDIRECT)",
        ),
        ("CONTYPE = NONE SUBS140 = 1", "1:28 SUBS140 belongs to FASTPX25: not available in this version"),
        ("CONTYPE = NONE FASTCNFG = x", "1:28 FASTCNFG = belongs to SPOOLER or PROCESS"),
        ("CONTYPE = NONE TIMEOUT = 5;", "1:39 an attribute or a keyword was expected, not ';' (';' ends lists only)"),
        ("ADDRESS = two words PORT = 5", "1:27 'words' is neither a keyword nor an attribute with '='"),
    ] {
        assert_eq!(mistake(attributes), wanted, "{attributes}");
    }
    assert!(mistake("URI = gopher://x").starts_with("1:19 URI 'gopher://x': its scheme"));
}

#[test]
fn what_cannot_be_assigned_concerns_everybody() {
    for (text, wanted) in [
        ("TIMEOUT = 5 DELAY = 6", "1:1 TIMEOUT belongs to no DEVICE"),
        (
            "DEVIC lp1 CONTYPE = NONE",
            "1:1 'DEVIC' is neither a keyword nor an attribute with '=' (did you mean DEVICE?)",
        ),
        (
            "DEVICE a CONTYPE = NONE\nPRINTER $LP2 CONTYPE = NONE",
            "2:1 'PRINTER' is neither a keyword nor an attribute with '='",
        ),
        (
            "DEVICE a CONTYPE = NONE\nprinter lp2 CONTYPE = NONE",
            "2:1 'printer' is neither a keyword nor an attribute with '='",
        ),
        ("DEVICE", "1:1 a name was expected after DEVICE"),
        ("DEVICE CONTYPE = NONE", "1:8 a name was expected after DEVICE"),
        ("SPOOLER\nDEVICE a CONTYPE = NONE", "1:1 a name was expected after SPOOLER"),
        ("SPOOLER $A.#B", "1:9 a qualifier (.#B) belongs to devices ([\\node.]$name)"),
        ("SPOOLER $A TIMEOUT = 5", "1:12 TIMEOUT must not follow SPOOLER directly: DEVICE or FASTCNFG = was expected"),
        ("PROCESS $A FASTCNFG = a FASTCNFG = b", "1:25 FASTCNFG is given a second time"),
        (
            "DEVICE a CONTYPE = \"NONE",
            "1:20 a quotation has no end on its line (\" ends it, and \"\" stands for a quotation mark inside)",
        ),
        ("DEVICE a CONTYPE = NONE /* x", "1:25 a comment /* has no end (*/ ends it)"),
        ("DEVICE a SVCLIST = 1 2 DEVICE b", "1:19 a list has no end (';' ends it)"),
        ("DEFAULT $X TIMEOUT = 5", "1:1 DEFAULT takes no name, and '$X' stands there"),
        ("HOSTS", "1:1 a file was expected after HOSTS, not the end of the file"),
    ] {
        assert_eq!(structural(text), [wanted], "{text}");
    }
    let parsed = parse(b"DEVICE $_1 CONTYPE = NONE DEVICE $A CONTYPE = NONE");
    assert_eq!((parsed.mistakes.len(), parsed.stray.len(), parsed.entries.len()), (0, 1, 1));
}

#[test]
fn defaults_hold_for_later_devices_of_their_scope() {
    let found = entries(
        "DEVICE a CONTYPE = NONE\n\
         DEFAULT CONTYPE = TCP/IP PORT = 1 TIMEOUT = 100\n\
         DEVICE b ADDRESS = h\n\
         DEFAULT PORT = 2\n\
         SPOOLER $S  DEFAULT PORT = 3  DEVICE c ADDRESS = h\n\
         PROCESS $P  DEFAULT PORT = 4  DEVICE d ADDRESS = h\n\
         PROCESS $Q  DEVICE e ADDRESS = h  DEVICE f ADDRESS = h PORT = 5  DEVICE g CONTYPE = FILE PATH = /x\n\
         SPOOLER $T  DEVICE i ADDRESS = h\n",
    );
    let ports: Vec<u16> = found
        .iter()
        .filter_map(|(_, entry)| match &entry.address {
            AddressSource::To(DeviceUri::Socket { port, .. }) => Some(*port),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [1, 3, 4, 3, 5, 2]);
    assert_eq!(found[0].1.io_limit, None);
    assert_eq!(found[1].1.io_limit, Some(seconds(1)), "a tick is a hundredth");
    assert_eq!(found[6].1.io_limit, Some(seconds(100)), "and a second here");
}

#[test]
fn a_mistake_in_a_default_is_that_of_every_later_device() {
    let parsed =
        parse(b"DEVICE a CONTYPE = NONE\nDEFAULT TIMEOUT = x\nDEVICE b CONTYPE = NONE DEVICE c CONTYPE = NONE");
    assert_eq!(parsed.entries.iter().map(|entry| entry.entry.is_ok()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(all_mistakes(&parsed).len(), 1);
    assert!(all_mistakes(&parse(b"DEFAULT URI = null:"))[0].what.contains("cannot be common"));
}

#[test]
fn hosts_hold_for_later_devices_and_records_of_others_are_passed_over() {
    let parsed = parse(
        b"DEVICE a CONTYPE = NONE HOSTS = my,hosts DEVICE b CONTYPE = NONE\n\
          POLLTYPE LASERX UPTIME = NO POLLSTRING = 1.3.6.1.0 RESPONSE \"READY\" = 0 ; READY\n\
          MACRO M 123 456;\nDEVICE c CONTYPE = NONE",
    );
    assert_eq!(all_mistakes(&parsed), Vec::<&Mistake>::new());
    assert_eq!(parsed.notes.len(), 2);
    let hosts: Vec<_> = parsed.entries.iter().map(|e| e.hosts.as_ref().map(|hosts| hosts.text.as_str())).collect();
    assert_eq!(hosts, [None, Some("my,hosts"), Some("my,hosts")]);
}

#[test]
fn what_has_no_effect_is_noted() {
    let notes = |text: &str| {
        let parsed = parse(text.as_bytes());
        assert!(parsed.entries[0].entry.is_ok(), "{parsed:?}");
        parsed.entries[0].notes.iter().map(|note| note.what.clone()).collect::<Vec<_>>()
    };
    assert_eq!(notes("DEVICE a CONTYPE = NONE DELAY = 5"), ["DELAY has no effect in this version"]);
    assert!(notes("DEVICE a ADDRESS = h PORT = 1 ONLINEMODE = NO").is_empty());
    let jet = notes("DEVICE a ADDRESS = h PROTOCOL = HPJETDIRECT ONLINEMODE = EOJ POLLINT = 5");
    assert_eq!(jet.len(), 3, "{jet:?}");
}

#[test]
fn many_entries_and_long_lines_are_bounded() {
    let many = "DEVICE a\n".repeat(MOST_ENTRIES + 5);
    let parsed = parse(many.as_bytes());
    assert_eq!(parsed.entries.len(), MOST_ENTRIES);
    assert!(parsed.mistakes[0].what.starts_with("more than 100000 entries"));
    assert_eq!(parse("x=1 ".repeat(1000).as_bytes()).mistakes.len(), 1);
}

#[test]
fn what_nothing_here_speaks_is_told_first_whatever_else_is_wrong() {
    let told = |attributes: &str| -> Vec<String> {
        let parsed = parse(format!("DEVICE $LP1 {attributes}").as_bytes());
        parsed.entries[0].entry.as_ref().expect_err(attributes).iter().map(said).collect()
    };
    // The attributes of docs/reference/fastp.md 4.5.
    let lpd = told(
        "CONTYPE = TCP/IP PROTOCOL = LPD1179 ADDRESS = 198.51.100.7 QUEUENAME = Accounts2 HOSTNAME = bluebird\n\
         USERID = payroll PRINTBANNER = YES JOBNAME = slips BANNERCLASS = bluebird BURSTBANNER = payroll UNLINK = YES SOURCEFILE = /none",
    );
    assert_eq!(lpd[0], "1:41 PROTOCOL = LPD1179: not available in this version (available: NONE, HPJETDIRECT)");
    assert_eq!(lpd.len(), 10, "{lpd:#?}");
    let of_lpd = "belongs to PROTOCOL = LPD1179: not available in this version";
    assert!(lpd[1..].iter().all(|mistake| mistake.ends_with(of_lpd)), "{lpd:#?}");
    let both = told("PROTOCL = NONE ADDRESS = h PORT = ever CONTYPE = TCP/IP-TELNET");
    assert!(both[0].contains("CONTYPE = TCP/IP-TELNET: not available"), "{both:#?}");
    assert!(both[1].contains("no attribute 'PROTOCL'") && both[2].contains("PORT is a number"), "{both:#?}");
    // A DEFAULT may be for other devices; their queue is not ours.
    let parsed = parse(b"DEFAULT QUEUENAME = q\nDEVICE $LP1 CONTYPE = NONE");
    assert!(parsed.entries[0].entry.is_ok());
}

#[test]
fn a_comma_before_the_next_pair_is_none_of_a_path() {
    let path = |attributes: &str| entry(&format!("CONTYPE = FILE {attributes}"));
    let file = |path: &str| AddressSource::To(DeviceUri::File(path.into()));
    for pairs in
        ["PATH = /tmp/x,TIMEOUT=5", "PATH=/tmp/x,timeout = 5", "PATH=/tmp/x,\nTIMEOUT = 5", "TIMEOUT=5,PATH=/tmp/x,"]
    {
        let entry = path(pairs);
        assert_eq!((entry.address, entry.io_limit), (file("/tmp/x"), Some(Duration::from_secs(5))), "{pairs}");
    }
    assert_eq!(path("SHADOW1 = A,SHADOW2 = B,PATH = /a,b").address, file("/a,b"));
    for whole in ["/a,b=c", "/a,TIMEOUT", "/a,TIMEOUTS=5", "/a;b,c", "/a,=b"] {
        assert_eq!(path(&format!("PATH = {whole} SHADOW = t")).address, file(whole), "{whole}");
    }
    assert_eq!(path("PATH = \"/a,TIMEOUT=5\"").address, file("/a,TIMEOUT=5"), "everything counts in a quotation");
    let semicolon = mistake("CONTYPE = FILE PATH = /a;TIMEOUT=5");
    assert_eq!(semicolon, "1:37 an attribute or a keyword was expected, not ';' (';' ends lists only)");
}
