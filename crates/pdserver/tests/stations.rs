//! The page of a station, through a plain client of HTTP: log on, list, release, delete, log off; and what an attacker tries.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::support::{ANN, DEADLINE, Machine, OPERATOR, Outcome};

/// A person with an account on every Debian.
pub const GAMES: u32 = 5;
/// Another one.
const MAN: u32 = 6;

/// A server with a secure queue, a printer and a station, and people with PINs.
pub fn site() -> Option<Machine> {
    let machine = Machine::new()?;
    let uri = format!("file://{}", machine.path("paper/out").display());
    let actual = format!("destination-realization=actual associated-queue=office device-uri={uri}");
    for words in [
        &["-c", "queue", "-x", "release-type=secure", "acme1:office"] as &[&str],
        &["-x", "destination-realization=logical associated-queue=office", "acme1:follow-me"],
        &["-x", &actual, "acme1:hall-printer"],
        &["-c", "station", "-x", "related-printers=hall-printer bank=pin descriptor='beside the stairs'", "acme1:hall"],
        &["-c", "user", "acme1:games"],
        &["-c", "user", "acme1:man"],
        &["-c", "user", "acme1:root"],
    ] {
        machine.run(OPERATOR, "pdcreate", words).expect(0);
    }
    machine.run(OPERATOR, "pdenable", &["follow-me", "hall-printer"]).expect(0);
    for user in ["games", "man", "root"] {
        set_pin(&machine, OPERATOR, user, "4071").expect(0);
    }
    Some(machine)
}

fn set_pin(machine: &Machine, uid: u32, user: &str, pin: &str) -> Outcome {
    let mut command = machine.command(uid, "pdset");
    let mut child = command.args(["-c", "user", "--pin", user]).stdin(Stdio::piped()).spawn().unwrap();
    // One that refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(format!("{pin}\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn submit(machine: &Machine, uid: u32, title: &str) {
    let file = machine.file(uid, &format!("file{uid}"), &format!("for {title}\n"), 0o600);
    machine.run(uid, "pdpr", &["-d", "follow-me", "-t", title, &file]).expect(0);
}

/// The process of a page.
pub struct Station {
    child: Child,
    _said: BufReader<ChildStderr>,
    pub address: String,
}

impl Station {
    pub fn open(machine: &Machine, more: &[&str]) -> Self {
        Self::with(machine, more, &[])
    }

    fn with(machine: &Machine, more: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = machine.command(OPERATOR, "pdstation");
        command.args(["--name", "hall", "--http", "127.0.0.1:0"]).args(more).envs(env.iter().copied());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut station = Self { child, _said: said, address: String::new() };
        while station.address.is_empty() {
            let mut line = String::new();
            assert!(station._said.read_line(&mut line).unwrap() > 0, "{}", machine.log());
            if let Some((_, address)) = line.trim_end().rsplit_once("http://") {
                station.address = address.trim_end_matches('/').to_owned();
            }
        }
        station
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Page {
    status: u16,
    head: String,
    pub body: String,
}

impl Page {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.body.contains(part), "no '{part}' in {self:#?}");
        self
    }

    pub fn token(&self) -> Option<&str> {
        Some(self.body.split_once("name=\"token\" value=\"")?.1.split_once('"')?.0)
    }

    fn cookie(&self) -> Option<&str> {
        let set = self.head.lines().find_map(|line| line.strip_prefix("set-cookie: station-"))?;
        // The name ends with the port; the language has a cookie of that name with a word.
        let (port, value) = set.split_once('=')?;
        port.parse::<u16>().ok().and(value.split(';').next())
    }
}

/// Connects from one of the many addresses of this machine.
fn connect_from(from: Ipv4Addr, address: &str) -> TcpStream {
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(from, 0))).unwrap();
    connect(socket.as_raw_fd(), &SockaddrIn::from(address.parse::<SocketAddrV4>().unwrap())).unwrap();
    socket.into()
}

/// Sends octets and reads what comes until the end.
fn exchange(address: &str, request: &[u8]) -> Page {
    exchange_over(TcpStream::connect(address).unwrap(), request)
}

fn exchange_over(mut stream: TcpStream, request: &[u8]) -> Page {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // A server that refuses need not read all of it.
    let _ = stream.write_all(request);
    let mut octets = Vec::new();
    let _ = stream.read_to_end(&mut octets);
    let text = String::from_utf8_lossy(&octets).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Page { status, head: head.replace("\r\n", "\n"), body: body.to_owned() }
}

/// A browser as far as a page needs it.
pub struct Browser {
    from: Ipv4Addr,
    address: String,
    /// Under which name it reaches the page.
    host: String,
    cookie: Option<String>,
    token: String,
}

impl Browser {
    pub fn at(station: &Station) -> Self {
        Self::on(Ipv4Addr::LOCALHOST, station)
    }

    /// One at that address.
    fn on(from: Ipv4Addr, station: &Station) -> Self {
        let address = station.address.clone();
        Self { from, host: address.clone(), address, cookie: None, token: String::new() }
    }

    fn exchange(&self, request: &str) -> Page {
        exchange_over(connect_from(self.from, &self.address), request.as_bytes())
    }

    fn take(&mut self, page: Page) -> Page {
        if let Some(cookie) = page.cookie() {
            self.cookie = Some(cookie.to_owned());
        }
        if let Some(token) = page.token() {
            self.token = token.to_owned();
        }
        page
    }

    fn cookie_line(&self) -> String {
        self.cookie
            .as_ref()
            .map(|cookie| format!("Cookie: {}={cookie}\r\n", cookie_name(&self.address)))
            .unwrap_or_default()
    }

    pub fn get(&mut self, path: &str) -> Page {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{}Connection: close\r\n\r\n", self.host, self.cookie_line());
        let page = self.exchange(&request);
        self.take(page)
    }

    /// Sends a form with these lines in its head.
    fn send(&mut self, path: &str, form: &str, lines: &str) -> Page {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{}{lines}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            self.host,
            self.cookie_line(),
            form.len()
        );
        let page = self.exchange(&request);
        self.take(page)
    }

    pub fn post(&mut self, path: &str, form: &str) -> Page {
        let (form, origin) = (format!("token={}&{form}", self.token), format!("Origin: http://{}\r\n", self.host));
        self.send(path, &form, &origin)
    }

    pub fn log_on(&mut self, user: &str, pin: &str) -> Page {
        self.get("/").expect(200);
        self.post("/log-on", &format!("user={user}&pin={pin}"))
    }
}

/// The name of the cookie of the page at that address.
fn cookie_name(address: &str) -> String {
    format!("station-{}", address.rsplit(':').next().unwrap())
}

/// The value of the check box of a job.
fn id_of(page: &Page, title: &str) -> String {
    let row = page.body.split("<tr").find(|row| row.contains(title)).unwrap_or_else(|| panic!("{page:#?}"));
    row.split_once("name=\"job\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_person_logs_on_sees_his_own_jobs_and_prints_them_beside_the_station() {
    let Some(machine) = site() else { return };
    submit(&machine, GAMES, "Letter");
    submit(&machine, GAMES, "Draft");
    submit(&machine, MAN, "Salaries");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.get("/").expect(200).says("Printing at hall").says("beside the stairs");
    browser.log_on("games", "4071").expect(303);
    let list = browser.get("/").expect(200).says("Logged on as games").says("releasable here (hall-printer)");
    assert!(list.body.contains("Letter") && list.body.contains("Draft") && !list.body.contains("Salaries"));
    for head in ["content-security-policy: default-src 'none'", "cache-control: no-store", "x-frame-options: DENY"] {
        assert!(list.head.contains(head), "{list:#?}");
    }
    assert!(!list.body.contains("<script"), "the page works without");
    let (letter, draft) = (id_of(&list, "Letter"), id_of(&list, "Draft"));
    browser.post("/jobs", &format!("one={}", letter.replace(':', "%3A"))).expect(303);
    // What became of it is said on the list alone, and once.
    browser.post("/jobs", &format!("do=delete&job={draft}")).expect(200).says("Delete these jobs?");
    browser.get("/").expect(200).says("Letter: prints on hall-printer");
    let later = browser.get("/").expect(200);
    assert!(!later.body.contains("Letter: prints on"), "{later:#?}");
    machine.wait_for("the letter is printed", || machine.paper().contains("for Letter"));
    browser.post("/jobs", &format!("do=delete&job={draft}")).expect(200).says("Delete these jobs?").says("Draft");
    browser.post("/jobs", &format!("do=really-delete&job={draft}")).expect(303);
    browser.get("/").expect(200).says("Draft: deleted");
    // A job that arrives while he stands there.
    submit(&machine, GAMES, "Late");
    browser.get("/?look").expect(200).says("Late");
    browser.post("/jobs", "do=all").expect(303);
    browser.get("/").expect(200).says("Late: prints on hall-printer");
    machine.wait_for("the late one is printed", || machine.paper().contains("for Late"));
    assert!(!machine.paper().contains("Draft") && !machine.paper().contains("Salaries"));
    let cookie = browser.cookie.clone();
    browser.post("/log-off", "").expect(200).says("You are logged off.");
    // What stood for him stands for nobody.
    browser.cookie = cookie;
    browser.get("/").expect(200).says("You are logged off.");
}

#[test]
fn a_printer_that_is_off_refuses_before_anything_moves_and_the_page_says_why_in_two_languages() {
    let Some(machine) = site() else { return };
    machine.run(OPERATOR, "pddisable", &["hall-printer"]).expect(0);
    submit(&machine, GAMES, "Letter");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.log_on("games", "4071").expect(303);
    let list = browser.get("/").expect(200).says("hall-printer: not now, because the printer is offline");
    let letter = id_of(&list, "Letter");
    browser.post("/jobs", &format!("do=release&job={letter}")).expect(303);
    browser.get("/").expect(200).says("Letter: hall-printer: not now, because the printer is offline");
    browser.post("/jobs", &format!("do=release&job={letter}")).expect(303);
    browser.get("/language/de").expect(303);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nCookie: {}={}; station-language=de\r\nConnection: close\r\n\r\n",
        station.address,
        cookie_name(&station.address),
        browser.cookie.clone().unwrap()
    );
    exchange(&station.address, request.as_bytes())
        .expect(200)
        .says("Ihre Druckaufträge")
        .says("Letter: hall-printer: jetzt nicht, denn der Drucker ist abgeschaltet");
}

#[test]
fn somebody_without_an_account_here_logs_on_too_and_is_logged_off_when_he_walks_away() {
    let Some(machine) = site() else { return };
    let name = ANN.to_string();
    machine.run(OPERATOR, "pdcreate", &["-c", "user", &format!("acme1:{name}")]).expect(0);
    set_pin(&machine, OPERATOR, &name, "4071").expect(0);
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "log-off-after=10", "hall"]).expect(0);
    submit(&machine, ANN, "Letter");
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.log_on(&name, "4071").expect(303);
    let list = browser.get("/").expect(200).says("Letter");
    browser.post("/jobs", &format!("do=really-delete&job={}", id_of(&list, "Letter"))).expect(303);
    browser.get("/").expect(200).says("Letter: deleted");
    machine.wait_for("the page has logged off", || browser.get("/?look").body.contains("You are logged off."));
    // A PIN that is changed ends what it began; whoever has an account changes his own.
    browser.log_on("games", "4071").expect(303);
    browser.get("/").expect(200).says("Logged on as games");
    set_pin(&machine, MAN, "games", "1234").expect(1).says("only the creator of this spool and its operators");
    set_pin(&machine, GAMES, "games", "9999").expect(1).says("one digit, repeated");
    set_pin(&machine, GAMES, "games", "9271").expect(0);
    browser.get("/").expect(200).says("You are logged off.");
    browser.log_on("games", "9271").expect(303);
    machine.run(OPERATOR, "pdset", &["-c", "user", "--no-pin", "games"]).expect(0);
    browser.get("/").expect(200).says("You are logged off.");
}

#[test]
fn nobody_learns_which_names_there_are_and_guessing_is_locked_out() {
    let Some(machine) = site() else { return };
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    let said = |page: Page| {
        let token = page.token().unwrap().to_owned();
        (page.status, page.body.replace(&token, ""), page.head.lines().filter(|line| !line.starts_with("date")).count())
    };
    let wrong = said(browser.log_on("games", "1234"));
    assert_eq!(wrong.0, 403);
    for (user, pin) in
        [("nobody-has-this-name", "4071"), ("%00", "1"), ("", ""), ("a%0d%0ab", "4071"), ("root", "4071"), ("man", "x")]
    {
        assert_eq!(said(browser.log_on(user, pin)), wrong, "{user}");
    }
    let mut other = Browser::on(Ipv4Addr::new(127, 0, 0, 2), &station);
    for _ in 0..4 {
        assert_eq!(said(other.log_on("games", "1234")), wrong);
    }
    // The right one comes too late, and that is not said either.
    assert_eq!(said(other.log_on("games", "4071")), wrong);
    let log = machine.run(OPERATOR, "spoolcom", &["LOG"]).expect(0).out;
    assert!(log.contains("try 5 in a row at station hall from 127.0.0.2"), "{log}");
    // Another user is not concerned, and a new PIN begins anew.
    browser.log_on("man", "4071").expect(303);
    set_pin(&machine, OPERATOR, "games", "5083").expect(0);
    browser.cookie = None;
    browser.log_on("games", "5083").expect(303);
}

#[test]
fn whoever_guesses_closes_the_page_for_his_own_address_and_thirty_wrong_ones_close_it_for_a_minute() {
    let Some(machine) = site() else { return };
    let station = Station::open(&machine, &[]);
    let began = Instant::now();
    let guesses = |last: u8, times: usize| -> Vec<u16> {
        let mut browser = Browser::on(Ipv4Addr::new(127, 0, 1, last), &station);
        (0..times).map(|_| browser.log_on("nobody-has-this-name", "1").status).collect()
    };
    let (mut expected, first) = (vec![403; 10], guesses(1, 11));
    expected.push(429);
    let mut browser = Browser::at(&station);
    let another = browser.log_on("games", "4071").status;
    let rest = [guesses(2, 10), guesses(3, 10)].concat();
    let closed = Browser::at(&station).log_on("man", "4071").status;
    // A machine that takes a minute for this has forgotten the first of them.
    if began.elapsed() < Duration::from_secs(59) {
        assert_eq!((first, another, rest, closed), (expected, 303, vec![403; 20], 429));
    }
    assert!(machine.log().contains("a wrong name or PIN from 127.0.1.1"), "{}", machine.log());
    browser.get("/").expect(200).says("Logged on as games");
}

#[test]
fn nobody_behind_a_proxy_shuts_out_who_stands_at_the_station() {
    let Some(machine) = site() else { return };
    let station = Station::open(&machine, &["--origin", "http://print.example", "--allow", "10.1.0.0/16"]);
    // A proxy on this machine; from where its visitors come nobody knows.
    let began = Instant::now();
    let mut proxy = Browser { host: "print.example".into(), ..Browser::at(&station) };
    let guesses: Vec<u16> = (0..11).map(|_| proxy.log_on("games", "1234").status).collect();
    let right = proxy.log_on("games", "4071").status;
    // The browser beside the printer, which comes in whatever --allow says: neither the page nor the name is closed to it.
    let here = Browser::at(&station).log_on("games", "4071").status;
    if began.elapsed() < Duration::from_secs(59) {
        assert_eq!((guesses, right, here), ([vec![403; 10], vec![429]].concat(), 429, 303));
    }
    let log = machine.log();
    assert!(log.contains("a wrong name or PIN from 127.0.0.1 (a proxy)"), "{log}");
    let record = machine.run(OPERATOR, "spoolcom", &["LOG"]).expect(0).out;
    assert!(record.contains("none from other machines is looked at"), "{record}");
}

#[test]
fn a_page_is_not_served_by_a_process_that_keeps_the_rights_of_an_operator() {
    let Some(machine) = site() else { return };
    // A kernel without filters of system calls: in this thread and what it starts, the call that makes one fails.
    let refused = [(nix::libc::SYS_seccomp, Vec::new())].into_iter().collect();
    let filter = SeccompFilter::new(
        refused,
        SeccompAction::Allow,
        SeccompAction::Errno(nix::libc::ENOSYS.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let filter: BpfProgram = filter.unwrap().try_into().unwrap();
    let name = format!("ready-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut command = machine.command(OPERATOR, "pdstation");
    command.args(["--name", "hall", "--http", "127.0.0.1:0"]).env("NOTIFY_SOCKET", format!("@{name}"));
    let open = || {
        seccompiler::apply_filter(&filter).unwrap();
        command.output().unwrap()
    };
    let output = std::thread::scope(|scope| scope.spawn(open).join().unwrap());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the page of hall is not served: system calls are not given up"), "{said}");
    assert!(manager.recv(&mut [0; 64]).is_err(), "nor is the service manager told that it is");
    // One that has given them up says so, over the way that it had opened before.
    let _station = Station::with(&machine, &[], &[("NOTIFY_SOCKET", &format!("@{name}"))]);
    let mut told = [0; 64];
    let n = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..n], b"READY=1");
}

#[test]
fn a_page_and_its_server_leave_no_core_file_and_show_their_memory_to_nobody_else() {
    let Some(machine) = site() else { return };
    let station = Station::open(&machine, &[]);
    let owner = |pid: u32| std::fs::metadata(format!("/proc/{pid}/status")).unwrap().uid();
    // The kernel gives root what belongs to a process that may not be dumped.
    assert_eq!(owner(machine.server.as_ref().unwrap().id()), 0);
    assert_eq!(owner(station.child.id()), 0);
}

#[test]
fn a_page_is_opened_by_an_operator_alone_and_takes_pins_where_its_bank_says_so() {
    let Some(machine) = site() else { return };
    let open = |uid, name: &str| machine.run(uid, "pdstation", &["--name", name, "--http", "127.0.0.1:0"]);
    open(ANN, "hall").expect(3).says("only the creator of this spool and its operators");
    open(OPERATOR, "cellar").expect(3).says("station cellar");
    // The service manager tries again with a server that does not answer, and with nothing else that does not begin.
    let nowhere = ["--name", "hall", "--http", "127.0.0.1:0", "--socket", "/nowhere/socket"];
    machine.run(OPERATOR, "pdstation", &nowhere).expect(4).says("no server at /nowhere/socket");
    let unit = include_str!("../../../packaging/pdstation@.service");
    assert!(unit.contains("\nRestart=always\n") && unit.contains("\nRestartPreventExitStatus=2 3\n"), "{unit}");
    let strangers = ["--name", "hall", "--http", "0.0.0.0:0"];
    machine.run(OPERATOR, "pdstation", &strangers).expect(3).says("who may connect there?");
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "bank==", "hall"]).expect(0);
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    let page = browser.get("/").expect(200).says("this station takes no PIN and no card");
    assert_eq!(page.token(), None);
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "bank=pin", "hall"]).expect(0);
    browser.get("/").expect(200);
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "bank==", "hall"]).expect(0);
    browser.post("/log-on", "user=games&pin=4071").expect(503).says("this station, or its printer, cannot do it now");
    assert!(machine.log().contains("station hall lets nobody log on with a PIN"), "{}", machine.log());
}

#[test]
fn what_another_page_or_person_makes_a_browser_send_changes_nothing() {
    let Some(machine) = site() else { return };
    submit(&machine, GAMES, "Letter");
    submit(&machine, MAN, "Salaries");
    let station = Station::open(&machine, &[]);
    let (mut games, mut man) = (Browser::at(&station), Browser::at(&station));
    // Fixation: the cookie from before is worth nothing after the log on.
    games.get("/").expect(200);
    let prepared = games.cookie.clone().unwrap();
    games.log_on("games", "4071").expect(303);
    assert_ne!(games.cookie.clone().unwrap()[1..], prepared[1..]);
    let mut attacker = Browser::at(&station);
    for cookie in [prepared.clone(), prepared.replacen('b', "s", 1), format!("s{}", "0".repeat(64))] {
        attacker.cookie = Some(cookie);
        assert!(!attacker.get("/").expect(200).body.contains("Letter"));
    }
    let list = games.get("/").expect(200);
    let letter = id_of(&list, "Letter");
    man.log_on("man", "4071").expect(303);
    let salaries = id_of(&man.get("/").expect(200), "Salaries");
    // A form of another page: no origin, a wrong one, no token, that of somebody else.
    let (form, own) =
        (format!("token={}&one={letter}", games.token), format!("Origin: http://{}\r\n", station.address));
    for lines in
        ["", "Origin: null\r\n", "Origin: http://evil.example\r\n", &format!("{own}Sec-Fetch-Site: cross-site\r\n")]
    {
        games.send("/jobs", &form, lines).expect(403);
    }
    games.send("/jobs", &format!("one={letter}"), &own).expect(403);
    games.send("/jobs", &format!("token={}&one={letter}", man.token), &own).expect(403);
    games.cookie = Some(format!("s{}", "0".repeat(64)));
    games.send("/jobs", &form, &own).expect(403);
    // The job of another person, by its name: what is not his is not there.
    man.post("/jobs", &format!("one={letter}&do=release")).expect(303);
    man.get("/").expect(200).says("there is no such job of yours any more");
    man.post("/jobs", &format!("do=really-delete&job={letter}")).expect(303);
    man.get("/").expect(200).says("there is no such job of yours any more");
    let mut again = Browser::at(&station);
    again.log_on("games", "4071").expect(303);
    again.get("/").expect(200).says("Letter").says("releasable here");
    man.post("/jobs", &format!("one={salaries}")).expect(303);
    machine.wait_for("his own is printed", || machine.paper().contains("for Salaries"));
    assert!(!machine.paper().contains("Letter"));
}

#[test]
fn a_hostile_title_is_text_in_the_page() {
    let Some(machine) = site() else { return };
    let title = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;\u{202e}txt.exe";
    submit(&machine, GAMES, title);
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.log_on("games", "4071").expect(303);
    let list = browser.get("/").expect(200).says("script").says("\\u{202e}");
    for raw in ["<script", "<img", "\"'>", "\u{202e}"] {
        assert!(!list.body.contains(raw), "{raw}: {list:#?}");
    }
    let id = list.body.split_once("name=\"job\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let page = browser.post("/jobs", &format!("do=delete&job={id}")).expect(200);
    assert!(!page.body.contains("<script") && page.body.contains("script"));
}

#[test]
fn what_is_too_large_or_for_another_host_is_refused() {
    let Some(machine) = site() else { return };
    let station = Station::open(&machine, &[]);
    let address = station.address.clone();
    let with =
        |lines: &str| exchange(&address, format!("GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n").as_bytes());
    let host = format!("Host: {address}\r\n");
    with(&host).expect(200);
    with(&format!("{host}X: {}\r\n", "y".repeat(64 * 1024))).expect(431);
    let many: String = (0..200).map(|n| format!("X{n}: y\r\n")).collect();
    with(&format!("{host}{many}")).expect(431);
    with("Host: evil.example\r\n").expect(421);
    with("").expect(400);
    with(&format!("{host}{host}")).expect(400);
    let mut browser = Browser::at(&station);
    browser.get("/").expect(200);
    browser.post("/log-on", &format!("user={}", "x".repeat(1024 * 1024))).expect(413);
    let fields = "a=b&".repeat(2_000);
    browser.post("/log-on", &fields).expect(413);
    browser.get("/../../etc/passwd").expect(404);
    let put = format!("PUT / HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 0\r\n\r\n");
    exchange(&address, put.as_bytes()).expect(405);
    // Whoever takes too many connections takes none from another page; here all come from one address.
    let began = Instant::now();
    let mut held: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for (n, stream) in held.iter_mut().enumerate().skip(32) {
        // An idle one would be closed after 15 seconds.
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let read = stream.read(&mut [0]);
        let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(matches!(read, Ok(0)) || read.as_ref().is_err_and(reset), "connection {n} is open: {read:?}");
    }
    held[0].set_nonblocking(true).unwrap();
    let first = held[0].read(&mut [0]);
    let waits = first.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(waits || began.elapsed() > Duration::from_secs(15), "{first:?}");
    let end = Instant::now() + DEADLINE;
    drop(held);
    while with(&host).status != 200 {
        assert!(Instant::now() < end, "the page does not come back");
    }
}

#[test]
fn the_page_ends_with_its_server() {
    let Some(mut machine) = site() else { return };
    let mut station = Station::open(&machine, &[]);
    machine.stop();
    assert_eq!(station.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_station_that_shows_all_jobs_shows_no_login_and_its_visitor_prints_and_removes_nothing_of_others() {
    let Some(machine) = site() else { return };
    submit(&machine, MAN, "Timetable");
    submit(&machine, GAMES, "Letter");
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "jobs-shown=all", "hall"]).expect(0);
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    browser.log_on("games", "4071").expect(303);
    let list =
        browser.get("/").expect(200).says("Jobs of others").says("Whoever prints one is on record").says("of user-");
    let timetable = id_of(&list, "Timetable");
    let of = list.body.split("Timetable").nth(1).unwrap().split("</th>").next().unwrap().to_owned();
    assert!(!of.contains("man"), "{of}");
    machine.run(OPERATOR, "pdset", &["-c", "user", "-x", "public-name='Red Fox'", "man"]).expect(0);
    browser.get("/").expect(200).says("of Red Fox");
    // He removes none of them, and "print all" is his own.
    browser.post("/jobs", &format!("do=really-delete&job={timetable}")).expect(303);
    browser.get("/").expect(200).says("there is no such job of yours any more").says("Timetable");
    browser.post("/jobs", "do=all").expect(303);
    browser.get("/").expect(200).says("Letter: prints on hall-printer").says("Timetable");
    browser.post("/jobs", &format!("one={timetable}")).expect(303);
    browser.get("/").expect(200).says("Timetable: prints on hall-printer");
    machine.wait_for("it is printed", || machine.paper().contains("for Timetable"));
    // Its owner reads who it was.
    let record = machine.run(MAN, "pdrelease", &["--history"]).expect(0).out;
    assert!(record.lines().any(|line| line.contains("release  games")), "{record}");
    // At a terminal the same; the login is not said there either.
    submit(&machine, MAN, "Menu");
    let listed = machine.run(GAMES, "pdrelease", &["--station", "hall"]).expect(0).out;
    assert!(listed.contains("Menu (of Red Fox)"), "{listed}");
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "jobs-shown=owner", "hall"]).expect(0);
    assert!(!machine.run(GAMES, "pdrelease", &["--station", "hall"]).expect(0).out.contains("Menu"));
}

fn set_card(machine: &Machine, uid: u32, words: &[&str], number: &str) -> Outcome {
    let mut command = machine.command(uid, "pdset");
    let mut child = command.args(["-c", "user"]).args(words).stdin(Stdio::piped()).spawn().unwrap();
    // One that refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(format!("{number}\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Browser {
    fn show_card(&mut self, card: &str, pin: &str) -> Page {
        self.cookie = None;
        self.get("/").expect(200);
        self.post("/log-on", &format!("card={card}&pin={pin}"))
    }
}

#[test]
fn a_person_logs_on_with_a_card_of_which_the_spool_keeps_a_keyed_hash_alone() {
    let Some(machine) = site() else { return };
    let bank = |word: &str| {
        machine.run(OPERATOR, "pdset", &["-c", "station", "-x", &format!("bank={word}"), "hall"]).expect(0);
    };
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    submit(&machine, GAMES, "Letter");
    bank("card");
    set_card(&machine, OPERATOR, &["--card", "games"], "04A2B3C4D5").expect(0);
    set_card(&machine, OPERATOR, &["--card", "games"], "second-card-1").expect(0);
    for (words, number, why) in [
        (&["--card", "man"] as &[&str], "04A2B3C4D5", "the card of somebody else"),
        (&["--card", "man"], "1234", "has 4 characters"),
        (&["--card", "man"], "", "no number of a card"),
        (&["--no-card", "man"], "04A2B3C4D5", "has no such card"),
    ] {
        set_card(&machine, OPERATOR, words, number).expect(1).says(why);
    }
    set_card(&machine, GAMES, &["--card", "games"], "my-own-card-9").expect(1).says("only the creator of this spool");
    // The number is nowhere.
    let base = machine.path("base");
    for name in ["spool.db", "spool.db-wal"] {
        let octets = std::fs::read(base.join(name)).unwrap();
        assert!(!octets.windows(10).any(|part| part == b"04A2B3C4D5"), "{name}");
    }
    let key = std::fs::metadata(base.join("acme1/.card-key")).unwrap();
    assert_eq!(key.mode() & 0o777, 0o600);
    for card in ["04A2B3C4D5", "second-card-1"] {
        browser.show_card(card, "").expect(303);
        browser.get("/").expect(200).says("Logged on as games").says("Letter");
    }
    // A name and a PIN are not taken where a card is wanted; a card that nobody has is as wrong as one that was taken away.
    browser.get("/").expect(200);
    let wrong = browser.show_card("04A2B3C4D6", "").expect(403).says("The name, the card or the PIN is wrong");
    set_card(&machine, GAMES, &["--no-card", "games"], "second-card-1").expect(0);
    let taken = browser.show_card("second-card-1", "").expect(403);
    let body = |page: &Page| page.body.replace(page.token().unwrap(), "");
    assert_eq!(body(&wrong), body(&taken));
    assert!(machine.log().contains("a wrong card or PIN from 127.0.0.1"), "{}", machine.log());
    // Taking it away ends what it began.
    browser.show_card("04A2B3C4D5", "").expect(303);
    machine.run(OPERATOR, "pdset", &["-c", "user", "--no-cards", "games"]).expect(0);
    browser.get("/").expect(200).says("You are logged off.");
    // A card and a PIN: the card alone is not enough, and wrong PINs lock its user.
    bank("card-and-pin");
    set_card(&machine, OPERATOR, &["--card", "man"], "04A2B3C4D5").expect(0);
    browser.cookie = None;
    let form = browser.get("/").expect(200).says("name=\"card\"").says("name=\"pin\"");
    assert!(!form.body.contains("name=\"user\""));
    browser.show_card("04A2B3C4D5", "").expect(403);
    browser.show_card("04A2B3C4D5", "4071").expect(303);
    browser.get("/").expect(200).says("Logged on as man");
    for _ in 0..5 {
        browser.show_card("04A2B3C4D5", "1234").expect(403);
    }
    browser.show_card("04A2B3C4D5", "4071").expect(403);
    let log = machine.run(OPERATOR, "spoolcom", &["LOG"]).expect(0).out;
    assert!(log.contains("try 5 in a row at station hall"), "{log}");
    assert!(!log.contains("04A2B3C4D5") && !machine.log().contains("04A2B3C4D5"));
}

#[test]
fn whoever_guesses_cards_closes_the_page_for_his_own_address() {
    let Some(machine) = site() else { return };
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", "bank=card", "hall"]).expect(0);
    set_card(&machine, OPERATOR, &["--card", "games"], "04A2B3C4D5").expect(0);
    let station = Station::open(&machine, &[]);
    let began = Instant::now();
    let mut guesser = Browser::on(Ipv4Addr::new(127, 0, 2, 1), &station);
    let mut guesses: Vec<u16> = (0..10).map(|n| guesser.show_card(&format!("04A2B3C4{n:02}"), "").status).collect();
    guesses.push(guesser.show_card("04A2B3C4D5", "").status);
    let here = Browser::at(&station).show_card("04A2B3C4D5", "").status;
    if began.elapsed() < Duration::from_secs(59) {
        assert_eq!((guesses, here), ([vec![403; 10], vec![429]].concat(), 303));
    }
}

#[test]
fn a_program_says_who_may_log_on_and_what_he_has_left_and_one_that_does_not_answer_lets_nobody_in() {
    let Some(mut machine) = site() else { return };
    let programs = machine.path("libexec");
    std::fs::create_dir(&programs).unwrap();
    let bank = "#!/bin/sh\nwhile read -r word value; do case $word in ask) ask=$value;; user) user=$value;; card) card=$value;; pin) pin=$value;; end) break;; esac; done\n\
        case $ask:$user:$card:$pin in\nlog-on:ann::secret7) echo yes games;;\nlog-on::CAMPUS-77:*) echo yes man;;\nlog-on:root:*) echo yes root;;\nlog-on:broken:*) exit 3;;\nlog-on:*) echo no;;\n\
        balance:*) echo 'yes 4.20 EUR';;\ndebit:man*) echo over-limit;;\n*) echo yes;;\nesac\n";
    std::fs::write(programs.join("campus"), bank).unwrap();
    for path in [programs.clone(), programs.join("campus")] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    machine.stop();
    machine.start_with(&[("PD_LIBEXEC_DIR", &programs)]);
    let set = "bank=program bank-program=campus bank-charges=true";
    machine.run(OPERATOR, "pdset", &["-c", "station", "-x", set, "hall"]).expect(0);
    for (user, title) in [(GAMES, "Letter"), (MAN, "Timetable")] {
        submit(&machine, user, title);
    }
    let station = Station::open(&machine, &[]);
    let mut browser = Browser::at(&station);
    // Its PINs are its own: ours count for nothing here, and it lets nobody be root.
    browser.log_on("games", "4071").expect(403);
    browser.log_on("root", "x").expect(403);
    browser.log_on("broken", "x").expect(503).says("whoever knows the users does not answer");
    browser.log_on("ann", "secret7").expect(303);
    let list = browser.get("/").expect(200).says("Logged on as games").says("Balance: 4.20 EUR").says("Letter");
    browser.post("/jobs", &format!("one={}", id_of(&list, "Letter"))).expect(303);
    machine.wait_for("it is printed", || machine.paper().contains("for Letter"));
    browser.show_card("CAMPUS-77", "").expect(303);
    let list = browser.get("/").expect(200).says("Logged on as man").says("Timetable");
    browser.post("/jobs", &format!("one={}", id_of(&list, "Timetable"))).expect(303);
    browser.get("/").expect(200).says("Timetable: not printed: your balance is not enough for it");
    std::fs::write(programs.join("campus"), "#!/bin/sh\nexit 1\n").unwrap();
    browser.post("/jobs", &format!("one={}", id_of(&list, "Timetable"))).expect(303);
    browser.get("/").expect(200).says("Timetable: not printed: whoever keeps the balances does not answer");
    assert!(!machine.paper().contains("Timetable"));
    assert!(machine.log().contains("the bank does not answer: campus ended with status 1"), "{}", machine.log());
}
