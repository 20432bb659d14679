//! Over the network: real programs on addresses of this machine, each server with a base of its own, each person with
//! certificates of his own.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pdgroup::clock::Clock;
use pdgroup::members::{DAY, Role};
use pdgroup::place::{Joined, Place};
use pdgroup::tls::{Client, Trust};
use pdgroup::{Purpose, authority, join};
use spoolsuite::model::ServerName;
use spoolsuite::wire::frame::{self, Kind};
use spoolsuite::wire::pieces::Piece;

use crate::support::{DEADLINE, Outcome};

/// A server, and whoever uses it.
struct Site {
    dir: tempfile::TempDir,
    name: String,
    address: String,
    server: Option<Child>,
}

fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(program.exists(), "{} is not built: cargo test --workspace", program.display());
    program
}

/// An address of this machine that no other test has.
fn new_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [high, low] = ((std::process::id() & 0xff) as u16).to_be_bytes();
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    format!("127.{}.{low}.{}:2353", 77 + high, next % 250 + 1)
}

impl Site {
    /// A spool with a destination and no server yet.
    fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let site = Self { dir, name: name.to_owned(), address: new_address(), server: None };
        std::fs::create_dir(site.path("home")).unwrap();
        site.start(&[]).expect_end();
        let uri = format!("file://{}", site.path("out").display());
        let commands = format!(
            "PRINT SPLA, FILE fastp; SPOOLER, START; DEV LP1, PROCESS SPLA, URI {uri}, HEADER OFF; LOC #OFFICE.FRONT, DEV LP1"
        );
        site.run("spoolcom", &["--spooler", site.base().to_str().unwrap(), &commands]).expect(0);
        site
    }

    /// The same with a group, whose first server it is, and listening.
    fn first(name: &str) -> Self {
        let mut site = Self::new(name);
        authority::found(&site.place(), &site.server_name(), "here", now()).unwrap();
        site.listen();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn base(&self) -> PathBuf {
        self.path("base")
    }

    fn server_name(&self) -> ServerName {
        self.name.parse().unwrap()
    }

    fn place(&self) -> Place {
        Place::at(self.base().join(&self.name).join("tls"))
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PD_FASTP_IDLE", "0.2")
            .env("PD_HINTS", "always")
            .env("PD_CONFIRM_DELETE", "no")
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(program).args(arguments))
    }

    /// Runs `pdserver SUBCOMMAND --base …`.
    #[track_caller]
    fn manage(&self, subcommand: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command("pdserver").arg(subcommand).arg("--base").arg(self.base()).args(arguments))
    }

    fn start(&self, arguments: &[&str]) -> Started {
        let notify = self.path("notify");
        let _ = std::fs::remove_file(&notify);
        let ready = std::os::unix::net::UnixDatagram::bind(&notify).unwrap();
        ready.set_read_timeout(Some(DEADLINE)).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command("pdserver");
        command.args(["--name", &self.name, "--base"]).arg(self.base()).arg("--socket").arg(self.path("socket"));
        let command = command.args(arguments).env("NOTIFY_SOCKET", &notify);
        let server = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut word = [0; 64];
        let n = ready.recv(&mut word).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        assert_eq!(&word[..n], b"READY=1", "{}", self.log());
        Started(server)
    }

    fn listen(&mut self) {
        let started = self.start(&["--listen", &self.address]);
        self.server = Some(started.0);
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            Started(server).expect_end();
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The token of an invitation.
    fn invite(&self, name: &str, more: &[&str]) -> String {
        let arguments: Vec<&str> = more.iter().copied().chain([name]).collect();
        self.manage("invite", &arguments).expect(0).out.trim().to_owned()
    }

    /// A person who has joined.
    fn person(&self, name: &str) -> Person<'_> {
        let token = self.invite(name, &["--client"]);
        let person = Person { site: self, credentials: self.path(&format!("of-{name}")) };
        person.run("pdserver", &["join", "--client", &token, &self.address]).expect(0);
        person
    }

    /// A person whose certificate was made at another time.
    fn person_of(&self, name: &str, at: u64) -> Person<'_> {
        let name: ServerName = name.parse().unwrap();
        let person = Person { site: self, credentials: self.path(&format!("of-{name}")) };
        let place = person.place();
        place.make().unwrap();
        let token = authority::invite(&self.place(), &name, Role::Person, at).unwrap();
        let (key, request) = authority::new_request(&name).unwrap();
        let who = (Role::Person, &name, "there");
        let (certificate, group) =
            authority::admit(&self.place(), &request, who, authority::Grounds::Invited(&token.secret), at).unwrap();
        std::fs::copy(self.place().dir().join("authority.pem"), place.dir().join("authority.pem")).unwrap();
        place.set_joined(&Joined { address: self.address.clone() }).unwrap();
        place.set_group(&group).unwrap();
        place.set_own(&certificate, &key, at + authority::MEMBER).unwrap();
        person
    }

    fn jobs(&self) -> usize {
        let all = self.run("pdls", &["-H", self.path("socket").to_str().unwrap(), "-r", "job-identifier", "-U"]);
        all.out.lines().filter(|line| line.contains(&format!("{}:", self.name))).count()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition() {
            assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}; {}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// A server that runs.
struct Started(Child);

impl Started {
    fn expect_end(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

/// Somebody with certificates.
struct Person<'a> {
    site: &'a Site,
    credentials: PathBuf,
}

impl Person<'_> {
    fn command(&self, name: &str) -> Command {
        let mut command = self.site.command(name);
        command.env("PD_CREDENTIALS", &self.credentials);
        command
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(program).args(arguments))
    }

    /// Runs a pd command with `-H` and the address of the server.
    #[track_caller]
    fn there(&self, program: &str, arguments: &[&str]) -> Outcome {
        let option = if program == "spoolcom" { "--spooler" } else { "-H" };
        Outcome::of(self.command(program).args([option, &self.site.address]).args(arguments))
    }

    fn place(&self) -> Place {
        Place::at(&self.credentials)
    }

    /// A connection of his, with nothing said yet.
    fn connect(&self) -> pdgroup::stream::Secure<rustls::ClientConnection> {
        let own = self.place().credentials().unwrap();
        let client = Client::member(own, Purpose::Operations, &Clock::of_machine()).unwrap();
        client.connect(&self.site.address, DEADLINE).unwrap()
    }

    /// The same after both sides have said hello.
    fn greeted(&self) -> pdgroup::stream::Secure<rustls::ClientConnection> {
        let mut stream = self.connect();
        let hello = frame::encode(Kind::Hello, &spoolsuite::client::our_hello(), 0).unwrap();
        stream.write_all(&hello).unwrap();
        stream.flush().unwrap();
        let answer = pdgroup::frames::from_network(&mut stream, &[Kind::Hello], |_| ()).unwrap().unwrap();
        assert!(!String::from_utf8_lossy(answer.body()).contains("refusal"));
        stream
    }
}

fn now() -> u64 {
    Clock::of_machine().now()
}

#[test]
fn two_persons_print_from_elsewhere_and_each_has_his_own_jobs() {
    let site = Site::first("acme1");
    let (ann, bob) = (site.person("ann.smith"), site.person("bob-47999"));
    let letter = site.path("letter");
    std::fs::write(&letter, "a letter of Ann\n").unwrap();
    let letter = letter.to_str().unwrap();
    ann.there("pdpr", &["-d", "office.front", "-t", "Salaries", letter]).expect(0);
    let mut pdpr = bob.command("pdpr");
    let mut pdpr = pdpr.args(["-H", &site.address, "-d", "office.front", "-t", "Minutes", "-"]);
    pdpr = pdpr.stdin(Stdio::piped());
    let mut pdpr = pdpr.spawn().unwrap();
    pdpr.stdin.take().unwrap().write_all(b"a line of Bob\n").unwrap();
    assert!(pdpr.wait().unwrap().success());

    let seen = ann.there("pdls", &["-U", "-r", "all", "--json"]).expect(0).out;
    assert!(seen.contains("Salaries") && seen.contains("ann.smith") && !seen.contains("Minutes"), "{seen}");
    for change in ["JOB 2, HOLD", "JOB 2, DELETE", "SPOOLER, DRAIN", "DEV LP1, DRAIN"] {
        ann.there("spoolcom", &[change]).expect(1);
    }
    bob.there("spoolcom", &["JOB 2, HOLD"]).expect(0);
    bob.there("pdrm", &["acme1:2"]);
    ann.there("pdpr", &["-l", "-d", "office.front", letter]).expect(1).says("cannot follow a link");
    site.run("spoolcom", &["--spooler", site.path("socket").to_str().unwrap(), "DEV LP1, START"]).expect(0);
    site.wait_for("the letter is printed", || {
        std::fs::read_to_string(site.path("out")).unwrap_or_default().contains("a letter of Ann\n")
    });
    assert!(site.log().contains("refused job to ann.smith"), "{}", site.log());
}

/// The page for administrators, typed along: each machine has a directory of its own here, and its name is its address.
#[test]
fn the_page_takes_two_servers_and_a_person_from_nothing_to_the_first_job() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/network.md");
    let page = std::fs::read_to_string(page).unwrap();
    let typed = page.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let mut machines = [Site::new("acme1"), Site::new("acme2")];
    let addresses = machines.each_ref().map(|machine| machine.address.clone());
    std::fs::write(machines[0].path("letter.txt"), "a letter of Ann\n").unwrap();
    let mut token = String::new();
    let mut run = 0;
    for line in typed.lines() {
        let (at, words) = line.split_once(['#', '$']).unwrap();
        let machine = &mut machines[usize::from(at == "acme2")];
        run += 1;
        if words.contains("systemctl restart") {
            machine.listen();
            continue;
        }
        if words.contains("/etc/default/pdserver") {
            assert!(words.contains("--listen"), "{words}");
            continue;
        }
        let words =
            words.replace("TOKEN", &token).replace("acme1:2353", &addresses[0]).replace("acme2:2353", &addresses[1]);
        let mut words: Vec<&str> = words.split_whitespace().collect();
        let base = machine.base();
        if at != "ann" {
            words.splice(2..2, ["--base", base.to_str().unwrap()]);
        }
        let mut command = machine.command(words[0]);
        command.args(&words[1..]).current_dir(machine.dir.path());
        // The second server hears of her a moment later.
        let end = Instant::now() + DEADLINE;
        let outcome = loop {
            let outcome = Outcome::of(&mut command);
            if outcome.status == 0 || !words.contains(&"pdls") || Instant::now() > end {
                break outcome.expect(0);
            }
        };
        if words.contains(&"invite") {
            token = outcome.out.trim().to_owned();
        }
    }
    assert_eq!(run, 11);
    assert_eq!(machines[0].jobs(), 1);
}

#[test]
fn a_host_in_the_environment_is_the_same_server() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let (host, port) = site.address.split_once(':').unwrap();
    for variables in [vec![("PDHOST", host)], vec![("PDHOST", host), ("PD_SOCKET", port)]] {
        let outcome = Outcome::of(ann.command("pdls").envs(variables).args(["-c", "destination"])).expect(0);
        assert!(outcome.out.contains("OFFICE.FRONT"), "{outcome:?}");
    }
}

#[test]
fn a_large_document_and_an_early_refusal_leave_the_connection_in_order() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let large = site.path("large");
    std::fs::write(&large, vec![b'x'; 20 << 20]).unwrap();
    let large = large.to_str().unwrap();
    ann.there("pdpr", &["-d", "nowhere.at-all", large]).expect(1).says("nowhere");
    ann.there("pdpr", &["-d", "office.front", large, large]).expect(0);
    let all = ann.there("pdls", &["-r", "octet-count", "--json"]).expect(0).out;
    assert_eq!(site.jobs(), 1, "{all}");
}

#[test]
fn a_document_that_is_cut_off_makes_no_job() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let mut pdpr = ann.command("pdpr");
    let mut pdpr = pdpr.args(["-H", &site.address, "-d", "office.front", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = pdpr.stdin.take().unwrap();
    stdin.write_all(&vec![b'x'; 1 << 20]).unwrap();
    pdpr.kill().unwrap();
    pdpr.wait().unwrap();
    drop(stdin);
    // What follows on a connection of its own is served after the one before has ended, or beside it.
    let letter = site.path("letter");
    std::fs::write(&letter, "whole\n").unwrap();
    ann.there("pdpr", &["-d", "office.front", letter.to_str().unwrap()]).expect(0);
    assert_eq!(site.jobs(), 1);
}

#[test]
fn a_revoked_member_is_cut_off_at_once_whatever_he_does() {
    let site = Site::first("acme1");
    let (ann, bob) = (site.person("ann"), site.person("bob"));
    let mut open = ann.greeted();
    let mut other = bob.greeted();
    site.manage("revoke", &["ann"]).expect(0);
    open.timed().set_patience(DEADLINE);
    assert!(!matches!(open.read(&mut [0; 1]), Ok(1..)), "nothing comes any more");
    ann.there("pdls", &["-c", "destination"]).expect(3).says("the membership of person ann was revoked");
    let request = spoolsuite::spool::interface::operations::Request::About {};
    other.write_all(&frame::encode(Kind::Request, &request, 0).unwrap()).unwrap();
    other.flush().unwrap();
    other.timed().set_patience(DEADLINE);
    let answer = pdgroup::frames::from_network(&mut other, &[Kind::Reply], |_| ()).unwrap().unwrap();
    assert!(String::from_utf8_lossy(answer.body()).contains("acme1"), "the others are served");
    site.manage("revoke", &["ann"]).expect(0);
    site.manage("revoke", &["nobody"]).expect(1);
    site.manage("revoke", &["acme1"]).expect(1).says("the first server");
    // Whoever is invited again is a member again, with a new certificate, and the old one stays void.
    let old = site.path("old");
    std::fs::rename(&ann.credentials, &old).unwrap();
    let again = site.person("ann");
    again.there("pdls", &["-c", "destination"]).expect(0);
    let before = Person { site: &site, credentials: old };
    before.there("pdls", &["-c", "destination"]).expect(3).says("was replaced");
}

#[test]
fn a_token_is_good_once_for_one_name_and_at_one_group() {
    let site = Site::first("acme1");
    let other = Site::first("acme9");
    let join = |token: &str, address: &str| {
        let person = Person { site: &site, credentials: site.path("of-anybody") };
        person.run("pdserver", &["join", "--client", token, address])
    };
    let token = site.invite("ann", &["--client"]);
    join(&token, &other.address).expect(3).says("wrong certificate");
    assert!(!other.log().contains("is not valid"), "the secret went to nobody else: {}", other.log());
    let forged = token.replace(":ann:", ":bob:");
    join(&forged, &site.address).expect(1).says("the token is not valid, or was used already");
    let parts: Vec<&str> = token.split(':').collect();
    let guessed = token.replace(parts[3], &"0".repeat(32));
    join(&guessed, &site.address).expect(1).says("the token is not valid");
    let as_server = token.replace(":person:", ":server:");
    join(&as_server, &site.address).expect(1).says("the token is for server ann");
    join(&token.replace(":ann:", ":../ann:"), &site.address).expect(1).says("that is no token");
    let later = site.invite("ann", &["--client"]);
    join(&token, &site.address).expect(1).says("the token is not valid");
    join(&later, &site.address).expect(0);
    join(&later, &site.address).expect(1).says("used already");
    // One of yesterday.
    let stale = authority::invite(&site.place(), &"carl".parse().unwrap(), Role::Person, now() - DAY).unwrap();
    join(&stale.to_string(), &site.address).expect(1).says("the token is too old");
    site.manage("invite", &["--client", "root"]).expect(1).says("nobody is root");
    site.manage("invite", &["--client", "../x"]).expect(1);
    site.manage("invite", &["ann"]).expect(1).says("is the name of a person");
}

#[test]
fn each_trouble_has_its_words_and_the_same_status() {
    let site = Site::first("acme1");
    let other = Site::first("acme9");
    let ann = site.person("ann");
    let look = |address: &str| ann.run("pdls", &["-H", address, "-c", "destination"]).expect(3);
    look("127.0.0.1:1").says("no server");
    look("no-such-host.invalid").says("no server");
    look(&other.address).says("wrong certificate");
    let stranger = Person { site: &site, credentials: site.path("of-nobody") };
    stranger.there("pdls", &["-c", "destination"]).expect(3).says("wrong certificate: you have none");
    // One that accepts and says nothing, and one that speaks something else.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    look(&mute.local_addr().unwrap().to_string()).says("timeout");
    let http = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = http.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = http.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 4096]);
    });
    look(&at).says("other version");
    server.join().unwrap();
    let bad = ann.run("pdls", &["-H", "h:99999", "-c", "destination"]);
    assert!(bad.err.contains("the port is a number"), "{bad:?}");
}

#[test]
fn a_certificate_that_has_ended_opens_nothing_on_either_side() {
    let site = Site::first("acme1");
    let ended = site.person_of("ann", now() - 366 * DAY);
    site.wait_for("the list is read", || {
        let seen = ended.there("pdls", &["-c", "destination"]).expect(3);
        assert!(seen.err.contains("wrong certificate"), "{seen:?}");
        true
    });
    let soon = site.person_of("bob", now() - 345 * DAY - DAY / 2);
    soon.there("pdls", &["-c", "destination"]).expect(0).says("your certificate ends in 19 days");
    site.wait_for("the log says so", || site.log().contains("the certificate of person bob ends in 19 days"));
    soon.run("pdserver", &["renew", "--client"]).expect(0);
    let fresh = soon.there("pdls", &["-c", "destination"]).expect(0);
    assert!(!fresh.err.contains("ends in"), "{fresh:?}");

    // A server that says that its own ends.
    let late = Site::new("acme2");
    authority::found(&late.place(), &late.server_name(), "here", now() - 340 * DAY - DAY / 2).unwrap();
    let base = late.base();
    let base = base.to_str().unwrap();
    let words = "the certificate of this server ends in 24 days";
    assert!(late.run("pdls", &["-H", base, "-c", "server", "-r", "all"]).expect(0).out.contains(words));
    assert!(late.run("spoolcom", &["--spooler", base, "SPOOLER, STATUS DETAIL"]).expect(0).out.contains(words));
    late.manage("renew", &[]).expect(0);
    assert!(!late.run("spoolcom", &["--spooler", base, "SPOOLER, STATUS DETAIL"]).expect(0).out.contains(words));

    // A server whose certificate has ended is believed by nobody. The first one makes a new one by itself.
    let mut old = Site::new("acme3");
    authority::found(&old.place(), &old.server_name(), "here", now() - 366 * DAY).unwrap();
    let carl = old.person_of("carl", now());
    let credentials = carl.credentials.clone();
    let (at, server) = false_server(&old.place());
    carl.run("pdls", &["-H", &at, "-c", "destination"]).expect(3).says("wrong certificate");
    server.join().unwrap();
    old.listen();
    let carl = Person { site: &old, credentials };
    old.wait_for("a new certificate", || old.log().contains("this server has a new certificate"));
    old.wait_for("he is served", || carl.there("pdls", &["-c", "destination"]).status == 0);
}

/// Listens for one connection with the certificate at this place, whatever it is.
fn false_server(place: &Place) -> (String, std::thread::JoinHandle<()>) {
    let config = pdgroup::tls::server(place.credentials().unwrap(), &Clock::of_machine()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(config).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut tcp).is_err() {
                return;
            }
        }
    });
    (at, server)
}

#[test]
fn a_renewed_certificate_voids_the_one_before_when_it_is_used() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let copy = site.path("copy");
    let copied = Command::new("cp").arg("-a").arg(&ann.credentials).arg(&copy).status().unwrap();
    assert!(copied.success());
    let thief = Person { site: &site, credentials: copy };
    ann.run("pdserver", &["renew", "--client"]).expect(0);
    ann.there("pdls", &["-c", "destination"]).expect(0);
    thief.there("pdls", &["-c", "destination"]).expect(3).says("was replaced");
}

#[test]
fn what_a_member_sends_that_is_no_request_ends_his_connection_and_nothing_else() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let too_long = frame::Header { kind: Kind::Request, files: 0, length: u32::MAX }.encode();
    let too_many = frame::Header { kind: Kind::Request, files: u16::MAX, length: 2 }.encode();
    for octets in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &too_long, &too_many] {
        let mut stream = ann.greeted();
        stream.write_all(octets).unwrap();
        stream.flush().unwrap();
        stream.timed().set_patience(DEADLINE);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(String::from_utf8_lossy(&answer).contains("Failed"), "{octets:?}: {answer:?}");
    }
    // A document in pieces that are too long, and one that never ends before the connection does.
    for piece in [&[0x7f, 0, 0, 0][..], &Piece::Octets(5).encode()] {
        let mut stream = ann.greeted();
        let body = br#"{"About":{}}"#;
        let header = frame::Header { kind: Kind::Request, files: 1, length: body.len() as u32 };
        stream.write_all(&header.encode()).unwrap();
        stream.write_all(body).unwrap();
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
        drop(stream);
    }
    ann.there("pdls", &["-c", "destination"]).expect(0);
    site.wait_for("their connections have ended", || site.log().contains("a piece of"));
}

#[test]
fn strangers_hold_only_so_much_and_a_member_only_what_is_his() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    let halves: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(&site.address).unwrap()).collect();
    // Those that are too many are closed at once; the others when their time is over.
    let mut closed = 0;
    for half in &halves {
        half.set_read_timeout(Some(DEADLINE)).unwrap();
        if !matches!((&*half).read(&mut [0; 16]), Ok(1..)) {
            closed += 1;
        }
    }
    assert_eq!(closed, halves.len());
    let open: Vec<_> = (0..32).map(|_| ann.greeted()).collect();
    ann.there("pdls", &["-c", "destination"]).expect(3).says("that is the most");
    let bob = site.person("bob");
    bob.there("pdls", &["-c", "destination"]).expect(0);
    drop(open);
}

#[test]
fn a_server_joins_follows_and_leaves() {
    let mut first = Site::first("acme1");
    let mut second = Site::new("acme2");
    let token = first.invite("acme2", &[]);
    second.manage("join", &["--name", "acme3", &token, &first.address]).expect(1).says("the token is for server acme2");
    second.manage("join", &["--name", "acme2", &token, &first.address]).expect(0);
    second.manage("join", &["--name", "acme2", &token, &first.address]).expect(1).says("is a member");
    second.listen();
    first.wait_for("the list says where the second one listens", || {
        first.manage("members", &[]).expect(0).out.contains(&second.address)
    });
    // A person who joined at the first one is known at the second a moment later, and no more when he was revoked.
    let ann = first.person("ann");
    let look = |status: i32| ann.run("pdls", &["-H", &second.address, "-c", "destination"]).status == status;
    first.wait_for("the second server knows her", || look(0));
    first.manage("revoke", &["ann"]).expect(0);
    first.wait_for("the second server knows her no more", || look(3));
    second.manage("revoke", &["ann"]).expect(1).says("the authority of this group is at acme1");
    second.manage("invite", &["bob", "--client"]).expect(1).says("is at acme1");
    first.manage("leave", &[]).expect(1).says("the first server of a group");

    // While the first one is down, what is known goes on to count.
    let bob = first.person("bob");
    let credentials = bob.credentials.clone();
    first.wait_for("the second server knows him", || {
        bob.run("pdls", &["-H", &second.address, "-c", "destination"]).status == 0
    });
    first.stop();
    let down = Person { site: &first, credentials: credentials.clone() };
    down.run("pdls", &["-H", &second.address, "-c", "destination"]).expect(0);
    second.manage("leave", &[]).expect(3).says("no server");
    first.listen();
    let bob = Person { site: &first, credentials };
    second.manage("leave", &[]).expect(0);
    assert!(!second.place().is_member());
    first
        .manage("members", &[])
        .expect(0)
        .out
        .lines()
        .find(|line| line.contains("acme2") && line.contains("revoked"))
        .unwrap();
    second.wait_for("nobody is served there any more", || {
        bob.run("pdls", &["-H", &second.address, "-c", "destination"]).status == 3
    });
}

#[test]
fn nobody_joins_while_a_device_carries_his_name() {
    let first = Site::first("acme1");
    let second = Site::new("acme2");
    let there = |site: &Site, command: &str| {
        let place = site.server.as_ref().map_or(site.base(), |_| site.path("socket"));
        site.run("spoolcom", &["--spooler", place.to_str().unwrap(), command]).expect(0);
    };
    there(&first, "DEV \\acme2.$LP7, PROCESS SPLA, URI null:");
    first.manage("invite", &["acme2"]).expect(1).says("carries the name of server acme2");
    there(&first, "DEV \\acme2.$LP7, DELETE");
    let token = first.invite("acme2", &[]);
    there(&first, "DEV \\acme2.$LP7, PROCESS SPLA, URI null:");
    second.manage("join", &[&token, &first.address]).expect(1).says("carries the name of server acme2");
    there(&first, "DEV \\acme2.$LP7, DELETE");
    there(&second, "DEV \\acme1.$LP7, PROCESS SPLA, URI null:");
    second.manage("join", &[&token, &first.address]).expect(1).says("carries the name of server acme1");
    there(&second, "DEV \\acme1.$LP7, DELETE");
    second.manage("join", &[&token, &first.address]).expect(0);
}

#[test]
fn keys_are_for_their_owner_alone_and_in_no_backup() {
    use std::os::unix::fs::MetadataExt;
    let first = Site::first("acme1");
    let ann = first.person("ann");
    let mut seen = 0;
    for dir in [first.place().dir().to_owned(), ann.credentials.clone()] {
        assert_eq!(std::fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            assert_eq!(entry.metadata().unwrap().mode() & 0o077, 0, "{entry:?}");
            seen += 1;
        }
    }
    assert!(seen > 6);
    // A directory that others can read, or a link, is not written to.
    let open = first.path("open");
    std::fs::create_dir(&open).unwrap();
    std::os::unix::fs::symlink(&open, first.path("link")).unwrap();
    for dir in ["open", "link"] {
        let token = first.invite("bob", &["--client"]);
        let bob = Person { site: &first, credentials: first.path(dir) };
        bob.run("pdserver", &["join", "--client", &token, &first.address]).expect(1).says("only you can read");
    }
    let backup = first.path("backup");
    let mut command = first.command("pdbackup");
    Outcome::of(command.env("PDBASE", first.base()).arg(&backup)).expect(0);
    let found = Command::new("grep").args(["-rlE", "PRIVATE KEY"]).arg(&backup).output().unwrap();
    assert!(found.stdout.is_empty(), "{found:?}");
    Outcome::of(first.command("pdfsck").env("PDBASE", first.base())).expect(0);
}

#[test]
fn whoever_has_a_certificate_of_a_person_is_no_server() {
    let site = Site::first("acme1");
    let ann = site.person("ann");
    // He listens with his own certificate where somebody else looks for a server.
    let (at, false_server) = false_server(&ann.place());
    let bob = site.person("bob");
    bob.run("pdls", &["-H", &at, "-c", "destination"]).expect(3).says("wrong certificate");
    false_server.join().unwrap();
    // He asks for what is for servers alone.
    let client = Client::member(ann.place().credentials().unwrap(), Purpose::Peer, &Clock::of_machine()).unwrap();
    let mut peer = client.connect(&site.address, DEADLINE).unwrap();
    peer.timed().set_patience(DEADLINE);
    assert!(!matches!(peer.read(&mut [0; 1]), Ok(1..)));
    // Without a certificate there is nothing but joining.
    let trust = Trust::Authority(ann.place().authority().unwrap());
    let nobody = Client::invited(trust, &Clock::of_machine()).unwrap();
    let mut nobody = join::Conversation::with(nobody, &site.address).unwrap();
    let question = pdgroup::messages::Question::Follow { known: 0, listens: None };
    let refused = nobody.ask(&question, Duration::from_secs(60)).unwrap_err();
    assert!(refused.message.contains("that is for members"), "{refused}");
}

/// Over TLS: a job that is submitted at one server, for a device of another one that is down at that moment. The document is a
/// link, whose file only its own server opens: it is fetched.
#[test]
fn a_job_travels_to_a_device_of_another_member_and_ends_where_it_was_submitted() {
    let mut first = Site::first("acme1");
    let mut second = Site::new("acme2");
    let token = first.invite("acme2", &[]);
    second.manage("join", &["--name", "acme2", &token, &first.address]).expect(0);
    second.listen();
    let at = |site: &Site| site.path("socket").to_str().unwrap().to_owned();
    first.wait_for("the other server is known by its name", || {
        let commands = "LOC #OFFICE.FAR, DEV \\acme2.$LP1";
        first.run("spoolcom", &["--spooler", &at(&first), commands]).status == 0
    });
    second.run("spoolcom", &["--spooler", &at(&second), "DEV LP1, START"]).expect(0);
    second.stop();
    let document = first.path("document");
    std::fs::write(&document, "a line from afar\n").unwrap();
    let words = ["-H", &at(&first), "-l", "-d", "office.far", document.to_str().unwrap()];
    first.run("pdpr", &words).expect(0);
    first.wait_for("it says for whom it waits", || {
        first.run("spoolcom", &["--spooler", &at(&first), "JOB 1, WHY"]).out.contains("waits for server acme2")
    });
    assert_eq!(first.jobs(), 1);
    second.listen();
    first.wait_for("it ends", || first.jobs() == 0);
    assert_eq!(std::fs::read_to_string(second.path("out")).unwrap(), "a line from afar\n");
    let log = second.run("pdls", &["-H", &at(&second), "--history", "-U", "-r", "log"]).out;
    assert!(log.contains("fetched"), "{log}");
    second.wait_for("what was fetched is erased", || {
        std::fs::read_dir(second.base().join("acme2/pdb")).is_ok_and(|mut found| found.next().is_none())
    });
    first.stop();
}
