//! Logging on at an IPP door over TLS, with a password or with a certificate. The clients are `curl` and `ipptool`.

use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use spoolsuite::wire::ipp::{Head, Message, Value};

use super::doors::{installed, site, text};
use super::ipp::{PRINT_JOB, asks, with};
use super::pam::{serve_with, service};
use super::support::{ANN, Machine, Outcome, SERVER};

const CANCEL_JOB: u16 = 8;
const GET_JOBS: u16 = 10;
const GET_PRINTER: u16 = 11;

/// What came back: the status of HTTP (000 where there was no answer), that of IPP, the number of a job, and what curl said.
#[derive(Debug)]
struct Answer {
    http: String,
    ipp: Option<Message>,
    said: String,
}

impl Answer {
    #[track_caller]
    fn expect(self, http: &str, ipp: u16) -> Self {
        assert_eq!(
            (self.http.as_str(), self.ipp.as_ref().map(|message| message.head.code)),
            (http, Some(ipp)),
            "{self:?}"
        );
        self
    }

    #[track_caller]
    fn refused(self, http: &str) -> Self {
        assert_eq!(self.http, http, "{}: {self:?}", self.said);
        self
    }
}

/// A client with these words for curl.
struct Client<'a> {
    machine: &'a Machine,
    at: SocketAddr,
    scheme: &'static str,
    words: Vec<String>,
}

impl Client<'_> {
    fn ask(&self, message: &Message, document: &[u8]) -> Answer {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = |what: &str| self.machine.path(&format!("{what}{number}"));
        let (from, to) = (path("request"), path("answer"));
        std::fs::write(&from, [&message.encode()[..], document].concat()).unwrap();
        let mut command = Command::new("curl");
        command.args([
            "-s",
            "-S",
            "-k",
            "--noproxy",
            "*",
            "-w",
            "%{http_code}",
            "-H",
            "Content-Type: application/ipp",
            "-o",
        ]);
        command.arg(&to).arg("--data-binary").arg(format!("@{}", from.display())).args(&self.words);
        command.arg(format!("{}://{}/printers/x", self.scheme, self.at)).stdin(Stdio::null());
        let outcome = Outcome::of_foreign(&mut command);
        let octets = std::fs::read(&to).unwrap_or_default();
        let mut left = octets.as_slice();
        let ipp = Head::read(&mut left).ok().and_then(|head| Message::read(head, &mut left).ok());
        Answer { http: outcome.out, ipp, said: outcome.err }
    }

    fn print(&self, user: &str) -> Answer {
        let message = with(asks(PRINT_JOB, "ipp://x/printers/office.front", user), "job-name", Value::name("letter"));
        self.ask(&message, b"octets\n")
    }

    fn cancel(&self, number: u32, user: &str) -> Answer {
        self.ask(&asks(CANCEL_JOB, &format!("ipp://x/jobs/{number}"), user), b"")
    }
}

fn client<'a>(machine: &'a Machine, at: SocketAddr, scheme: &'static str, words: &[&str]) -> Client<'a> {
    Client { machine, at, scheme, words: words.iter().map(|word| (*word).to_owned()).collect() }
}

/// The owner and the number of the last job.
fn last(machine: &Machine) -> (String, u32) {
    let jobs = machine.jobs();
    let job = jobs.last().unwrap();
    (text(job, "job-owner"), text(job, "job-number").parse().unwrap())
}

#[test]
fn who_logs_on_with_a_password_owns_his_jobs_and_only_over_tls() {
    let Some(mut machine) = site() else { return };
    if !installed("/usr/bin/curl") {
        return;
    }
    let service = service(&machine);
    serve_with(&mut machine, &service, "20");
    machine.door(&["add", "bad", "ipp", "--listen", "0", "--pam", "true"]).expect(1).says("over TLS alone");
    let more = ["--to", "office.front", "--tls", "true", "--pam", "true"];
    let at = machine.add_door("ipp1", "ipp", &more);
    let sealed = |words: &[&str]| client(&machine, at, "https", words);
    // What there is everybody is told; who wants more is asked for a name and a password, before his document is read.
    sealed(&[]).ask(&asks(GET_PRINTER, "ipp://x/printers/office.front", "ann"), b"").expect("200", 0);
    sealed(&[]).print("ann").refused("401");
    sealed(&[]).ask(&asks(GET_JOBS, "ipp://x/printers/office.front", "ann"), b"").refused("401");
    sealed(&["-u", "games:wrong"]).print("ann").refused("401");
    sealed(&["-u", "man:right"]).print("man").refused("401");
    sealed(&["-u", "root:right"]).print("root").refused("401");
    // In clear nothing that shows who somebody is is read.
    client(&machine, at, "http", &["-u", "games:right"]).print("games").refused("426");
    assert!(machine.jobs().is_empty());
    // He is who has logged on, whatever he calls himself.
    sealed(&["-u", "games:right"]).print("ann").expect("200", 0);
    let (owner, number) = last(&machine);
    assert_eq!(owner, "games");
    let history = machine.history(&number.to_string());
    assert!(history.contains("logged on as games, and calls himself ann"), "{history}");
    // Somebody without an account here has jobs of his own, too.
    sealed(&["-u", "zoe.here:right"]).print("games").expect("200", 0);
    let (owner, other) = last(&machine);
    assert_eq!(owner, "zoe.here@acme1");
    // Nobody cancels another one's, by whatever name.
    sealed(&["-u", "zoe.here:right"]).cancel(number, "games").expect("200", 0x0403);
    sealed(&["-u", "games:right"]).cancel(other, "zoe.here").expect("200", 0x0403);
    sealed(&[]).cancel(number, "games").refused("401");
    assert_eq!(machine.jobs().len(), 2);
    sealed(&["-u", "games:right"]).cancel(number, "ann").expect("200", 0);
    sealed(&["-u", "zoe.here:right"]).cancel(other, "").expect("200", 0);
    assert!(machine.jobs().is_empty());
    assert!(!machine.log().contains("right"), "{}", machine.log());
    // Debian's own test tool logs on, too.
    if installed("/usr/bin/ipptool") {
        let file = machine.file(ANN, "one", "octets\n", 0o644);
        let mut command = machine.command_at(ANN, Path::new("/usr/bin/ipptool"));
        command.env("LC_ALL", "C").env("HOME", machine.dir.path());
        let uri = format!("ipps://games:right@{at}/printers/office.front");
        let said = Outcome::of_foreign(command.args(["-tI", "-f", &file, &uri, "print-job.test"]));
        assert_eq!(said.status, 0, "{}{}{}", said.out, said.err, machine.log());
        assert_eq!(last(&machine).0, "games");
    }
}

#[test]
fn guessing_passwords_closes_the_door_for_the_address_and_locks_the_name() {
    let Some(mut machine) = site() else { return };
    if !installed("/usr/bin/curl") {
        return;
    }
    let service = service(&machine);
    serve_with(&mut machine, &service, "20");
    let more = ["--to", "office.front", "--tls", "true", "--pam", "true"];
    let at = machine.add_door("ipp1", "ipp", &more);
    let from =
        |address: &str, login: &str| client(&machine, at, "https", &["--interface", address, "-u", login]).print("");
    for n in 0..5 {
        from("127.0.0.1", &format!("zoe.here:wrong{n}")).refused("401");
    }
    // The name is locked, also for who has the right one, and others are not.
    from("127.0.0.1", "zoe.here:right").refused("401");
    from("127.0.0.1", "games:right").expect("200", 0);
    for n in 0..4 {
        from("127.0.0.1", &format!("name{n}:wrong")).refused("401");
    }
    // Ten wrong ones came from there.
    from("127.0.0.1", "games:right").refused("401");
    from("127.0.0.2", "games:right").expect("200", 0);
    assert!(machine.shown("ipp1", "door-last-refusal").contains("a wrong name or password"));
}

#[test]
fn who_looks_at_a_printer_with_an_old_password_is_told_and_counted_nothing() {
    let Some(mut machine) = site() else { return };
    if !installed("/usr/bin/curl") {
        return;
    }
    let service = service(&machine);
    serve_with(&mut machine, &service, "20");
    let at = machine.add_door("ipp1", "ipp", &["--to", "office.front", "--tls", "true", "--pam", "true"]);
    let with = |login: &str| client(&machine, at, "https", &["-u", login]);
    // More often than anybody may be wrong, from one address and under one name.
    for _ in 0..12 {
        with("games:old").ask(&asks(GET_PRINTER, "ipp://x/printers/office.front", "games"), b"").expect("200", 0);
    }
    with("games:right").print("").expect("200", 0);
    // More right ones at once than may be wrong in a row: each is right.
    std::thread::scope(|scope| {
        let prints = || with("games:right").print("").expect("200", 0);
        let all: Vec<_> = (0..7).map(|_| scope.spawn(prints)).collect();
        all.into_iter().for_each(|one| drop(one.join().unwrap()));
    });
    // A password that is none, however long, is a wrong one.
    let long = format!("zoe.here:{}", "x".repeat(5_000));
    for _ in 0..5 {
        with(&long).print("").refused("401");
    }
    with("zoe.here:right").print("").refused("401");
}

/// Certificates as an authority makes them.
struct Authority {
    dir: PathBuf,
}

impl Authority {
    fn new(machine: &Machine, name: &str) -> Self {
        let dir = machine.path(name);
        std::fs::create_dir(&dir).unwrap();
        let authority = Self { dir };
        std::fs::write(authority.dir.join("index"), "").unwrap();
        std::fs::write(authority.dir.join("serial"), "01\n").unwrap();
        std::fs::write(authority.dir.join("crlnumber"), "01\n").unwrap();
        let conf = format!(
            "[ca]\ndefault_ca=own\n[own]\ndatabase={0}/index\nserial={0}/serial\ncrlnumber={0}/crlnumber\nnew_certs_dir={0}\n\
             certificate={0}/ca.pem\nprivate_key={0}/ca.key\ndefault_md=sha256\ndefault_days=30\ndefault_crl_days=30\n\
             policy=any\ncopy_extensions=copy\nunique_subject=no\nx509_extensions=client\n[client]\nbasicConstraints=CA:FALSE\n[any]\ncommonName=optional\n[req]\ndistinguished_name=dn\n[dn]\n",
            authority.dir.display()
        );
        std::fs::write(authority.dir.join("conf"), conf).unwrap();
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &format!("/CN=Authority {name}"),
            "-keyout",
            &authority.path("ca.key"),
            "-out",
            &authority.path("ca.pem"),
        ]);
        authority
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn openssl(&self, arguments: &[&str]) {
        Outcome::of_foreign(Command::new("openssl").args(arguments).stdin(Stdio::null())).expect(0);
    }

    /// A certificate for a client; curl's words for it come back.
    fn issue(&self, file: &str, subject: &str, more: &[&str], dates: &[&str]) -> [String; 4] {
        let (key, request, cert) =
            (self.path(&format!("{file}.key")), self.path(&format!("{file}.csr")), self.path(&format!("{file}.pem")));
        let mut arguments = vec!["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config"];
        let conf = self.path("conf");
        arguments.extend([conf.as_str(), "-subj", subject, "-keyout", &key, "-out", &request]);
        arguments.extend(more);
        self.openssl(&arguments);
        let mut arguments = vec!["ca", "-batch", "-notext", "-config", &conf, "-in", &request, "-out", &cert];
        arguments.extend(dates);
        self.openssl(&arguments);
        ["--cert".into(), cert, "--key".into(), key]
    }

    /// Writes the list of what was revoked.
    fn list(&self, revoked: Option<&str>) -> String {
        let (conf, list) = (self.path("conf"), self.path("crl.pem"));
        if let Some(file) = revoked {
            self.openssl(&["ca", "-config", &conf, "-revoke", &self.path(&format!("{file}.pem"))]);
        }
        let new = self.path("crl.new");
        self.openssl(&["ca", "-config", &conf, "-gencrl", "-out", &new]);
        std::fs::rename(new, &list).unwrap();
        list
    }
}

#[test]
fn who_shows_a_certificate_of_the_authority_is_the_user_whom_it_names() {
    let Some(machine) = site() else { return };
    if !installed("/usr/bin/curl") || !installed("/usr/bin/openssl") {
        return;
    }
    let own = Authority::new(&machine, "own");
    let foreign = Authority::new(&machine, "foreign");
    let list = own.list(None);
    let ca = own.path("ca.pem");
    let more = ["--to", "office.front", "--tls", "true", "--client-ca", &ca, "--client-crl", &list];
    let at = machine.add_door("ipp1", "ipp", &more);
    let with = |words: &[String; 4]| Client { machine: &machine, at, scheme: "https", words: words.to_vec() };
    let games = own.issue("games", "/CN=games", &[], &[]);
    let zoe = own.issue("zoe", "/CN=zoe.here", &[], &[]);
    let printed = with(&games).print("ann");
    assert_eq!(printed.http, "200", "{printed:?}: {}", machine.log());
    let (owner, number) = last(&machine);
    assert_eq!(owner, "games");
    with(&zoe).print("games").expect("200", 0);
    let (owner, other) = last(&machine);
    assert_eq!(owner, "zoe.here@acme1");
    with(&zoe).cancel(number, "games").expect("200", 0x0403);
    with(&games).cancel(other, "zoe.here").expect("200", 0x0403);
    // Nobody comes in without one, nor in clear, and not as root or under a part of a name.
    let nobody = |answer: Answer| assert_eq!(answer.http, "000", "{answer:?}");
    nobody(client(&machine, at, "https", &[]).print("games"));
    client(&machine, at, "http", &[]).print("games").refused("426");
    let old = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
    for words in [
        own.issue("root", "/CN=root", &[], &[]),
        own.issue("two", "/CN=games/CN=man", &[], &[]),
        own.issue("none", "/", &["-addext", "subjectAltName=email:games"], &[]),
        own.issue("blank", "/CN=games x", &[], &[]),
        own.issue("old", "/CN=games", &[], &old),
        own.issue("server", "/CN=games", &["-addext", "extendedKeyUsage=serverAuth"], &[]),
        foreign.issue("games", "/CN=games", &[], &[]),
    ] {
        nobody(with(&words).print("games"));
    }
    assert_eq!(machine.jobs().len(), 2);
    // What is counted is written down twice a second.
    let refusal = |why: &str| machine.wait_for(why, || machine.shown("ipp1", "door-last-refusal").contains(why));
    refusal("no authority of this door has issued it");
    // One that is revoked is refused as soon as the list says so, and those who are not go on.
    own.list(Some("games"));
    // While the door takes the new list nobody answers either.
    machine.wait_for("it is refused because it was revoked", || {
        with(&games).cancel(number, "games").http == "000"
            && machine.shown("ipp1", "door-last-refusal").contains("it was revoked")
    });
    with(&zoe).cancel(other, "").expect("200", 0);
    // A list that cannot be used closes the door, and its state says so.
    std::fs::write(&list, "nothing\n").unwrap();
    let state = || machine.shown("ipp1", "door-state");
    machine.wait_for("it says what is wrong", || state().contains("no list of revoked certificates in it"));
}

#[test]
fn a_certificate_may_name_its_user_otherwise_and_need_not_be_shown_where_that_is_said() {
    let Some(mut machine) = site() else { return };
    if !installed("/usr/bin/curl") || !installed("/usr/bin/openssl") {
        return;
    }
    let pam = service(&machine);
    serve_with(&mut machine, &pam, "20");
    let own = Authority::new(&machine, "own");
    let ca = own.path("ca.pem");
    let more = [
        "--to",
        "office.front",
        "--tls",
        "true",
        "--client-ca",
        &ca,
        "--client-name",
        "email",
        "--log-on",
        "optional",
        "--pam",
        "true",
    ];
    let at = machine.add_door("ipp1", "ipp", &more);
    let with = |words: &[String; 4]| Client { machine: &machine, at, scheme: "https", words: words.to_vec() };
    let mail = |name: &str| {
        own.issue(name, "/CN=games", &["-addext", &format!("subjectAltName=email:{name}@corp.example")], &[])
    };
    with(&mail("ann")).print("games").expect("200", 0);
    assert_eq!(last(&machine).0, "ann@corp.example");
    // Who shows nothing is as before: a name that somebody says.
    client(&machine, at, "https", &[]).print("zoe").expect("200", 0);
    assert_eq!(last(&machine).0, "zoe@127.0.0.1");
    client(&machine, at, "http", &[]).print("zoe").expect("200", 0);
    client(&machine, at, "https", &["-u", "games:right"]).print("zoe").expect("200", 0);
    let (owner, number) = last(&machine);
    assert_eq!(owner, "games");
    // A name that somebody says does not make him who has logged on.
    client(&machine, at, "https", &[]).cancel(number, "games").expect("200", 0x0403);
    client(&machine, at, "http", &[]).cancel(number, "games").expect("200", 0x0403);
    // But one that is wrong is no matter of choice.
    assert_eq!(with(&own.issue("cn", "/CN=games", &[], &[])).print("games").http, "000");
    client(&machine, at, "https", &["-u", "games:wrong"]).print("zoe").refused("401");
    // Either will do where people have to log on.
    machine.door(&["set", "ipp1", "--log-on", "required"]).expect(0);
    machine.wait_for("it is required", || client(&machine, at, "https", &[]).print("zoe").http == "401");
    client(&machine, at, "https", &["-u", "games:right"]).print("").expect("200", 0);
    with(&mail("bob")).print("").expect("200", 0);
    assert_eq!(last(&machine).0, "bob@corp.example");
    let _ = chown(machine.path("own"), Some(SERVER), None);
}
