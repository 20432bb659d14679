//! IPP over TLS: the programs of CUPS and `openssl`, certificates of the door's own and of files, and what is wrong with those.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::doors::{installed, site, text};
use super::support::{ANN, DEADLINE, Machine, OPERATOR, Outcome, SERVER};

impl Machine {
    /// A command of CUPS that asks over TLS.
    fn sealed(&self, at: &str, program: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.command_at(ANN, Path::new(program));
        command
            .env("CUPS_SERVER", at)
            .env("CUPS_ENCRYPTION", "Always")
            .env("LC_ALL", "C")
            .env("HOME", self.path("home"));
        Outcome::of_foreign(command.args(arguments))
    }

    /// What `openssl` sees of a certificate.
    fn certificate(&self, at: &str) -> String {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", at, "-showcerts"]).stdin(Stdio::null());
        Outcome::of_foreign(&mut command).out
    }

    fn home(&self) {
        std::fs::create_dir(self.path("home")).unwrap();
        std::os::unix::fs::chown(self.path("home"), Some(ANN), Some(ANN)).unwrap();
    }
}

#[test]
fn the_programs_of_cups_print_look_and_cancel_over_tls() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/lp") || !installed("/usr/bin/ipptool") {
        return;
    }
    machine.home();
    machine.run(OPERATOR, "spoolcom", &["LOC #OFFICE.FRONT, CONTENT ascii"]).expect(0);
    let more = ["--to", "office.front", "--tls", "true", "--trust-users", "127.0.0.0/8"];
    let at = machine.add_door("ipp1", "ipp", &more).to_string();
    let file = machine.file(ANN, "one", &"octets\n".repeat(100_000), 0o644);
    let said = machine.sealed(&at, "/usr/bin/lp", &["-U", "zoe", "-o", "raw", "-t", "sealed", &file]).expect(0).out;
    assert_eq!(said, "request id is OFFICE.FRONT-1 (1 file(s))\n", "{}", machine.log());
    assert_eq!(text(&machine.jobs()[0], "total-job-octets"), "700000");
    assert!(machine.sealed(&at, "/usr/bin/lpstat", &["-U", "zoe", "-o"]).expect(0).out.contains("OFFICE.FRONT-1"));
    machine.sealed(&at, "/usr/bin/cancel", &["-U", "zoe", "OFFICE.FRONT-1"]).expect(0);
    assert!(machine.jobs().is_empty());
    // -E begins in clear and goes on sealed.
    let mut upgrade = machine.command_at(ANN, Path::new("/usr/bin/lp"));
    upgrade.env("LC_ALL", "C").env("HOME", machine.path("home"));
    upgrade.args(["-h", &at, "-E", "-U", "zoe", "-o", "raw", &file]);
    let said = Outcome::of_foreign(&mut upgrade).expect(0).out;
    assert_eq!(said, "request id is OFFICE.FRONT-2 (1 file(s))\n", "{}", machine.log());
    // The same port answers those who do not begin with TLS; an address says which is which.
    let uri = format!("ipps://{at}/ipp/print/office.front");
    for (uri, name) in
        [(uri.clone(), "print-job.test"), (uri.replace("ipps", "ipp"), "print-job.test"), (uri, "get-jobs.test")]
    {
        let arguments = ["-tI", "-d", "NOPRINT=1", "-f", &file, &uri, name];
        let said = machine.sealed(&at, "/usr/bin/ipptool", &arguments);
        assert_eq!(said.status, 0, "{uri} {name}: {}{}", said.out, said.err);
    }
    let shown = machine
        .sealed(&at, "/usr/bin/ipptool", &["-tv", &format!("ipps://{at}/ipp/print"), "get-printer-attributes.test"])
        .out;
    assert!(shown.contains("ipps://") && shown.contains("uri-security-supported (keyword) = tls"), "{shown}");
    machine.run(OPERATOR, "spoolcom", &["DEV LP1, START"]).expect(0);
    machine.wait_for("it is printed", || machine.paper().matches("octets\n").count() >= 300_000);
}

#[test]
fn a_certificate_of_files_is_shown_and_one_that_changes_is_taken_at_once() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/openssl") {
        return;
    }
    let make = |name: &str, kind: &[&str]| {
        let mut command = Command::new("openssl");
        command
            .args(["req", "-x509", "-nodes", "-days", "30", "-subj", &format!("/CN={name}.example"), "-newkey"])
            .args(kind);
        command.args([
            "-keyout",
            machine.path("key").to_str().unwrap(),
            "-out",
            machine.path("cert").to_str().unwrap(),
        ]);
        Outcome::of_foreign(command.stdin(Stdio::null())).expect(0);
        std::os::unix::fs::chown(machine.path("key"), Some(SERVER), None).unwrap();
    };
    make("first", &["rsa:2048"]);
    let (cert, key) = (machine.path("cert"), machine.path("key"));
    let files = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let at = machine.add_door("ipp1", "ipp", &files).to_string();
    let shown = machine.certificate(&at);
    assert!(shown.contains("first.example") && shown.contains("TLSv1.3"), "{shown}");
    make("second", &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    machine.wait_for("the new one is shown", || machine.certificate(&at).contains("second.example"));
    // A file that is gone or wrong closes the door, and says so; the right one opens it again.
    std::fs::write(&cert, "nothing\n").unwrap();
    machine.wait_for("it says what is wrong", || machine.shown("ipp1", "door-state").contains("no certificate in it"));
    make("third", &["ed25519"]);
    machine.wait_for("the third one is shown", || machine.certificate(&at).contains("third.example"));
    machine.door(&["add", "bad", "ipp", "--listen", "0", "--tls-cert", "/c"]).expect(1).says("both are named");
    machine.door(&["add", "bad", "lpd", "--listen", "0", "--tls", "true"]).expect(1).says("only ipp");
    // Nobody but the account of the server reads a key that was made for a door.
    machine.add_door("ipp2", "ipp", &["--tls", "true"]);
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata(machine.path("base/acme1/tls/door-ipp2.key")).unwrap();
    assert_eq!((own.mode() & 0o777, own.uid()), (0o600, SERVER));
}

#[test]
fn what_is_no_tls_or_an_old_one_ends_its_connection_and_nothing_else() {
    let Some(machine) = site() else { return };
    let at = machine.add_door("ipp1", "ipp", &["--tls", "true", "--timeout", "3"]);
    for octets in [
        &b"\x16"[..],
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0x16; 70_000],
    ] {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = stream.write_all(octets);
        let mut said = Vec::new();
        // An alert, and the end: after the silence that the door allows at the latest.
        let _ = stream.read_to_end(&mut said);
        assert!(!said.starts_with(b"HTTP"), "{said:?}");
    }
    if installed("/usr/bin/openssl") {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-tls1_2", "-connect", &at.to_string()]).stdin(Stdio::null());
        assert_ne!(Outcome::of_foreign(&mut command).status, 0);
    }
    // Those who begin in clear are answered all the while.
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 404"), "{said}");
    assert!(machine.jobs().is_empty());
}
