//! What a job asks of the printer itself: told as PJL to a printer that speaks it, and said in the log of the job otherwise.

use std::os::unix::fs::PermissionsExt;

use crate::support::Site;
use crate::support::sink::{Mode, Sink};

/// A queue with one printer and one logical destination.
struct Printer {
    site: Site,
    sink: Sink,
}

impl Printer {
    fn new(more: &str) -> Self {
        Self::with(more, &[])
    }

    fn with(more: &str, env: &[(&'static str, &'static str)]) -> Self {
        let (mut site, sink) = (Site::new(), Sink::new(Mode::Normal));
        site.env.extend_from_slice(env);
        let port = sink.uri().rsplit(':').next().unwrap().to_owned();
        site.run("pdcreate", &["-c", "queue", "acme1:q"]).expect(0);
        let given = format!(
            "destination-realization=actual associated-queue=q destination-tcpip-internet-address=127.0.0.1 \
             destination-tcpip-port-number={port} {more}"
        );
        site.run("pdcreate", &["-x", &given, "acme1:ad"]).expect(0);
        site.run("pdcreate", &["-x", "destination-realization=logical associated-queue=q", "acme1:ld"]).expect(0);
        site.run("pdenable", &["ad", "ld"]).expect(0);
        Self { site, sink }
    }

    /// Prints a document with these attributes: what the printer got, and what the log of the job says.
    fn prints(&self, content: &[u8], given: &str) -> (String, String) {
        let before = self.sink.connections().len();
        let file = self.site.document("document", content);
        let id = self
            .site
            .run("pdpr", &["-d", "ld", "-r", "job-identifier", "-s", "line", "-x", given, file.to_str().unwrap()]);
        let id = id.expect(0).out.trim().rsplit("= ").next().unwrap().to_owned();
        self.site.wait_until_empty();
        let got: Vec<u8> = self.sink.connections().split_off(before).into_iter().flat_map(|one| one.octets).collect();
        let log = self.site.run("pdls", &["--history", "-r", "log", "-s", "line", &id]).expect(0).out;
        (String::from_utf8(got).unwrap(), log)
    }
}

#[test]
fn what_a_job_asks_of_a_printer_goes_ahead_of_each_document_as_pjl() {
    let printer = Printer::new("device-pjl=true");
    let asked = "sides=2 output-bin=bin-1 default-input-tray=tray-2 copy-count=2";
    let (got, log) = printer.prints(b"hello\n", asked);
    let one = "\x1b%-12345X@PJL JOB\r\n@PJL SET DUPLEX=ON\r\n@PJL SET MEDIASOURCE=TRAY2\r\n\
               @PJL SET OUTBIN=OPTIONALOUTBIN1\r\n@PJL ENTER LANGUAGE=PCL\r\nhello\n\
               \x1b%-12345X@PJL EOJ\r\n\x1b%-12345X";
    assert_eq!(got.matches(one).count(), 2, "{got:?}");
    assert_eq!(got.replace(one, "").replace("\x1b%-12345X", ""), "", "and nothing else");
    assert!(!log.contains("not told"), "{log}");

    let (got, log) = printer.prints(b"%!PS\nshowpage\n", "plex=tumble number-up=2 document-finishing=staple");
    let head = "@PJL JOB\r\n@PJL SET DUPLEX=ON\r\n@PJL SET BINDING=SHORTEDGE\r\n@PJL SET FINISH=STAPLE\r\n\
                @PJL ENTER LANGUAGE=POSTSCRIPT\r\n%!PS\nshowpage\n";
    assert!(got.contains(head), "{got:?}");
    assert!(log.contains("not told to the printer: number-up=2: PJL has no word for it"), "{log}");

    let (got, _) = printer.prints(b"hello\n", "job-name=plain");
    assert_eq!(got, "hello\n", "who asks for nothing has nothing added");
}

#[test]
fn a_document_with_pjl_of_its_own_goes_as_it_came_and_says_what_was_not_told() {
    let printer = Printer::new("device-pjl=true");
    let own = b"\x1b%-12345X@PJL SET COPIES=1\r\n@PJL ENTER LANGUAGE=PCL\r\n\x1bEhello\x1bE\x1b%-12345X";
    let (got, log) = printer.prints(own, "sides=2");
    assert_eq!(got.as_bytes(), own);
    assert!(log.contains("not told to the printer: sides=2: the document has PJL of its own"), "{log}");
}

#[test]
fn a_printer_that_speaks_no_pjl_is_told_nothing_and_the_log_says_so() {
    let printer = Printer::new("");
    let (got, log) = printer.prints(b"hello\n", "sides=2 output-bin=top");
    assert_eq!(got, "hello\n");
    let why = "not told to the printer: sides=2 output-bin=top: the printer is not declared to speak PJL (device-pjl)";
    assert!(log.contains(why), "{log}");
    let (_, log) = printer.prints(b"hello\n", "sides=1 plex=simplex");
    assert!(!log.contains("not told"), "a printer does that anyway: {log}");
}

#[test]
fn a_document_that_a_program_made_is_announced_as_what_it_is_now() {
    let programs = tempfile::tempdir().unwrap();
    std::fs::set_permissions(programs.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = |name: &str, made: &str| {
        let path = programs.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\nprintf '{made}'\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    program("to-pcl", r"\033Emade\033E");
    program("to-pjl", r"\033%%-12345X@PJL ENTER LANGUAGE=PCLXL\r\nmade\033%%-12345X");
    let env = [("PD_LIBEXEC_DIR", &*String::leak(programs.path().to_str().unwrap().to_owned()))];
    let given =
        "device-pjl=true device-transforms='application/pdf to-pcl' 'image/pwg-raster to-pcl' 'image/urf to-pjl'";
    let printer = Printer::with(given, &env);
    let made = "\x1b%-12345X@PJL JOB\r\n@PJL SET DUPLEX=ON\r\n@PJL ENTER LANGUAGE=PCL\r\n\x1bEmade\x1bE\
                \x1b%-12345X@PJL EOJ\r\n\x1b%-12345X";
    // PJL names the language of one, and has no word for the other.
    for came in [&b"%PDF-1.4\n%%EOF\n"[..], b"RaS2PwgRaster\0dear ann"] {
        let (got, log) = printer.prints(came, "sides=2");
        assert!(got.contains(made), "{got:?}");
        assert!(log.contains("went through to-pcl") && !log.contains("not told"), "{log}");
    }
    let (got, log) = printer.prints(b"UNIRAST\0dear ann", "sides=2");
    assert_eq!(got, "\x1b%-12345X@PJL ENTER LANGUAGE=PCLXL\r\nmade\x1b%-12345X");
    assert!(log.contains("not told to the printer: sides=2: the document has PJL of its own"), "{log}");
}
